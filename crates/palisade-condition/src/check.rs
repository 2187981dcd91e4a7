//! Names and kinds of an expression, before there is anything to evaluate.

use std::collections::BTreeSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};

use crate::{
    Stage,
    facts::{kind_of, names},
    kind::Kind,
    moment::MOST_MINUTES,
};

/// Levels of an expression, after macros are expanded.
const DEEPEST: usize = 48;
/// Parts of an expression.
const MOST_PARTS: usize = 600;

/// What a check leaves.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The variables that it names.
    pub(crate) variables: BTreeSet<String>,
    /// Whether it asks how much was permitted before.
    pub(crate) counts: bool,
}

/// Checks an expression, which has to be a truth value.
pub(crate) fn check(expression: &IdedExpr, stage: Stage) -> Result<Checked, String> {
    let mut checker =
        Checker { stage, found: Checked::default(), bound: Vec::new(), left: MOST_PARTS, loops: 0 };
    let kind = checker.kind(expression, 0)?;
    if kind.agrees(&Kind::Bool) {
        Ok(checker.found)
    } else {
        Err(format!("it is {}, and must be true or false", kind.name()))
    }
}

struct Checker {
    stage: Stage,
    found: Checked,
    /// Variables of macros, the innermost last.
    bound: Vec<(String, Kind)>,
    left: usize,
    loops: usize,
}

impl Checker {
    fn kind(&mut self, expression: &IdedExpr, depth: usize) -> Result<Kind, String> {
        self.left = self.left.checked_sub(1).ok_or("it has too many parts")?;
        if depth > DEEPEST {
            return Err("it is nested too deep".into());
        }
        let depth = depth + 1;
        match &expression.expr {
            Expr::Literal(literal) => literal_kind(literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.member(select, depth),
            Expr::Call(call) => self.call(call, depth),
            Expr::List(list) => {
                let mut of = Kind::Any;
                for element in &list.elements {
                    let kind = self.kind(element, depth)?;
                    if !kind.agrees(&of) {
                        return Err(format!("a list has {} and {}", of.name(), kind.name()));
                    }
                    if of == Kind::Any {
                        of = kind;
                    }
                }
                Ok(Kind::List(Box::new(of)))
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return Err(UNKNOWN.into());
                    };
                    self.want(&entry.key, depth, &Kind::String)?;
                    self.kind(&entry.value, depth)?;
                }
                Ok(Kind::Map(Box::new(Kind::Any)))
            }
            Expr::Comprehension(comprehension) => self.over(comprehension, depth),
            Expr::Struct(_) | Expr::Unspecified => Err(UNKNOWN.into()),
        }
    }

    fn variable(&mut self, name: &str) -> Result<Kind, String> {
        if let Some((_, kind)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(kind.clone());
        }
        let Some(kind) = kind_of(name, self.stage) else {
            return Err(format!(
                "it names `{}`, and here there is only {}",
                palisade_core::shown(name, 40),
                names(self.stage).join(", ")
            ));
        };
        self.found.variables.insert(name.to_owned());
        Ok(kind)
    }

    fn member(&mut self, select: &SelectExpr, depth: usize) -> Result<Kind, String> {
        let of = self.kind(&select.operand, depth)?;
        let field = palisade_core::shown(&select.field, 40);
        let kind = match of {
            Kind::Record(members) => members
                .iter()
                .find(|(name, _)| *name == select.field)
                .map(|(_, kind)| kind.clone())
                .ok_or_else(|| {
                    let all: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
                    format!("there is no `{field}`, only {}", all.join(", "))
                })?,
            Kind::Map(of) => *of,
            Kind::Any => Kind::Any,
            other => return Err(format!("`.{field}` is asked of {}", other.name())),
        };
        Ok(if select.test { Kind::Bool } else { kind })
    }

    fn want(&mut self, expression: &IdedExpr, depth: usize, want: &Kind) -> Result<(), String> {
        let kind = self.kind(expression, depth)?;
        if kind.agrees(want) {
            return Ok(());
        }
        Err(format!("{} stands where {} must be", kind.name(), want.name()))
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<Kind, String> {
        let arguments: Vec<&IdedExpr> =
            call.target.as_deref().into_iter().chain(&call.args).collect();
        match (call.func_name.as_str(), arguments.as_slice()) {
            (operators::CONDITIONAL, [asked, one, other]) => {
                self.want(asked, depth, &Kind::Bool)?;
                self.alike("? :", one, other, depth)
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, sides) => {
                for side in sides {
                    self.want(side, depth, &Kind::Bool)?;
                }
                Ok(Kind::Bool)
            }
            (operators::LOGICAL_NOT | "@not_strictly_false", [side]) => {
                self.want(side, depth, &Kind::Bool)?;
                Ok(Kind::Bool)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => {
                self.alike("==", one, other, depth)?;
                known_word(one, other)?;
                known_word(other, one)?;
                Ok(Kind::Bool)
            }
            (
                operators::GREATER
                | operators::GREATER_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS,
                [one, other],
            ) => {
                let kind = self.alike("<", one, other, depth)?;
                match kind {
                    Kind::Int | Kind::Double | Kind::String | Kind::Any => Ok(Kind::Bool),
                    other => Err(format!("{} has no order", other.name())),
                }
            }
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [one, other],
            ) => match self.alike(call.func_name.trim_matches('_'), one, other, depth)? {
                // Text and lists would grow with what the agent sends.
                kind @ (Kind::Int | Kind::Double) => Ok(kind),
                other if self.loops > 0 && matches!(other, Kind::List(_)) => Ok(other),
                other => Err(format!("{} cannot be reckoned with", other.name())),
            },
            (operators::NEGATE, [one]) => {
                let kind = self.kind(one, depth)?;
                match kind {
                    Kind::Int | Kind::Double => Ok(kind),
                    other => Err(format!("{} cannot be reckoned with", other.name())),
                }
            }
            (operators::INDEX, [of, at]) => match self.kind(of, depth)? {
                Kind::List(of) => {
                    self.want(at, depth, &Kind::Int)?;
                    Ok(*of)
                }
                Kind::Map(of) => {
                    self.want(at, depth, &Kind::String)?;
                    Ok(*of)
                }
                Kind::Any => {
                    self.kind(at, depth)?;
                    Ok(Kind::Any)
                }
                other => Err(format!("{} has no entries", other.name())),
            },
            (operators::IN, [one, of]) => {
                known_word(one, of)?;
                if is_taint(of) {
                    words_of(&TAINTS, one)?;
                }
                let one = self.kind(one, depth)?;
                match self.kind(of, depth)? {
                    Kind::List(of) if of.agrees(&one) => Ok(Kind::Bool),
                    Kind::Map(_) if one.agrees(&Kind::String) => Ok(Kind::Bool),
                    Kind::Any => Ok(Kind::Bool),
                    other => Err(format!("{} is never in {}", one.name(), other.name())),
                }
            }
            ("size", [of]) => match self.kind(of, depth)? {
                Kind::String | Kind::List(_) | Kind::Map(_) | Kind::Any => Ok(Kind::Int),
                other => Err(format!("{} has no size", other.name())),
            },
            ("contains" | "startsWith" | "endsWith", [of, part]) => {
                self.want(of, depth, &Kind::String)?;
                self.want(part, depth, &Kind::String)?;
                Ok(Kind::Bool)
            }
            ("count", [kind, minutes]) => {
                self.counted(kind, minutes)?;
                self.found.counts = true;
                Ok(Kind::Int)
            }
            (name, _) => Err(format!(
                "there is no `{}` with {} arguments; there are size, contains, startsWith, endsWith, \
                 count, has, all, exists, exists_one, filter and map",
                palisade_core::shown(name, 40),
                arguments.len()
            )),
        }
    }

    /// `count("request", 10)`: both are constants, so that it is known when the policy is read what is asked.
    fn counted(&self, kind: &IdedExpr, minutes: &IdedExpr) -> Result<(), String> {
        const KINDS: [&str; 4] = ["connect", "request", "tool_call", "exec"];
        match (&kind.expr, &minutes.expr) {
            (
                Expr::Literal(LiteralValue::String(kind)),
                Expr::Literal(LiteralValue::Int(minutes)),
            ) => {
                if !KINDS.contains(&kind.inner()) {
                    return Err(format!("`count` knows the kinds {}", KINDS.join(", ")));
                }
                let minutes = u64::try_from(*minutes.inner()).unwrap_or(0);
                if !(1..=MOST_MINUTES).contains(&minutes) {
                    return Err(format!("`count` goes back 1 to {MOST_MINUTES} minutes"));
                }
                Ok(())
            }
            _ => {
                Err("`count` takes a kind and a number of minutes, as in `count(\"request\", 10)`"
                    .into())
            }
        }
    }

    fn alike(
        &mut self,
        what: &str,
        one: &IdedExpr,
        other: &IdedExpr,
        depth: usize,
    ) -> Result<Kind, String> {
        let (one, other) = (self.kind(one, depth)?, self.kind(other, depth)?);
        // `null` is what JSON may have for anything.
        let null = one == Kind::Null || other == Kind::Null;
        if one.agrees(&other) || (null && what == "==") {
            return Ok(if one == Kind::Any { other } else { one });
        }
        Err(format!("`{what}` is between {} and {}", one.name(), other.name()))
    }

    /// `all`, `exists` and their like. One in another would cost the product of two lists that the agent makes.
    fn over(&mut self, over: &ComprehensionExpr, depth: usize) -> Result<Kind, String> {
        if over.iter_var2.is_some() {
            return Err("a macro has one variable".into());
        }
        let element = match self.kind(&over.iter_range, depth)? {
            Kind::List(of) => *of,
            Kind::Map(_) => Kind::String,
            Kind::Any => Kind::Any,
            other => return Err(format!("{} has no entries to go through", other.name())),
        };
        if self.loops > 0 {
            return Err("a macro stands in another one".into());
        }
        self.loops += 1;
        let start = self.kind(&over.accu_init, depth)?;
        self.bound.push((over.accu_var.clone(), start.clone()));
        self.bound.push((over.iter_var.clone(), element));
        self.want(&over.loop_cond, depth, &Kind::Bool)?;
        let step = self.kind(&over.loop_step, depth)?;
        let result = self.kind(&over.result, depth)?;
        self.bound.truncate(self.bound.len().saturating_sub(2));
        self.loops -= 1;
        if !step.agrees(&start) {
            return Err("a macro is not used as it should be".into());
        }
        Ok(if let Kind::List(_) = result { step } else { result })
    }
}

const KINDS: [&str; 5] = ["resolve", "connect", "request", "tool_call", "exec"];
const MODES: [&str; 5] = ["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const TAINTS: [&str; 5] = ["injection", "web", "mcp", "unknown_hosts", "hosts"];

/// What has few values is compared with one of them: anything else would never be so, and a rule that refuses would
/// never count.
fn known_word(asked: &IdedExpr, with: &IdedExpr) -> Result<(), String> {
    match &asked.expr {
        Expr::Ident(name) if name == "kind" => words_of(&KINDS, with),
        Expr::Ident(name) if name == "mode" => words_of(&MODES, with),
        Expr::Select(select)
            if select.field == "weekday"
                && matches!(&select.operand.expr, Expr::Ident(name) if name == "now") =>
        {
            words_of(&WEEKDAYS, with)
        }
        _ => Ok(()),
    }
}

fn is_taint(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == "taint")
}

/// Whether this text, or each of this list, is one of these.
fn words_of(known: &[&str], expression: &IdedExpr) -> Result<(), String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(word)) if !known.contains(&word.inner()) => {
            let word = palisade_core::shown(word.inner(), 40);
            Err(format!("there is no `{word}` here, only {}", known.join(", ")))
        }
        Expr::List(list) => list.elements.iter().try_for_each(|word| words_of(known, word)),
        _ => Ok(()),
    }
}

const UNKNOWN: &str = "it has a form that conditions do not have";

fn literal_kind(literal: &LiteralValue) -> Result<Kind, String> {
    Ok(match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::Int(_) => Kind::Int,
        LiteralValue::Double(_) => Kind::Double,
        LiteralValue::String(_) => Kind::String,
        LiteralValue::Null => Kind::Null,
        LiteralValue::UInt(_) => return Err("write numbers without `u`".into()),
        LiteralValue::Bytes(_) => return Err("write text without `b`".into()),
    })
}
