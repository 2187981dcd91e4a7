//! Of which skills a process is, and what it starts besides their files.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::AsRawFd,
};

use palisade_core::{Lineage, OfSkills, Program};
use palisade_sandbox::linux::{callers::Executable, execs::Image, marks::Marks};
use rustix::process::Pid;

use super::Supervisor;
use crate::skills;

impl Supervisor {
    /// The skills that a thread comes from.
    pub(super) fn marks_of(&self, thread: u32) -> io::Result<Marks> {
        if self.origins.is_empty() { Ok(Marks::default()) } else { Ok(Marks::of_thread(thread)?) }
    }

    /// What a process of these skills starts, if it is not a file of all of them. `script` is what it was started for.
    ///
    /// Which script the kernel has read nobody can tell any more: its path may lead to another one by now. So a script of a
    /// skill's does not make a program the skill's, unless it is what one of those names in its first line.
    pub(super) fn starting(
        &self,
        marks: Marks,
        file: &Executable,
        script: Option<&Executable>,
    ) -> io::Result<OfSkills> {
        let skills = skills::named(marks, &self.names);
        if skills.is_empty() {
            return Ok(OfSkills::default());
        }
        let mut own = self.origins.of_file(file, &self.digests)?;
        if let Some(script) = script {
            let of_script = self.origins.of_file(script, &self.digests)?;
            own = own.and(of_script.among(self.origins.run_by(file)));
        }
        if own.has(marks) {
            return Ok(OfSkills { skills, ..OfSkills::default() });
        }
        let own = skills::named(own.among(marks), &self.names);
        let digest = match self.pipeline.starts_by_digest() {
            true => Some(self.digests.of(file)?),
            false => None,
        };
        let program = Program {
            path: file.path().to_owned(),
            digest,
            changeable: file.changeable(),
            script: None,
            ancestors: Vec::new(),
            lineage: Lineage::default(),
            skills: Vec::new(),
        };
        Ok(OfSkills { skills, program: Some(program), own, more: Vec::new() })
    }

    /// Mark a process for the skills that what it has become is of. Returns its marks before, and the names of those skills
    /// that it had no mark of.
    pub(super) fn mark(&self, image: &Image, pid: Pid) -> io::Result<(Marks, Vec<String>)> {
        let before = self.marks_of(pid.as_raw_nonzero().get().cast_unsigned())?;
        if self.origins.is_empty() {
            return Ok((before, Vec::new()));
        }
        let told = self.origins.of_image(image, pid, (&self.view, &self.digests))?;
        let mut more = skills::named(told, &self.names);
        if more.is_empty() || before.has(told) {
            return Ok((before, Vec::new()));
        }
        told.put_on(pid)?;
        let known = skills::named(before, &self.names);
        more.retain(|name| !known.contains(name));
        Ok((before, more))
    }
}

/// Whether a file is run by an interpreter that it names.
pub(super) fn is_script(file: &Executable) -> io::Result<bool> {
    if !file.is_regular() {
        return Ok(false);
    }
    let mut start = Vec::with_capacity(2);
    // The very file: its path may lead elsewhere by now.
    let file = File::open(format!("/proc/self/fd/{}", file.file().as_raw_fd()))?;
    file.take(2).read_to_end(&mut start)?;
    Ok(start == b"#!")
}
