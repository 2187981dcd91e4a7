//! The policy's `deny` list, and ways round it.

use std::os::unix::fs::symlink;

use crate::world::World;

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
