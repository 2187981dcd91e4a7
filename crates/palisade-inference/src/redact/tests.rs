use proptest::prelude::*;

use super::*;

/// Published examples and made-up keys of the right form: none opens anything.
const GITHUB: &str = "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";
const ANTHROPIC: &str =
    "sk-ant-api03-q9Zt4vXb2LmN8sKd7RfGh3JpWc6TyU1oEiA5xVnBzQ0rMlDkSgFhHjYw2P4t6u8v0wAA";
const OPENAI: &str = "sk-proj-Ab3dEf6hIj9lMn2pQr5tUvT3BlbkFJx8yZ1aBc4dEf7gHi0jKl3mNo6";

fn keys() -> Vec<(&'static str, String)> {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let pem = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEA7bq3k9vX2mN5pQ8rT1wY4zB6cD0fG3hJ5kL7nP9sR2uV4xZ6",
        "aC8eG0iK2mO4qS6uW8yA0cE2gI4kM6oQ8sU0wY2aC4eG6iK8mO0qS2uW4yA6cE8g"
    );
    vec![
        ("github-token", GITHUB.into()),
        (
            "github-token",
            format!(
                "github_pat_11ABCDEFG0{}_{}",
                "aZ3xK9mQ2pLw", "b7Vn4TqR8sYc1Ud5Fg0Hj6Kl2Mn9Pb3Xz7Wv5Qt8Er1Iy4Oa6Su0Dh2Jk5Lm8Nq"
            ),
        ),
        ("anthropic-key", ANTHROPIC.into()),
        ("openai-key", OPENAI.into()),
        ("aws-key-id", "AKIAQ3EGV7TR2XKP5LMN".into()),
        (
            "slack-token",
            format!("xoxb-{}-{}-{}", "2481632649", "2481632650128", "aB3dE5fG7hJ9kL1mN3pQ5rS7"),
        ),
        ("stripe-key", format!("sk_live_{}", "51H8xKzLkdIwHu7ixQ2bN4mV6cX8zA0s")),
        ("google-key", "AIzaSyD4kR8vQ2mN6pT1wX5zB9cF3hJ7lL0gEuY".into()),
        ("npm-token", "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".into()),
        ("gitlab-token", "glpat-x7Yk2Qm9Rt4Vb6Nz1Wc3".into()),
        ("huggingface-token", "hf_aBcD3fGhIjK5lMnOpQrS7tUvWxYz9AbCdE".into()),
        ("jwt", jwt.into()),
        ("private-key", pem),
    ]
}

fn redactor() -> Redactor {
    Redactor::new(&[KnownSecret::credential(&"the-operators-own-pass-9".to_owned().into())])
}

/// Of each key: what is left of a body once it was searched, and of what kind it was.
fn left(body: &str) -> (String, Vec<String>) {
    let redacted = redactor().redact(body.as_bytes()).unwrap();
    let kinds = redacted.found.keys().cloned().collect();
    let body = redacted.body.map_or(body.to_owned(), |body| String::from_utf8(body).unwrap());
    (body, kinds)
}

fn said(text: &str) -> String {
    serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string()
}

fn base64(text: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let used = index <= chunk.len();
            let digit = DIGITS[(bits >> (18 - 6 * index) & 63) as usize] as char;
            out.push(if used { digit } else { '=' });
        }
    }
    out
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn each_form_is_replaced_by_its_mark() {
    for (kind, key) in keys() {
        for around in ["", "\n", "\"", "=", " ", "(", "Bearer ", "https://x:", "ü"] {
            let behind = if around.len() > 2 { "" } else { around };
            let (body, kinds) = left(&said(&format!("a {around}{key}{behind} b")));
            assert_eq!(kinds, [kind], "{key}");
            assert!(body.contains(&format!("[palisade:{kind}:1]")), "{body}");
            assert!(!body.contains(&key[key.len() / 2..]), "{body}");
        }
    }
}

#[test]
fn nothing_else_of_a_body_changes() {
    let body = format!(
        "{{ \"model\" :\"m\",\"x\":1.50e3, \"messages\":[{{\"role\":\"user\",\"content\":\"caf\\u00e9 {GITHUB}\\n\\ud83d\\ude00\"}}] }}"
    );
    let (out, _) = left(&body);
    assert_eq!(out, body.replace(GITHUB, "[palisade:github-token:1]"));
    let plain = body.replace(GITHUB, "nothing");
    assert_eq!(redactor().redact(plain.as_bytes()).unwrap(), Redacted::default());
}

#[test]
fn a_mark_is_the_same_each_time() {
    let redactor = redactor();
    let other = GITHUB.replace("ghp_", "gho_");
    let first = redactor.redact(said(&format!("{GITHUB} {other}")).as_bytes()).unwrap();
    let text = String::from_utf8(first.body.unwrap()).unwrap();
    assert!(text.contains("[palisade:github-token:1] [palisade:github-token:2]"), "{text}");
    let again = redactor.with(&[]).redact(said(&base64(other.as_bytes())).as_bytes()).unwrap();
    assert!(String::from_utf8(again.body.unwrap()).unwrap().contains("[palisade:github-token:2]"));
}

#[test]
fn values_of_the_operator_are_found_wherever_they_stand() {
    for text in
        ["the-operators-own-pass-9", "xthe-operators-own-pass-9y", "pass=the-operators-own-pass-9;"]
    {
        let (body, kinds) = left(&said(text));
        assert_eq!(kinds, ["credential"]);
        assert!(!body.contains("operators"), "{body}");
    }
    let (_, kinds) = left(r#"{"the-operators-own-pass-9":1}"#);
    assert_eq!(kinds, ["credential"]);
}

#[test]
fn what_only_looks_like_a_key_stays() {
    for text in [
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_short",
        "AKIAIOSFODNN7EXAMPLE",
        "task-ant-api03-is-no-key-of-anybody-at-all-really-not",
        "sk-your-api-key-goes-here-please-replace-it-before-use",
        "eyJ.eyJ.eyJ",
        "eyJhbGciOiJIUzI1NiJ9",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA7bq3k9vX2mN5pQ8rT1wY\n-----END PUBLIC KEY-----",
        "if line == \"-----BEGIN PRIVATE KEY-----\" { start = true }",
        "AKIA is how they begin, and ASIA",
        "const xoxb_prefix = 'xoxb-'; // see hooks.slack.com/services/",
        "palisade-placeholder-0123456789abcdef",
        "5f2b1c9d8e7a6041b3c2d1e0f9a8b7c65f2b1c9d8e7a6041b3c2d1e0f9a8b7c6",
    ] {
        let (_, kinds) = left(&said(text));
        assert!(kinds.is_empty(), "{text}: {kinds:?}");
    }
}

#[test]
fn a_private_key_goes_whole_or_as_far_as_it_is_there() {
    let (_, pem) = keys().pop().unwrap();
    for text in [
        format!("x\n{pem}\ny"),
        format!("x\n{}", pem.replace('\n', "\r\n")),
        format!("key = \"{}\"", pem.replace('\n', "\\n")),
        format!("x {}", &pem[..120]),
        pem.replace("RSA ", "ENCRYPTED "),
    ] {
        let (body, kinds) = left(&said(&text));
        assert_eq!(kinds, ["private-key"], "{text}");
        assert!(!body.contains("aC8eG0iK") && !body.contains("MIIEow"), "{body}");
    }
}

/// Where each key is had taken a look at all before it: four times as many took sixteen times as long.
#[test]
fn many_keys_in_one_text_take_no_longer_than_in_many() {
    let aws = keys().into_iter().find(|(_, key)| key.starts_with("AKIA")).unwrap().1;
    let took = |many: usize| {
        let lines = format!("{aws}\n").repeat(many);
        let begun = ran();
        for text in [lines.clone(), hex(&lines), base64(lines.as_bytes())] {
            let redacted = redactor().redact(said(&text).as_bytes()).unwrap();
            assert_eq!(redacted.found.values().sum::<usize>(), many);
        }
        ran() - begun
    };
    let (few, many) = (took(5_000), took(20_000));
    assert!(many < 10 * few, "{many} ns for four times of what takes {few} ns");
}

/// How long this thread had a processor, in nanoseconds (`/proc/thread-self/schedstat`): others at work do not count.
fn ran() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn base64_in_lines_is_one_text() {
    let text = format!(
        "{}{GITHUB}{}",
        "some words before it, and ".repeat(4),
        " and some more after".repeat(4)
    );
    let encoded = base64(text.as_bytes());
    for end in ["\n", "\r\n", "\\n"] {
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let (body, kinds) = left(&said(&format!("$ base64 x\n{}\n$", lines.join(end))));
        assert_eq!(kinds, ["github-token"], "{end:?}");
        assert!(body.contains("[palisade:github-token:1]"));
        // What is around it stays.
        assert!(body.contains(&lines[0][..60]), "{body}");
    }
}

/// An encoding that is named in the docs.
#[derive(Debug, Clone, Copy)]
enum Coat {
    Base64,
    UrlBase64,
    Hex,
    HexCapitals,
    Percent,
    PercentAll,
    Json,
    JsonAll,
    Slashes,
}

fn coat() -> impl Strategy<Value = Coat> {
    prop::sample::select(vec![
        Coat::Base64,
        Coat::UrlBase64,
        Coat::Hex,
        Coat::HexCapitals,
        Coat::Percent,
        Coat::PercentAll,
        Coat::Json,
        Coat::JsonAll,
        Coat::Slashes,
    ])
}

fn coated(text: &str, coat: Coat) -> String {
    match coat {
        Coat::Base64 => base64(text.as_bytes()),
        Coat::UrlBase64 => {
            base64(text.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "")
        }
        Coat::Hex => hex(text),
        Coat::HexCapitals => hex(text).to_uppercase(),
        Coat::Percent => text.replace('_', "%5F").replace('-', "%2d").replace('\n', "%0A"),
        Coat::PercentAll => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        Coat::Json => serde_json::to_string(text).unwrap(),
        Coat::JsonAll => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        Coat::Slashes => text.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
    }
}

fn key() -> impl Strategy<Value = (&'static str, String)> {
    prop::sample::select(keys())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No coat hides a key, nor two of them, whatever words are around.
    #[test]
    fn encodings_hide_nothing(
        (kind, key) in key(),
        coats in prop::collection::vec(coat(), 0..3),
        before in "[ a-z,.:=\n]{0,30}",
        after in "[ ,.;\n][ a-z,.]{0,30}",
        outside in "([ =:,(\"]|word )?",
    ) {
        let mut text = format!("{before}{}{key}{after}", if before.ends_with(|c: char| c.is_ascii_alphanumeric()) { " " } else { "" });
        for coat in &coats {
            text = coated(&text, *coat);
        }
        let (_, kinds) = left(&said(&format!("{outside}{text}")));
        prop_assert!(kinds.iter().any(|found| found == kind), "{kind} in {text}: {kinds:?}");
    }

    /// However a key is cut into blocks of a message, and its letters written.
    #[test]
    fn no_split_hides_a_key(
        (kind, key) in key(),
        cuts in prop::collection::vec(0_usize..80, 0..5),
        escaped in any::<u64>(),
        before in "[a-z ]{0,12}",
        after in "[a-z ]{0,12}",
    ) {
        let text = format!("{before}\n{key}\n{after}");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let mut blocks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            let letters: String = text[from..cut]
                .chars()
                .enumerate()
                .map(|(index, letter)| match letter {
                    '\n' => "\\n".to_owned(),
                    _ if escaped >> (index % 64) & 1 == 1 => format!("\\u{:04x}", letter as u32),
                    _ => letter.to_string(),
                })
                .collect();
            blocks.push(format!("{{\"type\":\"text\",\"text\":\"{letters}\",\"cache_control\":{{\"type\":\"ephemeral\"}}}}"));
            from = cut;
        }
        let body = format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":[{}]}}]}}", blocks.join(","));
        let (out, kinds) = left(&body);
        prop_assert!(kinds.iter().any(|found| found == kind), "{kind}: {body}");
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        let joined: String = read["messages"][0]["content"].as_array().unwrap().iter().map(|block| block["text"].as_str().unwrap()).collect();
        let mark = format!("{before}\n[palisade:{kind}:1]\n{after}");
        prop_assert_eq!(joined, mark);
    }

    /// What has no key stays the same, byte for byte; and nothing panics.
    #[test]
    fn words_stay(text in ".{0,300}") {
        let body = said(&text);
        let redacted = redactor().redact(body.as_bytes()).unwrap();
        prop_assert_eq!(redacted, Redacted::default());
    }
}
