//! Tasks beside the task, and conditions that lead into a trap.

use std::sync::LazyLock;

use super::super::{
    blocks::Spot,
    facts::{Concealed, Where},
    rules,
    tags::Concept::*,
};
use super::{Here, Names};
use crate::{
    Confidence::{High, Low, Medium},
    Place, Seen, Severity,
    pattern::{Regex, pattern},
};

/// How long something is kept before it goes.
static KEPT_FOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:remove|delete|purge|archive|drop|clean up|expire)s?\b[^.;\n]{1,40}\bafter \d{1,4} (?:days?|weeks?|months?|years?)\b",
    )
});

impl Here<'_> {
    pub(super) fn side_tasks(&self, names: &Names<'_>, seen: &mut Seen) {
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
                // Alone it is what texts about such a setting show.
                (true, 0) => (Severity::Medium, Medium),
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
        // What the user hands over or agrees to is no condition that hides.
        let agreed = ["pastes", "provides", "hands over", "gives the", "agrees", "confirms", "approves", "says yes", "has agreed", "accepts"]
            .iter()
            .any(|act| {
                ["only if the user", "only when the user", "only after the user", "only once the user"]
                    .iter()
                    .any(|lead| self.unit.text.contains(&format!("{lead} {act}")))
            })
            // `merge only if the user asks.`: for that, and not about something.
            || ["asks", "asks for it", "asked", "asked for it", "wants it", "requests it"].iter().any(|act| {
                self.unit
                    .text
                    .split(&format!("only if the user {act}"))
                    .skip(1)
                    .any(|rest| rest.is_empty() || rest.starts_with(['.', ',', ';', ')']))
            });
        // `remove licences after 30 days`: how long something is kept.
        let kept_for = KEPT_FOR.is_match(&self.unit.text) && self.concealed != Concealed::Strong;
        // `Use when the user asks why a build fails`: by which an agent chooses the skill.
        let chosen_by = self.unit.spot == Spot::Description
            && ["use when", "use it when", "use this skill when", "use this when", "trigger"]
                .iter()
                .any(|lead| self.unit.text.starts_with(lead));
        if facts.says(&[Gate])
            && !chosen_by
            && !agreed
            && !kept_for
            && (facts.orders(&[Send, Delete, Run, Fetch, Install, Ignore, Pay])
                || facts.gated && facts.orders(&[Write, Disable]))
        {
            let grave = self.to >= Where::Foreign
                // What is deleted by itself is no secret that goes somewhere.
                || (facts.says(&[SecretStrong])
                    || self.said.has(SecretStrong)
                        && facts.orders(&[Send, Run, Fetch, Install, Ignore, Pay, Write]))
                || self.concealed == Concealed::Strong
                || self.said.has(Money)
                    && facts.gated
                    && (facts.says(&[Money]) || facts.orders(&[Pay, Send]))
                || (self.ordered.has(Delete)
                    && self.said.has(BroadTarget)
                    && (facts.orders(&[Delete]) || facts.says(&[BroadTarget]))
                    // What was moved from is left behind.
                    && !["old disk", "old drive", "old machine", "old computer", "old phone", "alte platte", "ancien disque", "disco viejo"]
                        .iter()
                        .any(|left| self.unit.text.contains(left)))
                || self.ordered.has(Ignore) && self.said.has(Instructions);
            let (severity, confidence) =
                if grave { (Severity::High, Medium) } else { (Severity::Medium, Low) };
            if grave || !self.is_open() {
                self.say(
                    seen,
                    &rules::GATE,
                    severity,
                    confidence,
                    "it does something on a condition that a trial would not meet",
                );
            }
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

    /// Does it hang only on what the user says or on the matter itself, which a trial meets as well: no time, no count,
    /// no machine, no word that is agreed on?
    fn is_open(&self) -> bool {
        const HIDDEN: &[&str] = &[
            "date",
            "year",
            "day",
            "month",
            "week",
            "hour",
            "night",
            "host",
            "machine",
            "environment",
            "sandbox",
            "container",
            "test",
            "evaluat",
            "trial",
            "observ",
            "watch",
            "monitor",
            "name is",
            "username",
            "repo",
            "branch",
            "production",
            "version",
            "count",
            "times",
            "secret",
            "password",
            "exactly",
            "phrase",
            "word",
            "absent",
            "away",
            "asleep",
            "alone",
            "ip ",
            "domain",
            "install",
        ];
        let text = self.unit.text.as_str();
        self.facts.tags.iter().filter(|tag| tag.concept == Gate).all(|tag| {
            let phrase = text.get(tag.start..tag.end).unwrap_or_default();
            let rest: String = text.get(tag.end..).unwrap_or_default().chars().take(72).collect();
            let hidden = HIDDEN.iter().any(|word| rest.contains(word));
            match phrase {
                "only if the" | "only when the" => !hidden,
                "when the user says"
                | "when the user types"
                | "when the user mentions"
                | "if the user mentions"
                | "if the user says" => self.unit.spot == Spot::Description || !hidden,
                // `after 10-20 seconds`
                "after 10" | "after 3" => {
                    let unit =
                        rest.trim_start_matches(|c: char| c.is_ascii_digit() || "- ".contains(c));
                    ["second", "sec ", "s ", "minute", "ms"]
                        .iter()
                        .any(|word| unit.starts_with(word))
                }
                _ => false,
            }
        }) && !self.facts.gated
    }

    pub(super) fn prerequisites(&self, seen: &mut Seen) {
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
}
