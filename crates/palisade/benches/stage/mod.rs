//! What all benches stand on: a folder of their own, who starts the sandboxes, and the peer.

mod machine;
mod sample;

use std::{
    error::Error,
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{WaitOptions, geteuid, getpid, set_child_subreaper, wait},
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use self::{machine::machine, sample::Sample};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// A user that no system has; the one of `tests/as-user`.
const ORDINARY: u32 = 47811;

/// Bubblewrap with all namespaces, the whole host read-only, and a `/dev`, `/proc` and `/tmp` of its own.
pub(crate) const BUBBLEWRAP: [&str; 12] = [
    "bwrap",
    "--unshare-all",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    "--",
];

/// Who starts the sandboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Root,
    /// An ordinary user that root becomes.
    Ordinary,
    /// Whoever runs the bench, who is not root.
    Oneself,
}

impl Caller {
    /// All that the bench can be.
    pub(crate) fn all() -> &'static [Self] {
        if geteuid().is_root() { &[Self::Root, Self::Ordinary] } else { &[Self::Oneself] }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ordinary | Self::Oneself => "user",
        }
    }
}

/// A folder with a home, a workspace, a state folder and the program, all of them the caller's.
#[derive(Debug)]
pub(crate) struct Stage {
    caller: Caller,
    folder: TempDir,
}

impl Stage {
    pub(crate) fn of(caller: Caller) -> Outcome<Self> {
        let stage = Self { caller, folder: tempfile::tempdir()? };
        fs::set_permissions(stage.folder.path(), fs::Permissions::from_mode(0o755))?;
        fs::copy(env!("CARGO_BIN_EXE_palisade"), stage.program())?;
        for folder in [stage.home(), stage.workspace(), stage.state()] {
            fs::create_dir(&folder)?;
            stage.own(&folder)?;
        }
        Ok(stage)
    }

    /// Make it the caller's.
    pub(crate) fn own(&self, path: &Path) -> io::Result<()> {
        match self.caller {
            Caller::Ordinary => chown(path, Some(ORDINARY), Some(ORDINARY)),
            Caller::Root | Caller::Oneself => Ok(()),
        }
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("palisade")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// For the policy of a bench that needs one of its own.
    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    /// For a copy of the toolchain, in a folder that every caller can reach.
    pub(crate) fn toolchain(&self) -> PathBuf {
        self.folder.path().join("toolchain")
    }

    /// A program as the caller starts it, with a small environment and no terminal.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home())
            .env("USER", "bench")
            .env("PALISADE_STATE", self.state())
            .env("PALISADE_CONFIG", self.home().join("config"))
            .current_dir(self.workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if self.caller == Caller::Ordinary {
            command.uid(ORDINARY).gid(ORDINARY);
        }
        command
    }

    /// These words in a sandbox of ours, with the profile `shell`.
    pub(crate) fn palisade(&self, words: &[&str]) -> Command {
        let mut command = self.command(self.program());
        command.args(["run", "--quiet", "--"]).args(words);
        command
    }

    /// These words in the peer's.
    pub(crate) fn bubblewrap(&self, words: &[&str]) -> Command {
        let [program, arguments @ ..] = BUBBLEWRAP;
        let mut command = self.command(program);
        command.args(arguments).args(words);
        command
    }
}

/// Let what a command leaves behind become our children, so that [`once`] can wait for it.
pub(crate) fn adopt(orphans: bool) -> Outcome<()> {
    Ok(set_child_subreaper(orphans.then(getpid))?)
}

/// How long the command takes from its start until it is waited for. Returns only when all that it
/// left behind is gone as well: bubblewrap does not wait for its sandbox's end, and what is left of one
/// run must not slow down the next.
pub(crate) fn once(command: &mut Command) -> Outcome<Duration> {
    let start = Instant::now();
    let status = command.status()?;
    let took = start.elapsed();
    while !matches!(wait(WaitOptions::empty()), Err(Errno::CHILD)) {}
    if status.success() { Ok(took) } else { Err(format!("{command:?}: {status}").into()) }
}

/// Processor time of all children that were waited for, to a hundredth of a second.
pub(crate) fn processor_time() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no /proc/self/stat")?;
    // proc_pid_stat(5): cutime and cstime are the fields 16 and 17, the name is the second.
    let ticks: u64 = fields
        .split_ascii_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The number behind an option on the command line.
pub(crate) fn number(option: &str, usual: usize) -> Outcome<usize> {
    text(option).map_or(Ok(usual), |text| Ok(text.parse()?))
}

/// The word behind an option on the command line.
pub(crate) fn text(option: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != option).nth(1)
}

/// Print a line of a table.
pub(crate) fn say(line: std::fmt::Arguments<'_>) -> Outcome<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Keep what was measured in the file that `--json` names.
pub(crate) fn keep(bench: &str, measured: Value) -> Outcome<()> {
    let Some(file) = text("--json") else { return Ok(()) };
    let whole = json!({ "bench": bench, "machine": machine()?, "measured": measured });
    Ok(fs::write(file, format!("{whole:#}\n"))?)
}
