use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// How many secrets have marks of their own.
const MOST: usize = 1 << 16;

/// The marks that stand for secrets: one for each, the same as long as the sandbox runs, so that a prompt
/// stays the same from call to call. Of the secret only a digest is kept.
#[derive(Default)]
pub(crate) struct Marks {
    given: Mutex<Given>,
    /// Whether secrets are kept, so that marks can be turned back.
    keeps: AtomicBool,
}

#[derive(Default)]
struct Given {
    marks: HashMap<[u8; 32], usize>,
    numbers: HashMap<&'static str, usize>,
    secrets: HashMap<String, Zeroizing<String>>,
    kept: usize,
}

/// Kinds of what the operator named. Who finds one in a prompt has no right to it.
const OPERATORS: [&str; 3] = ["credential", "denied-file", "decoy"];
/// Bytes of secrets that are kept.
const MOST_KEPT: usize = 4 << 20;

impl Marks {
    /// Such as `[palisade:github-token:1]`.
    pub(crate) fn of(&self, kind: &'static str, secret: &[u8]) -> String {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, secret).as_ref());
        let mut given = self.given();
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
        let mark = format!("[palisade:{kind}:{number}]");
        if self.keeps.load(Ordering::Relaxed)
            && !OPERATORS.contains(&kind)
            && given.kept.saturating_add(secret.len()) <= MOST_KEPT
            && !given.secrets.contains_key(&mark)
            && let Ok(text) = std::str::from_utf8(secret)
        {
            given.kept = given.kept.saturating_add(secret.len());
            given.secrets.insert(mark.clone(), Zeroizing::new(text.to_owned()));
        }
        mark
    }

    /// Keep secrets from now on, or forget those that were kept.
    pub(crate) fn keep(&self, keeps: bool) {
        self.keeps.store(keeps, Ordering::Relaxed);
        if !keeps {
            let mut given = self.given();
            given.secrets.clear();
            given.kept = 0;
        }
    }

    /// The secret that a mark stands for, if the client had sent it and it is kept.
    pub(crate) fn secret(&self, mark: &str) -> Option<Zeroizing<String>> {
        self.given().secrets.get(mark).cloned()
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some that keep secrets.
    #[cfg(test)]
    pub(crate) fn keeping() -> Self {
        let marks = Self::default();
        marks.keep(true);
        marks
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks").finish_non_exhaustive()
    }
}
