//! From a policy to a sandbox's plan: every path looked up once, every refusal with a remedy.
//!
//! All of this runs before any secret is read and before any thread is started. Symbolic links are
//! resolved here; what is mounted later is the very object that was looked at here.

mod agents;
mod appearing;
mod configured;
mod decoys;
mod denied;
mod environment;
mod files;
mod grants;
mod ground;
mod held;
mod links;
mod notice;
mod overlay;
mod program;
mod protected;
mod repository;
mod second;
mod skills;
mod sockets;
mod tree;
mod trust;
mod who;

use std::path::{Path, PathBuf};

use palisade_alarms::Decoys;
use palisade_core::SessionId;
use palisade_hooks::Event;
use palisade_policy::{Access, Policy, Syscalls};
use palisade_sandbox::{
    Content, Plan, Stdio,
    linux::{
        abilities::Kind,
        seccomp::{Filter, SyscallPolicy},
    },
};
use palisade_workspace::Kept;
use rustix::{fs::StatVfsMountFlags, io::Errno};

pub(crate) use self::{
    appearing::Appearing,
    environment::Placeholders,
    ground::ground,
    held::Held,
    overlay::of_overlay,
    protected::PROTECTED,
    repository::{Git, Repositories, find as find_repositories},
    skills::{Places, is_place, leads_to_places},
    sockets::HostSockets,
    who::Who,
};
use self::{
    links::{Names, Way},
    tree::Tree,
};
use crate::{
    hooks,
    order::{Operator, Order},
    refusal::{Refusal, Refuse},
    skills::Skills,
    ssh,
};

/// Where the agent works in a policy without a workspace.
const SANDBOX: &str = "/sandbox";

/// What a launch needs.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) plan: Plan,
    /// The workspace's overlay.
    pub(crate) kept: Option<Kept>,
    /// What Git of the host finds in each folder that may be written.
    pub(crate) repositories: Vec<Repositories>,
    /// Objects of the host that are kept until they are mounted.
    pub(crate) held: Held,
    /// Folders that are there for this session.
    pub(crate) places: Places,
    /// What is not to be seen either once it appears.
    pub(crate) appearing: Option<Appearing>,
    /// What the policy grants for reading and does not exist.
    pub(crate) ungranted: Vec<palisade_core::Event>,
}

/// Folders of the host in which a session with this policy may write.
pub(crate) fn writable(policy: &Policy) -> Vec<PathBuf> {
    let files = &policy.filesystem;
    let workspace =
        files.workspace.iter().filter(|it| it.access == Access::ReadWrite).map(|it| &it.path);
    let granted = files.grants.iter().filter(|grant| grant.writable).map(|grant| &grant.path);
    workspace.chain(granted).map(|path| links::real_or_same(path)).collect()
}

/// The writable folder, if any, by which the agent can say what is found at this path: the file lies in it, or a
/// link on the way does.
///
/// # Errors
/// The path leads nowhere.
pub(crate) fn in_the_agents_hands(policy: &Policy, path: &Path) -> Result<Option<PathBuf>, Errno> {
    let names = Names::default();
    let real = names.follow(path)?.real;
    let steps = names.steps(path);
    let decides = |folder: &PathBuf| {
        // That a way leads through the folder itself is no matter: the agent cannot move it.
        let own = |step: &PathBuf| step.starts_with(folder) && (step != folder || *step == real);
        steps.iter().chain([&real]).any(own)
    };
    Ok(writable(policy).into_iter().find(decides))
}

/// Make the plan. `authority` is the certificate that the sandbox is to believe, if connections are looked
/// into. `locked` is what there is of skills, and hears what of the workspace is kept out.
///
/// # Errors
/// What cannot be granted, found or enforced.
pub(crate) fn make(
    order: &Order,
    session: &SessionId,
    stdio: [Stdio; 3],
    (placeholders, decoys): (&Placeholders, Option<&Decoys>),
    authority: Option<&str>,
    who: &Who,
    locked: &mut Skills,
) -> Result<Made, Refusal> {
    let Order { policy, operator, .. } = order;
    let (names, mut tree) = (Names::default(), Tree::new());
    let (workspace, kept) = workspace(order, session, who, &names, &mut tree)?.unzip();
    let kept = kept.flatten();
    let ungranted = grants::add(policy, operator, who, &names, &mut tree)?;
    let program = program::find(&order.command, operator, who, &names, &mut tree)?;
    let mut places = skills::prepare(locked, workspace.as_deref(), &tree)?;
    // A part with less rights than what it lies in could be moved into the rest.
    tree.fix_above_all()?;
    let files = &policy.filesystem;
    let globs = denied::Globs::of(&files.deny, &names)?;
    let repositories = protected::add(policy, operator, &names, globs.as_ref(), &mut tree)?;
    let own = grants::own(&files.grants, workspace.as_deref());
    let looked = denied::Looked { globs: globs.as_ref(), own: &own, walked: &repositories };
    denied::add(&files.deny, &looked, workspace.as_deref(), &names, &mut tree)?;
    let roots = globs.as_ref().map(|globs| globs.roots(&own, &tree)).unwrap_or_default();
    let mut appearing = Appearing::of(&files.deny, globs.as_ref(), roots, (&names, &tree));
    let hosts = HostSockets::new();
    sockets::hide(hosts.as_ref(), &own, &repositories, &mut tree)?;
    if let Some(appearing) = &mut appearing {
        appearing.sockets = hosts;
    }
    own_files(operator, &mut tree)?;
    scratch(operator, workspace.is_none(), &mut tree);
    skills::add(locked, operator, workspace.as_deref(), &names, &mut places, &mut tree)?;
    let mut announced = hooks::announced(policy);
    // What the gateway has decided, an agent need not ask its user about once more.
    if policy.permissions.is_some() {
        announced.push(Event::PRE_TOOL_USE);
    }
    let own = match announced.is_empty() {
        true => None,
        false => show_own_program(who, &names, &mut tree)?,
    };
    let announced = own.as_deref().map(|own| (own, announced.as_slice()));
    agents::add(policy.inference.as_ref(), operator, placeholders, announced, &mut tree);
    if let Some(authority) = authority {
        trust::add(authority, operator, &names, &mut tree)?;
    }
    let hostname = order.name.clone().unwrap_or_else(|| "palisade".to_owned());
    for (path, text) in files::all(who, operator, &hostname, environment::shell(&names, &tree)) {
        tree.generate(path, text.into_bytes());
    }
    decoys::add(decoys, operator, &mut tree)?;
    let known_hosts = ssh::known_hosts(&policy.network, operator)?;
    let has_keys = known_hosts.is_some();
    if let Some(lines) = known_hosts {
        tree.generate(ssh::KNOWN_HOSTS, lines.into_bytes());
        tree.socket(Path::new(ssh::SOCKET));
    }
    tree.generate("/run/palisade/policy.md", notice::text(order, session, &tree).into_bytes());
    let working_directory = match &workspace {
        Some(workspace) => names
            .real(&operator.directory)
            .filter(|directory| directory.starts_with(workspace))
            .unwrap_or_else(|| workspace.clone()),
        None => PathBuf::from(SANDBOX),
    };
    let mut environment =
        environment::all(order, who, session, placeholders, &program.folders, &names, &tree);
    for (name, text) in decoys.iter().flat_map(|decoys| decoys.variables()) {
        // What the policy says of a variable is no decoy.
        if !environment.iter().any(|(known, _)| known == name) {
            environment.push((name.into(), text.into()));
        }
    }
    if has_keys {
        // The operator's own leads to a socket that is not there.
        environment.retain(|(name, _)| name != "SSH_AUTH_SOCK");
        environment.push(("SSH_AUTH_SOCK".into(), ssh::SOCKET.into()));
    }
    let limits = &policy.process.limits;
    let syscalls = &policy.process.syscalls;
    let compile = if who.maps_owners { Filter::compile_for_root } else { Filter::compile };
    let marks = !locked.policies.is_empty();
    let mut calls = SyscallPolicy {
        allow: syscalls.allow.iter().cloned().collect(),
        deny: syscalls.deny.iter().cloned().collect(),
        watch_connect: policy.network.watches_programs() || marks,
        hold_exec: policy.holds_execs() || marks,
        watch_paths: order.learns_files,
    };
    let told = !order.missing.contains(&Kind::SeccompListener);
    let compile = |calls: &SyscallPolicy| {
        let filter =
            compile(calls).refuse("the policy's `process.syscalls`", "correct it in the policy")?;
        Ok(if told { filter } else { filter.without_listener() })
    };
    let filter = compile(&calls)?;
    if (policy.network.names_programs() || marks) && !filter.can_tell() {
        return Err(Refusal::new(
            "a rule is for certain programs, or a skill has a policy of its own, and it cannot be watched here who connects",
            if told {
                "take `sendmsg` out of `process.syscalls.deny`, or `binaries` and `commands` out of the policy"
            } else {
                "use a kernel that tells of system calls (Linux 5.19), or take `binaries` and `commands` out \
                 of the policy"
            },
        ));
    }
    if policy.network.names_programs() || policy.holds_execs() || marks {
        nobody_traces(syscalls)?;
    }
    if policy.holds_execs() || marks {
        execs_can_be_held(&filter, told, order)?;
    }
    let mut pinned_filter = None;
    if limits.cpu_thousandths.is_some() {
        calls.deny.push("sched_setaffinity".to_owned());
        pinned_filter = Some(compile(&calls)?);
    }
    let (mounts, held) = tree.into_mounts();
    let plan = Plan {
        hostname,
        mounts,
        working_directory,
        command: program.command,
        environment,
        filter,
        pinned_filter,
        stdio,
        tell_audit: false,
        covers_later: appearing.is_some(),
    };
    Ok(Made { plan, kept, repositories, held, places, appearing, ungranted })
}

/// What is for certain programs or skills is for no others, who could do it in their name. A policy is refused where it says both;
/// what the lock has of skills it does not know.
fn nobody_traces(syscalls: &Syscalls) -> Result<(), Refusal> {
    let Some(call) = syscalls.tracing() else { return Ok(()) };
    Err(Refusal::new(
        format!(
            "the policy permits `{call}`, by which any program could act in the name of another, and rules are for certain programs or commands, or a skill has a policy of its own"
        ),
        format!(
            "take `{call}` out of `process.syscalls.allow`, or see `palisade skill policy NAME --clear`"
        ),
    ))
}

/// A rule for commands is held where programs are executed, or nothing runs.
fn execs_can_be_held(filter: &Filter, told: bool, order: &Order) -> Result<(), Refusal> {
    let refused = |why: &str, remedy: &str| {
        let what = format!(
            "the policy has rules for commands or hooks for PreExec, or a skill has a policy of its own, and it cannot be held here what is executed: {why}"
        );
        let rules = "take the `Bash(…)` rules out of `permissions.deny` and `permissions.ask`, PreExec out of `hooks`, and what skills have out of `skills.policies` and the lock";
        Err(Refusal::new(what, format!("{remedy}, or {rules}")))
    };
    if order.missing.contains(&Kind::Seccomp) || order.allow_degraded.contains(&Kind::Seccomp) {
        return refused(
            "system calls may go unfiltered",
            "run it without `--allow-degraded seccomp`",
        );
    }
    if !filter.can_tell() && told {
        return refused(
            "the policy denies `sendmsg`, by which it is told",
            "take `sendmsg` out of `process.syscalls.deny`",
        );
    }
    if !filter.can_tell() {
        return refused(
            "this kernel does not tell of system calls",
            "use a kernel that does (Linux 5.19)",
        );
    }
    // Yama; where it is not there, nothing is restricted. See the kernel's admin-guide/LSM/Yama.rst.
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    if scope.is_ok_and(|scope| scope.trim() == "3") {
        return refused(
            "nobody may trace on this system (`kernel.yama.ptrace_scope` is 3)",
            "set it to 2 or less, which takes a restart",
        );
    }
    Ok(())
}

/// This program, for agents to tell of their hooks' events with.
fn show_own_program(who: &Who, names: &Names, tree: &mut Tree) -> Result<Option<PathBuf>, Refusal> {
    let own = std::env::current_exe().ok().and_then(|own| names.real(&own));
    let Some(own) = own else { return Ok(None) };
    if !tree.shows(&own) {
        tree.grant(&own, false, false, who)?;
    }
    Ok(Some(own))
}

/// The workspace's real path, once it is in the tree, and what keeps its changes in an overlay.
fn workspace(
    order: &Order,
    session: &SessionId,
    who: &Who,
    names: &Names,
    tree: &mut Tree,
) -> Result<Option<(PathBuf, Option<Kept>)>, Refusal> {
    let Some(workspace) = &order.policy.filesystem.workspace else { return Ok(None) };
    let shown = workspace.path.display();
    let remedy = "start palisade in the folder to work on, or name it in `filesystem.workspace`";
    let Way { real, links, .. } =
        names.follow(&workspace.path).refuse(format!("the workspace {shown}"), remedy)?;
    refuse_led_elsewhere(&order.policy, &workspace.path, &real)?;
    if !real.is_dir() {
        return Err(Refusal::new(format!("the workspace {shown} is not a folder"), remedy));
    }
    let home = names.real(&order.operator.home).unwrap_or_else(|| order.operator.home.clone());
    if home.starts_with(&real) {
        return Err(Refusal::new(
            format!("the workspace would be {shown}, which holds your whole home and its keys"),
            "start palisade in a project's folder below it",
        ));
    }
    grants::refuse_of_the_machine(&real)?;
    let mut kept = None;
    match workspace.access {
        Access::ReadOnly => {
            tree.hold(&real)?;
            tree.grant(&real, false, true, who)?;
        }
        Access::ReadWrite => {
            refuse_read_only_mount(&real)?;
            tree.grant(&real, true, true, who)?;
        }
        Access::Overlay => kept = Some(overlay::add(order, session, &real, who, tree)?),
    }
    for link in &links {
        tree.link(link);
    }
    Ok(Some((real, kept)))
}

/// What was checked when the policy was read is what is shown, although a name was exchanged for a link since.
fn refuse_led_elsewhere(policy: &Policy, path: &Path, real: &Path) -> Result<(), Refusal> {
    match policy.led.get(path) {
        Some(led) if led != real => Err(Refusal::new(
            format!(
                "{} led to {} when the policy was read, and leads to {} now",
                path.display(),
                led.display(),
                real.display()
            ),
            "somebody exchanges folders: see who can write there, and try again",
        )),
        _ => Ok(()),
    }
}

/// An agent that finds out by itself has done its work in vain.
fn refuse_read_only_mount(real: &Path) -> Result<(), Refusal> {
    let found = rustix::fs::statvfs(real);
    if found.is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY)) {
        return Err(Refusal::new(
            format!(
                "the policy lets the agent change the workspace {}, which is mounted read-only",
                real.display()
            ),
            "use `--workspace ro`, or `--workspace overlay` to keep changes apart; or mount it for writing",
        ));
    }
    Ok(())
}

/// Palisade's own files are never inside, whatever contains them is.
fn own_files(operator: &Operator, tree: &mut Tree) -> Result<(), Refusal> {
    for folder in [&operator.state_dir, &operator.config_dir] {
        let real = links::real_or_same(folder);
        if tree.host_above(&real).is_none() {
            continue;
        }
        // What appears there later must not be seen either.
        std::fs::create_dir_all(&real).refuse(
            format!("make {}", real.display()),
            "set PALISADE_STATE and PALISADE_CONFIG to folders outside the workspace",
        )?;
        tree.fix_way(folder, &Names::default())?;
        let found =
            real.symlink_metadata().refuse(format!("look at {}", real.display()), "report this")?;
        tree.cover(&real, &found);
    }
    Ok(())
}

fn scratch(operator: &Operator, needs_sandbox: bool, tree: &mut Tree) {
    tree.scratch(Path::new("/tmp"), 0o1777);
    tree.scratch(Path::new("/var/tmp"), 0o1777);
    tree.scratch(Path::new("/dev/shm"), 0o1777);
    tree.scratch(&operator.home, 0o700);
    if needs_sandbox {
        tree.scratch(Path::new(SANDBOX), 0o755);
    }
}

/// What one path of the tree holds, for the notice.
pub(crate) fn shows(content: &Content) -> Option<bool> {
    match content {
        Content::Host(object) => Some(object.writable),
        Content::Overlay(_) => Some(true),
        Content::Pin { read_only: true, .. } => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
