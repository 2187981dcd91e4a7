//! Reading a secret from where the policy says it is. Only the supervisor does, after the
//! sandbox was forked off.
//!
//! Whatever goes wrong is one sentence on what is missing and how to provide it. It never holds the
//! secret, nor anything that the source gave.

mod command;
mod file;
mod http;
mod vault;

use palisade_core::SecretString;
use palisade_policy::SecretSource;
use zeroize::Zeroizing;

pub(crate) use self::command::Stderr;
use crate::order::Operator;

/// No key is longer.
const MOST_BYTES: usize = 64 * 1024;

/// The secret, or what is missing.
pub(crate) async fn read(
    name: &str,
    source: &SecretSource,
    operator: &Operator,
    stderr: Stderr,
) -> Result<SecretString, String> {
    let failed = |why: String| format!("the credential `{name}` {why}");
    let bytes = bytes(source, operator, stderr).await.map_err(failed)?;
    if bytes.len() > MOST_BYTES {
        return Err(failed(format!("is longer than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| failed("is not text".to_owned()))?
        .trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(failed("is empty: its source gave nothing".to_owned()));
    }
    Ok(SecretString::from(text))
}

async fn bytes(
    source: &SecretSource,
    operator: &Operator,
    stderr: Stderr,
) -> Result<Zeroizing<Vec<u8>>, String> {
    match source {
        SecretSource::Env(variable) => {
            let value = operator.variable(variable).ok_or_else(|| {
                format!("is empty: set the variable {variable} where palisade is started")
            })?;
            Ok(Zeroizing::new(value.as_encoded_bytes().to_vec()))
        }
        SecretSource::File(path) => file::read(path),
        SecretSource::Command(argv) => command::output(argv, operator, stderr).await,
        SecretSource::Keyring(attributes) => {
            let words = attributes.iter().flat_map(|(name, value)| [name, value]).cloned();
            let argv: Vec<String> =
                ["secret-tool", "lookup"].map(str::to_owned).into_iter().chain(words).collect();
            let found = command::output(&argv, operator, stderr).await;
            found.map_err(|why| {
                format!("{why}; `secret-tool` (libsecret) looks into the desktop's key store, which must be unlocked")
            })
        }
        SecretSource::Vault(vault) => {
            let token = Box::pin(bytes(&vault.token, operator, stderr)).await;
            let token = token.map_err(|why| format!("cannot be read: the server's token {why}"))?;
            vault::read(vault, &token).await
        }
    }
}

#[cfg(test)]
mod tests;
