//! Phrases of more than a word, by which a sentence says something that its tags do not.

use std::sync::LazyLock;

use crate::pattern::{Regex, pattern};

/// Something is left out of what the user is told, in whatever voice it is said.
pub(super) static UNTOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(left|leave|leaves|kept|keep|keeps|stay|stays|omit|omits|omitted|excluded|missing|dropped|drop)\b.{0,40}\b(out of|from|off|outside)\b.{0,50}\b(summar\w+|reports?|log|logs|answers?|repl(y|ies)|outputs?|messages?|changelog|commits?|list of commands|transcript|remarks?|pull request|pr text|comments|description)\b|\b(is|are|was|be|being|need|needs|isn't|aren't|needn't)( not| never)?\b.{0,20}\b(not|never|no|isn't|aren't|n't)\b.{0,25}\b(mentioned|noted|reported|disclosed|part of (the|your|its) (repl\w+|report|summary|output|answer|work product|deliverable|result)|worth (mentioning|reporting)|counted in|visible to|for the user's eyes)\b|\b(isn't|is not|aren't|are not|not) (reported|mentioned|noted|disclosed)\b|\bnothing\b.{0,30}\b(is|gets|be|will be)? ?(noted|mentioned|reported|logged|written|said)\b|\bno (remark|remarks|mention|note|notes|comment|trace|entry|line)\b.{0,30}\b(need|needed|necessary|required|made|left|in commits|for this)\b|\bleave no (comment|remark|note|trace)|\bwithout (a |any )?(remark|comment|output|mark(ing)?|label(l?ing)?|saying so|ado)\b|\bdo(es)?n't (bring it up|explain the)|\bdon't explain (it|this|the mark)|\bnone for this\b|\b(changes?|change) the subject\b|\bnot visible in the (prompt|dialog\w*)\b|\bno separate entry\b|\bare details\b|\bdescribed? (them |it |these |this )?as (cryptographically strong|independent|strict|low|routine|usual|standard)\b|\b(has|have|had|gets|get|needs|takes) no (line|entry|place|mention|row|word|note|part|section) (in|of|on)\b|\b(has|have) no need to (know|hear|see|learn|be told)\b|\bno need to (go into|list|say|tell|explain|note|report|bring|mention|spell|point)\b|\bneeds? no explanation\b|\bkeep .{0,30}\b(to yourself)\b|\bdo(n't| not) (announce|bring) (it|this|that|them)\b|\b(isn't|aren't|is not|are not) (counted|listed|included|shown|named) (in|among)\b|\breport only (the|on)\b|\b(last|at the end),? without (output|comment)|\b(stays|remains|is kept|are kept) (between|inside|internal)\b|\bof no (interest|concern) to (the user|them|readers)|n'a pas à figurer|n'en rien savoir|sans le mentionner|non serve dirlo|non occorre (dirlo|menzionar)|no hace falta (decir|mencionar)|sin mencionarlo|erwähne .{0,40}nicht\b|erzähle .{0,30}nicht|verschweige|muss nicht erwähnt|bleibt unerwähnt|wird nicht erwähnt|taucht .{0,20}nicht auf|nicht der rede wert|não (precisa|é preciso) (mencionar|dizer)|упоминать .{0,12}не (нужно|надо)|не упоминается|不必(提|说明|告知)|无需(提及|说明|告知)|言及(は)?不要|触れる必要はない",
    )
});

/// The user is said to have agreed, by an act that is no agreement.
pub(super) static CONSENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(user|users|they|he|she|customer|person|people|owner|team|board|whoever|everyone|everybody|employee)\b.{0,40}\b(has|have|had|already)\b.{0,20}\b(agreed|consented|confirmed (this|both|it|in)|approved|authori[sz]ed|opted in|accepted|the authority)\b|\b(agreed|consented|accepted|approved|granted) (to )?by (installing|using|loading|starting|opening|the set-?up)|\bby (installing|using|loading) .{0,30}\b(agrees?|consents?|accepts?)\b|\b(implied|implicit|standing|blanket) (consent|permission|approval|authori[sz]ation)\b|\btreat (it |this |that |them )?as (approved|agreed|confirmed)\b|\busers know\b|\bas (they|the user) (have|has) confirmed\b|\bthe user set .{0,30}so .{0,20}no need\b",
    )
});

/// Not each step is asked about, but each that matters.
pub(in crate::text) static STILL_ASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(ask|asks|confirm|check|stop)\b.{0,20}\b(only|just) (when|if|before|for)\b.{0,60}\b(risk\w*|destruct\w+|irrevers\w+|ambig\w+|unclear|sensitive|publish\w*|delet\w+|costs?|outward|external)\b",
    )
});
/// What was called an agreement is none: `implied consent doesn't count`.
pub(super) static DENIED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[^.;]{0,20}\b(does not|doesn't|do not|don't|is not|isn't|never|cannot|can't|won't) (count|apply|suffice|enough|sufficient|valid|allowed|acceptable)\b|^[^.;]{0,20}\bis (invalid|insufficient)\b",
    )
});
/// Consent as the law about messages to customers has it, which no agent is told it has.
pub(super) static LAW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(tcpa|gdpr|casl|can-spam|ccpa|opt-in|opt-out|subscribers?|existing business relationships?|(transactional|marketing) (sms|messages?|e-?mails?|texts?))\b",
    )
});

/// Nobody's word is needed for it.
pub(super) static UNASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(need|needs|require|requires|takes|wants|deserves|worth) (no|not a|neither)\b.{0,16}\b(yes|question|questions|approval|confirmation|consent|permission|review|ticket|discussion|second look)\b|\bnot worth (a|any) (question|word)\b|\bconsent need not\b|\bneed not be (asked|confirmed|collected)\b",
    )
});

/// What to say when the user asks about it: a cover story.
pub(super) static COVER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(if|when|should|in case) (the |a |any |your )?(\w+ )?(user|users|they|he|she|someone|anyone|anybody|somebody|asked|people|human|owner|customer|player|\w+er)\b.{0,24}\b(ask|asks|asked|asking|complain|complains|notice|notices|question|questions|wonder|wonders|inquire|inquires|object|objects)\b.{0,60}\b(claim|say it|say that it|say they|say you|pretend|insist|blame|deny|attribute|state that (it|the)|say that \w+ (is|are|was|were|came))\b|\bif asked\b.{0,20}\b(say|state|claim|answer|reply|explain (it|this|that|them))\b|\b(if|when|should) (asked|they ask|the user ask|someone ask|anyone ask|somebody ask|users ask)s?\b.{0,50}, ?(it|this|that|they|these)('s| is| are| was| were)\b|\banswer (all |any )?(questions?|inquiries|enquiries) (on|about|regarding|concerning) (this|it|that|them|these)\b.{0,16}\b(with|by)\b|\b(if|when) .{0,30}\basks? (about (it|this|that)|why|what (takes|happened|this is|it is)|whether).{0,40}\b(say|claim|tell them|reply|answer|explain that)\b|\bse (ele|ela|o usuário|perguntar)\b.{0,40}\bdiga|\bsi (el usuario |le |te )?pregunta\w*\b.{0,30}\b(di|diga|responde)|\bwenn (der|die|er|sie|jemand|man)\b.{0,30}\bfrag\w+.{0,30}\b(sag|sage|antworte|behaupte)|\bsi (on|l'utilisateur|il|elle)\b.{0,30}\bdemande.{0,30}\b(dis|répond|prétend)|если (он|она|пользователь|спрос).{0,40}(скажи|ответь)|(如果|若)(用户|有人).{0,20}(问|询问).{0,20}(说|回答|声称)|(聞かれ|尋ねられ|質問され).{0,20}(答え|言)",
    )
});

/// Where secrets lie, by their literal paths and names.
pub(super) static SECRET_PATH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(~|\$home|/root|/home/[^/ ]+|%userprofile%)?[/\\]?\.(ssh|aws|kube|gnupg|azure|docker|config/gh|config/gcloud|openclaw|clawdbot)[/\\ '\x22,;)]|\bid_(rsa|ed25519|ecdsa|dsa)\b|\.(npmrc|netrc|pypirc|git-credentials|pgpass|my\.cnf|vault-token)\b|(^|[\s/'\x22(*])\.env(\b|\*)(\.[a-z]+)?|hosts\.yml|credentials\.(json|db)|\bauth\.json|application_default_credentials|msal_token_cache|wallet\.dat|login data|cookies\.sqlite|logins\.json|key4\.db|terraform\.tfstate|/etc/shadow|/proc/\S*environ|auth-profiles\.json|\.claude\.json|\bprintenv\b|\bos\.environ\b|\bprocess\.env\b|--reveal\b",
    )
});

/// The name of a variable that holds a service's key.
pub(super) static KEY_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(anthropic|openai|aws|github|gh|npm|google|gemini|azure|stripe|slack|pypi|gitlab|hf|huggingface|claude|cloudflare|database|twilio|sendgrid)_[a-z_]*(key|token|secret|password|url)\b",
    )
});

/// Help that is none: strangers at the screen, fees in gift cards.
pub(super) static SCAM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(gift card|remote desktop|anydesk|teamviewer|quick assist|western union|wire transfer).{0,160}(\bcall\b|\bfees?\b|\bpay(s|ment)?\b|technician|infect|\bsupport\b)|\b(call|ring|dial|phone)\b.{0,20}\+?\d[\d ()-]{7,}.{0,120}(technician|\bcode\b|remote|leave the|infected)|(\bcall|infect|technician|refund).{0,160}(gift card|remote desktop|anydesk|teamviewer|quick assist|western union)",
    )
});

/// A time or a count from which on something else is done.
pub(super) static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(from|after|since|until|before|starting|beginning|as of|once)( on| the)? (\d{1,2}(st|nd|rd|th)?( of)? )?(january|february|march|april|may|june|july|august|september|october|november|december|20\d\d-\d\d|20\d\d)\b|\bonly on (mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekends)|\bafter (the )?(third|fourth|fifth|tenth|\d+(th|rd|nd)?|a few|several|some) (use|uses|run|runs|session|sessions|time|times|day|days|week|weeks|message|messages|turn|turns)\b|\b(on|from|at) the (third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|twentieth|\d+(th|rd|nd|st)) (use|run|session|time|call|conversation|invocation|launch|start|day|message)|\bafter (two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|fifty|a dozen|a hundred) (uses|runs|sessions|days|weeks|months|conversations|invocations|messages|calls|launches)\b|\b(days|weeks|months|sessions|runs|uses) (after (the )?install\w*|have passed|have gone by)|\buntil the (message|user|text|prompt|word)|\bonce the user (has|trusts|is used)|\bbefore that date\b|\b(word|words|phrase|code word) \x22",
    )
});
