//! What records name goes with them: policies, recordings, what was said to models. What opens them does not.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use palisade_core::{Event, Layer, SessionId};
use palisade_export::ship::Place;
use palisade_journal::{Durability, keep, verify::Kind};
use serde_json::json;

use crate::{
    ship::{PATIENCE, checked, files, folder, is_whole, send, shipments},
    world::session,
};

const RECORDING: &[u8] = b"palisade-recording 2\nsealed pieces of what a terminal showed";
const SAID: [&[u8]; 2] = [b"a sealed prompt", b"and a sealed answer"];
/// What opens them is nowhere but here.
const KEY: &[u8] = b"thirty-two bytes that open it all";

fn hex(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(state: &Path, folder: &str, name: &str, bytes: &[u8]) -> PathBuf {
    fs::create_dir_all(state.join(folder)).unwrap();
    let path = state.join(folder).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A session with all of it, and what is at the place afterwards if it is whole.
fn full(number: u8, state: &Path) -> SessionId {
    let policy = b"{\"v\":1,\"rules\":[]}\n";
    write(state, "policies", &format!("{}.json", hex(policy)), policy);
    let journal = session(state, number);
    let id = journal.session().clone();
    write(state, "recordings", &format!("{id}.cast.sealed"), RECORDING);
    write(state, "recordings", &format!("{id}.cast.key"), KEY);
    write(state, "content", &format!("{id}.sealed"), &SAID.concat());
    write(state, "content", &format!("{id}.key"), KEY);
    let piece = |number: usize| {
        let offset = if number == 0 { 0 } else { SAID[0].len() };
        let bytes = SAID[number];
        json!([{"number": number, "offset": offset, "length": bytes.len(), "sha256": hex(bytes)}])
    };
    let observed = |kind: &str| Event::observed(kind, Layer::Supervisor, "subject");
    for event in [
        observed("launch").with("policy_document", format!("sha256:{}", hex(policy))),
        observed("recording"),
        observed("content").with("content", piece(0)),
        observed("model_answer").with("content", piece(1)),
        observed("recorded").with("sha256", hex(RECORDING)).with("bytes", RECORDING.len()),
    ] {
        journal.record_blocking(event, Durability::Written).unwrap();
    }
    journal.close_blocking(observed("end"), Durability::Written).unwrap();
    id
}

struct World {
    state: tempfile::TempDir,
    to: tempfile::TempDir,
    place: Place,
}

impl World {
    fn new() -> Self {
        let (state, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = folder(to.path());
        Self { state, to, place }
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    fn copy(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.to.path()).unwrap().map(|it| it.unwrap().path());
        entries.find(|path| path.file_name().unwrap().len() == 16).unwrap()
    }

    fn lacking(&self, session: &SessionId) -> Vec<(String, String)> {
        let known = shipments(self.state());
        let one = known.iter().find(|one| one.session == *session).unwrap();
        one.lacking.iter().map(|it| (it.name.clone(), it.why.clone())).collect()
    }
}

#[test]
fn what_records_name_goes_with_them_and_what_opens_it_does_not() {
    let world = World::new();
    let one = full(1, world.state());
    let two = full(2, world.state());
    assert_eq!(send(world.state(), &world.place, PATIENCE), (2, vec![]));
    let report = is_whole(world.state(), world.to.path());
    assert!(report.lacking.is_empty());
    let copy = world.copy();
    for id in [&one, &two] {
        let read = |name: String| fs::read(copy.join(name)).unwrap();
        assert_eq!(read(format!("_recordings/{id}.cast.sealed")), RECORDING);
        assert_eq!(read(format!("_content/{id}.sealed")), SAID.concat());
    }
    // Both have the same policy.
    assert_eq!(fs::read_dir(copy.join("_policies")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(copy.join("_manifests")).unwrap().count(), 2);
    let all = files(world.to.path());
    assert!(all.keys().all(|path| path.extension().is_none_or(|it| it != "key")));
    assert!(!all.values().any(|bytes| bytes.windows(KEY.len()).any(|part| part == KEY)));
    assert_eq!(send(world.state(), &world.place, PATIENCE), (0, vec![]));
    assert_eq!(files(world.to.path()), all);
    assert!(shipments(world.state()).iter().all(|it| it.again == 0 && it.objects.len() == 4));
}

/// Whoever can write to the place takes away, changes, and puts one in the place of another, and his lists too.
#[test]
fn what_is_taken_from_it_or_changed_in_it_is_damage() {
    let world = World::new();
    let one = full(1, world.state());
    let two = full(2, world.state());
    send(world.state(), &world.place, PATIENCE);
    let copy = world.copy();
    let aside = world.to.path().join("aside");
    let named = |it: &PathBuf| {
        let folder = it.parent().unwrap().file_name().unwrap().to_str().unwrap();
        folder.starts_with('_') && folder != "_ledger"
    };
    let all: Vec<PathBuf> = files(&copy).into_keys().filter(named).collect();
    assert_eq!(all.len(), 2 + 2 + 2 + 1);
    for path in &all {
        fs::rename(path, &aside).unwrap();
        let report = checked(world.state(), &copy);
        assert!(report.damages().any(|it| it.kind == Kind::Gone && it.path == *path), "{path:?}");
        symlink(&aside, path).unwrap();
        assert!(!checked(world.state(), &copy).is_whole(), "{path:?}");
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
        assert!(!checked(world.state(), &copy).is_whole(), "{path:?}");
        fs::remove_dir(path).unwrap();
        fs::rename(&aside, path).unwrap();
        let good = fs::read(path).unwrap();
        for bad in [b"".to_vec(), [&good[..], b"\n"].concat(), [b"x", &good[1..]].concat()] {
            fs::write(path, bad).unwrap();
            let report = checked(world.state(), &copy);
            let edited =
                |it: &palisade_journal::verify::Damage| it.kind == Kind::Edited && it.path == *path;
            assert!(report.damages().any(edited), "{path:?}");
        }
        fs::write(path, good).unwrap();
    }
    is_whole(world.state(), &copy);
    // A whole folder, and with it the lists: the ledger knows.
    let mut folders: Vec<PathBuf> = all.iter().map(|it| it.parent().unwrap().into()).collect();
    folders.dedup();
    for name in &folders {
        fs::rename(name, &aside).unwrap();
        assert!(!checked(world.state(), &copy).is_whole(), "{name:?}");
        symlink(&aside, name).unwrap();
        assert!(!checked(world.state(), &copy).is_whole(), "{name:?}");
        fs::remove_file(name).unwrap();
        fs::rename(&aside, name).unwrap();
    }
    // One session's in the place of the other's.
    fs::write(copy.join(format!("_content/{one}.sealed")), "other").unwrap();
    let report = checked(world.state(), &copy);
    let damaged: Vec<_> = report.sessions.iter().filter(|it| it.damage.is_some()).collect();
    assert!(damaged.len() == 1 && damaged[0].session == one && one != two);
}

/// What was erased here does not go, and what went before is of no use to anybody: its key never left.
#[test]
fn what_was_erased_does_not_go_and_the_ledger_and_the_list_say_so() {
    let world = World::new();
    let before = full(1, world.state());
    send(world.state(), &world.place, PATIENCE);
    let after = full(2, world.state());
    for id in [&before, &after] {
        // The key alone is destroyed: a crash came, and the rest is still here.
        let destroy = || {
            fs::remove_file(world.state().join(format!("content/{id}.key")))?;
            fs::remove_file(world.state().join(format!("recordings/{id}.cast.key")))
        };
        let erased = keep::erase(world.state(), id, "asked for", destroy).unwrap();
        assert!(matches!(erased, keep::Erased::Done));
    }
    assert_eq!(send(world.state(), &world.place, PATIENCE), (1, vec![]));
    let report = is_whole(world.state(), world.to.path());
    let copy = world.copy();
    assert!(copy.join(format!("_content/{before}.sealed")).exists());
    assert!(!copy.join(format!("_content/{after}.sealed")).exists());
    assert!(!copy.join(format!("_recordings/{after}.cast.sealed")).exists());
    let why = |it: &(String, String)| it.1 == "erased";
    assert!(world.lacking(&after).len() == 2 && world.lacking(&after).iter().all(why));
    assert_eq!(report.lacking.len(), 2);
    assert!(report.lacking.iter().all(|(id, it)| *id == after && it.why == "erased"));
    assert_eq!(report.sessions.iter().filter(|it| it.erased.is_some()).count(), 2);
    // That it was erased stays in the list: a name put back is no damage, and nothing of ours.
    assert!(world.lacking(&before).is_empty());
}

#[test]
fn what_is_not_what_its_records_say_stays_and_is_told_and_the_rest_goes() {
    type Harm<'a> = (&'a dyn Fn(&World, &SessionId), usize, &'a str);
    let recording =
        |world: &World, id: &SessionId| world.state().join(format!("recordings/{id}.cast.sealed"));
    let content =
        |world: &World, id: &SessionId| world.state().join(format!("content/{id}.sealed"));
    let harms: [Harm<'_>; 6] = [
        (&|world, id| fs::remove_file(recording(world, id)).unwrap(), 1, "not-there"),
        (&|world, id| fs::write(recording(world, id), "other").unwrap(), 1, "changed"),
        (&|world, id| fs::write(content(world, id), SAID[0]).unwrap(), 1, "changed"),
        (
            &|world, id| fs::write(content(world, id), [SAID[1], SAID[0]].concat()).unwrap(),
            1,
            "changed",
        ),
        (&|world, _| fs::remove_dir_all(world.state().join("policies")).unwrap(), 1, "not-there"),
        (
            &|world, _| {
                for path in files(&world.state().join("policies")).keys() {
                    fs::write(path, "{}").unwrap();
                }
            },
            1,
            "changed",
        ),
    ];
    for (number, (harm, count, why)) in harms.iter().enumerate() {
        let world = World::new();
        let id = full(1, world.state());
        harm(&world, &id);
        assert_eq!(send(world.state(), &world.place, PATIENCE), (1, vec![]), "{number}");
        let lacking = world.lacking(&id);
        assert!(lacking.len() == *count && lacking[0].1 == *why, "{number}: {lacking:?}");
        let report = is_whole(world.state(), world.to.path());
        assert_eq!(report.lacking.len(), *count, "{number}");
    }
    // A link is not followed, and the session waits.
    let world = World::new();
    let id = full(1, world.state());
    let victim = write(world.state(), "other", "victim", b"precious");
    fs::remove_file(content(&world, &id)).unwrap();
    symlink(victim, content(&world, &id)).unwrap();
    let (there, left) = send(world.state(), &world.place, PATIENCE);
    assert!(there == 0 && left.len() == 1, "{left:?}");
    assert!(!files(world.to.path()).values().any(|it| it.as_slice() == b"precious"));
}

/// One with its key in it would come back from a copy after it was erased here.
#[test]
fn a_recording_that_has_its_key_in_it_does_not_go() {
    let world = World::new();
    let old = b"palisade-recording 1\nwith its key";
    let journal = session(world.state(), 1);
    let id = journal.session().clone();
    write(world.state(), "recordings", &format!("{id}.cast.sealed"), old);
    let recorded = Event::observed("recorded", Layer::Supervisor, "it").with("sha256", hex(old));
    journal.record_blocking(recorded, Durability::Written).unwrap();
    let last = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(last, Durability::Written).unwrap();
    assert_eq!(send(world.state(), &world.place, PATIENCE), (1, vec![]));
    is_whole(world.state(), world.to.path());
    assert_eq!(world.lacking(&id)[0].1, "old-form");
    assert!(!files(world.to.path()).values().any(|it| it.as_slice() == old));
}

/// Versions before this one shipped segments and nothing else.
#[test]
fn what_an_earlier_version_left_goes_with_all() {
    let world = World::new();
    let id = full(1, world.state());
    // As it was then: the session without what it names, and a state that says no more.
    let aside = world.state().join("aside");
    fs::create_dir(&aside).unwrap();
    let folders = ["policies", "recordings", "content"];
    for name in folders {
        fs::rename(world.state().join(name), aside.join(name)).unwrap();
    }
    assert_eq!(send(world.state(), &world.place, PATIENCE), (1, vec![]));
    for name in folders {
        fs::rename(aside.join(name), world.state().join(name)).unwrap();
    }
    let done = |path: &&PathBuf| path.ends_with(format!("done/{id}.json"));
    let path = files(&world.state().join("ship")).keys().find(done).unwrap().clone();
    let mut known: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for member in ["with_named", "lacking"] {
        known.as_object_mut().unwrap().remove(member).unwrap();
    }
    fs::write(&path, known.to_string()).unwrap();
    assert_eq!(send(world.state(), &world.place, PATIENCE), (1, vec![]));
    let report = is_whole(world.state(), world.to.path());
    assert!(report.lacking.is_empty() && world.lacking(&id).is_empty());
    assert_eq!(fs::read_dir(world.copy().join("_manifests")).unwrap().count(), 2);
    assert_eq!(send(world.state(), &world.place, PATIENCE), (0, vec![]));
}
