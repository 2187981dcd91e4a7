//! Queries and tails.

use palisade_core::Verdict;
use palisade_journal::{Filter, Query, Record, Timestamp, tail::Tail};

use crate::fixture::*;

fn ask(state: &std::path::Path, filter: Filter) -> Vec<Record> {
    let mut query = Query::new(state, filter).unwrap();
    std::iter::from_fn(|| query.next_record().unwrap()).collect()
}

#[test]
fn sessions_are_merged_in_time_and_keep_their_order() {
    let state = state();
    let (one, two) = (open(state.path(), "one"), open(state.path(), "two"));
    for n in 0..50 {
        put(if n % 3 == 0 { &one } else { &two }, &format!("{n}"));
    }
    end(&two);
    end(&one);
    let all = ask(state.path(), Filter::default());
    assert_eq!(all.len(), 54);
    assert!(all.is_sorted_by_key(|record| record.time));
    let denied = Filter { decision: Some(Verdict::Deny), ..Filter::default() };
    let subjects: Vec<_> = ask(state.path(), denied).into_iter().map(|r| r.subject).collect();
    assert_eq!(subjects, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn filters_select() {
    let state = state();
    session(state.path(), "one", 6);
    session(state.path(), "two", 6);
    let count = |filter| ask(state.path(), filter).len();
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(count(Filter { session: text("one"), ..Filter::default() }), 6);
    assert_eq!(count(Filter { session: text("name-two"), ..Filter::default() }), 6);
    assert_eq!(count(Filter { session: text("three"), ..Filter::default() }), 0);
    assert_eq!(count(Filter { kind: text("connect"), ..Filter::default() }), 8);
    assert_eq!(count(Filter { layer: text("process"), ..Filter::default() }), 2);
    assert_eq!(count(Filter { subject: text("3.two."), ..Filter::default() }), 1);
    assert_eq!(count(Filter { rule: text("x"), ..Filter::default() }), 0);
    let now = Some(Timestamp::now());
    assert_eq!(count(Filter { since: now, ..Filter::default() }), 0);
    assert_eq!(count(Filter { until: now, ..Filter::default() }), 12);
}

#[test]
fn an_edited_record_is_not_shown_as_if_true() {
    let state = state();
    session(state.path(), "one", 6);
    let path = file(state.path(), "one");
    let mut all = lines(&path);
    all[2] = all[2].replace("\"deny\"", "\"allow\"");
    write_lines(&path, &all);
    let mut query = Query::new(state.path(), Filter::default()).unwrap();
    let shown = std::iter::from_fn(|| query.next_record().unwrap()).count();
    assert_eq!(shown, 5);
    assert_eq!(query.unreadable().len(), 1);
    assert_eq!(query.unreadable()[0].line, 3);
}

#[test]
fn what_is_read_back_is_what_was_written() {
    let state = state();
    session(state.path(), "one", 4);
    let written = lines(&file(state.path(), "one"));
    let read: Vec<_> = ask(state.path(), Filter::default()).iter().map(Record::to_json).collect();
    assert_eq!(read, written);
}

#[test]
fn a_tail_shows_the_newest_and_goes_on() {
    let state = state();
    session(state.path(), "old", 30);
    let one = open(state.path(), "one");
    put(&one, "a");
    put(&one, "b");
    let (mut tail, newest) = Tail::open(state.path(), None, 5).unwrap();
    let subjects =
        |records: &[Record]| records.iter().map(|r| r.subject.clone()).collect::<Vec<_>>();
    assert_eq!(subjects(&newest)[2..], ["name-one", "a", "b"]);
    assert!(tail.poll().unwrap().is_empty());
    put(&one, "c");
    let two = open(state.path(), "two");
    assert_eq!(subjects(&tail.poll().unwrap()), ["c", "name-two"]);
    end(&one);
    end(&two);
    assert_eq!(tail.poll().unwrap().len(), 2);
    let (_, of_one) = Tail::open(state.path(), Some("name-old"), 1).unwrap();
    assert_eq!(of_one[0].seq, 30);
}
