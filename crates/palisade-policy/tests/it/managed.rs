//! Nobody goes beyond the managed policy.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use palisade_policy::Access;

use crate::world::World;

/// A managed policy and one of the user that goes beyond it; `says` is a part of the error.
#[track_caller]
fn goes_beyond(managed: &str, user: &str, says: &str) {
    let world = World::new();
    world.user(user);
    // Without the managed one it is taken.
    world.policy();
    world.managed(managed);
    let wrong = world.wrong();
    assert!(wrong.contains(says), "{wrong}");
    assert!(wrong.contains("goes beyond the managed policy"), "{wrong}");
}

#[track_caller]
fn stays_within(managed: &str, user: &str) {
    let world = World::new();
    world.user(user).managed(managed).policy();
}

#[test]
fn grants() {
    let managed = "filesystem: {read: [/srv], write: [/srv/data]}";
    goes_beyond(managed, "filesystem: {read: [/opt]}", "reading /opt");
    goes_beyond(managed, "filesystem: {write: [/srv/other]}", "writing to /srv/other");
    goes_beyond(managed, "filesystem: {read: [/srv2]}", "reading /srv2");
    goes_beyond(managed, "extends: [shell]", "help: use another policy: `palisade policy show`");
    stays_within(managed, "filesystem: {read: [/srv/a, /srv/.git], write: [/srv/data/x]}");
    // Named exactly it would no longer be protected.
    let hooks = "filesystem: {write: [/srv/data/x/.git/hooks]}";
    goes_beyond(managed, hooks, "writing to /srv/data/x/.git/hooks");
    // What it does not name it leaves to others.
    stays_within("filesystem: {deny: [~/.ssh]}", "filesystem: {read: [/opt]}");
}

#[test]
fn what_no_rule_names() {
    let ask = "network: {unknown: ask}";
    goes_beyond("network: {unknown: deny}", ask, "`network.unknown: ask`");
    goes_beyond("network: {rules: [{hosts: [a.example]}]}", ask, "`network.unknown: ask`");
    stays_within("network: {unknown: ask, rules: [{hosts: [a.example]}]}", ask);
    stays_within("filesystem: {deny: [~/.ssh]}", ask);
    // Nor does a command that learns.
    for (managed, may) in [
        ("network: {unknown: deny}", false),
        ("network: {rules: []}", false),
        ("network: {unknown: ask, rules: []}", true),
        ("", true),
    ] {
        let world = World::new();
        world.user("").managed(managed);
        let learning = world.learning();
        assert_eq!(learning.is_ok_and(|policy| policy.network.ask), may, "{managed}");
    }
    // Less than the managed policy is the user's to choose; what the user does not say, it says.
    for (user, asks) in [("", true), ("network: {unknown: deny}", false)] {
        let world = World::new();
        world.user(user).managed(ask);
        assert_eq!(world.policy().network.ask, asks, "{user}");
    }
}

#[test]
fn an_empty_list_is_a_ceiling() {
    goes_beyond("filesystem: {read: []}", "filesystem: {read: [/opt]}", "reading /opt");
    goes_beyond("filesystem:\n  write:\n", "filesystem: {read: [/opt]}", "reading /opt");
    let rule = "network: {rules: [{hosts: [a.example]}]}";
    goes_beyond("network: {rules: []}", rule, "network.rules[0]");
    goes_beyond("network:\n  rules:\n", rule, "network.rules[0]");
    let calls = "process: {syscalls: {allow: [ptrace]}}";
    goes_beyond("process: {syscalls: {allow: []}}", calls, "the system call ptrace");
    let pass = "process: {environment: {pass: [EDITOR]}}";
    goes_beyond("process: {environment: {pass: []}}", pass, "the variable EDITOR");
    let provider = "inference: {providers: {a: {api: openai, url: \"https://a.example\"}}}";
    goes_beyond("inference: {providers: {}}", provider, "the provider `a`");
}

#[test]
fn a_link_below_a_managed_grant() {
    let world = World::new();
    fs::create_dir_all(world.at("srv/data")).unwrap();
    fs::create_dir_all(world.at("secret/inner")).unwrap();
    symlink(world.at("secret"), world.at("srv/data/link")).unwrap();
    let data = world.at("srv/data").display().to_string();
    world.managed(&format!("filesystem: {{read: [{data}]}}"));
    world.user(&format!("filesystem: {{read: [{data}/link/inner]}}"));
    assert!(world.wrong().contains("goes beyond the managed policy"));
    world.user(&format!("filesystem: {{read: [{data}/plain]}}")).policy();
}

#[test]
fn rules() {
    let managed = "network: {rules: [{hosts: [\"*.example\", b.c], ports: [80, 443], addresses: [10.0.0.0/8, 100.64.0.0/10]}]}";
    let rule = |rule: &str| format!("network: {{rules: [{rule}]}}");
    for beyond in [
        "{hosts: [a.other]}",
        "{hosts: [\"**.example\"]}",
        "{hosts: [x.a.example]}",
        "{hosts: [a.example], ports: [22]}",
        "{hosts: [a.example], addresses: [192.168.0.0/16]}",
        "{hosts: [a.example], addresses: [0.0.0.0/0]}",
        // In the managed range, but one that counts only when it is named whole.
        "{hosts: [a.example], addresses: [100.100.100.200]}",
        // A rule for bare addresses is another thing than one for names.
        "{addresses: [10.1.2.3]}",
    ] {
        goes_beyond(managed, &rule(beyond), "network.rules[0]");
    }
    for within in [
        "{hosts: [\"*.example\"]}",
        "{hosts: [a.example, B.C.], ports: [80]}",
        "{hosts: [a.example], addresses: [10.1.0.0/16, 10.1.2.3]}",
    ] {
        stays_within(managed, &rule(within));
    }
}

#[test]
fn fixed_addresses() {
    let rules = "network: {rules: [{hosts: [a.example]}]}";
    let hosts = "network: {hosts: {a.example: [203.0.113.1]}}";
    goes_beyond(rules, hosts, "an address for a.example");
    goes_beyond("network: {hosts: {a.example: [203.0.113.2]}}", hosts, "an address for a.example");
    stays_within(hosts, hosts);
    // Naming addresses says nothing about rules.
    stays_within("network: {hosts: {db.internal: [10.1.2.3]}}", rules);
}

#[test]
fn models() {
    let provider = "providers: {a: {api: openai, url: \"https://a.example\"}}";
    let inference = |rest: &str| format!("inference: {{{provider}, {rest}}}");
    let managed = inference("routes: [{model: \"gpt-5-mini*\", to: a}]");
    let beyond = inference("routes: [{model: \"*\", to: a}]");
    goes_beyond(&managed, &beyond, "a route for the models `*`");
    stays_within(&managed, &inference("routes: [{model: gpt-5-mini-x, to: a}]"));
    // The same provider, although it stands at another place and has a credential.
    let key = "credentials: {k: {from: {env: K}}}\n";
    let one = format!(
        "{key}inference: {{providers: {{a: {{api: openai, url: \"https://a.example\", credential: k}}}}}}"
    );
    let same = format!(
        "{key}# Elsewhere.\ninference:\n  providers:\n    a:\n      url: https://a.example\n      api: openai\n      credential: k\n"
    );
    stays_within(&one, &same);
    let other = one.replace("https://a.example", "https://evil.example");
    goes_beyond(&one, &other, "the provider `a`");
}

#[test]
fn what_has_a_name_is_the_managed_one() {
    let world = World::new();
    world.managed(
        "credentials: {k: {from: {env: MANAGED}}}\nprocess: {environment: {set: {CI: managed}}}\n\
         inference: {providers: {a: {api: openai, url: \"https://a.example\", credential: k}}}\n",
    );
    world.user(
        "credentials: {k: {from: {command: \"echo user\"}}}\nprocess: {environment: {set: {CI: user}}}\n",
    );
    let policy = world.policy();
    assert_eq!(policy.process.set["CI"], "managed");
    let provider = &policy.inference.unwrap().providers["a"];
    let from = &provider.credential.as_ref().unwrap().from;
    assert_eq!(*from, palisade_policy::SecretSource::Env("MANAGED".into()));
}

#[test]
fn variables_and_calls() {
    let managed = "process: {environment: {pass: [TERM, \"LC_*\"]}, syscalls: {allow: [ptrace]}}";
    goes_beyond(managed, "process: {environment: {pass: [\"TERM*\"]}}", "the variable TERM*");
    goes_beyond(managed, "process: {environment: {pass: [\"L*\"]}}", "the variable L*");
    goes_beyond(managed, "process: {syscalls: {allow: [bpf]}}", "the system call bpf");
    stays_within(
        managed,
        "process: {environment: {pass: [LC_ALL, \"LC_A*\"]}, syscalls: {allow: [ptrace]}}",
    );
}

/// Neither sooner than whoever manages the machine wants, nor later.
#[test]
fn how_long_records_are_kept() {
    let managed = "audit: {retain: {default: 365d, network: 90d}}";
    goes_beyond(managed, "audit: {retain: 30d}", "another `audit.retain` for default");
    goes_beyond(managed, "audit: {retain: {connect: 400d}}", "another `audit.retain` for connect");
    stays_within(managed, "audit: {retain: {network: 90d}}");
    stays_within(managed, "audit: {content: true}");
}

#[test]
fn a_managed_deny_stays() {
    let world = World::new();
    world.managed("filesystem: {deny: [~/.ssh]}\nprocess: {syscalls: {deny: [ptrace]}}");
    world.user(
        "filesystem: {read: [~/.ssh/config], deny: []}\nprocess: {syscalls: {allow: [ptrace]}}",
    );
    let policy = world.policy();
    assert!(policy.filesystem.deny.iter().any(|deny| deny.pattern.ends_with("/home/.ssh")));
    assert!(policy.process.syscalls.allow.is_empty());
    assert!(policy.process.syscalls.deny.contains("ptrace"));
}

#[test]
fn the_lower_limit_counts() {
    let world = World::new();
    world.managed("process: {limits: {memory: 4GiB, processes: 100}}");
    world.user("process: {limits: {memory: 1GiB, processes: 500, open_files: 64}}");
    let limits = world.policy().process.limits;
    assert_eq!(
        (limits.memory, limits.processes, limits.open_files),
        (Some(1 << 30), Some(100), Some(64))
    );
}

#[test]
fn access_to_the_workspace() {
    let ro = "filesystem: {workspace: {access: ro}}";
    let rw = "filesystem: {workspace: {access: rw}}";
    goes_beyond(ro, rw, "this access to the workspace");
    let access = |managed: &str, user: &str| {
        let world = World::new();
        world.managed(managed).user(user);
        world.policy().filesystem.workspace.unwrap().access
    };
    // A profile's own value is the last of all, and gives way.
    assert_eq!(access(ro, "extends: [shell]"), Access::ReadOnly);
    // Narrowing is everybody's.
    assert_eq!(access(rw, ro), Access::ReadOnly);
    assert_eq!(access(rw, ""), Access::ReadWrite);
    // Naming the folder says nothing about what may be done there.
    assert_eq!(access(ro, "filesystem: {workspace: {path: /srv}}"), Access::ReadOnly);
    let mut world = World::new();
    world.managed(ro);
    world.sources.asked.access = Some(Access::ReadWrite);
    assert!(world.wrong().contains("--workspace: write access to the workspace goes beyond"));
    world.managed("filesystem: {workspace: {access: overlay}}");
    assert!(world.wrong().contains("goes beyond the managed policy"));
    world.sources.asked.access = Some(Access::ReadOnly);
    assert_eq!(world.policy().filesystem.workspace.unwrap().access, Access::ReadOnly);
}

#[test]
fn the_workspace_stays_in_the_managed_one() {
    let world = World::new();
    fs::create_dir_all(world.at("srv/inner")).unwrap();
    symlink(world.at("home"), world.at("srv/link")).unwrap();
    let srv = world.at("srv").display().to_string();
    world.managed(&format!("filesystem: {{workspace: {{path: {srv}}}}}"));
    assert_eq!(world.policy().filesystem.workspace.unwrap().path, world.at("srv"));
    let user =
        |path: &str| world.user(&format!("filesystem: {{workspace: {{path: {srv}{path}}}}}"));
    user("/inner");
    assert_eq!(world.policy().filesystem.workspace.unwrap().path, world.at("srv/inner"));
    user("2");
    assert!(world.wrong().contains("goes beyond the managed policy"));
    user("/link");
    assert!(world.wrong().contains("goes beyond the managed policy"));
}

/// What a managed policy takes from a profile is as managed as what it writes itself.
#[test]
fn a_profile_that_is_managed() {
    let world = World::new();
    world.managed("extends: [shell]");
    let policy = world.user("extends: [shell]").policy();
    assert!(policy.filesystem.grants.iter().all(|grant| !grant.required));
    world.user("filesystem: {read: [/srv]}");
    assert!(world.wrong().contains("reading /srv goes beyond the managed policy"));
}

#[test]
fn the_command_line_and_a_trusted_project_stay_below_too() {
    let world = World::new();
    world.managed("network: {rules: []}\nextends: [shell]");
    world.project("network: {rules: [{hosts: [a.example]}]}").trust();
    assert!(world.wrong().contains("goes beyond the managed policy"));
    world.file("ci.yaml", "palisade: 1\nnetwork: {rules: [{hosts: [a.example]}]}\n");
    let path = world.at("ci.yaml");
    assert!(world.with_policy(&path).wrong().contains("goes beyond the managed policy"));
}

#[test]
fn what_others_can_write_manages_nothing() {
    let world = World::new();
    world.managed("network: {rules: []}").policy();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(world.at(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (file, folder) in [(0o666, 0o755), (0o664, 0o755), (0o644, 0o777), (0o644, 0o775)] {
        mode("etc/managed.yaml", file);
        mode("etc", folder);
        let wrong = world.wrong();
        assert!(wrong.contains("others than root can change it"), "{wrong}");
    }
    mode("etc", 0o755);
    mode("etc/managed.yaml", 0o644);
    world.policy();
    // A file that it builds on is held to the same.
    world.file("etc/more.yaml", "palisade: 1\n").managed("extends: [./more.yaml]").policy();
    mode("etc/more.yaml", 0o666);
    assert!(world.wrong().contains("others than root can change it"));
}

/// Not to see it is not the same as that there is none.
#[test]
fn a_document_that_cannot_be_looked_for() {
    let mut world = World::new();
    symlink("loop", world.at("loop")).unwrap();
    world.sources.managed = world.at("loop/managed.yaml");
    assert!(world.wrong().contains("nobody can tell whether it is there"));
    let mut world = World::new();
    symlink("loop", world.at("loop")).unwrap();
    world.sources.config_dir = world.at("loop");
    assert!(world.wrong().contains("nobody can tell whether it is there"));
    let world = World::new();
    fs::create_dir(&world.sources.managed).unwrap();
    assert!(world.wrong().contains("it is a folder"));
}

/// The user's policy says what every project may do at most.
#[test]
fn a_user_policy_that_everybody_can_write() {
    let world = World::new();
    world.user("");
    let path = world.at("config/policy.yaml");
    fs::set_permissions(path, fs::Permissions::from_mode(0o646)).unwrap();
    assert!(world.wrong().contains("everybody can change it"));
}

#[test]
fn requests() {
    let rule = |http: &str| format!("network: {{rules: [{{hosts: [a.example], http: {http}}}]}}");
    let managed = rule("[{allow: {methods: [GET], paths: [\"/r/**\"]}}]");
    for http in ["[{allow: {}}]", "[{allow: {methods: [GET, PUT], paths: [\"/r/**\"]}}]"] {
        goes_beyond(&managed, &rule(http), "network.rules[0]");
    }
    goes_beyond(&managed, "network: {rules: [{hosts: [a.example]}]}", "network.rules[0]");
    stays_within(&managed, &rule("[{allow: {methods: [GET], paths: [/r/x]}}]"));
    stays_within(&managed, &rule("[{deny: {paths: [/x]}}]"));
}

#[test]
fn ports_on_the_hosts_loopback() {
    let user = "network: {expose: [3000]}";
    goes_beyond("network: {expose: []}", user, "port 3000 on the host's loopback");
    stays_within("network: {expose: [3000, 8080]}", user);
    stays_within("network: {rules: []}", user);
    let mut world = World::new();
    world.user("").managed("network: {expose: [8080]}");
    world.sources.asked.expose = vec![8080];
    assert_eq!(world.policy().network.expose, [8080].into());
    world.sources.asked.expose = vec![3000];
    let wrong = world.wrong();
    assert!(wrong.contains("--expose") && wrong.contains("goes beyond"), "{wrong}");
}

#[test]
fn the_proxy_that_connections_leave_by() {
    let proxy = |port: u16| format!("network: {{upstream: {{proxy: 'http://proxy.corp:{port}'}}}}");
    goes_beyond(&proxy(1), &proxy(2), "this proxy");
    goes_beyond("network: {rules: []}", &proxy(1), "this proxy");
    stays_within(&proxy(1), &proxy(1));
    stays_within("filesystem: {deny: [~/.ssh]}", &proxy(1));
}

#[test]
fn permissions_of_tool_calls() {
    let one = "permissions: {allow: ['Bash(ls *)']}";
    goes_beyond(one, "permissions: {allow: ['Bash(git *)']}", "the permission `Bash(git *)`");
    stays_within(one, one);
    // An empty list is one too.
    goes_beyond("permissions: {allow: []}", one, "the permission `Bash(ls *)`");
    stays_within("permissions: {deny: ['Bash(curl *)']}", one);
    // A mode that permits what is on no list is more than the list.
    for mode in ["acceptEdits", "bypassPermissions"] {
        let user = format!("permissions: {{mode: {mode}}}");
        goes_beyond(one, &user, "this `permissions.mode`");
        goes_beyond("permissions: {allow: []}", &user, "this `permissions.mode`");
        goes_beyond("permissions: {mode: default}", &user, "this `permissions.mode`");
        stays_within("permissions: {deny: ['Bash(curl *)']}", &user);
        let both = format!("permissions: {{mode: {mode}, allow: []}}");
        stays_within(&both, &user);
    }
    stays_within(one, "permissions: {mode: plan}");
    // The same words name another folder in another document.
    let of_its_folder = "permissions: {allow: ['Edit(/src/**)']}";
    goes_beyond(of_its_folder, of_its_folder, "the permission `Edit(/src/**)`");
    let whole = "permissions: {allow: ['Edit(//srv/src/**)']}";
    stays_within(whole, whole);
}
