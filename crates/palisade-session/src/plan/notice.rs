//! What the agent is told about its sandbox: a plain text inside, made from the policy.

use std::fmt::Write as _;

use palisade_core::SessionId;
use palisade_policy::Tls;
use palisade_sandbox::Content;

use super::tree::Tree;
use crate::order::Order;

/// The text of `/run/palisade/policy.md`. It tells an agent only what it could find out by trying.
pub(crate) fn text(order: &Order, session: &SessionId, tree: &Tree) -> String {
    let mut text = String::from(
        "# You run in a sandbox\n\n\
         Palisade confines this process and everything it starts. What is not listed here is \
         refused by the kernel or by the supervisor outside, which writes down what it refuses. \
         Trying again or another way does not help: say what you need, and why, to the person \
         you work for. They can add it to the policy and start you again.\n",
    );
    files(&mut text, tree);
    network(&mut text, order);
    keys(&mut text, order);
    models(&mut text, order);
    process(&mut text, order);
    let mut last = |line: &str| text.push_str(line);
    last("\n## Asking for more\n\n");
    last(
        "Name the path, or the host and port, and what it is for. The operator adds it to \
          `filesystem` or `network.rules` of the policy. There is no way to ask from inside \
          while you run.\n\n",
    );
    last(&format!("Session {session}, policy {}.\n", order.policy.digest.as_str()));
    text
}

fn files(text: &mut String, tree: &Tree) {
    text.push_str("\n## Files\n\n");
    let mut list = |title: &str, writable: bool| {
        text.push_str(title);
        for (at, content) in tree.iter() {
            if super::shows(content) == Some(writable) {
                line(text, format_args!("- `{}`", at.display()));
            }
        }
        text.push('\n');
    };
    list("Read and write:\n\n", true);
    list("Read only:\n\n", false);
    for (at, content) in tree.iter() {
        if matches!(content, Content::Overlay(_)) {
            line(
                text,
                format_args!(
                    "What you change in `{}` is kept apart until the operator takes it. A folder that \
                     was there before you cannot be renamed (EXDEV): copy it, as `mv` does.\n",
                    at.display()
                ),
            );
        }
    }
    text.push_str(
        "Your home, `/tmp`, `/var/tmp` and `/dev/shm` are private, writable and gone when you \
         end. Nothing else exists here.\n",
    );
    if tree.iter().any(|(at, _)| at.ends_with(".git/config")) {
        text.push_str(
            "\nCommits, branches and worktrees work as everywhere. `.git/config`, hooks and \
             `.gitmodules` cannot be changed, so `git config`, `git remote add`, `git push -u` and \
             `git submodule add` fail to write them: give a setting with `git -c`, a remote by its \
             URL.\n",
        );
    }
}

fn network(text: &mut String, order: &Order) {
    text.push_str("\n## Network\n\n");
    for port in &order.policy.network.expose {
        line(
            text,
            format_args!("The operator looks at your port {port} as `http://localhost:{port}/`.\n"),
        );
    }
    let rules = &order.policy.network.rules;
    if rules.iter().all(|rule| rule.only_denies) {
        text.push_str("No host can be reached.\n");
        return;
    }
    text.push_str("TCP only, to these:\n\n");
    for rule in rules.iter().filter(|rule| !rule.only_denies) {
        let hosts: Vec<String> = rule.hosts.iter().map(ToString::to_string).collect();
        let to = if hosts.is_empty() {
            rule.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        } else {
            hosts.join(", ")
        };
        let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
        let seen = if rule.tls == Tls::Inspect { ", each request" } else { "" };
        line(text, format_args!("- {to}, port {}{seen}", ports.join(", ")));
        for entry in rule.http.iter().flatten() {
            line(text, format_args!("  - {entry}"));
        }
    }
    if rules.iter().any(|rule| rule.tls == Tls::Inspect) {
        text.push_str(
            "\nWhere it says \"each request\", HTTP is decided request by request, also inside TLS. One \
             that is refused is answered with status 403 and a JSON body that says why and what the \
             operator can do. Of what is listed below a host the first that fits counts, and what fits \
             none is refused. Programs with a list of certificates of their own must use the one that \
             SSL_CERT_FILE names.\n",
        );
    }
}

fn keys(text: &mut String, order: &Order) {
    let network = &order.policy.network;
    if network.credentials.is_empty() && network.ssh.is_empty() {
        return;
    }
    text.push_str("\n## Keys\n\n");
    let of = |name: &String| {
        let mut rules = network.rules.iter().filter(|rule| rule.credential.as_ref() == Some(name));
        let first = rules.next().map(|rule| rule.hosts.iter().map(ToString::to_string));
        first.map(|hosts| hosts.collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    for (name, credential) in &network.credentials {
        match &credential.expose {
            Some(variable) => line(
                text,
                format_args!(
                    "- `{variable}` is a placeholder. Requests to {} get the real key outside, also if \
                     you send none; it is of no use anywhere else.",
                    of(name)
                ),
            ),
            None => {
                line(text, format_args!("- Requests to {} get a key outside. Send none.", of(name)))
            }
        }
    }
    for ssh in network.ssh.values() {
        let hosts: Vec<&str> = ssh.hosts.iter().map(palisade_core::HostName::as_str).collect();
        line(
            text,
            format_args!(
                "- `ssh`, and git over ssh, log in to {} with keys outside (`SSH_AUTH_SOCK`).",
                hosts.join(", ")
            ),
        );
    }
}

fn models(text: &mut String, order: &Order) {
    let Some(inference) = &order.policy.inference else { return };
    text.push_str(
        "\n## Models\n\nModels answer at `http://inference.local`. No key is needed: the one in \
         your environment is a placeholder, and the real one is added outside. These models are \
         routed:\n\n",
    );
    for route in &inference.routes {
        line(text, format_args!("- `{}`", route.model));
    }
}

fn process(text: &mut String, order: &Order) {
    let limits = &order.policy.process.limits;
    text.push_str("\n## Process\n\nNo privileges, no namespaces, no tracing of other processes.\n");
    let mut limit = |what: &str, value: Option<u64>| {
        if let Some(value) = value {
            line(text, format_args!("- {what}: {value}"));
        }
    };
    limit("bytes of memory for all processes together", limits.memory);
    limit("processes and threads", limits.processes);
    limit("thousandths of a processor's time", limits.cpu_thousandths);
    limit("open files a process", limits.open_files);
    limit("bytes that you may add to the folders you can write to", limits.disk);
    limit("seconds until the session ends", limits.wall_time.map(|time| time.as_secs()));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
}
