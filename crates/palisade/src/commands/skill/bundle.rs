//! Sigstore bundles of what is taken.

use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use palisade_sigstore::{Artifact, MOST_OF_BUNDLE, Step};
use palisade_skill_store::{Bundled, Digest, Source, Trust, Vouched};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::taken::Taken;
use crate::{
    failure::{Failure, Kind},
    operator::operator,
    print,
};

/// Ends of names that clients give a bundle which they put beside a file.
const BESIDE: [&str; 2] = [".sigstore.json", ".sigstore"];

#[derive(Debug, clap::Args)]
pub(super) struct Bundles {
    /// A publisher's Sigstore bundle: of the archive as it came, or of the list that `palisade skill sign --out` writes.
    /// Can be given for each. Without: the one beside the archive, if there is one.
    #[arg(long, value_name = "FILE")]
    bundle: Vec<PathBuf>,
}

impl Bundles {
    /// Those that hold for it, by publishers who are trusted.
    ///
    /// # Errors
    /// One that was named does not hold, or is nobody's who is trusted; one beside it does not hold.
    pub(super) fn verified(&self, taken: &Taken) -> Result<Vec<Bundled>, Failure> {
        let beside = if self.bundle.is_empty() { beside(&taken.source) } else { None };
        if self.bundle.is_empty() && beside.is_none() {
            return Ok(Vec::new());
        }
        let operator = operator()
            .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
        let trust = Trust::read(&operator.config_dir, &operator.state_dir)
            .map_err(|error| Failure::new(Kind::Denied, error.to_string()))?;
        let list = taken.tree.manifest();
        let archive = taken.archive.as_deref();
        let artifacts: Vec<Artifact<'_>> =
            archive.into_iter().chain([list.as_bytes()]).map(Artifact::new).collect();
        let mut bundles = Vec::new();
        for path in self.bundle.iter().chain(&beside) {
            let named = beside.is_none();
            let at = path.display();
            if !named && trust.keyless().is_empty() {
                let hint = "trust its publisher with `palisade skill trust`";
                print::note(&format!("palisade: {at} is not looked at: {hint}"));
                continue;
            }
            let text = read(path)?;
            let Vouched { names, proved } = match trust.vouched(&text, &artifacts) {
                Ok(vouched) => vouched,
                // It holds, and is a stranger's: what it is beside is as good as without it.
                Err(failed) if failed.step == Step::Identity && !named => {
                    print::note(&format!("palisade: {at} counts for nothing: {failed}"));
                    continue;
                }
                Err(failed) => {
                    let failure = Failure::new(Kind::Denied, format!("{at}: {failed}"));
                    return Err(match failed.step {
                        Step::Identity | Step::Root => failure.remedy(
                            "palisade skill trust NAME --identity WHO --issuer URL, if you know who that is",
                        ),
                        _ if named => failure.remedy("ask its publisher for one that holds"),
                        _ => failure.remedy("ask its publisher, or move the bundle away"),
                    });
                }
            };
            let by = names.join(" and ");
            let (who, issuer) = (proved.name.to_string(), &proved.issuer);
            let what = if archive.is_some() && proved.artifact == 0 { "archive" } else { "list" };
            print::note(&format!(
                "signed by {by}: {} (vouched for by {}), the {what}, by {}",
                palisade_core::shown(&who, 300),
                palisade_core::shown(issuer, 300),
                shown(proved.time),
            ));
            if !proved.certificate_logged {
                print::note("  its trusted root has no certificate log: none was asked for");
            }
            let archive = archive.filter(|_| what == "archive").map(Digest::of);
            bundles.push(Bundled { bundle: text, archive });
        }
        Ok(bundles)
    }
}

/// The bundle that lies beside an archive.
fn beside(source: &Source) -> Option<PathBuf> {
    let Source::Archive { path, .. } = source else { return None };
    BESIDE.iter().find_map(|end| {
        let mut name = OsString::from(path);
        name.push(end);
        let path = PathBuf::from(name);
        // One that cannot be looked at is looked at later, and said.
        let there =
            !path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        there.then_some(path)
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: String| Failure::new(Kind::Usage, format!("{}: {why}", path.display()));
    let found = path.metadata().map_err(|error| failed(error.to_string()))?;
    // Opening a pipe would wait for somebody to write.
    if !found.is_file() {
        return Err(failed("it is no regular file".to_owned()));
    }
    let most = u64::try_from(MOST_OF_BUNDLE).unwrap_or(u64::MAX);
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_string(&mut text))
        .map_err(|error| failed(error.to_string()))?;
    Ok(text)
}

fn shown(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
