use std::{fmt, path::Path, process::Command};

/// What a run of `palisade` left, in the form that snapshots show.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `palisade` with an environment that holds nothing but a state and a configuration folder.
pub(crate) fn palisade(home: &Path) -> Command {
    palisade_at(env!("CARGO_BIN_EXE_palisade").as_ref(), home)
}

/// The same by another file.
pub(crate) fn palisade_at(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("PALISADE_STATE", home.join("state"))
        .env("PALISADE_CONFIG", home.join("config"))
        .current_dir(home);
    command
}

/// Run it to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// The same with `text` shown as `name`, for what differs from run to run.
    pub(crate) fn with(mut self, text: &str, name: &str) -> Self {
        self.stdout = self.stdout.replace(text, name);
        self.stderr = self.stderr.replace(text, name);
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "exit: {}", self.exit)?;
        writeln!(out, "----- stdout -----\n{}", self.stdout)?;
        write!(out, "----- stderr -----\n{}", self.stderr)
    }
}
