#!/usr/bin/env python3
"""Verify a Palisade journal without Palisade: python3 verify.py FOLDER KEY

Prints `whole` and exits 0, or names the first bad record and exits 1. KEY is a file with a key
that `palisade audit key show` gave out. The format is in docs/journal-format.md. What this does
not read (compressed, thinned by retention, shipped, version 1) it does not call whole.
"""
import base64
import hashlib
import json
import pathlib
import re
import sys

import ed25519

SIGNED = rb',"root":"(?P<root>[0-9a-f]{64})","sig":"(?P<sig>[0-9a-f]{128})"'
LINE = re.compile(rb'((\{[ -~]*),"hash":"([0-9a-f]{64})")(' + SIGNED + rb")?\}\n")


def need(holds, where, what):
    if not holds:
        sys.exit(f"damaged: {where}: {what}")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unique(members):
    need(len(dict(members)) == len(members), members, "a member stands twice")
    return dict(members)


def append(tree, node, size=1):
    """RFC 6962. A tree is the roots of its largest whole subtrees, each with its size."""
    while tree and tree[-1][0] == size:
        node, size = sha256(b"\1", tree.pop()[1], node), size * 2
    tree.append((size, node))


def root(tree):
    node = tree[-1][1]
    for _, left in tree[-2::-1]:
        node = sha256(b"\1", left, node)
    return node


def step(where, line, due, head, tree):
    """The record in a line, which has to be the one that is due."""
    form = LINE.fullmatch(line)
    need(form and len(line) <= 65536, where, "torn, or not for this program (verify_all.py?)")
    need(sha256(form[2], b"}").hex() == form[3].decode(), where, "edited")
    record = json.loads(line, object_pairs_hook=unique)
    need(record["v"] == (2 if form["sig"] else 1), where, "no such version")
    need(record["seq"] == due, where, f"record {record['seq']} stands where {due} is due")
    need(record["prev"] == head, where, "the record before it was replaced")
    append(tree, sha256(b"\0", form[1], b"}"))
    return record


def chain(files, genesis, step=step):
    """Each record of a chain, where it is, and the tree up to it."""
    due, head, tree = 1, sha256(genesis.encode()).hex(), []
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                record = step(f"{path}:{number}", line, due, head, tree)
                due, head = record["seq"] + 1, record["hash"]
                yield f"{path}:{number}", record, tree


def ledger(records, name, given):
    """The entries. The key in force signs each, and names the next: all go back to the given one."""
    keys, named, revoked = [], [], []
    for where, entry, tree in records:
        new = bytes.fromhex(entry["key"]) if entry["entry"] == "key" else None
        need(entry["v"] == 2 and (keys or new), where, "not signed")
        origin = "palisade.journal/" + sha256((named or [new])[0]).hex()[:16]
        need(name in (None, origin), where, "another journal than the given key's")
        may = keys[-1:] or [new]
        # A crash may have taken the last key, but none that is known elsewhere.
        if new and keys[-1:] != [given]:
            may += [key for key in keys[-2:-1] if key not in revoked]
        text = f"{origin}\n{entry['seq']}\n{base64.b64encode(root(tree)).decode()}\n".encode()
        by = [key for key in may if ed25519.verify(key, text, bytes.fromhex(entry["sig"]))]
        need(by and entry["root"] == root(tree).hex(), where, "forged: not by the key in force")
        need(entry["entry"] != "lost", where, f"rolled back: {entry['at_seq']} were signed")
        if new:
            keys = [*(keys if by == may[:1] else keys[:-1]), new]
            named.append(new)
        if entry["entry"] == "revoked":
            revoked.append(bytes.fromhex(entry["key"]))
        yield entry
    need(given in (None, *named), "ledger", "its keys do not go back to the given one")


def session(records, name, entries):
    """Its chain, held against what the ledger says of it."""
    seq, stray, due = 0, None, {}
    anchors = [entry for entry in entries if entry["entry"] in ("start", "checkpoint", "end")]
    for entry in anchors:
        due.setdefault(entry["at_seq"], []).append(entry)
    for where, record, tree in records:
        seq, here = record["seq"], due.pop(record["seq"], [])
        need(record["session"] == name, where, f"a record of session {record['session']}")
        for entry in here:
            known = (entry["at_hash"], entry["at_root"])
            need(known == (record["hash"], root(tree).hex()), where, "the ledger knows another")
        opens = record["kind"] in ("journal_open", "journal_reopen")
        # A crash before the ledger's entry: only another opening can follow.
        need(not stray or opens or record["kind"] == "recovered", stray, "not in the ledger")
        start = [(entry["seq"] - 1, entry["prev"]) for entry in here if entry["entry"] == "start"]
        if opens:
            saw = (record["detail"]["ledger_seq"], record["detail"]["ledger_hash"])
            need(start in ([], [saw]), where, "the ledger was rewritten")
            stray = None if start else where
    need(not due, name, f"the ledger knows record {max(due, default=0)}, {seq} are left")
    need(anchors or stray or not seq, name, "the ledger does not know it")
    ended = anchors and anchors[-1]["entry"] == "end"
    need(not ended or anchors[-1]["at_seq"] == seq, name, f"it goes on behind its end, to {seq}")


def main(folder, key):
    name, _, data = key.read_text().split()[0].split("+", 2)
    records = chain([folder / "ledger.jsonl"], "palisade-ledger/1\n")
    sessions = {path.name: [] for path in folder.iterdir() if path.is_dir()}
    for entry in ledger(records, name, base64.b64decode(data)[1:]):
        if entry["session"]:
            sessions.setdefault(entry["session"], []).append(entry)
    for name, entries in sorted(sessions.items()):
        files = sorted((folder / name).glob("[0-9]*.jsonl*"))
        session(chain(files, f"palisade-journal/1\n{name}\n"), name, entries)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
    print("whole")
