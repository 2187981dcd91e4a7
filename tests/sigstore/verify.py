#!/usr/bin/env python3
"""Verifies bundles with Sigstore's own Python client, without a network.

    verify.py FOLDER IDENTITY ISSUER ROOT BUNDLE FILE [BUNDLE FILE…]

FOLDER is where tests/sigstore/install.sh installed it. A line for each bundle: `ok`, or `refused` and why.
"""

import json
import pathlib
import sys

folder, identity, issuer, root, *rest = sys.argv[1:]
sys.path.insert(0, folder)

from sigstore.models import Bundle, TrustedRoot  # noqa: E402
from sigstore.verify import Verifier, policy  # noqa: E402

verifier = Verifier(trusted_root=TrustedRoot.from_file(root))
who = policy.Identity(identity=identity, issuer=issuer)
for path, file in zip(rest[::2], rest[1::2]):
    try:
        bundle = Bundle.from_json(pathlib.Path(path).read_bytes())
        if "dsseEnvelope" in json.loads(pathlib.Path(path).read_bytes()):
            verifier.verify_dsse(bundle, who)
        else:
            verifier.verify_artifact(pathlib.Path(file).read_bytes(), bundle, who)
        print("ok")
    except Exception as error:  # some of what it refuses it does not expect
        print("refused", str(error).replace("\n", " "))
