//! Settings that known agents find inside, so that they work at once: their models are behind the
//! gateway, their own sandbox is off, and first-run questions that only a person could answer are
//! answered.
//!
//! Made from the policy's providers, whatever the command is: an agent may be started by a shell or a
//! script. Where the policy shows the operator's own settings, those count and nothing is put there.

use std::path::Path;

use palisade_hooks::{Agent, Event};
use palisade_policy::{Api, Inference, Provider};
use serde_json::{Map, Value, json};

use super::{environment::Placeholders, tree::Tree};
use crate::order::Operator;

/// Put them in the tree, once everything of the host's is in it.
pub(crate) fn add(
    inference: Option<&Inference>,
    operator: &Operator,
    placeholders: &Placeholders,
    announced: Option<(&Path, &[Event])>,
    tree: &mut Tree,
) {
    let provider = |api: Api| {
        let mut all = inference.iter().flat_map(|inference| inference.providers.values());
        all.find(|provider| provider.api == api)
    };
    let (anthropic, openai) = (provider(Api::Anthropic), provider(Api::OpenAi));
    if provider(Api::Gemini).is_some() {
        let settings = operator.home.join(".gemini/settings.json");
        put(tree, &settings, gemini_settings(announced));
    }
    if let Some(provider) = anthropic {
        let state = operator.home.join(".claude.json");
        put(tree, &state, claude_state(variable(provider), placeholders));
        let folder = Path::new("/etc/claude-code");
        tree.folder(folder);
        put(tree, &folder.join("managed-settings.json"), claude_settings(announced));
        put(tree, &folder.join("CLAUDE.md"), format!("{ABOUT}\n"));
    }
    if let Some(provider) = openai {
        let folder = Path::new("/etc/codex");
        tree.folder(folder);
        put(tree, &folder.join("config.toml"), codex_settings(variable(provider)));
        put(tree, &folder.join("managed_config.toml"), CODEX_MANAGED.to_owned());
    }
    if anthropic.or(openai).is_some() {
        let settings = operator.home.join(".openclaw/openclaw.json");
        put(tree, &settings, openclaw_settings(anthropic.is_some(), openai.is_some()));
    }
}

fn put(tree: &mut Tree, at: &Path, text: String) {
    if tree.host_above(at).is_none() {
        tree.generate(at, text.into_bytes());
    }
}

/// The variable that holds the placeholder inside.
fn variable(provider: &Provider) -> Option<&str> {
    provider.credential.as_ref()?.expose.as_deref()
}

/// What each agent is told at its start. More is in the notice, for when it matters.
const ABOUT: &str = "You run in a sandbox that Palisade holds from outside. What is refused (a file \
                     that is not there or not writable, a host that does not resolve, a system \
                     call) stays refused however it is tried: /run/palisade/policy.md says what is \
                     permitted and how to ask for more.";

/// Claude Code's state. At its first start with a terminal it wants to reach `api.anthropic.com`, and
/// ends if it cannot; then it asks whether the key in the environment may be used, which it
/// remembers by the last 20 characters.
fn claude_state(variable: Option<&str>, placeholders: &Placeholders) -> String {
    let key = variable.and_then(|variable| placeholders.get(variable)).unwrap_or_default();
    let end = key.get(key.len().saturating_sub(20)..).unwrap_or_default();
    format!(
        "{{\"hasCompletedOnboarding\": true, \
          \"customApiKeyResponses\": {{\"approved\": [\"{end}\"], \"rejected\": []}}}}\n"
    )
}

/// Claude Code's managed settings. Before it fetches a page it asks `api.anthropic.com` about the host:
/// here the policy's `network` section says which may be fetched. And who starts it with
/// `--dangerously-skip-permissions` need not be told each time to use a sandbox.
/// Events that only it can tell of, and that the policy has hooks for (`announced`), it tells by this program.
fn claude_settings(announced: Option<(&Path, &[Event])>) -> String {
    let mut settings =
        json!({"skipWebFetchPreflight": true, "skipDangerousModePermissionPrompt": true});
    if let Some((own, events)) = announced {
        let command = format!("{} hook --agent claude-code", quoted(own));
        let hook = json!([{"hooks": [{"type": "command", "command": command}]}]);
        let hooks: Map<String, Value> =
            events.iter().map(|event| (event.name().to_owned(), hook.clone())).collect();
        if let Value::Object(settings) = &mut settings {
            settings.insert("hooks".to_owned(), hooks.into());
        }
    }
    format!("{settings}\n")
}

/// gemini-cli's settings of the user: it logs in with the key in its environment and asks nothing, reports
/// nothing and updates nothing. It tells of events as Claude Code does.
fn gemini_settings(announced: Option<(&Path, &[Event])>) -> String {
    let mut settings = json!({
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": false},
        "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
    });
    if let Some((own, events)) = announced {
        let command = format!("{} hook --agent gemini", quoted(own));
        let hook =
            json!([{"hooks": [{"name": "palisade", "type": "command", "command": command}]}]);
        let hooks: Map<String, Value> = events
            .iter()
            .flat_map(|event| Agent::Gemini.own_names(*event))
            .map(|name| (name.to_owned(), hook.clone()))
            .collect();
        if let Value::Object(settings) = &mut settings {
            settings.insert("hooks".to_owned(), hooks.into());
        }
    }
    format!("{settings}\n")
}

/// A path as one word for a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Codex's settings for the whole system: those of the user and of the command line win.
fn codex_settings(variable: Option<&str>) -> String {
    let key = variable.map(|variable| format!("env_key = \"{variable}\"\n")).unwrap_or_default();
    format!(
        "# Made by Palisade from the policy.\n\
         model_provider = \"palisade\"\n\
         check_for_update_on_startup = false\n\
         developer_instructions = \"{ABOUT}\"\n\
         # It would run at the provider, where no rule reaches.\n\
         web_search = \"disabled\"\n\
         \n\
         [analytics]\n\
         enabled = false\n\
         \n\
         [features]\n\
         # Would be cloned from github.com.\n\
         plugins = false\n\
         \n\
         [model_providers.palisade]\n\
         name = \"Palisade\"\n\
         base_url = \"http://inference.local/v1\"\n\
         wire_api = \"responses\"\n\
         {key}"
    )
}

/// What Codex takes from nobody else: its own sandbox cannot be put up inside another.
const CODEX_MANAGED: &str = "# Made by Palisade: it confines Codex and everything Codex runs.\n\
                             sandbox_mode = \"danger-full-access\"\n";

/// OpenClaw's settings: it takes no address of a model from the environment.
fn openclaw_settings(anthropic: bool, openai: bool) -> String {
    let providers = [
        anthropic.then_some(r#""anthropic": {"baseUrl": "http://inference.local", "models": []}"#),
        openai.then_some(r#""openai": {"baseUrl": "http://inference.local/v1", "models": []}"#),
    ];
    let providers: Vec<&str> = providers.into_iter().flatten().collect();
    format!("{{\"models\": {{\"providers\": {{{}}}}}}}\n", providers.join(", "))
}
