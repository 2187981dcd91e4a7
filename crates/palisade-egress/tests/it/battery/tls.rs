//! First words of TLS, and of what is none, that hide where a client goes.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::PATIENCE;
use crate::world::{Echo, Plan, SOON};

fn vector(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    [&length.to_be_bytes(), content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), vector(content)].concat()
}

fn name(kind: u8, name: &[u8]) -> Vec<u8> {
    [vec![kind], vector(name)].concat()
}

fn server_name(names: &[Vec<u8>]) -> Vec<u8> {
    extension(0, &vector(&names.concat()))
}

/// A ClientHello with these extensions, as one message.
fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend(vector(&extensions.concat()));
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1, length[1], length[2], length[3]], body.as_slice()].concat()
}

fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(|part| [vec![22, 3, 1], vector(part)].concat()).collect()
}

fn to(text: &[u8]) -> Vec<u8> {
    hello(&[server_name(&[name(0, text)])])
}

fn whole(message: &[u8]) -> Vec<u8> {
    records(message, 16_000)
}

/// What has to be refused, though it may be cut into pieces.
fn hidden() -> Vec<(&'static str, Vec<u8>)> {
    let a = || name(0, b"a.example");
    let named = |text: &[u8]| whole(&to(text));
    let with = |more: Vec<u8>| whole(&hello(&[server_name(&[a()]), more]));
    vec![
        ("no name", whole(&hello(&[]))),
        ("an empty list", whole(&hello(&[server_name(&[])]))),
        ("an empty name", named(b"")),
        ("another name", named(b"b.example")),
        ("a name below", named(b"x.a.example")),
        ("a name above", named(b"example")),
        ("a name around", named(b"a.example.evil")),
        ("a final dot", named(b"a.example.")),
        ("a NUL behind", named(b"a.example\0")),
        ("a NUL and another name", named(b"a.example\0.evil")),
        ("a NUL before", named(b"\0a.example")),
        ("a blank", named(b" a.example")),
        ("a line end", named(b"a.example\r\n")),
        ("an address", named(b"127.0.0.1")),
        ("an address of IPv6", named(b"::1")),
        ("a port", named(b"a.example:443")),
        ("a wildcard", named(b"*.example")),
        ("a homoglyph", named("\u{430}.example".as_bytes())),
        ("another script's dot", named("a\u{3002}example".as_bytes())),
        ("a broken A-label", named(b"xn--a.example")),
        ("two dots", named(b"a..example")),
        ("two names", whole(&hello(&[server_name(&[a(), name(0, b"b.example")])]))),
        ("the same name twice", whole(&hello(&[server_name(&[a(), a()])]))),
        ("two lists", with(server_name(&[a()]))),
        ("two lists that differ", with(server_name(&[name(0, b"b.example")]))),
        ("another kind of name", whole(&hello(&[server_name(&[name(1, b"a.example")])]))),
        ("another kind behind", whole(&hello(&[server_name(&[a(), name(1, b"x")])]))),
        (
            "bytes behind the list",
            whole(&hello(&[extension(0, &[vector(&a()), vec![0]].concat())])),
        ),
        (
            "a list that is too long",
            whole(&hello(&[extension(0, &[&[0, 200], a().as_slice()].concat())])),
        ),
        ("ECH", with(extension(0xfe0d, &[0; 20]))),
        ("ECH of the draft", with(extension(0xffce, &[0; 20]))),
        ("SSL 2", vec![0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]),
        ("an alert first", [vec![21, 3, 3, 0, 2, 1, 0], whole(&to(b"a.example"))].concat()),
        ("data first", [vec![23, 3, 3, 0, 1, 0], whole(&to(b"a.example"))].concat()),
        ("an empty record first", [vec![22, 3, 1, 0, 0], whole(&to(b"a.example"))].concat()),
        ("another message first", whole(&[vec![0, 0, 0, 0], to(b"a.example")].concat())),
        ("another record between", {
            let message = to(b"a.example");
            let (one, two) = message.split_at(20);
            [records(one, 100), vec![20, 3, 3, 0, 1, 1], records(two, 100)].concat()
        }),
        ("a record that is too long", [vec![22, 3, 1], vector(&vec![0; 20_000])].concat()),
        ("a message that is too long", whole(&[1, 2, 0, 0, 3, 3])),
        ("a message cut short", whole(&to(b"a.example"))[..30].to_vec()),
    ]
}

#[tokio::test]
async fn no_hello_hides_where_it_goes() {
    let echo = Echo::start().await;
    // There nothing but TLS is spoken, and nothing is let through that is none.
    let mut plan = Plan::to(443);
    plan.limits.first_flight = SOON / 10;
    let world = plan.start().await;
    for (what, bytes) in hidden() {
        let before = world.denials().len();
        let answer = world.exchange(&bytes).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
        assert_eq!(world.denials().len(), before + 1, "{what}");
        assert!(world.ended.lock().unwrap().is_empty(), "{what}");
    }
    assert_eq!(echo.visitors(), 0);
}

/// Where something else than TLS may be spoken too, what a server takes for TLS is not let through as that.
#[tokio::test]
async fn no_hello_passes_for_something_else() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.limits.first_flight = SOON / 10;
    let world = plan.start().await;
    let other = || to(b"b.example");
    let of_version = |major: u8, minor: u8| {
        let mut bytes = whole(&other());
        (bytes[1], bytes[2]) = (major, minor);
        bytes
    };
    let alert = |level: u8| [vec![21, 3, 1, 0, 2, level, 90], whole(&other())].concat();
    let mut tried = vec![
        ("SSL 2 with TLS's version", vec![0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]),
        ("SSL 2", vec![0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
        ("an alert first", alert(1)),
        ("a fatal alert first", alert(2)),
        ("a change of ciphers first", [vec![20, 3, 3, 0, 1, 1], whole(&other())].concat()),
        ("records of one byte", {
            let mut bytes = records(&other(), 1);
            bytes[1] = 2;
            bytes
        }),
    ];
    tried.extend([0, 1, 2, 4, 15].map(|major| ("another version", of_version(major, 1))));
    for (what, bytes) in tried {
        let before = world.denials().len();
        let answer = world.exchange(&bytes).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
        assert_eq!(world.denials().len(), before + 1, "{what}");
    }
    assert_eq!(echo.heard(), b"");
    // What only begins alike is what it is.
    let mongo = b"\x16\x01\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0and so on";
    assert_eq!(world.exchange(mongo).await.unwrap(), mongo);
}

/// The twin: in whatever pieces it comes, a hello with one name that can be read is the server's, byte by byte.
#[tokio::test]
async fn a_hello_that_can_be_read_passes_as_it_is() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    let padded = hello(&[server_name(&[name(0, b"a.example")]), extension(21, &vec![0; 40_000])]);
    for (what, bytes) in [
        ("as it is", whole(&to(b"a.example"))),
        ("in capitals", whole(&to(b"A.EXAMPLE"))),
        ("in records of one byte", records(&to(b"a.example"), 1)),
        ("in records of three", records(&to(b"a.example"), 3)),
        ("with much padding", whole(&padded)),
        (
            "with unknown extensions",
            whole(&hello(&[extension(0x0a0a, b"x"), server_name(&[name(0, b"a.example")])])),
        ),
        ("with early data", {
            let early = extension(42, &[]);
            let mut bytes = whole(&hello(&[server_name(&[name(0, b"a.example")]), early]));
            bytes.extend([23, 3, 3, 0, 1, 7]);
            bytes
        }),
    ] {
        assert_eq!(world.exchange(&bytes).await.unwrap(), bytes, "{what}");
    }
    assert_eq!(world.denials().len(), 0);
}

/// One that comes in very many pieces is not read from its beginning for each.
#[test]
fn a_hello_in_a_great_many_records_is_not_read_for_each() {
    use palisade_egress::{ClientHello, read_client_hello};
    let long = hello(&[server_name(&[name(0, b"a.example")]), extension(21, &vec![0; 9_000])]);
    let bytes = records(&long, 1);
    assert!(bytes.len() > 50_000);
    let (mut there, mut read) = (1, 0);
    while let ClientHello::Partial(wanted) = read_client_hello(&bytes[..there]) {
        read += 1;
        there = wanted;
    }
    assert_eq!(there, bytes.len());
    assert!(read < 200, "it was read {read} times");
}

/// Who begins and does not go on is let go of, whatever it began.
#[tokio::test]
async fn no_first_words_hold_a_place_for_long() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.limits.first_flight = SOON / 50;
    let world = plan.start().await;
    let beginnings: [&[u8]; 6] = [
        b"\x16",
        b"\x16\x03\x01\x00\xc8\x01",
        b"GET",
        b"GET / HTTP/1.1\r\nHost:",
        b"PRI *",
        b"\r\n",
    ];
    for beginning in beginnings {
        let mut client = world.connect().await;
        client.write_all(beginning).await.unwrap();
        let mut answer = Vec::new();
        let ended =
            timeout(PATIENCE, client.read_to_end(&mut answer)).await.expect("it is let go of");
        assert!(ended.is_err(), "{}", beginning.escape_ascii());
    }
    assert_eq!(echo.heard(), b"");
}
