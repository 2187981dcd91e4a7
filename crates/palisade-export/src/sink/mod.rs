//! The ways that records go: each takes some, and says whether they were taken.

mod client;
mod file;
mod journald;
mod otlp;
mod payload;
mod syslog;
mod webhook;

use std::time::Duration;

use palisade_core::SecretString;
use palisade_journal::Record;

pub(crate) use self::{
    client::{Answer, Client, Server, judged},
    file::OcsfFile,
    journald::Journald,
    otlp::{Otlp, Signal},
    payload::Payload,
    syslog::Syslog,
    webhook::Webhook,
};

/// What a receiver took.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records that it says it will not have.
    pub(crate) refused: u64,
    /// What it says of those.
    pub(crate) why: Option<String>,
}

/// Why records were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another time they may be.
    Later {
        why: String,
        /// Not before this, the receiver says.
        after: Option<Duration>,
        /// Whether some of it left, so that it may be there.
        left: bool,
    },
    /// They never will be.
    Never(String),
}

impl Failure {
    pub(crate) fn before(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None, left: false }
    }

    pub(crate) fn after(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None, left: true }
    }

    pub(crate) fn why(&self) -> &str {
        match self {
            Failure::Later { why, .. } | Failure::Never(why) => why,
        }
    }
}

/// One way, with what it has open.
#[derive(Debug)]
pub(crate) enum Sink {
    Ocsf(OcsfFile),
    Otlp(Box<Otlp>),
    Syslog(Syslog),
    Journald(Journald),
    Webhook(Box<Webhook>),
}

impl Sink {
    /// Send them all. `again`: some of them may be there already.
    pub(crate) async fn send(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        match self {
            Sink::Ocsf(file) => file.write(records, again),
            Sink::Otlp(otlp) => otlp.send(records, again).await,
            Sink::Syslog(syslog) => syslog.send(records, again).await,
            Sink::Journald(journald) => journald.send(records, again).await,
            Sink::Webhook(webhook) => webhook.send(records, again).await,
        }
    }

    /// Records that were taken before and are read again: counts begin with the session.
    pub(crate) fn pass(&mut self, records: &[Record]) {
        if let Sink::Otlp(otlp) = self {
            otlp.pass(records);
        }
    }

    /// Whether it has to be told of what was taken before.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Sink::Otlp(otlp) if otlp.counts())
    }

    /// Nothing more comes.
    pub(crate) async fn close(&mut self) -> Result<(), Failure> {
        match self {
            Sink::Syslog(syslog) => syslog.close().await,
            _ => Ok(()),
        }
    }
}

/// A header with its secret, built for each request and never shown.
#[derive(Clone)]
pub(crate) struct SecretHeader {
    pub(crate) template: String,
    pub(crate) secret: SecretString,
}

impl std::fmt::Debug for SecretHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHeader(…)")
    }
}
