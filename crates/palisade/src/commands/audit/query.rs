use std::process::ExitCode;

use clap::ValueEnum;
use palisade_core::Verdict;
use palisade_journal::{Filter, Query, Timestamp};

use super::{print, state_dir, time, unreadable};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only this kind, such as `connect`.
    #[arg(long)]
    kind: Option<String>,
    /// Only this layer, such as `egress`.
    #[arg(long)]
    layer: Option<String>,
    /// Only this decision.
    #[arg(long)]
    decision: Option<DecisionArg>,
    /// Only what this rule decided.
    #[arg(long)]
    rule: Option<String>,
    /// Only subjects that contain this text.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Not before this time: RFC 3339, a date, or an age such as `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only the newest of what matches.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DecisionArg {
    Allow,
    Deny,
    Ask,
    Observe,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let filter = Filter {
        session: args.session,
        kind: args.kind,
        layer: args.layer,
        decision: args.decision.map(Into::into),
        rule: args.rule,
        subject: args.subject,
        since: args.since,
        until: args.until,
    };
    let mut query = Query::new(&state_dir()?, filter).map_err(unreadable)?;
    let mut kept = std::collections::VecDeque::new();
    while let Some(record) = query.next_record().map_err(unreadable)? {
        match args.limit {
            None => {
                if !print(&[record], args.json)? {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Some(limit) => {
                kept.push_back(record);
                if kept.len() > limit {
                    kept.pop_front();
                }
            }
        }
    }
    print(kept.make_contiguous(), args.json)?;
    match query.unreadable() {
        [] => Ok(ExitCode::SUCCESS),
        [first, rest @ ..] => Err(Failure::new(
            Kind::Denied,
            format!(
                "{} line(s) are no record and were passed over, the first at {}:{}",
                rest.len().saturating_add(1),
                first.path.display(),
                first.line
            ),
        )
        .remedy("palisade audit verify")),
    }
}

impl From<DecisionArg> for Verdict {
    fn from(arg: DecisionArg) -> Self {
        match arg {
            DecisionArg::Allow => Verdict::Allow,
            DecisionArg::Deny => Verdict::Deny,
            DecisionArg::Ask => Verdict::Ask,
            DecisionArg::Observe => Verdict::Observe,
        }
    }
}
