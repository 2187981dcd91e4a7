//! `palisade skill`: what agents may load.

mod add;
mod key;
mod list;
mod remove;
mod revoke;
mod sign;
mod taken;
mod verify;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Subcommand;
use palisade_skill_store::{Lock, Locked, SkillName, StoreError};

use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a skill into the store and the lock.
    #[command(after_help = "\
Examples:
  palisade skill add ./pdf-tools             a folder; shows what it is and asks
  palisade skill add ./pdf-tools --yes       without a question, unless the scanner calls it dangerous

What is taken is kept as it is now: sandboxes get that copy, whatever becomes of the source.

Exit code: 0 taken, 1 not taken, 2 usage, 3 it could not be done.")]
    Add(add::Args),
    /// List what is in the lock.
    #[command(after_help = "Example: palisade skill list --json")]
    List(list::Args),
    /// Take skills out of the lock, and out of the store what nothing else needs.
    #[command(after_help = "Example: palisade skill remove pdf-tools")]
    Remove(remove::Args),
    /// Make a key to sign with, in minisign's format.
    #[command(after_help = "\
Example: palisade skill key publisher.key

Writes the secret key, without a password and for you alone to read, and publisher.key.pub beside it. Whoever
trusts you puts that into their configuration as skills/publishers/NAME.pub.")]
    Key(key::Args),
    /// Sign a skill of the lock.
    #[command(after_help = "\
Examples:
  palisade skill sign pdf-tools --key publisher.key
  palisade skill sign pdf-tools --key publisher.key --out signed

With --out the canonical list and its signature are written as well: the program minisign checks them, and
others take the signature with `palisade skill add --signature`.")]
    Sign(sign::Args),
    /// Revoke skills, files or keys, by a list that you sign.
    #[command(after_help = "\
Example: palisade skill revoke --digest sha256:0000000000000000000000000000000000000000000000000000000000000000 \
--reason \"sends keys away\" --key operator.key

The list is skills/revoked.json in the configuration. The key's public half has to be skills/operator.pub there.")]
    Revoke(revoke::Args),
    /// See that the store still has what the lock says.
    #[command(after_help = "\
Example: palisade skill verify

Exit code: 0 all is as it was taken, 1 something is not, 3 it could not be done.")]
    Verify(verify::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Add(args) => add::run(args),
        Command::List(args) => list::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Revoke(args) => revoke::run(args),
        Command::Verify(args) => verify::run(&args),
    }
}

fn failure(error: StoreError) -> Failure {
    let kind = match error {
        StoreError::Name(_) | StoreError::Digest(_) => Kind::Usage,
        StoreError::File { .. } | StoreError::Lock { .. } => Kind::Enforcement,
        _ => Kind::Denied,
    };
    Failure::new(kind, error.to_string())
}

/// A skill of the lock.
fn of_lock<'a>(lock: &'a Lock, name: &SkillName) -> Result<&'a Locked, Failure> {
    lock.skills.get(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &SkillName) -> Failure {
    Failure::new(Kind::Usage, format!("the lock has no skill {name}")).remedy("palisade skill list")
}

/// Now, RFC 3339 in UTC, in whole seconds.
fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// Who sits here.
fn operator_name() -> String {
    let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
    let uid = rustix::process::getuid().as_raw();
    palisade_core::shown(&name.unwrap_or_else(|| format!("uid {uid}")), 64)
}

/// A question to the person at the terminal. Only `y` and `yes` are a yes.
fn ask(question: &str, otherwise: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let what = "this has to be confirmed, and there is no terminal";
        return Err(Failure::new(Kind::Denied, what).remedy(otherwise));
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush().unwrap_or_default();
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Kind::Enforcement, format!("standard input: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
