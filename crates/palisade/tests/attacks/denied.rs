//! The policy's `deny` list, and ways round it.

use std::os::unix::fs::symlink;

use crate::world::{Ran, World};

const SECRET: &str = "TOKEN=hunter2\n";

/// A workspace with a secret that the profile denies (`**/.env`).
fn world(policy: &str) -> Option<World> {
    let world = World::new(policy)?;
    world.write("work/.env", SECRET);
    world.write("work/app/.env", SECRET);
    world.write("work/app/main.c", "int main() {}\n");
    Some(world)
}

/// The script prints the secret unconfined, and inside it does not.
fn keeps_the_secret(world: &World, script: &str) {
    let outside = world.outside_sh(script);
    assert!(outside.out.contains("hunter2"), "unconfined: {outside}");
    let inside = world.inside_sh(script);
    assert!(!inside.out.contains("hunter2"), "inside: {inside}");
    assert!(!inside.err.contains("hunter2"), "inside: {inside}");
}

#[test]
fn reads_a_denied_file() {
    let Some(world) = world("") else { return };
    keeps_the_secret(&world, "cat .env");
    keeps_the_secret(&world, "cat app/./.env app/../.env");
    keeps_the_secret(&world, "cat /proc/self/cwd/.env");
    keeps_the_secret(&world, "exec 3<app; cat /proc/self/fd/3/.env");
    keeps_the_secret(&world, "grep -r TOKEN .");
    let inside = world.inside_sh("cat .env; stat -c %s .env; cat app/main.c");
    assert_eq!(inside.out, "0\nint main() {}\n", "{inside}");
    assert!(inside.err.contains("Permission denied"), "{inside}");
}

#[test]
fn uncovers_a_denied_file() {
    let Some(world) = world("") else { return };
    for script in [
        "chmod 644 .env; cat .env",
        "mv .env x; cat x",
        "ln .env x; cat x",
        "ln -s .env x; cat x",
        "rm -f .env; cat .env",
        "mv app away; cat away/.env",
        "cp -r app copy; cat copy/.env",
        "tar cf - . | cat",
        "umount .env; cat .env",
    ] {
        let inside = world.inside_sh(script);
        assert!(!inside.out.contains("hunter2"), "{script}: {inside}");
        world.outside_sh("test ! -e away || mv away app; rm -rf x copy").good();
        assert_eq!(world.read("work/.env"), SECRET, "{script}");
        assert_eq!(world.read("work/app/.env"), SECRET, "{script}");
    }
    keeps_the_secret(&world, "ln -s .env x; cat x");
}

#[test]
fn writes_a_denied_file() {
    let Some(world) = world("") else { return };
    for script in ["echo x >.env", "echo x >>.env", "truncate -s 0 .env", "cp app/main.c .env"] {
        let inside = world.inside_sh(script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
        assert_eq!(world.read("work/.env"), SECRET, "{script}");
    }
}

#[test]
fn reads_a_denied_file_by_its_second_name() {
    let Some(world) = world("") else { return };
    world.outside_sh("ln .env app/settings && mkdir deep && ln app/.env deep/down").good();
    keeps_the_secret(&world, "cat app/settings");
    keeps_the_secret(&world, "cat deep/down");
}

/// The name that is denied is only a link. Where it leads has another name.
#[test]
fn reads_what_a_denied_link_leads_to() {
    let Some(world) = world("") else { return };
    world.write("work/secrets/production", SECRET);
    std::fs::remove_file(world.at("work/app/.env")).unwrap();
    symlink("../secrets/production", world.at("work/app/.env")).unwrap();
    keeps_the_secret(&world, "cat app/.env");
    keeps_the_secret(&world, "cat secrets/production");
}

#[test]
fn reads_in_a_folder_that_a_denied_link_leads_to() {
    let Some(world) = world("") else { return };
    world.write("work/secrets/production/token", SECRET);
    std::fs::remove_file(world.at("work/app/.env")).unwrap();
    symlink("../secrets/production", world.at("work/app/.env")).unwrap();
    keeps_the_secret(&world, "cat app/.env/token");
    keeps_the_secret(&world, "cat secrets/production/token");
}

/// A link that leads out of what is shown shows nothing, and hides nothing that is.
#[test]
fn denied_links_that_lead_nowhere_are_no_harm() {
    let Some(world) = world("") else { return };
    symlink("../home/notes.txt", world.at("work/id_rsa")).unwrap();
    symlink("missing", world.at("work/x.pem")).unwrap();
    symlink("y.pem", world.at("work/y.pem")).unwrap();
    let inside = world.inside_sh("cat id_rsa x.pem y.pem; cat app/main.c");
    assert_eq!(inside.out, "int main() {}\n", "{inside}");
}

#[test]
fn reads_in_a_denied_folder() {
    let policy = "filesystem: {deny: [../work/private]}";
    let Some(world) = world(policy) else { return };
    world.write("work/private/deep/key", SECRET);
    world.write("work/private-not/file", "public\n");
    keeps_the_secret(&world, "cat private/deep/key");
    keeps_the_secret(&world, "mv private p; cat p/deep/key; mv p private");
    world.outside_sh("test -e private || mv p private").good();
    let inside =
        world.inside_sh("ls private; cat private-not/file; echo x >private/fresh && echo made");
    assert_eq!(inside.out, "public\n", "{inside}");
    assert!(!world.at("work/private/fresh").exists());
}

/// The path that the policy writes leads through a link.
#[test]
fn reads_a_denied_file_by_its_real_path() {
    let policy = "filesystem: {deny: [../work/current/key]}";
    let Some(world) = world(policy) else { return };
    world.write("work/v2/key", SECRET);
    world.write("work/v2/code", "code\n");
    symlink("v2", world.at("work/current")).unwrap();
    keeps_the_secret(&world, "cat current/key");
    keeps_the_secret(&world, "cat v2/key");
    assert_eq!(world.inside_sh("cat current/code").good(), "code");
}

#[test]
fn reads_a_denied_file_outside_of_the_workspace() {
    let policy = "filesystem: {read: [../shared], deny: [../shared/b/*.key]}";
    let Some(world) = world(policy) else { return };
    world.write("shared/b/host.key", SECRET);
    world.write("shared/a.key", "not denied\n");
    world.write("shared/deep/.env", SECRET);
    keeps_the_secret(&world, "cat ../shared/b/host.key");
    keeps_the_secret(&world, "cat ../shared/deep/.env");
    assert_eq!(world.inside_sh("cat ../shared/a.key").good(), "not denied");
}

/// One session shuts the folder, so that the next launch cannot look into it, and that session opens it.
#[test]
fn shuts_the_folder_of_a_denied_file() {
    let Some(world) = world("filesystem: {deny: [../work/exact/key]}") else { return };
    world.write("work/exact/key", SECRET);
    world.write("work/open/file", "text\n");
    world.inside_sh("chmod 0 app exact").good();
    let again = "chmod 755 app exact; cat app/.env exact/key";
    let inside = world.inside_sh(again);
    assert!(!inside.out.contains("hunter2"), "{inside}");
    assert_eq!(world.inside_sh("cat open/file").good(), "text");
    world.outside_sh("chmod 0 app exact").good();
    keeps_the_secret(&world, again);
}

/// Names that are odd, and match all the same.
#[test]
fn hides_a_denied_file_behind_an_odd_name() {
    let Some(world) = world("") else { return };
    for folder in ["a b", "-rf", "new\nline", "ünï", "*", "[x]", "..."] {
        let path = format!("work/{folder}/.env");
        world.write(&path, SECRET);
        let read = format!("import sys; print(open({:?}).read())", format!("{folder}/.env"));
        assert!(world.outside_python(&read).good().contains("hunter2"), "{folder:?}");
        let inside = world.inside_python(&read);
        assert!(inside.err.contains("PermissionError"), "{folder:?}: {inside}");
    }
    let bytes = "import os; os.makedirs(b'\\xff', exist_ok=True); \
                 open(b'\\xff/.env', 'a').write('TOKEN=hunter2')";
    world.outside_python(bytes).good();
    let inside = world.inside_python("print(open(b'\\xff/.env').read())");
    assert!(inside.err.contains("PermissionError"), "{inside}");
}

/// The state of Palisade, and what the operator configures, although a grant holds both.
#[test]
fn reads_and_changes_palisades_own_files() {
    let Some(world) = world("filesystem: {write: [../]}") else { return };
    world.inside_sh("true").good();
    keeps_own(&world, "find ../state -type f | head -n 1", "state");
    keeps_own(&world, "cat ../config/attack.yaml", "extends");
    for script in ["echo x >../config/policy.yaml", "rm -r ../state", "mv ../config ../x"] {
        let inside = world.inside_sh(script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
    }
    assert!(!world.at("config/policy.yaml").exists());
    world.verify();
}

fn keeps_own(world: &World, script: &str, told: &str) {
    let outside = world.outside_sh(script);
    assert!(outside.out.contains(told), "{outside}");
    let inside = world.inside_sh(script);
    assert!(!inside.out.contains(told), "{inside}");
}

/// `swap(A, B)` exchanges two names, as renameat2(2) does.
const SWAP: &str = "import ctypes, os, sys\n\
libc = ctypes.CDLL(None, use_errno=True)\n\
def swap(a, b):\n\
    \x20if libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), 2):\n\
        \x20\x20raise OSError(ctypes.get_errno(), 'swap')\n";

/// What one session does to the names so that the next misses what the policy denies. Unconfined it
/// succeeds, and a session after that prints the secret; done inside it fails, and both sessions keep it.
fn next_session_keeps(fresh: impl Fn() -> Option<World>, attacks: &[&str]) {
    // Each file by itself: what is not shown is an error, and the rest is read all the same.
    let look = "grep -rs hunter2 . ; find . -type l -exec cat {} + 2>/dev/null; true";
    for attack in attacks {
        let attack = attack.replace("swap ", "/usr/bin/python3 swap.py ");
        let Some(world) = fresh() else { return };
        world.write("work/swap.py", &format!("{SWAP}swap(*sys.argv[1:])\n"));
        assert!(world.outside_sh(look).out.contains("hunter2"), "{attack}");
        let session = world.inside_sh(&format!("{look}; {attack}"));
        assert_ne!(session.code, Some(0), "{attack}: {session}");
        assert!(!session.out.contains("hunter2"), "{attack}: {session}");
        let next = world.inside_sh(look);
        assert!(!next.good().contains("hunter2"), "{attack}: {next}");

        let Some(world) = fresh() else { return };
        world.write("work/swap.py", &format!("{SWAP}swap(*sys.argv[1:])\n"));
        let unconfined = world.outside_sh(&attack);
        assert_eq!(unconfined.code, Some(0), "{attack}: {unconfined}");
        let next = world.inside_sh(look);
        assert!(next.out.contains("hunter2"), "the attack is none: {attack}: {next}");
    }
}

const IN_OVERLAY: &str = "workspace: {access: overlay}, ";

/// A folder on each level, in a workspace that may be written and in an overlay.
#[test]
fn moves_a_folder_above_a_denied_file_for_the_next_session() {
    let fresh = || {
        let world = World::new("filesystem: {deny: [../work/a/b/key]}")?;
        world.write("work/a/b/key", SECRET);
        world.write("work/n/b/key", "public\n");
        Some(world)
    };
    next_session_keeps(
        fresh,
        &[
            "mv a x",
            "mv a/b a/x",
            "mv a/b x",
            "mv a/b/key a/b/x",
            "mv a/b/key x",
            "ln a/b/key x && rm a/b/key",
            "mv a x && mkdir -p a/b && echo public >a/b/key",
            "mv a x && ln -s n a",
            "mv a/b x && ln -s ../n/b a/b",
            "mv a/b/key x && ln -s ../../n/b/key a/b/key",
            "cp -a a x && rm -rf a && mkdir -p a/b && echo public >a/b/key",
            "swap a n",
            "swap a/b n/b",
            "swap a/b/key n/b/key",
        ],
    );
}

/// What one session changes in an overlay the operator may take over. Nothing of the host's moves, and what
/// is in the overlay is not the secret.
#[test]
fn moves_a_folder_above_a_denied_file_in_an_overlay() {
    let fresh = || {
        let policy =
            format!("filesystem: {{{IN_OVERLAY}deny: [../work/a/b/key, ../work/current/key]}}");
        let world = World::new(&policy)?;
        world.write("work/a/b/key", SECRET);
        world.write("work/n/b/key", "public\n");
        world.write("work/v2/key", SECRET);
        symlink("v2", world.at("work/current")).unwrap();
        Some(world)
    };
    for attack in [
        "mv a x",
        "mv a/b x",
        "mv a/b/key x",
        "mv a x && ln -s n a",
        "rm -rf a && ln -s n a",
        "rm current && ln -s n/b current",
        "mv current x",
        "mv v2 v3",
        "ln -sfn n/b current",
    ] {
        let Some(world) = fresh() else { return };
        let look = "cat */key */*/key */*/*/key x 2>/dev/null; ";
        let session = world.inside_sh(&format!("{look} {attack}"));
        assert_ne!(session.code, Some(0), "{attack}: {session}");
        let session = world.inside_sh(&format!("({attack}); {look}"));
        assert!(!session.out.contains("hunter2"), "{attack}: {session}");
        assert_eq!(world.read("work/a/b/key"), SECRET, "{attack}");
        assert_eq!(world.read("work/current/key"), SECRET, "{attack}");
        let unconfined = world.outside_sh(&format!("({attack}) && {look}"));
        assert!(unconfined.out.contains("hunter2"), "{attack}: {unconfined}");
    }
}

/// The policy's path leads through links, or is one.
#[test]
fn replaces_a_link_to_a_denied_file_for_the_next_session() {
    let fresh = || {
        let world = World::new("filesystem: {deny: [../work/current/key, ../work/leaf]}")?;
        world.write("work/v2/key", SECRET);
        world.write("work/v3/key", "public\n");
        world.write("work/deep/er/leaf", SECRET);
        std::fs::create_dir(world.at("work/side")).unwrap();
        symlink("latest", world.at("work/current")).unwrap();
        symlink("v2", world.at("work/latest")).unwrap();
        symlink("side/../deep/er/leaf", world.at("work/leaf")).unwrap();
        Some(world)
    };
    next_session_keeps(
        fresh,
        &[
            "rm current",
            "ln -sfn v3 current",
            "ln -sfn v3 latest",
            "mv latest x",
            "ln -s v3 x && mv -T x current",
            "mv v2 v4",
            "mv v2/key v2/x",
            "rm leaf",
            "ln -sf v3/key leaf",
            "mkdir x && mv leaf x",
            "mv deep x",
            "mv deep/er deep/x",
            "rmdir side",
            "mv side x",
            "ln -s v3 x && swap x current",
        ],
    );
}

/// A name that a glob denies is a link, and what it leads to has another name.
#[test]
fn replaces_a_denied_link_for_the_next_session() {
    let fresh = || {
        let world = World::plain()?;
        world.write("work/secrets/v2/production", SECRET);
        world.write("work/app/main.c", "int main() {}\n");
        symlink("v2", world.at("work/secrets/current")).unwrap();
        symlink("../secrets/current/production", world.at("work/app/.env")).unwrap();
        Some(world)
    };
    next_session_keeps(
        fresh,
        &[
            "rm app/.env",
            "mv app/.env app/x",
            "ln -sf main.c app/.env",
            "mkdir x && mv app x",
            "mv secrets x",
            "mv secrets/v2 secrets/v3",
            "ln -sfn /tmp secrets/current",
            "mv secrets/v2/production secrets/v2/x",
        ],
    );
}

/// Where a folder's name is part of the glob, that name stays.
#[test]
fn moves_a_folder_that_a_glob_names() {
    let fresh = || {
        let policy = "filesystem: {deny: [../work/conf/**/secrets/*.key, ../work/current/*.token]}";
        let world = World::new(policy)?;
        world.write("work/conf/one/secrets/a.key", SECRET);
        world.write("work/conf/a b/deep/secrets/a.key", SECRET);
        world.write("work/v2/a.token", SECRET);
        symlink("v2", world.at("work/current")).unwrap();
        let odd = "import os; os.makedirs(b'conf/\\xff\\n/secrets'); \
                   open(b'conf/\\xff\\n/secrets/-.key', 'w').write('TOKEN=hunter2')";
        world.outside_python(odd).good();
        Some(world)
    };
    next_session_keeps(
        fresh,
        &[
            "mv conf x",
            "mv conf/one/secrets conf/one/x",
            "mv conf/one x",
            "mv 'conf/a b/deep/secrets' x",
            "mv conf/*/secrets/-.key x",
            "/usr/bin/python3 -c 'import os; os.rename(b\"conf/\\xff\\n/secrets\", b\"x\")'",
            "/usr/bin/python3 -c 'import os; os.rename(b\"conf/\\xff\\n\", b\"x\")'",
            "mv v2 v3",
            "rm current",
            "ln -sfn conf current",
        ],
    );
}

/// Where the last name alone decides, the folders are the agent's to move: the next session finds it there.
#[test]
fn moves_folders_of_what_is_denied_in_any_place() {
    let Some(world) = world("filesystem: {deny: ['../work/**/*.key']}") else { return };
    world.write("work/app/deep/host.key", SECRET);
    let moved = world.inside_sh("mv app/deep app/deeper && mkdir n && mv app n/x && echo moved");
    assert_eq!(moved.good(), "moved");
    keeps_the_secret(&world, "cat n/x/.env");
    keeps_the_secret(&world, "cat n/x/deeper/host.key");
    let bytes = "import os; os.rename('n', b'\\xff*[x]\\n')";
    world.inside_python(bytes).good();
    keeps_the_secret(&world, "grep -r TOKEN .");
}

/// A folder that may be listed and not entered tells the names in it, and no more.
#[test]
fn closes_the_folder_of_a_denied_file_half() {
    for mode in ["644", "311"] {
        let Some(world) = world("") else { return };
        world.write("work/linked/to", "");
        world.outside_sh("ln -f .env linked/to").good();
        world.inside_sh(&format!("chmod {mode} app linked")).good();
        let again = "chmod 755 app linked; cat app/.env linked/to";
        let inside = world.inside_sh(again);
        assert!(!inside.out.contains("hunter2"), "{mode}: {inside}");
        assert!(world.outside_sh(again).out.contains("hunter2"));
    }
}

/// A program of the host exchanges two denied files all the time, so that a cover that was put over a
/// name would now and then be put over one of them twice, and never over the other.
#[test]
fn exchanges_denied_files_while_sessions_start() {
    let Some(world) = World::plain() else { return };
    world.write("work/a.pem", SECRET);
    world.write("work/z.pem", SECRET);
    // Something to do between the two.
    (0..200).for_each(|number| world.write(format!("work/m{number}.pem"), "public\n"));
    starts_while_exchanged(&world, "a.pem", "z.pem", ["a.pem", "z.pem"]);
}

/// The same with the folders above them.
#[test]
fn exchanges_folders_of_denied_files_while_sessions_start() {
    let Some(world) = World::new("filesystem: {deny: [../work/a/key, ../work/z/key]}") else {
        return;
    };
    world.write("work/a/key", SECRET);
    world.write("work/z/key", SECRET);
    (0..200).for_each(|number| world.write(format!("work/m/{number}.pem"), "public\n"));
    starts_while_exchanged(&world, "a", "z", ["a/key", "z/key"]);
}

/// The same below an overlay, whose numbers of files are its own.
#[test]
fn exchanges_denied_files_below_an_overlay_while_sessions_start() {
    let policy = format!("filesystem: {{{IN_OVERLAY}deny: [../work/a/key, ../work/z/key]}}");
    let Some(world) = World::new(&policy) else { return };
    for path in ["a.pem", "z.pem", "a/key", "z/key"] {
        world.write(format!("work/{path}"), SECRET);
    }
    (0..200).for_each(|number| world.write(format!("work/m/{number}.pem"), "public\n"));
    starts_while_exchanged(&world, "a.pem", "z.pem", ["a.pem", "z.pem"]);
    starts_while_exchanged(&world, "a", "z", ["a/key", "z/key"]);
}

/// Whenever a session starts, it reads neither; where it would, it does not start.
fn starts_while_exchanged(world: &World, one: &str, other: &str, read: [&str; 2]) {
    let reader = format!(
        "for _ in range(300):\n for name in {read:?}:\n  try: print(open(name).read())\n  except OSError: pass\n"
    );
    let unconfined = world.outside_python(&reader);
    assert!(unconfined.good().contains("hunter2"), "{unconfined}");
    let exchange = format!(
        "{SWAP}import random, time\n\
         while True:\n swap('{one}', '{other}')\n time.sleep(random.random() * 0.004)\n"
    );
    let mut host = std::process::Command::new("/usr/bin/python3")
        .args(["-c", &exchange])
        .current_dir(world.workspace())
        .spawn()
        .unwrap();
    let all: Vec<Ran> = (0..20).map(|_| world.inside_python(&reader)).collect();
    host.kill().unwrap();
    host.wait().unwrap();
    for ran in &all {
        assert!(!ran.out.contains("hunter2"), "{ran}");
        let refused = ran.err.contains("it was exchanged for another file since it was checked");
        assert!(ran.code == Some(0) || (ran.code == Some(125) && refused), "{ran}");
    }
    let quiet = world.inside_python(&reader);
    assert_eq!(quiet.good(), "", "{quiet}");
}

/// A rule for tool calls that refuses to read a file hides it from whatever an agent runs.
#[test]
fn reads_a_file_that_a_permission_rule_refuses() {
    let policy = "permissions: {deny: [\"Read(notes.txt)\", \"Read(./vault/**)\", \"Read(~/diary)\", \"Read(**/safe/key)\"]}\n\
                  filesystem: {read: [~/diary]}";
    let Some(world) = world(policy) else { return };
    for file in [
        "work/notes.txt",
        "work/app/notes.txt",
        "work/vault/deep/key",
        "work/app/safe/key",
        "home/diary",
    ] {
        world.write(file, SECRET);
    }
    keeps_the_secret(&world, "cat notes.txt app/notes.txt");
    keeps_the_secret(&world, "cat n*.txt; head -1 < app/notes.txt");
    keeps_the_secret(&world, "cp app/notes.txt x; cat x; rm x");
    keeps_the_secret(&world, "grep -rh TOKEN app vault");
    keeps_the_secret(&world, "cat vault/deep/key");
    keeps_the_secret(&world, "cat app/safe/key");
    keeps_the_secret(&world, "cat ~/diary");
}
