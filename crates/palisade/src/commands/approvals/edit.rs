//! Another input in place of the one that a tool call came with.

use std::{
    env,
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::{Command, ExitCode},
};

use palisade_integrate::diff;
use palisade_journal::escaped;
use palisade_session::running::{self, Asked};
use serde_json::{Map, Value};

use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

/// Bytes of an input: more than can be shown to anybody.
const MOST_BYTES: u64 = 64 << 10;

/// `palisade approvals edit`.
pub(super) fn run((which, id): &(String, u32), input: Option<&Path>) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let asked = running::call(&state, which, *id).map_err(Failure::denied)?;
    let text = match input {
        Some(file) => read(file)?,
        None if io::stdin().is_terminal() => edited(&asked)?,
        None => {
            return Err(Failure::new(Kind::Usage, "standard input is no terminal for an editor")
                .remedy("--input FILE"));
        }
    };
    let changed = object(&text)?;
    print::note(escaped_lines(&compared(&asked, &changed)?).trim_end());
    if input.is_none() && !agreed()? {
        print::note("palisade: nothing is answered");
        return Ok(ExitCode::from(1));
    }
    let done = running::edit(&state, which, *id, &asked.digest, &Value::from(changed).to_string());
    let subject = done.map_err(Failure::denied)?;
    print::text(&format!("{} is allowed as changed, once\n", escaped(&subject)))?;
    Ok(ExitCode::SUCCESS)
}

/// What the editor that the operator has makes of an input.
pub(super) fn edited(asked: &Asked) -> Result<String, Failure> {
    let failed = |error: io::Error| {
        Failure::new(Kind::Enforcement, format!("the editor: {error}")).remedy("--input FILE")
    };
    // Nobody else reads it or writes to it.
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().map_err(failed)?;
    file.write_all(pretty(&asked.input).as_bytes()).map_err(failed)?;
    let editor = ["VISUAL", "EDITOR"].iter().find_map(env::var_os);
    let editor = editor.filter(|editor| !editor.is_empty()).unwrap_or_else(|| "vi".into());
    // As a line for a shell: it may have options.
    let ended = Command::new("sh")
        .args(["-c", "exec $PALISADE_EDITOR \"$1\"", "sh"])
        .arg(file.path())
        .env("PALISADE_EDITOR", editor)
        .status()
        .map_err(failed)?;
    if !ended.success() {
        return Err(failed(io::Error::other(format!("it ended with {ended}"))));
    }
    // Editors put another file in its place.
    read(file.path())
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let stdin = file == Path::new("-");
    let read = if stdin {
        io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|opened| opened.take(MOST_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::new(Kind::Usage, format!("{}: {error}", file.display())).remedy("name a file")
    })?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Failure::new(Kind::Usage, "the input is too long").remedy("make it shorter"));
    }
    Ok(text)
}

/// The input, if it is one.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    palisade_core::strict_object(text.as_bytes()).map_err(|why| {
        Failure::new(Kind::Usage, format!("the input is not taken: {why}"))
            .remedy("it is a JSON object, as the tool takes it")
    })
}

/// What changes.
pub(super) fn compared(asked: &Asked, changed: &Map<String, Value>) -> Result<String, Failure> {
    let after = format!("{}\n", pretty(&Value::from(changed.clone()).to_string()).trim_end());
    let before = format!("{}\n", pretty(&asked.input).trim_end());
    if before == after {
        return Err(Failure::new(Kind::Usage, "nothing is changed")
            .remedy("palisade approvals allow permits it as it is"));
    }
    Ok(diff(&asked.tool, Some(&before), Some(&after)))
}

/// The same object, a line for each value.
fn pretty(input: &str) -> String {
    let value: Option<Value> = serde_json::from_str(input).ok();
    let text = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    text.unwrap_or_else(|| input.to_owned())
}

/// Nothing in it steers a terminal.
fn escaped_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", escaped(line))).collect()
}

fn agreed() -> Result<bool, Failure> {
    print!("Allow this in its place? [y/N] ");
    io::stdout().flush().unwrap_or_default();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "yes"))
}
