use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

/// What there is on the host to aim at. What is `None` or empty is not tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Targets {
    /// Make only these attempts, in this order. Empty: all.
    pub only: Vec<String>,
    /// The operator's home.
    pub home: Option<PathBuf>,
    /// What there is in it, of what attempts aim at there.
    pub in_home: Vec<String>,
    /// A file with a secret that the policy does not grant.
    pub secret: Option<PathBuf>,
    /// A unix socket of a host process, which takes any connection.
    pub socket: Option<PathBuf>,
    /// The name of an abstract one.
    pub abstract_socket: Option<String>,
    /// The folder in which the agent works: a decoy, with what a repository has.
    pub workspace: Option<PathBuf>,
    /// Whether the policy lets it be changed.
    pub writable: bool,
    /// A name in the workspace that the policy denies.
    pub denied: Option<String>,
    /// Another name of the same file.
    pub denied_link: Option<String>,
    /// Palisade's state, and its configuration.
    pub own_folders: Vec<PathBuf>,
    /// A program of the system, and not a link.
    pub program: Option<PathBuf>,
    /// A process of the host, as the host counts; a number that no process inside has.
    pub host_process: Option<i32>,
    /// A process group of the host, likewise.
    pub host_group: Option<i32>,
    /// The host's namespaces, by name, as `/proc` shows them.
    pub namespaces: Vec<(String, String)>,
    /// Whether the kernel's Landlock holds signals.
    pub scopes: bool,
    /// What the policy limits.
    pub processes: Option<u64>,
    /// Likewise.
    pub open_files: Option<u64>,
    /// Something that stands in the supervisor's environment and nowhere inside, cut in two so that
    /// it does not stand in these targets either.
    pub marker: Option<(String, String)>,
    /// A name that no rule permits.
    pub unlisted_host: Option<String>,
    /// An address that no rule permits.
    pub unlisted_address: Option<SocketAddr>,
    /// Addresses of the machine itself, not of loopback.
    pub own_addresses: Vec<IpAddr>,
    /// A port on the host's loopback at which something listens.
    pub host_loopback: Option<u16>,
    /// A name and port that a rule permits, at which a web server answers.
    pub listed: Option<(String, u16)>,
    /// A name that a rule permits. It is not asked for; others are made of it.
    pub listed_name: Option<String>,
    /// A model that is routed.
    pub model: Option<String>,
    /// The variable that holds the placeholder of a model's key inside.
    pub key_variable: Option<String>,
}

impl Targets {
    pub(crate) fn marker(&self) -> Option<String> {
        self.marker.as_ref().map(|(start, end)| format!("{start}{end}"))
    }

    /// The file in the workspace.
    pub(crate) fn work(&self, name: &str) -> Option<PathBuf> {
        self.workspace.as_deref().map(|folder| folder.join(name))
    }
}
