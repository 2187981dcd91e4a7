use std::{fmt, sync::Arc};

use palisade_core::{BoxFuture, ExposeSecret, SecretString};

use super::{TemplateError, forms::Forms, template::Template};

/// The longest secret that can be put into a request.
pub(super) const LONGEST: usize = 16 * 1024;

/// A real secret that can be sent, and looked for in answers.
pub struct Secret {
    text: SecretString,
    forms: Forms,
}

/// Why a secret cannot be used. Never holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It cannot be sent.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// It is too short to be told from ordinary text.
    #[error(
        "the secret has fewer than 8 characters, so an answer that reflects it could not be told from others"
    )]
    Short,
    /// It is longer than any key.
    #[error("the secret has more than 16384 characters")]
    Long,
}

impl Secret {
    /// A secret of printable ASCII characters.
    ///
    /// # Errors
    /// It has other characters, or too few or too many.
    pub fn new(text: SecretString) -> Result<Self, SecretError> {
        Template::takes(&text)?;
        let length = text.expose_secret().len();
        if length < super::patterns::SHORTEST {
            return Err(SecretError::Short);
        }
        if length > LONGEST {
            return Err(SecretError::Long);
        }
        let forms = Forms::of(text.expose_secret());
        Ok(Self { text, forms })
    }

    /// Whether it is the same text.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }

    pub(crate) fn text(&self) -> &SecretString {
        &self.text
    }

    pub(crate) fn forms(&self) -> &Forms {
        &self.forms
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a credential's secret comes from, each time that it is needed. Whoever has it may read it anew.
pub trait SecretFeed: Send + Sync + 'static {
    /// The secret as it is now, or one sentence on what is missing.
    fn current(&self) -> BoxFuture<'_, Result<Arc<Secret>, String>>;

    /// A server did not take this one (401). True if there may be another one soon.
    fn refused(&self, secret: &Arc<Secret>) -> bool;
}

/// One that stays as it is.
impl SecretFeed for Result<Arc<Secret>, String> {
    fn current(&self) -> BoxFuture<'_, Result<Arc<Secret>, String>> {
        Box::pin(std::future::ready(self.clone()))
    }

    fn refused(&self, _: &Arc<Secret>) -> bool {
        false
    }
}
