//! Sessions that ended, at places elsewhere.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, StatusCode};
use palisade_core::{Event, Layer, SecretString, SessionId};
use palisade_export::ship::{Place, Shipment, Shipper, Unshipped, by_hand, states};
use palisade_journal::{
    Timestamp, journal_dir,
    keep::{Options, Retention, tidy},
    verify::{self, Kind, Report},
};
use palisade_policy::{AwsKey, HeaderCredential, ObjectLock, S3, SecretSource, Ship};
use palisade_testkit::{Recorded, Upstream, answer};
use serde_json::Value;

use crate::world::{World, denied, records, session, wait_for};

pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn whole(number: u8, state: &Path, events: u32) -> SessionId {
    let journal = session(state, number);
    for n in 0..events {
        let event = denied("connect", Layer::Egress, &format!("host-{n}.example:443"));
        journal.record_blocking(event, palisade_journal::Durability::Written).unwrap();
    }
    let last = Event::observed("end", Layer::Process, "exit 0").with("status", 0);
    journal.close_blocking(last, palisade_journal::Durability::Written).unwrap();
    journal.session().clone()
}

pub(crate) fn send(state: &Path, place: &Place, within: Duration) -> (u64, Vec<Unshipped>) {
    by_hand(state, std::slice::from_ref(place), true, within).unwrap()
}

pub(crate) fn folder(path: &Path) -> Place {
    Place { ship: Ship::Folder(path.to_owned()), secret: None }
}

/// The copy, checked with the journal's key, as a verifier does who has nothing else.
pub(crate) fn checked(state: &Path, copy: &Path) -> Report {
    let key = verify::verify(state, &verify::Options::default()).unwrap().signed.unwrap();
    let options = verify::Options { key: Some(key), ..verify::Options::default() };
    verify::verify(copy, &options).unwrap()
}

pub(crate) fn is_whole(state: &Path, copy: &Path) -> Report {
    let report = checked(state, copy);
    assert!(report.is_whole() && report.pinned && report.copy, "{:?}", report.damages().next());
    report
}

pub(crate) fn shipments(state: &Path) -> Vec<Shipment> {
    let (places, unreadable) = states(state, true).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    places.into_iter().flat_map(|(_, list)| list).collect()
}

/// Every file below, by its path, with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => all.extend(files(&entry.path())),
            false => drop(all.insert(entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
    all
}

#[test]
fn a_folder_has_what_verifies_by_itself() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 300);
    let running = session(state.path(), 2);
    let place = folder(to.path());
    assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
    let report = is_whole(state.path(), to.path());
    assert_eq!(report.sessions.len(), 1);
    assert_eq!((&report.sessions[0].session, report.sessions[0].records), (&one, 302));
    assert_eq!(report.absent, [running.session().clone()]);
    // Nothing goes twice.
    let before = files(to.path());
    assert_eq!(send(state.path(), &place, PATIENCE), (0, vec![]));
    assert_eq!(files(to.path()), before);
    let known = shipments(state.path());
    assert_eq!((known[0].records, known[0].again, known[0].objects.len()), (302, 0, 1));
    // Another one, and all that there was stays as it is.
    let last = Event::observed("end", Layer::Process, "exit 0").with("status", 0);
    running.close_blocking(last, palisade_journal::Durability::Written).unwrap();
    assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
    let after = files(to.path());
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)));
    let report = is_whole(state.path(), to.path());
    assert_eq!((report.sessions.len(), report.absent.len()), (2, 0));
    // The journal itself is whole as well.
    let report = verify::verify(state.path(), &verify::Options::default()).unwrap();
    assert!(report.is_whole() && !report.copy, "{:?}", report.damages().next());
}

/// Whoever can write to the place can take away and change; he cannot make it look whole.
#[test]
fn what_is_taken_from_a_copy_or_changed_in_it_is_damage() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 50);
    let two = whole(2, state.path(), 50);
    assert_eq!(send(state.path(), &folder(to.path()), PATIENCE), (2, vec![]));
    is_whole(state.path(), to.path());
    let copy = fs::read_dir(to.path()).unwrap().next().unwrap().unwrap().path();
    let aside = to.path().join("aside");

    fs::rename(copy.join(one.as_str()), &aside).unwrap();
    let report = checked(state.path(), &copy);
    assert!(report.damages().any(|it| it.kind == Kind::Missing && it.path.ends_with(one.as_str())));
    // Both gone is no copy of nothing.
    let other = to.path().join("other");
    fs::rename(copy.join(two.as_str()), &other).unwrap();
    assert!(!checked(state.path(), &copy).is_whole());
    fs::rename(&other, copy.join(two.as_str())).unwrap();
    fs::rename(&aside, copy.join(one.as_str())).unwrap();
    is_whole(state.path(), to.path());

    let parts: Vec<PathBuf> = files(&copy.join("_ledger")).into_keys().collect();
    assert_eq!(parts.len(), 2);
    fs::rename(&parts[0], &aside).unwrap();
    assert!(!checked(state.path(), &copy).is_whole());
    fs::rename(&aside, &parts[0]).unwrap();
    let text = fs::read_to_string(&parts[0]).unwrap();
    fs::write(&parts[0], text.replacen("\"end\"", "\"and\"", 1)).unwrap();
    assert!(!checked(state.path(), &copy).is_whole());
    fs::write(&parts[0], text).unwrap();

    let segment = copy.join(one.as_str()).join("000001.jsonl.zst");
    let plain = zstd::stream::decode_all(fs::read(&segment).unwrap().as_slice()).unwrap();
    let text = String::from_utf8(plain).unwrap().replacen("host-7", "host-8", 1);
    fs::write(&segment, zstd::stream::encode_all(text.as_bytes(), 3).unwrap()).unwrap();
    assert!(!checked(state.path(), &copy).is_whole());
}

/// What stands at the place under a name of ours is neither followed nor written over.
#[test]
fn nothing_that_is_there_is_written_over() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 5);
    let two = whole(2, state.path(), 5);
    let place = folder(to.path());
    let name = palisade_journal::ship::Shipping::begin(state.path()).unwrap().unwrap().name;
    let (copy, victim) = (to.path().join(&name), to.path().join("victim"));
    fs::create_dir(&victim).unwrap();
    symlink(&victim, &copy).unwrap();
    let (there, left) = send(state.path(), &place, Duration::from_secs(2));
    assert_eq!((there, left.len()), (0, 1), "{left:?}");
    assert!(fs::read_dir(&victim).unwrap().next().is_none());
    fs::remove_file(&copy).unwrap();

    let session = copy.join(one.as_str());
    fs::create_dir_all(&session).unwrap();
    fs::write(victim.join("file"), "precious").unwrap();
    symlink(victim.join("file"), session.join("000001.jsonl.zst")).unwrap();
    let (there, left) = send(state.path(), &place, PATIENCE);
    // The other one goes.
    assert_eq!(there, 1, "{left:?}");
    assert!(
        left[0].session.as_ref() == Some(&one) && left[0].why.ends_with("is a link"),
        "{left:?}"
    );
    assert_eq!(fs::read(victim.join("file")).unwrap(), b"precious");
    fs::remove_file(session.join("000001.jsonl.zst")).unwrap();
    fs::write(session.join("000001.jsonl.zst"), "something else").unwrap();
    let (there, left) = send(state.path(), &place, PATIENCE);
    assert_eq!(there, 0);
    assert!(left[0].why.contains("another file has its name"), "{left:?}");
    assert_eq!(fs::read(session.join("000001.jsonl.zst")).unwrap(), b"something else");
    let known = shipments(state.path());
    let known = known.iter().find(|it| it.session == one).unwrap();
    assert!(known.failures >= 2 && known.failing_since.is_some() && known.shipped.is_none());
    fs::remove_file(session.join("000001.jsonl.zst")).unwrap();
    assert_eq!(send(state.path(), &place, PATIENCE).0, 1);
    let report = is_whole(state.path(), &copy);
    assert!(report.sessions.iter().any(|it| it.session == two));
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole(1, state.path(), 5);
    let place = folder(&to.path().join("disk"));
    let (there, left) = send(state.path(), &place, Duration::from_secs(1));
    assert_eq!((there, left.len()), (0, 1), "{left:?}");
    assert!(!to.path().join("disk").exists());
    fs::create_dir(to.path().join("disk")).unwrap();
    assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
    is_whole(state.path(), &to.path().join("disk"));
}

#[test]
fn what_is_damaged_stays_and_is_told_and_the_others_go() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 5);
    whole(2, state.path(), 5);
    let path = journal_dir(state.path()).join(one.as_str()).join("000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("host-3", "host-4", 1)).unwrap();
    let (there, left) = send(state.path(), &folder(to.path()), PATIENCE);
    assert_eq!(there, 1);
    assert!(left[0].session == Some(one) && left[0].why.contains("it is damaged"), "{left:?}");
    // Neither was it compressed.
    assert!(path.exists());
    is_whole(state.path(), to.path());
}

/// What a rule removed before is not there; what it removes afterwards is.
#[test]
fn retention_and_shipping_go_together() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 50);
    let remove = || {
        let otherwise = Retention::default().with("default", 86_400);
        let now = Timestamp::now().plus_seconds(2 * 86_400);
        tidy(state.path(), &Options { now, otherwise, only: None, dry: false }).unwrap()
    };
    assert_eq!(send(state.path(), &folder(to.path()), PATIENCE), (1, vec![]));
    assert!(remove().sessions[0].dropped > 50);
    whole(2, state.path(), 5);
    assert!(remove().sessions.iter().any(|it| it.dropped > 5));
    assert_eq!(send(state.path(), &folder(to.path()), PATIENCE), (1, vec![]));
    let report = is_whole(state.path(), to.path());
    let dropped =
        |id: &SessionId| report.sessions.iter().find(|it| it.session == *id).unwrap().dropped;
    assert_eq!(dropped(&one), 0);
    assert!(report.sessions.iter().any(|it| it.dropped > 5));
}

/// What comes behind a session's end goes as well, and until it is there the copy is that of before.
#[test]
fn a_session_that_goes_on_after_it_was_shipped_is_shipped_again() {
    let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = whole(1, state.path(), 5);
    assert_eq!(send(state.path(), &folder(to.path()), PATIENCE), (1, vec![]));
    whole(1, state.path(), 9);
    whole(2, state.path(), 3);
    let copy = fs::read_dir(to.path()).unwrap().next().unwrap().unwrap().path();
    let next = copy.join(one.as_str()).join("000002.jsonl.zst");
    fs::create_dir(&next).unwrap();
    let (there, left) = send(state.path(), &folder(to.path()), PATIENCE);
    assert_eq!((there, left.len()), (1, 1), "{left:?}");
    let aside = to.path().join("aside");
    fs::rename(&next, &aside).unwrap();
    let report = is_whole(state.path(), &copy);
    assert_eq!((report.sessions.len(), report.absent.as_slice()), (2, &[one][..]));
    assert_eq!(send(state.path(), &folder(to.path()), PATIENCE), (1, vec![]));
    let report = is_whole(state.path(), &copy);
    assert_eq!((report.records(), report.absent.len()), (7 + 11 + 5, 0));
    fs::remove_file(&next).unwrap();
    assert!(!checked(state.path(), &copy).is_whole());
}

#[test]
fn a_session_ships_itself_when_it_ends_and_what_was_left_before() {
    let (world, to) = (World::new(), tempfile::tempdir().unwrap());
    let disk = to.path().join("disk");
    let begin = |world: &World, journal| {
        Shipper::start(world.state(), journal, vec![folder(&disk)], PATIENCE).unwrap()
    };
    let shipper = begin(&world, &world.journal);
    world.connect("a.example:443");
    world.end();
    // The disk is not there. It is asked again as long as there is time.
    let short = Shipper::start(
        world.state(),
        &session(world.state(), 2),
        vec![folder(&disk)],
        Duration::from_secs(2),
    );
    let left = short.unwrap().finish();
    assert!(left.iter().all(|it| it.why.contains("No such file")), "{left:?}");
    // Its writer is a thread that ends a little later: while it lives, so does the session.
    let second = journal_dir(world.state()).join(SessionId::from_random([2; 16]).as_str());
    wait_for("the writer's end", || {
        let segments = fs::read_dir(&second).unwrap().map(|it| it.unwrap().path());
        segments
            .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
            .all(|path| fs::File::open(path).unwrap().try_lock_shared().is_ok())
    });
    fs::create_dir(&disk).unwrap();
    assert_eq!(shipper.finish(), []);
    // The second one has died meanwhile: it is ended, and goes as well.
    let report = is_whole(world.state(), &disk);
    assert_eq!(report.sessions.len(), 2);
    // Another one finds beside itself what is owed.
    let left = whole(4, world.state(), 3);
    palisade_export::ship::owe(world.state(), &[Ship::Folder(disk.clone())], &left).unwrap();
    let third = session(world.state(), 3);
    let shipper = begin(&world, &third);
    wait_for("what was left", || checked(world.state(), &disk).sessions.len() == 3);
    let last = Event::observed("end", Layer::Process, "exit 0").with("status", 0);
    third.close_blocking(last, palisade_journal::Durability::Written).unwrap();
    assert_eq!(shipper.finish(), []);
    assert_eq!(is_whole(world.state(), &disk).sessions.len(), 4);
}

#[test]
fn an_outage_is_recorded_and_so_is_its_end() {
    let (world, to) = (World::new(), tempfile::tempdir().unwrap());
    let disk = to.path().join("disk");
    let before = whole(9, world.state(), 3);
    palisade_export::ship::owe(world.state(), &[Ship::Folder(disk.clone())], &before).unwrap();
    let shipper =
        Shipper::start(world.state(), &world.journal, vec![folder(&disk)], PATIENCE).unwrap();
    let says = |kind: &str| world.records().iter().filter(|it| it.kind == kind).count();
    wait_for("the lag", || says("ship_lag") == 1);
    fs::create_dir(&disk).unwrap();
    wait_for("the end of it", || says("ship_resumed") == 1);
    wait_for("the session", || shipments(world.state()).iter().any(|it| it.shipped.is_some()));
    world.end();
    assert_eq!(shipper.finish(), []);
    assert_eq!(says("ship_lag"), 1);
    assert!(records(world.state(), &before).iter().all(|it| !it.kind.starts_with("ship_")));
}

/// A server of S3 that does as it is told.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    puts: usize,
}

pub(crate) fn s3(port: u16, access_key: &str, secret: &str, lock: Option<ObjectLock>) -> Place {
    let from = SecretSource::Env(String::new());
    let credential = HeaderCredential {
        name: "evidence".into(),
        from,
        header: String::new(),
        expose: None,
        aws: Some(AwsKey::Named(access_key.into())),
        refresh: None,
    };
    let s3 = S3 {
        endpoint: format!("http://127.0.0.1:{port}"),
        bucket: "evidence".into(),
        prefix: "host-1".into(),
        region: "eu-central-1".into(),
        credential: Some(credential),
        lock,
        ca: None,
    };
    Place { ship: Ship::S3(Box::new(s3)), secret: Some(SecretString::from(secret)) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// This status for the first so many.
    Busy(u16, usize),
    /// Another digest than that of what came.
    OtherDigest,
    /// It takes all and keeps nothing, and does not say what it took.
    Forgets,
    /// It does not say what it took, and is asked.
    Silent,
    /// It keeps the object and breaks off.
    BreaksOff,
    /// It has something else by each name.
    HasOthers,
    /// It never answers.
    Hangs,
}

fn bucket(flaw: Flaw) -> (Upstream, Arc<Mutex<Bucket>>) {
    let bucket = Arc::new(Mutex::new(Bucket::default()));
    let inner = Arc::clone(&bucket);
    let server = Upstream::start(move |request: Recorded| {
        let (inner, hangs) = (Arc::clone(&inner), flaw == Flaw::Hangs);
        async move {
            let mut answered = {
                let mut bucket = inner.lock().unwrap();
                handled(&mut bucket, flaw, &request)
            };
            if hangs {
                std::future::pending::<()>().await;
            }
            if answered.status() == StatusCode::IM_A_TEAPOT {
                // The connection ends in the middle of the answer's body.
                let (tell, parts) = tokio::sync::mpsc::channel(1);
                drop(tell.send(Err(std::io::Error::other("gone"))).await);
                answered = palisade_testkit::stream("text/plain", parts);
            }
            answered
        }
    });
    (server.unwrap(), bucket)
}

fn handled(bucket: &mut Bucket, flaw: Flaw, request: &Recorded) -> palisade_testkit::Answer {
    let says = |status: u16| answer(StatusCode::from_u16(status).unwrap(), "text/plain", "");
    let name = request.uri.path().to_owned();
    let digest = |bytes: &[u8]| {
        BASE64_STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
    };
    if request.method == Method::HEAD {
        let Some(bytes) = bucket.objects.get(&name) else { return says(404) };
        let mut answered = answer(StatusCode::OK, "application/zstd", bytes.clone());
        if flaw != Flaw::Silent {
            let said = if flaw == Flaw::OtherDigest { digest(b"") } else { digest(bytes) };
            let digest = said.parse().unwrap();
            answered.headers_mut().insert("x-amz-checksum-sha256", digest);
        }
        return answered;
    }
    assert_eq!(request.method, Method::PUT);
    bucket.puts += 1;
    assert_eq!(request.header("x-amz-checksum-sha256"), digest(&request.body));
    assert_eq!(request.header("if-none-match"), "*");
    if bucket.objects.contains_key(&name) {
        return says(412);
    }
    match flaw {
        Flaw::Busy(status, times) if bucket.puts <= times => return says(status),
        Flaw::HasOthers => {
            bucket.objects.insert(name, b"other".to_vec());
            return says(412);
        }
        Flaw::Forgets => return says(200),
        _ => {}
    }
    bucket.objects.insert(name, request.body.to_vec());
    let mut answered = says(if flaw == Flaw::BreaksOff { 418 } else { 200 });
    let said = if flaw == Flaw::OtherDigest { digest(b"") } else { digest(&request.body) };
    if flaw != Flaw::Silent {
        answered.headers_mut().insert("x-amz-checksum-sha256", said.parse().unwrap());
    }
    answered
}

/// The bucket's objects as files.
fn downloaded(bucket: &Mutex<Bucket>) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for (name, bytes) in &bucket.lock().unwrap().objects {
        let path = to.path().join(name.strip_prefix("/evidence/host-1/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    to
}

#[test]
fn servers_that_are_busy_or_silent_or_break_off_get_all_of_it_once() {
    for flaw in [
        Flaw::None,
        Flaw::Busy(503, 2),
        Flaw::Busy(500, 1),
        Flaw::Busy(403, 1),
        Flaw::Silent,
        Flaw::BreaksOff,
    ] {
        let state = tempfile::tempdir().unwrap();
        whole(1, state.path(), 20);
        let (server, bucket) = bucket(flaw);
        let place = s3(server.address().port(), "AKIA1", "secret", None);
        assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]), "{flaw:?}");
        let to = downloaded(&bucket);
        assert_eq!(is_whole(state.path(), to.path()).sessions.len(), 1, "{flaw:?}");
        let again = shipments(state.path())[0].again;
        assert_eq!(again, u64::from(flaw == Flaw::BreaksOff), "{flaw:?}");
        // The key is in no request, and in nothing that is kept.
        assert!(!server.requests().iter().any(|it| it.contains("secret")));
        assert!(!files(state.path()).values().any(|it| it.windows(6).any(|it| it == b"secret")));
    }
}

#[test]
fn what_a_server_says_that_lies_refuses_or_hangs_is_not_believed() {
    for (flaw, why) in [
        (Flaw::OtherDigest, "another object has its name"),
        (Flaw::Forgets, "has it not"),
        (Flaw::HasOthers, "another object has its name"),
        (Flaw::Busy(403, usize::MAX), "it answered 403"),
        (Flaw::Busy(301, usize::MAX), "it answered 301"),
        (Flaw::Hangs, "there was no more time"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let one = whole(1, state.path(), 20);
        let (server, _bucket) = bucket(flaw);
        let place = s3(server.address().port(), "AKIA1", "secret", None);
        let (there, left) = send(state.path(), &place, Duration::from_secs(2));
        assert_eq!((there, left.len()), (0, 1), "{flaw:?}");
        // What was said last counts, unless the time ended it.
        let known = left[0].why.contains(why) || left[0].why.contains("no more time");
        assert!(known, "{flaw:?}: {left:?}");
        let known = shipments(state.path());
        assert!(known.iter().all(|it| it.shipped.is_none()), "{flaw:?}");
        // The ledger does not say that it is there.
        let ledger = fs::read_to_string(journal_dir(state.path()).join("ledger.jsonl")).unwrap();
        assert!(!ledger.contains("\"shipped\"") && ledger.contains(one.as_str()));
        // Another server gets it.
        let (other, bucket) = bucket(Flaw::None);
        let place = s3(other.address().port(), "AKIA1", "secret", None);
        assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
        is_whole(state.path(), downloaded(&bucket).path());
    }
}

/// A server that is not ours, and checks signatures by code that is not ours.
pub(crate) struct Moto {
    pub(crate) port: u16,
    pub(crate) access_key: String,
    pub(crate) secret: String,
    child: Child,
    input: ChildStdin,
    lines: BufReader<std::process::ChildStdout>,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Moto {
    pub(crate) fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packages =
            std::env::var_os("PALISADE_S3").map_or(root.join("target/s3"), PathBuf::from);
        if !packages.join("moto").is_dir() {
            let what = "run tests/s3/install.sh for an S3-compatible server";
            assert!(std::env::var_os("CI").is_none(), "{what}");
            println!("skipped: {what}");
            return None;
        }
        let mut command = Command::new("python3");
        command.arg("-B").arg(root.join("tests/s3/server.py")).env("PYTHONPATH", packages);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let first = json_line(&mut lines);
        let text = |name: &str| first[name].as_str().unwrap().to_owned();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Some(Self {
            port,
            access_key: text("access_key"),
            secret: text("secret"),
            child,
            input,
            lines,
        })
    }

    /// What it holds, also as files.
    pub(crate) fn dump(&mut self, to: &Path) -> Value {
        writeln!(self.input, "dump {}", to.display()).unwrap();
        json_line(&mut self.lines)["objects"].clone()
    }
}

fn json_line(lines: &mut impl BufRead) -> Value {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no line of JSON: {line}"))
}

#[test]
fn a_server_that_is_not_ours_takes_what_is_signed_and_keeps_it_locked() {
    let Some(mut moto) = Moto::start() else { return };
    let state = tempfile::tempdir().unwrap();
    whole(1, state.path(), 100);
    whole(2, state.path(), 100);
    let lock = ObjectLock { compliance: true, seconds: 30 * 86_400 };
    // A key that it does not know is refused.
    let wrong = s3(moto.port, &moto.access_key, "another secret", Some(lock));
    let (there, left) = send(state.path(), &wrong, Duration::from_secs(3));
    assert_eq!(there, 0);
    assert!(left[0].why.contains("403") || left[0].why.contains("no more time"), "{left:?}");
    let to = tempfile::tempdir().unwrap();
    assert_eq!(moto.dump(to.path()), serde_json::json!({}));

    let place = s3(moto.port, &moto.access_key, &moto.secret, Some(lock));
    assert_eq!(send(state.path(), &place, PATIENCE), (2, vec![]));
    assert_eq!(send(state.path(), &place, PATIENCE), (0, vec![]));
    let held = moto.dump(to.path());
    let held = held.as_object().unwrap();
    assert_eq!(held.len(), 4, "{held:?}");
    for (name, object) in held {
        assert!(name.starts_with("host-1/"), "{name}");
        assert_eq!(object["versions"], 1, "{name}");
        assert_eq!(object["lock"], "COMPLIANCE", "{name}");
        assert!(object["until"].as_str().is_some_and(|it| it.starts_with("20")), "{name}");
    }
    let report = is_whole(state.path(), &to.path().join("host-1"));
    assert_eq!((report.sessions.len(), report.records()), (2, 204));
}
