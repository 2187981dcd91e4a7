//! Packages of an npm registry. The tarball is what the registry's metadata names, by its integrity; nothing is
//! installed, so no lifecycle script is ever run.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{Fetched, SourceError, Unpack, http, last, part};
use crate::{MOST_BYTES, Source};

/// Where packages are, if nothing else is said.
pub const REGISTRY: &str = "https://registry.npmjs.org";
/// Bytes of a version's metadata.
const MOST_METADATA: u64 = 4 << 20;

#[derive(Deserialize)]
struct Version {
    version: String,
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    integrity: Option<String>,
}

pub(super) fn fetch(
    registry: &str,
    package: &str,
    version: Option<&str>,
    folder: &str,
    unpack: Unpack<'_>,
) -> Result<Fetched, SourceError> {
    let registry = registry.trim_end_matches('/');
    let failed = |why: String| SourceError::Http { url: palisade_core::shown(package, 200), why };
    let plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte))
    };
    let scoped = package.strip_prefix('@').and_then(|rest| rest.split_once('/'));
    let named = match scoped {
        Some((scope, name)) => plain(scope) && plain(name),
        None => plain(package),
    };
    let version = version.unwrap_or("latest");
    if !named || !plain(version) {
        return Err(failed(
            "it is no package and version: write `npm:@scope/name@1.2.3`".to_owned(),
        ));
    }
    let url = format!("{registry}/{}/{version}", package.replace('/', "%2f"));
    let metadata = http::get(&url, MOST_METADATA)?;
    let metadata: Version = serde_json::from_slice(&metadata)
        .map_err(|error| failed(format!("the registry's answer is not understood: {error}")))?;
    let integrity = metadata.dist.integrity;
    let integrity =
        integrity.ok_or_else(|| failed("the registry names no integrity".to_owned()))?;
    let tarball = http::get(&metadata.dist.tarball, MOST_BYTES)?;
    if !fits(&tarball, &integrity) {
        return Err(SourceError::Integrity(palisade_core::shown(package, 200)));
    }
    let tree = part(unpack(&tarball)?, folder)?;
    let source = Source::Npm {
        registry: registry.to_owned(),
        package: package.to_owned(),
        version: palisade_core::shown(&metadata.version, 100),
        integrity,
        folder: folder.to_owned(),
    };
    let name = if folder.is_empty() { last(package) } else { last(folder) };
    Ok(Fetched { tree, source, name, archive: Some(tarball) })
}

/// Whether bytes have this integrity (<https://www.w3.org/TR/SRI/>). SHA-1 is not enough.
fn fits(bytes: &[u8], integrity: &str) -> bool {
    let mut known = integrity.split_whitespace().filter_map(|one| {
        let (algorithm, value) = one.split('?').next()?.split_once('-')?;
        let digest = match algorithm {
            "sha512" => Sha512::digest(bytes).to_vec(),
            "sha384" => Sha384::digest(bytes).to_vec(),
            "sha256" => Sha256::digest(bytes).to_vec(),
            _ => return None,
        };
        Some(STANDARD.decode(value).is_ok_and(|value| value == digest))
    });
    let first = known.next();
    first == Some(true) && known.all(|fits| fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::unpack;

    #[test]
    fn integrity_is_of_all_bytes_and_strong() {
        let of = |bytes: &[u8]| format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
        assert!(fits(b"abc", &of(b"abc")));
        assert!(!fits(b"abd", &of(b"abc")));
        assert!(!fits(b"abc", "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0="));
        assert!(!fits(b"abc", &format!("{} {}", of(b"abc"), of(b"abd"))));
        assert!(!fits(b"abc", "") && !fits(b"abc", "sha512-"));
    }

    /// A registry with one package, whose metadata names this integrity.
    fn registry(integrity: Option<&str>) -> String {
        use std::io::{Read, Write};
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        builder.append_data(&mut header, "package/skills/pdf/SKILL.md", &b"text\n"[..]).unwrap();
        gz.write_all(&builder.into_inner().unwrap()).unwrap();
        let tarball = gz.finish().unwrap();
        let own = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
        let integrity = integrity.unwrap_or(&own).to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{at}/pdf.tgz");
        let metadata = serde_json::json!({
            "version": "1.2.3",
            "scripts": {"postinstall": "touch /tmp/ran"},
            "dist": {"tarball": url, "integrity": integrity},
        });
        std::thread::spawn(move || {
            for _ in 0..2 {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).unwrap();
                let asked = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let body = match asked.split(' ').nth(1) {
                    Some("/@acme%2fskills/1.2.3") => metadata.to_string().into_bytes(),
                    Some("/pdf.tgz") => tarball.clone(),
                    other => panic!("{other:?}"),
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(&[head.into_bytes(), body].concat()).unwrap();
            }
        });
        at
    }

    #[test]
    fn a_package_is_what_its_registry_names() {
        let at = registry(None);
        let fetched = fetch(&at, "@acme/skills", Some("1.2.3"), "skills/pdf", &unpack).unwrap();
        assert_eq!((fetched.name.as_str(), fetched.tree.len()), ("pdf", 1));
        let Source::Npm { version, .. } = &fetched.source else { panic!("{fetched:?}") };
        assert_eq!(version, "1.2.3");
        let other = format!("sha512-{}", STANDARD.encode(Sha512::digest(b"other")));
        let wrong = fetch(&registry(Some(&other)), "@acme/skills", Some("1.2.3"), "", &unpack);
        assert!(matches!(wrong, Err(SourceError::Integrity(_))), "{wrong:?}");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for (package, version) in
            [("../x", "1"), ("a/b", "1"), ("@a/../b", "1"), ("a", "../1"), ("", "1"), ("a?", "1")]
        {
            let error =
                fetch("http://127.0.0.1:1", package, Some(version), "", &unpack).unwrap_err();
            assert!(error.to_string().contains("no package"), "{package} {error}");
        }
    }
}
