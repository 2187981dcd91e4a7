use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    Filter, assemble,
    decide::decide,
    number_of,
    paths::{self, Names},
    rule::{Row, Rule},
    shown::shown,
    table,
};
use crate::linux::sys::notify::{self, Notification, Registers};

/// The outside of a filter: where the calls that it refuses are told of, and wait.
///
/// A call that is not answered waits until this is dropped, and then fails with ENOSYS.
#[derive(Debug)]
pub struct Listener {
    descriptor: OwnedFd,
    filter: Arc<Filter>,
}

/// What a listener has.
#[derive(Debug)]
pub enum Heard {
    /// This call waits to be refused.
    Call(Refused),
    /// This connection waits to go on.
    Connects(Connects),
    /// This call with paths waits to go on.
    Names(Names),
    /// This program waits to be started, or not.
    Executes(Executes),
    /// No call waits; the listener will be readable when one does.
    Nobody,
    /// No process is left that could make one.
    Gone,
}

/// A `connect` that is about to be made.
#[derive(Debug, PartialEq, Eq)]
pub struct Connects {
    id: u64,
    /// The thread, as the caller's pid namespace counts.
    pub thread: u32,
    /// Its descriptor of what is to be connected. Another thread of it may exchange what that is, until the
    /// call is made.
    pub descriptor: i32,
}

/// An `execve` or `execveat` that is about to be made, as the registers of its thread had it. What the addresses
/// point to is the thread's to change until the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executes {
    id: u64,
    /// The thread, as this process counts.
    pub thread: u32,
    /// The descriptor of the folder that the path begins at, of `execveat` alone.
    pub folder: Option<i32>,
    /// Where the path is.
    pub path: u64,
    /// Where the addresses of the arguments are.
    pub arguments: u64,
    /// Where the addresses of the variables are.
    pub environment: u64,
    /// The flags of `execveat`.
    pub flags: u32,
}

/// A call that waits for an answer.
pub trait Waiting {
    /// By which it is answered.
    fn id(&self) -> u64;
}

impl Waiting for Connects {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Waiting for Executes {
    fn id(&self) -> u64 {
        self.id
    }
}

/// A call that was refused, as the registers of its thread had it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    id: u64,
    /// The call.
    pub call: &'static str,
    /// The call with those arguments that decide about it, in numbers or by the kernel's names.
    pub shown: String,
    /// What it fails with.
    pub errno: Errno,
    /// Why, from the table.
    pub reason: &'static str,
    /// Whether the policy denies it, and not the table.
    pub by_policy: bool,
    /// Whether with other arguments it is allowed; the reason then says with which.
    pub by_arguments: bool,
    /// The thread, as the caller's pid namespace counts.
    pub thread: u32,
}

impl Listener {
    /// The outside of `filter`, which is in force where `descriptor` comes from.
    pub(crate) fn new(descriptor: OwnedFd, filter: Arc<Filter>) -> Self {
        notify::take_turns(descriptor.as_fd());
        Self { descriptor, filter }
    }

    /// Look, without waiting.
    ///
    /// # Errors
    /// What the kernel says that is not known of; the listener is of no more use then.
    pub fn hear(&self) -> Result<Heard, Errno> {
        let mut ready = [PollFd::new(&self.descriptor, PollFlags::IN)];
        loop {
            rustix::io::retry_on_intr(|| poll(&mut ready, Some(&Timespec::default())))?;
            let [ref found] = ready;
            if let Some(heard) = self.heard(found.revents())? {
                return Ok(heard);
            }
        }
    }

    /// Wait for so long until there is a call, or until another descriptor can be read. Returns whether that one can be.
    ///
    /// Who waits here is woken on the processor of the caller, who sleeps from then on; a queue of events (`epoll`) does not
    /// hand that on.
    ///
    /// # Errors
    /// As of [`Listener::hear`].
    pub fn hear_beside(
        &self,
        other: BorrowedFd<'_>,
        most: Duration,
    ) -> Result<(Heard, bool), Errno> {
        let most = Timespec::try_from(most).map_err(|_| Errno::INVAL)?;
        let mut ready = [
            PollFd::new(&self.descriptor, PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        match poll(&mut ready, Some(&most)) {
            // As if the time was over.
            Err(Errno::INTR) => return Ok((Heard::Nobody, false)),
            polled => polled?,
        };
        let [ref own, ref other] = ready;
        let heard = self.heard(own.revents())?.unwrap_or(Heard::Nobody);
        Ok((heard, !other.revents().is_empty()))
    }

    /// What there is, by what was said of the descriptor. `None`: its thread was killed since.
    fn heard(&self, found: PollFlags) -> Result<Option<Heard>, Errno> {
        if !found.contains(PollFlags::IN) {
            let gone = found.intersects(PollFlags::HUP | PollFlags::ERR);
            return Ok(Some(if gone { Heard::Gone } else { Heard::Nobody }));
        }
        match notify::receive(self.descriptor.as_fd()) {
            Ok(heard) => {
                if let Some(executes) = self.filter.holds(&heard) {
                    return Ok(Some(Heard::Executes(executes)));
                }
                let watched = self.filter.watches(&heard);
                Ok(Some(watched.unwrap_or_else(|| Heard::Call(self.filter.refused(&heard)))))
            }
            Err(Errno::NOENT | Errno::INTR) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Whether the thread still waits with this call.
    pub fn waits(&self, call: &impl Waiting) -> bool {
        notify::waits(self.descriptor.as_fd(), call.id())
    }

    /// Let the call go on. Returns whether its thread waited until now; if it was killed meanwhile, nobody does.
    pub fn proceed(&self, call: &impl Waiting) -> bool {
        notify::proceed(self.descriptor.as_fd(), call.id()).is_ok()
    }

    /// Have a program not started, for this reason. If its thread was killed meanwhile, nobody waits for it.
    pub fn refuse_exec(&self, call: &Executes, errno: Errno) {
        notify::refuse(self.descriptor.as_fd(), call.id, errno).unwrap_or_default();
    }

    /// Let the call fail. If its thread was killed meanwhile, nobody waits for it.
    pub fn refuse(&self, call: &Refused) {
        notify::refuse(self.descriptor.as_fd(), call.id, call.errno).unwrap_or_default();
    }
}

impl Filter {
    /// A program that is to be decided about.
    fn holds(&self, heard: &Notification) -> Option<Executes> {
        let program = self.telling.as_ref()?;
        let held = decide(program, &heard.call)? == assemble::RETURN_TELL | assemble::HELD;
        let low = |argument: u64| u32::try_from(argument & 0xffff_ffff).unwrap_or_default();
        let [first, second, third, fourth, fifth, _] = heard.call.arguments;
        let (id, thread) = (heard.id, heard.thread);
        let call = known(heard.call.number).map(|(name, _)| name);
        let executes = match call {
            Some("execveat") => Executes {
                id,
                thread,
                folder: Some(low(first).cast_signed()),
                path: second,
                arguments: third,
                environment: fourth,
                flags: low(fifth),
            },
            _ => Executes {
                id,
                thread,
                folder: None,
                path: first,
                arguments: second,
                environment: third,
                flags: 0,
            },
        };
        held.then_some(executes)
    }

    /// A call that the program in force shows and does not refuse.
    fn watches(&self, heard: &Notification) -> Option<Heard> {
        let program = self.telling.as_ref()?;
        if decide(program, &heard.call)? != assemble::RETURN_TELL {
            return None;
        }
        let (id, thread) = (heard.id, heard.thread);
        let call = known(heard.call.number).map_or("", |(name, _)| name);
        if paths::has_paths(call) {
            let paths = paths::named(call, &heard.call.arguments);
            return Some(Heard::Names(Names { id, thread, paths }));
        }
        let [descriptor, ..] = heard.call.arguments;
        // The kernel takes it as 32 bits.
        let descriptor = (descriptor & 0xffff_ffff).try_into().map(u32::cast_signed).ok()?;
        Some(Heard::Connects(Connects { id, thread, descriptor }))
    }

    fn refused(&self, heard: &Notification) -> Refused {
        let Registers { number, arguments, .. } = heard.call;
        let known = known(number);
        let call = known.map_or("unknown", |(name, _)| name);
        Refused {
            id: heard.id,
            call,
            shown: shown(call, &arguments),
            errno: self.errno_of(&heard.call),
            reason: known.map_or("", |(_, row)| row.reason),
            by_policy: self.denied.contains(&number),
            by_arguments: known.is_some_and(|(_, row)| matches!(row.rule, Rule::Check { .. })),
            thread: heard.thread,
        }
    }

    /// What the program in force says. A call that it would not tell of cannot be here; it is refused all
    /// the same.
    fn errno_of(&self, call: &Registers) -> Errno {
        let said = self.telling.as_ref().and_then(|program| decide(program, call));
        let errno = said.filter(|said| said & assemble::ACTION == assemble::RETURN_TELL);
        let errno = errno.and_then(|said| i32::try_from(said & !assemble::ACTION).ok());
        errno.filter(|errno| *errno > 0).map_or(Errno::PERM, Errno::from_raw_os_error)
    }
}

/// The call of this number and its row. A flood must not look through the table each time.
fn known(number: u32) -> Option<(&'static str, &'static Row)> {
    static KNOWN: OnceLock<Vec<(u32, &str, &Row)>> = OnceLock::new();
    let all = KNOWN.get_or_init(|| {
        let named = table::rows().flat_map(|row| row.names().map(move |name| (name, row)));
        let numbered = named.filter_map(|(name, row)| Some((number_of(name)?, name, row)));
        let mut all: Vec<_> = numbered.collect();
        all.sort_unstable_by_key(|(number, ..)| *number);
        all
    });
    let at = all.binary_search_by_key(&number, |(number, ..)| *number).ok()?;
    all.get(at).map(|(_, name, row)| (*name, *row))
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ARCHITECTURE, HANDS_OUT, SyscallPolicy},
        *,
    };

    fn refused(filter: &Filter, name: &str, given: &[u64]) -> Refused {
        let mut arguments = [0; 6];
        arguments[..given.len()].copy_from_slice(given);
        let number = number_of(name).unwrap();
        let call = Registers { number, architecture: ARCHITECTURE, arguments };
        filter.refused(&Notification { id: 7, thread: 3, call })
    }

    #[test]
    fn a_call_is_named_with_what_decides_about_it() {
        let filter = Filter::compile(&SyscallPolicy::default()).unwrap();
        let packet = refused(&filter, "socket", &[17, 3 | 0o2_000_000, 768]);
        assert_eq!(packet.shown, "socket(AF_PACKET, SOCK_RAW, 768)");
        assert_eq!((packet.errno, packet.by_policy), (Errno::AFNOSUPPORT, false));
        let mount = refused(&filter, "mount", &[0x7fff_1234_5678; 6]);
        assert_eq!((mount.shown.as_str(), mount.errno), ("mount", Errno::PERM));
        assert_eq!(mount.reason, "changes the mount tree");
    }

    #[test]
    fn what_a_policy_denies_is_told_as_such() {
        let deny = vec!["connect".to_owned()];
        let filter = Filter::compile(&SyscallPolicy { deny, ..Default::default() }).unwrap();
        let connect = refused(&filter, "connect", &[3]);
        assert!(connect.by_policy && connect.errno == Errno::PERM);
    }

    /// It cannot be asked, but were it asked, it would not permit.
    #[test]
    fn what_is_allowed_is_refused_all_the_same() {
        let filter = Filter::compile(&SyscallPolicy::default()).unwrap();
        assert_eq!(refused(&filter, "read", &[]).errno, Errno::PERM);
        assert_eq!(refused(&filter.without_listener(), "mount", &[]).errno, Errno::PERM);
    }

    #[test]
    fn a_connection_is_shown_and_let_go_on() {
        let given = SyscallPolicy { watch_connect: true, ..Default::default() };
        let filter = Filter::compile(&given).unwrap();
        let connect = |descriptor| {
            let arguments = [descriptor, 1, 2, 0, 0, 0];
            let number = number_of("connect").unwrap();
            Registers { number, architecture: ARCHITECTURE, arguments }
        };
        let heard = |filter: &Filter, call| match filter.watches(&Notification {
            id: 7,
            thread: 3,
            call,
        }) {
            Some(Heard::Connects(connects)) => Some(connects),
            _ => None,
        };
        let seen = heard(&filter, connect(0xffff_ffff_0000_0005));
        assert_eq!(seen, Some(Connects { id: 7, thread: 3, descriptor: 5 }));
        let silent = decide(&filter.program, &connect(5));
        assert_eq!(silent, Some(assemble::RETURN_ALLOW));
        let unwatched = Filter::compile(&SyscallPolicy::default()).unwrap();
        assert_eq!(heard(&unwatched, connect(5)), None);
        assert_eq!(decide(unwatched.telling.as_ref().unwrap(), &connect(5)), silent);
        // What a policy denies is refused, watched or not.
        let denied = SyscallPolicy { deny: vec!["connect".into()], ..given };
        assert_eq!(heard(&Filter::compile(&denied).unwrap(), connect(5)), None);
    }

    /// What the arguments refuse is refused and not shown.
    #[test]
    fn a_call_with_a_path_is_shown_where_it_is_allowed() {
        let given = SyscallPolicy { watch_paths: true, ..Default::default() };
        let filter = Filter::compile(&given).unwrap();
        let open = |flags, mode| {
            let number = number_of("openat").unwrap();
            let arguments = [0xffff_ff9c, 0x1000, flags, mode, 0, 0];
            let call = Registers { number, architecture: ARCHITECTURE, arguments };
            Notification { id: 7, thread: 3, call }
        };
        for heard in [open(0, 0), open(0o101, 0o644)] {
            let Some(Heard::Names(names)) = filter.watches(&heard) else { panic!("{heard:?}") };
            assert_eq!((names.thread, names.paths[0].unwrap().path), (3, 0x1000));
            assert_eq!(decide(&filter.program, &heard.call), Some(assemble::RETURN_ALLOW));
        }
        assert!(filter.watches(&open(0o101, 0o4755)).is_none());
        let unwatched = Filter::compile(&SyscallPolicy::default()).unwrap();
        assert!(unwatched.watches(&open(0, 0)).is_none());
    }

    /// What is not decided about is not started.
    #[test]
    fn a_program_is_held_and_fails_without_a_listener() {
        let given = SyscallPolicy { hold_exec: true, ..Default::default() };
        let filter = Filter::compile(&given).unwrap();
        assert!(filter.holds_exec());
        assert!(Filter::from_bytes(&filter.to_bytes()).unwrap().holds_exec());
        let exec = |name: &str| {
            let arguments = [0x1_0000_0003, 0x7f00, 0x7f10, 0x7f20, 0x1000, 0];
            let number = number_of(name).unwrap();
            Registers { number, architecture: ARCHITECTURE, arguments }
        };
        let heard = |filter: &Filter, call| filter.holds(&Notification { id: 7, thread: 3, call });
        let seen = heard(&filter, exec("execveat")).unwrap();
        assert_eq!((seen.folder, seen.path, seen.arguments), (Some(3), 0x7f00, 0x7f10));
        assert_eq!(seen.flags, 0x1000);
        let seen = heard(&filter, exec("execve")).unwrap();
        assert_eq!((seen.folder, seen.path, seen.arguments), (None, 0x1_0000_0003, 0x7f00));
        assert_eq!(heard(&filter, exec("read")), None);
        for name in ["execve", "execveat"] {
            let refused = assemble::RETURN_ERRNO | libc::EACCES.unsigned_abs();
            assert_eq!(decide(&filter.program, &exec(name)), Some(refused));
        }
        let plain = Filter::compile(&SyscallPolicy::default()).unwrap();
        assert!(!plain.holds_exec());
        assert_eq!(heard(&plain, exec("execve")), None);
        assert!(!filter.without_listener().holds_exec());
    }

    #[test]
    fn a_policy_without_the_call_that_hands_it_out_has_no_listener() {
        let deny = vec![HANDS_OUT.to_owned()];
        let filter = Filter::compile(&SyscallPolicy { deny, ..Default::default() }).unwrap();
        assert!(filter.telling.is_none());
    }
}
