use super::listener::Waiting;

/// What a call wants of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// To look at it, or read it.
    Read,
    /// To make, change or remove it.
    Write,
    /// What these flags of `open(2)` say.
    Flags(u32),
    /// What the first word at this address says, as `openat2(2)` has it.
    FlagsAt(u64),
}

/// A path that a call names, as the registers of its thread had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPath {
    /// The descriptor of the folder that the path begins at; none: the thread's own.
    pub folder: Option<i32>,
    /// Where the path is.
    pub path: u64,
    /// What is wanted of it.
    pub want: Want,
}

/// A call with paths that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    pub(super) id: u64,
    /// The thread, as this process counts.
    pub thread: u32,
    /// The paths.
    pub paths: [Option<NamedPath>; 2],
}

impl Waiting for Names {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Where a call has a path: the arguments with its folder and with the path itself.
#[derive(Debug, Clone, Copy)]
struct Place {
    folder: Option<usize>,
    path: usize,
    want: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Read,
    Write,
    Flags(usize),
    FlagsAt(usize),
}

const fn own(path: usize, want: Kind) -> Place {
    Place { folder: None, path, want }
}

const fn at(folder: usize, want: Kind) -> Place {
    Place { folder: Some(folder), path: folder + 1, want }
}

/// Where a call of this name has its paths.
fn places(call: &str) -> [Option<Place>; 2] {
    use Kind::{Flags, FlagsAt, Read, Write};
    let one = |place| [Some(place), None];
    match call {
        "open" => one(own(0, Flags(1))),
        "openat" => one(at(0, Flags(2))),
        "openat2" => one(at(0, FlagsAt(2))),
        "stat" | "lstat" | "access" | "readlink" | "statfs" | "chdir" | "execve" => {
            one(own(0, Read))
        }
        "newfstatat" | "statx" | "faccessat" | "faccessat2" | "readlinkat" | "execveat" => {
            one(at(0, Read))
        }
        "creat" | "mkdir" | "rmdir" | "unlink" | "truncate" | "chown" | "lchown" | "utime"
        | "utimes" => one(own(0, Write)),
        "mkdirat" | "unlinkat" | "fchownat" | "utimensat" | "futimesat" => one(at(0, Write)),
        "rename" => [Some(own(0, Write)), Some(own(1, Write))],
        "renameat" | "renameat2" => [Some(at(0, Write)), Some(at(2, Write))],
        "link" => [Some(own(0, Read)), Some(own(1, Write))],
        "linkat" => [Some(at(0, Read)), Some(at(2, Write))],
        "symlink" => one(own(1, Write)),
        "symlinkat" => one(at(1, Write)),
        _ => [None, None],
    }
}

/// Whether a call has paths that are looked at.
pub(super) fn has_paths(call: &str) -> bool {
    places(call).iter().any(Option::is_some)
}

/// The paths of a call with these arguments.
pub(super) fn named(call: &str, arguments: &[u64; 6]) -> [Option<NamedPath>; 2] {
    let argument = |at: usize| arguments.get(at).copied().unwrap_or_default();
    // The kernel takes descriptors and flags as 32 bits.
    let low = |at: usize| u32::try_from(argument(at) & 0xffff_ffff).unwrap_or_default();
    places(call).map(|place| {
        let place = place?;
        let want = match place.want {
            Kind::Read => Want::Read,
            Kind::Write => Want::Write,
            Kind::Flags(flags) => Want::Flags(low(flags)),
            Kind::FlagsAt(how) => Want::FlagsAt(argument(how)),
        };
        let folder = place.folder.map(|folder| low(folder).cast_signed());
        Some(NamedPath { folder, path: argument(place.path), want })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::numbers, *};

    #[test]
    fn no_call_is_misspelt_and_each_argument_is_one() {
        let known: Vec<&str> =
            numbers::X86_64.iter().chain(numbers::AARCH64).map(|(name, _)| *name).collect();
        let all = [
            "open",
            "openat",
            "openat2",
            "stat",
            "chdir",
            "execve",
            "newfstatat",
            "creat",
            "mkdirat",
            "rename",
            "renameat2",
            "linkat",
            "symlink",
            "symlinkat",
            "utimensat",
        ];
        for name in all {
            assert!(known.contains(&name) && has_paths(name), "{name}");
        }
        assert!(!has_paths("read") && !has_paths("connect"));
        for name in known {
            for place in places(name).into_iter().flatten() {
                assert!(place.path < 6, "{name}");
            }
        }
    }

    #[test]
    fn paths_are_where_the_manual_has_them() {
        let arguments = [0xffff_ffff_ffff_ff9c, 0x1000, 0x41, 0x2000, 0, 0];
        let cwd = Some(libc::AT_FDCWD);
        let open = NamedPath { folder: cwd, path: 0x1000, want: Want::Flags(0x41) };
        assert_eq!(named("openat", &arguments), [Some(open), None]);
        let [from, to] = named("renameat2", &arguments).map(Option::unwrap);
        assert_eq!((from.folder, from.path, from.want), (cwd, 0x1000, Want::Write));
        assert_eq!((to.folder, to.path), (Some(0x41), 0x2000));
        let how = named("openat2", &arguments)[0].unwrap();
        assert_eq!(how.want, Want::FlagsAt(0x41));
        assert_eq!(named("symlink", &arguments)[0].unwrap().path, 0x1000);
    }
}
