//! Small sections: who is told of questions, and what is asked of skills.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Check, DraftTells, hooks};
use crate::{
    at::At,
    document::{Document, Severity, SkillState},
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
pub(super) fn skills(document: &Document) -> Skills {
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
    }
}
