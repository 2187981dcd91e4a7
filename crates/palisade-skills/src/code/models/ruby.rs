//! Ruby's library.

use super::super::call::Call;
use super::super::fold::Decoding;
use super::super::value::{Handle, Known};
use super::Act;

pub(super) fn act(call: &Call) -> Option<Act> {
    let path = call.path.as_str();
    let path = path.strip_prefix("Kernel.").unwrap_or(path);
    Some(match path {
        "Net::HTTP.get"
        | "Net::HTTP.post"
        | "Net::HTTP.post_form"
        | "Net::HTTP.get_response"
        | "URI.open"
        | "HTTParty.get"
        | "HTTParty.post"
        | "Faraday.get"
        | "Faraday.post"
        | "RestClient.get"
        | "RestClient.post"
        | "HTTP.get"
        | "HTTP.post"
        | "Excon.get"
        | "Excon.post"
        | "OpenURI.open_uri"
        | "Net::HTTP::Post.new"
        | "Net::HTTP::Get.new"
        | "Net::HTTP::Put.new" => Act::Http(0),
        "RestClient::Request.execute" => Act::Http(0),
        "TCPSocket.new"
        | "TCPSocket.open"
        | "UDPSocket.new"
        | "Socket.tcp"
        | "Net::HTTP.start"
        | "Net::HTTP.new"
        | "OpenSSL::SSL::SSLSocket.new"
        | "Net::SMTP.start" => Act::Connect,
        "Resolv.getaddress"
        | "Resolv::DNS.new().getresources"
        | "Addrinfo.getaddrinfo"
        | "IPSocket.getaddress"
        | "Socket.getaddrinfo"
        | "Resolv.new().getaddress" => Act::Resolve,
        "`" => Act::ShellLine,
        "system" | "exec" | "spawn" | "IO.popen" | "Open3.capture2" | "Open3.capture3"
        | "Open3.popen3" | "Open3.capture2e" | "Process.spawn" | "PTY.spawn" => {
            match call.count() {
                0 | 1 => Act::ShellLine,
                _ => Act::ProgramOrLine,
            }
        }
        "eval"
        | "instance_eval"
        | "class_eval"
        | "module_eval"
        | "binding.eval"
        | "TOPLEVEL_BINDING.eval" => Act::Eval,
        "Marshal.load" => Act::Unpickle,
        "require" => return None,
        "send" | "public_send" | "__send__" | "Object.const_get" | "Kernel.const_get"
        | "method" => Act::SendName,
        "File.read" | "IO.read" | "File.binread" | "File.readlines" | "IO.readlines"
        | "YAML.load_file" | "JSON.load_file" => Act::Read,
        "File.open" | "open" | "File.new" => Act::Open,
        "File.write" | "IO.write" | "File.binwrite" => Act::Write,
        "FileUtils.cp" | "FileUtils.mv" | "FileUtils.copy" | "File.rename" => Act::Copy,
        "FileUtils.chmod" | "File.chmod" => Act::MakeExecutable,
        "File.delete" | "File.unlink" | "FileUtils.rm" | "FileUtils.rm_f" => Act::Delete,
        "FileUtils.rm_rf"
        | "FileUtils.remove_dir"
        | "FileUtils.rm_r"
        | "FileUtils.remove_entry_secure" => Act::DeleteTree,
        "Dir.glob" | "Dir.entries" | "Find.find" | "Dir.children" => Act::Walk,
        "ENV.fetch" => Act::Variable,
        "ENV.to_h" | "ENV.to_hash" | "ENV.map" | "ENV.each" | "ENV.inspect" | "ENV.to_a" => {
            Act::Environment
        }
        "Dotenv.load" => Act::Dotenv,
        "Clipboard.paste" => Act::Clipboard,
        "Socket.gethostname" | "Etc.getlogin" | "Etc.getpwuid" => Act::Identity,
        "Time.now" | "Date.today" | "DateTime.now" => Act::Clock,
        "Base64.decode64" | "Base64.strict_decode64" | "Base64.urlsafe_decode64" => {
            Act::Decode(Decoding::Base64)
        }
        "Zlib::Inflate.inflate" | "Zlib.inflate" | "Zlib.gunzip" => Act::Decode(Decoding::Inflate),
        "CGI.unescape" | "URI.decode_www_form_component" => Act::Decode(Decoding::Percent),
        "Base64.encode64" | "Base64.strict_encode64" | "Base64.urlsafe_encode64" => Act::Encode,
        "File.join" => Act::PathJoin,
        "File.expand_path"
        | "Pathname.new"
        | "URI"
        | "URI.parse"
        | "JSON.generate"
        | "JSON.parse"
        | "String"
        | "File.absolute_path"
        | "CGI.escape"
        | "URI.encode_www_form"
        | "URI.encode_www_form_component"
        | "StringIO.new" => Act::Same,
        "Dir.home" => Act::Home,
        "Dir.tmpdir" => Act::Temporary,
        "gets" | "STDIN.read" | "$stdin.read" | "ARGF.read" => Act::Argument,
        "puts" | "print" | "p" | "pp" => Act::Print,
        "format" | "sprintf" => Act::FormatPercent,
        _ => return method(call),
    })
}

fn method(call: &Call) -> Option<Act> {
    let connection = matches!(call.receiver.known, Known::Handle(Handle::Connection, _));
    let handle = matches!(call.receiver.known, Known::Handle(..));
    Some(match call.method() {
        "post" | "put" | "request" | "send_request" if connection => Act::Send,
        "write" | "puts" | "print" | "<<" if handle => Act::WriteHandle,
        "send" | "send_message" if connection => Act::Send,
        "gets" | "recv" | "readline" | "readpartial" if connection => Act::Receive,
        "unpack1" | "unpack" => match call.at(0).known_text().as_deref() {
            Some("m" | "m0" | "m*") => Act::DecodeReceiver(Decoding::Base64),
            Some("H*" | "h*") => Act::Encode,
            _ => return None,
        },
        "pack" => match call.at(0).known_text().as_deref() {
            Some("H*") => Act::DecodeList(Decoding::Hex),
            Some("m" | "m0") => Act::Encode,
            Some("c*" | "C*" | "U*") => Act::CodesReceiver,
            _ => return None,
        },
        "chr" => Act::CodesReceiver,
        "ord" => Act::CodeReceiver,
        "reverse" => Act::Reverse,
        "join" => Act::JoinElements,
        "split" => Act::Split,
        "chars" => Act::Chars,
        "map" | "collect" | "each" | "flat_map" | "each_char" => Act::Map,
        "gsub" | "sub" | "tr" if call.count() >= 2 => match call.method() {
            "tr" => Act::Rotate,
            _ => Act::Replace,
        },
        "upcase" => Act::Upper,
        "downcase" => Act::Lower,
        "strip" | "chomp" | "to_s" | "to_str" | "freeze" | "dup" | "lines" | "force_encoding"
        | "encode" | "read" => Act::Receiver,
        "to_i" | "hex" => Act::ToNumber,
        "instance_eval" | "class_eval" | "eval" => Act::Eval,
        "send" | "public_send" | "__send__" => Act::SendName,
        _ => return None,
    })
}
