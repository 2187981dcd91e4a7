//! Landlock on a real process, without any mount: what the rules alone hold.

use std::{
    fs,
    io::ErrorKind,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

use palisade_sandbox::linux::landlock::{Access, landlock_abi, prepare, prepare_at_least};

use crate::child::{As, run};

#[test]
fn what_no_rule_grants_is_refused() {
    for who in [As::Caller, As::Ordinary] {
        run(who, &[], "landlock::inside");
    }
}

#[test]
fn a_kernel_that_has_less_than_asked_for_is_refused() {
    let error = prepare_at_least(&[], 1000).unwrap_err();
    assert!(error.to_string().contains("Landlock version 1000"), "{error}");
    assert_eq!(error.errno, rustix::io::Errno::OPNOTSUPP);
}

#[test]
fn a_path_that_is_missing_is_named() {
    let error = prepare(&[("/palisade/is/not/here".into(), Access::ReadOnly)]).unwrap_err();
    assert!(error.to_string().contains("/palisade/is/not/here"), "{error}");
}

#[test]
fn says_what_it_enforces() {
    let enforced = prepare(&[("/".into(), Access::ReadOnly)]).unwrap().enforces();
    assert_eq!(Some(enforced.abi), landlock_abi());
    for right in ["Execute", "Refer", "Truncate", "MakeSock"] {
        assert!(enforced.rights.iter().any(|known| known == right), "{enforced:?}");
    }
    if enforced.abi >= 6 {
        assert_eq!(enforced.scopes, ["AbstractUnixSocket", "Signal"]);
    }
}

fn denied<T>(what: &str, result: std::io::Result<T>) {
    match result {
        Ok(_) => panic!("{what}: it was allowed"),
        // EXDEV is what Landlock answers to a link or rename across rules.
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::CrossesDevices),
            "{what}: {error}"
        ),
    }
}

#[test]
#[ignore = "run by what_no_rule_grants_is_refused"]
fn inside() {
    let base = std::env::temp_dir().join(format!("palisade-landlock-{}", std::process::id()));
    let at = |name: &str| -> PathBuf { base.join(name) };
    for folder in ["read", "write", "write/sub", "other", "list"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for file in ["read/file", "write/file", "other/file", "list/file"] {
        fs::write(at(file), "text").unwrap();
    }
    palisade_testkit::copy_program("/bin/true", at("list/true"));
    let outside = UnixListener::bind(at("other/socket")).unwrap();
    attack_all(&base, false);

    let rules = [
        (at("read"), Access::ReadExecute),
        (at("list"), Access::ReadOnly),
        (at("write"), Access::ReadWrite),
        ("/usr".into(), Access::ReadExecute),
        ("/dev/null".into(), Access::Device),
    ];
    let prepared = prepare(&rules).unwrap();
    rustix::thread::set_no_new_privs(true).unwrap();
    prepared.restrict_self().unwrap();

    // Granted.
    fs::read(at("read/file")).unwrap();
    fs::read_dir(at("read")).unwrap();
    fs::write(at("write/file"), "longer text").unwrap();
    fs::write(at("write/new"), "text").unwrap();
    fs::create_dir(at("write/folder")).unwrap();
    fs::rename(at("write/new"), at("write/sub/new")).unwrap();
    fs::hard_link(at("write/file"), at("write/sub/link")).unwrap();
    std::os::unix::fs::symlink("file", at("write/symbolic")).unwrap();
    fs::remove_file(at("write/sub/new")).unwrap();
    let inner = UnixListener::bind(at("write/socket")).unwrap();
    std::os::unix::net::UnixStream::connect(at("write/socket")).unwrap();
    fs::write("/dev/null", "x").unwrap();
    drop((inner, outside));
    attack_all(&base, true);
    // The folder stays: nothing here may remove it any more.
}

/// Things that work without the rules and not with them.
fn attack_all(base: &Path, confined: bool) {
    let at = |name: &str| -> PathBuf { base.join(name) };
    let expect = |what: &str, result: std::io::Result<()>| {
        if confined {
            denied(what, result);
        } else {
            result.unwrap_or_else(|error| panic!("{what} without rules: {error}"));
        }
    };
    let append = |path: PathBuf| fs::OpenOptions::new().append(true).open(path).map(drop);
    expect("read a file outside", fs::read(at("other/file")).map(drop));
    expect("list a folder outside", fs::read_dir(at("other")).map(drop));
    expect("read by ..", fs::read(at("read/../other/file")).map(drop));
    expect("read by /proc/self/root", {
        fs::read(Path::new("/proc/self/root").join(at("other/file").strip_prefix("/").unwrap()))
            .map(drop)
    });
    expect("write a read-only file", append(at("read/file")));
    expect("truncate a read-only file", {
        rustix::fs::open(
            at("read/file"),
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::TRUNC,
            rustix::fs::Mode::empty(),
        )
        .map(drop)
        .map_err(Into::into)
    });
    expect("create in a read-only folder", fs::create_dir(at("read/new")));
    expect("remove it", {
        if confined { fs::remove_file(at("read/file")) } else { fs::remove_dir(at("read/new")) }
    });
    expect("link a file from outside inwards", {
        fs::hard_link(at("other/file"), at("write/stolen"))
            .and_then(|()| fs::remove_file(at("write/stolen")))
    });
    expect("link a read-only file to where it can be written", {
        fs::hard_link(at("read/file"), at("write/taken"))
            .and_then(|()| fs::remove_file(at("write/taken")))
    });
    expect("rename a file outwards", {
        fs::rename(at("write/file"), at("other/moved"))
            .and_then(|()| fs::rename(at("other/moved"), at("write/file")))
    });
    expect("follow a link outwards", {
        let link = at("write/outwards");
        if !link.is_symlink() {
            std::os::unix::fs::symlink(at("other/file"), &link).unwrap();
        }
        fs::read(link).map(drop)
    });
    expect("execute from a folder that is only readable", {
        std::process::Command::new(at("list/true")).status().map(drop)
    });
    if landlock_abi().is_some_and(|abi| abi >= 6) {
        let parent = rustix::process::getppid().unwrap();
        let signalled = rustix::process::test_kill_process(parent).map_err(Into::into);
        if confined {
            denied("signal the parent", signalled);
        } else if let Err(error) = signalled {
            println!("note: cannot signal the parent anyway: {error}");
        }
    }
}
