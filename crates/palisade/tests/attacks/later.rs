//! What appears while the session runs: protected names that the agent makes.

use std::{
    io::{Read, Write},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::world::{World, end_of, finish};

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

/// Reads a path until it is refused, and then for a while whether it stays so.
const READS: &str = "
import os, sys, time
def hidden():
    try:
        open(sys.argv[1]).read()
    except PermissionError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        pass
    return False
open('ready', 'w').close()
while len(sys.argv) > 2 and not os.path.exists(sys.argv[2]):
    time.sleep(0.002)
end = time.monotonic() + 30
while not hidden():
    if time.monotonic() > end:
        sys.exit('it stays readable')
    time.sleep(0.001)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    if not hidden():
        sys.exit('it was readable again')
print('hidden')
";

/// The host does `act` while the agent waits to read `path`.
fn hides(world: &World, path: &str, act: &str) {
    hides_after(world, path, act, &[]);
}

/// The agent begins to read when the host has done so, and has made the file `after`.
fn hides_after(world: &World, path: &str, act: &str, after: &[&str]) {
    std::fs::remove_file(world.at("work/ready")).unwrap_or_default();
    let mut argv = vec!["/usr/bin/python3", "-c", READS, path];
    argv.extend(after);
    let mut run = world.run(&argv);
    let session = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("ready", || world.at("work/ready").exists());
    world.outside_sh(act).good();
    let ran = end_of(session);
    assert_eq!(ran.good(), "hidden", "{path}: {act}");
}

const MAKE: &str = "echo TOKEN=hunter2 >";

#[test]
fn reads_what_the_host_denies_once_it_appears() {
    let Some(world) = World::plain() else { return };
    hides(&world, ".env", &format!("{MAKE} .env"));
    hides(&world, "new/deep/.env", &format!("mkdir -p new/deep && {MAKE} new/deep/.env"));
    let moved = format!("mkdir -p ../x/y && {MAKE} ../x/y/key.pem && mv ../x in");
    hides(&world, "in/y/key.pem", &moved);
    hides(&world, "a.pem", &format!("{MAKE} fresh && mv fresh a.pem"));
    let subject = world.at("work/new/deep/.env");
    assert!(world.why_denied(subject.to_str().unwrap()).contains("hidden"));
    world.verify();
    // The host's own files are what they were.
    assert_eq!(world.read("work/in/y/key.pem"), "TOKEN=hunter2\n");
}

/// As every editor saves: the file that was covered is no more, and another one has its name.
#[test]
fn reads_a_denied_file_that_the_host_replaces() {
    let Some(world) = World::plain() else { return };
    world.write("work/.env", "TOKEN=hunter1\n");
    world.write("work/app/.env", "TOKEN=hunter1\n");
    let replace = |path: &str| format!("{MAKE} fresh && mv fresh {path} && touch go");
    hides_after(&world, ".env", &replace(".env"), &["go"]);
    world.outside_sh("rm go").good();
    hides_after(&world, "app/.env", &replace("app/.env"), &["go"]);
    world.outside_sh("rm go").good();
    let again = format!("rm app/.env && {MAKE} app/.env && touch go");
    hides_after(&world, "app/.env", &again, &["go"]);
}

/// `git config` of the host does so, and the agent would say then what Git of the host runs.
#[test]
fn writes_a_protected_file_that_the_host_replaces() {
    let Some(world) = World::plain() else { return };
    world.outside_sh("git init -q .").good();
    world.write("work/.envrc", "as it was\n");
    let script = "
import sys, time
open('ready', 'w').close()
end = time.monotonic() + 30
while not open('.envrc').read().startswith('new') or 'x = y' not in open('.git/config').read():
    time.sleep(0.002)
for path in ['.envrc', '.git/config']:
    while True:
        try:
            open(path, 'a').close()
        except OSError:
            break
        if time.monotonic() > end:
            sys.exit('it can be written')
        time.sleep(0.002)
    try:
        open(path, 'a').write('evil')
        sys.exit('again')
    except OSError as error:
        print(error.strerror)
";
    let mut run = world.run(&["/usr/bin/python3", "-c", script]);
    let session = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("ready", || world.at("work/ready").exists());
    world.outside_sh("git config a.x y; echo new >x; mv x .envrc").good();
    let ran = end_of(session);
    assert_eq!(ran.good(), "Read-only file system\nRead-only file system");
    assert_eq!(world.read("work/.envrc"), "new\n");
    assert!(ran.err.contains("read-only inside again"), "{ran}");
    world.verify();
}

/// A name without wildcards, in a folder that is not there; and a folder.
#[test]
fn reads_what_the_policy_names_exactly() {
    let policy = "filesystem: {deny: [../work/secrets/deep/key, ../work/private]}";
    let Some(world) = World::new(policy) else { return };
    hides(&world, "secrets/deep/key", &format!("mkdir -p secrets/deep && {MAKE} secrets/deep/key"));
    let script = "touch ready; until [ -e private/key ]; do sleep 0.01; done; \
                  i=0; while [ -e private/key ] && [ $i -lt 3000 ]; do sleep 0.01; i=$((i+1)); done; ls private";
    std::fs::remove_file(world.at("work/ready")).unwrap();
    let session = start(&world, script);
    until("ready", || world.at("work/ready").exists());
    world.outside_sh(&format!("mkdir private; {MAKE} private/key")).good();
    // It may be covered before the agent has seen the key in it.
    sleep(Duration::from_millis(500));
    world.outside_sh("touch now").good();
    let mut session = session;
    if session.try_wait().unwrap().is_none() {
        session.kill().unwrap();
    }
    end_of(session);
    let inside = world.inside_sh("ls private");
    assert_eq!(inside.good(), "");
}

/// What it made itself is covered like any; it can neither be read nor be taken away.
#[test]
fn gives_a_file_of_its_own_a_denied_name() {
    let Some(world) = World::plain() else { return };
    let script = "mkdir d; echo mine >d/x; mv d/x d/.env; i=0; \
                  while cat d/.env >/dev/null 2>&1 && [ $i -lt 3000 ]; do sleep 0.01; i=$((i+1)); done; \
                  cat d/.env; mv d/.env d/y; rm -f d/.env; mv d e; cat e/.env; echo end";
    let ran = world.inside_sh(script);
    assert_eq!(ran.good(), "end");
    assert!(ran.err.contains("Permission denied") && ran.err.contains("busy"), "{ran}");
    assert_eq!(world.read("work/e/.env"), "mine\n");
}

/// The workspace is below an overlay: what the host makes there the agent sees when it looks for it first.
#[test]
fn reads_what_the_host_makes_below_an_overlay() {
    let policy = "filesystem: {workspace: {path: ../work, access: overlay}}";
    let Some(world) = World::new(policy) else { return };
    world.write("work/app/code", "code\n");
    let script = "echo up; read made; sleep 3; cat app/key.pem app/code; echo mine >y; mv y own.pem; sleep 3; cat own.pem";
    let mut run = world.run(&["/bin/sh", "-c", script]);
    let run = run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut session = run.spawn().unwrap();
    let mut up = [0_u8; 3];
    session.stdout.as_mut().unwrap().read_exact(&mut up).unwrap();
    world.outside_sh(&format!("{MAKE} app/fresh && mv app/fresh app/key.pem")).good();
    session.stdin.take().unwrap().write_all(b"made\n").unwrap();
    let ran = end_of(session);
    assert_eq!(ran.out, "code\n", "{ran}");
    assert_eq!(ran.err.matches("Permission denied").count(), 2, "{ran}");
}

#[test]
fn two_sessions_in_one_folder_hide_what_appears() {
    let Some(world) = World::plain() else { return };
    let session = || {
        let mut run = world.run(&["/usr/bin/python3", "-c", READS, "app/.env"]);
        let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until("ready", || world.at("work/ready").exists());
        std::fs::remove_file(world.at("work/ready")).unwrap();
        child
    };
    let both = [session(), session()];
    world.outside_sh(&format!("mkdir app; {MAKE} app/.env")).good();
    for session in both {
        assert_eq!(end_of(session).good(), "hidden");
    }
}

/// Each cover is a mount, of which the kernel has room for so many.
#[test]
fn makes_denied_names_without_end() {
    let Some(world) = World::plain() else { return };
    let program = "
import os, time
for number in range(6000):
    open(f'{number}.pem', 'w').close()
time.sleep(60)
";
    let ran = world.inside_python(program);
    assert_eq!(ran.code, Some(137), "{ran}");
    assert!(ran.err.contains("names that the policy denies appeared"), "{ran}");
    world.verify();
}

/// Init keeps what mounting takes, and nobody else has it.
#[test]
fn takes_the_capability_that_init_keeps() {
    let Some(world) = World::plain() else { return };
    let told = "grep -hE '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2 | sort -u; \
                umount .env; kill -9 1; cat /proc/1/environ /proc/1/maps; ls /proc/1/fd /proc/1/root; echo end";
    world.write("work/.env", "TOKEN=hunter2\n");
    let ran = world.inside_sh(told);
    assert_eq!(ran.good(), "0000000000000000\nend");
}

/// Who enters is forked by init, and leaves behind what that keeps.
#[test]
fn enters_with_the_capability_that_init_keeps() {
    let Some(world) = World::plain() else { return };
    let mut run = world.palisade();
    run.args(["run", "--name", "one", "--policy"]).arg(world.at("config/attack.yaml"));
    run.args(["--", "/bin/sh", "-c", &format!("touch up; {LOOKED}")]);
    let session = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("up", || world.at("work/up").exists());
    let told = "grep -hE '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2 | sort -u";
    let entered = finish(world.palisade().args(["exec", "one", "--", "/bin/sh", "-c", told]));
    assert_eq!(entered.good(), "0000000000000000");
    world.write("work/looked", "");
    assert_eq!(end_of(session).code, Some(0));
}

/// Prints how long what the host puts in the place of a denied file can be opened inside. For docs/security.md.
#[test]
#[ignore = "a measurement"]
fn how_long_a_denied_name_is_there() {
    const TRIES: usize = 500;
    const READS: &str = "
import os, time
seen, there = [], False
open('ready', 'w').close()
while not os.path.exists('stop'):
    try:
        os.close(os.open('.env', os.O_RDONLY))
        there = True
    except PermissionError:
        if there:
            seen.append(time.clock_gettime_ns(time.CLOCK_REALTIME))
        there = False
    except FileNotFoundError:
        pass
    time.sleep(0.0001)
print(*seen)
";
    let Some(world) = World::plain() else { return };
    world.write("work/.env", "TOKEN=hunter1\n");
    let mut run = world.run(&["/usr/bin/python3", "-c", READS]);
    let session = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("ready", || world.at("work/ready").exists());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let mut renamed = Vec::new();
    for _ in 0..TRIES {
        world.write("fresh", "TOKEN=hunter2\n");
        renamed.push(now());
        std::fs::rename(world.at("fresh"), world.at("work/.env")).unwrap();
        sleep(Duration::from_millis(20));
    }
    world.write("work/stop", "");
    let seen = end_of(session);
    let seen: Vec<u128> = seen.good().split(' ').map(|time| time.parse().unwrap()).collect();
    let mut windows: Vec<u128> = seen
        .iter()
        .map(|at| at - renamed.iter().rfind(|renamed| *renamed <= at).unwrap())
        .collect();
    windows.sort_unstable();
    let at = |share: usize| windows[(windows.len() - 1) * share / 100] / 1000;
    println!(
        "{} of {TRIES} seen: median {} us, p99 {} us, most {} us",
        windows.len(),
        at(50),
        at(99),
        at(100)
    );
}

/// Settings of the operator's name folders and files that are not there yet, and a protected link leads to one.
#[test]
fn makes_what_settings_and_links_lead_to() {
    let Some(world) = World::plain() else { return };
    world
        .outside_sh(
            "git init -q . && git config core.hooksPath hooks.d && git config include.path ../more.conf && \
             ln -s sub/envrc .envrc",
        )
        .good();
    let plant = "mkdir hooks.d sub && echo evil >hooks.d/pre-commit; echo evil >more.conf; echo evil >sub/envrc; touch made";
    let session = start(&world, &format!("{plant}; {LOOKED}"));
    until("made", || world.at("work/made").exists());
    for name in ["hooks.d", "more.conf", "sub/envrc"] {
        until(name, || !world.at("work").join(name).exists());
    }
    world.write("work/looked", "");
    let ran = end_of(session);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.err.contains("hooks.d appeared"), "{ran}");
    world.verify();
}

/// What editors, agents and other version control of the host run as soon as somebody is there.
#[test]
fn makes_what_other_tools_of_the_host_run() {
    const NAMES: [&str; 7] = [
        ".hg/hgrc",
        ".zed/tasks.json",
        ".helix/languages.toml",
        "opencode.json",
        ".kiro/settings/mcp.json",
        "mise.toml",
        ".config/systemd/user/x.service",
    ];
    let Some(world) = World::plain() else { return };
    let plant = "for it; do mkdir -p \"$(dirname $it)\"; echo evil >$it; done; touch made";
    let plant = format!("set -- {}; {plant}", NAMES.join(" "));
    let session = start(&world, &format!("{plant}; {LOOKED}"));
    until("made", || world.at("work/made").exists());
    for name in NAMES {
        until(name, || !world.at("work").join(name).exists());
    }
    world.write("work/looked", "");
    assert_eq!(end_of(session).code, Some(0));
}

/// Whoever is the operator's user inside takes the rights of the folder away, so that nothing in it can be renamed.
#[test]
fn takes_the_rights_of_the_folder_of_what_it_made() {
    let Some(world) = World::plain() else { return };
    let plant = "mkdir -p .config/git; (echo evil >.envrc; chmod 0555 .) && touch .config/git/config; chmod 0 .config";
    let session = start(&world, &format!("{plant}; sleep 2; chmod 0 .config; chmod 0555 ."));
    let ran = end_of(session);
    assert!(!ran.err.contains("could not be moved"), "{ran}");
    for name in [".envrc", ".config/git"] {
        assert!(world.at("work").join(name).symlink_metadata().is_err(), "{name}: {ran}");
    }
    world.verify();
    world.outside_sh("chmod 755 . .config").good();
}

/// A repository in folders that it has closed behind itself is found at the end all the same.
#[test]
fn closes_the_folders_round_a_repository() {
    let Some(world) = World::plain() else { return };
    let ran = world.inside_sh(
        "mkdir -p a/b && git init -q a/b/c && echo evil >a/b/c/.git/hooks/post-checkout; chmod 0 a/b; chmod 0 a",
    );
    assert!(ran.err.contains("hooks appeared") && !ran.err.contains("looked into"), "{ran}");
    assert!(!world.at("work/a/b/c/.git/hooks").exists());
}
