//! What the hostile program aims at: planted where no policy grants it, gone afterwards.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{DirBuilderExt, MetadataExt},
            net::{SocketAddr, UnixListener},
        },
    },
    path::{Path, PathBuf},
    thread,
};

use palisade_policy::{Access, Deny, Policy};
use palisade_sandbox::linux::landlock::landlock_abi;
use palisade_selftest::Targets;
use palisade_session::Operator;
use rustix::{
    fs::{FlockOperation, flock},
    process::{geteuid, getpid},
};
use tempfile::TempDir;

/// The start of the folder's name, in the state folder, and of the workspace's.
const PREFIX: &str = "selftest-";
const WORK_PREFIX: &str = "palisade-selftest-";
/// An address that belongs to nobody (RFC 5737), and a name (RFC 2606).
const UNLISTED: ([u8; 4], u16) = ([203, 0, 113, 7], 80);
const UNLISTED_NAME: &str = "palisade-selftest.example";
/// The first Landlock with scopes.
const SCOPES: u32 = 6;
/// Process numbers below this may be met inside by chance.
const FEW: i32 = 1024;
/// What a repository has that its host would run or believe.
const REPOSITORY: [(&str, &str); 8] = [
    (".git/HEAD", "ref: refs/heads/main\n"),
    (".git/config", "[core]\n"),
    (".git/hooks/pre-commit", "#!/bin/sh\n"),
    (".claude/settings.json", "{}\n"),
    (".mcp.json", "{}\n"),
    (".vscode/tasks.json", "{}\n"),
    (".envrc", "\n"),
    ("palisade.yaml", "palisade: 1\n"),
];
const LINK: &str = "other-name";

/// They are there as long as this is.
#[derive(Debug)]
pub(super) struct Decoys {
    folder: TempDir,
    /// The workspace. Elsewhere: what it lies in is there inside as well, and then is not found
    /// missing.
    work: TempDir,
    name: String,
    denied: Option<String>,
    socket: Option<PathBuf>,
    port: Option<u16>,
    _locks: [File; 2],
}

impl Decoys {
    pub(super) fn plant(operator: &Operator, policy: &Policy, random: &str) -> io::Result<Self> {
        let state = &operator.state_dir;
        DirBuilder::new().recursive(true).mode(0o700).create(state)?;
        let state = state.canonicalize()?;
        sweep(&state, PREFIX);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&state)?;
        let lock = File::open(folder.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        fs::write(folder.path().join("secret"), format!("a secret of nobody's: {random}\n"))?;
        let temporary = std::env::temp_dir();
        sweep(&temporary, WORK_PREFIX);
        let work = tempfile::Builder::new().prefix(WORK_PREFIX).tempdir_in(temporary)?;
        let work_lock = File::open(work.path())?;
        flock(&work_lock, FlockOperation::NonBlockingLockExclusive)?;
        for (name, text) in REPOSITORY {
            let path = work.path().join(name);
            fs::create_dir_all(path.parent().unwrap_or(work.path()))?;
            fs::write(path, text)?;
        }
        let denied = policy.filesystem.deny.iter().find_map(anywhere).map(str::to_owned);
        if let Some(name) = &denied {
            fs::write(work.path().join(name), format!("KEY={random}\n"))?;
            fs::hard_link(work.path().join(name), work.path().join(LINK))?;
        }
        let mut decoys = Self {
            folder,
            work,
            name: format!("palisade-selftest-{random}"),
            denied,
            socket: None,
            port: None,
            _locks: [lock, work_lock],
        };
        decoys.listen()?;
        Ok(decoys)
    }

    /// Services of the host, which answer whoever reaches them.
    fn listen(&mut self) -> io::Result<()> {
        let path = self.folder.path().join("socket");
        // The path of a state folder may be longer than an address can be.
        if let Ok(listener) = UnixListener::bind(&path) {
            self.socket = Some(path);
            serve(move || listener.accept().map(|(stream, _)| stream))?;
        }
        let address = SocketAddr::from_abstract_name(&self.name)?;
        let listener = UnixListener::bind_addr(&address)?;
        serve(move || listener.accept().map(|(stream, _)| stream))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        self.port = Some(port);
        serve(move || listener.accept().map(|(stream, _)| stream))?;
        // Not every machine has IPv6.
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            serve(move || listener.accept().map(|(stream, _)| stream))?;
        }
        Ok(())
    }

    pub(super) fn targets(&self, policy: &Policy) -> Targets {
        let limits = &policy.process.limits;
        let mut hosts = policy.network.rules.iter().flat_map(|rule| &rule.hosts);
        let listed_name = hosts.find_map(|host| match host {
            palisade_core::HostPattern::Exact(name) => Some(name.to_string()),
            _ => None,
        });
        let providers = policy.inference.iter().flat_map(|inference| inference.providers.values());
        let mut credentials = providers.filter_map(|provider| provider.credential.as_ref());
        let access = policy.filesystem.workspace.as_ref().map(|workspace| workspace.access);
        let many = |number: &i32| *number >= FEW;
        let host_process = Some(getpid().as_raw_nonzero().get()).filter(many);
        let host_group = own_group().filter(many);
        Targets {
            secret: Some(self.folder.path().join("secret")),
            socket: self.socket.clone(),
            abstract_socket: Some(self.name.clone()),
            workspace: access.map(|_| self.workspace().to_owned()),
            writable: access.is_some_and(|access| access != Access::ReadOnly),
            denied: self.denied.clone(),
            denied_link: self.denied.as_ref().map(|_| LINK.to_owned()),
            program: Path::new("/bin/sh").canonicalize().ok(),
            host_process,
            host_group,
            namespaces: namespaces(),
            scopes: landlock_abi().is_some_and(|abi| abi >= SCOPES),
            processes: limits.processes,
            open_files: limits.open_files,
            unlisted_host: Some(UNLISTED_NAME.to_owned()),
            unlisted_address: Some(UNLISTED.into()),
            own_addresses: own_address().into_iter().collect(),
            host_loopback: self.port,
            listed_name,
            key_variable: credentials.find_map(|credential| credential.expose.clone()),
            ..Targets::default()
        }
    }

    pub(super) fn workspace(&self) -> &Path {
        self.work.path()
    }

    /// In the command line of a process that is left behind.
    pub(super) fn daemon(&self) -> &str {
        &self.name
    }

    /// The hostile program's standard input.
    pub(super) fn input(&self, targets: &Targets) -> io::Result<File> {
        let mut file = tempfile::tempfile_in(self.folder.path())?;
        file.write_all(&serde_json::to_vec(targets)?)?;
        io::Seek::rewind(&mut file)?;
        Ok(file)
    }
}

/// Remove what a selftest left that was killed. One that runs holds its folder's lock.
fn sweep(place: &Path, prefix: &str) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours =
            entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
        if !ours || !name.to_string_lossy().starts_with(prefix) {
            continue;
        }
        let Ok(folder) = File::open(entry.path()) else { continue };
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // What cannot be removed harms nobody.
            fs::remove_dir_all(entry.path()).unwrap_or_default();
        }
    }
}

/// Take connections and answer them, until the process ends.
fn serve<S: Read + Write + Send + 'static>(
    accept: impl Fn() -> io::Result<S> + Send + 'static,
) -> io::Result<()> {
    thread::Builder::new().name("decoy".into()).spawn(move || {
        while let Ok(mut stream) = accept() {
            // One that goes away in the middle is no concern of the next.
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nreached\n").unwrap_or_default();
        }
    })?;
    Ok(())
}

/// The name that a pattern denies at any place: `/**/.env`.
fn anywhere(deny: &Deny) -> Option<&str> {
    let name = deny.pattern.strip_prefix("/**/")?;
    let plain = !name.is_empty() && !name.contains(['/', '*', '?', '[', '{', '\\']);
    plain.then_some(name)
}

fn namespaces() -> Vec<(String, String)> {
    ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]
        .into_iter()
        .filter_map(|name| {
            let link = fs::read_link(format!("/proc/self/ns/{name}")).ok()?;
            Some((name.to_owned(), link.to_str()?.to_owned()))
        })
        .collect()
}

/// From `/proc`: it is 0 in a pid namespace that the group's leader is not in.
fn own_group() -> Option<i32> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): behind the name in brackets come the state, the parent and the group.
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

/// The address that the machine would send from. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(std::net::SocketAddr::from(UNLISTED)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_denied_anywhere() {
        let name = |pattern: &str| {
            let deny = Deny { pattern: pattern.into(), glob: true, rule: String::new() };
            anywhere(&deny).map(str::to_owned)
        };
        assert_eq!(name("/**/.env"), Some(".env".to_owned()));
        for pattern in ["/**/*.pem", "/a/**/.env", "/**/a/b", "/.env", "/**/"] {
            assert_eq!(name(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_a_killed_selftest_left_is_removed() {
        let state = tempfile::tempdir().unwrap();
        for name in ["selftest-dead/work", "selftest-live/work", "journal"] {
            fs::create_dir_all(state.path().join(name)).unwrap();
        }
        let live = File::open(state.path().join("selftest-live")).unwrap();
        flock(&live, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(state.path(), PREFIX);
        let mut left: Vec<_> =
            state.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["journal", "selftest-live"]);
    }
}
