use palisade_core::{Body, BodyFacts, GraphqlOperation, RpcMessage, TextPattern, fold};
use palisade_policy::{Effect, GraphqlMatch, JsonRpcMatch};

/// Whether something is what an entry means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fit {
    /// In every reading where that is asked, in one where this is.
    Yes,
    /// In none where one would do, or not in all.
    No,
    /// It cannot be told. The text says what is wrong with the request.
    Unknown(String),
}

impl Fit {
    pub(super) fn of(fits: bool) -> Self {
        if fits { Fit::Yes } else { Fit::No }
    }

    /// Both. What does not fit does not, whatever else is unknown.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Fit::No => Fit::No,
            Fit::Yes => other(),
            Fit::Unknown(why) => match other() {
                Fit::No => Fit::No,
                Fit::Yes | Fit::Unknown(_) => Fit::Unknown(why),
            },
        }
    }
}

/// Whether one of the patterns takes a text; a list without any takes all.
pub(super) fn listed(patterns: &[TextPattern], text: &str, effect: Effect) -> bool {
    patterns.is_empty() || named(patterns, text, effect)
}

/// Whether one of the patterns takes a text.
pub(super) fn named(patterns: &[TextPattern], text: &str, effect: Effect) -> bool {
    patterns.iter().any(|pattern| match effect {
        Effect::Allow => pattern.allows(text),
        Effect::Deny => pattern.denies(text),
    })
}

/// All of some for a permission, one of them for a denial.
fn those<T>(items: &[T], effect: Effect, fits: impl Fn(&T) -> bool) -> bool {
    match effect {
        Effect::Allow => !items.is_empty() && items.iter().all(fits),
        Effect::Deny => items.iter().any(fits),
    }
}

/// What is known of a body, or why nothing is.
pub(super) fn known(body: &Body) -> Result<&BodyFacts, String> {
    match body {
        Body::Read(facts) => Ok(facts),
        Body::Refused(why) => Err(why.clone()),
        _ => Err("its body was not read".to_owned()),
    }
}

pub(super) fn json_rpc(matched: &JsonRpcMatch, facts: &BodyFacts, effect: Effect) -> Fit {
    let Some(messages) = &facts.rpc else { return Fit::No };
    Fit::of(those(messages, effect, |message| one_message(matched, message, effect)))
}

fn one_message(matched: &JsonRpcMatch, message: &RpcMessage, effect: Effect) -> bool {
    let JsonRpcMatch { methods, tools } = matched;
    let Some(method) = &message.method else {
        // An answer has no method to be compared.
        return methods.is_empty() && tools.is_empty();
    };
    let tool = match &message.tool {
        _ if !calls_tool(method) => !methods.is_empty() || tools.is_empty(),
        Some(tool) => listed(tools, tool, effect),
        // A tool that cannot be told may be any.
        None => tools.is_empty() || effect == Effect::Deny,
    };
    listed(methods, method, effect) && tool
}

/// Whether this is the method of MCP that calls a tool. Neither case nor white space around it counts everywhere.
pub(super) fn calls_tool(method: &str) -> bool {
    fold(method.trim()) == "tools/call"
}

pub(super) fn graphql(matched: &GraphqlMatch, facts: &BodyFacts, effect: Effect) -> Fit {
    let Some(operations) = &facts.graphql else { return Fit::No };
    if operations.is_empty() {
        return Fit::Unknown("its GraphQL operation cannot be told".to_owned());
    }
    Fit::of(those(operations, effect, |operation| one_operation(matched, operation, effect)))
}

fn one_operation(matched: &GraphqlMatch, operation: &GraphqlOperation, effect: Effect) -> bool {
    let GraphqlMatch { operations, names, fields } = matched;
    let name = match &operation.name {
        Some(name) => listed(names, name, effect),
        None => names.is_empty(),
    };
    // What every schema has, and which tells nothing.
    let asked: Vec<&String> =
        operation.fields.iter().filter(|field| *field != "__typename").collect();
    let fields = fields.is_empty()
        || (asked.is_empty() && effect == Effect::Allow)
        || those(&asked, effect, |field| named(fields, field, effect));
    (operations.is_empty() || operations.contains(&operation.kind)) && name && fields
}
