//! The little of DER (X.690) that certificates, keys and time-stamps need. One form only is read: shortest
//! lengths, no indefinite ones, no tags of several bytes.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BITS: u8 = 0x03;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Values that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

/// A value: what is in it, and the whole of it with tag and length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Der<'a> {
    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Option<Value<'a>> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let many = usize::from(first & 0x0f);
                let (bytes, rest) = rest.split_at_checked(many)?;
                let length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                // The shortest form is the only one.
                let least = if many == 1 { 0x80 } else { 1 << (8 * (many - 1)) };
                if length < least {
                    return None;
                }
                (length, rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some(Value { tag: *tag, content, whole })
    }

    /// The next value, if it has this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Value<'a>> {
        let mut rest = *self;
        let value = rest.any().filter(|value| value.tag == tag)?;
        *self = rest;
        Some(value)
    }

    /// What is in the next value, if it has this tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Option<Der<'a>> {
        self.take(tag).map(|value| Der(value.content))
    }

    /// The next value is this one.
    pub(crate) fn is(&mut self, tag: u8, wanted: &[u8]) -> Option<()> {
        self.take(tag).filter(|value| value.content == wanted).map(drop)
    }

    /// There is nothing more.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// All of these bytes as one value with this tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Option<Der<'_>> {
    let mut all = Der(bytes);
    let inside = all.inside(tag)?;
    all.end()?;
    Some(inside)
}

/// One value of these pieces.
pub(crate) fn value(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut out = vec![tag];
    let bytes = length.to_be_bytes();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let bytes = bytes.get(zeros..).unwrap_or_default();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            out.extend(bytes);
        }
    }
    for piece in pieces {
        out.extend(*piece);
    }
    out
}

/// A bit string of whole bytes.
pub(crate) fn bits<'a>(value: Value<'a>) -> Option<&'a [u8]> {
    match value.content {
        [0, bytes @ ..] if value.tag == BITS => Some(bytes),
        _ => None,
    }
}

/// A `UTCTime` or `GeneralizedTime` in seconds since 1970. A fraction of a second is left off.
pub(crate) fn moment(value: Value<'_>) -> Option<i64> {
    let text = str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match value.tag {
        // RFC 5280, 4.1.2.5.1.
        UTC_TIME if text.len() == 12 => {
            let year = digits(text.get(..2)?)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        TIME => {
            let whole = match text.split_once('.') {
                None => text,
                Some((whole, fraction)) if !fraction.is_empty() => {
                    digits(fraction.get(..fraction.len().min(9))?)?;
                    whole
                }
                Some(_) => return None,
            };
            if whole.len() != 14 {
                return None;
            }
            (digits(whole.get(..4)?)?, whole.get(4..)?)
        }
        _ => return None,
    };
    let part = |at: usize| digits(rest.get(at..at + 2)?);
    let month = u8::try_from(part(0)?).ok()?.try_into().ok()?;
    let byte = |at: usize| u8::try_from(part(at)?).ok();
    let date = time::Date::from_calendar_date(i32::try_from(year).ok()?, month, byte(2)?).ok()?;
    let time = time::Time::from_hms(byte(4)?, byte(6)?, byte(8)?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form_only() {
        let read = |bytes: &[u8]| Der(bytes).any().map(|value| value.content.len());
        assert_eq!(read(&[4, 1, 0]), Some(1));
        for bad in [
            &[4, 0x81, 1, 0][..],
            &[4, 0x80, 0, 0],
            &[4, 2, 0],
            &[0x1f, 1, 0],
            &[4],
            &[4, 0x84, 0, 0, 0, 1, 0],
            &[4, 0x82, 0, 0x80],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times_are_those_of_certificates() {
        let of = |tag, text: &str| moment(Value { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(of(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(of(TIME, "20261126093000.25Z"), Some(1_795_685_400));
        assert_eq!(of(TIME, "20261126093000Z"), of(UTC_TIME, "261126093000Z"));
        for bad in
            ["", "Z", "20261126093000", "2026112609300Z", "20261326093000Z", "20261126093000.Z"]
        {
            assert_eq!(of(TIME, bad), None, "{bad}");
            assert_eq!(of(UTC_TIME, bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(content in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let bytes = value(OCTETS, &[&content]);
            let read = only(&bytes, OCTETS).unwrap();
            prop_assert_eq!(read.0, &content[..]);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut der = Der(&bytes);
            while let Some(value) = der.any() {
                assert!(moment(value).is_none_or(|at| at > i64::MIN) && bits(value).is_none_or(|bits| bits.len() < 200));
            }
        }
    }
}
