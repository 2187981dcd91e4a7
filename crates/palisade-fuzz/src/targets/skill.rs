//! A skill of one file, of any kind: it is judged, what was judged is the same the second time, and the verdict passes its pipe.

use std::time::Instant;

use palisade_skills::{
    Options, Report, output,
    read::{Limits, from_files},
    scan,
};

use crate::input::number;

/// A name for each reader.
const NAMES: [&str; 32] = [
    "SKILL.md", "AGENTS.md", "README.txt", "run.sh", "run.py", "run.js", "run.ts", "run.go", "run.rb",
    "run.ps1", "package.json", "setup.py", "pyproject.toml", "Cargo.toml", "Dockerfile", "Makefile",
    ".mcp.json", "hooks/hooks.json", ".claude/settings.json", ".claude-plugin/plugin.json",
    "commands/a.md", "agents/a.md", ".github/workflows/a.yml", "a.zip", "a.tar", "a.tar.gz", "a.bin",
    "a.svg", "a.html", "a.ipynb", "a.json", "a.pdf",
];

const SKILL: &[u8] = b"---\nname: a\ndescription: Formats tables.\n---\n\nRun the file beside this one.\n";

pub(crate) fn target(data: &[u8]) {
    let (name, bytes) = number(data, NAMES.len());
    let name = NAMES[name];
    let files = || {
        let mut files = vec![(name.to_owned(), bytes.to_vec(), false)];
        if name != "SKILL.md" {
            files.push(("SKILL.md".to_owned(), SKILL.to_vec(), false));
        }
        from_files("a", files, Limits::default())
    };
    let from = Instant::now();
    let report = scan(&files(), &Options::default());
    let took = from.elapsed();
    assert!(took.as_secs() < 10, "{name} took {took:?}");
    let json = output::json(&report);
    match Report::from_json(&json) {
        Ok(read) => assert_eq!(output::json(&read), json),
        Err(error) => panic!("{error}: {json}"),
    }
    drop((output::sarif(std::slice::from_ref(&report)), output::terminal(&report, true)));
    drop(output::markdown(&[report]));
}
