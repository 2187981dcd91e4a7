//! Repositories that the agent makes, completes or points at: Git of the host runs nothing of theirs.

use crate::{
    tools,
    world::{Ran, World, end_of},
};

fn world(policy: &str) -> Option<World> {
    let world = World::new(policy)?;
    if !tools::have(&["git"]) {
        return None;
    }
    git(&world, "init -q -b main").good();
    world.write("work/readme", "text\n");
    git(&world, "add readme").good();
    git(&world, "commit -qm first").good();
    Some(world)
}

const AS_OPERATOR: &str =
    "git -c user.name=o -c user.email=o@example.org -c protocol.file.allow=always";

fn git(world: &World, arguments: &str) -> Ran {
    world.outside_sh(&format!("{AS_OPERATOR} {arguments}"))
}

/// Inside, what leaves in `FOLDER` a repository that runs a program at each `git status`.
fn evil(folder: &str) -> String {
    format!(
        "mkdir -p {folder}/objects {folder}/refs && echo 'ref: refs/heads/main' >{folder}/HEAD && \
         printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = \"%s\"\\n\
         \\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" \"$PWD\" >{folder}/config"
    )
}

/// What somebody does in the folder when the agent has gone.
const VISIT: &str = "git status; git log; git branch; git diff; git fetch; git stash list";

/// The attack, then a visit of the folders: inside nothing of the agent's is run, unconfined it is.
fn runs_nothing(make: impl Fn() -> Option<World>, attack: &str, folders: &[&str]) -> Option<World> {
    let visit = |world: &World| {
        for folder in folders {
            world.outside_sh(&format!("cd \"{folder}\" && {{ {VISIT}; }} >/dev/null 2>&1; true"));
        }
        world.at("work/ran").exists()
    };
    let world = make()?;
    world.inside_sh(attack);
    assert!(!visit(&world), "the host's git ran the agent's program: {attack}");
    let unconfined = make()?;
    unconfined.outside_sh(attack);
    assert!(visit(&unconfined), "unconfined the attack works: {attack}");
    Some(world)
}

fn plain() -> Option<World> {
    world("")
}

/// Git takes a folder for a repository that looks like one, whatever its name is.
#[test]
fn plants_a_bare_repository_in_a_plain_folder() {
    let Some(world) = runs_nothing(plain, &evil("docs"), &["docs"]) else { return };
    assert!(world.at("work/docs/config.palisade-moved").exists());
    let events = world.events();
    let moved = events.iter().find(|event| event["kind"] == "sweep").unwrap();
    assert!(moved["subject"].as_str().unwrap().ends_with("/docs/config"), "{moved}");
}

/// One that another session began and this one completes.
#[test]
fn completes_a_repository_that_was_harmless() {
    let begun = || {
        let world = plain()?;
        world
            .outside_sh("git init -q --template= lib && git init -q --bare --template= bare")
            .good();
        Some(world)
    };
    let hook = "mkdir lib/.git/hooks && printf '#!/bin/sh\\ntouch ../ran\\n' \
                >lib/.git/hooks/reference-transaction && chmod 755 lib/.git/hooks/*";
    let Some(world) = begun() else { return };
    let visit = format!("cd lib && {AS_OPERATOR} commit -q --allow-empty -m x");
    world.inside_sh(hook);
    world.outside_sh(&visit).good();
    assert!(!world.at("work/ran").exists());
    let Some(world) = begun() else { return };
    world.outside_sh(hook).good();
    world.outside_sh(&visit).good();
    assert!(world.at("work/ran").exists(), "unconfined the attack works");

    let worktree = "git -C lib config extensions.worktreeConfig true 2>/dev/null; \
                    printf '[core]\\n\\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" >>lib/.git/config.worktree";
    let made = || {
        let world = begun()?;
        world.outside_sh("git -C lib config extensions.worktreeConfig true").good();
        Some(world)
    };
    runs_nothing(made, worktree, &["lib"]);
    let bare = "printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = ..\\n\\tfsmonitor = \"touch %s/ran\"\\n' \
                \"$PWD\" >bare/config";
    runs_nothing(begun, bare, &["bare"]);
}

/// Git reads the settings in the folder that `commondir` names.
#[test]
fn points_at_settings_elsewhere() {
    let common = format!(
        "{} && rm stash/HEAD && mkdir -p docs/.git && echo 'ref: refs/heads/main' >docs/.git/HEAD && \
         echo ../../stash >docs/.git/commondir",
        evil("stash")
    );
    runs_nothing(plain, &common, &["docs"]);
    for pointer in [
        "mkdir docs && echo 'gitdir: ../stash' >docs/.git",
        "mkdir docs && ln -s ../stash docs/.git",
        "mkdir docs && ln -s ../stash docs/x && ln -s x docs/.git",
    ] {
        runs_nothing(plain, &format!("{}; {pointer}", evil("stash")), &["docs"]);
    }
    let include = "git init -q docs && printf '[include]\\n\\tpath = ../../x\\n' >>docs/.git/config && \
                   printf '[core]\\n\\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" >x";
    runs_nothing(plain, include, &["docs"]);
    let worktree = "git init -q docs && git -C docs -c user.name=a -c user.email=a@example.org \
                    commit -q --allow-empty -m x; git -C docs worktree add -q ../tree; \
                    printf '[core]\\n\\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" >stash; \
                    git -C docs config extensions.worktreeConfig true; \
                    cp stash docs/.git/worktrees/tree/config.worktree";
    runs_nothing(plain, worktree, &["tree"]);
}

/// Names that are no text, and paths that are longer than a path may be.
#[test]
fn plants_repositories_at_odd_places() {
    let odd = "d=\"$(printf 'new\\nline\\377 -x')\"; mkdir -p \"$d\"; git init -q stash; \
               printf '[core]\\n\\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" >>stash/.git/config; \
               mv stash/.git \"$d/.git\"; ln -s \"$d\" odd";
    runs_nothing(plain, odd, &["odd"]);
    let Some(world) = plain() else { return };
    let deep = "
import os
for _ in range(25):
    os.mkdir('n' * 200)
    os.chdir('n' * 200)
os.makedirs('.git/objects'), os.makedirs('.git/refs')
open('.git/HEAD', 'w').write('ref: refs/heads/main')
open('.git/config', 'w').write('[core]\\n\\tfsmonitor = touch ran\\n')";
    world.inside_python(deep).good();
    let look = "
import os
for _ in range(25):
    os.chdir('n' * 200)
print(sorted(os.listdir('.git')))";
    let left = world.outside_python(look);
    assert_eq!(left.good(), "['HEAD', 'config.palisade-moved', 'objects', 'refs']");
}

/// A folder that nobody may look into hides what is in it.
#[test]
fn shuts_the_folder_of_a_planted_repository() {
    let Some(world) = plain() else { return };
    let inside = world.inside_sh(&format!("{} && chmod 0 docs", evil("docs")));
    assert_eq!(inside.code, Some(0), "{inside}");
    let told = inside.err.contains("docs could not be looked into")
        || inside.err.contains("docs/config appeared");
    assert!(told, "{inside}");
    assert!(world.events().iter().any(|event| event["kind"] == "sweep"));
}

/// `core.worktree` says which files `git clean` removes.
#[test]
fn has_git_clean_remove_other_files() {
    let attack = "git init -q docs && git -C docs config core.worktree ../../../home";
    let clean = "cd docs && git clean -fdxq; true";
    let Some(world) = plain() else { return };
    world.inside_sh(attack);
    world.outside_sh(clean).good();
    assert!(world.at("home/notes.txt").exists());
    let Some(world) = plain() else { return };
    world.outside_sh(attack).good();
    world.outside_sh(clean).good();
    assert!(!world.at("home/notes.txt").exists(), "unconfined the attack works");
}

/// The policy lets the agent write to a repository elsewhere.
/// Hooks and settings where a submodule's git directory will be, which is no repository yet.
#[test]
fn plants_hooks_for_a_submodule_to_come() {
    let plant = "mkdir -p .git/modules/libs/one/hooks && echo evil >.git/modules/libs/one/hooks/post-checkout && \
                 printf '[core]\\n\\tfsmonitor = ./evil\\n' >.git/modules/libs/one/config";
    let planted = |world: &World| {
        let at = world.at("work/.git/modules/libs/one");
        at.join("hooks/post-checkout").exists() || at.join("config").exists()
    };
    let Some(world) = world("") else { return };
    world.inside_sh(plant).good();
    assert!(!planted(&world));
    world.outside_sh(plant).good();
    assert!(planted(&world), "unconfined it works");
    // The next session cannot change what is there.
    let inside = world.inside_sh("echo worse >>.git/modules/libs/one/hooks/post-checkout");
    assert_ne!(inside.code, Some(0), "{inside}");
}

/// A submodule may be called like what Git believes.
#[test]
fn submodules_with_odd_names_stay() {
    let Some(world) = world("") else { return };
    let make = format!(
        "git init -q ../lib && {AS_OPERATOR} -C ../lib commit -q --allow-empty -m x && \
         for name in hooks config libs/hooks; do {AS_OPERATOR} submodule --quiet add ../lib $name; done"
    );
    world.outside_sh(&make).good();
    world.inside_sh("git status && git -C hooks status && git -C libs/hooks log").good();
    git(&world, "submodule status").good();
    assert!(world.at("work/.git/modules/hooks/HEAD").exists());
    assert!(world.at("work/.git/modules/libs/hooks/HEAD").exists());
}

#[test]
fn plants_hooks_in_a_git_directory_that_is_granted() {
    let make = || {
        let world = World::new("filesystem: {write: [../other/.git]}")?;
        if !tools::have(&["git"]) {
            return None;
        }
        world.outside_sh("git init -q --template= ../other").good();
        Some(world)
    };
    let other = |world: &World| world.at("other").display().to_string();
    let attack = |world: &World| {
        format!(
            "mkdir {0}/.git/hooks && printf '#!/bin/sh\\ntouch ran\\n' \
             >{0}/.git/hooks/reference-transaction && chmod 755 {0}/.git/hooks/*",
            other(world)
        )
    };
    let visit = |world: &World| {
        let commit = format!("cd {} && {AS_OPERATOR} commit -q --allow-empty -m x", other(world));
        world.outside_sh(&commit).good();
        world.at("other/ran").exists() || world.at("other/.git/ran").exists()
    };
    let Some(world) = make() else { return };
    // They may be gone before they can be executed.
    let inside = world.inside_sh(&attack(&world));
    assert!(inside.err.contains("appeared and is now"), "{inside}");
    assert!(!visit(&world));
    let Some(world) = make() else { return };
    world.outside_sh(&attack(&world)).good();
    assert!(visit(&world), "unconfined the attack works");
}

/// A submodule may be called as Git calls folders of its own.
#[test]
fn changes_the_settings_of_a_submodule_with_an_odd_name() {
    let Some(world) = plain() else { return };
    git(&world, "init -q ../library").good();
    git(&world, "-C ../library commit -q --allow-empty -m first").good();
    git(&world, "submodule --quiet add --name objects ../library lib").good();
    git(&world, "submodule --quiet add --name a/b/c/d/e/f/g/h/i/j/k ../library deep").good();
    for name in ["objects", "a/b/c/d/e/f/g/h/i/j/k"] {
        let config = format!("work/.git/modules/{name}/config");
        let before = world.read(&config);
        let script = format!("echo '[core] pager = x' >>.git/modules/{name}/config");
        let inside = world.inside_sh(&script);
        assert_ne!(inside.code, Some(0), "{inside}");
        assert_eq!(world.read(&config), before);
        world.outside_sh(&script).good();
    }
}

/// The twin: what Git makes when it is used as it is meant is there afterwards, and works.
#[test]
fn uses_git_as_it_is_meant() {
    let Some(world) = plain() else { return };
    git(&world, "init -q -b main library").good();
    git(&world, "-C library commit -q --allow-empty -m library").good();
    // Lies beside `HEAD` in a clone, and is no settings.
    git(&world, "-C library branch config").good();
    let inside = world.inside_sh(
        "set -e; export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=a \
         GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=a@example.org \
         GIT_CONFIG_KEY_2=protocol.file.allow GIT_CONFIG_VALUE_2=always
         git init -q -b main made && git -C made commit -q --allow-empty -m made
         git clone -q library cloned && git clone -q --bare library bare.git
         git -C made worktree add -q ../tree
         git -C cloned submodule --quiet add \"$PWD/library\" libs/one
         git -C cloned commit -qm submodule
         git -C cloned sparse-checkout set libs
         git -C cloned branch -q other && git -C cloned gc -q",
    );
    assert_eq!((inside.good(), inside.err.as_str()), ("", ""), "{inside}");
    for (folder, subject) in [
        ("made", "made"),
        ("tree", "made"),
        ("cloned", "submodule"),
        ("cloned/libs/one", "library"),
        ("bare.git", "library"),
    ] {
        let log = git(&world, &format!("-C {folder} log --format=%s -1"));
        assert_eq!(log.good(), subject, "{folder}");
    }
    git(&world, "-C cloned submodule update").good();
    git(&world, "-C cloned fetch -q").good();
    git(&world, "-C tree status").good();
    let left = world.outside_sh("find . -name '*.palisade-moved*'");
    assert_eq!(left.good(), "");
    world.verify();
}

/// In a folder that was no repository, at the top.
#[test]
fn makes_a_repository_of_the_workspace() {
    let Some(world) = World::plain() else { return };
    if !tools::have(&["git"]) {
        return;
    }
    git(&world, "init -q ../library").good();
    git(&world, "-C ../library commit -q --allow-empty -m library").good();
    git(&world, "clone -q --bare ../library library").good();
    let inside = world.inside_sh(
        "git init -q . && git -c protocol.file.allow=always submodule --quiet add ./library lib",
    );
    assert_eq!((inside.good(), inside.err.as_str()), ("", ""), "{inside}");
    git(&world, "submodule status").good();
    git(&world, "commit -qm submodule").good();
    assert_eq!(world.outside_sh("find . -name '*.palisade-moved*'").good(), "");
    let inside = world.inside_sh("true");
    assert_eq!(inside.err, "", "{inside}");
}

/// Its `.gitmodules` may name a command.
#[test]
fn plants_settings_of_submodules() {
    let Some(world) = plain() else { return };
    world
        .inside_sh("printf '[submodule \"a\"]\\n\\tpath = a\\n\\tupdate = !id\\n' >.gitmodules")
        .good();
    assert!(!world.at("work/.gitmodules").exists());
    assert!(world.read("work/.gitmodules.palisade-moved").contains("update = !id"));
}

/// A protection over a single file goes when a program of the host puts another in its place, until that is seen
/// (`later::writes_a_protected_file_that_the_host_replaces`). It is told, whether the agent was quick enough or not.
#[test]
fn writes_to_settings_that_the_host_exchanged() {
    let Some(world) = plain() else { return };
    let script = "touch up; while [ ! -e go ]; do sleep 0.02; done; \
                  printf '[core]\\n\\tpager = x\\n' >>.git/config; exit 0";
    let mut command = world.run(&["/bin/sh", "-c", script]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !world.at("work/up").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    git(&world, "config user.name other").good();
    world.write("work/go", "");
    let ran = end_of(child);
    assert!(ran.err.contains(".git/config is another file than before"), "{ran}");
    let told = world.events().into_iter().find(|event| event["kind"] == "sweep").unwrap();
    assert!(told["subject"].as_str().unwrap().ends_with("/.git/config"));
    // Without an exchange there is nothing to tell.
    let quiet = world.inside_sh("true");
    assert_eq!(quiet.err, "", "{quiet}");
}
