//! What the libraries of each language do: from the qualified name of a call to an [`Act`].

mod go;
mod javascript;
mod powershell;
mod python;
mod ruby;

use super::call::Call;
use super::fold::Decoding;
use super::language::Language;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A request over HTTP: the address is the argument at this position, or the first that looks
    /// like one; all else is sent.
    Http(usize),
    /// The same, but the result is saved to the second argument.
    Download,
    /// A connection is opened to a host.
    Connect,
    /// Data is sent on the receiver.
    Send,
    /// Bytes come from the receiver.
    Receive,
    /// A name is looked up.
    Resolve,
    /// Mail.
    Mail,
    /// A line for the system's shell.
    ShellLine,
    /// A program and its arguments: one list, or one after the other.
    Program,
    /// Code of the language itself.
    Eval,
    /// Code of the language itself, which becomes a function.
    Compile,
    /// Objects that run code as they are read.
    Unpickle,
    /// A module by a computed name.
    Load,
    /// Attribute by name: object, name.
    Attribute,
    /// A file is read; its path is the first argument.
    Read,
    /// The receiver is the path.
    ReadReceiver,
    /// A file is written: path, content.
    Write,
    /// The same, at its end.
    Append,
    /// The receiver is the path.
    WriteReceiver,
    /// The receiver is an open file.
    WriteHandle,
    /// A file is opened: path, mode.
    Open,
    /// A file becomes another.
    Copy,
    /// A file is made executable.
    MakeExecutable,
    /// A file or tree goes.
    Delete,
    DeleteTree,
    /// The folder's entries, all below it.
    Walk,
    /// An environment variable, of this name.
    Variable,
    /// A variable is set: name, value.
    SetVariable,
    Environment,
    /// A `.env` file is loaded into the environment.
    Dotenv,
    Clipboard,
    Screen,
    Keystrokes,
    Identity,
    Keychain,
    Clock,
    /// The decoding of the first argument.
    Decode(Decoding),
    /// The decoding of the receiver.
    DecodeReceiver(Decoding),
    /// Text made to look like another: base64, hex.
    Encode,
    /// Codes of characters become text.
    FromCodes,
    /// A character's code.
    Code,
    /// The receiver joins the elements of the first argument.
    JoinReceiver,
    /// The first argument joins the elements of the receiver.
    JoinElements,
    /// Parts of a path.
    PathJoin,
    Home,
    Temporary,
    /// The first argument, unchanged.
    Same,
    /// The receiver, unchanged.
    Receiver,
    Concat,
    Replace,
    Split,
    Lower,
    Upper,
    FormatBraces,
    FormatPercent,
    Reverse,
    Chars,
    ToNumber,
    /// The elements of the receiver through a function.
    Map,
    /// A function through the elements: function, list.
    MapFirst,
    Range,
    Zip,
    Enumerate,
    /// The descriptor becomes that of a connection.
    Duplicate,
    /// A terminal with a shell.
    Terminal,
    /// What a person types.
    Argument,
    /// Messages of a chat.
    Channel,
    /// Data joined to something by `pipe`.
    PipeTo,
    /// Encryption.
    Encrypt,
    /// Something is shown to whoever runs it.
    Print,
    /// A function that is called with what arrives on the receiver.
    Arrives,
    /// The code of the receiver's first character, or of that at the position.
    CodeReceiver,
    IndexReceiver,
    SliceReceiver,
    /// The receiver's codes become text.
    CodesReceiver,
    /// The first element of the receiver, decoded.
    DecodeList(Decoding),
    /// A program whose first argument is no part of it.
    ProgramAfterFirst,
    /// A program with arguments; alone, a line for the shell.
    ProgramOrLine,
    /// List, separator.
    JoinSecond,
    /// Separator, list.
    JoinSecondFirst,
    /// Text, from, to.
    ReplaceFirst,
    /// What is read from the second is written to the first.
    CopyStream,
    /// What follows is written to the first.
    WriteFirst,
    /// The arguments in one list.
    Gather,
    /// A header of a request gets a value.
    HeaderSet,
    /// A method by name: name, arguments.
    SendName,
    /// The letters of one set become those of another.
    Rotate,
    /// UTF-16 that was read as bytes.
    WithoutZeros,
    /// The receiver is run.
    InvokeReceiver,
}

impl Act {
    /// Are functions among the arguments called with the result, once it is there?
    pub(crate) fn calls_back(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::ShellLine
                | Self::Resolve
                | Self::Walk
                | Self::Open
                | Self::Variable
                | Self::Clipboard
                | Self::Screen
                | Self::Write
                | Self::Append
        )
    }
}

/// What the call does, if the language's library is known to have it.
pub(crate) fn act(language: Language, call: &Call) -> Option<Act> {
    match language {
        Language::Shell => None,
        Language::Python => python::act(call),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::act(call),
        Language::PowerShell => powershell::act(call),
        Language::Go => go::act(call),
        Language::Ruby => ruby::act(call),
    }
}

/// One name for what a language gives several.
pub(crate) fn canonical(language: Language, path: &str) -> String {
    match language {
        Language::Python => python::canonical(path),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::canonical(path),
        Language::PowerShell => powershell::canonical(path),
        Language::Shell | Language::Go | Language::Ruby => path.to_owned(),
    }
}

/// Is the name that of a method, and no entry of a map?
pub(crate) fn is_method(name: &str) -> bool {
    matches!(
        name,
        "items"
            | "keys"
            | "values"
            | "copy"
            | "read"
            | "text"
            | "content"
            | "json"
            | "decode"
            | "encode"
            | "strip"
            | "split"
            | "splitlines"
            | "readlines"
            | "get"
            | "trim"
            | "toString"
            | "lines"
            | "replace"
            | "join"
            | "map"
            | "filter"
            | "entries"
            | "then"
            | "length"
            | "forEach"
            | "hex"
            | "to_s"
            | "to_h"
            | "to_a"
            | "to_json"
            | "body"
            | "format"
            | "startswith"
            | "endswith"
            | "find"
            | "each"
            | "select"
            | "String"
            | "Bytes"
            | "stdout"
            | "data"
            | "toJSON"
            | "reduce"
            | "slice"
            | "substring"
            | "rstrip"
            | "lstrip"
            | "match"
            | "search"
            | "read_text"
            | "read_bytes"
            | "buffer"
            | "to_sym"
            | "chomp"
            | "inspect"
    )
}

/// Does the object of this method hold its arguments from then on?
pub(crate) fn grows(method: &str) -> bool {
    matches!(
        method,
        "append"
            | "extend"
            | "add"
            | "push"
            | "insert"
            | "update"
            | "unshift"
            | "set"
            | "write"
            | "setdefault"
            | "Add"
            | "AddRange"
            | "concat"
            | "merge!"
            | "WriteString"
            | "Set"
            | "addfile"
            | "file"
            | "attach"
            | "put"
    )
}

/// Does it matter if this is called by a name that is put together from pieces?
pub(crate) fn is_sensitive(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    matches!(
        path,
        "os" | "subprocess"
            | "child_process"
            | "builtins"
            | "socket"
            | "urllib.request"
            | "requests"
            | "ctypes"
            | "pty"
            | "net"
            | "http"
            | "https"
            | "vm"
            | "base64"
            | "marshal"
    ) || matches!(
        last,
        "eval"
            | "exec"
            | "execSync"
            | "system"
            | "popen"
            | "Popen"
            | "spawn"
            | "spawnSync"
            | "Function"
            | "__import__"
            | "b64decode"
            | "atob"
            | "fromCharCode"
            | "urlopen"
            | "environ"
            | "check_output"
            | "execFile"
            | "execFileSync"
            | "DownloadString"
            | "Invoke"
            | "loads"
            | "compile"
            | "instance_eval"
            | "child_process"
            | "fetch"
            | "DownloadFile"
    )
}
