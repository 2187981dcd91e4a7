//! An agent whose hooks are functions of a plugin: a folder of our own among its plugins.

use std::{
    env,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use palisade_hooks::Agent;
use palisade_integrate::{
    Installable, PLUGIN, PLUGIN_FILES, PluginFile, Undo, diff, disabled, enabled,
    is_own_plugin_file, kept_out, plugin,
};
use palisade_session::Operator;

use super::{
    super::place::{Found, Place},
    Kept, NOT_HELD, Order, asked,
};
use crate::{
    failure::{Failure, Kind},
    print::note,
};

/// Show what changes, ask, and do it. `program`: where the plugin's program is or is to be, in the plugin's folder
/// among the agent's plugins in its folder. No order: take it out. False: it was not wanted.
pub(super) fn change(
    program: &Path,
    order: Option<&Order>,
    how: &Installable,
    operator: &Operator,
    yes: bool,
) -> Result<bool, Failure> {
    let folder = program.parent().unwrap_or(program);
    let shown = folder.display().to_string();
    let before = present(folder)?;
    let after = order.map(|order| plugin(&order.command, &order.events));
    let switch = Switch::find(folder, operator, order.is_some())?;
    let mut changes = false;
    for (name, before) in PLUGIN_FILES.iter().zip(&before) {
        let after = after.as_ref().and_then(|files| files.iter().find(|file| file.name == *name));
        let after = after.map(|file| file.text.as_str());
        if before.as_deref() != after {
            changes = true;
            let file = folder.join(name).display().to_string();
            note(diff(&file, before.as_deref(), after).trim_end());
        }
    }
    if switch.before != switch.after {
        changes = true;
        let file = switch.file.display().to_string();
        note(diff(&file, switch.before.as_deref(), switch.after.as_deref()).trim_end());
    }
    if !changes {
        let word = if order.is_some() { "has it already" } else { "has it not" };
        note(&format!("palisade: {shown} {word}"));
        return Ok(true);
    }
    if order.is_some() {
        note(NOT_HELD);
    }
    if !yes && !asked(&shown)? {
        note("palisade: nothing is changed");
        return Ok(false);
    }
    match after {
        Some(files) => {
            put(folder, &files)?;
            switch.turn(true)?;
            how.then.into_iter().for_each(|then| note(&format!("palisade: {then}")));
        }
        None => {
            switch.turn(false)?;
            take(folder)?;
        }
    }
    Ok(true)
}

/// The texts of the plugin's files that are there, in the order of [`PLUGIN_FILES`].
///
/// # Errors
/// One is not ours, or there is something else: a folder of another plugin is not touched.
fn present(folder: &Path) -> Result<[Option<String>; 3], Failure> {
    let mut texts = [const { None }; 3];
    match folder.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(texts),
        Ok(found) if found.is_dir() => {}
        _ => return Err(theirs(folder, "it is no folder")),
    }
    for (name, text) in PLUGIN_FILES.iter().zip(&mut texts) {
        let Found { text: found, .. } = Place::find_direct(&folder.join(name))?.read_own()?;
        if found.as_deref().is_some_and(|found| !is_own_plugin_file(name, found)) {
            return Err(theirs(folder, &format!("its {name} was not written by this command")));
        }
        *text = found;
    }
    Ok(texts)
}

fn theirs(folder: &Path, why: &str) -> Failure {
    Failure::new(Kind::Denied, format!("{} is not changed: {why}", folder.display()))
        .remedy("move what is there away")
}

/// What switches it on, in the agent's settings.
struct Switch {
    file: PathBuf,
    before: Option<String>,
    after: Option<String>,
    kept: Kept,
    /// What gives the settings back as they were before it was switched on, if nobody has changed them since.
    undo: Option<Undo>,
}

impl Switch {
    /// The settings with it on or off.
    ///
    /// # Errors
    /// They keep it out, or cannot be changed for sure.
    fn find(folder: &Path, operator: &Operator, on: bool) -> Result<Self, Failure> {
        let state = folder.parent().and_then(Path::parent).unwrap_or(folder);
        let moved = env::var_os("OPENCLAW_CONFIG_PATH").map(PathBuf::from);
        let file = moved.filter(|file| file.is_absolute());
        let file = file.unwrap_or_else(|| state.join("openclaw.json"));
        let shown = file.display().to_string();
        let kept = Kept::find(operator, Agent::OpenClaw, &shown)?;
        if file.parent().is_some_and(|folder| folder.symlink_metadata().is_err()) {
            let after = if on { Some(switched(&file, "", on)?) } else { None };
            return Ok(Self { file, before: None, after, kept, undo: None });
        }
        let before = Place::find_direct(&file)?.read_own()?.text;
        let undo = kept.undo()?.filter(|undo| undo.fits(&shown, before.as_deref()));
        let text = before.as_deref().unwrap_or_default();
        if on && let Some(why) = kept_out(text) {
            let what = format!("the plugin would not be loaded: {why} ({})", file.display());
            return Err(Failure::new(Kind::Denied, what)
                .remedy(format!("let its settings load the plugin `{PLUGIN}`, then try again")));
        }
        let after = switched(&file, text, on)?;
        let after = match &undo {
            Some(undo) if !on => undo.before.clone(),
            _ if before.is_none() && !on => None,
            _ => Some(after),
        };
        Ok(Self { file, before, after, kept, undo })
    }

    /// As it was found to be right.
    fn turn(&self, on: bool) -> Result<(), Failure> {
        if self.before == self.after {
            return Ok(());
        }
        let place = Place::find_direct(&self.file)?;
        let Found { text, mode } = place.read_own()?;
        if text != self.before {
            let what = format!("{} is not changed: it changed meanwhile", self.file.display());
            return Err(Failure::new(Kind::Denied, what).remedy("close the agent, then try again"));
        }
        let mode = if text.is_none() { Permissions::from_mode(0o600) } else { mode };
        match (&self.after, on) {
            (Some(after), true) => {
                let shown = self.file.display().to_string();
                let undo = self.undo.clone().map(|undo| undo.and(after));
                let undo = undo.unwrap_or_else(|| Undo::new(&shown, text.as_deref(), after));
                self.kept.keep(&undo)?;
                place.put(after, mode)
            }
            (Some(after), false) => {
                place.put(after, mode)?;
                self.kept.forget()
            }
            (None, _) => {
                place.remove()?;
                self.kept.forget()
            }
        }
    }
}

fn switched(file: &Path, text: &str, on: bool) -> Result<String, Failure> {
    let changed = if on { enabled(text) } else { disabled(text) };
    changed.map_err(|error| {
        let what = format!("{} is not changed: {error}", file.display());
        let word = if on { "write" } else { "take out" };
        Failure::new(Kind::Denied, what).remedy(format!(
            "{word} `plugins: {{entries: {{{PLUGIN}: {{enabled: true}}}}}}` yourself"
        ))
    })
}

fn put(folder: &Path, files: &[PluginFile; 3]) -> Result<(), Failure> {
    let mut above: Vec<&Path> = folder.ancestors().take(3).collect();
    above.reverse();
    for folder in above {
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let what = format!("{}: {error}", folder.display());
                return Err(Failure::new(Kind::Enforcement, what)
                    .remedy("see that the folder above is there and yours"));
            }
        }
    }
    for file in files {
        let place = Place::find_direct(&folder.join(file.name))?;
        place.put(&file.text, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// What makes it a plugin goes first.
fn take(folder: &Path) -> Result<(), Failure> {
    for name in PLUGIN_FILES.iter().rev() {
        Place::find_direct(&folder.join(name))?.remove()?;
    }
    // Left, if something else is in them.
    for folder in folder.ancestors().take(2) {
        fs::remove_dir(folder).unwrap_or_default();
    }
    Ok(())
}
