//! Secrets that a sandbox uses and never has.
//!
//! Inside, a variable holds a [`Placeholder`]. The proxy puts the real secret in its place when a
//! request leaves: only in the header or query field that the credential's [`Template`] names, only
//! for requests of a rule that names the credential, and only where the server is verified. On the
//! way back every reflection of the secret becomes the placeholder again.
//!
//! # What cannot be caught
//! - A server that gives the secret back in a form that is not looked for: encrypted, compressed, in another
//!   character set, in base64 broken into lines, in pieces. Nor one that gives it to somebody else.
//! - A placeholder in a compressed request body, or in a connection that is not looked into. It is
//!   of no use there.

mod credentials;
mod exchange;
mod forms;
pub(crate) mod fuzz;
mod patterns;
mod placeholder;
mod query;
mod scrub;
mod secret;
mod sigv4;
mod template;

pub use credentials::{Binding, Credential, Credentials};
pub use placeholder::Placeholder;
pub use secret::{Secret, SecretError, SecretFeed};
pub use template::{Template, TemplateError};

#[cfg(test)]
mod tests;
