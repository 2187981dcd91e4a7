use std::{os::fd::OwnedFd, path::PathBuf};

use palisade_core::SessionId;
use sha2::{Digest, Sha256};

use super::{
    Damage, Kind, Session, State,
    batch::{self, Checked},
    clock::Clock,
    ledger::{Anchor, Known},
    resume::Point,
};
use crate::{
    Hash, JournalError, Timestamp,
    gap::Gap,
    keep::{Claims, Retention},
    ledger::{Entry, Head},
    reader::{Lines, Step},
    record::{self, BadLine, Link, Role},
    recover::reading,
    store::{Folder, PACKED, is_live},
    tree::Frontier,
    writer::genesis,
};

/// Verify one session. `ledger_cut` says that the ledger is damaged, and so may have known more; `two`, that a second
/// processor may be used.
pub(crate) fn session(
    journal: &Folder,
    id: SessionId,
    known: Option<&Known>,
    ledger_cut: bool,
    from: Option<&Point>,
    two: bool,
) -> Session {
    let path = journal.path().join(id.as_str());
    let mut anchors: Vec<&Anchor> = known.iter().flat_map(|known| &known.anchors).collect();
    // Backwards: the next is the last.
    anchors.sort_by_key(|anchor| std::cmp::Reverse(anchor.at.seq));
    let most = anchors.first().map_or(0, |anchor| anchor.at.seq);
    let treed = anchors.iter().any(|anchor| anchor.root.is_some());
    let mut walk = Walk {
        from,
        reached: None,
        anchors,
        most,
        tree: Frontier::default(),
        treed,
        proved: 0,
        id: &id,
        known,
        ledger_cut,
        two,
        live: false,
        head: genesis(&id),
        clock: Clock::default(),
        at: Damage { path, line: 0, offset: 0, seq: 1, kind: Kind::Missing },
        unlisted: None,
        gaps: Gaps::default(),
    };
    let mut result = walk.run(journal);
    if matches!(result, Ok(Some(Kind::Resume))) {
        // It is not what was there: all of it is read.
        return session(journal, id, known, ledger_cut, None, two);
    }
    if let (Ok(None), Some(first)) = (&result, walk.gaps.unsigned.take().filter(|_| !ledger_cut)) {
        walk.at = first.0;
        result = Ok(Some(Kind::Removed { from: first.1.from, to: first.1.to }));
    }
    if let (Ok(None), Some((at, kind))) = (&result, walk.gaps.beyond(known)) {
        walk.at = at;
        result = Ok(Some(kind));
    }
    let damage = match result {
        Ok(None) => None,
        Ok(Some(kind)) => Some(Damage { kind, ..walk.at.clone() }),
        Err(error) => {
            let why = error.to_string();
            Some(Damage { kind: Kind::Unreadable { why }, ..walk.at.clone() })
        }
    };
    let ended = known.is_some_and(|known| known.ended);
    let state = match (walk.live, ended) {
        (true, _) => State::Open,
        (false, true) => State::Ended,
        (false, false) => State::EndedHard,
    };
    let (records, hash) = (walk.head.seq, walk.head.hash);
    Session {
        name: known.and_then(|k| k.name.clone()),
        state,
        records,
        proved: walk.proved,
        dropped: walk.gaps.records,
        dropped_by: walk.gaps.rules,
        hold: known.and_then(|k| k.hold.clone()),
        erased: known.and_then(|k| k.erased.clone()),
        head: (records > 0).then_some(hash),
        clock_steps: walk.clock.steps,
        reached: walk.reached.filter(|_| damage.is_none() && !walk.gaps.sealed),
        damage,
        session: id,
    }
}

struct Walk<'a> {
    id: &'a SessionId,
    known: Option<&'a Known>,
    /// Where an earlier verification came to.
    from: Option<&'a Point>,
    /// Where this one came to.
    reached: Option<Point>,
    /// What the ledger knows of records that are still to come, the nearest last.
    anchors: Vec<&'a Anchor>,
    /// The last record that the ledger knows.
    most: u64,
    ledger_cut: bool,
    /// Lines are looked at on two processors.
    two: bool,
    live: bool,
    head: Head,
    /// The tree of the records up to `head`, where the ledger has roots of it.
    tree: Frontier,
    treed: bool,
    /// The last record under a signed root.
    proved: u64,
    clock: Clock,
    /// Where the walk is.
    at: Damage,
    /// An opening that the ledger does not know. A crash leaves one between the two writes, and
    /// then nothing but another opening can follow.
    unlisted: Option<Damage>,
    gaps: Gaps,
}

/// What stands in the place of records.
#[derive(Default)]
struct Gaps {
    records: u64,
    rules: Vec<String>,
    /// Of the segment that is being read.
    segment: Option<InSegment>,
    /// Segments whose gaps the ledger has, each with the number of that entry.
    signed: Vec<(usize, InSegment)>,
    /// The session's rule for keeping, the last one.
    rule: Option<Retention>,
    /// When the record before was written.
    before: Option<Timestamp>,
    /// The first gap of a segment of which the ledger does not know that it may have such.
    unsigned: Option<(Damage, Gap)>,
    /// A segment is compressed.
    sealed: bool,
}

/// The gaps of a segment.
struct InSegment {
    digest: Sha256,
    /// The first of them.
    first: (Damage, Gap),
    /// The time of a record before one of them, the latest. None of what was there is from before it, as far as clocks go.
    newest: Option<Timestamp>,
    /// The record behind the last of them was not seen yet.
    open: Option<Timestamp>,
}

impl InSegment {
    /// What stands behind the last gap. A clock that was set back in between is heeded.
    fn closed_by(&mut self, behind: Option<Timestamp>) {
        let Some(before) = self.open.take() else { return };
        self.newest = self.newest.max(Some(behind.map_or(before, |behind| behind.min(before))));
    }
}

impl Gaps {
    /// The first removal that goes beyond the rule that was in force.
    fn beyond(&self, known: Option<&Known>) -> Option<(Damage, Kind)> {
        let dropped = known.map(|known| known.dropped.as_slice()).unwrap_or_default();
        let damage = |segment: &InSegment, why| {
            let (at, gap) = segment.first.clone();
            (at, Kind::BeyondRule { from: gap.from, to: gap.to, why })
        };
        for (entry, segment) in &self.signed {
            let entries = dropped.get(..=*entry).unwrap_or_default();
            let claims = Claims { own: self.rule.as_ref(), entries };
            if let Some(why) = claims.beyond(segment.newest) {
                return Some(damage(segment, why));
            }
        }
        let most = dropped.iter().fold(0_u64, |sum, one| sum.saturating_add(one.count));
        let (_, segment) = self.signed.first().filter(|_| self.records > most)?;
        let why = format!("the ledger knows of {most} removed records, {} are gone", self.records);
        Some(damage(segment, why))
    }
}

impl Walk<'_> {
    fn run(&mut self, journal: &Folder) -> Result<Option<Kind>, JournalError> {
        let Ok(folder) = journal.existing(self.id.as_str()) else {
            return Ok(Some(Kind::Missing));
        };
        let segments = folder.segments()?;
        let last = segments.len().saturating_sub(1);
        for (at, name) in segments.iter().enumerate() {
            let Some(fd) = folder.read(name)? else { continue };
            self.at.path = folder.path().join(name);
            self.live = at == last && is_live(&fd);
            let failed = |path: &PathBuf| {
                let path = path.clone();
                move |error: std::io::Error| reading(&path, &error)
            };
            self.gaps.sealed |= name.ends_with(PACKED);
            if self.from.is_some_and(|point| name.as_str() < point.segment()) {
                continue;
            }
            let mut lines = match self.from.is_some() {
                true => {
                    let Some((offset, line)) = self.resumed(name, &fd) else {
                        return Ok(Some(Kind::Resume));
                    };
                    Lines::behind(fd, offset, line).map_err(failed(&self.at.path))?
                }
                false => Lines::of(fd),
            };
            let mut end = (0, 0);
            let stopped = batch::each(&mut lines, self.id, self.two, |one| {
                end = (one.offset, one.number);
                self.step(&folder, one)
            });
            let path = &self.at.path;
            if let Some(kind) = stopped.map_err(|error| error.or_reading(path))? {
                return Ok(Some(kind));
            }
            self.segment_ends();
            if self.treed && self.unlisted.is_none() && self.head.seq > 0 {
                self.reached = Some(Point::new(name, end, self.head, &self.tree));
            }
        }
        self.at.line = 0;
        Ok(self.end())
    }

    fn step(&mut self, folder: &Folder, one: Checked<'_>) -> Result<Option<Kind>, JournalError> {
        (self.at.offset, self.at.line) = (one.offset, one.number);
        self.at.seq = self.head.seq.saturating_add(1);
        Ok(match one.step {
            Step::End => None,
            // A writer is in the middle of it.
            Step::Torn(_) if self.live => None,
            Step::Torn(bytes) => Some(Kind::TornTail { bytes }),
            Step::TooLong => Some(Kind::Unparsable { why: "the line is too long".into() }),
            Step::Line => match one.record {
                None => self.gap(one.line),
                Some((link, leaf)) => self.line(folder, link, one.line, leaf)?,
            },
        })
    }

    /// Take up an earlier verification in this segment. What the ledger says of records before is taken as checked, but that of
    /// the last one.
    fn resumed(&mut self, name: &str, fd: &OwnedFd) -> Option<(u64, u64)> {
        let point = self.from.take().filter(|point| point.segment() == name && self.treed)?;
        let (offset, line, head, tree) = point.stands(fd)?;
        let root = tree.root();
        let other = |anchor: &&Anchor| {
            anchor.at.seq == head.seq
                && (anchor.at.hash != head.hash || anchor.root.is_some_and(|it| it != root))
        };
        if self.anchors.iter().any(other) {
            return None;
        }
        while let Some(anchor) = self.anchors.pop_if(|anchor| anchor.at.seq <= head.seq) {
            if anchor.root.is_some() {
                self.proved = anchor.at.seq;
            }
        }
        (self.head, self.tree) = (head, tree);
        Some((offset, line))
    }

    fn line(
        &mut self,
        folder: &Folder,
        link: Result<Link, BadLine>,
        line: &[u8],
        leaf: Hash,
    ) -> Result<Option<Kind>, JournalError> {
        let link = match link {
            Ok(link) => link,
            Err(BadLine::Hash) => return Ok(Some(Kind::Edited)),
            Err(BadLine::Form(why)) => return Ok(Some(Kind::Unparsable { why })),
        };
        let (due, found) = (self.at.seq, link.seq);
        if let Some(from) = link.stranger {
            return Ok(Some(Kind::Spliced { from }));
        }
        if found > due {
            let to = found.saturating_sub(1);
            return Ok(Some(match self.find(folder, due)? {
                Some(_) => Kind::Reordered { found },
                None => Kind::Removed { from: due, to },
            }));
        }
        if found < due {
            return Ok(Some(match self.find(folder, found)? {
                Some(first) if first == link.hash => Kind::Duplicate { found },
                _ => Kind::Forked { found },
            }));
        }
        if link.prev != self.head.hash {
            return Ok(Some(Kind::Replaced));
        }
        let opens = link.role == Role::Opening;
        if opens && link.seq > 1 {
            self.unlisted = None;
        }
        // A recovery tells what it cut before it opens again.
        if let Some(at) = self.unlisted.take_if(|_| link.role != Role::Recovered) {
            self.at = at;
            return Ok(Some(Kind::Unlisted));
        }
        if self.treed {
            self.tree.append(leaf);
        }
        if let Some(kind) = self.against_ledger(&link, line) {
            return Ok(Some(kind));
        }
        self.clock.look(&link, opens);
        if let Some(segment) = &mut self.gaps.segment {
            segment.closed_by(Some(link.time));
        }
        self.gaps.before = Some(link.time);
        if link.role == Role::Keeping
            && let Ok(record) = record::parse(line)
        {
            self.gaps.rule = Retention::of(&record).or(self.gaps.rule.take());
        }
        self.head = Head { seq: link.seq, hash: link.hash };
        Ok(None)
    }

    /// Records were removed here. The roots of their subtrees keep the tree whole; that it was a rule which removed them is
    /// in the ledger.
    fn gap(&mut self, line: &[u8]) -> Option<Kind> {
        let (session, gap) = match Gap::parse(line) {
            Ok(read) => read,
            Err(BadLine::Hash) => return Some(Kind::Edited),
            Err(BadLine::Form(why)) => return Some(Kind::Unparsable { why }),
        };
        if session != *self.id {
            return Some(Kind::Spliced { from: session });
        }
        if gap.from > self.at.seq {
            return Some(Kind::Removed { from: self.at.seq, to: gap.from.saturating_sub(1) });
        }
        if gap.from < self.at.seq {
            return Some(Kind::Duplicate { found: gap.from });
        }
        if let Some(at) = self.unlisted.take() {
            self.at = at;
            return Some(Kind::Unlisted);
        }
        if !self.treed || !gap.append_to(&mut self.tree) {
            return Some(Kind::Removed { from: gap.from, to: gap.to });
        }
        while let Some(anchor) = self.anchors.pop_if(|anchor| anchor.at.seq <= gap.to) {
            let root = anchor.root.is_some().then(|| self.tree.root());
            let opens = anchor.entry == Entry::Start;
            if opens || (anchor.at.seq, anchor.at.hash) != (gap.to, gap.last) || anchor.root != root
            {
                return Some(Kind::Rewritten);
            }
            self.proved = gap.to;
        }
        self.clock.forget();
        self.head = Head { seq: gap.to, hash: gap.last };
        self.gaps.records = self.gaps.records.saturating_add(gap.count());
        let before = self.gaps.before;
        let segment = self.gaps.segment.get_or_insert_with(|| InSegment {
            digest: Sha256::new(),
            first: (self.at.clone(), gap),
            newest: None,
            open: None,
        });
        segment.closed_by(None);
        segment.open = before;
        segment.digest.update(line);
        segment.digest.update(b"\n");
        None
    }

    /// The gaps of a segment have to be those of which the ledger says that a rule made them.
    fn segment_ends(&mut self) {
        let Some(mut segment) = self.gaps.segment.take() else { return };
        segment.closed_by(None);
        let digest = Hash::from(segment.digest.clone());
        let dropped = self.known.map(|known| known.dropped.as_slice()).unwrap_or_default();
        let Some((at, entry)) = dropped.iter().enumerate().find(|(_, one)| one.digest == digest)
        else {
            self.gaps.unsigned.get_or_insert(segment.first);
            return;
        };
        if !self.gaps.rules.contains(&entry.rule) {
            self.gaps.rules.push(entry.rule.clone());
        }
        self.gaps.signed.push((at, segment));
    }

    /// What the ledger says about this record.
    fn against_ledger(&mut self, link: &Link, line: &[u8]) -> Option<Kind> {
        let mut start = None;
        while let Some(anchor) = self.anchors.pop_if(|anchor| anchor.at.seq <= link.seq) {
            let root = anchor.root.is_some().then(|| self.tree.root());
            if anchor.at.hash != link.hash || anchor.at.seq != link.seq || anchor.root != root {
                return Some(Kind::Rewritten);
            }
            if anchor.root.is_some() {
                self.proved = link.seq;
            }
            if anchor.entry == Entry::Start {
                start = Some(anchor);
            }
        }
        if link.role != Role::Opening {
            return None;
        }
        let Some(start) = start else {
            // A live session is opened before it is entered.
            if !self.live && !self.ledger_cut {
                self.unlisted = Some(self.at.clone());
            }
            return None;
        };
        let saw = record::parse(line).ok().and_then(|record| {
            let seq = record.detail.get("ledger_seq")?.as_u64()?;
            let hash: Hash = record.detail.get("ledger_hash")?.as_str()?.parse().ok()?;
            Some(Head { seq, hash })
        });
        (saw != Some(start.before)).then_some(Kind::LedgerRewritten)
    }

    fn end(&self) -> Option<Kind> {
        let (expected, found) = (self.most, self.head.seq);
        if expected > found {
            return Some(Kind::Truncated { expected, found });
        }
        let ended = self.known.is_some_and(|known| known.ended);
        if ended && found > expected && !self.live {
            return Some(Kind::Extended { ended: expected, found });
        }
        // A crash may also leave a session in which nothing was written yet.
        let began = found > 0 && self.unlisted.is_none();
        if self.known.is_none() && began && !self.live && !self.ledger_cut {
            return Some(Kind::Unlisted);
        }
        None
    }

    /// The hash of the first whole record of that number, wherever it stands.
    fn find(&self, folder: &Folder, seq: u64) -> Result<Option<Hash>, JournalError> {
        for name in folder.segments()? {
            let Some(fd) = folder.read(&name)? else { continue };
            let path: PathBuf = folder.path().join(&name);
            let mut lines = Lines::of(fd);
            loop {
                match lines.step().map_err(|e| reading(&path, &e))? {
                    Step::End => break,
                    Step::Torn(_) | Step::TooLong => {}
                    Step::Line => {
                        let link = record::link(lines.line(), self.id).ok();
                        if let Some(link) = link.filter(|l| l.seq == seq && l.stranger.is_none()) {
                            return Ok(Some(link.hash));
                        }
                    }
                }
            }
        }
        Ok(None)
    }
}
