//! The command's environment: what the policy names, and the few variables without which
//! programs do not find themselves.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use palisade_policy::Inference;
use rustix::rand::{GetRandomFlags, getrandom};

use super::{links::Names, tree::Tree, trust, who::Who};
use crate::{
    exports,
    order::{Operator, Order},
    refusal::{Refusal, Refuse},
};

/// Where programs are on every Linux, behind what the operator's `PATH` names.
const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What stands inside in place of each real key.
#[derive(Debug, Default)]
pub(crate) struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// A random one for each variable that a credential exposes.
    pub(crate) fn of(inference: Option<&Inference>) -> Result<Self, Refusal> {
        let mut all = BTreeMap::new();
        let providers = inference.iter().flat_map(|inference| inference.providers.values());
        for credential in providers.filter_map(|provider| provider.credential.as_ref()) {
            let Some(variable) = &credential.expose else { continue };
            let mut bytes = [0_u8; 16];
            getrandom(&mut bytes, GetRandomFlags::empty())
                .refuse("random numbers from the kernel", "report this")?;
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            all.insert(variable.clone(), format!("palisade-placeholder-{digits}"));
        }
        Ok(Self(all))
    }

    /// The one in this variable.
    pub(crate) fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }
}

/// All of it, each variable once. What the policy sets wins over what it passes, and a
/// placeholder over both: a real key must not get in by either. Where certificates are wins over
/// what is passed: a path of the host's may not exist inside.
pub(crate) fn all(
    order: &Order,
    who: &Who,
    session: &SessionId,
    placeholders: &Placeholders,
    folders: &[PathBuf],
    names: &Names,
    tree: &Tree,
) -> Vec<(OsString, OsString)> {
    let (process, operator) = (&order.policy.process, &order.operator);
    let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
    let mut set = |name: &str, value: &OsStr| all.insert(name.into(), value.into());
    set("HOME", operator.home.as_os_str());
    set("USER", OsStr::new(&who.name));
    set("LOGNAME", OsStr::new(&who.name));
    set("SHELL", OsStr::new(shell(names, tree)));
    set("TMPDIR", OsStr::new("/tmp"));
    set("PATH", &path(operator, folders, names, tree));
    set("PALISADE_SESSION", OsStr::new(session.as_str()));
    if exports::traces(&order.policy.audit) {
        set("TRACEPARENT", OsStr::new(&palisade_export::trace_parent(session)));
    }
    for (name, value) in trust::of_the_system(&order.policy.network, names, tree) {
        all.insert(name.into(), value.into());
    }
    for (name, value) in &operator.environment {
        if process.pass.iter().any(|pattern| passes(pattern, name)) {
            all.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in trust::variables(tree) {
        all.insert(name.into(), value.into());
    }
    for (name, value) in &process.set {
        all.insert(name.into(), value.into());
    }
    for (name, value) in &placeholders.0 {
        all.insert(name.into(), value.into());
    }
    all.into_iter().collect()
}

/// The agent's login shell. Agents write for bash, where there is a bash.
pub(crate) fn shell(names: &Names, tree: &Tree) -> &'static str {
    let bash = Path::new("/bin/bash");
    if names.real(bash).is_some_and(|real| tree.shows(&real)) { "/bin/bash" } else { "/bin/sh" }
}

/// A name, or the beginning of names with a `*` behind it.
fn passes(pattern: &str, name: &OsStr) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.as_bytes().starts_with(start.as_bytes()),
        None => name == OsStr::new(pattern),
    }
}

/// The operator's search path as far as it is seen inside, then the usual folders.
fn path(operator: &Operator, folders: &[PathBuf], names: &Names, tree: &Tree) -> OsString {
    let named = operator.variable("PATH").map(OsStr::to_owned).unwrap_or_default();
    let mut path: Vec<PathBuf> = Vec::new();
    let usual = FOLDERS.iter().map(PathBuf::from);
    for folder in std::env::split_paths(&named).chain(usual) {
        let seen =
            folders.contains(&folder) || names.real(&folder).is_some_and(|real| tree.shows(&real));
        let plain = folder.is_absolute() && !folder.as_os_str().as_bytes().contains(&b':');
        if plain && seen && !path.contains(&folder) {
            path.push(folder);
        }
    }
    std::env::join_paths(path).unwrap_or_else(|_| "/usr/bin:/bin".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_passes_what_begins_like_it() {
        assert!(passes("LC_*", OsStr::new("LC_ALL")));
        assert!(passes("TERM", OsStr::new("TERM")));
        assert!(!passes("TERM", OsStr::new("TERMINFO")));
        assert!(!passes("LC_*", OsStr::new("LANG")));
    }
}
