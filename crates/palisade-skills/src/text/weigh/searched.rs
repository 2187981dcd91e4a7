//! What a search is to find is no order.

use super::super::blocks::Unit;

/// Is it a list of what to look for, as one of signs of bad work is: `look for: just skip, silent defaults, …`?
///
/// Four things at least, none of which leads anywhere or is a command.
pub(super) fn is_list(unit: &Unit) -> bool {
    const SEARCHES: &[&str] = &[
        "inventory",
        "look for",
        "search for",
        "find",
        "detect",
        "identify",
        "flag",
        "scan for",
        "check for",
        "watch for",
        "watch out for",
        "review for",
        "audit for",
    ];
    const MORE: &[&str] =
        &[" then ", " and do ", " must ", " should ", " so that ", " after that "];
    const FEWEST: usize = 4;
    const LEAD: usize = 80;
    let text = unit.text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let Some((lead, things)) = text.split_once(':') else { return false };
    lead.len() <= LEAD
        && SEARCHES.iter().any(|search| {
            lead.strip_prefix(search).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
        && things.matches(',').count() >= FEWEST - 1
        && !things.contains(['`', '@', ';', '$'])
        && !things.contains("://")
        && !MORE.iter().any(|more| things.contains(more))
}
