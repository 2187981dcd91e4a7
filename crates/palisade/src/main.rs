//! The `palisade` binary: it parses the command line, calls the rooms below, prints, and turns
//! errors into *what, where, what to do* and an exit code. No logic of its own.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the binary is what prints")]

mod commands;
#[cfg(test)]
mod docs_tests;
mod failure;
mod operator;
mod print;

use std::{ffi::OsString, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// Confines AI agents and decides, from outside, everything they do.
#[derive(Debug, Parser)]
#[command(name = "palisade", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a command in a sandbox.
    Run(commands::run::Args),
    /// Run a command and write rules for what it wants of the network.
    Learn(commands::learn::Args),
    /// List the sandboxes that run.
    Ps(commands::ps::Args),
    /// Run a command in a running sandbox, confined like its agent.
    Exec(commands::exec::Args),
    /// End a running sandbox.
    Kill(commands::kill::Args),
    /// Stop all processes of a running sandbox where they are.
    #[command(after_help = "Example: palisade freeze build\n\n\
        Exit code: 0 they stand, 1 they do not, or there is no such sandbox.")]
    Freeze(commands::freeze::Args),
    /// Let a frozen sandbox go on.
    #[command(after_help = "Example: palisade thaw build\n\n\
        Exit code: 0 it goes on, 1 it does not, or there is no such sandbox.")]
    Thaw(commands::freeze::Args),
    /// Show what a session did, from its journal.
    Logs(commands::logs::Args),
    /// Show a hostile agent in a sandbox, and what stops it.
    Demo(commands::demo::Args),
    /// Answer what agents want and no rule names.
    Approvals(commands::approvals::Args),
    /// Decide what an agent announces on its own hook interface.
    Hook(commands::hook::Args),
    /// Put the hook into an agent's own settings, without a sandbox: decisions and a record, nothing held.
    Integrate(commands::integrate::Args),
    /// Stand between a client of the Model Context Protocol and a server.
    Mcp(commands::mcp::Args),
    /// Write the first policy of a project, or your own.
    Init(commands::init::Args),
    /// Check, explain, trust and exchange policies.
    Policy(commands::policy::Args),
    /// List, show, take and discard what agents changed in overlays.
    Workspace(commands::workspace::Args),
    /// Vet, take, review and sign skills, plugins and tool definitions before an agent sees them.
    Skill(commands::skill::Args),
    /// Read and verify the journal.
    Audit(commands::audit::Args),
    /// Show what models were used: calls, tokens and money.
    Usage(commands::usage::Args),
    /// Try what a sandbox needs of this system, and say what to do about what is missing.
    Doctor(commands::doctor::Args),
    /// Attack a sandbox of your policy from inside, and say what got through.
    Selftest(commands::selftest::Args),
    #[command(hide = true)]
    Attempt(commands::attempt::Args),
    /// Print the completions for a shell.
    Completions(commands::completions::Args),
}

/// The command of this name, if that is what is called and its arguments are right. All commands together are
/// thousands of words, which a program that others wait for need not put together. What else there is to say, of help
/// and of mistakes, [`Cli`] says.
fn alone<A: Args>(name: &'static str, words: &[OsString]) -> Option<A> {
    let (called, arguments) = words.get(1..)?.split_first()?;
    if called != name {
        return None;
    }
    let command = A::augment_args(clap::Command::new(name).no_binary_name(true));
    let found = command.try_get_matches_from(arguments).ok()?;
    A::from_arg_matches(&found).ok()
}

/// What programs call again and again.
fn of_programs(words: &[OsString]) -> Option<Command> {
    None.or_else(|| alone("run", words).map(Command::Run))
        .or_else(|| alone("hook", words).map(Command::Hook))
        .or_else(|| alone("exec", words).map(Command::Exec))
        .or_else(|| alone("mcp", words).map(Command::Mcp))
}

/// Without the owner's own rights on what it makes (`umask 0777`) nobody could read the journal again, and it would
/// count as damaged.
fn keep_own_rights() {
    use rustix::{fs::Mode, process::umask};
    umask(umask(Mode::RWXU).difference(Mode::RWXU));
}

fn main() -> ExitCode {
    keep_own_rights();
    // A limit of a file's size (`ulimit -f`) is an error that is told, for every command.
    palisade_sandbox::linux::sys::signal::outlive_large_files();
    let words: Vec<OsString> = std::env::args_os().collect();
    let command = of_programs(&words).unwrap_or_else(|| Cli::parse().command);
    let result = match command {
        Command::Run(args) => commands::run::run(args),
        Command::Learn(args) => commands::learn::run(args),
        Command::Ps(args) => commands::ps::run(&args),
        Command::Exec(args) => commands::exec::run(args),
        Command::Kill(args) => commands::kill::run(&args),
        Command::Freeze(args) => commands::freeze::run(&args, true),
        Command::Thaw(args) => commands::freeze::run(&args, false),
        Command::Logs(args) => commands::logs::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Selftest(args) => commands::selftest::run(&args),
        Command::Attempt(args) => commands::attempt::run(&args),
        Command::Approvals(args) => commands::approvals::run(&args),
        Command::Hook(args) => commands::hook::run(&args),
        Command::Integrate(args) => commands::integrate::run(&args),
        Command::Mcp(args) => commands::mcp::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Policy(args) => commands::policy::run(args),
        Command::Workspace(args) => commands::workspace::run(args),
        Command::Skill(args) => commands::skill::run(args),
        Command::Audit(args) => commands::audit::run(args),
        Command::Usage(args) => commands::usage::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
    };
    result.unwrap_or_else(|failure| failure.report())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments that are right, and some that are not.
    const LINES: [&str; 14] = [
        "palisade run -- true",
        "palisade run true --quiet",
        "palisade run -q --policy a.yaml --name x --expose 80 --expose 81 -- sh -c 'a b'",
        "palisade run --profile shell --workspace ro --allow-degraded seccomp -- true",
        "palisade run --policy a --profile b -- true",
        "palisade run --help",
        "palisade run --version",
        "palisade run",
        "palisade run --expose 0 -- true",
        "palisade hook --agent claude-code",
        "palisade exec build -- ls -l",
        "palisade mcp -- server --flag",
        "palisade ps",
        "palisade",
    ];

    #[test]
    fn a_command_alone_is_what_it_is_among_all() {
        let mut found = 0;
        for line in LINES {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let whole = Cli::try_parse_from(&words);
            let Some(alone) = of_programs(&words) else { continue };
            found += 1;
            let whole = whole.unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(format!("{alone:?}"), format!("{:?}", whole.command), "{line}");
        }
        assert_eq!(found, 7);
    }
}
