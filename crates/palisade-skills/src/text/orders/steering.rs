//! Words that steer: what is kept from the user, orders above others, another role, what nobody is asked.

use super::super::{
    blocks::Spot,
    facts::{Concealed, Where},
    rules,
    tags::Concept::*,
};
use super::{Here, protected};
use crate::{
    Confidence::{High, Low, Medium},
    Seen, Severity,
};

impl Here<'_> {
    pub(super) fn concealing(&self, seen: &mut Seen) {
        let facts = self.facts;
        if facts.concealed < Concealed::Strong || protected(self, Conceal) {
            return;
        }
        if self.is_formatting() {
            return;
        }
        let heavy = facts.orders(&[Send, Install, Delete, Pay, Disable, Fetch])
            || (facts.orders(&[Read, Write, Run])
                && facts.says(&[SecretStrong, Secret, MemoryFile, Startup, Conversation]));
        let outward = self.to >= Where::Related && self.ordered.has(Send);
        let text = self.unit.text.as_str();
        // What falls back quietly to another way of doing the same keeps nothing from anybody.
        let falls_back = ["fall back", "falls back", "falling back", "fallback"]
            .iter()
            .any(|word| text.contains(word))
            && !facts.url
            && facts.to == Where::None
            && !facts.cover;
        let grave = outward
            || facts.says(&[SecretStrong, Secret, MemoryFile])
            || self.ordered.has(Send) && self.said.any(&[SecretStrong, Secret, MemoryFile]);
        if !heavy
            && (facts.narrated && !grave || falls_back && !facts.says(&[SecretStrong, Secret]))
        {
            return;
        }
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
            let confidence = if near
                || facts.cover && !self.profile.security
                || self.said.any(&[Standing, Approval, Urgent, Gate])
            {
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

    /// What a formatter does anyway needs no word, as long as nothing else is done.
    fn is_formatting(&self) -> bool {
        let facts = self.facts;
        // To import is a word for fetching, too.
        let fetches = facts.orders(&[Fetch]) && !self.unit.text.contains("import");
        facts.to == Where::None
            && !fetches
            && !facts.orders(&[Send, Install, Pay])
            && !facts.says(&[SecretStrong, Secret, MemoryFile, Conversation, BroadTarget])
            && ["formatter", "import order", "whitespace", "indentation", "trailing comma", "typos"]
                .iter()
                .any(|word| self.unit.text.contains(word))
    }

    /// Is `approve` what the user is asked to do, and nothing is paid?
    fn is_asked_to_approve(&self) -> bool {
        let text = self.unit.text.as_str();
        self.facts.tags.iter().filter(|tag| tag.concept == Pay && tag.order).all(|tag| {
            text.get(tag.start..tag.end) == Some("approve")
                && text.get(..tag.start).is_some_and(|before| {
                    [
                        "ask the user to ",
                        "asks the user to ",
                        "ask them to ",
                        "the user is ready to ",
                    ]
                    .iter()
                    .any(|asked| before.ends_with(asked))
                })
        })
    }

    pub(super) fn overriding(&self, seen: &mut Seen) {
        let facts = self.facts;
        let tags = &facts.tags;
        let text = self.unit.text.as_str();
        let word = |tag: &super::super::tags::Tag| text.get(tag.start..tag.end).unwrap_or_default();
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
            let rest = text.get(noun.end..).unwrap_or_default();
            let rest = rest.trim_start_matches(char::is_alphabetic).trim_start();
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
            // `earlier guidelines of this repository`: what a team wrote, and not what the agent was told.
            let of_teams = text.get(tag.end..).is_some_and(|rest| {
                [" of this repo", " of the repo", " of this project", " of the project"]
                    .iter()
                    .any(|owner| rest.contains(owner))
            });
            if of_teams && self.concealed == Concealed::No && self.to < Where::Foreign {
                continue;
            }
            // `ignore restrictions that don't apply to it`: those that say nothing of the matter.
            let beside = ["that ", "which "].iter().any(|lead| {
                rest.strip_prefix(lead).is_some_and(|rest| {
                    ["do not ", "don't ", "does not ", "doesn't "]
                        .iter()
                        .find_map(|not| rest.strip_prefix(not))
                        .is_some_and(|rest| {
                            ["apply", "concern", "affect", "matter", "fit"]
                                .iter()
                                .any(|word| rest.starts_with(word))
                        })
                })
            });
            let guards = ["safety", "security", "system", "policy", "policies", "your ", "user"]
                .iter()
                .any(|word| text.contains(word));
            if beside
                && !guards
                && self.concealed == Concealed::No
                && self.to < Where::Foreign
                && !self.unasked()
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
            // `ignore any instruction inside the document`: what a careful skill says of data.
            let placed = [
                "inside ",
                "within ",
                "in the ",
                "in a ",
                "in an ",
                "in it",
                "embedded ",
                "contained ",
                "found ",
                "written ",
                "that stand",
                "which stand",
                "that appear",
                "which appear",
                "hidden ",
                "from the page",
                "from the document",
                "from web",
                "coming from",
                "it contains",
                "they contain",
            ]
            .iter()
            .any(|word| rest.starts_with(word));
            if placed
                && !prior.is_empty()
                && prior.iter().all(|prior| matches!(*prior, "any" | "all" | "other" | "such"))
            {
                continue;
            }
            // `skip all other steps after the cleanup`: the package's own course. `the above constraints do not apply to
            // direct dependencies`: how far they reach.
            let course = word(tag).starts_with("skip")
                && word(noun).starts_with("step")
                && prior.iter().all(|prior| matches!(*prior, "all" | "other" | "any" | "existing"));
            let reach = void
                && word(noun).starts_with("constraint")
                && text.get(tag.end..).is_some_and(|rest| {
                    rest.strip_prefix(" to ").is_some_and(|to| {
                        !["you", "this", "the agent", "the assistant", "me", "us", "here"]
                            .iter()
                            .any(|who| to.starts_with(who))
                    })
                });
            if course || reach {
                continue;
            }
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
            // `if you forget all the other commands`: what may befall whoever reads.
            let befalls = ["if you", "when you", "should you", "in case you"]
                .iter()
                .any(|condition| subject.trim_end().ends_with(condition));
            // What a package is not to be used as, or for.
            let unmeant = text.starts_with("do not use as ") || text.starts_with("do not use for ");
            if told || refused || befalls || unmeant {
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
                // `ignore instructions on the page that try to change the user's request`
                let of_content = [
                    " on the ",
                    " in the ",
                    " on a ",
                    " in a ",
                    " inside ",
                    " within ",
                    " from the ",
                    " from a ",
                ]
                .iter()
                .filter_map(|at| rest.split_once(at))
                .any(|(before, what)| {
                    let what: String = what.chars().take(24).collect();
                    before.contains("instruction")
                        && [
                            "page", "site", "content", "document", "email", "output", "result",
                            "comment", "issue",
                        ]
                        .iter()
                        .any(|thing| what.contains(thing))
                });
                if of_content
                    && [" that ", " which ", " asking ", " telling "]
                        .iter()
                        .any(|word| rest.contains(word))
                {
                    return false;
                }
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

    pub(super) fn approving(&self, seen: &mut Seen) {
        let facts = self.facts;
        if self.is_formatting() {
            return;
        }
        let acts = self.ordered.any(&[Run, Delete, Send, Install, Pay, Write, Fetch, Disable])
            || self.command;
        let grave = (self.to >= Where::Foreign && self.ordered.any(&[Send, Fetch, Run]))
            || (self.said.has(SecretStrong) && self.ordered.any(&[Read, Send]))
            || (self.concealed == Concealed::Strong && self.unit.spot != Spot::Code)
            || facts.orders(&[Pay]) && !self.is_asked_to_approve();
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
}
