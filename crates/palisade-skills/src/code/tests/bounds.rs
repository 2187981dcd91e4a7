use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::seen;
use crate::code::Language;

const ALL: [Language; 8] = [
    Language::Shell,
    Language::Python,
    Language::JavaScript,
    Language::TypeScript,
    Language::Tsx,
    Language::PowerShell,
    Language::Go,
    Language::Ruby,
];

/// Unoptimised and beside other tests: what would hang takes minutes.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn ends_on_what_is_made_to_hang() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
    let cases = [
        deep("(", ")"),
        deep("[", "]"),
        deep("{", "}"),
        deep("f(", ")"),
        "if x then ".repeat(10_000),
        "\"a\" + ".repeat(30_000),
        "a && ".repeat(30_000),
        "$(".repeat(10_000),
        "`".repeat(50_000),
        "'".repeat(50_001),
        "<<E\n".repeat(5_000),
        "\\".repeat(100_000),
        "x = x + x\n".repeat(3_000),
        "def f(a):\n    return f(f(a))\nf(1)\n".repeat(500),
        "for a in [1,2,3,4,5,6,7,8,9]:\n ".repeat(200),
        "f() { f; f; f; f; }\nf\n".repeat(200),
        "s='a'\n".to_owned() + &"s=s+s\n".repeat(200),
        "eval \"".repeat(2_000),
    ];
    for language in ALL {
        for case in &cases {
            let start = Instant::now();
            seen(language, case);
            assert!(start.elapsed() < LIMIT, "{language:?}: {:?}", case.get(..20));
        }
    }
}

#[test]
fn says_what_it_did_not_read() {
    let large = format!("# {}\n", "x".repeat(3 << 20));
    let seen = seen(Language::Python, &large);
    assert!(seen.findings.iter().any(|finding| finding.rule.id == "not-vetted-code"));
    let deep = format!("x = {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let seen = super::seen(Language::Python, &deep);
    assert!(seen.findings.iter().any(|finding| finding.rule.id == "not-vetted-code"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_text_is_survived(text in ".{0,400}", at in 0usize..8) {
        seen(ALL[at], &text);
    }

    #[test]
    fn any_bytes_in_any_file_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..10) {
        let names = ["SKILL.md", "hooks.json", "Makefile", "Dockerfile", "a.yml", "a.ipynb", "a.pth", "package.json", "a.plist", "Gemfile"];
        let file = crate::File {
            path: names[at].to_owned(),
            bytes: bytes.into(),
            kind: crate::FileKind::Data,
            executable: false,
        };
        crate::code::look(&crate::Package { files: vec![file] });
    }

    /// Pieces of real programs in any order.
    #[test]
    fn shuffled_code_is_survived(parts in proptest::collection::vec(0usize..16, 0..40), at in 0usize..8) {
        let words = ["curl ", "|", " sh\n", "$(", ")", "eval(", "\"", "'", "{", "}", "= ", "import os\n", "base64 -d", "<<E\n", "\n  ", "${x:-"];
        let text: String = parts.iter().map(|part| words[*part]).collect();
        seen(ALL[at], &text);
    }
}
