//! `palisade init`: the first policy of a project, or of a user.

use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_policy::{PROFILES, PROJECT_FILE, check_text, profile};

use crate::{
    failure::{Failure, Kind},
    operator::operator,
    print,
};

/// A profile, what its agent leaves in a project, and the agent's command.
type Sign = (&'static str, &'static [&'static str], &'static str);

const SIGNS: [Sign; 4] = [
    ("claude-code", &[".claude", "CLAUDE.md"], "claude"),
    ("codex", &[".codex"], "codex"),
    ("gemini", &[".gemini", "GEMINI.md"], "gemini"),
    ("openclaw", &[".openclaw"], "openclaw"),
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade init                        palisade.yaml in this folder, for the agent that works in it
  palisade init --profile codex
  palisade init --user                 ~/.config/palisade/policy.yaml, for all projects\n
Nothing is overwritten. Exit code: 0 it is written, 1 there is one already, 2 usage.")]
pub(crate) struct Args {
    /// The built-in profile to build on; by default that of the agent whose files or command are found.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Your own policy in place of this project's.
    #[arg(long)]
    user: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let operator = operator()
        .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
    let name = match &args.profile {
        Some(name) => known(name)?,
        None => guessed(&operator.directory),
    };
    let path = match args.user {
        true => operator.config_dir.join("policy.yaml"),
        false => operator.directory.join(PROJECT_FILE),
    };
    let text = document(name);
    let folder = path.parent().unwrap_or(&operator.directory);
    check_text(&path.display().to_string(), &text, folder, &operator.directory, &operator.home)
        .map_err(|found| Failure::new(Kind::Enforcement, format!("report this: {found}")))?;
    write(&path, &text).map_err(|error| unwritten(&path, &error))?;
    let mut out = format!("{}: written, on the profile {name}\n", path.display());
    out.push_str("  palisade policy explain   what it permits, and what holds each rule\n");
    if !args.user {
        out.push_str("  palisade policy trust     once you have added to it: until then it can only take away\n");
    }
    print::text(&out)
}

fn known(name: &str) -> Result<&'static str, Failure> {
    profile(name).map(|found| found.name).ok_or_else(|| {
        let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        Failure::new(Kind::Usage, format!("there is no profile `{name}`"))
            .remedy(format!("one of {}", names.join(", ")))
    })
}

/// Whose files are in the project, or else whose command is there, if it is one agent's alone.
fn guessed(project: &Path) -> &'static str {
    let by = |is: &dyn Fn(&Sign) -> bool| {
        let mut found = SIGNS.iter().filter(|sign| is(sign));
        found.next().filter(|_| found.next().is_none()).map(|(name, ..)| *name)
    };
    let folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    by(&|(_, files, _)| files.iter().any(|file| project.join(file).exists()))
        .or_else(|| by(&|(.., command)| folders.iter().any(|folder| folder.join(command).exists())))
        .unwrap_or("shell")
}

fn document(profile: &str) -> String {
    format!(
        r#"# What an agent may do in this project. What is not named is denied.
palisade: 1
extends: [{profile}]

filesystem:
  deny: ["**/.env", "**/*.pem", "**/*.key"]
#  read: [~/reference]

#network:
#  rules:
#    - {{name: docs, hosts: [docs.rs, "*.crates.io"]}}
#    - name: github
#      hosts: [api.github.com]
#      http:
#        - allow: {{methods: [GET, HEAD], paths: ["/repos/**"]}}

#permissions:
#  ask: ["Bash(git push *)"]
#  deny: ["Bash(curl *)"]

#process:
#  limits: {{memory: 4GiB, processes: 512, wall_time: 8h}}
"#
    )
}

/// Its folder may be missing; what is there stays.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let (what, remedy) = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            ("there is one already".to_owned(), "edit it; `palisade policy check` reads it")
        }
        _ => (error.to_string(), "see that the folder is there and that you may write to it"),
    };
    Failure::new(Kind::Denied, format!("{}: {what}", path.display())).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suggested_is_valid() {
        let folder = Path::new("/home/ada/work");
        for profile in PROFILES {
            let text = document(profile.name);
            let all: String =
                text.lines().skip(1).map(|line| line.replacen('#', "", 1) + "\n").collect();
            assert!(all.contains("\nnetwork:\n"), "{all}");
            for text in [&text, &all] {
                let found = check_text("p", text, folder, folder, Path::new("/home/ada"));
                found.unwrap_or_else(|found| panic!("{}: {found}\n{text}", profile.name));
            }
        }
    }

    #[test]
    fn the_agent_is_the_one_whose_files_are_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("GEMINI.md"), "").unwrap();
        assert_eq!(guessed(folder.path()), "gemini");
        // Of two nothing is said by the files.
        fs::create_dir(folder.path().join(".codex")).unwrap();
        fs::write(folder.path().join("CLAUDE.md"), "").unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let has = |name: &str| env::split_paths(&path).any(|folder| folder.join(name).exists());
        if !SIGNS.iter().any(|(.., command)| has(command)) {
            assert_eq!(guessed(folder.path()), "shell");
        }
    }
}
