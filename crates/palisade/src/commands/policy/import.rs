//! `palisade policy import`: another tool's settings as a policy.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use palisade_import::{Note, Outcome, Request, Tool, import};
use tempfile::NamedTempFile;

use super::the_operator;
use crate::{
    failure::{Failure, Kind},
    print::{self, json_line},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose settings they are.
    #[arg(long, value_name = "TOOL")]
    from: From,
    /// Files, or for claude-code folders of projects. Default: where the tool keeps them.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where the policy goes. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
    /// What became of each line as one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    ClaudeCode,
    Codex,
    Srt,
    Openshell,
    Gemini,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let operator = the_operator()?;
    let project = operator.directory.canonicalize().unwrap_or_else(|_| operator.directory.clone());
    let base = match &args.output {
        Some(file) => folder(&operator.directory, file)?,
        None => project.clone(),
    };
    if let Some(file) = args.output.as_deref().filter(|file| !args.force && is_there(file)) {
        return Err(there(file));
    }
    let (tool, moved) = match args.from {
        From::ClaudeCode => (Tool::ClaudeCode, Some("CLAUDE_CONFIG_DIR")),
        From::Codex => (Tool::Codex, Some("CODEX_HOME")),
        From::Srt => (Tool::Srt, None),
        From::Openshell => (Tool::OpenShell, None),
        From::Gemini => (Tool::Gemini, None),
    };
    let settings = moved.and_then(env::var_os).filter(|folder| !folder.is_empty());
    let absolute = |path: &PathBuf| {
        let whole = operator.directory.join(path);
        let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
        match (folder, whole.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => whole.canonicalize().unwrap_or(whole),
        }
    };
    let request = Request {
        tool,
        paths: args.paths.iter().map(absolute).collect(),
        project,
        home: operator.home.clone(),
        settings: settings.map(PathBuf::from),
        machine: PathBuf::from("/etc"),
        base,
    };
    let imported = import(&request).map_err(|error| {
        Failure::new(Kind::Denied, error.to_string())
            .remedy("correct that file, or name others: palisade policy import --from TOOL PATH")
    })?;
    print::note(&told(&imported.notes, args.json));
    match &args.output {
        Some(file) => write(file, &request.base, &imported.text, args.force),
        None => print::text(&imported.text),
    }
}

fn told(notes: &[Note], json: bool) -> String {
    let mut out = String::new();
    for note in notes {
        if json {
            json_line(&mut out, note);
        } else {
            // What was read may have lines of its own.
            out.push_str(&note.to_string().replace(['\n', '\r'], " "));
            out.push('\n');
        }
    }
    if !json {
        let count = |outcome| notes.iter().filter(|note| note.outcome == outcome).count();
        out.push_str(&format!(
            "palisade: {} carried over, {} stricter, {} not said",
            count(Outcome::Carried),
            count(Outcome::Stricter),
            count(Outcome::Lost)
        ));
    }
    out.truncate(out.trim_end().len());
    out
}

/// The folder that a file is in, which is there.
fn folder(directory: &Path, file: &Path) -> Result<PathBuf, Failure> {
    let whole = directory.join(file);
    let folder = whole.parent().unwrap_or(Path::new("/"));
    folder.canonicalize().map_err(|error| {
        Failure::new(Kind::Usage, format!("{}: {error}", folder.display()))
            .remedy("name a file in a folder that is there")
    })
}

fn is_there(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}

fn there(file: &Path) -> Failure {
    Failure::new(Kind::Usage, format!("{} is there already", file.display()))
        .remedy("name another file, or write over it with --force")
}

/// The whole file at once, or nothing of it.
fn write(file: &Path, folder: &Path, text: &str, force: bool) -> Result<ExitCode, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Kind::Denied, format!("{}: {error}", file.display()))
            .remedy("see that you may write there")
    };
    let Some(name) = file.file_name() else {
        return Err(Failure::new(Kind::Usage, format!("{} is no file", file.display()))
            .remedy("name a file, such as palisade.yaml"));
    };
    let mut new = NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    let path = folder.join(name);
    let written = if force { new.persist(path) } else { new.persist_noclobber(path) };
    match written {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(there(file)),
        Err(error) => Err(failed(error.error)),
    }
}
