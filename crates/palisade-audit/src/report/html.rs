//! One page that needs nothing else, and prints.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use palisade_journal::escaped;

use super::{Act, Answer, Evidence, Exception, Report, Sample, Tally, Topic, Use};

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title {
                    @if !report.verifies { "NOT VERIFIED: " }
                    "Evidence for " (report.framework.title())
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                p.statement.bad[!report.verifies] { (escaped(&report.statement)) }
                h1 { "Evidence for " (report.framework.title()) }
                (about(report))
                (summary(report))
                h2 { "Controls" }
                @for control in &report.controls { (answer(control)) }
                section.control {
                    h3 { "The rest of the catalogue" }
                    p { (report.outside) }
                }
                h2 { "Exceptions" }
                (exceptions(report))
                h2 { "Evidence by topic" }
                @for evidence in &report.topics { (topic(evidence)) }
                h2 { "Policies in force" }
                (policies(report))
                h2 { "Changes of configuration" }
                (acts(&report.changes, report.changes_left_out))
                h2 { "Decisions and acts of people" }
                (acts(&report.people, report.people_left_out))
                h2 { "Use of credentials" }
                (credentials(report))
                h2 { "Sessions" }
                (sessions(report))
                h2 { "The journal" }
                (journal(report))
            }
        }
    }
}

fn about(report: &Report) -> Markup {
    let moment = |time: Option<palisade_journal::Timestamp>, without: &str| {
        time.map_or_else(|| without.to_owned(), |time| time.to_string())
    };
    html! {
        p {
            "From " (moment(report.since, "the first record")) " to "
            (moment(report.until, "the moment of this report")) ". Made " (report.made)
            " by Palisade " (report.version) "."
        }
        p.soft {
            "This report says what one journal shows. It does not say that a control is met: that is for an auditor to judge. The texts of \
             the controls are summaries; the catalogue itself rules. Each sample names its record by session, number and hash, and can be \
             looked up with "
            code { "palisade audit query --session SESSION --json" } "."
        }
    }
}

fn summary(report: &Report) -> Markup {
    html! {
        h2 { "Summary" }
        table {
            thead { tr { th { "Control" } th { } th { "Evidence in the period" } th { "Exceptions" } } }
            tbody {
                @for control in &report.controls {
                    tr {
                        td.id { a href={ "#" (control.id) } { (control.id) } }
                        td { (control.title) }
                        td {
                            @if control.evidenced.is_empty() { span.none { "none" } }
                            @else { (titles(&control.evidenced)) }
                        }
                        td {
                            @if !control.exceptions.is_empty() {
                                span.exception { (control.exceptions.len()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn titles(topics: &[Topic]) -> Markup {
    html! {
        @for (at, topic) in topics.iter().enumerate() {
            @if at > 0 { ", " }
            a href={ "#topic-" (topic.title()) } { (topic.title()) }
        }
    }
}

fn answer(control: &Answer) -> Markup {
    html! {
        section.control id=(control.id) {
            h3 { span.id { (control.id) } " " (control.title) }
            p.soft { (control.summary) }
            p {
                span.label { "Enforced" }
                @for topic in control.evidenced.iter().chain(&control.without_records) {
                    (topic.enforces()) " "
                }
            }
            p {
                span.label { "Evidence" }
                @if control.evidenced.is_empty() {
                    span.none { "There is no record for it in the period." }
                } @else { (titles(&control.evidenced)) "." }
            }
            @if !control.without_records.is_empty() && !control.evidenced.is_empty() {
                p {
                    span.label { "No records of" }
                    (titles(&control.without_records))
                    ": nothing of the kind was recorded in the period."
                }
            }
            @for what in &control.exceptions {
                p.exception { span.label { "Exception" } (what) "." }
            }
            p { span.label { "Not evidenced" } (control.not_evidenced) }
        }
    }
}

fn exceptions(report: &Report) -> Markup {
    html! {
        @if report.exceptions.is_empty() { p { "None was recorded in the period." } }
        @for Exception { what, acts, records, .. } in &report.exceptions {
            h3.exception { (what) ": " (acts) }
            (samples(records))
        }
    }
}

fn topic(evidence: &Evidence) -> Markup {
    html! {
        section id={ "topic-" (evidence.topic.title()) } {
            h3 { (evidence.topic.title()) }
            p { (evidence.enforces) }
            @match &evidence.tally {
                None => p.none { "There is no record of it in the period." },
                Some(tally) => (counts(tally)),
            }
        }
    }
}

fn counts(tally: &Tally) -> Markup {
    html! {
        p {
            (tally.acts) " acts in " (tally.sessions) " sessions"
            @if tally.acts != tally.records { " (" (tally.records) " records; floods are counted)" }
            @if let (Some(first), Some(last)) = (tally.first, tally.last) {
                ", " span.time { (first) } " to " span.time { (last) }
            }
            ": "
            @for (at, (decision, count)) in tally.decisions.iter().enumerate() {
                @if at > 0 { ", " } (decision) " " (count)
            }
            ". By kind: "
            @for (at, (kind, count)) in tally.kinds.iter().enumerate() {
                @if at > 0 { ", " } (escaped(kind)) " " (count)
            }
            "."
        }
        @if !tally.rules.is_empty() {
            table {
                thead { tr { th { "Rule that decided" } th.number { "Acts" } } }
                tbody {
                    @for (rule, count) in &tally.rules {
                        tr { td { code { (escaped(rule)) } } td.number { (count) } }
                    }
                    @if tally.other_rules > 0 {
                        tr { td { "further rules" } td.number { (tally.other_rules) } }
                    }
                }
            }
        }
        (samples(&tally.samples))
    }
}

fn samples(samples: &[Sample]) -> Markup {
    html! {
        table {
            thead { tr { th { "Time" } th { "Record" } th { "What" } th { "Decision" } th { "Hash" } } }
            tbody {
                @for sample in samples {
                    tr {
                        td.time { (sample.time) }
                        td { code { (sample.session) " " (sample.seq) } }
                        td {
                            (escaped(&sample.kind)) " " code { (escaped(&sample.subject)) }
                            @if !sample.reason.is_empty() {
                                br; span.soft { (escaped(&sample.reason)) }
                            }
                        }
                        td {
                            (sample.decision.as_str())
                            @if let Some(rule) = &sample.rule { br; code { (escaped(rule)) } }
                        }
                        td.hash { (sample.hash) }
                    }
                }
            }
        }
    }
}

fn policies(report: &Report) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Digest" } th { "First record" } th { "Last record" }
                th.number { "Sessions" } th.number { "Records" }
            } }
            tbody {
                @for policy in &report.policies {
                    tr {
                        td.hash { (policy.digest) }
                        td.time { (policy.first) }
                        td.time { (policy.last) }
                        td.number { (policy.sessions) }
                        td.number { (policy.records) }
                    }
                }
            }
        }
    }
}

fn acts(acts: &[Act], left_out: u64) -> Markup {
    html! {
        @if acts.is_empty() { p { "None was recorded in the period." } }
        @else {
            table {
                thead { tr {
                    th { "Time" } th { "Who" } th { "What" } th { "Decision" } th { "Record" } th { "Hash" }
                } }
                tbody {
                    @for Act { principal, record } in acts {
                        tr {
                            td.time { (record.time) }
                            td { (escaped(principal.as_deref().unwrap_or("not recorded"))) }
                            td { (escaped(&record.kind)) " " code { (escaped(&record.subject)) } }
                            td { (record.decision.as_str()) }
                            td { code { (record.session) " " (record.seq) } }
                            td.hash { (record.hash) }
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p { "And " (left_out) " more." } }
    }
}

fn credentials(report: &Report) -> Markup {
    html! {
        @if report.credentials.is_empty() { p { "None was recorded in the period." } }
        @else {
            table {
                thead { tr {
                    th { "Credential" } th.number { "Used" } th.number { "Placeholder out of place" } th { "For" }
                } }
                tbody {
                    @for (name, Use { uses, strays, subjects }) in &report.credentials {
                        tr {
                            td { (escaped(name)) }
                            td.number { (uses) }
                            td.number { (strays) }
                            td { @for subject in subjects { code { (escaped(subject)) } " " } }
                        }
                    }
                }
            }
        }
    }
}

fn sessions(report: &Report) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Session" } th { "Command" } th { "State" } th.number { "Records" } th { "Hash of the last" }
            } }
            tbody {
                @for session in &report.sessions {
                    tr {
                        td {
                            code { (session.session) }
                            @if let Some(name) = &session.name { br; (escaped(name)) }
                        }
                        td { code { (escaped(session.command.as_deref().unwrap_or("none was started"))) } }
                        td { (state(session.state)) }
                        td.number { (session.records) }
                        td.hash { @if let Some(head) = session.head { (head) } }
                    }
                }
            }
        }
        @if report.sessions_left_out > 0 { p { "And " (report.sessions_left_out) " more." } }
    }
}

fn state(state: palisade_journal::verify::State) -> &'static str {
    use palisade_journal::verify::State;
    match state {
        State::Open => "runs",
        State::Ended => "ended",
        State::EndedHard => "ended hard",
        _ => "unknown",
    }
}

fn journal(report: &Report) -> Markup {
    let journal = &report.journal;
    html! {
        p {
            (journal.records) " records of " (journal.sessions) " sessions and "
            (journal.ledger_entries) " entries of the ledger hold together. "
            (report.records) " records are in the period."
        }
        @for damage in journal.damage.iter().chain(&journal.unreadable) {
            p.none { (escaped(damage)) }
        }
        @if !journal.ended_hard.is_empty() {
            p {
                "Ended without an entry of their end, so that records after the last may be missing: "
                @for id in &journal.ended_hard { code { (id) } " " }
            }
        }
    }
}
