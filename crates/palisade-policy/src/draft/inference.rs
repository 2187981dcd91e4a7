use std::collections::BTreeMap;

use super::{
    Check, DraftHeld, DraftProvider, DraftRoute, credentials::named, model_limits, shown, url,
};
use crate::{
    at::At,
    cover,
    document::{ApiWord, GuardWord, Inference, Redact},
    policy::{Api, Guard, Provider, Route},
};

type Checked = (BTreeMap<String, At<DraftProvider>>, Vec<At<DraftRoute>>);

/// What of the section only ever takes something away, whoever wrote it.
pub(super) fn narrows(
    check: &mut Check<'_>,
    section: Option<&Inference>,
    scope: impl FnOnce() -> String,
) -> DraftHeld {
    let Some(section) = section else { return DraftHeld::default() };
    let limits = section.limits.as_ref();
    DraftHeld {
        limits: limits.map(|limits| model_limits::check(check, &limits.value, scope())),
        redact: section.redact.contains(&Redact::Secrets),
        guard: section.guard.as_ref().map(|guard| match guard.value {
            GuardWord::Observe => Guard::Observe,
            GuardWord::Annotate => Guard::Annotate,
            GuardWord::Block => Guard::Block,
        }),
    }
}

/// The longest name of a model that the gateway understands.
const LONGEST_MODEL: usize = 256;

pub(super) fn check(check: &mut Check<'_>, section: Option<&Inference>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let mut providers = BTreeMap::new();
    for (name, provider) in section.providers.iter() {
        let place = provider.place;
        named(check, name, place, "a provider");
        let provider = &provider.value;
        if let Err(why) = url::check(&provider.url.value) {
            check.wrong(
                provider.url.place,
                format!("`{}` is no URL of a provider: {why}", shown(&provider.url.value)),
                "write one such as https://api.anthropic.com",
            );
        }
        let value = DraftProvider {
            provider: Provider {
                api: match provider.api.value {
                    ApiWord::Anthropic => Api::Anthropic,
                    ApiWord::Openai => Api::OpenAi,
                },
                url: provider.url.value.clone(),
                credential: None,
            },
            credential: provider.credential.clone(),
        };
        providers.insert(name.clone(), At { value, place });
    }
    let mut routes: Vec<At<DraftRoute>> = Vec::new();
    for route in section.routes.iter().map(|route| &route.value) {
        let model = &route.model;
        if !is_model(&model.value) {
            check.wrong(
                model.place,
                format!("`{}` is no model's name", shown(&model.value)),
                "write a name without blanks, `*` for any characters",
            );
        }
        if let Some(name) = route.rename.as_ref()
            && (!is_model(&name.value) || name.value.contains('*'))
        {
            check.wrong(
                name.place,
                format!("`{}` cannot be sent as a model's name", shown(&name.value)),
                "write one name, without `*`",
            );
        }
        let takes =
            |earlier: &&At<DraftRoute>| cover::model(&earlier.value.route.model, &model.value);
        if let Some(earlier) = routes.iter().find(takes) {
            check.wrong(
                model.place,
                format!(
                    "the route for `{}` in line {} takes these models, so this never matches",
                    earlier.value.route.model, earlier.place.line
                ),
                "put it before that one, or remove it",
            );
        }
        let value = Route {
            model: model.value.clone(),
            to: route.to.value.clone(),
            rename: route.rename.as_ref().map(|name| name.value.clone()),
        };
        let value = DraftRoute { route: value, to: route.to.place };
        routes.push(At { value, place: model.place });
    }
    (providers, routes)
}

pub(super) fn is_model(text: &str) -> bool {
    (1..=LONGEST_MODEL).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}
