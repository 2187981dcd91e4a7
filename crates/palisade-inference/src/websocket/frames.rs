use bytes::{Buf, BytesMut};

/// The most that a control frame carries (RFC 6455, section 5.5).
const MOST_CONTROL: usize = 125;

/// Into how many frames a message may be cut: an empty one costs its sender nothing.
const MOST_FRAMES: usize = 1 << 16;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Why a connection is not read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of the WebSocket is not as RFC 6455 demands: {0}")]
    Protocol(&'static str),
    #[error("messages of the WebSocket are texts, and this one is binary")]
    Binary,
    #[error("a message of the WebSocket is not UTF-8")]
    Utf8,
    #[error("a message of the WebSocket is larger than {0} bytes")]
    TooLarge(usize),
    #[error("a message of the WebSocket comes in more than {MOST_FRAMES} frames")]
    Frames,
    #[error("too many large requests at once; try again")]
    Crowded,
    #[error("a message of the WebSocket did not come to its end")]
    Pause,
}

impl FrameError {
    /// The status code of the frame that closes the connection (RFC 6455, section 7.4.1).
    pub(crate) fn code(&self) -> u16 {
        match self {
            FrameError::Protocol(_) => 1002,
            FrameError::Binary => 1003,
            FrameError::Utf8 => 1007,
            FrameError::Frames | FrameError::Pause => 1008,
            FrameError::TooLarge(_) => 1009,
            FrameError::Crowded => 1013,
        }
    }
}

/// What a frame says of its payload.
#[derive(Debug, Clone, Copy)]
struct Head {
    last: bool,
    kind: Kind,
    left: usize,
    mask: [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A message or a further part of one.
    Data,
    Close,
    Ping,
    Pong,
}

/// Reads what a client sends, cut anywhere. No extension is agreed upon, so none may be used.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// The frame whose payload comes now.
    open: Option<Head>,
    /// The message of which not all has come.
    message: Option<Vec<u8>>,
    frames: usize,
    most: usize,
}

impl Decoder {
    /// No message is larger than `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { buffer: BytesMut::new(), open: None, message: None, frames: 0, most }
    }

    /// Where to put what comes.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a frame or a message has begun.
    pub(crate) fn is_amid(&self) -> bool {
        !self.buffer.is_empty() || self.open.is_some() || self.message.is_some()
    }

    /// Bytes that wait for their message to be whole.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len().saturating_add(self.message.as_ref().map_or(0, Vec::len))
    }

    /// The next message that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, FrameError> {
        loop {
            let mut head = match self.open {
                Some(head) => head,
                None => match self.head()? {
                    Some(head) => head,
                    None => return Ok(None),
                },
            };
            if head.kind != Kind::Data {
                if self.buffer.len() < head.left {
                    self.open = Some(head);
                    return Ok(None);
                }
                self.open = None;
                let mut payload = self.buffer.split_to(head.left).to_vec();
                unmask(&mut payload, head.mask);
                return control(head.kind, payload).map(Some);
            }
            let came = self.buffer.len().min(head.left);
            let message = self.message.get_or_insert_default();
            let before = message.len();
            message.extend_from_slice(self.buffer.get(..came).unwrap_or_default());
            unmask(message.get_mut(before..).unwrap_or_default(), head.mask);
            self.buffer.advance(came);
            head.left = head.left.saturating_sub(came);
            head.mask.rotate_left(came % 4);
            if head.left > 0 {
                self.open = Some(head);
                return Ok(None);
            }
            self.open = None;
            if head.last {
                self.frames = 0;
                let message = self.message.take().unwrap_or_default();
                let text = String::from_utf8(message).map_err(|_| FrameError::Utf8)?;
                return Ok(Some(Message::Text(text)));
            }
        }
    }

    /// The head of a frame, if all of it is there (RFC 6455, section 5.2).
    fn head(&mut self) -> Result<Option<Head>, FrameError> {
        let (Some(&first), Some(&second)) = (self.buffer.first(), self.buffer.get(1)) else {
            return Ok(None);
        };
        let last = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(FrameError::Protocol("it uses an extension, and none was agreed upon"));
        }
        if second & 0x80 == 0 {
            return Err(FrameError::Protocol("a client's frame is not masked"));
        }
        let kind = match first & 0x0f {
            0 if self.message.is_none() => {
                return Err(FrameError::Protocol("it goes on with a message that did not begin"));
            }
            1 if self.message.is_some() => {
                return Err(FrameError::Protocol("a message begins within another one"));
            }
            0 | 1 => Kind::Data,
            2 => return Err(FrameError::Binary),
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return Err(FrameError::Protocol("it is of a kind that has no meaning")),
        };
        let (length, size) = match second & 0x7f {
            126 => (self.number(2), 2),
            127 => (self.number(8), 8),
            short => (Some(u64::from(short)), 0),
        };
        let Some(length) = length else { return Ok(None) };
        if (size == 2 && length < 126) || (size == 8 && length <= 0xffff) || length >> 63 != 0 {
            return Err(FrameError::Protocol("its length is not written in the shortest way"));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if kind == Kind::Data {
            let before = self.message.as_ref().map_or(0, Vec::len);
            if before.saturating_add(length) > self.most {
                return Err(FrameError::TooLarge(self.most));
            }
        } else if length > MOST_CONTROL || !last {
            return Err(FrameError::Protocol("a control frame is too long, or only a part of one"));
        }
        let mask = 2_usize.saturating_add(size);
        let Some(&mask) = self.buffer.get(mask..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        if kind == Kind::Data {
            self.frames = self.frames.saturating_add(1);
            if self.frames > MOST_FRAMES {
                return Err(FrameError::Frames);
            }
        }
        self.buffer.advance(size.saturating_add(6));
        Ok(Some(Head { last, kind, left: length, mask }))
    }

    /// The number behind the first two bytes.
    fn number(&self, size: usize) -> Option<u64> {
        let bytes = self.buffer.get(2..size.saturating_add(2))?;
        Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

fn control(kind: Kind, payload: Vec<u8>) -> Result<Message, FrameError> {
    match kind {
        Kind::Ping => Ok(Message::Ping(payload)),
        Kind::Pong | Kind::Data => Ok(Message::Pong),
        Kind::Close if payload.len() == 1 => {
            Err(FrameError::Protocol("the end of the connection has half a status code"))
        }
        Kind::Close => Ok(Message::Close),
    }
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    // Eight at a time is what the compiler makes one instruction of.
    for piece in bytes.chunks_mut(8) {
        piece.iter_mut().zip([a, b, c, d, a, b, c, d]).for_each(|(byte, key)| *byte ^= key);
    }
}

/// A text as a frame.
pub(crate) fn text(payload: &str, out: &mut Vec<u8>) {
    frame(1, payload.as_bytes(), out);
}

pub(crate) fn pong(payload: &[u8], out: &mut Vec<u8>) {
    frame(10, payload, out);
}

/// The end of the connection; of `why`, as much as fits.
pub(crate) fn close(code: u16, why: &str, out: &mut Vec<u8>) {
    let most = MOST_CONTROL.saturating_sub(2);
    let mut end = why.len().min(most);
    while !why.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(why.get(..end).unwrap_or_default().as_bytes());
    frame(8, &payload, out);
}

fn frame(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len().saturating_add(10));
    out.push(0x80 | kind);
    if let Ok(short) = u8::try_from(payload.len())
        && short < 126
    {
        out.push(short);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        out.push(126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use palisade_testkit::{masked, read_frame};
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 70_000;

    fn read(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<FrameError>) {
        let (mut decoder, mut all) = (Decoder::new(MOST), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            decoder.buffer().extend_from_slice(piece);
            loop {
                match decoder.next() {
                    Ok(Some(message)) => all.push(message),
                    Ok(None) => break,
                    Err(why) => return (all, Some(why)),
                }
            }
        }
        (all, None)
    }

    #[test]
    fn what_is_no_text_in_whole_frames_is_refused() {
        let cases: [(&str, Vec<u8>, u16); 14] = [
            ("binary", masked(true, 2, b"{}"), 1003),
            ("not masked", vec![0x81, 2, b'{', b'}'], 1002),
            (
                "compressed",
                {
                    let mut it = masked(true, 1, b"{}");
                    it[0] |= 0x40;
                    it
                },
                1002,
            ),
            (
                "reserved bit",
                {
                    let mut it = masked(true, 1, b"{}");
                    it[0] |= 0x10;
                    it
                },
                1002,
            ),
            ("unknown kind", masked(true, 3, b""), 1002),
            ("unknown control", masked(true, 11, b""), 1002),
            ("a part of nothing", masked(true, 0, b"x"), 1002),
            ("two at a time", [masked(false, 1, b"a"), masked(true, 1, b"b")].concat(), 1002),
            ("a ping in parts", masked(false, 9, b""), 1002),
            ("a long ping", masked(true, 9, &[0; 126]), 1002),
            ("half a code", masked(true, 8, &[3]), 1002),
            ("length in a long way", vec![0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'a', b'b'], 1002),
            ("not UTF-8", masked(true, 1, &[0xff]), 1007),
            ("too large", vec![0x81, 0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0], 1009),
        ];
        for (name, bytes, code) in cases {
            let (messages, error) = read(&bytes, 1 << 20);
            assert_eq!(messages, [], "{name}");
            assert_eq!(error.map(|why| why.code()), Some(code), "{name}");
        }
        // Neither may many small parts be more than one large one, nor be without end.
        let parts = [masked(false, 1, &[b'a'; 40_000]), masked(true, 0, &[b'a'; 40_000])].concat();
        assert_eq!(read(&parts, 999).1, Some(FrameError::TooLarge(MOST)));
        let empty = [masked(false, 1, b""), masked(false, 0, b"").repeat(MOST_FRAMES)].concat();
        assert_eq!(read(&empty, 4096).1, Some(FrameError::Frames));
    }

    #[test]
    fn pings_may_stand_within_a_message() {
        let bytes = [masked(false, 1, b"{\"a\""), masked(true, 9, b"now"), masked(true, 0, b":1}")]
            .concat();
        let (messages, error) = read(&bytes, 1 << 20);
        let expected = [Message::Ping(b"now".into()), Message::Text("{\"a\":1}".into())];
        assert_eq!((messages.as_slice(), error), (expected.as_slice(), None));
    }

    #[test]
    fn the_end_says_as_much_as_fits() {
        let mut out = Vec::new();
        close(1002, &"é".repeat(100), &mut out);
        assert_eq!((out[0], out[1]), (0x88, 124));
        assert!(std::str::from_utf8(&out[4..]).is_ok());
    }

    proptest! {
        /// However messages are cut into frames, and frames into pieces, they are the same.
        #[test]
        fn any_split_gives_the_same(
            texts in prop::collection::vec("[a-zé{}\"]{0,300}", 1..4),
            frame in 1_usize..200,
            piece in 1_usize..50,
        ) {
            let mut bytes = Vec::new();
            for text in &texts {
                let mut parts: Vec<&[u8]> = text.as_bytes().chunks(frame).collect();
                if parts.is_empty() { parts.push(b""); }
                let last = parts.len() - 1;
                for (at, part) in parts.into_iter().enumerate() {
                    bytes.extend(masked(at == last, u8::from(at == 0), part));
                    if at % 3 == 1 { bytes.extend(masked(true, 10, b"x")); }
                }
            }
            let (mut messages, error) = read(&bytes, piece);
            messages.retain(|message| *message != Message::Pong);
            let expected: Vec<Message> = texts.into_iter().map(Message::Text).collect();
            prop_assert_eq!(error, None);
            prop_assert_eq!(messages, expected);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
            let whole = read(&bytes, 1 << 20);
            prop_assert_eq!(read(&bytes, piece), whole);
        }

        #[test]
        fn what_is_written_is_read(payload in "[a-z]{0,300}", longer in 0_usize..2) {
            let payload = payload.repeat(1 + longer * 300);
            let mut out = Vec::new();
            text(&payload, &mut out);
            let (kind, said, rest) = read_frame(&out).unwrap();
            prop_assert_eq!((kind, said.as_slice(), rest.len()), (1, payload.as_bytes(), 0));
        }
    }
}
