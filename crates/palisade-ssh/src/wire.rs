//! The encodings of RFC 4251, section 5, and the frames of an agent.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest message of an agent, as OpenSSH has it.
pub(crate) const LONGEST: usize = 256 * 1024;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    pub(crate) fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// A positive number, without noughts before it.
    pub(crate) fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        match bytes {
            [] => None,
            [0, rest @ ..] => rest.first().is_some_and(|byte| byte & 0x80 != 0).then_some(rest),
            [first, ..] => (first & 0x80 == 0).then_some(bytes),
        }
    }

    /// Only if nothing is left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A message in the making, without its length.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn of(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub(crate) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn string(self, bytes: &[u8]) -> Self {
        // Nothing here is longer than a message.
        let mut out = self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        out.0.extend_from_slice(bytes);
        out
    }
}

/// The next message; `None` at the end.
///
/// # Errors
/// The connection broke, or what comes is no message.
pub(crate) async fn receive(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let length = match from.read_u32().await {
        Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Send a message.
///
/// # Errors
/// The connection broke.
pub(crate) async fn send(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    to.write_u32(length).await?;
    to.write_all(message).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_one_form() {
        let read = |bytes: &[u8]| {
            let message = Writer::default().string(bytes);
            Reader(&message.0).positive().map(<[u8]>::to_vec)
        };
        assert_eq!(read(&[1, 2]), Some(vec![1, 2]));
        assert_eq!(read(&[0, 0x80]), Some(vec![0x80]));
        for bad in [&[][..], &[0x80], &[0, 1], &[0], &[0, 0, 0x80]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn strings_cross_and_nothing_is_read_beyond_the_end(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
            cut in 0usize..100,
        ) {
            let whole = parts.iter().fold(Writer::default(), |out, part| out.string(part)).0;
            let mut reader = Reader(&whole);
            for part in &parts {
                prop_assert_eq!(reader.string(), Some(part.as_slice()));
            }
            prop_assert_eq!(reader.end(), Some(()));
            let mut reader = Reader(whole.get(..cut).unwrap_or(&whole));
            while reader.string().is_some() {}
        }
    }
}
