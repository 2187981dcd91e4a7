//! .NET as PowerShell calls it.

use super::super::call::Call;
use super::super::fold::Decoding;
use super::super::value::{Handle, Known};
use super::Act;

pub(super) fn canonical(path: &str) -> String {
    path.strip_prefix("system.").unwrap_or(path).to_owned()
}

pub(super) fn act(call: &Call) -> Option<Act> {
    let path = call.path.to_ascii_lowercase();
    Some(match path.as_str() {
        "convert.frombase64string" => Act::Decode(Decoding::Base64),
        "convert.tobase64string" | "convert.tostring" => Act::Encode,
        "convert.toint32" | "convert.tobyte" | "cast int" | "cast byte" => Act::ToNumber,
        "cast char" | "cast char[]" | "convert.tochar" => Act::FromCodes,
        "cast string"
        | "cast void"
        | "cast xml"
        | "cast byte[]"
        | "cast uri"
        | "text.encoding.utf8.getbytes"
        | "text.encoding.ascii.getbytes"
        | "text.encoding.unicode.getbytes" => Act::Same,
        "text.encoding.utf8.getstring" | "text.encoding.ascii.getstring" => {
            if call.at(0).elements().is_some() { Act::FromCodes } else { Act::Same }
        }
        "text.encoding.unicode.getstring" => Act::WithoutZeros,
        "cast scriptblock" | "scriptblock.create" => Act::Eval,
        "environment.getenvironmentvariable" => Act::Variable,
        "environment.getenvironmentvariables" => Act::Environment,
        "environment.setenvironmentvariable" => Act::SetVariable,
        "environment.getfolderpath" => Act::Home,
        "io.file.readalltext" | "io.file.readallbytes" | "io.file.readalllines" => Act::Read,
        "io.file.writealltext" | "io.file.writeallbytes" => Act::Write,
        "io.file.appendalltext" => Act::Append,
        "io.path.combine" => Act::PathJoin,
        "net.dns.gethostaddresses" | "net.dns.gethostentry" | "net.dns.resolve" => Act::Resolve,
        "net.dns.gethostname" | "environment.machinename" | "environment.username" => Act::Identity,
        "diagnostics.process.start" => Act::Program,
        "reflection.assembly.load" => Act::Eval,
        "datetime.now" => Act::Clock,
        "windows.forms.clipboard.gettext" => Act::Clipboard,
        "string.join" => Act::JoinSecondFirst,
        "array.reverse" => Act::Same,
        _ => return method(call),
    })
}

fn method(call: &Call) -> Option<Act> {
    let handle = matches!(call.receiver.known, Known::Handle(..));
    let connection = matches!(call.receiver.known, Known::Handle(Handle::Connection, _));
    Some(match call.method().to_ascii_lowercase().as_str() {
        "downloadstring" | "downloaddata" | "getstringasync" | "getasync" | "openread" => {
            Act::Http(0)
        }
        "uploadstring" | "uploaddata" | "uploadfile" | "uploadvalues" | "postasync" => Act::Http(0),
        "downloadfile" => Act::Download,
        "getstream" | "trim" | "tostring" | "tochararray" | "readtoend" | "trimend" => {
            Act::Receiver
        }
        "getstring" | "getbytes" if call.count() > 0 => match call.at(0).elements() {
            Some(_) => Act::FromCodes,
            None => Act::Same,
        },
        "read" | "readline" if connection => Act::Receive,
        "write" | "writeline" | "send" if handle => Act::WriteHandle,
        "invoke" | "invokescript" | "invokereturnasis" => Act::InvokeReceiver,
        "-join" => Act::JoinElements,
        "-split" | "split" => Act::Split,
        "-replace" | "replace" => Act::Replace,
        "tolower" => Act::Lower,
        "toupper" => Act::Upper,
        "substring" => Act::SliceReceiver,
        "invokeexpression" | "invokecommand" => Act::Eval,
        _ => return None,
    })
}
