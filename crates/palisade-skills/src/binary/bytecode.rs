//! Bytecode of Python.

use super::{rules, say, strings};
use crate::{Confidence, File, Package, Seen, Severity};

/// The two bytes after the version's number.
const MARK: &[u8] = b"\r\n";

pub(super) fn is_bytecode(path: &str, bytes: &[u8]) -> bool {
    let named = path.ends_with(".pyc") || path.ends_with(".pyo");
    let marked = bytes.get(2..4) == Some(MARK) && bytes.len() > 16;
    // By name, or by a version of Python 3 and the object that follows.
    named
        || marked
            && bytes.get(1).is_some_and(|high| (0x0c..=0x0f).contains(high))
            && matches!(bytes.get(16), Some(0xe3 | 0x63))
}

pub(super) fn look(package: &Package, file: &File, seen: &mut Seen) {
    let source = source_of(&file.path);
    let present = source.is_some_and(|source| package.file(&source).is_some());
    let runs: Vec<&str> = strings::runs(&file.bytes).collect();
    let has = |words: &[&str]| runs.iter().any(|run| words.iter().any(|word| run.contains(word)));
    let network =
        has(&["urlopen", "requests", "socket", "http.client", "httpx", "http://", "https://"]);
    let acts = has(&["subprocess", "system", "popen", "b64decode", "marshal"])
        && has(&["exec", "subprocess", "system", "eval"]);
    let secrets = has(&["id_rsa", ".aws", ".ssh", "environ", "Login Data", "wallet", "keychain"]);
    // PEP 552: the flags say that the hash of the source is never looked at.
    let unchecked = file.path.contains("__pycache__/")
        && file.bytes.get(2..8) == Some(&[b'\r', b'\n', 1, 0, 0, 0]);
    let (severity, what) = match (present, network && (acts || secrets)) {
        (true, _) if unchecked => {
            (Severity::High, "runs in place of the source beside it, whatever that says")
        }
        (false, true) => (
            Severity::High,
            "has no source beside it, talks to the network and starts programs or reads secrets",
        ),
        (false, false) => (Severity::Medium, "has no source beside it"),
        (true, true) => (Severity::Low, "stands beside its source, which it may not match"),
        (true, false) => (Severity::Note, "stands beside its source, which it may not match"),
    };
    let telling = runs.iter().find(|run| strings::telling(run));
    say(
        seen,
        &rules::BYTECODE,
        (severity, Confidence::Medium),
        file,
        "",
        format!("Bytecode of Python {what}; not vetted."),
    );
    if let Some(text) = telling {
        let message =
            "The bytecode holds an address that is bare, disposable or a mining pool.".to_owned();
        say(seen, &rules::TELLING, (Severity::High, Confidence::Medium), file, text, message);
    }
}

/// Where the source of this bytecode would stand.
fn source_of(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next()?;
    let folder =
        folder.strip_suffix("__pycache__").map_or(folder, |folder| folder.trim_end_matches('/'));
    Some(match folder.is_empty() {
        true => format!("{stem}.py"),
        false => format!("{folder}/{stem}.py"),
    })
}
