//! Languages without a parser: pairings that are read off the text, and shell commands in its texts.

use super::{Language, Piece, whole};

/// What a pairing says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::code) enum Pairing {
    /// A socket and a shell that gets its descriptors.
    ReverseShell,
    /// What a request brings, or what is decoded, is evaluated.
    Evaluates,
    /// The whole environment and an outgoing request.
    Environment,
}

pub(super) fn knows(suffix: &str) -> bool {
    matches!(
        suffix,
        "pl" | "pm"
            | "php"
            | "phtml"
            | "lua"
            | "kt"
            | "kts"
            | "gradle"
            | "groovy"
            | "swift"
            | "java"
            | "scala"
            | "rs"
            | "c"
            | "cc"
            | "cpp"
            | "h"
            | "applescript"
            | "scpt"
            | "vbs"
            | "hta"
            | "wsf"
            | "jl"
            | "r"
            | "ex"
            | "exs"
            | "nim"
            | "zig"
            | "cs"
            | "el"
            | "vim"
            | "awk"
            | "tcl"
    )
}

/// Texts of the program that are command lines of a shell.
pub(super) fn pieces(text: &str, suffix: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1u32..) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//")
            || trimmed.starts_with("--")
            || trimmed.starts_with('*')
            || found.len() >= 64
        {
            continue;
        }
        for mark in ['"', '\'', '`'] {
            for part in line.split(mark).skip(1).step_by(2) {
                let command = [
                    "curl ",
                    "wget ",
                    "bash ",
                    "sh -c",
                    "powershell",
                    "nc ",
                    "base64 ",
                    "rm -rf",
                    "python",
                    "osascript",
                    "/bin/sh",
                    "/bin/bash",
                ]
                .iter()
                .any(|start| part.trim_start().starts_with(start));
                let flows = part.contains('|')
                    || part.contains("$(")
                    || part.contains("&&")
                    || part.contains("@")
                    || part.contains(" -c")
                    || part.contains("rm -rf");
                if command && flows {
                    let mut piece = whole(
                        Language::Shell,
                        &part.replace("\\\"", "\"").replace("\\n", "\n"),
                        false,
                    );
                    piece.line = number;
                    found.push(piece);
                }
            }
        }
        // AppleScript: a line of its own language around a text of the shell.
        if matches!(suffix, "applescript" | "scpt") && line.contains("do shell script") {
            let inner = line.split('"').nth(1).unwrap_or_default();
            let mut piece = whole(Language::Shell, inner, false);
            piece.line = number;
            found.push(piece);
        }
    }
    found
}

/// Pairings in a text, with the line on which the telling half stands.
pub(in crate::code) fn pairings(path: &str, text: &str) -> Vec<(Pairing, u32)> {
    let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix).to_ascii_lowercase();
    if !knows(&suffix) {
        return Vec::new();
    }
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let line = |words: &[&str]| {
        text.lines()
            .zip(1u32..)
            .find(|(line, _)| words.iter().any(|word| line.contains(word)))
            .map_or(0, |(_, line)| line)
    };
    let mut found = Vec::new();
    let sockets: &[&str] = &[
        "socket(",
        "fsockopen",
        "IO::Socket",
        "Socket(",
        "TcpStream::connect",
        "TcpClient",
        "socket.connect",
        "socket.tcp",
        "NWConnection",
    ];
    let shells: &[&str] = &["/bin/sh", "/bin/bash", "cmd.exe", "powershell.exe"];
    let joins: &[&str] = &[
        "dup2",
        "open(STDIN",
        "open STDIN",
        "proc_open",
        "from_raw_fd",
        "getInputStream",
        "RedirectStandardInput",
        "exec('/bin",
        "exec(\"/bin",
        "io.popen",
        "standardInput",
    ];
    if has(sockets) && has(shells) && has(joins) {
        found.push((Pairing::ReverseShell, line(shells)));
    }
    if matches!(suffix.as_str(), "php" | "phtml") {
        let evaluates = text.lines().zip(1u32..).find(|(line, _)| {
            let calls = [
                "eval(",
                "assert(",
                "create_function(",
                "system(",
                "exec(",
                "passthru(",
                "shell_exec(",
            ]
            .iter()
            .any(|word| line.contains(word));
            let inputs = [
                "base64_decode",
                "str_rot13",
                "gzinflate",
                "gzuncompress",
                "$_COOKIE",
                "$_POST",
                "$_GET",
                "$_REQUEST",
                "hex2bin",
            ]
            .iter()
            .any(|word| line.contains(word));
            calls && inputs
        });
        if let Some((_, line)) = evaluates {
            found.push((Pairing::Evaluates, line));
        }
    }
    if suffix == "lua" || suffix == "pl" {
        let evaluates = text.lines().zip(1u32..).find(|(line, _)| {
            (line.contains("load(") || line.contains("loadstring(") || line.contains("eval "))
                && ["decode_base64", "unpack(", "string.char(", "http", "gsub("]
                    .iter()
                    .any(|word| line.contains(word))
        });
        if let Some((_, line)) = evaluates {
            found.push((Pairing::Evaluates, line));
        }
    }
    let environment: &[&str] = &[
        "System.getenv()",
        "%ENV",
        "getenv()",
        "$_ENV",
        "env::vars()",
        "os.environ()",
        "ProcessInfo.processInfo.environment",
        "Environment.GetEnvironmentVariables()",
        "System.get_env()",
    ];
    let sends: &[&str] = &[
        "openConnection",
        "LWP::",
        "HTTP::Tiny",
        "file_get_contents('http",
        "curl_exec",
        "reqwest",
        "ureq",
        "URLSession",
        "HttpClient",
        "HttpURLConnection",
        "getOutputStream",
        "IO::Socket",
        "HTTPoison",
    ];
    if has(environment) && has(sends) {
        found.push((Pairing::Environment, line(environment)));
    }
    found
}
