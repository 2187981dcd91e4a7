use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use palisade_core::{
    HostName, HostPattern, PolicyDigest, ProgramPattern, RecordKind, SkillPolicy, TextPattern,
};
use palisade_hooks::Config;
use palisade_permissions::{List, Mode, Rule};
use serde::Serialize;

use crate::{
    audit::Audit,
    http::{HttpRule, Tls},
    taint::Taint,
};

/// A policy as it is enforced: every layer merged, every path absolute, every name normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The digest of its canonical form. Two policies that mean the same have the same.
    pub digest: PolicyDigest,
    /// The documents it was made of, the nearest (that wins) first.
    pub sources: Vec<Source>,
    /// The `filesystem` section.
    pub filesystem: Filesystem,
    /// The `network` section.
    pub network: Network,
    /// The `process` section.
    pub process: Process,
    /// The `inference` section, if there is any provider.
    pub inference: Option<Inference>,
    /// The `approvals` section.
    pub approvals: Approvals,
    /// The `hooks` section.
    pub hooks: Config,
    /// The `permissions` section, if a document has one.
    pub permissions: Option<Permissions>,
    /// The `skills` section.
    pub skills: Skills,
    /// The `audit` section.
    pub audit: Audit,
    /// The `alarms` section, if a document has one.
    pub alarms: Option<Alarms>,
    /// The `taint` section, if a document has one, or a condition names it.
    pub taint: Option<Taint>,
    /// What it asks for that this version cannot enforce. A launch refuses when there is any.
    pub not_built: Vec<NotBuilt>,
    /// Where the workspace, and the paths of a project's documents, led through links when they were
    /// checked. A launch refuses one that leads elsewhere by then.
    pub led: BTreeMap<PathBuf, PathBuf>,
}

impl Policy {
    /// What it means, in the canonical form that its digest is of.
    pub fn meaning(&self) -> String {
        crate::digest::meaning(&crate::digest::Meant {
            filesystem: &self.filesystem,
            network: &self.network,
            process: &self.process,
            inference: self.inference.as_ref(),
            approvals: &self.approvals,
            hooks: &self.hooks,
            permissions: self.permissions.as_ref(),
            audit: &self.audit,
            alarms: self.alarms.as_ref(),
            taint: self.taint.as_ref(),
            skills: &self.skills,
            not_built: &self.not_built,
        })
    }

    /// Whether it has rules for commands, or hooks for what is executed, so that this must be watched.
    pub fn holds_execs(&self) -> bool {
        self.permissions.as_ref().is_some_and(|rules| rules.of_commands().next().is_some())
            || self.taint.as_ref().is_some_and(Taint::holds_execs)
            || !self.hooks.of(palisade_hooks::Event::PRE_EXEC).is_empty()
    }
}

/// The `permissions` section: which tool calls an agent may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// What becomes of a call that no rule names.
    #[serde(serialize_with = "mode_word")]
    pub mode: Mode,
    /// Calls that are permitted.
    pub allow: Vec<PermissionRule>,
    /// Calls that are asked.
    pub ask: Vec<PermissionRule>,
    /// Calls that are refused.
    pub deny: Vec<PermissionRule>,
    /// What `~` is in these rules.
    #[serde(serialize_with = "crate::digest::exact")]
    pub home: PathBuf,
}

impl Permissions {
    /// The rules that refuse or ask for commands, which are held where programs are executed.
    pub fn of_commands(&self) -> impl Iterator<Item = &PermissionRule> {
        let deny = self.deny.iter().filter(|rule| rule.is_for_commands(List::Deny));
        deny.chain(self.ask.iter().filter(|rule| rule.is_for_commands(List::Ask)))
    }
}

impl PermissionRule {
    fn is_for_commands(&self, list: List) -> bool {
        Rule::parse(&self.text, list).is_ok_and(|rule| rule.is_for_commands())
    }
}

/// A rule for tool calls, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRule {
    /// Its text, such as `Bash(npm run *)`.
    pub text: String,
    /// Where it stands, such as `palisade.yaml:12`.
    #[serde(skip)]
    pub at: String,
    /// The folder that a path with one leading `/` begins at.
    #[serde(serialize_with = "crate::digest::exact")]
    pub base: PathBuf,
    /// Whether the files that it refuses are hidden as well, whatever an agent runs.
    pub hidden: bool,
    /// Where it does not hold, the rule does not count. It has been read once, and is a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

fn mode_word<S: serde::Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.as_str())
}

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

/// A document that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is: `managed`, `command line`, `project`, `untrusted project` (only what narrows
    /// counts), `user` or `profile`.
    pub layer: &'static str,
    /// Its path, or the built-in profile's name.
    pub name: String,
    /// The digest of its bytes.
    pub digest: PolicyDigest,
}

/// The `filesystem` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filesystem {
    /// The workspace; `None` is a policy without one: the agent then works in a private `/sandbox`.
    pub workspace: Option<Workspace>,
    /// What else the agent sees, by path, each once.
    pub grants: Vec<Grant>,
    /// What it does not see although a grant above it would show it.
    pub deny: Vec<Deny>,
}

/// The folder that the agent works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// Its absolute path.
    #[serde(serialize_with = "crate::digest::exact")]
    pub path: PathBuf,
    /// What the agent may do there.
    pub access: Access,
}

/// What may be done with the workspace, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Access {
    /// Read only.
    ReadOnly,
    /// Changes are kept apart until the operator takes them.
    Overlay,
    /// Read and change.
    ReadWrite,
}

/// A path that the agent sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The absolute path on the host, and the same inside.
    #[serde(serialize_with = "crate::digest::exact")]
    pub path: PathBuf,
    /// Whether the agent may change it.
    pub writable: bool,
    /// Whether a launch without it is an error. What a profile names is optional.
    pub required: bool,
    /// How it is printed, such as `filesystem.read[2]`.
    pub rule: String,
}

/// A path, or many, that the agent does not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deny {
    /// An absolute path, or an absolute glob (`*` within a component, `**` any depth).
    pub pattern: String,
    /// Whether `pattern` has wildcards.
    pub glob: bool,
    /// How it is printed, such as `filesystem.deny[0]`.
    pub rule: String,
}

/// The `network` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Fixed answers.
    pub hosts: BTreeMap<HostName, Vec<IpAddr>>,
    /// The rules, in the order of the document.
    pub rules: Vec<NetworkRule>,
    /// Whether the operator is asked for a destination that no rule names. Else it is denied.
    pub ask: bool,
    /// Ports of the sandbox that are published on the host's loopback.
    pub expose: BTreeSet<u16>,
    /// The credentials that rules name, by name.
    pub credentials: BTreeMap<String, Credential>,
    /// The keys that sign outside, by the credential's name.
    pub ssh: BTreeMap<String, SshKeys>,
    /// The proxy that connections leave by.
    pub upstream: Option<Upstream>,
}

/// A proxy of the operator's, and what is dialled without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upstream {
    /// Where it is.
    pub host: UpstreamHost,
    /// Its port.
    pub port: u16,
    /// The user's name. Without one the secret is `user:password`.
    pub user: Option<String>,
    /// What opens it.
    pub credential: Option<Credential>,
    /// Names that are dialled without it.
    pub except_hosts: Vec<HostPattern>,
    /// Addresses that are dialled without it.
    pub except_networks: Vec<IpNet>,
    /// Whether the proxy finds the addresses of names. None is judged then.
    pub resolves: bool,
}

/// Where a proxy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum UpstreamHost {
    /// By its name.
    Name(HostName),
    /// At this address.
    Address(IpAddr),
}

impl Network {
    /// Whether some rule is for certain programs, so that it must be watched who connects.
    pub fn names_programs(&self) -> bool {
        self.rules.iter().any(|rule| !rule.binaries.is_empty())
    }

    /// Whether it is to be watched who connects: a rule is for certain programs, or the operator is shown who
    /// asks.
    pub fn watches_programs(&self) -> bool {
        self.ask || self.names_programs()
    }
}

/// Keys of the operator's ssh agent, and where they may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SshKeys {
    /// Fingerprints: `SHA256:` and 43 characters.
    pub keys: BTreeSet<String>,
    /// The hosts.
    pub hosts: BTreeSet<HostName>,
}

/// The `approvals` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approvals {
    /// How long a question waits for its answer. None in time is a denial.
    pub timeout: Duration,
    /// Whether the desktop's notifications tell of questions.
    pub desktop: bool,
    /// A server that is told of questions, and may answer them.
    pub webhook: Option<AnswersBy>,
}

/// A server that is told of questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswersBy {
    /// Where a question is posted.
    pub url: String,
    /// The Ed25519 public key of those who may answer; without one nobody may.
    pub key: Option<[u8; 32]>,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10 * 60), desktop: false, webhook: None }
    }
}

/// The `skills` section: which skills are in the sandbox. The strictest of all documents counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skills {
    /// What must have happened to a skill.
    pub require: SkillRequire,
    /// Findings of this severity and up keep a skill out.
    pub block: Option<SkillSeverity>,
    /// What the programs of a skill may do at most, by its name: what all of these permit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Vec<SkillPolicy>>,
}

impl Skills {
    /// Whether only skills of the lock are in the sandbox.
    pub fn holds(&self) -> bool {
        self.require != SkillRequire::Any
    }
}

/// What must have happened to a skill, the least first. Each has what those before it ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillRequire {
    /// Nothing: whatever is in the folders of an agent is there.
    #[default]
    Any,
    /// It is in the lock, and was scanned.
    Scanned,
    /// A person, or a publisher who is trusted, has approved exactly this.
    Reviewed,
    /// A publisher who is trusted has signed exactly this.
    Signed,
}

impl SkillRequire {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            SkillRequire::Any => "any",
            SkillRequire::Scanned => "scanned",
            SkillRequire::Reviewed => "reviewed",
            SkillRequire::Signed => "signed",
        }
    }
}

/// How bad a finding is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillSeverity {
    /// Weak alone.
    Low,
    /// A person should look.
    Medium,
    /// Stops a skill by default.
    High,
    /// An attack, as far as can be seen.
    Critical,
}

impl SkillSeverity {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            SkillSeverity::Low => "low",
            SkillSeverity::Medium => "medium",
            SkillSeverity::High => "high",
            SkillSeverity::Critical => "critical",
        }
    }
}

/// A network rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkRule {
    /// How it is printed: `network.rules[github]`, or with its number if it has no name.
    pub rule: String,
    /// The names it permits; without any it is for bare addresses.
    pub hosts: Vec<HostPattern>,
    /// The ports it permits, never empty.
    pub ports: Vec<u16>,
    /// The programs that it is for; none is any.
    pub binaries: Vec<ProgramPattern>,
    /// Kinds of records of its names that are asked for outside.
    pub records: BTreeSet<RecordKind>,
    /// The addresses it permits that are not public.
    pub addresses: Vec<IpNet>,
    /// Whether connections by it are looked into.
    pub tls: Tls,
    /// Which requests it permits; `None` is any.
    pub http: Option<Vec<HttpRule>>,
    /// How much may go to its hosts and ports, by whichever rule.
    pub limits: RuleLimits,
    /// Whether only what it refuses counts: it permits neither a connection nor a request. So it is with
    /// a project's rule while the project is not trusted.
    pub only_denies: bool,
    /// The credential that its requests carry, by its name in [`Network::credentials`].
    pub credential: Option<String>,
    /// The credential whose certificate servers of its requests are shown, by its name in
    /// [`Network::credentials`].
    pub client_certificate: Option<String>,
    /// Where it does not hold, the rule permits and refuses nothing. It has been read once, and is a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// A secret that requests carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// Its name in the policy.
    pub name: String,
    /// Where the secret is.
    pub from: SecretSource,
    /// Where in a request it is; `None` where a provider's API says so, and for what no request carries.
    pub place: Option<Place>,
    /// The certificate, of which the secret is the key.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub certificate: Option<PathBuf>,
    /// The variable that holds the placeholder inside.
    pub expose: Option<String>,
    /// How often it is read anew.
    pub refresh: Option<Duration>,
}

/// Where in a request a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Place {
    /// In a header: a template `name: value` with `{secret}` once. `base64(…)` in the value is encoded.
    Header(String),
    /// In a field of the query: a template `name=value` with `{secret}` once.
    Query(String),
    /// Nowhere: it signs, for a key of AWS.
    Aws(AwsKey),
}

/// A key of AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum AwsKey {
    /// That of this access key: the secret is its secret key.
    Named(String),
    /// All of it is in the secret, as a `credential_process` prints it, with a session token.
    Printed,
}

/// The most that may go to a rule's hosts and ports; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleLimits {
    /// HTTP requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Bytes that are sent in a session.
    pub sent: Option<u64>,
}

impl RuleLimits {
    /// Whether there is any.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }
}

/// The `process` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Resource limits.
    pub limits: ProcessLimits,
    /// System calls by name, added to and taken from the built-in list.
    pub syscalls: Syscalls,
    /// Variables of the host that are passed through when they are set.
    pub pass: BTreeSet<String>,
    /// Variables with a value of their own. These win over passed ones.
    pub set: BTreeMap<String, String>,
}

/// Resource limits; `None` is no limit of Palisade's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ProcessLimits {
    /// Bytes of memory of all processes together, swap included.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Processor time, in thousandths of one processor.
    pub cpu_thousandths: Option<u64>,
    /// Open descriptors of one process.
    pub open_files: Option<u64>,
    /// Bytes by which the writable folders of the host may grow together; also of one file.
    pub disk: Option<u64>,
    /// Bytes that the scratch folders hold together.
    pub scratch: Option<u64>,
    /// How long the session may last.
    pub wall_time: Option<Duration>,
}

/// Changes to the built-in system call list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Syscalls {
    /// Permitted besides.
    pub allow: BTreeSet<String>,
    /// Not permitted although the list has it.
    pub deny: BTreeSet<String>,
}

/// The `inference` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inference {
    /// The providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// The routes, in the order of the document.
    pub routes: Vec<Route>,
    /// How much models may be used: all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<ModelLimits>,
    /// The tools that may run at a provider.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub server_tools: BTreeSet<ServerTool>,
    /// Whether a request is refused that brings the result of a tool call which was not let go.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub block_results: bool,
    /// Whether secrets are taken out of what goes to a model.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redact: bool,
    /// Whether marks are turned back in answers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restore: bool,
    /// What becomes of results of tools that look like instructions, if they are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// What only local providers may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_only: Option<LocalOnly>,
}

/// What marks a prompt as one for local providers. Of several documents all counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LocalOnly {
    /// Secrets.
    pub secrets: bool,
    /// Numbers of payment cards.
    pub cards: bool,
    /// Words.
    pub texts: BTreeSet<String>,
    /// Regular expressions.
    pub patterns: BTreeSet<String>,
}

/// What one document says of how much models may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelLimits {
    /// What it is counted by: the document's file.
    #[serde(skip)]
    pub scope: String,
    /// Calls in any minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day of UTC.
    pub tokens_per_day: Option<u64>,
    /// Tokens in one session.
    pub tokens_per_session: Option<u64>,
    /// Billionths of a US dollar in a day of UTC.
    pub usd_per_day: Option<u64>,
    /// Billionths of a US dollar in one session.
    pub usd_per_session: Option<u64>,
    /// Calls of one sandbox at one time.
    pub concurrent: Option<u64>,
    /// Tokens of one answer.
    pub max_tokens: Option<u64>,
    /// Tools that may be offered to a model.
    pub tools: Option<Vec<TextPattern>>,
    /// Betas that may be switched on.
    pub betas: Option<Vec<TextPattern>>,
    /// Prices before the built-in ones.
    pub prices: Vec<ModelPrice>,
}

/// What tokens cost: millionths of a US dollar for a million of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelPrice {
    /// The models, `*` for any characters.
    pub model: String,
    /// Of a prompt.
    pub input: u64,
    /// Of an answer.
    pub output: u64,
    /// Of a prompt found in the provider's cache.
    pub cache_read: u64,
    /// Of a prompt put into it.
    pub cache_write: u64,
}

/// What becomes of results of tools that look like instructions to the model. The later ones do
/// what the earlier ones do as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Guard {
    /// They are recorded.
    Observe,
    /// The model is told.
    Annotate,
    /// The model does not get them.
    Block,
}

/// A place that answers model calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// What it speaks.
    pub api: Api,
    /// Its base URL, `http` or `https`.
    pub url: String,
    /// What opens it.
    pub credential: Option<HeaderCredential>,
    /// Whether the document calls it local.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// Who hosts its models, where that changes the form. Its API is then Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosting: Option<Hosting>,
}

/// Who hosts models in a form of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hosting {
    /// Amazon Bedrock.
    Bedrock {
        /// Such as `us-east-1`.
        region: String,
    },
    /// Google Vertex AI.
    Vertex {
        /// The project's id.
        project: String,
        /// Such as `us-east5`.
        location: String,
    },
}

/// The wire format of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Api {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses.
    OpenAi,
    /// Gemini `generateContent`.
    Gemini,
}

/// A tool that runs at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ServerTool {
    /// Searching the web.
    WebSearch,
    /// Fetching pages.
    WebFetch,
    /// Running code.
    CodeExecution,
    /// Searching files at the provider.
    FileSearch,
    /// Making images.
    ImageGeneration,
    /// Calling MCP servers.
    Mcp,
    /// Searching the tools of a request.
    ToolSearch,
}

impl ServerTool {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            ServerTool::WebSearch => "web_search",
            ServerTool::WebFetch => "web_fetch",
            ServerTool::CodeExecution => "code_execution",
            ServerTool::FileSearch => "file_search",
            ServerTool::ImageGeneration => "image_generation",
            ServerTool::Mcp => "mcp",
            ServerTool::ToolSearch => "tool_search",
        }
    }
}

/// A secret by its source, and the header that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderCredential {
    /// Its name in the policy.
    pub name: String,
    /// Where the secret is.
    pub from: SecretSource,
    /// A header template with `{secret}` once.
    pub header: String,
    /// The variable that holds the placeholder inside.
    pub expose: Option<String>,
    /// The key of AWS of which the secret signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsKey>,
    /// How often it is read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Duration>,
}

/// Where a secret is, read by the supervisor when the sandbox starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum SecretSource {
    /// A variable of the operator's environment.
    Env(String),
    /// A file, whole, without the line end at its end.
    File(#[serde(serialize_with = "crate::digest::exact")] PathBuf),
    /// A command's standard output, without the line end at its end. A program with its arguments; no shell.
    Command(Vec<String>),
    /// The entry of the desktop's key store with these attributes.
    Keyring(BTreeMap<String, String>),
    /// A field in the key-value store of a server that speaks Vault's HTTP.
    Vault(Vault),
    /// Access tokens of a server that speaks OAuth 2.
    OAuth2(OAuth2),
}

/// How access tokens are had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuth2 {
    /// Where: `https`, or `http` at a loopback address.
    pub token_url: String,
    /// The client's name there.
    pub client_id: String,
    /// The client's secret: a variable or a file.
    pub client_secret: Option<Box<SecretSource>>,
    /// The refresh token, likewise. Without one the client's own credentials are used.
    pub refresh_token: Option<Box<SecretSource>>,
    /// What the tokens are to be good for.
    pub scope: Option<String>,
}

/// A field of a secret in a server's key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vault {
    /// The server's URL: `https`, or `http` at a loopback address; without a path.
    pub url: String,
    /// Where the store is mounted, without slashes at its ends.
    pub mount: String,
    /// The path in it, without slashes at its ends.
    pub path: String,
    /// The field.
    pub field: String,
    /// 1 or 2.
    pub version: u8,
    /// The namespace, if any.
    pub namespace: Option<String>,
    /// What opens the server: a variable or a file.
    pub token: Box<SecretSource>,
}

impl SecretSource {
    /// The variables of the operator's environment that it reads.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            SecretSource::Env(variable) => vec![variable],
            SecretSource::Vault(vault) => vault.token.variables(),
            SecretSource::OAuth2(oauth2) => {
                let kept = oauth2.client_secret.iter().chain(&oauth2.refresh_token);
                kept.flat_map(|from| from.variables()).collect()
            }
            SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => vec![],
        }
    }
}

/// Which models go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// A model name, `*` for any characters.
    pub model: String,
    /// A provider's name.
    pub to: String,
    /// The name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls, against those of the others.
    #[serde(skip_serializing_if = "is_one")]
    pub weight: u32,
    /// Who is asked next, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Fallback>,
}

/// Another provider for the models of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// A provider's name.
    pub to: String,
    /// The name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls that it gets first.
    pub weight: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(weight: &u32) -> bool {
    *weight == 1
}

/// Something the policy asks for that this version cannot enforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBuilt {
    /// Such as `inference.limits`.
    pub what: String,
    /// `file:line:column` of it.
    pub at: String,
    /// What is asked for, in a canonical form.
    pub(crate) value: serde_json::Value,
}
