use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// Of the operator's environment, what a hook has: nothing that is known to hold a key.
const PASSED: [&str; 12] = [
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PYENV_ROOT",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
];
/// Where programs are, if the operator's `PATH` has no folder that can be used.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variable that tells a hook, and a `palisade hook` that it starts, that it is one.
pub const MARK: &str = "PALISADE_HOOK";

/// The environment of hooks: of the operator's, only what names places and the language. `PATH` is without
/// relative folders, and without those in which the agent can write.
pub fn environment(
    of_operator: &BTreeMap<OsString, OsString>,
    writable: &[PathBuf],
    project: &Path,
    session: &str,
) -> Vec<(OsString, OsString)> {
    let get = |name: &str| of_operator.get(OsStr::new(name));
    let mut all: Vec<(OsString, OsString)> = of_operator
        .iter()
        .filter(|(name, _)| {
            let known = PASSED.iter().any(|passed| name.as_os_str() == OsStr::new(passed));
            known || name.as_encoded_bytes().starts_with(b"LC_")
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let folders = get("PATH").into_iter().flat_map(std::env::split_paths);
    let folders = folders.filter(|folder| {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        folder.is_absolute() && !writable.iter().any(|writable| real.starts_with(writable))
    });
    let path = std::env::join_paths(folders).unwrap_or_default();
    let path = if path.is_empty() { PATH.into() } else { path };
    all.push(("PATH".into(), path));
    all.push(("CLAUDE_PROJECT_DIR".into(), project.into()));
    all.push(("CLAUDE_CODE_SESSION_ID".into(), session.into()));
    all.push(("PALISADE_SESSION".into(), session.into()));
    all.push((MARK.into(), "1".into()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_what_names_places_is_passed() {
        let operator = [
            ("HOME", "/home/ada"),
            ("PATH", "/usr/bin:.:node_modules/.bin:/work/bin:/bin"),
            ("ANTHROPIC_API_KEY", "sk"),
            ("LD_PRELOAD", "/work/x.so"),
            ("BASH_ENV", "/work/x"),
            ("PYTHONSTARTUP", "/work/x.py"),
            ("NODE_OPTIONS", "--require /work/x"),
            ("GIT_DIR", "/work"),
            ("LC_ALL", "C.UTF-8"),
        ];
        let operator = operator.map(|(name, value)| (name.into(), value.into())).into();
        let all = environment(&operator, &["/work".into()], Path::new("/work"), "s");
        let shown: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            shown,
            [
                "HOME=/home/ada",
                "LC_ALL=C.UTF-8",
                "PATH=/usr/bin:/bin",
                "CLAUDE_PROJECT_DIR=/work",
                "CLAUDE_CODE_SESSION_ID=s",
                "PALISADE_SESSION=s",
                "PALISADE_HOOK=1",
            ]
        );
    }
}
