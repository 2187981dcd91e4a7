//! A bundle, or a trusted root: whatever is read, nothing is proved that was not signed. The keys of the good bundle
//! are gone, so each that holds under its root says what the good one says.

use palisade_sigstore::{Artifact, Bundle, Identity, TrustedRoot, Verified};

use crate::input::{text, two};

const ROOT: &str = include_str!("../../corpus/sigstore/root.json");
const GOOD: &str = include_str!("../../corpus/sigstore/message.json");
const SIGNED: &[u8] = b"what was signed";
const NAME: &str = "https://github.com/acme/skills/.github/workflows/release.yml@refs/tags/v1";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

pub(crate) fn target(data: &[u8]) {
    ONCE.with(|(root, good)| {
        let (first, second) = two(data);
        if let (Some(root), Ok(bundle)) = (root, Bundle::parse(&text(first)))
            && let Ok(found) = bundle.verify(root, &[Artifact::new(SIGNED)])
        {
            let same = |good: &Verified| {
                (&good.name, &good.issuer, good.time) == (&found.name, &found.issuer, found.time)
            };
            assert!(good.as_ref().is_some_and(same), "{found:?}");
        }
        if let (Some(root), Ok(bundle)) = (root, Bundle::parse(&text(first))) {
            let other = bundle.verify(root, &[Artifact::new(second), Artifact::new(b"other")]);
            assert!(second == SIGNED || other.is_err(), "{other:?}");
        }
        if let (Ok(root), Ok(bundle)) = (TrustedRoot::parse(&text(first)), Bundle::parse(GOOD)) {
            drop(bundle.verify(&root, &[Artifact::new(SIGNED)]));
        }
        if let (Ok(identity), Some(good)) = (Identity::new(&text(first), ISSUER, None), good)
            && identity.admits(good).is_ok()
        {
            let shown = identity.to_string();
            assert!(NAME.starts_with(shown.trim_end_matches('*')), "{shown}");
            let start = NAME.split("@refs/tags/").next().unwrap_or(NAME);
            assert!(shown.starts_with(start), "{shown}");
        }
    });
}

thread_local! {
    static ONCE: (Option<TrustedRoot>, Option<Verified>) = {
        let root = TrustedRoot::parse(ROOT).ok();
        let bundle = Bundle::parse(GOOD).ok();
        let good = root.as_ref().zip(bundle).and_then(|(root, bundle)| {
            bundle.verify(root, &[Artifact::new(SIGNED)]).ok()
        });
        assert!(good.is_some(), "the good bundle holds");
        (root, good)
    };
}
