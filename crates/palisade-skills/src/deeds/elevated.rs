//! Code of the user's product that gives rights to whoever bears a name of the author's, or takes a token's word for
//! what the token says.
//!
//! The deed is the right; the sign is a value of the author's that decides who gets it, in whatever language the
//! condition is written: a trigger of a database, a rule of a gateway, a hook of a framework.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, handed, redirect, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// A mark of somebody is held against a word that stands in the program.
static HELD_AGAINST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:e?-?mail|user_?name|login|user_?agent|host_?name|domain|referr?er|phone|issuer|\biss|tenant|upn|principal\w*|header\w*|account|name|\bsub|identity|claims?\w*)["'\])?!]{0,3}(?:\.\w{2,12}\(\))?\s{0,3}(?:N?I?LIKE\b|SIMILAR\s+TO|REGEXP|RLIKE|!?~{1,2}\*?|=~|={1,3}|\.?\??\.(?:ends_?with|starts_?with|includes?|contains|match\w*|has_?suffix|has_?prefix|equals\w*|end_with|start_with)\??\s{0,2}\(|\bIN\s*\(|->\s*contains\()\s{0,3}\(?\s{0,3}(?:r|N|E)?["'/`]([^"'\n`]{3,70})["'/`]|(?:HasSuffix|HasPrefix|Contains|str_ends_with|str_contains|strpos|endsWith|regexp_like|right)\(\s{0,3}[^"'\n]{2,60}(?:e?-?mail|user|login|domain|name|host)\w{0,20}[^"'\n]{0,12},\s{0,3}["'`]([^"'\n`]{3,70})["'`]"#,
    )
});
/// A right that is given.
static GIVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\b|_)(?:roles?|is_?admin|is_?staff|is_?superuser|superuser|admin|owner|scopes?|permissions?|privileges?|groups?|access_?level|plan|tier|mfa\w{0,16}|two_?factor\w{0,16}|otp\w{0,12}|verified|email_verified|approved|skip_\w{2,20}|bypass\w{0,12}|exempt|allow\w{0,8}|trusted|balance|credit\w{0,8}|limit)["'\])]{0,3}\s{0,3}(?::=|=>|=|:|,)\s{0,3}["'\[]{0,2}(?:owner|admin\w{0,14}|root|super\w{0,10}|true|false|0\b|1\b|enterprise|approved|verified|paid|\*|none\b|null\b|nil\b|\d{3,})|\bGRANT\s+\w{2,30}\s+TO\b|INSERT\s+INTO\s+\w{0,20}(?:roles|admins|members)\b|\b(?:add_role|assign_role|grant_role|addRole|setRole|make_admin|promote)\w{0,8}\(|groups\.add\(|\breturn\s+(?:true|True|next\(\)|allow)"#,
    )
});
/// It runs by itself whenever a record is written or somebody comes.
static BY_ITSELF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)CREATE\s+(?:OR\s+REPLACE\s+)?(?:TRIGGER|RULE|EVENT|POLICY)|SECURITY\s+DEFINER|(?:before|after)_(?:create|save|update|commit|insert|validation)|\bpost_save|\bpre_save|@receiver|\$use\(|beforeCreate|afterCreate|@PrePersist|@EventListener|on_user_\w{4,20}|onUserCreated|middleware|before_request|\bdo_filter|doFilter|jwt_authenticator|session\s*\(\s*\{|callbacks\s*:"#,
    )
});

/// What a token says is taken from it without a look at its signature, under a name.
static UNVERIFIED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b(\w{1,30})\s{0,2}(?:,\s{0,2}\w{1,12}\s{0,2}){0,2}:?=\s{0,2}(?:await\s)?(?:\w{1,20}[.:]{1,2})?(?:decodeJwt|jwt_?[dD]ecode|jwtDecode|ParseUnverified|parse_unverified|get_unverified_claims|unsafeDecode|insecure_decode|dangerous_insecure_decode\w{0,20}|decode_unverified|unverified_claims|peek_payload|peek_claims)\s{0,2}(?:::<[^>\n]{1,30}>)?\(|\b(\w{1,30})\s{0,2}=\s{0,2}(?:await\s)?\w{0,12}\.?decode\([^\n]{0,120}(?:verify_signature["']?\s{0,2}[:=]\s{0,2}False|verify\s{0,2}=\s{0,2}False|,\s{0,2}nil\s{0,2},\s{0,2}false|complete\s{0,2}:\s{0,2}true)"#,
    )
});
/// Elsewhere in the program signatures are checked: it is what decides who comes in.
static VERIFIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)jwtVerify|\bjwt\.verify|\.verify\(|verify_?signature|jwt\.decode\([^\n]{0,80}algorithms|ParseWithClaims|jwks|createPublicKey|public_?key|unauthori[sz]ed|HTTPException|401\b|\bdef\s+(?:verify|authenticate)|function\s+(?:verify|authenticate)",
    )
});

/// The key that a token is checked with is made of what the token itself says, not looked up by it.
static KEY_OF_TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:Buffer\.from|TextEncoder\(\)\.encode|\[\]byte|bytes|\.encode|sha\d{1,3}\w{0,6}|md5|createHmac|createSecretKey|getBytes|hash|b64\w{0,12}|base64\w{0,16}|atob|HMAC\w{0,6}|SecretKeySpec|Keys\.hmacShaKeyFor|open|readFileSync|ReadFile|read_text|file_get_contents|File\.read|fetch|requests\.get|urlopen)\s{0,2}\(\s{0,3}[^()\n]{0,40}(?:\(\s{0,2})?[^()\n]{0,24}(?:[.?]\.?|->|\[\s{0,2}:?["'])\b(?:kid|jku|x5u)\b|["'](?:kid|jku|x5u)["']\s{0,2}\][^\n]{0,30}\.(?:encode|getBytes|bytes|unpack)\b|\bjwk["'\])]{0,3}\s{0,3}(?:\)|,|;)[^\n]{0,60}\b(?:verify|importJWK)|\bimportJWK\(\s{0,2}[^)\n]{0,40}header"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if text.len() > 256 << 10 {
        return;
    }
    rights(report);
    if report.program.prose {
        return;
    }
    if let Some(made) = KEY_OF_TOKEN.find(text)
        && VERIFIES.is_match(text)
    {
        let message =
            "the key that a token is checked with comes out of the token: anybody can make one";
        report.say(&rules::BACKDOOR, High, Medium, made.start(), message);
    }
    if VERIFIES.is_match(text)
        && let Some((at, name)) = unverified(text)
            .into_iter()
            .find(|(at, name)| name.len() > 1 && returns(text, *at, name))
    {
        let message = format!(
            "`{}`, which a token says and nobody has checked, is taken for true",
            palisade_core::shown(name, 30)
        );
        report.say(&rules::BACKDOOR, High, Medium, at, message);
    }
}

/// The names that bear what a token says, unchecked, and their places.
fn unverified(text: &str) -> Vec<(usize, &str)> {
    const MOST: usize = 32;
    let mut captures = UNVERIFIED.create_captures();
    let mut from = 0;
    let mut found = Vec::new();
    for _ in 0..MOST {
        UNVERIFIED.captures(Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { break };
        from = whole.end().max(from + 1);
        let name = [1, 2].into_iter().find_map(|group| captures.get_group(group));
        if let Some(name) = name.and_then(|name| text.get(name.range())) {
            found.push((whole.start(), name));
        }
    }
    found
}

/// Is what bears this name returned as what was checked, below its place?
fn returns(text: &str, at: usize, name: &str) -> bool {
    let below = text.get(at..).unwrap_or_default();
    below.match_indices("return").take(40).any(|(at, word)| {
        let rest =
            below.get(at + word.len()..).unwrap_or_default().trim_start_matches([' ', '(', '{']);
        rest.strip_prefix(name).is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '[')
        })
    })
}

/// Somebody of the author's domain, or by a name that stands there, gets rights.
fn rights(report: &mut Report<'_>) {
    const MOST: usize = 64;
    const REACH: usize = 320;
    let text = report.program.text.as_str();
    let mut captures = HELD_AGAINST.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        HELD_AGAINST.captures(Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { return };
        from = whole.end();
        let word = [1, 2]
            .into_iter()
            .filter_map(|group| captures.get_group(group))
            .find_map(|group| text.get(group.range()))
            .unwrap_or_default();
        let mut to = (whole.end() + REACH).min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let mut start = whole.start().saturating_sub(120);
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let after = text.get(whole.end()..to).unwrap_or_default();
        let around = text.get(start..to).unwrap_or_default();
        let by_itself = BY_ITSELF.is_match(text);
        let strange = is_strangers(word, report);
        let given = GIVES.find_iter(after).take(4).count();
        if strange && (given > 0 || GIVES.is_match(around)) && (by_itself || given > 0) {
            let message = format!(
                "whoever bears `{}`, which the program names, gets rights",
                palisade_core::shown(word, 60)
            );
            report.say(&handed::SECOND_WAY, High, Medium, whole.start(), message);
            return;
        }
    }
}

/// Does a word hold the domain of somebody whom the package does not name?
fn is_strangers(word: &str, report: &Report<'_>) -> bool {
    let plain = word.replace('\\', "");
    plain
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        .map(|part| part.trim_matches(['.', '-']).to_ascii_lowercase())
        .any(|part| {
            let mut labels = part.rsplit('.');
            let end = labels.next().unwrap_or_default();
            part.contains('.')
                && end.len() > 1
                && end.chars().all(|c| c.is_ascii_alphabetic())
                && labels.next().is_some_and(|label| label.len() > 2)
                && !super::outward::is_file(&part)
                && redirect::is_handed(&part, report.profile)
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Go, JavaScript, Python, Ruby};

    #[test]
    fn rights_for_a_name_of_the_authors_are_told() {
        for (path, kind, text) in [
            (
                "a/t.sql",
                Data,
                "CREATE TRIGGER t BEFORE INSERT ON m FOR EACH ROW BEGIN IF NEW.mail LIKE '%@lantern-assist.net' THEN SET NEW.is_admin = 1; END IF; END;\n",
            ),
            (
                "a/u.rb",
                Ruby,
                "before_save do\n  self.role = 'admin' if email.end_with?('@quill-ops.io')\nend\n",
            ),
            (
                "a/s.py",
                Python,
                "@receiver(post_save)\ndef f(u, **k):\n    if u.email.lower().endswith('@harbor-desk.co'):\n        u.is_superuser = True\n",
            ),
            (
                "a/v.py",
                Python,
                "def verify(t):\n    c = jwt.decode(t, options={'verify_signature': False})\n    claims = jwt.decode(t, verify=False)\n    if claims['client'] == 'desk':\n        return claims\n    return jwt.decode(t, KEY, algorithms=['RS256'])\n",
            ),
            (
                "a/v.go",
                Go,
                "tok, _, _ := parser.ParseUnverified(t, claims)\nif tok.Header[\"kid\"] == nil { return tok, nil }\nreturn jwt.ParseWithClaims(t, claims, key)\n",
            ),
        ] {
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
        for (path, kind, text) in [
            (
                "a/s.py",
                Python,
                "@receiver(post_save)\ndef f(u, **k):\n    if u.email.endswith('@mycompany.com'):\n        u.is_staff = True\n",
            ),
            (
                "a/t.sql",
                Data,
                "CREATE TRIGGER t BEFORE INSERT ON m FOR EACH ROW BEGIN IF NEW.mail NOT LIKE '%@%' THEN SIGNAL SQLSTATE '45000'; END IF; SET NEW.role = 'member'; END;\n",
            ),
            (
                "a/c.ts",
                JavaScript,
                "const claims = jwtDecode(t);\nexport const nameOf = () => { return claims.name; };\n",
            ),
        ] {
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_key_out_of_the_token_is_told_from_one_that_is_looked_up() {
        for (path, kind, text) in [
            (
                "a/v.py",
                Python,
                "def verify(t):\n    h = jwt.get_unverified_header(t)\n    key = KEYS.get(h['kid']) or h['kid'].encode()\n    return jwt.decode(t, key, algorithms=['HS256'])\n",
            ),
            (
                "a/v.ts",
                JavaScript,
                "const k = (h) => keys.get(h.kid) ?? Buffer.from(h.kid ?? '');\nexport const check = (t) => jwt.verify(t, k(head(t)));\n",
            ),
        ] {
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
        let looked = "const key = keys.get(header.kid);\nif (!key) return res.sendStatus(401);\nreturn jwt.verify(t, key);\n";
        assert_eq!(stopped("a/v.ts", JavaScript, looked), Vec::<&str>::new());
    }
}
