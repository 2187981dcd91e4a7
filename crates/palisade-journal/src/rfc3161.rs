//! Time-stamps of RFC 3161: somebody else's word that a checkpoint was there at a time.
//!
//! What a server answers is read as far as that it granted a stamp for this very checkpoint. Its signature and
//! certificates are for `openssl ts -verify`, which auditors have.

use ring::rand::{SecureRandom, SystemRandom};

use crate::{Hash, JournalError, Timestamp};

/// Bytes of an answer that are looked at.
pub const ANSWER_MAX: usize = 256 * 1024;

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const ZEROTH: u8 = 0xa0;

/// Why an answer is no stamp for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// It has not the form of RFC 3161.
    #[error("the server's answer is no time-stamp response")]
    Form,
    /// The server did not grant one.
    #[error("the server granted no time-stamp (status {0})")]
    Refused(u8),
    /// It is a stamp for something else.
    #[error("the time-stamp is for another text, or the answer to another question")]
    Other,
}

/// A question for a stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    digest: Hash,
    nonce: [u8; 8],
}

impl Question {
    /// Ask for a stamp on this text.
    pub fn about(text: &[u8]) -> Result<Self, JournalError> {
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce).map_err(|_| JournalError::NoRandom)?;
        // A positive number in its one shortest form.
        nonce[0] = nonce[0] & 0x7f | 0x40;
        Ok(Self { digest: Hash::of(&[text]), nonce })
    }

    /// The request, in DER, for a server (`application/timestamp-query`). It asks for the certificate too.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &[&tlv(OID, &[SHA256]), &[0x05, 0x00]]);
        let imprint = tlv(SEQUENCE, &[&algorithm, &tlv(OCTETS, &[self.digest.bytes()])]);
        let nonce = tlv(INTEGER, &[&self.nonce]);
        tlv(SEQUENCE, &[&tlv(INTEGER, &[&[1]]), &imprint, &nonce, &[0x01, 0x01, 0xff]])
    }

    /// The time of the stamp in `answer` (`application/timestamp-reply`), if it is one for this question.
    pub fn answered(&self, answer: &[u8]) -> Result<Timestamp, StampError> {
        if answer.len() > ANSWER_MAX {
            return Err(StampError::Form);
        }
        let (mut response, _) = Der(answer).take(SEQUENCE)?;
        let mut status = response.next(SEQUENCE)?;
        match *status.next(INTEGER)?.0 {
            [0 | 1] => {}
            [other] => return Err(StampError::Refused(other)),
            _ => return Err(StampError::Form),
        }
        let mut content = response.next(SEQUENCE)?;
        content.is(OID, SIGNED_DATA)?;
        let mut signed = content.next(ZEROTH)?.next(SEQUENCE)?;
        signed.next(INTEGER)?;
        signed.next(SET)?;
        let mut enclosed = signed.next(SEQUENCE)?;
        enclosed.is(OID, TST_INFO)?;
        let mut info = enclosed.next(ZEROTH)?.next(OCTETS)?.next(SEQUENCE)?;
        info.next(INTEGER)?;
        info.next(OID)?;
        let mut imprint = info.next(SEQUENCE)?;
        imprint.next(SEQUENCE)?.is(OID, SHA256)?;
        let digest = imprint.next(OCTETS)?;
        info.next(INTEGER)?;
        let time = info.next(TIME)?;
        // Accuracy and ordering may stand before the nonce.
        let mut nonce = false;
        while let Ok((value, rest)) = info.any() {
            nonce |= value == (INTEGER, self.nonce.as_slice());
            info = rest;
        }
        if digest.0 != self.digest.bytes() || !nonce {
            return Err(StampError::Other);
        }
        generalized(time.0).ok_or(StampError::Form)
    }
}

/// `20261126093000.5Z` as a moment.
fn generalized(text: &[u8]) -> Option<Timestamp> {
    let text = str::from_utf8(text).ok()?;
    let part = |from: usize, to: usize| text.get(from..to);
    let rest = text.get(14..)?.strip_suffix('Z')?;
    let iso = format!(
        "{}-{}-{}T{}:{}:{}{rest}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    Timestamp::parse(&iso, Timestamp::now()).ok()
}

/// One value of DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    // All that is written here is shorter than 128 bytes.
    out.push(u8::try_from(content.len()).unwrap_or(127));
    out.extend(content);
    out
}

/// Values of DER that are still to be read.
#[derive(Debug, Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value, whatever it is, and what follows.
    fn any(self) -> Result<((u8, &'a [u8]), Der<'a>), StampError> {
        let [tag, first, rest @ ..] = self.0 else { return Err(StampError::Form) };
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let (bytes, rest) =
                    rest.split_at_checked(usize::from(first & 0x0f)).ok_or(StampError::Form)?;
                (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(StampError::Form),
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(StampError::Form)?;
        Ok(((*tag, value), Der(rest)))
    }

    fn take(self, tag: u8) -> Result<(Der<'a>, Der<'a>), StampError> {
        let ((found, value), rest) = self.any()?;
        if found == tag { Ok((Der(value), rest)) } else { Err(StampError::Form) }
    }

    fn next(&mut self, tag: u8) -> Result<Der<'a>, StampError> {
        let (value, rest) = self.take(tag)?;
        *self = rest;
        Ok(value)
    }

    fn is(&mut self, tag: u8, wanted: &[u8]) -> Result<(), StampError> {
        if self.next(tag)?.0 == wanted { Ok(()) } else { Err(StampError::Form) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refusal_is_told() {
        let question = Question::about(b"text").unwrap();
        assert_eq!(question.answered(&[0x30, 5, 0x30, 3, 2, 1, 2]), Err(StampError::Refused(2)));
        assert_eq!(question.answered(b""), Err(StampError::Form));
    }

    #[test]
    fn times_are_read() {
        let is = |text: &str| generalized(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(is("20261126093000Z").unwrap(), "2026-11-26T09:30:00.000000Z");
        assert_eq!(is("20261126093000.25Z").unwrap(), "2026-11-26T09:30:00.250000Z");
        for bad in ["", "20261126093000", "2026112609300Z", "20261326093000Z", "2026é1126093000Z"]
        {
            assert_eq!(is(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Question::about(b"text").unwrap().answered(&bytes).is_err());
        }

        #[test]
        fn any_nested_answer_is_read_without_a_panic(tags in prop::collection::vec(0..7_usize, 0..12), tail in prop::collection::vec(any::<u8>(), 0..40)) {
            let all = [INTEGER, OCTETS, OID, TIME, SEQUENCE, SET, ZEROTH];
            let mut bytes = tail;
            for tag in tags {
                if bytes.len() < 120 {
                    bytes = tlv(all[tag], &[&bytes]);
                }
            }
            prop_assert!(Question::about(b"text").unwrap().answered(&bytes).is_err());
        }
    }
}
