use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    assemble::{
        AND, Instruction, JUMP, JUMP_EQUAL, JUMP_GREATER_EQUAL, LOAD, RETURN, RETURN_ALLOW,
        RETURN_ERRNO, RETURN_KILL_PROCESS,
    },
    *,
};
use crate::linux::sys::notify::Registers;

/// `struct seccomp_data`.
#[derive(Debug, Clone, Copy)]
struct Call {
    architecture: u32,
    number: u32,
    arguments: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        let mut bytes = Vec::new();
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.architecture.to_le_bytes());
        bytes.extend([0x5a; 8]); // the instruction pointer, which no program may look at
        for argument in self.arguments {
            bytes.extend(argument.to_le_bytes());
        }
        let at = offset as usize;
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }
}

/// What the kernel would do: classic BPF, the instructions that the assembler uses. Also counts.
fn interpret(program: &[Instruction], call: &Call) -> (u32, usize) {
    let (mut accumulator, mut at, mut steps) = (0_u32, 0_usize, 0_usize);
    loop {
        let Instruction { code, jump_true, jump_false, operand } = program[at];
        let branch = |holds: bool| usize::from(if holds { jump_true } else { jump_false });
        steps += 1;
        at += 1;
        match code {
            LOAD => accumulator = call.word(operand),
            AND => accumulator &= operand,
            JUMP => at += operand as usize,
            JUMP_EQUAL => at += branch(accumulator == operand),
            JUMP_GREATER_EQUAL => at += branch(accumulator >= operand),
            RETURN => return (operand, steps),
            other => panic!("instruction {other:#x} at {at}"),
        }
    }
}

fn filter() -> Filter {
    Filter::compile(&SyscallPolicy::default()).unwrap()
}

fn run(filter: &Filter, number: u32, arguments: [u64; 6]) -> u32 {
    interpret(&filter.program, &Call { architecture: ARCHITECTURE, number, arguments }).0
}

fn answer(name: &str, arguments: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    run(&filter(), number_of(name).unwrap(), all)
}

fn errno(errno: i32) -> u32 {
    RETURN_ERRNO | errno.unsigned_abs()
}

#[test]
fn every_known_call_is_in_exactly_one_row() {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in table::rows() {
        assert!(!row.reason.is_empty());
        for name in row.names() {
            *rows.entry(name).or_default() += 1;
        }
    }
    for (name, _) in numbers::NATIVE {
        assert_eq!(rows.remove(name), Some(1), "{name}");
    }
    let left: Vec<_> = rows.keys().collect();
    assert!(left.is_empty(), "rows for calls that do not exist: {left:?}");
}

#[test]
fn numbers_are_sorted_by_name_and_used_once() {
    for list in [numbers::X86_64, numbers::AARCH64] {
        assert!(list.is_sorted_by(|(one, _), (next, _)| one < next));
        let mut numbers: Vec<_> = list.iter().map(|(_, number)| number).collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by(|one, next| one < next));
    }
}

#[test]
fn numbers_are_those_of_the_c_library() {
    let expected = [
        ("read", libc::SYS_read),
        ("openat", libc::SYS_openat),
        ("clone", libc::SYS_clone),
        ("clone3", libc::SYS_clone3),
        ("socket", libc::SYS_socket),
        ("ioctl", libc::SYS_ioctl),
        ("prctl", libc::SYS_prctl),
        ("ptrace", libc::SYS_ptrace),
        ("mount", libc::SYS_mount),
        ("bpf", libc::SYS_bpf),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("rseq", libc::SYS_rseq),
        ("openat2", libc::SYS_openat2),
        ("landlock_restrict_self", libc::SYS_landlock_restrict_self),
        ("mseal", libc::SYS_mseal),
    ];
    for (name, number) in expected {
        assert_eq!(number_of(name).map(i64::from), Some(number), "{name}");
    }
}

#[test]
fn every_number_gets_what_its_row_says() {
    let filter = filter();
    for number in 0..=1000 {
        let name = numbers::NATIVE.iter().find(|(_, known)| *known == number).map(|(name, _)| name);
        let answered = run(&filter, number, [u64::MAX; 6]);
        let Some(name) = name else {
            assert_eq!(answered, errno(libc::ENOSYS), "{number}");
            continue;
        };
        let row = table::rows().find(|row| row.names().any(|call| call == *name)).unwrap();
        match row.rule {
            Rule::Allow => assert_eq!(answered, RETURN_ALLOW, "{name}"),
            Rule::Refuse(code) | Rule::Never(code) => assert_eq!(answered, errno(code), "{name}"),
            Rule::Check { .. } => {}
        }
    }
}

#[test]
fn foreign_entries_are_killed() {
    let filter = filter();
    for architecture in [0x4000_0003, 0x4000_0028, 0, u32::MAX, ARCHITECTURE ^ 1] {
        for number in [0, 1, 11, 59, 102, 358] {
            let call = Call { architecture, number, arguments: [0; 6] };
            assert_eq!(interpret(&filter.program, &call).0, RETURN_KILL_PROCESS);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn x32_numbers_are_killed() {
    let filter = filter();
    for number in [0, 1, 41, 59, 101, 512, 520, 547, 0x3fff_ffff, 0xbfff_fffe] {
        assert_eq!(run(&filter, number | X32, [0; 6]), RETURN_KILL_PROCESS);
    }
    assert_eq!(run(&filter, u32::MAX, [0; 6]), errno(libc::ENOSYS));
    assert_eq!(run(&filter, X32 - 1, [0; 6]), errno(libc::ENOSYS));
}

#[test]
fn sockets_are_unix_tcp_udp_and_the_interface_list() {
    for flags in [0, 0o4000, 0o2_000_000, 0o2_004_000] {
        for (family, kind, protocol) in [
            (1, 1, 0),
            (1, 2, 0),
            (1, 5, 0),
            (1, 1, 1),
            (2, 1, 0),
            (2, 1, 6),
            (2, 2, 0),
            (2, 2, 17),
            (10, 1, 6),
            (10, 2, 17),
            (16, 3, 0),
            (16, 2, 0),
        ] {
            let answered = answer("socket", &[family, kind | flags, protocol]);
            assert_eq!(answered, RETURN_ALLOW, "{family} {kind} {protocol}");
        }
        for (family, kind, protocol, code) in [
            (2, 3, 1, libc::EPERM),             // raw
            (2, 3, 255, libc::EPERM),           //
            (10, 3, 58, libc::EPERM),           //
            (2, 2, 1, libc::EACCES),            // ping
            (10, 2, 58, libc::EACCES),          //
            (2, 1, 262, libc::EPROTONOSUPPORT), // MPTCP
            (2, 2, 136, libc::EPROTONOSUPPORT), // UDP-Lite
            (2, 1, 132, libc::EPROTONOSUPPORT), // SCTP
            (2, 5, 132, libc::EPROTONOSUPPORT), //
            (2, 6, 33, libc::EPROTONOSUPPORT),  // DCCP
            (2, 10, 0, libc::EPROTONOSUPPORT),  // SOCK_PACKET
            (2, 1, 17, libc::EPROTONOSUPPORT),  //
            (1, 3, 0, libc::EPROTONOSUPPORT),   // raw unix
            (16, 3, 4, libc::EPROTONOSUPPORT),  // sock_diag
            (16, 3, 12, libc::EPROTONOSUPPORT), // netfilter
            (16, 3, 9, libc::EPROTONOSUPPORT),  // audit
            (16, 3, 15, libc::EPROTONOSUPPORT), // uevents
            (17, 3, 0x300, libc::EAFNOSUPPORT), // packet
            (38, 5, 0, libc::EAFNOSUPPORT),     // AF_ALG
            (40, 1, 0, libc::EAFNOSUPPORT),     // vsock
            (44, 3, 0, libc::EAFNOSUPPORT),     // XDP
            (15, 3, 2, libc::EAFNOSUPPORT),     // key
            (30, 1, 0, libc::EAFNOSUPPORT),     // TIPC
            (31, 1, 0, libc::EAFNOSUPPORT),     // bluetooth
            (43, 1, 0, libc::EAFNOSUPPORT),     // SMC
        ] {
            let answered = answer("socket", &[family, kind | flags, protocol]);
            assert_eq!(answered, errno(code), "{family} {kind} {protocol}");
        }
    }
    assert_eq!(answer("socketpair", &[1, 1, 0]), RETURN_ALLOW);
    assert_eq!(answer("socketpair", &[30, 5, 0]), errno(libc::EAFNOSUPPORT));
}

#[test]
fn clone_makes_no_namespace() {
    let thread = 0x003d_0f00;
    assert_eq!(answer("clone", &[thread]), RETURN_ALLOW);
    assert_eq!(answer("clone", &[u64::from(libc::SIGCHLD.unsigned_abs())]), RETURN_ALLOW);
    for bit in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        0x80, // CLONE_NEWTIME
        libc::CLONE_UNTRACED,
    ] {
        let bit = u64::from(bit.cast_unsigned());
        assert_eq!(answer("clone", &[bit | 17]), errno(libc::EPERM), "{bit:#x}");
        assert_eq!(answer("clone", &[bit | thread]), errno(libc::EPERM), "{bit:#x}");
    }
    assert_eq!(answer("clone3", &[0; 6]), errno(libc::ENOSYS));
}

#[test]
fn ioctl_compares_the_low_half_only() {
    for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] {
        assert_eq!(answer("ioctl", &[0, 0x5412 | high]), errno(libc::EPERM));
        assert_eq!(answer("ioctl", &[0, 0x541c | high]), errno(libc::EPERM));
        assert_eq!(answer("ioctl", &[0, 0x5401 | high]), RETURN_ALLOW);
        assert_eq!(answer("ioctl", &[0, 0x8004_5200 | high]), RETURN_ALLOW);
    }
    assert_eq!(answer("ioctl", &[0, 0x5000_9401]), errno(libc::ENOTTY)); // btrfs snapshot
}

#[test]
fn other_arguments_that_matter() {
    let refused = errno(libc::EPERM);
    assert_eq!(answer("prctl", &[15]), RETURN_ALLOW);
    assert_eq!(answer("prctl", &[35]), refused);
    assert_eq!(answer("prctl", &[35 | 1 << 32]), refused);
    assert_eq!(answer("prctl", &[0x5961_6d61]), refused);
    assert_eq!(answer("prctl", &[47, 2]), refused);
    assert_eq!(answer("prctl", &[47, 1]), RETURN_ALLOW);
    assert_eq!(answer("prctl", &[9999]), errno(libc::EINVAL));
    assert_eq!(answer("seccomp", &[1, 1]), RETURN_ALLOW);
    assert_eq!(answer("seccomp", &[1, 8]), refused);
    assert_eq!(answer("seccomp", &[1, 9]), refused);
    assert_eq!(answer("seccomp", &[3, 0]), refused);
    assert_eq!(answer("personality", &[0xffff_ffff]), RETURN_ALLOW);
    assert_eq!(answer("personality", &[0]), RETURN_ALLOW);
    assert_eq!(answer("personality", &[0x0040_0000]), refused);
    assert_eq!(answer("personality", &[8]), refused);
    assert_eq!(answer("sched_setscheduler", &[0, 3]), RETURN_ALLOW);
    assert_eq!(answer("sched_setscheduler", &[0, 1]), refused);
    assert_eq!(answer("sched_setscheduler", &[0, 2 | 0x4000_0000]), refused);
    assert_eq!(answer("prlimit64", &[0]), RETURN_ALLOW);
    assert_eq!(answer("prlimit64", &[1]), refused);
    // The limit of core dumps may be read; setting it is answered, and not done.
    assert_eq!(answer("prlimit64", &[0, 4, 0, 0x7fff_0000_1000]), RETURN_ALLOW);
    for new in [0x7fff_0000_1000, 0x1_0000_0000, 0x1000] {
        assert_eq!(answer("prlimit64", &[0, 4, new, 0]), errno(0));
        assert_eq!(answer("prlimit64", &[0, 15, new, 0]), errno(0));
        assert_eq!(answer("prlimit64", &[0, 15 | 1 << 32, new, 0]), errno(0));
        assert_eq!(answer("prlimit64", &[1, 15, new, 0]), refused);
        assert_eq!(answer("prlimit64", &[1, 4, new, 0]), refused);
        assert_eq!(answer("prlimit64", &[0, 7, new, 0]), RETURN_ALLOW);
    }
    assert_eq!(answer("setrlimit", &[4, 0x1000]), errno(0));
    assert_eq!(answer("setrlimit", &[15, 0x1000]), errno(0));
    assert_eq!(answer("setrlimit", &[15 | 1 << 32, 0x1000]), errno(0));
    assert_eq!(answer("setrlimit", &[4 | 1 << 32, 0x1000]), errno(0));
    assert_eq!(answer("setrlimit", &[7, 0x1000]), RETURN_ALLOW);
    assert_eq!(answer("mknodat", &[0, 0, 0o010_644]), RETURN_ALLOW);
    assert_eq!(answer("mknodat", &[0, 0, 0o020_644]), refused);
    assert_eq!(answer("mknodat", &[0, 0, 0o060_644]), refused);
}

#[test]
fn a_policy_opens_what_may_be_opened_and_closes_the_rest() {
    let policy = |allow: &[&str], deny: &[&str]| {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Filter::compile(&SyscallPolicy {
            allow: owned(allow),
            deny: owned(deny),
            watch_connect: false,
            hold_exec: false,
            watch_paths: false,
        })
    };
    let number = |name| number_of(name).unwrap();
    let opened = policy(&["ptrace"], &["connect"]).unwrap();
    assert_eq!(run(&opened, number("ptrace"), [0; 6]), RETURN_ALLOW);
    assert_eq!(run(&opened, number("connect"), [0; 6]), errno(libc::EPERM));
    assert_eq!(run(&opened, number("bind"), [0; 6]), RETURN_ALLOW);
    let both = policy(&["ptrace"], &["ptrace", "ioctl"]).unwrap();
    assert_eq!(run(&both, number("ptrace"), [0; 6]), errno(libc::EPERM));
    assert_eq!(run(&both, number("ioctl"), [0, 0x5401, 0, 0, 0, 0]), errno(libc::EPERM));
    // Naming a call that is checked does not lift the check.
    let checked = policy(&["clone", "socket"], &[]).unwrap();
    assert_eq!(run(&checked, number("clone"), [0x1000_0000; 6]), errno(libc::EPERM));

    for name in ["mount", "bpf", "unshare", "io_uring_setup", "clone3", "perf_event_open"] {
        assert!(matches!(policy(&[name], &[]), Err(SeccompError::Never { .. })), "{name}");
    }
    assert_eq!(policy(&["mout"], &[]), Err(SeccompError::Unknown("mout".into())));
    assert_eq!(policy(&[], &["execve"]), Err(SeccompError::Needed("execve".into())));
    assert!(is_known_syscall("open") && is_known_syscall("openat2") && !is_known_syscall("Open"));
}

#[test]
fn no_file_is_made_with_a_set_id_bit() {
    let roots = Filter::compile_for_root(&SyscallPolicy::default()).unwrap();
    // Where the flags and the mode are; a call without flags makes a file always.
    for (call, flags_at, mode_at) in [
        ("openat", Some(2), 3),
        ("open", Some(1), 2),
        ("creat", None, 1),
        ("mknodat", None, 2),
        ("mknod", None, 1),
    ] {
        let Some(number) = number_of(call) else { continue };
        for flags in [0_u64, 0o100, 0o101, 0o302, 0o20_200_002, 0o2_000_000] {
            let makes = flags_at.is_none() || flags & 0o20_000_100 != 0;
            for (mode, user, group) in
                [(0o644_u64, false, false), (0o4755, true, false), (0o2755, false, true)]
            {
                for high in [0, 0xdead_0000_0000_0000] {
                    let mut arguments = [high; 6];
                    arguments[mode_at] |= mode;
                    if let Some(at) = flags_at {
                        arguments[at] |= flags;
                    }
                    let expected = |bit: bool| {
                        if bit && makes { errno(libc::EPERM) } else { RETURN_ALLOW }
                    };
                    let told = format!("{call} {flags:o} {mode:o}");
                    assert_eq!(run(&filter(), number, arguments), expected(user), "{told}");
                    assert_eq!(run(&roots, number, arguments), expected(user || group), "{told}");
                }
            }
        }
    }
    assert_eq!(answer("openat2", &[0; 6]), errno(libc::ENOSYS));
}

#[test]
fn options_of_sockets_that_reach_rare_parts() {
    for high in [0, 0xdead_0000_0000_0000] {
        for (level, name, code) in [
            (1, 26, libc::EPERM),         // SO_ATTACH_FILTER
            (1, 50, libc::EPERM),         // SO_ATTACH_BPF
            (1, 51, libc::EPERM),         // SO_ATTACH_REUSEPORT_CBPF
            (1, 52, libc::EPERM),         // SO_ATTACH_REUSEPORT_EBPF
            (6, 31, libc::ENOENT),        // TCP_ULP
            (6, 14, libc::ENOPROTOOPT),   // TCP_MD5SIG
            (6, 38, libc::ENOPROTOOPT),   // TCP_AO_ADD_KEY
            (17, 100, libc::ENOPROTOOPT), // UDP_ENCAP
        ] {
            assert_eq!(answer("setsockopt", &[3, level | high, name | high]), errno(code));
        }
        for (level, name) in [(1, 2), (1, 9), (1, 15), (6, 1), (6, 26), (6, 4), (41, 26), (0, 50)] {
            assert_eq!(answer("setsockopt", &[3, level | high, name | high]), RETURN_ALLOW);
        }
    }
}

#[test]
fn memory_is_not_merged_and_renames_leave_no_whiteout() {
    for advice in [0, 4, 8, 14, 15, 21, 25] {
        assert_eq!(answer("madvise", &[0x1000, 0x1000, advice]), RETURN_ALLOW);
    }
    assert_eq!(answer("madvise", &[0x1000, 0x1000, 12 | 1 << 40]), errno(libc::EINVAL));
    assert_eq!(answer("madvise", &[0x1000, 0x1000, 100]), errno(libc::EPERM));
    assert_eq!(answer("prctl", &[67, 1]), errno(libc::EPERM));
    for flags in [0, 1, 2] {
        assert_eq!(answer("renameat2", &[0, 0, 0, 0, flags]), RETURN_ALLOW);
    }
    for flags in [4, 5, 4 | 1 << 33] {
        assert_eq!(answer("renameat2", &[0, 0, 0, 0, flags]), errno(libc::EPERM));
    }
}

#[test]
fn set_id_bits_are_refused_whatever_else_is_in_the_mode() {
    let (own, roots) = (filter(), Filter::compile_for_root(&SyscallPolicy::default()).unwrap());
    for (call, at) in [("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2)] {
        let Some(number) = number_of(call) else { continue };
        for (mode, set_user, set_group) in [
            (0o755_u64, false, false),
            (0o1777, false, false),
            (0o100_644, false, false),
            (0o4755, true, false),
            (0o100_000 | 0o4000, true, false),
            (0xffff_ffff_0000_0000 | 0o4755, true, false),
            (0o2755, false, true),
            (0o6777, true, true),
        ] {
            let mut arguments = [0; 6];
            arguments[at] = mode;
            let expected = |refused| if refused { errno(libc::EPERM) } else { RETURN_ALLOW };
            assert_eq!(run(&own, number, arguments), expected(set_user), "{call} {mode:o}");
            let refused = set_user || set_group;
            assert_eq!(run(&roots, number, arguments), expected(refused), "{call} {mode:o}");
        }
    }
}

#[test]
fn lists_fit_the_jumps_and_the_program_is_short() {
    for row in table::rows() {
        if let Rule::Check { clauses, .. } = row.rule {
            for test in clauses.iter().flat_map(|clause| clause.tests) {
                assert!(!test.one_of.is_empty() && test.one_of.len() < 256, "{}", row.reason);
                assert!(test.argument < 6);
                assert!(test.one_of.iter().all(|value| value & !test.mask == 0), "{}", row.reason);
            }
        }
    }
    let filter = filter();
    assert!(filter.len() < 1024, "{} instructions", filter.len());
    let deepest = (0..=500)
        .filter(|number| *number != number_of("ioctl").unwrap())
        .map(|number| {
            let call = Call { architecture: ARCHITECTURE, number, arguments: [0; 6] };
            interpret(&filter.program, &call).1
        })
        .max();
    println!("{} instructions, at most {} run", filter.len(), deepest.unwrap());
}

#[test]
fn no_jump_leaves_the_program() {
    let filter = filter();
    for (index, instruction) in filter.program.iter().enumerate() {
        let furthest = match instruction.code {
            JUMP => instruction.operand as usize,
            _ => usize::from(instruction.jump_true.max(instruction.jump_false)),
        };
        assert!(index + 1 + furthest <= filter.len(), "instruction {index}");
    }
    assert_eq!(filter.program.last().unwrap().code, RETURN);
}

fn low_half(argument: u64) -> u32 {
    u32::try_from(argument & u64::from(u32::MAX)).unwrap()
}

/// Decides by the table, without the program.
fn model(number: u32, arguments: [u64; 6]) -> u32 {
    let verdict = |verdict| match verdict {
        Verdict::Allow => RETURN_ALLOW,
        Verdict::Fail(code) | Verdict::FailUntold(code) => errno(code),
        Verdict::Watch => assemble::RETURN_TELL,
        Verdict::Hold => assemble::RETURN_TELL | assemble::HELD,
        Verdict::Kill => RETURN_KILL_PROCESS,
    };
    let known = numbers::NATIVE.iter().find(|(_, known)| *known == number);
    let Some((name, _)) = known else {
        let x32 = cfg!(target_arch = "x86_64") && (0x4000_0000..u32::MAX).contains(&number);
        return if x32 { RETURN_KILL_PROCESS } else { errno(libc::ENOSYS) };
    };
    let row = table::rows().find(|row| row.names().any(|call| call == *name)).unwrap();
    match row.rule {
        Rule::Allow => RETURN_ALLOW,
        Rule::Refuse(code) | Rule::Never(code) => errno(code),
        Rule::Check { clauses, otherwise } => clauses
            .iter()
            .find(|clause| {
                clause.tests.iter().all(|test| {
                    let argument = arguments[test.argument as usize];
                    let half = if test.upper { argument >> 32 } else { argument };
                    test.one_of.contains(&(low_half(half) & test.mask))
                })
            })
            .map_or(errno(otherwise), |clause| verdict(clause.verdict)),
    }
}

/// Values near what the rules look for, and any others.
fn argument() -> impl Strategy<Value = u64> {
    let values: Vec<u64> = table::rows()
        .filter_map(|row| match row.rule {
            Rule::Check { clauses, .. } => Some(clauses),
            _ => None,
        })
        .flatten()
        .flat_map(|clause| clause.tests)
        .flat_map(|test| test.one_of)
        .map(|value| u64::from(*value))
        .collect();
    prop_oneof![
        proptest::sample::select(values),
        0_u64..300,
        (0_u32..64).prop_map(|bit| 1 << bit),
        any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_program_says_what_the_table_says(
        number in prop_oneof![0_u32..=480, any::<u32>()],
        arguments in proptest::array::uniform6(argument()),
    ) {
        prop_assert_eq!(run(&filter(), number, arguments), model(number, arguments));
    }

    /// With a listener the same calls are refused with the same errno, and no others are told of.
    #[test]
    fn a_listener_changes_no_answer(
        number in prop_oneof![0_u32..=480, any::<u32>()],
        arguments in proptest::array::uniform6(argument()),
    ) {
        let filter = filter();
        let registers = Registers { number, architecture: ARCHITECTURE, arguments };
        let told = decide::decide(filter.telling.as_ref().unwrap(), &registers).unwrap();
        let expected = model(number, arguments);
        if told & assemble::ACTION == assemble::RETURN_TELL {
            prop_assert_eq!(RETURN_ERRNO | (told & !assemble::ACTION), expected);
        } else {
            prop_assert_eq!(told, expected);
            let missing = [libc::ENOSYS, libc::EINVAL, libc::ENOTTY].map(errno);
            // Or is answered as if it were done.
            let loud = [RETURN_ALLOW, RETURN_KILL_PROCESS, errno(0)];
            let name = numbers::NATIVE.iter().find(|(_, known)| *known == number);
            let untold = name.is_some_and(|(name, _)| rule::UNTOLD.contains(name));
            prop_assert!(untold || missing.contains(&told) || loud.contains(&told));
        }
    }

    #[test]
    fn checked_calls_too(
        name in proptest::sample::select(vec![
            "socket", "socketpair", "clone", "ioctl", "prctl", "seccomp", "mknodat", "personality",
            "sched_setscheduler", "prlimit64",
        ]),
        arguments in proptest::array::uniform6(argument()),
    ) {
        let number = number_of(name).unwrap();
        prop_assert_eq!(run(&filter(), number, arguments), model(number, arguments));
    }

    #[test]
    fn a_denial_never_allows_more(
        denied in proptest::sample::subsequence(
            numbers::NATIVE.iter().map(|(name, _)| *name).filter(|name| !NEEDED.contains(name))
                .collect::<Vec<_>>(),
            0..20,
        ),
        number in 0_u32..=480,
        arguments in proptest::array::uniform6(argument()),
    ) {
        let deny = denied.iter().map(|name| (*name).to_owned()).collect();
        let narrower = Filter::compile(&SyscallPolicy { deny, ..Default::default() }).unwrap();
        if run(&narrower, number, arguments) == RETURN_ALLOW {
            prop_assert_eq!(run(&filter(), number, arguments), RETURN_ALLOW);
        }
    }
}
