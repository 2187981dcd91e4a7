use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use ring::digest::{SHA256, digest};

/// How many secrets have marks of their own.
const MOST: usize = 1 << 16;

/// The marks that stand for secrets: one for each, the same as long as the sandbox runs, so that a prompt
/// stays the same from call to call. Of the secret only a digest is kept.
#[derive(Default)]
pub(super) struct Marks(Mutex<Given>);

#[derive(Default)]
struct Given {
    marks: HashMap<[u8; 32], usize>,
    numbers: HashMap<&'static str, usize>,
}

impl Marks {
    /// Such as `[palisade:github-token:1]`.
    pub(super) fn of(&self, kind: &'static str, secret: &[u8]) -> String {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, secret).as_ref());
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match given.marks.get(&key) {
            Some(number) => *number,
            None if given.marks.len() >= MOST => return format!("[palisade:{kind}:more]"),
            None => {
                let next = given.numbers.entry(kind).or_insert(0);
                *next = next.saturating_add(1);
                let number = *next;
                given.marks.insert(key, number);
                number
            }
        };
        format!("[palisade:{kind}:{number}]")
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks").finish_non_exhaustive()
    }
}
