use std::{collections::BTreeMap, env, path::PathBuf};

use palisade_core::paths;
use palisade_policy::{Asked, CommandLine, Sources};
use palisade_session::Operator;

use crate::failure::{Failure, Kind};

/// The managed policy's place. No variable moves it: a project must not.
const MANAGED: &str = "/etc/palisade/managed.yaml";

/// The operator's side, read once and before any file of a project.
///
/// # Errors
/// What is missing, and what to set.
pub(crate) fn operator() -> Result<Operator, (String, String)> {
    let environment: BTreeMap<_, _> = env::vars_os().collect();
    let variable = |name: &str| environment.get(std::ffi::OsStr::new(name)).cloned();
    let place = |error: paths::PathsError| {
        (error.to_string(), "set HOME, or PALISADE_STATE and PALISADE_CONFIG".to_owned())
    };
    let home =
        variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute()).ok_or_else(|| {
            let what = "there is no home: HOME is not an absolute path".to_owned();
            (what, "set HOME to your home folder".to_owned())
        })?;
    let directory = env::current_dir().map_err(|error| {
        let what = format!("the folder that palisade was started in cannot be found: {error}");
        (what, "change to a folder that exists, then try again".to_owned())
    })?;
    Ok(Operator {
        home,
        directory,
        state_dir: paths::state_dir(variable).map_err(place)?,
        config_dir: paths::config_dir(variable).map_err(place)?,
        environment,
    })
}

/// Where the operator's state is, for commands that need nothing else.
pub(crate) fn state_dir() -> Result<PathBuf, Failure> {
    paths::state_dir(|name| env::var_os(name)).map_err(|error| {
        Failure::new(Kind::Usage, error.to_string()).remedy("set HOME, or PALISADE_STATE")
    })
}

/// Where policies are looked for, for this operator.
pub(crate) fn sources(
    operator: &Operator,
    command_line: Option<CommandLine>,
    asked: Asked,
    default_profile: &str,
) -> Sources {
    Sources {
        command_line,
        asked,
        workspace_dir: operator.directory.clone(),
        home: operator.home.clone(),
        config_dir: operator.config_dir.clone(),
        state_dir: operator.state_dir.clone(),
        managed: PathBuf::from(MANAGED),
        default_profile: default_profile.to_owned(),
    }
}
