//! Native programs and bytecode: what can be told of them without running or disassembling them.
//!
//! Such a file is never vetted; what is found says how bad that is.

mod bytecode;
mod native;
mod rules;
mod strings;

pub use rules::RULES;

use crate::code::safe;
use crate::{Confidence, File, FileKind, Finding, Package, Place, Rule, Seen, Severity};

/// Looks at the native programs and the bytecode of a package.
pub fn look(package: &Package) -> Seen {
    let mut seen = Seen::default();
    for file in &package.files {
        let bytes: &[u8] = &file.bytes;
        if native::is_native(bytes) {
            native::look(file, &mut seen);
        } else if bytecode::is_bytecode(&file.path, bytes) {
            bytecode::look(package, file, &mut seen);
        } else if bytes.starts_with(b"\0asm") {
            say(
                &mut seen,
                &rules::NATIVE,
                (Severity::Medium, Confidence::High),
                file,
                "",
                "A module of WebAssembly, not vetted.".to_owned(),
            );
        } else if file.kind == FileKind::Binary
            && (bytes.contains(&0) || std::str::from_utf8(bytes).is_err())
        {
            let strength = (Severity::Medium, Confidence::High);
            let message = "Machine code of a kind that is not read, not vetted.".to_owned();
            say(&mut seen, &rules::NATIVE, strength, file, "", message);
        }
    }
    seen
}

fn say(
    seen: &mut Seen,
    rule: &'static Rule,
    (severity, confidence): (Severity, Confidence),
    file: &File,
    excerpt: &str,
    message: String,
) {
    seen.findings.push(Finding {
        rule,
        severity,
        confidence,
        place: Place { file: file.path.clone(), line: 0, column: 0 },
        excerpt: safe(excerpt),
        message,
        related: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn file(path: &str, bytes: Vec<u8>) -> File {
        File {
            path: path.to_owned(),
            bytes: Arc::from(bytes),
            kind: FileKind::Binary,
            executable: true,
        }
    }

    fn rules_of(files: Vec<File>) -> Vec<(&'static str, Severity)> {
        look(&Package { files }).findings.iter().map(|f| (f.rule.id, f.severity)).collect()
    }

    /// A header that parses as a 64-bit ELF with nothing in it.
    fn elf(tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0u8; 64];
        bytes[..20].copy_from_slice(&[
            0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0,
        ]);
        bytes[20] = 1;
        bytes[52] = 64;
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn reads_this_very_program() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let seen = look(&Package { files: vec![file("bin/tool", own)] });
        let native = seen.findings.iter().find(|f| f.rule.id == "opaque-native").unwrap();
        assert_eq!(native.severity, Severity::Medium);
        assert!(!seen.findings.iter().any(|f| f.rule.id == "opaque-packed"), "{:?}", seen.findings);
    }

    #[test]
    fn machine_code_of_any_kind_is_told() {
        for start in [
            &b"\0asm\x01\0\0\0"[..],
            b"dex\n035\0",
            b"\xca\xfe\xba\xbe\0\0\0\x41",
            b"MZ\x90\0",
            b"\x1bLua\0",
        ] {
            let found = rules_of(vec![file("a", start.to_vec())]);
            assert_eq!(found, [("opaque-native", Severity::Medium)], "{start:?}");
        }
    }

    #[test]
    fn says_what_strings_tell() {
        for text in [
            "http://45.61.2.3/gate.php",
            "stratum+tcp://pool.example:3333",
            "https://abc.ngrok.io/x",
        ] {
            let found = rules_of(vec![file("a", elf(format!("\0{text}\0").as_bytes()))]);
            assert!(
                found.contains(&("opaque-telling-strings", Severity::High)),
                "{text}: {found:?}"
            );
        }
        let found =
            rules_of(vec![file("a", elf(b"\0https://github.com/a/b\0usage: a [options]\0"))]);
        assert_eq!(found, [("opaque-native", Severity::Medium)]);
    }

    #[test]
    fn sees_packing() {
        let found = rules_of(vec![file(
            "a",
            elf(b"UPX!\0$Info: This file is packed with the UPX executable packer"),
        )]);
        assert!(found.contains(&("opaque-packed", Severity::High)), "{found:?}");
        let mut state = 1u64;
        let noise: Vec<u8> = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 56) as u8
            })
            .collect();
        let found = rules_of(vec![file("a", elf(&noise))]);
        assert!(found.iter().any(|(rule, _)| *rule == "opaque-packed"), "{found:?}");
    }

    #[test]
    fn wants_the_source_of_bytecode() {
        let mut bytes = vec![0xa7, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe3];
        bytes.extend_from_slice(b"\x00hello world\x00");
        let alone = rules_of(vec![file("scripts/__pycache__/run.cpython-311.pyc", bytes.clone())]);
        assert_eq!(alone, [("opaque-bytecode", Severity::Medium)]);
        let source = file("scripts/run.py", b"print('hello world')".to_vec());
        let mut files =
            vec![file("scripts/__pycache__/run.cpython-311.pyc", bytes.clone()), source];
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(rules_of(files), [("opaque-bytecode", Severity::Note)]);
        bytes.extend_from_slice(b"\x00subprocess\x00urlopen\x00id_rsa\x00");
        let hostile = rules_of(vec![file("x.pyc", bytes)]);
        assert!(hostile.contains(&("opaque-bytecode", Severity::High)), "{hostile:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2000), head in 0usize..6) {
            let heads: [&[u8]; 6] = [b"", b"\x7fELF\x02\x01\x01", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02", b"\0asm"];
            let mut all = heads[head].to_vec();
            all.extend(bytes);
            look(&Package { files: vec![file("a.pyc", all.clone()), file("b", all)] });
        }

        #[test]
        fn broken_programs_are_survived(at in 0usize..2000, byte in any::<u8>()) {
            let mut bytes = elf(&[0; 2000]);
            bytes[at % 2064] = byte;
            look(&Package { files: vec![file("b", bytes)] });
        }
    }
}
