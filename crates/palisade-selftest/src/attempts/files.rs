use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use palisade_core::Layer;
use rustix::io::Errno;

use crate::{
    Targets,
    attempt::{Attempt, Outcome, errno, judge},
};

const NOT_THERE: &[(Errno, &str)] =
    &[(Errno::NOENT, "it does not exist in the mount tree"), (Errno::ACCESS, "no right to it")];
const READ_ONLY: &[(Errno, &str)] = &[
    (Errno::ROFS, "it is mounted read-only"),
    (Errno::ACCESS, "no right to write it"),
    (Errno::NOENT, "it does not exist in the mount tree"),
    (Errno::PERM, "it belongs to nobody inside"),
];

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "reads_ssh_key",
        tries: "read ~/.ssh",
        layer: Layer::Files,
        make: |targets| targets.secret.as_deref().map(read),
    },
    Attempt {
        name: "reads_ssh_key_through_proc_root",
        tries: "read ~/.ssh through /proc/1/root",
        layer: Layer::Files,
        make: |targets| {
            let secret = targets.secret.as_deref()?;
            let path = Path::new("/proc/1/root").join(secret.strip_prefix("/").unwrap_or(secret));
            Some(read(&path))
        },
    },
    Attempt {
        name: "reads_ssh_key_through_symlink",
        tries: "read ~/.ssh by a link in the workspace",
        layer: Layer::Files,
        make: through_link,
    },
    Attempt {
        name: "writes_startup_file",
        tries: "write ~/.bashrc",
        layer: Layer::Files,
        make: |targets| targets.startup_file.as_deref().map(append),
    },
    Attempt {
        name: "plants_program",
        tries: "plant a program in /usr/bin",
        layer: Layer::Files,
        make: |_| Some(create(Path::new("/usr/bin/palisade-selftest"))),
    },
    Attempt {
        name: "reads_password_hashes",
        tries: "read /etc/shadow",
        layer: Layer::Files,
        make: |_| Some(read(Path::new("/etc/shadow"))),
    },
    Attempt {
        name: "writes_kernel_setting",
        tries: "change a kernel setting in /proc/sys",
        layer: Layer::Files,
        make: |_| Some(overwrite(Path::new("/proc/sys/kernel/core_pattern"))),
    },
];

fn read(path: &Path) -> Outcome {
    judge(fs::read(path).map_err(|error| errno(&error)), NOT_THERE, |bytes| {
        format!("read {} bytes", bytes.len())
    })
}

/// The home inside is a private one, so that this may work and yet change nothing outside.
fn append(path: &Path) -> Outcome {
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(b"# planted from inside\n"));
    match judge(written.map_err(|error| errno(&error)), READ_ONLY, |()| String::new()) {
        Outcome::Worked(_) => Outcome::Seemed("wrote to a file of that name".to_owned()),
        other => other,
    }
}

fn create(path: &Path) -> Outcome {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    judge(made.map_err(|error| errno(&error)), READ_ONLY, |_| {
        fs::remove_file(path).unwrap_or_default();
        "made it".to_owned()
    })
}

/// Open for writing what exists, and write nothing.
fn overwrite(path: &Path) -> Outcome {
    let opened = OpenOptions::new().write(true).open(path);
    judge(opened.map_err(|error| errno(&error)), READ_ONLY, |_| "opened it to write".to_owned())
}

fn through_link(targets: &Targets) -> Option<Outcome> {
    let (secret, workspace) = (targets.secret.as_deref()?, targets.workspace.as_deref()?);
    let link: PathBuf = workspace.join(".palisade-selftest-link");
    if let Err(error) = symlink(secret, &link) {
        return Some(Outcome::Unclear(format!("no link could be made: {error}")));
    }
    let outcome = read(&link);
    fs::remove_file(&link).unwrap_or_default();
    Some(outcome)
}
