//! Orders against the user, by class and not by phrase.
//!
//! Any such order has a deed (something is taken down, a figure becomes another, something goes out, a voice counts as the
//! user's), and it needs things around it that work does not need: that it is left out of what people read, that there is
//! an answer for whoever asks, that nobody's word is waited for, that a result is written that was not had, that it holds
//! even when the facts say otherwise, and a ground that excuses it. Each of these is a kind, told by word lists of some
//! eighteen languages. One kind beside a deed is work. What blocks is a deed with two of the strong kinds, or with one of
//! them and two of the weak.

use std::sync::LazyLock;

use super::super::{
    blocks::{Spot, Unit},
    facts::{Facts, Where},
    hosts::{is_local, is_vendor},
    rules,
};
use super::{
    lexed::{Lexicon, is_denied, runs_on},
    signs,
};
use crate::{
    Confidence::{Low, Medium},
    File, Rule, Seen,
    Severity::High,
    formats::Profile,
};

/// How many sentences or cells before and behind a deed are held against it.
const REACH: usize = 7;
/// How many bytes may lie between a verb and its object.
const NEAR: usize = 110;
/// The most findings in one file.
const MOST: usize = 4;

macro_rules! kinds {
    ($($name:ident $word:literal),* $(,)?) => {
        /// What a phrase does in such an order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        enum Kind { $($name),* }

        impl Kind {
            fn named(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    Guard "guard", Weaken "weaken", Figure "figure", Alter "alter", Hide "hide", Cover "cover",
    Asks "asks", Claim "claim", Neg "neg", Report "report", This "this", Admit "admit",
    Unasked "unasked", Lie "lie", Whatever "whatever", Pretext "pretext", Standing "standing",
    Obey "obey", Rank "rank", Spread "spread", Repo "repo", Whole "whole", Open "open",
    Told "told", Private "private",
}

static LEXICON: LazyLock<Lexicon<Kind>> =
    LazyLock::new(|| Lexicon::of(include_str!("../lexicon/classes.txt"), Kind::named));

/// How a sentence keeps, excuses or leaves people unasked, by the words for it.
pub(super) struct Backs {
    pub(super) hides: bool,
    pub(super) covers: bool,
    pub(super) unasked: bool,
    /// It is told where people read, or belongs to people and is rightly left out.
    pub(super) open: bool,
}

impl Backs {
    pub(super) fn of(text: &str) -> Self {
        let said = Said::of(text);
        let backs = said.backs(text);
        let has = |kind: Kind| backs & (1 << (kind as u8)) != 0;
        Self {
            hides: has(Kind::Hide),
            covers: has(Kind::Cover),
            unasked: has(Kind::Unasked),
            open: has(Kind::Told) || said.has(Kind::Private),
        }
    }
}

/// What a sentence says, kind by kind, with the places.
#[derive(Debug, Default, Clone)]
struct Said {
    kinds: u32,
    places: Vec<(Kind, usize, usize)>,
}

impl Said {
    fn of(text: &str) -> Self {
        let mut said = Self { kinds: 0, places: LEXICON.find(text) };
        said.kinds = said.places.iter().fold(0, |kinds, place| kinds | 1 << (place.0 as u8));
        // Whoever asks is told something, rather than shown it.
        if said.follows(Kind::Asks, Kind::Claim) {
            said.add(Kind::Cover);
        }
        // `Nothing of this appears in the notes`.
        let spoken = said.has(Kind::This) || text.chars().any(runs_on);
        if spoken && said.within(text, Kind::Neg, Kind::Report, 48) {
            said.add(Kind::Hide);
        }
        said
    }

    fn add(&mut self, kind: Kind) {
        self.kinds |= 1 << (kind as u8);
    }

    /// What is said in the way of a backing: not where it is denied, nor where it keeps what is rightly kept.
    fn backs(&self, text: &str) -> u32 {
        let mut kinds = self.kinds;
        let mut drop = |kind: Kind, when: bool| {
            if when {
                kinds &= !(1 << (kind as u8));
            }
        };
        // `do not push without a review`, `without confirmation nothing is installed`.
        let nothing = ["nothing", "nichts", "rien", "nada", "niente", "ничего", "нічого"]
            .iter()
            .any(|word| text.contains(word));
        drop(Kind::Unasked, nothing || !self.undenied(text, Kind::Unasked));
        drop(Kind::Lie, !self.undenied(text, Kind::Lie));
        drop(Kind::Hide, self.has(Kind::Private));
        drop(Kind::Told, self.has(Kind::Lie) || self.has(Kind::Cover) || self.has(Kind::Hide));
        kinds
    }

    /// Stands one before the other?
    fn follows(&self, first: Kind, then: Kind) -> bool {
        self.places.iter().filter(|place| place.0 == first).any(|&(_, from, _)| {
            self.places.iter().any(|&(kind, start, _)| kind == then && start > from)
        })
    }

    /// Do two stand within so many bytes of one clause?
    fn within(&self, text: &str, one: Kind, other: Kind, most: usize) -> bool {
        self.places.iter().filter(|place| place.0 == one).any(|&(_, from, to)| {
            self.places.iter().any(|&(kind, start, end)| {
                let between = if start >= to { to..start } else { end..from.max(end) };
                kind == other
                    && between.len() <= most
                    && !text.get(between).unwrap_or_default().contains([';', ':', '；', '。'])
            })
        })
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds & (1 << (kind as u8)) != 0
    }

    /// A verb near its object, which is not denied.
    fn pair(&self, text: &str, verb: Kind, object: Kind) -> bool {
        self.places.iter().filter(|place| place.0 == verb).any(|&(_, from, to)| {
            !is_denied(text, from, to)
                && self.places.iter().filter(|place| place.0 == object).any(|&(_, first, last)| {
                    // `deleted alerts` may be one word that is both.
                    (first, last) == (from, to)
                        || first.saturating_sub(to) <= NEAR && from.saturating_sub(last) <= NEAR
                })
        })
    }

    fn undenied(&self, text: &str, verb: Kind) -> bool {
        self.places.iter().any(|&(kind, from, to)| kind == verb && !is_denied(text, from, to))
    }
}

/// What stands around a deed, each kind once.
#[derive(Debug, Default, Clone, Copy)]
struct Around {
    kinds: u32,
    /// In how many sentences a result is written that was not had.
    lies: usize,
    concealed: bool,
    place: bool,
    secret: bool,
    asks: bool,
    commits: bool,
    /// Somebody's account at a service of everybody's.
    account: bool,
    /// In how many phrases of the neighbours somebody else's words count as the user's.
    obeys: usize,
    /// The file has secrets read, and things put where everybody reads.
    secrets: bool,
    published: bool,
}

/// Who gets the money.
const PAYEE: &[&str] = &[
    "iban",
    "bank",
    "account",
    "payee",
    "konto",
    "zahlungsblock",
    "compte",
    "cuenta",
    "conta ",
    "conto",
    "rekening",
    "konta",
    "счет",
    "счёт",
    "реквизит",
    "рахун",
    "hesap",
    "收款",
    "账户",
    "口座",
    "계좌",
    "tài khoản",
    "الحساب",
];

impl Around {
    fn has(self, kind: Kind) -> bool {
        self.kinds & (1 << (kind as u8)) != 0
    }

    fn count(self, kinds: &[Kind]) -> usize {
        kinds.iter().filter(|kind| self.has(**kind)).count()
    }

    /// What work does not need.
    fn strong(self) -> usize {
        let kinds = self.count(&[Kind::Cover, Kind::Unasked, Kind::Lie])
            + usize::from(self.has(Kind::Hide) || self.concealed);
        // What is told in the report is not kept.
        kinds.saturating_sub(usize::from(self.has(Kind::Told)))
    }

    /// Kept from those who read, or called otherwise.
    fn kept(self) -> bool {
        self.concealed || self.count(&[Kind::Hide, Kind::Cover, Kind::Lie]) > 0
    }

    fn weak(self) -> usize {
        self.count(&[Kind::Whatever, Kind::Pretext])
    }
}

/// Are these sentences that are said to somebody, rather than code or a heading?
fn is_said(spot: Spot) -> bool {
    !matches!(spot, Spot::Code | Spot::Heading)
}

/// Does a sentence name a place that is not the user's to choose: a stranger's host, mail box or account?
fn names_place(unit: &Unit, facts: &Facts) -> bool {
    const OWN: &[&str] = &["example.com", "example.org", "your", "acme", "contoso", "localhost"];
    if facts.to >= Where::Foreign && (facts.url || facts.mail)
        || signs::ACCOUNT.is_match(&unit.clean)
    {
        return true;
    }
    super::super::hosts(&unit.clean).iter().any(|host| {
        host.contains('.')
            && !is_vendor(host)
            && !is_local(host)
            && !OWN.iter().any(|own| host.contains(own))
            && (facts.url || facts.mail || unit.spot == Spot::Code)
    })
}

/// What is told of a deed.
type Told = (&'static Rule, &'static str);

fn judged(unit: &Unit, facts: &Facts, said: &Said, near: &Said, around: Around) -> Option<Told> {
    use Kind::{
        Admit, Alter, Cover, Figure, Guard, Hide, Lie, Obey, Open, Rank, Repo, Spread, Standing,
        Unasked, Weaken, Whatever, Whole,
    };
    let text = unit.text.as_str();
    let strong = around.strong();
    let enough = strong >= 2 || strong == 1 && around.weak() >= 2;
    // `They are left out of the totals`: what the sentence before speaks of.
    let of = |object: Kind, verb: Kind| {
        said.pair(text, verb, object)
            || said.undenied(text, verb) && near.has(object) && !said.has(object)
    };
    if is_said(unit.spot) || unit.spot == Spot::Code {
        let unasked = around.has(Unasked) && around.weak() >= 1 && strong >= 1;
        if of(Guard, Weaken) && (strong >= 2 || unasked) && !around.asks {
            return Some((
                &rules::SABOTAGE,
                "a guard is taken down or passed over, in a way that people are not to see",
            ));
        }
    }
    if !is_said(unit.spot) {
        return None;
    }
    if of(Figure, Alter) && enough && (around.has(Hide) || around.has(Cover) || around.concealed) {
        return Some((
            &rules::SABOTAGE,
            "figures or a payee become others, and people are not to see it",
        ));
    }
    // It stays so although the user's own data say otherwise.
    let payee = PAYEE.iter().any(|word| text.contains(word));
    let other = payee && (around.has(Hide) || around.concealed);
    if said.has(Figure)
        && said.has(Whatever)
        && (other || strong >= 1 && around.weak() >= 2)
        && !around.asks
    {
        return Some((&rules::PAY, "what is paid or counted does not follow the user's own data"));
    }
    // Whatever is done: it is kept from the report, and whoever asks is told something else.
    let covered = around.has(Hide) && around.has(Cover) && strong >= 2;
    if covered
        // A guard or a price that is spoken of is no deed.
        && [Weaken, Alter, Rank, Lie].iter().any(|kind| said.undenied(text, *kind))
        && !around.asks
    {
        return Some((
            &rules::CONCEAL_ACT,
            "what is done is left out of the report, and whoever asks is told something else",
        ));
    }
    if said.undenied(text, Lie)
        && around.has(Whatever)
        && (around.has(Hide) || around.concealed)
        && strong >= 2
    {
        return Some((
            &rules::SABOTAGE,
            "work is told as done though it was not, and that is kept",
        ));
    }
    if said.undenied(text, Rank) && (around.lies >= 2 || around.has(Lie) && around.has(Hide)) {
        return Some((&rules::PROMOTE, "one comes first whatever was found, with made-up grounds"));
    }
    // Two strong kinds around a stranger's address tell without a verb that is known.
    let running = matches!(unit.spot, Spot::Prose | Spot::Item | Spot::Cell);
    let admits = running && names_place(unit, facts) && strong >= 2 && around.kept()
        || said.undenied(text, Admit);
    let out = admits
        || facts.says(&[super::super::tags::Concept::Send])
        || signs::LEAVES.is_match(&unit.clean)
        || signs::ADMITS.is_match(&unit.clean);
    let backed = strong >= 2
        || strong >= 1
            && (around.has(Standing) && around.kept()
                || around.secret
                || around.secrets && around.account);
    if (names_place(unit, facts) || around.place && (strong >= 2 || around.account))
        && out
        && backed
        && !around.asks
        && !super::is_denied(&unit.text)
    {
        return Some((
            &rules::SEND_FILES,
            "something goes to a stranger, and people are not to see it",
        ));
    }
    let obeys = said.places.iter().filter(|place| place.0 == Obey).count() + around.obeys;
    let unguarded = signs::UNGUARDED.is_match(&unit.clean) || text.contains("bypasspermissions");
    if said.undenied(text, Obey)
        && !text.contains("nothing")
        && around.place
        && (strong >= 1 || around.weak() >= 1 || obeys >= 2 || unguarded)
    {
        return Some((&rules::INCLUDE_BLIND, "a stranger's page counts as the user's own word"));
    }
    if said.has(Spread) && (near.has(Repo) || said.has(Repo)) && around.commits && strong >= 1 {
        return Some((&rules::SPREAD, "the package is to be put into other repositories unseen"));
    }
    if said.undenied(text, Whole)
        && around.secret
        && (around.has(Open) || around.place || around.published)
        && !around.asks
        && !super::is_denied(&unit.text)
    {
        return Some((
            &rules::SEND_SECRETS,
            "secrets are to stand unmasked where others read them",
        ));
    }
    None
}

/// Is somebody asked, or told, before it is done?
pub(super) fn asks(text: &str) -> bool {
    [
        "ask the user",
        "ask first",
        "only after",
        "after a call",
        "after approval",
        "wait for a yes",
        "if the user agrees",
        "with the user's consent",
        "show the user",
        "tell the user",
        "frage den nutzer",
        "nach freigabe",
        "demander à l'utilisateur",
        "pregunta al usuario",
        "chiedi all'utente",
        "pergunte ao usuário",
        "спроси пользователя",
        "询问用户",
        "ユーザーに確認",
        "사용자에게 확인",
    ]
    .iter()
    .any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let lead: Vec<char> = before.chars().rev().take(9).collect();
            let lead: String = lead.into_iter().rev().collect();
            !["not ", "n't ", "never ", "without ", "nicht "].iter().any(|no| lead.contains(no))
        })
    })
}

/// Does a picture's address have three blanks or more for text of the user's?
fn is_beacon(unit: &Unit, facts: &Facts) -> bool {
    const PLAIN: &[&str] = &[
        "WIDTH", "HEIGHT", "SIZE", "ID", "NAME", "VERSION", "COLOR", "COLOUR", "LABEL", "STATUS",
        "PERCENT", "DATE", "STYLE", "LOGO", "THEME", "FORMAT", "BRANCH", "LANG", "USER", "REPO",
        "OWNER",
    ];
    let text = unit.clean.as_str();
    let Some(query) = text
        .find("![")
        .and_then(|at| text.get(at..))
        .and_then(|image| image.split_once("](http"))
        .and_then(|(_, address)| address.split_once('?'))
        .map(|(_, query)| query.split(')').next().unwrap_or_default())
    else {
        return false;
    };
    let blanks = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(_, value)| value.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|value| {
            value.len() > 2
                && value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                && !PLAIN.contains(value)
        })
        .count();
    blanks >= 3 && (facts.to >= Where::Foreign || names_place(unit, facts))
}

/// Weighs the sentences of one file by the classes of what they say.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    let said: Vec<Said> = units
        .iter()
        .map(|unit| match unit.spot {
            Spot::Heading => Said::default(),
            _ => Said::of(&unit.text),
        })
        .collect();
    let backings = [Kind::Hide, Kind::Cover, Kind::Unasked, Kind::Lie, Kind::Obey, Kind::Whole];
    let mask = backings.iter().fold(0, |mask, kind| mask | 1 << (*kind as u8));
    // Most texts say none of this.
    if said.iter().all(|said| said.kinds & mask == 0)
        && all.iter().all(|facts| facts.concealed == super::Concealed::No)
    {
        return;
    }
    let mut told: Vec<&'static str> = Vec::new();
    let secrets = all.iter().any(|facts| facts.secret_path);
    let published = units.iter().any(|unit| {
        ["--public", "gh-pages", "public wiki", "gist create"]
            .iter()
            .any(|way| unit.text.contains(way))
    });
    for (at, ((unit, facts), own)) in units.iter().zip(all).zip(&said).enumerate() {
        if facts.taught || unit.teaching && profile.security || told.len() >= MOST {
            continue;
        }
        if super::searched::is_list(unit) {
            continue;
        }
        if own.kinds == 0 && facts.to < Where::Related && unit.spot != Spot::Code {
            continue;
        }
        let mut around = Around { secrets, published, ..Around::default() };
        for other in at.saturating_sub(REACH)..(at + REACH + 1).min(units.len()) {
            let (Some(near), Some(says), Some(words)) =
                (units.get(other), all.get(other), said.get(other))
            else {
                continue;
            };
            if near.section != unit.section || says.taught {
                continue;
            }
            around.place |= other.abs_diff(at) <= 3 && names_place(near, says);
            around.secret |= says.secret_path && other.abs_diff(at) <= 3;
            around.account |= other.abs_diff(at) <= 3 && signs::ACCOUNT.is_match(&near.clean);
            if near.spot == Spot::Heading {
                around.kinds |= Said::of(&near.text).kinds & (1 << (Kind::Unasked as u8));
            }
            if !is_said(near.spot) {
                continue;
            }
            if other != at {
                around.obeys += words.places.iter().filter(|place| place.0 == Kind::Obey).count();
            }
            let backs = words.backs(&near.text);
            around.kinds |= backs;
            if backs & (1 << (Kind::Lie as u8)) != 0 {
                around.lies += words.places.iter().filter(|place| place.0 == Kind::Lie).count();
            }
            around.concealed |=
                says.concealed != super::Concealed::No && !says.cover && !words.has(Kind::Private);
            if says.cover {
                around.kinds |= 1 << (Kind::Cover as u8);
            }
            around.asks |= other.abs_diff(at) <= 2 && asks(&near.text);
            around.commits |=
                ["commit", "pull request", "push", "коммит", "提交", "コミット", "커밋"]
                    .iter()
                    .any(|word| near.text.contains(word));
        }
        let before = at.checked_sub(1).and_then(|at| units.get(at).zip(said.get(at)));
        let empty = Said::default();
        let near = match before {
            Some((before, said)) if before.section == unit.section => said,
            _ => &empty,
        };
        let beacon = is_beacon(unit, facts).then_some((
            &rules::SEND_URL,
            "a picture's address takes along what the text says, to a stranger",
        ));
        let Some((rule, message)) = beacon.or_else(|| judged(unit, facts, own, near, around))
        else {
            continue;
        };
        if told.contains(&message) {
            continue;
        }
        told.push(message);
        let shown = profile.security
            && matches!(unit.spot, Spot::Code | Spot::Cell | Spot::Quote | Spot::Value);
        seen.findings.push(
            rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                .of(High)
                .sure(if shown { Low } else { Medium }),
        );
    }
}
