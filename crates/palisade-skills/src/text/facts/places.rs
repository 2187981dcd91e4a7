//! Where a sentence sends something, and what it takes along.

use std::sync::LazyLock;

use super::{Facts, Where};
use crate::{
    formats::Profile,
    pattern::{Regex, pattern},
    text::{
        blocks::Unit,
        hosts::{is_anyones, is_bare, is_local, is_vendor, mails, urls},
        tags::Concept,
    },
};

/// A word in capitals where a value would be.
static CAPITALS: LazyLock<Regex> = LazyLock::new(|| pattern(r"=[A-Z_]{3,}\b"));

/// Does an address name a thing and no more: `…/{{page_id}}/cover.png`, `?id={id}`?
fn is_identity(tail: &str) -> bool {
    static HOLE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"\{\{?\s*([A-Za-z_.,|-]{1,40})|<([A-Za-z_ -]{1,40})>|\$\{?([A-Za-z_]{1,40})")
    });
    let mut holes = 0;
    let all = HOLE.find_iter(tail).all(|found| {
        holes += 1;
        let name = tail.get(found.range()).unwrap_or_default().to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).all(|word| {
            matches!(
                word,
                "id" | "page"
                    | "post"
                    | "slug"
                    | "name"
                    | "sha"
                    | "branch"
                    | "repo"
                    | "owner"
                    | "org"
                    | "project"
                    | "version"
                    | "file"
                    | "filename"
                    | "title"
                    | "size"
                    | "color"
                    | "colour"
                    | "w"
                    | "h"
                    | "width"
                    | "height"
                    | "lang"
                    | "locale"
                    | "campaign"
                    | "item"
                    | "uuid"
                    | "number"
                    | "issue"
                    | "tag"
                    | "image"
                    | "img"
                    | "ext"
                    | "date"
                    | "year"
                    | "month"
                    | "low"
                    | "high"
                    | "open"
                    | "closed"
                    | "ok"
                    | "icon"
                    | "theme"
                    | "format"
                    | "x"
                    | "y"
                    | "z"
                    | "n"
                    | "i"
            )
        })
    });
    holes > 0 && all
}

/// Where a sentence sends something.
pub(super) fn places(facts: &mut Facts, unit: &Unit, profile: &Profile) {
    use Concept::{Dns, DnsLabel, Paste, ServerWord, Webhook};
    let mut to = Where::None;
    for url in urls(&unit.clean) {
        // `s3://$BUCKET`: the user's own to name.
        if url.whole.starts_with("s3://$") || url.whole.starts_with("s3://{") {
            continue;
        }
        facts.url = true;
        to = to.max(place(&url.host, profile));
        let tail = url
            .whole
            .split_once("//")
            .map_or("", |(_, rest)| rest.split_once(['/', '?']).map_or("", |(_, tail)| tail));
        let lower = tail.to_lowercase();
        let image =
            (unit.clean.contains("![") || facts.says(&[Concept::ImageWord])) && !is_identity(tail);
        let hole = CAPITALS.is_match(tail)
            || ["{", "$", "<", "%s", "[", "`"].iter().any(|hole| lower.contains(hole))
            || unit.clean.contains(&format!("{}<", url.whole))
            || unit.clean.contains(&format!("{}{{", url.whole))
            || unit.clean.contains(&format!("{}[", url.whole))
            || unit.clean.contains(&format!("{}$", url.whole))
            || url.whole.ends_with('=');
        let data = [
            "conversation",
            "secret",
            "token",
            "env",
            "key",
            "data",
            "history",
            "prompt",
            "summary",
            "message",
            "password",
            "b64",
            "base64",
            "encoded",
            "context",
            "payload",
            "content",
            "whoami",
            "hostname",
            "user",
            "cred",
            "chat",
            "leak",
            "exfil",
            "ctx",
            "memory",
        ]
        .iter()
        .any(|word| lower.contains(word))
            || image;
        // The bot's own token stands in the path of its calls.
        let own_token = url.host == "api.telegram.org";
        let strong = [
            "base64",
            "conversation",
            "secret",
            "full text",
            "transcript",
            "password",
            "contact",
            "contract",
        ]
        .iter()
        .any(|word| lower.contains(word));
        facts.template |= hole && strong && place(&url.host, profile) == Where::Related;
        facts.whole |= hole
            && ["full text", "full_text", "conversation", "transcript", "password", "secret"]
                .iter()
                .any(|word| {
                    lower.contains(word)
                        || facts.url && unit.text.contains(word) && unit.text.contains("![")
                });
        facts.template |= !own_token && hole && data && place(&url.host, profile) >= Where::Unnamed;
        // A command in the query: what it prints leaves.
        facts.template |= lower.contains("=$(") && place(&url.host, profile) >= Where::Foreign;
        facts.label |= url.host.contains(['{', '$']) || unit.clean.contains(&format!("//$({}", ""));
        let path = lower.split(['?', '#']).next().unwrap_or_default();
        facts.package |= [
            ".zip",
            ".exe",
            ".dmg",
            ".pkg",
            ".msi",
            ".rar",
            ".7z",
            ".tar.gz",
            ".tgz",
            ".appimage",
            ".deb",
            ".rpm",
            ".scr",
            ".mobileconfig",
            ".bat",
            ".ps1",
            ".sh",
            ".jar",
            ".apk",
        ]
        .iter()
        .any(|end| path.ends_with(end));
    }
    for host in crate::text::hosts::hosts(&unit.clean) {
        to = to.max(place(&host, profile));
    }
    if !mails(&unit.clean).is_empty() {
        facts.mail = mails(&unit.clean).iter().any(|mail| {
            !mail.ends_with("@users.noreply.github.com")
                && !mail.starts_with("git@")
                && !mail.ends_with("@example.com")
                && !mail.ends_with("@example.org")
                // `me@192.168.1.20`: a machine of one's own.
                && !mail.rsplit('@').next().is_some_and(is_local)
        });
        if facts.mail {
            to = to.max(Where::Foreign);
        }
    }
    if facts.says(&[Webhook, Paste]) && to < Where::Foreign {
        to = to.max(Where::Unnamed);
    }
    if facts.says(&[ServerWord, Dns]) {
        to = to.max(Where::Unnamed);
    }
    facts.label |=
        facts.says(&[DnsLabel]) && label(&unit.clean) || label(&unit.clean) && facts.says(&[Dns]);
    facts.to = to;
}

/// A computed part before a domain, which is not what whoever has an account there is called.
fn label(raw: &str) -> bool {
    const ACCOUNT: &[&str] = &[
        "subdomain",
        "account",
        "tenant",
        "project",
        "region",
        "org",
        "team",
        "workspace",
        "site",
        "shop",
        "store",
        "env",
        "instance",
        "zone",
        "bucket",
        "slug",
        "space",
    ];
    let account = |before: &str| {
        let name = before.rsplit(['<', '{', '(']).next().unwrap_or_default().to_ascii_lowercase();
        let named =
            |known: &str| name.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == known);
        name.len() <= 24 && ACCOUNT.iter().any(|known| named(known))
    };
    let markers = ["}.", ")\".", ").", ">.", "`.", "}\".", "%.", "\"."];
    markers.iter().any(|marker| {
        raw.match_indices(marker).any(|(at, found)| {
            let rest: String = raw
                .get(at + found.len()..)
                .unwrap_or_default()
                .chars()
                .take(60)
                .take_while(|c| c.is_ascii_alphanumeric() || ".-$_{}<>".contains(*c))
                .collect();
            rest.split('.').count() >= 2
                && rest.split('.').all(|part| !part.is_empty())
                && !rest.contains("()")
                && !account(raw.get(..at).unwrap_or_default())
        })
    })
}

pub(in crate::text) fn place(host: &str, profile: &Profile) -> Where {
    if is_local(host)
        || host.split(['.', '-']).any(|label| {
            matches!(
                label,
                "yourdomain"
                    | "yourcompany"
                    | "yourorg"
                    | "yoursite"
                    | "your"
                    | "mydomain"
                    | "mycompany"
            )
        })
        || !host.contains('.')
        || !host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c))
        || !host.starts_with(char::is_alphanumeric)
    {
        return Where::None;
    }
    if ["example.com", "example.org", "example.net"].iter().any(|known| {
        host == *known
            || host.strip_suffix(known).is_some_and(|before| {
                matches!(
                    before.trim_end_matches('.'),
                    "www"
                        | "api"
                        | "app"
                        | "docs"
                        | "telemetry"
                        | "stats"
                        | "metrics"
                        | "status"
                        | "git"
                        | "registry"
                        | "auth"
                        | "login"
                        | "staging"
                        | "cdn"
                        | "hooks"
                )
            })
    }) {
        return Where::Vendor;
    }
    if is_bare(host) || is_anyones(host) {
        return Where::Anyones;
    }
    let main = main_label(host);
    let related = profile.hosts.iter().any(|known| {
        known == host
            || host.ends_with(&format!(".{known}"))
            || known.ends_with(&format!(".{host}"))
    }) || (main.len() > 2 && profile.words.contains(main))
        || crate::text::named::is_projects(main, &profile.words);
    if related {
        Where::Related
    } else if is_vendor(host) {
        Where::Vendor
    } else {
        Where::Foreign
    }
}

/// The label that names the owner: `example` of `api.example.co.uk`.
fn main_label(host: &str) -> &str {
    let labels: Vec<&str> = host.split('.').collect();
    let mut at = labels.len().saturating_sub(2);
    if at > 0
        && labels
            .get(at)
            .is_some_and(|label| matches!(*label, "co" | "com" | "org" | "ac" | "gov" | "net"))
    {
        at -= 1;
    }
    labels.get(at).copied().unwrap_or_default()
}
