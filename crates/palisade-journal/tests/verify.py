#!/usr/bin/env python3
"""Verify a Palisade journal without Palisade: python3 verify.py JOURNAL_FOLDER

Prints `whole` and exits 0, or names the first bad record and exits 1.
The format is specified in docs/journal-format.md.
"""
import hashlib
import json
import os
import re
import sys

SEAL = re.compile(rb'(.*),"hash":"([0-9a-f]{64})"\}', re.S)


class Damaged(Exception):
    pass


def unique(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a member stands twice")
    return dict(pairs)


def lines(path):
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}:{number}"
            if not line.endswith(b"\n"):
                raise Damaged(f"{where}: torn tail")
            if len(line) > 65536 or re.search(rb"[^ -~]", line[:-1]):
                raise Damaged(f"{where}: not printable ASCII of at most 64 KiB")
            sealed = SEAL.fullmatch(line[:-1])
            if not sealed:
                raise Damaged(f"{where}: no hash at its end")
            digest = hashlib.sha256(sealed[1] + b"}").hexdigest()
            if digest != sealed[2].decode():
                raise Damaged(f"{where}: edited")
            try:
                record = json.loads(line, object_pairs_hook=unique)
            except ValueError as error:
                raise Damaged(f"{where}: {error}")
            if record["v"] != 1:
                raise Damaged(f"{where}: unknown version")
            yield where, record


def chain(records, genesis):
    head, due = hashlib.sha256(genesis).hexdigest(), 1
    for where, record in records:
        if record["seq"] != due:
            raise Damaged(f"{where}: record {record['seq']} where {due} is due")
        if record["prev"] != head:
            raise Damaged(f"{where}: the record before it was replaced")
        head, due = record["hash"], due + 1
        yield where, record


def session(folder, name, anchors):
    def records():
        for segment in sorted(os.listdir(os.path.join(folder, name))):
            if re.fullmatch(r"[0-9]{6}\.jsonl", segment):
                yield from lines(os.path.join(folder, name, segment))

    last, unlisted = 0, None
    for where, record in chain(records(), f"palisade-journal/1\n{name}\n".encode()):
        last = record["seq"]
        if record["session"] != name:
            raise Damaged(f"{where}: a record of session {record['session']}")
        here = [entry for entry in anchors if entry["at_seq"] == last]
        if any(entry["at_hash"] != record["hash"] for entry in here):
            raise Damaged(f"{where}: the ledger knows another record here")
        opens = record["kind"] in ("journal_open", "journal_reopen")
        # A crash between the two writes: only another opening can follow.
        if unlisted and not opens and record["kind"] != "recovered":
            raise Damaged(f"{unlisted}: the ledger does not know this opening")
        if opens:
            unlisted = None
            start = [entry for entry in here if entry["entry"] == "start"]
            if not start:
                unlisted = where
                continue
            seen = (record["detail"]["ledger_seq"], record["detail"]["ledger_hash"])
            if seen != (start[0]["seq"] - 1, start[0]["prev"]):
                raise Damaged(f"{where}: the ledger was rewritten")
    known = max((entry["at_seq"] for entry in anchors), default=None)
    if known is None and (unlisted or not last):
        return
    if known is None or known > last:
        raise Damaged(f"{name}: {last} records are left, the ledger knows {known}")
    if anchors[-1]["entry"] == "end" and last > known:
        raise Damaged(f"{name}: it ended with record {known} and goes on to {last}")


def main(folder):
    ledger = os.path.join(folder, "ledger.jsonl")
    entries = [entry for _, entry in chain(lines(ledger), b"palisade-ledger/1\n")]
    names = {n for n in os.listdir(folder) if os.path.isdir(os.path.join(folder, n))}
    for name in sorted(names | {e["session"] for e in entries if e["session"]}):
        session(folder, name, [e for e in entries if e["session"] == name])


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Damaged, OSError) as error:
        sys.exit(f"damaged: {error}")
    print("whole")
