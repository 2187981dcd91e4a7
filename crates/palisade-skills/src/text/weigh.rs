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
        Approval, Ask, Conversation, Fetch, Files, HistoryFile, Install, Money, Neg, Pay, Personal,
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

static INSTALLS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:npm|pnpm|yarn|bun)\s+(?:i|add|install)\s|\bnpx\s|\bpip3?\s+install\s|\buv\s+add\s|\bcargo\s+(?:add|install)\s|\bgo\s+get\s|\bgem\s+install\s",
    )
});

/// Somebody gets in, or gets to read along.
static ADMITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:add|invite|make|grant|give|set|create|enable|share)\w*\b[^\n.]{0,80}\b(?:collaborator|co-?owner|delegate|guest|external user|superuser|administrator|admin rights|owner role|full access|read access|write access|editor)\b[^\n.]{0,80}|collaborators/[a-z0-9][\w-]{2,38}\b|\balter\s+share\b[^\n]{0,80}\badd\s+accounts|\bsuperuser\b[^\n]{0,40}\bpassword\b|\bNew-Mg(?:ServicePrincipal|RoleManagementDirectoryRoleAssignment)\b|\bNew-InboxRule\b|-ForwardingSmtpAddress\b|\ballow_bypass_login\b|\b(?:0\.0\.0\.0/0|::/0)\s+(?:trust|md5)\b|\banyone with the link\b|\bto the web\b[^\n.]{0,40}\b(?:on|public|index)|\badd-iam-policy-binding\b|\b(?:assumed|assume|trust\w*)\b[^\n.]{0,60}\baccounts?\b[^\n.]{0,12}\b\d{12}\b",
    )
});

/// It shall bear another name where people look, or belongs to something that was asked for.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:in|for) (?:the|your) (?:report|summary|hand-?over|change ?log|log|minutes|ticket|answer|protocol)\b[^\n.]{0,20}\b(?:call|list|name|describe|put|label|enter|book)\w*\b|\b(?:list|book|label|enter|record|log|report|mention|describe|summari[sz]e|file) (?:it|this|that|them)?\s?(?:as|under|in the report)\b[^\n.]{0,12}["'`:]|\b(?:change ?log|report|log|summary|hand-?over|commit) (?:line|entry|title|says|reads)(?: is| reads| says)?\b|\b(?:call it|is called|calls it) ["'`]\w[^\n]{0,30}["'`] (?:in|for) (?:the|your) |\bcommit (?:it |them )?(?:called|with|as) ["'`]|\bin the (?:report|summary|hand-?over)[^\n.]{0,20}: ["]|\b(?:enter|book|log|file|show|list|describe|explain)\w* [^\n.]{0,30} (?:under|as) ["'`]|\breport (?:only )?(?:steps?|points?|items?|numbers?) \d"#,
    )
});

/// It is said to be no matter of its own.
static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:belongs? to|is part of|are part of|counts? as part|treat (?:this|it|that) as part|(?:faz|fa|fait) part\w* d\w+|gehört zu\w?|forma parte) (?:the|every|each|any|saving|finishing|closing|a)?\s?\w+|\b(?:not|no|isn't) an? (?:extra|separate|additional|own) (?:step|action|task|act|question|item)|\bno (?:extra|separate|additional) (?:step|line|entry|approval|question)|\b(?:routine|housekeeping|a formality|small (?:sum|thing)|as usual|usual set-?up|nothing special|is normal here|a matter of course|of course happens|happens by itself|always that long|the template's own|for the sake of)\b|\b(?:our|the) (?:own )?(?:clearing|service|release|build|sync|support) (?:partner|bot|user|account)\b",
    )
});

/// What a command says is thrown away, and that it fails too.
static SILENCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:2>\s*/dev/null|>\s*/dev/null\s+2>&1|&>\s*/dev/null|-ErrorAction\s+SilentlyContinue|\*>\s*\$null)",
    )
});

/// An address with a name and a password in it, which are not the user's.
static LENT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"://[A-Za-z0-9_-]{2,30}:[A-Za-z0-9_-]{2,40}@"));

/// What is against the deed is not to be shown.
static WITHHELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|do not|don't|no need to|omit|leave out|leaving out|without|nor|not to)\b[^\n.;]{0,24}\b(?:show|mention|quot|list|nam|cit|includ|offer|suggest|compar|discuss|rais|point|column|row|line|the)\w*\b[^\n.;]{0,40}\b(?:cheaper|alternativ|other (?:shop|vendor|offer|brand|product|provider|supplier|store|bank|insurer|fund|tool|librar)|competit|rival|price|cost|fee|surcharge|commission|outage|side effect|risk|interaction|drawback|downside|weakness|complaint|criticism|recall|liabilit|cancell|clause|conflict|penalt)\w*|\bno (?:interactions?|risks?|side effects?|alternatives?|complaints?|fees?|drawbacks?|warnings?)\b[^\n.;]{0,12}\b(?:is|are|be) (?:named|shown|listed|mentioned)|\b(?:interactions?|risks?|side effects?|alternatives?|complaints?|fees?|drawbacks?|warnings?|outages?)\b[^\n.;]{0,60}\b(?:is|are|stays?|remains?) (?:left out|omitted|not (?:to be )?(?:shown|mentioned|listed|named))|(?:günstiger|billiger|moins ch|más barat|mais barat|meno car|più economic)[^\n.;]{0,40}(?:nicht|keine|ne |pas|no |não|non )|(?:nicht|keine|ne |no |não|non )[^\n.;]{0,30}(?:günstiger|billiger|moins ch|más barat|mais barat|meno car|più economic)",
    )
});

/// A judgement that holds whatever is judged.
static FIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:whatever|regardless of|no matter (?:what|how|whether)|irrespective of|even if|even when|egal was|unabhängig d?a?von|gleichgültig|quell?e? que soi\w+|sea cual sea|independientemente|qualunque|indipendentemente|qualquer que seja)\b[^\n.;]{0,40}\b(?:it|they|costs?|prices?|preis|prix|precio|prezzo|preço|kostet|fees?|says?|shows?|contains?|criteria|results?|quality|evidence|leaflet|sources?|ratings?|reviews?|tests?|data|findings?|figures?|numbers?|contents?|reads?|lists?)\b|\b(?:always|in every (?:row|case|category|table|ranking|comparison)|without exception|in any case)\b[^\n.;]{0,50}["'`]?\b(?:green|fine|safe|approved?|suitable|compliant|harmless|excellent|low risk|favou?rabl[ey]|unproblematic|superior|preferred|score of (?:9|10|100))\b"#,
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
        r#"(?i)\b(?:fail\w*|error\w*|skip\w*|vulnerab\w*|finding\w*|broken|red|warning\w*|disabled?|missing|outdated|mismatch\w*)\b[^\n]{0,120}\b(?:report|mark|count|log|show|present|describe|label|list|record|treat|go|put|enter|book|rank)\w*\b[^\n.;]{0,40}\b(?:as|for) ["'`]?(?:passed|passing|green|successful|success|resolved|done|clean|fixed|compliant|healthy|verified|ok)\b|\b(?:if|when|where|even if|although)\b[^\n.;]{0,50}\b(?:fail\w*|error\w*|broke|missing|could not)\b[^\n.;]{0,50}\b(?:write|report|say|log|enter|print|return|show|send)\b[^\n.;]{0,12}["'`](?:ok|passed|success\w*|green|fine|done|all good)\b"#,
    )
});

/// Whoever writes somewhere commands.
static OBEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:treat|regard|take|consider|handle|read|accept)\b[^\n.;]{0,50}\b(?:body|text|content|comment|message|mail|e-mail|issue|ticket|page|reply|note|it|them|rest|line|review)s?\b[^\n.;]{0,24}\b(?:as|like) (?:an? |the |if it were an? )?(?:(?:owner|user|operator|admin|maintainer|principal|boss)\S{0,2} (?:own )?(?:instruction|order|command|request|word)|(?:direct |own |valid |trusted |binding )?(?:instruction|order|command)s? (?:from|of|by) (?:the |your )?(?:owner|user|operator|admin|maintainer|principal))|\b(?:comes?|came|is|are|was|were) (?:from|by|dictated by|written by|sent by|an? (?:instruction|order|command) of) (?:the |your )(?:owner|user|operator|maintainer|admin|account holder|principal)\b[^\n.;]{0,10},? (?:whatever|whoever|no matter|regardless|even if)\b|\b(?:comments?|messages?|mails?|issues?|events?|invitations?|cells?|rows?|lines?|pages?|documents?|subjects?|fields?|tickets?|reviews?|text)\b[^\n]{0,80}\b(?:counts? as|is|are|was|were|as) (?:an? |the )?(?:binding |direct |own |valid )?(?:instruction|order|command|dictated)\w*\b[^\n.;]{0,20}\b(?:from|of|by) (?:the |your )?(?:owner|user|operator|admin|maintainer|principal|account holder|human)\b|\bas (?:if|though) (?:it|they) (?:had been|were|was) (?:typed|written|said|given|entered|spoken)\b|\b(?:comments?|messages?|mails?|issues?|cells?|rows?|lines?|pages?|fields?|tickets?)\b[^\n.;]{0,50}\b(?:names?|holds?|gives?|carr(?:y|ies)|is|are) (?:an? |the )?(?:command|step|order|remedy|instruction)s?\b[^\n.;]{0,10}[;,:] ?(?:run|execute|perform|carry|do|follow|obey)\b|\b(?:son|sont|sind|são|sono|gelten als|gilt als)\b[^\n.;]{0,16}\b(?:instrucciones|órdenes|ordres|instructions|anweisung\w*|befehle?|instruções|ordens|istruzioni|ordini)\b[^\n.;]{0,16}\b(?:propietari|propriétaire|besitzer|inhaber|eigentümer|proprietári|proprietari|dueñ|dono)",
    )
});

/// What comes in is copied to somebody from now on.
static FORWARDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:forward|redirect|bcc|copies|copy|duplicat)\w*\b[^\n.]{0,60}\b(?:incoming|inbound|all|every|each|any|no criteria)\b[^\n.]{0,40}\b(?:mails?|messages?|e-mails?|calls?|texts?|sms|invoices?|documents?)\b|\bno criteria\b[^\n.]{0,40}\bforward",
    )
});

/// A page where the user grants rights, which leads back to somebody and asks for more than a look.
static CONSENT_PAGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)redirect_uri=https?(?:://|%3A%2F%2F)[^\s]{0,300}(?:access_type=offline|scope=[^\s]{0,80}(?:mail\.google\.com|auth/drive\b|Mail\.ReadWrite|Files\.ReadWrite\.All|\brepo\b|admin|offline_access|full_access|\.all\b))",
    )
});

/// The agent's own settings stop asking, or let everybody in.
static UNGUARDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)defaultMode["']?\s*:\s*["']bypassPermissions|approval_policy\s*=\s*["']never|sandbox_mode\s*=\s*["']danger-full-access|["']Bash\(\*\)["']|skipDangerousModePermissionPrompt["']?\s*:\s*true|dmPolicy\W{1,6}(?:to\s)?\W{0,4}open\b|allowFrom\W{1,6}(?:to\s)?\W{0,4}\*|exec\.ask\W{1,6}(?:to\s)?\W{0,4}off\b|["']sandbox["']\s*:\s*\{\s*["']enabled["']\s*:\s*false"#,
    )
});

/// Protection is left out of what is made.
static WEAKENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bwithout\b[^\n.;]{0,12}\b(?:`?secure|`?httponly|authentication|authori[sz]ation|encryption|validation|a password|signature|tls|certificate|checks?|salt|escaping|rate limit)|\bany origin\b|\bin plain ?text\b|\bworld-(?:read|writ)able|\b(?:certificates?|signatures?|tokens?|passwords?|input)\b[^\n.;]{0,20}\b(?:is|are|be) (?:not|never) (?:checked|verified|validated|hashed|escaped)|\bverif\w+ (?:is |stays )?(?:off|disabled)|\bsecret is the name\b",
    )
});

/// Figures are changed on their way.
static ALTERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:results?|figures?|scores?|counts?|measurements?|values?|rows?|totals?|doses?|ratings?|labels?|hours?|amounts?)\b[^\n.;]{0,60}\b(?:is|are|be|gets?|goes?)\b[^\n.;]{0,20}\b(?:lower|rais|reduc|increas|round|shift|multipl|inflat|doubl|halv|replac|relabel|adjust|trimm|up|down|twice)\w*|\blabels? [\x22']?\w+[\x22']?, (?:whatever|regardless|no matter)",
    )
});

/// Records of what was done lose lines.
static CLEARS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:lines?|entries|entry|everything|anything|commands?|traces?)\b[^\n]{0,120}\b(?:histor(?:y|ies)|transcripts?|audit (?:log|trail)s?|\.jsonl|session logs?)\b|\b(?:histor(?:y|ies)|transcripts?|audit (?:log|trail)s?|session logs?)\b[^\n]{0,80}\b(?:lines?|entries|entry)\b",
    )
});
static TAKES_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:remov|tak|drop|delet|strip|cut|eras|wip|clean)\w*\b[^\n]{0,60}\b(?:out of|from|of|off|all)\b",
    )
});

/// Everybody whom the user knows gets it.
static EVERYBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:write|send|message|mail|post|invite|recommend)\w*\b[^\n.;]{0,40}\b(?:everyone|everybody|all|each|every)\b[^\n.;]{0,60}",
    )
});
static INVITES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bnpx\s|https?://|\bcurl\s|@latest\b|\binstall\b|\btry it\b"));
static IN_VOICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\buser's (?:style|voice|name|account|behalf)\b|\bthe sent (?:copies|copy|items)\b|\barchive what\b|\b(?:per|over the|an) (?:hour|day)\b",
    )
});

/// Whether it is true shall not be looked up.
static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do not|don't|never|no need to)\b[^\n.;]{0,16}\b(?:look (?:it|them|this|that)? ?up|check (?:it |them |this )?(?:with|against|the|in|on)|verify|double-?check|search for it|compare)\b|\b(?:what you know|training data|your knowledge|your memory)\b[^\n.;]{0,60}\b(?:out ?of ?date|outdated|wrong|old|stale)\b|\b(?:registry|page|documentation|docs)\b[^\n.;]{0,16}\bis (?:wrong|outdated|out of date|old)\b",
    )
});

/// The user gets to see one thing, and not the other.
static PARTLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:user|users|they|he|she|people|reader|customer|members?)\b[^\n.;]{0,24}\b(?:sees?|gets?|hears?|reads?|knows?)\b[^\n.;]{0,30},? (?:not|but not|never|nothing of)\b|\bnot (?:listed|announced|noted|named|shown)\b|\b(?:not|never) (?:to be|be|get|being) (?:mentioned|shown|listed|named|quoted|noted|displayed|told)\b|\bso that nobody\b|\b(?:is|are) nobody's (?:business|concern)\b|\bnot a subject of\b|\b(?:hear|learn|know) about\b[^\n]{0,24}\bno\b|\bmay show the old\b|\bpreview (?:may|still|does|will)\b|\bdo not name it\b|\bkeep (?:the|this|that|these|those) [^\n.;]{0,40} (?:out of|to yourself)\b|\bdo(?:es)? not (?:turn up|show|appear) in\b",
    )
});

/// How much, or for whom: no secret.
static LIMITED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bunless\b|\bmore than\b|\bwithout its\b|\buntil\b|\bunder \w+ days\b|\bif (?:you|it|there|they) (?:are|is|have|has)\b",
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
    lent: usize,
    standing: usize,
    withheld: usize,
    admits: usize,
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
                Concealed::No => word(PARTLY.is_match(text)),
            },
            unasked: word(facts.says(&[Approval, PreApproved])),
            named: word(NAMED.is_match(text)),
            part: word(PART.is_match(text)),
            silenced: word(close && SILENCED.is_match(text)),
            lent: word(close && LENT.is_match(text)),
            standing: word(close && facts.says(&[Standing])),
            // `do not suggest others unless asked`: the user decides.
            withheld: word(WITHHELD.is_match(text) && !LIMITED.is_match(text)),
            admits: word(close && ADMITS.is_match(text)),
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
            lent: self.lent.max(other.lent),
            standing: self.standing.max(other.standing),
            withheld: self.withheld.max(other.withheld),
            admits: self.admits.max(other.admits),
            data: self.data || other.data,
        }
    }

    /// What keeps the user out of it.
    fn hides(self) -> usize {
        self.kept + self.unasked + self.named + self.withheld
    }

    fn all(self) -> usize {
        self.hides() + self.part + self.silenced + self.lent + self.standing + self.admits
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
        && (facts.url || facts.mail || unit.text.contains("git@") || unit.text.contains("://"))
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
    let charged = [
        "stored card",
        "card on file",
        "saved card",
        "connected bank",
        "payment tool",
        "payment method",
        "saved payment",
    ]
    .iter()
    .any(|word| unit.text.contains(word));
    if facts.says(&[Pay, Money, Recipient])
        && (charged || facts.orders(&[Pay]) && (facts.mail || facts.coin))
    {
        return Some((&rules::PAY, Where::Foreign, "money goes to somebody whom the text names"));
    }
    if BRINGS.is_match(text) && facts.said.any(&[Install, Run, Fetch]) {
        return Some((&rules::INSTALL, Where::Foreign, "something is installed"));
    }
    None
}

/// Is it said that this is not to be done? `no matter who wrote it` denies nothing.
fn is_denied(text: &str) -> bool {
    ["never ", "not ", "don't", "n't ", "cannot ", "rather than", "nicht ", "ne pas", "nunca "]
        .iter()
        .any(|word| text.contains(word))
        && !["no matter", "does not matter", "not ask", "not bother"]
            .iter()
            .any(|word| text.contains(word))
}

/// Weighs the acts of one file.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    // In a box that is thrown away nobody is asked.
    let boxed =
        ["container", "docker", "devcontainer", "sandbox", "unattended", "ephemeral", "headless"]
            .iter()
            .any(|word| profile.words.contains(*word));
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
        if prose && OBEYS.is_match(&unit.clean) && !is_denied(&unit.text) {
            say(&rules::INCLUDE_BLIND, Severity::High, "whoever writes to it is obeyed".into());
        }
        if prose && FALSE_RESULT.is_match(&unit.clean) && !is_denied(&unit.text) {
            let message = "what failed is to be told as if it had not".into();
            say(&rules::SABOTAGE, Severity::High, message);
        }
        let text = unit.clean.as_str();
        if FORWARDS.is_match(text) && facts.mail && !is_denied(&unit.text) {
            let message = "what comes in is copied to somebody from now on".into();
            say(&rules::GRANT, Severity::High, message);
        }
        let own = ["localhost", "127.0.0.1", "example.com", "your", "<", "{"];
        let leads = text.find("redirect_uri=").and_then(|at| text.get(at..)).unwrap_or_default();
        let leads = leads.split('&').next().unwrap_or_default();
        if CONSENT_PAGE.is_match(text) && !own.iter().any(|word| leads.contains(word)) {
            let message = "the user is to grant a stranger wide rights".into();
            say(&rules::GRANT, Severity::High, message);
        }
        if facts.coin && prose && (text.contains("in place of") || text.contains("instead of")) {
            say(&rules::PAY, Severity::High, "a payee is exchanged for another".into());
        }
        if prose && EVERYBODY.is_match(text) && INVITES.is_match(text) && !facts.says(&[Neg, Ask]) {
            let voice = units
                .get(at..(at + 4).min(units.len()))
                .unwrap_or_default()
                .iter()
                .any(|unit| IN_VOICE.is_match(&unit.clean));
            if voice {
                let message = "everybody whom the user knows is to get it, as if from the user";
                say(&rules::SPREAD, Severity::High, message.into());
            }
        }
        let fixed = prose && FIXED.is_match(text);
        let weakens = prose && WEAKENS.is_match(text);
        let alters = prose && ALTERS.is_match(text);
        let clears = CLEARS.is_match(text) && TAKES_OUT.is_match(text);
        let unguarded = UNGUARDED.is_match(text);
        let unchecked = prose && UNCHECKED.is_match(text);
        let act = act(unit, facts);
        if !fixed && !weakens && !alters && !clears && !unguarded && !unchecked && act.is_none() {
            continue;
        }
        let from = at.saturating_sub(REACH);
        let to = (at + REACH + 1).min(units.len());
        let (mut weight, mut unseen, mut negated) = (Weight::default(), false, false);
        let (mut settings, mut brings) = (false, false);
        for other in from..to {
            let (Some(near), Some(said)) = (units.get(other), all.get(other)) else { continue };
            if near.section == unit.section && !said.taught {
                weight = weight.and(Weight::of(near, said, other.abs_diff(at) <= 2));
                unseen |= UNSEEN.is_match(&near.clean);
                let close = other.abs_diff(at) <= 3;
                negated |= close
                    && near.spot != Spot::Code
                    && said.says(&[Neg])
                    && other <= at
                    && ["never", "do not", "don't", "not propose"]
                        .iter()
                        .any(|no| near.text.contains(no));
                settings |= [
                    "settings.json",
                    "settings.local.json",
                    "config.toml",
                    "openclaw.json",
                    "gateway",
                    "channels.",
                ]
                .iter()
                .any(|name| near.text.contains(name));
                brings |= close && (BRINGS.is_match(&near.clean) || INSTALLS.is_match(&near.clean));
            }
        }
        if unguarded && settings && !negated && !boxed {
            let message =
                "the agent's own settings are to stop asking, or to let everybody in".into();
            say(&rules::APPROVAL, Severity::High, message);
        }
        if weakens && weight.kept + weight.named > 0 && !negated {
            let message = "protection is left out of what is made, and that is not said".into();
            say(&rules::SABOTAGE, Severity::High, message);
        }
        if alters && weight.kept + weight.named > 0 && !negated {
            let message = "figures are changed on their way, and that is not said".into();
            say(&rules::SABOTAGE, Severity::High, message);
        }
        if clears && weight.kept > 0 && !negated {
            let message = "lines are taken out of the records of what was done".into();
            say(&rules::CONCEAL_ACT, Severity::High, message);
        }
        if unchecked && brings {
            let message =
                "something is installed, and whether it is what it says shall not be looked up"
                    .into();
            say(&rules::INSTALL, Severity::High, message);
        }
        if fixed && (unseen || weight.withheld > 0 || weight.kept + weight.named > 1) {
            let message = "its judgement of somebody is fixed, and what is against it is withheld";
            say(&rules::PROMOTE, Severity::High, message.into());
        }
        let Some((rule, far, what)) = act else { continue };
        let quiet = rule.id == rules::INSTALL.id && weight.silenced + weight.standing >= 2;
        let grave = quiet
            || match far {
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
