//! Evaluation of the intermediate form: what is constant is folded, what is not is followed.

use std::collections::HashMap;
use std::rc::Rc;

use super::analysis::{Analysis, Joined, Scope, State};
use super::call::Call;
use super::fold;
use super::ir::{Direction, Id, Node, Op};
use super::language::Language;
use super::models;
use super::origin::Tag;
use super::rules;
use super::value::{Known, Piece, Taint, Value, bytes_of, concat, either};
use crate::{Confidence, Severity};

/// Calls and nested code deeper than this are not followed.
const DEEPEST_CALL: u32 = 12;
/// Elements of a known list over which a loop is run.
const MOST_TURNS: usize = 4096;

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
    fn output_of(&mut self, ir: &Rc<super::ir::Ir>, body: Id) -> Value {
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

    fn each(&mut self, ir: &Rc<super::ir::Ir>, target: Id, of: &Value, body: Id) -> Value {
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
                Known::Handle(..) => of.clone(),
                _ => Value::tainted(of.taint.clone()),
            };
            self.assign(ir, target, element);
            let value = self.eval(body);
            return Value::tainted(value.taint);
        };
        // A loop whose body is large is run once: its turns differ in nothing that matters.
        let small = elements.len() <= 4 || self.inline_left > elements.len() * 12;
        let turns = if small { elements.len() } else { 1 };
        let mut values = Vec::with_capacity(turns);
        for element in elements.into_iter().take(turns) {
            self.inline_left = self.inline_left.saturating_sub(12);
            self.assign(ir, target, element);
            let value = self.eval(body);
            // A comprehension in a comprehension gives one list.
            match (ir.node(body), &value.known) {
                (Node::Each { .. }, Known::List(inner)) => values.extend(inner.iter().cloned()),
                _ => values.push(value),
            }
        }
        match small {
            true => Value::list(values).with(&of.taint),
            false => Value::tainted(Value::list(values).taint).with(&of.taint),
        }
    }

    /// The variable of a function or of the unit, if it was set.
    pub(crate) fn local(&self, name: &str) -> Option<Value> {
        for scope in self.scopes.iter().rev() {
            if let Some(value) = scope.variables.get(name) {
                return Some(value.clone());
            }
            if scope.closed {
                break;
            }
        }
        self.unit()?.globals.get(name).cloned()
    }

    fn variable(&mut self, name: &str) -> Value {
        if let Some(value) = self.local(name) {
            if let (Language::Ruby, Known::Function(unit, function)) =
                (self.language(), &value.known)
            {
                let method = self
                    .units
                    .get(*unit)
                    .and_then(|unit| unit.ir.functions.get(*function as usize))
                    .is_some_and(|function| !function.name.is_empty());
                if method {
                    // A name alone calls.
                    return self.follow(*unit, *function, Vec::new(), &[]);
                }
            }
            return value;
        }
        if let Some(function) = self.function_named(name) {
            if self.language() == Language::Ruby {
                // A name alone calls.
                return self.follow(self.here.0, function, Vec::new(), &[]);
            }
            return Known::Function(self.here.0, function).into();
        }
        match self.language() {
            Language::Shell => self.shell_variable(name),
            Language::PowerShell => self.powershell_variable(name),
            _ => self.attribute(name).unwrap_or_else(|| Value::path(name)),
        }
    }

    pub(crate) fn function_named(&self, name: &str) -> Option<u32> {
        let functions = &self.unit()?.ir.functions;
        let folded = self.language() == Language::PowerShell;
        let at = functions.iter().position(|f| {
            !f.name.is_empty() && (f.name == name || folded && f.name.eq_ignore_ascii_case(name))
        })?;
        u32::try_from(at).ok()
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.variables.insert(name.to_owned(), value);
        }
    }

    /// What grows in a function that is called back is a variable of the one around it.
    fn set_outer(&mut self, name: &str, value: Value) {
        for scope in self.scopes.iter_mut().rev() {
            if scope.variables.contains_key(name) {
                scope.variables.insert(name.to_owned(), value);
                return;
            }
            if scope.closed {
                break;
            }
        }
        match self.units.get_mut(self.here.0).and_then(|unit| unit.globals.get_mut(name)) {
            Some(global) => *global = value,
            None => self.set(name, value),
        }
    }

    fn member(&mut self, of: &Value, name: &str, computed: bool) -> Value {
        if let Some(value) = of.entry(name) {
            return value.clone();
        }
        match &of.known {
            Known::Path(path) => {
                let module = path.strip_prefix('@').and_then(|unit| unit.parse::<usize>().ok());
                if let Some(value) = module.and_then(|unit| self.of_module(unit, name)) {
                    return value;
                }
                if path.len() > 200 {
                    return Value::tainted(of.taint.clone());
                }
                let path = models::canonical(self.language(), &format!("{path}.{name}"));
                if computed {
                    self.computed_name(&path, &of.taint);
                }
                let taint = self.keyed(&of.taint, name);
                match self.attribute(&path) {
                    Some(value) => value.with(&taint),
                    None => Value::path(&path).with(&taint),
                }
            }
            _ => {
                let taint = self.keyed(&of.taint, name);
                Value { known: Known::Path(format!(".{name}").into()), taint }
            }
        }
    }

    fn of_module(&mut self, unit: usize, name: &str) -> Option<Value> {
        self.run(unit);
        let of = self.units.get(unit)?;
        if let Some(value) = of.globals.get(name) {
            return Some(value.clone());
        }
        let at = of.ir.functions.iter().position(|f| f.name == name)?;
        Some(Known::Function(unit, u32::try_from(at).ok()?).into())
    }

    /// What one entry, taken by name, still is of a whole.
    fn keyed(&mut self, taint: &Taint, name: &str) -> Taint {
        let whole = |tag: &Tag| matches!(tag, Tag::Secret(_, false) | Tag::Environment);
        if !self.has(taint, whole) {
            return taint.clone();
        }
        // Methods are no entries.
        let method = models::is_method(name);
        if method {
            return taint.clone();
        }
        let mut out = Taint::default();
        let origins: Vec<(u32, Tag)> = taint
            .origins()
            .iter()
            .filter_map(|at| Some((*at, self.origins.get(*at as usize)?.tag.clone())))
            .collect();
        for (at, tag) in origins {
            out.join(&match tag {
                Tag::Secret(crate::Secret::EnvFile, false) | Tag::Environment => {
                    self.origin(Tag::Variable(name.to_owned()))
                }
                Tag::Secret(secret, false) => self.origin(Tag::Secret(secret, true)),
                _ => Taint::one(at),
            });
        }
        out
    }

    pub(crate) fn index(&mut self, of: &Value, index: &Value, computed: bool) -> Value {
        match (&of.known, &index.known) {
            (Known::List(values), Known::Number(at)) => {
                let at = match at {
                    at if *at < 0 => {
                        usize::try_from(-at).ok().and_then(|b| values.len().checked_sub(b))
                    }
                    at => usize::try_from(*at).ok(),
                };
                match at.and_then(|at| values.get(at)) {
                    Some(value) => value.clone(),
                    None => Value::tainted(of.taint.clone()),
                }
            }
            (Known::Text(_), Known::Number(at)) => {
                let found = of.known_text().and_then(|text| {
                    let at = match at {
                        at if *at < 0 => {
                            text.chars().count().checked_sub(usize::try_from(-at).ok()?)?
                        }
                        at => usize::try_from(*at).ok()?,
                    };
                    text.chars().nth(at)
                });
                match found {
                    Some(c)
                        if self.has(&of.taint, |tag| *tag == Tag::Decoded)
                            && self.language() == Language::Python =>
                    {
                        Value::number(u32::from(c).into()).with(&of.taint)
                    }
                    Some(c) => Value::text(c.to_string()).with(&of.taint),
                    None => Value::tainted(of.taint.clone()),
                }
            }
            (_, Known::List(indices)) if indices.len() <= MOST_TURNS => {
                // PowerShell: `$text[1,5,3]`.
                let values = indices.iter().map(|at| self.index(of, at, false)).collect();
                Value::list(values).with(&index.taint)
            }
            (_, Known::Text(_)) => match index.known_text() {
                Some(name) => self.member(of, &name, computed).with(&index.taint),
                None => Value::tainted(of.taint.clone()).with(&index.taint),
            },
            _ => Value::tainted(of.taint.clone()).with(&index.taint),
        }
    }

    pub(crate) fn slice(
        &mut self,
        of: &Value,
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
    ) -> Value {
        let cut = |length: usize| -> (usize, usize) {
            let resolve = |end: i64| match end {
                end if end < 0 => length.saturating_sub(usize::try_from(-end).unwrap_or(length)),
                end => usize::try_from(end).unwrap_or(length).min(length),
            };
            let start = from.map_or(0, resolve);
            let end = to.map_or(length, resolve).max(start);
            (start, end)
        };
        let step = step.unwrap_or(1);
        let jump = usize::try_from(step.unsigned_abs()).unwrap_or(1).max(1);
        match &of.known {
            Known::Text(_) => {
                let Some(text) = of.known_text() else { return of.clone() };
                if !self.pay(text.len()) {
                    return Value::tainted(of.taint.clone());
                }
                let chars: Vec<char> = text.chars().collect();
                let (start, end) = cut(chars.len());
                let mut chars: Vec<char> = chars.get(start..end).unwrap_or_default().to_vec();
                if step < 0 {
                    chars.reverse();
                }
                let text: String = chars.into_iter().step_by(jump).collect();
                let taint = match step < 0 || jump > 1 {
                    true => self.origin(Tag::Decoded),
                    false => Taint::default(),
                };
                Value::text(text).with(&of.taint).with(&taint)
            }
            Known::List(values) => {
                let (start, end) = cut(values.len());
                let mut values: Vec<Value> = values.get(start..end).unwrap_or_default().to_vec();
                if step < 0 {
                    values.reverse();
                }
                Value::list(values.into_iter().step_by(jump).collect()).with(&of.taint)
            }
            _ => of.clone(),
        }
    }

    /// Takes bytes from what folding may make.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        let enough = self.fold_left > bytes && bytes <= fold::LARGEST;
        if enough {
            self.fold_left -= bytes;
        }
        enough
    }

    pub(crate) fn concat(&mut self, parts: &[Value]) -> Value {
        let size: usize = parts
            .iter()
            .flat_map(|part| match &part.known {
                Known::Text(pieces) => pieces.to_vec(),
                _ => Vec::new(),
            })
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Hole => 1,
            })
            .sum();
        match self.pay(size) {
            true => concat(parts),
            false => Value::tainted(Value::list(parts.to_vec()).taint),
        }
    }

    pub(crate) fn sum(&mut self, parts: Vec<Value>) -> Value {
        let numbers: Option<Vec<i64>> = parts
            .iter()
            .map(|part| match part.known {
                Known::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let taint = Value::list(parts.clone()).taint;
        if let Some(numbers) = numbers {
            let sum = numbers.iter().fold(0i64, |sum, number| sum.wrapping_add(*number));
            return Value::number(sum).with(&taint);
        }
        if parts.iter().any(|part| matches!(part.known, Known::List(_))) {
            let all: Vec<Value> = parts
                .iter()
                .flat_map(|part| match &part.known {
                    Known::List(values) => values.to_vec(),
                    _ => vec![part.clone()],
                })
                .collect();
            return match self.pay(all.len()) {
                true => Value::list(all),
                false => Value::tainted(taint),
            };
        }
        match parts.iter().any(|part| matches!(part.known, Known::Text(_))) {
            true => self.concat(&parts),
            false => Value::tainted(taint),
        }
    }

    fn binary(&mut self, op: Op, left: &Value, right: &Value) -> Value {
        let taint = left.clone().with(&right.taint).taint;
        match (op, &left.known, &right.known) {
            (Op::Compare, ..) => Value::tainted(taint),
            (Op::Remainder | Op::Format, Known::Text(_), _) => self.format(left, right),
            (Op::Divide, Known::Text(_), _) | (Op::Divide, _, Known::Text(_)) => {
                // A path, in Python.
                let separator = Value::text("/");
                self.concat(&[left.clone(), separator, right.clone()])
            }
            (Op::Multiply, Known::Text(_), Known::Number(times)) => {
                let text = left.known_text().unwrap_or_default();
                let times = usize::try_from(*times).unwrap_or(0);
                match text.len().checked_mul(times).is_some_and(|size| self.pay(size)) {
                    true => Value::text(text.repeat(times)).with(&taint),
                    false => Value::tainted(taint),
                }
            }
            (_, Known::Number(left), Known::Number(right)) => {
                let (left, right) = (*left, *right);
                let shift = u32::try_from(right).unwrap_or(64);
                let number = match op {
                    Op::Subtract => left.checked_sub(right),
                    Op::Multiply => left.checked_mul(right),
                    Op::Divide => left.checked_div(right),
                    Op::Remainder => left.checked_rem(right),
                    Op::Xor => Some(left ^ right),
                    Op::And => Some(left & right),
                    Op::Or => Some(left | right),
                    Op::ShiftLeft => left.checked_shl(shift),
                    Op::ShiftRight => left.checked_shr(shift),
                    Op::Format | Op::Compare => None,
                };
                let mut value = number.map_or_else(Value::default, Value::number).with(&taint);
                if op == Op::Xor {
                    let decoded = self.origin(Tag::Decoded);
                    value.taint.join(&decoded);
                }
                value
            }
            _ => Value::tainted(taint),
        }
    }

    /// `"%s…" % values` and its like.
    pub(crate) fn format(&mut self, format: &Value, values: &Value) -> Value {
        let Some(text) = format.known_text() else {
            return Value::tainted(format.clone().with(&values.taint).taint);
        };
        let mut given = match &values.known {
            Known::List(list) => list.to_vec(),
            _ => vec![values.clone()],
        }
        .into_iter();
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('%') {
            let (before, after) = rest.split_at(at);
            parts.push(Value::text(before));
            let end = after
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_alphabetic() || *c == '%')
                .map_or(after.len(), |(at, c)| at + c.len_utf8());
            let spec = after.get(..end).unwrap_or_default();
            match spec.ends_with('%') {
                true => parts.push(Value::text("%")),
                false => {
                    let value = given.next().unwrap_or_default();
                    parts.push(match (spec.ends_with('c'), &value.known) {
                        (true, Known::Number(code)) => {
                            let decoded = self.origin(Tag::Decoded);
                            let c = u32::try_from(*code).ok().and_then(char::from_u32);
                            Value::text(c.map(String::from).unwrap_or_default()).with(&decoded)
                        }
                        _ => value,
                    });
                }
            }
            rest = after.get(end..).unwrap_or_default();
        }
        parts.push(Value::text(rest));
        let value = self.concat(&parts);
        value.with(&values.taint)
    }

    /// `"{0}{1}".format(a, b)`.
    pub(crate) fn format_braces(
        &mut self,
        format: &Value,
        args: &[(Option<String>, Value)],
    ) -> Value {
        let mut taint = format.taint.clone();
        for (_, value) in args {
            taint.join(&value.taint);
        }
        let Some(text) = format.known_text() else { return Value::tainted(taint) };
        let positional: Vec<&Value> =
            args.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value).collect();
        let mut next = 0;
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Value::text(before));
            if let Some(after) = after.strip_prefix('{') {
                parts.push(Value::text("{"));
                rest = after;
                continue;
            }
            let (inside, tail) = after.split_once('}').unwrap_or((after, ""));
            let key = inside.split([':', '!', '.', '[']).next().unwrap_or_default();
            let value = match key.parse::<usize>() {
                Ok(at) => positional.get(at).map(|value| (*value).clone()),
                Err(_) if key.is_empty() => {
                    next += 1;
                    positional.get(next - 1).map(|value| (*value).clone())
                }
                Err(_) => args
                    .iter()
                    .find(|(name, _)| name.as_deref() == Some(key))
                    .map(|(_, value)| value.clone()),
            };
            parts.push(value.unwrap_or_default());
            rest = tail;
        }
        parts.push(Value::text(rest.replace("}}", "}")));
        let value = self.concat(&parts);
        value.with(&taint)
    }

    fn assign(&mut self, ir: &Rc<super::ir::Ir>, target: Id, value: Value) {
        match ir.node(target) {
            Node::Name(name) => {
                self.assigned(name, &value);
                self.set(name, value);
            }
            Node::List(targets) => {
                let values = value.elements().map(<[Value]>::to_vec);
                for (at, target) in targets.iter().enumerate() {
                    let element = values
                        .as_ref()
                        .and_then(|values| values.get(at).cloned())
                        .unwrap_or_else(|| match at == 0 && self.language() == Language::Go {
                            // `data, err := f()`.
                            true => value.clone(),
                            false => Value::tainted(value.taint.clone()),
                        });
                    self.assign(ir, *target, element);
                }
            }
            Node::Member(of, name) => {
                let path = self.eval(*of);
                if let Some(path) = path.as_path() {
                    let path = models::canonical(self.language(), &format!("{path}.{name}"));
                    self.assigned(&path, &value);
                }
                // `cmd.Stdin = conn`.
                if matches!(name.as_str(), "Stdin" | "Stdout" | "Stderr")
                    && self.is_connection(&value)
                {
                    self.joined.duplicated += 1;
                    self.shell_joined();
                }
                if let Node::Name(object) = ir.node(*of) {
                    self.grow(object, &value.taint);
                    self.set(&format!("{object}.{name}"), value.clone());
                    // What an object holds, its methods see in other functions too.
                    if let Some(unit) = self.units.get_mut(self.here.0) {
                        unit.globals.insert(format!("{object}.{name}"), value);
                    }
                }
            }
            Node::Index(of, index) => {
                let path = self.eval(*of);
                let index = self.eval(*index);
                if let (Some(path), Some(name)) = (path.as_path(), index.known_text()) {
                    let path = models::canonical(self.language(), &format!("{path}.{name}"));
                    self.assigned(&path, &value);
                }
                if let Node::Name(object) = ir.node(*of) {
                    let object = object.clone();
                    self.grow(&object, &value.taint);
                    self.put(&object, &index, value);
                }
            }
            // `[int]$x = …`
            Node::Call { args, .. } if self.language() == Language::PowerShell => {
                if let Some(arg) = args.first() {
                    self.assign(ir, arg.value, value);
                }
            }
            Node::Mix(parts) | Node::Either(parts) => {
                for part in parts {
                    self.assign(ir, *part, value.clone());
                }
            }
            _ => {}
        }
    }

    /// A variable gets something more: `data.append(x)`, `data[k] = x`.
    pub(crate) fn grow(&mut self, name: &str, taint: &Taint) {
        if taint.is_empty() {
            return;
        }
        if let Some(mut value) = self.local(name) {
            value.taint.join(taint);
            self.set(name, value);
        }
    }

    fn put(&mut self, name: &str, index: &Value, value: Value) {
        let Some(old) = self.local(name) else { return };
        let Known::Map(entries) = &old.known else { return };
        if entries.len() > 256 {
            return;
        }
        let mut entries = entries.to_vec();
        entries.push((index.clone(), value));
        self.set(name, Value { known: Known::Map(entries.into()), taint: old.taint });
    }

    fn callee(&mut self, ir: &Rc<super::ir::Ir>, callee: Id, call: &mut Call) -> Value {
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

    fn call(&mut self, target: &Value, call: &Call) -> Value {
        let object = call.path.clone();
        match &target.known {
            Known::Function(unit, function) => {
                let values = call.args.iter().map(|(_, value)| value.clone()).collect();
                let names: Vec<Option<String>> =
                    call.args.iter().map(|(name, _)| name.clone()).collect();
                self.follow(*unit, *function, values, &names)
            }
            Known::Path(path) => {
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

    fn append(&mut self, object: &str, call: &Call) {
        let Some(old) = self.local(object) else { return };
        if let (Known::List(values), 1) = (&old.known, call.args.len())
            && self.pay(values.len())
        {
            let mut values = values.to_vec();
            values.push(call.at(0));
            self.set(object, Value::list(values).with(&old.taint));
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

    fn import(&mut self, module: &str, names: &[(String, String)], alias: &str) {
        let local = self.module_of(module);
        let base = match local {
            Some(unit) => format!("@{unit}"),
            None => models::canonical(self.language(), module),
        };
        if !alias.is_empty() {
            self.set(alias, Value::path(&base));
        }
        for (name, here) in names {
            if name == "*" {
                let Some(unit) = local else { continue };
                self.run(unit);
                let globals = self.units.get(unit).map(|unit| unit.globals.clone());
                for (name, value) in globals.into_iter().flatten() {
                    self.set(&name, value);
                }
                continue;
            }
            let whole = Value::path(&base);
            let inner = self.module_of(&format!("{}.{name}", module.trim_end_matches('.')));
            let value = match (local, inner) {
                (None, Some(unit)) => Value::path(&format!("@{unit}")),
                _ => self.member(&whole, name, false),
            };
            self.set(here, value);
        }
    }

    /// A name that is computed, of something that matters.
    pub(crate) fn computed_name(&mut self, path: &str, from: &Taint) {
        if models::is_sensitive(path) {
            self.report(
                &rules::COMPUTED_NAME,
                Severity::High,
                Confidence::High,
                format!(
                    "`{}` is called by a name that is put together from pieces.",
                    super::excerpt::safe(path)
                ),
                from,
            );
        }
    }
}
