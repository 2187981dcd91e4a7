use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::*;

/// Far above what an unoptimised build on a busy machine needs for the slowest input.
const MOST: Duration = Duration::from_secs(30);
/// Changed inputs for each that is kept; this variable says another number.
const CHANGES: (&str, u64) = ("PALISADE_FUZZ_CHANGES", 6);
/// A target that this variable names is the only one.
const ONLY: &str = "PALISADE_FUZZ";

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn inputs(of: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(of)
        .unwrap_or_else(|error| panic!("{}: {error}", of.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

fn chosen() -> impl Iterator<Item = &'static Target> {
    let only = std::env::var(ONLY).ok();
    TARGETS.iter().filter(move |target| only.as_deref().is_none_or(|only| only == target.name))
}

/// Whether all holds of this input. If not, it is said.
fn holds(target: &Target, name: &str, bytes: &[u8]) -> bool {
    let from = Instant::now();
    let held = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_ok();
    let took = from.elapsed();
    if !held || took >= MOST {
        println!(
            "{} does not hold ({took:?}) of {name}: \"{}\"",
            target.name,
            bytes.escape_ascii()
        );
    }
    held && took < MOST
}

/// Those that were made by hand, and each that was a bug.
#[test]
fn every_target_holds_over_its_corpus() {
    let mut all = true;
    for target in chosen() {
        all &= holds(target, "nothing", b"");
        let inputs = inputs(&corpus().join(target.name));
        assert!(!inputs.is_empty(), "{} has no input", target.name);
        for input in inputs {
            let name = input.file_name().unwrap().to_string_lossy();
            all &= holds(target, &name, &fs::read(&input).unwrap());
        }
    }
    assert!(all);
}

/// A fuzzer in small, which needs no other build: the same changes each time.
#[test]
fn every_target_holds_over_changed_inputs() {
    let changes = std::env::var(CHANGES.0).map_or(CHANGES.1, |text| text.parse().unwrap());
    let mut all = true;
    for target in chosen() {
        let kept: Vec<_> = inputs(&corpus().join(target.name))
            .iter()
            .map(|input| fs::read(input).unwrap())
            .collect();
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for bytes in &kept {
            for number in 0..changes {
                let other = &kept[chance.under(kept.len())];
                let changed = changed(bytes, other, &mut chance);
                all &= holds(target, &format!("change {number}"), &changed);
            }
        }
    }
    assert!(all);
}

fn changed(bytes: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=chance.under(3) {
        let at = chance.under(out.len() + 1);
        let end = (at + chance.under(24)).min(out.len());
        match chance.under(6) {
            0 if at < out.len() => out[at] ^= 1 << chance.under(8),
            1 => drop(out.drain(at..end)),
            2 => {
                let part = out[at..end].to_vec();
                out.splice(at..at, part);
            }
            3 => {
                let from = chance.under(other.len() + 1);
                let to = (from + chance.under(64)).min(other.len());
                out.splice(at..end, other[from..to].iter().copied());
            }
            4 => out.truncate(at),
            _ => drop(out.splice(at..at, ODD[chance.under(ODD.len())].iter().copied())),
        }
    }
    out
}

/// What parsers stumble over.
const ODD: [&[u8]; 20] = [
    b"\0",
    b"\xff",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"'",
    b"{",
    b"[",
    b"(",
    b"%",
    b"$",
    b"*",
    "\u{e9}".as_bytes(),
    "\u{2028}".as_bytes(),
    b"\x1b[",
    b"18446744073709551616",
    b"-1",
    b"1e999",
];

/// Numbers that are the same each time (xorshift64).
struct Chance(u64);

impl Chance {
    fn under(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % below
    }
}

/// A folder without a target would look as if it were tested.
#[test]
fn every_folder_of_inputs_has_a_target() {
    for folder in inputs(&corpus()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(target(name).is_some(), "{name} is no target");
    }
}

#[test]
fn every_name_is_there_once() {
    for (index, one) in TARGETS.iter().enumerate() {
        assert!(TARGETS[..index].iter().all(|other| other.name != one.name), "{}", one.name);
    }
}
