//! Rules for certain programs, and others that want to be taken for one.
//!
//! The permitted program is `bin/speaker`, a copy of Python where the agent cannot write. Python itself is not
//! permitted, and does what it can to pass for it.

use crate::{
    servers::Sink,
    world::{Ran, World},
};

/// Says something to `a.test`; prints the last line of the answer, or why there is none.
const SPEAK: &str = "\
import errno, socket, sys
port = int(sys.argv[1])
def told(stream):
    try:
        stream.sendall(b'GET / HTTP/1.1\\r\\nhost: a.test\\r\\n\\r\\n')
        return stream.recv(4096).decode().strip().split('\\r\\n')[-1] or 'closed'
    except OSError as error:
        return errno.errorcode[error.errno]
def speak():
    try:
        return told(socket.create_connection(('a.test', port), 20))
    except OSError as error:
        return errno.errorcode[error.errno]
";

/// A world where only `bin/speaker` may connect to this port of `a.test`; `more` are further rules.
fn world(port: u16, binaries: &str, more: &str) -> Option<World> {
    let world = World::new(&format!(
        "filesystem: {{read: [../bin]}}
network:
  hosts: {{a.test: [127.0.0.1]}}
  rules:
    - {{name: only, hosts: [a.test], ports: [{port}], addresses: [127.0.0.1], binaries: [{binaries}]}}
{more}"
    ))?;
    std::fs::create_dir(world.at("bin")).unwrap();
    palisade_testkit::copy_program("/usr/bin/python3", world.at("bin/speaker"));
    Some(world)
}

impl World {
    /// What this Python prints, run by this program.
    fn said(&self, program: &str, script: &str, port: u16) -> Ran {
        let program =
            if program.contains('/') { program.into() } else { self.at("bin").join(program) };
        let text = format!("{SPEAK}{script}");
        self.inside(&[program.to_str().unwrap(), "-c", &text, &port.to_string()])
    }

    fn denied_here(&self, port: u16) {
        self.assert_denials(&[("connect", &format!("a.test:{port}"))]);
    }
}

fn is_refused(answer: &str) -> bool {
    ["ECONNRESET", "ECONNREFUSED", "EPIPE", "ENOTCONN", "closed"].contains(&answer)
}

#[test]
fn the_program_that_a_rule_names_connects() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    assert_eq!(world.said("speaker", "print(speak())", port).good(), "hello");
    assert_eq!(sink.take().len(), 1);
    let events = world.events();
    let found = events.iter().find(|event| event["kind"] == "connect").unwrap();
    assert_eq!(found["detail"]["binary"], world.at("bin/speaker").to_str().unwrap());
    assert_eq!(found["detail"].get("binary_script"), None);
    world.assert_denials(&[]);
    // By either family.
    let each = "\
for family in (socket.AF_INET, socket.AF_INET6):
    address = socket.getaddrinfo('a.test', port, family)[0][4]
    stream = socket.socket(family)
    stream.connect(address)
    print(told(stream))
";
    assert_eq!(world.said("speaker", each, port).good(), "hello\nhello");
    // By a script, and what it comes from.
    world.write("work/told.py", &format!("{SPEAK}print(speak())"));
    let speaker = world.at("bin/speaker");
    let line = format!("{} told.py {port}; exit $?", speaker.display());
    assert_eq!(world.inside_sh(&line).good(), "hello");
    let events = world.events();
    let found = events.iter().rfind(|event| event["kind"] == "connect").unwrap();
    assert_eq!(found["detail"]["binary_script"], "told.py");
    let above = found["detail"]["ancestors"][0].as_str().unwrap();
    assert!(above.ends_with("sh"), "{above}");
}

#[test]
fn uses_the_rule_of_another_program() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    assert!(is_refused(world.said("/usr/bin/python3", "print(speak())", port).good()));
    assert!(sink.take().is_empty());
    world.denied_here(port);
    let why = world.why_denied(&format!("a.test:{port}"));
    assert!(why.contains("tried; to allow it, add \"/usr/bin/python3"), "{why}");
}

#[test]
fn lies_about_its_name() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    let speaker = world.at("bin/speaker");
    let script = format!(
        "import os\nos.execv('/usr/bin/python3', ['{}', '-c', {:?}, str(port)])",
        speaker.display(),
        format!("{SPEAK}print(speak())")
    );
    let ran = world.said("/usr/bin/python3", &script, port);
    assert!(is_refused(ran.good()), "{ran}");
    assert!(sink.take().is_empty());
    world.denied_here(port);
}

#[test]
fn copies_links_and_renames_what_is_permitted() {
    let sink = Sink::start();
    let port = sink.port();
    // Any folder would do, but not one in which the agent can write.
    let Some(world) = world(port, "'**/speaker'", "") else { return };
    let bin = world.at("bin");
    let call = format!("-c \"$0\" {port}");
    for line in [
        format!("cp /usr/bin/python3 speaker; ./speaker {call}"),
        format!("cp {}/speaker other; mv other speaker; ./speaker {call}", bin.display()),
        format!("mkdir -p /tmp/bin; cp /usr/bin/python3 /tmp/bin/speaker; /tmp/bin/speaker {call}"),
        format!("ln -sf /usr/bin/python3 speaker; ./speaker {call}"),
        format!(
            "ln /usr/bin/python3 {}/speaker2; {}/speaker2 {call}",
            bin.display(),
            bin.display()
        ),
    ] {
        let text = format!("{SPEAK}print(speak())");
        let ran = world.inside(&["/bin/sh", "-c", &line, &text]);
        assert_ne!(ran.out.trim(), "hello", "{line}: {ran}");
        assert!(sink.take().is_empty(), "{line}");
    }
    // A link to what is permitted is what is permitted.
    let text = format!("{SPEAK}print(speak())");
    let line = format!("rm -f x; ln -s {}/speaker x; ./x {call}", bin.display());
    assert_eq!(world.inside(&["/bin/sh", "-c", &line, &text]).good(), "hello");
    assert!(world.why_denied(&format!("a.test:{port}")).contains("where the agent can write"));
}

#[test]
fn a_digest_is_of_the_bytes_wherever_they_lie() {
    let sink = Sink::start();
    let port = sink.port();
    let sum = std::process::Command::new("sha256sum").arg("/usr/bin/python3").output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let digest = format!("'sha256:{}'", sum.split_whitespace().next().unwrap());
    let Some(world) = world(port, &digest, "") else { return };
    let text = format!("{SPEAK}print(speak())");
    let run = |line: &str| world.inside(&["/bin/sh", "-c", line, &text, &port.to_string()]);
    assert_eq!(run("cp /usr/bin/python3 x; ./x -c \"$0\" $1").good(), "hello");
    assert_eq!(run("/usr/bin/python3 -c \"$0\" $1").good(), "hello");
    sink.take();
    // One byte more is another program.
    let ran = run("cp /usr/bin/python3 y; echo >> y; ./y -c \"$0\" $1");
    assert!(is_refused(ran.good()), "{ran}");
    assert!(sink.take().is_empty());
    world.denied_here(port);
}

/// It ends once it has said what it wants, and its file is written over with the bytes that are permitted, before
/// anybody has hashed it: others that connect have the look at it wait.
#[test]
fn writes_what_is_permitted_over_its_own_file() {
    let sink = Sink::start();
    let port = sink.port();
    let sum = std::process::Command::new("sha256sum").arg("/usr/bin/python3").output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let digest = format!("'sha256:{}'", sum.split_whitespace().next().unwrap());
    let Some(world) = world(port, &digest, "") else { return };
    let script = "\
import os, shutil, subprocess, time
address = socket.getaddrinfo('a.test', port)[0]
shutil.copy('/usr/bin/python3', 'good')
for name in ['evil', 'long0', 'long1', 'long2', 'long3']:
    shutil.copy('good', name)
    with open(name, 'ab') as file:
        file.write(b'x')
        if name != 'evil': file.truncate(24 << 20)
speaks = '''
import os, socket, sys
stream = socket.socket(int(sys.argv[1]))
stream.settimeout(60)
os.set_inheritable(stream.fileno(), True)
try:
    stream.connect((sys.argv[2], int(sys.argv[3])))
    stream.setblocking(True)
    stream.sendall(b'GET / HTTP/1.1\\\\r\\\\nhost: a.test\\\\r\\\\n\\\\r\\\\n')
except OSError:
    # It was looked at before it could become anything.
    print('evil', flush=True)
    print('refused')
    raise SystemExit
if sys.argv[4] == 'become':
    os.execv('./good', ['good', '-c', sys.argv[5], str(stream.fileno())])
try: stream.recv(1)
except OSError: pass
'''
becomes = '''
import socket, sys
print('good', flush=True)
stream = socket.socket(fileno=int(sys.argv[1]))
try: print(stream.recv(4096).decode()[-5:] or 'closed')
except OSError: print('refused')
'''
def run(name, then):
    to = [str(int(address[0])), address[4][0], str(port), then, becomes]
    return subprocess.Popen(['./' + name, '-c', speaks, *to], stdout=subprocess.PIPE)
long = [run(f'long{number}', 'stay') for number in range(4)]
time.sleep(0.7)
evil = run('evil', 'become')
if evil.stdout.readline() == b'evil\\n': evil.wait()
with open('evil', 'wb') as file, open('good', 'rb') as good:
    shutil.copyfileobj(good, file)
print(evil.stdout.read().decode().strip())
for one in long: one.wait()
";
    let ran = world.said("/usr/bin/python3", script, port);
    assert!(["closed", "refused"].contains(&ran.good()), "{ran}");
    assert!(sink.take().is_empty());
    let why = world.why_denied(&format!("a.test:{port}"));
    let early = why.contains("evil");
    assert!(early || why.contains("cannot be told") || why.contains("tried"), "{why}");
}

/// Who has the socket besides is asked as well: a child of the permitted program, and one that made the
/// socket and gave it to the permitted program.
#[test]
fn shares_a_socket_with_what_is_permitted() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    let forked = "\
import os, time
stream = socket.socket()
os.set_inheritable(stream.fileno(), True)
if os.fork() == 0:
    os.execv('/usr/bin/python3', ['python3', '-c', 'import time; time.sleep(4)'])
time.sleep(1)
stream.connect_ex(('a.test', port))
print(told(stream))
";
    let ran = world.said("speaker", forked, port);
    assert!(is_refused(ran.good()), "{ran}");
    let speaker = world.at("bin/speaker");
    let handed = format!(
        "\
import array, os, subprocess, time
ours, theirs = socket.socketpair()
child = subprocess.Popen(['{}', '-c', {:?}, str(port), str(theirs.fileno())], pass_fds=[theirs.fileno()])
stream = socket.socket()
ours.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [stream.fileno()]))])
child.wait()
",
        speaker.display(),
        format!(
            "{SPEAK}
import array
way = socket.socket(fileno=int(sys.argv[2]))
_, found, _, _ = way.recvmsg(1, socket.CMSG_SPACE(4))
stream = socket.socket(fileno=array.array('i', found[0][2])[0])
stream.connect_ex(('a.test', port))
print(told(stream))
"
        )
    );
    let ran = world.said("/usr/bin/python3", &handed, port);
    assert!(is_refused(ran.good()), "{ran}");
    assert!(sink.take().is_empty());
    world.denied_here(port);
}

/// It says what it wants, and is the permitted program before anybody looks.
#[test]
fn becomes_what_is_permitted_once_it_has_connected() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    let speaker = world.at("bin/speaker");
    let script = format!(
        "\
import os, subprocess
address = socket.getaddrinfo('a.test', port)[0]
again = '''
import socket, sys
stream = socket.socket(fileno=int(sys.argv[1]))
stream.settimeout(20)
try:
    print(stream.recv(4096).decode().strip()[-5:] or 'closed')
except OSError:
    print('refused')
'''
for round in range(8):
    if os.fork() == 0:
        stream = socket.socket(address[0])
        os.set_inheritable(stream.fileno(), True)
        if round % 2:
            stream.setblocking(False)
        stream.connect_ex(address[4])
        if not round % 2:
            stream.sendall(b'GET / HTTP/1.1\\r\\nhost: a.test\\r\\n\\r\\n')
        os.execv('{}', ['speaker', '-c', again, str(stream.fileno())])
    os.wait()
",
        speaker.display()
    );
    let ran = world.said("/usr/bin/python3", &script, port);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(!ran.out.contains("hello"), "{ran}");
    assert!(sink.take().is_empty());
    // They are alike, and so most of them are counted. The exec may come between the two looks at who has it:
    // then nobody is taken for sure, and it is denied all the same.
    let subject = format!("a.test:{port}");
    let events = world.events();
    let denied: Vec<&str> = events
        .iter()
        .filter(|event| event["decision"] == "deny" && event["subject"] == *subject)
        .map(|event| event["reason"].as_str().unwrap())
        .collect();
    assert!(!denied.is_empty(), "{events:?}");
    for why in denied {
        let named = why.contains("/usr/bin/python3") && why.contains("tried;");
        let counted = why.contains("alike were counted");
        assert!(named || counted || why.contains("who tried cannot be told"), "{why}");
    }
    world.verify();
}

/// A connection that is begun without `connect(2)` was seen by nobody.
#[test]
fn begins_without_a_call_that_is_watched() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    let fast = "\
address = socket.getaddrinfo('a.test', port, socket.AF_INET)[0][4]
stream = socket.socket()
try:
    stream.sendto(b'GET / HTTP/1.1\\r\\nhost: a.test\\r\\n\\r\\n', 0x20000000, address)
    print(stream.recv(4096).decode().strip()[-5:] or 'closed')
except OSError as error:
    print(errno.errorcode[error.errno])
";
    let ran = world.said("/usr/bin/python3", fast, port);
    assert_ne!(ran.good(), "hello");
    assert!(sink.take().is_empty());
}

/// Two connections from one source port to two ports of a name are told apart by where they go: a program does not
/// pass for the permitted one by having its address, nor has that one its connection refused for it.
#[test]
fn has_the_source_of_a_connection_exchanged() {
    let (sink, other) = (Sink::start(), Sink::start());
    let port = sink.port();
    let more =
        format!("    - {{hosts: [a.test], ports: [{}], addresses: [127.0.0.1]}}\n", other.port());
    let Some(world) = world(port, "../bin/speaker", &more) else { return };
    let script = format!(
        "\
import subprocess
address = socket.getaddrinfo('a.test', port, socket.AF_INET)[0][4][0]
def bound(source, to):
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stream.bind((address, source))
    try:
        stream.connect((address, to))
    except OSError as error:
        return errno.errorcode[error.errno]
    return stream
def answer(stream):
    return stream if isinstance(stream, str) else told(stream)
if sys.argv[2:]:
    held = bound(5002, {0})
    print(answer(bound(5001, port)), flush=True)
    sys.stdin.read()
else:
    mine = [bound(5000, {0}), bound(5001, {0})]
    again = [{1:?}, '-c', sys.orig_argv[2], str(port), '{0}']
    child = subprocess.Popen(again, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    permitted = child.stdout.readline().strip()
    print(permitted, answer(bound(5000, port)), answer(bound(5002, port)), *map(answer, mine))
    child.stdin.close()
",
        other.port(),
        world.at("bin/speaker").to_str().unwrap(),
    );
    let ran = world.said("/usr/bin/python3", &script, port);
    let answers: Vec<&str> = ran.good().split(' ').collect();
    assert_eq!(answers[0], "hello", "{ran}");
    assert!(is_refused(answers[1]) && is_refused(answers[2]), "{ran}");
    assert_eq!(answers[3..], ["hello", "hello"], "{ran}");
    assert_eq!(sink.take().len(), 1);
}

/// No other program speaks through the permitted one by its memory.
#[test]
fn writes_into_what_is_permitted() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "../bin/speaker", "") else { return };
    let script = format!(
        "\
import ctypes, os, subprocess
child = subprocess.Popen(['{}', '-c', 'import time; time.sleep(20)'])
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    return errno.errorcode.get(ctypes.get_errno()) if libc.syscall(number, *arguments) < 0 else 'worked'
for name in ['mem', 'attr/current', 'comm']:
    try:
        os.open(f'/proc/{{child.pid}}/{{name}}', os.O_RDWR)
        print('worked')
    except OSError as error:
        print(errno.errorcode[error.errno])
print(call({}, 16, child.pid, 0, 0), call({}, child.pid, 0, 0, 0, 0, 0))
child.kill()
",
        world.at("bin/speaker").display(),
        libc_number("ptrace"),
        libc_number("process_vm_writev"),
    );
    let ran = world.said("/usr/bin/python3", &script, port);
    assert!(!ran.good().contains("worked"), "{ran}");
    assert!(ran.out.contains("EPERM EPERM"), "{ran}");
}

fn libc_number(name: &str) -> u32 {
    let arm = cfg!(target_arch = "aarch64");
    match name {
        "ptrace" => {
            if arm {
                117
            } else {
                101
            }
        }
        _ => {
            if arm {
                271
            } else {
                311
            }
        }
    }
}

/// What this does not hold: a permitted program that runs what the agent wrote is permitted.
#[test]
fn a_library_in_a_permitted_program_is_that_program() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "/usr/bin/env", "") else { return };
    world.write(
        "work/spoken.c",
        "#include <netdb.h>\n#include <stdlib.h>\n#include <unistd.h>\n#include <sys/socket.h>\n\
         __attribute__((constructor)) static void speak(void) {\n\
         struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;\n\
         if (getaddrinfo(\"a.test\", getenv(\"PORT\"), &hints, &found)) return;\n\
         int stream = socket(found->ai_family, SOCK_STREAM, 0);\n\
         char answer[256];\n\
         if (connect(stream, found->ai_addr, found->ai_addrlen) || write(stream, \"GET / HTTP/1.1\\r\\nhost: a.test\\r\\n\\r\\n\", 34) < 0) return;\n\
         long got = read(stream, answer, sizeof answer);\n\
         if (got > 0 && write(1, answer, got) < 0) return;\n}\n",
    );
    world.outside_sh("gcc -shared -fPIC -o spoken.so spoken.c").good();
    let line = |program: &str| format!("PORT={port} LD_PRELOAD=$PWD/spoken.so exec {program}");
    let ran = world.inside_sh(&line("/usr/bin/id"));
    assert!(!ran.out.contains("hello") && sink.take().is_empty(), "{ran}");
    let ran = world.inside_sh(&line("/usr/bin/env true"));
    assert!(ran.out.contains("hello"), "the docs say that this is not held: {ran}");
}

/// `commands` gives a rule to one program by its name, and its children have nothing of it.
#[test]
fn uses_what_a_command_has_for_itself() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = World::new(&format!(
        "filesystem: {{read: [../bin]}}
network:
  hosts: {{a.test: [127.0.0.1]}}
  rules:
    - {{name: own, hosts: [a.test], ports: [{port}], addresses: [127.0.0.1]}}
commands: {{speaker: {{network: [own]}}}}"
    )) else {
        return;
    };
    std::fs::create_dir(world.at("bin")).unwrap();
    palisade_testkit::copy_program("/usr/bin/python3", world.at("bin/speaker"));
    assert_eq!(world.said("speaker", "print(speak())", port).good(), "hello");
    sink.take();
    let child = format!(
        "import subprocess\nprint(subprocess.run(['/usr/bin/python3', '-c', {:?}, str(port)], capture_output=True, text=True).stdout.strip())",
        format!("{SPEAK}print(speak())")
    );
    let ran = world.said("speaker", &child, port);
    assert!(is_refused(ran.good()), "{ran}");
    assert!(sink.take().is_empty());
    world.denied_here(port);
}

/// Each request of a connection is judged by who has made the connection.
#[test]
fn sends_what_only_another_program_may() {
    let sink = Sink::start();
    let port = sink.port();
    let more = format!(
        "    - {{name: read, hosts: [a.test], ports: [{port}], addresses: [127.0.0.1], binaries: ['/usr/bin/python3*'], http: [allow: {{methods: [GET]}}]}}\n"
    );
    let Some(world) = world(port, "../bin/speaker", &more) else { return };
    let script = "\
import urllib.request
def ask(method):
    request = urllib.request.Request(f'http://a.test:{port}/', method=method, data=b'' if method == 'POST' else None)
    try:
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
print(ask('GET'), ask('POST'))
";
    assert_eq!(world.said("/usr/bin/python3", script, port).good(), "200 403");
    assert_eq!(sink.take().len(), 1);
    assert_eq!(world.said("speaker", script, port).good(), "200 200");
    let events = world.events();
    let denied = events.iter().find(|event| event["decision"] == "deny").unwrap();
    assert_eq!(
        (denied["kind"].as_str(), &denied["rule"]),
        (Some("request"), &"network.rules[read]".into())
    );
    assert!(denied["detail"]["binary"].as_str().unwrap().starts_with("/usr/bin/python3"));
}
