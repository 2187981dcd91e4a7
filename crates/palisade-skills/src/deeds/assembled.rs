//! Code and secrets that are put together: from the lines of a file of data, from a table, from a cipher.

use std::sync::LazyLock;

use super::{Report, outward, rules, secrets};
use crate::{
    Confidence::Medium,
    File, FileKind, Package, Seen, Severity,
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// A text that grows piece by piece, by its name.
static GROWS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b([A-Za-z_]\w{0,30})\s{0,2}(?:\+=|\.=|<<|\.push\(|\.append\()"));

/// A text is evaluated, by its name.
static EVALUATED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\b_compile(?:\.call|\.apply)?\s{0,2}\(\s{0,2}(?:\w{1,20},\s{0,2})?|\bReflect\.construct\([^\n]{0,60}\[\s{0,2}|\.constructor\)?\s{0,2}\(\s{0,2}|(?:^|[^\w.])(?:eval|exec|loadstring|load)\s{0,2}\(\s{0,2}(?:compile\(\s{0,2})?(?:["']{2}\.join\(\s{0,2})?|\bnew\s+Function\s{0,2}\(\s{0,2}|\binstance_eval\s{0,2}\(?\s{0,2}|\brunInThisContext\(\s{0,2})\$?([A-Za-z_]\w{0,30})\b"#,
    )
});

/// A file is read, line by line or as a whole.
static READS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)readFile|\bopen\s*\(|read_text|File\.(?:read|foreach|open)|ReadAll|json\.load|csv\.|DATA\.each_line|__END__|io\.(?:open|lines)|file_get_contents|\bfgets\b|readLines",
    )
});

/// A command whose words come out of a table, by their numbers.
static COMMAND_OF_TABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:Popen|run|call|check_output|spawn\w{0,6}|exec\w{0,8}|system)\s*\(\s*\[?[^\n]{0,80}\b[a-z_]\w{0,20}\[\d{1,2}\]\s*\+\s*[a-z_]\w{0,20}\[\d{1,2}\]\s*\+\s*[a-z_]\w{0,20}\[\d{1,2}\]"#,
    )
});

/// A secret takes two other forms, one after the other.
static TWICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\|\s*(?:rev|gzip[^|\n]{0,14}|zstd[^|\n]{0,14}|xz[^|\n]{0,14}|tr\s+['\x22]?A-Z[^|\n]{0,30}|base64[^|\n]{0,10}|xxd[^|\n]{0,10})\s*\|\s*(?:base64|base32|xxd|od|rev)\b",
    )
});
/// Variables by names that tell of secrets.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\benv\s*\|\s*grep[^\n]{0,30}(?:token|secret|key|pass)|\bgh\s+auth\s+token\b|_authToken",
    )
});
/// It is put back into its form, or kept with care.
static KEPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)--decode|base64\s+-[dD]\b|secret\s+(?:set|create)|--password-stdin|create\s+secret|\bgpg\b|\bage\s+-",
    )
});

/// An address of a wallet out of pieces.
static WALLET_PIECES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["'](?:bc1q?|0x|T)["']\s*(?:\+|\.)\s*(?:\[|Buffer|bytes|atob|["'][0-9a-zA-Z]{6,}["'])"#,
    )
});
static WALLET_FORM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)bc1\[|\(bc1|\[13\]|0x\[|\^T\[|isAddress"));
/// The number of an account, backwards.
static ACCOUNT_TURNED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:strrev|reverse|reversed)\s*\(\s*["']\d{12,30}|["']\d{12,30}\w{0,6}["'](?:\.reverse|\[::-1\])"#,
    )
});

/// All matches' names, in the order of their places.
pub(super) fn names<'a>(regex: &Regex, text: &'a str) -> Vec<(usize, &'a str)> {
    const MOST: usize = 200;
    let mut captures = regex.create_captures();
    let mut from = 0;
    let mut found = Vec::new();
    while found.len() < MOST && from < text.len() {
        regex.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { break };
        from = whole.end().max(from + 1);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        if let Some(name) = captures.get_group(1).and_then(|name| text.get(name.range())) {
            found.push((whole.start(), name));
        }
    }
    found
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if text.len() > 1 << 18 || report.program.path.ends_with(".min.js") {
        return;
    }
    if READS.is_match(text) {
        let grown = names(&GROWS, text);
        let evaluated = names(&EVALUATED, text)
            .into_iter()
            .find(|(_, name)| grown.iter().any(|(_, other)| other == name));
        let at = evaluated
            .map(|(at, _)| at)
            .or_else(|| COMMAND_OF_TABLE.find(text).map(|found| found.start()));
        if let Some(at) = at {
            let message = "what is run is put together from what a file of data holds";
            report.say(&rules::DECODED_RUNS, Severity::High, Medium, at, message);
        }
    }
    if let Some(found) = TWICE.find(text)
        && (secrets::opens(report.program) || NAMED.is_match(text))
        && !KEPT.is_match(text)
    {
        let message = "a secret takes two other forms, one after the other";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = WALLET_PIECES.find(text)
        && WALLET_FORM.is_match(text)
    {
        let message = "an address of a wallet is put together where addresses are checked";
        report.say(&rules::PAYEE, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = ACCOUNT_TURNED.find(text) {
        let message = "the number of an account is written backwards";
        report.say(&rules::PAYEE, Severity::High, Medium, found.start(), message);
    }
    if let Some(at) = secrets::opens_wallet(report.program)
        && !report.program.prose
        && outward::talks(report.program)
        && outward::sends(report.program)
        && !text.contains("http://")
        && !text.contains("https://")
    {
        let message =
            "wallets are opened, and something is sent to an address that does not stand there";
        report.say(&rules::SECRET_AND_STRANGER, Severity::High, Medium, at, message);
    }
}

/// An account of a bank.
static ACCOUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"));

/// A field of a template: a name in signs.
static FIELD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:\{|\[\[|<<|%\(?)[A-Za-z_\x80-\xff]{2,30}(?:\}|\]\]|>>|%|\)s)"));

/// Accounts of examples, by their beginnings without spaces.
const EXAMPLES: &[&str] = &[
    "DE8937",
    "DE1250",
    "DE021203",
    "DE02100",
    "DE02000",
    "DE75512108",
    "DE00",
    "GB29NWBK",
    "GB82WEST",
    "GB33BUKB",
    "GB94BARC",
    "GB00",
    "FR142004",
    "FR763000",
    "FR7612345",
    "NL91ABNA",
    "NL02ABNA",
    "NL13TEST",
    "ES9121",
    "ES7921",
    "ES6621",
    "IT60X054",
    "CH9300762",
    "CH5604835",
    "AT6119043",
    "BE68539",
    "BE71096",
    "PL611090",
    "PL271140",
    "SE4550",
    "FI2112",
    "DK5000",
    "NO9386",
    "PT5000",
    "IE29AIBK",
    "IE12BOFI",
    "LU2800",
    "CZ6508",
    "SA0380",
    "AE0703",
    "TR3300",
];

/// In a template with fields to fill in, the account that is paid is filled in already.
pub(super) fn payee(file: &File, profile: &Profile, seen: &mut Seen) {
    const LARGEST: usize = 64 << 10;
    const FIELDS: usize = 4;
    if !matches!(file.kind, FileKind::Prose | FileKind::Data | FileKind::Definition)
        || file.bytes.len() > LARGEST
        || file.path.ends_with("SKILL.md")
    {
        return;
    }
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    let fields = ["{{", "<%=", "${", "@@"].iter().map(|mark| text.matches(mark).count()).max();
    if fields.unwrap_or_default().max(FIELD.find_iter(text).count()) < FIELDS {
        return;
    }
    let found = ACCOUNT.find_iter(text).find(|found| {
        let account: String = text
            .get(found.range())
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let digits = account.chars().filter(char::is_ascii_digit).count();
        digits >= 10
            && !EXAMPLES.iter().any(|example| account.starts_with(example))
            && !["0000000", "12345678", "XXXX", "11111111"]
                .iter()
                .any(|blank| account.contains(blank))
    });
    if let Some(found) = found
        && text.contains("IBAN")
    {
        let before = text.get(..found.start()).unwrap_or_default();
        let number = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
        let line = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
        let message = "all fields of the template are to be filled in but the account that is paid";
        let severity = if profile.security { Severity::Medium } else { Severity::High };
        let finding = rules::PAYEE.at(&file.path, number, 0, line, message);
        seen.findings.push(finding.of(severity).sure(Medium));
    }
}

pub(super) fn files(package: &Package, profile: &Profile, seen: &mut Seen) {
    for file in &package.files {
        payee(file, profile, seen);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, JavaScript, Python, Shell};

    #[test]
    fn what_is_put_together_is_seen() {
        for (path, kind, text) in [
            (
                "a.js",
                JavaScript,
                "let s = '';\nfor (const l of fs.readFileSync(f,'utf8').split('\\n')) s += l.slice(9);\nmodule._compile(s, 'x');\n",
            ),
            (
                "b.py",
                Python,
                "out = []\nfor row in csv.reader(open(p)):\n    out.append(row[2])\nexec(''.join(out))\n",
            ),
            (
                "c.py",
                Python,
                "t = json.load(open(p))\nsubprocess.run([t[3], '-c', t[0] + t[2] + t[1]])\n",
            ),
            ("d.sh", Shell, "t=$(cat ~/.aws/credentials | gzip -9 | base64)\necho \"Ref: $t\"\n"),
            (
                "e.js",
                JavaScript,
                "const ok = /^(bc1[a-z0-9]+)$/;\nconst n = 'bc1q' + ['k3v9', 'z7'].join('');\n",
            ),
            ("f.php", Data, "<?php $iban = strrev('4381207794500123');\n"),
            (
                "t.html",
                Data,
                "<p>{{name}} {{street}} {{total}} {{date}}</p>\n<p>IBAN LT12 7300 0101 5587 2946</p>\n",
            ),
        ] {
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_only_gathers_is_let_be() {
        for (path, kind, text) in [
            (
                "a.js",
                JavaScript,
                "let s = '';\nfor (const l of fs.readFileSync(f,'utf8').split('\\n')) s += l;\nconsole.log(s);\n",
            ),
            (
                "b.py",
                Python,
                "out = []\nfor row in csv.reader(open(p)):\n    out.append(row[2])\nprint(''.join(out))\n",
            ),
            ("c.py", Python, "t = json.load(open(p))\nsubprocess.run(['git', 'add', t[0]])\n"),
            ("d.sh", Shell, "tar c docs | gzip -9 | base64 > docs.b64\n"),
            (
                "e.js",
                JavaScript,
                "const ok = /^(bc1[a-z0-9]+)$/;\nconst n = '0x' + value.toString(16);\n",
            ),
            (
                "t.html",
                Data,
                "<p>{{name}} {{street}} {{total}} {{date}}</p>\n<p>IBAN {{iban}} (such as DE89 3704 0044 0532 0130 00)</p>\n",
            ),
        ] {
            assert!(stopped(path, kind, text).is_empty(), "{text}");
        }
    }
}
