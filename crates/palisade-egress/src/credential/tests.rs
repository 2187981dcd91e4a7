use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request, response};
use palisade_core::{
    Action, Authority, Body, BoxFuture, Decision, Event, Request as Asked, Verdict,
};
use proptest::prelude::*;

use super::*;
use crate::{Passing, Transform};

const REAL: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const KEY: &str = "AIzaSyA-real-key-0123456789abcdefgh";

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Authority for Recorder {
    fn consider(&self, _: &Action) -> Decision {
        Decision::deny("")
    }

    fn authorize<'a>(&'a self, _: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async { Decision::deny("") })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        self.0.lock().unwrap().push(event);
        Box::pin(async { true })
    }
}

struct World {
    credentials: Arc<Credentials>,
    recorder: Arc<Recorder>,
    github: String,
    maps: String,
}

fn world() -> World {
    let recorder = Arc::new(Recorder::default());
    let credential = |name: &str, template: Template, secret: &str| Credential {
        name: name.to_owned(),
        template,
        placeholder: Placeholder::like(&secret.into()).unwrap(),
        decoy: false,
        feed: Arc::new(Ok::<_, String>(Arc::new(Secret::new(secret.into()).unwrap()))),
    };
    let list = vec![
        credential("github", Template::header("authorization: Bearer {secret}").unwrap(), REAL),
        credential("maps", Template::query("key={secret}").unwrap(), KEY),
    ];
    let binding = |rule: &str, credential: &str, host: &str| Binding {
        rule: rule.to_owned(),
        credential: credential.to_owned(),
        hosts: vec![host.parse().unwrap()],
        addresses: match credential {
            "github" => vec!["127.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
            _ => vec![],
        },
    };
    let bindings = [
        binding("network.rules[github]", "github", "api.github.com"),
        binding("network.rules[maps]", "maps", "*.maps.example"),
    ];
    let (github, maps) =
        (list[0].placeholder.as_str().to_owned(), list[1].placeholder.as_str().to_owned());
    let authority: Arc<dyn Authority> = recorder.clone();
    let credentials = Arc::new(Credentials::new(list, &bindings, authority));
    World { credentials, recorder, github, maps }
}

/// What a decided request passes through.
async fn passed(
    credentials: &Arc<Credentials>,
    (rule, host, tls): (&str, &str, bool),
    request: request::Builder,
) -> Result<(Passing, request::Parts), Decision> {
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let decided = Asked {
        host: host.parse().unwrap(),
        port: 443,
        tls,
        address: None,
        method: head.method.to_string(),
        path: head.uri.path().into(),
        query: head.uri.query().map(Into::into),
        headers: Vec::new(),
        body: Body::Unread,
        caller: palisade_core::Caller::Unasked,
    };
    let decision = Decision::allow(rule, "");
    let passing = credentials.request(&decided, &decision, None, &mut head).await?;
    Ok((passing.unwrap(), head))
}

impl World {
    async fn apply(
        &self,
        rule: &str,
        host: &str,
        request: request::Builder,
    ) -> Result<(Passing, request::Parts), Decision> {
        passed(&self.credentials, (rule, host, true), request).await
    }

    /// What was recorded.
    async fn events(&self) -> Vec<Event> {
        tokio::task::yield_now().await;
        std::mem::take(&mut *self.recorder.0.lock().unwrap())
    }
}

const GITHUB: &str = "network.rules[github]";
const MAPS: &str = "network.rules[maps]";

fn seen_by_client(passing: &mut Passing, response: Response<&str>) -> (HeaderMap, Vec<u8>) {
    let (mut head, body) = response.into_parts();
    passing.answer.head(&mut head, !body.is_empty()).unwrap();
    let mut seen = passing.answer.data(Bytes::copy_from_slice(body.as_bytes())).to_vec();
    seen.extend_from_slice(&passing.answer.end());
    assert_eq!(seen.len(), body.len());
    (head.headers, seen)
}

#[tokio::test]
async fn the_server_sees_the_secret_and_the_client_its_placeholder() {
    let world = world();
    let sent = Request::get("https://api.github.com/user")
        .header("authorization", format!("Bearer {}", world.github))
        .header("accept-encoding", "gzip, br")
        .header("range", "bytes=0-10");
    let (mut passing, head) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    assert_eq!(head.headers["authorization"], format!("Bearer {REAL}"));
    assert!(head.headers["authorization"].is_sensitive());
    assert_eq!(head.headers["accept-encoding"], "identity");
    assert!(!head.headers.contains_key("range"));

    let text = format!("{{\"authorization\": \"Bearer {REAL}\"}}");
    let echo = Response::builder()
        .header("location", format!("https://evil.example/?t={REAL}"))
        .header(format!("x-{}", REAL.to_ascii_lowercase()), "1")
        .body(&*text)
        .unwrap();
    let (headers, body) = seen_by_client(&mut passing, echo);
    assert_eq!(headers["location"], format!("https://evil.example/?t={}", world.github));
    assert_eq!(headers.len(), 1);
    let expected = format!("{{\"authorization\": \"Bearer {}\"}}", world.github);
    assert_eq!(body, expected.into_bytes());
    let kinds: Vec<_> = world.events().await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["credential", "secret_in_answer"]);
}

#[tokio::test]
async fn an_entry_of_a_rule_is_the_rules_own() {
    let world = world();
    for (rule, sent) in [("network.rules[github].http[1]", true), ("network.rules[git]", false)] {
        let asked = Request::get("https://api.github.com/user");
        let (_, head) = world.apply(rule, "api.github.com", asked).await.unwrap();
        assert_eq!(head.headers.contains_key("authorization"), sent, "{rule}");
    }
}

#[tokio::test]
async fn a_query_carries_the_secret_where_the_credential_says_so() {
    let world = world();
    let sent = Request::get(format!("https://eu.maps.example/v1?q=x&key={}", world.maps));
    let (_, head) = world.apply(MAPS, "eu.maps.example", sent).await.unwrap();
    assert_eq!(head.uri.to_string(), format!("https://eu.maps.example/v1?q=x&key={KEY}"));
    let sent = Request::get("https://eu.maps.example/v1");
    let (_, head) = world.apply(MAPS, "eu.maps.example", sent).await.unwrap();
    assert_eq!(head.uri.to_string(), format!("https://eu.maps.example/v1?key={KEY}"));
}

#[tokio::test]
async fn a_placeholder_for_another_host_stops_the_request_wherever_it_is() {
    let world = world();
    let token = &world.github;
    let coded = STANDARD.encode(format!("u:{token}"));
    let at = |path: String| Request::get(format!("https://eu.maps.example{path}"));
    for sent in [
        at("/".into()).header("authorization", format!("Bearer {token}")),
        at("/".into()).header("authorization", format!("Basic {coded}")),
        at("/".into()).header("x-any", token),
        at("/".into()).header("cookie", format!("a=b; c={token}")),
        at("/".into()).header(token.to_ascii_lowercase(), "1"),
        at(format!("/{token}")),
        at(format!("/?q={token}")),
        at(format!("/?key={token}")),
        at(format!("/?{token}")),
        at(format!("/?q=%{:x}{}", token.as_bytes()[0], &token[1..])),
        at("/".into()).method(token.as_str()),
    ] {
        let shown = format!("{sent:?}");
        let error = world.apply(MAPS, "eu.maps.example", sent).await.unwrap_err();
        let why = error.reason;
        assert!(why.contains("`github`") && why.contains("eu.maps.example"), "{shown}: {why}");
        assert_eq!(error.verdict, Verdict::Deny);
    }
}

#[tokio::test]
async fn a_placeholder_elsewhere_at_its_own_host_stays_and_is_told() {
    let world = world();
    let sent = Request::get(format!("https://api.github.com/{}", world.github))
        .header("x-other", &world.github);
    let (_, head) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    assert_eq!(head.headers["x-other"], world.github);
    assert_eq!(head.uri.path(), format!("/{}", world.github));
    let events = world.events().await;
    assert_eq!(events[0].kind, "placeholder");
    assert_eq!(events[0].decision, Verdict::Observe);
    // By another rule for the same host it is not replaced either.
    let sent = Request::get("https://api.github.com/").header("authorization", &world.github);
    let (_, head) = world.apply("network.rules[1]", "api.github.com", sent).await.unwrap();
    assert_eq!(head.headers["authorization"], world.github);
}

#[tokio::test]
async fn a_secret_goes_only_to_a_verified_server_or_a_named_private_address() {
    let world = world();
    let sent = || Request::get("http://api.github.com/");
    let plain = |host| (GITHUB, host, false);
    assert!(passed(&world.credentials, plain("api.github.com"), sent()).await.is_ok());
    let may = |host: &str, address: &str| {
        world.credentials.may_go_plainly(&host.parse().unwrap(), address.parse().unwrap())
    };
    for (address, permitted) in [
        ("10.0.0.1", true),
        ("127.0.0.1", true),
        ("::ffff:10.0.0.1", true),
        ("8.8.8.8", false),
        ("169.254.169.254", false),
        ("::1", false),
        ("fd00::1", false),
    ] {
        assert_eq!(may("api.github.com", address), permitted, "{address}");
        assert!(may("other.example", address));
    }
    // A rule that names no private address never sends it in the clear.
    let error = passed(&world.credentials, (MAPS, "a.maps.example", false), sent()).await;
    assert!(error.unwrap_err().reason.contains("only over TLS"));
    // A rule whose hosts are others.
    world.apply(GITHUB, "eu.maps.example", sent()).await.unwrap_err();
}

#[tokio::test]
async fn a_body_with_anothers_placeholder_breaks_off_before_its_end() {
    let world = world();
    for (text, passes) in [
        (format!("token={}&x=1", world.github), false),
        (STANDARD.encode(format!("token={}&x=1", world.github)), false),
        (format!("key={}", world.maps), true),
        (world.github[..39].to_owned(), true),
    ] {
        for size in [1, 7, 1000] {
            let sent = Request::post("https://eu.maps.example/");
            let (mut passing, _) = world.apply(MAPS, "eu.maps.example", sent).await.unwrap();
            world.events().await;
            let mut left = Vec::new();
            let mut chunks = text.as_bytes().chunks(size);
            let broken = chunks.any(|chunk| {
                let passes = passing.body.data(chunk).is_ok();
                left.extend_from_slice(if passes { chunk } else { &[] });
                !passes
            });
            assert_eq!(broken, !passes, "{text}");
            assert!(!left.windows(40).any(|part| part == world.github.as_bytes()));
            let events = world.events().await;
            if text.starts_with("ghp_") {
                assert!(events.is_empty());
            } else {
                let expected = if passes { Verdict::Observe } else { Verdict::Deny };
                assert_eq!((events.len(), events[0].decision), (1, expected), "{events:?}");
            }
        }
    }
    let sent = Request::post("https://eu.maps.example/");
    let (mut passing, _) = world.apply(MAPS, "eu.maps.example", sent).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-t", world.github.parse().unwrap());
    passing.body.trailers(&trailers).unwrap_err();
}

#[tokio::test]
async fn an_answer_that_cannot_be_looked_through_does_not_come() {
    let world = world();
    let sent = Request::get("https://api.github.com/");
    let (mut passing, _) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    let head = |name: &str, value: &str| -> response::Parts {
        Response::builder().header(name, value).body(()).unwrap().into_parts().0
    };
    for coding in ["gzip", "identity, br", "zstd", "aes128gcm"] {
        passing.answer.head(&mut head("content-encoding", coding), true).unwrap_err();
    }
    passing.answer.head(&mut head("transfer-encoding", "gzip, chunked"), true).unwrap_err();
    for name in ["grpc-encoding", "connect-content-encoding"] {
        passing.answer.head(&mut head(name, "gzip"), true).unwrap_err();
        passing.answer.head(&mut head(name, "identity"), true).unwrap();
    }
    // Nobody asked for it, and what comes by it may be compressed.
    passing
        .answer
        .head(&mut head("sec-websocket-extensions", "permessage-deflate"), false)
        .unwrap_err();
    passing.answer.head(&mut head("content-encoding", "gzip"), false).unwrap();
    passing.answer.head(&mut head("content-encoding", "identity"), true).unwrap();
    // From other hosts all comes as it is.
    let sent = Request::get("https://other.example/").header("accept-encoding", "gzip");
    let (mut passing, sent) = world.apply("network.rules[o]", "other.example", sent).await.unwrap();
    assert_eq!(sent.headers["accept-encoding"], "gzip");
    passing.answer.head(&mut head("content-encoding", "gzip"), true).unwrap();
    passing
        .answer
        .head(&mut head("sec-websocket-extensions", "permessage-deflate"), false)
        .unwrap();
}

/// A stream of events that a rule without the credential permits, begun before the secret was first sent: the server
/// may say it there.
#[tokio::test]
async fn a_secret_that_is_sent_while_an_answer_comes_is_taken_out_of_it() {
    let there = world();
    let open = || Request::get("https://api.github.com/events");
    let (mut events, head) =
        there.apply("network.rules[open]", "api.github.com", open()).await.unwrap();
    assert!(!head.headers.contains_key("authorization"));
    let (mut answer, ()) = Response::new(()).into_parts();
    events.answer.head(&mut answer, true).unwrap();
    assert_eq!(events.answer.data(Bytes::from_static(b"one gh")), "one gh");
    let sent = Request::get("https://api.github.com/say");
    there.apply(GITHUB, "api.github.com", sent).await.unwrap();
    let (begins, ends) = REAL.as_bytes().split_at(20);
    let mut seen = events.answer.data(Bytes::copy_from_slice(begins)).to_vec();
    seen.extend(events.answer.data(Bytes::copy_from_slice(ends)));
    let mut trailers = HeaderMap::new();
    trailers.insert("x", REAL.parse().unwrap());
    seen.extend(events.answer.end());
    events.answer.trailers(&mut trailers);
    assert_eq!(seen, there.github.as_bytes());
    assert_eq!(trailers["x"], there.github);
    // It has to be one that can be looked through, though there was nothing to look for when it began.
    let other = world();
    let (mut early, _) =
        other.apply("network.rules[open]", "api.github.com", open()).await.unwrap();
    let coded = Response::builder().header("content-encoding", "gzip").body(()).unwrap();
    early.answer.head(&mut coded.into_parts().0, true).unwrap_err();
}

#[tokio::test]
async fn trailers_are_cleaned_behind_the_body() {
    let world = world();
    let sent = Request::get("https://api.github.com/");
    let (mut passing, _) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-message", REAL.parse().unwrap());
    assert_eq!(passing.answer.data(Bytes::from_static(b"x ghp_16C7e")), "x ");
    assert_eq!(passing.answer.end(), "ghp_16C7e");
    passing.answer.trailers(&mut trailers);
    assert_eq!(trailers["grpc-message"], world.github);
}

#[tokio::test]
async fn a_refused_secret_is_told_to_its_source_and_an_old_one_is_still_covered() {
    struct Rotating(Mutex<Vec<Arc<Secret>>>, Mutex<usize>);
    impl SecretFeed for Rotating {
        fn current(&self) -> BoxFuture<'_, Result<Arc<Secret>, String>> {
            Box::pin(async { Ok(Arc::clone(&self.0.lock().unwrap()[0])) })
        }
        fn refused(&self, _: &Arc<Secret>) -> bool {
            self.0.lock().unwrap().remove(0);
            *self.1.lock().unwrap() += 1;
            true
        }
    }
    let secret = |text: &str| Arc::new(Secret::new(text.into()).unwrap());
    let feed = Arc::new(Rotating(
        Mutex::new(vec![secret("old-secret-000000"), secret("new-secret-1111112222")]),
        Mutex::new(0),
    ));
    let credential = Credential {
        name: "c".into(),
        template: Template::header("x-key: {secret}").unwrap(),
        // One that is drawn may end as the new secret begins, and asterisks would stand for it.
        placeholder: Placeholder::fixed("qkv-wkvqkw-777777"),
        decoy: false,
        feed: feed.clone(),
    };
    let placeholder = credential.placeholder.as_str().to_owned();
    let binding = Binding {
        rule: "r".into(),
        credential: "c".into(),
        hosts: vec!["a.example".parse().unwrap()],
        addresses: vec![],
    };
    let recorder: Arc<dyn Authority> = Arc::new(Recorder::default());
    let credentials = Arc::new(Credentials::new(vec![credential], &[binding], recorder));
    let to = ("r", "a.example", true);
    let (mut passing, head) =
        passed(&credentials, to, Request::get("https://a.example/")).await.unwrap();
    assert_eq!(head.headers["x-key"], "old-secret-000000");
    let (mut answer, ()) =
        Response::builder().status(StatusCode::UNAUTHORIZED).body(()).unwrap().into_parts();
    passing.answer.head(&mut answer, false).unwrap();
    assert_eq!(*feed.1.lock().unwrap(), 1);
    let (mut passing, head) =
        passed(&credentials, to, Request::get("https://a.example/")).await.unwrap();
    assert_eq!(head.headers["x-key"], "new-secret-1111112222");
    let text = "old-secret-000000 new-secret-1111112222";
    let (_, body) = seen_by_client(&mut passing, Response::new(text));
    assert_eq!(body, format!("{placeholder} *********************").into_bytes());
}

#[tokio::test]
async fn no_secret_no_request() {
    let recorder: Arc<dyn Authority> = Arc::new(Recorder::default());
    let credential = Credential {
        name: "c".into(),
        template: Template::header("x-key: {secret}").unwrap(),
        placeholder: Placeholder::plain().unwrap(),
        decoy: false,
        feed: Arc::new(Err::<Arc<Secret>, _>("set the variable X".to_owned())),
    };
    let binding = Binding {
        rule: "r".into(),
        credential: "c".into(),
        hosts: vec!["a.example".parse().unwrap()],
        addresses: vec![],
    };
    let credentials = Arc::new(Credentials::new(vec![credential], &[binding], recorder));
    let sent = Request::get("https://a.example/");
    let error = passed(&credentials, ("r", "a.example", true), sent).await.unwrap_err();
    assert!(error.reason.contains("set the variable X"), "{error:?}");
}

proptest! {
    #[test]
    fn no_request_is_a_panic_and_none_has_a_secret_outside_its_field(
        path in "/[ -~&&[^#? ]]{0,30}", query in "[!-~&&[^#\"<>\\\\^`{|}]]{0,30}",
        value in "[ -~]{0,40}",
    ) {
        let sent = Request::get(format!("https://api.github.com{path}?{query}"))
            .header("x-a", value.as_str()).header("authorization", value.as_str());
        if sent.headers_ref().is_none() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let world = world();
        let uri = sent.uri_ref().unwrap().clone();
        let (_, head) = runtime.block_on(world.apply(GITHUB, "api.github.com", sent)).unwrap();
        prop_assert_eq!(&head.uri, &uri);
        prop_assert_eq!(head.headers["x-a"].as_bytes(), value.as_bytes());
        prop_assert_eq!(&head.headers["authorization"], &format!("Bearer {REAL}"));
    }
}
