//! Reading a head, and not a byte behind it: that belongs to whoever goes on with the stream.

use std::io;

use tokio::net::TcpStream;

const CHUNK: usize = 4096;

/// Read on until `judge` says how many bytes of what came are the head, and what it is. It sees all that came,
/// and how much of that it has seen before. `Ok(None)` asks for more; it has to refuse what is too long.
///
/// # Errors
/// The connection broke or ended.
pub(crate) async fn head<T>(
    stream: &TcpStream,
    mut judge: impl FnMut(&[u8], usize) -> Option<(usize, T)>,
) -> io::Result<T> {
    let mut head: Vec<u8> = Vec::new();
    let mut there = vec![0; CHUNK];
    loop {
        let count = stream.peek(&mut there).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let seen = head.len();
        head.extend_from_slice(there.get(..count).unwrap_or_default());
        let judged = judge(&head, seen);
        let taken = judged.as_ref().map_or(head.len(), |(length, _)| *length).saturating_sub(seen);
        take(stream, there.get_mut(..taken).unwrap_or_default()).await?;
        if let Some((_, found)) = judged {
            return Ok(found);
        }
    }
}

/// Take bytes off the stream that were seen there.
async fn take(stream: &TcpStream, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = bytes.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.readable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Where the head ends, of which so many bytes were looked at before.
pub(crate) fn end_of_head(head: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    let found = memchr::memmem::find(head.get(from..)?, b"\r\n\r\n")?;
    Some(from.saturating_add(found).saturating_add(4))
}
