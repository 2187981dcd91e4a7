//! Programs that change, show or watch the machine.

use super::super::analysis::Analysis;
use super::super::hosts::HOLE_TEXT;
use super::super::origin::Tag;
use super::super::places::Standing;
use super::super::rules;
use super::super::value::{Taint, Value};
use super::Run;
use crate::{Confidence, Secret, Severity, Source, Use};

impl Analysis {
    pub(super) fn system_program(&mut self, run: &Run) -> Option<Value> {
        let words = run.words();
        let joined = words.join(" ");
        let lower = joined.to_ascii_lowercase();
        Some(match run.name.as_str() {
            "printenv" | "set" | "export" | "declare" | "env"
                if words.iter().all(|word| word.starts_with('-')) =>
            {
                if run.name == "set" && !words.is_empty() {
                    return Some(Value::default());
                }
                self.can(Use::Read(Source::Environment));
                let origin = self.origin(Tag::Environment);
                Value::tainted(origin)
            }
            "printenv" => {
                let name = run.args.first().and_then(Value::known_text).unwrap_or_default();
                self.environment_variable(&name)
            }
            // The system's kind and the processor's are nobody's name.
            "uname" if !run.words().iter().any(|word| word.contains('n') || word.contains('a')) => {
                Value::default()
            }
            "hostname" | "whoami" | "id" | "uname" | "ifconfig" | "ip" | "ipconfig" | "who"
            | "scutil" | "systeminfo" | "ioreg" | "system_profiler" | "hostnamectl" | "sw_vers" => {
                let origin = self.origin(Tag::Identity);
                Value::tainted(origin)
            }
            "date" => {
                let origin = self.origin(Tag::Clock);
                Value::tainted(origin)
            }
            "pbpaste" | "xclip" | "xsel" | "wl-paste" | "get-clipboard" => {
                match lower.contains("-i") && run.input.is_some() {
                    true => Value::default(),
                    false => self.source(Tag::Clipboard),
                }
            }
            "screencapture" | "scrot" | "gnome-screenshot" | "grim" | "import" | "maim"
            | "ffmpeg-screen" => {
                let picture = self.source(Tag::Screen);
                if let Some(to) = run
                    .args
                    .iter()
                    .rev()
                    .find(|arg| !arg.known_text().is_some_and(|t| t.starts_with('-')))
                {
                    self.write_path(&to.clone(), &picture, false);
                    return Some(Value::default());
                }
                picture
            }
            "history" => {
                if words.iter().any(|word| word.contains('c')) {
                    self.defence_off("The history of commands is deleted.", Severity::Medium);
                    return Some(Value::default());
                }
                let origin = self.origin(Tag::Conversation);
                Value::tainted(origin)
            }
            "security" => {
                let reads =
                    ["find-generic-password", "find-internet-password", "dump-keychain", "export"]
                        .iter()
                        .any(|sub| words.iter().any(|word| word == sub));
                if !reads {
                    return Some(Value::default());
                }
                let own = !lower.contains("dump-keychain") && !lower.contains("chrome");
                self.can(Use::Read(Source::Secret(Secret::Keychain)));
                let origin = match own {
                    // One entry, by its service's name.
                    true => {
                        let at = words.iter().position(|word| word == "-s").map(|at| at + 1);
                        let name = at.and_then(|at| words.get(at)).cloned().unwrap_or_default();
                        self.origin(Tag::Variable(format!("{name}_TOKEN")))
                    }
                    false => {
                        self.report(
                            &rules::SECRET_READ,
                            Severity::High,
                            Confidence::High,
                            "The keychain is dumped, or the key of a browser's passwords is read."
                                .to_owned(),
                            &Taint::default(),
                        );
                        self.origin(Tag::Secret(Secret::Keychain, false))
                    }
                };
                Value::tainted(origin)
            }
            "secret-tool" | "keyring" | "pass" | "op" | "bw" => {
                let all = lower.contains("export") || lower.contains("list items");
                let origin = match all {
                    true => self.origin(Tag::Secret(Secret::Keychain, false)),
                    false => self.origin(Tag::Variable("STORED_TOKEN".to_owned())),
                };
                Value::tainted(origin)
            }
            "crontab" => {
                let lists = words.iter().any(|word| word == "-l");
                let removes = words.iter().any(|word| word == "-r");
                if lists {
                    return Some(Value::default());
                }
                if removes {
                    self.defence_off("All timers of the user are removed.", Severity::Medium);
                    return Some(Value::default());
                }
                let content = match run.args.first() {
                    Some(file) if file.known_text().as_deref() != Some("-") => self.read_path(file),
                    _ => run.input_or_default(),
                };
                self.persist(Standing::Start, "crontab", &content, false);
                Value::default()
            }
            "at" | "batch" | "schtasks" | "register-scheduledtask" | "new-service" | "sc" => {
                let makes = run.name != "schtasks" || lower.contains("/create");
                if makes && (run.name != "sc" || lower.contains("create")) {
                    let content = match run.input.clone() {
                        Some(input) => input,
                        None => Value::text(joined.clone()).with(&run.taint()),
                    };
                    self.persist(Standing::Start, &run.name, &content, false);
                }
                Value::default()
            }
            "launchctl" | "systemctl" | "service" | "rc-update" => {
                self.service(&words, &lower, run)
            }
            "reg" | "set-itemproperty" | "new-itemproperty"
                if lower.contains("currentversion\\run")
                    || lower.contains("currentversion/run") =>
            {
                let content = Value::text(joined.clone()).with(&run.taint());
                self.persist(Standing::Start, "the registry's Run key", &content, false);
                Value::default()
            }
            "netsh" if lower.contains("key=clear") => {
                let origin = self.origin(Tag::Secret(Secret::Keychain, false));
                Value::tainted(origin)
            }
            "setenforce" | "ufw" | "csrutil" | "spctl" | "set-mppreference" | "netsh"
            | "auditctl" | "iptables" | "pfctl" | "add-mppreference" | "apparmor_parser"
            | "aa-disable" | "tccutil" | "xattr" | "vssadmin" | "wevtutil" | "bcdedit" => {
                self.defences(&run.name, &lower)
            }
            "killall" | "pkill" | "kill" | "taskkill" | "stop-process" | "stop-service" => {
                let tools = [
                    "clamav",
                    "clamd",
                    "falcon",
                    "crowdstrike",
                    "sentinel",
                    "defender",
                    "little snitch",
                    "lulu",
                    "osquery",
                    "auditd",
                    "wazuh",
                    "carbonblack",
                    "sophos",
                    "mcafee",
                    "symantec",
                    "knockknock",
                    "palisade",
                    "falco",
                    "antivirus",
                    "msmpeng",
                    "windefend",
                    "santa",
                    "xprotect",
                ];
                if tools.iter().any(|tool| lower.contains(tool)) {
                    self.defence_off(
                        "A program that guards the machine is stopped.",
                        Severity::High,
                    );
                }
                Value::default()
            }
            "docker" | "podman" | "nerdctl" => self.container(run, &words, &lower),
            "nsenter" | "unshare" | "mount"
                if lower.contains("-t 1")
                    || lower.contains("--target 1")
                    || lower.contains("/proc/1/") =>
            {
                self.report(
                    &rules::ESCAPE,
                    Severity::High,
                    Confidence::Medium,
                    "It enters the namespaces of the host's first process.".to_owned(),
                    &Taint::default(),
                );
                Value::default()
            }
            "xmrig" | "minerd" | "cpuminer" | "ethminer" | "nbminer" | "t-rex" | "lolminer"
            | "xmr-stak" | "cgminer" | "phoenixminer" | "ccminer" => {
                self.miner();
                Value::default()
            }
            "useradd" | "adduser" | "usermod" | "visudo" | "net" | "dscl" | "passwd"
            | "chpasswd" => {
                let makes = match run.name.as_str() {
                    "usermod" => {
                        lower.contains("sudo")
                            || lower.contains("wheel")
                            || lower.contains("docker")
                    }
                    "net" => lower.contains("/add"),
                    "dscl" => lower.contains("-create"),
                    _ => true,
                };
                if makes && run.name != "visudo" {
                    self.report(
                        &rules::PERSISTENCE,
                        Severity::Medium,
                        Confidence::Medium,
                        "A user is made or gets more rights.".to_owned(),
                        &Taint::default(),
                    );
                }
                Value::default()
            }
            // `hdiutil create`: an image is made, checked or written, and none is opened.
            "hdiutil"
                if run.args.first().and_then(|verb| verb.pattern(HOLE_TEXT)).is_some_and(
                    |verb| {
                        matches!(
                            verb.as_str(),
                            "create"
                                | "verify"
                                | "convert"
                                | "info"
                                | "imageinfo"
                                | "resize"
                                | "detach"
                        )
                    },
                ) =>
            {
                Value::default()
            }
            "open" | "xdg-open" | "start-process" | "installer" | "hdiutil" | "msiexec" => {
                let mut value = Value::default();
                for arg in &run.args {
                    let text = arg.pattern(HOLE_TEXT).unwrap_or_default();
                    if !text.starts_with('-') && !super::super::hosts::is_address(&text) {
                        let got = self.run_file(&arg.clone(), &[], None);
                        value.taint.join(&got.taint);
                    } else if super::super::hosts::is_address(&text) && run.name == "msiexec" {
                        let got = self.fetch(arg);
                        self.ran(&got.taint, "as an installer");
                    }
                }
                value
            }
            "sleep" | "true" | "false" | ":" | "exit" | "return" | "trap" | "wait" | "set"
            | "shift" | "local" | "unset" | "alias" => {
                if run.name == "alias" {
                    let hides = ["sudo=", "ssh=", "git=", "ls=", "cd="]
                        .iter()
                        .any(|name| lower.starts_with(name))
                        && (lower.contains("curl")
                            || lower.contains("nc ")
                            || lower.contains("base64"));
                    if hides {
                        self.report(
                            &rules::PERSISTENCE,
                            Severity::High,
                            Confidence::Medium,
                            "A command of everyday use is replaced by another.".to_owned(),
                            &Taint::default(),
                        );
                    }
                }
                Value::default()
            }
            _ if lower.contains("stratum+tcp://") || lower.contains("stratum+ssl://") => {
                self.miner();
                Value::default()
            }
            _ => return None,
        })
    }

    pub(crate) fn miner(&mut self) {
        self.report(
            &rules::MINER,
            Severity::Critical,
            Confidence::High,
            "A miner is started.".to_owned(),
            &Taint::default(),
        );
    }

    fn service(&mut self, words: &[String], lower: &str, run: &Run) -> Value {
        let stops = words.iter().any(|word| {
            matches!(word.as_str(), "stop" | "disable" | "mask" | "unload" | "remove" | "bootout")
        });
        let guards = [
            "auditd",
            "apparmor",
            "firewalld",
            "ufw",
            "clamav",
            "fail2ban",
            "crowdstrike",
            "falcon",
            "falco",
            "osquery",
            "selinux",
            "rsyslog",
            "syslog",
            "sentinel",
            "wazuh",
            "alf",
            "xprotect",
            "palisade",
            "journald",
            "defender",
        ];
        if stops && guards.iter().any(|guard| lower.contains(guard)) {
            self.defence_off("A service that guards the machine is stopped.", Severity::High);
        }
        let starts = words
            .iter()
            .any(|word| matches!(word.as_str(), "load" | "enable" | "bootstrap" | "submit"));
        if starts {
            self.can(Use::Persist(lower.to_owned()));
            for arg in &run.args {
                if let Some(path) = arg.pattern(HOLE_TEXT).filter(|path| path.contains('/')) {
                    let normal = super::super::places::normal(&path);
                    if let Some(content) = self.files.get(&normal).cloned() {
                        self.ran(&content.taint, "as a service");
                    }
                }
            }
        }
        Value::default()
    }

    fn defences(&mut self, name: &str, lower: &str) -> Value {
        let off = match name {
            "setenforce" => lower.contains('0') || lower.contains("permissive"),
            "ufw" => lower.contains("disable"),
            "csrutil" => lower.contains("disable"),
            "spctl" => {
                lower.contains("master-disable")
                    || lower.contains("global-disable")
                    || lower.contains("--add")
            }
            "set-mppreference" => {
                lower.contains("disable") && (lower.contains("true") || lower.contains('1'))
            }
            "add-mppreference" => lower.contains("exclusion"),
            "netsh" => lower.contains("state off") || lower.contains("mode=disable"),
            "auditctl" => lower.contains("-e 0") || lower.contains("-d"),
            "iptables" => lower.trim() == "-f" || lower.contains("--flush"),
            "pfctl" => lower.contains("-d"),
            "apparmor_parser" | "aa-disable" => lower.contains("-r") || name == "aa-disable",
            "tccutil" => lower.contains("reset"),
            "vssadmin" => lower.contains("delete"),
            "wevtutil" => lower.contains("cl"),
            "bcdedit" => lower.contains("recoveryenabled"),
            _ => false,
        };
        // A firewall's rules are dropped before its new ones are loaded.
        let renewed = matches!(name, "iptables" | "pfctl")
            && self.unit().is_some_and(|unit| {
                ["iptables -A", "iptables -P", "iptables-restore", "pfctl -f", "pfctl -e"]
                    .iter()
                    .any(|rule| unit.source.contains(rule))
            });
        if off && !renewed {
            self.defence_off("A protection of the machine is turned off.", Severity::High);
        }
        if name == "xattr"
            && lower.contains("quarantine")
            && (lower.contains("-d") || lower.contains("-r") || lower.contains("-c"))
            || name == "xattr" && lower.starts_with("-c")
        {
            self.defence_off(
                "The mark of a downloaded program is removed, so that macOS does not check it.",
                Severity::Medium,
            );
        }
        Value::default()
    }

    fn container(&mut self, run: &Run, words: &[String], lower: &str) -> Value {
        let runs = words.iter().any(|word| matches!(word.as_str(), "run" | "create"));
        let read_only = lower.contains(":ro") && !lower.contains(":rw");
        let wide = !read_only && lower.contains("-v /:/")
            || lower.contains("--volume /:/")
            || lower.contains("--volume=/:/")
            || lower.contains("source=/,")
            || lower.contains("docker.sock:");
        let rights = lower.contains("--privileged")
            || lower.contains("--pid=host")
            || lower.contains("--pid host");
        if runs && (wide || rights) {
            let severity = match (wide && !lower.contains("docker.sock"), rights) {
                (true, _) => Severity::High,
                _ => Severity::Medium,
            };
            self.report(
                &rules::ESCAPE,
                severity,
                Confidence::Medium,
                "A container gets the host's files, its socket or all rights.".to_owned(),
                &Taint::default(),
            );
        }
        Value::tainted(run.taint())
    }
}
