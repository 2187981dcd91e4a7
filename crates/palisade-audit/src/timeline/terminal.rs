use palisade_core::Verdict;
use palisade_journal::escaped;

use super::{Lane, Row, Timeline};

/// Characters of a subject.
const MOST: usize = 160;

/// The timeline as lines for a terminal: a mark in the lane of each event. `o` is permitted, `x` denied, `?` asked,
/// and `.` only observed.
pub fn lines(timeline: &Timeline) -> Vec<String> {
    let mut lines = Vec::new();
    let name = timeline.name.as_deref().map(|name| format!(" ({})", escaped(name)));
    lines.push(format!("session {}{}", timeline.session, name.unwrap_or_default()));
    if let Some(command) = &timeline.command {
        lines.push(format!("command {}", shortened(command)));
    }
    if let Some((first, last)) = timeline.span {
        let lasted = timeline.seconds(last);
        lines.push(format!("from {first} to {last}, {lasted:.3} s, {} events", timeline.events));
    }
    if timeline.left_out > 0 {
        lines.push(format!("{} older events are not shown (--limit)", timeline.left_out));
    }
    lines.push(String::new());
    let heads: Vec<String> =
        Lane::ALL.iter().map(|lane| format!("{:<3.3}", lane.as_str())).collect();
    lines.push(format!("{:>11}  {}  event", "seconds", heads.join(" ")));
    lines.extend(timeline.rows.iter().map(|row| line(timeline, row)));
    lines
}

fn line(timeline: &Timeline, row: &Row) -> String {
    let mark = match row.decision {
        Verdict::Allow => " o ",
        Verdict::Deny => " x ",
        Verdict::Ask => " ? ",
        Verdict::Observe => " . ",
    };
    let lanes = Lane::ALL.iter().map(|lane| if *lane == row.lane { mark } else { " | " });
    let lanes: Vec<&str> = lanes.collect();
    let count = if row.count > 1 { format!(" x{}", row.count) } else { String::new() };
    let rule = row.rule.as_deref().map(|rule| format!("  [{}]", escaped(rule)));
    let why = match row.decision {
        Verdict::Deny if !row.reason.is_empty() => format!("  ({})", shortened(&row.reason)),
        _ => String::new(),
    };
    format!(
        "{:>11.3}  {}  {} {} {}{count}{}{why}",
        timeline.seconds(row.time),
        lanes.join(" "),
        row.seq,
        escaped(&row.kind),
        shortened(&row.subject),
        rule.unwrap_or_default(),
    )
}

/// Escaped, and cut.
fn shortened(text: &str) -> String {
    let shown = escaped(text);
    match shown.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}
