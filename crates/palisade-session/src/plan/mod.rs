//! From a policy to a sandbox's plan: every path looked up once, every refusal with a remedy.
//!
//! All of this runs before anything is forked and before any secret is read. Symbolic links are
//! resolved here; what is mounted later is the very object that was looked at here.

mod denied;
mod environment;
mod files;
mod grants;
mod links;
mod notice;
mod program;
mod protected;
mod tree;
mod who;

use std::path::{Path, PathBuf};

use palisade_core::SessionId;
use palisade_policy::{Access, ProcessLimits};
use palisade_sandbox::{
    Content, Limits, Plan, Stdio,
    linux::seccomp::{Filter, SyscallPolicy},
};

pub(crate) use self::environment::Placeholders;
use self::{tree::Tree, who::Who};
use crate::{
    order::{Operator, Order},
    refusal::{Refusal, Refuse},
};

/// Where the agent works in a policy without a workspace.
const SANDBOX: &str = "/sandbox";
/// Memory that scratch folders may take, as a part of the machine's.
const SCRATCH_SHARE: u64 = 4;

/// Make the plan.
///
/// # Errors
/// What cannot be granted, found or enforced.
pub(crate) fn make(
    order: &Order,
    session: &SessionId,
    stdio: [Stdio; 3],
    placeholders: &Placeholders,
) -> Result<Plan, Refusal> {
    let Order { policy, operator, .. } = order;
    let who = Who::find(operator)?;
    let mut tree = Tree::new();
    let workspace = workspace(order, &who, &mut tree)?;
    grants::add(&policy.filesystem.grants, operator, &who, &mut tree)?;
    let program = program::find(&order.command, operator, &who, &mut tree)?;
    protected::add(&policy.filesystem.grants, &mut tree)?;
    let files = &policy.filesystem;
    denied::add(&files.deny, &files.grants, workspace.as_deref(), &mut tree)?;
    own_files(operator, &mut tree)?;
    scratch(operator, workspace.is_none(), &mut tree);
    let hostname = order.name.clone().unwrap_or_else(|| "palisade".to_owned());
    for (path, text) in files::all(&who, operator, &hostname) {
        tree.generate(path, text.into_bytes());
    }
    tree.generate("/run/palisade/policy.md", notice::text(order, session, &tree).into_bytes());
    let working_directory = match &workspace {
        Some(workspace) => links::real(&operator.directory)
            .filter(|directory| directory.starts_with(workspace))
            .unwrap_or_else(|| workspace.clone()),
        None => PathBuf::from(SANDBOX),
    };
    let environment = environment::all(
        &policy.process,
        operator,
        &who,
        session,
        placeholders,
        &program.folders,
        &tree,
    );
    let limits = &policy.process.limits;
    let syscalls = &policy.process.syscalls;
    let mut calls = SyscallPolicy {
        allow: syscalls.allow.iter().cloned().collect(),
        deny: syscalls.deny.iter().cloned().collect(),
    };
    let compile = |calls: &SyscallPolicy| {
        Filter::compile(calls).refuse("the policy's `process.syscalls`", "correct it in the policy")
    };
    let filter = compile(&calls)?;
    let pinned_filter = match limits.cpu_thousandths {
        None => None,
        Some(_) => {
            calls.deny.push("sched_setaffinity".to_owned());
            Some(compile(&calls)?)
        }
    };
    Ok(Plan {
        identity: who.identity,
        hostname,
        mounts: tree.into_mounts(),
        scratch_bytes: scratch_bytes(limits),
        working_directory,
        command: program.command,
        environment,
        limits: Limits {
            memory: limits.memory,
            processes: limits.processes,
            cpu_thousandths: limits.cpu_thousandths,
            open_files: limits.open_files,
            file_bytes: limits.disk,
        },
        filter,
        pinned_filter,
        stdio,
        network: true,
    })
}

/// The workspace's real path, once it is in the tree.
fn workspace(order: &Order, who: &Who, tree: &mut Tree) -> Result<Option<PathBuf>, Refusal> {
    let Some(workspace) = &order.policy.filesystem.workspace else { return Ok(None) };
    let shown = workspace.path.display();
    let remedy = "start palisade in the folder to work on, or name it in `filesystem.workspace`";
    let real = workspace.path.canonicalize().refuse(format!("the workspace {shown}"), remedy)?;
    if !real.is_dir() {
        return Err(Refusal::new(format!("the workspace {shown} is not a folder"), remedy));
    }
    let home = links::real(&order.operator.home).unwrap_or_else(|| order.operator.home.clone());
    if home.starts_with(&real) {
        return Err(Refusal::new(
            format!("the workspace would be {shown}, which holds your whole home and its keys"),
            "start palisade in a project's folder below it",
        ));
    }
    grants::refuse_of_the_machine(&real)?;
    let writable = match workspace.access {
        Access::ReadOnly => false,
        Access::ReadWrite => true,
        Access::Overlay => {
            return Err(Refusal::new(
                "`filesystem.workspace.access: overlay` is not built yet",
                "use `rw` or `ro`",
            ));
        }
    };
    tree.grant(&real, writable, true, who)?;
    for link in links::on(&workspace.path)? {
        tree.link(link);
    }
    Ok(Some(real))
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
        tree.mask(&real, true);
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

/// What the policy says; else a part of the machine's memory, and half of the sandbox's own, so
/// that a full folder is an error for who fills it and not the end of everything.
fn scratch_bytes(limits: &ProcessLimits) -> u64 {
    if let Some(bytes) = limits.scratch {
        return bytes;
    }
    let info = rustix::system::sysinfo();
    let machine = u64::try_from(info.totalram).unwrap_or(0) * u64::from(info.mem_unit);
    let share = (machine / SCRATCH_SHARE).max(64 << 20);
    limits.memory.map_or(share, |memory| share.min(memory / 2))
}

/// What one path of the tree holds, for the notice.
pub(crate) fn shows(content: &Content) -> Option<bool> {
    match content {
        Content::Host(object) => Some(object.writable),
        _ => None,
    }
}
