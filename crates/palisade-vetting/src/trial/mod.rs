//! Trying a skill: what it would run is run, in a sandbox with a home of decoys and a network that answers and leads
//! nowhere. What it touches becomes findings.
//!
//! The sandbox is that of `palisade run`; nothing of it is weaker. Each name that is asked for and unknown is a denial
//! and recorded, so that no name carries anything unseen; then it is let in, and the trial is done again, since what
//! gets an answer shows more. A trial shows what happened, and never that nothing else would: it only raises a verdict.

mod canary;
mod policy;
mod sink;
mod stage;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use palisade_core::{SkillPolicy, Verdict};
use palisade_journal::{Filter, Query, Record, journal_dir};
use palisade_skill_store::Tree;
use palisade_skills::{Confidence, Finding, Report, Rule, Use, trial as rules};
use thiserror::Error;

pub(crate) use self::policy::SYSTEM;
use self::{
    canary::Canaries,
    policy::Places,
    sink::{Asked, Sink},
    stage::{Kept, Stage},
    steps::Step,
};

/// How often a trial is done again with the names that it asked for.
const ROUNDS: usize = 3;
/// Names below one domain that are too many to be servers.
const MANY_NAMES: usize = 8;
/// Characters of a name's first label that are too many to be one.
const LONG_LABEL: usize = 20;
/// What hooks and servers get to read.
const EVENT: &str = "{\"session_id\":\"5f1c\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\
    \"tool_input\":{\"command\":\"ls\"},\"prompt\":\"Tidy up the project.\",\"cwd\":\".\"}\n";

/// Runs a step in its folder, without its errors, and waits for what it leaves behind: a part that goes on by itself does its
/// work too. There are only init and this then. The policy says how long all of it may take.
const RUNNER: &str = r#"cd "$1" && shift || exit
"$@" 2>/dev/null
code=$?
while :; do
    set -- /proc/[0-9]*
    [ $# -gt 2 ] || exit $code
    sleep 0.1
done"#;

/// What is tried.
#[derive(Debug)]
pub struct Trial<'a> {
    /// This program, which is run as `palisade run`.
    pub program: &'a Path,
    /// What the skill is called.
    pub name: &'a str,
    /// The skill.
    pub tree: &'a Tree,
    /// How long each step may take.
    pub seconds: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Tried {
    /// What was seen. None of it takes anything from a verdict.
    pub findings: Vec<Finding>,
    /// The smallest policy under which the part would have passed that nothing stands against.
    pub policy: String,
    /// The same as what the skill may do at most in a session. Requests are not told apart.
    pub own: SkillPolicy,
    /// How many steps were run.
    pub steps: usize,
    /// How many there are.
    pub of: usize,
}

/// Why nothing was tried.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrialError {
    /// The world of the trial cannot be made.
    #[error("{0}: {1}")]
    Stage(&'static str, #[source] io::Error),
    /// There was no sandbox; nothing was run.
    #[error("there is no sandbox to try it in: {0}")]
    NoSandbox(String),
    /// What happened cannot be read.
    #[error("the trial's journal cannot be read: {0}")]
    Journal(#[from] palisade_journal::JournalError),
}

/// Findings, each once.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    /// Hosts that something stands against.
    bad: BTreeSet<String>,
    asked: Vec<Asked>,
    /// Something was run: there is a sandbox.
    begun: bool,
}

impl Trial<'_> {
    /// Tries it. `report` is what the scanner said: the hosts that it names get an answer from the first.
    ///
    /// # Errors
    /// Nothing was tried.
    pub fn run(&self, report: &Report) -> Result<Tried, TrialError> {
        let failed = |what| move |error| TrialError::Stage(what, error);
        let canaries = Canaries::make().ok_or_else(|| {
            TrialError::Stage("decoys", io::Error::other("the system has no random numbers"))
        })?;
        let canaries = Arc::new(canaries);
        let mark = format!(".ran-{}", std::process::id());
        let sink = Sink::start(Arc::clone(&canaries), &mark).map_err(failed("a network"))?;
        let all = steps::steps(self.tree);
        let mut found = Found::default();
        if all.len() > steps::MOST {
            let why =
                format!("it has {} things that run, and {} were tried", all.len(), steps::MOST);
            found.add(rules::NOT_TRIED.at("", 0, 0, "", why));
        }
        let tried = all.get(..steps::MOST.min(all.len())).unwrap_or_default();
        let mut places = Places::default();
        for capability in &report.capabilities {
            if let Use::Network(Some(host)) = &capability.what {
                places.host(host);
            }
        }
        for _ in 0..ROUNDS {
            let before = places.clone();
            let stage = Stage::set(&folder(self.name), self.tree, &canaries);
            let stage = stage.map_err(failed("a home of decoys"))?;
            fs::write(stage.at("event"), EVENT).map_err(failed("a home of decoys"))?;
            fs::write(stage.at("ca.pem"), sink.authority.pem()).map_err(failed("a network"))?;
            let text = policy::of_trial(&stage, &canaries, &places, sink.port, self.seconds);
            fs::write(stage.at("trial.yaml"), text).map_err(failed("its policy"))?;
            for (number, step) in tried.iter().enumerate() {
                let picture = stage.picture();
                stage.opened();
                let ended = self.step(&stage, step, number, &found)?;
                found.begun = true;
                let records = records(&stage, number)?;
                if records.len() >= MOST_RECORDS {
                    let why = format!(
                        "it did more than {MOST_RECORDS} things, and not all were looked at"
                    );
                    found.add(rules::NOT_TRIED.at(&step.file, 0, 0, "", why));
                }
                let seen = Seen {
                    step,
                    stage: &stage,
                    canaries: &canaries,
                    mark: &mark,
                    records,
                    asked: sink.taken(),
                    opened: stage.opened(),
                    before: picture,
                    after: stage.picture(),
                };
                seen.learn(&mut places);
                found.step(seen, ended);
            }
            if places == before {
                break;
            }
        }
        let policy = policy::derived(self.name, &found.asked, &found.bad);
        let own = policy::own(&found.asked, &found.bad);
        Ok(Tried { findings: found.findings, policy, own, steps: tried.len(), of: all.len() })
    }

    /// Run one. What it was ended by, if not by itself.
    fn step(
        &self,
        stage: &Stage,
        step: &Step,
        number: usize,
        found: &Found,
    ) -> Result<Option<String>, TrialError> {
        /// Of what palisade says.
        const MOST_TOLD: u64 = 64 * 1024;
        let failed = |error| TrialError::Stage("start palisade", error);
        let told = File::create(stage.at("told")).map_err(failed)?;
        let mut command = Command::new(self.program);
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", stage.at("operator"))
            .env("PALISADE_STATE", stage.at("state"))
            .env("PALISADE_CONFIG", stage.at("config"))
            .env("SSL_CERT_FILE", stage.at("ca.pem"))
            .current_dir(stage.home())
            .args(["run", "--quiet", "--name", &session(number), "--policy"])
            .arg(stage.at("trial.yaml"))
            // What it says is not palisade's word.
            .args(["--", "sh", "-c", RUNNER, "sh"])
            .arg(stage.home().join(&stage.skill))
            .args(&step.argv)
            .stdin(File::open(stage.at("event")).map_err(failed)?)
            .stdout(Stdio::null())
            .stderr(told);
        let mut started = command.spawn().map_err(failed)?;
        let until = Instant::now() + Duration::from_secs(self.seconds.saturating_add(20));
        let status = loop {
            match started.try_wait().map_err(failed)? {
                Some(status) => break Some(status),
                None if Instant::now() > until => {
                    started.kill().map_err(failed)?;
                    started.wait().map_err(failed)?;
                    break None;
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        match status.and_then(|status| status.code()) {
            // Whoever is tried may end so too, and then the record has what was executed.
            Some(125) if records(stage, number).is_ok_and(|records| ran(&records)) => {
                Ok(Some("it ended with 125, as palisade does when it fails".to_owned()))
            }
            Some(125) => {
                let mut text = Vec::new();
                let told = File::open(stage.at("told")).map_err(failed)?;
                told.take(MOST_TOLD).read_to_end(&mut text).map_err(failed)?;
                let text = palisade_core::shown(String::from_utf8_lossy(&text).trim(), 600);
                // What ran before made the home one that no sandbox has, such as by a link out of it.
                if found.begun {
                    return Ok(Some(format!(
                        "after what was run before it, it was refused: {text}"
                    )));
                }
                Err(TrialError::NoSandbox(text))
            }
            Some(126 | 127) => {
                let program = step.argv.first().map_or("", String::as_str);
                let program = program.rsplit('/').next().unwrap_or(program);
                Ok(Some(format!(
                    "`{}` or what it starts is not on this machine",
                    palisade_core::shown(program, 60)
                )))
            }
            None => Ok(Some("it did not end by itself".to_owned())),
            Some(code) if code >= 128 => Ok(Some(format!("signal {} ended it", code - 128))),
            Some(_) => Ok(None),
        }
    }
}

/// The name of a step's session.
fn session(number: usize) -> String {
    format!("try-{number}")
}

/// A name that a folder can have.
fn folder(name: &str) -> String {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(60).collect();
    if plain.is_empty() { "skill".to_owned() } else { plain }
}

/// Whether anything was executed, and so there was a sandbox.
fn ran(records: &[Record]) -> bool {
    records.iter().any(|it| it.kind == "exec")
}

/// Acts of a step that are looked at.
const MOST_RECORDS: usize = 20_000;

fn records(stage: &Stage, number: usize) -> Result<Vec<Record>, TrialError> {
    let filter = Filter { session: Some(session(number)), ..Filter::default() };
    let mut query = Query::new(&journal_dir(&stage.at("state")), filter)?;
    let mut records = Vec::new();
    while let Some(record) = query.next_record()? {
        records.push(record);
        if records.len() >= MOST_RECORDS {
            break;
        }
    }
    Ok(records)
}

/// What was seen of one step.
struct Seen<'a> {
    step: &'a Step,
    stage: &'a Stage,
    canaries: &'a Canaries,
    mark: &'a str,
    records: Vec<Record>,
    asked: Vec<Asked>,
    opened: Vec<String>,
    before: BTreeMap<PathBuf, Kept>,
    after: BTreeMap<PathBuf, Kept>,
}

impl Seen<'_> {
    fn denied(&self, kind: &'static str) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |it| it.kind == kind && it.decision == Verdict::Deny)
    }

    /// Where it wanted to go and could not.
    fn learn(&self, places: &mut Places) {
        for record in self.denied("resolve") {
            // One that carries something gets no answer: there would be another each time.
            if !long(&record.subject) && self.canaries.found_in_name(&record.subject).is_empty() {
                places.host(&record.subject);
            }
        }
        for record in self.denied("connect") {
            if let Some((host, port)) = destination(&record.subject) {
                places.destination(host, port);
            }
        }
    }
}

fn destination(subject: &str) -> Option<(&str, u16)> {
    let (host, port) = subject.rsplit_once(':')?;
    Some((host.trim_matches(['[', ']']), port.parse().ok()?))
}

/// A name whose first label is no server's.
fn long(name: &str) -> bool {
    name.split('.').next().is_some_and(|label| label.len() >= LONG_LABEL)
}

impl Found {
    fn add(&mut self, finding: Finding) {
        let known = self.findings.iter().any(|one| {
            one.rule.id == finding.rule.id
                && one.place == finding.place
                && one.excerpt == finding.excerpt
                && one.message == finding.message
        });
        if !known && self.findings.len() < 500 {
            self.findings.push(finding.sure(Confidence::High));
        }
    }

    fn step(&mut self, seen: Seen<'_>, ended: Option<String>) {
        let (file, line) = (seen.step.file.clone(), seen.step.line);
        let mut note = |rule: &'static Rule, excerpt: &str, message: String| {
            self.add(rule.at(&file, line, 0, excerpt, message));
        };
        if let Some(why) = ended {
            note(&rules::NOT_TRIED, "", why);
        }
        if seen.records.len() >= MOST_RECORDS {
            let why =
                format!("it did more than {MOST_RECORDS} things, and the rest was not looked at");
            note(&rules::NOT_TRIED, "", why);
        }
        for path in &seen.opened {
            note(&rules::DECOY_OPENED, path, format!("it read the decoy {path}"));
        }
        names(&seen, &mut note);
        files(&seen, &mut note);
        for record in seen.records.iter().filter(|it| it.kind == "exec") {
            executed(record, &mut note);
        }
        for record in seen.denied("connect") {
            match destination(&record.subject) {
                Some(("169.254.169.254" | "fd00:ec2::254" | "100.100.100.200", _)) => {
                    note(
                        &rules::METADATA,
                        &record.subject,
                        "it asked for the machine's keys".into(),
                    );
                }
                Some((host, _)) if host.parse::<std::net::IpAddr>().is_ok() => {
                    let what = format!("it connected to {}", record.subject);
                    note(&rules::BARE_ADDRESS, &record.subject, what);
                }
                _ => {}
            }
        }
        for record in seen.denied("syscall") {
            let call = record.subject.split([' ', '(']).next().unwrap_or_default();
            if ESCAPES.contains(&call) {
                note(&rules::TRIED_TO_ESCAPE, call, format!("it called {call}"));
            }
        }
        for asked in &seen.asked {
            let Asked { host, port, method, path, sent, decoys, runs: _ } = asked;
            let what = match method.as_str() {
                "" => format!("{host}:{port}"),
                method => format!("{method} {host}:{port}{path}"),
            };
            for decoy in decoys {
                let body = if *sent > 0 { format!(" ({sent} bytes sent)") } else { String::new() };
                let message =
                    format!("what stands in {decoy} alone was sent to {host}:{port}{body}");
                note(&rules::SECRET_LEFT, &what, message);
            }
            note(&rules::CONNECTED, &what, format!("it talked to {host}:{port}"));
        }
        let ran = seen.after.contains_key(Path::new(seen.mark));
        for asked in seen.asked {
            if !asked.decoys.is_empty() || long(&asked.host) || (ran && asked.runs) {
                self.bad.insert(asked.host.clone());
            }
            if self.asked.len() < 10_000 {
                self.asked.push(asked);
            }
        }
    }
}

/// Calls by which a sandbox is left, where there is none that holds.
const ESCAPES: [&str; 14] = [
    "ptrace",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "bpf",
    "init_module",
    "finit_module",
    "kexec_load",
    "open_by_handle_at",
    "process_vm_readv",
    "process_vm_writev",
    "perf_event_open",
];

type Note<'a> = &'a mut dyn FnMut(&'static Rule, &str, String);

/// What names say that were asked for.
fn names(seen: &Seen<'_>, note: Note<'_>) {
    let mut below: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for record in seen.records.iter().filter(|it| it.kind == "resolve") {
        let name = record.subject.as_str();
        for decoy in seen.canaries.found_in_name(name) {
            let message = format!("what stands in {decoy} alone was in a name that it asked for");
            note(&rules::SECRET_LEFT, name, message);
        }
        let labels: Vec<&str> = name.split('.').collect();
        if let Some(domain) = labels.get(labels.len().saturating_sub(2)..)
            && labels.len() > 2
            && long(name)
        {
            below.entry(domain.join(".")).or_default().insert(name);
        }
    }
    for (domain, names) in below.into_iter().filter(|(_, names)| names.len() >= MANY_NAMES) {
        let message = format!("it asked for {} long names below {domain}", names.len());
        note(&rules::NAMES_CARRY, names.first().copied().unwrap_or_default(), message);
    }
}

/// What became of the home.
fn files(seen: &Seen<'_>, note: Note<'_>) {
    let skill = &seen.stage.skill;
    let mut gone = 0_usize;
    for path in seen.before.keys().filter(|path| !path.starts_with(skill)) {
        let emptied = matches!(
            (seen.before.get(path), seen.after.get(path)),
            (Some(Kept::Bytes(_, 1..)), Some(Kept::Bytes(_, 0)))
        );
        let missing = !seen.after.contains_key(path);
        // Palisade itself moves aside what is new and would be run.
        if emptied || missing {
            gone = gone.saturating_add(1);
            if gone <= 3 || seen.canaries.is_file(path) {
                let shown = path.display().to_string();
                let how = if missing { "gone" } else { "empty" };
                note(&rules::DESTROYED, &shown, format!("{shown} is {how}"));
            }
        }
    }
    for (path, now) in &seen.after {
        let before = seen.before.get(path);
        if before == Some(now) {
            continue;
        }
        let shown = path.display().to_string();
        let how = if before.is_some() { "changed" } else { "made" };
        if path.as_os_str() == seen.mark {
            let what = "what a server answered was executed".to_owned();
            note(&rules::FETCHED_AND_RAN, "", what);
        } else if let Ok(inside) = path.strip_prefix(skill) {
            let text = inside.extension().is_some_and(|it| it == "md") && before.is_some();
            if text || inside == Path::new("SKILL.md") {
                note(&rules::CHANGED_ITSELF, &shown, format!("it {how} {}", inside.display()));
            }
        } else if acts_later(&shown) {
            note(&rules::PERSISTED, &shown, format!("it {how} {shown}"));
        }
    }
}

/// Whether what lies there runs, or is obeyed, by itself.
fn acts_later(path: &str) -> bool {
    const FILES: [&str; 12] = [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".profile",
        ".zshrc",
        ".zprofile",
        ".zshenv",
        ".gitconfig",
        ".npmrc",
        ".envrc",
        ".xprofile",
        ".claude.json",
    ];
    const FOLDERS: [&str; 18] = [
        ".config/autostart/",
        ".config/systemd/",
        ".config/fish/",
        ".config/git/",
        ".config/opencode/",
        ".local/share/systemd/",
        ".local/bin/",
        "Library/LaunchAgents/",
        ".ssh/authorized_keys",
        ".ssh/config",
        ".ssh/rc",
        ".claude/",
        ".codex/",
        ".gemini/",
        ".cursor/",
        ".openclaw/",
        ".agents/",
        "project/.git/",
    ];
    let bare = path.strip_suffix(".palisade-moved").unwrap_or(path);
    let name = bare.rsplit('/').next().unwrap_or(bare);
    // What agents write there in the course of things.
    let usual = [".claude/todos/", ".claude/projects/", ".codex/log/", "project/.git/index"];
    FILES.contains(&bare)
        || path.contains(".palisade-moved")
        || (FOLDERS.iter().any(|folder| bare.starts_with(folder))
            && !usual.iter().any(|folder| bare.starts_with(folder)))
        || (bare.starts_with("project/")
            && matches!(
                name,
                "CLAUDE.md" | "AGENTS.md" | "GEMINI.md" | ".envrc" | ".mcp.json" | "tasks.json"
            ))
}

/// Programs whose use is to have something run later.
fn executed(record: &Record, note: Note<'_>) {
    let mut words = record.subject.split(' ');
    let program = words.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let first = words.next().unwrap_or_default();
    let later = match program {
        "crontab" => first != "-l",
        "systemctl" => record.subject.contains(" enable"),
        "at" | "atd" | "launchctl" | "schtasks" => true,
        _ => false,
    };
    if later {
        let what = format!("it ran {program}");
        note(&rules::PERSISTED, &record.subject, what);
    }
}
