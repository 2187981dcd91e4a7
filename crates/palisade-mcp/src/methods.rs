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
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list" => Kind::Passes,
        "tools/list" => Kind::ListsTools,
        "tools/call" => Kind::Calls,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            Kind::DecidedAs("resources_read")
        }
        "prompts/get" => Kind::DecidedAs("prompts_get"),
        // What was typed so far goes to the server.
        "completion/complete" => Kind::DecidedAs("completion"),
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

/// What either side tells the other, of MCP's revisions up to 2025-11-25. What a client knows besides may be for its model.
pub(crate) fn is_notification(method: &str) -> bool {
    const KNOWN: [&str; 11] = [
        "cancelled",
        "elicitation/complete",
        "initialized",
        "message",
        "progress",
        "prompts/list_changed",
        "resources/list_changed",
        "resources/updated",
        "roots/list_changed",
        "tasks/status",
        "tools/list_changed",
    ];
    method.strip_prefix("notifications/").is_some_and(|what| KNOWN.contains(&what))
}
