//! `palisade hook` in the settings of an agent: put in, taken out, and all else as it was.
//!
//! Texts go in and come out; files are the caller's. [`installed`] gives the text of an agent's settings with the
//! hook in it, [`removed`] the text without, and [`Undo`] is what gives the file back as it was, byte for byte.
//!
//! # What holds
//! What comes out says exactly what went in and the hook, or there is an error: it is read again and compared.
//! Hooks of others stay, in their order.
//!
//! # Trust
//! The settings are whatever somebody wrote: they are bounded in size, and a text that two readers could take for
//! two things (a key that is there twice) is not changed.

#![forbid(unsafe_code)]

mod agent;
mod diff;
mod edit;
mod plugin;
mod undo;

pub use agent::{Installable, installable, switched_off};
pub use diff::diff;
pub use edit::{EditError, Entry, Form, MOST_BYTES, Unit, installed, removed};
pub use plugin::{
    PLUGIN, PLUGIN_FILES, PluginFile, disabled, enabled, is_own_plugin_file, kept_out, plugin,
};
pub use undo::Undo;
