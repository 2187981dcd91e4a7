//! A project's file is code from a repository: it narrows, and widens only once it is trusted.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use palisade_policy::{Access, Policy, Trust, untrust};

use crate::world::World;

const NOT_TRUSTED: &str = "this project's policy is not trusted, and it adds ";

/// What an untrusted project may not do, and does when it is trusted: `shows` sees it.
#[track_caller]
fn widens(user: &str, project: &str, says: &str, shows: impl Fn(&Policy) -> bool) {
    let world = World::new();
    world.user(user);
    assert!(!shows(&world.policy()), "it is there without the project");
    world.project(project);
    let wrong = world.wrong();
    assert!(wrong.contains(&format!("{NOT_TRUSTED}{says}")), "{wrong}");
    assert!(wrong.contains("work/palisade.yaml:"), "{wrong}");
    assert!(shows(&world.trust().policy()), "it does nothing when it is trusted");
}

/// What an untrusted project may do; the policy that comes of it.
#[track_caller]
fn narrows(user: &str, project: &str) -> Policy {
    let world = World::new();
    world.user(user).project(project).policy()
}

fn grants(path: &str, writable: bool) -> impl Fn(&Policy) -> bool {
    move |policy| {
        let mut grants = policy.filesystem.grants.iter();
        grants.any(|grant| grant.path.ends_with(path) && grant.writable == writable)
    }
}

#[test]
fn the_proxy_that_connections_leave_by() {
    let shows = |policy: &Policy| policy.network.upstream.is_some();
    let project = "network: {upstream: {proxy: 'http://proxy.corp:3128'}}";
    widens("", project, "a proxy that connections leave by", shows);
    let known = narrows(project, project);
    assert!(shows(&known));
    let other = project.replace("3128", "3129");
    let world = World::new();
    world.user(project).project(&other);
    assert!(world.wrong().contains("a proxy that connections leave by"));
}

#[test]
fn client_certificates() {
    let rules = "network: {rules: [{hosts: [a.example], client_certificate: c}]}";
    let project = format!("{rules}\ncredentials: {{c: {{from: {{file: /k}}, certificate: /c}}}}");
    let shows = |policy: &Policy| !policy.network.rules.is_empty();
    widens("", &project, "the network rule", shows);
}

#[test]
fn files() {
    widens("", "filesystem: {read: [~/.ssh]}", "reading", grants(".ssh", false));
    widens(
        "filesystem: {read: [/srv]}",
        "filesystem: {write: [/srv]}",
        "writing",
        grants("srv", true),
    );
    widens(
        "filesystem: {read: [/srv/a]}",
        "filesystem: {read: [/srv]}",
        "reading",
        grants("srv", false),
    );
    // Inside the workspace a path that is named exactly is no longer protected.
    let hooks = "filesystem: {write: [.git/hooks]}";
    widens("filesystem: {workspace: {access: rw}}", hooks, "writing", grants("hooks", true));
    let world = World::new();
    let work = world.at("work").display().to_string();
    world.user(&format!("filesystem: {{write: [{work}]}}")).project(hooks);
    assert!(world.wrong().contains("it adds writing to /work/.git/hooks"));
}

#[test]
fn the_workspace() {
    let access = |access: Access| {
        move |policy: &Policy| {
            policy.filesystem.workspace.as_ref().is_some_and(|workspace| workspace.access == access)
        }
    };
    let ro = "filesystem: {workspace: {access: ro}}";
    let rw = "filesystem: {workspace: {access: rw}}";
    widens(ro, rw, "write access to the workspace", access(Access::ReadWrite));
    widens("", ro, "a workspace", access(Access::ReadOnly));
    let overlay = "filesystem: {workspace: {access: overlay}}";
    widens(ro, overlay, "changes to the workspace, kept apart", access(Access::Overlay));
    let policy = narrows(rw, ro);
    assert_eq!(policy.filesystem.workspace.unwrap().access, Access::ReadOnly);
    // Naming a folder says nothing about what may be done there.
    let policy = narrows(ro, "filesystem: {workspace: {path: src}}").filesystem.workspace.unwrap();
    assert!(policy.path.ends_with("work/src") && policy.access == Access::ReadOnly);
}

#[test]
fn the_workspace_elsewhere() {
    let world = World::new();
    world.user("filesystem: {workspace: {access: rw}}");
    let home = world.at("home").display().to_string();
    world.project(&format!("filesystem: {{workspace: {{path: {home}}}}}"));
    assert!(world.wrong().contains("it adds /home as the workspace"));
    world.project("filesystem: {workspace: {path: ..}}");
    assert!(world.wrong().contains("`..` leaves the folder that it starts at"));
    // The user's policy has another one, in which this folder is not.
    world.user(&format!("filesystem: {{workspace: {{path: {home}, access: rw}}}}"));
    world.project("filesystem: {workspace: {path: .}}");
    assert!(world.wrong().contains("it adds /work as the workspace"));
}

/// A link in a repository decides nothing, whoever trusts the file.
#[test]
fn links_out_of_the_project() {
    let world = World::new();
    world.user("filesystem: {workspace: {access: rw}, read: [/srv]}");
    symlink(world.at("home"), world.at("work/link")).unwrap();
    fs::create_dir(world.at("home/inner")).unwrap();
    for text in [
        "filesystem: {workspace: {path: link}}",
        "filesystem: {workspace: {path: link/inner}}",
        "filesystem: {read: [link]}",
        "filesystem: {write: [link/inner]}",
    ] {
        world.project(text);
        let wrong = world.wrong();
        assert!(wrong.contains("leads out of the project's folder, to /home"), "{wrong}");
        let look = world.look().unwrap_err().to_string();
        assert!(look.contains("leads out of the project's folder"), "{look}");
    }
}

/// The workspace is the folder that was looked at, not a name that leads there.
#[test]
fn a_link_in_the_project_is_resolved_once() {
    let world = World::new();
    world.user("filesystem: {workspace: {access: rw}}");
    fs::create_dir(world.at("work/src")).unwrap();
    symlink("src", world.at("work/link")).unwrap();
    world.project("filesystem: {workspace: {path: link}}");
    assert_eq!(world.policy().filesystem.workspace.unwrap().path, world.at("work/src"));
}

#[test]
fn network() {
    let rules = |hosts: &'static str| {
        move |policy: &Policy| {
            policy.network.rules.iter().any(|rule| rule.hosts.contains(&hosts.parse().unwrap()))
        }
    };
    let user = "network: {rules: [{hosts: [\"*.example\"]}]}";
    widens(
        user,
        "network: {rules: [{hosts: [evil.test]}]}",
        "the network rule",
        rules("evil.test"),
    );
    widens(
        user,
        "network: {rules: [{hosts: [\"**.example\"]}]}",
        "the network rule",
        rules("**.example"),
    );
    let port = |policy: &Policy| policy.network.rules.iter().any(|rule| rule.ports.contains(&22));
    widens(user, "network: {rules: [{hosts: [a.example], ports: [22]}]}", "the network rule", port);
    let metadata = "network: {rules: [{hosts: [a.example], addresses: [169.254.169.254]}]}";
    let named =
        |policy: &Policy| policy.network.rules.iter().any(|rule| !rule.addresses.is_empty());
    widens(user, metadata, "the network rule", named);
    // Where a permitted name leads.
    let fixed = |policy: &Policy| {
        policy.network.hosts.values().flatten().any(|address| address.to_string() == "203.0.113.66")
    };
    widens(
        user,
        "network: {hosts: {a.example: [203.0.113.66]}}",
        "fixed addresses for a.example",
        fixed,
    );
    let user = "network: {hosts: {a.example: [203.0.113.1]}}";
    widens(
        user,
        "network: {hosts: {A.example.: [203.0.113.66]}}",
        "fixed addresses for a.example",
        fixed,
    );
    // What is there already adds nothing, and is there once.
    let same =
        "network: {rules: [{name: g, hosts: [a.example]}], hosts: {b.example: [203.0.113.1]}}";
    assert_eq!(narrows(same, same).network.rules.len(), 1);
}

#[test]
fn a_credential_for_more_hosts() {
    let user = "credentials: {k: {from: {env: K}, header: \"x: {secret}\"}}\nnetwork: {rules: \
                [{hosts: [plain.example]}, {hosts: [with.example], credential: k}]}\n";
    let third = |policy: &Policy| policy.network.rules.len() == 3;
    for rule in [
        "{hosts: [plain.example], credential: k}",
        "{hosts: [\"*.example\"], credential: k}",
        "{hosts: [with.example], ports: [8443], credential: k}",
    ] {
        let project = format!("network: {{rules: [{rule}]}}");
        widens(user, &project, "the network rule network.rules[0]", third);
    }
    // The same name, another secret: the user's own rule would send it.
    let other = "credentials: {k: {from: {file: ./key}, header: \"x: {secret}\"}}";
    let from = |policy: &Policy| {
        matches!(policy.network.credentials["k"].from, palisade_policy::SecretSource::File(_))
    };
    widens(user, other, "the credential `k`", from);
    let same = narrows(user, "network: {rules: [{hosts: [with.example], credential: k}]}");
    assert_eq!(same.network.credentials.len(), 1);
}

#[test]
fn models_and_credentials() {
    let providers = "credentials: {k: {from: {env: K}}}\ninference:\n  providers:\n    \
                     good: {api: openai, url: \"https://good.example\", credential: k}\n    \
                     bad: {api: openai, url: \"https://bad.example\"}\n  routes:\n";
    let user =
        format!("{providers}    - {{model: \"gpt-*\", to: good}}\n    - {{model: \"*\", to: bad}}");
    let first = |to: &'static str| {
        move |policy: &Policy| policy.inference.as_ref().unwrap().routes[0].to == to
    };
    // A route that is there already, but not first, sends models elsewhere.
    let routes = "inference: {routes: [{model: \"*\", to: bad}]}";
    widens(&user, routes, "a route for the models `*`, before yours", first("bad"));
    let routes = "inference: {routes: [{model: gpt-6, to: bad}]}";
    widens(&user, routes, "a route for the models `gpt-6`, before yours", first("bad"));
    let renamed = |policy: &Policy| policy.inference.as_ref().unwrap().routes[0].rename.is_some();
    let routes = "inference: {routes: [{model: \"gpt-*\", to: good, as: gpt-5}]}";
    widens(&user, routes, "a route for the models `gpt-*`, before yours", renamed);
    // The same name, another place: the user's key would go there.
    let url = |policy: &Policy| {
        policy.inference.as_ref().unwrap().providers["good"].url == "https://evil.example"
    };
    let project = "inference: {providers: {good: {api: openai, url: \"https://evil.example\", credential: k}}}";
    widens(&user, project, "the model provider `good`", url);
    // The same name, another secret: a command of the repository would run outside.
    let from = |policy: &Policy| {
        let inference = policy.inference.as_ref().unwrap();
        let credential = inference.providers["good"].credential.as_ref().unwrap();
        !matches!(credential.from, palisade_policy::SecretSource::Env(_))
    };
    let project = "credentials: {k: {from: {command: [./run.sh]}}}";
    widens(&user, project, "the credential `k`", from);
    let project = "credentials: {k: {from: {file: ./key}}}";
    widens(&user, project, "the credential `k`", from);
    // Kinds that are only understood so far are never the same.
    let ssh = "credentials: {d: {ssh: {keys: [\"SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDPSwBwYTiI9Cme0pc\"], hosts: [a.example]}}}";
    let world = World::new();
    world.user(ssh).project(ssh);
    assert!(world.wrong().contains("it adds the credential `d`"));
    // The same in the same order changes nothing.
    let policy = narrows(&user, "inference: {routes: [{model: \"gpt-*\", to: good}]}");
    assert_eq!(policy.inference.unwrap().routes.len(), 2);
}

#[test]
fn process() {
    let call = |policy: &Policy| policy.process.syscalls.allow.contains("ptrace");
    widens("", "process: {syscalls: {allow: [ptrace]}}", "the system call ptrace", call);
    let pass = |policy: &Policy| policy.process.pass.contains("AWS_*");
    let project = "process: {environment: {pass: [\"AWS_*\"]}}";
    widens("process: {environment: {pass: [AWS_REGION]}}", project, "the variable AWS_*", pass);
    for name in ["PATH", "LD_PRELOAD", "BASH_ENV", "GIT_SSH_COMMAND", "HTTPS_PROXY"] {
        let set = |policy: &Policy| policy.process.set.contains_key(name);
        let project = format!("process: {{environment: {{set: {{{name}: /tmp/x}}}}}}");
        widens("", &project, &format!("a value for the variable {name}"), set);
    }
    let memory = |policy: &Policy| policy.process.limits.memory > Some(1 << 30);
    let project = "process: {limits: {memory: 2GiB}}";
    widens("process: {limits: {memory: 1GiB}}", project, "a higher limit of memory", memory);
}

/// A value that some document has is not the value that counts.
#[test]
fn a_value_that_was_overridden() {
    let user = "extends: [./base.yaml]\nprocess: {environment: {set: {CI: user}}}";
    let world = World::new();
    world.file("config/base.yaml", "palisade: 1\nprocess: {environment: {set: {CI: base}}}\n");
    world.user(user);
    assert_eq!(world.policy().process.set["CI"], "user");
    world.project("process: {environment: {set: {CI: base}}}");
    assert!(world.wrong().contains("it adds a value for the variable CI"));
    world.project("process: {environment: {set: {CI: user}}}").policy();
}

/// A repository may not have the record of what it did removed.
#[test]
fn a_project_shortens_the_time_that_records_are_kept() {
    for project in ["audit: {retain: 1s}", "audit: {retain: {network: 1s}}"] {
        let world = World::new();
        world.user("audit: {retain: 365d}").project(project);
        let wrong = world.wrong();
        assert!(wrong.contains(&format!("{NOT_TRUSTED}`audit.retain`")), "{wrong}");
        let policy = world.user(project).policy();
        assert_eq!(policy.audit.retain.values().collect::<Vec<_>>(), [&1]);
    }
}

/// Rules for tool calls: a project's may refuse, and permits only what the user's do.
#[test]
fn permissions_of_a_project_narrow() {
    let policy = narrows("", "permissions: {mode: plan, deny: [\"Bash(curl *)\"]}");
    let permissions = policy.permissions.unwrap();
    assert_eq!(permissions.mode, palisade_policy::PermissionMode::Plan);
    assert_eq!(permissions.deny.len(), 1);
    // Where nobody else has rules, all calls that it does not name are as free as before.
    let policy = narrows("", "permissions: {deny: [\"Bash(curl *)\"]}");
    assert_eq!(
        policy.permissions.unwrap().mode,
        palisade_policy::PermissionMode::BypassPermissions
    );
    let user = "permissions: {allow: [\"Bash(ls *)\"]}";
    for (project, what) in [
        ("permissions: {allow: [Bash]}", "the permission `Bash`"),
        ("permissions: {mode: acceptEdits}", "a `permissions.mode` that permits more"),
    ] {
        let world = World::new();
        world.user(user).project(project);
        let wrong = world.wrong();
        assert!(wrong.contains(&format!("{NOT_TRUSTED}{what}")), "{wrong}");
        world.trust();
        world.policy();
    }
    let policy = narrows(user, "permissions: {mode: dontAsk, ask: [\"Bash(ls -R)\"]}");
    let permissions = policy.permissions.unwrap();
    assert_eq!(permissions.mode, palisade_policy::PermissionMode::DontAsk);
    assert_eq!((permissions.allow.len(), permissions.ask.len()), (1, 1));
}

/// A hook runs outside, as the operator: a project's is code from a repository.
#[test]
fn a_hook_of_a_project_widens() {
    let hook = |command: &str, rest: &str| {
        format!("hooks: {{{rest}Stop: [{{hooks: [{{type: command, command: {command}}}]}}]}}")
    };
    let world = World::new();
    world.user("").project(&hook("./evil.sh", ""));
    let wrong = world.wrong();
    assert!(wrong.contains("it adds a hook for Stop, which runs outside: `./evil.sh`"), "{wrong}");
    // Once trusted it counts, and no longer when it has changed.
    world.trust();
    assert_eq!(world.policy().hooks.iter().count(), 1);
    world.project(&hook("./worse.sh", ""));
    assert!(world.load().is_err());
    // The same of the user's is no widening; one that is laxer is.
    let world = World::new();
    let path = |command: &str| world.at("work").join(command).display().to_string();
    world.user(&hook(&path("a.sh"), ""));
    world.project("filesystem: {deny: [/srv]}");
    assert_eq!(world.policy().hooks.iter().count(), 1);
    world.project(&hook(&path("a.sh"), "on_error: allow, "));
    assert!(world.wrong().contains("it adds a hook for Stop"));
    // What only narrows of an untrusted project has no hook, a deny that it has still counts.
    let policy = narrows(&hook(&path("a.sh"), ""), "filesystem: {deny: [/srv]}");
    let hooks: Vec<_> = policy.hooks.iter().map(|(_, hook)| hook.rule.as_str()).collect();
    assert_eq!(hooks, ["hooks.Stop[0]"]);
}

/// What a trusted file names is trusted as it was, too: a script that comes with the next `git pull` is not.
#[test]
fn a_hook_script_is_trusted_as_it_was() {
    let world = World::new();
    fs::create_dir_all(world.at("work/hooks")).unwrap();
    world.file("work/hooks/guard.sh", "#!/bin/sh\n. ./lib.sh\n");
    world.file("work/hooks/lib.sh", "exit 0\n");
    world
        .user("")
        .project("hooks: {Stop: [{hooks: [{type: command, command: ./hooks/guard.sh}]}]}");
    world.trust().policy();
    for (name, text, other) in [
        ("work/hooks/guard.sh", "#!/bin/sh\n. ./lib.sh\n", "#!/bin/sh\nevil\n"),
        ("work/hooks/lib.sh", "exit 0\n", "evil\n"),
    ] {
        world.file(name, other);
        let wrong = world.wrong();
        assert!(wrong.contains("or a hook script that it names: read it again"), "{wrong}");
        world.file(name, text).policy();
    }
    world.file("work/hooks/sh.py", "planted");
    assert!(world.load().is_err());
}

#[test]
fn hooks_of_all_documents_run_each_with_its_own_on_error() {
    let world = World::new();
    let of = |command: &str, on_error: &str| {
        format!(
            "hooks: {{on_error: {on_error}, PreToolUse: [{{matcher: Bash, hooks: [{{type: command, \
             command: {command}}}]}}]}}"
        )
    };
    world.managed(&of("/etc/m.sh", "deny")).user(&of("/home/u.sh", "allow"));
    let policy = world.policy();
    let all: Vec<_> = policy
        .hooks
        .iter()
        .map(|(_, hook)| (hook.rule.as_str(), hook.handler.to_string(), hook.on_error.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            ("hooks.PreToolUse[0]", "`/etc/m.sh`".to_owned(), "deny"),
            ("hooks.PreToolUse[1]", "`/home/u.sh`".to_owned(), "allow"),
        ]
    );
}

#[test]
fn asking_in_place_of_denying_widens() {
    let ask = "network: {unknown: ask}";
    let world = World::new();
    world.user("").project(ask);
    assert!(world.wrong().contains(&format!("{NOT_TRUSTED}`network.unknown: ask`")));
    assert!(world.user(ask).policy().network.ask);
    // The project may take it back, and the time for an answer is the user's.
    let policy = narrows(
        "network: {unknown: ask}\napprovals: {timeout: 5m}",
        "network: {unknown: deny}\napprovals: {timeout: 50m}",
    );
    assert!(!policy.network.ask);
    assert_eq!(policy.approvals.timeout.as_secs(), 300);
}

#[test]
fn narrowing_is_free() {
    let user = "filesystem: {workspace: {access: rw}, read: [/srv]}\nprocess: {limits: {memory: \
                4GiB, wall_time: 8h}, syscalls: {allow: [ptrace]}}";
    let project = "filesystem: {deny: [/srv/secret, \"**/.env\"]}\nprocess: {limits: {memory: 1GiB, \
                   processes: 64, open_files: 64, wall_time: 1h}, syscalls: {deny: [ptrace, \
                   inotify_init1]}}";
    let policy = narrows(user, project);
    let limits = policy.process.limits;
    assert_eq!((limits.memory, limits.processes), (Some(1 << 30), Some(64)));
    assert_eq!(limits.open_files, Some(64));
    assert_eq!(limits.wall_time.unwrap().as_secs(), 3600);
    assert!(policy.process.syscalls.allow.is_empty());
    assert!(policy.process.syscalls.deny.contains("inotify_init1"));
    assert_eq!(policy.filesystem.deny.len(), 2);
    let project = policy.sources.iter().find(|source| source.name.ends_with("work/palisade.yaml"));
    assert_eq!(project.unwrap().layer, "untrusted project");
}

#[test]
fn no_document_takes_a_deny_away() {
    let world = World::new();
    world.user("filesystem: {read: [/srv], deny: [/srv/secret, \"**/.env\"]}");
    world.project("filesystem: {deny: [], read: [/srv/secret]}").trust();
    let deny = world.policy().filesystem.deny;
    assert_eq!(
        deny.iter().map(|deny| deny.pattern.as_str()).collect::<Vec<_>>(),
        ["/srv/secret", "/**/.env"]
    );
}

#[test]
fn a_profile_that_the_project_builds_on() {
    let world = World::new();
    world.user("process: {limits: {processes: 512}}").project("extends: [codex]");
    let wrong = world.wrong();
    assert!(wrong.contains("/work/palisade.yaml:2:11"), "{wrong}");
    assert!(
        wrong.contains("it adds the profile codex, with reading /etc/codex/requirements.toml and"),
        "{wrong}"
    );
    // The user's values are nearer than a profile's, whoever builds on it.
    assert_eq!(world.trust().policy().process.limits.processes, Some(512));
    // One that the user builds on too adds nothing, and is there once.
    let policy = narrows("extends: [codex]", "extends: [codex]\nfilesystem: {deny: [~/x]}");
    assert_eq!(policy.inference.unwrap().routes.len(), 3);
}

#[test]
fn extends_stays_in_the_project() {
    let world = World::new();
    world.file("home/evil.yaml", "palisade: 1\n");
    fs::create_dir(world.at("work/ci")).unwrap();
    symlink(world.at("home"), world.at("work/link")).unwrap();
    symlink(world.at("home/evil.yaml"), world.at("work/linked.yaml")).unwrap();
    world.file("work/ci/base.yaml", "palisade: 1\nfilesystem: {deny: [secret]}\n");
    let home = world.at("home/evil.yaml").display().to_string();
    for out in [
        "../home/evil.yaml",
        &home,
        "link/evil.yaml",
        "linked.yaml",
        "~/evil.yaml",
        "ci/../../home/evil.yaml",
    ] {
        world.project(&format!("extends: [{out}]"));
        let wrong = world.wrong();
        assert!(wrong.contains("leads out of the project's folder"), "{wrong}");
    }
    let deny = world.project("extends: [ci/base.yaml]").policy().filesystem.deny;
    assert_eq!(deny[0].pattern, world.at("work/ci/secret").to_str().unwrap());
}

#[test]
fn changed_bytes_are_not_trusted() {
    let world = World::new();
    let project = "network: {rules: [{hosts: [a.example]}]}";
    world.project(project);
    assert_eq!(world.look().unwrap().trust, Trust::None);
    world.trust().policy();
    assert_eq!(world.look().unwrap().trust, Trust::Trusted);
    // A comment is a change as well: what was read is what counts.
    world.project(&format!("{project} # more"));
    assert_eq!(world.look().unwrap().trust, Trust::Changed);
    let wrong = world.wrong();
    assert!(wrong.contains("help: the file has changed since you trusted it"), "{wrong}");
    world.project(project).policy();
    assert!(untrust(&world.sources.state_dir, &world.look().unwrap().path).unwrap());
    assert!(world.wrong().contains(NOT_TRUSTED));
    assert!(!untrust(&world.sources.state_dir, &world.look().unwrap().path).unwrap());
}

/// The digest is that of all that the project wrote.
#[test]
fn a_changed_file_that_it_builds_on_is_not_trusted() {
    let world = World::new();
    world.file("work/more.yaml", "palisade: 1\nfilesystem: {read: [/srv/a]}\n");
    world.project("extends: [./more.yaml]").trust().policy();
    world.file("work/more.yaml", "palisade: 1\nfilesystem: {read: [/srv]}\n");
    let wrong = world.wrong();
    assert!(wrong.contains("work/more.yaml:2:21: this project's policy is not trusted"), "{wrong}");
    assert!(wrong.contains("has changed since you trusted it"), "{wrong}");
}

#[test]
fn a_moved_file_is_not_trusted() {
    let world = World::new();
    world.project("network: {rules: [{hosts: [a.example]}]}").trust().policy();
    fs::rename(world.at("work"), world.at("moved")).unwrap();
    let mut world = world;
    world.sources.workspace_dir = world.at("moved");
    assert!(world.wrong().contains(NOT_TRUSTED));
    // A link to where it was, and the same bytes there: the real path counts.
    fs::rename(world.at("moved"), world.at("work")).unwrap();
    symlink("work", world.at("moved")).unwrap();
    world.policy();
}

#[test]
fn a_project_file_that_is_no_file() {
    let world = World::new();
    let path = world.at("work/palisade.yaml");
    world.file("home/real.yaml", "palisade: 1\n");
    symlink(world.at("home/real.yaml"), &path).unwrap();
    assert!(world.wrong().contains("it is a symbolic link"));
    assert!(world.look().unwrap_err().to_string().contains("it is a symbolic link"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(world.wrong().contains("it is a folder"));
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(world.wrong().contains("a socket or a pipe"));
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(world.wrong().contains("it is a symbolic link"));
}

/// A store that cannot be read, or that others can write, trusts nothing, and says why.
#[test]
fn the_record_of_trust() {
    let world = World::new();
    let store = world.at("state/trust/projects");
    world.project("network: {rules: [{hosts: [a.example]}]}").trust().policy();
    let mode = fs::metadata(&store).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(&store, fs::Permissions::from_mode(0o622)).unwrap();
    let wrong = world.wrong();
    assert!(wrong.contains(NOT_TRUSTED), "{wrong}");
    assert!(wrong.contains("the record of what you trust: it cannot be used"), "{wrong}");
    fs::remove_file(&store).unwrap();
    fs::create_dir(&store).unwrap();
    assert!(world.wrong().contains("the record of what you trust: it cannot be used"));
    // What only narrows needs no trust.
    world.project("filesystem: {deny: [secret]}").policy();
    fs::remove_dir(&store).unwrap();
    fs::write(&store, "nonsense\nsha256:00 \"/x\"\n\0\n").unwrap();
    world.project("network: {rules: [{hosts: [a.example]}]}");
    assert!(world.wrong().contains(NOT_TRUSTED));
    world.trust().policy();
}

/// What a crash has left in the store's folder keeps nobody from trusting.
#[test]
fn a_torn_record_of_trust() {
    let world = World::new();
    fs::create_dir(world.at("state/trust")).unwrap();
    fs::write(world.at("state/trust/projects.new"), "half").unwrap();
    world.project("network: {rules: [{hosts: [a.example]}]}").trust().policy();
}

/// Two at once: no trust is lost.
#[test]
fn trust_is_given_by_several_at_once() {
    let world = World::new();
    let digest = palisade_core::PolicyDigest::of(b"x");
    let paths: Vec<_> = (0..16).map(|n| world.at(&format!("project{n}"))).collect();
    std::thread::scope(|scope| {
        for path in &paths {
            scope
                .spawn(|| palisade_policy::trust(&world.sources.state_dir, path, &digest).unwrap());
        }
    });
    for path in &paths {
        let trust = palisade_policy::trust_of(&world.sources.state_dir, path, &digest).unwrap();
        assert_eq!(trust, Trust::Trusted);
    }
}

#[test]
fn requests() {
    let rule = |http: &str| format!("network: {{rules: [{{hosts: [a.example], http: {http}}}]}}");
    let reads = rule("[{deny: {paths: [/secret]}}, {allow: {methods: [GET], paths: [\"/r/**\"]}}]");
    let has = |count: usize| {
        move |policy: &Policy| {
            policy.network.rules.len() == count && !policy.network.rules[count - 1].only_denies
        }
    };
    for http in [
        "[{allow: {methods: [GET, PUT], paths: [\"/r/**\"]}}]",
        "[{allow: {paths: [\"/r/**\"]}}]",
        "[{allow: {methods: [GET], paths: [\"/**\"]}}]",
        "[{allow: {methods: [GET], paths: [\"/*/x\"]}}]",
        "[{deny: {paths: [/x]}}, {allow: {}}]",
    ] {
        widens(&reads, &rule(http), "the network rule network.rules[0]", has(2));
    }
    let whole = "network: {rules: [{hosts: [a.example]}]}";
    widens(&reads, whole, "the network rule network.rules[0]", has(2));
    // Not to look is to know less.
    let inspect = "network: {rules: [{hosts: [a.example], tls: inspect}]}";
    widens(inspect, whole, "the network rule network.rules[0]", has(2));
    for http in ["tools: [a*]", "methods: [a]", "methods: [tools/*, b], tools: [x]"] {
        let only = rule("[{allow: {json_rpc: {tools: [a]}}}]");
        let asks = rule(&format!("[{{allow: {{json_rpc: {{{http}}}}}}}]"));
        widens(&only, &asks, "the network rule network.rules[0]", has(2));
    }
    // Less is no widening, and what is refused counts though the project is not trusted.
    let within = "[{deny: {methods: [HEAD]}}, {allow: {methods: [GET], paths: [\"/r/x/*\"], query: {a: [b]}}}]";
    let policy = narrows(&reads, &rule(within));
    assert!(policy.network.rules.len() == 2 && policy.network.rules[0].only_denies);
    let policy = narrows(whole, &rule("[{deny: {methods: [DELETE]}}]"));
    assert!(policy.network.rules[0].only_denies && !policy.network.rules[1].only_denies);
    assert_eq!(
        narrows(&reads, &reads.replace("{deny: {paths: [/secret]}}, ", "")).network.rules.len(),
        1
    );
}

/// What an untrusted project refuses is refused by the engine, and nothing else is changed.
#[test]
fn what_a_project_refuses_is_refused() {
    let user = "network: {rules: [{hosts: [\"*.example\"]}]}";
    let project = "network: {rules: [{hosts: [a.example], http: [{deny: {methods: [DELETE]}}]}]}";
    let policy = narrows(user, project);
    let engine = palisade_engine::Engine::new(&policy);
    let request = |method: &str| {
        palisade_core::Action::Request(Box::new(palisade_core::Request {
            host: "a.example".parse().unwrap(),
            port: 443,
            tls: true,
            address: None,
            method: method.into(),
            path: b"/".to_vec(),
            query: None,
            headers: Vec::new(),
            body: palisade_core::Body::Unread,
            caller: palisade_core::Caller::Unasked,
        }))
    };
    assert!(engine.decide(&request("GET")).is_allowed());
    let refused = engine.decide(&request("DELETE"));
    assert!(!refused.is_allowed() && refused.rule.unwrap().ends_with(".http[0]"));
}

#[test]
fn ports_on_your_loopback() {
    let shows = |policy: &Policy| policy.network.expose.contains(&3000);
    let says = "port 3000 of the sandbox, on your loopback";
    widens("network: {expose: [8080]}", "network: {expose: [8080, 3000]}", says, shows);
    assert_eq!(
        narrows("network: {expose: [8080]}", "network: {expose: [8080]}").network.expose,
        [8080].into()
    );
}

/// What is asked of skills only ever takes away: the strictest of all counts, whoever says it.
#[test]
fn skills_are_asked_for_by_the_strictest() {
    use palisade_policy::{SkillRequire, SkillSeverity};
    let world = World::new();
    world.user("skills: {require: reviewed, block: high}").project("skills: {require: any}");
    let skills = world.policy().skills;
    assert_eq!((skills.require, skills.block), (SkillRequire::Reviewed, Some(SkillSeverity::High)));
    world.project("skills: {require: signed, block: low}");
    let skills = world.policy().skills;
    assert_eq!((skills.require, skills.block), (SkillRequire::Signed, Some(SkillSeverity::Low)));
}
