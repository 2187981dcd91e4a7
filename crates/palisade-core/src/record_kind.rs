use std::fmt;

use serde::Serialize;

/// A kind of DNS record that a rule can open for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordKind {
    /// Where a service is (RFC 2782).
    Srv,
    /// Where mail goes (RFC 1035, section 3.3.9).
    Mx,
    /// Text (RFC 1035, section 3.3.14).
    Txt,
}

impl RecordKind {
    /// The word of a zone file and of a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordKind::Srv => "SRV",
            RecordKind::Mx => "MX",
            RecordKind::Txt => "TXT",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
