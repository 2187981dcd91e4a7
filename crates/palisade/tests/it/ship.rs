//! Sessions that ended, at a place elsewhere, as an operator sees it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::ran::{Ran, palisade, run};

struct World(TempDir);

impl World {
    /// With a policy that ships and one that does not.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "to"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let this = Self(folder);
        for (name, audit) in [
            ("ships.yaml", format!("audit: {{ship: {}}}", this.at("to").display())),
            ("keeps.yaml", String::new()),
        ] {
            let work = this.at("work");
            let text = format!(
                "palisade: 1\nextends: [shell]\nfilesystem: {{workspace: {{path: {}}}}}\n{audit}\n",
                work.display()
            );
            fs::write(this.at(name), text).unwrap();
        }
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = palisade(self.0.path());
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn session(&self, policy: &str) -> Ran {
        run(self.command().args(["run", "--policy", policy, "--", "true"]))
    }

    fn audit(&self, arguments: &[&str]) -> Ran {
        run(self.command().arg("audit").args(arguments))
    }

    fn key(&self) {
        let shown = self.audit(&["key", "show"]);
        fs::write(self.at("key.txt"), shown.stdout).unwrap();
    }

    /// Whether something of the ledger is there, without which there is nothing to verify.
    fn has_a_part(&self) -> bool {
        let listed = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        let parts = listed(self.at("to")).flat_map(|copy| listed(copy.path().join("_ledger")));
        let names = parts.map(|part| part.file_name().into_string().unwrap());
        names.into_iter().any(|name| name.starts_with('0'))
    }

    fn verified(&self) -> Ran {
        self.audit(&["verify", "to", "--key", "key.txt"])
    }

    /// As whoever runs this in a mount namespace of his own, where he may mount.
    fn among_mounts(&self, script: &str) -> Ran {
        let mut command = Command::new("unshare");
        let of_palisade = self.command();
        command.env_clear().envs(environment(&of_palisade));
        let script = script.replace("PALISADE", &of_palisade.get_program().to_string_lossy());
        run(command
            .args(["-rm", "sh", "-euc", &script])
            .current_dir(self.0.path())
            .stdin(Stdio::null()))
    }
}

fn environment(of: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    of.get_envs().filter_map(|(name, value)| Some((name, value?)))
}

#[test]
fn a_session_is_shipped_when_it_ends_and_verifies_there() {
    let world = World::new();
    let first = world.session("keeps.yaml");
    assert_eq!(first.exit, 0, "{first}");
    let second = world.session("ships.yaml");
    assert_eq!((second.exit, second.stderr.as_str()), (0, ""), "{second}");
    world.key();
    let verified = world.verified();
    assert_eq!(verified.exit, 0, "{verified}");
    // The first one's policy said nothing of it.
    assert!(verified.stdout.contains("of 1 sessions"), "{verified}");
    assert!(verified.stdout.contains("a copy: 1 sessions"), "{verified}");
    let status = world.audit(&["ship", "--status"]);
    assert_eq!((status.exit, status.stdout.as_str()), (0, "nothing waits\n"), "{status}");
    let all = world.audit(&["ship", "--all", "--policy", "ships.yaml"]);
    assert_eq!(all.stdout, "1 sessions are there in full now\n", "{all}");
    assert!(world.verified().stdout.contains("whole: 6 records of 2 sessions"), "{all}");
    let status = world.audit(&["ship", "--status", "--all"]);
    assert_eq!(status.stdout.matches("there since").count(), 2, "{status}");
    let none = world.audit(&["ship", "--policy", "keeps.yaml"]);
    assert!(none.exit == 2 && none.stderr.contains("ships sessions nowhere"), "{none}");
}

/// Killed at any system call: what stands there verifies, and the next one ends it.
#[test]
fn shipping_is_killed_at_any_moment() {
    let killer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kill_at_call.py");
    let mut killed = 0;
    // The first calls are those of a program's start.
    for count in (180..).step_by(61) {
        let world = World::new();
        assert_eq!(world.session("keeps.yaml").exit, 0);
        assert_eq!(world.session("keeps.yaml").exit, 0);
        world.key();
        let of_palisade = world.command();
        let mut command = Command::new("python3");
        command.env_clear().envs(environment(&of_palisade));
        command.arg(&killer).args(["0", &count.to_string()]).arg(of_palisade.get_program());
        command.args(["audit", "ship", "--all", "--policy", "ships.yaml"]);
        let ran = run(command.current_dir(world.0.path()).stdin(Stdio::null()));
        if world.has_a_part() {
            let verified = world.verified();
            assert_eq!(verified.exit, 0, "after {count}: {verified}");
        }
        let journal = world.audit(&["verify", "--key", "key.txt"]);
        assert_eq!(journal.exit, 0, "after {count}: {journal}");
        let again = world.audit(&["ship", "--all", "--policy", "ships.yaml"]);
        assert_eq!((again.exit, again.stderr.as_str()), (0, ""), "after {count}: {again}");
        let verified = world.verified();
        assert!(verified.stdout.contains("whole: 6 records of 2 sessions"), "{count}: {verified}");
        if ran.exit != 99 {
            assert_eq!(ran.exit, 0, "{ran}");
            break;
        }
        killed += 1;
    }
    assert!(killed > 3, "it was killed {killed} times");
}

#[test]
fn a_folder_that_is_full_or_cannot_be_written_gets_the_rest_later() {
    let world = World::new();
    for _ in 0..4 {
        assert_eq!(world.session("keeps.yaml").exit, 0);
    }
    world.key();
    let ship = "PALISADE audit ship --all --policy ships.yaml --within 2";
    let ran = world.among_mounts(&format!(
        "mount -t tmpfs -o size=16k none to
        {ship} && exit 7
        PALISADE audit verify to --key key.txt
        PALISADE audit ship --status
        mount -o remount,ro,size=1m to
        {ship} && exit 8
        mount -o remount,rw to
        {ship}
        PALISADE audit verify to --key key.txt
        test -z \"$(find to -name '*.new')\""
    ));
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stderr.contains("No space left on device"), "{ran}");
    assert!(ran.stderr.contains("Read-only file system"), "{ran}");
    assert!(ran.stdout.contains("failing since"), "{ran}");
    assert!(ran.stdout.contains("whole: 12 records of 4 sessions"), "{ran}");
}
