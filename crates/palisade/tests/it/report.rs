//! What an auditor takes, from a demo to an archive that is checked elsewhere.

use std::{fs, path::Path, process::Command};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Durability, Journal, journal_dir};

use crate::ran::{palisade, run};

fn journal(home: &Path) -> SessionId {
    let session = SessionId::from_random([9; 16]);
    fs::create_dir_all(home.join("state")).unwrap();
    let policy = PolicyDigest::of(b"a policy");
    let journal = Journal::open(&home.join("state"), &session, Some("fix"), &policy).unwrap();
    let denied = Event {
        decision: Verdict::Deny,
        ..Event::observed("connect", Layer::Egress, "evil.example:443")
    };
    journal.record_blocking(denied, Durability::Written).unwrap();
    let end = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(end, Durability::Durable).unwrap();
    session
}

#[test]
fn a_report_for_soc_2_with_real_evidence_comes_out_of_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("soc2.html");
    let mut demo = palisade(folder.path());
    let ran = run(demo.args(["demo", "--report"]).arg(&page).env("TMPDIR", folder.path()));
    assert_eq!(ran.exit, 0, "{ran}");
    let html = fs::read_to_string(&page).unwrap();
    let body = html.split_once("<body>").unwrap().1;
    assert!(body.contains("The journal verifies"), "{body}");
    for evidence in [
        "CC6.1",
        "CC6.6",
        "Not evidenced",
        "unlisted.example",
        "ptrace",
        "anthropic/messages claude-demo",
        "network.rules[listed]",
        "are proved by the checkpoint",
    ] {
        assert!(body.contains(evidence), "no {evidence} in the report");
    }
    // A control without records says so.
    let approvals = body.split("id=\"CC8.1\"").nth(1).unwrap();
    assert!(approvals.contains("No records of"), "{approvals}");
}

#[test]
fn a_report_on_a_damaged_journal_says_so_first_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let session = journal(folder.path());
    let report = |form: &str| {
        let mut command = palisade(folder.path());
        run(command.args(["audit", "report", "--framework", "iso27001", "--format", form]))
    };
    assert_eq!(report("html").exit, 0);
    let file =
        journal_dir(&folder.path().join("state")).join(session.as_str()).join("000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("evil.example", "good.example")).unwrap();
    for form in ["html", "json", "oscal"] {
        let ran = report(form);
        assert_eq!(ran.exit, 1, "{form}: {ran}");
        assert!(ran.stderr.starts_with("palisade: THE JOURNAL DOES NOT VERIFY"), "{ran}");
        let said = ran.stdout.find("THE JOURNAL DOES NOT VERIFY").unwrap();
        let evidence = ran.stdout.find("A.5.15").unwrap();
        assert!(said < evidence, "{form}");
    }
}

#[test]
fn what_a_report_shows_is_proved_and_an_archive_is_checked_without_palisade() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path());
    let at = |name: &str| folder.path().join(name);
    let mut command = palisade(folder.path());
    command
        .args(["audit", "report", "--framework", "nist-800-53", "--proof"])
        .arg(at("proof.json"));
    let ran = run(command.arg("-o").arg(at("nist.html")));
    assert_eq!(ran.exit, 0, "{ran}");
    let shown = run(palisade(folder.path()).args(["audit", "key", "show"]));
    fs::write(at("key.txt"), shown.stdout).unwrap();
    let mut command = palisade(folder.path());
    command.args(["audit", "verify", "--proof"]).arg(at("proof.json"));
    let proved = run(command.arg("--key").arg(at("key.txt")));
    assert_eq!(proved.exit, 0, "{proved}");
    assert!(proved.stdout.contains("evil.example:443"), "{proved}");

    let pack = || {
        let mut command = palisade(folder.path());
        run(command.args(["audit", "bundle", "--framework", "soc2", "-o"]).arg(at("evidence.tar")))
    };
    let packed = pack();
    assert_eq!(packed.exit, 0, "{packed}");
    assert_ne!(pack().exit, 0, "it is not written over");
    let untar =
        Command::new("tar").current_dir(folder.path()).args(["xf", "evidence.tar"]).status();
    assert!(untar.unwrap().success());
    // The host is gone.
    fs::remove_dir_all(at("state")).unwrap();
    let mut python = Command::new("python3");
    python.current_dir(at("palisade-evidence")).args(["verify.py", "journal"]);
    match python.arg(at("key.txt")).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI: {error}");
            println!("skipped: no python3 ({error})");
        }
    }
}
