use palisade_core::Strict;
use serde_json::Value;
use thiserror::Error;

use crate::output::plain;

/// Matches that are read of one run.
const MOST_MATCHES: usize = 20_000;
/// Places of one match that are read.
const MOST_STRINGS: usize = 100;
/// Characters of an identifier, as both programs bound them.
const IDENTIFIER: usize = 128;
/// Characters of a line that is shown because it cannot be read.
const LINE: usize = 120;

/// A rule that matches in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule's identifier.
    pub rule: String,
    /// What its `meta` says as `severity`.
    pub severity: Option<String>,
    /// What its `meta` says as `description`.
    pub description: Option<String>,
    /// The file, by its number.
    pub file: usize,
    /// Where it matches: offset and length in bytes. None for one that has no strings.
    pub strings: Vec<(u64, u64)>,
}

/// Which files were searched: those of one folder, each by its number as a name.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The folder, as the program was told it.
    pub folder: &'a str,
    /// How many files.
    pub files: usize,
}

/// Why output cannot be read. Then nothing was searched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A line that the program does not write.
    #[error("its output cannot be read: `{0}`")]
    Line(String),
    /// More matches than anybody looks at.
    #[error("it has more than {MOST_MATCHES} matches")]
    Many,
}

impl Told<'_> {
    /// The number of a file, by its path.
    fn file(self, path: &str) -> Option<usize> {
        let name = path.strip_prefix(self.folder)?.strip_prefix('/')?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        name.parse().ok().filter(|number| plain && *number < self.files)
    }
}

/// Reads what `yara --print-strings --print-string-length --print-meta` writes: a line a match, `RULE [META] PATH`, and
/// behind it a line for each place, `0xOFFSET:LENGTH:$NAME: TEXT`.
///
/// # Errors
/// It has a line of another form.
pub fn of_yara(text: &str, told: Told<'_>) -> Result<Vec<Match>, OutputError> {
    let mut all: Vec<Match> = Vec::new();
    for line in text.lines() {
        let bad = || OutputError::Line(plain(line, LINE));
        if line.starts_with("0x") {
            let place = place(line).ok_or_else(bad)?;
            let strings = &mut all.last_mut().ok_or_else(bad)?.strings;
            if strings.len() < MOST_STRINGS {
                strings.push(place);
            }
            continue;
        }
        let one = matched(line, told).ok_or_else(bad)?;
        if all.len() >= MOST_MATCHES {
            return Err(OutputError::Many);
        }
        all.push(one);
    }
    Ok(all)
}

fn matched(line: &str, told: Told<'_>) -> Option<Match> {
    // What an author says may hold anything, and stands before the path.
    let at = line.rfind(&format!("] {}/", told.folder))?;
    let (head, path) = line.split_at_checked(at)?;
    let file = told.file(path.strip_prefix("] ")?)?;
    let (rule, meta) = head.split_once(" [")?;
    if !is_identifier(rule) {
        return None;
    }
    let (mut severity, mut description) = (None, None);
    let mut rest = meta;
    while !rest.is_empty() {
        let (name, more) = rest.split_once('=')?;
        if !is_identifier(name.trim_end()) {
            return None;
        }
        let (value, more) = value(more)?;
        match name.trim_end() {
            "severity" => severity = Some(value),
            "description" => description = Some(value),
            _ => {}
        }
        rest = match more.strip_prefix(',') {
            Some("") => return None,
            Some(more) => more,
            None if more.is_empty() => more,
            None => return None,
        };
    }
    Some(Match { rule: rule.to_owned(), severity, description, file, strings: Vec::new() })
}

/// A value of `meta`, and what is behind it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let good = !value.is_empty() && value.bytes().all(plain);
        return good.then(|| (value.to_owned(), rest));
    };
    let mut out = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((out, quoted.get(at.saturating_add(1)..)?)),
            '\\' => match characters.next()?.1 {
                c @ ('"' | '\\') => out.push(c),
                // What else is escaped stays so.
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    None
}

/// Offset and length; what matched is not read from here.
fn place(line: &str) -> Option<(u64, u64)> {
    let (offset, rest) = line.strip_prefix("0x")?.split_once(':')?;
    let (length, rest) = rest.split_once(':')?;
    let plain = |text: &str| !text.starts_with('+');
    if !plain(offset) || !plain(length) || !rest.contains('$') {
        return None;
    }
    Some((u64::from_str_radix(offset, 16).ok()?, length.parse().ok()?))
}

fn is_identifier(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=IDENTIFIER).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Reads what `yr scan --output-format ndjson --print-meta --print-strings` writes: a JSON object a file, with `path` and
/// `rules`.
///
/// # Errors
/// It has a line of another form.
pub fn of_yr(text: &str, told: Told<'_>) -> Result<Vec<Match>, OutputError> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let bad = || OutputError::Line(plain(line, LINE));
        let Strict(object) = serde_json::from_str(line).map_err(|_| bad())?;
        let path = object.get("path").and_then(Value::as_str).ok_or_else(bad)?;
        let file = told.file(path).ok_or_else(bad)?;
        for rule in object.get("rules").and_then(Value::as_array).ok_or_else(bad)? {
            if all.len() >= MOST_MATCHES {
                return Err(OutputError::Many);
            }
            all.push(of_rule(rule, file).ok_or_else(bad)?);
        }
    }
    Ok(all)
}

fn of_rule(rule: &Value, file: usize) -> Option<Match> {
    let name = rule.get("identifier")?.as_str().filter(|name| is_identifier(name))?;
    let meta = |wanted: &str| {
        let value = match rule.get("meta")? {
            // Names may be there twice, so they are pairs; older versions had an object.
            Value::Array(pairs) => pairs
                .iter()
                .rev()
                .find_map(|pair| (pair.get(0)?.as_str()? == wanted).then(|| pair.get(1))?)?,
            meta => meta.get(wanted)?,
        };
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let mut strings = Vec::new();
    for one in rule.get("strings").and_then(Value::as_array).into_iter().flatten() {
        let place = (one.get("start")?.as_u64()?, one.get("length")?.as_u64()?);
        if strings.len() < MOST_STRINGS {
            strings.push(place);
        }
    }
    let (severity, description) = (meta("severity"), meta("description"));
    Some(Match { rule: name.to_owned(), severity, description, file, strings })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOLD: Told<'static> = Told { folder: "/w/files", files: 2 };

    #[test]
    fn what_yara_writes_is_read() {
        // As version 4.2.3 wrote it.
        let text = "Sends [severity=\"high\",description=\"sends \\\"it\\\", [a] b\",score =75,ok=true] /w/files/0\n\
            0x4:4:$a: curl\n0x14:3:$b: \\x1B[2J\nOther [] /w/files/1\n";
        let read = of_yara(text, TOLD).unwrap();
        let severity = Some("high".to_owned());
        let description = Some("sends \"it\", [a] b".to_owned());
        assert_eq!(
            read,
            [
                Match {
                    rule: "Sends".into(),
                    severity,
                    description,
                    file: 0,
                    strings: vec![(4, 4), (20, 3)]
                },
                Match {
                    rule: "Other".into(),
                    severity: None,
                    description: None,
                    file: 1,
                    strings: Vec::new()
                },
            ]
        );
        assert_eq!(of_yara("", TOLD), Ok(Vec::new()));
    }

    #[test]
    fn what_yr_writes_is_read() {
        let text = r#"{"path":"/w/files/1","rules":[{"identifier":"Sends","meta":[["severity","low"],["severity","high"],["score",75]],"strings":[{"identifier":"$a","start":4,"length":4,"data":"curl"}]},{"identifier":"Other","meta":[],"strings":[]}]}
{"path":"/w/files/0","rules":[]}
"#;
        let read = of_yr(text, TOLD).unwrap();
        assert_eq!((read.len(), read[0].file, &read[0].strings), (2, 1, &vec![(4, 4)]));
        assert_eq!(read[0].severity.as_deref(), Some("high"));
        let old = r#"{"path":"/w/files/1","rules":[{"identifier":"A","meta":{"severity":"low"}}]}"#;
        assert_eq!(of_yr(old, TOLD).unwrap()[0].severity.as_deref(), Some("low"));
    }

    #[test]
    fn what_they_do_not_write_is_not_read() {
        for bad in [
            "Sends /w/files/0",
            "Sends [] /w/files/2",
            "Sends [] /w/files/../0",
            "Sends [] /w/files/+1",
            "Sends [] /w/files/",
            "Sends [] /etc/passwd",
            "0Sends [] /w/files/0",
            "Se nds [] /w/files/0",
            "Sends [severity] /w/files/0",
            "Sends [severity=\"high] /w/files/0",
            "Sends [severity=\"high\"x] /w/files/0",
            "Sends [a=1,] /w/files/0",
            "0x4:4:$a: curl",
            "Sends [] /w/files/0\n0xzz:4:$a: x",
            "Sends [] /w/files/0\n0x4:$a: x",
            "warning: \u{1b}[2J",
        ] {
            let said = of_yara(bad, TOLD).unwrap_err().to_string();
            assert!(!said.contains('\u{1b}'), "{said}");
        }
        for bad in [
            "x",
            "[]",
            "{}",
            r#"{"path":"/w/files/9","rules":[]}"#,
            r#"{"path":"/w/files/0","rules":[{}]}"#,
            r#"{"path":"/w/files/0","path":"/w/files/1","rules":[]}"#,
            r#"{"path":"/w/files/0","rules":[{"identifier":"A B"}]}"#,
            r#"{"path":"/w/files/0","rules":[{"identifier":"A","strings":[{"start":-1,"length":1}]}]}"#,
        ] {
            assert!(of_yr(bad, TOLD).is_err(), "{bad}");
        }
        let many = "A [] /w/files/0\n".repeat(MOST_MATCHES + 1);
        assert_eq!(of_yara(&many, TOLD), Err(OutputError::Many));
    }

    proptest! {
        #[test]
        fn any_output_is_read_or_not(text in "(A|[ -~]| |\\[|\\]|\"|=|,|0x1:1:\\$|/w/files/0|\n){0,40}") {
            for read in [of_yara(&text, TOLD), of_yr(&text, TOLD)].into_iter().flatten() {
                prop_assert!(read.iter().all(|one| one.file < 2 && is_identifier(&one.rule)));
            }
        }

        #[test]
        fn what_an_author_says_is_read_as_it_is(text in "[ -~é]{0,30}") {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("A [description=\"{quoted}\",severity=\"low\"] /w/files/1");
            let read = of_yara(&line, TOLD).unwrap();
            prop_assert_eq!(read[0].description.as_deref(), Some(text.as_str()));
            prop_assert_eq!(read[0].severity.as_deref(), Some("low"));
        }
    }
}
