//! The operator's own agent, which has the keys.

use std::{io, path::Path, time::Duration};

use tokio::{net::UnixStream, time::timeout};

use crate::wire::{Reader, Writer, receive, send};

/// The operator may be asked to touch a key or to confirm.
const PATIENCE: Duration = Duration::from_secs(120);
/// Identities that are read.
const MOST_KEYS: u32 = 512;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGNATURE: u8 = 14;

/// The public keys that it has, in their binary form.
///
/// # Errors
/// It is not there, or does not answer like one.
pub(crate) async fn keys(socket: &Path) -> io::Result<Vec<Vec<u8>>> {
    let answer = ask(socket, &[REQUEST_IDENTITIES]).await?;
    let read = || {
        let mut reader = Reader(&answer);
        if reader.byte()? != IDENTITIES {
            return None;
        }
        let count = reader.number()?.min(MOST_KEYS);
        (0..count)
            .map(|_| {
                let key = reader.string()?.to_vec();
                reader.string().map(|_comment| key)
            })
            .collect()
    };
    read().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Its signature. `None`: it does not sign this.
///
/// # Errors
/// It is not there.
pub(crate) async fn sign(
    socket: &Path,
    key: &[u8],
    data: &[u8],
    flags: u32,
) -> io::Result<Option<Vec<u8>>> {
    let request = Writer::of(SIGN_REQUEST).string(key).string(data).number(flags);
    let answer = ask(socket, &request.0).await?;
    let mut reader = Reader(&answer);
    Ok(match reader.byte() {
        Some(SIGNATURE) => reader.string().map(<[u8]>::to_vec),
        _ => None,
    })
}

async fn ask(socket: &Path, message: &[u8]) -> io::Result<Vec<u8>> {
    let asking = async {
        let mut stream = UnixStream::connect(socket).await?;
        send(&mut stream, message).await?;
        receive(&mut stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
