//! The programs that attack, and where they are found.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Folders that programs are looked for in, before those of `PATH`.
const SYSTEM: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// The folder with our own programs, built once a run.
pub(crate) fn folder() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let gcc = which("gcc")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/c");
    let folder = place();
    for name in ["attempt", "swap"] {
        // Renamed into place: another run of the tests may be using the one that is there.
        let fresh = folder.join(format!("{name}.{}", std::process::id()));
        let built = Command::new(&gcc)
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
            .arg(&fresh)
            .arg(source.join(format!("{name}.c")))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "gcc cannot build {name}.c: {said}");
        std::fs::rename(fresh, folder.join(name)).unwrap();
    }
    open_to_all(&folder);
    Some(folder)
}

/// Beside the build's other results, or where temporary files go if that is not ours to write.
fn place() -> PathBuf {
    let name = format!("attackers-{}", rustix::process::getuid().as_raw());
    let places = [PathBuf::from(env!("CARGO_TARGET_TMPDIR")), std::env::temp_dir()];
    let folder = places
        .iter()
        .map(|place| place.join(&name))
        .find(|folder| std::fs::create_dir_all(folder).is_ok() && writable(folder))
        .unwrap();
    folder.canonicalize().unwrap()
}

fn writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// Let every user read and enter a folder that belongs to a test.
pub(crate) fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Let nobody but its owner read a file.
pub(crate) fn keep_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Where a program is; the system's own before one of the operator's tools.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = SYSTEM.iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether all these programs are here. In CI they must be; locally the test is skipped, and says so.
pub(crate) fn have(names: &[&str]) -> bool {
    let missing: Vec<_> = names.iter().filter(|name| which(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    skip(&format!("{test}: there is no {missing:?}"))
}

/// Say that a test is skipped; a failure in CI.
pub(crate) fn skip(why: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: {why}");
    println!("skipped: {why}");
    false
}

/// Whether the present user is root.
pub(crate) fn is_root() -> bool {
    rustix::process::getuid().is_root()
}
