//! What a name stands for: variables of scopes, members of values, modules that are imported.

use super::analysis::Analysis;
use super::language::Language;
use super::models;
use super::origin::Tag;
use super::rules;
use super::value::{Known, Taint, Value};
use crate::{Confidence, Severity};

impl Analysis {
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

    pub(super) fn variable(&mut self, name: &str) -> Value {
        let value = self.plain_variable(name);
        match self.unit().and_then(|unit| unit.sticky.get(name)) {
            Some(sticky) => {
                let sticky = sticky.clone();
                value.with(&sticky)
            }
            None => value,
        }
    }

    pub(super) fn plain_variable(&mut self, name: &str) -> Value {
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
        if name == super::lower::INDIRECT || name == super::lower::STREAM {
            return Value::path(name);
        }
        match self.language() {
            Language::Shell => self.shell_variable(name),
            Language::PowerShell => self.powershell_variable(name),
            _ => self.attribute(name).unwrap_or_else(|| Value::path(name)),
        }
    }

    pub(crate) fn function_named(&self, name: &str) -> Option<u32> {
        let unit = self.unit()?;
        match unit.language {
            Language::PowerShell => unit.ir.function_named(&name.to_ascii_lowercase()),
            _ => unit.ir.function_named(name),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.variables.insert(name.to_owned(), value);
        }
    }

    /// What grows in a function that is called back is a variable of the one around it.
    pub(super) fn set_outer(&mut self, name: &str, value: Value) {
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

    pub(super) fn member(&mut self, of: &Value, name: &str, computed: bool) -> Value {
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

    pub(super) fn of_module(&mut self, unit: usize, name: &str) -> Option<Value> {
        self.run(unit);
        let of = self.units.get(unit)?;
        if let Some(value) = of.globals.get(name) {
            return Some(value.clone());
        }
        Some(Known::Function(unit, of.ir.function_named(name)?).into())
    }

    /// What one entry, taken by name, still is of a whole.
    pub(super) fn keyed(&mut self, taint: &Taint, name: &str) -> Taint {
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

    pub(super) fn import(&mut self, module: &str, names: &[(String, String)], alias: &str) {
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

    /// Does a name stand in the program as one text, though elsewhere?
    pub(super) fn is_written(&self, name: &str) -> bool {
        let Some(source) = self.unit().map(|unit| unit.source.as_bytes()) else { return false };
        // The programs of people are short; a longer one is taken at its first part.
        let source = source.get(..64 << 10).unwrap_or(source);
        ['"', '\'', '`'].iter().any(|mark| {
            memchr::memmem::find(source, format!("{mark}{name}{mark}").as_bytes()).is_some()
        })
    }

    /// A name that is computed, of something that matters.
    pub(crate) fn computed_name(&mut self, path: &str, from: &Taint) {
        let last = path.rsplit('.').next().unwrap_or(path);
        if models::is_sensitive(path) && !self.is_written(path) && !self.is_written(last) {
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
