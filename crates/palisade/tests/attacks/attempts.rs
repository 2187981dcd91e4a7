//! The C program `attempt`: one word, one system call, one outcome.

use std::collections::BTreeMap;

use crate::{
    tools,
    world::{Ran, World},
};

/// By word, what became of it: `worked`, an errno, or `killed` and a signal.
pub(crate) type Outcomes = BTreeMap<String, String>;

impl World {
    /// Make these attempts inside.
    pub(crate) fn attempt_inside(&self, words: &[impl AsRef<str>]) -> Outcomes {
        read(&self.inside(&argv(words)), words.len())
    }

    /// Make these attempts unconfined.
    pub(crate) fn attempt_outside(&self, words: &[impl AsRef<str>]) -> Outcomes {
        read(&self.outside(&argv(words)), words.len())
    }

    /// Make one attempt as the root of a user namespace with fresh other namespaces: what an
    /// agent could do there, and harms nobody.
    pub(crate) fn attempt_rooted(&self, word: &str) -> String {
        let mut all: Vec<String> =
            ["unshare", "--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--"]
                .map(String::from)
                .into();
        all.extend(argv(&[word]));
        read(&self.outside(&all), 1).remove(word).unwrap()
    }
}

pub(crate) fn argv(words: &[impl AsRef<str>]) -> Vec<String> {
    let program = tools::folder().unwrap().join("attempt").display().to_string();
    std::iter::once(program).chain(words.iter().map(|word| word.as_ref().to_owned())).collect()
}

pub(crate) fn read(ran: &Ran, count: usize) -> Outcomes {
    assert_eq!(ran.err, "", "{ran}");
    let lines = ran.good().lines();
    let outcomes: Outcomes = lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, outcome)| (word.to_owned(), outcome.to_owned()))
        .collect();
    assert_eq!(outcomes.len(), count, "{ran}");
    outcomes
}

/// How it is known that an attempt is one at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It works unconfined, for any user.
    Works,
    /// It works for the root of a user namespace: any user can be that.
    WorksRooted,
    /// It works for the machine's root, and does the machine no harm.
    WorksForRoot,
    /// As the first, unless this kernel was built without what it is about.
    IfBuilt,
    /// As the second, unless this kernel was built without what it is about.
    IfBuiltRooted,
    /// It is not tried unconfined: it would harm the machine that the tests run on, or needs what
    /// no test may rely on.
    Never,
}

/// What a kernel says to what it was built without.
const ABSENT: [&str; 6] =
    ["EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "ENOSYS", "ENODEV", "EOPNOTSUPP"];

/// Each attempt works unconfined as it says, and inside it ends as it says.
pub(crate) fn refused(world: &World, rows: &[(&str, &str, Seen)]) {
    for (word, _, seen) in rows {
        let shown = match seen {
            Seen::Never => continue,
            Seen::WorksForRoot if !tools::is_root() => continue,
            Seen::Works | Seen::IfBuilt | Seen::WorksForRoot => {
                world.attempt_outside(&[word]).remove(*word).unwrap()
            }
            Seen::WorksRooted | Seen::IfBuiltRooted => world.attempt_rooted(word),
        };
        let absent = ABSENT.contains(&shown.as_str());
        if absent && matches!(seen, Seen::IfBuilt | Seen::IfBuiltRooted | Seen::WorksForRoot) {
            println!("not in this kernel: {word} ({shown})");
            continue;
        }
        assert_eq!(shown, "worked", "{word} does not work unconfined, so this proves nothing");
    }
    let words: Vec<&str> = rows.iter().map(|(word, ..)| *word).collect();
    let inside = world.attempt_inside(&words);
    for (word, expected, _) in rows {
        assert_eq!(inside[*word], *expected, "{word}");
    }
}

/// These work, inside as outside.
pub(crate) fn permitted(world: &World, words: &[&str]) {
    for outcomes in [world.attempt_outside(words), world.attempt_inside(words)] {
        for (word, outcome) in outcomes {
            assert_eq!(outcome, "worked", "{word}");
        }
    }
}
