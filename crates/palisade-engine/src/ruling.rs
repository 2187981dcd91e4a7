use std::sync::Arc;

use palisade_core::{Decision, PolicyDigest};

/// What one policy decides of an act, where the agent says in which folder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// In the workspace.
    pub here: Decision,
    /// In that folder, if it is another and that is stricter: names of files mean others there.
    pub elsewhere: Option<Decision>,
    /// The policy that says so.
    pub policy: Option<Arc<PolicyDigest>>,
}

impl Ruling {
    /// What counts of the two. What came of `here` since may be stricter than both.
    #[must_use]
    pub fn strictest(self) -> Decision {
        match self.elsewhere {
            Some(elsewhere) if elsewhere.is_stricter(&self.here) => elsewhere,
            _ => self.here,
        }
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::Verdict;

    use super::*;

    #[test]
    fn nothing_is_laxer_than_one_of_the_two() {
        let decision = |verdict| Decision { verdict, ..Decision::deny("") };
        let all = [Verdict::Allow, Verdict::Ask, Verdict::Deny].map(decision);
        for here in &all {
            for elsewhere in all.iter().map(Some).chain([None]) {
                let ruling =
                    Ruling { here: here.clone(), elsewhere: elsewhere.cloned(), policy: None };
                let strictest = ruling.strictest();
                let both = [Some(here), elsewhere];
                assert!(both.into_iter().flatten().all(|one| !one.is_stricter(&strictest)));
                assert!(both.contains(&Some(&strictest)));
            }
        }
    }
}
