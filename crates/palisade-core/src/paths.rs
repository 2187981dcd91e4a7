//! Where Palisade keeps its state and its configuration.
//!
//! Taken from the operator's environment only. The environment is a parameter, so that a
//! caller reads it once, before it has looked at any file of a project.

use std::{ffi::OsString, path::PathBuf};

/// Why there is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathsError {
    /// The variable holds a path that depends on where one stands.
    #[error("`{variable}` is `{}`, which is not an absolute path", value.display())]
    Relative {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: PathBuf,
    },
    /// Nothing says where the user's files are.
    #[error("there is no home: set `{0}` to an absolute path")]
    NoHome(&'static str),
}

/// The state folder: `$PALISADE_STATE`, else `$XDG_STATE_HOME/palisade`, else
/// `~/.local/state/palisade`.
pub fn state_dir(env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, PathsError> {
    choose(env, "PALISADE_STATE", "XDG_STATE_HOME", ".local/state")
}

/// The configuration folder: `$PALISADE_CONFIG`, else `$XDG_CONFIG_HOME/palisade`, else
/// `~/.config/palisade`.
pub fn config_dir(env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, PathsError> {
    choose(env, "PALISADE_CONFIG", "XDG_CONFIG_HOME", ".config")
}

fn choose(
    env: impl Fn(&str) -> Option<OsString>,
    own: &'static str,
    xdg: &str,
    under_home: &str,
) -> Result<PathBuf, PathsError> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(value) = set(own) {
        return if value.is_absolute() {
            Ok(value)
        } else {
            Err(PathsError::Relative { variable: own, value })
        };
    }
    // The XDG specification: a relative path there is invalid and is ignored.
    if let Some(base) = set(xdg).filter(|base| base.is_absolute()) {
        return Ok(base.join("palisade"));
    }
    match set("HOME").filter(|home| home.is_absolute()) {
        Some(home) => Ok(home.join(under_home).join("palisade")),
        None => Err(PathsError::NoHome(own)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Result<PathBuf, PathsError> {
        state_dir(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into()))
    }

    #[test]
    fn the_nearest_wins() {
        let home = ("HOME", "/h");
        let xdg = ("XDG_STATE_HOME", "/x");
        assert_eq!(with(&[home, xdg, ("PALISADE_STATE", "/p")]), Ok("/p".into()));
        assert_eq!(with(&[home, xdg]), Ok("/x/palisade".into()));
        assert_eq!(with(&[home]), Ok("/h/.local/state/palisade".into()));
        assert_eq!(with(&[home, ("PALISADE_STATE", "")]), Ok("/h/.local/state/palisade".into()));
    }

    #[test]
    fn a_relative_path_steers_nothing() {
        assert!(matches!(with(&[("PALISADE_STATE", "p")]), Err(PathsError::Relative { .. })));
        assert_eq!(
            with(&[("XDG_STATE_HOME", "x"), ("HOME", "/h")]),
            Ok("/h/.local/state/palisade".into())
        );
        assert!(matches!(with(&[("HOME", ".")]), Err(PathsError::NoHome(_))));
    }
}
