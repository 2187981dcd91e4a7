use std::path::Path;

use palisade_skill_store::{Digest, SkillName, Source, Tree, read_folder};

use super::failure;
use crate::failure::{Failure, Kind};

/// A skill as it was found at a source, not kept yet.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) name: SkillName,
    pub(super) tree: Tree,
    pub(super) source: Source,
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
pub(super) fn take(source: &str, name: Option<SkillName>) -> Result<Taken, Failure> {
    let path = Path::new(source);
    let usage = |error| {
        Failure::new(Kind::Usage, format!("{}: {error}", path.display()))
            .remedy("name a folder that holds a SKILL.md")
    };
    let path = path.canonicalize().map_err(usage)?;
    let tree = read_folder(&path).map_err(failure)?;
    loads(&tree, source)?;
    let name = match name {
        Some(name) => name,
        None => {
            let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            SkillName::like(&own).ok_or_else(|| {
                Failure::new(Kind::Usage, "the folder's name is no name for a skill")
                    .remedy("give one with --name")
            })?
        }
    };
    Ok(Taken { name, tree, source: Source::Folder { path } })
}

/// What an agent would load from a skills folder: a skill, or a plugin.
fn loads(tree: &Tree, source: &str) -> Result<(), Failure> {
    if ["SKILL.md", ".claude-plugin/plugin.json"].iter().any(|file| tree.get(file).is_some()) {
        return Ok(());
    }
    let mut below: Vec<&str> =
        tree.iter().filter_map(|(path, _)| path.strip_suffix("/SKILL.md")).take(8).collect();
    below.dedup();
    let what = format!(
        "{} has neither SKILL.md nor .claude-plugin/plugin.json at its top: no agent would load it",
        palisade_core::shown(source, 200)
    );
    Err(Failure::new(Kind::Usage, what).remedy(match below.as_slice() {
        [] => "name the folder of a skill or a plugin".to_owned(),
        some => format!("name one of the skills in it: {}", some.join(", ")),
    }))
}
