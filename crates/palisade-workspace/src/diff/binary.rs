//! Files that are no text, as `git apply` takes them: `GIT binary patch` of gitformat-diff, both ways.

use std::io::Write;

use data_encoding::HEXLOWER;
use flate2::{Compression, write::ZlibEncoder};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// Bytes a line: its length is one letter.
const LINE: usize = 52;
/// Git's base 85: `base85.c`.
const DIGITS: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// The lines behind the modes. `None` is a file that is not there.
pub(super) fn patch(before: Option<&[u8]>, after: Option<&[u8]>, out: &mut Vec<u8>) {
    let head = format!("index {}..{}\nGIT binary patch\n", name(before), name(after));
    out.extend_from_slice(head.as_bytes());
    literal(after.unwrap_or_default(), out);
    literal(before.unwrap_or_default(), out);
}

/// What git calls the content by, with which it sees that it has the right one.
fn name(content: Option<&[u8]>) -> String {
    let Some(content) = content else { return "0".repeat(40) };
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(format!("blob {}\0", content.len()).as_bytes());
    digest.update(content);
    HEXLOWER.encode(digest.finish().as_ref())
}

fn literal(content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("literal {}\n", content.len()).as_bytes());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(content)
        .and_then(|()| packed.finish())
        .expect("memory takes all that is written");
    for bytes in packed.chunks(LINE) {
        line(bytes, out);
    }
    out.push(b'\n');
}

fn line(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(bytes.len()).unwrap_or_default();
    out.push(if length <= 26 { b'A' + length - 1 } else { b'a' + length - 27 });
    for four in bytes.chunks(4) {
        let mut number = (0..4).fold(0_u32, |number, at| {
            number << 8 | u32::from(four.get(at).copied().unwrap_or_default())
        });
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            let value = usize::try_from(number % 85).unwrap_or_default();
            *digit = DIGITS.get(value).copied().unwrap_or_default();
            number /= 85;
        }
        out.extend_from_slice(&digits);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `git diff --binary` of an empty file.
    #[test]
    fn lines_are_git_s() {
        let mut out = Vec::new();
        line(&[0x78, 0x01, 0x03, 0, 0, 0, 0, 1], &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "HcmV?d00001\n");
        assert_eq!(name(Some(b"")), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }
}
