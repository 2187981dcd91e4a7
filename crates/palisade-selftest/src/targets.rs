use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// What there is on the host to aim at. What is `None` is not tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// A file of the operator's with a secret that the policy does not grant.
    pub secret: Option<PathBuf>,
    /// A file of the operator's that a shell of the host would run.
    pub startup_file: Option<PathBuf>,
    /// The folder in which the agent works.
    pub workspace: Option<PathBuf>,
    /// A process of the host, as the host counts.
    pub host_process: Option<i32>,
    /// Something that stands in the supervisor's environment and nowhere inside, cut in two so that
    /// it does not stand in these targets either.
    pub marker: Option<(String, String)>,
    /// A name that no rule permits.
    pub unlisted_host: Option<String>,
    /// An address that no rule permits.
    pub unlisted_address: Option<SocketAddr>,
    /// A port on the host's loopback at which something listens.
    pub host_loopback: Option<u16>,
    /// A name and port that a rule permits, at which a web server answers.
    pub listed: Option<(String, u16)>,
    /// A model that is routed.
    pub model: Option<String>,
    /// The variable that holds the placeholder of a model's key inside.
    pub key_variable: Option<String>,
}

impl Targets {
    pub(crate) fn marker(&self) -> Option<String> {
        self.marker.as_ref().map(|(start, end)| format!("{start}{end}"))
    }
}
