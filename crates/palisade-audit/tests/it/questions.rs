use std::{fs, ops::ControlFlow, path::Path};

use palisade_audit::{
    index::{Index, index_path},
    query::{Asked, Use, ask},
};
use palisade_core::{Event, Layer, Verdict};
use palisade_journal::{Filter, Record};
use proptest::prelude::*;

use crate::fixture::{State, event};

fn answers(state: &Path, filter: &Filter, how: Use, limit: Option<usize>) -> (Vec<Record>, Asked) {
    let mut records = Vec::new();
    let mut take = |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    let asked = ask(state, filter, (how, limit), &mut |_| {}, &mut take).unwrap();
    (records, asked)
}

/// The index and the journal give the same answer.
fn same(state: &Path, filter: &Filter, limit: Option<usize>) -> Vec<Record> {
    let (read, _) = answers(state, filter, Use::Never, limit);
    let (found, asked) = answers(state, filter, Use::Always, limit);
    assert!(asked.by_index, "{filter:?}");
    assert_eq!(found, read, "{filter:?}");
    found
}

fn filter(conditions: &[&str]) -> Filter {
    let conditions = conditions.iter().map(|text| text.parse().unwrap()).collect();
    Filter { conditions, ..Filter::default() }
}

fn some() -> Vec<Event> {
    let mut all = Vec::new();
    for number in 0..40_u64 {
        let kinds = ["connect", "request", "exec", "resolve"];
        let verdicts = [Verdict::Allow, Verdict::Deny, Verdict::Observe];
        let kind = kinds[usize::try_from(number % 4).unwrap()];
        let verdict = verdicts[usize::try_from(number % 3).unwrap()];
        let host = format!("h{}.example", number % 7);
        let mut one = event(kind, Layer::Egress, verdict, &format!("{host}:443"))
            .with("host", host)
            .with("connection", number / 2)
            .with("list", vec![number.to_string(), "x".to_owned()]);
        one.rule = (number % 5 == 0).then(|| format!("network.rules[{}]", number % 2));
        all.push(one);
    }
    all
}

#[test]
fn the_index_finds_what_is_in_the_journal() {
    let state = State::new();
    let first = state.session(1, Some("one"), some());
    state.session(2, Some("two"), some());
    let path = state.path();
    let named = Filter { session: Some("one".into()), ..Filter::default() };
    assert_eq!(same(path, &named, None).len(), 42);
    let deny = Filter { decision: Some(Verdict::Deny), ..Filter::default() };
    assert!(!same(path, &deny, None).is_empty());
    assert_eq!(same(path, &deny, Some(3)).len(), 3);
    assert_eq!(same(path, &filter(&["detail.host=h3.example"]), None).len(), 12);
    assert_eq!(same(path, &filter(&["detail.host=h3.example", "kind=connect"]), None).len(), 2);
    assert_eq!(same(path, &filter(&["detail.connection=3"]), None).len(), 4);
    assert_eq!(
        same(path, &filter(&["subject=h1.example:443", "decision!=deny"]), Some(2)).len(),
        2
    );
    assert!(same(path, &filter(&["detail.host=nowhere"]), None).is_empty());
    assert!(same(path, &filter(&["kind=nothing"]), None).is_empty());
    // What comes later is found too, also in a session that was there.
    state.more(&first, None, some());
    state.session(3, None, some());
    assert_eq!(same(path, &filter(&["detail.host=h3.example"]), None).len(), 24);
    assert_eq!(same(path, &named, None).len(), 84);
}

#[test]
fn an_index_is_made_anew_whatever_became_of_it() {
    let state = State::new();
    state.session(1, None, some());
    let asked = filter(&["detail.host=h3.example"]);
    assert_eq!(same(state.path(), &asked, None).len(), 6);
    let path = index_path(state.path());
    fs::write(&path, "this is no database, and so nothing that can be asked").unwrap();
    assert_eq!(same(state.path(), &asked, None).len(), 6);
    Index::rebuild(state.path()).unwrap();
    assert_eq!(same(state.path(), &asked, None).len(), 6);
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(same(state.path(), &asked, None).len(), 6);
}

/// A line that was changed after it was taken into the index is not shown, and it is said.
#[test]
fn shows_an_event_that_the_index_has_and_the_journal_has_not() {
    let state = State::new();
    let id = state.session(1, None, some());
    let asked = filter(&["detail.host=h3.example"]);
    assert_eq!(same(state.path(), &asked, None).len(), 6);
    let segment = state.segment(&id);
    let text = fs::read_to_string(&segment).unwrap();
    // In place: nothing but the content tells.
    let changed = text.replacen("h3.example:443", "h4.example:443", 1);
    assert_ne!(text, changed);
    let times = fs::metadata(&segment).unwrap().modified().unwrap();
    fs::write(&segment, changed).unwrap();
    fs::File::options().append(true).open(&segment).unwrap().set_modified(times).unwrap();
    let (found, by_index) = answers(state.path(), &asked, Use::Always, None);
    assert_eq!((found.len(), by_index.unreadable), (5, 1));
    // A change that can be seen has it read again, and then the line is known to be none.
    fs::File::options()
        .append(true)
        .open(&segment)
        .unwrap()
        .set_modified(times + std::time::Duration::from_secs(9))
        .unwrap();
    let (found, by_index) = answers(state.path(), &asked, Use::Always, None);
    assert_eq!((found.len(), by_index.unreadable), (5, 1));
    assert!(by_index.first.unwrap().contains("000001.jsonl:"));
}

#[test]
fn a_segment_that_was_put_in_place_of_another_is_read_anew() {
    let state = State::new();
    let id = state.session(1, None, some());
    let asked = filter(&["detail.host=h3.example"]);
    assert_eq!(same(state.path(), &asked, None).len(), 6);
    // The journal of a longer session, whose lines stand elsewhere.
    let other = State::new();
    let mut events = vec![event("exec", Layer::Process, Verdict::Allow, "a longer subject")];
    events.extend(some());
    events.extend(some());
    other.session(1, None, events);
    fs::copy(other.segment(&id), state.segment(&id)).unwrap();
    assert_eq!(same(state.path(), &asked, None).len(), 12);
}

#[test]
fn without_an_index_that_can_be_written_the_journal_is_read() {
    let state = State::new();
    state.session(1, None, some());
    // A file where the folder would be.
    fs::write(state.path().join("index"), "").unwrap();
    let (found, asked) =
        answers(state.path(), &filter(&["detail.host=h3.example"]), Use::Always, None);
    assert_eq!((found.len(), asked.by_index), (6, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_question_has_one_answer(
        subjects in proptest::collection::vec("[ab]{1,2}", 1..30),
        kind in proptest::option::of("(connect|exec)"),
        deny in any::<bool>(),
        subject in proptest::option::of("[ab]{1,2}"),
        limit in proptest::option::of(0_usize..8),
    ) {
        let state = State::new();
        for (number, half) in (0_u8..).zip(subjects.chunks(subjects.len().div_ceil(2))) {
            let events = half.iter().enumerate().map(|(at, subject)| {
                let kind = if at % 2 == 0 { "connect" } else { "exec" };
                let verdict = if at % 3 == 0 { Verdict::Deny } else { Verdict::Allow };
                event(kind, Layer::Egress, verdict, subject).with("host", subject.clone())
            });
            state.session(number, None, events.collect());
        }
        let conditions = subject.iter().map(|it| format!("subject={it}").parse().unwrap()).collect();
        let filter = Filter {
            kind,
            decision: Some(if deny { Verdict::Deny } else { Verdict::Allow }),
            conditions,
            ..Filter::default()
        };
        same(state.path(), &filter, limit);
    }
}
