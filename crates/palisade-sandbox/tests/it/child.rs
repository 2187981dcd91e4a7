//! Parts of a test that must run in a process of their own: an ignored test of this binary,
//! started again under a prefix such as `unshare -Urn`.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// Who runs the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// Whoever runs the tests.
    Caller,
    /// A user without privileges. Whoever runs the tests, if that is one.
    Ordinary,
}

/// Run the ignored test `name` after `prefix`, and require that it passed.
pub(crate) fn run(who: As, prefix: &[&str], name: &str) {
    let output = output(who, prefix, name, &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{name} as {who:?}: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    for line in text.lines().filter(|line| line.starts_with("note:")) {
        println!("{line}");
    }
}

/// Run it and return what it said.
pub(crate) fn output(who: As, prefix: &[&str], name: &str, environment: &[(&str, &str)]) -> Output {
    let mut words: Vec<String> = Vec::new();
    let is_root = rustix::process::geteuid().is_root();
    if who == As::Ordinary && is_root {
        let drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        words.extend(drop.map(str::to_owned));
    }
    words.extend(prefix.iter().map(|word| (*word).to_owned()));
    let program = reachable_copy();
    words.push(program.to_str().unwrap().to_owned());
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir("/");
    for (variable, value) in environment {
        command.env(variable, value);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    std::fs::remove_file(&program).unwrap();
    output
}

/// This binary where another user can run it.
fn reachable_copy() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let to = std::env::temp_dir().join(format!("palisade-it-{}-{count}", std::process::id()));
    let from = std::env::current_exe().unwrap();
    palisade_testkit::copy_program(from, &to);
    to
}
