//! HTTPS to a provider: verified, always.

use std::sync::Arc;

use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use palisade_inference::GatewayConfig;
use palisade_tls::crypto_provider;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;

use crate::bench::{Bench, KEY, Ledger, config};

const CALL: &str = r#"{"model":"claude-x"}"#;

/// A provider with a certificate for `name`; its port, its root, and the keys it was shown.
async fn provider(name: &str) -> (u16, CertificateDer<'static>, mpsc::UnboundedReceiver<String>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let tls = ServerConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (shown, keys) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, shown) = (acceptor.clone(), shown.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let key = request.headers()["x-api-key"].to_str().unwrap().to_owned();
                    drop(shown.send(key));
                    let body = Full::<bytes::Bytes>::from(r#"{"content":[]}"#);
                    let response =
                        Response::builder().header("content-type", "application/json").body(body);
                    async { response }
                });
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (port, issuer.der().clone(), keys)
}

fn https(port: u16, roots: Vec<CertificateDer<'static>>) -> GatewayConfig {
    let url = format!("https://models.example:{port}");
    let mut config = config(&url, &url);
    config.extra_roots = roots;
    for provider in config.providers.values_mut() {
        provider.addresses = vec![([127, 0, 0, 1], port).into()];
    }
    config
}

#[tokio::test]
async fn a_certificate_of_a_known_root_for_this_name_is_taken() {
    let (port, root, mut keys) = provider("models.example").await;
    let bench = Bench::of(https(port, vec![root]), Ledger::default()).await;
    assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::OK);
    assert_eq!(keys.recv().await.unwrap(), KEY);
}

#[tokio::test]
async fn stands_between_with_a_certificate_of_its_own() {
    let (port, _, mut keys) = provider("models.example").await;
    let (_, other_root, _) = provider("models.example").await;
    let bench = Bench::of(https(port, vec![other_root]), Ledger::default()).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::BAD_GATEWAY);
    assert!(got.message().contains("certificate"), "{}", got.message());
    assert!(keys.try_recv().is_err(), "the key was not sent");
}

#[tokio::test]
async fn stands_between_with_a_certificate_for_another_name() {
    let (port, root, mut keys) = provider("evil.example").await;
    let bench = Bench::of(https(port, vec![root]), Ledger::default()).await;
    assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::BAD_GATEWAY);
    assert!(keys.try_recv().is_err(), "the key was not sent");
}
