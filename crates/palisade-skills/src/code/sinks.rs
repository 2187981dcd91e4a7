//! Where values end: the network, other programs, files.

use super::analysis::Analysis;
use super::excerpt;
use super::hosts::{self, HOLE, HOLE_TEXT, Standing};
use super::language::Language;
use super::origin::Tag;
use super::places;
use super::rules;
use super::value::{Known, Taint, Value};
use crate::{Confidence, Secret, Severity, Source, Use};

/// In which part of a message something leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Body,
    /// A header: where tokens belong.
    Header,
    /// The address itself.
    Address,
    /// A name that is looked up.
    Name,
}

/// The longest nested code that is parsed.
const LONGEST_CODE: usize = 512 << 10;

impl Analysis {
    /// Bytes come from an address.
    pub(crate) fn fetch(&mut self, address: &Value) -> Value {
        let pattern = address.pattern(HOLE_TEXT);
        let host = pattern.as_deref().and_then(hosts::host_of);
        self.can(Use::Network(host.clone()));
        let hidden = self.has(&address.taint, |tag| *tag == Tag::Decoded);
        if hidden && host.is_some() && address.known_text().is_some() {
            let shown = excerpt::safe(pattern.as_deref().unwrap_or_default());
            self.report_text(
                &rules::HIDDEN_ADDRESS,
                Severity::High,
                Confidence::High,
                "The address of a connection is decoded or put together from codes.".to_owned(),
                &address.taint,
                shown,
            );
        }
        let shown = pattern.unwrap_or_default();
        let taint = self.origin(Tag::Network(shown));
        let sent = address.taint.clone();
        if let Some(pattern) = address.pattern(HOLE_TEXT) {
            self.send(Some(&pattern), &sent, Part::Address);
        }
        Value::tainted(taint)
    }

    /// Is this host the package's own: do its name or its description hold it?
    pub(super) fn is_own(&self, host: &str) -> bool {
        // The label that is registered: names further down are anybody's to choose.
        let Some(label) = host.rsplit('.').nth(1) else { return false };
        let label: String = label.chars().filter(|c| c.is_alphanumeric()).collect();
        let generic = matches!(
            label.as_str(),
            "com" | "api" | "www" | "get" | "app" | "dev" | "net" | "org" | "co"
        );
        label.len() >= 3
            && !generic
            && self.words.iter().any(|word| {
                *word == label
                    || label.len() >= 5 && word.contains(&label)
                    || word.len() >= 5
                        && label.contains(word.as_str())
                        && word.len() * 3 >= label.len() * 2
            })
    }

    /// Data leaves for an address.
    pub(crate) fn send(&mut self, address: Option<&str>, data: &Taint, part: Part) {
        if data.is_empty() {
            return;
        }
        let host = address.and_then(hosts::host_of);
        let standing = address.and_then(hosts::standing_of);
        if matches!(standing, Some(Standing::Loopback)) {
            return;
        }
        let hostile =
            matches!(standing, Some(Standing::Drop | Standing::Address | Standing::Shortener));
        let known = matches!(standing, Some(Standing::Known));
        let whom = host.clone().unwrap_or_else(|| "a computed address".to_owned());
        let whom = excerpt::safe(&whom);
        let tags: Vec<Tag> = self.tags(data).map(|origin| origin.tag.clone()).collect();
        let encoded = tags.contains(&Tag::Encoded);
        if part == Part::Name {
            let telling = tags.iter().any(|tag| {
                // A name to look up often comes from a variable; only a secret's name tells.
                if let Tag::Variable(name) = tag {
                    let name = name.to_ascii_uppercase();
                    return ["KEY", "TOKEN", "SECRET", "PASS", "CRED"]
                        .iter()
                        .any(|word| name.contains(word));
                }
                !matches!(
                    tag,
                    Tag::Argument
                        | Tag::Decoded
                        | Tag::Network(_)
                        | Tag::Clock
                        | Tag::Encoded
                        | Tag::File(_)
                ) && !matches!(tag, Tag::Variable(name) if !hosts::is_secret_name(name))
            });
            // To look up one's own name is usual; to put it below somebody's domain is not.
            let below = host.is_some()
                || tags.iter().any(|tag| {
                    matches!(tag, Tag::Secret(..) | Tag::Environment | Tag::Conversation)
                });
            // What is only drawn by chance and written in another form tells nobody anything.
            let of_something = tags.iter().any(|tag| !matches!(tag, Tag::Encoded | Tag::Clock));

            // Nobody has names below these: what is put there, and is nobody's, tells a test.
            let reserved = !telling && [".test", ".invalid"].iter().any(|end| whom.ends_with(end));
            if below && (telling || encoded && of_something) {
                self.report(
                    &rules::DNS_SENT,
                    if telling { Severity::Critical } else { Severity::High },
                    if reserved { Confidence::Low } else { Confidence::High },
                    format!("Data is put into names below {whom} that are looked up."),
                    data,
                );
            }
            return;
        }
        for tag in tags {
            match tag {
                Tag::Secret(secret, keyed) => {
                    self.send_secret(secret, keyed, part, &whom, hostile, known, data);
                }
                Tag::Environment => self.report(
                    &rules::ENVIRONMENT_SENT,
                    Severity::Critical,
                    Confidence::High,
                    format!("The whole environment is sent to {whom}."),
                    data,
                ),
                Tag::Variable(name) => {
                    self.send_variable(&name, part, host.as_deref(), hostile, known, data);
                }
                Tag::Conversation => self.report(
                    &rules::USER_DATA_SENT,
                    match (hostile, known) {
                        (true, _) => Severity::Critical,
                        (_, true) => Severity::Medium,
                        _ => Severity::High,
                    },
                    Confidence::High,
                    format!("Conversations or the agent's memory are sent to {whom}."),
                    data,
                ),
                Tag::Files => self.report(
                    &rules::USER_DATA_SENT,
                    match (hostile, known, &host) {
                        (true, ..) => Severity::Critical,
                        (_, true, _) => Severity::Low,
                        (_, _, Some(_)) => Severity::High,
                        _ => Severity::Medium,
                    },
                    Confidence::Medium,
                    format!("Files that are searched for in wide folders are sent to {whom}."),
                    data,
                ),
                Tag::Keystrokes => self.report(
                    &rules::USER_DATA_SENT,
                    Severity::Critical,
                    Confidence::High,
                    format!("Keystrokes are sent to {whom}."),
                    data,
                ),
                Tag::Clipboard | Tag::Screen => self.report(
                    &rules::USER_DATA_SENT,
                    match (hostile, known, &host) {
                        (true, ..) => Severity::Critical,
                        (_, true, _) => Severity::Low,
                        (_, _, Some(host)) if !self.is_own(host) => Severity::High,
                        _ => Severity::Medium,
                    },
                    Confidence::Medium,
                    format!("The clipboard or the screen is sent to {whom}."),
                    data,
                ),
                Tag::Workspace => {
                    let severity = match (hostile, known, &host) {
                        (true, ..) => Severity::High,
                        (_, true, _) => Severity::Note,
                        (_, _, Some(host)) if !self.is_own(host) => Severity::High,
                        _ => Severity::Low,
                    };
                    self.report(
                        &rules::USER_DATA_SENT,
                        severity,
                        Confidence::Medium,
                        format!("The workspace's sources or changes are sent to {whom}."),
                        data,
                    );
                }
                Tag::Identity => {
                    let severity = match (hostile, known, &host) {
                        (true, ..) => Severity::High,
                        (_, true, _) | (_, _, None) => Severity::Note,
                        _ if standing == Some(Standing::Private) => Severity::Note,
                        _ if encoded => Severity::High,
                        _ => Severity::Medium,
                    };
                    self.report(
                        &rules::IDENTITY_SENT,
                        severity,
                        Confidence::Medium,
                        format!("Names of the machine or the user are sent to {whom}."),
                        data,
                    );
                }
                Tag::File(path) => {
                    let severity = match (hostile, known, &host) {
                        (true, ..) => Severity::High,
                        (_, true, _) | (_, _, None) => continue,
                        (_, _, Some(host)) if self.is_own(host) => continue,
                        _ if self.is_auto_run() => Severity::High,
                        _ => Severity::Low,
                    };
                    let path = excerpt::safe(&path.replace(HOLE, "…"));
                    self.report(
                        &rules::USER_DATA_SENT,
                        severity,
                        Confidence::Low,
                        format!("The file `{path}` is sent to {whom}."),
                        data,
                    );
                }
                Tag::Network(_)
                | Tag::Channel
                | Tag::Decoded
                | Tag::Encoded
                | Tag::Clock
                | Tag::Argument => {}
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is one fact about the message")]
    fn send_secret(
        &mut self,
        secret: Secret,
        keyed: bool,
        part: Part,
        whom: &str,
        hostile: bool,
        known: bool,
        data: &Taint,
    ) {
        let own = matches!(secret, Secret::ServiceToken | Secret::Agent | Secret::EnvFile);
        let severity = match (hostile, own, keyed) {
            (true, ..) | (_, false, _) => Severity::Critical,
            // A tool that logs in with its stored token.
            (_, true, _) if part == Part::Header && (known || keyed) => Severity::Low,
            (_, true, true) => Severity::Medium,
            (_, true, false) if part == Part::Header => Severity::Medium,
            // `scp .env user@$SERVER:`: whoever runs it says where.
            (_, true, false)
                if secret == Secret::EnvFile && whom == "a computed address" && self.is_prose() =>
            {
                Severity::Low
            }
            (_, true, false) if secret == Secret::EnvFile => Severity::High,
            (_, true, false) => Severity::Critical,
        };
        self.report(
            &rules::SECRET_SENT,
            severity,
            Confidence::High,
            format!("{} leaves for {whom}.", capital(words_of(secret))),
            data,
        );
    }

    fn send_variable(
        &mut self,
        name: &str,
        part: Part,
        host: Option<&str>,
        hostile: bool,
        known: bool,
        data: &Taint,
    ) {
        if !hosts::is_secret_name(name) {
            return;
        }
        let Some(host) = host else { return };
        let issuers = hosts::issuers(name);
        // The package chooses its own name: that its host is called alike does not make it the issuer.
        let fits = match issuers {
            Some(list) => list.iter().any(|domain| hosts::is_within(host, domain)),
            None => hosts::is_namesake(name, host) || self.is_own(host),
        };
        if fits {
            return;
        }
        let severity = match (hostile, issuers.is_some(), known) {
            (true, ..) => Severity::Critical,
            (_, true, false) => match part {
                // Gateways take other vendors' tokens.
                Part::Header => Severity::Medium,
                _ => Severity::High,
            },
            (_, true, true) => Severity::Low,
            (_, false, _) => return,
        };
        let (name, host) = (excerpt::safe(name), excerpt::safe(host));
        self.report(
            &rules::VARIABLE_SENT,
            severity,
            Confidence::Medium,
            format!("`{name}` is sent to {host}, which did not issue it."),
            data,
        );
    }

    /// How bad it is to run what comes from an address.
    fn judge_download(&self, address: &str) -> (Severity, Confidence) {
        let Some(standing) = hosts::standing_of(address) else {
            return match self.is_auto_run() {
                true => (Severity::High, Confidence::Medium),
                false => (Severity::Medium, Confidence::Medium),
            };
        };
        let host = hosts::host_of(address).unwrap_or_default();
        let plain = address.trim_start().to_ascii_lowercase().starts_with("http://");
        match standing {
            Standing::Drop | Standing::Address | Standing::Shortener => {
                (Severity::Critical, Confidence::High)
            }
            Standing::Loopback | Standing::Private => (Severity::Medium, Confidence::Low),
            Standing::Known if plain => (Severity::High, Confidence::Low),
            Standing::Known => (Severity::Medium, Confidence::Low),
            Standing::Shared if self.is_auto_run() => (Severity::High, Confidence::Medium),
            Standing::Shared => {
                let code = [
                    "githubusercontent.com",
                    "github.com",
                    "gitlab.com",
                    "bitbucket.org",
                    "codeberg.org",
                    "cdn.jsdelivr.net",
                    "unpkg.com",
                ];
                let gist = host.contains("gist");
                match code.iter().any(|domain| hosts::is_within(&host, domain)) && !gist && !plain {
                    true => (Severity::Medium, Confidence::Medium),
                    false => (Severity::High, Confidence::Medium),
                }
            }
            Standing::Plain if plain => (Severity::High, Confidence::High),
            Standing::Plain if self.is_own(&host) && self.is_prose() => {
                (Severity::Medium, Confidence::Medium)
            }
            Standing::Plain => (Severity::High, Confidence::Medium),
        }
    }

    /// Bytes from elsewhere are run: says so for each place that they come from.
    pub(crate) fn ran(&mut self, taint: &Taint, how: &str) {
        let tags: Vec<Tag> = self.tags(taint).map(|origin| origin.tag.clone()).collect();
        for tag in tags {
            match tag {
                Tag::Network(address) => {
                    let (severity, confidence) = self.judge_download(&address);
                    let shown = match address.is_empty() {
                        true => "a computed address".to_owned(),
                        false => excerpt::safe(&address.replace(HOLE, "…")),
                    };
                    self.report(
                        &rules::DOWNLOAD_RUN,
                        severity,
                        confidence,
                        format!("What {shown} serves is run {how}."),
                        taint,
                    );
                }
                Tag::Channel => self.report(
                    &rules::COMMAND_CHANNEL,
                    Severity::Critical,
                    Confidence::High,
                    format!("Commands that arrive over a connection are run {how}."),
                    taint,
                ),
                Tag::Decoded => self.report(
                    &rules::DECODE_RUN,
                    Severity::High,
                    if self.idle { Confidence::Low } else { Confidence::High },
                    format!("Code that is decoded or computed is run {how}."),
                    taint,
                ),
                Tag::File(path) => {
                    let source = [
                        ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".sh", ".ps1", ".toml", ".cfg",
                        ".json",
                    ];
                    let code = source.iter().any(|end| path.ends_with(end))
                        || path.is_empty()
                        || path.ends_with(HOLE);
                    if !code {
                        self.report(
                            &rules::DECODE_RUN,
                            Severity::Medium,
                            Confidence::Medium,
                            format!(
                                "The content of `{}`, which is no source file, is run {how}.",
                                excerpt::safe(&path.replace(HOLE, "…"))
                            ),
                            taint,
                        );
                    }
                }
                _ => {}
            }
        }
    }

    /// Code is run: judged by where it comes from, then analysed itself.
    pub(crate) fn run_code(&mut self, language: Language, code: &Value, how: &str) -> Value {
        let code = match &code.known {
            Known::Handle(_, _) => Value::tainted(code.taint.clone()),
            _ => code.clone(),
        };
        let pattern = code.pattern(HOLE_TEXT);
        let template = match &pattern {
            // Something that is known stands first: a command with computed parts, not computed code.
            Some(pattern) => {
                let head = pattern.split(HOLE).next().unwrap_or_default();
                pattern.contains(HOLE) && head.trim().len() >= 3 && head.contains([' ', '(', '='])
            }
            None => false,
        };
        // What it decodes to is all there, and does nothing that matters: an odd way to write it.
        self.idle = code.known_text().is_some_and(|text| {
            !text.trim().is_empty()
                && text.len() < 400
                && !crate::formats::acts(&text)
                && !crate::hidden::matters(&text)
        });
        if !template {
            self.ran(&code.taint, how);
        }
        self.idle = false;
        let Some(pattern) = pattern else { return Value::tainted(code.taint) };
        self.nested(language, &pattern, &code.taint)
    }

    /// Analyses code that stands in a text; holes hold what the text is made from.
    pub(crate) fn nested(&mut self, language: Language, text: &str, holes: &Taint) -> Value {
        if text.len() > LONGEST_CODE || self.depth >= 8 || text.trim().is_empty() {
            return Value::tainted(holes.clone());
        }
        let input = self.input.take();
        if !self.pay(text.len() * 2) {
            return Value::tainted(holes.clone());
        }
        let hole = match language {
            Language::Shell => "${__hole}",
            Language::PowerShell => "$__hole",
            _ => "__hole",
        };
        let text = text.replace(HOLE, hole);
        let place = self.place(self.here);
        let (auto_run, prose) = (self.is_auto_run(), self.is_prose());
        let Some(unit) = self.add(language, &text, place, auto_run, prose) else {
            return Value::tainted(holes.clone());
        };
        let here = self.here;
        let outer: Vec<(String, Value)> = match self.language() == language {
            // `eval` and `sh -c` see the variables around them.
            true => self.visible(),
            false => Vec::new(),
        };
        if let Some(unit) = self.units.get_mut(unit) {
            unit.anchor = Some(here);
            unit.globals.extend(outer);
            unit.globals.insert("__hole".to_owned(), Value::tainted(holes.clone()));
            unit.state = super::analysis::State::Done;
        }
        let Some(ir) = self.units.get(unit).map(|unit| std::rc::Rc::clone(&unit.ir)) else {
            return Value::default();
        };
        self.here = (unit, 0);
        self.input = input;
        self.depth += 1;
        self.scopes.push(super::analysis::Scope { closed: true, ..Default::default() });
        let value = self.eval(ir.root);
        for function in 0..u32::try_from(ir.functions.len()).unwrap_or_default() {
            let new = self.units.get(unit).is_some_and(|unit| !unit.followed.contains(&function));
            if new {
                let params = ir.functions.get(function as usize).map_or(0, |f| f.params.len());
                self.here = (unit, 0);
                self.follow(unit, function, vec![Value::default(); params], &[]);
            }
        }
        let scope = self.scopes.pop().unwrap_or_default();
        self.depth -= 1;
        self.here = here;
        self.input = None;
        if self.language() == language {
            for (name, value) in scope.variables {
                self.set(&name, value);
            }
        }
        value
    }

    fn visible(&self) -> Vec<(String, Value)> {
        let mut all: Vec<(String, Value)> = self
            .unit()
            .map(|unit| {
                unit.globals.iter().take(256).map(|(n, v)| (n.clone(), v.clone())).collect()
            })
            .unwrap_or_default();
        for scope in &self.scopes {
            let room = 512usize.saturating_sub(all.len());
            all.extend(scope.variables.iter().take(room).map(|(n, v)| (n.clone(), v.clone())));
        }
        all
    }

    /// The content of a file.
    pub(crate) fn read_path(&mut self, path: &Value) -> Value {
        if let Some(content) = path.stream() {
            return content.clone();
        }
        let mut taint = path.taint.clone();
        let Some(pattern) = path.pattern(HOLE_TEXT) else {
            let file = self.origin(Tag::File(String::new()));
            taint.join(&file);
            return Value::tainted(taint);
        };
        let normal = places::normal(&pattern);
        // Numbers of nobody's.
        if matches!(normal.as_str(), "/dev/urandom" | "/dev/random" | "/dev/zero" | "/dev/null") {
            return Value::tainted(taint);
        }
        let shipped = self.package_path(&normal).filter(|_| !normal.starts_with(['~', '/']));
        if let Some(secret) = places::secret(&normal).filter(|_| shipped.is_none()) {
            self.can(Use::Read(Source::Secret(secret)));
            let severity = match secret {
                Secret::EnvFile | Secret::ServiceToken | Secret::Agent => Severity::Low,
                _ => Severity::Medium,
            };
            self.report(
                &rules::SECRET_READ,
                severity,
                Confidence::Medium,
                format!(
                    "`{}` holds {}.",
                    excerpt::safe(&normal.replace(HOLE, "…")),
                    words_of(secret)
                ),
                &Taint::default(),
            );
            let origin = match normal.ends_with("/environ") {
                true => self.origin(Tag::Environment),
                false => self.origin(Tag::Secret(secret, false)),
            };
            taint.join(&origin);
        } else if places::is_conversation(&normal) {
            self.can(Use::Read(Source::UserData));
            let origin = self.origin(Tag::Conversation);
            taint.join(&origin);
        } else if matches!(normal.as_str(), "/etc/passwd" | "/etc/hostname" | "/etc/machine-id") {
            let origin = self.origin(Tag::Identity);
            taint.join(&origin);
        }
        if let Some(value) = self.files.get(&normal).cloned() {
            taint.join(&value.taint);
            return Value { known: value.known, taint };
        }
        if taint.is_empty() || !self.has(&taint, |tag| matches!(tag, Tag::Secret(..) | Tag::Files))
        {
            let file = self.origin(Tag::File(normal));
            taint.join(&file);
        }
        let text = shipped.and_then(|path| self.data.get(&path).cloned());
        match text {
            Some(bytes) if bytes.len() <= 256 << 10 && self.pay(bytes.len()) => {
                Value::text(super::value::text_of(bytes.to_vec())).with(&taint)
            }
            _ => Value::tainted(taint),
        }
    }

    /// A file is written.
    pub(crate) fn write_path(&mut self, path: &Value, content: &Value, append: bool) {
        let Some(pattern) = path.pattern(HOLE_TEXT) else { return };
        let normal = places::normal(&pattern);
        if matches!(normal.as_str(), "/dev/null" | "/dev/stderr" | "/dev/stdout" | "/dev/tty" | "")
        {
            return;
        }
        if let Some(rest) = normal.strip_prefix("/dev/tcp/").or(normal.strip_prefix("/dev/udp/")) {
            self.send(Some(rest), &content.taint, Part::Body);
            return;
        }
        self.can(Use::Write(normal.clone()));
        if let Some(standing) = places::standing(&normal) {
            self.persist(standing, &normal, content, append);
        }
        let secrets: Vec<Secret> = self
            .tags(&content.taint)
            .filter_map(|origin| match &origin.tag {
                Tag::Secret(secret, false) => Some(*secret),
                _ => None,
            })
            .collect();
        if let Some(first) = secrets.first() {
            let several = secrets.iter().any(|secret| secret != first);
            self.report(
                &rules::SECRET_COPIED,
                if several { Severity::High } else { Severity::Medium },
                Confidence::Medium,
                format!(
                    "{} is copied to `{}`.",
                    capital(words_of(*first)),
                    excerpt::safe(&normal.replace(HOLE, "…"))
                ),
                &content.taint,
            );
        }
        let old = self.files.get(&normal).cloned();
        let mut new = content.clone();
        if let Some(old) = &old {
            new.taint.join(&old.taint);
            if append {
                new.known = self.concat(&[old.clone(), content.clone()]).known;
            }
        }
        if self.files.len() < 4096 {
            if old.is_none_or(|old| old.taint != new.taint) {
                self.changed = true;
            }
            self.files.insert(normal, new);
        }
    }

    /// A file is run, by its path.
    pub(crate) fn run_file(&mut self, path: &Value, args: &[Value], input: Option<Value>) -> Value {
        let Some(pattern) = path.pattern(HOLE_TEXT) else {
            return Value::tainted(path.taint.clone());
        };
        let normal = places::normal(&pattern);
        if let Some(content) = self.files.get(&normal).cloned() {
            self.ran(&content.taint, "after it is saved");
            if let Some(text) = content.known_text() {
                let language = self.language_of(&normal, &text);
                let script = self.here_scripts(&normal);
                if script {
                    return self.nested(language, &text, &content.taint);
                }
            }
            return Value::tainted(content.taint);
        }
        // A clone in a place where nobody looks, run from there.
        let hidden =
            ["/tmp/.", "/var/tmp/.", "/dev/shm/"].iter().any(|start| normal.starts_with(start));
        let cloned = match hidden {
            true => self
                .files
                .iter()
                .find(|(path, _)| path.ends_with('/') && normal.starts_with(path.as_str()))
                .map(|(_, content)| content.taint.clone()),
            false => None,
        };
        if let Some(taint) = cloned {
            self.report(
                &rules::DOWNLOAD_RUN,
                Severity::High,
                Confidence::Medium,
                "A repository is cloned into a hidden folder and run from there.".to_owned(),
                &taint,
            );
            return Value::tainted(taint);
        }
        let Some(unit) = self.package_path(&normal).and_then(|path| self.paths.get(&path).copied())
        else {
            return Value::default();
        };
        let mut given = Value::list(args.to_vec());
        if let Some(input) = input {
            given.taint.join(&input.taint);
        }
        if !given.taint.is_empty()
            && let Some(unit) = self.units.get_mut(unit)
            && unit.input.taint != given.taint
        {
            unit.input.taint.join(&given.taint);
            unit.input.known = given.known;
            self.changed = true;
        }
        self.run(unit);
        Value::default()
    }

    fn here_scripts(&self, path: &str) -> bool {
        !path.ends_with(".txt") && !path.ends_with(".md")
    }

    pub(crate) fn language_of(&self, path: &str, text: &str) -> Language {
        let first = text.lines().next().unwrap_or_default();
        let told = |word: &str| first.starts_with("#!") && first.contains(word);
        match path.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
            "py" => Language::Python,
            "js" | "mjs" | "cjs" => Language::JavaScript,
            "ts" => Language::TypeScript,
            "ps1" => Language::PowerShell,
            "rb" => Language::Ruby,
            _ if told("python") => Language::Python,
            _ if told("node") => Language::JavaScript,
            _ if told("ruby") => Language::Ruby,
            _ => Language::Shell,
        }
    }

    /// The file of the package that a path in the program means.
    pub(crate) fn package_path(&self, path: &str) -> Option<String> {
        let path = path.rsplit(HOLE).next().unwrap_or_default().trim_start_matches('/');
        let path = path.trim_start_matches("./");
        if path.is_empty() {
            return None;
        }
        if self.data.contains_key(path) {
            return Some(path.to_owned());
        }
        let here = self.unit().map_or("", |unit| unit.origin.file.as_str());
        let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut base = folder.to_owned();
        let mut rest = path;
        while let Some(up) = rest.strip_prefix("../") {
            base = base.rsplit_once('/').map_or(String::new(), |(up, _)| up.to_owned());
            rest = up;
        }
        let beside = match base.is_empty() {
            true => rest.to_owned(),
            false => format!("{base}/{rest}"),
        };
        if self.data.contains_key(&beside) {
            return Some(beside);
        }
        // `~/.claude/skills/name/scripts/x.sh`: the tail counts.
        let end = path.rsplit("/scripts/").next().filter(|tail| tail.len() < path.len())?;
        let tail = format!("scripts/{end}");
        self.data.contains_key(&tail).then_some(tail)
    }

    /// The unit that an import names.
    pub(crate) fn module_of(&self, module: &str) -> Option<usize> {
        let language = self.language();
        let candidates: Vec<String> = if language == Language::Python {
            let path = module.trim_start_matches('.').replace('.', "/");
            if path.is_empty() {
                return None;
            }
            vec![format!("{path}.py"), format!("{path}/__init__.py"), format!("scripts/{path}.py")]
        } else if language.is_script() {
            if !module.starts_with('.') {
                return None;
            }
            ["", ".js", ".mjs", ".cjs", ".ts", ".tsx", "/index.js", "/index.ts"]
                .iter()
                .map(|suffix| format!("{module}{suffix}"))
                .collect()
        } else {
            vec![module.to_owned(), format!("{module}.rb")]
        };
        candidates
            .iter()
            .filter_map(|path| self.package_path(path))
            .find_map(|path| self.paths.get(&path).copied())
            .filter(|unit| *unit != self.here.0)
    }
}

pub(crate) fn words_of(secret: Secret) -> &'static str {
    match secret {
        Secret::PrivateKey => "private keys",
        Secret::ServiceToken => "tokens of a service",
        Secret::Browser => "a browser's stored sessions and passwords",
        Secret::Wallet => "a wallet",
        Secret::Keychain => "stored passwords",
        Secret::Agent => "the agent's own tokens and settings",
        Secret::EnvFile => "a file of environment variables",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
