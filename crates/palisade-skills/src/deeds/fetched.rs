//! Bytes from elsewhere, or decoded ones, that end as code.

use std::sync::LazyLock;

use super::{Report, outward, rules};
use crate::{
    Confidence::{Low, Medium},
    Severity,
    pattern::{Regex, code as pattern},
};

/// One expression in which what is fetched runs, in any language.
static AT_ONCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\.|\bsource|\beval|\bbash|\bsh|\bzsh|\bpython3?|\bnode)\s+(?:-c\s+)?["']?(?:<\(|\$\(|`)[^\n]{0,60}\b(?:curl|wget)\b|\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:env\s+)?(?:\S*/)?(?:ba|z|da|k|a)?sh\b|\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:python|node|perl|ruby|php|deno|bun|osascript)|\beval\s*\([^\n]{0,160}(?:WithContentsOfURL|URLWithString|urlopen|requests\.get|file_get_contents\(\s*["']https?|URI\.open|Net::HTTP|http\.get)|\bexec\s*\([^\n]{0,120}(?:urlopen|requests\.get|httpx\.get|urllib)|importScripts\s*\(\s*["'`]https?:|\.src\s*=\s*["'`](?:https?:)?//|\bimport\s*\(\s*(?:/\*[^*]{0,40}\*/\s*)?(?:["'`]?(?:data:|https?:)|\[)|new\s+Function\s*\([^\n]{0,80}await|\b(?:iex|Invoke-Expression)\b[^\n]{0,160}(?:DownloadString|DownloadData|WebClient|iwr|irm|Invoke-WebRequest|Invoke-RestMethod)|(?:DownloadString|Invoke-RestMethod|\birm\b|\biwr\b)[^\n]{0,160}\|\s*(?:iex|Invoke-Expression)|\bload\s*\(\s*(?:http|socket)|instance_eval[^\n]{0,60}(?:URI|open\(|Net::HTTP)|(?:ClassLoader|addURL|URLClassLoader)[^\n]{0,80}https?:|Assembly\]?::Load\([^\n]{0,120}(?:Download|WebClient)|\.Run\b[^\n]{0,120}responseText|\bExecute(?:Global)?\b[^\n]{0,80}responseText|\bShell\b[^\n]{0,80}responseText|(?:7z|unzip|unrar)\b[^\n]{0,60}\s-[pP]\S{2,}[^\n]{0,120}(?:&&|;)\s*\S*/|\.(?:Run|Exec|ShellExecute)\b[^\n]{0,160}(?:responseText|responseBody)|\b(?:curl|wget)\b[^\n]{0,200}(?:7z\w*\s+x|unzip|unrar\s+x)\s[^\n]{0,60}-[pP]\S+[^\n]{0,120}(?:&&|;)|mshta(?:\.exe)?\s+["']?https?:|regsvr32[^\n]{0,60}/i:https?:|rundll32[^\n]{0,80}https?:|(?:pip3?|uv\s+pip)\s+install[^\n]{0,80}(?:--index-url|--extra-index-url|-i)\s+["']?http"#,
    )
});

/// A variable that holds what was fetched, or the file that it was saved to.
static HELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[\s;&({])(?:const\s+|let\s+|var\s+|local\s+|export\s+|\$)?([A-Za-z_]\w{0,40})\s*:?=\s*["']?(?:\$\(|`|await|\(|requests|urllib|urlopen|httpx|fetch|Net::HTTP|URI|http|file_get_contents|Invoke-|iwr|irm|\(?New-Object)[^\n]{0,160}(?:curl|wget|urlopen|requests|urllib|httpx|fetch|Net::HTTP|URI\.open|http\.[Gg]et|https?://|file_get_contents|DownloadString|Invoke-|iwr|irm)|(?:curl|wget|iwr|Invoke-WebRequest)\b[^\n]{0,200}?\s(?:-[A-Za-z]*[oO]|--output|--output-document|-OutFile)[\s=]*["']?(\\?[$A-Za-z0-9_./~{}-]{1,80})"#,
    )
});

/// Text that is run: what follows is its name.
static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\beval|\bexec|\bsource|(?:^|[\s;&|({`])\.|\bbash(?:\s+-c)?|\bsh(?:\s+-c)?|\bzsh(?:\s+-c)?|\bpython3?(?:\s+-c)?|\bnode(?:\s+-e)?|\bperl|\bruby|new\s+Function|\bFunction|vm\.run\w*|\biex|Invoke-Expression|chmod\s+\S{1,8}|nohup|import|require|runpy\.run_path|compile|instance_eval|ScriptBlock\]::Create|_compile|runInThisContext|runInNewContext|load|loadstring|dofile|\bopen|\bstart)\s*[\s(,'"]{1,8}(?:["'`]data:[^"'`]{0,60}["'`]\s*\+\s*)?(?:encodeURIComponent\()?[\s('"]{0,4}(?:exports?,\s*)?\\?\$?\{?"#,
    )
});

/// An address, and a pipe from whatever fetches it into an interpreter.
static PIPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)https?://([^\s|"'`<>/:]{4,120})[^\s|"'`<>]{0,160}[^\n|]{0,60}\|\s{0,3}(?:sudo\s+(?:-\w{1,3}\s+){0,2})?(?:env\s+)?(?:[\w./~-]{0,40}/)?(?:(?:ba|z|da|k|a|fi)?sh|python3?|node|perl|ruby|php|deno|bun|osascript|pwsh|powershell|iex|Rscript|lua|tclsh)\b"#,
    )
});

/// A command for PowerShell in its encoded form, or in a variable that holds it.
static ENCODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:pwsh|powershell)(?:\.exe)?["']?\b[^\n]{0,160}?\s["']?-e(?:c|nc\w{0,12})?["']?[\s,]{1,3}["']?(?:\$[({]?\w|%\w{1,20}%|[A-Za-z0-9+/=]{40,})"#,
    )
});

/// Bytes come from elsewhere.
static BYTES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"DownloadData|DownloadFile|GetByteArrayAsync|GetStreamAsync|\burlopen|requests\.get|http\.Get\(|HttpClient|URLConnection|openStream\(|HttpWebRequest|UnityWebRequest|dataTask\(|Data\(contentsOf|InternetReadFile|URLDownloadTo|curl_easy|reqwest|ureq::",
    )
});
/// They become code of the program that fetched them.
static LOADED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bAssembly\.Load(?:From)?\(|AssemblyLoadContext|\.EntryPoint\b[^\n]{0,12}Invoke|\bdefineClass\(|DexClassLoader|DexFile|new\s+URLClassLoader|\bmemfd_create|VirtualAlloc|\bCreateThread\(|NSCreateObjectFileImage|\bplugin\.Open\(|Library::new\(|\bdlopen\(|LoadLibrary\w?\(|marshal\.loads|CSharpScript\.\w|CSharpCodeProvider|GroovyShell|luaL_load\w{4,10}|\bloadstring\(|types\.(?:CodeType|FunctionType)\(|Code\.eval|ScriptEngineManager",
    )
});
static PROVED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)sha-?256|sha-?512|checksum|minisign|cosign|verify_?signature|\bgpg\b|integrity")
});

/// What a build tool is told at once is fetched by it first.
static INCLUDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\s{0,4}[-s]?include\s{1,4}\$[({]|^\s{0,4}[-s]?include\s{1,4}[\w./-]{1,60}\.(?:mk|mak|inc)\b|\binclude\s{0,2}\(\s{0,2}[$\x22'\w]|\bapply\s{1,2}from\s{0,2}:\s{0,2}\w{0,8}[\x22'(]|\bload\(\s{0,2}\x22@",
    )
});
static FETCHED_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\$\(shell[^\n]{0,300}(?:https?://|\bcurl\b|\bwget\b|git\s+clone)|\bfile\s{0,2}\(\s{0,2}DOWNLOAD\b|^[\w./$()-]{1,60}\s{0,2}:(?:[^=\n][^\n]{0,80})?\n\t[^\n]{0,80}(?:curl|wget)\b|\bdownload_?(?:file|url|script)\w{0,8}\(|\bhttp_(?:file|archive)\(",
    )
});

/// Text is evaluated whose words do not stand there.
static EVALUATES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:^|[^\w.$'"-])(?:eval|exec)\s*\(\s*[A-Za-z_(\[]|getattr\(\s*__import__\(\s*[a-z_]\w{0,30}[(\[]|\bReflect\.construct\([^\n]{0,60}\.constructor\b|\b_compile\.(?:call|apply)\s*\(|\bAssembly\.Load\(\s*[a-z]\w{0,30}(?:\.ToArray\(\))?\s*\)|[\[(,]\s*["'](?:exec|eval)["']\s*[\])]|new\s+Function\s*\(|\bvm\.run\w*\s*\(|(?i:\b(?:iex|Invoke-Expression)\b)|(?:^|[\s;&|])eval\s+["'$`]|instance_eval|\beval\s+(?:decode_base64|unpack|pack|uncompress|inflate|MIME)\b|Code\.eval_string|GroovyShell\(\)\.evaluate|eval\(\s*parse\(\s*text|getEngineByName\([^\n]{0,40}\)[\s\S]{0,200}?\.eval\(|\bloadstring\s*\(\s*[a-z]|\b(?:assert|pcall)\s*\(\s*load\s*\(|\bcreate_function\s*\(|\bassert\s*\(\s*\$|compile\s*\([^\n]{0,60}["']exec["']|\.constructor\.constructor|\(async\s?\(\)\s?=>\s?\{\s?\}\)\.constructor|\(async\s+function\s?\(\)\s?\{\s?\}\)\.constructor|\bAsyncFunction\s?\(|\[["']constructor["']\]|&\s*\(\s*["']\{\d\}|ScriptBlock\]::Create|FunctionType\s*\(|os\.system\s*\(\s*[A-Za-z_]+\s*\(|execSync\s*\(\s*[A-Za-z_$]+\s*\(|(?:-d|-D|--decode|-r|gunzip|rev|zcat)\b[^\n|]{0,40}\|\s*(?:ba|z|da)?sh\b"#,
    )
});

/// Text comes out of an encoding.
static DECODES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"createDecipher(?:iv)?\(|\bBrotliStream\b|\(byte\)\s*\(\s*\w{1,20}\s*\^|\.ord\b[^\n]{0,40}\.chr\b|b64decode|b85decode|a85decode|b32decode|b16decode|unhexlify|\bfromhex\b|zlib\.decompress|lzma\.decompress|bz2\.decompress|gzip\.decompress|codecs\.decode|marshal\.loads|\bint\([^\n]{0,90},\s*(?:base\s*=\s*)?2\)|\bchr\s*\([^)\n]{0,40}(?:\^|-|\+|int)|\batob\s*\(|["'](?:base64|hex|base64url)["']\s*\)\s*\.toString|Buffer\.from\([^)\n]{0,80},\s*["'](?:base64|hex)|String\.fromCharCode|fromCodePoint|(?i:inflateSync|gunzipSync|inflateRaw|brotliDecompress)|base64\s+(?:-d|-D|--decode)|base64\s+-\w*d|xxd\s+-r|\brev\b\s*[|)]|openssl\s+(?:enc|base64)[^\n]{0,40}\s-d|\bgunzip\b|\btr\s+["']?[a-zA-Z]-[a-zA-Z]|(?i:FromBase64String|GZipStream|DeflateStream|-bxor)|\[char\[?\]?\]|Base64\.(?:\w+_)?decode|\.unpack1?\s*\(\s*["'](?:m|H|u)|Zlib::Inflate|Base\.decode64|Base64\.getDecoder|base64enc|rawToChar|mime\.unb64|general_purpose::\w+\.decode|base64_decode|str_rot13|gzinflate|gzuncompress|decode_base64|pack\s*\(\s*["'](?:H|[CcUW]\*?["']\s*,)|\)\.chr\b[^\n]{0,12}\}|uudecode|parseInt\([^)\n]{0,40},\s*(?:2|8|16|36)\)|\.translate\(|maketrans|\[-1\.\.-\d|["']\s+-f\s+["'(]|-join\s*\(?\[?\s*\$?\w*\s*\[?-1|printf\s+["']\\x|\\x[0-9a-f]{2}\\x[0-9a-f]{2}\\x[0-9a-f]{2}\\x[0-9a-f]{2}"#,
    )
});

/// A command of a shell put together from variables that elsewhere get a part each.
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\beval|\b(?:ba|z)?sh\s+-c)\s+["']?(?:\$\{?\w{1,30}\}?\s?){3,}["']?|(?:^|[\s;&|(])\$\{?\w{1,20}\}?\$\{?\w{1,20}\}?\s+(?:-\w+[^\n]{0,80}|["']?\$\{?\w{1,20}\}?["']?\s{0,3})\|\s*["']?\$\{?\w"#,
    )
});

/// Statements for a database come out of an encoding and are run.
static STATEMENTS: LazyLock<Regex> = LazyLock::new(|| {
    const ENCODED: &str = r"(?:\bunhex\s*\(|\bfrom_base64\s*\(|\bdecode\s*\(\s*'[0-9a-z+/=]{24,}'\s*,\s*'(?:hex|base64|escape)'|\b0x[0-9a-f]{40,}|\bn?(?:char|chr)\s*\(\s*\d{2,3}\s*(?:,\s*\d{2,3}\s*){8,}|(?:\bchr\(\d{2,3}\)\s*\|\|\s*){8,}|utl_raw\.cast_to_varchar2|utl_encode\.)";
    const RUN: &str = r"(?:\bprepare\s+\w{1,40}\s+from\b|\bexecute\s+immediate\b|\bexec(?:ute)?\s*\(?\s*@\w|\bsp_executesql\b|\bexecute\s+(?:format|convert_from|decode|unhex|v_?\w{1,40}|\w{1,40}\s*;))";
    pattern(&format!(r"(?i){ENCODED}[\s\S]{{0,600}}?{RUN}|{RUN}[\s\S]{{0,160}}?{ENCODED}"))
});

/// A macro starts a program whose name or arguments are put together from numbers.
static MACRO_STARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bWin32_Process\b|\bWScript\.Shell\b|\bShell\.Application\b|\bShell\s*\(|\bVBA\.Shell\b|\bShellExecute\b|\bMacScript\s*\(|\bCreateProcess\w?\b"#,
    )
});
static MACRO_SPELLS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bChrW?\$?\(\s*(?:Asc\w?\$?\(|\w{1,20}\(\s*\w{1,20}\s*\)|Val\(|CInt\(|CLng\(|\w{1,20}\s*(?:Xor|-|\+)\s*\w)|\bStrReverse\(|\bArray\(\s*\d{2,3}\s*(?:,\s*\d{2,3}\s*){6,}|(?:\bChrW?\$?\(\s*\d{2,3}\s*\)\s*&\s*){5,}"#,
    )
});

/// What lies in a file of data or of text is run as code.
static DATA_RUNS: LazyLock<Regex> = LazyLock::new(|| {
    const DATA: &str =
        r"\.(?:md|txt|csv|tsv|svg|png|jpe?g|gif|ttf|woff2?|css|po|dat|bin|ico|wav|mp3)\b";
    pattern(&format!(
        r#"(?:\bsed|\bawk|\bgrep|\btail|\bhead|\bcut|\bdd|\bstrings|\bcat)\s[^\n|]{{0,120}}{DATA}[^\n;&`]{{0,160}}\|\s*(?:sudo\s+)?(?:(?:ba|z|da)?sh|python3?|node|perl|ruby|php|source\s+/dev/stdin)\s*(?:-|$|[;&)\n"'`])|\b(?:exec|eval)\s*\(\s*(?:compile\s*\(\s*)?(?:open|Path|pathlib\.Path|fs\.readFileSync|File\.read|readFileSync)\s*\([^\n]{{0,120}}{DATA}|\b(?:new\s+Function|vm\.run\w{{2,20}}|instance_eval|eval)\s*\(?\s*(?:fs\.|File\.)?(?:readFileSync|readFile|read)\s*\(?[^\n]{{0,120}}{DATA}|(?:\beval|\bsource|(?:ba|z)?sh\s+-c)\s+["']?(?:\$\(|<\(|`)\s*(?:sed|awk|grep|tail|head|cut|dd|strings)\s[^\n]{{0,120}}{DATA}"#
    ))
});

/// An object that is read runs what it names.
static OBJECT_RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"!!python/(?:object/apply|object/new|name):\s?["']?(?:os|subprocess|builtins|posix)\.|!ruby/object:Gem::|(?:^|[,\n"])[=+@-]\s?(?i:cmd|powershell|mshta|rundll32)\s?\|\s?'|\bDDEAUTO\b"#,
    )
});

/// The name of what is called is spelled in pieces.
static SPELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\[\s*(?:`\$\{\s*["']\w{1,8}["']\s*\}\w{1,8}`|`\w{1,8}\$\{\s*["']\w{1,8}["']\s*\}`|["']\w{1,8}["']\s*(?:\+|\.\.?|&|~)\s*["']\w{1,8}["'](?:\s*(?:\+|\.\.?|&|~)\s*["']\w{1,8}["']){0,4})\s*\]\s*\(|(?:\bgetattr\(\s*[\w.]{1,40}(?:\(["'][\w.]{1,20}["']\))?\s*,\s*|\b__import__\(\s*|\bimport_module\(\s*|\b(?:globals|locals|vars)\(\)\[\s*|__dict__\[\s*|\brequire\(\s*|\bconst_get\(\s*|\b(?:public_)?send\(\s*|\bget(?:Declared)?Method\(\s*|\bforName\(\s*|\bGet(?:Type|Method)\(\s*|\bSymbol\(\s*|\bNSClassFromString\(\s*|\bGetProcAddress\([^\n"']{0,20})["'][\w.]{1,16}["']\s*(?:\+|\.\.?|&|\*)\s*["']\w{1,16}["']"#,
    )
});

/// Text out of a name server's records is run.
static NAME_SERVER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\beval|\b(?:ba|z)?sh\s+-c|\bsource|\biex\b)[^\n]{0,40}(?:dig|nslookup|host|drill|Resolve-DnsName)\b[^\n]{0,80}\btxt\b|(?:dig|nslookup|drill|Resolve-DnsName)\b[^\n]{0,80}\btxt\b[^\n]{0,120}\|\s*(?:(?:ba|z)?sh|iex|python3?|node)\b|(?:exec|eval|Function)\s*\([^\n]{0,80}(?:resolveTxt|dns\.resolver|LookupTXT)"#,
    )
});

/// What runs and is not written as what it is: in programs, and in files of data that other programs open.
pub(super) fn spelled(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let found = STATEMENTS
        .find(text)
        .or_else(|| MACRO_SPELLS.find(text).filter(|_| MACRO_STARTS.is_match(text)))
        .or_else(|| SPELLED.find(text))
        .or_else(|| DATA_RUNS.find(text))
        .or_else(|| OBJECT_RUNS.find(text));
    if let Some(found) = found {
        let message = "what is run is spelled or kept so that nobody reads it";
        report.say(&rules::DECODED_RUNS, Severity::High, Medium, found.start(), message);
    }
}

/// The folder of the package itself, as its programs name it.
static OWN_FOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:^|[\s;({,$])(?:const\s+|let\s+|var\s+|readonly\s+|local\s+)?([A-Za-z_]\w{0,30})\s{0,3}:?=\s{0,3}[^\n]{0,80}(?:__file__|__dirname|__filename|__DIR__|import\.meta\.(?:url|dirname)|BASH_SOURCE|\$\{?0\b|PSScriptRoot|MyInvocation|\$0\b|__FILE__|FindBin|os\.Args\[0\]|os\.Executable|CLAUDE_(?:SKILL|PLUGIN)_\w{2,8}|SKILL_DIR|\.(?:claude|openclaw|codex|agents)/skills)"#,
    )
});
/// What is fetched is unpacked or written.
static PUTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.extract(?:all|_all\w{0,4})?\(|\bunpack_archive\(|\btar\s+[^\n|;]{0,30}x|\bunzip\b|Expand-Archive|\btar\.(?:x|extract|Extract)\w{0,6}\(|AdmZip|extractAllTo|\bzip\.OpenReader|Gem::Package|ZipFile\.ExtractToDirectory|\bgit["'\s,]+(?:-C[^\n]{1,40})?(?:pull|reset|checkout|clone|fetch)|copytree\(|\.write_(?:text|bytes)\(|writeFile(?:Sync)?\(|File\.(?:write|WriteAll\w{4,6})\(|os\.WriteFile\(|file_put_contents\(|-OutFile\b|\s-[a-zA-Z]*o\s|--output\b|urlretrieve\(|\bcp\s+-|\brsync\s|\bmv\s|\bopen\([^)\n]{1,60}["']wb?["']"#,
    )
});
/// A part of a package that an agent obeys or runs.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bSKILL\.md\b|["'/\\]scripts?["'/\\]|["'/\\][\w-]{1,30}\.(?:py|js|mjs|sh|rb|ps1|pl|php|ts)["']"#,
    )
});
/// Whose code it is: an archive or a raw file of a branch.
static OF_BRANCH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)codeload\.github\.com/[\w.{}$-]{1,60}/|/(?:archive|tar\.gz|zipball|tarball)/(?:refs/heads/)?[a-z]|/archive/[\w./-]{1,40}\.(?:zip|tar\.gz|tgz)|raw\.githubusercontent\.com/[^\s"'`]{3,80}/(?:refs/heads/)?(?:main|master|live|latest|stable|dev|edge|next|release|head|trunk|prod\w*)/|/-/(?:raw|archive)/|api\.github\.com/repos/[^\s"'`]{3,60}/(?:contents|tarball|zipball)|gist\.githubusercontent"#,
    )
});

/// The package replaces its own parts by what somebody serves at the time.
fn replaces_itself(report: &mut Report<'_>) {
    const MOST: usize = 12;
    let text = report.program.text.as_str();
    if report.program.prose || PROVED.is_match(text) || !PUTS.is_match(text) {
        return;
    }
    let served =
        OF_BRANCH.is_match(text) || outward::stranger(report.program, report.profile).is_some();
    if !served || !outward::talks(report.program) {
        return;
    }
    let own: Vec<&str> = super::assembled::names(&OWN_FOLDER, text)
        .into_iter()
        .take(MOST)
        .map(|(_, name)| name)
        .collect();
    let puts_own = PUTS.find_iter(text).take(64).find(|found| {
        let line_end = text.get(found.end()..).and_then(|rest| rest.find('\n'));
        let to = line_end.map_or(text.len(), |end| found.end() + end);
        let from = text.get(..found.start()).and_then(|rest| rest.rfind('\n')).unwrap_or(0);
        let line = text.get(from..to).unwrap_or_default();
        own.iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let plain = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
                plain(line.get(..at).and_then(|text| text.chars().next_back()))
                    && plain(line.get(at + name.len()..).and_then(|text| text.chars().next()))
            })
        }) || line.contains("SKILL.md")
    });
    // Words, fonts and tables go to a folder of their own; what it obeys or runs has a name of its own.
    if let Some(puts) = puts_own
        && PARTS.is_match(text)
    {
        let message = "the package puts what is served at the time in the place of its own parts";
        report.say(&rules::FETCHED_RUNS, Severity::High, Medium, puts.start(), message);
    }
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    replaces_itself(report);
    if let Some(found) = PIECES.find(text) {
        let message = "a command is put together from variables and run";
        report.say(&rules::DECODED_RUNS, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = NAME_SERVER.find(text) {
        let message = "what a name server says is run";
        report.say(&rules::FETCHED_RUNS, Severity::High, Medium, found.start(), message);
    }
    spelled(report);
    let line_of = |at: usize| report.program.line(at).1.trim_start().starts_with('|');
    if let Some((at, host)) =
        super::assembled::names(&PIPED, text).into_iter().find(|(at, host)| {
            !line_of(*at) && outward::is_strange(&host.to_ascii_lowercase(), report.profile)
        })
        && AT_ONCE.find(text).is_none()
    {
        let message = format!("what {} serves is run", palisade_core::shown(host, 60));
        report.say(&rules::FETCHED_RUNS, Severity::High, Medium, at, message);
    }
    if !report.program.prose {
        if let Some(found) = ENCODED.find(text) {
            let message = "a command is kept in an encoding, and run from it";
            report.say(&rules::DECODED_RUNS, Severity::High, Medium, found.start(), message);
        }
        if let Some(found) = LOADED.find(text)
            && BYTES.is_match(text)
            && !PROVED.is_match(text)
        {
            let message = "bytes that are fetched become code of the program, unchecked";
            report.say(&rules::FETCHED_RUNS, Severity::High, Medium, found.start(), message);
        }
        if let Some(found) = INCLUDED.find(text)
            && FETCHED_FIRST.is_match(text)
            && let Some(stranger) = outward::names_stranger(report.program, report.profile)
        {
            let message = format!("what {} serves is included and run", stranger.shown());
            report.say(&rules::FETCHED_RUNS, Severity::High, Medium, found.start(), message);
        }
    }
    let evaluates = EVALUATES.find(text);
    if let Some(found) = &evaluates
        && DECODES.find_iter(text).any(|decoded| !is_saved(text, decoded.start()))
    {
        // Libraries that were packed for the browser have all of this in them.
        let bundled = [
            "__getOwnPropNames",
            "__webpack_require__",
            "webpackBootstrap",
            "__toESM",
            "__commonJS",
        ]
        .iter()
        .any(|mark| text.contains(mark));
        let packed = report.program.path.ends_with(".min.js") || text.len() > 200_000 || bundled;
        let (severity, sure) =
            if packed { (Severity::Medium, Low) } else { (Severity::High, Medium) };
        let message = "text is evaluated, in a program that takes text out of an encoding";
        report.say(&rules::DECODED_RUNS, severity, sure, found.start(), message);
    }
    let Some(stranger) = outward::stranger(report.program, report.profile) else { return };
    let at = AT_ONCE.find(text).map(|found| found.start()).or_else(|| held_and_run(text));
    if let Some(at) = at {
        let message = format!("what {} serves is run", stranger.shown());
        // A page that is shown in a text loads it, if somebody makes that page.
        let line = report.program.line(at).1;
        let page =
            report.program.prose && [".src", "import("].iter().any(|word| line.contains(word));
        let severity = if page { Severity::Medium } else { Severity::High };
        report.say(&rules::FETCHED_RUNS, severity, Medium, at, message);
    }
}

/// Goes what is decoded into a file or a picture, on the line where it is?
fn is_saved(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    ["write_bytes(", "writeFile", ".write(", "Image.open(", "imread(", "imdecode("]
        .iter()
        .any(|sink| line.contains(sink))
        && !["eval", "exec", "loads", "import"].iter().any(|run| line.contains(run))
}

/// What a variable or a file holds was fetched, and is run.
fn held_and_run(text: &str) -> Option<usize> {
    const MOST: usize = 24;
    let mut captures = HELD.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        HELD.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let whole = captures.get_match()?;
        from = whole.end().max(from + 1);
        for group in [1, 2] {
            let Some(name) = captures.get_group(group).and_then(|name| text.get(name.range()))
            else {
                continue;
            };
            let name = name.trim_matches(['\\', '$', '{', '}', '"', '\'']);
            let name = name.rsplit('/').next().unwrap_or(name);
            if name.is_empty() || matches!(name, "-" | "null" | "headers" | "options" | "url") {
                continue;
            }
            if let Some(at) = runs(text, name) {
                return Some(at);
            }
        }
        if from >= text.len() {
            return None;
        }
    }
    None
}

fn runs(text: &str, name: &str) -> Option<usize> {
    const MOST: usize = 200;
    RUNS.find_iter(text).take(MOST).find_map(|found| {
        let rest = text.get(found.end()..)?;
        let rest = rest.trim_start_matches(['$', '{', '\\', '/', '.', '~']);
        // A path in front of the file's name.
        let word_end = rest
            .find(|c: char| !(c.is_alphanumeric() || "_./-~$\\".contains(c)))
            .unwrap_or(rest.len());
        let word = rest.get(..word_end)?.trim_end_matches('.');
        let last = word.rsplit('/').next().unwrap_or(word);
        let last = last.trim_start_matches(['$', '\\']);
        let is = last == name || last.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        is.then_some(found.start())
    })
}

/// Is something fetched and run here?
pub(super) fn fetches_and_runs(text: &str) -> bool {
    AT_ONCE.is_match(text) || held_and_run(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, JavaScript, Python};

    #[test]
    fn what_is_spelled_to_be_unread_is_seen() {
        for (path, kind, text) in [
            (
                "a.sql",
                Data,
                "SET @q = UNHEX('44524f5020444154414241534520616c6c');\nPREPARE s FROM @q; EXECUTE s;\n",
            ),
            (
                "a.sql",
                Data,
                "DO $$ BEGIN EXECUTE convert_from(decode('R1JBTlQgcm9vdCBUTyBwdWJsaWM=','base64'),'utf8'); END $$;\n",
            ),
            (
                "m.bas",
                Data,
                "Sub Workbook_Open()\nFor i = 0 To 9: s = s & Chr$(v(i)): Next\nCreateObject(\"WScript.Shell\").Run s\nEnd Sub\n",
            ),
            ("a.js", JavaScript, "const c = module[`${'re'}quire`]('fs');"),
            ("a.py", Python, "getattr(__import__('os'), 'sy' + 'stem')(x)"),
            ("a.sh", Data, "#!/bin/sh\nsed -n '4,9p' notes/terms.md | cut -c3- | bash\n"),
            ("a.py", Python, "exec(compile(open('fonts/serif.ttf').read(), 'f', 'exec'))"),
            ("a.csv", Data, "name,total\n=cmd|' /C calc'!A0,3\n"),
        ] {
            assert!(stopped(path, kind, text).contains(&"obfuscation-decoded-text-runs"), "{text}");
        }
        for (path, kind, text) in [
            (
                "a.sql",
                Data,
                "INSERT INTO f VALUES (UNHEX('00ff'));\nSELECT FROM_BASE64(body) FROM mail;\n",
            ),
            ("m.bas", Data, "x = Chr$(34) & name & Chr$(34)\nSheets(1).Range(\"A1\") = x\n"),
            ("a.js", JavaScript, "handlers['on' + name](event); t['a.' + key];"),
            ("a.py", Python, "getattr(self, 'visit_' + node.kind)(node)"),
            ("a.py", Python, "rows = json.load(open('data.txt'))\nexec_plan(rows)"),
            ("a.sh", Data, "#!/bin/sh\ngrep -c x list.txt | sort | head\n"),
            ("b.sh", Data, "#!/bin/sh\ncut -f1 list.txt | sort | uniq -c; date | sh -x fmt.sh\n"),
        ] {
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }
}
