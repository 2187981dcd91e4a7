//! Signatures of AWS, version 4: a client signs with the placeholder of its secret key, and the request
//! is signed anew with the real one. See "Signing AWS API requests" of AWS' documentation.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use palisade_core::SecretString;
use palisade_sigv4::{ALGORITHM, DATE, ToSign, hash};

use super::query;

/// Tells that what is signed is not the body.
const PAYLOAD: &str = "x-amz-content-sha256";

/// What of a request is signed.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// The body, if it was read.
    pub(crate) body: Option<&'a [u8]>,
}

/// What a client wrote into its `Authorization`.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    /// `date/region/service/aws4_request`.
    scope: &'a str,
    service: &'a str,
    headers: Vec<&'a str>,
}

/// The `Authorization` of this request with the real key. The date, the region, the service and the list of
/// signed fields are the client's.
///
/// # Errors
/// It cannot be signed so. The text says why.
pub(crate) fn authorization(
    request: &Signed<'_>,
    access_key: &str,
    secret: &SecretString,
) -> Result<HeaderValue, String> {
    const UNSIGNED: &str = "the request is not signed with AWS4-HMAC-SHA256 in its Authorization; sign it with \
                            the placeholder as the secret key";
    let written = request.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let asked = written.and_then(read).ok_or(UNSIGNED)?;
    // A signature without a host is good for any.
    if request.uri.authority().is_none() {
        return Err("the request's target names no host".to_owned());
    }
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let date = text(DATE).ok_or("the request has no x-amz-date")?;
    if !asked.scope.starts_with(date.get(..8).unwrap_or("-")) {
        return Err("the request's date is not that of its signature".to_owned());
    }
    let payload = match (text(PAYLOAD), request.body) {
        (Some(said), _) if said.starts_with("STREAMING-AWS4-") => {
            return Err(
                "a body that is signed in pieces cannot be signed anew; switch that off in the \
                        client (for S3: `payload_signing_enabled = false`)"
                    .to_owned(),
            );
        }
        (Some(said), _) => said.to_owned(),
        (None, Some(body)) => hash(body),
        (None, None) => return Err("the request's body was not read".to_owned()),
    };
    let (canonical, names) = canonical(request, &asked, &payload);
    let to_sign = ToSign { stamp: date, scope: asked.scope, names: &names, canonical: &canonical };
    palisade_sigv4::authorization(&to_sign, access_key, secret).map_err(|_| UNSIGNED.to_owned())
}

fn read(authorization: &str) -> Option<Asked<'_>> {
    let rest = authorization.strip_prefix(ALGORITHM)?.trim_start();
    let mut parts = rest.split(',').map(str::trim);
    let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
    let (credential, headers, _) =
        (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let (_, scope) = credential.split_once('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let scoped: Vec<&str> = scope.split('/').collect();
    match scoped.as_slice() {
        [date, region, service, "aws4_request"]
            if date.len() == 8
                && [date, region, service].iter().all(|it| it.chars().all(plain)) =>
        {
            Some(Asked { scope, service, headers: headers.split(';').collect() })
        }
        _ => None,
    }
}

/// The request in its one form, and the names of the fields in it.
fn canonical(request: &Signed<'_>, asked: &Asked<'_>, payload: &str) -> (String, String) {
    let path = match (request.uri.path(), asked.service) {
        ("", _) => "/".to_owned(),
        (path, "s3" | "s3-object-lambda" | "s3express") => path.to_owned(),
        // All others encode what is encoded already.
        (path, _) => normalized(path)
            .split('/')
            .map(|it| query::encoded(it).to_string())
            .collect::<Vec<_>>()
            .join("/"),
    };
    let mut fields: Vec<(String, String)> = request
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (again(name), again(value))
        })
        .collect();
    fields.sort();
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut names: Vec<&str> = asked.headers.clone();
    // Without these the signature would be good for another server, or at another time.
    names.extend(["host", DATE]);
    names.sort_unstable();
    names.dedup();
    let mut lines = String::new();
    let mut signed = Vec::new();
    for name in names {
        let value = match name {
            "host" => request.uri.authority().map(|it| it.as_str().to_owned()),
            // Each time that it is signed it is another one.
            "authorization" => None,
            name => joined(request.headers, name),
        };
        // What is not sent cannot be signed.
        if let Some(value) = value {
            lines.push_str(&format!("{name}:{value}\n"));
            signed.push(name);
        }
    }
    let names = signed.join(";");
    let method = request.method;
    (format!("{method}\n{path}\n{}\n{lines}\n{names}\n{payload}", fields.join("&")), names)
}

/// All values of a field, each with single blanks.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    });
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Without `.`, `..` and empty parts, as AWS has it but for S3.
fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// In the one encoding that counts. A `+` is one.
fn again(text: &str) -> String {
    let decoded = query::decoded(&text.replace('+', "%2B"));
    query::encoded_bytes(&decoded).to_string()
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn signature(request: http::request::Builder, body: Option<&[u8]>, key: &str) -> String {
        let secret =
            if key == "AKIDEXAMPLE" { SECRET } else { "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
        let (head, ()) = request.body(()).unwrap().into_parts();
        let signed = Signed { method: &head.method, uri: &head.uri, headers: &head.headers, body };
        let value = authorization(&signed, key, &secret.into()).unwrap();
        value.to_str().unwrap().to_owned()
    }

    fn asked(scope: &str, headers: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=PLACEHOLDER/{scope}, SignedHeaders={headers}, Signature=00"
        )
    }

    /// The examples of AWS' documentation: "Create a signed request", and of S3 "Authenticating requests".
    #[test]
    fn the_published_examples_have_their_signatures() {
        let request =
            Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
                .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
                .header("x-amz-date", "20150830T123600Z")
                .header(
                    "authorization",
                    asked("20150830/us-east-1/iam/aws4_request", "content-type;host;x-amz-date"),
                );
        assert_eq!(
            signature(request, Some(b""), "AKIDEXAMPLE"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let scope = "20130524/us-east-1/s3/aws4_request";
        let get = |path: &str| {
            Request::get(format!("https://examplebucket.s3.amazonaws.com/{path}"))
                .header("x-amz-date", "20130524T000000Z")
                .header("x-amz-content-sha256", empty)
        };
        for (request, headers, expected) in [
            (
                get("test.txt").header("range", "bytes=0-9"),
                "host;range;x-amz-content-sha256;x-amz-date",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                get("?lifecycle"),
                "host;x-amz-content-sha256;x-amz-date",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                get("?max-keys=2&prefix=J"),
                "host;x-amz-content-sha256;x-amz-date",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let request = request.header("authorization", asked(scope, headers));
            let signed = signature(request, None, "AKIAIOSFODNN7EXAMPLE");
            assert!(
                signed.ends_with(&format!("SignedHeaders={headers}, Signature={expected}")),
                "{signed}"
            );
        }
    }

    #[test]
    fn paths_of_other_services_are_encoded_twice() {
        assert_eq!(normalized("/a/./b/../c//d/"), "/a/c/d/");
        assert_eq!(normalized("/../.."), "/");
        assert_eq!(again("a+b%20c~"), "a%2Bb%20c~");
    }

    #[test]
    fn what_cannot_be_signed_says_why() {
        let scope = "20130524/us-east-1/s3/aws4_request";
        let request = |date: &str, authorization: &str, payload: &str| {
            let (head, ()) = Request::put("https://b.s3.amazonaws.com/x")
                .header("x-amz-date", date)
                .header("x-amz-content-sha256", payload)
                .header("authorization", authorization)
                .body(())
                .unwrap()
                .into_parts();
            let signed =
                Signed { method: &head.method, uri: &head.uri, headers: &head.headers, body: None };
            authorization_of(&signed)
        };
        fn authorization_of(signed: &Signed<'_>) -> Result<HeaderValue, String> {
            authorization(signed, "AKIA", &SECRET.into())
        }
        let good = asked(scope, "host");
        request("20130524T000000Z", &good, "UNSIGNED-PAYLOAD").unwrap();
        for (date, authorization, payload, says) in [
            ("20130525T000000Z", &*good, "x", "date"),
            ("", &good, "x", "date"),
            ("20130524T000000Z", "Bearer x", "x", "not signed"),
            (
                "20130524T000000Z",
                &asked("20130524/us east/s3/aws4_request", "host"),
                "x",
                "not signed",
            ),
            ("20130524T000000Z", &good, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "in pieces"),
        ] {
            let why = request(date, authorization, payload).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    proptest! {
        #[test]
        fn nonsense_is_no_signature(text in ".{0,100}") {
            prop_assert_eq!(read(&text), None);
        }
    }
}
