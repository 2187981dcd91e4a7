//! Which documents take part, and reading each of them once.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use palisade_core::PolicyDigest;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    draft::{self, Draft, Layer, Origin},
    merge::merge,
    parse::{self, MOST_BYTES},
    policy::{Access, Policy, Source},
    profiles::{PROFILES, profile},
    trust, widening,
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
    /// `--workspace`.
    pub workspace_access: Option<Access>,
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
    let mut drafts = Vec::new();
    if sources.managed.symlink_metadata().is_ok() {
        drafts.extend(chain(sources, Layer::Managed, &sources.managed)?);
    }
    match &sources.command_line {
        Some(CommandLine::File(path)) => drafts.extend(chain(sources, Layer::CommandLine, path)?),
        Some(CommandLine::Profile(name)) => drafts.extend(of_profile(sources, name)?),
        None => {
            let user = sources.config_dir.join("policy.yaml");
            let mut own = if user.symlink_metadata().is_ok() {
                chain(sources, Layer::User, &user)?
            } else {
                of_profile(sources, &sources.default_profile)?
            };
            let base: Vec<Draft> = drafts.iter().chain(&own).cloned().collect();
            drafts.extend(project(sources, &base)?);
            drafts.append(&mut own);
        }
    }
    merge(&drafts, sources.workspace_access)
}

/// Read one file with what it extends, by itself. Its folder stands for the one that palisade is
/// started in.
///
/// # Errors
/// As [`load`].
pub fn check_file(path: &Path, home: &Path) -> Result<Policy, Diagnostics> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let sources = Sources {
        command_line: None,
        workspace_access: None,
        workspace_dir: whole.parent().unwrap_or(Path::new("/")).to_owned(),
        home: home.to_owned(),
        config_dir: PathBuf::new(),
        state_dir: PathBuf::new(),
        managed: PathBuf::new(),
        default_profile: String::new(),
    };
    merge(&chain(&sources, Layer::CommandLine, path)?, None)
}

/// What a project's file is: its digest, and what is wrong or not trusted about it.
#[derive(Debug)]
pub struct ProjectFile {
    /// Its real path.
    pub path: PathBuf,
    /// The digest of its bytes.
    pub digest: PolicyDigest,
    /// What it adds to everybody else's policies.
    pub widens: Vec<Diagnostic>,
}

/// Look at a project's file for `policy trust`.
///
/// # Errors
/// If it, or what it adds to, cannot be read.
pub fn project_file(path: &Path, sources: &Sources) -> Result<ProjectFile, Diagnostics> {
    let drafts = chain(sources, Layer::Project, path)?;
    let user = sources.config_dir.join("policy.yaml");
    let base = if user.symlink_metadata().is_ok() {
        chain(sources, Layer::User, &user)?
    } else {
        of_profile(sources, &sources.default_profile)?
    };
    let widens = drafts.iter().flat_map(|draft| widening::find(draft, &base)).collect();
    let digest = drafts.first().map(|draft| draft.source.digest.clone());
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Ok(ProjectFile { path: real, digest: digest.unwrap_or_else(|| PolicyDigest::of(b"")), widens })
}

fn project(sources: &Sources, base: &[Draft]) -> Result<Vec<Draft>, Diagnostics> {
    let path = sources.workspace_dir.join(PROJECT_FILE);
    if path.symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    let drafts = chain(sources, Layer::Project, &path)?;
    let Some(own) = drafts.first() else { return Ok(drafts) };
    let real = path.canonicalize().unwrap_or(path);
    if !trust::is_trusted(&sources.state_dir, &real, &own.source.digest) {
        let widens = drafts.iter().flat_map(|draft| widening::find(draft, base)).collect();
        Diagnostics::unless_empty(widens)?;
    }
    Ok(drafts)
}

/// A file and what it extends, the nearest first.
fn chain(sources: &Sources, layer: Layer, path: &Path) -> Result<Vec<Draft>, Diagnostics> {
    let mut drafts = Vec::new();
    follow(sources, layer, path, &mut Vec::new(), &mut drafts)?;
    Ok(drafts)
}

fn follow(
    sources: &Sources,
    layer: Layer,
    path: &Path,
    above: &mut Vec<PathBuf>,
    drafts: &mut Vec<Draft>,
) -> Result<(), Diagnostics> {
    let file = path.display().to_string();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let bytes = read(&path, layer).map_err(|error| {
        let help = "see that it is a regular file that you may read";
        Diagnostic::of(&file, error, help)
    })?;
    let base = path.parent().unwrap_or(Path::new("/")).to_owned();
    let draft = understand(sources, layer, file, base, &bytes)?;
    let extends = draft.extends.clone();
    drafts.push(draft);
    above.push(path.clone());
    for name in &extends {
        let wrong = |message: String, help: String| {
            let at = drafts.iter().find(|draft| draft.origin.file == path.display().to_string());
            match at.or(drafts.last()) {
                Some(draft) => draft.wrong(name.place, message, help),
                None => Diagnostic::of("extends", message, help),
            }
        };
        let text = &name.value;
        if !text.contains(['/', '.']) {
            let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
            if profile(text).is_none() {
                return Err(wrong(
                    format!("there is no profile `{}`", draft::shown(text)),
                    format!(
                        "known: {}; a file is written with its path, `./{text}`",
                        known.join(", ")
                    ),
                )
                .into());
            }
            drafts.extend(of_profile(sources, text)?);
            continue;
        }
        let next = path.parent().unwrap_or(Path::new("/")).join(text);
        if above.contains(&next) || above.len() >= DEEPEST {
            return Err(wrong(
                format!("`{}` leads back here, or too deep", draft::shown(text)),
                "remove one `extends`".to_owned(),
            )
            .into());
        }
        if next.symlink_metadata().is_err() {
            return Err(wrong(
                format!("there is no file {}", next.display()),
                "correct the path in `extends`".to_owned(),
            )
            .into());
        }
        follow(sources, layer, &next, above, drafts)?;
    }
    above.pop();
    Ok(())
}

fn of_profile(sources: &Sources, name: &str) -> Result<Vec<Draft>, Diagnostics> {
    let Some(found) = profile(name) else {
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        return Err(Diagnostic::of(
            name,
            format!("there is no profile `{}`", draft::shown(name)),
            format!("known: {}", known.join(", ")),
        )
        .into());
    };
    let file = format!("profile {name}");
    let base = sources.workspace_dir.clone();
    let draft = understand(sources, Layer::Profile, file, base, found.text.as_bytes())?;
    let mut drafts = Vec::new();
    for next in &draft.extends {
        drafts.extend(of_profile(sources, &next.value)?);
    }
    drafts.insert(0, draft);
    Ok(drafts)
}

fn understand(
    sources: &Sources,
    layer: Layer,
    file: String,
    base: PathBuf,
    bytes: &[u8],
) -> Result<Draft, Diagnostics> {
    let document = parse::parse(&file, bytes)?;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source =
        Source { layer: layer.name(), name: file.clone(), digest: PolicyDigest::of(bytes) };
    let origin = Origin {
        layer,
        file,
        base,
        home: sources.home.clone(),
        workspace_dir: sources.workspace_dir.clone(),
    };
    draft::draft(origin, source, text, document)
}

/// The bytes, once. A project's file is nobody's link, and nothing but a file is waited for.
fn read(path: &Path, layer: Layer) -> Result<Vec<u8>, String> {
    let mut flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    if layer == Layer::Project {
        flags |= rustix::fs::OFlags::NOFOLLOW;
    }
    let file: File = fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
        .map_err(|error| error.to_string())?;
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
