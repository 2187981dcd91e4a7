//! Rules that look at each event, and decoys.

use std::{collections::BTreeSet, path::PathBuf};

use palisade_core::HostName;
use serde::Serialize;

/// The `alarms` section: rules that look at each event, and decoys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Alarms {
    /// The rules, each id once.
    pub rules: Vec<palisade_alarms::Rule>,
    /// The decoys.
    pub canaries: Option<Canaries>,
}

/// Decoys inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Canaries {
    /// Files, by absolute path.
    #[serde(serialize_with = "crate::digest::exact_all")]
    pub files: BTreeSet<PathBuf>,
    /// Variables.
    pub variables: BTreeSet<String>,
    /// Names of hosts.
    pub hosts: BTreeSet<HostName>,
    /// What touching one does besides.
    pub actions: BTreeSet<palisade_alarms::Action>,
}
