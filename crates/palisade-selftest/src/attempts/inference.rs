use std::env;

use palisade_core::Layer;

use crate::{
    Targets,
    attempt::{Act, Attempt, Outcome},
};

/// What stands inside in place of a key begins so.
const PLACEHOLDER: &str = "palisade-placeholder-";

pub(super) static ATTEMPTS: &[Attempt] = &[Attempt {
    name: "takes_model_key",
    tries: "take the model's key from the environment",
    layer: Layer::Inference,
    act: Act::Do(key),
}];

fn key(targets: &Targets) -> Option<Outcome> {
    let variable = targets.key_variable.as_deref()?;
    let real = targets.marker();
    Some(match env::var(variable) {
        Ok(value) if real.is_some_and(|real| value.contains(&real)) => {
            Outcome::Worked("it is the real one".to_owned())
        }
        Ok(value) if value.starts_with(PLACEHOLDER) => {
            Outcome::Stopped(format!("it is `{}…`", value.chars().take(20).collect::<String>()))
        }
        Ok(_) => Outcome::Worked("it is no placeholder".to_owned()),
        Err(_) => Outcome::Stopped(format!("{variable} is not set")),
    })
}
