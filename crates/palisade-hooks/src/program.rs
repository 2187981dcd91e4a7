//! From a program as it is written to one that can be run, with what it is made of pinned.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::ScriptLine;

use crate::{
    config::{Config, Handler, Program},
    copies::Copies,
    pin::Pin,
    process::Order,
    words::{quoted, words},
};

/// Names by which scripts are known that an interpreter is given.
const SCRIPTS: [&str; 14] =
    ["awk", "bash", "cjs", "jq", "js", "lua", "mjs", "php", "pl", "py", "rb", "sed", "sh", "ts"];

/// A program that can be run.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) order: Order,
    /// What must be as it was.
    pins: Vec<Arc<Pin>>,
    /// What it was seen to run, by its own name.
    files: Vec<PathBuf>,
    /// Why it cannot be run at all.
    missing: Option<String>,
}

/// What is known of the surroundings.
pub(crate) struct Place<'a> {
    pub(crate) environment: &'a Arc<[(OsString, OsString)]>,
    pub(crate) directory: &'a Path,
    /// Where copies are kept; without, programs run as they are found.
    pub(crate) copies: Option<&'a mut Copies>,
}

impl Prepared {
    /// Prepare it.
    pub(crate) fn new(program: &Program, mut place: Place<'_>) -> Self {
        let mut found = Found::new(&program.base);
        let variable = |name: &str| {
            let value = place.environment.iter().find(|(known, _)| known == OsStr::new(name));
            value.and_then(|(_, value)| value.to_str()).map(str::to_owned)
        };
        let (name, arguments) = match &program.arguments {
            None => {
                let line = found.line(&program.command, &variable, &mut place);
                (OsString::from("/bin/sh"), vec![OsString::from("-c"), line.into()])
            }
            Some(arguments) => {
                let whole = |text: &String| expanded(text, &variable);
                let arguments: Vec<String> = arguments.iter().map(whole).collect();
                let name = found.named(&whole(&program.command), true, &mut place);
                let arguments = arguments.iter().map(|it| found.named(it, false, &mut place));
                (name, arguments.collect())
            }
        };
        let order = Order {
            program: name,
            arguments,
            environment: Arc::clone(place.environment),
            directory: place.directory.to_owned(),
        };
        Self { order, pins: found.pins, files: found.files, missing: found.missing }
    }

    /// Whether it is what it was when the session started.
    ///
    /// # Errors
    /// Why it must not be run.
    pub(crate) fn holds(&self) -> Result<(), String> {
        if let Some(missing) = &self.missing {
            return Err(missing.clone());
        }
        self.pins.iter().try_for_each(|pin| pin.holds())
    }
}

/// `${NAME}` in an argument.
fn expanded(text: &str, variable: &impl Fn(&str) -> Option<String>) -> String {
    let name = "CLAUDE_PROJECT_DIR";
    match variable(name) {
        Some(value) => text.replace(&format!("${{{name}}}"), &value),
        None => text.to_owned(),
    }
}

/// The files that hooks are seen to run, and that are no programs of the machine: scripts, and whatever is
/// named with its path.
pub fn scripts(config: &Config, environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let environment: Arc<[(OsString, OsString)]> = environment.into();
    let mut all = Vec::new();
    for (_, hook) in config.iter() {
        let (Handler::Command(program) | Handler::Worker(program)) = &hook.handler else {
            continue;
        };
        let place = Place { environment: &environment, directory: Path::new("/"), copies: None };
        all.extend(Prepared::new(program, place).files);
    }
    all.sort();
    all.dedup();
    all
}

struct Found<'a> {
    base: &'a Path,
    pins: Vec<Arc<Pin>>,
    files: Vec<PathBuf>,
    missing: Option<String>,
}

impl<'a> Found<'a> {
    fn new(base: &'a Path) -> Self {
        Self { base, pins: Vec::new(), files: Vec::new(), missing: None }
    }
}

impl Found<'_> {
    /// A line for the shell, in which each file that it is seen to run is the pinned one.
    fn line(
        &mut self,
        line: &str,
        variable: &impl Fn(&str) -> Option<String>,
        place: &mut Place<'_>,
    ) -> String {
        let mut pinned = String::new();
        let mut end = 0;
        for word in words(line, variable) {
            let Some(text) = &word.text else { continue };
            let taken = self.file(text, word.command, place);
            if let Some(taken) = taken {
                pinned.push_str(line.get(end..word.span.start).unwrap_or_default());
                pinned.push_str(&quoted(&taken.to_string_lossy()));
                end = word.span.end;
            }
        }
        pinned.push_str(line.get(end..).unwrap_or_default());
        pinned
    }

    /// A program or an argument, where no shell is between.
    fn named(&mut self, text: &str, command: bool, place: &mut Place<'_>) -> OsString {
        match self.file(text, command, place) {
            Some(taken) => taken.into(),
            None => text.into(),
        }
    }

    /// The file to take for what is named, if it is one that is run.
    fn file(&mut self, text: &str, command: bool, place: &mut Place<'_>) -> Option<PathBuf> {
        if text.is_empty() || text.contains('\0') {
            return None;
        }
        if !text.contains('/') {
            if command {
                self.of_path(text, place);
            }
            // A script's bare name is one in the policy's folder.
            if command || !is_script(Path::new(text)) {
                return None;
            }
        }
        let path = self.base.join(text);
        let is_file = path.is_file();
        if !is_file && command && self.missing.is_none() {
            self.missing = Some(format!("there is no file {}", path.display()));
        }
        if !is_file || !(command || is_script(&path) || starts_as_script(&path)) {
            return None;
        }
        self.files.push(path.clone());
        let Some(copies) = place.copies.as_deref_mut() else { return Some(path) };
        if !starts_as_script(&path) && !is_script(&path) {
            // A program of the machine: it needs what it finds beside itself.
            self.pin(&path);
            return Some(path);
        }
        self.pin(&path);
        self.interpreter(&path, place.environment);
        match copies.of(&path) {
            Ok(copy) => Some(copy),
            Err(error) => {
                self.missing = Some(format!("{} cannot be copied: {error}", path.display()));
                None
            }
        }
    }

    /// A program by its name alone.
    fn of_path(&mut self, name: &str, place: &Place<'_>) {
        if place.copies.is_some()
            && let Some(path) = in_path(name, place.environment)
        {
            self.pin(&path);
            if starts_as_script(&path) {
                self.interpreter(&path, place.environment);
            }
        }
    }

    /// What a script's first line names.
    fn interpreter(&mut self, script: &Path, environment: &[(OsString, OsString)]) {
        let first = first_bytes(script);
        let Some(line) = ScriptLine::read(&first) else { return };
        if line.interpreter().is_file() {
            self.pin(line.interpreter());
        }
        if let Some(name) = line.of_env()
            && let Some(path) = in_path(&name.to_string_lossy(), environment)
        {
            self.pin(&path);
        }
    }

    fn pin(&mut self, path: &Path) {
        match Pin::new(path) {
            Ok(pin) => self.pins.push(Arc::new(pin)),
            Err(error) => {
                self.missing = Some(format!("{} cannot be read: {error}", path.display()));
            }
        }
    }
}

fn is_script(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|end| SCRIPTS.contains(&end))
}

fn starts_as_script(path: &Path) -> bool {
    first_bytes(path).starts_with(b"#!")
}

fn first_bytes(path: &Path) -> Vec<u8> {
    let mut first = Vec::new();
    if let Ok(file) = File::open(path) {
        file.take(ScriptLine::LONGEST as u64).read_to_end(&mut first).unwrap_or_default();
    }
    first
}

/// The program of this name in `PATH`.
fn in_path(name: &str, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let (_, path) = environment.iter().find(|(known, _)| known == "PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|path| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}
