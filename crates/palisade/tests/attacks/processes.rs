//! Other processes, what they hold, and more rights than one was given.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use crate::{
    attempts::permitted,
    tools,
    world::{SECRET, World},
};

/// A process of the host, of the same user, that ends with the test.
struct Host(Child);

impl Host {
    fn sleeps() -> Self {
        Self(Command::new("/bin/sleep").arg("600").env(SECRET.0, SECRET.1).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

const ACTS: [&str; 24] = [
    "kill0",
    "tkill",
    "tgkill",
    "sigqueue",
    "pidfd-signal",
    "proc-signal",
    "siocspgrp",
    "sigurg",
    "ioprio",
    "scheduler",
    "robust-list",
    "migrate-pages",
    "kcmp-with",
    "process-group",
    "pidfd-open",
    "setpriority",
    "affinity",
    "prlimit",
    "seize",
    "readv",
    "pidfd-getfd",
    "sigio",
    "kill",
    "ptrace",
];

#[test]
fn acts_on_a_process_of_the_host() {
    let Some(world) = World::plain() else { return };
    let mut host = Host::sleeps();
    assert!(host.pid() > 300, "a process inside could have this number too");
    let words: Vec<String> = ACTS.iter().map(|act| format!("{act}={}", host.pid())).collect();
    for (word, outcome) in world.attempt_inside(&words) {
        let expected: &[&str] = match word.split('=').next().unwrap() {
            "prlimit" | "seize" | "ptrace" | "readv" | "migrate-pages" | "kcmp-with" => &["EPERM"],
            "proc-signal" => &["ENOENT"],
            "siocspgrp" => &["ENOTTY"],
            // Nobody there has that number.
            _ => &["ESRCH"],
        };
        assert!(expected.contains(&outcome.as_str()), "{word} inside: {outcome}");
    }
    assert!(host.lives());
    for act in ACTS {
        let mut host = Host::sleeps();
        let word = format!("{act}={}", host.pid());
        let outcome = world.attempt_outside(&[&word]).remove(&word).unwrap();
        if act == "readv" {
            // It looks where its own memory is, so all that can be said is that it was let look.
            assert!(["worked", "EFAULT"].contains(&outcome.as_str()), "{word}: {outcome}");
        } else if ["kcmp-with", "migrate-pages"].contains(&act) && outcome == "ENOSYS" {
            println!("not in this kernel: {act}");
        } else {
            assert_eq!(outcome, "worked", "{word} unconfined");
        }
        if ["kill", "sigio"].contains(&act) {
            host.0.wait().unwrap();
        }
        drop(host);
    }
}

#[test]
fn reads_the_memory_and_environment_of_a_process_of_the_host() {
    let Some(world) = World::plain() else { return };
    let host = Host::sleeps();
    let files = ["environ", "cmdline", "maps", "status", "stat", "cwd/.", "root/."];
    let words: Vec<String> =
        files.iter().map(|file| format!("open=/proc/{}/{file}", host.pid())).collect();
    for (word, outcome) in world.attempt_outside(&words) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    for (word, outcome) in world.attempt_inside(&words) {
        assert_eq!(outcome, "ENOENT", "{word} inside");
    }
}

#[test]
fn lists_the_processes_of_the_host() {
    let Some(world) = World::plain() else { return };
    let script = "ls /proc | grep -c '^[0-9]'";
    let outside: u32 = world.outside_sh(script).good().parse().unwrap();
    let inside: u32 = world.inside_sh(script).good().parse().unwrap();
    // Init, the shell, ls, grep.
    assert!(outside > 4 && inside <= 4, "{outside} unconfined, {inside} inside");
    let numbers =
        world.inside_sh("exec 3</proc; ls /proc/self/fd/3 | grep '^[0-9]' | sort -n | tail -n 1");
    assert!(numbers.good().parse::<u32>().unwrap() < 100, "{numbers}");
}

/// In none of the files of `/proc` that can be read is there a word of a process of the host: its name,
/// its arguments, the file it holds locked.
#[test]
fn looks_for_a_process_of_the_host_all_over_proc() {
    let Some(world) = World::plain() else { return };
    let name = format!("mark{}", std::process::id());
    let folder = world.at("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let program = folder.join(&name);
    palisade_testkit::copy_program("/bin/sleep", &program);
    let child = Command::new(&program).arg("600").current_dir(&folder).spawn().unwrap();
    let _host = Host(child);
    let search = "import os, sys\n\
         mark, seen, found = sys.argv[1].encode(), 0, 0\n\
         for folder, folders, files in os.walk('/proc'):\n\
         \x20   folders[:] = [one for one in folders if one not in ('task', 'fd', 'map_files')]\n\
         \x20   for file in files:\n\
         \x20       if file in ('cmdline', 'environ') and folder == f'/proc/{os.getpid()}': continue\n\
         \x20       if file in ('kmsg', 'trace_pipe', 'kpagecount', 'kpageflags', 'kpagecgroup', 'pagemap', 'mem', 'kcore'): continue\n\
         \x20       try:\n\
         \x20           opened = os.open(f'{folder}/{file}', os.O_RDONLY | os.O_NONBLOCK)\n\
         \x20           said = os.read(opened, 1 << 16)\n\
         \x20           os.close(opened)\n\
         \x20       except OSError: continue\n\
         \x20       seen += 1\n\
         \x20       found += mark in said\n\
         print(seen > 100, found)\n";
    let outside = world.outside(&["/usr/bin/python3", "-c", search, &name]);
    let (_, found) = outside.good().split_once(' ').unwrap();
    assert!(found.parse::<u32>().unwrap() >= 2, "{outside}");
    let inside = world.inside_python_with(search, &[&name]);
    assert_eq!(inside.good(), "True 0", "{inside}");
    // Where it is among the control groups of the host is not told either.
    assert!(!world.outside_sh("cat /proc/self/cgroup").good().is_empty());
    for line in world.inside_sh("cat /proc/self/cgroup /proc/1/cgroup").good().lines() {
        assert!(line.ends_with(":/"), "{line}");
    }
}

/// Init is a fork of the supervisor: it must show nothing of it.
#[test]
fn reads_what_init_was_started_with() {
    let Some(world) = World::plain() else { return };
    for file in ["environ", "mem", "auxv", "pagemap", "syscall", "stack", "io", "personality"] {
        let word = format!("open=/proc/1/{file}");
        let outcome = world.attempt_inside(&[&word]).remove(&word).unwrap();
        assert_eq!(outcome, "EACCES", "{word}");
    }
    for file in ["exe", "cwd", "root", "fd/0", "ns/net", "ns/user"] {
        let word = format!("readlink=/proc/1/{file}");
        let outcome = world.attempt_inside(&[&word]).remove(&word).unwrap();
        assert_eq!(outcome, "EACCES", "{word}");
    }
    // The kernel lets these be opened, and shows nothing in them.
    for file in ["maps", "smaps", "numa_maps"] {
        let inside = world.inside_sh(&format!("cat /proc/1/{file}"));
        assert_eq!(inside.out, "", "{file}: {inside}");
    }
    // Its mounts are those that everybody inside has.
    world.inside_sh("cmp /proc/1/mountinfo /proc/self/mountinfo").good();
    let told = world.inside_sh("cat /proc/1/cmdline /proc/1/task/1/cmdline | tr '\\0' ' '");
    assert_eq!(told.good(), "", "{told}");
    // Unconfined, what a process was started with can be read by its number.
    let host = Host::sleeps();
    // For a moment a process that has just begun shows no arguments.
    let seen = world.outside_sh(&format!(
        "until grep -q sleep /proc/{0}/cmdline; do sleep 0.01; done; tr '\\0' ' ' </proc/{0}/cmdline; cat /proc/{0}/environ",
        host.pid()
    ));
    assert!(seen.out.contains("/bin/sleep 600 ") && seen.out.contains(SECRET.1), "{seen}");
}

#[test]
fn ends_init_or_attaches_to_it() {
    let Some(world) = World::plain() else { return };
    let words =
        ["kill=1", "sigio=1", "ptrace=1", "seize=1", "readv=1", "pidfd-getfd=1", "prlimit=1"];
    for (word, outcome) in world.attempt_inside(&words) {
        // The kernel takes a signal for init from inside, and does not deliver it.
        let ignored = ["kill=1", "sigio=1"].contains(&word.as_str()) && outcome == "worked";
        assert!(ignored || outcome == "EPERM", "{word}: {outcome}");
    }
    let inside = world.inside_sh("kill -9 1; kill -STOP 1; kill -TERM 1; sleep 0.2; echo alive");
    assert_eq!(inside.good(), "alive");
}

#[test]
fn finds_the_operators_variables() {
    let Some(world) = World::plain() else { return };
    let search = "env; cat /proc/*/environ; cat /run/palisade/* /proc/*/cmdline";
    assert!(world.outside_sh(search).out.contains(SECRET.1));
    let inside = world.inside_sh(search);
    assert!(!inside.out.contains(SECRET.1) && !inside.out.contains(SECRET.0), "{inside}");
    let names = world.inside_sh("env | cut -d= -f1 | sort");
    let known = [
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_KEY_0",
        "GIT_CONFIG_VALUE_0",
        "GIT_TERMINAL_PROMPT",
        "HOME",
        "LOGNAME",
        "PALISADE_SESSION",
        "PATH",
        "PWD",
        "SHELL",
        "TMPDIR",
        "USER",
        "npm_config_fetch_retry_maxtimeout",
        "npm_config_fetch_retry_mintimeout",
    ];
    assert_eq!(names.good().lines().collect::<Vec<_>>(), known);
}

#[test]
fn gets_variables_that_the_policy_passes() {
    let policy = "process: {environment: {pass: [GIVEN], set: {FIXED: 'yes'}}}";
    let Some(world) = World::new(policy) else { return };
    let world = world.with_variable("GIVEN", "here");
    assert_eq!(world.inside_sh("echo $GIVEN $FIXED").good(), "here yes");
}

/// CVE-2024-21626: a descriptor that was left open leads out.
#[test]
fn uses_descriptors_that_were_left_open() {
    let Some(world) = World::plain() else { return };
    let start = "exec 5</ 6<$HOME/.ssh/id_ed25519 7>>$HOME/.bashrc 9</proc; exec \"$@\"";
    let script = "ls -l /proc/self/fd | grep -o ' [0-9]* ->' | tr -d ' >-' | tr '\\n' ' '; cat <&6; \
                  cat /proc/self/fd/5/etc/hostname; echo evil >&7";
    let run = |argv: &[&str]| {
        let mut all = vec!["/bin/sh", "-c", start, "start"];
        all.extend(argv);
        world.outside(&all)
    };
    let outside = run(&["/bin/sh", "-c", script]);
    assert!(outside.out.contains("5 6 7 9") && outside.out.contains("private key"), "{outside}");
    assert_eq!(world.read("home/.bashrc"), "# the operator's\nevil\n");
    let policy = world.at("config/attack.yaml").display().to_string();
    let palisade = env!("CARGO_BIN_EXE_palisade");
    let inside = run(&[palisade, "run", "--policy", &policy, "--", "/bin/sh", "-c", script]);
    // 3 is the folder that ls itself reads.
    assert_eq!(inside.out, "0 1 2 3 ", "{inside}");
    assert_eq!(world.read("home/.bashrc"), "# the operator's\nevil\n");
}

/// What standard input was opened for is all that it is good for.
#[test]
fn opens_its_standard_input_again_for_writing() {
    let Some(world) = World::plain() else { return };
    let script = "cat; echo evil >>/proc/self/fd/0 && echo wrote";
    let with_notes = |mut command: Command| {
        let file = std::fs::File::open(world.home().join("notes.txt")).unwrap();
        crate::world::finish(command.stdin(Stdio::from(file)))
    };
    let inside = with_notes(world.run(&["/bin/sh", "-c", script]));
    assert_eq!(inside.out, "the operator's notes\n", "{inside}");
    assert!(inside.err.contains("Permission denied"), "{inside}");
    assert_eq!(world.read("home/notes.txt"), "the operator's notes\n");
    let mut plain = Command::new("/bin/sh");
    plain.args(["-c", script]);
    assert!(with_notes(plain).out.ends_with("wrote\n"));
}

#[test]
fn runs_a_set_user_id_program() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    std::fs::create_dir(world.at("shared")).unwrap();
    let told = "grep -E '^(Uid|CapEff|NoNewPrivs)' /proc/self/status";
    let inside = world.inside_sh(told);
    assert!(inside.good().contains("CapEff:\t0000000000000000\nNoNewPrivs:\t1"), "{inside}");
    for line in world.inside_sh("cat /proc/self/mountinfo").good().lines() {
        assert!(line.contains("nosuid"), "{line}");
    }
    if !tools::is_root() {
        println!("not for an ordinary user: making a program that is root's and set-user-id");
        return;
    }
    // As another user, so that there is something to gain.
    world.outside_sh("cp /usr/bin/id ../shared/id && chmod 4755 ../shared/id").good();
    let id = world.at("shared/id").display().to_string();
    let outside = world.outside(&["setpriv", "--reuid", "47811", "--clear-groups", &id, "-u"]);
    assert_eq!(outside.good(), "0");
    let inside = world.inside(&[id.as_str(), "-u"]);
    assert_eq!(inside.good(), "1000");
}

/// Rights that a file gives to whoever runs it, without a set-user-id bit.
#[test]
fn runs_a_program_with_capabilities() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    if !tools::is_root() {
        println!("not for an ordinary user: giving a program capabilities");
        return;
    }
    std::fs::create_dir(world.at("shared")).unwrap();
    // That over owners, effective at once: `struct vfs_cap_data`, revision 2.
    let give = "import os, shutil, struct\n\
         shutil.copy('/bin/cat', '../shared/cat')\n\
         os.chmod('../shared/cat', 0o755)\n\
         os.setxattr('../shared/cat', 'security.capability', struct.pack('<5I', 0x02000001, 1, 0, 0, 0))\n";
    world.outside_python(give).good();
    let cat = world.at("shared/cat").display().to_string();
    let told = |ran: &crate::world::Ran| -> String {
        ran.good().lines().filter(|line| line.starts_with("CapEff")).collect()
    };
    let argv = ["setpriv", "--reuid", "47811", "--clear-groups", &cat, "/proc/self/status"];
    let outside = told(&world.outside(&argv));
    assert!(!outside.ends_with("\t0000000000000000") && outside.starts_with("CapEff"), "{outside}");
    let inside = world.inside(&[cat.as_str(), "/proc/self/status"]);
    assert_eq!(told(&inside), "CapEff:\t0000000000000000");
}

/// The workspace is on the host as well, and there its files are the operator's: a program that any
/// user may run with the operator's rights must not be left in it.
#[test]
fn leaves_a_set_user_id_program_in_the_workspace() {
    let Some(world) = World::plain() else { return };
    let verbs = ["setuid-bit", "setuid-bit-fd", "setuid-bit-at", "setuid-bit-at2"];
    let words: Vec<String> = verbs.iter().map(|verb| format!("{verb}={verb}")).collect();
    let mode =
        |name: &str| world.at(format!("work/{name}")).metadata().unwrap().permissions().mode();
    for verb in verbs {
        world.write(format!("work/{verb}"), "#!/bin/sh\n");
    }
    for (word, outcome) in world.attempt_inside(&words) {
        assert_eq!(outcome, "EPERM", "{word} inside");
    }
    for name in verbs {
        assert_eq!(mode(name) & 0o4000, 0, "{name}: {:o}", mode(name));
    }
    for (word, outcome) in world.attempt_outside(&words) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    assert_eq!(mode("setuid-bit") & 0o7777, 0o4755);
}

/// The kernel takes the bit away when the agent writes to the file, and not when root does: whoever
/// copies a program over an empty one makes it a set-id program.
#[test]
fn makes_an_empty_file_with_a_set_user_id_bit() {
    let Some(world) = World::plain() else { return };
    let mut verbs = vec!["open-setuid", "open2-setuid", "tmpfile-setuid", "mknod-setuid"];
    if cfg!(target_arch = "x86_64") {
        verbs.extend(["old-open-setuid", "creat-setuid"]);
    }
    let words: Vec<String> = verbs.iter().map(|verb| format!("{verb}={verb}")).collect();
    for (word, outcome) in world.attempt_inside(&words) {
        // The mode that `openat2` makes a file with is in memory: that call is not there.
        let expected = if word.starts_with("open2") { "ENOSYS" } else { "EPERM" };
        assert_eq!(outcome, expected, "{word} inside");
    }
    for verb in &verbs {
        assert!(!world.at(format!("work/{verb}")).exists(), "{verb}");
    }
    for (word, outcome) in world.attempt_outside(&words) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    for verb in &verbs {
        let mode = world.at(format!("work/{verb}")).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o4000, 0o4000, "{verb}: {mode:o}");
    }
    // Where no file is made the mode means nothing, and may be anything.
    world.write("work/there", "x");
    permitted(&world, &["open-odd-mode=there"]);
    world
        .inside_sh("cp /usr/bin/env copy && install -m 755 /usr/bin/env other && mktemp -p .")
        .good();
}

/// It would hide a file of the lower layer when the folder becomes part of an overlay.
#[test]
fn leaves_a_whiteout_by_a_rename() {
    let Some(world) = World::plain() else { return };
    world.write("work/file", "x");
    let inside = world.attempt_inside(&["whiteout=file"]).remove("whiteout=file").unwrap();
    assert_eq!(inside, "EPERM");
    assert!(world.at("work/file").metadata().unwrap().is_file());
    let outside = world.attempt_outside(&["whiteout=file"]).remove("whiteout=file").unwrap();
    if outside == "worked" {
        assert!(!world.at("work/file").symlink_metadata().unwrap().is_file());
    } else {
        println!("not on this file system: whiteouts ({outside})");
    }
    world.write("work/one", "x");
    world.inside_sh("mv one two && mv -n two three && test -f three").good();
}

/// For a sandbox of root the group is root's as well.
#[test]
fn leaves_a_set_group_id_program_in_roots_workspace() {
    let Some(world) = World::plain() else { return };
    world.write("work/file", "#!/bin/sh\n");
    let inside = world.attempt_inside(&["setgid-bit=file"]).remove("setgid-bit=file").unwrap();
    // For anybody else it is the operator's own group, and repositories of a group need it.
    assert_eq!(inside, if tools::is_root() { "EPERM" } else { "worked" });
    world.inside_sh("chmod 1777 file && chmod 640 file && install -m 755 file copy").good();
}

/// Code in memory has no file that a rule could be about: it is bound by the same layers.
#[test]
fn runs_a_program_from_memory() {
    let Some(world) = World::plain() else { return };
    let attempt = tools::folder().unwrap().join("attempt").display().to_string();
    let key = world.home().join(".ssh/id_ed25519").display().to_string();
    let program = "import ctypes, glob, os, sys\n\
         way, code = sys.argv[1], open(sys.argv[2], 'rb').read()\n\
         argv = ['attempt', *sys.argv[3:]]\n\
         if way in ('memory', 'empty name'):\n\
         \x20   image = os.memfd_create('x')\n\
         \x20   os.write(image, code)\n\
         elif way == 'no name':\n\
         \x20   made = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o755)\n\
         \x20   os.write(made, code)\n\
         \x20   image = os.open(f'/proc/self/fd/{made}', os.O_RDONLY)\n\
         \x20   os.close(made)\n\
         elif way == 'loader':\n\
         \x20   open('copy', 'wb').write(code)\n\
         \x20   loader = (glob.glob('/lib64/ld-linux-*') + glob.glob('/lib/ld-linux-*'))[0]\n\
         \x20   os.execve(loader, [loader, './copy', *argv[1:]], {})\n\
         elif way == 'another name':\n\
         \x20   open('ls', 'wb').write(code + b'padded')\n\
         \x20   os.chmod('ls', 0o755)\n\
         \x20   os.execve('./ls', argv, {})\n\
         if way == 'empty name':\n\
         \x20   array = (ctypes.c_char_p * (len(argv) + 1))(*[word.encode() for word in argv])\n\
         \x20   ctypes.CDLL(None).execveat(image, b'', array, (ctypes.c_char_p * 1)(), 0x1000)\n\
         os.execve(f'/proc/self/fd/{image}', argv, {})";
    let words = [format!("read={key}"), "socket-raw".into(), "int80".into(), "ptrace".into()];
    for way in ["memory", "empty name", "no name", "loader", "another name"] {
        let mut arguments: Vec<&str> = vec![way, &attempt];
        arguments.extend(words.iter().map(String::as_str));
        let inside = world.inside_python_with(program, &arguments);
        let outcomes: Vec<&str> =
            inside.good().lines().map(|line| line.split_once(' ').unwrap().1).collect();
        let expected = ["ENOENT", "EPERM", "killed 31", "EPERM"];
        assert_eq!(outcomes, expected, "{way}: {inside}");
        let mut argv = vec!["/usr/bin/python3", "-c", program];
        argv.extend(arguments);
        let outside = world.outside(&argv);
        let first = format!("read={key} worked\n");
        assert!(outside.good().starts_with(&first), "{way}: {outside}");
    }
}

/// `#!` names a file. A script in the workspace may have been written by the agent, and what it names is
/// not thereby granted.
#[test]
fn has_a_file_granted_by_a_script_in_the_workspace() {
    let Some(world) = World::plain() else { return };
    world.program("home/bin/deploy", "#!/bin/sh\n# token: hunter2\ncat \"$0\"; exit 0\n");
    let deploy = world.home().join("bin/deploy");
    world.program("work/run", &format!("#!{}\n", deploy.display()));
    assert!(world.outside(&["./run"]).out.contains("hunter2"));
    let inside = world.inside(&["./run"]);
    assert_eq!((inside.code, inside.out.as_str()), (Some(125), ""), "{inside}");
    assert!(inside.err.contains("does not grant"), "{inside}");
    // A link is as good.
    std::os::unix::fs::symlink(&deploy, world.at("work/link")).unwrap();
    assert!(world.outside(&["./link"]).out.contains("hunter2"));
    let inside = world.inside(&["./link"]);
    assert_eq!((inside.code, inside.out.as_str()), (Some(125), ""), "{inside}");
    world.verify();
}

/// What the operator names without a detour is meant.
#[test]
fn runs_a_program_of_the_operators_that_is_named() {
    let Some(world) = World::plain() else { return };
    world.program("home/bin/tool", "#!/bin/sh\necho it runs\n");
    let tool = world.home().join("bin/tool");
    assert_eq!(world.inside(&[tool]).good(), "it runs");
    world.program("work/script", "#!/usr/bin/env python3\nprint('so does this')\n");
    assert_eq!(world.inside(&["./script"]).good(), "so does this");
}

#[test]
fn leaves_a_core_dump() {
    let Some(world) = World::plain() else { return };
    let inside = world.inside_sh("ulimit -c unlimited; ulimit -c; kill -SEGV $$");
    assert_eq!((inside.out.as_str(), inside.code), ("0\n", Some(139)), "{inside}");
    assert_eq!(std::fs::read_dir(world.workspace()).unwrap().count(), 0);
}

/// A host may give core dumps to a program of its own, which the kernel starts on the host, as root, for
/// whatever crashes, except where the limit is one byte: it has to stay that.
#[test]
fn has_the_host_take_its_core_dump() {
    let Some(world) = World::plain() else { return };
    let program = "import ctypes, mmap, resource, sys\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         libc.mmap.restype = ctypes.c_void_p\n\
         core, none = resource.RLIMIT_CORE, (0, 0)\n\
         def limit(): return resource.getrlimit(core)\n\
         try: resource.setrlimit(core, none); resource.prlimit(0, core, none)\n\
         except (OSError, ValueError): pass\n\
         low = libc.mmap(ctypes.c_void_p(1 << 32), ctypes.c_size_t(4096), 3, 0x100032, -1, 0)\n\
         ctypes.memset(low, 0, 4096)\n\
         for call, arguments in (int(sys.argv[1]), (0, 4, low, 0)), (int(sys.argv[2]), (4, low)):\n\
         \x20   libc.syscall(call, *map(ctypes.c_ulong, arguments))\n\
         print(low == 1 << 32, *limit())\n\
         resource.setrlimit(resource.RLIMIT_NOFILE, (50, 60))\n\
         print(*resource.getrlimit(resource.RLIMIT_NOFILE))\n";
    let calls = [libc::SYS_prlimit64.to_string(), libc::SYS_setrlimit.to_string()];
    let outside = world.outside(&["/usr/bin/python3", "-c", program, &calls[0], &calls[1]]);
    assert_eq!(outside.good(), "True 0 0\n50 60");
    let inside = world.inside_python_with(program, &[&calls[0], &calls[1]]);
    if rustix::process::getrlimit(rustix::process::Resource::Core).maximum == Some(0) {
        println!("not shown here: the limit of core dumps, which is zero already");
        return;
    }
    assert_eq!(inside.good(), "True 1 1\n50 60");
}
