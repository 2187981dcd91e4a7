use std::io::{self, BufRead, BufReader, Read};

use thiserror::Error;

/// Bytes of one message.
pub const MOST_BYTES: usize = 16 << 20;

/// The messages of a stream: one a line, without the line's end.
#[derive(Debug)]
pub struct Lines<R> {
    from: BufReader<R>,
}

/// Why a stream of messages ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LineError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A line is longer than [`MOST_BYTES`].
    #[error("a message is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// It ends within a message.
    #[error("it ends in the middle of a message")]
    Unfinished,
}

impl<R: Read> Lines<R> {
    /// The messages that come from here.
    pub fn new(from: R) -> Self {
        Self { from: BufReader::new(from) }
    }

    /// The next message; `None` at the end. Empty lines are none.
    ///
    /// # Errors
    /// See [`LineError`]. There is no next one after an error.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        loop {
            let mut line = Vec::new();
            let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
            let mut bounded = (&mut self.from).take(most);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if line.last() != Some(&b'\n') {
                return Err(if line.len() > MOST_BYTES {
                    LineError::TooLong
                } else {
                    LineError::Unfinished
                });
            }
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message() {
        let mut lines = Lines::new(&b"{}\n\n{\"a\":1}\r\n{"[..]);
        assert_eq!(lines.next_line().unwrap().unwrap(), b"{}");
        assert_eq!(lines.next_line().unwrap().unwrap(), b"{\"a\":1}");
        assert!(matches!(lines.next_line(), Err(LineError::Unfinished)));
        assert!(Lines::new(&b""[..]).next_line().unwrap().is_none());
    }

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let endless = io::repeat(b'x').take(40 << 20);
        assert!(matches!(Lines::new(endless).next_line(), Err(LineError::TooLong)));
    }
}
