//! Evaluation of the intermediate form: what is constant is folded, what is not is followed.

use std::rc::Rc;

use super::analysis::{Analysis, Joined, Scope, State};
use super::call::Call;
use super::ir::{Direction, Id, Node};
use super::language::Language;
use super::origin::Tag;
use super::value::{Handle, Known, Taint, Value, bytes_of, either};

/// Calls and nested code deeper than this are not followed.
pub(super) const DEEPEST_CALL: u32 = 12;
/// Elements of a known list over which a loop is run.
pub(super) const MOST_TURNS: usize = 4096;

impl Analysis {
    /// Evaluates a whole unit, once.
    pub(crate) fn run(&mut self, unit: usize) {
        let Some(of) = self.units.get_mut(unit) else { return };
        if of.state != State::New || self.depth >= DEEPEST_CALL {
            return;
        }
        of.state = State::Running;
        let ir = Rc::clone(&of.ir);
        let before = self.here;
        let gates = std::mem::take(&mut self.gates);
        let joined = std::mem::take(&mut self.joined);
        self.here = (unit, 0);
        self.depth += 1;
        self.scopes.push(Scope { closed: true, ..Scope::default() });
        self.eval(ir.root);
        let scope = self.scopes.pop().unwrap_or_default();
        if let Some(of) = self.units.get_mut(unit) {
            of.globals.extend(scope.variables);
        }
        for function in 0..u32::try_from(ir.functions.len()).unwrap_or_default() {
            let followed =
                self.units.get(unit).is_some_and(|unit| unit.followed.contains(&function));
            if !followed {
                self.here = (unit, 0);
                self.joined = Joined::default();
                let params = ir.functions.get(function as usize).map_or(0, |f| f.params.len());
                let unknown = vec![Value::default(); params];
                self.follow(unit, function, unknown, &[]);
            }
        }
        self.depth -= 1;
        self.gates = gates;
        self.joined = joined;
        self.here = before;
        if let Some(of) = self.units.get_mut(unit) {
            of.state = State::Done;
        }
    }

    /// Evaluates a node of the unit in which the analysis is.
    pub(crate) fn eval(&mut self, id: Id) -> Value {
        if self.steps_left == 0 {
            return Value::default();
        }
        self.steps_left -= 1;
        let Some(unit) = self.unit() else { return Value::default() };
        let ir = Rc::clone(&unit.ir);
        let at = ir.at(id);
        match ir.node(id) {
            Node::Nothing => Value::default(),
            Node::Text(text) => Value::text(text.as_str()),
            Node::Number(number) => Value::number(*number),
            Node::Name(name) => {
                self.here.1 = at;
                self.variable(name)
            }
            Node::Member(of, name) => {
                if let Node::Name(object) = ir.node(*of)
                    && let Some(value) = self.local(&format!("{object}.{name}"))
                {
                    return value;
                }
                let of = self.eval(*of);
                self.here.1 = at;
                self.member(&of, name, false)
            }
            Node::Index(of, index) => {
                let plain =
                    matches!(ir.node(*index), Node::Text(_) | Node::Name(_) | Node::Number(_));
                let of = self.eval(*of);
                let index = self.eval(*index);
                self.here.1 = at;
                self.index(&of, &index, !plain)
            }
            Node::Slice(of, from, to, step) => {
                let of = self.eval(*of);
                self.slice(&of, *from, *to, *step)
            }
            Node::Call { callee, args } => {
                let mut call = Call::default();
                let target = self.callee(&ir, *callee, &mut call);
                for arg in args {
                    let value = self.eval(arg.value);
                    match (arg.spread, &value.known) {
                        (true, Known::List(values)) => {
                            call.args.extend(values.iter().map(|value| (None, value.clone())));
                        }
                        _ => call.args.push((arg.name.clone(), value)),
                    }
                }
                self.here.1 = at;
                let value = self.call(&target, &call);
                // A buffer that a connection is read into.
                let reads = target.as_path().is_some_and(|path| {
                    matches!(path.rsplit('.').next(), Some("read" | "Read" | "recv_into"))
                });
                if reads
                    && self.is_connection(&call.receiver)
                    && let Some(Node::Name(buffer)) = args.first().map(|arg| ir.node(arg.value))
                {
                    self.grow(buffer, &value.taint);
                }
                value
            }
            Node::List(parts) => {
                let parts = parts.iter().map(|part| self.eval(*part)).collect();
                Value::list(parts)
            }
            Node::Map(entries) => {
                let mut taint = Taint::default();
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| {
                        // A bare word is a key in the languages that have such.
                        let key = match ir.node(*key) {
                            Node::Name(name) if self.language().is_script() => {
                                Value::text(name.as_str())
                            }
                            _ => self.eval(*key),
                        };
                        let value = self.eval(*value);
                        taint.join(&key.taint);
                        taint.join(&value.taint);
                        (key, value)
                    })
                    .collect();
                Value { known: Known::Map(entries.into()), taint }
            }
            Node::Concat(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.eval(*part)).collect();
                self.concat(&parts)
            }
            Node::Sum(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.eval(*part)).collect();
                self.sum(parts)
            }
            Node::Binary(op, left, right) => {
                let left = self.eval(*left);
                let right = self.eval(*right);
                self.here.1 = at;
                self.binary(*op, &left, &right)
            }
            Node::Mix(parts) => {
                let mut taint = Taint::default();
                for part in parts {
                    taint.join(&self.eval(*part).taint);
                }
                Value::tainted(taint)
            }
            Node::Either(parts) => {
                let parts = parts.iter().map(|part| self.eval(*part)).collect();
                either(parts)
            }
            Node::Function(function) => Known::Function(self.here.0, *function).into(),
            Node::Assign { target, value, add } => {
                let mut value = self.eval(*value);
                self.here.1 = at;
                if *add {
                    let old = self.eval(*target);
                    value = self.sum(vec![old, value]);
                }
                self.here.1 = at;
                match ir.node(*target) {
                    Node::Name(name) if *add => self.set_outer(name, value.clone()),
                    _ => self.assign(&ir, *target, value.clone()),
                }
                value
            }
            Node::Command { name, args, redirects, variables } => {
                let computed = matches!(
                    ir.node(*name),
                    Node::Concat(_)
                        | Node::Slice(..)
                        | Node::Output(..)
                        | Node::Sum(_)
                        | Node::Binary(..)
                        | Node::Index(..)
                        | Node::Call { .. }
                );
                let variables: Vec<(String, Value)> = variables
                    .iter()
                    .map(|(variable, value)| (variable.clone(), self.eval(*value)))
                    .collect();
                let mut words = vec![self.eval(*name)];
                for arg in args {
                    let value = self.eval(*arg);
                    match value.known {
                        Known::List(values) if self.language() == Language::Shell => {
                            words.extend(values.iter().cloned());
                        }
                        known => words.push(Value { known, taint: value.taint }),
                    }
                }
                let input = self.take_input().unwrap_or_default();
                let redirects: Vec<(Direction, Value)> =
                    redirects.iter().map(|(to, value)| (*to, self.eval(*value))).collect();
                self.here.1 = at;
                self.shell_command(words, input, &redirects, &variables, computed)
            }
            Node::Pipe(parts) => {
                let mut flowing: Option<Value> = self.take_input();
                for part in parts {
                    self.here.1 = ir.at(*part);
                    self.give_input(flowing.take());
                    let value = self.eval(*part);
                    self.give_input(None);
                    flowing = Some(value);
                }
                flowing.unwrap_or_default()
            }
            Node::Output(body, redirects) => {
                let redirects: Vec<(Direction, Value)> =
                    redirects.iter().map(|(to, value)| (*to, self.eval(*value))).collect();
                self.here.1 = at;
                if let Some(input) = self.redirected_input(&redirects) {
                    self.give_input(Some(input));
                }
                let value = self.output_of(&ir, *body);
                self.give_input(None);
                self.here.1 = at;
                self.redirect_output(&value, &redirects);
                value
            }
            Node::Block(parts) => {
                let shell = self.language() == Language::Shell;
                let mut last = Value::default();
                let mut taint = Taint::default();
                for part in parts {
                    last = self.eval(*part);
                    if shell {
                        taint.join(&last.taint);
                    }
                }
                last.with(&taint)
            }
            Node::If { condition, then, otherwise } => {
                let condition = self.eval(*condition);
                let gate = self.has(&condition.taint, Tag::is_gate);
                if gate {
                    self.gates.push(condition.taint.clone());
                }
                let mut values = vec![self.eval(*then)];
                if let Some(otherwise) = otherwise {
                    values.push(self.eval(*otherwise));
                }
                if gate {
                    self.gates.pop();
                }
                either(values)
            }
            Node::Each { target, of, body } => {
                let of = self.eval(*of);
                self.each(&ir, *target, &of, *body)
            }
            Node::Return(value) => {
                let value = self.eval(*value);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.returns.push(value.clone());
                }
                value
            }
            Node::Import { module, names, alias } => {
                self.here.1 = at;
                self.import(module, names, alias);
                Value::default()
            }
        }
    }

    /// What the commands of a substitution write, as one text without its last line end.
    pub(super) fn output_of(&mut self, ir: &Rc<super::ir::Ir>, body: Id) -> Value {
        let value = match ir.node(body) {
            Node::Block(parts) if parts.len() > 1 => {
                let parts: Vec<Value> = parts.iter().map(|part| self.eval(*part)).collect();
                let taint = Value::list(parts.clone()).taint;
                let last = parts.into_iter().rev().find(Value::is_known).unwrap_or_default();
                last.with(&taint)
            }
            _ => self.eval(body),
        };
        match value.known_text() {
            Some(text) => Value::text(text.trim_end_matches('\n')).with(&value.taint),
            None => value,
        }
    }

    pub(super) fn each(
        &mut self,
        ir: &Rc<super::ir::Ir>,
        target: Id,
        of: &Value,
        body: Id,
    ) -> Value {
        let elements: Option<Vec<Value>> = match &of.known {
            Known::List(values) if values.len() <= MOST_TURNS => Some(values.to_vec()),
            Known::Text(_) if self.language() != Language::Shell => {
                of.known_text().filter(|text| text.len() <= MOST_TURNS).map(|text| {
                    let bytes = self.has(&of.taint, |tag| *tag == Tag::Decoded)
                        && self.language() == Language::Python;
                    match bytes {
                        // Decoded bytes are numbers.
                        true => bytes_of(&text)
                            .into_iter()
                            .map(|b| Value::number(b.into()).with(&of.taint))
                            .collect(),
                        false => text
                            .chars()
                            .map(|c| Value::text(c.to_string()).with(&of.taint))
                            .collect(),
                    }
                })
            }
            _ => None,
        };
        let Some(elements) = elements.filter(|list| !list.is_empty()) else {
            let element = match &of.known {
                Known::Path(path) => Value::path(&format!("{path}[]")).with(&of.taint),
                Known::Handle(Handle::Connection, _) if of.taint.is_empty() => {
                    // Messages that arrive.
                    let origin = self.origin(Tag::Channel);
                    Value::tainted(origin)
                }
                Known::Handle(..) => of.clone(),
                _ => Value::tainted(of.taint.clone()),
            };
            self.assign(ir, target, element);
            let value = self.eval(body);
            return Value::tainted(value.taint);
        };
        // Turns differ in little that matters: when there is no more room for them, two have to do.
        let all = elements.len();
        let mut values = Vec::with_capacity(all);
        for element in elements {
            if values.len() > 1 && self.inline_left == 0 {
                break;
            }
            let before = self.steps_left;
            self.assign(ir, target, element);
            let value = self.eval(body);
            let used = before.saturating_sub(self.steps_left) + 4;
            self.inline_left = self.inline_left.saturating_sub(used);
            // A comprehension in a comprehension gives one list.
            match (ir.node(body), &value.known) {
                (Node::Each { .. }, Known::List(inner)) => values.extend(inner.iter().cloned()),
                _ => values.push(value),
            }
        }
        match values.len() >= all {
            true => Value::list(values).with(&of.taint),
            false => Value::tainted(Value::list(values).taint).with(&of.taint),
        }
    }
}
