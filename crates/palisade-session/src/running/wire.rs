//! What is said on a supervisor's socket: one packet a message, some with descriptors.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use crate::refusal::{Exit, Refusal};

/// Longer than any message. What is longer is cut by the kernel and then is no message.
pub(crate) const MOST_BYTES: usize = 130 * 1024;

/// To the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// End the sandbox.
    End,
    /// Run this beside the agent. Each stream is a terminal of its own (`true`) or comes along.
    Exec {
        /// The program and its arguments; never empty.
        argv: Vec<OsString>,
        /// Which streams are a terminal.
        terminal: [bool; 3],
    },
    /// Send this signal to what was started on this connection.
    Signal(i32),
}

/// From the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It will be ended.
    Ending,
    /// It is not done.
    Refused(Refusal),
    /// The controlling side of the command's terminal comes along.
    Terminal,
    /// The command ended with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Request::End => vec![b'E'],
            Request::Signal(number) => numbered(b'S', *number),
            Request::Exec { argv, terminal } => {
                let mut bytes = vec![b'X'];
                bytes.extend(terminal.map(u8::from));
                for word in argv {
                    bytes.extend_from_slice(word.as_bytes());
                    bytes.push(0);
                }
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match tag {
            b'E' if rest.is_empty() => Some(Request::End),
            b'S' => number(rest).map(Request::Signal),
            b'X' => {
                let (flags, words) = rest.split_first_chunk::<3>()?;
                if flags.iter().any(|flag| *flag > 1) {
                    return None;
                }
                let words = words.strip_suffix(&[0])?.split(|byte| *byte == 0);
                let argv = words.map(|word| OsString::from_vec(word.to_vec())).collect();
                Some(Request::Exec { argv, terminal: flags.map(|flag| flag == 1) })
            }
            _ => None,
        }
    }
}

impl Reply {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Reply::Ending => vec![b'E'],
            Reply::Terminal => vec![b'T'],
            Reply::Exited(code) => numbered(b'X', *code),
            Reply::Killed(signal) => numbered(b'K', *signal),
            Reply::Refused(refusal) => {
                let mut bytes = vec![b'R', refusal.exit.code()];
                bytes.extend_from_slice(refusal.what.as_bytes());
                bytes.push(0);
                bytes.extend_from_slice(refusal.remedy.as_bytes());
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match tag {
            b'E' if rest.is_empty() => Some(Reply::Ending),
            b'T' if rest.is_empty() => Some(Reply::Terminal),
            b'X' => number(rest).map(Reply::Exited),
            b'K' => number(rest).map(Reply::Killed),
            b'R' => {
                let (code, text) = rest.split_first()?;
                let exits = [Exit::Refused, Exit::NotExecutable, Exit::NotFound];
                let exit = exits.into_iter().find(|exit| exit.code() == *code)?;
                let text = String::from_utf8_lossy(text);
                let (what, remedy) = text.split_once('\0')?;
                Some(Reply::Refused(Refusal::new(what, remedy).with_exit(exit)))
            }
            _ => None,
        }
    }
}

fn numbered(tag: u8, number: i32) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

fn number(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().ok().map(i32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cross_as_they_are() {
        for request in [
            Request::End,
            Request::Signal(-1),
            Request::Exec { argv: vec!["sh".into(), "".into()], terminal: [true, false, true] },
            Request::Exec { argv: vec![OsString::from_vec(vec![0xff])], terminal: [false; 3] },
        ] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        for reply in [
            Reply::Ending,
            Reply::Terminal,
            Reply::Exited(255),
            Reply::Killed(9),
            Reply::Refused(Refusal::new("what", "remedy").with_exit(Exit::NotFound)),
        ] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
    }

    #[test]
    fn what_is_no_message_is_none() {
        for bytes in [
            &b""[..],
            b"E1",
            b"S",
            b"S123",
            b"S12345",
            b"X",
            b"X\0\0",
            b"X\0\0\0",
            b"X\0\0\0sh",
            b"X\x02\0\0sh\0",
            b"Q",
            b"\xff\xff",
        ] {
            assert_eq!(Request::decode(bytes), None, "{bytes:?}");
        }
        for bytes in [&b""[..], b"R", b"R\x01a\0b", b"R\x7dab", b"X1", b"T1", b"z"] {
            assert_eq!(Reply::decode(bytes), None, "{bytes:?}");
        }
    }
}
