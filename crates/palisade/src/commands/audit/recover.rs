use std::process::ExitCode;

use palisade_core::SessionId;
use palisade_journal::{
    recover,
    verify::{self, State},
};

use super::{state_dir, unreadable};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this session.
    #[arg(value_name = "ID")]
    session: Option<SessionId>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let dir = state_dir()?;
    let options = verify::Options { only: args.session.clone(), ..verify::Options::default() };
    let report = verify::verify(&dir, &options).map_err(unreadable)?;
    let mut failed = None;
    for session in report.sessions.iter().filter(|s| s.state == State::EndedHard) {
        match recover(&dir, &session.session) {
            Ok(done) => println!("ended {} with record {}", session.session, done.seq),
            Err(error) => {
                crate::print::note(&format!("palisade: session {}: {error}", session.session));
                failed = Some(error);
            }
        }
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(_) => Err(Failure::new(Kind::Denied, "not every session could be recovered")
            .remedy("palisade audit verify")),
    }
}
