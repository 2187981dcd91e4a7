//! The official SDKs of Anthropic and OpenAI, for Python and for JavaScript: what programs that agents write
//! use. Each case is one that an SDK must take without knowing that anything stands between.

use std::{
    fs,
    path::{Path, PathBuf},
};

use palisade_testkit::{Flaw, ModelServer, Script, TestAuthority, Tunnels, Turn};
use serde_json::{Value, json};

use crate::{
    ran::{Ran, run},
    stage::{KEY, Stage, agents},
};

/// How a client finds the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The variables that SDKs read name `http://inference.local`.
    BaseUrl,
    /// Nothing is set: the SDK calls its provider's own host.
    OwnHost,
}

/// The program that runs an SDK's cases, and how.
const PYTHON: (&str, &str, &str) = ("python3", "clients.py", include_str!("clients.py"));
const JAVASCRIPT: (&str, &str, &str) = ("node", "clients.mjs", include_str!("clients.mjs"));

fn call(command: &str) -> (&'static str, Value) {
    ("Bash", json!({"command": command}))
}

fn script() -> Script {
    let tool = |command: &str| Turn::tool("Bash", call(command).1);
    let calls = [call("echo one"), call("rm -rf x"), call("echo two")];
    Script::new(vec![
        Turn::text("Hello from the model.").when("case-plain"),
        tool("echo one").when("case-allowed"),
        tool("rm -rf x").when("case-denied"),
        Turn::tools(&calls).when("case-parallel"),
        Turn::breaks_off("It begins well and goes on for a while, but not to its end.")
            .when("case-breaks"),
        Turn::fails(429, Some(1)).when("case-busy-a").once(),
        Turn::fails(429, Some(1)).when("case-busy-o").once(),
        Turn::text("It has room again.").when("case-busy"),
        Turn::text("Done.").when("result-of-it"),
    ])
    .repeated()
    .with_key(KEY)
}

/// Where the providers are, for one way.
struct Providers {
    model: ModelServer,
    /// Always fails.
    failing: ModelServer,
    /// Where the names of providers lead, and who vouches for them.
    outside: Option<(Tunnels, TestAuthority)>,
}

impl Providers {
    fn of(way: Way) -> Self {
        let failing = Script::new(vec![Turn::fails(500, None)]).repeated();
        let failing = ModelServer::start(failing).unwrap();
        if way == Way::BaseUrl {
            return Self { model: ModelServer::start(script()).unwrap(), failing, outside: None };
        }
        let authority = TestAuthority::new().unwrap();
        let names = "api.anthropic.com,api.openai.com";
        let tls = authority.server(names, Flaw::None, &["http/1.1"]).unwrap();
        let model = ModelServer::start_secure(tls, script()).unwrap();
        let tunnels = Tunnels::start(443, model.address().port()).unwrap();
        Self { model, failing, outside: Some((tunnels, authority)) }
    }

    /// The policy's text.
    fn policy(&self, clients: &str, limits: &str) -> String {
        let failing = self.failing.url();
        let (anthropic, openai, network, base) = match &self.outside {
            None => {
                let url = self.model.url();
                let base = "ANTHROPIC_BASE_URL: 'http://inference.local', OPENAI_BASE_URL: 'http://inference.local/v1', ";
                (url.clone(), format!("{url}/v1"), String::new(), base)
            }
            Some((tunnels, _)) => (
                "https://api.anthropic.com".to_owned(),
                "https://api.openai.com/v1".to_owned(),
                // Addresses of a network for documentation (RFC 5737).
                format!(
                    "network: {{hosts: {{api.anthropic.com: [203.0.113.7], api.openai.com: [203.0.113.8]}}, \
                     upstream: {{proxy: '{}'}}}}\n",
                    tunnels.url()
                ),
                "",
            ),
        };
        format!(
            "palisade: 1
extends: [shell]
filesystem: {{read: ['{clients}']}}
process: {{environment: {{set: {{{base}CLIENTS: '{clients}', PYTHONPATH: '{clients}/python'}}}}}}
credentials:
  anthropic: {{from: {{env: ANTHROPIC_API_KEY}}, header: 'x-api-key: {{secret}}', expose: ANTHROPIC_API_KEY}}
  openai: {{from: {{env: OPENAI_API_KEY}}, header: 'authorization: Bearer {{secret}}', expose: OPENAI_API_KEY}}
permissions: {{mode: bypassPermissions, deny: ['Bash(rm *)']}}
{network}inference:
  providers:
    anthropic: {{api: anthropic, url: '{anthropic}', credential: anthropic}}
    openai: {{api: openai, url: '{openai}', credential: openai}}
    failing-anthropic: {{api: anthropic, url: '{failing}'}}
    failing-openai: {{api: openai, url: '{failing}/v1'}}
  routes:
    - {{model: 'claude-*', to: anthropic}}
    - {{model: 'gpt-*', to: openai}}
    - {{model: 'text-embedding-*', to: openai}}
    - {{model: first-claude, to: failing-anthropic, fallback: [{{to: anthropic, as: claude-2}}]}}
    - {{model: first-gpt, to: failing-openai, fallback: [{{to: openai, as: gpt-2}}]}}
{limits}"
        )
    }
}

/// Run all cases of these SDKs in a sandbox.
fn found(
    providers: &Providers,
    (program, name, text): (&str, &str, &str),
    limits: Option<&str>,
) -> Option<(Stage, Ran, Value)> {
    let clients: PathBuf = agents()?.join("clients");
    if !clients.join("installed.txt").exists() {
        assert!(std::env::var_os("CI").is_none(), "run tests/agents/install.sh first");
        return None;
    }
    let mut stage = Stage::new("shell");
    // The interpreter that install.sh had in mind.
    stage.add_to_path(Path::new("/usr/bin"));
    stage.add_to_path(Path::new("/usr/local/bin"));
    fs::write(stage.workspace.join(name), text).unwrap();
    let policy = providers.policy(clients.to_str().unwrap(), limits.unwrap_or_default());
    stage.write_whole_policy(&policy);
    if let Some((_, authority)) = &providers.outside {
        let store = stage.home.join("store.pem");
        fs::write(&store, authority.pem()).unwrap();
        stage.set("SSL_CERT_FILE", store.to_str().unwrap());
    }
    let mut command = vec![program, name];
    command.extend(limits.map(|_| "limited"));
    let ran = run(&mut stage.confined(&command));
    assert_eq!(ran.exit, 0, "{ran}");
    let found = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    Some((stage, ran, found))
}

fn works(way: Way, sdks: (&str, &str, &str)) {
    let providers = Providers::of(way);
    let Some((stage, ran, found)) = found(&providers, sdks, None) else { return };
    let whole = format!("{found:#}\n{}", ran.stderr);
    let echo = |word: &str| json!(["Bash", {"command": format!("echo {word}")}]);
    // The words of each API for the end of a turn, and for one that ends with calls.
    for (form, ended, called) in [
        ("messages", "end_turn", "tool_use"),
        ("messages_stream", "end_turn", "tool_use"),
        ("chat", "stop", "tool_calls"),
        ("chat_stream", "stop", "tool_calls"),
        ("responses", "completed", "completed"),
        ("responses_stream", "completed", "completed"),
    ] {
        let of = |case: &str| &found[format!("{form} {case}")];
        let hello = json!({"stop": ended, "usage": [10, 5], "parts": ["Hello from the model."]});
        assert_eq!(*of("plain"), hello, "{form}: {whole}");
        let one = json!({"stop": called, "usage": [10, 5], "parts": [echo("one")]});
        assert_eq!(*of("allowed"), one, "{form}: {whole}");
        let denied = of("denied");
        assert_eq!(
            (&denied["stop"], &denied["usage"]),
            (&json!(ended), &json!([10, 5])),
            "{whole}"
        );
        let parts = denied["parts"].as_array().unwrap();
        let told = |part: &Value| {
            part.as_str().is_some_and(|text| text.contains("Bash(rm *)")) && parts.len() == 1
        };
        assert!(told(&parts[0]), "{form}: {whole}");
        let parallel = of("parallel");
        assert_eq!(parallel["stop"], called, "{form}: {whole}");
        let parts = parallel["parts"].as_array().unwrap();
        let calls: Vec<&Value> = parts.iter().filter(|part| part.is_array()).collect();
        assert_eq!(calls, [&echo("one"), &echo("two")], "{form}: {whole}");
        let refused = |part: &&Value| part.as_str().is_some_and(|it| it.contains("Bash(rm *)"));
        assert_eq!(parts.iter().filter(refused).count(), 1, "{form}: {whole}");
        if form.ends_with("_stream") {
            // Cut as the provider cut it: an error, and no answer that looks whole.
            let broke = of("breaks").as_str().unwrap_or_default();
            assert!(broke.contains("Error: ") && !broke.starts_with("failed"), "{form}: {whole}");
        } else {
            let hello = of("fallback").clone();
            assert_eq!(hello["parts"], json!(["Hello from the model."]), "{form}: {whole}");
        }
    }
    assert_eq!(found["messages round"]["parts"], json!(["Done."]), "{whole}");
    for form in ["messages", "chat"] {
        let waited = &found[format!("{form} waits")];
        assert_eq!(*waited, json!([["It has room again."], true]), "{whole}");
        assert_eq!(found[format!("{form} models")], json!(["scripted-1"]), "{whole}");
    }
    assert_eq!(found["messages count"], 10, "{whole}");
    assert_eq!(found["embeddings"], json!([[0.25, -0.5], [0.25, -0.5]]), "{whole}");
    assert_eq!(found["placeholders"], json!([true, true]), "{whole}");
    if sdks.0 == PYTHON.0 {
        assert_eq!(found["memory"], 0, "{whole}");
    }
    let requests = providers.model.requests();
    assert!(requests.iter().all(|request| request.contains(KEY)));
    assert!(!requests.iter().any(|request| request.contains("palisade-placeholder")));
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran}");
    let journal = stage.journal();
    assert!(!journal.iter().any(|event| event.to_string().contains(KEY)));
    let failures = journal.iter().filter(|event| event["kind"] == "model_failure").count();
    assert!(failures >= 3, "{failures}");
    // Whoever sends nothing but calls of models is refused nothing but these calls.
    assert_eq!(stage.refused(), ["Bash rm -rf x"]);
    stage.journal_is_whole();
}

#[test]
fn python_sdks_work_by_a_base_url() {
    works(Way::BaseUrl, PYTHON);
}

#[test]
fn python_sdks_work_with_nothing_set() {
    works(Way::OwnHost, PYTHON);
}

#[test]
fn javascript_sdks_work_by_a_base_url() {
    works(Way::BaseUrl, JAVASCRIPT);
}

#[test]
fn javascript_sdks_work_with_nothing_set() {
    works(Way::OwnHost, JAVASCRIPT);
}

/// A limit of the policy is each SDK's own error, which says when there is room again.
#[test]
fn sdks_know_a_limit_for_what_it_is() {
    for sdks in [PYTHON, JAVASCRIPT] {
        let providers = Providers::of(Way::BaseUrl);
        let limits = "  limits: {requests_per_minute: 1}\n";
        let Some((_, ran, found)) = found(&providers, sdks, Some(limits)) else { return };
        assert_eq!(found["first"], json!(["Hello from the model."]), "{ran}");
        for form in ["messages", "chat"] {
            let said = found[form].as_array().unwrap_or_else(|| panic!("{ran}"));
            assert_eq!(
                (&said[0], &said[1], &said[3]),
                (&json!("RateLimitError"), &json!(429), &json!(true)),
                "{ran}"
            );
            let seconds = said[2].as_u64().unwrap();
            assert!((1..=60).contains(&seconds), "{ran}");
        }
        assert_eq!(providers.model.requests().len(), 1);
    }
}
