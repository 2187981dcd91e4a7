//! Reading a secret from where the policy says it is. Only the supervisor does, after the
//! sandbox was forked off.

use std::{fs::File, io::Read, os::unix::ffi::OsStrExt, process::Stdio, time::Duration};

use palisade_core::SecretString;
use palisade_policy::SecretSource;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::order::Operator;

/// No key is longer.
const MOST_BYTES: u64 = 64 * 1024;
/// A key store may ask the operator for a touch or a password.
const PATIENCE: Duration = Duration::from_secs(60);

/// The secret, or one sentence on what is missing and how to provide it. Never both, and never
/// the secret in the sentence.
pub(crate) async fn read(
    name: &str,
    source: &SecretSource,
    operator: &Operator,
) -> Result<SecretString, String> {
    let bytes = match source {
        SecretSource::Env(variable) => {
            let value = operator.variable(variable).ok_or_else(|| {
                format!(
                    "the credential `{name}` is empty: set the variable {variable} where palisade \
                     is started"
                )
            })?;
            Zeroizing::new(value.as_bytes().to_vec())
        }
        SecretSource::File(path) => {
            let mut bytes = Zeroizing::new(Vec::new());
            File::open(path)
                .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
                .map_err(|error| {
                    format!(
                        "the credential `{name}` cannot be read from {}: {error}",
                        path.display()
                    )
                })?;
            bytes
        }
        SecretSource::Command(argv) => output_of(name, argv, operator).await?,
    };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("the credential `{name}` is longer than {MOST_BYTES} bytes"));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| format!("the credential `{name}` is not text"))?
        .trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(format!("the credential `{name}` is empty: its source gave nothing"));
    }
    Ok(SecretString::from(text))
}

async fn output_of(
    name: &str,
    argv: &[String],
    operator: &Operator,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(format!("the credential `{name}` comes from a command that is empty"));
    };
    let failed = |why: String| {
        format!("the credential `{name}` comes from `{program}`, and that failed: {why}")
    };
    let running = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&operator.environment)
        .current_dir(&operator.home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, running)
        .await
        .map_err(|_| failed(format!("it took longer than {} seconds", PATIENCE.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    let bytes = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    Ok(bytes)
}
