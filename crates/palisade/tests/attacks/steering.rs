//! Having Palisade itself read, run or believe something that lies in the workspace.

use crate::world::{Ran, World, finish};

/// A policy that would give a file of the operator's away, wherever a program might look for one.
#[test]
fn leaves_settings_where_palisade_might_look() {
    let Some(world) = World::plain() else { return };
    let wide = "palisade: 1\nextends: [shell]\nfilesystem: {read: [~/notes.txt]}\n";
    for path in [
        "palisade.yaml",
        ".palisade.yaml",
        "palisade.yml",
        "policy.yaml",
        ".palisade/policy.yaml",
        "config/policy.yaml",
        ".config/palisade/policy.yaml",
        "palisade/policy.yaml",
        "managed.yaml",
        "profiles/shell.yaml",
        "shell.yaml",
    ] {
        world.write(format!("work/{path}"), wide);
    }
    let work = world.workspace().display().to_string();
    let variables = format!(
        "PALISADE_CONFIG={work}/palisade\nPALISADE_STATE={work}/state\nHOME={work}\n\
         XDG_CONFIG_HOME={work}/.config\nPATH={work}\n"
    );
    for path in [".env", ".envrc", ".palisade/env", ".config/palisade/env"] {
        world.write(format!("work/{path}"), &variables);
    }
    let notes = world.home().join("notes.txt").display().to_string();
    let run = |arguments: &[&str]| -> Ran {
        let mut command = world.palisade();
        command.arg("run").args(arguments).args(["--", "/bin/cat", &notes]);
        finish(&mut command)
    };
    // With no word of the operator's, with a profile, and with a policy that extends one.
    for arguments in [&[][..], &["--profile", "shell"], &["--policy", "../config/attack.yaml"]] {
        let inside = run(arguments);
        assert_eq!(inside.out, "", "{arguments:?}: {inside}");
        assert_ne!(inside.code, Some(0), "{arguments:?}: {inside}");
    }
    assert!(!world.at("work/state").exists());
    // The same document, given by the operator, gives it.
    assert_eq!(run(&["--policy", "policy.yaml"]).good(), "the operator's notes");
}

/// Programs in the workspace by the names of those that Palisade, or a shell, might start.
#[test]
fn leaves_programs_that_palisade_might_run() {
    let Some(world) = World::plain() else { return };
    for name in
        ["sh", "git", "nft", "ip", "newuidmap", "systemctl", "busctl", "mount", "env", "node"]
    {
        let path = world.at(format!("work/{name}"));
        world.program(&path, "#!/bin/sh\ntouch \"${0%/*}/../ran\"\n");
    }
    // An operator who has the working folder in the search path.
    let mut command = world.run(&["/bin/echo", "done"]);
    command.env("PATH", ".:/usr/bin:/bin");
    assert_eq!(finish(&mut command).good(), "done");
    for arguments in [&["doctor"][..], &["ps"], &["audit", "verify"], &["policy", "explain"]] {
        finish(world.palisade().env("PATH", ".:/usr/bin:/bin").args(arguments));
    }
    assert!(!world.at("ran").exists());
    world.outside_sh("PATH=.:$PATH; git").good();
    assert!(world.at("ran").exists(), "unconfined they run");
}

/// Arguments and names that look like options, or like something to expand.
#[test]
fn passes_options_in_values() {
    let Some(world) = World::plain() else { return };
    let odd = [
        "--policy=/dev/null",
        "-h",
        "--",
        "$(touch ../ran)",
        "`touch ../ran`",
        "~",
        "*",
        "a;b",
        "\n",
    ];
    let mut argv = vec!["/usr/bin/python3", "-c", "import sys; print(sys.argv[1:])"];
    argv.extend(odd);
    let inside = world.inside(&argv);
    assert_eq!(inside.good(), format!("{odd:?}").replace('"', "'"), "{inside}");
    for name in ["--force", "-x", "../x", "a/b", "a\n", "", ".", "..", "$(x)"] {
        let mut command = world.palisade();
        command.arg("run").arg(format!("--name={name}")).args(["--", "/bin/true"]);
        let ran = finish(&mut command);
        assert_eq!(ran.code, Some(2), "{name:?}: {ran}");
    }
    assert!(!world.at("ran").exists());
}
