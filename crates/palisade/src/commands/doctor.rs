use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    process::ExitCode,
};

use palisade_sandbox::linux::{
    abilities::{Abilities, Ability, Kind as AbilityKind, Need, State},
    cgroup::{self, Versions},
};
use serde::Serialize;

use crate::failure::{Failure, Kind};

/// Names of abilities, with commas, to report as missing: what a machine without them would say.
const SIMULATE: &str = "PALISADE_SIMULATE_MISSING";

/// The table's width, and where its last column begins.
const WIDTH: usize = 80;
const COLUMN: usize = 29;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade doctor --json\n\n\
    Exit code: 0 a launch has all that it needs, 2 usage, 3 something is missing.\n\
    PALISADE_SIMULATE_MISSING=landlock,nftables shows what a system without them gets,\n    from `palisade run` too.")]
pub(crate) struct Args {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What an ability means for a launch here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Ok,
    /// It is missing; launches go on, and something that a policy can ask for is weaker or refused.
    Degraded,
    /// It is missing, and nothing is launched.
    Missing,
    /// Not needed here.
    NotNeeded,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    version: &'static str,
    kernel: String,
    uid: u32,
    ready: bool,
    abilities: Vec<Row<'a>>,
    limits: Vec<Limit>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'static str,
    need: Need,
    state: Standing,
    tried: &'static str,
    /// What the trial said, or nothing.
    found: &'a str,
    remedy: Option<&'a str>,
    /// Whether `run --allow-degraded` starts without it.
    may_be_missing: bool,
}

/// How a limit of a policy's `process.limits` is held here.
#[derive(Debug, Serialize)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    held_by: String,
    /// What is less than the policy would say.
    weaker: Option<String>,
}

/// Every limit that a policy can set, on this machine and for this user.
pub(crate) fn limits(simulated: &[AbilityKind]) -> Vec<Limit> {
    let versions = Versions {
        one: !simulated.contains(&AbilityKind::CgroupV1),
        two: !simulated.contains(&AbilityKind::CgroupV2),
    };
    let limit = |one: cgroup::Holding| Limit {
        name: one.limit,
        held_by: one.held.by,
        weaker: one.held.weaker,
    };
    cgroup::holdings(versions).into_iter().map(limit).collect()
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.held_by)?;
        match &self.weaker {
            Some(weaker) => write!(out, "; {weaker}"),
            None => Ok(()),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let simulated = simulated()?;
    let abilities = Abilities::probe_without(&simulated);
    let report = Report::new(&abilities, limits(&simulated));
    let text = if args.json {
        serde_json::to_string(&report).unwrap_or_default() + "\n"
    } else {
        report.table()
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")));
        }
        _ => {}
    }
    let missing: Vec<_> = abilities.missing().map(|ability| ability.kind.name()).collect();
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(
        Kind::Enforcement,
        format!("nothing can be launched here without {}", missing.join(", ")),
    )
    .remedy("what is given as its remedy, then `palisade doctor` again"))
}

/// The abilities to take as missing, from the environment.
pub(crate) fn simulated() -> Result<Vec<AbilityKind>, Failure> {
    std::env::var(SIMULATE)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            AbilityKind::all().find(|kind| kind.name() == name).ok_or_else(|| {
                let known: Vec<_> = AbilityKind::all().map(AbilityKind::name).collect();
                Failure::new(Kind::Usage, format!("{SIMULATE}: there is no ability `{name}`"))
                    .remedy(format!("one of {}", known.join(", ")))
            })
        })
        .collect()
}

impl Standing {
    fn of(ability: &Ability, all: &Abilities) -> Self {
        match (&ability.state, ability.need) {
            (State::Works(_), _) => Standing::Ok,
            (State::Missing(_), Need::Useful) => match ability.kind {
                AbilityKind::CgroupV1 if all.has(AbilityKind::CgroupV2) => Standing::NotNeeded,
                AbilityKind::CgroupV2 if all.has(AbilityKind::CgroupV1) => Standing::NotNeeded,
                _ => Standing::Degraded,
            },
            (State::NotApplicable(_), _) => Standing::NotNeeded,
            // Required, or not known here.
            _ => Standing::Missing,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Standing::Ok => "ok",
            Standing::Degraded => "degraded",
            Standing::Missing => "MISSING",
            Standing::NotNeeded => "-",
        }
    }
}

impl<'a> Report<'a> {
    fn new(abilities: &'a Abilities, limits: Vec<Limit>) -> Self {
        let row = |ability: &'a Ability| {
            let state = Standing::of(ability, abilities);
            let found = match &ability.state {
                State::Works(text) | State::Missing(text) | State::NotApplicable(text) => text,
                _ => "",
            };
            let remedy = ability.remedy.as_deref().filter(|_| state != Standing::NotNeeded);
            let (name, need, tried) = (ability.kind.name(), ability.need, ability.tried);
            let may_be_missing = ability.kind.may_be_missing();
            Row { name, need, state, tried, found, remedy, may_be_missing }
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            uid: rustix::process::geteuid().as_raw(),
            ready: abilities.missing().next().is_none(),
            abilities: abilities.all.iter().map(row).collect(),
            limits,
        }
    }

    fn table(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "Palisade {} on Linux {}, as uid {}\n",
            self.version, self.kernel, self.uid
        );
        for row in &self.abilities {
            let first = match (row.state, row.found) {
                (Standing::Ok, "") => row.tried.to_owned(),
                (Standing::Ok, found) => format!("{} ({found})", row.tried),
                (Standing::NotNeeded, found) => format!("not needed here ({found})"),
                (Standing::Degraded | Standing::Missing, _) => format!("tried: {}", row.tried),
            };
            let head = format!("{:<18} {:<9} ", row.name, row.state.word());
            paragraph(&mut out, &head, &first);
            if matches!(row.state, Standing::Degraded | Standing::Missing) {
                paragraph(&mut out, "", &format!("found: {}", row.found));
                paragraph(&mut out, "", &format!("to do: {}", row.remedy.unwrap_or("nothing")));
            }
            if row.state == Standing::Missing && row.may_be_missing {
                let text = format!("or: `palisade run --allow-degraded {}`", row.name);
                paragraph(&mut out, "", &format!("{text}, a weaker sandbox without it"));
            }
        }
        out.push_str("\nA policy's limits are held by:\n\n");
        for limit in &self.limits {
            let word = if limit.weaker.is_some() { "weaker" } else { "ok" };
            paragraph(&mut out, &format!("{:<18} {word:<9} ", limit.name), &limit.to_string());
        }
        let degraded = self.abilities.iter().filter(|row| row.state == Standing::Degraded).count();
        out.push_str(match (self.ready, degraded) {
            (true, 0) => "\nA launch has all that it needs.\n",
            (true, _) => {
                "\nA launch has all that it needs. Where an ability is degraded, some policies\n\
                 are held more weakly or refused.\n"
            }
            (false, _) => "\nA launch is not possible.\n",
        });
        out
    }
}

/// The text in the last column, broken between words, or within one that is too long.
fn paragraph(out: &mut String, head: &str, text: &str) {
    let room = WIDTH.saturating_sub(COLUMN);
    let mut line = String::new();
    let mut head = head;
    let mut flush = |line: &mut String| {
        let _ = writeln!(out, "{head:<COLUMN$}{line}");
        head = "";
        line.clear();
    };
    for word in text.split_whitespace() {
        let (used, wanted) = (line.chars().count(), word.chars().count());
        if used > 0 && used.saturating_add(wanted).saturating_add(1) > room {
            flush(&mut line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if line.chars().count() == room {
                flush(&mut line);
            }
            line.push(character);
        }
    }
    flush(&mut line);
}
