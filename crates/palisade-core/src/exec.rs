use sha2::{Digest, Sha256};

use crate::{Program, shown};

/// A program that is about to run: what the kernel has mapped, and with which arguments; or, before it has, what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exec {
    /// The executable's path inside; of a script, its interpreter's.
    pub program: String,
    /// Further names under which this very program is known: of links to it, and of what it is a copy of.
    pub names: Vec<String>,
    /// The arguments; the first is what it is told that its name is.
    pub argv: Vec<String>,
    /// The script that it was executed for (`#!`), and with which arguments.
    pub script: Option<Script>,
    /// What it may run instead of itself, where it is a loader (`ld.so`) and arguments are files.
    pub loads: Vec<Script>,
    /// The arguments and variables that are no UTF-8, in their order: their text does not tell one from another.
    pub unreadable: Vec<Vec<u8>>,
    /// Whether `argv` has all arguments. With more than are read, what is not read may be anything.
    pub whole: bool,
    /// The variables by which it does something else than it says, as `NAME=value` and in their order; looked at only
    /// where somebody is asked.
    pub environment: Vec<String>,
    /// SHA-256 of the file that was executed, where it was looked at: of the script, if it is one.
    pub digest: Option<[u8; 32]>,
    /// What it is of the skills with a policy of their own that the process comes from.
    pub of: OfSkills,
}

/// A program that a process of skills becomes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfSkills {
    /// The skills that the process comes from already.
    pub skills: Vec<String>,
    /// What is started, as rules for programs know it. `None`: a file of each of these skills, or nobody asks.
    pub program: Option<Program>,
    /// Those of the skills that may start it whatever their policies say: it is a file of theirs, or what runs a script of theirs.
    pub own: Vec<String>,
    /// The skills that it is of from now on besides. For the record.
    pub more: Vec<String>,
}

/// A file that is run by a program that is not this file: a script, or what a loader is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Its path, as it was executed.
    pub path: String,
    /// Further names under which this very file is known.
    pub names: Vec<String>,
    /// Its arguments, without its own name.
    pub arguments: Vec<String>,
}

impl Exec {
    /// What a permission is for: the bytes of the file, every argument, and each variable that counts. `None` where
    /// they are not all known.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        let digest = self.digest.filter(|_| self.whole)?;
        // A script's first argument is its path, whatever it was told.
        let (kind, arguments) = match &self.script {
            Some(script) => (&b"script"[..], &script.arguments),
            None => (&b"program"[..], &self.argv),
        };
        let mut hash = Sha256::new();
        for part in [kind, &digest].into_iter().chain(arguments.iter().map(String::as_bytes)) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        for variable in &self.environment {
            hash.update(b"with");
            hash.update((variable.len() as u64).to_be_bytes());
            hash.update(variable);
        }
        for bytes in &self.unreadable {
            hash.update(b"bytes");
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        Some(hash.finalize().into())
    }

    /// Whether a program that gets this variable may load, run or look for something else for it: libraries, start-up
    /// files, options, other programs of the same name.
    pub fn is_told_by(name: &str) -> bool {
        const NAMES: [&str; 60] = [
            "PATH",
            // Where its own settings are.
            "HOME",
            "XDG_CONFIG_HOME",
            "ENV",
            "IFS",
            "CDPATH",
            "SHELLOPTS",
            "BASHOPTS",
            "PS4",
            "PROMPT_COMMAND",
            "GCONV_PATH",
            "GETCONF_DIR",
            "LOCPATH",
            "HOSTALIASES",
            "RES_OPTIONS",
            "CLASSPATH",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "EDITOR",
            "VISUAL",
            "PAGER",
            "LESSOPEN",
            "LESSCLOSE",
            "MAKEFLAGS",
            "MAKEFILES",
            "SHELL",
            "ZDOTDIR",
            "INPUTRC",
            "BROWSER",
            "MANPAGER",
            "SUDO_ASKPASS",
            "TAR_OPTIONS",
            "RSYNC_RSH",
            "CVS_RSH",
            "CC",
            "CXX",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "JDK_JAVA_OPTIONS",
            "MAVEN_OPTS",
            "GRADLE_OPTS",
            "DOTNET_STARTUP_HOOKS",
            "GEM_HOME",
            "GEM_PATH",
            "TCLLIBPATH",
            "PHPRC",
            "PHP_INI_SCAN_DIR",
            "OPENSSL_CONF",
            "OPENSSL_ENGINES",
            "OPENSSL_MODULES",
            "CURL_HOME",
            "WGETRC",
            "DOCKER_HOST",
            "DOCKER_CONFIG",
            "KUBECONFIG",
            "AWS_CONFIG_FILE",
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL",
            "SSLKEYLOGFILE",
        ];
        const BEGIN: [&str; 18] = [
            "LD_",
            "BASH_ENV",
            "BASH_FUNC_",
            "NODE_",
            "NPM_CONFIG_",
            "npm_config_",
            "PYTHON",
            "PERL",
            "RUBY",
            "GIT_",
            "SSH_ASKPASS",
            "CARGO_",
            "BUNDLE_",
            "CORECLR_",
            "COR_",
            "LUA_",
            "ANSIBLE_",
            "GOFLAGS",
        ];
        const HARMLESS: [&str; 6] = [
            "PYTHONUNBUFFERED",
            "PYTHONDONTWRITEBYTECODE",
            "GIT_TERMINAL_PROMPT",
            "NODE_ENV",
            "NODE_EXTRA_CA_CERTS",
            "CARGO_TERM_COLOR",
        ];
        let begins = BEGIN.iter().any(|begin| name.starts_with(begin));
        (NAMES.contains(&name) || begins) && !HARMLESS.contains(&name)
    }

    /// Whether it is a loader (`ld.so(8)`), which runs the program that it is given.
    pub fn is_loader(&self) -> bool {
        std::iter::once(&self.program).chain(&self.names).any(|name| {
            let base = name.rsplit('/').next().unwrap_or_default();
            ["ld-", "ld.so", "ld64.so"].iter().any(|start| base.starts_with(start))
        })
    }

    /// Of a loader's arguments (`argv` without the first), the places of those that it may take for its program: the first word
    /// that is neither an option nor what an option is for, and all before it that could be. `None`: more than are looked at.
    pub fn loaded(arguments: &[String]) -> Option<Vec<usize>> {
        const MOST: usize = 64;
        let mut found = Vec::new();
        // What comes behind an option may be its value, or the program.
        let mut behind_option = false;
        for (at, word) in arguments.iter().enumerate() {
            let is_end = word == "--";
            if word.starts_with("--") && !is_end {
                behind_option = true;
                continue;
            }
            let place = if is_end { at + 1 } else { at };
            if place < arguments.len() && !found.contains(&place) {
                if found.len() >= MOST {
                    return None;
                }
                found.push(place);
            }
            if !behind_option && !is_end {
                break;
            }
            behind_option = is_end;
        }
        Some(found)
    }

    /// What was executed and its arguments, in one line for the record: escaped, and cut.
    pub fn subject(&self) -> String {
        const LONGEST: usize = 200;
        let (path, arguments) = match &self.script {
            Some(script) => (&script.path, script.arguments.as_slice()),
            None => (&self.program, self.argv.get(1..).unwrap_or_default()),
        };
        let mut text = path.clone();
        for argument in arguments {
            if text.len() > LONGEST * 4 {
                break;
            }
            text.push(' ');
            text.push_str(argument);
        }
        shown(&text, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(argv: &[&str]) -> Exec {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        Exec {
            program: "/usr/bin/curl".into(),
            argv,
            whole: true,
            digest: Some([7; 32]),
            ..Exec::default()
        }
    }

    #[test]
    fn another_argument_is_another_fingerprint() {
        let base = exec(&["curl", "-o", "x"]);
        assert_eq!(base.fingerprint(), exec(&["curl", "-o", "x"]).fingerprint());
        for other in [exec(&["curl", "-o x"]), exec(&["curl", "-o", "x", ""]), exec(&["curl"])] {
            assert_ne!(base.fingerprint(), other.fingerprint());
        }
        assert_ne!(
            base.fingerprint(),
            Exec { digest: Some([8; 32]), ..base.clone() }.fingerprint()
        );
        let with = |environment: &[&str]| {
            let environment = environment.iter().map(|one| (*one).to_owned()).collect();
            Exec { environment, ..base.clone() }.fingerprint()
        };
        assert_ne!(base.fingerprint(), with(&["LD_PRELOAD=/work/x.so"]));
        assert_ne!(with(&["PATH=/a", "ENV=b"]), with(&["PATH=/a"]));
        assert_ne!(with(&["PATH=/a", "ENV=b"]), with(&["PATH=/aENV=b"]));
        let raw = |bytes: &[u8]| {
            Exec { unreadable: vec![bytes.to_vec()], ..exec(&["curl", "\u{fffd}"]) }.fingerprint()
        };
        assert_ne!(raw(b"\xff"), raw(b"\xfe"));
        assert_eq!(Exec { digest: None, ..base.clone() }.fingerprint(), None);
        assert_eq!(Exec { whole: false, ..base }.fingerprint(), None);
    }

    #[test]
    fn variables_that_lead_elsewhere_are_known() {
        for name in [
            "LD_PRELOAD",
            "BASH_ENV",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "GIT_SSH_COMMAND",
            "PATH",
            "BASH_FUNC_ls%%",
        ] {
            assert!(Exec::is_told_by(name), "{name}");
        }
        for name in ["HOME", "TAR_OPTIONS", "MAKEFILES", "RSYNC_RSH", "ZDOTDIR", "LUA_INIT"] {
            assert!(Exec::is_told_by(name), "{name}");
        }
        for name in ["LANG", "PYTHONUNBUFFERED", "_", "PWD", "SHLVL"] {
            assert!(!Exec::is_told_by(name), "{name}");
        }
    }

    #[test]
    fn a_loader_is_given_its_program_behind_its_options() {
        let loaded = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let found = Exec::loaded(&words)?;
            Some(found.into_iter().map(|at| words[at].clone()).collect::<Vec<_>>())
        };
        let told = |words: &[&str], expected: &[&str]| {
            let expected: Vec<String> = expected.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(loaded(words), Some(expected), "{words:?}");
        };
        told(&["prog", "a", "b"], &["prog"]);
        told(&["--library-path", "/x", "prog", "a"], &["/x", "prog"]);
        told(&["--argv0", "-x", "--list", "prog", "-v", "a"], &["-x", "prog", "-v"]);
        told(&["-prog", "a"], &["-prog"]);
        told(&["--", "--prog", "a"], &["--prog", "a"]);
        told(&["--argv0", "--", "prog"], &["prog"]);
        told(&[], &[]);
        let mut many = vec!["--inhibit-cache"; 500];
        many.push("prog");
        told(&many, &["prog"]);
        let mut values = ["--library-path", "/x"].repeat(60);
        values.push("prog");
        assert!(loaded(&values).unwrap().contains(&"prog".to_owned()));
        let mut values = ["--library-path", "/x"].repeat(70);
        values.push("prog");
        assert_eq!(loaded(&values), None);
    }

    #[test]
    fn tells_what_runs_and_not_what_it_says_it_is() {
        assert_eq!(exec(&["ls", "a\n"]).subject(), "/usr/bin/curl a\\n");
        let script =
            Script { path: "./x".into(), arguments: vec!["-v".into()], ..Script::default() };
        assert_eq!(Exec { script: Some(script), ..exec(&["sh"]) }.subject(), "./x -v");
        assert!(exec(&["c", &"x".repeat(900)]).subject().ends_with('…'));
    }
}
