//! The YAML library's errors in our words.

use serde_saphyr::{Error, budget::BudgetBreach};

use crate::{at::Place, diagnostic::Diagnostic};

const QUOTE: &str = "put quotes round the value: \"…\"";

/// What the library says about the form of a text.
pub(crate) fn explained(file: &str, text: &str, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let place = error.location().map(|location| Place::of(&location)).unwrap_or_default();
    // The library points behind what it complains about.
    let place = match error {
        Error::Budget { breach: BudgetBreach::Anchors { .. }, .. } => back_to('&', text, place),
        Error::UnsupportedTag { .. } => back_to('!', text, place),
        _ => place,
    };
    let (message, help) = words(error);
    Diagnostic::at(file, text, place, message, help)
}

/// The last such character of the line before a place, if there is one.
fn back_to(wanted: char, text: &str, place: Place) -> Place {
    let line = place.line.checked_sub(1).and_then(|index| text.lines().nth(index));
    let before = line.unwrap_or_default().chars().take(place.column.saturating_sub(1));
    let found = before.enumerate().filter(|(_, c)| *c == wanted).last();
    found.map_or(place, |(index, _)| Place { column: index + 1, ..place })
}

fn words(error: &Error) -> (String, &'static str) {
    let (message, help) = match error {
        Error::Budget { breach, .. } => return budget(breach),
        Error::UnknownAnchor { .. } => {
            ("in YAML a value that begins with `*` is a reference, and it refers to nothing", QUOTE)
        }
        Error::MergeKeyNotAllowed { .. } => {
            return budget(&BudgetBreach::MergeKeys { merge_keys: 1 });
        }
        Error::MultipleDocuments { .. } => {
            return budget(&BudgetBreach::Documents { documents: 2 });
        }
        Error::UnsupportedTag { .. } | Error::TaggedStructFieldName { .. } => {
            ("in YAML a value that begins with `!` has a tag, and a policy has none", QUOTE)
        }
        Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            ("the tag and the value do not agree", "remove the tag: a policy needs none")
        }
        Error::DuplicateMappingKey { .. } => {
            ("a key is there twice", "remove one of the two, or join their values")
        }
        Error::Eof { .. } => ("the document ends too early", "see what was opened and not closed"),
        _ => return of_parser(&error.to_string()),
    };
    (message.to_owned(), help)
}

fn budget(breach: &BudgetBreach) -> (String, &'static str) {
    let (message, help) = match breach {
        BudgetBreach::Anchors { .. } => (
            "in YAML a value that begins with `&` is an anchor, and a policy has none",
            "write each value out where it counts; text that begins with `&` stands in quotes",
        ),
        BudgetBreach::Aliases { .. } => (
            "in YAML a value that begins with `*` is a reference, and a policy has none",
            "write each value out where it counts; text that begins with `*` stands in quotes",
        ),
        BudgetBreach::MergeKeys { .. } => (
            "`<<` joins tables in some YAML, and a policy has none of it",
            "write the keys out; `extends` builds on another policy",
        ),
        BudgetBreach::Documents { .. } => (
            "a second document begins here",
            "a policy is one document: remove what follows, or make two files of it",
        ),
        BudgetBreach::Depth { .. } => (
            "this is nested deeper than any policy",
            "see that each list and table is closed where it should be",
        ),
        _ => (
            "this policy has more parts than any policy needs",
            "split it, and name the parts in `extends`",
        ),
    };
    (message.to_owned(), help)
}

/// What the parser finds, by a part of its words, and what it mostly means.
const PARSER: [(&str, &str, &str); 15] = [
    ("unclosed bracket", "this bracket is never closed", "close it, or put quotes round the value"),
    ("misplaced bracket", "this bracket was never opened", "remove it, or put quotes round it"),
    ("mismatched bracket", "this bracket is closed by one of another kind", "see what closes it"),
    ("unclosed quote", "this quotation mark has no other", "close it, or remove it"),
    ("trailing content after", "text follows the closing quotation mark", "put all in quotes"),
    (
        "unknown escape",
        "a `\\` in double quotes begins an escape, and there is no such one",
        SINGLE,
    ),
    (
        "mapping values are not allowed",
        "a `:` with a blank behind it makes a key, and no key can stand here",
        "indent keys of one table alike, or put quotes round a value with `: ` in it",
    ),
    (
        "simple key expected",
        "this line is neither a key with a `:` nor a part of the value above",
        "write `key: value`, or indent it like its neighbours",
    ),
    ("unexpected character", "no value begins with this character", QUOTE),
    ("plain scalar cannot start", "no value begins with this character", QUOTE),
    (
        "comment intercepting",
        "the lines below continue this value, and a comment stands between",
        "indent keys of one table alike, or put quotes round the value",
    ),
    ("tab", "a tab stands where blanks should", "indent with blanks"),
    (
        "expected ',' or",
        "a comma or the closing bracket is missing",
        "write it, or put quotes round the value",
    ),
    ("expected key", "this line has no key", "indent it like its neighbours, `key: value`"),
    (
        "indentation",
        "this line is not indented like its neighbours",
        "indent keys of one table alike",
    ),
];

const SINGLE: &str = "use single quotes, in which nothing is an escape";

fn of_parser(raw: &str) -> (String, &'static str) {
    // The place is told in the library's words as well.
    let raw = raw.split(" at line ").next().unwrap_or(raw).trim();
    match PARSER.iter().find(|(part, ..)| raw.contains(part)) {
        Some((_, message, help)) => ((*message).to_owned(), help),
        None => (raw.to_owned(), "compare it with an example in docs/policy.md"),
    }
}
