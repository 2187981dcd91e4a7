//! What a request names besides its own path: the server copies from there, or moves to there, with the rights of whoever
//! asks. So that has to be permitted too.

use palisade_core::{Body, HostName, Request as Asked, one_variable};

/// Fields that name what is copied from: a bucket and a key, or a URL.
const SOURCES: [&str; 7] = [
    "x-amz-copy-source",
    "x-bce-copy-source",
    "x-cos-copy-source",
    "x-goog-copy-source",
    "x-ms-copy-source",
    "x-obs-copy-source",
    "x-oss-copy-source",
];
/// Fields that name what is not there any more afterwards, by a path.
const RENAMED: [&str; 2] = ["x-amz-rename-source", "x-ms-rename-source"];
/// Fields that name something within an account whose own place no rule tells (OpenStack Swift).
const UNTOLD: [&str; 2] = ["x-copy-from", "x-object-manifest"];
/// Methods of which `Destination` is a second path (RFC 4918, section 10.3; RFC 5842).
const TO: [&str; 4] = ["COPY", "MOVE", "BIND", "REBIND"];

/// The requests that have to be permitted as well.
///
/// # Errors
/// What a field names cannot be told.
pub(super) fn named(asked: &Asked) -> Result<Vec<Asked>, String> {
    let mut all = Vec::new();
    for (name, value) in &asked.headers {
        let is = |known: &&str| one_variable(name.as_bytes(), known.as_bytes());
        let moved = TO.iter().any(|to| asked.method.eq_ignore_ascii_case(to)) && is(&"destination");
        let source = SOURCES.iter().any(&is);
        if UNTOLD.iter().any(&is) {
            return Err(format!("its header {name} names something elsewhere"));
        }
        if !(source || moved || RENAMED.iter().any(is)) {
            continue;
        }
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        let place = text.and_then(|text| place(text, source, asked));
        let Place { server, path } =
            place.ok_or_else(|| format!("what its header {name} names cannot be told"))?;
        let (host, port, tls) =
            server.unwrap_or_else(|| (asked.host.clone(), asked.port, asked.tls));
        all.push(Asked {
            host,
            port,
            tls,
            method: if source { "GET".to_owned() } else { asked.method.clone() },
            path: path.into_bytes(),
            query: None,
            headers: Vec::new(),
            body: Body::Unread,
            ..asked.clone()
        });
    }
    Ok(all)
}

/// Where a field points.
struct Place {
    /// Host, port and whether by TLS, if it is another one than the request's.
    server: Option<(HostName, u16, bool)>,
    path: String,
}

/// Where this text points, in a request to a host and port. `bucket`: its first part may be a part of the host.
fn place(text: &str, bucket: bool, own: &Asked) -> Option<Place> {
    let text = text.trim().split(['?', '#']).next()?;
    if let Some((scheme, rest)) = text.split_once("://") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (usual, tls) = match scheme.to_ascii_lowercase().as_str() {
            "https" => (443, true),
            "http" => (80, false),
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, usual),
        };
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        return Some(Place { server: Some((host.parse().ok()?, port, tls)), path });
    }
    let rest = text.strip_prefix('/').unwrap_or(text);
    if !bucket {
        return text.starts_with('/').then(|| Place { server: None, path: text.to_owned() });
    }
    let (name, key) = rest.split_once('/')?;
    if name.is_empty() || key.is_empty() {
        return None;
    }
    Some(match service(&own.host) {
        Some(service) => Place {
            server: Some((format!("{name}.{service}").parse().ok()?, own.port, own.tls)),
            path: format!("/{key}"),
        },
        None => Place { server: None, path: format!("/{rest}") },
    })
}

/// The host of the store, of one that has a bucket before it.
fn service(host: &HostName) -> Option<String> {
    let of_store = |label: &str| {
        matches!(label, "s3" | "storage" | "obs" | "cos")
            || ["s3-", "s3express-", "oss-"].iter().any(|begin| label.starts_with(begin))
    };
    let labels: Vec<&str> = host.labels().collect();
    // A bucket may be called as the store is.
    let at = labels.iter().rposition(|label| of_store(label)).filter(|at| *at > 0)?;
    Some(labels.get(at..)?.join("."))
}

#[cfg(test)]
mod tests {
    use palisade_core::Caller;

    use super::*;

    fn asked(host: &str, method: &str, header: (&str, &str)) -> Asked {
        Asked {
            host: host.parse().unwrap(),
            port: 443,
            tls: true,
            address: None,
            method: method.to_owned(),
            path: b"/a/b".to_vec(),
            query: None,
            headers: vec![(header.0.to_owned(), header.1.as_bytes().to_vec())],
            body: Body::Unread,
            caller: Caller::Unasked,
        }
    }

    fn told(host: &str, method: &str, header: (&str, &str)) -> Result<Vec<String>, String> {
        let all = named(&asked(host, method, header))?;
        Ok(all.iter().map(Asked::subject).collect())
    }

    #[test]
    fn what_is_copied_is_read_where_it_is() {
        const COPY: &str = "x-amz-copy-source";
        for (host, method, header, expected) in [
            (
                "mine.s3.eu-1.aws.test",
                "PUT",
                (COPY, "/other/k/x?versionId=1"),
                "GET https://other.s3.eu-1.aws.test/k/x",
            ),
            (
                "mine.s3-eu-1.aws.test",
                "PUT",
                ("x_amz.copy-source", "mine/k%2Fx"),
                "GET https://mine.s3-eu-1.aws.test/k%2Fx",
            ),
            (
                "s3-mine.s3.eu-1.aws.test",
                "PUT",
                (COPY, "other/k"),
                "GET https://other.s3.eu-1.aws.test/k",
            ),
            ("s3.eu-1.aws.test", "PUT", (COPY, "other/k"), "GET https://s3.eu-1.aws.test/other/k"),
            ("minio.test", "PUT", (COPY, "/other/k"), "GET https://minio.test/other/k"),
            (
                "a.b.storage.test",
                "PUT",
                ("x-goog-copy-source", "c.d/k"),
                "GET https://c.d.storage.test/k",
            ),
            (
                "a.blob.test",
                "PUT",
                ("x-ms-copy-source", "https://b.blob.test/c/k?sas"),
                "GET https://b.blob.test/c/k",
            ),
            (
                "a.dfs.test",
                "PUT",
                ("x-ms-rename-source", "/other/k"),
                "PUT https://a.dfs.test/other/k",
            ),
            ("dav.test", "MOVE", ("destination", "/other/k"), "MOVE https://dav.test/other/k"),
            (
                "dav.test",
                "COPY",
                ("destination", "http://b.test:8080/k"),
                "COPY http://b.test:8080/k",
            ),
        ] {
            assert_eq!(told(host, method, header), Ok(vec![expected.to_owned()]), "{header:?}");
        }
        for header in [("destination", "Paris"), ("x-amz-meta-copy-source", "x"), ("accept", "/x")]
        {
            assert_eq!(told("a.test", "POST", header), Ok(vec![]), "{header:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (method, header) in [
            ("PUT", ("x-amz-copy-source", "arn:aws:s3:x")),
            ("PUT", ("x-amz-copy-source", "bucket")),
            ("PUT", ("x-amz-copy-source", "")),
            ("PUT", ("x-amz-copy-source", "b\u{fc}/k")),
            ("PUT", ("x-ms-copy-source", "file:///etc/passwd")),
            ("PUT", ("x-ms-copy-source", "https://user@b.test/k")),
            ("PUT", ("x-ms-rename-source", "k")),
            ("MOVE", ("destination", "k")),
            ("PUT", ("x-copy-from", "/c/k")),
        ] {
            assert!(told("mine.s3.test", method, header).is_err(), "{header:?}");
        }
    }
}
