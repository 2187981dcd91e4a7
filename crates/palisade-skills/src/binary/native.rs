//! ELF, Mach-O and PE.

use object::{Object, ObjectSection, SectionKind};

use super::{rules, say, strings};
use crate::{Capability, Confidence, File, Place, Seen, Severity, Use};

/// Above this, code is compressed or encrypted: compiled code stays below 6.8.
const PACKED: f64 = 7.3;
/// Sections smaller than this say nothing.
const SMALLEST: usize = 16 << 10;
/// Imports that are looked at.
const MOST_IMPORTS: usize = 100_000;

pub(super) fn is_native(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\x7fELF") {
        return true;
    }
    if bytes.starts_with(b"MZ") {
        let at = bytes.get(0x3c..0x40).and_then(|at| at.try_into().ok()).map(u32::from_le_bytes);
        let header = at.and_then(|at| usize::try_from(at).ok());
        return header
            .and_then(|at| bytes.get(at..at.checked_add(4)?))
            .is_some_and(|mark| mark == b"PE\0\0");
    }
    match bytes.get(..8) {
        Some([0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]) => true,
        // A class of Java starts alike; it has a version where this has a small count.
        Some([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, count]) => *count > 0 && *count < 20,
        _ => false,
    }
}

pub(super) fn look(file: &File, seen: &mut Seen) {
    let bytes: &[u8] = &file.bytes;
    let mut facts = Vec::new();
    let mut packed = bytes.windows(4).take(1 << 20).any(|window| window == b"UPX!");
    match object::File::parse(bytes) {
        Ok(program) => {
            facts.push(format!("{:?} for {:?}", program.format(), program.architecture()));
            packed |= sections(&program);
            facts.extend(imports(&program));
        }
        Err(_) if bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) => {
            facts.push("Mach-O for several machines".to_owned())
        }
        Err(_) => facts.push("with a broken header".to_owned()),
    }
    if !packed && bytes.len() > 2 * SMALLEST {
        packed = strings::entropy(bytes) > 7.8;
    }
    let place = Place { file: file.path.clone(), line: 0, column: 0 };
    seen.capabilities.push(Capability { what: Use::Exec(None), place });
    let message = format!("A native program, not vetted: {}.", facts.join("; "));
    say(seen, &rules::NATIVE, (Severity::Medium, Confidence::High), file, "", message);
    if packed {
        let message = "The program is packed: its code is compressed or encrypted.".to_owned();
        say(seen, &rules::PACKED, (Severity::High, Confidence::Medium), file, "", message);
    }
    if let Some(text) = strings::runs(bytes).find(|text| strings::telling(text)) {
        let message =
            "The program holds an address that is bare, disposable or a mining pool.".to_owned();
        say(seen, &rules::TELLING, (Severity::High, Confidence::Medium), file, text, message);
    }
}

/// Are there sections by which packers are known?
fn sections(program: &object::File<'_>) -> bool {
    program.sections().take(256).any(|section| {
        let name = section.name().unwrap_or_default();
        let known = [
            "UPX0", "UPX1", ".upx", ".aspack", ".adata", ".themida", ".vmp0", ".vmp1", ".petite",
            "MPRESS1", ".enigma1",
        ];
        if known.contains(&name) {
            return true;
        }
        if section.kind() != SectionKind::Text {
            return false;
        }
        let data = section.data().unwrap_or_default();
        data.len() >= SMALLEST && strings::entropy(data) > PACKED
    })
}

/// What the imported functions say, in words.
fn imports(program: &object::File<'_>) -> Option<String> {
    let mut found = Vec::new();
    for import in program.imports().ok()?.take(MOST_IMPORTS) {
        let Ok(import) = import else { break };
        let object::read::NameOrOrdinal::Name(name) = import.name() else { continue };
        let name = String::from_utf8_lossy(name);
        let name = name.trim_start_matches('_');
        let what = match name {
            "connect" | "WSAConnect" | "InternetOpenA" | "InternetOpenW" | "WinHttpOpen"
            | "curl_easy_perform" => "network",
            "execve" | "execv" | "execvp" | "system" | "popen" | "posix_spawn"
            | "CreateProcessA" | "CreateProcessW" | "ShellExecuteW" => "starts programs",
            "ptrace"
            | "WriteProcessMemory"
            | "VirtualAllocEx"
            | "CreateRemoteThread"
            | "NtUnmapViewOfSection" => "writes into other programs",
            "SetWindowsHookExA" | "SetWindowsHookExW" | "GetAsyncKeyState" | "CGEventTapCreate" => {
                "watches keys"
            }
            "CryptUnprotectData" | "SecKeychainCopyContent" | "SecItemCopyMatching" => {
                "reads stored passwords"
            }
            "dlopen" | "LoadLibraryA" | "LoadLibraryW" => "loads code",
            _ => continue,
        };
        if !found.contains(&what) {
            found.push(what);
        }
    }
    (!found.is_empty()).then(|| format!("its imports: {}", found.join(", ")))
}
