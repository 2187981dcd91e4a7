//! One file a target.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::Target;

macro_rules! targets {
    ($($name:ident: $about:literal,)*) => {
        $(mod $name;)*

        /// All of them.
        pub static TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), about: $about, run: $name::target },)*
        ];
    };
}

targets! {
    dns: "a packet to the resolver",
    dns_answer: "a nameserver's answer to a question of ours",
    tls_hello: "the first bytes of TLS, for the name they ask for",
    http_head: "the first bytes of HTTP/1, for the host they name",
    http_requests: "a connection of HTTP/1 that is looked into",
    proxy_head: "what a client asks a proxy for, by HTTP or SOCKS",
    aws_request: "a request that a client signed for AWS",
    http_path: "a request's path against patterns",
    http_rules: "a request and its body against the rules of a policy",
    scrub_egress: "an answer that reflects a credential",
    scrub_model: "a model's answer that reflects its key",
    sse: "server-sent events",
    model_stream: "answers of models, with calls of tools in them",
    model_frames: "AWS' binary event streams",
    model_socket: "what a client sends to a model over a WebSocket",
    model_request: "bodies for models: renamed, translated, redacted",
    shell: "a shell command line",
    permissions: "a shell command against permission rules, with noise around it",
    permission_rule: "a permission rule, and a call of any tool",
    hook_input: "what an agent announces to a hook",
    hook_output: "what a hook prints",
    mcp: "messages of the Model Context Protocol",
    policy: "a policy document, and an act against it",
    import: "settings of other tools",
    integrate: "settings of an agent that a hook is put into",
    condition: "`when:` of a rule",
    alarm_rules: "a file of alarm rules, and an event",
    journal_record: "a record of the journal, in every form that leaves",
    journal_notes: "checkpoints, keys, stamps and proofs of a journal",
    journal_folder: "a journal's folder",
    recording: "a terminal's recording",
    skill: "a skill with one more file of any kind",
    skill_report: "a verdict from a reader in its cell",
    skill_tree: "archives and packed trees of skills",
    skill_review: "what a model answers of a skill, and what YARA writes",
    skill_lock: "the lock, advisories, keys and signatures of skills",
    sigstore: "Sigstore bundles, and the roots that they are verified under",
    ssh: "messages to the ssh agent, and known hosts",
}

/// What a future gives that waits for nothing.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}
