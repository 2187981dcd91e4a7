//! Code inside other files: blocks and commands in prose, definitions, build files, notebooks.
//!
//! A piece keeps the line that it stands on. Pieces of one document and one language are followed
//! together, since one block saves what the next one runs.

mod build;
mod definition;
mod notebook;
pub(super) mod other;
mod prose;

pub(crate) use prose::{forbidden, shows, teaches};

use super::Language;
use crate::{File, FileKind};

/// A piece of code, and how it runs.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) language: Language,
    pub(super) text: String,
    /// The line of its first character, from 1.
    pub(super) line: u32,
    pub(super) column: u32,
    /// Does it run without the model or the user choosing it?
    pub(super) auto_run: bool,
    /// Does it stand in prose, where somebody has to run it?
    pub(super) prose: bool,
    /// Does the text around it show it as what to avoid, to detect or to test for?
    pub(super) quoted: bool,
}

/// More pieces than this of one file are joined to what was found so far.
const MOST: usize = 4096;

/// The pieces of code in a file that is no code file itself.
pub(super) fn pieces(file: &File) -> Vec<Piece> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let text = String::from_utf8_lossy(&file.bytes);
    if text.len() > super::language::LARGEST {
        return Vec::new();
    }
    let suffix = lower.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let mut found = match file.kind {
        FileKind::Archive | FileKind::Binary | FileKind::Media => Vec::new(),
        _ if lower == "makefile"
            || lower == "gnumakefile"
            || suffix == "mk"
            || lower == "justfile" =>
        {
            build::makefile(&text)
        }
        _ if lower.starts_with("dockerfile")
            || suffix == "dockerfile"
            || lower == "containerfile" =>
        {
            build::dockerfile(&text)
        }
        _ if matches!(suffix, "bat" | "cmd") => build::batch(&text),
        _ if text.starts_with("#!") && file.kind != FileKind::Prose => {
            vec![whole(shebang(&text), &text, false)]
        }
        _ if other::knows(suffix) => other::pieces(&text, suffix),
        _ if suffix == "ipynb" => notebook::cells(&text),
        _ if matches!(suffix, "json" | "jsonc" | "json5") => {
            definition::json(&text, &lower, &file.path)
        }
        _ if matches!(suffix, "yml" | "yaml") => build::yaml(&text, false),
        _ if suffix == "pth" => build::path_file(&text),
        _ if matches!(suffix, "gemspec" | "podspec")
            || matches!(lower.as_str(), "rakefile" | "gemfile" | "podfile" | "vagrantfile") =>
        {
            vec![whole(Language::Ruby, &text, suffix == "gemspec")]
        }
        _ if file.kind == FileKind::Prose
            || matches!(suffix, "md" | "mdx" | "markdown" | "mdc") =>
        {
            prose::pieces(&text)
        }
        FileKind::Data if matches!(suffix, "txt" | "rst") && text.len() < 256 << 10 => {
            prose::pieces(&text)
        }
        _ if suffix == "plist" => definition::plist(&text),
        _ => Vec::new(),
    };
    found.truncate(MOST);
    found
}

/// The language that a first line names.
fn shebang(text: &str) -> Language {
    let first = text.lines().next().unwrap_or_default();
    match first {
        _ if first.contains("python") => Language::Python,
        _ if first.contains("node") || first.contains("deno") || first.contains("bun") => {
            Language::JavaScript
        }
        _ if first.contains("ruby") => Language::Ruby,
        _ if first.contains("pwsh") || first.contains("powershell") => Language::PowerShell,
        _ => Language::Shell,
    }
}

/// Files that are code and that something else runs by itself.
pub(super) fn runs_by_itself(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(
        name,
        "setup.py"
            | "conftest.py"
            | "sitecustomize.py"
            | "usercustomize.py"
            | "extconf.rb"
            | "postinstall.js"
            | "preinstall.js"
            | "install.js"
            | "postinstall.sh"
            | ".envrc"
            | "noxfile.py"
            | "hatch_build.py"
    ) || path.contains(".git/hooks/")
        || path.contains(".husky/")
}

pub(super) fn whole(language: Language, text: &str, auto_run: bool) -> Piece {
    Piece {
        language,
        text: text.to_owned(),
        line: 1,
        column: 1,
        auto_run,
        prose: false,
        quoted: false,
    }
}
