//! `palisade run --workspace overlay` and `palisade workspace`, with real sandboxes.

mod attacks;
mod commands;
mod killed;
mod masks;
mod place;
mod uses;
