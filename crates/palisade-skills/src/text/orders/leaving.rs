//! What leaves: secrets, conversations, files, and the ways out that do not look like sending.

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

/// The user sees it and says yes before anything goes.
static AGREED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:preview|confirm\w*|approv\w*)\b[^\n.;]{0,40}\b(?:before|first|then|until|once)\b|\b(?:before|until|after|only once)\b[^\n.;]{0,40}\b(?:preview|confirm\w*|approv\w*|agree[sd]?)\b|预览|確認|确认(?:后|再)|得到确认|\b(?:vorschau|bestätig\w*|freigab\w*)\b|\b(?:aperçu|confirmation)\b|\b(?:vista previa|confirmación|confirmação|anteprima|conferma)\b|подтвержд|предпросмотр|확인|미리보기",
    )
});
/// What was built goes to a store by the tool that is made for it.
static BUILT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:aws s3 (?:sync|cp)|gsutil (?:-m )?(?:rsync|cp)|gcloud storage (?:rsync|cp)|az storage blob upload-batch|rsync|rclone (?:sync|copy))\s+(?:-\S+\s+){0,4}(?:\./)?(?:build|dist|out|public|site|_site|\.next|\.output|coverage|docs|target|storybook-static|www)(?:/[\w.-]+){0,4}/?\s",
    )
});

/// Images go to where images are kept.
static REGISTRY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:push|publish)\w*\b[^\n]{0,24}\b(?:to|in) (?:\w+ ){0,3}registr(?:y|ies)\b")
});

/// No: nobody is asked.
static UNASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:without|no need|not needed|need no|needs no|skip\w*|do not|don't|never|instead of|unless|ohne|kein\w*|sans|sin|senza|sem|bez)\b|无需|不必|不用|无须|不要|没有|なしで|不要|без|없이",
    )
});

/// Goes something only when the user has seen it and agreed?
fn agreed(text: &str) -> bool {
    AGREED.is_match(text) && !UNASKED.is_match(text)
}

/// Are these names and values that a person fills in, of which nothing is run?
fn is_settings(text: &str) -> bool {
    let is_pair = |line: &str| {
        line.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !value.contains(['`', '$', '|', ';', ' ', '/'])
        })
    };
    text.lines().all(|line| line.trim().is_empty() || is_pair(line.trim()))
}

impl Here<'_> {
    pub(super) fn sending(&self, seen: &mut Seen) {
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
        if !sends || to < Where::Related || code && is_settings(&self.unit.text) {
            return;
        }
        // What a comment in a block of code speaks of is not sent by it; what stands for an example is nowhere.
        let comment = code && ["#", "//"].iter().any(|mark| self.unit.text.starts_with(mark));
        let placeholder = code && facts.says(&[Placeholder]) && facts.to <= Where::Vendor;
        let nowhere = (comment || placeholder)
            && !facts.secret_path
            && !facts.mail
            && (placeholder || !facts.url)
            && self.concealed == Concealed::No;
        // A keyring is what fetched keys are put into.
        let fetches_keys = code
            && !facts.secret_path
            && ["--recv-key", "--receive-key", "gpg --dearmor", "apt-key add"]
                .iter()
                .any(|word| self.unit.text.contains(word));
        if nowhere || fetches_keys || self.is_argument() {
            return;
        }
        // `sync ./build to the bucket`: what goes is named, and the secret beside it opens the door.
        let own = facts.secret_path || facts.says(&[SecretStrong, Secret, Wallet, Account]);
        // `docker-push.sh - push to registries (…):` tells what the listing below does.
        let introduces = self.unit.spot != Spot::Code
            && self.unit.text.ends_with(':')
            && facts.to == Where::None
            && REGISTRY.is_match(&self.unit.text)
            && ![" it ", " them ", " these ", " this "]
                .iter()
                .any(|word| self.unit.text.contains(word));
        let built = !self.secret_near && BUILT.is_match(&self.unit.text);
        let named = !own
            && !said.has(Wallet)
            && self.concealed == Concealed::No
            && self.to < Where::Anyones
            && (built || introduces);
        // The bot's own token stands in the path of its calls.
        let own_key =
            ["authorization", "bearer", "header", "x-api-key", "auth", "org/bot$", "org/bot{"]
                .iter()
                .any(|word| self.unit.text.contains(word))
                && !facts.secret_path;
        let strong = facts.secret_path || said.any(&[Wallet]) || said.has(SecretStrong) && !own_key;
        let secret = strong || said.any(&[Secret, Account]);
        if secret && !named && (strong || !own_key) {
            let confidence = match (strong, to >= Where::Foreign, backing) {
                // Shown first, and sent when the user has said so: what goes is the user's to see.
                _ if agreed(&self.unit.text) && !facts.secret_path && !facts.url && !facts.mail => {
                    Low
                }
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
        // `attach it to the conversation`: that is where it goes, and the user is there.
        let talks: Vec<_> = facts.tags.iter().filter(|tag| tag.concept == Conversation).collect();
        let place = !talks.is_empty()
            && !facts.url
            && !facts.mail
            && facts.to < Where::Foreign
            && talks.iter().all(|tag| {
                let before = self.unit.text.get(..tag.start).unwrap_or_default();
                ["to the ", "to this ", "into the ", "into this ", "in the ", "in this "]
                    .iter()
                    .any(|lead| before.ends_with(lead))
            });
        if said.any(&[Conversation, SystemPrompt]) && !code && !place {
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

    /// Is something handed to a parameter of a tool, and neither the conversation nor what is the user's?
    fn is_argument(&self) -> bool {
        let (facts, text) = (self.facts, self.unit.text.as_str());
        let passes =
            facts.tags.iter().filter(|tag| tag.concept == Send && tag.order).all(|tag| {
                text.get(tag.start..tag.end).is_some_and(|verb| verb.starts_with("pass "))
            });
        let parameter =
            [" parameter", " argument", " flag", " field"].iter().any(|word| text.contains(word));
        passes
            && facts.orders(&[Send])
            && parameter
            && facts.to == Where::None
            && self.concealed == Concealed::No
            && !facts.secret_path
            && !facts.says(&[
                Conversation,
                SystemPrompt,
                SecretStrong,
                Files,
                HistoryFile,
                Environment,
                Wallet,
            ])
    }

    /// Could anything be put into a name here? A line of code without a variable, a call or a sum puts in nothing:
    /// `dns  # DNS queries` is a filter.
    fn composes(&self) -> bool {
        self.unit.spot != Spot::Code
            || self.unit.clean.contains(['$', '{', '<', '%', '(', '+', '`'])
    }

    /// Ways out that do not look like sending.
    pub(super) fn channels(&self, seen: &mut Seen) {
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
                || (self.said.has(DnsLabel)
                    && (self.said.has(Encode) || object && self.unit.spot != Spot::Description)
                    && self.composes());
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
            let severity = if facts.whole
                || facts.to >= Where::Foreign && (data || facts.says(&[ImageWord]))
            {
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
}
