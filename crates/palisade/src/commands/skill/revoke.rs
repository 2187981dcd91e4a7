use std::{fs, io::ErrorKind, path::PathBuf, process::ExitCode};

use palisade_skill_store::{Advisories, Advisory, Digest, Trust};

use super::{now, sign};
use crate::{
    failure::{Failure, Kind},
    operator::operator,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A skill's digest. Can be given for each.
    #[arg(long, value_name = "DIGEST", required_unless_present_any = ["file", "signer"])]
    digest: Vec<Digest>,
    /// The SHA-256 of a file: whatever skill has it. Can be given for each.
    #[arg(long, value_name = "DIGEST")]
    file: Vec<Digest>,
    /// The id of a publisher's key: what it signed is unsigned. Can be given for each.
    #[arg(long, value_name = "ID")]
    signer: Vec<String>,
    /// Why.
    #[arg(long)]
    reason: String,
    /// A name for it. Without: the list's number.
    #[arg(long)]
    id: Option<String>,
    /// The operator's secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let operator = operator()
        .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
    let key = sign::secret_key(&args.key)?;
    let folder = Trust::folder(&operator.config_dir);
    // What is there is believed only if it is signed.
    Trust::read(&operator.config_dir, &operator.state_dir)
        .map_err(|error| Failure::new(Kind::Denied, error.to_string()))?;
    let failed = |path: &PathBuf, error: &std::io::Error| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
    };
    let own = folder.join("operator.pub");
    match fs::read_to_string(&own) {
        Ok(text) if text.trim() == key.public().file().trim() => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
            fs::write(&own, key.public().file()).map_err(|error| failed(&own, &error))?;
        }
        Err(error) => return Err(failed(&own, &error)),
        Ok(_) => {
            let what = format!("{} is another key's", own.display());
            return Err(
                Failure::new(Kind::Denied, what).remedy("sign with the key that belongs to it")
            );
        }
    }
    let path = folder.join("revoked.json");
    let mut list = match fs::read_to_string(&path) {
        Ok(text) => Advisories::parse(&text)
            .map_err(|why| Failure::new(Kind::Denied, format!("{}: {why}", path.display())))?,
        Err(error) if error.kind() == ErrorKind::NotFound => Advisories::default(),
        Err(error) => return Err(failed(&path, &error)),
    };
    list.sequence = list.sequence.saturating_add(1);
    list.issued = now();
    let id = args.id.unwrap_or_else(|| format!("LOCAL-{}", list.sequence));
    list.advisories.push(Advisory {
        id,
        reason: args.reason,
        digests: args.digest,
        files: args.file,
        keys: args.signer,
        references: Vec::new(),
    });
    let text = serde_json::to_string_pretty(&list)
        .map_err(|error| Failure::new(Kind::Enforcement, error.to_string()))?;
    let signature = key.sign(text.as_bytes(), &format!("revoked {}", list.sequence));
    // The signature first: a list without its own is refused, so nothing is lost in between but time.
    for (end, text) in [(".minisig", &signature), ("", &text)] {
        let path = folder.join(format!("revoked.json{end}"));
        let fresh = path.with_extension("new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|error| failed(&path, &error))?;
    }
    print::text(&format!("{}: list {}\n", path.display(), list.sequence))
}
