//! An execution as rules see it: by each name of its program, its script and what it loads.

use std::io;

use palisade_core::{Exec, Script};
use palisade_sandbox::linux::{
    execs::{Attempt, Image},
    marks::Marks,
};
use rustix::process::Pid;

use super::{Supervisor, marked::is_script};

/// Characters of a path in a message.
const MOST_SHOWN: usize = 100;

impl Supervisor {
    pub(super) fn asked_for(&self, attempt: &Attempt, thread: u32) -> io::Result<Exec> {
        let path = text(&attempt.path);
        let argv: Vec<String> = attempt.arguments.words.iter().map(|word| text(word)).collect();
        let mut exec = Exec { argv, whole: attempt.arguments.whole, ..Exec::default() };
        exec.unreadable.extend(unreadable(attempt.arguments.words.iter().skip(1)));
        match &attempt.file {
            Some(file) => {
                exec.program = file.path().to_owned();
                let called = exec.argv.first().map(String::as_str);
                exec.names = self.known().names(file, called, (&self.digests, &self.starts))?;
                exec.names.push(path);
            }
            None => exec.program = path,
        }
        self.add_loaded(&mut exec, thread, &attempt.arguments.words)?;
        let marks = self.marks_of(thread)?;
        // A script is judged by its interpreter, which is known when that is mapped.
        if let Some(file) = attempt.file.as_ref().filter(|_| !marks.is_none())
            && !is_script(file)?
        {
            exec.of = self.starting(marks, file, None)?;
        }
        Ok(exec)
    }

    pub(super) fn has_become(&self, image: &Image, pid: Pid, before: Marks) -> io::Result<Exec> {
        let known = self.known();
        let mut exec = program_of(image);
        let called = exec.argv.first().map(String::as_str);
        exec.names = known.names(&image.executable, called, (&self.digests, &self.starts))?;
        let thread = pid.as_raw_nonzero().get().cast_unsigned();
        self.add_loaded(&mut exec, thread, &image.arguments.words)?;
        if !before.is_none() {
            let script = image.script.as_ref().and_then(Option::as_ref);
            exec.of = self.starting(before, &image.executable, script)?;
        }
        let words = &image.arguments.words;
        let Some(found) = &image.script else {
            exec.unreadable.extend(unreadable(words.iter().skip(1)));
            return Ok(exec);
        };
        let path = text(&image.name);
        let at = words.iter().skip(1).position(|word| *word == image.name);
        let behind = at.map_or(usize::MAX, |at| at + 2);
        exec.unreadable.extend(unreadable(words.iter().skip(behind)));
        let behind = exec.argv.get(behind..).unwrap_or_default();
        let names = match found {
            Some(file) => {
                let mut names = known.names(file, None, (&self.digests, &self.starts))?;
                names.push(file.path().to_owned());
                names
            }
            None if known.is_empty() => Vec::new(),
            // It was there a moment ago.
            None => return Err(io::Error::other("its script is not found where it was executed")),
        };
        exec.script = Some(Script { path, names, arguments: behind.to_vec() });
        Ok(exec)
    }

    /// The programs that a loader may be given. It opens them later, by the path.
    fn add_loaded(&self, exec: &mut Exec, thread: u32, words: &[Vec<u8>]) -> io::Result<()> {
        if !exec.is_loader() {
            return Ok(());
        }
        let known = self.known();
        let arguments = exec.argv.get(1..).unwrap_or_default();
        let places = Exec::loaded(arguments)
            .ok_or_else(|| io::Error::other("it is a loader with more options than are read"))?;
        for at in places {
            let Some(path) = words.get(at + 1) else { continue };
            let file = self.view.surely(thread, path).map_err(|errno| {
                let path = palisade_core::shown(&text(path), MOST_SHOWN);
                io::Error::other(format!(
                    "it is a loader, and which file {path} is cannot be told from outside ({errno})"
                ))
            })?;
            let Some(file) = file else { continue };
            let names = known.names(&file, None, (&self.digests, &self.starts))?;
            let arguments = exec.argv.get(at + 2..).unwrap_or_default().to_vec();
            exec.loads.push(Script { path: file.path().to_owned(), names, arguments });
        }
        Ok(())
    }
}

pub(super) fn program_of(image: &Image) -> Exec {
    Exec {
        program: image.executable.path().to_owned(),
        argv: image.arguments.words.iter().map(|word| text(word)).collect(),
        whole: image.arguments.whole,
        ..Exec::default()
    }
}

/// Whether this is a variable that leads a program elsewhere.
pub(super) fn counts(word: &[u8]) -> bool {
    Exec::is_told_by(&text(word.split(|byte| *byte == b'=').next().unwrap_or_default()))
}

/// Those of which the text is not all.
pub(super) fn unreadable<'a>(
    words: impl Iterator<Item = &'a Vec<u8>>,
) -> impl Iterator<Item = Vec<u8>> {
    words.filter(|word| std::str::from_utf8(word).is_err()).cloned()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
