//! One file a command. Each parses its own arguments, calls, prints.

pub(crate) mod approvals;
pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod freeze;
pub(crate) mod hook;
mod hostile;
pub(crate) mod init;
pub(crate) mod integrate;
pub(crate) mod kill;
pub(crate) mod learn;
pub(crate) mod logs;
pub(crate) mod mcp;
mod place;
pub(crate) mod policy;
pub(crate) mod ps;
mod rules;
pub(crate) mod run;
pub(crate) mod selftest;
pub(crate) mod skill;
pub(crate) mod usage;
mod wanted_files;
pub(crate) mod workspace;
