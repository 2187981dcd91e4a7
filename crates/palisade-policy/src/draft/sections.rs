//! Small sections: who is told of questions, and what is asked of skills.

use base64::{Engine, engine::general_purpose::STANDARD};
use palisade_core::{SkillPolicy, SkillReach};

use super::{Check, DraftTells, hooks, network};
use crate::{
    at::At,
    document::{self, Document, Severity, SkillState},
    policy::{AnswersBy, SkillRequire, SkillSeverity, Skills},
};

/// Who is told of questions to the operator.
pub(super) fn tells(check: &mut Check<'_>, document: &Document) -> DraftTells {
    let Some(approvals) = document.approvals.as_ref().map(|at| &at.value) else {
        return DraftTells::default();
    };
    let webhook = approvals.webhook.as_ref().map(|At { value, place }| {
        hooks::server(check, &value.url);
        let key = value.key.as_ref().and_then(|key| {
            let bytes: Option<[u8; 32]> =
                STANDARD.decode(&key.value).ok().and_then(|bytes| bytes.try_into().ok());
            if bytes.is_none() {
                check.wrong(
                    key.place,
                    "it is no Ed25519 public key: 32 bytes in base64",
                    "print yours with `openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | base64`",
                );
            }
            bytes
        });
        At { value: AnswersBy { url: value.url.value.clone(), key }, place: *place }
    });
    DraftTells { desktop: approvals.notify.first().map(|at| at.place), webhook }
}

/// What the document asks of skills. It can only take away, so it counts whoever wrote it.
pub(super) fn skills(check: &mut Check<'_>, document: &Document) -> Skills {
    let section = document.skills.as_ref().map(|at| &at.value);
    Skills {
        require: match section.and_then(|skills| skills.require) {
            None | Some(SkillState::Any) => SkillRequire::Any,
            Some(SkillState::Scanned) => SkillRequire::Scanned,
            Some(SkillState::Reviewed) => SkillRequire::Reviewed,
            Some(SkillState::Signed) => SkillRequire::Signed,
        },
        block: section.and_then(|skills| skills.block).map(|severity| match severity {
            Severity::Low => SkillSeverity::Low,
            Severity::Medium => SkillSeverity::Medium,
            Severity::High => SkillSeverity::High,
            Severity::Critical => SkillSeverity::Critical,
        }),
        policies: section
            .iter()
            .flat_map(|skills| &skills.policies)
            .map(|(name, policy)| {
                if !is_name(name) {
                    let name = palisade_core::shown(name, 80);
                    let what = format!("`{name}` is no name that a skill can have in the lock");
                    check.wrong(policy.place, what, "write it as `palisade skill list` does");
                }
                (name.clone(), vec![skill(check, &policy.value)])
            })
            .collect(),
    }
}

/// Small letters, digits, `-`, `_` and `.`, as the lock has them.
fn is_name(name: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name.as_bytes().first().is_some_and(plain)
        && name.bytes().all(|byte| plain(&byte) || matches!(byte, b'-' | b'_' | b'.'))
}

fn skill(check: &mut Check<'_>, written: &document::SkillPolicy) -> SkillPolicy {
    let mut network = Vec::new();
    for At { value, place } in &written.network {
        if value.hosts.is_empty() {
            check.wrong(*place, "it names no host", "add `hosts: [name]`, or remove it");
        }
        check.not_empty(&value.ports, "ports", "it is 443");
        let hosts = value.hosts.iter().filter_map(|host| network::host(check, host)).collect();
        let ports: Vec<u16> =
            value.ports.iter().filter_map(|port| network::number(check, port)).collect();
        let ports = if ports.is_empty() { vec![network::HTTPS] } else { ports };
        network.push(SkillReach { hosts, ports });
    }
    let programs = written
        .programs
        .as_ref()
        .map(|programs| programs.iter().filter_map(|text| network::program(check, text)).collect());
    let credentials = written.credentials.iter().map(|name| name.value.clone()).collect();
    SkillPolicy { network, credentials, programs, models: written.models }
}
