//! Sections that are understood and checked for their form, and that nothing enforces yet.

use super::Check;
use crate::document::Document;

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    if let Some(skills) = &document.skills {
        check.not_built_and_widens("skills", skills.place, skills);
    }
    if let Some(approvals) = document.approvals.as_ref().filter(|at| !at.value.notify.is_empty()) {
        check.not_built("approvals.notify", approvals.place, &approvals.value.notify);
    }
}
