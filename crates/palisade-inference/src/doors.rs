use std::collections::BTreeMap;

use crate::{UpstreamUrl, table::Upstream};

/// A place outside where a provider of the policy is. What a client inside sends there belongs to the
/// gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// A name or an address, as the policy has it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether clients speak TLS there.
    pub secure: bool,
    /// What stands before the paths of the API there, the longest first.
    pub(crate) prefixes: Vec<String>,
}

impl Door {
    /// One for each host and port of these providers.
    pub(crate) fn all<'a>(providers: impl Iterator<Item = &'a Upstream>) -> Vec<Self> {
        let mut doors: BTreeMap<(String, u16), (bool, Vec<String>)> = BTreeMap::new();
        for provider in providers {
            let url: &UpstreamUrl = &provider.url;
            let place = (url.host().to_ascii_lowercase(), url.port());
            let (_, prefixes) = doors.entry(place).or_insert((url.is_https(), Vec::new()));
            let prefix = url.prefix().to_owned();
            if !prefix.is_empty() && !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
        let made = doors.into_iter().map(|((host, port), (secure, mut prefixes))| {
            prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
            Self { host, port, secure, prefixes }
        });
        made.collect()
    }

    /// The path as the gateway knows it: `/api/v1/models` at `https://openrouter.ai/api/v1` is `/v1/models`.
    pub(crate) fn path<'a>(&self, path: &'a str) -> &'a str {
        let rest = self.prefixes.iter().find_map(|prefix| path.strip_prefix(prefix.as_str()));
        rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_an_api_is_taken_off() {
        let door = Door {
            host: "openrouter.ai".into(),
            port: 443,
            secure: true,
            prefixes: vec!["/api".into()],
        };
        assert_eq!(door.path("/api/v1/models?x=1"), "/v1/models?x=1");
        assert_eq!(door.path("/v1/models"), "/v1/models");
        assert_eq!(door.path("/apiv1"), "/apiv1");
    }
}
