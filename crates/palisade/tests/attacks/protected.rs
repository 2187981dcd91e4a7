//! What the host runs or believes later, in a workspace that may be written.

use std::os::unix::fs::symlink;

use crate::{
    tools,
    world::{self, Ran, World},
};

/// A workspace of a repository, with what programs of the host read in it.
fn world() -> Option<World> {
    let world = World::plain()?;
    if !tools::have(&["git"]) {
        return None;
    }
    git(&world, ". init -q -b main");
    world.write("work/readme", "text\n");
    git(&world, ". add readme");
    git(&world, ". commit -qm first");
    for path in FILES {
        world.write(format!("work/{path}"), "as it was\n");
    }
    for path in FOLDERS {
        world.write(format!("work/{path}/file"), "as it was\n");
    }
    Some(world)
}

const FILES: [&str; 12] = [
    ".envrc",
    ".mcp.json",
    ".gitmodules",
    "palisade.yaml",
    ".bashrc",
    ".profile",
    ".zshrc",
    ".inputrc",
    ".gitconfig",
    ".aider.conf.yml",
    ".git/info/attributes",
    ".git/config.worktree",
];
const FOLDERS: [&str; 9] = [
    ".vscode",
    ".claude",
    ".codex",
    ".cursor",
    ".idea",
    ".devcontainer",
    ".husky",
    ".gemini",
    ".git/hooks",
];

fn git(world: &World, arguments: &str) -> Ran {
    let ran = world.outside_sh(&format!(
        "git -c user.name=o -c user.email=o@example.org -c protocol.file.allow=always -C {arguments}"
    ));
    assert_eq!(ran.code, Some(0), "{arguments}: {ran}");
    ran
}

/// Everything that could change a file: none does, and it stays what it was.
fn stays(world: &World, path: &str) {
    let before = world.read(format!("work/{path}"));
    for script in [
        format!("echo evil >{path}"),
        format!("echo evil >>{path}"),
        format!("rm -f {path}"),
        format!("mv {path} {path}.away"),
        format!("echo evil >fresh && mv -f fresh {path}"),
        format!("ln -sf /tmp/evil {path}"),
        format!("chmod 777 {path}"),
        format!("truncate -s 0 {path}"),
    ] {
        let inside = world.inside_sh(&script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
        let known = ["Read-only file system", "busy", "Permission denied", "cannot create"];
        assert!(known.iter().any(|text| inside.err.contains(text)), "{script}: {inside}");
        assert_eq!(world.read(format!("work/{path}")), before, "{script}");
    }
}

#[test]
fn changes_what_programs_of_the_host_read() {
    let Some(world) = world() else { return };
    for path in [".envrc", ".mcp.json", "palisade.yaml", ".git/config", ".git/info/attributes"] {
        stays(&world, path);
    }
    // For the others one attempt each, in one launch.
    let script: String =
        FILES.iter().map(|path| format!("echo evil >>{path} && echo {path}; ")).collect();
    let inside = world.inside_sh(&script);
    assert_eq!(inside.out, "", "{inside}");
    for path in FILES {
        assert_eq!(world.read(format!("work/{path}")), "as it was\n", "{path}");
    }
    assert_eq!(world.outside_sh(&script).out.lines().count(), FILES.len());
}

#[test]
fn adds_to_folders_that_programs_of_the_host_read() {
    let Some(world) = world() else { return };
    let add = |path: &str| {
        format!("echo evil >{path}/fresh && echo {path}; echo evil >>{path}/file && echo {path}; ")
    };
    let script: String = FOLDERS.iter().map(|path| add(path)).collect();
    let inside = world.inside_sh(&script);
    assert_eq!(inside.out, "", "{inside}");
    for path in FOLDERS {
        assert_eq!(world.read(format!("work/{path}/file")), "as it was\n", "{path}");
        assert!(!world.at(format!("work/{path}/fresh")).exists(), "{path}");
    }
    assert_eq!(world.outside_sh(&script).out.lines().count(), 2 * FOLDERS.len());
}

/// CVE-2025-59536 and its like: what was protected is moved away whole, and made anew.
#[test]
fn moves_the_repository_away_and_makes_a_new_one() {
    let Some(world) = world() else { return };
    let plant = "mkdir -p .git/hooks && echo evil >.git/hooks/pre-commit";
    for script in [
        format!("mv .git .x && {plant}"),
        format!("rm -rf .git; {plant}"),
        format!("mv .git/hooks .git/x && {plant}"),
        format!("mkdir new && cp -r .git/. new/ && mv -T --exchange new .git && {plant}"),
        format!("cd .. && mv work x && mkdir work && cd work && {plant}"),
    ] {
        let inside = world.inside_sh(&script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
        assert!(!world.at("work/.git/hooks/pre-commit").exists(), "{script}: {inside}");
        assert!(world.at("work/.git/config").exists(), "{script}: {inside}");
    }
    let moved = world.outside_sh(&format!("mv .git .x && {plant}"));
    moved.good();
    assert_eq!(world.read("work/.git/hooks/pre-commit"), "evil\n");
}

/// Other programs' settings are a folder's matter too.
#[test]
fn moves_protected_folders_away() {
    let Some(world) = world() else { return };
    for folder in [".vscode", ".claude", ".husky"] {
        let script = format!("mv {folder} x && mkdir {folder} && echo evil >{folder}/file");
        let inside = world.inside_sh(&script);
        assert!(inside.err.contains("busy"), "{script}: {inside}");
        assert_eq!(world.read(format!("work/{folder}/file")), "as it was\n");
    }
    world.outside_sh("mv .claude x && mkdir .claude && echo evil >.claude/file").good();
}

/// In a worktree or submodule `.git` is a file that says where the repository is.
#[test]
fn points_a_worktree_at_another_repository() {
    let Some(world) = world() else { return };
    git(&world, ". worktree add -q ../tree");
    let inside = |script: &str| {
        let mut run = world.run(&["/bin/sh", "-c", script]);
        world::finish(run.current_dir(world.at("tree")))
    };
    let before = world.read("tree/.git");
    for script in
        ["echo 'gitdir: evil' >.git", "rm -f .git", "mv .git x", "echo x >y; mv -f y .git"]
    {
        let ran = inside(script);
        assert_ne!(ran.code, Some(0), "{script}: {ran}");
        assert_eq!(world.read("tree/.git"), before, "{script}");
    }
    world.outside_sh("cd ../tree && echo 'gitdir: evil' >.git").good();
}

/// A link by the protected name is followed by whoever reads it later.
#[test]
fn changes_what_a_protected_link_leads_to() {
    let Some(world) = World::plain() else { return };
    world.write("work/shared/hooks/pre-commit", "as it was\n");
    world.write("work/shared/mcp", "as it was\n");
    std::fs::create_dir(world.at("work/.git")).unwrap();
    symlink("../shared/hooks", world.at("work/.git/hooks")).unwrap();
    symlink("shared/mcp", world.at("work/.mcp.json")).unwrap();
    let script = "echo evil >>shared/hooks/pre-commit && echo 1; echo evil >>shared/mcp && echo 2; \
                  echo evil >>.git/hooks/pre-commit && echo 3; echo evil >>.mcp.json && echo 4; \
                  echo evil >shared/hooks/post-commit && echo 5";
    let inside = world.inside_sh(script);
    assert_eq!(inside.out, "", "{inside}");
    assert_eq!(world.read("work/shared/hooks/pre-commit"), "as it was\n");
    assert_eq!(world.read("work/shared/mcp"), "as it was\n");
    assert_eq!(world.outside_sh(script).out, "1\n2\n3\n4\n5\n");
}

/// The settings of a submodule are in the repository of the whole: `git status` of the host
/// reads them there.
#[test]
fn changes_the_settings_of_a_submodule() {
    let Some(world) = world() else { return };
    std::fs::remove_file(world.at("work/.gitmodules")).unwrap();
    git(&world, ". init -q ../library");
    git(&world, "../library commit -q --allow-empty -m first");
    git(&world, ". submodule --quiet add ../library libs/one");
    let (config, hooks) = (".git/modules/libs/one/config", ".git/modules/libs/one/hooks");
    stays(&world, config);
    let plant = format!("mkdir -p {hooks} && echo evil >{hooks}/pre-commit");
    for script in [plant.clone(), format!("mv .git/modules x; {plant}")] {
        world.inside_sh(&script);
        assert!(!world.at(format!("work/{hooks}/pre-commit")).exists(), "{script}");
        assert!(world.at(format!("work/{config}")).exists(), "{script}");
    }
    world.outside_sh(&plant).good();
}

/// A repository with a submodule, as it is after a clone.
fn with_submodule() -> Option<World> {
    let world = world()?;
    std::fs::remove_file(world.at("work/.gitmodules")).unwrap();
    git(&world, ". init -q ../library");
    git(&world, "../library commit -q --allow-empty -m first");
    git(&world, ". submodule --quiet add ../library libs/one");
    git(&world, ". commit -q -m submodule");
    Some(world)
}

/// What `git status` of the host runs.
const MONITOR: &str = "printf '[core]\\n\\tfsmonitor = \"touch %s/ran\"\\n' \"$PWD\" >>";

fn status_runs_nothing(world: &World, in_folder: &str) {
    let place = world.at("work").display().to_string();
    world.outside_sh(&format!("cd {in_folder} && git status >/dev/null 2>&1; true"));
    let ran = world.at("work/ran");
    assert!(!ran.exists(), "{place}: the agent's program was run by the host's git");
}

/// The submodule's `.git` says where its repository is; another in its place has settings of its own.
#[test]
fn exchanges_the_repository_of_a_submodule() {
    let attack = format!(
        "rm -f libs/one/.git; git init -q libs/one; {MONITOR} libs/one/.git/config; \
         mv libs/one libs/x; mkdir libs/one && git init -q libs/one; {MONITOR} libs/one/.git/config"
    );
    let Some(world) = with_submodule() else { return };
    world.inside_sh(&attack);
    status_runs_nothing(&world, ".");
    status_runs_nothing(&world, "libs/one");
    let Some(world) = with_submodule() else { return };
    world.outside_sh(&attack);
    world.outside_sh("git status >/dev/null 2>&1; true");
    assert!(world.at("work/ran").exists(), "unconfined the attack works");
}

/// A repository of the agent's own in a subfolder, which the index names, or somebody enters.
#[test]
fn plants_a_repository_in_a_subfolder() {
    let Some(world) = world() else { return };
    let attack = format!(
        "git init -q deep/er && {MONITOR} deep/er/.git/config && cd deep/er && \
         git -c core.fsmonitor= -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m x; \
         cd ../.. && git -c core.fsmonitor= add deep/er 2>/dev/null; true"
    );
    world.inside_sh(&attack).good();
    assert!(world.at("work/deep/er/.git/HEAD").exists());
    assert!(world.at("work/deep/er/.git/config.palisade-moved").exists());
    status_runs_nothing(&world, ".");
    status_runs_nothing(&world, "deep/er");
    world.outside_sh(&attack).good();
    world.outside_sh("git status >/dev/null 2>&1; cd deep/er; git status >/dev/null 2>&1; true");
    assert!(world.at("work/ran").exists(), "unconfined the attack works");
}

/// The twin: repositories that hold nothing to run stay as the agent made them.
#[test]
fn makes_repositories_in_subfolders() {
    let Some(world) = world() else { return };
    let commit = "git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m first";
    world.inside_sh(&format!("git init -q mine && cd mine && {commit}")).good();
    world.inside_sh(&format!("{commit} && git worktree add -q tree")).good();
    for folder in ["mine", "tree"] {
        let log = world.outside_sh(&format!("git -C {folder} log --format=%s -1"));
        assert_eq!(log.good().trim(), "first", "{folder}");
    }
}

/// One session shuts the repository, so that the next launch does not find what is in it.
#[test]
fn shuts_the_repository_and_opens_it_in_the_next_session() {
    let Some(world) = world() else { return };
    world.inside_sh("chmod 0 .git").good();
    let inside =
        world.inside_sh("chmod 755 .git; echo evil >.git/hooks/file; echo evil >>.git/config");
    assert_ne!(inside.code, Some(0), "{inside}");
    world.outside_sh("chmod 755 .git").good();
    assert_eq!(world.read("work/.git/hooks/file"), "as it was\n");
    assert!(!world.read("work/.git/config").contains("evil"));
    world.outside_sh("chmod 0 .git; chmod 755 .git; echo evil >.git/hooks/file").good();
}

/// A policy that was given by its path lies in the workspace.
#[test]
fn changes_the_policy_that_confines_it() {
    let Some(world) = World::plain() else { return };
    let text = world.read("config/attack.yaml").replace("./tools.yaml", "../../config/tools.yaml");
    std::fs::create_dir(world.at("work/ci")).unwrap();
    world.write("work/ci/strict.yaml", &text);
    let inside = |script: &str| {
        let mut command = world.palisade();
        command.args(["run", "--policy", "ci/strict.yaml", "--", "/bin/sh", "-c", script]);
        world::finish(&mut command)
    };
    assert_eq!(inside("grep extends ci/strict.yaml").code, Some(0));
    for script in [
        "echo x >>ci/strict.yaml",
        "rm -f ci/strict.yaml",
        "echo x >y && mv -f y ci/strict.yaml",
        "mv ci x && mkdir ci && echo x >ci/strict.yaml",
    ] {
        let ran = inside(script);
        assert_ne!(ran.code, Some(0), "{script}: {ran}");
        assert_eq!(world.read("work/ci/strict.yaml"), text, "{script}");
    }
    world.outside_sh("echo x >>ci/strict.yaml").good();
}

#[test]
fn commits_and_branches() {
    let Some(world) = world() else { return };
    let ran = world.inside_sh(
        "git config --global user.name a && git config --global user.email a@example.org && \
         echo more >>readme && git checkout -qb topic && git commit -qam second && \
         git tag v1 && git gc -q && git log --format=%s",
    );
    assert_eq!(ran.good(), "second\nfirst");
    assert_eq!(git(&world, ". log --format=%s topic").good(), "second\nfirst");
}

/// A policy that names the path exactly means it.
#[test]
fn changes_a_protected_folder_that_the_policy_names() {
    let Some(world) = World::new("filesystem: {write: [../work/.claude]}") else { return };
    world.write("work/.claude/settings.json", "{}\n");
    world.inside_sh("echo '{\"x\": 1}' >.claude/settings.json").good();
    assert_eq!(world.read("work/.claude/settings.json"), "{\"x\": 1}\n");
}

/// Two sessions: one moves what leads to a protected path, the next writes what it no longer protects.
/// Unconfined the first one works, and then the second does. What is `kept` stays at its name.
fn next_session_keeps(
    fresh: impl Fn() -> Option<World>,
    kept: &[&str],
    attacks: &[&str],
    write: &str,
) {
    for attack in attacks {
        let Some(world) = fresh() else { return };
        let session = world.inside_sh(attack);
        assert_ne!(session.code, Some(0), "{attack}: {session}");
        world.inside_sh(write);
        for path in kept {
            assert_eq!(world.read(format!("work/{path}")), "as it was\n", "{attack}: {session}");
        }
        assert_eq!(world.outside_sh("find . -name '*.palisade-moved*'").out, "", "{attack}");

        let Some(world) = fresh() else { return };
        let unconfined = world.outside_sh(attack);
        assert_eq!(unconfined.code, Some(0), "{attack}: {unconfined}");
        world.inside_sh(write);
        assert!(world.outside_sh("grep -rs evil .").out.contains("evil"), "{attack} is none");
    }
}

/// A part of a writable folder that the policy grants for reading only.
#[test]
fn moves_what_is_granted_for_reading_into_what_may_be_written() {
    let fresh = || {
        let world = World::new("filesystem: {read: [../work/vendor/lib]}")?;
        world.write("work/vendor/lib/code", "as it was\n");
        Some(world)
    };
    next_session_keeps(
        fresh,
        &["vendor/lib/code"],
        &[
            "mv vendor x && mkdir -p vendor/lib",
            "mv vendor/lib x && mkdir vendor/lib",
            "cp -r vendor x && rm -r vendor && mkdir -p vendor/lib",
        ],
        "for at in x/code x/lib/code; do test -f $at && echo evil >$at; done",
    );
}

/// The protected name is a link, or leads through one, and so does what that leads to.
#[test]
fn replaces_a_protected_link_for_the_next_session() {
    let fresh = || {
        let world = World::plain()?;
        world.write("work/shared/v1/mcp", "as it was\n");
        world.write("work/shared/claude/settings.json", "as it was\n");
        symlink("v1", world.at("work/shared/current")).unwrap();
        symlink("shared/current/mcp", world.at("work/.mcp.json")).unwrap();
        symlink("shared/claude", world.at("work/.claude")).unwrap();
        Some(world)
    };
    next_session_keeps(
        fresh,
        &[".mcp.json", ".claude/settings.json"],
        &[
            "mv shared x",
            "mv shared/v1 shared/v2",
            "mv shared/claude x",
            "ln -sfn /tmp shared/current",
            "rm shared/current",
            "rm .mcp.json",
            "rm .claude",
            "mv .claude x",
            "ln -sfn shared/v1 .claude",
            "mv shared/v1/mcp shared/v1/x",
        ],
        "for at in */mcp */*/mcp */*/x */claude/settings.json x/settings.json; do \
         test -f $at && echo evil >>$at; done",
    );
}

/// What is protected is missing, and the folder that it would be in is there: that stays where it is, and
/// nothing that is made in it does.
#[test]
fn makes_a_missing_protected_name_in_a_folder_of_its_own() {
    let fresh = || {
        let world = World::plain()?;
        world.write("work/.config/editor", "as it was\n");
        world.write("work/.git/HEAD", "ref: refs/heads/main\n");
        Some(world)
    };
    for (attack, planted) in [
        ("mv .config x && mkdir -p .config/git && echo evil >.config/git/config", ".config/git"),
        (
            "rm -r .config && mkdir -p x/git && ln -s x .config && echo evil >x/git/config",
            ".config/git",
        ),
        ("mv .git x && mkdir -p .git/hooks && echo evil >.git/hooks/pre-commit", ".git/hooks"),
        (
            "mkdir x && rm -r .git && ln -s x .git && mkdir x/hooks && echo evil >x/hooks/pre-commit",
            ".git/hooks",
        ),
    ] {
        let Some(world) = fresh() else { return };
        let inside = world.inside_sh(attack);
        assert!(inside.err.contains("busy"), "{attack}: {inside}");
        assert!(!world.at("work").join(planted).exists(), "{attack}: {inside}");
        // Without the first step it is made, and does not last; perhaps not until something is in it.
        let inside =
            world.inside_sh(&format!("mkdir -p {planted} && echo evil >{planted}/pre-commit"));
        assert!(inside.err.contains("appeared and is now"), "{attack}: {inside}");
        assert!(!world.at("work").join(planted).exists(), "{attack}: {inside}");
        let Some(world) = fresh() else { return };
        world.outside_sh(attack).good();
        assert!(world.at("work").join(planted).exists(), "{attack}");
    }
}

/// A program of the host exchanges two protected files all the time while sessions start.
#[test]
fn exchanges_protected_files_while_sessions_start() {
    let Some(world) = World::plain() else { return };
    for (name, text) in [(".bashrc", "one\n"), (".zshrc", "other\n")] {
        world.write(format!("work/{name}"), text);
    }
    let exchange = "import ctypes, random, time\nlibc = ctypes.CDLL(None)\n\
                    while True:\n libc.renameat2(-100, b'.bashrc', -100, b'.zshrc', 2)\n \
                    time.sleep(random.random() * 0.003)\n";
    let mut host = std::process::Command::new("/usr/bin/python3")
        .args(["-c", exchange])
        .current_dir(world.workspace())
        .spawn()
        .unwrap();
    let write = "for name in .bashrc .zshrc .bashrc .zshrc; do echo evil >>$name; done; true";
    let all: Vec<Ran> = (0..20).map(|_| world.inside_sh(write)).collect();
    host.kill().unwrap();
    host.wait().unwrap();
    for ran in &all {
        let refused = ran.err.contains("it was exchanged for another file since it was checked");
        assert!(ran.code == Some(0) || (ran.code == Some(125) && refused), "{ran}");
    }
    let mut texts = [world.read("work/.bashrc"), world.read("work/.zshrc")];
    texts.sort();
    assert_eq!(texts, ["one\n", "other\n"]);
    world.inside_sh(write).good();
    world.outside_sh(write).good();
    assert!(world.read("work/.bashrc").contains("evil"), "unconfined it works");
}

/// A protected file has a second name in the workspace.
#[test]
fn changes_a_protected_file_by_its_second_name() {
    let Some(world) = world() else { return };
    world.outside_sh("mkdir deep && ln .envrc deep/notes && ln .git/config other").good();
    let (before, script) = (
        world.read("work/.git/config"),
        "echo evil >>deep/notes; echo evil >>other; chmod 644 other; truncate -s 0 other; mv deep x; \
         echo evil >>x/notes",
    );
    world.inside_sh(script);
    assert_eq!(world.read("work/.envrc"), "as it was\n");
    assert_eq!(world.read("work/.git/config"), before);
    world.outside_sh(script);
    assert!(world.read("work/.envrc").contains("evil"), "unconfined it works");
}

/// So has a file in a protected folder.
#[test]
fn changes_a_file_of_a_protected_folder_by_its_second_name() {
    let Some(world) = world() else { return };
    world.outside_sh("mkdir -p deep .vscode/in && echo it >.vscode/in/x.json").good();
    let give =
        "ln .vscode/file deep/notes && ln .git/hooks/file other && ln .vscode/in/x.json third";
    world.outside_sh(give).good();
    let script = "echo evil >>deep/notes; echo evil >>other; echo evil >>third; chmod 755 other; \
                  mv deep x; echo evil >>x/notes";
    world.inside_sh(script);
    for path in [".vscode/file", ".git/hooks/file", ".vscode/in/x.json"] {
        assert!(!world.read(format!("work/{path}")).contains("evil"), "{path}");
    }
    world.outside_sh(script);
    for path in [".vscode/file", ".git/hooks/file", ".vscode/in/x.json"] {
        assert!(world.read(format!("work/{path}")).contains("evil"), "{path}: unconfined it works");
    }
}

/// In a protected folder is a link to a folder, where the agent could add to what is read there.
#[test]
fn adds_to_a_folder_that_a_protected_folder_has_a_link_to() {
    let Some(world) = world() else { return };
    world.write("work/prompts/one.md", "as it was\n");
    world.write("work/more/two.md", "as it was\n");
    symlink("../prompts", world.at("work/.claude/commands")).unwrap();
    symlink("../more", world.at("work/prompts/more")).unwrap();
    // The project itself is the agent's to work on.
    symlink("..", world.at("work/.idea/project")).unwrap();
    let script = "echo evil >>prompts/one.md && echo 1; echo evil >prompts/new.md && echo 2; \
                  echo evil >more/new.md && echo 3; mv prompts away && echo 4";
    let inside = world.inside_sh(&format!("{script}; echo text >mine && echo own"));
    assert_eq!(inside.out, "own\n", "{inside}");
    assert_eq!(world.read("work/prompts/one.md"), "as it was\n");
    assert_eq!(world.outside_sh(script).out, "1\n2\n3\n4\n");
}

/// One session makes a repository as harmless as any, whose settings have a second name; the next
/// writes that.
#[test]
fn gives_the_settings_of_a_repository_a_second_name_for_the_next_session() {
    let attack = format!("chmod 755 mine/d; {MONITOR} mine/d/notes");
    for shut in ["", "chmod 0 mine/d", "chmod 644 mine/d"] {
        let Some(world) = world() else { return };
        let first = "git init -q mine && mkdir mine/d && ln mine/.git/config mine/d/notes";
        world.inside_sh(&format!("{first}; {shut}")).good();
        world.inside_sh(&attack);
        status_runs_nothing(&world, "mine");
        world.outside_sh(&attack).good();
        world.outside_sh("cd mine && git status");
        assert!(world.at("work/mine/ran").exists() || world.at("work/ran").exists(), "{shut}");
    }
}

/// A repository in a folder that a session shuts: the launch of the next does not see it, or the look at the
/// end does not. Somebody opens the folder later.
#[test]
fn shuts_a_folder_with_a_repository_in_it() {
    let deep = "mkdir -p libs/a && git init -q libs/a/one";
    let plant = format!("chmod 755 libs libs/a; {MONITOR} libs/a/one/.git/config");
    for shut in ["chmod 0 libs", "chmod 0 libs/a", "chmod 644 libs", "chmod 644 libs/a"] {
        let Some(world) = world() else { return };
        let opened = |world: &World| {
            world.outside_sh("chmod -R u+rwX .");
            world.outside_sh("for at in libs*/a*/one*; do (cd $at && git status); done");
        };
        world.outside_sh(deep).good();
        world.inside_sh(shut).good();
        world.inside_sh(&format!("{plant}; {shut}"));
        opened(&world);
        assert!(!world.at("work/ran").exists(), "two sessions: {shut}");
        let Some(world) = self::world() else { return };
        let ran = world.inside_sh(&format!("{deep}; {plant}; {shut}"));
        ran.good();
        let told =
            ran.err.contains("palisade-moved") || ran.err.contains("could not be looked into");
        assert!(told, "{shut}: {ran}");

        let Some(world) = self::world() else { return };
        world.outside_sh(&format!("{deep}; {plant}; {shut}"));
        opened(&world);
        assert!(world.at("work/ran").exists(), "unconfined it works: {shut}");
    }
}

/// The name that one session makes is there for the next, which holds it by a mount. If the end of the first
/// moved it away while the second runs, that could make it anew and nobody would look.
#[test]
fn makes_a_protected_name_in_two_sessions_at_one_time() {
    let Some(world) = world() else { return };
    let wait = |file: &str| format!("until [ -e {file} ]; do sleep 0.05; done");
    let plant = "echo evil > .netrc; mkdir -p .ssh new; echo evil > .ssh/rc; \
                 [ -e new/.git ] || git init -q new; mkdir -p new/.git/hooks; printf '#!/bin/sh\\n' > new/.git/hooks/pre-commit";
    let first = format!("{plant}; touch made; {}", wait("second"));
    let second =
        format!("touch second; {}; rm -rf .netrc .ssh new/.git/hooks; {plant}", wait("go"));
    let start = |script: &str| world.run(&["/bin/sh", "-c", script]).spawn().unwrap();
    let one = start(&first);
    world.outside_sh(&wait("made")).good();
    let two = start(&second);
    let one = world::end_of(one);
    world.write("work/go", "");
    let two = world::end_of(two);
    assert!(one.code == Some(0) && two.code != Some(125), "{one}{two}");
    for name in [".netrc", ".ssh", "new/.git/hooks/pre-commit"] {
        assert!(!world.at("work").join(name).exists(), "{name}");
    }
    world.outside_sh(plant).good();
    assert!(world.at("work/.netrc").exists(), "unconfined it stays");
}

/// It must not take them away from the next session.
#[test]
fn leads_a_denied_name_to_the_systems_programs() {
    let Some(world) = World::new("filesystem: {deny: [./private]}") else { return };
    world.inside_sh("ln -s /usr private").good();
    assert_eq!(world.inside_sh("/usr/bin/env echo still").good(), "still");
}

/// Hooks that lie elsewhere, more settings, programs, and what a hook is a link to: Git of the host runs it all.
#[test]
fn writes_what_gits_settings_name() {
    let Some(world) = World::plain() else { return };
    for name in
        ["work/hooks.d/pre-commit", "work/more.conf", "work/watch.sh", "work/scripts/push.sh"]
    {
        world.write(name, "# the operator's\n");
    }
    world
        .outside_sh(
            "git init -q . && git config core.hooksPath hooks.d && git config include.path ../more.conf && \
             git config core.fsmonitor ./watch.sh && ln -s ../../scripts/push.sh .git/hooks/pre-push",
        )
        .good();
    let plant = "for it in hooks.d/pre-commit hooks.d/new more.conf watch.sh scripts/push.sh; do \
                 echo evil >$it; rm -f $it; mv x $it; done; mv scripts y; mv hooks.d z; : >scripts/other";
    world.inside_sh(&format!(": >x; {plant}"));
    for name in
        ["work/hooks.d/pre-commit", "work/more.conf", "work/watch.sh", "work/scripts/push.sh"]
    {
        assert_eq!(world.read(name), "# the operator's\n", "{name}");
    }
    assert!(!world.at("work/hooks.d/new").exists());
    // The twin: what lies beside it is the agent's.
    assert!(world.at("work/scripts/other").exists());
    world.verify();
    world.outside_sh("echo evil >hooks.d/pre-commit").good();
    assert_eq!(world.read("work/hooks.d/pre-commit"), "evil\n", "unconfined it is written");
}
