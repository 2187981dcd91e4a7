//! Thousands of random changes of a whole folder by somebody without its key. Each is seen by who has the public one.
//!
//! `PALISADE_TEST_EDITS=10000` makes as many; by default there are fewer.

use std::{collections::BTreeMap, fs, path::Path};

use palisade_journal::{
    Journal, KeyHolder, journal_dir,
    note::{Checkpoint, NamedKey},
    proof::Prover,
    verify::{self, Options},
};
use sha2::{Digest, Sha256};

use crate::{fixture::*, proof::first_key};

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
            let file = path.join("000001.jsonl");
            all.insert(format!("{name}/000001.jsonl"), fs::read(file).unwrap());
        } else {
            all.insert(name, fs::read(path).unwrap());
        }
    }
    all
}

fn write(journal: &Path, before: &Folder, after: &Folder) {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        let path = journal.join(name);
        match path.parent().filter(|parent| *parent != journal) {
            Some(session) => fs::remove_dir_all(session).unwrap(),
            None => fs::remove_file(path).unwrap(),
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
        let at = text.find("\"prev\":\"").unwrap() + 8;
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
    let many = std::env::var("PALISADE_TEST_EDITS").map_or(300, |many| many.parse().unwrap());
    let (ours, theirs) = (whole(), whole());
    let journal = journal_dir(ours.state.path());
    let options = Options {
        key: Some(ours.key.clone()),
        checkpoints: vec![ours.seen.clone()],
        ..Options::default()
    };
    let verified = || verify::verify(ours.state.path(), &options).unwrap();
    assert!(verified().is_whole());
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
        write(&journal, &after, &ours.folder);
        let first = first.unwrap_or_else(|| panic!("change {number} was not seen: {what:?}"));
        let kind = first.split([' ', '{']).next().unwrap_or_default().to_owned();
        *kinds.entry(kind).or_insert(0) += 1;
    }
    println!("{changed} changes, each seen: {kinds:?}");
    assert!(changed * 10 > many * 9, "{changed} of {many}");
    assert!(verified().is_whole());
}

/// A verifier that shares no code says of each change what Palisade says without a checkpoint from elsewhere.
///
/// `PALISADE_TEST_EDITS=10000` makes as many; by default there are fewer.
#[test]
fn an_independent_verifier_sees_the_same_of_random_changes() {
    let many = std::env::var("PALISADE_TEST_EDITS").map_or(60, |many| many.parse().unwrap());
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
