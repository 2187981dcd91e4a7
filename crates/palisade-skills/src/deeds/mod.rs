//! What programs do, told from their text in any language: pairs of deeds that are hardly ever harmless together.
//!
//! [`crate::code`] follows data through the languages that it parses. What it cannot follow (a library that it
//! does not know, a language without a parser, a value that goes through a file or another program) still names
//! both ends in its text: where a secret lies, and whom it talks to. Each pairing here needs two signs of
//! different kinds, and holds whatever names, hosts and languages are used.

mod account;
mod addressed;
mod assembled;
mod authority;
mod bulk;
mod bundled;
mod carried;
mod carriers;
mod chance;
mod channels;
mod commanded;
mod computed;
mod concealed;
mod digested;
mod doors;
mod effaced;
mod elevated;
mod enrolled;
mod everywhere;
mod exchanged;
mod fetched;
mod filled_in;
mod formula;
mod gateways;
mod gathered;
mod grants;
mod handed;
mod issued;
mod let_in;
mod listed;
mod locked;
mod login_keys;
mod mail;
mod managed;
mod names;
mod near_modules;
mod onward;
mod outward;
mod passed;
mod payees;
mod phrase;
mod planted;
mod platform;
mod posing;
mod pretence;
mod product;
mod programs;
mod recipients;
mod redirect;
mod released;
mod relocked;
mod remote;
mod rows;
mod ruin;
mod rules;
mod sealed;
mod secrets;
mod seeded;
mod served;
mod shared;
mod slackened;
mod spread;
mod started;
mod tamper;
mod templates;
#[cfg(test)]
mod tests;
mod tokens;
mod undeclared;
mod unfolded;
mod unglued;
mod unhosted;
mod veiled;
mod workload;

pub(crate) use handed::HANDED;
pub(crate) use redirect::is_placeholder_address as is_placeholder;
pub(crate) use rules::RULES;

use programs::Program;

use crate::{Confidence, FileKind, Package, Place, Rule, Seen, Severity, formats::Profile};

/// Looks at all programs of a package, each by itself and together.
pub(crate) fn look(package: &Package, profile: &Profile) -> Seen {
    let mut seen = Seen::default();
    let programs = programs::all(package);
    let left = sealed::left_alone(package);
    for program in &programs {
        let mut report = Report { program, profile, seen: &mut seen };
        secrets::look(&mut report);
        outward::look(&mut report);
        spread::look(&mut report);
        ruin::look(&mut report);
        fetched::look(&mut report);
        concealed::look(&mut report);
        veiled::look(&mut report);
        carriers::look(&mut report);
        assembled::look(&mut report);
        names::look(&mut report);
        planted::look(&mut report);
        remote::look(&mut report);
        platform::look(&mut report);
        product::look(&mut report);
        redirect::look(&mut report);
        tamper::look(&mut report);
        tokens::look(&mut report, FileKind::Unknown);
        bulk::look(&mut report);
        account::look(&mut report);
        issued::look(&mut report);
        let_in::look(&mut report);
        unhosted::look(&mut report);
        mail::look(&mut report);
        grants::look(&mut report);
        managed::look(&mut report);
        released::look(&mut report);
        chance::look(&mut report);
        pretence::look(&mut report);
        templates::look(&mut report);
        channels::look(&mut report);
        elevated::look(&mut report);
        commanded::look(&mut report);
        enrolled::look(&mut report);
        seeded::look(&mut report);
        digested::look(&mut report);
        sealed::look(&mut report, &left);
        started::look(&mut report);
        workload::look(&mut report);
        bundled::look(&mut report);
        everywhere::look(&mut report);
        effaced::look(&mut report);
        if !program.prose {
            formula::look(&mut report);
            doors::look(&mut report);
        }
        // Whoever cuts or masks an address keeps it from the reader: that is told of what stands there.
        if let Some(written) = program.as_written() {
            let mut report = Report { program: &written, profile, seen: &mut seen };
            concealed::look(&mut report);
            veiled::look(&mut report);
            assembled::look(&mut report);
            fetched::look(&mut report);
        }
    }
    // A formula stands in a cell of a table, in a list, or in a sentence.
    for program in package.files.iter().filter_map(programs::whole) {
        let mut report = Report { program: &program, profile, seen: &mut seen };
        formula::look(&mut report);
        issued::device(&mut report);
        if !program.path.ends_with(".md") {
            templates::zone(&mut report);
        }
        released::unignored(&mut report);
        channels::text(&mut report);
        login_keys::look(&mut report);
    }
    for program in programs.iter().filter(|program| !program.prose) {
        login_keys::look(&mut Report { program, profile, seen: &mut seen });
    }
    for (kind, settings) in programs::settings(package) {
        let mut report = Report { program: &settings, profile, seen: &mut seen };
        redirect::look(&mut report);
        tamper::look(&mut report);
        tokens::look(&mut report, kind);
        fetched::spelled(&mut report);
        let_in::look(&mut report);
        unhosted::look(&mut report);
        mail::look(&mut report);
        grants::look(&mut report);
        released::look(&mut report);
        templates::look(&mut report);
        channels::look(&mut report);
        elevated::look(&mut report);
        enrolled::look(&mut report);
        seeded::look(&mut report);
        formula::look(&mut report);
        workload::look(&mut report);
        bundled::look(&mut report);
        login_keys::look(&mut report);
    }
    authority::look(package, &programs, profile, &mut seen);
    for file in &package.files {
        product::names(file, &mut seen);
    }
    carriers::files(package, profile, &mut seen);
    assembled::files(package, profile, &mut seen);
    secrets::together(package, &programs, profile, &mut seen);
    carried::look(package, profile, &mut seen);
    locked::look(package, profile, &mut seen);
    onward::look(package, profile, &mut seen);
    rows::look(package, profile, &mut seen);
    shared::look(package, profile, &mut seen);
    recipients::look(package, profile, &mut seen);
    pretence::settings(package, profile, &mut seen);
    redirect::texts(package, profile, &mut seen);
    let_in::texts(package, profile, &mut seen);
    computed::look(package, profile, &mut seen);
    templates::keys(package, profile, &mut seen);
    channels::files(package, &programs, profile, &mut seen);
    exchanged::look(package, profile, &mut seen);
    posing::look(package, profile, &mut seen);
    addressed::look(package, profile, &mut seen);
    relocked::look(package, profile, &mut seen);
    phrase::look(package, &programs, profile, &mut seen);
    gathered::look(package, profile, &mut seen);
    undeclared::look(package, &programs, profile, &mut seen);
    passed::look(package, &programs, profile, &mut seen);
    served::look(package, &programs, profile, &mut seen);
    filled_in::look(package, profile, &mut seen);
    sealed::texts(package, profile, &mut seen);
    slackened::look(package, profile, &mut seen);
    everywhere::texts(package, profile, &mut seen);
    payees::look(package, profile, &mut seen);
    gateways::look(package, profile, &mut seen);
    near_modules::look(package, &mut seen);
    seen
}

/// Where findings of one program go.
struct Report<'a> {
    program: &'a Program<'a>,
    profile: &'a Profile,
    seen: &'a mut Seen,
}

impl Report<'_> {
    /// Reports at a byte of the program's text.
    fn say(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        confidence: Confidence,
        at: usize,
        message: impl Into<String>,
    ) {
        let finding = found(self.program, self.profile, rule, severity, confidence, at, message);
        self.seen.findings.push(finding);
    }
}

fn found(
    program: &Program<'_>,
    profile: &Profile,
    rule: &'static Rule,
    severity: Severity,
    confidence: Confidence,
    at: usize,
    message: impl Into<String>,
) -> crate::Finding {
    let (line, excerpt) = program.line(at);
    // A package about attacks shows them.
    let shown = program.prose || crate::judge::is_shown(program.path);
    // Its own program, which sends something away, is none of them; nor is a workflow or a setting that is copied as it
    // stands and hands over secrets, copies or the source of packages.
    let own = !shown
        && (program.path.contains("scripts/")
            && (rule.id == rules::UNTOLD.id || rule.id == handed::BULK.id)
            || ["assets/", "templates/", ".github/"]
                .iter()
                .any(|folder| program.path.contains(folder))
                && [
                    rules::WORKFLOW_SECRETS.id,
                    rules::BACKDOOR.id,
                    handed::COPY.id,
                    handed::SOURCE.id,
                ]
                .contains(&rule.id));
    // Whoever teaches shows a key with dots in it; one that is whole has an owner.
    let whole_key = rule.id == rules::LOGIN_KEY.id && confidence == Confidence::Medium;
    // Many of them say no more than one.
    let (severity, confidence) = match profile.security
        && !whole_key
        && (shown || !own && rule.id != rules::SECRET_AND_STRANGER.id)
    {
        true => (severity.min(Severity::Medium), Confidence::Low),
        false => (severity, confidence),
    };
    rule.at(program.path, line, 0, excerpt, message).of(severity).sure(confidence)
}

fn place(program: &Program<'_>, at: usize) -> Place {
    Place { file: program.path.to_owned(), line: program.line(at).0, column: 0 }
}
