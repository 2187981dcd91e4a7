//! Denials without end.

use crate::world::{World, flood};

/// `flood.py MANY`: asks for one name so often, a window at a time, and counts the answers, each of which is a
/// denial that was decided and recorded or counted.
const FLOOD: &str = r#"
import socket, struct, sys
many, window = int(sys.argv[1]), 64
name = b"".join(bytes([len(label)]) + label for label in (b"evil", b"test"))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.connect(("127.0.0.1", 53))
s.settimeout(30)
answered, id = 0, 0
while answered < many:
    part = min(window, many - answered)
    for _ in range(part):
        id = (id + 1) & 0xffff
        s.send(struct.pack(">6H", id, 0x100, 1, 0, 0, 0) + name + b"\0\0\1\0\1")
    for _ in range(part):
        assert struct.unpack(">H", s.recv(512)[2:4])[0] & 15 != 0
        answered += 1
print(answered)
"#;

/// Very many denials: the first are there, the others are counted, and not one is missing.
#[test]
fn floods_the_journal_with_denials() {
    let Some(world) = World::plain() else { return };
    let many = flood();
    world.write("work/flood.py", FLOOD);
    let began = std::time::Instant::now();
    let inside = world.inside(&["/usr/bin/python3", "flood.py", &many.to_string()]);
    println!("{many} denials in {:?}", began.elapsed());
    assert_eq!(inside.good(), many.to_string());
    let events = world.events();
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).collect::<Vec<_>>();
    let written = of("resolve");
    assert_eq!(written[0]["decision"], "deny");
    assert_eq!(written[0]["subject"], "evil.test");
    let counted = of("folded");
    let counted: u64 = counted.iter().map(|event| event["detail"]["count"].as_u64().unwrap()).sum();
    assert_eq!(u64::try_from(written.len()).unwrap() + counted, many);
    assert!(written.len() < 5000, "{} records", written.len());
    let size: u64 = walk(&world.at("state"));
    assert!(size < 8 << 20, "the journal has {size} bytes");
    // The supervisor outlived it, and says how it ended.
    assert_eq!(world.end()["subject"], "exit 0");
}

fn walk(folder: &std::path::Path) -> u64 {
    let mut size = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let found = entry.metadata().unwrap();
        size += if found.is_dir() { walk(&entry.path()) } else { found.len() };
    }
    size
}
