//! Random scripts, run by the real bash: what it runs, the analysis must have found, or must have refused to know.

use std::{fs, process::Command, time::Duration};

use proptest::{prelude::*, sample::select, test_runner::TestRunner};

use super::*;

const TOKENS: &[&str] = &[
    "node",
    "node -e 1",
    "no",
    "de",
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    ")",
    "(",
    "{",
    "}",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "\n",
    "\n",
    "\n",
    " ",
    " ",
    " ",
    " ",
    "\t",
    "#",
    "<<E",
    "<<-E",
    "<<'E'",
    "E",
    "\nE\n",
    "if",
    "then",
    "fi",
    "else",
    "elif",
    "while",
    "until",
    "do",
    "done",
    "for x in",
    "case x in",
    "esac",
    "x)",
    "*)",
    ";;",
    ";&",
    "[[",
    "]]",
    "((",
    "))",
    "$((",
    "eval",
    "true",
    ":",
    "echo",
    "x=node",
    "x='node -e'",
    "$x",
    "${x}",
    "\"$x\"",
    "${x:-node}",
    "${y:-node}",
    "${y:-$(node)}",
    "f()",
    "f",
    "function f",
    "!",
    "time",
    "$'",
    "\\x6e",
    "\\n",
    "ode",
    "n",
    "1",
    "a[",
    "]",
    "a=(",
    "let",
    "test",
    "bash -c",
    "sh -c",
    "env",
    "exec",
    "command",
    "builtin",
    "coproc",
    "trap",
    "EXIT",
    "alias",
    "shopt -s expand_aliases;",
    "> /dev/null",
    "< /dev/null",
    "<<<",
    "<(",
    ">(",
    "2>&1",
    "~",
    "*",
    "?",
    "{node,1}",
    "{a..b}",
    "export",
    "declare",
    "local",
    "cd",
    "unset",
    "set --",
    "\"$@\"",
    "$@",
    "$1",
    "printf -v x",
    "read x",
    "source",
    ".",
    "${x",
    "@P}",
    "%",
    ":",
    "+",
    "-",
    "=",
    "+=",
    "x",
    "y",
    "select x in",
    "in",
    "IFS=o",
    "timeout 1",
    "nice",
    "xargs",
    "\\\n",
    "${ node; }",
    "PS4='$(node)'",
    "set -x;",
    "x=$(echo node);",
    "\\\"",
    "\\'",
    "\\`",
    "\\$",
    "&>",
    "|&",
    ">|",
    "!(",
    "@(",
    "a=(node -e)",
    "${a[@]}",
    "\"${a[0]}\"",
    "${!y}",
    "y=x",
    "${x:=node}",
    "${y=node}",
    "mapfile x",
    "mapfile -t x <<<",
    "mapfile -C node -c1 x <<< a",
    "compgen -C node",
    "jobs -x",
    "hash -p",
    "declare -n y=x;",
    "declare -l y;",
    "local -n y=x;",
    "readonly x=node;",
    "y=node;",
    "y=NODE;",
    "$y",
    "shopt -s lastpipe;",
    "shopt -s extglob;",
    "set -o posix;",
    "alias y=env\n",
    "alias y='node '\n",
    "((x=1))",
    "$((x=1))",
    "printf -v x node;",
    "trap 'x=node' DEBUG;",
    "read x <<< node;",
    "xargs -I{}",
    "xargs --replace",
    "bash -oc errexit",
    "bash -norc",
    "bash /dev/fd/0 <<<",
    "env -S",
    "env --split",
    "timeout --kill 1 1",
    "exec -a y",
    "command -p",
    "builtin eval",
    "_=x;",
    "$_",
    "echo node |",
    "n{ode,1}",
    "[o]",
    "> /none/f",
    "case x in x) node;; esac",
    "$(case x in x) echo node;; esac)",
    "# c\n",
    "\\\\\n",
    "<<\"E\"",
    "<<E; node\n",
    "unset -f env;",
    "env() { :; };",
];

fn scripts() -> impl Strategy<Value = String> {
    prop::collection::vec((select(TOKENS), any::<bool>()), 1..24).prop_map(|tokens| {
        let mut text = String::new();
        for (token, blank) in tokens {
            text.push_str(token);
            if blank {
                text.push(' ');
            }
        }
        text
    })
}

fn found(text: &str) -> bool {
    match analyse(text, &Known::default()) {
        Err(_) => true,
        Ok(line) => {
            !line.all_unclear().is_empty()
                || line.all().iter().any(|command| command.program() == Some("node"))
        }
    }
}

#[test]
fn whatever_bash_runs_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    let work = folder.path().join("work");
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&work).unwrap();
    let marker = folder.path().join("ran");
    let node = bin.join("node");
    fs::write(&node, format!("#!/bin/sh\n: > {}\n", marker.display())).unwrap();
    fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (name, target) in [
        ("sh", "/bin/sh"),
        ("bash", "/bin/bash"),
        ("env", "/usr/bin/env"),
        ("timeout", "/usr/bin/timeout"),
        ("nice", "/usr/bin/nice"),
        ("xargs", "/usr/bin/xargs"),
        ("cat", "/bin/cat"),
    ] {
        std::os::unix::fs::symlink(target, bin.join(name)).unwrap();
    }
    let cases =
        std::env::var("PALISADE_SHELL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&scripts(), |script| {
        if found(&script) {
            // Only what is not found can go wrong.
            return Ok(());
        }
        drop(fs::remove_file(&marker));
        let mut child = Command::new("/bin/bash")
            .args(["--norc", "--noprofile", "-c", &script])
            .env_clear()
            .env("PATH", &bin)
            .current_dir(&work)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(child.kill());
        drop(child.wait());
        if marker.exists() {
            prop_assert!(found(&script), "bash runs node in {script:?}");
        }
        Ok(())
    });
    if let Err(why) = result {
        panic!("{why}");
    }
}
