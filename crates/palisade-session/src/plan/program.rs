//! Where the command is, and what of the host it needs to be seen at all.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use palisade_core::ScriptLine;
use palisade_sandbox::Command;

use super::{
    links::{self, Names, Way},
    tree::Tree,
    who::Who,
};
use crate::{
    order::Operator,
    refusal::{Exit, Refusal},
};

/// Interpreters that start interpreters.
const MOST_INTERPRETERS: usize = 4;

/// The command to run, and the folders its programs were found in.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) command: Command,
    pub(crate) folders: Vec<PathBuf>,
}

/// Find it as the operator's shell would, and grant its own files for reading: who names a
/// program wants it to run. Nothing else beside it is granted, and nothing that only a file or link
/// says which the agent may have written.
pub(crate) fn find(
    argv: &[OsString],
    operator: &Operator,
    who: &Who,
    names: &Names,
    tree: &mut Tree,
) -> Result<Program, Refusal> {
    let Some(name) = argv.first() else {
        return Err(Refusal::new("no command was given", "palisade run -- COMMAND [ARGUMENT…]")
            .with_exit(Exit::Refused));
    };
    let path = look_up(name, operator)?;
    let mut folders: Vec<PathBuf> = path.parent().map(Path::to_owned).into_iter().collect();
    let mut next = Some(path.clone());
    for _ in 0..MOST_INTERPRETERS {
        let Some(program) = next else { break };
        show(&program, operator, who, names, tree)?;
        next = interpreter(&program, operator);
        if let Some(interpreter) = &next {
            refuse_unless_trusted(&program, interpreter, names, tree)?;
            folders.extend(interpreter.parent().map(Path::to_owned));
        }
    }
    let command = Command { candidates: vec![path], argv: argv.to_vec() };
    Ok(Program { command, folders })
}

fn look_up(name: &OsStr, operator: &Operator) -> Result<PathBuf, Refusal> {
    let shown = name.display();
    let check = "check its name; it is looked for where palisade is started";
    let missing = || {
        Refusal::new(format!("{shown}: there is no such command"), check).with_exit(Exit::NotFound)
    };
    if name.is_empty() {
        return Err(missing());
    }
    let candidates: Vec<PathBuf> = if name.as_bytes().contains(&b'/') {
        vec![operator.directory.join(name)]
    } else {
        let path = operator.variable("PATH").unwrap_or(OsStr::new("/usr/bin:/bin"));
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .collect()
    };
    let mut found = None;
    for candidate in candidates {
        match candidate.metadata() {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {
                return Ok(candidate);
            }
            Ok(_) => found = found.or(Some(candidate)),
            Err(_) => {}
        }
    }
    match found {
        Some(path) => Err(Refusal::new(
            format!("{} is not an executable file", path.display()),
            "make it executable (chmod +x), or name another",
        )
        .with_exit(Exit::NotExecutable)),
        None => Err(missing()),
    }
}

/// Make sure that the program can be seen inside by the path it was found at.
fn show(
    program: &Path,
    operator: &Operator,
    who: &Who,
    names: &Names,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    let Ok(Way { real, links, .. }) = names.follow(program) else { return Ok(()) };
    if !tree.shows(&real) {
        if let Some(link) = links.iter().find(|link| tree.is_writable(&link.at)) {
            return Err(not_granted(&real, &link.at));
        }
        let home = links::real_or_same(&operator.home);
        let ours = real.starts_with(home);
        tree.grant(package_of(&real), false, ours, who)?;
    }
    for link in &links {
        tree.link(link);
    }
    Ok(())
}

/// A script that the agent can write must not get it a file by a `#!` line.
fn refuse_unless_trusted(
    script: &Path,
    interpreter: &Path,
    names: &Names,
    tree: &Tree,
) -> Result<(), Refusal> {
    let agents = names.real(script).is_some_and(|real| tree.is_writable(&real));
    match names.real(interpreter) {
        Some(real) if agents && !tree.shows(&real) => Err(not_granted(&real, script)),
        _ => Ok(()),
    }
}

fn not_granted(program: &Path, by: &Path) -> Refusal {
    Refusal::new(
        format!(
            "{} needs {}, which the policy does not grant; the agent may have written that",
            by.display(),
            program.display()
        ),
        "if it is meant, name that file or its folder in `filesystem.read`",
    )
}

/// The file itself, or the outermost `node_modules` around it: a package cannot run without what
/// it depends on, which lies beside it.
fn package_of(real: &Path) -> &Path {
    real.ancestors()
        .filter(|path| path.file_name() == Some(OsStr::new("node_modules")))
        .last()
        .unwrap_or(real)
}

/// What a `#!` line names; `env NAME` means NAME. See `execve(2)`.
fn interpreter(program: &Path, operator: &Operator) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(program).ok()?.take(ScriptLine::LONGEST as u64).read_to_end(&mut head).ok()?;
    let line = ScriptLine::read(&head)?;
    if let Some(name) = line.of_env() {
        return look_up(name, operator).ok();
    }
    let path = line.interpreter();
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_shown_with_what_it_depends_on() {
        for (real, package) in [
            ("/opt/x/bin/tool", "/opt/x/bin/tool"),
            ("/o/lib/node_modules/@a/b/cli.js", "/o/lib/node_modules"),
            ("/o/node_modules/a/node_modules/b/c.js", "/o/node_modules"),
        ] {
            assert_eq!(package_of(Path::new(real)), Path::new(package));
        }
    }
}
