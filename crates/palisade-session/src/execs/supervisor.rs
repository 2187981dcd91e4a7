use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use palisade_core::{
    Action, Authority, Decision, Event, Exec, Lineage, OfSkills, Program, Script, Ties, Verdict,
};
use palisade_journal::Admitted;
use palisade_sandbox::linux::{
    callers::{Executable, Lineages},
    execs::{Arguments, Attempt, Change, Image, Tracing, View, environment, environment_of},
    marks::Marks,
    seccomp::{Executes, Heard, Listener},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    known::{Known, Places, Starts},
    origins::Origins,
    seen::{Begun, Seen},
};
use crate::{callers::Digests, pipeline::Pipeline, skills};

/// Characters of a path in a message.
const MOST_SHOWN: usize = 100;

/// How long a new listener may wait for this thread.
const ALONE: Duration = Duration::from_millis(10);

/// How often it is looked whether who waits for an answer of the operator's is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Decides about what is executed, at two places: where it is asked for, so that it can be refused in the way that programs
/// know, and where it has become what it is, so that nothing can have been exchanged.
pub(super) struct Supervisor {
    pipeline: Arc<Pipeline>,
    view: View,
    places: Places,
    /// Under the policy of this number.
    known: RefCell<(u64, Rc<Known>)>,
    digests: Digests,
    starts: Starts,
    /// The files of skills that have a policy of their own.
    origins: Origins,
    /// The names of those, in the order of their marks.
    names: Arc<[String]>,
    tracing: Tracing,
    lineages: Arc<Lineages>,
    /// Where questions are asked.
    elsewhere: Handle,
    /// By thread.
    begun: RefCell<HashMap<i32, Begun>>,
    /// Those that have to wait for another thread of their process.
    waiting: RefCell<Vec<(Rc<Listener>, Executes, Begun)>>,
    /// Can be read when something that was held may have changed.
    changes: OwnedFd,
    /// Since when nothing else of this thread had its turn.
    alone: Cell<Option<Instant>>,
    /// Listeners that are served. It is counted by who holds the other ends.
    served: Rc<()>,
    /// What else this thread does at the moment, counted alike.
    tasks: Rc<()>,
}

impl Supervisor {
    pub(super) fn new(
        pipeline: Arc<Pipeline>,
        view: View,
        places: Places,
        (origins, names): (Origins, Arc<[String]>),
        (lineages, elsewhere, changes): (Arc<Lineages>, Handle, OwnedFd),
    ) -> Self {
        let known = Rc::new(Known::find(&pipeline.programs(), &places, &view));
        Self {
            known: RefCell::new((pipeline.generation(), known)),
            pipeline,
            view,
            places,
            digests: Digests::default(),
            starts: Starts::default(),
            origins,
            names,
            tracing: Tracing::default(),
            lineages,
            elsewhere,
            begun: RefCell::default(),
            waiting: RefCell::default(),
            changes,
            alone: Cell::default(),
            served: Rc::default(),
            tasks: Rc::default(),
        }
    }

    /// A listener is served for as long as this is kept.
    pub(super) fn serving(&self) -> Rc<()> {
        Rc::clone(&self.served)
    }

    /// What there is to be heard. What is held changes within no time, and one program follows another: so that is waited for
    /// here, without the runtime in between, unless something else has to have its turn.
    pub(super) fn hear(self: &Rc<Self>, listener: &Listener) -> Result<Heard, Errno> {
        let began = self.alone.get().unwrap_or_else(Instant::now);
        self.alone.set(Some(began));
        loop {
            // Programs that are refused or asked about are tasks, and wait for their turn.
            let is_only = Rc::strong_count(&self.served) <= 2 && Rc::strong_count(&self.tasks) == 1;
            let left = match is_only {
                true => ALONE.saturating_sub(began.elapsed()),
                false => Duration::ZERO,
            };
            let (heard, changed) = listener.hear_beside(self.changes.as_fd(), left)?;
            if changed {
                let mut notice = [0_u8; 1024];
                // It says nothing but that something has changed.
                rustix::io::read(&self.changes, &mut notice).map(drop).unwrap_or_default();
                self.changed();
            }
            match heard {
                Heard::Nobody if changed && !left.is_zero() => {}
                Heard::Nobody => {
                    self.alone.set(None);
                    return Ok(Heard::Nobody);
                }
                heard => return Ok(heard),
            }
        }
    }

    /// A program is asked for.
    pub(super) fn executes(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes) {
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

    /// What rules say. What has to be asked, of the operator or of hooks (`guarded`), is looked at wholly: its file,
    /// and the variables that it is given.
    fn considered(
        &self,
        exec: Exec,
        file: Option<&Executable>,
        given: impl FnOnce() -> Result<Arguments, Errno>,
        guarded: bool,
    ) -> (Exec, io::Result<Decision>) {
        let (mut exec, decision) = self.decision(exec);
        let asked = decision.verdict == Verdict::Ask || (guarded && decision.is_allowed());
        if !asked {
            return (exec, Ok(decision));
        }
        let digest = match file {
            Some(file) if file.is_regular() => self.digests.of(file),
            _ => Err(io::Error::other("its file cannot be found")),
        };
        match digest {
            Ok(digest) => exec.digest = Some(digest),
            Err(error) => return (exec, Err(error)),
        }
        match given() {
            Ok(given) => {
                exec.whole &= given.whole;
                let words = given.words.iter().filter(|word| counts(word));
                exec.unreadable.extend(unreadable(words.clone()));
                exec.environment = words.map(|word| text(word)).collect();
            }
            Err(error) => return (exec, Err(error.into())),
        }
        let (exec, decision) = self.decision(exec);
        (exec, Ok(decision))
    }

    fn decision(&self, exec: Exec) -> (Exec, Decision) {
        let action = Action::Exec(Box::new(exec));
        let decision = self.pipeline.consider(&action);
        match action {
            Action::Exec(exec) => (*exec, decision),
            // It was made above.
            _ => (Exec::default(), Decision::deny("it is no execution")),
        }
    }

    /// By which policy, and which programs that it names, it is decided now, if that will be the same until there are others.
    fn policies(&self) -> Option<(u64, u64)> {
        Some((self.pipeline.steady_execs()?, self.pipeline.generation()))
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
                listener.refuse_exec(&call, Errno::ACCESS);
            }
        });
    }

    /// Do this as well, when this thread has its turn for it.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let counted = Rc::clone(&self.tasks);
        tokio::task::spawn_local(async move {
            task.await;
            drop(counted);
        });
    }

    fn unseen(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes, errno: Errno) {
        let exec = Exec { program: format!("thread {}", call.thread), ..Exec::default() };
        self.refuse(listener, call, exec, Some(&errno.into()));
    }

    /// Let it go on, to where it has become what it is.
    fn begin(self: &Rc<Self>, listener: &Rc<Listener>, call: Executes, begun: Begun) {
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

    /// Something that was held may have changed.
    pub(super) fn changed(self: &Rc<Self>) {
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

    /// Ask whoever has to be asked, elsewhere: what a hook starts would be a child of this thread, which waits for
    /// all of its children.
    fn asked(&self, action: Action, ties: Ties) -> Asked {
        let pipeline = Arc::clone(&self.pipeline);
        Asked(self.elsewhere.spawn(async move { pipeline.authorize_tied(&action, &ties).await }))
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

    fn lineage(&self, pid: Pid) -> Lineage {
        Lineage::of(self.lineages.of_thread(pid.as_raw_nonzero().get().cast_unsigned()))
    }

    /// Record what is not waited for. It is on its way when this returns, behind what was recorded before.
    fn record(&self, event: Event, admitted: Option<Admitted>) {
        let pipeline = Arc::clone(&self.pipeline);
        let mut recorded = Box::pin(async move { pipeline.record_admitted(event, admitted).await });
        let mut once = Context::from_waker(Waker::noop());
        if recorded.as_mut().poll(&mut once).is_pending() {
            // Nobody waits for it.
            tokio::task::spawn_local(async move {
                recorded.await;
            });
        }
    }

    fn asked_for(&self, attempt: &Attempt, thread: u32) -> io::Result<Exec> {
        let path = text(&attempt.path);
        let argv: Vec<String> = attempt.arguments.words.iter().map(|word| text(word)).collect();
        let mut exec = Exec { argv, whole: attempt.arguments.whole, ..Exec::default() };
        exec.unreadable.extend(unreadable(attempt.arguments.words.iter().skip(1)));
        match &attempt.file {
            Some(file) => {
                exec.program = file.path().to_owned();
                let called = exec.argv.first().map(String::as_str);
                exec.names = self.known().names(file, called, (&self.digests, &self.starts))?;
                exec.names.push(path);
            }
            None => exec.program = path,
        }
        self.add_loaded(&mut exec, thread, &attempt.arguments.words)?;
        let marks = self.marks_of(thread)?;
        // A script is judged by its interpreter, which is known when that is mapped.
        if let Some(file) = attempt.file.as_ref().filter(|_| !marks.is_none())
            && !is_script(file)?
        {
            exec.of = self.starting(marks, file)?;
        }
        Ok(exec)
    }

    /// The skills that a thread comes from.
    fn marks_of(&self, thread: u32) -> io::Result<Marks> {
        if self.origins.is_empty() { Ok(Marks::default()) } else { Ok(Marks::of_thread(thread)?) }
    }

    /// What a process of these skills starts, if it is a file of none of them.
    fn starting(&self, marks: Marks, file: &Executable) -> io::Result<OfSkills> {
        let skills = skills::named(marks, &self.names);
        let own = self.origins.of_file(file, &self.digests)?;
        let is_own = own.numbers().any(|number| Marks::one(number).is_some_and(|it| marks.has(it)));
        if skills.is_empty() || is_own {
            return Ok(OfSkills { skills, ..OfSkills::default() });
        }
        let digest = match self.pipeline.starts_by_digest() {
            true => Some(self.digests.of(file)?),
            false => None,
        };
        let program = Program {
            path: file.path().to_owned(),
            digest,
            changeable: file.changeable(),
            script: None,
            ancestors: Vec::new(),
            lineage: Lineage::default(),
            skills: Vec::new(),
        };
        Ok(OfSkills { skills, program: Some(program), more: Vec::new() })
    }

    /// Mark a process for the skills that what it has become is of. Returns its marks before, and the names of those skills
    /// that it had no mark of.
    fn mark(&self, image: &Image, pid: Pid) -> io::Result<(Marks, Vec<String>)> {
        let before = self.marks_of(pid.as_raw_nonzero().get().cast_unsigned())?;
        if self.origins.is_empty() {
            return Ok((before, Vec::new()));
        }
        let told = self.origins.of_image(image, pid, (&self.view, &self.digests))?;
        let mut more = skills::named(told, &self.names);
        if more.is_empty() || before.has(told) {
            return Ok((before, Vec::new()));
        }
        told.put_on(pid)?;
        let known = skills::named(before, &self.names);
        more.retain(|name| !known.contains(name));
        Ok((before, more))
    }

    fn has_become(&self, image: &Image, pid: Pid, before: Marks) -> io::Result<Exec> {
        let known = self.known();
        let mut exec = program_of(image);
        let called = exec.argv.first().map(String::as_str);
        exec.names = known.names(&image.executable, called, (&self.digests, &self.starts))?;
        let thread = pid.as_raw_nonzero().get().cast_unsigned();
        self.add_loaded(&mut exec, thread, &image.arguments.words)?;
        if !before.is_none() {
            // Of a script of its own the interpreter is whatever that names: nobody inside can change it.
            let script = image.script.as_ref().and_then(Option::as_ref);
            let own = script.map(|script| self.starting(before, script)).transpose()?;
            exec.of = match own {
                Some(own) if own.program.is_none() => own,
                _ => self.starting(before, &image.executable)?,
            };
        }
        let words = &image.arguments.words;
        let Some(found) = &image.script else {
            exec.unreadable.extend(unreadable(words.iter().skip(1)));
            return Ok(exec);
        };
        let path = text(&image.name);
        let at = words.iter().skip(1).position(|word| *word == image.name);
        let behind = at.map_or(usize::MAX, |at| at + 2);
        exec.unreadable.extend(unreadable(words.iter().skip(behind)));
        let behind = exec.argv.get(behind..).unwrap_or_default();
        let names = match found {
            Some(file) => {
                let mut names = known.names(file, None, (&self.digests, &self.starts))?;
                names.push(file.path().to_owned());
                names
            }
            None if known.is_empty() => Vec::new(),
            // It was there a moment ago.
            None => return Err(io::Error::other("its script is not found where it was executed")),
        };
        exec.script = Some(Script { path, names, arguments: behind.to_vec() });
        Ok(exec)
    }

    /// The programs that a loader may be given. It opens them later, by the path.
    fn add_loaded(&self, exec: &mut Exec, thread: u32, words: &[Vec<u8>]) -> io::Result<()> {
        if !exec.is_loader() {
            return Ok(());
        }
        let known = self.known();
        let arguments = exec.argv.get(1..).unwrap_or_default();
        let places = Exec::loaded(arguments)
            .ok_or_else(|| io::Error::other("it is a loader with more options than are read"))?;
        for at in places {
            let Some(path) = words.get(at + 1) else { continue };
            let file = self.view.surely(thread, path).map_err(|errno| {
                let path = palisade_core::shown(&text(path), MOST_SHOWN);
                io::Error::other(format!(
                    "it is a loader, and which file {path} is cannot be told from outside ({errno})"
                ))
            })?;
            let Some(file) = file else { continue };
            let names = known.names(&file, None, (&self.digests, &self.starts))?;
            let arguments = exec.argv.get(at + 2..).unwrap_or_default().to_vec();
            exec.loads.push(Script { path: file.path().to_owned(), names, arguments });
        }
        Ok(())
    }

    /// What rules name, under the policy in force.
    fn known(&self) -> Rc<Known> {
        let now = self.pipeline.generation();
        let (generation, known) = {
            let known = self.known.borrow();
            (known.0, Rc::clone(&known.1))
        };
        if generation == now {
            return known;
        }
        let known = Rc::new(Known::find(&self.pipeline.programs(), &self.places, &self.view));
        *self.known.borrow_mut() = (now, Rc::clone(&known));
        known
    }
}

/// A question that is asked elsewhere, as long as somebody waits for the answer.
struct Asked(JoinHandle<Decision>);

impl Asked {
    /// The answer. `None`: who asked is gone, and so is the question.
    async fn decision(&mut self, gone: impl Fn() -> bool) -> Option<Decision> {
        loop {
            tokio::select! {
                answered = &mut self.0 => {
                    return Some(answered.unwrap_or_else(|_| Decision::deny("it could not be decided")));
                }
                () = tokio::time::sleep(LOOK) => if gone() {
                    return None;
                },
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether a process has ended.
fn is_gone(process: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(process, PollFlags::IN)];
    !matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
}

/// Whether a file is run by an interpreter that it names.
fn is_script(file: &Executable) -> io::Result<bool> {
    if !file.is_regular() {
        return Ok(false);
    }
    let mut start = Vec::with_capacity(2);
    // The very file: its path may lead elsewhere by now.
    let file = File::open(format!("/proc/self/fd/{}", file.file().as_raw_fd()))?;
    file.take(2).read_to_end(&mut start)?;
    Ok(start == b"#!")
}

fn program_of(image: &Image) -> Exec {
    Exec {
        program: image.executable.path().to_owned(),
        argv: image.arguments.words.iter().map(|word| text(word)).collect(),
        whole: image.arguments.whole,
        ..Exec::default()
    }
}

/// Whether this is a variable that leads a program elsewhere.
fn counts(word: &[u8]) -> bool {
    Exec::is_told_by(&text(word.split(|byte| *byte == b'=').next().unwrap_or_default()))
}

/// Those of which the text is not all.
fn unreadable<'a>(words: impl Iterator<Item = &'a Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    words.filter(|word| std::str::from_utf8(word).is_err()).cloned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
