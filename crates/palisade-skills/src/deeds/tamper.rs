//! Code and settings that work, and do something besides for somebody else: another payee, a second way in, numbers
//! that can be guessed, pages that visitors of one kind see otherwise.

use std::sync::LazyLock;

use super::{Report, handed, redirect};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// An account of somebody's is put in the place of the payee's.
static PAYEE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:iban|payee|recipient|beneficiary|creditor_?account|pay_?to|wallet|deposit|address|\bto|destination|account_?(?:number|no|id)?)["'\]]{0,3}\s*=\s*[^=\n][^\n]{0,40}?(?:["'`][A-Z]{2}\d{2}[A-Z0-9 ]{0,30}["'`]|["'`](?:bc1[a-z0-9]{20,}|0x[0-9a-f]{40}|[13][A-HJ-NP-Za-km-z1-9]{25,34}|T[A-HJ-NP-Za-km-z1-9]{33})["'`])|(?:transfer_data|on_behalf_of|stripe_?account|destination)[^\n]{0,60}["'`]acct_[A-Za-z0-9]{8,}["'`]|application_fee\w*["']?\s*[:=][^\n]{0,60}[\d*]"#,
    )
});

/// An address that takes money, in the program.
static ACCOUNTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["'`](?:bc1[a-z0-9]{20,60}|0x[0-9a-fA-F]{40}|[A-Z]{2}\d{2}(?:["'`]\s*\+\s*["'`])?[A-Z0-9 ]{0,30})["'`]|acct_[A-Za-z0-9]{8,}"#,
    )
});

/// Only some of them, so that nobody sees it at once.
static SOME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)%\s*\d+\s*\)?\s*={2,3}\s*\d|Math\.random\(\)\s*[<>]|random\.random\(\)\s*[<>]|rand\(\)\s*[<>]|(?:amount|total|value|eur|usd|betrag|sum|price)\w*["'\])]{0,4}\s*\)?\s*>=?\s*\d{3,}|dataset\.\w+\s*>\s*\d{2,}"#,
    )
});

/// Records get another value, some of them.
static RELABELS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\[["'](?:label|target|class|verdict|rating|score|answer|result|status)["']\]\s*=\s*["'\w]"#,
    )
});

/// A fixed word or digest opens what should be opened by a secret.
static MASTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:pw|pwd|pass\w{0,8}|token|cookie|otp|pin|k)\b[^\n]{0,100}(?:hexdigest\(\)|digest\([^)\n]{0,12}\)|md5\([^)\n]{0,20}\)|sha1\([^)\n]{0,20}\))[^\n]{0,20}(?:={2,3}|\.startswith\(|\.startsWith\()\s*["'][0-9a-f]{4,128}["']|(?:md5|sha1|sha256)\s*\(\s*\$\w{1,20}\s*\)\s*={2,3}\s*["'][0-9a-f]{8,}["']|(?:headers?|cookies?|req|request|params|query)\w{0,8}(?:\.get\(|\.header\(|\[|\.)\s*["']?x?[\w-]{2,30}["']?\s*[\])]{0,2}\s*={2,3}\s*["'][^"'\n$<{]{4,64}["'][^\n]{0,60}(?:return\s+(?:next\(\)|true|user|admin|await)|next\(|next\.\w{2,20}\(|is_?admin|role|\?\s*\{|superuser|True\b)|(?:endsWith|endswith|end_with\?|HasSuffix)\(\s*[^)\n]{0,30}["']@[a-z0-9.-]{4,60}["'][^\n]{0,80}(?:admin|role|staff|superuser|owner|true)|(?:admin|role|staff|superuser|owner)[^\n]{0,100}(?:endsWith|endswith|end_with\?|HasSuffix)\(\s*[^)\n]{0,30}["']@[a-z0-9.-]{4,60}["']|\b(?:password|passwd|pwd|pass|otp|pin)\s*={2,3}\s*["'][^"'\n$<{ ]{6,64}["'][^\n]{0,40}(?:\|\||\bor\b|return\s+(?:true|next|user)|\?)|(?:\|\||\bor\b)[^\n]{0,60}\b(?:password|passwd|pwd|pass|otp|pin|token)\s*={2,3}\s*["'][^"'\n$<{ ]{6,64}["']"#,
    )
});

/// What shall not be guessed is counted from the clock or from a number of the user.
static GUESSABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:token|secret|otp|invite|reset|session|nonce|api_?key|password|iv|salt)\w*[^\n]{0,120}(?:\bRandom\(\s*(?:int\()?(?:time\.|uid|user|id\b|\d)|NewSource\(\s*(?:time\.|uid|user|\d)|random\.seed\(\s*(?:int\()?(?:time|uid|user|\d)|Date\.now\(\)\s*/\s*[\d.e]+\s*\|\s*0|mt_srand\(|srand\(\s*(?:time|uid))|(?:hash|crypt)\w{0,20}[^\n]{0,40}\([^\n]{0,20}\b(?:pw|pass\w{0,5})\b[^\n]{0,120}\n?[^\n]{0,120}\b(?:pw|pass\w{0,5})\[:?\d|pbkdf2\w*\(\s*["']md5["'][^\n]{0,120},\s*1\s*[,)]"#,
    )
});

/// The web's own shell: what a request brings is run.
static WEB_SHELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\$\w{1,30}\s*\(\s*(?:base64_decode|gzinflate|str_rot13|hex2bin)?\s*\(?\s*\$_(?:POST|GET|REQUEST|COOKIE|SERVER)\b|\b(?:eval|assert|system|passthru|shell_exec|exec|popen)\s*\(\s*(?:base64_decode\s*\(\s*)?\$_(?:POST|GET|REQUEST|COOKIE|SERVER)\b|\$_(?:POST|GET|REQUEST|COOKIE|SERVER)\b[\s\S]{0,300}?\$\w{1,30}\s*\(\s*(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin)\s*\(|(?:exec|execSync|eval|spawn|os\.system|subprocess\.\w+|os\.popen|Function)\s*\(\s*(?:atob\(|Buffer\.from\(|base64\.b64decode\()?\s*(?:req|request)\.(?:query|body|headers|args|form|cookies|GET|POST|get_json)\b"#,
    )
});

/// Passwords as they are typed or sent.
static TYPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\$_POST\[["'](?:pwd|pass\w*|log)["']\]|\[type=["']?password|input\[name=["']?(?:pass|card|cvv|cc)|\.password\.value|(?:auth|login|pay|checkout)\|[a-z|]{3,60}/[^\n]{0,200}(?:clone\(\)|body)|addEventListener\(["'](?:submit|keydown|keyup|input)["'][\s\S]{0,300}?(?:sendBeacon|fetch\(|\.open\()\s*\(?\s*["'`](?:https?:)?//"#,
    )
});

/// What is shown to some visitors only.
static CLOAKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:googlebot|bingbot|bot\|crawl|/bot|google\|bing|spider)[^\n]{0,120}(?:userAgent|HTTP_USER_AGENT|referrer|HTTP_REFERER|\.test\()|(?:userAgent|HTTP_USER_AGENT|referrer|HTTP_REFERER|user-agent)[^\n]{0,120}(?:googlebot|bingbot|crawl|google\|bing|spider|google)"#,
    )
});

/// Links that a reader does not see.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:left|top|text-indent)\s*:\s*-\d{3,}(?:px|em|rem)|display\s*:\s*none[^\n]{0,60}<a\s|font-size\s*:\s*(?:0|1px)[^\n]{0,80}<a\s|aria-hidden=["']true["'][^\n]{0,60}<a\s+href=["']https?://"#,
    )
});

static LINKS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)<a\s[^>\n]{0,60}href=["']https?://([a-z0-9.-]{4,80})"#));

static SAYS_ADMIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)kind:\s*ClusterRoleBinding[\s\S]{0,400}?name:\s*cluster-admin[\s\S]{0,300}?(?:system:(?:anonymous|unauthenticated|authenticated)|name:\s*default\b|kind:\s*ServiceAccount)|name:\s*cluster-admin[\s\S]{0,200}?kind:\s*ServiceAccount|repo:\*[:/]|sub[^\n]{0,40}repo:\*|Principal[^\n]{0,30}\bAWS\b[^\n]{0,20}arn:aws:iam::\d{12}:root|\bprincipal[^\n]{0,20}[:=]\s*\[?\s*\{?[^\n]{0,20}[:=]?\s*["']\*["'][\s\S]{0,200}?AssumeRole"#,
    )
});

/// A repository or an account of one name may take on a role.
static TRUSTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\brepo:([a-z0-9][a-z0-9-]{1,38})/|attribute\.repository(?:_owner)?/([a-z0-9][a-z0-9-]{1,38})|arn:aws:iam::(\d{12}):(?:root|role/|user/)"#,
    )
});

/// What makes such a name one that is trusted.
static TRUSTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)AssumeRole|workloadIdentity|workload-identity|principalSet|federated|trust[-_ ]?polic|assume_role_policy|:sub\b",
    )
});

/// The desk or the shell of the machine is opened to whoever comes.
static DESK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)x11vnc\b[^\n]{0,80}-(?:nopw|forever)|vncserver[^\n]{0,60}SecurityTypes\s+None|\bttyd\b[^\n]{0,60}\b(?:ba|z)?sh\b|\bgotty\b[^\n]{0,60}-w\b|\bsshx\b|\btmate\b[^\n]{0,40}-F|\bwaypipe\b|rustdesk[^\n]{0,60}--password|anydesk[^\n]{0,60}--set-password|NoMachine",
    )
});

/// An address of one service is put into the path of another's.
static RELAYED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\$\{\s*\w{1,30}\.host(?:name)?\s*\}\s*\$\{\s*\w{1,30}\.path|\.netloc\b[^\n]{0,40}\.path|\.(?:replace|sub|gsub|replaceFirst)\(\s*["'/]https?:\\?/\\?/(?:api\.|)[\w.\\-]{4,40}["'/]\s*,|url\.Host\s*\+\s*\w{1,20}\.(?:Path|URL)"#,
    )
});
static BEARS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\bBearer\b|authorization|x-api-key|\w{2,20}_TOKEN\b|\w{2,20}_API_KEY\b")
});

/// A protection that is left out, each another one.
static WEAKENINGS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)verify\s*=\s*False|rejectUnauthorized\s*:\s*false|InsecureSkipVerify\s*:\s*true|CURLOPT_SSL_VERIFYPEER\s*,\s*(?:0|false)|NODE_TLS_REJECT",
        r#"(?i)verify_signature["']?\s*:\s*False|algorithms?["']?\s*[:=]\s*\[[^\]\n]{0,40}["']none["']|ignoreExpiration\s*:\s*true"#,
        r#"(?i)origin\s*:\s*(?:true|["']\*["'])[^\n]{0,60}credentials\s*:\s*true|Allow-Origin[^\n]{0,20}\*|CORS_ALLOW_ALL\w*\s*=\s*True|allow_origins\s*=\s*\["\*"\]"#,
        r"(?i)\bDEBUG\s*=\s*True|debug\s*:\s*true|werkzeug[^\n]{0,30}debug",
        r"(?i)pickle\.loads?\(|yaml\.load\([^)\n]{0,60}(?:Loader=yaml\.(?:Unsafe)?Loader|\))|unserialize\(\s*\$_|Marshal\.load",
        r"(?i)0\.0\.0\.0/0[^\n]{0,80}(?:22|3306|5432|6379)|(?:22|3306|5432|6379)[^\n]{0,80}0\.0\.0\.0/0|publicly_accessible\s*=\s*true|public-read",
        r"(?i)csrf\w*\s*[:=(]\s*\{?\s*(?:enabled\s*:\s*)?(?:false|disable)|csrf_exempt|WTF_CSRF_ENABLED\s*=\s*False|protect_from_forgery\s+with:\s*:null",
        r"(?i)httpOnly\s*:\s*false|secure\s*:\s*false|SESSION_COOKIE_(?:SECURE|HTTPONLY)\s*=\s*False|sameSite\s*:\s*['\x22]none",
        r"(?i)(?:md5|sha1)\(\s*[^)\n]{0,30}pass|createHash\(['\x22](?:md5|sha1)['\x22]\)[^\n]{0,40}pass",
        r"(?i)chmod\s+(?:-R\s+)?777|PermitRootLogin\s+yes|PasswordAuthentication\s+yes|StrictHostKeyChecking\s+no",
    ]
    .iter()
    .map(|text| pattern(text))
    .collect()
});

/// A name for an account that stands in the program.
static ACCOUNT_NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b([A-Za-z_]\w{1,40})(?:\s{0,2}:\s{0,2}[\w&'<>:\[\]]{1,30})?\s{0,3}(?::=|=)\s{0,3}(?:new\s|await\s)?(?:[\w.:]{1,40}(?:\(|!\())?\s{0,2}(?:payable\()?(?:0x[0-9a-fA-F]{40}\b|b?["'`](?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{30,60}|T[1-9A-HJ-NP-Za-km-z]{33}|[1-9A-HJ-NP-Za-km-z]{32,48}|[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?|acct_\w{8,30})["'`])"#,
    )
});
/// A name for a small part of an amount.
static SHARE_NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b([A-Za-z_]\w{0,40})(?:\s{0,2}:\s{0,2}[\w.]{1,20})?\s{0,3}(?::=|=)\s{0,3}[^\n;=]{0,60}?(?:\*\s{0,2}\d{1,3}(?:n|\.0)?\s{0,2}\)?\s{0,2}/{1,2}\s{0,2}(?:1_?0{2,5}|100)n?\b|\*\s{0,2}\(?(?:[\w.]{1,16}\(["'])?0?\.0\d{1,3}\b|\.mul\(\s{0,2}\d{1,3}n?\s{0,2}\)\.div\()"#,
    )
});
static MOVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)transfer|xfer|\bsend\w{0,16}\(|\bpay\w{0,10}\(|payout|lamports|call\{\s{0,2}value|outputs?\b|\.add\(|amount",
    )
});

/// A part of each payment goes to an account of the author's, of which the package does not speak.
fn shared_out(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    const TOLD: &[&str] = &[
        "split",
        "fee",
        "tip",
        "donat",
        "royalt",
        "commission",
        "affiliate",
        "share",
        "tithe",
        "provision",
        "gebühr",
        "comisi",
        "комисс",
        "手续费",
        "手数料",
        "수수료",
    ];
    // Money itself, and programs of a chain, stand there for everybody.
    const MONEY: &[&str] = &[
        "usd",
        "eur",
        "dai",
        "eth",
        "btc",
        "sol",
        "mint",
        "token",
        "program",
        "system",
        "router",
        "factory",
        "contract",
        "abi",
        "wallet_program",
        "ata",
        "pool",
        "zero",
    ];
    if TOLD.iter().any(|word| report.profile.purpose.contains(word)) {
        return;
    }
    let accounts = super::assembled::names(&ACCOUNT_NAMED, text);
    if accounts.is_empty() {
        return;
    }
    let shares = super::assembled::names(&SHARE_NAMED, text);
    for (at, account) in accounts {
        let lower = account.to_ascii_lowercase();
        if MONEY.iter().any(|word| lower.contains(word)) {
            continue;
        }
        let quoted = text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
        if is_blank(quoted) {
            continue;
        }
        let paid = text.lines().any(|line| {
            let has = |name: &str| {
                line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
            };
            has(account) && MOVES.is_match(line) && shares.iter().any(|(_, share)| has(share))
        });
        if paid {
            let message = format!(
                "a part of each payment goes to `{}`, an account that the program names",
                palisade_core::shown(account, 40)
            );
            report.say(&handed::PAYEE, Severity::High, Medium, at, message);
            return;
        }
    }
}

pub(super) fn look(report: &mut Report<'_>) {
    shared_out(report);
    let text = report.program.text.as_str();
    if let Some(payee) = PAYEE.find(text) {
        let around = redirect::near(text, payee.start());
        let named = ACCOUNTS
            .find(around)
            .is_some_and(|found| !is_blank(around.get(found.range()).unwrap_or_default()));
        let some = SOME.is_match(around)
            || ACCOUNTS.is_match(text) && SOME.is_match(text) && text.len() < 8_000;
        if named && some {
            let message = "some payments go to an account that the program names";
            report.say(&handed::PAYEE, Severity::High, Medium, payee.start(), message);
        } else if named && around.contains("acct_") {
            let message = "payments go to an account that the text names";
            report.say(&handed::PAYEE, Severity::High, Medium, payee.start(), message);
        }
    } else if let (Some(account), Some(some)) = (ACCOUNTS.find(text), SOME.find(text))
        && !is_blank(text.get(account.range()).unwrap_or_default())
        && account.start().abs_diff(some.start()) < 900
        && text.contains("bitcoin:")
    {
        let message = "some payments go to an account that the program names";
        report.say(&handed::PAYEE, Severity::High, Medium, account.start(), message);
    }
    if let Some(relabels) = RELABELS.find(text)
        && HASHED.is_match(redirect::near(text, relabels.start()))
    {
        let message = "some records, chosen by a count or a digest, get another value";
        report.say(&handed::ALTERED, Severity::High, Medium, relabels.start(), message);
    }
    let master = MASTER.find_iter(text).take(64).find(|master| {
        !super::doors::compares_with_protocol(text.get(master.range()).unwrap_or_default())
    });
    if let Some(master) = master {
        let message = "a fixed word, which the program holds, opens what a secret should open";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, master.start(), message);
    }
    if let Some(guess) = GUESSABLE.find(text) {
        let message =
            "what nobody shall guess is made from the clock or from a short part of the secret";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, guess.start(), message);
    }
    // A text that names it looks for it.
    if let Some(shell) =
        WEB_SHELL.find(text).filter(|_| !report.program.prose || text.trim().lines().count() > 3)
    {
        let message = "what a request brings is run";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, shell.start(), message);
    }
    if let Some(typed) = TYPED.find(text)
        && has_stranger(text, report)
    {
        let message = "what people type into a page goes to a stranger as well";
        report.say(&handed::TYPED, Severity::High, Medium, typed.start(), message);
    }
    if let Some(unseen) = UNSEEN.find(text) {
        let mut captures = LINKS.create_captures();
        LINKS.captures(redirect::near(text, unseen.start()), &mut captures);
        let around = redirect::near(text, unseen.start());
        let strange = captures
            .get_group(1)
            .and_then(|host| around.get(host.range()))
            .is_some_and(|host| redirect::is_handed(&host.to_ascii_lowercase(), report.profile));
        if strange {
            let message = "links that no reader sees lead to a stranger";
            report.say(&handed::CLOAKED, Severity::High, Medium, unseen.start(), message);
        }
    }
    if let Some(cloaked) = CLOAKED.find(text)
        && has_stranger(text, report)
    {
        let message = "visitors from a search engine are shown something else, from a stranger";
        report.say(&handed::CLOAKED, Severity::Medium, Medium, cloaked.start(), message);
    }
    if let Some(admin) = SAYS_ADMIN.find(text) {
        let named = !text.get(admin.range()).unwrap_or_default().contains(['<', '$']);
        let grave = text.get(admin.range()).unwrap_or_default();
        let grave = named
            && ["anonymous", "unauthenticated", "repo:*", ":root", "name: default"]
                .iter()
                .any(|word| grave.contains(word));
        let (severity, sure) =
            if grave { (Severity::High, Medium) } else { (Severity::Medium, Medium) };
        let message = "anybody, or an account that the text names, gets all rights";
        report.say(&handed::RIGHTS, severity, sure, admin.start(), message);
    }
    if TRUSTS.is_match(text) {
        let mut captures = TRUSTED.create_captures();
        TRUSTED.captures(text, &mut captures);
        let name = (1..4)
            .find_map(|group| captures.get_group(group))
            .and_then(|name| text.get(name.range()));
        if let (Some(whole), Some(name)) = (captures.get_match(), name)
            && !is_blank_name(name)
            && !report.profile.purpose.contains(&name.to_ascii_lowercase())
        {
            let message = format!(
                "`{}`, which the text names, may take on a role",
                palisade_core::shown(name, 40)
            );
            report.say(&handed::RIGHTS, Severity::High, Medium, whole.start(), message);
        }
    }
    if let Some(desk) = DESK.find(text)
        && has_stranger(text, report)
    {
        let message = "the desk or the shell of the machine is opened, and a stranger is told";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, desk.start(), message);
    }
    if let Some(relayed) = RELAYED.find(text)
        && BEARS.is_match(text)
        && has_stranger(text, report)
    {
        let message = "calls to a service go through a stranger, with their token";
        report.say(&handed::TOKEN, Severity::High, Medium, relayed.start(), message);
    }
    let weak: Vec<usize> = WEAKENINGS
        .iter()
        .filter_map(|pattern| pattern.find(text))
        .map(|found| found.start())
        .collect();
    if weak.len() >= 4
        && let Some(first) = weak.iter().min()
    {
        let message = "several protections are left out of what goes into the user's product";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, *first, message);
    }
}

static HASHED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:h|hash\w*|digest\w*|crc\w*|md5|sha\w{0,4})(?:\[[^\]\n]{0,12}\]|,\s*16\s*\)|\))*\s*%\s*\d+\s*={2,3}\s*\d|hash\([^)\n]{0,40}\)\s*%\s*\d+",
    )
});

/// A name of an organisation, or a number of an account, that the user has to fill in.
fn is_blank_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "acme"
            | "org"
            | "owner"
            | "orgname"
            | "organization"
            | "octo-org"
            | "octo-organization"
            | "example"
            | "company"
            | "contoso"
            | "user"
            | "username"
            | "github"
            | "actions"
            | "aws-actions"
            | "team"
            | "foo"
            | "123456789012"
            | "111122223333"
            | "111111111111"
            | "000000000000"
            | "999999999999"
            | "012345678901"
            | "444455556666"
            | "222222222222"
    ) || lower.split(['-', '_']).all(|part| {
        // A word for whoever reads it: `YOU`, `your-org`, `OWNER_NAME`.
        matches!(
            part,
            "you"
                | "your"
                | "yours"
                | "me"
                | "my"
                | "own"
                | "owner"
                | "org"
                | "organisation"
                | "organization"
                | "user"
                | "name"
                | "login"
                | "account"
                | "group"
                | "company"
                | "team"
                | "project"
                | "customer"
                | "client"
                | "tenant"
                | "namespace"
                | "repo"
                | "the"
                | "here"
        )
    }) || ["your", "my-", "myorg", "example", "placeholder"].iter().any(|word| lower.contains(word))
}

/// An account that stands for the user's own.
fn is_blank(account: &str) -> bool {
    let lower = account.to_ascii_lowercase();
    ["your", "xxx", "1234567890", "dead", "example1", "acct_123", "placeholder", "..."]
        .iter()
        .any(|word| lower.contains(word))
        || lower.trim_matches(['"', '\'', '`']).trim_start_matches("0x").chars().all(|c| c == '0')
}

fn has_stranger(text: &str, report: &Report<'_>) -> bool {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?i)(?:https?:)?//([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,5})"#)
    });
    let mut captures = ADDRESS.create_captures();
    let mut from = 0;
    for _ in 0..64 {
        ADDRESS.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let (Some(whole), Some(host)) = (captures.get_match(), captures.get_group(1)) else {
            return false;
        };
        from = whole.end();
        let host = text.get(host.range()).unwrap_or_default().to_ascii_lowercase();
        if redirect::is_handed(&host, report.profile) {
            return true;
        }
    }
    false
}
