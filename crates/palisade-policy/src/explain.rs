use palisade_alarms::Action;
use palisade_core::{SkillPolicy, TextPattern};
use palisade_hooks::Seen;
use palisade_permissions::Mode;
use serde::Serialize;

use crate::{
    amount,
    audit::Ship,
    http::Tls,
    policy::{
        Access, AwsKey, Deny, Guard, ModelLimits, NetworkRule, Place, Policy, ProcessLimits,
        RuleLimits, SecretSource, SkillRequire, Skills, Upstream, UpstreamHost,
    },
    taint::TaintedAct,
};

/// How a rule that permits nothing is told.
pub(crate) const ONLY_REFUSES: &str = "nothing by itself: only what it refuses at";

/// One rule of a policy, and what holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// How the journal names it.
    pub rule: String,
    /// What it does, in one sentence.
    pub says: String,
    /// The layers that hold it.
    pub layers: Vec<&'static str>,
    /// Whether only a layer that the agent could go round holds it.
    pub advisory: bool,
    /// Whether this version can enforce it. A launch refuses what it cannot.
    pub built: bool,
    /// How this machine holds it, where machines differ: for `process.limits`, filled in by who
    /// knows the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

fn one(rule: impl Into<String>, says: String, layers: &[&'static str]) -> Explained {
    let advisory = layers.is_empty();
    Explained {
        rule: rule.into(),
        says,
        layers: layers.to_vec(),
        advisory,
        built: true,
        held: None,
    }
}

/// Every rule of the policy, in the order of the document.
pub fn explain(policy: &Policy) -> Vec<Explained> {
    let mut all = Vec::new();
    files(policy, &mut all);
    network(policy, &mut all);
    process(policy, &mut all);
    models(policy, &mut all);
    hooks(policy, &mut all);
    permissions(policy, &mut all);
    taint(policy, &mut all);
    skills(&policy.skills, &mut all);
    for export in &policy.audit.exports {
        let says = format!("events are sent to {}; nothing inside waits for it", export.place());
        all.push(one(format!("audit.{}", export.key()), says, &["supervisor"]));
    }
    for ship in &policy.audit.ship {
        let mut says = format!(
            "a session that has ended goes to {} as it is, with the ledger; nothing inside waits for it",
            ship.place()
        );
        if let Ship::S3(s3) = ship
            && let Some(lock) = &s3.lock
        {
            let time = amount::span(std::time::Duration::from_secs(lock.seconds));
            let mode = if lock.compliance { "compliance" } else { "governance" };
            says.push_str(&format!("; it stays there for {time} ({mode})"));
        }
        all.push(one("audit.ship".to_owned(), says, &["supervisor"]));
    }
    for (class, seconds) in &policy.audit.retain {
        let time = amount::span(std::time::Duration::from_secs(*seconds));
        let says = format!(
            "records of the class {class} are removed after {time}, unless a hold forbids it"
        );
        all.push(one(format!("audit.retain.{class}"), says, &["supervisor"]));
    }
    if policy.audit.content {
        let says =
            "what is said to models and what they answer is kept, sealed for the key of recordings";
        all.push(one("audit.content".to_owned(), says.to_owned(), &["inference", "supervisor"]));
    }
    alarms(policy, &mut all);
    for missing in &policy.not_built {
        let says = format!("not built yet ({}): a launch refuses it", missing.at);
        let entry = one(&missing.what, says, &[]);
        all.push(Explained { advisory: false, built: false, ..entry });
    }
    all
}

fn skills(skills: &Skills, all: &mut Vec<Explained>) {
    let who = match skills.require {
        SkillRequire::Any => None,
        SkillRequire::Scanned => Some("that were scanned"),
        SkillRequire::Reviewed => Some("that a person or a trusted publisher approved"),
        SkillRequire::Signed => Some("that a trusted publisher signed"),
    };
    if let Some(who) = who {
        let says = format!(
            "the folders that agents load skills from hold those of the lock {who}, as they were then, \
             and cannot be changed"
        );
        all.push(one("skills.require", says, &["kernel"]));
    }
    if let Some(severity) = skills.block {
        let says = format!(
            "a skill of the lock with a finding that is {} or worse is not there",
            severity.as_str()
        );
        all.push(one("skills.block", says, &["kernel"]));
    }
    for (name, policies) in &skills.policies {
        let said: Vec<String> = policies.iter().map(SkillPolicy::told).collect();
        let says = format!(
            "what comes from files of the skill {name}, whatever it starts, may at most: {}; files are as for everybody",
            said.join("; and also ")
        );
        all.push(one(format!("skills.policies[{name}]"), says, &["exec", "egress", "inference"]));
    }
}

fn files(policy: &Policy, all: &mut Vec<Explained>) {
    if let Some(workspace) = &policy.filesystem.workspace {
        let how = match workspace.access {
            Access::ReadOnly => "read only",
            Access::ReadWrite => "read and write, but not its protected files",
            Access::Overlay => "changes kept apart",
        };
        let says = format!("the workspace {}: {how}", workspace.path.display());
        all.push(one("filesystem.workspace", says, &["kernel"]));
    }
    for grant in &policy.filesystem.grants {
        let how = if grant.writable { "read and write" } else { "read" };
        let when = if grant.required { "" } else { ", if it exists" };
        let says = format!("{how} {}{when}", grant.path.display());
        all.push(one(&grant.rule, says, &["kernel"]));
    }
    for entry in &policy.filesystem.deny {
        all.push(one(&entry.rule, denied(entry), &["kernel"]));
    }
}

/// What a deny hides. What has not its name yet when the sandbox starts, no mount can hide.
fn denied(entry: &Deny) -> String {
    match entry.pattern.strip_prefix("/**/") {
        Some(name) if entry.glob => format!(
            "hide what is at the launch like **/{name} in the workspace and in what your own \
             documents grant, but not in what only a profile grants for reading"
        ),
        _ if entry.glob => format!("hide what is at the launch like {}", entry.pattern),
        _ => format!("hide {}, if it exists at the launch", entry.pattern),
    }
}

fn network(policy: &Policy, all: &mut Vec<Explained>) {
    for (name, addresses) in &policy.network.hosts {
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let says = format!("{name} is at {}", list.join(", "));
        all.push(one(format!("network.hosts[{name}]"), says, &["egress"]));
    }
    if policy.network.ask {
        let says = format!(
            "what no rule names: the operator is asked; no answer in {} is a denial",
            amount::span(policy.approvals.timeout)
        );
        all.push(one("network.unknown", says, &["kernel", "egress"]));
    }
    if policy.approvals.desktop {
        let says = "questions are told by the desktop's notifications (notify-send)".to_owned();
        all.push(one("approvals.notify", says, &["supervisor"]));
    }
    if let Some(server) = &policy.approvals.webhook {
        let may = if server.key.is_some() { "and may answer, signed" } else { "and answers none" };
        let says = format!("{} is told of questions, {may}", server.url);
        all.push(one("approvals.webhook", says, &["supervisor"]));
    }
    if let Some(upstream) = &policy.network.upstream {
        all.push(one("network.upstream", leaves_by(upstream), &["egress"]));
    }
    for port in &policy.network.expose {
        let says = format!(
            "port {port} of the sandbox is at 127.0.0.1:{port} and [::1]:{port}, for you alone"
        );
        all.push(one(format!("network.expose[{port}]"), says, &["supervisor"]));
    }
    for rule in &policy.network.rules {
        let mut to: Vec<String> = rule.hosts.iter().map(ToString::to_string).collect();
        if to.is_empty() {
            to.extend(rule.addresses.iter().map(ToString::to_string));
        }
        let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
        let mut says = format!("connect to {} on port {}", to.join(", "), ports.join(", "));
        if !rule.hosts.is_empty() && !rule.addresses.is_empty() {
            let list: Vec<String> = rule.addresses.iter().map(ToString::to_string).collect();
            says.push_str(&format!(", also at {}", list.join(", ")));
        }
        if rule.only_denies {
            says = format!("{ONLY_REFUSES} {} counts", to.join(", "));
        } else if rule.http.is_some() {
            says.push_str(", for requests as below; the first that matches counts, none: denied");
        } else if rule.tls == Tls::Inspect {
            says.push_str(", for any HTTP request");
        }
        if !rule.records.is_empty() {
            let kinds: Vec<&str> = rule.records.iter().map(|kind| kind.as_str()).collect();
            says.push_str(&format!(", and ask for its {} records", kinds.join(", ")));
        }
        if !rule.binaries.is_empty() {
            let list: Vec<String> = rule.binaries.iter().map(ToString::to_string).collect();
            says.push_str(&format!(", for {} alone", list.join(", ")));
        }
        if let Some(credential) = &rule.credential {
            says.push_str(&format!(", with the credential {credential}"));
        }
        if let Some(certificate) = &rule.client_certificate {
            says.push_str(&format!(", showing the certificate of {certificate}"));
        }
        if let Some(when) = &rule.when {
            says.push_str(&format!("; only when `{when}`"));
        }
        all.push(one(&rule.rule, says, &["kernel", "egress"]));
        limited(rule, all);
        for (index, entry) in rule.http.iter().flatten().enumerate() {
            let id = format!("{}.http[{index}]", rule.rule);
            all.push(one(id, entry.to_string(), &["egress"]));
        }
    }
    for (name, credential) in &policy.network.credentials {
        if let Some(certificate) = &credential.certificate {
            let (key, file) = (key(&credential.from), certificate.display());
            let says = format!("{key}, for the certificate in {file}");
            all.push(one(format!("credentials[{name}]"), says, &["egress"]));
            continue;
        }
        let to = match &credential.place {
            Some(Place::Header(header)) => {
                format!("the header {}", header.split(':').next().unwrap_or_default().trim())
            }
            Some(Place::Query(field)) => {
                format!("the query's {}", field.split('=').next().unwrap_or_default())
            }
            Some(Place::Aws(AwsKey::Named(access_key))) => format!("signatures of {access_key}"),
            Some(Place::Aws(AwsKey::Printed)) => "signatures for AWS".to_owned(),
            None => "nothing".to_owned(),
        };
        let mut says = format!("{}, put into {to} outside", key(&credential.from));
        if let Some(variable) = &credential.expose {
            says.push_str(&format!("; {variable} inside holds a placeholder"));
        }
        all.push(one(format!("credentials[{name}]"), says, &["egress"]));
    }
    for (name, ssh) in &policy.network.ssh {
        let hosts: Vec<&str> = ssh.hosts.iter().map(palisade_core::HostName::as_str).collect();
        let keys = match ssh.keys.len() {
            1 => "a key".to_owned(),
            count => format!("{count} keys"),
        };
        let says = format!("log in to {} with {keys} of your ssh agent", hosts.join(", "));
        all.push(one(format!("credentials[{name}]"), says, &["supervisor"]));
    }
}

fn leaves_by(upstream: &Upstream) -> String {
    let port = upstream.port;
    let mut says = match &upstream.host {
        UpstreamHost::Name(name) => format!("leave by the proxy {name}:{port}"),
        UpstreamHost::Address(address) => {
            format!("leave by the proxy {}", std::net::SocketAddr::new(*address, port))
        }
    };
    let hosts = upstream.except_hosts.iter().map(ToString::to_string);
    let except: Vec<String> =
        hosts.chain(upstream.except_networks.iter().map(ToString::to_string)).collect();
    if !except.is_empty() {
        says.push_str(&format!(", but not to {}", except.join(", ")));
    }
    if let Some(credential) = &upstream.credential {
        says.push_str(&format!(", with {} as its password", key(&credential.from)));
    }
    if upstream.resolves {
        says.push_str("; it finds the addresses, and none is judged");
    }
    says
}

fn key(from: &SecretSource) -> String {
    match from {
        SecretSource::Env(variable) => format!("the key in {variable}"),
        SecretSource::File(path) => format!("the key in {}", path.display()),
        SecretSource::Command(_) => "a command's key".to_owned(),
        SecretSource::Keyring(_) => "a key of the desktop's key store".to_owned(),
        SecretSource::OAuth2(oauth2) => format!("access tokens of {}", oauth2.token_url),
        SecretSource::Vault(vault) => format!("the key in {} of {}", vault.path, vault.url),
    }
}

fn limited(rule: &NetworkRule, all: &mut Vec<Explained>) {
    let RuleLimits { requests_per_minute, sent } = rule.limits;
    let requests = requests_per_minute.map(|most| format!("{most} requests in a minute"));
    let sent = sent.map(|most| format!("{} sent in a session", amount::size(most)));
    let parts: Vec<String> = requests.into_iter().chain(sent).collect();
    if !parts.is_empty() {
        let says = format!("at most {} to its hosts and ports", parts.join(" and "));
        all.push(one(format!("{}.limits", rule.rule), says, &["egress"]));
    }
}

fn process(policy: &Policy, all: &mut Vec<Explained>) {
    limits(&policy.process.limits, all);
    for (name, list) in
        [("allow", &policy.process.syscalls.allow), ("deny", &policy.process.syscalls.deny)]
    {
        for call in list {
            let rule = format!("process.syscalls.{name}[{call}]");
            all.push(one(rule, format!("{name} the system call {call}"), &["kernel"]));
        }
    }
    for name in &policy.process.pass {
        let rule = format!("process.environment.pass[{name}]");
        all.push(one(rule, format!("the variable {name} is passed"), &["supervisor"]));
    }
    for name in policy.process.set.keys() {
        let rule = format!("process.environment.set[{name}]");
        all.push(one(rule, format!("the variable {name} is set"), &["supervisor"]));
    }
}

/// How each is held depends on the machine; who knows it fills in `held`.
fn limits(limits: &ProcessLimits, all: &mut Vec<Explained>) {
    let mut limit = |name: &str, says: Option<String>, layers: &[&'static str]| {
        if let Some(says) = says {
            all.push(one(format!("process.limits.{name}"), says, layers));
        }
    };
    let (kernel, both) = (&["kernel"][..], &["kernel", "supervisor"][..]);
    let memory = |n| format!("{} of memory for all processes together", amount::size(n));
    limit("memory", limits.memory.map(memory), both);
    limit("processes", limits.processes.map(|n| format!("{n} processes and threads")), kernel);
    let time = |n: u64| format!("the time of {} processors", thousandths(n));
    limit("cpus", limits.cpu_thousandths.map(time), kernel);
    let files = limits.open_files.map(|n| format!("{n} open files a process"));
    limit("open_files", files, kernel);
    let disk = |n| format!("{0} more in the writable folders, {0} in one file", amount::size(n));
    limit("disk", limits.disk.map(disk), both);
    let scratch = |n| format!("{} in the private folders in memory", amount::size(n));
    limit("scratch", limits.scratch.map(scratch), kernel);
    let ends = limits.wall_time.map(|time| format!("ends after {}", amount::span(time)));
    limit("wall_time", ends, &["supervisor"]);
}

/// As a decimal number, without noughts at its end.
fn thousandths(number: u64) -> String {
    let text = format!("{}.{:03}", number / 1000, number % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A hook holds what the layer holds that its event comes from.
fn permissions(policy: &Policy, all: &mut Vec<Explained>) {
    let Some(permissions) = &policy.permissions else { return };
    let says = match permissions.mode {
        Mode::Default => {
            "a tool call that no rule names is asked, unless it only reads in the workspace"
        }
        Mode::AcceptEdits => {
            "a tool call that no rule names is asked, unless it reads or edits in the workspace"
        }
        Mode::Plan => {
            "a tool call that no rule names is refused, unless it only reads in the workspace"
        }
        Mode::DontAsk => "a tool call that would be asked is refused",
        Mode::BypassPermissions => "a tool call that no rule names is permitted",
    };
    let held: Vec<&str> = permissions.of_commands().map(|rule| rule.text.as_str()).collect();
    all.push(one("permissions.mode", says.to_owned(), &["inference", "tool"]));
    for (list, does, rules) in [
        ("deny", "refuse", &permissions.deny),
        ("ask", "ask for", &permissions.ask),
        ("allow", "permit", &permissions.allow),
    ] {
        for rule in rules {
            let text = &rule.text;
            let name = format!("permissions.{list}[{text}]");
            let executed = list != "allow" && held.contains(&text.as_str());
            let mut entry = if executed {
                let says = format!(
                    "{does} the tool calls `{text}`, and these programs wherever they are executed"
                );
                one(name, says, &["exec", "inference", "tool"])
            } else if rule.hidden {
                let says = format!(
                    "{does} the tool calls `{text}`, and hide these files as far as they are there at the launch"
                );
                one(name, says, &["kernel", "inference", "tool"])
            } else {
                let mut entry =
                    one(name, format!("{does} the tool calls `{text}`"), &["inference", "tool"]);
                // What a program does that runs already is no tool call.
                entry.advisory = list != "allow";
                entry
            };
            if let Some(when) = &rule.when {
                entry.says.push_str(&format!("; only when `{when}`"));
            }
            all.push(entry);
        }
    }
}

fn taint(policy: &Policy, all: &mut Vec<Explained>) {
    let Some(taint) = &policy.taint else { return };
    let words: Vec<&str> = taint.by.iter().map(|how| how.as_str()).collect();
    let mut says = format!("content that nobody answers for is remembered: {}", words.join(", "));
    if !taint.hosts.is_empty() {
        let hosts: Vec<String> = taint.hosts.iter().map(ToString::to_string).collect();
        says.push_str(&format!(" ({})", hosts.join(", ")));
    }
    all.push(one("taint.by", says, &["egress", "inference", "tool"]));
    for act in &taint.acts {
        let says = format!("once it came in, these are asked for: {}", act.says());
        let layers: &[&'static str] = match act {
            TaintedAct::Push | TaintedAct::Publish => &["exec", "egress", "inference", "tool"],
            TaintedAct::Send | TaintedAct::Secrets => &["egress"],
        };
        all.push(one(format!("taint.ask[{}]", act.as_str()), says, layers));
    }
    for rule in &taint.rules {
        let says = format!("once it came in, the tool calls `{}` are asked for", rule.text);
        let executed = rule.is_for_commands();
        let layers: &[&'static str] =
            if executed { &["exec", "inference", "tool"] } else { &["inference", "tool"] };
        let mut entry = one(format!("taint.ask[{}]", rule.text), says, layers);
        entry.advisory = !executed;
        all.push(entry);
    }
}

fn alarms(policy: &Policy, all: &mut Vec<Explained>) {
    let Some(alarms) = &policy.alarms else { return };
    let words = |actions: &mut dyn Iterator<Item = &Action>| {
        let words: Vec<&str> = actions.map(|action| action.as_str()).collect();
        words.join(", ")
    };
    for rule in &alarms.rules {
        let does = words(&mut rule.actions.iter());
        let says = format!("{} ({}): {does}", rule.title, rule.severity.as_str());
        all.push(one(format!("alarms.rules[{}]", rule.id), says, &["supervisor"]));
    }
    let Some(canaries) = &alarms.canaries else { return };
    let files: Vec<String> = canaries.files.iter().map(|it| it.display().to_string()).collect();
    let variables = canaries.variables.iter().cloned();
    let hosts = canaries.hosts.iter().map(ToString::to_string);
    let named: Vec<String> = files.into_iter().chain(variables).chain(hosts).collect();
    let says = format!("decoys, new in each sandbox: {}", named.join(", "));
    all.push(one("alarms.canaries", says, &["supervisor"]));
}

fn hooks(policy: &Policy, all: &mut Vec<Explained>) {
    for (event, hook) in policy.hooks.iter() {
        let models = policy.inference.is_some();
        let (layers, advisory): (&[&'static str], bool) = match event.seen() {
            // Whatever an agent announces, it asked a model for it first.
            Seen::Tool if models => (&["inference", "tool"], false),
            Seen::Connections | Seen::Requests => (&["egress"], false),
            Seen::Models => (&["inference"], false),
            Seen::Skills | Seen::Alarms => (&["supervisor"], false),
            Seen::Execs => (&["exec"], false),
            _ => (&["tool"], true),
        };
        let about = match (hook.matcher.is_all(), &hook.only_if) {
            (true, None) => String::new(),
            (false, None) => format!(" of {}", hook.matcher),
            (true, Some(rule)) => format!(" if {rule}"),
            (false, Some(rule)) => format!(" of {} if {rule}", hook.matcher),
        };
        let ends = if hook.detached {
            "nobody waits for it".to_owned()
        } else if event.is_gate() {
            format!(
                "at most {}; should it fail: {}",
                amount::span(hook.timeout),
                hook.on_error.as_str()
            )
        } else {
            format!("at most {}", amount::span(hook.timeout))
        };
        let says = format!("{event}{about}: {}, outside, as you; {ends}", hook.handler);
        all.push(Explained { advisory, ..one(&hook.rule, says, layers) });
    }
}

fn models(policy: &Policy, all: &mut Vec<Explained>) {
    let Some(inference) = &policy.inference else { return };
    for (name, provider) in &inference.providers {
        let with = match &provider.credential {
            None => "no key".to_owned(),
            Some(credential) => format!("{}, added outside", key(&credential.from)),
        };
        let says = format!("{name} is {}, with {with}", provider.url);
        all.push(one(format!("inference.providers[{name}]"), says, &["inference"]));
    }
    for (index, route) in inference.routes.iter().enumerate() {
        let renamed = route.rename.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
        let others: Vec<&str> = route.fallback.iter().map(|other| other.to.as_str()).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            others => format!(", or else {}", others.join(", ")),
        };
        let says = format!("models like {} go to {}{renamed}{others}", route.model, route.to);
        all.push(one(format!("inference.routes[{index}]"), says, &["kernel", "inference"]));
    }
    let tools: Vec<&str> = inference.server_tools.iter().map(|tool| tool.as_str()).collect();
    if !tools.is_empty() {
        let says = format!("at providers these tools may run: {}", tools.join(", "));
        all.push(one("inference.server_tools", says, &["inference"]));
    }
    if inference.block_results {
        let says = "results of tool calls that were not let go are refused";
        all.push(one("inference.tool_results", says.to_owned(), &["inference"]));
    }
    for limits in &inference.limits {
        model_limits(limits, all);
    }
    if inference.redact {
        let says = "keys and what denied files hold are taken out of what goes to a model, as far \
                    as they are recognised";
        all.push(one("inference.redact", says.to_owned(), &["inference"]));
    }
    if inference.restore {
        let says =
            "marks are turned back in answers, where the agent had sent the secret".to_owned();
        all.push(one("inference.restore", says, &["inference"]));
    }
    if let Some(of) = &inference.local_only {
        let mut kinds = Vec::new();
        for (has, kind) in [
            (of.secrets, "secrets"),
            (of.cards, "numbers of cards"),
            (!of.texts.is_empty(), "certain words"),
            (!of.patterns.is_empty(), "certain patterns"),
        ] {
            if has {
                kinds.push(kind);
            }
        }
        let says = format!("prompts with {} go to local providers only", kinds.join(", "));
        all.push(one("inference.local_only", says, &["inference"]));
    }
    if let Some(guard) = inference.guard {
        let does = match guard {
            Guard::Observe => "recorded",
            Guard::Annotate => "recorded, and the model is told",
            Guard::Block => "recorded, and kept from the model",
        };
        let says = format!("results of tools that look like instructions to the model are {does}");
        all.push(one("inference.guard", says, &["inference"]));
    }
}

fn model_limits(limits: &ModelLimits, all: &mut Vec<Explained>) {
    let mut limit = |name: &str, says: Option<String>| {
        if let Some(says) = says {
            let says = format!("{says} ({})", limits.scope);
            all.push(one(format!("inference.limits.{name}"), says, &["inference"]));
        }
    };
    let dollars = |billionths: u64| format!("{} US dollars", thousandths(billionths / 1_000_000));
    let list = |names: &Vec<TextPattern>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.iter().map(TextPattern::as_str).collect::<Vec<_>>().join(", "),
    };
    let calls = limits.requests_per_minute;
    limit("requests_per_minute", calls.map(|n| format!("{n} calls in a minute")));
    let tokens = limits.tokens_per_minute;
    limit("tokens_per_minute", tokens.map(|n| format!("{n} tokens in a minute")));
    limit("tokens_per_day", limits.tokens_per_day.map(|n| format!("{n} tokens in a day")));
    let tokens = limits.tokens_per_session;
    limit("tokens_per_session", tokens.map(|n| format!("{n} tokens in a session")));
    limit("usd_per_day", limits.usd_per_day.map(|n| format!("{} in a day", dollars(n))));
    limit(
        "usd_per_session",
        limits.usd_per_session.map(|n| format!("{} in a session", dollars(n))),
    );
    limit("concurrent", limits.concurrent.map(|n| format!("{n} calls at one time")));
    limit("max_tokens", limits.max_tokens.map(|n| format!("{n} tokens in an answer")));
    limit("tools", limits.tools.as_ref().map(|names| format!("tools offered: {}", list(names))));
    limit("betas", limits.betas.as_ref().map(|names| format!("betas: {}", list(names))));
}
