//! The hostile program from outside: what `demo` and `selftest` have in common.

use data_encoding::HEXLOWER;
use std::{
    env,
    fmt::Write as _,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Output,
};

use palisade_core::Verdict;
use palisade_journal::{Filter, Query};
use palisade_selftest::{Outcome, Report, Standing};

use super::audit::unreadable;
use crate::failure::{Failure, Kind};

/// The start of each line that the permitted acts print.
pub(super) const PERMITTED: &str = "+";

/// This program, which is the hostile one as well.
pub(super) fn own_program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into())
}

/// What the hostile program printed, as attempts and as permitted acts.
///
/// # Errors
/// It did not run to its end: there was no sandbox, or something in it ended it.
pub(super) fn reports(started: &Output) -> Result<(Vec<Report>, Vec<Report>), Failure> {
    let text = String::from_utf8_lossy(&started.stdout);
    let mut all = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (list, line) = match line.strip_prefix(PERMITTED) {
            Some(rest) => (&mut all.1, rest),
            None => (&mut all.0, line),
        };
        list.extend(serde_json::from_str::<Report>(line).ok());
    }
    if started.status.success() && !all.0.is_empty() && !all.1.is_empty() {
        return Ok(all);
    }
    let said = String::from_utf8_lossy(&started.stderr).trim().to_owned();
    let last = all.0.last().map(|report| format!(" after `{}`", report.tries)).unwrap_or_default();
    Err(Failure::new(
        Kind::Enforcement,
        format!("the agent did not run to its end{last} ({}): {said}", started.status),
    )
    .remedy("run `palisade doctor`"))
}

/// Subjects of what a session's journal has as denied.
///
/// # Errors
/// It cannot be read.
pub(super) fn denied(state_dir: &Path, session: &str) -> Result<Vec<String>, Failure> {
    let filter = Filter {
        session: Some(session.to_owned()),
        decision: Some(Verdict::Deny),
        ..Filter::default()
    };
    let mut query = Query::new(state_dir, filter).map_err(unreadable)?;
    let mut subjects = Vec::new();
    while let Some(record) = query.next_record().map_err(unreadable)? {
        subjects.push(record.subject);
    }
    Ok(subjects)
}

pub(super) fn worked(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Worked(_))
}

pub(super) fn holds_secret(started: &Output, secret: &str) -> bool {
    [&started.stdout, &started.stderr]
        .into_iter()
        .any(|bytes| String::from_utf8_lossy(bytes).contains(secret))
}

pub(super) fn attempts_table(judged: &[(Report, Standing)]) -> String {
    let mut table = format!("{:<44} {:<11} {}\n", "IT TRIES TO", "STOPPED BY", "AND SEES");
    for (report, standing) in judged {
        let (by, told) = match standing {
            Standing::Held => (report.layer.as_str(), report.told().to_owned()),
            Standing::Permitted(rule) => ("-", format!("permitted by {rule}")),
            Standing::Hole(why) => ("NOTHING", why.clone()),
            Standing::NotTried => continue,
        };
        // Writing to a string cannot fail.
        writeln!(table, "{:<44} {by:<11} {told}", report.tries).unwrap_or_default();
    }
    table
}

pub(super) fn permitted_table(reports: &[Report]) -> String {
    let mut table = format!("\n{:<44} {:<11} {}\n", "IT MAY", "LET BY", "AND GETS");
    for report in reports {
        let by = if worked(report) { report.layer.as_str() } else { "FAILED" };
        writeln!(table, "{:<44} {by:<11} {}", report.tries, report.told()).unwrap_or_default();
    }
    table
}

pub(super) fn say(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Random digits, for what must not be guessed or met by chance.
pub(crate) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 12];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(HEXLOWER.encode(&bytes))
}
