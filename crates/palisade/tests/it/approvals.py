"""Questions and answers, on a network of the test's own where 93.184.216.0/24 is another host that says hello.

`approvals.py PALISADE`, with the environment of the operator; the policy asks for what no rule names.
"""
import fcntl, json, os, pty, signal, socket, struct, subprocess, sys, termios, threading, time

palisade = sys.argv[1]
children = []


def awaited(port):
    until = time.time() + 60
    while True:
        try:
            return socket.create_connection(("93.184.216.34", port), 10).close()
        except OSError:
            assert time.time() < until, "the other host does not answer"
            time.sleep(0.02)


def run(*words, expect=0):
    done = subprocess.run([palisade, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, (words, done)
    return done.stdout


def start(*words, name="build", policy="ask.yaml"):
    argv = [palisade, "run", "--name", name, "--policy", policy, "--", "python3", "-c", DIAL, *words]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children.append(child)
    return child


def pending(count=1):
    """The questions, when there are so many."""
    until = time.time() + 60
    while True:
        found = [json.loads(line) for line in run("approvals", "list", "--json").splitlines()]
        if len(found) == count:
            return found
        assert time.time() < until, found
        time.sleep(0.02)


def ends(child, output):
    out, err = child.communicate(timeout=60)
    assert out.strip() == output, (out, err)
    return err


def events(kind, name):
    out = run("audit", "query", "--json", "--kind", kind)
    found = [json.loads(line) for line in out.splitlines()]
    opened = [json.loads(line) for line in run("audit", "query", "--json", "--kind", "journal_open").splitlines()]
    sessions = [event["session"] for event in opened if event["detail"].get("name") == name]
    return [event for event in found if event["session"] in sessions]


# What is wanted is HOST:PORT; each is dialled and what comes is printed, all in one line.
DIAL = """
import socket, sys
def dial(wanted):
    host, port = wanted.rsplit(':', 1)
    try:
        return socket.create_connection((host, int(port)), 60).recv(9).decode() or 'closed'
    except socket.gaierror:
        return 'no name'
    except OSError as error:
        return type(error).__name__
print(*[dial(wanted) for wanted in sys.argv[1:]])
"""

class Screen:
    """`palisade approvals` at a terminal of its own."""

    def __init__(self, *words, rows=24, columns=400):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(palisade, [palisade, "approvals", *words])
        self.seen, self.from_here = b"", 0
        self.resize(rows, columns)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while part := os.read(self.terminal, 65536):
                self.seen += part
        except OSError:
            pass

    def resize(self, rows, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def shows(self, text):
        """Waits for it, from what was shown last."""
        until = time.time() + 60
        while text.encode() not in self.seen[self.from_here :]:
            assert time.time() < until, (text, self.seen[self.from_here :][-3000:])
            time.sleep(0.02)

    def key(self, letter, then):
        self.from_here = len(self.seen)
        os.write(self.terminal, letter.encode())
        self.shows(then)

    def ended(self):
        until = time.time() + 60
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            assert time.time() < until
            time.sleep(0.02)


NETWORK = "palisade: 1\nextends: [shell]\nnetwork:\n  hosts: {a.test: [93.184.216.34], inner.test: [127.0.0.1]}\n"
open("ask.yaml", "w").write(NETWORK + "  unknown: ask\n")
open("soon.yaml", "w").write(NETWORK + "  unknown: ask\napprovals: {timeout: 1s}\n")
open("deny.yaml", "w").write(NETWORK)
open("good.yaml", "w").write(NETWORK + "  unknown: ask # mine\n")
awaited(7001)
awaited(7002)

try:
    # Without the question nothing is there to answer.
    assert ends(start("a.test:7001", name="deny", policy="deny.yaml"), "no name") == ""

    # Once: for who waits, and not for another port.
    child = start("a.test:7001", "a.test:7001", "a.test:7002", name="once")
    (question,) = pending()
    assert question["subject"] == "a.test:7001" and question["name"] == "once", question
    assert question["program"] == os.path.realpath("/usr/bin/python3"), question
    assert 500 < question["seconds_left"] <= 600 and question["waiting"] == 1, question
    table = run("approvals", "list")
    assert f"once/{question['id']}" in table and "a.test:7001" in table, table
    said = run("approvals", "allow", f"once/{question['id']}")
    assert said == "a.test:7001 is allowed once\n", said
    (other,) = pending()
    assert other["subject"] == "a.test:7002", other
    run("approvals", "allow", f"once/{question['id']}", expect=1)
    run("approvals", "deny", f"once/{other['id']}")
    err = ends(child, "hello hello ConnectionResetError")
    assert "palisade approvals allow once/" in err and "a.test:7001" in err, err
    asked = [(event["decision"], event["subject"]) for event in events("connect", "once")]
    assert asked.count(("ask", "a.test:7001")) == 1 and ("deny", "a.test:7002") in asked, asked
    answers = events("approval", "once")
    assert [event["decision"] for event in answers] == ["allow", "deny"], answers
    python = os.path.realpath("/usr/bin/python3")
    told = {"principal": f"uid {os.getuid()}", "scope": "once", "program": python}
    assert answers[0]["detail"] == told, answers
    order = [(event["seq"], event["kind"]) for event in events("connect", "once") + answers if event["subject"] == "a.test:7001"]
    assert [kind for _, kind in sorted(order)][:3] == ["connect", "approval", "connect"], order

    # A bare address is a destination as well, and so is what no resolver knows.
    child = start("93.184.216.99:7001", "nowhere.invalid:7001")
    (question,) = pending()
    assert question["subject"] == "93.184.216.99:7001", question
    run("approvals", "allow", f"build/{question['id']}", "--session")
    (question,) = pending()
    assert question["subject"] == "nowhere.invalid:7001", question
    run("approvals", "allow", f"build/{question['id']}")
    ends(child, "hello ConnectionResetError")

    # What is private is not a question: only a rule may name it. Nor is the host's loopback.
    child = start("inner.test:7001", "10.1.2.3:7001", "169.254.169.254:7001", name="private")
    (question,) = pending()
    assert question["subject"] == "inner.test:7001", question
    run("approvals", "allow", f"private/{question['id']}")
    ends(child, "ConnectionResetError ConnectionResetError ConnectionResetError")
    reasons = [event["reason"] for event in events("connect", "private") if event["decision"] == "deny"]
    assert any("no answer permits" in reason for reason in reasons), reasons

    # For the session, also a denial.
    child = start("a.test:7001", "a.test:7001", "a.test:7002", "a.test:7002", name="long")
    (question,) = pending()
    run("approvals", "allow", f"long/{question['id']}", "--session")
    (question,) = pending()
    run("approvals", "deny", f"long/{question['id']}", "--session")
    ends(child, "hello hello ConnectionResetError ConnectionResetError")

    # No answer is a denial.
    began = time.time()
    ends(start("a.test:7001", name="soon", policy="soon.yaml"), "ConnectionResetError")
    assert time.time() - began < 30
    (last,) = [event for event in events("connect", "soon") if event["decision"] == "deny"]
    assert last["reason"] == "nobody answered within 1 s", last

    # A policy that comes into force meanwhile decides.
    child = start("a.test:7001", name="live")
    pending()
    run("policy", "apply", "live", "deny.yaml")
    ends(child, "ConnectionResetError")
    child = start("a.test:7001", name="live")
    pending()
    open("allow.yaml", "w").write(NETWORK + "  rules: [{hosts: [a.test], ports: [7001]}]\n")
    run("policy", "apply", "live", "allow.yaml")
    ends(child, "hello")

    # An answer for good.
    child = start("a.test:7001", "a.test:7001", name="good", policy="good.yaml")
    (question,) = pending()
    run("approvals", "allow", f"good/{question['id']}", "--rule", "good.yaml")
    ends(child, "hello hello")
    ends(start("a.test:7001", name="good", policy="good.yaml"), "hello")
    assert "# mine" in open("good.yaml").read()

    # What was permitted while learning is permitted by what was learned, and no more.
    wanted = ["a.test:7001", "a.test:7002", "93.184.216.99:7001", "inner.test:7001"]
    met = "hello hello hello ConnectionResetError"
    learning = ["learn", "--allow-all", "--name", "learn", "--policy", "deny.yaml"]
    command = ["--", "python3", "-c", DIAL, *wanted]
    done = run(*learning, "--write", "learned.yaml", *command)
    assert done.strip() == met, done
    learned = open("learned.yaml").read()
    assert "inner.test" not in learned and "# wanted by: python3 -c …" in learned, learned
    assert "# by " + os.path.realpath("/usr/bin/python3") in learned, learned
    open("both.yaml", "w").write("palisade: 1\nextends: [./deny.yaml, ./learned.yaml]\n")
    more = [*wanted, "93.184.216.98:7001", "b.test:7001"]
    ends(start(*more, name="both", policy="both.yaml"), "hello hello hello no name ConnectionResetError no name")
    hows = events("learn", "learn")
    assert hows and all(how["decision"] == "observe" for how in hows), hows
    # Into the policy itself; then nothing is left to learn.
    run(*learning, *command)
    before = open("deny.yaml").read()
    assert before.startswith(NETWORK), before
    run(*learning, *command)
    assert open("deny.yaml").read() == before
    open("line.yaml", "w").write("palisade: 1\nextends: [shell]\nnetwork: {hosts: {a.test: [93.184.216.34]}}\n")
    done = subprocess.run(
        [palisade, "learn", "--allow-all", "--policy", "line.yaml", "--", "python3", "-c", DIAL, "a.test:7001"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "is not changed" in done.stderr and "hosts: [a.test]" in done.stderr, done

    # A name that another sandbox has got since it was listed is no answer for that one, whose numbers are the same.
    child = start("a.test:7001", name="again")
    (question,) = pending()
    assert f"again/{question['id']}" in run("approvals", "list")
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=60)
    pending(0)
    child = start("a.test:7002", name="again")
    (other,) = pending()
    assert other["id"] == question["id"], other
    run("approvals", "allow", f"again/{other['id']}", expect=1)
    run("approvals", "allow", f"again/{other['id']}", "--rule", "good.yaml", expect=1)
    run("approvals", "list")
    run("approvals", "allow", f"again/{other['id']}")
    ends(child, "hello")

    # A client that gives up takes its question along.
    child = start("a.test:7001", name="gone")
    pending()
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=60)
    pending(0)
    impatient = "import socket, time\ntry: socket.create_connection(('a.test', 7001), 60).close()\nfinally: time.sleep(600)"
    argv = [palisade, "run", "--name", "patient", "--policy", "ask.yaml", "--", "python3", "-c", impatient]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children.append(child)
    # It closes at once, and lives on.
    until = time.time() + 60
    while not events("connect", "patient"):
        assert time.time() < until
        time.sleep(0.02)
    pending(0)
    assert child.poll() is None
    run("kill", "patient")
    # The list at a terminal, by its keys. What follows an answer has to be chosen.
    open("keys.yaml", "w").write(NETWORK + "  unknown: ask\n")
    child = start("a.test:7001", "a.test:7002", name="keys", policy="keys.yaml")
    pending()
    screen = Screen("--rule", "keys.yaml")
    screen.shows("keys/1")
    screen.shows("a.test:7001")
    screen.key("a", "keys/1 is allowed")
    screen.shows("a.test:7002")
    os.write(screen.terminal, b"a")
    time.sleep(1.5)
    assert len(pending()) == 1
    screen.key("k", "j/k choose")
    # A terminal of a few rows shows as much as it has room for, and keys count there as well.
    screen.resize(6, 30)
    screen.key("k", "a.test:7002")
    screen.key("d", "keys/2 is denied")
    ends(child, "hello ConnectionResetError")
    assert [(event["decision"], event["detail"]["scope"]) for event in events("approval", "keys")] == [("allow", "once"), ("deny", "once")]
    screen.resize(24, 400)

    # For the session, and for good: that takes two keys, and another one between them forgets the first.
    child = start("a.test:7001", "93.184.216.99:7001", name="more", policy="keys.yaml")
    pending()
    screen.shows("more/1")
    screen.key("k", "more/1")
    screen.key("s", "more/1 is allowed")
    screen.shows("more/2")
    before = open("keys.yaml").read()
    screen.key("k", "more/2")
    screen.key("r", "once more r to write it")
    screen.key("j", "more/2")
    screen.key("r", "once more r to write it")
    assert open("keys.yaml").read() == before
    # A connection is not a call that could be changed.
    screen.key("e", "cannot be changed")
    screen.key("r", "once more r to write it")
    screen.key("r", "has a rule")
    ends(child, "hello hello")
    assert "93.184.216.99" in open("keys.yaml").read()
    assert [event["detail"]["scope"] for event in events("approval", "more")] == ["session", "session"]

    # Nothing that a question says steers the terminal.
    open("exec.yaml", "w").write("palisade: 1\nextends: [shell]\npermissions: {ask: ['Bash(unshare *)']}\n")
    # What is longer than the screen is not permitted before its end was on it.
    argv = [palisade, "run", "--name", "whole", "--policy", "exec.yaml", "--", "unshare", "--version", "x" * 3000 + "Ω"]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children.append(child)
    pending()
    screen.resize(10, 60)
    screen.shows("whole/1")
    screen.key("k", "more rows: space")
    screen.key("a", "there is more of it than was seen")
    assert len(pending()) == 1 and "Ω".encode() not in screen.seen
    until = time.time() + 60
    while "Ω".encode() not in screen.seen:
        assert time.time() < until
        os.write(screen.terminal, b" ")
        time.sleep(0.1)
    screen.key("a", "whole/1 is allowed")
    assert "util-linux" in child.communicate(timeout=60)[0]
    screen.resize(24, 400)

    hostile = "\x1b]0;mine\x07\x1b[1;1Hallowed\u202e\r"
    argv = [palisade, "run", "--name", "odd", "--policy", "exec.yaml", "--", "unshare", "--version", hostile]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children.append(child)
    (question,) = pending()
    # The variables that lead it elsewhere are part of what is asked.
    assert any(one.startswith("PATH=") for one in question["environment"]), question
    screen.shows("odd/1")
    screen.key("k", "with PATH=")
    assert b"\x1b]0;" not in screen.seen and b"\x1b[1;1Hallowed" not in screen.seen and "\u202e".encode() not in screen.seen
    assert b"\\u001b]0;mine" in screen.seen, screen.seen[-2000:]
    # A terminal that goes away is no answer.
    os.close(screen.terminal)
    screen.ended()
    assert len(pending()) == 1 and not events("approval", "odd")
    run("approvals", "edit", f"odd/{question['id']}", "--input", "/dev/null", expect=1)
    run("approvals", "deny", f"odd/{question['id']}")
    assert child.wait(timeout=60) != 0

    # Questions as files, and answers as files.
    folder = os.path.join(os.environ["PALISADE_STATE"], "approvals")
    server = subprocess.Popen([palisade, "approvals", "files"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    children.append(server)
    assert folder in server.stderr.readline()

    def asked():
        until = time.time() + 60
        while not (found := [name for name in os.listdir(folder) if name.endswith(".json")] if os.path.isdir(folder) else []):
            assert time.time() < until
            time.sleep(0.02)
        return os.path.join(folder, found[0])

    def answer(path, **fields):
        open(path + ".new", "w").write(json.dumps(fields))
        os.rename(path + ".new", path.removesuffix(".json") + ".answer")

    child = start("a.test:7001", name="files")
    path = asked()
    told = json.load(open(path))
    assert told["subject"] == "a.test:7001" and told["digest"].startswith("sha256:") and told["name"] == "files", told
    # For another act, by another's file, or with another input: none counts.
    answer(path, question="sha256:0", allow=True)
    assert "another question" in server.stderr.readline()
    answer(path, question=told["digest"], allow=True, input={"a": 1})
    assert "cannot be changed" in server.stderr.readline()
    answer(path, question=told["digest"], allow=True, more=1)
    assert "more" in server.stderr.readline()
    os.symlink("/etc/passwd", path.removesuffix(".json") + ".answer")
    assert "does not count" in server.stderr.readline()
    # What is no file is told once, and all else is looked at.
    os.mkdir(path.removesuffix(".json") + ".answer")
    os.mkdir(os.path.join(folder, "other.answer"))
    assert sorted(("no answer" in line, "other.answer" in line) for line in (server.stderr.readline(), server.stderr.readline())) == [(False, True), (True, False)]
    assert len(pending()) == 1 and server.poll() is None
    os.rmdir(path.removesuffix(".json") + ".answer")
    os.rmdir(os.path.join(folder, "other.answer"))
    answer(path, question=told["digest"], allow=True)
    ends(child, "hello")
    until = time.time() + 60
    while os.listdir(folder):
        assert time.time() < until, os.listdir(folder)
        time.sleep(0.02)
    child = start("a.test:7001", name="files")
    told = json.load(open(path := asked()))
    answer(path, question=told["digest"], allow=False)
    ends(child, "ConnectionResetError")
    for bad in ["build", "/3", "build/x", "build/-1"]:
        run("approvals", "allow", bad, expect=2)
    run("approvals", "allow", "nobody/1", expect=1)
    run("audit", "verify")
finally:
    for child in children:
        if child.poll() is None:
            child.kill()
print("all as it should be")
