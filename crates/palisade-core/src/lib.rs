//! The plain words that every other crate speaks: what an agent tries ([`Action`]), what was
//! decided ([`Decision`]), what is recorded ([`Event`]) and the names they carry.
//!
//! No I/O and no policy lives here. Parsed types ([`HostName`], [`HostPattern`], [`SessionId`],
//! [`PolicyDigest`]) cannot hold a bad value: whoever has one needs not check it again.

#![forbid(unsafe_code)]

mod action;
mod agent_folders;
mod authority;
mod decision;
mod event;
mod exec;
mod glob;
mod headers;
mod host;
mod http_path;
mod id;
mod inspection;
pub mod paths;
mod process;
mod program;
mod record_kind;
mod request;
mod script_line;
mod shown;
mod skill_policy;
mod strict_json;
mod tied;
mod tool_call;
mod untrusted;
mod whole;

pub use action::{Action, TlsName};
pub use agent_folders::AGENT_FOLDERS;
pub use authority::{Authority, BoxFuture, UNRECORDED};
pub use decision::{Decision, Layer, Verdict};
pub use event::Event;
pub use exec::{Exec, OfSkills, Script};
pub use glob::{TextPattern, TextPatternError, fold, glob};
pub use headers::{FRAMING_HEADERS, one_variable};
pub use host::{HostName, HostNameError, HostPattern};
pub use http_path::{AmbiguousPath, HttpPath, PathPattern, PathPatternError};
pub use id::{IdError, PolicyDigest, SessionId};
pub use inspection::{Handling, Inspection};
pub use process::{Lineage, Process};
pub use program::{Caller, Look, PathGlob, Program, ProgramPattern, ProgramPatternError};
pub use record_kind::RecordKind;
pub use request::{Body, BodyFacts, GraphqlKind, GraphqlOperation, Request, RpcMessage};
pub use script_line::ScriptLine;
/// A secret string: zeroed on drop, without `Debug` or `Serialize` of its content.
pub use secrecy::{ExposeSecret, SecretString};
pub use shown::{push_escaped, shown};
pub use skill_policy::{SkillPolicy, SkillReach, not_for_skill};
pub use strict_json::{Strict, strict_object};
pub use tied::{Tied, Ties};
pub use tool_call::{ToolAnswer, ToolCall, ToolInput, ToolSeen};
pub use untrusted::Untrusted;
