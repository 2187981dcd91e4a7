//! Encodings peeled off, one after the other, within bounds.

use std::sync::LazyLock;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::rules;
use crate::{
    Confidence::{High, Low, Medium},
    File, FileKind, Seen, Severity,
    formats::{Lines, Profile},
    pattern::{Regex, pattern},
    text,
};

/// How many encodings lie within each other at most.
const DEEPEST: usize = 4;
/// So many pieces of one file are read whatever they hold; of more, those that hold words or commands.
const MOST: usize = 200;
/// The longest piece that is decoded, in bytes.
const LONGEST: usize = 256 << 10;

static LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static BASE64: LazyLock<[GeneralPurpose; 2]> = LazyLock::new(|| {
    [
        GeneralPurpose::new(&alphabet::STANDARD, LENIENT),
        GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT),
    ]
});

static LETTERS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/_-]{20,}={0,2}"));
static HEX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:[0-9a-fA-F]{2}[ :]?){12,}|(?:\\x[0-9a-fA-F]{2}){6,}|(?:0x[0-9a-fA-F]{2}, ?){6,}")
});
static PERCENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:[A-Za-z0-9./:_-]{0,8}%[0-9a-fA-F]{2}){6,}[A-Za-z0-9./:_-]{0,40}")
});
static ENTITIES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:&#(?:x[0-9a-fA-F]{1,6}|[0-9]{1,7});\s?){6,}"));
static ESCAPES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:\\u\{?[0-9a-fA-F]{4,6}\}?){6,}|(?:\\[0-7]{3}){6,}"));
static BINARY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:[01]{8}[ ,]?){6,}"));
static DECIMAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\b(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])\b[, ]{1,2}){8,}(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])",
    )
});
static MORSE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:[.\-·−]{1,5}[ /]{1,3}){12,}[.\-·−]{1,5}"));

pub(super) fn look(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    let lines = Lines::of(text);
    let found = pieces(text);
    // A compressed piece may hold far more than its file.
    let mut left = text.len().saturating_mul(2).saturating_add(1 << 20);
    for (at, (start, decoded, how)) in found.into_iter().enumerate() {
        let line = lines.line(start);
        if at >= MOST && !speaks(&decoded) {
            continue;
        }
        let Some(rest) = left.checked_sub(decoded.len()) else {
            let message = "encoded pieces hold more text than is read";
            seen.findings.push(rules::UNREAD.at(&file.path, line, 0, "", message).sure(High));
            break;
        };
        left = rest;
        judge(file, &decoded, how, line, profile, seen, 1);
    }
    if matches!(file.kind, FileKind::Prose | FileKind::Definition) {
        shifted(file, text, &lines, profile, seen);
    }
}

/// The encoded pieces of a text that decode to text.
fn pieces(text: &str) -> Vec<(usize, String, &'static str)> {
    let mut found: Vec<(usize, String, &'static str)> = Vec::new();
    let mut covered = 0;
    let mut take =
        |pattern: &Regex, how: &'static str, decode: &dyn Fn(&str) -> Option<Vec<u8>>| {
            for piece in pattern.find_iter(text) {
                let Some(piece_text) = text.get(piece.range()) else { continue };
                // A longer one is read as far as it is looked at; a picture is no text anyway.
                let piece_text = piece_text.get(..LONGEST).unwrap_or(piece_text);
                if let Some(decoded) = decode(piece_text).and_then(readable) {
                    covered += piece_text.len();
                    found.push((piece.start(), decoded, how));
                }
            }
        };
    if memchr::memchr(b'%', text.as_bytes()).is_some() {
        take(&PERCENT, "percent", &percent);
    }
    if memchr::memchr(b'&', text.as_bytes()).is_some() {
        take(&ENTITIES, "entities", &entities);
    }
    if memchr::memchr(b'\\', text.as_bytes()).is_some() {
        take(&ESCAPES, "escapes", &escapes);
    }
    if is_long_enough("hex", text) {
        take(&HEX, "hex", &hex);
    }
    if is_long_enough("binary", text) {
        take(&BINARY, "binary", &binary);
    }
    if is_long_enough("decimal", text) {
        take(&DECIMAL, "decimal", &decimal);
    }
    if is_long_enough("morse", text) {
        take(&MORSE, "morse", &morse);
    }
    take(&LETTERS, "base64", &base64);
    found.sort_by_key(|(start, ..)| *start);
    found
}

/// Has it somewhere as many of the bytes that a pattern knows as its shortest match? Few texts have, and to compile these
/// patterns costs more than to look.
fn is_long_enough(how: &str, text: &str) -> bool {
    match how {
        "hex" => has_run(text, 24, |b| b.is_ascii_hexdigit() || b" :\\x,".contains(&b)),
        "binary" => has_run(text, 48, |b| b"01 ,".contains(&b)),
        "decimal" => has_run(text, 26, |b| b.is_ascii_digit() || b" ,".contains(&b)),
        "morse" => has_run(text, 25, |b| b".- /".contains(&b) || !b.is_ascii()),
        _ => true,
    }
}

/// Are there so many bytes of this kind, one behind the other?
fn has_run(text: &str, least: usize, is: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    // Where a run would end that begins behind all that was looked at.
    let mut end = least;
    while let Some(window) = end.checked_sub(least).and_then(|start| bytes.get(start..end)) {
        match window.iter().rposition(|b| !is(*b)) {
            Some(at) => end += at + 1,
            None => return true,
        }
    }
    false
}

/// Does a decoded piece hold words or a command, rather than an id?
fn speaks(decoded: &str) -> bool {
    decoded.split_whitespace().take(3).count() == 3 || is_command(decoded) || ACTS.is_match(decoded)
}

/// Text, or UTF-16 text as PowerShell encodes it, that reads like one.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        Ok(text) => utf16(text.as_bytes())?,
        Err(error) => utf16(error.as_bytes()).or_else(|| unpacked(error.as_bytes()))?,
    };
    let count = text.chars().count();
    let plain = text
        .chars()
        .filter(|c| c.is_alphanumeric() || c.is_ascii_punctuation() || c.is_whitespace())
        .count();
    let controls = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    (count >= 6 && controls == 0 && plain * 10 >= count * 9).then_some(text)
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| {
            u16::from_le_bytes([
                pair.first().copied().unwrap_or(0),
                pair.get(1).copied().unwrap_or(0),
            ])
        })
        .collect();
    let zeros = bytes.iter().skip(1).step_by(2).filter(|&&b| b == 0).count();
    (zeros * 10 >= units.len() * 9 && !units.is_empty()).then(|| String::from_utf16_lossy(&units))
}

fn unpacked(bytes: &[u8]) -> Option<String> {
    use std::io::Read as _;
    const LARGEST: u64 = 256 << 10;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes).take(LARGEST).read_to_string(&mut text).ok()?;
    } else if bytes.first() == Some(&0x78) {
        flate2::read::ZlibDecoder::new(bytes).take(LARGEST).read_to_string(&mut text).ok()?;
    } else {
        return None;
    }
    Some(text)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    // Paths and identifiers have these letters too.
    let classes = [
        bare.bytes().any(|b| b.is_ascii_uppercase()),
        bare.bytes().any(|b| b.is_ascii_lowercase()),
        bare.bytes().any(|b| b.is_ascii_digit()),
    ];
    if classes.iter().filter(|&&class| class).count() < 2 || bare.len() % 4 == 1 {
        return None;
    }
    BASE64.iter().find_map(|engine| engine.decode(bare).ok())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.replace("\\x", "").replace("0x", "").chars().filter_map(|c| c.to_digit(16)).collect();
    // A digest or an id is hex too: text is told by `readable`.
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |value, digit| value << 4 | digit)).ok())
        .collect()
}

fn percent(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn entities(text: &str) -> Option<Vec<u8>> {
    let mut out = String::new();
    for entity in text.split(';').map(str::trim).filter(|entity| !entity.is_empty()) {
        let number = entity.strip_prefix("&#")?;
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        out.push(char::from_u32(value)?);
    }
    Some(out.into_bytes())
}

fn escapes(text: &str) -> Option<Vec<u8>> {
    let mut out = String::new();
    for escape in text.split('\\').filter(|escape| !escape.is_empty()) {
        let value = match escape.strip_prefix('u') {
            Some(hex) => u32::from_str_radix(hex.trim_matches(['{', '}']), 16).ok()?,
            None => u32::from_str_radix(escape, 8).ok()?,
        };
        out.push(char::from_u32(value)?);
    }
    Some(out.into_bytes())
}

fn binary(text: &str) -> Option<Vec<u8>> {
    text.split([' ', ','])
        .filter(|part| !part.is_empty())
        .flat_map(|part| part.as_bytes().chunks(8))
        .map(|part| u8::from_str_radix(std::str::from_utf8(part).ok()?, 2).ok())
        .collect()
}

fn decimal(text: &str) -> Option<Vec<u8>> {
    text.split([' ', ',']).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

fn morse(text: &str) -> Option<Vec<u8>> {
    const CODE: [(&str, u8); 36] = [
        (".-", b'a'),
        ("-...", b'b'),
        ("-.-.", b'c'),
        ("-..", b'd'),
        (".", b'e'),
        ("..-.", b'f'),
        ("--.", b'g'),
        ("....", b'h'),
        ("..", b'i'),
        (".---", b'j'),
        ("-.-", b'k'),
        (".-..", b'l'),
        ("--", b'm'),
        ("-.", b'n'),
        ("---", b'o'),
        (".--.", b'p'),
        ("--.-", b'q'),
        (".-.", b'r'),
        ("...", b's'),
        ("-", b't'),
        ("..-", b'u'),
        ("...-", b'v'),
        (".--", b'w'),
        ("-..-", b'x'),
        ("-.--", b'y'),
        ("--..", b'z'),
        ("-----", b'0'),
        (".----", b'1'),
        ("..---", b'2'),
        ("...--", b'3'),
        ("....-", b'4'),
        (".....", b'5'),
        ("-....", b'6'),
        ("--...", b'7'),
        ("---..", b'8'),
        ("----.", b'9'),
    ];
    let mut out = Vec::new();
    for word in text.replace('·', ".").replace('−', "-").split(['/', '\n']) {
        for letter in word.split_whitespace() {
            out.push(CODE.iter().find(|(code, _)| *code == letter)?.1);
        }
        out.push(b' ');
    }
    // Table borders are dashes too.
    let letters: std::collections::BTreeSet<u8> = out.iter().copied().collect();
    (letters.len() > 5).then_some(out)
}

/// What a decoded text says.
fn judge(
    file: &File,
    decoded: &str,
    how: &'static str,
    line: u32,
    profile: &Profile,
    seen: &mut Seen,
    depth: usize,
) {
    let words = decoded
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphabetic) && word.chars().count() > 1)
        .count();
    let before = seen.findings.len();
    text::look_decoded(file, decoded, line, profile, seen);
    // A row of a list in a package about attacks: what a test feeds to a guard.
    if profile.security && (prose_row(file, line) || is_exhibit(file, line)) {
        for finding in seen.findings.iter_mut().skip(before) {
            finding.severity = finding.severity.min(Severity::Medium);
            finding.confidence = Low;
        }
    }
    let ordered =
        seen.findings.iter().skip(before).any(|finding| finding.severity >= Severity::Medium);
    let command = is_command(decoded);
    let prose = matches!(file.kind, FileKind::Prose | FileKind::Definition);
    if ordered || command {
        let fetches = crate::formats::runs_fetched(decoded);
        // `echo hello` in base64 is nobody's secret.
        let idle = command
            && !ordered
            && !fetches
            && !crate::formats::acts(decoded)
            && !ACTS.is_match(decoded);
        let severity = if idle {
            Severity::Low
        } else if command && !prose && !fetches && !ordered {
            Severity::Medium
        } else {
            Severity::High
        };
        let finding = rules::ENCODED_ORDER
            .at(
                &file.path,
                line,
                0,
                decoded,
                format!("{how} text holds {}", if command { "a command" } else { "orders" }),
            )
            .of(severity);
        seen.findings.push(finding.sure(if profile.security {
            Low
        } else if ordered || prose || fetches {
            High
        } else {
            Medium
        }));
    } else if words >= 4 && prose {
        seen.findings.push(
            rules::ENCODED
                .at(&file.path, line, 0, decoded, format!("{how} text"))
                .of(Severity::Low)
                .sure(Low),
        );
    }
    if depth < DEEPEST {
        for (_, inner, how) in pieces(decoded).into_iter().take(8) {
            judge(file, &inner, how, line, profile, seen, depth + 1);
        }
    }
}

/// Is a line of a text one quoted row among others?
fn prose_row(file: &File, line: u32) -> bool {
    let text = String::from_utf8_lossy(&file.bytes);
    let row = text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default().trim();
    file.kind == FileKind::Prose
        && row.starts_with(['"', '\''])
        && (row.ends_with("\",") || row.ends_with("',"))
}

/// Is a line a row of a table in a text that says of what it shows that nobody is to follow it?
fn is_exhibit(file: &File, line: u32) -> bool {
    const UNHEEDED: &[&str] =
        &["do not follow", "don't follow", "never follow", "do not act on", "never act on"];
    let text = String::from_utf8_lossy(&file.bytes);
    let row = text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default().trim();
    let lower = || text.to_lowercase();
    file.kind == FileKind::Prose
        && row.starts_with('|')
        && row.ends_with('|')
        && UNHEEDED.iter().any(|unheeded| lower().contains(unheeded))
}

static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(curl|wget|nc|ncat|bash|sh|zsh|powershell|pwsh|iex|invoke-expression|invoke-webrequest|downloadstring|python3?|node|perl|ruby|eval|exec|os\.system|subprocess|child_process|/dev/tcp|chmod|rm -rf|base64 -d|nslookup|osascript|certutil|mshta|regsvr32|schtasks|crontab|__import__|require\()[\s(.'\x22]",
    )
});

/// What a command does that matters.
static ACTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)rm -rf|\beval\b|\bexec\b|/dev/tcp|/dev/sd|https?:|\bnc\b|os\.system|subprocess|child_process|__import__|invoke-expression|\biex\b|downloadstring|mshta|regsvr32|schtasks|crontab|\.ssh|\.aws|\.env|passw|token|secret|chmod|osascript|certutil|-enc",
    )
});

/// Does a decoded text do anything that matters?
pub(crate) fn matters(text: &str) -> bool {
    ACTS.is_match(text) || COMMAND.is_match(text) && text.contains(['|', '>', ';', '&'])
}

fn is_command(text: &str) -> bool {
    COMMAND.is_match(text) && text.split_whitespace().count() > 1 && !is_sentence(text)
}

/// `eval is evil`: words of a language, without a place, an option or a mark that a command could do something with.
fn is_sentence(text: &str) -> bool {
    let text = text.trim();
    let words = text.split_whitespace().count();
    words > 2
        && text.split_whitespace().all(|word| {
            word.trim_end_matches(['.', ',', '!', '?']).chars().all(char::is_alphabetic)
        })
}

/// Letters turned by 13 or written backwards: whole sentences only, told by what they say.
fn shifted(file: &File, text: &str, lines: &Lines, profile: &Profile, seen: &mut Seen) {
    const LARGEST: usize = 512 << 10;
    if text.len() > LARGEST {
        return;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if !line.is_ascii() || line.len() < 24 || line.len() > 4000 {
            continue;
        }
        let rot: String = line.chars().map(rot13).collect();
        let reversed: String = line.trim().chars().rev().collect();
        let plain = common(line);
        for (how, turned) in [("rot13", rot), ("reversed", reversed)] {
            let words = common(&turned);
            if words > 2 && words > plain * 2 {
                judge(file, &turned, how, lines.line(start), profile, seen, DEEPEST);
            }
        }
    }
}

fn rot13(c: char) -> char {
    let turn = |base: u8| char::from((c as u8 - base + 13) % 26 + base);
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        _ => c,
    }
}

/// How many small English words a text has.
fn common(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| (2..=5).contains(&word.len()))
        .filter(|word| {
            [
                "the", "to", "and", "of", "all", "user", "send", "this", "in", "with", "from",
                "file", "files", "you", "your", "not", "do", "any", "run", "for", "is", "it",
                "then", "api", "key", "keys",
            ]
            .iter()
            .any(|common| common.eq_ignore_ascii_case(word))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_enough_for_its_pattern_is_looked_at() {
        for (encoded, how) in [
            ("736d616c6c20776f72647320".to_owned(), "hex"),
            (r"\x73\x6d\x61\x6c\x6c\x20".to_owned(), "hex"),
            ("0x73,0x6d,0x61,0x6c,0x6c,0x20,".to_owned(), "hex"),
            ("smalls".bytes().map(|b| format!("{b:08b}")).collect(), "binary"),
            ("40,41,42,43,44,45,46,47,48".to_owned(), "decimal"),
            ("- - - - - - - - - - - - -".to_owned(), "morse"),
        ] {
            let shortest = [("hex", &HEX), ("binary", &BINARY), ("decimal", &DECIMAL)];
            let pattern =
                shortest.iter().find(|(name, _)| *name == how).map_or(&MORSE, |(_, it)| it);
            assert!(pattern.is_match(encoded.as_str()), "{encoded}");
            assert!(is_long_enough(how, &format!("ä {encoded}x")), "{encoded}");
        }
        let text = "a dozen".repeat(100);
        assert!(
            ["hex", "binary", "decimal", "morse"].iter().all(|how| !is_long_enough(how, &text))
        );
        assert!(!has_run("aaaabaaa", 5, |b| b == b'a') && has_run("baaaab", 4, |b| b == b'a'));
    }
}
