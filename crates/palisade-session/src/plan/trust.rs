//! Which certificates programs inside believe, where connections are looked into: the operator's store
//! and the sandbox's own authority.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use palisade_policy::Network;
use palisade_tls::java_trust_store;

use super::{links::Names, tree::Tree};
use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// All of the operator's authorities, and the sandbox's own.
const BUNDLE: &str = "/run/palisade/ca-bundle.pem";
/// The sandbox's own alone.
const OWN: &str = "/run/palisade/ca.pem";

/// Where systems keep the bundle that OpenSSL, GnuTLS and Go read. The first that is there is the
/// operator's.
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where systems keep Java's store, if not in Java's own folder.
const OF_JAVA: [&str; 3] = [
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
    "/etc/pki/java/cacerts",
];
/// Where systems install Java, in a folder for each version.
const JAVAS: &str = "/usr/lib/jvm";
/// Where it is in such a folder.
const IN_JAVA: [&str; 2] = ["lib/security/cacerts", "jre/lib/security/cacerts"];

/// Variables that name a bundle to use in place of the system's.
const INSTEAD: [&str; 8] = [
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];
/// Variables that name certificates to believe besides.
const BESIDES: [&str; 2] = ["DENO_CERT", "NODE_EXTRA_CA_CERTS"];

/// A store of ten times as many authorities as there are.
const MOST_BYTES: u64 = 4 << 20;

/// Put the certificates in the tree: over each of the system's bundles that is shown, and where the
/// variables lead. `authority` is the sandbox's own, as PEM.
pub(crate) fn add(
    authority: &str,
    operator: &Operator,
    names: &Names,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    let mut bundle = match store(operator) {
        Some(path) => read(&path)?,
        None => Vec::new(),
    };
    if bundle.last().is_some_and(|byte| *byte != b'\n') {
        bundle.push(b'\n');
    }
    bundle.extend_from_slice(authority.as_bytes());
    for at in shown(SYSTEM.iter().map(PathBuf::from), names, tree) {
        tree.generate(at, bundle.clone());
    }
    let of_java = shown(stores_of_java(operator).into_iter(), names, tree);
    if !of_java.is_empty() {
        let store = java_trust_store(&bundle);
        for at in of_java {
            tree.generate(at, store.clone());
        }
    }
    tree.generate(BUNDLE, bundle);
    tree.generate(OWN, authority.as_bytes().to_vec());
    Ok(())
}

/// Those of these paths that are seen inside, without links, each once.
fn shown(paths: impl Iterator<Item = PathBuf>, names: &Names, tree: &Tree) -> Vec<PathBuf> {
    let mut shown: Vec<PathBuf> = paths
        .filter_map(|path| names.real(&path))
        .filter(|real| real.is_file() && tree.shows(real))
        .collect();
    shown.sort();
    shown.dedup();
    shown
}

/// Where a Java may look.
fn stores_of_java(operator: &Operator) -> Vec<PathBuf> {
    let installed = std::fs::read_dir(JAVAS).into_iter().flatten().flatten();
    let homes = installed.map(|entry| entry.path());
    let homes = homes.chain(operator.variable("JAVA_HOME").map(PathBuf::from));
    let own = homes.flat_map(|home| IN_JAVA.map(|path| home.join(path)));
    OF_JAVA.iter().map(PathBuf::from).chain(own).collect()
}

/// The variables by which programs find the system's bundle where there is a network and nothing is put in the
/// tree: some bring one of their own, which policies deny with all other `*.pem` ([certifi], gRPC).
///
/// [certifi]: https://pypi.org/project/certifi/
pub(crate) fn of_the_system(
    network: &Network,
    names: &Names,
    tree: &Tree,
) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let is_shown = |path: &&str| {
        names.real(Path::new(path)).is_some_and(|real| real.is_file() && tree.shows(&real))
    };
    let goes_out = network.ask || !network.rules.is_empty();
    let bundle = SYSTEM.into_iter().find(is_shown).filter(|_| goes_out);
    bundle.into_iter().flat_map(|bundle| INSTEAD.map(|name| (name, bundle)))
}

/// The variables by which programs find them, if they are in the tree.
pub(crate) fn variables(tree: &Tree) -> impl Iterator<Item = (&'static str, &'static str)> {
    let there = tree.iter().any(|(at, _)| at == Path::new(BUNDLE));
    let instead = INSTEAD.iter().map(|name| (*name, BUNDLE));
    let besides = BESIDES.iter().map(|name| (*name, OWN));
    instead.chain(besides).filter(move |_| there)
}

/// The operator's own bundle: what verifies servers outside is what programs inside believe.
fn store(operator: &Operator) -> Option<PathBuf> {
    let named = operator.variable("SSL_CERT_FILE").map(PathBuf::from);
    named.or_else(|| SYSTEM.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    let what = || format!("the certificate store {}", path.display());
    let remedy = "see SSL_CERT_FILE, or install the system's certificates (ca-certificates)";
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.refuse(what(), remedy)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Refusal::new(format!("{} is too large", what()), remedy));
    }
    Ok(bytes)
}
