//! What a policy would say to acts, without a sandbox.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_engine::Engine;
use palisade_policy::{Asked, CommandLine, Policy, TRIED, cases, explain, load, tried};
use serde::Serialize;

use super::{DEFAULT, invalid, line, the_operator};
use crate::{
    failure::{Failure, Kind},
    operator::sources,
    print::{self, json_line},
};

pub(super) const TEST_HELP: &str = "\
A file of cases:\n
  policy: palisade.yaml
  cases:
    - {bash: curl https://example.com, expect: deny}
    - {read: .env, expect: deny, rule: \"permissions.deny[Read(.env)]\"}
    - {connect: \"api.github.com:443\", expect: allow}
    - {request: \"DELETE https://api.github.com/repos/a/b\", expect: deny}
    - {tool: mcp__github__create_issue, input: {title: x}, expect: ask}\n
Besides these: edit, fetch, resolve, model. `policy` is a path from the file's folder; without it, or\n\
--policy, what `palisade run` would use here is tried. Hooks are not run.\n\n\
Exit code: 0 each case is as expected, 1 one is not, 2 usage.";

pub(super) const WHY_HELP: &str = "\
Examples:
  palisade policy why bash 'git push --force'
  palisade policy why --policy ci.yaml connect api.github.com:443\n
Hooks are not run. Exit code: 0 it is permitted, 1 it is refused or asked, 2 usage.";

#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// The file of cases.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The policy to try, instead of the one that the file names.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// One JSON object a case.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct WhyArgs {
    /// The policy; by default what a run here would use.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// bash, read, edit, fetch, connect, request, resolve or model.
    #[arg(value_name = "KIND")]
    kind: String,
    /// What is tried.
    #[arg(value_name = "WHAT", allow_hyphen_values = true)]
    what: String,
}

/// What a policy said to one act.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    subject: String,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    rule: Option<&'a str>,
    reason: &'a str,
}

fn policy(named: Option<PathBuf>) -> Result<Policy, Failure> {
    let operator = the_operator()?;
    let named = named.map(CommandLine::File);
    load(&sources(&operator, named, Asked::default(), DEFAULT)).map_err(invalid)
}

pub(super) fn why(args: &WhyArgs) -> Result<ExitCode, Failure> {
    let action = tried(&args.kind, &args.what).map_err(|why| {
        let kinds: Vec<String> =
            TRIED.iter().map(|(kind, what)| format!("{kind} ({what})")).collect();
        Failure::new(Kind::Usage, why).remedy(format!("try one of {}", kinds.join(", ")))
    })?;
    let policy = policy(args.policy.clone())?;
    let decision = Engine::new(&policy).decide(&action);
    let mut out = String::new();
    let said = Said {
        line: None,
        subject: action.subject(),
        decision: decision.verdict.as_str(),
        expected: None,
        rule: decision.rule.as_deref(),
        reason: &decision.reason,
    };
    if args.json {
        json_line(&mut out, &said);
    } else {
        line(&mut out, format_args!("{}: {}", said.decision, said.subject));
        if let Some(rule) = said.rule {
            line(&mut out, format_args!("  by   {rule}"));
        }
        line(&mut out, format_args!("  for  {}", said.reason));
    }
    print::text(&out)?;
    Ok(if decision.is_allowed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

pub(super) fn test(args: &TestArgs) -> Result<ExitCode, Failure> {
    let found = cases(&args.file).map_err(|found| {
        Failure::new(Kind::Denied, format!("the cases cannot be read\n{found}"))
    })?;
    let beside = args.file.parent().unwrap_or(Path::new("."));
    let named = args.policy.clone().or(found.policy.map(|path| beside.join(path)));
    let policy = policy(named)?;
    let engine = Engine::new(&policy);
    let mut out = String::new();
    let mut failed = 0usize;
    let mut used: BTreeSet<String> = BTreeSet::new();
    for case in &found.cases {
        let decision = engine.decide(&case.action);
        used.extend(decision.rule.clone());
        used.extend(decision.whole_rule().map(str::to_owned));
        let wrong_rule = case.rule.is_some() && case.rule != decision.rule;
        let wrong = decision.verdict != case.expect || wrong_rule;
        failed += usize::from(wrong);
        let said = Said {
            line: Some(case.line),
            subject: case.action.subject(),
            decision: decision.verdict.as_str(),
            expected: Some(case.expect.as_str()),
            rule: decision.rule.as_deref(),
            reason: &decision.reason,
        };
        if args.json {
            json_line(&mut out, &said);
        } else if wrong {
            let at = format!("{}:{}", args.file.display(), case.line);
            let expected = match &case.rule {
                Some(rule) if wrong_rule => format!("{} by {rule}", case.expect),
                _ => case.expect.to_string(),
            };
            line(&mut out, format_args!("{at}: {}", said.subject));
            line(&mut out, format_args!("  expected  {expected}"));
            let by = said.rule.map(|rule| format!(" by {rule}")).unwrap_or_default();
            line(&mut out, format_args!("  decided   {}{by}: {}", said.decision, said.reason));
        }
    }
    if !args.json {
        let total = found.cases.len();
        line(&mut out, format_args!("{} of {total} cases are as expected", total - failed));
        let unused: Vec<String> = explain(&policy)
            .into_iter()
            .map(|rule| rule.rule)
            .filter(|rule| decides(rule) && !used.contains(rule))
            .collect();
        if !unused.is_empty() {
            line(&mut out, format_args!("rules that decided no case: {}", unused.join(", ")));
        }
    }
    print::text(&out)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether cases can reach a rule of this name.
fn decides(rule: &str) -> bool {
    ["network.rules[", "permissions.", "inference.routes["]
        .iter()
        .any(|start| rule.starts_with(start))
        && rule != "permissions.mode"
}
