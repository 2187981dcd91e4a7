//! The policy document: parse, validate, layer, compile, explain.

#![forbid(unsafe_code)]

mod policy;

pub use policy::{
    Access, Api, Deny, Filesystem, Grant, HeaderCredential, Inference, Network, NetworkRule,
    NotBuilt, Policy, Process, ProcessLimits, Provider, Route, SecretSource, Source, Syscalls,
    Workspace,
};
