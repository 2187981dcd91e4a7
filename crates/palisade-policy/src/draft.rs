//! One document, checked by itself: every path absolute, every name parsed, every error found.

mod fields;
mod filesystem;
mod inference;
mod network;
mod not_built;
mod paths;
mod process;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use palisade_core::HostName;

use crate::{
    at::{At, Place},
    diagnostic::{Diagnostic, Diagnostics},
    document::Document,
    policy::{
        Access, Deny, Grant, HeaderCredential, NetworkRule, NotBuilt, ProcessLimits, Provider,
        Route, Source, Syscalls,
    },
};

/// Which layer a document is of, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Managed,
    CommandLine,
    Project,
    User,
    Profile,
}

impl Layer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Layer::Managed => "managed",
            Layer::CommandLine => "command line",
            Layer::Project => "project",
            Layer::User => "user",
            Layer::Profile => "profile",
        }
    }
}

/// Where a document comes from and what its paths start at.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) layer: Layer,
    /// As it is shown.
    pub(crate) file: String,
    /// What relative paths start at.
    pub(crate) base: PathBuf,
    pub(crate) home: PathBuf,
    /// The workspace if the document names none.
    pub(crate) workspace_dir: PathBuf,
}

/// A document that is right by itself.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    /// Its text, for excerpts.
    pub(crate) text: String,
    pub(crate) extends: Vec<At<String>>,
    pub(crate) workspace: Option<At<PathBuf>>,
    pub(crate) access: Option<At<Access>>,
    pub(crate) grants: Vec<At<Grant>>,
    pub(crate) deny: Vec<At<Deny>>,
    pub(crate) hosts: BTreeMap<HostName, At<Vec<IpAddr>>>,
    pub(crate) rules: Vec<At<NetworkRule>>,
    pub(crate) credentials: BTreeMap<String, At<Option<HeaderCredential>>>,
    pub(crate) providers: BTreeMap<String, At<DraftProvider>>,
    pub(crate) routes: Vec<At<Route>>,
    pub(crate) limits: At<ProcessLimits>,
    pub(crate) syscalls: At<Syscalls>,
    pub(crate) pass: Vec<At<String>>,
    pub(crate) set: BTreeMap<String, At<String>>,
    pub(crate) not_built: Vec<NotBuilt>,
    /// Names of credentials that are used, to be found in some layer.
    pub(crate) uses: Vec<At<String>>,
}

/// A provider whose credential is still a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftProvider {
    pub(crate) provider: Provider,
    pub(crate) credential: Option<At<String>>,
}

/// Check a document.
pub(crate) fn draft(
    origin: Origin,
    source: Source,
    text: String,
    document: Document,
) -> Result<Draft, Diagnostics> {
    let mut check =
        Check { origin: &origin, text: &text, found: Vec::new(), not_built: Vec::new() };
    let (workspace, access, grants, deny) =
        filesystem::check(&mut check, document.filesystem.as_ref());
    let (hosts, rules) = network::check(&mut check, document.network.as_ref());
    let credentials = inference::credentials(&mut check, &document.credentials);
    let (providers, routes) = inference::check(&mut check, document.inference.as_ref());
    let (limits, syscalls, pass, set) = process::check(&mut check, document.process.as_ref());
    not_built::check(&mut check, &document);
    let uses = fields::uses(&document);
    let Check { found, not_built, .. } = check;
    Diagnostics::unless_empty(found)?;
    Ok(Draft {
        source,
        extends: document.extends,
        workspace,
        access,
        grants,
        deny,
        hosts,
        rules,
        credentials,
        providers,
        routes,
        limits,
        syscalls,
        pass,
        set,
        not_built,
        uses,
        origin,
        text,
    })
}

/// What a check needs and finds.
pub(crate) struct Check<'a> {
    pub(crate) origin: &'a Origin,
    text: &'a str,
    found: Vec<Diagnostic>,
    not_built: Vec<NotBuilt>,
}

impl Check<'_> {
    fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::at(&self.origin.file, self.text, place, message, help));
    }

    fn not_built(&mut self, what: impl Into<String>, place: Place) {
        let at = format!("{}:{}:{}", self.origin.file, place.line, place.column);
        self.not_built.push(NotBuilt { what: what.into(), at });
    }

    fn path(&mut self, text: &At<String>) -> Option<PathBuf> {
        match paths::absolute(&text.value, self.origin) {
            Ok(path) => Some(path),
            Err(error) => {
                self.wrong(text.place, error.message, error.help);
                None
            }
        }
    }
}

impl Draft {
    /// A diagnostic about something in this document.
    pub(crate) fn wrong(
        &self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::at(&self.origin.file, &self.text, place, message, help)
    }

    /// Whether a profile wrote it, and so what it names is optional.
    pub(crate) fn is_profile(&self) -> bool {
        self.origin.layer == Layer::Profile
    }
}

/// Text for a message: escaped, and not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// Whether a path is what is named, or lies in it.
pub(crate) fn covers(named: &Path, path: &Path) -> bool {
    path.starts_with(named)
}
