#!/usr/bin/env python3
"""Verify a Palisade journal, or a copy that was shipped, without Palisade: python3 verify.py FOLDER [KEY_FILE]

Prints `whole` and exits 0, or names the first bad record and exits 1. KEY_FILE holds a key that
`palisade audit key` gave out. The format is specified in docs/journal-format.md.
"""
import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys

import ed25519

SEAL = re.compile(rb'(.*),"hash":"([0-9a-f]{64})"', re.S)
SIGNED = re.compile(rb'(\{"v":2,.*),"root":"([0-9a-f]{64})","sig":"([0-9a-f]{128})"\}', re.S)
SESSION = re.compile(r"[a-z0-9-]{1,63}")
PART = re.compile(r"[0-9]{12}-[0-9]{12}\.jsonl")
OPENINGS = ("journal_open", "journal_reopen")


class Damaged(Exception):
    pass


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Tree:
    """RFC 6962: the roots of the whole subtrees, the largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def append(self, leaf):
        node, full = sha256(b"\0", leaf), self.size
        while full & 1:
            node, full = sha256(b"\1", self.peaks.pop(), node), full >> 1
        self.peaks.append(node)
        self.size += 1

    def append_tree(self, level, node):
        full = self.size >> level
        if self.size % (1 << level):
            raise ValueError("a subtree cannot stand here")
        while full & 1:
            node, full = sha256(b"\1", self.peaks.pop(), node), full >> 1
        self.peaks.append(node)
        self.size += 1 << level

    def root(self):
        node = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            node = sha256(b"\1", peak, node)
        return node


def unique(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a member stands twice")
    return dict(pairs)


def unpacked(path):
    """The bytes of a compressed segment, by whatever reads zstd here."""
    try:
        from compression import zstd

        return zstd.open(path, "rb")
    except ImportError:
        pass
    try:
        import zstandard

        reader = zstandard.ZstdDecompressor().stream_reader(open(path, "rb"), read_across_frames=True)
        return io.BufferedReader(reader)
    except ImportError:
        pass
    try:
        done = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True)
    except FileNotFoundError:
        print(f"{path}: nothing here reads zstd: install the program or Python's zstandard", file=sys.stderr)
        sys.exit(3)
    except subprocess.CalledProcessError as error:
        raise Damaged(f"{path}: {error}")
    return io.BytesIO(done.stdout)


def levels(at, end):
    """The sizes, as powers of two, of the largest subtrees that the leaves from `at` on are."""
    while at < end:
        level = (end - at).bit_length() - 1
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        yield level
        at += 1 << level


def gap(where, line):
    it = json.loads(line, object_pairs_hook=unique)
    if list(it) != ["v", "gap", "session", "from", "to", "peaks", "last"] or it["v"] != 1:
        raise Damaged(f"{where}: no gap")
    if json.dumps(it, separators=(",", ":")).encode() + b"\n" != line:
        raise Damaged(f"{where}: no gap")
    if it["from"] < 1 or it["gap"] < 1 or it["to"] - it["from"] + 1 != it["gap"]:
        raise Damaged(f"{where}: no gap")
    it["levels"] = list(levels(it["from"] - 1, it["to"]))
    if len(it["levels"]) != len(it["peaks"]):
        raise Damaged(f"{where}: the gap has not the roots of its records")
    return it


def lines(path):
    """Each line: where it is, its sealed part (which is its leaf), and its members."""
    with unpacked(path) if path.endswith(".zst") else open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}:{number}"
            if not line.endswith(b"\n"):
                raise Damaged(f"{where}: torn tail")
            if len(line) > 65536 or re.search(rb"[^ -~]", line[:-1]):
                raise Damaged(f"{where}: not printable ASCII of at most 64 KiB")
            if line.startswith(b'{"v":1,"gap":'):
                yield where, line, gap(where, line)
                continue
            signed = SIGNED.fullmatch(line[:-1])
            body = signed[1] if signed else line[:-2]
            sealed = SEAL.fullmatch(body)
            if not sealed or line[-2:] != b"}\n":
                raise Damaged(f"{where}: no hash at its end")
            if sha256(sealed[1], b"}").hex() != sealed[2].decode():
                raise Damaged(f"{where}: edited")
            try:
                record = json.loads(line, object_pairs_hook=unique)
            except ValueError as error:
                raise Damaged(f"{where}: {error}")
            if record["v"] != (2 if signed else 1):
                raise Damaged(f"{where}: unknown version")
            yield where, body + b"}", record


def chain(records, genesis):
    head, due = hashlib.sha256(genesis).hexdigest(), 1
    for where, leaf, record in records:
        if "gap" in record:
            if record["from"] != due:
                raise Damaged(f"{where}: a gap from {record['from']} on where {due} is due")
            head, due = record["last"], record["to"] + 1
            yield where, leaf, record
            continue
        if record["seq"] != due:
            raise Damaged(f"{where}: record {record['seq']} where {due} is due")
        if record["prev"] != head:
            raise Damaged(f"{where}: the record before it was replaced")
        head, due = record["hash"], due + 1
        yield where, leaf, record


def parts(folder):
    """The files of the ledger, and whether they are the parts of a copy's."""
    whole, copy = os.path.join(folder, "ledger.jsonl"), os.path.join(folder, "_ledger")
    if os.path.lexists(whole) or not os.path.isdir(copy):
        return [whole], False
    return [os.path.join(copy, name) for name in sorted(os.listdir(copy)) if PART.fullmatch(name)], True


def ledger(paths, trusted):
    """The entries; checks the tree and the keys, which must go back to the trusted one."""
    tree, entries, origin, keys, revoked = Tree(), [], None, [], set()
    every = (line for path in paths for line in lines(path))
    for where, leaf, entry in chain(every, b"palisade-ledger/1\n"):
        tree.append(leaf)
        entries.append(entry)
        if entry["v"] == 1:
            if keys:
                raise Damaged(f"{where}: not signed, as those before it are")
            continue
        new = bytes.fromhex(entry["key"]) if entry["entry"] == "key" else None
        if not keys:
            origin = "palisade.journal/" + hashlib.sha256(new).hexdigest()[:16]
        root = base64.b64encode(tree.root()).decode()
        text = f"{origin}\n{entry['seq']}\n{root}\n".encode()
        may_sign = [keys[-1]] if keys else [new]
        if keys and new:
            may_sign = keys[-1:]
            if not (trusted and trusted[1] == keys[-1]):
                may_sign += [key for key in keys[-2:-1] if key not in revoked]
        if tree.root().hex() != entry["root"] or not any(
            ed25519.verify(key, text, bytes.fromhex(entry["sig"])) for key in may_sign
        ):
            raise Damaged(f"{where}: forged: it is not signed by the key in force")
        if new and keys and not ed25519.verify(keys[-1], text, bytes.fromhex(entry["sig"])):
            keys.pop()
        if new:
            keys.append(new)
        if entry["entry"] == "revoked":
            revoked.add(bytes.fromhex(entry["key"]))
        if entry["entry"] == "lost":
            raise Damaged(f"{where}: rolled back: {entry['at_seq']} entries were signed")
    if trusted and (trusted[0] != origin or trusted[1].hex() not in named(entries)):
        raise Damaged("the ledger's keys do not go back to the given one")
    return entries


def named(entries):
    return {entry["key"] for entry in entries if entry["entry"] == "key"}


def places(entries):
    """How many records of each session went where: {place: {session: records}}."""
    there = {}
    for entry in entries:
        if entry["entry"] == "shipped":
            sessions = there.setdefault(entry["name"], {})
            sessions[entry["session"]] = max(entry["at_seq"], sessions.get(entry["session"], 0))
    return list(there.values())


def absent(entries, missing):
    """Of the sessions that a copy has not those that it need not have: of one place at least none is missing."""
    near = min(places(entries), key=lambda all: (len(missing & set(all)), -len(all)), default={})
    return missing - set(near)


def session(folder, name, anchors, copy):
    most = min((all[name] for all in places(anchors)), default=0) if copy else None
    dropped = {e["at_hash"] for e in anchors if e["entry"] == "dropped"}
    anchors = [e for e in anchors if e["entry"] in ("start", "checkpoint", "end")]

    def records():
        segments = {}
        for segment in sorted(os.listdir(os.path.join(folder, name))):
            if re.fullmatch(r"[0-9]{6}\.jsonl(\.zst)?", segment):
                segments[segment[:6]] = segment
        for segment in segments.values():
            gaps, first = hashlib.sha256(), None
            for where, leaf, record in lines(os.path.join(folder, name, segment)):
                if "gap" in record:
                    gaps.update(leaf)
                    first = first or where
                yield where, leaf, record
            if first and gaps.hexdigest() not in dropped:
                raise Damaged(f"{first}: removed, and no rule in the ledger did it")

    by_seq = {}
    for entry in anchors:
        by_seq.setdefault(entry["at_seq"], []).append(entry)
    last, unlisted, tree = 0, None, Tree()
    for where, leaf, record in chain(records(), f"palisade-journal/1\n{name}\n".encode()):
        if "gap" in record:
            last = record["to"]
            inside = [n for n in by_seq if record["from"] <= n < last]
            known = by_seq.get(last, [])
            for level, peak in zip(record["levels"], record["peaks"]):
                tree.append_tree(level, bytes.fromhex(peak))
            for entry in known:
                root = entry.get("at_root", "")
                if entry["at_hash"] != record["last"] or root != tree.root().hex():
                    raise Damaged(f"{where}: the ledger knows another record here")
            if unlisted or inside or record["session"] != name or any(
                entry["entry"] == "start" for entry in known
            ):
                raise Damaged(f"{where}: a gap where a record has to be")
            continue
        last = record["seq"]
        tree.append(leaf)
        if record["session"] != name:
            raise Damaged(f"{where}: a record of session {record['session']}")
        here = by_seq.get(last, [])
        for entry in here:
            root = entry.get("at_root", "")
            if entry["at_hash"] != record["hash"] or root and root != tree.root().hex():
                raise Damaged(f"{where}: the ledger knows another record here")
        # A crash between the two writes: only another opening can follow.
        if unlisted and record["kind"] not in (*OPENINGS, "recovered"):
            raise Damaged(f"{unlisted}: the ledger does not know this opening")
        if record["kind"] in OPENINGS:
            unlisted = None
            start = [entry for entry in here if entry["entry"] == "start"]
            if not start:
                unlisted = where
                continue
            seen = (record["detail"]["ledger_seq"], record["detail"]["ledger_hash"])
            if seen != (start[0]["seq"] - 1, start[0]["prev"]):
                raise Damaged(f"{where}: the ledger was rewritten")
    known = max(by_seq, default=None)
    if known is None and (unlisted or not last):
        return
    # A copy may lack what was never all of it at some place.
    if known is None or known > last and (most is None or last < most):
        raise Damaged(f"{name}: {last} records are left, the ledger knows {known}")
    if anchors[-1]["entry"] == "end" and last > known:
        raise Damaged(f"{name}: it ended with record {known} and goes on to {last}")


def main(folder, key=None):
    trusted = None
    if key:
        with open(key, encoding="utf-8") as file:
            name, _, data = file.read().split()[0].split("+", 2)
        trusted = (name, base64.b64decode(data)[1:])
    paths, copy = parts(folder)
    entries = ledger(paths, trusted)
    if trusted and not named(entries):
        raise Damaged("the ledger is not signed")
    there = {n for n in os.listdir(folder) if SESSION.fullmatch(n) and os.path.isdir(os.path.join(folder, n))}
    names = there | {e["session"] for e in entries if e["session"]}
    if copy:
        names -= absent(entries, names - there)
    for name in sorted(names):
        session(folder, name, [e for e in entries if e["session"] == name], copy)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Damaged, OSError) as error:
        sys.exit(f"damaged: {error}")
    print("whole")
