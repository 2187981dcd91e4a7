//! `alarms`: rules that look at each event, read once and whole, and decoys.

use std::{collections::BTreeMap, path::PathBuf};

use palisade_alarms::{Action, Rule};
use palisade_core::{HostName, PolicyDigest};

use super::{Check, shown};
use crate::{
    at::{At, Place},
    document::{self, ActionWord, Document},
    policy::{Canaries, Source},
    read,
};

/// The rules that come with Palisade.
const BUILTIN: &str = "builtin";
/// Decoys of one kind.
const MOST_CANARIES: usize = 32;
/// Where decoys are, if a document does not say.
const FILES: [&str; 3] = ["~/.aws/credentials", "~/.kube/config", "~/production.env"];

/// What one document says of alarms.
#[derive(Debug, Clone)]
pub(crate) struct DraftAlarms {
    pub(crate) rules: Vec<Rule>,
    pub(crate) actions: BTreeMap<String, At<Vec<Action>>>,
    pub(crate) canaries: Option<Canaries>,
    /// Where they are named.
    pub(crate) place_of_canaries: Option<Place>,
    /// The files that the rules came from.
    pub(crate) sources: Vec<Source>,
}

pub(super) fn check(check: &mut Check<'_>, document: &Document) -> Option<DraftAlarms> {
    let alarms = &document.alarms.as_ref()?.value;
    let mut rules = Vec::new();
    let mut sources = Vec::new();
    if !alarms.rules.is_given() {
        rules.extend(palisade_alarms::builtin().iter().cloned());
    }
    for named in &*alarms.rules {
        if named.value == BUILTIN {
            rules.extend(palisade_alarms::builtin().iter().cloned());
        } else {
            file(check, named, &mut rules, &mut sources);
        }
    }
    for unwanted in &alarms.except {
        let before = rules.len();
        rules.retain(|rule| rule.id != unwanted.value);
        if rules.len() == before {
            check.wrong(
                unwanted.place,
                format!("none of these rules is called `{}`", shown(&unwanted.value)),
                "palisade audit alarms list shows those that come with Palisade",
            );
        }
    }
    let canaries = alarms.canaries.as_ref().map(|at| canaries(check, &at.value));
    let actions = alarms.actions.iter().map(|(id, at)| {
        (
            id.clone(),
            At { value: at.value.iter().map(|word| action(*word)).collect(), place: at.place },
        )
    });
    let place_of_canaries = alarms.canaries.as_ref().map(|at| at.place);
    Some(DraftAlarms { rules, actions: actions.collect(), canaries, place_of_canaries, sources })
}

fn file(
    check: &mut Check<'_>,
    named: &At<String>,
    rules: &mut Vec<Rule>,
    sources: &mut Vec<Source>,
) {
    if !named.value.contains(['/', '.']) {
        let message = format!("there are no rules called `{}`", shown(&named.value));
        check.wrong(
            named.place,
            message,
            "write `builtin`, or a file by its path, such as ./alarms.yaml",
        );
        return;
    }
    let Some(path) = check.path(named) else { return };
    let bytes = match read::read(&path, check.origin.layer) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("{}: {}", path.display(), error.why);
            return check.wrong(named.place, message, error.help);
        }
    };
    match palisade_alarms::parse(&bytes) {
        Ok(read) => {
            let (layer, name) = ("alarm rules", path.display().to_string());
            sources.push(Source { layer, name, digest: PolicyDigest::of(&bytes) });
            rules.extend(read);
        }
        Err(error) => check.wrong(
            named.place,
            format!("{}: {error}", path.display()),
            "correct it, and try it with `palisade audit alarms test`",
        ),
    }
}

fn canaries(check: &mut Check<'_>, written: &document::Canaries) -> Canaries {
    let lists = [&written.files, &written.variables, &written.hosts];
    let mut made = Canaries::default();
    if let Some(list) = lists.into_iter().find(|list| list.len() > MOST_CANARIES) {
        let place = list.place.unwrap_or_default();
        let message =
            format!("{} decoys of one kind, and {MOST_CANARIES} are the most", list.len());
        check.wrong(place, message, "a few are enough: they are found by looking around");
        return made;
    }
    for named in &*written.files {
        made.files.extend(decoy_path(check, named));
    }
    if lists.into_iter().all(|list| list.is_empty()) {
        let paths = FILES.iter().filter_map(|path| super::paths::absolute(path, check.origin).ok());
        made.files.extend(paths);
    }
    for named in &*written.variables {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &named.value;
        let good = name.len() <= 100 && name.chars().all(plain);
        let taken = [
            "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "IFS", "ENV", "BASH_ENV",
        ];
        let good = good && !taken.contains(&name.as_str()) && !name.starts_with("LD_");
        if good && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            made.variables.insert(name.clone());
        } else {
            let message = format!("`{}` cannot be a decoy's variable", shown(name));
            check.wrong(
                named.place,
                message,
                "write a name that programs look for secrets in, such as PROD_API_TOKEN",
            );
        }
    }
    for named in &*written.hosts {
        match named.value.parse::<HostName>() {
            Ok(host) => drop(made.hosts.insert(host)),
            Err(error) => check.wrong(
                named.place,
                format!("`{}` is no name of a host: {error}", shown(&named.value)),
                "write a whole name, such as vault.prod.internal",
            ),
        }
    }
    made.actions = written.actions.iter().map(|word| action(*word)).collect();
    made
}

/// A decoy is a file of its own; one that Palisade makes for itself, or the kernel, is none.
fn decoy_path(check: &mut Check<'_>, named: &At<String>) -> Option<PathBuf> {
    let path = check.path(named)?;
    let taken = ["/proc", "/dev", "/sys", "/run/palisade", "/etc"];
    if taken.iter().any(|folder| path.starts_with(folder)) || path.parent().is_none() {
        let message = format!("{} cannot be a decoy: others make what is there", path.display());
        check.wrong(named.place, message, "put it into the home, such as ~/.aws/credentials");
        return None;
    }
    Some(path)
}

fn action(word: ActionWord) -> Action {
    match word {
        ActionWord::Notify => Action::Notify,
        ActionWord::Freeze => Action::Freeze,
        ActionWord::End => Action::End,
    }
}
