use base64::{Engine, engine::general_purpose::STANDARD};
use palisade_core::SecretString;
use proptest::prelude::*;

use super::{super::Placeholder, super::forms::Forms, *};

/// A scrubber for one secret, and its placeholder.
fn scrubber(secret: &str) -> (Scrubber, String) {
    let placeholder = Placeholder::like(&SecretString::from(secret)).unwrap();
    (with(&[(secret, placeholder.as_str())]), placeholder.as_str().to_owned())
}

fn with(pairs: &[(&str, &str)]) -> Scrubber {
    let forms: Vec<_> = pairs.iter().map(|(one, two)| (Forms::of(one), Forms::of(two))).collect();
    Scrubber::new(Arc::new(Patterns::new(forms.iter().map(|(one, two)| (one, two)))))
}

fn run(scrubber: &mut Scrubber, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&scrubber.finish());
    assert_eq!(scrubber.held(), 0);
    out
}

/// The text cut at these places.
fn cut<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.sort_unstable();
    let mut chunks = Vec::new();
    let mut from = 0;
    for at in cuts.into_iter().chain([text.len()]) {
        chunks.push(&text[from..at]);
        from = at;
    }
    chunks
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

#[test]
fn a_secret_split_over_chunks_becomes_its_placeholder() {
    let (mut scrubber, placeholder) = scrubber(TOKEN);
    let out = run(&mut scrubber, &[b"x ghp_16C7e4", b"2F292c6912E7710", b"c838347Ae178B4a y"]);
    assert_eq!(out, format!("x {placeholder} y").into_bytes());
    assert_eq!(scrubber.found(), 1);
}

#[test]
fn text_without_a_secret_is_the_same_bytes_and_waits_for_nothing() {
    let (mut scrubber, _) = scrubber(TOKEN);
    for text in ["data: {\"x\": 1}\n\n", "ghp_", "tail ghp_16", "done"] {
        let chunk = Bytes::copy_from_slice(text.as_bytes());
        let out = scrubber.push(chunk.clone());
        if text.starts_with("data") {
            assert_eq!(out.as_ptr(), chunk.as_ptr());
        }
    }
    assert_eq!((scrubber.found(), scrubber.held()), (0, 0));
}

#[test]
fn encoded_secrets_are_covered_and_their_length_stays() {
    let secret = "s3cr3t/key+with=\"all\"&more";
    let (mut scrubber, placeholder) = scrubber(secret);
    for (coded, expected) in [
        (secret.to_owned(), placeholder.clone()),
        (
            "s3cr3t%2Fkey%2Bwith%3D%22all%22%26more".to_owned(),
            placeholder
                .replace('/', "%2F")
                .replace('+', "%2B")
                .replace('=', "%3D")
                .replace('"', "%22")
                .replace('&', "%26"),
        ),
        ("s3cr3t/key+with=\\\"all\\\"&more".to_owned(), placeholder.replace('"', "\\\"")),
    ] {
        assert_eq!(run(&mut scrubber, &[coded.as_bytes()]), expected.into_bytes());
    }
    for before in ["", "u", "us", "user:"] {
        let coded = STANDARD.encode(format!("{before}{secret}:x"));
        let out = run(&mut scrubber, &[coded.as_bytes()]);
        assert_eq!(out.len(), coded.len());
        let decoded = STANDARD.decode(&out).unwrap();
        assert!(contains(&decoded, &placeholder.as_bytes()[2..20]), "{before}: {decoded:?}");
    }
}

#[test]
fn a_secret_that_rotated_to_another_length_is_covered_by_as_many_asterisks() {
    let mut scrubber = with(&[("new-secret-of-20-chr", "placeholder-of-old")]);
    assert_eq!(run(&mut scrubber, &[b"<new-secret-of-20-chr>"]), b"<********************>");
}

#[test]
fn a_placeholder_that_would_complete_the_secret_is_not_used() {
    // Its end is the beginning of the secret, and what follows in the stream is the rest of it.
    let mut scrubber = with(&[("abcdefgh", "ZZZZZabc")]);
    let out = run(&mut scrubber, &[b"abcdefghdefgh"]);
    assert_eq!(out, b"********defgh");
    // The end of the secret is its beginning.
    let mut scrubber = with(&[("abcdefgh", "ghZZZZZZ")]);
    assert_eq!(run(&mut scrubber, &[b"abcdefabcdefgh"]), b"abcdef********");
}

/// Text made of pieces of the secret, of the placeholder, and of what is around.
fn adversarial(secret: String, placeholder: String) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => (Just(secret.clone()), 0usize..60, 0usize..60),
        1 => (Just(placeholder), 0usize..60, 0usize..60),
        2 => (Just(STANDARD.encode(format!("ab{secret}cd"))), 0usize..90, 0usize..90),
        2 => (Just(secret), Just(0), Just(1000)),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| {
        let mut text = Vec::new();
        for (whole, one, two) in pieces {
            let (from, to) = (one.min(two).min(whole.len()), one.max(two).min(whole.len()));
            text.extend_from_slice(&whole.as_bytes()[from..to]);
        }
        text
    })
}

fn secret_and_text() -> impl Strategy<Value = (String, String, Vec<u8>)> {
    // Few letters: pieces fit together in many ways. Some have no placeholder of their own.
    let secret = prop_oneof!["[ab]{8,12}", "[abA/]{4}[a-z]{8,20}", "ghp_[a-zA-Z0-9]{8,36}"];
    secret.prop_flat_map(|secret| {
        let like = Placeholder::like(&SecretString::from(secret.as_str()));
        let placeholder =
            like.map_or_else(|| "b".repeat(secret.len()), |it| it.as_str().to_owned());
        let text = adversarial(secret.clone(), placeholder.clone());
        (Just(secret), Just(placeholder), text)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_output_holds_the_secret_and_no_split_changes_it(
        (secret, placeholder, text) in secret_and_text(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut whole = with(&[(&secret, &placeholder)]);
        let expected = run(&mut whole, &[&text]);
        let mut split = with(&[(&secret, &placeholder)]);
        let out = run(&mut split, &cut(&text, &cuts));
        prop_assert_eq!(&out, &expected);
        prop_assert_eq!(out.len(), text.len());
        prop_assert_eq!(whole.found(), split.found());
        for form in Forms::of(&secret).iter().filter(|form| form.len() >= 8) {
            prop_assert!(!contains(&out, form), "{:?}", String::from_utf8_lossy(form));
        }
        if whole.found() == 0 {
            prop_assert_eq!(&out, &text);
        }
    }

    #[test]
    fn several_secrets_do_not_help_each_other_out(
        secrets in prop::collection::vec("[ab]{8,10}", 1..4),
        instead in prop::collection::vec("[ab]{8,10}", 4),
        text in "[ab]{0,120}",
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let pairs: Vec<_> =
            secrets.iter().zip(&instead).map(|(one, two)| (one.as_str(), two.as_str())).collect();
        let out = run(&mut with(&pairs), &cut(text.as_bytes(), &cuts));
        prop_assert_eq!(&out, &run(&mut with(&pairs), &[text.as_bytes()]));
        for secret in &secrets {
            prop_assert!(!contains(&out, secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn arbitrary_bytes_pass_unchanged_and_at_most_a_secret_waits(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..16),
    ) {
        let (mut scrubber, _) = scrubber(TOKEN);
        let longest = Forms::of(TOKEN).longest();
        let mut out = Vec::new();
        for chunk in &chunks {
            out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(chunk)));
            prop_assert!(scrubber.held() < longest);
        }
        out.extend_from_slice(&scrubber.finish());
        prop_assert_eq!(out, chunks.concat());
    }
}

/// What comes out if it is quiet behind each chunk.
fn run_quietly(scrubber: &mut Scrubber, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(chunk)));
        out.extend_from_slice(&scrubber.quiet());
    }
    out.extend_from_slice(&scrubber.finish());
    assert_eq!(scrubber.held(), 0);
    out
}

#[test]
fn a_message_that_ends_like_the_beginning_of_a_secret_does_not_wait() {
    let (mut scrubber, placeholder) = scrubber(TOKEN);
    assert_eq!(scrubber.push(Bytes::from_static(b"long")), b"lon".as_slice());
    assert_eq!(scrubber.quiet(), b"g".as_slice());
    assert_eq!((scrubber.held(), scrubber.quiet()), (0, Bytes::new()));
    // The rest of it is still looked for, and a longer beginning waits.
    assert_eq!(scrubber.push(Bytes::from_static(b"hp_1")), Bytes::new());
    assert_eq!((scrubber.held(), scrubber.quiet()), (4, Bytes::new()));
    let rest = scrubber.push(Bytes::copy_from_slice(&TOKEN.as_bytes()[5..]));
    assert_eq!(rest, placeholder.as_bytes()[1..]);
    assert_eq!(scrubber.found(), 1);
}

proptest! {
    #[test]
    fn quiet_shows_no_more_than_two_bytes_of_a_secret(
        cuts in prop::collection::vec(0usize..200, 0..40),
        before in "[gh p_x]{0,8}",
        between in "[gh p_x]{0,8}",
    ) {
        let (mut scrubber, placeholder) = scrubber(TOKEN);
        let text = format!("{before}{TOKEN}{between}{TOKEN}gh");
        let out = run_quietly(&mut scrubber, &cut(text.as_bytes(), &cuts));
        prop_assert_eq!(out.len(), text.len());
        prop_assert_eq!(scrubber.found(), 2);
        let expected = format!("{before}{placeholder}{between}{placeholder}gh").into_bytes();
        // All but the first two bytes of each are those of the placeholder.
        let starts = [before.len(), before.len() + TOKEN.len() + between.len()];
        for (at, (got, expected)) in out.iter().zip(&expected).enumerate() {
            let shown = starts.iter().any(|start| (*start..*start + 2).contains(&at));
            prop_assert!(got == expected || shown, "{} at {}", got, at);
        }
    }
}
