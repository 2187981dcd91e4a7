use std::{
    fs::{self, DirBuilder, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_sigstore::{Identity, MOST_OF_ROOT, TrustedRoot};
use palisade_skill_store::{
    Keyless, SkillName, Trust,
    minisign::{self, PublicKey},
};

use crate::{
    failure::{Failure, Kind},
    operator::operator,
    print,
};

pub(super) const HELP: &str = "\
Examples:
  palisade skill trust acme --key acme.pub
  palisade skill trust --trusted-root trusted_root.json     once for an instance of Sigstore; again to renew it
  palisade skill trust acme --issuer https://token.actions.githubusercontent.com \\
    --identity 'https://github.com/acme/skills/.github/workflows/release.yml@refs/tags/*'
  palisade skill trust acme --identity releases@acme.example --issuer https://accounts.google.com
  palisade skill trust                                      whom you trust

A key is minisign's, an identity is what a certificate of Sigstore's says: an e-mail address or a URI, and who vouched
for it. Both are compared as they are. A `*` may stand at the end of a workflow's tag or branch, and nowhere else. What
a workflow has built has to be its own repository: one that others can call is in their certificates too, and takes
--repository URL.

The trusted root says which keys and authorities count. It is your word: take it from whom you believe (`sigstore
trust-instance`, `cosign trusted-root create`, or the instance's TUF repository) and renew it when the instance changes
its keys. None comes with Palisade, and none is fetched.

Each is a file in skills/ of the configuration (publishers/NAME.pub, publishers/NAME.sigstore.json, roots/NAME.json): to
trust somebody no more, remove it.";

/// The trusted root's name if nothing else is said.
const ROOT: &str = "sigstore";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What you call the publisher.
    #[arg(value_name = "NAME", requires = "how")]
    name: Option<SkillName>,
    /// The publisher's public key, in minisign's format.
    #[arg(long, value_name = "FILE", group = "how", requires = "name")]
    key: Option<PathBuf>,
    /// The publisher's e-mail address or URI, as a certificate of Sigstore's has it.
    #[arg(long, value_name = "WHO", group = "how", requires_all = ["name", "issuer"])]
    identity: Option<String>,
    /// Who has to have vouched for that identity: the URL that the certificate has.
    #[arg(long, value_name = "URL", requires = "identity")]
    issuer: Option<String>,
    /// What a workflow has to have built, by its URL. Without: the repository that the workflow lies in.
    #[arg(long, value_name = "URL", requires = "identity")]
    repository: Option<String>,
    /// The name of the trusted root that counts for it.
    #[arg(long, value_name = "NAME", default_value = ROOT)]
    root: SkillName,
    /// A `trusted_root.json`, to be pinned under the name of --root.
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// Put it in the place of what is known by this name.
    #[arg(long)]
    replace: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let operator = operator()
        .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
    let folder = Trust::folder(&operator.config_dir);
    let mut told = String::new();
    // Whatever is wrong with one of them, nothing is written.
    let root = args.trusted_root.as_deref().map(pinned).transpose()?;
    let publisher = publisher(args)?;
    let root_path = folder.join("roots").join(format!("{}.json", args.root));
    if let Some(text) = root {
        // To renew it is what this is for.
        write(&root_path, &text, true)?;
        told.push_str(&format!("{}\n", root_path.display()));
    } else if args.identity.is_some() && !root_path.exists() {
        let what = format!("there is no trusted root `{}`", args.root);
        return Err(Failure::new(Kind::Usage, what).remedy("--trusted-root FILE, the first time"));
    }
    if let Some((end, text)) = publisher {
        let name = args.name.as_ref().map(SkillName::as_str).unwrap_or_default();
        let path = folder.join("publishers").join(format!("{name}{end}"));
        write(&path, &text, args.replace)?;
        told.push_str(&format!("{}\n", path.display()));
    }
    let trust = Trust::read(&operator.config_dir, &operator.state_dir)
        .map_err(|error| Failure::new(Kind::Denied, error.to_string()))?;
    if told.is_empty() {
        for (name, key) in trust.publishers() {
            told.push_str(&format!("{name}: key {}\n", key.id()));
        }
        for (name, Keyless { identity, root }) in trust.keyless() {
            told.push_str(&format!("{name}: {identity}, {}, root {root}\n", identity.issuer()));
        }
    }
    print::text(&told)
}

/// The text of a trusted root that can be used.
fn pinned(path: &Path) -> Result<String, Failure> {
    let text = read(path, MOST_OF_ROOT)?;
    let wrong = |why: String| Failure::new(Kind::Usage, format!("{}: {why}", path.display()));
    TrustedRoot::parse(&text).map_err(|failed| wrong(failed.to_string()))?;
    Ok(text)
}

/// The end of a publisher's file, and its text.
fn publisher(args: &Args) -> Result<Option<(&'static str, String)>, Failure> {
    if let Some(path) = &args.key {
        let text = read(path, minisign::MOST)?;
        let key = PublicKey::parse(&text)
            .map_err(|error| Failure::new(Kind::Usage, format!("{}: {error}", path.display())))?;
        return Ok(Some((".pub", key.file())));
    }
    let Some(identity) = &args.identity else { return Ok(None) };
    let issuer = args.issuer.as_deref().unwrap_or_default();
    let identity = Identity::new(identity, issuer, args.repository.as_deref())
        .map_err(|failed| Failure::new(Kind::Usage, failed.to_string()))?;
    let publisher = Keyless { identity, root: args.root.to_string() };
    let text = serde_json::to_string_pretty(&publisher)
        .map_err(|error| Failure::new(Kind::Enforcement, error.to_string()))?;
    Ok(Some((".sigstore.json", format!("{text}\n"))))
}

fn read(path: &Path, most: usize) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .map_err(|error| Failure::new(Kind::Usage, format!("{}: {error}", path.display())))?;
    Ok(text)
}

/// A file that nobody else can write.
fn write(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| failed(&error))?;
    }
    let known = match fs::read_to_string(path) {
        Ok(known) => Some(known),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(&error)),
    };
    match known {
        Some(known) if known == text => return Ok(()),
        Some(_) if !replace => {
            let what = format!("{} is there, and says something else", path.display());
            return Err(Failure::new(Kind::Denied, what).remedy("--replace, or another name"));
        }
        _ => {}
    }
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|error| failed(&error))
}
