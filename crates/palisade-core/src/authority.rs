use std::{future::Future, net::IpAddr, pin::Pin};

use crate::{
    Action, Caller, Decision, Event, HostName, Look, Ties, ToolAnswer, ToolCall, Untrusted,
};

/// A boxed future, so that [`Authority`] can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why an act is denied that could not be recorded.
pub const UNRECORDED: &str = "the journal cannot be written, so nothing is permitted";

/// The one pipeline, as an enforcement point sees it: action in, decision out, and an event in
/// the journal before the effect.
pub trait Authority: Send + Sync + 'static {
    /// What the policy says, without a record and without an effect. For questions that come
    /// before the act itself: may this name be answered, would this address be permitted.
    fn consider(&self, action: &Action) -> Decision;

    /// How much has to be known of who connects to this name, or to this address if no name stands for it, to
    /// decide about it. Where it is [`Look::None`], decisions do not depend on it.
    fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        let _ = (host, address, port);
        Look::None
    }

    /// How much has to be known of who connects where it is not known yet to whom.
    fn look_at_most(&self) -> Look {
        Look::None
    }

    /// Take this address for one of this machine's own from now on, as it has turned out to be. Whether that may not
    /// have been known when it was decided on: those that it has at the start are known, and it may get others later.
    fn found_own(&self, address: IpAddr) -> bool {
        let _ = address;
        false
    }

    /// Whether so many bytes may be sent to this name and port, besides what was sent before; if so they
    /// count as sent. To be asked before they are. The denial says which limit is reached, and is to be
    /// recorded by who asks.
    ///
    /// # Errors
    /// The denial.
    fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        let _ = (host, port, bytes);
        Ok(())
    }

    /// Whether this name may be looked up outside, where its labels get to nameservers that may be anybody's; if so
    /// it counts as looked up. To be asked before it is, of a name to which a connection is permitted. The denial says
    /// which bound is reached, and is to be recorded by who asks.
    ///
    /// # Errors
    /// The denial.
    fn may_look_up(&self, host: &HostName) -> Result<(), Decision> {
        let _ = host;
        Ok(())
    }

    /// Whether what the supervisor itself serves under this name may be used by whoever this is. The denial is to be recorded
    /// by who asks. Where nothing has to be known of who connects ([`Authority::look_at_most`]), it is not asked.
    ///
    /// # Errors
    /// The denial.
    fn may_be_served(&self, name: &HostName, caller: &Caller) -> Result<(), Decision> {
        let _ = (name, caller);
        Ok(())
    }

    /// Whether processes of these skills may use a credential for something else than a request: to sign. `None`: it cannot be
    /// told of which they are. The denial is to be recorded by who asks.
    ///
    /// # Errors
    /// The denial.
    fn may_use(&self, credential: &str, skills: Option<&[String]>) -> Result<(), Decision> {
        let _ = (credential, skills);
        Ok(())
    }

    /// Decide and record. When this returns a permission, its event is in the journal; when the
    /// journal cannot take it, this is a denial.
    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision>;

    /// The same, with these facts in every event that it leaves. Who keeps no events has no use for them.
    fn authorize_tied<'a>(&'a self, action: &'a Action, ties: &'a Ties) -> BoxFuture<'a, Decision> {
        let _ = ties;
        self.authorize(action)
    }

    /// Decide and record a call of a tool, which a hook may also change.
    fn tool_call<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, ToolAnswer> {
        Box::pin(async move {
            let action = Action::ToolCall(Box::new(call.clone()));
            self.authorize(&action).await.into()
        })
    }

    /// The same, with these facts in every event that it leaves.
    fn tool_call_tied<'a>(
        &'a self,
        call: &'a ToolCall,
        ties: &'a Ties,
    ) -> BoxFuture<'a, ToolAnswer> {
        let _ = ties;
        self.tool_call(call)
    }

    /// Record a decision that an enforcement point came to by itself (a TLS name that does not
    /// agree, a failed dial), or an observation. Returns false when the journal could not
    /// take it: the caller must then end what it was doing.
    fn record(&self, event: Event) -> BoxFuture<'_, bool>;

    /// Remember for the rest of the session that content of this kind came in by what `subject` names. Returns
    /// false when that is news and the journal could not take it.
    fn brought<'a>(&'a self, how: Untrusted, subject: &'a str) -> BoxFuture<'a, bool> {
        let _ = (how, subject);
        Box::pin(std::future::ready(true))
    }

    /// Whether what is said to models, and what they answer, is kept ([`Authority::keep_content`]).
    fn keeps_content(&self) -> bool {
        false
    }

    /// Keep this, sealed. What is to stand in the event about it: where it is, and its digest.
    ///
    /// # Errors
    /// Why it cannot be kept. What was not said yet is not to be said then.
    fn keep_content(&self, bytes: &[u8]) -> Result<serde_json::Value, String> {
        let _ = bytes;
        Err("nothing is kept here".to_owned())
    }

    /// Which policy decides, as a number that grows with each replacement. Read before a decision that
    /// [`Authority::replaced`] is to watch over.
    fn generation(&self) -> u64 {
        0
    }

    /// Resolves when another policy decides than at `generation`, with the number of that one. What
    /// is under way and was permitted then must be considered again. Never resolves where the
    /// policy stays.
    fn replaced(&self, generation: u64) -> BoxFuture<'_, u64> {
        let _ = generation;
        Box::pin(std::future::pending())
    }
}
