//! What can be found about install steps and dependencies.

use crate::{Rule, Severity, Technique};

const SUPPLY: &[&str] = &["AML.T0010", "LLM03", "ASI04"];

macro_rules! rules {
    ($($name:ident $id:literal $technique:ident $severity:ident $why:literal $clear:literal)*) => {
        $(
            pub(crate) static $name: Rule = Rule {
                id: $id,
                technique: Technique::$technique,
                severity: Severity::$severity,
                why: $why,
                clear: $clear,
                references: SUPPLY,
            };
        )*
        /// All of them, for documentation.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    LIFECYCLE "install-runs-code" AutoRun Note
        "Code runs as a side effect of installing, importing or testing."
        "Do without it, or say in the description what it does."
    REMOTE "dependency-remote" Dependency Low
        "A dependency that comes from an address, not from a registry, can change without a new version."
        "Take it from the registry, or pin it to a digest or a commit."
    INDEX "dependency-index" Dependency Medium
        "Whoever runs the index decides what every name means."
        "Use the public registry; leave private ones to the user's own settings."
    UNPINNED "dependency-unpinned" Dependency Note
        "The next install may bring other code than what was vetted."
        "Pin versions, and ship a lock file."
    TYPOSQUAT "dependency-name-alike" Dependency Medium
        "Names that differ by a letter from well-known ones are how foreign code gets installed."
        "Write the name of the package that is meant."
    HOMOGLYPH "dependency-homoglyph" Dependency High
        "A name with letters of another script looks like a well-known one and is not."
        "Write the name in ASCII."
}
