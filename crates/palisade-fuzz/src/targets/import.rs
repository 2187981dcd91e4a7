//! Settings of other tools: what comes out is a policy that passes its own check.

use std::{fs, path::PathBuf};

use palisade_import::{Request, Tool, import};

use crate::input::number;

const TOOLS: [(Tool, &str); 6] = [
    (Tool::ClaudeCode, "settings.json"),
    (Tool::Codex, "config.toml"),
    (Tool::Codex, "hooks.json"),
    (Tool::Srt, ".srt-settings.json"),
    (Tool::OpenShell, "policy.yaml"),
    (Tool::Gemini, "settings.json"),
];

thread_local! {
    /// One folder for all inputs: the file in it is written over.
    static FOLDER: Option<tempfile::TempDir> = tempfile::tempdir().ok();
}

pub(crate) fn target(data: &[u8]) {
    let (tool, text) = number(data, TOOLS.len());
    let (tool, name) = TOOLS[tool];
    let folder = FOLDER.with(|folder| folder.as_ref()?.path().canonicalize().ok());
    let Some(folder) = folder else { panic!("there is no folder for files") };
    let below = |name: &str| -> PathBuf { folder.join(name) };
    let settings = match tool {
        Tool::ClaudeCode => below("home/.claude"),
        Tool::Codex => below("home/.codex"),
        Tool::Gemini => below("home/.gemini"),
        _ => below("home"),
    };
    let made = [settings.as_path(), &below("project"), &below("etc")]
        .into_iter()
        .try_for_each(fs::create_dir_all);
    let file = settings.join(name);
    assert!(made.and_then(|()| fs::write(&file, text)).is_ok(), "{}", file.display());
    let with_paths = matches!(tool, Tool::Srt | Tool::OpenShell);
    let request = Request {
        tool,
        paths: if with_paths { vec![file.clone()] } else { Vec::new() },
        project: below("project"),
        home: below("home"),
        settings: None,
        machine: below("etc"),
        base: below("project"),
    };
    let came = import(&request);
    drop(fs::remove_file(&file));
    if let Ok(came) = came {
        let Request { base, project, home, .. } = &request;
        if let Err(wrong) = palisade_policy::check_text("p", &came.text, base, project, home) {
            panic!("{wrong}\n{}", came.text);
        }
    }
}
