//! A workspace whose changes are kept apart.

use std::{
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use palisade_journal::Timestamp;
use palisade_workspace::{Birth, Ids, Kept, Store, WorkspaceError};
use rustix::fs::statfs;

use super::{links, tree::Tree, who::Who};
use crate::{
    order::Order,
    refusal::{Refusal, Refuse},
};

/// `statfs(2)`
const OVERLAYFS: i64 = 0x794c_7630;

/// Make the overlay of this session and put it in the tree.
pub(super) fn add(
    order: &Order,
    session: &SessionId,
    workspace: &Path,
    who: &Who,
    tree: &mut Tree,
) -> Result<Kept, Refusal> {
    refuse_unfit(order, workspace, who)?;
    let birth = Birth {
        session,
        name: order.name.as_deref(),
        policy: &order.policy.digest,
        workspace,
        agent: Ids { uid: who.identity.host_uid, gid: who.identity.host_gid },
        started: Timestamp::now().to_string(),
    };
    let kept = Store::create(&order.operator.state_dir)
        .and_then(|store| store.begin(&birth))
        .map_err(|error| of_overlay(&error))?;
    let layers = links::real_or_same(&kept.layers());
    let on_overlay = statfs(&layers).is_ok_and(|found| found.f_type == OVERLAYFS);
    if on_overlay {
        return Err(Refusal::new(
            format!(
                "the state folder {} lies on an overlay itself, as in a container, and no other overlay's changes can be kept there",
                order.operator.state_dir.display()
            ),
            "set PALISADE_STATE to a folder on a volume or on tmpfs, or use `rw`",
        ));
    }
    tree.overlay(workspace, &layers, who)?;
    Ok(kept)
}

pub(crate) fn of_overlay(error: &WorkspaceError) -> Refusal {
    let remedy = error.remedy().unwrap_or("see that PALISADE_STATE can be written and has room");
    Refusal::new(format!("the overlay of the workspace: {error}"), remedy)
}

fn refuse_unfit(order: &Order, workspace: &Path, who: &Who) -> Result<(), Refusal> {
    let shown = workspace.display();
    if workspace.to_str().is_none() {
        return Err(Refusal::new(
            format!(
                "the workspace {shown} has a name that is not UTF-8, and no overlay can be recorded for it"
            ),
            "rename the folder, or use `rw`",
        ));
    }
    if links::real_or_same(&order.operator.state_dir).starts_with(workspace) {
        return Err(Refusal::new(
            format!(
                "the state folder {} lies in the workspace {shown}, so an overlay would lie in itself",
                order.operator.state_dir.display()
            ),
            "set PALISADE_STATE to a folder outside the workspace",
        ));
    }
    let own = &order.policy.filesystem.grants;
    let same = own.iter().find(|grant| {
        grant.writable && links::real(&grant.path).is_some_and(|real| real == workspace)
    });
    if let Some(grant) = same {
        return Err(Refusal::new(
            format!(
                "{} lets the agent change {shown}, which is the workspace in overlay",
                grant.rule
            ),
            "remove it, or use `filesystem.workspace.access: rw`",
        ));
    }
    if let Some(inner) = mounted_below(workspace)? {
        return Err(Refusal::new(
            format!(
                "{} is another file system in the workspace, which an overlay does not show",
                inner.display()
            ),
            "unmount it, take a workspace without it, or use `rw`",
        ));
    }
    let found = workspace.symlink_metadata().refuse(format!("look at {shown}"), "report this")?;
    let (uid, gid) = (who.identity.host_uid, who.identity.host_gid);
    if !who.maps_owners && (found.uid(), found.gid()) != (uid, gid) {
        return Err(Refusal::new(
            format!(
                "the workspace {shown} belongs to user {} and group {}, and an overlay of yours can only hold what is user {uid}'s and group {gid}'s",
                found.uid(),
                found.gid()
            ),
            "if it is one of your groups: `sg GROUP -c 'palisade run …'`; else use `rw`",
        ));
    }
    if who.maps_owners && statfs(workspace).is_ok_and(|found| found.f_type == OVERLAYFS) {
        return Err(Refusal::new(
            format!(
                "the workspace {shown} lies on an overlay, as in a container, where the owner of files cannot be mapped to the user that root's sandboxes have"
            ),
            "start palisade as the ordinary user who owns the workspace, or put it on a volume",
        ));
    }
    Ok(())
}

/// A mount point below `folder`, from `/proc/self/mountinfo`.
fn mounted_below(folder: &Path) -> Result<Option<PathBuf>, Refusal> {
    let text =
        std::fs::read("/proc/self/mountinfo").refuse("read the list of mounts", "mount /proc")?;
    let points = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let field = line.split(|byte| *byte == b' ').nth(4)?;
        Some(PathBuf::from(std::ffi::OsString::from_vec(unescaped(field))))
    });
    Ok(points.into_iter().find(|point| point != folder && point.starts_with(folder)))
}

/// A blank, a tab, a newline and a backslash are written as three octal digits, see `proc(5)`.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let number = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match number {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_mount_point_with_blanks_is_read() {
        assert_eq!(unescaped(br"/a\040b\011c\134"), b"/a b\tc\\");
        assert_eq!(unescaped(br"/a\9"), br"/a\9");
    }

    #[test]
    fn what_is_mounted_below_is_found() {
        assert_eq!(mounted_below(Path::new("/nonexistent")).unwrap(), None);
        let found = mounted_below(Path::new("/")).unwrap().unwrap();
        assert!(found.as_os_str().as_bytes().len() > 1);
    }

    #[test]
    fn all_that_is_protected_in_a_writable_folder_is_sensitive_in_an_overlay() {
        for name in super::super::protected::PROTECTED {
            assert!(palisade_workspace::is_sensitive(Path::new(name)), "{name}");
        }
    }
}
