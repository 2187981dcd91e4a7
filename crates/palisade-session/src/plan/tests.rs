use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

use palisade_policy::{CommandLine, Sources, load};

use super::*;

/// A project, and beside it what must not be shown.
struct World {
    _folder: tempfile::TempDir,
    at: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for path in ["work/src/part", "keys/part", "home", "state"] {
            fs::create_dir_all(at.join(path)).unwrap();
        }
        Self { _folder: folder, at }
    }

    /// What is to be run under this policy, read now.
    fn order(&self, policy: &str, command_line: bool) -> Order {
        fs::write(self.at.join("work/palisade.yaml"), format!("palisade: 1\n{policy}\n")).unwrap();
        let home = self.at.join("home");
        let sources = Sources {
            command_line: command_line
                .then(|| CommandLine::File(self.at.join("work/palisade.yaml"))),
            asked: palisade_policy::Asked::default(),
            workspace_dir: self.at.join("work"),
            home: home.clone(),
            config_dir: self.at.join("config"),
            state_dir: self.at.join("state"),
            managed: self.at.join("none.yaml"),
            default_profile: "shell".to_owned(),
        };
        Order {
            policy: load(&sources).unwrap(),
            sources,
            command: vec!["true".into()],
            name: None,
            missing: Vec::new(),
            allow_degraded: Default::default(),
            record: None,
            permissive: false,
            learns_files: false,
            operator: Operator {
                home,
                directory: self.at.join("work"),
                state_dir: self.at.join("state"),
                config_dir: self.at.join("config"),
                environment: BTreeMap::new(),
            },
        }
    }

    /// The folder `work/src` is moved away, and a link is in its place.
    fn swap(&self) {
        fs::rename(self.at.join("work/src"), self.at.join("work/away")).unwrap();
        symlink("../keys", self.at.join("work/src")).unwrap();
    }

    fn tree(&self, order: &Order) -> Result<Tree, Refusal> {
        let session = SessionId::from_random([3; 16]);
        let who = Who::find(&order.operator)?;
        let (names, mut tree) = (Names::default(), Tree::new());
        workspace(order, &session, &who, &names, &mut tree)?;
        grants::add(&order.policy, &order.operator, &who, &names, &mut tree)?;
        Ok(tree)
    }
}

#[test]
fn a_folder_that_is_exchanged_for_a_link_after_the_policy_was_read_is_refused() {
    for (policy, command_line) in [
        ("filesystem: {workspace: {path: src, access: rw}}", false),
        ("filesystem: {workspace: {path: src/part}}", false),
        ("filesystem: {workspace: {path: src, access: rw}}", true),
        ("filesystem: {workspace: {path: src/part, access: ro}}", true),
    ] {
        let world = World::new();
        let order = world.order(policy, command_line);
        assert!(world.tree(&order).is_ok(), "{policy}");
        world.swap();
        let refusal = world.tree(&order).unwrap_err();
        assert!(refusal.what.contains("when the policy was read, and leads to"), "{refusal}");
        // Read anew, what was checked is what is refused or shown.
        if command_line {
            assert!(world.tree(&world.order(policy, true)).is_ok());
        }
    }
}

#[test]
fn what_may_be_written_keeps_its_number_until_it_is_mounted() {
    let world = World::new();
    let order = world.order("filesystem: {workspace: {path: src, access: rw}}", false);
    let tree = world.tree(&order).unwrap();
    let src = world.at.join("work/src");
    let inode = |path: &Path| path.metadata().unwrap().ino();
    let before = inode(&src);
    // Ten of them: a file system gives a number that is free to the next that asks.
    for _ in 0..10 {
        fs::remove_dir_all(&src).unwrap();
        fs::create_dir(&src).unwrap();
        assert_ne!(inode(&src), before);
    }
    assert!(!tree.into_mounts().1._objects.is_empty());
}
