use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use palisade_core::PolicyDigest;
use serde::Deserialize;

/// A policy as it is kept is no longer than this.
const LONGEST: u64 = 64 << 20;

/// A policy that was in force, as it is kept beside the journal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct KeptPolicy {
    /// The form, 1.
    pub v: u32,
    /// The policy's digest.
    pub digest: String,
    /// The version of Palisade that kept it.
    pub version: String,
    /// Its rules.
    pub rules: Vec<KeptRule>,
    /// What the digest is of.
    pub meaning: String,
}

/// A rule of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct KeptRule {
    /// As the journal names it.
    pub rule: String,
    /// What it does.
    pub says: String,
    /// The layers that hold it.
    #[serde(default)]
    pub layers: Vec<String>,
}

/// Why the rules of a policy are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unkept {
    /// The journal does not say what was kept.
    #[error(
        "the journal does not name a document of it: it ended before its launch, or is of an older version"
    )]
    Unnamed,
    /// It cannot be read.
    #[error("its document cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is not what the journal says.
    #[error("its document was changed since: it is not what the journal names")]
    Changed,
    /// It has not the form.
    #[error("its document cannot be understood: {0}")]
    Form(String),
}

/// A policy's rules, from the document of this digest. What was changed since is not taken.
///
/// # Errors
/// Why they are not known.
pub fn kept(state: &Path, policy: &str, document: Option<&str>) -> Result<KeptPolicy, Unkept> {
    let document: PolicyDigest =
        document.and_then(|text| text.parse().ok()).ok_or(Unkept::Unnamed)?;
    let name = document.as_str().strip_prefix("sha256:").unwrap_or_default();
    let path = state.join("policies").join(format!("{name}.json"));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Unkept::Unreadable)?;
    file.take(LONGEST).read_to_end(&mut bytes).map_err(Unkept::Unreadable)?;
    if PolicyDigest::of(&bytes) != document {
        return Err(Unkept::Changed);
    }
    let kept: KeptPolicy =
        serde_json::from_slice(&bytes).map_err(|error| Unkept::Form(error.to_string()))?;
    if kept.v != 1 || kept.digest != policy {
        return Err(Unkept::Form("it is of another policy or of another version".into()));
    }
    Ok(kept)
}
