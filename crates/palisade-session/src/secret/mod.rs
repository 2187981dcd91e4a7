//! Reading a secret from where the policy says it is. Only the supervisor does, after the
//! sandbox was forked off.
//!
//! Whatever goes wrong is one sentence on what is missing and how to provide it. It never holds the
//! secret, nor anything that the source gave.

mod command;
mod file;
pub(crate) mod http;
mod oauth2;
mod vault;

use std::time::Duration;

use palisade_core::{ExposeSecret, SecretString};
use palisade_policy::{OAuth2, SecretSource};
use zeroize::Zeroizing;

pub(crate) use self::command::Stderr;
use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// No key is longer.
const MOST_BYTES: usize = 64 * 1024;

/// What a source gave.
pub(crate) struct Reading {
    pub(crate) secret: SecretString,
    /// How long it is good.
    pub(crate) lifetime: Option<Duration>,
    /// What is to be used in place of the source's refresh token from now on.
    pub(crate) refresh_token: Option<SecretString>,
}

/// The secret, or what is missing.
pub(crate) async fn read(
    name: &str,
    source: &SecretSource,
    operator: &Operator,
    stderr: Stderr,
) -> Result<SecretString, String> {
    read_with(name, source, operator, stderr, None).await.map(|reading| reading.secret)
}

/// The same, with all that is known of it. `refresh_token` counts in place of the source's.
pub(crate) async fn read_with(
    name: &str,
    source: &SecretSource,
    operator: &Operator,
    stderr: Stderr,
    refresh_token: Option<&SecretString>,
) -> Result<Reading, String> {
    let failed = |why: String| format!("the credential `{name}` {why}");
    if let SecretSource::OAuth2(oauth2) = source {
        return tokens(oauth2, operator, stderr, refresh_token).await.map_err(failed);
    }
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
    Ok(Reading { secret: SecretString::from(text), lifetime: None, refresh_token: None })
}

/// The secret of a place where `audit` sends something, if it has one, read outside of any session too.
///
/// # Errors
/// What is missing, and that `audit.KEY` may be taken out of the policy.
pub(crate) async fn of_audit(
    named: Option<(&str, &SecretSource)>,
    operator: &Operator,
    key: &str,
) -> Result<Option<SecretString>, Refusal> {
    let Some((name, source)) = named else { return Ok(None) };
    let read = read(name, source, operator, Stderr::Operator).await;
    let help = format!("provide it, or take `audit.{key}` out of the policy");
    read.map(Some).map_err(|why| Refusal::new(why, help))
}

/// Do this where no runtime is, and none stays.
///
/// # Errors
/// There can be no runtime, or what the work itself says.
pub(crate) fn read_alone<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.refuse("start a runtime", AGAIN)?.block_on(work)
}

/// What is to be done where there can be no runtime.
pub(crate) const AGAIN: &str = "see the limits of this user (ulimit -n), then try again";

async fn tokens(
    oauth2: &OAuth2,
    operator: &Operator,
    stderr: Stderr,
    refresh_token: Option<&SecretString>,
) -> Result<Reading, String> {
    let mut kept = [None, None];
    for (place, from) in kept.iter_mut().zip([&oauth2.client_secret, &oauth2.refresh_token]) {
        if let Some(from) = from {
            let read = Box::pin(bytes(from, operator, stderr)).await;
            *place =
                Some(read.map_err(|why| format!("cannot be had: what opens the server {why}"))?);
        }
    }
    let [secret, refresh] = &kept;
    let plain = |bytes: &Zeroizing<Vec<u8>>| Zeroizing::new(bytes.trim_ascii_end().to_vec());
    let (secret, refresh) = (secret.as_ref().map(plain), refresh.as_ref().map(plain));
    let newer = refresh_token.map(|token| token.expose_secret().as_bytes());
    let refresh = newer.or(refresh.as_ref().map(|token| token.as_slice()));
    oauth2::read(oauth2, secret.as_ref().map(|it| it.as_slice()), refresh).await
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
        // Read elsewhere, with all that is known of its tokens.
        SecretSource::OAuth2(_) => Err("cannot be read so".to_owned()),
    }
}

#[cfg(test)]
mod tests;
