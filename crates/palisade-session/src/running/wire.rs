//! What is said on a supervisor's socket: one packet a message, some with descriptors.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use crate::{
    approvals::{Pending, Scope},
    refusal::{Exit, Refusal},
};

/// Longer than any message. What is longer is cut by the kernel and then is no message.
pub(crate) const MOST_BYTES: usize = 130 * 1024;

/// To the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// End the sandbox.
    End,
    /// Stop all processes inside where they are, or let them go on.
    Freeze(bool),
    /// Run this beside the agent. Each stream is a terminal of its own (`true`) or comes along.
    Exec {
        /// The program and its arguments; never empty.
        argv: Vec<OsString>,
        /// Which streams are a terminal.
        terminal: [bool; 3],
    },
    /// Send this signal to what was started on this connection.
    Signal(i32),
    /// Put another policy in force.
    Apply {
        /// The document, by its absolute path; none: those that the sandbox was started with.
        file: Option<PathBuf>,
        /// Whether each change of it comes by itself.
        watched: bool,
    },
    /// What waits for an answer?
    Pending,
    /// The answer to a question.
    Answer {
        /// Its number.
        id: u32,
        /// Whether it may happen.
        allow: bool,
        /// What the answer is for.
        scope: Scope,
    },
    /// What is the tool of question `id` given?
    Call(u32),
    /// Permit another input than that of question `id`, for once.
    Edit {
        /// Its number.
        id: u32,
        /// The digest of what was asked, as it was shown.
        digest: String,
        /// The input, as a JSON object.
        input: String,
    },
}

/// From the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It will be ended.
    Ending,
    /// All processes inside stand, or go on.
    Frozen(bool),
    /// It is not done.
    Refused(Refusal),
    /// The controlling side of the command's terminal comes along.
    Terminal,
    /// The command ended with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// The policy with this digest is in force.
    Applied(String),
    /// These questions wait.
    Pending(Vec<Pending>),
    /// The question about this is answered.
    Answered(String),
    /// A tool call: its digest as a question, and its input as a JSON object.
    Call {
        /// See [`Request::Edit`].
        digest: String,
        /// The tool.
        tool: String,
        /// What it is given.
        input: String,
    },
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Request::End => vec![b'E'],
            Request::Freeze(stop) => vec![b'F', u8::from(*stop)],
            Request::Signal(number) => numbered(b'S', *number),
            Request::Apply { file, watched } => {
                let mut bytes = vec![b'P', u8::from(*watched)];
                bytes.extend(file.iter().flat_map(|file| file.as_os_str().as_bytes()));
                bytes
            }
            Request::Pending => vec![b'Q'],
            Request::Answer { id, allow, scope } => {
                let mut bytes = vec![b'A', u8::from(*allow), u8::from(*scope == Scope::Session)];
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes
            }
            Request::Call(id) => [&b"C"[..], &id.to_le_bytes()].concat(),
            Request::Edit { id, digest, input } => {
                let words = [digest.as_bytes(), b"\0", input.as_bytes()].concat();
                [&b"D"[..], &id.to_le_bytes(), &words].concat()
            }
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
            b'F' => flag(rest).map(Request::Freeze),
            b'S' => number(rest).map(Request::Signal),
            b'P' => {
                let (watched, path) = rest.split_first().filter(|(flag, _)| **flag <= 1)?;
                let file = PathBuf::from(OsString::from_vec(path.to_vec()));
                let file = if path.is_empty() { None } else { Some(file) };
                (file.as_ref().is_none_or(|file| file.is_absolute() && !path.contains(&0)))
                    .then_some(Request::Apply { file, watched: *watched == 1 })
            }
            b'Q' if rest.is_empty() => Some(Request::Pending),
            b'A' => {
                let ([allow, session], id) = rest.split_first_chunk::<2>()?;
                if *allow > 1 || *session > 1 {
                    return None;
                }
                let id = id.try_into().ok().map(u32::from_le_bytes)?;
                let scope = if *session == 1 { Scope::Session } else { Scope::Once };
                Some(Request::Answer { id, allow: *allow == 1, scope })
            }
            b'C' => rest.try_into().ok().map(u32::from_le_bytes).map(Request::Call),
            b'D' => {
                let (id, words) = rest.split_first_chunk::<4>()?;
                let [digest, input] = texts(words)?;
                Some(Request::Edit { id: u32::from_le_bytes(*id), digest, input })
            }
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
            Reply::Frozen(stopped) => vec![b'F', u8::from(*stopped)],
            Reply::Terminal => vec![b'T'],
            Reply::Exited(code) => numbered(b'X', *code),
            Reply::Killed(signal) => numbered(b'K', *signal),
            Reply::Pending(questions) => {
                // The oldest of those that a message has room for: the others come once these are answered.
                let mut questions = questions.as_slice();
                loop {
                    let text = serde_json::to_vec(questions).unwrap_or_default();
                    if text.len() < MOST_BYTES || questions.is_empty() {
                        return [b"Q", text.as_slice()].concat();
                    }
                    questions = questions.split_last().map_or(&[], |(_, rest)| rest);
                }
            }
            Reply::Call { digest, tool, input } => {
                [&b"C"[..], digest.as_bytes(), b"\0", tool.as_bytes(), b"\0", input.as_bytes()]
                    .concat()
            }
            Reply::Answered(subject) => [b"A", subject.as_bytes()].concat(),
            Reply::Applied(digest) => [b"P", digest.as_bytes()].concat(),
            Reply::Refused(refusal) => {
                let mut bytes = vec![b'R', refusal.exit.code()];
                bytes.extend_from_slice(cut(&refusal.what).as_bytes());
                bytes.push(0);
                bytes.extend_from_slice(cut(&refusal.remedy).as_bytes());
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match tag {
            b'E' if rest.is_empty() => Some(Reply::Ending),
            b'F' => flag(rest).map(Reply::Frozen),
            b'T' if rest.is_empty() => Some(Reply::Terminal),
            b'X' => number(rest).map(Reply::Exited),
            b'K' => number(rest).map(Reply::Killed),
            b'P' => String::from_utf8(rest.to_vec()).ok().map(Reply::Applied),
            b'Q' => serde_json::from_slice(rest).ok().map(Reply::Pending),
            b'A' => String::from_utf8(rest.to_vec()).ok().map(Reply::Answered),
            b'C' => {
                let [digest, tool, input] = texts(rest)?;
                Some(Reply::Call { digest, tool, input })
            }
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

/// So many texts, a NUL between them.
fn texts<const N: usize>(bytes: &[u8]) -> Option<[String; N]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let parts: Vec<String> = text.split('\0').map(str::to_owned).collect();
    parts.try_into().ok()
}

/// So much of a text as a message has room for.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_BYTES / 4)).unwrap_or_default()
}

fn numbered(tag: u8, number: i32) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

fn number(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().ok().map(i32::from_le_bytes)
}

/// Yes or no, and nothing else.
fn flag(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cross_as_they_are() {
        for request in [
            Request::End,
            Request::Freeze(true),
            Request::Freeze(false),
            Request::Signal(-1),
            Request::Pending,
            Request::Answer { id: 7, allow: true, scope: Scope::Once },
            Request::Answer { id: u32::MAX, allow: false, scope: Scope::Session },
            Request::Call(9),
            Request::Edit { id: 9, digest: "sha256:1".into(), input: "{\"a\": 1}".into() },
            Request::Apply { file: None, watched: false },
            Request::Apply { file: Some("/a policy".into()), watched: true },
            Request::Exec { argv: vec!["sh".into(), "".into()], terminal: [true, false, true] },
            Request::Exec { argv: vec![OsString::from_vec(vec![0xff])], terminal: [false; 3] },
        ] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        for reply in [
            Reply::Ending,
            Reply::Frozen(true),
            Reply::Frozen(false),
            Reply::Terminal,
            Reply::Exited(255),
            Reply::Killed(9),
            Reply::Applied("sha256:1".into()),
            Reply::Answered("a.test:443".into()),
            Reply::Call { digest: "sha256:1".into(), tool: "Bash".into(), input: "{}".into() },
            Reply::Pending(vec![Pending {
                id: 3,
                subject: "a.test:443".into(),
                digest: "sha256:1".into(),
                kind: "connect".into(),
                program: Some("/usr/bin/git".into()),
                environment: vec!["PATH=/bin".into()],
                rule: Some("taint.ask[push]".into()),
                always: None,
                since: palisade_journal::Timestamp::now(),
                seconds_left: 9,
                waiting: 2,
            }]),
            Reply::Refused(Refusal::new("what", "remedy").with_exit(Exit::NotFound)),
        ] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
    }

    /// An agent whose questions are long does not hide them all.
    #[test]
    fn of_many_long_questions_the_oldest_are_told() {
        let question = |id| Pending {
            id,
            subject: "\u{1f600}".repeat(4000),
            digest: String::new(),
            kind: "tool_call".into(),
            program: None,
            environment: Vec::new(),
            rule: None,
            always: None,
            since: palisade_journal::Timestamp::now(),
            seconds_left: 9,
            waiting: 1,
        };
        let bytes = Reply::Pending((1..=64).map(question).collect()).encode();
        assert!(bytes.len() <= MOST_BYTES);
        let Some(Reply::Pending(told)) = Reply::decode(&bytes) else { panic!() };
        assert!(told.len() > 2 && told[0].id == 1, "{}", told.len());
    }

    #[test]
    fn what_is_no_message_is_none() {
        for bytes in [
            &b""[..],
            b"E1",
            b"F",
            b"F\x02",
            b"F\x01\x01",
            b"S",
            b"S123",
            b"S12345",
            b"X",
            b"X\0\0",
            b"X\0\0\0",
            b"X\0\0\0sh",
            b"X\x02\0\0sh\0",
            b"P",
            b"P\x02/a",
            b"P\0a",
            b"P\0/a\0b",
            b"Q1",
            b"A\x01\x01",
            b"A\x02\x01\0\0\0\0",
            b"A\x01\x01\0\0\0",
            b"C123",
            b"D1234",
            b"D1234a\0b\0c",
            b"Z",
            b"\xff\xff",
        ] {
            assert_eq!(Request::decode(bytes), None, "{bytes:?}");
        }
        for bytes in [&b""[..], b"R", b"R\x01a\0b", b"R\x7dab", b"X1", b"T1", b"z"] {
            assert_eq!(Reply::decode(bytes), None, "{bytes:?}");
        }
    }
}
