//! `audit metrics`: counts in the text format of Prometheus.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_export::{Collector, serve};

use super::{state_dir, unreadable};
use crate::{
    failure::{Failure, Kind},
    print,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade audit metrics
  palisade audit metrics --listen 127.0.0.1:9477
  palisade audit metrics --textfile /var/lib/prometheus/node-exporter/palisade.prom

Without an option the counts are printed.")]
pub(crate) struct Args {
    /// Serve them at http://ADDRESS/metrics until you end it. Only on this machine's loopback.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "textfile")]
    listen: Option<SocketAddr>,
    /// Replace this file with them, for a node exporter's textfile collector.
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut collector = Collector::new(&state_dir()?);
    if let Some(address) = args.listen {
        if !address.ip().is_loopback() {
            let what = format!("{address} is not on this machine's loopback");
            return Err(Failure::new(Kind::Usage, what).remedy("--listen 127.0.0.1:9477"));
        }
        let failed = |error| Failure::new(Kind::Enforcement, format!("{address}: {error}"));
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        print::note(&format!("palisade: http://{address}/metrics"));
        match serve(listener, collector).map_err(failed)? {}
    }
    let text = collector.text().map_err(unreadable)?;
    match &args.textfile {
        None => print::text(&text),
        Some(path) => {
            let failed = |error: std::io::Error| {
                Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
            };
            replace(path, &text).map_err(failed)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// At once, so that nobody reads half of it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    // The collector runs as another user.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(file.path(), mode)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
