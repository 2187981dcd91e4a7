//! What comes from an agent stands in every form as text, and changes nothing of the form.

use palisade_audit::{query::csv, timeline};
use palisade_core::{Event, Layer, Verdict};
use palisade_journal::{Filter, Query, Record};

use crate::fixture::{HOSTILE, State, event};

fn hostile() -> (State, palisade_core::SessionId) {
    let state = State::new();
    let mut events = Vec::new();
    for text in HOSTILE {
        let mut one = event("exec", Layer::Process, Verdict::Deny, text).with(text, text);
        one.reason = text.to_owned();
        one.rule = Some(text.to_owned());
        events.push(one);
    }
    events.push(event("launch", Layer::Process, Verdict::Allow, HOSTILE[7]));
    events.push(Event::observed("x", Layer::Tool, "<b>".repeat(50_000)));
    let id = state.session(1, Some("a"), events);
    (state, id)
}

fn records(state: &State) -> Vec<Record> {
    let mut query = Query::new(state.path(), Filter::default()).unwrap();
    std::iter::from_fn(|| query.next_record().unwrap()).collect()
}

/// The cells of one line of CSV, as RFC 4180 has them.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut rest) = (Vec::new(), line);
    while let Some(inner) = rest.strip_prefix('"') {
        let mut end = 0;
        loop {
            end += inner[end..].find('"').unwrap();
            if !inner[end + 1..].starts_with('"') {
                break;
            }
            end += 2;
        }
        cells.push(inner[..end].replace("\"\"", "\""));
        rest = inner[end + 1..].strip_prefix(',').unwrap_or(&inner[end + 1..]);
    }
    assert_eq!(rest, "", "{line}");
    cells
}

#[test]
fn forges_a_line_or_a_formula_in_csv() {
    let (state, _) = hostile();
    for record in records(&state) {
        let line = csv(&record);
        assert!(!line.chars().any(char::is_control), "{line}");
        let cells = cells(&line);
        assert_eq!(cells.len(), 12, "{line}");
        assert_eq!(cells[2], record.seq.to_string());
        for cell in &cells {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
        }
        // What a program reads is what was recorded.
        let detail: serde_json::Value = serde_json::from_str(&cells[10]).unwrap();
        assert_eq!(detail.as_object().unwrap(), &record.detail);
    }
}

#[test]
fn forges_a_line_in_json() {
    let (state, _) = hostile();
    for record in records(&state) {
        let line = record.to_json();
        assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["subject"], record.subject);
        assert_eq!(value["seq"], record.seq);
    }
}

#[test]
fn steers_the_terminal_by_a_timeline() {
    let (state, id) = hostile();
    let timeline = timeline::of(state.path(), &id, 100).unwrap();
    for line in timeline::lines(&timeline) {
        let plain =
            |c: char| !c.is_control() && c.escape_debug().count() == 1 || "\"'\\…".contains(c);
        assert!(line.chars().all(plain), "{line:?}");
        assert!(line.len() < 2000, "{}", line.len());
    }
}

#[test]
fn puts_markup_into_the_page_of_a_timeline() {
    let (state, id) = hostile();
    let timeline = timeline::of(state.path(), &id, 100).unwrap();
    let page = timeline::page(&timeline);
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<svg/"));
    assert!(!page.to_lowercase().contains("onload=alert(1)>"));
    for raw in ["\u{1b}", "\u{202e}", "\u{200b}", "\0"] {
        assert!(!page.contains(raw), "{raw:?}");
    }
    // An attribute that ends early would hold a name that begins so.
    assert!(!page.contains("\" onmouseover"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    // Nothing runs and nothing is loaded.
    let policy =
        "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";
    assert!(page.contains(policy));
    for source in ["src=", "href=\"http", "url(", "@import", "javascript:"] {
        assert!(!page.contains(source), "{source}");
    }
    // Each mark leads to its row, and each row is there once.
    for row in &timeline.rows {
        assert_eq!(page.matches(&format!(" id=\"e{}\"", row.seq)).count(), 1);
        assert_eq!(page.matches(&format!("href=\"#e{}\"", row.seq)).count(), 1);
    }
}

#[test]
fn a_long_session_shows_its_newest_rows_and_says_so() {
    let state = State::new();
    let events =
        (0..300).map(|n| event("exec", Layer::Process, Verdict::Allow, &format!("p{}", n / 3)));
    let id = state.session(1, None, events.collect());
    let timeline = timeline::of(state.path(), &id, 10).unwrap();
    assert_eq!(timeline.rows.len(), 10);
    assert_eq!(timeline.rows.last().unwrap().kind, "end");
    assert_eq!(timeline.rows[8].count, 3);
    let shown: u64 = timeline.rows.iter().map(|row| row.count).sum();
    assert_eq!((shown + timeline.left_out, timeline.events), (302, 302));
}
