//! Python's library, and the packages that matter.

use super::super::call::Call;
use super::super::fold::Decoding;
use super::Act;

pub(super) fn canonical(path: &str) -> String {
    let path = path
        .strip_prefix("builtins.")
        .or_else(|| path.strip_prefix("__builtins__."))
        .or_else(|| path.strip_prefix("__builtin__."))
        .or_else(|| path.strip_prefix("globals()."))
        .or_else(|| path.strip_prefix("__builtins__.__dict__."))
        .unwrap_or(path);
    match path.strip_prefix("os.path.") {
        Some(rest) if matches!(rest, "environ") => format!("os.{rest}"),
        _ => path.replace(".__dict__", ""),
    }
}

pub(super) fn act(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    Some(match path {
        "requests.get"
        | "requests.post"
        | "requests.put"
        | "requests.patch"
        | "requests.delete"
        | "requests.head"
        | "httpx.get"
        | "httpx.post"
        | "httpx.put"
        | "httpx.patch"
        | "httpx.stream"
        | "urllib.request.urlopen"
        | "urllib.request.Request"
        | "urllib2.urlopen"
        | "urllib.urlopen"
        | "urlopen"
        | "aiohttp.request"
        | "curl_cffi.requests.get"
        | "curl_cffi.requests.post" => Act::Http(0),
        "requests.request" | "httpx.request" | "urllib3.request" => Act::Http(1),
        "urllib.request.urlretrieve" | "urllib.urlretrieve" | "wget.download" => Act::Download,
        "socket.create_connection"
        | "http.client.HTTPSConnection"
        | "http.client.HTTPConnection"
        | "websocket.create_connection"
        | "websockets.connect"
        | "ftplib.FTP"
        | "paramiko.Transport"
        | "telnetlib.Telnet"
        | "asyncio.open_connection"
        | "websocket.WebSocketApp" => Act::Connect,
        "socket.gethostbyname"
        | "socket.getaddrinfo"
        | "socket.gethostbyname_ex"
        | "dns.resolver.resolve"
        | "dns.resolver.query" => Act::Resolve,
        "smtplib.SMTP" | "smtplib.SMTP_SSL" => Act::Connect,
        "os.system"
        | "os.popen"
        | "subprocess.getoutput"
        | "subprocess.getstatusoutput"
        | "commands.getoutput"
        | "asyncio.create_subprocess_shell" => Act::ShellLine,
        "subprocess.run"
        | "subprocess.call"
        | "subprocess.Popen"
        | "subprocess.check_output"
        | "subprocess.check_call" => Act::Program,
        "os.execv"
        | "os.execvp"
        | "os.execve"
        | "os.execl"
        | "os.execlp"
        | "os.spawnl"
        | "os.spawnv"
        | "os.spawnlp"
        | "asyncio.create_subprocess_exec"
        | "os.startfile" => Act::Program,
        "pty.spawn" => Act::Terminal,
        "exec" | "eval" => Act::Eval,
        "compile" => Act::Compile,
        "types.FunctionType" | "types.CodeType" => Act::Same,
        "runpy.run_path" | "execfile" => Act::Load,
        "pickle.loads" | "pickle.load" | "marshal.loads" | "dill.loads" | "cloudpickle.loads" => {
            Act::Unpickle
        }
        "__import__" | "importlib.import_module" => Act::Load,
        "getattr" => Act::Attribute,
        "vars" | "globals" | "locals" if call.count() == 0 => return None,
        "open" | "io.open" | "codecs.open" | "os.open" | "aiofiles.open" | "gzip.open"
        | "sqlite3.connect" => Act::Open,
        "os.fdopen" => Act::Same,
        "shutil.copy" | "shutil.copyfile" | "shutil.copy2" | "shutil.copytree" | "shutil.move"
        | "os.rename" | "os.replace" => Act::Copy,
        "shutil.make_archive" => Act::Walk,
        "os.chmod" => Act::MakeExecutable,
        "os.remove" | "os.unlink" => Act::Delete,
        "shutil.rmtree" => Act::DeleteTree,
        "os.walk" | "os.listdir" | "os.scandir" | "glob.glob" | "glob.iglob" => Act::Walk,
        "os.getenv"
        | "os.environ.get"
        | "os.environ.setdefault"
        | "os.environ.pop"
        | "environ.get"
            if call.count() < 3 =>
        {
            if path.ends_with("setdefault") {
                Act::SetVariable
            } else {
                Act::Variable
            }
        }
        "os.putenv" => Act::SetVariable,
        "os.environ.copy" | "os.environ.items" => Act::Environment,
        "dotenv.load_dotenv" | "load_dotenv" => Act::Dotenv,
        "dotenv.dotenv_values" => Act::Read,
        "pyperclip.paste"
        | "clipboard.paste"
        | "tkinter.Tk().clipboard_get"
        | "win32clipboard.GetClipboardData" => Act::Clipboard,
        "PIL.ImageGrab.grab"
        | "ImageGrab.grab"
        | "pyautogui.screenshot"
        | "mss.mss"
        | "pyscreenshot.grab"
        | "mss.mss().grab" => Act::Screen,
        "pynput.keyboard.Listener" | "keyboard.on_press" | "keyboard.hook" | "keyboard.record" => {
            Act::Keystrokes
        }
        "platform.node" | "socket.gethostname" | "getpass.getuser" | "os.getlogin"
        | "platform.uname" | "uuid.getnode" | "socket.getfqdn" | "os.uname" => Act::Identity,
        "keyring.get_password"
        | "keyring.get_credential"
        | "browser_cookie3.chrome"
        | "browser_cookie3.load"
        | "browser_cookie3.firefox"
        | "win32crypt.CryptUnprotectData" => Act::Keychain,
        "datetime.now"
        | "datetime.datetime.now"
        | "datetime.date.today"
        | "date.today"
        | "datetime.today"
        | "datetime.datetime.utcnow"
        | "datetime.utcnow"
        | "time.time"
        | "time.localtime"
        | "time.gmtime"
        | "datetime.datetime.today" => Act::Clock,
        "base64.b64decode"
        | "base64.urlsafe_b64decode"
        | "base64.standard_b64decode"
        | "base64.decodebytes"
        | "binascii.a2b_base64"
        | "b64decode" => Act::Decode(Decoding::Base64),
        "base64.b32decode" => Act::Decode(Decoding::Base32),
        "base64.b85decode" => Act::Decode(Decoding::Base85),
        "base64.a85decode" => Act::Decode(Decoding::Ascii85),
        "base64.b16decode" | "bytes.fromhex" | "bytearray.fromhex" | "binascii.unhexlify"
        | "binascii.a2b_hex" => Act::Decode(Decoding::Hex),
        "zlib.decompress" | "gzip.decompress" | "zlib.decompressobj().decompress" => {
            Act::Decode(Decoding::Inflate)
        }
        "lzma.decompress" | "bz2.decompress" => Act::Decode(Decoding::Inflate),
        "urllib.parse.unquote" | "urllib.unquote" => Act::Decode(Decoding::Percent),
        "codecs.decode" => match call.at(1).known_text().as_deref() {
            Some("rot13" | "rot_13") => Act::Decode(Decoding::Rot13),
            Some("hex" | "hex_codec") => Act::Decode(Decoding::Hex),
            Some("base64") => Act::Decode(Decoding::Base64),
            _ => Act::Same,
        },
        "base64.b64encode"
        | "base64.urlsafe_b64encode"
        | "base64.b32encode"
        | "binascii.hexlify"
        | "base64.b16encode"
        | "base64.b85encode" => Act::Encode,
        "chr" | "bytes" | "bytearray" => Act::FromCodes,
        "ord" => Act::Code,
        "os.path.join" => Act::PathJoin,
        "os.path.expanduser"
        | "os.path.expandvars"
        | "os.path.abspath"
        | "os.path.realpath"
        | "os.path.normpath"
        | "str"
        | "Path"
        | "pathlib.Path"
        | "pathlib.PurePath"
        | "json.dumps"
        | "json.loads"
        | "list"
        | "tuple"
        | "iter"
        | "sorted"
        | "set"
        | "urllib.parse.quote"
        | "urllib.parse.quote_plus"
        | "dict"
        | "repr"
        | "asyncio.run"
        | "io.BytesIO"
        | "io.StringIO"
        | "ast.literal_eval" => {
            if path.ends_with("Path") && call.count() > 1 {
                Act::PathJoin
            } else {
                Act::Same
            }
        }
        "Path.home" | "pathlib.Path.home" => Act::Home,
        "tempfile.gettempdir" | "tempfile.mkdtemp" => Act::Temporary,
        "int" => Act::ToNumber,
        "reversed" => Act::Reverse,
        "map" => Act::MapFirst,
        "range" => Act::Range,
        "zip" => Act::Zip,
        "enumerate" => Act::Enumerate,
        "os.dup2" => Act::Duplicate,
        "input" | "sys.stdin.read" | "argparse.ArgumentParser().parse_args" => Act::Argument,
        "print" | "sys.stdout.write" => Act::Print,
        "Fernet" | "cryptography.fernet.Fernet" => return None,
        _ => return method(call),
    })
}

fn method(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    let of = path.rsplit_once('.').map_or("", |(of, _)| of);
    let web = of.contains("requests.")
        || of.contains("httpx.")
        || of.contains("aiohttp.")
        || of.contains("urllib3.")
        || of.contains("http.client")
        || of.ends_with("session")
        || of.ends_with("client") && !of.contains("boto");
    Some(match call.method() {
        "get" | "post" | "put" | "patch" | "delete" if web => Act::Http(0),
        "request" | "urlopen" | "open" if web => Act::Http(1),
        "connect" | "connect_ex" if of.contains("socket.") || call.at(0).elements().is_some() => {
            Act::Connect
        }
        "send" | "sendall" | "sendto" | "storbinary" | "storlines" | "send_message"
        | "sendmail" => Act::Send,
        "recv" | "recvfrom" | "recv_into" => Act::Receive,
        "get_updates" | "getUpdates" => Act::Channel,
        "read_text" | "read_bytes" => Act::ReadReceiver,
        "write_text" | "write_bytes" => Act::WriteReceiver,
        "write" | "writelines" => Act::WriteHandle,
        "rglob" | "glob" | "iterdir" => Act::Walk,
        "expanduser" | "resolve" | "absolute" | "as_posix" | "strip" | "lstrip" | "rstrip"
        | "rstrip_" | "encode" | "copy" | "tolist" | "as_uri" => Act::Receiver,
        "unlink" => Act::Delete,
        "joinpath" => Act::PathJoin,
        "decode" => match call.at(0).known_text().as_deref() {
            Some("base64") => Act::DecodeReceiver(Decoding::Base64),
            Some("hex") => Act::DecodeReceiver(Decoding::Hex),
            Some("rot13") => Act::DecodeReceiver(Decoding::Rot13),
            _ => Act::Receiver,
        },
        "hex" | "hexdigest" => Act::Encode,
        "fromhex" => Act::Decode(Decoding::Hex),
        "join" => Act::JoinReceiver,
        "format" => Act::FormatBraces,
        "replace" if call.count() >= 2 => Act::Replace,
        "split" => Act::Split,
        "lower" => Act::Lower,
        "upper" => Act::Upper,
        "encrypt" => Act::Encrypt,
        "exec_command" => Act::Send,
        _ => return None,
    })
}
