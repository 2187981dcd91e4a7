use std::{fmt, net::IpAddr, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    Action, Authority, BoxFuture, Caller, Decision, Event, HostName, Look, ToolAnswer, ToolCall,
    Untrusted,
};

/// Facts that each event has of which these acts are a part: the number of a connection, or of an exchange
/// with a model. By these an event is tied to those that led to it.
pub type Ties = Map<String, Value>;

/// An authority whose events all have the same facts besides their own. It decides nothing by itself.
pub struct Tied {
    authority: Arc<dyn Authority>,
    ties: Ties,
}

impl Tied {
    /// The events of this authority, with one fact more.
    pub fn to(
        authority: Arc<dyn Authority>,
        key: &str,
        value: impl Into<Value>,
    ) -> Arc<dyn Authority> {
        let mut ties = Ties::new();
        ties.insert(key.into(), value.into());
        Arc::new(Self { authority, ties })
    }

    fn with(&self, others: &Ties) -> Ties {
        let mut ties = self.ties.clone();
        ties.extend(others.iter().map(|(key, value)| (key.clone(), value.clone())));
        ties
    }
}

impl fmt::Debug for Tied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tied").field("ties", &self.ties).finish_non_exhaustive()
    }
}

impl Authority for Tied {
    fn consider(&self, action: &Action) -> Decision {
        self.authority.consider(action)
    }

    fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        self.authority.look(host, address, port)
    }

    fn look_at_most(&self) -> Look {
        self.authority.look_at_most()
    }

    fn found_own(&self, address: IpAddr) -> bool {
        self.authority.found_own(address)
    }

    fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        self.authority.may_send(host, port, bytes)
    }

    fn may_look_up(&self, host: &HostName) -> Result<(), Decision> {
        self.authority.may_look_up(host)
    }

    fn may_be_served(&self, name: &HostName, caller: &Caller) -> Result<(), Decision> {
        self.authority.may_be_served(name, caller)
    }

    fn may_use(&self, credential: &str, skills: Option<&[String]>) -> Result<(), Decision> {
        self.authority.may_use(credential, skills)
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        self.authority.authorize_tied(action, &self.ties)
    }

    fn authorize_tied<'a>(&'a self, action: &'a Action, ties: &'a Ties) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let ties = self.with(ties);
            self.authority.authorize_tied(action, &ties).await
        })
    }

    fn tool_call<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, ToolAnswer> {
        self.authority.tool_call_tied(call, &self.ties)
    }

    fn tool_call_tied<'a>(
        &'a self,
        call: &'a ToolCall,
        ties: &'a Ties,
    ) -> BoxFuture<'a, ToolAnswer> {
        Box::pin(async move {
            let ties = self.with(ties);
            self.authority.tool_call_tied(call, &ties).await
        })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        self.authority.record(event.tied(&self.ties))
    }

    fn brought<'a>(&'a self, how: Untrusted, subject: &'a str) -> BoxFuture<'a, bool> {
        self.authority.brought(how, subject)
    }

    fn keeps_content(&self) -> bool {
        self.authority.keeps_content()
    }

    fn keep_content(&self, bytes: &[u8]) -> Result<Value, String> {
        self.authority.keep_content(bytes)
    }

    fn generation(&self) -> u64 {
        self.authority.generation()
    }

    fn replaced(&self, generation: u64) -> BoxFuture<'_, u64> {
        self.authority.replaced(generation)
    }
}
