use hickory_proto::{
    op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name},
};
use palisade_core::HostName;

/// The least that every client can receive over UDP (RFC 1035, section 4.2.1).
const PLAIN_UDP: u16 = 512;
/// The most that is sent over UDP.
pub(crate) const MOST_UDP: u16 = 1232;
const HEADER: usize = 12;
const LONGEST_SHOWN: usize = 120;

/// A packet that came in on the resolver's socket.
#[derive(Debug)]
pub(crate) enum Packet {
    /// Not worth an answer: too short, or itself an answer.
    Noise,
    /// Cannot be answered. The answer says so, the text why.
    Refused(Message, String),
    /// One question.
    Asked(Box<Question>),
}

/// One question and the frame of its answer.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) query: Query,
    pub(crate) answer: Message,
    /// How long an answer the client takes over UDP.
    pub(crate) room: u16,
}

/// Read a packet from inside.
pub(crate) fn read(packet: &[u8]) -> Packet {
    let Some((header, _)) = packet.split_at_checked(HEADER) else { return Packet::Noise };
    let [id_high, id_low, flags, ..] = *header else { return Packet::Noise };
    if flags & 0x80 != 0 {
        return Packet::Noise;
    }
    let Ok(request) = Message::from_vec(packet) else {
        let id = u16::from_be_bytes([id_high, id_low]);
        let answer = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
        return Packet::Refused(answer, "a packet that is not well formed".into());
    };
    if request.metadata.message_type != MessageType::Query {
        return Packet::Noise;
    }
    let mut answer = Message::response(request.metadata.id, request.metadata.op_code);
    answer.metadata = Metadata::response_from_request(&request.metadata);
    answer.metadata.recursion_available = true;
    let mut room = PLAIN_UDP;
    if let Some(edns) = &request.edns {
        room = edns.max_payload().clamp(PLAIN_UDP, MOST_UDP);
        let mut own = Edns::new();
        own.set_max_payload(MOST_UDP);
        answer.set_edns(own);
    }
    let refusal = match request.queries.as_slice() {
        _ if request.metadata.op_code != OpCode::Query => "an operation other than a query",
        [query] if query.query_class() == DNSClass::IN => {
            let query = query.clone();
            answer.add_query(query.clone());
            return Packet::Asked(Box::new(Question { query, answer, room }));
        }
        [_] => "a class other than IN",
        _ => "not exactly one question",
    };
    answer.metadata.response_code = ResponseCode::Refused;
    Packet::Refused(answer, refusal.into())
}

/// The bytes of an answer, without its records if it is longer than `room`.
pub(crate) fn encode(answer: &Message, room: u16) -> Option<Vec<u8>> {
    let bytes = answer.to_vec().ok()?;
    if bytes.len() <= usize::from(room) { Some(bytes) } else { answer.truncate().to_vec().ok() }
}

/// The host name that was asked for, or why it can be none.
pub(crate) fn host_name(name: &Name) -> Result<HostName, String> {
    let mut text = String::new();
    for label in name.iter() {
        // A dot inside a label would otherwise read as two.
        let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        if !label.iter().all(plain) {
            return Err("a label has a character that no host name has".into());
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.extend(label.iter().copied().map(char::from));
    }
    text.parse().map_err(|error: palisade_core::HostNameError| error.to_string())
}

/// A name as it came, for the record.
pub(crate) fn shown(name: &Name) -> String {
    let labels: Vec<_> = name.iter().map(|label| label.escape_ascii().to_string()).collect();
    let mut text = labels.join(".");
    text.truncate(LONGEST_SHOWN);
    if text.is_empty() { ".".into() } else { text }
}
