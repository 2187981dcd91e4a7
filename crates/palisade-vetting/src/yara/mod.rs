//! YARA rules of the operator's own, run by the operator's own program: `yr` (YARA-X) or `yara`.
//!
//! The program reads bytes that may have been written against it, so it runs in the sandbox of `palisade run`: no network,
//! nothing to write, no file but the system's programs, the rules and copies of the package's files, which have numbers for
//! names, so that no name of the package's is in its output. What it writes is bounded and read as hostile
//! ([`palisade_skills::yara`]).

mod program;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_skills::{
    output::plain,
    yara::{Match, Told, of_yara, of_yr},
};
use serde_json::json;
use thiserror::Error;

use crate::{Contents, trial::SYSTEM};
use program::{Ended, bounded};

/// How long the rules may take for one package.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of output.
const MOST_OUTPUT: usize = 16 << 20;
/// Files of rules.
const MOST_RULES: usize = 1000;
/// Folders within folders of rules.
const DEPTH: usize = 16;
/// Characters of what the program says is wrong.
const MESSAGE: usize = 1500;

/// Rules, and who runs them.
#[derive(Debug)]
pub struct Yara {
    /// This program, which is run as `palisade run`.
    own: PathBuf,
    program: PathBuf,
    kind: Kind,
    /// What is shown to it.
    roots: Vec<PathBuf>,
    rules: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// YARA-X.
    Yr,
    /// YARA.
    Yara,
}

/// Why no rule was run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum YaraError {
    /// Neither program is there.
    #[error(
        "neither `yr` (YARA-X) nor `yara` is in PATH, and palisade runs your YARA rules with one of them"
    )]
    NoProgram,
    /// Rules cannot be read.
    #[error("{0}: {1}")]
    Rules(PathBuf, #[source] io::Error),
    /// There are none.
    #[error("{0} has no file that ends in `.yar` or `.yara`")]
    NoRules(PathBuf),
    /// They cannot be compiled, or the program says otherwise that it cannot use them.
    #[error("the YARA rules cannot be used:\n{0}")]
    Compile(String),
    /// There is no sandbox to run it in.
    #[error("there is no sandbox to run YARA rules in: {0}")]
    NoSandbox(String),
    /// The folder that it is shown cannot be made.
    #[error("a folder for the YARA rules: {0}")]
    Stage(#[from] io::Error),
}

impl Yara {
    /// Finds the program (`yr`, else `yara`) in this `PATH`, and sees that it can use these rules: files, or folders in
    /// which all `.yar` and `.yara` count. `own` is this program.
    ///
    /// # Errors
    /// There is no program, or it cannot use the rules.
    pub fn prepare(
        own: PathBuf,
        path: &std::ffi::OsStr,
        rules: &[PathBuf],
    ) -> Result<Self, YaraError> {
        let found = [("yr", Kind::Yr), ("yara", Kind::Yara)]
            .into_iter()
            .find_map(|(name, kind)| Some((program::find(path, name)?, kind)));
        let (program, kind) = found.ok_or(YaraError::NoProgram)?;
        let (mut roots, mut all) = (Vec::new(), Vec::new());
        for rule in rules {
            let failed = |error| YaraError::Rules(rule.clone(), error);
            let root = rule.canonicalize().map_err(failed)?;
            let before = all.len();
            if root.is_dir() {
                gather(&root, DEPTH, &mut all).map_err(failed)?;
            } else {
                all.push(root.clone());
            }
            if all.len() == before {
                return Err(YaraError::NoRules(rule.clone()));
            }
            roots.push(root);
        }
        let yara = Self { own, program, kind, roots, rules: all };
        match yara.run(&Contents::default())? {
            Ok(_) => Ok(yara),
            Err(why) => Err(YaraError::Compile(why)),
        }
    }

    /// What matches in the files of a package, by their numbers, or why the rules were not run to their end.
    ///
    /// # Errors
    /// Nothing was run.
    pub fn run(&self, contents: &Contents) -> Result<Result<Vec<Match>, String>, YaraError> {
        let stage = tempfile::Builder::new().prefix("yara-").tempdir()?;
        let at = |name: &str| stage.path().join(name);
        for name in ["operator", "state", "config", "work", "work/files"] {
            fs::create_dir(at(name))?;
        }
        let folder = at("work/files");
        for (number, file) in contents.files.iter().enumerate() {
            fs::write(folder.join(number.to_string()), &file.bytes)?;
        }
        fs::write(at("policy.yaml"), self.policy(&at("work")))?;
        let mut command = std::process::Command::new(&self.own);
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", at("operator"))
            .env("PALISADE_STATE", at("state"))
            .env("PALISADE_CONFIG", at("config"))
            .current_dir(at("work"))
            .args(["run", "--quiet", "--policy"])
            .arg(at("policy.yaml"))
            .arg("--")
            .arg(&self.program)
            .args(self.arguments(&folder));
        // A launch, besides.
        let within = PATIENCE + Duration::from_secs(20);
        let Ended { code, stdout, stderr } = match bounded(command, within, MOST_OUTPUT)? {
            Ok(ended) => ended,
            Err(why) => return Ok(Err(why)),
        };
        let said = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let lines: Vec<String> = text.trim().lines().map(|line| plain(line, MESSAGE)).collect();
            lines.join("\n").chars().take(MESSAGE).collect::<String>()
        };
        match code {
            Some(125) => return Err(YaraError::NoSandbox(said(&stderr))),
            Some(126 | 127) => return Err(YaraError::NoSandbox(said(&stderr))),
            // What it could not search it says there, and goes on.
            Some(0) if stderr.trim_ascii().is_empty() => {}
            Some(0) => return Ok(Err(said(&stderr))),
            Some(code) if stderr.trim_ascii().is_empty() => {
                return Ok(Err(format!("{} ended with {code}", self.program.display())));
            }
            Some(_) => return Ok(Err(said(&stderr))),
            None => return Ok(Err(format!("{} was ended", self.program.display()))),
        }
        let text = String::from_utf8_lossy(&stdout);
        let folder = folder.to_string_lossy();
        let told = Told { folder: &folder, files: contents.files.len() };
        let read = match self.kind {
            Kind::Yr => of_yr(&text, told),
            Kind::Yara => of_yara(&text, told),
        };
        Ok(read.map_err(|error| error.to_string()))
    }

    fn arguments(&self, folder: &Path) -> Vec<std::ffi::OsString> {
        let mut all: Vec<std::ffi::OsString> = match self.kind {
            Kind::Yr => vec![
                "scan".into(),
                "--output-format".into(),
                "ndjson".into(),
                "--print-meta".into(),
                "--print-strings".into(),
                "--path-as-namespace".into(),
                "--disable-warnings".into(),
                "--disable-console-logs".into(),
            ],
            Kind::Yara => vec![
                "--no-warnings".into(),
                "--print-strings".into(),
                "--print-string-length".into(),
                "--print-meta".into(),
                "--no-follow-symlinks".into(),
            ],
        };
        for (number, rule) in self.rules.iter().enumerate() {
            // Rules of several files may have one name.
            let mut word = match self.kind {
                Kind::Yara => format!("r{number}:").into(),
                Kind::Yr => std::ffi::OsString::new(),
            };
            word.push(rule);
            all.push(word);
        }
        all.push(folder.into());
        all
    }

    /// Nothing to write, no network, and no more to read than it needs.
    fn policy(&self, work: &Path) -> String {
        let there = SYSTEM.iter().filter(|path| Path::new(path).exists()).map(PathBuf::from);
        let read: Vec<PathBuf> =
            there.chain([self.program.clone()]).chain(self.roots.iter().cloned()).collect();
        json!({
            "palisade": 1,
            "filesystem": {"workspace": {"path": work, "access": "ro"}, "read": read},
            "process": {
                "limits": {
                    "memory": "2GiB",
                    "processes": 64,
                    "open_files": 1024,
                    "wall_time": format!("{}s", PATIENCE.as_secs()),
                },
                "environment": {"set": {"HOME": "/nonexistent", "LANG": "C.UTF-8"}},
            },
        })
        .to_string()
    }
}

/// The files of rules in a folder, in the order of their names. No link is followed.
fn gather(folder: &Path, depth: usize, all: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut list: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    list.sort_by_key(fs::DirEntry::file_name);
    for entry in list {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let is_rule = path.extension().is_some_and(|end| end == "yar" || end == "yara");
        if kind.is_dir() {
            let deeper = depth.checked_sub(1).ok_or_else(|| io::Error::other("it is too deep"))?;
            gather(&path, deeper, all)?;
        } else if kind.is_file() && is_rule {
            if all.len() >= MOST_RULES {
                return Err(io::Error::other(format!(
                    "it has more than {MOST_RULES} files of rules"
                )));
            }
            all.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_folder_are_those_that_are_called_so() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("b")).unwrap();
        for name in ["a.yar", "b/c.yara", "b/readme.md", "z.yar"] {
            fs::write(top.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("/etc", top.path().join("x.yar")).unwrap();
        let mut all = Vec::new();
        gather(top.path(), 2, &mut all).unwrap();
        let names = ["a.yar", "b/c.yara", "z.yar"].map(|name| top.path().join(name));
        assert_eq!(all, names);
        assert!(gather(top.path(), 0, &mut Vec::new()).is_err());
    }
}
