use super::{Retention, tidy::SAID};
use crate::{Timestamp, verify::ledger::Dropped};

/// How a text ends that was too long for an entry.
const CUT: &str = " [cut ";

/// What the ledger's entries on removals say, against the session's own rule.
pub(crate) struct Claims<'a> {
    /// The last rule in the session, if it has one.
    pub(crate) own: Option<&'a Retention>,
    /// The entries, in their order, the one that is asked about the last.
    pub(crate) entries: &'a [Dropped],
}

impl Claims<'_> {
    /// What the last entry says that the rule does not. `newest` is a time that what was removed is not from before.
    pub(crate) fn beyond(&self, newest: Option<Timestamp>) -> Option<String> {
        let mut shortest = u64::MAX;
        for entry in self.entries {
            let Some((classes, whole)) = parse(&entry.rule) else {
                return Some(format!("`{}` is no rule", entry.rule));
            };
            if !whole && let Some(own) = self.own {
                shortest = shortest.min(own.shortest().unwrap_or(u64::MAX));
            }
            for (class, seconds) in classes {
                let holds = match self.own {
                    Some(own) => own.says(class, seconds),
                    // By hand there is one rule for all.
                    None => class == Retention::ALL,
                };
                if !holds {
                    let why = match self.own {
                        Some(_) => "the session has another rule",
                        None => "the session has no rule",
                    };
                    return Some(format!("`{class}` after {seconds} s, and {why}"));
                }
                shortest = shortest.min(seconds);
            }
        }
        let last = self.entries.last()?;
        let newest = newest?;
        (newest.plus_seconds(shortest) > last.time)
            .then(|| format!("it is from {newest} or later, and was not due at {}", last.time))
    }
}

/// Classes and seconds, and whether those are all. `None`: it is no rule in words.
fn parse(text: &str) -> Option<(Vec<(&str, u64)>, bool)> {
    let rest = text.strip_prefix(SAID)?;
    let (rest, whole) = match rest.rsplit_once(CUT) {
        // The last one may be cut in its middle.
        Some((rest, _)) => (rest.rsplit_once(", ").map_or("", |(rest, _)| rest), false),
        None => (rest, true),
    };
    let one = |part| -> Option<(&str, u64)> {
        let (class, span): (&str, &str) = str::rsplit_once(part, ' ')?;
        let unit = match span.chars().last()? {
            'd' => 86_400,
            'h' => 3600,
            's' => 1,
            _ => return None,
        };
        let digits = span.get(..span.len().checked_sub(1)?)?;
        Some((class, digits.parse::<u64>().ok()?.checked_mul(unit)?))
    };
    let parts = rest.split(", ").filter(|part| whole || !part.is_empty());
    let classes = parts.map(one).collect::<Option<Vec<_>>>()?;
    Some((classes, whole))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rules_in_words_are_read_back() {
        let parsed = parse("audit.retain: connect 30d, default 5h, exec 61s");
        let all = vec![("connect", 30 * 86_400), ("default", 5 * 3600), ("exec", 61)];
        assert_eq!(parsed, Some((all, true)));
        let cut = parse("audit.retain: connect 30d, defau [cut 12 bytes]");
        assert_eq!(cut, Some((vec![("connect", 30 * 86_400)], false)));
        for bad in ["", "audit.retain: ", "audit.retain: x", "audit.retain: x 1y", "x 1d"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(audit.retain: )?[a-z0-9 ,dhs\\[\\]é]{0,30}") {
            parse(&text);
        }
    }
}
