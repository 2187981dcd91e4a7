//! Floods of denials.

use palisade_core::{Event, Layer};
use palisade_journal::{Durability, Filter, Query};

use crate::fixture::*;

#[tokio::test]
async fn every_denial_of_a_flood_is_written_or_counted() {
    let state = state();
    let journal = open(state.path(), "one");
    let (mut written, mut counted) = (0_u64, 0_u64);
    for n in 0..50_000_u32 {
        let subject = format!("{}.evil.example:443", if n % 3 == 0 { n } else { n % 7 });
        match journal.record_folding(denial(&subject)).await.unwrap() {
            Some(_) => written += 1,
            None => counted += 1,
        }
    }
    let last = Event::observed("end", Layer::Process, "exit 0");
    journal.close(last, Durability::Written).await.unwrap();
    assert_eq!(written + counted, 50_000);
    assert!(written < 3000, "{written}");

    let (mut records, mut folded) = (0, 0);
    let mut query = Query::new(state.path(), Filter::default()).unwrap();
    while let Some(record) = query.next_record().unwrap() {
        match record.kind.as_str() {
            "connect" => records += 1,
            "folded" => folded += record.detail["count"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert_eq!((records, folded), (written, counted));
    assert!(report(state.path()).is_whole());
}

#[tokio::test]
async fn counts_are_written_while_the_session_lives() {
    let state = state();
    let journal = open(state.path(), "one");
    for _ in 0..100 {
        journal.record_folding(denial("evil:443")).await.unwrap();
    }
    let folded = || lines(&file(state.path(), "one")).iter().any(|l| l.contains("\"count\":95"));
    for _ in 0..100 {
        if folded() {
            end(&journal);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no count within ten seconds");
}

/// What is only counted needs no more than by what it is counted.
#[tokio::test]
async fn what_is_added_to_an_event_that_is_admitted_is_written() {
    let state = state();
    let journal = open(state.path(), "one");
    let (mut written, mut counted) = (0_u64, 0_u64);
    for _ in 0..100 {
        let event = denial("evil:443");
        let admitted = journal.admit(&event);
        let (event, count) = match admitted.is_written() {
            true => (event.with("more", "found out"), &mut written),
            false => (event, &mut counted),
        };
        *count += 1;
        journal.record_admitted(event, admitted).await.unwrap();
    }
    assert!(written > 0 && counted > 0, "{written} {counted}");
    end(&journal);
    let lines = lines(&file(state.path(), "one"));
    let whole = lines.iter().filter(|line| line.contains("\"more\":\"found out\"")).count();
    assert_eq!(whole as u64, written);
    assert!(lines.iter().any(|line| line.contains(&format!("\"count\":{counted}"))));
}
