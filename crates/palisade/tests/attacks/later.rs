//! What appears while the session runs: protected names that the agent makes.

use std::{
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::world::{World, end_of};

/// Longer than the guard takes on a loaded machine.
const SOON: Duration = Duration::from_secs(30);

fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < SOON, "{what}");
        sleep(Duration::from_millis(2));
    }
}

/// The script runs inside, in its own time.
fn start(world: &World, script: &str) -> Child {
    use std::process::Stdio;
    let mut run = world.run(&["/bin/sh", "-c", script]);
    run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What waits inside until the host has looked.
const LOOKED: &str = "until [ -e looked ]; do sleep 0.02; done";

#[test]
fn makes_what_programs_of_the_host_run() {
    let Some(world) = World::plain() else { return };
    let plant = "echo evil >.envrc; mkdir -p .config/git && echo evil >.config/git/config; \
                 mkdir x && echo evil >x/tasks.json && mv x .vscode; ln -s /etc/passwd .mcp.json; touch made";
    let session = start(&world, &format!("{plant}; {LOOKED}"));
    until("made", || world.at("work/made").exists());
    // While the session runs.
    for name in [".envrc", ".config/git", ".vscode", ".mcp.json"] {
        until(name, || world.at("work").join(name).symlink_metadata().is_err());
    }
    world.write("work/looked", "");
    let ran = end_of(session);
    assert_eq!(ran.code, Some(0), "{ran}");
    for name in [".envrc", ".config/git", ".vscode", ".mcp.json"] {
        let subject = world.at("work").join(name);
        assert!(world.why_denied(subject.to_str().unwrap()).contains("palisade-moved"), "{name}");
        assert!(ran.err.contains(&format!("{} appeared", subject.display())), "{ran}");
    }
    world.verify();
    world.outside_sh(plant).good();
    assert!(world.at("work/.envrc").exists(), "unconfined it stays");
}

/// An attribute names a filter, and a hook is run. Whatever else is in a repository is for the end to judge.
#[test]
fn makes_hooks_that_were_missing() {
    let Some(world) = World::plain() else { return };
    world.outside_sh("git init -q . && rm -rf .git/hooks .git/info").good();
    let plant = "mkdir .git/hooks .git/info; echo evil >.git/hooks/post-checkout; \
                 echo '* filter=x' >.git/info/attributes; touch made";
    let session = start(&world, &format!("{plant}; {LOOKED}"));
    until("made", || world.at("work/made").exists());
    for name in ["hooks", "info/attributes"] {
        until(name, || !world.at("work/.git").join(name).exists());
    }
    world.write("work/looked", "");
    assert_eq!(end_of(session).code, Some(0));
}

/// The twin: what Git itself makes stays.
#[test]
fn makes_a_repository_meanwhile() {
    let Some(world) = World::plain() else { return };
    world.inside_sh("git init -q new && sleep 0.3 && git -C new status").good();
    assert!(world.at("work/new/.git/hooks").exists() && world.at("work/new/.git/config").exists());
}

#[test]
fn makes_a_protected_name_without_end() {
    let Some(world) = World::plain() else { return };
    let names = "i=0; while [ $i -lt 1000 ]; do : >.envrc.palisade-moved-$i; i=$((i+1)); done; : >.envrc.palisade-moved";
    let ran = world.inside_sh(&format!("{names}; while :; do : >.envrc; done"));
    assert_eq!(ran.code, Some(137), "{ran}");
    assert!(ran.err.contains("were made 100 times"), "{ran}");
    assert!(!world.at("work/.envrc").exists());
    world.verify();
}

/// The folder on the way is exchanged for a link to one that is not the agent's, again and again.
#[test]
fn swaps_a_watched_folder_for_a_link() {
    let Some(world) = World::plain() else { return };
    world.write("home/.config/git/config", "the operator's\n");
    let home = world.home();
    let script = format!(
        "i=0; while [ $i -lt 300 ]; do mkdir -p a/git; ln -sfn {} l; mv a .config 2>/dev/null; \
         mv -T --exchange .config l 2>/dev/null; rm -rf .config l a; i=$((i+1)); done",
        home.join(".config").display()
    );
    world.inside_sh(&script);
    assert_eq!(world.read("home/.config/git/config"), "the operator's\n");
    assert!(!world.home().join(".config/git.palisade-moved").exists());
}

/// Both sessions see it; one moves it, and neither takes that for a failure.
#[test]
fn makes_a_name_in_one_of_two_sessions() {
    let Some(world) = World::plain() else { return };
    let one = start(&world, &format!("touch first; {LOOKED}"));
    until("first", || world.at("work/first").exists());
    let two = start(
        &world,
        &format!("for i in 1 2 3 4 5; do : >.envrc; sleep 0.1; done; touch made; {LOOKED}"),
    );
    until("made", || world.at("work/made").exists());
    until("moved", || !world.at("work/.envrc").exists());
    world.write("work/looked", "");
    for session in [one, two] {
        let ran = end_of(session);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.err.contains("could not be moved"), "{ran}");
    }
}
