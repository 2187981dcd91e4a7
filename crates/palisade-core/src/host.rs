use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// A DNS name in one canonical form: ASCII (IDNA A-labels), lower case, no trailing dot.
///
/// An IP address literal is not a name. Labels are 1 to 63 octets of letters, digits, `-` and
/// `_`, and the whole is at most 253 (RFC 1035, section 2.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is not a host name or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameError {
    /// Nothing was given.
    #[error("a host name cannot be empty")]
    Empty,
    /// It is an IP address.
    #[error("`{0}` is an address, not a name; addresses are named in `addresses`")]
    Address(String),
    /// Longer than 253 octets.
    #[error("a host name has at most 253 characters")]
    TooLong,
    /// A label is empty, too long, or has a character that no host name has.
    #[error(
        "`{0}` is not a host name: label `{1}` is empty, over 63 characters, or has a character other than letters, digits, `-` and `_`"
    )]
    Label(String, String),
    /// Not valid IDNA.
    #[error("`{0}` is not a valid internationalised name")]
    Idna(String),
    /// A wildcard where none can stand.
    #[error(
        "`{0}`: a wildcard is a whole first label, `*.` (one label) or `**.` (any depth), before a name"
    )]
    Wildcard(String),
    /// A URL, port or path instead of a name.
    #[error("`{0}` looks like a URL; write only the host, and ports in `ports`")]
    Url(String),
}

impl HostName {
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, left to right.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        if text.is_empty() {
            return Err(HostNameError::Empty);
        }
        if text.contains("://") || text.contains('/') {
            return Err(HostNameError::Url(shown()));
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(HostNameError::Address(shown()));
        }
        if text.len() > 1024 {
            return Err(HostNameError::TooLong);
        }
        let undotted = text.strip_suffix('.').unwrap_or(text);
        let ascii = if undotted.is_ascii() {
            let lower = undotted.to_ascii_lowercase();
            // An A-label must be one that decoding and encoding gives back, or two spellings of
            // one name could differ.
            if lower.split('.').any(|label| label.starts_with("xn--")) {
                idna::domain_to_ascii(&lower).map_err(|_| HostNameError::Idna(shown()))?
            } else {
                lower
            }
        } else {
            idna::domain_to_ascii(undotted).map_err(|_| HostNameError::Idna(shown()))?
        };
        if ascii.is_empty() {
            return Err(HostNameError::Empty);
        }
        if ascii.len() > 253 {
            return Err(HostNameError::TooLong);
        }
        for label in ascii.split('.') {
            let fits = (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if !fits {
                let label = label.chars().take(70).flat_map(char::escape_debug).collect();
                return Err(HostNameError::Label(shown(), label));
            }
        }
        // `127.1` and `0x7f.1` are addresses to inet_aton(3) and so to many clients: a name's
        // last label is never a number (RFC 3696, section 2; WHATWG URL, "ends in a number").
        let last = ascii.rsplit('.').next().unwrap_or_default();
        let hex = last.strip_prefix("0x").is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        if last.bytes().all(|b| b.is_ascii_digit()) || hex {
            return Err(HostNameError::Address(shown()));
        }
        Ok(Self(ascii))
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host name, or a wildcard over names: `*.x` is exactly one label before `x`, `**.x` one or
/// more. Neither matches `x` itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// This name only.
    Exact(HostName),
    /// One label, then this name.
    OneLabel(HostName),
    /// One or more labels, then this name.
    AnyDepth(HostName),
}

impl HostPattern {
    /// Whether `name` is one of those meant. Compares whole labels from the right.
    pub fn matches(&self, name: &HostName) -> bool {
        let (suffix, any_depth) = match self {
            HostPattern::Exact(exact) => return exact == name,
            HostPattern::OneLabel(suffix) => (suffix, false),
            HostPattern::AnyDepth(suffix) => (suffix, true),
        };
        let mut rest = name.labels().rev();
        for label in suffix.labels().rev() {
            if rest.next() != Some(label) {
                return false;
            }
        }
        match rest.count() {
            0 => false,
            1 => true,
            _ => any_depth,
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        let (build, name): (fn(HostName) -> Self, &str) =
            if let Some(rest) = text.strip_prefix("**.") {
                (HostPattern::AnyDepth, rest)
            } else if let Some(rest) = text.strip_prefix("*.") {
                (HostPattern::OneLabel, rest)
            } else {
                (HostPattern::Exact, text)
            };
        if name.contains('*') {
            return Err(HostNameError::Wildcard(shown()));
        }
        name.parse().map(build)
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Exact(name) => write!(f, "{name}"),
            HostPattern::OneLabel(name) => write!(f, "*.{name}"),
            HostPattern::AnyDepth(name) => write!(f, "**.{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_name_are_one_value() {
        assert_eq!(name("API.GitHub.com."), name("api.github.com"));
        assert_eq!(name("bücher.example"), name("xn--bcher-kva.example"));
        assert_eq!(name("BÜCHER.example").as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in [
            "",
            ".",
            "a..b",
            "a b.c",
            "1.2.3.4",
            "::1",
            "[::1]",
            "127.1",
            "0x7f.0x1",
            "2130706433",
            "a\0.b",
            "http://a.b",
            "a.b/c",
            "a.b:443",
            "user@a.b",
            "xn--zz--.example",
            "a.b..",
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?} was taken");
        }
        assert!(format!("{}.a", "x".repeat(64)).parse::<HostName>().is_err());
        assert!(vec!["abcdefgh"; 40].join(".").parse::<HostName>().is_err());
    }

    #[test]
    fn wildcards_count_whole_labels() {
        let one: HostPattern = "*.b.c".parse().unwrap();
        assert!(one.matches(&name("a.b.c")));
        for other in ["b.c", "x.a.b.c", "ab.c", "a.xb.c", "a.b.c.d"] {
            assert!(!one.matches(&name(other)), "{other}");
        }
        let deep: HostPattern = "**.b.c".parse().unwrap();
        assert!(deep.matches(&name("a.b.c")) && deep.matches(&name("x.a.b.c")));
        assert!(!deep.matches(&name("b.c")) && !deep.matches(&name("evilb.c")));
        for bad in ["*", "**", "a.*.c", "*a.b", "*.*.b", "***.b"] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad:?} was taken");
        }
    }
}
