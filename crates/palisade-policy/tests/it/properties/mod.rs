//! What holds for every policy, tried on many.

mod documents;
mod reach;

use std::{cell::Cell, fs, path::Path};

use palisade_policy::{CommandLine, Direction, check_file, compare};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use self::{
    documents::{deny, document, spelt, text, with_others},
    reach::Reach,
};
use crate::world::World;

/// Each case reads some files: a quarter of what is usual, or of `PROPTEST_CASES`.
fn few() -> ProptestConfig {
    ProptestConfig::with_cases((ProptestConfig::default().cases / 4).max(16))
}

proptest! {
    #![proptest_config(few())]

    /// Adding a deny never allows more.
    #[test]
    fn a_deny_takes_away(document in document(), deny in deny()) {
        let world = World::new();
        world.file("work/base.yaml", &text(&document));
        let mut above = deny;
        above["palisade"] = json!(1);
        above["extends"] = json!(["./base.yaml"]);
        world.file("work/above.yaml", &text(&above));
        let load = |name: &str| {
            let mut sources = world.sources.clone();
            sources.command_line = Some(CommandLine::File(world.at(name)));
            palisade_policy::load(&sources)
        };
        let (Ok(without), Ok(with)) = (load("work/base.yaml"), load("work/above.yaml")) else {
            return Ok(());
        };
        let (without, with) = (Reach::of(&without, &world), Reach::of(&with, &world));
        prop_assert_eq!(with.beyond(&without), Vec::<String>::new());
    }

    /// The digest is one of meaning.
    #[test]
    fn spelling_does_not_change_the_digest(document in document(), seed in any::<u64>()) {
        let world = World::new();
        world.file("work/p.yaml", &text(&document)).file("work/q.yaml", &spelt(&document, seed));
        let check = |name: &str| check_file(&world.at(name), &world.at("home"));
        let Ok(policy) = check("work/p.yaml") else { return Ok(()) };
        let other = check("work/q.yaml").unwrap_or_else(|found| panic!("{found}"));
        prop_assert_eq!(policy.digest, other.digest);
    }

    /// Another meaning has another digest.
    #[test]
    fn the_digest_changes_with_the_meaning(one in document(), other in document()) {
        let world = World::new();
        world.file("work/p.yaml", &text(&one)).file("work/q.yaml", &text(&other));
        let check = |name: &str| check_file(&world.at(name), &world.at("home"));
        let (Ok(one), Ok(other)) = (check("work/p.yaml"), check("work/q.yaml")) else {
            return Ok(());
        };
        let (mine, others) = (Reach::of(&one, &world), Reach::of(&other, &world));
        let differ = !mine.beyond(&others).is_empty()
            || !others.beyond(&mine).is_empty()
            || !mine.changed(&others).is_empty();
        if differ {
            prop_assert_ne!(one.digest, other.digest);
        }
    }

    /// Two policies of one meaning have no difference, others have one, and what is permitted by the new one alone is told.
    #[test]
    fn a_difference_is_told(one in document(), other in document()) {
        let world = World::new();
        world.file("work/p.yaml", &text(&one)).file("work/q.yaml", &text(&other));
        let check = |name: &str| check_file(&world.at(name), &world.at("home"));
        let (Ok(one), Ok(other)) = (check("work/p.yaml"), check("work/q.yaml")) else {
            return Ok(());
        };
        let changes = compare(&one, &other);
        prop_assert_eq!(changes.is_empty(), one.digest == other.digest);
        prop_assert!(compare(&one, &one).is_empty());
        let more = Reach::of(&other, &world).beyond(&Reach::of(&one, &world));
        if !more.is_empty() {
            let told = changes.iter().any(|change| change.direction != Direction::Narrower);
            prop_assert!(told, "{:?} is not in {:?}", more, changes);
        }
    }

    /// Any bytes are refused or taken, and what is said is at a place in them.
    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..400)) {
        answered(&bytes)?;
    }

    /// So is any text, of the characters that mean something in YAML.
    #[test]
    fn any_text_is_answered(text in "(palisade: 1\n)?[-a-z0-9 \n\t:,.*&!|>%@`'\"{}\\[\\]#?~<=/\\\\é\u{202e}\u{0}]{0,200}") {
        answered(text.as_bytes())?;
    }

    /// So is a valid document with a few bytes changed.
    #[test]
    fn any_change_is_answered(changes in vec((any::<prop::sample::Index>(), change()), 1..6)) {
        let mut bytes = include_bytes!("../../valid/schema-1.yaml").to_vec();
        for (at, change) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match change {
                Change::Set(byte) => bytes[at] = byte,
                Change::Insert(byte) => bytes.insert(at, byte),
                Change::Remove(count) => {
                    bytes.drain(at..(at + count).min(bytes.len()));
                }
                Change::Double(count) => {
                    let part = bytes[at..(at + count).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        answered(&bytes)?;
    }
}

/// Many documents that have something to do with each other. `compare` says whether it could
/// compare them, which it must for some of them.
fn for_many(compare: impl Fn(Value, Value, Value) -> Result<bool, TestCaseError>) {
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..few() });
    let (tried, compared) = (Cell::new(0_u32), Cell::new(0_u32));
    let result = runner.run(&with_others(), |(base, one, two)| {
        tried.set(tried.get() + 1);
        compared.set(compared.get() + u32::from(compare(base, one, two)?));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let enough = tried.get() < 64 || compared.get() * 10 >= tried.get();
    assert!(enough, "{} of {}", compared.get(), tried.get());
}

/// What a managed document says is the most that comes of it and any other.
#[test]
fn a_managed_document_is_never_widened() {
    for_many(|managed, user, project| {
        let world = World::new();
        world.file("etc/managed.yaml", &text(&managed));
        // Nothing but the managed one.
        world.user("");
        let Ok(alone) = world.load() else { return Ok(false) };
        world.file("config/policy.yaml", &text(&user));
        world.file("work/palisade.yaml", &text(&project));
        if world.look().is_ok() {
            world.trust();
        }
        let Ok(all) = world.load() else { return Ok(false) };
        let (all, alone) = (Reach::of(&all, &world), Reach::of(&alone, &world));
        prop_assert_eq!(all.beyond_managed(&alone, &managed), Vec::<String>::new());
        Ok(true)
    });
}

/// An untrusted project never widens what the user has, and changes nothing of it.
#[test]
fn an_untrusted_project_never_widens() {
    for_many(|user, project, _| {
        let world = World::new();
        world.file("config/policy.yaml", &text(&user));
        let Ok(without) = world.load() else { return Ok(false) };
        world.file("work/palisade.yaml", &text(&project));
        let Ok(with) = world.load() else { return Ok(false) };
        let (without, with) = (Reach::of(&without, &world), Reach::of(&with, &world));
        prop_assert_eq!(with.beyond(&without), Vec::<String>::new());
        prop_assert_eq!(with.changed(&without), Vec::<String>::new());
        Ok(true)
    });
}

#[derive(Debug, Clone)]
enum Change {
    Set(u8),
    Insert(u8),
    Remove(usize),
    Double(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let byte =
        || prop_oneof![any::<u8>(), prop::sample::select(b":-[]{}#\"'\n \t*&!|>,.0~".to_vec())];
    prop_oneof![
        byte().prop_map(Change::Set),
        byte().prop_map(Change::Insert),
        (1..40_usize).prop_map(Change::Remove),
        (1..40_usize).prop_map(Change::Double),
    ]
}

fn answered(bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    fs::write(&path, bytes).unwrap();
    if let Err(found) = check_file(&path, Path::new("/home/ada")) {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.split('\n').count();
        let shown = found.to_string();
        prop_assert!(found.iter().next().is_some());
        for one in found.iter() {
            prop_assert!(one.line <= lines + 1, "{}", shown);
            prop_assert!(!one.message.is_empty() && !one.help.is_empty(), "{}", shown);
        }
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", shown);
    }
    Ok(())
}
