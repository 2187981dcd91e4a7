//! The policy while it is being gathered: entries with where each is from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    Request,
    error::ImportError,
    note::{Note, Outcome, Place},
    paths,
    read::{self, Format, Owner},
    tree::Document,
};

/// A list of the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// `filesystem.read`
    Read,
    /// `filesystem.write`
    Write,
    /// `filesystem.deny`
    Hide,
    /// `network.hosts`
    Fixed,
    /// `network.rules`
    Network,
    /// `permissions.allow`
    Allow,
    /// `permissions.ask`
    Ask,
    /// `permissions.deny`
    Deny,
    /// `process.environment.set`
    Variable,
    /// `hooks.EVENT`
    Hook(String),
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) place: Place,
    /// What it was there, for messages.
    pub(crate) what: String,
    /// Entries of a network rule's `http`. A rule that had some never stays without.
    pub(crate) http: Vec<Entry>,
}

impl Entry {
    pub(crate) fn new(value: impl Into<Value>, place: &Place, what: impl Into<String>) -> Self {
        Self { value: value.into(), place: place.clone(), what: what.into(), http: Vec::new() }
    }

    /// Whether requests are refused by it, whatever else permits them.
    pub(crate) fn refuses(&self) -> bool {
        self.value.get("deny").is_some() || self.http.iter().any(Entry::refuses)
    }
}

/// A folder of which nothing is shown but some parts.
#[derive(Debug)]
pub(crate) struct Hidden {
    pub(crate) folder: PathBuf,
    pub(crate) place: Place,
    /// What is shown all the same: the workspace, and what the tool names.
    pub(crate) but: Vec<PathBuf>,
}

/// All that was gathered.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) request: &'a Request,
    /// The profile that the policy builds on.
    pub(crate) extends: Option<&'static str>,
    /// `filesystem.workspace.access`
    pub(crate) access: Option<(&'static str, Place)>,
    /// `permissions.mode`
    pub(crate) mode: Option<(&'static str, Place)>,
    pub(crate) lists: BTreeMap<Section, Vec<Entry>>,
    pub(crate) hidden: Vec<Hidden>,
    pub(crate) notes: Vec<Note>,
    pub(crate) files: Vec<PathBuf>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(request: &'a Request) -> Self {
        Self {
            request,
            extends: None,
            access: None,
            mode: None,
            lists: BTreeMap::new(),
            hidden: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Reads a file, if it is there.
    pub(crate) fn file(
        &mut self,
        path: &Path,
        format: Format,
        owner: Owner,
    ) -> Result<Option<Document>, ImportError> {
        let found = read::file(path, format, owner)?;
        if found.is_some() && owner != Owner::State {
            self.files.push(path.to_owned());
        }
        Ok(found)
    }

    /// A file that the command line names: it has to be there.
    pub(crate) fn named(&mut self, path: &Path, format: Format) -> Result<Document, ImportError> {
        self.file(path, format, Owner::User)?.ok_or_else(|| ImportError::Unreadable {
            file: path.to_owned(),
            why: "there is no such file".into(),
        })
    }

    pub(crate) fn carried(
        &mut self,
        place: &Place,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.note(Outcome::Carried, place, what, why);
    }

    pub(crate) fn stricter(
        &mut self,
        place: &Place,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.note(Outcome::Stricter, place, what, why);
    }

    pub(crate) fn lost(&mut self, place: &Place, what: impl Into<String>, why: impl Into<String>) {
        self.note(Outcome::Lost, place, what, why);
    }

    pub(crate) fn note(
        &mut self,
        outcome: Outcome,
        place: &Place,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        let note = Note {
            outcome,
            file: place.file.clone(),
            line: (place.line > 0).then_some(place.line),
            what: short(what.into()),
            why: short(why.into()),
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds an entry, unless the list has it.
    pub(crate) fn add(&mut self, section: Section, entry: Entry) {
        let list = self.lists.entry(section).or_default();
        let known = |known: &Entry| known.value == entry.value && known.http == entry.http;
        if !list.iter().any(known) {
            list.push(entry);
        }
    }

    pub(crate) fn of(&self, section: &Section) -> &[Entry] {
        self.lists.get(section).map(Vec::as_slice).unwrap_or_default()
    }

    /// Shows a path. What is not there would stop each launch.
    pub(crate) fn grant(&mut self, writable: bool, path: &Path, place: &Place, what: &str) {
        if let Some(why) = paths::own(path, &self.request.home) {
            return self.stricter(place, what, why);
        }
        if path == self.request.project {
            let access =
                if writable { "the workspace is writable" } else { "the workspace is shown" };
            if writable {
                self.access = Some(("rw", place.clone()));
            }
            return self.carried(place, what, access);
        }
        if !path.exists() {
            let why = "there is no such file or folder now, and a launch needs what a policy grants: make it, and add it";
            return self.lost(place, what, why);
        }
        let Some(text) = paths::shown(path, self.request) else {
            return self.lost(place, what, "the path is not UTF-8");
        };
        let section = if writable { Section::Write } else { Section::Read };
        let word = if writable { "filesystem.write" } else { "filesystem.read" };
        self.carried(place, what, format!("{word}: {text}"));
        self.add(section, Entry::new(json!(text), place, what));
    }

    /// Hides a path or a glob.
    pub(crate) fn hide(&mut self, text: &str, place: &Place, what: &str) {
        self.add(Section::Hide, Entry::new(json!(text), place, what));
    }

    /// A network rule for a host, or for an address.
    pub(crate) fn network(&mut self, rule: Value, http: Vec<Entry>, place: &Place, what: &str) {
        let entry = Entry { http, ..Entry::new(rule, place, what) };
        self.add(Section::Network, entry);
    }

    /// What was said in place of a hook that cannot run here: its tools are asked.
    pub(crate) fn without_hook(
        &mut self,
        event: &str,
        matcher: Option<&str>,
        place: &Place,
        why: &str,
    ) {
        let what =
            format!("hooks.{event}{}", matcher.map(|it| format!(" ({it})")).unwrap_or_default());
        if event != "PreToolUse" {
            return self.lost(place, what, why);
        }
        let all = vec!["*".to_owned()];
        let rules = match matcher.map(str::trim) {
            None | Some("" | "*") => all,
            Some(names)
                if names.chars().all(|c| c.is_ascii_alphanumeric() || "_-,| ".contains(c)) =>
            {
                names
                    .split([',', '|'])
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .collect()
            }
            Some(_) => all,
        };
        self.stricter(
            place,
            what.clone(),
            format!("{why}; what it would be asked about is asked of you: {}", rules.join(", ")),
        );
        for rule in rules {
            let rule =
                if crate::rules::is_valid(&rule, palisade_permissions::List::Ask, self.request) {
                    rule
                } else {
                    "*".into()
                };
            self.add(Section::Ask, Entry::new(rule, place, what.clone()));
        }
    }

    /// What contradicts itself by the rules of a policy, and not of the tool.
    pub(crate) fn tidy(&mut self) {
        let refused: Vec<Value> =
            self.of(&Section::Deny).iter().map(|entry| entry.value.clone()).collect();
        for section in [Section::Allow, Section::Ask] {
            let Some(list) = self.lists.get_mut(&section) else { continue };
            let (gone, kept) = list.drain(..).partition(|entry| refused.contains(&entry.value));
            *list = kept;
            let gone: Vec<Entry> = gone;
            for entry in gone {
                self.carried(
                    &entry.place,
                    entry.what,
                    "a deny of the same wins, so this is left out",
                );
            }
        }
        self.lists.retain(|_, list| !list.is_empty());
    }
}

/// Notes are for reading.
fn short(text: String) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
