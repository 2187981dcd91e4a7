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
///
/// A workflow that others can call is everybody's: its URL stands in the certificate, whoever called it. So what was
/// built has to be the repository that the workflow lies in, unless another one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    open: bool,
    issuer: String,
    repository: Option<String>,
}

impl Identity {
    /// This name, vouched for by this issuer. `repository`: the URL of the one that a workflow builds, where it
    /// is not the workflow's own.
    ///
    /// # Errors
    /// The name is neither an e-mail address nor a URI, its `*` stands elsewhere, or one of them is no plain ASCII.
    pub fn new(name: &str, issuer: &str, repository: Option<&str>) -> Result<Self, Failed> {
        let wrong = |why: &'static str| Step::Identity.failed(why);
        let plain = |text: &str| {
            (1..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !plain(name) || !plain(issuer) || !repository.is_none_or(plain) {
            return Err(wrong("a name, an issuer and a repository are plain ASCII without blanks"));
        }
        if issuer.contains('*') || repository.is_some_and(|url| url.contains('*')) {
            return Err(wrong(
                "an issuer and a repository are compared as they are, without a `*`",
            ));
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
        let repository = repository.map(str::to_owned);
        Ok(Self { name: name.to_owned(), open, issuer: issuer.to_owned(), repository })
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
        let built = verified.repository.as_deref();
        let own = match (&self.repository, built) {
            (Some(wanted), built) => built == Some(wanted.as_str()),
            // Its own: what stands before `/.github/…`.
            (None, Some(built)) => {
                found.strip_prefix(built).is_some_and(|rest| rest.starts_with('/'))
            }
            (None, None) => true,
        };
        if !own {
            let built = built.map_or_else(|| "no repository".to_owned(), by);
            return Err(Step::Identity.failed(match &self.repository {
                Some(wanted) => format!("it has built {built}, not {wanted}"),
                None => format!("it has built {built}, which is not the workflow's own"),
            }));
        }
        Ok(())
    }

    /// The repository that was named.
    pub fn repository(&self) -> Option<&str> {
        self.repository.as_deref()
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
            repository: None,
            time: 0,
            artifact: 0,
            predicate: None,
            certificate_logged: true,
        }
    }

    fn admits(identity: &str, name: Name) -> bool {
        Identity::new(identity, ISSUER, None).unwrap().admits(&found(name)).is_ok()
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
        let other = Identity::new("a@example.org", "https://evil.example", None).unwrap();
        let failed = other.admits(&found(Name::Email("a@example.org".into()))).unwrap_err();
        assert_eq!(failed.step, Step::Identity);
        assert!(failed.why.contains("vouched"), "{failed}");
    }

    /// A workflow that others can call is named in their certificates too.
    #[test]
    fn a_workflow_that_others_call_is_not_its_owner() {
        let built = |repository: Option<&str>| {
            let mut found = found(Name::Uri(format!("{WORKFLOW}@refs/tags/v1")));
            found.repository = repository.map(str::to_owned);
            found
        };
        let tags = format!("{WORKFLOW}@refs/tags/*");
        let own = Identity::new(&tags, ISSUER, None).unwrap();
        assert!(own.admits(&built(Some("https://github.com/acme/skills"))).is_ok());
        assert!(own.admits(&built(None)).is_ok());
        for other in [
            "https://github.com/evil/skills",
            "https://github.com/acme/skil",
            "",
            "https://github.com/acme/skills/",
        ] {
            assert!(own.admits(&built(Some(other))).is_err(), "{other}");
        }
        let named = Identity::new(&tags, ISSUER, Some("https://github.com/beta/tools")).unwrap();
        assert!(named.admits(&built(Some("https://github.com/beta/tools"))).is_ok());
        for other in
            [None, Some("https://github.com/acme/skills"), Some("https://github.com/beta/tools2")]
        {
            assert!(named.admits(&built(other)).is_err(), "{other:?}");
        }
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
            assert!(Identity::new(bad, ISSUER, None).is_err(), "{bad}");
        }
        assert!(Identity::new("a@example.org", "*", None).is_err());
    }
}
