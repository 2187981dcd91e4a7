use std::sync::Arc;

use palisade_alarms::{Decoys, Wanted};
use palisade_core::SecretString;
use palisade_egress::credential::{Credential, Placeholder, Secret, Template};
use palisade_inference::{Gateway, KnownSecret};
use palisade_policy::Policy;

use crate::refusal::{Refusal, Refuse};

/// Make the decoys that a policy asks for.
pub(crate) fn plant(policy: &Policy) -> Result<Option<Arc<Decoys>>, Refusal> {
    let canaries = policy.alarms.as_ref().and_then(|alarms| alarms.canaries.as_ref());
    let Some(canaries) = canaries else { return Ok(None) };
    let wanted =
        Wanted { files: &canaries.files, variables: &canaries.variables, hosts: &canaries.hosts };
    let mut like = |text: &str| {
        let drawn = Placeholder::like(&SecretString::from(text))?;
        Some(drawn.as_str().to_owned())
    };
    match Decoys::make(wanted, &mut like) {
        Some(decoys) => Ok(Some(Arc::new(decoys))),
        None => Err(Refusal::new("the kernel gives no random numbers for decoys", "report this")),
    }
}

/// Have requests to models looked through for them.
pub(crate) fn reach(decoys: Option<&Decoys>, gateway: Option<&Gateway>) {
    let (Some(decoys), Some(gateway)) = (decoys, gateway) else { return };
    let values: Vec<KnownSecret> =
        decoys.tokens().map(|(token, _)| KnownSecret::decoy(token)).collect();
    gateway.watch_for(&values);
}

/// The decoys as credentials of no host: whatever request has one is denied, and recorded.
pub(crate) fn credentials(decoys: Option<&Decoys>) -> Result<Vec<Credential>, Refusal> {
    let Some(decoys) = decoys else { return Ok(Vec::new()) };
    let tokens = decoys.tokens().map(|(token, decoy)| {
        let template = Template::header("x-decoy: {secret}").refuse("a decoy", "report this")?;
        let nothing = "a decoy opens nothing".to_owned();
        Ok(Credential {
            name: decoy.to_owned(),
            template,
            placeholder: Placeholder::fixed(token),
            decoy: true,
            feed: Arc::new(Err::<Arc<Secret>, String>(nothing)),
        })
    });
    tokens.collect()
}
