//! Reading what is the operator's: by every name that it could have.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixStream},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use palisade_core::Layer;
use rustix::{
    fs::{CWD, Mode, OFlags, inotify, openat},
    io::Errno,
};

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, NOT_THERE, Outcome, Place, judge, tell},
};

/// What the links of another process lead to.
const NOT_ITS_OWN: Answers = &[(Errno::ACCESS, "init cannot be looked into")];
const NO_RIGHT: Answers =
    &[(Errno::NOENT, "it does not exist in the mount tree"), (Errno::ACCESS, "no right to it")];
/// Times that a link is swapped under an open.
const SWAPS: usize = 200;

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Files, act }
}

const fn reads(name: &'static str, tries: &'static str, place: Place, by: Answers) -> Attempt {
    attempt(name, tries, Act::Read(place, by))
}

const fn changes(
    name: &'static str,
    tries: &'static str,
    change: fn(&Path) -> io::Result<()>,
) -> Attempt {
    attempt(name, tries, Act::Change(SECRET, change, NOT_THERE))
}

const fn finds(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Find(Place::At(path)))
}

const fn of_home(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Read(Place::Home(path), NO_RIGHT))
}

const SECRET: Place = Place::Aimed(|targets| targets.secret.clone());

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt("finds_inherited_descriptor", "find a descriptor left open", Act::Do(descriptors)),
    attempt("leaves_by_standard_stream", "leave by a standard stream", Act::Do(by_stream)),
    reads("reads_secret", "read a secret file of the operator's", SECRET, NOT_THERE),
    reads(
        "reads_secret_by_dots",
        "read the secret by ..",
        Place::Aimed(|targets| Some(below("/tmp/../..", targets.secret.as_deref()?))),
        NOT_THERE,
    ),
    reads(
        "reads_secret_by_own_root",
        "read the secret by /proc/self/root",
        Place::Aimed(|targets| Some(below("/proc/self/root", targets.secret.as_deref()?))),
        NOT_THERE,
    ),
    reads(
        "reads_secret_by_thread_root",
        "read the secret by /proc/thread-self/root",
        Place::Aimed(|targets| Some(below("/proc/thread-self/root", targets.secret.as_deref()?))),
        NOT_THERE,
    ),
    reads(
        "reads_secret_by_own_folder",
        "read the secret by /proc/self/cwd",
        Place::Aimed(|targets| {
            let up = "/proc/self/cwd/../../../../../../../../../../../../../..";
            Some(below(up, targets.secret.as_deref()?))
        }),
        NOT_THERE,
    ),
    reads(
        "reads_secret_by_root_of_init",
        "read the secret by /proc/1/root",
        Place::Aimed(|targets| Some(below("/proc/1/root", targets.secret.as_deref()?))),
        NOT_ITS_OWN,
    ),
    reads(
        "reads_secret_by_folder_of_init",
        "read the secret by /proc/1/cwd",
        Place::Aimed(|targets| Some(below("/proc/1/cwd", targets.secret.as_deref()?))),
        NOT_ITS_OWN,
    ),
    attempt("reads_secret_by_link", "read the secret by a symbolic link", Act::Do(by_link)),
    attempt(
        "reads_secret_by_swapped_link",
        "read the secret by a swapped link",
        Act::Do(by_swapped_link),
    ),
    attempt(
        "reads_secret_from_folder",
        "read the secret from an open folder",
        Act::Do(from_folder),
    ),
    attempt("finds_secret", "see that the secret exists", Act::Find(SECRET)),
    reads(
        "lists_folder_of_secret",
        "list the secret's folder",
        Place::Aimed(|targets| targets.secret.as_deref()?.parent().map(Path::to_owned)),
        NOT_THERE,
    ),
    changes("links_secret", "give the secret a second name", |path| {
        let link = scratch("hard-link");
        fs::hard_link(path, &link)?;
        fs::remove_file(link)
    }),
    changes("renames_secret", "rename the secret", |path| fs::rename(path, path)),
    changes("cuts_secret", "cut the secret", |path| {
        let length = path.metadata()?.len();
        fs::OpenOptions::new().write(true).open(path)?.set_len(length)
    }),
    changes("writes_beside_secret", "write beside the secret", |path| {
        let beside = path.with_file_name("planted");
        fs::write(&beside, "")?;
        fs::remove_file(beside)
    }),
    attempt("watches_secret", "watch the secret", Act::Do(watch)),
    attempt("connects_to_host_socket", "connect to a host's unix socket", Act::Do(connect)),
    attempt("connects_to_abstract_socket", "connect to an abstract socket", Act::Do(abstractly)),
    reads(
        "lists_state",
        "list Palisade's state",
        Place::Aimed(|targets| targets.own_folders.first().cloned()),
        NOT_THERE,
    ),
    reads(
        "reads_journal",
        "list the journal",
        Place::Aimed(|targets| Some(targets.own_folders.first()?.join("journal"))),
        NOT_THERE,
    ),
    reads(
        "finds_control_socket",
        "list the supervisors' sockets",
        Place::Aimed(|targets| Some(targets.own_folders.first()?.join("running"))),
        NOT_THERE,
    ),
    reads(
        "lists_configuration",
        "list Palisade's configuration",
        Place::Aimed(|targets| targets.own_folders.get(1).cloned()),
        NOT_THERE,
    ),
    of_home("reads_ssh_key", "read ~/.ssh", ".ssh"),
    of_home("reads_gpg_keys", "read ~/.gnupg", ".gnupg"),
    of_home("reads_aws_key", "read ~/.aws", ".aws"),
    of_home("reads_gcloud_login", "read ~/.config/gcloud", ".config/gcloud"),
    of_home("reads_azure_login", "read ~/.azure", ".azure"),
    of_home("reads_kube_config", "read ~/.kube", ".kube"),
    of_home("reads_docker_login", "read ~/.docker", ".docker"),
    of_home("reads_github_login", "read ~/.config/gh", ".config/gh"),
    of_home("reads_netrc", "read ~/.netrc", ".netrc"),
    of_home("reads_git_credentials", "read ~/.git-credentials", ".git-credentials"),
    of_home("reads_npm_token", "read ~/.npmrc", ".npmrc"),
    of_home("reads_pypi_token", "read ~/.pypirc", ".pypirc"),
    of_home("reads_cargo_token", "read ~/.cargo/credentials.toml", ".cargo/credentials.toml"),
    of_home("reads_password_store", "read ~/.password-store", ".password-store"),
    of_home("reads_keyrings", "read ~/.local/share/keyrings", ".local/share/keyrings"),
    of_home("reads_claude_login", "read ~/.claude/.credentials.json", ".claude/.credentials.json"),
    of_home("reads_codex_login", "read ~/.codex/auth.json", ".codex/auth.json"),
    of_home("reads_shell_history", "read ~/.bash_history", ".bash_history"),
    of_home("reads_zsh_history", "read ~/.zsh_history", ".zsh_history"),
    of_home("reads_firefox_profile", "read ~/.mozilla", ".mozilla"),
    of_home("reads_chrome_profile", "read ~/.config/google-chrome", ".config/google-chrome"),
    reads("reads_password_hashes", "read /etc/shadow", Place::At("/etc/shadow"), NO_RIGHT),
    reads("reads_group_hashes", "read /etc/gshadow", Place::At("/etc/gshadow"), NO_RIGHT),
    reads("reads_sudo_rules", "read /etc/sudoers", Place::At("/etc/sudoers"), NO_RIGHT),
    reads(
        "reads_host_key",
        "read the host's SSH key",
        Place::At("/etc/ssh/ssh_host_ed25519_key"),
        NO_RIGHT,
    ),
    reads("reads_tls_keys", "list /etc/ssl/private", Place::At("/etc/ssl/private"), NO_RIGHT),
    reads("reads_machine_id", "read /etc/machine-id", Place::At("/etc/machine-id"), NO_RIGHT),
    reads("lists_logs", "list /var/log", Place::At("/var/log"), NO_RIGHT),
    reads("lists_mail", "list /var/mail", Place::At("/var/mail"), NO_RIGHT),
    reads("lists_boot", "list /boot", Place::At("/boot"), NO_RIGHT),
    finds("finds_docker_socket", "find Docker's socket", "/var/run/docker.sock"),
    finds("finds_containerd_socket", "find containerd's socket", "/run/containerd/containerd.sock"),
    finds("finds_podman_socket", "find Podman's socket", "/run/podman/podman.sock"),
    finds("finds_system_bus", "find the system's bus", "/run/dbus/system_bus_socket"),
    finds("finds_systemd_socket", "find systemd's socket", "/run/systemd/private"),
    finds("finds_user_sockets", "find the user's sockets", "/run/user"),
    finds("finds_display", "find the X server's socket", "/tmp/.X11-unix"),
    finds("finds_snap_socket", "find snapd's socket", "/run/snapd.socket"),
    finds("finds_name_cache", "find the name cache's socket", "/run/nscd/socket"),
];

/// A path, taken from another root.
fn below(root: &str, path: &Path) -> PathBuf {
    Path::new(root).join(path.strip_prefix("/").unwrap_or(path))
}

/// A name in a private folder.
fn scratch(name: &str) -> PathBuf {
    Path::new("/tmp").join(format!("palisade-selftest-{}-{name}", std::process::id()))
}

fn by_link(targets: &Targets) -> Option<Outcome> {
    let secret = targets.secret.as_deref()?;
    let link = scratch("link");
    if let Err(error) = symlink(secret, &link) {
        return Some(Outcome::Unclear(format!("no link could be made: {error}")));
    }
    let outcome = tell(fs::read(&link), NOT_THERE, |bytes| format!("read {} bytes", bytes.len()));
    fs::remove_file(&link).unwrap_or_default();
    Some(outcome)
}

/// A link that now leads to a file that may be read and now to the secret: whoever decides by what
/// it says is late.
fn by_swapped_link(targets: &Targets) -> Option<Outcome> {
    let secret = targets.secret.as_deref()?;
    let (link, next) = (scratch("swapped"), scratch("swapped-next"));
    let wanted = fs::read(secret).ok();
    let over = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            for to in [Path::new("/dev/null"), secret].into_iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let swapped = symlink(to, &next).and_then(|()| fs::rename(&next, &link));
                swapped.unwrap_or_default();
            }
        });
        let seen = (0..SWAPS).find_map(|_| fs::read(&link).ok().filter(|bytes| !bytes.is_empty()));
        over.store(true, Ordering::Relaxed);
        seen
    });
    for path in [link, next] {
        fs::remove_file(path).unwrap_or_default();
    }
    Some(match (seen, wanted) {
        (Some(seen), _) => Outcome::Worked(format!("read {} bytes", seen.len())),
        (None, Some(_)) => Outcome::Worked("it can be read without any link".to_owned()),
        (None, None) => Outcome::Stopped(format!("{SWAPS} opens, none of it")),
    })
}

fn from_folder(targets: &Targets) -> Option<Outcome> {
    let secret = targets.secret.as_deref()?;
    let up = below("../../../../../../../../../../../../../../..", secret);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let opened = openat(CWD, "/tmp", flags | OFlags::DIRECTORY, Mode::empty())
        .and_then(|folder| openat(folder, up, flags, Mode::empty()));
    Some(judge(opened, NOT_THERE, |_| "opened it".to_owned()))
}

fn watch(targets: &Targets) -> Option<Outcome> {
    let secret = targets.secret.as_deref()?;
    let watched = inotify::init(inotify::CreateFlags::CLOEXEC)
        .and_then(|all| inotify::add_watch(&all, secret, inotify::WatchFlags::MODIFY));
    Some(judge(watched, NOT_THERE, |_| "it is watched".to_owned()))
}

fn connect(targets: &Targets) -> Option<Outcome> {
    let made = UnixStream::connect(targets.socket.as_deref()?);
    Some(tell(made, NOT_THERE, |_| "connected".to_owned()))
}

fn abstractly(targets: &Targets) -> Option<Outcome> {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
    let name = targets.abstract_socket.as_deref()?;
    let answers = &[
        (Errno::CONNREFUSED, "it is in another network namespace"),
        (Errno::PERM, "Landlock's scope ends at the sandbox"),
    ];
    let made =
        SocketAddr::from_abstract_name(name).and_then(|address| UnixStream::connect_addr(&address));
    Some(tell(made, answers, |_| "connected".to_owned()))
}

/// Everything above the standard streams that is open, and not by this very look.
fn descriptors(_: &Targets) -> Option<Outcome> {
    let folder = match File::open("/proc/self/fd") {
        Ok(folder) => folder,
        Err(error) => return Some(Outcome::Unclear(error.to_string())),
    };
    let own = std::os::fd::AsRawFd::as_raw_fd(&folder).to_string();
    drop(folder);
    let listed = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let more: Vec<String> = listed
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !["0", "1", "2", &own].contains(&name.as_str()))
        .collect();
    Some(match more.as_slice() {
        [] => Outcome::Stopped("only its standard streams are open".to_owned()),
        more => Outcome::Worked(format!("{} are open as well", more.join(", "))),
    })
}

/// A folder as a standard stream would be a way out by `..`.
fn by_stream(_: &Targets) -> Option<Outcome> {
    let answers: Answers = &[(Errno::NOTDIR, "it is no folder")];
    let mut outcome = None;
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let opened = openat(stream, OsStr::from_bytes(b".."), flags, Mode::empty());
        let this = judge(opened, answers, |_| "it is a folder".to_owned());
        if !matches!(this, Outcome::Stopped(_)) || outcome.is_none() {
            outcome = Some(this);
        }
    }
    outcome
}
