//! Other tools' settings as a policy, and what became of each line of them.
//!
//! [`import`] reads the files of one [`Tool`], writes a policy in which a comment beside each entry says where it is
//! from, and tells of each thing that was read whether it carried over, became stricter, or could not be said
//! ([`Note`]).
//!
//! # What holds
//! The policy permits no more than what was read: what it cannot say is left out where that permits less, is put
//! stricter where leaving it out would permit more, and else is an error. The text that comes out has passed the
//! policy's own check.
//!
//! # Trust
//! Files are hostile: they are read once, with bounds on size, depth and number, and one that has a key twice is refused, as two
//! readers could take it for two things. A repository's own settings grant nothing unless the user has trusted the
//! folder in that tool. Nothing that a file names is run, and values of variables are never shown.

#![forbid(unsafe_code)]

mod claude_code;
mod codex;
mod domains;
mod error;
mod gemini;
mod hooks;
mod json;
mod note;
mod openshell;
mod parts;
mod paths;
mod read;
mod rules;
mod sandbox;
mod settle;
mod srt;
mod toml;
mod tree;
mod writer;
mod yaml;

use std::path::PathBuf;

pub use error::ImportError;
pub use note::{Note, Outcome};

/// Whose settings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// Claude Code: all layers of `settings.json`.
    ClaudeCode,
    /// Codex: `config.toml`, `hooks.json`, rules.
    Codex,
    /// sandbox-runtime: `.srt-settings.json`.
    Srt,
    /// OpenShell and NemoClaw: policies and presets.
    OpenShell,
    /// Gemini CLI: `settings.json`.
    Gemini,
}

/// What to read, and what for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whose settings.
    pub tool: Tool,
    /// Files, or folders of projects; none: where the tool keeps them.
    pub paths: Vec<PathBuf>,
    /// The project: an absolute path without links.
    pub project: PathBuf,
    /// The home of whom it is for.
    pub home: PathBuf,
    /// The folder that the tool keeps the user's settings in, if a variable moves it.
    pub settings: Option<PathBuf>,
    /// The folder of the machine's settings: `/etc`.
    pub machine: PathBuf,
    /// The folder that the policy is for: relative paths in it start there.
    pub base: PathBuf,
}

/// A policy, and what became of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The policy, as YAML. It is valid.
    pub text: String,
    /// What became of each thing, in the order of files and lines.
    pub notes: Vec<Note>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// Reads a tool's settings and writes them as a policy.
///
/// # Errors
/// If a file cannot be read or is malformed, if there is none, or if it refuses something that no policy can refuse.
pub fn import(request: &Request) -> Result<Imported, ImportError> {
    let mut parts = parts::Parts::new(request);
    match request.tool {
        Tool::ClaudeCode => claude_code::read(&mut parts)?,
        Tool::Codex => codex::read(&mut parts)?,
        Tool::Srt => srt::read(&mut parts)?,
        Tool::OpenShell => openshell::read(&mut parts)?,
        Tool::Gemini => gemini::read(&mut parts)?,
    }
    settle::settle(parts)
}
