//! What a policy of OpenShell refuses is refused when Palisade's importer has read it.

use http::StatusCode;
use palisade_testkit::{Flaw, Recorded, TestAuthority, Upstream, answer};

use crate::world::World;

/// A world whose policy is an OpenShell policy for the server at `api.test`, imported.
fn imported(server: &Upstream, authority: &TestAuthority) -> Option<World> {
    let world = World::plain()?;
    let port = server.address().port();
    world.write(
        "config/openshell.yaml",
        &format!(
            "version: 1
filesystem_policy:
  include_workdir: true
  read_only: [/usr, /lib, /proc, /etc]
  read_write: [/tmp, /dev/null]
network_policies:
  api:
    endpoints:
      - host: api.test
        port: {port}
        protocol: rest
        enforcement: enforce
        rules:
          - allow: {{method: GET, path: /v1/**}}
        deny_rules:
          - {{method: '*', path: /v1/secret/*}}
    binaries: [{{path: /usr/bin/curl}}]
"
        ),
    );
    let config = world.at("config");
    let policy = config.join("attack.yaml");
    let status = world
        .palisade()
        .args(["policy", "import", "--force", "--from", "openshell"])
        .arg(config.join("openshell.yaml"))
        .arg("--output")
        .arg(&policy)
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    // The server of a test is on this host, which no policy of OpenShell can name.
    let text = std::fs::read_to_string(&policy).unwrap();
    let here = text
        .replace("\nnetwork:\n", "\nnetwork:\n  hosts: {api.test: [127.0.0.1]}\n")
        .replace(&format!("ports: [{port}]"), &format!("ports: [{port}], addresses: [127.0.0.1]"));
    assert_eq!(here.matches("127.0.0.1").count(), 3, "{text}");
    std::fs::write(&policy, here).unwrap();
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    Some(world.with_variable("SSL_CERT_FILE", store.to_str().unwrap()))
}

#[test]
fn asks_for_what_the_other_tools_policy_refuses() {
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("api.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
    let server = Upstream::start_secure(tls, |request: Recorded| async move {
        answer(StatusCode::OK, "text/plain", format!("{} hello\n", request.method))
    });
    let server = server.unwrap();
    let Some(world) = imported(&server, &authority) else {
        return;
    };
    let port = server.address().port();
    let url = |target: &str| format!("https://api.test:{port}{target}");
    let curl = |arguments: &[&str], target: &str| {
        let url = url(target);
        let base = ["/usr/bin/curl", "-sS", "--path-as-is", "--max-time", "60"];
        world.inside(&[&base[..], arguments, &[&url]].concat())
    };
    // Unconfined, the server takes anything, from any program.
    let resolve = format!("api.test:{port}:127.0.0.1");
    let outside = ["curl", "-sk", "--resolve", &resolve, "-X", "DELETE", &url("/v1/secret/a")];
    assert_eq!(world.outside(&outside).good(), "DELETE hello");

    assert_eq!(curl(&[], "/v1/a/b").good(), "GET hello");
    assert_eq!(curl(&["--http2"], "/v1/a?b=c").good(), "GET hello");
    let before = server.requests().len();
    let refused: &[(&[&str], &str)] = &[
        (&["-X", "POST"], "/v1/a"),
        (&[], "/v2/a"),
        (&[], "/v1/secret/a"),
        (&[], "/v1/x/../secret/a"),
        (&[], "/v1/%73ecret/a"),
        (&["-H", "X-HTTP-Method-Override: DELETE"], "/v1/a"),
    ];
    for (arguments, target) in refused {
        let ran = curl(arguments, target);
        assert!(ran.good().contains("by palisade"), "{arguments:?} {target} passed: {ran}");
    }
    let python = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=60)";
    let ran = world.inside_python_with(python, &[&url("/v1/a")]);
    assert!(ran.err.contains("HTTP Error 403") || ran.err.contains("refused"), "{ran}");
    assert_eq!(server.requests().len(), before, "something of it came to the server");
    world.verify();
}
