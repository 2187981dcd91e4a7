//! Sigstore bundles, verified without a network.
//!
//! A [`Bundle`] is a signature with all that it takes to verify it: a certificate that was good for minutes
//! and says who signed, and the entry of a public log. A [`TrustedRoot`] is the keys and authorities of an
//! instance of Sigstore, which the operator has pinned. [`Bundle::verify`] says what a bundle proves, step by
//! step, and [`Identity::admits`] whether it was signed by who is trusted.
//!
//! The formats are those of <https://github.com/sigstore/protobuf-specs>, the steps those of
//! <https://docs.sigstore.dev/about/bundle/> and of the client specification there.
//!
//! # Trust
//! The trusted root is the operator's word. A bundle is hostile: one reading of its JSON, one signature, one entry,
//! one time-proof at least, and what is not known is refused. The clock is not asked, and nothing is fetched:
//! whether a key was revoked meanwhile says only a newer trusted root.
#![forbid(unsafe_code)]

mod bundle;
mod certificate;
mod chain;
mod der;
mod entry;
mod failed;
mod identity;
mod json;
mod key;
mod log;
mod root;
mod sct;
mod stamp;
mod statement;
mod verify;
mod window;

pub use bundle::{Bundle, MOST_OF_BUNDLE};
pub use failed::{Failed, Step};
pub use identity::{Identity, Name};
pub use root::{MOST_OF_ROOT, TrustedRoot};
pub use verify::{Artifact, Verified};
