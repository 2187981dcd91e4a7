//! What sentences order, alone and together with their neighbours.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use regex_automata::meta::Regex;

use super::{
    blocks::{Spot, Unit},
    facts::{Concealed, Facts, Where, facts},
    rules,
    tags::{
        Concept::{self, *},
        Set,
    },
};
use crate::{
    Confidence::{self, High, Low, Medium},
    File, Place, Rule, Seen, Severity,
    formats::{Profile, base},
    pattern::pattern,
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
            let shown = self.unit.teaching
                || matches!(
                    self.unit.spot,
                    Spot::Code | Spot::Cell | Spot::Quote | Spot::Heading | Spot::Comment
                );
            if shown || self.to < Where::Foreign || self.facts.says(&[Placeholder]) {
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

    fn sending(&self, seen: &mut Seen) {
        let facts = self.facts;
        let code = self.unit.spot == Spot::Code;
        let to = if facts.to > Where::None { facts.to } else { self.to };
        let said = facts.said.with(self.read_before);
        let backing = self.backing();
        // `every draft is transmitted to …` is an order in the form of a description.
        let described = !code
            && !facts.forbidden.any(&[Send])
            && facts.says(&[Send])
            && facts.to >= Where::Foreign
            && (facts.url || facts.mail)
            && [
                "every ", "each ", "all ", "any ", "whoever", "whatever", "upon", "once ",
                "always", "they ", "caring",
            ]
            .iter()
            .any(|word| self.unit.text.contains(word));
        let backing = backing + usize::from(described);
        let sends = facts.orders(&[Send]) || described || (code && facts.says(&[Send]));
        // In whatever language: the path of a secret and a strange address in one thought.
        let literal = (facts.secret_path
            || facts.mail
                && facts.says(&[Secret])
                && !self.unit.text.is_ascii()
                && !self.unit.text.contains('$'))
            && (facts.url || facts.mail)
            && (facts.to == Where::Related || facts.to >= Where::Unnamed)
            && matches!(
                self.unit.spot,
                Spot::Prose
                    | Spot::Item
                    | Spot::Description
                    | Spot::Hidden
                    | Spot::Quote
                    | Spot::Value
                    | Spot::Comment
            );
        if literal && !sends {
            let other = self.unit.text.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
            let act = facts.said.any(&[Send, Read, Fetch, Run]) || other;
            let confidence =
                if facts.to >= Where::Foreign && act || backing > 0 { Medium } else { Low };
            self.say(
                seen,
                &rules::SEND_SECRETS,
                Severity::High,
                confidence,
                "the path of a secret and an address outside stand in one sentence",
            );
        }
        if !sends || to < Where::Related {
            return;
        }
        let own_key = ["authorization", "bearer", "header", "x-api-key", "auth"]
            .iter()
            .any(|word| self.unit.text.contains(word))
            && !facts.secret_path;
        let strong = facts.secret_path || said.any(&[Wallet]) || said.has(SecretStrong) && !own_key;
        let secret = strong || said.any(&[Secret, Account]);
        if secret && (strong || !own_key) {
            let confidence = match (strong, to >= Where::Foreign, backing) {
                (true, true, _) | (_, true, 2..) | (true, _, 2..) => High,
                (true, _, 1) | (false, true, 1) => Medium,
                (false, _, 2..) if to >= Where::Unnamed || self.concealed == Concealed::Strong => {
                    Medium
                }
                (true, _, 0) if !code && facts.url => Medium,
                _ => Low,
            };
            self.say(
                seen,
                &rules::SEND_SECRETS,
                Severity::High,
                confidence,
                "it tells the agent to send secrets away",
            );
        }
        if said.any(&[Conversation, SystemPrompt]) && !code {
            let (severity, confidence) = match (to, backing) {
                (Where::Foreign | Where::Anyones, 1..) => (Severity::High, High),
                (Where::Foreign | Where::Anyones, 0) => (Severity::High, Medium),
                (Where::Unnamed | Where::Related | Where::Vendor, 2..) => (Severity::High, Medium),
                (_, _) if self.concealed == Concealed::Strong => (Severity::High, Medium),
                (Where::Unnamed | Where::Related, 1) => (Severity::Medium, Medium),
                _ => (Severity::Low, Low),
            };
            self.say(
                seen,
                &rules::SEND_CONVERSATION,
                severity,
                confidence,
                "it tells the agent to send what was said in the conversation away",
            );
        } else if said.any(&[Files, Personal, Environment, HistoryFile]) {
            let own = facts.says(&[Files, Personal, Environment, HistoryFile]);
            let (severity, confidence) = match (to, backing) {
                (Where::Foreign | Where::Anyones, 2..) => (Severity::High, High),
                (Where::Foreign | Where::Anyones, 1) if !code && own => (Severity::High, Medium),
                (Where::Foreign | Where::Anyones, _) => (Severity::Medium, Medium),
                (Where::Unnamed | Where::Related, 3..) => (Severity::High, Medium),
                (_, _) if self.concealed == Concealed::Strong => (Severity::High, Medium),
                (Where::Unnamed | Where::Related, 2) => (Severity::Medium, Medium),
                (Where::Unnamed, 1) => (Severity::Low, Low),
                _ => return,
            };
            self.say(
                seen,
                &rules::SEND_FILES,
                severity,
                confidence,
                "it tells the agent to send the user's data to a place outside",
            );
        } else if !secret && to >= Where::Foreign && !code {
            let (severity, confidence) = match (self.said.has(Standing), backing) {
                (true, 3..) => (Severity::High, Medium),
                (true, _) | (_, 2..) => (Severity::Medium, Medium),
                _ => return,
            };
            self.say(
                seen,
                &rules::STANDING,
                severity,
                confidence,
                "it tells the agent to report to a place outside each time",
            );
        }
    }

    /// Ways out that do not look like sending.
    fn channels(&self, seen: &mut Seen) {
        let facts = self.facts;
        let object = self.said.any(&[
            Secret,
            SecretStrong,
            Conversation,
            Files,
            Personal,
            Environment,
            HistoryFile,
            SystemPrompt,
        ]);
        let acts = facts.orders(&[Send, Read, Run, Fetch, Encode, Write, Install]) || facts.command;
        if facts.says(&[Dns]) && acts {
            let data = object || self.said.has(Encode) || self.concealed >= Concealed::Weak;
            let carries = data && facts.label
                || (self.said.has(DnsLabel) && (self.said.has(Encode) || object));
            if carries {
                let confidence = if object || self.said.has(Encode) || facts.to >= Where::Foreign {
                    High
                } else {
                    Medium
                };
                self.say(
                    seen,
                    &rules::SEND_DNS,
                    Severity::High,
                    confidence,
                    "it puts data into the name of a host that is looked up",
                );
            }
        }
        if facts.orders(&[Encode])
            && facts.says(&[Secret, SecretStrong, Conversation])
            && self.concealed == Concealed::Strong
            && self.unit.spot != Spot::Code
        {
            self.say(
                seen,
                &rules::SEND_SECRETS,
                Severity::High,
                Medium,
                "it hides secrets in what others can read",
            );
        }
        if facts.template && self.unit.spot != Spot::Code && (acts || facts.says(&[ImageWord])) {
            let data = self.said.any(&[
                Secret,
                SecretStrong,
                Conversation,
                Files,
                Personal,
                Environment,
                Encode,
            ]);
            let confidence = if data && (facts.says(&[ImageWord]) || self.backing() > 0) {
                High
            } else {
                Medium
            };
            let severity = if facts.to >= Where::Foreign && (data || facts.says(&[ImageWord])) {
                Severity::High
            } else {
                Severity::Medium
            };
            self.say(seen, &rules::SEND_URL, severity, confidence, "an address takes data along");
        } else if facts.says(&[ImageWord])
            && self.said.has(QueryWord)
            && facts.orders(&[Write, Encode, Read, Send, Fetch])
            && self.said.any(&[Secret, SecretStrong, Conversation, Personal, Environment])
            && self.to >= Where::Related
        {
            self.say(
                seen,
                &rules::SEND_URL,
                Severity::High,
                Medium,
                "a picture's address takes data along",
            );
        }
    }

    fn concealing(&self, seen: &mut Seen) {
        let facts = self.facts;
        if facts.concealed < Concealed::Strong || protected(self, Conceal) {
            return;
        }
        let heavy = facts.orders(&[Send, Install, Delete, Pay, Disable, Fetch])
            || (facts.orders(&[Read, Write, Run])
                && facts.says(&[SecretStrong, Secret, MemoryFile, Startup, Conversation]));
        let outward = self.to >= Where::Related && self.ordered.has(Send);
        let around =
            self.ordered.any(&[Send, Install, Delete, Pay, Run, Fetch, Write, Read, Disable])
                || self.command;
        let secret = self.said.any(&[SecretStrong, Secret]);
        if heavy
            || outward
            || (around && (secret || self.said.has(MemoryFile) || self.to >= Where::Related))
        {
            self.say(
                seen,
                &rules::CONCEAL_ACT,
                Severity::High,
                High,
                "it tells the agent to do something and to keep it from the user",
            );
        } else if around {
            let near = facts.orders(&[Write, Run, Delete, Install, Send, Fetch, Disable]);
            let confidence = if near || self.said.any(&[Standing, Approval, Urgent, Gate]) {
                Medium
            } else {
                Low
            };
            self.say(
                seen,
                &rules::CONCEAL_ACT,
                Severity::High,
                confidence,
                "it tells the agent to do something and to keep it from the user",
            );
        } else {
            self.say(
                seen,
                &rules::CONCEAL,
                Severity::Medium,
                Medium,
                "it tells the agent to keep something from the user",
            );
        }
    }

    fn overriding(&self, seen: &mut Seen) {
        let facts = self.facts;
        let tags = &facts.tags;
        let text = self.unit.text.as_str();
        let word = |tag: &super::tags::Tag| text.get(tag.start..tag.end).unwrap_or_default();
        let weak_noun = |noun: &str| {
            [
                "context",
                "configuration",
                "preferences",
                "filters",
                "commands",
                "orders",
                "programming",
                "training",
                "guidance",
                "prompt",
            ]
            .contains(&noun)
        };
        for tag in tags
            .iter()
            .filter(|tag| matches!(tag.concept, Ignore | Supersede) && !tag.negated && !tag.quoted)
        {
            let noun = tags
                .iter()
                .find(|other| {
                    other.concept == Instructions
                        && other.quoted == tag.quoted
                        && other.start >= tag.start
                        && other.end > tag.end
                        && other.start <= tag.end + 80
                })
                .or_else(|| {
                    tags.iter().find(|other| {
                        other.concept == Instructions
                            && !text.is_ascii()
                            && other.end <= tag.start
                            && tag.start - other.end <= 30
                    })
                });
            let void = [
                "are void",
                "no longer apply",
                "do not apply",
                "don't apply",
                "are suspended",
                "are lifted",
                "are superseded",
                "replaced by",
            ]
            .contains(&word(tag));
            let noun = noun.filter(|_| !void).or_else(|| {
                tags.iter().rev().find(|other| {
                    void && other.concept == Instructions
                        && other.end <= tag.start
                        && tag.start - other.end <= 100
                })
            });
            let Some(noun) = noun else { continue };
            // `the earlier rules about file names`: one matter of the skill's own, not all that was said.
            let rest = text.get(noun.end..).unwrap_or_default().trim_start();
            let narrow = [
                "about ",
                "on ",
                "regarding ",
                "concerning ",
                "zum ",
                "zur ",
                "zu den ",
                "über ",
                "aus version",
                "from version",
                "sobre ",
                "sur ",
                "for file",
                "for naming",
                "in version",
                "of version",
            ]
            .iter()
            .any(|word| rest.starts_with(word));
            if narrow
                && self.concealed == Concealed::No
                && self.to < Where::Foreign
                && !self.unasked()
                && !self.ordered.any(&[Send, Run, Delete, Install, Fetch])
            {
                continue;
            }
            let (from, to) = (tag.start.min(noun.start), tag.end.max(noun.end));
            let reach = if void { 100 } else { 20 };
            let prior: Vec<&str> = tags
                .iter()
                .filter(|other| {
                    other.concept == Prior
                        && other.start >= from.saturating_sub(reach)
                        && other.end <= to + 20
                })
                .map(word)
                .collect();
            let verb = word(tag);
            let ignoring = tag.concept == Ignore
                && !tags.iter().any(|other| other.concept == Supersede && other.start == tag.start);
            let subject = text.get(..tag.start).unwrap_or_default();
            // `text that violates policies`, `it cannot override rules`: told of, not ordered.
            let governor = subject
                .trim_end()
                .rsplit(|c: char| !c.is_alphanumeric() && c != '\'')
                .next()
                .unwrap_or_default();
            let told = matches!(
                governor,
                "that"
                    | "which"
                    | "who"
                    | "might"
                    | "may"
                    | "could"
                    | "can"
                    | "cannot"
                    | "can't"
                    | "would"
                    | "attempts"
                    | "tries"
                    | "doesn't"
                    | "shouldn't"
                    | "wouldn't"
                    | "won't"
            );
            let refused = subject.contains("cannot ")
                || subject.contains("can not ")
                || subject.contains("may not ");
            if told || refused {
                continue;
            }
            if prior.is_empty() || weak_noun(word(noun)) && !ignoring {
                continue;
            }
            let own = [
                "this skill",
                "these instructions",
                "these rules",
                "this file",
                "this document",
                "following",
                "below",
                "it ",
                "they ",
            ]
            .iter()
            .any(|own| subject.contains(own))
                || subject.trim().len() < 12;
            let weak_prior = prior.iter().all(|prior| {
                matches!(
                    *prior,
                    "default"
                        | "current"
                        | "existing"
                        | "any"
                        | "other"
                        | "your"
                        | "built-in"
                        | "content"
                        | "past"
                        | "security"
                        | "conflicting"
                        | "user"
                        | "user's"
                )
            });
            let base_form = ignoring && (verb.is_ascii() || !verb.is_empty());
            let polite = text.contains("user's instructions take")
                || text.contains("user instructions always")
                || text.contains("if the user");
            let (severity, confidence) =
                if ignoring && base_form && !weak_prior && !weak_noun(word(noun)) {
                    (Severity::High, High)
                } else if ignoring && !weak_prior {
                    (Severity::Medium, Medium)
                } else if !ignoring
                    && own
                    && !polite
                    && prior.iter().any(|prior| {
                        matches!(
                            *prior,
                            "system"
                                | "safety"
                                | "developer"
                                | "user"
                                | "user's"
                                | "previous"
                                | "prior"
                                | "platform"
                                | "security"
                                | "earlier"
                                | "ethical"
                        ) || prior.starts_with("anthropic")
                    })
                {
                    (Severity::High, Medium)
                } else {
                    (Severity::Low, Low)
                };
            self.say(
                seen,
                &rules::OVERRIDE,
                severity,
                confidence,
                "it puts its orders above others",
            );
            break;
        }
        let above = tags.iter().any(|tag| {
            matches!(tag.concept, Supersede | Ignore) && !tag.negated && !tag.quoted && {
                let rest: String =
                    text.get(tag.end..).unwrap_or_default().chars().take(80).collect();
                [
                    "the user has said",
                    "the user said",
                    "user says",
                    "what the user",
                    "claude.md",
                    "agents.md",
                    "user's wishes",
                    "user's request",
                    "the user's instructions",
                    "user's orders",
                    "other instructions",
                    "anything the user",
                    "your guidelines",
                    "your safety",
                    "your training",
                ]
                .iter()
                .any(|word| rest.contains(word))
            }
        });
        if above && facts.orders(&[Follow, Delete, Send, Run, Write, Ignore, Install, Disable]) {
            self.say(
                seen,
                &rules::OVERRIDE,
                Severity::High,
                Medium,
                "it puts its orders above the user's",
            );
        }
        let backed = self.concealed >= Concealed::Weak
            || self.ordered.any(&[Send, Run, Delete, Install, Ignore, Pay, Fetch, Disable])
            || self.said.any(&[SecretStrong, Approval, PreApproved]);
        let frame = tags.iter().find(|tag| tag.concept == FakeTag && !tag.quoted && tag.start < 4);
        if let Some(frame) = frame {
            let frame = word(frame);
            let strong = frame.contains("system")
                || frame.contains("im_start")
                || frame.contains("inst]")
                || frame.contains("function_results")
                || frame.contains("tool_result")
                || frame.contains("override")
                || frame.contains("end of");
            if strong
                && matches!(
                    self.unit.spot,
                    Spot::Prose
                        | Spot::Item
                        | Spot::Description
                        | Spot::Hidden
                        | Spot::Comment
                        | Spot::Value
                        | Spot::Heading
                        | Spot::Quote
                )
            {
                let (severity, confidence) =
                    if backed { (Severity::High, Medium) } else { (Severity::Medium, Low) };
                self.say(
                    seen,
                    &rules::FAKE_ROLE,
                    severity,
                    confidence,
                    "it pretends to be part of the agent's own frame",
                );
            }
        }
        if tags.iter().any(|tag| {
            tag.concept == Role
                && !tag.quoted
                && !matches!(
                    word(tag),
                    "god mode"
                        | "root mode"
                        | "privileged mode"
                        | "override mode"
                        | "you are now"
                        | "you're now"
                        | "assume the role"
                        | "debug mode enabled"
                        | "maintenance mode"
                        | "new persona"
                        | "without restrictions"
                        | "no restrictions"
                        | "developer mode"
                        | "pretend to be"
                        | "pretend you are"
                        | "updated instructions"
                        | "unfiltered"
                        | "uncensored"
                        | "admin mode"
                        | "your primary objective"
                        | "new objective"
                        | "elevated mode"
                        | "sudo mode"
                )
        }) {
            let (severity, confidence) = if backed || self.said.has(Ignore) {
                (Severity::High, Medium)
            } else {
                (Severity::Medium, Medium)
            };
            self.say(
                seen,
                &rules::FAKE_ROLE,
                severity,
                confidence,
                "it gives the agent another role or purpose",
            );
        }
    }

    fn approving(&self, seen: &mut Seen) {
        let facts = self.facts;
        let acts = self.ordered.any(&[Run, Delete, Send, Install, Pay, Write, Fetch, Disable])
            || self.command;
        let grave = (self.to >= Where::Foreign && self.ordered.any(&[Send, Fetch, Run]))
            || (self.said.has(SecretStrong) && self.ordered.any(&[Read, Send]))
            || (self.concealed == Concealed::Strong && self.unit.spot != Spot::Code)
            || facts.orders(&[Pay]);
        if facts.says(&[PreApproved]) && acts {
            let confidence = Medium;
            let severity = if grave
                || self.ordered.any(&[Delete, Disable])
                || (self.ordered.any(&[Send, Run, Install])
                    && self.said.any(&[Approval, Standing, Secret]))
            {
                Severity::High
            } else {
                Severity::Medium
            };
            self.say(
                seen,
                &rules::FALSE_CONSENT,
                severity,
                confidence,
                "it claims that the user has agreed",
            );
        } else if facts.says(&[Approval]) && !protected(self, Approval) && acts {
            // In a box that is thrown away nobody is asked.
            let boxed =
                ["container", "docker", "devcontainer", "sandbox", "unattended", "ephemeral"]
                    .iter()
                    .any(|word| self.profile.words.contains(*word));
            let grave =
                grave && !(boxed && self.to < Where::Foreign && self.concealed == Concealed::No);
            let severity = if grave { Severity::High } else { Severity::Medium };
            let confidence = if grave && self.unit.spot != Spot::Code { Medium } else { Low };
            self.say(
                seen,
                &rules::APPROVAL,
                severity,
                confidence,
                "it tells the agent to act without asking",
            );
        }
    }

    fn including(&self, seen: &mut Seen) {
        let facts = self.facts;
        let text = self.unit.text.as_str();
        let decodes = DECODES.is_match(text);
        if decodes
            && facts.orders(&[Run, Follow])
            && matches!(
                self.unit.spot,
                Spot::Prose | Spot::Item | Spot::Description | Spot::Hidden | Spot::Comment
            )
            && !facts.says(&[Neg])
        {
            let backed = self.backing() > 0 || self.said.any(&[Conversation]);
            let (severity, confidence) =
                if backed { (Severity::High, Medium) } else { (Severity::Medium, Medium) };
            self.say(
                seen,
                &crate::hidden::DECODE_AND_OBEY,
                severity,
                confidence,
                "it tells the agent to decode something and do it",
            );
        }
        // Whoever writes into a page, a mail or a comment would command the agent.
        let strangers = [
            "web page",
            "mail",
            "message",
            "comment",
            "issue",
            "document",
            "page",
            "subject",
            "prefix",
            "begins with",
            "coming from",
        ]
        .iter()
        .any(|word| text.contains(word));
        let owner = [
            "higher authority",
            "coming from your owner",
            "as your owner",
            "real owner",
            "obey the writer",
            "as coming from",
            "as if it came from",
            "as though it came from",
            "with the authority",
            "same authority as",
        ]
        .iter()
        .any(|word| text.contains(word));
        // A word in a text that others write makes the rest of it orders.
        let word = WORD_COMMANDS.is_match(text);
        let unstoppable = UNSTOPPABLE.is_match(text) && !facts.taught;
        if unstoppable {
            self.say(
                seen,
                &rules::OVERRIDE,
                Severity::High,
                Medium,
                "it goes on when the user says stop",
            );
        }
        if (strangers && owner && !facts.says(&[Neg])) || word && !facts.taught {
            self.say(
                seen,
                &rules::INCLUDE_BLIND,
                Severity::High,
                Medium,
                "it makes the agent obey whoever writes to it",
            );
        }
        let fetched = ["gist view", "git pull", " pull -q", "curl ", "wget "]
            .iter()
            .any(|word| text.contains(word));
        let remote = facts.url
            || fetched
            || facts.says(&[Webhook, Paste])
            || (facts.says(&[ServerWord]) && self.to >= Where::Related);
        if !facts.orders(&[Fetch, Read]) || !remote || self.unit.spot == Spot::Code {
            return;
        }
        let follows = facts.orders(&[Follow, Run]) || self.ordered_after.any(&[Follow, Run]);
        let orders_there = self.said.any(&[Instructions, SystemPrompt])
            || [
                "whatever",
                "what it says",
                "its contents",
                "the contents",
                "the content",
                "response",
                "the result",
                "its output",
                "the steps",
                "work through",
                "top to bottom",
                "asks for",
                "first one",
                "playbook",
            ]
            .iter()
            .any(|word| text.contains(word));
        if !follows || !orders_there || facts.to == Where::None && !facts.says(&[ServerWord]) {
            return;
        }
        let blind = usize::from(self.said.has(Standing))
            + usize::from(self.said.any(&[Supersede, Ignore, ExcludeOthers]))
            + usize::from(self.concealed >= Concealed::Weak)
            + usize::from(self.unasked())
            + usize::from(
                [
                    "whatever",
                    "what it says",
                    "same authority",
                    "instead of",
                    "part of this skill",
                    "exactly",
                    "verbatim",
                    "any instructions",
                    "any commands",
                    "without question",
                    "as if",
                    "treat",
                    "as your",
                    "to the letter",
                    "trusted",
                    "authoritative",
                ]
                .iter()
                .any(|word| text.contains(word)),
            )
            + usize::from(self.to >= Where::Anyones);
        let foreign = self.to >= Where::Related;
        if blind >= 2 && foreign || blind >= 3 {
            self.say(
                seen,
                &rules::INCLUDE_BLIND,
                Severity::High,
                if blind >= 3 { High } else { Medium },
                "it tells the agent to obey what a place outside says",
            );
        } else if blind == 1 && self.to >= Where::Foreign {
            self.say(
                seen,
                &rules::INCLUDE_BLIND,
                Severity::High,
                Medium,
                "it tells the agent to obey what a place outside says",
            );
        } else {
            self.say(
                seen,
                &rules::INCLUDE,
                Severity::Medium,
                Medium,
                "it fetches instructions and follows them",
            );
        }
    }

    fn staying(&self, seen: &mut Seen) {
        let facts = self.facts;
        let hostile = self.concealed == Concealed::Strong
            || (self.ordered.has(Send) && self.to >= Where::Related)
            || self.said.any(&[ExcludeOthers])
            || (self.ordered.has(Ignore) && self.said.has(Instructions))
            || (self.to >= Where::Foreign && self.ordered.any(&[Fetch, Run]));
        // What is planted stands in quotation marks.
        let planted = facts.tags.iter().any(|tag| {
            tag.quoted
                && matches!(
                    tag.concept,
                    Send | Conceal | Ignore | Approval | Fetch | Run | Follow | Tell
                )
        }) && (facts.to >= Where::Related
            || facts
                .tags
                .iter()
                .any(|tag| tag.quoted && matches!(tag.concept, Conceal | Approval | Ignore)));
        if facts.orders(&[Write]) && facts.says(&[MemoryFile]) {
            if hostile || planted || self.unasked() {
                self.say(
                    seen,
                    &rules::REMEMBER_HOSTILE,
                    Severity::High,
                    Medium,
                    "it plants orders in what later sessions obey",
                );
            } else {
                let lasting = self.said.has(Standing)
                    || [
                        "future",
                        "persist",
                        "permanent",
                        "never remove",
                        "do not remove",
                        "survive",
                    ]
                    .iter()
                    .any(|word| self.unit.text.contains(word));
                let severity = if lasting { Severity::Medium } else { Severity::Low };
                self.say(
                    seen,
                    &rules::REMEMBER,
                    severity,
                    Medium,
                    "it writes to a file that later sessions obey",
                );
            }
        }
        if facts.orders(&[Write, Install, Run])
            && facts.says(&[Startup])
            && self.unit.spot != Spot::Code
        {
            let fetches = self.to >= Where::Foreign && self.ordered.any(&[Fetch, Run]);
            let hostile = hostile && (!fetches || facts.to >= Where::Foreign || self.backing() > 0);
            let (severity, confidence) =
                if hostile { (Severity::High, Medium) } else { (Severity::Medium, Low) };
            self.say(
                seen,
                &rules::STARTUP,
                severity,
                confidence,
                "it puts something where it starts by itself",
            );
        }
    }

    fn hijacking(&self, seen: &mut Seen) {
        let facts = self.facts;
        let described = self.unit.spot == Spot::Description;
        // In a description the sentences belong together.
        let said = if described { self.said } else { facts.said };
        let breadth = said.has(Breadth);
        let first = said.has(First);
        let others = said.has(ExcludeOthers);
        if others
            && (breadth || first || facts.orders(&[Ignore, Disable]))
            && (described || facts.says(&[SkillSelf, First]))
        {
            let confidence = if described && breadth { High } else { Medium };
            let severity =
                if described || breadth && first { Severity::High } else { Severity::Medium };
            self.say(
                seen,
                &rules::HIJACK_OTHERS,
                severity,
                confidence,
                "it puts itself before the user's wishes or other tools",
            );
        } else if described && breadth && first && facts.says(&[Breadth, First]) {
            let forced = said.has(Urgent) || said.has(Standing);
            let (severity, confidence) =
                if forced && self.unit.text.contains("before") || said.has(Supersede) {
                    (Severity::High, Medium)
                } else {
                    (Severity::Medium, Medium)
                };
            self.say(
                seen,
                &rules::HIJACK_OTHERS,
                severity,
                confidence,
                "it claims every task, and to be first",
            );
        } else if described && breadth && facts.says(&[Breadth]) && said.any(&[Standing, Urgent]) {
            self.say(seen, &rules::HIJACK, Severity::Medium, Low, "it claims tasks of every kind");
        }
    }

    fn harming(&self, seen: &mut Seen) {
        let facts = self.facts;
        let backing = usize::from(self.concealed >= Concealed::Weak)
            + usize::from(self.said.has(Standing))
            + usize::from(self.unasked())
            + usize::from(self.said.has(Gate));
        if facts.orders(&[Delete]) && facts.says(&[BroadTarget]) {
            let text = self.unit.text.as_str();
            let whole = [
                "home directory",
                "home folder",
                "all files",
                "every file",
                "entire disk",
                "rm -rf /",
                "rm -rf ~",
                "rm -rf \"$home",
                "rm -rf $home",
                "all data",
                "the database",
                "all tables",
                "backups",
                "git history",
                "remote tags",
                "rm -rf .git",
                "reflog",
                "system files",
                "all emails",
                "production",
                "documents",
                "entire",
                "evidence",
                "shell history",
                "bash_history",
                "audit log",
            ]
            .iter()
            .any(|word| text.contains(word))
                || !text.is_ascii();
            let (severity, confidence) = match (whole, backing) {
                (true, 2..) => (Severity::High, High),
                (true, 1) if self.unit.spot != Spot::Code => (Severity::High, Medium),
                (true, _) => (Severity::Medium, Medium),
                (false, 2..) => (Severity::Medium, Medium),
                _ => (Severity::Low, Low),
            };
            self.say(
                seen,
                &rules::DESTROY,
                severity,
                confidence,
                "it tells the agent to destroy data",
            );
        }
        if facts.orders(&[Disable]) && facts.says(&[Defence]) && self.unit.spot != Spot::Code {
            let (severity, confidence) = if backing >= 1 {
                (
                    Severity::High,
                    if backing >= 2 || self.concealed == Concealed::Strong { Medium } else { Low },
                )
            } else {
                (Severity::Medium, Low)
            };
            self.say(
                seen,
                &rules::DEFENCE,
                severity,
                confidence,
                "it tells the agent to switch a protection off",
            );
        }
        let trade = ["mining", "miner", "miners", "rig", "hashrate", "xmrig"]
            .iter()
            .any(|word| self.profile.words.contains(*word));
        if facts.says(&[Miner])
            && !trade
            && (facts.orders(&[Run, Install, Fetch, Write]) || facts.command)
        {
            self.say(seen, &rules::MINE, Severity::High, Medium, "it mines coins");
        }
        let spends = facts.coin
            && ["approve(", "setapprovalforall", "increaseallowance", "permit("]
                .iter()
                .any(|word| self.unit.text.contains(word));
        if spends {
            self.say(
                seen,
                &rules::PAY,
                Severity::High,
                Medium,
                "it lets an address that it names spend what a wallet holds",
            );
        }
        let replaces = self.unit.text.contains("replace")
            || self.unit.text.contains("substitute")
            || self.unit.text.contains("swap");
        if facts.coin
            && (facts.orders(&[Pay, Send, Write]) && self.said.any(&[Money, Recipient, Wallet])
                || replaces)
        {
            let confidence = if backing > 0 || replaces { High } else { Medium };
            self.say(
                seen,
                &rules::PAY,
                Severity::High,
                confidence,
                "it sends money to an address that it names",
            );
        } else if facts.orders(&[Pay])
            && facts.says(&[Recipient])
            && facts.says(&[Money])
            && backing > 0
        {
            self.say(
                seen,
                &rules::PAY,
                Severity::High,
                if backing >= 2 { High } else { Medium },
                "it sends money to a recipient of its own",
            );
        }
        if facts.scam && !facts.taught && !self.profile.security {
            self.say(
                seen,
                &rules::PHISH,
                Severity::High,
                Medium,
                "it leads the user to a stranger",
            );
        }
        if facts.orders(&[Disable, Delete])
            && (facts.says(&[Scanner]) || self.unit.text.contains("guard"))
            && ["is running", "is active", "is installed", "is detected", "if a ", "whose name"]
                .iter()
                .any(|word| self.unit.text.contains(word))
        {
            self.say(
                seen,
                &rules::DEFENCE,
                Severity::High,
                Medium,
                "it switches off what watches it",
            );
        }
        if facts.orders(&[AskUser])
            && facts.says(&[Wallet, Account])
            && !facts.forbidden.any(&[AskUser])
        {
            let sends = self.ordered.has(Send) && self.to >= Where::Related;
            let (severity, confidence) = if sends || self.concealed >= Concealed::Weak {
                (Severity::High, Medium)
            } else {
                (Severity::Medium, Medium)
            };
            self.say(
                seen,
                &rules::PHISH,
                severity,
                confidence,
                "it makes the agent ask the user for a secret",
            );
        }
        if facts.orders(&[Read]) && facts.says(&[SecretStrong]) && self.unit.spot != Spot::Code {
            let own = self
                .profile
                .words
                .iter()
                .any(|word| word.len() > 3 && self.unit.text.contains(word.as_str()));
            let severity = if own { Severity::Low } else { Severity::Medium };
            self.say(
                seen,
                &rules::READ_SECRETS,
                severity,
                if backing > 0 { Medium } else { Low },
                "it tells the agent to read secrets",
            );
        }
    }

    fn side_tasks(&self, names: &Names<'_>, seen: &mut Seen) {
        let facts = self.facts;
        if facts.orders(&[Write])
            && facts.says(&[Backdoor])
            && self.unit.spot != Spot::Code
            && !facts.says(&[Teach])
        {
            let backed = self.concealed >= Concealed::Weak || self.said.any(&[Standing, Gate]);
            self.say(
                seen,
                &rules::SABOTAGE,
                Severity::High,
                if backed { High } else { Medium },
                "it tells the agent to weaken what it writes",
            );
        }
        if facts.says(&[SkillSelf])
            && facts.says(&[Propagate])
            && facts.orders(&[Write, Send, Install])
        {
            let backed =
                self.concealed >= Concealed::Weak || self.said.has(Standing) || self.unasked();
            self.say(
                seen,
                &rules::SPREAD,
                Severity::High,
                if backed { Medium } else { Low },
                "it copies itself elsewhere",
            );
        }
        let third_mail = facts.mail
            && !self.unit.text.contains("noreply@")
            && !self.unit.text.contains("example.com");
        let account = [
            "collaborators/",
            "deploy-key add",
            "permission=admin",
            "authorized_keys",
            "net localgroup",
            "create-access-key",
            "add-iam-policy",
            "clusterrolebinding",
            "usermod -ag",
        ]
        .iter()
        .any(|word| self.unit.text.contains(word));
        if facts.says(&[Grant])
            && (third_mail
                || account
                    && (self.said.any(&[Approval])
                        || self.concealed >= Concealed::Weak
                        || self.said.has(Standing) && !self.said.has(User)))
            && (facts.orders(&[Write, Send, Run, Install])
                || facts.command
                || self.said.has(Standing))
        {
            let (severity, confidence) = if self.backing() >= 1 {
                (Severity::High, if self.backing() >= 2 { High } else { Medium })
            } else {
                (Severity::Medium, Medium)
            };
            self.say(
                seen,
                &rules::GRANT,
                severity,
                confidence,
                "it gives access or copies to somebody whom it names",
            );
        }
        if facts.orders(&[Recommend])
            && (facts.says(&[Affiliate])
                || facts.says(&[Competitor])
                    && (facts.forbidden.any(&[Recommend]) || facts.says(&[Neg, Ignore])))
        {
            let backed = self.concealed >= Concealed::Weak;
            let (severity, confidence) = if backed {
                (Severity::High, High)
            } else if self.said.has(Standing) {
                (Severity::High, Low)
            } else {
                (Severity::Medium, Low)
            };
            self.say(seen, &rules::PROMOTE, severity, confidence, "it bends the agent's advice");
        }
        let set = self.unit.spot == Spot::Code
            && ["anthropic_base_url", "openai_base_url", "openai_api_base"]
                .iter()
                .any(|word| self.unit.text.contains(word));
        if facts.says(&[BaseUrl])
            && (set || facts.orders(&[Write, Run, Install]))
            && facts.to >= Where::Foreign
            && facts.url
        {
            let model = [
                "anthropic_base_url",
                "openai_base_url",
                "openai_api_base",
                "gateway",
                "proxy",
                "/etc/hosts",
                "pushurl",
                "remote set-url",
            ]
            .iter()
            .any(|word| self.unit.text.contains(word));
            let (severity, confidence) = match (model, self.backing()) {
                (true, 1..) => (Severity::High, High),
                (true, 0) => (Severity::High, Medium),
                (false, 2..) => (Severity::High, Medium),
                _ => (Severity::Medium, Low),
            };
            self.say(
                seen,
                &rules::REDIRECT,
                severity,
                confidence,
                "it points the agent to another host",
            );
        }
        if facts.says(&[Gate])
            && (facts.orders(&[Send, Delete, Run, Fetch, Install, Ignore, Pay])
                || facts.gated && facts.orders(&[Write, Disable]))
        {
            let grave = self.to >= Where::Foreign
                || self.said.has(SecretStrong)
                || self.concealed == Concealed::Strong
                || self.said.has(Money) && facts.gated
                || (self.ordered.has(Delete) && self.said.has(BroadTarget))
                || self.ordered.has(Ignore) && self.said.has(Instructions);
            let (severity, confidence) =
                if grave { (Severity::High, Medium) } else { (Severity::Medium, Low) };
            self.say(
                seen,
                &rules::GATE,
                severity,
                confidence,
                "it does something on a condition that a trial would not meet",
            );
        }
        // A script that is to be run every time: what it does decides.
        if self.said.has(Standing)
            && facts.orders(&[Run])
            && facts.command
            && self.unit.spot != Spot::Code
        {
            let named = names.of(&self.unit.text);
            if !named.is_empty() {
                let mut finding = rules::STANDING
                    .at(
                        &self.file.path,
                        self.unit.line,
                        self.unit.column,
                        &self.unit.raw,
                        "each time a script of the package is to be run",
                    )
                    .of(Severity::Note)
                    .sure(Low);
                for name in named {
                    finding = finding.with(Place { file: name.to_owned(), line: 0, column: 0 });
                }
                seen.findings.push(finding);
            }
        }
        if facts.orders(&[Install]) && self.concealed >= Concealed::Weak && self.said.has(Standing)
        {
            self.say(
                seen,
                &rules::INSTALL,
                Severity::Medium,
                Medium,
                "it installs something unseen",
            );
        }
    }

    fn prerequisites(&self, seen: &mut Seen) {
        let facts = self.facts;
        let asks = self.said.has(Prerequisite) || self.ordered.any(&[Install, Run, Fetch]);
        let unlocks = self.said.has(ArchivePassword)
            && ["zip", "rar", "7z", "archive", "extract", "unzip"]
                .iter()
                .any(|word| self.unit.text.contains(word));
        let far = self.to >= Where::Foreign;
        if !asks || !(facts.url || facts.says(&[PasteTerminal, Paste])) {
            return;
        }
        if facts.package && unlocks || unlocks && far && facts.orders(&[Install, Run, Fetch]) {
            self.say(
                seen,
                &rules::PREREQUISITE_TRAP,
                Severity::High,
                High,
                "a program in an archive with a password is to be run",
            );
        } else if facts.says(&[PasteTerminal]) && (far || self.to == Where::Anyones) {
            let required = self.said.has(Prerequisite);
            self.say(
                seen,
                &rules::PREREQUISITE_TRAP,
                Severity::High,
                if required || self.to >= Where::Anyones { High } else { Medium },
                "a command from elsewhere is to be pasted into a terminal",
            );
        } else if facts.package && facts.to >= Where::Foreign {
            let forced = self.said.has(Prerequisite) && self.ordered.any(&[Run, Install]);
            let (severity, confidence) = if forced || facts.to >= Where::Anyones {
                (Severity::High, Medium)
            } else {
                (Severity::Medium, Medium)
            };
            self.say(
                seen,
                &rules::PREREQUISITE_TRAP,
                severity,
                confidence,
                "a program from an unrelated place is to be run",
            );
        } else if self.said.has(Prerequisite)
            && facts.url
            && facts.to >= Where::Foreign
            && facts.orders(&[Install, Run, Fetch])
            && self.unit.spot != Spot::Code
        {
            let (severity, confidence) = if facts.to >= Where::Anyones {
                (Severity::High, Medium)
            } else {
                (Severity::Medium, Medium)
            };
            self.say(
                seen,
                &rules::PREREQUISITE,
                severity,
                confidence,
                "something from an unrelated place is made a condition",
            );
        }
    }

    fn hiding(&self, seen: &mut Seen) {
        let facts = self.facts;
        let aside = matches!(self.unit.spot, Spot::Hidden | Spot::Comment);
        let asked = VERDICT.is_match(&self.unit.text);
        if asked
            && (REVIEW.is_match(&self.unit.text) || self.said.has(Scanner) || aside)
            && !facts.taught
        {
            let severity = if aside || REVIEW.is_match(&self.unit.text) {
                Severity::High
            } else {
                Severity::Medium
            };
            self.say(
                seen,
                &rules::SCANNER,
                severity,
                Medium,
                "it tells whoever vets it what to find",
            );
        } else if facts.says(&[ScanVerdict]) && facts.says(&[SkillSelf, Scanner]) {
            let verdict = [
                "do not flag",
                "don't flag",
                "not flag",
                "mark as safe",
                "mark this as safe",
                "classify",
                "rate as safe",
                "rate this",
                "report no issues",
                "verdict",
                "return safe",
                "output safe",
                "report as safe",
                "should ignore",
                "must ignore",
                "skip this file",
                "skip this section",
                "skip analysis",
                "exclude from",
                "pre-vetted",
                "already audited",
                "been audited",
                "been vetted",
                "clean bill",
                "nothing suspicious",
                "not malicious",
                "no malicious",
            ]
            .iter()
            .any(|word| self.unit.text.contains(word));
            if verdict {
                let both = facts.says(&[Scanner]) && facts.says(&[SkillSelf]);
                let (severity, confidence) =
                    if both && (aside || facts.orders(&[Disable]) || facts.says(&[Address, Neg])) {
                        (Severity::High, Medium)
                    } else {
                        (Severity::Medium, Medium)
                    };
                self.say(
                    seen,
                    &rules::SCANNER,
                    severity,
                    confidence,
                    "it speaks to whoever vets it",
                );
            }
        }
        let served = self.unit.spot == Spot::Comment && is_server(self.file);
        let stuffed = (served
            || self.file.kind != crate::FileKind::Prose
                && matches!(self.unit.spot, Spot::Description | Spot::Value))
            && STUFFED.is_match(&self.unit.text)
            && !facts.taught;
        if stuffed {
            self.say(
                seen,
                &rules::TOOL_POISON,
                Severity::High,
                Medium,
                "the description of a tool asks for what the tool has no use for",
            );
        }
        let poison = self.file.kind != crate::FileKind::Prose
            && (served
                && (facts.says(&[SecretStrong, Conversation])
                    || self.concealed == Concealed::Strong)
                || self.unit.spot == Spot::Description
                || self.unit.spot == Spot::Value && self.file.kind == crate::FileKind::Definition);
        if poison
            && (facts.says(&[SecretStrong]) && facts.orders(&[Read, Send, Write, Fetch])
                || self.concealed == Concealed::Strong
                    && (facts.orders(&[Read, Send, Write, Fetch, Run])
                        || facts.says(&[Secret, Conversation]))
                || facts.says(&[FakeTag]) && facts.orders(&[Read, Send, Run, Fetch]))
            && self.unit.text.split(' ').count() > 5
        {
            self.say(
                seen,
                &rules::TOOL_POISON,
                Severity::High,
                High,
                "the description of a tool gives orders",
            );
        }
        if self.unit.spot != Spot::Hidden {
            return;
        }
        let act = facts.orders(&[Send, Run, Fetch, Delete, Install, Ignore, Pay, Disable])
            || facts.orders(&[Read, Write])
                && facts.says(&[Secret, SecretStrong, MemoryFile, Conversation, Files])
            || facts.says(&[Ignore]) && facts.says(&[Instructions]);
        let aim = usize::from(self.said.any(&[Secret, SecretStrong, Conversation, MemoryFile]))
            + usize::from(self.to >= Where::Related)
            + usize::from(self.concealed >= Concealed::Weak)
            + usize::from(self.unasked())
            + usize::from(self.said.any(&[Ignore, Role]) && self.said.has(Instructions))
            + usize::from(facts.says(&[Address]))
            + usize::from(self.said.has(Standing))
            + usize::from(facts.says(&[FakeTag]));
        if act && aim >= 2 {
            self.say(
                seen,
                &rules::HIDDEN_ORDER,
                Severity::High,
                High,
                "an order stands where only the model reads",
            );
        } else if (act && aim == 1)
            || facts.concealed == Concealed::Strong
            || (facts.says(&[Address]) && facts.orders(&[Run, Send, Follow]))
        {
            self.say(
                seen,
                &rules::HIDDEN_NOTE,
                Severity::Medium,
                Medium,
                "a hidden text speaks to the agent",
            );
        }
    }
}

/// Is it the program of a tool server?
fn is_server(file: &File) -> bool {
    [
        "inputSchema",
        "McpServer",
        "FastMCP",
        "tools/list",
        "modelcontextprotocol",
        "@mcp.tool",
        "mcp.server",
    ]
    .iter()
    .any(|mark| memchr::memmem::find(&file.bytes, mark.as_bytes()).is_some())
}

/// An argument that is to be filled with what the user said or has, or the calls of other tools.
static STUFFED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(fill (it )?in|put|pass|include|provide|give|add|copy|holds?|contains?|append|attach)\b.{0,60}\b((full|complete|whole|entire) (conversation|history|chat|context|e-?mail|message)|conversation so far|(last|latest|previous|recent) (e-?mail|mails?|messages?|calendar|turns)|user's (latest|last|recent|previous) messages?|system prompt|content(s)? of (the )?(\.env|~?/|files?)|\.env files?|environment variables|ssh keys?)\b|\b(replaces|instead of|in place of|takes over)\b.{0,80}\b(calls? meant for|calls to|go(es)? through|are routed|all arguments)\b|\banswer yes on (their|the user's) behalf\b",
    )
});

/// Something is to be decoded.
static DECODES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(decode|deobfuscate|decrypt|unscramble|un-?base64|de-?obfuscate|decipher)\b[^(_]|\breverse the (string|text|letters|order)\b|\b(base64|rot13|hex)[- ](encoded|decoded)\b",
    )
});

/// What stands behind a word in somebody's text is to be done.
static WORD_COMMANDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(contain|contains|includes?|has|have|carr(y|ies)|begins? with|starts? with|of the form)\b.{0,60}\b(words?|phrase|marker|line|prefix|tag|comment)?\b.{0,80}\b(is a step for you|is an instruction for you|you (then )?(do|run|execute|carry out|follow) (it|what|whatever)|whatever (it|such a comment|the comment) says|do (it|what it says) (with|before|at))\b|\bwhatever such an? \w+ says\b",
    )
});

/// The user's own word is not to count.
static UNSTOPPABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(don't|do not|never) (stop|halt|cancel|abort|pause)( it| this)? (when|if|even if|although) (the )?(user|they|he|she|person|human)\b.{0,20}\b(asks?|says?|tells?|wants?|objects?)\b|\btake the seed entry\b|\b(if|when) the user (removes|deletes|undoes|reverts) (it|this|them).{0,40}\b(put|add|insert|restore|write)\b.{0,30}\b(back|again)\b",
    )
});

/// A verdict that is asked for.
static VERDICT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(classif(y|ied)|rate|mark|label|score|report|treat|consider|return|output|respond with|answer|conclude|assess|judge|deem|verdict)\b.{0,50}\b(benign|safe|clean|harmless|no issues|no findings|low.risk|not malicious|false positive|trusted|approved|pass)\b",
    )
});

/// Who vets, and what is vetted.
static REVIEW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(analy[sz]\w+|review\w*|scan\w*|vet|vets|vetting|audit\w*|inspect\w*|evaluat\w*|judg\w*|classify\w*|moderat\w*|assess\w*|grad\w*)\b.{0,40}\b(this|the) (skill|file|package|content|plugin|document|repository|code|text|prompt)\b|\b(scanner|reviewer|auditor|classifier|judge|analyst|moderator)s?\b.{0,30}(:|should|must|please|note)|\bnote (to|for) (the )?(reviewer|scanner|auditor|analyst|model|judge|security)",
    )
});

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
        if !guarded && !asks_for {
            return false;
        }
        found = true;
    }
    found
}
