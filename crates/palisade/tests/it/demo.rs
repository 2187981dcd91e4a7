use crate::ran::{palisade, run};

#[test]
fn the_demo_stops_everything_and_its_journal_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(palisade(folder.path()).arg("demo").env("TMPDIR", folder.path()));
    assert_eq!(ran.exit, 0, "{ran}");
    for expected in [
        "read ~/.ssh                                  files ",
        "write ~/.bashrc                              files ",
        "open a raw socket                            process ",
        "resolve an unlisted name                     network ",
        "reach the cloud's metadata address           egress ",
        "take the model's key from the environment    inference ",
        "34 of 34 attempts stopped, 4 of 4 permitted acts work, the journal verifies.",
        "whole: ",
    ] {
        assert!(ran.stdout.contains(expected), "no `{expected}` in\n{ran}");
    }
    assert!(!ran.stdout.contains("NOTHING") && ran.stderr.is_empty(), "{ran}");
    // It leaves nothing behind.
    let left: Vec<_> = folder.path().read_dir().unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
