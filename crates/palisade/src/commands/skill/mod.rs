//! `palisade skill`: skills, plugins and tool definitions, vetted, taken and reviewed before an agent sees them.

mod add;
mod bundle;
mod hub;
mod init;
mod key;
mod list;
mod model;
mod policy;
mod remove;
mod review;
mod revoke;
mod rules;
mod scan;
mod sign;
mod taken;
mod trial;
mod trust;
mod update;
mod verify;
mod view;
mod yara;

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
    /// Say what skills would make an agent do, and whether they may be loaded.
    #[command(after_help = scan::HELP)]
    Scan(scan::Args),
    /// Run what a skill would run, among decoys and without a way out, and say what it touches.
    #[command(after_help = trial::HELP)]
    Try(trial::Args),
    /// For authors: begin a skill, and say what to fix so that it is safe.
    #[command(after_help = init::HELP)]
    Init(init::Args),
    /// List the rules: what each means, and what clears it.
    #[command(after_help = "Example: palisade skill rules")]
    Rules(rules::Args),
    /// Take a skill into the store and the lock.
    #[command(after_help = "\
Examples:
  palisade skill add ./pdf-tools             a folder; shows what it is and asks
  palisade skill add ./pdf-tools --yes       without a question, unless the scanner calls it dangerous
  palisade skill add pdf-tools.zip           an archive (.zip, .tar, .tar.gz, .tgz)
  palisade skill add https://example.org/skills.git --at v1.2 --folder skills/pdf
  palisade skill add npm:@acme/skills@1.2.0 --folder skills/pdf
  palisade skill add pdf --marketplace ./marketplace
  palisade skill add pdf-tools.tgz --bundle pdf-tools.tgz.sigstore.json

A Sigstore bundle is verified without a network, under the trusted root of a publisher whom you trust (`palisade
skill trust --help`): one of --bundle that does not hold is refused. NAME.sigstore.json beside an archive NAME is looked at
by itself.

What is taken is kept as it is now: sandboxes get that copy, whatever becomes of the source.

Exit code: 0 taken, 1 not taken, 2 usage, 3 it could not be done.")]
    Add(add::Args),
    /// List what is in the lock.
    #[command(after_help = "Example: palisade skill list --json")]
    List(list::Args),
    /// Fetch a skill from its source again, show what changed, and ask.
    #[command(after_help = "\
Examples:
  palisade skill update pdf-tools
  palisade skill update pdf-tools --at v1.3

Shows the difference of files, of findings and of what it can do. Who approved or signed the old one has not
approved the new one.

Exit code: 0 taken or nothing new, 1 not taken, 2 usage, 3 it could not be done.")]
    Update(update::Args),
    /// Show a skill of the lock with its findings beside its text, and approve or refuse it.
    #[command(after_help = "\
Examples:
  palisade skill review pdf-tools            shows it on the whole terminal, and asks
  palisade skill review pdf-tools --html review.html
  palisade skill review pdf-tools --deny --comment \"reads the whole home\"")]
    Review(review::Args),
    /// Show or set what the programs of a skill of the lock may do at most.
    #[command(after_help = policy::HELP)]
    Policy(policy::Args),
    /// Take skills out of the lock, and out of the store what nothing else needs.
    #[command(after_help = "Example: palisade skill remove pdf-tools")]
    Remove(remove::Args),
    /// Make a key to sign with, in minisign's format.
    #[command(after_help = "\
Example: palisade skill key publisher.key

Writes the secret key, without a password and for you alone to read, and publisher.key.pub beside it. Whoever
trusts you puts that into their configuration as skills/publishers/NAME.pub.")]
    Key(key::Args),
    /// Trust a publisher by name: by a key, or by an identity that Sigstore proves.
    #[command(after_help = trust::HELP)]
    Trust(trust::Args),
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
        Command::Scan(args) => scan::run(&args),
        Command::Try(args) => trial::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Add(args) => add::run(args),
        Command::Update(args) => update::run(&args),
        Command::Review(args) => review::run(&args),
        Command::List(args) => list::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Trust(args) => trust::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Revoke(args) => revoke::run(args),
        Command::Verify(args) => verify::run(&args),
    }
}

/// There is no reader that has given up everything.
fn unvetted(error: palisade_vetting::VetError) -> Failure {
    Failure::new(Kind::Enforcement, error.to_string()).remedy(
        "run `palisade doctor`; `skill scan --allow-degraded landlock` does without that layer",
    )
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
