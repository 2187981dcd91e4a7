//! Where this process's own groups are.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the kernel says of groups and of where their hierarchies are mounted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    groups: String,
    mounts: String,
}

/// A group: the mount of its hierarchy, and its folder there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) mount: PathBuf,
    pub(super) folder: PathBuf,
}

impl Listing {
    /// Of this process.
    pub(super) fn read() -> Self {
        Self::of("self")
    }

    /// Of a process, by its number or `self`.
    pub(super) fn of(process: &str) -> Self {
        let read = |path: String| fs::read_to_string(path).unwrap_or_default();
        Self {
            groups: read(format!("/proc/{process}/cgroup")),
            mounts: read("/proc/self/mountinfo".to_owned()),
        }
    }

    #[cfg(test)]
    pub(super) fn given(groups: &str, mounts: &str) -> Self {
        Self { groups: groups.to_owned(), mounts: mounts.to_owned() }
    }

    /// The group in the hierarchy of version 2.
    pub(super) fn v2(&self) -> Option<Own> {
        self.find(|number, _| number == "0", |kind, _| kind == "cgroup2")
    }

    /// The group in the hierarchy of version 1 that has this controller.
    pub(super) fn v1(&self, controller: &str) -> Option<Own> {
        let has = |list: &str| list.split(',').any(|name| name == controller);
        self.find(|_, list| has(list), |kind, options| kind == "cgroup" && has(options))
    }

    fn find(
        &self,
        is_group: impl Fn(&str, &str) -> bool,
        is_mount: impl Fn(&str, &str) -> bool,
    ) -> Option<Own> {
        let path = self.groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            is_group(number, controllers).then_some(path)
        })?;
        let (root, mount) = self.mounts.lines().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut after = after.split(' ');
            let kind = after.next()?;
            let options = after.nth(1)?;
            let mut before = before.split(' ');
            let (root, at) = (before.nth(3)?, before.next()?);
            is_mount(kind, options).then_some((root, at))
        })?;
        // In a container the mount shows only part of the hierarchy. `..` is a group above it.
        let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        if below.components().any(|part| part == std::path::Component::ParentDir) {
            return None;
        }
        let mount = PathBuf::from(mount);
        Some(Own { folder: mount.join(below).components().collect(), mount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
31 24 0:27 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";

    #[test]
    fn finds_groups_as_the_kernel_shows_them() {
        let groups = "4:memory:/docker/ab/x\n0::/user.slice/user-1000.slice\n";
        let listing = Listing::given(groups, MOUNTS);
        let v2 = listing.v2().unwrap();
        assert_eq!(v2.folder, Path::new("/sys/fs/cgroup/user.slice/user-1000.slice"));
        assert_eq!(v2.mount, Path::new("/sys/fs/cgroup"));
        let memory = listing.v1("memory").unwrap();
        assert_eq!(memory.folder, Path::new("/sys/fs/cgroup/memory/x"));
        assert_eq!(listing.v1("pids"), None);
        assert_eq!(Listing::given("", MOUNTS).v2(), None);
        assert_eq!(Listing::given("0::/../..\n", MOUNTS).v2(), None);
    }
}
