use std::fmt;

use aho_corasick::packed;
use memchr::memmem;

use super::{
    checks,
    forms::{Chars, Check, FORMS, Form},
    known::{Known, KnownSecret},
    peel,
};

/// How many encodings are peeled, one from inside the other.
pub(super) const DEPTH: usize = 3;
/// The longest header of a token, and the longest private key.
const MOST_HEADER: usize = 1024;
const MOST_KEY: usize = 16 * 1024;
/// The longest part of a token.
const MOST_PART: usize = 16 * 1024;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: &'static str,
    /// The secret itself, out of all encodings.
    pub(super) value: Vec<u8>,
}

/// A text, and what is known of its places.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Where something else may begin that only happens to follow, in order.
    pub(super) joins: &'a [usize],
    /// Whether what is around a secret may be rubbish: what was decoded from the wrong place.
    pub(super) rough: bool,
}

/// Looks for secrets in texts.
pub(super) struct Finder {
    known: Known,
    beginnings: Option<packed::Searcher>,
}

impl Finder {
    pub(super) fn new<'a>(known: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        let mut builder =
            packed::Config::new().match_kind(packed::MatchKind::LeftmostLongest).builder();
        let beginnings = builder.extend(FORMS.iter().map(|form| form.prefix)).build();
        Self { known: Known::new(known), beginnings }
    }

    /// One that knows these values and no forms.
    pub(super) fn only<'a>(known: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        Self { known: Known::new(known), beginnings: None }
    }

    /// All of them, in order, none in another.
    pub(super) fn find(&self, text: &[u8], joins: &[usize]) -> Vec<Found> {
        let mut found = Vec::new();
        self.peeled(Text { bytes: text, joins, rough: false }, DEPTH, &mut found);
        found.sort_by(|one, other| (one.start, other.end).cmp(&(other.start, one.end)));
        let mut kept: Vec<Found> = Vec::with_capacity(found.len());
        for one in found {
            match kept.last_mut() {
                // What is found twice counts once, and what overlaps goes with the first.
                Some(last) if one.start < last.end => last.end = last.end.max(one.end),
                _ => kept.push(one),
            }
        }
        kept
    }

    fn peeled(&self, text: Text<'_>, depth: usize, found: &mut Vec<Found>) {
        self.direct(text, found);
        let Some(depth) = depth.checked_sub(1) else { return };
        for layer in peel::layers(text) {
            let mut inner = Vec::new();
            let rough = text.rough || layer.rough;
            let peeled = Text { bytes: &layer.text, joins: &layer.joins, rough };
            self.peeled(peeled, depth, &mut inner);
            found.extend(inner.into_iter().map(|one| {
                let (start, end) = layer.outer(text.bytes, one.start, one.end);
                Found { start, end, ..one }
            }));
        }
    }

    fn direct(&self, text: Text<'_>, found: &mut Vec<Found>) {
        self.known.find(text.bytes, found);
        let Some(beginnings) = &self.beginnings else { return };
        let mut after = 0;
        for one in beginnings.find_iter(text.bytes) {
            if one.start() < after {
                continue;
            }
            let Some(form) = FORMS.get(one.pattern().as_usize()) else { continue };
            if let Some((start, end)) = whole(form, text, one.start(), one.end()) {
                let value = text.bytes.get(start..end).unwrap_or_default().to_vec();
                found.push(Found { start, end, kind: form.kind, value });
                after = end;
            }
        }
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("known", &self.known).finish_non_exhaustive()
    }
}

/// A key that a cut has left the beginning of, at the end of a text and not before `behind`. Of less than eight characters of it
/// nothing can be made.
pub(super) fn cut(text: &[u8], behind: usize) -> Option<Found> {
    const LEAST: usize = 8;
    let bytes = Text { bytes: text, joins: &[], rough: false };
    let begins = |form: &Form| {
        let most = form.most.max(MOST_HEADER);
        let from = text.len().saturating_sub(most).max(behind);
        let place = memmem::rfind(text.get(from..)?, form.prefix.as_bytes())?;
        let start = from.saturating_add(place);
        let rest = text.get(start.saturating_add(form.prefix.len())..)?;
        let chars = if form.check == Check::Jwt { Chars::Dotted } else { form.chars };
        let all = chars.run(rest, rest.len()) == rest.len() && rest.len() >= LEAST;
        let drawn = rest.iter().any(u8::is_ascii_digit)
            || (rest.iter().any(u8::is_ascii_uppercase) && rest.iter().any(u8::is_ascii_lowercase));
        let own = matches!(form.check, Check::AwsSecret | Check::PrivateKey);
        (all && drawn && !own && bytes.begins(start)).then_some((start, form.kind))
    };
    let (start, kind) = FORMS.iter().filter_map(begins).min_by_key(|(start, _)| *start)?;
    Some(Found { start, end: text.len(), kind, value: text.get(start..)?.to_vec() })
}

/// The key that begins here, if one does: where it is.
fn whole(form: &Form, text: Text<'_>, start: usize, after: usize) -> Option<(usize, usize)> {
    match form.check {
        Check::AwsSecret => aws_secret(text, after),
        Check::PrivateKey => Some((start, private_key(text.bytes, after)?)),
        _ if !text.begins(start) => None,
        Check::Jwt => Some((start, jwt(text.bytes, start)?)),
        Check::Crc | Check::Random | Check::Holds(..) => {
            let rest = text.bytes.get(after..)?;
            let run = form.chars.run(rest, form.most.saturating_add(1));
            if run < form.least {
                return None;
            }
            let mut ends = text.ends(after, run, form);
            let end = ends.find(|end| form.fits(rest.get(..*end).unwrap_or_default()))?;
            Some((start, after.saturating_add(end)))
        }
    }
}

impl Text<'_> {
    /// Whether something of its own may begin here.
    fn begins(&self, place: usize) -> bool {
        let byte = |back: usize| place.checked_sub(back).and_then(|at| self.bytes.get(at)).copied();
        let Some(before) = byte(1) else { return true };
        if self.rough || !before.is_ascii_alphanumeric() || self.joins.binary_search(&place).is_ok()
        {
            return true;
        }
        // An escape or an encoded character in a text that is not peeled yet.
        let escape = byte(2) == Some(b'\\') && matches!(before, b'n' | b'r' | b't' | b'b' | b'f');
        let encoded = byte(3) == Some(b'%') && before.is_ascii_hexdigit();
        escape || encoded
    }

    /// How long a key may be whose characters go on for `run`: all of them, or up to a place where
    /// something else may begin. The longest first.
    fn ends(&self, after: usize, run: usize, form: &Form) -> impl Iterator<Item = usize> {
        let (least, most, rough) = (form.least, form.most, self.rough);
        let all = (run <= most).then_some(run);
        // Of one that has a length, what follows may be anything where texts meet.
        let from = self.joins.partition_point(|join| *join <= after);
        let joins = self.joins.get(from..).unwrap_or_default().iter();
        let cut = joins
            .map(move |join| join.saturating_sub(after))
            .take_while(move |length| *length < run)
            .filter(move |length| (least..=most).contains(length))
            .collect::<Vec<_>>();
        // Nor does what parts words belong to it: `SG.….example.com`.
        let apart = least == most
            && self
                .bytes
                .get(after.saturating_add(least))
                .is_some_and(|byte| !byte.is_ascii_alphanumeric());
        let fixed = (rough || apart || form.check == Check::Crc)
            .then_some(least)
            .filter(|least| *least < run);
        all.into_iter().chain(cut.into_iter().rev()).chain(fixed)
    }
}

/// A JSON Web Token (RFC 7519): a header that is JSON and names an algorithm, what it claims, and a
/// signature or, of an encrypted one, three further parts.
fn jwt(text: &[u8], start: usize) -> Option<usize> {
    let part = |from: usize, most: usize| {
        let rest = text.get(from..)?;
        let run = Chars::Url.run(rest, most);
        (run > 0).then(|| (rest.get(..run).unwrap_or_default(), from.saturating_add(run)))
    };
    let dot = |at: usize| (text.get(at) == Some(&b'.')).then(|| at.saturating_add(1));
    let (header, end) = part(start, MOST_HEADER)?;
    let next = dot(end)?;
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&checks::base64(header)).ok()?;
    header.get("alg")?.as_str()?;
    let encrypted = header.contains_key("enc");
    let (claims, mut end) = part(next, MOST_PART)?;
    if !encrypted {
        let claims = checks::base64(claims);
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&claims).ok()?;
    }
    for _ in 0..if encrypted { 3 } else { 1 } {
        match dot(end).and_then(|next| part(next, MOST_PART)) {
            Some((_, after)) => end = after,
            None => break,
        }
    }
    Some(end)
}

/// A private key between its two lines (RFC 7468), or as much of it as there is.
fn private_key(text: &[u8], after: usize) -> Option<usize> {
    let window = text.get(after..after.saturating_add(MOST_KEY).min(text.len()))?;
    let label = memmem::find(window.get(..window.len().min(48))?, b"-----")?;
    memmem::find(window.get(..label)?, b"PRIVATE KEY")?;
    let body = label.saturating_add(5);
    let rest = window.get(body..)?;
    // Lines of base64, perhaps quoted or escaped, until something else comes.
    let stop = memmem::find(rest, b"-----");
    let most = stop.unwrap_or(rest.len());
    let inside = rest.get(..most)?;
    let run = inside.iter().take_while(|byte| of_a_key(**byte)).count();
    let digits = inside.get(..run)?.iter().filter(|byte| checks::digit(**byte).is_some()).count();
    if digits < 40 {
        return None;
    }
    let end = after.saturating_add(body).saturating_add(run);
    let closes = stop == Some(run) && rest.get(run..)?.starts_with(b"-----END ");
    if !closes {
        return Some(end);
    }
    let last = rest.get(run.saturating_add(9)..)?;
    let tail = memmem::find(last.get(..last.len().min(48))?, b"-----");
    Some(tail.map_or(end, |tail| end.saturating_add(9).saturating_add(tail).saturating_add(5)))
}

fn of_a_key(byte: u8) -> bool {
    checks::digit(byte).is_some()
        || byte.is_ascii_whitespace()
        || matches!(byte, b'=' | b'\\' | b'"' | b'\'' | b',' | b':' | b'%')
}

/// A secret key of AWS, which is known by what stands before it only.
fn aws_secret(text: Text<'_>, after: usize) -> Option<(usize, usize)> {
    let rest = text.bytes.get(after..)?;
    let between = rest
        .iter()
        .take(12)
        .take_while(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'=' | b':' | b'"' | b'\'' | b'\\' | b'>')
        })
        .count();
    let key = rest.get(between..)?;
    let run = Chars::Base64.run(key, 41);
    let key = key.get(..40)?;
    let looks = checks::random(key) && key.iter().any(u8::is_ascii_uppercase);
    // The one of AWS's own documents.
    // A path may go on behind it.
    let ends = run == 40 || rest.get(between.saturating_add(40)) == Some(&b'/');
    if between == 0 || !ends || !looks || key.ends_with(b"EXAMPLEKEY") {
        return None;
    }
    let start = after.saturating_add(between);
    Some((start, start.saturating_add(40)))
}
