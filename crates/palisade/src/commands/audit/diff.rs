use std::process::ExitCode;

use palisade_audit::{
    difference::{self, About, Did, Difference},
    session,
};
use palisade_journal::escaped;

use super::{print_lines, show::ascii, state_dir, unanswered};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    first: String,
    /// The second one's.
    #[arg(value_name = "SESSION")]
    second: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let first = session::find(&state, &args.first).map_err(unanswered)?;
    let second = session::find(&state, &args.second).map_err(unanswered)?;
    let difference = difference::between(&state, &first, &second).map_err(unanswered)?;
    if args.json {
        let mut line = String::new();
        crate::print::json_line(&mut line, &difference);
        crate::print::text(&ascii(&line))?;
    } else {
        print_lines(lines(&difference))?;
    }
    let alike = difference.only_first.is_empty()
        && difference.only_second.is_empty()
        && difference.decided_otherwise.is_empty();
    Ok(if alike { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn lines(difference: &Difference) -> Vec<String> {
    let Difference { first, second, .. } = difference;
    let mut lines = vec![about("-", first), about("+", second)];
    if first.policies != second.policies {
        lines.push("the policies differ:".to_owned());
        lines.extend(first.policies.iter().map(|policy| format!("- {policy}")));
        lines.extend(second.policies.iter().map(|policy| format!("+ {policy}")));
    }
    lines.push(format!("{} acts are the same in both", difference.same));
    let did = |sign: &'static str| {
        move |did: &Did| {
            let (kind, subject) = (escaped(&did.kind), escaped(&did.subject));
            format!("{sign} {} {kind} {subject} x{}", did.decision, did.count)
        }
    };
    lines.extend(difference.only_first.iter().map(did("-")));
    lines.extend(difference.only_second.iter().map(did("+")));
    for other in &difference.decided_otherwise {
        let (kind, subject) = (escaped(&other.kind), escaped(&other.subject));
        let (first, second) = (other.first.join("+"), other.second.join("+"));
        lines.push(format!("! {first} -> {second} {kind} {subject}"));
    }
    lines
}

fn about(sign: &str, about: &About) -> String {
    let command = about.command.as_deref().map_or_else(|| "nothing started".into(), escaped);
    let end = about.end.as_deref().map(|end| format!(", {}", escaped(end)));
    let end = end.unwrap_or_default();
    format!("{sign} {}: {command}{end}, {} events", about.session, about.events)
}
