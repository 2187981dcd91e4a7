/// A frame as a client of a WebSocket sends it (RFC 6455, section 5.2). `kind` is its opcode.
pub fn masked(last: bool, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![if last { 0x80 } else { 0 } | kind];
    if let Ok(short @ 0..126) = u8::try_from(payload.len()) {
        out.push(0x80 | short);
    } else if let Ok(long) = u16::try_from(payload.len()) {
        out.push(0x80 | 126);
        out.extend_from_slice(&long.to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    let mask = [7, 0x55, 0, 0xfe];
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// The frame that a server's bytes begin with: its opcode, its payload, and what follows. None: not all of it is there.
pub fn read_frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (length, start) = match bytes.get(1)? {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(*short), 2_usize),
    };
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let payload = bytes.get(start..end)?.to_vec();
    Some((bytes.first()? & 0x0f, payload, bytes.get(end..)?))
}
