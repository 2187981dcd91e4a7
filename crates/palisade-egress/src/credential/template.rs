use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use palisade_core::{ExposeSecret, FRAMING_HEADERS, SecretString, one_variable};
use zeroize::Zeroizing;

use super::{Placeholder, query};

/// The one place in a request where a secret may stand: a header, or a field of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    place: Place,
    /// Around the secret; within the base64, where there is one.
    before: String,
    after: String,
    /// Around the base64.
    coded: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Header(HeaderName),
    Query(String),
    /// Nowhere: it signs for this access key.
    Aws(String),
}

/// Why a template or its secret cannot be used. Never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It has not the form of one.
    #[error(
        "write `name: value` for a header or `name=value` for a query, with `{{secret}}` once in the value"
    )]
    Syntax,
    /// A header that frames the message or names its destination.
    #[error("the header `{0}` cannot carry a secret")]
    Name(String),
    /// The secret has characters that cannot be sent in this place.
    #[error(
        "the secret is empty, or has a blank, line end or other character that no header can hold; is there a stray newline in its source?"
    )]
    Secret,
}

const SECRET: &str = "{secret}";
const CODED: &str = "base64(";

impl Template {
    /// The header of `authorization: Bearer {secret}`. With `base64(…)` around the secret, and perhaps a
    /// user's name before it, that is encoded: `authorization: Basic base64(user:{secret})`.
    ///
    /// # Errors
    /// It has another form, or a header that frames the message.
    pub fn header(text: &str) -> Result<Self, TemplateError> {
        let (name, value) = text.split_once(':').ok_or(TemplateError::Syntax)?;
        let name: HeaderName = name.trim().parse().map_err(|_| TemplateError::Syntax)?;
        if FRAMING_HEADERS.contains(&name.as_str()) {
            return Err(TemplateError::Name(name.to_string()));
        }
        let value = value.trim();
        if !value.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            return Err(TemplateError::Syntax);
        }
        let (before, after) = around(value, SECRET)?;
        let mut template = Self {
            place: Place::Header(name),
            before: before.to_owned(),
            after: after.to_owned(),
            coded: None,
        };
        if let Some((outside, within)) = before.split_once(CODED) {
            let (within_after, outside_after) =
                after.split_once(')').ok_or(TemplateError::Syntax)?;
            template.before = within.to_owned();
            template.after = within_after.to_owned();
            template.coded = Some((outside.to_owned(), outside_after.to_owned()));
        }
        Ok(template)
    }

    /// The field of `key={secret}`.
    ///
    /// # Errors
    /// It has another form.
    pub fn query(text: &str) -> Result<Self, TemplateError> {
        let (name, value) = text.split_once('=').ok_or(TemplateError::Syntax)?;
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_graphic() && !"&#=?%+".contains(c));
        let (before, after) = around(value, SECRET)?;
        if name.is_empty() || !plain(name) || !plain(before) || !plain(after) {
            return Err(TemplateError::Syntax);
        }
        Ok(Self {
            place: Place::Query(name.to_owned()),
            before: before.to_owned(),
            after: after.to_owned(),
            coded: None,
        })
    }

    /// No field: the secret key that belongs to this access key of AWS, which signs requests.
    ///
    /// # Errors
    /// It has other characters than capitals and digits.
    pub fn aws(access_key: &str) -> Result<Self, TemplateError> {
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        if access_key.is_empty() || !access_key.chars().all(plain) {
            return Err(TemplateError::Syntax);
        }
        let (before, after) = (String::new(), String::new());
        Ok(Self { place: Place::Aws(access_key.to_owned()), before, after, coded: None })
    }

    /// Whether this secret can be sent so.
    ///
    /// # Errors
    /// It is empty, or has other characters than printable ASCII.
    pub fn takes(secret: &SecretString) -> Result<(), TemplateError> {
        let secret = secret.expose_secret();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::Secret);
        }
        Ok(())
    }

    /// The header that carries it, if one does.
    pub(crate) fn of_header(&self) -> Option<&HeaderName> {
        match &self.place {
            Place::Header(name) => Some(name),
            Place::Query(_) | Place::Aws(_) => None,
        }
    }

    /// The field of the query that carries it, if one does.
    pub(crate) fn of_query(&self) -> Option<&str> {
        match &self.place {
            Place::Header(_) | Place::Aws(_) => None,
            Place::Query(name) => Some(name),
        }
    }

    /// The access key that it signs for, if it does.
    pub(crate) fn of_aws(&self) -> Option<&str> {
        match &self.place {
            Place::Header(_) | Place::Query(_) => None,
            Place::Aws(access_key) => Some(access_key),
        }
    }

    /// Put the secret in its place: for the placeholder where the client wrote that, else whole.
    /// `uri` is the path with its query. Returns how it was put there, or nothing if what comes out cannot be sent.
    pub(crate) fn fill(
        &self,
        headers: &mut HeaderMap,
        uri: &mut Zeroizing<String>,
        secret: &SecretString,
        placeholder: &Placeholder,
    ) -> Option<Put> {
        match &self.place {
            Place::Header(name) => self.fill_header(name, headers, secret, placeholder),
            Place::Query(name) => self.fill_query(name, uri, secret, placeholder),
            Place::Aws(_) => None,
        }
    }

    fn fill_header(
        &self,
        name: &HeaderName,
        headers: &mut HeaderMap,
        secret: &SecretString,
        placeholder: &Placeholder,
    ) -> Option<Put> {
        if *name == header::COOKIE {
            return self.fill_cookie(headers, secret, placeholder);
        }
        let had = headers.contains_key(name);
        let mut values = headers.get_all(name).iter();
        let written = values.find_map(|value| self.swapped(value, secret, placeholder));
        let put = match (&written, had) {
            (Some(_), _) => Put::ForPlaceholder,
            (None, true) => Put::ForAnother,
            (None, false) => Put::Added,
        };
        let text = written.unwrap_or_else(|| self.text(secret));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        // All other values of the name go.
        headers.insert(name, value);
        remove_twins(headers, name);
        Some(put)
    }

    /// All cookies in one header (HTTP/2 splits it). The others are somebody else's and stay; of its own name
    /// there is one, since a server may take the first of two, or the last.
    fn fill_cookie(
        &self,
        headers: &mut HeaderMap,
        secret: &SecretString,
        placeholder: &Placeholder,
    ) -> Option<Put> {
        let own = self.before.split_once('=').map(|(name, _)| name.trim());
        // Old servers part cookies at commas too, and take quotes off.
        let twin = |part: &str| {
            let (name, _) = part.split_once('=').unwrap_or((part, ""));
            own.is_some_and(|own| query::is_twin(name.trim().trim_matches('"'), own))
        };
        let mut put = Put::Added;
        let mut kept: Vec<&str> = Vec::new();
        let values = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        for pair in values.flat_map(|value| value.split(';')).map(str::trim) {
            if pair.split(',').any(twin) {
                let holds = pair.contains(placeholder.as_str());
                put = if holds { Put::ForPlaceholder } else { Put::ForAnother };
            } else if !pair.is_empty() {
                kept.push(pair);
            }
        }
        let own = self.text(secret);
        kept.push(&own);
        let text = Zeroizing::new(kept.join("; "));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        headers.insert(header::COOKIE, value);
        Some(put)
    }

    fn fill_query(
        &self,
        name: &str,
        uri: &mut Zeroizing<String>,
        secret: &SecretString,
        placeholder: &Placeholder,
    ) -> Option<Put> {
        let (path, fields) = match uri.split_once('?') {
            Some((path, fields)) => (path.to_owned(), Zeroizing::new(fields.to_owned())),
            None => (uri.to_string(), Zeroizing::default()),
        };
        let mut put = Put::Added;
        let mut kept = Zeroizing::new(String::new());
        let mut filled = false;
        let mut add = |field: &str| {
            if !kept.is_empty() {
                kept.push('&');
            }
            kept.push_str(field);
        };
        for field in fields.split('&').filter(|field| !field.is_empty()) {
            let (written, value) = field.split_once('=').unwrap_or((field, ""));
            if !query::is_twin(written, name) {
                add(field);
                continue;
            }
            let holds =
                memchr::memmem::find(&query::decoded(value), placeholder.as_str().as_bytes());
            put = if holds.is_some() { Put::ForPlaceholder } else { Put::ForAnother };
            // A server may take the first of two, or the last.
            if !std::mem::replace(&mut filled, true) {
                add(&self.field(name, secret));
            }
        }
        if !filled {
            add(&self.field(name, secret));
        }
        *uri = Zeroizing::new(format!("{path}?{}", *kept));
        Some(put)
    }

    fn field(&self, name: &str, secret: &SecretString) -> Zeroizing<String> {
        let secret = query::encoded(secret.expose_secret());
        Zeroizing::new(format!("{name}={}{}{}", self.before, *secret, self.after))
    }

    /// The value with the secret for the placeholder: as it stands there, or in the base64 of `Basic` (RFC
    /// 7617). `None` if it has no placeholder, or has more besides than a client needs: the value is then the
    /// template's.
    fn swapped(
        &self,
        value: &HeaderValue,
        secret: &SecretString,
        placeholder: &Placeholder,
    ) -> Option<Zeroizing<String>> {
        let text = value.to_str().ok()?.trim();
        let (secret, placeholder) = (secret.expose_secret(), placeholder.as_str());
        if let Some((before, after)) = text.split_once(placeholder) {
            let own = self.coded.is_none() && (before, after) == (&self.before, &self.after);
            return (own || is_scheme(before, after)).then(|| replaced(text, placeholder, secret));
        }
        let (scheme, coded) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(STANDARD.decode(coded.trim()).ok()?);
        let decoded = std::str::from_utf8(&decoded).ok()?;
        let own = decoded.split_once(placeholder) == Some((&self.before, &self.after));
        if !(is_login(decoded, placeholder) || (own && self.coded.is_some())) {
            return None;
        }
        let filled = replaced(decoded, placeholder, secret);
        let coded = Zeroizing::new(STANDARD.encode(filled.as_bytes()));
        Some(Zeroizing::new(format!("{scheme} {}", *coded)))
    }

    /// Why nobody can tell which field of a query is the secret's own, if so.
    ///
    /// # Errors
    /// Some servers read a `;` as `&`.
    pub(crate) fn is_plain(&self, fields: &str) -> Result<(), String> {
        let Place::Query(name) = &self.place else { return Ok(()) };
        let twin = |part: &str| query::is_twin(part.split('=').next().unwrap_or_default(), name);
        let split = |field: &&str| field.contains(';') && field.split(';').any(twin);
        match fields.split('&').find(split) {
            Some(_) => Err(format!(
                "its query has the field `{name}` beside a `;`, which some servers read as `&`"
            )),
            None => Ok(()),
        }
    }

    /// The whole value.
    fn text(&self, secret: &SecretString) -> Zeroizing<String> {
        let text = format!("{}{}{}", self.before, secret.expose_secret(), self.after);
        let text = Zeroizing::new(text);
        match &self.coded {
            None => text,
            Some((before, after)) => {
                let coded = Zeroizing::new(STANDARD.encode(text.as_bytes()));
                Zeroizing::new(format!("{before}{}{after}", *coded))
            }
        }
    }
}

/// How a secret came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// The client had written the placeholder.
    ForPlaceholder,
    /// The client had written nothing there.
    Added,
    /// The client had written something else, which is gone.
    ForAnother,
    /// The client had signed with the placeholder.
    Signed,
}

impl fmt::Display for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Put::ForPlaceholder => "for the placeholder",
            Put::Added => "added",
            Put::ForAnother => "for what the client wrote",
            Put::Signed => "signed anew",
        })
    }
}

/// A field that is another one's to HTTP may be the credential's to what turns headers into variables.
fn remove_twins(headers: &mut HeaderMap, name: &HeaderName) {
    let twin = |it: &HeaderName| {
        it != name && one_variable(it.as_str().as_bytes(), name.as_str().as_bytes())
    };
    let twins: Vec<HeaderName> = headers.keys().filter(|it| twin(it)).cloned().collect();
    for twin in twins {
        headers.remove(twin);
    }
}

fn around<'a>(text: &'a str, middle: &str) -> Result<(&'a str, &'a str), TemplateError> {
    let (before, after) = text.split_once(middle).ok_or(TemplateError::Syntax)?;
    if after.contains(middle) { Err(TemplateError::Syntax) } else { Ok((before, after)) }
}

/// The longest name of a scheme, and of what it says its value is.
const LONGEST_WORD: usize = 24;
/// The longest name of a user that is no address. Keys that are taken for users are longer.
const LONGEST_USER: usize = 30;
/// What stands for the password where a key is the user.
const NO_PASSWORDS: [&str; 5] = ["", "x", "x-oauth-basic", "api_token", "unused"];

/// Whether what stands around a placeholder in a header is of no meaning: a scheme, and perhaps what its one value is.
/// Servers take a second word, or what stands before a comma, for a key of its own.
fn is_scheme(before: &str, after: &str) -> bool {
    let word = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(plain)
    };
    let Some((scheme, key)) = before.split_once(' ') else {
        return before.is_empty() && after.is_empty();
    };
    word(scheme)
        && match (key, after) {
            ("", "") => true,
            (key, "") => key.strip_suffix('=').is_some_and(word),
            (key, "\"") => key.strip_suffix("=\"").is_some_and(word),
            _ => false,
        }
}

/// The same of a user and a password.
fn is_login(login: &str, placeholder: &str) -> bool {
    let Some((user, password)) = login.split_once(':') else { return false };
    if user == placeholder {
        return NO_PASSWORDS.iter().any(|known| known.eq_ignore_ascii_case(password));
    }
    let plain = user.bytes().all(|byte| byte.is_ascii_graphic());
    let short = user.len() <= LONGEST_USER || user.contains('@');
    password == placeholder && plain && short && !user.contains(placeholder)
}

/// `str::replace`, without copies of the secret left behind by growing.
fn replaced(text: &str, from: &str, to: &str) -> Zeroizing<String> {
    let count = text.matches(from).count();
    let room = text.len().saturating_add(count.saturating_mul(to.len()));
    let mut out = Zeroizing::new(String::with_capacity(room));
    for (index, part) in text.split(from).enumerate() {
        if index > 0 {
            out.push_str(to);
        }
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = "ghp_realrealreal42";

    fn filled(template: &str, headers: &[(&str, &str)]) -> (Vec<String>, Put) {
        let template = Template::header(template).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let put = template
            .fill(&mut map, &mut Zeroizing::default(), &REAL.into(), &placeholder())
            .unwrap();
        let name = template.of_header().unwrap();
        let values = map.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect();
        assert!(map.get_all(name).iter().all(HeaderValue::is_sensitive));
        (values, put)
    }

    fn placeholder() -> Placeholder {
        Placeholder::fixed("ghp_XXXXXXXXXXXXXX")
    }

    fn filled_query(uri: &str) -> (String, Put) {
        let template = Template::query("key={secret}").unwrap();
        let mut uri = Zeroizing::new(uri.to_owned());
        let secret = "a+b/c==12345678".into();
        let put = template.fill(&mut HeaderMap::new(), &mut uri, &secret, &placeholder()).unwrap();
        (uri.to_string(), put)
    }

    #[test]
    fn a_field_that_a_server_takes_for_the_same_goes() {
        let template = Template::header("x-api-key: {secret}").unwrap();
        let mut map = HeaderMap::new();
        for name in ["x_api_key", "x-api_key", "X_API-Key", "x.api~key", "x-api-keys"] {
            map.append(name.parse::<HeaderName>().unwrap(), "another's".parse().unwrap());
        }
        template.fill(&mut map, &mut Zeroizing::default(), &REAL.into(), &placeholder()).unwrap();
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["x-api-key", "x-api-keys"]);
        assert_eq!(map["x-api-key"], REAL);
    }

    #[test]
    fn the_secret_takes_the_placeholders_place_in_its_header_alone() {
        const BEARER: &str = "authorization: Bearer {secret}";
        assert_eq!(filled(BEARER, &[]), (vec![format!("Bearer {REAL}")], Put::Added));
        assert_eq!(
            filled(BEARER, &[("authorization", "token ghp_XXXXXXXXXXXXXX")]),
            (vec![format!("token {REAL}")], Put::ForPlaceholder)
        );
        assert_eq!(
            filled(BEARER, &[("authorization", "Bearer of-the-attacker")]),
            (vec![format!("Bearer {REAL}")], Put::ForAnother)
        );
        let both = [("authorization", "x"), ("authorization", "Bearer ghp_XXXXXXXXXXXXXX")];
        assert_eq!(filled(BEARER, &both), (vec![format!("Bearer {REAL}")], Put::ForPlaceholder));
    }

    #[test]
    fn nothing_goes_out_beside_the_secret_that_may_be_a_key_too() {
        const BEARER: &str = "authorization: Bearer {secret}";
        let own = || vec![format!("Bearer {REAL}")];
        let basic = |login: &str| format!("Basic {}", STANDARD.encode(login));
        for text in [
            "Bearer other ghp_XXXXXXXXXXXXXX".to_owned(),
            "Bearer ghp_XXXXXXXXXXXXXX other".to_owned(),
            "Bearer other,Bearer ghp_XXXXXXXXXXXXXX".to_owned(),
            "otherghp_XXXXXXXXXXXXXX".to_owned(),
            "Token a=other, b=ghp_XXXXXXXXXXXXXX".to_owned(),
            basic("user:other:ghp_XXXXXXXXXXXXXX"),
            basic("ghp_XXXXXXXXXXXXXX:other"),
            basic("ghp_XXXXXXXXXXXXXX"),
            basic(&format!("{}:ghp_XXXXXXXXXXXXXX", "k".repeat(LONGEST_USER + 1))),
        ] {
            assert_eq!(
                filled(BEARER, &[("authorization", &text)]),
                (own(), Put::ForAnother),
                "{text}"
            );
        }
        for text in [
            "ghp_XXXXXXXXXXXXXX".to_owned(),
            "Klaviyo-API-Key ghp_XXXXXXXXXXXXXX".to_owned(),
            "Token token=ghp_XXXXXXXXXXXXXX".to_owned(),
            "Token token=\"ghp_XXXXXXXXXXXXXX\"".to_owned(),
        ] {
            let expected = vec![text.replace("ghp_XXXXXXXXXXXXXX", REAL)];
            assert_eq!(
                filled(BEARER, &[("authorization", &text)]),
                (expected, Put::ForPlaceholder)
            );
        }
        for login in
            ["a.b+c@example.com:P", "gitlab+deploy-token-1:P", ":P", "P:", "P:x-oauth-basic"]
        {
            let sent = basic(&login.replace('P', "ghp_XXXXXXXXXXXXXX"));
            let expected = vec![basic(&login.replace('P', REAL))];
            assert_eq!(
                filled(BEARER, &[("authorization", &sent)]),
                (expected, Put::ForPlaceholder)
            );
        }
        let own = "authorization: Basic base64(a long name of a user that is one:{secret})";
        let sent = basic("a long name of a user that is one:ghp_XXXXXXXXXXXXXX");
        assert_eq!(filled(own, &[("authorization", &sent)]).1, Put::ForPlaceholder);
        let own = "x-login: of the operator, {secret}; and more";
        let sent = own.split_once(": ").unwrap().1.replace("{secret}", "ghp_XXXXXXXXXXXXXX");
        assert_eq!(filled(own, &[("x-login", &sent)]).1, Put::ForPlaceholder);
    }

    #[test]
    fn basic_is_decoded_and_encoded() {
        let sent = format!("basic {}", STANDARD.encode("x-access-token:ghp_XXXXXXXXXXXXXX"));
        let expected = format!("basic {}", STANDARD.encode(format!("x-access-token:{REAL}")));
        const BEARER: &str = "authorization: Bearer {secret}";
        let (values, put) = filled(BEARER, &[("authorization", &sent)]);
        assert_eq!((values, put), (vec![expected], Put::ForPlaceholder));
        let expected = format!("Basic {}", STANDARD.encode(format!("git:{REAL}")));
        let (values, put) = filled("authorization: Basic base64(git:{secret})", &[]);
        assert_eq!((values, put), (vec![expected], Put::Added));
    }

    #[test]
    fn other_cookies_stay_and_none_has_its_name() {
        for (sent, put) in [
            (vec!["theme=dark"], Put::Added),
            (vec!["session=of-the-attacker; theme=dark"], Put::ForAnother),
            (vec!["session=ghp_XXXXXXXXXXXXXX; theme=dark"], Put::ForPlaceholder),
            (vec!["session = x", "theme=dark;session=y;"], Put::ForAnother),
            (vec!["theme=dark", "session=ghp_XXXXXXXXXXXXXX"], Put::ForPlaceholder),
            (
                vec!["SESSION=x; theme=dark; %73ession=y; \"session\"=z; a=b,session=x"],
                Put::ForAnother,
            ),
        ] {
            let headers: Vec<_> = sent.iter().map(|value| ("cookie", *value)).collect();
            let (values, how) = filled("cookie: session={secret}", &headers);
            assert_eq!(values, [format!("theme=dark; session={REAL}")], "{sent:?}");
            assert_eq!(how, put, "{sent:?}");
        }
        // Its placeholder in another cookie brings that no secret.
        let (values, _) =
            filled("cookie: session={secret}", &[("cookie", "session=x; a=ghp_XXXXXXXXXXXXXX")]);
        assert_eq!(values, [format!("a=ghp_XXXXXXXXXXXXXX; session={REAL}")]);
    }

    #[test]
    fn a_query_has_the_field_once() {
        const FIELD: &str = "key=a%2Bb%2Fc%3D%3D12345678";
        for (uri, expected, put) in [
            ("/v1", format!("/v1?{FIELD}"), Put::Added),
            ("/v1?a=1&b", format!("/v1?a=1&b&{FIELD}"), Put::Added),
            ("/?key=ghp_XXXXXXXXXXXXXX&b=2", format!("/?{FIELD}&b=2"), Put::ForPlaceholder),
            ("/?%6Bey=ghp_XX%58XXXXXXXXXXX", format!("/?{FIELD}"), Put::ForPlaceholder),
            ("/?key=other&a=1&key=more", format!("/?{FIELD}&a=1"), Put::ForAnother),
            ("/?a=1&KEY=other&key[]=x&+key=y", format!("/?a=1&{FIELD}"), Put::ForAnother),
        ] {
            assert_eq!(filled_query(uri), (expected, put), "{uri}");
        }
    }

    #[test]
    fn templates_that_would_split_or_reframe_a_request_are_refused() {
        for bad in ["x-key {secret}", "x-key: none", "a: {secret}{secret}", "a: x\r\nb: {secret}"] {
            assert_eq!(Template::header(bad).unwrap_err(), TemplateError::Syntax, "{bad}");
        }
        assert!(Template::header("authorization: Basic base64(u:{secret}").is_err());
        assert!(matches!(Template::header("Host: {secret}"), Err(TemplateError::Name(_))));
        for bad in ["key", "key=1", "={secret}", "a&b={secret}", "a={secret}&b=1", "a={secret}#"] {
            assert_eq!(Template::query(bad).unwrap_err(), TemplateError::Syntax, "{bad}");
        }
        for bad in ["", "a b", "key\n", "schlüssel"] {
            assert_eq!(Template::takes(&bad.into()), Err(TemplateError::Secret), "{bad}");
        }
    }
}
