use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request, response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use palisade_core::{Action, Authority, BoxFuture, Decision, Event, HostName, Verdict};
use proptest::prelude::*;

use super::*;

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
        addresses: vec!["127.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
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

impl World {
    async fn apply(
        &self,
        rule: &str,
        host: &str,
        request: request::Builder,
    ) -> Result<(Exchange, request::Parts), CredentialError> {
        self.apply_over(rule, host, true, None, request).await
    }

    async fn apply_over(
        &self,
        rule: &str,
        host: &str,
        verified: bool,
        address: Option<&str>,
        request: request::Builder,
    ) -> Result<(Exchange, request::Parts), CredentialError> {
        let host: HostName = host.parse().unwrap();
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let address = address.map(|address| address.parse().unwrap());
        let route =
            Route { host: &host, rule: Some(rule), verified, address, subject: "GET https://x/" };
        let exchange = self.credentials.apply(route, &mut head).await?;
        Ok((exchange, head))
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.recorder.0.lock().unwrap())
    }
}

const GITHUB: &str = "network.rules[github]";
const MAPS: &str = "network.rules[maps]";

async fn seen_by_client(
    exchange: &Exchange,
    response: Response<Full<Bytes>>,
) -> (HeaderMap, Vec<u8>) {
    let (mut head, body) = response.into_parts();
    exchange.answer(&mut head, !body.is_end_stream()).await.unwrap();
    let body = exchange.answer_body(body);
    assert!(body.size_hint().exact().is_some());
    (head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn the_server_sees_the_secret_and_the_client_its_placeholder() {
    let world = world();
    let sent = Request::get("https://api.github.com/user")
        .header("authorization", format!("Bearer {}", world.github))
        .header("accept-encoding", "gzip, br")
        .header("range", "bytes=0-10");
    let (exchange, head) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    assert_eq!(head.headers["authorization"], format!("Bearer {REAL}"));
    assert!(head.headers["authorization"].is_sensitive());
    assert_eq!(head.headers["accept-encoding"], "identity");
    assert!(!head.headers.contains_key("range"));

    let echo = Response::builder()
        .header("location", format!("https://evil.example/?t={REAL}"))
        .header(format!("x-{}", REAL.to_ascii_lowercase()), "1")
        .body(Full::new(Bytes::from(format!("{{\"authorization\": \"Bearer {REAL}\"}}"))))
        .unwrap();
    let (headers, body) = seen_by_client(&exchange, echo).await;
    assert_eq!(headers["location"], format!("https://evil.example/?t={}", world.github));
    assert_eq!(headers.len(), 1);
    let expected = format!("{{\"authorization\": \"Bearer {}\"}}", world.github);
    assert_eq!(body, expected.into_bytes());
    tokio::task::yield_now().await;
    let kinds: Vec<_> = world.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["credential", "secret_in_answer", "secret_in_answer"]);
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
        let CredentialError::Denied(why) = error else { panic!("{shown}") };
        assert!(why.contains("`github`") && why.contains("eu.maps.example"), "{why}");
        let events = world.events();
        assert_eq!((events.len(), events[0].decision), (1, Verdict::Deny), "{shown}");
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
    let events = world.events();
    assert_eq!(events[0].kind, "placeholder");
    assert_eq!(events[0].decision, Verdict::Observe);
    // By another rule for the same host it is not replaced either.
    let sent = Request::get("https://api.github.com/").header("authorization", &world.github);
    let (exchange, head) = world.apply("network.rules[1]", "api.github.com", sent).await.unwrap();
    assert_eq!(head.headers["authorization"], world.github);
    assert!(!exchange.carries_secret());
}

#[tokio::test]
async fn a_secret_goes_only_to_a_verified_server_or_a_named_private_address() {
    let world = world();
    let sent = || Request::get("http://api.github.com/");
    for address in [None, Some("8.8.8.8"), Some("169.254.169.254"), Some("10.0.0.1")] {
        let applied = world.apply_over(GITHUB, "api.github.com", false, address, sent()).await;
        let permitted = address == Some("10.0.0.1");
        assert_eq!(applied.is_ok(), permitted, "{address:?}");
    }
    // A rule whose hosts are others.
    let error = world.apply(GITHUB, "eu.maps.example", sent()).await.unwrap_err();
    assert!(matches!(error, CredentialError::Denied(_)));
}

#[tokio::test]
async fn a_body_with_anothers_placeholder_breaks_off_before_its_end() {
    let world = world();
    let body = |text: String, size: usize| {
        let chunks: Vec<_> = text
            .into_bytes()
            .chunks(size)
            .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        StreamBody::new(tokio_stream(chunks))
    };
    let sent = Request::post("https://eu.maps.example/");
    let (exchange, _) = world.apply(MAPS, "eu.maps.example", sent).await.unwrap();
    for (text, passes) in [
        (format!("token={}&x=1", world.github), false),
        (STANDARD.encode(format!("token={}&x=1", world.github)), false),
        (format!("key={}", world.maps), true),
        (world.github[..39].to_owned(), true),
    ] {
        for size in [1, 7, 1000] {
            let mut watched = exchange.request_body(body(text.clone(), size));
            let mut left = Vec::new();
            let mut broken = false;
            while let Some(frame) = watched.frame().await {
                match frame {
                    Ok(frame) => left.extend_from_slice(&frame.into_data().unwrap()),
                    Err(_) => broken = true,
                }
            }
            assert_eq!(broken, !passes, "{text}");
            assert!(!left.windows(40).any(|part| part == world.github.as_bytes()));
            if passes {
                assert_eq!(left, text.as_bytes());
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_looked_through_does_not_come() {
    let world = world();
    let sent = Request::get("https://api.github.com/");
    let (exchange, _) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    let head = |name: &str, value: &str| -> response::Parts {
        Response::builder().header(name, value).body(()).unwrap().into_parts().0
    };
    for coding in ["gzip", "identity, br", "zstd", "aes128gcm"] {
        exchange.answer(&mut head("content-encoding", coding), true).await.unwrap_err();
    }
    exchange.answer(&mut head("transfer-encoding", "gzip, chunked"), true).await.unwrap_err();
    exchange.answer(&mut head("content-encoding", "gzip"), false).await.unwrap();
    exchange.answer(&mut head("content-encoding", "identity"), true).await.unwrap();
}

#[tokio::test]
async fn trailers_are_cleaned_behind_the_body() {
    let world = world();
    let sent = Request::get("https://api.github.com/");
    let (exchange, _) = world.apply(GITHUB, "api.github.com", sent).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-message", REAL.parse().unwrap());
    let frames = vec![
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x ghp_16C7e"))),
        Ok(Frame::trailers(trailers)),
    ];
    let body = exchange.answer_body(StreamBody::new(tokio_stream(frames)));
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-message"], world.github);
    assert_eq!(collected.to_bytes(), "x ghp_16C7e");
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
        placeholder: Placeholder::like(&"old-secret-000000".into()).unwrap(),
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
    let host: HostName = "a.example".parse().unwrap();
    let route =
        Route { host: &host, rule: Some("r"), verified: true, address: None, subject: "GET" };
    let (mut head, ()) = Request::get("https://a.example/").body(()).unwrap().into_parts();
    let exchange = credentials.apply(route, &mut head).await.unwrap();
    assert_eq!(head.headers["x-key"], "old-secret-000000");
    let (mut answer, ()) =
        Response::builder().status(StatusCode::UNAUTHORIZED).body(()).unwrap().into_parts();
    exchange.answer(&mut answer, false).await.unwrap();
    assert_eq!(*feed.1.lock().unwrap(), 1);
    let exchange = credentials.apply(route, &mut head).await.unwrap();
    assert_eq!(head.headers["x-key"], "new-secret-1111112222");
    let text = "old-secret-000000 new-secret-1111112222";
    let body = exchange.answer_body(Full::new(Bytes::from_static(text.as_bytes())));
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(body, format!("{placeholder} *********************"));
}

#[tokio::test]
async fn no_secret_no_request() {
    let recorder: Arc<dyn Authority> = Arc::new(Recorder::default());
    let credential = Credential {
        name: "c".into(),
        template: Template::header("x-key: {secret}").unwrap(),
        placeholder: Placeholder::plain().unwrap(),
        feed: Arc::new(Err::<Arc<Secret>, _>("set the variable X".to_owned())),
    };
    let binding = Binding {
        rule: "r".into(),
        credential: "c".into(),
        hosts: vec!["a.example".parse().unwrap()],
        addresses: vec![],
    };
    let credentials = Arc::new(Credentials::new(vec![credential], &[binding], recorder));
    let host: HostName = "a.example".parse().unwrap();
    let route =
        Route { host: &host, rule: Some("r"), verified: true, address: None, subject: "GET" };
    let (mut head, ()) = Request::get("https://a.example/").body(()).unwrap().into_parts();
    let error = credentials.apply(route, &mut head).await.unwrap_err();
    assert!(error.to_string().contains("set the variable X"), "{error}");
}

/// A stream of what is there.
fn tokio_stream<T>(items: Vec<T>) -> impl futures_core::Stream<Item = T> + Unpin {
    struct Items<T>(std::vec::IntoIter<T>);
    impl<T> Unpin for Items<T> {}
    impl<T> futures_core::Stream for Items<T> {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Items(items.into_iter())
}

proptest! {
    #[test]
    fn no_request_is_a_panic_and_none_has_a_secret_outside_its_field(
        path in "/[ -~&&[^#? ]]{0,30}", query in "[!-~&&[^#\"<>\\\\^`{|}]]{0,30}",
        value in "[ -~]{0,40}",
    ) {
        let Ok(request) = Request::get(format!("https://api.github.com{path}?{query}"))
            .header("x-a", value.as_str()).header("authorization", value.as_str()).body(())
        else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let world = world();
        let host: HostName = "api.github.com".parse().unwrap();
        let (mut head, ()) = request.into_parts();
        let before = head.clone();
        let route = Route {
            host: &host, rule: Some(GITHUB), verified: true, address: None, subject: "GET",
        };
        runtime.block_on(world.credentials.apply(route, &mut head)).unwrap();
        prop_assert_eq!(&head.uri, &before.uri);
        prop_assert_eq!(&head.headers["x-a"], &before.headers["x-a"]);
        prop_assert_eq!(&head.headers["authorization"], &format!("Bearer {REAL}"));
    }
}
