//! Commands that run without the model choosing them: hooks, servers, monitors, inline commands;
//! and settings that a package brings along.

use std::sync::LazyLock;

use super::{Document, Leaf, Profile, base, rules};
use crate::{
    Capability,
    Confidence::{self, High, Medium},
    File, Package, Place, Seen, Severity, Use,
    pattern::{Regex, pattern},
    text::{hosts, is_local},
};

/// What is a command of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Hook,
    Server,
    Start,
}

pub(super) fn of_document(
    package: &Package,
    file: &File,
    document: &Document,
    profile: &Profile,
    seen: &mut Seen,
) {
    let name = base(&file.path).to_ascii_lowercase();
    let definition = matches!(file.kind, crate::FileKind::Definition | crate::FileKind::Prose);
    for leaf in &document.leaves {
        let parts: Vec<&str> = leaf.path.split('.').collect();
        let last = parts.last().copied().unwrap_or_default();
        let inside = |keys: &[&str]| parts.iter().any(|part| keys.contains(part));
        let role = if inside(&["hooks"]) || name == "hooks.json" {
            Role::Hook
        } else if inside(&["mcpServers", "mcp_servers", "servers", "mcp", "context_servers"])
            || name == ".mcp.json"
            || name == "mcp.json"
        {
            Role::Server
        } else if inside(&["lspServers", "monitors"])
            || name == ".lsp.json"
            || name == "monitors.json"
        {
            Role::Start
        } else if name == "tasks.json" && last == "command" {
            let opened = document
                .leaves
                .iter()
                .any(|leaf| leaf.path.ends_with("runOn") && leaf.text == "folderOpen");
            if opened {
                // `"command": "node", "args": ["-e", …]`: one command.
                let start = leaf.path.strip_suffix("command").unwrap_or_default();
                let arguments = document.leaves.iter().filter(|other| {
                    other.path.strip_prefix(start).is_some_and(|rest| rest.starts_with("args"))
                });
                let whole = std::iter::once(leaf)
                    .chain(arguments)
                    .take(32)
                    .map(|leaf| leaf.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ");
                command(
                    package,
                    file,
                    leaf,
                    &whole,
                    "a task that starts when the folder is opened",
                    seen,
                );
            }
            continue;
        } else if inside(&["openclaw", "clawdbot", "clawdis"]) && inside(&["install"]) {
            match last {
                "command" | "script" | "run" => {
                    command(package, file, leaf, &leaf.text, "an install step", seen)
                }
                "url"
                    if leaf.text.starts_with("http://")
                        || hosts(&leaf.text).iter().any(|host| {
                            crate::text::is_bare(host) || crate::text::is_anyones(host)
                        }) =>
                {
                    let message =
                        "an install step fetches a program from a place that nobody answers for";
                    seen.findings.push(
                        rules::INSTALL_FETCH.at(&file.path, leaf.line, 0, &leaf.text, message),
                    );
                }
                _ => {}
            }
            continue;
        } else {
            if definition || name.ends_with(".json") {
                setting(file, leaf, last, &parts, seen);
            }
            continue;
        };
        match (role, last) {
            (Role::Hook | Role::Start, "command" | "bash" | "powershell" | "run" | "script") => {
                let key = format!("{}args", leaf.path.trim_end_matches(last));
                let rest: Vec<&str> = document.below(&key).map(|leaf| leaf.text.as_str()).collect();
                let line = format!("{} {}", leaf.text, rest.join(" "));
                command(
                    package,
                    file,
                    leaf,
                    line.trim_end(),
                    if role == Role::Hook {
                        "a hook"
                    } else {
                        "a part that starts with the plugin"
                    },
                    seen,
                );
            }
            (Role::Hook, "url") => hook_url(file, leaf, seen),
            (Role::Server, "command") => server(package, file, document, leaf, profile, seen),
            (Role::Server, "url" | "serverUrl" | "httpUrl") => {
                server_url(file, document, leaf, profile, seen)
            }
            _ => setting(file, leaf, last, &parts, seen),
        }
    }
}

/// `` !`command` `` and blocks fenced as `` ```! ``: run before the model reads the text.
pub(super) fn inline(file: &File, seen: &mut Seen) {
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    let mut fenced = false;
    let mut code = false;
    for (line, number) in text.lines().zip(1..) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            if code {
                (code, fenced) = (false, false);
            } else {
                code = true;
                fenced = trimmed.trim_start_matches('`').trim_start().starts_with('!');
            }
            continue;
        }
        if fenced {
            let leaf = Leaf { path: String::new(), text: line.to_owned(), line: number };
            run(file, &leaf, line, "an inline block", &[], seen);
        }
        if code {
            continue;
        }
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("!`") {
            let Some((command, behind)) = after.split_once('`') else { break };
            let leaf = Leaf { path: String::new(), text: command.to_owned(), line: number };
            run(file, &leaf, command, "an inline command", &[], seen);
            rest = behind;
        }
    }
}

/// What a command does, as far as its words tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) network: bool,
    pub(super) sends: bool,
    pub(super) executes_fetched: bool,
    pub(super) secret: bool,
    pub(super) hidden: bool,
    pub(super) allows: bool,
    pub(super) input: bool,
    pub(super) shell: bool,
    pub(super) watches: bool,
    pub(super) disarms: bool,
    pub(super) dns: bool,
}

static NETWORK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(curl|wget|nc|ncat|netcat|socat|telnet|ftp|tftp|scp|sftp|rsync|nslookup|dig|host|Invoke-WebRequest|Invoke-RestMethod|iwr|irm|Start-BitsTransfer|certutil|bitsadmin|httpie|xh|websocat)(\.exe)?\s|/dev/(tcp|udp)/|https?://|\b(requests\.(get|post|put|request)|urllib|httpx|aiohttp|fetch\(|axios|http\.client|XMLHttpRequest|Net::HTTP|socket\.|net\.connect|WebClient|urlopen|http\.request|https\.request|https\.get)|require\(['\x22](node:)?(https?|net|tls|dgram|node-fetch|axios|got)['\x22]\)|\bgit\s+(push|remote\s+(add|set-url))[^\n]*(https?://|git@|ssh://)|getaddrinfo|gethostbyname|TcpClient|openConnection|dns\.(resolve|lookup)",
    )
});
static SENDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgit\s+push\b|\s-sT\s|(curl|wget)\b[^\n|]*\s(-d|--data\S*|-F|--form\S*|-T|--upload-file|--post-data|--post-file|--json|--body-data|--body-file)\b|-X\s*['\x22]?(POST|PUT)|\b(POST|PUT)\b|\.post\(|\.put\(|\.send\(|sendall\(|\|\s*(nc|ncat|netcat|curl)\b|\b(scp|rsync|sftp)\s|(curl|wget)[^\n]*(\$\(|`|\$\{?[A-Z_]{3,})|(nslookup|dig|host)\b[^\n]*(\$|`)|method['\x22]?\s*[:=]\s*['\x22](POST|PUT)|urlopen\([^\n]*data|urlopen\([^\n,]{0,120},|sendBeacon",
    )
});
static RUNS_FETCHED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bfetch\s*\([^\n]{0,200}\.then\s*\(\s*(?:eval|Function)\b|(curl|wget|iwr|irm|Invoke-WebRequest|Invoke-RestMethod|fetch|urlopen|requests\.get|DownloadString)[^\n]*(\|\s*(sudo\s+)?(env\s+)?(/usr/bin/|/bin/)?(ba|z|da|k)?sh\b|\|\s*(sudo\s+)?(python|node|perl|ruby|php|deno|bun)|\|\s*(iex|Invoke-Expression)|&&\s*(ba|z)?sh\s|chmod\s+\+?[0-7]*x?|;\s*(ba|z)?sh\s)|(\beval\b|\bsource\b|\bexec\b|\bsh\s+-c\b|\bbash\s+-c\b|\biex\b)[^\n]*(\$\(|<\(|`|\()\s*['\x22]?(curl|wget|iwr|irm|urlopen|requests)|exec\([^\n]*(urlopen|requests\.get)|\b(iex|Invoke-Expression)\b[^\n]*(DownloadString|DownloadData|Net\.WebClient|iwr|irm)|(instance_eval|class_eval|module_eval|\beval)\b[^\n]*(URI\.open|open\(|Net::HTTP|file_get_contents\(\s*['\x22]?http|\$_(COOKIE|POST|GET|REQUEST))|git\s+clone[^\n]*&&[^\n]*(make|\./|bash|sh\s)|\(\s*(curl|wget)[^\n]*\)\s*['\x22]?\s*$|<\(\s*(curl|wget)",
    )
});
static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)base64\s+(-d|-D|--decode)|\bb64decode|FromBase64String|xxd\s+-r|\bopenssl\s+(enc|base64)[^\n]*-d|-enc(odedcommand)?\s+[A-Za-z0-9+/=]{16}|fromCharCode|(\\x[0-9a-f]{2}){6}|\batob\(|\brev\s*\||tr\s+['\x22]?[a-z]-[a-z]['\x22]?\s|codecs\.decode|unhexlify|bytes\.fromhex|printf\s+['\x22]?(\\[0-7x])|gunzip|zlib\.decompress",
    )
});
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.ssh/|id_rsa|id_ed25519|\.aws/|\.kube/|\.docker/config|\.npmrc|\.netrc|\.pypirc|\.git-credentials|\.config/gh|gcloud|(^|[\s/'\x22=@(])\.env\b|\bprintenv\b|\benv\s*(\||>|$|\))|os\.environ\b[^\[.]|process\.env\s*[,)]|\bkeychain\b|find-generic-password|Login Data|cookies\.sqlite|logins\.json|wallet\.dat|\.credentials\.json|auth-profiles|\.openclaw/|/etc/shadow|/proc/[^ ]*/environ|secretsmanager|(API|SECRET|ACCESS|AUTH)_?(KEY|TOKEN)|\.gnupg|metadata/(computeMetadata|identity)|169\.254\.169\.254",
    )
});
static ALLOWS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)permissionDecision\\*['"]?\s*[:=]>?\s*\\*['"]allow|\\*['"]decision\\*['"]\s*[:=]>?\s*\\*['"](approve|allow)|behavior\\*['"]?\s*[:=]\s*\\*['"]allow"#,
    )
});
static INPUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)@-|\bcat\b\s*(-|\||\))|stdin|\$\{?(CLAUDE|TOOL|PROMPT|INPUT|ARGUMENTS|GEMINI|HOOK)|transcript|\$\(cat|read\s+-r|tool_input|\bprompt\b|\$\(|`",
    )
});

/// A shell for somebody outside.
static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(bash|sh|zsh)\s+-i\b[^\n]*(/dev/tcp|>&|\|)|exec\s+\d+<>\s*/dev/tcp/|/dev/tcp/[^\n]*(bash|sh)\b|\b(nc|ncat|netcat)\b[^\n]*\s-(e|c|[a-z]*e)\s+\S*(sh|bash|cmd)|mkfifo[^\n]*\b(nc|ncat|netcat|telnet|openssl)\b|\bsh\s+-i\b[^\n]*\|\s*(nc|ncat|telnet|openssl)|Net\.Sockets\.TcpClient|socat[^\n]*(tcp|openssl|udp|websocket)[^\n]*exec:|socat[^\n]*exec:[^\n]*(tcp|openssl|udp)|(pty\.spawn|os\.dup2|subprocess\.(call|run|Popen)\(\[?['\x22](/bin/)?(ba)?sh)[^\n]*|TCPClient\([^\n]*|fsockopen\([^\n]*(exec|shell_exec|proc_open)|io\.popen[^\n]*socket|IO::Socket::INET|TCPSocket\.(new|open)|socket\.connect\(|net\.Dial\(",
    )
});
static RUNS_SHELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(ScriptBlock|exec|system|popen|spawn|shell_exec|proc_open|passthru|Invoke-Expression|iex|os\.execute|exec\.Command|ProcessBuilder|Runtime\.getRuntime|qx|IO\.popen|open3|sh|bash|cmd)\b",
    )
});
/// Protections of the system that are switched off.
static DISARMS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)com\.apple\.quarantine|spctl\s+--(master|global)-disable|csrutil\s+disable|Set-MpPreference\s+-Disable|Add-MpPreference\s+-Exclusion|DisableRealtimeMonitoring|setenforce\s+0|ufw\s+disable|iptables\s+-F|systemctl\s+(stop|disable)\s+(auditd|falcon|crowdstrike|clamav|ufw|firewalld|apparmor)|netsh\s+advfirewall\s+set\s+\S+\s+state\s+off|history\s+-c\b|unset\s+HISTFILE|HISTSIZE=0|vssadmin\s+delete|wevtutil\s+cl|NODE_TLS_REJECT_UNAUTHORIZED|Stop-Service\s+\S*(Defend|WinDefend)|sc\s+(stop|delete)\s+\S*(WinDefend|Sense)",
    )
});
/// An agent is started that asks nobody before it acts.
static UNASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:claude|codex|gemini|cursor-agent|amp|opencode|aider|copilot|openclaw)\b[^\n]{0,400}(?:--dangerously-(?:skip|bypass)\w*|--yolo\b|--full-auto\b|--yes-always\b|bypassPermissions|danger-full-access|--allow-all-tools|--approval-mode[= ]yolo)",
    )
});
static DNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(dig|nslookup|host|drill|Resolve-DnsName)\b[^\n]*\b(TXT)\b|resolveTxt|dns\.resolver\.(resolve|query)\([^\n]*TXT|LookupTXT",
    )
});
/// Eyes and ears on the user.
static WATCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(pynput|keyboard\.(on_press|hook|record)|GetAsyncKeyState|SetWindowsHookEx|CGEventTap|iohook|uiohook|xinput test|showkey|/dev/input/event|screencapture|ImageGrab|pyautogui\.screenshot|screenshot-desktop|mss\(|scrot|grim|import -window root|sounddevice|pyaudio|arecord|node-record-lpcm16|sox\b[^\n]{0,20}\s-d|getUserMedia|cv2\.VideoCapture|imagesnap|fswebcam|avfoundation|pbpaste|xclip -o|Get-Clipboard|pyperclip\.paste|clipboardy)\b",
    )
});

pub(super) fn facts(text: &str) -> Facts {
    Facts {
        network: NETWORK.is_match(text) && !only_local(text),
        sends: SENDS.is_match(text),
        executes_fetched: RUNS_FETCHED.is_match(text) || saves_and_runs(text),
        secret: SECRET.is_match(text),
        hidden: HIDDEN.is_match(text),
        allows: ALLOWS.is_match(text),
        input: INPUT.is_match(text),
        shell: SHELL.is_match(text) && RUNS_SHELL.is_match(text) && !only_local(text),
        watches: WATCHES.is_match(text),
        disarms: DISARMS.is_match(text),
        dns: DNS.is_match(text),
    }
}

/// Does a script of the package send nothing but its own words, and only to where the user has set a variable?
///
/// It reads no input, no file and no listing, and each line that sends has a variable in its address's path and
/// nothing from a command but the folder's name.
fn only_notifies(text: &str) -> bool {
    static READS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?im)@|\bcat\b|\bread\b|stdin|/dev/|transcript|\b(env|printenv|set|export|declare|find|ls|grep|sed|awk|head|tail|tar|zip|git|base64|xxd|od|jq|history|whoami|id|python3?|node|perl|ruby|php|eval|source|exec|nc|ncat|scp|rsync|dig|nslookup|wget)\b|<\s*[\x22'$~/]|\.(env|ssh|aws|claude|config)\b|\$\{?(CLAUDE|TOOL|PROMPT|INPUT|ARGUMENTS|HOOK)",
        )
    });
    static SENT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)\bcurl\b[^\n]*https://[a-z0-9.-]+/[^\s\x22']*\$\{?[A-Z][A-Z0-9_]+\}?[\x22'\s]",
        )
    });
    static NESTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\([^)]*\(?|`[^`]*`"));
    // Comments say nothing of what is done.
    let code: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let code =
        code.join("\n").replace(">/dev/null", "").replace("> /dev/null", "").replace("-v ", "");
    let sends = code.lines().filter(|line| line.contains("curl")).count();
    sends > 0
        && code.lines().filter(|line| SENT.is_match(line)).count() == sends
        && !READS.is_match(&code)
        && NESTED.find_iter(&code).all(|found| {
            let inner = code.get(found.range()).unwrap_or_default();
            ["$(basename ", "$(uname ", "$(date", "$(hostname", "$(dirname "]
                .iter()
                .any(|own| inner.starts_with(own))
        })
}

static SAVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(curl|wget|iwr|Invoke-WebRequest|certutil|bitsadmin|Start-BitsTransfer)\b[^\n]*?(\s-[a-z]*o|\s-[a-z]*O|--output|--output-document|-OutFile|>)\s*['\x22]?([^\s'\x22;&|]+)",
    )
});

/// A file is fetched, and later made executable or run.
fn saves_and_runs(text: &str) -> bool {
    const MOST: usize = 16;
    let mut captures = SAVES.create_captures();
    let mut at = 0;
    for _ in 0..MOST {
        SAVES.captures(regex_automata::Input::new(text).range(at..), &mut captures);
        let (Some(whole), Some(name)) = (captures.get_match(), captures.get_group(3)) else {
            return false;
        };
        at = whole.end().max(at + 1);
        let name = text.get(name.range()).unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let rest = text.get(at.min(text.len())..).unwrap_or_default();
        if name.len() < 2 || !rest.contains(name) {
            continue;
        }
        let runs = rest
            .lines()
            .flat_map(|line| line.split(['&', ';', '|']))
            .filter(|part| part.contains(name))
            .any(|part| {
                let part = part.trim_start();
                [
                    "chmod",
                    "sudo",
                    "bash",
                    "sh ",
                    "./",
                    "/tmp/",
                    "~/",
                    "$",
                    "start ",
                    "Start-Process",
                    "open ",
                    "python",
                    "node",
                    "&",
                    "nohup",
                    "exec ",
                    "source",
                    ". ",
                ]
                .iter()
                .any(|start| part.starts_with(start))
                    && !part.starts_with("sudo mv")
                    && !part.starts_with("sudo install")
                    && !part.starts_with("sudo tar")
                    && !part.starts_with("sudo dpkg")
                    && !part.starts_with("sudo apt")
            });
        if runs {
            return true;
        }
        if at >= text.len() {
            return false;
        }
    }
    false
}

fn only_local(text: &str) -> bool {
    let mut hosts = hosts(text);
    hosts.extend(
        text.split("/dev/tcp/")
            .skip(1)
            .filter_map(|rest| rest.split('/').next().map(str::to_owned)),
    );
    // `LHOST`, `<ip>`, `$1`: whoever reads it fills it in.
    let blank = |host: &str| {
        !host.chars().any(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            || host.starts_with(['$', '<', '{', '['])
    };
    !hosts.is_empty() && hosts.iter().all(|host| is_local(host) || blank(host))
        || hosts.is_empty()
            && ["LHOST", "RHOST", "ATTACKER", "YOUR_IP", "<ip>", "$ip", "TARGET"]
                .iter()
                .any(|word| text.contains(word))
}

/// A command, and the script of the package that it names.
fn command(package: &Package, file: &File, leaf: &Leaf, text: &str, who: &str, seen: &mut Seen) {
    let scripts: Vec<&File> = package
        .files
        .iter()
        .filter(|other| {
            let name = base(&other.path);
            // `${CLAUDE_PLUGIN_ROOT}/scripts/x.sh`: names are told by their end.
            other.path != file.path && name.len() > 3 && name.contains('.') && text.contains(name)
        })
        .take(8)
        .collect();
    run(file, leaf, text, who, &scripts, seen);
}

fn run(file: &File, leaf: &Leaf, text: &str, who: &str, scripts: &[&File], seen: &mut Seen) {
    let mut say = |rule: &'static crate::Rule,
                   severity: Severity,
                   confidence: Confidence,
                   place: Option<&str>,
                   what: &str| {
        let mut finding = rule
            .at(&file.path, leaf.line, 0, text, format!("{who} {what}"))
            .of(severity)
            .sure(confidence);
        if let Some(script) = place {
            finding = finding.with(Place { file: script.to_owned(), line: 0, column: 0 });
        }
        seen.findings.push(finding);
    };
    say(&rules::COMMAND, Severity::Note, High, None, "runs this without being asked");
    let texts = std::iter::once((None, text.into())).chain(
        scripts
            .iter()
            .map(|script| (Some(script.path.as_str()), String::from_utf8_lossy(&script.bytes))),
    );
    for (script, text) in texts {
        let text: std::borrow::Cow<'_, str> = text;
        let facts = facts(&text);
        let direct = script.is_none();
        if facts.shell && facts.network {
            say(
                &rules::COMMAND_SHELL,
                Severity::Critical,
                High,
                script,
                "opens a shell for somebody outside",
            );
        } else if facts.executes_fetched {
            say(
                &rules::COMMAND_FETCHES,
                Severity::Critical,
                High,
                script,
                "fetches code and executes it",
            );
        } else if facts.network && facts.secret && facts.sends {
            say(
                &rules::COMMAND_SECRET,
                Severity::Critical,
                if direct { High } else { Medium },
                script,
                "reads secrets and sends something",
            );
        } else if facts.network && !direct && only_notifies(&text) {
            say(
                &rules::COMMAND_NETWORK,
                Severity::Low,
                Medium,
                script,
                "sends a word to an address that the user sets",
            );
        } else if facts.network && facts.sends && facts.input {
            say(
                &rules::COMMAND_NETWORK,
                Severity::High,
                High,
                script,
                "sends what it is given to the network",
            );
        } else if facts.network && facts.hidden {
            say(
                &rules::COMMAND_HIDDEN,
                Severity::High,
                High,
                script,
                "decodes something and talks to the network",
            );
        } else if facts.network {
            let severity = if facts.sends { Severity::High } else { Severity::Medium };
            say(&rules::COMMAND_NETWORK, severity, Medium, script, "talks to the network");
        } else if facts.secret && direct {
            say(&rules::COMMAND_SECRET, Severity::High, Medium, script, "reads secrets");
        }
        if facts.hidden && (direct || !facts.network) {
            let severity = if direct { Severity::High } else { Severity::Medium };
            say(
                &rules::COMMAND_HIDDEN,
                severity,
                if direct { High } else { Medium },
                script,
                "decodes what it runs",
            );
        }
        if UNASKED.is_match(text.as_ref()) {
            let what = "starts an agent that asks nobody";
            say(&rules::AUTO_ALLOW, Severity::High, High, script, what);
        }
        // `approve` at the end of a turn only says that the turn may end.
        let asks = ["PreToolUse", "PermissionRequest", "preToolUse", "beforeShellExecution"];
        let elsewhere =
            leaf.path.contains("hooks.") && !asks.iter().any(|event| leaf.path.contains(event));
        if facts.allows && !elsewhere {
            say(
                &rules::AUTO_ALLOW,
                Severity::High,
                High,
                script,
                "answers the permission question with yes",
            );
        }
    }
}

fn hook_url(file: &File, leaf: &Leaf, seen: &mut Seen) {
    let hosts = hosts(&leaf.text);
    if !hosts.is_empty() && hosts.iter().all(|host| is_local(host)) {
        return;
    }
    let message = "a hook sends every event, with prompts and tool calls in it, to this address";
    seen.findings
        .push(rules::COMMAND_NETWORK.at(&file.path, leaf.line, 0, &leaf.text, message).sure(High));
    for host in hosts {
        let place = Place { file: file.path.clone(), line: leaf.line, column: 0 };
        seen.capabilities.push(Capability { what: Use::Network(Some(host)), place });
    }
}

fn server(
    package: &Package,
    file: &File,
    document: &Document,
    leaf: &Leaf,
    profile: &Profile,
    seen: &mut Seen,
) {
    let before = leaf.path.trim_end_matches("command").trim_end_matches('.');
    let key = format!("{before}.args");
    let arguments: Vec<&str> = document.below(&key).map(|leaf| leaf.text.as_str()).collect();
    let line = format!("{} {}", leaf.text, arguments.join(" "));
    seen.findings.push(
        rules::SERVER
            .at(&file.path, leaf.line, 0, &line, "a tool server is started")
            .of(Severity::Note),
    );
    let place = Place { file: file.path.clone(), line: leaf.line, column: 0 };
    seen.capabilities.push(Capability { what: Use::Exec(Some(leaf.text.clone())), place });
    let program = base(&leaf.text).to_ascii_lowercase();
    let shell = matches!(
        program.trim_end_matches(".exe"),
        "sh" | "bash" | "zsh" | "cmd" | "powershell" | "pwsh" | "osascript" | "dash"
    ) || (matches!(
        program.as_str(),
        "python" | "python3" | "node" | "perl" | "ruby" | "deno" | "bun"
    ) && arguments.iter().any(|a| matches!(*a, "-c" | "-e" | "eval" | "--eval")))
        || leaf.text.contains([' ', '|', ';', '&']);
    if shell {
        command(package, file, leaf, &line, "a tool server", seen);
    } else {
        // Servers talk to the network by trade: only what none of them has to do counts.
        let facts = facts(&line);
        if facts.executes_fetched {
            seen.findings.push(
                rules::COMMAND_FETCHES
                    .at(&file.path, leaf.line, 0, &line, "a tool server is fetched code")
                    .sure(High),
            );
        }
    }
    if matches!(program.as_str(), "npx" | "uvx" | "bunx" | "pnpx" | "pipx")
        || (program == "npm" && arguments.first() == Some(&"exec"))
    {
        let package = arguments.iter().find(|a| !a.starts_with('-')).copied().unwrap_or_default();
        let pinned = package.rsplit_once('@').is_some_and(|(name, version)| {
            !name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit())
        }) || package.contains("==");
        let remote = package.contains("://")
            || package.starts_with("git+")
            || arguments
                .iter()
                .any(|a| a.starts_with("git+") || a.contains("http://") || a.ends_with(".tgz"));
        if remote {
            seen.findings.push(
                rules::SERVER_UNPINNED
                    .at(
                        &file.path,
                        leaf.line,
                        0,
                        &line,
                        "a tool server is run from an address, not from a registry",
                    )
                    .of(Severity::Medium),
            );
        } else if !pinned {
            seen.findings.push(rules::SERVER_UNPINNED.at(
                &file.path,
                leaf.line,
                0,
                &line,
                "a tool server is run in whatever version is newest",
            ));
        }
    }
    environment(file, document, before, profile, seen);
}

/// Secrets that a server is given and that are not its own.
fn environment(file: &File, document: &Document, before: &str, profile: &Profile, seen: &mut Seen) {
    let name = before.rsplit('.').next().unwrap_or_default().to_lowercase();
    let words = crate::formats::profile::words(&name);
    let families = [
        "aws",
        "github",
        "gitlab",
        "openai",
        "anthropic",
        "google",
        "gcp",
        "azure",
        "npm",
        "slack",
        "stripe",
        "ssh",
        "database",
        "cloudflare",
        "heroku",
        "docker",
        "kube",
        "vault",
    ];
    let mut foreign = std::collections::BTreeSet::new();
    let mut line = 0;
    let (env, headers) = (format!("{before}.env"), format!("{before}.headers"));
    for leaf in document.below(&env).chain(document.below(&headers)) {
        let key = format!("{} {}", leaf.path.rsplit('.').next().unwrap_or_default(), leaf.text)
            .to_lowercase();
        if !["key", "token", "secret", "password", "credential", "sock"]
            .iter()
            .any(|word| key.contains(word))
        {
            continue;
        }
        for family in families {
            if key.contains(family)
                && !words.contains(family)
                && !name.contains(family)
                && !profile.words.contains(family)
            {
                foreign.insert(family);
                line = leaf.line;
            }
        }
    }
    if foreign.len() >= 2 {
        let list: Vec<&str> = foreign.into_iter().collect();
        let message = format!(
            "the server {} is given secrets of {}",
            palisade_core::shown(&name, 40),
            list.join(", ")
        );
        seen.findings.push(
            rules::SERVER_SECRET.at(&file.path, line, 0, "", message).sure(if list.len() > 2 {
                High
            } else {
                Medium
            }),
        );
    }
}

fn server_url(file: &File, document: &Document, leaf: &Leaf, profile: &Profile, seen: &mut Seen) {
    for host in hosts(&leaf.text) {
        if is_local(&host) {
            continue;
        }
        let place = Place { file: file.path.clone(), line: leaf.line, column: 0 };
        let bare = host.chars().all(|c| c.is_ascii_digit() || c == '.');
        if leaf.text.starts_with("http://") || bare {
            let before = leaf.path.rsplit_once('.').map_or("", |(before, _)| before);
            let given = document.below(before).any(|leaf| {
                ["authorization", "token", "key", "secret"].iter().any(|word| {
                    leaf.path.to_lowercase().contains(word)
                        || leaf.text.to_lowercase().contains("bearer ")
                })
            });
            let message = format!(
                "a tool server without protection{}: {host}",
                if given { ", which is given a token" } else { "" }
            );
            let finding = rules::SERVER_PLAIN.at(&file.path, leaf.line, 0, &leaf.text, message);
            seen.findings.push(if given { finding.of(Severity::High) } else { finding });
        } else {
            let before = leaf.path.rsplit_once('.').map_or("", |(before, _)| before);
            for header in document.below(before) {
                let Some(name) = header
                    .text
                    .split_once("${")
                    .and_then(|(_, rest)| rest.split(['}', ':']).next())
                else {
                    continue;
                };
                let stranger = crate::code::hosts::issuers(name).is_some_and(|list| {
                    !list.iter().any(|domain| crate::code::hosts::is_within(&host, domain))
                });
                if stranger {
                    let message = format!(
                        "the server at {host} is given {}, which it did not issue",
                        palisade_core::shown(name, 60)
                    );
                    seen.findings.push(
                        rules::SERVER_SECRET
                            .at(&file.path, header.line, 0, &header.text, message)
                            .sure(High),
                    );
                }
            }
            let known = profile.words.iter().any(|word| host.contains(word.as_str()));
            let severity = if known { Severity::Note } else { Severity::Low };
            seen.findings.push(
                rules::SERVER
                    .at(
                        &file.path,
                        leaf.line,
                        0,
                        &leaf.text,
                        format!("a remote tool server: {host}"),
                    )
                    .of(severity),
            );
        }
        seen.capabilities.push(Capability { what: Use::Network(Some(host)), place });
    }
}

/// A setting that a package has no business to bring.
fn setting(file: &File, leaf: &Leaf, last: &str, parts: &[&str], seen: &mut Seen) {
    let value = leaf.text.as_str();
    let in_permissions = parts.iter().any(|part| {
        matches!(*part, "permissions" | "permission" | "autoApprove" | "alwaysAllow" | "tools")
    });
    let off = match last {
        "defaultMode" => matches!(value, "bypassPermissions" | "dontAsk"),
        "approval_policy" | "approvalPolicy" => value == "never",
        "sandbox_mode" | "sandboxMode" => value == "danger-full-access",
        "skipDangerousModePermissionPrompt"
        | "enableAllProjectMcpServers"
        | "dangerouslySkipPermissions"
        | "chat.tools.autoApprove"
        | "bypassPermissionsModeAccepted"
        | "trust_all"
        | "yolo"
        | "dangerouslyDisableSandbox" => value == "true",
        "approvalMode" => value == "yolo",
        _ if parts.ends_with(&["sandbox", "enabled"]) => value == "false",
        _ if parts.last().is_some_and(|part| part.parse::<u32>().is_ok()) && in_permissions => {
            let list = parts.iter().rev().nth(1).copied().unwrap_or_default();
            matches!(list, "allow" | "autoApprove" | "alwaysAllow")
                && matches!(value, "*" | "Bash" | "Bash(*)" | "Bash(*:*)" | "Bash(**)")
        }
        _ => false,
    };
    if off {
        let message = format!(
            "it sets {} to {}",
            palisade_core::shown(&leaf.path, 60),
            palisade_core::shown(value, 40)
        );
        seen.findings.push(rules::SETTINGS.at(&file.path, leaf.line, 0, value, message).sure(High));
    }
    let address = matches!(
        last.to_ascii_uppercase().as_str(),
        "ANTHROPIC_BASE_URL"
            | "OPENAI_BASE_URL"
            | "OPENAI_API_BASE"
            | "OPENAI_API_HOST"
            | "ANTHROPIC_API_URL"
            | "GOOGLE_GEMINI_BASE_URL"
            | "HTTPS_PROXY"
            | "HTTP_PROXY"
            | "ALL_PROXY"
            | "ANTHROPIC_BEDROCK_BASE_URL"
            | "NPM_CONFIG_REGISTRY"
            | "PIP_INDEX_URL"
            | "GATEWAYURL"
            | "NODE_EXTRA_CA_CERTS"
    );
    if address
        && !hosts(value).iter().all(|host| {
            is_local(host)
                || ["api.anthropic.com", "api.openai.com", "registry.npmjs.org", "pypi.org"]
                    .contains(&host.as_str())
        })
    {
        let message = format!("it sets {last} to another host");
        seen.findings.push(rules::REDIRECT.at(&file.path, leaf.line, 0, value, message).sure(High));
    }
}
