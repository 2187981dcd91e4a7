//! What the operator says does not count: rules, for skills and files by name, until a day. It comes from the
//! operator's side only, with a reason.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use serde_saphyr::{Options, budget::Budget, options::MergeKeyPolicy};
use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

use crate::{Finding, Technique, rules};

/// Bytes of a list.
const MOST_BYTES: usize = 1 << 20;
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A list of what does not count.
#[derive(Debug, Clone, Default)]
pub struct Suppressions {
    all: Vec<Suppression>,
    over: Vec<String>,
}

#[derive(Debug, Clone)]
struct Suppression {
    rule: GlobMatcher,
    skill: Option<GlobMatcher>,
    file: Option<GlobMatcher>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressError {
    /// More than a MiB.
    #[error("it is longer than {MOST_BYTES} bytes")]
    Long,
    /// It is no YAML of this form.
    #[error("{0}")]
    Form(String),
    /// One of its entries.
    #[error("entry {number} of `suppress`: {why}")]
    Entry {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    suppress: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    skill: Option<String>,
    file: Option<String>,
    until: Option<String>,
    why: String,
}

impl Suppressions {
    /// Reads a list: `suppress: [{rule, skill?, file?, until?, why}]`. `rule` (an id), `skill` (a name) and `file` (a
    /// path in the package) may have `*`. An entry counts up to and with the day `until` (`2027-01-31`, UTC).
    ///
    /// # Errors
    /// It is none; an entry has no reason, names no rule that there is, or one that says that something could not be
    /// read: that is never safe.
    pub fn parse(text: &str, today: Date) -> Result<Self, SuppressError> {
        if text.len() > MOST_BYTES {
            return Err(SuppressError::Long);
        }
        let file: File = serde_saphyr::from_str_with_options(text, options())
            .map_err(|error| SuppressError::Form(error.to_string()))?;
        let mut list = Self::default();
        for (at, entry) in file.suppress.into_iter().enumerate() {
            let number = at.saturating_add(1);
            list.add(entry, today).map_err(|why| SuppressError::Entry { number, why })?;
        }
        Ok(list)
    }

    fn add(&mut self, entry: Entry, today: Date) -> Result<(), String> {
        if entry.why.trim().is_empty() {
            return Err("`why` is empty".to_owned());
        }
        let glob = |pattern: &String| {
            let made = Glob::new(pattern).map_err(|error| format!("`{pattern}`: {error}"))?;
            Ok::<_, String>(made.compile_matcher())
        };
        let rule = glob(&entry.rule)?;
        let named = |rule: &&crate::Rule| rule.technique != Technique::NotVetted;
        if !rules().iter().filter(|rule| named(rule)).any(|known| rule.is_match(known.id)) {
            return Err(format!(
                "`{}` is no rule that can be suppressed; `palisade skill rules` lists them",
                entry.rule
            ));
        }
        let skill = entry.skill.as_ref().map(glob).transpose()?;
        let file = entry.file.as_ref().map(glob).transpose()?;
        if let Some(until) = &entry.until {
            let day = Date::parse(until, DAY)
                .map_err(|_| format!("`until: {until}` is no day like 2027-01-31"))?;
            if day < today {
                self.over.push(format!("{} (until {until})", entry.rule));
                return Ok(());
            }
        }
        self.all.push(Suppression { rule, skill, file });
        Ok(())
    }

    /// The entries whose day is over: they do not count any more.
    pub fn over(&self) -> &[String] {
        &self.over
    }

    /// Does this finding not count?
    pub(super) fn holds(&self, name: &str, finding: &Finding) -> bool {
        finding.rule.technique != Technique::NotVetted
            && self.all.iter().any(|it| {
                it.rule.is_match(finding.rule.id)
                    && it.skill.as_ref().is_none_or(|skill| skill.is_match(name))
                    && it.file.as_ref().is_none_or(|file| file.is_match(&finding.place.file))
            })
    }
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_nodes = 100_000;
    budget.max_events = 300_000;
    budget.max_depth = 8;
    budget.max_aliases = 0;
    budget.max_anchors = 0;
    budget.max_merge_keys = 0;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.merge_keys = MergeKeyPolicy::Error;
    options.with_snippet = false;
    options
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::import::IMPORTED;

    fn list(entries: &str) -> Result<Suppressions, SuppressError> {
        Suppressions::parse(&format!("suppress:\n{entries}"), date!(2026 - 11 - 26))
    }

    #[test]
    fn an_entry_is_for_its_rule_skill_and_file_and_until_its_day() {
        let finding = IMPORTED.at("tests/a.sh", 1, 1, "", "");
        for (entry, holds) in [
            ("- {rule: imported-result, why: ours}", true),
            (
                "- {rule: 'imported-*', skill: 'acme-*', file: 'tests/**', until: 2026-11-26, why: x}",
                true,
            ),
            ("- {rule: imported-result, skill: other, why: x}", false),
            ("- {rule: imported-result, file: '*.py', why: x}", false),
            ("- {rule: 'exfiltration-*', why: x}", false),
            ("- {rule: imported-result, until: 2026-11-25, why: x}", false),
        ] {
            let list = list(entry).unwrap();
            assert_eq!(list.holds("acme-deploy", &finding), holds, "{entry}");
            assert_eq!(list.over().len(), usize::from(entry.contains("11-25")));
        }
    }

    #[test]
    fn what_could_not_be_read_is_never_taken_away() {
        let unread = rules().into_iter().find(|rule| rule.technique == Technique::NotVetted);
        let unread = unread.unwrap();
        assert!(list(&format!("- {{rule: {}, why: x}}", unread.id)).is_err());
        let all = list("- {rule: '*', why: x}").unwrap();
        assert!(!all.holds("a", &unread.at("a", 1, 1, "", "")));
        assert!(all.holds("a", &IMPORTED.at("a", 1, 1, "", "")));
    }

    #[test]
    fn a_list_that_is_not_understood_is_refused() {
        for entry in [
            "- {rule: imported-result}",
            "- {rule: imported-result, why: ' '}",
            "- {rule: no-such-rule, why: x}",
            "- {rule: '[', why: x}",
            "- {rule: imported-result, until: tomorrow, why: x}",
            "- {rule: imported-result, why: x, more: 1}",
            "- &a {rule: imported-result, why: x}\n- *a",
            "3",
        ] {
            assert!(list(entry).is_err(), "{entry}");
        }
        assert!(Suppressions::parse(&"#".repeat(MOST_BYTES + 1), date!(2026 - 11 - 26)).is_err());
    }
}
