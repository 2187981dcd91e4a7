use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use palisade_testkit::{ModelServer, Script, Turn};
use serde_json::Value;

use crate::ran::{Ran, run};

/// The key that the operator has. It is only outside.
pub(crate) const KEY: &str = "sk-agents-test-key-0123456789abcdef";
/// What only the operator may read.
pub(crate) const SECRET: &str = "a file outside of the workspace";

/// An operator's machine in a folder.
///
/// `workspace` is where the agent works. `outside` it may read, `private` it may not, and neither may
/// it write.
pub(crate) struct Stage {
    pub(crate) workspace: PathBuf,
    pub(crate) outside: PathBuf,
    pub(crate) private: PathBuf,
    pub(crate) home: PathBuf,
    /// The model provider.
    pub(crate) server: ModelServer,
    profile: &'static str,
    policy: PathBuf,
    path: String,
    variables: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

/// The folder of the agents: `$PALISADE_AGENTS`, or where the script puts them.
pub(crate) fn agents() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/agents");
    let folder = std::env::var_os("PALISADE_AGENTS").map_or(default, PathBuf::from);
    if folder.join("installed.txt").exists() {
        return Some(folder.canonicalize().unwrap());
    }
    assert!(std::env::var_os("CI").is_none(), "run tests/agents/install.sh first");
    println!("skipped: run tests/agents/install.sh to confine real agents");
    None
}

impl Stage {
    /// With a policy over this profile.
    pub(crate) fn new(profile: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [workspace, outside, private, home] =
            ["workspace", "outside", "private", "home"].map(|name| {
                let path = root.join(name);
                fs::create_dir(&path).unwrap();
                path
            });
        fs::write(private.join("secret.txt"), format!("{SECRET}\n")).unwrap();
        let mut stage = Self {
            policy: root.join("policy.yaml"),
            workspace,
            outside,
            private,
            home,
            server: ModelServer::start(Script::default()).unwrap(),
            profile,
            path: std::env::var("PATH").unwrap(),
            variables: Vec::new(),
            _folder: folder,
        };
        stage.says(Vec::new());
        stage
    }

    /// The same, with Claude Code and Codex, if they are installed.
    pub(crate) fn with_agents(profile: &'static str) -> Option<Self> {
        let agents = agents()?;
        let mut stage = Self::new(profile);
        stage.add_to_path(&agents.join("node_modules/.bin"));
        Some(stage)
    }

    /// What the model says, turn by turn.
    pub(crate) fn says(&mut self, turns: Vec<Turn>) {
        self.follows(Script::new(turns));
    }

    /// The script that `palisade-inference` gives to this agent unconfined.
    pub(crate) fn says_script(&mut self, agent: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../tests/agents/scripts/{agent}.json"));
        let secret = self.private.join("secret.txt");
        let values = [
            ("@WORKSPACE@", self.workspace.as_path()),
            ("@OUTSIDE@", self.outside.as_path()),
            ("@SECRET@", secret.as_path()),
        ];
        self.follows(Script::read_with(&file, &values).unwrap());
    }

    fn follows(&mut self, script: Script) {
        self.server = ModelServer::start(script.with_key(KEY)).unwrap();
        self.write_policy(&self.server.url(), "");
    }

    /// A policy that extends the profile by what a test needs: where the models are, and a folder
    /// that may be read.
    pub(crate) fn write_policy(&self, url: &str, more: &str) {
        let anthropic =
            format!("    anthropic: {{api: anthropic, url: \"{url}\", credential: anthropic}}\n");
        let openai =
            format!("    openai: {{api: openai, url: \"{url}/v1\", credential: openai}}\n");
        let providers = match self.profile {
            "claude-code" => format!("inference:\n  providers:\n{anthropic}"),
            "codex" => format!("inference:\n  providers:\n{openai}"),
            "gemini" => format!(
                "inference:\n  providers:\n    google: {{api: gemini, url: \"{url}\", credential: google}}\n"
            ),
            "openclaw" => format!("inference:\n  providers:\n{anthropic}{openai}"),
            _ => String::new(),
        };
        let text = format!(
            "palisade: 1\nextends: [{}]\nfilesystem: {{read: [\"{}\"]}}\n{providers}{more}",
            self.profile,
            self.outside.display()
        );
        fs::write(&self.policy, text).unwrap();
    }

    /// A policy that is all the test's own.
    pub(crate) fn write_whole_policy(&self, text: &str) {
        fs::write(&self.policy, text).unwrap();
    }

    /// The operator has this variable besides.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), value.into()));
    }

    /// What this policy says besides.
    pub(crate) fn extend(&self, other: &Path) {
        let text = fs::read_to_string(&self.policy).unwrap();
        let text = text.replace("extends: [", &format!("extends: [\"{}\", ", other.display()));
        fs::write(&self.policy, text).unwrap();
    }

    /// Let the agent write there as well.
    pub(crate) fn grant_writing(&self, paths: &str) {
        let text = fs::read_to_string(&self.policy).unwrap();
        let text = text.replace("{read:", &format!("{{write: [{paths}], read:"));
        fs::write(&self.policy, text).unwrap();
    }

    /// Programs that the operator has besides.
    pub(crate) fn add_to_path(&mut self, folder: &Path) {
        self.path = format!("{}:{}", folder.display(), self.path);
    }

    /// `palisade`, with an operator's environment that holds the keys.
    pub(crate) fn palisade(&self) -> Command {
        self.of_operator(env!("CARGO_BIN_EXE_palisade"))
    }

    /// Any program of the operator's.
    pub(crate) fn of_operator(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("TERM", "xterm-256color")
            .env("ANTHROPIC_API_KEY", KEY)
            .env("OPENAI_API_KEY", KEY)
            .env("GEMINI_API_KEY", KEY)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.workspace);
        command
    }

    /// `palisade run -- COMMAND` under the test's policy.
    pub(crate) fn confined(&self, command: &[&str]) -> Command {
        let mut palisade = self.palisade();
        palisade.args(["run", "--policy"]).arg(&self.policy).arg("--").args(command);
        palisade
    }

    pub(crate) fn run(&self, command: &[&str]) -> Ran {
        run(&mut self.confined(command))
    }

    /// The same, as a line for a shell.
    pub(crate) fn line(&self, command: &str) -> String {
        let palisade = env!("CARGO_BIN_EXE_palisade");
        format!("'{palisade}' run --policy '{}' -- {command}", self.policy.display())
    }

    /// The journal, an event each.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let ran = run(self.palisade().args(["audit", "query", "--json"]));
        assert!(ran.exit == 0 || ran.stdout.is_empty(), "{ran}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What holds for every run in which an agent did its work: model calls are written down and the
    /// journal is whole; the provider saw the key, and nobody else did.
    pub(crate) fn was_confined(&self, ran: &Ran, provider: &str, calls: usize) {
        let requests = self.server.requests();
        assert_eq!(requests.len(), calls, "{ran}");
        for request in &requests {
            assert!(request.contains(KEY), "{:?}", request.headers);
            assert!(!request.contains("palisade-placeholder"), "{:?}", request.headers);
            assert!(!request.contains(SECRET), "the secret was read");
        }
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran}");
        let journal = self.journal();
        let of = |kind: &str| journal.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!((of("model_call"), of("model_answer")), (calls, calls), "{journal:#?}");
        for event in &journal {
            assert!(!event.to_string().contains(KEY), "{event}");
            if event["kind"] == "model_call" {
                assert_eq!(event["decision"], "allow");
                assert!(event["detail"]["model"].is_string(), "{event}");
            }
            if event["kind"] == "model_answer" {
                assert_eq!(event["detail"]["provider"], provider);
                assert_eq!(event["detail"]["status"], 200);
            }
        }
        self.journal_is_whole();
    }

    pub(crate) fn journal_is_whole(&self) {
        let verified = run(self.palisade().args(["audit", "verify"]));
        assert_eq!(verified.exit, 0, "{verified}");
    }

    /// What the journal says was refused, each once.
    pub(crate) fn refused(&self) -> Vec<String> {
        let mut refused: Vec<String> = self
            .journal()
            .iter()
            .filter(|event| event["decision"] == "deny")
            .map(|event| event["subject"].as_str().unwrap().to_owned())
            .collect();
        refused.sort();
        refused.dedup();
        refused
    }

    /// The text of a file of the workspace; empty if it is not there.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.workspace.join(name)).unwrap_or_default()
    }

    /// The last request to the model: the whole talk is in it.
    pub(crate) fn talk(&self) -> String {
        self.server.requests().last().map(|last| last.json().to_string()).unwrap_or_default()
    }
}
