//! Decoys of a trial's home, and finding them again in whatever leaves.

use data_encoding::HEXLOWER;
use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::MultiGzDecoder;
use palisade_alarms::{Decoys, Wanted};
use palisade_core::SecretString;
use palisade_egress::credential::Placeholder;

/// Files of the home, in forms that their names promise.
const FILES: [&str; 8] = [
    ".aws/credentials",
    ".kube/config",
    ".npmrc",
    ".netrc",
    ".env",
    "project/.env",
    ".config/gcloud/application_default_credentials.json",
    ".config/app/production.env",
];
const VARIABLES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "NPM_TOKEN",
];
/// So much of a decoy is enough: what leaves by names comes in pieces.
const PIECE: usize = 14;
/// Bytes that a compressed body is looked into.
const MOST_UNPACKED: u64 = 8 << 20;
/// A line of a private key.
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";

#[derive(Debug)]
pub(super) struct Canaries {
    pub(super) files: Vec<(PathBuf, String)>,
    pub(super) variables: Vec<(String, String)>,
    searcher: AhoCorasick,
    /// The decoys of the searcher's patterns.
    names: Vec<String>,
}

impl Canaries {
    /// Made anew. `None` if the system has no random numbers.
    pub(super) fn make() -> Option<Self> {
        let like = |text: &str| {
            Placeholder::like(&SecretString::from(text)).map(|drawn| drawn.as_str().to_owned())
        };
        let files: BTreeSet<PathBuf> = FILES.iter().map(PathBuf::from).collect();
        let variables = VARIABLES.iter().map(|name| (*name).to_owned()).collect();
        let none = BTreeSet::new();
        let wanted = Wanted { files: &files, variables: &variables, hosts: &none };
        let decoys = Decoys::make(wanted, &mut |text| like(text))?;
        let mut tokens: Vec<(String, String)> =
            decoys.tokens().map(|(token, decoy)| (token.to_owned(), decoy.to_owned())).collect();
        let mut files: Vec<(PathBuf, String)> =
            decoys.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        for (path, before, after) in [
            (
                ".ssh/id_ed25519",
                "-----BEGIN OPENSSH PRIVATE KEY-----\n",
                "\n-----END OPENSSH PRIVATE KEY-----\n",
            ),
            (
                ".ssh/id_rsa",
                "-----BEGIN RSA PRIVATE KEY-----\n",
                "\n-----END RSA PRIVATE KEY-----\n",
            ),
            (".git-credentials", "https://dev:", "@github.com\n"),
            (".config/google-chrome/Default/Login Data", "SQLite format 3\n", "\n"),
            (".config/Exodus/exodus.wallet/seed.seco", "SECO\n", "\n"),
        ] {
            let token = like(KEY_LINE)?;
            files.push((path.into(), format!("{before}{token}{after}")));
            tokens.push((token, path.to_owned()));
        }
        let variables: Vec<(String, String)> =
            decoys.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut patterns = BTreeSet::new();
        for (token, decoy) in &tokens {
            for form in forms(token) {
                for piece in form.as_bytes().windows(PIECE).filter(|it| random(it)) {
                    patterns.insert((piece.to_vec(), decoy.clone()));
                }
            }
        }
        let (patterns, names): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(&patterns).ok()?;
        Some(Self { files, variables, searcher, names })
    }

    /// The decoys of which a piece is in these bytes; looks into gzip.
    pub(super) fn found_in(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = self.in_plain(bytes);
        let at = bytes.windows(3).position(|three| three == [0x1f, 0x8b, 8]);
        if let Some(packed) = at.and_then(|at| bytes.get(at..)) {
            let mut plain = Vec::new();
            // What comes before an error counts.
            let mut unpacking = MultiGzDecoder::new(packed).take(MOST_UNPACKED);
            unpacking.read_to_end(&mut plain).unwrap_or_default();
            found.extend(self.in_plain(&plain));
        }
        found
    }

    /// The same for a name that was asked for, whose dots say nothing.
    pub(super) fn found_in_name(&self, name: &str) -> BTreeSet<&str> {
        let joined = name.replace(['.', '-', '_'], "");
        let mut found = self.in_plain(name.as_bytes());
        found.extend(self.in_plain(joined.as_bytes()));
        found
    }

    fn in_plain(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let found = self.searcher.find_iter(bytes);
        found.filter_map(|it| self.names.get(it.pattern().as_usize()).map(String::as_str)).collect()
    }

    /// The decoy file at this path, from the home.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        self.files.iter().any(|(file, _)| file == path)
    }
}

/// A piece that could be met by chance, such as a kind of key's beginning, is none.
fn random(piece: &[u8]) -> bool {
    let kinds: BTreeSet<u8> = piece.iter().copied().collect();
    let fixed = [&b"sk-ant-api"[..], b"ghp_", b"npm_", b"AKIA"];
    kinds.len() > 5 && !fixed.iter().any(|start| piece.windows(start.len()).any(|it| it == *start))
}

/// In what forms it may leave.
fn forms(token: &str) -> Vec<String> {
    let mut forms = vec![token.to_owned(), token.chars().rev().collect()];
    forms.push(HEXLOWER.encode(token.as_bytes()));
    // By where it begins in the text around it, it has one of three forms. The ends depend on what is beside it.
    for before in ["", "x", "xx"] {
        let text = [before, token].concat();
        let coded = STANDARD.encode(text);
        let inner = coded.get(4..coded.len().saturating_sub(4)).unwrap_or_default();
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner.to_owned());
    }
    forms
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_decoy_is_known_in_each_form_and_nothing_else_is() {
        let canaries = Canaries::make().unwrap();
        let (path, text) =
            canaries.files.iter().find(|(path, _)| path.ends_with("id_rsa")).unwrap();
        let name = path.to_str().unwrap();
        let line = text.lines().nth(1).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(text.as_bytes()).unwrap();
        let reversed: String = line.chars().rev().collect();
        let hexadecimal = HEXLOWER.encode(text.as_bytes());
        for bytes in [
            text.clone().into_bytes(),
            STANDARD.encode(text).into_bytes(),
            STANDARD.encode(format!("{{\"k\":\"{line}\"}}")).into_bytes(),
            hexadecimal.clone().into_bytes(),
            reversed.into_bytes(),
            packed.finish().unwrap(),
        ] {
            assert!(canaries.found_in(&bytes).contains(name));
        }
        let part: String = hexadecimal.chars().skip(90).take(40).collect();
        assert!(canaries.found_in_name(&format!("{part}.x.evil.example")).contains(name));
        for other in ["api.github.com", "GET /v1/x?key=sk-ant-api03-", "AKIAIOSFODNN7EXAMPLE"] {
            assert!(canaries.found_in(other.as_bytes()).is_empty(), "{other}");
        }
    }
}
