//! How far an earlier look at the ledger came, so that the next one need not check the same signatures again.

use rustix::io::pread;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Hash, disk,
    ledger::{Follow, Keys},
    store::Folder,
};

/// The file in the state folder that remembers it. Whoever can write there has the keys as well.
pub(crate) const SEEN: &str = "ledger.seen";
/// It is a few hundred bytes.
const SEEN_MAX: usize = 4096;

/// The beginning of a ledger whose signatures were checked: these very bytes, and the keys behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    v: u8,
    bytes: u64,
    sha256: Hash,
    keys: Keys,
}

impl Seen {
    /// What is remembered. Whatever is wrong with it, all is checked then.
    pub(crate) fn recall(state: &Folder) -> Option<Self> {
        let (fd, _) = state.keep(SEEN).ok()?;
        let mut text = [0; SEEN_MAX];
        let read = pread(fd, &mut text, 0).ok()?;
        let seen: Self = serde_json::from_slice(text.get(..read)?).ok()?;
        (seen.v == 1).then_some(seen)
    }

    /// Remember it. Where that fails, or a crash leaves half of it, the next look checks all.
    pub(crate) fn remember(&self, state: &Folder) {
        let write = || {
            let (fd, _) = state.keep(SEEN).ok()?;
            let (path, text) = (state.path().join(SEEN), serde_json::to_vec(self).ok()?);
            disk::write_at(&fd, &path, &text, 0).ok()?;
            disk::cut(&fd, &path, u64::try_from(text.len()).ok()?).ok()
        };
        write();
    }
}

/// Compares a ledger that is read with what was seen of it.
#[derive(Debug, Default)]
pub(super) struct Vouch<'a> {
    /// Until its end is reached, and its bytes are shown to be these.
    seen: Option<&'a Seen>,
    /// Of all lines, where what is seen now is asked for.
    digest: Option<Sha256>,
    bytes: u64,
}

impl<'a> Vouch<'a> {
    pub(super) fn new(seen: Option<&'a Seen>) -> Self {
        Self { seen, digest: Some(Sha256::new()), bytes: 0 }
    }

    /// Whether what was read rests on bytes that were not shown to be those that were seen.
    pub(super) fn is_open(&self) -> bool {
        self.seen.is_some()
    }

    /// Whether the line that ends there is of what was seen, if that is still what stands there.
    pub(super) fn knows(&self, end: u64) -> bool {
        self.seen.is_some_and(|seen| end <= seen.bytes)
    }

    /// After a line, without newline, that was followed. False: it is not what was seen, and nothing so far is checked.
    pub(super) fn line(&mut self, line: &[u8], end: u64, follow: &mut Follow) -> bool {
        let Some(digest) = &mut self.digest else { return true };
        digest.update(line);
        digest.update(b"\n");
        self.bytes = end;
        let Some(seen) = self.seen.filter(|seen| end >= seen.bytes) else { return true };
        let same = end == seen.bytes && Hash::from(digest.clone()) == seen.sha256;
        if same {
            follow.keys = Some(seen.keys);
            self.seen = None;
        }
        same
    }

    /// What is seen now, with these keys in force behind it.
    pub(super) fn done(self, keys: Option<Keys>) -> Option<Seen> {
        let (keys, digest) = (keys?, self.digest?);
        let sha256 = Hash::from(digest);
        self.seen.is_none().then_some(Seen { v: 1, bytes: self.bytes, sha256, keys })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use palisade_core::{Event, Layer, PolicyDigest};

    use super::*;
    use crate::{Durability, Journal, JournalError, journal_dir, ship::Shipping};

    fn session(state: &Path, name: &str) {
        let policy = PolicyDigest::of(b"policy");
        let journal = Journal::open(state, &name.parse().unwrap(), None, &policy).unwrap();
        let end = Event::observed("end", Layer::Process, "exit 0");
        journal.close_blocking(end, Durability::Written).unwrap();
    }

    fn begin(state: &Path) -> Result<usize, String> {
        match Shipping::begin(state) {
            Ok(shipping) => Ok(shipping.unwrap().ended().count()),
            Err(JournalError::Damaged { what, .. }) => Err(what),
            Err(error) => panic!("{error}"),
        }
    }

    fn seen(state: &Path) -> Seen {
        Seen::recall(&Folder::state(state).unwrap()).unwrap()
    }

    fn ledger(state: &Path) -> Vec<u8> {
        fs::read(journal_dir(state).join("ledger.jsonl")).unwrap()
    }

    fn put(state: &Path, bytes: &[u8]) {
        fs::write(journal_dir(state).join("ledger.jsonl"), bytes).unwrap();
    }

    /// The ledger with another last digit of the signature of its second entry.
    fn forged(ledger: &[u8]) -> Vec<u8> {
        let mut bytes = ledger.to_vec();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let at = ends.map(|(at, _)| at).nth(1).unwrap() - 3;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        bytes
    }

    #[test]
    fn what_was_seen_is_not_checked_again_and_nothing_else_passes_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        session(state, "one");
        assert_eq!(begin(state), Ok(1));
        let first = seen(state);
        assert_eq!(first.bytes, ledger(state).len() as u64);
        session(state, "two");
        assert_eq!(begin(state), Ok(2));
        let (second, whole) = (seen(state), ledger(state));
        assert!(second.bytes > first.bytes && second.bytes == whole.len() as u64);
        assert_eq!(second.sha256, Hash::of(&[&whole]));

        // A signature that is false is found, seen before or not.
        put(state, &forged(&whole));
        let before = begin(state).unwrap_err();
        assert!(before.contains("not signed"), "{before}");
        fs::remove_file(state.join(SEEN)).unwrap();
        assert_eq!(begin(state).unwrap_err(), before);
        // Only who can write the state folder, and so has the keys, can have it vouched for: this shows that it is not checked.
        let sha256 = Hash::of(&[&forged(&whole)]);
        Seen { sha256, ..second.clone() }.remember(&Folder::state(state).unwrap());
        assert_eq!(begin(state), Ok(2));
        // What comes behind is checked all the same: here by keys that are said to be others.
        let other = Keys { now: crate::note::PublicKey([7; 32]), ..first.keys };
        put(state, &whole);
        Seen { keys: other, ..first.clone() }.remember(&Folder::state(state).unwrap());
        assert!(begin(state).is_err());
        first.remember(&Folder::state(state).unwrap());
        assert_eq!(begin(state), Ok(2));
        assert_eq!(seen(state), second);
    }

    #[test]
    fn a_ledger_that_is_another_or_a_memory_that_is_none_is_checked_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        session(state, "one");
        let (short, id) = (ledger(state), "two");
        session(state, id);
        assert_eq!(begin(state), Ok(2));
        let whole = ledger(state);
        // Shorter than what was seen: what is there is whole, and that it is less others find.
        put(state, &short);
        assert_eq!(begin(state), Ok(1));
        put(state, &whole);
        assert_eq!(begin(state), Ok(2));
        let good = fs::read(state.join(SEEN)).unwrap();
        for bad in [&b""[..], b"{", b"{\"v\":2}", &good[..good.len() / 2], &[b'x'; 9000]] {
            fs::write(state.join(SEEN), bad).unwrap();
            assert_eq!(begin(state), Ok(2), "{}", String::from_utf8_lossy(bad));
            assert_eq!(fs::read(state.join(SEEN)).unwrap(), good);
        }
        // In the middle of a line.
        let cut = Seen { bytes: seen(state).bytes - 5, ..seen(state) };
        cut.remember(&Folder::state(state).unwrap());
        assert_eq!(begin(state), Ok(2));
        put(state, &whole[..whole.len() - 1]);
        assert!(begin(state).is_err());
    }
}
