use std::{
    env,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::ValueEnum;
use palisade_hooks::{Agent, MARK, Reply};
use palisade_policy::{Access, Asked, CommandLine, Workspace, load};

use crate::{
    failure::Failure,
    operator::{operator, sources},
};

/// Bytes of what an agent tells.
const MOST_TOLD: u64 = 16 << 20;
/// Bytes of an answer.
const MOST_ANSWERED: u64 = 32 << 20;
/// What every sandbox has, and nothing else.
const INSIDE: &str = "/run/palisade/policy.md";
/// Who answers inside.
const SUPERVISOR: (&str, u16) = ("palisade.local", 80);
/// For the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For the answer: no hook takes longer.
const ANSWER: Duration = Duration::from_secs(3700);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The agent's JSON is read from standard input, and its answer goes to standard output. In Claude Code's
settings:

  {\"hooks\": {\"PreToolUse\": [{\"matcher\": \"*\", \"hooks\": [
    {\"type\": \"command\", \"command\": \"palisade hook --agent claude-code\"}]}]}}

Inside a sandbox the supervisor decides, by the sandbox's policy. Elsewhere --policy decides, or what
`palisade run` would use here; that is decided and not enforced: an agent that does not ask is not stopped.

Exit code: what the agent's interface has. Whatever goes wrong is a refusal.")]
pub(crate) struct Args {
    /// Whose hook interface is spoken.
    #[arg(long, value_name = "AGENT")]
    agent: AgentArg,
    /// The policy, in place of the project's and the user's. Inside a sandbox its own counts.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Record each decision in the journal; what cannot be recorded is refused. Inside a sandbox it always is.
    #[arg(long)]
    record: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AgentArg {
    /// Claude Code.
    ClaudeCode,
    /// Codex.
    Codex,
    /// gemini-cli.
    Gemini,
    /// Cursor.
    Cursor,
    /// OpenClaw, by its plugin.
    Openclaw,
}

impl From<AgentArg> for Agent {
    fn from(word: AgentArg) -> Self {
        match word {
            AgentArg::ClaudeCode => Agent::ClaudeCode,
            AgentArg::Codex => Agent::Codex,
            AgentArg::Gemini => Agent::Gemini,
            AgentArg::Cursor => Agent::Cursor,
            AgentArg::Openclaw => Agent::OpenClaw,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let agent = Agent::from(args.agent);
    let reply = answer(agent, args.policy.as_deref(), args.record)
        .unwrap_or_else(|why| agent.refusal(&format!("palisade: {why}")));
    let said = io::stdout().lock().write_all(reply.stdout.as_bytes());
    io::stderr().lock().write_all(reply.stderr.as_bytes()).unwrap_or_default();
    // An agent that did not get the answer must not take silence for a permission.
    let exit = if said.is_err() && reply.exit == 0 { 2 } else { reply.exit };
    Ok(ExitCode::from(exit))
}

fn answer(agent: Agent, policy: Option<&Path>, record: bool) -> Result<Reply, String> {
    if env::var_os(MARK).is_some() {
        return Err("a hook cannot ask `palisade hook` again".to_owned());
    }
    let mut told = Vec::new();
    let read = io::stdin().lock().take(MOST_TOLD + 1).read_to_end(&mut told);
    read.map_err(|error| format!("what the agent says cannot be read: {error}"))?;
    if told.len() as u64 > MOST_TOLD {
        return Err(format!("the agent says more than {MOST_TOLD} bytes"));
    }
    decided(agent, Asks::Itself, &told, policy, record)
}

/// Who asks what is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// The agent, its own user.
    Itself,
    /// The supervisor, its operator: inside a sandbox, by whoever can ask nobody.
    Supervisor,
}

/// By whoever decides here: the supervisor inside a sandbox, elsewhere a policy.
pub(super) fn decided(
    agent: Agent,
    asks: Asks,
    told: &[u8],
    policy: Option<&Path>,
    record: bool,
) -> Result<Reply, String> {
    if Path::new(INSIDE).exists() {
        ask(agent, asks, told)
    } else {
        decide(agent, told, policy, record)
    }
}

/// By a policy, in this process.
fn decide(agent: Agent, told: &[u8], policy: Option<&Path>, record: bool) -> Result<Reply, String> {
    let mut operator = operator().map_err(|(what, remedy)| format!("{what}: {remedy}"))?;
    // The agent may have changed its folder since it was started.
    let project = env::var_os("CLAUDE_PROJECT_DIR").map(PathBuf::from);
    if let Some(project) = project.filter(|it| agent == Agent::ClaudeCode && it.is_absolute()) {
        operator.directory = project;
    }
    let named = policy.map(|file| CommandLine::File(file.to_owned()));
    let profile = match agent {
        Agent::ClaudeCode => "claude-code",
        Agent::Codex => "codex",
        Agent::OpenClaw => "openclaw",
        _ => "shell",
    };
    let sources = sources(&operator, named, Asked::default(), profile);
    let mut policy = load(&sources).map_err(|found| format!("the policy is not valid\n{found}"))?;
    // A policy that is only about calls names none; the agent works in its folder, and its rules count from there.
    policy.filesystem.workspace.get_or_insert_with(|| Workspace {
        path: operator.directory.clone(),
        access: Access::ReadWrite,
    });
    Ok(palisade_session::hooks::decide(&policy, &operator, agent, told, record))
}

/// By the supervisor of the sandbox that this is in.
fn ask(agent: Agent, asks: Asks, told: &[u8]) -> Result<Reply, String> {
    let failed =
        |error: io::Error| format!("the supervisor of this sandbox cannot be asked: {error}");
    let mut stream = connected().map_err(failed)?;
    stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
    stream.set_write_timeout(Some(CONNECT)).map_err(failed)?;
    let head = format!(
        "POST /v1/{}/{} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        if asks == Asks::Supervisor { "call" } else { "hook" },
        agent.name(),
        SUPERVISOR.0,
        told.len()
    );
    stream.write_all(&[head.as_bytes(), told].concat()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(MOST_ANSWERED).read_to_end(&mut answer).map_err(failed)?;
    reply_of(&answer).ok_or_else(|| "the supervisor's answer cannot be read".to_owned())
}

fn connected() -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in SUPERVISOR.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What is in an HTTP answer, if it is a whole one.
fn reply_of(answer: &[u8]) -> Option<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = response.parse(answer).ok()? else { return None };
    if response.code != Some(200) {
        return None;
    }
    let length = response.headers.iter().find(|it| it.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length?.value).ok()?.parse().ok()?;
    let body = answer.get(body..)?;
    if body.len() == length { serde_json::from_slice(body).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_counts() {
        let body = r#"{"exit":2,"stdout":"","stderr":"no"}"#;
        let whole = |code: u16, length: usize| {
            format!("HTTP/1.1 {code} X\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        let good = reply_of(whole(200, body.len()).as_bytes()).unwrap();
        assert_eq!((good.exit, good.stderr.as_str()), (2, "no"));
        for bad in [
            whole(500, body.len()),
            whole(200, body.len() + 1),
            whole(200, 3),
            body.to_owned(),
            String::new(),
            "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        ] {
            assert_eq!(reply_of(bad.as_bytes()), None, "{bad}");
        }
    }
}
