use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_skill_store::{
    Lock, SkillName, Store, StoreError,
    minisign::{self, SecretKey},
};

use super::{failure, now, of_lock, unknown};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name in the lock.
    #[arg(value_name = "NAME")]
    name: SkillName,
    /// The secret key, in minisign's format and without a password.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A folder for the list that is signed and for the signature.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let key = secret_key(&args.key)?;
    let lock = Lock::read(&state).map_err(failure)?;
    let locked = of_lock(&lock, &args.name)?;
    let tree = Store::in_state(&state).get(&locked.digest).map_err(failure)?;
    let list = tree.manifest();
    let (name, digest) = (&args.name, locked.digest);
    let signature = key.sign(list.as_bytes(), &format!("{name} {digest} {}", now()));
    if let Some(folder) = &args.out {
        for (end, text) in [("list", &list), ("list.minisig", &signature)] {
            let path = folder.join(format!("{name}.{end}"));
            fs::write(&path, text).map_err(|error| file(&path, &error))?;
        }
    }
    let changed = Lock::change(&state, |lock| {
        let Some(locked) = lock.skills.get_mut(name).filter(|locked| locked.digest == digest)
        else {
            return Err(unknown(name));
        };
        let own = key.public().id();
        locked.signatures.retain(|other| minisign::signer(other).as_ref() != Ok(&own));
        locked.signatures.push(signature);
        Ok(())
    });
    changed?;
    print::text(&format!("{name} {digest} signed by {}\n", key.public().id()))
}

pub(super) fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    let text = read(path)?;
    SecretKey::parse(&text)
        .map_err(|error| Failure::new(Kind::Usage, format!("{}: {error}", path.display())))
}

/// A signature's file, of whomever.
pub(super) fn read_signature(path: &Path) -> Result<String, Failure> {
    let text = read(path)?;
    match minisign::signer(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(Kind::Usage, format!("{}: {error}", path.display()))),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(minisign::MOST).unwrap_or(u64::MAX);
    File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .map_err(|error| file(path, &error))?;
    Ok(text)
}

fn file(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Usage, format!("{}: {error}", path.display()))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        failure(error)
    }
}
