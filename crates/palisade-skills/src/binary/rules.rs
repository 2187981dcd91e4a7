//! What can be found about native programs and bytecode.

use crate::{Rule, Severity, Technique};

const SUPPLY: &[&str] = &["AML.T0010", "LLM03", "ASI04"];

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $why:literal $clear:literal)*) => {
        $(
            pub(crate) static $name: Rule = Rule {
                id: $id,
                technique: Technique::OpaqueFile,
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
    NATIVE "opaque-native" Medium
        "A native program can do anything, and nobody reads it."
        "Leave it out; build it from source, or fetch a signed release by its digest."
    PACKED "opaque-packed" High
        "A packed program hides its code even from those who would read it."
        "Ship it unpacked, or leave it out."
    TELLING "opaque-telling-strings" High
        "The texts in the program name places or programs that attacks use."
        "Leave it out."
    BYTECODE "opaque-bytecode" Medium
        "Bytecode runs instead of the source that a reader sees, or without any."
        "Ship the source only."
}
