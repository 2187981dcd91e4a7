//! A model of the operator's own provider, asked about a package.

use std::{path::PathBuf, time::Duration};

use palisade_policy::{Asked, CommandLine, load};
use palisade_session::ask::{Asking, Model};
use palisade_skill_store::{Scan, Tree};
use palisade_skills::{
    Options, Report,
    model_review::{Reviewed, Shown, Text, claims, instruction, question},
};
use palisade_vetting::{Contents, Judged, Part, Wanted};

use crate::{
    commands::hostile::random,
    failure::{Failure, Kind},
    operator::{operator, sources},
    print,
};

/// Packages in a row of which a model answered nothing, after which it is not asked any more.
const MOST_SILENT: usize = 3;

/// Whether a model is asked, and which.
#[derive(Debug, clap::Args)]
pub(super) struct AskModel {
    /// Have a model look at the texts and the code too. They are sent to the provider that `inference` of your policy
    /// names for it, with its key, without known secrets; how much goes where is said before. What it says can only
    /// raise a verdict.
    #[arg(long, value_name = "MODEL")]
    ask_model: Option<String>,
    /// The policy whose `inference` counts, in place of yours. That of a project is not read.
    #[arg(long, value_name = "FILE", requires = "ask_model", conflicts_with = "ask_profile")]
    ask_policy: Option<PathBuf>,
    /// A profile whose `inference` counts.
    #[arg(long, value_name = "NAME", requires = "ask_model")]
    ask_profile: Option<String>,
    /// How many KiB of a skill it is shown at most. What is beyond was not reviewed, and that is said.
    #[arg(long, value_name = "KIB", default_value = "256", requires = "ask_model",
        value_parser = clap::value_parser!(u16).range(1..=4096))]
    ask_most: u16,
    /// How many seconds it may take for one answer.
    #[arg(long, value_name = "SECONDS", default_value = "180", requires = "ask_model",
        value_parser = clap::value_parser!(u16).range(1..=900))]
    ask_time: u16,
}

/// A model that is to be asked. No key was read and nothing was sent.
#[derive(Debug)]
pub(super) struct ToAsk {
    model: Model,
    name: String,
    most: usize,
    within: Duration,
}

/// A model that is asked. The process holds keys and has threads: no reader is to be started any more.
#[derive(Debug)]
pub(super) struct Reviewer {
    asking: Asking,
    to: String,
    name: String,
    most: usize,
    within: Duration,
    /// Packages in a row of which it answered nothing, and why of the last.
    silent: (usize, String),
    /// Packages that it did not review, or not whole.
    missed: usize,
    packages: usize,
}

impl AskModel {
    /// What is to be asked, if anything is.
    ///
    /// # Errors
    /// The policy cannot be used, or has no way to that model.
    pub(super) fn to_ask(&self) -> Result<Option<ToAsk>, Failure> {
        let Some(name) = &self.ask_model else { return Ok(None) };
        let operator = operator()
            .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
        let named = self.ask_policy.clone().map(CommandLine::File);
        let named = named.or_else(|| self.ask_profile.clone().map(CommandLine::Profile));
        let mut sources = sources(&operator, named, Asked::default(), "claude-code");
        // What lies where the command is given may be what is to be vetted.
        sources.workspace_dir = operator.config_dir.clone();
        let policy = load(&sources).map_err(|found| {
            Failure::new(Kind::Usage, format!("the policy is not valid\n{found}"))
        })?;
        let model = Model::of(policy, operator, name)
            .map_err(|refusal| Failure::denied(refusal).of_kind(Kind::Usage))?;
        Ok(Some(ToAsk {
            model,
            name: name.clone(),
            most: usize::from(self.ask_most).saturating_mul(1024),
            within: Duration::from_secs(self.ask_time.into()),
        }))
    }
}

impl ToAsk {
    /// What of a package has to be read for it.
    pub(super) fn texts(&self) -> usize {
        self.most
    }

    /// Read the keys. All that is to be read of packages has been.
    ///
    /// # Errors
    /// The policy's `inference` cannot be used.
    pub(super) fn open(self) -> Result<Reviewer, Failure> {
        let Self { model, name, most, within } = self;
        let to = model.to();
        let asking =
            model.open().map_err(|refusal| Failure::denied(refusal).of_kind(Kind::Enforcement))?;
        let silent = (0, String::new());
        Ok(Reviewer { asking, to, name, most, within, silent, missed: 0, packages: 0 })
    }
}

/// What of packages has to be read for a model, if one is to be asked.
pub(super) fn wanted(model: Option<&ToAsk>) -> Wanted {
    Wanted { texts: model.map(ToAsk::texts), all: false }
}

/// What the scanner says of a tree that is in memory, and the model, if one is to be asked.
///
/// # Errors
/// There is no reader, or nobody to ask.
pub(super) fn vet(
    name: &str,
    tree: &Tree,
    model: Option<ToAsk>,
) -> Result<(Report, Scan), Failure> {
    let judged = palisade_vetting::vet_with(name, tree, wanted(model.as_ref()));
    let Judged { mut report, contents } = judged.map_err(super::unvetted)?;
    if let Some(model) = model {
        let mut reviewer = model.open()?;
        reviewer.review(&mut report, contents, &Options::default());
        reviewer.end();
    }
    let scan = Scan::of(&report);
    Ok((report, scan))
}

impl Reviewer {
    /// Show it a package, and raise the report by what it says.
    pub(super) fn review(
        &mut self,
        report: &mut Report,
        contents: Option<Contents>,
        options: &Options,
    ) {
        self.packages = self.packages.saturating_add(1);
        let mut reviewed = Reviewed {
            model: self.name.clone(),
            bytes: 0,
            pieces: 0,
            answered: 0,
            findings: 0,
            dropped: 0,
            whole: false,
        };
        let Some(contents) = contents else {
            self.missed = self.missed.saturating_add(1);
            let (shown, why) = (Shown::default(), Some("what is in it could not be read"));
            return reviewed.raise(report, &shown, Vec::new(), why, options);
        };
        let left_out = contents.left_out;
        let (texts, secrets) = self.texts(contents);
        let shown = Shown::of(texts, self.most);
        let pieces = shown.pieces();
        let bytes: usize = pieces.iter().map(String::len).sum();
        reviewed.bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        reviewed.pieces = pieces.len();
        let (mut heard, mut failed) = (Vec::new(), None);
        if self.silent.0 >= MOST_SILENT {
            failed = Some(format!("it was not asked any more: {}", self.silent.1));
        } else if !pieces.is_empty() {
            let taken = match secrets {
                0 => String::new(),
                some => format!(", {some} secrets taken out"),
            };
            print::note(&format!(
                "palisade: {}: {bytes} bytes in {} pieces go to {} at {}{taken}",
                palisade_core::shown(&report.name, 100),
                pieces.len(),
                self.name,
                self.to
            ));
            for piece in &pieces {
                match self.piece(piece) {
                    Ok(claims) => {
                        reviewed.answered = reviewed.answered.saturating_add(1);
                        heard.extend(claims);
                    }
                    Err(why) => failed = Some(why),
                }
            }
            self.silent = match (&failed, reviewed.answered) {
                (Some(why), 0) => (self.silent.0.saturating_add(1), why.clone()),
                _ => (0, String::new()),
            };
        }
        let missing = match (failed, shown.left_out().max(left_out)) {
            (Some(why), _) => Some(match reviewed.pieces.saturating_sub(reviewed.answered) {
                some if some < reviewed.pieces => {
                    format!("{some} of {} pieces: {why}", reviewed.pieces)
                }
                _ => why,
            }),
            (None, 0) => None,
            (None, _) => Some(format!(
                "it is larger than {} KiB, and what is beyond was not shown (--ask-most)",
                self.most / 1024
            )),
        };
        if missing.is_some() {
            self.missed = self.missed.saturating_add(1);
        }
        reviewed.raise(report, &shown, heard, missing.as_deref(), options);
    }

    /// Texts without secrets, and how many were in them.
    fn texts(&self, contents: Contents) -> (Vec<Text>, usize) {
        let mut secrets = 0_usize;
        let files = contents.files.into_iter().filter(|file| file.part != Part::Other);
        let texts = files.map(|file| {
            let text = String::from_utf8_lossy(&file.bytes);
            let (text, found) = self.asking.without_secrets(&text);
            secrets = secrets.saturating_add(found);
            let (path, found) = self.asking.without_secrets(&file.path);
            secrets = secrets.saturating_add(found);
            Text { path, text }
        });
        (texts.collect(), secrets)
    }

    fn piece(&self, piece: &str) -> Result<Vec<palisade_skills::model_review::Claim>, String> {
        let boundary = random().map_err(|error| format!("there are no random numbers: {error}"))?;
        let answer =
            self.asking.ask(&instruction(&boundary), &question(&boundary, piece), self.within)?;
        claims(&answer, &boundary).map_err(|error| error.to_string())
    }

    /// Say at the end what was not reviewed. Whether all was.
    pub(super) fn end(&self) -> bool {
        if self.missed > 0 {
            print::note(&format!(
                "palisade: {} of {} skills were not reviewed by the model {}, or not whole",
                self.missed, self.packages, self.name
            ));
        }
        self.missed == 0
    }
}
