//! More of a model than the policy permits: by many calls at once, by hanging up, by another sandbox, by
//! the clock, by asking for much in one call.

use bytes::Bytes;
use palisade_testkit::{ModelServer, Script, Turn, Upstream, stream};
use tokio::sync::mpsc;

use crate::world::{Ran, World, finish};

fn server() -> ModelServer {
    ModelServer::start(Script::new(vec![Turn::text("Hello."); 400])).unwrap()
}

fn world(url: &str, limits: &str) -> Option<World> {
    World::new(&format!(
        "inference:
  providers:
    own: {{api: anthropic, url: \"{url}\"}}
  routes:
    - {{model: \"*\", to: own}}
{limits}
"
    ))
}

/// `calls.py TIMES AT_ONCE MAX_TOKENS [BYTES]`: so many calls, so many at one time; each prints its status and
/// the kind of its error. With `BYTES`, it hangs up after so many.
const CALLS: &str = "\
import json, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor
times, at_once, most = map(int, sys.argv[1:4])
leave = int(sys.argv[4]) if len(sys.argv) > 4 else None
def call(_):
    body = json.dumps({'model': 'claude-haiku-4-5', 'max_tokens': most, 'stream': leave is not None,
        'messages': [{'role': 'user', 'content': 'hi'}]})
    request = urllib.request.Request('http://inference.local/v1/messages', body.encode(),
        {'content-type': 'application/json', 'anthropic-version': '2023-06-01'})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
        answer.read(leave)
        answer.close()
        return '200'
    except urllib.error.HTTPError as error:
        told = json.loads(error.read())['error']
        return f\"{error.code} {told['type']} {error.headers.get('retry-after', '-')}\"
with ThreadPoolExecutor(at_once) as pool:
    for line in pool.map(call, range(times)): print(line)
";

fn calls(world: &World, arguments: &[&str]) -> Ran {
    world.inside_python_with(CALLS, arguments)
}

fn passed(ran: &Ran) -> usize {
    ran.good().lines().filter(|line| *line == "200").count()
}

/// Denials by this rule.
fn denied(world: &World, rule: &str) -> usize {
    let events = world.events();
    events.iter().filter(|event| event["decision"] == "deny" && event["rule"] == rule).count()
}

#[test]
fn calls_a_model_many_times_at_once() {
    let server = server();
    let Some(free) = world(&server.url(), "") else { return };
    assert_eq!(passed(&calls(&free, &["30", "15", "8"])), 30);
    let Some(world) = world(&server.url(), "  limits: {requests_per_minute: 5}") else { return };
    let ran = calls(&world, &["30", "15", "8"]);
    assert_eq!(passed(&ran), 5, "{ran}");
    for line in ran.good().lines().filter(|line| *line != "200") {
        let [code, kind, wait] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((code, kind), ("429", "rate_limit_error"), "{ran}");
        assert!((1..=61).contains(&wait.parse::<u64>().unwrap()), "{ran}");
    }
    assert_eq!(server.requests().len(), 35);
    assert!(denied(&world, "inference.limits.requests_per_minute") > 0);
    world.verify();
}

#[test]
fn calls_with_more_open_at_one_time_than_may_be() {
    // Each may use 100 tokens of an answer and some of a prompt: two fit, however little they use.
    let server = server();
    let limits = "  limits: {tokens_per_day: 330, concurrent: 2}";
    let Some(world) = world(&server.url(), limits) else { return };
    let ran = calls(&world, &["40", "20", "100"]);
    // What each used is told: 15 tokens. No more than are paid for from 330.
    assert!((1..=22).contains(&passed(&ran)), "{ran}");
    assert_eq!(server.requests().len(), passed(&ran));
    world.verify();
}

#[test]
fn hangs_up_before_the_provider_tells_what_was_used() {
    let endless = Upstream::start(|_| async {
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            let event = "event: ping\ndata: {\"type\":\"ping\"}\n\n".repeat(20);
            while sender.send(Ok(Bytes::from(event.clone()))).await.is_ok() {}
        });
        stream("text/event-stream", receiver)
    })
    .unwrap();
    let Some(world) = world(&endless.url(), "  limits: {tokens_per_day: 400}") else { return };
    let ran = calls(&world, &["12", "1", "100", "16384"]);
    // Each has used its prompt and, as far as anybody knows, all of its answer.
    assert!((1..=3).contains(&passed(&ran)), "{ran}");
    let events = world.events();
    let left: Vec<_> = events.iter().filter(|event| event["kind"] == "model_answer").collect();
    assert!(left.iter().all(|event| event["detail"]["estimated"] == true), "{left:?}");
    world.verify();
}

#[test]
fn starts_again_or_turns_the_clock_for_a_fresh_budget() {
    let server = server();
    let limits = "  limits: {tokens_per_day: 160}";
    let Some(world) = world(&server.url(), limits) else { return };
    let ran = calls(&world, &["20", "1", "100"]);
    let first = passed(&ran);
    assert!((1..=10).contains(&first), "{ran}");
    // Another sandbox has what is left of the same.
    let ran = calls(&world, &["3", "1", "100"]);
    assert_eq!(passed(&ran), 0, "{ran}");
    assert!(ran.good().starts_with("429 rate_limit_error"), "{ran}");
    // Neither the clock nor the counts are the agent's.
    let ran = world.inside_python(&format!(
        "import os, time\n\
         for attempt in (lambda: time.clock_settime(time.CLOCK_REALTIME, 4e9),\n\
         \x20               lambda: os.listdir({0:?}), lambda: os.remove({0:?})):\n\
         \x20   try: print('done', attempt())\n\
         \x20   except OSError as error: print(error.errno)\n",
        world.at("state/quotas")
    ));
    assert_eq!(ran.good(), "1\n2\n2", "{ran}");
    assert_eq!(server.requests().len(), first);
    assert!(denied(&world, "inference.limits.tokens_per_day") > 0);
    world.verify();
}

#[test]
fn several_sandboxes_at_once_share_one_budget() {
    let server = server();
    let Some(world) = world(&server.url(), "  limits: {requests_per_minute: 6}") else { return };
    let both: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..3).map(|_| scope.spawn(|| calls(&world, &["10", "5", "8"]))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let together: usize = both.iter().map(passed).sum();
    assert_eq!((together, server.requests().len()), (6, 6));
    world.verify();
}

#[test]
fn asks_for_more_than_one_call_may_have() {
    let server = server();
    let limits =
        "  limits: {max_tokens: 50, usd_per_day: 1, prices: [{model: \"*\", input: 1, output: 1}]}";
    let Some(world) = world(&server.url(), limits) else { return };
    assert_eq!(passed(&calls(&world, &["1", "1", "1000000"])), 1);
    assert_eq!(server.requests()[0].json()["max_tokens"], 50);
    let usage = finish(world.palisade().args(["usage", "--by", "model", "--json"]));
    let used: serde_json::Value = serde_json::from_str(usage.good()).unwrap();
    assert_eq!(used["model"], "claude-haiku-4-5");
    assert_eq!((&used["calls"], &used["output_tokens"]), (&1.into(), &5.into()));
}

/// A provider that does not stream has made its answer, and is paid for it, before anything of it comes.
#[test]
fn hangs_up_before_the_answer_begins() {
    let silent = Upstream::start(|_| async {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        palisade_testkit::answer(http::StatusCode::OK, "application/json", "{}")
    })
    .unwrap();
    let Some(world) = world(&silent.url(), "  limits: {tokens_per_day: 3000}") else { return };
    let ran = world.inside_python(
        "import json, socket, time\n\
         body = json.dumps({'model': 'claude-haiku-4-5', 'max_tokens': 100,\n\
         \x20   'messages': [{'role': 'user', 'content': 'word ' * 600}]}).encode()\n\
         head = b'POST /v1/messages HTTP/1.1\\r\\nhost: inference.local\\r\\nanthropic-version: 2023-06-01\\r\\n'\n\
         head += b'content-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n' % len(body)\n\
         for _ in range(12):\n\
         \x20   client = socket.create_connection(('inference.local', 80))\n\
         \x20   client.sendall(head + body)\n\
         \x20   client.settimeout(0.5)\n\
         \x20   try: print(client.recv(12).decode())\n\
         \x20   except TimeoutError: print('left')\n\
         \x20   client.close()\n\
         \x20   time.sleep(0.1)\n",
    );
    // Each prompt has about 1000 tokens.
    let left = ran.good().lines().filter(|line| *line == "left").count();
    assert!((1..=4).contains(&left), "{ran}");
    assert_eq!(silent.requests().len(), left);
    let events = world.events();
    let told: Vec<_> = events.iter().filter(|event| event["kind"] == "model_answer").collect();
    assert_eq!(told.len(), left, "{told:?}");
    for event in told {
        let detail = &event["detail"];
        assert_eq!((&detail["ended"], &detail["estimated"]), (&"left".into(), &true.into()));
        assert!(detail["input_tokens"].as_u64() > Some(900), "{event}");
    }
    world.verify();
}

/// What has no blank is taken for a picture by nobody.
#[test]
fn sends_a_long_prompt_without_a_blank() {
    let server = server();
    let Some(world) = world(&server.url(), "  limits: {tokens_per_day: 3000}") else { return };
    let ran = world.inside_python(
        "import json, urllib.request\n\
         for text in ('word,' * 20000, 'data:image/png;base64,iVBORw0KGgo' + 'word' * 20000, 'short'):\n\
         \x20   body = json.dumps({'model': 'claude-haiku-4-5', 'max_tokens': 9,\n\
         \x20       'messages': [{'role': 'user', 'content': text}]}).encode()\n\
         \x20   request = urllib.request.Request('http://inference.local/v1/messages', body,\n\
         \x20       {'content-type': 'application/json', 'anthropic-version': '2023-06-01'})\n\
         \x20   try: print(urllib.request.urlopen(request, timeout=60).status)\n\
         \x20   except urllib.error.HTTPError as error: print(error.code)\n",
    );
    assert_eq!(ran.good().lines().collect::<Vec<_>>(), ["400", "400", "200"], "{ran}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(denied(&world, "inference.limits.tokens_per_day"), 2);
    world.verify();
}
