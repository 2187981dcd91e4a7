//! `/proc` and `/sys`.

use palisade_core::Layer;
use rustix::io::Errno;

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, NOT_THERE, Outcome, Place, tell},
};

/// A setting that this kernel does not have cannot be changed either.
const NOT_WRITTEN: Answers = &[
    (Errno::ROFS, "it is mounted read-only"),
    (Errno::ACCESS, "no right to write it"),
    (Errno::NOENT, "it does not exist in the mount tree"),
];
const MASKED: Answers = &[
    (Errno::ACCESS, "it is masked"),
    (Errno::NOENT, "it does not exist in the mount tree"),
    (Errno::PERM, "it needs a capability"),
];
/// Init is not dumpable, so that even its own user may not look.
const OF_INIT: Answers =
    &[(Errno::ACCESS, "init cannot be looked into"), (Errno::PERM, "init cannot be looked into")];

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Files, act }
}

const fn writes(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Write(Place::At(path), NOT_WRITTEN))
}

const fn reads(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Read(Place::At(path), MASKED))
}

const fn finds(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Find(Place::At(path)))
}

const fn of_init(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    Attempt { name, tries, layer: Layer::Process, act: Act::Read(Place::At(path), OF_INIT) }
}

macro_rules! lists_nothing {
    ($name:literal, $path:literal) => {
        attempt($name, concat!("list ", $path), Act::Do(|_| Some(is_empty($path))))
    };
}

macro_rules! follows {
    ($name:literal, $path:literal) => {
        Attempt {
            name: $name,
            tries: concat!("follow ", $path),
            layer: Layer::Process,
            act: Act::Do(|_| Some(follow($path))),
        }
    };
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    writes("writes_kernel_setting", "set where cores go", "/proc/sys/kernel/core_pattern"),
    writes("writes_module_loader", "set what loads modules", "/proc/sys/kernel/modprobe"),
    writes("writes_host_name_setting", "set the host's name", "/proc/sys/kernel/hostname"),
    writes("writes_sysrq_setting", "enable the kernel's keys", "/proc/sys/kernel/sysrq"),
    writes("writes_panic_setting", "set what a panic does", "/proc/sys/kernel/panic"),
    writes("writes_pointer_setting", "show kernel addresses", "/proc/sys/kernel/kptr_restrict"),
    writes("writes_trace_setting", "let all be traced", "/proc/sys/kernel/yama/ptrace_scope"),
    writes("writes_random_setting", "stop randomizing", "/proc/sys/kernel/randomize_va_space"),
    writes("writes_cache_setting", "drop caches", "/proc/sys/vm/drop_caches"),
    writes("writes_overcommit_setting", "overcommit memory", "/proc/sys/vm/overcommit_memory"),
    writes("writes_link_setting", "let links be followed", "/proc/sys/fs/protected_symlinks"),
    writes("writes_set_id_dumps", "dump set-id programs", "/proc/sys/fs/suid_dumpable"),
    writes("registers_interpreter", "register an interpreter", "/proc/sys/fs/binfmt_misc/register"),
    writes("raises_namespace_limit", "allow namespaces", "/proc/sys/user/max_user_namespaces"),
    writes("writes_forward_setting", "forward packets", "/proc/sys/net/ipv4/ip_forward"),
    writes("writes_ping_setting", "allow ping sockets", "/proc/sys/net/ipv4/ping_group_range"),
    writes("presses_kernel_key", "press a key of the kernel's", "/proc/sysrq-trigger"),
    writes("writes_own_memory_file", "write its memory as a file", "/proc/self/mem"),
    writes("writes_user_map", "map other users", "/proc/self/uid_map"),
    writes("writes_group_map", "map other groups", "/proc/self/gid_map"),
    writes("writes_group_permission", "permit setgroups", "/proc/self/setgroups"),
    writes("writes_memory_score", "be killed last", "/proc/self/oom_score_adj"),
    writes("writes_security_label", "change its label", "/proc/self/attr/current"),
    writes("writes_dump_filter", "dump more", "/proc/self/coredump_filter"),
    writes("clears_references", "clear its references", "/proc/self/clear_refs"),
    writes("writes_login_id", "change its login", "/proc/self/loginuid"),
    attempt("writes_own_program", "write the program that it is", Act::Do(own_program)),
    reads("reads_kernel_memory", "read the kernel's memory", "/proc/kcore"),
    reads("reads_kernel_symbols", "read the kernel's symbols", "/proc/kallsyms"),
    reads("reads_kernel_messages", "read the kernel's messages", "/proc/kmsg"),
    reads("reads_kernel_settings", "read how the kernel was built", "/proc/config.gz"),
    reads("lists_keys", "list the kernel's keys", "/proc/keys"),
    reads("lists_key_users", "list the keys' users", "/proc/key-users"),
    reads("lists_modules", "list modules", "/proc/modules"),
    reads("lists_timers", "list timers", "/proc/timer_list"),
    reads("reads_latencies", "read latencies", "/proc/latency_stats"),
    reads("reads_scheduler", "read the scheduler", "/proc/sched_debug"),
    reads("lists_slabs", "list the kernel's objects", "/proc/slabinfo"),
    reads("lists_kernel_mappings", "list the kernel's mappings", "/proc/vmallocinfo"),
    reads("reads_page_counts", "read page counts", "/proc/kpagecount"),
    reads("reads_page_flags", "read page flags", "/proc/kpageflags"),
    reads("reads_boot_command", "read the boot's command line", "/proc/cmdline"),
    reads("counts_interrupts", "count interrupts", "/proc/interrupts"),
    reads("counts_soft_interrupts", "count soft interrupts", "/proc/softirqs"),
    reads("counts_disk_requests", "count disks' requests", "/proc/diskstats"),
    reads("lists_partitions", "list partitions", "/proc/partitions"),
    reads("lists_memory_ranges", "list the machine's addresses", "/proc/iomem"),
    reads("lists_ports", "list the machine's ports", "/proc/ioports"),
    reads("reads_memory_zones", "read memory zones", "/proc/zoneinfo"),
    reads("lists_drivers_of_devices", "list drivers of devices", "/proc/devices"),
    lists_nothing!("reads_pressure", "/proc/pressure"),
    lists_nothing!("lists_acpi", "/proc/acpi"),
    lists_nothing!("lists_buses", "/proc/bus"),
    lists_nothing!("lists_drivers", "/proc/driver"),
    lists_nothing!("lists_kernel_file_systems", "/proc/fs"),
    lists_nothing!("lists_interrupts", "/proc/irq"),
    lists_nothing!("lists_disks", "/proc/scsi"),
    of_init("reads_environment_of_init", "read init's environment", "/proc/1/environ"),
    of_init("reads_mappings_of_init", "read init's mappings", "/proc/1/maps"),
    of_init("opens_memory_of_init", "open init's memory", "/proc/1/mem"),
    of_init("reads_stack_of_init", "read init's kernel stack", "/proc/1/stack"),
    of_init("reads_auxiliary_of_init", "read init's addresses", "/proc/1/auxv"),
    of_init("reads_counters_of_init", "read init's counters", "/proc/1/io"),
    of_init("reads_call_of_init", "read what init calls", "/proc/1/syscall"),
    of_init("reads_personality_of_init", "read init's personality", "/proc/1/personality"),
    of_init("lists_descriptors_of_init", "list init's descriptors", "/proc/1/fd"),
    of_init("lists_files_of_init", "list init's mapped files", "/proc/1/map_files"),
    of_init(
        "reads_thread_of_init",
        "read init's environment by its thread",
        "/proc/1/task/1/environ",
    ),
    of_init("opens_program_of_init", "open the program of init", "/proc/1/exe"),
    follows!("follows_program_of_init", "/proc/1/exe"),
    follows!("follows_root_of_init", "/proc/1/root"),
    follows!("follows_folder_of_init", "/proc/1/cwd"),
    follows!("follows_namespace_of_init", "/proc/1/ns/user"),
    follows!("follows_mounts_of_init", "/proc/1/ns/mnt"),
    finds("finds_sys", "find /sys", "/sys/kernel"),
    finds("finds_kernel_debugging", "find the kernel's debugging", "/sys/kernel/debug"),
    finds("finds_tracing", "find the kernel's tracing", "/sys/kernel/tracing"),
    finds("finds_security_settings", "find security modules", "/sys/kernel/security"),
    finds("finds_control_groups", "find control groups", "/sys/fs/cgroup"),
    finds("finds_bpf_objects", "find BPF objects", "/sys/fs/bpf"),
    finds("finds_firmware", "find the firmware", "/sys/firmware"),
    finds("finds_power", "find power management", "/sys/power"),
    finds("finds_host_interfaces", "find the host's interfaces", "/sys/class/net"),
    finds("finds_host_disks", "find the host's disks", "/sys/block"),
    finds(
        "finds_old_control_groups",
        "find control groups' settings",
        "/sys/fs/cgroup/release_agent",
    ),
    Attempt {
        name: "finds_host_process",
        tries: "find a process of the host",
        layer: Layer::Process,
        act: Act::Find(Place::Aimed(|targets| {
            Some(format!("/proc/{}", targets.host_process?).into())
        })),
    },
    attempt("sees_host_sockets", "find the host's sockets in /proc", Act::Do(host_sockets)),
    attempt("sees_host_mounts", "find the host's mounts in /proc", Act::Do(host_mounts)),
];

fn is_empty(path: &str) -> Outcome {
    match std::fs::read_dir(path).map(Iterator::count) {
        Ok(0) => Outcome::Stopped("it is empty".to_owned()),
        Ok(count) => Outcome::Worked(format!("listed {count} names")),
        Err(error) => tell(Err::<(), _>(error), MASKED, |()| String::new()),
    }
}

fn follow(path: &str) -> Outcome {
    match std::fs::read_link(path) {
        // So some kernels (Linux 6.1) refuse it for namespaces.
        Ok(to) if to.as_os_str().is_empty() => Outcome::Stopped("it leads nowhere".to_owned()),
        to => tell(to, OF_INIT, |to| format!("it leads to {}", to.display())),
    }
}

/// By its magic link, which is followed.
fn own_program(_: &Targets) -> Option<Outcome> {
    const IT: &str = "/proc/self/exe";
    let opened = std::fs::OpenOptions::new().append(true).open(IT);
    // Whoever owns the file may write it, but nobody while it runs: that is told before a mount is looked at
    // (`do_dentry_open` in the kernel's `fs/open.c`). A change of its mode, to what it is, asks for nothing but the mount.
    if opened.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ExecutableFileBusy) {
        let mode = std::fs::metadata(IT).map(|found| found.permissions());
        let changed = mode.and_then(|mode| std::fs::set_permissions(IT, mode));
        return Some(tell(changed, NOT_WRITTEN, |()| "changed its mode".to_owned()));
    }
    Some(tell(opened, NOT_WRITTEN, |_| "opened it to write".to_owned()))
}

fn host_sockets(targets: &Targets) -> Option<Outcome> {
    let name = targets.abstract_socket.as_deref()?;
    Some(match std::fs::read_to_string("/proc/net/unix") {
        Ok(text) if text.contains(name) => {
            Outcome::Worked("one of the host's is listed".to_owned())
        }
        Ok(_) => Outcome::Stopped("it lists only its own".to_owned()),
        Err(error) => tell(Err::<(), _>(error), NOT_THERE, |()| String::new()),
    })
}

/// The secret's folder is on a file system that is mounted on the host; here nothing is shown of it.
fn host_mounts(targets: &Targets) -> Option<Outcome> {
    let state = targets.own_folders.first()?.to_str()?;
    Some(match std::fs::read_to_string("/proc/self/mountinfo") {
        Ok(text) => {
            let root = text.lines().find(|line| line.split(' ').nth(4) == Some("/"));
            match root {
                Some(line) if line.contains(" - tmpfs ") && !line.contains(state) => {
                    Outcome::Stopped("its root is one of its own".to_owned())
                }
                Some(_) => Outcome::Worked("its root is the host's".to_owned()),
                None => Outcome::Unclear("it has no root".to_owned()),
            }
        }
        Err(error) => Outcome::Unclear(format!("/proc/self/mountinfo: {error}")),
    })
}
