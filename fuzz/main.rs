//! libFuzzer over one target of `palisade-fuzz`, which `PALISADE_FUZZ` names. `fuzz/run` starts it.

#![no_main]

use std::sync::OnceLock;

use palisade_fuzz::Target;

static CHOSEN: OnceLock<&Target> = OnceLock::new();

fn choose() {
    let name = std::env::var("PALISADE_FUZZ").unwrap_or_default();
    match palisade_fuzz::target(&name) {
        Some(target) => drop(CHOSEN.set(target)),
        None => {
            eprintln!("PALISADE_FUZZ names no target. There are:");
            for target in palisade_fuzz::TARGETS {
                eprintln!("  {:20} {}", target.name, target.about);
            }
            std::process::exit(2);
        }
    }
}

libfuzzer_sys::fuzz_target!(init: choose(), |data: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        (target.run)(data);
    }
});
