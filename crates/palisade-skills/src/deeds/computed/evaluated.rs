//! Code that is computed and run, in a package that ships what it could be computed from.
//!
//! [`super::flow`] follows names from the data to the call, and loses them in objects, closures and other files. So
//! nothing is followed here: a program that evaluates what does not stand there, makes letters out of numbers or bytes,
//! and reads data of its own package (or holds a table of it) has all that a hidden command needs, and nobody who
//! calculates with the user's formulas has. What is evaluated may be the user's own word: then it is named as that.

use std::sync::LazyLock;

use super::{flow, names, rules};
use crate::{
    Confidence, File, FileKind, Package, Seen, Severity,
    formats::{Profile, base},
    pattern::{Regex, code as pattern},
};

/// The largest program, and the most files of a package that one is read with.
const LARGEST: usize = 64 << 10;
const BESIDE: usize = 6;

/// Something that does not stand there is evaluated; behind it stands what.
static EVALUATES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:^|[^\w.$'"`-])(?:eval|exec|compile|execfile|Function|loadstring|load|assert|create_function|instance_eval|class_eval|ExecuteGlobal|Execute|include_string|evalq?)\s?\(\s{0,4}[A-Za-z_$(\[@*]|(?:^|[\s;(={])eval\s+\$?[A-Za-z_({\[$]|getattr\(\s*(?:builtins|__builtins__|__import__\([^)\n]{1,20}\))\s*,\s*[a-z_]|__builtins__\s*\[|\bFunctionType\s*\(|\brunsource\(|\bnew\s+Function\s*\(|\bvm\.(?:run\w*|Script|compileFunction)\s*\(|\.constructor\s*\(\s*[a-z_$]|\b_compile\s*\(|\bimport\(\s*["'`]data:|\b(?:iex|Invoke-Expression)\b|ScriptBlock\]::Create|\beval\s*\(\s*parse\(|\bCode\.eval_string|\bMeta\.parse\(|\bEval\.me\(|getEngineByName|\bApplication\.Evaluate|\bExecuteExcel4Macro|(?:\.|->|::)(?:instance_eval|class_eval|module_eval)\s*\(|\b(?:os\.system|os\.popen|execSync|shell_exec|passthru|popen|system)\s*\(\s*[a-z_$@]\w{0,30}(?:\.\w{1,20}){0,2}(?:\(\w{0,12}\))?\s*[),]|\|\s*(?:ba|z|da)?sh\s*(?:$|[;)\n"'])|(?:ba|z|da)?sh["',\s]{1,6}-c["',\s]{1,6}\$?[a-z_]\w{0,20}\b"#,
    )
});

/// Letters are made of numbers or of bytes.
static MAKES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bbytes\(\s*(?:[a-z_(\[]|map)|\bbytearray\(\s*[a-z_(\[]|\bchrw?\$?\s?\(|\bmap\(\s*chr\b|\bmap\s*\{?\s*chr\b|fromCharCode|fromCodePoint|(?:string|utf8)\.char\b|\bpack\s*\(?\s*["'](?:C|c|U|W|n|N|H|B|b)|rawToChar|intToUtf8|char::from|from_u32|from_utf8|\bas\s+char\b|\bas\s+u8\b|\.chr\b|\.pack\(\s*["'](?:C|c|U)|to_bytes\(|\.tobytes\(|frombytes\(|struct\.pack|Uint8Array\.(?:from|of)|new\s+Uint8Array\(|Buffer\.from\(\s*[\[a-z]|TextDecoder|\[char(?:\[\])?\]|%c["']|\bsprintf\(\s*["'](?:%c|\\x)|printf\s+["']\\\\?(?:x|0?%)|\bChar\(|\(char\)|\brune\(|string\(rune|b64decode|b85decode|base64_decode|\batob\(|unhexlify|fromhex|hex2bin|decode64|\.decode\(\s*["'](?:ascii|latin|utf)|\bint\([^)\n]{1,40},\s*\d{1,2}\)|parseInt\([^)\n]{1,40},\s*\d|codecs\.decode|decompress|inflate|str_rot13|strrev"#,
    )
});

/// What the user says, types or names.
static USERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:argv|input|stdin|prompt|args?|ARGV|params?|formula|expr\w*|equation|user_?\w*|query|question|cmd|command|line|cell|snippet|code_block|source_code|template)\b|\$[1-9@*]",
    )
});

/// Looks through the programs of a package.
pub(super) fn look(package: &Package, texts: &[(&File, &str)], profile: &Profile, seen: &mut Seen) {
    let programs = || {
        texts.iter().filter(|(file, text)| {
            file.kind != FileKind::Prose
                && text.len() <= LARGEST
                && !file.path.ends_with(".min.js")
                && !file.path.ends_with(".json")
        })
    };
    for (file, text) in programs() {
        let Some(at) = evaluated(text, file.kind) else { continue };
        // What it calls for from other files of the package counts as its own.
        let beside: Vec<&str> = programs()
            .filter(|(other, _)| other.path != file.path)
            .filter(|(other, _)| {
                let stem = base(&other.path).split('.').next().unwrap_or_default();
                stem.len() > 1 && names::words(text).any(|word| word == stem)
            })
            .map(|(_, text)| *text)
            .take(BESIDE)
            .collect();
        let all = || std::iter::once(*text).chain(beside.iter().copied());
        if !all().any(|text| MAKES.is_match(text)) {
            continue;
        }
        let shipped = package.files.iter().find(|data| {
            let name = base(&data.path);
            !data.kind.is_parsed()
                && data.path != file.path
                && name.len() > 4
                && name.contains('.')
                && holds(data)
                && all().any(|text| text.contains(name))
        });
        if shipped.is_none() && !all().any(flow::ships) {
            continue;
        }
        let (line, excerpt) = super::line(text, at);
        let (severity, sure) = match profile.security {
            true => (Severity::Medium, Confidence::Low),
            false => (Severity::High, Confidence::Medium),
        };
        let message =
            "what is evaluated is computed, and the package ships data that letters are made of";
        seen.findings.push(
            rules::DECODED_RUNS.at(&file.path, line, 0, excerpt, message).of(severity).sure(sure),
        );
    }
}

/// Could a file hold a program in disguise: numbers, letters without words, or bytes?
fn holds(file: &File) -> bool {
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            flow::ships(text) || digits >= 60 && digits * 5 > text.len()
        }
        // A picture, a sound, a font.
        Err(_) => true,
    }
}

/// Where something is evaluated that is not named as the user's own.
fn evaluated(text: &str, kind: FileKind) -> Option<usize> {
    const REACH: usize = 80;
    EVALUATES.find_iter(text).take(64).find_map(|found| {
        let (_, line) = super::line(text, found.start() + 1);
        let bare = line.trim_start();
        let comment = ["#", "//", "--", "*", "import ", "from ", "use "]
            .iter()
            .any(|mark| bare.starts_with(mark));
        let called = text.get(found.range()).unwrap_or_default();
        // PHP evaluates what it asserts; Python's is a statement, and what it compiles and lets go is looked at only.
        let lets_go = kind.is_parsed() && called.contains("assert")
            || kind == FileKind::Python && bare.starts_with("compile(");
        let defines = names::defines(line)
            .is_some_and(|name| text.get(found.range()).unwrap_or_default().contains(name));
        let mut to = (found.end() + REACH).min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let mut from = found.end().saturating_sub(1);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        let behind = text.get(from..to).unwrap_or_default().lines().next().unwrap_or_default();
        let users = USERS.is_match(behind.split([',', ')']).next().unwrap_or_default());
        (!comment && !lets_go && !defines && !users).then_some(found.start())
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::grave;
    use crate::FileKind::{self, Data, JavaScript, Python, Ruby};

    fn numbers(mark: &str) -> String {
        (0..90).map(|at| format!("{at}{mark}{}\n", 19 + at * 37 % 83)).collect()
    }

    #[test]
    fn a_table_that_becomes_code_is_told_through_objects_and_files() {
        let csv = numbers(",");
        let tsv = numbers("\t");
        let cases: [&[(&str, FileKind, &str)]; 5] = [
            &[
                (
                    "s/fit.py",
                    Python,
                    "import csv\nclass Plate:\n    def __init__(self, path):\n        self.rows = [r for r in csv.reader(open(path))]\n    @property\n    def trace(self):\n        return bytes(int(r[1]) + 80 for r in self.rows)\np = Plate('plate.csv')\nm = compile(p.trace, 'm', 'exec')\nexec(m)\n",
                ),
                ("s/plate.csv", Data, &csv),
            ],
            &[
                (
                    "s/a.js",
                    JavaScript,
                    "const { rows } = require('./table');\nconst s = rows.map(r => String.fromCharCode(+r + 40)).join('');\nnew Function(s)();\n",
                ),
                (
                    "s/table.js",
                    JavaScript,
                    "exports.rows = fs.readFileSync(__dirname + '/levels.tsv', 'utf8').split('\\n').map(l => l.split('\\t')[1]);\n",
                ),
                ("s/levels.tsv", Data, &tsv),
            ],
            &[
                (
                    "s/a.rb",
                    Ruby,
                    "class T\n  def initialize; @v = File.readlines('levels.tsv').map { |l| l.split[1].to_i }; end\n  def to_s; @v.map { |x| (x + 30).chr }.join; end\nend\neval(T.new.to_s)\n",
                ),
                ("s/levels.tsv", Data, &tsv),
            ],
            &[
                ("s/u.py", Python, "def unroll(v):\n    return ''.join(map(chr, v))\n"),
                (
                    "s/m.py",
                    Python,
                    "import u\nfrom PIL import Image\nim = Image.open('logo-mark.png')\nrun = getattr(__builtins__, 'ex' + 'ec')\nwork = u.unroll([p[2] for p in im.getdata()][:200])\neval(work)\n",
                ),
                (
                    "s/logo-mark.png",
                    Data,
                    "\u{1}\u{2}1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30",
                ),
            ],
            &[
                (
                    "s/a.jl",
                    Data,
                    "using DelimitedFiles\nstruct P; v; end\ntext(p::P) = String(Char.(p.v .+ 20))\neval(Meta.parse(text(P(readdlm(\"levels.tsv\")[:, 2]))))\nChar(1)\n",
                ),
                ("s/levels.tsv", Data, &tsv),
            ],
        ];
        let mut missed = Vec::new();
        for files in cases {
            if !grave(files).contains(&"obfuscation-decoded-text-runs") {
                missed.push(files.first().map(|(path, _, _)| *path));
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn formulas_of_the_users_are_let_be() {
        let csv = numbers(",");
        for (path, kind, text) in [
            (
                "s/c.py",
                Python,
                "import csv, sys\nT = list(csv.reader(open('plate.csv')))\nprint(eval(sys.argv[1], {}, {}))\n",
            ),
            (
                "s/c.py",
                Python,
                "import csv\nT = list(csv.reader(open('plate.csv')))\nprint(ast.literal_eval(x), re.compile(p), df.eval(q), chr(65))\n",
            ),
            (
                "s/c.js",
                JavaScript,
                "const rows = read('plate.csv');\nconst col = String.fromCharCode(65 + i);\nconst r = /a/.exec(rows);\n",
            ),
        ] {
            let found = grave(&[(path, kind, text), ("s/plate.csv", Data, &csv)]);
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }
}
