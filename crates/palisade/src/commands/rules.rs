//! Network rules that a command adds to a policy's file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use palisade_policy::{Addition, Item, amended};
use serde_json::json;

use crate::failure::{Failure, Kind};

/// Where connections went that no rule named.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Destinations(BTreeSet<(String, u16)>);

impl Destinations {
    /// One more, by the subject of its event. False: it is no destination.
    pub(super) fn add(&mut self, subject: &str) -> bool {
        let Some((host, port)) = subject.rsplit_once(':') else { return false };
        let Ok(port) = port.parse() else { return false };
        self.0.insert((host.to_owned(), port));
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are shown.
    pub(super) fn shown(&self) -> String {
        let all: Vec<String> = self.0.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        all.join(", ")
    }

    /// Rules that permit exactly these: one a name or address, with its ports. `why` is the comment above
    /// each.
    pub(super) fn rules(&self, why: &str) -> Addition {
        let mut by_host: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
        for (host, port) in &self.0 {
            by_host.entry(host).or_default().insert(*port);
        }
        let item = |(host, ports): (&str, BTreeSet<u16>)| {
            let comment = vec![why.to_owned()];
            let address: Option<SocketAddr> = format!("{host}:0").parse().ok();
            let value = match address {
                Some(address) => json!({"addresses": [address.ip()], "ports": ports}),
                None => json!({"hosts": [host], "ports": ports}),
            };
            Item { comment, value }
        };
        let items = by_host.into_iter().map(item).collect();
        Addition { list: vec!["network", "rules"], items }
    }
}

/// Add to the policy in `file`, which is made if it is not there.
///
/// # Errors
/// It stays as it was.
pub(super) fn write(file: &Path, addition: &Addition) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let failed = |error: std::io::Error| {
        Failure::new(Kind::Enforcement, format!("{shown} cannot be changed: {error}"))
            .remedy("see that it is yours and can be written")
    };
    // A link stays one.
    let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let (text, mode) = match fs::read_to_string(&path) {
        Ok(text) => (text, path.metadata().map_err(failed)?.permissions()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (String::new(), fs::Permissions::from_mode(0o644))
        }
        Err(error) => return Err(failed(error)),
    };
    let changed = amended(&shown, &text, std::slice::from_ref(addition))
        .map_err(|error| Failure::new(Kind::Denied, format!("{shown} is not changed: {error}")))?;
    let fresh = fresh_name(&path);
    let mut made = File::create_new(&fresh).map_err(failed)?;
    let written = made
        .write_all(changed.as_bytes())
        .and_then(|()| made.set_permissions(mode))
        .and_then(|()| made.sync_all())
        .and_then(|()| fs::rename(&fresh, &path));
    written.map_err(|error| {
        fs::remove_file(&fresh).unwrap_or_default();
        failed(error)
    })
}

/// Beside it, so that it can take its place.
fn fresh_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_a_rule_with_its_ports() {
        let mut all = Destinations::default();
        for subject in [
            "b.test:443",
            "a.test:443",
            "a.test:22",
            "a.test:443",
            "8.8.8.8:53",
            "[2001:db8::1]:80",
        ] {
            assert!(all.add(subject), "{subject}");
        }
        assert!(!all.add("a.test") && !all.add("a.test:x") && !all.add(""));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        write(&file, &all.rules("learned")).unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "palisade: 1\nnetwork:\n  rules:\n    \
             # learned\n    - addresses: [\"8.8.8.8\"]\n      ports: [53]\n    \
             # learned\n    - addresses: [\"2001:db8::1\"]\n      ports: [80]\n    \
             # learned\n    - hosts: [a.test]\n      ports: [22, 443]\n    \
             # learned\n    - hosts: [b.test]\n      ports: [443]\n"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
