use std::{fmt, io, sync::Arc, time::Duration};

use palisade_core::HostName;
use palisade_tls::crypto_provider;
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    CaError, SandboxCa,
    inspector::{HTTP_1_1, Leaves},
};

/// Ends clients' TLS with certificates of the sandbox's own authority, for a service that the supervisor
/// has under the name of a server outside. Speaks HTTP/1.1 only.
#[derive(Clone)]
pub struct TlsEnd(Arc<ServerConfig>);

impl TlsEnd {
    /// # Errors
    /// The cryptography does not do what TLS needs.
    pub fn new(ca: Arc<SandboxCa>) -> Result<Self, CaError> {
        let mut config = ServerConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Leaves(ca)));
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// What the client says in its TLS, if that is for `name`.
    ///
    /// # Errors
    /// It is no TLS, or for another name, or takes longer than `patience`.
    pub async fn accept(
        &self,
        client: TcpStream,
        name: &HostName,
        patience: Duration,
    ) -> io::Result<TlsStream<TcpStream>> {
        let accepting = TlsAcceptor::from(Arc::clone(&self.0)).accept(client);
        let stream = timeout(patience, accepting).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if stream.get_ref().1.server_name() != Some(name.as_str()) {
            return Err(io::Error::other("its server name is that of another"));
        }
        Ok(stream)
    }
}

impl fmt::Debug for TlsEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsEnd").finish_non_exhaustive()
    }
}
