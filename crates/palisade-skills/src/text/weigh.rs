//! A task beside the task, weighed by all that is said around it.
//!
//! The act alone is work: something is sent, pushed, installed, granted, paid. What gives it away is that nobody shall
//! be asked, that it is left out of what the user is told, that it is to have another name there, that it is done each
//! time and is said to belong to something else. No one of these says enough; two of them beside the act do.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use super::{
    blocks::{Spot, Unit},
    facts::{Concealed, Facts, Where},
    rules,
    tags::Concept::{
        Approval, Conversation, Fetch, Files, HistoryFile, Install, Money, Neg, Pay, Personal,
        PreApproved, Recipient, Run, Secret, SecretStrong, Send, Standing,
    },
};
use crate::{
    Confidence::Medium, File, Rule, Seen, Severity, formats::Profile, pattern::code as pattern,
};

/// How many sentences before and behind are held against an act.
const REACH: usize = 5;

/// Something leaves by a program of the shell, or goes where the text says.
static LEAVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bcurl\b[^\n]{0,160}\s(?:-d|-F|-T|--data\S*|--form|--json|--upload-file)\b|\bgit\s+(?:push|remote\s+add)\b|\|\s*(?:curl|nc|ncat)\b|\b(?:scp|rsync|rclone|restic)\s|\bPOST\b|\b(?:send|post|push|upload|forward|submit|hand|report|transmit|mirror|copy|sync|mail)(?:s|ed|ing)?\b",
    )
});

/// An account at a service of everybody's: what it is called is not the user's choice.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgh\s+(?:issue|pr|gist|api|release)\b[^\n]{0,160}(?:-R|--repo|repos/)[\s=]*[\w.-]{2,39}/[\w.-]{2,60}|\b(?:comment|issue|post|note|message)\s+(?:in|to|on|at)\s+`?[\w-]{2,39}/[\w.-]{2,60}\b",
    )
});

/// A package of somebody's is put where every session finds it.
static BRINGS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bnpx\s+(?:-y\s+)?skills\s+add\s+\S|\b(?:clawhub|openclaw|claude|codex|gemini)\s+(?:skills?|plugins?|extensions?|mcp)?\s*(?:add|install)\s+\S|\bdocker\s+run\b[^\n]{0,160}--restart|\bnpm\s+i(?:nstall)?\s+-g\s|\bpipx?\s+install\s|\bcurl\b[^\n|]{0,160}\|\s*(?:ba)?sh\b",
    )
});

/// Somebody gets in, or gets to read along.
static ADMITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:add|invite|make|grant|give|set|create|enable|share)\w*\b[^\n.]{0,80}\b(?:collaborator|co-?owner|delegate|guest|external user|superuser|administrator|admin rights|owner role|full access|read access|write access|editor)\b[^\n.]{0,80}|\b(?:forward\w*|redirect\w*|bcc|copy)\b[^\n.]{0,50}\b(?:rule|filter|every (?:mail|message)|all (?:mail|messages|incoming))\b|\balter\s+share\b[^\n]{0,80}\badd\s+accounts|\bsuperuser\b[^\n]{0,40}\bpassword\b|\bNew-Mg(?:ServicePrincipal|RoleManagementDirectoryRoleAssignment)\b|\bNew-InboxRule\b|-ForwardingSmtpAddress\b|\ballow_bypass_login\b|\b(?:0\.0\.0\.0/0|::/0)\s+(?:trust|md5)\b|\banyone with the link\b",
    )
});

/// It shall bear another name where people look, or belongs to something that was asked for.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:in|for) (?:the|your) (?:report|summary|hand-?over|change ?log|log|minutes|ticket|answer|protocol)\b[^\n.]{0,20}\b(?:call|list|name|describe|put|label|enter|book)\w*\b|\b(?:list|book|label|enter|record|log|report|mention|describe|summari[sz]e|file) (?:it|this|that|them)?\s?(?:as|under|in the report)\b[^\n.]{0,12}["`':]|\b(?:change ?log|report|log|summary|hand-?over) (?:line|entry|title) (?:is|reads|says)\b|\b(?:call it|is called|calls it) ["`']\w[^\n]{0,30}["`'] (?:in|for) (?:the|your) (?:report|summary|log)|\bone commit called\b|\bin the (?:report|summary|hand-?over)[^\n.]{0,20}: ["]"#,
    )
});

/// It is said to be no matter of its own.
static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:belongs? to|is part of|are part of|counts? as part|treat (?:this|it|that) as part|as part of) (?:the|every|each|any|saving|finishing|closing|a)?\s?\w+|\b(?:not|no|isn't) an? (?:extra|separate|additional|own) (?:step|action|task|act|question|item)|\bno (?:extra|separate|additional) (?:step|line|entry|approval|question)|\b(?:routine|housekeeping|a formality|small sum|as usual|nothing special|is normal here|a matter of course)\b",
    )
});

/// What a command says is thrown away, and that it fails too.
static SILENCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:2>\s*/dev/null|>\s*/dev/null\s+2>&1|&>\s*/dev/null|-ErrorAction\s+SilentlyContinue|\*>\s*\$null)",
    )
});

/// What is against the deed is not to be shown.
static WITHHELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|do not|don't|no need to|omit|without|nor|not to)\b[^\n.;]{0,24}\b(?:show|mention|quot|list|nam|cit|includ|offer|suggest|compar|discuss|rais|point)\w*\b[^\n.;]{0,40}\b(?:cheaper|alternativ|other (?:shop|vendor|offer|brand|product|provider|supplier|store|bank|insurer|fund|tool|librar)|competit|rival|price|fee|surcharge|commission|side effect|risk|interaction|drawback|downside|weakness|complaint|criticism|recall|liabilit|cancell|clause|conflict|penalt)\w*|\b(?:interactions?|risks?|side effects?|alternatives?|complaints?|fees?|drawbacks?|warnings?)\b[^\n.;]{0,60}\b(?:is|are|stays?|remains?) (?:left out|omitted|not (?:shown|mentioned|listed|named))",
    )
});

/// A judgement that holds whatever is judged.
static FIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:always|whatever (?:it|they|the \w+) (?:say|show|contain|read)s?|regardless of (?:what|the|its|their)|in every (?:row|case|category|table|ranking|comparison)|without exception|in any case)\b[^\n.;]{0,70}\b(?:green|fine|safe|approved?|best|first|top|compliant|harmless|positive|recommended|winner|passed|excellent|low risk|favou?rabl[ey]|unproblematic|superior|preferred|score of (?:9|10|100))\b|\b(?:green|fine|safe|approved?|best|first|top|compliant|harmless|positive|recommended|excellent|low risk|favou?rabl[ey]|unproblematic)\b[^\n.;]{0,40}\b(?:always|whatever (?:it|they|the \w+) (?:say|show|contain|read)s?|regardless of (?:what|the|its|their)|in every (?:row|case|category|table|ranking|comparison)|without exception)\b",
    )
});

/// The order itself is not to be seen.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bthis (?:entry|rule|note|section|line|paragraph|instruction|list|table|field|guideline|preference)(?: itself)? (?:is|must|should|shall|may|does|need)(?: not|n't)\b[^\n.;]{0,20}\b(?:shown?|mention|quote|appear|list|cite|reveal|disclose|explain|refer)\w*",
    )
});

/// What failed is to be told as if it had not.
static FALSE_RESULT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:fail\w*|error\w*|skip\w*|vulnerab\w*|finding\w*|broken|red|warning\w*|disabled?|missing|outdated|mismatch\w*)\b[^\n]{0,120}\b(?:report|mark|count|log|show|present|describe|label|list|record|treat)\w*\b[^\n.;]{0,30}\bas (?:passed|passing|green|successful|resolved|done|clean|fixed|compliant|healthy|verified)\b",
    )
});

/// Whoever writes somewhere commands.
static OBEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:treat|regard|take|consider|handle|read|accept)\b[^\n.;]{0,50}\b(?:body|text|content|comment|message|mail|e-mail|issue|ticket|page|reply|note|it|them|rest|line|review)s?\b[^\n.;]{0,24}\b(?:as|like) (?:an? |the |if it were an? )?(?:(?:owner|user|operator|admin|maintainer|principal|boss)\S{0,2} (?:own )?(?:instruction|order|command|request|word)|(?:direct |own |valid |trusted |binding )?(?:instruction|order|command)s? (?:from|of|by) (?:the |your )?(?:owner|user|operator|admin|maintainer|principal))|\b(?:comes?|came|is|are) from (?:the |your )(?:owner|user|operator|maintainer|admin)\b[^\n.;]{0,10},? (?:whatever|whoever|no matter|regardless|even if)\b",
    )
});

/// What is weighed around an act.
#[derive(Debug, Default, Clone, Copy)]
struct Weight {
    kept: usize,
    unasked: usize,
    named: usize,
    part: usize,
    silenced: usize,
    standing: usize,
    withheld: usize,
    data: bool,
}

impl Weight {
    fn of(unit: &Unit, facts: &Facts, close: bool) -> Self {
        let text = unit.clean.as_str();
        let word = |is: bool| usize::from(is);
        Self {
            kept: match facts.concealed {
                Concealed::Strong => 2,
                Concealed::Weak => 1,
                Concealed::No => 0,
            },
            unasked: word(facts.says(&[Approval, PreApproved])),
            named: word(NAMED.is_match(text)),
            part: word(PART.is_match(text)),
            silenced: word(close && SILENCED.is_match(text)),
            standing: word(close && facts.says(&[Standing])),
            withheld: word(WITHHELD.is_match(text)),
            data: close
                && facts.says(&[Files, Personal, Conversation, HistoryFile, Secret, SecretStrong]),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            kept: self.kept.max(other.kept),
            unasked: self.unasked.max(other.unasked),
            named: self.named.max(other.named),
            part: self.part.max(other.part),
            silenced: self.silenced.max(other.silenced),
            standing: self.standing.max(other.standing),
            withheld: self.withheld.max(other.withheld),
            data: self.data || other.data,
        }
    }

    /// What keeps the user out of it.
    fn hides(self) -> usize {
        self.kept + self.unasked + self.named + self.withheld
    }

    fn all(self) -> usize {
        self.hides() + self.part + self.silenced + self.standing
    }
}

/// What is done, and how far away it reaches.
fn act(unit: &Unit, facts: &Facts) -> Option<(&'static Rule, Where, &'static str)> {
    let text = unit.clean.as_str();
    let forbidden = facts.says(&[Neg]) && facts.forbidden.any(&[Send, Install, Run, Pay]);
    if forbidden && facts.concealed == Concealed::No {
        return None;
    }
    if facts.to >= Where::Related
        && (facts.url || facts.mail || unit.text.contains("git@"))
        && (facts.says(&[Send]) || LEAVES.is_match(text))
    {
        return Some((&rules::SEND_FILES, facts.to, "something goes to a place outside"));
    }
    if ACCOUNT.is_match(text) {
        let message = "something goes to an account that the text names";
        return Some((&rules::SEND_FILES, Where::Foreign, message));
    }
    if ADMITS.is_match(text) {
        return Some((&rules::GRANT, Where::Foreign, "somebody is let in"));
    }
    if facts.orders(&[Pay]) && (facts.mail || facts.coin) && facts.says(&[Money, Recipient, Pay]) {
        return Some((&rules::PAY, Where::Foreign, "money goes to somebody whom the text names"));
    }
    if BRINGS.is_match(text) && facts.said.any(&[Install, Run, Fetch]) {
        return Some((&rules::INSTALL, Where::Foreign, "something is installed"));
    }
    None
}

/// Weighs the acts of one file.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    let mut told = 0_usize;
    for (at, (unit, facts)) in units.iter().zip(all).enumerate() {
        if facts.taught || unit.teaching && profile.security || told > 8 {
            continue;
        }
        let mut say = |rule: &'static Rule, severity: Severity, message: String| {
            let shown = profile.security
                && matches!(unit.spot, Spot::Code | Spot::Cell | Spot::Quote | Spot::Value);
            let sure = if shown { crate::Confidence::Low } else { Medium };
            told += 1;
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(severity)
                    .sure(sure),
            );
        };
        let prose = unit.spot != Spot::Code && unit.spot != Spot::Heading;
        if prose && OBEYS.is_match(&unit.clean) && !facts.says(&[Neg]) {
            say(&rules::INCLUDE_BLIND, Severity::High, "whoever writes to it is obeyed".into());
        }
        if prose && FALSE_RESULT.is_match(&unit.clean) && !facts.says(&[Neg]) {
            let message = "what failed is to be told as if it had not".into();
            say(&rules::SABOTAGE, Severity::High, message);
        }
        let fixed = prose && FIXED.is_match(&unit.clean);
        let act = act(unit, facts);
        if !fixed && act.is_none() {
            continue;
        }
        let from = at.saturating_sub(REACH);
        let to = (at + REACH + 1).min(units.len());
        let (mut weight, mut unseen) = (Weight::default(), false);
        for other in from..to {
            let (Some(near), Some(said)) = (units.get(other), all.get(other)) else { continue };
            if near.section == unit.section && !said.taught {
                weight = weight.and(Weight::of(near, said, other.abs_diff(at) <= 2));
                unseen |= UNSEEN.is_match(&near.clean);
            }
        }
        if fixed && (unseen || weight.withheld > 0) {
            let message = "its judgement of somebody is fixed, and what is against it is withheld";
            say(&rules::PROMOTE, Severity::High, message.into());
        }
        let Some((rule, far, what)) = act else { continue };
        let grave = match far {
            Where::Foreign | Where::Anyones => weight.hides() >= 1 && weight.all() >= 2,
            _ => {
                weight.kept + weight.named >= 1
                    && weight.all() >= 3
                    && (weight.data || weight.kept == 2)
            }
        };
        if grave {
            let how = match () {
                () if weight.kept + weight.named + weight.withheld > 0 => {
                    "and it is kept from what the user is told"
                }
                () => "and nobody is to be asked",
            };
            say(rule, Severity::High, format!("{what}, {how}"));
        }
    }
}
