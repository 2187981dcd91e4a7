//! Who connects: the sandbox's programs, for the proxy.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    net::SocketAddr,
    os::fd::AsRawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use palisade_core::{BoxFuture, Caller, Lineage, Look, Program};
use palisade_sandbox::linux::callers::{Callers, Executable, Identity};
use rustix::fs::{CWD, Mode, OFlags, openat};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::skills;

/// Looks at a time: each goes through the sandbox's processes, on a thread.
const PARALLEL: usize = 4;
/// Bytes of an executable that are hashed. A longer one has no digest.
const LONGEST: u64 = 2 << 30;
/// Digests that are kept.
const MOST_KEPT: usize = 1024;

/// Looks who connects, and hashes what they run where a rule asks for it.
#[derive(Debug)]
pub(crate) struct Programs {
    callers: Arc<Callers>,
    digests: Arc<Digests>,
    room: Arc<Semaphore>,
    /// The skills that processes are marked for, in the order of their marks.
    skills: Arc<[String]>,
}

/// The digests of executables, by file and state of it.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    kept: Mutex<HashMap<Identity, [u8; 32]>>,
    /// One file at a time: how many there are to hash, and how long they are, is the agent's to say.
    turn: Mutex<()>,
}

impl Programs {
    pub(crate) fn new(callers: Arc<Callers>, skills: Arc<[String]>) -> Self {
        let (digests, room) = (Arc::default(), Arc::new(Semaphore::new(PARALLEL)));
        Self { callers, digests, room, skills }
    }
}

impl palisade_egress::Callers for Programs {
    fn who(
        &self,
        client: SocketAddr,
        destination: SocketAddr,
        look: Look,
    ) -> BoxFuture<'_, Caller> {
        Box::pin(async move {
            let permit = Arc::clone(&self.room).acquire_owned().await;
            let (callers, digests) = (Arc::clone(&self.callers), Arc::clone(&self.digests));
            let skills = Arc::clone(&self.skills);
            let looked = tokio::task::spawn_blocking(move || {
                let caller = find((&callers, &digests, &skills), (client, destination), look);
                drop(permit);
                caller
            });
            looked.await.unwrap_or_else(|_| Caller::Unknown("the look at it failed".into()))
        })
    }
}

fn find(
    (callers, digests, skills): (&Callers, &Digests, &[String]),
    (client, destination): (SocketAddr, SocketAddr),
    look: Look,
) -> Caller {
    let unknown = |why: &dyn std::fmt::Display| Caller::Unknown(why.to_string().into());
    let sight = match callers.look(client, destination) {
        Ok(sight) => sight,
        Err(error) => return unknown(&error),
    };
    let mut programs = Vec::new();
    for executable in sight.executables() {
        let needed = match look {
            Look::Digests => true,
            Look::Changeable => executable.changeable(),
            Look::None | Look::Paths => false,
        };
        let digest = match needed {
            true => match digests.of(executable) {
                Ok(digest) => Some(digest),
                Err(error) => {
                    return unknown(&format!("{} cannot be read: {error}", executable.path()));
                }
            },
            false => None,
        };
        programs.push(Program {
            path: executable.path().to_owned(),
            digest,
            changeable: executable.changeable(),
            script: None,
            ancestors: Vec::new(),
            lineage: Lineage::default(),
            skills: Vec::new(),
        });
    }
    let marks = sight.marks();
    let of = skills::named(marks, skills);
    if of.len() != marks.numbers().count() {
        return unknown(&"it is marked for a skill that is not known");
    }
    if let Some(first) = programs.first_mut() {
        first.skills = of;
        first.script = callers.script(&sight);
        first.ancestors = callers.ancestors(&sight);
        first.lineage = Lineage::of(callers.lineage(&sight));
    }
    match callers.confirm(&sight) {
        Ok(()) => Caller::Known(programs.into()),
        Err(error) => unknown(&error),
    }
}

impl Digests {
    pub(crate) fn of(&self, executable: &Executable) -> io::Result<[u8; 32]> {
        if let Some(digest) = self.kept().get(&executable.identity()) {
            return Ok(*digest);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = self.kept().get(&executable.identity()) {
            return Ok(*digest);
        }
        let settled = executable.is_settled();
        let digest = hash(executable)?;
        // What was hashed has to be what was seen: once a program has ended, others may write over its file.
        if !executable.is_unchanged() {
            return Err(io::Error::other("it was changed meanwhile"));
        }
        if !settled {
            return Ok(digest);
        }
        let mut kept = self.kept();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(executable.identity(), digest);
        Ok(digest)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Identity, [u8; 32]>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(executable: &Executable) -> io::Result<[u8; 32]> {
    // The very file: its path may lead elsewhere by now, and means nothing out here.
    let path = format!("/proc/self/fd/{}", executable.file().as_raw_fd());
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut file = File::from(file).take(LONGEST + 1);
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    let mut length = 0_u64;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize().into());
        }
        length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if length > LONGEST {
            return Err(io::Error::other("it is too long"));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
