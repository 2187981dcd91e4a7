//! What is permitted without a rule, run for real: it changes no file and starts no program of the workspace.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use proptest::{prelude::*, sample::select, test_runner::TestRunner};

use super::*;

const PROGRAMS: &[&str] = &[
    "ls",
    "cat",
    "head",
    "tail",
    "wc",
    "grep",
    "find",
    "sort",
    "uniq",
    "cut",
    "tr",
    "diff",
    "cmp",
    "comm",
    "stat",
    "file",
    "du",
    "df",
    "nl",
    "rev",
    "column",
    "realpath",
    "readlink",
    "cksum",
    "strings",
    "od",
    "hexdump",
    "base64",
    "tac",
    "fold",
    "fmt",
    "paste",
    "join",
    "jq",
    "cd",
    "echo",
    "printf",
    "date",
    "test",
    "expr",
    "sed",
    "command",
    "nice",
    "timeout 1",
    "xargs",
    "time",
    "git diff",
    "git diff --no-index",
    "git log",
    "git show",
    "git grep",
    "git status",
    "git cat-file",
    "git ls-files",
    "git rev-parse",
    "git blame",
];

const TOKENS: &[&str] = &[
    "in",
    "two",
    "out",
    ".",
    "--",
    "-",
    "-o",
    "-oout",
    "-uo",
    "--output=out",
    "--output",
    "-O./evil",
    "-O",
    "--open-files-in-pager=./evil",
    "-delete",
    "-exec",
    "-execdir",
    "-ok",
    "./evil",
    "$PWD/evil",
    ";",
    "\\;",
    "+",
    "{}",
    "-fprint",
    "-fls",
    "-C",
    "-m",
    "-f",
    "-z",
    "-n",
    "-i",
    "-r",
    "-R",
    "-t",
    "-T",
    "-s",
    "-w",
    "-v",
    "-c",
    "-S1",
    "-P",
    "-l",
    "--compress-program=./evil",
    "--compress=./evil",
    "--files0-from=in",
    "--ext-diff",
    "--textconv",
    "--filters",
    "-p",
    "-k1",
    "'w out'",
    "'1w out'",
    "'1e ./evil'",
    "'s/a/b/w out'",
    "1p",
    "-e",
    "p",
    "x",
    "HEAD",
    "HEAD:in",
    "> out",
    "2> out",
    "| sort",
    "| ./evil",
    "| xargs",
    "&& ls",
    "; ls",
    "& ls",
    "$(./evil)",
    "<(./evil)",
    "`./evil`",
    "((PATH=1));",
    "for x in '. -delete'; do find ./$x; done",
    "for x in 'in -o out'; do sort $x; done",
    "for x in 'n -o out'; do sort i$x; done",
    "-a",
    "5",
    "'a[$(./evil)]'",
    "-eq",
    "1",
    "'.a'",
    "input",
    "*",
    "i*",
];

fn commands() -> impl Strategy<Value = String> {
    (select(PROGRAMS), prop::collection::vec(select(TOKENS), 0..6))
        .prop_map(|(program, tokens)| format!("{program} {}", tokens.join(" ")))
}

/// Every file with its content, but for what git keeps for itself.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != ".git" {
                folders.push(path.clone());
            }
            let content = fs::read(&path).unwrap_or_default();
            out.insert(path.display().to_string(), content);
        }
    }
    out
}

#[test]
fn what_needs_no_rule_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().canonicalize().unwrap();
    fs::create_dir(work.join("1")).unwrap();
    for name in ["in", "two"] {
        fs::write(work.join(name), "a\nb\na\n").unwrap();
    }
    let ran = work.join("ran");
    for name in ["evil", "1/ls", "1/find"] {
        let path = work.join(name);
        fs::write(&path, format!("#!/bin/sh\n: > {}\n", ran.display())).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let run = |command: &str| {
        let mut child = Command::new("/bin/bash")
            .args(["--norc", "--noprofile", "-c", command])
            .current_dir(&work)
            .env("HOME", &work)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..400 {
            if child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(child.kill());
        drop(child.wait());
    };
    run(
        "git init -q . && git add in && git -c user.name=x -c user.email=x@example.com commit -qm x",
    );
    let place = Place { workspace: work.clone(), additional: vec![], home: Some(work.clone()) };
    let settings =
        Settings { mode: Mode::Default, allow: vec![], ask: vec![], deny: vec![], place };
    let rules = Permissions::new(settings).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let before = files(&work);
    let cases = std::env::var("PALISADE_SHELL_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(400);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&commands(), |command| {
        if verdict(&rules, &bash(&command)) != Verdict::Allow {
            return Ok(());
        }
        run(&command);
        let after = files(&work);
        // The next case begins anew.
        for path in after.keys().filter(|path| !before.contains_key(*path)) {
            drop(fs::remove_file(path));
        }
        for (path, content) in
            before.iter().filter(|(path, content)| after.get(*path) != Some(content))
        {
            drop(fs::write(path, content));
        }
        prop_assert!(after == before, "`{}` was permitted and changed files", command);
        Ok(())
    });
    if let Err(why) = result {
        panic!("{why}");
    }
}
