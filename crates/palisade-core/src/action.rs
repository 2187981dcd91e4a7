use std::net::SocketAddr;

use crate::{Caller, Exec, HostName, Layer, RecordKind, Request, ToolCall, ToolSeen};

/// One thing that an agent tries to do, whatever layer saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Start the sandbox's command. `command` is the argv, lossily decoded for the record.
    Launch {
        /// The argument vector; the first is the program as the operator wrote it.
        command: Vec<String>,
        /// The workspace's path on the host, if the sandbox has one.
        workspace: Option<String>,
    },
    /// Ask the resolver for a name.
    Resolve {
        /// The name asked for, normalised.
        name: HostName,
    },
    /// Ask the resolver for other records of a name than its addresses. The question leaves the sandbox.
    Records {
        /// The name asked for, normalised.
        name: HostName,
        /// Which records.
        kind: RecordKind,
    },
    /// Ask the resolver for something that is not a name it could ever answer
    /// (a malformed name, a record type the sandbox does not get).
    ResolveRefused {
        /// What was asked for, as it came, escaped and cut for the record.
        asked: String,
        /// Why no answer is possible.
        why: String,
    },
    /// Open a TCP connection that leaves the sandbox.
    Connect {
        /// The name that the client resolved, or `None` if it dialled a bare address.
        host: Option<HostName>,
        /// The port the client dialled.
        port: u16,
        /// The real address about to be dialled. `None` while it is not yet resolved: the
        /// question is then only if any rule could permit this host and port at all.
        address: Option<SocketAddr>,
        /// The server name in the client's TLS ClientHello, as far as it is known.
        tls: TlsName,
        /// Who makes the connection, as far as somebody looked.
        caller: Caller,
    },
    /// Send an HTTP request to a server, over a connection that is looked into.
    Request(Box<Request>),
    /// Send a request to a model provider.
    ModelCall {
        /// The wire format and endpoint, such as `anthropic/messages`.
        endpoint: String,
        /// The model that the client named.
        model: String,
    },
    /// Send a request to the gateway that names no model (a models list), or cannot be understood.
    ModelRequest {
        /// HTTP method and path, escaped and cut for the record.
        request: String,
        /// Why it cannot pass, or `None` for an endpoint the gateway answers.
        refused: Option<String>,
    },
    /// Show a skill of the lock to the sandbox.
    SkillLoad {
        /// Its name, as agents see it.
        name: String,
        /// Its digest.
        digest: String,
        /// What the scanner said of it, if it was scanned.
        verdict: Option<String>,
        /// Why the policy lets it in.
        why: String,
        /// What its programs may do at most, each in a line. None: what the policy permits.
        policies: Vec<String>,
    },
    /// Make a call of a tool.
    ToolCall(Box<ToolCall>),
    /// Become another program.
    Exec(Box<Exec>),
}

/// What is known of the server name a TLS client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsName {
    /// Nothing has been sent yet.
    Unseen,
    /// The first bytes are not TLS.
    NotTls,
    /// TLS, and the server name is this.
    Named(HostName),
    /// TLS without a server name, with a bad one, or one that is encrypted (ECH). The text says which.
    Hidden(String),
}

impl TlsName {
    /// Why a first flight with this name may not go to `host`, or `None` if it may.
    ///
    /// Text that is not TLS says nothing of a name and so contradicts none.
    pub fn contradicts(&self, host: &HostName) -> Option<String> {
        match self {
            TlsName::Unseen | TlsName::NotTls => None,
            TlsName::Named(name) if name == host => None,
            TlsName::Named(name) => {
                Some(format!("the connection is to {host}, but its TLS server name is {name}"))
            }
            TlsName::Hidden(why) => {
                Some(format!("the TLS server name must be {host} and readable, but {why}"))
            }
        }
    }
}

impl Action {
    /// The layer that sees this kind of action.
    pub fn layer(&self) -> Layer {
        match self {
            Action::Launch { .. } | Action::Exec(_) => Layer::Process,
            Action::SkillLoad { .. } => Layer::Files,
            Action::Resolve { .. } | Action::Records { .. } | Action::ResolveRefused { .. } => {
                Layer::Network
            }
            Action::Connect { .. } | Action::Request(_) => Layer::Egress,
            Action::ModelCall { .. } | Action::ModelRequest { .. } => Layer::Inference,
            Action::ToolCall(call) => match call.seen {
                ToolSeen::Answer => Layer::Inference,
                ToolSeen::Announced | ToolSeen::Mcp => Layer::Tool,
            },
        }
    }

    /// The event kind this action leaves in the journal.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Launch { .. } => "launch",
            Action::Resolve { .. } | Action::Records { .. } | Action::ResolveRefused { .. } => {
                "resolve"
            }
            Action::Connect { .. } => "connect",
            Action::Request(_) => "request",
            Action::ModelCall { .. } | Action::ModelRequest { .. } => "model_call",
            Action::SkillLoad { .. } => "skill",
            Action::ToolCall(_) => "tool_call",
            Action::Exec(_) => "exec",
        }
    }

    /// What the action is about, in one line for people and for `audit query`.
    pub fn subject(&self) -> String {
        match self {
            Action::Launch { command, .. } => command.join(" "),
            Action::Resolve { name } => name.to_string(),
            Action::Records { name, kind } => format!("{kind} {name}"),
            Action::ResolveRefused { asked, .. } => asked.clone(),
            Action::Connect { host: Some(host), port, .. } => format!("{host}:{port}"),
            Action::Connect { host: None, port, address, .. } => match address {
                Some(address) => address.to_string(),
                None => format!("port {port}"),
            },
            Action::Request(request) => request.subject(),
            Action::ModelCall { endpoint, model } => format!("{endpoint} {model}"),
            Action::ModelRequest { request, .. } => request.clone(),
            Action::SkillLoad { name, .. } => name.clone(),
            Action::ToolCall(call) => call.subject(),
            Action::Exec(exec) => exec.subject(),
        }
    }
}
