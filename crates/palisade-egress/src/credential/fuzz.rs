//! For [`crate::fuzz`].

use std::sync::Arc;

use palisade_core::{ExposeSecret, SecretString};

use super::{Secret, forms::Forms, patterns::Patterns, scrub::Scrubber};

/// A scrubber as a credential has it.
pub(crate) fn scrubber(secret: &SecretString, placeholder: &SecretString) -> Option<Scrubber> {
    let known = Secret::new(secret.clone()).ok()?;
    let instead = Forms::of(placeholder.expose_secret());
    Some(Scrubber::new(Arc::new(Patterns::new([(known.forms(), &instead)]))))
}

/// A secret in each form that is looked for.
pub(crate) fn forms(secret: &str) -> Vec<Vec<u8>> {
    let forms = Forms::of(secret);
    forms
        .iter()
        .filter(|form| form.len() >= super::patterns::SHORTEST)
        .map(<[u8]>::to_vec)
        .collect()
}
