//! What sentences order, alone and together with their neighbours.

mod aside;
mod harm;
mod later;
mod leaving;
mod steering;
mod unseen;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use super::{
    blocks::{Spot, Unit},
    facts::{Concealed, Facts, Where, facts},
    tags::{
        Concept::{self, *},
        Set,
    },
};
use crate::{
    Confidence::{self, High, Low, Medium},
    File, Rule, Seen, Severity,
    formats::{Profile, base},
};

/// How many sentences before and behind belong to the same thought.
const NEAR: usize = 2;

/// How often a finding of a rule, as bad and as sure as this, was made.
type Told = RefCell<BTreeMap<(&'static str, Severity, Confidence), usize>>;

/// The most findings of one kind in one file: more say no more.
const MOST: usize = 25;

/// The files of a package by what they are called, so that a sentence's words are looked up and not
/// each file in each sentence.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(HashMap<String, Vec<&'a str>>);

impl<'a> Names<'a> {
    pub(super) fn new(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut names: HashMap<String, Vec<&str>> = HashMap::new();
        for path in paths.filter(|path| base(path).contains('.')) {
            names.entry(base(path).to_lowercase()).or_default().push(path);
        }
        Self(names)
    }

    /// The files that a sentence in normal form names, four at most.
    fn of(&self, text: &str) -> Vec<&'a str> {
        let mut named = Vec::new();
        for word in text.split(|c: char| !c.is_alphanumeric() && !"._-+@".contains(c)) {
            for path in self.0.get(word.trim_end_matches('.')).into_iter().flatten() {
                if named.len() < 4 && !named.contains(path) {
                    named.push(*path);
                }
            }
        }
        named
    }
}

/// A sentence among its neighbours.
struct Here<'a> {
    file: &'a File,
    unit: &'a Unit,
    facts: &'a Facts,
    profile: &'a Profile,
    /// What is said and ordered around it, itself included.
    said: Set,
    ordered: Set,
    concealed: Concealed,
    to: Where,
    /// Its neighbours hold a command or code.
    command: bool,
    /// The two sentences before it order to read this, or speak of a secret.
    read_before: Set,
    /// How often what was told of this file.
    told: &'a Told,
    /// The next sentences order.
    ordered_after: Set,
    /// A neighbour names the path of a secret.
    secret_near: bool,
}

pub(super) fn look(
    file: &File,
    units: &[Unit],
    profile: &Profile,
    names: &Names<'_>,
    seen: &mut Seen,
) {
    let all: Vec<Facts> = units.iter().map(|unit| facts(unit, profile)).collect();
    let told = Told::default();
    for (at, (unit, own)) in units.iter().zip(&all).enumerate() {
        let mut here = Here {
            file,
            unit,
            facts: own,
            profile,
            said: own.said,
            ordered: own.ordered,
            concealed: own.concealed,
            to: own.to,
            command: own.command,
            read_before: Set::default(),
            told: &told,
            ordered_after: Set::default(),
            secret_near: false,
        };
        // A comment's lines are short.
        let near = if unit.spot == Spot::Comment { NEAR * 2 } else { NEAR };
        let from = at.saturating_sub(near);
        let to = (at + near + 1).min(units.len());
        for other in from..to {
            let (Some(neighbour), Some(facts)) = (units.get(other), all.get(other)) else {
                continue;
            };
            if other == at || neighbour.section != unit.section || (facts.taught && !own.taught) {
                continue;
            }
            here.said = here.said.with(facts.said);
            here.ordered = here.ordered.with(facts.ordered);
            here.concealed = here.concealed.max(facts.concealed);
            here.to = here.to.max(facts.to);
            here.command |= facts.command;
            here.secret_near |= facts.secret_path;
            if other + 1 == at || other == at + 1 {
                for concept in [SecretStrong, Wallet, Account] {
                    if facts.says(&[concept]) && (facts.secret_path || concept != SecretStrong) {
                        here.read_before.add(concept);
                    }
                }
            }
            if other < at && facts.orders(&[Read, Run, Encode, Write]) {
                here.read_before = here.read_before.with(facts.said);
            }
            if other > at {
                here.ordered_after = here.ordered_after.with(facts.ordered);
            }
        }
        here.judge(names, seen);
    }
    super::section::look(file, units, &all, profile, seen);
    super::weigh::look(file, units, &all, profile, seen);
}

impl Here<'_> {
    fn judge(&self, names: &Names<'_>, seen: &mut Seen) {
        self.sending(seen);
        self.channels(seen);
        self.concealing(seen);
        self.overriding(seen);
        self.approving(seen);
        self.including(seen);
        self.staying(seen);
        self.hijacking(seen);
        self.harming(seen);
        self.side_tasks(names, seen);
        self.prerequisites(seen);
        self.hiding(seen);
    }

    fn say(
        &self,
        seen: &mut Seen,
        rule: &'static Rule,
        severity: Severity,
        confidence: Confidence,
        message: &str,
    ) {
        let (mut severity, mut confidence) = (severity, confidence);
        let open = self.unit.spot != Spot::Hidden;
        if self.facts.taught && open {
            severity = severity.min(Severity::Medium);
            confidence = Low;
        } else if self.profile.security && open {
            // Attacks are its subject: what is shown there counts less than what is said outright.
            // `they copy …`: it is told what others do.
            let narrated = [
                "they ",
                "the family",
                "these families",
                "the stealer",
                "the loader",
                "the dropper",
                "the actor",
                "the gang",
                "victims",
            ]
            .iter()
            .any(|word| self.unit.text.starts_with(word));
            let shown = narrated
                || self.unit.teaching
                || matches!(
                    self.unit.spot,
                    Spot::Code | Spot::Cell | Spot::Quote | Spot::Heading | Spot::Comment
                );
            // In running text, always or unseen, with an address of its own name: that is ordered, not shown.
            let ordered = !shown
                && self.unit.spot == Spot::Prose
                && self.to == Where::Related
                && self.said.has(Standing)
                && self.concealed >= Concealed::Weak
                && self.ordered.has(Send);
            if ordered {
                confidence = confidence.min(Medium);
            } else if shown || self.to < Where::Foreign || self.facts.says(&[Placeholder]) {
                confidence = if confidence == High && !shown { Medium } else { Low };
            }
        }
        let mut told = self.told.borrow_mut();
        let told = told.entry((rule.id, severity, confidence)).or_default();
        *told += 1;
        if *told > MOST {
            return;
        }
        let finding = rule
            .at(&self.file.path, self.unit.line, self.unit.column, &self.unit.raw, message)
            .of(severity)
            .sure(confidence);
        seen.findings.push(finding);
    }

    /// Is there more than the order: that it be unseen, unasked, always, in the name of something?
    fn backing(&self) -> usize {
        usize::from(self.concealed >= Concealed::Weak)
            + usize::from(self.concealed == Concealed::Strong)
            + usize::from(self.said.has(Standing))
            + usize::from(self.unasked())
            + usize::from(self.said.has(Excuse))
            + usize::from(self.to >= Where::Anyones)
    }

    /// Is it said that nobody be asked, rather than that somebody be?
    fn unasked(&self) -> bool {
        self.said.has(PreApproved) || self.said.has(Approval) && !protected(self, Approval)
    }
}

/// Does the sentence forbid what the phrase names: `never push without asking`?
fn protected(here: &Here<'_>, concept: Concept) -> bool {
    let tags = &here.facts.tags;
    let text = here.unit.text.as_str();
    let mut found = false;
    for tag in tags.iter().filter(|tag| tag.concept == concept) {
        let guarded = tags.iter().any(|neg| {
            neg.concept == Neg && neg.end <= tag.start && {
                let between = text.get(neg.end..tag.start).unwrap_or_default();
                between.len() <= 120
                    && !between.contains(['.', ';', ':', '!', '?'])
                    && !(between.contains(',') && between.len() > 60)
            }
        });
        let rest = text.get(tag.end..).unwrap_or_default();
        let phrase = text.get(tag.start..tag.end).unwrap_or_default();
        let asks_for = phrase.ends_with("ask")
            && [" for", " the user for", " users for", " about", " them for", " people for"]
                .iter()
                .any(|word| rest.starts_with(word));
        // `確認なしに送信しない`: the verb at the end denies it.
        let clause = rest.split(['、', '。', '，', ',', '.', ';']).next().unwrap_or_default();
        let denied_after = clause.chars().count() < 24
            && ["しない", "ません", "ないこと", "ならない", "禁止", "하지 않", "마세요"]
                .iter()
                .any(|word| clause.contains(word));
        // `refuse to write there without the user's word`
        let refused = text.get(..tag.start).is_some_and(|before| {
            let clause = before.rsplit(['.', ';', ':', '!', '?']).next().unwrap_or_default();
            clause.contains("refuse to ") || clause.contains("refuses to ")
        });
        // `do not ask them to paste keys here`: not for their word.
        let asks_to = phrase.ends_with("ask") && is_demand(rest);
        if !guarded && !asks_for && !asks_to && !denied_after && !refused {
            return false;
        }
        found = true;
    }
    found
}

/// Is somebody asked to do something, other than to agree?
fn is_demand(rest: &str) -> bool {
    const AGREES: &[&str] = &[
        "confirm",
        "approve",
        "agree",
        "allow",
        "authori",
        "permit",
        "consent",
        "review",
        "check",
        "verify",
        "accept",
        "decide",
        "choose",
        "sign",
        "ok",
        "grant",
        "wait",
        "say",
        "acknowledge",
        "validate",
        "double",
        "look",
        "be ",
        "give",
    ];
    [" them to ", " the user to ", " users to ", " people to ", " the person to "]
        .iter()
        .find_map(|whom| rest.strip_prefix(whom))
        .is_some_and(|act| !AGREES.iter().any(|word| act.starts_with(word)))
}
