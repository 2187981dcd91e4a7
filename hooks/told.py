"""What a hook is told, and how it answers: the protocol of docs/hooks.md.

Exit code 0 says nothing (the next hook and the rules decide), 2 refuses with a reason. Whatever goes wrong
refuses: a hook that cannot read what it is asked about must not wave it through.
"""

import json
import shlex
import sys

MOST_BYTES = 4 << 20
# Characters of a command that is read; a longer one is refused.
MOST_COMMAND = 100_000
# What ends one command and begins another.
BETWEEN = {"&&", "||", ";", "|", "|&", "&", "(", ")", "{", "}", "\n", "then", "do", "else", "!"}


def refuse(why):
    """Refuse, with a reason for the agent."""
    print(why, file=sys.stderr)
    raise SystemExit(2)


def ask(why):
    """Leave it to the operator."""
    specific = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "ask",
        "permissionDecisionReason": why,
    }
    print(json.dumps({"hookSpecificOutput": specific}))
    raise SystemExit(0)


def event():
    """The event on standard input."""
    text = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        refuse("the event is too long to be read")
    told = json.loads(text)
    if not isinstance(told, dict):
        refuse("the event is no object")
    return told


def commands(told):
    """The simple commands of a `Bash` call, each a list of words. What cannot be taken apart is refused."""
    call = told.get("tool_input")
    command = call.get("command") if isinstance(call, dict) else None
    if not isinstance(command, str) or len(command) > MOST_COMMAND:
        refuse("the command cannot be read")
    lexer = shlex.shlex(command.replace("\\\n", ""), posix=True, punctuation_chars=";&|()`\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        refuse("the command cannot be read: its quotes do not end")
    found, now = [], []
    for word in words:
        if word in BETWEEN or set(word) <= set(";&|()`\n"):
            found.append(now)
            now = []
        else:
            now.append(word)
    found.append(now)
    return [words for words in found if words]


def calls_of(program, told):
    """The arguments of each call of `program`, also behind `env`, `sudo` and assignments, and in `sh -c` texts."""
    found = []
    for words in commands(told):
        for at, word in enumerate(words):
            if word.rsplit("/", 1)[-1] == program:
                found.append(words[at + 1 :])
                break
            if any(char in word for char in " \t\n") and program in word:
                inner = dict(told, tool_input={"command": word})
                found.extend(calls_of(program, inner))
    return found


def main(decide):
    """Run a hook. An error of its own is a refusal."""
    try:
        decide(event())
    except SystemExit:
        raise
    except Exception as error:  # noqa: BLE001
        refuse(f"the hook failed: {type(error).__name__}: {error}")
