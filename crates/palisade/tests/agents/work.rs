//! The ordinary work of agents, under the profile `shell` that all others build on.

use std::{fs, path::Path};

use crate::{
    ran::{Ran, run},
    stage::Stage,
};

/// Run it as the operator, unconfined.
fn outside(stage: &Stage, folder: &Path, script: &str) -> Ran {
    let ran = run(stage.of_operator("sh").args(["-ec", script]).current_dir(folder));
    assert_eq!(ran.exit, 0, "{script}: {ran}");
    ran
}

const WHO: &str = "git config --global user.name Ada; git config --global user.email ada@x.test\n";

/// A repository with a submodule and a linked worktree, in the workspace.
fn repository(stage: &Stage) {
    outside(
        stage,
        &stage.outside,
        &format!("{WHO} git init -q -b main lib; cd lib; echo 1 >a; git add .; git commit -qm lib"),
    );
    let lib = stage.outside.join("lib");
    outside(
        stage,
        &stage.workspace,
        &format!(
            "git init -q -b main; echo 1 >f; git add f; git commit -qm one
             git -c protocol.file.allow=always submodule --quiet add '{}' lib
             git commit -qm two; echo '#!/bin/sh' >.git/hooks/pre-push",
            lib.display()
        ),
    );
}

#[test]
fn git_works_in_a_repository_whose_hooks_and_settings_are_protected() {
    let stage = Stage::new("shell");
    repository(&stage);
    let before = settings(&stage);
    let root = fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t");
    if root {
        // Whoever owns the repository, for the agent it is its own: no `dubious ownership`.
        outside(&stage, &stage.workspace, "chown -R 12345:12345 .");
    }
    let ran = stage.run(&[
        "sh",
        "-ec",
        "git status --short
         echo 2 >>f; git commit -qam three; git log --oneline | wc -l
         git checkout -q -b side; git stash list; git tag v1
         (cd lib; echo 2 >>a; git commit -qam lib2)
         git add lib; git commit -qm four; git submodule status | cut -c1
         git worktree add -q linked; (cd linked; echo 3 >>f; git commit -qam five)
         git worktree list | wc -l; git worktree remove linked
         git rebase -q main; git gc -q; git fsck
         git clone -q . /tmp/copy; git -C /tmp/copy log --oneline | wc -l",
    ]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(ran.stdout.split_whitespace().collect::<Vec<_>>(), ["3", "2", "4"], "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
    if root {
        let status = outside(&stage, &stage.workspace, "stat -c %u .git/packed-refs f");
        assert_eq!(status.stdout, "12345\n12345\n");
        outside(&stage, &stage.workspace, "chown -R 0:0 .");
    }
    let log = outside(&stage, &stage.workspace, "git log --oneline --all | wc -l");
    assert_eq!(log.stdout.trim(), "5");

    for refused in [
        "git config core.fsmonitor ./x",
        "git remote add origin /nowhere",
        "echo x >.git/hooks/pre-commit",
        "rm .git/hooks/pre-push",
        "mv .git .old",
        "mv .git/hooks .git/old",
    ] {
        let ran = stage.run(&["sh", "-c", refused]);
        assert_ne!(ran.exit, 0, "{refused}: {ran}");
    }
    assert_eq!(settings(&stage), before);
}

/// What git of the host would run or believe.
fn settings(stage: &Stage) -> String {
    outside(stage, &stage.workspace, "cat .git/config .gitmodules; cat .git/hooks/*; ls .git/hooks")
        .stdout
}

/// What each tool does, and what it must say. Tools that the machine does not have are left out.
const TOOLS: &[(&str, &str, &str)] = &[
    ("bash", "bash -lc 'echo $PATH' | grep -qx \"$PATH\" && echo as outside", "as outside"),
    ("getent", "getent passwd $(id -u) | cut -d: -f1,6", "$USER:$HOME"),
    (
        "python3",
        "python3 -m venv /tmp/v && /tmp/v/bin/python -c 'import sys; print(sys.prefix)'",
        "/tmp/v",
    ),
    ("pip3", "/tmp/v/bin/pip --version | cut -d' ' -f1", "pip"),
    (
        "python3",
        "python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))'",
        "[1, 2]",
    ),
    (
        "python3",
        "python3 -c 'import os, getpass, socket; print(getpass.getuser(), socket.gethostbyname(\"localhost\"))'",
        "$USER 127.0.0.1",
    ),
    (
        "node",
        "node -e 'new (require(\"worker_threads\").Worker)(\"require(\\\"worker_threads\\\").parentPort.postMessage(1)\", {eval: true}).on(\"message\", m => console.log(\"worker\", m))'",
        "worker 1",
    ),
    (
        "node",
        "node -e 'const os = require(\"os\"); console.log(Object.keys(os.networkInterfaces()).join(), os.userInfo().homedir)'",
        "lo $HOME",
    ),
    (
        "node",
        "node -e 'const fs = require(\"fs\"); const w = fs.watch(\".\", e => { console.log(e); w.close() }); setTimeout(() => fs.writeFileSync(\"watched\", \"\"), 50)'",
        "rename",
    ),
    (
        "node",
        "node -e 'const h = require(\"http\"); const s = h.createServer((q, r) => r.end(\"served\")).listen(0, () => h.get({port: s.address().port, host: \"localhost\"}, r => { r.pipe(process.stdout); s.close() }))'",
        "served",
    ),
    (
        "npm",
        "mkdir p q && (cd p && npm init -y) >/dev/null && (cd q && npm init -y && npm install --offline ../p) >/dev/null && ls q/node_modules",
        "p",
    ),
    ("gcc", "echo 'int main(){return 0;}' >m.c && gcc m.c -o m && ./m && echo built", "built"),
    (
        "javac",
        "echo 'class A{public static void main(String[] a)throws Exception{System.out.print(javax.net.ssl.SSLContext.getDefault()!=null);}}' >A.java && javac -d /tmp A.java && java -cp /tmp A",
        "true",
    ),
    ("mvn", "mvn -v >/dev/null && echo maven", "maven"),
    ("perl", "perl -MSocket -e 'print scalar getpwuid($<)'", "$USER"),
    ("script", "script -qec 'tty >/dev/null && echo a tty' /dev/null | tr -d '\\r'", "a tty"),
    ("curl", "curl -sS -m 60 https://denied.example/ 2>/dev/null; echo $?", "6"),
    // Its patience with a registry that cannot be reached was more than a minute.
    ("npm", "timeout 40 npm view left-pad >/dev/null 2>&1; echo $?", "1"),
];

#[test]
fn tools_do_their_work() {
    let stage = Stage::new("shell");
    for (tool, command, expected) in TOOLS {
        if run(stage.of_operator("sh").args(["-c", &format!("command -v {tool}")])).exit != 0 {
            println!("skipped: there is no {tool}");
            continue;
        }
        // The venv is made in one and used in the next.
        let prelude = if command.starts_with("/tmp/v") { "python3 -m venv /tmp/v; " } else { "" };
        let ran = stage.run(&["sh", "-c", &format!("echo \"{expected}\"; {prelude}{command}")]);
        let (wanted, said) = ran.stdout.split_once('\n').unwrap_or_default();
        assert_eq!(said.trim(), wanted.trim(), "{command}: {ran}");
    }
}
