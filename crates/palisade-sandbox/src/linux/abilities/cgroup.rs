//! Whether this process may make control groups below its own. See `cgroups(7)`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::State;

/// cgroup v2 below this process's own group, with the controllers that limits need.
pub(super) fn v2() -> State {
    let Some(group) = own_group("") else {
        return State::Missing("find the own cgroup: no cgroup v2 hierarchy is mounted".to_owned());
    };
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    let controllers: Vec<&str> = controllers.split_whitespace().collect();
    let absent: Vec<&str> =
        ["memory", "pids", "cpu"].into_iter().filter(|name| !controllers.contains(name)).collect();
    if !absent.is_empty() {
        return State::Missing(format!(
            "use {}: without the controllers {}",
            group.display(),
            absent.join(", ")
        ));
    }
    make_one_below(&group).map_or_else(State::Missing, State::Works)
}

/// cgroup v1: the memory and pids hierarchies.
pub(super) fn v1() -> State {
    let mut made = Vec::new();
    for controller in ["memory", "pids"] {
        let Some(group) = own_group(controller) else {
            return State::Missing(format!("find the own {controller} cgroup: no v1 hierarchy"));
        };
        match make_one_below(&group) {
            Ok(detail) => made.push(detail),
            Err(missing) => return State::Missing(missing),
        }
    }
    State::Works(made.join(", "))
}

fn make_one_below(group: &Path) -> Result<String, String> {
    let name = format!("palisade-doctor-{}", std::process::id());
    let new = group.join(name);
    fs::create_dir(&new).map_err(|error| format!("make {}: {error}", new.display()))?;
    fs::remove_dir(&new).map_err(|error| format!("remove {}: {error}", new.display()))?;
    Ok(group.display().to_string())
}

/// The folder of this process's group in the hierarchy of a v1 controller, or of v2 (empty name).
fn own_group(controller: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    find_group(&groups, &mounts, controller)
}

fn find_group(groups: &str, mounts: &str, controller: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let found = if controller.is_empty() {
            number == "0"
        } else {
            controllers.split(',').any(|name| name == controller)
        };
        found.then_some(path)
    })?;
    let (root, at) = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        let kind = after.next()?;
        let options = after.nth(1)?;
        let found = if controller.is_empty() {
            kind == "cgroup2"
        } else {
            kind == "cgroup" && options.split(',').any(|name| name == controller)
        };
        let mut before = before.split(' ');
        let (root, at) = (before.nth(3)?, before.next()?);
        found.then_some((root, at))
    })?;
    // In a container the mount shows only part of the hierarchy.
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    Some(Path::new(at).join(below).components().collect())
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
        let v2 = find_group(groups, MOUNTS, "").unwrap();
        assert_eq!(v2, Path::new("/sys/fs/cgroup/user.slice/user-1000.slice"));
        let memory = find_group(groups, MOUNTS, "memory").unwrap();
        assert_eq!(memory, Path::new("/sys/fs/cgroup/memory/x"));
        assert_eq!(find_group(groups, MOUNTS, "pids"), None);
        assert_eq!(find_group("", MOUNTS, ""), None);
    }
}
