use std::process::ExitCode;

use palisade_audit::{
    reach::{self, Act, InForce, Kind, Reach, Used},
    session,
};
use palisade_journal::escaped;

use super::{print_lines, show::ascii, state_dir, unanswered};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    session: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let id = session::find(&state, &args.session).map_err(unanswered)?;
    let reach = reach::of(&state, &id).map_err(unanswered)?;
    if args.json {
        let mut line = String::new();
        crate::print::json_line(&mut line, &reach);
        return crate::print::text(&ascii(&line));
    }
    print_lines(lines(&reach))?;
    Ok(ExitCode::SUCCESS)
}

fn lines(reach: &Reach) -> Vec<String> {
    let mut lines = vec![format!("session {}", reach.session)];
    for policy in &reach.policies {
        lines.extend(of_policy(policy));
    }
    acts(&mut lines, "permitted beside the policy's rules:", &reach.beside);
    acts(&mut lines, "refused:", &reach.refused);
    if reach.left_out > 0 {
        lines.push(format!("{} acts more are not listed", reach.left_out));
    }
    lines
}

fn of_policy(policy: &InForce) -> Vec<String> {
    let mut lines =
        vec![String::new(), format!("policy {}, from event {}", policy.policy, policy.from_seq)];
    if let Some(why) = &policy.unknown {
        lines.push(format!("  its rules are not known: {}", escaped(why)));
        return lines;
    }
    let mut part = |head: &str, wanted: &dyn Fn(&Used) -> bool, tell: &dyn Fn(&Used) -> String| {
        let rules: Vec<&Used> = policy.rules.iter().filter(|rule| wanted(rule)).collect();
        if !rules.is_empty() {
            lines.push(format!("  {head}"));
            for rule in rules {
                let (name, says) = (escaped(&rule.rule), escaped(&rule.says));
                lines.push(format!("    {name}{}: {says}", tell(rule)));
            }
        }
    };
    let nothing = |_: &Used| String::new();
    let used = |rule: &Used| rule.kind == Kind::Grant && rule.permitted > 0;
    part("used:", &used, &|rule| format!(" {} times", rule.permitted));
    let unused = |rule: &Used| rule.kind == Kind::Grant && rule.permitted == 0;
    part("not used, and could be taken away:", &unused, &nothing);
    part(
        "granted, and uses of it leave no event:",
        &|rule| rule.kind == Kind::SilentGrant,
        &nothing,
    );
    let stopped = |rule: &Used| rule.kind == Kind::Restriction && rule.refused > 0;
    part("restrictions that stopped something:", &stopped, &|rule| {
        format!(" {} times", rule.refused)
    });
    lines
}

fn acts(lines: &mut Vec<String>, head: &str, acts: &[Act]) {
    if acts.is_empty() {
        return;
    }
    lines.extend([String::new(), head.to_owned()]);
    for act in acts {
        let rule = act.rule.as_deref().map(|rule| format!("  [{}]", escaped(rule)));
        lines.push(format!(
            "  {} {} x{}{}",
            escaped(&act.kind),
            escaped(&act.subject),
            act.count,
            rule.unwrap_or_default()
        ));
    }
}
