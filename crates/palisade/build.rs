//! Has the program linked so that it starts sooner: relocations are packed where what loads it can unpack them, a third
//! of what the loader reads at each start; and what unwinds its stack is in it, not in a library to be found and mapped.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The first glibc that reads packed relocations (`DT_RELR`).
const LEAST: (u32, u32) = (2, 36);

/// GCC's unwinder, as an archive (`-static-libgcc` in gcc's manual).
const UNWINDER: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    let of_this_machine = env::var("HOST").ok() == env::var("TARGET").ok();
    if !of_this_machine || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        return;
    }
    if glibc().is_some_and(|version| version >= LEAST) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // Before the standard library asks for the shared one, which then nothing needs: it is linked as needed.
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// The version of this machine's: `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?.stdout;
    let (major, minor) = str::from_utf8(&said).ok()?.trim().rsplit_once(' ')?.1.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The folder of the archive, where the C compiler that links has one. What it does not find it calls by the bare name.
fn unwinder() -> Option<PathBuf> {
    let asked = format!("-print-file-name={UNWINDER}");
    let said = Command::new("cc").arg(asked).output().ok()?.stdout;
    let path = Path::new(str::from_utf8(&said).ok()?.trim());
    (path.is_absolute() && path.is_file()).then(|| path.parent().map(Path::to_owned)).flatten()
}
