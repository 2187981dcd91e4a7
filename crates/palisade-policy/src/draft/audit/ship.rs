//! `audit.ship`: where sessions go when they have ended.

use super::{DraftShip, is_loopback, path, roots};
use crate::{
    at::{At, Place},
    audit::{ObjectLock, S3, Ship},
    document::{self, LockMode, UrlOr},
    draft::{Check, shown, url},
};

/// The longest that a server keeps what it is told to (AWS has a hundred years).
const MOST_LOCKED: u64 = 100 * 365 * 86_400;
/// Names of objects may have 1024 bytes, ours included.
const MOST_PREFIX: usize = 512;
/// What servers of others call their only region.
const ANY_REGION: &str = "us-east-1";

pub(super) fn check(
    check: &mut Check<'_>,
    at: &At<UrlOr<document::Ship>>,
) -> Option<At<DraftShip>> {
    let only_place;
    let written = match &at.value {
        UrlOr::Table(table) => table,
        UrlOr::Url(text) => {
            only_place = document::Ship {
                to: At { value: text.clone(), place: at.place },
                endpoint: None,
                region: None,
                credential: None,
                lock: None,
                ca: None,
            };
            &only_place
        }
    };
    let ship = match written.to.value.strip_prefix("s3://") {
        Some(rest) => s3(check, written, rest).map(|s3| Ship::S3(Box::new(s3))),
        None => folder(check, written),
    };
    let credential = written.credential.clone();
    ship.map(|ship| At { value: DraftShip { ship, credential }, place: at.place })
}

fn folder(check: &mut Check<'_>, written: &document::Ship) -> Option<Ship> {
    let document::Ship { to, endpoint, region, credential, lock, ca } = written;
    if to.value.contains("://") {
        let message = format!("`{}` is neither a folder nor s3://", shown(&to.value));
        check.wrong(to.place, message, "write a path, or s3://bucket/prefix with its `region`");
        return None;
    }
    let more = [endpoint, region, credential, ca].into_iter().flatten().map(|at| at.place);
    for place in more.chain(lock.as_ref().map(|at| at.place)) {
        check.wrong(place, "a folder has no such thing", "remove it, or write `to: s3://…`");
    }
    path(check, &to.value, to.place).map(Ship::Folder)
}

fn s3(check: &mut Check<'_>, written: &document::Ship, rest: &str) -> Option<S3> {
    let document::Ship { to, endpoint, region, credential, lock, ca } = written;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let mut good = true;
    let mut wrong = |check: &mut Check<'_>, place: Place, message: String, help: &str| {
        check.wrong(place, message, help);
        good = false;
    };
    if let Err(why) = named(bucket, prefix) {
        let message = format!("`{}` is no place in S3: {why}", shown(&to.value));
        wrong(check, to.place, message, "write one such as s3://evidence/host-1");
    }
    let known = region.as_ref().map(|at| (at.place, at.value.as_str()));
    let region = match (known, endpoint) {
        (Some((_, text)), _) if is_region(text) => text.to_owned(),
        (Some((place, text)), _) => {
            let message = format!("`{}` is no region", shown(text));
            wrong(check, place, message, "write one such as eu-central-1");
            String::new()
        }
        (None, Some(_)) => ANY_REGION.to_owned(),
        (None, None) => {
            let message = "it is not said where the bucket is".to_owned();
            wrong(check, to.place, message, "write its `region`, or the server as `endpoint`");
            String::new()
        }
    };
    let server = match endpoint {
        None if region.starts_with("cn-") => format!("https://s3.{region}.amazonaws.com.cn"),
        None => format!("https://s3.{region}.amazonaws.com"),
        Some(at) => {
            let text = at.value.trim_end_matches('/');
            let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
            let message = match url::check(text) {
                Err(why) => Some(format!("`{}` is no server: {why}", shown(text))),
                Ok(()) if path.is_some() => Some(format!("`{}` has a path", shown(text))),
                Ok(()) if text.starts_with("http://") && !is_loopback(text) => {
                    let why = "over plain HTTP everybody on the way reads the sessions, and";
                    Some(format!("{why} `{}` is not on this machine", shown(text)))
                }
                Ok(()) => None,
            };
            if let Some(message) = message {
                wrong(check, at.place, message, "write one such as https://minio.example:9000");
            }
            text.to_owned()
        }
    };
    if credential.is_none() {
        let message = "a bucket that everybody may write to is no place for a record".to_owned();
        wrong(check, to.place, message, "name a `credential` with `aws`");
    }
    let lock = lock.as_ref().map(|at| {
        let seconds = at.value.time.0.as_secs();
        if seconds > MOST_LOCKED {
            let message = "no server keeps anything for so long".to_owned();
            wrong(check, at.place, message, "write at most 36500d");
        }
        ObjectLock { compliance: at.value.mode == LockMode::Compliance, seconds }
    });
    let ca = roots(check, ca.as_ref());
    good.then(|| S3 {
        endpoint: server,
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region,
        credential: None,
        lock,
        ca,
    })
}

/// Names that stand in a URL as they are, whoever reads it.
fn named(bucket: &str, prefix: &str) -> Result<(), &'static str> {
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = bucket.bytes().next().is_some_and(small) && bucket.bytes().last().is_some_and(small);
    let inner = bucket.bytes().all(|b| small(b) || matches!(b, b'-' | b'.'));
    if !(3..=63).contains(&bucket.len()) || !ends || !inner || bucket.contains("..") {
        return Err("a bucket has 3 to 63 small letters, digits, `-` and `.`");
    }
    if prefix.len() > MOST_PREFIX {
        return Err("what stands before each name is too long");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let part =
        |part: &str| !part.is_empty() && !matches!(part, "." | "..") && part.bytes().all(plain);
    if !prefix.is_empty() && !prefix.split('/').all(part) {
        return Err("each part behind the bucket has letters, digits, `-`, `_` and `.`");
    }
    Ok(())
}

fn is_region(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_taken_and_nothing_else() {
        for (bucket, prefix) in [("abc", ""), ("evidence-1.x", "host-1/Palisade_2/a.b")] {
            assert_eq!(named(bucket, prefix), Ok(()), "{bucket}/{prefix}");
        }
        for (bucket, prefix) in [
            ("", ""),
            ("ab", ""),
            ("Abc", ""),
            ("a_c", ""),
            ("-abc", ""),
            ("a..b", ""),
            ("a?c", ""),
            ("abc", "a//b"),
            ("abc", "../b"),
            ("abc", "a/./b"),
            ("abc", "a b"),
            ("abc", "a%2fb"),
            ("abc", "a?x"),
            ("abc", "é"),
        ] {
            assert!(named(bucket, prefix).is_err(), "{bucket}/{prefix}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_stands_in_a_url_as_it_is(bucket in "[a-z.-]{0,8}", prefix in "[a-z/.%? é]{0,12}") {
            if named(&bucket, &prefix).is_ok() {
                let url = format!("https://s3.example/{bucket}/{prefix}");
                prop_assert!(url::check(url.trim_end_matches('/')).is_ok(), "{url}");
            }
        }
    }
}
