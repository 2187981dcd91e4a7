use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use palisade_core::{PolicyDigest, SessionId};
use palisade_workspace::{
    Applied, Birth, Change, Choice, Ids, Kept, Outcome, Overlay, Store, WorkspaceError,
};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

/// A host's folder, what lies beside it, and a state folder.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
}

/// A sandbox that lives, and its layer.
pub(crate) struct Session {
    pub(crate) kept: Kept,
    pub(crate) upper: PathBuf,
}

pub(crate) fn id(number: u8) -> SessionId {
    SessionId::from_random([number; 16])
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl World {
    /// With these files in the workspace.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("host")).unwrap();
        fs::create_dir_all(folder.path().join("outside")).unwrap();
        let world = Self { folder };
        for (path, text) in files {
            put(&world.host(path), text);
        }
        world
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn host(&self, path: &str) -> PathBuf {
        self.root().join("host").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root().join("outside").join(path)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    pub(crate) fn store(&self) -> Store {
        Store::create(&self.state()).unwrap()
    }

    /// Start a session.
    pub(crate) fn begin(&self, number: u8) -> Session {
        let me = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let (uid, gid) = if is_root() { (0x6000_1234, 0x6000_1234) } else { me };
        let mut kept = self
            .store()
            .begin(&Birth {
                session: &id(number),
                name: None,
                policy: &PolicyDigest::of(b"policy"),
                workspace: &self.root().join("host"),
                agent: Ids { uid, gid },
                started: "2026-01-01T00:00:00.000000Z".to_owned(),
            })
            .unwrap();
        kept.record_host().unwrap();
        let upper = kept.layers().join("upper");
        Session { kept, upper }
    }

    /// A session that left this, whole.
    pub(crate) fn after(&self, work: impl FnOnce(&Path)) -> Overlay {
        let session = self.begin(1);
        work(&session.upper);
        assert_eq!(session.end().unwrap(), Outcome::Changed);
        self.open()
    }

    pub(crate) fn open(&self) -> Overlay {
        self.store().open(None, None).unwrap()
    }

    /// Everything in the workspace, or beside it.
    pub(crate) fn tree(&self, of: &str) -> BTreeMap<PathBuf, String> {
        tree(&self.root().join(of))
    }
}

impl Session {
    pub(crate) fn end(self) -> Result<Outcome, WorkspaceError> {
        self.kept.end("2026-01-01T01:00:00.000000Z".to_owned())
    }
}

/// Write a file, and the folders above it.
pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// What overlayfs leaves where something was deleted. Anybody may make it (`mknod(2)`).
pub(crate) fn whiteout(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

/// What overlayfs leaves on a folder that hides the host's.
pub(crate) fn opaque(path: &Path) {
    fs::create_dir_all(path).unwrap();
    setxattr(path, "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
}

pub(crate) fn everything() -> Choice {
    Choice { paths: Vec::new(), sensitive: true, overwrite: false }
}

/// Apply all that can be.
pub(crate) fn apply(overlay: &Overlay) -> Result<Applied, WorkspaceError> {
    apply_chosen(overlay, &everything())
}

pub(crate) fn apply_chosen(overlay: &Overlay, choice: &Choice) -> Result<Applied, WorkspaceError> {
    let changes = overlay.changes()?;
    overlay.apply(&choice.of(&changes).take, &mut |_| Ok(()))
}

pub(crate) fn at<'a>(changes: &'a [Change], path: &str) -> &'a Change {
    changes.iter().find(|change| change.path == Path::new(path)).unwrap()
}

pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let found = path.symlink_metadata().unwrap();
            let kind = found.file_type();
            let mode = found.mode() & 0o7777;
            let shown = if kind.is_dir() {
                folders.push(path.clone());
                format!("folder {mode:o}")
            } else if kind.is_symlink() {
                format!("link {}", fs::read_link(&path).unwrap().display())
            } else if kind.is_fifo() {
                "pipe".to_owned()
            } else {
                let text = fs::read(&path).unwrap();
                let text = std::ffi::OsStr::from_bytes(&text).to_string_lossy().into_owned();
                format!("file {mode:o} {text}")
            };
            all.insert(path.strip_prefix(root).unwrap().to_owned(), shown);
        }
    }
    all
}
