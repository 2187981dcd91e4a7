//! What the calls of libraries do to values.

use super::analysis::Analysis;
use super::call::Call;
use super::fold::{self, Decoding};
use super::hosts::{self, HOLE_TEXT};
use super::language::Language;
use super::models::Act;
use super::origin::Tag;
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
            Act::FromCodes => self.codes_to_text(call),
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
                        let letters = values.iter().all(|value| {
                            value.known_text().is_some_and(|text| text.chars().count() == 1)
                        });
                        let turned =
                            Value::list(values.iter().rev().cloned().collect()).with(&of.taint);
                        match letters && values.len() > 3 {
                            true => {
                                let origin = self.origin(Tag::Decoded);
                                turned.with(&origin)
                            }
                            false => turned,
                        }
                    }
                    _ if of.known_text().is_none() => Value::tainted(of.taint),
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
                self.codes_to_text(&codes)
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
                    Known::Path(path) => {
                        // A method that was taken by its name.
                        let mut inner = call.clone();
                        inner.path = path.to_string();
                        inner.receiver = Value::default();
                        match super::models::act(self.language(), &inner) {
                            Some(act) if act != Act::InvokeReceiver => self.act(act, &inner),
                            _ => Value::tainted(call.taint()),
                        }
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
}

fn change(value: &Value, how: impl Fn(&str) -> String) -> Value {
    match value.known_text() {
        Some(text) => Value::text(how(&text)).with(&value.taint),
        None => value.clone(),
    }
}
