//! A scope from systemd: a group that it makes, limits and removes for us.
//!
//! systemd is the only one that may divide its groups, and an ordinary user cannot move a process
//! between two of them. It is asked by `busctl`, which is part of it; a D-Bus client of our own
//! would be more code than all else here. See `org.freedesktop.systemd1(5)`.

use data_encoding::HEXLOWER;
use std::{
    fmt, fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, getuid},
    rand::{GetRandomFlags, getrandom},
};

use super::{controller::Controller, folder::Folder, own::Listing};
use crate::plan::Limits;

const BUSCTL: [&str; 2] = ["/usr/bin/busctl", "/bin/busctl"];
/// What systemd shows of itself where it is process 1. See `sd_booted(3)`.
const BOOTED: &str = "/run/systemd/system";
/// How long systemd may take.
const PATIENCE: Duration = Duration::from_secs(5);
const SERVICE: [&str; 4] = [
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
    "StartTransientUnit",
];

/// A systemd that makes scopes for this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manager {
    busctl: PathBuf,
    /// The folder with the socket of the user's own; `None` is the system's, for root.
    runtime: Option<PathBuf>,
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Request {
    name: String,
    child: Child,
    limits: Limits,
    pid: Pid,
}

impl Manager {
    /// The one that this user may ask, or why there is none.
    pub(super) fn find() -> Result<Self, String> {
        if !Path::new(BOOTED).is_dir() {
            return Err("systemd does not run here".to_owned());
        }
        let busctl = BUSCTL.iter().map(PathBuf::from).find(|path| path.is_file());
        let busctl = busctl.ok_or("systemd cannot be asked: there is no busctl")?;
        let uid = getuid();
        if uid.is_root() {
            return Ok(Self { busctl, runtime: None });
        }
        // Not from the environment, which a project could have a say in.
        let runtime = PathBuf::from(format!("/run/user/{}", uid.as_raw()));
        let bus = runtime.join("bus");
        match bus.symlink_metadata() {
            Ok(found) if found.file_type().is_socket() && found.uid() == uid.as_raw() => {
                Ok(Self { busctl, runtime: Some(runtime) })
            }
            _ => Err(format!("there is no systemd session of this user ({})", bus.display())),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.busctl);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        match &self.runtime {
            None => command.arg("--system"),
            Some(runtime) => command
                .env("XDG_RUNTIME_DIR", runtime)
                .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/bus", runtime.display()))
                .arg("--user"),
        };
        command.arg(format!("--timeout={}", PATIENCE.as_secs()));
        command
    }

    /// The controllers that it can limit by. The user's own has those that the system's delegates to
    /// it, as the kernel lists them; the system's has all that there are.
    pub(super) fn controllers(&self, hierarchy: &Path) -> Vec<Controller> {
        if self.runtime.is_none() {
            return Controller::ALL.to_vec();
        }
        let uid = getuid().as_raw();
        let group = format!("user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers");
        // With another layout it is seen at the launch only.
        fs::read_to_string(hierarchy.join(group))
            .map_or_else(|_| Controller::ALL.to_vec(), |given| listed(&given))
    }

    /// Whether it answers at all.
    pub(super) fn answers(&self) -> Result<(), String> {
        let [service, object, interface, _] = SERVICE;
        let mut command = self.command();
        command.args(["get-property", service, object, interface, "Version"]);
        let mut child = command.spawn().map_err(|error| format!("start busctl: {error}"))?;
        finish(&mut child)
    }

    /// Ask for a scope with this process in it.
    pub(super) fn ask(&self, limits: &Limits, pid: Pid) -> Result<Request, String> {
        let mut bits = [0_u8; 8];
        getrandom(&mut bits, GetRandomFlags::empty()).map_err(|errno| errno.to_string())?;
        let name = format!("palisade-{}.scope", HEXLOWER.encode(&bits));
        let mut command = self.command();
        command.arg("call").args(SERVICE).args(["ssa(sv)a(sa(sv))", &name, "fail"]);
        let properties = properties(limits, pid.as_raw_nonzero().get());
        command.arg(properties.len().to_string());
        command.args(properties.iter().flatten());
        command.arg("0");
        let child = command.spawn().map_err(|error| format!("start busctl: {error}"))?;
        Ok(Request { name, child, limits: *limits, pid })
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.runtime {
            None => "a scope from systemd",
            Some(_) => "a scope from the user's systemd",
        })
    }
}

/// Those of ours in a `cgroup.controllers`.
fn listed(given: &str) -> Vec<Controller> {
    let has = |one: &Controller| given.split_whitespace().any(|word| word == one.name());
    Controller::ALL.into_iter().filter(has).collect()
}

/// The unit's properties as `busctl` takes them.
fn properties(limits: &Limits, pid: i32) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut set = |words: &[&str]| all.push(words.iter().map(|word| (*word).to_owned()).collect());
    set(&["PIDs", "au", "1", &pid.to_string()]);
    set(&["Description", "s", "A sandbox of Palisade"]);
    set(&["CollectMode", "s", "inactive-or-failed"]);
    if let Some(bytes) = limits.memory {
        set(&["MemoryMax", "t", &bytes.to_string()]);
        set(&["MemorySwapMax", "t", "0"]);
    }
    if let Some(number) = limits.processes {
        set(&["TasksMax", "t", &number.to_string()]);
    }
    if let Some(thousandths) = limits.cpu_thousandths {
        // Microseconds of processor time a second.
        set(&["CPUQuotaPerSecUSec", "t", &thousandths.saturating_mul(1000).to_string()]);
    }
    all
}

impl Request {
    /// Wait until the process is in the scope, and see that the limits are those asked for.
    /// What systemd did not set is not among the folder's controllers.
    pub(super) fn settle(mut self) -> Result<Folder, String> {
        finish(&mut self.child)?;
        let mut folder = Folder::of_another(self.arrived()?).map_err(|error| error.to_string())?;
        for controller in Controller::ALL {
            if controller.serves(&self.limits) && is_set(&folder, controller, &self.limits) {
                folder.controllers.push(controller);
            }
        }
        if folder.controllers.contains(&Controller::Memory) {
            // Older ones have no property for it. Without it the supervisor ends the rest.
            folder.write("memory.oom.group", "1").unwrap_or_default();
        }
        Ok(folder)
    }

    /// The scope's folder, once the process is in it.
    fn arrived(&self) -> Result<PathBuf, String> {
        let began = Instant::now();
        let pid = self.pid.as_raw_nonzero().to_string();
        loop {
            if let Some(own) = Listing::of(&pid).v2()
                && own.folder.file_name().is_some_and(|last| last == &*self.name)
            {
                return Ok(own.folder);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("systemd did not move the sandbox to {}", self.name));
            }
            thread::sleep(Duration::from_micros(500));
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // Nothing to wait for if it has ended.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Whether the kernel has a limit that is at most the one asked for.
fn is_set(folder: &Folder, controller: Controller, limits: &Limits) -> bool {
    let at_most = |file: &str, most: u64| {
        folder.read(file).trim().parse::<u64>().is_ok_and(|value| value <= most)
    };
    match controller {
        Controller::Memory => {
            let no_swap =
                fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() < 2);
            at_most("memory.max", limits.memory.unwrap_or(0))
                && (no_swap || at_most("memory.swap.max", 0))
        }
        Controller::Pids => at_most("pids.max", limits.processes.unwrap_or(0)),
        Controller::Cpu => {
            let text = folder.read("cpu.max");
            let mut words = text.split_whitespace().map(|word| word.parse::<u64>().ok());
            match (words.next().flatten(), words.next().flatten()) {
                (Some(quota), Some(period)) => {
                    let most = limits.cpu_thousandths.unwrap_or(0).saturating_mul(period);
                    // It rounds up to whole milliseconds.
                    quota.saturating_mul(1000) <= most.saturating_add(1_000_000)
                }
                _ => false,
            }
        }
    }
}

fn finish(child: &mut Child) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let said = child.stderr.take().map(std::io::read_to_string);
                let said = said.and_then(Result::ok).unwrap_or_default();
                let said = said.lines().next().unwrap_or_default();
                return Err(format!("systemd made no scope ({status}): {said}"));
            }
            Ok(None) if began.elapsed() > PATIENCE => {
                return Err("systemd did not answer in time".to_owned());
            }
            Ok(None) => thread::sleep(Duration::from_micros(500)),
            Err(error) => return Err(format!("wait for busctl: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_counts_by_its_whole_name() {
        assert_eq!(listed("cpuset memory pids\n"), [Controller::Memory, Controller::Pids]);
        assert_eq!(listed("cpu io memory pids\n"), Controller::ALL);
        assert_eq!(listed(""), []);
    }

    #[test]
    fn each_limit_is_a_property() {
        let limits = Limits {
            memory: Some(1024),
            processes: Some(5),
            cpu_thousandths: Some(500),
            ..Limits::default()
        };
        let lines: Vec<String> =
            properties(&limits, 77).iter().map(|property| property.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "PIDs au 1 77",
                "Description s A sandbox of Palisade",
                "CollectMode s inactive-or-failed",
                "MemoryMax t 1024",
                "MemorySwapMax t 0",
                "TasksMax t 5",
                "CPUQuotaPerSecUSec t 500000",
            ]
        );
    }
}
