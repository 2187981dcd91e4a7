use std::{
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::*;

/// Of the namespaces that this test is in.
fn callers() -> Option<Callers> {
    let Ok(socket) = Diagnosis::open() else {
        assert!(std::env::var_os("CI").is_none(), "this kernel does not tell of sockets");
        return None;
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = openat(CWD, "/proc", flags, Mode::empty()).unwrap();
    Some(Callers { diagnosis: Diagnosis::new(socket), proc, begun: Mutex::default(), marked: true })
}

#[test]
fn a_socket_is_found_by_its_ends_and_by_no_others() {
    let Some(callers) = callers() else { return };
    for (listen, dial) in
        [("127.0.0.1:0", None), ("[::1]:0", None), ("127.0.0.1:0", Some("[::ffff:127.0.0.1]"))]
    {
        let Ok(listener) = TcpListener::bind(listen) else { continue };
        let port = listener.local_addr().unwrap().port();
        let target = match dial {
            Some(host) => format!("{host}:{port}").parse().unwrap(),
            None => listener.local_addr().unwrap(),
        };
        let client = TcpStream::connect(target).unwrap();
        let (accepted, from) = listener.accept().unwrap();
        let inode = rustix::fs::fstat(&client).unwrap().st_ino;
        let to = accepted.local_addr().unwrap();
        assert_eq!(callers.diagnosis.inode(from, to), Ok(inode), "{target}");
        // What listens is no connection.
        let nobody = SocketAddr::new(from.ip(), 1);
        assert_eq!(callers.diagnosis.inode(to, nobody), Err(CallerError::NoSocket));
        drop(client);
        // A program that another test starts at the moment has it until it is executed.
        let until = Instant::now() + Duration::from_secs(20);
        while callers.diagnosis.inode(from, to).is_ok() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(callers.diagnosis.inode(from, to), Err(CallerError::NoSocket));
    }
    let (v4, v6) = ("127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
    assert_eq!(callers.diagnosis.inode(v4, v6), Err(CallerError::NoSocket));
}

#[test]
fn only_what_was_seen_to_begin_is_somebodys() {
    let Some(callers) = callers() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, from) = listener.accept().unwrap();
    let to = accepted.local_addr().unwrap();
    let inode = rustix::fs::fstat(&client).unwrap().st_ino;
    assert_eq!(callers.look(from, to).unwrap_err(), CallerError::Unseen);
    let me = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    callers.connecting(me, client.as_raw_fd(), || false);
    assert_eq!(callers.look(from, to).unwrap_err(), CallerError::Unseen);
    callers.connecting(me, client.as_raw_fd(), || true);
    // The whole machine cannot be looked through by an ordinary user, so only this process is.
    let (seen, ..) = begins(me, client.as_raw_fd(), true).unwrap();
    assert_eq!(seen, inode);
    let own = std::env::current_exe().unwrap();
    let (by, _) = callers.begun().take(inode, Instant::now()).unwrap();
    assert_eq!(by[0].path(), own.to_str().unwrap());
    let file = std::fs::File::open("/dev/null").unwrap();
    callers.connecting(me, file.as_raw_fd(), || true);
    callers.connecting(me, 4_000_000, || true);
    callers.connecting(u32::MAX, 0, || true);
    assert_eq!(callers.begun().take(inode, Instant::now()), None);
}

#[test]
fn a_file_that_is_written_over_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, "one").unwrap();
    let open = || {
        let file = std::fs::File::open(&path).unwrap();
        Executable::opened("/program".to_owned(), file.into()).unwrap()
    };
    let seen = open();
    std::thread::sleep(TICK);
    assert!(seen.is_settled() && seen.is_unchanged());
    std::fs::write(&path, "two").unwrap();
    assert!(!seen.is_unchanged());
    assert_ne!(open(), seen);
}

proptest! {
    #[test]
    fn no_link_of_proc_panics(link in prop::collection::vec(any::<u8>(), 0..40), inode: u64) {
        processes::socket_inode(&link);
        let text = format!("socket:[{inode}]");
        prop_assert_eq!(processes::socket_inode(text.as_bytes()), Some(inode));
    }
}
