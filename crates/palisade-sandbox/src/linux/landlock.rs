//! Landlock: the file rules a second time, held where the files are rather than where they are
//! mounted, and walls for signals and abstract sockets. See `landlock(7)`.
//!
//! The ruleset is made in two phases. Init grants each object as it mounts it, by the descriptor of what it mounts
//! (`Rules`; [`prepare`] does it by path): that may allocate and may fail by name. [`Prepared::restrict_self`] is one system call,
//! for the child just before exec.
//!
//! Every right that both the kernel and this build know is handled, so what no rule grants is
//! refused. `CompatLevel::HardRequirement` makes the `landlock` crate refuse what it would by
//! default leave out. Network rights are left alone on purpose: Landlock knows ports but no
//! addresses, every TCP connection is redirected to the supervisor anyway, and servers on the
//! sandbox's own loopback must work.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2},
    io::Errno,
};

use super::sys::{self, landlock::Log};
use crate::step::{Step, StepError};

/// The oldest Landlock that [`prepare`] is content with: file rights with rename (2) and truncate (3,
/// Linux 6.2). What later versions add, the namespaces and the empty `/dev` hold as well.
pub const LEAST_ABI: u32 = 3;

/// The first that can be asked to log less or more (Linux 6.15).
const LOG_ABI: u32 = 7;

/// What a rule grants, at a path and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read files, list folders.
    ReadOnly,
    /// Read, list, execute.
    ReadExecute,
    /// All of that, and change, create (no devices), remove, rename, link. Not to connect to unix
    /// sockets that are there: from ABI 9 on only those made inside the domain answer.
    ReadWrite,
    /// Read, write and control a device; list the folder it is in, if the path is a folder.
    Device,
    /// Connect to a unix socket (ABI 9 and later check it; before, nothing does).
    Socket,
}

/// A ruleset in the making.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Gone after an error.
    created: Option<RulesetCreated>,
    abi: u32,
    /// Whether the sandbox may be without.
    optional: bool,
}

/// A ruleset that is complete and not yet in force.
#[derive(Debug)]
pub struct Prepared {
    /// None only if the sandbox may be without.
    ruleset: Option<OwnedFd>,
    abi: u32,
    optional: bool,
    told: bool,
}

/// What a domain enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    /// The kernel's Landlock version.
    pub abi: u32,
    /// The rights that are refused unless granted, by the names of the kernel's header.
    pub rights: Vec<String>,
    /// The scopes.
    pub scopes: Vec<String>,
}

/// The kernel's Landlock version; `None` where there is none, or it is switched off.
pub fn landlock_abi() -> Option<u32> {
    sys::landlock::abi().ok()
}

/// [`prepare_at_least`] with [`LEAST_ABI`].
///
/// # Errors
/// As there.
pub fn prepare(rules: &[(PathBuf, Access)]) -> Result<Prepared, StepError> {
    prepare_at_least(rules, LEAST_ABI)
}

/// Make the ruleset. Paths are resolved now, in the calling process's root, without following a
/// link at their end.
///
/// # Errors
/// A kernel with an older Landlock than `least` (EOPNOTSUPP), or a path that cannot be opened.
pub fn prepare_at_least(rules: &[(PathBuf, Access)], least: u32) -> Result<Prepared, StepError> {
    let mut made = Rules::at_least(least)?;
    for (path, access) in rules {
        let shown = path.display();
        let object = openat2(
            CWD,
            path,
            OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        )
        .step_with(|| format!("open {shown} for Landlock"))?;
        let stat = fstat(&object).step_with(|| format!("look at {shown} for Landlock"))?;
        let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        made.allow(&object, folder, *access, path)?;
    }
    made.finish()
}

impl Rules {
    /// An empty ruleset, with [`LEAST_ABI`].
    pub(crate) fn new() -> Result<Self, StepError> {
        Self::at_least(LEAST_ABI)
    }

    /// As much as this kernel has, be it nothing: for an operator who lets the layer be missing.
    pub(crate) fn as_far_as_it_goes() -> Self {
        let made = Self::at_least(1).map(|rules| Self { optional: true, ..rules });
        made.unwrap_or(Self { created: None, abi: 0, optional: true })
    }

    fn at_least(least: u32) -> Result<Self, StepError> {
        let abi = sys::landlock::abi().step("ask for Landlock")?;
        if abi < least.max(1) {
            return Err(Errno::OPNOTSUPP)
                .step_with(|| format!("ask for Landlock version {least}, the kernel has {abi}"));
        }
        let known = known(abi);
        let scopes = Scope::from_all(known);
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(known))
            .named("handle file rights")?;
        if !scopes.is_empty() {
            ruleset = ruleset.scope(scopes).named("handle scopes")?;
        }
        let created = ruleset.create().named("create the ruleset")?;
        Ok(Self { created: Some(created), abi, optional: false })
    }

    /// Grant this at an open file or folder, and below it. `at` is its name for an error.
    pub(crate) fn allow(
        &mut self,
        object: impl AsFd,
        folder: bool,
        access: Access,
        at: &Path,
    ) -> Result<(), StepError> {
        let known = known(self.abi);
        let mut rights = access.rights() & AccessFs::from_all(known);
        if !folder {
            rights &= AccessFs::from_file(known);
        }
        if rights.is_empty() || (self.optional && self.created.is_none()) {
            return Ok(());
        }
        let created = self.created.take().ok_or(Errno::OPNOTSUPP).step("find the ruleset")?;
        let more = created
            .add_rule(PathBeneath::new(object, rights))
            .named_with(|| format!("add the rule for {}", at.display()));
        match more {
            Ok(more) => self.created = Some(more),
            // Rather none than one that lacks a grant.
            Err(_) if self.optional => self.abi = 0,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// No more rules.
    pub(crate) fn finish(self) -> Result<Prepared, StepError> {
        let ruleset: Option<OwnedFd> = self.created.and_then(Into::into);
        if ruleset.is_none() && !self.optional {
            return Err(Errno::OPNOTSUPP).step("create the Landlock ruleset");
        }
        Ok(Prepared { ruleset, abi: self.abi, optional: self.optional, told: false })
    }
}

impl Prepared {
    /// Have the kernel's audit told what is refused.
    #[must_use]
    pub(crate) fn told_to_audit(self, told: bool) -> Self {
        Self { told, ..self }
    }

    /// Put the rules in force for the calling thread and all it starts, for good. Needs
    /// `no_new_privs`. Allocates nothing unless it fails.
    ///
    /// # Errors
    /// What `landlock_restrict_self(2)` says.
    pub fn restrict_self(&self) -> Result<(), StepError> {
        let ruleset = match &self.ruleset {
            Some(ruleset) => ruleset.as_fd(),
            None => return Ok(()),
        };
        let log = match self {
            Self { told: true, .. } => Log::AfterExec,
            Self { abi: LOG_ABI.., .. } => Log::Nothing,
            _ => Log::Unasked,
        };
        match sys::landlock::restrict_self(ruleset, log) {
            Err(_) if self.optional => Ok(()),
            done => done.step("put the Landlock rules in force"),
        }
    }

    /// See from inside that the rules hold: none is for `/`, so it cannot be opened. A system that says yes to
    /// calls which it does not know would leave the layer missing. Allocates nothing unless it fails.
    pub(crate) fn require_in_force(&self) -> Result<(), StepError> {
        if self.ruleset.is_none() {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(c"/", flags, Mode::empty()) {
            Err(Errno::ACCESS) => Ok(()),
            _ if self.optional => Ok(()),
            Err(error) => Err(error).step("find the Landlock rules in force"),
            Ok(_) => Err(Errno::PERM).step("find the Landlock rules in force"),
        }
    }

    /// What is enforced once [`Prepared::restrict_self`] has returned.
    pub fn enforces(&self) -> Enforced {
        let known = known(self.abi);
        Enforced {
            abi: self.abi,
            rights: AccessFs::from_all(known).iter().map(|right| format!("{right:?}")).collect(),
            scopes: Scope::from_all(known).iter().map(|scope| format!("{scope:?}")).collect(),
        }
    }
}

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        match self {
            Access::ReadOnly => make_bitflags!(AccessFs::{ReadFile | ReadDir}),
            Access::ReadExecute => make_bitflags!(AccessFs::{ReadFile | ReadDir | Execute}),
            Access::ReadWrite => make_bitflags!(AccessFs::{
                ReadFile | ReadDir | Execute | WriteFile | Truncate | RemoveDir | RemoveFile
                    | MakeDir | MakeReg | MakeSock | MakeFifo | MakeSym | Refer
            }),
            Access::Device => make_bitflags!(AccessFs::{
                ReadFile | ReadDir | WriteFile | Truncate | IoctlDev
            }),
            Access::Socket => make_bitflags!(AccessFs::{ResolveUnix}),
        }
    }
}

/// The newest version that both the kernel and this build know.
fn known(abi: u32) -> ABI {
    ABI::from(i32::try_from(abi).unwrap_or(i32::MAX))
}

/// Puts an errno and a step's name in place of the crate's errors.
trait Named<T> {
    fn named_with(self, step: impl FnOnce() -> String) -> Result<T, StepError>;

    fn named(self, step: &'static str) -> Result<T, StepError>
    where
        Self: Sized,
    {
        self.named_with(|| step.to_owned())
    }
}

impl<T> Named<T> for Result<T, RulesetError> {
    fn named_with(self, step: impl FnOnce() -> String) -> Result<T, StepError> {
        self.map_err(|error| StepError {
            step: format!("{} (Landlock: {error})", step()).into(),
            errno: source_errno(&error).unwrap_or(Errno::OPNOTSUPP),
        })
    }
}

/// The errno at the bottom of a chain of errors.
fn source_errno(error: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let mut next = Some(error);
    while let Some(this) = next {
        if let Some(io) = this.downcast_ref::<std::io::Error>() {
            return Errno::from_io_error(io);
        }
        next = this.source();
    }
    None
}
