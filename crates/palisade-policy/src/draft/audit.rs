//! `audit`: what becomes of the journal besides.

use super::{Check, shown, url};
use crate::document::Document;

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    let Some(audit) = &document.audit else { return };
    if let Some(to) = &audit.value.otlp
        && let Err(why) = url::check(&to.value)
    {
        check.wrong(
            to.place,
            format!("`{}` is no URL to send events to: {why}", shown(&to.value)),
            "write one such as http://127.0.0.1:4318",
        );
    }
    check.not_built_and_widens("audit", audit.place, audit);
}
