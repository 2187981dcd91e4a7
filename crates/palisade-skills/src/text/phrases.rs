use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Phrases and what they mean, in a tree of their bytes: it is made anew in each process, and a tree is made faster than
/// an automaton. It is asked only where a word begins.
#[derive(Debug)]
pub(super) struct Phrases<M> {
    /// From a node, by a byte, to another.
    edges: HashMap<u32, u32, BuildHasherDefault<Spread>>,
    /// Of each node: one more than the place of the first meaning of what ends there, or 0.
    ends: Vec<u32>,
    /// Each with one more than the place of the next of the same phrase, or 0.
    meanings: Vec<(M, u32)>,
}

/// Keys are numbers of ours.
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        let mixed = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

impl<M> Default for Phrases<M> {
    fn default() -> Self {
        Self { edges: HashMap::default(), ends: vec![0], meanings: Vec::new() }
    }
}

impl<M: Copy> Phrases<M> {
    /// Adds what a phrase means, behind what it means already.
    pub(super) fn add(&mut self, phrase: &str, meaning: M) {
        let mut node = 0;
        for byte in phrase.bytes() {
            let new = number(self.ends.len());
            node = *self.edges.entry(edge(node, byte)).or_insert(new);
            if node == new {
                self.ends.push(0);
            }
        }
        self.meanings.push((meaning, 0));
        let last = number(self.meanings.len());
        let Some(first) = self.ends.get_mut(index(node)) else { return };
        if *first == 0 {
            *first = last;
            return;
        }
        let mut at = index(*first - 1);
        while let Some(&(_, next)) = self.meanings.get(at)
            && next != 0
        {
            at = index(next - 1);
        }
        if let Some((_, next)) = self.meanings.get_mut(at) {
            *next = last;
        }
    }

    /// Each phrase that a text begins with, the shorter first: its length in bytes, and what it means.
    pub(super) fn begin(&self, text: &str) -> impl Iterator<Item = (usize, M)> {
        let mut node = 0;
        text.bytes()
            .map_while(move |byte| {
                node = *self.edges.get(&edge(node, byte))?;
                Some(node)
            })
            .zip(1..)
            .flat_map(move |(node, length)| {
                let mut end = self.ends.get(index(node)).copied().unwrap_or_default();
                std::iter::from_fn(move || {
                    let (meaning, next) = *self.meanings.get(index(end.checked_sub(1)?))?;
                    end = next;
                    Some((length, meaning))
                })
            })
    }
}

/// Nodes are far fewer than fit beside a byte: there are as many as bytes in the lexicon.
fn edge(node: u32, byte: u8) -> u32 {
    node << 8 | u32::from(byte)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_a_text_begins_with_is_found(
            phrases in prop::collection::vec("[abé]{1,4}", 0..20),
            text in "[abé]{0,8}",
        ) {
            let mut tree = Phrases::default();
            for (number, phrase) in phrases.iter().enumerate() {
                tree.add(phrase, number);
            }
            let mut expected: Vec<(usize, usize)> = phrases
                .iter()
                .enumerate()
                .filter(|(_, phrase)| text.starts_with(phrase.as_str()))
                .map(|(number, phrase)| (phrase.len(), number))
                .collect();
            expected.sort();
            prop_assert_eq!(tree.begin(&text).collect::<Vec<_>>(), expected);
        }
    }
}
