//! What a certificate says that a chain's check does not look at.

use palisade_core::shown;

use crate::{
    Failed, Name,
    der::{self, BITS, BOOLEAN, Der, INTEGER, OCTETS, OID, SEQUENCE, TIME, UTC_TIME, UTF8, Value},
    failed::Step,
    key::Key,
};

/// Bytes of a certificate that are looked at.
pub(crate) const MOST: usize = 16 * 1024;
/// Extensions that one can have.
const MOST_EXTENSIONS: usize = 64;
/// Bytes of a name.
const MOST_NAME: usize = 2048;

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
/// `id-kp-codeSigning`
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
/// `id-kp-timeStamping`
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
/// 1.3.6.1.4.1.57264.1.1: the issuer as plain text.
const ISSUER_V1: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x01];
/// 1.3.6.1.4.1.57264.1.8: the issuer as a `UTF8String`.
const ISSUER_V2: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];

/// 1.3.6.1.4.1.57264.1.12: the repository that was built, by its URL, as a `UTF8String`.
const REPOSITORY: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x0c];
/// 1.3.6.1.4.1.57264.1.5: the same in older certificates, of GitHub's workflows alone: `owner/name`, plain text.
const REPOSITORY_V1: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x05];

const EMAIL: u8 = 0x81;
const URI: u8 = 0x86;

/// A certificate's parts.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Option<Key>,
    /// First and last second in which it is valid.
    pub(crate) valid: (i64, i64),
    extensions: Vec<Extension>,
    /// Of the signed part: what stands before the extensions.
    before: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Extension {
    id: Vec<u8>,
    value: Vec<u8>,
    whole: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate of X.509 version 3.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MOST {
            return None;
        }
        let mut all = der::only(bytes, SEQUENCE)?;
        let signed = all.take(SEQUENCE)?;
        all.take(SEQUENCE)?;
        all.take(BITS)?;
        all.end()?;
        let mut body = Der(signed.content);
        body.inside(0xa0)?.is(INTEGER, &[2])?;
        body.take(INTEGER)?;
        body.take(SEQUENCE)?;
        body.take(SEQUENCE)?;
        let mut validity = body.inside(SEQUENCE)?;
        let valid = (moment(&mut validity)?, moment(&mut validity)?);
        validity.end()?;
        body.take(SEQUENCE)?;
        let key = Key::of_spki(body.take(SEQUENCE)?.whole);
        let before = signed.content.get(..signed.content.len() - body.0.len())?.to_vec();
        let extensions = match body.inside(0xa3) {
            Some(mut wrapped) => {
                let list = wrapped.inside(SEQUENCE)?;
                wrapped.end()?;
                extensions(list)?
            }
            None => Vec::new(),
        };
        // Unique identifiers of version 2 are in use nowhere.
        body.end()?;
        Some(Self { der: bytes.to_vec(), key, valid, extensions, before })
    }

    fn extension(&self, id: &[u8]) -> Option<&[u8]> {
        self.extensions.iter().find(|one| one.id == id).map(|one| one.value.as_slice())
    }

    /// Whether it is valid at this moment.
    pub(crate) fn is_valid(&self, at: i64) -> bool {
        (self.valid.0..=self.valid.1).contains(&at)
    }

    /// Whether it is for this purpose.
    pub(crate) fn is_for(&self, purpose: &[u8]) -> bool {
        let mut found = false;
        let Some(mut list) = self.extension(EXTENDED_USAGE).and_then(|it| der::only(it, SEQUENCE))
        else {
            return false;
        };
        while let Some(one) = list.take(OID) {
            found |= one.content == purpose;
        }
        found && list.end().is_some()
    }

    /// Whether its key may make signatures.
    pub(crate) fn may_sign(&self) -> bool {
        let read = |value: &[u8]| {
            let mut all = Der(value);
            let bits = all.take(BITS)?;
            all.end()?;
            // The number of unused bits, then the flags; the first is `digitalSignature`.
            bits.content.get(1).map(|flags| flags & 0x80 != 0)
        };
        self.extension(KEY_USAGE).and_then(read) == Some(true)
    }

    /// Whose it is: the only name that it has besides the subject's.
    pub(crate) fn name(&self) -> Result<Name, Failed> {
        let wrong = |why: &'static str| Step::Certificate.failed(why);
        let value = self
            .extension(ALTERNATIVE_NAME)
            .ok_or_else(|| wrong("it says nobody's name (SubjectAlternativeName)"))?;
        let mut names =
            der::only(value, SEQUENCE).ok_or_else(|| wrong("its names cannot be read"))?;
        let first = names.any().ok_or_else(|| wrong("its names cannot be read"))?;
        names
            .end()
            .ok_or_else(|| wrong("it has several names, and it has to be clear whose it is"))?;
        let text = plain(first.content).ok_or_else(|| wrong("its name is no plain text"))?;
        match first.tag {
            EMAIL => Ok(Name::Email(text)),
            URI => Ok(Name::Uri(text)),
            _ => Err(wrong("its name is neither an e-mail address nor a URI")),
        }
    }

    /// Who vouched for that name.
    pub(crate) fn issuer(&self) -> Result<String, Failed> {
        let wrong = |why: &'static str| Step::Certificate.failed(why);
        let unread = || wrong("the issuer that it names cannot be read");
        let old = match self.extension(ISSUER_V1) {
            Some(value) => Some(plain(value).ok_or_else(unread)?),
            None => None,
        };
        let new = match self.extension(ISSUER_V2) {
            Some(value) => {
                let text = der::only(value, UTF8).and_then(|text| plain(text.0));
                Some(text.ok_or_else(unread)?)
            }
            None => None,
        };
        match (new, old) {
            (Some(new), Some(old)) if new != old => Err(wrong("it names two issuers")),
            (Some(issuer), _) | (None, Some(issuer)) => Ok(issuer),
            (None, None) => Err(wrong(
                "it names no issuer (1.3.6.1.4.1.57264.1.8 or .1.1): it is no certificate of Sigstore's",
            )),
        }
    }

    /// Whose repository a workflow has built, by its URL, if it says so.
    pub(crate) fn repository(&self) -> Result<Option<String>, Failed> {
        let unread = || Step::Certificate.failed("the repository that it names cannot be read");
        if let Some(value) = self.extension(REPOSITORY) {
            let text = der::only(value, UTF8).and_then(|text| plain(text.0));
            return text.map(Some).ok_or_else(unread);
        }
        let old = self.extension(REPOSITORY_V1);
        let old = old.map(|value| plain(value).ok_or_else(unread)).transpose()?;
        Ok(old.map(|name| format!("https://github.com/{name}")))
    }

    /// The list of what certificate logs have promised, as it stands there.
    pub(crate) fn promises(&self) -> Option<&[u8]> {
        self.extension(SCT_LIST)
    }

    /// The signed part without that list, which is what those logs have signed (RFC 6962, 3.2).
    pub(crate) fn without_promises(&self) -> Vec<u8> {
        let rest: Vec<&[u8]> = self
            .extensions
            .iter()
            .filter(|one| one.id != SCT_LIST)
            .map(|one| one.whole.as_slice())
            .collect();
        let list = der::value(SEQUENCE, &rest);
        der::value(SEQUENCE, &[&self.before, &der::value(0xa3, &[&list])])
    }
}

fn moment(from: &mut Der<'_>) -> Option<i64> {
    let value = from.any()?;
    matches!(value.tag, UTC_TIME | TIME).then(|| der::moment(value))?
}

fn extensions(mut list: Der<'_>) -> Option<Vec<Extension>> {
    let mut all: Vec<Extension> = Vec::new();
    while let Some(one) = list.take(SEQUENCE) {
        let Value { content, whole, .. } = one;
        let mut one = Der(content);
        let id = one.take(OID)?.content.to_vec();
        // Which critical ones are known is for the chain's check to say.
        match one.take(BOOLEAN).map(|value| value.content) {
            None | Some([0xff]) => {}
            Some(_) => return None,
        }
        let value = one.take(OCTETS)?.content.to_vec();
        one.end()?;
        if all.len() == MOST_EXTENSIONS || all.iter().any(|other| other.id == id) {
            return None;
        }
        all.push(Extension { id, value, whole: whole.to_vec() });
    }
    list.end()?;
    Some(all)
}

/// Text that prints, of which nothing is escaped when it is shown.
fn plain(bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok()?;
    let fits = (1..=MOST_NAME).contains(&text.len()) && shown(text, MOST_NAME) == text;
    fits.then(|| text.to_owned())
}
