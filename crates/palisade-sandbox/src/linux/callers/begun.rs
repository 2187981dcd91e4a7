use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Executable;
use crate::linux::marks::Marks;

/// Connections that are begun and not accepted yet.
const MOST_SOCKETS: usize = 8192;
/// How long one may take from the one to the other.
const PATIENCE: Duration = Duration::from_secs(60);
/// Programs that began them. Each is held open, and who supervises may have a thousand descriptors in all.
const MOST_PROGRAMS: usize = 128;

/// The connections that were begun, by the inodes of their sockets, and by what.
#[derive(Debug, Default)]
pub(super) struct Begun {
    sockets: HashMap<u64, Calls>,
    /// Each once.
    programs: Vec<Arc<Executable>>,
}

/// The calls of `connect` for one socket.
#[derive(Debug)]
struct Calls {
    /// What made them. `None`: there was no room to keep all of it.
    by: Option<Vec<Arc<Executable>>>,
    /// Their marks, of all together.
    marks: Marks,
    when: Instant,
}

impl Begun {
    /// Note a call. What there is no room for any more is nobody's: the older half, which has had the time to be accepted. Who
    /// begins connections that nobody accepts keeps others from nothing so, unless that is thousands between their two steps.
    pub(super) fn note(&mut self, inode: u64, (by, marks): (Executable, Marks), now: Instant) {
        let known = self.sockets.contains_key(&inode);
        if self.sockets.len() >= MOST_SOCKETS {
            self.forget(now);
        }
        if self.sockets.len() >= MOST_SOCKETS {
            self.forget_older();
        }
        let by = self.shared(by, now);
        // What else called for it is forgotten: then it stays nobody's.
        let lost = known && !self.sockets.contains_key(&inode);
        let all = (!lost).then(Vec::new);
        let begins = || Calls { by: all, marks: Marks::default(), when: now };
        let calls = self.sockets.entry(inode).or_insert_with(begins);
        calls.when = now;
        calls.marks = calls.marks.and(marks);
        match (by, &mut calls.by) {
            (Some(by), Some(all)) if all.contains(&by) => {}
            (Some(by), Some(all)) => all.push(by),
            _ => calls.by = None,
        }
    }

    /// What began the connection of this socket. It can be told once.
    pub(super) fn take(
        &mut self,
        inode: u64,
        now: Instant,
    ) -> Option<(Vec<Arc<Executable>>, Marks)> {
        let calls = self.sockets.remove(&inode)?;
        let by = calls.by.filter(|_| now.duration_since(calls.when) < PATIENCE)?;
        Some((by, calls.marks))
    }

    /// The same program with the descriptor that is held already, if one is.
    fn shared(&mut self, program: Executable, now: Instant) -> Option<Arc<Executable>> {
        if let Some(known) = self.programs.iter().find(|known| ***known == program) {
            return Some(Arc::clone(known));
        }
        if self.programs.len() >= MOST_PROGRAMS {
            self.forget(now);
        }
        if self.programs.len() >= MOST_PROGRAMS {
            self.forget_older();
        }
        if self.programs.len() >= MOST_PROGRAMS {
            return None;
        }
        let program = Arc::new(program);
        self.programs.push(Arc::clone(&program));
        Some(program)
    }

    /// Forget what nobody has come for, and programs that began nothing else.
    fn forget(&mut self, now: Instant) {
        self.sockets.retain(|_, calls| now.duration_since(calls.when) < PATIENCE);
        self.programs.retain(|program| Arc::strong_count(program) > 1);
    }

    /// Forget the older half.
    fn forget_older(&mut self) {
        let calls = self.sockets.iter().map(|(inode, calls)| (calls.when, *inode));
        let mut times: Vec<(Instant, u64)> = calls.collect();
        times.sort_unstable();
        for (_, inode) in times.iter().take(times.len().div_ceil(2)) {
            self.sockets.remove(inode);
        }
        self.programs.retain(|program| Arc::strong_count(program) > 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::fd::OwnedFd};

    use super::*;

    fn program(path: &str) -> (Executable, Marks) {
        let file: OwnedFd = File::open("/dev/null").unwrap().into();
        (Executable::opened(path.to_owned(), file).unwrap(), Marks::default())
    }

    fn paths(found: Option<(Vec<Arc<Executable>>, Marks)>) -> Option<Vec<String>> {
        found.map(|(all, _)| all.iter().map(|one| one.path().to_owned()).collect())
    }

    #[test]
    fn each_that_calls_for_a_socket_is_one_of_its_programs() {
        let (mut begun, now) = (Begun::default(), Instant::now());
        for path in ["/a", "/b", "/a"] {
            begun.note(7, program(path), now);
        }
        assert_eq!(paths(begun.take(7, now)), Some(vec!["/a".to_owned(), "/b".to_owned()]));
        assert_eq!(paths(begun.take(7, now)), None);
        begun.note(7, program("/a"), now);
        assert_eq!(paths(begun.take(7, now + PATIENCE)), None);
    }

    #[test]
    fn a_socket_has_the_marks_of_all_that_call_for_it() {
        let (mut begun, now) = (Begun::default(), Instant::now());
        let (one, other) = (Marks::one(0).unwrap(), Marks::one(3).unwrap());
        for marks in [one, Marks::default(), other] {
            begun.note(7, (program("/a").0, marks), now);
        }
        assert_eq!(begun.take(7, now).unwrap().1, one.and(other));
    }

    #[test]
    fn a_flood_of_connections_holds_few_descriptors() {
        let (mut begun, now) = (Begun::default(), Instant::now());
        for inode in 0..1000 {
            begun.note(inode, program("/a"), now);
        }
        assert_eq!(begun.programs.len(), 1);
        for number in 0..1000 {
            begun.note(number + 1000, program(&format!("/{number}")), now);
        }
        assert!(begun.programs.len() <= MOST_PROGRAMS);
        begun.note(5000, program("/new"), now + PATIENCE);
        assert!(begun.take(5000, now + PATIENCE).is_some());
        for inode in 0..10_000 {
            begun.note(inode, program("/a"), now + PATIENCE);
            assert!(begun.sockets.len() <= MOST_SOCKETS);
        }
        // Of one socket all are known or none, whoever else calls for it.
        let mut begun = Begun::default();
        for number in 0..=MOST_PROGRAMS {
            begun.note(7, program(&format!("/{number}")), now);
        }
        begun.note(7, program("/0"), now);
        assert!(begun.programs.len() <= MOST_PROGRAMS);
        assert_eq!(paths(begun.take(7, now)), None);
    }

    /// Who begins what nobody accepts takes nothing from those that follow.
    #[test]
    fn a_flood_of_connections_is_in_nobodys_way() {
        let (mut begun, start) = (Begun::default(), Instant::now());
        let at = |number: u64| start + Duration::from_micros(number);
        for number in 0..100_000 {
            begun.note(number, program("/flood"), at(number));
        }
        for number in 0..1000 {
            begun.note(200_000 + number, program(&format!("/{number}")), at(100_000 + number));
        }
        begun.note(1_000_000, program("/other"), at(200_000));
        for number in 0..100 {
            begun.note(300_000 + number, program("/flood"), at(200_001 + number));
        }
        let found = paths(begun.take(1_000_000, at(201_000)));
        assert_eq!(found, Some(vec!["/other".to_owned()]));
    }
}
