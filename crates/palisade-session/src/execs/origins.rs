//! From which skills a program comes that is executed: by the files that it is told to run, as the kernel has them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use palisade_sandbox::linux::{
    callers::{Executable, Identity},
    execs::{Arguments, Image, View, environment_of, opened_by},
    marks::Marks,
};
use rustix::{io::Errno, process::Pid};

use crate::{
    callers::Digests,
    skills::{Marked, OfSkill},
};

/// Words of a program's arguments that are looked at, and texts in one of them.
const MOST_WORDS: usize = 256;
const MOST_TOKENS: usize = 256;
/// Bytes of a path.
const LONGEST_PATH: usize = 4096;

/// The files of skills that have a policy of their own.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    /// What lies in their folders inside, and these themselves, by device and inode. All of it is read-only, in memory, and as
    /// it was when the sandbox was made.
    files: HashMap<(u64, u64), Marks>,
    /// Files that are not empty, by their bytes.
    digests: HashMap<[u8; 32], Marks>,
    /// How long those are.
    sizes: HashSet<i64>,
    /// The programs that scripts among them name to be run by, by device and inode: what the paths led to before anything ran,
    /// where nobody inside can write.
    interpreters: HashMap<(u64, u64), Marks>,
}

impl Origins {
    /// Of these skills, as they are shown inside.
    ///
    /// # Errors
    /// A file of theirs cannot be found where it was put.
    pub(crate) fn find(marked: &Marked, view: &View) -> Result<Self, String> {
        let mut origins = Self::default();
        for (number, skill) in marked.skills.iter().enumerate() {
            let mark = Marks::one(number).ok_or("there are too many skills")?;
            origins.add(skill, mark, view)?;
        }
        Ok(origins)
    }

    fn add(&mut self, skill: &OfSkill, mark: Marks, view: &View) -> Result<(), String> {
        for (length, digest) in skill.files.iter().filter_map(|(_, file)| *file) {
            if length > 0 {
                let known = self.digests.entry(digest).or_default();
                *known = known.and(mark);
                self.sizes.insert(i64::try_from(length).unwrap_or(i64::MAX));
            }
        }
        for path in &skill.interpreters {
            // Where it is not there, or can be exchanged, it is not known.
            if let Ok(found) = view.file(path.as_bytes())
                && !found.changeable()
            {
                let known = self.interpreters.entry(found.identity().place()).or_default();
                *known = known.and(mark);
            }
        }
        let mut shown = false;
        for folder in &skill.folders {
            // Something else may cover the place: then it is not there.
            let found = view.file(folder.as_os_str().as_bytes());
            if matches!(found, Err(Errno::NOENT | Errno::NOTDIR)) {
                continue;
            }
            shown = true;
            self.put(folder, mark, view)?;
            let mut folders = HashSet::new();
            for (path, file) in &skill.files {
                let path = Path::new(path);
                folders.extend(path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()));
                if file.is_some() {
                    self.put(&folder.join(path), mark, view)?;
                }
            }
            for below in folders {
                self.put(&folder.join(below), mark, view)?;
            }
        }
        if !shown && !skill.folders.is_empty() {
            return Err(format!("the skill {} is not where it is to be shown", skill.name));
        }
        Ok(())
    }

    fn put(&mut self, path: &Path, mark: Marks, view: &View) -> Result<(), String> {
        let found = view.file(path.as_os_str().as_bytes());
        let found = found.map_err(|errno| format!("{}: {errno}", path.display()))?;
        if found.changeable() {
            return Err(format!("{} can be written to", path.display()));
        }
        let known = self.files.entry(found.identity().place()).or_default();
        *known = known.and(mark);
        Ok(())
    }

    /// Whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.digests.is_empty()
    }

    /// The skills that this file is of.
    ///
    /// # Errors
    /// It cannot be compared with theirs.
    pub(super) fn of_file(&self, file: &Executable, digests: &Digests) -> io::Result<Marks> {
        let found = self.by_place(&file.identity());
        if !found.is_none() || !file.is_regular() || !self.sizes.contains(&file.identity().size()) {
            return Ok(found);
        }
        Ok(self.digests.get(&digests.of(file)?).copied().unwrap_or_default())
    }

    /// The skills that have scripts which this program runs.
    pub(super) fn run_by(&self, program: &Executable) -> Marks {
        match program.changeable() {
            true => Marks::default(),
            false => {
                self.interpreters.get(&program.identity().place()).copied().unwrap_or_default()
            }
        }
    }

    fn by_place(&self, file: &Identity) -> Marks {
        self.files.get(&file.place()).copied().unwrap_or_default()
    }

    /// The skills that a program is of which has just been mapped, and runs nothing yet: by itself, its script, its folder, what it
    /// reads as its input, and the files that its arguments and some of its variables name.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(super) fn of_image(
        &self,
        image: &Image,
        pid: Pid,
        (view, digests): (&View, &Digests),
    ) -> io::Result<Marks> {
        let number = pid.as_raw_nonzero().get().cast_unsigned();
        let mut marks = self.of_file(&image.executable, digests)?;
        if let Some(Some(script)) = &image.script {
            marks = marks.and(self.of_file(script, digests)?);
        }
        for link in ["cwd", "fd/0"] {
            // One that it has not is nobody's.
            if let Ok(file) = opened_by(number, link) {
                marks = marks.and(self.by_place(&file.identity()));
            }
        }
        let mut told: Vec<&[u8]> = Vec::new();
        for word in image.arguments.words.iter().skip(1).take(MOST_WORDS) {
            paths_in(word, &mut told);
        }
        let program = image.executable.path().as_bytes();
        if let Some(code) = code_of(program, &image.arguments.words) {
            told.extend(tokens(code).filter(|token| token.contains(&b'/')));
        }
        let variables = environment_of(pid).map_err(io::Error::from)?;
        paths_of(&variables, &mut told);
        let home = variables.words.iter().find_map(|it| it.strip_prefix(b"HOME="));
        for path in told {
            let path = &*with_home(path, home);
            if let Ok(file) = view.meant(number, path) {
                marks = marks.and(self.of_file(&file, digests)?);
            }
        }
        Ok(marks)
    }
}

/// What of an argument may be a path: all of it, and what stands behind `=`, `@` or an option's letters; in a command for a
/// shell, what is read into it with `.` or `source`.
fn paths_in<'a>(word: &'a [u8], found: &mut Vec<&'a [u8]>) {
    let mut add = |path: &'a [u8]| {
        if !path.is_empty() && path.len() < LONGEST_PATH && !found.contains(&path) {
            found.push(path);
        }
    };
    let option = word.starts_with(b"-");
    if !option {
        add(word);
    }
    if let Some(at) = word.iter().position(|byte| *byte == b'=') {
        add(word.get(at + 1..).unwrap_or_default());
    }
    if let Some(at) = word.iter().position(|byte| *byte == b'@') {
        add(word.get(at + 1..).unwrap_or_default());
    }
    if let (true, Some(at)) = (option, word.iter().position(|byte| *byte == b'/')) {
        add(word.get(at..).unwrap_or_default());
    }
    let mut reads = false;
    for token in tokens(word) {
        if reads {
            add(token);
        }
        reads = matches!(token, b"." | b"source");
    }
}

/// A path as a shell would have it that reads it as a part of a text.
fn with_home<'a>(path: &'a [u8], home: Option<&[u8]>) -> Cow<'a, [u8]> {
    let below = path.strip_prefix(b"~/").or_else(|| path.strip_prefix(b"$HOME/"));
    match (home, below) {
        (Some(home), Some(below)) => [home, b"/", below].concat().into(),
        _ => path.into(),
    }
}

/// The words of a text that is a program.
fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = |byte: &u8| byte.is_ascii_whitespace() || b";|&()<>[],'\"`{}".contains(byte);
    text.split(parts)
        .filter(|token| !token.is_empty() && token.len() < LONGEST_PATH)
        .take(MOST_TOKENS)
}

/// The text that an interpreter is given to run. A shell's is not one: what that starts is looked at by itself.
fn code_of<'a>(program: &[u8], words: &'a [Vec<u8>]) -> Option<&'a [u8]> {
    const INTERPRETERS: [&[u8]; 6] = [b"python", b"perl", b"node", b"ruby", b"php", b"lua"];
    const OPTIONS: [&[u8]; 5] = [b"-c", b"-e", b"-E", b"-r", b"--eval"];
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if !INTERPRETERS.iter().any(|known| name.starts_with(known)) {
        return None;
    }
    // What comes behind a word that is no option is the script's.
    let options = words.iter().skip(1).take_while(|word| word.starts_with(b"-"));
    let at = options.take(MOST_WORDS).position(|word| OPTIONS.contains(&word.as_slice()))?;
    words.get(at + 2).map(Vec::as_slice)
}

/// What variables name by which a program is told what to load or run.
fn paths_of<'a>(variables: &'a Arguments, found: &mut Vec<&'a [u8]>) {
    for variable in &variables.words {
        let Some(at) = variable.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = variable.split_at(at);
        let name = String::from_utf8_lossy(name);
        // There a program looks for another, which is looked at when that is executed.
        if name == "PATH" || !palisade_core::Exec::is_told_by(&name) {
            continue;
        }
        let value = value.get(1..).unwrap_or_default();
        for part in value.split(|byte| matches!(byte, b':' | b' ')).take(MOST_TOKENS) {
            paths_in(part, found);
        }
    }
}

#[cfg(test)]
mod tests;
