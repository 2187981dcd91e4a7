use std::{fmt::Write as _, process::ExitCode};

use palisade_skills::rules;

use crate::{
    failure::Failure,
    print::{self, json_line},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut out = String::new();
    for rule in rules() {
        if args.json {
            json_line(&mut out, rule);
            continue;
        }
        writeln!(
            out,
            "{}  ({})\n  {}\n  {}",
            rule.id,
            rule.references.join(", "),
            rule.why,
            rule.clear
        )
        .unwrap_or_default();
    }
    print::text(&out)
}
