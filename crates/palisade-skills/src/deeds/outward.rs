//! Whom a program talks to.

use std::sync::LazyLock;

use super::{Report, programs::Program, redirect, rules};
use crate::{
    Confidence::Medium,
    Severity,
    code::hosts::{Standing, standing, standing_of},
    formats::Profile,
    pattern::{Regex, code as pattern},
    text::{is_anyones, is_bare, is_local, is_vendor},
};

/// Somebody whom neither a vendor's name nor the package's purpose explains.
pub(super) struct Stranger {
    pub(super) host: String,
    /// Where the program names it.
    pub(super) at: usize,
    /// Something is sent, not only fetched.
    pub(super) sends: bool,
    /// It is an address, or a place that anybody may use.
    pub(super) anyones: bool,
}

impl Stranger {
    /// Somebody who is known by name alone.
    pub(super) fn of(host: &str) -> Self {
        Self { host: host.to_owned(), at: 0, sends: true, anyones: false }
    }

    /// Does a text, in lower case, name the host, or whose it is?
    pub(super) fn is_told(&self, text: &str) -> bool {
        let mut labels = self.host.rsplit('.').skip(1);
        let mut label = labels.next().unwrap_or_default();
        if matches!(label, "co" | "com" | "org" | "ac" | "gov" | "net") {
            label = labels.next().unwrap_or(label);
        }
        text.contains(&self.host)
            || label.len() > 3 && text.contains(label)
            || label.len() > 3 && text.contains(&label.replace(['-', '_'], " "))
    }

    pub(super) fn shown(&self) -> String {
        palisade_core::shown(&self.host, 60).to_string()
    }
}

/// Anything that opens a connection, in any language.
static TALKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:curl|wget|nc(?:at)?|netcat|socat|scp|sftp|rsync|ftp|Invoke-WebRequest|Invoke-RestMethod|iwr|irm|certutil|bitsadmin|xh|websocat|restic|borg|rclone|kopia|duplicity|duplicacy|lftp|croc|azcopy|s3cmd|mbuffer)(?:\.exe)?\s|/dev/(?:tcp|udp)/|requests\.|\burllib|httpx\.|aiohttp|\bfetch\s*\(|axios|http\.client|XMLHttpRequest|Net::HTTP|\bsocket\b|WebClient|urlopen|\bhttps?\.(?:request|get|post)|HttpClient|openConnection|LWP::|HTTP::Tiny|IO::Socket|reqwest|\bureq\b|URLSession|http\.(?:Post|Get|NewRequest)|net\.(?:Dial|connect|Socket)|TCPSocket|sendBeacon|WebSocket|HTTPSConnection|fsockopen|curl_exec|curl_init|file_get_contents\(|create_connection|Faraday|HTTParty|RestClient|URI\.open|https?\.createClient|undici|\bgot\s*[.(]|node-fetch|MSXML2|WinHttp|httr::|PSXMLHTTP|hyper::|Http\.send|gh\s+api|smtplib|sendmail|Resolv\.|gethostby|getaddrinfo|dns\.resolve|nslookup|\bdig\s|\bdsn\b|UrlFetchApp|wp_remote_|importScripts|\.src\s*=|<script[^>]{1,80}src=|new\s+Image\(|rest_command|request_url|redirect_url|webhook|\bping\b[^\n]{0,40}\s-p\s|npm[^\n]{0,12}publish|docker[^\n]{0,12}push|twine[^\n]{0,6}upload|OTEL_EXPORTER|send_message|ENDPOINT=|Sentry\.init|git\b[^\n]{0,30}push|upload_file|put_object|require\(["'](?:node:)?(?:https?|net|tls|dgram|dns)["']\)|from\s+["'](?:node:)?(?:https?|net|tls)["']|tls\.connect|dgram|createConnection|["'](?:curl|wget)(?:\.exe)?["']|@vite-ignore|import\s*\(\s*\[|--(?:push|endpoint|remote|server|upstream)\b[^\n]{0,12}https?|mailto:"#,
    )
});

/// Programs named as arguments, and libraries of platforms.
static TALKS_TOO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)["'](?:curl|wget|nc(?:at)?|scp|rsync|sftp|ssh|iwr|gh|aws|gsutil|rclone)["']|TcpStream::connect|UdpSocket|\.send_to\(|\.sendto\(|DatagramSocket|DatagramPacket|UdpClient|UDPSocket|SOCK_DGRAM|gen_udp|gen_tcp|InetAddress\.getByName|Dns\.GetHost|dns_get_record|checkdnsrr|net\.(?:Lookup|ResolveUDP)|SmtpClient|PHPMailer|jakarta\.mail|javax\.mail|TcpClient|TCPClient|NWConnection|to_socket_addrs|UrlFetchApp|wp_remote_|require\(\s*["'](?:node:)?(?:https?|net|tls|dgram|ws)["']\s*\)|importScripts|tls\.connect|grpc\.|paramiko|ftplib|websockets\.|MQTT|redis\.(?:Redis|from_url)|psycopg|mysql\.connect|pymongo|boto3|hyper_util|isahc|Dio\(|OkHttp|HttpURLConnection|Req\.(?:get|post)|HTTPoison|Finch|:httpc|s_client|URLWithString|contentsOfURL|new_tcp|:connect\(|Net::(?:FTP|SMTP)|IO\.open\(.*http|Resolve-DnsName|\bgetent\s+(?:a?hosts|ahostsv[46])\b|getaddrinfo|nslookup\(|\bhost\s+["'$]|\baws\s+s3|s3api|\bgsutil\b|gcloud\s+storage|\baz\s+storage|\bmc\s+(?:cp|mirror|pipe)\s|\b(?:mailx?|mutt|msmtp|swaks|s-nail|ssmtp)\s[^\n]{0,120}@|Send-MailMessage|\bcommand\s+-v\s+(?:curl|wget|nc|socat)\b|NWEndpoint|CFHostCreateWithName|CFStream|socket\.connect|socketConnection|\bsocket\.dns|new\s+Socket\(|\bSocket\(|!\[[^\]\n]{0,60}\]\(https?://[^\s)"']{3,120}[?/=](?:["'`]\s{0,2}[+.*~]|\$|\{|%s)|paste0?\(["']!\[|LWP|curl_setopt|stream_socket_client|DownloadFile|\burl\(\s*(?:paste|sprintf|["']https?:)|download\.file\(|readLines\(\s*["']http|HTTP\.(?:get|post|request)\(|Downloads\.download|newHttpClient|HTTP::Client|httpLBS|simpleHttp|url-retrieve|clj-http|slurp\s+["(]|Source\.fromURL|\)\.(?:readText|openStream)\(|Http\.Request|Cohttp|http::geturl|socket\.http|http\.request|HTTPRequest"#,
    )
});

/// Whatever library it is: a call or a module whose name says that it asks or tells somebody.
static TALKS_BY_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:[\w$]{1,24}[.:]{1,2}){0,3}(?:\w{0,12}http\w{0,12}[.:]{1,2}\w{2,24}|(?:async|do|url|net|send|make|http|api|web)_?(?:request|post|fetch|upload)\w{0,8}|(?:request|post|fetch|upload)_?(?:url|json|async|data|form|file|http|bytes|body)\w{0,8}|(?:wx|uni|my|tt|swan|qq|dd)\.(?:request|uploadFile|connectSocket)|syn\.request|TcpStream|(?:tcp|udp)_?connect\w{0,12}|readLines|read_html|fromJSON|Start-BitsTransfer|InternetOpen\w?)\s{0,2}[!?]?\s{0,2}[({]|["'](?:node:)?https?["']\s{0,2}[,\]]"#,
    )
});

/// Something is given to the other side.
static SENDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.(?:post|put|patch)\s*\(|\bPOST\b|\bPUT\b|sendall\s*\(|\.send\s*\(|\.end\s*\(\s*[^)\s]|\.write\s*\(|print\s+\$\w|upload|sendBeacon|\s(?:-d|-F|-T|--data\S*|--form|--json|--post-\S+|--upload-file|--body-\S+|-InFile|-Body)[\s=]|URLSearchParams|payload\b|btoa\(|JSON\.stringify|\.src\s*=[^\n]{0,120}\+|method:\s*["']?post|-p\s+["']?\$|publish|\bpush\b|\bbackup\b|\bdsn\b|EXPORTER|urlopen\([^\n]{0,120},|\.request\s*\(|params\s*=|\.query\b|searchParams|data\s*=|headers?\s*[=:]|setRequestHeader|\|\s*(?:nc(?:at)?|netcat|curl|socat)\b|\b(?:scp|rsync|sftp)\s|\?[a-z_]{1,12}=["'`]?\s*[+.$%{&]|encode_www_form|encodeURIComponent|urlencode|http_build_query"#,
    )
});

/// Options as arguments of their own, and methods of platforms.
static SENDS_TOO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)["']-(?:d|F|T|X)["']|\.write_all\(|\.send_?to\(|\.sendTransaction\(|\.send\(\s*new\s+DatagramPacket|["']--(?:data\S*|form|upload-file|json)["']|\bpayload\s*:|->(?:post|put|send)\w*\(|\.post_form|http\.post\(|wp_remote_post|\.publish\(|method["']?\s*[:=]\s*["'](?:post|put)|Invoke-RestMethod[^\n]{0,80}-Method|\|\s*openssl\s+s_client|:write\(|:send\(|\bquery\s{0,2}=\s{0,2}(?:list|c|Dict|dict)\(|\bwrite\(\s{0,2}\w{1,20}\s{0,2},|writeLines\(\s{0,2}\w{1,30},\s{0,2}\w|(?:nslookup|\bdig|Resolve-DnsName|getaddrinfo|gethostby\w{2,8}|getByName|GetHost\w{4,10}|LookupHost|\bgetent\s+\w{4,7})\b[^\n]{0,100}(?:\$\{?\w{1,20}\}?["']{0,2}\.|\)["']{0,2}\.["'\w]|["']\s{0,2}(?:\+|\.\.?|\*)\s|\s(?:\+|\.\.?|\*)\s{1,2}["']|,\s?["']\.)|\b(?:mailx?|mutt|msmtp|swaks)\s[^\n]{0,120}@|Send-MailMessage|\b(?:aws\s+s3\s+(?:cp|mv|sync)|gsutil\s[^\n]{0,30}cp|az\s+storage)\b|!\[[^\]\n]{0,60}\]\(https?://[^\s)"']{3,120}[?/=](?:["'`]\s{0,2}[+.*~]|\$|\{|%s)|(?:fetch|get|request|urlopen)\s*\(\s*f?[`"']https?://[^\s`"']{3,120}/\$?\{[^}\n]{1,40}\}"#,
    )
});

/// Whatever library it is: a call whose name says that something is given, or words that are written into a stream.
static SENDS_BY_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\b|[._:])(?:async|do|http|send|url|make)_?(?:post|put|upload)\w{0,8}\s{0,2}\(|\b(?:post|put|upload)_?(?:async|json|data|form|content|string|bytes|body|file)\w{0,10}\s{0,2}\(|\.write_?all\(|\bwrite(?:ln)?!\(\s{0,2}&?(?:mut\s)?\w{1,20}\s{0,2},|\bmethod["']?\s{0,2}(?:[:=]|=>)\s{0,2}["'`](?:post|put|patch)|\b(?:sprintf|paste0?|format)\(\s{0,2}["']https?://[^"'\n]{4,120}(?:%s|\{\}|=["'])|-H\s{1,2}["'][\w-]{2,30}:\s?[$\{]"#,
    )
});

/// An address, or a host that stands alone between quotation marks or behind a program's option.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:https?|wss?|ftps?|tcp|ssh)://[^\s"'`<>()\\]{3,200}|["'`](?://)?\.?(?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18}(?::\d{2,5})?(?:/[^\s"'`]{0,120})?["'`]|["'`](?:\d{1,3}\.){3}\d{1,3}(?::\d{2,5})?["'`]|/dev/(?:tcp|udp)/[^\s/]{3,80}|\b(?:nc(?:at)?|netcat|telnet)\s+(?:-\S+\s+)*[a-z0-9.-]{4,80}|[\w.+"'-]@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}\b|\s(?:\d{1,3}\.){3}\d{1,3}\b|-connect\s+[a-z0-9.-]{4,80}|docker\s+(?:push|tag)\b[^\n]{0,60}\s(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}/|(?:=|:-)(?:[a-z0-9-]{1,63}\.){1,4}(?:example|com|net|org|io|dev|app)\b|(?:\bnslookup|\bdig|\bhost|\bdrill|\bgetent\s+\w{4,7}|\bping6?|Resolve-DnsName|\bkdig)\s[^\n]{0,80}?["'`})\w]\.(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,18}\b"#,
    )
});

/// Names of files that a quoted host may be.
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.(?:json|ya?ml|toml|md|txt|js|mjs|cjs|ts|tsx|jsx|py|sh|rb|go|rs|html?|css|csv|xml|lock|log|db|sqlite|xmlhttp|serverxmlhttp|shell|stream|filesystemobject|application|dictionary|env|conf|cfg|ini|pem|key|crt|png|jpe?g|gif|svg|pdf|zip|gz|tgz|tar|bin|exe|dll|so|dat|bak|tmp|out|err|sock|pid|plist|ps1|psm1|bat|cmd|php|java|kt|swift|cs|fs|class|jar|war|whl|egg|map|node|wasm|lua|pl|pm|r|sql|ipynb|docx?|xlsx?|pptx?|parquet|npy|pkl|pt|onnx|gguf|keychain|name|path|get|post|env|argv|stdin|stdout|exports|prototype|length|system|exec|call|join|dirname|content|body|data|text|value|type|id|url|host|port|file|list|dict|str|int|time|date|user|pub|d)$",
    )
});

/// Is this the name of a file rather than of a host?
pub(super) fn is_file(host: &str) -> bool {
    FILE.is_match(host) && host.parse::<std::net::Ipv4Addr>().is_err()
}

/// Does the program give something to the other side?
pub(super) fn sends(program: &Program<'_>) -> bool {
    SENDS.is_match(&program.text)
        || SENDS_TOO.is_match(&program.text)
        || SENDS_BY_NAME.is_match(&program.text)
}

/// Does the program talk to the network at all?
pub(super) fn talks(program: &Program<'_>) -> bool {
    TALKS.is_match(&program.text)
        || TALKS_TOO.is_match(&program.text)
        || TALKS_BY_NAME.is_match(&program.text)
}

/// The stranger whom the program talks to, the worst of them.
pub(super) fn stranger(program: &Program<'_>, profile: &Profile) -> Option<Stranger> {
    talks(program).then(|| names_stranger(program, profile)).flatten()
}

/// The stranger whom the program names, whether it talks to him itself or not.
pub(super) fn names_stranger(program: &Program<'_>, profile: &Profile) -> Option<Stranger> {
    let mut best: Option<Stranger> = None;
    for stranger in strangers(program, profile) {
        if best.as_ref().is_none_or(|best| stranger.anyones && !best.anyones) {
            best = Some(stranger);
        }
    }
    best
}

/// All strangers whom the program names, in the order of their places, each place for itself.
pub(super) fn strangers(program: &Program<'_>, profile: &Profile) -> Vec<Stranger> {
    const MOST: usize = 256;
    let sends = sends(program);
    let lists = std::cell::OnceCell::new();
    let mut all = Vec::new();
    for found in HOST.find_iter(&program.text).take(MOST) {
        let Some(whole) = program.text.get(found.range()) else { continue };
        let quoted = whole.starts_with(['"', '\'', '`']);
        let bare = whole.trim_matches(['"', '\'', '`', ':']);
        let Some(host) = host(bare) else { continue };
        // `'.leaf.net'` is the end of a name if something is put in front of it, else the name of a file.
        if bare.starts_with('.')
            && !program
                .text
                .get(..found.start())
                .unwrap_or_default()
                .trim_end()
                .ends_with(['+', '.', '*', '&', '~'])
        {
            continue;
        }
        // The name of a form of XML is no address.
        let mut from = found.start().saturating_sub(28);
        while !program.text.is_char_boundary(from) {
            from -= 1;
        }
        let before = program.text.get(from..found.start()).unwrap_or_default();
        if before.contains("xmlns")
            || before.contains("chemaLocation")
            || before.contains("$schema")
        {
            continue;
        }
        // `"2.6.2.4"`, of which its line says that it is a version.
        if quoted && is_version(&host) && line_of(&program.text, found.start()).contains("version")
        {
            continue;
        }
        if quoted
            && !bare.contains("://")
            && host.parse::<std::net::Ipv4Addr>().is_err()
            && (FILE.is_match(&host) || !has_known_end(&host))
        {
            continue;
        }
        if quoted
            && !bare.contains("://")
            && lists
                .get_or_init(|| super::listed::compared(&program.text))
                .iter()
                .any(|list| list.contains(&found.start()))
        {
            continue;
        }
        let anyones = is_account(bare) || is_anyones(&host) || is_bare(&host);
        // The user's own name below a platform's: `https://$App.platform.net`.
        let own = bare.split('/').nth(2).unwrap_or(bare).starts_with(['$', '{', '%', '<'])
            && matches!(standing(&host), Standing::Shared | Standing::Known | Standing::Plain)
            && PLATFORMS.iter().any(|domain| crate::code::hosts::is_within(&host, domain));
        if own
            || redirect::RESOLVERS.contains(&host.as_str())
            || !anyones && !is_strange(&host, profile)
            || is_local(&host)
            || host.starts_with("169.254.")
        {
            continue;
        }
        all.push(Stranger { host, at: found.start(), sends, anyones });
    }
    for (at, address) in &program.lent {
        let Some(host) = host(address) else { continue };
        let anyones = is_account(address) || is_anyones(&host) || is_bare(&host);
        if redirect::RESOLVERS.contains(&host.as_str())
            || !anyones && !is_strange(&host, profile)
            || is_local(&host)
            || host.starts_with("169.254.")
        {
            continue;
        }
        all.push(Stranger { host, at: *at, sends, anyones });
    }
    all
}

/// An address or a host that is the whole value of a setting.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:https?|wss?|tcp|udp|ftps?|smtps?)://[^\s"'`<>()\\,;]{3,200}|(?:[:=,]\s{0,4}|^|[\[\s])["']?(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,18}(?::\d{2,5})?(?:/[^\s"',]{0,80})?["']?\s{0,3}(?:[,}\]\n;#]|$)|[\w.+-]{1,40}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}\b"#,
    )
});

/// The addresses that a file of data names.
pub(super) fn addresses(text: &str, most: usize) -> Vec<String> {
    VALUE
        .find_iter(text)
        .take(most * 8)
        .filter_map(|found| {
            let whole = text.get(found.range())?;
            let bare = whole.trim_matches(|c: char| {
                c.is_whitespace()
                    || matches!(c, ':' | '=' | ',' | '"' | '\'' | '[' | ']' | '}' | ';' | '#')
            });
            let of_host = host(bare)?;
            let named = bare.contains("://") || has_known_end(&of_host) && !FILE.is_match(&of_host);
            named.then(|| bare.to_owned())
        })
        .take(most)
        .collect()
}

/// Four numbers as small as those of versions are.
fn is_version(host: &str) -> bool {
    const HIGHEST: u8 = 19;
    host.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.octets().iter().all(|&number| number <= HIGHEST))
}

/// The line of a byte, in lower case.
fn line_of(text: &str, at: usize) -> String {
    let start = text.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default().lines().next().unwrap_or_default().to_ascii_lowercase()
}

/// Where a program that talks names somebody who is neither the machine nor a vendor, be it a name for examples.
pub(super) fn names_anybody(program: &Program<'_>) -> Option<usize> {
    const MOST: usize = 256;
    if !talks(program) {
        return None;
    }
    HOST.find_iter(&program.text).take(MOST).find_map(|found| {
        let whole = program.text.get(found.range())?;
        let bare = whole.trim_matches(['"', '\'', '`', ':']);
        let host = host(bare)?;
        let number = host.parse::<std::net::Ipv4Addr>();
        let named = bare.contains("://") || has_known_end(&host) && !FILE.is_match(&host);
        let local = number.as_ref().is_ok_and(|ip| {
            ip.is_loopback() || ip.is_private() || ip.is_unspecified() || ip.is_link_local()
        });
        (!local
            && (number.is_ok() || named)
            && !is_local(&host)
            && !is_vendor(&host)
            && !matches!(standing(&host), Standing::Known | Standing::Loopback | Standing::Private))
        .then_some(found.start())
    })
}

/// Ends it as names of hosts do? `"conversations.history"` is the name of a method.
pub(super) fn has_known_end(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|end| {
        end.len() == 2 && COUNTRIES.split(' ').any(|country| country == end) || ENDS.contains(&end)
    })
}

/// The ends of countries that are in use: `12.gb` is a size, and `out.ld` a file.
const COUNTRIES: &str = "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs \
     bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec \
     ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk \
     hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la \
     lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my \
     mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro \
     rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj \
     tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw";

/// The longer ends under which most hosts are, and those for examples.
const ENDS: &[&str] = &[
    "com",
    "net",
    "org",
    "info",
    "biz",
    "edu",
    "gov",
    "mil",
    "int",
    "arpa",
    "dev",
    "app",
    "page",
    "web",
    "xyz",
    "online",
    "site",
    "store",
    "shop",
    "tech",
    "cloud",
    "host",
    "space",
    "website",
    "fun",
    "icu",
    "pro",
    "top",
    "live",
    "life",
    "link",
    "click",
    "work",
    "works",
    "world",
    "agency",
    "digital",
    "network",
    "systems",
    "team",
    "tools",
    "zone",
    "services",
    "solutions",
    "support",
    "software",
    "studio",
    "design",
    "global",
    "group",
    "company",
    "finance",
    "capital",
    "money",
    "news",
    "media",
    "blog",
    "wiki",
    "academy",
    "run",
    "sh",
    "cam",
    "rest",
    "bar",
    "bond",
    "cfd",
    "sbs",
    "lol",
    "buzz",
    "monster",
    "quest",
    "cyou",
    "one",
    "vip",
    "win",
    "bid",
    "loan",
    "party",
    "date",
    "trade",
    "science",
    "download",
    "review",
    "stream",
    "men",
    "onion",
    "i2p",
    "example",
    "test",
    "invalid",
    "localhost",
    "local",
    "internal",
    "lan",
    "corp",
    "home",
    "name",
    "mobi",
    "asia",
    "email",
    "express",
    "chat",
    "social",
    "codes",
    "build",
    "zip",
    "mov",
    "foo",
    "health",
    "care",
    "bank",
    "insure",
];

fn host(text: &str) -> Option<String> {
    // What follows the host may hold signs that stand before one elsewhere.
    let after = match text.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next()?,
        None => text.trim_start_matches(":-"),
    };
    let after = after
        .strip_prefix("/dev/tcp/")
        .or_else(|| after.strip_prefix("/dev/udp/"))
        .unwrap_or(after);
    let after = after.trim_end_matches('/').rsplit([' ', '=']).next()?;
    let authority = after.split(['/', '?', '#']).next()?;
    let host =
        authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.').to_ascii_lowercase();
    // What is computed in front is not known: `${data}.host.tld`.
    let host = host
        .rsplit(['}', ')', '$', '{', '%', '*', '+', '"', '\''])
        .next()?
        .trim_start_matches(['.', '-'])
        .to_owned();
    let shape = host.contains('.')
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (shape && !host.starts_with('.') && host.len() > 3).then_some(host)
}

/// Where everybody's applications have names.
const PLATFORMS: &[&str] = &[
    "azurewebsites.net",
    "windows.net",
    "cloudapp.azure.com",
    "run.app",
    "appspot.com",
    "elasticbeanstalk.com",
    "amazonaws.com",
    "herokuapp.com",
    "fly.dev",
    "vercel.app",
    "netlify.app",
    "onrender.com",
    "web.app",
    "github.io",
    "gitlab.io",
    "atlassian.net",
    "zendesk.com",
    "myshopify.com",
    "okta.com",
    "auth0.com",
    "service-now.com",
    "sharepoint.com",
    "cloudfront.net",
    "supabase.co",
    "firebaseio.com",
];

/// Is it a state's or a university's host?
fn is_public_body(host: &str) -> bool {
    // Names below these are given to universities and institutes only.
    const ACADEMIC: &[&str] = &[
        "ac.uk", "ac.jp", "ac.kr", "ac.nz", "ac.za", "ac.il", "ac.cn", "ac.in", "ac.at", "ac.be",
        "ac.th", "ac.ir",
    ];
    if ACADEMIC.iter().any(|domain| crate::code::hosts::is_within(host, domain)) {
        return true;
    }
    host.split('.')
        .rev()
        .take(3)
        .any(|label| matches!(label, "gov" | "gob" | "gouv" | "edu" | "mil" | "govt" | "admin"))
        && host.matches('.').count() > 0
}

/// Hosts that stand in programs as names of forms, not as somebody to talk to.
const FORMS: &[&str] = &[
    "w3.org",
    "schemas.openxmlformats.org",
    "schemas.microsoft.com",
    "xmlsoap.org",
    "json-schema.org",
    "schemastore.org",
    "purl.org",
    "opensource.org",
    "creativecommons.org",
    "spdx.org",
    "example.com",
    "example.org",
    "example.net",
    "test.com",
];

/// Is it a blank to be filled in: `telemetry.yourcompany.example`?
fn is_blank(host: &str) -> bool {
    host.split('.').any(|label| {
        label.starts_with("your-")
            || matches!(
                label,
                "yourcompany"
                    | "your-company"
                    | "yourdomain"
                    | "your-domain"
                    | "yourorg"
                    | "your-org"
                    | "yoursite"
                    | "your-site"
                    | "mycompany"
                    | "my-company"
                    | "mydomain"
                    | "my-domain"
            )
    })
}

pub(super) fn is_strange(host: &str, profile: &Profile) -> bool {
    let within = |domain: &str| crate::code::hosts::is_within(host, domain);
    !is_vendor(host)
        && !is_blank(host)
        && !is_public_body(host)
        && !FORMS.iter().any(|domain| within(domain))
        && !matches!(standing(host), Standing::Known | Standing::Loopback | Standing::Private)
        // What the package names as its home, in the open.
        && !profile.hosts.iter().any(|known| within(known))
}

/// An account at a service of everybody's, named in the program.
fn is_account(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    standing_of(&lower) == Some(Standing::Drop)
        || [
            "hooks.slack.com/services/t",
            "discord.com/api/webhooks/",
            "discordapp.com/api/webhooks/",
            "api.telegram.org/bot",
            "docs.google.com/forms/",
            "script.google.com/macros/",
            "formspree.io/f/",
            "api.airtable.com/v0/app",
            "hooks.zapier.com/",
            "maker.ifttt.com/trigger",
            "webhook.office.com/",
            "outlook.office.com/webhook",
            "firebaseio.com/",
            "getform.io/",
            "submit-form.com/",
            "ntfy.sh/",
            "pushover.net/",
            "sentry.io/api/",
        ]
        .iter()
        .any(|account| lower.contains(account))
}

/// Data goes to an account that the program names, by a service's own tool.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\baws\s+s3\s+(?:cp|sync|mv)\s[^\n]{0,200}s3://[a-z0-9][a-z0-9.-]{2,60}|\bgsutil\s[^\n]{0,40}\b(?:cp|rsync)\s[^\n]{0,200}gs://[a-z0-9][a-z0-9._-]{2,60}|\bgh\s+(?:issue|gist|release)\s+(?:create|comment|upload)[^\n]{0,80}(?:-R|--repo)[\s=]+[\w.-]{1,40}/[\w.-]{1,60}|\bupload_file(?:obj)?\([^\n]{0,160},\s*["'][a-z0-9.-]{3,63}["'],[^\n]{0,120}(?:nodename|gethostname|getuser|getlogin)|\brclone\s+(?:copy|sync|move)\b[^\n]{0,200}:[\w.-]+:"#,
    )
});

/// Whole stores go to an account of somebody's.
pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let Some(account) = ACCOUNT.find(text) else { return };
    let given = text.get(account.range()).unwrap_or_default();
    // `$BUCKET` and `<bucket>` are the user's to fill in.
    let line_end = text.get(account.end()..).unwrap_or_default().lines().next().unwrap_or_default();
    let line = format!("{given}{line_end}").to_ascii_lowercase();
    let unsigned = line.contains("--no-sign-request")
        || line.contains("upload_file")
        || super::secrets::opens(report.program)
        || text.contains("cat .env");
    let secret = [
        "cat ~/.",
        "cat $home/.",
        "$(env",
        "printenv",
        ".ssh",
        ".aws",
        ".netrc",
        ".npmrc",
        "credential",
    ]
    .iter()
    .any(|word| line.contains(word));
    if unsigned || secret {
        let message = "data goes to an account that the program names";
        report.say(&rules::MESSAGES_SENT, Severity::High, Medium, account.start(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_files_and_versions_are_no_hosts() {
        for host in ["12.gb", "ld_out.ld", "8.mb"] {
            assert!(!has_known_end(host), "{host}");
        }
        for host in ["leafdesk.de", "leafdesk.io", "leafdesk.example", "t.co"] {
            assert!(has_known_end(host), "{host}");
        }
        assert!(COUNTRIES.split(' ').all(|end| end.len() == 2));
        assert!(is_version("2.6.2.4") && !is_version("45.33.2.1") && !is_version("2.6.2"));
    }

    #[test]
    fn institutes_are_public_and_who_only_sounds_so_is_not() {
        assert!(is_public_body("www.botany.ac.uk"));
        assert!(is_public_body("plants.gov"));
        for host in ["ac.leafdesk.io", "leaf.ac", "ac.uk.leafdesk.io", "leafac.uk"] {
            assert!(!is_public_body(host), "{host}");
        }
    }
}
