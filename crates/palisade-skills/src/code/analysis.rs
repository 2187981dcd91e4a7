//! The state of one analysis of a package.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::excerpt;
use super::ir::Ir;
use super::language::{self, Language};
use super::lower;
use super::origin::{Origin, Tag};
use super::rules;
use super::value::{Taint, Value};
use crate::{Capability, Confidence, Finding, Place, Rule, Seen, Severity, Use};

/// A program that is analysed: a file, a snippet of a text, a decoded payload.
pub(crate) struct Unit {
    pub(crate) language: Language,
    pub(crate) source: Rc<str>,
    /// Where its first character stands.
    pub(crate) origin: Place,
    /// Does it run without being asked for?
    pub(crate) auto_run: bool,
    /// Is it a snippet of prose?
    pub(crate) prose: bool,
    /// Is it shown as what to avoid or to detect?
    pub(crate) quoted: bool,
    pub(crate) ir: Rc<Ir>,
    pub(crate) globals: HashMap<String, Value>,
    /// What functions put into its variables in an earlier round.
    pub(crate) sticky: HashMap<String, Taint>,
    /// Its arguments and its input, as another unit gives them.
    pub(crate) input: Value,
    pub(crate) state: State,
    /// The functions that were followed.
    pub(crate) followed: HashSet<u32>,
    /// Code inside code is shown where the outer stands.
    pub(crate) anchor: Option<(usize, u32)>,
    lines: Vec<u32>,
    /// How many characters stand before each [`STRIDE`]th byte.
    characters: Vec<u32>,
}

/// Bytes between two counts of characters.
const STRIDE: usize = 256;
/// Characters of a line that an excerpt may need.
const LONGEST_LINE: usize = 600;

impl Unit {
    /// How many characters stand before a byte.
    fn characters(&self, offset: u32) -> u32 {
        let offset = offset as usize;
        let from = offset / STRIDE;
        let counted = self.characters.get(from).copied().unwrap_or_default();
        let rest = self.source.as_bytes().get(from * STRIDE..offset).unwrap_or_default();
        counted.saturating_add(starts(rest))
    }
}

/// How many bytes start a character.
fn starts(bytes: &[u8]) -> u32 {
    let count = bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn counts(source: &str) -> Vec<u32> {
    let mut total = 0u32;
    let mut all = vec![0];
    for chunk in source.as_bytes().chunks(STRIDE) {
        total = total.saturating_add(starts(chunk));
        all.push(total);
    }
    all
}

/// How far a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    New,
    Running,
    Done,
}

/// The variables of a function.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) variables: HashMap<String, Value>,
    /// Are the scopes below those of another function?
    pub(crate) closed: bool,
    pub(crate) returns: Vec<Value>,
}

/// One analysis.
pub(crate) struct Analysis {
    pub(crate) units: Vec<Unit>,
    /// Unit by path.
    pub(crate) paths: HashMap<String, usize>,
    pub(crate) origins: Vec<Origin>,
    /// What was written to each path.
    pub(crate) files: HashMap<String, Value>,
    pub(crate) scopes: Vec<Scope>,
    /// Conditions that hold where the analysis is.
    pub(crate) gates: Vec<Taint>,
    /// Where the analysis is: a unit and a byte in it.
    pub(crate) here: (usize, u32),
    /// How deep calls and nested code are.
    pub(crate) depth: u32,
    /// Steps until calls are no longer followed, and until the analysis stops.
    pub(crate) inline_left: usize,
    pub(crate) steps_left: usize,
    /// Bytes that folding may still make.
    pub(crate) fold_left: usize,
    /// What the command that is looked at reads from its standard input.
    pub(crate) input: Option<Value>,
    /// What joined to a connection: a shell, standard input.
    pub(crate) joined: Joined,
    /// The bytes of the package's files, by path.
    pub(crate) data: HashMap<String, Arc<[u8]>>,
    /// The words of the package's name, description and addresses.
    pub(crate) words: BTreeSet<String>,
    /// How many commands that run by themselves were searched for scripts.
    pub(crate) marked: usize,
    /// Is the package about security by its own words?
    pub(crate) teaching: bool,
    /// Are the files and inputs new since the last round?
    pub(crate) changed: bool,
    /// Does the code that is run do nothing that matters?
    pub(crate) idle: bool,
    findings: Vec<Finding>,
    found: HashMap<(&'static str, Place), usize>,
    capabilities: BTreeSet<Capability>,
}

/// What was seen of the parts of a shell for somebody outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Joined {
    /// A connection outwards that was opened.
    pub(crate) connection: Option<(usize, u32)>,
    /// Descriptors that were made copies of it.
    pub(crate) duplicated: u32,
}

impl Analysis {
    pub(crate) fn new() -> Self {
        Self {
            units: Vec::new(),
            paths: HashMap::new(),
            origins: Vec::new(),
            files: HashMap::new(),
            scopes: Vec::new(),
            gates: Vec::new(),
            here: (0, 0),
            depth: 0,
            inline_left: 20_000,
            steps_left: 100_000,
            fold_left: 4 << 20,
            input: None,
            joined: Joined::default(),
            data: HashMap::new(),
            words: BTreeSet::new(),
            marked: 0,
            teaching: false,
            changed: false,
            idle: false,
            findings: Vec::new(),
            found: HashMap::new(),
            capabilities: BTreeSet::new(),
        }
    }

    /// Parses a program and adds it; what cannot be parsed becomes a finding.
    pub(crate) fn add(
        &mut self,
        language: Language,
        source: &str,
        origin: Place,
        auto_run: bool,
        prose: bool,
    ) -> Option<usize> {
        let Some(tree) = language::parse(language, source) else {
            self.not_vetted(&origin, "the file is too large or too odd to be parsed");
            return None;
        };
        let mut ir = lower::lower(language, source, &tree);
        ir.index(language == Language::PowerShell);
        if ir.cut {
            self.not_vetted(&origin, "the code is nested deeper than it is followed");
        }
        self.inline_left = self.inline_left.saturating_add(ir.len().saturating_mul(8));
        self.steps_left = self.steps_left.saturating_add(ir.len().saturating_mul(30));
        self.fold_left = self.fold_left.saturating_add(source.len().saturating_mul(16));
        let lines = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
            .filter_map(|at| u32::try_from(at).ok())
            .collect();
        self.units.push(Unit {
            language,
            source: source.into(),
            origin,
            auto_run,
            prose,
            quoted: false,
            ir: Rc::new(ir),
            globals: HashMap::new(),
            sticky: HashMap::new(),
            input: Value::default(),
            state: State::New,
            followed: HashSet::new(),
            anchor: None,
            lines,
            characters: counts(source),
        });
        Some(self.units.len() - 1)
    }

    pub(crate) fn not_vetted(&mut self, place: &Place, why: &str) {
        self.push(Finding {
            rule: &rules::NOT_VETTED,
            severity: Severity::Medium,
            confidence: Confidence::High,
            place: place.clone(),
            excerpt: String::new(),
            message: format!("Not vetted: {why}."),
            related: Vec::new(),
        });
    }

    /// The unit in which the analysis is.
    pub(crate) fn unit(&self) -> Option<&Unit> {
        self.units.get(self.here.0)
    }

    pub(crate) fn language(&self) -> Language {
        self.unit().map_or(Language::Shell, |unit| unit.language)
    }

    /// Is what the analysis looks at only a snippet in prose, which nothing runs by itself?
    pub(crate) fn is_prose(&self) -> bool {
        self.outermost().is_some_and(|unit| unit.prose && !unit.auto_run)
    }

    pub(crate) fn is_auto_run(&self) -> bool {
        self.outermost().is_some_and(|unit| unit.auto_run)
    }

    pub(crate) fn outermost(&self) -> Option<&Unit> {
        let (unit, _) = self.anchored(self.here);
        self.units.get(unit)
    }

    fn anchored(&self, mut at: (usize, u32)) -> (usize, u32) {
        // Anchors point to earlier units only, so this ends.
        while let Some(anchor) = self.units.get(at.0).and_then(|unit| unit.anchor) {
            at = anchor;
        }
        at
    }

    /// The place of a byte of a unit.
    pub(crate) fn place(&self, at: (usize, u32)) -> Place {
        let (unit, offset) = self.anchored(at);
        let Some(unit) = self.units.get(unit) else {
            return Place { file: String::new(), line: 0, column: 0 };
        };
        let line = unit.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = unit.lines.get(line).copied().unwrap_or_default();
        let column = unit.characters(offset).saturating_sub(unit.characters(start)) + 1;
        let first = line == 0;
        let line = u32::try_from(line).unwrap_or_default();
        Place {
            file: unit.origin.file.clone(),
            line: unit.origin.line.max(1) + line,
            column: match first {
                true => column + unit.origin.column.saturating_sub(1),
                false => column,
            },
        }
    }

    /// The line of the source at a place.
    pub(crate) fn line(&self, at: (usize, u32)) -> String {
        let (unit, offset) = self.anchored(at);
        let Some(unit) = self.units.get(unit) else { return String::new() };
        // A line can be as long as the file, and this is asked for often.
        let rest = unit.source.get(offset as usize..).unwrap_or_default();
        let end = rest.char_indices().nth(LONGEST_LINE).map_or(rest.len(), |(at, _)| at);
        excerpt::safe(rest.get(..end).unwrap_or_default().lines().next().unwrap_or_default())
    }

    pub(crate) fn origin(&mut self, tag: Tag) -> Taint {
        let place = self.anchored(self.here);
        let origin = Origin { tag, at: place };
        // The same call in a loop or in several contexts is one origin.
        let from = self.origins.len().saturating_sub(64);
        let recent = self.origins.iter().skip(from).position(|known| *known == origin);
        let index = match recent {
            Some(index) => from + index,
            None => {
                self.origins.push(origin);
                self.origins.len() - 1
            }
        };
        Taint::one(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(crate) fn tags<'s>(&'s self, taint: &'s Taint) -> impl Iterator<Item = &'s Origin> {
        taint.origins().iter().filter_map(|index| self.origins.get(*index as usize))
    }

    pub(crate) fn has(&self, taint: &Taint, wanted: impl Fn(&Tag) -> bool) -> bool {
        self.tags(taint).any(|origin| wanted(&origin.tag))
    }

    pub(crate) fn can(&mut self, what: Use) {
        let place = self.place(self.here);
        self.capabilities.insert(Capability { what, place });
    }

    /// Reports a finding here, with the places that its values come from.
    pub(crate) fn report(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        confidence: Confidence,
        message: String,
        from: &Taint,
    ) {
        let excerpt = self.line(self.here);
        self.report_text(rule, severity, confidence, message, from, excerpt);
    }

    /// The same, with an excerpt that was decoded.
    pub(crate) fn report_text(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        confidence: Confidence,
        message: String,
        from: &Taint,
        excerpt: String,
    ) {
        let place = self.place(self.here);
        // What is shown to be avoided is no order to run it; a person should look.
        let quoted = self.outermost().is_some_and(|unit| unit.quoted);
        let (severity, confidence) = match quoted {
            true => (severity.min(Severity::Medium), Confidence::Low),
            false => (severity, confidence),
        };
        let mut related: Vec<Place> =
            self.tags(from).map(|origin| self.place(origin.at)).filter(|at| *at != place).collect();
        let gates: Vec<Place> = self
            .gates
            .iter()
            .flat_map(|gate| self.tags(gate))
            .filter(|origin| origin.tag.is_gate())
            .map(|origin| self.place(origin.at))
            .collect();
        if severity >= Severity::High
            && let Some(gate) = gates.first()
        {
            let mut places = gates.clone();
            places.push(place.clone());
            self.push(Finding {
                rule: &rules::CONDITION,
                severity: Severity::Medium,
                confidence: Confidence::Medium,
                place: gate.clone(),
                excerpt: excerpt.clone(),
                message: format!(
                    "What happens at line {} depends on the time, the machine or a check for tests.",
                    place.line
                ),
                related: vec![place.clone()],
            });
        }
        related.extend(gates);
        related.sort();
        related.dedup();
        related.truncate(8);
        self.push(Finding { rule, severity, confidence, place, excerpt, message, related });
    }

    /// Reports a finding at a place of no unit.
    pub(crate) fn report_at(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        confidence: Confidence,
        place: Place,
        excerpt: String,
        message: String,
    ) {
        self.push(Finding {
            rule,
            severity,
            confidence,
            place,
            excerpt,
            message,
            related: Vec::new(),
        });
    }

    fn push(&mut self, finding: Finding) {
        let key = (finding.rule.id, finding.place.clone());
        match self.found.get(&key).and_then(|at| self.findings.get_mut(*at)) {
            // The same place is seen from several callers: the worst counts.
            Some(known) => {
                if (finding.severity, finding.confidence) > (known.severity, known.confidence) {
                    *known = finding;
                }
            }
            None => {
                self.found.insert(key, self.findings.len());
                self.findings.push(finding);
            }
        }
    }

    pub(crate) fn finish(self) -> Seen {
        let mut findings = self.findings;
        findings.sort_by(|a, b| (&a.place, a.rule.id).cmp(&(&b.place, b.rule.id)));
        Seen { findings, capabilities: self.capabilities.into_iter().collect() }
    }
}
