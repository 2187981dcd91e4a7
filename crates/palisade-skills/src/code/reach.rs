//! Calls that reach outside: requests, connections, programs, files, code that is loaded.

use super::analysis::Analysis;
use super::call::Call;
use super::excerpt;
use super::hosts::{self, HOLE_TEXT};
use super::language::Language;
use super::origin::Tag;
use super::places;
use super::rules;
use super::sinks::Part;
use super::value::{Handle, Known, Taint, Value};
use crate::{Confidence, Severity, Source, Use};

impl Analysis {
    pub(super) fn write_to(&mut self, to: &Value, content: &Value) {
        match &to.known {
            Known::Handle(Handle::File, path) => {
                let path = path.as_ref().clone();
                self.write_path(&path, content, true);
            }
            Known::Handle(Handle::Connection, host) => {
                let host = host.pattern(HOLE_TEXT);
                self.send(host.as_deref(), &content.taint, Part::Body);
            }
            _ => {}
        }
    }

    pub(super) fn http(&mut self, call: &Call, at: usize) -> Value {
        let named = call.named(&["url", "uri", "URL"]);
        let mut address = named.clone().unwrap_or_else(|| call.at(at));
        if address.pattern(HOLE_TEXT).is_none_or(|p| hosts::host_of(&p).is_none()) {
            let found = call
                .args
                .iter()
                .map(|(_, value)| value)
                .find(|value| value.pattern(HOLE_TEXT).is_some_and(|p| hosts::is_address(&p)));
            if let Some(found) = found {
                address = found.clone();
            }
            // Options as one object: `axios({url, data})`.
            for (_, value) in &call.args {
                for key in ["url", "uri", "hostname", "host"] {
                    if let Some(found) = value.entry(key) {
                        address = found.clone();
                    }
                }
            }
        }
        if let (None, Known::Handle(Handle::Connection, host)) =
            (address.pattern(HOLE_TEXT), &call.receiver.known)
        {
            address = host.as_ref().clone();
        }
        let got = self.fetch(&address);
        let pattern = address.pattern(HOLE_TEXT);
        for (index, (name, value)) in call.args.iter().enumerate() {
            if name.is_none() && named.is_none() && index == at {
                continue;
            }
            self.send_argument(pattern.as_deref(), name.as_deref(), value);
        }
        if !call.receiver.taint.is_empty() && matches!(call.receiver.known, Known::Path(_)) {
            let taint = call.receiver.taint.clone();
            self.send(pattern.as_deref(), &taint, Part::Header);
        }
        let known = match &address.known {
            Known::Text(_) => Known::Handle(
                Handle::Connection,
                std::rc::Rc::new(Value { known: address.known.clone(), taint: Taint::default() }),
            ),
            _ => Known::Nothing,
        };
        let taint = got.taint;
        for (_, value) in &call.args {
            if let Known::Function(unit, function) = value.known {
                let params = self
                    .units
                    .get(unit)
                    .and_then(|unit| unit.ir.functions.get(function as usize))
                    .map_or(0, |f| f.params.len());
                let given = Value::tainted(taint.clone());
                self.follow(unit, function, vec![given; params], &[]);
            }
        }
        Value { known, taint }
    }

    pub(super) fn send_argument(
        &mut self,
        address: Option<&str>,
        name: Option<&str>,
        value: &Value,
    ) {
        let header =
            |name: &str| matches!(name, "headers" | "auth" | "cookies" | "cert" | "Headers");
        if name.is_some_and(header) {
            self.send(address, &value.taint, Part::Header);
            return;
        }
        match &value.known {
            Known::Map(entries) => {
                let headers = [
                    "headers",
                    "auth",
                    "Authorization",
                    "authorization",
                    "x-api-key",
                    "X-API-Key",
                    "X-Api-Key",
                    "Cookie",
                ];
                for (key, value) in entries.iter() {
                    let key = key.known_text().unwrap_or_default();
                    match headers.contains(&key.as_str()) {
                        true => self.send(address, &value.taint, Part::Header),
                        false => self.send(address, &value.taint, Part::Body),
                    }
                }
            }
            _ => self.send(address, &value.taint, Part::Body),
        }
    }

    pub(super) fn connect(&mut self, call: &Call) -> Value {
        let first = call.at(0);
        let host = match first.elements() {
            Some([host, ..]) => host.clone(),
            _ => first.clone(),
        };
        let mut host = match call.args.iter().find_map(|(_, value)| value.entry("host")) {
            Some(host) => host.clone(),
            None => host,
        };
        // `net.connect(4444, "host")`.
        if matches!(host.known, Known::Number(_)) && call.count() > 1 {
            host = call.at(1);
        }
        // `net.Dial("tcp", "host:port")`.
        if host
            .known_text()
            .is_some_and(|t| matches!(t.as_str(), "tcp" | "tcp4" | "udp" | "tls" | "unix"))
        {
            host = call.at(1);
        }
        let pattern = host.pattern(HOLE_TEXT);
        let name = pattern.as_deref().and_then(hosts::host_of);
        self.can(Use::Network(name.clone()));
        let outwards =
            !name.as_deref().is_some_and(|name| hosts::standing(name) == hosts::Standing::Loopback);
        if outwards {
            self.joined.connection = Some(self.here);
        }
        let hidden =
            self.has(&host.taint, |tag| *tag == Tag::Decoded) && host.known_text().is_some();
        if hidden {
            self.report_text(
                &rules::HIDDEN_ADDRESS,
                Severity::High,
                Confidence::High,
                "The address of a connection is decoded or put together from codes.".to_owned(),
                &host.taint,
                excerpt::safe(pattern.as_deref().unwrap_or_default()),
            );
        }
        let channel = self.origin(Tag::Channel);
        let handle = Known::Handle(Handle::Connection, std::rc::Rc::new(host));
        // Callbacks get the connection.
        for (_, value) in &call.args {
            if let Known::Function(unit, function) = value.known {
                let params = self
                    .units
                    .get(unit)
                    .and_then(|unit| unit.ir.functions.get(function as usize))
                    .map_or(0, |f| f.params.len());
                let given = Value { known: handle.clone(), taint: channel.clone() };
                self.follow(unit, function, vec![given; params], &[]);
            }
        }
        Value { known: handle, taint: Taint::default() }
    }

    pub(crate) fn is_connection(&self, value: &Value) -> bool {
        match &value.known {
            Known::Handle(Handle::Connection, _) => true,
            Known::Path(path) => path.contains("socket.socket()") || path.contains("net.Socket()"),
            _ => false,
        }
    }

    pub(super) fn target_of(&self, value: &Value) -> Option<String> {
        match &value.known {
            Known::Handle(Handle::Connection, host) => host.pattern(HOLE_TEXT),
            _ => None,
        }
    }

    /// Are a connection and a shell now joined?
    pub(crate) fn shell_joined(&mut self) {
        if self.joined.connection.is_some() && self.joined.duplicated >= 2 {
            self.reverse_shell("standard input and output");
        }
    }

    pub(crate) fn reverse_shell(&mut self, what: &str) {
        self.report(
            &rules::REVERSE_SHELL,
            Severity::Critical,
            Confidence::High,
            format!("A connection outwards is joined to {what} of a shell."),
            &Taint::default(),
        );
    }

    pub(super) fn program_of(&mut self, call: &Call) -> Value {
        let first = call.arg(0, &["args", "command", "cmd"]);
        let shell = call.named(&["shell"]).is_some_and(|value| {
            value.as_path() == Some("True") || !matches!(value.known, Known::Nothing)
        });
        let input = call.named(&["input", "stdin"]).or_else(|| {
            let options = call.args.iter().rev().find_map(|(_, value)| value.entry("input"))?;
            Some(options.clone())
        });
        let joined = call.named(&["stdin"]).is_some_and(|stdin| {
            self.is_connection(&stdin) || stdin.as_path().is_some_and(|p| p.contains("fileno"))
        });
        if joined && self.joined.connection.is_some() {
            self.reverse_shell("standard input");
        }
        self.input = input;
        let value = match &first.known {
            Known::List(words) => self.program(words.to_vec(), None),
            Known::Text(_) if call.named(&["shell"]).is_some() || shell => {
                self.run_code(Language::Shell, &first, "by the shell")
            }
            _ => {
                let mut words = vec![first.clone()];
                for (name, value) in call.args.iter().skip(1) {
                    match &value.known {
                        _ if name.is_some() => {}
                        Known::List(list) => words.extend(list.iter().cloned()),
                        Known::Map(_) | Known::Function(..) => {}
                        _ => words.push(value.clone()),
                    }
                }
                // A list that is built elsewhere: its taint counts.
                match first.known {
                    Known::Text(_) => self.program(words, None),
                    _ => {
                        if call.named(&["shell"]).is_some() {
                            self.ran(&first.taint, "by the shell");
                        } else {
                            self.ran(&first.taint, "as a program");
                        }
                        Value::tainted(Value::list(words).taint)
                    }
                }
            }
        };
        self.input = None;
        for (_, argument) in &call.args {
            if let Known::Function(unit, function) = argument.known {
                let params = self
                    .units
                    .get(unit)
                    .and_then(|unit| unit.ir.functions.get(function as usize))
                    .map_or(0, |f| f.params.len());
                self.follow(unit, function, vec![value.clone(); params], &[]);
            }
        }
        value
    }

    pub(super) fn load(&mut self, call: &Call) -> Value {
        let name = call.at(0);
        let Some(text) = name.known_text() else {
            return Value::tainted(name.taint);
        };
        let shown = self.line(self.here);
        let plain = shown.contains(&format!("\"{text}\""))
            || shown.contains(&format!("'{text}'"))
            || shown.contains(&format!("`{text}`"));
        let language = self.language();
        let path = super::models::canonical(language, &text);
        if !plain {
            self.computed_name(&path, &name.taint);
        }
        match self.module_of(&text) {
            Some(unit) => {
                self.run(unit);
                Value::path(&format!("@{unit}"))
            }
            None if language == Language::Python
                && text.contains('.')
                && call.path == "__import__" =>
            {
                Value::path(text.split('.').next().unwrap_or_default())
            }
            None => {
                if text.ends_with(".py") || text.starts_with(['/', '~']) {
                    self.run_file(&Value::text(text.as_str()), &[], None);
                }
                Value::path(&path)
            }
        }
    }

    pub(super) fn open(&mut self, call: &Call) -> Value {
        let path = match matches!(call.receiver.known, Known::Text(_)) && call.path.starts_with('.')
        {
            true => call.receiver.clone(),
            false => call.arg(0, &["file", "path"]),
        };
        let mode =
            call.args.iter().skip(1).find_map(|(_, value)| value.known_text()).unwrap_or_default();
        let writes = mode.starts_with(['w', 'a', 'x'])
            || call.path.contains("createWriteStream")
            || call.path.contains("os.Create");
        let taint = match writes {
            true => {
                // Opening makes or clears the file, whatever is written then.
                let empty = Value::default();
                if !mode.starts_with('a') {
                    self.write_path(&path, &empty, false);
                }
                Taint::default()
            }
            false => {
                let content = self.read_path(&path);
                if let Known::Text(_) = content.known {
                    return Value { known: content.known, taint: content.taint };
                }
                content.taint
            }
        };
        Value { known: Known::Handle(Handle::File, std::rc::Rc::new(path)), taint }
    }

    pub(crate) fn delete_tree(&mut self, path: &Value) {
        let Some(pattern) = path.pattern(HOLE_TEXT) else {
            if self.has(&path.taint, |tag| matches!(tag, Tag::Files)) {
                self.report(
                    &rules::DESTRUCTION,
                    Severity::High,
                    Confidence::Medium,
                    "Whatever is found in a wide folder is deleted.".to_owned(),
                    &path.taint,
                );
            }
            return;
        };
        if places::is_broad(&pattern) {
            self.report(
                &rules::DESTRUCTION,
                Severity::Critical,
                Confidence::High,
                format!("Everything below `{}` is deleted.", excerpt::safe(&pattern)),
                &Taint::default(),
            );
        }
    }

    pub(super) fn walk(&mut self, call: &Call) -> Value {
        let base = match matches!(call.receiver.known, Known::Text(_)) {
            true => call.receiver.clone(),
            false => call.at(0),
        };
        let pattern = base.pattern(HOLE_TEXT).unwrap_or_default();
        let normal = places::normal(&pattern);
        if let Some(secret) = places::secret(&normal) {
            self.can(Use::Read(Source::Secret(secret)));
            let origin = self.origin(Tag::Secret(secret, false));
            return Value::tainted(base.taint).with(&origin);
        }
        let wide = matches!(
            normal.trim_end_matches(['/', '*']),
            "~" | ""
                | "/home"
                | "/Users"
                | "~/Documents"
                | "~/Desktop"
                | "~/Downloads"
                | "~/Pictures"
                | "/root"
                | "~/projects"
                | "~/code"
                | "~/src"
                | "~/work"
                | "~/repos"
                | "~/.config"
                | "~/Library/Application Support"
        ) && !normal.is_empty();
        match wide {
            true => {
                self.can(Use::Read(Source::UserData));
                let origin = self.origin(Tag::Files);
                Value::tainted(base.taint).with(&origin)
            }
            false => {
                let conversation = places::is_conversation(&format!("{normal}/"));
                let origin = match conversation {
                    true => self.origin(Tag::Conversation),
                    false => Taint::default(),
                };
                Value::tainted(base.taint).with(&origin)
            }
        }
    }

    pub(crate) fn environment_variable(&mut self, name: &str) -> Value {
        let value = match name {
            "HOME" | "USERPROFILE" => return Value::text("~"),
            "APPDATA" => return Value::text("~/AppData/Roaming"),
            "LOCALAPPDATA" => return Value::text("~/AppData/Local"),
            "TMPDIR" | "TEMP" | "TMP" => return Value::text("/tmp"),
            "PWD" => return Value::text("."),
            _ => Tag::Variable(name.to_owned()),
        };
        self.can(Use::Read(Source::Variable(name.to_owned())));
        let mut taint = self.origin(value);
        if matches!(
            name,
            "USER" | "USERNAME" | "LOGNAME" | "HOSTNAME" | "COMPUTERNAME" | "USERDOMAIN"
        ) {
            let identity = self.origin(Tag::Identity);
            taint.join(&identity);
        }
        Value::tainted(taint)
    }
}
