use std::fmt;

use palisade_core::shown;

use crate::{Failed, Verified, failed::Step};

/// Bytes of an identity, and of an issuer.
const MOST: usize = 2048;

/// Whose a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// A person's or a service's e-mail address.
    Email(String),
    /// A workflow's URL, or another URI.
    Uri(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Email(text) | Name::Uri(text) => f.write_str(text),
        }
    }
}

/// Who is trusted: a name, and who has to have vouched for it.
///
/// What has `://` in it is a URI, anything else an e-mail address; they are compared byte for byte. One thing
/// may be left open: a URI that ends in `@refs/tags/…*` or `@refs/heads/…*` is any tag or branch that begins
/// so. The `*` stands for one byte or more, and only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    open: bool,
    issuer: String,
}

impl Identity {
    /// This name, vouched for by this issuer.
    ///
    /// # Errors
    /// The name is neither an e-mail address nor a URI, its `*` stands elsewhere, or one of them is no plain ASCII.
    pub fn new(name: &str, issuer: &str) -> Result<Self, Failed> {
        let wrong = |why: &'static str| Step::Identity.failed(why);
        let plain = |text: &str| {
            (1..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !plain(name) || !plain(issuer) {
            return Err(wrong("a name and an issuer are plain ASCII without blanks"));
        }
        if issuer.contains('*') {
            return Err(wrong("an issuer is compared as it is, so there is no `*` in it"));
        }
        let is_uri = name.contains("://");
        if !is_uri && !name.contains('@') {
            return Err(wrong("a name is an e-mail address, or a URI with `://`"));
        }
        let (name, open) = match name.strip_suffix('*') {
            Some(start) => (start, true),
            None => (name, false),
        };
        let of_ref = |start: &str| {
            name.rsplit_once(start).is_some_and(|(workflow, _)| {
                workflow.contains("/.github/workflows/") && !workflow.contains('@')
            })
        };
        let placed = is_uri && (of_ref("@refs/tags/") || of_ref("@refs/heads/"));
        if name.contains('*') || (open && !placed) {
            return Err(wrong(
                "a `*` stands only at the end, for a workflow's tag or branch: `https://…/.github/workflows/release.yml@refs/tags/*`",
            ));
        }
        Ok(Self { name: name.to_owned(), open, issuer: issuer.to_owned() })
    }

    /// Whether it is who a bundle proves.
    ///
    /// # Errors
    /// It is somebody else.
    pub fn admits(&self, verified: &Verified) -> Result<(), Failed> {
        let (is_uri, found) = match &verified.name {
            Name::Email(found) => (false, found),
            Name::Uri(found) => (true, found),
        };
        let named = is_uri == self.name.contains("://")
            && match found.strip_prefix(&self.name) {
                Some(rest) => rest.is_empty() != self.open,
                None => false,
            };
        let by = |text: &str| shown(text, 300);
        if !named {
            return Err(Step::Identity.failed(format!("it is {}, not {self}", by(found))));
        }
        if verified.issuer != self.issuer {
            return Err(Step::Identity.failed(format!(
                "{} vouched for it, not {}",
                by(&verified.issuer),
                self.issuer
            )));
        }
        Ok(())
    }

    /// Who vouches for the name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://token.actions.githubusercontent.com";
    const WORKFLOW: &str = "https://github.com/acme/skills/.github/workflows/release.yml";

    fn found(name: Name) -> Verified {
        Verified {
            name,
            issuer: ISSUER.into(),
            time: 0,
            artifact: 0,
            predicate: None,
            certificate_logged: true,
        }
    }

    fn admits(identity: &str, name: Name) -> bool {
        Identity::new(identity, ISSUER).unwrap().admits(&found(name)).is_ok()
    }

    #[test]
    fn a_name_is_compared_as_a_whole() {
        let email = |text: &str| Name::Email(text.into());
        let uri = |text: &str| Name::Uri(text.into());
        assert!(admits("a@example.org", email("a@example.org")));
        for other in ["a@example.org.evil", "aa@example.org", "A@example.org", "a@example.or"] {
            assert!(!admits("a@example.org", email(other)), "{other}");
        }
        // Another kind of name with the same text.
        assert!(!admits("a@example.org", uri("a@example.org")));
        let at = |reference: &str| uri(&format!("{WORKFLOW}@{reference}"));
        let tags = format!("{WORKFLOW}@refs/tags/*");
        assert!(admits(&tags, at("refs/tags/v1")) && admits(&tags, at("refs/tags/a/b")));
        for other in ["refs/heads/main", "refs/tags/", "refs/tags", "refs/pull/1/merge"] {
            assert!(!admits(&tags, at(other)), "{other}");
        }
        let releases = format!("{WORKFLOW}@refs/tags/v*");
        assert!(admits(&releases, at("refs/tags/v1")) && !admits(&releases, at("refs/tags/w1")));
        let evil =
            uri("https://github.com/acme/skills-evil/.github/workflows/release.yml@refs/tags/v1");
        assert!(!admits(&tags, evil));
        let exact = format!("{WORKFLOW}@refs/tags/v1");
        assert!(admits(&exact, at("refs/tags/v1")) && !admits(&exact, at("refs/tags/v10")));
    }

    #[test]
    fn the_issuer_is_part_of_it() {
        let other = Identity::new("a@example.org", "https://evil.example").unwrap();
        let failed = other.admits(&found(Name::Email("a@example.org".into()))).unwrap_err();
        assert_eq!(failed.step, Step::Identity);
        assert!(failed.why.contains("vouched"), "{failed}");
    }

    #[test]
    fn a_star_stands_where_nothing_else_is_left_open() {
        for bad in [
            "*",
            "*@example.org",
            "a@example.*",
            "https://github.com/*",
            "https://github.com/acme/*/.github/workflows/r.yml@refs/tags/v1",
            "https://github.com/acme/skills/.github/workflows/*",
            "https://github.com/acme/skills/.github/workflows/r.yml@*",
            "https://github.com/acme/skills/.github/workflows/r.yml@refs/*",
            "https://github.com/acme/skills/.github/workflows/r.yml@refs/tags/**",
            "https://evil.example/@refs/tags/*",
            "a b@example.org",
            "",
            "name",
        ] {
            assert!(Identity::new(bad, ISSUER).is_err(), "{bad}");
        }
        assert!(Identity::new("a@example.org", "*").is_err());
    }
}
