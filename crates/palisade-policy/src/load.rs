//! Which documents take part, and reading each of them once.

use std::{
    collections::BTreeMap,
    ops::Deref,
    path::{Component, Path, PathBuf},
};

use palisade_core::PolicyDigest;

use crate::{
    at::At,
    diagnostic::{Diagnostic, Diagnostics},
    draft::{self, Draft, Layer, Origin, covers, shown},
    merge::{hooks, merge},
    narrow::narrowed,
    near::nearest,
    parse,
    policy::{Access, Policy, Source},
    profiles::{PROFILES, profile},
    read::{ReadError, is_there, read},
    real::real,
    trust::{Trust, trust_of},
    widening,
};

/// How deep `extends` may lead.
const DEEPEST: usize = 8;
/// The name of a project's policy.
pub const PROJECT_FILE: &str = "palisade.yaml";

/// Where documents are looked for.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What the command line names. It stands in place of the project's and the user's policy.
    pub command_line: Option<CommandLine>,
    /// What the command line asks for besides.
    pub asked: Asked,
    /// Where palisade is started: the workspace of a policy that names none, and the place of
    /// the project's file.
    pub workspace_dir: PathBuf,
    /// The home, for `~`.
    pub home: PathBuf,
    /// Where `policy.yaml` of the user is.
    pub config_dir: PathBuf,
    /// Where trust is kept.
    pub state_dir: PathBuf,
    /// The managed policy. Wins over all others if it exists.
    pub managed: PathBuf,
    /// The profile when neither the command line nor the user has one.
    pub default_profile: String,
}

/// What the command line asks for, over what the documents say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `--workspace`.
    pub access: Option<Access>,
    /// `--expose`.
    pub expose: Vec<u16>,
    /// Whether destinations that no rule names are asked for, whatever the documents say.
    pub ask: bool,
}

/// A policy named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// `--policy`.
    File(PathBuf),
    /// `--profile`.
    Profile(String),
}

/// Read and join all that take part.
///
/// # Errors
/// All that is wrong, each with its place and a remedy.
pub fn load(sources: &Sources) -> Result<Policy, Diagnostics> {
    let quick = joined(&Looked { sources, exactly: false });
    // What is wrong is told with its place, also where a profile is what does not fit.
    quick.or_else(|_| joined(&Looked { sources, exactly: true }))
}

/// Sources, and whether the places of what profiles say have to be known.
struct Looked<'a> {
    sources: &'a Sources,
    exactly: bool,
}

impl Deref for Looked<'_> {
    type Target = Sources;

    fn deref(&self) -> &Sources {
        self.sources
    }
}

fn joined(sources: &Looked<'_>) -> Result<Policy, Diagnostics> {
    let mut drafts = managed(sources)?;
    let mut led = BTreeMap::new();
    match &sources.command_line {
        Some(CommandLine::File(path)) => {
            drafts.extend(chain(sources, Layer::CommandLine, path)?);
        }
        Some(CommandLine::Profile(name)) => {
            drafts.extend(of_profile(sources, Layer::CommandLine, name)?);
        }
        None => {
            let own = user(sources)?;
            let path = sources.workspace_dir.join(PROJECT_FILE);
            if there(&path)? {
                let base: Vec<Draft> = drafts.iter().chain(&own).cloned().collect();
                drafts.extend(project(sources, &path, &base, &mut led)?);
            }
            drafts.extend(own);
        }
    }
    let mut policy = merge(&drafts, &sources.asked)?;
    if let Some(workspace) = &policy.filesystem.workspace {
        led.entry(workspace.path.clone()).or_insert_with(|| real(&workspace.path));
    }
    policy.led = led;
    Ok(policy)
}

/// Read one file with what it extends, by itself. Its folder stands for the one that palisade is
/// started in.
///
/// # Errors
/// As [`load`].
pub fn check_file(path: &Path, home: &Path) -> Result<Policy, Diagnostics> {
    check_file_for(path, &folder_of(&absolute(path)), home)
}

/// The same for another folder than its own: `workspace` stands for the one that palisade is started in.
///
/// # Errors
/// As [`load`].
pub fn check_file_for(path: &Path, workspace: &Path, home: &Path) -> Result<Policy, Diagnostics> {
    let sources = Sources {
        command_line: None,
        asked: Asked::default(),
        workspace_dir: workspace.to_owned(),
        home: home.to_owned(),
        config_dir: PathBuf::new(),
        state_dir: PathBuf::new(),
        managed: PathBuf::new(),
        default_profile: String::new(),
    };
    let sources = Looked { sources: &sources, exactly: true };
    merge(&chain(&sources, Layer::CommandLine, path)?, &Asked::default())
}

/// Check a text that is in no file yet, by itself, as one of a folder.
///
/// # Errors
/// As [`load`]; in messages the text is called `name`.
pub fn check_text(
    name: &str,
    text: &str,
    folder: &Path,
    workspace: &Path,
    home: &Path,
) -> Result<Policy, Diagnostics> {
    let sources = Sources {
        command_line: None,
        asked: Asked::default(),
        workspace_dir: workspace.to_owned(),
        home: home.to_owned(),
        config_dir: PathBuf::new(),
        state_dir: PathBuf::new(),
        managed: PathBuf::new(),
        default_profile: String::new(),
    };
    let mut chain = Chain {
        sources: &Looked { sources: &sources, exactly: true },
        layer: Layer::CommandLine,
        top: folder.to_owned(),
        above: vec![],
        drafts: vec![],
    };
    chain.follow(name.to_owned(), &folder.join(PROJECT_FILE), text.as_bytes())?;
    merge(&chain.drafts, &Asked::default())
}

/// What a project's file is: its digest, what it adds, and what the user has said of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProjectFile {
    /// Its real path.
    pub path: PathBuf,
    /// The digest of its bytes; with those of the files that it extends and of the hook scripts that they name,
    /// if there are any.
    pub digest: PolicyDigest,
    /// The files that it extends.
    pub extends: Vec<String>,
    /// What it adds to everybody else's policies.
    pub widens: Vec<Diagnostic>,
    /// What the user has said of exactly these bytes.
    pub trust: Trust,
}

/// Look at a project's file for `policy trust`. Its folder stands for the one that palisade is
/// started in.
///
/// # Errors
/// If it, what it adds to, or the store of trust cannot be read.
pub fn project_file(path: &Path, sources: &Sources) -> Result<ProjectFile, Diagnostics> {
    let mut sources = sources.clone();
    sources.workspace_dir = real(&folder_of(&absolute(path)));
    let sources = &Looked { sources: &sources, exactly: true };
    let mut base = managed(sources)?;
    base.extend(user(sources)?);
    let drafts = chain(sources, Layer::Project, path)?;
    Diagnostics::unless_empty(
        drafts.iter().flat_map(|draft| widening::leaving(draft, &BTreeMap::new())).collect(),
    )?;
    let digest = digest_of(&drafts, sources);
    let path = real(path);
    let trust = trust_of(&sources.state_dir, &path, &digest).map_err(no_trust)?;
    let policy = merge(&base, &Asked::default())?;
    let compared = widening::Base { policy: &policy, drafts: base.iter().collect() };
    let mut files = drafts.iter().filter(|draft| !draft.origin.profile);
    Ok(ProjectFile {
        path,
        digest,
        extends: files.by_ref().skip(1).map(|draft| draft.origin.file.clone()).collect(),
        widens: widening::find(&drafts, &compared, ""),
        trust,
    })
}

fn managed(sources: &Looked<'_>) -> Result<Vec<Draft>, Diagnostics> {
    if there(&sources.managed)? {
        chain(sources, Layer::Managed, &sources.managed)
    } else {
        Ok(Vec::new())
    }
}

/// The user's own policy, or else the default profile.
fn user(sources: &Looked<'_>) -> Result<Vec<Draft>, Diagnostics> {
    let path = sources.config_dir.join("policy.yaml");
    if there(&path)? {
        chain(sources, Layer::User, &path)
    } else {
        of_profile(sources, Layer::User, &sources.default_profile)
    }
}

/// A project's documents: whole if the user trusts them, else only what narrows `base`. `led` gets where
/// their paths lead.
fn project(
    sources: &Looked<'_>,
    path: &Path,
    base: &[Draft],
    led: &mut BTreeMap<PathBuf, PathBuf>,
) -> Result<Vec<Draft>, Diagnostics> {
    let mut drafts = chain(sources, Layer::Project, path)?;
    // Looked at once, without links: one that is put there later decides nothing.
    for path in drafts.iter().filter(|draft| !draft.origin.profile).flat_map(Draft::paths) {
        led.entry(path.clone()).or_insert_with(|| real(path));
    }
    Diagnostics::unless_empty(
        drafts.iter().flat_map(|draft| widening::leaving(draft, led)).collect(),
    )?;
    for path in drafts.iter_mut().filter_map(|draft| draft.workspace_path.as_mut()) {
        let real = led.get(&path.value).cloned().unwrap_or_default();
        led.insert(real.clone(), real.clone());
        path.value = real;
    }
    let trust = trust_of(&sources.state_dir, &real(path), &digest_of(&drafts, sources));
    let help = match &trust {
        Ok(Trust::Trusted) => return Ok(drafts),
        Ok(Trust::Changed) => HELP_CHANGED,
        Ok(Trust::None) | Err(_) => HELP,
    };
    let policy = merge(base, &sources.asked)?;
    let compared = widening::Base { policy: &policy, drafts: base.iter().collect() };
    let mut widens = widening::find(&drafts, &compared, help);
    if let (false, Err(error)) = (widens.is_empty(), trust) {
        widens.extend(no_trust(error));
    }
    Diagnostics::unless_empty(widens)?;
    Ok(drafts.into_iter().map(narrowed).collect())
}

const HELP: &str = "read the file; `palisade policy trust` takes it as it is now. Or run without \
                    it: `palisade run --profile NAME`";
const HELP_CHANGED: &str = "the file has changed since you trusted it, or a hook script that it \
                            names: read it again; `palisade policy trust` takes it as it is now";

fn no_trust(error: crate::TrustError) -> Diagnostics {
    Diagnostic::of(
        "the record of what you trust",
        format!("it cannot be used: {error}"),
        "mend or remove that file; what was trusted is then to be trusted again",
    )
    .into()
}

/// The digest that trust is about: that of the file, or of it, those that it extends, and the hook scripts
/// that they name, which run outside.
fn digest_of(drafts: &[Draft], sources: &Looked<'_>) -> PolicyDigest {
    let mut parts: Vec<String> = drafts
        .iter()
        .filter(|draft| !draft.origin.profile)
        .map(|draft| draft.source.digest.as_str().to_owned())
        .collect();
    let environment = [
        ("CLAUDE_PROJECT_DIR".into(), sources.workspace_dir.clone().into_os_string()),
        ("HOME".into(), sources.home.clone().into_os_string()),
    ];
    let scripts = palisade_hooks::scripts(&hooks(&drafts.iter().collect::<Vec<_>>()), &environment);
    parts.extend(scripts.iter().map(|script| palisade_hooks::fingerprint(script)));
    match (parts.as_slice(), drafts.first()) {
        ([_], Some(only)) => only.source.digest.clone(),
        (parts, _) => PolicyDigest::of(parts.join("\n").as_bytes()),
    }
}

fn there(path: &Path) -> Result<bool, Diagnostics> {
    is_there(path).map_err(|error| unread(&path.display().to_string(), error).into())
}

fn unread(file: &str, error: ReadError) -> Diagnostic {
    Diagnostic::of(file, error.why, error.help)
}

/// Absolute, and without links where `..` would not lead where its text says.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let turns = path.components().any(|part| part == Component::ParentDir);
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if turns => real(folder).join(name),
        _ => path,
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

/// A file and what it extends, the nearest first.
fn chain(sources: &Looked<'_>, layer: Layer, path: &Path) -> Result<Vec<Draft>, Diagnostics> {
    let file = path.display().to_string();
    let path = absolute(path);
    let bytes = read(&path, layer).map_err(|error| unread(&file, error))?;
    let mut chain = Chain { sources, layer, top: folder_of(&path), above: vec![], drafts: vec![] };
    chain.follow(file, &path, &bytes)?;
    Ok(chain.drafts)
}

struct Chain<'a> {
    sources: &'a Looked<'a>,
    layer: Layer,
    /// The folder of the first file.
    top: PathBuf,
    /// The files that led here.
    above: Vec<PathBuf>,
    drafts: Vec<Draft>,
}

impl Chain<'_> {
    fn follow(&mut self, file: String, path: &Path, bytes: &[u8]) -> Result<(), Diagnostics> {
        let draft = understand(self.sources, self.layer, file, folder_of(path), bytes)?;
        self.drafts.push(draft.clone());
        self.above.push(path.to_owned());
        let mut found = Vec::new();
        for name in &draft.extends {
            if let Err(wrong) = self.extend(&draft, name) {
                found.extend(wrong);
            }
        }
        self.above.pop();
        Diagnostics::unless_empty(found)
    }

    fn extend(&mut self, draft: &Draft, name: &At<String>) -> Result<(), Diagnostics> {
        let text = name.value.as_str();
        let wrong = |message: String, help: String| draft.wrong(name.place, message, help);
        if !text.contains(['/', '.']) {
            if profile(text).is_none() {
                let (message, help) = no_profile(text);
                let help = format!("{help}; a file is written with its path, `./{}`", shown(text));
                return Err(wrong(message, help).into());
            }
            self.drafts.extend(of_profile(self.sources, self.layer, text)?);
            return Ok(());
        }
        let next = match text.strip_prefix("~/") {
            Some(below) => self.sources.home.join(below),
            None => draft.origin.base.join(text),
        };
        let next = absolute(&next);
        if self.above.contains(&next) || self.above.len() >= DEEPEST {
            let message = format!("`{}` leads back here, or too deep", shown(text));
            return Err(wrong(message, "remove one `extends`".to_owned()).into());
        }
        if self.layer == Layer::Project && !covers(&real(&self.top), &real(&next)) {
            return Err(wrong(
                format!("`{}` leads out of the project's folder", shown(text)),
                "a project's policy builds on profiles and on files in its folder".to_owned(),
            )
            .into());
        }
        // Twice the same by two ways adds nothing.
        if self.drafts.iter().any(|draft| !draft.origin.profile && draft.path() == next) {
            return Ok(());
        }
        let bytes = read(&next, self.layer).map_err(|error| {
            wrong(format!("{}: {}", next.display(), error.why), error.help.into())
        })?;
        self.follow(next.display().to_string(), &next, &bytes)
    }
}

fn no_profile(name: &str) -> (String, String) {
    let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
    let help = match nearest(name, &known) {
        Some(near) => format!("did you mean `{near}`? Known: {}", known.join(", ")),
        None => format!("known: {}", known.join(", ")),
    };
    (format!("there is no profile `{}`", shown(name)), help)
}

/// A profile and those that it extends, with the authority of whoever names it.
fn of_profile(sources: &Looked<'_>, layer: Layer, name: &str) -> Result<Vec<Draft>, Diagnostics> {
    let Some(found) = profile(name) else {
        let (message, help) = no_profile(name);
        return Err(Diagnostic::of("--profile", message, help).into());
    };
    let document = parse::of_profile(found, sources.exactly)?;
    let origin = Origin {
        layer,
        profile: true,
        file: format!("profile {name}"),
        base: sources.workspace_dir.clone(),
        home: sources.home.clone(),
        workspace_dir: sources.workspace_dir.clone(),
    };
    let source = Source {
        layer: "profile",
        name: name.to_owned(),
        digest: PolicyDigest::of(found.text.as_bytes()),
    };
    let draft = draft::draft(origin, source, found.text.to_owned(), document)?;
    let mut drafts = Vec::new();
    for next in &draft.extends {
        drafts.extend(of_profile(sources, layer, &next.value)?);
    }
    drafts.insert(0, draft);
    Ok(drafts)
}

fn understand(
    sources: &Looked<'_>,
    layer: Layer,
    file: String,
    base: PathBuf,
    bytes: &[u8],
) -> Result<Draft, Diagnostics> {
    let document = parse::parse(&file, bytes)?;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let digest = PolicyDigest::of(bytes);
    let source = Source { layer: layer.name(), name: file.clone(), digest };
    let origin = Origin {
        layer,
        profile: false,
        file,
        base,
        home: sources.home.clone(),
        workspace_dir: sources.workspace_dir.clone(),
    };
    draft::draft(origin, source, text, document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_means_the_same_whether_its_places_are_known_or_not() {
        for profile in &PROFILES {
            let sources = Sources {
                command_line: Some(CommandLine::Profile(profile.name.to_owned())),
                asked: Asked::default(),
                workspace_dir: "/work".into(),
                home: "/home/me".into(),
                config_dir: "/nowhere".into(),
                state_dir: "/nowhere".into(),
                managed: "/nowhere/managed.yaml".into(),
                default_profile: "shell".into(),
            };
            let [quick, exact] = [false, true]
                .map(|exactly| joined(&Looked { sources: &sources, exactly }).unwrap());
            assert_eq!(quick.digest, exact.digest);
            assert_eq!(format!("{quick:?}"), format!("{exact:?}"), "{}", profile.name);
        }
    }
}
