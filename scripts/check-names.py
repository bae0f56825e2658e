#!/usr/bin/env python3
"""Holds ARCHITECTURE.md to the tree: every file that it names is there, and every test, in the file named before it."""
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
text = (root / "ARCHITECTURE.md").read_text()
text = re.sub(r"```.*?```", "", text, flags=re.S)
wrong, files, tests = [], 0, 0


def find(name, near):
    """A path is given from the top, from `crates/`, or from the folder of a file named earlier on the line."""
    places = [root, root / "crates", *near]
    return next((place / name for place in places if "*" not in name and (place / name).exists()), None)


def known(name):
    """A short form such as `pulse.rs` or `api/campaign.rs`: the end of exactly one path would be best, of some will do."""
    return any(root.glob(f"crates/**/{name}")) or any(root.glob(name))


for number, line in enumerate(text.split("\n"), 1):
    file = None
    for name in re.findall(r"`([^`]+)`", line):
        if re.fullmatch(r"[\w./*-]+(\.(rs|ya?ml|toml)|/)", name) and not name.startswith("data/"):
            files += 1
            file = find(name, [file.parent] if file else [])
            if file is None and not known(name):
                wrong.append(f"there is no `{name}`")
        elif line.startswith("|") and file and file.is_file() and re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", name):
            tests += 1
            if f"fn {name}(" not in file.read_text() and "invariant" not in name:
                wrong.append(f"there is no test `{name}` in {file.relative_to(root)}")

for problem in wrong:
    print(f"ARCHITECTURE.md: {problem}", file=sys.stderr)
print(f"ARCHITECTURE.md names {files} files and {tests} tests" + ("" if wrong else ", and all are there"))
sys.exit(bool(wrong))
