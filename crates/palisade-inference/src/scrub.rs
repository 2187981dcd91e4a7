use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use memchr::memmem;
use palisade_core::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The shortest key that is looked for in answers. A shorter one (`EMPTY`, as local servers like)
/// is no secret and stands in ordinary words.
const SHORTEST: usize = 8;

/// Replaces a secret by asterisks, in a stream that may split it anywhere.
///
/// As many asterisks as the secret has bytes: a `Content-Length` stays true. Bytes that could
/// be the start of the secret are held back until the next ones decide; everything before
/// them goes on at once.
pub(crate) struct Scrubber {
    secret: Zeroizing<Vec<u8>>,
    /// How many bytes of the secret stand at the end of what was seen. They are not stored:
    /// they are the secret's first bytes.
    held: usize,
    /// `fallback[n]`: the longest start of the secret, shorter than `n + 1`, that also ends its
    /// first `n + 1` bytes (Knuth, Morris, Pratt).
    fallback: Vec<usize>,
    found: usize,
}

impl Scrubber {
    /// None if the secret is too short to be one.
    pub(crate) fn new(secret: &SecretString) -> Option<Self> {
        let secret = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        if secret.len() < SHORTEST {
            return None;
        }
        let mut fallback = vec![0];
        let mut length = 0usize;
        for byte in secret.iter().skip(1) {
            while length > 0 && secret.get(length) != Some(byte) {
                length = fallback.get(length.saturating_sub(1)).copied().unwrap_or(0);
            }
            if secret.get(length) == Some(byte) {
                length = length.saturating_add(1);
            }
            fallback.push(length);
        }
        Some(Self { secret, held: 0, fallback, found: 0 })
    }

    /// How often the secret was met.
    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// How many bytes wait for what comes next.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// What may go on of all that was seen, once `chunk` has come.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        if self.held == 0 && memmem::find(&chunk, &self.secret).is_none() {
            let held = self.tail(&chunk);
            if held == 0 {
                return chunk;
            }
            self.held = held;
            return chunk.slice(..chunk.len().saturating_sub(held));
        }
        let mut out = BytesMut::with_capacity(chunk.len().saturating_add(self.held));
        for byte in &chunk {
            while self.held > 0 && self.secret.get(self.held) != Some(byte) {
                let shorter = self.fallback.get(self.held.saturating_sub(1)).copied().unwrap_or(0);
                let free = self.held.saturating_sub(shorter);
                out.extend_from_slice(self.secret.get(..free).unwrap_or_default());
                self.held = shorter;
            }
            if self.secret.get(self.held) == Some(byte) {
                self.held = self.held.saturating_add(1);
            } else {
                out.extend_from_slice(&[*byte]);
            }
            if self.held == self.secret.len() {
                out.resize(out.len().saturating_add(self.held), b'*');
                self.held = 0;
                self.found = self.found.saturating_add(1);
            }
        }
        out.freeze()
    }

    /// What was held back, once the stream has ended.
    pub(crate) fn finish(&mut self) -> Bytes {
        let rest = Bytes::copy_from_slice(self.secret.get(..self.held).unwrap_or_default());
        self.held = 0;
        rest
    }

    /// The same for a header value, which comes whole.
    pub(crate) fn header(&mut self, value: &HeaderValue) -> Option<HeaderValue> {
        memmem::find(value.as_bytes(), &self.secret)?;
        let mut out = BytesMut::from(&*self.push(Bytes::copy_from_slice(value.as_bytes())));
        out.extend_from_slice(&self.finish());
        HeaderValue::from_maybe_shared(out.freeze()).ok()
    }

    /// How many bytes at the end of `chunk` are a start of the secret.
    fn tail(&self, chunk: &[u8]) -> usize {
        let longest = self.secret.len().saturating_sub(1).min(chunk.len());
        (1..=longest)
            .rev()
            .find(|length| {
                let start = chunk.len().saturating_sub(*length);
                chunk.get(start..) == self.secret.get(..*length)
            })
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(secret: &str, chunks: &[&[u8]]) -> (Vec<u8>, usize) {
        let mut scrubber = Scrubber::new(&SecretString::from(secret)).unwrap();
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(chunk)));
        }
        out.extend_from_slice(&scrubber.finish());
        (out, scrubber.found())
    }

    #[test]
    fn a_key_split_over_chunks_is_covered() {
        let (out, found) = run("sk-ant-secret", &[b"x sk-an", b"t-sec", b"ret y"]);
        assert_eq!((out.as_slice(), found), (b"x ************* y".as_slice(), 1));
    }

    #[test]
    fn a_false_start_is_given_back() {
        let (out, _) = run("ababacab", &[b"aba", b"babacab", b"abab"]);
        assert_eq!(out, b"ab********abab");
        assert!(Scrubber::new(&SecretString::from("EMPTY")).is_none());
    }

    #[test]
    fn a_chunk_without_a_start_of_the_key_is_the_same_bytes() {
        let mut scrubber = Scrubber::new(&SecretString::from("sk-ant-secret")).unwrap();
        let chunk = Bytes::from_static(b"data: {}\n\n");
        assert_eq!(scrubber.push(chunk.clone()).as_ptr(), chunk.as_ptr());
    }

    proptest! {
        #[test]
        fn any_split_gives_what_a_whole_replacement_gives(
            text in "[ab]{0,120}",
            secret in "[ab]{8,11}",
            cuts in prop::collection::vec(0usize..120, 0..12),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            chunks.push(&text.as_bytes()[from..]);
            let (out, _) = run(&secret, &chunks);
            let expected = text.replace(&secret, &"*".repeat(secret.len()));
            prop_assert_eq!(out, expected.into_bytes());
        }
    }
}
