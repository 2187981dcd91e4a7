use std::collections::BTreeMap;

use super::{Check, DraftProvider, network::is_name, process::is_variable, shown};
use crate::{
    at::At,
    document::{ApiWord, Credential, From, Inference, Words},
    policy::{Api, HeaderCredential, Provider, Route, SecretSource},
};

type Checked = (BTreeMap<String, At<DraftProvider>>, Vec<At<Route>>);

pub(super) fn check(check: &mut Check<'_>, section: Option<&Inference>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let mut providers = BTreeMap::new();
    for (name, provider) in &section.providers {
        let place = provider.place;
        named(check, name, place, "a provider");
        let provider = &provider.value;
        if let Err(why) = url(&provider.url.value) {
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
    let mut routes: Vec<At<Route>> = Vec::new();
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
        let earlier = routes
            .iter()
            .find(|earlier| earlier.value.model == "*" || earlier.value.model == model.value);
        if let Some(earlier) = earlier {
            check.wrong(
                model.place,
                format!(
                    "the route for `{}` in line {} takes these models, so this never matches",
                    earlier.value.model, earlier.place.line
                ),
                "put it before that one, or remove it",
            );
        }
        routes.push(At {
            value: Route {
                model: model.value.clone(),
                to: route.to.value.clone(),
                rename: route.rename.as_ref().map(|name| name.value.clone()),
            },
            place: route.to.place,
        });
    }
    (providers, routes)
}

/// The credentials that can be put into a header. `None` for those of another kind.
pub(super) fn credentials(
    check: &mut Check<'_>,
    section: &BTreeMap<String, At<Credential>>,
) -> BTreeMap<String, At<Option<HeaderCredential>>> {
    let mut all = BTreeMap::new();
    for (name, credential) in section {
        let place = credential.place;
        named(check, name, place, "a credential");
        let value = one(check, name, credential);
        all.insert(name.clone(), At { value, place });
    }
    all
}

fn one(check: &mut Check<'_>, name: &str, credential: &At<Credential>) -> Option<HeaderCredential> {
    let place = credential.place;
    let credential = &credential.value;
    if let Some(expose) = credential.expose.as_ref().filter(|name| !is_variable(&name.value)) {
        check.wrong(
            expose.place,
            format!("`{}` is no variable's name", shown(&expose.value)),
            "use letters, digits and `_`, no digit first",
        );
    }
    if let Some(header) = &credential.header {
        template(check, header);
    }
    let from = match (&credential.from, &credential.ssh) {
        (Some(from), None) => from,
        (None, Some(ssh)) => {
            if ssh.value.keys.is_empty() || ssh.value.hosts.is_empty() {
                check.wrong(
                    ssh.place,
                    "an ssh credential without keys or hosts can never be used",
                    "name at least one key and one host",
                );
            }
            check.not_built("credentials.ssh", ssh.place);
            return None;
        }
        (Some(_), Some(ssh)) => {
            check.wrong(
                ssh.place,
                format!("the credential `{name}` has both `from` and `ssh`"),
                "make two credentials of it",
            );
            return None;
        }
        (None, None) => {
            check.wrong(
                place,
                format!("nothing says where the credential `{name}` comes from"),
                "add `from: {env: NAME}`, `{file: PATH}` or `{command: [program, argument]}`",
            );
            return None;
        }
    };
    let source = source(check, from)?;
    Some(HeaderCredential {
        name: name.to_owned(),
        from: source,
        header: credential.header.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
        expose: credential.expose.as_ref().map(|text| text.value.clone()),
    })
}

fn source(check: &mut Check<'_>, from: &At<From>) -> Option<SecretSource> {
    let at = |value: &String| At { value: value.clone(), place: from.place };
    match &from.value {
        From::Env(name) if is_variable(name) => Some(SecretSource::Env(name.clone())),
        From::Env(name) => {
            check.wrong(
                from.place,
                format!("`{}` is no variable's name", shown(name)),
                "use letters, digits and `_`, no digit first",
            );
            None
        }
        From::File(path) => check.path(&at(path)).map(SecretSource::File),
        From::Command(Words::Line(line)) if !line.trim().is_empty() => {
            let words = ["/bin/sh", "-c", line.as_str()];
            Some(SecretSource::Command(words.map(str::to_owned).to_vec()))
        }
        From::Command(Words::List(words)) if words.first().is_some_and(|word| !word.is_empty()) => {
            Some(SecretSource::Command(words.clone()))
        }
        From::Command(_) => {
            check.wrong(
                from.place,
                "the command is empty",
                "name a program that prints the secret",
            );
            None
        }
        From::Keyring(_) => {
            check.not_built("credentials.from: keyring", from.place);
            None
        }
        From::Vault(_) => {
            check.not_built("credentials.from: vault", from.place);
            None
        }
    }
}

fn template(check: &mut Check<'_>, header: &At<String>) {
    let text = &header.value;
    let (name, value) = text.split_once(':').unwrap_or_default();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let good = !name.trim().is_empty()
        && name.trim().chars().all(token)
        && value.matches("{secret}").count() == 1
        && value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if !good {
        check.wrong(
            header.place,
            format!("`{}` is no header with one `{{secret}}` in its value", shown(text)),
            "write one such as `authorization: Bearer {secret}`",
        );
    }
}

fn named(check: &mut Check<'_>, name: &str, place: crate::at::Place, what: &str) {
    if !is_name(name) {
        check.wrong(
            place,
            format!("`{}` is no name for {what}", shown(name)),
            "use 1 to 63 letters, digits, `-`, `_` and `.`",
        );
    }
}

fn is_model(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

fn url(text: &str) -> Result<(), &'static str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or("it begins with neither https:// nor http://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if authority.contains('@') {
        return Err("a key does not belong in it; name a credential");
    }
    if host.is_empty() {
        return Err("it has no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its port is no number from 1 to 65535");
    }
    if path.contains(['?', '#']) || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err("it has a query, a fragment or odd characters");
    }
    Ok(())
}
