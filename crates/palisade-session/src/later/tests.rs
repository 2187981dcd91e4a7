use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::sweep::Was;

fn name(folder: &Path, name: &str, git: bool) -> Watched {
    Watched { folder: folder.into(), name: name.into(), was: Was::Absent, git }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn started(names: Vec<Watched>) -> Later {
    let mut later = Later::new(names, None, None, None);
    later.run();
    later
}

/// What was found by now.
fn found(later: &mut Later) -> Vec<Found> {
    std::iter::from_fn(|| later.notes.try_recv().ok())
        .filter_map(|note| match note {
            Note::Found(found) => Some(found),
            Note::Weaker(_) | Note::End(_) | Note::Covered { .. } => None,
        })
        .collect()
}

#[test]
fn what_appears_is_moved_at_once_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    let names = [".envrc", ".vscode", ".config/git"].map(|one| name(&at, one, false));
    let mut later = started(names.to_vec());
    fs::write(at.join("README"), "mine").unwrap();
    fs::write(at.join(".envrc"), "evil").unwrap();
    fs::create_dir_all(at.join("x/git")).unwrap();
    // By a rename, and in a folder that was not there.
    fs::rename(at.join("x"), at.join(".config")).unwrap();
    symlink("/etc", at.join(".vscode")).unwrap();
    for gone in [".envrc", ".vscode", ".config/git"] {
        until(gone, || at.join(gone).symlink_metadata().is_err());
    }
    fs::create_dir(at.join(".config/git")).unwrap();
    until("again", || !at.join(".config/git").exists());
    assert!(at.join("README").exists() && at.join(".config").exists());
    until("told", || later.notes.len() >= 4);
    assert_eq!(found(&mut later).len(), 4);
}

/// The folder that is watched is one of another name by now, and a link has its name.
#[test]
fn a_watched_folder_is_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(at.join(".config")).unwrap();
    fs::create_dir(other.path().join("git")).unwrap();
    let _later = started(vec![name(&at, ".config/git", false)]);
    fs::rename(at.join(".config"), at.join("x")).unwrap();
    fs::create_dir(at.join("x/git")).unwrap();
    symlink(other.path(), at.join(".config")).unwrap();
    until("the link", || at.join(".config").symlink_metadata().is_err());
    fs::create_dir_all(at.join(".config/git")).unwrap();
    until("the new one", || !at.join(".config/git").exists());
    assert!(at.join("x/git").exists() && other.path().join("git").exists());
}

#[test]
fn hooks_stay_as_long_as_they_run_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    fs::create_dir(at.join(".git")).unwrap();
    let mut later = started(vec![name(&at, ".git/hooks", true)]);
    fs::create_dir(at.join(".git/hooks")).unwrap();
    fs::write(at.join(".git/hooks/pre-commit.sample"), "").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(at.join(".git/hooks").exists() && found(&mut later).is_empty());
    fs::write(at.join(".git/hooks/pre-commit"), "").unwrap();
    until("moved", || !at.join(".git/hooks").exists());
}

#[test]
fn who_makes_names_without_end_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    // Every name that could be guessed is taken.
    fs::write(at.join(".envrc.palisade-moved"), "").unwrap();
    for number in 1..1000 {
        fs::write(at.join(format!(".envrc.palisade-moved-{number}")), "").unwrap();
    }
    let mut later = started(vec![name(&at, ".envrc", false)]);
    for _ in 0..MOST_MOVED {
        fs::write(at.join(".envrc"), "").unwrap();
        until("moved", || !at.join(".envrc").exists());
    }
    let ended = |note| matches!(note, Some(Note::End(_)));
    until("told", || later.notes.len() > MOST_MOVED as usize);
    assert!(std::iter::from_fn(|| later.notes.try_recv().ok()).any(|note| ended(Some(note))));
}

/// Another session moves what was there at this one's launch: it is missing for this one too from then on.
#[test]
fn what_another_session_moves_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    for there in [".envrc", ".netrc"] {
        fs::write(at.join(there), "").unwrap();
    }
    let mut later = started(vec![name(&at, ".mcp.json", false)]);
    fs::rename(at.join(".envrc"), at.join(".envrc.palisade-moved")).unwrap();
    // The agent says so of what is there still.
    fs::write(at.join(".netrc.palisade-moved"), "").unwrap();
    fs::write(at.join(".mcp.json"), "").unwrap();
    until("taken", || !at.join(".mcp.json").exists());
    fs::write(at.join(".envrc"), "").unwrap();
    until("moved", || !at.join(".envrc").exists());
    fs::write(at.join(".netrc"), "the host's own").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(at.join(".netrc").exists());
    assert_eq!(found(&mut later).len(), 2);
}

/// More happens than the kernel keeps.
#[test]
fn a_flood_hides_nothing() {
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    let mut later = Later::new(vec![name(&at, ".envrc", false)], None, None, None);
    for number in 0..=most {
        fs::File::create(at.join(number.to_string())).unwrap();
    }
    fs::write(at.join(".envrc"), "").unwrap();
    later.run();
    until("moved", || !at.join(".envrc").exists());
}
