use std::sync::Arc;

use proptest::prelude::*;
use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};

use super::*;

/// What rustls sends first.
fn hello_to(name: &str) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// A ClientHello with these extensions, in one record.
fn hello_with(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, content) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        list.extend(content);
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
    body.extend(list);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    records(&message, message.len())
}

/// The message in records of `size`.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let framed = message.chunks(size).flat_map(|part| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[22, 3, 1], &length[..], part].concat()
    });
    framed.collect()
}

/// A server name extension with this list of (kind, name).
fn server_name_of(entries: &[(u8, &[u8])]) -> (u16, Vec<u8>) {
    let mut list = Vec::new();
    for (kind, name) in entries {
        list.push(*kind);
        list.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        list.extend(*name);
    }
    let mut content = u16::try_from(list.len()).unwrap().to_be_bytes().to_vec();
    content.extend(list);
    (0, content)
}

fn named(name: &str) -> ClientHello {
    ClientHello::Read(TlsName::Named(name.parse().unwrap()))
}

#[track_caller]
fn assert_hidden(bytes: &[u8], part_of_why: &str) {
    match read_client_hello(bytes) {
        ClientHello::Read(TlsName::Hidden(why)) if why.contains(part_of_why) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_the_name_of_a_real_client() {
    assert_eq!(read_client_hello(&hello_to("api.example.com")), named("api.example.com"));
    assert_eq!(read_client_hello(&hello_to("API.Example.COM")), named("api.example.com"));
}

#[test]
fn hides_its_name_by_giving_none_or_an_address() {
    assert_hidden(&hello_to("127.0.0.1"), "it has none");
    assert_hidden(&hello_with(&[]), "it has none");
    for bad in [&b"127.0.0.1"[..], b"::1", b"a b", b"a.example.", b"", b"a\0.b", b"\xff.b"] {
        assert_hidden(&hello_with(&[server_name_of(&[(0, bad)])]), "not a host name");
    }
}

#[test]
fn hides_its_name_by_encryption() {
    let outer = server_name_of(&[(0, b"a.example")]);
    for kind in [0xfe0d, 0xffce] {
        let hello = hello_with(&[outer.clone(), (kind, vec![0; 40])]);
        assert_hidden(&hello, "ECH");
        // A proxy that ends TLS is no server of what is inside.
        let named = ClientHello::Read(TlsName::Named("a.example".parse().unwrap()));
        assert_eq!(read_hello_to_us(&hello), named);
    }
}

#[test]
fn hides_a_second_name_behind_the_first() {
    let (one, other) = (server_name_of(&[(0, b"a.example")]), server_name_of(&[(0, b"b.example")]));
    assert_hidden(&hello_with(&[one, other]), "twice");
    let both = server_name_of(&[(0, b"a.example"), (0, b"b.example")]);
    assert_hidden(&hello_with(&[both]), "not one host name");
    assert_hidden(&hello_with(&[server_name_of(&[(1, b"a.example")])]), "not one host name");
}

#[test]
fn unknown_extensions_and_grease_do_no_harm() {
    let hello = hello_with(&[
        (0x0a0a, vec![]),
        server_name_of(&[(0, b"a.example")]),
        (0xfafa, vec![0]),
        (43, vec![2, 0x1a, 0x1a]),
    ]);
    assert_eq!(read_client_hello(&hello), named("a.example"));
}

#[test]
fn reads_a_name_split_over_records_and_segments() {
    let hello = hello_to("split.example");
    let message = &hello[5..];
    for size in [1, 2, 3, 4, 5, 100] {
        let framed = records(message, size);
        assert_eq!(read_client_hello(&framed), named("split.example"), "{size}");
        let (whole, mut wanted) = (framed.len(), 0);
        for length in 0..whole {
            match read_client_hello(&framed[..length]) {
                ClientHello::Partial(more) => {
                    assert!(more > length && more <= whole && more >= wanted);
                    wanted = more;
                }
                other => panic!("{length} of {whole}: {other:?}"),
            }
        }
    }
}

#[test]
fn hides_a_name_in_a_malformed_hello() {
    let good = hello_to("a.example");
    for (at, value) in [(1, 2), (5, 2), (3, 0xff), (5 + 4 + 2 + 32, 33)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_hidden(&bad, "malformed");
    }
    assert_hidden(&[22, 3, 1, 0, 0, 1], "malformed");
    assert_hidden(
        &records(&good[5..], 50)
            .into_iter()
            .take(55)
            .chain([21, 3, 1, 0, 2, 1, 0])
            .collect::<Vec<_>>(),
        "malformed",
    );
    assert_hidden(&records(&[[1, 2, 0, 0].as_slice(), &[0; 100]].concat(), 104), "too long");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_client_hello(&bytes);
        let framed = [&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc][..], &bytes].concat();
        read_client_hello(&framed);
    }

    #[test]
    fn a_changed_hello_never_wants_more_than_the_limit(
        at in 0_usize..200, value in any::<u8>(), cut in 0_usize..400
    ) {
        let mut hello = hello_to("a.example");
        if let Some(byte) = hello.get_mut(at) {
            *byte = value;
        }
        hello.truncate(cut);
        if let ClientHello::Partial(wanted) = read_client_hello(&hello) {
            prop_assert!(wanted > hello.len() && wanted <= LONGEST);
        }
    }
}
