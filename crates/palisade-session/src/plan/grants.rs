//! The policy's `read` and `write` lists.

use std::{
    io,
    path::{Path, PathBuf},
};

use palisade_core::{Event, Layer};
use palisade_policy::{Grant, Policy};

use super::{
    links::{self, Names, Way},
    tree::Tree,
    who::Who,
};
use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// What would undo a layer by being shown at all.
const OF_THE_MACHINE: [&str; 4] = ["/proc", "/sys", "/dev", "/run/palisade"];

/// Put all grants in the tree. Shorter paths first, so that a part of what is granted already
/// needs no mount of its own.
///
/// Returned is what of the `read` list does not exist: it is told and recorded, and grants nothing,
/// also if it is made later. What is missing of the `write` list is an error, for what the agent
/// would keep there would be lost.
pub(crate) fn add(
    policy: &Policy,
    operator: &Operator,
    who: &Who,
    names: &Names,
    tree: &mut Tree,
) -> Result<Vec<Event>, Refusal> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for grant in &policy.filesystem.grants {
        match names.follow(&grant.path) {
            Ok(way) => {
                super::refuse_led_elsewhere(policy, &grant.path, &way.real)?;
                found.push((grant, way));
            }
            Err(_) if !grant.required => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !grant.writable => {
                absent.push(missing(grant));
            }
            Err(error) => {
                return Err(error).refuse(
                    format!("{}: {}", grant.rule, grant.path.display()),
                    "make it, or take it out of the policy",
                );
            }
        }
    }
    found.sort_by_cached_key(|(_, way)| way.real.components().count());
    let home = links::real_or_same(&operator.home);
    let mut linked = Vec::new();
    for (grant, way) in &found {
        refuse_of_the_machine(&way.real)?;
        if way.is_link {
            linked.push((*grant, way));
            continue;
        }
        let ours = way.real.starts_with(&home);
        tree.grant(&way.real, grant.writable, grant.writable || ours, who)?;
    }
    // A link leads somewhere; it grants nothing there by itself.
    for (grant, way) in linked {
        if !tree.shows(&way.real) {
            if grant.required {
                return Err(Refusal::new(
                    format!(
                        "{}: {} is a link to {}, which the policy does not grant",
                        grant.rule,
                        grant.path.display(),
                        way.real.display()
                    ),
                    format!("name {} instead, if that is meant", way.real.display()),
                ));
            }
            continue;
        }
        for link in &way.links {
            tree.link(link);
        }
    }
    for (grant, way) in &found {
        if tree.shows(&way.real) {
            refuse_writable_link(grant, way, names, tree)?;
            for link in &way.links {
                tree.link(link);
            }
        }
    }
    Ok(absent)
}

fn missing(grant: &Grant) -> Event {
    let mut event =
        Event::observed("ungranted", Layer::Files, grant.path.to_string_lossy().into_owned());
    event.rule = Some(grant.rule.clone());
    event.reason = "it does not exist, so nothing of it is shown".to_owned();
    event
}

/// The workspace and all that the operator's own documents grant. Not what only a built-in profile
/// grants for reading: that is programs and certificates, many files, and no keys.
pub(crate) fn own(grants: &[Grant], workspace: Option<&Path>) -> Vec<PathBuf> {
    grants
        .iter()
        .filter(|grant| grant.required || grant.writable)
        .filter_map(|grant| links::real(&grant.path))
        .chain(workspace.map(Path::to_owned))
        .collect()
}

/// A link that the agent can change decides nothing: it could lead anywhere at the next launch.
fn refuse_writable_link(
    grant: &Grant,
    way: &Way,
    names: &Names,
    tree: &Tree,
) -> Result<(), Refusal> {
    for link in &way.links {
        let agents = tree
            .host_above(&link.at)
            .is_some_and(|(at, content)| at != link.at && super::shows(content) == Some(true));
        let leaves = || names.real(&link.at).is_some_and(|real| !tree.shows(&real));
        if agents && leaves() {
            return Err(Refusal::new(
                format!(
                    "{}: {} leads through the link {}, which the agent can change",
                    grant.rule,
                    grant.path.display(),
                    link.at.display()
                ),
                "name the path that the link leads to",
            ));
        }
    }
    Ok(())
}

/// Refuse what holds the whole machine, or its devices and kernel files.
pub(crate) fn refuse_of_the_machine(real: &Path) -> Result<(), Refusal> {
    let machine = real == Path::new("/")
        || OF_THE_MACHINE.iter().any(|path| real.starts_with(path) || Path::new(path) == real);
    if machine {
        return Err(Refusal::new(
            format!("{} cannot be granted: it is the machine's, not the work's", real.display()),
            "name the folders that the agent needs; /proc and a small /dev are always there",
        ));
    }
    Ok(())
}
