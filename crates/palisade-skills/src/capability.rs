use serde::{Deserialize, Serialize};

use crate::Place;

/// What kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// Keys of SSH or GPG.
    PrivateKey,
    /// Tokens of a cloud, a cluster, a registry, a repository host.
    ServiceToken,
    /// Cookies, passwords and sessions of a browser.
    Browser,
    /// A wallet: seed phrases, key stores.
    Wallet,
    /// The operating system's keychain.
    Keychain,
    /// An agent's own tokens and settings.
    Agent,
    /// A `.env` file or the like.
    EnvFile,
}

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A secret at a known place.
    Secret(Secret),
    /// One environment variable.
    Variable(String),
    /// All of the environment.
    Environment,
    /// Files of the workspace or the home folder, or what the conversation holds.
    UserData,
    /// Bytes that came from the network.
    Network,
    /// Bytes that were decoded.
    Decoded,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It talks to this host; `None` if the host is computed.
    Network(Option<String>),
    /// It starts this program; `None` if computed.
    Exec(Option<String>),
    /// It reads this.
    Read(Source),
    /// It writes this path.
    Write(String),
    /// It puts something where it acts again later.
    Persist(String),
    /// It installs this package or program.
    Install(String),
}

/// Something that the package can do, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Capability {
    /// What.
    #[serde(flatten)]
    pub what: Use,
    /// Where it was seen.
    #[serde(flatten)]
    pub place: Place,
}
