use serde::{Deserialize, Serialize};

use crate::{Capability, Rule};

/// How bad a finding is by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a line; never a reason to stop.
    Note,
    /// Weak alone.
    Low,
    /// A person should look.
    Medium,
    /// Stops the skill by default.
    High,
    /// An attack, as far as can be seen without running it.
    Critical,
}

/// How sure the analyser is that the finding is what its rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Often something harmless looks like this.
    Low,
    /// Rarely harmless.
    Medium,
    /// Followed through the program, or a form that has no harmless use.
    High,
}

/// A place in a file of the package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The path inside the package, with `/` between its parts; `outer.zip!/inner` inside archives.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// The column in characters, from 1; 0 for the line as a whole.
    pub column: u32,
}

/// One thing that a rule saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that made it.
    #[serde(flatten)]
    pub rule: &'static Rule,
    /// How bad it is here: a rule has a usual severity, and context may change it.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What stands there, decoded, cut, and with every character that a terminal would obey escaped.
    pub excerpt: String,
    /// One sentence: what was seen here.
    pub message: String,
    /// Further places that belong to it: where a value comes from, the file that a line starts.
    pub related: Vec<Place>,
}

/// What one analyser saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What a rule names.
    pub findings: Vec<Finding>,
    /// What the package can do, for the comparison with what it says that it does.
    pub capabilities: Vec<Capability>,
}

impl Seen {
    /// Adds what another analyser saw.
    pub fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.capabilities.extend(other.capabilities);
    }
}

impl Finding {
    /// The same finding, as sure as this.
    #[must_use]
    pub fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// The same finding, as bad as this.
    #[must_use]
    pub fn of(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding, with a place that belongs to it.
    #[must_use]
    pub fn with(mut self, place: Place) -> Self {
        self.related.push(place);
        self
    }
}
