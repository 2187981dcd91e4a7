//! Blocks and commands in Markdown.

use std::{collections::BTreeMap, sync::LazyLock};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::build::yaml;
use super::{Language, Piece};
use crate::{
    code::language,
    pattern::{Regex, code as pattern},
};

/// The pieces of code in a Markdown text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Found { lines: Lines::new(text), joined: BTreeMap::new(), pieces: Vec::new() };
    let (front, body) = front_matter(text);
    if let Some(front) = front {
        found.pieces.extend(hooks_of(front));
    }
    let offset = text.len() - body.len();
    let mut heading = String::new();
    let mut section_teaches = false;
    let mut paragraph = String::new();
    let mut in_heading = false;
    let mut head: Option<String> = None;
    let mut table_shows = false;
    let mut waiting: Vec<(String, usize)> = Vec::new();
    let mut block: Option<(String, usize, String)> = None;
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        let at = range.start + offset;
        match event {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                heading.clear();
                paragraph.clear();
            }
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                section_teaches = teaches(&heading);
            }
            Event::Start(Tag::TableHead) => head = Some(String::new()),
            Event::End(TagEnd::TableHead) => {
                table_shows = head.take().is_some_and(|head| shows(&head));
            }
            Event::End(TagEnd::Table) => table_shows = false,
            Event::Start(Tag::Paragraph | Tag::Item | Tag::TableCell) => {
                flush(&mut found, &mut waiting, section_teaches || teaches(&paragraph));
                if let Some(head) = &mut head {
                    head.push('|');
                }
                paragraph.clear();
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                // The whole paragraph says what a command in it is, or the head of its table.
                let quoted = section_teaches || table_shows || teaches(&paragraph);
                flush(&mut found, &mut waiting, quoted);
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                block = Some((info, at, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((info, at, code)) = block.take() {
                    let quoted = section_teaches || teaches(&paragraph) || marked(&code);
                    found.block(text, &info, at, &code, quoted);
                }
            }
            Event::Text(piece) => match &mut block {
                Some((_, start, code)) => {
                    if code.is_empty() {
                        *start = at;
                    }
                    code.push_str(&piece);
                }
                None if in_heading => heading.push_str(&piece),
                None => {
                    paragraph.push_str(&piece);
                    if let Some(head) = &mut head {
                        head.push_str(&piece);
                    }
                    if let Some(command) = bare_command(&piece) {
                        let within = piece.len() - command.len();
                        waiting.push((command.to_owned(), at + within));
                    }
                }
            },
            Event::Code(code) => {
                let before = text.get(..at).unwrap_or_default();
                if before.ends_with('!') {
                    found.auto_run(&code, at + 1);
                } else if code.contains(' ') && starts_command(&code) && !forbidden(&paragraph) {
                    waiting.push((code.to_string(), at + 1));
                }
                paragraph.push_str(&code);
            }
            Event::SoftBreak | Event::HardBreak => paragraph.push(' '),
            _ => {}
        }
    }
    flush(&mut found, &mut waiting, section_teaches);
    found.finish()
}

fn flush(found: &mut Found, waiting: &mut Vec<(String, usize)>, quoted: bool) {
    for (command, at) in waiting.drain(..) {
        found.single(&command, at, quoted);
    }
}

struct Found {
    lines: Lines,
    /// Blocks that parse by themselves, with the empty lines between them kept.
    joined: BTreeMap<(u8, bool), (Language, String, u32)>,
    pieces: Vec<Piece>,
}

impl Found {
    fn block(&mut self, text: &str, info: &str, at: usize, code: &str, quoted: bool) {
        let auto_run = info.trim_start().starts_with('!');
        let language = match Language::of_fence(info) {
            Some(language) => language,
            None if info.trim().is_empty()
                || info.trim() == "text"
                || info.trim() == "plaintext" =>
            {
                match code.lines().any(starts_command) {
                    true => Language::Shell,
                    false => return,
                }
            }
            None if info.trim().eq_ignore_ascii_case("json")
                || info.trim().eq_ignore_ascii_case("jsonc") =>
            {
                for mut piece in super::definition::json(code, "", "") {
                    piece.line += self.lines.of(at) - 1;
                    piece.prose = true;
                    piece.quoted = quoted;
                    piece.auto_run = false;
                    self.pieces.push(piece);
                }
                return;
            }
            None if matches!(info.trim(), "yaml" | "yml") => {
                for mut piece in yaml(code, false) {
                    piece.line += self.lines.of(at) - 1;
                    piece.prose = true;
                    piece.quoted = quoted;
                    self.pieces.push(piece);
                }
                return;
            }
            None if matches!(info.trim(), "dockerfile" | "Dockerfile" | "docker") => {
                for mut piece in super::build::dockerfile(code) {
                    piece.line = self.lines.of(at);
                    piece.prose = true;
                    piece.quoted = quoted;
                    self.pieces.push(piece);
                }
                return;
            }
            None => return,
        };
        let code = match language {
            Language::Shell => without_blanks(&without_prompts(code)),
            Language::PowerShell => without_prompts(code),
            Language::Python => without_python_prompts(code),
            _ => code.to_owned(),
        };
        let line = self.lines.of(at);
        let _ = text;
        let sound = !auto_run
            && language::parse(language, &code).is_some_and(|tree| !tree.root_node().has_error());
        if !sound {
            self.pieces.push(Piece {
                language,
                text: code,
                line,
                column: 1,
                auto_run,
                prose: true,
                quoted,
            });
            return;
        }
        // What one block saves, another runs.
        let key = (language_key(language), quoted);
        let (_, joined, next) =
            self.joined.entry(key).or_insert_with(|| (language, String::new(), 1));
        while *next < line {
            joined.push('\n');
            *next += 1;
        }
        joined.push_str(&code);
        if !code.ends_with('\n') {
            joined.push('\n');
        }
        *next += u32::try_from(code.trim_end_matches('\n').matches('\n').count()).unwrap_or(0) + 1;
    }

    fn single(&mut self, code: &str, at: usize, quoted: bool) {
        let language = match powershell(code) {
            true => Language::PowerShell,
            false => Language::Shell,
        };
        let (line, column) = (self.lines.of(at), self.lines.column(at));
        let text = match language {
            Language::Shell => without_blanks(code),
            _ => code.to_owned(),
        };
        self.pieces.push(Piece {
            language,
            text,
            line,
            column,
            auto_run: false,
            prose: true,
            quoted,
        });
    }

    fn auto_run(&mut self, code: &str, at: usize) {
        let (line, column) = (self.lines.of(at), self.lines.column(at));
        self.pieces.push(Piece {
            language: Language::Shell,
            text: code.to_owned(),
            line,
            column,
            auto_run: true,
            prose: true,
            quoted: false,
        });
    }

    fn finish(mut self) -> Vec<Piece> {
        for ((_, quoted), (language, text, _)) in self.joined {
            self.pieces.push(Piece {
                language,
                text,
                line: 1,
                column: 1,
                auto_run: false,
                prose: true,
                quoted,
            });
        }
        self.pieces
    }
}

fn language_key(language: Language) -> u8 {
    match language {
        Language::Shell => 0,
        Language::Python => 1,
        Language::JavaScript => 2,
        Language::TypeScript => 3,
        Language::Tsx => 4,
        Language::PowerShell => 5,
        Language::Go => 6,
        Language::Ruby => 7,
    }
}

/// Lines by offset.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1))
                .collect(),
        )
    }

    fn of(&self, at: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }

    fn column(&self, at: usize) -> u32 {
        let line = self.0.partition_point(|start| *start <= at).saturating_sub(1);
        let start = self.0.get(line).copied().unwrap_or_default();
        u32::try_from(at.saturating_sub(start)).unwrap_or(u32::MAX).saturating_add(1)
    }
}

fn front_matter(text: &str) -> (Option<&str>, &str) {
    let start = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(rest) = start.strip_prefix("---\n").or_else(|| start.strip_prefix("---\r\n")) else {
        return (None, text);
    };
    match rest.find("\n---") {
        Some(at) => (rest.get(..at), rest.get(at..).unwrap_or_default()),
        None => (None, text),
    }
}

/// Commands in front matter: hooks of a skill, install steps.
fn hooks_of(front: &str) -> Vec<Piece> {
    let hooks = front.lines().any(|line| line.trim_start().starts_with("hooks:"));
    let mut all = yaml(front, hooks);
    // `metadata: {"openclaw": {"install": [{"command": …}]}}`
    if let (Some(from), Some(to)) = (front.find('{'), front.rfind('}'))
        && let Some(text) = front.get(from..=to)
    {
        let above =
            u32::try_from(front.get(..from).unwrap_or_default().matches('\n').count()).unwrap_or(0);
        for mut piece in super::definition::json(text, "", "") {
            piece.line += above;
            all.push(piece);
        }
    }
    all.into_iter()
        .map(|mut piece| {
            // The line of the opening mark.
            piece.line += 1;
            piece
        })
        .collect()
}

/// Blanks to fill in (`<skill-dir>/run.py`, `push origin <branch>`) as words of the same length: to a shell they would
/// be a file that is read and one that is written. What has the form of a file's name stays what it is.
fn without_blanks(code: &str) -> String {
    static BLANK: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?:^|[\s"'=/:@])<[A-Za-z][A-Za-z0-9_ -]{0,40}>(?:[/."'`):,\]@\s]|$)"#)
    });
    let mut filled = code.to_owned();
    let mut from = 0;
    while let Some(found) = BLANK.find(filled.get(from..).unwrap_or_default()) {
        let range = from + found.start()..from + found.end();
        let here = filled.get(range.clone()).unwrap_or_default();
        let (Some(open), Some(close)) = (here.find('<'), here.rfind('>')) else { break };
        let (open, close) = (range.start + open, range.start + close);
        let to = filled.get(close + 1..).unwrap_or_default().trim_start();
        if !to.starts_with("/dev/") && !to.starts_with('&') {
            let inner = filled.get(open + 1..close).unwrap_or_default().replace(' ', "_");
            filled.replace_range(open..=close, &format!("_{inner}_"));
        }
        from = close + 1;
    }
    filled
}

/// Prompts are no part of a command; the output under them is none either.
fn without_prompts(code: &str) -> String {
    let prompted = code.lines().any(|line| {
        line.trim_start().starts_with("$ ") || line.starts_with("PS> ") || line.starts_with("PS C:")
    });
    if !prompted {
        return code.to_owned();
    }
    let mut continues = false;
    let mut out = String::new();
    for line in code.lines() {
        let trimmed = line.trim_start();
        let command =
            trimmed.strip_prefix("$ ").or_else(|| trimmed.strip_prefix("PS> ")).or_else(|| {
                trimmed
                    .strip_prefix("PS C:")
                    .and_then(|rest| rest.split_once("> "))
                    .map(|(_, command)| command)
            });
        if let Some(command) = command.or(continues.then_some(trimmed)) {
            out.push_str(command);
            continues = command.ends_with('\\');
        }
        out.push('\n');
    }
    out
}

fn without_python_prompts(code: &str) -> String {
    if !code.lines().any(|line| line.starts_with(">>> ")) {
        return code.to_owned();
    }
    let mut out = String::new();
    for line in code.lines() {
        if let Some(line) = line.strip_prefix(">>> ").or_else(|| line.strip_prefix("... ")) {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Does a line start with a program that fetches, runs, changes or installs?
fn starts_command(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("$ ").trim_start_matches("sudo ");
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    matches!(
        word,
        "curl"
            | "wget"
            | "bash"
            | "sh"
            | "zsh"
            | "python"
            | "python3"
            | "node"
            | "npm"
            | "npx"
            | "pip"
            | "pip3"
            | "uv"
            | "uvx"
            | "brew"
            | "git"
            | "cat"
            | "echo"
            | "printf"
            | "eval"
            | "export"
            | "rm"
            | "chmod"
            | "nc"
            | "ncat"
            | "env"
            | "printenv"
            | "tar"
            | "cp"
            | "crontab"
            | "powershell"
            | "pwsh"
            | "iex"
            | "irm"
            | "iwr"
            | "IEX"
            | "Invoke-WebRequest"
            | "Invoke-Expression"
            | "nslookup"
            | "dig"
            | "scp"
            | "rsync"
            | "base64"
            | "osascript"
            | "docker"
            | "ssh"
            | "source"
            | "xattr"
            | "spctl"
            | "csrutil"
            | "setenforce"
            | "ufw"
            | "security"
            | "screencapture"
            | "openclaw"
            | "codex"
            | "gemini"
            | "make"
            | "Set-MpPreference"
            | "Add-MpPreference"
            | "launchctl"
            | "systemctl"
            | "apt-get"
            | "apt"
            | "go"
            | "cargo"
            | "gem"
            | "bunx"
            | "claude"
            | "gh"
            | "aws"
            | "cmd"
            | "mshta"
            | "certutil"
            | "dd"
            | "find"
            | "grep"
            | "socat"
            | "openssl"
            | "perl"
            | "ruby"
            | "php"
            | "deno"
            | "bun"
    )
}

fn powershell(code: &str) -> bool {
    let lower = code.to_ascii_lowercase();
    ["iex", "irm ", "iwr ", "invoke-", "powershell", "new-object", "set-mppreference"]
        .iter()
        .any(|word| lower.starts_with(word))
        && !lower.starts_with("powershell")
        || lower.contains("| iex")
        || lower.contains("|iex")
}

/// A command that stands in running text without any mark.
fn bare_command(text: &str) -> Option<&str> {
    let pipes = [
        "| bash", "|bash", "| sh", "|sh", "| zsh", "| python", "| iex", "|iex", "| node", "| sudo",
        "| base64",
    ];
    if !pipes.iter().any(|pipe| text.contains(pipe)) && !text.contains("$(curl") {
        return None;
    }
    let at = ["curl ", "wget ", "echo ", "irm ", "iwr ", "bash -c", "sh -c", "eval "]
        .iter()
        .filter_map(|word| text.find(word))
        .min()?;
    text.get(at..)
}

/// Do the words in front of a command forbid it: ``never `rm -rf ~` ``?
pub(crate) fn forbidden(before: &str) -> bool {
    let sentence =
        before.rsplit(['.', ';', '!', '?', ':', '\n']).next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = sentence
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let near = words.get(words.len().saturating_sub(3)..).unwrap_or_default();
    near.iter().any(|word| {
        matches!(
            *word,
            "never"
                | "don't"
                | "dont"
                | "avoid"
                | "nie"
                | "niemals"
                | "nunca"
                | "jamais"
                | "mai"
                | "никогда"
                | "nigdy"
                | "nooit"
                | "aldrig"
                | "asla"
        )
    }) || near.windows(2).any(|pair| matches!(pair, ["do" | "must" | "should" | "may", "not"]))
}

/// Does a block say of itself that it shows what is wrong?
fn marked(code: &str) -> bool {
    code.lines().take(6).any(|line| {
        let trimmed = line.trim_start();
        let comment = trimmed.starts_with('#')
            || trimmed.starts_with("//")
            || trimmed.starts_with("<!--")
            || trimmed.starts_with("REM ");
        comment && !trimmed.starts_with("#!") && teaches(trimmed)
    })
}

/// Does the head of a table say that its rows are what to look for, and not what to do?
pub(crate) fn shows(head: &str) -> bool {
    const SHOWN: &[&str] = &[
        "sign",
        "signs",
        "pattern",
        "patterns",
        "trace",
        "traces",
        "indicator",
        "indicators",
        "signature",
        "red flag",
        "ioc",
        "iocs",
        "artefact",
        "artifact",
        "spur",
        "spuren",
        "muster",
        "traza",
        "indicador",
        "indicio",
        "indice",
        "痕跡",
        "痕迹",
        "特征",
        "признак",
        "след",
        "흔적",
        "ślad",
        "vestígio",
        "traccia",
    ];
    // Rows with these are carried out.
    const DONE: &[&str] = &[
        "run",
        "do",
        "fix",
        "command",
        "commands",
        "action",
        "step",
        "remedy",
        "then",
        "use",
        "answer",
        "how",
        "befehl",
        "comando",
        "commande",
        "команда",
        "コマンド",
        "命令",
    ];
    let cells: Vec<String> = head
        .split('|')
        .map(|cell| cell.trim().trim_matches('*').to_lowercase().replace("do not", ""))
        .filter(|cell| !cell.is_empty())
        .collect();
    let has = |words: &[&str]| {
        cells.iter().any(|cell| {
            words.contains(&cell.as_str())
                || cell.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
        })
    };
    cells.len() > 1 && has(SHOWN) && !has(DONE)
}

/// Does a text show what follows as an attack, a test for one, or a mistake?
pub(crate) fn teaches(text: &str) -> bool {
    // A detector is a part of a cloud or of a laboratory; to detect is to teach.
    let lower = text.to_lowercase().replace("detector", "");
    [
        "malicious",
        "attack",
        "payload",
        "exploit",
        "vulnerab",
        "detect",
        "avoid",
        "never run",
        "do not run",
        "don't run",
        "never execute",
        "red flag",
        "suspicious",
        "unsafe",
        "dangerous",
        "insecure",
        "anti-pattern",
        "antipattern",
        "bad example",
        "bad practice",
        "\u{274c}",
        "wrong way",
        "reverse shell",
        "bind shell",
        "pentest",
        "penetration test",
        "red team",
        "indicator",
        "signature",
        "injection",
        "threat",
        "ctf",
        "adversar",
        "exfiltrat",
        "privilege escalation",
        "post-exploitation",
        "lateral movement",
        "flag if",
        "should be blocked",
        "must be rejected",
        "what not to",
        "warning sign",
        "signs in ",
        "signs of compromise",
        "visitors type",
        "visitors try",
        "seen in the wild",
        "forensic",
        "incident",
        "yara",
        "sigma rule",
        "semgrep",
        "hardening",
        "backdoor",
        "trojan",
        "malware",
        "obfuscat",
        "phishing",
        "攻撃",
        "攻击",
        "恶意",
        "공격",
        "атак",
        "вредонос",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::shows;

    #[test]
    fn the_head_of_a_table_says_what_its_rows_are() {
        assert!(shows("| Trace | Where |"));
        assert!(shows("| Pattern | Example (quoted) | Why |"));
        assert!(shows("| Sign | Example (do not follow) |"));
        assert!(shows("| Sign | Sample |"));
        assert!(!shows("| Pattern | Command |"));
        assert!(!shows("| Step | What |"));
        assert!(!shows("| Trace |"));
    }
}
