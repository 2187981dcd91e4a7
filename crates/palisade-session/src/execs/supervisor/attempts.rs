//! Where a program is asked for: it can still be refused in the way that programs know.

use std::{io, rc::Rc};

use palisade_core::{Action, Authority, Decision, Event, Exec, Lineage};
use palisade_sandbox::linux::{
    execs::{Attempt, environment},
    seccomp::{Executes, Listener},
};
use rustix::{io::Errno, process::Pid};

use super::{Begun, Seen, Supervisor, described::text};

impl Supervisor {
    /// A program is asked for.
    pub(in crate::execs) fn executes(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes) {
        let attempt = match Attempt::read(&call, &self.view) {
            Ok(attempt) => attempt,
            // Its thread is gone.
            Err(Errno::SRCH) => return,
            // As the kernel would have said.
            Err(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG)) => {
                return listener.refuse_exec(&call, errno);
            }
            Err(Errno::IO | Errno::FAULT) => return listener.refuse_exec(&call, Errno::FAULT),
            Err(errno) => return self.unseen(listener, call, errno),
        };
        // What decides from here on is this or newer.
        let policies = self.policies();
        let exec = match self.asked_for(&attempt, call.thread) {
            Ok(exec) => exec,
            Err(error) => {
                let program = text(&attempt.path);
                let argv = attempt.arguments.words.iter().map(|word| text(word)).collect();
                let exec = Exec { program, argv, ..Exec::default() };
                return self.refuse(listener, call, exec, Some(&error));
            }
        };
        let guarded = self.pipeline.guards_execs();
        let given = || environment(&call);
        let (exec, decision) = self.considered(exec, attempt.file.as_ref(), given, guarded);
        let decision = match decision {
            Ok(decision) => decision,
            Err(error) => return self.refuse(listener, call, exec, Some(&error)),
        };
        if decision.is_allowed() && !guarded {
            let begun = match policies {
                Some(by) if Seen::is_possible(&attempt, &exec) => {
                    Begun::Seen(Box::new(Seen::new(attempt, exec, decision, by)))
                }
                _ => Begun::Other { subject: exec.subject(), permitted: exec.fingerprint() },
            };
            return self.begin(listener, call, begun);
        }
        self.refuse(listener, call, exec, None);
    }

    /// What is not permitted by rules alone: refused, or asked and then perhaps begun.
    fn refuse(
        self: &Rc<Self>,
        listener: &Rc<Listener>,
        call: Executes,
        exec: Exec,
        unseen: Option<&io::Error>,
    ) {
        let (this, listener) = (Rc::clone(self), Rc::clone(listener));
        if let Some(error) = unseen {
            let denied =
                Decision::deny(format!("it cannot be looked at, so it is not run: {error}"));
            let event = Event::decided(&Action::Exec(Box::new(exec)), &denied);
            self.spawn(async move {
                this.pipeline.record(event).await;
                listener.refuse_exec(&call, Errno::ACCESS);
            });
            return;
        }
        self.spawn(async move {
            let (subject, permitted) = (exec.subject(), exec.fingerprint());
            let lineage = Lineage::of(this.lineages.of_thread(call.thread));
            let ties = this.pipeline.ties_of(&exec, &lineage);
            let action = Action::Exec(Box::new(exec));
            let mut answer = this.asked(action, ties);
            let Some(decision) = answer.decision(|| !listener.waits(&call)).await else { return };
            if decision.is_allowed() && permitted.is_some() {
                this.begin(&listener, call, Begun::Other { subject, permitted });
            } else {
                this.pipeline.program_refused(&decision.reason);
                listener.refuse_exec(&call, Errno::ACCESS);
            }
        });
    }

    fn unseen(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes, errno: Errno) {
        let exec = Exec { program: format!("thread {}", call.thread), ..Exec::default() };
        self.refuse(listener, call, exec, Some(&errno.into()));
    }

    /// Let it go on, to where it has become what it is.
    pub(super) fn begin(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes, begun: Begun) {
        let number = i32::try_from(call.thread).ok().and_then(Pid::from_raw);
        let Some(thread) = number else { return listener.refuse_exec(&call, Errno::ACCESS) };
        match self.tracing.hold(thread) {
            Ok(true) => {
                let number = thread.as_raw_nonzero().get();
                self.begun.borrow_mut().insert(number, begun);
                // If it is gone, whoever has its number since is let go at its next stop.
                if !listener.proceed(&call) {
                    self.begun.borrow_mut().remove(&number);
                }
            }
            Err(Errno::SRCH) => {}
            Ok(false) => self.waiting.borrow_mut().push((Rc::clone(listener), call, begun)),
            Err(errno) => self.unseen(listener, call, errno),
        }
    }
}
