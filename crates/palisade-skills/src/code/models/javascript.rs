//! Node's library, the browser's, and the packages that matter.

use super::super::call::Call;
use super::super::fold::Decoding;
use super::Act;

pub(super) fn canonical(path: &str) -> String {
    let mut path = path;
    for start in ["window.", "globalThis.", "global.", "self.", "node:"] {
        path = path.strip_prefix(start).unwrap_or(path);
    }
    let path = match path.strip_prefix("fs/promises") {
        Some(rest) => format!("fs{rest}"),
        None => path.to_owned(),
    };
    let path = path.replace(".promises.", ".").replace(".default.", ".");
    match path.strip_prefix("fs-extra") {
        Some(rest) => format!("fs{rest}"),
        None => path,
    }
}

pub(super) fn act(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    Some(match path {
        "require" | "module.require" | "process.mainModule.require" => Act::Load,
        "fetch"
        | "axios"
        | "axios.get"
        | "axios.post"
        | "axios.put"
        | "axios.patch"
        | "axios.request"
        | "axios.delete"
        | "got"
        | "got.get"
        | "got.post"
        | "got.put"
        | "undici.request"
        | "undici.fetch"
        | "node-fetch"
        | "needle"
        | "superagent.get"
        | "superagent.post"
        | "request"
        | "request.get"
        | "request.post"
        | "http.get"
        | "https.get"
        | "http.request"
        | "https.request"
        | "ky"
        | "ky.post"
        | "ky.get"
        | "bent"
        | "cross-fetch"
        | "phin"
        | "navigator.sendBeacon"
        | "$fetch"
        | "ofetch"
        | "needle.post"
        | "needle.get" => Act::Http(0),
        "WebSocket"
        | "ws"
        | "io"
        | "socket.io-client"
        | "net.connect"
        | "net.createConnection"
        | "tls.connect"
        | "EventSource"
        | "net.Socket().connect"
        | "ssh2.Client().connect"
        | "dgram.createSocket" => Act::Connect,
        "dns.lookup" | "dns.resolve" | "dns.resolve4" | "dns.resolveTxt" | "dns.resolve6"
        | "dns.resolveAny" => Act::Resolve,
        "child_process.exec"
        | "child_process.execSync"
        | "execa.command"
        | "execaCommand"
        | "shelljs.exec"
        | "util.promisify().exec" => Act::ShellLine,
        "child_process.spawn"
        | "child_process.spawnSync"
        | "child_process.execFile"
        | "child_process.execFileSync"
        | "child_process.fork"
        | "execa"
        | "execa.execa"
        | "cross-spawn"
        | "Bun.spawn"
        | "Bun.spawnSync"
        | "Deno.Command" => Act::Program,
        "$" | "Bun.$" | "zx.$" => Act::ShellLine,
        "eval"
        | "vm.runInThisContext"
        | "vm.runInNewContext"
        | "vm.runInContext"
        | "execScript" => Act::Eval,
        "Function" | "vm.Script" | "AsyncFunction" => Act::Compile,
        "setTimeout" | "setInterval" | "setImmediate"
            if !matches!(call.at(0).known, super::super::value::Known::Function(..)) =>
        {
            Act::Eval
        }
        "util.promisify" => Act::Same,
        "fs.readFile"
        | "fs.readFileSync"
        | "Bun.file"
        | "Deno.readTextFile"
        | "Deno.readTextFileSync"
        | "Deno.readFile"
        | "fs.readJson"
        | "fs.readJsonSync" => Act::Read,
        "fs.createReadStream" => Act::Open,
        "fs.createWriteStream" => Act::Open,
        "fs.writeFile"
        | "fs.writeFileSync"
        | "Bun.write"
        | "Deno.writeTextFile"
        | "Deno.writeTextFileSync"
        | "fs.outputFile"
        | "fs.outputFileSync"
        | "Deno.writeFile" => Act::Write,
        "fs.appendFile" | "fs.appendFileSync" => Act::Append,
        "fs.copyFile" | "fs.copyFileSync" | "fs.rename" | "fs.renameSync" | "fs.copy"
        | "fs.cpSync" => Act::Copy,
        "fs.chmod" | "fs.chmodSync" => Act::MakeExecutable,
        "fs.unlink" | "fs.unlinkSync" => Act::Delete,
        "fs.rm" | "fs.rmSync" | "fs.rmdirSync" | "rimraf" | "rimraf.sync" | "fs.remove"
        | "fs.removeSync" | "Deno.remove" | "fs.emptyDirSync" => Act::DeleteTree,
        "fs.readdir" | "fs.readdirSync" | "glob" | "glob.sync" | "fast-glob" | "glob.glob"
        | "fast-glob.sync" => Act::Walk,
        "Deno.env.get" => Act::Variable,
        "Deno.env.toObject" => Act::Environment,
        "dotenv.config" => Act::Dotenv,
        "clipboardy.read" | "clipboardy.readSync" | "navigator.clipboard.readText" => {
            Act::Clipboard
        }
        "screenshot-desktop" => Act::Screen,
        "os.hostname" | "os.userInfo" | "os.networkInterfaces" => Act::Identity,
        "keytar.getPassword" | "keytar.findCredentials" => Act::Keychain,
        "Date.now" | "Date" => Act::Clock,
        "atob" => Act::Decode(Decoding::Base64),
        "Buffer.from" | "Buffer" => match call.at(1).known_text().as_deref() {
            Some("base64" | "base64url") => Act::Decode(Decoding::Base64),
            Some("hex") => Act::Decode(Decoding::Hex),
            _ if call.at(0).elements().is_some() => Act::FromCodes,
            _ => Act::Same,
        },
        "Uint8Array.from" | "Uint8Array" | "TextEncoder().encode" => Act::Same,
        "TextDecoder().decode" => {
            if call.at(0).elements().is_some() {
                Act::FromCodes
            } else {
                Act::Same
            }
        }
        "zlib.inflateSync"
        | "zlib.gunzipSync"
        | "zlib.unzipSync"
        | "zlib.inflateRawSync"
        | "zlib.brotliDecompressSync"
        | "pako.inflate" => Act::Decode(Decoding::Inflate),
        "decodeURIComponent" | "unescape" | "decodeURI" => Act::Decode(Decoding::Percent),
        "btoa" => Act::Encode,
        "String.fromCharCode"
        | "String.fromCodePoint"
        | "String.fromCharCode.apply"
        | "String.fromCharCode.call" => Act::FromCodes,
        "path.join" | "path.resolve" => Act::PathJoin,
        "os.homedir" => Act::Home,
        "os.tmpdir" => Act::Temporary,
        "JSON.stringify"
        | "JSON.parse"
        | "String"
        | "Promise.resolve"
        | "Promise.all"
        | "Array.from"
        | "encodeURIComponent"
        | "encodeURI"
        | "URL"
        | "Request"
        | "structuredClone"
        | "Object.entries"
        | "Object.keys"
        | "Object.values"
        | "Object.fromEntries"
        | "querystring.stringify"
        | "URLSearchParams"
        | "path.normalize"
        | "escape" => Act::Same,
        "Object.assign" => return None,
        "parseInt" | "Number" => Act::ToNumber,
        "process.exit" => return None,
        "console.log" | "console.info" | "process.stdout.write" | "console.error" => Act::Print,
        "crypto.createCipheriv" | "crypto.publicEncrypt" => Act::Encrypt,
        "nodemailer.createTransport().sendMail" => Act::Mail,
        _ => return method(call),
    })
}

fn method(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    let of = path.rsplit_once('.').map_or("", |(of, _)| of);
    Some(match call.method() {
        "get" | "post" | "put" | "patch" | "request"
            if of.contains("axios.create()")
                || of.contains("got.extend()")
                || of.contains("superagent") =>
        {
            Act::Http(0)
        }
        "write" | "end" => Act::WriteHandle,
        "send" | "sendMessage"
            if matches!(call.receiver.known, super::super::value::Known::Handle(..)) =>
        {
            Act::Send
        }
        "on" | "once" | "addEventListener"
            if matches!(call.receiver.known, super::super::value::Known::Handle(..)) =>
        {
            Act::Arrives
        }
        "pipe" => Act::PipeTo,
        "toString" => match call.at(0).known_text().as_deref() {
            Some("base64" | "hex" | "base64url") => Act::Encode,
            _ => Act::Receiver,
        },
        "trim" | "trimEnd" | "trimStart" | "valueOf" | "normalize" | "flat" | "toWellFormed" => {
            Act::Receiver
        }
        "split" => Act::Split,
        "reverse" | "toReversed" => Act::Reverse,
        "join" => Act::JoinElements,
        "concat" => Act::Concat,
        "replace" | "replaceAll" if call.count() >= 2 => Act::Replace,
        "toLowerCase" => Act::Lower,
        "toUpperCase" => Act::Upper,
        "map" | "flatMap" | "forEach" => Act::Map,
        "charCodeAt" | "codePointAt" => Act::CodeReceiver,
        "charAt" | "at" => Act::IndexReceiver,
        "slice" | "substring" | "substr" => Act::SliceReceiver,
        "constructor" => Act::Compile,
        "sendDocument" => Act::Send,
        _ => return None,
    })
}
