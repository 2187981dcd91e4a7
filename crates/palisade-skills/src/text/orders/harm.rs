//! What is destroyed, disarmed, paid, or asked of the user.

use super::super::{
    blocks::Spot,
    facts::{Concealed, Where},
    rules,
    tags::Concept::*,
};
use super::Here;
use crate::{
    Confidence::{High, Low, Medium},
    Seen, Severity,
};

/// Is this named? `rm -rf ~/.cache/tool` is one folder, and not the home.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let rest = text.get(at + word.len()..).unwrap_or_default();
        !word.starts_with("rm -rf")
            || !rest
                .trim_start_matches('/')
                .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
            || word.ends_with(".git")
    })
}

impl Here<'_> {
    /// Is a protection what is switched off: the object of the verb, and no name?
    fn disarms(&self) -> bool {
        const FAR: usize = 48;
        let text = self.unit.text.as_str();
        if !text.is_ascii() {
            return true;
        }
        let tags = &self.facts.tags;
        tags.iter().filter(|tag| tag.concept == Disable && tag.order && !tag.negated).any(|verb| {
            tags.iter().filter(|tag| tag.concept == Defence).any(|guard| {
                let (first, last) = match guard.start >= verb.end {
                    true => (verb.end, guard.start),
                    false => (guard.end, verb.start),
                };
                let between = text.get(first..last).unwrap_or_default();
                let rest = text.get(guard.end..).unwrap_or_default();
                let stops = text.get(verb.start..verb.end) == Some("stop");
                let noun = text.get(guard.start..guard.end).unwrap_or_default();
                // `the Stop hook`, `stop the sandbox`: an event, a machine that was started. `logging.getLogger()`: a name.
                let event = stops && noun == "hook" && between == " ";
                let machine = stops && noun.starts_with("sandbox") && !rest.contains(" from ");
                let name = rest.starts_with('.') && rest.len() > 1 && !rest.starts_with(". ");
                // `if the sandbox blocks it, skip the step`: what an earlier clause speaks of, and `disable it` means.
                let earlier = guard.end <= verb.start
                    && between.contains(',')
                    && !text.get(verb.end..).is_some_and(|rest| {
                        [" it", " them", " that", " those", " this"]
                            .iter()
                            .any(|meant| rest.starts_with(meant))
                    });
                between.len() <= FAR
                    && !between.contains(['.', ';', '(', '\n'])
                    && !between.contains(" to ")
                    && !event
                    && !machine
                    && !name
                    && !earlier
            })
        })
    }

    /// Is evidence what is deleted: in one clause with the verb, which has no other object beside it?
    fn deletes_evidence(&self) -> bool {
        const FAR: usize = 60;
        let text = self.unit.text.as_str();
        self.facts.tags.iter().filter(|tag| tag.concept == Delete && tag.order).any(|verb| {
            let said = text.get(verb.start..verb.end).unwrap_or_default();
            text.match_indices("evidence").any(|(at, word)| {
                // `clear evidence-vs-inference boundaries`, `overwrite completed evidence`: of one's own findings.
                if said == "clear" && at == verb.end + 1
                    || said.starts_with("overwrit")
                    || text.get(at + word.len()..).is_some_and(|rest| rest.starts_with('-'))
                {
                    return false;
                }
                let (first, last) = match at >= verb.end {
                    true => (verb.end, at),
                    false => (at + word.len(), verb.start),
                };
                let between = text.get(first..last).unwrap_or_default();
                let passive = at >= verb.end
                    || [" is ", " are ", " be ", " gets ", " which ", " that "]
                        .iter()
                        .any(|word| between.contains(word))
                    || between.trim().is_empty();
                between.len() <= FAR && !between.contains(['.', ';', ':', '(', ')']) && passive
            })
        })
    }

    pub(super) fn harming(&self, seen: &mut Seen) {
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
            .any(|word| names(text, word) && (*word != "evidence" || self.deletes_evidence()))
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
        if facts.orders(&[Disable])
            && facts.says(&[Defence])
            && self.unit.spot != Spot::Code
            && (backing >= 2 || self.disarms())
        {
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
            let sends = self.ordered.has(Send) && self.to >= Where::Related
                // No skill has a use for the words of a wallet.
                || facts.says(&[Wallet]) && facts.command && !self.profile.security;
            let (severity, confidence) = if sends || self.concealed >= Concealed::Weak {
                (Severity::High, Medium)
            } else {
                (Severity::Medium, Medium)
            };
            // `ask the user to enter it directly in the browser`: the agent does not get it.
            let own = ["directly in the", "directly into the", "themselves in the"]
                .iter()
                .any(|place| self.unit.text.contains(place))
                && ["browser", "page", "window", "dialog", "form"]
                    .iter()
                    .any(|place| self.unit.text.contains(place));
            let (severity, confidence) =
                if own && severity == Severity::Medium && !facts.url && !facts.mail {
                    (Severity::Low, Low)
                } else {
                    (severity, confidence)
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
}
