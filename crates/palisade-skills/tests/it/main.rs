//! The labelled corpus, judged; and attacks in other clothes.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "tests, and the corpus is a module of theirs and of benches"
)]

#[path = "../corpus/mod.rs"]
mod corpus;

mod accuracy;
mod mutations;

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use corpus::{Sample, samples};
use palisade_skills::{
    Options, Verdict,
    read::{Limits, Tree},
    scan,
};
use rayon::prelude::*;

/// The samples that are blocked as they are. All tests count from there: to judge them takes half a minute. Not to be asked
/// for first where a sample is judged by rayon, whose threads would wait for each other.
static BLOCKED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let blocked = samples().into_par_iter().filter(|sample| judge(sample) == Verdict::Dangerous);
    blocked.map(|sample| sample.id()).collect()
});

/// The worst verdict of the packages that a sample holds.
fn judge(sample: &Sample) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    sample.write(folder.path());
    judge_folder(folder.path())
}

fn judge_folder(folder: &Path) -> Verdict {
    let tree = Tree::open(folder, Limits::default()).unwrap();
    (0..tree.len()).map(|at| scan(&tree.read(at), &Options::default()).verdict).max().unwrap()
}
