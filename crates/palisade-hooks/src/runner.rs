use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use palisade_core::{BoxFuture, ToolCall};
use serde_json::{Map, Value};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    answer::{Answer, Read, Say, of_body, of_program},
    config::{Config, Handler, Hook, OnError},
    copies::Copies,
    event::Event,
    process,
    program::{Place, Prepared},
    worker::Worker,
};

/// Programs of hooks at one time. An agent can cause events without end; more wait for their turn.
const MOST_PROGRAMS: usize = 16;
/// Bytes of an event, as hooks get it.
const MOST_INPUT: usize = 16 << 20;

/// Whether a permission rule matches a tool call. True also where that cannot be told: the hook runs then.
pub type RuleMatches = dyn Fn(&str, &ToolCall) -> bool + Send + Sync;

/// Asks servers.
pub trait Post: Send + Sync {
    /// Send this, and give the status and the body of the answer.
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(String, String)],
        body: Arc<[u8]>,
        within: Duration,
    ) -> BoxFuture<'a, Result<(u16, Vec<u8>), String>>;
}

/// What hooks need to run.
pub struct Setup {
    /// Which there are.
    pub config: Config,
    /// What they have of an environment; see [`crate::environment()`].
    pub environment: Vec<(OsString, OsString)>,
    /// The operator's variables: those that a server's header fields name are taken from here.
    pub variables: BTreeMap<OsString, OsString>,
    /// Where copies of scripts are kept, below a folder of the operator's. `None`: they run as they are
    /// found, each time anew.
    pub state: Option<PathBuf>,
    /// Where programs run, if not among the copies.
    pub directory: PathBuf,
    /// Asks servers.
    pub post: Arc<dyn Post>,
    /// For `if`.
    pub matches: Arc<RuleMatches>,
}

/// The hooks of a policy, ready to run.
pub struct Runner {
    hooks: BTreeMap<Event, Vec<Arc<Ready>>>,
    matches: Arc<RuleMatches>,
    shared: Arc<Shared>,
    /// Removed last.
    _copies: Option<Copies>,
}

struct Shared {
    post: Arc<dyn Post>,
    programs: Semaphore,
}

struct Ready {
    hook: Hook,
    means: Means,
    ran: AtomicBool,
}

enum Means {
    Command(Prepared),
    Worker(Box<(Prepared, Worker)>),
    Http { url: String, headers: Vec<(String, String)> },
}

/// What became of an event.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the hooks say together.
    pub answer: Answer,
    /// Each that ran, in the policy's order.
    pub ran: Vec<Ran>,
}

/// What one hook did, for the record.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it is printed.
    pub rule: String,
    /// What it is.
    pub shown: String,
    /// How long it took.
    pub took: Duration,
    /// What it said, or what it means that it failed.
    pub say: Option<Say>,
    /// Why.
    pub reason: String,
    /// Whether it changes the input.
    pub changes: bool,
    /// That it failed, and how.
    pub failed: Option<String>,
    /// What that means, by the policy.
    pub on_error: OnError,
    /// Whether nobody waits for it.
    pub detached: bool,
}

impl Runner {
    /// Prepare hooks: what they are made of is pinned, and scripts are copied.
    ///
    /// # Errors
    /// The folder for copies cannot be made.
    pub fn new(setup: Setup) -> io::Result<Self> {
        let Setup { config, environment, variables, state, directory, post, matches } = setup;
        let environment: Arc<[(OsString, OsString)]> = environment.into();
        let mut copies = match state.filter(|_| !config.is_empty()) {
            Some(state) => Some(Copies::new(&state)?),
            None => None,
        };
        let directory = copies.as_ref().map_or(directory, |copies| copies.folder().to_owned());
        let mut hooks: BTreeMap<Event, Vec<Arc<Ready>>> = BTreeMap::new();
        for (event, hook) in config.iter() {
            let mut prepare = |program| {
                let place = Place {
                    environment: &environment,
                    directory: &directory,
                    copies: copies.as_mut(),
                };
                Prepared::new(program, place)
            };
            let means = match &hook.handler {
                Handler::Command(program) => Means::Command(prepare(program)),
                Handler::Worker(program) => {
                    let prepared = prepare(program);
                    let worker = Worker::new(prepared.order.clone());
                    Means::Worker(Box::new((prepared, worker)))
                }
                Handler::Http(http) => {
                    let fill = |(name, value): (&String, &String)| {
                        (name.clone(), filled(value, &http.variables, &variables))
                    };
                    Means::Http {
                        url: http.url.clone(),
                        headers: http.headers.iter().map(fill).collect(),
                    }
                }
            };
            let ready = Ready { hook: hook.clone(), means, ran: AtomicBool::new(false) };
            hooks.entry(event).or_default().push(Arc::new(ready));
        }
        let programs = Semaphore::new(MOST_PROGRAMS);
        let shared = Arc::new(Shared { post, programs });
        Ok(Self { hooks, matches, shared, _copies: copies })
    }

    /// Whether there is a hook for an event.
    pub fn has(&self, event: Event) -> bool {
        self.hooks.contains_key(&event)
    }

    /// Run all hooks that are for this, but those that are called as in `without`. `input` is what they get;
    /// `call` is the tool call that it is about, if any.
    pub async fn run(
        &self,
        event: Event,
        input: &Map<String, Value>,
        call: Option<&ToolCall>,
        without: &[String],
    ) -> Outcome {
        let chosen = self.chosen(event, input, call, without);
        if chosen.is_empty() {
            return Outcome::default();
        }
        let bytes = serde_json::to_vec(input).unwrap_or_default();
        let line: Arc<[u8]> = bytes.into_iter().chain([b'\n']).collect();
        let mut done: Vec<(usize, Read, Duration, Arc<Ready>)> = Vec::new();
        let mut running = JoinSet::new();
        let expected = chosen.len();
        let alone = expected == 1;
        for (index, ready) in chosen.into_iter().enumerate() {
            let (shared, line) = (Arc::clone(&self.shared), Arc::clone(&line));
            let detached = ready.hook.detached;
            let mine = Arc::clone(&ready);
            let run = async move {
                let begun = Instant::now();
                let read = mine.run(event, &line, &shared).await;
                (index, read, begun.elapsed(), mine)
            };
            if detached {
                tokio::spawn(run);
                done.push((index, Read::default(), Duration::ZERO, ready));
            } else if alone {
                done.push(run.await);
            } else {
                running.spawn(run);
            }
        }
        while let Some(joined) = running.join_next().await {
            done.extend(joined);
        }
        done.sort_by_key(|(index, ..)| *index);
        let mut outcome = Outcome::default();
        // A task that panicked has no answer at all, and is not known by its policy either.
        if done.len() < expected {
            outcome.answer.say = Some(Say::Deny);
            outcome.answer.reason = "a hook could not be run to its end".to_owned();
        }
        for (_, read, took, ready) in done {
            outcome.add(event, read, took, &ready.hook);
        }
        outcome
    }

    /// The hooks that are for this, each that does the same once.
    fn chosen(
        &self,
        event: Event,
        input: &Map<String, Value>,
        call: Option<&ToolCall>,
        without: &[String],
    ) -> Vec<Arc<Ready>> {
        let mut chosen: Vec<Arc<Ready>> = Vec::new();
        let on = event.matched_on().and_then(|field| input.get(field)).and_then(Value::as_str);
        for ready in self.hooks.get(&event).into_iter().flatten() {
            let hook = &ready.hook;
            // Where the field is missing nobody can say that it does not match.
            let matches =
                event.matched_on().is_none() || on.is_none_or(|on| hook.matcher.matches(on));
            let only_if = match (&hook.only_if, call) {
                (Some(rule), Some(call)) => (self.matches)(rule, call),
                _ => true,
            };
            let twice = chosen.iter().any(|other| other.hook.handler == hook.handler);
            if matches
                && only_if
                && !twice
                && !without.contains(&hook.rule)
                && !(hook.once && ready.ran.swap(true, Ordering::Relaxed))
            {
                chosen.push(Arc::clone(ready));
            }
        }
        chosen
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the environment: it may hold keys.
        f.debug_struct("Setup").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

impl Ready {
    async fn run(&self, event: Event, line: &Arc<[u8]>, shared: &Shared) -> Read {
        match self.asked(event, line, shared).await {
            Ok(read) => read,
            Err(why) => Read { wrong: Some(why), ..Read::default() },
        }
    }

    async fn asked(&self, event: Event, line: &Arc<[u8]>, shared: &Shared) -> Result<Read, String> {
        let within = self.hook.timeout;
        if line.len() > MOST_INPUT {
            return Err(format!("what it would be told has more than {MOST_INPUT} bytes"));
        }
        match &self.means {
            Means::Command(prepared) => {
                prepared.holds()?;
                let turn = tokio::time::timeout(within, shared.programs.acquire()).await;
                let _turn = turn.map_err(|_| process::too_long(within))?;
                let left = process::run(&prepared.order, line, within).await?;
                Ok(of_program(event, left.exit, &left.stdout, &left.stderr))
            }
            Means::Worker(both) => {
                let (prepared, worker) = &**both;
                prepared.holds()?;
                let answer = worker.ask(line, within).await?;
                Ok(of_body(event, &answer))
            }
            Means::Http { url, headers } => {
                let (status, body) =
                    shared.post.post(url, headers, Arc::clone(line), within).await?;
                if !(200..300).contains(&status) {
                    return Err(format!("the server answered with status {status}"));
                }
                Ok(of_body(event, &body))
            }
        }
    }
}

impl Outcome {
    fn add(&mut self, event: Event, read: Read, took: Duration, hook: &Hook) {
        let Read { mut answer, wrong } = read;
        if let Some(why) = &wrong {
            let lenient = hook.on_error == OnError::Allow;
            let means = match hook.on_error {
                _ if !event.is_gate() => None,
                OnError::Allow => None,
                OnError::Ask => Some(Say::Ask),
                OnError::Deny => Some(Say::Deny),
            };
            if !lenient {
                // What a hook that failed would permit or change counts for nothing.
                answer.input = None;
                if answer.say == Some(Say::Allow) {
                    answer.say = None;
                }
            }
            if means > answer.say {
                answer.say = means;
                answer.reason = format!("the hook {} failed: {why}", hook.handler);
            }
        }
        answer.by = answer.say.is_some().then(|| hook.rule.clone());
        if answer.say.is_some_and(|say| say != Say::Allow) && answer.reason.is_empty() {
            answer.reason = format!("the hook {} says so", hook.handler);
        }
        self.ran.push(Ran {
            rule: hook.rule.clone(),
            shown: hook.handler.to_string(),
            took,
            say: answer.say,
            reason: answer.reason.clone(),
            changes: answer.input.is_some(),
            failed: wrong,
            on_error: hook.on_error,
            detached: hook.detached,
        });
        if let Err(why) = self.answer.join(answer) {
            self.answer.say = Some(Say::Deny);
            self.answer.by = Some(hook.rule.clone());
            self.answer.reason = why;
        }
    }
}

/// A header's value with the operator's variables in their places, as far as they may be used.
fn filled(value: &str, allowed: &[String], variables: &BTreeMap<OsString, OsString>) -> String {
    let mut filled = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (name, behind) = match after.strip_prefix('{').and_then(|in_it| in_it.split_once('}')) {
            Some(braced) => braced,
            None => {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                after.split_at(end.unwrap_or(after.len()))
            }
        };
        // One that is not allowed is empty, as with Claude Code.
        if allowed.iter().any(|known| known == name) {
            let value = variables.get(OsStr::new(name)).and_then(|value| value.to_str());
            filled.push_str(value.unwrap_or_default());
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_variables_stand_in_headers() {
        let variables = BTreeMap::from([("A".into(), "1".into()), ("B".into(), "2".into())]);
        let fill = |value: &str| filled(value, &["A".to_owned()], &variables);
        assert_eq!(fill("Bearer $A-${A} $B ${B}x $"), "Bearer 1-1  x ");
        assert_eq!(fill("plain"), "plain");
    }
}
