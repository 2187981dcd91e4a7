//! A systemd-journald that is not ours, and what `journalctl` reads of it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use palisade_policy::Export;
use serde_json::Value;

use crate::world::{World, wait_for};

struct Journald {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Journald {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Journald {
    fn start() -> Option<Self> {
        let skip = |why: &str| {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            println!("skipped: {why}");
            None
        };
        if !Path::new("/lib/systemd/systemd-journald").exists() {
            return skip("there is no systemd-journald (Debian: systemd)");
        }
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/journald.sh");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--user", "--mount", "--pid", "--fork", "--mount-proc"]);
        command.arg("--kill-child").arg("sh").arg(script).arg(folder.path());
        let log = fs::File::create(folder.path().join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut ended = None;
        wait_for("journald", || {
            ended = child.try_wait().unwrap();
            ended.is_some() || folder.path().join("socket").exists()
        });
        if ended.is_some() {
            let said = fs::read_to_string(folder.path().join("said")).unwrap();
            return skip(&format!("systemd-journald cannot be started here: {said}"));
        }
        Some(Self { child, folder })
    }

    /// What it has of us, an object an entry, in its order.
    fn entries(&self) -> Vec<Value> {
        let mut command = Command::new("journalctl");
        command.arg("-D").arg(self.folder.path().join("log"));
        command.args(["--no-pager", "--all", "--output", "json", "SYSLOG_IDENTIFIER=palisade"]);
        let ran = command.output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_journald_that_is_not_ours_keeps_each_event_as_one_entry() {
    let Some(journald) = Journald::start() else { return };
    let world = World::new();
    let exporter = world.export(Export::Journald(journald.folder.path().join("socket")));
    world.connect("x\nPALISADE_DECISION=allow\nPALISADE_DECISION\n\u{5}\0\0\0\0\0\0\0allow\n");
    // An event that is long goes as one datagram, or not at all.
    world.connect(&"long \u{202e}".repeat(700));
    world.end();
    assert_eq!(exporter.finish(), []);
    wait_for("the last entry", || journald.entries().len() == 4);
    let records = world.records();
    let entries = journald.entries();
    for (record, entry) in records.iter().zip(&entries) {
        let text = |name: &str| entry[name].as_str().unwrap_or_else(|| panic!("{name}: {entry}"));
        assert_eq!(text("PALISADE_SEQ"), record.seq.to_string());
        assert_eq!(text("PALISADE_KIND"), record.kind);
        assert_eq!(text("PALISADE_DECISION"), record.decision.as_str());
        assert_eq!(text("PALISADE_HASH"), record.hash.to_string());
        assert_eq!(text("PALISADE_SUBJECT"), palisade_journal::escaped(&record.subject));
        let detail: Value = serde_json::from_str(text("PALISADE_DETAIL")).unwrap();
        assert_eq!(detail, Value::from(record.detail.clone()));
        assert!(!text("MESSAGE").contains('\n'));
    }
    let denied = entries.iter().filter(|it| it["PALISADE_DECISION"] == "deny").count();
    assert_eq!((entries.len(), denied), (4, 2));
}
