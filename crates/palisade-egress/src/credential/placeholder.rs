use std::fmt;

use data_encoding::HEXLOWER;
use palisade_core::{ExposeSecret, SecretString};
use rustix::rand::{GetRandomFlags, getrandom};

use super::{forms::Forms, patterns::overlaps, secret::LONGEST};

/// What stands inside in place of a secret: random, of no use outside, and of the same shape, so that
/// programs that look at their keys take it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Placeholder(String);

/// Beginnings by which services and their programs know their keys.
const PREFIXES: [&str; 34] = [
    "github_pat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "glpat-",
    "gldt-",
    "glrt-",
    "sk-ant-api03-",
    "sk-ant-oat01-",
    "sk-ant-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-or-v1-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxe-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "npm_",
    "pypi-",
    "hf_",
    "hvs.",
    "dop_v1_",
    "SG.",
];

/// Random characters below which a text may stand somewhere by chance, or be guessed.
const LEAST_RANDOM: usize = 8;
/// Draws for one that can be put in place of the secret in any text.
const DRAWS: usize = 512;

impl Placeholder {
    /// A new one of this secret's shape: the same length and alphabet, the same known beginning, and the
    /// same characters where it has other ones than letters and digits. `None` if too little of
    /// it would be random, if the secret is none that can be sent ([`super::Secret`]), so that its shape is of
    /// no use and may be one that no variable can hold, or if the kernel gives no random numbers.
    pub fn like(secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret();
        if secret.len() > LONGEST || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let fixed = PREFIXES.iter().find(|prefix| secret.starts_with(**prefix));
        let fixed = fixed.map_or(0, |prefix| prefix.len());
        let alphabet = alphabet(secret.get(fixed..)?)?;
        let forms = Forms::of(secret);
        let mut drawn = None;
        for _ in 0..DRAWS {
            let one = draw(secret, fixed, &alphabet)?;
            let fits = !overlaps(&forms, &Forms::of(&one));
            if one != secret {
                drawn = Some(Self(one));
                if fits {
                    break;
                }
            }
        }
        drawn
    }

    /// A new one for a secret of which nothing is known. `None` if the kernel gives no random numbers.
    pub fn plain() -> Option<Self> {
        let mut bytes = [0_u8; 16];
        getrandom(&mut bytes, GetRandomFlags::empty()).ok()?;
        Some(Self(format!("palisade-placeholder-{}", HEXLOWER.encode(&bytes))))
    }

    /// One that stands inside already.
    pub fn fixed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Placeholder({})", self.0)
    }
}

/// The characters that random ones are drawn from: those of the kinds that the text has.
fn alphabet(text: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if letters.len() < LEAST_RANDOM {
        return None;
    }
    let all = |kind: fn(&u8) -> bool| letters.iter().all(kind);
    let any = |kind: fn(&u8) -> bool| letters.iter().any(kind);
    let drawn = |kind: fn(&u8) -> bool| (0..=127_u8).filter(kind).collect::<Vec<u8>>();
    if any(u8::is_ascii_digit) && any(u8::is_ascii_alphabetic) {
        let lower: fn(&u8) -> bool = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let upper: fn(&u8) -> bool = |b| matches!(b, b'0'..=b'9' | b'A'..=b'F');
        let base32: fn(&u8) -> bool = |b| matches!(b, b'A'..=b'Z' | b'2'..=b'7');
        for kind in [lower, upper, base32] {
            if all(kind) {
                return Some(drawn(kind));
            }
        }
    }
    let kinds: [fn(&u8) -> bool; 3] =
        [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    Some(kinds.into_iter().filter(|kind| any(*kind)).flat_map(drawn).collect())
}

fn draw(secret: &str, fixed: usize, alphabet: &[u8]) -> Option<String> {
    let mut random = Random::default();
    let mut drawn = String::with_capacity(secret.len());
    for (index, character) in secret.chars().enumerate() {
        let keeps = index < fixed || !character.is_ascii_alphanumeric();
        drawn.push(if keeps { character } else { char::from(random.one_of(alphabet)?) });
    }
    Some(drawn)
}

/// Random numbers of the kernel, some at a time.
#[derive(Default)]
struct Random(Vec<u8>);

impl Random {
    /// Each with the same chance.
    fn one_of(&mut self, list: &[u8]) -> Option<u8> {
        let count = u8::try_from(list.len()).ok().filter(|count| *count > 0)?;
        let even = u8::MAX - u8::MAX % count;
        loop {
            if self.0.is_empty() {
                let mut fresh = [0_u8; 128];
                getrandom(&mut fresh, GetRandomFlags::empty()).ok()?;
                self.0 = fresh.to_vec();
            }
            let number = self.0.pop()?;
            if number < even {
                return list.get(usize::from(number % count)).copied();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn like(secret: &str) -> Option<String> {
        Placeholder::like(&SecretString::from(secret)).map(|it| it.as_str().to_owned())
    }

    #[test]
    fn a_placeholder_has_the_shape_of_its_secret() {
        let token = like("ghp_16C7e42F292c6912E7710c838347Ae178B4a").unwrap();
        assert!(token.starts_with("ghp_") && token.len() == 40, "{token}");
        let key = like("AKIAIOSFODNN7EXAMPLE").unwrap();
        assert!(key.starts_with("AKIA") && key.bytes().all(|b| !b.is_ascii_lowercase()), "{key}");
        let slack = like("xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOHcbrzqgy").unwrap();
        assert_eq!(slack.match_indices('-').map(|(at, _)| at).collect::<Vec<_>>(), [4, 16, 28]);
        let hex = like("0123456789abcdef0123456789abcdef").unwrap();
        assert!(hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{hex}");
        let uuid = like("1b4e28ba-2fa1-11d2-883f-0016d3cca427").unwrap();
        assert_eq!((uuid.len(), uuid.matches('-').count()), (36, 4));
    }

    #[test]
    fn what_cannot_be_sent_has_none() {
        for odd in [
            "abcdefgh\0ijklmnop",
            "line1line\nline2line",
            "pass word word",
            "p\u{e4}sswordpassword",
        ] {
            assert_eq!(like(odd), None, "{odd:?}");
        }
        assert_eq!(like(&"z9".repeat(LONGEST)), None);
    }

    #[test]
    fn what_could_stand_anywhere_has_none() {
        for short in ["", "hunter2", "sk-abc", "--------------", "ghp_1234567"] {
            assert_eq!(like(short), None, "{short}");
        }
        assert_ne!(Placeholder::plain(), Placeholder::plain());
    }

    proptest! {
        #[test]
        fn no_placeholder_is_its_secret_or_another(secret in "[!-~]{0,20}[a-zA-Z0-9]{8,60}") {
            let (one, other) = (like(&secret).unwrap(), like(&secret).unwrap());
            prop_assert_ne!(&one, &secret);
            prop_assert_ne!(&one, &other);
            prop_assert_eq!(one.len(), secret.len());
        }
    }
}
