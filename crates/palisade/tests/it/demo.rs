use crate::ran::{palisade, run};

#[test]
fn the_demo_stops_everything_and_its_journal_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(palisade(folder.path()).arg("demo").env("TMPDIR", folder.path()));
    assert_eq!(ran.exit, 0, "{ran}");
    let attempts: Vec<&str> = ran
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("IT TRIES TO"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.get(..56).unwrap().trim_end())
        .collect();
    assert_eq!(
        attempts,
        [
            "read ~/.ssh                                  files",
            "write ~/.bashrc                              files",
            "fetch from an unlisted host by its address   egress",
            "reach the cloud's metadata address           egress",
            "resolve an unlisted name                     network",
            "open a raw socket                            process",
            "ptrace another process                       process",
            "setuid to root                               process",
            "mount a file system                          process",
            "signal a process of the host                 process",
            "read the supervisor's environment            process",
            "take the model's key from the environment    inference",
        ]
    );
    for expected in
        ["12 of 12 attempts stopped, 4 of 4 permitted acts work, the journal verifies.", "whole: "]
    {
        assert!(ran.stdout.contains(expected), "no `{expected}` in\n{ran}");
    }
    assert!(!ran.stdout.contains("NOTHING") && ran.stderr.is_empty(), "{ran}");
    // It leaves nothing behind.
    let left: Vec<_> = folder.path().read_dir().unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
