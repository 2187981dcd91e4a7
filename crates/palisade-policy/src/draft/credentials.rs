use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use palisade_core::{FRAMING_HEADERS, HostName};

use super::{Check, network::is_name, process::is_variable, shown, url};
use crate::{
    at::{At, Place},
    document::{Credential, From, Kept, OAuth2, Ssh, Vault, Words},
    policy::{self, SecretSource, SshKeys},
};

type Checked = (BTreeMap<String, At<Option<policy::Credential>>>, BTreeMap<String, SshKeys>);

/// The least time between two readings of a secret.
const LEAST_REFRESH: Duration = Duration::from_secs(10);

/// The credentials that requests can carry. `None` for those of another kind.
pub(super) fn check(check: &mut Check<'_>, section: &BTreeMap<String, At<Credential>>) -> Checked {
    let mut all = BTreeMap::new();
    let mut keys = BTreeMap::new();
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
        if let (None, Some(ssh)) = (&credential.value.from, &credential.value.ssh) {
            keys.insert(name.clone(), ssh_keys(check, name, credential, ssh));
        }
        all.insert(name.clone(), At { value, place });
    }
    (all, keys)
}

fn one(
    check: &mut Check<'_>,
    name: &str,
    credential: &At<Credential>,
) -> Option<policy::Credential> {
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
    if let Some(query) = &credential.query {
        query_template(check, query);
        if credential.header.is_some() {
            check.wrong(
                query.place,
                format!("the credential `{}` has both `header` and `query`", shown(name)),
                "remove one: a request carries it in one place",
            );
        }
    }
    if let Some(aws) = &credential.aws {
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        let wrong = |key: &&String| key.is_empty() || !key.chars().all(plain);
        if let Some(key) = aws.value.access_key.as_ref().filter(wrong) {
            check.wrong(
                aws.place,
                format!("`{}` is no access key of AWS", shown(key)),
                "write its id, such as AKIAIOSFODNN7EXAMPLE; the secret key comes by `from`",
            );
        }
        if credential.header.is_some() || credential.query.is_some() {
            check.wrong(
                aws.place,
                format!("the credential `{}` has both `aws` and a header or query", shown(name)),
                "remove one: a secret key signs and is not sent",
            );
        }
    }
    let certificate = credential.certificate.as_ref().and_then(|file| check.path(file));
    if let Some(file) = &credential.certificate {
        let Credential { header, query, aws, expose, refresh, .. } = credential;
        let carried = header.as_ref().or(query.as_ref()).or(expose.as_ref()).map(|at| at.place);
        let other =
            carried.or(aws.as_ref().map(|at| at.place)).or(refresh.as_ref().map(|at| at.place));
        if let Some(place) = other {
            check.wrong(
                place,
                format!(
                    "the credential `{}` is a certificate's key, which no request carries",
                    shown(name)
                ),
                "remove it, or make two credentials of it",
            );
        }
        if let Some(From::Oauth2(_)) = credential.from.as_ref().map(|at| &at.value) {
            let what =
                "a certificate's key is a file's or another secret's text (PEM), and no token";
            check.wrong(file.place, what, "write such as `from: {file: ~/.config/client.key}`");
        }
    }
    if let Some(refresh) = credential.refresh.as_ref().filter(|at| at.value.0 < LEAST_REFRESH) {
        check.wrong(refresh.place, "that is too often", "write 10s or more");
    }
    let from = match (&credential.from, &credential.ssh) {
        (Some(from), None) => from,
        (None, Some(_)) => return None,
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
    let source = source(check, from)?;
    if let (Some(refresh), SecretSource::Env(_)) = (&credential.refresh, &source) {
        check.wrong(
            refresh.place,
            "a variable stays what it was when palisade was started",
            "remove `refresh`, or use a file or a command",
        );
    }
    let header = credential.header.as_ref().map(|text| policy::Place::Header(text.value.clone()));
    let aws = credential.aws.as_ref().map(|it| match &it.value.access_key {
        Some(key) => policy::Place::Aws(policy::AwsKey::Named(key.clone())),
        None => policy::Place::Aws(policy::AwsKey::Printed),
    });
    let query = credential.query.as_ref().map(|text| policy::Place::Query(text.value.clone()));
    Some(policy::Credential {
        name: name.to_owned(),
        from: source,
        place: header.or(query).or(aws),
        certificate,
        expose: credential.expose.as_ref().map(|text| text.value.clone()),
        refresh: credential.refresh.as_ref().map(|time| time.value.0),
    })
}

fn ssh_keys(
    check: &mut Check<'_>,
    name: &str,
    credential: &At<Credential>,
    ssh: &At<Ssh>,
) -> SshKeys {
    if ssh.value.keys.is_empty() || ssh.value.hosts.is_empty() {
        check.wrong(
            ssh.place,
            "an ssh credential without keys or hosts can never be used",
            "name at least one key and one host",
        );
    }
    let Credential { header, query, expose, certificate, .. } = &credential.value;
    let other = header.as_ref().or(query.as_ref()).or(expose.as_ref()).or(certificate.as_ref());
    if let Some(other) = other {
        check.wrong(
            other.place,
            format!("the credential `{}` is ssh keys, which no request carries", shown(name)),
            "remove it: inside, SSH_AUTH_SOCK leads to the agent",
        );
    }
    let mut keys = BTreeSet::new();
    for key in &ssh.value.keys {
        let coded = key.value.strip_prefix("SHA256:").unwrap_or_default();
        let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
        if coded.len() == 43 && coded.chars().all(base64) {
            keys.insert(key.value.clone());
        } else {
            check.wrong(
                key.place,
                format!("`{}` is no fingerprint of a key", shown(&key.value)),
                "write it as `ssh-add -l` prints it: `SHA256:` and 43 characters",
            );
        }
    }
    let mut hosts = BTreeSet::new();
    for host in &ssh.value.hosts {
        match host.value.parse::<HostName>() {
            Ok(host) => drop(hosts.insert(host)),
            Err(error) => {
                check.wrong(host.place, error.to_string(), "write a whole name such as github.com");
            }
        }
    }
    SshKeys { keys, hosts }
}

fn source(check: &mut Check<'_>, from: &At<From>) -> Option<SecretSource> {
    let place = from.place;
    match &from.value {
        From::Env(name) => variable(check, name, place),
        From::File(path) => file(check, path, place),
        From::Command(Words::Line(line)) if !line.trim().is_empty() => {
            let words = ["/bin/sh", "-c", line.as_str()];
            Some(SecretSource::Command(words.map(str::to_owned).to_vec()))
        }
        From::Command(Words::List(words)) if words.first().is_some_and(|word| !word.is_empty()) => {
            Some(SecretSource::Command(words.clone()))
        }
        From::Command(_) => {
            check.wrong(place, "the command is empty", "name a program that prints the secret");
            None
        }
        From::Keyring(attributes) => {
            let plain = |text: &String| !text.is_empty() && !text.contains(char::is_control);
            let option = |text: &String| text.starts_with('-');
            if attributes.is_empty()
                || !attributes.iter().all(|(name, value)| plain(name) && plain(value))
                || attributes.iter().any(|(name, value)| option(name) || option(value))
            {
                check.wrong(
                    place,
                    "an entry of the key store is found by its attributes, and these are none",
                    "write such as `{keyring: {service: github, account: ada}}`",
                );
                return None;
            }
            Some(SecretSource::Keyring(attributes.clone()))
        }
        From::Vault(written) => vault(check, written, place),
        From::Oauth2(written) => oauth2(check, written, place),
    }
}

fn kept(check: &mut Check<'_>, kept: &Kept, place: Place) -> Option<SecretSource> {
    match kept {
        Kept::Env(name) => variable(check, name, place),
        Kept::File(path) => file(check, path, place),
    }
}

/// Whether nobody on the way to this URL reads what is sent there.
fn is_private(url: &str) -> bool {
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let ends = |rest: &str| rest.is_empty() || rest.starts_with([':', '/']);
    url.starts_with("https://")
        || loopback.iter().any(|start| url.strip_prefix(start).is_some_and(ends))
}

const PLAIN: (&str, &str) = (
    "over plain HTTP everybody on the way reads the secret",
    "write https://, or use a server at 127.0.0.1",
);

fn oauth2(check: &mut Check<'_>, written: &OAuth2, place: Place) -> Option<SecretSource> {
    let OAuth2 { token_url, client_id, client_secret, refresh_token, scope } = written;
    let found = check.found.len();
    if let Err(why) = url::check(token_url) {
        check.wrong(
            place,
            format!("`{}` is no URL that gives out tokens: {why}", shown(token_url)),
            "write one such as https://auth.example.com/oauth/token",
        );
    } else if !is_private(token_url) {
        check.wrong(place, PLAIN.0, PLAIN.1);
    }
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if !plain(client_id) || scope.as_deref().is_some_and(|scope| !plain(scope)) {
        check.wrong(
            place,
            "`client_id` and `scope` are printable ASCII characters",
            "write them as the server gave them to you",
        );
    }
    if client_secret.is_none() && refresh_token.is_none() {
        check.wrong(
            place,
            "without a secret or a refresh token nobody gives a token",
            "add `client_secret: {env: NAME}` or `refresh_token: {file: PATH}`",
        );
    }
    let mut read =
        |from: &Option<Kept>| from.as_ref().and_then(|from| kept(check, from, place)).map(Box::new);
    let (client_secret, refresh_token) = (read(client_secret), read(refresh_token));
    (check.found.len() == found).then(|| {
        SecretSource::OAuth2(policy::OAuth2 {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret,
            refresh_token,
            scope: scope.clone(),
        })
    })
}

fn variable(check: &mut Check<'_>, name: &str, place: Place) -> Option<SecretSource> {
    if is_variable(name) {
        return Some(SecretSource::Env(name.to_owned()));
    }
    check.wrong(
        place,
        format!("`{}` is no variable's name", shown(name)),
        "use letters, digits and `_`, no digit first",
    );
    None
}

fn file(check: &mut Check<'_>, path: &str, place: Place) -> Option<SecretSource> {
    check.path(&At { value: path.to_owned(), place }).map(SecretSource::File)
}

fn vault(check: &mut Check<'_>, written: &Vault, place: Place) -> Option<SecretSource> {
    let token = kept(check, &written.token, place)?;
    let mut wrong = |what: &str, help: &str| {
        check.wrong(place, what, help);
        None
    };
    let server = written.url.strip_suffix('/').unwrap_or(&written.url);
    if let Err(why) = url::check(server) {
        return wrong(
            &format!("`{}` is no URL of a server: {why}", shown(server)),
            "write one such as https://vault.internal:8200",
        );
    }
    if server.split("://").nth(1).is_some_and(|rest| rest.contains('/')) {
        return wrong("the URL of the server has a path", "write its path in `mount` and `path`");
    }
    if !is_private(server) {
        return wrong(PLAIN.0, PLAIN.1);
    }
    let mount = written.mount.as_deref().unwrap_or("secret");
    let segments = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~@+".contains(c);
        text.split('/').all(|part| !matches!(part, "" | "." | "..") && part.chars().all(plain))
    };
    let namespace = written.namespace.as_deref();
    if !segments(mount) || !segments(&written.path) || !namespace.is_none_or(segments) {
        return wrong(
            "`mount`, `path` and `namespace` are names with `/` between them",
            "write such as `path: ci/github`, without `/` at its ends",
        );
    }
    let field = written.field.as_deref().unwrap_or("value");
    if field.is_empty() {
        return wrong("the field of the secret is empty", "name it, or remove `field`");
    }
    let version = match written.version {
        None | Some(2) => 2,
        Some(1) => 1,
        Some(_) => return wrong("there are versions 1 and 2 of the store", "write `version: 2`"),
    };
    Some(SecretSource::Vault(policy::Vault {
        url: server.to_owned(),
        mount: mount.to_owned(),
        path: written.path.clone(),
        field: field.to_owned(),
        version,
        namespace: namespace.map(str::to_owned),
        token: Box::new(token),
    }))
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
    } else if FRAMING_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        "this header says how a message is read or where it goes"
    } else if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        "a header has ASCII characters only"
    } else {
        match value.matches("{secret}").count() {
            0 => "its value lacks `{secret}`",
            1 => match value.split_once("{secret}") {
                Some((before, after)) if before.contains("base64(") && !after.contains(')') => {
                    "its `base64(` is never closed"
                }
                _ => return,
            },
            _ => "its value has `{secret}` more than once",
        }
    };
    check.wrong(
        header.place,
        format!("`{}` cannot carry a secret: {why}", shown(text)),
        "write one such as `authorization: Bearer {secret}`",
    );
}

fn query_template(check: &mut Check<'_>, query: &At<String>) {
    let text = &query.value;
    let (name, value) = text.split_once('=').unwrap_or_default();
    let plain = |c: char| c.is_ascii_graphic() && !"&#=?%+".contains(c);
    let why = if name.is_empty() || !name.chars().all(plain) {
        "it has no field's name before a `=`"
    } else if value.matches("{secret}").count() != 1 {
        "its value has not `{secret}` once"
    } else if !value.chars().all(plain) {
        "a query has no such characters"
    } else {
        return;
    };
    check.wrong(
        query.place,
        format!("`{}` cannot carry a secret: {why}", shown(text)),
        "write one such as `key={secret}`",
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
