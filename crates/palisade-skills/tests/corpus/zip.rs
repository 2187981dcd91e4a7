//! A zip file with any names in it, also those that a decent writer refuses.

/// One member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name, as it stands in the archive.
    pub name: String,
    /// Its bytes, stored as they are.
    pub bytes: Vec<u8>,
    /// Does it say that a password is needed?
    pub encrypted: bool,
}

/// The archive (APPNOTE.TXT 4.3.6), without compression.
pub fn stored(members: &[Member]) -> Vec<u8> {
    let mut out = vec![];
    let mut directory = vec![];
    for member in members {
        let at = out.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(&member.bytes);
        let mut fields = vec![];
        // Version 2.0, flags, stored, time and date.
        fields.extend_from_slice(&20_u16.to_le_bytes());
        fields.extend_from_slice(&(0x0800_u16 | u16::from(member.encrypted)).to_le_bytes());
        fields.extend_from_slice(&[0; 2]);
        fields.extend_from_slice(&[0, 0, 0x21, 0x5a]);
        fields.extend_from_slice(&crc.sum().to_le_bytes());
        fields.extend_from_slice(&(member.bytes.len() as u32).to_le_bytes());
        fields.extend_from_slice(&(member.bytes.len() as u32).to_le_bytes());
        fields.extend_from_slice(&(member.name.len() as u16).to_le_bytes());
        fields.extend_from_slice(&[0; 2]);

        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&fields);
        out.extend_from_slice(member.name.as_bytes());
        out.extend_from_slice(&member.bytes);

        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&20_u16.to_le_bytes());
        directory.extend_from_slice(&fields);
        // No comment, first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(member.name.as_bytes());
    }
    let at = out.len() as u32;
    let size = directory.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&(members.len() as u16).to_le_bytes());
    out.extend_from_slice(&(members.len() as u16).to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}
