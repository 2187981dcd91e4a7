//! Sections that are understood and checked for their form, and that nothing enforces yet.

use super::{Check, audit, hooks, permissions};
use crate::document::{Document, InferenceLimits};

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    if let Some(inference) = &document.inference {
        if let Some(limits) = &inference.limits {
            model_limits(check, &limits.value);
            check.not_built_and_widens("inference.limits", limits.place, limits);
        }
        if let Some(redact) = &inference.redact {
            check.not_built("inference.redact", redact.place, redact);
        }
    }
    permissions::check(check, document);
    hooks::check(check, document);
    if let Some(skills) = &document.skills {
        check.not_built_and_widens("skills", skills.place, skills);
    }
    if let Some(approvals) = document.approvals.as_ref().filter(|at| !at.value.notify.is_empty()) {
        check.not_built("approvals.notify", approvals.place, &approvals.value.notify);
    }
    audit::check(check, document);
}

fn model_limits(check: &mut Check<'_>, limits: &InferenceLimits) {
    let none = "no model could ever be called with this";
    for number in [&limits.requests_per_minute, &limits.tokens_per_day].into_iter().flatten() {
        if number.value == 0 {
            check.wrong(number.place, none, "write 1 or more, or remove the routes");
        }
    }
    if let Some(dollars) = &limits.usd_per_day
        && !(dollars.value.is_finite() && dollars.value > 0.0)
    {
        check.wrong(
            dollars.place,
            format!("{} is no sum of dollars", dollars.value),
            "write one such as 20 or 0.5",
        );
    }
}
