//! Questions to the operator: who waits for an answer, and what was answered.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::{Action, Caller, Decision, HostName, Program, ToolCall, ToolInput, Verdict};
use palisade_journal::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::suggested;

/// Questions at one time. An agent can ask for as many destinations as it likes.
const MOST: usize = 64;
/// Answers that are kept. With more, the first are asked for again.
const MOST_ANSWERS: usize = 1024;
/// How long a permission for once counts: a client tries several addresses of a name, and opens
/// more than one connection.
const ONCE: Duration = Duration::from_secs(15);
/// How decisions name that nothing was asked.
const LEARN: &str = "learn";
/// How decisions name what an answer decided.
const RULE: &str = "approval";

/// The questions of one sandbox.
#[derive(Debug)]
pub(crate) struct Approvals {
    state: Mutex<State>,
    /// Counts questions, so that who shows them hears of a new one.
    asked: watch::Sender<u32>,
}

#[derive(Debug)]
struct State {
    timeout: Duration,
    /// Whether nothing is asked, and everything is permitted.
    permissive: bool,
    next: u32,
    questions: BTreeMap<u32, Question>,
    answers: HashMap<Wish, Standing>,
    /// How often untrusted content of a new kind came into the session.
    taints: u32,
}

#[derive(Debug)]
struct Question {
    wish: Wish,
    /// The call, of a tool that is given named values: what may be changed before it is permitted.
    call: Option<ToolCall>,
    subject: String,
    /// The same for the journal, without a query: it may hold a secret.
    recorded: String,
    kind: &'static str,
    program: Option<String>,
    environment: Vec<String>,
    rule: Option<String>,
    always: Option<String>,
    since: Timestamp,
    /// How often untrusted content had come in: whoever answers knows of no more.
    taints: u32,
    until: Instant,
    waiting: usize,
    answer: watch::Sender<Option<Standing>>,
}

/// What is asked for, and by which programs. One answer is for all who want the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wish {
    to: Destination,
    /// By their paths, and where the agent can write also by what lies there.
    by: Vec<(String, Option<[u8; 32]>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Destination {
    Name(HostName, u16),
    Address(SocketAddr),
    /// A tool call, by the digest of its name and its whole input: an answer is for this very one.
    Call([u8; 32]),
    /// Requests of this method to this path and query of a host, and what is known of their bodies: where nobody has
    /// read one, an answer is for any.
    Request(HostName, u16, String, [u8; 32]),
    /// A program with its arguments, by the digest of both.
    Exec([u8; 32]),
}

/// An answer, as long as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    allowed: bool,
    by: String,
    until: Option<Instant>,
    /// How often untrusted content had come in when it was asked for.
    taints: u32,
    /// What the tool is to be given in place of what was asked for.
    edited: Option<ToolInput>,
}

/// A question, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number in its sandbox.
    pub id: u32,
    /// What is wanted, such as `api.example.com:443`.
    pub subject: String,
    /// `sha256:` and the digest of the very act, which an answer is for.
    #[serde(default)]
    pub digest: String,
    /// What kind of act it is, as in the journal: `connect`, `request`, `tool_call` or `exec`.
    #[serde(default)]
    pub kind: String,
    /// The program that wants it, by its executable's path inside; more than one where several have the
    /// connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The variables by which a program may do something else than `subject` says, as `NAME=value`. They are part of what
    /// is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// What asks, where it is not that no rule says anything: a rule or a hook, which goes on asking whatever else is
    /// permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The permission rule that would permit it for good, where one can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How many seconds are left for an answer.
    pub seconds_left: u64,
    /// How many connections wait for it.
    pub waiting: usize,
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Those who wait, and who comes in the next 15 seconds.
    Once,
    /// Whoever wants the same until the sandbox ends.
    Session,
}

impl Scope {
    /// The word in the journal.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Scope::Once => "once",
            Scope::Session => "session",
        }
    }
}

impl Approvals {
    /// `permissive`: nothing is asked that could be, and all of it is permitted.
    pub(crate) fn new(timeout: Duration, permissive: bool) -> Self {
        let (questions, answers) = (BTreeMap::new(), HashMap::new());
        let state =
            Mutex::new(State { timeout, permissive, next: 1, questions, answers, taints: 0 });
        Self { state, asked: watch::Sender::new(0) }
    }

    /// How long the next questions wait.
    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.lock().timeout = timeout;
    }

    /// Hears of each new question.
    pub(crate) fn asked(&self) -> watch::Receiver<u32> {
        self.asked.subscribe()
    }

    /// Untrusted content of a new kind came in: what was permitted before was permitted without it.
    pub(crate) fn tainted(&self) {
        let mut state = self.lock();
        state.taints = state.taints.saturating_add(1);
    }

    /// What was answered to such a question before, if it still counts. `tainted` tells whether the act is one that is
    /// asked because of untrusted content: a permission from before that does not cover it.
    pub(crate) fn settled(
        &self,
        action: &Action,
        tainted: impl FnOnce() -> bool,
    ) -> Option<Decision> {
        let wish = Wish::of(action)?;
        let state = self.lock();
        // What is learned is where programs go; nothing else is permitted on the way.
        let learned = matches!(wish.to, Destination::Name(..) | Destination::Address(_));
        if state.permissive && learned {
            return Some(Decision::allow(LEARN, "no rule names it, and all such is permitted"));
        }
        let standing = state.answers.get(&wish).filter(|standing| standing.counts())?;
        let older = standing.allowed && standing.taints < state.taints;
        (!(older && tainted())).then(|| standing.decision())
    }

    /// Ask, and wait for the answer. None in time is a denial. `by`: the rule that wants it asked.
    pub(crate) async fn ask(&self, action: &Action, by: Option<&str>) -> Decision {
        match self.ask_call(action, by).await {
            (decision, None) => decision,
            (_, Some(_)) => Decision::deny_by(RULE, "it cannot be changed before it is permitted"),
        }
    }

    /// The same for a tool call, with what the tool is to be given instead where the operator has changed that. Such a
    /// permission is for the changed call alone.
    pub(crate) async fn ask_call(
        &self,
        action: &Action,
        by: Option<&str>,
    ) -> (Decision, Option<ToolInput>) {
        let Some(wish) = Wish::of(action) else {
            return (Decision::deny("nobody can be asked for this"), None);
        };
        // What is not shown whole, nobody can permit.
        let Some(subject) = action.whole() else {
            let why = "it is too long to be shown whole to the operator";
            return (Decision::deny_by(RULE, why), None);
        };
        let (waiter, mut answer, until, timeout) = {
            let mut state = self.lock();
            let timeout = state.timeout;
            let taints = state.taints;
            let same = |question: &Question| question.wish == wish && question.taints == taints;
            let open = state.questions.iter().find(|(_, question)| same(question));
            let id = match open.map(|(id, _)| *id) {
                Some(id) => id,
                None if state.questions.len() >= MOST => {
                    let why = format!("{MOST} questions wait for the operator already");
                    return (Decision::deny_by(RULE, why), None);
                }
                None => {
                    let id = state.next;
                    state.next = id.wrapping_add(1);
                    let question = Question {
                        wish,
                        call: editable(action),
                        recorded: match action {
                            Action::Request(request) => request.subject(),
                            _ => subject.clone(),
                        },
                        subject,
                        kind: action.kind(),
                        program: program(action),
                        environment: action.surroundings(),
                        rule: by.filter(|by| !is_for_want_of_a_rule(by)).map(str::to_owned),
                        // What a rule or a hook has asked is asked whatever else is permitted.
                        always: by
                            .is_some_and(|by| by.starts_with("permissions.mode"))
                            .then(|| suggested::rule_for(action))
                            .flatten(),
                        since: Timestamp::now(),
                        taints,
                        until: Instant::now() + timeout,
                        waiting: 0,
                        answer: watch::Sender::new(None),
                    };
                    state.questions.insert(id, question);
                    self.asked.send_replace(id);
                    id
                }
            };
            let Some(question) = state.questions.get_mut(&id) else {
                return (Decision::deny("the question is gone"), None);
            };
            question.waiting += 1;
            let answer = question.answer.subscribe();
            (Waiter { approvals: self, id }, answer, question.until, timeout)
        };
        let given = timeout_at(until, answer.wait_for(Option::is_some)).await;
        let given = given.ok().and_then(|given| given.ok().and_then(|given| given.clone()));
        drop(waiter);
        match given {
            Some(standing) => (standing.decision(), standing.edited),
            None => {
                let why = format!("nobody answered within {} s", timeout.as_secs());
                (Decision::deny_by(RULE, why), None)
            }
        }
    }

    /// What waits for an answer, the oldest first.
    pub(crate) fn pending(&self) -> Vec<Pending> {
        let now = Instant::now();
        let state = self.lock();
        let shown = state.questions.iter().map(|(id, question)| Pending {
            id: *id,
            subject: question.subject.clone(),
            digest: question.wish.digest(),
            kind: question.kind.to_owned(),
            program: question.program.clone(),
            environment: question.environment.clone(),
            rule: question.rule.clone(),
            always: question.always.clone(),
            since: question.since,
            seconds_left: question.until.saturating_duration_since(now).as_secs(),
            waiting: question.waiting,
        });
        shown.collect()
    }

    /// What question `id` is about, for the record.
    pub(crate) fn subject(&self, id: u32) -> Option<String> {
        self.lock().questions.get(&id).map(|question| question.recorded.clone())
    }

    /// `sha256:` and the digest of the very act that question `id` is about.
    pub(crate) fn digest(&self, id: u32) -> Option<String> {
        self.lock().questions.get(&id).map(|question| question.wish.digest())
    }

    /// The call that question `id` is about, if it is one that can be changed.
    pub(crate) fn call(&self, id: u32) -> Option<ToolCall> {
        self.lock().questions.get(&id)?.call.clone()
    }

    /// Who wants what question `id` is about, as far as it is known.
    pub(crate) fn program(&self, id: u32) -> Option<String> {
        self.lock().questions.get(&id).and_then(|question| question.program.clone())
    }

    /// The variables that are part of question `id`.
    pub(crate) fn environment(&self, id: u32) -> Vec<String> {
        let state = self.lock();
        state.questions.get(&id).map(|question| question.environment.clone()).unwrap_or_default()
    }

    /// Answer question `id`. False: there is none, or not any more.
    pub(crate) fn answer(&self, id: u32, allowed: bool, scope: Scope, by: &str) -> bool {
        let mut state = self.lock();
        let Some(question) = state.questions.remove(&id) else { return false };
        let until = (scope == Scope::Once).then(|| Instant::now() + ONCE);
        let taints = question.taints;
        let standing = Standing { allowed, by: by.to_owned(), until, taints, edited: None };
        // A denial for once is for those who wait.
        if allowed || scope == Scope::Session {
            state.answers.retain(|_, standing| standing.counts());
            if state.answers.len() < MOST_ANSWERS {
                state.answers.insert(question.wish.clone(), standing.clone());
            }
        }
        question.answer.send_replace(Some(standing));
        true
    }

    /// Permit, for once, another input than that of question `id`. False: there is none, or not any more.
    pub(crate) fn answer_edited(&self, id: u32, input: ToolInput, by: &str) -> bool {
        let mut state = self.lock();
        let Some(question) = state.questions.remove(&id) else { return false };
        // Whoever waits is denied: nothing is sent.
        let Some(call) = question.call else { return false };
        let edited = ToolCall { input: input.clone(), ..call };
        let until = Some(Instant::now() + ONCE);
        let taints = question.taints;
        let by = by.to_owned();
        let standing = Standing { allowed: true, by, until, taints, edited: None };
        state.answers.retain(|_, standing| standing.counts());
        // It is announced once more by who makes it. What was asked for is not permitted.
        if state.answers.len() < MOST_ANSWERS {
            let wish = Wish { to: Destination::Call(edited.digest()), by: Vec::new() };
            state.answers.insert(wish, standing.clone());
        }
        question.answer.send_replace(Some(Standing { edited: Some(input), ..standing }));
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits. When the last is gone, so is the question.
struct Waiter<'a> {
    approvals: &'a Approvals,
    id: u32,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut state = self.approvals.lock();
        let Some(question) = state.questions.get_mut(&self.id) else { return };
        question.waiting = question.waiting.saturating_sub(1);
        if question.waiting == 0 {
            state.questions.remove(&self.id);
        }
    }
}

impl Wish {
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", self.by));
        match &self.to {
            Destination::Name(host, port) => hash.update(format!("name {host}:{port}")),
            Destination::Address(address) => hash.update(format!("address {address}")),
            Destination::Call(digest) => hash.update([&b"call "[..], digest].concat()),
            Destination::Request(host, port, method, whole) => {
                hash.update(format!("request {host}:{port} {method:?} "));
                hash.update(whole);
            }
            Destination::Exec(digest) => hash.update([&b"exec "[..], digest].concat()),
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    fn of(action: &Action) -> Option<Self> {
        let by = |caller: &Caller| match caller {
            Caller::Known(programs) => {
                let one = |it: &Program| (it.path.clone(), it.digest.filter(|_| it.changeable));
                programs.iter().map(one).collect()
            }
            Caller::Unasked | Caller::Unknown(_) => Vec::new(),
        };
        let (host, port, address, caller) = match action {
            Action::Request(request) => {
                let (host, method) = (request.host.clone(), request.method.clone());
                let mut hash = Sha256::new();
                hash.update(format!("{:?} {:?} {:?}", request.path, request.query, request.body));
                let whole = hash.finalize().into();
                let to = Destination::Request(host, request.port, method, whole);
                return Some(Self { to, by: by(&request.caller) });
            }
            Action::Connect { host, port, address, caller, .. } => (host, port, address, caller),
            Action::ToolCall(call) => {
                return Some(Self { to: Destination::Call(call.digest()), by: Vec::new() });
            }
            Action::Exec(exec) => {
                return Some(Self { to: Destination::Exec(exec.fingerprint()?), by: Vec::new() });
            }
            _ => return None,
        };
        let to = match (host, address) {
            (Some(host), _) => Destination::Name(host.clone(), *port),
            (None, Some(address)) => Destination::Address(*address),
            (None, None) => return None,
        };
        Some(Self { to, by: by(caller) })
    }
}

/// The call, if what its tool is given has names: a text without a form is not changed, and neither is what the kernel
/// has before it.
fn editable(action: &Action) -> Option<ToolCall> {
    match action {
        Action::ToolCall(call) if matches!(call.input, ToolInput::Object(_)) => {
            Some(ToolCall::clone(call))
        }
        _ => None,
    }
}

/// Whether it is asked because no rule says anything of it.
fn is_for_want_of_a_rule(by: &str) -> bool {
    by == "network.unknown" || by.starts_with("permissions.mode")
}

/// Who it is that wants it, as the operator is told.
fn program(action: &Action) -> Option<String> {
    let caller = match action {
        Action::Connect { caller, .. } => caller,
        Action::Request(request) => &request.caller,
        Action::Exec(exec) => return Some(exec.program.clone()),
        _ => return None,
    };
    match caller {
        Caller::Known(_) => caller.shown(),
        Caller::Unknown(why) => Some(format!("a program that cannot be told ({why})")),
        Caller::Unasked => None,
    }
}

impl Standing {
    fn counts(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }

    fn decision(&self) -> Decision {
        let scope = if self.until.is_some() { "for once" } else { "for this session" };
        let word = if self.allowed { "permits" } else { "denies" };
        let as_what = if self.edited.is_some() { ", as changed" } else { "" };
        let reason = format!("{} {word} it {scope}{as_what}", self.by);
        let verdict = if self.allowed { Verdict::Allow } else { Verdict::Deny };
        Decision { verdict, rule: Some(RULE.to_owned()), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palisade_core::TlsName;
    use tokio::time::{advance, sleep};

    use super::*;

    fn connect(host: &str, port: u16) -> Action {
        let host = Some(host.parse().unwrap());
        let caller = Caller::Unasked;
        Action::Connect { host, port, address: None, tls: TlsName::Unseen, caller }
    }

    async fn asked(
        approvals: &Arc<Approvals>,
        action: &Action,
    ) -> tokio::task::JoinHandle<Decision> {
        let (approvals, action) = (Arc::clone(approvals), action.clone());
        let task = tokio::spawn(async move { approvals.ask(&action, None).await });
        sleep(Duration::from_millis(1)).await;
        task
    }

    fn new() -> Arc<Approvals> {
        Arc::new(Approvals::new(Duration::from_secs(60), false))
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_is_for_all_who_want_the_same() {
        let (approvals, action) = (new(), connect("a.test", 443));
        let first = asked(&approvals, &action).await;
        let second = asked(&approvals, &action).await;
        let other = asked(&approvals, &connect("a.test", 80)).await;
        let pending = approvals.pending();
        assert_eq!(pending.len(), 2);
        assert_eq!((pending[0].waiting, pending[0].subject.as_str()), (2, "a.test:443"));
        assert!(approvals.answer(pending[0].id, true, Scope::Session, "uid 7"));
        assert!(first.await.unwrap().is_allowed() && second.await.unwrap().is_allowed());
        assert!(approvals.settled(&action, || false).unwrap().is_allowed());
        assert!(!approvals.answer(pending[0].id, true, Scope::Session, "uid 7"));
        assert!(approvals.answer(pending[1].id, false, Scope::Once, "uid 7"));
        assert!(!other.await.unwrap().is_allowed());
        assert_eq!(approvals.settled(&connect("a.test", 80), || false), None);
        assert_eq!(approvals.settled(&connect("b.test", 443), || false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn another_program_is_another_question() {
        let of = |path: &str, digest: Option<[u8; 32]>| {
            let program = Program {
                path: path.into(),
                digest,
                changeable: path.starts_with("/work"),
                script: None,
                ancestors: Vec::new(),
                lineage: palisade_core::Lineage::default(),
                skills: Vec::new(),
            };
            let host = Some("a.test".parse().unwrap());
            let (tls, caller) = (TlsName::Unseen, Caller::Known([program].into()));
            Action::Connect { host, port: 443, address: None, tls, caller }
        };
        let by = |path: &str| of(path, None);
        let approvals = new();
        let first = asked(&approvals, &by("/usr/bin/git")).await;
        let second = asked(&approvals, &by("/usr/bin/curl")).await;
        let pending = approvals.pending();
        assert_eq!(pending.len(), 2);
        assert_eq!(pending[0].program.as_deref(), Some("/usr/bin/git"));
        assert!(approvals.answer(pending[0].id, true, Scope::Session, "uid 7"));
        assert!(first.await.unwrap().is_allowed());
        assert_eq!(approvals.settled(&by("/usr/bin/curl"), || false), None);
        assert_eq!(approvals.settled(&connect("a.test", 443), || false), None);
        assert!(approvals.answer(pending[1].id, false, Scope::Once, "uid 7"));
        assert!(!second.await.unwrap().is_allowed());
        // Where the agent can write, another file at the same path is another program.
        let built = asked(&approvals, &of("/work/tool", Some([1; 32]))).await;
        assert!(approvals.answer(approvals.pending()[0].id, true, Scope::Session, "uid 7"));
        assert!(built.await.unwrap().is_allowed());
        assert!(
            approvals.settled(&of("/work/tool", Some([1; 32])), || false).unwrap().is_allowed()
        );
        assert_eq!(approvals.settled(&of("/work/tool", Some([2; 32])), || false), None);
        assert!(
            approvals.settled(&of("/usr/bin/git", Some([2; 32])), || false).unwrap().is_allowed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn once_does_not_last_and_a_denial_for_the_session_does() {
        let (approvals, action) = (new(), connect("a.test", 443));
        let waiting = asked(&approvals, &action).await;
        approvals.answer(approvals.pending()[0].id, true, Scope::Once, "uid 7");
        assert!(waiting.await.unwrap().is_allowed());
        assert!(approvals.settled(&action, || false).unwrap().is_allowed());
        advance(ONCE).await;
        assert_eq!(approvals.settled(&action, || false), None);
        let waiting = asked(&approvals, &action).await;
        approvals.answer(approvals.pending()[0].id, false, Scope::Session, "uid 7");
        assert!(!waiting.await.unwrap().is_allowed());
        advance(Duration::from_secs(86_400)).await;
        assert_eq!(approvals.settled(&action, || false).unwrap().verdict, Verdict::Deny);
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_in_time_is_a_denial_and_who_leaves_takes_the_question_along() {
        let (approvals, action) = (new(), connect("a.test", 443));
        let waiting = asked(&approvals, &action).await;
        advance(Duration::from_secs(61)).await;
        assert!(waiting.await.unwrap().reason.contains("nobody answered within 60 s"));
        assert_eq!(approvals.pending(), []);
        let waiting = asked(&approvals, &action).await;
        waiting.abort();
        waiting.await.unwrap_err();
        assert_eq!(approvals.pending(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn an_edited_call_is_permitted_and_what_was_asked_is_not() {
        let call = |command: &str| {
            let input = serde_json::json!({"command": command});
            Action::ToolCall(Box::new(ToolCall {
                name: "Bash".into(),
                input: ToolInput::Object(input.as_object().cloned().unwrap()),
                id: None,
                seen: palisade_core::ToolSeen::Answer,
            }))
        };
        let approvals = new();
        let (waits, action) = (Arc::clone(&approvals), call("rm -rf x"));
        let task = tokio::spawn(async move { waits.ask_call(&action, None).await });
        sleep(Duration::from_millis(1)).await;
        let id = approvals.pending()[0].id;
        let Action::ToolCall(edited) = call("rm x") else { unreachable!() };
        assert!(approvals.answer_edited(id, edited.input.clone(), "uid 7"));
        let (decision, input) = task.await.unwrap();
        assert!(decision.is_allowed() && decision.reason.contains("as changed"), "{decision:?}");
        assert_eq!(input, Some(edited.input.clone()));
        assert_eq!(approvals.settled(&call("rm -rf x"), || false), None);
        assert!(approvals.settled(&call("rm x"), || false).unwrap().is_allowed());
        advance(ONCE).await;
        assert_eq!(approvals.settled(&call("rm x"), || false), None);
        // What is no tool call cannot be changed.
        let waiting = asked(&approvals, &connect("a.test", 443)).await;
        let id = approvals.pending()[0].id;
        assert_eq!(approvals.call(id), None);
        assert!(!approvals.answer_edited(id, edited.input, "uid 7"));
        assert!(!waiting.await.unwrap().is_allowed());
    }

    /// Whoever answers has seen what was asked before it came in.
    #[tokio::test(start_paused = true)]
    async fn content_that_comes_in_while_it_is_asked_is_not_answered_for() {
        let (approvals, action) = (new(), connect("a.test", 443));
        let before = asked(&approvals, &action).await;
        approvals.tainted();
        let after = asked(&approvals, &action).await;
        let pending = approvals.pending();
        assert_eq!(pending.len(), 2);
        assert!(approvals.answer(pending[0].id, true, Scope::Session, "uid 7"));
        assert!(before.await.unwrap().is_allowed() && !after.is_finished());
        assert_eq!(approvals.settled(&action, || true), None);
        assert!(approvals.settled(&action, || false).unwrap().is_allowed());
        assert!(approvals.answer(pending[1].id, true, Scope::Session, "uid 7"));
        assert!(after.await.unwrap().is_allowed());
        assert!(approvals.settled(&action, || true).unwrap().is_allowed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_questions_is_denied() {
        let approvals = new();
        let mut waiting = Vec::new();
        for port in 1..=MOST {
            waiting.push(asked(&approvals, &connect("a.test", u16::try_from(port).unwrap())).await);
        }
        let more = asked(&approvals, &connect("b.test", 1)).await;
        assert!(more.await.unwrap().reason.contains("wait for the operator already"));
        // Those that wait are not driven out.
        assert_eq!(approvals.pending().len(), MOST);
    }
}
