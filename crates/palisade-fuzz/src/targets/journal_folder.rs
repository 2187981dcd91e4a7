//! A journal's folder as somebody left it, such as one in an audit bundle: it is judged within bounds, and where it is whole no byte can be
//! changed.

use std::fs;

use palisade_journal::{
    Filter, Query,
    verify::{Options, verify},
};

use crate::input::two;

thread_local! {
    static FOLDER: Option<tempfile::TempDir> = tempfile::tempdir().ok();
}

/// That of the journal which the repository keeps of the format's first version.
const SESSION: &str = "s-0d38222f2c0782acd1e0c85b61dad5ed";

/// The other session of that journal, which stays as it is.
const OTHER: (&str, &[u8]) = (
    "s-e674699d7b0844f39d496f452b59a4e4",
    include_bytes!(
        "../../../palisade-journal/tests/version-1/s-e674699d7b0844f39d496f452b59a4e4/000001.jsonl"
    ),
);

pub(crate) fn target(data: &[u8]) {
    let (ledger, lines) = two(data);
    if !judged(ledger, lines) || lines.is_empty() {
        return;
    }
    // Whole: then with any byte changed it is not.
    let at = lines.iter().map(|byte| usize::from(*byte)).sum::<usize>() % lines.len();
    let mut changed = lines.to_vec();
    changed[at] ^= 1;
    assert!(!judged(ledger, &changed), "byte {at} is changed and nobody sees it");
}

/// Whether it is whole.
fn judged(ledger: &[u8], lines: &[u8]) -> bool {
    FOLDER.with(|folder| {
        let Some(folder) = folder else { panic!("there is no folder for files") };
        let journal = folder.path().join("journal");
        let session = journal.join(SESSION);
        let made = fs::create_dir_all(&session)
            .and_then(|()| fs::write(journal.join("ledger.jsonl"), ledger))
            .and_then(|()| fs::write(session.join("000001.jsonl"), lines))
            .and_then(|()| fs::create_dir_all(journal.join(OTHER.0)))
            .and_then(|()| fs::write(journal.join(OTHER.0).join("000001.jsonl"), OTHER.1));
        assert!(made.is_ok(), "{made:?}");
        if let Ok(mut query) = Query::new(&journal, Filter::default()) {
            for _ in 0..10_000 {
                if !matches!(query.next_record(), Ok(Some(_))) {
                    break;
                }
            }
        }
        verify(&journal, &Options::default()).is_ok_and(|report| report.is_whole())
    })
}
