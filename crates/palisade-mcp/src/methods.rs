//! What is known of each method.

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It passes.
    Passes,
    /// In its answer the server says who it is and what it is for.
    Greets,
    /// Its answer lists tools, and is looked at.
    ListsTools,
    /// A call of a tool.
    Calls,
    /// It is decided like the call of a tool of this name.
    DecidedAs(&'static str),
}

/// What a client asks of a server.
pub(crate) fn of_client(method: &str) -> Option<Kind> {
    Some(match method {
        "initialize" => Kind::Greets,
        "ping"
        | "logging/setLevel"
        | "completion/complete"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list" => Kind::Passes,
        "tools/list" => Kind::ListsTools,
        "tools/call" => Kind::Calls,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            Kind::DecidedAs("resources_read")
        }
        "prompts/get" => Kind::DecidedAs("prompts_get"),
        _ => return None,
    })
}

/// What a server asks of a client.
pub(crate) fn of_server(method: &str) -> Option<Kind> {
    Some(match method {
        "ping" | "roots/list" => Kind::Passes,
        // The server would have the client's model work for it, or the user tell it something.
        "sampling/createMessage" => Kind::DecidedAs("sampling"),
        "elicitation/create" => Kind::DecidedAs("elicitation"),
        _ => return None,
    })
}
