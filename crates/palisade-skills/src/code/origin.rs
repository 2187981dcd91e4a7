use crate::Secret;

/// What kind of thing a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The content of a file that holds a secret; is it one entry of it, taken by name?
    Secret(Secret, bool),
    /// An environment variable.
    Variable(String),
    /// The whole environment.
    Environment,
    /// What the user and the agent said, the agent's memory.
    Conversation,
    /// Files found by walking the home folder or a wide tree.
    Files,
    /// The workspace's own changes and sources.
    Workspace,
    Clipboard,
    Screen,
    Keystrokes,
    /// Names of the machine and the user.
    Identity,
    /// Any other file.
    File(String),
    /// Bytes from the network; the address as far as known.
    Network(String),
    /// Data that arrives on a connection or in a chat: commands from somebody.
    Channel,
    /// A text that was decoded or computed from codes.
    Decoded,
    /// Something was encoded: base64, hex and the like.
    Encoded,
    /// The clock.
    Clock,
    /// Is this a test or a build machine?
    Checked,
    /// Arguments and input, which the caller chooses.
    Argument,
}

impl Tag {
    /// Does a condition on it make a gate?
    pub(crate) fn is_gate(&self) -> bool {
        match self {
            Self::Clock | Self::Checked | Self::Identity => true,
            Self::Variable(name) => matches!(
                name.as_str(),
                "CI" | "GITHUB_ACTIONS"
                    | "USER"
                    | "USERNAME"
                    | "HOSTNAME"
                    | "LOGNAME"
                    | "TZ"
                    | "SANDBOX"
                    | "PYTEST_CURRENT_TEST"
                    | "JEST_WORKER_ID"
            ),
            _ => false,
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) tag: Tag,
    /// The unit and the byte in it.
    pub(crate) at: (usize, u32),
}
