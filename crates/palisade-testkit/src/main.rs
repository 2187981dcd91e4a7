//! `palisade-testkit-model`: a scripted model server for tests that are shell scripts.

#![forbid(unsafe_code)]

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use palisade_testkit::{ModelServer, Script};

/// Serve a scripted model on loopback until killed.
#[derive(Debug, Parser)]
#[command(name = "palisade-testkit-model", version)]
struct Arguments {
    /// The script: a JSON file of turns.
    #[arg(long)]
    script: PathBuf,
    /// Write the port here once the server listens.
    #[arg(long)]
    port_file: Option<PathBuf>,
    /// Write each request here, a line of JSON each.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Listen here.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

fn main() -> ExitCode {
    match serve(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a command tells why it failed")]
            {
                eprintln!("palisade-testkit-model: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let script = Script::read(&arguments.script)?;
    let log = arguments.log.as_ref().map(fs::File::create).transpose()?;
    let server = ModelServer::start_at(arguments.listen, script, log)?;
    if let Some(path) = &arguments.port_file {
        // Renamed into place, so that whoever waits for the file never reads half a number.
        let partial = path.with_extension("partial");
        fs::write(&partial, server.address().port().to_string())?;
        fs::rename(&partial, path)?;
    }
    server.join();
    Ok(())
}
