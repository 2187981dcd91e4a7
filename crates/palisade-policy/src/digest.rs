use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use palisade_core::PolicyDigest;
use palisade_hooks::Config;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    audit::Audit,
    http::HttpRule,
    policy::{
        Alarms, Approvals, Filesystem, Inference, Network, NotBuilt, Permissions, Process, Skills,
    },
    taint::Taint,
};

/// What of a policy has a meaning.
pub(crate) struct Meant<'a> {
    pub(crate) filesystem: &'a Filesystem,
    pub(crate) network: &'a Network,
    pub(crate) process: &'a Process,
    pub(crate) inference: Option<&'a Inference>,
    pub(crate) approvals: &'a Approvals,
    pub(crate) hooks: &'a Config,
    pub(crate) permissions: Option<&'a Permissions>,
    pub(crate) audit: &'a Audit,
    pub(crate) alarms: Option<&'a Alarms>,
    pub(crate) taint: Option<&'a Taint>,
    pub(crate) skills: &'a Skills,
    pub(crate) not_built: &'a [NotBuilt],
}

/// The digest of what a policy means: neither its spelling, nor where lists that have no order were
/// written, nor how its rules are numbered.
pub(crate) fn of(meant: &Meant<'_>) -> PolicyDigest {
    PolicyDigest::of(meaning(meant).as_bytes())
}

/// What the digest is of.
pub(crate) fn meaning(meant: &Meant<'_>) -> String {
    let Meant {
        filesystem,
        network,
        process,
        inference,
        approvals,
        hooks,
        permissions,
        audit,
        alarms,
        taint,
        skills,
        not_built,
    } = meant;
    let grants = filesystem
        .grants
        .iter()
        .map(|grant| json!([Exact(&grant.path), grant.writable, grant.required]));
    let deny = filesystem.deny.iter().map(|entry| json!([entry.pattern, entry.glob]));
    // The order of rules is that of their numbers, which the journal has.
    let rules = network.rules.iter().map(|rule| {
        json!([
            rule.rule,
            sorted(rule.hosts.iter().map(|host| json!(host))),
            sorted(rule.ports.iter().map(|port| json!(port))),
            sorted(rule.addresses.iter().map(|network| json!(network))),
            rule.records,
            sorted(rule.binaries.iter().map(|program| json!(program))),
            rule.credential,
            rule.client_certificate,
            rule.tls,
            rule.http.as_ref().map(|http| http.iter().map(request).collect::<Vec<_>>()),
            rule.limits,
            rule.only_denies,
            rule.when,
        ])
    });
    let later = not_built.iter().map(|later| json!([later.what, canonical(&later.value)]));
    let mut whole = json!({
        "workspace": filesystem.workspace,
        "grants": sorted(grants),
        "deny": sorted(deny),
        "hosts": network.hosts,
        "expose": network.expose,
        "rules": rules.collect::<Vec<_>>(),
        "ask": network.ask,
        "approvals": approvals,
        "hooks": hooks,
        "permissions": permissions,
        "credentials": network.credentials,
        "ssh": network.ssh,
        "upstream": network.upstream,
        "process": process,
        "inference": inference,
        "later": sorted(later),
    });
    if **skills != Skills::default()
        && let Some(parts) = whole.as_object_mut()
    {
        parts.insert("skills".into(), json!(skills));
    }
    if **audit != Audit::default()
        && let Some(parts) = whole.as_object_mut()
    {
        parts.insert("audit".into(), json!(audit));
    }
    if let (Some(alarms), Some(members)) = (alarms, whole.as_object_mut()) {
        members.insert("alarms".into(), json!(alarms));
    }
    if let (Some(taint), Some(members)) = (taint, whole.as_object_mut()) {
        members.insert("taint".into(), json!(taint));
    }
    whole.to_string()
}

/// An HTTP rule, with the lists that have no order in one of their own.
fn request(rule: &HttpRule) -> Value {
    fn ordered(value: Value) -> Value {
        match value {
            Value::Array(items) => sorted(items.into_iter()).into(),
            Value::Object(table) => {
                table.into_iter().map(|(key, value)| (key, ordered(value))).collect()
            }
            other => other,
        }
    }
    json!([rule.effect, ordered(json!(rule.requests))])
}

/// A path, whatever its bytes are: a text, or a list of numbers if it is none.
struct Exact<'a>(&'a Path);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_seq(self.0.as_os_str().as_encoded_bytes()),
        }
    }
}

/// For fields.
#[allow(clippy::ptr_arg, reason = "serde gives the field as it is")]
pub(crate) fn exact<S: Serializer>(path: &PathBuf, serializer: S) -> Result<S::Ok, S::Error> {
    Exact(path).serialize(serializer)
}

/// The same for one that may not be there.
#[allow(clippy::ptr_arg, clippy::ref_option, reason = "serde gives the field as it is")]
pub(crate) fn exact_or_none<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_deref().map(Exact).serialize(serializer)
}

/// The same for many.
pub(crate) fn exact_all<S: Serializer>(
    paths: &BTreeSet<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| Exact(path)))
}

/// Each once, in an order of their own.
fn sorted(items: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_cached_key(Value::to_string);
    items.dedup();
    items
}

/// The same value with the keys of each table in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(table) => {
            let mut keys: Vec<_> = table.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            keys.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
