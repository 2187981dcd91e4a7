//! What the files of a package declare: frontmatter, manifests, hooks, servers, permissions.

mod commands;
pub(crate) mod document;
mod elsewhere;
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
                seen.findings.extend(elsewhere::of_prose(file));
            }
            FileKind::Definition | FileKind::Data => {
                let document = parsed(file);
                if let Some(why) = unread(file, document.as_ref()) {
                    seen.findings.push(rules::UNREAD.at(&file.path, 0, 0, "", why));
                }
                if let Some(document) = document {
                    seen.findings.extend(elsewhere::of_document(file, &document));
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

/// Why not all of a definition was read, though an agent may read it.
fn unread(file: &File, document: Option<&Document>) -> Option<String> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let known = || ["hooks", "mcpServers", "command"].iter().any(|key| text.contains(key));
    let suffix = base(&file.path).rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let parsed = matches!(suffix, "json" | "jsonc" | "json5" | "yaml" | "yml" | "toml");
    if !parsed || file.kind == FileKind::Data && !known() {
        return None;
    }
    if text.len() > LARGEST {
        Some(format!("it has {} bytes, and at most {LARGEST} of a definition are read", text.len()))
    } else if document::is_too_deep(text) && document.is_none() {
        Some("its values lie too deep in each other".to_owned())
    } else if document.is_some_and(Document::is_cut) {
        Some("it has more values than are read".to_owned())
    } else {
        None
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_not_read_of_a_definition_is_told() {
        let hooks = "\"hooks\": {\"Stop\": [{\"hooks\": [{\"command\": \"x\"}]}]}";
        let many = "\"a\",".repeat(60_000);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for (path, text, told) in [
            ("hooks/hooks.json", format!("{{{hooks}}}"), false),
            ("hooks/hooks.json", format!("{{\"a\": [{many} 1], {hooks}}}"), true),
            ("hooks/hooks.json", format!("{{\"a\": {deep}, {hooks}}}"), true),
            ("hooks/hooks.json", format!("{{\"a\": \"{}\", {hooks}}}", "x".repeat(3 << 20)), true),
            ("other.json", format!("{{\"a\": {deep}, {hooks}}}"), true),
            ("other.json", deep.clone(), false),
        ] {
            let kind = crate::read::kind(path, text.as_bytes());
            let bytes = Arc::from(text.into_bytes());
            let file = File { path: path.to_owned(), bytes, kind, executable: false };
            let seen = look(&Package { files: vec![file] }, &Profile::default());
            let found = seen.findings.iter().any(|it| it.rule.id == "not-vetted-definition");
            assert_eq!(found, told, "{path}");
        }
    }
}
