//! `path` of an endpoint: of several at one host and port, the one with the most literal path decides, and no other.

use palisade_core::HostPattern;

use super::{endpoint, overlap};
use crate::{error::ImportError, tree::Document};

/// Which requests an endpoint decides.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    host: HostPattern,
    ports: Vec<u64>,
    path: String,
}

/// Those of all endpoints.
pub(super) fn all(docs: &[Document]) -> Result<Vec<Selector>, ImportError> {
    let mut all = Vec::new();
    for doc in docs {
        let Some(policies) = doc.table(&doc.root, "network_policies")? else { continue };
        for policy in policies.keys() {
            for node in doc.list(&policy.node, "endpoints")? {
                let host = doc.one_text(node, "host")?.and_then(|(text, _)| text.parse().ok());
                let path = doc
                    .one_text(node, "path")?
                    .map(|(text, _)| text)
                    .filter(|path| !path.is_empty());
                if let (Some(host), Some(path)) = (host, path) {
                    all.push(Selector {
                        host,
                        ports: endpoint::ports(doc, node)?,
                        path: path.to_owned(),
                    });
                }
            }
        }
    }
    Ok(all)
}

fn literal(path: &str) -> usize {
    path.chars().filter(|c| !"*?[]{}".contains(*c)).count()
}

impl Selector {
    /// Whether it decides some of the requests that another endpoint with this path permits at these paths.
    pub(super) fn takes(
        &self,
        host: &HostPattern,
        ports: &[u64],
        path: Option<&str>,
        permitted: &[String],
    ) -> bool {
        let own = path.unwrap_or("**");
        self.path != own
            && literal(&self.path) >= literal(own)
            && overlap(&self.host, host)
            && self.ports.iter().any(|port| ports.contains(port))
            && (permitted.is_empty() || permitted.iter().any(|path| may_meet(path, &self.path)))
    }
}

/// Whether some path may be like both globs: said too often rather than too seldom.
fn may_meet(one: &str, other: &str) -> bool {
    let wild = |name: &str| name.contains(['*', '?', '[', '{']);
    let (mut one, mut other) = (one.split('/').skip(1), other.split('/').skip(1));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(name), _) | (_, Some(name)) if name.contains("**") => return true,
            (None, Some(name)) | (Some(name), None) => return name.is_empty() || wild(name),
            (Some(one), Some(other)) => {
                // There a star of a selector takes slashes too.
                if wild(other) || wild(one) && one.contains('/') {
                    return true;
                }
                if !wild(one) && !one.eq_ignore_ascii_case(other) {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::may_meet;

    #[test]
    fn globs_that_may_meet() {
        for (one, other, expected) in [
            ("/**", "/graphql", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/b/c", false),
            ("/a", "/a/b", false),
            ("/a", "/a/**", true),
            ("/a/b", "/*", true),
            ("/*/**", "/graphql", true),
            ("/a/*/**", "/b", false),
            ("/Graphql", "/graphql", true),
        ] {
            assert_eq!(may_meet(one, other), expected, "{one} {other}");
        }
    }
}
