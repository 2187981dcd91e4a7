#!/usr/bin/env python3
"""Refuses packages that are younger than some days, or whose name is nearly that of a well-known one.

    package-check.py [--days N] [--offline] [--registry KIND=URL]…

For PreToolUse of Bash. Reads the install commands of npm, pnpm, yarn, bun, pip, uv and cargo. The registry is asked
when a package first appeared; one that does not answer is a refusal. `--offline` looks at names alone.
"""

import argparse
import datetime
import json
import re
import urllib.parse
import urllib.request

import told

MOST_PACKAGES = 20
MOST_BYTES = 64 << 20
NAME = {
    "npm": re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-zA-Z0-9~_-][a-zA-Z0-9._~-]{0,213}"),
    "pypi": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?"),
    "crates": re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}"),
}
REGISTRIES = {
    "npm": "https://registry.npmjs.org",
    "pypi": "https://pypi.org",
    "crates": "https://crates.io",
}
WELL_KNOWN = {
    "npm": """react react-dom lodash axios express chalk commander typescript webpack eslint prettier vite next vue
        moment dayjs uuid dotenv cors body-parser mongoose sequelize jest mocha vitest cross-env rimraf glob semver
        debug request async underscore jquery socket.io redux rxjs zod yargs inquirer nodemon puppeteer playwright
        electron tailwindcss postcss babel-core ts-node node-fetch ws pg mysql redis bcrypt jsonwebtoken passport""",
    "pypi": """requests numpy pandas scipy matplotlib django flask fastapi pydantic sqlalchemy boto3 botocore urllib3
        setuptools pip wheel six certifi idna charset-normalizer pyyaml click jinja2 cryptography pytest tensorflow torch
        transformers scikit-learn pillow beautifulsoup4 selenium aiohttp httpx openai anthropic langchain colorama tqdm
        python-dateutil pytz packaging attrs psycopg2 redis celery gunicorn uvicorn black ruff mypy""",
    "crates": """serde serde_json tokio clap rand regex anyhow thiserror syn quote reqwest hyper libc log tracing futures
        chrono time bytes base64 uuid rayon itertools lazy_static once_cell parking_lot crossbeam axum actix-web diesel
        sqlx rustls ring openssl tempfile walkdir url indexmap num-traits bitflags""",
}
WELL_KNOWN = {kind: frozenset(names.split()) for kind, names in WELL_KNOWN.items()}
# Program, words that install, kind, options with a value.
TOOLS = [
    ("npm", {"install", "i", "add", "in"}, "npm", {"--prefix", "-w", "--workspace", "--tag"}),
    ("pnpm", {"install", "i", "add"}, "npm", {"-C", "--dir", "--filter", "-F"}),
    ("yarn", {"add"}, "npm", {"--cwd"}),
    ("bun", {"add", "install", "i"}, "npm", {"--cwd"}),
    ("pip", {"install"}, "pypi", None),
    ("pip3", {"install"}, "pypi", None),
    ("uv", {"add", "install"}, "pypi", {"--directory", "--project", "--group", "--optional"}),
    ("cargo", {"add", "install"}, "crates", {"--features", "-F", "-p", "--package", "--manifest-path", "--rename", "--version", "--vers", "--root"}),
]
# Options that install from elsewhere, where no registry says when it first appeared.
ELSEWHERE = ("--index-url", "-i", "--extra-index-url", "-f", "--find-links", "-r", "--requirement", "-e", "--editable",
             "-c", "--constraint", "--registry", "--index", "--git", "--path", "--default-index")


def near(one, other):
    """Whether one letter is more, missing, another, or two are exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        odd = [at for at in range(len(one)) if one[at] != other[at]]
        if len(odd) == 1:
            return True
        return len(odd) == 2 and odd[1] == odd[0] + 1 and one[odd[0]] == other[odd[1]] and one[odd[1]] == other[odd[0]]
    short, long = sorted((one, other), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def looks_like(kind, name):
    plain = re.sub(r"[._-]+", "-", name.lower())
    known = {re.sub(r"[._-]+", "-", one): one for one in WELL_KNOWN[kind]}
    if plain in known:
        return None
    squeezed = plain.replace("-", "")
    for other, shown in known.items():
        if len(other) > 3 and (near(plain, other) or squeezed == other.replace("-", "")):
            return shown
    return None


def packages(event):
    """Each package that the command installs, with its kind."""
    for program, verbs, kind, valued in TOOLS:
        for words in told.calls_of(program, event):
            at = next((at for at, word in enumerate(words) if word in verbs), None)
            if at is None:
                continue
            skip = False
            for word in words[at + 1 :]:
                if skip:
                    skip = False
                elif word.split("=")[0] in ELSEWHERE and not (kind == "crates" and word in ("-c", "-e", "-i")):
                    told.refuse(f"`{word}` installs from elsewhere, where it cannot be told how old it is")
                elif word.startswith("-"):
                    skip = valued is not None and word in valued
                else:
                    yield kind, word
    for words in told.calls_of("npx", event):
        name = next((word for word in words if not word.startswith("-")), None)
        # Without a terminal npx asks nobody, whether or not it has `-y`.
        if name and not {"--no", "--no-install"} & set(words[: words.index(name)]):
            yield "npm", name


def name_of(kind, word):
    if kind == "npm":
        at = word.find("@", 1)
        name = word if at < 0 else word[:at]
        if at > 0 and re.match(r"(?:npm:|git|https?:|file:|github:)", word[at + 1 :]):
            name = ""
    elif kind == "pypi":
        name = re.split(r"[\[<>=!~; ]", word, maxsplit=1)[0]
    else:
        name = word.split("@")[0]
    if not NAME[kind].fullmatch(name) or word.startswith((".", "/", "~")):
        told.refuse(f"{word!r} is not the name of a package in a registry")
    return name


def born(kind, url, name):
    """When the first version appeared."""
    path = {"npm": "/{}", "pypi": "/pypi/{}/json", "crates": "/api/v1/crates/{}"}[kind]
    address = url + path.format(urllib.parse.quote(name, safe="@"))
    agent = {"User-Agent": "palisade-package-check", "Accept": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, headers=agent), timeout=20) as answer:
        said = json.loads(answer.read(MOST_BYTES))
    if kind == "npm":
        times = [said["time"]["created"]]
    elif kind == "crates":
        times = [said["crate"]["created_at"]]
    else:
        files = [file for files in said["releases"].values() for file in files]
        times = [file["upload_time_iso_8601"] for file in files]
    return datetime.datetime.fromisoformat(min(times).replace("Z", "+00:00"))


def decide(event):
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--registry", action="append", default=[])
    asked = parser.parse_args()
    registries = REGISTRIES | dict(one.split("=", 1) for one in asked.registry)
    found = list(dict.fromkeys((kind, name_of(kind, word)) for kind, word in packages(event)))
    if len(found) > MOST_PACKAGES:
        told.refuse(f"more than {MOST_PACKAGES} packages at once are not looked at")
    for kind, name in found:
        other = looks_like(kind, name)
        if other:
            told.refuse(f"{name} is nearly {other}, which is a well-known package: is that the one you mean?")
        if name in WELL_KNOWN[kind] or asked.offline:
            continue
        try:
            since = born(kind, registries[kind], name)
        except Exception as error:  # noqa: BLE001
            told.refuse(f"when {name} first appeared cannot be told: {error}")
        age = datetime.datetime.now(datetime.timezone.utc) - since
        if age.days < asked.days:
            told.refuse(f"{name} first appeared {age.days} days ago; packages younger than {asked.days} days are not installed")


told.main(decide)
