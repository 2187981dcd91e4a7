use palisade_core::{Authority, Event, Layer, Verdict};

use crate::known_calls::{Fate, KnownCalls};

/// How many ids an event lists.
const LISTED: usize = 16;

/// Ties the results in a request to the calls in answers.
pub(crate) struct Results<'a> {
    pub(crate) calls: &'a KnownCalls,
    pub(crate) authority: &'a dyn Authority,
}

impl Results<'_> {
    /// Why a request that brings these results is refused, if it is. Results of calls that were not let go
    /// leave an event, each once where they are not refused.
    pub(crate) async fn check(&self, ids: &[String], subject: &str, deny: bool) -> Option<String> {
        let (mut denied, mut unknown, mut new) = (0usize, 0usize, Vec::new());
        for id in ids {
            let (fate, first) = self.calls.of(id);
            match fate {
                Fate::Allowed => continue,
                Fate::Denied => denied = denied.saturating_add(1),
                Fate::Unknown => unknown = unknown.saturating_add(1),
            }
            if (first || deny) && new.len() < LISTED {
                new.push(id.chars().take(100).flat_map(char::escape_debug).collect::<String>());
            }
        }
        if new.is_empty() {
            return None;
        }
        let why = format!(
            "the request brings results of tool calls that were not let go in this session: \
             {denied} were denied, of {unknown} nothing is known"
        );
        if !deny {
            let mut event = Event::observed("tool_result", Layer::Inference, subject);
            event.decision = Verdict::Observe;
            event.reason = why.clone();
            let event = event.with("calls", new).with("denied", denied).with("unknown", unknown);
            return (!self.authority.record(event).await).then(|| palisade_core::UNRECORDED.into());
        }
        Some(format!("{why}; `inference.tool_results` of the policy says that it is refused"))
    }
}
