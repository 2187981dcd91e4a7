use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_recording::SecretKey;

use super::print_lines;
use crate::{
    failure::{Failure, Kind},
    operator::operator,
};

/// Where the key is that recordings are sealed for, in the folder of the configuration.
pub(in crate::commands) const PUBLIC_FILE: &str = "recording.pub";
/// Where the key is that opens them, unless it is elsewhere.
pub(super) const SECRET_FILE: &str = "recording.key";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write the secret key: on another disk, say. Only it opens what is recorded.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let failed = |(what, remedy): (String, String)| Failure::new(Kind::Usage, what).remedy(remedy);
    let config = operator().map_err(failed)?.config_dir;
    let public = config.join(PUBLIC_FILE);
    let secret = args.secret.clone().unwrap_or_else(|| config.join(SECRET_FILE));
    if public.exists() {
        let what = format!("there is a key already: {}", public.display());
        return Err(Failure::new(Kind::Denied, what)
            .remedy("move it away first; what was recorded is opened by its own secret key"));
    }
    let unwritten = |path: &Path, error: &io::Error| {
        Failure::new(Kind::Enforcement, format!("write {}: {error}", path.display()))
    };
    fs::create_dir_all(&config).map_err(|error| unwritten(&config, &error))?;
    let key = SecretKey::generate();
    // The secret one first: a recording that nobody can open is worse than none.
    write(&secret, &key.text(), 0o600).map_err(|error| unwritten(&secret, &error))?;
    let public_key = key.public();
    write(&public, &public_key.text(), 0o644).map_err(|error| unwritten(&public, &error))?;
    print_lines([
        format!("recordings are sealed for the key {} in {}", public_key.id(), public.display()),
        format!(
            "only {} opens them: keep it where this machine's sessions are not",
            secret.display()
        ),
    ])?;
    Ok(ExitCode::SUCCESS)
}

/// A file that is not there yet.
fn write(path: &Path, line: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(line.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
