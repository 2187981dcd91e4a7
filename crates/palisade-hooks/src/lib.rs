//! Hooks: programs and servers of the operator that are asked before something happens, and told after.
//!
//! The events, the JSON, exit codes and answers are Claude Code's, so that hooks which were written for it
//! work for every agent; on top come events of Palisade's own layers ([`Event`]). [`Config`] says which there
//! are, [`Runner`] runs them, [`Answer`] is what they say together, and [`Agent`] speaks the hook interface of
//! each agent.
//!
//! # Trust
//! A hook runs as the operator, outside of any sandbox: who can write a hook can do what the operator can.
//! What a hook is given is hostile, and it is given as JSON on standard input only. What it prints is read
//! within bounds; whatever is odd about it is a failure, and a failure of a hook before an act is a denial
//! unless the policy says otherwise.
//!
//! # Pins
//! With a state folder, scripts are copied when the runner is made and the copies are run; a script or an
//! interpreter that is not what it was then is not run any more.

#![forbid(unsafe_code)]

mod agent;
mod answer;
mod config;
mod copies;
mod environment;
mod event;
mod event_table;
mod input;
mod matcher;
mod pin;
mod process;
mod program;
mod runner;
pub mod starter;
mod tools;
mod words;
mod worker;

pub use agent::{Agent, Announced, Reply, ReplyTo, Unreadable};
pub use answer::{Answer, Exit, Read, Say, of_body, of_program};
pub use config::{Config, Handler, Hook, Http, OnError, Program};
pub use copies::fingerprint;
pub use environment::{MARK, environment};
pub use event::{Event, Seen};
pub use input::{Common, changed_input, may_match, of_tool_call};
pub use matcher::{Matcher, MatcherError};
pub use program::scripts;
pub use runner::{Outcome, Post, Ran, RuleMatches, Runner, Setup};
