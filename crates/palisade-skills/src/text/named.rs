//! Hosts that bear the name of what a package is about.

use std::collections::BTreeSet;

/// Is it how the makers of something call their host, `fluxcd` of Flux or `threejs` of Three? The name is the first label of
/// a domain, the words those of the package's name and purpose. Short names are parts of too many others.
pub(crate) fn is_projects(label: &str, words: &BTreeSet<String>) -> bool {
    const ENDS: &[&str] = &["cd", "js", "db", "lang", "llm", "ai", "labs", "app", "hq"];
    const SHORTEST: usize = 4;
    ENDS.iter()
        .filter_map(|end| label.strip_suffix(end))
        .any(|name| name.len() >= SHORTEST && words.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_host_bears_its_name() {
        let words: BTreeSet<String> = ["flux", "morph", "git"].map(str::to_owned).into();
        assert!(is_projects("fluxcd", &words) && is_projects("morphllm", &words));
        for other in ["flux", "fluxcdn-mirror", "gitlabs", "reflux", "fluxes"] {
            assert!(!is_projects(other, &words), "{other}");
        }
    }
}
