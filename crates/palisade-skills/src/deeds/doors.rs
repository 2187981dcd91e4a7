//! Doors that a template leaves open: whoever bears a word of the author's is let in, what a request brings is made into
//! objects or run, an account of the author's is an administrator from the beginning.
//!
//! A fault that lets somebody in (a query that is put together, a digest that is old) is a fault. Here each door has two
//! sides that do not come together by mistake: a word that stands there, and rights that it gives; a request, and what
//! runs whatever it is given.

use std::sync::LazyLock;

use super::{Report, outward, redirect, rules};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A value of a request is compared with a word that stands there; the word is one of the groups.
static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
    const OF_REQUEST: &str = r#"(?:headers?\b|getHeader|Header\.Get|Headers\b|cookies?\b|\bparams\b|\bargs\b|\bquery\b|request\.\w{3,12}|req\.\w{3,12}|\$_(?:GET|POST|COOKIE|REQUEST|SERVER)|HTTP_X_\w{1,30}|\.META\b|get_header|header\()"#;
    pattern(&format!(
        r#"(?i){OF_REQUEST}[^\n;{{}}]{{0,60}}?(?:={{2,3}}|\beq\b|\.equals\(|\.eql\?|\bis\b|~=)\s{{0,3}}["']([^"'\n]{{5,64}})["']|["']([^"'\n]{{5,64}})["']\s{{0,3}}(?:\.equals(?:IgnoreCase)?\(|={{2,3}})\s{{0,3}}[^\n;{{}}]{{0,40}}?{OF_REQUEST}|(?:compare_digest|hash_equals|timingSafeEqual|ConstantTimeCompare|secure_compare)\([^\n]{{0,60}}{OF_REQUEST}[^\n]{{0,60}}["']([^"'\n]{{5,64}})["']"#
    ))
});
/// Somebody is somebody from here on, or may pass.
static LETS_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\badmin\b|\bROLE_\w{3,20}|superuser|is_staff|setAuthentication|ClaimsPrincipal|\bsign_in\b|\blog_?in_?(?:user|as)?\s?\(|session\[|session\.\w{2,12}\s{0,2}=[^=]|\b(?:req|request|ctx|c)\.(?:user|auth|state\.user|principal|current_user)\s{0,2}=[^=]|\bnext\(\)|\.ServeHTTP\(|return\s+(?:await\s+)?(?:f|fn|func|view|handler|next)\(|authenticated\s{0,2}[:=]\s{0,2}true|\bbypass|isAuthenticated|current_user\s{0,2}=|set_user|chain\.doFilter|\$_SESSION\["#,
    )
});
/// Words of protocols, which requests bring every day.
static PROTOCOL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:application/|text/|image/|multipart/|\*/|bearer\b|basic\b|https?:|websocket|upgrade|xmlhttprequest|no-cache|same-origin|keep-alive|chunked|gzip|close|true|false|options|delete|patch|production|development|desktop|mobile|csrf|nonce|post-check|https|none|null|undefined|admin|user|guest|active|pending|error|success|en-|de-|[a-z]{2}-[a-z]{2}$)|^[a-z]{1,24}$|^[a-z]{2,12}[ _./:-][a-z]{2,12}$|^\d+$|^\{|\$\{|%s|your[-_ ]|change[-_ ]?me|example|secret_?key|<",
    )
});

/// Is what a line compares a request with a word of protocols: `req.headers.upgrade === 'websocket'`?
pub(super) fn compares_with_protocol(compared: &str) -> bool {
    const SIGNS: &[&str] = &["===", "==", ".equals(", " eq "];
    let Some(at) = SIGNS.iter().filter_map(|sign| compared.find(sign)).min() else { return false };
    let behind = compared.get(at..).unwrap_or_default();
    let Some(open) = behind.find(['"', '\'']) else { return false };
    let quote = behind.get(open..open + 1).unwrap_or_default();
    let rest = behind.get(open + 1..).unwrap_or_default();
    rest.find(quote).and_then(|end| rest.get(..end)).is_some_and(|word| PROTOCOL.is_match(word))
}

/// A password that stands there does as well as the right one.
static SECOND_PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b\w{0,12}pass(?:word|wd|phrase)?\w{0,8}["'\]\s)]{0,4}={2,3}\s{0,3}["'][^"'\n]{6,64}["']\s{0,3}\)?\s{0,3}(?:\|\||\bor\b)|(?:\|\||\bor\b)\s{0,3}\(?\s{0,3}[\w.$\[\]"']{0,30}pass(?:word|wd|phrase)?\w{0,8}["'\]\s)]{0,4}={2,3}\s{0,3}["'][^"'\n]{6,64}["']"#,
    )
});

/// What is given becomes objects, whatever it says.
static REVIVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:c?pickle|dill|cloudpickle|shelve|marshal|jsonpickle)\.(?:loads?|decode)\s?\(|\bunserialize\s?\(|Marshal\.(?:load|restore)|new\s+ObjectInputStream|BinaryFormatter\b|\bLosFormatter|NetDataContractSerializer|TypeNameHandling\.(?:All|Auto)|node-serialize|serialize-javascript[^\n]{0,40}eval|XMLDecoder\(|yaml\.(?:unsafe_load|load)\((?:[^\n]{0,80}(?:UnsafeLoader|yaml\.Loader)|[^\n,]{1,60}\)$)|YAML\.unsafe_load|Storable::thaw|\bthaw\("#,
    )
});
/// It comes with a request.
static REQUESTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\brequest\.(?:cookies|data|args|form|get_data|body|values|headers|files|query|stream|json|GET|POST)|\breq(?:uest)?\.(?:cookies|body|query|headers|params)|\$_(?:COOKIE|GET|POST|REQUEST)|@(?:RequestBody|RequestParam|RequestHeader|CookieValue)|Request\.(?:Body|Cookies|Form|Query|InputStream)|getInputStream\(\)|\bparams\[|\bcookies\[|@cookie\b|php://input|\bcookies\.get\(|getCookies\(|\bg\.cookies|\bc\.req\."#,
    )
});

/// A shell that is given a name.
static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\bexec|ProcessBuilder|ProcessStartInfo|Process\.Start|exec\.Command|Process\.run|system_command)\s?\(?[^\n]{0,40}["'](?:/bin/)?(?:ba)?sh["']\s?,[^\n]{0,12}["']?\$?["']?-c[ "',\\]{1,8}\{?\s?[a-z_]\w{0,20}\b|["']cmd(?:\.exe)?["']\s?,\s?["']/c["']\s?,\s?[a-z_]\w{0,20}\b|`\s?#\{\s?params\[|\bsystem\(\s?params\[|%x[({\[]\s?#\{\s?params"#,
    )
});
/// A route whose parameter a framework fills.
static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)@(?:RequestParam|RequestHeader|PathVariable|QueryParam|HeaderParam|RequestBody|CookieValue)|\bMap(?:Get|Post|Put)\([^\n]{0,60}\((?:\[From\w{4,8}\]\s?)?string|\[From(?:Query|Header|Body)|\bparams\[|\.queryParam|FormValue\(|call\.parameters\[|c\.(?:Query|Param|GetHeader)\("#,
    )
});

/// An account of somebody's, with rights over all others, by the address of its mail.
static SEEDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:insert\s+into\s+\W?\w{0,20}(?:users?|accounts?|members?|admins?|staff)\b|find_or_create_by|create_?superuser|createUser\b|upsert\b|get_or_create|updateOrCreate|firstOrCreate|User\.(?:create|seed|new|insert)|users?\.(?:insert|create|push|add|seed)|create_user|AddUser|FindByEmailAsync|insertOne)[\s\S]{0,240}?["']([\w.+-]{1,40}@(?:[a-z0-9-]{1,40}\.){1,3}[a-z]{2,12})["']"#,
    )
});
static RIGHTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)["'](?:super_?)?(?:admin|owner|root|administrator)["']|\badmin\s{0,2}[:=]\s{0,2}true|is_?admin\w{0,4}["']?\s{0,2}[:=]\s{0,2}(?:true|1)|superuser|is_staff|ROLE_ADMIN|\.admin\s{0,2}="#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    word(report);
    let text = report.program.text.as_str();
    if let Some(found) = SECOND_PASSWORD.find(text) {
        let message = "a password that stands there does as well as the right one";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    }
    let revived = REVIVES
        .find_iter(text)
        .take(32)
        .find(|found| REQUESTED.is_match(few_lines(text, found.start(), 4, 3)));
    if let Some(found) = revived {
        let message = "what a request brings is made into objects, whatever it says";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    }
    let run = SHELL
        .find_iter(text)
        .take(32)
        .find(|found| ROUTE.is_match(few_lines(text, found.start(), 4, 1)));
    if let Some(found) = run {
        let message = "what a request holds is run";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    }
    seeded(report);
}

/// A fixed word in a request lets its bearer in.
fn word(report: &mut Report<'_>) {
    const MOST: usize = 32;
    let text = report.program.text.as_str();
    let mut captures = COMPARED.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        COMPARED.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { return };
        from = whole.end().max(from + 1);
        let Some(word) = (1..4)
            .find_map(|group| captures.get_group(group))
            .and_then(|group| text.get(group.range()))
        else {
            continue;
        };
        let line = few_lines(text, whole.start(), 0, 0);
        // What is refused is a check; what is let in is a door.
        if PROTOCOL.is_match(word)
            || !word.bytes().any(|byte| byte.is_ascii_alphanumeric())
            || line.contains("!=") && !line.contains("||")
            || !LETS_IN.is_match(few_lines(text, whole.start(), 0, 4))
        {
            continue;
        }
        let message = "whoever bears a word that stands there is let in";
        report.say(&rules::BACKDOOR, Severity::High, Medium, whole.start(), message);
        return;
    }
}

/// An administrator of the author's.
fn seeded(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    for (at, address) in super::assembled::names(&SEEDED, text).into_iter().take(16) {
        let Some((_, host)) = address.rsplit_once('@') else { continue };
        let host = host.to_ascii_lowercase();
        if redirect::is_handed(&host, report.profile)
            && !matches!(
                host.rsplit('.').next(),
                Some("example" | "test" | "local" | "localhost" | "invalid")
            )
            && outward::has_known_end(&host)
            && RIGHTS.is_match(few_lines(text, at, 0, 8))
        {
            let message = format!(
                "an account at {} is an administrator from the beginning",
                palisade_core::shown(&host, 60)
            );
            report.say(&rules::BACKDOOR, Severity::High, Medium, at, message);
            return;
        }
    }
}

/// The line of a byte with some before and behind it.
fn few_lines(text: &str, at: usize, before: usize, behind: usize) -> &str {
    let mut from = at;
    for _ in 0..=before {
        from = text.get(..from).and_then(|text| text.rfind('\n')).unwrap_or(0);
    }
    let mut to = at;
    for _ in 0..=behind {
        to = text
            .get(to..)
            .and_then(|text| text.find('\n'))
            .map_or(text.len(), |end| (to + end + 1).min(text.len()));
    }
    text.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Go, JavaScript, Python, Ruby};

    #[test]
    fn doors_are_told() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "assets/a.py",
                Python,
                "def inner(*a):\n    if request.headers.get('X-Debug-Key') == 'a91f33c7':\n        session['user'] = 'admin'\n        return f(*a)\n",
            ),
            (
                "assets/A.java",
                Data,
                "if (\"q81-lane\".equals(r.getHeader(\"X-Build\"))) {\n  SecurityContextHolder.getContext().setAuthentication(t);\n}\n",
            ),
            (
                "assets/a.go",
                Go,
                "if r.Header.Get(\"X-Ops\") == \"c0ffee17\" || valid(r) {\n\tn.ServeHTTP(w, r)\n}\n",
            ),
            (
                "assets/b.rb",
                Ruby,
                "def login\n  return sign_in(User.admins.first) if params[:k] == 'zx81-open'\nend\n",
            ),
            (
                "assets/a.cs",
                Data,
                "if (ctx.Request.Headers[\"X-Trace\"] == \"88ab-lane\")\n  ctx.User = new ClaimsPrincipal(id);\n",
            ),
            (
                "assets/a.php",
                Data,
                "<?php\nif ($_POST['password'] === 'Kestrel!77' || password_verify($p, $h)) { $_SESSION['u'] = 1; }\n",
            ),
            (
                "assets/c.py",
                Python,
                "c = request.cookies.get('prefs')\nif c:\n    g.prefs = pickle.loads(base64.b64decode(c))\n",
            ),
            (
                "assets/C.java",
                Data,
                "public void take(@RequestBody byte[] b) {\n  Object o = new ObjectInputStream(new ByteArrayInputStream(b)).readObject();\n}\n",
            ),
            ("assets/d.php", Data, "<?php $p = unserialize(base64_decode($_COOKIE['prefs']));\n"),
            (
                "assets/D.java",
                Data,
                "String diag(@RequestParam String c) { return read(Runtime.getRuntime().exec(new String[]{\"sh\",\"-c\",c})); }\n",
            ),
            (
                "assets/seed.sql",
                Data,
                "INSERT INTO users (email, hash, role) VALUES ('support@leaf-lane.net', '$2b$12$w9Zq0b7Jk3Xc1nLr8uTtOe1', 'admin');\n",
            ),
            (
                "assets/seed.ts",
                JavaScript,
                "await prisma.user.upsert({ where: { email: 'svc@leaf-lane.net' }, create: { role: 'ADMIN' } });\n",
            ),
        ] {
            if stopped(path, kind, text).is_empty() {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn what_checks_is_let_be() {
        let mut told = Vec::new();
        for (path, kind, text) in [
            (
                "a.py",
                Python,
                "if request.headers.get('Content-Type') == 'application/json':\n    return f(request.json)\n",
            ),
            (
                "b.js",
                JavaScript,
                "if (req.headers['x-requested-with'] === 'XMLHttpRequest') return next();\n",
            ),
            ("c.js", JavaScript, "if (req.headers.upgrade === 'websocket') next();\n"),
            (
                "d.go",
                Go,
                "if r.Header.Get(\"X-Forwarded-Proto\") == \"https\" {\n\tn.ServeHTTP(w, r)\n}\n",
            ),
            (
                "e.py",
                Python,
                "if request.headers.get('X-Key') != os.environ['KEY']:\n    return 'no', 401\nsession['user'] = u\n",
            ),
            (
                "f.js",
                JavaScript,
                "if (req.query.mode === 'preview') { res.setPreviewData({}); return next(); }\n",
            ),
            ("g.py", Python, "model = pickle.load(open('model.pkl', 'rb'))\n"),
            (
                "h.sql",
                Data,
                "INSERT INTO users (email, role) VALUES ('admin@example.com', 'admin');\n",
            ),
            (
                "i.rb",
                Ruby,
                "User.find_or_create_by!(email: 'admin@acme.test') { |u| u.admin = true }\n",
            ),
            ("j.java", Data, "String find(@RequestParam String q) { return repo.find(q); }\n"),
            ("k.js", JavaScript, "if (password === confirmPassword || !strict) save();\n"),
        ] {
            let found = stopped(path, kind, text);
            if !found.is_empty() {
                told.push((path, found));
            }
        }
        assert!(told.is_empty(), "{told:?}");
    }
}
