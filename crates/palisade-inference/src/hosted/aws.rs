//! Requests that are signed for AWS, version 4. See "Signing AWS API requests" of AWS' documentation.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Uri, header};
use palisade_core::ExposeSecret;
use palisade_sigv4::{DATE, Keys, TOKEN, ToSign, authorization, hash};

const SERVICE: &str = "bedrock";

/// Who signs, and for where.
pub(crate) struct Signing<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) region: &'a str,
    pub(crate) now: SystemTime,
}

/// Puts the date and the signature of a POST into its headers, which have `host` and `content-type` already.
/// `None` where that cannot be: a clock before 1970, a name that no header can hold.
pub(crate) fn sign(
    signing: &Signing<'_>,
    uri: &Uri,
    fields: &mut HeaderMap,
    body: &[u8],
) -> Option<()> {
    let stamp = stamp(signing.now)?;
    let day = stamp.get(..8)?;
    fields.insert(DATE, HeaderValue::from_str(&stamp).ok()?);
    let scope = format!("{day}/{}/{SERVICE}/aws4_request", signing.region);
    // The path is encoded already, and is encoded again: only S3 has it otherwise.
    let path: Vec<String> = uri.path().split('/').map(super::encoded).collect();
    let mut lines = String::new();
    let mut names = vec!["content-type", "host", DATE];
    // No client says who signs.
    fields.remove(TOKEN);
    if let Some(token) = &signing.keys.session_token {
        let mut value = HeaderValue::from_str(token.expose_secret()).ok()?;
        value.set_sensitive(true);
        fields.insert(TOKEN, value);
        names.push(TOKEN);
    }
    for name in &names {
        let value = fields.get(*name)?.to_str().ok()?;
        lines.push_str(&format!("{name}:{}\n", value.trim()));
    }
    let names = names.join(";");
    let canonical = format!("POST\n{}\n\n{lines}\n{names}\n{}", path.join("/"), hash(body));
    let to_sign = ToSign { stamp: &stamp, scope: &scope, names: &names, canonical: &canonical };
    let value = authorization(&to_sign, &signing.keys.access_key, &signing.keys.secret).ok()?;
    fields.insert(header::AUTHORIZATION, value);
    Some(())
}

/// `20150830T123600Z`.
fn stamp(now: SystemTime) -> Option<String> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days)?;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    Some(format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
}

/// The date of a day since 1970, counted from the first of March of a year that begins an era of 400 years.
fn date(days: u64) -> Option<(u64, u64, u64)> {
    let days = days.checked_add(719_468)?;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year.checked_add(era.checked_mul(400)?)?;
    Some((if month <= 2 { year.checked_add(1)? } else { year }, month, of_month))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The date of AWS' published example, "Create a signed request", and others.
    #[test]
    fn a_day_is_that_of_the_published_example() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        assert_eq!(stamp(at).unwrap(), "20150830T123600Z");
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_709_251_199, "20240229T235959Z"),
            (4_102_444_800, "21000101T000000Z"),
        ] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(stamp(at).unwrap(), expected);
        }
    }
}
