//! `audit export`: events in the forms of others, what is not sent yet, and how far that is.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::ValueEnum;
use palisade_export::{Form, NamedError, States, named};
use palisade_journal::{Filter, Query, Record, Timestamp, escaped};
use palisade_policy::{Asked, CommandLine, load};
use palisade_session::exports;

use super::{finished, state_dir, time, unreadable};
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade audit export --format ocsf --since 7d > events.jsonl
  palisade audit export --format ocsf --cursor siem --output /var/log/palisade.jsonl
  palisade audit export --flush
  palisade audit export --status

With --cursor, an export goes on where the last one of the same name ended, in the order of each
session's numbers; without, all that matches is written, in the order of time.

Exit code: 0 done; 1 something could not be sent, or lines were no record; 2 usage; 3 the journal
could not be read.")]
pub(crate) struct Args {
    /// The form, a line each.
    #[arg(long, value_name = "FORM", required_unless_present_any = ["flush", "status"])]
    format: Option<FormArg>,
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION", conflicts_with = "cursor")]
    session: Option<String>,
    /// Not before this time: RFC 3339, a date, or an age such as `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "cursor")]
    until: Option<Timestamp>,
    /// Only what no export of this name has written yet.
    #[arg(long, value_name = "NAME", value_parser = super::super::run::name)]
    cursor: Option<String>,
    /// Write behind what this file has, in place of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Send what sessions that have ended have left, to where the policy says.
    #[arg(long, conflicts_with_all = ["format", "cursor", "status"])]
    flush: bool,
    /// For `--flush`: the policy, in place of the project's and the user's.
    #[arg(long, value_name = "FILE", requires = "flush")]
    policy: Option<PathBuf>,
    /// For `--flush`: how many seconds it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "flush")]
    within: u64,
    /// Show how far each destination is.
    #[arg(long, conflicts_with_all = ["format", "cursor"])]
    status: bool,
    /// For `--status`: sessions that are complete as well.
    #[arg(long, requires = "status")]
    all: bool,
    /// For `--status`: one JSON object a line.
    #[arg(long, requires = "status")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormArg {
    /// As the journal has it.
    Jsonl,
    /// The Open Cybersecurity Schema Framework.
    Ocsf,
    /// OpenTelemetry's JSON.
    OtlpJson,
    /// RFC 5424.
    Syslog,
}

impl From<FormArg> for Form {
    fn from(word: FormArg) -> Self {
        match word {
            FormArg::Jsonl => Form::Jsonl,
            FormArg::Ocsf => Form::Ocsf,
            FormArg::OtlpJson => Form::OtlpJson,
            FormArg::Syslog => Form::Syslog,
        }
    }
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.flush {
        return flush(args.policy, Duration::from_secs(args.within));
    }
    if args.status {
        return status(args.all, args.json);
    }
    let form = args.format.map_or(Form::Jsonl, Form::from);
    let mut out: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout().lock()),
        Some(path) => {
            let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
            Box::new(opened.map_err(|error| {
                Failure::new(Kind::Usage, format!("{}: {error}", path.display()))
            })?)
        }
    };
    match args.cursor {
        Some(name) => by_name(&name, form, args.since, &mut *out),
        None => {
            let Args { session, since, until, .. } = args;
            all(Filter { session, since, until, ..Filter::default() }, form, &mut *out)
        }
    }
}

fn all(filter: Filter, form: Form, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let mut query = Query::new(&state_dir()?, filter).map_err(unreadable)?;
    while let Some(record) = query.next_record().map_err(unreadable)? {
        if !finished(out.write_all(form.line(&record, false).as_bytes()))? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    finished(out.flush())?;
    passed_over(u64::try_from(query.unreadable().len()).unwrap_or(u64::MAX))
}

fn by_name(
    name: &str,
    form: Form,
    since: Option<Timestamp>,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let wanted = |record: &Record| since.is_none_or(|since| record.time >= since);
    let written = match named(&state_dir()?, (name, form), &wanted, out) {
        Ok(written) => written,
        // What was not read by then comes again with the next one.
        Err(NamedError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(Failure::new(Kind::Enforcement, error.to_string())),
    };
    if written.again > 0 {
        print::note(&format!(
            "palisade: {} of {} records may have been written before: the last export `{name}` did not end well",
            written.again, written.records
        ));
    }
    if written.busy > 0 {
        let busy = written.busy;
        let what = format!("another export `{name}` is writing {busy} of the sessions");
        return Err(Failure::new(Kind::Denied, what));
    }
    passed_over(written.unreadable)
}

fn passed_over(lines: u64) -> Result<ExitCode, Failure> {
    match lines {
        0 => Ok(ExitCode::SUCCESS),
        lines => {
            let what = format!("{lines} line(s) are no record, or missing, and were passed over");
            Err(Failure::new(Kind::Denied, what).remedy("palisade audit verify"))
        }
    }
}

fn flush(policy: Option<PathBuf>, within: Duration) -> Result<ExitCode, Failure> {
    let operator =
        operator().map_err(|(what, remedy)| Failure::new(Kind::Usage, what).remedy(remedy))?;
    let sources = sources(&operator, policy.map(CommandLine::File), Asked::default(), "shell");
    let policy = load(&sources).map_err(|found| Failure::new(Kind::Usage, found.to_string()))?;
    if policy.audit.exports.is_empty() {
        return Err(Failure::new(Kind::Usage, "the policy sends events nowhere")
            .remedy("name the policy of the sessions: --policy FILE"));
    }
    let flushed = exports::flush(&policy.audit, &operator, within);
    let (sent, left) = flushed.map_err(Failure::denied)?;
    println!("{sent} exports of sessions are sent in full now");
    for one in &left {
        print::note(&format!("palisade: {}", one.told()));
    }
    Ok(ExitCode::from(u8::from(!left.is_empty())))
}

fn status(all: bool, json: bool) -> Result<ExitCode, Failure> {
    let unread =
        |error: palisade_export::CursorError| Failure::new(Kind::Enforcement, error.to_string());
    let states: States = palisade_export::states(&state_dir()?, all).map_err(unread)?;
    let mut text = String::new();
    for (id, list) in &states {
        for one in list {
            if json {
                let mut object = serde_json::to_value(one).unwrap_or_default();
                if let Some(members) = object.as_object_mut() {
                    members.insert("id".into(), id.clone().into());
                }
                print::json_line(&mut text, &object);
                continue;
            }
            let mut row = format!(
                "{}  {}  through {}: {} sent, {} of them perhaps twice, {} refused",
                one.session,
                escaped(&one.destination),
                one.through,
                one.sent,
                one.resent,
                one.dropped
            );
            if let Some(since) = one.failing_since {
                let why = escaped(one.error.as_deref().unwrap_or("unknown"));
                row.push_str(&format!("; failing since {since}: {why}"));
            }
            text.push_str(&row);
            text.push('\n');
        }
    }
    let unreadable = palisade_export::unreadable(&state_dir()?).map_err(unread)?;
    if text.is_empty() && !json && unreadable.is_empty() {
        text.push_str("nothing waits\n");
    }
    let shown = print::text(&text)?;
    if unreadable.is_empty() {
        return Ok(shown);
    }
    for error in &unreadable {
        print::note(&format!(
            "palisade: it is not known how far this came: {}",
            escaped(&error.to_string())
        ));
    }
    Err(Failure::new(Kind::Denied, "not every destination's place can be read")
        .remedy("remove such a file: all of its session is sent again, and says so"))
}
