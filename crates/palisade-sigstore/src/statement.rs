//! Statements of in-toto: what they are about, by digests.

use data_encoding::HEXLOWER;
use std::collections::BTreeMap;

use palisade_core::shown;
use serde::{Deserialize, de::IgnoredAny};

use crate::{Artifact, Failed, failed::Step, json};

/// What the payload of an envelope has to be called.
const IN_TOTO: &str = "application/vnd.in-toto+json";
const VERSIONS: [&str; 2] =
    ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// Subjects of one statement.
const MOST: usize = 1024;

/// Kinds of statements by which somebody says that he made what it is about, or published it. Others say
/// something else of it, such as that a scan found a hole.
pub(crate) const PREDICATES: [&str; 4] = [
    "https://slsa.dev/provenance/v1",
    "https://slsa.dev/provenance/v0.2",
    "https://docs.pypi.org/attestations/publish/v1",
    "https://sigstore.dev/cosign/sign/v1",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    #[serde(rename = "_type")]
    version: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(rename = "predicate")]
    _predicate: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

/// A statement that somebody made what it is about.
pub(crate) struct Statement {
    subjects: Vec<Subject>,
    pub(crate) predicate: String,
}

impl Statement {
    pub(crate) fn parse(kind: &str, payload: &[u8]) -> Result<Self, Failed> {
        let wrong = |why: &'static str| Step::Statement.failed(why);
        if kind != IN_TOTO {
            return Err(wrong("the envelope has no statement of in-toto"));
        }
        let written: Written = json::read(payload).map_err(|why| Step::Statement.failed(why))?;
        if !VERSIONS.contains(&written.version.as_str()) {
            return Err(wrong("its version is not known"));
        }
        if written.subject.len() > MOST {
            return Err(wrong("it is about too much"));
        }
        if !PREDICATES.contains(&written.predicate_type.as_str()) {
            let kind = shown(&written.predicate_type, 100);
            return Err(Step::Statement.failed(format!(
                "it does not say who made or published it: `{kind}` is something else, or not known"
            )));
        }
        Ok(Self { subjects: written.subject, predicate: written.predicate_type })
    }

    /// Whether one of its subjects is this. All digests of it that are known have to fit, and one at least.
    pub(crate) fn is_about(&self, artifact: &Artifact) -> bool {
        self.subjects.iter().any(|subject| {
            let fits = |name: &str, own: &[u8]| {
                subject.digest.get(name).map(|digest| {
                    HEXLOWER.decode(digest.as_bytes()).is_ok_and(|digest| digest == own)
                })
            };
            let both = [fits("sha256", &artifact.sha256), fits("sha512", &artifact.sha512)];
            both.contains(&Some(true)) && !both.contains(&Some(false))
        })
    }
}
