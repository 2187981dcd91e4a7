//! The mount tree: a small root in memory that holds only what the plan names.
//!
//! Everything is mounted from a descriptor of the very object that was checked, never by name
//! twice: `openat2(2)` without links, identity compared, `open_tree(2)`, attributes,
//! `move_mount(2)`. All mounts are nosuid; all but the bound device nodes are nodev.

mod covers;
mod device;
mod generated;
mod host;
mod masks;
mod overlay;
mod proc;
mod skeleton;
mod tree;

pub(crate) use covers::Covers;
#[cfg(test)]
pub(crate) use device::device_paths;
pub(crate) use host::{Detached, DetachedTrees, detach_as_root};
pub(crate) use tree::{Finished, Tree};
