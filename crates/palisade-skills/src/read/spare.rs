//! The bytes of an archive that are of no member: behind its end, between its members, in its comments and the fields beside
//! its names. No tool shows them, and a script or another tool finds them.

use std::ops::Range;

/// What an archive holds besides its members.
#[derive(Debug, Default)]
pub(super) struct Spare {
    /// Bytes of no member.
    pub(super) bytes: Vec<u8>,
    /// Comments and the like, which people and tools may be shown.
    pub(super) texts: Vec<u8>,
    /// What names one member in two ways, or says two things of it.
    pub(super) disagree: Vec<String>,
}

/// Fields beside a name that are of a known kind hold times, owners and sizes.
const LONGEST_FIELD: usize = 64;
/// Another name of the member in UTF-8.
const UNICODE_PATH: u16 = 0x7075;
/// Sizes and places that need more than 32 bits.
const ZIP64: u16 = 1;
/// Faults that are told one by one.
const MOST: usize = 20;

impl Spare {
    fn text(&mut self, text: &[u8]) {
        if text.iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0) {
            self.texts.extend_from_slice(text);
            self.texts.push(b'\n');
        }
    }

    fn differ(&mut self, what: String) {
        if self.disagree.len() < MOST {
            self.disagree.push(what);
        }
    }

    /// Of all but these parts, in order; zeros fill up.
    fn between(&mut self, bytes: &[u8], mut known: Vec<Range<usize>>) {
        known.sort_by_key(|part| (part.start, part.end));
        let mut at = 0;
        let end = bytes.len();
        for part in known.into_iter().chain(std::iter::once(end..end)) {
            let gap = bytes.get(at..part.start.max(at)).unwrap_or_default();
            if gap.iter().any(|byte| *byte != 0) {
                self.bytes.extend_from_slice(gap);
            }
            at = at.max(part.end);
        }
    }
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The fields beside a name: their kinds and contents.
fn fields(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let kind = two(extra, at)?;
        let size = usize::from(two(extra, at.checked_add(2)?)?);
        let from = at.checked_add(4)?;
        let content = extra.get(from..from.checked_add(size)?)?;
        at = from.checked_add(size)?;
        Some((kind, content))
    })
}

/// One entry of a directory.
struct Listed<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    packed: usize,
    /// Where its member begins, from where the archive does.
    place: usize,
    extra: &'a [u8],
    comment: &'a [u8],
    /// Where the next one begins.
    next: usize,
}

fn listed(bytes: &[u8], at: usize) -> Option<Listed<'_>> {
    if bytes.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
        return None;
    }
    let size = |field: usize| two(bytes, at.checked_add(field)?).map(usize::from);
    let (name, extra, comment) = (size(28)?, size(30)?, size(32)?);
    let from = at.checked_add(46)?;
    let to_extra = from.checked_add(name)?;
    let to_comment = to_extra.checked_add(extra)?;
    let next = to_comment.checked_add(comment)?;
    let extra = bytes.get(to_extra..to_comment)?;
    let (mut packed, unpacked, mut place) = (
        u64::from(four(bytes, at.checked_add(20)?)?),
        u64::from(four(bytes, at.checked_add(24)?)?),
        u64::from(four(bytes, at.checked_add(42)?)?),
    );
    if let Some((_, large)) = fields(extra).find(|(kind, _)| *kind == ZIP64) {
        let all = u64::from(u32::MAX);
        let mut field = usize::from(unpacked == all) * 8;
        for number in [&mut packed, &mut place] {
            if *number == all {
                *number = eight(large, field)?;
                field += 8;
            }
        }
    }
    Some(Listed {
        name: bytes.get(from..to_extra)?,
        flags: two(bytes, at.checked_add(8)?)?,
        method: two(bytes, at.checked_add(10)?)?,
        packed: usize::try_from(packed).ok()?,
        place: usize::try_from(place).ok()?,
        extra,
        comment: bytes.get(to_comment..next)?,
        next,
    })
}

/// Of a zip archive that begins at `offset` and has its directory at `directory`. `read` are the places, in order, of the
/// entries that are read as members: another one of the same name is nobody's.
pub(super) fn of_zip(bytes: &[u8], offset: usize, directory: usize, read: &[usize]) -> Spare {
    let mut spare = Spare::default();
    let mut known = Vec::new();
    let mut at = directory;
    while let Some(entry) = listed(bytes, at) {
        spare.text(entry.comment);
        spare.beside(entry.extra, entry.name);
        if read.binary_search(&at).is_ok() {
            known.extend(spare.member(bytes, offset, &entry));
        }
        at = entry.next;
    }
    known.push(directory..at);
    if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x06\x06")) {
        let size = eight(bytes, at.saturating_add(4)).and_then(|size| usize::try_from(size).ok());
        let next = size.and_then(|size| at.checked_add(12)?.checked_add(size)).unwrap_or(at);
        known.push(at..next);
        at = next;
    }
    if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x06\x07")) {
        known.push(at..at.saturating_add(20));
        at = at.saturating_add(20);
    }
    if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x05\x06")) {
        let size = two(bytes, at.saturating_add(20)).map_or(0, usize::from);
        let from = at.saturating_add(22);
        let to = from.saturating_add(size);
        spare.text(bytes.get(from..to).unwrap_or_default());
        known.push(at..to);
    }
    spare.between(bytes, known);
    spare
}

impl Spare {
    /// Looks at the fields beside a name.
    fn beside(&mut self, extra: &[u8], name: &[u8]) {
        for (kind, content) in fields(extra) {
            if kind == UNICODE_PATH {
                let other = content.get(5..).unwrap_or_default();
                if other != name {
                    self.differ(differs(name, other));
                }
            } else if content.trim_ascii_end_zeros().len() > LONGEST_FIELD {
                self.bytes.extend_from_slice(content);
            }
        }
    }

    /// Where the member of an entry lies, with its head.
    fn member(&mut self, bytes: &[u8], offset: usize, entry: &Listed<'_>) -> Option<Range<usize>> {
        let from = offset.checked_add(entry.place)?;
        if bytes.get(from..from.checked_add(4)?)? != b"PK\x03\x04" {
            return None;
        }
        let sizes = [two(bytes, from.checked_add(26)?)?, two(bytes, from.checked_add(28)?)?];
        let [name, extra] = sizes.map(usize::from);
        let to_extra = from.checked_add(30)?.checked_add(name)?;
        let to_content = to_extra.checked_add(extra)?;
        let own = bytes.get(from.checked_add(30)?..to_extra)?;
        if own != entry.name {
            self.differ(differs(entry.name, own));
        } else if two(bytes, from.checked_add(8)?)? != entry.method {
            let name = String::from_utf8_lossy(entry.name);
            self.differ(format!("{} is packed in two ways", palisade_core::shown(&name, 80)));
        }
        self.beside(bytes.get(to_extra..to_content)?, own);
        let mut to = to_content.checked_add(entry.packed)?;
        // Its sizes may come behind it, with a mark or without.
        if entry.flags & 8 != 0 {
            if bytes.get(to..).is_some_and(|rest| rest.starts_with(b"PK\x07\x08")) {
                to = to.checked_add(4)?;
            }
            let packed = u32::try_from(entry.packed).ok();
            let short = four(bytes, to.checked_add(4)?).is_some_and(|size| Some(size) == packed);
            let wide = four(bytes, to.checked_add(12)?) == Some(0)
                && eight(bytes, to.checked_add(4)?) == u64::try_from(entry.packed).ok();
            to = to.checked_add(if wide {
                20
            } else if short {
                12
            } else {
                0
            })?;
        }
        Some(from..to)
    }
}

fn differs(name: &[u8], other: &[u8]) -> String {
    let shown = |name: &[u8]| palisade_core::shown(&String::from_utf8_lossy(name), 80);
    format!("{} is called {} as well", shown(name), shown(other))
}

/// Zeros fill up.
trait TrimZeros {
    fn trim_ascii_end_zeros(&self) -> &[u8];
}

impl TrimZeros for [u8] {
    fn trim_ascii_end_zeros(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        self.get(..end).unwrap_or_default()
    }
}

/// Blocks of a tar archive.
const BLOCK: usize = 512;

/// What is known of a tar archive's members while they are read.
#[derive(Debug, Default)]
pub(super) struct TarParts {
    spare: Spare,
    /// Where the last one ended.
    end: usize,
}

impl TarParts {
    /// A member with its content there.
    pub(super) fn member(&mut self, bytes: &[u8], from: u64, size: u64) {
        let (Ok(from), Ok(size)) = (usize::try_from(from), usize::try_from(size)) else { return };
        let to = from.saturating_add(size);
        self.end = to.checked_next_multiple_of(BLOCK).unwrap_or(to);
        // What fills up the last block.
        let rest = bytes.get(to..self.end.min(bytes.len())).unwrap_or_default();
        if rest.iter().any(|byte| *byte != 0) {
            self.spare.bytes.extend_from_slice(rest);
        }
    }

    /// What comes before a member's head: what is said of it.
    pub(super) fn before(&mut self, bytes: &[u8], head: u64) {
        let to = usize::try_from(head).unwrap_or(usize::MAX);
        let mut rest = bytes.get(self.end..to).unwrap_or_default();
        while let Some((head, after)) = rest.split_at_checked(BLOCK) {
            let size = head.get(124..136).and_then(|field| std::str::from_utf8(field).ok());
            let size = size.map(|field| field.trim_matches(['\0', ' ']));
            let size = size.and_then(|field| usize::from_str_radix(field, 8).ok()).unwrap_or(0);
            let (content, _) = after.split_at_checked(size).unwrap_or((after, &[]));
            if head.get(156) == Some(&b'x') {
                self.records(content);
            }
            let blocks = size.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX);
            rest = after.get(blocks..).unwrap_or_default();
        }
    }

    /// Records of `LENGTH KEY=VALUE`, of which a value may have several lines.
    pub(super) fn records(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let record = || {
                let space = bytes.iter().position(|byte| *byte == b' ')?;
                let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
                let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
                let equals = record.iter().position(|byte| *byte == b'=')?;
                Some((record.get(..equals)?, record.get(equals + 1..)?, bytes.get(length..)?))
            };
            let Some((key, value, rest)) = record() else {
                self.spare.text(bytes);
                return;
            };
            self.said(key, value);
            bytes = rest;
        }
    }

    /// What is said of a member, or of all.
    fn said(&mut self, key: &[u8], value: &[u8]) {
        const KNOWN: [&[u8]; 16] = [
            b"path",
            b"linkpath",
            b"size",
            b"mtime",
            b"atime",
            b"ctime",
            b"uid",
            b"gid",
            b"uname",
            b"gname",
            b"charset",
            b"hdrcharset",
            b"LIBARCHIVE.creationtime",
            b"SCHILY.dev",
            b"SCHILY.ino",
            b"SCHILY.nlink",
        ];
        if !KNOWN.contains(&key) {
            self.spare.text(value);
        }
    }

    /// With what comes behind the last member.
    pub(super) fn rest(mut self, bytes: &[u8]) -> Spare {
        let behind = bytes.get(self.end..).unwrap_or_default();
        if let Some(at) = behind.iter().position(|byte| *byte != 0) {
            // From the block on: it may be another archive.
            let from = at - at % BLOCK;
            self.spare.bytes.extend_from_slice(behind.get(from..).unwrap_or_default());
        }
        self.spare
    }
}
