//! TLS to the outside, the same for every part that dials: one cryptography provider, the
//! operator's roots, certificates always verified.
//!
//! # Trust
//! The operator's certificate store. `SSL_CERT_FILE` and `SSL_CERT_DIR` count, as they were where
//! palisade was started; nothing inside a sandbox can change them.

#![forbid(unsafe_code)]

mod ahead;
mod identity;
mod java;
mod provider;
mod roots;

pub use ahead::Ahead;
pub use identity::{ClientIdentity, IdentityError};
pub use java::java_trust_store;
pub use provider::crypto_provider;
pub use roots::Roots;
