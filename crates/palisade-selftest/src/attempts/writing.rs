//! Changing what is not its own. Where that works nothing is different afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use palisade_core::Layer;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, XattrFlags, openat},
    io::Errno,
};

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, NOT_THERE, Outcome, Place, judge},
};

const READ_ONLY: Answers = &[
    (Errno::ROFS, "it is mounted read-only"),
    (Errno::ACCESS, "no right to write it"),
    (Errno::NOENT, "it does not exist in the mount tree"),
];
/// In a private home there is another file of that name, or none.
const OF_HOME: Answers = READ_ONLY;

const PROGRAM: Place = Place::Aimed(|targets| targets.program.clone());
const PLANTED: &str = "palisade-selftest-planted";

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Files, act }
}

const fn changes(
    name: &'static str,
    tries: &'static str,
    change: fn(&Path) -> io::Result<()>,
) -> Attempt {
    attempt(name, tries, Act::Change(PROGRAM, change, READ_ONLY))
}

const fn plants(name: &'static str, tries: &'static str, folder: &'static str) -> Attempt {
    attempt(name, tries, Act::Change(Place::At(folder), plant, READ_ONLY))
}

const fn of_home(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Write(Place::Home(path), OF_HOME))
}

const fn writes(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    attempt(name, tries, Act::Write(Place::At(path), READ_ONLY))
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    of_home("writes_startup_file", "write ~/.bashrc", ".bashrc"),
    of_home("writes_profile", "write ~/.profile", ".profile"),
    of_home("writes_zsh_startup_file", "write ~/.zshrc", ".zshrc"),
    of_home("writes_git_settings", "write ~/.gitconfig", ".gitconfig"),
    of_home("writes_vim_settings", "write ~/.vimrc", ".vimrc"),
    of_home("writes_authorized_keys", "write ~/.ssh/authorized_keys", ".ssh/authorized_keys"),
    of_home("writes_ssh_settings", "write ~/.ssh/config", ".ssh/config"),
    of_home("writes_claude_settings", "write ~/.claude/settings.json", ".claude/settings.json"),
    of_home("writes_codex_settings", "write ~/.codex/config.toml", ".codex/config.toml"),
    of_home("writes_cargo_settings", "write ~/.cargo/config.toml", ".cargo/config.toml"),
    attempt("writes_program", "write a program of the system", Act::Write(PROGRAM, READ_ONLY)),
    changes("cuts_program", "cut the program", |path| {
        let length = path.metadata()?.len();
        OpenOptions::new().write(true).open(path)?.set_len(length)
    }),
    changes("changes_mode_of_program", "change the program's mode", |path| {
        let mode = path.metadata()?.permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }),
    changes("changes_owner_of_program", "change the program's owner", |path| {
        Ok(rustix::fs::chownat(CWD, path, None, None, AtFlags::empty())?)
    }),
    changes("changes_times_of_program", "change the program's times", same_times),
    changes("sets_attribute_of_program", "set an attribute of the program", |path| {
        rustix::fs::setxattr(path, c"user.palisade-selftest", b"1", XattrFlags::empty())?;
        Ok(rustix::fs::removexattr(path, c"user.palisade-selftest")?)
    }),
    changes("renames_program", "rename the program", |path| fs::rename(path, path)),
    changes("links_program", "give the program a second name", |path| {
        let link = path.with_file_name(PLANTED);
        fs::hard_link(path, &link)?;
        fs::remove_file(link)
    }),
    attempt("reopens_program_to_write", "write the program by /proc/self/fd", Act::Do(reopen)),
    changes("plants_program", "plant a program beside the program", |path| {
        plant(path.parent().unwrap_or(path))
    }),
    changes("plants_folder", "make a folder beside the program", |path| {
        let folder = path.with_file_name(PLANTED);
        fs::create_dir(&folder)?;
        fs::remove_dir(folder)
    }),
    changes("plants_link", "make a link beside the program", |path| {
        let link = path.with_file_name(PLANTED);
        symlink("/dev/null", &link)?;
        fs::remove_file(link)
    }),
    changes("plants_pipe", "make a pipe beside the program", |path| {
        let pipe = path.with_file_name(PLANTED);
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)?;
        fs::remove_file(pipe)
    }),
    plants("plants_in_root", "make a file in /", "/"),
    plants("plants_in_etc", "make a file in /etc", "/etc"),
    plants("plants_library", "make a file in /usr/lib", "/usr/lib"),
    plants("plants_in_dev", "make a file in /dev", "/dev"),
    plants("plants_in_run", "make a file in /run", "/run"),
    plants("plants_in_var", "make a file in /var", "/var"),
    plants("plants_scheduled_job", "make a file in /etc/cron.d", "/etc/cron.d"),
    plants("plants_service", "make a file in /etc/systemd/system", "/etc/systemd/system"),
    writes("writes_accounts", "write /etc/passwd", "/etc/passwd"),
    writes("writes_hosts", "write /etc/hosts", "/etc/hosts"),
    writes("writes_resolver_settings", "write /etc/resolv.conf", "/etc/resolv.conf"),
    writes("writes_preloads", "write /etc/ld.so.preload", "/etc/ld.so.preload"),
    writes("writes_library_cache", "write /etc/ld.so.cache", "/etc/ld.so.cache"),
    writes("writes_own_notice", "write the notice of its policy", "/run/palisade/policy.md"),
    attempt("finds_mount_with_set_ids", "find a mount that gives ids", Act::Do(set_ids)),
    attempt("finds_mount_with_devices", "find a mount with devices", Act::Do(with_devices)),
];

fn plant(folder: &Path) -> io::Result<()> {
    let path = folder.join(PLANTED);
    OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

fn same_times(path: &Path) -> io::Result<()> {
    let found = rustix::fs::stat(path)?;
    let stamp = |seconds: i64, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: stamp(found.st_atime, found.st_atime_nsec),
        last_modification: stamp(found.st_mtime, found.st_mtime_nsec),
    };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// A descriptor that was had for reading, opened again.
fn reopen(targets: &Targets) -> Option<Outcome> {
    let program = targets.program.as_deref()?;
    let file = match File::open(program) {
        Ok(file) => file,
        Err(error) => {
            return Some(crate::attempt::tell(Err::<(), _>(error), NOT_THERE, |()| String::new()));
        }
    };
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let opened = openat(CWD, link, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    Some(judge(opened, READ_ONLY, |_| "opened it to write".to_owned()))
}

/// The mount points whose options lack one, other than those excepted.
fn lacking(option: &str, excepted: fn(&str) -> bool) -> Outcome {
    let text = match fs::read_to_string("/proc/self/mountinfo") {
        Ok(text) => text,
        Err(error) => return Outcome::Unclear(format!("/proc/self/mountinfo: {error}")),
    };
    // proc(5): id, parent, device, root, mount point, options.
    let found: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(4);
            let (at, options) = (words.next()?, words.next()?);
            (!options.split(',').any(|word| word == option) && !excepted(at)).then_some(at)
        })
        .collect();
    match found.as_slice() {
        [] => Outcome::Stopped(format!("each of {} mounts has {option}", text.lines().count())),
        found => Outcome::Worked(format!("{} has no {option}", found.join(", "))),
    }
}

fn set_ids(_: &Targets) -> Option<Outcome> {
    Some(lacking("nosuid", |_| false))
}

/// Those in `/dev` are the few devices themselves.
fn with_devices(_: &Targets) -> Option<Outcome> {
    Some(lacking("nodev", |at| at.starts_with("/dev/")))
}
