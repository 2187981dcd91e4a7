//! What an agent, or a repository, puts where agents load skills from.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{PermissionsExt, symlink},
    process::Stdio,
};

use palisade_testkit::{Sigstore, WORKFLOW_ISSUER};
use serde_json::Value;

use crate::world::{Ran, World, end_of, finish};

const HELD: &str = "skills: {require: scanned}";
const TEXT: &str = "---\nname: pdf\ndescription: Reads PDF files.\n---\n\nUse the reader.\n";

/// A world with one skill in the lock, `pdf`.
fn world(policy: &str) -> Option<World> {
    let world = World::new(policy)?;
    world.write("taken/pdf/SKILL.md", TEXT);
    world.program("taken/pdf/scripts/run", "#!/bin/sh\necho ran\n");
    skill(&world, &["add", world.at("taken/pdf").to_str().unwrap(), "--yes"]).good();
    Some(world)
}

fn skill(world: &World, arguments: &[&str]) -> Ran {
    finish(world.palisade().arg("skill").args(arguments))
}

/// What the journal has of skills: subject and decision.
fn told(world: &World) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let events = world.events();
    let of_skills = events.iter().filter(|event| event["kind"] == "skill");
    of_skills.map(|event| (text(event, "subject"), text(event, "decision"))).collect()
}

fn packed(world: &World) -> std::path::PathBuf {
    let mut all = fs::read_dir(world.at("state/skills/store")).unwrap().flatten();
    let path = all.next().unwrap().path();
    assert!(all.next().is_none());
    path
}

/// The twin: what was taken is there, its scripts run, and nothing else is.
#[test]
fn uses_a_skill_of_the_lock() {
    let Some(world) = world(HELD) else { return };
    let inside = world.inside_sh(
        "cat ~/.claude/skills/pdf/SKILL.md; ~/.agents/skills/pdf/scripts/run; ls ~/.claude/skills",
    );
    assert_eq!(inside.good(), format!("{TEXT}ran\npdf"));
    assert_eq!(told(&world), [("pdf".to_owned(), "allow".to_owned())]);
    let bad = skill(&world, &["verify", "none"]);
    assert_eq!(bad.code, Some(2), "{bad}");
}

const PLACES: [&str; 23] = [
    "$HOME/.claude/skills",
    "$HOME/.claude/commands",
    "$HOME/.claude/plugins",
    "$HOME/.agents/skills",
    "$HOME/.codex/skills",
    "$HOME/.gemini/extensions",
    "$HOME/.openclaw/skills",
    "$HOME/.openclaw/workspace/skills",
    "$HOME/.config/opencode/skills",
    "$HOME/.config/opencode/plugins",
    "$HOME/.config/opencode/tools",
    "$HOME/.gemini/agents",
    "$HOME/.codex/agents",
    ".opencode/plugins",
    ".claude/skills",
    ".agents/skills",
    ".gemini/skills",
    "$HOME/.claude/workflows",
    "$HOME/.codex/plugins",
    "$HOME/.openclaw/hooks",
    "$HOME/.openclaw/workspace/hooks",
    // Above the workspace, where the sandbox has folders of its own.
    "../.claude/skills",
    "../.agents/skills",
];

fn plant(place: &str) -> String {
    format!("mkdir -p {place}/evil && echo evil >{place}/evil/SKILL.md && echo {place}; ")
}

#[test]
fn writes_a_skill_mid_session() {
    let script: String = PLACES.iter().map(|place| plant(place)).collect();
    let Some(world) = world(HELD) else { return };
    let inside = world.inside_sh(&script);
    assert_eq!(inside.out, "", "{inside}");
    assert_eq!(inside.err.matches("Read-only file system").count(), PLACES.len(), "{inside}");
    // Nothing of what was put there to hold it is left.
    assert_eq!(fs::read_dir(world.workspace()).unwrap().count(), 0);
    let Some(free) = World::plain() else { return };
    // In the workspace such a folder is moved aside as soon as it is made, perhaps before there is something in it.
    let written = free.inside_sh(&script);
    let of_home = PLACES.iter().filter(|place| place.starts_with('$'));
    assert!(
        of_home.into_iter().all(|place| written
            .out
            .contains(&place.replace("$HOME", free.home().to_str().unwrap()))),
        "{written}"
    );
    assert_eq!(free.outside_sh(&script).out.lines().count(), PLACES.len());
}

/// A place that cannot be held while it is missing: what was made there does not outlive the session.
#[test]
fn writes_a_skill_into_a_folder_that_is_new() {
    let Some(world) = world(HELD) else { return };
    let inside = world.inside_sh(&plant("new/deep/.claude/skills"));
    inside.good();
    assert!(!world.at("work/new/deep/.claude/skills").exists());
    assert!(world.at("work/new/deep/.claude/skills.palisade-moved/evil").exists());
    let events = world.events();
    let swept = events.iter().find(|event| event["kind"] == "sweep").unwrap();
    assert_eq!(swept["decision"], "deny");
    let Some(free) = World::plain() else { return };
    free.inside_sh(&plant("new/deep/.claude/skills")).good();
    assert!(free.at("work/new/deep/.claude/skills/evil").exists());
}

/// OpenClaw loads from `skills` of its workspace. Other things are called so as well, so that it cannot be held.
#[test]
fn writes_a_skill_into_the_workspace_of_openclaw() {
    let Some(world) = world(HELD) else { return };
    world.write("work/skills/notes.txt", "of the user's\n");
    let script = format!("{}{}", plant("skills"), plant("skills/deep"));
    world.inside_sh(&script).good();
    for at in ["work/skills/evil", "work/skills/deep/evil"] {
        assert!(!world.at(format!("{at}/SKILL.md")).exists(), "{at}");
        assert!(world.at(format!("{at}/SKILL.md.palisade-moved")).exists(), "{at}");
    }
    assert!(world.at("work/skills/notes.txt").exists());
    let events = world.events();
    assert_eq!(
        events.iter().filter(|it| it["kind"] == "sweep" && it["decision"] == "deny").count(),
        2
    );
    // One that was there is held, wherever in it.
    world.write("work/skills/deep/own/SKILL.md", "own\n");
    let held = world.inside_sh("ls skills; touch skills/x");
    assert!(!held.out.contains("deep") && held.err.contains("Read-only"), "{held}");
    let Some(free) = World::plain() else { return };
    free.inside_sh(&script).good();
    assert!(free.at("work/skills/deep/evil/SKILL.md").exists());
}

#[test]
fn changes_a_skill_of_the_lock() {
    let Some(world) = world(HELD) else { return };
    let attempts = [
        "echo evil >>SKILL.md",
        "rm SKILL.md",
        "mv SKILL.md x",
        "chmod 777 SKILL.md",
        "touch scripts/more",
        "ln -sf /tmp/evil SKILL.md",
        "setfattr -n user.x -v y SKILL.md",
    ];
    for attempt in attempts {
        let inside = world.inside_sh(&format!("cd ~/.claude/skills/pdf && {attempt}"));
        assert_ne!(inside.code, Some(0), "{attempt}: {inside}");
    }
    let inside = world.inside_sh("umount ~/.claude/skills || mount -o remount,rw ~/.claude/skills");
    assert_ne!(inside.code, Some(0), "{inside}");
    world.outside_sh("cd ../taken/pdf && echo evil >>SKILL.md").good();
    // The source is changed now; what was taken is not.
    assert_eq!(world.inside_sh("cat ~/.claude/skills/pdf/SKILL.md").out, TEXT);
}

#[test]
fn moves_the_folders_above_away() {
    let Some(world) = world(HELD) else { return };
    for path in ["work/.claude/skills/own", "work/sub/.claude/skills/own"] {
        world.write(format!("{path}/SKILL.md"), "own\n");
    }
    let moves = [
        "mv ~/.claude ~/.x && mkdir -p ~/.claude/skills/evil",
        "mv ~/.claude/skills ~/.x && mkdir -p ~/.claude/skills/evil",
        "mv ~/.config ~/.x && mkdir -p ~/.config/opencode/skills/evil",
        "mv .claude .x && mkdir -p .claude/skills/evil",
        "mv .claude/skills .claude/x && mkdir -p .claude/skills/evil",
        "mv .agents .x && mkdir -p .agents/skills/evil",
        "rmdir .agents && mkdir -p .agents/skills/evil",
        "mv sub x && mkdir -p sub/.claude/skills/evil",
        "mv sub/.claude sub/x && mkdir -p sub/.claude/skills/evil",
        "mkdir n && mv -T --exchange n .claude && mkdir -p .claude/skills/evil",
    ];
    for script in moves {
        let inside = world.inside_sh(script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
    }
    assert!(world.at("work/sub/.claude/skills/own/SKILL.md").exists());
    world.outside_sh("mv .claude .x && mkdir -p .claude/skills/evil").good();
}

#[test]
fn swaps_the_store_after_verification() {
    let Some(world) = world(HELD) else { return };
    let mut child = world
        .run(&["/bin/sh", "-c", "echo ready; read go; cat ~/.claude/skills/pdf/SKILL.md"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let path = packed(&world);
    let good = fs::read(&path).unwrap();
    let evil = String::from_utf8_lossy(&good).replace("Use the reader", "Use the evil!!");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, evil.as_bytes()).unwrap();
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    let ran = end_of(child);
    assert_eq!((rest.as_str(), ran.code), (TEXT, Some(0)), "{ran}");
    // And from then on nothing starts.
    let inside = world.inside_sh("touch ran");
    assert_eq!(inside.code, Some(125), "{inside}");
    assert!(inside.err.contains("the skill pdf is not what it was"), "{inside}");
    assert!(!world.at("work/ran").exists());
    let verified = skill(&world, &["verify"]);
    assert!(verified.code == Some(1) && verified.out.contains("was changed"), "{verified}");
    fs::write(&path, good).unwrap();
    world.inside_sh("true").good();
}

/// A repository brings a skill of the same name, and others.
#[test]
fn shadows_a_skill_of_the_lock() {
    let Some(world) = world(HELD) else { return };
    world.write("work/.claude/skills/pdf/SKILL.md", "evil\n");
    world.write("work/.claude/skills/other/SKILL.md", "evil\n");
    world.write("work/.claude/commands/deploy.md", "evil\n");
    world.write("work/skills/evil/SKILL.md", "evil\n");
    world.write("work/sub/.agents/skills/pdf/SKILL.md", "evil\n");
    let look = "cat ~/.claude/skills/*/SKILL.md; ls -A .claude/skills .claude/commands skills sub/.agents/skills; \
                cat .claude/skills/*/* skills/*/* 2>/dev/null";
    let inside = world.inside_sh(look);
    assert!(inside.out.starts_with(TEXT) && !inside.out.contains("evil"), "{inside}");
    assert!(!inside.out.contains("deploy.md"), "{inside}");
    assert!(world.outside_sh(look).out.contains("evil"));
    let told = told(&world);
    for path in [
        "work/.claude/skills/pdf",
        "work/.claude/skills/other",
        "work/.claude/commands/deploy.md",
        "work/skills/evil",
        "work/sub/.agents/skills/pdf",
    ] {
        let path = world.at(path).display().to_string();
        assert!(told.contains(&(path.clone(), "deny".to_owned())), "{path}: {told:?}");
    }
    // The same bytes as in the lock are shown where they are, from the store.
    world.write("work/.claude/skills/pdf/SKILL.md", TEXT);
    world.program("work/.claude/skills/pdf/scripts/run", "#!/bin/sh\necho ran\n");
    let inside = world.inside_sh("cat .claude/skills/pdf/SKILL.md; touch .claude/skills/pdf/more");
    assert_eq!(inside.out, TEXT, "{inside}");
    assert!(inside.err.contains("Read-only"), "{inside}");
}

/// What has the power of a skill under another name: a tool or a plugin runs by itself.
#[test]
fn brings_what_is_loaded_like_a_skill() {
    let Some(world) = world(HELD) else { return };
    let places = [
        ".opencode/plugins/evil.ts",
        ".opencode/tool/evil.ts",
        ".opencode/tools/evil.ts",
        ".opencode/agents/evil.md",
        ".opencode/commands/evil.md",
        ".gemini/agents/evil.md",
        ".codex/agents/evil.toml",
        ".cursor/agents/evil.md",
        "sub/.opencode/plugins/evil.ts",
    ];
    for place in places {
        world.write(format!("work/{place}"), "evil\n");
    }
    let look = format!("cat {}", places.join(" "));
    let inside = world.inside_sh(&look);
    assert_eq!(inside.out, "", "{inside}");
    assert_eq!(world.outside_sh(&look).out.lines().count(), places.len());
    assert_eq!(told(&world).iter().filter(|(_, said)| said == "deny").count(), places.len());
}

/// What the operator is told of a name has one line, whatever is in the name.
#[test]
fn names_a_skill_like_a_message() {
    let Some(world) = world(HELD) else { return };
    world.write("work/.claude/skills/x\npalisade: all is well\u{1b}[2J/SKILL.md", "evil\n");
    let inside =
        world.inside_sh(&plant("\"$(printf 'a\\npalisade: all is well')\"/.claude/skills"));
    assert!(inside.err.contains("all is well") && inside.err.contains("appeared"), "{inside}");
    assert!(!inside.err.contains("\npalisade: all is well"), "{inside}");
    assert!(!inside.err.contains('\u{1b}'), "{inside}");
}

/// A link in a folder that is new is a place as well.
#[test]
fn leads_a_new_place_elsewhere_by_a_link() {
    let Some(world) = world(HELD) else { return };
    let script = "mkdir -p x/skills/evil one two/.agents && echo evil >x/skills/evil/SKILL.md && \
                  ln -s ../x one/.claude && ln -s ../../x/skills two/.agents/skills && ln -s x fine";
    world.inside_sh(script).good();
    for link in ["work/one/.claude", "work/two/.agents/skills"] {
        assert!(!world.at(link).is_symlink(), "{link}");
        assert!(world.at(format!("{link}.palisade-moved")).is_symlink(), "{link}");
    }
    assert!(world.at("work/fine").is_symlink());
    // One that was there is the operator's.
    let Some(world) = self::world(HELD) else { return };
    world.write("work/sub/file", "");
    symlink("../x", world.at("work/sub/.claude")).unwrap();
    world.inside_sh("true").good();
    assert!(world.at("work/sub/.claude").is_symlink());
}

/// What is not the workspace and may be written is looked through as well.
#[test]
fn brings_skills_in_another_folder_that_may_be_written() {
    let Some(world) = World::new(&format!("{HELD}\nfilesystem: {{write: [../other]}}")) else {
        return;
    };
    world.write("other/deep/.claude/skills/evil/SKILL.md", "evil\n");
    let script =
        "cd ../other/deep && touch ../may && cat .claude/skills/*/*; mkdir .claude/skills/more";
    let inside = world.inside_sh(script);
    assert!(inside.out.is_empty() && inside.err.contains("Read-only"), "{inside}");
    assert!(world.at("other/may").exists());
    assert!(world.outside_sh(script).out.contains("evil"));
}

/// A folder in a skills folder that is a plugin runs its hooks by itself.
#[test]
fn brings_a_plugin_with_hooks() {
    let Some(world) = world(HELD) else { return };
    world.write("work/.claude/skills/p/.claude-plugin/plugin.json", "{\"name\": \"p\"}\n");
    world.write("work/.claude/skills/p/hooks/hooks.json", "{\"hooks\": {}}\n");
    let find = "find . ~/.claude -name plugin.json -o -name hooks.json";
    assert_eq!(world.inside_sh(find).good(), "");
    assert!(world.outside_sh(find).out.contains("hooks.json"));
    // It is seen as what it is when somebody takes it.
    let ran = skill(&world, &["add", world.at("work/.claude/skills/p").to_str().unwrap(), "--yes"]);
    ran.good();
    let inside = world.inside_sh(find);
    assert!(inside.out.contains(".claude/skills/p/hooks/hooks.json"), "{inside}");
}

/// Wherever a link leads, no skill is loaded from there.
#[test]
fn leads_a_place_elsewhere_by_a_link() {
    for (link, to) in [
        (".claude/skills", "../elsewhere"),
        (".claude/skills", "/tmp/evil"),
        (".agents", "/tmp/evil"),
        (".gemini", "elsewhere"),
        ("sub/.claude", "/tmp/evil"),
    ] {
        let Some(world) = world(HELD) else { return };
        world.write("work/elsewhere/evil/SKILL.md", "evil\n");
        world.write("work/elsewhere/skills/evil/SKILL.md", "evil\n");
        let at = world.at("work").join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(to, &at).unwrap();
        let top = if link.ends_with("skills") { link.to_owned() } else { format!("{link}/skills") };
        let script = format!(
            "mkdir -p /tmp/evil/skills/evil /tmp/evil/evil; echo evil >/tmp/evil/skills/evil/SKILL.md; \
             echo evil >/tmp/evil/evil/SKILL.md; cat {top}/evil/SKILL.md && echo led; \
             rm {link} && mkdir -p {top}/evil && echo made"
        );
        let inside = world.inside_sh(&script);
        assert!(
            !inside.out.contains("led") && !inside.out.contains("made"),
            "{link} {to}: {inside}"
        );
        assert!(at.is_symlink(), "{link}");
        if to.contains("elsewhere") {
            let kept = |(of, how): &(String, String)| of.contains(link) && how == "deny";
            assert!(told(&world).iter().any(kept), "{link} {to}");
        }
        assert!(world.outside_sh(&script).out.contains("led"), "{link} {to}");
        fs::remove_dir_all("/tmp/evil").unwrap_or_default();
    }
}

/// What nobody approved, signed or scanned, what was refused and what is revoked is not there.
#[test]
fn loads_what_nobody_let_in() {
    let Some(world) = world("skills: {require: reviewed}") else { return };
    let look = |world: &World| world.inside_sh("ls ~/.claude/skills").good().to_owned();
    assert_eq!(look(&world), "");
    assert_eq!(world.why_denied("pdf"), "nobody has approved it");
    let lock: Value = serde_json::from_str(&world.read("state/skills/skills.lock")).unwrap();
    let digest = lock["skills"]["pdf"]["digest"].as_str().unwrap().to_owned();
    let wrong = skill(&world, &["review", "pdf", "--approve", &"0".repeat(64)]);
    assert_eq!(wrong.code, Some(1), "{wrong}");
    skill(&world, &["review", "pdf", "--approve", &digest]).good();
    assert_eq!(look(&world), "pdf");
    skill(&world, &["review", "pdf", "--deny"]).good();
    assert_eq!(look(&world), "");
    skill(&world, &["review", "pdf", "--approve", &digest]).good();
    let key = world.at("operator.key").display().to_string();
    skill(&world, &["key", &key]).good();
    let revoke = ["revoke", "--digest", &digest, "--reason", "it sends keys away", "--key", &key];
    skill(&world, &revoke).good();
    assert_eq!(look(&world), "");
    // Without its signature the list is not believed, and nothing starts.
    fs::remove_file(world.at("config/skills/revoked.json.minisig")).unwrap();
    assert_eq!(world.inside_sh("true").code, Some(125));
    // Nor is it forgotten by taking it away.
    fs::remove_file(world.at("config/skills/revoked.json")).unwrap();
    let inside = world.inside_sh("true");
    assert!(inside.code == Some(125) && inside.err.contains("was there already"), "{inside}");
}

#[test]
fn signs_with_a_key_that_nobody_trusts() {
    let Some(world) = world("skills: {require: signed}") else { return };
    let look = |world: &World| world.inside_sh("ls ~/.claude/skills").good().to_owned();
    let key = world.at("publisher.key").display().to_string();
    skill(&world, &["key", &key]).good();
    skill(&world, &["sign", "pdf", "--key", &key]).good();
    assert_eq!(look(&world), "");
    world.write("config/skills/publishers/acme.pub", &world.read("publisher.key.pub"));
    assert_eq!(look(&world), "pdf");
    let verified = skill(&world, &["verify"]);
    assert!(verified.good().contains("signed by acme"), "{verified}");
    // A changed skill has no signature, whatever it was before.
    world.write("taken/pdf/SKILL.md", &format!("{TEXT}More.\n"));
    let updated = skill(&world, &["update", "pdf", "--yes"]);
    assert!(updated.good().contains("  + More."), "{updated}");
    assert_eq!(look(&world), "");
}

const RELEASE: &str = "https://github.com/acme/skills/.github/workflows/release.yml@refs/tags/v1";

/// An instance of Sigstore, and `taken/words.tgz` with a skill in it.
fn with_archive(world: &World) -> (Sigstore, Vec<u8>) {
    world.write("taken/words/SKILL.md", &TEXT.replace("pdf", "words"));
    world.outside_sh(&format!("tar -C {0} -czf {0}/words.tgz words", world.at("taken").display()));
    let archive = fs::read(world.at("taken/words.tgz")).unwrap();
    let sigstore = Sigstore::new().unwrap();
    world.write("root.json", &sigstore.trusted_root().to_string());
    (sigstore, archive)
}

fn bundle(sigstore: &Sigstore, who: &str, bytes: &[u8]) -> String {
    let leaf = sigstore.issue(who, WORKFLOW_ISSUER, |_| {}).unwrap();
    sigstore.message(&leaf, bytes).unwrap().to_string()
}

fn trust(world: &World) {
    let root = world.at("root.json").display().to_string();
    skill(world, &["trust", "--trusted-root", &root]).good();
    let identity = RELEASE.replace("v1", "*");
    skill(world, &["trust", "acme", "--identity", &identity, "--issuer", WORKFLOW_ISSUER]).good();
}

/// What Sigstore proves is who somebody is: it has to be who is trusted, of these bytes, and to stay so.
#[test]
fn signs_in_sigstore_as_somebody() {
    let Some(world) = world("skills: {require: signed}") else { return };
    let look = |world: &World| world.inside_sh("ls ~/.claude/skills").good().to_owned();
    let (sigstore, archive) = with_archive(&world);
    let source = world.at("taken/words.tgz").display().to_string();
    let given = world.at("given.json").display().to_string();
    let add = |text: &str| {
        world.write("given.json", text);
        skill(&world, &["add", &source, "--yes", "--bundle", &given])
    };
    let refused = |ran: Ran, why: &str| {
        assert!(ran.code == Some(1) && ran.err.contains(why), "{ran}");
        assert!(!world.read("state/skills/skills.lock").contains("words"), "{ran}");
    };
    let good = bundle(&sigstore, RELEASE, &archive);
    refused(add(&good), "no publisher is trusted");
    trust(&world);
    for stranger in [
        "https://github.com/acme/skills/.github/workflows/release.yml@refs/heads/main",
        "https://github.com/acme/skills-evil/.github/workflows/release.yml@refs/tags/v1",
        "releases@acme.example",
    ] {
        refused(add(&bundle(&sigstore, stranger, &archive)), "the signer's identity: it is ");
    }
    refused(
        add(&bundle(&sigstore, RELEASE, b"other")),
        "what was signed: the bundle is for other bytes",
    );
    let other = Sigstore::new().unwrap();
    refused(add(&bundle(&other, RELEASE, &archive)), "the transparency log: ");
    refused(add("{"), "the bundle's form: ");
    let ran = add(&good);
    ran.good();
    assert!(ran.err.contains("signed by acme: ") && ran.err.contains("the archive"), "{ran}");
    assert_eq!(look(&world), "words");
    assert!(skill(&world, &["verify", "words"]).good().contains("signed by acme"));
    // The archive that was signed is another one by now.
    let kept = fs::read_dir(world.at("state/skills/store")).unwrap().flatten();
    let kept = kept.map(|entry| entry.path()).find(|path| path.extension().unwrap() == "archive");
    let kept = kept.unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&kept, "other").unwrap();
    assert_eq!(look(&world), "");
    fs::write(&kept, &archive).unwrap();
    assert_eq!(look(&world), "words");
    // Nobody is trusted any more, or under another root.
    world.write("root.json", &other.trusted_root().to_string());
    skill(&world, &["trust", "--trusted-root", &world.at("root.json").display().to_string()])
        .good();
    assert_eq!(look(&world), "");
    fs::remove_file(world.at("config/skills/roots/sigstore.json")).unwrap();
    let inside = world.inside_sh("true");
    assert!(inside.code == Some(125) && inside.err.contains("it is not there"), "{inside}");
    fs::remove_file(world.at("config/skills/publishers/acme.sigstore.json")).unwrap();
    assert_eq!(look(&world), "");
    skill(&world, &["remove", "words"]).good();
    assert!(!kept.exists());
}

/// A bundle beside an archive is looked at by itself. A stranger's counts for nothing, one that does not hold is refused.
#[test]
fn puts_a_bundle_beside_its_archive() {
    let Some(world) = world("skills: {require: signed}") else { return };
    let (sigstore, archive) = with_archive(&world);
    let source = world.at("taken/words.tgz").display().to_string();
    let beside = "taken/words.tgz.sigstore.json";
    let add = || skill(&world, &["add", &source, "--yes"]);
    world.write(beside, "nonsense");
    let ran = add();
    ran.good();
    assert!(ran.err.contains("is not looked at"), "{ran}");
    skill(&world, &["remove", "words"]).good();
    trust(&world);
    let ran = add();
    assert!(ran.code == Some(1) && ran.err.contains("the bundle's form"), "{ran}");
    world.write(beside, &bundle(&sigstore, "a@evil.example", &archive));
    let ran = add();
    ran.good();
    assert!(ran.err.contains("counts for nothing"), "{ran}");
    assert_eq!(world.inside_sh("ls ~/.claude/skills").good(), "");
    world.write(beside, &bundle(&sigstore, RELEASE, &archive));
    assert!(add().err.contains("signed by acme"));
    assert_eq!(world.inside_sh("ls ~/.claude/skills").good(), "words");
    let again = add();
    assert!(again.good().contains("in the lock already"), "{again}");
    // Another archive does not stay signed.
    world.write("taken/words/SKILL.md", &format!("{}More.\n", TEXT.replace("pdf", "words")));
    world.outside_sh(&format!("tar -C {0} -czf {0}/words.tgz words", world.at("taken").display()));
    let ran = skill(&world, &["update", "words", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains("other bytes"), "{ran}");
}

/// The list of a folder can be signed, as minisign does it.
#[test]
fn signs_the_list_in_sigstore() {
    let Some(world) = world("skills: {require: signed}") else { return };
    let (sigstore, _) = with_archive(&world);
    trust(&world);
    let key = world.at("some.key").display().to_string();
    let out = world.at("taken").display().to_string();
    skill(&world, &["key", &key]).good();
    skill(&world, &["sign", "pdf", "--key", &key, "--out", &out]).good();
    let list = fs::read(world.at("taken/pdf.list")).unwrap();
    world.write("given.json", &bundle(&sigstore, RELEASE, &list));
    let given = world.at("given.json").display().to_string();
    let folder = world.at("taken/pdf").display().to_string();
    let ran = skill(&world, &["add", &folder, "--yes", "--bundle", &given]);
    ran.good();
    assert!(ran.err.contains("the list"), "{ran}");
    assert_eq!(world.inside_sh("ls ~/.claude/skills").good(), "pdf");
}

/// An update that does more is not taken by itself.
#[test]
fn changes_its_source_after_it_was_approved() {
    let Some(world) = world(HELD) else { return };
    world.write("taken/pdf/SKILL.md", &format!("{TEXT}\u{202e}evil\n"));
    let ran = skill(&world, &["update", "pdf"]);
    assert!(ran.code == Some(1) && ran.out.contains("evil"), "{ran}");
    assert!(ran.out.contains("\\u{202e}") && !ran.out.contains('\u{202e}'), "{ran}");
    assert_eq!(world.inside_sh("cat ~/.claude/skills/pdf/SKILL.md").out, TEXT);
}

/// The lock and the store are the operator's.
#[test]
fn writes_the_lock_itself() {
    let Some(world) = world(HELD) else { return };
    let lock = world.at("state/skills/skills.lock");
    let inside = world.inside_sh(&format!("cat {0} || echo x >{0}", lock.display()));
    assert_ne!(inside.code, Some(0), "{inside}");
    let Some(inner) = world_in_workspace() else { return };
    let inside = inner.inside_sh("ls -A state; echo x >state/skills/skills.lock");
    assert!(inside.out.trim().is_empty() && inside.code != Some(0), "{inside}");
}

/// Where the state folder lies in the workspace.
fn world_in_workspace() -> Option<World> {
    let world = World::new(HELD)?;
    let state = world.at("work/state").display().to_string();
    let world = world.with_variable("PALISADE_STATE", &state);
    world.write("taken/pdf/SKILL.md", TEXT);
    skill(&world, &["add", world.at("taken/pdf").to_str().unwrap(), "--yes"]).good();
    Some(world)
}

/// A hook of the operator's has the last word.
#[test]
fn is_refused_by_a_hook() {
    let hook =
        "hooks: {PreSkillLoad: [{matcher: pdf, hooks: [{type: command, command: ../refuse.sh}]}]}";
    let Some(world) = World::new(hook) else { return };
    world.program("refuse.sh", "#!/bin/sh\necho 'not this one' >&2\nexit 2\n");
    world.inside_sh("true").good();
    world.write("taken/pdf/SKILL.md", TEXT);
    skill(&world, &["add", world.at("taken/pdf").to_str().unwrap(), "--yes"]).good();
    let inside = world.inside_sh("touch ran");
    assert!(inside.code == Some(125) && inside.err.contains("not this one"), "{inside}");
    assert!(!world.at("work/ran").exists());
}

/// Who can write in the state folder could keep every sandbox from starting, and nobody would be told why.
#[test]
fn puts_a_pipe_in_place_of_the_lock() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let Some(world) = world(HELD) else { return };
    let lock = world.at("state/skills/skills.lock");
    fs::remove_file(&lock).unwrap();
    mknodat(CWD, &lock, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let began = std::time::Instant::now();
    let mut command = world.run(&["true"]);
    let mut started = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = loop {
        if let Some(status) = started.try_wait().unwrap() {
            break Some(status);
        }
        if began.elapsed() > std::time::Duration::from_secs(60) {
            started.kill().unwrap();
            break None;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let mut told = String::new();
    std::io::Read::read_to_string(&mut started.stderr.take().unwrap(), &mut told).unwrap();
    let ended = ended.expect("it waits for a writer");
    assert!(!ended.success() && told.contains("no regular file"), "{ended} {told}");
}
