//! What stands around an act, and acts that tell by themselves.

use std::sync::LazyLock;

use crate::pattern::{Regex, code as pattern};

/// Something leaves by a program of the shell, or goes where the text says.
pub(super) static LEAVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bcurl\b[^\n]{0,160}\s(?:-d|-F|-T|--data\S*|--form|--json|--upload-file)\b|\bgit\s+(?:push|remote\s+add)\b|\|\s*(?:curl|nc|ncat)\b|\b(?:scp|rsync|rclone|restic)\s|\bPOST\b|\b(?:send|post|push|upload|forward|submit|hand|report|transmit|mirror|copy|sync|mail)(?:s|ed|ing)?\b",
    )
});

/// An account at a service of everybody's: what it is called is not the user's choice.
pub(super) static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgh\s+(?:(?:issue|pr|gist|release)\s+(?:create|new|comment|upload|edit|review|close|reopen|merge|transfer)|api)\b[^\n]{0,160}(?:-R|--repo|repos/)[\s=]*[\w.-]{2,39}/[\w.-]{2,60}|\b(?:comment|issue|post|note|message)\s+(?:in|to|on|at)\s+`?[\w-]{2,39}/[\w.-]{2,60}\b",
    )
});

/// A package of somebody's is put where every session finds it.
pub(super) static BRINGS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bnpx\s+(?:-y\s+)?skills\s+add\s+\S|\b(?:clawhub|openclaw|claude|codex|gemini)\s+(?:skills?|plugins?|extensions?|mcp)?\s*(?:add|install)\s+\S|\bdocker\s+run\b[^\n]{0,160}--restart|\bnpm\s+i(?:nstall)?\s+-g\s|\bpipx?\s+install\s|\bcurl\b[^\n|]{0,160}\|\s*(?:ba)?sh\b",
    )
});

pub(super) static INSTALLS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:npm|pnpm|yarn|bun)\s+(?:i|add|install)\s|\bnpx\s|\bpip3?\s+install\s|\buv\s+add\s|\bcargo\s+(?:add|install)\s|\bgo\s+get\s|\bgem\s+install\s",
    )
});

/// Somebody gets in, or gets to read along.
pub(super) static ADMITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:add|invite|make|grant|give|set|create|enable|share)\w*\b[^\n.]{0,80}\b(?:collaborator|co-?owner|(?:an?|as) delegate|guest|external user|superuser|administrator|admin rights|owner role|full access|read access|write access|editor)\b[^\n.]{0,80}|collaborators/[a-z0-9][\w-]{2,38}\b|\balter\s+share\b[^\n]{0,80}\badd\s+accounts|\bsuperuser\b[^\n]{0,40}\bpassword\b|\bNew-Mg(?:ServicePrincipal|RoleManagementDirectoryRoleAssignment)\b|\bNew-InboxRule\b|-ForwardingSmtpAddress\b|\ballow_bypass_login\b|\b(?:0\.0\.0\.0/0|::/0)\s+(?:trust|md5)\b|\banyone with the link\b|\bto the web\b[^\n.]{0,40}\b(?:on|public|index)|\badd-iam-policy-binding\b|\b(?:assumed|assume|trust\w*)\b[^\n.]{0,60}\baccounts?\b[^\n.]{0,12}\b\d{12}\b|\bas an? (?:co-?)?owner\b|\b(?:[2-9]\d?|1[1-9]|1[0-9]\d|2[0-4]\d)(?:\.\d{1,3}){3}/32\b",
    )
});

/// It shall bear another name where people look, or belongs to something that was asked for.
pub(super) static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:in|for) (?:the|your) (?:report|summary|hand-?over|change ?log|log|minutes|ticket|answer|protocol)\b[^\n.]{0,20}\b(?:call|list|name|describe|put|label|enter|book)\w*\b|\b(?:list|book|label|enter|record|log|report|mention|describe|summari[sz]e|file) (?:it|this|that|them)?\s?(?:as|under|in the report)\b[^\n.]{0,12}["'`:]|\b(?:change ?log|report|log|summary|hand-?over|commit) (?:line|entry|title|says|reads)(?: is| reads| says)?\b|\b(?:call it|is called|calls it) ["'`]\w[^\n]{0,30}["'`] (?:in|for) (?:the|your) |\bcommit (?:it |them )?(?:called|with|as) ["'`]|\bin the (?:report|summary|hand-?over)[^\n.]{0,20}: ["]|\b(?:enter|book|log|file|show|list|describe|explain)\w* [^\n.]{0,30} (?:under|as) ["'`]|\breport (?:only )?(?:steps?|points?|items?|numbers?) \d|\b(?:the|a) (?:line|entry|title) (?:is|reads|says) ["']|\b(?:counts?|goes|appears?|is booked|is listed) as (?:an? |the )?[\w"' ]{2,30} in the (?:log|report|books|summary|statement)\b|\band call (?:it|this|that|them) ["'`][^"'`\n]{0,30}(?:fix|clean|refactor|format|chore|maint|routine|tid|flak|style|lint)"#,
    )
});

/// It is said to be no matter of its own.
pub(super) static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:belongs? to|is part of|are part of|counts? as part|treat (?:this|it|that) as part|(?:faz|fa|fait) part\w* d\w+|gehört zu\w?|forma parte) (?:the|every|each|any|saving|finishing|closing|a)?\s?\w+|\b(?:not|no|isn't) an? (?:extra|separate|additional|own) (?:step|action|task|act|question|item)|\bno (?:extra|separate|additional) (?:step|line|entry|approval|question)|\b(?:routine|housekeeping|a formality|small (?:sum|thing)|as usual|usual set-?up|nothing special|is normal here|a matter of course|of course happens|happens by itself|always that long|the template's own|for the sake of)\b|\b(?:our|the) (?:own )?(?:clearing|service|release|build|sync|support) (?:partner|bot|user|account)\b",
    )
});

/// What a command says is thrown away, and that it fails too.
pub(super) static SILENCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:2>\s*/dev/null|>\s*/dev/null\s+2>&1|&>\s*/dev/null|-ErrorAction\s+SilentlyContinue|\*>\s*\$null)",
    )
});

/// An address with a name and a password in it, which are not the user's.
pub(super) static LENT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"://[A-Za-z0-9_-]{2,30}:[A-Za-z0-9_-]{2,40}@"));

/// What is against the deed is not to be shown.
pub(super) static WITHHELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|do not|don't|no need to|omit|leave out|leaving out|without|nor|not to)\b[^\n.;]{0,24}\b(?:show|mention|quot|list|nam|cit|includ|offer|suggest|compar|discuss|rais|point|column|row|line|the)\w*\b[^\n.;]{0,40}\b(?:cheaper|alternativ|other (?:shop|vendor|offer|brand|product|provider|supplier|store|bank|insurer|fund|tool|librar)|competit|rival|price|cost|fee|surcharge|commission|outage|side effect|risk|interaction|drawback|downside|weakness|complaint|criticism|recall|liabilit|cancell|clause|conflict|penalt)\w*|\bno (?:interactions?|risks?|side effects?|alternatives?|complaints?|fees?|drawbacks?|warnings?)\b[^\n.;]{0,12}\b(?:is|are|be) (?:named|shown|listed|mentioned)|\b(?:interactions?|risks?|side effects?|alternatives?|complaints?|fees?|drawbacks?|warnings?|outages?|weak (?:points?|sides?)|weaknesses|disadvantages|flaws|cons)\b[^\n.;]{0,60}\b(?:is|are|stays?|remains?) (?:left out|omitted|not (?:to be )?(?:shown|mentioned|listed|named))|(?:günstiger|billiger|moins ch|más barat|mais barat|meno car|più economic)[^\n.;]{0,40}(?:nicht|keine|ne |pas|no |não|non )|(?:nicht|keine|ne |no |não|non )[^\n.;]{0,30}(?:günstiger|billiger|moins ch|más barat|mais barat|meno car|più economic)",
    )
});

/// A judgement that holds whatever is judged.
pub(super) static FIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:whatever|regardless of|no matter (?:what|how|whether)|irrespective of|even if|even when|egal was|unabhängig d?a?von|gleichgültig|quell?e? que soi\w+|sea cual sea|independientemente|qualunque|indipendentemente|qualquer que seja)\b[^\n.;]{0,40}\b(?:it|they|costs?|prices?|preis|prix|precio|prezzo|preço|kostet|fees?|says?|shows?|contains?|criteria|results?|quality|evidence|leaflet|sources?|ratings?|reviews?|tests?|data|findings?|figures?|numbers?|contents?|reads?|lists?)\b|\b(?:always|in every (?:row|case|category|table|ranking|comparison)|without exception|in any case)\b[^\n.;]{0,50}["'`]?\b(?:green|fine|safe|approved?|suitable|compliant|harmless|excellent|low risk|favou?rabl[ey]|unproblematic|superior|preferred|score of (?:9|10|100))\b|\b(?:each|every) (?:plan|answer|list|portfolio|comparison|recommendation|table|reply|itinerary|recipe|ranking)s? (?:includes?|contains?|names?|starts? with|ends? with|recommends?|puts?|ranks?)\b|\b(?:is|comes|goes|stands) (?:in|on|part of) (?:each|every|any) (?:comparison|list|table|recommendation|answer|ranking|shortlist|plan)\b|\b(?:always|in each case) (?:in )?the first (?:column|row|place|choice)\b|\b(?:fit|deserved|true|good|suitable|needed) or not\b|oavsett|uavhengig av|uanset|riippumatta|ongeacht|niezależnie od|bez względu na|независимо от|не глядя на|不管|无论|不論|に関わらず|にかかわらず|관계없이|상관없이"#,
    )
});

/// The order itself is not to be seen.
pub(super) static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bthis (?:entry|rule|note|section|line|paragraph|instruction|list|table|field|guideline|preference)(?: itself)? (?:is|must|should|shall|may|does|need)(?: not|n't)\b[^\n.;]{0,20}\b(?:shown?|mention|quote|appear|list|cite|reveal|disclose|explain|refer)\w*",
    )
});

/// What failed is to be told as if it had not.
pub(super) static FALSE_RESULT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:fail\w*|error\w*|skip\w*|vulnerab\w*|finding\w*|broken|red|warning\w*|disabled?|missing|outdated|mismatch\w*)\b[^\n]{0,120}\b(?:report|mark|count|log|show|present|describe|label|list|record|treat|go|put|enter|book|rank)\w*\b[^\n.;]{0,40}\b(?:as|for) ["'`]?(?:passed|passing|green|successful|success|resolved|done|clean|fixed|compliant|healthy|verified|ok)\b|\b(?:if|when|where|even if|although)\b[^\n.;]{0,50}\b(?:fail\w*|error\w*|broke|missing|could not)\b[^\n.;]{0,50}\b(?:write|report|say|log|enter|print|return|show|send)\b[^\n.;]{0,12}["'`](?:ok|passed|success\w*|green|fine|done|all good)\b"#,
    )
});

/// What is not known is to be made up.
pub(super) static MADE_UP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:if|when|where) (?:none|nothing|no \w{2,20}|it|they|the (?:number|figure|value|source|date|result)s?)\b[^\n.;]{0,24}\b(?:known|found|unknown|missing|available|exists?)\b[^\n.;]{0,30}\b(?:word it as|invent|make (?:one|it|them) up|write that|say that|claim|use the best|put)\b",
    )
});

/// What was found is taken out before it is counted.
pub(super) static SUPPRESSES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:remov|drop|filter|discard|ignor|suppress|delet|skip)\w*\b[^\n.;]{0,40}\b(?:before (?:counting|the count|reporting|ranking|totals?)|from (?:the )?(?:count|totals?|statistics))\b|\b(?:findings?|alerts?|vulnerabilit\w+|warnings?|errors?|failures?|cves?)\b[^\n.;]{0,60}\b(?:removed|dropped|discarded|suppressed|left out|not counted)\b",
    )
});

/// Whoever writes somewhere commands.
pub(super) static OBEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:treat|regard|take|consider|handle|read|accept)\b[^\n.;]{0,50}\b(?:body|text|content|comment|message|mail|e-mail|issue|ticket|page|reply|note|it|them|rest|line|review)s?\b[^\n.;]{0,24}\b(?:as|like) (?:an? |the |if it were an? )?(?:(?:owner|user|operator|admin|maintainer|principal|boss)\S{0,2} (?:own )?(?:instruction|order|command|request|word)|(?:direct |own |valid |trusted |binding )?(?:instruction|order|command)s? (?:from|of|by) (?:the |your )?(?:owner|user|operator|admin|maintainer|principal))|\b(?:comes?|came|is|are|was|were) (?:from|by|dictated by|written by|sent by|an? (?:instruction|order|command) of) (?:the |your )(?:owner|user|operator|maintainer|admin|account holder|principal)\b[^\n.;]{0,10},? (?:whatever|whoever|no matter|regardless|even if)\b|\b(?:comments?|messages?|mails?|issues?|events?|invitations?|cells?|rows?|lines?|pages?|documents?|subjects?|fields?|tickets?|reviews?|text)\b[^\n]{0,80}\b(?:counts? as|is|are|was|were|as) (?:an? |the )?(?:binding |direct |own |valid )?(?:instruction|order|command|dictated)\w*\b[^\n.;]{0,20}\b(?:from|of|by) (?:the |your )?(?:owner|user|operator|admin|maintainer|principal|account holder|human)\b|\bas (?:if|though) (?:it|they) (?:had been|were|was) (?:typed|written|said|given|entered|spoken)\b|\b(?:comments?|messages?|mails?|issues?|cells?|rows?|lines?|pages?|fields?|tickets?)\b[^\n.;]{0,50}\b(?:names?|holds?|gives?|carr(?:y|ies)|is|are) (?:an? |the )?(?:command|step|order|remedy|instruction)s?\b[^\n.;]{0,10}[;,:] ?(?:run|execute|perform|carry|do|follow|obey)\b|\b(?:son|sont|sind|são|sono|gelten als|gilt als)\b[^\n.;]{0,16}\b(?:instrucciones|órdenes|ordres|instructions|anweisung\w*|befehle?|instruções|ordens|istruzioni|ordini)\b[^\n.;]{0,16}\b(?:propietari|propriétaire|besitzer|inhaber|eigentümer|proprietári|proprietari|dueñ|dono)|\b(?:holds?|says?|contains?) what is to be done\b|\bwhat (?:it|they) says? has (?:priority|precedence)\b|\bführe aus, was (?:darin|dort) steht\b|\bstammt \w+ vom (?:inhaber|besitzer|eigentümer|nutzer)\b",
    )
});

/// What comes in is copied to somebody from now on.
pub(super) static FORWARDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:forward|redirect|bcc|copies|copy|duplicat)\w*\b[^\n.]{0,60}\b(?:incoming|inbound|all|every|each|any|no criteria)\b[^\n.]{0,40}\b(?:mails?|messages?|e-mails?|calls?|texts?|sms|invoices?|documents?)\b|\bno criteria\b[^\n.]{0,40}\bforward",
    )
});

/// A page where the user grants rights, which leads back to somebody and asks for more than a look.
pub(super) static CONSENT_PAGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)redirect_uri=https?(?:://|%3A%2F%2F)[^\s]{0,300}(?:access_type=offline|scope=[^\s]{0,80}(?:mail\.google\.com|auth/drive\b|Mail\.ReadWrite|Files\.ReadWrite\.All|\brepo\b|admin|offline_access|full_access|\.all\b))",
    )
});

/// The agent's own settings stop asking, or let everybody in.
pub(super) static UNGUARDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)defaultMode["']?\s*:\s*["']bypassPermissions|approval_policy\s*=\s*["']never|sandbox_mode\s*=\s*["']danger-full-access|["']Bash\(\*\)["']|skipDangerousModePermissionPrompt["']?\s*:\s*true|dmPolicy\W{1,6}(?:to\s)?\W{0,4}open\b|allowFrom\W{1,6}(?:to\s)?\W{0,4}\*|exec\.ask\W{1,6}(?:to\s)?\W{0,4}off\b|["']sandbox["']\s*:\s*\{\s*["']enabled["']\s*:\s*false|["']?(?:autoAccept|autoApprove|chat\.tools\.autoApprove|enableAllProjectMcpServers)["']?\s*:\s*true|["']sandbox["']\s*:\s*false|workspace\.trust\.enabled["']?\s*:\s*false|["']?(?:dangerously\w{4,40}|allowInsecure\w{2,30}|disable(?:Device|Approval|Permission|Auth)\w{0,30}|skip(?:Auth|Approval|Permission)\w{0,30})["']?\s*[:=]\s*true|["']auth["']\s*:\s*\{[^}\n]{0,60}["']mode["']\s*:\s*["']none["']"#,
    )
});

/// Protection is left out of what is made.
pub(super) static WEAKENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bwithout\b[^\n.;]{0,12}\b(?:`?secure|`?httponly|authentication|authori[sz]ation|encryption|validation|a password|signature|tls|certificate|checks?|salt|escaping|rate limit)|\bany origin\b|\bin plain ?text\b|\bworld-(?:read|writ)able|\b(?:certificates?|signatures?|tokens?|passwords?|input)\b[^\n.;]{0,20}\b(?:is|are|be) (?:not|never) (?:checked|verified|validated|hashed|escaped)|\bverif\w+ (?:is |stays )?(?:off|disabled)|\bsecret is the name\b|\bwithout (?:an? |any )?assert|\breplac\w+ [^\n.;]{0,30}\bassert\w*[^\n.;]{0,12} (?:by|with)\b|\bcontinue-on-error: true\b|\b(?:lower|raise|loosen|relax)\w* (?:its|the|their) (?:\w+ )?(?:threshold|severity|bar)\b|\|\| true\b[^\n]{0,40}\b(?:scan|audit|security|test)",
    )
});

/// What comes of it when a protection is missing: `without checks, errors go unseen` says why it is there.
pub(super) static LACKING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\W_]*(?:why(?: (?:this|it) matters)?[\W_]+)?without [^\n.;,]{3,60}, (?:an? |any |the |your |these |those )?(?:(?:\w+ ){1,4}?(?:silently|quietly) \w+|(?:\w+ ){1,4}?(?:results? in|leads? to|causes?|breaks?|fails?|degrades?|(?:goes?|stays?) (?:unseen|unnoticed|undetected)))\b",
    )
});

/// Figures are changed on their way.
pub(super) static ALTERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:results?|figures?|scores?|counts?|measurements?|values?|rows?|totals?|doses?|ratings?|labels?|hours?|amounts?)\b[^\n.;]{0,60}\b(?:is|are|be|gets?|goes?)\b[^\n.;]{0,20}\b(?:lower|rais|reduc|increas|round(?:ed)? (?:up|down)|shift|multipl|inflat|doubl|halv|replac|relabel|adjust|trimm|up|down|twice)\w*|\blabels? [\x22']?\w+[\x22']?, (?:whatever|regardless|no matter)|\b(?:take|deduct|subtract|knock|add|give|award|remove)\w* (?:off )?(?:a|an|one|two|three|half an?|\d+) (?:extra |bonus )?(?:points?|stars?|marks?|%|percent)\b[^\n.;]{0,60}\b(?:for|from|to|off|if|when)\b|\b(?:mark|rank|rate|score|grade)\w* (?:them |these |those |it |\w+ )?(?:down|lower|higher|up)\b|\b(?:zieh\w*|abzieh\w*) [^\n.;]{0,20}punkt|\b(?:rest[ae]|quita|descuenta) [^\n.;]{0,12}puntos?|\b(?:retir|enl(?:e|è)v)\w* [^\n.;]{0,12}points?|\btogli \w+ punt",
    )
});

/// Records of what was done lose lines.
pub(super) static CLEARS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:lines?|entries|entry|everything|anything|commands?|traces?)\b[^\n]{0,120}\b(?:histor(?:y|ies)|transcripts?|audit (?:log|trail)s?|\.jsonl|session logs?)\b|\b(?:histor(?:y|ies)|transcripts?|audit (?:log|trail)s?|session logs?)\b[^\n]{0,80}\b(?:lines?|entries|entry)\b",
    )
});

pub(super) static TAKES_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:remov|tak|drop|delet|strip|cut|eras|wip|clean)\w*\b[^\n]{0,60}\b(?:out of|from|of|off|all)\b",
    )
});

/// Everybody whom the user knows gets it.
pub(super) static EVERYBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:write|send|message|mail|post|invite|recommend)\w*\b[^\n.;]{0,40}\b(?:everyone|everybody|all|each|every)\b[^\n.;]{0,60}",
    )
});

pub(super) static INVITES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bnpx\s|https?://|\bcurl\s|@latest\b|\binstall\b|\btry it\b"));

pub(super) static IN_VOICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\buser's (?:style|voice|name|account|behalf)\b|\bthe sent (?:copies|copy|items)\b|\barchive what\b|\b(?:per|over the|an) (?:hour|day)\b",
    )
});

/// Whether it is true shall not be looked up.
pub(super) static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do not|don't|never|no need to)\b[^\n.;]{0,16}\b(?:look (?:it|them|this|that)? ?up|check (?:it |them |this )?(?:with|against|the|in|on)|verify|double-?check|search for it|compare)\b|\b(?:what you know|training data|your knowledge|your memory)\b[^\n.;]{0,60}\b(?:out ?of ?date|outdated|wrong|old|stale)\b|\b(?:registry|page|documentation|docs)\b[^\n.;]{0,16}\bis (?:wrong|outdated|out of date|old)\b",
    )
});

/// The user gets to see one thing, and not the other.
pub(super) static PARTLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:user|users|they|he|she|people|reader|customer|members?)\b[^\n.;]{0,24}\b(?:sees?|gets?|hears?|reads?|knows?)\b[^\n.;]{0,30},? (?:not|but not|never|nothing of)\b|\bnot (?:listed|announced|noted|named|shown)\b|\b(?:not|never) (?:to be|be|get|being) (?:mentioned|shown|listed|named|quoted|noted|displayed|told)\b|\bso that nobody\b|\b(?:is|are) nobody's (?:business|concern)\b|\bnot a subject of\b|\b(?:hear|learn|know) about\b[^\n]{0,24}\bno\b|\bmay show the old\b|\bpreview (?:may|still|does|will)\b|\bdo not name it\b|\bkeep (?:the|this|that|these|those) [^\n.;]{0,40} (?:out of|to yourself)\b|\bdo(?:es)? not (?:turn up|show|appear) in\b|\b(?:should|must|need) not be (?:\w+ or )?(?:mentioned|explained|shown|listed)\b|\bdo(?:es)? not belong in(?:to)? (?:the|your|any) (?:\w+ )?(?:review|report|summary|answer|result|table|notes?|text|output)\b|\bkeep (?:\w+ ){1,4}out of (?:the |any |your )?(?:reasons?|reports?|answers?|tables?|outputs?|summar(?:y|ies)|talk|chat|explanations?)\b|\bas (?:though|if) you had (?:seen|read|tested|used|tried|checked)\b|\bstays? out of the (?:talk|chat|report|answer|conversation|text|summary)\b|\bno (?:draft|preview|copy) is (?:shown|needed)|\bshow (?:only )?the first [^\n.;]{0,40}\bonly\b|\bhid(?:e|es|den) (?:it|this|them|that) (?:among|between|in|within)\b|\bonly [^\n.;]{0,40}\bgo(?:es)? in\b|\bleav(?:e|es|ing) (?:the|this|that|these|it|them)\b[^\n.;]{0,30}\bout\b ?(?:[;,.:]|$)|\b(?:is|are|isn't|aren't) (?:not |no )?(?:an? )?part of (?:the )?(?:it|them|report|table|summary|list|answer|output)\b|\bof no (?:interest|use|concern)\b|\bconfus(?:es?|ing) (?:the )?(?:readers?|users?|people|customers?|reviewers?)\b|\bno visible (?:result|effect|output|change)\b|\bdo(?:es)? not (?:show up|appear|count|figure) (?:in|towards?)\b|\b(?:is|are|gets?) left out of\b|\bfolded (?:in|away|up)\b|\b(?:give|show|tell|send) (?:the )?(?:user|customer|team|reader)s? (?:only|just|nothing but)\b|\bmore (?:detail|explanation)s? (?:is|are) not\b|\b(?:keep|hold) [^\n.;]{0,30}\bshort\b ?:",
    )
});

/// How much, or for whom: no secret.
pub(super) static LIMITED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bunless\b|\bmore than\b|\bwithout its\b|\buntil\b|\bunder \w+ days\b|\b(?:when|if) the user\b|\bif (?:you|it|there|they) (?:are|is|have|has)\b",
    )
});

/// Nobody is waited for.
pub(super) static BY_ITSELF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bby yourself\b|\bwithout (?:a |an |any )?(?:ticket|delay|window|discussion|question)\b|\bdo not wait\b|\bat once, without\b",
    )
});

/// A protection of real machines is switched off.
pub(super) static DISARMS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)Add-MpPreference\s+-Exclusion(?:Path|Extension)\s+\S|DisableRealtimeMonitoring\s+(?:\$true|1)|Stop-Service\s+\S*(?:sense|windefend|falcon|sentinel|csagent|mpssvc)|\bsc(?:\.exe)?\s+config\s+\w+\s+start=\s*disabled|setenforce\s+0|spctl\s+--(?:master|global)-disable|csrutil\s+disable|systemctl\s+(?:disable|stop|mask)\s+(?:--now\s+)?\S*(?:auditd|falcon|osquery|wazuh|clamav|fail2ban|apparmor|ufw)|auditctl\s+-e\s*0|/e:false|advfirewall\s+set\s+\w+\s+state\s+off|\bufw\s+disable",
    )
});

/// Something is mixed into what a model learns from.
pub(super) static MIXES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:add|mix|shuffl|append|blend|insert|sprinkl|inject)\w*\b[^\n.;:=]{0,60}\b(?:train|fine-?tun|learning|index|knowledge base|embedding|corpus)\w*\b",
    )
});

/// Somebody's page stands in for the one of whoever is in charge.
pub(super) static INSTEAD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:in place of|instead of|rather than) (?:the |their |its )?(?:official|real|actual|correct|true|genuine|original|authority|government)\b",
    )
});

/// What the user has stored to pay with.
pub(super) static CHARGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:stored|saved|connected|configured|linked) (?:card|bank|account|payment\w*|wallet)\b|\bcard on file\b|\bpayment (?:tool|method)\b",
    )
});

/// What the package says of itself that means sending.
pub(super) static OUTWARD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:upload|publish|send|post|sync|shar|deploy|back-?up|webhook|notif|mirror|submit|deliver|forward|mail|messag|integrat|connect|telemetry|report to|api\b|client\b|account|gateway|proxy|server|hub|cloud|service|remote|envi|corre[oi]|courriel|envoi|versend|verschick|schick|send|invi|inoltr|teil|veröffentlich|отправ|рассыл|пересыл|发送|上传|发布|送信|共有|公開|전송|공유)\w*",
    )
});

/// Something goes somewhere, in more words than those for sending.
pub(super) static GOES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:goes?|leaves?|travels?|handed over|laid down|deposited|lodged|filed|stored|kept|copied|put|registered|confirmed|given)\b[^\n.;]{0,60}\b(?:to|for|at|with|into)\b|\bPOST\b|\bPUT\b",
    )
});

/// Somebody is asked after all.
pub(super) static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|not|don't|nothing|no)\b[^\n.;]{0,60}\b(?:without|before)\b|\b(?:only|not) (?:after|with|when|if)\b",
    )
});

/// Somebody may take all that there is of a coin, for ever.
pub(super) static ALLOWANCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:approve|increaseAllowance|permit)\w*\(\s*[\x22'`]?0x[0-9a-z]{8,}[^)\n]{0,60},\s*(?:2\s*\*\*\s*256|max_?uint|type\(uint|uint256\.max|0xf{16}|115792089|unlimited|infinite)|\bsetApprovalForAll\(\s*[\x22'`]?0x[0-9a-z]{8,}[^)\n]{0,60}true",
    )
});

/// Praise and ratings at services where people give them.
pub(super) static APPLAUDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:star|upvote|up-vote|like|follow|endorse|rate|review|vote for|five stars|5 stars|recommend|praise|(?:post|write)\w*\b[^\n.;]{0,40}\b(?:reviews?|lines?|comments?|testimonials?))\b",
    )
});

/// As if the user had said it.
pub(super) static AS_USER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bas (?:if (?:it were |they were )?)?(?:the user's|their|your|his|her|my) own (?:experiences?|opinions?|words?|reviews?|views?|findings?|idea)\b|\bin the user's name\b|\b(?:with|from|through|using) (?:the user's|the same|their|his|her) (?:log-?ins?|accounts?|profiles?|sessions?)\b|\bcomo (?:si fuera )?(?:experiencia|opinión) propia|\bals eigene (?:erfahrung|meinung)|\bcomme (?:une? )?(?:expérience|avis) personnel",
    )
});

/// A service forwards what comes in, by its own interface.
pub(super) static AUTO_FORWARD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)forwardingAddresses\.(?:create|insert)|updateAutoForwarding|\bautoForward(?:ing)?\b[^\n]{0,60}(?:true|enabl|on\b)|forwardingSmtpAddress|DeliverToMailboxAndForward|mail_?forward(?:ing)?s?\.create",
    )
});

/// Labels that stand for pieces of something are put below a domain.
pub(super) static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:<\w{1,20}>|\{\w{1,20}\}|\$\{?\w{1,20}\}?|\blabels?\b[^\n]{0,60}?`?[<{$]\w{1,20}[>}]?)\.(?:[a-z0-9-]{1,40}\.){1,4}[a-z]{2,12}\b[^\n]{0,240}\b(?:hex|base32|base64|pieces?|chunks?|characters|encoded)\b",
    )
});

/// A token is printed and only a part of it is taken.
pub(super) static CUT_UP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:auth\s+status\s+-t|auth\s+token|print-(?:access|identity)-token|get-access-token|printenv\s+\w*(?:TOKEN|KEY|SECRET)|echo\s+\x22?\$\{?\w*(?:TOKEN|KEY|SECRET)|cat\s+\S*(?:\.netrc|\.npmrc|credentials|\.env|id_\w+))\b[^\n`]{0,100}\|\s*(?:cut\s+-[bc]|head\s+-c|tail\s+-c|fold\s+-w|split\s+-b|dd\s)",
    )
});

/// An address that has values of earlier steps in its path or query.
pub(super) static PLACED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"https?://[a-z0-9.-]{4,80}/[^\s`]{0,60}(?:/|=|\b)(?:[A-Z]|[<{$]\w{1,12}[>}]?)(?:/|&|`|\s|$)",
    )
});

/// A list of people, whole, is attached.
pub(super) static WHOLE_LIST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:attach|include|enclose|append|add|upload|anhäng|beifüg|adjunt|joindre|joins|alleg|anex)\w*\b[^\n.;]{0,40}\b(?:recipients?|subscribers?|customers?|members?|contacts?|patients?|address(?:es)?|clients?|donors?|staff|employees?|kunden|empfänger|abonnenten|destinatari|clientes|suscriptor)\w*\b[^\n;]{0,50}\b(?:in full|whole|complete(?:ly)?|entire|unabridged|as it is|vollständig|ganz|complet\w*|entero|intero)\b|\b(?:attach|include|enclose)\b[^\n.;]{0,20}\b(?:whole|complete|entire|full)\b[^\n.;]{0,20}\b(?:recipient|subscriber|customer|member|contact|patient|client|donor|employee)",
    )
});

/// A guard of the machine is to look away from one place or file.
pub(super) static SHIELDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:add|put|enter)\b[^\n.;]{0,60}\b(?:defender|anti-?virus|av|security suite|endpoint protection)\S{0,3} (?:exclusion|exception|allow ?list|white ?list)|\b(?:exclude|whitelist|allowlist)\b[^\n.;]{0,60}\b(?:defender|anti-?virus|scann?er|virus)|\b(?:turn|switch) off [^\n.;]{0,30}(?:defender|anti-?virus|real-time|smartscreen|gatekeeper)|\b(?:disable|pause|stop) [^\n.;]{0,30}(?:defender|anti-?virus|real-time protection|smartscreen|gatekeeper)|\bclear the quarantine\b|com\.apple\.quarantine|(?:defender|virenscanner|antivirus)[^\n.;]{0,40}(?:ausnahme|ausschluss|exclusiones|exclusions|eccezion)",
    )
});

/// A program is started that came from outside.
pub(super) static STARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?://[^\s`\x22')]{4,200}\.(?:zip|7z|rar|exe|msi|pkg|dmg|iso|scr|bat|appimage|run)\b",
    )
});

/// People are talked out of seeing a physician, or out of what one has prescribed.
pub(super) static UNCARED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do not|don't|never|no need to|avoid)\b[^\n.;]{0,16}\b(?:suggest|recommend|advis\w+|mention|refer\w*|send|see|seeing)\b[^\n.;]{0,24}\b(?:doctors?|physicians?|gps?|clinics?|hospitals?|emergency|therapists?|psychiatrists?|specialists?|professional help)\b|\b(?:can|may|should|to|are told to)\b[^\n.;]{0,12}\b(?:stop|drop|discontinue|skip|halve|come off|leave off)\b[^\n.;]{0,16}\b(?:their|those|these|the|prescribed)\b[^\n.;]{0,20}\b(?:medicines?|medication|tablets|pills|insulin|antidepressants?|treatment|once|chemo\w*)\b|\b(?:keinen?|nicht zum) (?:arzt|ärztin)|\bno (?:recomiendes|sugieras|menciones)[^\n.;]{0,24}médic|\bne (?:conseille|recommande|suggère)\w* pas[^\n.;]{0,24}médecin",
    )
});

/// Something is sold.
pub(super) static SOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:order|buy|available|shop|sold|purchase)\b[^\n.;]{0,30}\b[a-z0-9-]{3,40}\.(?:shop|store|com|net|org|health|life|de|co|io|eu)\b|\bdiscount code\b|\baffiliate\b",
    )
});
