use std::borrow::Cow;

use rustix::io::Errno;

/// A step of putting up a sandbox that failed: which one, and what the kernel said.
///
/// Nothing runs when this is returned: the child is gone and with it every namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {errno}")]
pub struct StepError {
    /// What was being done, such as `mount /proc`.
    pub step: Cow<'static, str>,
    /// What the kernel answered.
    pub errno: Errno,
}

impl StepError {
    pub(crate) const MAP_OWNER: &'static str = "map the owner of ";

    /// Whether the file system of what is shown has no way to map the owner of files.
    pub fn is_of_owners(&self) -> bool {
        self.errno == Errno::INVAL && self.step.starts_with(Self::MAP_OWNER)
    }
}

/// Names the step of a result that only has an errno.
pub(crate) trait Step<T> {
    fn step(self, step: impl Into<Cow<'static, str>>) -> Result<T, StepError>;

    /// The same for a name that has to be put together, which is done only if it is needed.
    fn step_with(self, step: impl FnOnce() -> String) -> Result<T, StepError>;
}

impl<T> Step<T> for Result<T, Errno> {
    fn step(self, step: impl Into<Cow<'static, str>>) -> Result<T, StepError> {
        self.map_err(|errno| StepError { step: step.into(), errno })
    }

    fn step_with(self, step: impl FnOnce() -> String) -> Result<T, StepError> {
        self.map_err(|errno| StepError { step: step().into(), errno })
    }
}
