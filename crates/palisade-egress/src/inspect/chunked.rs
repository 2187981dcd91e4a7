//! Where a chunked body ends (RFC 9112, section 7.1), read strictly.

use super::head;

/// The most of a chunk's size line, extensions included.
const LONGEST_SIZE: usize = 256;
/// The most of all trailers.
const LONGEST_TRAILERS: usize = 16 * 1024;
/// Digits of a size that fits into 64 bits.
const MOST_DIGITS: usize = 16;

/// Follows a chunked body, however it is cut.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    /// The line in the making.
    line: Vec<u8>,
    trailers: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailer,
    Done,
}

impl Chunked {
    /// How many of these bytes belong to the body.
    ///
    /// # Errors
    /// There is more than one way to read it, or none.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut rest = bytes;
        while self.state != State::Done && !rest.is_empty() {
            if let State::Data(left) = self.state {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(taken..).unwrap_or_default();
                let left = left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
                self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                continue;
            }
            let Some((byte, after)) = rest.split_first() else { break };
            rest = after;
            if self.line.last() == Some(&b'\r') {
                if *byte != b'\n' {
                    return Err("a line of its chunks has a CR that is not before an LF");
                }
                self.line.pop();
                let line = std::mem::take(&mut self.line);
                self.end_of_line(&line)?;
            } else if *byte == b'\n' {
                return Err("a line of its chunks ends with LF alone");
            } else {
                self.line.push(*byte);
                self.check_length()?;
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Whether all of the body was seen.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn check_length(&self) -> Result<(), &'static str> {
        match self.state {
            State::DataEnd if self.line != b"\r" => Err("a chunk is longer than it says"),
            State::Size if self.line.len() > LONGEST_SIZE => Err("a chunk's size line is too long"),
            State::Trailer if self.trailers + self.line.len() > LONGEST_TRAILERS => {
                Err("its trailers are too long")
            }
            _ => Ok(()),
        }
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        self.state = match self.state {
            State::Size => match size(line)? {
                0 => State::Trailer,
                size => State::Data(size),
            },
            State::Trailer if line.is_empty() => State::Done,
            State::Trailer => {
                self.trailers += line.len() + 2;
                head::field(line)?;
                State::Trailer
            }
            State::DataEnd | State::Data(_) => State::Size,
            State::Done => State::Done,
        };
        Ok(())
    }
}

fn size(line: &[u8]) -> Result<u64, &'static str> {
    const WRONG: &str = "a chunk's size is not a hexadecimal number";
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, extension) = line.split_at(digits);
    if digits == 0 || digits > MOST_DIGITS {
        return Err(WRONG);
    }
    if !matches!(extension.first(), None | Some(b';')) {
        return Err(WRONG);
    }
    if !extension.iter().all(|byte| (b' '..0x7f).contains(byte)) {
        return Err("a chunk's extension has a control character");
    }
    let number = std::str::from_utf8(number).map_err(|_| WRONG)?;
    u64::from_str_radix(number, 16).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Result<(usize, bool), &'static str> {
        let mut chunked = Chunked::default();
        let taken = chunked.advance(bytes)?;
        Ok((taken, chunked.is_done()))
    }

    #[test]
    fn ends_where_the_body_ends() {
        for (body, rest) in [
            ("0\r\n\r\n", ""),
            ("0\r\n\r\n", "GET / HTTP/1.1\r\n"),
            ("5\r\nhello\r\n0\r\n\r\n", "\r\n"),
            ("005;a=b;c=\"d\"\r\nhello\r\n0\r\nx: y\r\nz:\r\n\r\n", "0"),
            ("A\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "x"),
        ] {
            let bytes = format!("{body}{rest}");
            assert_eq!(whole(bytes.as_bytes()), Ok((body.len(), true)), "{body:?}");
        }
    }

    #[test]
    fn refuses_what_is_read_in_two_ways() {
        for body in [
            "\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "-1\r\n",
            "5;a\rb\r\nhello\r\n",
            "5;\nhello\r\n",
            "5;a\0\r\nhello\r\n",
            "10000000000000000\r\n",
            "g\r\n",
            "0\r\nx y\r\n\r\n",
            "0\r\n folded\r\n\r\n",
            "0\r\nx : y\r\n\r\n",
            "0\n\r\n",
            "0\r\nx: y\n\r\n",
        ] {
            assert!(whole(body.as_bytes()).is_err(), "{body:?}");
        }
        assert!(whole(&vec![b'0'; 300]).is_err());
        let long = format!("0\r\n{}", "x: y\r\n".repeat(3000));
        assert!(whole(long.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_is_read_the_same(
            bytes in prop_oneof![
                "[0-9a-f\r\n;x: ]{0,60}",
                "(([1-9a]\r\n[a-z0\r\n]{1,10}\r\n){0,4}0\r\n(x: y\r\n){0,2}\r\n.{0,5})",
            ],
            cuts in prop::collection::vec(0usize..60, 0..8),
        ) {
            let bytes = bytes.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let mut chunked = Chunked::default();
            let (mut from, mut taken, mut result) = (0, 0, Ok(()));
            for to in cuts {
                match chunked.advance(&bytes[from..to]) {
                    Ok(part) => taken += part,
                    Err(why) => { result = Err(why); break }
                }
                from = to;
            }
            match whole(bytes) {
                Ok(expected) => {
                    prop_assert_eq!(result, Ok(()));
                    prop_assert_eq!((taken, chunked.is_done()), expected);
                }
                Err(why) => prop_assert_eq!(result, Err(why)),
            }
        }
    }
}
