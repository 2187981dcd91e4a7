use std::collections::BTreeMap;

use super::{Check, network::is_name, process::is_variable, shown};
use crate::{
    at::{At, Place},
    document::{Credential, From, Words},
    policy::{HeaderCredential, SecretSource},
};

/// Headers that frame a message, or say where it goes.
const NO_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "content-type",
    "content-encoding",
    "expect",
];

/// The credentials that can be put into a header. `None` for those of another kind.
pub(super) fn check(
    check: &mut Check<'_>,
    section: &BTreeMap<String, At<Credential>>,
) -> BTreeMap<String, At<Option<HeaderCredential>>> {
    let mut all = BTreeMap::new();
    let mut exposed: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, credential) in section {
        let place = credential.place;
        named(check, name, place, "a credential");
        if let Some(variable) = &credential.value.expose
            && let Some(other) = exposed.insert(&variable.value, name)
        {
            check.wrong(
                variable.place,
                format!("the credential `{other}` has its placeholder in this variable already"),
                "use another variable for one of the two",
            );
        }
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
            for host in &ssh.value.hosts {
                if let Err(error) = host.value.parse::<palisade_core::HostPattern>() {
                    check.wrong(host.place, error.to_string(), "write a name such as github.com");
                }
            }
            check.not_built("credentials.ssh", ssh.place, &(name, credential));
            return None;
        }
        (Some(_), Some(ssh)) => {
            check.wrong(
                ssh.place,
                format!("the credential `{}` has both `from` and `ssh`", shown(name)),
                "make two credentials of it",
            );
            return None;
        }
        (None, None) => {
            check.wrong(
                place,
                format!("nothing says where the credential `{}` comes from", shown(name)),
                "add `from: {env: NAME}`, `{file: PATH}` or `{command: [program, argument]}`",
            );
            return None;
        }
    };
    let source = source(check, name, credential, from)?;
    Some(HeaderCredential {
        name: name.to_owned(),
        from: source,
        header: credential.header.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
        expose: credential.expose.as_ref().map(|text| text.value.clone()),
    })
}

fn source(
    check: &mut Check<'_>,
    name: &str,
    credential: &Credential,
    from: &At<From>,
) -> Option<SecretSource> {
    let at = |value: &String| At { value: value.clone(), place: from.place };
    match &from.value {
        From::Env(variable) if is_variable(variable) => Some(SecretSource::Env(variable.clone())),
        From::Env(variable) => {
            check.wrong(
                from.place,
                format!("`{}` is no variable's name", shown(variable)),
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
            check.not_built("credentials.from: keyring", from.place, &(name, credential));
            None
        }
        From::Vault(_) => {
            check.not_built("credentials.from: vault", from.place, &(name, credential));
            None
        }
    }
}

fn template(check: &mut Check<'_>, header: &At<String>) {
    let text = &header.value;
    let (name, value) = text.split_once(':').unwrap_or_default();
    let name = name.trim();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let why = if text.contains(['\r', '\n']) {
        "it has a line end"
    } else if name.is_empty() || !name.chars().all(token) {
        "it has no header's name before a `:`"
    } else if NO_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        "this header says how a message is read or where it goes"
    } else if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        "a header has ASCII characters only"
    } else {
        match value.matches("{secret}").count() {
            0 => "its value lacks `{secret}`",
            1 => return,
            _ => "its value has `{secret}` more than once",
        }
    };
    check.wrong(
        header.place,
        format!("`{}` cannot carry a secret: {why}", shown(text)),
        "write one such as `authorization: Bearer {secret}`",
    );
}

pub(super) fn named(check: &mut Check<'_>, name: &str, place: Place, what: &str) {
    if !is_name(name) {
        check.wrong(
            place,
            format!("`{}` is no name for {what}", shown(name)),
            "use 1 to 63 letters, digits, `-`, `_` and `.`",
        );
    }
}
