//! The policies that were in force, kept beside the journal: it has their digests alone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use palisade_core::PolicyDigest;
use palisade_policy::{Policy, explain};
use serde_json::json;

/// Keep what a policy means and each of its rules, by its digest. Returns the digest of what is kept, for the
/// journal: so it can be told later that it is still that.
///
/// # Errors
/// It cannot be written.
pub(crate) fn keep(state: &Path, policy: &Policy) -> io::Result<PolicyDigest> {
    let document = json!({
        "v": 1,
        "digest": policy.digest.as_str(),
        "version": env!("CARGO_PKG_VERSION"),
        "sources": policy.sources.iter().map(|source| json!({
            "layer": source.layer, "name": source.name, "digest": source.digest.as_str(),
        })).collect::<Vec<_>>(),
        "rules": explain(policy),
        "meaning": policy.meaning(),
    });
    let text = format!("{document}\n");
    let digest = PolicyDigest::of(text.as_bytes());
    let folder = state.join("policies");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    // Two versions may explain one policy in two ways: each is kept.
    let path = folder.join(format!("{}.json", hexadecimal(&digest)));
    if fs::read(&path).is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(digest);
    }
    let new = folder.join(format!(".{}.{}", hexadecimal(&digest), std::process::id()));
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(new, path)?;
    Ok(digest)
}

fn hexadecimal(digest: &PolicyDigest) -> &str {
    digest.as_str().strip_prefix("sha256:").unwrap_or(digest.as_str())
}

#[cfg(test)]
mod tests {
    use palisade_policy::check_text;

    use super::*;

    #[test]
    fn what_is_kept_is_named_by_its_own_bytes_and_has_what_the_digest_is_of() {
        let state = tempfile::tempdir().unwrap();
        let text = "palisade: 1\nnetwork:\n  rules:\n    - name: a\n      hosts: [example.com]\n";
        let at = state.path();
        let policy = check_text("a.yaml", text, at, at, at).unwrap();
        let digest = keep(state.path(), &policy).unwrap();
        assert_eq!(keep(state.path(), &policy).unwrap(), digest);
        let path = state.path().join("policies").join(format!("{}.json", hexadecimal(&digest)));
        let bytes = fs::read(path).unwrap();
        assert_eq!(PolicyDigest::of(&bytes), digest);
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let meaning = document["meaning"].as_str().unwrap();
        assert_eq!(PolicyDigest::of(meaning.as_bytes()), policy.digest);
        assert!(
            document["rules"].as_array().unwrap().iter().any(|r| r["rule"] == "network.rules[a]")
        );
    }
}
