//! Hosts and addresses that a text names.

use std::sync::LazyLock;

use crate::pattern::{Regex, pattern};

static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:h(?:tt|xx)ps?|wss?|s?ftps?|tcp|udp|ssh|git|rsync|smb|nats|mqtts?|amqps?|s3)(?:\[:\]|:)//[^\s<>\x22'`\)\]\}|,]+",
    )
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
        // `com.my.app` names a program, the other way round.
        if ["com.", "org.", "io.", "net.", "dev.", "de.", "edu."]
            .iter()
            .any(|start| host.to_ascii_lowercase().starts_with(start))
        {
            continue;
        }
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
        // The names of a cluster's own services.
        || host.ends_with(".svc")
        || host == "kubernetes.default"
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
        "script.google.com",
        "script.googleusercontent.com",
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
            && !is_vendor(host)
}

/// Services and tools that are used everywhere under their own names: where data goes that a user has there,
/// and where their installers come from.
const SERVICES: &[&str] = &[
    "chezmoi.io",
    "scoop.sh",
    "sdkman.io",
    "determinate.systems",
    "starship.rs",
    "mise.run",
    "mise.jdx.dev",
    "atuin.sh",
    "volta.sh",
    "tailscale.com",
    "k3s.io",
    "rclone.org",
    "pulumi.com",
    "zed.dev",
    "doppler.com",
    "grafana.com",
    "render.com",
    "convex.dev",
    "turso.tech",
    "ohmyz.sh",
    "python-poetry.org",
    "pdm-project.org",
    "pixi.sh",
    "prefix.dev",
    "anaconda.com",
    "anaconda.org",
    "conda.io",
    "mamba.pm",
    "julialang.org",
    "haskell.org",
    "ocaml.org",
    "elixir-lang.org",
    "erlang.org",
    "swift.org",
    "dart.dev",
    "flutter.dev",
    "wasmer.io",
    "wasmtime.dev",
    "dagger.io",
    "earthly.dev",
    "taskfile.dev",
    "just.systems",
    "linkerd.io",
    "istio.io",
    "cilium.io",
    "k6.io",
    "aquasec.com",
    "semgrep.dev",
    "snyk.io",
    "codecov.io",
    "circleci.com",
    "buildkite.com",
    "lix.systems",
    "cursor.com",
    "opencode.ai",
    "duckdb.org",
    "clickhouse.com",
    "cockroachlabs.com",
    "planetscale.com",
    "neon.tech",
    "surrealdb.com",
    "questdb.io",
    "meilisearch.com",
    "qdrant.tech",
    "paradigm.xyz",
    "solana.com",
    "anza.xyz",
    "acme.sh",
    "letsencrypt.org",
    "pi-hole.net",
    "netdata.cloud",
    "coollabs.io",
    "casaos.io",
    "jdx.dev",
    "fnm.vercel.app",
    "nvm.sh",
    "rvm.io",
    "rbenv.org",
    "pyenv.run",
    "sentry.io",
    "expo.dev",
    "ghcup.haskell.org",
    "packagecloud.io",
    "postgresql.org",
    "mysql.com",
    "mongodb.com",
    "redis.io",
    "redis.com",
    "elastic.co",
    "influxdata.com",
    "rabbitmq.com",
    "nginx.org",
    "nginx.com",
    "caddyserver.com",
    "traefik.io",
    "zerotier.com",
    "wireguard.com",
    "openvpn.net",
    "teleport.sh",
    "goteleport.com",
    "hetzner.com",
    "hetzner.cloud",
    "digitalocean.com",
    "linode.com",
    "vultr.com",
    "ovh.com",
    "scaleway.com",
    "backblazeb2.com",
    "wasabisys.com",
    "hubspot.com",
    "hubapi.com",
    "airtable.com",
    "asana.com",
    "trello.com",
    "monday.com",
    "zoom.us",
    "dropbox.com",
    "dropboxapi.com",
    "box.com",
    "mailchimp.com",
    "sendgrid.com",
    "mailgun.net",
    "mailgun.org",
    "postmarkapp.com",
    "twilio.com",
    "shopify.com",
    "myshopify.com",
    "paypal.com",
    "squareup.com",
    "plaid.com",
    "xero.com",
    "intuit.com",
    "salesforce.com",
    "force.com",
    "zendesk.com",
    "intercom.io",
    "freshdesk.com",
    "pagerduty.com",
    "opsgenie.com",
    "datadoghq.com",
    "datadoghq.eu",
    "newrelic.com",
    "bugsnag.com",
    "honeycomb.io",
    "segment.com",
    "mixpanel.com",
    "amplitude.com",
    "posthog.com",
    "figma.com",
    "canva.com",
    "miro.com",
    "spotify.com",
    "youtube.com",
    "twitter.com",
    "x.com",
    "reddit.com",
    "linkedin.com",
    "licdn.com",
    "facebook.net",
    "ads-twitter.com",
    "redditstatic.com",
    "pinimg.com",
    "sc-static.net",
    "facebook.com",
    "instagram.com",
    "whatsapp.com",
    "deepl.com",
    "elevenlabs.io",
    "replicate.com",
    "stability.ai",
    "cohere.com",
    "cohere.ai",
    "mistral.ai",
    "groq.com",
    "perplexity.ai",
    "together.xyz",
    "together.ai",
    "fireworks.ai",
    "openrouter.ai",
    "deepseek.com",
    "moonshot.cn",
    "aliyuncs.com",
    "dashscope.aliyuncs.com",
    "baidu.com",
    "qq.com",
    "weixin.qq.com",
    "tencentcloudapi.com",
    "feishu.cn",
    "larksuite.com",
    "dingtalk.com",
    "wandb.ai",
    "kaggle.com",
    "arxiv.org",
    "semanticscholar.org",
    "crossref.org",
    "openalex.org",
    "unpaywall.org",
    "doi.org",
    "nih.gov",
    "worldbank.org",
    "open-meteo.com",
    "openweathermap.org",
    "weatherapi.com",
    "wttr.in",
    "openstreetmap.org",
    "mapbox.com",
    "here.com",
    "tomtom.com",
    "etherscan.io",
    "infura.io",
    "cloudflare-eth.com",
    "publicnode.com",
    "mempool.space",
    "blockstream.info",
    "alchemy.com",
    "coingecko.com",
    "coinmarketcap.com",
    "coinbase.com",
    "binance.com",
    "kraken.com",
    "alphavantage.co",
    "finnhub.io",
    "polygon.io",
    "europa.eu",
    "bitbucket.org",
    "codeberg.org",
    "sr.ht",
    "gitea.com",
    "jenkins.io",
    "travis-ci.com",
    "sonarcloud.io",
    "haveibeenpwned.com",
    "archive.org",
    "web.archive.org",
    "crt.sh",
    "shodan.io",
    "censys.io",
    "virustotal.com",
    "abuse.ch",
    "urlscan.io",
    "greynoise.io",
    "ipinfo.io",
    "tavily.com",
    "serper.dev",
    "serpapi.com",
    "exa.ai",
    "firecrawl.dev",
    "brave.com",
    "duckduckgo.com",
    "bing.com",
    "todoist.com",
    "clickup.com",
    "evernote.com",
    "readwise.io",
    "raindrop.io",
    "getpocket.com",
    "strava.com",
    "fitbit.com",
    "home-assistant.io",
    "philips-hue.com",
    "meethue.com",
    "icloud.com",
    "outlook.com",
    "office.com",
    "live.com",
    "office365.com",
    "fastmail.com",
    "protonmail.com",
    "proton.me",
    "gmail.com",
    "1password.com",
    "bitwarden.com",
    "lastpass.com",
    "auth0.com",
    "okta.com",
    "clerk.com",
    "workos.com",
    "cloudinary.com",
    "imgur.com",
    "unsplash.com",
    "pexels.com",
    "pixabay.com",
    "giphy.com",
    "fal.ai",
    "runwayml.com",
    "suno.ai",
    "assemblyai.com",
    "deepgram.com",
    "voyageai.com",
    "pinecone.io",
    "weaviate.io",
    "langchain.com",
    "langsmith.com",
    "llamaindex.ai",
    "vllm.ai",
    "nvidia.com",
    "amd.com",
    "intel.com",
    "arm.com",
    "jsr.io",
    "esm.sh",
    "skypack.dev",
    "cloudflare.net",
    "cloudflarestorage.com",
    "fastly.com",
    "fastly.net",
    "akamai.com",
    "bunny.net",
    "shields.io",
    "badge.fury.io",
    "img.shields.io",
    "schema.org",
    "owasp.org",
    "mitre.org",
    "nist.gov",
    "cve.org",
    "osv.dev",
    "deps.dev",
    "sigstore.dev",
    "tldr.sh",
    "chatgpt.com",
    "papermc.io",
    "wordpress.org",
    "wp-cli.org",
    "nodesource.com",
    "hc-ping.com",
    "healthchecks.io",
    "uptimerobot.com",
    "betterstack.com",
    "cronitor.io",
    "bsky.social",
    "bsky.app",
    "mastodon.social",
    "threads.net",
    "pinterest.com",
    "tiktok.com",
    "buffer.com",
    "rvm.io",
    "cheat.sh",
];

/// Hosts whose installers and packages are used everywhere.
pub(crate) fn is_vendor(host: &str) -> bool {
    // Whole ends that one vendor holds.
    const ENDS: &[&str] = &[".google", ".microsoft", ".apple", ".aws", ".azure", ".android"];
    if ENDS.iter().any(|end| host.ends_with(end)) {
        return true;
    }
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
    VENDORS.iter().chain(SERVICES).any(|known| {
        host == *known || host.strip_suffix(known).is_some_and(|before| before.ends_with('.'))
    })
}
