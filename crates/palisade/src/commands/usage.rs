use std::{collections::BTreeMap, process::ExitCode};

use clap::ValueEnum;
use palisade_core::Verdict;
use palisade_journal::{Filter, Query, Record, Timestamp};
use serde_json::{Value, json};

use super::audit::{time, unreadable};
use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade usage --by model --since 7d\n\n\
    From the journal: what each call of a model used, as its provider told it, or as it was estimated. \
    Money is by the price that was in force at the call; a call of a model without a price has none.")]
pub(crate) struct Args {
    /// What calls are counted by.
    #[arg(long, value_enum, default_value = "day")]
    by: By,
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Not before this time: RFC 3339, a date, or an age such as `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The day, in UTC.
    Day,
    /// The model, by the name that its provider got.
    Model,
    /// The sandbox, by its session.
    Sandbox,
}

/// What was used.
#[derive(Debug, Default)]
struct Used {
    calls: u64,
    /// Calls that a limit did not let through.
    refused: u64,
    tokens: [u64; 4],
    /// Billionths of a dollar.
    money: u64,
    /// Calls without a price, and calls whose provider did not tell what they used.
    unpriced: u64,
    estimated: u64,
}

const TOKENS: [&str; 4] =
    ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"];

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let mut all: BTreeMap<String, Used> = BTreeMap::new();
    if state.is_dir() {
        let filter = Filter {
            session: args.session.clone(),
            layer: Some("inference".into()),
            since: args.since,
            until: args.until,
            ..Filter::default()
        };
        let mut query = Query::new(&state, filter).map_err(unreadable)?;
        while let Some(record) = query.next_record().map_err(unreadable)? {
            count(&record, args.by, &mut all);
        }
    }
    print::text(&if args.json { lines(&all, args.by) } else { table(&all, args.by) })
}

fn count(record: &Record, by: By, all: &mut BTreeMap<String, Used>) {
    let number = |key: &str| record.detail.get(key).and_then(Value::as_u64);
    let text = |key: &str| record.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    let folded = record.kind == "folded";
    let kind = if folded { text("kind") } else { Some(record.kind.clone()) };
    let refused = kind.as_deref() == Some("model_call")
        && record.decision == Verdict::Deny
        && record.rule.as_ref().is_some_and(|rule| rule.starts_with("inference.limits"));
    // A list of models is no use of one.
    let answered = record.kind == "model_answer" && number("input_tokens").is_some();
    if !refused && !answered {
        return;
    }
    let key = match by {
        By::Day => record.time.to_string().chars().take(10).collect(),
        // What was refused has the name that the client asked for.
        By::Model => text("model")
            .or_else(|| record.subject.split(' ').nth(1).map(str::to_owned))
            .unwrap_or_else(|| "?".into()),
        By::Sandbox => record.session.to_string(),
    };
    let used = all.entry(key).or_default();
    if refused {
        // Of a flood the journal has the first and the number.
        let times = number("count").filter(|_| folded).unwrap_or(1);
        used.refused = used.refused.saturating_add(times);
        return;
    }
    used.calls = used.calls.saturating_add(1);
    for (sum, key) in used.tokens.iter_mut().zip(TOKENS) {
        *sum = sum.saturating_add(number(key).unwrap_or(0));
    }
    match record.detail.get("usd").and_then(Value::as_f64) {
        Some(dollars) => used.money = used.money.saturating_add(billionths(dollars)),
        None => used.unpriced = used.unpriced.saturating_add(1),
    }
    if record.detail.get("estimated") == Some(&Value::Bool(true)) {
        used.estimated = used.estimated.saturating_add(1);
    }
}

fn billionths(dollars: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and no sum of money is below nought"
    )]
    let whole = (dollars * 1e9).round() as u64;
    whole
}

/// Dollars, to the hundredth of a cent.
fn dollars(billionths: u64) -> String {
    let parts = billionths.div_ceil(100_000);
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}

fn name(by: By) -> &'static str {
    match by {
        By::Day => "day",
        By::Model => "model",
        By::Sandbox => "sandbox",
    }
}

fn lines(all: &BTreeMap<String, Used>, by: By) -> String {
    let line = |(key, used): (&String, &Used)| {
        let mut object = json!({
            name(by): key,
            "calls": used.calls,
            "refused": used.refused,
            "usd": dollars(used.money).parse::<f64>().unwrap_or(0.0),
            "unpriced": used.unpriced,
            "estimated": used.estimated,
        });
        if let Some(object) = object.as_object_mut() {
            let tokens = TOKENS.iter().zip(used.tokens);
            object.extend(tokens.map(|(key, sum)| ((*key).to_owned(), sum.into())));
        }
        format!("{object}\n")
    };
    all.iter().map(line).collect()
}

fn table(all: &BTreeMap<String, Used>, by: By) -> String {
    if all.is_empty() {
        return "No model was called.\n".into();
    }
    let head = [
        name(by),
        "calls",
        "refused",
        "input",
        "output",
        "cache read",
        "cache write",
        "US dollars",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for (key, used) in all {
        let [input, output, read, write] = used.tokens.map(|sum| sum.to_string());
        let mut money = dollars(used.money);
        if used.unpriced > 0 {
            money.push_str(" + unpriced");
        }
        let key = key.chars().flat_map(char::escape_debug).collect();
        rows.push([
            key,
            used.calls.to_string(),
            used.refused.to_string(),
            input,
            output,
            read,
            write,
            money,
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let cell =
                if column == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") };
            out.push_str(gap);
            out.push_str(&cell);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}
