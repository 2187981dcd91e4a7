//! Text meant for the model: who is told to do what, with what, to where, and who shall not know.

pub(crate) mod blocks;
mod concealment;
mod facts;
mod hosts;
mod named;
mod normal;
mod orders;
mod pages;
mod phrases;
mod rules;
mod section;
mod subject;
mod tags;
mod weigh;

pub(crate) use blocks::{Blocks, Spot, Unit};
pub(crate) use hosts::{hosts, is_anyones, is_bare, is_local, is_vendor};
pub(crate) use rules::{RULES, is_reading};

use crate::{File, FileKind, Package, Seen, formats, formats::Profile};

/// The orders that the texts of a package give.
pub(crate) fn look(package: &Package, profile: &Profile) -> Seen {
    let mut seen = Seen::default();
    let names = orders::Names::new(package.files.iter().map(|file| file.path.as_str()));
    for file in &package.files {
        let Some(units) = units(file) else { continue };
        orders::look(file, &units, profile, &names, &mut seen);
    }
    seen
}

/// Orders in a text that was hidden or encoded, and stood at this place.
pub(crate) fn look_decoded(file: &File, text: &str, line: u32, profile: &Profile, seen: &mut Seen) {
    let mut blocks = Blocks::of("");
    blocks.push_at(text, line, Spot::Hidden);
    orders::look(file, &blocks.units, profile, &orders::Names::default(), seen);
}

/// The units of a file that a model may read.
pub(crate) fn units(file: &File) -> Option<Vec<Unit>> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let mut blocks = Blocks::of(text);
    match file.kind {
        FileKind::Prose => {
            let front = formats::front(file);
            if let Some(front) = &front {
                values(&mut blocks, &front.document);
            }
            blocks.markdown(front.map_or(0, |front| front.body));
        }
        FileKind::Definition | FileKind::Data if is_build_file(&file.path) => blocks.comments(),
        FileKind::Definition | FileKind::Data => match formats::parsed(file) {
            Some(document) => values(&mut blocks, &document),
            None if is_markup(&file.path, text) => blocks.markup(),
            None if is_table(&file.path) && file.bytes.len() < 1 << 20 => blocks.rows(),
            None if file.path.ends_with(".json") || file.bytes.len() < 1 << 20 => blocks.plain(),
            None => return None,
        },
        FileKind::Shell
        | FileKind::Python
        | FileKind::JavaScript
        | FileKind::TypeScript
        | FileKind::PowerShell
        | FileKind::Go
        | FileKind::Ruby => blocks.comments(),
        FileKind::Media | FileKind::Archive | FileKind::Binary | FileKind::Unknown => return None,
    }
    Some(blocks.units)
}

/// Is it a document of tags, in which only what stands between them is words?
fn is_markup(path: &str, text: &str) -> bool {
    const ENDS: [&str; 9] =
        [".html", ".htm", ".svg", ".xml", ".xhtml", ".xsd", ".xsl", ".xslt", ".rng"];
    ENDS.iter().any(|end| path.ends_with(end))
        || text.trim_start_matches(['\u{feff}', ' ', '\n', '\r']).starts_with("<?xml ")
}

/// Is it a table, of which each row is a matter of its own?
fn is_table(path: &str) -> bool {
    [".csv", ".tsv"].iter().any(|end| path.ends_with(end))
}

/// Is it a file of commands, in which only comments are words?
fn is_build_file(path: &str) -> bool {
    let name = formats::base(path).to_ascii_lowercase();
    [
        "makefile",
        "gnumakefile",
        "justfile",
        "dockerfile",
        "containerfile",
        "procfile",
        "rakefile",
        "gemfile",
    ]
    .contains(&name.as_str())
        || [".mk", ".dockerfile", ".gradle", ".cmake"].iter().any(|end| name.ends_with(end))
}

fn values(blocks: &mut Blocks<'_>, document: &formats::Document) {
    const MOST: usize = 5000;
    for leaf in document.leaves.iter().filter(|leaf| leaf.text.len() > 12).take(MOST) {
        let last =
            leaf.path.rsplit('.').find(|part| part.parse::<u32>().is_err()).unwrap_or_default();
        let described = matches!(
            last,
            "description"
                | "when_to_use"
                | "instructions"
                | "prompt"
                | "short_description"
                | "systemPrompt"
                | "system_prompt"
                | "default_prompt"
                | "title"
                | "summary"
        );
        blocks.push_at(
            &leaf.text,
            leaf.line,
            if described { Spot::Description } else { Spot::Value },
        );
    }
}
