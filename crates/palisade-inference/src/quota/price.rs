use std::fmt;

use crate::{ModelPattern, Usage};

/// The day that the built-in prices are of. They are the providers' public list prices in US
/// dollars; where two public tables differed the higher one was taken, so that a limit of money is
/// reached rather too soon. `inference.limits.prices` of a policy goes before them.
pub const PRICES_OF: &str = "2026-09-25";

/// Money: thousandths of a millionth of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(pub u64);

impl Usd {
    /// In dollars, for a record.
    #[expect(clippy::cast_precision_loss, reason = "15 digits are enough for any sum of money")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0 / 10_000_000;
        let rest = self.0 % 10_000_000;
        if rest == 0 {
            write!(f, "${}.{:02}", cents / 100, cents % 100)
        } else {
            let micro = self.0.div_ceil(1000);
            let text = format!("${}.{:06}", micro / 1_000_000, micro % 1_000_000);
            f.write_str(text.trim_end_matches('0'))
        }
    }
}

/// What tokens cost: millionths of a US dollar for a million of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// Of a prompt.
    pub input: u64,
    /// Of an answer, its thoughts included.
    pub output: u64,
    /// Of a prompt that was found in the provider's cache.
    pub cache_read: u64,
    /// Of a prompt that was put into it.
    pub cache_write: u64,
}

/// A price, and the models that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceFor {
    /// The models, by the name that the provider gets.
    pub model: ModelPattern,
    /// What they cost.
    pub price: Price,
}

impl Price {
    /// What this use costs. Rounded up: no use is free that has a price.
    pub fn of(&self, usage: &Usage) -> Usd {
        let sum = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
        ]
        .into_iter()
        .fold(0_u128, |sum, (tokens, price)| {
            sum.saturating_add(u128::from(tokens).saturating_mul(u128::from(price)))
        });
        // Tokens times millionths for a million are millionths of millionths.
        Usd(u64::try_from(sum.div_ceil(1000)).unwrap_or(u64::MAX))
    }
}

/// The price of a model: of the first of these that fits, else the built-in one.
pub(crate) fn price_of(own: &[PriceFor], model: &str) -> Option<Price> {
    let own = own.iter().find(|entry| entry.model.matches(model)).map(|entry| entry.price);
    own.or_else(|| built_in(model))
}

/// The built-in price of a model, if it is one of those that are known.
pub fn built_in(model: &str) -> Option<Price> {
    // `anthropic/claude-…` and `openai/gpt-…`, as those who sell on what others make name them.
    let name = model.rsplit('/').next().unwrap_or(model);
    let entry = BUILT_IN.iter().find(|entry| {
        name.strip_prefix(entry.0)
            .is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'-' | b'@' | b':', ..]))
    })?;
    let thousandths = |number: u64| number.saturating_mul(1000);
    Some(Price {
        input: thousandths(entry.1),
        output: thousandths(entry.2),
        cache_read: thousandths(entry.3),
        cache_write: thousandths(entry.4),
    })
}

/// A model's name without its date, and thousandths of a dollar for a million tokens: prompt,
/// answer, read from the cache, written to it (for an hour, where a provider has two prices). The
/// longer name stands before the one that it begins with.
type Entry = (&'static str, u64, u64, u64, u64);

const BUILT_IN: &[Entry] = &[
    // platform.claude.com/docs/en/about-claude/pricing
    ("claude-fable-5", 10_000, 50_000, 1_000, 20_000),
    ("claude-mythos-5", 10_000, 50_000, 1_000, 20_000),
    ("claude-opus-5-5", 5_000, 25_000, 500, 10_000),
    ("claude-opus-5", 5_000, 25_000, 500, 10_000),
    ("claude-opus-4-8", 5_000, 25_000, 500, 10_000),
    ("claude-opus-4-7", 5_000, 25_000, 500, 10_000),
    ("claude-opus-4-6", 5_000, 25_000, 500, 10_000),
    ("claude-opus-4-5", 5_000, 25_000, 500, 10_000),
    ("claude-opus-4", 15_000, 75_000, 1_500, 30_000),
    ("claude-3-opus", 15_000, 75_000, 1_500, 30_000),
    ("claude-sonnet-5-5", 3_000, 15_000, 300, 6_000),
    ("claude-sonnet-5", 3_000, 15_000, 300, 6_000),
    ("claude-sonnet-4", 3_000, 15_000, 300, 6_000),
    ("claude-3-7-sonnet", 3_000, 15_000, 300, 6_000),
    ("claude-3-5-sonnet", 3_000, 15_000, 300, 6_000),
    ("claude-haiku-4-5", 1_000, 5_000, 100, 2_000),
    ("claude-3-5-haiku", 800, 4_000, 80, 1_600),
    ("claude-3-haiku", 250, 1_250, 30, 500),
    // platform.openai.com/docs/pricing; writing to the cache costs what a prompt costs
    ("gpt-5.4-mini", 750, 4_500, 75, 750),
    ("gpt-5.4-nano", 200, 1_250, 20, 200),
    ("gpt-5.4-pro", 30_000, 180_000, 30_000, 30_000),
    ("gpt-5.4", 2_500, 15_000, 250, 2_500),
    ("gpt-5.3-codex", 1_750, 14_000, 175, 1_750),
    ("gpt-5.2-pro", 21_000, 168_000, 21_000, 21_000),
    ("gpt-5.2", 1_750, 14_000, 175, 1_750),
    ("gpt-5.1-codex-mini", 250, 2_000, 25, 250),
    ("gpt-5.1", 1_250, 10_000, 125, 1_250),
    ("gpt-5-pro", 15_000, 120_000, 15_000, 15_000),
    ("gpt-5-mini", 250, 2_000, 25, 250),
    ("gpt-5-nano", 50, 400, 5, 50),
    ("gpt-5", 1_250, 10_000, 125, 1_250),
    ("gpt-4.1-mini", 400, 1_600, 100, 400),
    ("gpt-4.1-nano", 100, 400, 25, 100),
    ("gpt-4.1", 2_000, 8_000, 500, 2_000),
    // At the price of sound, which is that of most of what these take and give.
    ("gpt-4o-mini-audio-preview", 10_000, 20_000, 10_000, 10_000),
    ("gpt-4o-audio-preview", 40_000, 80_000, 40_000, 40_000),
    ("gpt-4o-mini", 150, 600, 75, 150),
    ("gpt-4o", 2_500, 10_000, 1_250, 2_500),
    ("o3-mini", 1_100, 4_400, 550, 1_100),
    ("o3-deep-research", 10_000, 40_000, 2_500, 10_000),
    ("o3-pro", 20_000, 80_000, 20_000, 20_000),
    ("o3", 2_000, 8_000, 500, 2_000),
    ("o4-mini-deep-research", 2_000, 8_000, 500, 2_000),
    ("o4-mini", 1_100, 4_400, 275, 1_100),
    ("text-embedding-3-small", 20, 20, 20, 20),
    ("text-embedding-3-large", 130, 130, 130, 130),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_has_the_price() {
        let input = |model| built_in(model).map(|price| price.input / 1000);
        assert_eq!(input("claude-opus-4-5-20251101"), Some(5_000));
        assert_eq!(input("claude-opus-4-20250514"), Some(15_000));
        assert_eq!(input("anthropic/claude-haiku-4-5"), Some(1_000));
        assert_eq!(input("gpt-5-mini"), Some(250));
        assert_eq!(input("gpt-5"), Some(1_250));
        assert_eq!(input("gpt-5.9"), None);
        assert_eq!(input("gpt-55"), None);
        assert_eq!(input("llama"), None);
        let own = [PriceFor {
            model: "claude-*".parse().unwrap(),
            price: Price { input: 7, ..Price::default() },
        }];
        assert_eq!(price_of(&own, "claude-opus-4-5").map(|price| price.input), Some(7));
        assert!(price_of(&own, "gpt-5").is_some() && price_of(&own, "x").is_none());
    }

    #[test]
    fn no_entry_is_hidden_by_a_shorter_one_before_it() {
        for (index, entry) in BUILT_IN.iter().enumerate() {
            let found = built_in(entry.0).unwrap();
            assert_eq!(found.output, entry.2 * 1000, "{index} {}", entry.0);
        }
    }

    #[test]
    fn money_is_rounded_up_and_shown_as_people_write_it() {
        let price = Price { input: 3_000_000, output: 15_000_000, cache_read: 1, cache_write: 0 };
        let usage = Usage { input: 1000, output: 100, cache_read: 0, cache_write: 9 };
        assert_eq!(price.of(&usage), Usd(3_000_000 + 1_500_000));
        assert_eq!(price.of(&Usage { cache_read: 1, ..Usage::default() }), Usd(1));
        assert_eq!(price.of(&Usage { input: u64::MAX, ..usage }), Usd(u64::MAX));
        assert_eq!(Usd(20_000_000_000).to_string(), "$20.00");
        assert_eq!(Usd(4_500_000).to_string(), "$0.0045");
        assert_eq!(Usd(1).to_string(), "$0.000001");
    }
}
