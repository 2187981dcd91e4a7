//! Skills that were judged: stored by content, locked, signed, revoked.
#![forbid(unsafe_code)]
