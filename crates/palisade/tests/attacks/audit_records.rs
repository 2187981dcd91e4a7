//! Files that Landlock refuses, on a machine whose kernel tells of it.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    refusals::{count, denied, python, start, wait_for},
    world::{World, end_of},
};

/// The machine's auditing, switched on for as long as this is there.
struct Auditing;

const SWITCH: &str = r#"
import socket, struct, sys
audit = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
audit.settimeout(5)
def ask(kind, flags, payload):
    audit.sendto(struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload, (0, 0))
    while True:
        answer = audit.recv(8192)
        kind, = struct.unpack("=H", answer[4:6])
        if kind == 2 and flags & 4:
            assert struct.unpack("=i", answer[16:20]) == (0,)
            return
        if kind == 1000:
            return struct.unpack("=4I", answer[16:32])
mask, enabled, failure, daemon = ask(1000, 1, b"")
assert daemon == 0 and enabled != 2, "a daemon, or locked"
if sys.argv[1] == "on":
    assert enabled == 0, "on already"
ask(1001, 5, struct.pack("=11I", 1, sys.argv[1] == "on", *[0] * 9))
"#;

const PROGRAM: &str = r#"
root, init, run = lambda: os.listdir('/'), lambda: os.kill(1, 0), lambda: os.listdir('/run')
for refused in [root, init] + 20000 * [run]:
    try:
        refused()
        print('not refused')
    except PermissionError:
        pass
# A domain of its own tells nothing of what it refuses.
import struct
rules = libc.syscall(444, struct.pack('Q', 4), 8, 0)
assert libc.syscall(446, rules, 0) == 0
try:
    open('/etc/hosts')
except PermissionError:
    print('done')
"#;

impl Auditing {
    /// `None`, and said, where that cannot be or is not ours to change.
    fn on() -> Option<Self> {
        let doctor = || {
            let mut doctor = Command::new(env!("CARGO_BIN_EXE_palisade"));
            doctor.args(["doctor", "--json"]).env_clear().env("HOME", "/nonexistent");
            let report: Value = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();
            let rows = report["abilities"].as_array().unwrap().clone();
            rows.into_iter().find(|row| row["name"] == "audit-records").unwrap()
        };
        let switched = Command::new("python3").args(["-c", SWITCH, "on"]).output();
        let switched = switched.unwrap();
        if !switched.status.success() {
            let why = String::from_utf8_lossy(&switched.stderr);
            println!("skipped: auditing cannot be switched on here: {why}");
            return None;
        }
        let this = Self;
        let row = doctor();
        if row["state"] != "ok" {
            println!("skipped: {row}");
            return None;
        }
        Some(this)
    }
}

impl Drop for Auditing {
    fn drop(&mut self) {
        Command::new("python3").args(["-c", SWITCH, "off"]).status().ok();
    }
}

/// What Landlock refuses is in the journal of the sandbox that it was refused to, and of no other,
/// where the kernel tells.
#[test]
fn is_refused_files_where_the_kernel_tells() {
    let Some(world) = World::plain() else { return };
    let Some(other) = World::plain() else { return };
    let Some(auditing) = Auditing::on() else { return };
    let waits = start(&other, "open('up', 'w').close()\nwait_for('done')");
    wait_for("the other agent", || other.workspace().join("up").exists());
    let program = python(PROGRAM);
    assert_eq!(world.inside_python(&program).good(), "done");
    fs::write(other.workspace().join("done"), "").unwrap();
    end_of(waits).good();
    drop(auditing);
    let (events, flood) = (denied(&world), [Value::from("/run"), "(many subjects)".into()]);
    let told: Vec<&Value> =
        events.iter().filter(|event| !flood.contains(&event["subject"])).collect();
    let [files, signal] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&files["kind"], &files["layer"]), (&"access".into(), &"files".into()));
    assert_eq!(files["subject"], "/");
    assert_eq!(files["detail"]["rights"], serde_json::json!(["fs.read_dir"]));
    assert_eq!((&signal["kind"], &signal["layer"]), (&"access".into(), &"process".into()));
    assert!(signal["subject"].as_str().unwrap().starts_with("process "), "{signal}");
    // Of a flood the kernel tells some, and the number at the end, if its queue is not full then.
    let all = count(&events, "/run") + count(&events, "(many subjects)");
    assert!((100..=20_000).contains(&all), "{all}");
    assert!(denied(&other).is_empty(), "{:?}", denied(&other));
    for world in [world, other] {
        world.verify();
    }
    // Not told by a machine that does not.
    let Some(quiet) = World::plain() else { return };
    quiet.inside_python(&python("try: os.listdir('/')\nexcept PermissionError: pass")).good();
    assert!(denied(&quiet).is_empty());
}
