//! Go's library.

use super::super::call::Call;
use super::super::fold::Decoding;
use super::super::value::{Handle, Known};
use super::Act;

pub(super) fn act(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    Some(match path {
        "http.Get" | "http.Post" | "http.PostForm" | "http.Head" => Act::Http(0),
        "http.NewRequest" => Act::Http(1),
        "http.NewRequestWithContext" => Act::Http(2),
        "net.Dial" | "net.DialTimeout" | "tls.Dial" | "websocket.Dial" | "net.DialTCP" => {
            Act::Connect
        }
        "net.LookupHost" | "net.LookupTXT" | "net.LookupIP" | "net.LookupAddr"
        | "net.LookupCNAME" => Act::Resolve,
        "smtp.SendMail" => Act::Mail,
        "exec.Command" | "syscall.Exec" | "os.StartProcess" => Act::Program,
        "exec.CommandContext" => Act::ProgramAfterFirst,
        "plugin.Open" => Act::Load,
        "os.ReadFile" | "ioutil.ReadFile" => Act::Read,
        "os.Open" | "os.Create" | "os.OpenFile" => Act::Open,
        "os.WriteFile" | "ioutil.WriteFile" => Act::Write,
        "os.Rename" => Act::Copy,
        "os.Chmod" => Act::MakeExecutable,
        "os.Remove" => Act::Delete,
        "os.RemoveAll" => Act::DeleteTree,
        "filepath.Walk" | "filepath.WalkDir" | "os.ReadDir" | "filepath.Glob"
        | "ioutil.ReadDir" => Act::Walk,
        "os.Getenv" | "os.LookupEnv" | "syscall.Getenv" => Act::Variable,
        "os.Setenv" => Act::SetVariable,
        "os.Environ" => Act::Environment,
        "godotenv.Load" => Act::Dotenv,
        "clipboard.ReadAll" | "clipboard.Read" => Act::Clipboard,
        "screenshot.CaptureDisplay" | "screenshot.CaptureRect" => Act::Screen,
        "os.Hostname" | "user.Current" => Act::Identity,
        "keyring.Get" => Act::Keychain,
        "time.Now" => Act::Clock,
        "base64.StdEncoding.DecodeString"
        | "base64.URLEncoding.DecodeString"
        | "base64.RawStdEncoding.DecodeString"
        | "base64.RawURLEncoding.DecodeString" => Act::Decode(Decoding::Base64),
        "hex.DecodeString" => Act::Decode(Decoding::Hex),
        "base64.StdEncoding.EncodeToString"
        | "base64.URLEncoding.EncodeToString"
        | "hex.EncodeToString" => Act::Encode,
        "string" if call.at(0).elements().is_some() => Act::FromCodes,
        "string"
        | "[]byte"
        | "strings.NewReader"
        | "bytes.NewBuffer"
        | "bytes.NewReader"
        | "bytes.NewBufferString"
        | "ioutil.ReadAll"
        | "io.ReadAll"
        | "json.Marshal"
        | "url.QueryEscape"
        | "strings.TrimSpace"
        | "bufio.NewReader"
        | "bufio.NewScanner"
        | "os.ExpandEnv"
        | "filepath.Clean"
        | "filepath.Abs"
        | "context.WithTimeout" => Act::Same,
        "filepath.Join" | "path.Join" => Act::PathJoin,
        "strings.Join" => Act::JoinSecond,
        "strings.ReplaceAll" | "strings.Replace" => Act::ReplaceFirst,
        "fmt.Sprintf" | "fmt.Sprint" => Act::FormatPercent,
        "strings.ToLower" | "strings.ToUpper" => Act::Same,
        "fmt.Println" | "fmt.Printf" | "fmt.Print" | "log.Println" => Act::Print,
        "os.UserHomeDir" => Act::Home,
        "os.TempDir" => Act::Temporary,
        "io.Copy" => Act::CopyStream,
        "fmt.Fprintf" | "fmt.Fprint" | "fmt.Fprintln" | "io.WriteString" => Act::WriteFirst,
        "syscall.Dup2" => Act::Duplicate,
        "append" => Act::Gather,
        "byte" | "rune" | "int" | "uint8" => Act::Same,
        "bufio.NewReader().ReadString" => Act::Same,
        _ => return method(call),
    })
}

fn method(call: &Call) -> Option<Act> {
    let handle = matches!(call.receiver.known, Known::Handle(..));
    let connection = matches!(call.receiver.known, Known::Handle(Handle::Connection, _));
    Some(match call.method() {
        "Do" => Act::Same,
        "Write" | "WriteString" if handle => Act::WriteHandle,
        "Read" | "ReadString" if connection => Act::Receive,
        "Set" | "Add" if call.path.contains("Header") => Act::HeaderSet,
        "Run" | "Output" | "CombinedOutput" | "Start" => Act::Receiver,
        "ReadString" | "Text" | "String" | "Bytes" => Act::Receiver,
        _ => return None,
    })
}
