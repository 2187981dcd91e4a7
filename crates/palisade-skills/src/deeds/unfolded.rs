//! The text of a program with its literals as they are when it runs: pieces joined, encodings opened.
//!
//! Every rule that looks for an address, a path or a command would otherwise have to know each way in which one can be
//! written, in each language. So it is undone once, before any rule looks: literals that only a sign of joining stands
//! between become one; a literal in hexadecimal or base64, with escapes, backwards, or a row of numbers of characters,
//! with or without one number that they are masked with, becomes its text. Only where the result is an address, a host, a
//! path or a command: of anything else nothing is changed, so that what looks for encodings still finds them.
//!
//! No line moves. One pass, and each literal is tried a fixed number of times.

use super::outward;

/// The shortest text that is put in the place of another, and the longest.
const SHORTEST: usize = 4;
const LONGEST: usize = 2048;
/// The most pieces of one text.
const MOST_PIECES: usize = 64;
/// How far from a row of numbers the number stands that they are masked with.
const NEAR: usize = 90;
/// The largest program that is unfolded.
const LARGEST: usize = 512 << 10;

/// The text without the signs that protect quotation marks in it, if there are any: a command within a text of another
/// language, as it is when it is run. Lines stay where they are.
pub(super) fn unquoted(text: &str) -> Option<String> {
    const FEWEST: usize = 2;
    if text.len() > LARGEST || text.matches("\\\"").take(FEWEST).count() < FEWEST {
        return None;
    }
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// The text, unfolded.
pub(super) fn unfold(text: String) -> String {
    if text.len() > LARGEST {
        return text;
    }
    let text = numbers(text);
    let text = encoded(text);
    joined(text)
}

/// Is it something that a program is made to use: an address, a host, a path, a command?
fn tells(text: &str) -> bool {
    if !(SHORTEST..=LONGEST).contains(&text.len())
        || !text.bytes().all(|byte| (32..127).contains(&byte))
    {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    if let Some((scheme, rest)) = lower.split_once("://") {
        let named = (2..=24).contains(&scheme.len().min(24))
            && scheme
                .rsplit(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .is_some_and(|s| s.len() > 1);
        return named && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    }
    if is_host(&lower) {
        return true;
    }
    let path =
        lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/~ \\$%*{}".contains(&byte));
    if path {
        let parts: Vec<&str> = lower.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let begins = lower.starts_with(['.', '/', '~'])
            || lower.starts_with("library/")
            || lower.starts_with("appdata")
            || lower.starts_with('%')
            || lower.starts_with("$home");
        let worded = parts.iter().all(|part| part.len() < 48)
            && lower.bytes().filter(u8::is_ascii_alphabetic).count() * 3 > lower.len();
        if begins && worded && (parts.len() > 1 || lower.starts_with('.') && lower.len() < 24) {
            return true;
        }
    }
    const COMMANDS: &[&str] = &[
        "curl ",
        "wget ",
        "bash ",
        "sh -c",
        "/bin/sh",
        "powershell",
        "python3 ",
        "python -",
        "nc ",
        "node -",
        "iex",
        "cat ~",
        "cat /",
        "git push",
        "crontab",
        "chmod ",
        "scp ",
        "ssh ",
        "tar c",
        "nslookup ",
        "dig ",
        "invoke-",
        "rm -rf",
    ];
    COMMANDS.iter().any(|command| lower.starts_with(command))
}

/// A name of a host and nothing else, with or without a port and a path.
fn is_host(text: &str) -> bool {
    let authority = text.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    (2..=6).contains(&labels.len())
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() < 64
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
        && (host.parse::<std::net::Ipv4Addr>().is_ok()
            || outward::has_known_end(host) && !outward::is_file(host) && host.len() > 5)
}

/// A text that is put in the place of another keeps its lines.
fn replace(out: &mut String, by: &str, instead: &str) {
    out.push_str(by);
    out.extend(instead.bytes().filter(|byte| *byte == b'\n').map(|_| '\n'));
}

/// Rows of numbers that are characters.
fn numbers(text: String) -> String {
    const FEWEST: usize = 5;
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let Some((row, end)) = row(bytes, at) else {
            at += 1;
            // A number that is no row is passed over as a whole.
            while at < bytes.len()
                && bytes.get(at - 1).is_some_and(u8::is_ascii_alphanumeric)
                && bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
            {
                at += 1;
            }
            continue;
        };
        if row.len() >= FEWEST
            && let Some(found) = of_numbers(&text, at, end, &row)
        {
            out.push_str(text.get(copied..at).unwrap_or_default());
            replace(&mut out, &format!("\"{found}\""), text.get(at..end).unwrap_or_default());
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return text;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Numbers below 256 with nothing but commas and spaces between them, and where they end.
fn row(bytes: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
    const MOST: usize = 1024;
    let mut row = Vec::new();
    let mut at = from;
    let mut end = from;
    while row.len() < MOST {
        let rest = bytes.get(at..)?;
        let (digits, base, lead) = match rest {
            [b'0', b'x' | b'X', ..] => (rest.get(2..)?, 16, 2),
            [b'0'..=b'9', ..] => (rest, 10, 0),
            _ => break,
        };
        let length =
            digits.iter().take(5).take_while(|digit| char::from(**digit).is_digit(base)).count();
        let number = std::str::from_utf8(digits.get(..length)?).ok()?;
        let Ok(number) = u8::from_str_radix(number, base) else { break };
        row.push(number);
        at += lead + length;
        // The type of a literal of Rust, Kotlin.
        for suffix in ["u8", "u32", "L", "u"] {
            if bytes.get(at..).is_some_and(|rest| rest.starts_with(suffix.as_bytes())) {
                at += suffix.len();
                break;
            }
        }
        end = at;
        let gap = bytes.get(at..)?.iter().take(24).take_while(|b| b" ,\n\r\t_".contains(b)).count();
        if gap == 0 {
            break;
        }
        at += gap;
        // `_` goes on where a line of Basic does.
    }
    (row.len() > 1).then_some((row, end))
}

/// What a row of numbers says, as it stands or under one number that stands near.
fn of_numbers(text: &str, from: usize, to: usize, row: &[u8]) -> Option<String> {
    let said = |masked: &mut dyn Iterator<Item = u8>| -> Option<String> {
        let letters: String = masked
            .map(|byte| (32..127).contains(&byte).then(|| char::from(byte)))
            .collect::<Option<_>>()?;
        if tells(&letters) {
            return Some(letters);
        }
        let turned: String = letters.chars().rev().collect();
        tells(&turned).then_some(turned)
    };
    if let Some(found) = said(&mut row.iter().copied()) {
        return Some(found);
    }
    let around = [before(text, from, NEAR), after(text, to, NEAR)];
    let mut keys: Vec<u8> = around
        .iter()
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric()))
        .filter_map(|word| {
            let hex = word.strip_prefix("0x").and_then(|word| u8::from_str_radix(word, 16).ok());
            hex.or_else(|| word.parse().ok())
        })
        .filter(|key| *key > 0)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(12);
    keys.into_iter().find_map(|key| {
        said(&mut row.iter().map(|byte| byte ^ key))
            .or_else(|| said(&mut row.iter().map(|byte| byte.wrapping_sub(key))))
            .or_else(|| said(&mut row.iter().map(|byte| byte.wrapping_add(key))))
    })
}

/// The end of what stands before a place.
fn before(text: &str, at: usize, length: usize) -> &str {
    let mut from = at.saturating_sub(length);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..at).unwrap_or_default()
}

/// The beginning of what stands behind a place.
fn after(text: &str, at: usize, length: usize) -> &str {
    let mut to = (at + length).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text.get(at..to).unwrap_or_default()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte)
}

/// Words in hexadecimal and base64, and rows of escapes.
fn encoded(text: String) -> String {
    const LEAST: usize = 8;
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, found) = match rest.first() {
            Some(b'\\') => {
                let (length, letters) = escapes(rest);
                (length.max(1), letters.filter(|text| tells(text)))
            }
            Some(byte) if is_word(*byte) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                let word = text.get(at..at + length).unwrap_or_default();
                let word = word.trim_start_matches(['=', '-', '+']);
                let found =
                    (LEAST..=LONGEST * 2).contains(&word.len()).then(|| opened(word)).flatten();
                (length, found.map(|text| format!("{}{text}", "=".repeat(length - word.len()))))
            }
            _ => (1, None),
        };
        if let Some(found) = found {
            let whole = bytes.get(at.saturating_sub(1)).is_some_and(|b| b"\"'`".contains(b))
                && bytes.get(at + length).is_some_and(|b| b"\"'`".contains(b));
            out.push_str(text.get(copied..at).unwrap_or_default());
            match whole {
                true => out.push_str(&found),
                false => {
                    out.push('"');
                    out.push_str(&found);
                    out.push('"');
                }
            }
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return text;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// A row of `\x68\x69`, `\u0068`, `\150`, with its length; the letters among them stay.
fn escapes(bytes: &[u8]) -> (usize, Option<String>) {
    const FEWEST: usize = 4;
    let mut letters = String::new();
    let mut at = 0;
    let mut escaped = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let number = |from: usize, width: usize, base: u32| {
            let digits = std::str::from_utf8(bytes.get(from..from + width)?).ok()?;
            u8::try_from(u32::from_str_radix(digits, base).ok()?).ok()
        };
        let (letter, length) = match (byte, bytes.get(at + 1).copied()) {
            (b'\\', Some(b'x')) => (number(at + 2, 2, 16), 4),
            (b'\\', Some(b'u')) => (number(at + 2, 4, 16), 6),
            (b'\\', Some(b'0'..=b'3')) => (number(at + 1, 3, 8), 4),
            (b'\\', _) => (None, 1),
            (32..=126, _) if !b"\"'`()$".contains(&byte) => {
                letters.push(char::from(byte));
                at += 1;
                continue;
            }
            _ => break,
        };
        let Some(letter) = letter else { break };
        escaped += 1;
        letters.push(char::from(letter));
        at += length;
    }
    (at, (escaped >= FEWEST && letters.is_ascii()).then_some(letters))
}

/// The bytes of pairs of digits.
fn pairs(word: &str) -> Option<Vec<u8>> {
    (0..word.len() / 2)
        .map(|at| u8::from_str_radix(word.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect()
}

/// What a word says in hexadecimal, base64 or backwards.
fn opened(word: &str) -> Option<String> {
    use base64::{
        Engine as _, alphabet,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    };
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    let said = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).ok()?;
        let text = text.trim_end_matches('\n');
        if tells(text) {
            return Some(text.to_owned());
        }
        let turned: String = text.chars().rev().collect();
        tells(&turned).then_some(turned)
    };
    let hexadecimal =
        word.len().is_multiple_of(2) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hexadecimal && let Some(found) = pairs(word).and_then(said) {
        return Some(found);
    }
    let engine = if word.contains(['-', '_']) { &URL } else { &STANDARD };
    engine.decode(word).ok().and_then(said)
}

/// What may stand between two pieces, if they become one text.
fn is_joint(between: &str, listed: bool) -> bool {
    let bare: String = between.chars().filter(|c| !c.is_whitespace()).collect();
    matches!(
        bare.as_str(),
        "+" | "." | ".." | "&" | "~" | "*" | "||" | "<>" | "^" | "\\" | "_" | "&_" | "+\\"
    ) || bare.is_empty() && between.is_empty()
        || listed && bare == ","
}

/// Pieces with a sign of joining between them.
fn joined(text: String) -> String {
    let mut out = String::new();
    let mut copied = 0;
    let pieces = pieces(&text);
    let mut first = 0;
    while let Some(begin) = pieces.get(first) {
        let listed = is_listed(&text, begin.0, &pieces, first);
        let mut last = first;
        while let (Some(one), Some(next)) = (pieces.get(last), pieces.get(last + 1))
            && last - first < MOST_PIECES
            && is_joint(text.get(one.1..next.0).unwrap_or("?"), listed)
        {
            last += 1;
        }
        if last > first
            && let Some(end) = pieces.get(last)
        {
            let whole: String = pieces
                .get(first..=last)
                .unwrap_or_default()
                .iter()
                .filter_map(|(from, to)| text.get(from + 1..to - 1))
                .collect();
            if tells(&whole) && begin.0 >= copied {
                out.push_str(text.get(copied..begin.0).unwrap_or_default());
                let quote = text.get(begin.0..begin.0 + 1).unwrap_or("\"");
                replace(
                    &mut out,
                    &format!("{quote}{whole}{quote}"),
                    text.get(begin.0..end.1).unwrap_or_default(),
                );
                copied = end.1;
                first = last;
            }
        }
        first += 1;
    }
    if copied == 0 {
        return text;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Are the pieces of this place put together by a function: `''.join([…])`, `paste0(…)`, `[…].concat()`?
fn is_listed(text: &str, at: usize, pieces: &[(usize, usize)], first: usize) -> bool {
    const JOINS: &[&str] = &[
        "join(",
        "join([",
        "join((",
        "paste0(",
        "concat(",
        "concat!(",
        "implode(",
        "strcat(",
        "cat(",
        "string(",
        "StringJoin[",
        "join['",
        "format_concat(",
        "CONCAT(",
        "catfile(",
    ];
    let lead = before(text, at, 24);
    let lead = lead.trim_end_matches(['[', '(', ' ', '\n', '\'', '"', ',']);
    if JOINS.iter().any(|join| lead.ends_with(join.trim_end_matches(['(', '[', '\'', '('])))
        || lead.to_ascii_lowercase().ends_with("join")
    {
        return true;
    }
    // Behind the list: its end is the first bracket that no literal holds.
    let mut end = first;
    while let (Some(one), Some(next)) = (pieces.get(end), pieces.get(end + 1))
        && end - first < MOST_PIECES
        && text.get(one.1..next.0).is_some_and(|between| between.trim() == ",")
    {
        end += 1;
    }
    let Some(one) = pieces.get(end).filter(|_| end > first) else { return false };
    let tail = after(text, one.1, 24);
    let tail = tail.trim_start_matches([']', ')', '}', ' ', '\n', ',']);
    [
        ".join(\"\"",
        ".join('')",
        ".join(``",
        ".concat()",
        ".join\n",
        ".join",
        "-join",
        ".joinToString(\"\"",
        ".implode",
        ".pack",
    ]
    .iter()
    .any(|join| tail.starts_with(join))
        && !tail.starts_with(".join(',")
        && !tail.starts_with(".join(\",")
        && !tail.starts_with(".join(' ")
        && !tail.starts_with(".join(\" ")
        && !tail.starts_with(".join('\\n")
        && !tail.starts_with(".join(\"\\n")
}

/// The literals between quotation marks, each with where it begins and ends, marks and all; none goes over a line.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    const MOST: usize = 20_000;
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    // What a shell puts into a text is quoted for itself: `"$(cat "$HOME"/".x")"`.
    let mut inside = 0_usize;
    while at < bytes.len() && found.len() < MOST {
        let quote = match bytes.get(at) {
            Some(b'"') if bytes.get(at + 1..at + 3) == Some(b"$(") => {
                inside += 1;
                at += 3;
                continue;
            }
            Some(b'"') if inside > 0 && at > 0 && bytes.get(at - 1) == Some(&b')') => {
                inside -= 1;
                at += 1;
                continue;
            }
            Some(b'\n') => {
                inside = 0;
                at += 1;
                continue;
            }
            Some(quote @ (b'"' | b'\'' | b'`')) => *quote,
            Some(b'\\') => {
                at += 2;
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let mut end = at + 1;
        loop {
            match bytes.get(end) {
                Some(b'\\') => end += 2,
                Some(b'\n') | None => {
                    end = 0;
                    break;
                }
                Some(byte) if *byte == quote => break,
                Some(_) => end += 1,
            }
        }
        if end == 0 {
            at += 1;
        } else {
            found.push((at, end + 1));
            at = end + 1;
        }
    }
    found.retain(|(from, to)| text.is_char_boundary(*from) && text.is_char_boundary(*to));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        unfold(text.to_owned())
    }

    #[test]
    fn pieces_become_one() {
        for (text, whole) in [
            ("fetch('https://' + 'in.leaf' + 'lane.net/c')", "'https://in.leaflane.net/c'"),
            ("$u = 'https://in.' . 'leaflane.net';", "'https://in.leaflane.net'"),
            ("local p = '.ssh' .. '/id_' .. 'rsa'", "'.ssh/id_rsa'"),
            ("u = \"https:\" & _\n \"//in.leaflane.net\"", "\"https://in.leaflane.net\""),
            (
                "p = \"Library/\" * \"Keychains/login.keychain\"",
                "\"Library/Keychains/login.keychain\"",
            ),
            ("curl \"https://in.le\"\"aflane.net\"", "\"https://in.leaflane.net\""),
            ("x = ''.join(['.aws', '/cred', 'entials'])", "'.aws/credentials'"),
            ("u <- paste0(\"https://in.\", \"leaflane.net\")", "\"https://in.leaflane.net\""),
            (
                "let u = [\"https://in.\", \"leaflane.net\"].concat();",
                "\"https://in.leaflane.net\"",
            ),
            ("rows=\"$(cat \"$HOME\"/\".netr\"\"c\")\"", "\".netrc\""),
        ] {
            assert!(of(text).contains(whole), "{text}: {}", of(text));
        }
    }

    #[test]
    fn encodings_are_opened() {
        for (text, whole) in [
            ("atob('aHR0cHM6Ly9pbi5sZWFmbGFuZS5uZXQvYw==')", "'https://in.leaflane.net/c'"),
            (
                "$(echo aHR0cHM6Ly9pbi5sZWFmbGFuZS5uZXQvYw | base64 -d)",
                "\"https://in.leaflane.net/c\"",
            ),
            ("bytes.fromhex('2e6177732f63726564656e7469616c73')", "'.aws/credentials'"),
            ("printf '\\x2e\\x73\\x73\\x68\\x2f\\x69\\x64\\x5f\\x72\\x73\\x61'", "'.ssh/id_rsa'"),
            ("String.fromCharCode(46,115,115,104,47,105,100,95,114,115,97)", "(\".ssh/id_rsa\")"),
            ("vec![0x2e, 0x6e, 0x70, 0x6d, 0x72, 0x63]", "[\".npmrc\"]"),
            ("[4, 68, 90, 71, 88, 73].map(c => c ^ 42)", "[\".npmrc\"]"),
            ("''.join(chr(c ^ 42) for c in [4, 68, 90, 71, 88, 73])", "[\".npmrc\"]"),
            ("'c/ten.enalfael.ni//:sptth'[::-1]", "ten.enalfael"),
        ] {
            assert!(of(text).contains(whole), "{text}: {}", of(text));
        }
    }

    #[test]
    fn what_tells_nothing_stays() {
        for text in [
            "say('a' + 'b' + 'c')",
            "getattr(__import__('os'), 'sy' + 'stem')",
            "[102, 111, 111, 98, 97, 114]",
            "sizes = [16, 32, 48, 64, 128]",
            "sha = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
            "key = 'aGVsbG8gd29ybGQsIHRoaXMgaXMgbm90aGluZw=='",
            "names = ['a.com', 'b.org', 'c.net']",
            "x = \"\"\"Some words\"\"\"",
            "const t = `line one` + `\\n` + `line two`;",
            "p = 1.5 * 2 . 3",
        ] {
            assert_eq!(of(text), text);
        }
    }

    #[test]
    fn commands_in_texts_are_read() {
        let text = "do shell script \"cat \\\"$HOME\\\"/\\\".ssh/id_rsa\\\"\"";
        assert!(unquoted(text).is_some_and(|text| text.contains("\".ssh/id_rsa\"")));
        assert_eq!(unquoted("say \"a\""), None);
    }

    proptest::proptest! {
        #[test]
        fn lines_stay(text in "[ -~\n]{0,300}") {
            let before = text.matches('\n').count();
            proptest::prop_assert_eq!(unfold(text).matches('\n').count(), before);
        }

        #[test]
        fn any_text_can_be_unfolded(text: String) {
            unfold(text);
        }
    }
}
