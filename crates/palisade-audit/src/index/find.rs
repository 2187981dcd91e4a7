use std::{fmt::Write, ops::ControlFlow, path::PathBuf};

use palisade_journal::{Filter, Record};
use rusqlite::{Result, types::Value};

use super::{Index, facts};
use crate::AuditError;

/// With more, the events are gone through in an order that an index has instead of being sorted.
const SORTED: i64 = 200_000;
/// Facts of one kind are not counted further than this: no more is asked of their number.
const COUNTED: i64 = SORTED + 1;
/// Shapes or segments whose events, each in the order of time, are merged.
const MERGED: usize = 48;

/// What became of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Places that were looked at in the journal.
    pub looked: u64,
    /// Where no record is, or not the one that was there.
    pub unreadable: Vec<Place>,
}

/// A place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, if that is known.
    pub line: Option<u64>,
}

/// What a filter asks for, as the index has it.
struct Asked {
    /// `None`: of any.
    shapes: Option<Vec<(i64, i64)>>,
    segments: Option<Vec<(i64, i64)>>,
    facts: Vec<(i64, i64)>,
    since: Option<i64>,
    until: Option<i64>,
}

/// By what the events are gone through.
enum By {
    Fact(i64),
    Shape,
    Segment,
    Time,
}

impl Index {
    /// Whether the index knows something of what a filter asks for.
    pub fn helps(filter: &Filter) -> bool {
        filter.session.is_some()
            || filter.kind.is_some()
            || filter.layer.is_some()
            || filter.decision.is_some()
            || filter.rule.is_some()
            || filter.since.is_some()
            || filter.until.is_some()
            || filter
                .conditions
                .iter()
                .any(|one| shape_field(one).is_some() || facts::asked(one).is_some())
    }

    /// Give `take` the events that a filter takes, in the order of time; with `newest`, from the newest
    /// backwards. Each is read from the journal.
    ///
    /// # Errors
    /// The journal or the index cannot be read.
    pub fn find(
        &mut self,
        filter: &Filter,
        newest: bool,
        take: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> std::result::Result<Found, AuditError> {
        let mut found = Found::default();
        let sessions = match &filter.session {
            Some(wanted) => Some(self.places.sessions(Some(wanted))?),
            None => None,
        };
        let asked = self.asked(filter, sessions.as_deref()).map_err(|e| self.failed(&e))?;
        found.unreadable = self.bad(asked.segments.as_deref()).map_err(|e| self.failed(&e))?;
        if asked.shapes.as_ref().is_some_and(Vec::is_empty)
            || asked.segments.as_ref().is_some_and(Vec::is_empty)
        {
            return Ok(found);
        }
        let (text, values) = asked.statement(newest);
        let Self { database, places, path } = self;
        let failed =
            |e: rusqlite::Error| AuditError::Index { path: path.clone(), why: e.to_string() };
        let mut statement = database.prepare(&text).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let get = || -> Result<(String, String, i64, i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (session, name, offset, length) = get().map_err(failed)?;
            let Ok(session) = session.parse() else { continue };
            found.looked = found.looked.saturating_add(1);
            let number = |number: i64| u64::try_from(number).unwrap_or(0);
            match places.at(&session, &name, (number(offset), number(length)))? {
                Some(record) if filter.takes(&record) => {
                    if take(record).is_break() {
                        break;
                    }
                }
                Some(_) => {}
                None => {
                    let path = places.path().join(session.as_str()).join(name);
                    found.unreadable.push(Place { path, line: None });
                }
            }
        }
        Ok(found)
    }

    fn asked(
        &self,
        filter: &Filter,
        sessions: Option<&[palisade_core::SessionId]>,
    ) -> Result<Asked> {
        let late: i64 = self.database.query_row(
            "SELECT COALESCE(MAX(late), 0) FROM segments WHERE gone = 0",
            [],
            |row| row.get(0),
        )?;
        let mut counted = self
            .database
            .prepare("SELECT COUNT(*) FROM (SELECT 1 FROM facts WHERE fact = ?1 LIMIT ?2)")?;
        let mut facts = Vec::new();
        for fact in filter.conditions.iter().filter_map(facts::asked) {
            facts.push((fact, counted.query_row([fact, COUNTED], |row| row.get(0))?));
        }
        facts.sort_by_key(|(_, count)| *count);
        let segments = match sessions {
            None => None,
            Some(sessions) => {
                let mut find = self
                    .database
                    .prepare("SELECT id, lines FROM segments WHERE session = ?1 AND gone = 0")?;
                let mut all = Vec::new();
                for session in sessions {
                    let rows =
                        find.query_map([session.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    all.extend(rows.collect::<Result<Vec<_>>>()?);
                }
                Some(all)
            }
        };
        Ok(Asked {
            shapes: self.shapes(filter)?,
            segments,
            facts,
            since: filter.since.map(|time| time.unix_micros()),
            until: filter.until.map(|time| time.unix_micros().saturating_add(late)),
        })
    }

    /// The shapes that a filter takes, with how often each is there.
    fn shapes(&self, filter: &Filter) -> Result<Option<Vec<(i64, i64)>>> {
        let mut asked: Vec<(&str, String)> = Vec::new();
        let mut ask = |field, value: Option<&str>| {
            asked.extend(value.map(|value| (field, value.to_owned())));
        };
        ask("kind", filter.kind.as_deref());
        ask("layer", filter.layer.as_deref());
        ask("decision", filter.decision.map(|it| it.as_str()));
        ask("rule", filter.rule.as_deref());
        for condition in &filter.conditions {
            asked.extend(shape_field(condition));
        }
        if asked.is_empty() {
            return Ok(None);
        }
        let mut text = "SELECT id, count FROM shapes WHERE 1".to_owned();
        for (at, (field, _)) in asked.iter().enumerate() {
            // Writing to a text does not fail.
            write!(text, " AND {field} = ?{}", at.saturating_add(1)).unwrap_or_default();
        }
        let mut find = self.database.prepare(&text)?;
        let values = rusqlite::params_from_iter(asked.iter().map(|(_, value)| value));
        let rows = find.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_>>().map(Some)
    }

    /// The lines that are no records, of these segments or of all.
    fn bad(&self, segments: Option<&[(i64, i64)]>) -> Result<Vec<Place>> {
        let mut find = self.database.prepare(
            "SELECT s.id, s.session, s.name, b.line FROM bad b JOIN segments s ON s.id = b.segment \
             WHERE s.gone = 0",
        )?;
        let rows = find.query_map([], |row| {
            let (session, name): (String, String) = (row.get(1)?, row.get(2)?);
            let path = self.places.path().join(session).join(name);
            let line: i64 = row.get(3)?;
            Ok((row.get::<_, i64>(0)?, Place { path, line: u64::try_from(line).ok() }))
        })?;
        let mut places = Vec::new();
        for row in rows {
            let (segment, place) = row?;
            if segments.is_none_or(|all| all.iter().any(|(id, _)| *id == segment)) {
                places.push(place);
            }
        }
        Ok(places)
    }
}

/// The field of a shape, and its value, that a condition asks for.
fn shape_field(condition: &palisade_journal::Condition) -> Option<(&'static str, String)> {
    let (field, value) = condition.equals()?;
    let known = ["kind", "layer", "decision", "rule"].into_iter().find(|known| *known == field)?;
    Some((known, value.to_owned()))
}

impl Asked {
    /// By what there are the fewest events to go through.
    fn by(&self) -> By {
        let sum = |all: &[(i64, i64)]| all.iter().map(|(_, count)| *count).sum::<i64>();
        let fact = self.facts.first().map(|(fact, count)| (By::Fact(*fact), *count, false));
        // Of each shape the index has the events in the order of time, and of each segment.
        let merged = |all: &[(i64, i64)]| all.len() <= MERGED;
        let shape = self.shapes.as_deref().map(|all| (By::Shape, sum(all), merged(all)));
        let segment = self.segments.as_deref().map(|all| (By::Segment, sum(all), merged(all)));
        let all = [fact, shape, segment].into_iter().flatten();
        let quick = all.filter(|(_, count, in_order)| *count <= SORTED || *in_order);
        match quick.min_by_key(|(_, count, _)| *count) {
            Some((by, ..)) => by,
            // Without a time all of them are wanted; with one, it may leave few.
            None => By::Time,
        }
    }

    fn statement(&self, newest: bool) -> (String, Vec<Value>) {
        let mut values = Vec::new();
        let by = self.by();
        // Of few, one search through all of them, and they are sorted; of many, one each, and they are merged.
        let many = |all: &[(i64, i64)]| {
            let sum: i64 = all.iter().map(|(_, count)| *count).sum();
            sum > SORTED && all.len() > 1
        };
        let each: Vec<Option<i64>> = match (&by, &self.shapes, &self.segments) {
            (By::Shape, Some(all), _) | (By::Segment, _, Some(all)) if many(all) => {
                all.iter().map(|(id, _)| Some(*id)).collect()
            }
            _ => vec![None],
        };
        let searches: Vec<String> =
            each.into_iter().map(|only| self.search(&by, only, &mut values)).collect();
        let way = if newest { "DESC" } else { "ASC" };
        let searches = searches.join(" UNION ALL ");
        (format!("{searches} ORDER BY e_time {way}, e_id {way}"), values)
    }

    /// One search; `only` is the shape or the segment that it is about, if not all of those that are asked for.
    fn search(&self, by: &By, only: Option<i64>, values: &mut Vec<Value>) -> String {
        let from = match by {
            By::Fact(fact) => {
                values.push(Value::Integer(*fact));
                let at = values.len();
                &format!(
                    "facts f INDEXED BY facts_by_fact CROSS JOIN events e ON e.id = f.event AND f.fact = ?{at}"
                )
            }
            By::Shape => "events e INDEXED BY events_by_shape",
            By::Segment => "events e INDEXED BY events_by_segment",
            By::Time => "events e INDEXED BY events_by_time",
        };
        let mut text = format!(
            "SELECT s.session, s.name, e.offset, e.length, e.time AS e_time, e.id AS e_id \
             FROM {from} CROSS JOIN segments s ON s.id = e.segment WHERE s.gone = 0"
        );
        let mut within = |field: &str, all: &Option<Vec<(i64, i64)>>, only: Option<i64>| {
            if let Some(only) = only {
                write!(text, " AND {field} = {only}").unwrap_or_default();
            } else if let Some(all) = all {
                let list: Vec<String> = all.iter().map(|(id, _)| id.to_string()).collect();
                write!(text, " AND {field} IN ({})", list.join(", ")).unwrap_or_default();
            }
        };
        within("e.shape", &self.shapes, only.filter(|_| matches!(by, By::Shape)));
        within("e.segment", &self.segments, only.filter(|_| matches!(by, By::Segment)));
        for (fact, _) in &self.facts {
            if !matches!(by, By::Fact(driver) if driver == fact) {
                values.push(Value::Integer(*fact));
                let at = values.len();
                write!(
                    text,
                    " AND EXISTS (SELECT 1 FROM facts o WHERE o.fact = ?{at} AND o.event = e.id)"
                )
                .unwrap_or_default();
            }
        }
        for (bound, sign) in [(self.since, ">="), (self.until, "<")] {
            if let Some(bound) = bound {
                values.push(Value::Integer(bound));
                write!(text, " AND e.time {sign} ?{}", values.len()).unwrap_or_default();
            } else if matches!(by, By::Time) && sign == ">=" {
                // An index that is named has to be of use.
                text.push_str(" AND e.time >= -9223372036854775808");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::schema::{self, INDEXES};

    /// What is gone through, and whether it is sorted then.
    fn plan(asked: &Asked) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap();
        let database =
            schema::open(&folder.path().join("events.db"), std::time::Duration::ZERO).unwrap();
        database.execute_batch(INDEXES).unwrap();
        for newest in [false, true] {
            let (text, values) = asked.statement(newest);
            let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let rows = explain
                .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = rows.map(Result::unwrap).collect();
            let sorted = steps.iter().any(|step| step.contains("TEMP B-TREE"));
            if newest {
                return (steps.join("; "), sorted);
            }
        }
        unreachable!()
    }

    #[test]
    fn of_many_events_none_is_sorted_and_none_is_gone_through_that_is_of_another_session() {
        let (few, many) = (SORTED, SORTED + 1);
        let asked =
            || Asked { shapes: None, segments: None, facts: vec![], since: None, until: None };
        let one = |count| Some(vec![(7, count)]);
        let two = |count| Some(vec![(7, count), (8, 1)]);
        for (asked, by, sorted) in [
            (Asked { segments: one(many), ..asked() }, "events_by_segment", false),
            (
                Asked { segments: one(many), shapes: two(9 * many), ..asked() },
                "events_by_segment",
                false,
            ),
            (
                Asked { segments: one(9 * many), shapes: one(many), ..asked() },
                "events_by_shape",
                false,
            ),
            (Asked { shapes: one(many), since: Some(5), ..asked() }, "events_by_shape", false),
            (Asked { segments: two(few / 2), ..asked() }, "events_by_segment", true),
            (Asked { segments: two(many), ..asked() }, "events_by_segment", false),
            (Asked { segments: one(many), until: Some(5), ..asked() }, "events_by_segment", false),
            (Asked { shapes: two(many), ..asked() }, "events_by_shape", false),
            (
                Asked { shapes: two(many), facts: vec![(3, many)], since: Some(5), ..asked() },
                "events_by_shape",
                false,
            ),
            (
                Asked { shapes: Some((0..49).map(|id| (id, many)).collect()), ..asked() },
                "events_by_time",
                false,
            ),
            (
                Asked { shapes: Some((0..48).map(|id| (id, many)).collect()), ..asked() },
                "events_by_shape",
                false,
            ),
            (Asked { shapes: one(many), facts: vec![(3, few)], ..asked() }, "facts_by_fact", true),
        ] {
            let (steps, sorts) = plan(&asked);
            assert!(steps.contains(by) && sorts == sorted, "{by}: {steps}");
        }
    }
}
