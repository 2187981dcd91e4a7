use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_skill_store::{SkillName, read_folder};
use palisade_skills::{Severity, Verdict};

use super::{failure, unvetted};
use crate::{
    failure::{Failure, Kind},
    print,
};

pub(super) const HELP: &str = "\
Examples:
  palisade skill init ./pdf-tools     writes SKILL.md if there is none, and says what to fix in what is there
  palisade skill init                 the same for the folder that you are in

What is there is not changed.

Exit code: 0 safe, 1 there is something to fix, 2 usage, 3 it could not be done.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The skill's folder. It is made if it is not there.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(&args.folder).map_err(|error| failed(&args.folder, error))?;
    let whole = args.folder.canonicalize().map_err(|error| failed(&args.folder, error))?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = SkillName::like(&name).ok_or_else(|| {
        Failure::new(Kind::Usage, "the folder has no name for a skill")
            .remedy("name it in lower case with hyphens, such as `pdf-tools`")
    })?;
    let path = args.folder.join("SKILL.md");
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            let text = scaffold(name.as_str());
            file.write_all(text.as_bytes()).map_err(|error| failed(&path, error))?;
            print::text(&format!(
                "{} is made: fill in what stands in brackets.\n",
                path.display()
            ))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(&path, error)),
    }
    let tree = read_folder(&args.folder).map_err(failure)?;
    let (report, scan) = palisade_vetting::vet(name.as_str(), &tree).map_err(unvetted)?;
    let mut text = String::new();
    let to_fix = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
    for (at, finding) in to_fix.enumerate() {
        let place = &finding.place;
        let line = if place.line > 0 { format!(":{}", place.line) } else { String::new() };
        text.push_str(&format!(
            "{}. {}{line}: {}\n   > {}\n   {} {}\n   fix: {}\n",
            at.saturating_add(1),
            palisade_core::shown(&place.file, 200),
            palisade_core::shown(&finding.message, 300),
            finding.excerpt,
            finding.rule.id,
            finding.rule.why,
            finding.rule.clear,
        ));
    }
    text.push_str(&match report.verdict {
        Verdict::Safe => "safe: nothing weighty stands against it.\n".to_owned(),
        Verdict::Caution | Verdict::Dangerous => {
            format!("{}: mend the above, then say `palisade skill init` again.\n", scan.verdict)
        }
    });
    print::text(&text)?;
    let safe = report.verdict == Verdict::Safe;
    Ok(if safe { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A text that says what a reviewer asks for: what it is for, what it may use, and what it leaves alone.
fn scaffold(name: &str) -> String {
    format!(
        "---\n\
         name: {name}\n\
         description: \"[What it does, in one sentence.] Use it when [what the user asks for].\"\n\
         license: Apache-2.0\n\
         compatibility: \"[Programs that it needs, such as python3. Hosts that it talks to: none.]\"\n\
         allowed-tools: Read\n\
         ---\n\n\
         # {name}\n\n\
         ## What it does\n\n\
         [One task. A skill that does one thing is read in a minute.]\n\n\
         ## Steps\n\n\
         1. [Say each step that the agent takes, and what it shows the user.]\n\
         2. [Name files of this folder by their path, such as `scripts/run.py`.]\n\n\
         ## What it needs\n\n\
         - Files: [those that the user names].\n\
         - Network: none.\n\
         - Keys: none.\n"
    )
}

#[cfg(test)]
mod tests {
    use palisade_skill_store::{Entry, Tree, report};

    use super::*;

    #[test]
    fn the_scaffold_is_safe() {
        let mut tree = Tree::default();
        let bytes = scaffold("pdf-tools").into_bytes().into();
        tree.add("SKILL.md", Entry::File { bytes, executable: false }).unwrap();
        let report = report("pdf-tools", &tree);
        assert_eq!(report.verdict, Verdict::Safe, "{report:?}");
        assert!(report.findings.is_empty(), "{report:?}");
    }
}
