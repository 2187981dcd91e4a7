use std::{collections::BTreeSet, path::PathBuf};

use palisade_skill_store::{
    Digest, Scan, SkillName, Source, Tree,
    source::{self, Asked, Fetched, REGISTRY, SourceError},
};
use palisade_skills::Report;

use super::{
    failure,
    model::{self, ToAsk},
};
use crate::failure::{Failure, Kind};

/// Where a skill is.
#[derive(Debug, clap::Args)]
pub(super) struct From {
    /// Where it is: a folder, an archive, `https://….git` or `git+/path` for a repository, `npm:NAME@VERSION`; or
    /// the name of an entry of --marketplace.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The part of the source that is wanted.
    #[arg(long, value_name = "FOLDER", default_value = "")]
    folder: String,
    /// A commit, branch or tag of the repository. The commit is what is kept.
    #[arg(long, value_name = "COMMIT")]
    at: Option<String>,
    /// An index in the form of Claude Code's marketplace.json: its folder, its file, or its URL.
    #[arg(long, value_name = "INDEX", conflicts_with = "at")]
    marketplace: Option<String>,
    /// The registry of npm packages.
    #[arg(long, value_name = "URL", default_value = REGISTRY)]
    registry: String,
}

/// A skill as it was found at a source, and what the scanner says of it. Nothing is kept yet.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) name: SkillName,
    pub(super) tree: Tree,
    pub(super) source: Source,
    pub(super) report: Report,
    pub(super) scan: Scan,
    /// The archive that it was in, as it came.
    pub(super) archive: Option<Vec<u8>>,
}

impl Taken {
    pub(super) fn digest(&self) -> Digest {
        self.tree.digest()
    }
}

/// What a command line names.
///
/// # Errors
/// It cannot be read, or is no skill.
pub(super) fn take(
    from: &From,
    name: Option<SkillName>,
    model: Option<ToAsk>,
) -> Result<Taken, Failure> {
    let asked = asked(from)?;
    get(&asked, &from.folder, name, model)
}

/// What a source has now.
///
/// # Errors
/// As [`take`].
pub(super) fn get(
    asked: &Asked,
    folder: &str,
    name: Option<SkillName>,
    model: Option<ToAsk>,
) -> Result<Taken, Failure> {
    let fetched = source::fetch(asked, folder, &palisade_vetting::unpack).map_err(unfetched)?;
    loads(&fetched.tree)?;
    let name = name.or_else(|| SkillName::like(&fetched.name)).ok_or_else(|| {
        Failure::new(Kind::Usage, "its folder has no name for a skill")
            .remedy("give one with --name")
    })?;
    let (report, scan) = model::vet(name.as_str(), &fetched.tree, model)?;
    let Fetched { tree, source, archive, .. } = fetched;
    Ok(Taken { name, tree, source, report, scan, archive })
}

fn asked(from: &From) -> Result<Asked, Failure> {
    let text = from.source.as_str();
    if let Some(index) = &from.marketplace {
        return Ok(Asked::Marketplace { index: index.clone(), entry: text.to_owned() });
    }
    if let Some(package) = text.strip_prefix("npm:") {
        let (package, version) = match package.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() => (name, Some(version.to_owned())),
            _ => (package, None),
        };
        let registry = from.registry.clone();
        return Ok(Asked::Npm { registry, package: package.to_owned(), version });
    }
    let git = text.strip_prefix("git+").or_else(|| {
        let far = ["https://", "ssh://", "git@", "http://", "file://"];
        (far.iter().any(|start| text.starts_with(start)) || from.at.is_some()).then_some(text)
    });
    if let Some(url) = git {
        return Ok(Asked::Git { url: url.to_owned(), at: from.at.clone() });
    }
    let path = PathBuf::from(text);
    let found = path.metadata().map_err(|error| {
        Failure::new(Kind::Usage, format!("{}: {error}", path.display()))
            .remedy("name a folder, an archive, a repository or a package; see --help")
    })?;
    Ok(if found.is_dir() { Asked::Folder(path) } else { Asked::Archive(path) })
}

fn unfetched(error: SourceError) -> Failure {
    match error {
        SourceError::Store(error) => failure(error),
        SourceError::File { .. } | SourceError::NoFolder(_) => {
            Failure::new(Kind::Usage, error.to_string())
        }
        error => Failure::new(Kind::Denied, error.to_string()),
    }
}

/// What an agent would load from a skills folder: a skill, or a plugin.
fn loads(tree: &Tree) -> Result<(), Failure> {
    if ["SKILL.md", ".claude-plugin/plugin.json"].iter().any(|file| tree.get(file).is_some()) {
        return Ok(());
    }
    let below: BTreeSet<&str> =
        tree.iter().filter_map(|(path, _)| path.strip_suffix("/SKILL.md")).collect();
    let below: Vec<&str> = below.into_iter().take(8).collect();
    let what =
        "it has neither SKILL.md nor .claude-plugin/plugin.json at its top: no agent would load it";
    Err(Failure::new(Kind::Usage, what).remedy(if below.is_empty() {
        "name the folder of a skill or a plugin".to_owned()
    } else {
        format!("--folder with one of: {}", below.join(", "))
    }))
}
