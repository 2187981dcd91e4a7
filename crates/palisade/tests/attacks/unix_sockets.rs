//! Programs of the host that listen on unix sockets.

use std::{
    io::{BufRead, BufReader},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram, UnixListener},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::world::{Ran, World};

#[test]
fn connects_to_an_abstract_socket_of_the_host() {
    let Some(world) = World::plain() else { return };
    let name = format!("palisade-attack-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let word = format!("unix=@{name}");
    assert_eq!(world.attempt_outside(&[&word])[&word], "worked");
    assert_eq!(world.attempt_inside(&[&word])[&word], "ECONNREFUSED");
    drop(listener);
}

/// Neither another network namespace nor a read-only mount stops this.
#[test]
fn connects_to_a_path_socket_of_the_host() {
    let Some(world) = World::new("filesystem: {read: [../shared]}") else { return };
    std::fs::create_dir(world.at("shared")).unwrap();
    std::fs::create_dir(world.at("work/tmp")).unwrap();
    let stream = |path: &PathBuf| UnixListener::bind(path).unwrap();
    let places: Vec<PathBuf> =
        ["work/app.sock", "work/tmp/app.sock", "shared/app.sock", "home/agent.sock"]
            .map(|path| world.at(path))
            .into();
    let listeners: Vec<UnixListener> = places.iter().map(stream).collect();
    // Moved after it was bound, its name no longer tells where it is.
    std::fs::rename(&places[0], world.at("work/moved.sock")).unwrap();
    let datagrams = UnixDatagram::bind(world.at("work/log.sock")).unwrap();
    std::fs::hard_link(&places[1], world.at("work/second.sock")).unwrap();
    let mut words: Vec<String> =
        places.iter().skip(1).map(|path| format!("unix={}", path.display())).collect();
    words.push("unix=moved.sock".into());
    words.push("unix=second.sock".into());
    words.push("unix-dgram=log.sock".into());
    for (word, outcome) in world.attempt_outside(&words) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    datagrams.set_nonblocking(true).unwrap();
    datagrams.recv(&mut [0; 8]).unwrap();
    for listener in &listeners {
        listener.set_nonblocking(true).unwrap();
        listener.accept().unwrap();
        // One was connected to by each of its names.
        while listener.accept().is_ok() {}
    }
    for (word, outcome) in world.attempt_inside(&words) {
        let there = !word.contains("home");
        let expected: &[&str] = if there { &["ECONNREFUSED", "EACCES"] } else { &["ENOENT"] };
        assert!(expected.contains(&outcome.as_str()), "{word} inside: {outcome}");
    }
    assert!(listeners.iter().all(|listener| listener.accept().is_err()));
    assert!(datagrams.recv(&mut [0; 8]).is_err());
}

/// Programs of the host make and remove sockets all the time: what is gone needs no cover, and is no reason to refuse a
/// launch.
#[test]
fn sessions_start_while_sockets_of_the_host_come_and_go() {
    let Some(world) = World::plain() else { return };
    let stays = UnixListener::bind(world.at("work/stays.sock")).unwrap();
    let come_and_go = "import os, random, socket, time\n\
         while True:\n\
         \x20   names = [f'{random.randrange(10**9)}.sock' for _ in range(30)]\n\
         \x20   held = [socket.socket(socket.AF_UNIX) for _ in names]\n\
         \x20   for one, name in zip(held, names):\n\
         \x20       one.bind(name)\n\
         \x20       one.listen()\n\
         \x20   for name in names:\n\
         \x20       time.sleep(random.random() * 0.001)\n\
         \x20       os.unlink(name)\n";
    let mut host = host_python(&world, come_and_go);
    let all: Vec<Ran> = (0..60).map(|_| world.inside_python(CONNECTS_TO_STAYS)).collect();
    host.kill().unwrap();
    host.wait().unwrap();
    for ran in &all {
        assert_eq!(ran.good(), "refused", "{ran}");
    }
    assert_eq!(world.outside_python(CONNECTS_TO_STAYS).good(), "connected");
    drop(stays);
}

const CONNECTS_TO_STAYS: &str = "import socket\n\
     try:\n\
     \x20   socket.socket(socket.AF_UNIX).connect('stays.sock')\n\
     \x20   print('connected')\n\
     except OSError:\n\
     \x20   print('refused')\n";

const CONNECTS_TO_A: &str = "import socket\n\
     socket.socket(socket.AF_UNIX).connect('a.sock')\n\
     print('connected')\n";

/// One that was renamed is no longer where it was to be covered, and is shown by its new name.
#[test]
fn connects_to_a_socket_that_is_moved_while_sessions_start() {
    let Some(world) = World::plain() else { return };
    let listener = UnixListener::bind(world.at("work/a.sock")).unwrap();
    // While the session is begun, and not later: then it is covered right behind its appearance, and not before.
    let moves = "import os, random, time\n\
         end = time.monotonic() + random.random() * 0.3\n\
         while time.monotonic() < end:\n\
         \x20   for one, other in ('a.sock', 'b.sock'), ('b.sock', 'a.sock'):\n\
         \x20       os.rename(one, other)\n\
         \x20       time.sleep(random.random() * 0.004)\n";
    let connects = "import socket, time\n\
         def connected(name):\n\
         \x20   try: socket.socket(socket.AF_UNIX).connect(name)\n\
         \x20   except OSError: return False\n\
         \x20   return True\n\
         time.sleep(0.4)\n\
         end = time.monotonic() + 10\n\
         while any([connected('a.sock'), connected('b.sock')]):\n\
         \x20   if time.monotonic() > end:\n\
         \x20       print('connected')\n\
         \x20       break\n\
         \x20   time.sleep(0.05)\n";
    let begun = || {
        let mut host = host_python(&world, moves);
        let ran = world.inside_python(connects);
        assert!(host.wait().unwrap().success());
        ran
    };
    let all: Vec<Ran> = (0..20).map(|_| begun()).collect();
    for ran in &all {
        assert_eq!(ran.out, "", "{ran}");
        // What was seen once by neither name is not known to be there.
        assert!(matches!(ran.code, Some(0 | 125)), "{ran}");
    }
    assert_eq!(world.outside_python(CONNECTS_TO_A).good(), "connected");
    drop(listener);
}

fn host_python(world: &World, program: &str) -> Child {
    let mut host = Command::new("/usr/bin/python3");
    host.args(["-c", program]).current_dir(world.workspace()).spawn().unwrap()
}

/// A program of the host is started while the session runs: a language server, a watcher, a database of the tests.
#[test]
fn connects_to_a_socket_that_the_host_binds_later() {
    for kind in ["rw", "overlay"] {
        let policy = format!("filesystem: {{workspace: {{path: ../work, access: {kind}}}}}");
        let Some(world) = World::new(&policy) else { return };
        let script = "import os, socket, sys, time\n\
             names = ['late.sock', 'new/deep/late.sock', 'moved.sock']\n\
             own = socket.socket(socket.AF_UNIX)\n\
             own.bind('own.sock')\n\
             own.listen()\n\
             def connected(name):\n\
             \x20   try: socket.socket(socket.AF_UNIX).connect(name)\n\
             \x20   except OSError: return False\n\
             \x20   return True\n\
             end = time.monotonic() + 30\n\
             if 'unconfined' in sys.argv:\n\
             \x20   print(*map(connected, names))\n\
             \x20   sys.exit()\n\
             print('ready', flush=True)\n\
             time.sleep(3)\n\
             while any(map(connected, names)) or not all(map(os.path.exists, names)):\n\
             \x20   if time.monotonic() > end: sys.exit('one can be connected to')\n\
             \x20   time.sleep(0.01)\n\
             end = time.monotonic() + 2\n\
             while time.monotonic() < end:\n\
             \x20   if any(map(connected, names)): sys.exit('again')\n\
             \x20   time.sleep(0.05)\n\
             print('hidden', connected('own.sock'))\n";
        let mut run = world.run(&["/usr/bin/python3", "-c", script]);
        let mut session = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(session.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "ready");
        // So that the folders are watched.
        std::thread::sleep(Duration::from_secs(1));
        std::fs::create_dir_all(world.at("work/new/deep")).unwrap();
        let bind = |path: &str| UnixListener::bind(world.at(path)).unwrap();
        let listeners =
            [bind("work/late.sock"), bind("work/new/deep/late.sock"), bind("before.sock")];
        std::fs::rename(world.at("before.sock"), world.at("work/moved.sock")).unwrap();
        assert_eq!(said.next().unwrap().unwrap(), "hidden True", "{kind}");
        assert!(session.wait().unwrap().success(), "{kind}");
        std::fs::remove_file(world.at("work/own.sock")).unwrap_or_default();
        let outside = world.outside(&["/usr/bin/python3", "-c", script, "unconfined"]);
        assert_eq!(outside.good(), "True True True", "{kind}");
        assert!(world.why_denied(world.at("work/late.sock").to_str().unwrap()).contains("socket"));
        drop(listeners);
    }
}

#[test]
fn connects_to_sockets_of_its_own() {
    let Some(world) = World::plain() else { return };
    // One that nobody listens on any more can be taken away and made anew.
    drop(UnixListener::bind(world.at("work/stale.sock")).unwrap());
    let program = "import os, socket\n\
         os.unlink('stale.sock')\n\
         for name in ('stale.sock', '/tmp/own.sock', '\\0abstract'):\n\
         \x20   listener = socket.socket(socket.AF_UNIX)\n\
         \x20   listener.bind(name)\n\
         \x20   listener.listen()\n\
         \x20   client = socket.socket(socket.AF_UNIX)\n\
         \x20   client.connect(name)\n\
         \x20   client.sendall(b'hello')\n\
         \x20   print(listener.accept()[0].recv(5).decode())\n";
    assert_eq!(world.inside_python(program).good(), "hello\nhello\nhello");
}
