//! What is sealed is opened whole by its key, and by no other, and nothing that was changed passes.

use std::{fs, path::PathBuf};

use palisade_recording::{
    Moment, Piece, Recorder, RecordingError, Sealed, SecretKey, destroy, moments, open_file,
};
use proptest::prelude::*;

struct Made {
    _folder: tempfile::TempDir,
    path: PathBuf,
    key: SecretKey,
}

/// A recording of these outputs.
fn made(outputs: &[&[u8]]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recordings").join("s-1.cast.sealed");
    let key = SecretKey::generate();
    let mut recorder = Recorder::create(&path, &key.public(), "s-1", (80, 24)).unwrap();
    for output in outputs {
        recorder.output(output).unwrap();
    }
    recorder.resized(100, 30).unwrap();
    let recorded = recorder.finish().unwrap();
    assert_eq!(recorded.bytes, fs::metadata(&path).unwrap().len());
    Made { _folder: folder, path, key }
}

impl Made {
    /// The key, and then the pieces.
    fn bytes(&self) -> Vec<u8> {
        let key = fs::read(self.path.with_extension("key")).unwrap();
        let pieces = fs::read(&self.path).unwrap();
        [key, pieces[FIRST_LINE.len()..].to_vec()].concat()
    }
}

const FIRST_LINE: &str = "palisade-recording 2\n";

/// All of it, and whether it has its end.
fn opened(bytes: &[u8], key: &SecretKey, session: &str) -> Result<(String, bool), RecordingError> {
    let mut sealed = Sealed::open(bytes, key, session)?;
    let mut all = Vec::new();
    loop {
        match sealed.next_piece()? {
            Some(Piece::More(bytes)) => all.extend(bytes),
            Some(Piece::End(bytes)) => {
                all.extend(bytes);
                return Ok((String::from_utf8(all).unwrap(), true));
            }
            _ => return Ok((String::from_utf8_lossy(&all).into_owned(), false)),
        }
    }
}

fn shown(text: &str) -> String {
    let all = moments(text).unwrap();
    assert!(matches!(all[0], Moment::Begin { width: 80, height: 24, .. }));
    assert!(all.iter().any(|moment| matches!(moment, Moment::Resize(_, 100, 30))));
    let texts = all.into_iter().filter_map(|moment| match moment {
        Moment::Output(_, text) => Some(text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn what_was_printed_is_there_again_and_not_to_be_read_on_the_disk() {
    let long = vec![b'x'; 200_000];
    let made = made(&[b"a secret that was printed\r\n", b"\xe6\x97", b"\xa5!\xff", &long, b"\xc3"]);
    let bytes = made.bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("secret"));
    let (text, whole) = opened(&bytes, &made.key, "s-1").unwrap();
    assert!(whole);
    let expected = format!(
        "a secret that was printed\r\n日!\u{fffd}{}\u{fffd}",
        String::from_utf8_lossy(&long)
    );
    assert_eq!(shown(&text), expected);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&made.path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// What a copy elsewhere has is of no use to anybody once the key here is destroyed.
#[test]
fn the_pieces_are_opened_by_the_file_with_their_key_alone() {
    let made = made(&[b"hello"]);
    let open = || open_file(&made.path, &made.key, "s-1").and_then(|mut it| it.next_piece());
    assert!(matches!(open(), Ok(Some(_))));
    let pieces = fs::read(&made.path).unwrap();
    let head = fs::read(made.path.with_extension("key")).unwrap();
    let shared = &head[FIRST_LINE.len()..];
    assert!(shared.len() == 32 && !pieces.windows(32).any(|part| part == shared));
    destroy(&made.path).unwrap();
    assert_eq!(fs::read_dir(made.path.parent().unwrap()).unwrap().count(), 0);
    destroy(&made.path).unwrap();
    // It comes back from elsewhere.
    fs::write(&made.path, &pieces).unwrap();
    assert!(open().is_err());
    for key in [vec![], [FIRST_LINE.as_bytes(), &[0; 32]].concat(), head[..40].to_vec()] {
        fs::write(made.path.with_extension("key"), key).unwrap();
        assert!(open().is_err());
    }
    fs::write(made.path.with_extension("key"), head).unwrap();
    assert!(open().is_ok());
}

#[test]
fn another_key_or_another_session_opens_nothing() {
    let made = made(&[b"hello"]);
    let bytes = made.bytes();
    assert!(opened(&bytes, &SecretKey::generate(), "s-1").is_err());
    assert!(opened(&bytes, &made.key, "s-2").is_err());
    assert!(opened(&bytes, &made.key, "s-1").is_ok());
}

/// Where each piece begins, and where the last ends.
fn pieces(bytes: &[u8]) -> Vec<usize> {
    let mut at = FIRST_LINE.len() + 32;
    let mut starts = vec![at];
    while at < bytes.len() {
        at += 4 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        starts.push(at);
    }
    starts
}

#[test]
fn pieces_that_were_moved_repeated_left_out_or_added_are_seen() {
    let long = vec![b'x'; 200_000];
    let made = made(&[&long]);
    let bytes = made.bytes();
    let at = pieces(&bytes);
    assert!(at.len() > 4);
    let piece = |n: usize| bytes[at[n]..at[n + 1]].to_vec();
    let head = bytes[..at[0]].to_vec();
    let of = |parts: Vec<Vec<u8>>| [vec![head.clone()], parts].concat().concat();
    let count = at.len() - 1;
    let all: Vec<_> = (0..count).map(piece).collect();
    assert!(opened(&of(all.clone()), &made.key, "s-1").unwrap().1);
    let mut moved = all.clone();
    moved.swap(0, 1);
    let repeated = [&all[..1], &all[..]].concat();
    let left_out = all[1..].to_vec();
    let added = [&all[..], &all[..1]].concat();
    for bad in [moved, repeated, left_out, added] {
        assert!(opened(&of(bad), &made.key, "s-1").is_err());
    }
    // Without its end it is told to be cut.
    assert!(!opened(&of(all[..count - 1].to_vec()), &made.key, "s-1").unwrap().1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_change_passes(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let made = made(&[b"hello", b"world"]);
        let mut bytes = made.bytes();
        let (before, _) = opened(&bytes, &made.key, "s-1").unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // A length that was changed may look like a cut.
        if let Ok((text, whole)) = opened(&bytes, &made.key, "s-1") {
            prop_assert!(!whole && before.starts_with(&text));
        }
    }

    #[test]
    fn a_cut_is_told(at in any::<prop::sample::Index>()) {
        let made = made(&[b"hello", b"world"]);
        let bytes = made.bytes();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(!opened(cut, &made.key, "s-1").is_ok_and(|(_, whole)| whole));
    }

    #[test]
    fn any_bytes_are_a_recording_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200), lines in ".{0,80}") {
        let key = SecretKey::generate();
        drop(opened(&bytes, &key, "s-1"));
        let head = [&b"palisade-recording 1\n"[..], &bytes].concat();
        drop(opened(&head, &key, "s-1"));
        drop(moments(&lines));
    }
}
