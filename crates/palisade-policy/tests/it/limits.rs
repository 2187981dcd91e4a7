use palisade_policy::explain;

use crate::world::World;

const ALL: &str = "process: {limits: {memory: 4GiB, processes: 512, cpus: 0.5, open_files: 4096, \
                   disk: 10GiB, scratch: 1GiB, wall_time: 8h}}";

#[test]
fn every_limit_is_built_and_explained() {
    let world = World::new();
    world.user(ALL);
    let policy = world.policy();
    assert!(policy.not_built.is_empty(), "{:?}", policy.not_built);
    let limits = policy.process.limits;
    assert_eq!(limits.cpu_thousandths, Some(500));
    assert_eq!((limits.disk, limits.scratch), (Some(10 << 30), Some(1 << 30)));
    let explained = explain(&policy);
    let said: Vec<String> = explained
        .iter()
        .filter_map(|one| {
            let name = one.rule.strip_prefix("process.limits.")?;
            Some(format!("{name}: {} ({})", one.says, one.layers.join(", ")))
        })
        .collect();
    assert_eq!(
        said,
        [
            "memory: 4 GiB of memory for all processes together (kernel, supervisor)",
            "processes: 512 processes and threads (kernel)",
            "cpus: the time of 0.5 processors (kernel)",
            "open_files: 4096 open files a process (kernel)",
            "disk: 10 GiB more in the writable folders, 10 GiB in one file (kernel, supervisor)",
            "scratch: 1 GiB in the private folders in memory (kernel)",
            "wall_time: ends after 8 h (supervisor)",
        ]
    );
    assert!(explained.iter().all(|one| one.held.is_none()), "who knows the machine fills it in");
}

#[test]
fn a_project_may_lower_each_and_raise_none() {
    let world = World::new();
    world.user(ALL);
    world.project("process: {limits: {cpus: 0.25, disk: 1GiB, scratch: 500MiB}}");
    let limits = world.policy().process.limits;
    assert_eq!(
        (limits.cpu_thousandths, limits.disk, limits.scratch),
        (Some(250), Some(1 << 30), Some(500 << 20))
    );
    for (higher, name) in
        [("cpus: 1", "cpus"), ("disk: 1TiB", "disk"), ("scratch: 2GiB", "scratch")]
    {
        world.project(&format!("process: {{limits: {{{higher}}}}}"));
        let wrong = world.wrong();
        assert!(wrong.contains(&format!("a higher limit of {name}")), "{wrong}");
    }
}

#[test]
fn the_managed_limit_is_the_most() {
    let world = World::new();
    world.managed("process: {limits: {cpus: 1, disk: 2GiB}}").user(ALL);
    let limits = world.policy().process.limits;
    assert_eq!((limits.cpu_thousandths, limits.disk), (Some(500), Some(2 << 30)));
}

/// Not even the name of the folder has to be a text.
#[test]
fn a_folder_whose_name_is_no_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let mut world = World::new();
    world.user("filesystem: {workspace: {access: rw}}");
    let mut digests = Vec::new();
    for name in [&b"work/\xff"[..], b"work/\xfe", b"work/text"] {
        world.sources.workspace_dir = world.at("").join(OsStr::from_bytes(name));
        std::fs::create_dir(&world.sources.workspace_dir).unwrap();
        let digest = world.policy().digest;
        assert!(!digests.contains(&digest), "{name:?}");
        digests.push(digest);
    }
}
