//! What was let go on, to be compared with what it becomes.

use palisade_core::{Decision, Exec};
use palisade_sandbox::linux::{
    callers::Executable,
    execs::{Attempt, Image},
};

/// What was let go, and is to be looked at again.
#[derive(Debug)]
pub(super) enum Begun {
    /// Rules alone permit it, and it can be compared with what it becomes.
    Seen(Box<Seen>),
    /// What it was, for the record, and what the operator or hooks have permitted.
    Other { subject: String, permitted: Option<[u8; 32]> },
}

/// What a thread asked for and rules permit, whatever the moment. If what it becomes is the same, that is decided the same way.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) attempt: Attempt,
    /// Without the path that was given.
    pub(super) exec: Exec,
    pub(super) decision: Decision,
    /// By which this was decided: [`Engine::steady_execs`](palisade_engine::Engine::steady_execs) and the number of programs that
    /// rules name.
    pub(super) policies: (u64, u64),
}

impl Begun {
    pub(super) fn subject(self) -> String {
        match self {
            Self::Seen(seen) => seen.exec.subject(),
            Self::Other { subject, .. } => subject,
        }
    }

    pub(super) fn permitted(&self) -> Option<[u8; 32]> {
        match self {
            Self::Seen(_) => None,
            Self::Other { permitted, .. } => *permitted,
        }
    }
}

impl Seen {
    /// Whether what is the same by its looks cannot be another by then. A file that can be written inside is read again, and so is
    /// what a loader is given; what somebody was asked about is for the variables as well.
    pub(super) fn is_possible(attempt: &Attempt, exec: &Exec) -> bool {
        let is_fixed = |file: &Executable| !file.changeable() && file.is_regular();
        attempt.file.as_ref().is_some_and(is_fixed)
            && attempt.arguments.whole
            && exec.digest.is_none()
            && exec.loads.is_empty()
            && !exec.is_loader()
    }

    pub(super) fn new(
        attempt: Attempt,
        mut exec: Exec,
        decision: Decision,
        policies: (u64, u64),
    ) -> Self {
        // The path that was given is a name of what is asked for, and not of what it becomes. What has fewer names is refused by
        // no more rules.
        exec.names.pop();
        Self { attempt, exec, decision, policies }
    }

    /// Whether it has become this: the same file by the same path, on a mount that is read-only, executed by the same name and
    /// with the same arguments. It is no script then, for a script's interpreter is another file.
    pub(super) fn is(&self, image: &Image) -> bool {
        let Attempt { path, arguments, file } = &self.attempt;
        file.as_ref() == Some(&image.executable)
            && image.script.is_none()
            && *path == image.name
            && *arguments == image.arguments
    }
}

#[cfg(test)]
mod tests {
    use palisade_sandbox::linux::execs::{Arguments, View};

    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments {
            words: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
            whole: true,
        }
    }

    fn attempt(view: &View, path: &str, words: &[&str]) -> Attempt {
        let file = view.file(path.as_bytes()).ok();
        Attempt { path: path.into(), arguments: arguments(words), file }
    }

    fn image(view: &View, path: &str, name: &str, words: &[&str]) -> Image {
        let executable = view.file(path.as_bytes()).unwrap();
        Image { executable, arguments: arguments(words), name: name.into(), script: None }
    }

    #[test]
    fn only_what_is_the_same_in_all_is_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "other"] {
            std::fs::write(folder.path().join(name), "same").unwrap();
        }
        std::fs::hard_link(folder.path().join("one"), folder.path().join("hard")).unwrap();
        let view = View::at(folder.path()).unwrap();
        let exec = Exec { names: vec!["a".into(), "/one".into()], ..Exec::default() };
        let asked = attempt(&view, "/one", &["one", "x"]);
        let seen = Seen::new(asked, exec, Decision::allow("", ""), (0, 0));
        assert_eq!(seen.exec.names, ["a"]);
        assert!(seen.is(&image(&view, "/one", "/one", &["one", "x"])));
        for (path, name, words) in [
            ("/other", "/one", &["one", "x"][..]),
            ("/hard", "/one", &["one", "x"]),
            ("/one", "/hard", &["one", "x"]),
            ("/one", "/one", &["one", "y"]),
            ("/one", "/one", &["one"]),
            ("/one", "/one", &["one", "x", ""]),
        ] {
            assert!(!seen.is(&image(&view, path, name, words)), "{path} {name} {words:?}");
        }
        let script = Image { script: Some(None), ..image(&view, "/one", "/one", &["one", "x"]) };
        assert!(!seen.is(&script));
        let cut = arguments(&["one", "x"]);
        let cut = Image {
            arguments: Arguments { whole: false, ..cut },
            ..image(&view, "/one", "/one", &["one", "x"])
        };
        assert!(!seen.is(&cut));
    }

    /// On a mount that can be written to the bytes may be others by then.
    #[test]
    fn what_can_be_written_inside_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tool"), "tool").unwrap();
        let view = View::at(folder.path()).unwrap();
        assert!(!Seen::is_possible(&attempt(&view, "/tool", &["tool"]), &Exec::default()));
        assert!(!Seen::is_possible(&attempt(&view, "/none", &["none"]), &Exec::default()));
    }
}
