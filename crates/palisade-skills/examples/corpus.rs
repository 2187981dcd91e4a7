//! Writes the labelled corpus as folders, for other scanners: `cargo run -p palisade-skills --example corpus -- DIR`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use std::path::PathBuf;

#[path = "../tests/corpus/mod.rs"]
mod corpus;

fn main() {
    let to = PathBuf::from(std::env::args().nth(1).expect("the folder to write to"));
    for sample in corpus::samples() {
        sample.write(&to.join(sample.id()));
        println!("{}\t{}", sample.id(), if sample.held_out() { "held out" } else { "seen" });
    }
}
