use std::collections::BTreeMap;

use crate::{
    BLOCKED,
    corpus::{Class, samples},
};

/// How far the scanner may fall behind before a change is a mistake; the bench has the figures.
#[test]
fn the_corpus_is_told_apart() {
    let mut shares: BTreeMap<(Class, bool), (f64, f64)> = BTreeMap::new();
    for sample in samples() {
        let (all, blocks) = shares.entry((sample.class, sample.held_out())).or_default();
        *all += 1.0;
        *blocks += f64::from(u8::from(BLOCKED.contains(&sample.id())));
    }
    for ((class, held_out), (all, blocks)) in shares {
        let share = blocks / all;
        let good = match class {
            Class::Malicious => share >= 0.75,
            Class::Benign => share <= 0.03,
            Class::DualUse => share <= 0.07,
        };
        assert!(good, "{} (held out: {held_out}): {share:.3} blocked", class.folder());
    }
}

#[test]
fn every_sample_is_some_package() {
    let samples = samples();
    let count = |class| samples.iter().filter(|sample| sample.class == class).count();
    assert!(
        count(Class::Malicious) >= 200
            && count(Class::Benign) >= 200
            && count(Class::DualUse) >= 60
    );
    for sample in &samples {
        assert!(!sample.entries.is_empty(), "{}", sample.id());
    }
}
