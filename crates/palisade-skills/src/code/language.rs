use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Tree};

use crate::FileKind;

/// A language that is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// POSIX shell and bash.
    Shell,
    /// Python.
    Python,
    /// JavaScript, JSX too.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// PowerShell.
    PowerShell,
    /// Go.
    Go,
    /// Ruby.
    Ruby,
}

/// The largest unit that is parsed, in bytes.
pub(crate) const LARGEST: usize = 2 << 20;

impl Language {
    /// The language that the word after a Markdown fence names.
    pub fn of_fence(word: &str) -> Option<Self> {
        let word = word.trim().trim_start_matches('{').trim_start_matches('.');
        let word = word.split([' ', ',', '{', '}', ':']).next().unwrap_or_default();
        Some(match word.to_ascii_lowercase().as_str() {
            "sh" | "bash" | "shell" | "zsh" | "console" | "terminal" | "shellsession"
            | "shell-session" | "sh-session" | "ksh" | "!" => Self::Shell,
            "python" | "py" | "python3" | "ipython" | "pycon" => Self::Python,
            "js" | "javascript" | "node" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "typescript" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "powershell" | "pwsh" | "ps1" | "ps" | "posh" => Self::PowerShell,
            "go" | "golang" => Self::Go,
            "ruby" | "rb" => Self::Ruby,
            _ => return None,
        })
    }

    /// The language of a file.
    pub(crate) fn of_file(kind: FileKind, path: &str) -> Option<Self> {
        let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        Some(match kind {
            FileKind::Shell => Self::Shell,
            FileKind::Python => Self::Python,
            FileKind::JavaScript => Self::JavaScript,
            FileKind::TypeScript if suffix.eq_ignore_ascii_case("tsx") => Self::Tsx,
            FileKind::TypeScript => Self::TypeScript,
            FileKind::PowerShell => Self::PowerShell,
            FileKind::Go => Self::Go,
            FileKind::Ruby => Self::Ruby,
            _ => return None,
        })
    }

    fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::Shell => tree_sitter_bash::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::PowerShell => tree_sitter_powershell::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Ruby => tree_sitter_ruby::LANGUAGE.into(),
        }
    }

    /// Are its texts and names those of JavaScript?
    pub(crate) fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript | Self::Tsx)
    }
}

thread_local! {
    // A parser costs an allocation and a table look-up, and a hub holds 100,000 snippets.
    static PARSERS: RefCell<HashMap<Language, Parser>> = RefCell::new(HashMap::new());
}

/// Parses; `None` if the text is too large or the parser does too much work on it.
///
/// The work is counted, not timed, so that the answer is the same on every machine.
pub(crate) fn parse(language: Language, text: &str) -> Option<Tree> {
    if text.len() > LARGEST {
        return None;
    }
    PARSERS.with_borrow_mut(|parsers| {
        let parser = match parsers.entry(language) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let mut parser = Parser::new();
                parser.set_language(&language.grammar()).ok()?;
                entry.insert(parser)
            }
        };
        // The callback comes each 100 operations of the parser. Usual code takes some two
        // operations a byte; recovery from errors is what could take far more.
        let mut left = 20_000 + text.len() / 4;
        let mut progress = |_: &tree_sitter::ParseState| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        };
        let bytes = text.as_bytes();
        let tree = parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut progress)),
        );
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}
