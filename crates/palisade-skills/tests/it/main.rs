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

use std::path::Path;

use corpus::Sample;
use palisade_skills::{
    Options, Verdict,
    read::{Limits, Tree},
    scan,
};

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
