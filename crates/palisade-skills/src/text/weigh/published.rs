//! What opens something is put where everybody reads it.
//!
//! An issue, a discussion, a paste or a forum is public or somebody else's. That a report goes there is work; that the
//! value of a secret stands in it is not, whoever asks for it, in whatever language.

use std::sync::LazyLock;

use super::super::{
    blocks::{Spot, Unit},
    facts::Facts,
    rules,
};
use crate::{
    Rule,
    pattern::{Regex, pattern},
};

/// Something is written where others read.
static POSTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:gh|glab|tea|hub) (?:issue|pr|mr|discussion|gist|snippet) (?:create|new|comment|note)\b|\bgh gist create\b|/issues(?:/new)?\b|/discussions\b|\bgist\.github\.com|\bpaste\w*\.\w{2,4}\b|\b(?:public|upstream|vendor'?s?) (?:issue|ticket|tracker|repo\w*|forum|gist|paste)|\b(?:öffentliche[sn]?) (?:issue|ticket|gist|forum)|\b(?:issue|ticket) público|\bticket public\b|\bpublic wiki\b|\bbug ?tracker\b",
    )
});

/// It is what stands there.
static HELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)--body\b[^-\w]|-F ?-|\b(?:body|text|description|contents?|contain\w*|includ\w*|attach\w*|past\w+|put|with the (?:output|result|value)s?|carr\w+)\b|\b(?:corpo|conte(?:úd|nid|nut)\w*|conten\w+|anex\w+|cuerpo|adjunt\w+|inclu\w+|corps|joind\w+|joins|contenu|contenant|inhalt|anhäng\w*|füge|enthält|enthalten|testo|alleg\w+|contenent\w*|inhoud|bijvoeg\w*|treść|załącz\w*|dołącz\w*|gövde|içeriğ\w*|ekle\w*|isi|lampirkan|sertakan|nội dung|đính kèm)\b|текст|прилож|влож|содерж|вмест|正文|内容|附上|贴|本文|添付|貼り付け|본문|첨부|붙여|المحتوى|أرفق|متن|پیوست|सामग्री|संलग्न|เนื้อหา|แนบ",
    )
});

/// A variable whose name says that it is a secret.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\$\{?(?:env:)?[A-Z][A-Z0-9_]{0,40}\}?|%[A-Z][A-Z0-9_]{2,40}%|\b(?:os\.environ|process\.env)\b[.\[]\W{0,2}[A-Z][A-Z0-9_]{2,40}",
    )
});

/// Words of such names, in the languages that people name variables in.
const NAMED: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSW",
    "PASSPHRASE",
    "_PASS",
    "_PWD",
    "APIKEY",
    "API_KEY",
    "_KEY",
    "SENHA",
    "CLAVE",
    "CONTRASENA",
    "KENNWORT",
    "MOTDEPASSE",
    "_MDP",
    "HASLO",
    "PAROL",
    "SIFRE",
    "_PFX",
    "_P12",
    "_PEM",
    "KEYSTORE",
    "MNEMONIC",
    "_SEED",
    "CREDENTIAL",
    "DATABASE_URL",
    "_DSN",
    "COOKIE",
    "CHIAVE",
    "WACHTWOORD",
];

/// It opens a door on the way, and does not lie there.
fn is_login(before: &str) -> bool {
    let lead: Vec<char> = before.chars().rev().take(28).collect();
    let lead: String = lead.into_iter().rev().collect::<String>().to_lowercase();
    let lead = lead.trim_end_matches(['"', '\'', '`', ' ', '{']);
    lead.ends_with('=')
        || [
            "bearer",
            "authorization:",
            "token",
            "--with-token",
            "login",
            "auth",
            "needs",
            "set",
            "requires",
            "export",
        ]
        .iter()
        .any(|word| lead.ends_with(word))
}

/// Names a text the value of a secret?
fn names_secret(text: &str) -> bool {
    SECRET.find_iter(text).any(|found| {
        let name = text.get(found.range()).unwrap_or_default();
        NAMED.iter().any(|word| name.contains(word))
            && !is_login(text.get(..found.start()).unwrap_or_default())
    })
}

/// What a sentence or a line puts where everybody reads.
pub(super) fn look(unit: &Unit, facts: &Facts) -> Option<(&'static Rule, &'static str)> {
    let text = unit.clean.as_str();
    if unit.spot == Spot::Heading || !POSTED.is_match(text) || !HELD.is_match(text) {
        return None;
    }
    let masked = [
        "redact", "mask", "remove", "strip", "without", "never", "not ", "n't ", "schwärz",
        "ohne ", "sin ", "sans ", "senza ", "sem ", "без ", "не ", "不", "伏せ", "ない", "지우",
        "않",
    ]
    .iter()
    .any(|word| unit.text.contains(word));
    if masked {
        return None;
    }
    // The name of a variable is no path.
    let path = ["/.", "~/", ".env", "id_rsa", "id_ed25519", ".npmrc", ".netrc", "credentials"]
        .iter()
        .any(|part| unit.text.contains(part));
    let open = facts.secret_path && path && !facts.says(&[super::super::tags::Concept::Neg]);
    (names_secret(text) || open).then_some((
        &rules::SEND_SECRETS,
        "the value of a secret is to stand where everybody reads",
    ))
}
