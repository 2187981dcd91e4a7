use std::collections::HashMap;

use palisade_core::SessionId;
use palisade_journal::{Line, Record, Segment};
use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};

use super::{Index, facts, schema::INDEXES};
use crate::AuditError;

/// Lines that are added in one go.
const AT_ONCE: usize = 200_000;
/// Bytes from which on the first filling is done without indexes.
const MANY: u64 = 64 << 20;

/// What was added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Updated {
    /// Events that are new in the index.
    pub events: u64,
    /// Bytes of the journal that were read for it.
    pub bytes: u64,
}

/// A segment, as far as the index has it.
#[derive(Debug, Clone)]
struct Known {
    id: i64,
    inode: i64,
    modified: String,
    size: i64,
    done: i64,
    lines: i64,
    last: (i64, i64),
    last_hash: String,
    latest: i64,
    late: i64,
}

type Shape = (String, String, String, Option<String>);

impl Index {
    /// Add what the journal has got since. `tell` is called before a long wait, with the bytes to read.
    ///
    /// # Errors
    /// The journal cannot be read, or the index cannot be written.
    pub fn update(
        &mut self,
        tell: &mut dyn FnMut(u64),
    ) -> std::result::Result<Updated, AuditError> {
        let mut updated = Updated::default();
        let mut work = Vec::new();
        let mut waiting = 0_u64;
        let mut known = self.known().map_err(|e| self.failed(&e))?;
        for session in self.places.sessions(None)? {
            for segment in self.places.segments(&session)? {
                let key = (session.as_str().to_owned(), segment.name.clone());
                let have = known.remove(&key);
                if have.as_ref().is_some_and(|have| have.is_as(&segment)) {
                    continue;
                }
                let from = have.as_ref().map_or(0, |have| u64::try_from(have.done).unwrap_or(0));
                waiting = waiting.saturating_add(segment.size.saturating_sub(from));
                work.push((session.clone(), segment));
            }
        }
        let gone: Vec<i64> = known.into_values().map(|known| known.id).collect();
        if work.is_empty() && gone.is_empty() {
            return Ok(updated);
        }
        if waiting >= MANY {
            tell(waiting);
        }
        let first = self.is_empty().map_err(|e| self.failed(&e))?;
        if first && waiting >= MANY {
            let drop = INDEXES.replace("CREATE INDEX IF NOT EXISTS", "DROP INDEX IF EXISTS");
            let names = drop.lines().filter_map(|line| line.split(" ON ").next());
            let drop: String = names.map(|line| format!("{line};")).collect();
            self.database.execute_batch(&drop).map_err(|e| self.failed(&e))?;
        }
        self.forget(&gone).map_err(|e| self.failed(&e))?;
        for (session, segment) in work {
            self.segment(&session, &segment, &mut updated)?;
        }
        self.database.execute_batch(INDEXES).map_err(|e| self.failed(&e))?;
        Ok(updated)
    }

    fn is_empty(&self) -> Result<bool> {
        let any = self.database.query_row("SELECT 1 FROM events LIMIT 1", [], |_| Ok(()));
        any.optional().map(|any| any.is_none())
    }

    fn known(&self) -> Result<HashMap<(String, String), Known>> {
        let mut all = self.database.prepare("SELECT session, name, id, inode, modified, size, done, lines, last_offset, last_length, last_hash, latest, late FROM segments WHERE gone = 0")?;
        let rows = all.query_map([], |row| {
            let known = Known {
                id: row.get(2)?,
                inode: row.get(3)?,
                modified: row.get(4)?,
                size: row.get(5)?,
                done: row.get(6)?,
                lines: row.get(7)?,
                last: (row.get(8)?, row.get(9)?),
                last_hash: row.get(10)?,
                latest: row.get(11)?,
                late: row.get(12)?,
            };
            Ok(((row.get(0)?, row.get(1)?), known))
        })?;
        rows.collect()
    }

    fn forget(&mut self, gone: &[i64]) -> Result<()> {
        for id in gone {
            self.database.execute("UPDATE segments SET gone = 1 WHERE id = ?1", [id])?;
        }
        Ok(())
    }

    /// Add what is new of a segment. What another process has added meanwhile is not added twice.
    fn segment(
        &mut self,
        session: &SessionId,
        segment: &Segment,
        updated: &mut Updated,
    ) -> std::result::Result<(), AuditError> {
        loop {
            let path = self.path.clone();
            let failed = |error: rusqlite::Error| AuditError::Index {
                path: path.clone(),
                why: error.to_string(),
            };
            let key = (session.as_str().to_owned(), segment.name.clone());
            let transaction = self
                .database
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
                .map_err(failed)?;
            let mut have = one(&transaction, &key).map_err(failed)?;
            if let Some(known) = &have {
                let place = (unsigned(known.last.0), unsigned(known.last.1));
                let last = self.places.at(session, &segment.name, place)?;
                let same = known.lines == 0
                    || last.is_some_and(|record| record.hash.to_string() == known.last_hash)
                    || known.last_hash.is_empty();
                let grown =
                    unsigned(known.size) < segment.size || known.modified == modified(segment);
                if !(same && grown && known.inode == signed(segment.inode)) {
                    // Another file, or what is in the index is not what stands there.
                    transaction
                        .execute("UPDATE segments SET gone = 1 WHERE id = ?1", [known.id])
                        .map_err(failed)?;
                    have = None;
                }
            }
            let mut have = match have {
                Some(known) => known,
                None => begin(&transaction, &key, segment).map_err(failed)?,
            };
            let place = (unsigned(have.done), unsigned(have.lines).saturating_add(1));
            let Some(mut lines) = self.places.lines(session, &segment.name, place)? else {
                return transaction.commit().map_err(failed);
            };
            let mut adding = Adding::new(&transaction, have.id).map_err(failed)?;
            let mut count = 0;
            while count < AT_ONCE {
                let Some(line) = lines.next_line()? else { break };
                have.note(&line);
                adding.line(&line, have.latest).map_err(failed)?;
                count = count.saturating_add(1);
                updated.events = updated.events.saturating_add(u64::from(line.record.is_some()));
                updated.bytes = updated.bytes.saturating_add(line.length);
            }
            adding.finish().map_err(failed)?;
            let full = count < AT_ONCE;
            let (size, modified) = if full {
                (signed(segment.size), modified(segment))
            } else {
                (have.done, String::new())
            };
            transaction
                .execute(
                    "UPDATE segments SET size = ?2, modified = ?3, done = ?4, lines = ?5, last_offset = ?6, last_length = ?7, last_hash = ?8, latest = ?9, late = ?10 WHERE id = ?1",
                    params![have.id, size, modified, have.done, have.lines, have.last.0, have.last.1, have.last_hash, have.latest, have.late],
                )
                .map_err(failed)?;
            transaction.commit().map_err(failed)?;
            if full {
                return Ok(());
            }
        }
    }
}

impl Known {
    /// Whether nothing has happened to it.
    fn is_as(&self, segment: &Segment) -> bool {
        self.inode == signed(segment.inode)
            && self.size == signed(segment.size)
            && self.modified == modified(segment)
    }

    fn note(&mut self, line: &Line) {
        self.done = signed(line.offset.saturating_add(line.length));
        self.lines = signed(line.number);
        self.last = (signed(line.offset), signed(line.length));
        if let Some(record) = &line.record {
            let time = record.time.unix_micros();
            self.latest = self.latest.max(time);
            self.late = self.late.max(self.latest.saturating_sub(time));
        }
        self.last_hash = line.record.as_ref().map(|r| r.hash.to_string()).unwrap_or_default();
    }
}

fn one(database: &Connection, (session, name): &(String, String)) -> Result<Option<Known>> {
    let mut find = database.prepare_cached("SELECT id, inode, modified, size, done, lines, last_offset, last_length, last_hash, latest, late FROM segments WHERE session = ?1 AND name = ?2 AND gone = 0")?;
    find.query_row([session, name], |row| {
        Ok(Known {
            id: row.get(0)?,
            inode: row.get(1)?,
            modified: row.get(2)?,
            size: row.get(3)?,
            done: row.get(4)?,
            lines: row.get(5)?,
            last: (row.get(6)?, row.get(7)?),
            last_hash: row.get(8)?,
            latest: row.get(9)?,
            late: row.get(10)?,
        })
    })
    .optional()
}

fn begin(
    database: &Connection,
    (session, name): &(String, String),
    segment: &Segment,
) -> Result<Known> {
    let inode = signed(segment.inode);
    let latest: i64 = database.query_row(
        "SELECT COALESCE(MAX(latest), 0) FROM segments WHERE session = ?1 AND gone = 0",
        [session],
        |row| row.get(0),
    )?;
    database.execute(
        "INSERT INTO segments(session, name, inode, modified, size, done, lines, last_offset, last_length, last_hash, latest, late) VALUES (?1, ?2, ?3, '', 0, 0, 0, 0, 0, '', ?4, 0)",
        params![session, name, inode, latest],
    )?;
    let id = database.last_insert_rowid();
    let (modified, last_hash) = (String::new(), String::new());
    Ok(Known {
        id,
        inode,
        modified,
        size: 0,
        done: 0,
        lines: 0,
        last: (0, 0),
        last_hash,
        latest,
        late: 0,
    })
}

/// Adds the lines of one segment.
struct Adding<'a> {
    database: &'a Transaction<'a>,
    segment: i64,
    shapes: HashMap<Shape, (i64, i64)>,
}

impl<'a> Adding<'a> {
    fn new(database: &'a Transaction<'a>, segment: i64) -> Result<Self> {
        Ok(Self { database, segment, shapes: HashMap::new() })
    }

    fn line(&mut self, line: &Line, time: i64) -> Result<()> {
        let Some(record) = &line.record else {
            let mut add = self.database.prepare_cached("INSERT INTO bad VALUES (?1, ?2)")?;
            add.execute([self.segment, signed(line.number)])?;
            return Ok(());
        };
        let shape = self.shape(record)?;
        let mut add = self.database.prepare_cached(
            "INSERT INTO events(segment, offset, length, time, shape) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let (offset, length) = (signed(line.offset), signed(line.length));
        add.execute(params![self.segment, offset, length, time, shape])?;
        let event = self.database.last_insert_rowid();
        let mut add = self.database.prepare_cached("INSERT INTO facts VALUES (?1, ?2)")?;
        for fact in facts::of(record) {
            add.execute([fact, event])?;
        }
        Ok(())
    }

    fn shape(&mut self, record: &Record) -> Result<i64> {
        let shape = (
            record.kind.clone(),
            record.layer.clone(),
            record.decision.as_str().to_owned(),
            record.rule.clone(),
        );
        if let Some((id, count)) = self.shapes.get_mut(&shape) {
            *count = count.saturating_add(1);
            return Ok(*id);
        }
        let (kind, layer, decision, rule) = &shape;
        let mut find = self.database.prepare_cached(
            "SELECT id FROM shapes WHERE kind = ?1 AND layer = ?2 AND decision = ?3 AND rule IS ?4",
        )?;
        let found = find.query_row(params![kind, layer, decision, rule], |row| row.get(0));
        let id = match found.optional()? {
            Some(id) => id,
            None => {
                self.database.execute(
                    "INSERT INTO shapes(kind, layer, decision, rule, count) VALUES (?1, ?2, ?3, ?4, 0)",
                    params![kind, layer, decision, rule],
                )?;
                self.database.last_insert_rowid()
            }
        };
        self.shapes.insert(shape, (id, 1));
        Ok(id)
    }

    fn finish(self) -> Result<()> {
        let mut add =
            self.database.prepare_cached("UPDATE shapes SET count = count + ?2 WHERE id = ?1")?;
        for (id, count) in self.shapes.into_values() {
            add.execute([id, count])?;
        }
        Ok(())
    }
}

fn modified(segment: &Segment) -> String {
    format!("{}.{:09}", segment.modified.0, segment.modified.1)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
