#!/usr/bin/env python3
"""Refuses a commit whose staged changes hold what looks like a secret.

For PreToolUse of Bash. `git` is run in a repository that an agent can write, and outside of the sandbox: so with
everything off by which a repository's settings run programs. What is not staged yet (`commit -a`, paths) is refused,
as looking at it would run the repository's filters.
"""

import math
import os
import re
import subprocess

import told

MOST_BYTES = 32 << 20
# Names of well-known forms; the group is what is told of, and only its beginning is.
FORMS = [
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("a model provider's key", re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}")),
    ("a Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a Stripe key", re.compile(r"\b[sr]k_live_[0-9A-Za-z]{20,}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a password in a URL", re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@'\"]+:[^\s/:@'\"]{8,}@")),
]
NAMED = re.compile(
    r"(?i)(?:secret|token|passw(?:or)?d|api[_-]?key|private[_-]?key)[a-z0-9_-]*['\"]?\s*[:=]\s*['\"]([^'\"\s]{16,})['\"]"
)
FILES = re.compile(r"(?:^|/)(?:\.env(?:\.(?!example|sample|template)[^/]*)?|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]*\.(?:pem|p12|pfx|kdbx))$")
SAFE = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=", "--no-pager"]


def entropy(text):
    counts = [text.count(letter) / len(text) for letter in set(text)]
    return -sum(part * math.log2(part) for part in counts)


def git(folder, *arguments):
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/")}
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    ran = subprocess.run(
        ["git", *SAFE, *arguments], cwd=folder, env=environment, capture_output=True, timeout=60, check=False
    )
    if ran.returncode != 0:
        told.refuse("the staged changes cannot be read: " + ran.stderr.decode(errors="replace")[:500])
    if len(ran.stdout) > MOST_BYTES:
        told.refuse("the staged changes are too large to be looked through")
    return ran.stdout.decode(errors="replace")


def found(line):
    for name, form in FORMS:
        match = form.search(line)
        if match:
            return name
    match = NAMED.search(line)
    if match and entropy(match.group(1)) > 3.5:
        return "a secret by its name"
    return None


def unstaged(arguments):
    """Whether a commit takes more than what is staged."""
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in ("-m", "-F", "-C", "-c", "-t", "--message", "--file", "--author", "--date", "--cleanup"):
            skip = True
        elif word in ("--all", "--include", "--only", "--patch", "--interactive") or word.startswith("--pathspec-from-file"):
            return True
        elif word.startswith("-") and not word.startswith("--"):
            # What is behind `m` in one word is the message.
            letters = re.split("[mFCct]", word[1:])[0]
            if set(letters) & set("aiop"):
                return True
            skip = word[-1] in "mFCct"
        elif not word.startswith("-"):
            return True
    return False


def decide(event):
    folder = event.get("cwd") or os.getcwd()
    calls = told.calls_of("git", event)
    if not any("commit" in words for words in calls):
        return
    for words in calls:
        at = words.index("commit") if "commit" in words else None
        if at is None:
            # What this line stages itself is not there to be seen yet.
            if {"add", "rm", "mv", "stage", "apply", "stash", "checkout"} & set(words):
                told.refuse("stage in one command and commit in the next, so that what is staged can be looked at")
            continue
        if any(word in ("-C", "--git-dir", "--work-tree") or word.startswith(("--git-dir=", "--work-tree=")) for word in words[:at]):
            told.refuse("a commit in another folder cannot be looked at: change there, then commit")
        if unstaged(words[at + 1 :]):
            told.refuse("stage what is to be committed first (git add), so that it can be looked at, and commit without -a and paths")
    options = ["--cached", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all"]
    for name in git(folder, "diff", *options, "--name-only", "--diff-filter=ACMR", "-z").split("\0"):
        if FILES.search(name):
            told.refuse(f"{name!r} is a file for secrets: take it out (git restore --staged) and ignore it")
    name = "?"
    for line in git(folder, "diff", *options, "-U0", "--src-prefix=a/", "--dst-prefix=b/").splitlines():
        if line.startswith("+++ "):
            name = line[4:].removeprefix("b/")
        elif line.startswith("+"):
            what = found(line[1:20_000])
            if what:
                told.refuse(f"{name!r} would have {what} in it: take it out before the commit")


told.main(decide)
