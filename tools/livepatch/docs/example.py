#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""example.py PAGE OUT

Put what an author would copy from PAGE, a chapter in reST, into the folder OUT: each block of code
with a caption. The caption is the name of a file, or says where to type it: "in the shell" becomes
OUT/build.sh, and "in a shell of root" OUT/session. Tabs become spaces, as on the page.
"""
import re
import sys
from pathlib import Path

PLACES = {'in the shell': 'build.sh', 'in a shell of root': 'session'}
BLOCK = re.compile(r'^\.\. code-block:: \S+\n +:caption: (.+)\n\n((?: .*\n|\n)+)', re.M)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    page, out = Path(sys.argv[1]), Path(sys.argv[2])
    text = page.read_text(encoding='utf-8').expandtabs(8)
    found = {}
    for caption, block in BLOCK.findall(text):
        name = PLACES.get(caption, caption)
        if '/' in name or name in found:
            raise SystemExit(f'{page}: cannot make a file of "{caption}", or not twice')
        lines = block.strip('\n').split('\n')
        margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        found[name] = '\n'.join(line[margin:] for line in lines) + '\n'
    missing = {'Makefile', *PLACES.values()}.difference(found)
    if missing or text.count(':caption:') != len(found):
        raise SystemExit(f'{page}: {len(found)} blocks of code were found, without '
                         f'{" ".join(sorted(missing)) or "some"}')
    out.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        (out / name).write_text(content, encoding='utf-8')


if __name__ == '__main__':
    main()
