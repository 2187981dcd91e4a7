//! Git repositories, by the machine's own `git`, which reads objects and nothing else: no work tree is
//! checked out, so neither hooks nor filters nor attributes come into it.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Fetched, SourceError, last, part};
use crate::{Entry, MOST_BYTES, MOST_ENTRIES, Source, Tree};

/// How long all of one command may take.
const WITHIN: Duration = Duration::from_secs(300);
/// How much a fetch may write.
const MOST_FETCHED: u64 = 512 << 20;
/// Bytes of a command's output that is no content.
const MOST_LISTED: u64 = 16 << 20;
/// How often a fetch is looked at.
const EACH: Duration = Duration::from_millis(50);

pub(super) fn fetch(url: &str, at: Option<&str>, folder: &str) -> Result<Fetched, SourceError> {
    refuse_odd(url, at)?;
    let room = tempfile::tempdir().map_err(|error| SourceError::Git(error.to_string()))?;
    let git = Git { room: room.path() };
    git.run(&["init", "--quiet", "--bare", "--template=", "r"], MOST_LISTED)?;
    let commit = match at {
        Some(at) if is_id(at) => at.to_owned(),
        at => git.resolve(url, at.unwrap_or("HEAD"))?,
    };
    let fetch =
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", url];
    git.in_repository(&[&fetch[..], &[commit.as_str()]].concat(), MOST_LISTED)?;
    let tree = part(git.tree(&commit)?, folder)?;
    let name = if folder.is_empty() { last(url) } else { last(folder) };
    let name = name.strip_suffix(".git").unwrap_or(&name).to_owned();
    let (url, folder) = (url.to_owned(), folder.to_owned());
    Ok(Fetched { tree, source: Source::Git { url, commit, folder }, name, archive: None })
}

/// Neither can be taken for an option, and only these protocols run no program of a configuration.
fn refuse_odd(url: &str, at: Option<&str>) -> Result<(), SourceError> {
    let refused = |why: &str| Err(SourceError::Git(why.to_owned()));
    if !(url.starts_with("https://") || url.starts_with('/') || url.starts_with("file:///")) {
        return refused("a repository is `https://…` or an absolute path of this machine");
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refused("its URL has spaces or control characters");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if at.is_some_and(|at| at.is_empty() || at.starts_with('-') || !at.chars().all(plain)) {
        return refused("a commit, branch or tag has letters, digits, `.`, `_`, `-` and `/` in it");
    }
    Ok(())
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

struct Git<'a> {
    room: &'a Path,
}

impl Git<'_> {
    /// The commit that a branch or tag is at.
    fn resolve(&self, url: &str, name: &str) -> Result<String, SourceError> {
        let listed = self.run(&["ls-remote", "--quiet", "--", url], MOST_LISTED)?;
        let listed = String::from_utf8_lossy(&listed);
        let find = |wanted: &str| {
            let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(_, known)| *known == wanted).map(|(id, _)| id.to_owned())
        };
        // An annotated tag is an object of its own; `^{}` is what it stands for.
        let names = [
            format!("refs/tags/{name}^{{}}"),
            format!("refs/tags/{name}"),
            format!("refs/heads/{name}"),
            name.to_owned(),
        ];
        let found = names.iter().find_map(|name| find(name)).filter(|id| is_id(id));
        found.ok_or_else(|| SourceError::Git(format!("the repository has no {name}")))
    }

    /// All files of a commit, as they are in its objects.
    fn tree(&self, commit: &str) -> Result<Tree, SourceError> {
        let odd = || SourceError::Git("its output is not understood".to_owned());
        let list =
            self.in_repository(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit], MOST_LISTED)?;
        let list = String::from_utf8(list)
            .map_err(|_| SourceError::Git("a path is not UTF-8".to_owned()))?;
        let mut found = Vec::new();
        let mut bytes = 0_u64;
        for line in list.split('\0').filter(|line| !line.is_empty()) {
            let (about, path) = line.split_once('\t').ok_or_else(odd)?;
            let about: Vec<&str> = about.split_whitespace().collect();
            let [mode, kind, id, size] = about.as_slice() else { return Err(odd()) };
            if *kind != "blob" {
                let path = palisade_core::shown(path, 200);
                return Err(SourceError::Git(format!(
                    "{path} is another repository: those are not taken"
                )));
            }
            bytes = bytes.saturating_add(size.parse().map_err(|_| odd())?);
            found.push((*mode, *id, path));
            if found.len() > MOST_ENTRIES || bytes > MOST_BYTES {
                return Err(SourceError::Git(
                    "the repository is too large: name a smaller one".to_owned(),
                ));
            }
        }
        let ids: String = found.iter().map(|(_, id, _)| format!("{id}\n")).collect();
        let most = bytes.saturating_add(MOST_LISTED);
        let all = self.with_input(&["--git-dir=r", "cat-file", "--batch"], ids.as_bytes(), most)?;
        let mut rest = all.as_slice();
        let mut tree = Tree::default();
        for (mode, id, path) in found {
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(odd)?;
            let (line, after) = rest.split_at_checked(end).ok_or_else(odd)?;
            let line = String::from_utf8_lossy(line);
            let size = line.strip_prefix(id).and_then(|rest| rest.strip_prefix(" blob "));
            let size: usize = size.and_then(|size| size.parse().ok()).ok_or_else(odd)?;
            let after = after.get(1..).ok_or_else(odd)?;
            let (content, after) = after.split_at_checked(size).ok_or_else(odd)?;
            rest = after.get(1..).ok_or_else(odd)?;
            let entry = match mode {
                "100644" | "100664" => Entry::File { bytes: content.into(), executable: false },
                "100755" => Entry::File { bytes: content.into(), executable: true },
                "120000" => Entry::Link(String::from_utf8_lossy(content).into_owned()),
                _ => return Err(odd()),
            };
            tree.add(path, entry)?;
        }
        Ok(tree)
    }

    fn in_repository(&self, arguments: &[&str], most: u64) -> Result<Vec<u8>, SourceError> {
        self.run(&[&["--git-dir=r"][..], arguments].concat(), most)
    }

    fn run(&self, arguments: &[&str], most: u64) -> Result<Vec<u8>, SourceError> {
        self.with_input(arguments, b"", most)
    }

    fn with_input(
        &self,
        arguments: &[&str],
        input: &[u8],
        most: u64,
    ) -> Result<Vec<u8>, SourceError> {
        let failed = |error: std::io::Error| SourceError::Git(error.to_string());
        let mut child = self.command(arguments).spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                SourceError::Git("there is no git on this machine".to_owned())
            }
            _ => failed(error),
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ended = thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut stdin) = stdin {
                    // That it does not read on shows in how it ends.
                    stdin.write_all(input).unwrap_or_default();
                }
            });
            let out = scope.spawn(move || hear(stdout, most.saturating_add(1)));
            let err = scope.spawn(move || hear(stderr, 4096));
            let began = Instant::now();
            let mut broken = None;
            let status = loop {
                match child.try_wait() {
                    Ok(Some(status)) => break Ok(status),
                    Ok(None) => {}
                    Err(error) => break Err(error),
                }
                if broken.is_none() {
                    if began.elapsed() > WITHIN {
                        broken = Some("it took too long");
                    } else if bytes_in(self.room) > MOST_FETCHED {
                        broken = Some("the repository is too large");
                    }
                    if broken.is_some() {
                        child.kill().unwrap_or_default();
                    }
                }
                thread::sleep(EACH.min(began.elapsed() / 4 + Duration::from_millis(1)));
            };
            let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
            (status, broken, out, err)
        });
        let (status, broken, out, err) = ended;
        if let Some(why) = broken {
            return Err(SourceError::Git(why.to_owned()));
        }
        if !status.map_err(failed)?.success() {
            let said = String::from_utf8_lossy(&err);
            return Err(SourceError::Git(palisade_core::shown(said.trim(), 300)));
        }
        if u64::try_from(out.len()).unwrap_or(u64::MAX) > most {
            return Err(SourceError::Git("it says too much".to_owned()));
        }
        Ok(out)
    }

    /// Git, as nobody has configured it: no variable of the operator's, no file of theirs or of the
    /// machine's, no hook, no helper, no question.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.room)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("GIT_ALLOW_PROTOCOL", "https:file")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1");
        // Where this machine's authorities are, and by which proxy it leaves.
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy", "HTTPS_PROXY", "no_proxy"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for setting in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.attributesFile=/dev/null",
            "credential.helper=",
            "fetch.fsckObjects=true",
            "transfer.fsckObjects=true",
            "submodule.recurse=false",
            "protocol.version=2",
            "gc.auto=0",
            "maintenance.auto=false",
            // A folder of another owner is read as well: nothing of its configuration counts.
            "safe.directory=*",
            "http.followRedirects=initial",
        ] {
            command.arg("-c").arg(OsStr::new(setting));
        }
        command
            .args(arguments)
            .current_dir(self.room)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn hear(from: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // What it cannot say any more shows in how it ends.
        from.by_ref().take(most).read_to_end(&mut bytes).unwrap_or_default();
        std::io::copy(&mut from, &mut std::io::sink()).unwrap_or_default();
    }
    bytes
}

/// Bytes of all files below.
fn bytes_in(folder: &Path) -> u64 {
    let Ok(list) = fs::read_dir(folder) else { return 0 };
    list.flatten().fold(0, |sum, entry| {
        let size = match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_in(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        };
        sum.saturating_add(size)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/local/bin").env("HOME", folder);
        for name in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{name}_NAME"), "o").env(format!("GIT_{name}_EMAIL"), "o@x");
        }
        let ran = command.arg("-C").arg(folder).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    /// A repository that would run things if it were checked out, and hide files if it were archived.
    fn repository() -> Option<(tempfile::TempDir, PathBuf, String)> {
        if Command::new("git").arg("--version").output().is_err() {
            println!("skipped: there is no git");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("r");
        fs::create_dir_all(at.join("skills/pdf")).unwrap();
        git(&at, &["init", "-q", "-b", "main"]);
        for (path, text) in [
            ("skills/pdf/SKILL.md", "$Format:%H$\n"),
            ("skills/pdf/hidden.sh", "echo\n"),
            (".gitattributes", "*.sh export-ignore\n*.md export-subst filter=evil\n"),
        ] {
            fs::write(at.join(path), text).unwrap();
        }
        std::os::unix::fs::symlink("SKILL.md", at.join("skills/pdf/l")).unwrap();
        git(&at, &["add", "."]);
        git(&at, &["commit", "-qm", "1"]);
        git(&at, &["tag", "-am", "t", "v1"]);
        let commit = git(&at, &["rev-parse", "HEAD"]);
        let mark = folder.path().join("ran");
        let evil = format!("touch {}", mark.display());
        for setting in ["core.fsmonitor", "uploadpack.packObjectsHook", "core.sshCommand"] {
            git(&at, &["config", setting, &evil]);
        }
        git(&at, &["config", "uploadpack.packObjectsHook", ""]);
        Some((folder, at, commit))
    }

    #[test]
    fn a_commit_is_read_as_it_was_committed() {
        let Some((folder, at, commit)) = repository() else { return };
        let url = at.display().to_string();
        let fetched = fetch(&url, Some(&commit), "skills/pdf").unwrap();
        let paths: Vec<_> = fetched.tree.iter().map(|(path, _)| path).collect();
        assert_eq!((paths, fetched.name.as_str()), (vec!["SKILL.md", "hidden.sh", "l"], "pdf"));
        let text = Entry::File { bytes: b"$Format:%H$\n"[..].into(), executable: false };
        assert_eq!(fetched.tree.get("SKILL.md"), Some(&text));
        assert!(!folder.path().join("ran").exists());
        for name in [None, Some("main"), Some("v1")] {
            let again = fetch(&url, name, "skills/pdf").unwrap();
            assert_eq!(again.source, fetched.source, "{name:?}");
        }
        assert!(fetch(&url, Some("nope"), "").is_err());
        assert!(matches!(fetch(&url, None, "nope"), Err(SourceError::NoFolder(_))));
    }

    #[test]
    fn a_repository_in_it_is_not_taken() {
        let Some((_folder, at, commit)) = repository() else { return };
        let cache = format!("160000,{commit},sub");
        git(&at, &["update-index", "--add", "--cacheinfo", &cache]);
        git(&at, &["commit", "-qm", "2"]);
        let error = fetch(&at.display().to_string(), None, "").unwrap_err();
        assert!(error.to_string().contains("another repository"), "{error}");
    }

    #[test]
    fn what_would_run_a_program_is_refused() {
        for url in
            ["ext::sh -c 'touch x'", "--upload-pack=x", "ssh://h/r", "git@h:r", "http://h/r", "r"]
        {
            assert!(refuse_odd(url, None).is_err(), "{url}");
        }
        for at in ["-x", "", "a b", "a\n", "$(x)"] {
            assert!(refuse_odd("https://h/r", Some(at)).is_err(), "{at}");
        }
        assert!(refuse_odd("https://h/r", Some("release/1.0")).is_ok());
    }
}
