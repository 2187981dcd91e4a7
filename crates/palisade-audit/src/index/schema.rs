use std::{path::Path, time::Duration};

use rusqlite::{Connection, Error, ErrorCode};

/// Another number is another form: such an index is made anew.
const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE segments(
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    inode INTEGER NOT NULL,
    modified TEXT NOT NULL,
    size INTEGER NOT NULL,     -- when it was last looked at
    done INTEGER NOT NULL,     -- bytes that are in the index
    lines INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    last_length INTEGER NOT NULL,
    last_hash TEXT NOT NULL,
    latest INTEGER NOT NULL,   -- the highest time until there
    late INTEGER NOT NULL,     -- how far the clock went back at most
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX segments_by_name ON segments(session, name);
CREATE TABLE shapes(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    layer TEXT NOT NULL,
    decision TEXT NOT NULL,
    rule TEXT,
    count INTEGER NOT NULL
);
CREATE TABLE events(
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    time INTEGER NOT NULL,     -- microseconds since 1970, never less than of the event before it in its session
    shape INTEGER NOT NULL
);
CREATE TABLE facts(fact INTEGER NOT NULL, event INTEGER NOT NULL);
CREATE TABLE bad(segment INTEGER NOT NULL, line INTEGER NOT NULL);
";

/// Made after a first filling, which is much quicker without.
pub(super) const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS events_by_shape ON events(shape, time);
CREATE INDEX IF NOT EXISTS events_by_time ON events(time);
CREATE INDEX IF NOT EXISTS events_by_segment ON events(segment, time);
CREATE INDEX IF NOT EXISTS facts_by_fact ON facts(fact, event);
";

/// Open an index, and give it its tables if it is new.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection, Error> {
    let database = Connection::open(path)?;
    database.busy_timeout(patience)?;
    // A crash may lose what was added last, which is then added again.
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    database.pragma_update(None, "cache_size", -131_072)?;
    database.pragma_update(None, "temp_store", "MEMORY")?;
    let version = |database: &Connection| {
        database.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    if version(&database)? == 0 {
        database.execute_batch("BEGIN IMMEDIATE")?;
        // Another process may have been quicker.
        if version(&database)? == 0 {
            database.execute_batch(TABLES)?;
            database.pragma_update(None, "user_version", VERSION)?;
        }
        database.execute_batch("COMMIT")?;
    }
    if version(&database)? == VERSION { Ok(database) } else { Err(Error::InvalidQuery) }
}

/// Whether a new one is to be made: it is damaged, or of another version.
pub(super) fn is_broken(error: &Error) -> bool {
    matches!(error, Error::InvalidQuery)
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
}
