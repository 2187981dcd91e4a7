//! Parameters of a query, or of a form in a body.

use palisade_core::{TextPattern, fold};
use palisade_policy::Effect;

use super::fit;

/// Bytes that are read.
const LONGEST: usize = 64 * 1024;

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Decoded, with `+` as it is.
    name: String,
    value: String,
}

/// Every parameter, in order.
pub(super) fn parse(raw: &[u8]) -> Result<Vec<Parameter>, &'static str> {
    if raw.len() > LONGEST {
        return Err("it is longer than 64 KiB");
    }
    let pairs = raw.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut parts = pair.splitn(2, |&byte| byte == b'=');
            let name = decoded(parts.next().unwrap_or_default())?;
            let value = decoded(parts.next().unwrap_or_default())?;
            Ok(Parameter { name, value })
        })
        .collect()
}

/// Decoded once. What decoders do not agree on is an error.
fn decoded(raw: &[u8]) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|&byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err("it has a `%` that begins no percent-encoding");
                };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            b';' => return Err("it has a `;`, which some servers read as `&`"),
            0x21..=0x7e => byte,
            _ => return Err("it has a character that must be percent-encoded"),
        });
    }
    if bytes.contains(&0) {
        return Err("it has an encoded NUL");
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 when it is decoded")
}

/// The ways that a decoded text may be meant: `+` is a space to most.
fn readings(text: &str) -> impl Iterator<Item = String> {
    let spaced = text.contains('+').then(|| text.replace('+', " "));
    std::iter::once(text.to_owned()).chain(spaced)
}

/// A name as the most generous server takes it: case, brackets behind it and white space before it do not
/// count, and `.` and a space are `_` (as PHP has it).
fn generous(name: &str) -> String {
    let name = name.replace('+', " ");
    let name = name.trim().split('[').next().unwrap_or_default();
    fold(&name.replace(['.', ' '], "_"))
}

/// The values of each parameter that a server may take for this one.
pub(super) fn all<'a>(query: &'a [Parameter], name: &str) -> impl Iterator<Item = &'a str> {
    let name = generous(name);
    let same = query.iter().filter(move |parameter| generous(&parameter.name) == name);
    same.map(|parameter| parameter.value.as_str())
}

/// Whether a parameter is there with one of the values. For a permission once, by its very name, and
/// by no other that may be taken for it.
pub(super) fn has(query: &[Parameter], name: &str, values: &[TextPattern], effect: Effect) -> bool {
    let named = |value: &str| fit::named(values, value, effect);
    match effect {
        Effect::Allow => {
            let mut exact = query.iter().filter(|parameter| parameter.name == name);
            let only = all(query, name).count() == 1;
            only && exact.next().is_some_and(|one| readings(&one.value).all(|value| named(&value)))
        }
        Effect::Deny => all(query, name).any(|value| readings(value).any(|value| named(&value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_value(raw: &str, name: &str, value: &str, effect: Effect) -> bool {
        has(&parse(raw.as_bytes()).unwrap(), name, &[value.parse().unwrap()], effect)
    }

    #[test]
    fn a_permission_needs_the_one_parameter() {
        for (raw, name, value) in [("a=b", "a", "b"), ("x=1&a=%62", "a", "b"), ("a", "a", "")] {
            assert!(has_value(raw, name, value, Effect::Allow), "{raw}");
        }
        for raw in ["", "a=c", "A=b", "a=b&a=b", "a=b&a[]=c", "a=b&A=c", "a=b+c", "a=B"] {
            assert!(!has_value(raw, "a", "b", Effect::Allow), "{raw}");
        }
        assert!(has_value("q=b+c", "q", "b*c", Effect::Allow));
    }

    #[test]
    fn a_denial_needs_one_reading() {
        for raw in ["a=b", "A=B", "a=c&a=b", "a[]=b", "a[x]=b", "+a=b", "%61=%62"] {
            assert!(has_value(raw, "a", "b", Effect::Deny), "{raw}");
        }
        assert!(has_value("q.x=b+c", "q_x", "b c", Effect::Deny));
        assert!(!has_value("b=a&ab=b", "a", "b", Effect::Deny));
    }

    #[test]
    fn what_servers_may_read_differently_is_an_error() {
        for raw in ["a=b;c=d", "a=%", "a=%4", "a=%ff", "a=%00", "a=b c", "a=\u{e4}"] {
            assert!(parse(raw.as_bytes()).is_err(), "{raw}");
        }
        assert!(parse(&[b'a'; LONGEST + 1]).is_err());
    }
}
