//! Rules with `when`, and an agent that would have more than they permit.

use crate::{servers::Sink, world::World};

/// Resolves the name once, then dials eight times at once and once more. Prints how often it was answered.
const DIAL: &str = "
import socket, sys, threading
host, port = sys.argv[1], int(sys.argv[2])
try:
    address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
except socket.gaierror:
    sys.exit('no such name')
answered, ready = [], threading.Barrier(8)
def dial(wait):
    try:
        if wait:
            ready.wait()
        stream = socket.create_connection(address, 20)
        stream.sendall(b'GET / HTTP/1.1\\r\\nHost: ' + host.encode() + b'\\r\\n\\r\\n')
        if b'hello' in stream.recv(4096):
            answered.append(1)
    except OSError:
        pass
threads = [threading.Thread(target=dial, args=(True,)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
dial(False)
print(len(answered))
";

fn world(port: u16, when: &str) -> Option<World> {
    World::new(&format!(
        "network:
  hosts: {{allowed.test: [127.0.0.1]}}
  rules:
    - {{name: few, hosts: [allowed.test], ports: [{port}], addresses: [127.0.0.1], when: '{when}'}}"
    ))
}

fn dial(world: &World, port: u16) -> crate::world::Ran {
    world.inside_python_with(DIAL, &["allowed.test", &port.to_string()])
}

/// The twin: as long as it holds, the rule permits all.
#[test]
fn dials_while_the_condition_holds() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "count(\"connect\", 60) < 100") else { return };
    assert_eq!(dial(&world, sink.port()).good(), "9");
    world.assert_denials(&[]);
}

/// What is dialled at the same moment is counted one by one.
#[test]
fn dials_more_often_than_the_condition_counts() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "count(\"connect\", 60) < 1") else { return };
    assert_eq!(dial(&world, sink.port()).good(), "1");
    assert_eq!(sink.take().len(), 1);
    let denied = world.events().into_iter().filter(|event| event["decision"] == "deny");
    let reasons: Vec<String> = denied.map(|event| event["reason"].to_string()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("few")), "{reasons:?}");
}

/// One that never holds permits not even the name.
#[test]
fn dials_where_the_condition_does_not_hold() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "now.year < 2000") else { return };
    let ran = dial(&world, sink.port());
    assert!(ran.code == Some(1) && ran.err.contains("no such name"), "{ran}");
    assert!(sink.take().is_empty());
}
