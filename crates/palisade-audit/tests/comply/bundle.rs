use std::{fs, path::Path, process::Command};

use palisade_audit::{
    bundle::pack,
    report::{Framework, Report},
};
use palisade_core::{Event, Layer, PolicyDigest};
use palisade_journal::{Durability, Journal, journal_dir};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{fixture::*, report::options};

/// Run both verifiers of an archive where it was unpacked; `None` where there is no Python.
fn verify(evidence: &Path) -> Option<bool> {
    let said = ["verify.py", "verify_all.py"].map(|program| verify_by(program, evidence));
    assert_eq!(said[0], said[1]);
    said[0]
}

fn verify_by(program: &str, evidence: &Path) -> Option<bool> {
    let mut python = Command::new("python3");
    match python.current_dir(evidence).args([program, "journal", "key.txt"]).output() {
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stderr));
            Some(output.status.success())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI: {error}");
            println!("skipped: no python3 ({error})");
            None
        }
    }
}

fn unpacked(state: &Path) -> (TempDir, bool) {
    let reports = [Report::new(state, &options(Framework::Soc2)).unwrap()];
    let mut archive = Vec::new();
    let packed = pack(state, &reports, &mut archive).unwrap();
    let digest: String = Sha256::digest(&archive).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(packed.sha256, digest);
    let elsewhere = TempDir::new().unwrap();
    tar::Archive::new(archive.as_slice()).unpack(elsewhere.path()).unwrap();
    (elsewhere, packed.verifies)
}

#[test]
fn an_archive_verifies_elsewhere_without_palisade() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    session(state.path(), "other");
    let (elsewhere, verifies) = unpacked(state.path());
    // The host may be gone.
    drop(state);
    let evidence = elsewhere.path().join("palisade-evidence");
    assert!(verifies);
    let manifest = fs::read(evidence.join("MANIFEST.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let names: Vec<_> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "verify.py",
            "verify_all.py",
            "ed25519.py",
            "key.txt",
            "journal/0a1b/000001.jsonl",
            "journal/ledger.jsonl",
            "journal/other/000001.jsonl",
            "report.html",
            "report.json",
            "report.oscal.json",
            "report.proof.json"
        ]
    );
    for file in files {
        let bytes = fs::read(evidence.join(file["path"].as_str().unwrap())).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(file["sha256"], hash.as_str());
    }
    let Some(whole) = verify(&evidence) else { return };
    assert!(whole);
    // A report that is not the one which was packed; and none.
    let report = evidence.join("report.html");
    let good = fs::read_to_string(&report).unwrap();
    fs::write(&report, good.replace("denied", "allowed")).unwrap();
    assert_ne!(fs::read_to_string(&report).unwrap(), good);
    assert_eq!(verify_by("verify_all.py", &evidence), Some(false));
    fs::remove_file(&report).unwrap();
    assert_eq!(verify_by("verify_all.py", &evidence), Some(false));
    fs::write(&report, good).unwrap();
    assert_eq!(verify(&evidence), Some(true));
    edit(&evidence, SESSION);
    assert_eq!(verify(&evidence), Some(false));
}

#[test]
fn what_is_no_journal_stays_outside_and_a_session_that_goes_on_is_packed_as_it_was() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    let live: palisade_core::SessionId = "live".parse().unwrap();
    let journal =
        Journal::open(state.path(), &live, None, &PolicyDigest::of(b"one policy")).unwrap();
    let event = Event::observed("access", Layer::Files, "/etc/shadow");
    journal.record_blocking(event, Durability::Written).unwrap();
    let folder = journal_dir(state.path());
    fs::write(folder.join("secret.key"), "a private key").unwrap();
    fs::write(folder.join(SESSION).join("index.sqlite"), "an index").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join(SESSION).join("000002.jsonl")).unwrap();
    let all = fs::read_to_string(file(state.path(), "live")).unwrap();
    // A record that is being written.
    let mut torn = all.clone();
    torn.push_str("{\"v\":1,\"time\":\"20");
    fs::write(file(state.path(), "live"), &torn).unwrap();
    let mut archive = Vec::new();
    let refused = pack(state.path(), &[], &mut archive);
    assert!(refused.is_err(), "a link in place of a segment is not followed");
    fs::remove_file(folder.join(SESSION).join("000002.jsonl")).unwrap();

    let mut archive = Vec::new();
    pack(state.path(), &[], &mut archive).unwrap();
    let elsewhere = TempDir::new().unwrap();
    tar::Archive::new(archive.as_slice()).unpack(elsewhere.path()).unwrap();
    let evidence = elsewhere.path().join("palisade-evidence");
    let packed = fs::read_to_string(evidence.join("journal/live/000001.jsonl")).unwrap();
    assert_eq!(packed, all);
    let text = String::from_utf8_lossy(&archive);
    assert!(!text.contains("a private key") && !text.contains("an index"));
    assert!(verify(&evidence) != Some(false));
}

#[test]
fn a_damaged_journal_is_packed_and_said_to_be_damaged() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    edit(state.path(), SESSION);
    let (elsewhere, verifies) = unpacked(state.path());
    assert!(!verifies);
    assert!(verify(&elsewhere.path().join("palisade-evidence")) != Some(true));
}
