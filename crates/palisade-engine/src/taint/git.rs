//! What Git is told to do, behind the options that stand before it.

use palisade_core::Exec;

/// Options with a value in the next argument, from git(1).
const WITH_VALUE: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--attr-source",
    "--shallow-file",
];

/// The same execution with Git's own options left out, if there are any. One that gives a command of Git another
/// name may do anything by it: it counts as a push.
pub(super) fn without_options(exec: &Exec) -> Option<Exec> {
    let name = |path: &str| path.rsplit('/').next() == Some("git");
    let named = name(&exec.program)
        || exec.argv.first().is_some_and(|first| name(first))
        || exec.names.iter().any(|one| name(one));
    let (first, arguments) = exec.argv.split_first()?;
    if !named || !arguments.first()?.starts_with('-') {
        return None;
    }
    let mut rest = arguments.iter();
    let mut kept: Vec<String> = Vec::new();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            kept.push(word.clone());
            kept.extend(rest.by_ref().cloned());
            break;
        }
        let value = if WITH_VALUE.contains(&word.as_str()) { rest.next() } else { None };
        let set = value.unwrap_or(word).to_ascii_lowercase();
        let set = set.trim_start_matches("-c").trim_start_matches("--config-env=");
        // What is included may give such names.
        if ["alias.", "include.", "includeif."].iter().any(|start| set.starts_with(start)) {
            kept = vec!["push".into()];
            break;
        }
    }
    let argv = std::iter::once(first.clone()).chain(kept).collect();
    Some(Exec { argv, ..exec.clone() })
}
