use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use palisade_core::BoxFuture;
use palisade_sigv4::Keys;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;

use crate::{
    Api, Guard, HeaderCredential, Hosting, KnownSecret, Limits, LocalOnly, ModelPattern, Quota,
    QuotaError, ServerTool, UpstreamUrl,
};

/// All that a gateway is made of, in plain types.
#[derive(Debug, Default)]
pub struct GatewayConfig {
    /// The providers, by the name that routes use.
    pub providers: BTreeMap<String, Provider>,
    /// The routes. The first whose pattern takes the model decides.
    pub routes: Vec<Route>,
    /// The tools at providers that may be used. All others are denied.
    pub server_tools: BTreeSet<ServerTool>,
    /// Whether a request is refused that brings the result of a call which no answer of this session let
    /// go. It leaves an event either way.
    pub deny_unknown_results: bool,
    /// Certificate roots besides the operator's own, for every provider.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How much memory and time calls may take.
    pub limits: Limits,
    /// How much models may be used. All of these hold.
    pub quotas: Vec<Quota>,
    /// Where counts of them are kept that outlast a session. `None`: nowhere.
    pub quota_folder: Option<PathBuf>,
    /// Values that are taken out of what goes to a model, with keys of known forms. `None`: nothing is.
    pub redact: Option<Vec<KnownSecret>>,
    /// Whether marks are turned back in what the client gets, where the client had sent the secret itself.
    pub restore: bool,
    /// What becomes of results of tools that look like instructions. `None`: they are not looked at.
    pub guard: Option<Guard>,
    /// Prompts that only a local provider may have. `None`: there are no such.
    pub local_only: Option<LocalOnly>,
    /// Values that count as secrets for it.
    pub private: Vec<KnownSecret>,
    /// The way out, where connections do not leave directly. It stays when the rest is exchanged.
    pub tunnel: Option<Arc<dyn Tunnel>>,
}

/// Connects to providers in another way than directly.
pub trait Tunnel: Send + Sync + 'static {
    /// A connection to this name or address, and port. TLS is not its business.
    fn open<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<TcpStream>>;
}

impl fmt::Debug for dyn Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

/// A place that answers model calls.
#[derive(Debug)]
pub struct Provider {
    /// What it speaks.
    pub api: Api,
    /// Where it is.
    pub url: UpstreamUrl,
    /// What opens it.
    pub key: KeySource,
    /// Dial these and do not resolve the URL's host. TLS still asks for that host's certificate.
    pub addresses: Vec<SocketAddr>,
    /// Whether what goes there stays with the operator.
    pub local: bool,
    /// Who hosts the models, where that changes the form. The API is then Anthropic's.
    pub hosting: Option<Hosting>,
}

/// Gives a key that may be another one each time.
pub trait KeyFeed: Send + Sync + 'static {
    /// The key as it is now, or one sentence on what is missing.
    fn current(&self) -> BoxFuture<'_, Result<Arc<HeaderCredential>, String>>;
}

impl fmt::Debug for dyn KeyFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFeed")
    }
}

/// Gives a key of AWS that may be another one each time.
pub trait AwsFeed: Send + Sync + 'static {
    /// The key as it is now, or one sentence on what is missing.
    fn current(&self) -> BoxFuture<'_, Result<Arc<Keys>, String>>;
}

impl fmt::Debug for dyn AwsFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsFeed")
    }
}

/// Where a provider's key comes from.
#[derive(Debug)]
pub enum KeySource {
    /// It needs none (a server on this machine).
    None,
    /// This key, in this header.
    Header(HeaderCredential),
    /// One that is asked for with each call.
    Fed(Arc<dyn KeyFeed>),
    /// A key of AWS, which signs and is not sent. Its session token is, if it has one.
    Aws(Keys),
    /// A key of AWS that is asked for with each call.
    AwsFed(Arc<dyn AwsFeed>),
    /// There should be one and there is not. Calls are refused with this text, which tells
    /// the operator what to set.
    Missing {
        /// What is missing and how to provide it, in one sentence.
        why: String,
    },
}

/// Which models go where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The models it takes.
    pub model: ModelPattern,
    /// The provider's name.
    pub to: String,
    /// The model name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls, against those of the others. 1 where there is no other.
    pub weight: u32,
    /// Who is asked next, in this order, when one is not reached, answers 429 or 5xx, or does not begin
    /// in time.
    pub fallback: Vec<Fallback>,
}

/// Another provider for the models of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The provider's name.
    pub to: String,
    /// The model name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls that it gets first.
    pub weight: u32,
}

/// Why a gateway cannot be made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A route to a provider that does not exist.
    #[error("the route for `{model}` goes to `{to}`, and no provider has that name")]
    UnknownProvider {
        /// The route's pattern.
        model: String,
        /// The name it goes to.
        to: String,
    },
    /// What marks a prompt as one for local providers cannot be looked for.
    #[error("`inference.local_only` cannot be used: {0}")]
    LocalOnly(String),
    /// What was used of limits cannot be kept.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// A rename to something that is no model name.
    #[error("`{0}` cannot be a model's name: use letters, digits and punctuation, no spaces")]
    Rename(String),
}
