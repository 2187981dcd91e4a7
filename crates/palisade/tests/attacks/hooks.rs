//! Hooks of the policy, asked from inside: what they hold, and what an agent tries against them.

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, answer};
use serde_json::json;

use crate::world::{Ran, SECRET, World};

const GUARD: &str = "#!/bin/sh\nenv > \"$HOME/../hook-env\"\ngrep -q curl && { echo 'no curl here' >&2; exit 2; }\nexit 0\n";

/// A world with this `hooks` section, whose agent has the `palisade` program.
fn world(hooks: &str, more: &str) -> Option<World> {
    let exe = env!("CARGO_BIN_EXE_palisade");
    let world = World::new(&format!("filesystem: {{read: [{exe}]}}\nhooks:\n{hooks}\n{more}"))?;
    world.program("config/hooks/guard.sh", GUARD);
    Some(world)
}

const PRE_TOOL_USE: &str =
    "  PreToolUse: [{matcher: Bash, hooks: [{type: command, command: ./hooks/guard.sh}]}]";

fn told(command: &str) -> String {
    json!({"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}})
    .to_string()
}

/// `palisade hook` inside, told this.
fn tell(world: &World, told: &str) -> Ran {
    let exe = env!("CARGO_BIN_EXE_palisade");
    world.inside_sh(&format!(
        "printf '%s' '{told}' | {exe} hook --agent claude-code; echo \"exit $?\""
    ))
}

#[test]
fn asks_the_supervisor_about_a_call() {
    let Some(world) = world(PRE_TOOL_USE, "") else { return };
    let ran = tell(&world, &told("ls"));
    assert_eq!(ran.good(), "exit 0", "{ran}");
    world.assert_denials(&[]);
    let ran = tell(&world, &told("curl x"));
    assert!(ran.good().contains("\"permissionDecision\":\"deny\""), "{ran}");
    assert!(ran.good().contains("no curl here"), "{ran}");
    world.assert_denials(&[("hook", "PreToolUse Bash curl x"), ("tool_call", "Bash curl x")]);
    let events = world.events();
    let hooks: Vec<_> = events.iter().filter(|event| event["kind"] == "hook").collect();
    assert_eq!(hooks.len(), 2);
    assert_eq!(hooks[0]["detail"]["answered"], "nothing");
    assert_eq!(hooks[1]["detail"]["answered"], "deny");
    assert!(hooks[1]["detail"]["microseconds"].as_u64().unwrap() > 0);
}

/// A hook has none of the operator's secrets, and none of what the agent has in its environment.
#[test]
fn reads_secrets_by_way_of_a_hook() {
    let Some(world) = world(PRE_TOOL_USE, "") else { return };
    tell(&world, &told("ls"));
    let environment = world.read("hook-env");
    assert!(
        environment.contains("PALISADE_SESSION=s-") && environment.contains("CLAUDE_PROJECT_DIR=")
    );
    assert!(!environment.contains(SECRET.1) && !environment.contains(SECRET.0), "{environment}");
}

#[test]
fn tells_the_supervisor_nonsense() {
    let Some(world) = world(PRE_TOOL_USE, "") else { return };
    for nonsense in [
        "",
        "{",
        "[]",
        "{\"hook_event_name\": \"PreToolUse\", \"tool_name\": \"Bash\", \"tool_input\": {\"command\": \"ls\", \"command\": \"x\"}}",
    ] {
        let ran = tell(&world, nonsense);
        assert_eq!(ran.good(), "exit 2", "{ran}");
        assert!(ran.err.contains("palisade: "), "{ran}");
    }
    let program = "import socket\n\
        def say(data):\n\
        \x20   s = socket.create_connection(('palisade.local', 80), 20)\n\
        \x20   try:\n\
        \x20       s.sendall(data)\n\
        \x20       print((s.recv(4096)[9:12] or b'closed').decode())\n\
        \x20   except OSError: print('closed')\n\
        say(b'GET /v1/hook/claude-code HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')\n\
        say(b'POST /v1/hook/nobody HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 2\\r\\n\\r\\n{}')\n\
        say(b'POST /v1/hook/../x HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')\n\
        say(b'\\x00' * 100000)\n\
        say(b'POST /v1/hook/codex HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 99999999\\r\\n\\r\\n' + b'a' * (18 << 20))\n";
    let ran = world.inside_python(program);
    for line in ran.good().lines() {
        assert!(["400", "404", "405", "411", "413", "closed"].contains(&line), "{ran}");
    }
    // It answers all the same.
    assert_eq!(tell(&world, &told("ls")).good(), "exit 0");
}

/// The way for hooks is there whatever the policy permits, and who cannot go it is refused.
#[test]
fn breaks_the_way_to_the_supervisor() {
    let exe = env!("CARGO_BIN_EXE_palisade");
    let Some(world) = World::new(&format!("filesystem: {{read: [{exe}]}}")) else { return };
    assert_eq!(tell(&world, &told("curl x")).good(), "exit 0");
    let broken = world.inside_sh(&format!(
        "printf 'int getaddrinfo(void) {{ return -2; }}' | gcc -w -shared -fPIC -o /tmp/none.so -x c - && \
         printf '%s' '{}' | LD_PRELOAD=/tmp/none.so {exe} hook --agent claude-code; echo \"exit $?\"",
        told("ls")
    ));
    assert_eq!(broken.good(), "exit 2", "{broken}");
    assert!(broken.err.contains("cannot be asked"), "{broken}");
}

#[test]
fn exchanges_a_hook_that_lies_in_the_workspace() {
    let attack = "echo 'exit 0' >hooks/guard.sh; mv hooks old; mkdir hooks; ln -sf /bin/true hooks/guard.sh; \
                  echo 'evil' >hooks/json.py; rm -rf hooks; cat hooks/guard.sh";
    let hooks = "  PreToolUse: [{hooks: [{type: command, command: ../work/hooks/guard.sh}]}]";
    let exe = env!("CARGO_BIN_EXE_palisade");
    let make = |place: &str| {
        let hooks = hooks.replace("hooks/guard.sh", place);
        let world = World::new(&format!("filesystem: {{read: [{exe}]}}\nhooks:\n{hooks}"))?;
        world.program(format!("work/{place}"), GUARD);
        Some(world)
    };
    let Some(world) = make("hooks/guard.sh") else { return };
    let ran = world.inside_sh(attack);
    assert_eq!(ran.out.trim_end(), GUARD.trim_end(), "{ran}");
    assert_eq!(world.read("work/hooks/guard.sh"), GUARD);
    assert!(!world.at("work/hooks/json.py").exists() && !world.at("work/old").exists());
    assert!(tell(&world, &told("curl x")).good().contains("no curl here"));
    // Outside it works.
    let Some(world) = make("hooks/guard.sh") else { return };
    world.outside_sh(attack);
    assert!(!world.at("work/hooks/guard.sh").exists());
    // One that lies beside everything else could be given what it reads.
    let Some(world) = make("guard.sh") else { return };
    let ran = world.inside_sh("true");
    assert_eq!(ran.code, Some(125), "{ran}");
    assert!(ran.err.contains("a folder of their own"), "{ran}");
}

/// A hook script that is exchanged by whoever can is not run any more.
#[test]
fn a_changed_hook_denies() {
    let Some(world) = world(PRE_TOOL_USE, "") else { return };
    let exe = env!("CARGO_BIN_EXE_palisade");
    let script = world.at("config/hooks/guard.sh");
    let told = told("ls");
    let run = format!(
        "touch ready; while ! [ -e changed ]; do sleep 0.05; done; printf '%s' '{told}' | {exe} hook --agent claude-code"
    );
    let child = world.run(&["/bin/sh", "-c", &run]);
    let mut child = child;
    let child = child
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !world.at("work/ready").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    palisade_testkit::write_program(&script, "#!/bin/sh\nexit 0\n");
    world.write("work/changed", "");
    let ran = crate::world::end_of(child);
    assert!(ran.good().contains("has changed since the session started"), "{ran}");
}

fn hello() -> Upstream {
    Upstream::start(|request: Recorded| async move {
        answer(StatusCode::OK, "text/plain", format!("hello {}\n", request.uri))
    })
    .unwrap()
}

/// A hook narrows what network rules permit: a connection, and a request.
#[test]
fn connects_where_a_hook_says_no() {
    let server = hello();
    let port = server.address().port();
    let network = format!(
        "network:
  hosts: {{one.test: [127.0.0.1], two.test: [127.0.0.1]}}
  rules:
    - {{name: all, hosts: [one.test, two.test], ports: [{port}], addresses: [127.0.0.1], tls: inspect}}
"
    );
    let hooks = "  PreConnect: [{matcher: two.test, hooks: [{type: command, command: \"echo not there >&2; exit 2\"}]}]
  PreRequest: [{hooks: [{type: command, command: \"grep -q '\\\"path\\\":\\\"/secret' && echo no >&2 && exit 2; exit 0\"}]}]";
    let Some(world) = world(hooks, &network) else { return };
    let get = |host: &str, path: &str| {
        world.inside(&[
            "curl",
            "-s",
            "--max-time",
            "20",
            "-w",
            "%{http_code}",
            &format!("http://{host}:{port}{path}"),
        ])
    };
    assert_eq!(get("one.test", "/x").good(), "hello /x\n200");
    world.assert_denials(&[]);
    let refused = get("two.test", "/x");
    assert!(refused.out.ends_with("403") && !refused.out.contains("hello"), "{refused}");
    assert!(get("one.test", "/secret/x").out.ends_with("403"));
    let two = format!("two.test:{port}");
    assert_eq!(world.why_denied(&two), "not there");
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
}

/// A model that wants what it is told to: the text of the user's message is the command.
pub(crate) fn model() -> Upstream {
    Upstream::start(|request: Recorded| async move {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let command = body["messages"][0]["content"].as_str().unwrap_or_default();
        let content = match command {
            "hi" => json!([{"type": "text", "text": "hello"}]),
            _ => json!([{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": command}}]),
        };
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "cheap",
            "content": content, "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}});
        answer(StatusCode::OK, "application/json", message.to_string())
    })
    .unwrap()
}

/// The section of a policy in which every model is this server's.
pub(crate) fn routed_to(server: &Upstream) -> String {
    format!(
        "inference:
  providers: {{own: {{api: anthropic, url: \"{}\"}}}}
  routes: [{{model: \"*\", to: own}}]
",
        server.url()
    )
}

/// The agent asks the model for what it is told to want.
pub(crate) fn wants(world: &World, command: &str) -> Ran {
    let message = json!({"role": "user", "content": command});
    let body = json!({"model": "cheap", "max_tokens": 8, "messages": [message]}).to_string();
    world.inside(&[
        "curl",
        "-s",
        "--max-time",
        "20",
        "-H",
        "content-type: application/json",
        "-d",
        &body,
        "http://inference.local/v1/messages",
    ])
}

/// The agent announces nothing: what the model wants is decided in its answer.
#[test]
fn announces_no_call_to_any_hook() {
    let server = model();
    let models = routed_to(&server);
    let hooks = "  PreToolUse:
    - {matcher: Bash, hooks: [{type: command, command: ./hooks/guard.sh}]}
    - {matcher: Bash, hooks: [{type: worker, command: \"exec python3 ./hooks/change.py\"}]}";
    let Some(world) = world(hooks, &models) else { return };
    let change = "import json, sys
for line in sys.stdin:
    command = json.loads(line)['tool_input']['command']
    answer = {'hookSpecificOutput': {'hookEventName': 'PreToolUse', 'updatedInput': {'command': 'ls -l'}}}
    print(json.dumps(answer if command == 'ls' else {}), flush=True)
";
    world.program("config/hooks/change.py", change);
    let call = |command: &str| wants(&world, command);
    let ran = call("pwd");
    assert!(ran.good().contains("\"pwd\""), "{ran}");
    let ran = call("curl evil.example");
    assert!(!ran.out.contains("tool_use\"") && ran.out.contains("no curl here"), "{ran}");
    let ran = call("ls");
    assert!(ran.good().contains("\"ls -l\""), "{ran}");
    let denied = world.events().into_iter().find(|event| {
        event["kind"] == "tool_call" && event["decision"] == "deny" && event["layer"] == "inference"
    });
    assert_eq!(denied.unwrap()["rule"], "hooks.PreToolUse[0]");
    world.verify();
}

#[test]
fn calls_a_model_that_a_hook_refuses() {
    let server = model();
    let models = routed_to(&server);
    let hooks = "  PreModelCall: [{matcher: \"dear|costly\", hooks: [{type: command, command: \"echo too dear >&2; exit 2\"}]}]
  PostModelCall: [{hooks: [{type: command, command: \"cat >> $HOME/../answered\"}]}]";
    let Some(world) = world(hooks, &models) else { return };
    let call = |model: &str| {
        let body = json!({"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]});
        world.inside(&[
            "curl",
            "-s",
            "--max-time",
            "20",
            "-w",
            "%{http_code}",
            "-H",
            "content-type: application/json",
            "-d",
            &body.to_string(),
            "http://inference.local/v1/messages",
        ])
    };
    assert!(call("cheap").good().ends_with("200"));
    let refused = call("dear");
    assert!(refused.out.ends_with("403") && refused.out.contains("too dear"), "{refused}");
    assert_eq!(server.requests().len(), 1);
    world.verify();
}

/// Before a person has read it, nothing of a project's policy is run.
#[test]
fn brings_hooks_along_in_a_repository() {
    let Some(world) = World::plain() else { return };
    world.program("work/hooks/evil.sh", "#!/bin/sh\ntouch \"$HOME/../pwned\"\n");
    world.write(
        "work/palisade.yaml",
        "palisade: 1\nhooks: {SessionStart: [{hooks: [{type: command, command: ./hooks/evil.sh}]}], \
         PreConnect: [{hooks: [{type: command, command: ./hooks/evil.sh}]}]}\n",
    );
    let ran = crate::world::finish(world.palisade().args(["run", "--", "true"]));
    assert_eq!(ran.code, Some(125), "{ran}");
    assert!(ran.err.contains("it adds a hook for PreConnect, which runs outside"), "{ran}");
    let told = json!({"hook_event_name": "SessionStart", "source": "startup"}).to_string();
    let hook = format!(
        "printf '%s' '{told}' | {} hook --agent claude-code; echo \"exit $?\"",
        env!("CARGO_BIN_EXE_palisade")
    );
    let ran = world.outside_sh(&hook);
    assert!(ran.out.ends_with("exit 2\n"), "{ran}");
    assert!(!world.at("pwned").exists());
}

/// What the hook of `PreExec` refuses is not executed: by its name, as the interpreter of a script that the agent
/// writes, by a loader. The program is `unshare`, which only tells its version here.
#[test]
fn executes_what_a_hook_refuses() {
    let hooks = "  PreExec: [{hooks: [{type: command, command: ./hooks/exec.sh}]}]";
    let Some(world) = world(hooks, "") else { return };
    let script = "unshare --version; echo \"code $?\"
printf '#!/usr/bin/unshare --version\\n' > script; chmod +x script; ./script; echo \"code $?\"
for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
  [ ! -e $loader ] || $loader /usr/bin/unshare --version
done; echo \"code $?\"
printf '#!/bin/sh\\necho permitted\\n' > fine; chmod +x fine; ./fine a b; /bin/echo also
";
    let all = world.outside(&["/bin/sh", "-c", script]);
    assert_eq!(all.out.matches("util-linux").count(), 3, "{all}");
    world.program(
        "config/hooks/exec.sh",
        "#!/bin/sh\ngrep -q '/unshare\"' && { echo 'not this program' >&2; exit 2; }\nexit 0\n",
    );
    let ran = world.inside(&["/bin/sh", "-c", script]);
    assert!(!ran.out.contains("util-linux"), "{ran}");
    for said in ["code 126\n", "code 137\n", "permitted\nalso"] {
        assert!(ran.out.contains(said), "{said} {ran}");
    }
    let events = world.events();
    let denied: Vec<_> = events
        .iter()
        .filter(|event| event["kind"] == "exec" && event["decision"] == "deny")
        .collect();
    // A shell may look for one name in two folders.
    let subjects: std::collections::BTreeSet<_> =
        denied.iter().map(|event| event["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects.len(), 3, "{denied:#?}");
    assert!(denied.iter().all(|event| {
        event["rule"] == "hooks.PreExec[0]"
            && event["reason"].as_str().unwrap().contains("not this program")
    }));
    // Each that ran is in the record, with what it was asked of.
    assert!(events.iter().any(|event| event["kind"] == "hook" && event["layer"] == "process"));
    world.verify();
}

/// A hook starts as any program does: what it starts can be ended, by a signal as by `timeout`. The supervisor's
/// threads block signals, and a program would start with what its parent blocks.
#[test]
fn a_hook_ends_what_it_starts() {
    let hooks =
        "  PreExec: [{matcher: unshare, hooks: [{type: command, command: ./hooks/ends.sh}]}]";
    let Some(world) = world(hooks, "") else { return };
    world.program(
        "config/hooks/ends.sh",
        "#!/bin/sh
grep -q '^SigBlk:[[:space:]]*0*$' /proc/self/status || { echo 'signals are blocked' >&2; exit 2; }
timeout 0.2 sleep 614.75
[ $? = 124 ] || { echo 'it was not ended in time' >&2; exit 2; }
exit 0
",
    );
    let ran = world.inside_sh("unshare --version; echo \"code $?\"");
    assert!(ran.out.contains("util-linux") && ran.out.contains("code 0"), "{ran}");
}

/// Ways for a hook to have no answer.
const BROKEN: [(&str, &str); 5] = [
    ("fails", "#!/bin/sh\nexit 1\n"),
    ("hangs", "#!/bin/sh\nsleep 614.25\n"),
    ("floods", "#!/bin/sh\nexec head -c 3000000 /dev/zero\n"),
    ("talks", "#!/bin/sh\necho '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\"}}'\n"),
    ("dies", "#!/bin/sh\nkill -9 $$\n"),
];

/// A hook that gives no answer is a denial, where programs are executed, where connections leave and where models
/// are called; and one that is not there as well.
#[test]
fn breaks_the_hooks_of_the_layers_below() {
    let server = hello();
    let port = server.address().port();
    let model = model();
    for (how, script) in BROKEN.into_iter().chain([("is missing", "")]) {
        let hook = |matcher: &str| {
            format!(
                "[{{matcher: {matcher}, hooks: [{{type: command, command: ./hooks/broken.sh, args: [], timeout: 1}}]}}]"
            )
        };
        let hooks = format!(
            "  PreExec: {}\n  PreConnect: {}\n  PreModelCall: {}",
            hook("unshare"),
            hook("one.test"),
            hook("cheap")
        );
        let more = format!(
            "network:
  hosts: {{one.test: [127.0.0.1], two.test: [127.0.0.1]}}
  rules:
    - {{name: all, hosts: [one.test, two.test], ports: [{port}], addresses: [127.0.0.1]}}
{}",
            routed_to(&model)
        );
        let Some(world) = world(&hooks, &more) else { return };
        if !script.is_empty() {
            world.program("config/hooks/broken.sh", script);
        }
        let ran = world.inside_sh(&format!(
            "unshare --version; echo \"code $?\"
             curl -s --max-time 20 http://one.test:{port}/denied; echo
             curl -s --max-time 20 http://two.test:{port}/permitted"
        ));
        assert!(ran.out.contains("code 126") && !ran.out.contains("util-linux"), "{how} {ran}");
        assert!(!ran.out.contains("hello /denied"), "{how} {ran}");
        assert!(ran.out.contains("hello /permitted"), "{how} {ran}");
        let asked = wants(&world, "hi");
        assert!(!asked.out.contains("hello"), "{how} {asked}");
        let events = world.events();
        for kind in ["exec", "connect", "model_call"] {
            let denied =
                |event: &&serde_json::Value| event["kind"] == kind && event["decision"] == "deny";
            assert!(events.iter().any(|event| denied(&event)), "{how} {kind} {events:#?}");
        }
    }
    assert!(server.requests().iter().all(|request| request.uri != "/denied"));
    assert_eq!(model.requests().len(), 0);
}
