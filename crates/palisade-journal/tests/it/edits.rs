//! Thousands of random changes of a whole folder by somebody without its key. Each is seen by who has the public one.
//!
//! Five thousand of plain journals in CI, once, and three hundred of what was kept long, which take longer each;
//! `PALISADE_TEST_EDITS=10000` makes as many of each, and by default there are fewer.

use std::{collections::BTreeMap, fs, path::Path};

use palisade_journal::{
    Journal, KeyHolder, journal_dir,
    keep::Retention,
    note::{Checkpoint, NamedKey},
    proof::Prover,
    ship::Reached,
    verify::{self, Options},
    witness::Witness,
};
use sha2::{Digest, Sha256};

use crate::{
    fixture::*,
    keep::{DAY, mixed, tidy},
    proof::first_key,
    python::ship,
};

/// A generator that gives the same again: a failure names its number.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }
}

/// A journal's folder: the bytes of each file.
type Folder = BTreeMap<String, Vec<u8>>;

fn read(journal: &Path) -> Folder {
    let mut all = Folder::new();
    for entry in fs::read_dir(journal).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            for file in fs::read_dir(&path).unwrap() {
                let file = file.unwrap().path();
                let inside = file.file_name().unwrap().to_str().unwrap();
                all.insert(format!("{name}/{inside}"), fs::read(&file).unwrap());
            }
        } else {
            all.insert(name, fs::read(path).unwrap());
        }
    }
    all
}

fn write(journal: &Path, before: &Folder, after: &Folder) {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        let path = journal.join(name);
        fs::remove_file(&path).unwrap();
        // The folder goes with its last file.
        if let Some(session) = path.parent().filter(|parent| *parent != journal) {
            fs::remove_dir(session).ok();
        }
    }
    for (name, bytes) in after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)) {
        fs::create_dir_all(journal.join(name).parent().unwrap()).unwrap();
        fs::write(journal.join(name), bytes).unwrap();
    }
}

fn lines_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect()
}

/// The records of a session from `from` on with right numbers, hashes and links: what who knows the format can do.
fn relinked(lines: &mut [Vec<u8>], genesis: String) {
    let mut prev = genesis;
    for (n, line) in lines.iter_mut().enumerate() {
        let mut text = String::from_utf8(line.clone()).unwrap();
        // A gap has none.
        let Some(at) = text.find("\"prev\":\"").map(|at| at + 8) else { continue };
        text.replace_range(at..at + 64, &prev);
        let from = text.find("\"seq\":").unwrap() + 6;
        let to = from + text[from..].find(',').unwrap();
        text.replace_range(from..to, &(n + 1).to_string());
        let sealed = resealed(text.trim_end());
        prev = sealed[sealed.len() - 66..sealed.len() - 2].into();
        *line = format!("{sealed}\n").into_bytes();
    }
}

fn genesis(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One change; tells what it is. `other` is another whole journal of the same sessions.
fn change(random: &mut Random, folder: &mut Folder, ours: &Folder, other: &Folder) -> String {
    let names: Vec<String> = folder.keys().cloned().collect();
    let name = names[random.below(names.len())].clone();
    let bytes = folder.get_mut(&name).unwrap();
    let mut lines = lines_of(bytes);
    if lines.is_empty() {
        folder.remove(&name);
        return format!("{name}, which was empty, removed");
    }
    let (a, b) = (random.below(lines.len()), random.below(lines.len()));
    let what = match random.below(14) {
        0 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            return format!("a bit of byte {at} of {name}");
        }
        1 => {
            let at = random.below(bytes.len());
            bytes.truncate(at);
            return format!("{name} cut at byte {at}");
        }
        2 => {
            let (at, length) = (random.below(bytes.len()), 1 + random.below(3000));
            let end = (at + length).min(bytes.len());
            bytes.drain(at..end);
            return format!("bytes {at} to {end} of {name} removed");
        }
        3 => {
            let at = random.below(bytes.len());
            let new: Vec<u8> =
                (0..1 + random.below(200)).map(|_| random.next().to_le_bytes()[0]).collect();
            bytes.splice(at..at, new);
            return format!("bytes put in at {at} of {name}");
        }
        4 => {
            lines.remove(a);
            format!("line {a} of {name} removed")
        }
        5 => {
            lines.swap(a, b);
            format!("lines {a} and {b} of {name} swapped")
        }
        6 => {
            let line = lines[a].clone();
            lines.insert(b, line);
            format!("line {a} of {name} again at {b}")
        }
        7 => {
            lines.truncate(a);
            format!("{name} cut before line {a}")
        }
        8 => {
            let from = names[random.below(names.len())].clone();
            let foreign = lines_of(&folder[&from]);
            if let Some(line) = foreign.get(random.below(foreign.len())) {
                lines[a].clone_from(line);
            }
            format!("a line of {from} at {a} of {name}")
        }
        9 => {
            if let Some(foreign) = other.get(&name) {
                let foreign = lines_of(foreign);
                lines[a].clone_from(&foreign[a.min(foreign.len() - 1)]);
            }
            format!("line {a} of {name} from another journal")
        }
        10 => {
            if let Some(foreign) = other.get(&name) {
                lines = lines_of(foreign);
            }
            format!("{name} from another journal")
        }
        11 => {
            folder.remove(&name);
            return format!("{name} removed");
        }
        12 if name != "ledger.jsonl" && Some(&*bytes) == ours.get(&name) => {
            // An act less, a denial that was none: a chain that is right in itself.
            if random.below(2) == 0 {
                lines.remove(a);
            } else {
                let text = String::from_utf8(lines[a].clone()).unwrap();
                lines[a] =
                    text.replace("\"deny\"", "\"allow\"").replace("\"act", "\"fact").into_bytes();
            }
            let session = name.split('/').next().unwrap();
            relinked(&mut lines, genesis(&format!("palisade-journal/1\n{session}\n")));
            format!("{name} written anew with right hashes, around {a}")
        }
        _ => {
            // Nothing of what is after line `a` of the ledger ever was.
            let mut ledger = lines_of(folder.get("ledger.jsonl").map_or(&[], Vec::as_slice));
            ledger.truncate(1 + random.below(ledger.len()));
            let text = String::from_utf8_lossy(&ledger.concat()).into_owned();
            folder.insert("ledger.jsonl".into(), text.clone().into_bytes());
            folder.retain(|name, _| {
                let session = name.split('/').next().unwrap();
                name == "ledger.jsonl" || text.contains(&format!("\"session\":\"{session}\""))
            });
            return format!("rolled back to {} entries", text.lines().count());
        }
    };
    folder.insert(name, lines.concat());
    what
}

/// How many changes to make; so many where nothing else is said.
fn many(few: u64) -> u64 {
    match std::env::var("PALISADE_TEST_EDITS") {
        Ok(many) => many.parse().unwrap(),
        // Once: it is the same for every user.
        Err(_) if std::env::var_os("CI").is_some() && rustix::process::getuid().is_root() => 5000,
        Err(_) => few,
    }
}

struct Whole {
    state: tempfile::TempDir,
    folder: Folder,
    key: NamedKey,
    seen: Checkpoint,
}

/// A journal with several keys, as a verifier knows it: the first key, and a checkpoint kept elsewhere.
fn whole() -> Whole {
    let state = state();
    for n in 0..4 {
        let journal = open(state.path(), &format!("s{n}"));
        for act in 0..5 + n {
            put(&journal, &format!("act-{act}"));
        }
        end(&journal);
        if n == 1 {
            KeyHolder::open(state.path()).unwrap().rotate().unwrap();
        }
    }
    let key = first_key(state.path());
    let seen = Prover::open(state.path()).unwrap().checkpoint().checkpoint().unwrap();
    let folder = read(&journal_dir(state.path()));
    Whole { state, folder, key, seen }
}

#[test]
fn each_of_thousands_of_random_changes_is_seen() {
    let many = many(300);
    let (ours, theirs) = (whole(), whole());
    let journal = journal_dir(ours.state.path());
    let options = Options {
        key: Some(ours.key.clone()),
        checkpoints: vec![ours.seen.clone()],
        ..Options::default()
    };
    let verified = || verify::verify(ours.state.path(), &options).unwrap();
    assert!(verified().is_whole());
    // On another host, and it saw all of it.
    let elsewhere = state();
    let witness = Witness::open(&elsewhere.path().join("w"), Some("witness.example/1")).unwrap();
    let shown = |old| Prover::open(ours.state.path()).and_then(|prover| prover.continuation(old));
    witness.cosign(&shown(0).unwrap(), Some(&ours.key)).unwrap();
    let size = ours.seen.size;
    assert!(witness.cosign(&shown(size).unwrap(), None).is_ok());
    let (mut changed, mut kinds) = (0, BTreeMap::new());
    for number in 0..many {
        let mut random = Random(number);
        let mut after = ours.folder.clone();
        let mut what = Vec::new();
        for _ in 0..1 + random.below(3) {
            if !after.is_empty() {
                what.push(change(&mut random, &mut after, &ours.folder, &theirs.folder));
            }
        }
        if after == ours.folder {
            continue;
        }
        changed += 1;
        write(&journal, &ours.folder, &after);
        let report = verified();
        let first = report.damages().next().map(|damage| format!("{:?}", damage.kind));
        let signs = shown(size).is_ok_and(|shown| witness.cosign(&shown, None).is_ok());
        write(&journal, &after, &ours.folder);
        let first = first.unwrap_or_else(|| panic!("change {number} was not seen: {what:?}"));
        let same = after.get("ledger.jsonl") == ours.folder.get("ledger.jsonl");
        assert!(!signs || same, "the witness signed change {number}: {what:?}");
        let kind = first.split([' ', '{']).next().unwrap_or_default().to_owned();
        *kinds.entry(kind).or_insert(0) += 1;
    }
    println!("{changed} changes, each seen: {kinds:?}");
    assert!(changed * 10 > many * 9, "{changed} of {many}");
    assert!(verified().is_whole());
}

/// What was kept long: compressed segments, some behind another, and with gaps that a rule left; and a copy that was shipped.
struct Kept {
    journal: Whole,
    copy: Whole,
}

fn kept() -> Kept {
    let state = state();
    mixed(state.path(), "gaps", &Retention::default().with("connect", 30 * DAY));
    session(state.path(), "long", 120);
    tidy(state.path(), 31, Retention::default());
    for (name, more) in [("long", 60), ("again", 60), ("again", 3)] {
        let journal = open(state.path(), name);
        for n in 0..more {
            put(&journal, &format!("more-{n}.example"));
        }
        end(&journal);
        tidy(state.path(), 31, Retention::default());
        KeyHolder::open(state.path()).unwrap().rotate().unwrap();
    }
    session(state.path(), "small", 8);
    let elsewhere = self::state();
    ship(state.path(), elsewhere.path(), &Reached::default(), &["gaps", "long"]);
    let place = fs::read_dir(elsewhere.path()).unwrap().next().unwrap().unwrap().path();
    let key = first_key(state.path());
    let seen = Prover::open(state.path()).unwrap().checkpoint().checkpoint().unwrap();
    let folder = read(&journal_dir(state.path()));
    let names: Vec<&str> = folder.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "again/000001.jsonl.zst",
            "again/000002.jsonl",
            "gaps/000001.jsonl.zst",
            "ledger.jsonl",
            "long/000001.jsonl.zst",
            "long/000002.jsonl.zst",
            "small/000001.jsonl"
        ]
    );
    assert!(
        String::from_utf8(plain(&folder)["gaps/000001.jsonl.zst"].clone())
            .unwrap()
            .contains("\"gap\":1,")
    );
    let copied = read(&place);
    assert!(copied.keys().filter(|name| name.starts_with("_ledger/")).count() > 1);
    let copy = Whole { state: elsewhere, folder: copied, key: key.clone(), seen: seen.clone() };
    Kept { journal: Whole { state, folder, key, seen }, copy }
}

/// What is in compressed files, under their names.
fn plain(folder: &Folder) -> Folder {
    let open = |(name, bytes): (&String, &Vec<u8>)| {
        let opened = name.ends_with(".zst").then(|| zstd::stream::decode_all(bytes.as_slice()));
        (name.clone(), opened.and_then(Result::ok).unwrap_or_else(|| bytes.clone()))
    };
    folder.iter().map(open).collect()
}

/// A compressed segment with its table, as journal-format.md has it, in one frame.
fn packed(plain: &[u8]) -> Vec<u8> {
    let mut all = zstd::bulk::compress(plain, 3).unwrap();
    let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let table = [four(all.len()), four(plain.len())].concat();
    all.extend(0x184D_2A5E_u32.to_le_bytes());
    all.extend(four(table.len() + 9));
    all.extend(table);
    all.extend(four(1));
    all.push(0);
    all.extend(0x8F92_EAB1_u32.to_le_bytes());
    all
}

/// What a verifier reads: by the number of the segment, and where it is there twice the compressed one. In a copy a part of the
/// ledger is told by its name, with the numbers of its entries.
fn meaning(folder: &Folder) -> Folder {
    let plain = plain(folder);
    let mut all = plain.clone();
    for (name, bytes) in plain {
        if let Some(short) = name.strip_suffix(".zst") {
            all.remove(&name);
            all.insert(short.to_owned(), bytes);
        }
    }
    all.retain(|name, _| !name.starts_with("_ledger/") || name.contains('-'));
    all
}

/// One change of what was kept: of a file's bytes as they are, of a file among others, or of lines that are then packed again.
fn change_kept(random: &mut Random, folder: &mut Folder, ours: &Folder, other: &Folder) -> String {
    let names: Vec<String> = folder.keys().cloned().collect();
    let (one, two) = (&names[random.below(names.len())], &names[random.below(names.len())]);
    let of = |folder: &Folder, name: &String| folder.get(name).cloned().unwrap_or_default();
    // An earlier change may have left nothing of it.
    if of(folder, one).is_empty() {
        return "nothing".into();
    }
    match random.below(12) {
        0 => {
            let bytes = folder.get_mut(one).unwrap();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            format!("a bit of byte {at} of {one} as it is")
        }
        1 => {
            let bytes = folder.get_mut(one).unwrap();
            bytes.truncate(random.below(bytes.len()));
            format!("{one} as it is, cut to {}", bytes.len())
        }
        2 => {
            let (a, b) = (of(folder, one), of(folder, two));
            folder.insert(one.clone(), b);
            folder.insert(two.clone(), a);
            format!("{one} and {two} exchanged")
        }
        3 => {
            let bytes = of(folder, two);
            folder.insert(one.clone(), bytes);
            format!("{two} in the place of {one}")
        }
        4 => {
            let Some(bytes) = other.get(one) else { return "nothing".into() };
            folder.insert(one.clone(), bytes.clone());
            format!("{one} from another journal")
        }
        5 => {
            let session = one.split('/').next().unwrap();
            let name = format!("{session}/{:06}.jsonl", 2 + random.below(2));
            let bytes = of(&plain(folder), two);
            if !one.contains('/') || folder.contains_key(&name) {
                return "nothing".into();
            }
            folder.insert(name.clone(), bytes);
            format!("{two} again as {name}")
        }
        6 => {
            // A record's place taken by a gap that is right in itself: no rule is in the ledger for it.
            let mut lines = lines_of(&of(&plain(folder), one));
            let at = random.below(lines.len());
            let Some(line) = lines.get(at) else { return "nothing".into() };
            let Ok(record) = serde_json::from_slice::<serde_json::Value>(line) else {
                return "nothing".into();
            };
            if record.get("kind").is_none() {
                return "nothing".into();
            }
            let leaf = Sha256::digest([&[0], &line[..line.len() - 1]].concat());
            let leaf: String = leaf.iter().map(|byte| format!("{byte:02x}")).collect();
            let (session, seq, hash) = (&record["session"], &record["seq"], &record["hash"]);
            lines[at] = format!("{{\"v\":1,\"gap\":1,\"session\":{session},\"from\":{seq},\"to\":{seq},\"peaks\":[\"{leaf}\"],\"last\":{hash}}}\n").into_bytes();
            let bytes = lines.concat();
            folder.insert(one.clone(), if one.ends_with(".zst") { packed(&bytes) } else { bytes });
            format!("a gap at line {at} of {one}")
        }
        _ => {
            let before = plain(folder);
            let mut after = before.clone();
            let what = change(random, &mut after, &plain(ours), &plain(other));
            folder.retain(|name, _| after.contains_key(name));
            for (name, bytes) in after {
                if before.get(&name) != Some(&bytes) {
                    let bytes = if name.ends_with(".zst") { packed(&bytes) } else { bytes };
                    folder.insert(name, bytes);
                }
            }
            what
        }
    }
}

/// The same as above, where segments are compressed, where a session has several, where a rule left gaps, and at the place
/// that was shipped to.
#[test]
fn each_random_change_of_what_was_kept_is_seen() {
    // Thousands by `PALISADE_TEST_EDITS`.
    let many = std::env::var("PALISADE_TEST_EDITS").map_or(300, |many| many.parse().unwrap());
    let (ours, theirs) = (kept(), kept());
    let copy = fs::read_dir(ours.copy.state.path()).unwrap().next().unwrap().unwrap().path();
    let places = [
        (journal_dir(ours.journal.state.path()), &ours.journal, &theirs.journal),
        (copy, &ours.copy, &theirs.copy),
    ];
    let mut kinds = BTreeMap::new();
    for (place, ours, theirs) in places {
        let options = Options {
            key: Some(ours.key.clone()),
            checkpoints: vec![ours.seen.clone()],
            ..Options::default()
        };
        let damage = || {
            let report = verify::verify(&place, &options).unwrap();
            report.damages().next().map(|damage| format!("{:?}", damage.kind))
        };
        assert_eq!(damage(), None, "{}", place.display());
        let whole = meaning(&ours.folder);
        let mut changed = 0;
        for number in 0..many / 2 {
            let mut random = Random(number + 7_000_000);
            let mut after = ours.folder.clone();
            let mut what = Vec::new();
            for _ in 0..1 + random.below(3) {
                if !after.is_empty() {
                    what.push(change_kept(&mut random, &mut after, &ours.folder, &theirs.folder));
                }
            }
            // A plain segment beside its compressed one is not read, nor a bit that decides nothing in a frame.
            if meaning(&after) == whole {
                continue;
            }
            changed += 1;
            write(&place, &ours.folder, &after);
            let first = damage();
            write(&place, &after, &ours.folder);
            let first = first.unwrap_or_else(|| panic!("change {number} was not seen: {what:?}"));
            let kind = first.split([' ', '{']).next().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_insert(0) += 1;
        }
        assert!(changed * 10 > many / 2 * 8, "{changed} of {many}");
        assert_eq!(damage(), None, "{}", place.display());
    }
    println!("each seen: {kinds:?}");
}

/// A verifier that shares no code says of each change what Palisade says without a checkpoint from elsewhere.
#[test]
fn an_independent_verifier_sees_the_same_of_random_changes() {
    let many = many(60).min(1000);
    let (ours, theirs) = (whole(), whole());
    let journal = journal_dir(ours.state.path());
    let options = Options { key: Some(ours.key.clone()), ..Options::default() };
    let folders = state();
    let key = folders.path().join("key");
    fs::write(&key, ours.key.to_string()).unwrap();
    let mut said = BTreeMap::new();
    for number in 0..many {
        let mut random = Random(number + 1_000_000);
        let mut after = ours.folder.clone();
        let what = change(&mut random, &mut after, &ours.folder, &theirs.folder);
        write(&journal, &ours.folder, &after);
        let whole = verify::verify(ours.state.path(), &options).unwrap().is_whole();
        write(&journal, &after, &ours.folder);
        let folder = folders.path().join(format!("change-{number}"));
        fs::create_dir(&folder).unwrap();
        write(&folder, &Folder::new(), &after);
        said.insert(folder, (whole, what));
    }
    let script = "import pathlib, sys
import verify, verify_all
key, *folders = map(pathlib.Path, sys.argv[1:])
for folder in folders:
    for by in (verify, verify_all):
        try:
            by.main(folder, key)
            print(by.__name__, folder)
        except SystemExit as error:
            assert str(error).startswith('damaged: '), error
        except FileNotFoundError as error:
            assert 'ledger.jsonl' in str(error), error
";
    let mut python = std::process::Command::new("python3");
    python.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
    python.args(["-B", "-c", script]).arg(&key).args(said.keys());
    let Ok(output) = python.output() else {
        assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: std::collections::BTreeSet<&str> = text.lines().collect();
    for (folder, (whole, what)) in said {
        for by in ["verify", "verify_all"] {
            let line = format!("{by} {}", folder.display());
            assert_eq!(lines.contains(line.as_str()), whole, "{line}: {what}");
        }
    }
}

/// All of it anew, with Palisade itself and keys of his own: only the key tells.
#[test]
fn writes_the_whole_folder_anew_without_the_key() {
    let (ours, theirs) = (whole(), whole());
    let options = Options { key: Some(ours.key.clone()), ..Options::default() };
    assert!(verify::verify(theirs.state.path(), &Options::default()).unwrap().is_whole());
    assert!(verify::verify(ours.state.path(), &options).unwrap().is_whole());
    write(&journal_dir(ours.state.path()), &ours.folder, &theirs.folder);
    let report = verify::verify(ours.state.path(), &options).unwrap();
    assert_eq!(report.ledger_damage.unwrap().kind, verify::Kind::OtherKey);
    // And Palisade does not go on with it.
    let refused = Journal::open(ours.state.path(), &id("next"), None, &policy());
    assert!(refused.is_err());
}
