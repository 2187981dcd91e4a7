use std::{fmt, io::Write, path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use palisade_audit::report::{Framework, Options, Report};
use palisade_journal::Timestamp;

use super::{folder, time, unreadable};
use crate::{
    failure::{Failure, Kind},
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The catalogue of controls: soc2, iso27001, nist-800-53 or eu-ai-act.
    #[arg(long, value_name = "NAME")]
    framework: Framework,
    /// Not before this time: RFC 3339, a date, or an age such as `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// The form.
    #[arg(long, value_name = "FORM", default_value_t = Form::Html)]
    format: Form,
    /// The file to write. Default: standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A state folder, or a journal's own; by default the state folder in use.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// One page that needs nothing else, and prints.
    Html,
    /// One JSON object.
    Json,
    /// OSCAL 1.1 assessment results.
    Oscal,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Html => "html",
            Form::Json => "json",
            Form::Oscal => "oscal",
        })
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let dir = folder(args.dir.as_deref())?;
    let options = Options { framework: args.framework, since: args.from, until: args.to };
    let report = Report::new(&dir, &options).map_err(unreadable)?;
    let mut text = match args.format {
        Form::Html => report.to_html(),
        Form::Json => report.to_json(),
        Form::Oscal => report.to_oscal(),
    };
    text.push('\n');
    match &args.output {
        None => {
            print::text(&text)?;
        }
        Some(path) => {
            let written = std::fs::File::create(path)
                .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.flush()));
            written.map_err(|error| {
                Failure::new(Kind::Enforcement, format!("write {}: {error}", path.display()))
            })?;
        }
    }
    if report.verifies {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(Kind::Denied, report.statement).remedy("palisade audit verify"))
}
