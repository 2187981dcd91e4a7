//! What somebody who has taken over a reader tries. Each attempt works outside of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::TcpStream,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use palisade_sandbox::linux::cell::{Cell, CellEnd, CellLimits, Inside};
use rustix::fs::{Mode, OFlags, openat};

const LIMITS: CellLimits =
    CellLimits { memory: 1 << 30, processor: 20, answer: 1 << 20, without_landlock: false };

/// A folder that is held, beside a file that is not.
fn place() -> (tempfile::TempDir, OwnedFd) {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("held")).unwrap();
    fs::write(place.path().join("held/file"), "as it was").unwrap();
    fs::write(place.path().join("beside"), "not held").unwrap();
    let held = File::open(place.path().join("held")).unwrap().into();
    (place, held)
}

fn in_cell(
    held: Option<BorrowedFd<'_>>,
    limits: CellLimits,
    work: impl FnOnce(&mut Inside) -> String,
) -> Result<String, CellEnd> {
    let mut cell = Cell::start(held, &limits, |mut inside| {
        let said = work(&mut inside);
        inside.answer(said.as_bytes());
    })
    .unwrap();
    let answer = cell.answer(Instant::now() + Duration::from_secs(30))?;
    Ok(String::from_utf8(answer).unwrap())
}

fn told<T>(result: std::io::Result<T>) -> String {
    result.map_or_else(|error| error.kind().to_string(), |_| "it works".to_owned())
}

#[test]
fn reads_what_it_holds_and_answers() {
    let (_place, held) = place();
    let answer = in_cell(Some(held.as_fd()), LIMITS, |_| {
        let mut text = String::new();
        let opened = openat(&held, "file", OFlags::RDONLY, Mode::empty()).unwrap();
        File::from(opened).read_to_string(&mut text).unwrap();
        // Threads are its own matter.
        std::thread::spawn(move || text).join().unwrap()
    });
    assert_eq!(answer.as_deref(), Ok("as it was"));
    // Without one: what is in memory.
    let memory = "from memory".to_owned();
    assert_eq!(in_cell(None, LIMITS, |_| memory.clone()).as_deref(), Ok("from memory"));
}

#[test]
fn opens_no_other_file() {
    let (place, held) = place();
    let beside = place.path().join("beside");
    let paths = [Path::new("/etc/passwd"), &beside, Path::new("/proc/self/environ")];
    for path in paths {
        assert_eq!(told(File::open(path)), "it works", "{path:?}");
        let said = in_cell(Some(held.as_fd()), LIMITS, |_| told(File::open(path)));
        assert_eq!(said.as_deref(), Ok("permission denied"), "{path:?}");
    }
    let out = |held: &OwnedFd| {
        openat(held, "../beside", OFlags::RDONLY, Mode::empty()).map_err(std::io::Error::from)
    };
    assert_eq!(told(out(&held)), "it works");
    let said = in_cell(Some(held.as_fd()), LIMITS, |_| told(out(&held)));
    assert_eq!(said.as_deref(), Ok("permission denied"));
}

#[test]
fn writes_nothing() {
    let (place, held) = place();
    let file = place.path().join("held/file");
    for path in [file.clone(), place.path().join("held/fresh"), place.path().join("fresh")] {
        let write = || OpenOptions::new().create(true).append(true).open(&path);
        let said = in_cell(Some(held.as_fd()), LIMITS, |_| told(write()));
        assert_eq!(said.as_deref(), Ok("permission denied"), "{path:?}");
        assert_eq!(told(write()), "it works");
    }
    let remove = || fs::remove_file(&file);
    assert_eq!(in_cell(Some(held.as_fd()), LIMITS, |_| told(remove())), Err(CellEnd::Intruder));
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was");
}

#[test]
fn reaches_nobody_and_starts_nothing() {
    let (_place, held) = place();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(told(TcpStream::connect(address)), "it works");
    let attempts: [(&str, &dyn Fn() -> String); 4] = [
        ("connect", &|| told(TcpStream::connect(address))),
        ("bind", &|| told(std::net::UdpSocket::bind("127.0.0.1:0"))),
        ("a unix socket", &|| told(std::os::unix::net::UnixStream::pair())),
        ("exec", &|| Command::new("/bin/true").exec().to_string()),
    ];
    for (name, attempt) in attempts {
        let said = in_cell(Some(held.as_fd()), LIMITS, |_| attempt());
        assert_eq!(said, Err(CellEnd::Intruder), "{name}");
    }
    let said = in_cell(Some(held.as_fd()), LIMITS, |_| told(Command::new("/bin/true").spawn()));
    assert!(said != Ok("it works".to_owned()), "{said:?}");
    let parent = rustix::process::getpid();
    let signal = || told(rustix::process::test_kill_process(parent).map_err(Into::into));
    assert_eq!(signal(), "it works");
    assert_eq!(in_cell(None, LIMITS, |_| signal()), Err(CellEnd::Intruder));
}

#[test]
fn has_nothing_of_its_parents() {
    let (place, held) = place();
    let other = File::open(place.path().join("beside")).unwrap();
    let number = other.as_raw_fd();
    assert!(std::env::vars_os().next().is_some());
    let said = in_cell(Some(held.as_fd()), LIMITS, |_| {
        let open = fs::read_link(format!("/proc/self/fd/{number}")).is_ok();
        let variables = std::env::vars_os().filter(|(name, _)| !name.is_empty()).count();
        // Nobody sees it, nor what it writes where its parent writes.
        let seen = std::io::stdout().write_all(b"\x1b[2J").is_ok();
        format!("{open} {variables} {seen}")
    });
    assert_eq!(said.as_deref(), Ok("false 0 true"));
    let root = rustix::process::geteuid().is_root();
    for (held, user) in [(Some(held.as_fd()), "0"), (None, "65534")] {
        let cell = Cell::start(held, &LIMITS, |mut inside| while inside.order().is_some() {});
        let cell = cell.unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", cell.pid())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_ascii_whitespace().next().unwrap().to_owned()
        };
        for sets in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(field(sets), "0000000000000000", "{sets}");
        }
        assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".into(), "2".into()));
        if root {
            assert_eq!((field("CapBnd"), field("Uid")), ("0000000000000000".into(), user.into()));
        }
    }
}

#[test]
fn ends_at_its_limits() {
    let memory = in_cell(None, CellLimits { memory: 256 << 20, ..LIMITS }, |_| {
        std::hint::black_box(vec![1_u8; 1 << 30]).len().to_string()
    });
    assert!(matches!(memory, Err(CellEnd::Signal(_))), "{memory:?}");
    let processor = in_cell(None, CellLimits { processor: 1, ..LIMITS }, |_| {
        loop {
            std::hint::spin_loop();
        }
    });
    assert!(matches!(processor, Err(CellEnd::Processor)), "{processor:?}");
    let large = in_cell(None, CellLimits { answer: 10, ..LIMITS }, |_| "x".repeat(11));
    assert_eq!(large, Err(CellEnd::TooLarge));
    let panic = in_cell(None, LIMITS, |_| panic!("in the reader"));
    assert_eq!(panic, Err(CellEnd::Early(1)));
    let mut silent =
        Cell::start(None, &LIMITS, |mut inside| while inside.order().is_some() {}).unwrap();
    assert_eq!(silent.answer(Instant::now() + Duration::from_millis(50)), Err(CellEnd::Silent));
}
