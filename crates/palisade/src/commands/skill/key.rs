use std::{
    fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, process::ExitCode,
};

use palisade_skill_store::minisign::SecretKey;

use crate::{
    failure::{Failure, Kind},
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the secret key goes. The public one goes beside it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let key = SecretKey::generate()
        .map_err(|error| Failure::new(Kind::Enforcement, error.to_string()))?;
    let mut public = args.file.clone().into_os_string();
    public.push(".pub");
    for (path, text, mode) in
        [(args.file.clone(), key.file(), 0o600), (public.into(), key.public().file(), 0o644)]
    {
        let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
        })?;
    }
    print::text(&format!("{}\n", key.public().id()))
}
