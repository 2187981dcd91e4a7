//! `audit ship`: sessions that ended, to the places of the policy, and how far that is.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use palisade_export::ship::states;
use palisade_journal::escaped;
use palisade_policy::{Asked, CommandLine, load};
use palisade_session::ships;

use super::state_dir;
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade audit ship
  palisade audit ship --all --within 600
  palisade audit ship --status

The places are those of `audit.ship` in the policy. What stands there is checked with
palisade audit verify DIR --key FILE, from there, or from a copy of it.

Exit code: 0 done; 1 something could not be shipped; 2 usage; 3 the journal could not be read.")]
pub(crate) struct Args {
    /// Whatever has ended, and not only sessions whose policy had the place.
    #[arg(long)]
    all: bool,
    /// The policy, in place of the project's and the user's.
    #[arg(long, value_name = "FILE", conflicts_with = "status")]
    policy: Option<PathBuf>,
    /// How many seconds it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, conflicts_with = "status")]
    within: u64,
    /// Show what each place has not got; with `--all` what it has as well.
    #[arg(long)]
    status: bool,
    /// For `--status`: one JSON object a line.
    #[arg(long, requires = "status")]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.status {
        return status(args.all, args.json);
    }
    let operator =
        operator().map_err(|(what, remedy)| Failure::new(Kind::Usage, what).remedy(remedy))?;
    let sources = sources(&operator, args.policy.map(CommandLine::File), Asked::default(), "shell");
    let policy = load(&sources).map_err(|found| Failure::new(Kind::Usage, found.to_string()))?;
    if policy.audit.ship.is_empty() {
        return Err(Failure::new(Kind::Usage, "the policy ships sessions nowhere")
            .remedy("name the policy that has `audit.ship`: --policy FILE"));
    }
    let within = Duration::from_secs(args.within);
    let shipped = ships::ship(&policy.audit, &operator, args.all, within);
    let (there, left) = shipped.map_err(Failure::denied)?;
    print::text(&format!("{there} sessions are there in full now\n"))?;
    for one in &left {
        print::note(&format!("palisade: {}", escaped(&one.told())));
    }
    Ok(ExitCode::from(u8::from(!left.is_empty())))
}

fn status(all: bool, json: bool) -> Result<ExitCode, Failure> {
    let unread =
        |error: palisade_export::CursorError| Failure::new(Kind::Enforcement, error.to_string());
    let (places, unreadable) = states(&state_dir()?, all).map_err(unread)?;
    let mut text = String::new();
    for (id, list) in &places {
        for one in list {
            if json {
                let mut object = serde_json::to_value(one).unwrap_or_default();
                if let Some(members) = object.as_object_mut() {
                    members.insert("id".into(), id.clone().into());
                }
                print::json_line(&mut text, &object);
                continue;
            }
            let place = escaped(&one.destination);
            let objects = one.objects.len();
            let mut row = match one.shipped {
                Some(when) => format!(
                    "{}  {place}  there since {when}: {} records, {objects} objects",
                    one.session, one.records
                ),
                None => format!("{}  {place}  waits: {objects} objects are there", one.session),
            };
            for lacking in &one.lacking {
                let (name, why) = (escaped(&lacking.name), escaped(&lacking.why));
                row.push_str(&format!(", without {name}: {why}"));
            }
            if one.again > 0 {
                row.push_str(&format!(", {} begun twice", one.again));
            }
            if let (Some(since), None) = (one.failing_since, one.shipped) {
                let why = escaped(one.error.as_deref().unwrap_or("unknown"));
                row.push_str(&format!("; failing since {since}: {why}"));
            }
            text.push_str(&row);
            text.push('\n');
        }
    }
    if text.is_empty() && !json && unreadable.is_empty() {
        text.push_str("nothing waits\n");
    }
    let shown = print::text(&text)?;
    if unreadable.is_empty() {
        return Ok(shown);
    }
    for error in &unreadable {
        let why = error.to_string();
        print::note(&format!("palisade: it is not known how far this came: {}", escaped(&why)));
    }
    Err(Failure::new(Kind::Denied, "not every place's state can be read")
        .remedy("remove such a file: its session is looked for at the place, and shipped if it is not there"))
}
