//! A verdict that comes from a reader in its cell, which may be taken over: it is believed or not, and printed without harm.

use palisade_skills::{Report, output};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    let Ok(report) = Report::from_json(&text(data)) else { return };
    let json = output::json(&report);
    assert!(Report::from_json(&json).is_ok(), "{json}");
    let shown = output::terminal(&report, true);
    assert!(!shown.contains(|c: char| c.is_control() && !"\n\t".contains(c)), "{shown:?}");
}
