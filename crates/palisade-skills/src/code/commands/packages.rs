//! Package managers: what is installed, and from where.

use super::super::analysis::Analysis;
use super::super::hosts::{self, HOLE_TEXT};
use super::super::rules;
use super::super::value::{Taint, Value};
use super::Run;
use crate::install::judge_name;
use crate::install::names::Registry;
use crate::install::rules::UNPINNED;
use crate::{Confidence, Severity, Use};

impl Analysis {
    pub(super) fn package_program(&mut self, run: &Run) -> Option<Value> {
        let words = run.words();
        let sub = words
            .iter()
            .find(|word| !word.starts_with('-'))
            .map(String::as_str)
            .unwrap_or_default();
        let installs = match run.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
            "pip" | "pipx" | "conda" | "mamba" | "poetry" => {
                matches!(sub, "install" | "add" | "inject" | "run")
            }
            "uv" => matches!(sub, "pip" | "add" | "tool" | "run"),
            "npm" | "pnpm" | "yarn" => {
                if sub == "config" {
                    self.npm_config(&words, run);
                    return Some(Value::default());
                }
                matches!(sub, "install" | "i" | "add" | "global" | "dlx" | "exec" | "x" | "ci")
            }
            "npx" | "uvx" | "bunx" | "pnpx" => true,
            "gem" | "cargo" | "go" | "brew" | "apt" | "apt-get" | "yum" | "dnf" | "apk"
            | "pacman" | "choco" | "winget" | "scoop" | "snap" | "install-module"
            | "install-package" | "helm" | "composer" => {
                matches!(
                    sub,
                    "install" | "get" | "run" | "tap" | "add" | "-S" | "plugin" | "require"
                ) || run.name.starts_with("install-")
            }
            "kubectl" => {
                self.apply_manifest(run, &words);
                return Some(Value::default());
            }
            _ => return None,
        };
        if !installs {
            return Some(Value::tainted(run.taint()));
        }
        // `uv run --with X python a.py`: X is installed, and the command and what stands behind it are started.
        let family = run.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let starts = (sub == "run" && matches!(family, "uv" | "poetry" | "conda" | "mamba"))
            .then(|| started(&words));
        for (at, word) in words.iter().enumerate() {
            if let Some(command) = starts {
                let wanted = at.checked_sub(1).and_then(|at| words.get(at));
                let names = wanted.is_some_and(|option| ADDS.contains(&option.as_str()));
                if let Some((option, name)) = word.split_once('=')
                    && ADDS.contains(&option)
                    && at < command
                {
                    self.can(Use::Install(name.to_owned()));
                    self.install_name(run, name);
                    continue;
                }
                let served = at == command && hosts::is_address(word);
                if at >= command && !served || !word.starts_with('-') && !names && !served {
                    continue;
                }
            }
            let value = run.args.get(at).cloned().unwrap_or_default();
            let next = run.args.get(at + 1).cloned().unwrap_or_default();
            let (option, given) = match word.split_once('=') {
                Some((option, given)) if word.starts_with("--") => {
                    (option.to_owned(), Value::text(given))
                }
                _ => (word.clone(), next),
            };
            if matches!(
                option.as_str(),
                "-i" | "--index-url"
                    | "--extra-index-url"
                    | "--registry"
                    | "--source"
                    | "-f"
                    | "--find-links"
                    | "--index"
                    | "--default-index"
            ) && let Some(address) = given.pattern(HOLE_TEXT)
                && hosts::is_address(&address)
            {
                self.redirect(&option, &address, &given);
                continue;
            }
            if at > 0 && words.get(at - 1).is_some_and(|before| is_index(before)) {
                continue;
            }
            let address = word.strip_prefix("git+").unwrap_or(word);
            let address = address
                .split_once('@')
                .filter(|(name, rest)| !name.contains("://") && rest.contains("://"))
                .map_or(address, |(_, rest)| rest.trim().trim_start_matches("git+"));
            // What stands behind a program's name is the program's.
            let runner = matches!(run.name.as_str(), "npx" | "uvx" | "bunx" | "pnpx");
            let given = runner && words.iter().take(at).any(|word| !word.starts_with('-'));
            if given {
                continue;
            }
            if hosts::is_address(address) && !word.starts_with("--") {
                self.install_address(address, &value);
            } else if !word.starts_with('-')
                && word != sub
                && !word.is_empty()
                && at
                    .checked_sub(1)
                    .and_then(|at| words.get(at))
                    .is_none_or(|before| !is_place(before))
            {
                self.can(Use::Install(word.clone()));
                self.install_name(run, word);
            }
        }
        Some(Value::default())
    }

    /// A package is installed by its name.
    fn install_name(&mut self, run: &Run, word: &str) {
        let registry = match run.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
            "pip" | "pipx" | "uv" | "uvx" | "poetry" => Registry::PyPi,
            "npm" | "pnpm" | "yarn" | "npx" | "bunx" | "pnpx" => Registry::Npm,
            "cargo" => Registry::Crates,
            "brew" => Registry::Brew,
            _ => return,
        };
        // Only what can be a name: no path, no script, no value of an option.
        let plain = word
            .trim_start_matches('@')
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.@/[]=<>~!,".contains(c));
        if !plain
            || word.starts_with(['.', '/', '~'])
            || word.contains(".txt")
            || word.contains(".whl")
        {
            return;
        }
        let name = match registry {
            Registry::PyPi => {
                word.split(['[', '=', '<', '>', '~', '!', ';', '@']).next().unwrap_or_default()
            }
            Registry::Brew => word.rsplit('/').next().unwrap_or_default(),
            // `name@version`, `@scope/name@version`.
            _ => match word.char_indices().skip(1).find(|(_, c)| *c == '@') {
                Some((at, _)) => word.get(..at).unwrap_or_default(),
                None => word,
            },
        };
        if let Some((rule, severity, message)) = judge_name(registry, name) {
            self.report(rule, severity, Confidence::Medium, message, &Taint::default());
        }
        let runs = matches!(run.name.as_str(), "npx" | "uvx" | "bunx" | "pnpx");
        if runs && !registry.knows(name) && !name.contains('/') {
            self.report(
                &UNPINNED,
                Severity::Note,
                Confidence::Low,
                format!(
                    "`{}` is fetched and run by its name, in whatever version there is.",
                    super::super::excerpt::safe(name)
                ),
                &Taint::default(),
            );
        }
    }

    fn install_address(&mut self, address: &str, value: &Value) {
        self.can(Use::Install(address.to_owned()));
        self.can(Use::Network(hosts::host_of(address)));
        let standing = hosts::standing_of(address);
        let severity = match standing {
            Some(
                hosts::Standing::Shared
                | hosts::Standing::Known
                | hosts::Standing::Loopback
                | hosts::Standing::Private,
            ) => Severity::Low,
            None => Severity::Low,
            Some(hosts::Standing::Plain) => Severity::High,
            Some(_) => Severity::Critical,
        };
        self.report(
            &rules::DOWNLOAD_RUN,
            severity,
            Confidence::Medium,
            format!(
                "A package is installed from {}, past the registry; its install steps run.",
                super::super::excerpt::safe(address)
            ),
            &value.taint,
        );
    }

    fn npm_config(&mut self, words: &[String], run: &Run) {
        let Some(at) = words.iter().position(|word| word == "set") else { return };
        let (key, value) = match words.get(at + 1).and_then(|word| word.split_once('=')) {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (
                words.get(at + 1).cloned().unwrap_or_default(),
                words.get(at + 2).cloned().unwrap_or_default(),
            ),
        };
        if key.ends_with("registry") || key.contains("proxy") {
            self.redirect(&format!("npm {key}"), &value, &Value::tainted(run.taint()));
        }
    }

    fn apply_manifest(&mut self, run: &Run, words: &[String]) {
        let at = words.iter().position(|word| word == "-f" || word == "--filename");
        if let Some(file) = at.and_then(|at| run.args.get(at + 1))
            && let Some(address) = file.pattern(HOLE_TEXT).filter(|text| hosts::is_address(text))
        {
            self.can(Use::Network(hosts::host_of(&address)));
        }
    }
}

/// Options of a runner that name a package.
const ADDS: &[&str] = &["--with", "-w", "--with-editable"];

/// Options of a runner that take the next word.
const TAKES: &[&str] = &[
    "--python",
    "-p",
    "--python-platform",
    "--extra",
    "--group",
    "--only-group",
    "--no-group",
    "--no-extra",
    "--package",
    "--no-package",
    "--with-requirements",
    "--env-file",
    "--directory",
    "--project",
    "--config-file",
    "--cache-dir",
    "--color",
    "--index",
    "--default-index",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--find-links",
    "-f",
    "--name",
    "-n",
    "--prefix",
    "--cwd",
    "-C",
    "-P",
];

/// Where the command stands that `uv run` and its like start.
fn started(words: &[String]) -> usize {
    let mut at = words.iter().position(|word| word == "run").map_or(words.len(), |at| at + 1);
    while let Some(word) = words.get(at) {
        if !word.starts_with('-') {
            return at;
        }
        at += match ADDS.contains(&word.as_str()) || TAKES.contains(&word.as_str()) {
            true => 2,
            false => 1,
        };
    }
    words.len()
}

fn is_index(option: &str) -> bool {
    matches!(
        option,
        "-i" | "--index-url"
            | "--extra-index-url"
            | "--registry"
            | "-f"
            | "--find-links"
            | "--index"
    )
}

/// Options behind which a group of dependencies, or a folder, is named, and no package.
fn is_place(option: &str) -> bool {
    matches!(option, "--optional" | "--group" | "--extra" | "-G" | "-e" | "--editable")
}
