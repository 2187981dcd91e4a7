//! What git changes in a work tree without being given its name, and what pathspecs mean to it alone.

use palisade_shell::Field;

use super::{Below, Used, Writes};

/// Commands of git that change what is below a folder.
const DEEP: &[&str] =
    &["checkout", "checkout-index", "clean", "mv", "read-tree", "restore", "rm", "stash"];
/// Those that take pathspecs for files which they change.
const BY_PATHSPEC: &[&str] = &["checkout", "restore", "rm", "stash"];

/// Whether what git does here goes through the folders that it is given.
pub(super) fn is_deep(arguments: &[Field]) -> bool {
    task(arguments).is_some_and(|(task, _)| DEEP.contains(&task))
}

/// What git does to all of its folder, or of its repository, where it is given no name that says so.
pub(super) fn unnamed(arguments: &[Field], out: &mut Vec<Used>) {
    let Some((task, rest)) = task(arguments) else { return };
    let has = |option: &str| rest.iter().any(|argument| argument.known() == Some(option));
    let (below, all) = match task {
        "clean" if !has("-n") && !has("--dry-run") => {
            if rest.iter().any(|argument| !argument.start().starts_with('-')) {
                return;
            }
            (Below::Present, false)
        }
        "reset" if has("--hard") || has("--merge") || has("--keep") => (Below::Present, true),
        "checkout" | "switch" if throws_away(rest) => (Below::Present, true),
        "read-tree" if has("-u") => (Below::Anything, true),
        "stash" => match stashed(rest) {
            Some(below) => (below, true),
            None => return,
        },
        "checkout-index" if has("--stdin") => (Below::Present, true),
        "checkout-index" if has("-a") || has("--all") => (Below::Present, false),
        "apply" if !["--check", "--stat", "--numstat", "--summary"].iter().any(|it| has(it)) => {
            (Below::Anything, false)
        }
        "am" => (Below::Anything, true),
        _ if BY_PATHSPEC.contains(&task) && may_name_others(rest) => (Below::Present, true),
        _ => return,
    };
    let here = Used { below, ..Used::new(Field::text("."), Writes::Perhaps) };
    out.push(Used { of_repository: all, ..here });
}

/// Whether a change of branches takes back what was changed.
fn throws_away(rest: &[Field]) -> bool {
    rest.iter().take_while(|argument| argument.known() != Some("--")).any(|argument| {
        let text = argument.start();
        let short = text.strip_prefix('-').filter(|short| !short.starts_with('-'));
        // Behind these letters stands the name of a branch.
        let flags = short.and_then(|short| short.split(['b', 'B', 'c', 'C']).next());
        let long = ["--force", "--discard-changes"];
        flags.is_some_and(|flags| flags.contains('f'))
            || (text.len() > 2 && long.iter().any(|option| option.starts_with(text)))
    })
}

/// What a stash changes: what is there is taken back, or what it has comes out again.
fn stashed(rest: &[Field]) -> Option<Below> {
    let Some(first) = rest.first() else { return Some(Below::Present) };
    match first.known() {
        Some("list" | "show" | "drop" | "clear" | "create" | "store") => None,
        Some("pop" | "apply" | "branch") => Some(Below::Anything),
        // Whatever it is.
        None => Some(Below::Anything),
        // Of what is named alone, if something is.
        Some(_) => {
            let names = rest.iter().position(|argument| argument.known() == Some("--"));
            let names = names.and_then(|at| rest.get(at + 1..)).unwrap_or_default();
            (names.is_empty() || may_name_others(rest)).then_some(Below::Present)
        }
    }
}

/// Whether one of the pathspecs may be for other files than the one that it is the name of: see `gitglossary(7)`.
fn may_name_others(rest: &[Field]) -> bool {
    let mut new_branch = false;
    rest.iter().any(|argument| {
        let text = argument.start();
        // What the shell would have found is a pattern to git where it is quoted.
        let pattern = argument.known().is_some_and(|text| text.contains(['*', '?', '[', '\\']));
        let unknown = !new_branch && Used::new(argument.clone(), Writes::Perhaps).may_be_any();
        new_branch = matches!(text, "-b" | "-B" | "--orphan");
        text.starts_with(':') || pattern || unknown || text.starts_with("--pathspec-f")
    })
}

/// The command of git's, and what stands behind it.
fn task(arguments: &[Field]) -> Option<(&str, &[Field])> {
    let at = arguments.iter().position(|argument| !argument.start().starts_with('-'))?;
    let task = arguments.get(at)?.known()?;
    Some((task, arguments.get(at + 1..).unwrap_or_default()))
}
