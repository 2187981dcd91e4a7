#!/usr/bin/env python3
"""Refuses pushes to protected branches, forced pushes, and commits on them.

    protected-branches.py [BRANCH…]      patterns with `*`; default: main master release/*

For PreToolUse of Bash. The branch that is checked out is read from `.git/HEAD`: no program is run for it.
"""

import fnmatch
import os
import sys

import told

PATTERNS = sys.argv[1:] or ["main", "master", "release/*"]
# Options of `git` itself that have a value.
VALUED = {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source", "--shallow-file"}
# Options of `git push` that have a value.
PUSH_VALUED = {"-o", "--push-option", "--repo", "--receive-pack", "--exec"}
FORCE = ("-f", "--force", "--force-with-lease", "--force-if-includes", "--mirror", "--delete", "-d", "--prune")


def protected(branch):
    branch = branch.removeprefix("refs/heads/").removeprefix("heads/")
    return any(fnmatch.fnmatchcase(branch, pattern) for pattern in PATTERNS)


def checked_out(folder):
    """The branch that is checked out; none where it cannot be told."""
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isfile(git):
            with open(git, encoding="utf-8") as file:
                git = os.path.join(folder, file.read(4096).removeprefix("gitdir:").strip())
        if os.path.isdir(git):
            with open(os.path.join(git, "HEAD"), encoding="utf-8") as file:
                head = file.read(4096).strip()
            return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else None
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def own(words):
    """The subcommand, its arguments, and whether `git` was led to another folder."""
    elsewhere = False
    at = 0
    while at < len(words) and words[at].startswith("-"):
        elsewhere |= words[at].split("=")[0] in {"-C", "--git-dir", "--work-tree"}
        at += 2 if words[at] in VALUED else 1
    rest = words[at:]
    return (rest[0] if rest else ""), rest[1:], elsewhere


def push(arguments, branch, elsewhere):
    names = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in PUSH_VALUED:
            skip = True
        elif word in ("--all", "--branches"):
            told.refuse("a push of all branches pushes the protected ones as well: name the branch")
        elif word.startswith("-"):
            short = not word.startswith("--") and any(letter in "fd" for letter in word[1:])
            if short or word.split("=")[0] in FORCE:
                told.refuse(f"`git push {word}` rewrites or removes what is there, which is not permitted")
        elif any(char in word for char in "$`*"):
            told.refuse(f"what `{word}` stands for cannot be told: name the branch")
        else:
            names.append(word)
    for name in names[1:]:
        if name.startswith("+"):
            told.refuse("a refspec with `+` is a forced push, which is not permitted")
        target = name.rsplit(":", 1)[-1]
        if name.startswith(":"):
            told.refuse(f"`{name}` removes a branch, which is not permitted")
        if target in ("HEAD", "@"):
            names.append(branch or "HEAD")
            if elsewhere or branch is None or protected(branch):
                told.refuse("HEAD is a protected branch, or cannot be told: push a branch by its name")
        elif protected(target):
            told.refuse(f"{target} is protected: push another branch, and ask for a review")
    if len(names) < 2 and (elsewhere or branch is None or protected(branch)):
        told.refuse("the branch that this pushes is protected, or cannot be told: name another one")


def decide(event):
    folder = event.get("cwd") or os.getcwd()
    branch = None
    for words in told.calls_of("git", event):
        command, arguments, elsewhere = own(words)
        before = " ".join(words[: len(words) - len(arguments)]).lower()
        if "alias." in before or "include" in before or "remote." in before:
            told.refuse("settings that give git's commands or branches other names cannot be looked at")
        if command in ("send-pack", "http-push"):
            told.refuse(f"`git {command}` pushes: use git push")
        if command not in ("push", "commit", "merge", "rebase", "cherry-pick", "branch", "update-ref"):
            continue
        branch = branch or checked_out(folder)
        if command == "push":
            push(arguments, branch, elsewhere)
        elif command in ("branch", "update-ref"):
            removes = {"-D", "-d", "-M", "-m", "-f", "--delete", "--force", "--move"} & set(arguments)
            if (removes or command == "update-ref") and any(protected(word) for word in arguments):
                told.refuse("a protected branch is not moved or removed")
        elif branch is not None and not elsewhere and protected(branch):
            told.refuse(f"`git {command}` on {branch}, which is protected: make a branch first (git switch -c NAME)")


told.main(decide)
