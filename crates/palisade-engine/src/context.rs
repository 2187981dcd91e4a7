use std::{path::Path, sync::Arc};

use palisade_condition::History;

use crate::taint::Tainted;

/// What a decision depends on besides the act and the policy.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// What was permitted before, which conditions count.
    pub(crate) history: &'a Arc<History>,
    /// What came into the session that nobody answers for.
    pub(crate) tainted: &'a Tainted,
    /// Where the agent says to be; `None` is the workspace.
    pub(crate) directory: Option<&'a Path>,
}
