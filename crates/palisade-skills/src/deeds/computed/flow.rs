//! What is shipped as data, becomes letters and is run; what a request or a host says and is run: by names, line by
//! line, in any language.
//!
//! No grammar is known. A line gives names (before its `=`, `<-` or `:=`, behind `for`, as the parameter of a function
//! that begins on it) what the names behind them have, and a function has what its lines give back. That is too
//! generous for a proof and too narrow for what goes round through objects; but what is asked for is a chain: data
//! that stands in the package, an operation that makes letters of it, and a call whose *command* is named by that.
//! A compiler, an emulator or a test harness runs what it is given; none of them ships it as numbers and decodes it.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{super::rules, literals::literals, numbers};
use crate::{
    Confidence, File, FileKind, Place, Rule, Seen, Severity,
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// What a name may have.
const DATA: u8 = 1;
const LETTERS: u8 = 2;
const REQUEST: u8 = 4;
const FETCHED: u8 = 8;

/// The most lines of a file, the longest line and the most rounds.
const LINES: usize = 4000;
const LONGEST: usize = 20_000;
const ROUNDS: usize = 4;

/// Letters are made of what is no text: by number, by table, by mask, by unpacking, by turning round.
static MAKES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bchr[bw]?\$?\s*[($]|\bchr\b|fromCharCode|fromCodePoint|CharCodes\(|\.tr\(|\btr/|\by/|\bunpack\b|\bpack[\s(]|string\.char|utf8\.char|rawToChar|intToUtf8|char::from|from_u32|\bas\s+char|\bas\s+u8|\bas\s+u16|bytes\(|bytearray\(|b64decode|base64_decode|decode64|from_?hex|hex2bin|\batob\(|Base64|\[char\]|-bxor|\^|\bxor\b|translate\(|maketrans|strtr\(|rot13|codecs\.|decompress|inflate|gunzip|reverse|strrev|substr|\bMid\$?\(|:~\d|toChar\(\)|\(char\)|byte\(|rune\(|decodeURIComponent|unescape\(|uudecode|uncompress|\bdecrypt|createDecipher|\bsub\(|gsub\(|fromBase|parseInt\([^)\n]{1,30},\s*\d|\bint\([^)\n]{1,40},\s*\d{1,2}\)|to_i\(\d|\.join|\bjoin\b|implode|Collectors\.joining|paste0?\(|table\.concat|String\.valueOf"#,
    )
});
/// Letters are merely put together, which counts when they come out of single places of a table.
static ONLY_JOINS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.join|\bjoin\b|implode|Collectors\.joining|paste0?\(|table\.concat|\bsub\(|gsub\(|String\.valueOf",
    )
});
/// Places of a table, one behind the other.
static BY_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bmap\b|\.map\s*[({]|\bfor\b|\.at\(|\[\s*(?:i|j|k|n|c|x|_1|it)\b|\.charAt|\.get\(|sapply|lapply|comprehension|\.fetch\(|\.collect|\.each|\bforeach\b",
    )
});

/// A file is read.
static READS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)readFile|\bopen\b|read_text|read_bytes|File\.(?:read|foreach|open|ReadAll\w*)|readLines|readRDS|ReadAll|json\.load|\brequire\s*\(|\bimport\b|csv|io\.(?:open|lines)|file_get_contents|\bfgets\b|include_(?:str|bytes)!|embed|\bslurp|\.load\b|Get-Content|\bcat\b|\bsource\b|scan\(|read\.\w{3,6}\(|\bfile\(|OpenTextFile|parse",
    )
});

/// Somebody's request.
static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\$_(?:GET|POST|REQUEST|COOKIE|FILES)\b|\$_SERVER\[\s*['\x22]HTTP_|\bgetallheaders\(|php://input|\$cgi->param|\bparam\(\s*['\x22]",
    )
});

/// Bytes of a host's, in languages that have no parser here.
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:curl|wget|http\w{0,12}[.:]{1,2}\w{0,12}get|\bhttp\.request|\burl\(|readLines\(|XMLHTTP|WinHttp|file_get_contents|curl_exec|urlopen|LWP|HTTP::Tiny|->get\(|\bGET\b|getURL|slurp|openStream|readText|request\.get|vim\.system|vim\.fn\.system|io\.popen|fetch)[^\n]{0,200}https?://"#,
    )
});

/// Something is run: an interpreter, a shell, a call by name. Up to where its arguments begin.
static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[^\w.>$@])(?:eval|exec|system|popen|shell_exec|passthru|proc_open|pcntl_exec|assert|create_function|call_user_func(?:_array)?|instance_eval|class_eval|load|loadstring|dofile|source|Function|ExecuteGlobal|ExecuteStatement|Execute|Evaluate|Shell|ShellExecute\w{0,2}|Invoke-Expression|iex|do shell script|qx|\w{0,20}Fn|\w{0,20}Function)\s{0,3}(?:\(|\s)|(?:\.|->|::)\s?(?:eval|exec|exec\w{0,6}Sync|execSync|spawn\w{0,4}|popen\w?|system|run|call|check_output|check_call|getoutput|Popen|capture2e?|capture3|instance_eval|class_eval|runIn\w{3,12}|_compile|execute|evaluate|evalString|Start|ShellExecute|Exec|cmd|constructor)\s{0,2}(?:\(|\s)|Command::new\(|exec\.Command\(|ProcessBuilder\(|-\|['"]\s?,|\|-['"]\s?,|['"]-\|['"],"#,
    )
});

/// Programs that take a command, and what tells them so.
static INTERPRETER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)^(?:(?:/usr)?/bin/)?(?:env\s)?(?:ba|z|da|k)?sh(?:\s-\w{1,4})?\s?$|^(?:cmd|powershell|pwsh|python3?|perl|ruby|node|php|lua|osascript|wscript|cscript|mshta|return|-\||\|-)(?:\.exe)?\b[\s\w/.-]{0,60}$|^[-/]\w{1,20}$"#,
    )
});

/// Names of functions: their first line says so.
static DEFINES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[\s;])(?:def|sub|fn|func|fun|function|Private Function|Public Function|proc|let rec)\s{1,3}(?:self\.|M\.|local )?([A-Za-z_\x80-\xff][\w\x80-\xff]{0,40})|^\s{0,12}(?:(?:public|private|static|final|export|const|local|let|var)\s)*([A-Za-z_\x80-\xff][\w\x80-\xff.]{0,40})\s{0,3}(?:=|<-)\s{0,3}(?:async\s)?(?:function\b|\(?[\w, ]{0,40}\)?\s{0,2}=>|lambda\b|proc\b|->)|^\s{0,12}([a-z_]\w{0,40})\s?\(\)\s?\{",
    )
});

/// One thing that is run.
struct Told {
    at: usize,
    line: u32,
    rule: &'static Rule,
    message: &'static str,
}

/// Follows what each text ships.
pub(super) fn look(texts: &[(&File, &str)], profile: &Profile, seen: &mut Seen) {
    let shipped: HashSet<&str> = texts
        .iter()
        .filter(|(file, text)| {
            matches!(file.kind, FileKind::Data | FileKind::Definition | FileKind::Prose)
                && !file.path.ends_with(".md")
                && ships(text)
        })
        .map(|(file, _)| file.path.rsplit('/').next().unwrap_or(&file.path))
        .filter(|name| name.len() > 3)
        .collect();
    for (file, text) in texts {
        if file.kind == FileKind::Prose || file.path.ends_with(".min.js") || !RUNS.is_match(*text) {
            continue;
        }
        let Some(told) = follow(text, file.kind, &shipped) else { continue };
        let (severity, sure) = match profile.security {
            true => (Severity::Medium, Confidence::Low),
            false => (Severity::High, Confidence::Medium),
        };
        let (_, excerpt) = super::line(text, told.at);
        let place = Place { file: file.path.clone(), line: told.line, column: 0 };
        seen.findings.push(
            told.rule.at(&place.file, place.line, 0, excerpt, told.message).of(severity).sure(sure),
        );
    }
}

/// Does a text hold what could be a program in disguise: many numbers, or letters without words?
fn ships(text: &str) -> bool {
    const MANY: usize = 24;
    numbers::runs(text).iter().any(|run| run.numbers.len() >= MANY)
        || literals(text).iter().any(|literal| is_opaque(literal.text))
}

/// Letters without words: no digest of a known length, no address, no path.
fn is_opaque(text: &str) -> bool {
    const LEAST: usize = 40;
    let count = text.chars().count();
    let digest =
        matches!(count, 40 | 56 | 64 | 96 | 128) && text.chars().all(|c| c.is_ascii_hexdigit());
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    count >= LEAST
        && !digest
        && different.len() >= 6
        && !text.contains("://")
        && !text.contains("  ")
        && !text.starts_with(['/', '.', '<'])
        && different.len() * 20 < count * 19
        && text.chars().filter(|c| c.is_whitespace()).count() * 24 < count
        && text.chars().filter(|c| *c == '_' || *c == '-' || *c == '.').count() * 8 < count
}

/// Follows the names of one text.
fn follow(text: &str, kind: FileKind, shipped: &HashSet<&str>) -> Option<Told> {
    let lines: Vec<(usize, &str)> = lines(text);
    let mut has: HashMap<&str, u8> = HashMap::new();
    let mut seeds: HashMap<usize, u8> = HashMap::new();
    // Where what is shipped stands.
    let tables =
        numbers::runs(text).into_iter().filter(|run| run.numbers.len() >= 24).map(|r| r.at);
    let opaque = literals(text).into_iter().filter(|l| is_opaque(l.text)).map(|literal| literal.at);
    for at in tables.chain(opaque) {
        let line = lines.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        // A table begins on the line of its name, or below it.
        for line in [Some(line), line.checked_sub(1)].into_iter().flatten() {
            *seeds.entry(line).or_default() |= DATA;
        }
    }
    let parsed = kind.is_parsed();
    for (number, (_, line)) in lines.iter().enumerate() {
        let mut seed = 0;
        if !shipped.is_empty()
            && READS.is_match(*line)
            && shipped.iter().any(|name| line.contains(name))
        {
            seed |= DATA;
        }
        if ASKS.is_match(*line) {
            seed |= REQUEST;
        }
        if !parsed && FETCHES.is_match(*line) {
            seed |= FETCHED;
        }
        if seed != 0 {
            *seeds.entry(number).or_default() |= seed;
        }
    }
    if seeds.is_empty() {
        return None;
    }
    for _ in 0..ROUNDS {
        let before: u64 = has.values().map(|&value| u64::from(value)).sum();
        let mut function: Option<&str> = None;
        for (number, (_, line)) in lines.iter().enumerate() {
            let defined = defines(line);
            if defined.is_some() {
                function = defined;
            }
            let names = sides(line);
            let mut state = seeds.get(&number).copied().unwrap_or(0)
                | words(line).filter_map(|word| has.get(word)).fold(0, |sum, has| sum | has);
            if state == 0 {
                continue;
            }
            if state & DATA != 0 && makes(line) {
                state |= LETTERS;
            }
            for name in &names {
                *has.entry(name).or_default() |= state;
            }
            let returns = defined.is_some()
                || names.is_empty()
                || line.contains("return")
                || function.is_some_and(|function| names.contains(&function));
            if returns && let Some(function) = function {
                *has.entry(function).or_default() |= state;
            }
            // What is written has what was written to it.
            if state & LETTERS != 0 && line.contains("write") {
                for name in words(line).filter(|name| !is_common(name)).take(8) {
                    *has.entry(name).or_default() |= LETTERS;
                }
            }
        }
        if has.values().map(|&value| u64::from(value)).sum::<u64>() == before {
            break;
        }
    }
    lines.iter().enumerate().find_map(|(number, (start, line))| {
        let (rule, message) = is_run(line, &has, seeds.get(&number).copied())?;
        let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
        Some(Told { at: *start, line, rule, message })
    })
}

/// Words of languages and libraries, which nothing is carried by.
fn is_common(word: &str) -> bool {
    [
        "fs", "os", "io", "self", "this", "let", "var", "const", "if", "for", "in", "of", "return",
        "unwrap", "write", "std", "file", "open", "console", "print", "sys", "path", "json", "re",
        "i", "f", "len", "map", "not", "and",
    ]
    .contains(&word)
}

fn makes(line: &str) -> bool {
    MAKES.is_match(line) && (!ONLY_JOINS.is_match(line) || BY_PLACE.is_match(line) || strong(line))
}

/// Makes letters otherwise than by putting them together.
fn strong(line: &str) -> bool {
    let rest = line.to_ascii_lowercase();
    [
        "chr",
        "fromcharcode",
        "codepoint",
        "base64",
        "atob",
        "xor",
        "^",
        "hex",
        "char(",
        "tr(",
        "rot13",
        "reverse",
    ]
    .iter()
    .any(|word| rest.contains(word))
}

/// The lines of a text that hold something, each with where it begins.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n')
        .take(LINES)
        .map(|line| {
            let start = at;
            at += line.len();
            let bare = line.trim_start();
            let comment = ["//", "#", "--", ";", "rem ", "REM ", "'", "*", "%"]
                .iter()
                .any(|mark| bare.starts_with(mark));
            (start, if comment || line.len() > LONGEST { "" } else { line })
        })
        .collect()
}

fn defines(line: &str) -> Option<&str> {
    let mut captures = DEFINES.create_captures();
    DEFINES.captures(line, &mut captures);
    [1, 2, 3]
        .iter()
        .find_map(|&group| captures.get_group(group))
        .and_then(|name| line.get(name.range()))
}

/// The names of a text, in any script.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_'))
}

/// The names that a line gives something.
fn sides(line: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let bytes = line.as_bytes();
    let found = line.char_indices().find(|&(at, c)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        match c {
            '=' => {
                !matches!(before, b'=' | b'!' | b'<' | b'>') && !matches!(after, b'=' | b'~' | b'>')
            }
            '<' => after == b'-' && !bytes.get(at + 2).is_some_and(u8::is_ascii_digit),
            _ => false,
        }
    });
    if let Some((at, _)) = found {
        let left = line.get(..at).unwrap_or_default();
        // `f(x) = …` gives to `f`; `if (a = …)` to `a`.
        let left = match left.split_once(": [").or_else(|| left.split_once(": &[")) {
            Some((name, _)) => name,
            None => left.rsplit([';', '{']).next().unwrap_or(left),
        };
        names.extend(words(left.split(':').next().unwrap_or(left)).filter(|word| {
            ![
                "my", "local", "let", "const", "var", "set", "dim", "if", "auto", "val", "mut",
                "our", "export", "declare", "readonly", "def", "static", "final",
            ]
            .contains(&word.to_ascii_lowercase().as_str())
        }));
    }
    let trimmed = line.trim_start().to_ascii_lowercase();
    if trimmed.starts_with("for") {
        let head: Vec<&str> = words(line).skip(1).take(6).collect();
        names.extend(
            head.into_iter()
                .take_while(|word| {
                    !matches!(word.to_ascii_lowercase().as_str(), "in" | "of" | "as")
                })
                .filter(|word| {
                    !["each", "my", "let", "const", "var", "local"]
                        .contains(&word.to_ascii_lowercase().as_str())
                }),
        );
        // PHP: `foreach ($table as $x)`.
        if trimmed.starts_with("foreach")
            && let Some((_, variable)) = line.split_once(" as ")
        {
            names.extend(words(variable).take(2));
        }
    }
    // The parameters of a function that begins here take what is given to it.
    for mark in ["function(", "function (", "do |", "{ |", "{|", "fn("] {
        if let Some((_, parameters)) = line.split_once(mark) {
            names.extend(words(parameters.split([')', '|']).next().unwrap_or_default()).take(4));
        }
    }
    if let Some((before, _)) = line.split_once("=>") {
        let last = before.trim_end().trim_end_matches(')');
        names.extend(words(last.rsplit(['(', ',']).next().unwrap_or_default()).take(2));
    }
    names
}

/// Is something of that run on this line, and as the command?
fn is_run(
    line: &str,
    has: &HashMap<&str, u8>,
    seed: Option<u8>,
) -> Option<(&'static Rule, &'static str)> {
    if line.len() > LONGEST {
        return None;
    }
    for found in RUNS.find_iter(line).take(16) {
        let mut end = found.end();
        while !line.is_char_boundary(end) {
            end += 1;
        }
        let Some(command) = command(line.get(end..).unwrap_or_default()) else { continue };
        let mut state =
            words(&command).filter_map(|word| has.get(word)).fold(0, |sum, has| sum | has);
        if seed.is_some_and(|seed| seed & REQUEST != 0) && ASKS.is_match(command.as_str()) {
            state |= REQUEST;
        }
        if state & DATA != 0 && strong(&command) {
            state |= LETTERS;
        }
        if state & LETTERS != 0 {
            return Some((
                &rules::DECODED_RUNS,
                "letters that are made from data of the package are run",
            ));
        }
        if state & REQUEST != 0 {
            return Some((&rules::BACKDOOR, "what a request holds is run"));
        }
        let said = line.get(found.range()).unwrap_or_default().to_ascii_lowercase();
        let evaluates =
            ["eval", "load", "source", "dofile", "execute", "iex", "invoke", "instance"]
                .iter()
                .any(|word| said.contains(word));
        if state & FETCHED != 0 && evaluates && !command.contains("://") {
            return Some((&rules::FETCHED_RUNS, "what a host serves is evaluated"));
        }
    }
    None
}

/// The expression that names the command, past an interpreter and what tells it to take one.
fn command(rest: &str) -> Option<String> {
    const ARGUMENTS: usize = 300;
    let mut cut = rest.len().min(ARGUMENTS);
    while !rest.is_char_boundary(cut) {
        cut -= 1;
    }
    let flat = rest
        .get(..cut)
        .unwrap_or_default()
        .replace(").args(", ",")
        .replace(").arg(", ",")
        .replace("], [", ",")
        .replace("\", [", "\",");
    let mut rest = flat.as_str();
    for _ in 0..6 {
        rest = rest.trim_start_matches([
            ' ', '(', '[', ',', '&', '{', '\t', '\\', '+', '.', '|', '-', '@',
        ]);
        let quote = rest.chars().next()?;
        if !matches!(quote, '"' | '\'' | '`') {
            break;
        }
        let (literal, after) = rest.get(1..)?.split_once(quote)?;
        if !INTERPRETER.is_match(literal.trim_end_matches([' ', '"'])) {
            // Text with a name in it.
            return literal
                .contains('$')
                .then(|| literal.to_owned())
                .or_else(|| (quote == '`' || literal.contains('{')).then(|| literal.to_owned()));
        }
        rest = after;
    }
    let mut depth = 0_i32;
    let end = rest.char_indices().find(|&(_, c)| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || depth == 0 && matches!(c, ',' | ';' | '\n')
    });
    rest.get(..end.map_or(rest.len(), |(at, _)| at)).map(str::to_owned)
}
