use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::process::{Memory, child_of, processor_time};
use crate::stage::{Outcome, Stage};

/// It says when it runs, and waits.
const COMMAND: [&str; 3] = ["sh", "-c", "echo; exec sleep 86400"];

/// A sandbox whose command waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    supervisor: Child,
    init: u32,
}

impl Waiting {
    /// Returns when the command runs.
    pub(crate) fn start(stage: &Stage) -> Outcome<Self> {
        let mut supervisor = stage.palisade(&COMMAND).stdout(Stdio::piped()).spawn()?;
        let answers = supervisor.stdout.take().ok_or("no standard output")?;
        let mut word = String::new();
        if BufReader::new(answers).read_line(&mut word)? == 0 {
            return Err(format!("a launch failed: {}", supervisor.wait()?).into());
        }
        let init = child_of(supervisor.id())?;
        Ok(Self { supervisor, init })
    }

    /// Of the supervisor and of init.
    pub(crate) fn memory(&self) -> Outcome<Option<[Memory; 2]>> {
        let (supervisor, init) = (Memory::of(self.supervisor.id())?, Memory::of(self.init)?);
        Ok(supervisor.zip(init).map(|(supervisor, init)| [supervisor, init]))
    }

    /// Of both.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        Ok(processor_time(self.supervisor.id())? + processor_time(self.init)?)
    }

    /// Whether the command does.
    pub(crate) fn lives(&self) -> bool {
        child_of(self.init).is_ok()
    }

    pub(crate) fn ask_to_end(&self) -> Outcome<()> {
        let pid = Pid::from_raw(self.supervisor.id().try_into()?).ok_or("no process")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    /// As its command ends when it is asked to.
    pub(crate) fn end(mut self) -> Outcome<()> {
        self.ask_to_end()?;
        match self.supervisor.wait()?.code() {
            Some(143) => Ok(()),
            other => Err(format!("a sandbox ended with {other:?}").into()),
        }
    }
}

impl Drop for Waiting {
    /// With the supervisor all ends.
    fn drop(&mut self) {
        drop(self.supervisor.kill());
        drop(self.supervisor.wait());
    }
}
