#!/usr/bin/env python3
"""Verify all that a Palisade journal can be: python3 verify_all.py FOLDER [KEY [CHECKPOINT]]

As verify.py, whose chains, trees and signatures these are, and also: compressed segments, gaps
that a rule for keeping left, copies that were shipped, and journals of before there were
signatures. Without a KEY a journal that was written anew by somebody else is not told from it;
without a CHECKPOINT that was kept elsewhere, neither is one of which the newest part was taken away.
"""
import base64
import hashlib
import io
import json
import pathlib
import re
import subprocess
import sys

import verify
from verify import append, chain, need, root, unique

KINDS = ("start", "checkpoint", "end")


class Packed:
    """A compressed segment, read by whatever reads zstd here."""

    def __init__(self, path):
        self.path = path

    def __str__(self):
        return str(self.path)

    def open(self, _):
        try:
            from compression import zstd

            return zstd.open(self.path, "rb")
        except ImportError:
            pass
        try:
            import zstandard

            reader = zstandard.ZstdDecompressor()
            return io.BufferedReader(reader.stream_reader(self.path.open("rb"), read_across_frames=True))
        except ImportError:
            pass
        try:
            done = subprocess.run(["zstd", "-dcq", self.path], stdout=subprocess.PIPE, check=False)
        except FileNotFoundError:
            print(f"{self}: install zstd or Python's zstandard to read it", file=sys.stderr)
            sys.exit(3)
        need(done.returncode == 0, self, "zstd cannot read it")
        return io.BytesIO(done.stdout)


def levels(at, end):
    """The sizes, as powers of two, of the largest subtrees that the leaves from `at` on are."""
    while at < end:
        level = (end - at).bit_length() - 1
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        yield level
        at += 1 << level


def step(where, line, due, head, tree):
    """A record, or what stands in the place of some."""
    if not line.startswith(b'{"v":1,"gap":'):
        return verify.step(where, line, due, head, tree)
    gap = json.loads(line, object_pairs_hook=unique)
    form = json.dumps(gap, separators=(",", ":")).encode() + b"\n"
    need(list(gap) == ["v", "gap", "session", "from", "to", "peaks", "last"], where, "no gap")
    need(form == line and gap["gap"] == gap["to"] - gap["from"] + 1 > 0, where, "no gap")
    need(gap["from"] == due, where, f"a gap from {gap['from']} on where {due} is due")
    sizes = [1 << level for level in levels(due - 1, gap["to"])]
    need(len(sizes) == len(gap["peaks"]), where, "the gap has not the roots of its records")
    for size, peak in zip(sizes, gap["peaks"]):
        append(tree, bytes.fromhex(peak), size)
    return {**gap, "seq": gap["to"], "hash": gap["last"], "kind": "gap", "line": line}


def ledger(files, name, given):
    """The entries, those of version 1 too, which stand before all that are signed."""
    old = []

    def signed():
        began = False
        for where, entry, tree in chain(files, "palisade-ledger/1\n"):
            began = began or entry["v"] == 2
            if began:
                yield where, entry, tree
            else:
                old.append(entry)

    # A list of its own first: `old` is filled while that is made.
    new = list(verify.ledger(signed(), name, given))
    return old + new


def segments(folder):
    """The files of a session. Where a segment is there twice, the compressed one counts."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if re.fullmatch(r"[0-9]{6}\.jsonl(\.zst)?", path.name):
            found[path.name[:6]] = Packed(path) if path.suffix == ".zst" else path
    return list(found.values())


def records(files, name, entries):
    """The records of a session. What the ledger has not to say of them is not asked of it."""
    dropped = {entry["at_hash"] for entry in entries if entry["entry"] == "dropped"}
    rootless = [e for e in entries if e["v"] == 1 and e["entry"] in KINDS]
    gaps, first, last = hashlib.sha256(), None, None

    def closed():
        need(not first or gaps.hexdigest() in dropped, first, "removed, by no rule in the ledger")

    for where, record, tree in chain(files, f"palisade-journal/1\n{name}\n", step):
        segment = where.rsplit(":", 1)[0]
        if segment != last:
            closed()
            gaps, first, last = hashlib.sha256(), None, segment
        if record["kind"] == "gap":
            gaps.update(record["line"])
            first = first or where
        for entry in rootless:
            if entry["at_seq"] == record["seq"]:
                entry["at_root"] = root(tree).hex()
        yield where, record, tree
    closed()


def places(entries):
    """How many records of each session went where: {place: {session: records}}."""
    there = {}
    for entry in entries:
        if entry["entry"] == "shipped":
            sessions = there.setdefault(entry["name"], {})
            sessions[entry["session"]] = max(entry["at_seq"], sessions.get(entry["session"], 0))
    return list(there.values())


def absent(entries, missing):
    """Of the sessions that a copy has not, those that it need not have: of one place at least none is missing."""
    near = min(places(entries), key=lambda all: (len(missing & set(all)), -len(all)), default={})
    return missing - set(near)


def may_end(files, name, entries):
    """A copy may lack what was never all of it at some place: what the ledger says of the rest is left out."""
    last = max((record["seq"] for _, record, _ in records(files, name, entries)), default=0)
    most = min((all[name] for all in places(entries)), default=0)
    if last < most:
        return entries
    return [entry for entry in entries if entry["entry"] not in KINDS or entry["at_seq"] <= last]


def goes_on(entries, checkpoint):
    """Whether this ledger is the continuation of one that was seen before."""
    _, size, root = checkpoint.read_text(encoding="utf-8").split("\n")[:3]
    same = any(
        str(entry["seq"]) == size and base64.b64encode(bytes.fromhex(entry["root"])).decode() == root
        for entry in entries
        if entry["v"] == 2
    )
    need(same, "ledger", f"not the one of which there is a checkpoint of {size} entries")


def members(manifest):
    """That the files of an archive are those that were packed. What its list says is to be had by another way."""
    for member in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
        path = manifest.parent / member["path"]
        need(path.is_file(), path, "it was packed, and is not there")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        need(digest == member["sha256"], path, "not what was packed")


def main(folder, key=None, checkpoint=None):
    if (folder.parent / "MANIFEST.json").is_file():
        members(folder.parent / "MANIFEST.json")
    name, given = None, None
    if key:
        name, _, data = key.read_text().split()[0].split("+", 2)
        given = base64.b64decode(data)[1:]
    files, copy = [folder / "ledger.jsonl"], False
    if not files[0].exists() and (folder / "_ledger").is_dir():
        parts = (folder / "_ledger").iterdir()
        files = sorted(p for p in parts if re.fullmatch(r"[0-9]{12}-[0-9]{12}\.jsonl", p.name))
        copy = True
    entries = ledger(files, name, given)
    if checkpoint:
        goes_on(entries, checkpoint)
    sessions = {}
    for path in folder.iterdir():
        if path.is_dir() and re.fullmatch(r"[a-z0-9-]{1,63}", path.name):
            sessions[path.name] = []
    there = set(sessions)
    for entry in entries:
        if entry["session"]:
            sessions.setdefault(entry["session"], []).append(entry)
    skipped = absent(entries, set(sessions) - there) if copy else set()
    for name in sorted(set(sessions) - skipped):
        files, mine = segments(folder / name), sessions[name]
        if copy:
            mine = may_end(files, name, mine)
        verify.session(records(files, name, mine), name, mine)


if __name__ == "__main__":
    try:
        main(*map(pathlib.Path, sys.argv[1:]))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"damaged: {error!r}")
    print("whole")
