//! Tools of agents whose input says in another way what a rule names. Each of them was permitted once.

use palisade_core::Verdict;
use serde_json::{Value, json};

use super::{call, rules, verdict};
use crate::Mode;

fn said(deny: &str, name: &str, input: Value) -> Verdict {
    verdict(&rules(Mode::BypassPermissions, &[], &[], &[deny]), &call(name, input))
}

#[test]
fn a_tool_that_is_not_known_is_asked_by_what_it_is_given() {
    use Verdict::{Allow, Ask};
    for (deny, name, input, expected) in [
        ("Bash(curl *)", "execute_bash", json!({"command": "curl x"}), Ask),
        ("Bash(curl *)", "Bash ", json!({"command": "ls; curl x"}), Ask),
        ("Bash(curl *)", "shell_exec", json!({"cmd": ["curl", "x"]}), Ask),
        ("Bash(curl *)", "shell_exec", json!({"cmd": "ls"}), Allow),
        ("Read(.env)", "slurp", json!({"path": "sub/.env"}), Ask),
        ("Edit(.github/**)", "scribble", json!({"file": ".github/a"}), Ask),
        ("Edit(.github/**)", "scribble", json!({"file": "src/a"}), Allow),
        ("Bash", "execute_bash", json!({"command": "ls"}), Ask),
        ("Bash", "scribble", json!({"file": "src/a"}), Allow),
        ("WebFetch(domain:a.test)", "http_get", json!({"url": "https://a.test/x"}), Ask),
        ("WebFetch(domain:a.test)", "http_get", json!({"url": "https://b.test/x"}), Allow),
        ("Bash(curl *)", "shell_call", json!({"action": {"commands": ["ls", "curl x"]}}), Ask),
        ("Bash(curl *)", "PowerShell", json!({"command": "curl x"}), Ask),
        ("Bash(curl *)", "cmd", json!({"command": "dir"}), Ask),
        ("WebSearch", "PowerShell", json!({"command": "dir"}), Allow),
        // Tools of servers have rules of their own.
        ("Bash(curl *)", "mcp__x__run", json!({"command": "curl x"}), Allow),
    ] {
        assert_eq!(said(deny, name, input.clone()), expected, "{name} {input}");
    }
}

#[test]
fn a_path_may_be_spelled_for_the_agent() {
    use Verdict::{Allow, Ask, Deny};
    for (deny, name, input, expected) in [
        ("Read(~/.ssh/**)", "Read", json!({"file_path": "file:///home/me/.ssh/id"}), Ask),
        ("Read(~/.ssh/**)", "Read", json!({"file_path": "$HOME/.ssh/id"}), Ask),
        ("Read(~/.ssh/**)", "Read", json!({"file_path": "${HOME}/.ssh/id"}), Ask),
        ("Read(.env)", "Read", json!({"file_path": " .env"}), Ask),
        ("Read(.env)", "Read", json!({"file_path": "@.env"}), Ask),
        ("Read(.env)", "Read", json!({"file_path": ".env\0"}), Ask),
        ("Read(.env)", "Grep", json!({"pattern": "x", "glob": "**/.e*"}), Ask),
        ("Read(.env)", "Grep", json!({"pattern": "x", "glob": "{.env,y}"}), Ask),
        ("Read(.env)", "Grep", json!({"pattern": "x", "glob": "*.rs"}), Allow),
        ("Read(//home/me/.ssh/**)", "Glob", json!({"pattern": "../home/me/.ssh/*"}), Ask),
        ("Edit(.github/**)", "Edit", json!({"file_path": "x", "new_path": ".github/a"}), Deny),
        (
            "Edit(.github/**)",
            "MultiEdit",
            json!({"file_path": "x", "edits": [{"file_path": ".github/a"}]}),
            Deny,
        ),
        ("Edit(.github/**)", "Edit", json!({"file_path": "x", "old_string": ".github/a"}), Allow),
    ] {
        assert_eq!(said(deny, name, input.clone()), expected, "{name} {input}");
    }
}

#[test]
fn a_command_begins_in_one_folder_that_is_told() {
    use Verdict::{Allow, Ask, Deny};
    for (input, expected) in [
        (json!({"command": "cat id", "cwd": "/home/me/.ssh"}), Deny),
        (json!({"command": "cat id", "working_dir": "/home/me/.ssh"}), Deny),
        (json!({"command": "cat id", "workdir": "/no-such-work", "cwd": "/home/me/.ssh"}), Ask),
        (json!({"command": "cat id", "cwd": ["/home/me/.ssh"]}), Ask),
        (json!({"command": "cat id", "cwd": null}), Allow),
    ] {
        assert_eq!(said("Read(~/.ssh/**)", "shell", input.clone()), expected, "{input}");
    }
}

#[test]
fn readers_of_urls_and_names_do_not_agree() {
    use Verdict::{Allow, Ask, Deny};
    for (url, expected) in [
        ("https://evil.example.", Deny),
        ("https:evil.example", Ask),
        ("https:/evil.example", Ask),
        ("https:\\\\evil.example\\x", Ask),
        ("data:text/html,x", Ask),
        ("https://docs.example/?u=https://evil.example", Allow),
    ] {
        let input = json!({"url": url});
        assert_eq!(said("WebFetch(domain:evil.example)", "WebFetch", input), expected, "{url}");
    }
    for (skill, expected) in [
        ("deploy", Deny),
        ("deploy now", Deny),
        ("/deploy", Deny),
        (" deploy", Deny),
        ("deployed", Allow),
    ] {
        assert_eq!(said("Skill(deploy)", "Skill", json!({"skill": skill})), expected, "{skill}");
    }
}

#[test]
fn a_servers_tool_is_refused_by_the_name_that_clients_make_of_it_too() {
    use Verdict::{Allow, Ask, Deny};
    let deny = "mcp__files__delete_all";
    for (name, expected) in [
        ("mcp__files__delete_all", Deny),
        ("mcp__files__delete.all", Deny),
        ("mcp__files__delete all", Deny),
        ("mcp__files__delete/all", Deny),
        ("mcp__files__deleteall", Allow),
    ] {
        assert_eq!(said(deny, name, json!({})), expected, "{name}");
    }
    assert_eq!(
        said("mcp__files__delete_all(path:/x)", "mcp__files__delete.all", json!({"path": "/x"})),
        Deny
    );
    // A permission may mean the other tool.
    let allow = rules(Mode::Default, &["mcp__files__delete_all"], &[], &[]);
    assert_eq!(verdict(&allow, &call("mcp__files__delete.all", json!({}))), Ask);
    assert_eq!(verdict(&allow, &call("mcp__files__delete_all", json!({}))), Allow);
}

#[test]
fn a_command_says_in_which_shell_and_with_what_it_runs() {
    use Verdict::{Allow, Ask, Deny};
    for (name, input, expected) in [
        ("exec_command", json!({"cmd": "ls", "shell": "/usr/bin/curl"}), Ask),
        ("exec_command", json!({"cmd": "ls", "shell": "curl x"}), Ask),
        ("exec_command", json!({"cmd": "ls", "shell": "./bash"}), Ask),
        ("exec_command", json!({"cmd": "ls", "shell": "/bin/bash"}), Allow),
        ("exec_command", json!({"cmd": "ls", "shell": "zsh"}), Allow),
        ("exec", json!({"command": "ls", "env": {"BASH_ENV": "x"}}), Ask),
        ("exec", json!({"command": "ls", "env": ["PATH=/x"]}), Ask),
        ("exec", json!({"command": "ls", "env": {"CI": "1"}}), Allow),
        ("local_shell", json!({"command": ["ls"], "env": {"LD_PRELOAD": "x"}}), Ask),
        ("local_shell", json!({"command": ["ls"], "env": {}}), Allow),
        ("shell", json!({"commands": ["ls", "curl x"]}), Deny),
        ("shell", json!({"commands": ["ls", "pwd"]}), Allow),
        ("shell", json!({"commands": ["ls"], "command": "pwd"}), Ask),
        ("shell", json!({"commands": []}), Ask),
        ("shell", json!({"commands": [1]}), Ask),
    ] {
        assert_eq!(said("Bash(curl *)", name, input.clone()), expected, "{name} {input}");
    }
}

#[test]
fn keys_that_differ_in_capital_letters_alone_are_not_chosen_between() {
    use Verdict::{Allow, Ask};
    for (deny, name, input, expected) in [
        ("Bash(curl *)", "Bash", json!({"command": "ls", "Command": "curl x"}), Ask),
        ("Read(.env)", "Read", json!({"file_path": "a", "FILE_PATH": ".env"}), Ask),
        ("Edit(.github/**)", "Write", json!({"file_path": "a", "File_path": ".github/a"}), Ask),
        ("Bash(curl *)", "Bash", json!({"command": "ls", "description": "Command"}), Allow),
    ] {
        assert_eq!(said(deny, name, input.clone()), expected, "{name} {input}");
    }
}

/// A server's tool has one name there, and agents make others of it: a rule that refuses is not got round by any.
#[test]
fn a_servers_tool_is_refused_by_the_names_that_agents_make_of_it() {
    use Verdict::{Allow, Ask, Deny};
    let said = |rule: &str, tool: &str| {
        let denied = rules(Mode::BypassPermissions, &[], &[], &[rule]);
        verdict(&denied, &call(tool, json!({})))
    };
    for (rule, tool, expected) in [
        // By its own name in the rule, and as clients spell it in the call.
        ("mcp__files__delete.all", "mcp__files__delete.all", Deny),
        ("mcp__files__delete.all", "mcp__files__delete_all", Deny),
        ("mcp__my.server", "mcp__my_server__x", Deny),
        ("mcp__my.server__*", "mcp__my_server__x", Deny),
        ("mcp__my.server__*", "mcp__other__x", Allow),
        // What a reader may take for it.
        ("mcp__s__bad", "mcp__s__bad ", Ask),
        ("mcp__s__bad", "mcp__s__Bad", Ask),
        ("mcp__s__bad", " mcp__S__bad", Ask),
        ("mcp__s__bad", "mcp__s__ba\u{200b}d", Ask),
        ("mcp__s__bad", "mcp__s___bad", Ask),
        ("mcp__s__*", "mcp__S__x", Ask),
        ("mcp__s__bad", "mcp__s__bad_not", Allow),
        ("mcp__s__bad", "mcp__t__bad", Allow),
        // gemini-cli's, OpenClaw's and opencode's names of it.
        ("mcp__s__bad", "mcp_s_bad", Ask),
        ("mcp__s__*", "mcp_s_x", Ask),
        ("mcp__*", "mcp_s_x", Ask),
        ("mcp__s__bad", "s__bad", Ask),
        ("mcp__s__*", "s__x", Ask),
        ("mcp__s__bad", "s_bad", Ask),
        ("mcp_s_bad", "mcp__s__bad", Ask),
        // Not every tool of an agent's own is one of a server.
        ("mcp__s__*", "s_x", Allow),
        ("mcp__*", "save_memory", Allow),
        // The server is not told: it may be each.
        ("mcp__s__bad", "mcp__unknown__bad", Ask),
        ("mcp__s__bad", "mcp__unknown__s_bad", Ask),
        ("mcp__s", "mcp__unknown__x", Ask),
        ("mcp__s__bad", "mcp__unknown__good", Allow),
        // Tools of agents' own.
        ("WebSearch", "web_search ", Ask),
        ("WebSearch", "WEBSEARCH", Ask),
        ("Foo", "foo", Ask),
        ("Foo", "food", Allow),
    ] {
        assert_eq!(said(rule, tool), expected, "{rule} {tool:?}");
    }
    let denied = rules(Mode::BypassPermissions, &[], &[], &["mcp__s__x(path:/a)"]);
    let of = |tool: &str, path: &str| verdict(&denied, &call(tool, json!({"path": path})));
    assert_eq!(of("mcp_s_x", "/a"), Ask);
    assert_eq!(of("mcp_s_x", "/b"), Allow);
    // A rule that permits is for the very name.
    let allowed = rules(Mode::Default, &["mcp__s__a.b", "mcp__s__c"], &[], &[]);
    for tool in ["mcp__s__a_b", "mcp__s__C", "mcp_s_c", "s__c", "mcp__unknown__c"] {
        assert_eq!(verdict(&allowed, &call(tool, json!({}))), Ask, "{tool}");
    }
}
