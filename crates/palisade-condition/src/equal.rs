//! `==`, `!=` and `in` of values whose kind is known only when they are there.
//!
//! In CEL `"true" == true` is false. Of what an agent gives a tool that would be the agent's choice: a rule that refuses
//! where `input.n == true` would not count for `"true"`, which many tools take for the same. So such a comparison fails,
//! as `<` does.

use std::mem::discriminant;

use cel::{
    Context, ExecutionError, Value,
    common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators},
    objects::Key,
};

/// The functions that stand in place of the operators. Nobody can write these names.
const EQUAL: &str = "@equal";
const DIFFERENT: &str = "@different";
const WITHIN: &str = "@within";

/// Puts them in place. The expression is one that was checked, and so is not deep.
pub(crate) fn strict(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            let null = |side: &IdedExpr| matches!(side.expr, Expr::Literal(LiteralValue::Null));
            // Whether something is `null` can be asked of anything.
            let about_null = call.args.iter().any(null);
            let name = match call.func_name.as_str() {
                operators::EQUALS if !about_null => Some(EQUAL),
                operators::NOT_EQUALS if !about_null => Some(DIFFERENT),
                operators::IN => Some(WITHIN),
                _ => None,
            };
            if let Some(name) = name {
                call.func_name = name.to_owned();
            }
            call.target.iter_mut().for_each(|target| strict(target));
            call.args.iter_mut().for_each(strict);
        }
        Expr::Comprehension(over) => {
            for part in [
                &mut over.iter_range,
                &mut over.accu_init,
                &mut over.loop_cond,
                &mut over.loop_step,
                &mut over.result,
            ] {
                strict(part);
            }
        }
        Expr::List(list) => list.elements.iter_mut().for_each(strict),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    strict(&mut entry.key);
                    strict(&mut entry.value);
                }
            }
        }
        Expr::Select(select) => strict(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

/// Gives an evaluation the functions.
///
/// # Errors
/// They cannot be had: then nothing can be told.
pub(crate) fn add_to(context: &mut Context<'_, '_>) -> Result<(), ()> {
    let equal = |one: Value, other: Value| same(&one, &other);
    let different = |one: Value, other: Value| same(&one, &other).map(|same| !same);
    let within = |one: Value, of: Value| within(&one, &of);
    context.add_function(EQUAL, equal).map_err(drop)?;
    context.add_function(DIFFERENT, different).map_err(drop)?;
    context.add_function(WITHIN, within).map_err(drop)
}

fn same(one: &Value, other: &Value) -> Result<bool, ExecutionError> {
    if alike(one, other) { Ok(one == other) } else { Err(unlike(one, other)) }
}

fn within(one: &Value, of: &Value) -> Result<bool, ExecutionError> {
    match (of, one) {
        (Value::List(list), _) => match list.iter().find(|entry| !alike(entry, one)) {
            _ if list.contains(one) => Ok(true),
            Some(entry) => Err(unlike(one, entry)),
            None => Ok(false),
        },
        (Value::Map(map), Value::String(name)) => {
            Ok(map.map.contains_key(&Key::String(name.clone())))
        }
        _ => Err(unlike(one, of)),
    }
}

/// Whether the two are of one kind. Numbers are of one, whole or not.
fn alike(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::UInt(_) | Value::Float(_));
    (number(one) && number(other)) || discriminant(one) == discriminant(other)
}

fn unlike(one: &Value, other: &Value) -> ExecutionError {
    ExecutionError::ValuesNotComparable(one.clone(), other.clone())
}
