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

use super::{
    super::rules,
    literals::literals,
    names::{LONGEST, ROUNDS, defines, lines, sides, words},
    numbers,
};
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
/// A request to a program of the web, in languages where other things are named so too.
const WEB: u8 = 16;

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

/// Something is written: a call whose name says so, and no name of a stream that is written to.
static WRITES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)write\w{0,16}!?\s{0,2}(?:\(|\s[^\s=:,;)])"));

/// Somebody's request.
static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\$_(?:GET|POST|REQUEST|COOKIE|FILES)\b|\$_SERVER\[\s*['\x22]HTTP_|\bgetallheaders\(|php://input|\$cgi->param|\bparam\(\s*['\x22]",
    )
});

/// A request, as frameworks of other languages name it.
static ASKS_WEB: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:flask\.)?request\.(?:args|form|json|values|cookies|headers|GET|POST|COOKIES|META|data|get_json|query_params|params|body)\b|\breq(?:uest)?\.(?:query|body|params|cookies|headers|get\()|\bctx\.(?:request|query|cookies)\b|\bparams\[:|\bcookies\[:|\brequest\.(?:env|user_agent)\b|\br\.(?:URL\.Query|FormValue|Header\.Get|PostFormValue|Cookie)\(|\.getParameter\(|\.getHeader\(|\bQueryString\[",
    )
});

/// What evaluates or starts its first argument, and nothing else.
static RUNS_WEB: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[^\w.$])(?:eval|exec|Function|system|popen|instance_eval|loadstring)\s?\(|\bvm\.run\w*\(|os\.(?:system|popen)\(|execSync\(|child_process\.exec\(|subprocess\.\w{3,14}\(|Runtime\.getRuntime\(\)\.exec\(|\.instance_eval\(|Kernel\.(?:eval|system)\(|exec\.Command\(\s?\x22(?:ba)?sh\x22\s?,\s?\x22-c\x22\s?,",
    )
});

/// A call of PHP whose name or file is the first argument, or stands behind what it is given.
static CALLABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:array_map|call_user_func(?:_array)?|forward_static_call(?:_array)?|register_shutdown_function|register_tick_function|ob_start|set_error_handler|spl_autoload_register|ReflectionFunction|iterator_apply|Closure::fromCallable)\s?\(\s?|\b(?:array_filter|array_walk(?:_recursive)?|array_reduce|usort|uasort|uksort|preg_replace_callback|array_udiff|array_uintersect)\s?\([^,;\n]{1,160},\s?|\b(?:include|require)(?:_once)?\s?\(?\s?",
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
        if file.kind == FileKind::Prose
            || file.path.ends_with(".min.js")
            || (!RUNS.is_match(*text) && !CALLABLE.is_match(*text))
        {
            continue;
        }
        // What a page runs is JavaScript, and its other words are none of a program.
        let page = [".html", ".htm", ".xhtml"].iter().any(|end| file.path.ends_with(end));
        let kind = if page { FileKind::JavaScript } else { file.kind };
        let Some(told) = follow(text, kind, &shipped) else { continue };
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
pub(super) fn ships(text: &str) -> bool {
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
        && !is_pattern(text)
        && !is_worded(text)
        && different.len() * 20 < count * 19
        && text.chars().filter(|c| c.is_whitespace()).count() * 24 < count
        && text.chars().filter(|c| *c == '_' || *c == '-' || *c == '.').count() * 8 < count
}

/// Most of it is words, as in a template of what is printed or an expression: `{row['sample_count']}`. Letters that
/// stand for others, or for bytes, have hardly any that could be spoken, and as many rare ones as others.
fn is_worded(text: &str) -> bool {
    // A row of words alone may stand for letters, each for one.
    if !text.contains(['{', '[', '(', '\\']) {
        return false;
    }
    let text = text.replace("\\n", "  ").replace("\\t", "  ").replace("\\r", "  ");
    let all = text.chars().filter(|c| c.is_alphanumeric()).count();
    let mut worded = 0;
    for run in text.split(|c: char| !c.is_ascii_alphabetic()) {
        let mut from = 0;
        let bytes = run.as_bytes();
        for at in 1..=bytes.len() {
            // `mimeType` is two words.
            let ends = at == bytes.len()
                || bytes.get(at - 1).is_some_and(u8::is_ascii_lowercase)
                    && bytes.get(at).is_some_and(u8::is_ascii_uppercase);
            if ends {
                let word = run.get(from..at).unwrap_or_default();
                worded += if is_word(word) { word.len() } else { 0 };
                from = at;
            }
        }
    }
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let rare = text.bytes().filter(|b| b"jqxzkvw".contains(&b.to_ascii_lowercase())).count();
    worded * 10 >= all * 7 && rare * 8 < letters
}

/// Can it be spoken, and is it written in one way?
fn is_word(text: &str) -> bool {
    const SHORTEST: usize = 3;
    const LONGEST: usize = 20;
    const ROW: usize = 3;
    let rest = text.get(1..).unwrap_or_default();
    let even = rest.bytes().all(|b| b.is_ascii_lowercase())
        || text.bytes().all(|b| b.is_ascii_uppercase());
    let (mut vowels, mut row, mut longest, mut before) = (0, 0, 0, None);
    for byte in text.bytes() {
        let vowel = b"aeiouy".contains(&byte.to_ascii_lowercase());
        vowels += usize::from(vowel);
        row = if before == Some(vowel) { row + 1 } else { 1 };
        longest = longest.max(row);
        before = Some(vowel);
    }
    even && (SHORTEST..=LONGEST).contains(&text.len())
        && vowels > 0
        && vowels < text.len()
        && longest <= ROW
}

/// A regular expression has no words either: classes of letters, and how often they stand there.
fn is_pattern(text: &str) -> bool {
    const MARKS: [&str; 10] = ["\\s", "\\b", "\\d", "\\w", "[^", "(?", "]+", "]*", "]{", ")?"];
    const LEAST: usize = 3;
    let marks: usize = MARKS.iter().map(|mark| text.matches(mark).count()).sum();
    marks >= LEAST && marks * 24 >= text.len()
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
        // A table begins on the line of its name, or below it, unless that ends what it says.
        let above = line.checked_sub(1).filter(|&above| {
            let said = lines.get(above).map_or("", |(_, line)| line.trim_end());
            !(said.ends_with([';', ')']) || kind == FileKind::Python && said.ends_with(':'))
        });
        for line in [Some(line), above].into_iter().flatten() {
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
        if ASKS_WEB.is_match(*line) {
            seed |= WEB;
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
            if state & LETTERS != 0 && WRITES.is_match(*line) {
                for name in words(line).filter(|name| !is_common(name)).take(8) {
                    *has.entry(name).or_default() |= LETTERS;
                }
            }
        }
        if has.values().map(|&value| u64::from(value)).sum::<u64>() == before {
            break;
        }
    }
    let patterns = patterns(text);
    let functions = functions(&lines);
    let lists = lists(text, kind);
    lines.iter().enumerate().find_map(|(number, (start, line))| {
        let seed = seeds.get(&number).copied();
        let (rule, message) = is_run(line, kind, &has, seed, (&patterns, &functions, &lists))?;
        let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
        Some(Told { at: *start, line, rule, message })
    })
}

/// A name that is given a regular expression of JavaScript.
static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:const|let|var)\s+[A-Za-z_$][\w$]{0,40}\s*=\s*(?:/[^/*\s]|new RegExp\()")
});

/// The names that hold a regular expression and nothing else: their `exec` searches.
fn patterns(text: &str) -> HashSet<&str> {
    PATTERN
        .find_iter(text)
        .filter_map(|found| {
            let given = text.get(found.range())?.split('=').next()?;
            given.split_whitespace().nth(1)
        })
        .filter(|name| {
            let given = text.match_indices(name).filter(|(at, name)| {
                let before = text.get(..*at).and_then(|text| text.chars().next_back());
                let rest = text.get(at + name.len()..).unwrap_or_default().trim_start();
                let whole = before.is_none_or(|c| !c.is_alphanumeric() && !"_$.".contains(c));
                whole && rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=>")
            });
            given.count() == 1
        })
        .collect()
}

/// The names that are functions of the text and nothing else.
fn functions<'a>(lines: &[(usize, &'a str)]) -> HashSet<&'a str> {
    let mut defined: HashSet<&str> = HashSet::new();
    let mut given: HashSet<&str> = HashSet::new();
    for (_, line) in lines {
        let name = defines(line);
        defined.extend(name);
        given.extend(sides(line).into_iter().filter(|side| Some(*side) != name));
    }
    defined.into_iter().filter(|name| !given.contains(name)).collect()
}

/// A name that Python declares to be a list of arguments.
static LISTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[A-Za-z_]\w{0,40}:\s?(?:list|List|Sequence|tuple)\[\s?str\b"));

/// The names that hold a list of arguments, as the text declares.
fn lists(text: &str, kind: FileKind) -> HashSet<&str> {
    if kind != FileKind::Python {
        return HashSet::new();
    }
    LISTED.find_iter(text).filter_map(|found| text.get(found.range())?.split(':').next()).collect()
}

/// The name before a call's dot.
fn receiver(line: &str, dot: usize) -> &str {
    let before = line.get(..dot).unwrap_or_default();
    before.rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default()
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

/// Is something of that run on this line, and as the command?
fn is_run(
    line: &str,
    kind: FileKind,
    has: &HashMap<&str, u8>,
    seed: Option<u8>,
    (patterns, functions, lists): (&HashSet<&str>, &HashSet<&str>, &HashSet<&str>),
) -> Option<(&'static Rule, &'static str)> {
    if line.len() > LONGEST {
        return None;
    }
    let told = (&rules::BACKDOOR, "what a request holds is run");
    let holds = |text: &str, state: u8| {
        words(text).any(|word| has.get(word).is_some_and(|has| has & state != 0))
    };
    for found in CALLABLE.find_iter(line).take(16) {
        let behind = line.get(found.end()..).unwrap_or_default();
        let Some(called) = callable(behind) else { continue };
        if called.contains('$') && (holds(called, REQUEST) || ASKS.is_match(called)) {
            return Some(told);
        }
    }
    // `$name(…)` and `new $name`, where the name came with the request.
    if line.contains('$') {
        let mut parts = line.split('$').skip(1);
        if parts.any(|part| {
            let name = part.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
            name.is_some_and(|name| {
                part.get(name.len()..).is_some_and(|rest| rest.starts_with('('))
                    && has.get(name).is_some_and(|has| has & REQUEST != 0)
            })
        }) {
            return Some(told);
        }
    }
    for found in RUNS_WEB.find_iter(line).take(8) {
        let behind = line.get(found.end()..).unwrap_or_default();
        let Some(called) = callable(behind) else { continue };
        let asked = seed.is_some_and(|seed| seed & WEB != 0) && ASKS_WEB.is_match(called);
        if asked || holds(called, WEB) {
            return Some(told);
        }
    }
    for found in RUNS.find_iter(line).take(16) {
        let mut end = found.end();
        while !line.is_char_boundary(end) {
            end += 1;
        }
        let called = line.get(found.start()..end).unwrap_or_default();
        if only_calls(kind) && !called.ends_with('(') && !called.trim().ends_with("exec") {
            continue;
        }
        // PHP evaluates what it asserts; a function that is defined is not called.
        let name =
            called.trim_end_matches(['(', ' ']).trim_start_matches(|c: char| !c.is_alphanumeric());
        if kind.is_parsed() && name.eq_ignore_ascii_case("assert")
            || defines(line).is_some_and(|defined| defined == name)
            // A keyword; what evaluates is written large.
            || kind.is_parsed() && name == "function"
            || kind.is_parsed()
                && name == "exec"
                && (patterns.contains(&receiver(line, found.start()))
                    || line.get(..found.start()).is_some_and(|line| line.ends_with('/')))
        {
            continue;
        }
        let Some(command) = command(line.get(end..).unwrap_or_default()) else { continue };
        // `loop.run(main)`: what is handed on is a function of the text's own, which is no command.
        let whole = command.trim_matches([' ', ')', '\n', '\r']);
        if only_calls(kind) && name == "run" && functions.contains(whole) {
            continue;
        }
        // `def run(command: list[str])`: what calls it says what is in the list, and is looked at by itself.
        if lists.contains(whole) && !line.contains("shell") {
            continue;
        }
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
        let said = called.to_ascii_lowercase();
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

/// Languages in which nothing is called without brackets, but `exec` of Python 2: `assert x` asks, and "the source is"
/// stands in a text about the program.
fn only_calls(kind: FileKind) -> bool {
    use FileKind::{Go, JavaScript, Python, TypeScript};
    matches!(kind, Python | JavaScript | TypeScript | Go)
}

/// The expression that a call begins with, unless it is a literal or a function that stands there.
fn callable(behind: &str) -> Option<&str> {
    let behind = behind.trim_start();
    if behind.starts_with(['"', '\'', '`', '[', ')'])
        || ["fn", "function", "static", "lambda", "async"]
            .iter()
            .any(|word| behind.starts_with(word))
    {
        return None;
    }
    let mut depth = 0_i32;
    let end = behind.char_indices().find(|&(_, c)| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || depth == 0 && matches!(c, ',' | ';')
    });
    behind.get(..end.map_or(behind.len(), |(at, _)| at))
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
