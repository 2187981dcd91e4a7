//! What a file is, by its bytes first and its name second.

use std::collections::HashMap;

use super::{names, rules};
use crate::{File, FileKind, Seen};

/// What a file of this path and these bytes is.
pub fn kind(path: &str, bytes: &[u8]) -> FileKind {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    match by_magic(bytes, suffix) {
        // A text that begins like a picture is one for whoever looks at it, and a program for a shell.
        Some(FileKind::Media | FileKind::Binary) if is_text(bytes) => {}
        Some(kind) => return kind,
        None => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return FileKind::Unknown };
    if text.bytes().any(|b| b == 0) {
        return FileKind::Unknown;
    }
    by_name(&name, suffix).or_else(|| by_shebang(text)).unwrap_or(FileKind::Data)
}

/// PDF is a form of text, and no program.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    !bytes.starts_with(b"%PDF-") && !bytes.iter().any(control) && std::str::from_utf8(bytes).is_ok()
}

fn by_magic(bytes: &[u8], suffix: &str) -> Option<FileKind> {
    use FileKind::{Archive, Binary, Media};
    let magic: &[(&[u8], FileKind)] = &[
        (b"\x7fELF", Binary),
        (b"\xfe\xed\xfa\xce", Binary),
        (b"\xfe\xed\xfa\xcf", Binary),
        (b"\xce\xfa\xed\xfe", Binary),
        (b"\xcf\xfa\xed\xfe", Binary),
        (b"\xca\xfe\xba\xbe", Binary),
        (b"\0asm", Binary),
        (b"dex\n", Binary),
        (b"!<arch>\n", Binary),
        (b"\x1bLua", Binary),
        (b"PK\x03\x04", Archive),
        (b"PK\x05\x06", Archive),
        (b"\x1f\x8b", Archive),
        (b"BZh", Archive),
        (b"\xfd7zXZ\0", Archive),
        (b"7z\xbc\xaf\x27\x1c", Archive),
        (b"Rar!\x1a\x07", Archive),
        (b"\x28\xb5\x2f\xfd", Archive),
        (b"\x89PNG\r\n\x1a\n", Media),
        (b"\xff\xd8\xff", Media),
        (b"GIF87a", Media),
        (b"GIF89a", Media),
        (b"II*\0", Media),
        (b"MM\0*", Media),
        (b"\0\0\x01\0", Media),
        (b"wOFF", Media),
        (b"wOF2", Media),
        (b"OTTO", Media),
        (b"\0\x01\0\0\0", Media),
        (b"ttcf", Media),
        (b"OggS", Media),
        (b"fLaC", Media),
        (b"ID3", Media),
        (b"\xff\xfb", Media),
        (b"\xff\xf3", Media),
        (b"\x1a\x45\xdf\xa3", Media),
        (b"%PDF-", Media),
    ];
    if let Some((_, kind)) = magic.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(*kind);
    }
    let at = |from: usize, what: &[u8]| bytes.get(from..from + what.len()) == Some(what);
    if bytes.starts_with(b"MZ") && (bytes.contains(&0) || matches!(suffix, "exe" | "dll" | "scr")) {
        return Some(Binary);
    }
    if at(257, b"ustar") {
        return Some(Archive);
    }
    if at(4, b"ftyp")
        || (bytes.starts_with(b"RIFF") && (at(8, b"WEBP") || at(8, b"WAVE") || at(8, b"AVI ")))
    {
        return Some(Media);
    }
    // Bytecode has no fixed magic: the name must do.
    let bytecode =
        matches!(suffix, "pyc" | "pyo" | "class" | "beam" | "dylib" | "so" | "node" | "jsc");
    (bytecode && std::str::from_utf8(bytes).is_err()).then_some(Binary)
}

fn by_name(name: &str, suffix: &str) -> Option<FileKind> {
    use FileKind::{
        Definition, Go, JavaScript, PowerShell, Prose, Python, Ruby, Shell, TypeScript,
    };
    Some(match suffix {
        "md" | "mdx" | "mdc" | "markdown" | "txt" | "rst" | "adoc" | "org" | "prompt" => match name
        {
            "requirements.txt"
            | "requirements-dev.txt"
            | "constraints.txt"
            | "robots.txt"
            | "cmakelists.txt" => Definition,
            _ => Prose,
        },
        "sh" | "bash" | "zsh" | "ksh" | "command" | "bats" => Shell,
        "py" | "pyw" | "pyi" | "pth" => Python,
        "js" | "mjs" | "cjs" | "jsx" => JavaScript,
        "ts" | "tsx" | "mts" | "cts" => TypeScript,
        "ps1" | "psm1" | "psd1" => PowerShell,
        "go" => Go,
        "rb" | "rake" | "gemspec" => Ruby,
        _ => match name {
            ".mcp.json"
            | "mcp.json"
            | "hooks.json"
            | "plugin.json"
            | "marketplace.json"
            | ".lsp.json"
            | "monitors.json"
            | "settings.json"
            | "settings.local.json"
            | "package.json"
            | "gemini-extension.json"
            | "openclaw.plugin.json"
            | "openclaw.json"
            | "claude_desktop_config.json"
            | "config.toml"
            | "pyproject.toml"
            | "setup.cfg"
            | "cargo.toml"
            | "deno.json"
            | "tasks.json"
            | "openai.yaml"
            | "action.yml"
            | "action.yaml" => Definition,
            "dockerfile" | "makefile" | "justfile" => Definition,
            ".cursorrules" | ".windsurfrules" | ".clinerules" => Prose,
            "gemfile" | "rakefile" | "brewfile" => Ruby,
            ".bashrc" | ".zshrc" | ".profile" | ".envrc" | ".bash_profile" => Shell,
            _ => return None,
        },
    })
}

fn by_shebang(text: &str) -> Option<FileKind> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let program = line
        .split_whitespace()
        .find(|word| !word.ends_with("/env") && !word.starts_with('-') && !word.contains('='))?;
    let program = program.rsplit('/').next()?;
    Some(match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" => FileKind::Shell,
        "python" | "pypy" | "uv" => FileKind::Python,
        "node" | "bun" => FileKind::JavaScript,
        "deno" | "tsx" | "ts-node" => FileKind::TypeScript,
        "pwsh" | "powershell" => FileKind::PowerShell,
        "ruby" => FileKind::Ruby,
        _ => return None,
    })
}

/// What the forms of the files tell when they are seen together.
pub(super) fn judge(files: &[File], seen: &mut Seen) {
    let mut folded: HashMap<String, &str> = HashMap::new();
    for file in files {
        if let Some(other) = folded.insert(names::alike(&file.path), &file.path) {
            let shown = palisade_core::shown(other, 80);
            let (rule, message) = if other == file.path {
                (&rules::DUPLICATE, "two members have this name".to_owned())
            } else if names::plain(other) == names::plain(&file.path) {
                (&rules::DUPLICATE, format!("it is the same place as {shown}"))
            } else {
                (&rules::CASE, format!("some systems take it for {shown}"))
            };
            seen.findings.push(rule.at(&file.path, 0, 0, "", message));
        }
    }
    for file in files {
        let key = names::alike(&file.path);
        let mut above = key.match_indices('/').filter_map(|(at, _)| folded.get(key.get(..at)?));
        if let Some(folder) = above.next() {
            let shown = palisade_core::shown(folder, 80);
            let message = format!("{shown} is a file and the folder that this lies in");
            seen.findings.push(rules::DUPLICATE.at(&file.path, 0, 0, "", message));
        }
        one(file, seen);
    }
}

/// `contract.pdf.command`: a program that looks like a document.
fn two_faced(path: &str) -> bool {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path).to_ascii_lowercase();
    let mut parts = name.rsplit('.');
    let (Some(last), Some(before), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let runs = [
        "command", "exe", "scr", "sh", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf",
        "hta", "app", "py", "lnk", "pif", "com", "jar", "msi", "scpt",
    ];
    let reads = [
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "png", "jpg", "jpeg", "gif", "csv",
        "mp4", "mp3", "zip", "rtf", "odt",
    ];
    runs.contains(&last) && reads.contains(&before.trim())
}

fn one(file: &File, seen: &mut Seen) {
    if two_faced(&file.path) {
        let message = "a program that is called like a document";
        seen.findings
            .push(rules::DISGUISED.at(&file.path, 0, 0, "", message).of(crate::Severity::High));
    }
    let suffix = file.path.rsplit_once('.').map_or("", |(_, suffix)| suffix).to_ascii_lowercase();
    let mut say = |rule: &'static crate::Rule, message: String| {
        seen.findings.push(rule.at(&file.path, 0, 0, "", message));
    };
    match file.kind {
        FileKind::Unknown => {
            say(&rules::UNKNOWN, format!("{} bytes of no known form", file.bytes.len()))
        }
        FileKind::Media if file.bytes.starts_with(b"%PDF-") => {
            if suffix != "pdf" {
                say(&rules::DISGUISED, "it is a PDF".to_owned());
            }
            say(&rules::DOCUMENT, "the text of a PDF is not read".to_owned());
        }
        FileKind::Media => {
            let known = [
                "png", "jpg", "jpeg", "gif", "ico", "tif", "tiff", "webp", "woff", "woff2", "otf",
                "ttf", "ttc", "mp3", "mp4", "m4a", "mov", "ogg", "oga", "ogv", "opus", "flac",
                "wav", "webm", "mkv", "avi", "heic", "avif", "icns", "cur", "data", "bin",
            ];
            if !known.contains(&suffix.as_str()) {
                say(&rules::DISGUISED, format!("a picture, font or sound is called .{suffix}"));
            }
        }
        FileKind::Binary => {
            let known = [
                "", "exe", "dll", "so", "dylib", "node", "pyc", "pyo", "class", "wasm", "a", "bin",
                "o",
            ];
            if !known.contains(&suffix.as_str()) {
                say(&rules::DISGUISED, format!("machine code is called .{suffix}"));
            }
        }
        FileKind::Archive => {
            let known = [
                "zip", "gz", "tgz", "tar", "bz2", "xz", "7z", "rar", "zst", "jar", "whl", "skill",
                "docx", "xlsx", "pptx", "dotx", "potx", "xltx", "odt", "ods", "odp", "epub",
                "vsix", "mcpb", "dxt", "plugin", "svgz", "npz", "egg", "nupkg", "crx", "tbz",
                "txz", "gem", "apk", "ipa",
            ];
            if !known.contains(&suffix.as_str()) {
                say(&rules::DISGUISED, format!("an archive is called .{suffix}"));
            }
        }
        _ => {
            let media = [
                "png", "jpg", "jpeg", "gif", "webp", "ico", "woff", "woff2", "ttf", "otf", "mp3",
                "mp4", "wav", "pdf", "zip", "gz", "exe", "dll", "so", "dylib", "docx", "xlsx",
            ];
            if by_magic(&file.bytes, &suffix).is_some() && is_text(&file.bytes) {
                say(&rules::DISGUISED, "text that begins like a picture or a program".to_owned());
            }
            // A pointer of Git LFS or an empty stand-in is short.
            if media.contains(&suffix.as_str()) && file.bytes.len() > 200 {
                say(&rules::DISGUISED, format!("text is called .{suffix}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_count_before_names() {
        assert_eq!(kind("a.md", b"\x7fELF\x02"), FileKind::Binary);
        assert_eq!(kind("a", b"#!/usr/bin/env -S python3 -u\n"), FileKind::Python);
        assert_eq!(kind("SKILL.md", b"# x"), FileKind::Prose);
        assert_eq!(kind("x/hooks.json", b"{}"), FileKind::Definition);
        assert_eq!(kind("x.dat", b"\xff\x00\x12"), FileKind::Unknown);
        assert_eq!(kind("x.js", b"GIF89a=1;go()"), FileKind::JavaScript);
        assert_eq!(kind("x.gif", b"GIF89a=1;go()"), FileKind::Data);
        assert_eq!(kind("x.mp3", b"ID3\x04\x00\x01"), FileKind::Media);
    }

    proptest! {
        #[test]
        fn any_file_has_a_kind(path: String, bytes: Vec<u8>) {
            let file = File { kind: kind(&path, &bytes), path, bytes: bytes.into(), executable: false };
            one(&file, &mut Seen::default());
        }
    }
}
