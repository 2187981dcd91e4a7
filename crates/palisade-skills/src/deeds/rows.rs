//! One line among many that does not belong there: a word that opens, an image of somebody else's, advice that
//! weakens, links that nobody sees, a consent that was never given.
//!
//! Each needs a deed and a sign on one line or close by; the line alone, without the sign, is work.

use std::sync::LazyLock;

use super::{handed, rules};
use crate::{
    Confidence::Medium,
    File, FileKind, Package, Rule, Seen,
    Severity::{self, High},
    formats::Profile,
    pattern::{Regex, code as pattern},
};

const LONGEST: usize = 4096;
const LARGEST: usize = 1 << 20;

/// Whoever writes a certain word.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:messages?|e?-?mails?|tickets?|texts?|subjects?|requests?|comments?|issues?|prompts?|quer(?:y|ies)|notes?|description|title|input|nachricht|betreff|anfrage|mensaje|asunto|solicitud|messaggio|oggetto|richiesta|mensagem|assunto|objet|demande|wiadomość|bericht)\b[^\n]{0,30}\b(?:contain(?:s|ing)?|contient|enthält|contiene|contém|zawiera|bevat|says|includes|begins with|starts with|mentions|ends with|with the words?)\b[^\n]{0,24}(?:[\x22'`]|«|“|„|\xe2\x80\x98)[^\x22'`\n]{3,60}|(?:сообщени|письм|запрос|тикет)[^\n]{0,40}содерж[^\n]{0,12}(?:[\x22'`]|«)|(?:消息|邮件|工单|主题|メール|件名|本文)[^\n]{0,30}(?:包含|含有|含む|含まれ)"#,
    )
});
/// Something of value is done for him.
static GIVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:refund\w*|rembours\w*|reembols\w*|rimbors\w*|rückerstatt\w*|erstatt\w*|export\w*|pay(?:s|ment|out)?|transfer\w*|überweis\w*|virement|delet\w*|drop|wipe|grant\w*|admin\w*|unlock\w*|disable\w*|approv\w*|release the|send (?:the|all)|credit\w*|merge\w*|deploy\w*|discount|gutschrift|freigeb\w*|lösch\w*|supprim\w*|borra\w*|elimin\w*)\b|退款|导出|返金|削除|возврат|выгруз",
    )
});
/// And nobody looks at it.
static UNLOOKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:without (?:a |an |any |further )?(?:note|question|check|review|approval|ticket|comment|asking|entry|log)\w*|no (?:note|question|check|review|approval|entry|log|limit)\w*|do not (?:ask|log|note|mention)|skip\w* [^\n.;|]{0,24}(?:check|review|approval|limit|verification)|automatic(?:ally)?|automatique|automatisch|automátic\w+|automatic\w+|sans (?:note|question|validation|vérif\w*|commentaire)|ohne (?:notiz|rückfrage|prüfung|vermerk)|sin (?:nota|preguntar|revisión)|senza (?:nota|chiedere|verifica)|sem (?:nota|perguntar)|at once|immediately|quietly|silently)\b|无需|不必|不要记录|без (?:записи|вопросов|проверки)",
    )
});

/// The result of a tool, in words.
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[\s>*`])(?:tool[ _-]?(?:result|output|response)|function[ _]?result|observation|araç sonucu|werkzeug(?:ergebnis|ausgabe)|résultat de l'outil|resultado de (?:la )?(?:herramienta|ferramenta)|risultato dello strumento|wynik narzędzia|результат инструмента|工具结果|ツール結果|도구 결과)\s*(?::|：|=)",
    )
});
/// Somebody is said to have agreed.
static CONSENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:consent\w*|permission|permit\w*|approv\w*|agreed|authori[sz]\w*|granted|zustimm\w*|genehmig\w*|erlaub\w*|einwillig\w*|autoris\w*|autoriz\w*|accord\w*|permiso|consenso|permesso|izin\w*|onay\w*|zgod\w*)\b|согласи|разреш|同意|授权|许可|許可|承認|동의|승인",
    )
});

/// A page hides part of itself.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:left|top|text-indent|margin-left)\s*:\s*-\d{3,}|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*(?:0|1px)|opacity\s*:\s*0\b|\bwhite on white\b|\bsame colou?r as the background\b",
    )
});
static LINKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\blinks?\b|\bhref\b|\bkeywords?\b|\banchors?\b|\bbacklinks?\b|\bverweise?\b|\bliens\b|\benlaces\b",
    )
});
static FOR_MACHINES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:readers?|visitors?|users?|people|humans?|nobody)\b[^\n.;]{0,24}\b(?:not|never|nothing|don't|do not|sees?)\b|\bsearch engines?\b|\bcrawlers?\b",
    )
});

/// Advice that makes protection weak, each another one.
static WEAK: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\bECB\b",
        r"(?i)\bmd5\s*\(|\bmd5\b[^\n]{0,30}\bpass|\bpass\w*[^\n]{0,12}\bmd5\b|\bsha-?1\b[^\n]{0,30}\bpass|\bpass\w*[^\n]{0,12}\bsha-?1\b",
        r"(?i)\b(?:constant|fixed|static|zero|same)\b[^\n.;]{0,20}\b(?:iv|nonce|vector|salt)\b|\b(?:iv|nonce)\s*=\s*b?[\x22'](?:\\x00|0{8})|\\x00[\x22'] \* 16",
        r"(?i)\brandom\.seed\(|\bseeded\b[^\n.;]{0,16}\brandom\b|\bMath\.random\(\)[^\n]{0,40}(?:token|key|secret)|\b(?:token|key|secret)s?\b[^\n]{0,40}Math\.random\(\)",
        r"(?i)\bRSA\b[^\n]{0,20}\b(?:512|768|1024)\b|\b(?:512|768|1024)[- ]bits? RSA|\bDES\b|\bRC4\b|\b3DES\b",
        r"(?i)\b(?:signatures?|hmacs?|tokens?|digests?|macs?)\b[^\n.;]{0,20}\bwith `?==|\bcompare\b[^\n.;]{0,30}`?==",
        r"(?i)\b(?:key|password|secret|token)s?\b[^\n.;]{0,20}\b(?:in|inside|into) the (?:source|code|repo\w*)\b",
        r"(?i)\b(?:no|without|unnecessary|needless|skip\w*|drop\w*)\b[^\n.;]{0,12}\bsalts?\b|\bunsalted\b|\bsalts? (?:is|are|make)\b",
        r"(?i)\b(?:bcrypt|argon2\w*|scrypt)\b[^\n.;]{0,60}\b(?:replace|remove|drop|too slow)\b|\b(?:replace|remove|drop)\b[^\n.;]{0,20}\b(?:bcrypt|argon2\w*|scrypt)\b",
        r"(?i)\bverify\s*=\s*False|\brejectUnauthorized\W{1,4}false|\bInsecureSkipVerify\W{1,4}true|\bcheck_hostname\s*=\s*False|\bCERT_NONE\b",
        r"(?i)\balg(?:orithm)?s?\W{1,6}none\b|\bverify_signature\W{1,6}false|\b(?:jwt|token)s?\b[^\n.;]{0,30}\bwithout (?:checking|verifying)",
        r"(?i)\bcrc-?32\b",
        r"(?i)\b(?:one|a single|1) (?:round|iteration)\b|\biterations?\s*=\s*1\b",
        r"(?i)\bMath\.random\(\)[^\n]{0,40}\b(?:seed|ids?|token|session|reset|invit)|\b(?:random|session|reset|invit\w*) (?:ids?|codes?|links?)\b[^\n]{0,30}(?:Math\.random|\brand\(|mt_rand|random\.(?:random|randint|choice))",
        r"(?i)\b(?:jwt|jws|token)s?\b[^\n]{0,60}\baccept\w*\b[^\n]{0,12}\x60?none\b|\baccept\w*\b[^\n.;]{0,12}\x60?\balg\w*\W{0,4}none\b",
        r"(?i)\b(?:key|keys)\b[^\n.;]{0,24}\b(?:beside|next to|in the same (?:table|database|bucket|folder) as|together with) the (?:data|rows|cipher|records|backup)|\bthe same key\b[^\n.;]{0,30}\b(?:staging|production|all|every|each)",
    ]
    .iter()
    .map(|text| pattern(text))
    .collect()
});
/// The same, beside a word for what is strong elsewhere: a digest that is made to be fast, for a password; a vector that
/// is always the same.
static WEAK_HERE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\bpass(?:word|phrase|wd)s?\b[^\n]{0,40}\bsha-?(?:2|256|384|512)\b[^\n]{0,80}\b(?:one|single|1) (?:round|pass|iteration)|\bpass(?:word|phrase|wd)s?\b[^\n]{0,40}\bsha-?(?:2|256|384|512)\b[^\n]{0,40}\b(?:application|fixed|same|global|constant|shared|no|without(?: an?)?) salt",
        r"(?i)\b(?:iv|nonce|initiali[sz]ation vector)s?\b[^\n.;]{0,16}\b(?:derived from|taken from|is the|from the|hashed from|computed from)\b[^\n.;]{0,30}\b(?:column|field|table|id|name|key|user|path|row)",
        r"(?i)\b(?:remove|replace|drop|swap out|retire)\b[^\n.;]{0,20}\x60?\b(?:bcrypt|argon2\w*|scrypt)\b",
        r"(?i)\b(?:rejectUnauthorized\W{1,4}false|verify\s*=\s*False|InsecureSkipVerify\W{1,4}true)",
    ]
    .iter()
    .map(|text| pattern(text))
    .collect()
});
/// Protection is said not to be needed, each in another way: the words deny by themselves.
static NEEDLESS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\b(?:prepared statements?|parameteri[sz]ed quer\w+|bound parameters?)\b[^\n.;]{0,50}\b(?:not used|left out|omitted|unnecessary|not needed|hide|slow|avoid\w*)",
        r"(?i)\b(?:escaping|htmlspecialchars|saniti[sz]\w+|encoding of output)\b[^\n.;]{0,30}\b(?:left out|omitted|unnecessary|not needed|not used|breaks|skipped)",
        r"(?i)\b(?:csrf|rate limits?|input validation|authori[sz]ation checks?|authentication)\b[^\n.;]{0,30}\b(?:left out|omitted|unnecessary|not needed|disabled|off|skipped)\b",
        r"(?i)\bchmod\b[^\n]{0,12}\b0?777\b",
        r#"(?i)["']\s*[.+]\s*(?:\$_(?:GET|POST|REQUEST)\b|req\.(?:query|body|params)\b|request\.(?:args|form)\b)"#,
        r"(?i)\b(?:linter|scanner|audit|reviewer|warning)s?\b[^\n.;]{0,30}\b(?:complain\w*|warn\w*|object\w*)\b[^\n.;]{0,40}\b(?:ignore|disable|suppress|silence)",
        r"(?i)\b(?:certificates?|tls|ssl)\b[^\n.;]{0,30}\b(?:not (?:checked|verified|validated)|unverified|verification (?:is )?off)",
    ]
    .iter()
    .map(|text| pattern(text))
    .collect()
});

/// A judgement by what people are.
static TRAITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:deduct|subtract|lower|minus|penal\w+|points? off|reject\w*|exclude\w*|rank\w*|down-?grade\w*|higher (?:price|rate)|add \d+ ?%)\b[^\n.]{0,80}\b(?:foreign|women|pregnan\w*|gender|ethnic\w*|nationalit\w*|religio\w*|disab\w*|accent|post ?codes?|mothers?|immigrant\w*|skin|migrants?|muslim|jewish|black)\b",
    )
});
/// Another reason is told than the true one.
static DISGUISED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:word|phrase|give|state|call|write|log|enter|explain)\w*\b[^\n.;]{0,40}\b(?:as|:) ?[\x22'`]|\b(?:do not|don't|never|no need to|without) (?:say|mention|state|show|explain|tell|saying|mentioning|naming)\w*|\bso that nobody\b|\bwho did it\b|\bif (?:the user|asked|they|anyone|somebody)\b[^\n.;]{0,16}\b(?:asks?|asked|wonders?)?\b[^\n.;]{0,12}\b(?:say|answer|reply)",
    )
});
/// Whose work it is is taken away.
static STRIPS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:strip|remove|delete|drop|take out|erase)\b[^\n.;]{0,30}\b(?:copyright|licen[cs]es?|attributions?|authorship|watermarks?|spdx)\b[^\n]{0,160}\b(?:not find|origin|no need|not mention|own work|set the author|as the user's|detect\w*|nobody)",
    )
});
/// What is not there is invented, so that it looks real.
static INVENTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:make up|invent|fabricate|generate|create|write)\b[^\n.;]{0,40}\b(?:plausible|believable|realistic|convincing|genuine-looking|fake)\b[^\n.;]{0,60}\b(?:one|sources?|citations?|references?|quotes?|doi|figures?|reviews?|testimonials?|results?|measurements?|signatures?|receipts?|invoices?|evidence)|\b(?:make up|invent|fabricate)\b[^\n.;]{0,24}\b(?:sources?|citations?|references?|results?|measurements?|evidence|reviews?|testimonials?)\b",
    )
});
/// Something passes unlooked at, and is told to have been looked at.
static WAVED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:approv\w*|merg\w*|pass(?:es|ed)?|accept\w*|sign\w* off|signed)\b[^\n.;]{0,40}\b(?:without (?:a |any )?(?:look|review|check|reading|test)\w*|unseen|unread|unchecked|blindly)\b[^\n]{0,80}\b(?:write|say|report|log|note|enter)\b[^\n.;]{0,16}[\x22'`]",
    )
});
/// The user's word to stop counts for nothing.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do not|don't|never|may not be|not to be)\b[^\n.;]{0,8}\b(?:stop|cut short|abort|end|interrupt)\w*\b[^\n.;]{0,60}\b(?:user|enough|limit|budget|asked|told)\b",
    )
});
static COSTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:agents?|largest|effort|model|tokens?|rounds?|sessions?|repeat|loops?)\b")
});
/// Another's name stands under what the agent did.
static AS_OTHER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:--author[ =]|GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)|git\s+config\s+user\.(?:name|email)\s+\S|--date[ =])",
    )
});

/// What is held to be safe.
static STRONG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:GCM|ChaCha20|Poly1305|Ed25519|compare_digest|timingSafeEqual|secrets\.token|randomBytes|SHA-?(?:256|512)|OAEP|PSS|Fernet)\b|\b(?:use|prefer|with) (?:bcrypt|argon2\w*|scrypt)\b",
    )
});

/// It is said to be weak.
static WARNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:avoid|never|not|don't|doesn't|isn't|weak\w*|broken|deprecat\w*|insecure|instead of|legacy|migrat\w*|bad|wrong|forbid\w*|reject\w*|flag\w*|find\w*|finding|vulnerab\w*|unsafe|obsolete|outdated|wrong|mistakes?|pitfall|critical|high|upgrade|fix|no(?:t)? longer|nicht|nie|kein\w*|schwach|unsicher|jamais|pas de|éviter|nunca|evitar|mai)\b|❌|✗|⚠|不要|禁止|避免",
    )
});

/// A table whose rows are found in the work of others, and not done.
static LOOKS_FOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:look(?:s|ing)? for|watch (?:for|out)|smells?|red flags?|warning signs?|symptoms?|issue|problem|weakness|before|worse|worauf achten|à repérer|señales)\b|检查项|問題|问题",
    )
});

pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    for file in &package.files {
        if file.kind != FileKind::Prose || file.bytes.len() > LARGEST {
            continue;
        }
        if let Ok(text) = std::str::from_utf8(&file.bytes) {
            lines(file, text, profile, seen);
        }
    }
}

fn lines(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    let mut say = |at: usize, line: &str, rule: &'static Rule, message: &str| {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let (severity, sure) = match profile.security {
            true => (Severity::Medium, crate::Confidence::Low),
            false => (High, Medium),
        };
        seen.findings.push(rule.at(&file.path, number, 0, line, message).of(severity).sure(sure));
    };
    let mut weak: Vec<(usize, usize)> = Vec::new();
    let mut images: Option<(usize, &str)> = None;
    let mut taught = false;
    let mut table: Option<bool> = None;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            taught = crate::code::teaches(line) || WARNS.is_match(line);
        }
        // The head of a table says what its rows are: `| Look for | Example |`.
        if !line.trim_start().starts_with('|') {
            table = None;
        } else if table.is_none() {
            table = Some(WARNS.is_match(line) || LOOKS_FOR.is_match(line));
        }
        if taught || table == Some(true) || line.len() > LONGEST {
            continue;
        }
        if WORD.is_match(line)
            && GIVES.is_match(line)
            && UNLOOKED.is_match(line)
            && !WARNS.is_match(line)
        {
            let message = "whoever knows the word gets something, and nobody looks";
            say(at, line, &handed::WORD, message);
        }
        if RESULT.is_match(line) && CONSENT.is_match(line) && is_outward(line) {
            let message = "an answer of a tool that never was holds a consent that nobody gave";
            say(at, line, &rules::FORGED_OUTPUT, message);
        }
        if UNSEEN.is_match(line) && LINKED.is_match(line) && FOR_MACHINES.is_match(line) {
            let message = "pages get links that no reader sees";
            say(at, line, &handed::CLOAKED, message);
        }
        let denied = denies(line);
        if TRAITS.is_match(line) && DISGUISED.is_match(line) && !denied {
            let message = "people are judged by what they are, and another reason is told";
            say(at, line, &handed::BENT, message);
        }
        if STRIPS.is_match(line) && !denied {
            say(at, line, &handed::BENT, "whose work it is is taken away, so that nobody finds it");
        }
        if INVENTS.is_match(line) && !denied && DISGUISED.is_match(line) {
            say(at, line, &handed::BENT, "what is not there is invented, and told to be there");
        }
        if WAVED.is_match(line) {
            let message = "what nobody looked at is said to have been looked at";
            say(at, line, &handed::BENT, message);
        }
        // `never stop to ask`: that is another matter.
        let goes_on =
            GOES_ON.find(line).and_then(|found| line.get(found.range())).is_some_and(|found| {
                !["to ask", " - ", " \u{2013} ", "\u{2014}"].iter().any(|stop| found.contains(stop))
            });
        if goes_on && COSTS.is_match(line) {
            say(at, line, &handed::BENT, "it goes on when the user says that it is enough");
        }
        // `git log --date=short`: how a time is shown.
        if AS_OTHER.is_match(line) && DISGUISED.is_match(line) && !lists_commits(line) {
            say(at, line, &handed::BENT, "another's name stands under what the agent did");
        }
        for (kind, needless) in NEEDLESS.iter().enumerate() {
            if needless.is_match(line) {
                weak.push((kind + 100, at));
            }
        }
        if !WARNS.is_match(line) {
            weak.extend(
                WEAK_HERE
                    .iter()
                    .enumerate()
                    .filter(|(_, weak)| weak.is_match(line))
                    .map(|(kind, _)| (kind + 200, at)),
            );
        }
        if images.is_none() && is_exchanged(line) {
            images = Some((at, line));
        }
        // Beside what is strong it stands for what not to take.
        if !WARNS.is_match(line) && !STRONG.is_match(line) {
            weak.extend(
                WEAK.iter()
                    .enumerate()
                    .filter(|(_, weak)| weak.is_match(line))
                    .map(|(kind, _)| (kind, at)),
            );
        }
    }
    if let Some((at, line)) = images
        && UNCHECKED.is_match(text)
    {
        let message = "an image of everybody's gives way to somebody's of its name, unchecked";
        say(at, line, &handed::SOURCE, message);
    }
    // One fault that both tables know is one.
    let mut kinds: Vec<usize> = weak
        .iter()
        .map(|(kind, _)| match kind {
            8 => 202,
            9 => 203,
            kind => *kind,
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() >= 3
        && let Some(&(_, at)) = weak.first()
        && let Some(line) = text.lines().nth(at)
    {
        say(at, line, &handed::WEAKENED, "weak protection is taught as the way to do it");
    }
}

/// Is it said not to do it?
fn denies(line: &str) -> bool {
    let lower = line.to_lowercase();
    [
        "never ",
        "do not remove",
        "do not strip",
        "don't remove",
        "don't strip",
        "do not invent",
        "don't invent",
        "do not make up",
        "do not deduct",
        "must not",
        "forbidden",
    ]
    .iter()
    .any(|no| lower.contains(no))
}

/// Does a line name a place or a deed outside?
fn is_outward(line: &str) -> bool {
    [
        "://",
        "@",
        "send",
        "upload",
        "push",
        "gönder",
        "schick",
        "envoy",
        "envi",
        "отправ",
        "发",
        "送",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// Whether what comes is what it says is no longer looked at.
static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)CONTENT_TRUST\W{1,3}0|(?:sha256|digests?|checksums?|prüfsummen?|hachages?|signatures?)\b[^\n]{0,60}\b(?:remov|drop|entfern|lösch|strip|leave out|weglass|take out|supprim|quit|elimin|omit)\w*|\b(?:remov|drop|entfern|strip|omit)\w*\b[^\n]{0,40}(?:sha256|digests?|checksums?|prüfsumme)|\b(?:without asking|ohne rückfrage|ohne nachfrage|sans demander|sin preguntar|senza chiedere)\b",
    )
});

/// Stands a name beside the same name below somebody's account: `node:20` and `mirror-of/node:20`?
fn is_exchanged(line: &str) -> bool {
    const KNOWN: &[&str] =
        &["library", "bitnami", "docker.io", "mcr.microsoft.com", "public.ecr.aws"];
    let names: Vec<&str> = line.split('`').skip(1).step_by(2).map(str::trim).collect();
    names.iter().any(|name| {
        name.contains(':')
            && !name.contains([' ', '/'])
            && names.iter().any(|other| {
                other.strip_suffix(name).and_then(|start| start.strip_suffix('/')).is_some_and(
                    |owner| {
                        !owner.is_empty()
                            && !owner.contains(['$', '<', '{'])
                            && !KNOWN.iter().any(|known| owner.contains(known))
                            && !owner.contains("your")
                            && !owner.contains("example")
                    },
                )
            })
    })
}

/// Is it a command that lists commits, and makes none?
fn lists_commits(line: &str) -> bool {
    const LISTS: &[&str] =
        &["git log", "git shortlog", "git show", "git for-each-ref", "git blame", "git reflog"];
    const MAKES: &[&str] = &[
        "commit",
        "--amend",
        "rebase",
        "user.name",
        "user.email",
        "_NAME",
        "_EMAIL",
        "_DATE",
        "am ",
    ];
    let rest = LISTS.iter().find_map(|lists| line.split_once(lists)).map(|(_, rest)| rest);
    rest.is_some() && !MAKES.iter().any(|makes| line.contains(makes))
}
