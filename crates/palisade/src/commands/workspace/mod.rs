//! `palisade workspace`: what agents changed in overlays.

mod acts;
mod apply;
mod diff;
mod discard;
mod list;
mod summary;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use palisade_core::paths;
use palisade_workspace::{Overlay, Store, WorkspaceError};

use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the overlays.
    #[command(after_help = "Example: palisade workspace list --json")]
    List(list::Args),
    /// Show what was changed, in git's format.
    #[command(after_help = "\
Examples:
  palisade workspace diff                    the only overlay of this folder
  palisade workspace diff fix | git apply --stat
  palisade workspace diff fix -- src/main.rs

Standard output is the diff, sensitive files first; standard error says what git's format cannot.")]
    Diff(diff::Args),
    /// Take changes over to the workspace.
    #[command(after_help = "\
Examples:
  palisade workspace apply                   the only overlay of this folder; asks
  palisade workspace apply fix -- src        a part
  palisade workspace apply fix --yes --skip  what can be taken, without a question

Paths are as `diff` shows them, from the workspace's root. Nothing is applied unless all that was
chosen can be, or --skip is given. If it is broken off, the same command again does the rest.

Exit code: 0 done, 1 something cannot be applied, 2 usage, 3 it could not be done.")]
    Apply(apply::Args),
    /// Throw changes away.
    #[command(after_help = "Example: palisade workspace discard fix --yes")]
    Discard(discard::Args),
}

/// Which overlay, and what of it.
#[derive(Debug, clap::Args)]
struct Target {
    /// A session, the beginning of its id, or its name. Without: the only one of this folder, or of all.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::List(args) => list::run(&args),
        Command::Diff(args) => diff::run(args),
        Command::Apply(args) => apply::run(args),
        Command::Discard(args) => discard::run(&args),
    }
}

fn state_dir() -> Result<PathBuf, Failure> {
    paths::state_dir(|name| std::env::var_os(name))
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))
}

fn open(state_dir: &Path, target: &Target) -> Result<Overlay, Failure> {
    let store = Store::find(state_dir).map_err(failure)?;
    let none = || {
        Failure::new(Kind::Usage, "there is no overlay")
            .remedy("palisade run --workspace overlay -- COMMAND, which makes one")
    };
    let here = std::env::current_dir().ok();
    store.ok_or_else(none)?.open(target.name.as_deref(), here.as_deref()).map_err(failure)
}

/// Paths of the command line as they are in the overlay.
fn beneath(overlay: &Overlay, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let workspace = &overlay.record().workspace;
    let usage = |path: &Path| {
        Failure::new(
            Kind::Usage,
            format!("{} is no path in the workspace", palisade_workspace::quoted(path)),
        )
        .remedy("name paths as `palisade workspace diff` shows them")
    };
    paths
        .into_iter()
        .map(|path| {
            let inner = if path.is_absolute() {
                path.strip_prefix(workspace).map_err(|_| usage(&path))?
            } else {
                path.as_path()
            };
            let plain: PathBuf = inner
                .components()
                .filter(|part| !matches!(part, std::path::Component::CurDir))
                .collect();
            let inside =
                plain.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if inside { Ok(plain) } else { Err(usage(&path)) }
        })
        .collect()
}

fn failure(error: WorkspaceError) -> Failure {
    let kind = match error {
        WorkspaceError::Unknown(_) | WorkspaceError::Ambiguous { .. } => Kind::Usage,
        WorkspaceError::InUse(_) | WorkspaceError::Moved(_) => Kind::Denied,
        _ => Kind::Enforcement,
    };
    let failure = Failure::new(kind, error.to_string());
    match error.remedy() {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

/// A question to the person at the terminal. Only `y` and `yes` are a yes.
fn ask(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Usage,
            "this has to be confirmed, and there is no terminal",
        )
        .remedy("--yes"));
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush().unwrap_or_default();
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Kind::Enforcement, format!("standard input: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Bytes for people.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes;
    for unit in UNITS {
        if size < 1024 * 1024 || unit == "TiB" {
            return format!("{} {unit}", size.div_ceil(1024));
        }
        size /= 1024;
    }
    format!("{bytes} B")
}

/// Write to standard output; false when nobody reads any more.
fn print(text: &[u8]) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(Kind::Enforcement, format!("standard output: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_short() {
        for (number, shown) in
            [(0, "0 B"), (1023, "1023 B"), (1025, "2 KiB"), (5 << 20, "5 MiB"), (3 << 40, "3 TiB")]
        {
            assert_eq!(super::bytes(number), shown);
        }
    }
}
