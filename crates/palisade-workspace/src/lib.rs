//! Workspaces in overlay: what an agent changed, kept apart until the operator takes it.
//!
//! ```text
//! $STATE/workspaces/<session>/          0700, the operator's
//!   record.json                         whose it is: session, workspace, ids, when
//!   lock                                held by the supervisor while the sandbox lives
//!   baseline                            what each file of the host was at the launch
//!   layers/upper                        the changes, as overlayfs keeps them
//!   layers/work                         overlayfs' own
//!   pending, unclosed                   what a broken-off apply has to tidy up
//! ```
//!
//! The supervisor's side is [`Store::begin`] and [`Kept`]. The operator's side is
//! [`Store::list`], [`Store::open`] and, on an [`Overlay`], [`Overlay::changes`], [`diff`],
//! [`Overlay::apply`] and [`Overlay::discard`].
//!
//! # Trust
//! Everything under `layers` was written by the agent, and other sandboxes may write to the
//! workspace meanwhile. So both are reached from a descriptor of their root only, without links and
//! beneath it (`openat2(2)`); what is copied is compared with what was looked at before; nothing
//! is decided by a path string. Trusted are the kernel, overlayfs' own notes (an agent cannot
//! forge them, see `palisade-sandbox`) and whoever may write the state folder.

#![forbid(unsafe_code)]

mod apply;
mod baseline;
mod beneath;
mod change;
mod changes;
mod choice;
pub mod diff;
mod error;
mod kept;
mod overlay;
mod quote;
mod record;
mod remove;
mod same;
mod seen;
mod sensitive;
mod store;
mod weight;

pub use apply::{Applied, Step};
pub use change::{Change, Conflict, Unfit, What};
pub use choice::{Choice, Chosen, Left};
pub use error::WorkspaceError;
pub use kept::{Birth, Kept, Outcome};
pub use overlay::Overlay;
pub use quote::{quoted, readable};
pub use record::{Ids, Record};
pub use sensitive::is_sensitive;
pub use store::{Listed, State, Store};
pub use weight::Weight;
