//! Data in names that are looked up, in any language.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::High,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A name is looked up.
static LOOKS_UP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)dns\.(?:resolve\w*|lookup|promises|query)|\bresolve(?:4|6|Txt|Any|Ns)\b|Resolve-DnsName|GetHost(?:Addresses|Entry|ByName)|gethostby\w+|getaddrinfo|\bnslookup\b|\bdig\s|\bdrill\s|\bhost\s|\bgetent\s+hosts|Resolv\.|Resolv::|LookupHost|LookupTXT|LookupIP|net\.Lookup\w+|\bping\s|dnspython|dns_get_record|checkdnsrr|InetAddress|Socket\.gethost|\bresolve\w{0,6}\b[^\n]{0,40}\x22?\bfrom\s+[\x22'](?:node:)?dns|[\x22'](?:node:)?dns(?:/promises)?[\x22']",
    )
});

/// Something computed stands in front of a domain of the program's.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\$\{[^}\n]{1,80}\}|\{[^}\n"']{0,40}\}|#\{[^}\n]{1,80}\}|\$\w{1,40}|%s|["'`)]\s*(?:\+|\.\.|\.)\s*["'`])\.(?:(?:\$\{[^}\n]{1,40}\}|\{\w{0,20}\}|#\{\w{1,20}\}|\$\w{1,20}|%[sd]|[a-z0-9_-]{1,40})\.){0,4}[a-z0-9-]{2,60}\.[a-z]{2,12}\b|\+\s*["'`]\.(?:[a-z0-9-]{1,60}\.){1,4}[a-z]{2,12}["'`]"#,
    )
});

/// It is cut to the length of a label, or made of letters that a label may have.
static CUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.\{1,\s?\d\d\}|substr(?:ing)?\s*\(|\.slice\s*\(|\[\s*i\s*:\s*i\s*\+|\bfold\s+-w|\bcut\s+-c|each_slice|chunks?\s*\(|textwrap|\[:\s?6\d\]|\bxxd\b|toString\(["']hex|\.hex\(\)|hexlify|b32encode|base32|urlsafe_b64|BitConverter|EncodeToString|od\s+-"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if !LOOKS_UP.is_match(text) || !CUT.is_match(text) {
        return;
    }
    // The look-up, the label and the cut stand close together.
    const NEAR: usize = 400;
    let Some(found) = LABEL.find_iter(text).take(64).find(|label| {
        let bytes = text.as_bytes();
        let near =
            bytes.get(label.start().saturating_sub(NEAR)..(label.end() + NEAR).min(bytes.len()));
        near.is_some_and(|near| LOOKS_UP.is_match(near) && CUT.is_match(near))
    }) else {
        return;
    };
    let message = "data is cut to labels and put into names that are looked up";
    report.say(&rules::NAMES_CARRY, Severity::High, High, found.start(), message);
}
