//! The sessions of a journal, as a person names them.

use std::path::Path;

use palisade_core::SessionId;
use palisade_journal::{Filter, Places, Query, Record};

use crate::AuditError;

/// The shortest beginning of an id that means a session.
const SHORTEST: usize = 4;

/// The one session of this id, of an id that begins so, or of this name.
///
/// # Errors
/// There is none, or more than one.
pub fn find(state: &Path, wanted: &str) -> Result<SessionId, AuditError> {
    let places = Places::open(state)?;
    let mut found = places.sessions(Some(wanted))?;
    if let Some(exact) = found.iter().find(|id| id.as_str() == wanted) {
        return Ok(exact.clone());
    }
    if found.is_empty() && wanted.len() >= SHORTEST {
        found = places.sessions(None)?;
        found.retain(|id| id.as_str().starts_with(wanted));
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(AuditError::NoSession(palisade_core::shown(wanted, 80))),
        many => Err(AuditError::Ambiguous {
            wanted: palisade_core::shown(wanted, 80),
            count: many.len(),
        }),
    }
}

/// Go through the events of a session in their order.
///
/// # Errors
/// The journal cannot be read, or what `each` says.
pub(crate) fn each(
    state: &Path,
    session: &SessionId,
    each: &mut dyn FnMut(Record) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let filter = Filter { session: Some(session.to_string()), ..Filter::default() };
    let mut query = Query::new(state, filter)?;
    while let Some(record) = query.next_record()? {
        // A name can be another session's id.
        if record.session == *session {
            each(record)?;
        }
    }
    Ok(())
}
