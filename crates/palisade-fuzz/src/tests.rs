use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::*;

/// Far above what an unoptimised build on a busy machine needs for the slowest input.
const MOST: Duration = Duration::from_secs(20);

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

/// The inputs that are kept, and nothing.
#[test]
fn every_target_holds_over_its_corpus() {
    for target in TARGETS {
        (target.run)(b"");
        let inputs = inputs(&corpus().join(target.name));
        assert!(!inputs.is_empty(), "{} has no input", target.name);
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            // What a failed test prints last is the input that it failed with.
            println!("{}", input.display());
            let from = Instant::now();
            (target.run)(&bytes);
            let took = from.elapsed();
            assert!(took < MOST, "{} took {took:?}", input.display());
        }
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
