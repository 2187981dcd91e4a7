use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use palisade_core::Verdict;
use palisade_journal::escaped;
use sha2::{Digest, Sha256};

use super::{Lane, Row, Timeline};

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 90.0;
const LANE: f64 = 34.0;
const TOP: f64 = 18.0;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1120px;padding:0 1rem}\
h1{font-size:1.3rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{opacity:.7}dd{margin:0}\
svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}\
.lane{stroke:currentColor;stroke-opacity:.2}.tick{stroke:currentColor;stroke-opacity:.1}\
.allow{fill:#1a7f37;stroke:#1a7f37}.deny{fill:#cf222e;stroke:#cf222e}.ask{fill:#bf8700;stroke:#bf8700}\
.observe{fill:#6e7781;stroke:#6e7781}\
table{border-collapse:collapse;width:100%;margin-top:1rem}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;\
border-bottom:1px solid rgba(128,128,128,.25)}td.n{text-align:right;font-variant-numeric:tabular-nums}\
td.s{overflow-wrap:anywhere;font-family:ui-monospace,monospace;font-size:12px}tr:target{background:rgba(255,200,0,.25)}\
b.allow,b.deny,b.ask,b.observe{font-weight:600;fill:none}b.deny{color:#cf222e}b.allow{color:#1a7f37}b.ask{color:#bf8700}\
@media print{body{margin:0;max-width:none}a{color:inherit;text-decoration:none}tr{break-inside:avoid}}";

/// The timeline as a page that needs nothing else: no script, nothing is loaded, and what it may do is said in its
/// head. All that came from the session is text.
pub fn page(timeline: &Timeline) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(STYLE.as_bytes()))
    );
    let title = format!("Session {}", timeline.session);
    let lasted = timeline.span.map_or(0.0, |(_, last)| timeline.seconds(last));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                dl {
                    @if let Some(name) = &timeline.name { dt { "name" } dd { (escaped(name)) } }
                    @if let Some(command) = &timeline.command {
                        dt { "command" } dd { code { (escaped(command)) } }
                    }
                    @if let Some((first, last)) = timeline.span {
                        dt { "from" } dd { (first) }
                        dt { "to" } dd { (last) " (" (format!("{lasted:.3}")) " s)" }
                    }
                    dt { "events" } dd { (timeline.events) }
                    @if timeline.left_out > 0 {
                        dt { "not shown" } dd { (timeline.left_out) " older events" }
                    }
                }
                (picture(timeline, lasted))
                p {
                    b.allow { "●" } " permitted  " b.deny { "✕" } " denied  " b.ask { "◆" } " asked  "
                    b.observe { "○" } " observed"
                }
                (table(timeline))
            }
        }
    }
    .into_string()
}

/// Where a moment is drawn.
fn across(seconds: f64, lasted: f64) -> f64 {
    let share = if lasted > 0.0 { (seconds / lasted).clamp(0.0, 1.0) } else { 0.5 };
    LEFT + share * (WIDTH - LEFT - 20.0)
}

fn picture(timeline: &Timeline, lasted: f64) -> Markup {
    let lanes: Vec<(Lane, f64)> =
        Lane::ALL.into_iter().zip(std::iter::successors(Some(TOP), |y| Some(y + LANE))).collect();
    let height = TOP + LANE * 6.0 + 14.0;
    let bottom = height - 22.0;
    let ticks: Vec<f64> = (0..=6).map(|n| lasted * f64::from(n) / 6.0).collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Events by time and layer" {
            @for seconds in ticks {
                @let x = format!("{:.1}", across(seconds, lasted));
                line.tick x1=(x) x2=(x) y1="4" y2=(bottom) {}
                text x=(x) y=(height - 6.0) text-anchor="middle" { (format!("{seconds:.3} s")) }
            }
            @for (lane, y) in &lanes {
                line.lane x1=(LEFT) x2=(WIDTH - 10.0) y1=(y) y2=(y) {}
                text x="4" y=(y + 4.0) { (lane.as_str()) }
            }
            @for row in &timeline.rows {
                @let y = lanes.iter().find(|(lane, _)| *lane == row.lane).map_or(TOP, |(_, y)| *y);
                @let x = across(timeline.seconds(row.time), lasted);
                a href=(format!("#e{}", row.seq)) {
                    (mark(row, x, y))
                    title { (format!("{} {} {}: {}", row.seq, row.decision, escaped(&row.kind), escaped(&row.subject))) }
                }
            }
        }
    }
}

/// Each decision has a shape of its own, besides its colour.
fn mark(row: &Row, x: f64, y: f64) -> Markup {
    let (left, right, above, below) = (x - 4.0, x + 4.0, y - 4.0, y + 4.0);
    html! {
        @match row.decision {
            Verdict::Allow => { circle.allow cx=(format!("{x:.1}")) cy=(y) r="4" {} }
            Verdict::Deny => {
                path.deny stroke-width="2.5" d=(format!(
                    "M{left:.1} {above:.1}L{right:.1} {below:.1}M{left:.1} {below:.1}L{right:.1} {above:.1}"
                )) {}
            }
            Verdict::Ask => {
                path.ask d=(format!(
                    "M{x:.1} {above:.1}L{right:.1} {y:.1}L{x:.1} {below:.1}L{left:.1} {y:.1}Z"
                )) {}
            }
            Verdict::Observe => {
                circle.observe fill-opacity="0.2" cx=(format!("{x:.1}")) cy=(y) r="3" {}
            }
        }
    }
}

fn table(timeline: &Timeline) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "seconds" } th { "event" } th { "decision" } th { "kind" } th { "subject" } th { "rule" }
                    th { "reason" }
                }
            }
            tbody {
                @for row in &timeline.rows {
                    tr id=(format!("e{}", row.seq)) {
                        td.n { (format!("{:.3}", timeline.seconds(row.time))) }
                        td.n { (row.seq) @if row.count > 1 { " ×" (row.count) } }
                        td { b class=(row.decision) { (row.decision) } }
                        td { (escaped(&row.kind)) }
                        td.s { (escaped(&row.subject)) }
                        td.s { (row.rule.as_deref().map(escaped).unwrap_or_default()) }
                        td { (escaped(&row.reason)) }
                    }
                }
            }
        }
    }
}
