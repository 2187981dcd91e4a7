//! What the supervisor itself still has while it reads what an agent sends.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
};

use crate::world::{World, end_of};

/// CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, IPC_LOCK and SYS_RESOURCE.
const LEFT: u64 = 0x1f | 1 << 5 | 1 << 14 | 1 << 24;
/// SYS_MODULE, SYS_RAWIO, SYS_BOOT, SYS_TIME, MAC_ADMIN, SYSLOG, PERFMON and BPF, of those that no hook of root's has.
const MACHINE: u64 = 1 << 16 | 1 << 17 | 1 << 22 | 1 << 25 | 1 << 33 | 1 << 34 | 1 << 38 | 1 << 39;

type Status = BTreeMap<String, String>;

fn status(text: &str) -> Status {
    let fields = text.lines().filter_map(|line| line.split_once(":\t"));
    fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn set(status: &Status, name: &str) -> u64 {
    u64::from_str_radix(&status[name], 16).unwrap()
}

/// Of each thread of this process.
fn threads(of: u32) -> Vec<Status> {
    let tasks = fs::read_dir(format!("/proc/{of}/task")).unwrap();
    // One that has ended meanwhile is none.
    let texts = tasks.flatten().filter_map(|it| fs::read_to_string(it.path().join("status")).ok());
    texts.map(|text| status(&text)).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Looks at it while `script` waits inside for a line, once it has printed `up`.
fn while_it_runs(world: &World, script: &str, look: impl FnOnce(&Child)) {
    let mut run = world.run(&["/bin/sh", "-c", script]);
    run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    if line != "up\n" {
        drop(stdout);
        panic!("{line} {}", end_of(child));
    }
    look(&child);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
}

/// Every thread that reads what comes from inside has given its rights up; the one that starts programs for the
/// operator has the operator's, but for what is the machine's.
#[test]
fn the_supervisor_has_given_its_rights_up() {
    let hooks = "hooks:
  PreExec: [{matcher: '*', hooks: [{type: command, command: ./hooks/see.sh}]}]
process: {limits: {memory: 512MiB}}
";
    for policy in ["", hooks] {
        let Some(world) = World::new(policy) else { return };
        world.program("config/hooks/see.sh", "#!/bin/sh\nexit 0\n");
        while_it_runs(&world, "/bin/true; echo up; read line", |supervisor| {
            let own = status(&fs::read_to_string("/proc/self/status").unwrap());
            let all = threads(supervisor.id());
            let (starters, others): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|thread| thread["Name"] == "starter");
            assert!(others.len() > 1, "{others:?}");
            for thread in &others {
                assert_eq!(thread["NoNewPrivs"], "1", "{thread:?}");
                assert_eq!(thread["Seccomp"], "2", "{thread:?}");
                for name in ["CapEff", "CapPrm"] {
                    assert_eq!(set(thread, name) & !LEFT, 0, "{name}: {thread:?}");
                }
                assert_eq!(set(thread, "CapInh") | set(thread, "CapAmb"), 0, "{thread:?}");
                if is_root() {
                    assert_eq!(set(thread, "CapBnd") & !LEFT, 0, "{thread:?}");
                }
            }
            let [starter] = &starters[..] else { panic!("{starters:?}") };
            for name in ["NoNewPrivs", "Seccomp", "CapEff"] {
                if name != "CapEff" || !is_root() {
                    assert_eq!(starter[name], own[name], "{name}: {starter:?}");
                }
            }
            if is_root() {
                assert_eq!(set(starter, "CapBnd") & MACHINE, 0, "{starter:?}");
                // CHOWN, SETUID, NET_ADMIN and SYS_ADMIN, if the caller has them.
                let rest = 1 | 1 << 7 | 1 << 12 | 1 << 21;
                assert_eq!(set(starter, "CapEff") & rest, set(&own, "CapEff") & rest);
            }
        });
    }
}

/// Programs of the operator run with the operator's rights: they may be set-id programs (`sudo`, `op`), and
/// start others.
#[test]
fn a_hook_has_the_operators_rights() {
    let Some(world) = World::new(
        "hooks:
  PreConnect: [{hooks: [{type: command, command: ./hooks/see.sh}]}]
network: {hosts: {a.test: [127.0.0.1]}, rules: [{hosts: [a.test], ports: [9], addresses: [127.0.0.1]}]}
",
    ) else {
        return;
    };
    let seen = world.at("seen");
    let script = format!(
        "#!/bin/sh\ncat /proc/self/status > {0}.new && mv {0}.new {0}\n/bin/true || exit 2\n",
        seen.display()
    );
    world.program("config/hooks/see.sh", &script);
    world.inside_sh("curl -s -m 20 http://a.test:9/");
    let own = status(&fs::read_to_string("/proc/self/status").unwrap());
    let hook = status(&fs::read_to_string(seen).unwrap());
    assert_eq!((&hook["NoNewPrivs"], &hook["Seccomp"]), (&own["NoNewPrivs"], &own["Seccomp"]));
    assert_eq!(hook["SigBlk"], own["SigBlk"]);
    assert_eq!(set(&hook, "CapEff") & MACHINE, 0);
    if is_root() {
        let rest = 1 | 1 << 7 | 1 << 12 | 1 << 21;
        assert_eq!(set(&hook, "CapEff") & rest, set(&own, "CapEff") & rest);
    }
}
