use std::{fmt::Write, path::PathBuf, process::ExitCode, time::Duration};

use clap::Subcommand;
use palisade_alarms::{Alarm, MOST_RULES, Rule, Seen, Watch, builtin, parse};
use palisade_core::SessionId;
use palisade_journal::{Filter, Query, Record, escaped};
use serde_json::json;

use super::{folder, unreadable};
use crate::{
    failure::{Failure, Kind},
    print,
};

/// The rules that come with Palisade, by name.
const BUILTIN: &str = "builtin";
/// The longest file of rules that is read.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the rules that come with Palisade, or those of a file.
    #[command(after_help = "Example: palisade audit alarms list")]
    List(ListArgs),
    /// Say which alarms rules would have raised in sessions of the journal.
    #[command(after_help = "Examples:\n  palisade audit alarms test alarms.yaml --session fix\n  \
        palisade audit alarms test builtin\n\n\
        Exit code: 0 none, 1 some, 2 usage, 3 the journal could not be read.")]
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// A file of rules, or `builtin`.
    #[arg(value_name = "RULES", default_value = BUILTIN)]
    rules: PathBuf,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// A file of rules, or `builtin`.
    #[arg(value_name = "RULES")]
    rules: PathBuf,
    /// Only the session of this id or name. Default: each for itself.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// A state folder, or a journal's own; by default the state folder in use.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::List(args) => list(&args),
        Command::Test(args) => test(&args),
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let mut out = String::new();
    for rule in rules(&args.rules)? {
        if args.json {
            print::json_line(&mut out, &rule);
            continue;
        }
        let actions: Vec<&str> = rule.actions.iter().map(|action| action.as_str()).collect();
        let (id, severity) = (&rule.id, rule.severity.as_str());
        // Writing to a string does not fail.
        writeln!(out, "{id:<26}  {severity:<8}  {}: {}", actions.join(","), rule.title)
            .unwrap_or_default();
    }
    print::text(&out)
}

fn test(args: &TestArgs) -> Result<ExitCode, Failure> {
    let rules = rules(&args.rules)?;
    let dir = folder(args.dir.as_deref())?;
    let filter = Filter { session: args.session.clone(), ..Filter::default() };
    let mut query = Query::new(&dir, filter).map_err(unreadable)?;
    // Records come in the order of time, those of sessions that ran at once mixed.
    let mut sessions: std::collections::BTreeMap<SessionId, Replay> = Default::default();
    let (mut alarms, mut records) = (0_u64, 0_u64);
    while let Some(record) = query.next_record().map_err(unreadable)? {
        records = records.saturating_add(1);
        let replay = match sessions.entry(record.session.clone()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(Replay::new(&rules, &record)?)
            }
        };
        let mut out = String::new();
        for alarm in replay.see(&record) {
            alarms = alarms.saturating_add(1);
            told(&mut out, &alarm, &record, args.json);
        }
        print::text(&out)?;
        if record.kind == "end" {
            sessions.remove(&record.session);
        }
    }
    if records == 0 && args.session.is_some() {
        return Err(Failure::new(Kind::Usage, "there is no such session in this journal"));
    }
    if !args.json {
        print::text(&format!("{alarms} alarms by {} rules in {records} records\n", rules.len()))?;
    }
    Ok(ExitCode::from(u8::from(alarms > 0)))
}

/// A session, seen once more.
struct Replay {
    watch: Watch,
    /// The clock of its first record.
    began: u64,
    at: Duration,
}

impl Replay {
    fn new(rules: &[Rule], first: &Record) -> Result<Self, Failure> {
        let watch = Watch::new(rules);
        let watch = watch.map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
        Ok(Self { watch, began: first.mono_ns, at: Duration::ZERO })
    }

    fn see(&mut self, record: &Record) -> Vec<Alarm> {
        // What alarms left themselves raises none.
        if record.kind == "alarm" {
            return Vec::new();
        }
        let folded = record.kind == "folded";
        let of = |key: &str| record.detail.get(key).filter(|_| folded);
        // The clock begins anew with the machine.
        self.at = self.at.max(Duration::from_nanos(record.mono_ns.saturating_sub(self.began)));
        self.watch.see(&Seen {
            at: self.at,
            acts: of("count").and_then(|count| count.as_u64()).unwrap_or(1),
            kind: of("kind").and_then(|kind| kind.as_str()).unwrap_or(&record.kind),
            layer: &record.layer,
            decision: record.decision,
            rule: record.rule.as_deref(),
            subject: &record.subject,
            reason: &record.reason,
            detail: &record.detail,
        })
    }
}

fn told(out: &mut String, alarm: &Alarm, record: &Record, json: bool) {
    if json {
        let actions: Vec<&str> = alarm.actions.iter().map(|action| action.as_str()).collect();
        let object = json!({
            "time": record.time, "session": record.session, "seq": record.seq, "rule": alarm.rule,
            "severity": alarm.severity, "title": alarm.title, "actions": actions,
            "kind": record.kind, "subject": record.subject,
        });
        return print::json_line(out, &object);
    }
    writeln!(
        out,
        "{}  {}  {:>5}  {:<8}  {}: {} ({} {})",
        record.time,
        record.session,
        record.seq,
        alarm.severity.as_str(),
        alarm.rule,
        alarm.title,
        escaped(&record.kind),
        escaped(&record.subject)
    )
    .unwrap_or_default();
}

fn rules(path: &std::path::Path) -> Result<Vec<Rule>, Failure> {
    if path.as_os_str() == BUILTIN {
        return Ok(builtin().to_vec());
    }
    let wrong = |why: String| {
        Failure::new(Kind::Usage, format!("{}: {why}", path.display()))
            .remedy(format!("name a file of at most {MOST_RULES} rules, or `builtin`"))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MOST_BYTES), &mut bytes)
        .map_err(|error| wrong(error.to_string()))?;
    parse(&bytes).map_err(|error| wrong(error.to_string()))
}
