//! The kernel's audit: what Landlock refused, where this system tells of it.
//!
//! Only root in the machine's own namespaces hears the records, and only while the administrator has
//! auditing on. Landlock tells of a domain's denials after exec if it is asked to when the domain is put on
//! (Linux 6.15). It is not asked where an audit daemon keeps the records: each would go to
//! its disk, and what is inside makes as many as it likes.

mod record;

use std::{
    collections::{BTreeMap, VecDeque},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind,
        netlink::{AUDIT, SocketAddrNetlink},
        recvfrom, send, socket_with,
        sockopt::set_socket_recv_buffer_size_force,
    },
};

use self::record::{Record, parse};
use super::landlock;
use crate::step::{Step, StepError};

/// The Landlock that can tell of what is refused after exec.
const LEAST_ABI: u32 = 7;
/// `AUDIT_NLGRP_READLOG` as a bit.
const READ_LOG: u32 = 1;
/// `AUDIT_GET`: the state of auditing.
const GET: u16 = 1000;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// Longer than any record (`MAX_AUDIT_MESSAGE_LENGTH`).
const MOST_BYTES: usize = 9 * 1024;
/// Records that wait for us; with more, the kernel drops some.
const ROOM: usize = 4 << 20;
/// How long the kernel may take to tell the state.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is in the count of each domain and is no program's: the look by which its process sees that the
/// rules hold (`landlock::Prepared::require_in_force`), of which the kernel does not tell.
const OWN_DENIALS: u64 = 1;

/// Domains of one sandbox that are told apart: one for each command that was let in.
const MOST_DOMAINS: usize = 4096;
/// Records of others that are passed over before the caller has a turn.
const MOST_IN_A_ROW: u32 = 32;
/// Denials that wait to hear whose domain it is. The kernel tells that right after the first.
const MOST_EARLY: usize = 64;

/// The records of one sandbox.
#[derive(Debug)]
pub struct Records {
    socket: OwnedFd,
    /// The host's user that only this sandbox has.
    user: u32,
    /// Our domains, and of how many denials in each was told.
    ours: BTreeMap<u64, u64>,
    early: VecDeque<(u64, Denied)>,
}

/// What Landlock refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rights that were lacking, by the kernel's names: `fs.read_file`, `scope.signal`.
    pub rights: String,
    /// What it was about: a path as it is inside, or a process.
    pub object: String,
}

/// What there is to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// This was refused.
    Denied(Denied),
    /// So many more were refused: of a flood the kernel tells some, and the number at the end.
    More(u64),
    /// There was much that is not of this sandbox, and more may be there.
    Elsewhere,
    /// No more for now.
    Nothing,
}

/// Whether this process would hear records.
///
/// # Errors
/// What is lacking.
pub fn available() -> Result<(), StepError> {
    Question::ask()?.answered().map(drop)
}

/// Whether the records of a sandbox can be heard: asked, and not yet answered. The kernel starts a thread for each answer,
/// and other things can be done meanwhile.
#[derive(Debug)]
pub struct Question {
    socket: OwnedFd,
}

impl Records {
    /// Hear of what is refused to this user of the host, who must be of one sandbox only, since the question was asked.
    ///
    /// # Errors
    /// This system does not tell; see [`available`].
    pub fn of(question: Question, user: u32) -> Result<Self, StepError> {
        Ok(Self {
            socket: question.answered()?,
            user,
            ours: BTreeMap::new(),
            early: VecDeque::new(),
        })
    }

    /// The next one, without waiting.
    ///
    /// # Errors
    /// What the kernel says that is not known of; there is nothing more to hear then.
    pub fn hear(&mut self) -> Result<Told, Errno> {
        for _ in 0..MOST_IN_A_ROW {
            let known = self.early.iter().position(|(domain, _)| self.ours.contains_key(domain));
            if let Some((domain, denied)) = known.and_then(|at| self.early.remove(at)) {
                self.count(domain);
                return Ok(Told::Denied(denied));
            }
            let mut buffer = [MaybeUninit::uninit(); MOST_BYTES];
            let received = recvfrom(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT);
            let (bytes, from) = match received {
                Ok(((bytes, _), _, from)) => (bytes, from),
                Err(Errno::AGAIN) => return Ok(Told::Nothing),
                // Some were dropped. The number at the end has them.
                Err(Errno::NOBUFS | Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
            if from.is_none_or(|from| from.pid() != 0) {
                continue;
            }
            let record = kind_and_text(bytes).and_then(|(kind, text)| parse(kind, text));
            if let Some(told) = record.and_then(|record| self.take(record)) {
                return Ok(told);
            }
        }
        Ok(Told::Elsewhere)
    }

    /// Whether something was refused in a domain that is there still, so that its number is to come.
    pub fn more_may_come(&self) -> bool {
        !self.ours.is_empty()
    }

    fn count(&mut self, domain: u64) {
        if let Some(told) = self.ours.get_mut(&domain) {
            *told = told.saturating_add(1);
        }
    }

    fn take(&mut self, record: Record) -> Option<Told> {
        match record {
            Record::Denied { domain, denied } if self.ours.contains_key(&domain) => {
                self.count(domain);
                return Some(Told::Denied(denied));
            }
            Record::Denied { domain, denied } => {
                if self.early.len() >= MOST_EARLY {
                    self.early.pop_front();
                }
                self.early.push_back((domain, denied));
            }
            Record::Made { domain, user } if user == self.user => {
                if self.ours.len() < MOST_DOMAINS {
                    self.ours.insert(domain, OWN_DENIALS);
                }
            }
            Record::Made { domain, .. } => self.early.retain(|(other, _)| *other != domain),
            Record::Gone { domain, denials } => {
                self.early.retain(|(other, _)| *other != domain);
                let more = denials.saturating_sub(self.ours.remove(&domain)?);
                return (more > 0).then_some(Told::More(more));
            }
        }
        None
    }
}

impl AsFd for Records {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Question {
    /// Ask. From now on records are kept.
    ///
    /// # Errors
    /// This system does not tell.
    pub fn ask() -> Result<Self, StepError> {
        if landlock::landlock_abi().is_none_or(|abi| abi < LEAST_ABI) {
            return Err(Errno::OPNOTSUPP).step("ask Landlock for audit records (Linux 6.15)");
        }
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(AUDIT));
        let socket = socket.step("make a socket for audit records")?;
        // Before anything is sent: that gives the socket an address.
        bind(&socket, &SocketAddrNetlink::new(0, READ_LOG)).step("listen to audit records")?;
        ask_for_state(&socket)?;
        Ok(Self { socket })
    }

    fn answered(self) -> Result<OwnedFd, StepError> {
        let Self { socket } = self;
        let state = state(&socket)?;
        if state.enabled == 0 {
            return Err(Errno::OPNOTSUPP).step("see auditing switched on (auditctl -e 1)");
        }
        if state.daemon != 0 {
            return Err(Errno::BUSY)
                .step("see no audit daemon that keeps every record on its disk");
        }
        set_socket_recv_buffer_size_force(&socket, ROOM).step("make room for audit records")?;
        Ok(socket)
    }
}

/// Of `struct audit_status`.
struct State {
    enabled: u32,
    daemon: u32,
}

/// The step that a failure is named by.
const STEP: &str = "ask for the state of auditing";

fn ask_for_state(socket: &OwnedFd) -> Result<(), StepError> {
    let mut request = Vec::with_capacity(HEADER);
    request.extend_from_slice(&16_u32.to_ne_bytes());
    request.extend_from_slice(&GET.to_ne_bytes());
    request.extend_from_slice(&REQUEST.to_ne_bytes());
    request.extend_from_slice(&[0; 8]);
    send(socket, &request, SendFlags::empty()).step(STEP).map(drop)
}

fn state(socket: &OwnedFd) -> Result<State, StepError> {
    loop {
        let mut ready = [PollFd::new(socket, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).map_err(|_| Errno::INVAL).step(STEP)?;
        if rustix::io::retry_on_intr(|| poll(&mut ready, Some(&patience))).step(STEP)? == 0 {
            return Err(Errno::TIMEDOUT).step(STEP);
        }
        let mut buffer = [0_u8; MOST_BYTES];
        let (_, received) =
            rustix::net::recv(socket, &mut buffer[..], RecvFlags::empty()).step(STEP)?;
        let answer = buffer.get(..received).unwrap_or_default();
        let number = |at: usize| -> Option<u32> {
            Some(u32::from_ne_bytes(*answer.get(HEADER..)?.get(at..)?.first_chunk()?))
        };
        let kind = answer.get(4..).and_then(|rest| rest.first_chunk()).copied();
        match kind.map(u16::from_ne_bytes) {
            // The mask, then these: enabled, what to do on failure, the daemon's pid.
            Some(GET) => {
                let state = number(4).zip(number(12));
                let (enabled, daemon) = state.ok_or(Errno::PROTO).step(STEP)?;
                return Ok(State { enabled, daemon });
            }
            // NLMSG_ERROR
            Some(2) => {
                let errno = number(0).map_or(0, |number| number.cast_signed().saturating_neg());
                if errno != 0 {
                    return Err(Errno::from_raw_os_error(errno)).step(STEP);
                }
            }
            _ => {}
        }
    }
}

/// What follows the header is text; the header's length is not always right.
fn kind_and_text(message: &[u8]) -> Option<(u16, &str)> {
    let kind = u16::from_ne_bytes(*message.get(4..)?.first_chunk()?);
    let text = std::str::from_utf8(message.get(HEADER..)?).ok()?;
    Some((kind, text.trim_end_matches('\0')))
}
