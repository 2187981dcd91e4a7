//! Programs of others as they come: what fetches packages, a database's client, a browser. Each against its
//! real counterpart on loopback, with nothing set but where that is.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::StatusCode;
use palisade_testkit::{Flaw, Recorded, TestAuthority, Upstream, answer};
use tempfile::TempDir;

use crate::{
    tools,
    world::{Ran, World, finish},
};

/// The user `nobody`, for what refuses to run as root, and as a user that no list has.
const NOBODY: u32 = 65534;

/// A TLS server at `mirror.test` over a folder, and a world whose rule lets files be read there.
struct Mirror {
    _folder: TempDir,
    server: Upstream,
    world: World,
}

impl Mirror {
    /// `make` is a Python program that fills the folder it is run in. In files, `{host}` stands for the server.
    /// `more` is a further part of the policy.
    fn new(make: &str, more: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Command::new("/usr/bin/python3");
        let made = finish(made.args(["-c", make]).current_dir(folder.path()));
        made.good();
        let authority = TestAuthority::new().unwrap();
        let tls = authority.server("mirror.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
        let root = folder.path().to_owned();
        let server = Upstream::start_secure(tls, move |request: Recorded| {
            let found = file(&root, &request);
            async move {
                match found {
                    Some(bytes) => answer(StatusCode::OK, "text/html", bytes),
                    None => answer(StatusCode::NOT_FOUND, "text/plain", "no such file"),
                }
            }
        });
        let server = server.unwrap();
        let port = server.address().port();
        let world = World::new(&format!(
            "network:
  hosts: {{mirror.test: [127.0.0.1]}}
  rules:
    - {{name: mirror, hosts: [mirror.test], ports: [{port}], addresses: [127.0.0.1], http: [{{allow: {{methods: [GET, HEAD]}}}}]}}
{more}"
        ))?;
        world.write("store.pem", &authority.pem());
        let store = world.at("store.pem");
        let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
        Some(Self { _folder: folder, server, world })
    }

    fn url(&self) -> String {
        format!("https://mirror.test:{}", self.server.address().port())
    }

    /// A shell script with the server's URL in `$URL`.
    fn inside(&self, script: &str) -> Ran {
        self.world.inside_sh(&format!("set -e; URL={}; {script}", self.url()))
    }

    /// The journal has each path as a request that was permitted, and nothing was denied.
    fn assert_seen(&self, paths: &[&str]) {
        let events = self.world.events();
        for path in paths {
            let subject = format!("GET {}{path}", self.url());
            let mut seen = events.iter();
            assert!(
                seen.any(|event| event["subject"] == subject && event["decision"] == "allow"),
                "{subject}"
            );
        }
        self.world.assert_denials(&[]);
    }
}

fn file(root: &Path, request: &Recorded) -> Option<Bytes> {
    let path = request.uri.path().trim_start_matches('/');
    let path =
        root.join(if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() });
    let bytes = fs::read(path).ok()?;
    let authority = request.uri.authority().map(ToString::to_string);
    let host = authority.unwrap_or_else(|| request.header("host"));
    Some(match String::from_utf8(bytes) {
        Ok(text) => text.replace("{host}", &host).into(),
        Err(error) => error.into_bytes().into(),
    })
}

/// Where connections pass through, programs are led to the system's bundle: those that they bring themselves are
/// denied with all other `*.pem`.
#[test]
fn a_program_with_a_bundle_of_its_own_finds_the_systems() {
    let Some(world) = World::new(
        "network: {rules: [{name: there, hosts: [there.test]}]}\nfilesystem: {deny: [\"**/*.pem\"]}",
    ) else {
        return;
    };
    let script = "for name in REQUESTS_CA_BUNDLE PIP_CERT GRPC_DEFAULT_SSL_ROOTS_FILE_PATH; do \
                  grep -c -m 1 'BEGIN CERTIFICATE' \"$(printenv $name)\"; done";
    assert_eq!(world.inside_sh(script).good(), "1\n1\n1");
    // One that is passed counts, and without a network there is none.
    let offline = World::new("filesystem: {deny: [\"**/*.pem\"]}").unwrap();
    assert_eq!(offline.inside_sh("printenv REQUESTS_CA_BUNDLE || echo none").good(), "none");
    let passing = "network: {rules: [{name: there, hosts: [there.test]}]}\n\
                   process: {environment: {pass: [REQUESTS_CA_BUNDLE]}}";
    let passed = World::new(passing).unwrap().with_variable("REQUESTS_CA_BUNDLE", "/mine");
    assert_eq!(passed.inside_sh("printenv REQUESTS_CA_BUNDLE").good(), "/mine");
}

#[test]
fn wget_fetches_a_file() {
    if !tools::have(&["wget"]) {
        return;
    }
    let Some(mirror) = Mirror::new("open('page.txt', 'w').write('a page\\n')", "") else { return };
    assert_eq!(mirror.inside("wget -qO- $URL/page.txt").good(), "a page");
    mirror.assert_seen(&["/page.txt"]);
}

#[test]
fn pip_downloads_from_a_simple_index() {
    if !tools::have(&["pip3"]) {
        return;
    }
    let make = "
import os, zipfile
os.makedirs('simple/left'), os.makedirs('files')
name = 'left-1.0-py3-none-any.whl'
with zipfile.ZipFile('files/' + name, 'w') as wheel:
    wheel.writestr('left.py', 'def pad(s): return s.rjust(5)\\n')
    wheel.writestr('left-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: left\\nVersion: 1.0\\n')
    wheel.writestr('left-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('left-1.0.dist-info/RECORD', '')
open('simple/left/index.html', 'w').write(f'<a href=\"/files/{name}\">{name}</a>')
";
    let Some(mirror) = Mirror::new(make, "") else { return };
    let pip = "/usr/bin/python3 -m pip --disable-pip-version-check download -q --no-deps --index-url $URL/simple";
    let ran = mirror.inside(&format!("{pip} left && ls *.whl"));
    assert_eq!(ran.good(), "left-1.0-py3-none-any.whl");
    mirror.assert_seen(&["/simple/left/", "/files/left-1.0-py3-none-any.whl"]);
}

#[test]
fn cargo_vendors_from_a_sparse_registry() {
    // The one that builds us, and not what stands for it in PATH.
    let Ok(bytes) = fs::read(env!("CARGO")) else {
        println!("not for this user: {} is another one's", env!("CARGO"));
        return;
    };
    drop(bytes);
    let make = "
import hashlib, io, json, os, tarfile
def add(tar, name, text):
    info = tarfile.TarInfo('left-1.0.0/' + name)
    info.size = len(text)
    tar.addfile(info, io.BytesIO(text))
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode='w:gz') as tar:
    add(tar, 'Cargo.toml', b'[package]\\nname = \"left\"\\nversion = \"1.0.0\"\\nedition = \"2021\"\\n')
    add(tar, 'src/lib.rs', b'pub fn pad() {}\\n')
os.makedirs('index/le/ft'), os.makedirs('dl/left/1.0.0')
open('dl/left/1.0.0/download', 'wb').write(packed.getvalue())
entry = {'name': 'left', 'vers': '1.0.0', 'deps': [], 'features': {}, 'yanked': False,
         'cksum': hashlib.sha256(packed.getvalue()).hexdigest()}
open('index/le/ft/left', 'w').write(json.dumps(entry) + '\\n')
open('index/config.json', 'w').write('{\"dl\": \"https://{host}/dl\"}')
";
    let Some(mirror) = Mirror::new(make, "") else { return };
    let world = &mirror.world;
    fs::create_dir_all(world.at("work/bin")).unwrap();
    palisade_testkit::copy_program(env!("CARGO"), world.at("work/bin/cargo"));
    world.write(
        "work/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nleft = {version = \"1\", registry = \"mirror\"}\n",
    );
    world.write("work/src/lib.rs", "");
    let ran = mirror.inside(
        "export CARGO_HOME=$PWD/home CARGO_REGISTRIES_MIRROR_INDEX=sparse+$URL/index/\n\
         bin/cargo vendor -q >/dev/null && ls vendor/left/src",
    );
    assert_eq!(ran.good(), "lib.rs");
    mirror.assert_seen(&["/index/config.json", "/index/le/ft/left", "/dl/left/1.0.0/download"]);
}

#[test]
fn go_downloads_from_a_module_proxy() {
    if !tools::have(&["go"]) {
        return;
    }
    let make = "
import os, zipfile
folder = 'left.test/left/@v/'
os.makedirs(folder)
module = 'module left.test/left\\n'
open(folder + 'list', 'w').write('v1.0.0\\n')
open(folder + 'v1.0.0.info', 'w').write('{\"Version\": \"v1.0.0\", \"Time\": \"2026-01-01T00:00:00Z\"}')
open(folder + 'v1.0.0.mod', 'w').write(module)
with zipfile.ZipFile(folder + 'v1.0.0.zip', 'w') as packed:
    packed.writestr('left.test/left@v1.0.0/go.mod', module)
    packed.writestr('left.test/left@v1.0.0/left.go', 'package left\\n')
";
    let Some(mirror) = Mirror::new(make, "") else { return };
    let ran = mirror.inside(
        "export GOPROXY=$URL GONOSUMDB='*' GOTOOLCHAIN=local GOCACHE=/tmp/go-build GOPATH=/tmp/go GOMODCACHE=/tmp/mod\n\
         printf 'module app\\n' >go.mod && go mod download left.test/left@v1.0.0 && ls /tmp/mod/left.test/left@v1.0.0",
    );
    assert_eq!(ran.good(), "go.mod\nleft.go");
    let paths = ["info", "mod", "zip"].map(|kind| format!("/left.test/left/@v/v1.0.0.{kind}"));
    mirror.assert_seen(&paths.each_ref().map(String::as_str));
}

/// A server of the operator's, ended with the test.
struct Postgres {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Postgres {
    /// `None` if there is none, which is said.
    fn start() -> Option<Self> {
        let Some(bin) = postgres_bin() else {
            tools::skip("there is no PostgreSQL");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let user = tools::is_root().then_some(NOBODY);
        if let Some(user) = user {
            chown(folder.path(), Some(user), Some(user)).unwrap();
        }
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let command = |name: &str| {
            let mut command = Command::new(bin.join(name));
            // Another time zone or language of the machine's is not to matter.
            command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
            command.current_dir(folder.path()).stdin(Stdio::null());
            if let Some(user) = user {
                command.uid(user).gid(user);
            }
            command
        };
        let made =
            finish(command("initdb").args(["-D", "data", "-U", "ada", "--auth=trust", "-N"]));
        made.good();
        let child = command("postgres")
            .args(["-D", "data", "-F", "-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self { folder, child, port })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Not the worst way for it to end (SIGKILL): its shared memory would stay.
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
        assert!(self.folder.path().exists());
    }
}

fn postgres_bin() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let bins = versions.map(|version| version.path().join("bin"));
    bins.filter(|bin| bin.join("initdb").is_file()).max()
}

#[test]
fn psql_speaks_to_its_server_and_to_no_other() {
    let (Some(server), Some(other)) = (Postgres::start(), Postgres::start()) else { return };
    let world = World::new(&format!(
        "network:
  hosts: {{db.test: [127.0.0.1]}}
  rules:
    - {{name: database, hosts: [db.test], ports: [{}], addresses: [127.0.0.1]}}
",
        server.port
    ));
    let Some(world) = world else { return };
    let psql = |port: u16| {
        let bin = postgres_bin().unwrap().join("psql");
        let query = "select 6 * 7, current_user";
        world.inside_sh(&format!(
            "{} -X -A -t -h db.test -p {port} -U ada -c '{query}' postgres",
            bin.display()
        ))
    };
    assert_eq!(psql(server.port).good(), "42|ada");
    let ran = psql(other.port);
    assert_ne!(ran.code, Some(0), "{ran}");
    world.assert_denials(&[("connect", &format!("db.test:{}", other.port))]);
}

#[test]
fn a_browser_shows_a_page_by_either_way() {
    let Some(browser) = tools::which("chromium-headless-shell") else {
        tools::have(&["chromium-headless-shell"]);
        return;
    };
    let make =
        "open('page.html', 'w').write('<p id=x>before</p><script>x.textContent = 6 * 7</script>')";
    let Some(mirror) = Mirror::new(make, "") else { return };
    // It has a list of authorities of its own, so that the sandbox's is unknown to it.
    let browse = format!(
        "{} --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir=/tmp/browser \
         --ignore-certificate-errors --virtual-time-budget=5000 --timeout=60000",
        browser.display()
    );
    for way in ["", "--proxy-server=http://proxy.palisade.internal:3128"] {
        let ran = mirror.inside(&format!("{browse} {way} --dump-dom $URL/page.html"));
        assert!(ran.out.contains("<p id=\"x\">42</p>"), "{way}: {ran}");
    }
}
