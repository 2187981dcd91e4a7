use std::{fmt, str::FromStr, sync::Arc};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use globset::{GlobBuilder, GlobMatcher};
use serde::{Serialize, Serializer};

use crate::Lineage;

/// How a digest begins where a program is named by it.
const SHA256: &str = "sha256:";
/// Programs of one caller that a text lists.
const MOST_SHOWN: usize = 3;
/// Characters of a path that a text shows.
const LONGEST_SHOWN: usize = 200;

/// Who makes a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Caller {
    /// Nobody has looked: nothing that decides depends on it.
    #[default]
    Unasked,
    /// It cannot be told, for this reason.
    Unknown(Arc<str>),
    /// All of these: more than one where several processes have the connection.
    Known(Arc<[Program]>),
}

/// A program that runs inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path of its executable inside, as the kernel has it: links followed, whatever `argv[0]` says.
    pub path: String,
    /// The SHA-256 of the executable, where a rule is about it.
    pub digest: Option<[u8; 32]>,
    /// Whether it lies where the agent can write. Its path then says nothing of what it is.
    pub changeable: bool,
    /// The file that is its first argument, as it is with an interpreter and its script. The process itself
    /// says so: it is shown, and nothing is decided by it.
    pub script: Option<String>,
    /// The executables of the processes that it comes from, the nearest first.
    pub ancestors: Vec<String>,
    /// The process that was looked at, and those that it comes from.
    pub lineage: Lineage,
    /// The skills with a policy of their own that it comes from, or another that has the connection. The kernel keeps it.
    pub skills: Vec<String>,
}

/// How much has to be known of a caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Nothing.
    #[default]
    None,
    /// The paths of its programs.
    Paths,
    /// These, and the digests of those that lie where the agent can write: an answer is to be for what was there.
    Changeable,
    /// Their digests too.
    Digests,
}

/// The programs that a rule is for.
#[derive(Clone)]
pub enum ProgramPattern {
    /// Those whose path inside is like this glob, where the agent cannot write.
    Path(PathGlob),
    /// Those with this SHA-256, wherever they lie.
    Digest([u8; 32]),
}

/// An absolute glob: `*` within a name, `**` any depth.
#[derive(Clone)]
pub struct PathGlob {
    text: String,
    matcher: GlobMatcher,
}

/// Why a text names no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramPatternError {
    /// Behind `sha256:` are not 64 hexadecimal digits.
    #[error("a digest is `sha256:` and 64 hexadecimal digits")]
    Digest,
    /// It does not begin with `/`.
    #[error("programs are compared by their whole path")]
    Relative,
    /// It is no glob.
    #[error("it is no glob: {0}")]
    Glob(String),
}

impl Caller {
    /// The programs in a few words, for a reason or a question.
    pub fn shown(&self) -> Option<String> {
        let Caller::Known(programs) = self else { return None };
        let mut shown: Vec<String> =
            programs.iter().take(MOST_SHOWN).map(|program| short(&program.path)).collect();
        shown.dedup();
        if programs.len() > MOST_SHOWN {
            shown.push("…".to_owned());
        }
        Some(shown.join(", "))
    }
}

impl Program {
    /// Its digest as a rule has it, if it is known.
    pub fn shown_digest(&self) -> Option<String> {
        self.digest.as_ref().map(hexadecimal)
    }
}

impl ProgramPattern {
    /// Whether a program is meant.
    pub fn matches(&self, program: &Program) -> bool {
        match self {
            ProgramPattern::Path(glob) => !program.changeable && glob.matches(&program.path),
            ProgramPattern::Digest(digest) => program.digest.as_ref() == Some(digest),
        }
    }

    /// Whether each program that `other` means is meant by this. Globs are compared as texts, so it may say
    /// no where it could say yes.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (ProgramPattern::Path(most), ProgramPattern::Path(asked)) => {
                most.text == asked.text || asked.literal().is_some_and(|path| most.matches(&path))
            }
            (ProgramPattern::Digest(most), ProgramPattern::Digest(asked)) => most == asked,
            (ProgramPattern::Path(_), ProgramPattern::Digest(_))
            | (ProgramPattern::Digest(_), ProgramPattern::Path(_)) => false,
        }
    }
}

impl PathGlob {
    fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }

    /// The one path that it means, if it has no wildcards.
    fn literal(&self) -> Option<String> {
        (!self.text.contains(['*', '?', '[', '{', '\\'])).then(|| self.text.clone())
    }
}

/// An absolute glob, or `sha256:` with 64 hexadecimal digits.
impl FromStr for ProgramPattern {
    type Err = ProgramPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(digits) = text.strip_prefix(SHA256) {
            return digest(digits).map(Self::Digest).ok_or(ProgramPatternError::Digest);
        }
        if !text.starts_with('/') {
            return Err(ProgramPatternError::Relative);
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|error| ProgramPatternError::Glob(error.kind().to_string()))?;
        Ok(Self::Path(PathGlob { text: text.to_owned(), matcher: glob.compile_matcher() }))
    }
}

impl fmt::Display for ProgramPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramPattern::Path(glob) => f.write_str(&glob.text),
            ProgramPattern::Digest(digest) => f.write_str(&hexadecimal(digest)),
        }
    }
}

impl fmt::Debug for ProgramPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramPattern({self})")
    }
}

impl fmt::Debug for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PathGlob").field(&self.text).finish()
    }
}

impl PartialEq for ProgramPattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (ProgramPattern::Path(one), ProgramPattern::Path(other)) => one.text == other.text,
            (ProgramPattern::Digest(one), ProgramPattern::Digest(other)) => one == other,
            (ProgramPattern::Path(_), ProgramPattern::Digest(_))
            | (ProgramPattern::Digest(_), ProgramPattern::Path(_)) => false,
        }
    }
}

impl Eq for ProgramPattern {}

impl Serialize for ProgramPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn digest(digits: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}

fn hexadecimal(digest: &[u8; 32]) -> String {
    format!("{SHA256}{}", HEXLOWER.encode(digest))
}

fn short(path: &str) -> String {
    let mut shown: String = path.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if path.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn program(path: &str) -> Program {
        Program {
            path: path.to_owned(),
            digest: Some([0xab; 32]),
            changeable: false,
            script: None,
            ancestors: Vec::new(),
            lineage: Lineage::default(),
            skills: Vec::new(),
        }
    }

    fn pattern(text: &str) -> ProgramPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_is_compared_whole_and_only_where_the_agent_cannot_write() {
        for (text, path) in [
            ("/usr/bin/git", "/usr/bin/git"),
            ("/**/bin/node", "/opt/node/bin/node"),
            ("/**/bin/node", "/bin/node"),
            ("/usr/bin/python3*", "/usr/bin/python3.12"),
        ] {
            assert!(pattern(text).matches(&program(path)), "{text} {path}");
            let changeable = Program { changeable: true, ..program(path) };
            assert!(!pattern(text).matches(&changeable), "{text} {path}");
        }
        for (text, path) in [
            ("/usr/bin/git", "/usr/bin/git (deleted)"),
            ("/usr/bin/git", "/work/usr/bin/git"),
            ("/usr/*/git", "/usr/lib/x/git"),
            ("/usr/bin/git", "/usr/bin/gitk"),
        ] {
            assert!(!pattern(text).matches(&program(path)), "{text} {path}");
        }
    }

    #[test]
    fn a_digest_is_of_the_bytes_wherever_they_lie() {
        let text = format!("sha256:{}", "aB".repeat(32));
        assert_eq!(pattern(&text).to_string(), text.to_lowercase());
        let copied = Program { changeable: true, ..program("/work/x") };
        assert!(pattern(&text).matches(&copied));
        assert!(!pattern(&text).matches(&Program { digest: None, ..copied }));
        for bad in ["sha256:", "sha256:ab", "sha256:zz", "git", "", "~/x", "/a[", "sha512:00"] {
            assert!(bad.parse::<ProgramPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_glob_covers_the_paths_that_it_takes() {
        assert!(pattern("/**/git").covers(&pattern("/usr/bin/git")));
        assert!(pattern("/**/git").covers(&pattern("/**/git")));
        assert!(!pattern("/usr/bin/git").covers(&pattern("/**/git")));
        assert!(!pattern("/**").covers(&pattern(&format!("sha256:{}", "00".repeat(32)))));
    }

    proptest! {
        #[test]
        fn what_is_covered_is_taken(
            most in "/(\\*\\*/)?[ab*]{1,3}(/[ab*]{1,2})?", asked in "/(\\*\\*/)?[ab*]{1,3}(/[ab*]{1,2})?",
            path in "/[ab]{1,3}(/[ab]{1,2}){0,2}",
        ) {
            let (most, asked) = (pattern(&most), pattern(&asked));
            let program = program(&path);
            if most.covers(&asked) && asked.matches(&program) {
                prop_assert!(most.matches(&program));
            }
        }

        #[test]
        fn any_text_is_a_pattern_or_none(text in ".{0,80}") {
            if let Ok(pattern) = text.parse::<ProgramPattern>() {
                prop_assert_eq!(&pattern.to_string().parse::<ProgramPattern>().unwrap(), &pattern);
            }
        }
    }
}
