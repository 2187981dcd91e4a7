//! What an auditor does with `palisade audit`: keys, proofs, checkpoints, witnesses, time-stamps.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use palisade_core::{Event, Layer, PolicyDigest, SessionId};
use palisade_journal::{Durability, Journal};

use crate::ran::{Ran, palisade, run};

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn session(&self, id: u8) -> SessionId {
        let session = SessionId::from_random([id; 16]);
        let policy = PolicyDigest::of(b"a policy");
        let journal = Journal::open(&self.path("state"), &session, None, &policy).unwrap();
        let event = Event::observed("connect", Layer::Egress, format!("{id}.example:443"));
        journal.record_blocking(event, Durability::Written).unwrap();
        let end = Event::observed("end", Layer::Process, "exit 0");
        journal.close_blocking(end, Durability::Written).unwrap();
        session
    }

    fn audit(&self, args: &[&str]) -> Ran {
        run(palisade(self.dir.path()).current_dir(self.dir.path()).arg("audit").args(args))
    }

    /// It succeeds, and its standard output goes to a file.
    fn kept(&self, args: &[&str], file: &str) -> String {
        let ran = self.audit(args);
        assert_eq!(ran.exit, 0, "{ran}");
        fs::write(self.path(file), &ran.stdout).unwrap();
        ran.stdout
    }
}

fn copied(from: &Path, to: &Path) {
    let ran = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(ran.success());
}

#[test]
fn one_record_is_proved_with_nothing_but_a_key() {
    let home = Home::new();
    let session = home.session(1);
    home.session(2);
    home.kept(&["key", "show"], "key.txt");
    let event = format!("{session}:2");
    home.kept(&["prove", &event], "proof.json");
    // The auditor has no journal.
    let auditor = Home::new();
    for file in ["key.txt", "proof.json"] {
        fs::copy(home.path(file), auditor.path(file)).unwrap();
    }
    let check = ["verify", "--proof", "proof.json", "--key", "key.txt"];
    let ran = auditor.audit(&check);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stdout.contains("1.example:443") && ran.stdout.contains("proved: 1 records"));
    let text = fs::read_to_string(auditor.path("proof.json")).unwrap();
    fs::write(auditor.path("proof.json"), text.replace("1.example", "9.example")).unwrap();
    assert_eq!(auditor.audit(&check).exit, 1);
    let none = home.audit(&["prove", &format!("{session}:9")]);
    assert_eq!(none.exit, 2, "{none}");
    // By the beginning of its id, as events are named elsewhere.
    let beginning = home.audit(&["prove", &format!("{}:2", &session.as_str()[..16])]);
    assert_eq!(beginning.exit, 0, "{beginning}");
    assert!(beginning.stdout.contains("1.example"), "{beginning}");
    let nobody = home.audit(&["prove", "nobody:2"]);
    assert_eq!(nobody.exit, 2, "{nobody}");
}

#[test]
fn a_key_from_elsewhere_shows_that_all_was_written_anew() {
    let home = Home::new();
    home.session(1);
    home.kept(&["key", "show"], "key.txt");
    let ran = home.audit(&["verify", "--key", "key.txt"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(!ran.stdout.contains("no key was given"));
    fs::remove_dir_all(home.path("state")).unwrap();
    home.session(1);
    assert_eq!(home.audit(&["verify"]).exit, 0);
    let ran = home.audit(&["verify", "--key", "key.txt"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.stdout.contains("its keys do not go back to the given one"), "{ran}");
}

#[test]
fn keys_are_rotated_and_revoked() {
    let home = Home::new();
    home.session(1);
    home.kept(&["key", "show"], "first.txt");
    home.kept(&["key", "rotate"], "second.txt");
    home.session(2);
    let revoke =
        ["key", "revoke", "--key", "second.txt", "--since", "4", "--reason", "a\u{1b}[2Jb"];
    home.kept(&revoke, "third.txt");
    for key in ["first.txt", "second.txt", "third.txt"] {
        let ran = home.audit(&["verify", "--key", key]);
        assert_eq!(ran.exit, 0, "{ran}");
        assert!(ran.stdout.contains(r"a key was revoked (a\u{1b}[2Jb)"), "{ran}");
    }
    let all = home.audit(&["key", "show", "--all"]).stdout;
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn a_witness_on_another_host_sees_a_rollback() {
    let (home, witness) = (Home::new(), Home::new());
    home.session(1);
    home.kept(&["key", "show"], "key.txt");
    let before = home.path("before");
    copied(&home.path("state"), &before);
    home.session(2);
    home.kept(&["checkpoint", "--since", "0"], "shown.json");
    for file in ["key.txt", "shown.json"] {
        fs::copy(home.path(file), witness.path(file)).unwrap();
    }
    let refused = witness.audit(&["witness", "shown.json", "--state", "w"]);
    assert_eq!(refused.exit, 1, "{refused}");
    witness.kept(&["witness", "--state", "w", "--show-key"], "witness.txt");
    let sign = ["witness", "shown.json", "--state", "w", "--trust", "key.txt"];
    witness.kept(&sign, "signed.checkpoint");
    for file in ["witness.txt", "signed.checkpoint"] {
        fs::copy(witness.path(file), home.path(file)).unwrap();
    }
    let verify = [
        "verify",
        "--key",
        "key.txt",
        "--checkpoint",
        "signed.checkpoint",
        "--witness",
        "witness.txt",
    ];
    assert_eq!(home.audit(&verify).exit, 0);
    // It goes on: the witness is shown how, from where it stands.
    home.session(3);
    home.kept(&["checkpoint", "--since", "5"], "shown.json");
    fs::copy(home.path("shown.json"), witness.path("shown.json")).unwrap();
    assert_eq!(witness.audit(&["witness", "shown.json", "--state", "w"]).exit, 0);
    // The same from a copy of the folder.
    let folder = home.path("state");
    assert_eq!(witness.audit(&["witness", folder.to_str().unwrap(), "--state", "w"]).exit, 0);

    fs::remove_dir_all(home.path("state")).unwrap();
    copied(&before, &home.path("state"));
    let folder = home.path("state");
    let refused = witness.audit(&["witness", folder.to_str().unwrap(), "--state", "w"]);
    assert_eq!(refused.exit, 1, "{refused}");
    let ran = home.audit(&verify);
    assert_eq!(ran.exit, 1, "{ran}");
    assert!(ran.stdout.contains("rolled back: 5 entries were signed, 3 were left"), "{ran}");
    // Who held the keys of then and went on otherwise is seen too.
    home.session(4);
    let forked = home.audit(&verify);
    assert_eq!(forked.exit, 1, "{forked}");
    assert!(forked.stdout.contains("forked: a checkpoint of 5 entries knows others"), "{forked}");
}

#[test]
fn checkpoints_go_to_folders_and_to_git() {
    let home = Home::new();
    home.session(1);
    for folder in ["elsewhere", "repository"] {
        fs::create_dir(home.path(folder)).unwrap();
    }
    let git = |args: &[&str]| {
        let repository = home.path("repository");
        let ran = Command::new("git").arg("-C").arg(repository).args(args).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.name", "a"]);
    git(&["config", "user.email", "a@example.com"]);
    // A hook of the repository is none of the operator's.
    let hook = home.path("repository/.git/hooks/pre-commit");
    palisade_testkit::write_program(&hook, "#!/bin/sh\ntouch hooked\nexit 1\n");
    fs::write(home.path("repository/other"), "not ours").unwrap();
    for sessions in 1..=2 {
        let ran =
            home.audit(&["checkpoint", "--to", "elsewhere", "--to", "one", "--git", "repository"]);
        assert_eq!(ran.exit, 0, "{ran}");
        assert_eq!(git(&["log", "--oneline"]).lines().count(), sessions);
        let again = home.audit(&["checkpoint", "--git", "repository"]);
        assert_eq!(again.exit, 0, "{again}");
        home.session(9 - u8::try_from(sessions).unwrap());
    }
    assert!(!home.path("repository/hooked").exists());
    assert!(git(&["status", "--porcelain"]).contains("?? other"));
    let ran = home.audit(&["verify", "--checkpoint", "one"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let kept = fs::read_dir(home.path("elsewhere")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 2);
    // Another checkpoint of the same size is not written over.
    fs::remove_dir_all(home.path("state")).unwrap();
    fs::write(kept.join("000000000003.checkpoint"), "x").unwrap();
    home.session(1);
    let other = home.audit(&["checkpoint", "--to", "elsewhere"]);
    assert_eq!(other.exit, 0, "another log has a folder of its own: {other}");
}

/// `openssl ts` is the server, and afterwards the auditor.
#[test]
fn a_time_stamp_server_stamps_a_checkpoint() {
    let home = Home::new();
    home.session(1);
    let openssl = |args: &[&str]| {
        let ran = Command::new("openssl").current_dir(home.dir.path()).args(args).output();
        ran.map(|ran| (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned()))
    };
    if let Err(error) = openssl(&["version"]) {
        assert!(std::env::var_os("CI").is_none(), "openssl is needed in CI: {error}");
        println!("skipped: no openssl ({error})");
        return;
    }
    let config = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN=stamps.example\n\
        [ext]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n\
        [tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=cert.pem\ncerts=cert.pem\nsigner_key=key.pem\n\
        signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\n\
        tsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n";
    fs::write(home.path("tsa.cnf"), config).unwrap();
    let made = openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "tsa.cnf",
        "-keyout", "key.pem", "-out", "cert.pem",
    ]);
    let (made, said) = made.unwrap();
    assert!(made, "{said}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stamp", listener.local_addr().unwrap());
    let folder = home.dir.path().to_owned();
    let server = thread::spawn(move || {
        for kind in ["good", "other", "none"] {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.contains("content-type: application/timestamp-query"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            if kind != "other" {
                fs::write(folder.join("asked.tsq"), &body).unwrap();
            }
            let reply =
                ["ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "asked.tsq"];
            let ran = Command::new("openssl")
                .current_dir(&folder)
                .args(reply)
                .args(["-out", "answer"])
                .output();
            let ran = ran.unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            let mut answer = fs::read(folder.join("answer")).unwrap();
            if kind == "none" {
                answer.truncate(40);
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    let stamp = ["checkpoint", "--to", "kept", "--tsa", &url];
    let ran = home.audit(&stamp);
    assert_eq!(ran.exit, 0, "{ran}");
    let verify = ["ts", "-verify", "-data", "kept", "-in", "kept.tsr", "-CAfile", "cert.pem"];
    let (good, said) = openssl(&verify).unwrap();
    assert!(good, "{said}");
    let (good, said) = openssl(&[
        "ts",
        "-verify",
        "-queryfile",
        "kept.tsq",
        "-in",
        "kept.tsr",
        "-CAfile",
        "cert.pem",
    ])
    .unwrap();
    assert!(good, "{said}");
    // An answer to another question, and half of one.
    for what in ["answer to another question", "no time-stamp response"] {
        let ran = home.audit(&stamp);
        assert_eq!(ran.exit, 3, "{ran}");
        assert!(ran.stderr.contains(what), "{ran}");
    }
    server.join().unwrap();
}

/// What has no length is not read without end.
#[test]
fn a_proof_without_end_is_refused() {
    let home = Home::new();
    home.session(1);
    let key = home.audit(&["key", "show"]).stdout;
    fs::write(home.path("key"), key).unwrap();
    for arguments in [
        ["verify", "--key", "/dev/zero", "."],
        ["verify", "--key", "key", "--proof=/dev/zero"],
        ["verify", "--key", "key", "--checkpoint=/dev/zero"],
    ] {
        let ran = home.audit(&arguments);
        assert_eq!(ran.exit, 2, "{ran}");
        assert!(ran.stderr.contains("/dev/zero: it is too long"), "{ran}");
    }
}
