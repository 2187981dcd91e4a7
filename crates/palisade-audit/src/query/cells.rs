use palisade_journal::{Record, escaped};

/// The columns of [`csv`].
pub const CSV_HEAD: &str =
    "time,session,seq,kind,layer,decision,rule,subject,reason,policy,detail,hash";

/// An event as one line of CSV (RFC 4180), without its end. `detail` is a JSON object.
///
/// Each cell is quoted, and has no line ends, controls or invisible characters: these are written as
/// escapes. A cell that a spreadsheet would take for a formula begins with `'`.
pub fn csv(record: &Record) -> String {
    let cells = [
        record.time.to_string(),
        record.session.to_string(),
        record.seq.to_string(),
        record.kind.clone(),
        record.layer.clone(),
        record.decision.as_str().to_owned(),
        record.rule.clone().unwrap_or_default(),
        record.subject.clone(),
        record.reason.clone(),
        record.policy.to_string(),
    ];
    let mut line: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    // Printable already, and an object begins no formula.
    line.push(quoted(&record.detail_json()));
    line.push(quoted(&record.hash.to_string()));
    line.join(",")
}

fn cell(text: &str) -> String {
    let shown = escaped(text);
    // Spaces before it do not keep every spreadsheet from it; full-width signs count in some.
    let first = shown.trim_start().chars().next();
    let formula = first.is_some_and(|c| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}|%".contains(c));
    let guard = if formula { "'" } else { "" };
    quoted(&format!("{guard}{shown}"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_two() {
        for (text, expected) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            (" @SUM(1)", "\"' @SUM(1)\""),
            ("a,b", "\"a,b\""),
            ("a\r\n=1", "\"a\\r\\n=1\""),
            ("\t=1", "\"\\t=1\""),
            ("\u{1b}[2J", "\"\\u{1b}[2J\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_one_cell_of_one_line(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let cell = cell(&text);
            prop_assert!(!cell.chars().any(char::is_control));
            let inner = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            prop_assert!(!inner.replace("\"\"", "").contains('"'));
            prop_assert!(!inner.trim_start().starts_with(['=', '+', '-', '@']));
        }
    }
}
