//! Hosts and addresses that a text names.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use crate::pattern::pattern;

static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:h(?:tt|xx)ps?|wss?|ftps?|tcp|ssh|git)(?:\[:\]|:)//[^\s<>\x22'`\)\]\}|,]+")
});

static BARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:[a-z0-9_](?:[a-z0-9-]{0,62})\.)+(?:com|net|org|io|dev|app|ai|co|me|xyz|top|site|online|club|info|biz|ru|cn|tk|ml|ga|cf|gq|sh|gg|cc|pw|ws|su|to|in|live|cloud|host|space|store|tech|link|click|zip|mov|example|test|invalid|local|lan|onion|eu|de|fr|uk|us|nl|se|ch|is|it|br|jp|kr|pl|ua|icu|pro|fun|win|tools|services|systems|network|monster|lol|icu|fyi|run|page|zone|agency|digital|world|today|support|security|email|solutions|group|team|works|website|vip|buzz)\b",
    )
});

static MAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b[a-z0-9._%+-]{1,64}(?:@| ?\[at\] ?)[a-z0-9-]{1,63}(?:(?:\.| ?\[dot\] ?)[a-z0-9-]{1,63}){1,6}\b",
    )
});

/// Where a URL stands in a text: host and the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) host: String,
    pub(crate) whole: String,
}

/// The URLs of a text. `hxxp` and `[.]` are read as what they stand for.
pub(crate) fn urls(text: &str) -> Vec<Url> {
    const MOST: usize = 64;
    URL.find_iter(text)
        .take(MOST)
        .filter_map(|found| {
            let whole = text.get(found.range())?;
            let rest = whole.split_once("//")?.1;
            let authority = rest.split(['/', '?', '#', '\\']).next()?;
            let authority = authority.rsplit('@').next()?;
            let host = match authority.strip_prefix('[') {
                Some(six) => six.split(']').next()?,
                None => authority.split(':').next()?,
            };
            let host = host.replace("[.]", ".").trim_end_matches(['.', '*', '_']).to_lowercase();
            (!host.is_empty()).then(|| Url { host, whole: whole.to_owned() })
        })
        .collect()
}

/// The hosts that a text names in URLs, or bare.
pub(crate) fn hosts(text: &str) -> Vec<String> {
    let mut hosts: Vec<String> = urls(text).into_iter().map(|url| url.host).collect();
    const MOST: usize = 64;
    for found in BARE.find_iter(text).take(MOST) {
        let Some(host) = text.get(found.range()) else { continue };
        let before = found.start().checked_sub(1).and_then(|at| text.as_bytes().get(at));
        // The host of a URL was taken; of `user@host` only mail programs make a host.
        if matches!(before, Some(b'/' | b'.' | b'_' | b'-' | b'$')) || is_file(host) {
            continue;
        }
        // Code has dots too: `process.env.to`.
        let after = text.get(found.end()..).and_then(|text| text.chars().next());
        if matches!(after, Some('(' | '[' | '=' | '_')) {
            continue;
        }
        hosts.push(host.to_lowercase());
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Names of files that look like hosts.
fn is_file(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    [
        ".sh",
        ".app",
        ".zip",
        ".mov",
        ".run",
        ".is",
        ".it",
        ".in",
        ".to",
        ".me",
        ".test",
        ".local",
        ".page",
        ".link",
        ".pl",
        ".support",
        ".security",
        ".email",
        ".host",
        ".store",
        ".network",
        ".group",
        ".team",
        ".services",
        ".info",
        ".pro",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
        && lower.matches('.').count() < 2
        || ["claude.ai", "node.js", "next.js"].contains(&lower.as_str())
}

/// Mail addresses.
pub(crate) fn mails(text: &str) -> Vec<String> {
    MAIL.find_iter(text)
        .take(16)
        .filter_map(|found| text.get(found.range()).map(str::to_lowercase))
        .collect()
}

/// Is this the machine itself or a private network?
pub(crate) fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(".local")
        || host.ends_with(".internal")
        || host == "::1"
        || host == "host.docker.internal"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.is_loopback() || ip.is_private() || ip.is_unspecified())
}

/// Is this an address without a name, reachable from everywhere?
pub(crate) fn is_bare(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok() && !is_local(host)
}

/// Hosts that anybody can put anything on, or that pass everything on to somebody unnamed.
pub(crate) fn is_anyones(host: &str) -> bool {
    const ANYONES: &[&str] = &[
        "pastebin.com",
        "paste.ee",
        "rentry.co",
        "rentry.org",
        "hastebin.com",
        "glot.io",
        "ghostbin.com",
        "dpaste.org",
        "dpaste.com",
        "0x0.st",
        "transfer.sh",
        "file.io",
        "gofile.io",
        "anonfiles.com",
        "termbin.com",
        "ix.io",
        "sprunge.us",
        "controlc.com",
        "justpaste.it",
        "catbox.moe",
        "temp.sh",
        "bashupload.com",
        "oshi.at",
        "webhook.site",
        "requestbin.com",
        "requestbin.net",
        "pipedream.net",
        "ngrok.io",
        "ngrok.app",
        "ngrok-free.app",
        "ngrok.dev",
        "beeceptor.com",
        "interact.sh",
        "oast.fun",
        "oast.pro",
        "oast.live",
        "oast.me",
        "oast.site",
        "oast.online",
        "burpcollaborator.net",
        "oastify.com",
        "canarytokens.com",
        "trycloudflare.com",
        "serveo.net",
        "localhost.run",
        "requestcatcher.com",
        "postb.in",
        "hookbin.com",
        "loca.lt",
        "bit.ly",
        "tinyurl.com",
        "t.co",
        "is.gd",
        "cutt.ly",
        "rb.gy",
        "shorturl.at",
        "ow.ly",
        "gist.githubusercontent.com",
        "gist.github.com",
        "cdn.discordapp.com",
        "discord.com",
        "discordapp.com",
        "api.telegram.org",
        "t.me",
        "mega.nz",
        "mediafire.com",
        "sendspace.com",
        "wetransfer.com",
        "pixeldrain.com",
        "duckdns.org",
        "no-ip.org",
        "ddns.net",
        "hopto.org",
        "workers.dev",
        "pages.dev",
        "glitch.me",
        "replit.app",
        "repl.co",
        "onrender.com",
        "surge.sh",
    ];
    ANYONES.iter().any(|known| {
        host == *known || host.strip_suffix(known).is_some_and(|before| before.ends_with('.'))
    }) || host.ends_with(".onion")
        || [
            "tk", "ml", "ga", "cf", "gq", "xyz", "top", "icu", "pw", "su", "buzz", "monster",
            "click",
        ]
        .iter()
        .any(|end| host.ends_with(&format!(".{end}")))
}

/// Hosts whose installers and packages are used everywhere.
pub(crate) fn is_vendor(host: &str) -> bool {
    const VENDORS: &[&str] = &[
        "github.com",
        "githubusercontent.com",
        "githubassets.com",
        "gitlab.com",
        "npmjs.com",
        "npmjs.org",
        "pypi.org",
        "pythonhosted.org",
        "crates.io",
        "rust-lang.org",
        "rustup.rs",
        "golang.org",
        "go.dev",
        "python.org",
        "nodejs.org",
        "deno.land",
        "deno.com",
        "bun.sh",
        "astral.sh",
        "brew.sh",
        "docker.com",
        "docker.io",
        "kubernetes.io",
        "k8s.io",
        "helm.sh",
        "google.com",
        "googleapis.com",
        "gstatic.com",
        "microsoft.com",
        "azure.com",
        "windows.net",
        "aka.ms",
        "visualstudio.com",
        "amazon.com",
        "amazonaws.com",
        "aws.amazon.com",
        "apple.com",
        "anthropic.com",
        "claude.com",
        "claude.ai",
        "openai.com",
        "mozilla.org",
        "debian.org",
        "ubuntu.com",
        "redhat.com",
        "fedoraproject.org",
        "archlinux.org",
        "alpinelinux.org",
        "nixos.org",
        "apache.org",
        "gnu.org",
        "kernel.org",
        "hashicorp.com",
        "terraform.io",
        "cloudflare.com",
        "vercel.com",
        "netlify.com",
        "heroku.com",
        "stripe.com",
        "slack.com",
        "atlassian.com",
        "notion.com",
        "notion.so",
        "linear.app",
        "huggingface.co",
        "wikipedia.org",
        "mozilla.com",
        "w3.org",
        "ietf.org",
        "stackoverflow.com",
        "readthedocs.io",
        "jsdelivr.net",
        "unpkg.com",
        "cdnjs.cloudflare.com",
        "get.pnpm.io",
        "pnpm.io",
        "yarnpkg.com",
        "jetbrains.com",
        "oracle.com",
        "java.com",
        "gradle.org",
        "maven.org",
        "ruby-lang.org",
        "rubygems.org",
        "php.net",
        "getcomposer.org",
        "fly.io",
        "railway.app",
        "supabase.com",
        "openclaw.ai",
        "clawhub.ai",
        "clawhub.com",
        "modelcontextprotocol.io",
        "agentskills.io",
        "ollama.com",
        "ollama.ai",
    ];
    VENDORS.iter().any(|known| {
        host == *known || host.strip_suffix(known).is_some_and(|before| before.ends_with('.'))
    })
}
