use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls::pki_types::{CertificateDer, pem::PemObject};

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
const TRUSTED: u32 = 2;
/// What every Java has for a password of its store, and what is hashed behind it.
const PASSWORD: &str = "changeit";
const SALT: &[u8] = b"Mighty Aphrodite";

/// The certificates of a PEM file as Java's trust store (the JKS format, which each Java reads
/// whatever it writes by itself). What is no certificate is passed over, as others do.
///
/// The hash at its end is as old as the format. It keeps nobody from changing the file; that the file
/// cannot be changed is what the sandbox holds.
pub fn java_trust_store(pem: &[u8]) -> Vec<u8> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).flatten().collect();
    let mut store = Vec::new();
    for word in [MAGIC, VERSION, length(certificates.len())] {
        store.extend(word.to_be_bytes());
    }
    for (number, certificate) in certificates.iter().enumerate() {
        store.extend(TRUSTED.to_be_bytes());
        text(&mut store, &format!("ca-{number}"));
        // The date of the entry: none.
        store.extend(0_u64.to_be_bytes());
        text(&mut store, "X.509");
        store.extend(length(certificate.len()).to_be_bytes());
        store.extend_from_slice(certificate);
    }
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in PASSWORD.encode_utf16() {
        hash.update(&unit.to_be_bytes());
    }
    hash.update(SALT);
    hash.update(&store);
    store.extend_from_slice(hash.finish().as_ref());
    store
}

fn text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend_from_slice(text.as_bytes());
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_each_certificate_once_and_its_hash_at_the_end() {
        let pem = b"junk\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n\
            -----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        let store = java_trust_store(pem);
        assert_eq!(&store[..12], b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x02");
        let first = b"\0\0\0\x02\0\x04ca-0\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x02\x30\0";
        assert_eq!(&store[12..12 + first.len()], first);
        let second =
            b"\0\0\0\x02\0\x04ca-1\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x05\x30\x03\x02\x01\x01";
        assert_eq!(&store[12 + first.len()..store.len() - 20], second);
        assert_eq!(java_trust_store(b"").len(), 12 + 20);
    }
}
