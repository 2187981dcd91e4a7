//! What the calls of libraries do to values.

use super::analysis::Analysis;
use super::call::Call;
use super::excerpt;
use super::fold::{self, Decoding};
use super::hosts::{self, HOLE_TEXT};
use super::language::Language;
use super::models::Act;
use super::origin::Tag;
use super::places;
use super::rules;
use super::sinks::Part;
use super::value::{Handle, Known, Taint, Value, bytes_of, either};
use crate::{Confidence, Secret, Severity, Source, Use};

impl Analysis {
    pub(crate) fn act(&mut self, act: Act, call: &Call) -> Value {
        match act {
            Act::Http(at) => self.http(call, at),
            Act::Download => {
                let got = self.fetch(&call.at(0));
                let path = call.arg(1, &["filename", "out", "reporthook"]);
                self.write_path(&path, &got, false);
                got
            }
            Act::Connect => self.connect(call),
            Act::Send => {
                let host = self.target_of(&call.receiver);
                let mut taint = Taint::default();
                for (_, value) in &call.args {
                    taint.join(&value.taint);
                }
                self.send(host.as_deref(), &taint, Part::Body);
                Value::tainted(call.receiver.taint.clone())
            }
            Act::Receive => {
                let origin = self.origin(Tag::Channel);
                Value::tainted(origin)
            }
            Act::Channel => {
                let origin = self.origin(Tag::Channel);
                Value::tainted(origin).with(&call.taint())
            }
            Act::Resolve => {
                let name = call.at(0);
                let pattern = name.pattern(HOLE_TEXT);
                self.can(Use::Network(pattern.as_deref().and_then(hosts::host_of)));
                self.send(pattern.as_deref(), &name.taint, Part::Name);
                Value::default()
            }
            Act::Mail => {
                self.can(Use::Network(None));
                self.send(None, &call.taint(), Part::Body);
                Value::default()
            }
            Act::ShellLine => {
                let line = call.arg(0, &["command", "cmd", "args"]);
                self.run_code(Language::Shell, &line, "by the shell")
            }
            Act::Program => self.program_of(call),
            Act::Eval => {
                let language = self.language();
                let value = self.run_code(language, &call.at(0), "as code");
                value.with(&call.taint())
            }
            Act::Compile => {
                let language = self.language();
                let code = call.args.last().map(|(_, value)| value.clone()).unwrap_or_default();
                let code = match language.is_script() {
                    true => code,
                    false => call.at(0),
                };
                match language.is_script() {
                    true => {
                        self.run_code(language, &code, "as code");
                        Value::default()
                    }
                    false => code,
                }
            }
            Act::Unpickle => {
                let data = call.at(0);
                // A literal that is decoded and then run as bytes of code; data of a library's own
                // files is how science code stores results.
                if call.path.starts_with("marshal.")
                    && self.has(&data.taint, |tag| *tag == Tag::Decoded)
                {
                    self.ran(&data.taint, "as bytecode");
                }
                let remote: Vec<Tag> = self
                    .tags(&data.taint)
                    .map(|origin| origin.tag.clone())
                    .filter(|tag| matches!(tag, Tag::Channel))
                    .collect();
                if !remote.is_empty() {
                    self.ran(&data.taint, "as it is unpacked");
                }
                Value::tainted(data.taint)
            }
            Act::Load => self.load(call),
            Act::Attribute => {
                let (of, name) = (call.at(0), call.at(1));
                let shown = self.line(self.here);
                // A name that stands there as one text is only a manner of writing.
                let plain = name.known_text().is_some_and(|name| {
                    shown.contains(&format!("\"{name}\"")) || shown.contains(&format!("'{name}'"))
                });
                self.index(&of, &name, !plain)
            }
            Act::Read => self.read_path(&call.arg(0, &["path", "file"])),
            Act::ReadReceiver => self.read_path(&call.receiver),
            Act::Write | Act::Append => {
                let (path, content) = (call.at(0), call.at(1));
                self.write_path(&path, &content, act == Act::Append);
                Value::default()
            }
            Act::WriteReceiver => {
                self.write_path(&call.receiver, &call.at(0), false);
                Value::default()
            }
            Act::WriteHandle => {
                match &call.receiver.known {
                    Known::Handle(Handle::File, path) => {
                        let mut content = call.at(0);
                        content.taint.join(&call.at(1).taint);
                        let path = path.as_ref().clone();
                        self.write_path(&path, &content, true);
                    }
                    Known::Handle(Handle::Connection, host) => {
                        let host = host.pattern(HOLE_TEXT);
                        self.send(host.as_deref(), &call.at(0).taint, Part::Body);
                    }
                    _ => {}
                }
                Value::default()
            }
            Act::Open => self.open(call),
            Act::Copy => {
                let content = self.read_path(&call.at(0));
                self.write_path(&call.at(1), &content, false);
                Value::default()
            }
            Act::MakeExecutable => call.at(0),
            Act::Delete => Value::default(),
            Act::DeleteTree => {
                let path = match call.args.is_empty() {
                    true => call.receiver.clone(),
                    false => call.at(0),
                };
                self.delete_tree(&path);
                Value::default()
            }
            Act::Walk => self.walk(call),
            Act::Variable => {
                let name = call.at(0);
                let default = call.at(1);
                match name.known_text() {
                    Some(name) => {
                        let value = self.environment_variable(&name);
                        either(vec![value, default])
                    }
                    None => {
                        let origin = self.origin(Tag::Environment);
                        match name.taint.is_empty() && !name.is_known() {
                            true => Value::default(),
                            false => Value::tainted(origin),
                        }
                    }
                }
            }
            Act::SetVariable => {
                let (name, value) = (call.at(0), call.at(1));
                if let (Some(name), Some(address)) = (name.known_text(), value.pattern(HOLE_TEXT))
                    && super::persist::is_address_name(&name)
                {
                    self.redirect(&name, &address, &value);
                }
                value
            }
            Act::Environment => {
                self.can(Use::Read(Source::Environment));
                let origin = self.origin(Tag::Environment);
                Value { known: Known::Path("os.environ".into()), taint: origin }
            }
            Act::Dotenv => Value::default(),
            Act::Clipboard => self.source(Tag::Clipboard),
            Act::Screen => self.source(Tag::Screen),
            Act::Keystrokes => {
                let origin = self.source(Tag::Keystrokes);
                let mut with = call.clone();
                with.receiver = origin.clone();
                self.unknown_call(&with).with(&origin.taint)
            }
            Act::Identity => {
                let origin = self.origin(Tag::Identity);
                Value::tainted(origin)
            }
            Act::Keychain => {
                let secret = match call.path.contains("browser") {
                    true => Secret::Browser,
                    false => Secret::Keychain,
                };
                self.can(Use::Read(Source::Secret(secret)));
                // An entry of a keychain is taken by its name; a browser's are taken together.
                let origin = self.origin(Tag::Secret(secret, false));
                match secret {
                    Secret::Browser => Value::tainted(origin),
                    _ => {
                        let name = call.at(0).known_text().unwrap_or_default();
                        let origin = self.origin(Tag::Variable(format!("{name}_TOKEN")));
                        Value::tainted(origin)
                    }
                }
            }
            Act::Clock => {
                let origin = self.origin(Tag::Clock);
                Value { known: Known::Path("datetime".into()), taint: origin }
            }
            Act::Decode(how) => {
                let text = call.at(0);
                self.decode(how, &text)
            }
            Act::DecodeReceiver(how) => self.decode(how, &call.receiver),
            Act::Encode => {
                let origin = self.origin(Tag::Encoded);
                Value::tainted(call.taint()).with(&origin)
            }
            Act::FromCodes => self.from_codes(call),
            Act::Code => match call.at(0).known_text().and_then(|text| text.chars().next()) {
                Some(c) => Value::number(u32::from(c).into()).with(&call.taint()),
                None => Value::tainted(call.taint()),
            },
            Act::JoinReceiver => self.join(&call.at(0), &call.receiver),
            Act::JoinElements => {
                let separator = match call.count() {
                    0 if self.language() == Language::Ruby => Value::text(""),
                    0 => Value::text(","),
                    _ => call.at(0),
                };
                self.join(&call.receiver, &separator)
            }
            Act::PathJoin => {
                let mut parts = Vec::new();
                let receiver =
                    matches!(call.receiver.known, Known::Text(_)) || call.method() == "joinpath";
                let first = if receiver { vec![call.receiver.clone()] } else { Vec::new() };
                let all = first.into_iter().chain(call.args.iter().map(|(_, value)| value.clone()));
                for value in all {
                    if !parts.is_empty() {
                        parts.push(Value::text("/"));
                    }
                    parts.push(value);
                }
                self.concat(&parts)
            }
            Act::Home => Value::text("~"),
            Act::Temporary => Value::text("/tmp"),
            Act::Same => {
                let value = call.at(0);
                match value.is_known() || call.count() == 1 {
                    true => value,
                    false => Value::tainted(call.taint()),
                }
            }
            Act::Receiver => call.receiver.clone(),
            Act::Concat => {
                let mut parts = vec![call.receiver.clone()];
                parts.extend(call.args.iter().map(|(_, value)| value.clone()));
                self.sum(parts)
            }
            Act::Replace => self.replace(call),
            Act::Split => {
                let separator = call.at(0).known_text();
                match (call.receiver.known_text(), separator) {
                    (Some(text), separator) if self.pay(text.len()) => {
                        let parts: Vec<Value> = match separator.as_deref() {
                            None => text.split_whitespace().map(Value::text).collect(),
                            Some("") => text.chars().map(|c| Value::text(c.to_string())).collect(),
                            Some(by) => text.split(by).map(Value::text).collect(),
                        };
                        Value::list(parts).with(&call.receiver.taint)
                    }
                    _ => Value::tainted(call.receiver.taint.clone()),
                }
            }
            Act::Lower => change(&call.receiver, str::to_lowercase),
            Act::Upper => change(&call.receiver, str::to_uppercase),
            Act::FormatBraces => self.format_braces(&call.receiver, &call.args),
            Act::FormatPercent => {
                let rest = call.args.iter().skip(1).map(|(_, value)| value.clone()).collect();
                self.format(&call.at(0), &Value::list(rest))
            }
            Act::Reverse => {
                let of = match call.args.is_empty() {
                    true => call.receiver.clone(),
                    false => call.at(0),
                };
                match &of.known {
                    Known::List(values) => {
                        let origin = self.origin(Tag::Decoded);
                        let turned = values.iter().rev().cloned().collect();
                        Value::list(turned).with(&of.taint).with(&origin)
                    }
                    _ => self.decode(Decoding::Reverse, &of),
                }
            }
            Act::Chars => match call.receiver.known_text() {
                Some(text) if self.pay(text.len()) => {
                    let parts = text.chars().map(|c| Value::text(c.to_string())).collect();
                    Value::list(parts).with(&call.receiver.taint)
                }
                _ => call.receiver.clone(),
            },
            Act::ToNumber => {
                let radix = match call.arg(1, &["base"]).known {
                    Known::Number(radix) => {
                        u32::try_from(radix).ok().filter(|r| (2..=36).contains(r))
                    }
                    _ => Some(10),
                };
                let text = match call.args.is_empty() {
                    true => call.receiver.known_text(),
                    false => call.at(0).known_text(),
                };
                let number = text.zip(radix).and_then(|(text, radix)| {
                    i64::from_str_radix(text.trim().trim_start_matches("0x"), radix).ok()
                });
                number.map_or_else(Value::default, Value::number).with(&call.taint())
            }
            Act::Map => {
                let list = call.receiver.clone();
                self.map(&list, &call.at(0))
            }
            Act::MapFirst => self.map(&call.at(1), &call.at(0)),
            Act::Range => self.range(call),
            Act::Zip => {
                let (left, right) = (call.at(0), call.at(1));
                match (left.elements(), right.elements()) {
                    (Some(a), Some(b)) if a.len() < 4096 => Value::list(
                        a.iter()
                            .zip(b)
                            .map(|(a, b)| Value::list(vec![a.clone(), b.clone()]))
                            .collect(),
                    ),
                    _ => Value::tainted(call.taint()),
                }
            }
            Act::Enumerate => {
                let of = call.at(0);
                let elements = match of.elements() {
                    Some(list) => Some(list.to_vec()),
                    None => of.known_text().filter(|text| text.len() < 4096).map(|text| {
                        let decoded = self.has(&of.taint, |tag| *tag == Tag::Decoded)
                            && self.language() == Language::Python;
                        match decoded {
                            true => bytes_of(&text)
                                .into_iter()
                                .map(|b| Value::number(b.into()))
                                .collect(),
                            false => text.chars().map(|c| Value::text(c.to_string())).collect(),
                        }
                    }),
                };
                match elements {
                    Some(list) if list.len() < 4096 => Value::list(
                        (0i64..)
                            .zip(list)
                            .map(|(at, value)| {
                                let value = value.with(&of.taint);
                                Value::list(vec![Value::number(at), value])
                            })
                            .collect(),
                    ),
                    _ => Value::tainted(call.taint()),
                }
            }
            Act::Duplicate => {
                self.joined.duplicated += 1;
                self.shell_joined();
                Value::default()
            }
            Act::Terminal => {
                self.can(Use::Exec(call.at(0).known_text()));
                if self.joined.connection.is_some() {
                    self.joined.duplicated += 1;
                    self.reverse_shell("a terminal");
                }
                Value::default()
            }
            Act::Argument => {
                let origin = self.origin(Tag::Argument);
                Value::tainted(origin)
            }
            Act::PipeTo => {
                let host = self.target_of(&call.at(0));
                if let Some(host) = host {
                    self.send(Some(&host), &call.receiver.taint, Part::Body);
                }
                let to = call.at(0);
                if let Known::Handle(Handle::File, path) = &to.known {
                    let path = path.as_ref().clone();
                    self.write_path(&path, &call.receiver, false);
                }
                if self.is_connection(&call.receiver) || self.is_connection(&to) {
                    self.joined.duplicated += 1;
                    self.shell_joined();
                }
                to.with(&call.receiver.taint)
            }
            Act::Encrypt => {
                let origin = self.origin(Tag::Encoded);
                Value::tainted(call.taint()).with(&origin)
            }
            Act::Arrives => {
                let channel = self.origin(Tag::Channel);
                let given = match self.is_connection(&call.receiver) {
                    true => Value::tainted(channel),
                    false => Value::tainted(call.receiver.taint.clone()),
                };
                self.callbacks(call, &given);
                call.receiver.clone()
            }
            Act::CodeReceiver => {
                let at = match call.at(0).known {
                    Known::Number(at) => usize::try_from(at).unwrap_or(0),
                    _ => 0,
                };
                let c = call.receiver.known_text().and_then(|text| text.chars().nth(at));
                c.map_or_else(Value::default, |c| Value::number(u32::from(c).into()))
                    .with(&call.taint())
            }
            Act::IndexReceiver => {
                let index = call.at(0);
                self.index(&call.receiver, &index, false)
            }
            Act::SliceReceiver => self.slice_of(call),
            Act::CodesReceiver => {
                let mut codes = call.clone();
                codes.args = vec![(None, call.receiver.clone())];
                codes.receiver = Value::default();
                self.from_codes(&codes)
            }
            Act::DecodeList(how) => {
                let first = match call.receiver.elements() {
                    Some([first, ..]) => first.clone(),
                    _ => call.receiver.clone(),
                };
                self.decode(how, &first)
            }
            Act::ProgramAfterFirst => {
                let mut rest = call.clone();
                if !rest.args.is_empty() {
                    rest.args.remove(0);
                }
                self.program_of(&rest)
            }
            Act::ProgramOrLine => {
                let words = call.args.iter().filter(|(name, value)| {
                    name.is_none() && !matches!(value.known, Known::Map(_) | Known::Function(..))
                });
                match words.count() {
                    0 | 1 => self.run_code(Language::Shell, &call.at(0), "by the shell"),
                    _ => self.program_of(call),
                }
            }
            Act::JoinSecond => self.join(&call.at(0), &call.at(1)),
            Act::JoinSecondFirst => self.join(&call.at(1), &call.at(0)),
            Act::ReplaceFirst => {
                let mut shifted = call.clone();
                shifted.receiver = call.at(0);
                if !shifted.args.is_empty() {
                    shifted.args.remove(0);
                }
                self.replace(&shifted)
            }
            Act::CopyStream => {
                let (to, from) = (call.at(0), call.at(1));
                let content = match &from.known {
                    Known::Handle(Handle::Connection, _) if from.taint.is_empty() => {
                        let origin = self.origin(Tag::Channel);
                        Value::tainted(origin)
                    }
                    _ => Value::tainted(from.taint.clone()),
                };
                self.write_to(&to, &content);
                Value::default()
            }
            Act::WriteFirst => {
                let mut content = Value::default();
                for (_, value) in call.args.iter().skip(1) {
                    content = match content.is_known() {
                        true => content.with(&value.taint),
                        false => Value {
                            known: value.known.clone(),
                            taint: content.with(&value.taint).taint,
                        },
                    };
                }
                self.write_to(&call.at(0), &content);
                Value::default()
            }
            Act::Gather => {
                let parts = call
                    .args
                    .iter()
                    .flat_map(|(_, value)| match value.elements() {
                        Some(list) => list.to_vec(),
                        None => vec![value.clone()],
                    })
                    .take(4096)
                    .collect();
                Value::list(parts)
            }
            Act::HeaderSet => {
                let taint = call.at(1).taint;
                let host = self.target_of(&call.receiver);
                self.send(host.as_deref(), &taint, Part::Header);
                Value::default()
            }
            Act::SendName => self.by_name(call),
            Act::Rotate => {
                let text = call.receiver.known_text();
                let (from, to) = (call.at(0).known_text(), call.at(1).known_text());
                match (text, from, to) {
                    (Some(text), Some(from), Some(_))
                        if from.contains("A-Za-z") || from.contains("a-zA-Z") =>
                    {
                        let turned = text.chars().map(fold::rot13).collect::<String>();
                        let origin = self.origin(Tag::Decoded);
                        Value::text(turned).with(&call.taint()).with(&origin)
                    }
                    _ => Value::tainted(call.taint()),
                }
            }
            Act::WithoutZeros => {
                let of = call.at(0);
                match of.known_text() {
                    Some(text) => Value::text(text.replace('\0', "")).with(&of.taint),
                    None => of,
                }
            }
            Act::InvokeReceiver => {
                let receiver = call.receiver.clone();
                match &receiver.known {
                    Known::Function(unit, function) => {
                        let values = call.args.iter().map(|(_, value)| value.clone()).collect();
                        self.follow(*unit, *function, values, &[])
                    }
                    Known::Text(_) => {
                        let language = self.language();
                        self.run_code(language, &receiver, "as code")
                    }
                    _ => {
                        self.ran(&receiver.taint, "as code");
                        Value::tainted(receiver.taint)
                    }
                }
            }
            Act::Print => {
                let taint = call.taint();
                self.shown(&taint);
                Value::default()
            }
        }
    }

    /// The functions among the arguments are called with this.
    pub(crate) fn callbacks(&mut self, call: &Call, given: &Value) {
        for (_, value) in &call.args {
            if let Known::Function(unit, function) = value.known {
                let params = self
                    .units
                    .get(unit)
                    .and_then(|unit| unit.ir.functions.get(function as usize))
                    .map_or(0, |f| f.params.len());
                self.follow(unit, function, vec![given.clone(); params], &[]);
            }
        }
    }

    fn write_to(&mut self, to: &Value, content: &Value) {
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

    fn slice_of(&mut self, call: &Call) -> Value {
        let end = |value: Value| match value.known {
            Known::Number(number) => Some(number),
            _ => None,
        };
        let (from, mut to) = (end(call.at(0)), end(call.at(1)));
        if matches!(call.method(), "substr" | "substring")
            && self.language() != Language::JavaScript
            || call.method() == "substr"
        {
            to = from.zip(to).map(|(from, length)| from.saturating_add(length));
        }
        let known = call.count() == 0 || from.is_some() && (call.count() < 2 || to.is_some());
        match known {
            true => self.slice(&call.receiver, from, to, None),
            false => Value::tainted(call.taint()),
        }
    }

    /// `object.send("name", arguments)`.
    fn by_name(&mut self, call: &Call) -> Value {
        let name = call.at(0);
        let Some(text) = name.known_text() else { return Value::tainted(call.taint()) };
        let shown = self.line(self.here);
        let plain = [format!(":{text}"), format!("\"{text}\""), format!("'{text}'")]
            .iter()
            .any(|form| shown.contains(form.as_str()));
        if !plain {
            self.computed_name(&text, &name.taint);
        }
        let mut inner = call.clone();
        if !inner.args.is_empty() {
            inner.args.remove(0);
        }
        let of = match &call.receiver.known {
            Known::Path(path) if path.as_ref() != "Kernel" && path.as_ref() != "self" => {
                format!("{path}.")
            }
            Known::Path(_) | Known::Nothing => String::new(),
            _ => ".".to_owned(),
        };
        inner.path = format!("{of}{text}");
        match super::models::act(self.language(), &inner) {
            Some(act) if act != Act::SendName => self.act(act, &inner),
            _ => Value::path(&inner.path).with(&call.taint()),
        }
    }

    /// Secrets that are printed reach the model.
    pub(crate) fn shown(&mut self, taint: &Taint) {
        let secret = self.tags(taint).find_map(|origin| match &origin.tag {
            Tag::Secret(secret, false) if *secret != Secret::EnvFile => Some(*secret),
            _ => None,
        });
        if let Some(secret) = secret {
            self.report(
                &rules::SECRET_COPIED,
                Severity::Medium,
                Confidence::Medium,
                format!("Output shows {}.", super::sinks::words_of(secret)),
                taint,
            );
        }
    }

    pub(crate) fn source(&mut self, tag: Tag) -> Value {
        self.can(Use::Read(Source::UserData));
        let origin = self.origin(tag);
        Value::tainted(origin)
    }

    fn http(&mut self, call: &Call, at: usize) -> Value {
        let named = call.named(&["url", "uri", "URL"]);
        let mut address = named.clone().unwrap_or_else(|| call.at(at));
        if !address.pattern(HOLE_TEXT).is_some_and(|p| hosts::host_of(&p).is_some()) {
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

    fn send_argument(&mut self, address: Option<&str>, name: Option<&str>, value: &Value) {
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

    fn connect(&mut self, call: &Call) -> Value {
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

    fn target_of(&self, value: &Value) -> Option<String> {
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

    fn program_of(&mut self, call: &Call) -> Value {
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

    fn load(&mut self, call: &Call) -> Value {
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

    fn open(&mut self, call: &Call) -> Value {
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
        let Some(pattern) = path.pattern(HOLE_TEXT) else { return };
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

    fn walk(&mut self, call: &Call) -> Value {
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

    /// Decodes what is known, and marks it as decoded.
    pub(crate) fn decode(&mut self, how: Decoding, of: &Value) -> Value {
        let origin = self.origin(Tag::Decoded);
        let taint = of.clone().with(&origin).taint;
        let Some(text) = of.known_text() else { return Value::tainted(taint) };
        if !self.pay(text.len()) {
            return Value::tainted(taint);
        }
        match fold::decode(how, &text) {
            Some(text) => Value::text(text).with(&taint),
            None => Value::tainted(taint),
        }
    }

    fn from_codes(&mut self, call: &Call) -> Value {
        let values: Vec<Value> = call
            .args
            .iter()
            .flat_map(|(_, value)| match &value.known {
                Known::List(values) => values.to_vec(),
                _ => vec![value.clone()],
            })
            .collect();
        let codes: Option<String> = values
            .iter()
            .map(|value| match value.known {
                Known::Number(code) => u32::try_from(code).ok().and_then(char::from_u32),
                _ => None,
            })
            .collect();
        let taint = call.taint();
        match codes {
            Some(text) if !text.is_empty() && self.pay(text.len()) => {
                let origin = self.origin(Tag::Decoded);
                Value::text(text).with(&taint).with(&origin)
            }
            // `bytes("text", "utf8")`.
            _ if matches!(call.at(0).known, Known::Text(_)) => call.at(0).with(&taint),
            _ => Value::tainted(taint),
        }
    }

    fn join(&mut self, list: &Value, separator: &Value) -> Value {
        let taint = list.taint.clone();
        let Known::List(values) = &list.known else {
            return match &list.known {
                Known::Text(_) => list.clone(),
                _ => Value::tainted(taint).with(&separator.taint),
            };
        };
        let mut parts = Vec::with_capacity(values.len() * 2);
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                parts.push(separator.clone());
            }
            parts.push(value.clone());
        }
        let value = self.concat(&parts);
        value.with(&taint)
    }

    fn replace(&mut self, call: &Call) -> Value {
        let (Some(text), Some(from), Some(to)) =
            (call.receiver.known_text(), call.at(0).known_text(), call.at(1).known_text())
        else {
            return Value::tainted(call.taint());
        };
        if from.is_empty() || !self.pay(text.len().saturating_mul(1 + to.len() / from.len())) {
            return Value::tainted(call.taint());
        }
        Value::text(text.replace(&from, &to)).with(&call.taint())
    }

    fn map(&mut self, list: &Value, function: &Value) -> Value {
        let elements: Option<Vec<Value>> = match &list.known {
            Known::List(values) => Some(values.to_vec()),
            Known::Text(_) => list.known_text().map(|text| {
                text.chars().map(|c| Value::text(c.to_string()).with(&list.taint)).collect()
            }),
            _ => None,
        };
        let Some(elements) = elements.filter(|list| list.len() <= 4096) else {
            let result = self.apply(function, Value::tainted(list.taint.clone()));
            return Value::tainted(result.taint).with(&list.taint);
        };
        let mut out = Vec::with_capacity(elements.len());
        for element in elements {
            out.push(self.apply(function, element));
        }
        Value::list(out).with(&list.taint)
    }

    fn apply(&mut self, function: &Value, argument: Value) -> Value {
        match &function.known {
            Known::Function(unit, function) => self.follow(*unit, *function, vec![argument], &[]),
            Known::Path(path) => {
                let call = Call {
                    path: path.to_string(),
                    receiver: Value::default(),
                    args: vec![(None, argument)],
                };
                match super::models::act(self.language(), &call) {
                    Some(act) => self.act(act, &call),
                    None => Value::tainted(call.taint()),
                }
            }
            _ => Value::tainted(argument.taint),
        }
    }

    fn range(&mut self, call: &Call) -> Value {
        let numbers: Option<Vec<i64>> = call
            .args
            .iter()
            .map(|(_, value)| match value.known {
                Known::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let (from, to, step) = match numbers.as_deref() {
            Some([to]) => (0, *to, 1),
            Some([from, to]) => (*from, *to, 1),
            Some([from, to, step]) if *step != 0 => (*from, *to, *step),
            _ => return Value::tainted(call.taint()),
        };
        let mut out = Vec::new();
        let mut at = from;
        while (step > 0 && at < to || step < 0 && at > to) && out.len() < 4096 {
            out.push(Value::number(at));
            at = match at.checked_add(step) {
                Some(next) => next,
                None => break,
            };
        }
        Value::list(out)
    }
}

fn change(value: &Value, how: impl Fn(&str) -> String) -> Value {
    match value.known_text() {
        Some(text) => Value::text(how(&text)).with(&value.taint),
        None => value.clone(),
    }
}
