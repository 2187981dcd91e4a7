//! The group of one sandbox, from before its first process to after its last.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    process::Pid,
};

use super::{
    controller::{Controller, Version},
    counts::Counts,
    folder::Folder,
    holding::{HeldByGroup, Holder},
    own::Listing,
    scope::{Manager, Request},
    seat::{Seat, Versions, find},
};
use crate::{
    plan::Limits,
    step::{Step, StepError},
};

/// All processes of one sandbox, for the kernel. Removed when dropped, at the latest.
#[derive(Debug)]
pub struct Group {
    holder: Holder,
    folders: Vec<Folder>,
}

/// Whether a sandbox has a group.
#[derive(Debug, Clone)]
pub enum Grouped {
    /// Its plan has no limit that needs one.
    Unneeded,
    /// It has.
    Made(Arc<Group>),
    /// No group can be made here, and this is why.
    Impossible(String),
}

/// What tells that a group may be out of memory. It may have been another event: see
/// [`Group::counts`].
#[derive(Debug)]
pub enum Notice {
    /// An eventfd, readable after each time (version 1).
    Event(OwnedFd),
    /// A file that polls as exceptional after each change, once it was read (version 2).
    Changes(OwnedFd),
}

/// A group while the sandbox is built.
#[derive(Debug)]
pub(crate) struct Wanted(State);

#[derive(Debug)]
enum State {
    Settled(Grouped),
    /// To be asked for once there is a process.
    Ask(Manager, Limits),
    Asked(Request),
}

/// How the first process gets in.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// For `CLONE_INTO_CGROUP`.
    pub(crate) into: Option<Arc<Group>>,
    /// Where it writes itself first of all (`tasks` of version 1).
    pub(crate) tasks: Vec<OwnedFd>,
}

/// Make the group that these limits need, or find out who is to be asked for it.
pub(crate) fn prepare(limits: &Limits, versions: Versions) -> (Wanted, Entry) {
    let none = |grouped| (Wanted(State::Settled(grouped)), Entry::default());
    if !Controller::ALL.into_iter().any(|controller| controller.serves(limits)) {
        return none(Grouped::Unneeded);
    }
    let seat = match find(limits, versions, &Listing::read()) {
        Ok(seat) => seat,
        Err(why) => return none(Grouped::Impossible(why)),
    };
    let holder = match &seat {
        Seat::Two(_) => Holder::Two,
        Seat::One { .. } => Holder::One,
        // The kernel counts processes by user namespace as well; that is no reason to wait.
        Seat::Scope(_) if limits.memory.is_none() && limits.cpu_thousandths.is_none() => {
            return none(Grouped::Unneeded);
        }
        Seat::Scope(manager) => {
            return (Wanted(State::Ask(manager.clone(), *limits)), Entry::default());
        }
    };
    let group = seat
        .make(limits)
        .and_then(|folders| {
            let group = Arc::new(Group { holder, folders });
            let tasks = group.tasks()?;
            Ok((group, tasks))
        })
        .map_err(|error| error.to_string());
    match group {
        Ok((group, tasks)) => {
            let into = group.folder_of_v2().is_some().then(|| Arc::clone(&group));
            (Wanted(State::Settled(Grouped::Made(group))), Entry { into, tasks })
        }
        Err(why) => none(Grouped::Impossible(why)),
    }
}

impl Entry {
    /// The group to clone into.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.into.as_deref().and_then(Group::folder_of_v2).map(Folder::as_fd)
    }

    /// In the new process: enter the groups of version 1. Their `tasks` were opened by who may
    /// write them, and that is what counts (Linux 5.16).
    pub(crate) fn enter(&self) -> Result<(), StepError> {
        for tasks in &self.tasks {
            rustix::io::write(tasks, b"0").step("enter the control group")?;
        }
        Ok(())
    }
}

impl Wanted {
    /// There is a process now: have systemd put it into a scope, if it is to make one.
    pub(crate) fn ask_for(self, pid: Pid) -> Self {
        let State::Ask(manager, limits) = self.0 else { return self };
        Self(match manager.ask(&limits, pid) {
            Ok(request) => State::Asked(request),
            Err(why) => State::Settled(Grouped::Impossible(why)),
        })
    }

    /// Wait until it is clear what came of it.
    pub(crate) fn settle(self) -> Grouped {
        match self.0 {
            State::Settled(grouped) => grouped,
            State::Ask(..) => Grouped::Impossible("systemd was not asked".to_owned()),
            State::Asked(request) => match request.settle() {
                Ok(folder) => {
                    Grouped::Made(Arc::new(Group { holder: Holder::Scope, folders: vec![folder] }))
                }
                Err(why) => Grouped::Impossible(why),
            },
        }
    }
}

impl Grouped {
    /// The group, if there is one.
    pub fn group(&self) -> Option<&Arc<Group>> {
        match self {
            Grouped::Made(group) => Some(group),
            Grouped::Unneeded | Grouped::Impossible(_) => None,
        }
    }

    /// Which limits it holds.
    pub(crate) fn held(&self) -> HeldByGroup {
        let has = |controller| self.group().is_some_and(|group| group.has(controller));
        HeldByGroup {
            memory: has(Controller::Memory),
            processes: has(Controller::Pids),
            processors: has(Controller::Cpu),
        }
    }
}

impl Group {
    /// What it counted until now.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.folders)
    }

    /// What kind of group it is.
    pub(super) fn holder(&self) -> Holder {
        self.holder
    }

    /// Kill all in it at once (`cgroup.kill`, Linux 5.14), if the kernel can.
    pub fn kill(&self) {
        if let Some(folder) = self.folder_of_v2() {
            folder.write("cgroup.kill", "1").unwrap_or_default();
        }
    }

    /// Remove it, once everything in it has ended.
    pub fn remove(&self) {
        for folder in &self.folders {
            folder.remove();
        }
    }

    /// Something to wait on for when the group is out of memory. `None` if it does not limit
    /// memory.
    ///
    /// # Errors
    /// If the kernel has no such notice.
    pub fn notice(&self) -> Result<Option<Notice>, StepError> {
        let step = "ask for a notice of want of memory";
        let Some(folder) = self.with(Controller::Memory) else { return Ok(None) };
        if folder.version == Version::Two {
            return Ok(Some(Notice::Changes(folder.open_to_read("memory.events").step(step)?)));
        }
        let notice = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).step(step)?;
        let control = folder.open_to_read("memory.oom_control").step(step)?;
        let text = format!("{} {}", notice.as_raw_fd(), control.as_raw_fd());
        folder.write("cgroup.event_control", &text).step(step)?;
        Ok(Some(Notice::Event(notice)))
    }

    fn tasks(&self) -> Result<Vec<OwnedFd>, StepError> {
        let v1 = self.folders.iter().filter(|folder| folder.version == Version::One);
        v1.map(|folder| folder.open_to_write("tasks").step("open the control group")).collect()
    }

    fn folder_of_v2(&self) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.version == Version::Two)
    }

    fn with(&self, controller: Controller) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.controllers.contains(&controller))
    }

    fn has(&self, controller: Controller) -> bool {
        self.with(controller).is_some()
    }
}
