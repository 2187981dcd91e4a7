//! Programs that talk to somebody whom no text of the package mentions.
//!
//! Attackers and authors alike give their hosts what names they like. But an author says with whom the skill
//! talks: the user has to have an account there, or at least to know.

use std::{cell::OnceCell, collections::BTreeSet};

use super::{found, outward, programs::Program, rules};
use crate::{
    Confidence::{Low, Medium},
    Package, Seen, Severity,
    formats::Profile,
};

pub(super) fn look(
    package: &Package,
    programs: &[Program<'_>],
    profile: &Profile,
    seen: &mut Seen,
) {
    let told = OnceCell::new();
    let mut known: BTreeSet<(&str, String)> = BTreeSet::new();
    for program in programs.iter().filter(|program| !program.prose) {
        if !outward::talks(program) {
            continue;
        }
        let mut strangers = outward::strangers(program, profile);
        if strangers.is_empty() {
            continue;
        }
        // The worst first, else the first; one that is told of does not cover for the others.
        strangers.sort_by_key(|stranger| !stranger.anyones);
        let told = told.get_or_init(|| package.texts_lowered());
        let Some(stranger) = strangers.into_iter().find(|stranger| !stranger.is_told(told)) else {
            continue;
        };
        if !known.insert((program.path, stranger.host.clone())) {
            continue;
        }
        // Where a service's own key goes the service answers.
        let keyed = super::channels::is_its_key(&program.text, &stranger.host);
        let (severity, sure) = match stranger.sends && !keyed {
            true => (Severity::High, Medium),
            false => (Severity::Medium, Low),
        };
        let message =
            format!("it talks to {}, which no text of the package mentions", stranger.shown());
        seen.findings.push(found(
            program,
            profile,
            &rules::UNTOLD,
            severity,
            sure,
            stranger.at,
            message,
        ));
    }
}
