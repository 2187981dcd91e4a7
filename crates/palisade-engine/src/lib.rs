//! Action in, decision out.
#![forbid(unsafe_code)]
mod address;
mod reach;
pub use address::AddressClass;
