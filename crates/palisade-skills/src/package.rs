use std::sync::Arc;

/// What a file is, by its bytes first and its name second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Text that an agent reads as orders: `SKILL.md`, references, commands, agents, `AGENTS.md`.
    Prose,
    /// A POSIX shell or bash script.
    Shell,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// PowerShell.
    PowerShell,
    /// Go.
    Go,
    /// Ruby.
    Ruby,
    /// A definition that an agent or an installer obeys: hooks, MCP servers, manifests.
    Definition,
    /// Text that is data.
    Data,
    /// A picture, a font, a sound: bytes with a harmless known form.
    Media,
    /// An archive; its members are files of their own.
    Archive,
    /// Code in a form that no analyser reads: ELF, Mach-O, PE, bytecode, WebAssembly.
    Binary,
    /// Bytes of no known form.
    Unknown,
}

impl FileKind {
    /// Is it in a language that has a parser here?
    pub(crate) fn is_parsed(self) -> bool {
        matches!(
            self,
            FileKind::Shell
                | FileKind::Python
                | FileKind::JavaScript
                | FileKind::TypeScript
                | FileKind::PowerShell
                | FileKind::Go
                | FileKind::Ruby
        )
    }
}

/// One regular file.
#[derive(Debug, Clone)]
pub struct File {
    /// The path inside the package, with `/` between its parts; `outer.zip!/inner` inside archives.
    pub path: String,
    /// All of its bytes.
    pub bytes: Arc<[u8]>,
    /// What it is.
    pub kind: FileKind,
    /// Has it an executable bit?
    pub executable: bool,
}

/// A folder that an agent loads as one thing, as it was read.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// Its files, sorted by path.
    pub files: Vec<File>,
}

impl Package {
    /// The file of this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// What its texts say, all in lower case.
    pub(crate) fn texts_lowered(&self) -> String {
        self.files
            .iter()
            .filter(|file| file.kind == FileKind::Prose)
            .map(|file| String::from_utf8_lossy(&file.bytes).to_lowercase())
            .collect()
    }
}
