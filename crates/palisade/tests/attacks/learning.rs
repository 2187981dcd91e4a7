//! What is learned from a command that knows that it is learned from.

use super::world::{World, finish};

/// What the command wants of the home.
const WANTS: &str = "\
cat ~/.config/tool/one.toml ~/.toolrc ~/dots/real.conf ~/.linked 2>/dev/null
echo new 2>/dev/null > ~/cache/out
ls ~/nothing 2>/dev/null
cat ~/.ssh/id_ed25519 ~/keys/server.pem 2>/dev/null
echo x > ~/.made
true";

fn prepared() -> Option<World> {
    let world = World::plain()?;
    for (path, text) in [
        ("home/.config/tool/one.toml", "one\n"),
        ("home/.config/tool/other.toml", "other\n"),
        ("home/.toolrc", "rc\n"),
        ("home/dots/real.conf", "real\n"),
        ("home/keys/server.pem", "-----BEGIN\n"),
        ("home/cache/in", "in\n"),
    ] {
        world.write(path, text);
    }
    std::os::unix::fs::symlink("dots/real.conf", world.at("home/.linked")).unwrap();
    Some(world)
}

/// The files that a command wanted are granted to its next run, and no others; keys are granted to nobody by
/// this.
#[test]
fn wants_files_and_has_them_granted_and_no_more() {
    let Some(world) = prepared() else { return };
    let own = world.at("config/attack.yaml").display().to_string();
    let ran = finish(world.palisade().args(["learn", "--policy", &own, "--", "sh", "-c", WANTS]));
    assert_eq!(ran.code, Some(0), "{ran}");
    // While it was learned from, it saw nothing and changed nothing.
    assert_eq!(ran.out, "", "{ran}");
    assert!(!world.at("home/cache/out").exists() && !world.at("home/.made").exists());
    for key in ["~/.ssh/id_ed25519", "~/keys/server.pem"] {
        assert!(ran.err.contains(&format!("not granted: {key}")), "{ran}");
    }
    let policy = world.read(&own);
    for granted in ["~/.config/tool/one.toml", "~/.toolrc", "~/dots/real.conf", "~/.linked"] {
        assert!(policy.contains(granted), "{granted}: {policy}");
    }
    for not in [".ssh", "keys", "other.toml", "nothing", ".made", "notes.txt"] {
        assert!(!policy.contains(not), "{not}: {policy}");
    }
    let ran = world.inside_sh(WANTS);
    assert_eq!(ran.out, "one\nrc\nreal\nreal\n", "{ran}");
    assert_eq!(world.read("home/cache/out"), "new\n");
    let ran = world.inside_sh("cat ~/.config/tool/other.toml ~/.ssh/id_ed25519 ~/notes.txt");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran}");
    // Nothing is left to learn.
    let again = finish(world.palisade().args(["learn", "--policy", &own, "--", "sh", "-c", WANTS]));
    assert!(again.err.contains("nothing was learned"), "{again}");
    assert_eq!(world.read(&own), policy);
    world.verify();
}

/// Names that would be another thing in a policy, and more of them than are read.
#[test]
fn names_files_that_a_policy_would_read_otherwise() {
    let Some(world) = prepared() else { return };
    for name in ["a*b", "x: [y]", "l\nine", "#c", "- d"] {
        world.write(format!("home/{name}"), "x\n");
    }
    let own = world.at("config/attack.yaml").display().to_string();
    let names = "\
import os
home = os.environ['HOME']
for name in ['a*b', 'x: [y]', 'l\\nine', '#c', '- d', '../home/../home/.toolrc', '', '\\udcff', 'x' * 5000]:
    try: open(home + '/' + name)
    except OSError: pass
for number in range(3000):
    try: os.stat(f'{home}/no/{number}')
    except OSError: pass
import ctypes
libc = ctypes.CDLL(None)
for path in [0, 1, 2**63, 2**64 - 1]:
    libc.syscall(257, -100, ctypes.c_uint64(path), 0)
    libc.syscall(437, -100, ctypes.c_char_p(b'/etc/x'), ctypes.c_uint64(path), 24)
";
    let mut command = world.palisade();
    let ran = finish(command.args(["learn", "--policy", &own, "--", "python3", "-c", names]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = finish(world.palisade().args(["policy", "check", &own]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let policy = world.read(&own);
    assert!(policy.contains("~/.toolrc") && policy.contains("\"~/#c\""), "{policy}");
    assert!(!policy.contains("a*b") && !policy.contains("ine"), "{policy}");
}

/// A folder of the home is not taken for granted because a program looked whether it is there.
#[test]
fn asks_for_everything_and_is_granted_the_least() {
    let Some(world) = prepared() else { return };
    let own = world.at("config/attack.yaml").display().to_string();
    let all = "\
ls -a / /etc /home ~ ~/.config ~/.. ~/../.. /root /var/lib 2>/dev/null
echo x 2>/dev/null >> /etc/profile.d/x.sh
echo x 2>/dev/null >> ~/.ssh/authorized_keys
mkdir -p ~/.config/autostart 2>/dev/null
true";
    let ran = finish(world.palisade().args(["learn", "--policy", &own, "--", "sh", "-c", all]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let policy = world.read(&own);
    for not in ["/etc", "/home\n", "~/.ssh", "/root", "autostart", "\"~\"", "~\n"] {
        assert!(!policy.contains(not), "{not}: {policy}");
    }
}
