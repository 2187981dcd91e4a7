use std::path::Path;

use palisade_policy::{CommandLine, PROFILES, Sources, check_file, load};

pub(crate) fn sources(folder: &Path) -> Sources {
    Sources {
        command_line: None,
        asked: palisade_policy::Asked::default(),
        workspace_dir: folder.join("work"),
        home: folder.join("home"),
        config_dir: folder.join("config"),
        state_dir: folder.join("state"),
        managed: folder.join("managed.yaml"),
        default_profile: "shell".into(),
    }
}

#[test]
fn each_profile_can_be_enforced_whole() {
    let folder = tempfile::tempdir().unwrap();
    for profile in PROFILES {
        let mut sources = sources(folder.path());
        sources.command_line = Some(CommandLine::Profile(profile.name.into()));
        let policy = load(&sources).unwrap_or_else(|found| panic!("{found}"));
        assert!(policy.not_built.is_empty(), "{:?}", policy.not_built);
        assert!(policy.network.rules.is_empty());
        assert_eq!(policy.filesystem.workspace.unwrap().path, folder.path().join("work"));
    }
}

#[test]
fn the_example_of_the_whole_schema_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid/schema-1.yaml");
    let policy =
        check_file(&path, Path::new("/home/ada")).unwrap_or_else(|found| panic!("{found}"));
    assert!(policy.not_built.is_empty(), "{:?}", policy.not_built);
}
