use std::{process::Stdio, time::Duration};

use palisade_hooks::starter;
use tokio::{io::AsyncReadExt, process::Command};
use zeroize::Zeroizing;

use super::MOST_BYTES;
use crate::order::Operator;

/// A key store may ask the operator for a touch or a password.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a command's complaints go. Never into a record: they may hold the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stderr {
    /// To the operator, before the agent has the terminal.
    Operator,
    /// Nowhere.
    Nobody,
}

/// What a command prints.
pub(crate) async fn output(
    argv: &[String],
    operator: &Operator,
    stderr: Stderr,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("comes from a command that is empty".to_owned());
    };
    let failed = |why: String| format!("comes from `{program}`, and that failed: {why}");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(&operator.environment)
        .current_dir(&operator.home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(match stderr {
            Stderr::Operator => Stdio::inherit(),
            Stderr::Nobody => Stdio::null(),
        })
        .kill_on_drop(true);
    let mut child = starter::start(command).map_err(|error| failed(error.to_string()))?;
    let running = async {
        // Room for all of it: no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 2));
        if let Some(stdout) = child.stdout.take() {
            let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
            // Whoever prints more gets an error of its own.
            stdout.take(most).read_to_end(&mut bytes).await?;
        }
        if bytes.len() > MOST_BYTES {
            return Ok((bytes, None));
        }
        child.wait().await.map(|status| (bytes, Some(status)))
    };
    let (bytes, status) = tokio::time::timeout(PATIENCE, running)
        .await
        .map_err(|_| failed(format!("it took longer than {} seconds", PATIENCE.as_secs())))?
        .map_err(|error: std::io::Error| failed(error.to_string()))?;
    match status {
        Some(status) if !status.success() => Err(failed(status.to_string())),
        _ => Ok(bytes),
    }
}
