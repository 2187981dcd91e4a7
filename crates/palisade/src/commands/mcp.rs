use std::{
    collections::HashSet,
    env,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use palisade_core::{paths, shown};
use palisade_hooks::Agent;
use palisade_mcp::{Between, Decide, Lines, Pins, Remote, RemoteError, Said, Step, digest};
use serde_json::{Map, Value, json};

use super::hook;
use crate::{
    failure::{Failure, Kind},
    print::note,
};

/// How long a server has to end when its client is gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a server's list of tools.
const ANSWER: Duration = Duration::from_secs(60);
/// Lists of tools that a server may have, one after the other.
const MOST_PAGES: usize = 100;
/// Notes that are printed; a server could cause them without end.
const MOST_NOTES: u32 = 200;
/// The revision that is spoken where tools are listed.
const REVISION: &str = "2025-06-18";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade mcp --pin --name files -- npx -y @modelcontextprotocol/server-filesystem@2025.8.21 .
  palisade mcp --name docs --url https://mcp.example.com/mcp --header authorization=DOCS_TOKEN
  palisade mcp --name files -- palisade run --profile shell -- npx -y @modelcontextprotocol/server-filesystem@2025.8.21 .

Put the last in place of the server's own command in the client's settings. Each call of a tool is decided by the
permission rules, as mcp__NAME__TOOL; so are reads of resources (mcp__NAME__resources_read), prompts
(mcp__NAME__prompts_get), completions (mcp__NAME__completion), and what the server asks of the client
(mcp__NAME__sampling, mcp__NAME__elicitation).
Inside a sandbox a question waits in `palisade approvals`; elsewhere it is a refusal, as nobody can be asked. The server runs as the client would have run it; `palisade run`
confines it.")]
pub(crate) struct Args {
    /// What rules call the server. Default: the program's name.
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// The policy, in place of the project's and the user's. Inside a sandbox its own counts.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Record each decision in the journal; what cannot be recorded is refused. Inside a sandbox it always is.
    #[arg(long)]
    record: bool,
    /// Show the server's tools, and accept their definitions as they are now.
    #[arg(long)]
    pin: bool,
    /// Accept without a question.
    #[arg(long, requires = "pin")]
    yes: bool,
    /// Show each tool to the client, seen before or not.
    #[arg(long, conflicts_with = "pin")]
    any_tools: bool,
    /// The server and its arguments.
    #[arg(last = true, required_unless_present = "url", value_name = "SERVER")]
    server: Vec<String>,
    /// A server over HTTP, in place of a command: `https`, or `http` at a loopback address.
    #[arg(long, value_name = "URL", conflicts_with = "server", requires = "name")]
    url: Option<String>,
    /// A header field for it, and the variable that holds its value.
    #[arg(long = "header", value_name = "NAME=VARIABLE", requires = "url", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Only speak to the server over HTTP; nothing is decided.
    #[arg(long, hide = true, requires = "url")]
    bridge: bool,
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let parts =
        text.split_once('=').filter(|(name, variable)| !name.is_empty() && !variable.is_empty());
    let (name, variable) = parts.ok_or("write it as in authorization=TOKEN")?;
    Ok((name.to_owned(), variable.to_owned()))
}

/// What can stand in a rule.
fn name(text: &str) -> Result<String, &'static str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let good = (1..=64).contains(&text.len()) && text.chars().all(plain) && !text.contains("__");
    if good { Ok(text.to_owned()) } else { Err("use 1 to 64 letters, digits, `-` and single `_`") }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if let (true, Some(remote)) = (args.bridge, remote(args)?) {
        return match remote.bridge() {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(Failure::new(Kind::Enforcement, error.to_string())),
        };
    }
    let server = server(args)?;
    let name = named(args)?;
    let file = pins_file(&name)?;
    if args.pin {
        return pin(args, &server, &name, &file);
    }
    let pins = match args.any_tools {
        true => None,
        false => Some(Pins::load(&file).map_err(|error| {
            Failure::new(Kind::Enforcement, error.to_string())
                .remedy(format!("palisade mcp --pin --name {name} -- …"))
        })?),
    };
    if pins.as_ref().is_some_and(|pins| pins.tools.is_empty()) {
        note(&format!(
            "palisade: no tool of {name} was accepted yet, so none is shown; to see and accept them: \
             palisade mcp --pin --name {name} -- …"
        ));
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let session = format!("mcp-{}-{since}", std::process::id());
    let rules = Rules { policy: args.policy.clone(), record: args.record, session };
    serve(&server, Arc::new(Between::new(name, pins, rules)))
}

/// The server over HTTP, if it is one.
fn remote(args: &Args) -> Result<Option<Remote>, Failure> {
    let Some(url) = &args.url else { return Ok(None) };
    let value = |(name, variable): &(String, String)| match env::var(variable) {
        Ok(value) => Ok((name.clone(), value)),
        Err(_) => Err(Failure::new(Kind::Usage, format!("the variable {variable} is not set"))
            .remedy("set it to the header field's value")),
    };
    let headers: Vec<_> = args.headers.iter().map(value).collect::<Result<_, _>>()?;
    let remote = Remote::new(url, &headers).map_err(|error| {
        let kind = match error {
            RemoteError::Url(_) | RemoteError::Header(_) => Kind::Usage,
            _ => Kind::Enforcement,
        };
        Failure::new(kind, error.to_string())
    })?;
    Ok(Some(remote))
}

/// What is started: the server, or this program for one that is elsewhere.
fn server(args: &Args) -> Result<Vec<String>, Failure> {
    if remote(args)?.is_none() {
        return Ok(args.server.clone());
    }
    let own = env::current_exe().ok().and_then(|own| own.to_str().map(str::to_owned));
    let own = own
        .ok_or_else(|| Failure::new(Kind::Enforcement, "this program's own file cannot be told"))?;
    let url = args.url.clone().unwrap_or_default();
    let mut server: Vec<String> =
        [own.as_str(), "mcp", "--name", "x", "--bridge", "--url", &url].map(str::to_owned).into();
    for (name, variable) in &args.headers {
        server.extend(["--header".to_owned(), format!("{name}={variable}")]);
    }
    Ok(server)
}

fn named(args: &Args) -> Result<String, Failure> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let program = args.server.first().map(Path::new).and_then(Path::file_name);
    let of_program = program.map(|name| name.to_string_lossy().into_owned());
    of_program.and_then(|text| name(&text).ok()).ok_or_else(|| {
        Failure::new(Kind::Usage, "the program's name cannot stand in a rule").remedy("--name NAME")
    })
}

/// Outside of everything that an agent may write.
fn pins_file(name: &str) -> Result<PathBuf, Failure> {
    let state = paths::state_dir(|name| env::var_os(name))
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    Ok(state.join("mcp").join(format!("{name}.json")))
}

/// The permission rules and hooks, as an agent's own hook would ask them.
#[derive(Debug)]
struct Rules {
    policy: Option<PathBuf>,
    record: bool,
    /// What came in through this process counts in it.
    session: String,
}

impl Decide for Rules {
    fn decide(&self, name: &str, input: &Map<String, Value>) -> Said {
        let cwd = env::current_dir().unwrap_or_default();
        let told = json!({
            "session_id": self.session,
            "cwd": cwd.to_string_lossy(),
            "hook_event_name": "PreToolUse",
            "tool_name": name,
            "tool_input": input,
        });
        let reply = match hook::decided(
            Agent::ClaudeCode,
            hook::Asks::Supervisor,
            told.to_string().as_bytes(),
            self.policy.as_deref(),
            self.record,
        ) {
            Ok(reply) => reply,
            Err(why) => return Said::Deny(why),
        };
        if reply.exit != 0 {
            return Said::Deny(reply.stderr.trim().to_owned());
        }
        if reply.stdout.trim().is_empty() {
            return Said::Allow;
        }
        let Ok(answer) = serde_json::from_str::<Value>(&reply.stdout) else {
            return Said::Deny("the decision cannot be read".into());
        };
        let said = answer.get("hookSpecificOutput");
        let text = |key: &str| said.and_then(|said| said.get(key)?.as_str()).unwrap_or_default();
        let reason = text("permissionDecisionReason");
        match text("permissionDecision") {
            "allow" => match said.and_then(|said| said.get("updatedInput")?.as_object()) {
                Some(input) => Said::AllowWith(input.clone()),
                None => Said::Allow,
            },
            "ask" => Said::Deny(format!(
                "it would have to be asked ({reason}), and nobody can be asked here; to allow it, add \
                 `{name}` to `permissions.allow`"
            )),
            "deny" => Said::Deny(reason.to_owned()),
            _ if answer.get("continue") == Some(&Value::Bool(false)) => {
                Said::Deny("a hook stops it".into())
            }
            // No rule and no hook has anything to say about it.
            "" => Said::Allow,
            _ => Said::Deny("the decision cannot be read".into()),
        }
    }
}

/// Ends the server when this ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

fn start(server: &[String], stderr: Stdio) -> Result<Server, Failure> {
    let (program, arguments) = server.split_first().unwrap_or((const { &String::new() }, &[]));
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map(Server)
        .map_err(|error| {
            Failure::new(Kind::Usage, format!("{}: {error}", shown(program, 200)))
                .remedy("the server's command behind `--`")
        })
}

fn serve(server: &[String], between: Arc<Between<Rules>>) -> Result<ExitCode, Failure> {
    let mut child = start(server, Stdio::inherit())?;
    let (Some(input), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
        return Err(Failure::new(Kind::Enforcement, "the server has no pipes"));
    };
    let ways = Arc::new(Ways {
        to_server: Mutex::new(Some(input)),
        to_client: Mutex::new(io::stdout()),
        notes: AtomicU32::new(0),
    });
    let (asked, other) = (Arc::clone(&between), Arc::clone(&ways));
    let from_client = thread::spawn(move || {
        let mut lines = Lines::new(io::stdin());
        let why = loop {
            match lines.next_line() {
                Ok(Some(line)) => {
                    let Step { on, back, note } = asked.of_client(&line);
                    other.tell(note);
                    if !(other.server(on) && other.client(back)) {
                        break None;
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        other.tell(why.map(|why| format!("the client: {why}")));
        // The server's end of input.
        other.to_server.lock().unwrap_or_else(PoisonError::into_inner).take();
    });
    let mut lines = Lines::new(output);
    let whole = loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                let Step { on, back, note } = between.of_server(&line);
                ways.tell(note);
                if !(ways.client(on) && ways.server(back)) {
                    break true;
                }
            }
            Ok(None) => break true,
            Err(error) => {
                ways.tell(Some(format!("the server: {error}")));
                break false;
            }
        }
    };
    let status = ended(&mut child);
    // It waits for the client, which may never say more.
    drop(from_client);
    Ok(match status {
        Some(code) if whole => ExitCode::from(code),
        _ => ExitCode::from(1),
    })
}

/// Both ways, each written by two threads.
struct Ways {
    to_server: Mutex<Option<std::process::ChildStdin>>,
    to_client: Mutex<io::Stdout>,
    notes: AtomicU32,
}

impl Ways {
    /// Whether the server could be told.
    fn server(&self, line: Option<Vec<u8>>) -> bool {
        let Some(line) = line else { return true };
        let mut to = self.to_server.lock().unwrap_or_else(PoisonError::into_inner);
        to.as_mut().is_some_and(|to| written(to, line))
    }

    fn client(&self, line: Option<Vec<u8>>) -> bool {
        let Some(line) = line else { return true };
        let mut to = self.to_client.lock().unwrap_or_else(PoisonError::into_inner);
        written(&mut *to, line)
    }

    fn tell(&self, said: Option<String>) {
        let Some(said) = said else { return };
        match self.notes.fetch_add(1, Ordering::Relaxed) {
            told if told < MOST_NOTES => note(&format!("palisade: {said}")),
            MOST_NOTES => note("palisade: more of the like is not printed"),
            _ => {}
        }
    }
}

fn written(to: &mut impl Write, mut line: Vec<u8>) -> bool {
    line.push(b'\n');
    to.write_all(&line).and_then(|()| to.flush()).is_ok()
}

/// The exit status of a server that has said its last, or is made to end.
fn ended(child: &mut Server) -> Option<u8> {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.0.try_wait() {
            Ok(Some(status)) => {
                return status.code().and_then(|code| u8::try_from(code).ok());
            }
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => return None,
        }
    }
}

fn pin(args: &Args, server: &[String], name: &str, file: &Path) -> Result<ExitCode, Failure> {
    let Listed { tools, instructions } = listed(server)?;
    let known = Pins::load(file).unwrap_or_default();
    let mut out = io::stdout().lock();
    let mut names = HashSet::new();
    let mut show = || -> io::Result<()> {
        if let Some(said) = &instructions {
            let state = match known.instructions.as_ref() {
                Some(known) if *known == digest(said) => "known",
                Some(_) => "CHANGED",
                None => "new",
            };
            writeln!(out, "{state:<8} instructions  {}", digest(said))?;
            writeln!(out, "         {}", shown(&said.to_string(), 20_000))?;
        }
        for tool in &tools {
            let of = |key: &str| tool.get(key).and_then(Value::as_str).unwrap_or_default();
            let (tool_name, pinned) = (of("name"), known.has(tool));
            let state = match (pinned, known.names(tool_name)) {
                (true, _) => "known",
                (false, true) => "CHANGED",
                (false, false) => "new",
            };
            writeln!(out, "{:<8} {}  {}", state, shown(tool_name, 100), digest(tool))?;
            writeln!(out, "         {}", shown(of("description"), 4000))?;
            if !pinned {
                writeln!(out, "         {}", shown(&tool.to_string(), 20_000))?;
            }
        }
        out.flush()
    };
    show().map_err(|error| Failure::new(Kind::Enforcement, format!("standard output: {error}")))?;
    for tool in &tools {
        let tool_name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        if tool_name.is_empty() || !names.insert(tool_name) {
            return Err(Failure::new(
                Kind::Denied,
                "two tools have one name, or one has none: none is accepted",
            ));
        }
    }
    if !args.yes && !asked(name)? {
        return Err(Failure::new(Kind::Denied, "nothing was accepted"));
    }
    Pins::of(&tools, instructions.as_ref())
        .save(file)
        .map_err(|error| Failure::new(Kind::Enforcement, error.to_string()))?;
    println!("accepted {} tools of {name}", tools.len());
    Ok(ExitCode::SUCCESS)
}

fn asked(name: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Usage,
            "nobody can be asked: standard input is no terminal",
        )
        .remedy("read what stands above, and `--yes`"));
    }
    print!("Accept these definitions of {name}? [y/N] ");
    io::stdout().flush().unwrap_or_default();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "yes"))
}

/// What a server says of itself.
struct Listed {
    tools: Vec<Value>,
    instructions: Option<Value>,
}

/// All tools of a server and its instructions. It is started for it.
fn listed(server: &[String]) -> Result<Listed, Failure> {
    let failed = |why: String| Failure::new(Kind::Enforcement, format!("the server: {why}"));
    let mut child = start(server, Stdio::inherit())?;
    let (Some(mut input), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
        return Err(failed("it has no pipes".into()));
    };
    let (send, answers) = std::sync::mpsc::sync_channel(64);
    thread::spawn(move || {
        let mut lines = Lines::new(output);
        loop {
            let line = lines.next_line().map_err(|error| error.to_string());
            let last = !matches!(line, Ok(Some(_)));
            if send.send(line).is_err() || last {
                break;
            }
        }
    });
    let mut ask = |id: u64, method: &str, params: Value| -> Result<Value, String> {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        if !written(&mut input, request.to_string().into_bytes()) {
            return Err("it does not read".into());
        }
        if method == "initialize" {
            let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            written(&mut input, ready.to_string().into_bytes());
        }
        let until = Instant::now() + ANSWER;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = answers.recv_timeout(left).map_err(|_| format!("no answer to {method}"))?;
            let line = line?.ok_or("it ended")?;
            let Ok(mut object) = palisade_core::strict_object(&line) else {
                return Err(format!("its answer to {method} cannot be read"));
            };
            if object.get("id") != Some(&Value::from(id)) || object.contains_key("method") {
                continue;
            }
            return object.remove("result").ok_or(format!("it refuses {method}"));
        }
    };
    let hello = json!({
        "protocolVersion": REVISION,
        "capabilities": {},
        "clientInfo": {"name": "palisade", "version": env!("CARGO_PKG_VERSION")},
    });
    let mut greeting = ask(0, "initialize", hello).map_err(failed)?;
    let instructions = greeting.get_mut("instructions").map(Value::take);
    let (mut tools, mut cursor) = (Vec::new(), None);
    for page in 1..=MOST_PAGES {
        let params = cursor.map_or_else(|| json!({}), |cursor: Value| json!({"cursor": cursor}));
        let mut result =
            ask(u64::try_from(page).unwrap_or(u64::MAX), "tools/list", params).map_err(failed)?;
        let Some(Value::Array(more)) = result.get_mut("tools").map(Value::take) else {
            return Err(failed("its list of tools is none".into()));
        };
        tools.extend(more);
        cursor = result.get_mut("nextCursor").map(Value::take).filter(Value::is_string);
        if cursor.is_none() {
            return Ok(Listed { tools, instructions });
        }
    }
    Err(failed(format!("it has more than {MOST_PAGES} lists of tools")))
}
