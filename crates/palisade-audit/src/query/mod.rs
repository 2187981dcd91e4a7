//! The events that a filter takes: with the help of the index where there is one or where the journal is
//! large, and without it where it would be of no use.

mod cells;

use std::{collections::VecDeque, ops::ControlFlow, path::Path};

use palisade_journal::{Filter, Places, Query, Record};

pub use self::cells::{CSV_HEAD, csv};
use crate::{
    AuditError,
    index::{Index, index_path},
};

/// A journal with fewer bytes is gone through as quickly as an index of it is brought up to date.
const LARGE: u64 = 16 << 20;

/// Whether the index is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Use {
    /// Where it is of use, and quicker.
    #[default]
    Auto,
    /// Where it is of use.
    Always,
    /// The whole journal is read.
    Never,
}

/// What became of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Whether the index was used.
    pub by_index: bool,
    /// How many lines are no records and were passed over.
    pub unreadable: usize,
    /// Where the first of them is: its file, and its line if that is known.
    pub first: Option<String>,
}

/// Give `take` each event that a filter takes, in the order of time; with `limit`, only the newest so many.
/// `tell` is called before a long wait for the index, with the bytes to read, and when the index cannot be used.
///
/// # Errors
/// The journal cannot be read.
pub fn ask(
    state: &Path,
    filter: &Filter,
    (how, limit): (Use, Option<usize>),
    tell: &mut dyn FnMut(&str),
    take: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<Asked, AuditError> {
    if indexed(state, filter, how)? {
        match open(state, tell) {
            Ok(mut index) => return by_index(&mut index, filter, limit, take),
            // What reads the whole journal needs no index.
            Err(error @ AuditError::Index { .. }) => {
                tell(&format!("{error}; the whole journal is read instead"));
            }
            Err(error) => return Err(error),
        }
    }
    let mut query = Query::new(state, filter.clone())?;
    let mut kept = VecDeque::new();
    while let Some(record) = query.next_record()? {
        match limit {
            None => {
                if take(record).is_break() {
                    return Ok(Asked::default());
                }
            }
            Some(limit) => {
                kept.push_back(record);
                if kept.len() > limit {
                    kept.pop_front();
                }
            }
        }
    }
    for record in kept {
        if take(record).is_break() {
            break;
        }
    }
    let unreadable = query.unreadable();
    let first = unreadable.first().map(|it| format!("{}:{}", it.path.display(), it.line));
    Ok(Asked { by_index: false, unreadable: unreadable.len(), first })
}

fn indexed(state: &Path, filter: &Filter, how: Use) -> Result<bool, AuditError> {
    if !Index::helps(filter) {
        return Ok(false);
    }
    Ok(match how {
        Use::Never => false,
        Use::Always => true,
        Use::Auto => index_path(state).exists() || is_large(state)?,
    })
}

fn is_large(state: &Path) -> Result<bool, AuditError> {
    let places = Places::open(state)?;
    let mut bytes = 0_u64;
    for session in places.sessions(None)? {
        let sizes = places.segments(&session)?.into_iter().map(|segment| segment.size);
        bytes = bytes.saturating_add(sizes.sum());
        if bytes > LARGE {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open(state: &Path, tell: &mut dyn FnMut(&str)) -> Result<Index, AuditError> {
    let mut index = Index::open(state)?;
    index.update(&mut |bytes| {
        tell(&format!("the index takes in {} MB of the journal first", bytes >> 20));
    })?;
    Ok(index)
}

fn by_index(
    index: &mut Index,
    filter: &Filter,
    limit: Option<usize>,
    take: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<Asked, AuditError> {
    let found = match limit {
        None => index.find(filter, false, take)?,
        Some(0) => return Ok(Asked { by_index: true, ..Asked::default() }),
        Some(limit) => {
            let mut newest = Vec::new();
            let found = index.find(filter, true, &mut |record| {
                newest.push(record);
                if newest.len() < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            for record in newest.into_iter().rev() {
                if take(record).is_break() {
                    break;
                }
            }
            found
        }
    };
    let first = found.unreadable.first().map(|place| match place.line {
        Some(line) => format!("{}:{line}", place.path.display()),
        None => place.path.display().to_string(),
    });
    Ok(Asked { by_index: true, unreadable: found.unreadable.len(), first })
}
