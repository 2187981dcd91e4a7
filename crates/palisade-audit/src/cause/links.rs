use std::collections::{BTreeMap, HashMap};

use palisade_core::Verdict;
use serde::Serialize;

use super::node::Node;
use crate::AuditError;

/// Events that are held while one is explained.
const MOST: usize = 1_000_000;

/// How it is known that one event comes of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// Both have the number of a connection, or of an exchange with a model, which Palisade gave.
    Number,
    /// Both have the id of a tool call, which the provider gave.
    Call,
    /// A process, or one that it comes from, by its number and the time of its start, as the kernel has them.
    Process,
    /// The text of a tool call's command was in what was executed.
    Text,
    /// Both are about the same, and the one came before the other.
    Subject,
    /// It is the newest tool call before. Another one may have run at the time, or none.
    Time,
    /// It is of this session.
    Session,
}

impl How {
    /// Whether it rests on an id.
    pub fn is_id(self) -> bool {
        matches!(self, How::Number | How::Call | How::Process | How::Session)
    }

    /// The same in words.
    pub fn says(self) -> &'static str {
        match self {
            How::Number => "the number that both have",
            How::Call => "the tool call's id",
            How::Process => "the process",
            How::Text => "inferred: the command's text is in what was executed",
            How::Subject => "inferred: it is about the same, and came before",
            How::Time => "inferred: the newest tool call before it",
            How::Session => "the session",
        }
    }
}

/// The events of a session that others may come of, and the one that is asked about.
#[derive(Debug, Default)]
pub(super) struct Links {
    nodes: BTreeMap<u64, Node>,
    /// The first of each.
    exchanges: HashMap<u64, u64>,
    connections: HashMap<u64, Vec<u64>>,
    /// Tool calls, by their ids.
    calls: HashMap<String, Vec<u64>>,
    /// What each process has executed.
    execs: HashMap<String, Vec<u64>>,
    launch: Option<u64>,
    session: String,
}

impl Links {
    pub(super) fn of(session: &str) -> Self {
        Self { session: session.to_owned(), ..Self::default() }
    }

    /// Add an event. `wanted` is the one that is asked about, which is kept whatever it is.
    pub(super) fn add(&mut self, node: Node, wanted: u64) -> Result<(), AuditError> {
        let seq = node.seq;
        if seq != wanted && !node.may_be_cause() {
            return Ok(());
        }
        // A server is dialled once it is known what is asked of it.
        let later = node.kind == "connect" && node.connection.is_some();
        if seq > wanted && !later {
            return Ok(());
        }
        if self.nodes.len() >= MOST {
            return Err(AuditError::TooMuch {
                session: self.session.clone(),
                most: MOST,
                what: "events before it that it could come of",
            });
        }
        match node.kind.as_str() {
            "launch" => self.launch = self.launch.or(Some(seq)),
            "model_call" if node.decision != Verdict::Ask => {
                if let Some(number) = node.exchange {
                    self.exchanges.entry(number).or_insert(seq);
                }
            }
            "tool_call" => {
                if let Some(call) = &node.call {
                    self.calls.entry(call.clone()).or_default().push(seq);
                }
            }
            "exec" => {
                if let Some(process) = &node.process {
                    self.execs.entry(process.clone()).or_default().push(seq);
                }
            }
            _ => {}
        }
        if let Some(number) = node.connection {
            self.connections.entry(number).or_default().push(seq);
        }
        self.nodes.insert(seq, node);
        Ok(())
    }

    /// What this one comes of.
    pub(super) fn cause(&self, seq: u64) -> Option<(How, u64)> {
        let node = self.nodes.get(&seq)?;
        let launch = self.launch.filter(|launch| *launch < seq).map(|at| (How::Session, at));
        match node.kind.as_str() {
            "launch" => None,
            "tool_call" => self.exchange(node).or_else(|| self.call(node)).or(launch),
            "model_call" | "policy" | "end" | "approval" => launch,
            "exec" => self
                .called(node)
                .or_else(|| self.process(node))
                .or_else(|| self.newest_call(seq))
                .or(launch),
            "hook" => self.call(node).or_else(|| self.exchange(node)).or(launch),
            "request" => self
                .connection(node)
                .or_else(|| self.process(node))
                .or_else(|| self.of_traffic(node))
                .or(launch),
            "connect" | "resolve" | "syscall" | "access" | "placeholder" | "ssh_sign" => self
                .process(node)
                .or_else(|| self.of_connection(node))
                .or_else(|| self.of_traffic(node))
                .or(launch),
            _ => self
                .exchange(node)
                .or_else(|| self.connection(node))
                .or_else(|| self.same_subject(node, &["request", "connect"]))
                .or_else(|| self.process(node))
                .or(launch),
        }
    }

    /// The operator's answer that permitted it.
    pub(super) fn answer(&self, seq: u64) -> Option<u64> {
        let node = self.nodes.get(&seq)?;
        if node.rule.as_deref() != Some("approval") {
            return None;
        }
        self.same_subject(node, &["approval"]).map(|(_, at)| at)
    }

    fn exchange(&self, node: &Node) -> Option<(How, u64)> {
        let at = self.exchanges.get(&node.exchange?)?;
        (*at != node.seq).then_some((How::Number, *at))
    }

    /// The model's call of a tool, of one that the agent announces or a hook is asked about.
    fn call(&self, node: &Node) -> Option<(How, u64)> {
        let all = self.calls.get(node.call.as_ref()?)?;
        let before = all.iter().rev().find(|at| **at < node.seq);
        // A hook is asked before it is decided.
        let at = before.or_else(|| all.iter().find(|at| **at != node.seq))?;
        Some((How::Call, *at))
    }

    /// The tool call whose command this executes.
    fn called(&self, node: &Node) -> Option<(How, u64)> {
        if !node.by_text {
            return None;
        }
        let all = self.calls.get(node.call.as_ref()?)?;
        all.iter().rev().find(|at| **at < node.seq).map(|at| (How::Text, *at))
    }

    /// What the process, or one that it comes from, has executed before.
    fn process(&self, node: &Node) -> Option<(How, u64)> {
        let processes = node.process.iter().chain(&node.parents);
        let executed = |process: &String| {
            let all = self.execs.get(process)?;
            all.iter().rev().find(|at| **at < node.seq).copied()
        };
        processes.into_iter().find_map(executed).map(|at| (How::Process, at))
    }

    /// The connection that a request came by, whose process is known if any is.
    fn connection(&self, node: &Node) -> Option<(How, u64)> {
        let all = self.connections.get(&node.connection?)?;
        let connects = all.iter().filter(|at| **at != node.seq);
        let mut connects =
            connects.filter(|at| self.nodes.get(at).is_some_and(|other| other.kind == "connect"));
        connects.next().map(|at| (How::Number, *at))
    }

    /// Of a connection whose own event does not tell its process: a request of it that does.
    fn of_connection(&self, node: &Node) -> Option<(How, u64)> {
        let all = self.connections.get(&node.connection?)?;
        all.iter()
            .filter(|at| **at != node.seq)
            .filter_map(|at| self.nodes.get(at))
            .find_map(|other| self.process(other))
    }

    fn same_subject(&self, node: &Node, kinds: &[&str]) -> Option<(How, u64)> {
        let before = self.nodes.range(..node.seq).rev();
        let mut same = before.filter(|(_, other)| {
            kinds.contains(&other.kind.as_str()) && other.subject == node.subject
        });
        same.next().map(|(at, _)| (How::Subject, *at))
    }

    /// Of traffic of which no process is known.
    fn of_traffic(&self, node: &Node) -> Option<(How, u64)> {
        if let ("connect" | "request", Some(host)) = (node.kind.as_str(), &node.host) {
            let mut resolved = self.nodes.range(..node.seq).rev().filter(|(_, other)| {
                other.kind == "resolve"
                    && other.decision == Verdict::Allow
                    && other.subject == *host
            });
            if let Some((at, _)) = resolved.next() {
                return Some((How::Subject, *at));
            }
        }
        self.newest_call(node.seq)
    }

    fn newest_call(&self, seq: u64) -> Option<(How, u64)> {
        let mut calls = self
            .nodes
            .range(..seq)
            .rev()
            .filter(|(_, other)| other.kind == "tool_call" && other.decision == Verdict::Allow);
        calls.next().map(|(at, _)| (How::Time, *at))
    }
}
