//! A text in lower case, and which runs of three bytes it has.

use std::cell::RefCell;

use memchr::memmem;

use super::{glance::Glance, required::PAST_ASCII};

/// Bits that say which runs there are.
const BITS: usize = 1 << 15;
/// Bytes from which a text is kept apart from shorter ones: many look at a whole text, and between them at pieces of it.
const LONG: usize = 1 << 11;
/// Bytes that are looked through for the texts of one pattern, at most.
const MOST_SEARCHED: usize = 8 << 20;
/// Characters past ASCII that are letters of ASCII where case says nothing: the sign of the unit kelvin and the long s.
const FOLDED: [&[u8]; 2] = ["\u{212a}".as_bytes(), "\u{17f}".as_bytes()];

pub(super) struct Folded {
    text: Vec<u8>,
    lower: Vec<u8>,
    runs: Box<[u64]>,
    ascii: bool,
    odd: bool,
}

thread_local! {
    /// The last short one and the last long one: the same text is looked at by many patterns.
    static LAST: RefCell<[Folded; 2]> = RefCell::new([Folded::new(), Folded::new()]);
}

/// Does this with a text. Nothing may be done with another one meanwhile.
pub(super) fn with<R>(text: &[u8], work: impl FnOnce(&Folded) -> R) -> R {
    LAST.with_borrow_mut(|[short, long]| {
        let folded = if text.len() < LONG { short } else { long };
        if folded.text != text {
            folded.become_of(text);
        }
        work(folded)
    })
}

impl Folded {
    fn new() -> Self {
        let runs = vec![0; BITS / 64].into_boxed_slice();
        Self { text: Vec::new(), lower: Vec::new(), runs, ascii: true, odd: false }
    }

    fn become_of(&mut self, text: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.lower.clear();
        self.lower.extend(text.iter().map(u8::to_ascii_lowercase));
        self.ascii = text.is_ascii();
        self.odd = !self.ascii && FOLDED.iter().any(|c| memmem::find(text, c).is_some());
        self.runs.fill(0);
        for run in self.lower.windows(3) {
            let (word, bit) = place(run);
            if let Some(word) = self.runs.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// The text with its letters of ASCII in lower case.
    pub(super) fn lower(&self) -> &[u8] {
        &self.lower
    }

    /// Is there a letter of ASCII in it that is none?
    pub(super) fn is_odd(&self) -> bool {
        self.odd
    }

    /// May it hold one, at least, of each of these lists?
    pub(super) fn may_hold(&self, lists: &[Vec<String>]) -> bool {
        self.odd || lists.iter().all(|list| list.iter().any(|text| self.holds(text)))
    }

    /// May it hold one of these?
    pub(super) fn may_hold_one(&self, glance: &Glance) -> bool {
        // A long text has most runs that there are. To look through it for each text costs more than to match.
        let mut searches = MOST_SEARCHED / self.lower.len().max(1);
        let may_hold = |text: &str| {
            self.has_runs(text) && {
                searches = searches.saturating_sub(1);
                searches == 0 || self.holds(text)
            }
        };
        self.odd || glance.is_empty() || glance.texts().any(may_hold)
    }

    fn holds(&self, text: &str) -> bool {
        self.has_runs(text)
            && (text == PAST_ASCII || memmem::find(&self.lower, text.as_bytes()).is_some())
    }

    fn has_runs(&self, text: &str) -> bool {
        let has = |run: &[u8]| {
            let (word, bit) = place(run);
            self.runs.get(word).is_some_and(|word| word & bit != 0)
        };
        (text != PAST_ASCII || !self.ascii) && text.as_bytes().windows(3).all(has)
    }
}

/// The word and the bit that stand for three bytes.
fn place(run: &[u8]) -> (usize, u64) {
    let number = run.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let bit = number.wrapping_mul(0x9e37_79b1) >> 17;
    (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
}
