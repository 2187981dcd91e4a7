use std::{
    fs::{self, File, OpenOptions},
    io::BufWriter,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::ExitCode,
};

use palisade_audit::{
    bundle::pack,
    report::{Framework, Options, Report},
};
use palisade_journal::Timestamp;

use super::{folder, proof::key_in, time, unreadable};
use crate::{
    failure::{Failure, Kind},
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The archive to write, which must not exist.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A report to pack, by its catalogue of controls. Can be given for each.
    #[arg(long, value_name = "NAME")]
    framework: Vec<Framework>,
    /// The reports' period: not before this time. The journal is packed whole.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "framework")]
    from: Option<Timestamp>,
    /// The reports' period: before this time.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "framework")]
    to: Option<Timestamp>,
    /// A file with a key of this journal, had by another way than the journal's.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A state folder, or a journal's own; by default the state folder in use.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let dir = folder(args.dir.as_deref())?;
    let key = args.key.as_deref().map(key_in).transpose()?;
    let report = |framework| {
        let key = key.clone();
        Report::new(&dir, &Options { framework, since: args.from, until: args.to, key })
    };
    let reports: Vec<Report> =
        args.framework.iter().copied().map(report).collect::<Result<_, _>>().map_err(unreadable)?;
    let failed = |error: String| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", args.output.display()))
    };
    // It holds what agents did: for nobody else to read.
    let file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.output)
        .map_err(|error| failed(error.to_string()))?;
    let packed = match pack(&dir, &reports, BufWriter::new(&file)) {
        Ok(packed) => packed,
        Err(error) => {
            // Half an archive is of no use, and whoever finds it would take it for one.
            fs::remove_file(&args.output).unwrap_or_default();
            return Err(failed(error.to_string()));
        }
    };
    let (many, place) = (packed.files.len(), args.output.display());
    print::text(&format!("{many} files in {place}, sha256 {}\n", packed.sha256))?;
    match packed.damage.first() {
        None => Ok(ExitCode::SUCCESS),
        Some(damage) => Err(Failure::new(
            Kind::Denied,
            format!("the journal does not verify, and is packed as it is: {damage}"),
        )
        .remedy("palisade audit verify")),
    }
}
