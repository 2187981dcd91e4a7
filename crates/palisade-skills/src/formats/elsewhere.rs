//! What a package has loaded that does not lie in it: nobody has read that, and it can be another thing the next time.

use super::{Document, Leaf, base, rules};
use crate::{File, Finding, Severity, read::leads_out};

/// What a definition names that is loaded.
const LOADED: [&str; 10] = [
    "agents",
    "commands",
    "contextFileName",
    "hooks",
    "lspServers",
    "mcpServers",
    "monitors",
    "outputStyles",
    "skills",
    "workflows",
];
/// Texts whose `@path` an agent replaces by what is there.
const INSTRUCTIONS: [&str; 4] = ["CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", "AGENTS.md"];
/// Places that are told of one file.
const MOST: usize = 20;

/// What a definition of a plugin, an extension or a marketplace names outside.
pub(super) fn of_document(file: &File, document: &Document) -> Vec<Finding> {
    let (above, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let root = match name {
        "plugin.json" | "marketplace.json" => match above.rsplit_once('/') {
            Some((root, folder)) if folder.ends_with("-plugin") => root,
            None if above.ends_with("-plugin") => "",
            _ => above,
        },
        "openclaw.plugin.json" | "gemini-extension.json" => above,
        _ => return Vec::new(),
    };
    let from = if root.is_empty() { String::new() } else { format!("{root}/") };
    let named = document.leaves.iter().filter(|leaf| is_loaded(&leaf.path));
    let outside = named.filter(|leaf| leaf.text.starts_with('~') || leads_out(&from, &leaf.text));
    let mut found: Vec<Finding> =
        outside.take(MOST).map(|leaf| told(file, leaf.line, &leaf.text)).collect();
    let fetched = |leaf: &&Leaf| {
        let keys: Vec<&str> = leaf.path.split('.').collect();
        matches!(keys[..], ["plugins", _, "source", "url" | "repo" | "package"])
    };
    found.extend(
        document
            .leaves
            .iter()
            .filter(fetched)
            .take(MOST)
            .map(|leaf| told(file, leaf.line, &leaf.text).of(Severity::Note)),
    );
    found
}

/// A key that names what is loaded, or one of several; in a marketplace for each plugin.
fn is_loaded(path: &str) -> bool {
    let keys: Vec<&str> = path.split('.').collect();
    let number = |key: &str| key.bytes().all(|byte| byte.is_ascii_digit());
    let of_one = |keys: &[&str]| match keys {
        [key] => LOADED.contains(key),
        [key, at] => LOADED.contains(key) && number(at),
        _ => false,
    };
    match &keys[..] {
        ["plugins", at, "source"] => number(at),
        ["plugins", at, rest @ ..] => number(at) && of_one(rest),
        keys => of_one(keys),
    }
}

/// What a text of instructions takes in from outside.
pub(super) fn of_prose(file: &File) -> Vec<Finding> {
    if !INSTRUCTIONS.contains(&base(&file.path)) && !file.path.contains(".claude/rules/") {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&file.bytes);
    let from = file.path.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
    let (mut found, mut fenced) = (Vec::new(), false);
    for (line, number) in text.lines().zip(1_u32..) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || found.len() >= MOST {
            continue;
        }
        let words = line.split_whitespace().filter_map(|word| word.strip_prefix('@'));
        let paths = words.map(|path| path.trim_end_matches(['.', ',', ';', ':', ')']));
        let outside = paths.filter(|path| match path.strip_prefix('/') {
            // In JavaScript that is the project's own folder.
            Some(rest) => rest.ends_with(".md") || rest.ends_with(".txt"),
            None => path.starts_with("~/") || leads_out(&from, path),
        });
        found.extend(outside.map(|path| told(file, number, path)));
    }
    found
}

fn told(file: &File, line: u32, path: &str) -> Finding {
    let shown = palisade_core::shown(path, 100);
    rules::ELSEWHERE.at(&file.path, line, 0, path, format!("{shown} does not lie in the package"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Profile, look};
    use super::*;
    use crate::Package;

    fn found(path: &str, text: &str) -> Vec<(String, Severity)> {
        let kind = crate::read::kind(path, text.as_bytes());
        let bytes = Arc::from(text.as_bytes());
        let file = File { path: path.to_owned(), bytes, kind, executable: false };
        let seen = look(&Package { files: vec![file] }, &Profile::default());
        let of = seen.findings.into_iter().filter(|it| it.rule.id == "not-vetted-elsewhere");
        of.map(|it| (it.excerpt, it.severity)).collect()
    }

    #[test]
    fn what_is_loaded_from_outside_is_told() {
        let plugin = ".claude-plugin/plugin.json";
        for (path, text, outside) in [
            (plugin, r#"{"commands": ["./a.md", "../../b.md"]}"#, Some("../../b.md")),
            (plugin, r#"{"hooks": "/etc/hooks.json"}"#, Some("/etc/hooks.json")),
            (plugin, r#"{"mcpServers": "~/x.json"}"#, Some("~/x.json")),
            (plugin, r#"{"hooks": {"Stop": [{"hooks": [{"command": "/bin/true"}]}]}}"#, None),
            (plugin, r#"{"homepage": "../x", "commands": "./commands"}"#, None),
            ("plugins/a/.claude-plugin/plugin.json", r#"{"skills": "../../skills"}"#, None),
            (
                "plugins/a/.claude-plugin/plugin.json",
                r#"{"skills": "../../../x"}"#,
                Some("../../../x"),
            ),
            ("openclaw.plugin.json", r#"{"skills": ["../x"]}"#, Some("../x")),
            (
                ".claude-plugin/marketplace.json",
                r#"{"plugins": [{"source": "../x"}]}"#,
                Some("../x"),
            ),
            ("CLAUDE.md", "See @docs/a.md and @../../b.md.", Some("../../b.md")),
            ("CLAUDE.md", "@~/.claude/mine.md", Some("~/.claude/mine.md")),
            ("CLAUDE.md", "@/etc/b.md", Some("/etc/b.md")),
            ("CLAUDE.md", "Import from @/lib/utils, ask @someone, use @scope/name.", None),
            ("a/CLAUDE.md", "@../b.md", None),
            ("notes.md", "@../../b.md", None),
        ] {
            let told = found(path, text);
            let expected: Vec<_> =
                outside.into_iter().map(|it| (it.to_owned(), Severity::Low)).collect();
            assert_eq!(told, expected, "{path} {text}");
        }
        let market = r#"{"plugins": [{"source": {"source": "github", "repo": "a/b"}}]}"#;
        let expected = vec![("a/b".to_owned(), Severity::Note)];
        assert_eq!(found(".claude-plugin/marketplace.json", market), expected);
    }
}
