//! What the analysis of code can find.

use crate::{Rule, Severity, Technique};

macro_rules! rules {
    ($($name:ident $id:literal $technique:ident $severity:ident $why:literal $clear:literal [$($reference:literal)*])*) => {
        $(
            pub(crate) static $name: Rule = Rule {
                id: $id,
                technique: Technique::$technique,
                severity: Severity::$severity,
                why: $why,
                clear: $clear,
                references: &[$($reference),*],
            };
        )*
        /// All of them, for documentation.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    DOWNLOAD_RUN "download-and-run" DownloadAndRun High
        "Whoever controls the other end decides what runs, now and at each later run."
        "Ship the code in the package, or pin the download to a digest that is checked before it runs."
        ["AML.T0011" "LLM03" "ASI04"]
    DECODE_RUN "obfuscation-decode-and-run" Obfuscation High
        "Code that is decoded before it runs is hidden from whoever reads the skill."
        "Ship the code as plain text."
        ["AML.T0011" "LLM03" "ASI05"]
    COMPUTED_NAME "obfuscation-computed-name" Obfuscation High
        "A name that is put together from pieces hides which function or program is called."
        "Call it by its name."
        ["LLM03" "ASI05"]
    HIDDEN_ADDRESS "obfuscation-hidden-address" Obfuscation High
        "An address that is encoded or put together from codes hides where data goes to or comes from."
        "Write the address as plain text."
        ["LLM03" "ASI04"]
    SECRET_SENT "exfiltration-secret" Exfiltration Critical
        "A stored secret leaves for a place that has no claim to it."
        "Remove the read or the transfer; ask for the skill's own token instead."
        ["AML.T0024" "LLM02" "ASI02"]
    ENVIRONMENT_SENT "exfiltration-environment" Exfiltration Critical
        "The environment holds the tokens of everything that the user works with."
        "Read only the variables that the skill declares."
        ["AML.T0024" "LLM02" "ASI02"]
    VARIABLE_SENT "exfiltration-variable" Exfiltration High
        "A token is sent to a host that did not issue it."
        "Send each token to the service that it belongs to, only."
        ["AML.T0024" "LLM02" "ASI02"]
    USER_DATA_SENT "exfiltration-user-data" Exfiltration High
        "Files, conversations or what is on the screen leave for somebody outside."
        "Say in the description what is sent and where; let the user choose the file."
        ["AML.T0024" "LLM02" "ASI02"]
    DNS_SENT "exfiltration-dns" Exfiltration High
        "Data in the labels of a name reaches whoever runs that domain, past most proxies."
        "Do not put data into names that are looked up."
        ["AML.T0024" "LLM02" "ASI02"]
    IDENTITY_SENT "exfiltration-identity" Exfiltration Medium
        "The machine's and the user's names tell somebody outside whom he reached."
        "Remove the beacon, or say in the description what is sent and where."
        ["AML.T0024" "LLM02"]
    SECRET_READ "credential-access" CredentialAccess Medium
        "A secret that other programs keep is read."
        "Ask for the skill's own token in a declared variable."
        ["AML.T0055" "LLM02" "ASI03"]
    SECRET_COPIED "credential-staging" CredentialAccess High
        "Secrets are gathered into a file or shown to the model, from where they leave unseen."
        "Do not copy what other programs keep."
        ["AML.T0055" "LLM02" "ASI03"]
    REVERSE_SHELL "remote-control-shell" RemoteControl Critical
        "A shell that is joined to a connection gives the machine to whoever is at its other end."
        "There is no harmless form of it in a skill that runs."
        ["AML.T0072" "ASI05"]
    COMMAND_CHANNEL "remote-control-channel" RemoteControl Critical
        "Commands that arrive over the network are run."
        "Run only commands that the package holds."
        ["AML.T0072" "ASI05"]
    PERSISTENCE "persistence" Persistence Medium
        "It acts again later, without the skill being asked for."
        "Let the user add it himself, and say how to remove it."
        ["AML.T0081" "ASI10"]
    AGENT_MEMORY "persistence-agent" Persistence Medium
        "Standing orders, hooks and settings of the agent steer all later sessions."
        "Propose the text to the user instead of writing it."
        ["AML.T0080" "AML.T0081" "LLM01" "ASI06"]
    REDIRECT "config-redirect" ConfigRedirect Medium
        "Whoever runs that host sees or changes all that is sent through it."
        "Leave model addresses, registries and proxies to the user."
        ["AML.T0081" "LLM03" "ASI04"]
    DESTRUCTION "destruction" Destruction High
        "Data is destroyed that the skill did not make."
        "Delete only what the skill itself wrote, by its full path."
        ["ASI02" "ASI08"]
    DEFENCE_OFF "defence-off" Destruction High
        "A protection of the machine is turned off, or its traces are removed."
        "Leave the machine's protections on."
        ["ASI02" "ASI05"]
    MINER "resource-abuse" Destruction Critical
        "The machine works for somebody else."
        "Remove it."
        ["AML.T0034" "LLM10"]
    APPROVAL_OFF "approval-bypass" ApprovalBypass Medium
        "An agent that asks nobody does whatever the next text says."
        "Leave permission prompts and sandboxes on."
        ["LLM06" "ASI03"]
    CONDITION "condition-gate" Condition Medium
        "What waits for a time, a machine or a missing check is made not to be seen in a review."
        "Do the same everywhere, or say in the description when and why not."
        ["ASI05"]
    ESCAPE "escape" Escape High
        "It reaches out of the place where it should be confined."
        "Do without the host's sockets, devices and root folder."
        ["ASI05"]
    NOT_VETTED "not-vetted-code" NotVetted Medium
        "What could not be read can do anything."
        "Split the file, or ship its source as plain text."
        []
}
