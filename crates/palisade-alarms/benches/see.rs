//! What one event costs: no rules, those that come with Palisade, and the most there can be.
//! `cargo bench -p palisade-alarms --bench see`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and may fail"
)]

use std::time::{Duration, Instant};

use palisade_alarms::{MOST_RULES, Rule, Seen, Watch, builtin};
use palisade_core::{Event, Layer, Verdict};

const EVENTS: u32 = 200_000;

fn main() {
    let rules = builtin();
    let most: Vec<Rule> = rules.iter().cycle().take(MOST_RULES).cloned().collect();
    for (name, rules) in
        [("no rules", &[][..]), ("built-in rules", rules), ("the most rules", &most)]
    {
        let mut watch = Watch::new(rules).unwrap();
        let events: Vec<Event> = (0..64)
            .map(|n| {
                let kind = ["connect", "resolve", "tool_call", "syscall"][n % 4];
                let event = Event::observed(kind, Layer::Egress, format!("{n}.example:443"));
                let decision = if n % 3 == 0 { Verdict::Deny } else { Verdict::Allow };
                Event { decision, ..event }.with("host", format!("{n}.example"))
            })
            .collect();
        let began = Instant::now();
        let mut alarms = 0;
        for (n, event) in (0..EVENTS).zip(events.iter().cycle()) {
            alarms += watch.see(&Seen::of(event, Duration::from_millis(n.into()))).len();
        }
        let each = began.elapsed() / EVENTS;
        println!("{name:<16} {:>4} rules  {each:>9.1?} an event  ({alarms} alarms)", rules.len());
    }
}
