use std::env;

use palisade_core::Layer;

use crate::{
    Targets,
    attempt::{Attempt, Outcome},
};

pub(super) const ATTEMPTS: &[Attempt] = &[Attempt {
    name: "takes_model_key",
    tries: "take the model's key from the environment",
    layer: Layer::Inference,
    make: key,
}];

fn key(targets: &Targets) -> Option<Outcome> {
    let variable = targets.key_variable.as_deref()?;
    let real = targets.marker()?;
    Some(match env::var(variable) {
        Ok(value) if value.contains(&real) => Outcome::Worked("it is the real one".to_owned()),
        Ok(value) => {
            Outcome::Stopped(format!("it is `{}…`", value.chars().take(20).collect::<String>()))
        }
        Err(_) => Outcome::Stopped(format!("{variable} is not set")),
    })
}
