use std::collections::BTreeMap;

use palisade_skills::Verdict;
use rayon::prelude::*;

use crate::{
    corpus::{Class, samples},
    judge,
};

/// How far the scanner may fall behind before a change is a mistake; the bench has the figures.
#[test]
fn the_corpus_is_told_apart() {
    let judged: Vec<(Class, bool, bool)> = samples()
        .par_iter()
        .map(|sample| (sample.class, sample.held_out(), judge(sample) == Verdict::Dangerous))
        .collect();
    let mut shares: BTreeMap<(Class, bool), (f64, f64)> = BTreeMap::new();
    for (class, held_out, blocked) in judged {
        let (all, blocks) = shares.entry((class, held_out)).or_default();
        *all += 1.0;
        *blocks += f64::from(u8::from(blocked));
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
