//! An operator's folder with hooks in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::{BoxFuture, ToolCall, ToolInput, ToolSeen};
use palisade_hooks::{
    Common, Config, Event, Handler, Hook, Matcher, OnError, Outcome, Post, Program, Runner, Setup,
    environment, of_tool_call,
};
use serde_json::{Map, Value, json};

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) hooks: Vec<(Event, Hook)>,
    pub(crate) pinned: bool,
    pub(crate) post: Arc<dyn Post>,
}

struct Nobody;

impl Post for Nobody {
    fn post<'a>(
        &'a self,
        _: &'a str,
        _: &'a [(String, String)],
        _: Arc<[u8]>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(u16, Vec<u8>), String>> {
        Box::pin(async { Err("there is no server".to_owned()) })
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["policy", "work", "state"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, hooks: Vec::new(), pinned: true, post: Arc::new(Nobody) }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Write a script of the operator's.
    pub(crate) fn script(&self, name: &str, text: &str) -> &Self {
        let path = self.at("policy").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        palisade_testkit::write_program(path, text);
        self
    }

    pub(crate) fn program(&self, command: &str) -> Program {
        Program { command: command.into(), arguments: None, base: self.at("policy") }
    }

    /// A hook that runs this line before each tool call.
    pub(crate) fn command(&mut self, command: &str) -> &mut Hook {
        let handler = Handler::Command(self.program(command));
        self.hook(Event::PRE_TOOL_USE, handler)
    }

    pub(crate) fn hook(&mut self, event: Event, handler: Handler) -> &mut Hook {
        let number = self.hooks.iter().filter(|(of, _)| *of == event).count();
        let hook = Hook {
            rule: format!("hooks.{event}[{number}]"),
            matcher: Matcher::default(),
            only_if: None,
            handler,
            timeout: Duration::from_secs(30),
            once: false,
            detached: false,
            on_error: OnError::Deny,
        };
        self.hooks.push((event, hook));
        &mut self.hooks.last_mut().unwrap().1
    }

    pub(crate) fn runner(&self) -> Runner {
        let mut config = Config::default();
        for (event, hook) in &self.hooks {
            config.events.entry(*event).or_default().push(hook.clone());
        }
        let operator: BTreeMap<_, _> = std::env::vars_os().collect();
        let work = self.at("work");
        Runner::new(Setup {
            config,
            environment: environment(&operator, &[], &work, "session-1"),
            variables: operator,
            state: self.pinned.then(|| self.at("state")),
            directory: self.at("policy"),
            post: Arc::clone(&self.post),
            matches: Arc::new(|rule, call| rule.split('(').next() == Some(call.name.as_str())),
        })
        .unwrap()
    }
}

/// A tool call.
pub(crate) fn call(name: &str, input: &Value) -> ToolCall {
    ToolCall {
        name: name.into(),
        input: ToolInput::Object(input.as_object().unwrap().clone()),
        id: Some("toolu_1".into()),
        seen: ToolSeen::Answer,
    }
}

pub(crate) fn fields(event: Event, call: &ToolCall, work: &Path) -> Map<String, Value> {
    let common = Common {
        session: "session-1".into(),
        directory: work.display().to_string(),
        mode: "default".into(),
    };
    of_tool_call(common.event(event), call)
}

/// What the hooks say to this call.
pub(crate) async fn ask(runner: &Runner, name: &str, input: &Value) -> Outcome {
    let call = call(name, input);
    let fields = fields(Event::PRE_TOOL_USE, &call, Path::new("/work"));
    runner.run(Event::PRE_TOOL_USE, &fields, Some(&call), &[]).await
}

pub(crate) async fn ask_bash(runner: &Runner, command: &str) -> Outcome {
    ask(runner, "Bash", &json!({"command": command})).await
}
