//! What assignments put where.

use std::rc::Rc;

use super::analysis::Analysis;
use super::call::Call;
use super::ir::{Id, Node};
use super::language::Language;
use super::models;
use super::value::{Known, Taint, Value};

impl Analysis {
    pub(super) fn assign(&mut self, ir: &Rc<super::ir::Ir>, target: Id, value: Value) {
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
            self.set_outer(name, value);
        }
        // What a function puts into a variable of the unit, other functions may have read before.
        if self.scopes.len() > 1
            && let Some(unit) = self.units.get_mut(self.here.0)
            && unit.sticky.len() < 256
        {
            let sticky = unit.sticky.entry(name.to_owned()).or_default();
            let before = sticky.clone();
            sticky.join(taint);
            self.changed |= *sticky != before;
        }
    }

    pub(super) fn put(&mut self, name: &str, index: &Value, value: Value) {
        let Some(old) = self.local(name) else { return };
        let Known::Map(entries) = &old.known else { return };
        if entries.len() > 256 {
            return;
        }
        let mut entries = entries.to_vec();
        entries.push((index.clone(), value));
        self.set(name, Value { known: Known::Map(entries.into()), taint: old.taint });
    }

    pub(super) fn append(&mut self, object: &str, call: &Call) {
        let Some(old) = self.local(object) else { return };
        if let (Known::List(values), 1) = (&old.known, call.args.len())
            && self.pay(values.len())
        {
            let mut values = values.to_vec();
            values.push(call.at(0));
            self.set(object, Value::list(values).with(&old.taint));
        }
    }
}
