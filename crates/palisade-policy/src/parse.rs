//! Bytes to a [`Document`]. The only module that knows the YAML library.

use serde_saphyr::{Error, Options, budget::Budget};

use crate::{at::Place, diagnostic::Diagnostic, document::Document};

/// No policy is longer.
pub(crate) const MOST_BYTES: usize = 1 << 20;
const SEE: &str = "see `palisade policy schema`, or docs/reference-policy.md";

/// Read a document.
pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Document, Diagnostic> {
    if bytes.len() > MOST_BYTES {
        return Err(Diagnostic::of(
            file,
            format!("a policy has at most {MOST_BYTES} bytes"),
            "split it, and name the parts in `extends`",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Diagnostic::at(
            file,
            "",
            Place { line, column: 1 },
            "the text is not UTF-8",
            "save it as UTF-8",
        )
    })?;
    if let Some(place) = find(text, '\0') {
        return Err(Diagnostic::at(file, text, place, "there is a NUL character", "remove it"));
    }
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(Diagnostic::of(file, "the policy is empty", "begin with `palisade: 1`"));
    }
    let document: Document = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| explained(file, text, &error))?;
    match &document.palisade {
        Some(version) if version.value == 1 => Ok(document),
        Some(version) => Err(Diagnostic::at(
            file,
            text,
            version.place,
            format!("this version of palisade knows schema 1, not {}", version.value),
            "write `palisade: 1`",
        )),
        None => Err(Diagnostic::at(
            file,
            text,
            Place { line: 1, column: 1 },
            "the schema's version is missing",
            "begin with `palisade: 1`",
        )),
    }
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_nodes = 20_000;
    budget.max_events = 60_000;
    budget.max_depth = 32;
    // Nothing in a policy needs them, and they let one line stand for many.
    budget.max_aliases = 0;
    budget.max_anchors = 0;
    budget.max_merge_keys = 0;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.strict_booleans = true;
    options.with_snippet = false;
    options
}

fn find(text: &str, wanted: char) -> Option<Place> {
    text.lines().enumerate().find_map(|(index, line)| {
        let column = line.chars().position(|c| c == wanted)?;
        Some(Place { line: index + 1, column: column + 1 })
    })
}

/// The library's error in our words.
fn explained(file: &str, text: &str, error: &Error) -> Diagnostic {
    let place = error.location().map(|location| Place::of(&location)).unwrap_or_default();
    let raw = error.without_snippet().to_string();
    // The place is told in the library's words as well.
    let message = raw.split(" at line ").next().unwrap_or(&raw).trim().to_owned();
    let (message, help) = match unknown_key(&message) {
        Some((key, known)) => {
            let help = match nearest(&key, &known) {
                Some(near) => format!("did you mean `{near}`? {SEE}"),
                None if known.is_empty() => SEE.to_owned(),
                None => format!("known here: {}", known.join(", ")),
            };
            (format!("unknown key or word `{key}`"), help)
        }
        None if message.contains("budget") || message.contains("breach") => (
            "it is nested too deep, too large, or has anchors, aliases or several documents"
                .to_owned(),
            "write each value out, in one plain document".to_owned(),
        ),
        None => (message, SEE.to_owned()),
    };
    Diagnostic::at(file, text, place, message, help)
}

/// The word and the known ones of "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = ["unknown field ", "unknown variant "]
        .iter()
        .find_map(|start| message.find(start).and_then(|at| message.get(at + start.len()..)))?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}

/// The known word that one or two changed letters make of this one.
fn nearest(word: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.min(candidate.len() / 2))
        .min()
        .map(|(_, candidate)| candidate.clone())
}

/// The Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, c) in one.chars().take(64).enumerate() {
        let mut next = vec![index + 1];
        for (column, d) in other.iter().enumerate() {
            let cost = |at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let left = next.last().copied().unwrap_or_default();
            let replaced = cost(column) + usize::from(c != *d);
            next.push(replaced.min(left + 1).min(cost(column + 1) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
