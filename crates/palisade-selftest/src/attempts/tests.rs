//! The twins: the same attempts, made where nothing stops them.
//!
//! Each has to work there, or at least to fail otherwise than it does in a sandbox: else its failure
//! inside proves nothing. Attempts that fail alike here are named, with the reason.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    path::Path,
    process::Command,
    thread,
};

use rustix::process::{getpid, setpgid};

use super::*;
use crate::{
    Outcome, Targets,
    attempt::{Act, Place},
};

#[test]
fn every_name_is_one_attempt() {
    let mut names = BTreeSet::new();
    for attempt in all() {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        assert!(attempt.name.bytes().all(plain), "{}", attempt.name);
        assert!(names.insert(attempt.name), "{} is there twice", attempt.name);
        assert!(attempt.tries.len() <= 44, "{}: {}", attempt.name, attempt.tries);
    }
    assert!(names.len() > 190, "{}", names.len());
}

/// A host for them, without a home: what is in the user's is left alone.
struct Host {
    folder: tempfile::TempDir,
    abstract_name: String,
    port: u16,
}

fn serve<S: Read + Write + Send + 'static>(
    accept: impl Fn() -> std::io::Result<S> + Send + 'static,
) {
    thread::spawn(move || {
        while let Ok(mut stream) = accept() {
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").ok();
        }
    });
}

impl Host {
    fn set_up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::write(base.join("secret"), "a secret").unwrap();
        fs::create_dir_all(base.join("state/journal")).unwrap();
        fs::create_dir_all(base.join("state/running")).unwrap();
        fs::create_dir_all(base.join("config")).unwrap();
        palisade_testkit::copy_program("/bin/true", base.join("program"));
        for name in [
            ".git/config",
            ".git/hooks/a",
            ".claude/settings.json",
            ".mcp.json",
            ".vscode/tasks.json",
            ".envrc",
            "palisade.yaml",
            ".env",
        ] {
            let path = base.join("work").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a secret").unwrap();
        }
        fs::hard_link(base.join("work/.env"), base.join("work/link")).unwrap();
        let listener = UnixListener::bind(base.join("socket")).unwrap();
        serve(move || listener.accept().map(|(stream, _)| stream));
        let abstract_name = format!("palisade-twins-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        serve(move || listener.accept().map(|(stream, _)| stream));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        serve(move || listener.accept().map(|(stream, _)| stream));
        let others: [IpAddr; 2] = [[127, 0, 0, 2].into(), Ipv6Addr::LOCALHOST.into()];
        for address in others {
            let listener = TcpListener::bind((address, port)).unwrap();
            serve(move || listener.accept().map(|(stream, _)| stream));
        }
        Self { folder, abstract_name, port }
    }

    fn targets(&self) -> Targets {
        let base = self.folder.path();
        let namespaces = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"].map(|name| {
            let link = fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
            (name.to_owned(), link.to_str().unwrap().to_owned())
        });
        let text = std::env::var("PATH").unwrap();
        Targets {
            secret: Some(base.join("secret")),
            socket: Some(base.join("socket")),
            abstract_socket: Some(self.abstract_name.clone()),
            workspace: Some(base.join("work")),
            denied: Some(".env".into()),
            denied_link: Some("link".into()),
            own_folders: vec![base.join("state"), base.join("config")],
            program: Some(base.join("program")),
            host_process: Some(getpid().as_raw_nonzero().get()),
            host_group: setpgid(None, None).is_ok().then(|| getpid().as_raw_nonzero().get()),
            namespaces: namespaces.to_vec(),
            scopes: true,
            processes: Some(1),
            open_files: Some(100),
            host_loopback: Some(self.port),
            // It stands for an unlisted one, on a machine without any network.
            unlisted_address: Some(([127, 0, 0, 1], self.port).into()),
            own_addresses: vec![Ipv4Addr::LOCALHOST.into()],
            marker: Some((text.clone(), String::new())),
            key_variable: Some("PATH".into()),
            ..Targets::default()
        }
    }
}

/// Not made outside: they would reach other machines, ask the machine's own resolver, or stay.
fn stays_inside(attempt: &Attempt) -> bool {
    const NAMED: [&str; 8] = [
        "leaves_daemon",
        "sends_udp_out",
        "asks_time_server",
        "sends_udp_over_ipv6",
        "sends_multicast",
        "asks_host_loopback_by_udp",
        "asks_other_resolver",
        "asks_other_resolver_by_tcp",
    ];
    match attempt.act {
        Act::Fetch(_) => attempt.name != "fetches_unlisted_address",
        Act::Resolve(_) => true,
        _ => NAMED.contains(&attempt.name),
    }
}

/// Attempts that fail outside as inside, on any system or on many.
const ALIKE: [(&str, &str); 9] = [
    ("leaves_by_standard_stream", "no standard stream is a folder here"),
    ("passes_capabilities", "root has none to pass on"),
    ("keeps_capabilities", "root has none to keep"),
    ("opens_ping_socket", "the kernel permits them to no group by itself"),
    ("opens_ping_socket_v6", "the kernel permits them to no group by itself"),
    ("dials_proxy_directly", "there is no proxy"),
    ("lists_acpi", "a virtual machine has nothing there"),
    ("lists_drivers", "a virtual machine has nothing there"),
    ("lists_disks", "a virtual machine has nothing there"),
];

/// What an attempt needs where the kernel alone decides; root of a container may have less.
const NEEDS: [(&str, u64); 5] = [
    ("rewrites_own_image", 24),     // CAP_SYS_RESOURCE
    ("becomes_io_flusher", 24),     // CAP_SYS_RESOURCE
    ("raises_namespace_limit", 24), // CAP_SYS_RESOURCE
    ("raises_process_limit", 24),
    ("raises_open_files_limit", 24),
];

/// Why it proves nothing that this one fails here, if so.
fn excuse(attempt: &Attempt) -> Option<String> {
    if let Some((_, why)) = ALIKE.iter().find(|(name, _)| *name == attempt.name) {
        return Some((*why).to_owned());
    }
    if let Some((_, bit)) = NEEDS.iter().find(|(name, _)| *name == attempt.name)
        && effective_capabilities() & (1 << bit) == 0
    {
        return Some(format!("root has no capability {bit} here"));
    }
    match attempt.act {
        Act::Read(Place::At(path), _)
        | Act::Write(Place::At(path), _)
        | Act::Find(Place::At(path))
            if Path::new(path).symlink_metadata().is_err() =>
        {
            Some(format!("there is no {path} here"))
        }
        // Not built into this kernel.
        Act::Socket(..) => Some("this kernel has no such sockets".to_owned()),
        _ => None,
    }
}

fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    u64::from_str_radix(line, 16).unwrap()
}

/// With a pid namespace of its own, whose init is another process of ours.
#[test]
fn outside_nothing_stops_them() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: twins of the attempts that only root can make outside");
        return;
    }
    let name = "attempts::tests::twins";
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c", "\"$0\" \"$@\" & wait $!"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
    text.lines().filter(|line| line.starts_with("note: ")).for_each(|line| println!("{line}"));
}

#[test]
#[ignore = "run by outside_nothing_stops_them"]
fn twins() {
    let host = Host::set_up();
    let targets = host.targets();
    let (mut made, mut alike, mut wrong) = (0, 0, Vec::new());
    for attempt in all() {
        if stays_inside(attempt) {
            continue;
        }
        let report = attempt.make(&targets);
        match &report.outcome {
            Outcome::Stopped(told) => match excuse(attempt) {
                Some(why) => {
                    alike += 1;
                    println!("note: {} fails outside as well: {why}", attempt.name);
                }
                None => wrong.push(format!("{}: {told}", attempt.name)),
            },
            Outcome::Worked(_) | Outcome::Seemed(_) | Outcome::Unclear(_) => made += 1,
            Outcome::NotTried => {}
        }
    }
    println!("note: {made} were not stopped outside, {alike} fail as well");
    assert!(wrong.is_empty(), "stopped although nothing should stop them:\n{}", wrong.join("\n"));
    assert!(made > 250, "only {made} prove something here");
}

/// What an ordinary user may do to what is its own: these work, not only fail otherwise.
#[test]
fn an_ordinary_user_does_these_outside() {
    let host = Host::set_up();
    let targets = host.targets();
    let work = |attempt: &&Attempt| match attempt.act {
        Act::Read(Place::Aimed(_), _) | Act::Change(Place::Aimed(_), ..) => true,
        Act::Write(Place::Aimed(_), _) | Act::Find(Place::Aimed(_)) | Act::Fetch(_) => true,
        _ => [
            "reads_secret_by_link",
            "reads_secret_by_swapped_link",
            "reads_secret_from_folder",
            "watches_secret",
            "connects_to_host_socket",
            "connects_to_abstract_socket",
            "sees_host_sockets",
            "reopens_program_to_write",
            "signals_host_process",
            "signals_host_group",
            "holds_host_process",
            "shares_pid_namespace",
            "shares_network_namespace",
            "reads_supervisor_environment",
            "takes_model_key",
            "reaches_host_loopback",
            "reaches_other_loopback",
            "reaches_host_loopback_v6",
            "reaches_mapped_loopback",
        ]
        .contains(&attempt.name),
    };
    // Where init is another's, its links are closed to this user without any sandbox.
    let elsewhere =
        |attempt: &&Attempt| !attempt.name.ends_with("_of_init") && !stays_inside(attempt);
    for attempt in all().filter(work).filter(elsewhere) {
        let report = attempt.make(&targets);
        assert!(matches!(report.outcome, Outcome::Worked(_)), "{report:?}");
    }
}

#[test]
fn a_name_that_is_known_and_a_datagram_that_is_answered_are_seen() {
    assert!(matches!(network::resolve("localhost"), Outcome::Worked(_)));
    let echo = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = echo.local_addr().unwrap().port();
    thread::spawn(move || {
        let (_, from) = echo.recv_from(&mut [0; 64]).unwrap();
        echo.send_to(b"answer", from).unwrap();
    });
    let outcome = network::datagram(Ipv4Addr::LOCALHOST.into(), port);
    assert!(matches!(outcome, Some(Outcome::Worked(_))), "{outcome:?}");
}
