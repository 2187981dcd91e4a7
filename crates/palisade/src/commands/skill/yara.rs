//! YARA rules of the operator's own.

use std::{env, path::PathBuf};

use palisade_skills::{
    Options, Report,
    yara::{Searched, raise},
};
use palisade_vetting::{Contents, Yara, YaraError};

use crate::{
    commands::hostile::own_program,
    failure::{Failure, Kind},
};

/// Rules that can be run, and how far they were.
#[derive(Debug)]
pub(super) struct Rules {
    yara: Yara,
    /// Packages of which they were not run on all.
    missed: usize,
    /// Why none can be run any more.
    failed: Option<Failure>,
}

impl Rules {
    /// Sees that these rules can be run, if there are any.
    ///
    /// # Errors
    /// They cannot.
    pub(super) fn prepare(rules: &[PathBuf]) -> Result<Option<Self>, Failure> {
        if rules.is_empty() {
            return Ok(None);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let yara = Yara::prepare(own_program(), &path, rules).map_err(unrun)?;
        Ok(Some(Self { yara, missed: 0, failed: None }))
    }

    /// Raise a report by what they match in these files.
    pub(super) fn raise(
        &mut self,
        report: &mut Report,
        contents: Option<&Contents>,
        options: &Options,
    ) {
        let matches = match contents.map(|contents| self.yara.run(contents)) {
            None => Err("what is in it could not be read".to_owned()),
            Some(Ok(matches)) => matches,
            Some(Err(error)) => {
                let why = error.to_string();
                self.failed.get_or_insert_with(|| unrun(error));
                Err(why)
            }
        };
        if matches.is_err() {
            self.missed = self.missed.saturating_add(1);
        }
        let files = contents.map_or(&[][..], |contents| &contents.files);
        let files: Vec<Searched<'_>> =
            files.iter().map(|file| Searched { path: &file.path, bytes: &file.bytes }).collect();
        raise(report, &files, matches, options);
    }

    /// Why none can be run any more, if so.
    pub(super) fn failed(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// Whether they were run on all of each package.
    pub(super) fn all_run(&self) -> bool {
        self.missed == 0
    }
}

fn unrun(error: YaraError) -> Failure {
    let (kind, remedy) = match error {
        YaraError::NoProgram => (
            Kind::Enforcement,
            "install YARA-X (`cargo install yara-x-cli`) or YARA (Debian: `apt-get install yara`)",
        ),
        YaraError::Rules(..) | YaraError::NoRules(_) => {
            (Kind::Usage, "name a file of rules, or a folder of `.yar` and `.yara` files")
        }
        YaraError::Compile(_) => (
            Kind::Usage,
            "mend the rules; of a folder each file is read by itself, so one that others include has to end otherwise",
        ),
        YaraError::NoSandbox(_) => (Kind::Enforcement, "run `palisade doctor`"),
        _ => (Kind::Enforcement, "see that the folder for temporary files (TMPDIR) can be written"),
    };
    Failure::new(kind, error.to_string()).remedy(remedy)
}
