use std::{fs, path::PathBuf, thread, time::Duration};

use insta::assert_snapshot;
use palisade_core::{Action, Decision, Event, Layer, PolicyDigest, SessionId};
use palisade_journal::{
    Durability, Journal,
    verify::{Options, Session, State, verify},
};

use crate::ran::{Ran, palisade, run};

/// A home whose journal holds one session: a launch, a denied connection, an end.
struct Home {
    dir: tempfile::TempDir,
    session: SessionId,
}

impl Home {
    fn new() -> Self {
        let home =
            Self { dir: tempfile::tempdir().unwrap(), session: SessionId::from_random([7; 16]) };
        fs::create_dir(home.state()).unwrap();
        home
    }

    /// With the session ended, or as a killed supervisor leaves it.
    fn with_session(ended: bool) -> Self {
        let home = Self::new();
        let policy = PolicyDigest::of(b"a policy");
        let journal = Journal::open(&home.state(), &home.session, Some("fix"), &policy).unwrap();
        let record = |action: &Action, decision: &Decision| {
            let event = Event::decided(action, decision);
            journal.record_blocking(event, Durability::Written).unwrap();
        };
        let launch = Action::Launch { command: vec!["claude".into()], workspace: None };
        record(&launch, &Decision::allow("policy", "the operator starts it"));
        let name = "evil.example".parse().unwrap();
        let denied = Decision::deny("no rule has it\u{1b}[2J");
        record(&Action::Resolve { name }, &denied);
        if ended {
            let end = Event::observed("end", Layer::Process, "exit 0");
            journal.close_blocking(end, Durability::Durable).unwrap();
        }
        drop(journal);
        // The writer's thread ends a little later, and only then is its lock free.
        let open = |session: &Session| session.state == State::Open;
        while verify(&home.state(), &Options::default()).unwrap().sessions.iter().any(open) {
            thread::sleep(Duration::from_millis(1));
        }
        home
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn segment(&self) -> PathBuf {
        self.state().join("journal").join(self.session.as_str()).join("000001.jsonl")
    }

    fn audit(&self, args: &[&str]) -> Ran {
        let ran = run(palisade(self.dir.path()).arg("audit").args(args));
        let ran = ran
            .with(self.dir.path().to_str().unwrap(), "[HOME]")
            .with(self.session.as_str(), "[SESSION]")
            .with(&self.session.as_str()[..10], "[SESSION]");
        Ran { stdout: without_times(&ran.stdout), ..ran }
    }
}

/// `2026-11-24T14:36:00.123456Z` as `[TIME]`.
fn without_times(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.as_bytes() {
            [b'2', b'0', .., b'\n'] if line.as_bytes().get(26) == Some(&b'Z') => {
                format!("[TIME]{}", &line[27..])
            }
            _ => line.to_owned(),
        })
        .collect()
}

#[test]
fn tail_shows_the_newest_and_no_escape_of_the_agents() {
    let home = Home::with_session(true);
    assert_snapshot!(home.audit(&["tail"]), @r#"
    exit: 0
    ----- stdout -----
    [TIME]  [SESSION]      1  observe  supervisor  journal_open  -  fix
    [TIME]  [SESSION]      2  allow    process     launch        policy  claude  (the operator starts it)
    [TIME]  [SESSION]      3  deny     network     resolve       -  evil.example  (no rule has it\u{1b}[2J)
    [TIME]  [SESSION]      4  observe  process     end           -  exit 0

    ----- stderr -----
    "#);
    assert_snapshot!(home.audit(&["tail", "-n", "1"]), @r#"
    exit: 0
    ----- stdout -----
    [TIME]  [SESSION]      4  observe  process     end           -  exit 0

    ----- stderr -----
    "#);
}

#[test]
fn query_gives_what_matches() {
    let home = Home::with_session(true);
    assert_snapshot!(home.audit(&["query", "--decision", "deny"]), @r#"
    exit: 0
    ----- stdout -----
    [TIME]  [SESSION]      3  deny     network     resolve       -  evil.example  (no rule has it\u{1b}[2J)

    ----- stderr -----
    "#);
    assert_snapshot!(home.audit(&["query", "--kind", "connect"]), @r#"
    exit: 0
    ----- stdout -----

    ----- stderr -----
    "#);
    assert_snapshot!(home.audit(&["query", "--session", "fix", "--limit", "1"]), @r#"
    exit: 0
    ----- stdout -----
    [TIME]  [SESSION]      4  observe  process     end           -  exit 0

    ----- stderr -----
    "#);
}

#[test]
fn query_json_has_the_members_that_scripts_rely_on() {
    let home = Home::with_session(true);
    let ran = home.audit(&["query", "--json", "--decision", "deny"]);
    let event: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for member in ["time", "session", "seq", "kind", "layer", "decision", "rule", "subject"] {
        assert!(event.get(member).is_some(), "{member} is not in {event}");
    }
    assert_eq!(event["subject"], "evil.example");
}

#[test]
fn query_refuses_what_is_no_time() {
    let home = Home::with_session(true);
    assert_snapshot!(home.audit(&["query", "--since", "yesterday"]), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    error: invalid value 'yesterday' for '--since <TIME>': `yesterday` is no time: use `2026-08-01T12:00:00Z`, `2026-08-01`, or an age such as `15m`, `2h`, `7d`

    For more information, try '--help'.
    "#);
}

#[test]
fn verify_proves_a_whole_journal() {
    let home = Home::with_session(true);
    assert_snapshot!(home.audit(&["verify"]), @r#"
    exit: 0
    ----- stdout -----
    note: no key was given (--key): that all of it was not written anew is not checked
    whole: 4 records of 1 sessions (0 open, 0 ended hard), 3 ledger entries in [HOME]/state/journal

    ----- stderr -----
    "#);
}

#[test]
fn verify_names_the_record_that_was_changed() {
    let home = Home::with_session(true);
    let text = fs::read_to_string(home.segment()).unwrap();
    fs::write(home.segment(), text.replace("evil.example", "good.example")).unwrap();
    // Process ids have no fixed width, so neither have the records before.
    let at: usize = text.lines().take(2).map(|line| line.len() + 1).sum();
    let said = home.audit(&["verify"]).to_string().replace(&format!("byte {at},"), "byte [AT],");
    assert_snapshot!(said, @r#"
    exit: 1
    ----- stdout -----
    damaged: [HOME]/state/journal/[SESSION]/000001.jsonl:3 (byte [AT], record 3): edited: its bytes do not match its hash
    note: no key was given (--key): that all of it was not written anew is not checked
    DAMAGED: 2 records of 1 sessions (0 open, 0 ended hard), 3 ledger entries in [HOME]/state/journal

    ----- stderr -----
    "#);
}

#[test]
fn verify_wants_a_folder_and_a_session_that_exist() {
    let home = Home::with_session(true);
    assert_snapshot!(home.audit(&["verify", "/nonexistent"]), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: /nonexistent is no folder
    "#);
    assert_snapshot!(home.audit(&["verify", "--session", "other"]), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: there is no such session in this journal
    "#);
}

#[test]
fn recover_ends_a_session_whose_supervisor_died() {
    let home = Home::with_session(false);
    assert_snapshot!(home.audit(&["verify"]), @r#"
    exit: 0
    ----- stdout -----
    note: session [SESSION] ended hard after record 3
    note: no key was given (--key): that all of it was not written anew is not checked
    whole: 3 records of 1 sessions (0 open, 1 ended hard), 2 ledger entries in [HOME]/state/journal

    ----- stderr -----
    "#);
    assert_snapshot!(home.audit(&["recover"]), @r#"
    exit: 0
    ----- stdout -----
    ended [SESSION] with record 5

    ----- stderr -----
    "#);
    assert_snapshot!(home.audit(&["verify"]), @r#"
    exit: 0
    ----- stdout -----
    note: no key was given (--key): that all of it was not written anew is not checked
    whole: 5 records of 1 sessions (0 open, 0 ended hard), 4 ledger entries in [HOME]/state/journal

    ----- stderr -----
    "#);
}

#[test]
fn without_a_journal_each_says_how_to_get_one() {
    let home = Home::new();
    fs::remove_dir(home.state()).unwrap();
    for command in ["tail", "query", "verify", "recover"] {
        let ran = home.audit(&[command]);
        assert_eq!(ran.exit, 2, "{command}: {ran}");
        assert!(!home.state().exists());
    }
    assert_snapshot!(home.audit(&["tail"]), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: there is no journal: [HOME]/state does not exist
      try: palisade run, which makes it, or set `PALISADE_STATE`
    "#);
}
