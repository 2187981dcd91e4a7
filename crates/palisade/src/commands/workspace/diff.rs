use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use palisade_workspace::{
    Change, Choice,
    diff::{Form, of},
};
use serde::Serialize;

use super::{Target, beneath, failure, open, print, state_dir, summary};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// One JSON object a change, instead of the diff.
    #[arg(long)]
    json: bool,
    /// Only what is at these paths or below them, from the workspace's root.
    #[arg(last = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Row {
    path: String,
    what: &'static str,
    folder: bool,
    size: u64,
    sensitive: bool,
    /// Why it can never be applied.
    unfit: Option<String>,
    /// What happened to the host's file meanwhile.
    conflict: Option<String>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let overlay = open(&state_dir()?, &args.target)?;
    let paths = beneath(&overlay, args.paths)?;
    let changes = overlay.changes().map_err(failure)?;
    // Everything, whatever may be taken.
    let choice = Choice { paths, sensitive: true, overwrite: true };
    let chosen = choice.of(&changes);
    if let Some(path) = chosen.unmatched.first() {
        let what = format!("nothing was changed at {}", palisade_workspace::quoted(path));
        return Err(Failure::new(Kind::Usage, what).remedy("palisade workspace diff"));
    }
    let mut shown: Vec<&Change> =
        chosen.take.into_iter().chain(chosen.left.into_iter().map(|(change, _)| change)).collect();
    shown.sort_by(|a, b| b.sensitive.cmp(&a.sensitive).then_with(|| a.path.cmp(&b.path)));
    let form = if io::stdout().is_terminal() { Form::Readable } else { Form::Exact };
    if !args.json {
        eprint!("{}", summary::of(shown.iter().copied()));
    }
    for change in shown {
        let text = if args.json {
            let mut line = serde_json::to_vec(&row(change)).unwrap_or_default();
            line.push(b'\n');
            line
        } else {
            of(&overlay, change, form).map_err(failure)?
        };
        if !print(&text)? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(change: &Change) -> Row {
    Row {
        path: palisade_workspace::quoted(&change.path),
        what: change.what().as_str(),
        folder: change.is_folder(),
        size: change.size(),
        sensitive: change.sensitive,
        unfit: change.unfit.as_ref().map(ToString::to_string),
        conflict: change.conflict.as_ref().map(ToString::to_string),
    }
}
