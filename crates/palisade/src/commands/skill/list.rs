use std::process::ExitCode;

use palisade_skill_store::{Lock, Locked, Source};
use serde::Serialize;

use super::failure;
use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    #[serde(flatten)]
    locked: &'a Locked,
    approved: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let lock = Lock::read(&state_dir()?).map_err(failure)?;
    let mut text = String::new();
    if !args.json && !lock.skills.is_empty() {
        text.push_str("NAME                      DIGEST        VERDICT     REVIEW    SOURCE\n");
    }
    for (name, locked) in &lock.skills {
        if args.json {
            let row = Row { name: name.as_str(), locked, approved: locked.is_approved() };
            print::json_line(&mut text, &row);
            continue;
        }
        let verdict = locked.scan.as_ref().map_or("-", |scan| scan.verdict.as_str());
        let review = match (locked.is_approved(), locked.is_refused()) {
            (true, _) => "approved",
            (_, true) => "refused",
            _ => "-",
        };
        text.push_str(&format!(
            "{:<25} {:<13} {verdict:<11} {review:<9} {}\n",
            name.as_str(),
            locked.digest.short(),
            palisade_core::shown(&from(&locked.source), 200),
        ));
    }
    print::text(&text)
}

/// A source in one line.
pub(super) fn from(source: &Source) -> String {
    match source {
        Source::Folder { path } => path.display().to_string(),
        Source::Archive { path, folder } => format!("{}!/{folder}", path.display()),
        Source::Git { url, commit, folder } => format!("git+{url}@{commit}!/{folder}"),
        Source::Npm { package, version, registry, folder, .. } => {
            format!("npm:{package}@{version} ({registry})!/{folder}")
        }
        Source::Marketplace { index, entry, .. } => format!("{entry} of {index}"),
    }
}
