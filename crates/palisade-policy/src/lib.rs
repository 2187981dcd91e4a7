//! The policy document: parse, validate, layer, compile, explain.
//!
//! A document is read once ([`load()`]), checked by itself with every error at its place
//! ([`Diagnostics`]), and joined with those of the other layers to one [`Policy`] in which every
//! path is absolute and every name normalised. What this version cannot enforce is listed in
//! [`Policy::not_built`]: a launch refuses it.
//!
//! # Trust
//! The managed, command-line and user documents are the operator's. A project's file is code
//! from a repository: it may narrow, and widens only when the user has trusted its exact bytes
//! ([`trust()`]).

#![forbid(unsafe_code)]

mod amend;
mod amount;
mod at;
mod audit;
mod cases;
mod ceiling;
mod compare;
mod cover;
mod diagnostic;
mod digest;
mod document;
mod draft;
mod explain;
mod http;
mod live;
mod load;
mod merge;
mod narrow;
mod near;
mod parse;
mod policy;
mod profiles;
mod read;
mod real;
mod schema;
mod shape;
mod syntax;
mod taint;
mod text;
mod tree;
mod trust;
mod widening;

pub use amend::{Addition, AmendError, Item, amended};
pub use audit::{
    Audit, Export, ObjectLock, Otlp, RETAIN_CLASSES, S3, Ship, Syslog, Transport, Webhook,
};
pub use cases::{Case, Cases, TRIED, cases, tried};
pub use compare::{Change, Direction, compare};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use explain::{Explained, explain};
pub use http::{Effect, GraphqlMatch, HttpMatch, HttpRule, JsonRpcMatch, Tls};
pub use live::fixed_parts;
pub use load::{
    Asked, CommandLine, PROJECT_FILE, ProjectFile, Sources, check_file, check_file_for, check_text,
    load, project_file,
};
/// What becomes of a tool call that no rule names.
pub use palisade_permissions::Mode as PermissionMode;
pub use policy::{
    Access, Alarms, AnswersBy, Api, Approvals, AwsKey, Canaries, Credential, Deny, Fallback,
    Filesystem, Grant, Guard, HeaderCredential, Hosting, Inference, LocalOnly, ModelLimits,
    ModelPrice, Network, NetworkRule, NotBuilt, OAuth2, PermissionRule, Permissions, Place, Policy,
    Process, ProcessLimits, Provider, Route, RuleLimits, SecretSource, ServerTool, SkillRequire,
    SkillSeverity, Skills, Source, SshKeys, Syscalls, Upstream, UpstreamHost, Vault, Workspace,
};
pub use profiles::{PROFILES, Profile, profile};
pub use real::may_be_protected;
pub use schema::schema;
pub use taint::{Taint, TaintRule, TaintedAct};
pub use text::is_invisible;
pub use trust::{Trust, TrustError, trust, trust_of, untrust};
