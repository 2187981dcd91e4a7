//! What led to an event: its request, connection, program, tool call and model call, as far as that is known.
//!
//! Each link says how it is known. [`How::Number`], [`How::Process`] and [`How::Call`] are ids: of a
//! connection or an exchange with a model, which Palisade counts; of a process, which the kernel tells; of a
//! tool call, which the provider gives. The others are inferred: no id goes through the agent's own process,
//! so what a tool call had executed is found by the text of its command, or by the time alone.

mod links;
mod node;

use std::{collections::HashMap, path::Path};

use palisade_core::SessionId;
use palisade_journal::Record;
use serde::Serialize;

pub use self::links::How;
use self::{links::Links, node::Node};
use crate::{AuditError, session};

/// Links of a chain.
const LONGEST: usize = 32;

/// An event and what led to it, the nearest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Chain {
    /// The event.
    pub event: Record,
    /// What led to it.
    pub cause: Vec<Link>,
    /// Who permitted it, where that was an answer of the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted_by: Option<Link>,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Link {
    /// How it is known.
    pub how: How,
    /// Whether that is an id. If not, it is inferred and may be wrong.
    pub by_id: bool,
    /// The same in words.
    pub says: String,
    /// What led to the event before.
    pub event: Record,
}

/// What led to the event of this number.
///
/// # Errors
/// The journal cannot be read, it has no such event, or too many to hold.
pub fn chain(state: &Path, id: &SessionId, seq: u64) -> Result<Chain, AuditError> {
    let mut links = Links::of(id.as_str());
    session::each(state, id, &mut |record| links.add(Node::of(&record), seq))?;
    let no_event = || AuditError::NoEvent { session: id.to_string(), seq };
    let mut steps: Vec<(How, u64)> = Vec::new();
    let mut at = seq;
    while let Some((how, next)) = links.cause(at) {
        if next == seq || steps.iter().any(|(_, known)| *known == next) || steps.len() >= LONGEST {
            break;
        }
        steps.push((how, next));
        at = next;
    }
    let answer = links.answer(seq);
    let wanted = steps.iter().map(|(_, seq)| *seq).chain(answer).chain([seq]);
    let mut records = read(state, id, wanted.collect())?;
    let permitted_by = answer.and_then(|seq| link(&records, How::Subject, seq));
    let cause = steps.into_iter().filter_map(|(how, seq)| link(&records, how, seq)).collect();
    let event = records.remove(&seq).ok_or_else(no_event)?;
    Ok(Chain { event, cause, permitted_by })
}

fn link(records: &HashMap<u64, Record>, how: How, seq: u64) -> Option<Link> {
    let event = records.get(&seq)?.clone();
    Some(Link { how, by_id: how.is_id(), says: how.says().to_owned(), event })
}

fn read(
    state: &Path,
    id: &SessionId,
    wanted: Vec<u64>,
) -> Result<HashMap<u64, Record>, AuditError> {
    let mut records = HashMap::new();
    session::each(state, id, &mut |record| {
        if wanted.contains(&record.seq) {
            records.insert(record.seq, record);
        }
        Ok(())
    })?;
    Ok(records)
}
