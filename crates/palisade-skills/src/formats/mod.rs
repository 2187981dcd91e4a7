//! What the files of a package declare: frontmatter, manifests, hooks, servers, permissions.

mod commands;
pub(crate) mod document;
mod frontmatter;
mod profile;
mod rules;
mod scripts;

pub(crate) use document::{Document, Leaf, Lines};
pub(crate) use frontmatter::front;
pub(crate) use profile::{Profile, profile};
pub(crate) use rules::RULES;
pub(crate) use scripts::{COMMAND_FILES, UNPARSED};

use crate::{File, FileKind, Package, Seen};

/// What the declarations show.
pub(crate) fn look(package: &Package, profile: &Profile) -> Seen {
    let mut seen = Seen::default();
    for file in &package.files {
        scripts::look(file, profile, &mut seen);
        match file.kind {
            FileKind::Prose => {
                if let Some(front) = front(file) {
                    frontmatter::look(file, &front, profile, &mut seen);
                    commands::of_document(package, file, &front.document, profile, &mut seen);
                }
                commands::inline(file, &mut seen);
            }
            FileKind::Definition | FileKind::Data => {
                if let Some(document) = parsed(file) {
                    commands::of_document(package, file, &document, profile, &mut seen);
                }
            }
            _ => {}
        }
    }
    seen
}

/// The name of a file, without its folders.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit(['/', '!']).next().unwrap_or(path)
}

/// The largest definition that is parsed, in bytes.
const LARGEST: usize = 2 << 20;

/// The document that a file of JSON, YAML or TOML is.
pub(crate) fn parsed(file: &File) -> Option<Document> {
    let text = std::str::from_utf8(&file.bytes).ok().filter(|text| text.len() <= LARGEST)?;
    match base(&file.path).rsplit_once('.').map_or("", |(_, suffix)| suffix) {
        "json" | "jsonc" | "json5" => document::json(text),
        "yaml" | "yml" => Some(document::yaml(text, 1)),
        "toml" => document::toml(text),
        _ => None,
    }
}

/// Does a command fetch bytes and execute them?
pub(crate) fn runs_fetched(text: &str) -> bool {
    let facts = commands::facts(text);
    facts.executes_fetched || facts.shell
}

/// Does a text hold a command that talks to the network, executes or decodes?
pub(crate) fn acts(text: &str) -> bool {
    let facts = commands::facts(text);
    facts.network || facts.executes_fetched || facts.shell || facts.hidden
}
