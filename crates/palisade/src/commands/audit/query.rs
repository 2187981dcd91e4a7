use std::{collections::BTreeMap, ops::ControlFlow, process::ExitCode, thread, time::Duration};

use clap::ValueEnum;
use palisade_audit::query::{CSV_HEAD, Use, ask, csv};
use palisade_core::{SessionId, Verdict};
use palisade_journal::{Condition, Filter, Record, Timestamp, tail::Tail};

use super::{print, print_lines, state_dir, time, unanswered, unreadable};
use crate::failure::{Failure, Kind};

/// How often it is looked for what is new.
const LOOK: Duration = Duration::from_millis(200);

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
    /// Only events with this text in the subject, the reason, the rule or a value of the detail.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only events of which this holds, such as `detail.host=example.com`. Can be given for each.
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// Not before this time: RFC 3339, a date, or an age such as `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only the newest of what matches.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on as events come that match.
    #[arg(short, long)]
    follow: bool,
    /// Whether to use the index: `auto` does where it is quicker, `never` reads the whole journal.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    index: IndexArg,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// A table as comma-separated values, with a head.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DecisionArg {
    Allow,
    Deny,
    Ask,
    Observe,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum IndexArg {
    Auto,
    Always,
    Never,
}

/// How events are written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Rows,
    Json,
    Csv,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let filter = Filter {
        session: args.session,
        kind: args.kind,
        layer: args.layer,
        decision: args.decision.map(Into::into),
        rule: args.rule,
        subject: args.subject,
        text: args.text,
        conditions: args.conditions,
        since: args.since,
        until: args.until,
    };
    let form = match (args.json, args.csv) {
        (true, _) => Form::Json,
        (_, true) => Form::Csv,
        _ => Form::Rows,
    };
    let state = state_dir()?;
    // Before the question, so that nothing that is written meanwhile is lost.
    let tail = match args.follow {
        true => Some(Tail::open(&state, filter.session.as_deref(), 1).map_err(unreadable)?.0),
        false => None,
    };
    if let Form::Csv = form
        && !print_lines([CSV_HEAD.to_owned()])?
    {
        return Ok(ExitCode::SUCCESS);
    }
    let (mut shown, mut going) = (BTreeMap::new(), Ok(true));
    let mut take = |record: Record| {
        shown.insert(record.session.clone(), record.seq);
        going = write(&record, form);
        if matches!(going, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut tell = |text: &str| crate::print::note(&format!("palisade: {text}"));
    let how = (args.index.into(), args.limit);
    let asked = ask(&state, &filter, how, &mut tell, &mut take).map_err(unanswered)?;
    if !going? {
        return Ok(ExitCode::SUCCESS);
    }
    if asked.unreadable > 0 {
        let first = asked.first.unwrap_or_default();
        return Err(Failure::new(
            Kind::Denied,
            format!(
                "{} line(s) are no record and were passed over, the first at {first}",
                asked.unreadable
            ),
        )
        .remedy("palisade audit verify"));
    }
    match tail {
        Some(tail) => follow(tail, &filter, &shown, form),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Show what comes, but not what was shown.
fn follow(
    mut tail: Tail,
    filter: &Filter,
    shown: &BTreeMap<SessionId, u64>,
    form: Form,
) -> Result<ExitCode, Failure> {
    loop {
        for record in tail.poll().map_err(unreadable)? {
            let new = shown.get(&record.session).is_none_or(|last| record.seq > *last);
            if new && filter.takes(&record) && !write(&record, form)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        thread::sleep(LOOK);
    }
}

fn write(record: &Record, form: Form) -> Result<bool, Failure> {
    match form {
        Form::Rows => print(std::slice::from_ref(record), false),
        Form::Json => print(std::slice::from_ref(record), true),
        Form::Csv => print_lines([csv(record)]),
    }
}

impl From<IndexArg> for Use {
    fn from(arg: IndexArg) -> Self {
        match arg {
            IndexArg::Auto => Use::Auto,
            IndexArg::Always => Use::Always,
            IndexArg::Never => Use::Never,
        }
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
