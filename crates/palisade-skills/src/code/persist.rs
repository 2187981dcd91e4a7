//! Writes that act again later, and settings that point elsewhere.

use super::analysis::Analysis;
use super::excerpt;
use super::hosts::{self, HOLE, HOLE_TEXT, Standing as Host};
use super::origin::Tag;
use super::places::Standing;
use super::rules;
use super::value::Value;
use crate::{Confidence, Severity, Use};

impl Analysis {
    /// Is it a snippet of the text that tells people, not agents, what a package is?
    fn is_readme(&self) -> bool {
        self.is_prose()
            && self.outermost().is_some_and(|unit| {
                let name = unit.origin.file.rsplit('/').next().unwrap_or_default();
                name.to_ascii_lowercase().starts_with("readme")
            })
    }

    /// Is it the folder of skills that a package has its own place in, or that place?
    fn is_own_folder(&self, path: &str) -> bool {
        let Some((_, place)) = path.rsplit_once("/skills/") else { return false };
        let name = place.split('/').next().unwrap_or_default();
        let name: String =
            name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        name.is_empty() || self.words.contains(&name)
    }

    /// Something is written to where it acts again.
    pub(crate) fn persist(&mut self, to: Standing, path: &str, content: &Value, append: bool) {
        self.can(Use::Persist(path.to_owned()));
        let text = content.pattern(HOLE_TEXT).unwrap_or_default();
        let fetched = self.has(&content.taint, |tag| {
            matches!(tag, Tag::Network(_) | Tag::Channel | Tag::Decoded)
        });
        let shown = excerpt::safe(&path.replace(HOLE, "…"));
        let (rule, severity, what) = match to {
            Standing::AuthorizedKeys => (
                &rules::PERSISTENCE,
                // Whose key it is decides: one that the program brings or fetches is not the user's.
                match fetched
                    || !is_blank_key(&text) && (text.contains("AAAA") || append && !text.is_empty())
                {
                    true => Severity::Critical,
                    false => Severity::Medium,
                },
                format!("A key that may log in is written to `{shown}`."),
            ),
            Standing::ShellStart => {
                let severity = match shell_line(&text) {
                    Line::Path if !fetched => Severity::Note,
                    Line::Telling if self.is_prose() && !fetched && !is_active(&text) => {
                        Severity::Medium
                    }
                    Line::Telling => Severity::High,
                    _ if fetched => Severity::High,
                    Line::Path | Line::Other => Severity::Medium,
                };
                (
                    &rules::PERSISTENCE,
                    severity,
                    format!("`{shown}`, which each new shell runs, is written."),
                )
            }
            Standing::Start | Standing::GitHook | Standing::Preload | Standing::Editor => {
                let telling = matches!(shell_line(&text), Line::Telling)
                    || fetched
                    || to == Standing::Preload;
                (
                    &rules::PERSISTENCE,
                    if telling { Severity::High } else { Severity::Medium },
                    format!("`{shown}`, which runs again by itself, is written."),
                )
            }
            Standing::AgentSettings | Standing::AgentMemory => {
                // A text that says how the skill is installed puts it where skills are.
                let strange = self.has(&content.taint, |tag| match tag {
                    Tag::Network(from) => {
                        hosts::host_of(from).is_none_or(|host| !self.is_own(&host))
                    }
                    Tag::Channel | Tag::Decoded => true,
                    _ => false,
                });
                let installed = self.is_prose() && !strange && shown.contains("/skills/");
                let telling = !installed
                    && (fetched || is_order(&text) || matches!(shell_line(&text), Line::Telling));
                // What whoever installs it is told, in the package's own name.
                let cloned = self.has(
                    &content.taint,
                    |tag| matches!(tag, Tag::Network(from) if is_of_forge(from)),
                );
                let own = (installed || cloned)
                    && self.is_readme()
                    && shown.contains("/skills/")
                    && self.is_own_folder(&shown);
                (
                    &rules::AGENT_MEMORY,
                    match (own, telling) {
                        (true, _) => Severity::Low,
                        (false, true) => Severity::High,
                        (false, false) => Severity::Medium,
                    },
                    format!("`{shown}`, which steers later sessions of the agent, is written."),
                )
            }
            Standing::System => {
                // Names for this machine are how local domains are made.
                let hosts = path.ends_with("hosts");
                let local = text.contains("127.0.0.1")
                    || text.contains("::1")
                    || text.contains("0.0.0.0")
                    || text.is_empty();
                // Names from a file of the user's, and no address: a list of what is to be blocked.
                let listed = !text.is_empty()
                    && !fetched
                    && !text
                        .split(|c: char| !c.is_ascii_digit() && c != '.')
                        .any(|word| word.parse::<std::net::Ipv4Addr>().is_ok());
                let sudo = path.contains("sudoers")
                    && !text.is_empty()
                    && !text.lines().any(|line| {
                        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
                        line.ends_with("NOPASSWD:ALL") || line.ends_with(")ALL")
                    });
                let resolvers = path.contains("resolv")
                    && text.contains("nameserver")
                    && text.lines().filter(|line| line.contains("nameserver")).all(|line| {
                        [
                            "127.", "192.168.", "10.", "172.", "1.1.1.1", "1.0.0.1", "8.8.8.8",
                            "8.8.4.4", "9.9.9.9", "::1",
                        ]
                        .iter()
                        .any(|known| line.contains(known))
                    });
                let severity = match () {
                    () if resolvers => Severity::Low,
                    () if hosts && local => Severity::Low,
                    () if sudo || hosts && listed => Severity::Medium,
                    () => Severity::High,
                };
                (&rules::PERSISTENCE, severity, format!("The system's `{shown}` is changed."))
            }
            Standing::ToolSettings => {
                if let Some(address) = address_in(&text) {
                    self.redirect(&shown, &address, content);
                }
                return;
            }
        };
        let _ = append;
        self.report(rule, severity, Confidence::Medium, what, &content.taint);
        for (key, address) in redirects_in(&text) {
            self.redirect(&key, &address, content);
        }
    }

    /// A setting of a tool or an agent gets an address.
    pub(crate) fn redirect(&mut self, what: &str, address: &str, value: &Value) {
        let Some(host) = hosts::host_of(address) else { return };
        let severity = match hosts::standing_of(address) {
            None | Some(Host::Loopback | Host::Private | Host::Known) => return,
            _ if is_mirror(&host) || is_example(&host, what) => return,
            Some(Host::Drop | Host::Address | Host::Shortener) => Severity::High,
            Some(Host::Shared | Host::Plain) => match is_model_address(what) {
                true => Severity::High,
                false => Severity::Medium,
            },
        };
        let (what, host) = (excerpt::safe(what), excerpt::safe(&host));
        self.report(
            &rules::REDIRECT,
            severity,
            Confidence::Medium,
            format!("`{what}` is pointed at {host}."),
            &value.taint,
        );
    }

    /// A variable or an entry of an object is set.
    pub(crate) fn assigned(&mut self, path: &str, value: &Value) {
        let name = path
            .strip_prefix("os.environ.")
            .or_else(|| path.strip_prefix("process.env."))
            .or_else(|| path.strip_prefix("ENV."))
            .or_else(|| path.strip_prefix("env:"))
            .unwrap_or(path);
        let shell = self.language() == super::language::Language::Shell;
        if (name == path && !shell) || !is_address_name(name) {
            return;
        }
        if let Some(address) = value.pattern(HOLE_TEXT) {
            self.redirect(name, &address, value);
        }
    }
}

/// What a line of a shell's start file does.
enum Line {
    /// It extends the path, sets an alias, completes words.
    Path,
    /// It fetches, decodes, connects or runs something in the background.
    Telling,
    Other,
}

/// Is it a repository at a forge, and not what somebody serves there as bytes?
fn is_of_forge(address: &str) -> bool {
    ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"].iter().any(|forge| {
        address.split_once(forge).is_some_and(|(before, rest)| {
            (before.is_empty() || before.ends_with(['/', '@']))
                && rest.starts_with(['/', ':'])
                && !["/raw/", "/releases/", "/archive/", "/uploads/"]
                    .iter()
                    .any(|part| rest.contains(part))
        })
    })
}

/// Does a line do more than to fetch something to look at?
fn is_active(text: &str) -> bool {
    [
        "| sh",
        "|sh",
        "| bash",
        "|bash",
        "| zsh",
        "nohup",
        "base64",
        "/dev/tcp",
        " -d ",
        "--data",
        " -T ",
        " -F ",
        "eval ",
        "<(",
        "nc ",
        "python",
        "perl",
        "node ",
        "openssl",
        "socat",
        "LD_PRELOAD",
        "PROMPT_COMMAND",
        "alias sudo",
        "alias ssh",
        "alias git=",
        "Invoke-",
        "iex",
        " &\n",
        "& }",
        "trap ",
    ]
    .iter()
    .any(|part| text.contains(part))
}

fn shell_line(text: &str) -> Line {
    // `eval "$(tool init zsh)"` is how tools of the prompt are switched on.
    static SWITCH: std::sync::LazyLock<crate::pattern::Regex> = std::sync::LazyLock::new(|| {
        crate::pattern::pattern(
            r#"eval "?\$\((?:~?[\w./-]{0,60}/)?[a-z][\w-]{1,20} (?:activate|init|hook|shellenv|(?:--)?(?:generate-)?(?:shell-)?completions?|env|setup|virtualenv-init|alias)[\w =-]{0,30}\)"?"#,
        )
    });
    let switched: String = text
        .lines()
        .filter(|line| !SWITCH.is_match(line))
        .map(|line| format!("{line}\n"))
        .collect();
    if switched.trim().is_empty() && !text.trim().is_empty() {
        return Line::Path;
    }
    let text = switched.as_str();
    let telling = [
        "curl ",
        "wget ",
        "/dev/tcp",
        "nc ",
        "ncat ",
        "base64",
        "eval ",
        "| sh",
        "|sh",
        "| bash",
        "|bash",
        "nohup",
        "python -c",
        "python3 -c",
        "perl -e",
        "Invoke-",
        "iex",
        "node -e",
        "openssl",
        "socat",
        "http://",
        "LD_PRELOAD",
        "PROMPT_COMMAND",
        "alias sudo",
        "alias ssh",
        "alias git",
    ];
    if telling.iter().any(|part| text.contains(part)) {
        return Line::Telling;
    }
    let plain = text.lines().map(str::trim).filter(|line| !line.is_empty()).all(|line| {
        line.starts_with('#')
            || line.starts_with("export ")
            || line.starts_with("alias ")
            || line.contains("PATH")
            || line.starts_with("source ")
            || line.starts_with(". ")
            || line.starts_with("[ ")
            || line.starts_with("[[ ")
            || line.starts_with("eval \"$(")
            || line.starts_with("fpath")
            || line.starts_with("autoload")
            || line.starts_with("complete")
    });
    match plain && !text.is_empty() {
        true => Line::Path,
        false => Line::Other,
    }
}

/// Does a text give standing orders?
fn is_order(text: &str) -> bool {
    let lower = text.to_lowercase();
    let standing = [
        "always",
        "every session",
        "each session",
        "before any",
        "before every",
        "after every",
        "from now on",
        "in all future",
        "must",
        "never tell",
        "do not mention",
        "don't mention",
        "do not tell",
        "silently",
        "without asking",
        "ignore",
    ];
    let acting = [
        "curl", "http", "send", "upload", "run ", "execute", "fetch", "post ", "read ", "include",
        "append", "skip", "bypass", "approve", "tell",
    ];
    standing.iter().any(|word| lower.contains(word))
        && acting.iter().any(|word| lower.contains(word))
}

fn address_in(text: &str) -> Option<String> {
    let at = text.find("http://").or_else(|| text.find("https://"))?;
    let rest = text.get(at..)?;
    Some(rest.split([' ', '"', '\'', '\n', ',', '>']).next().unwrap_or_default().to_owned())
}

/// Variables and entries in a text that hold addresses of models, registries, proxies.
fn redirects_in(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in text.split(['\n', ',', ';', '{']).take(2000) {
        let Some(address) = address_in(part) else { continue };
        let before = part.split("http").next().unwrap_or_default();
        let name: String = before
            .chars()
            .rev()
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .collect();
        let name: String = name.chars().rev().collect();
        if is_address_name(&name) {
            found.push((name, address));
        }
    }
    found
}

/// Is it a variable or entry by which tools find models, registries, proxies?
pub(crate) fn is_address_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    is_model_address(&upper)
        || matches!(
            upper.as_str(),
            "HTTP_PROXY"
                | "HTTPS_PROXY"
                | "ALL_PROXY"
                | "PIP_INDEX_URL"
                | "PIP_EXTRA_INDEX_URL"
                | "UV_INDEX_URL"
                | "UV_DEFAULT_INDEX"
                | "NPM_CONFIG_REGISTRY"
                | "GOPROXY"
                | "CARGO_REGISTRIES_CRATES_IO_INDEX"
                | "GIT_PROXY_COMMAND"
        )
}

fn is_model_address(name: &str) -> bool {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    let base = upper.contains("BASE_URL")
        || upper.contains("BASEURL")
        || upper.contains("API_BASE")
        || upper.contains("GATEWAY")
        || upper.ends_with("ENDPOINT")
        || upper.ends_with("API_URL");
    let model = [
        "ANTHROPIC",
        "OPENAI",
        "CLAUDE",
        "GEMINI",
        "OPENCLAW",
        "CLAWDBOT",
        "GOOGLE_GENAI",
        "AZURE_OPENAI",
        "BEDROCK",
    ]
    .iter()
    .any(|vendor| upper.contains(vendor));
    base && model
}

/// Is it a proxy under a name that is nobody's, reserved for documents (RFC 2606)?
fn is_example(host: &str, what: &str) -> bool {
    what.to_ascii_lowercase().ends_with("proxy")
        && ["proxy.example.com", "proxy.example.org", "proxy.example.net", "proxy.example"]
            .contains(&host)
}

/// Public mirrors of the registries.
fn is_mirror(host: &str) -> bool {
    [
        "npmmirror.com",
        "tuna.tsinghua.edu.cn",
        "mirrors.aliyun.com",
        "goproxy.io",
        "goproxy.cn",
        "pypi.doubanio.com",
        "ustc.edu.cn",
        "pytorch.org",
        "pkg.github.com",
        "jfrog.io",
        "pkg.dev",
        "pypi.nvidia.com",
        "rsproxy.cn",
        "npm.pkg.github.com",
        "huaweicloud.com",
        "cloud.tencent.com",
    ]
    .iter()
    .any(|domain| hosts::is_within(host, domain))
}

/// Is it a key with dots in it, for the user's own: `ssh-ed25519 AAAA... you@laptop`?
fn is_blank_key(text: &str) -> bool {
    text.contains("AAAA")
        && text.split("AAAA").skip(1).any(|rest| {
            let key: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c))
                .collect();
            let after = rest.get(key.len()..).unwrap_or_default();
            key.len() < 24 && (after.starts_with("..") || after.starts_with('…'))
        })
}
