//! Where a group can be made, and whether at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{
    controller::{Controller, Version},
    folder::Folder,
    own::{Listing, Own},
    scope::Manager,
};
use crate::plan::Limits;

/// Where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seat {
    /// Below this group of version 2.
    Two(PathBuf),
    /// Below these groups of version 1, and for `cgroup.kill` below one of version 2.
    One { below: Vec<(Controller, PathBuf)>, kill: Option<PathBuf> },
    /// In a scope that systemd makes.
    Scope(Manager),
}

/// The versions that may be used. All are, but to see what a machine without one of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Version 1.
    pub one: bool,
    /// Version 2.
    pub two: bool,
}

impl Default for Versions {
    fn default() -> Self {
        Self { one: true, two: true }
    }
}

/// Find one that has all controllers of these limits, or say why there is none.
pub(super) fn find(limits: &Limits, versions: Versions, listing: &Listing) -> Result<Seat, String> {
    let needed: Vec<Controller> =
        Controller::ALL.into_iter().filter(|controller| controller.serves(limits)).collect();
    let v2 = listing.v2();
    let in_v1: Vec<(Controller, Own)> = needed
        .iter()
        .filter_map(|controller| Some((*controller, listing.v1(controller.name())?)))
        .collect();
    if in_v1.len() == needed.len() {
        if !versions.one {
            return Err("cgroup v1 is simulated as missing".to_owned());
        }
        return seat_of_v1(in_v1, v2.filter(|_| versions.two));
    }
    if !versions.two {
        return Err("cgroup v2 is simulated as missing".to_owned());
    }
    let Some(own) = v2 else {
        return Err("no control groups are mounted at /sys/fs/cgroup".to_owned());
    };
    let controllers = fs::read_to_string(own.mount.join("cgroup.controllers")).unwrap_or_default();
    let absent: Vec<&str> = needed
        .iter()
        .map(|controller| controller.name())
        .filter(|name| !controllers.split_whitespace().any(|word| word == *name))
        .collect();
    if !absent.is_empty() {
        let (folder, absent) = (own.mount.display(), absent.join(", "));
        return Err(format!("{folder} is without the controllers {absent}"));
    }
    // A group with processes cannot hand out controllers, and this process is in its own. So
    // there is a place of our own only below the root, which is exempt.
    let at_root = own.folder == own.mount;
    let real_root = !own.mount.join("cgroup.type").exists();
    let may_write = access(&own.mount, Access::WRITE_OK).is_ok();
    let manager = Manager::find();
    match manager {
        Ok(manager) => Ok(Seat::Scope(manager)),
        Err(_) if real_root && may_write => Ok(Seat::Two(own.mount)),
        Err(why) if at_root && !real_root => Err(format!(
            "the group of this container has processes, so no limits can be set below it; {why}"
        )),
        Err(why) => Err(format!("{} is not ours to divide; {why}", own.folder.display())),
    }
}

fn seat_of_v1(own: Vec<(Controller, Own)>, v2: Option<Own>) -> Result<Seat, String> {
    let mut below = Vec::new();
    for (controller, own) in own {
        if access(&own.folder, Access::WRITE_OK).is_err() {
            let (folder, name) = (own.folder.display(), controller.name());
            return Err(format!("no group can be made in {folder} ({name}, cgroup v1)"));
        }
        below.push((controller, own.folder));
    }
    let kill = v2.map(|own| own.folder).filter(|folder| access(folder, Access::WRITE_OK).is_ok());
    Ok(Seat::One { below, kill })
}

/// Whether a group can be made for all kinds of limits, by making one. For `doctor`.
pub(crate) fn trial(version: u8) -> Result<String, String> {
    let limits = Limits {
        memory: Some(1 << 30),
        processes: Some(1000),
        cpu_thousandths: Some(1000),
        ..Limits::default()
    };
    let listing = Listing::read();
    let is_one = Controller::ALL.into_iter().all(|one| listing.v1(one.name()).is_some());
    match (version, is_one) {
        (1, false) => return Err("no cgroup v1 hierarchies of memory, pids and cpu".to_owned()),
        (2, true) => return Err("memory, pids and cpu are in cgroup v1 here".to_owned()),
        _ => {}
    }
    let seat = find(&limits, Versions::default(), &listing)?;
    match &seat {
        Seat::Scope(manager) => manager.answers().map(|()| manager.to_string()),
        Seat::Two(_) | Seat::One { .. } => {
            let shown = seat.to_string();
            seat.make(&limits).map(|_| shown).map_err(|error| error.to_string())
        }
    }
}

impl Seat {
    /// Make the groups with their limits. A scope is made otherwise, and later.
    pub(super) fn make(self, limits: &Limits) -> Result<Vec<Folder>, crate::StepError> {
        let mut folders = Vec::new();
        match self {
            Seat::Two(parent) => {
                let needed = Controller::ALL.into_iter().filter(|one| one.serves(limits));
                hand_out(&parent, needed.clone())?;
                let mut folder = Folder::make(&parent, Version::Two)?;
                for controller in needed {
                    folder.limit(controller, limits)?;
                }
                folders.push(folder);
            }
            Seat::One { below, kill } => {
                for (controller, parent) in below {
                    let mut folder = Folder::make(&parent, Version::One)?;
                    folder.limit(controller, limits)?;
                    folders.push(folder);
                }
                // Only a second way of ending the sandbox: no limit hangs on it.
                folders.extend(kill.and_then(|parent| Folder::make(&parent, Version::Two).ok()));
            }
            Seat::Scope(_) => {}
        }
        Ok(folders)
    }
}

/// Have groups below `parent` get these controllers.
fn hand_out(
    parent: &Path,
    controllers: impl Iterator<Item = Controller>,
) -> Result<(), crate::StepError> {
    let file = parent.join("cgroup.subtree_control");
    let given = fs::read_to_string(&file).unwrap_or_default();
    for controller in controllers {
        let name = controller.name();
        if given.split_whitespace().any(|word| word == name) {
            continue;
        }
        fs::write(&file, format!("+{name}")).map_err(|error| crate::StepError {
            step: format!("hand out the controller {name} in {}", file.display()).into(),
            errno: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
        })?;
    }
    Ok(())
}

impl std::fmt::Display for Seat {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Seat::Two(parent) => write!(out, "below {}", parent.display()),
            Seat::One { below, .. } => {
                let list: Vec<String> =
                    below.iter().map(|(_, parent)| parent.display().to_string()).collect();
                write!(out, "below {}", list.join(", "))
            }
            Seat::Scope(manager) => manager.fmt(out),
        }
    }
}
