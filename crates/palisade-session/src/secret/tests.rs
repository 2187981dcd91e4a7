use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use palisade_core::ExposeSecret;
use palisade_policy::Vault;

use super::*;

fn operator(variables: &[(&str, &str)]) -> Operator {
    let home = PathBuf::from("/");
    let mut environment: std::collections::BTreeMap<_, _> =
        variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    environment.insert("PATH".into(), "/usr/bin:/bin".into());
    Operator {
        home: home.clone(),
        directory: home.clone(),
        state_dir: home.clone(),
        config_dir: home,
        environment,
    }
}

async fn read_from(source: SecretSource) -> Result<String, String> {
    let operator = operator(&[("KEY", "of-a-variable"), ("TOKEN", "vault-token\n"), ("NONE", "")]);
    let read = read("c", &source, &operator, Stderr::Nobody).await;
    read.map(|secret| secret.expose_secret().to_owned())
}

fn script(line: &str) -> SecretSource {
    SecretSource::Command(["/bin/sh", "-c", line].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn variables_and_commands_give_their_text_without_its_line_end() {
    let of = |name: &str| SecretSource::Env(name.to_owned());
    assert_eq!(read_from(of("KEY")).await.unwrap(), "of-a-variable");
    for empty in ["NONE", "MISSING"] {
        let why = read_from(of(empty)).await.unwrap_err();
        assert!(why.contains(empty) && why.contains("`c`"), "{why}");
    }
    assert_eq!(read_from(script("echo printed")).await.unwrap(), "printed");
    assert_eq!(read_from(script("printf 'a\\r\\n'")).await.unwrap(), "a");
}

#[tokio::test]
async fn what_a_command_prints_is_in_no_error() {
    for line in [
        "echo s3cret; echo s3cret >&2; exit 3",
        "echo s3cret >&2",
        "head -c 200000 /dev/zero | tr '\\0' 's'; sleep 60",
        "printf 's3cret\\377'",
    ] {
        let why = read_from(script(line)).await.unwrap_err();
        assert!(!why.contains("s3cret") && why.len() < 200, "{line}: {why}");
    }
    let missing = SecretSource::Command(vec!["/no/such/program".to_owned()]);
    assert!(read_from(missing).await.unwrap_err().contains("/no/such/program"));
}

#[tokio::test]
async fn a_key_store_without_its_program_is_told() {
    let attributes = [("service".to_owned(), "github".to_owned())].into();
    let why = read_from(SecretSource::Keyring(attributes)).await.unwrap_err();
    assert!(why.contains("secret-tool"), "{why}");
}

/// The program gets the attributes as words of their own.
#[tokio::test]
async fn a_key_store_is_asked_by_its_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("secret-tool");
    palisade_testkit::write_program(&program, "#!/bin/sh\nprintf '%s|' \"$@\"\n");
    let mut operator = operator(&[]);
    operator.environment.insert("PATH".into(), folder.path().into());
    let attributes = [("a".to_owned(), "b c".to_owned()), ("d".to_owned(), "e=f".to_owned())];
    let source = SecretSource::Keyring(attributes.into());
    let read = read("c", &source, &operator, Stderr::Nobody).await.unwrap();
    assert_eq!(read.expose_secret(), "lookup|a|b c|d|e=f|");
}

fn file(folder: &Path, mode: u32) -> PathBuf {
    let path = folder.join(format!("{mode:o}"));
    fs::write(&path, "in-a-file\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn a_file_is_taken_only_if_nobody_else_had_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = rustix::process::geteuid().is_root();
    for (mode, taken) in
        [(0o600, true), (0o400, true), (0o640, root), (0o644, root), (0o620, false), (0o666, false)]
    {
        let path = file(folder.path(), mode);
        let read = read_from(SecretSource::File(path)).await;
        assert_eq!(read.is_ok(), taken, "{mode:o}: {read:?}");
        if let Err(why) = read {
            assert!(why.contains("chmod 600") && !why.contains("in-a-file"), "{why}");
        }
    }
    let missing = SecretSource::File(folder.path().join("missing"));
    assert!(read_from(missing).await.unwrap_err().contains("missing"));
    let folder = SecretSource::File(folder.path().to_owned());
    assert!(read_from(folder).await.unwrap_err().contains("no regular file"));
    let device = SecretSource::File("/dev/zero".into());
    assert!(read_from(device).await.unwrap_err().contains("no regular file"));
}

/// A server that answers one request with this, and gives back the request's head.
fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.trim().split_once(' ').unwrap();
            head.push_str(&format!("{} {value}\n", name.to_ascii_lowercase()));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        head.push_str(&String::from_utf8(body).unwrap());
        let (status, body) = answer.split_once(' ').unwrap();
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        head
    });
    (url, serving)
}

fn vault(url: &str, version: u8) -> SecretSource {
    SecretSource::Vault(Vault {
        url: url.to_owned(),
        mount: "secret".to_owned(),
        path: "ci/github".to_owned(),
        field: "token".to_owned(),
        version,
        namespace: Some("team".to_owned()),
        token: Box::new(SecretSource::Env("TOKEN".to_owned())),
    })
}

#[tokio::test]
async fn a_vault_is_asked_in_both_of_its_versions() {
    for (version, path, answer) in [
        (1, "/v1/secret/ci/github", r#"200 {"lease_id": "", "data": {"x": 1, "token": "kept"}}"#),
        (
            2,
            "/v1/secret/data/ci/github",
            r#"200 {"data": {"data": {"token": "kept", "x": {}}, "metadata": {}}}"#,
        ),
    ] {
        let (url, serving) = server(answer);
        assert_eq!(read_from(vault(&url, version)).await.unwrap(), "kept");
        let head = serving.join().unwrap();
        assert!(head.starts_with(&format!("get {path} HTTP/1.1\n")), "{head}");
        assert!(head.contains("x-vault-token: vault-token\n"), "{head}");
        assert!(head.contains("x-vault-namespace: team\n"), "{head}");
    }
}

#[tokio::test]
async fn a_vaults_refusals_and_nonsense_are_told_without_its_text() {
    for (answer, says) in [
        ("403 {\"errors\": [\"s3cret\"]}", "403"),
        ("404 {}", "no such secret"),
        ("503 {}", "sealed"),
        ("302 s3cret", "302"),
        ("200 s3cret", "not that of a key-value store"),
        ("200 {\"data\": {\"data\": {\"other\": \"s3cret\"}}}", "no field `token`"),
        ("200 {\"data\": {\"data\": {\"token\": [\"s3cret\"]}}}", "no text"),
        ("200 {\"data\": \"s3cret\"}", "not that of a key-value store"),
    ] {
        let (url, serving) = server(answer);
        let why = read_from(vault(&url, 2)).await.unwrap_err();
        assert!(why.contains(says) && !why.contains("s3cret"), "{why}");
        assert!(!why.contains("vault-token"), "{why}");
        serving.join().unwrap();
    }
    let why = read_from(vault("http://127.0.0.1:1", 2)).await.unwrap_err();
    assert!(why.contains("127.0.0.1:1"), "{why}");
}

fn oauth2(url: &str, secret: bool, refresh: bool) -> SecretSource {
    let kept = |name: &str| Box::new(SecretSource::Env(name.to_owned()));
    SecretSource::OAuth2(OAuth2 {
        token_url: format!("{url}/token"),
        client_id: "my client".to_owned(),
        client_secret: secret.then(|| kept("KEY")),
        refresh_token: refresh.then(|| kept("TOKEN")),
        scope: Some("a b".to_owned()),
    })
}

#[tokio::test]
async fn tokens_are_had_by_the_clients_secret_or_by_a_refresh_token() {
    let given = r#"200 {"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "next"}"#;
    let operator = operator(&[("KEY", "of/a&variable"), ("TOKEN", "first\n")]);
    for (secret, refresh, newer, form) in [
        (true, false, None, "grant_type=client_credentials&scope=a+b"),
        (true, true, None, "grant_type=refresh_token&refresh_token=first&scope=a+b"),
        (true, true, Some("newer"), "grant_type=refresh_token&refresh_token=newer&scope=a+b"),
        (
            false,
            true,
            None,
            "grant_type=refresh_token&refresh_token=first&scope=a+b&client_id=my+client",
        ),
    ] {
        let (url, serving) = server(given);
        let newer = newer.map(SecretString::from);
        let source = oauth2(&url, secret, refresh);
        let read =
            read_with("c", &source, &operator, Stderr::Nobody, newer.as_ref()).await.unwrap();
        assert_eq!(read.secret.expose_secret(), "the-token");
        assert_eq!(read.lifetime, Some(Duration::from_secs(3600)));
        assert_eq!(read.refresh_token.unwrap().expose_secret(), "next");
        let head = serving.join().unwrap();
        assert!(head.starts_with("post /token HTTP/1.1\n"), "{head}");
        assert!(head.ends_with(form), "{head}");
        // RFC 6749, section 2.3.1: "my+client:of%2Fa%26variable" in base64.
        let basic = "authorization: Basic bXkrY2xpZW50Om9mJTJGYSUyNnZhcmlhYmxl\n";
        assert_eq!(head.contains(basic), secret, "{head}");
    }
}

#[tokio::test]
async fn a_lifetime_is_taken_as_servers_write_it() {
    let operator = operator(&[("KEY", "of-a-variable")]);
    for (written, seconds) in [
        ("3599", Some(3599)),
        ("\"3599\"", Some(3599)),
        ("3599.5", Some(3599)),
        ("0", Some(0)),
        ("null", None),
        ("-5", None),
        ("\"soon\"", None),
        ("1000000000000000000000000000000", None),
        ("[1]", None),
    ] {
        let answer = format!(r#"200 {{"access_token": "the-token", "expires_in": {written}}}"#);
        let (url, serving) = server(answer.leak());
        let source = oauth2(&url, true, false);
        let read = read_with("c", &source, &operator, Stderr::Nobody, None).await;
        let lifetime = read.map(|it| it.lifetime);
        assert_eq!(lifetime, Ok(seconds.map(Duration::from_secs)), "{written}");
        serving.join().unwrap();
    }
}

#[tokio::test]
async fn refusals_of_tokens_are_told_without_the_servers_text() {
    for (answer, says) in [
        (r#"400 {"error": "invalid_grant", "error_description": "s3cret"}"#, "400, invalid_grant"),
        (r#"401 {"error": "s3cret"}"#, "answered 401"),
        ("500 s3cret", "answered 500"),
        ("200 s3cret", "no access token"),
        (r#"200 {"access_token": ["s3cret"]}"#, "no access token"),
        (r#"200 {"access_token": "s3cret", "token_type": "mac"}"#, "another kind"),
    ] {
        let (url, serving) = server(answer);
        let why = read_from(oauth2(&url, true, false)).await.unwrap_err();
        assert!(why.contains(says) && !why.contains("s3cret"), "{why}");
        serving.join().unwrap();
    }
}
