//! An object in parts: how it is divided, its digest, and what is said about it in XML.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use palisade_journal::Hash;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// What is longer goes in parts of this size. A server takes parts of 5 MiB or more.
pub(super) const PART: u64 = 8 << 20;
/// A server takes no more of one object.
const MOST_PARTS: u64 = 10_000;
/// Of a server's names for parts and uploads, in bytes: they are kept and sent again.
const LONGEST: usize = 1024;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// The parts of an object of so many bytes: as many as a server takes, and each time the same.
pub(super) fn spans(bytes: u64) -> impl Iterator<Item = Span> {
    let size = bytes.div_ceil(MOST_PARTS).max(PART);
    (0..bytes.div_ceil(size)).map(move |number| {
        let from = number.saturating_mul(size);
        Span { from, to: from.saturating_add(size).min(bytes) }
    })
}

/// The digest of a part.
pub(super) fn digest(file: &File, span: Span) -> io::Result<Hash> {
    let (mut context, mut at) = (Context::new(&SHA256), span.from);
    let mut buffer = vec![0; 128 * 1024];
    while at < span.to {
        let left = usize::try_from(span.to.saturating_sub(at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let into = buffer.get_mut(..most).unwrap_or_default();
        file.read_exact_at(into, at)?;
        context.update(into);
        at = at.saturating_add(u64::try_from(most).unwrap_or(1));
    }
    Ok(of(context.finish().as_ref()))
}

/// What a server calls the SHA-256 of an object in parts: the digest of their digests, and how many they are.
pub(super) fn checksum(digests: &[Hash]) -> String {
    let mut context = Context::new(&SHA256);
    for digest in digests {
        context.update(digest.bytes());
    }
    format!("{}-{}", BASE64_STANDARD.encode(context.finish().as_ref()), digests.len())
}

/// Whether a server means this by what it says: some leave out how many parts there are.
pub(super) fn means(said: &str, checksum: &str) -> bool {
    said == checksum || checksum.split_once('-').is_some_and(|(digest, _)| digest == said)
}

/// The checksum of a file, of which the digests are not known any more.
pub(super) fn checksum_of(file: &Arc<File>, bytes: u64) -> io::Result<String> {
    let digests: io::Result<Vec<Hash>> = spans(bytes).map(|span| digest(file, span)).collect();
    digests.map(|digests| checksum(&digests))
}

fn of(digest: &[u8]) -> Hash {
    Hash::from(<[u8; 32]>::try_from(digest).unwrap_or_default())
}

/// An upload that a server has begun, on the disk between two attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    /// The format's version, 1.
    pub(super) v: u8,
    /// Where the object is to be.
    pub(super) path: String,
    /// Of its bytes.
    pub(super) sha256: Hash,
    /// The server's name for it.
    pub(super) id: String,
    /// What the server has, in order.
    pub(super) parts: Vec<Sent>,
    /// They were put together.
    pub(super) done: bool,
}

/// A part that the server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// The server's name for it.
    pub(super) etag: String,
    /// Of its bytes.
    pub(super) sha256: Hash,
}

impl Upload {
    /// What asks the server to put the parts together.
    pub(super) fn complete(&self) -> String {
        let mut text = String::from(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        );
        for (number, part) in (1_u32..).zip(&self.parts) {
            let (etag, digest) = (escaped(&part.etag), BASE64_STANDARD.encode(part.sha256.bytes()));
            text.push_str(&format!(
                "<Part><ChecksumSHA256>{digest}</ChecksumSHA256><ETag>{etag}</ETag>\
                 <PartNumber>{number}</PartNumber></Part>"
            ));
        }
        text.push_str("</CompleteMultipartUpload>");
        text
    }
}

/// A name that a server gave: short, of one line, and in ASCII, or it is none.
pub(super) fn name(text: &str) -> Option<&str> {
    let fits = !text.is_empty() && text.len() <= LONGEST;
    (fits && text.bytes().all(|byte| (0x21..0x7f).contains(&byte))).then_some(text)
}

/// The text of the first element of this name. Of XML that is known no more is needed, and of other nothing is believed.
pub(super) fn element(xml: &[u8], name: &str) -> Option<String> {
    let xml = std::str::from_utf8(xml).ok()?;
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    if text.contains('<') {
        return None;
    }
    let text = text.trim().replace("&quot;", "\"").replace("&#34;", "\"");
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// As a value in a query, so that it is signed as it is sent.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_of_it_and_no_more_than_a_server_takes() {
        for bytes in [0, 1, PART - 1, PART, PART + 1, 3 * PART, 5 << 40, (5 << 40) + 1] {
            let (mut at, mut count) = (0, 0);
            for span in spans(bytes) {
                assert!(span.from == at && span.to > at && span.to <= bytes, "{bytes} {span:?}");
                (at, count) = (span.to, count + 1);
            }
            assert!(at == bytes && count <= MOST_PARTS, "{bytes}: {at} in {count}");
        }
    }

    #[test]
    fn a_checksum_of_parts_is_known_with_their_number_and_without() {
        let digests = [of(&[1; 32]), of(&[2; 32])];
        let ours = checksum(&digests);
        let (digest, number) = ours.split_once('-').unwrap();
        assert!(number == "2" && means(&ours, &ours) && means(digest, &ours));
        let other = checksum(&digests[..1]);
        for bad in ["", "-2", &other, &format!("{digest}-3"), &ours[1..]] {
            assert!(!means(bad, &ours), "{bad}");
        }
    }

    #[test]
    fn what_a_server_names_breaks_out_of_nothing() {
        assert_eq!(element(b"<a><UploadId>x&amp;y</UploadId></a>", "UploadId").unwrap(), "x&y");
        for none in ["", "<UploadId>", "<UploadId><b/></UploadId>", "<UploadId x='1'>a</UploadId>"]
        {
            assert_eq!(element(none.as_bytes(), "UploadId"), None, "{none}");
        }
        assert_eq!(element(b"\xff<UploadId>a</UploadId>", "UploadId"), None);
        for bad in ["", "a b", "a\r\nb", "é", &"x".repeat(LONGEST + 1)] {
            assert_eq!(name(bad), None, "{bad}");
        }
        assert_eq!(encoded("a+b/c=&d?\r\n~"), "a%2Bb%2Fc%3D%26d%3F%0D%0A~");
        let part = Sent { etag: "\"</ETag><ETag>x&".into(), sha256: of(&[0; 32]) };
        let upload = Upload {
            v: 1,
            path: "/b/o".into(),
            sha256: of(&[0; 32]),
            id: "i".into(),
            parts: vec![part],
            done: false,
        };
        let text = upload.complete();
        assert_eq!(text.matches("<ETag>").count(), 1, "{text}");
        assert!(text.contains("&quot;&lt;/ETag&gt;&lt;ETag&gt;x&amp;"), "{text}");
    }
}
