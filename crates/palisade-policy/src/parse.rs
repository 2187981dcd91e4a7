//! Bytes to a [`Document`]. With `tree`, the only module that reads YAML.

use serde_saphyr::{
    Options,
    budget::Budget,
    options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy},
};

use crate::{
    at::{At, Place},
    diagnostic::{Diagnostic, Diagnostics},
    document::Document,
    profiles::Profile,
    shape, syntax, text,
    tree::Node,
};

/// The schema that this version knows.
const VERSION: u64 = 1;
const BEGIN: &str = "begin with `palisade: 1`";

/// Read a document.
pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Document, Diagnostics> {
    let text = text::of(file, bytes)?;
    match serde_saphyr::from_str_with_options::<Document>(text, options()) {
        Ok(document) => match &document.palisade {
            Some(version) if version.value == VERSION => Ok(document),
            Some(version) => {
                Err(other_version(file, text, version.place, &version.value.to_string()).into())
            }
            None => Err(no_version(file, text).into()),
        },
        Err(error) => Err(explained(file, text, &error)),
    }
}

/// The document of a profile. Its places are known only if it is read `exactly`, which takes longer.
pub(crate) fn of_profile(profile: &Profile, exactly: bool) -> Result<Document, Diagnostics> {
    if let (false, Ok(document)) = (exactly, serde_json::from_str(profile.said)) {
        return Ok(document);
    }
    parse(profile.name, profile.text.as_bytes())
}

/// What a valid document says, for comparing two.
pub(crate) fn value(file: &str, bytes: &[u8]) -> Result<serde_json::Value, Diagnostics> {
    let text = text::of(file, bytes)?;
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| explained(file, text, &error))
}

/// Another kind of file, in the same YAML.
pub(crate) fn other<T: serde::de::DeserializeOwned>(
    file: &str,
    text: &str,
) -> Result<T, Diagnostics> {
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| syntax::explained(file, text, &error).into())
}

/// The library stops at its first error. This finds all that is wrong with the form.
fn explained(file: &str, text: &str, error: &serde_saphyr::Error) -> Diagnostics {
    let mut lenient = options();
    lenient.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    let tree: At<Node> = match serde_saphyr::from_str_with_options(text, lenient) {
        Ok(tree) => tree,
        Err(error) => return syntax::explained(file, text, &error).into(),
    };
    let version = match &tree.value {
        Node::Table(entries) => entries.iter().find(|(key, _)| key.value == "palisade"),
        _ => None,
    };
    match version.map(|(_, version)| version) {
        // Another version may have other keys, so that nothing else can be said of it.
        Some(version) if version.value != Node::Whole(VERSION.into()) => {
            let Node::Whole(number) = version.value else {
                return Diagnostic::at(
                    file,
                    text,
                    version.place,
                    format!("the schema's version is a number, and this is {}", version.value.is()),
                    "write `palisade: 1`",
                )
                .into();
            };
            return other_version(file, text, version.place, &number.to_string()).into();
        }
        Some(_) => {}
        None if matches!(tree.value, Node::Table(_)) => return no_version(file, text).into(),
        None => {
            let message =
                format!("a policy is a table of keys and values, and this is {}", tree.value.is());
            return Diagnostic::at(file, text, tree.place, message, BEGIN).into();
        }
    }
    match Diagnostics::unless_empty(shape::check(file, text, &tree)) {
        Err(found) => found,
        // Whatever the schema does not say, the types do.
        Ok(()) => syntax::explained(file, text, error).into(),
    }
}

fn other_version(file: &str, text: &str, place: Place, version: &str) -> Diagnostic {
    Diagnostic::at(
        file,
        text,
        place,
        format!("this version of palisade knows schema {VERSION}, not {version}"),
        format!("write `palisade: {VERSION}`, or use a palisade that knows it"),
    )
}

fn no_version(file: &str, text: &str) -> Diagnostic {
    let place = Place { line: 1, column: 1 };
    Diagnostic::at(file, text, place, "the schema's version is missing", BEGIN)
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
    options.merge_keys = MergeKeyPolicy::Error;
    options.strict_booleans = true;
    // A tag makes a value something else than what it looks like.
    options.reject_unsupported_tags = true;
    options.reject_tagged_field_names = true;
    options.ignore_binary_tag_for_string = true;
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options.with_snippet = false;
    options
}
