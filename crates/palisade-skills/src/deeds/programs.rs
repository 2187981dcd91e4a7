//! The programs of a package, as text without whole lines of comment.

use super::{outward, unfolded, unglued::unglue};
use crate::{
    File, FileKind, Package,
    formats::{COMMAND_FILES, UNPARSED, base},
};

/// The largest program that is looked at; what is larger is not vetted by the parser either, which says so.
const LARGEST: usize = 4 << 20;

/// One program.
pub(super) struct Program<'a> {
    pub(super) path: &'a str,
    /// Its text; lines of comment are blank.
    pub(super) text: String,
    /// How many lines of its file stand before it.
    before: u32,
    /// It is a block of prose, which somebody has to run.
    pub(super) prose: bool,
    /// Its text before its literals were unfolded, if that changed it: for what looks for the folds.
    pub(super) written: Option<String>,
    /// Addresses out of files of data that it names, each with where it names the file.
    pub(super) lent: Vec<(usize, String)>,
}

impl<'a> Program<'a> {
    /// A program with its literals as they are when it runs.
    fn unfolded(path: &'a str, written: String, before: u32, prose: bool) -> Self {
        let text = unglue(unfolded::unfold(written.clone()));
        let written = (text != written).then_some(written);
        Self { path, text, before, prose, written, lent: Vec::new() }
    }

    /// The program as it is written, if that is another text.
    pub(super) fn as_written(&self) -> Option<Self> {
        let text = self.written.clone()?;
        Some(Self {
            path: self.path,
            text,
            before: self.before,
            prose: self.prose,
            written: None,
            lent: Vec::new(),
        })
    }

    /// The line of a byte, from 1, and what stands there.
    pub(super) fn line(&self, at: usize) -> (u32, &str) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = self.text.get(..at).unwrap_or_default();
        let number = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        (u32::try_from(number).unwrap_or(u32::MAX).saturating_add(self.before), line)
    }
}

/// Suffixes besides: of templates, settings and pages that hold commands.
const SUFFIXES: &[&str] = &[
    "phtml",
    "sbt",
    "bzl",
    "bazel",
    "star",
    "smk",
    "nf",
    "jsonnet",
    "vcl",
    "lisp",
    "scm",
    "rkt",
    "fnl",
    "coffee",
    "gd",
    "mobileconfig",
    "xsl",
    "xslt",
    "ftl",
    "cypher",
    "cql",
    "psql",
    "pgsql",
    "ddl",
    "sieve",
    "cron",
    "rules",
    "nmconnection",
    "ovpn",
    "rels",
    "vbproj",
    "fsproj",
    "sol",
    "mk",
    "rake",
    "pth",
    "zsh",
    "fish",
    "pyx",
    "cc",
    "cls",
    "sty",
    "tex",
    "dtx",
    "vba",
    "bas",
    "vb",
    "vue",
    "svelte",
    "htm",
    "csproj",
    "props",
    "targets",
    "code-workspace",
    "gs",
    "liquid",
    "hbs",
    "njk",
    "mustache",
    "conf",
    "inf",
    "timer",
    "nix",
    "cfc",
    "jsp",
    "asp",
    "aspx",
    "graphql",
    "prisma",
    "tfvars",
    "hcl",
    "bicep",
    "sample",
    "tmpl",
    "template",
    "jinja",
    "j2",
    "tpl",
    "ejs",
    "erb",
];

/// Names besides.
const NAMES: &[&str] = &[
    "containerfile",
    "cmakelists.txt",
    "crontab",
    "sudoers",
    "build",
    "workspace",
    "meson.build",
    "sconstruct",
    "wscript",
    "snakefile",
    "tiltfile",
    "earthfile",
    "caddyfile",
    "corefile",
    "dangerfile",
    "guardfile",
    ".rprofile",
    "rprofile",
    "rprofile.site",
    ".vimrc",
    "vimrc",
    ".exrc",
    ".tmux.conf",
    ".procmailrc",
    ".muttrc",
    "configure.ac",
    "latexmkrc",
    ".latexmkrc",
    "gnumakefile",
    "gemfile",
    "brewfile",
    "podfile",
    "fastfile",
    "prepare-commit-msg",
    "package.json",
    "composer.json",
    "taskfile.yml",
    "docker-compose.yml",
    "compose.yml",
    "compose.yaml",
    "devcontainer.json",
    "tasks.json",
    "hooks.json",
    "settings.json",
    "launch.json",
    ".mcp.json",
    "mcp.json",
    "plugin.json",
    "pom.xml",
    "settings.xml",
    "renovate.json",
    ".npmrc",
    "pip.conf",
    ".yarnrc",
    "nuget.config",
    "gradle.properties",
    "deno.json",
    "turbo.json",
    "action.yml",
];

fn is_program(file: &File, text: &str) -> bool {
    if file.kind.is_parsed() {
        return true;
    }
    if !matches!(file.kind, FileKind::Definition | FileKind::Data) {
        return false;
    }
    let name = base(&file.path).to_ascii_lowercase();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    UNPARSED.contains(&suffix)
        || SUFFIXES.contains(&suffix)
        || COMMAND_FILES.contains(&name.as_str())
        || NAMES.contains(&name.as_str())
        || text.starts_with("#!")
        || matches!(suffix, "yml" | "yaml")
            && (file.path.contains("workflows/")
                || text.contains("containers:")
                || text.contains("services:")
                || text.contains("runs-on:")
                || text.contains("script:")
                || ["  shell:", "  command:", " run:", "  cmd:", "  uri:", "  get_url:", " entry:"]
                    .iter()
                    .any(|key| text.contains(key)))
        || name == ".gitlab-ci.yml"
        || file.path.contains("/hooks/")
        || name.ends_with("gitconfig")
        || name.ends_with("gitattributes")
        || name.starts_with(".envrc")
        || name.starts_with("envrc")
}

/// The programs of a package. Tests and fixtures of a package are programs too.
pub(super) fn all(package: &Package) -> Vec<Program<'_>> {
    let mut found = Vec::new();
    for file in package.files.iter().filter(|file| file.bytes.len() <= LARGEST) {
        let text = String::from_utf8_lossy(&file.bytes);
        if file.kind == FileKind::Prose {
            blocks(&file.path, &text, &mut found);
            found.extend(front(&file.path, &text));
            found.extend(islands(&file.path, &text));
        } else if is_program(file, &text) {
            // What stands in a text of it is a program too.
            if !file.kind.is_parsed()
                && let Some(text) = unfolded::unquoted(&text)
            {
                found.push(Program::unfolded(&file.path, bare(&text), 0, false));
            }
            found.push(Program::unfolded(&file.path, bare(&text), 0, false));
        }
    }
    lend(package, &mut found);
    found
}

/// Settings that say of a package whose it is, or what it is made with.
const OF_A_PACKAGE: &[&str] = &[
    "package.json",
    "package-lock.json",
    "composer.json",
    "composer.lock",
    "pyproject.toml",
    "cargo.toml",
    "cargo.lock",
    "plugin.json",
    "marketplace.json",
    "tsconfig.json",
    "_meta.json",
];

/// Gives programs the addresses that stand in files of data which they name: a program that reads where it sends to
/// from a file of the package talks to whoever stands there.
fn lend(package: &Package, programs: &mut [Program<'_>]) {
    const MOST_FILES: usize = 64;
    const MOST_ADDRESSES: usize = 16;
    const SHORTEST_NAME: usize = 5;
    let settings = settings(package);
    for (_, list) in settings.iter().take(MOST_FILES) {
        let name = base(list.path);
        if name.len() < SHORTEST_NAME || OF_A_PACKAGE.contains(&name.to_ascii_lowercase().as_str())
        {
            continue;
        }
        let mut addresses: Option<Vec<String>> = None;
        for program in programs.iter_mut().filter(|program| !program.prose) {
            let Some(at) = program.text.find(name) else { continue };
            let addresses = addresses.get_or_insert_with(|| {
                outward::addresses(&unfolded::unfold(list.text.clone()), MOST_ADDRESSES)
            });
            program.lent.extend(addresses.iter().map(|address| (at, address.clone())));
        }
    }
}

/// The head of a text that declares commands, which run by themselves.
fn front<'a>(path: &'a str, text: &str) -> Option<Program<'a>> {
    let head = text.strip_prefix("---\n")?;
    let end = head.find("\n---")?;
    let head = head.get(..end)?;
    (head.contains("hooks:") && head.contains("command:")).then(|| {
        let plain = unfolded::unquoted(head).unwrap_or_else(|| head.to_owned());
        Program::unfolded(path, bare(&plain), 1, false)
    })
}

/// What a template for notes or pages runs between its marks, as one program on its own lines.
fn islands<'a>(path: &'a str, text: &str) -> Option<Program<'a>> {
    const MARKS: &[(&str, &str)] = &[("<%", "%>"), ("<?php", "?>")];
    // The text that the agent reads shows such marks; a template beside it is copied.
    if base(path).eq_ignore_ascii_case("skill.md") {
        return None;
    }
    let (open, close) = MARKS.iter().find(|(open, _)| text.contains(open))?;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(open) {
        let (before, inside) = rest.split_at(at);
        out.extend(before.bytes().filter(|byte| *byte == b'\n').map(|_| '\n'));
        let inside = inside.get(open.len()..).unwrap_or_default();
        let end = inside.find(close).unwrap_or(inside.len());
        out.push_str(inside.get(..end).unwrap_or_default());
        out.push(' ');
        rest = inside.get(end + close.len()..).unwrap_or_default();
    }
    Some(Program { path, text: out, before: 0, prose: false, written: None, lent: Vec::new() })
}

/// A file of text as it stands, for what is looked for in all of it.
pub(super) fn whole(file: &File) -> Option<Program<'_>> {
    const LARGEST_WHOLE: usize = 512 << 10;
    (file.kind == FileKind::Prose && file.bytes.len() <= LARGEST_WHOLE).then(|| Program {
        path: &file.path,
        text: String::from_utf8_lossy(&file.bytes).into_owned(),
        before: 0,
        prose: true,
        written: None,
        lent: Vec::new(),
    })
}

/// A file of settings, whatever else it is.
pub(super) fn as_settings(file: &File) -> Option<Program<'_>> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let comment = |line: &str| line.trim_start().starts_with(['#', ';']);
    Some(Program {
        path: &file.path,
        text: text
            .split_inclusive('\n')
            .map(|line| if comment(line) { "\n" } else { line })
            .collect(),
        before: 0,
        prose: false,
        written: None,
        lent: Vec::new(),
    })
}

/// Files of settings and records that hold no commands, each with its kind.
pub(super) fn settings(package: &Package) -> Vec<(FileKind, Program<'_>)> {
    const LARGEST_SETTINGS: usize = 256 << 10;
    package
        .files
        .iter()
        .filter(|file| {
            matches!(file.kind, FileKind::Definition | FileKind::Data)
                && file.bytes.len() <= LARGEST_SETTINGS
        })
        .filter_map(|file| {
            let text = String::from_utf8_lossy(&file.bytes);
            (!is_program(file, &text)).then(|| {
                let text = bare(&text);
                (
                    file.kind,
                    Program {
                        path: &file.path,
                        text,
                        before: 0,
                        prose: false,
                        written: None,
                        lent: Vec::new(),
                    },
                )
            })
        })
        .collect()
}

/// More blocks of one text than this are left to the parsers, which read them all.
const MOST_BLOCKS: usize = 512;
/// The most commands within one line of prose.
const MOST_SPANS: usize = 64;
/// How much of the text above a block is searched for what it says of it, in bytes.
const CONTEXT: usize = 2000;

/// The fenced blocks of a text and the commands within its lines, each a program by itself, that nothing around
/// shows as what to avoid.
fn blocks<'a>(path: &'a str, text: &str, found: &mut Vec<Program<'a>>) {
    let mut push = |code: String, before: u32| {
        found.push(Program::unfolded(path, code, before, true));
    };
    let mut fence: Option<(&str, u32, String)> = None;
    let mut context = String::new();
    let mut pushed = 0_usize;
    let mut table: Option<bool> = None;
    for (line, number) in text.split_inclusive('\n').zip(0_u32..) {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (&mut fence, mark) {
            (None, Some(mark)) => fence = Some((mark, number + 1, String::new())),
            (Some((opened, before, body)), Some(mark)) if *opened == mark => {
                if !crate::code::teaches(&context) && pushed < MOST_BLOCKS {
                    pushed += 1;
                    push(bare(body), *before);
                }
                fence = None;
                context.clear();
            }
            (Some((_, _, body)), _) => body.push_str(line),
            (None, None) => {
                if trimmed.starts_with('#') {
                    context.clear();
                }
                if context.len() < CONTEXT {
                    context.push_str(line);
                }
                table = trimmed
                    .starts_with('|')
                    .then(|| table.unwrap_or_else(|| crate::code::shows(trimmed)));
                if line.contains('`')
                    && table != Some(true)
                    && pushed < MOST_BLOCKS
                    && let Some(commands) = spans(line, &context)
                {
                    pushed += 1;
                    push(commands, number);
                }
            }
        }
    }
    // A block that is never closed goes to the end.
    if let Some((_, before, body)) = fence
        && !crate::code::teaches(&context)
    {
        push(bare(&body), before);
    }
}

/// The commands within one line of prose, together one program.
fn spans(line: &str, context: &str) -> Option<String> {
    const NEAR: usize = 120;
    let mut before = String::new();
    let mut commands = String::new();
    for (at, part) in line.split('`').take(MOST_SPANS * 2).enumerate() {
        let code = at % 2 == 1;
        if code && part.contains(' ') && !crate::code::forbidden(&before) {
            commands.push_str(part);
            commands.push_str(" ; ");
        }
        before.push_str(part);
        if before.len() > NEAR * 4 {
            before =
                before.chars().rev().take(NEAR).collect::<Vec<_>>().into_iter().rev().collect();
        }
    }
    // The words around the commands, not those in them.
    let around: String = line.split('`').step_by(2).collect();
    let heading = context.lines().next().unwrap_or_default();
    (commands.len() > 12 && !crate::code::teaches(heading) && !crate::code::teaches(&around))
        .then_some(commands)
}

/// The text with whole lines of comment made blank, so that lines keep their numbers.
fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        // `go generate` runs what stands behind this one.
        // So does the head of a script for pages: `// @require`.
        let comment = trimmed.starts_with("//")
            && !trimmed.starts_with("//go:generate ")
            && !trimmed.starts_with("// @")
            || trimmed.starts_with('#')
                && !["#!", "#include", "#define", "#if", "#%", "#{"]
                    .iter()
                    .any(|code| trimmed.starts_with(code))
            || trimmed.starts_with("-- ")
            || trimmed.starts_with("* ")
            || trimmed.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("rem "));
        if comment {
            out.push('\n');
        } else {
            sought(line, &mut out);
        }
    }
    out
}

/// A line without the patterns that a search looks for, which are no deeds: what stands between single quotation
/// marks behind `grep`, and raw strings that only an expression could be. Nothing of it is run, whatever it says.
fn sought(line: &str, out: &mut String) {
    let search = ["grep ", "rg ", "ripgrep ", "Select-String", "findstr "]
        .iter()
        .filter_map(|word| line.find(word))
        .min();
    let mut rest = line;
    if let Some(at) = search {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        rest = after;
        // Up to the next command of the line.
        while let Some(open) = rest.find('\'') {
            let Some(close) = rest.get(open + 1..).and_then(|rest| rest.find('\'')) else { break };
            let close = open + 1 + close;
            let lead = rest.get(..open).unwrap_or_default();
            if lead.contains(['|', ';', '&', '`']) {
                break;
            }
            out.push_str(lead);
            out.push_str("''");
            rest = rest.get(close + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        return;
    }
    // A pattern that is run is none.
    let runs =
        ["exec(", "eval(", "system(", "popen(", "compile("].iter().any(|run| line.contains(run));
    while let Some(at) = ["r\"", "r'"].iter().filter_map(|open| rest.find(open)).min() {
        let before = rest.get(..at).unwrap_or_default();
        let joined = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let quote =
            if rest.get(at + 1..).is_some_and(|rest| rest.starts_with('"')) { '"' } else { '\'' };
        let body = rest.get(at + 2..).unwrap_or_default();
        let close = body.find(quote);
        match close.and_then(|close| body.get(..close)) {
            Some(inner) if !joined && !runs && is_expression(inner) => {
                out.push_str(before);
                out.push_str("''");
                rest = body.get(inner.len() + 1..).unwrap_or_default();
            }
            _ => {
                out.push_str(rest.get(..at + 2).unwrap_or_default());
                rest = body;
            }
        }
    }
    out.push_str(rest);
}

/// Can this be nothing but a regular expression?
fn is_expression(text: &str) -> bool {
    ["\\s+", "\\s*", "\\w+", "\\d+", "\\b(", "(?:", "(?i)", "[^", ".*", ".+?", "\\s?"]
        .iter()
        .any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(line: &str) -> String {
        let mut out = String::new();
        sought(line, &mut out);
        out
    }

    #[test]
    fn what_a_search_looks_for_is_no_deed() {
        assert_eq!(kept("grep -rnE 'curl[^|]*\\| sh' \"$d\"\n"), "grep -rnE '' \"$d\"\n");
        assert_eq!(kept("P = [r\"b64decode\\s*\\(\", r'eval.*']\n"), "P = ['', '']\n");
        for line in [
            "grep x f | sh -c 'curl http://a.example | sh'\n",
            "open(r'C:\\Users\\me\\Login Data')\n",
            "var'a.*b'\n",
            "exec(r'import os; f(\\s+)')\n",
            "grep 'unclosed\n",
        ] {
            assert_eq!(kept(line), line);
        }
    }
}
