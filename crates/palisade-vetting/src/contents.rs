use palisade_sandbox::linux::cell::CellLimits;
use palisade_skills::{FileKind, Package, read::Limits};

/// Bytes of texts beyond those that are wanted: what is cut there may be a secret that goes on.
const MORE: usize = 64 * 1024;
/// Bytes that a file's path and its lengths have, at most, on an average.
const FRAME: usize = 1024;

/// What of a package is given out besides its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its texts, so many bytes of them.
    pub texts: Option<usize>,
    /// All of its files.
    pub all: bool,
}

/// What a file is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What an agent reads as orders.
    Prose,
    /// What an agent or an installer obeys.
    Definition,
    /// A program.
    Code,
    /// Other text.
    Data,
    /// No text.
    Other,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its path in the package.
    pub path: String,
    /// What it is.
    pub part: Part,
    /// What is in it; of a text, in UTF-8.
    pub bytes: Vec<u8>,
}

/// What is in a package, as a reader gives it out: hostile, also as to what is called a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its files, those first that are read as orders.
    pub files: Vec<Content>,
    /// Texts that are not whole among them, or not there.
    pub left_out: usize,
}

impl Wanted {
    /// The report alone.
    pub const NOTHING: Self = Self { texts: None, all: false };

    /// What a reader may use that gives this out.
    pub(crate) fn within(self, limits: CellLimits) -> CellLimits {
        let most = Limits::default();
        let all = usize::try_from(most.package).unwrap_or(usize::MAX);
        let bytes = match self {
            Self { all: true, .. } => all,
            Self { texts: Some(texts), .. } => texts.saturating_add(MORE),
            _ => return limits,
        };
        let frames = most.files.saturating_mul(FRAME);
        CellLimits { answer: limits.answer.max(bytes.saturating_add(frames)), ..limits }
    }
}

impl Part {
    const ALL: [Self; 5] = [Self::Prose, Self::Definition, Self::Code, Self::Data, Self::Other];

    fn of(kind: FileKind, bytes: &[u8]) -> Self {
        match kind {
            FileKind::Media | FileKind::Archive | FileKind::Binary => Self::Other,
            _ if std::str::from_utf8(bytes).is_err() => Self::Other,
            FileKind::Prose => Self::Prose,
            FileKind::Definition => Self::Definition,
            FileKind::Data | FileKind::Unknown => Self::Data,
            FileKind::Shell
            | FileKind::Python
            | FileKind::JavaScript
            | FileKind::TypeScript
            | FileKind::PowerShell
            | FileKind::Go
            | FileKind::Ruby => Self::Code,
        }
    }
}

impl Contents {
    /// What is wanted of a package.
    pub(crate) fn of(package: &Package, wanted: Wanted) -> Option<Self> {
        if wanted == Wanted::NOTHING {
            return None;
        }
        let mut found: Vec<_> =
            package.files.iter().map(|file| (Part::of(file.kind, &file.bytes), file)).collect();
        found.sort_by_key(|(part, _)| *part);
        let mut contents = Self::default();
        let mut left = wanted.texts.map_or(0, |texts| texts.saturating_add(MORE));
        for (part, file) in found {
            let whole: &[u8] = &file.bytes;
            let bytes = match part {
                _ if wanted.all => whole,
                Part::Other => continue,
                _ => whole.get(..left.min(whole.len())).unwrap_or_default(),
            };
            if bytes.len() < whole.len() {
                contents.left_out = contents.left_out.saturating_add(1);
                if bytes.is_empty() {
                    continue;
                }
            }
            left = left.saturating_sub(bytes.len());
            contents.files.push(Content { path: file.path.clone(), part, bytes: bytes.to_vec() });
        }
        Some(contents)
    }

    /// Its texts alone, so many bytes of them and as many more as are needed to see what was cut there.
    #[must_use]
    pub fn texts(mut self, most: usize) -> Self {
        let mut left = most.saturating_add(MORE);
        self.files.retain_mut(|file| {
            if file.part == Part::Other {
                return false;
            }
            let whole = file.bytes.len();
            file.bytes.truncate(left);
            left = left.saturating_sub(whole);
            if file.bytes.len() < whole {
                self.left_out = self.left_out.saturating_add(1);
            }
            whole == 0 || !file.bytes.is_empty()
        });
        self
    }

    /// As bytes for a pipe.
    pub(crate) fn to_frames(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes();
        out.extend(number(self.left_out));
        for Content { path, part, bytes } in &self.files {
            out.push(*part as u8);
            for field in [path.as_bytes(), bytes] {
                out.extend(number(field.len()));
                out.extend_from_slice(field);
            }
        }
        out
    }

    /// Out of those bytes, if they are such.
    pub(crate) fn from_frames(frames: &[u8]) -> Option<Self> {
        let most = Limits::default().files;
        let (left_out, mut rest) = number(frames)?;
        let mut files = Vec::new();
        while let Some((part, more)) = rest.split_first() {
            let part = *Part::ALL.get(usize::from(*part))?;
            let (path, more) = field(more)?;
            let (bytes, more) = field(more)?;
            rest = more;
            let path = std::str::from_utf8(path).ok()?.to_owned();
            if files.len() >= most {
                return None;
            }
            files.push(Content { path, part, bytes: bytes.to_vec() });
        }
        Some(Self { files, left_out })
    }
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use palisade_skills::read::from_files;
    use proptest::prelude::*;

    use super::*;

    fn package() -> Package {
        let file = |path: &str, bytes: &[u8]| (path.to_owned(), bytes.to_vec(), false);
        let files = vec![
            file("data.csv", &[b'a'; 100]),
            file("run.py", b"import os\n"),
            file("SKILL.md", b"---\nname: a\n---\n\nBe brief.\n"),
            file("x.png", b"\x89PNG\r\n\x1a\n"),
        ];
        from_files("a", files, Limits::default()).package
    }

    #[test]
    fn texts_come_in_the_order_of_their_weight_within_a_bound() {
        let of = |texts, all| Contents::of(&package(), Wanted { texts, all }).unwrap();
        let names = |contents: &Contents| {
            contents.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>()
        };
        let contents = of(Some(100), false);
        assert_eq!(names(&contents), ["SKILL.md", "run.py", "data.csv"]);
        assert_eq!((contents.files[1].part, contents.left_out), (Part::Code, 0));
        assert_eq!(names(&of(None, true)), ["SKILL.md", "run.py", "data.csv", "x.png"]);
        assert_eq!(Contents::of(&package(), Wanted::NOTHING), None);
        assert_eq!(of(None, true).texts(100), contents);
        let large = from_files(
            "a",
            vec![("a.md".into(), vec![b'a'; MORE], false), ("b.md".into(), vec![b'b'; 20], false)],
            Limits::default(),
        );
        let cut = Contents::of(&large.package, Wanted { texts: Some(10), all: false }).unwrap();
        assert_eq!((cut.files.len(), cut.files[1].bytes.len(), cut.left_out), (2, 10, 1));
        let all = Contents::of(&large.package, Wanted { texts: Some(10), all: true }).unwrap();
        assert_eq!((all.files[1].bytes.len(), all.left_out), (20, 0));
        assert_eq!(all.texts(10), cut);
    }

    proptest! {
        #[test]
        fn any_bytes_are_contents_or_none(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let contents = Contents::of(&package(), Wanted { texts: None, all: true }).unwrap();
            let mut bytes = contents.to_frames();
            prop_assert_eq!(Contents::from_frames(&bytes), Some(contents));
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes.truncate(cut.index(bytes.len()));
            drop(Contents::from_frames(&bytes));
        }
    }
}
