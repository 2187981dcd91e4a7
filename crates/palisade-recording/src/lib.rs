//! What a session's terminal showed: recorded, sealed, and played back.
//!
//! - [`Recorder`] writes asciicast v2, sealed for a [`PublicKey`] as it comes. Nothing readable is on the disk.
//! - [`Sealed`] opens it with the [`SecretKey`], which the machine that records does not need.
//! - [`Tamed`] plays it: what an agent printed may hold sequences that ask a terminal to answer, to set the
//!   clipboard or to rename itself. Only what draws passes.
//!
//! # The form
//! Two files. `SESSION.cast.key`: `palisade-recording 2` and a newline, and the 32 bytes of HPKE's encapsulated key.
//! `SESSION.cast.sealed`: the same line, then pieces: four bytes of length, the highest first, and so many of HPKE's
//! ciphertext (RFC 9180, mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305; `info` is the first line and
//! the session's id). What is with each piece (`aad`) says `more` or, of the last one, `end`. So a piece that was changed,
//! moved, repeated or left out is seen, and so is an end that is missing.
//!
//! Without the encapsulated key nobody opens the pieces, the holder of the secret key neither: it is a random point of a curve
//! that the key of the pieces is computed from. So a copy of the pieces may go elsewhere, and [`destroy`] reaches it there.
//! Version 1 had both in one file, the key behind the first line.
//!
//! What is typed is not recorded: a password is typed and not shown.
//!
//! [`content`] keeps what is said to models and what they answer, under a key that can be destroyed.

#![forbid(unsafe_code)]

mod cast;
pub mod content;
mod error;
mod key;
mod open;
mod record;
mod seal;
mod tame;

pub use cast::{Moment, moments};
pub use error::RecordingError;
pub use key::{PublicKey, SecretKey};
pub use open::{Files, Piece, Sealed, open_file};
pub use record::{Recorded, Recorder, destroy};
pub use tame::Tamed;

/// How a recording begins, and a part of what its key is bound to.
const FIRST_LINE: &[u8] = b"palisade-recording 2\n";
/// The same, of those that have their key in them.
const ONE_FILE: &[u8] = b"palisade-recording 1\n";
/// What is with each piece but the last.
const MORE: &[u8] = b"more";
/// What is with the last.
const END: &[u8] = b"end";
/// Bytes of a piece, before it is sealed.
const PIECE: usize = 64 * 1024;

type Aead = hpke::aead::ChaCha20Poly1305;
type Kdf = hpke::kdf::HkdfSha256;
type Kem = hpke::kem::X25519HkdfSha256;

/// What a recording's key is bound to.
fn info(first_line: &[u8], session: &str) -> Vec<u8> {
    [first_line, session.as_bytes()].concat()
}
