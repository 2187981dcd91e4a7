//! What serves the package or its author, told by word lists of some twenty languages.
//!
//! A package that comes back when it is taken away, whose rules stand above whoever asks, that notes down what opens
//! accounts in talks on other things, that judges by a mark, spends what is stored, makes up sources, works for
//! somebody else, or shows people another payee than the one that is paid. Each is a tell or a deed of [`super`]: none
//! blocks alone.

use std::sync::LazyLock;

use super::super::{
    super::blocks::Unit,
    lexed::{Lexicon, is_denied},
};

/// How many bytes may lie between words of one thought.
const NEAR: usize = 110;

macro_rules! kinds {
    ($($name:ident $word:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        enum Kind { $($name),* }

        fn named(word: &str) -> Option<Kind> {
            match word { $($word => Some(Kind::$name),)* _ => None }
        }
    };
}

kinds! {
    Own "own", Gone "gone", Back "back", Stop "stop", Answer "answer", False "false", Beyond "beyond",
    Shared "shared", Gather "gather", Identity "identity", Above "above", Asker "asker", Topped "topped",
    Mark "mark", Pass "pass", Buys "buys", Stored "stored", Invents "invents", Source "source",
    Persona "persona", Only "only", Still "still", Printed "printed",
}

static LEXICON: LazyLock<Lexicon<Kind>> =
    LazyLock::new(|| Lexicon::of(include_str!("../../lexicon/tells.txt"), named));

/// What a sentence says of whom it serves.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Kinds {
    /// The package comes back when it is taken away.
    pub(super) resists: bool,
    /// Whoever wants it gone is told that it is.
    pub(super) stays: bool,
    /// It reaches into what the user did not come for, or into other packages.
    pub(super) beyond: bool,
    /// Somebody's words stand above those of whoever asks.
    pub(super) above: bool,
    /// People are shown what is not so any more.
    pub(super) still: bool,
    /// What bears a mark is spoken of.
    pub(super) mark: bool,
    /// It is let through.
    pub(super) pass: bool,
    /// What opens accounts, or tells who people are, is noted down.
    pub(super) hoards: bool,
    /// Something is bought with what is stored.
    pub(super) spends: bool,
    /// A source, a study or a review is made up.
    pub(super) invents: bool,
    /// Another than the user is served, or only one is to be named.
    pub(super) serves: bool,
}

/// Where the words of a sentence stand.
struct Places<'a> {
    text: &'a str,
    places: Vec<(Kind, usize, usize)>,
}

impl Places<'_> {
    fn has(&self, kind: Kind) -> bool {
        self.places.iter().any(|place| place.0 == kind)
    }

    /// How many different words of a kind there are.
    fn count(&self, kind: Kind) -> usize {
        let mut words: Vec<&str> = self
            .places
            .iter()
            .filter(|place| place.0 == kind)
            .filter_map(|&(_, from, to)| self.text.get(from..to))
            .collect();
        words.sort_unstable();
        words.dedup();
        words.len()
    }

    fn undenied(&self, kind: Kind) -> bool {
        self.places.iter().any(|&(own, from, to)| own == kind && !is_denied(self.text, from, to))
    }

    /// One that is not denied, near another, before or behind it.
    fn near(&self, one: Kind, other: Kind) -> bool {
        self.places.iter().filter(|place| place.0 == one).any(|&(_, from, to)| {
            !is_denied(self.text, from, to)
                && self.places.iter().any(|&(kind, first, last)| {
                    kind == other
                        && first.saturating_sub(to) <= NEAR
                        && from.saturating_sub(last) <= NEAR
                })
        })
    }

    /// One that is not denied, and soon behind it the other.
    fn before(&self, one: Kind, other: Kind) -> bool {
        self.places.iter().filter(|place| place.0 == one).any(|&(_, from, to)| {
            !is_denied(self.text, from, to)
                && self
                    .places
                    .iter()
                    .any(|&(kind, first, _)| kind == other && first >= to && first - to <= NEAR / 2)
        })
    }
}

impl Kinds {
    pub(super) fn of(unit: &Unit) -> Self {
        let text = unit.text.as_str();
        let said = Places { text, places: LEXICON.find(text) };
        if said.places.is_empty() {
            return Self::default();
        }
        Self {
            resists: said.has(Kind::Own)
                && said.has(Kind::Gone)
                && said.near(Kind::Back, Kind::Gone),
            stays: said.has(Kind::Stop)
                && said.near(Kind::Answer, Kind::Stop)
                && said.has(Kind::False),
            beyond: said.undenied(Kind::Beyond) || said.undenied(Kind::Shared),
            above: said.before(Kind::Above, Kind::Asker) || said.undenied(Kind::Topped),
            still: said.near(Kind::Still, Kind::Printed),
            mark: said.has(Kind::Mark) && unit.clean.contains(['\'', '"', '`', '@', '/', '#', '[']),
            pass: said.undenied(Kind::Pass),
            hoards: said.count(Kind::Identity) >= 2 && said.near(Kind::Gather, Kind::Identity),
            spends: said.near(Kind::Buys, Kind::Stored),
            invents: said.near(Kind::Invents, Kind::Source),
            serves: said.undenied(Kind::Only) || said.undenied(Kind::Persona),
        }
    }
}
