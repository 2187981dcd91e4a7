/// Has writes go through to the `stream` of what changes only how it is read.
macro_rules! writes_through {
    ($reader:ident) => {
        $crate::inspect::writes::writes_through!($reader: Unpin, |reader, cx| {
            std::pin::Pin::new(&mut reader.stream).poll_shutdown(cx)
        });
    };
    // With what its end is.
    ($reader:ident: $needed:ident, |$this:ident, $cx:ident| $end:block) => {
        impl<S: tokio::io::AsyncWrite + $needed + Unpin> tokio::io::AsyncWrite for $reader<S> {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                parts: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, parts)
            }

            fn is_write_vectored(&self) -> bool {
                self.stream.is_write_vectored()
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.get_mut().stream).poll_flush(cx)
            }

            fn poll_shutdown(
                self: std::pin::Pin<&mut Self>,
                $cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = self.get_mut();
                $end
            }
        }
    };
}

pub(super) use writes_through;
