//! What is known of a host by its name alone.

/// The mark of an unknown part in a pattern.
pub(crate) const HOLE: char = '\u{fffc}';
pub(crate) const HOLE_TEXT: &str = "\u{fffc}";

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// A place where a known vendor serves installers or an interface.
    Known,
    /// Anybody can put a file there under somebody's name: repository hosts, buckets.
    Shared,
    /// Made to receive or to pass on data without a name: request bins, pastes, tunnels.
    Drop,
    /// It hides the real address.
    Shortener,
    /// A bare public address.
    Address,
    Plain,
}

/// The host of an address, in lower case and without port; `None` if it is not known.
///
/// A name whose first labels are computed gives the known rest: `{data}.example.org`.
pub(crate) fn host_of(address: &str) -> Option<String> {
    let address = address.trim();
    let after = match address.split_once("://") {
        Some((_, rest)) => rest,
        None => address.strip_prefix("//").unwrap_or(address),
    };
    let authority = after.split(['/', '?', '#', '\\', ' ', '"', '\'']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let known = match host.rfind(HOLE) {
        Some(at) => host.get(at + HOLE.len_utf8()..)?.trim_start_matches(['.', '-']).to_owned(),
        None => host,
    };
    let shape = known.contains('.') || known == "localhost" || known.contains(':');
    let clean = known.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    (shape && clean && !known.starts_with('.')).then_some(known)
}

/// Does the text look like an address of the web?
pub(crate) fn is_address(text: &str) -> bool {
    let text = text.trim_start();
    ["http://", "https://", "ws://", "wss://", "ftp://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// What is known of the host.
pub(crate) fn standing(host: &str) -> Standing {
    if let Some(standing) = of_address(host) {
        return standing;
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Standing::Loopback;
    }
    let reserved = [".internal", ".local", ".lan", ".home.arpa", ".svc", ".localdomain"];
    if reserved.iter().any(|end| host.ends_with(end)) {
        return Standing::Private;
    }
    // A vendor's installer at a host that it shares with others.
    if KNOWN.contains(&host) {
        return Standing::Known;
    }
    for (list, standing) in [
        (DROPS, Standing::Drop),
        (SHORTENERS, Standing::Shortener),
        (SHARED, Standing::Shared),
        (KNOWN, Standing::Known),
    ] {
        if list.iter().any(|name| is_within(host, name)) {
            return standing;
        }
    }
    match crate::text::is_vendor(host) {
        true => Standing::Known,
        false => Standing::Plain,
    }
}

/// Is the host this domain or below it?
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn of_address(host: &str) -> Option<Standing> {
    let host = decimal(host).unwrap_or_else(|| host.to_owned());
    let address: std::net::IpAddr = host.parse().ok()?;
    Some(match address {
        std::net::IpAddr::V4(v4) if v4.is_loopback() || v4.is_unspecified() => Standing::Loopback,
        std::net::IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => Standing::Private,
        std::net::IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() => Standing::Loopback,
        std::net::IpAddr::V6(v6) if v6.is_unique_local() => Standing::Private,
        _ => Standing::Address,
    })
}

/// `3221225985` and `0xC0000201` are addresses too.
fn decimal(host: &str) -> Option<String> {
    let number = match host.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None if host.len() > 6 => host.parse().ok()?,
        None => return None,
    };
    Some(std::net::Ipv4Addr::from(number).to_string())
}

/// What is known of a whole address: some hosts serve everybody, and the path says whom.
pub(crate) fn standing_of(address: &str) -> Option<Standing> {
    let lower = address.to_ascii_lowercase();
    let host = host_of(&lower)?;
    let literal = |after: &str| {
        lower
            .split_once(after)
            .and_then(|(_, rest)| rest.chars().next())
            .is_some_and(|c| c.is_ascii_digit())
    };
    // A hard-coded chat belongs to whoever wrote the code.
    if is_within(&host, "discord.com") || is_within(&host, "discordapp.com") {
        if literal("/api/webhooks/") {
            return Some(Standing::Drop);
        }
    } else if host == "api.telegram.org" && literal("/bot") {
        return Some(Standing::Drop);
    }
    Some(standing(&host))
}

/// The domains that may be given a variable of this name; `None` if its name says no vendor.
pub(crate) fn issuers(variable: &str) -> Option<&'static [&'static str]> {
    let upper = variable.to_ascii_uppercase();
    ISSUERS
        .iter()
        .find(|(prefix, _)| {
            upper.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
        .map(|(_, domains)| *domains)
}

/// Does the name say that a secret is in it?
pub(crate) fn is_secret_name(variable: &str) -> bool {
    let upper = variable.to_ascii_uppercase();
    [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "PRIVATE",
        "AUTH",
        "COOKIE",
        "SESSION",
        "MNEMONIC",
        "SEED",
        "_PAT",
        "_PWD",
        "DATABASE_URL",
        "DSN",
    ]
    .iter()
    .any(|word| upper.contains(word))
}

/// Has the host a word in common with the variable's name: `FOO_API_KEY` and `api.foo.io`?
pub(crate) fn is_namesake(variable: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split(['.', '-']).collect();
    variable.to_ascii_lowercase().split('_').any(|word| {
        word.len() >= 3
            && !GENERIC_WORDS.contains(&word)
            && labels
                .iter()
                .any(|label| label.contains(word) || (label.len() >= 4 && word.contains(label)))
    })
}

const GENERIC_WORDS: &[&str] = &[
    "api", "key", "token", "secret", "access", "auth", "app", "user", "http", "https", "url",
    "password", "private", "public", "service", "account", "com", "org", "net", "www", "dev",
];

const ISSUERS: &[(&str, &[&str])] = &[
    ("AWS", &["amazonaws.com", "aws.amazon.com", "amazonaws.com.cn", "awsapps.com"]),
    (
        "AZURE",
        &[
            "azure.com",
            "windows.net",
            "microsoft.com",
            "microsoftonline.com",
            "azure.net",
            "azure-api.net",
        ],
    ),
    ("GOOGLE", &["googleapis.com", "google.com", "gcr.io", "withgoogle.com"]),
    ("GEMINI", &["googleapis.com", "google.com"]),
    ("GCP", &["googleapis.com", "google.com"]),
    (
        "GITHUB",
        &[
            "github.com",
            "githubusercontent.com",
            "ghcr.io",
            "githubcopilot.com",
            "models.github.ai",
        ],
    ),
    ("GH", &["github.com", "githubusercontent.com", "ghcr.io"]),
    ("GITLAB", &["gitlab.com"]),
    ("OPENAI", &["openai.com", "azure.com", "openrouter.ai", "chatgpt.com"]),
    ("ANTHROPIC", &["anthropic.com", "claude.ai", "claude.com"]),
    ("CLAUDE", &["anthropic.com", "claude.ai", "claude.com"]),
    ("NPM", &["npmjs.org", "npmjs.com"]),
    ("PYPI", &["pypi.org"]),
    ("TWINE", &["pypi.org"]),
    ("CARGO", &["crates.io"]),
    ("STRIPE", &["stripe.com"]),
    ("SLACK", &["slack.com"]),
    ("DISCORD", &["discord.com", "discordapp.com"]),
    ("TELEGRAM", &["telegram.org"]),
    ("CLOUDFLARE", &["cloudflare.com"]),
    ("HEROKU", &["heroku.com", "herokuapp.com"]),
    ("DIGITALOCEAN", &["digitalocean.com", "digitaloceanspaces.com"]),
    ("DOCKER", &["docker.com", "docker.io"]),
    ("HF", &["huggingface.co", "hf.co"]),
    ("HUGGINGFACE", &["huggingface.co", "hf.co"]),
    ("VERCEL", &["vercel.com"]),
    ("NETLIFY", &["netlify.com"]),
    ("SENDGRID", &["sendgrid.com"]),
    ("TWILIO", &["twilio.com"]),
    ("OPENROUTER", &["openrouter.ai"]),
    ("SSH", &[]),
    ("MNEMONIC", &[]),
    ("SEED_PHRASE", &[]),
    ("WALLET_PRIVATE_KEY", &[]),
    ("DATABASE_URL", &[]),
];

/// Receivers of data without a name.
const DROPS: &[&str] = &[
    "webhook.site",
    "requestbin.com",
    "requestbin.net",
    "pipedream.net",
    "requestcatcher.com",
    "beeceptor.com",
    "hookbin.com",
    "postb.in",
    "ptsv2.com",
    "ptsv3.com",
    "interact.sh",
    "interactsh.com",
    "oast.fun",
    "oast.pro",
    "oast.live",
    "oast.me",
    "oast.online",
    "oast.site",
    "oastify.com",
    "burpcollaborator.net",
    "dnslog.cn",
    "ceye.io",
    "canarytokens.com",
    "ngrok.io",
    "ngrok.app",
    "ngrok-free.app",
    "ngrok-free.dev",
    "ngrok.dev",
    "trycloudflare.com",
    "loca.lt",
    "localhost.run",
    "lhr.life",
    "serveo.net",
    "localtunnel.me",
    "bore.pub",
    "pagekite.me",
    "pinggy.link",
    "pastebin.com",
    "paste.ee",
    "hastebin.com",
    "rentry.co",
    "rentry.org",
    "dpaste.com",
    "dpaste.org",
    "ghostbin.com",
    "termbin.com",
    "ix.io",
    "0x0.st",
    "sprunge.us",
    "paste.rs",
    "controlc.com",
    "glot.io",
    "transfer.sh",
    "file.io",
    "bashupload.com",
    "temp.sh",
    "oshi.at",
    "gofile.io",
    "anonfiles.com",
    "catbox.moe",
    "litterbox.catbox.moe",
    "tmpfiles.org",
    "uguu.se",
    "pixeldrain.com",
    "filebin.net",
    "ufile.io",
    "mega.nz",
    "wetransfer.com",
    "send.vis.ee",
    "duckdns.org",
    "no-ip.org",
    "no-ip.com",
    "hopto.org",
    "zapto.org",
    "ddns.net",
    "dynu.net",
    "serveftp.com",
    "sytes.net",
    "myftp.org",
    "onion",
    "onion.to",
    "onion.ws",
    "i2p",
    "cdn.discordapp.com",
    "media.discordapp.net",
    "smee.io",
    "hookdeck.com",
    "svix.com",
    "typedwebhook.tools",
    "webhook.cool",
    "mockbin.org",
    "requestinspector.com",
    "glitch.me",
    "repl.co",
    "replit.dev",
    "surge.sh",
    "rawcdn.githack.com",
    "raw.githack.com",
];

const SHORTENERS: &[&str] = &[
    "bit.ly",
    "tinyurl.com",
    "goo.gl",
    "t.co",
    "is.gd",
    "v.gd",
    "ow.ly",
    "buff.ly",
    "rb.gy",
    "cutt.ly",
    "shorturl.at",
    "tiny.cc",
    "rebrand.ly",
    "t.ly",
    "s.id",
    "bl.ink",
    "short.io",
    "u.to",
    "qr.ae",
    "soo.gd",
    "clck.ru",
];

/// Places where anybody has files.
const SHARED: &[&str] = &[
    "raw.githubusercontent.com",
    "gist.githubusercontent.com",
    "gist.github.com",
    "github.com",
    "objects.githubusercontent.com",
    "codeload.github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "sourceforge.net",
    "s3.amazonaws.com",
    "storage.googleapis.com",
    "blob.core.windows.net",
    "r2.dev",
    "github.io",
    "gitlab.io",
    "netlify.app",
    "vercel.app",
    "pages.dev",
    "workers.dev",
    "herokuapp.com",
    "web.app",
    "firebaseapp.com",
    "onrender.com",
    "fly.dev",
    "railway.app",
    "azurewebsites.net",
    "cloudfront.net",
    "cdn.jsdelivr.net",
    "unpkg.com",
    "esm.sh",
    "drive.google.com",
    "docs.google.com",
    "dropbox.com",
    "dl.dropboxusercontent.com",
    "huggingface.co",
    "archive.org",
];

/// Vendors whose installers and interfaces many use.
const KNOWN: &[&str] = &[
    "sh.rustup.rs",
    "rustup.rs",
    "static.rust-lang.org",
    "astral.sh",
    "bun.sh",
    "bun.com",
    "deno.land",
    "deno.com",
    "get.docker.com",
    "docker.com",
    "docker.io",
    "get.pnpm.io",
    "pnpm.io",
    "install.python-poetry.org",
    "python-poetry.org",
    "nodejs.org",
    "npmjs.com",
    "npmjs.org",
    "registry.npmjs.org",
    "yarnpkg.com",
    "pypi.org",
    "files.pythonhosted.org",
    "bootstrap.pypa.io",
    "pypa.io",
    "python.org",
    "rubygems.org",
    "crates.io",
    "get.rvm.io",
    "get.sdkman.io",
    "sdkman.io",
    "get.helm.sh",
    "helm.sh",
    "k8s.io",
    "dl.k8s.io",
    "pkgs.k8s.io",
    "kubernetes.io",
    "get.k3s.io",
    "k3s.io",
    "istio.io",
    "fluxcd.io",
    "cli.github.com",
    "api.github.com",
    "ghcr.io",
    "githubcopilot.com",
    "claude.ai",
    "claude.com",
    "anthropic.com",
    "openai.com",
    "chatgpt.com",
    "ollama.com",
    "ollama.ai",
    "googleapis.com",
    "google.com",
    "googlesource.com",
    "cloud.google.com",
    "dl.google.com",
    "golang.org",
    "go.dev",
    "proxy.golang.org",
    "fly.io",
    "vercel.com",
    "netlify.com",
    "supabase.com",
    "supabase.co",
    "railway.com",
    "railway.app",
    "cli.doppler.com",
    "doppler.com",
    "hashicorp.com",
    "releases.hashicorp.com",
    "terraform.io",
    "pulumi.com",
    "get.pulumi.com",
    "amazonaws.com",
    "awscli.amazonaws.com",
    "amazon.com",
    "aws.com",
    "azure.com",
    "microsoft.com",
    "aka.ms",
    "windows.net",
    "visualstudio.com",
    "dot.net",
    "powershellgallery.com",
    "chocolatey.org",
    "community.chocolatey.org",
    "get.scoop.sh",
    "scoop.sh",
    "brew.sh",
    "nixos.org",
    "install.determinate.systems",
    "determinate.systems",
    "starship.rs",
    "volta.sh",
    "get.volta.sh",
    "fnm.vercel.app",
    "mise.run",
    "mise.jdx.dev",
    "asdf-vm.com",
    "tailscale.com",
    "ngrok.com",
    "cloudflare.com",
    "digitalocean.com",
    "heroku.com",
    "cli-assets.heroku.com",
    "stripe.com",
    "sentry.io",
    "datadoghq.com",
    "newrelic.com",
    "grafana.com",
    "elastic.co",
    "ohmyz.sh",
    "install.ohmyz.sh",
    "zsh.sh",
    "getcomposer.org",
    "php.net",
    "ubuntu.com",
    "debian.org",
    "fedoraproject.org",
    "apache.org",
    "archive.apache.org",
    "gnu.org",
    "kernel.org",
    "sqlite.org",
    "postgresql.org",
    "mongodb.org",
    "mongodb.com",
    "mysql.com",
    "redis.io",
    "nginx.org",
    "jenkins.io",
    "circleci.com",
    "codecov.io",
    "coveralls.io",
    "gitpod.io",
    "replit.com",
    "dotenvx.sh",
    "zed.dev",
    "cursor.com",
    "cursor.sh",
    "windsurf.com",
    "warp.dev",
    "slack.com",
    "discord.com",
    "discordapp.com",
    "telegram.org",
    "notion.com",
    "notion.so",
    "linear.app",
    "atlassian.com",
    "atlassian.net",
    "figma.com",
    "airtable.com",
    "trello.com",
    "asana.com",
    "zapier.com",
    "twilio.com",
    "sendgrid.com",
    "mailgun.net",
    "postmarkapp.com",
    "resend.com",
    "shopify.com",
    "myshopify.com",
    "hubapi.com",
    "salesforce.com",
    "zendesk.com",
    "intercom.io",
    "twitter.com",
    "x.com",
    "linkedin.com",
    "reddit.com",
    "openrouter.ai",
    "mistral.ai",
    "cohere.ai",
    "cohere.com",
    "groq.com",
    "together.xyz",
    "together.ai",
    "perplexity.ai",
    "replicate.com",
    "stability.ai",
    "elevenlabs.io",
    "deepseek.com",
    "deepgram.com",
    "assemblyai.com",
    "fal.ai",
    "fal.run",
    "x.ai",
    "moonshot.cn",
    "minimax.io",
    "bigmodel.cn",
    "dashscope.aliyuncs.com",
    "aliyuncs.com",
    "wikipedia.org",
    "wikimedia.org",
    "openstreetmap.org",
    "openweathermap.org",
    "open-meteo.com",
    "wttr.in",
    "nih.gov",
    "arxiv.org",
    "crossref.org",
    "semanticscholar.org",
    "sec.gov",
    "usgs.gov",
    "nasa.gov",
    "weather.gov",
    "foundry.paradigm.xyz",
    "paradigm.xyz",
    "solana.com",
    "release.solana.com",
    "release.anza.xyz",
    "anza.xyz",
    "etherscan.io",
    "infura.io",
    "cloudflare-eth.com",
    "publicnode.com",
    "mempool.space",
    "blockstream.info",
    "alchemy.com",
    "coingecko.com",
    "binance.com",
    "coinbase.com",
    "kraken.com",
    "jetbrains.com",
    "gradle.org",
    "maven.org",
    "repo1.maven.org",
    "mvnrepository.com",
    "flutter.dev",
    "dart.dev",
    "swift.org",
    "haskell.org",
    "get-ghcup.haskell.org",
    "elixir-lang.org",
    "julialang.org",
    "install.julialang.org",
    "micro.mamba.pm",
    "anaconda.com",
    "repo.anaconda.com",
    "conda.io",
    "conda-forge.org",
    "pixi.sh",
    "prefix.dev",
    "rclone.org",
    "taskfile.dev",
    "just.systems",
    "get.jetify.com",
    "jetify.com",
    "devbox.sh",
    "encore.dev",
    "wasmtime.dev",
    "wasmer.io",
    "get.wasmer.io",
    "getfoundry.sh",
    "modal.com",
    "opencode.ai",
    "openclaw.ai",
    "clawhub.ai",
    "clawhub.com",
    "agentskills.io",
    "code.visualstudio.com",
    "exa.ai",
    "tavily.com",
    "firecrawl.dev",
    "brave.com",
    "serper.dev",
    "serpapi.com",
    "jina.ai",
    "apify.com",
    "browserbase.com",
    "huggingface.co",
    "hf.co",
    "w3.org",
    "schema.org",
    "json-schema.org",
    "spotify.com",
    "youtube.com",
    "vimeo.com",
    "twitch.tv",
    "unsplash.com",
    "pexels.com",
    "giphy.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_host() {
        for (address, host) in [
            ("https://user:pw@Evil.Example.net:8443/x?y", Some("evil.example.net")),
            ("http://[2001:db8::1]:80/", Some("2001:db8::1")),
            ("\u{fffc}.evil.net", Some("evil.net")),
            ("https://\u{fffc}/x", None),
            ("https://a.b/\u{fffc}", Some("a.b")),
            ("no host", None),
        ] {
            assert_eq!(host_of(address).as_deref(), host, "{address}");
        }
    }

    #[test]
    fn judges_standing() {
        for (host, wanted) in [
            ("127.0.0.1", Standing::Loopback),
            ("10.1.2.3", Standing::Private),
            ("45.61.2.3", Standing::Address),
            ("0x2d3d0203", Standing::Address),
            ("abc.ngrok.io", Standing::Drop),
            ("notngrok.io", Standing::Plain),
            ("api.openai.com", Standing::Known),
            ("bit.ly", Standing::Shortener),
        ] {
            assert_eq!(standing(host), wanted, "{host}");
        }
    }

    #[test]
    fn relates_variables_to_hosts() {
        assert!(is_namesake("TAVILY_API_KEY", "api.tavily.com"));
        assert!(!is_namesake("MY_API_KEY", "collector.dev"));
        assert!(issuers("GITHUB_TOKEN").is_some_and(|list| list.contains(&"github.com")));
        assert!(issuers("GHOST_KEY").is_none());
    }
}
