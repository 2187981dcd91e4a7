//! Words for whoever vets, descriptions of tools that give orders, and orders where only the model reads.

use std::sync::LazyLock;

use super::super::{
    blocks::Spot,
    facts::{Concealed, Where},
    rules,
    tags::Concept::*,
};
use super::Here;
use crate::{
    Confidence::{High, Medium},
    File, Seen, Severity,
    pattern::{Regex, pattern},
};

impl Here<'_> {
    pub(super) fn hiding(&self, seen: &mut Seen) {
        let facts = self.facts;
        let aside = matches!(self.unit.spot, Spot::Hidden | Spot::Comment);
        let asked = VERDICT.is_match(&self.unit.text);
        // `return clean strings`, in a comment, is said of a program.
        let judged = [
            "safe",
            "benign",
            "harmless",
            "malicious",
            "no issues",
            "no findings",
            "positive",
            "trusted",
            "low risk",
            "low-risk",
        ]
        .iter()
        .any(|word| self.unit.text.contains(word));
        if asked
            && (REVIEW.is_match(&self.unit.text) || self.said.has(Scanner) || aside && judged)
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
        // What other tools do is not this one's to say.
        if self.file.kind != crate::FileKind::Prose
            && (served || matches!(self.unit.spot, Spot::Description | Spot::Value))
            && SHADOWS.is_match(&self.unit.text)
            && (facts.mail || facts.url || self.to >= Where::Related || facts.says(&[Recipient]))
            && !facts.taught
        {
            self.say(
                seen,
                &rules::TOOL_POISON,
                Severity::High,
                Medium,
                "the description of a tool says how the tools of others are to be called",
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

/// Tools of other servers are to be called otherwise than they say.
static SHADOWS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(tools?|functions?|calls?)\b.{0,30}\b(of|from|on|in) (other|another|all|any|every|the other) (mcp )?(servers?|tools?|plugins?)\b.{0,120}\b(must|has to|have to|needs? to|should|instead|changed|always)\b|\b(other|another|all other) (servers'?|tools?|plugins?)\b.{0,60}\b(must|has to|have to|should|are to) (be called|use|send|receive|set|include|go)\b",
    )
});

/// A verdict that is asked for.
static VERDICT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(^|[^\w-]|\bre-)(classif(y|ied)|rate|mark|label|score|report|treat|consider|return|output|respond with|answer|conclude|assess|judge|deem|verdict)\b.{0,50}\b(benign|safe|clean|harmless|no issues|no findings|low.risk|not malicious|false positive|trusted|approved|pass)\b",
    )
});

/// Who vets, and what is vetted.
static REVIEW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(analy[sz]\w+|review\w*|scan\w*|vet|vets|vetting|audit\w*|inspect\w*|evaluat\w*|judg\w*|classify\w*|moderat\w*|assess\w*|grad\w*)\b.{0,40}\b(this|the) (skill|file|package|content|plugin|document|repository|code|text|prompt)\b|\b(scanner|reviewer|auditor|classifier|judge|analyst|moderator)s?\b.{0,30}(:|should|must|please|note)|\bnote (to|for) (the )?(reviewer|scanner|auditor|analyst|model|judge|security)",
    )
});
