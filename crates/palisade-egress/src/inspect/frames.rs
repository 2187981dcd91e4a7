//! What follows an upgrade to WebSocket, as its messages (RFC 6455, section 5.2).

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::transform::AnswerFilter;

/// The longest head of a frame that a server sends: servers mask nothing.
const LONGEST_HEAD: usize = 10;
/// So many frames wait for what follows at most.
const MOST_WAITING: usize = 4096;
/// What a control frame can hold.
const MOST_CONTROL: u64 = 125;

/// Has a filter see the text of messages alone, so that what it looks for is found across frames. As many
/// bytes come out as go in, and each frame stays as long as it was.
pub(crate) struct Frames {
    filter: Box<dyn AnswerFilter>,
    head: BytesMut,
    within: Within,
    /// The frame of text is the last of its message.
    last: bool,
    /// What came, in its order, and did not go on yet.
    waiting: VecDeque<Piece>,
    /// What may go on of the text of messages.
    clean: BytesMut,
}

enum Within {
    /// The head of a frame, or between two.
    Head,
    /// The text of a message, of which so much of this frame is to come.
    Text(u64),
    /// A control frame, which may stand amid the frames of a message.
    Control { left: u64, seen: BytesMut },
    /// What is no WebSocket.
    Other,
}

enum Piece {
    /// Bytes that go on as they are.
    Whole(Bytes),
    /// So many of the text.
    Text(usize),
}

impl Frames {
    pub(crate) fn new(filter: Box<dyn AnswerFilter>) -> Self {
        Self {
            filter,
            head: BytesMut::new(),
            within: Within::Head,
            last: false,
            waiting: VecDeque::new(),
            clean: BytesMut::new(),
        }
    }

    /// What may go on, once these bytes have come.
    pub(crate) fn data(&mut self, mut bytes: Bytes) -> Bytes {
        while !bytes.is_empty() {
            match &mut self.within {
                Within::Head => {
                    self.head.extend_from_slice(&bytes.split_to(1));
                    self.begin();
                }
                Within::Text(left) => {
                    let length =
                        usize::try_from(*left).map_or(bytes.len(), |it| it.min(bytes.len()));
                    *left = left.saturating_sub(length as u64);
                    if *left == 0 {
                        self.within = Within::Head;
                    }
                    self.text(bytes.split_to(length));
                }
                Within::Control { left, seen } => {
                    let length =
                        usize::try_from(*left).map_or(bytes.len(), |it| it.min(bytes.len()));
                    *left = left.saturating_sub(length as u64);
                    seen.extend_from_slice(&bytes.split_to(length));
                    if *left == 0 {
                        let whole = self.filter.apart(seen.split().freeze());
                        self.waiting.push_back(Piece::Whole(whole));
                        self.within = Within::Head;
                    }
                }
                Within::Other => self.text(bytes.split_to(bytes.len())),
            }
        }
        self.ready()
    }

    /// What may go on when nothing has come for a while.
    pub(crate) fn quiet(&mut self) -> Bytes {
        let clean = self.filter.quiet();
        self.clean.extend_from_slice(&clean);
        self.ready()
    }

    /// All the rest.
    pub(crate) fn end(&mut self) -> Bytes {
        self.let_go();
        if let Within::Control { seen, .. } = &mut self.within {
            let whole = self.filter.apart(seen.split().freeze());
            self.waiting.push_back(Piece::Whole(whole));
        }
        self.waiting.push_back(Piece::Whole(self.head.split().freeze()));
        self.ready()
    }

    /// Look at what there is of a frame's head.
    fn begin(&mut self) {
        let Some(frame) = frame(&self.head) else {
            self.within = Within::Other;
            let bytes = self.head.split().freeze();
            return self.text(bytes);
        };
        if matches!(frame, Frame::Unfinished) {
            return;
        }
        // A message waits for no other, and frames amid one not without end.
        if self.last || self.waiting.len() >= MOST_WAITING {
            self.let_go();
        }
        self.last &= matches!(frame, Frame::Control(_));
        match frame {
            Frame::Unfinished | Frame::Control(0) => {}
            Frame::Control(left) => self.within = Within::Control { left, seen: BytesMut::new() },
            Frame::Text { left, last } => {
                self.last = last;
                if left > 0 {
                    self.within = Within::Text(left);
                }
            }
        }
        self.waiting.push_back(Piece::Whole(self.head.split().freeze()));
    }

    /// Have what is held back go on.
    fn let_go(&mut self) {
        let clean = self.filter.end();
        self.clean.extend_from_slice(&clean);
    }

    fn text(&mut self, bytes: Bytes) {
        self.waiting.push_back(Piece::Text(bytes.len()));
        let clean = self.filter.data(bytes);
        self.clean.extend_from_slice(&clean);
    }

    fn ready(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        while let Some(piece) = self.waiting.front_mut() {
            match piece {
                Piece::Whole(bytes) => out.extend_from_slice(bytes),
                Piece::Text(left) => {
                    let length = (*left).min(self.clean.len());
                    out.extend_from_slice(&self.clean.split_to(length));
                    *left = left.saturating_sub(length);
                    if *left > 0 {
                        break;
                    }
                }
            }
            self.waiting.pop_front();
        }
        out.freeze()
    }
}

enum Frame {
    Unfinished,
    Text { left: u64, last: bool },
    Control(u64),
}

/// What begins so. `None`: no frame that a server may send without an extension.
fn frame(mut head: &[u8]) -> Option<Frame> {
    let whole = head.len();
    if !head.has_remaining() {
        return Some(Frame::Unfinished);
    }
    let first = head.get_u8();
    let control = match first & 0x7f {
        0..=2 => false,
        8..=10 => true,
        _ => return None,
    };
    if !head.has_remaining() {
        return Some(Frame::Unfinished);
    }
    let length = match head.get_u8() {
        short @ 0..=125 => u64::from(short),
        126 if head.remaining() >= 2 => u64::from(head.get_u16()),
        127 if head.remaining() >= 8 => head.get_u64(),
        126 | 127 if whole < LONGEST_HEAD => return Some(Frame::Unfinished),
        _ => return None,
    };
    match control {
        true if length > MOST_CONTROL || first & 0x80 == 0 => None,
        true => Some(Frame::Control(length)),
        false => Some(Frame::Text { left: length, last: first & 0x80 != 0 }),
    }
}

#[cfg(test)]
mod tests {
    use http::response;

    use super::*;

    const SECRET: &[u8] = b"secret";

    fn hidden(bytes: &[u8]) -> Vec<u8> {
        let mut text = bytes.to_vec();
        while let Some(at) = text.windows(SECRET.len()).position(|part| part == SECRET) {
            text[at..at + SECRET.len()].fill(b'*');
        }
        text
    }

    /// Holds back what could be the beginning of `secret`, as filters do.
    #[derive(Default)]
    struct Hides(Vec<u8>);

    impl AnswerFilter for Hides {
        fn head(&mut self, _: &mut response::Parts, _: bool) -> Result<(), String> {
            Ok(())
        }

        fn data(&mut self, bytes: Bytes) -> Bytes {
            self.0.extend_from_slice(&bytes);
            let mut text = hidden(&self.0);
            let held = (1..6).rev().find(|it| text.ends_with(&SECRET[..*it])).unwrap_or(0);
            self.0 = text.split_off(text.len() - held);
            text.into()
        }

        fn apart(&mut self, bytes: Bytes) -> Bytes {
            hidden(&bytes).into()
        }

        fn end(&mut self) -> Bytes {
            std::mem::take(&mut self.0).into()
        }
    }

    fn through(bytes: &[u8], at_once: usize) -> Vec<u8> {
        let mut frames = Frames::new(Box::new(Hides::default()));
        let mut out = Vec::new();
        for part in bytes.chunks(at_once) {
            out.extend_from_slice(&frames.data(Bytes::copy_from_slice(part)));
        }
        out.extend_from_slice(&frames.end());
        out
    }

    fn framed(first: u8, text: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        let length = text.len();
        if let Ok(short @ 0..=125) = u8::try_from(length) {
            out.push(short);
        } else if let Ok(long) = u16::try_from(length) {
            out.push(126);
            out.extend_from_slice(&long.to_be_bytes());
        } else {
            out.push(127);
            out.extend_from_slice(&u64::try_from(length).unwrap().to_be_bytes());
        }
        out.extend_from_slice(text);
        out
    }

    #[test]
    fn what_is_cut_into_frames_is_found() {
        let pieces = |text: &[u8]| {
            let mut out = framed(1, b"");
            for (at, byte) in text.iter().enumerate() {
                out.extend(framed(0, &[*byte]));
                // Amid a message: a ping without text, and a pong with some.
                out.extend(framed(if at % 2 == 0 { 0x89 } else { 0x8a }, &b"time"[..at % 2 * 4]));
            }
            out.extend(framed(0x80, b"!"));
            out.extend(framed(0x88, &[b"\x03\xe8", text].concat()));
            out
        };
        for at_once in [1, 2, 3, 7, 10_000] {
            let out = through(&pieces(b"a secret"), at_once);
            assert_eq!(out, pieces(b"a ******"), "{at_once}");
        }
    }

    #[test]
    fn a_message_waits_for_no_other() {
        let mut frames = Frames::new(Box::new(Hides::default()));
        let mut out = frames.data(framed(0x81, b"a sec").into()).to_vec();
        assert_eq!(out, [0x81, 5, b'a', b' ']);
        out.extend_from_slice(&frames.data(framed(0x89, b"").into()));
        assert_eq!(out, [framed(0x81, b"a sec"), framed(0x89, b"")].concat());
        // Nor does what stands amid one wait without end.
        let mut sent = framed(1, b"sec");
        frames.data(sent.clone().into());
        for _ in 0..2 * MOST_WAITING {
            sent = framed(0x89, b"");
            out.extend_from_slice(&frames.data(sent.clone().into()));
        }
        assert!(frames.waiting.len() <= MOST_WAITING && out.ends_with(&sent));
    }

    #[test]
    fn frames_of_every_length_stay_as_long() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 200_000] {
            let mut bytes = framed(0x82, &vec![b'x'; length]);
            bytes.extend(framed(0x81, b"my secret"));
            let mut expected = framed(0x82, &vec![b'x'; length]);
            expected.extend(framed(0x81, b"my ******"));
            for at_once in [1, 9, 4096] {
                assert_eq!(through(&bytes, at_once), expected, "{length} {at_once}");
            }
        }
    }

    #[test]
    fn what_is_no_websocket_is_looked_through_as_it_comes() {
        for (bytes, expected) in [
            (&b"hello secret"[..], &b"hello ******"[..]),
            // Masked, of an extension, a control frame that is too long or cut, an unknown kind.
            (b"\x81\xffsecret", b"\x81\xff******"),
            (b"\xc1\x06secret", b"\xc1\x06******"),
            (b"\x89\x7e\x00\x06secret", b"\x89\x7e\x00\x06******"),
            (b"\x09\x06secret", b"\x09\x06******"),
            (b"\x83\x06secret", b"\x83\x06******"),
        ] {
            for at_once in [1, 100] {
                assert_eq!(through(bytes, at_once), expected, "{bytes:?}");
            }
        }
        // What ends in the middle.
        for cut in [&b"\x81"[..], b"\x81\x7f\0\0", b"\x81\x06sec", b"\x89\x06sec", b""] {
            assert_eq!(through(cut, 1), cut);
        }
    }
}
