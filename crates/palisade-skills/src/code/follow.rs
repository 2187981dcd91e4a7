//! Calls: what is called, and the functions of the program that are followed into.

use std::collections::HashMap;
use std::rc::Rc;

use super::analysis::{Analysis, Scope};
use super::call::Call;
use super::eval::DEEPEST_CALL;
use super::ir::{Id, Node};
use super::language::Language;
use super::models;
use super::value::{Handle, Known, Value, either};

impl Analysis {
    pub(super) fn callee(&mut self, ir: &Rc<super::ir::Ir>, callee: Id, call: &mut Call) -> Value {
        if let Node::Member(of, name) = ir.node(callee) {
            if let Node::Name(object) = ir.node(*of)
                && let Some(value) = self.local(&format!("{object}.{name}"))
                && matches!(value.known, Known::Function(..))
            {
                return value;
            }
            call.receiver = self.eval(*of);
            self.here.1 = ir.at(callee);
            let target = match &call.receiver.known {
                Known::Path(_) | Known::Map(_) => {
                    let receiver = call.receiver.clone();
                    self.member(&receiver, name, false)
                }
                _ => Value::path(&format!(".{name}")),
            };
            // What grows by a method: `parts.append(x)`.
            if let Node::Name(object) = ir.node(*of) {
                call.path = object.clone();
            }
            return target;
        }
        if let Node::Index(of, index) = ir.node(callee) {
            let plain = matches!(ir.node(*index), Node::Text(_));
            call.receiver = self.eval(*of);
            let name = self.eval(*index);
            self.here.1 = ir.at(callee);
            let receiver = call.receiver.clone();
            return match (&receiver.known, name.known_text()) {
                (Known::Path(_) | Known::Map(_), Some(text)) => {
                    self.member(&receiver, &text, !plain).with(&name.taint)
                }
                (_, Some(text)) => Value::path(&format!(".{text}")),
                _ => self.index(&receiver, &name, !plain),
            };
        }
        self.eval(callee)
    }

    pub(super) fn call(&mut self, target: &Value, call: &Call) -> Value {
        let object = call.path.clone();
        match &target.known {
            Known::Function(unit, function) => {
                let values = call.args.iter().map(|(_, value)| value.clone()).collect();
                let names: Vec<Option<String>> =
                    call.args.iter().map(|(name, _)| name.clone()).collect();
                self.follow(*unit, *function, values, &names)
            }
            Known::Path(path) => {
                if path.as_ref() == super::lower::STREAM {
                    let content = call.at(0);
                    let taint = content.taint.clone();
                    return Value { known: Known::Handle(Handle::Stream, Rc::new(content)), taint };
                }
                if path.as_ref() == super::lower::INDIRECT {
                    return match call.at(0).known_text() {
                        Some(name) => self.variable(&name),
                        None => Value::tainted(call.taint()),
                    };
                }
                let mut call = call.clone();
                call.path = path.to_string();
                let language = self.language();
                if let Some(act) = models::act(language, &call) {
                    let value = self.act(act, &call);
                    if act.calls_back() {
                        self.callbacks(&call, &value);
                    }
                    return value;
                }
                if !object.is_empty() && models::grows(call.method()) {
                    let taint = call.taint();
                    self.grow(&object, &taint);
                    self.append(&object, &call);
                }
                if call.path.starts_with('.') || call.path.contains('.') {
                    let method = call.method().to_owned();
                    if let Some(function) = self.function_named(&method) {
                        let values = call.args.iter().map(|(_, value)| value.clone()).collect();
                        return self.follow(self.here.0, function, values, &[]);
                    }
                }
                self.unknown_call(&call)
            }
            _ => {
                let mut call = call.clone();
                call.path.clear();
                let value = self.unknown_call(&call);
                value.with(&target.taint)
            }
        }
    }

    /// A call of which nothing is known: its result depends on all that it is given, and functions
    /// that it is given may be called with that.
    pub(crate) fn unknown_call(&mut self, call: &Call) -> Value {
        let mut taint = call.taint();
        for (_, value) in &call.args {
            if let Known::Function(unit, function) = value.known {
                let params = self
                    .units
                    .get(unit)
                    .and_then(|unit| unit.ir.functions.get(function as usize))
                    .map_or(0, |function| function.params.len());
                let given = call.receiver.clone().with(&taint);
                let result = self.follow(unit, function, vec![given; params], &[]);
                taint.join(&result.taint);
            }
        }
        let known = match call.path.len() {
            1..=160 if !call.path.starts_with('.') => {
                Known::Path(format!("{}()", call.path).into())
            }
            _ => Known::Nothing,
        };
        Value { known, taint }
    }

    /// Follows a call into a function.
    pub(crate) fn follow(
        &mut self,
        unit: usize,
        function: u32,
        values: Vec<Value>,
        names: &[Option<String>],
    ) -> Value {
        let taint = Value::list(values.clone()).taint;
        let Some(of) = self.units.get_mut(unit) else { return Value::tainted(taint) };
        let ir = Rc::clone(&of.ir);
        let Some(called) = ir.functions.get(function as usize) else {
            return Value::tainted(taint);
        };
        let first = of.followed.insert(function);
        if self.depth >= DEEPEST_CALL || (!first && self.inline_left < 64) {
            return Value::tainted(taint);
        }
        let before = self.here;
        let left = self.steps_left;
        let mut variables = HashMap::new();
        let mut values = values.into_iter();
        let given: Vec<(Option<&String>, Value)> = (0..)
            .map_while(|at| values.next().map(|v| (names.get(at).and_then(Option::as_ref), v)))
            .collect();
        let mut positional =
            given.iter().filter(|(name, _)| name.is_none()).map(|(_, v)| v.clone());
        self.here = (unit, 0);
        let methods =
            called.params.first().is_some_and(|(name, _)| name == "self" || name == "cls");
        for (at, (name, default)) in called.params.iter().enumerate() {
            if methods && at == 0 {
                variables.insert(name.clone(), Value::path(name));
                continue;
            }
            let named = given.iter().find(|(given, _)| given.is_some_and(|given| given == name));
            let value = match named {
                Some((_, value)) => Some(value.clone()),
                None => positional.next(),
            };
            let value = match (value, default) {
                (Some(value), _) if value.is_known() || !value.taint.is_empty() => value,
                (value, Some(default)) => {
                    let default = self.eval(*default);
                    value.map_or_else(
                        || default.clone(),
                        |value| Value { known: default.known.clone(), taint: value.taint },
                    )
                }
                (value, None) => value.unwrap_or_default(),
            };
            variables.insert(name.clone(), value);
        }
        if self.language() == Language::Shell {
            for (at, (_, value)) in given.iter().enumerate() {
                variables.insert((at + 1).to_string(), value.clone());
            }
            let all = Value::list(given.iter().map(|(_, value)| value.clone()).collect());
            variables.insert("@".to_owned(), all.clone());
            variables.insert("*".to_owned(), all);
        }
        let closed = unit != before.0;
        self.scopes.push(Scope { variables, closed, returns: Vec::new() });
        self.depth += 1;
        let last = self.eval(called.body);
        self.depth -= 1;
        let scope = self.scopes.pop().unwrap_or_default();
        self.here = before;
        if !first {
            self.inline_left =
                self.inline_left.saturating_sub(left.saturating_sub(self.steps_left));
        }
        if self.units.get(unit).is_some_and(|unit| unit.language == Language::Shell) {
            // Variables of a shell function are those of the script.
            for (name, value) in scope.variables {
                if !name.starts_with(|c: char| c.is_ascii_digit() || c == '@' || c == '*') {
                    self.set(&name, value);
                }
            }
        }
        let mut returned = scope.returns;
        if called.implicit_return || returned.is_empty() && called.name.is_empty() {
            returned.push(last);
        }
        either(returned)
    }
}
