use palisade_core::TextPattern;

use super::{Check, inference::is_model, shown};
use crate::{
    at::{At, Given},
    document::{InferenceLimits, PriceEntry},
    policy::{ModelLimits, ModelPrice},
};

/// The most that a limit in dollars or a price can be.
const MOST_DOLLARS: f64 = 1e6;

pub(super) fn check(check: &mut Check<'_>, limits: &InferenceLimits, scope: String) -> ModelLimits {
    let mut number = |name: &str, given: &Option<At<u64>>| {
        let number = given.as_ref()?;
        if number.value == 0 {
            check.wrong(
                number.place,
                format!("with `{name}: 0` no model could ever be called"),
                "write 1 or more, or remove the routes",
            );
        }
        Some(number.value)
    };
    let requests_per_minute = number("requests_per_minute", &limits.requests_per_minute);
    let tokens_per_minute = number("tokens_per_minute", &limits.tokens_per_minute);
    let tokens_per_day = number("tokens_per_day", &limits.tokens_per_day);
    let tokens_per_session = number("tokens_per_session", &limits.tokens_per_session);
    let concurrent = number("concurrent", &limits.concurrent);
    let max_tokens = number("max_tokens", &limits.max_tokens);
    ModelLimits {
        scope,
        requests_per_minute,
        tokens_per_minute,
        tokens_per_day,
        tokens_per_session,
        usd_per_day: limits.usd_per_day.as_ref().and_then(|usd| sum(check, usd)),
        usd_per_session: limits.usd_per_session.as_ref().and_then(|usd| sum(check, usd)),
        concurrent,
        max_tokens,
        tools: names(check, &limits.tools),
        betas: names(check, &limits.betas),
        prices: limits.prices.iter().filter_map(|entry| price(check, &entry.value)).collect(),
    }
}

/// Billionths of a dollar.
fn sum(check: &mut Check<'_>, dollars: &At<f64>) -> Option<u64> {
    if !(dollars.value > 0.0 && dollars.value <= MOST_DOLLARS) {
        check.wrong(
            dollars.place,
            format!("{} is no sum of dollars", dollars.value),
            "write one such as 20 or 0.5",
        );
        return None;
    }
    Some(whole(dollars.value * 1e9))
}

/// Millionths of a dollar.
fn each(check: &mut Check<'_>, dollars: &At<f64>) -> Option<u64> {
    if !(0.0..=MOST_DOLLARS).contains(&dollars.value) {
        check.wrong(
            dollars.place,
            format!("{} is no price", dollars.value),
            "write US dollars for a million tokens, such as 3 or 0.25",
        );
        return None;
    }
    Some(whole(dollars.value * 1e6))
}

fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between nought and the most dollars, as was checked"
    )]
    let whole = number.round() as u64;
    whole
}

fn price(check: &mut Check<'_>, entry: &PriceEntry) -> Option<ModelPrice> {
    if !is_model(&entry.model.value) {
        check.wrong(
            entry.model.place,
            format!("`{}` is no model's name", shown(&entry.model.value)),
            "write a name without blanks, `*` for any characters",
        );
    }
    let input = each(check, &entry.input)?;
    let output = each(check, &entry.output)?;
    // Where nothing is said of the cache, what is in it costs what a prompt costs.
    let mut or_input = |given: &Option<At<f64>>| match given {
        Some(price) => each(check, price),
        None => Some(input),
    };
    let cache_read = or_input(&entry.cache_read)?;
    let cache_write = or_input(&entry.cache_write)?;
    Some(ModelPrice { model: entry.model.value.clone(), input, output, cache_read, cache_write })
}

/// Patterns of names. An empty list permits none.
fn names(check: &mut Check<'_>, given: &Given<Vec<At<String>>>) -> Option<Vec<TextPattern>> {
    given.place?;
    let mut all = Vec::new();
    for name in given.iter() {
        match name.value.parse() {
            Ok(_) if name.value.is_empty() => {
                check.wrong(
                    name.place,
                    "a name cannot be empty",
                    "write one, `*` for any characters",
                );
            }
            Ok(pattern) => all.push(pattern),
            Err(error) => check.wrong(
                name.place,
                format!("`{}` is no name: {error}", shown(&name.value)),
                "write one without control characters",
            ),
        }
    }
    Some(all)
}
