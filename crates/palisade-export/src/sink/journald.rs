use std::path::PathBuf;

use palisade_journal::Record;
use tokio::net::UnixDatagram;

use super::{Failure, Taken};
use crate::journald;

/// The socket of a systemd journal.
#[derive(Debug)]
pub(crate) struct Journald {
    path: PathBuf,
}

impl Journald {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Each as a datagram. The kernel has it then; the journal's daemon says nothing.
    pub(crate) async fn send(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        let failed = |error: std::io::Error| Failure::before(error.to_string());
        let socket = UnixDatagram::unbound().map_err(failed)?;
        socket.connect(&self.path).map_err(failed)?;
        let (mut first, mut taken) = (true, Taken::default());
        for record in records {
            let datagram = journald::datagram(record, again);
            match socket.send(&datagram).await {
                Ok(_) => first = false,
                Err(error) if error.raw_os_error() == Some(TOO_LONG) => {
                    taken.refused = taken.refused.saturating_add(1);
                    taken.why = Some("it is longer than this machine's datagrams".to_owned());
                }
                Err(error) if first => return Err(failed(error)),
                Err(error) => return Err(Failure::after(error.to_string())),
            }
        }
        Ok(taken)
    }
}

/// EMSGSIZE.
const TOO_LONG: i32 = 90;
