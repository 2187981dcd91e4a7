//! Where a program has become what it is: nothing of it has run, and nothing can be exchanged any more.

use std::rc::Rc;

use palisade_core::{Action, Decision, Event, Exec, Lineage, Verdict};
use palisade_sandbox::linux::execs::{Change, Image, Tracing, environment_of};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{Begun, Supervisor, described::program_of, questions::is_gone};

impl Supervisor {
    /// Something that was held may have changed.
    pub(in crate::execs) fn changed(self: &Rc<Self>) {
        let mut any = false;
        while let Some((number, pid, change)) = self.tracing.changed() {
            any = true;
            let begun = self.begun.borrow_mut().remove(&number);
            match change {
                Change::Exec => self.arrived(pid, begun),
                // It was not executed, for whatever reason, and its thread goes on.
                Change::Stopped(signal) => Tracing::release(pid, signal),
                Change::Ended => {}
            }
        }
        if any {
            let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
            for (listener, call, begun) in waiting {
                if listener.waits(&call) {
                    self.begin(&listener, call, begun);
                }
            }
        }
    }

    /// It has become another program, of which nothing has run.
    fn arrived(self: &Rc<Self>, pid: Pid, begun: Option<Begun>) {
        let image = match Image::look(pid, &self.view) {
            Ok(image) => image,
            Err(errno) => {
                Tracing::end(pid);
                // It was killed before.
                if errno != Errno::SRCH {
                    let why = format!("what it has become cannot be looked at: {errno}");
                    self.ended((Exec::default(), Lineage::default()), Decision::deny(why), begun);
                }
                return;
            }
        };
        let file = match &image.script {
            Some(script) => script.as_ref(),
            None => Some(&image.executable),
        };
        // Before anything is let go: what it is once it runs nobody could mend.
        let (before, more) = match self.mark(&image, pid) {
            Ok(marks) => marks,
            Err(error) => {
                let lineage = self.lineage(pid);
                Tracing::end(pid);
                let why =
                    format!("it cannot be told of which skill it is, so it is not run: {error}");
                return self.ended((program_of(&image), lineage), Decision::deny(why), begun);
            }
        };
        let guarded = self.pipeline.guards_execs();
        let begun = match begun {
            Some(Begun::Seen(mut seen))
                if !guarded && self.policies() == Some(seen.policies) && seen.is(&image) =>
            {
                seen.exec.of.more = more;
                return self.runs(seen.exec, &seen.decision, pid);
            }
            begun => begun,
        };
        if let Some(Begun::Seen(seen)) = &begun {
            // It may lead elsewhere by now.
            self.view.forget(&seen.attempt.path);
        }
        let (exec, decision) = match self.has_become(&image, pid, before) {
            Ok(mut exec) => {
                exec.of.more = more;
                self.considered(exec, file, || environment_of(pid), guarded)
            }
            Err(error) => (program_of(&image), Err(error)),
        };
        match decision {
            Ok(decision) if decision.is_allowed() && guarded => {
                let permitted = begun.as_ref().and_then(Begun::permitted);
                if exec.fingerprint().is_some_and(|print| permitted == Some(print)) {
                    return Tracing::release(pid, 0);
                }
                self.guard(exec, pid);
            }
            Ok(decision) if decision.is_allowed() => self.runs(exec, &decision, pid),
            Ok(decision) => {
                let permitted = begun.as_ref().and_then(Begun::permitted);
                let same = exec.fingerprint().is_some_and(|print| permitted == Some(print));
                if decision.verdict == Verdict::Ask && same {
                    return Tracing::release(pid, 0);
                }
                let lineage = self.lineage(pid);
                Tracing::end(pid);
                let decision = match decision.verdict {
                    Verdict::Ask => Decision {
                        verdict: Verdict::Deny,
                        reason: format!("{}; nobody was asked for this one", decision.reason),
                        ..decision
                    },
                    Verdict::Allow | Verdict::Deny | Verdict::Observe => decision,
                };
                self.ended((exec, lineage), decision, begun);
            }
            Err(error) => {
                let lineage = self.lineage(pid);
                Tracing::end(pid);
                let why = format!("it cannot be looked at, so it is not run: {error}");
                self.ended((exec, lineage), Decision::deny(why), begun);
            }
        }
    }

    /// Let it run, and record that.
    fn runs(&self, exec: Exec, decision: &Decision, pid: Pid) {
        let exec = Box::new(exec);
        let action = Action::Exec(exec);
        let mut event = Event::decided(&action, decision);
        let admitted = self.pipeline.admit(&event);
        // Of what is only counted nobody will read where it comes from. Of the rest it is found out before it can end.
        let is_counted = admitted.as_ref().is_some_and(|admitted| !admitted.is_written());
        let lineage = (!is_counted).then(|| self.lineage(pid));
        Tracing::release(pid, 0);
        if let (Some(lineage), Action::Exec(exec)) = (lineage, &action) {
            event = self.pipeline.executed(exec, event, &lineage);
        }
        self.record(event, admitted);
    }

    /// Ask hooks about what it has become: a script has an interpreter now, which they have not seen. It waits
    /// meanwhile, and nothing of it has run.
    fn guard(self: &Rc<Self>, exec: Exec, pid: Pid) {
        // Its number may be another's once it was killed and that was told.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return Tracing::end(pid) };
        let this = Rc::clone(self);
        self.spawn(async move {
            let lineage = this.lineage(pid);
            let ties = this.pipeline.ties_of(&exec, &lineage);
            let action = Action::Exec(Box::new(exec));
            let mut answer = this.asked(action, ties);
            let Some(decision) = answer.decision(|| is_gone(&handle)).await else { return };
            if decision.is_allowed() {
                if !is_gone(&handle) {
                    Tracing::release(pid, 0);
                }
                return;
            }
            // It may have been killed meanwhile.
            pidfd_send_signal(&handle, Signal::KILL).unwrap_or_default();
        });
    }

    /// Record what was ended before it ran.
    fn ended(
        self: &Rc<Self>,
        (exec, lineage): (Exec, Lineage),
        mut decision: Decision,
        begun: Option<Begun>,
    ) {
        let asked_for = begun.map(Begun::subject).unwrap_or_default();
        decision.reason.push_str("; it was ended before it ran");
        let event = Event::decided(&Action::Exec(Box::new(exec.clone())), &decision);
        let mut event = self.pipeline.executed(&exec, event, &lineage);
        // Among many that are refused where they are asked for, it must not be one more of them.
        if !asked_for.is_empty() && asked_for != event.subject {
            event.subject = format!("{asked_for} became {}", event.subject);
        }
        self.record(event.with("asked_for", asked_for), None);
    }
}
