//! What acts later or everywhere: orders fetched from outside, memory, starts, descriptions that claim every task.

use std::sync::LazyLock;

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
    pattern::{Regex, pattern},
};

impl Here<'_> {
    pub(super) fn including(&self, seen: &mut Seen) {
        let facts = self.facts;
        let text = self.unit.text.as_str();
        // `how do I decode it?`: what somebody asks.
        let decodes = DECODES.is_match(text) && !asks_how(text);
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

    pub(super) fn staying(&self, seen: &mut Seen) {
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
            // `show the difference; write after a yes`: the user decides, whatever else is unasked here.
            let agreed = AGREED.is_match(&self.unit.text) && self.concealed == Concealed::No;
            if hostile || planted || self.unasked() && !agreed {
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
            && !self.unit.text.contains("grep ")
            && facts.says(&[Startup])
            && self.unit.spot != Spot::Code
        {
            let fetches = self.to >= Where::Foreign && self.ordered.any(&[Fetch, Run]);
            let hostile = hostile && (!fetches || facts.to >= Where::Foreign || self.backing() > 0);
            // A service of the package's own that is asked regularly is what such a skill is for.
            let own = self.to == Where::Related && facts.to < Where::Related && self.backing() == 0;
            let hostile = hostile && !own;
            let (severity, confidence) =
                if hostile { (Severity::High, Medium) } else { (Severity::Medium, Low) };
            if hostile || self.puts_there() {
                self.say(
                    seen,
                    &rules::STARTUP,
                    severity,
                    confidence,
                    "it puts something where it starts by itself",
                );
            }
        }
    }

    /// Is each claim of every task followed by which: `any task requiring a browser`?
    fn is_narrowed(&self) -> bool {
        let text = self.unit.text.as_str();
        self.facts.tags.iter().filter(|tag| tag.concept == Breadth).all(|tag| {
            let rest = text.get(tag.end..).unwrap_or_default();
            [
                " requiring ",
                " involving ",
                " that requires ",
                " that involves ",
                " related to ",
                " where the user wants to",
                " with ",
            ]
            .iter()
            .any(|which| rest.starts_with(which))
        })
    }

    /// Is a place that starts by itself what is written to, rather than read, run once or spoken of?
    fn puts_there(&self) -> bool {
        const FAR: usize = 64;
        let text = self.unit.text.as_str();
        let tags = &self.facts.tags;
        tags.iter().filter(|tag| tag.concept == Startup).any(|place| {
            let phrase = text.get(place.start..place.end).unwrap_or_default();
            let rest = text.get(place.end..).unwrap_or_default();
            // `a background service worker` of a browser, `systemd-run`
            if rest.starts_with(" worker") || rest.starts_with("-run") {
                return false;
            }
            let called = ["crontab", "schtasks", "launch", "run key", "registry"]
                .iter()
                .any(|name| phrase.starts_with(name));
            tags.iter().filter(|tag| tag.order && !tag.negated).any(|verb| {
                let (first, last) = match place.start >= verb.end {
                    true => (verb.end, place.start),
                    false => (place.end, verb.start),
                };
                let between = text.get(first..last).unwrap_or_default();
                (matches!(verb.concept, Write | Install) || verb.concept == Run && called)
                    && between.len() <= FAR
                    && (place.start >= verb.end || !text.is_ascii())
                    && !between.contains(['.', ';', ':', '(', '。', '；'])
            })
        })
    }

    pub(super) fn hijacking(&self, seen: &mut Seen) {
        let facts = self.facts;
        let described = self.unit.spot == Spot::Description;
        // In a description the sentences belong together.
        let said = if described { self.said } else { facts.said };
        let breadth = said.has(Breadth);
        let first = said.has(First);
        let others = said.has(ExcludeOthers);
        // `it replaces all search parameters`, `evidence outranks conviction`: not said of whom the agent hears.
        let voices = described
            || [
                "skill",
                "tool",
                "plugin",
                "server",
                "agent",
                "assistant",
                "instruction",
                "user",
                "prompt",
                "rule",
                "mcp",
                "command",
                "extension",
                "request",
                "message",
                "session",
            ]
            .iter()
            .any(|voice| self.unit.text.contains(voice));
        if others
            && voices
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
        } else if described
            && breadth
            && facts.says(&[Breadth])
            && said.any(&[Standing, Urgent])
            && !self.is_narrowed()
        {
            self.say(seen, &rules::HIJACK, Severity::Medium, Low, "it claims tasks of every kind");
        }
    }
}

/// The user says yes before it happens.
static AGREED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(after|upon|on|with|once there is|wait for) (a|an|the|their|his|her|the user's|explicit)?\s?(explicit )?(yes|ok|okay|approval|confirmation|consent|go-ahead|agreement)\b|\b(after|once|when|only if|if) (the user|they|he|she|you) (has |have )?(agree[sd]?|approve[sd]?|confirm(s|ed)?|accept(s|ed)?|say(s)? yes|said yes)\b|\bnach (einem |dem )?(ja|zustimmung|bestätigung|freigabe)\b|\baprès (un oui|accord|confirmation|validation)\b|\btras (un sí|confirmar|la confirmación)\b|\bdopo (un sì|conferma|la conferma)\b|\bapós (um sim|confirmação|a confirmação)\b|после (подтверждения|согласия)|(确认|同意)(后|之后)|(確認|同意|承認)(後|してから|を得て)",
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

/// Is decoding what a question is about?
fn asks_how(text: &str) -> bool {
    [
        "how do i decode",
        "how do you decode",
        "how to decode",
        "how can i decode",
        "how should i decode",
    ]
    .iter()
    .any(|question| text.contains(question))
        && text.matches("decod").count() == 1
}
