use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{Topic, eu_ai_act, iso27001, nist, soc2};

/// A catalogue of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Framework {
    /// The trust services criteria of SOC 2.
    Soc2,
    /// Annex A of ISO/IEC 27001:2022.
    Iso27001,
    /// NIST SP 800-53, revision 5.
    #[serde(rename = "nist-800-53")]
    Nist80053,
    /// Regulation (EU) 2024/1689.
    EuAiAct,
}

/// One control, in our own words. The text of the catalogue itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Its number in the catalogue.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What it asks for, summarised by us.
    pub summary: &'static str,
    /// What Palisade does for it.
    pub topics: &'static [Topic],
    /// What of it this journal can not show.
    pub not_evidenced: &'static str,
}

impl Framework {
    /// Each of them.
    pub const ALL: [Framework; 4] =
        [Framework::Soc2, Framework::Iso27001, Framework::Nist80053, Framework::EuAiAct];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Framework::Soc2 => "soc2",
            Framework::Iso27001 => "iso27001",
            Framework::Nist80053 => "nist-800-53",
            Framework::EuAiAct => "eu-ai-act",
        }
    }

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Framework::Soc2 => "SOC 2 trust services criteria",
            Framework::Iso27001 => "ISO/IEC 27001:2022, Annex A",
            Framework::Nist80053 => "NIST SP 800-53, revision 5",
            Framework::EuAiAct => "Regulation (EU) 2024/1689 (AI Act)",
        }
    }

    /// The controls that Palisade does something for.
    pub fn controls(self) -> &'static [Control] {
        match self {
            Framework::Soc2 => soc2::CONTROLS,
            Framework::Iso27001 => iso27001::CONTROLS,
            Framework::Nist80053 => nist::CONTROLS,
            Framework::EuAiAct => eu_ai_act::CONTROLS,
        }
    }

    /// Parts of the catalogue that this report says nothing of.
    pub fn outside(self) -> &'static str {
        match self {
            Framework::Soc2 => soc2::OUTSIDE,
            Framework::Iso27001 => iso27001::OUTSIDE,
            Framework::Nist80053 => nist::OUTSIDE,
            Framework::EuAiAct => eu_ai_act::OUTSIDE,
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Framework {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|framework| framework.as_str() == text);
        found.ok_or_else(|| {
            "there is no such framework; write soc2, iso27001, nist-800-53 or eu-ai-act".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_control_stands_once_says_what_it_cannot_show_and_has_a_number_that_oscal_takes() {
        for framework in Framework::ALL {
            let mut seen = BTreeSet::new();
            assert!(!framework.outside().is_empty());
            for control in framework.controls() {
                assert!(seen.insert(control.id), "{framework} {} stands twice", control.id);
                assert!(control.not_evidenced.ends_with('.'), "{framework} {}", control.id);
                assert!(!control.topics.is_empty(), "{framework} {}", control.id);
                let mut id = control.id.chars();
                assert!(id.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_'));
                assert!(
                    id.all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)),
                    "{}",
                    control.id
                );
            }
            assert_eq!(framework.as_str().parse(), Ok(framework));
        }
    }
}
