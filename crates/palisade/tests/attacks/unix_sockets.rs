//! Programs of the host that listen on unix sockets.

use std::{
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram, UnixListener},
    },
    path::PathBuf,
};

use crate::world::World;

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
    let mut words: Vec<String> =
        places.iter().skip(1).map(|path| format!("unix={}", path.display())).collect();
    words.push("unix=moved.sock".into());
    words.push("unix-dgram=log.sock".into());
    for (word, outcome) in world.attempt_outside(&words) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
    datagrams.set_nonblocking(true).unwrap();
    datagrams.recv(&mut [0; 8]).unwrap();
    for listener in &listeners {
        listener.set_nonblocking(true).unwrap();
        listener.accept().unwrap();
    }
    for (word, outcome) in world.attempt_inside(&words) {
        let there = !word.contains("home");
        let expected: &[&str] = if there { &["ECONNREFUSED", "EACCES"] } else { &["ENOENT"] };
        assert!(expected.contains(&outcome.as_str()), "{word} inside: {outcome}");
    }
    assert!(listeners.iter().all(|listener| listener.accept().is_err()));
    assert!(datagrams.recv(&mut [0; 8]).is_err());
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
