use serde_json::{Map, Value};

use crate::event::Event;

/// What a hook says of an act, the weakest first: of several, the strongest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Say {
    /// It may happen, without a question.
    Allow,
    /// The operator is to be asked.
    Ask,
    /// It is put off for somebody to take up later.
    Defer,
    /// It must not happen.
    Deny,
}

impl Say {
    /// The word in records and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Say::Allow => "allow",
            Say::Ask => "ask",
            Say::Defer => "defer",
            Say::Deny => "deny",
        }
    }
}

/// What a hook answered, or several together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// What it says of the act, if anything.
    pub say: Option<Say>,
    /// Why.
    pub reason: String,
    /// The hook that said so, as it is printed.
    pub by: Option<String>,
    /// What a tool is to be given instead.
    pub input: Option<Map<String, Value>>,
    /// What a model is to read besides.
    pub context: Vec<String>,
    /// What the user is to read.
    pub messages: Vec<String>,
    /// That the agent is to stop, and why.
    pub stop: Option<String>,
    /// What else is in `hookSpecificOutput`, for the agent that announced the event.
    pub specific: Map<String, Value>,
}

impl Answer {
    /// Join what another hook answered: the strongest word counts, texts add up. Who said the first of equally
    /// strong words is named.
    ///
    /// # Errors
    /// Both change the input, and not to the same.
    pub fn join(&mut self, other: Answer) -> Result<(), String> {
        let Answer { say, reason, by, input, context, messages, stop, specific } = other;
        if say > self.say {
            (self.say, self.reason, self.by) = (say, reason, by);
        }
        self.context.extend(context);
        self.messages.extend(messages);
        if self.stop.is_none() {
            self.stop = stop;
        }
        for (key, value) in specific {
            self.specific.entry(key).or_insert(value);
        }
        match (&self.input, input) {
            (_, None) => {}
            (None, Some(input)) => self.input = Some(input),
            (Some(mine), Some(input)) if *mine == input => {}
            (Some(_), Some(_)) => {
                return Err("two hooks change the input, and each to something else".to_owned());
            }
        }
        Ok(())
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What was read of a hook's output: what can be understood, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// What it says, as far as that can be understood.
    pub answer: Answer,
    /// Why it is a failure, if it is one.
    pub wrong: Option<String>,
}

/// Characters of a text of a hook that are kept, as with Claude Code.
const LONGEST: usize = 10_000;

/// Read what a program left: exit code 2 blocks and its standard error says why, 0 is read, any other is a
/// failure. A JSON object on standard output counts whatever the code is.
pub fn of_program(event: Event, exit: Exit, stdout: &[u8], stderr: &[u8]) -> Read {
    let mut read = of_output(event, stdout);
    match exit {
        Exit::Code(0) => {}
        Exit::Code(2) => {
            let said = cut(String::from_utf8_lossy(stderr).trim());
            if event.blocks() {
                if read.answer.say != Some(Say::Deny) || read.answer.reason.is_empty() {
                    read.answer.reason = said;
                }
                read.answer.say = Some(Say::Deny);
                // What it printed besides cannot make it weaker.
                read.wrong = None;
            } else if !said.is_empty() {
                read.answer.messages.push(said);
            }
        }
        Exit::Code(127) => fail(&mut read, "its program was not found (exit code 127)".to_owned()),
        Exit::Code(126) => fail(&mut read, "its program cannot be run (exit code 126)".to_owned()),
        Exit::Code(code) => fail(&mut read, format!("it ended with exit code {code}")),
        Exit::Signal(signal) => fail(&mut read, format!("it was ended by signal {signal}")),
    }
    read
}

/// Read the body of a server's answer, or a worker's line: nothing, or one JSON object.
pub fn of_body(event: Event, body: &[u8]) -> Read {
    if body.trim_ascii().is_empty() { Read::default() } else { of_json(event, body) }
}

fn fail(read: &mut Read, why: String) {
    read.wrong.get_or_insert(why);
}

/// Text is no answer; what begins like JSON is meant as one.
fn of_output(event: Event, stdout: &[u8]) -> Read {
    let trimmed = stdout.trim_ascii();
    if trimmed.first().is_some_and(|byte| matches!(byte, b'{' | b'[')) {
        return of_json(event, trimmed);
    }
    let mut read = Read::default();
    match std::str::from_utf8(trimmed) {
        Ok(text) if text.contains('\0') => fail(&mut read, "it printed a NUL".to_owned()),
        Ok("") => {}
        Ok(text) if hides_an_answer(event, text) => {
            fail(&mut read, "it printed something else beside its answer".to_owned());
        }
        // Context, where Claude Code takes it for that.
        Ok(text) if takes_text(event) => read.answer.context.push(cut(text)),
        Ok(_) => {}
        Err(_) => fail(&mut read, "what it printed is not UTF-8".to_owned()),
    }
    read
}

/// Whether a text has an answer in it. Who printed it meant to decide, and would not be heard.
fn hides_an_answer(event: Event, text: &str) -> bool {
    const WORDS: [&str; 4] =
        ["\"permissionDecision\"", "\"hookSpecificOutput\"", "\"decision\"", "\"continue\""];
    let begins = |line: &str| line.trim_start_matches(['\u{feff}', ' ', '\t']).starts_with('{');
    // What is context there may speak of all that.
    let may_be_text = takes_text(event) && !text.lines().any(begins);
    !may_be_text && WORDS.iter().any(|word| text.contains(word))
}

/// Whether text is context to this event.
fn takes_text(event: Event) -> bool {
    ["UserPromptSubmit", "UserPromptExpansion", "SessionStart"].contains(&event.name())
}

fn of_json(event: Event, bytes: &[u8]) -> Read {
    let mut read = Read::default();
    match palisade_core::strict_object(bytes) {
        Err(why) => fail(&mut read, format!("its answer cannot be read: {why}")),
        Ok(object) => {
            let mut reader = Reader { event, read };
            reader.object(object);
            read = reader.read;
        }
    }
    read
}

struct Reader {
    event: Event,
    read: Read,
}

impl Reader {
    fn wrong(&mut self, why: impl Into<String>) {
        fail(&mut self.read, why.into());
    }

    /// The strongest word counts.
    fn say(&mut self, say: Say, reason: Option<String>) {
        let answer = &mut self.read.answer;
        if Some(say) > answer.say {
            answer.say = Some(say);
            answer.reason = reason.unwrap_or_default();
        }
    }

    fn object(&mut self, mut object: Map<String, Value>) {
        let stop_reason = self.text(&mut object, "stopReason");
        match object.remove("continue") {
            None | Some(Value::Null | Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let why = stop_reason.unwrap_or_else(|| "a hook stops the agent".to_owned());
                if self.event.is_gate() {
                    self.say(Say::Deny, Some(why.clone()));
                }
                self.read.answer.stop = Some(why);
            }
            Some(_) => self.wrong("its `continue` is neither true nor false"),
        }
        if let Some(message) = self.text(&mut object, "systemMessage") {
            self.read.answer.messages.push(message);
        }
        let reason = self.text(&mut object, "reason");
        match object.remove("decision") {
            None | Some(Value::Null) => {}
            Some(Value::String(word)) if word == "block" || word == "deny" => {
                if self.event.blocks() {
                    self.say(Say::Deny, reason);
                }
            }
            // Old, and Claude Code still takes it.
            Some(Value::String(word)) if word == "approve" || word == "allow" => {
                self.say(Say::Allow, reason);
            }
            Some(_) => self.wrong("its `decision` is no word that is known: `block`"),
        }
        match object.remove("hookSpecificOutput") {
            None | Some(Value::Null) => {}
            Some(Value::Object(specific)) => self.specific(specific),
            Some(_) => self.wrong("its `hookSpecificOutput` is no object"),
        }
        if object.get("async") == Some(&Value::Bool(true)) {
            self.wrong("it goes on by itself and has decided nothing; `async: true` in the policy is for such hooks");
        }
        self.misplaced(
            &object,
            &["permissionDecision", "updatedInput", "behavior", "permission", "block", "ok"],
        );
    }

    /// Words that decide something elsewhere, or for another agent: who wrote them would not be heard.
    fn misplaced(&mut self, object: &Map<String, Value>, words: &[&str]) {
        let said = |word: &&&str| object.get(**word).is_some_and(|value| !value.is_null());
        if let Some(word) = words.iter().find(said) {
            self.wrong(format!("its `{word}` stands where nothing is decided by it"));
        }
    }

    fn specific(&mut self, mut object: Map<String, Value>) {
        match self.text(&mut object, "hookEventName") {
            Some(name) if name == self.event.name() => {}
            Some(_) => self.wrong("its `hookEventName` is not the event that it was asked about"),
            None => self.wrong("its `hookSpecificOutput` has no `hookEventName`"),
        }
        let reason = self.text(&mut object, "permissionDecisionReason");
        match object.remove("permissionDecision") {
            None | Some(Value::Null) => {}
            Some(Value::String(word)) => match word.as_str() {
                "allow" => self.say(Say::Allow, reason),
                "ask" => self.say(Say::Ask, reason),
                "defer" => self.say(Say::Defer, reason),
                "deny" => self.say(Say::Deny, reason),
                _ => self.wrong("its `permissionDecision` is none of allow, ask, defer, deny"),
            },
            Some(_) => self.wrong("its `permissionDecision` is no word"),
        }
        if self.event == Event::PERMISSION_REQUEST
            && let Some(decision) = object.remove("decision")
        {
            self.behaviour(decision);
        }
        if let Some(context) = self.text(&mut object, "additionalContext") {
            self.read.answer.context.push(context);
        }
        match object.remove("updatedInput") {
            None | Some(Value::Null) => {}
            Some(Value::Object(input)) if self.event.is_about_tool() => {
                self.read.answer.input = Some(input);
            }
            Some(Value::Object(_)) => self.wrong("it changes an input, and the event has none"),
            Some(_) => self.wrong("its `updatedInput` is no object"),
        }
        self.misplaced(&object, &["decision", "behavior", "continue", "permission", "block", "ok"]);
        self.read.answer.specific = object;
    }

    /// `decision` of `PermissionRequest`.
    fn behaviour(&mut self, decision: Value) {
        let Value::Object(mut decision) = decision else {
            return self.wrong("its `decision` is no object");
        };
        let message = self.text(&mut decision, "message");
        match decision.get("behavior").and_then(Value::as_str) {
            Some("allow") => self.say(Say::Allow, message),
            Some("deny") => self.say(Say::Deny, message),
            _ => self.wrong("its `behavior` is neither allow nor deny"),
        }
        match decision.remove("updatedInput") {
            None | Some(Value::Null) => {}
            Some(Value::Object(input)) => self.read.answer.input = Some(input),
            Some(_) => self.wrong("its `updatedInput` is no object"),
        }
    }

    fn text(&mut self, object: &mut Map<String, Value>, key: &str) -> Option<String> {
        match object.remove(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(cut(&text)),
            Some(_) => {
                self.wrong(format!("its `{key}` is no text"));
                None
            }
        }
    }
}

/// Without what steers a terminal: it is shown to people.
fn cut(text: &str) -> String {
    let kept = text.chars().take(LONGEST);
    kept.filter(|character| !steers(*character)).collect()
}

fn steers(character: char) -> bool {
    let bidi = matches!(character,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    (character.is_control() && !matches!(character, '\n' | '\t')) || bidi
}

#[cfg(test)]
mod tests;
