//! Network rules that a command adds to a policy's file.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use palisade_policy::{Addition, Item, amended};
use serde_json::json;

use super::place::{Found, Place};
use crate::failure::{Failure, Kind};

/// Programs that a comment names.
const MOST_PROGRAMS: usize = 4;

/// Where connections went that no rule named, and by which programs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Destinations(BTreeMap<(String, u16), BTreeSet<String>>);

impl Destinations {
    /// One more, by the subject of its event, and the program if it is known. False: it is no destination.
    pub(super) fn add(&mut self, subject: &str, program: Option<&str>) -> bool {
        let Some((host, port)) = subject.rsplit_once(':') else { return false };
        let Ok(port) = port.parse() else { return false };
        let programs = self.0.entry((host.to_owned(), port)).or_default();
        programs.extend(program.map(str::to_owned));
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are shown.
    pub(super) fn shown(&self) -> String {
        let all: Vec<String> = self.0.keys().map(|(host, port)| format!("{host}:{port}")).collect();
        all.join(", ")
    }

    /// Rules that permit exactly these: one a name or address, with its ports. `why` is the comment above
    /// each, and then the programs that went there.
    pub(super) fn rules(&self, why: &str) -> Addition {
        let mut by_host: BTreeMap<&str, (BTreeSet<u16>, BTreeSet<&str>)> = BTreeMap::new();
        for ((host, port), programs) in &self.0 {
            let (ports, all) = by_host.entry(host).or_default();
            ports.insert(*port);
            all.extend(programs.iter().map(String::as_str));
        }
        let item = |(host, (ports, programs)): (&str, (BTreeSet<u16>, BTreeSet<&str>))| {
            let mut comment = vec![why.to_owned()];
            if !programs.is_empty() {
                let some: Vec<&str> = programs.iter().take(MOST_PROGRAMS).copied().collect();
                let more = if programs.len() > some.len() { ", …" } else { "" };
                comment.push(format!("by {}{more}", some.join(", ")));
            }
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

impl Place {
    /// Add to the policy that is here, which is made if it is not there.
    ///
    /// # Errors
    /// It stays as it was.
    pub(super) fn write(&self, addition: &Addition) -> Result<(), Failure> {
        self.write_all(std::slice::from_ref(addition))
    }

    /// The same with several, all or none.
    ///
    /// # Errors
    /// It stays as it was.
    pub(super) fn write_all(&self, additions: &[Addition]) -> Result<(), Failure> {
        let Change { mode, after, .. } = self.with_all(additions)?;
        self.put(&after, mode)
    }

    /// What would be written.
    ///
    /// # Errors
    /// Nothing can be added to what is there.
    pub(super) fn with(&self, addition: &Addition) -> Result<Change, Failure> {
        self.with_all(std::slice::from_ref(addition))
    }

    fn with_all(&self, additions: &[Addition]) -> Result<Change, Failure> {
        let Found { text: before, mode } = self.read()?;
        let shown = self.shown();
        let text = before.as_deref().unwrap_or_default();
        let after = amended(shown, text, additions).map_err(|error| {
            Failure::new(Kind::Denied, format!("{shown} is not changed: {error}"))
        })?;
        Ok(Change { before, after, mode })
    }
}

/// A policy before and after.
#[derive(Debug)]
pub(super) struct Change {
    before: Option<String>,
    after: String,
    mode: std::fs::Permissions,
}

impl Change {
    /// As it is; none: it is not there.
    pub(super) fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// As it will be.
    pub(super) fn after(&self) -> &str {
        &self.after
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use rustix::fs::Mode;

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
            let program = subject.starts_with('a').then_some("/usr/bin/git");
            assert!(all.add(subject, program), "{subject}");
        }
        assert!(["a.test", "a.test:x", ""].iter().all(|subject| !all.add(subject, None)));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        Place::find(&file).unwrap().write(&all.rules("learned")).unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "palisade: 1\nnetwork:\n  rules:\n    \
             # learned\n    - addresses: [\"8.8.8.8\"]\n      ports: [53]\n    \
             # learned\n    - addresses: [\"2001:db8::1\"]\n      ports: [80]\n    \
             # learned\n    # by /usr/bin/git\n    - hosts: [a.test]\n      ports: [22, 443]\n    \
             # learned\n    - hosts: [b.test]\n      ports: [443]\n"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_where_a_link_leads_and_no_pipe_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("work")).unwrap();
        fs::write(at("own.yaml"), "palisade: 1\n").unwrap();
        let mut all = Destinations::default();
        all.add("a.test:443", None);
        let place = Place::find(&at("work/learned.yaml")).unwrap();
        std::os::unix::fs::symlink(at("own.yaml"), at("work/learned.yaml")).unwrap();
        let failure = place.write(&all.rules("learned")).unwrap_err();
        assert!(failure.to_string().contains("symbolic link"), "{failure}");
        assert_eq!(fs::read_to_string(at("own.yaml")).unwrap(), "palisade: 1\n");
        fs::remove_file(at("work/learned.yaml")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("work/learned.yaml"), Mode::from(0o600)).unwrap();
        place.write(&all.rules("learned")).unwrap_err();
        fs::remove_file(at("work/learned.yaml")).unwrap();
        // Nor does it matter what becomes of the folder's path.
        fs::rename(at("work"), at("moved")).unwrap();
        fs::create_dir(at("other")).unwrap();
        std::os::unix::fs::symlink(at("other"), at("work")).unwrap();
        place.write(&all.rules("learned")).unwrap();
        assert!(at("moved/learned.yaml").exists() && !at("other/learned.yaml").exists());
        assert!(
            Place::find(&at("nowhere/x.yaml")).is_err() && Place::find(Path::new("/")).is_err()
        );
    }
}
