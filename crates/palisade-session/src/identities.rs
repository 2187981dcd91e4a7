//! The certificates that servers are shown, by the rules that name one.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path, sync::Arc};

use palisade_policy::{Credential, Network};
use palisade_tls::ClientIdentity;

use crate::{
    order::Operator,
    secret::{self, Stderr},
};

/// The most that is read of a chain of certificates, in bytes.
const MOST_BYTES: u64 = 256 * 1024;

/// A rule, and what servers of its requests are shown or what is missing.
pub(crate) type Certificate = (String, Result<Arc<ClientIdentity>, String>);

/// Read all of them. One that is not there does not stop the launch: a request that needs it is denied, and says
/// what is missing.
pub(crate) async fn read(network: &Network, operator: &Operator) -> Vec<Certificate> {
    let mut known: BTreeMap<&str, Result<Arc<ClientIdentity>, String>> = BTreeMap::new();
    let mut all = Vec::new();
    for rule in network.rules.iter().filter(|rule| !rule.only_denies) {
        let Some(name) = rule.client_certificate.as_deref() else { continue };
        let Some(credential) = network.credentials.get(name) else { continue };
        let identity = match known.get(name) {
            Some(identity) => identity.clone(),
            None => {
                let identity = one(credential, operator).await;
                known.insert(name, identity.clone());
                identity
            }
        };
        all.push((rule.rule.clone(), identity));
    }
    all
}

async fn one(credential: &Credential, operator: &Operator) -> Result<Arc<ClientIdentity>, String> {
    let Credential { name, from, certificate, .. } = credential;
    let failed =
        |why: String| format!("the certificate of the credential `{name}` cannot be shown: {why}");
    let Some(file) = certificate else { return Err(failed("it has none".to_owned())) };
    let chain = chain(file).map_err(|error| failed(format!("{}: {error}", file.display())))?;
    let key = secret::read(name, from, operator, Stderr::Operator).await?;
    ClientIdentity::new(&chain, &key).map(Arc::new).map_err(|error| failed(error.to_string()))
}

fn chain(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut chain = Vec::new();
    File::open(file)?.take(MOST_BYTES).read_to_end(&mut chain)?;
    Ok(chain)
}
