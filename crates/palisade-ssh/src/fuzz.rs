//! Ways in for `palisade-fuzz` to what is private here and reads bytes from outside. No part of the interface.

use crate::{binding::Binding, signed};

/// Whether these bytes, behind the name of the message, bind a session to a server.
pub fn binds(body: &[u8]) -> bool {
    Binding::read(body).is_ok()
}

/// Whether these bytes are a log-in with the key `key` in the session `session` with the server `host`.
pub fn is_login(data: &[u8]) -> bool {
    let binding = Binding { host_key: b"host".to_vec(), session: b"session".to_vec() };
    signed::login(data, b"key", &binding).is_some()
}
