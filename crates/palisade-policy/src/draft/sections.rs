//! Sections that are understood and checked for their form, and that nothing enforces yet.

use super::Check;
use crate::{
    document::{Document, Severity, SkillState},
    policy::{SkillRequire, SkillSeverity, Skills},
};

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    if let Some(approvals) = document.approvals.as_ref().filter(|at| !at.value.notify.is_empty()) {
        check.not_built("approvals.notify", approvals.place, &approvals.value.notify);
    }
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
