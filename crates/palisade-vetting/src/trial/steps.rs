//! What of a skill would run: its scripts, the commands of its hooks and servers, its install steps, and what its
//! text tells to type.

use palisade_skill_store::{Entry, Tree};
use serde_json::Value;

/// Steps that are tried.
pub(super) const MOST: usize = 24;
/// Bytes of a definition or text that is looked into.
const MOST_BYTES: usize = 1 << 20;
/// How deep a definition is looked into.
const DEPTH: usize = 12;

/// One thing that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The file that it comes from.
    pub(super) file: String,
    /// Its line there, from 1; 0 for the whole file.
    pub(super) line: u32,
    /// The program and its arguments, in the skill's folder.
    pub(super) argv: Vec<String>,
}

/// The steps of a skill, in the order in which they would come: what installs, what runs by itself, what is told, what
/// is there.
pub(super) fn steps(tree: &Tree) -> Vec<Step> {
    let mut steps = Vec::new();
    for (path, bytes, _) in files(tree) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.ends_with(".json")
            && let Ok(value) = serde_json::from_slice::<Value>(bytes)
        {
            match name {
                "package.json" => scripts(path, &value, &mut steps),
                _ => commands(path, &value, DEPTH, &mut steps),
            }
        }
    }
    for (path, bytes, _) in files(tree).filter(|(path, ..)| path.ends_with(".md")) {
        blocks(path, &String::from_utf8_lossy(bytes), &mut steps);
    }
    for (path, bytes, executable) in files(tree) {
        steps.extend(script(path, bytes, executable));
    }
    steps.dedup();
    steps
}

fn files(tree: &Tree) -> impl Iterator<Item = (&str, &[u8], bool)> {
    tree.iter().filter_map(|(path, entry)| match entry {
        Entry::File { bytes, executable } if bytes.len() <= MOST_BYTES => {
            Some((path, &**bytes, *executable))
        }
        _ => None,
    })
}

fn shell(command: &str) -> Vec<String> {
    ["bash", "-c", command].map(str::to_owned).into()
}

/// What `npm install` runs.
fn scripts(path: &str, value: &Value, steps: &mut Vec<Step>) {
    for name in ["preinstall", "install", "postinstall", "prepare"] {
        if let Some(command) = value.pointer(&format!("/scripts/{name}")).and_then(Value::as_str) {
            steps.push(Step { file: path.to_owned(), line: 0, argv: shell(command) });
        }
    }
}

/// Every `command` of a definition, with its `args` if there are any.
fn commands(path: &str, value: &Value, depth: usize, steps: &mut Vec<Step>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(members) => {
            if let Some(command) = members.get("command").and_then(Value::as_str) {
                let arguments = members.get("args").and_then(Value::as_array);
                let argv = match arguments {
                    Some(arguments) => {
                        let rest = arguments.iter().filter_map(Value::as_str).map(str::to_owned);
                        std::iter::once(command.to_owned()).chain(rest).collect()
                    }
                    None => shell(command),
                };
                steps.push(Step { file: path.to_owned(), line: 0, argv });
            }
            members.values().for_each(|member| commands(path, member, depth, steps));
        }
        Value::Array(items) => items.iter().for_each(|item| commands(path, item, depth, steps)),
        _ => {}
    }
}

/// Blocks of shell that a text shows.
fn blocks(path: &str, text: &str, steps: &mut Vec<Step>) {
    let mut open: Option<(u32, String, &str)> = None;
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
        match (&mut open, mark) {
            (None, Some(mark)) => {
                let language = bare.trim_start_matches(['`', '~']).trim().to_ascii_lowercase();
                let language = language.split([' ', '{', ',']).next().unwrap_or_default();
                let shell = matches!(
                    language,
                    "sh" | "bash" | "shell" | "zsh" | "console" | "shell-session"
                );
                let line = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(2);
                open = Some((if shell { line } else { 0 }, String::new(), mark));
            }
            (Some((line, body, opened)), Some(mark)) if *opened == mark => {
                if *line > 0 && !body.trim().is_empty() {
                    steps.push(Step { file: path.to_owned(), line: *line, argv: shell(body) });
                }
                open = None;
            }
            (Some((_, body, _)), _) => {
                // A session shows what is typed behind a prompt.
                body.push_str(bare.strip_prefix("$ ").unwrap_or(line));
                body.push('\n');
            }
            (None, None) => {}
        }
    }
}

fn script(path: &str, bytes: &[u8], executable: bool) -> Option<Step> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    let called = first.strip_prefix("#!").and_then(|line| {
        let mut words = line.split_ascii_whitespace();
        let program = words.next()?.rsplit('/').next()?;
        let program = match program {
            "env" => words.find(|word| !word.starts_with('-') && !word.contains('='))?,
            program => program,
        };
        program
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
            .then(|| program.to_owned())
    });
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let by_name = match extension.as_deref() {
        Some("sh" | "bash") => Some("bash"),
        Some("py") => Some("python3"),
        Some("js" | "mjs" | "cjs") => Some("node"),
        Some("rb") => Some("ruby"),
        Some("pl") => Some("perl"),
        Some("ps1") => Some("pwsh"),
        _ => None,
    };
    let program = called.or_else(|| by_name.map(str::to_owned));
    let argv = match program {
        Some(program) => vec![program, format!("./{path}")],
        // A program of its own.
        None if executable && !bytes.is_empty() => vec![format!("./{path}")],
        None => return None,
    };
    Some(Step { file: path.to_owned(), line: 0, argv })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            let bytes = text.as_bytes().into();
            tree.add(path, Entry::File { bytes, executable: false }).unwrap();
        }
        tree
    }

    #[test]
    fn what_installs_comes_first_and_what_is_there_last() {
        let found = steps(&tree(&[
            (
                "SKILL.md",
                "text\n\n```bash\necho a\n```\n\n```python\nx\n```\n~~~console\n$ echo b\n~~~\n",
            ),
            (
                "hooks/hooks.json",
                r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"echo c"}]}]}}"#,
            ),
            (".mcp.json", r#"{"mcpServers":{"a":{"command":"node","args":["s.js"]}}}"#),
            ("package.json", r#"{"scripts":{"postinstall":"echo d","test":"no"}}"#),
            ("scripts/a.py", "print()\n"),
            ("scripts/run", "#!/usr/bin/env -S python3 -u\n"),
            ("data.csv", "1\n"),
        ]));
        let argv: Vec<String> = found.iter().map(|step| step.argv.join(" ")).collect();
        assert_eq!(
            argv,
            [
                "node s.js",
                "bash -c echo c",
                "bash -c echo d",
                "bash -c echo a\n",
                "bash -c echo b\n",
                "python3 ./scripts/a.py",
                "python3 ./scripts/run"
            ]
        );
        assert_eq!(found[3].line, 4);
    }
}
