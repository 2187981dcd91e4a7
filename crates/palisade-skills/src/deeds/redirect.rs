//! Settings whose value hands something to a stranger: where packages, updates, scripts and names come from, where
//! copies, records and sign-ins go.
//!
//! Such a line looks like any other setting. What tells it is whose address it holds: neither the vendor's, nor the
//! user's to fill in.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, handed, outward, programs::Program};
use crate::{
    Confidence::{Low, Medium},
    FileKind, Package, Rule, Seen, Severity,
    formats::Profile,
    pattern::{Regex, code as pattern},
    text::is_local,
};

/// One kind of setting.
struct Setting {
    rule: &'static Rule,
    /// Its name, and the address behind it.
    pattern: Regex,
    what: &'static str,
    /// What makes it grave whatever else is there; `None` for what is grave by itself.
    grave: Option<Regex>,
}

/// How an address follows the name of a setting.
const ADDRESS: &str = r#"(?:(?:[a-z][a-z0-9+]{1,14}:)?//(?:[^\s/@"']{1,60}@)?|@@?|["'=\s])(?:\*\.|[.*^+()\[\]\\]{1,8})?((?:[a-z0-9_-]{1,63}\.){1,6}[a-z]{2,18}|(?:\d{1,3}\.){3}\d{1,3})(?:[:/?\s"'`,;)\]}|$<]|$)"#;

fn setting(
    rule: &'static Rule,
    what: &'static str,
    names: &str,
    gap: usize,
    grave: Option<&str>,
) -> Setting {
    Setting {
        rule,
        pattern: pattern(&format!("(?i)(?:{names})[^\\n]{{0,{gap}}}?{ADDRESS}")),
        what,
        grave: grave.map(|grave| pattern(&format!("(?i)(?:{grave})"))),
    }
}

static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    vec![
        setting(
            &handed::SOURCE,
            "packages come from",
            r#"\bregistry["']?\s*[=:,]|--registry[\s=]|npm_config_registry|npmRegistryServer|\bindex-url|\bextra-index-url|PIP_(?:EXTRA_)?INDEX_URL|UV_(?:DEFAULT_|EXTRA_)?INDEX|--find-links|pip3?\s+install[^\n]{0,80}\s-f\s|GOPROXY|replace-with|sparse\+|<mirrorOf>|gem\s+sources\s+(?:-a|--add)|BUNDLE_MIRROR|HOMEBREW_(?:BOTTLE_DOMAIN|API_DOMAIN|ARTIFACT_DOMAIN|BREW_GIT_REMOTE|CORE_GIT_REMOTE)|RUSTUP_(?:DIST_SERVER|UPDATE_ROOT)|NVM_\w{0,12}_MIRROR|NODEJS_ORG_MIRROR|registry-mirrors|insecure-registries|\bdeb\s+(?:\[[^\]\n]{0,60}\]\s+)?http|\breplace\s+[\w./-]{4,80}\s+(?:v\S{1,20}\s+)?=>|\[\[?tool\.(?:uv\.index|poetry\.source)[\s\S]{0,120}?url|\[source\.\w{1,30}\][\s\S]{0,80}?(?:registry|url)|composer\s+config\s+repos\w*"#,
            60,
            Some(
                r#"strict-ssl\s*[=:]\s*["']?false|GO(?:NO)?SUM(?:DB|CHECK)\s*=\s*["']?(?:off|1|\*)|GONOSUMDB\s*=\s*["']?\*|GOINSECURE\s*=\s*["']?\*|GOFLAGS\s*=\s*\S{0,20}-insecure|trusted-host|sslVerify\s*[=:]?\s*false|allow-insecure|\[[^\]\n]{0,40}trusted=yes|insecure-registries|--no-verify|verify_ssl\s*[=:]\s*false|\breplace\s+(?:golang\.org|github\.com|google\.golang\.org|gopkg\.in)"#,
            ),
        ),
        setting(
            &handed::SOURCE,
            "new versions of the program come from",
            r#"["']?updates["']?\s*:\s*\{\s*["']?url|setFeedURL|\bfeedURL|SUFeedURL|autoUpdater[^\n]{0,40}url|\bappcast|CodePushServerUrl|\bupdater["']?\s*:\s*\{[^}\n]{0,80}endpoints"#,
            60,
            None,
        ),
        setting(
            &handed::SOURCE,
            "git fetches from",
            r#"url\.[^\n]{0,10}?(?:https?|ssh|git)|\[url\s+["']|pushInsteadOf|\bpushurl\b|\bremote\s+set-url\s+(?:--add\s+)?--push\s+(?:--add\s+)?[\w$-]{1,30}"#,
            20,
            Some(r"insteadof|pushurl|set-url"),
        ),
        setting(
            &handed::SCRIPT,
            "pages load a script from",
            r#"importScripts\s*\(\s*["'`]|createElement\(\s*["']script["'][^\n]{0,120}?\.src\s*=|\.src\s*=\s*["'`]"#,
            12,
            Some(
                r"importScripts|referrer|userAgent|Math\.random|location\.(?:host|pathname|href)|document\.cookie|localStorage",
            ),
        ),
        setting(
            &handed::SCRIPT,
            "pages may load scripts from",
            r"script-src|default-src",
            160,
            Some(r"form-action\s+\*|log-?in|check-?out|payment"),
        ),
        setting(
            &handed::SIGN_IN,
            "sign-ins come back to",
            r#"redirect_?ur[il]s?|callback_?url|\breply_?url|\bredirect\b\s*="#,
            100,
            Some(
                r"\brelay|access_type|offline_access|admin|\.readonly|history|code_verifier|localhost",
            ),
        ),
        setting(
            &handed::EVENTS,
            "what happens in the workspace is told to",
            r"request_url|event_subscriptions|webhook_url|hook_url|notification_?url|push_endpoint",
            40,
            Some(
                r"\badmin\b|:history|files:read|search:read|Mail\.Read|\*\.\*|read_all|message\.(?:im|groups|mpim)",
            ),
        ),
        setting(
            &handed::COPY,
            "the state of what is built is kept at",
            r#"\bbackend\s+"(?:http|s3|pg|consul|remote)"[\s\S]{0,160}?(?:address|endpoint|hostname|conn_str)["']?\s*="#,
            12,
            None,
        ),
        setting(
            &handed::EVENTS,
            "alerts go to",
            r#"webhook_configs[\s\S]{0,60}?\burl["']?\s*:|opsgenie_api_url|\bsmarthost\b|\brelayhost\b"#,
            12,
            None,
        ),
        setting(
            &handed::RIGHTS,
            "pages may act for the user's visitors from",
            r#"\b\w{0,16}(?:TRUSTED_ORIGINS?|ALLOWED_ORIGINS?(?:_REGEX\w{0,4})?|trustedOrigins|frame-ancestors)\b"#,
            80,
            None,
        ),
        setting(&handed::TRAFFIC, "logins go through", r"\bProxy(?:Command|Jump)\s", 120, None),
        setting(
            &handed::SOURCE,
            "locked packages come from",
            r#"`resolved`|["']resolved["']\s*[\])]\s*="#,
            24,
            Some(r"integrity|sha512|npm ci|lock"),
        ),
        setting(
            &handed::COPY,
            "each push also goes to",
            r"set-url\s+(?:--add\s+)?--push",
            160,
            None,
        ),
        setting(
            &handed::TRAFFIC,
            "traffic goes through",
            r"ProxyPacUrl|proxy-pac-url|AutoConfigURL|ProxyServer|autoproxyurl|--proxy-server|ExtensionInstallForcelist|ExtensionSettings",
            120,
            None,
        ),
        setting(
            &handed::TRAFFIC,
            "the model is asked through",
            r#"(?:ANTHROPIC|OPENAI|CLAUDE_CODE|CODEX|GEMINI|GOOGLE_GEMINI|AZURE_OPENAI|MISTRAL|DEEPSEEK|OPENROUTER|LITELLM|GROQ)_(?:API_)?(?:BASE_URL|API_BASE|BASE|ENDPOINT|API_URL)["']?\s*[\])]?\s*[:=,\s]"#,
            24,
            Some(
                r"settings\.json|\.(?:bash|zsh)rc|\.z?profile|\.zshenv|\bsetx\b|launchctl\s+setenv|\.codex|environment\.d|writeFile|json\.dump|write_text",
            ),
        ),
        setting(
            &handed::TRAFFIC,
            "names are looked up at",
            r#"\bnameserver\b|setdnsservers\s+\S{1,30}|set\s+dns(?:servers)?\s|ipv[46]\.dns\b|resolvectl\s+dns\s|Set-DnsClientServerAddress|--dns\b|\n\s*DNS\b|\bdns-nameservers"#,
            60,
            None,
        ),
        setting(
            &handed::RIGHTS,
            "whoever may act is decided by",
            r#"issuer(?:[-_]ur[il])?["']?\s*[:=\s]|oidc_discovery_url|jwks_ur[il]|create-open-id-connect-provider|\bissuer_?url"#,
            60,
            Some(
                r"workload-identity|create-open-id|federated|AssumeRoleWithWebIdentity|openid_connect_provider|oidc_discovery_url|identity[-_]provider",
            ),
        ),
        setting(
            &handed::COPY,
            "a copy of the data goes to",
            r#"\b\w{0,20}(?:replica\w*|standby|follower|mirror\w*|secondary|offsite|off_site|dr[_-]site|destination|\bdest|\btarget|\bremote|upstream|\bsink|\bpeers?)\w{0,20}["']?\s*[:=]|rs\.add\(|\bmc\s+(?:mirror|replicate)|zfs\s+send|GRANT\s+REPLICATION|_replicate\b|\bhost\w{0,5}\s+replication\s"#,
            60,
            Some(r"replicat|backup|mirror|archive|\bdump|\bsync|export|\bwal\b|binlog|snapshot"),
        ),
        setting(
            &handed::COPY,
            "a copy of the data goes to",
            r#"(?:\[\[?(?:sinks?|outputs?)[.\w]{0,40}\]\]?|\[OUTPUT\]|\bexporters?:|<match\b|<store>|destination\s+\w{1,30}\s*\{)[\s\S]{0,200}?(?:uri|endpoint|address|urls?|host|server)["']?\s*[:=]?|archive_command|primary_conninfo|\breplicaof\s|\bslaveof\s|CREATE\s+SUBSCRIPTION|MASTER_HOST|SOURCE_HOST|drains:add|log_?drain|remote_write|\$InputFileName|\n\s*\*\.\*|mirror_?(?:to|url|target)|put-bucket-replication|set_tracking_uri|MLFLOW_TRACKING_URI|WANDB_BASE_URL|WANDB_HOST|CLEARML_API_HOST|COMET_URL_OVERRIDE|remote_?syslog|forward_?to|git\s+remote\s+add\s+(?:--mirror\S*\s+)?\S{1,30}|dvc\s+remote\s+add"#,
            120,
            None,
        ),
        setting(
            &handed::TRAFFIC,
            "each request is copied to",
            r#"\bmirror\s+["']?/[\w./-]{1,40}["']?;[\s\S]{0,600}?proxy_pass\s|request_?-?mirror_?-?polic\w*[\s\S]{0,240}?(?:cluster|host\w*|address)["']?\s*:|\bmirror:\s*\{?\s*["']?host["']?\s*:|RequestMirror[\s\S]{0,240}?(?:host\w*|url)["']?\s*:|--output-http\b|\bmirroring:[\s\S]{0,240}?url["']?\s*:"#,
            24,
            None,
        ),
        setting(
            &handed::RIGHTS,
            "what the cluster runs is shown to, and changed by,",
            r#"(?:Mutating|Validating)(?:Admission)?WebhookConfiguration[\s\S]{0,1200}?\burl["']?\s*:|kind:\s*APIService[\s\S]{0,300}?externalName["']?\s*:|conversion:[\s\S]{0,120}?clientConfig[\s\S]{0,80}?url["']?\s*:"#,
            24,
            None,
        ),
        setting(
            &handed::SOURCE,
            "what is deployed comes from",
            r#"kind:\s*(?:Application|ApplicationSet|GitRepository)\b[\s\S]{0,600}?\b(?:repoURL|url)["']?\s*:|(?:\n|^)include:\s*(?:\n\s*-\s*)?\[?\{?\s*remote["']?\s*:|\bmodule\s+"\w{1,40}"\s*\{[\s\S]{0,120}?source\s*=\s*["'](?:git::)?"#,
            24,
            Some(
                r#"selfHeal|automated|interval:\s*\S|include:[^\n]{0,12}\s{0,12}-?\s*remote|(?:iam|admin|secret|assume|AdministratorAccess)"#,
            ),
        ),
        setting(
            &handed::SECOND_WAY,
            "the machine takes its orders from",
            r#"chef_server_url|\bWAZUH_MANAGER\b|--tls_hostname|\brendezvous_server|\bcustom-rendezvous-server|\bk3s\b[^\n]{0,40}agent[^\n]{0,40}--server|\bK3S_URL\b|\bkubeadm\s+join|\bgitlab-runner\s+register[^\n]{0,80}--url|\bagent\.jar[^\n]{0,60}-(?:url|jnlpUrl)|\bMeshAgent|meshcentral|\bsalt-minion[\s\S]{0,80}?master:|\bmaster:\s*["']?(?:salt)?|\[(?:main|agent)\]\s*\n\s*server\b|--management-url\b|\bCELERY_BROKER_URL\b|\bfleet[_-]url\b"#,
            40,
            Some(
                r"chef_server|WAZUH|tls_hostname|rendezvous|k3s|kubeadm|gitlab-runner|agent\.jar|mesh|salt|puppet|management-url|fleet",
            ),
        ),
        setting(
            &handed::SOURCE,
            "what builds the program comes from",
            r#"\bdistributionUrl\b|\bwrapperUrl\b|\bmaven\s*\{[^}]{0,40}?url\b|<repository>[\s\S]{0,200}?<url|<pluginRepository>[\s\S]{0,200}?<url|\bresolvers\s*\+=|<Import\s+Project\b|attachedTemplate[^\n]{0,120}?Target\b|oleObject[^\n]{0,120}?Target\b|["']?(?:overrides|resolutions)["']?\s*:\s*\{[^}]{0,200}?["'](?:git\+)?|\[patch\.[\w"./:-]{1,60}\][\s\S]{0,120}?git\b"#,
            60,
            Some(
                r"distributionUrl|wrapperUrl|attachedTemplate|oleObject|allowInsecureProtocol|overrides|resolutions|\[patch|<Import|maven\s*\{|<repository>|pluginRepository",
            ),
        ),
        setting(
            &handed::COPY,
            "the state, which holds secrets, is kept at",
            r#"\bbackend\s+"(?:http|remote|s3|consul|pg)"\s*\{[\s\S]{0,240}?(?:address|hostname|endpoints?|conn_str)\b|-backend-config[\s=]["']?(?:address|hostname|endpoint)|TF_HTTP_ADDRESS"#,
            40,
            None,
        ),
        setting(
            &handed::COPY,
            "the database writes to",
            r#"CREATE\s+SERVER\b[\s\S]{0,200}?\bhost\b|\bdblink\w{0,16}\s*\([\s\S]{0,80}?host(?:addr)?\s*=|ENGINE\s*=\s*FEDERATED[\s\S]{0,60}?CONNECTION|sp_addlinkedserver[\s\S]{0,160}?datasrc|CREATE\s+(?:EXTERNAL\s+)?STAGE[\s\S]{0,100}?url\s*=|CHANGEFEED\s+FOR[^\n]{0,80}\bINTO|\bUTL_HTTP\.\w{3,20}\s*\(|\bhttp_(?:post|put)\s*\("#,
            40,
            None,
        ),
        setting(
            &handed::SOURCE,
            "what is built is taken ready-made from",
            r#"\b(?:extra-|trusted-)?(?:trusted-)?substituters["']?\s{0,3}=|\b(?:extra-)?binary-caches\b|--(?:extra-)?substituters|\bnix\.settings|\bremote_cache=|--remote_(?:cache|executor)=|\bbuildCache\s*\{[\s\S]{0,120}?url|SCCACHE_ENDPOINT|CCACHE_REMOTE_STORAGE|TURBO_API|\bturbo\b[^\n]{0,20}--api|NX_CLOUD_API"#,
            40,
            Some(
                r#"trusted-public-keys|accept-flake-config|trusted-users|require-sigs|allowInsecure|allow_insecure|TOKEN|isPush|remote_upload"#,
            ),
        ),
        setting(
            &handed::SOURCE,
            "packages come from",
            r#"JULIA_PKG_SERVER|options\(\s{0,2}repos|\brepos\s{0,2}(?:=|<-)\s{0,2}c?\(?|CRAN_MIRROR|HEX_(?:MIRROR|CDN|API_URL)|\bconan\s+remote\s+add|luarocks\b[^\n]{0,60}--(?:only-)?server|\bopam\s+repo\w{0,8}\s+(?:add|set-url)|flatpak\s+remote-add|zypper\s+(?:ar|addrepo)|choco\s+source\s+add|winget\s+source\s+add|scoop\s+bucket\s+add|\bbaseurl\s{0,2}=|extensionsGallery|EXTENSIONS_GALLERY|network_mirror\s{0,2}\{|(?:ELECTRON|PYENV|NODE|PHANTOMJS|CHROMEDRIVER|OPERADRIVER|GECKODRIVER)\w{0,16}_(?:MIRROR|CDNURL)|PUPPETEER_DOWNLOAD_\w{3,12}|PLAYWRIGHT_DOWNLOAD_HOST|SENTRYCLI_CDNURL|SASS_BINARY_SITE|npm_config_\w{2,30}_(?:mirror|binary_host\w{0,8})|\bHF_ENDPOINT|channel_alias|conda\s+config\s+--add\s+channels|TRIVY_\w{0,8}DB_REPOSITORY|OLLAMA_REGISTRY|COMPOSER_\w{0,6}REPO|VCPKG_\w{2,12}|\bpacman\b[^\n]{0,40}Server|\bapk\b[^\n]{0,60}(?:--repository|-X)|GALAXY_SERVER\w{0,20}|plugin_?[rR]epositor(?:y|ies)|LUA_ROCKS_SERVER|MIX_\w{0,8}REPO"#,
            60,
            Some(
                r#"gpgcheck\s*=\s*0|--no-gpg|SigLevel\s*=\s*(?:Never|Optional)|TrustAll|--allow-untrusted|trusted=yes|--nogpgcheck|no-check|insecure|verify[^\n]{0,12}(?:false|off|no)|--force-yes|allow-unauthenticated|checkBuilt|\.Rprofile|Rprofile\.site"#,
            ),
        ),
        setting(
            &handed::SOURCE,
            "what is included at each run comes from",
            r#"#include(?:-once)?\s{0,4}\n\s{0,4}|\bapply\s{1,2}from\s{0,2}[:=(]|\btaskfile\s{0,2}:|\bsource\(\s{0,2}(?:url\()?|\b(?:include|require)(?:_once)?\s{0,2}\(?\s{0,2}["']|\binclude\(\s{0,2}download\(|\bdofile\(|\b(?:fetchTarball|fetchurl|fetchGit)\s|config\.vm\.box_url|kind:\s{0,2}Kustomization[\s\S]{0,400}?(?:resources|bases|components):(?:\s{0,4}\n\s{0,6}-[^\n]{0,200}){0,8}?\s{0,4}\n\s{0,6}-\s{0,3}["']?(?:https?|git|ssh)\b|(?-i:\bADD)\s{1,3}https?\b|\bextends["']?\s{0,2}[:=]\s{0,2}\[?|%include\s|\bimport_tasks:|include_tasks:|\bimport\s*\(\s*(?:builtins\.)?|template_url|TemplateURL|--template-url|\bpostCreateCommand[^\n]{0,80}"#,
            16,
            Some(
                r#"#include|apply\s+from|taskfile|source\(|\bdofile|fetchTarball|box_url|Kustomization|%include|_tasks:|TemplateURL|RUN\s+(?:ba|z)?sh|chmod|ENTRYPOINT|import\s*\("#,
            ),
        ),
        setting(
            &handed::SCRIPT,
            "a script that sees every page takes its code from",
            r#"@match\s{1,8}(?:\*|https?\*?)://\*/\*[\s\S]{0,600}?@(?:require|updateURL|downloadURL)\s|@include\s{1,8}\*\s[\s\S]{0,600}?@(?:require|updateURL|downloadURL)\s|@(?:require|updateURL|downloadURL)\s|<all_urls>[\s\S]{0,900}?(?:update_url|script-src|js["']?\s*:|connect-src)|javascript:[\s\S]{0,200}?\.src\s*="#,
            40,
            Some(r#"@(?:match|include)\s+(?:\*|https?\*?)(?:://\*/\*|\s)|<all_urls>|javascript:"#),
        ),
        setting(
            &handed::TRAFFIC,
            "a host is reached through",
            r#"\bHost\s+(?:github|gitlab|bitbucket)\.(?:com|org)[^\n]{0,20}\n(?:[ \t]+[^\n]{0,80}\n){0,4}?[ \t]+HostName|@cert-authority\s+\*|\bLocalCommand\b|login-server[\s=]|\bHost\s+\*[^\n]{0,8}\n(?:[ \t]+[^\n]{0,80}\n){0,6}?[ \t]+(?:ProxyJump|ProxyCommand|RemoteForward)"#,
            160,
            None,
        ),
        setting(
            &handed::TRAFFIC,
            "traffic goes through",
            r#"\b(?:HTTPS?|ALL)_PROXY\b["'\]]{0,2}|\bhttps?\.proxy\b|\bhttps?-proxy\b|\bhttpsProxy\b|\[Peer\][\s\S]{0,240}?Endpoint"#,
            30,
            Some(
                r#"NODE_TLS_REJECT|NODE_EXTRA_CA|sslVerify|strict-ssl|rejectUnauthorized|InsecureSkip|CA_BUNDLE|ca-certificates|add-trusted-cert|proxyStrictSSL|AllowedIPs\s*=\s*0\.0\.0\.0/0|\.(?:bash|zsh)rc|/etc/environment|environment\.d|\bsetx\b|settings\.json|config\s+--global"#,
            ),
        ),
        setting(
            &handed::EVENTS,
            "each event of a repository or an account is told to",
            r#"\bconfig\[url\]|webhook_endpoints|webhooks?[/.\s]create|create_?webhook|createHook\(|/hooks["']?\s[^\n]{0,100}\burl\b|"(?:events|active)"\s*:[^\n]{0,120}"url"\s*:"#,
            80,
            None,
        ),
        setting(
            &handed::COPY,
            "what the agent is told and does is recorded at",
            r#"OTEL_EXPORTER_OTLP\w{0,16}_?ENDPOINT["'\]]{0,2}|LANGFUSE_(?:HOST|BASE_URL)|LANGCHAIN_ENDPOINT|LANGSMITH_ENDPOINT|HELICONE_BASE_URL"#,
            30,
            Some(
                r#"LOG_USER_PROMPTS|LOG_TOOL|MESSAGE_CONTENT|TRACE_CONTENT|LOG_RAW|\.(?:bash|zsh)rc|settings\.json|/etc/environment|"env"\s*:"#,
            ),
        ),
    ]
});

/// What a name is said to be at, beside a vendor's name.
static NAME_AT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b((?:\d{1,3}\.){3}\d{1,3})\s+((?:[a-z0-9-]{1,63}\.){1,4}(?:com|org|net|io|dev|ai))\b",
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    for setting in SETTINGS.iter() {
        let Some((at, host)) = first(setting, report.program, report.profile) else { continue };
        let around = near(text, at);
        let grave = setting.grave.as_ref().is_none_or(|grave| grave.is_match(around));
        let (severity, sure) = match (grave, report.program.prose) {
            // Of a page that a text shows, which is told of what it loads.
            (true, true) if report.program.line(at).1.contains("import(") => {
                (Severity::Medium, Low)
            }
            (true, _) => (Severity::High, Medium),
            // A file that is copied as it stands.
            (false, false) if setting.rule.id == handed::SOURCE.id => (Severity::High, Medium),
            (false, true) => (Severity::Medium, Low),
            (false, false) => (Severity::Medium, Medium),
        };
        let message = format!("{} {}", setting.what, palisade_core::shown(&host, 60));
        report.say(setting.rule, severity, sure, at, message);
    }
    let mut captures = NAME_AT.create_captures();
    NAME_AT.captures(text, &mut captures);
    if let (Some(whole), Some(ip), Some(name)) =
        (captures.get_match(), captures.get_group(1), captures.get_group(2))
    {
        let ip = text.get(ip.range()).unwrap_or_default();
        let name = text.get(name.range()).unwrap_or_default().to_ascii_lowercase();
        let elsewhere = ip
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified());
        if elsewhere && crate::text::is_vendor(&name) && text.contains("hosts") {
            let message = format!("{name} is said to be at {ip}");
            report.say(&handed::TRAFFIC, Severity::High, Medium, whole.start(), message);
        }
    }
}

/// Rows and sentences of texts that name such a setting and an address: what is grave by itself, only.
pub(super) fn texts(package: &Package, profile: &Profile, seen: &mut Seen) {
    const LARGEST: usize = 1 << 20;
    for file in package.files.iter().filter(|file| file.kind == FileKind::Prose) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        if text.len() > LARGEST {
            continue;
        }
        for setting in SETTINGS.iter() {
            let Some((at, host)) = first_in(setting, text, profile) else { continue };
            let row = text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
            let start = text.get(..at).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
            let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
            let grave = setting.grave.as_ref().is_none_or(|grave| {
                setting.rule.id == handed::SOURCE.id && grave.is_match(near(text, at))
            });
            if !grave || row.is_empty() || crate::code::teaches(line) {
                continue;
            }
            if !super::onward::is_untold(&host, profile) {
                continue;
            }
            let number = memchr::memchr_iter(b'\n', text.get(..at).unwrap_or_default().as_bytes())
                .count()
                + 1;
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let message = format!("{} {}", setting.what, palisade_core::shown(&host, 60));
            // A part of a page that is shown is loaded by whoever makes that page.
            let page = line.contains("import(") && !line.contains("require(");
            let (severity, sure) = match (profile.security, page) {
                (true, _) => (Severity::Medium, Low),
                (false, true) => (Severity::Medium, Low),
                (false, false) => (Severity::High, Medium),
            };
            seen.findings.push(
                setting.rule.at(&file.path, number, 0, line, message).of(severity).sure(sure),
            );
        }
    }
}

/// The first address of such a setting that is a stranger's.
fn first(setting: &Setting, program: &Program<'_>, profile: &Profile) -> Option<(usize, String)> {
    first_in(setting, &program.text, profile)
}

fn first_in(setting: &Setting, text: &str, profile: &Profile) -> Option<(usize, String)> {
    const MOST: usize = 64;
    let mut captures = setting.pattern.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        setting.pattern.captures(Input::new(text).range(from..), &mut captures);
        let whole = captures.get_match()?;
        let place = captures.get_group(1)?;
        let host = text.get(place.range())?.to_ascii_lowercase();
        from = whole.end().max(whole.start() + 1);
        // `encoding.codec = "json"`: the name of the next setting.
        let after = text.get(place.end..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let before = text.get(..place.start).unwrap_or_default();
        if after.starts_with('=') && before.trim_end_matches([' ', '\t']).ends_with('\n') {
            continue;
        }
        // `loki.process.clean.receiver` names a part of the same settings.
        let named = before.ends_with("//")
            || before.ends_with('@')
            || host.parse::<std::net::Ipv4Addr>().is_ok()
            || after.starts_with([':', '/'])
            || outward::has_known_end(&host);
        if named && !outward::is_file(&host) && is_handed(&host, profile) {
            return Some((whole.start(), host));
        }
    }
    None
}

/// Name servers that people choose.
pub(super) const RESOLVERS: &[&str] = &[
    "1.1.1.1",
    "1.0.0.1",
    "8.8.8.8",
    "8.8.4.4",
    "9.9.9.9",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
    "94.140.14.14",
    "94.140.15.15",
    "127.0.0.53",
    "1.1.1.2",
    "1.1.1.3",
];

/// Mirrors and hubs that many people take packages from, beside the vendors.
const MIRRORS: &[&str] = &[
    "pytorch.org",
    "nvidia.com",
    "anaconda.org",
    "anaconda.com",
    "jitpack.io",
    "apache.org",
    "sonatype.org",
    "edu.cn",
    "ac.cn",
    "aliyun.com",
    "npmmirror.com",
    "taobao.org",
    "huaweicloud.com",
    "tencent.com",
    "cloudsmith.io",
    "jfrog.io",
    "gemfury.com",
    "fury.io",
    "pkg.dev",
    "amazonaws.com",
    "microsoft.com",
    "jsr.io",
    "esm.sh",
    "nixos.org",
    "cachix.org",
    "debian.org",
    "ubuntu.com",
    "kernel.org",
    "fedoraproject.org",
    "archlinux.org",
    "alpinelinux.org",
    "goproxy.cn",
    "goproxy.io",
    "golang.google.cn",
    "r-project.org",
    "rstudio.com",
    "posit.co",
    "julialang.org",
    "hex.pm",
    "metacpan.org",
    "cpan.org",
    "nuget.org",
    "packagist.org",
    "cocoapods.org",
    "pub.dev",
    "flutter-io.cn",
    "hf-mirror.com",
    "datadoghq.com",
    "grafana.net",
    "newrelic.com",
    "honeycomb.io",
    "sentry.io",
    "logtail.com",
    "axiom.co",
    "papertrailapp.com",
    "loggly.com",
    "elastic-cloud.com",
    "auth0.com",
    "okta.com",
    "clerk.com",
    "ngrok.io",
];

/// Is the address a stranger's, and not the user's to fill in?
pub(super) fn is_handed(host: &str, profile: &Profile) -> bool {
    outward::is_strange(host, profile)
        && !is_local(host)
        && !RESOLVERS.contains(&host)
        && !MIRRORS.iter().any(|domain| crate::code::hosts::is_within(host, domain))
        && !is_placeholder(host)
}

/// Does an address stand for the user's own, or for a mirror that many people use?
pub(crate) fn is_placeholder_address(address: &str) -> bool {
    crate::code::hosts::host_of(address).is_none_or(|host| {
        is_placeholder(&host)
            || MIRRORS.iter().any(|domain| crate::code::hosts::is_within(&host, domain))
    })
}

/// Names that stand for the user's own.
fn is_placeholder(host: &str) -> bool {
    const OWN: &[&str] = &[
        "acme",
        "corp",
        "company",
        "mycompany",
        "yourcompany",
        "intranet",
        "internal",
        "intern",
        "firma",
        "myorg",
        "yourorg",
        "org",
        "domain",
        "yourdomain",
        "mydomain",
        "yourapp",
        "myapp",
        "app",
        "site",
        "mysite",
        "yoursite",
        "host",
        "server",
        "foo",
        "bar",
        "test",
        "demo",
        "staging",
        "dev",
        "localdomain",
        "contoso",
        "fabrikam",
        "shop",
        "customer",
        "client",
        "cliente",
        "kunde",
        "empresa",
        "entreprise",
        "example",
        "you",
        "your",
        "me",
        "office",
        "firm",
        "business",
        "team",
    ];
    let labels: Vec<&str> = host.split('.').collect();
    let names = labels.get(..labels.len().saturating_sub(1)).unwrap_or_default();
    names.last().is_some_and(|label| {
        OWN.contains(label)
            || label.starts_with("your")
            || label.starts_with("my-")
            || label.starts_with("example")
            || label.ends_with("corp")
            || label.ends_with("-company")
    })
}

/// The lines around a byte.
pub(super) fn near(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(400);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = (at + 800).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    text.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_names_are_no_strangers() {
        for host in [
            "npm.acme.example",
            "pypi.corp.example",
            "git.mycompany.com",
            "app.example",
            "your-host.example",
        ] {
            assert!(is_placeholder(host), "{host}");
        }
        for host in ["npm.fastmirror.example", "cdn.pwa-kit.example", "203.0.113.9"] {
            assert!(!is_placeholder(host), "{host}");
        }
    }

    #[test]
    fn settings_are_patterns() {
        assert!(SETTINGS.iter().all(|setting| !setting.what.is_empty()));
    }
}
