#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""pages.py OUT VERSION PATH...

Look at the rendered pages in OUT as a reader would see them, and say what is wrong: a path of the
machine that they were made on (one of PATH, or anything below a folder for temporary files);
another version than VERSION, or that one not exactly once on top of the side bar; a table that does
not become narrower than the text.
"""
import os
import re
import sys
import zlib
from html.parser import HTMLParser

# What a table may need, in columns of its font, so that it is not wider than the text (800 pixels
# in the kernel's own style). Words that are not code are about 1/6 narrower.
MOST_COLUMNS = 75
# What the lines and the room beside a cell take.
CELL = 2
PROSE = 5 / 6

TEMPORARY = r'/(?:var/)?tmp/tmp[.A-Za-z0-9_]*'


class Page(HTMLParser):
    """The tables of a page, [(line, {column: columns needed})]; the texts of some elements."""

    def __init__(self, text):
        super().__init__()
        self.tables = []
        self.texts = {'title': [], 'blurb': []}
        self.table = self.cell = self.collect = None
        self.column = self.span = self.whole = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        classes = (attrs.get('class') or '').split()
        if tag == 'title' or 'blurb' in classes:
            self.collect = 'title' if tag == 'title' else 'blurb'
            self.texts[self.collect].append('')
        if tag == 'table' and 'docutils' in classes:
            self.table = {}
            self.tables.append((self.getpos()[0], self.table))
        elif tag == 'tr':
            self.column = 0
        elif tag in ('td', 'th') and self.table is not None:
            self.cell, self.span = 0, int(attrs.get('colspan', 1))
        elif tag == 'span' and 'pre' in classes:
            self.whole += 1
        elif tag == 'span' and self.whole:
            self.whole += 1

    def handle_endtag(self, tag):
        if tag in ('title', 'p'):
            self.collect = None
        if tag == 'table':
            self.table = None
        elif tag == 'span' and self.whole:
            self.whole -= 1
        elif tag in ('td', 'th') and self.table is not None and self.cell is not None:
            if self.span == 1:
                self.table[self.column] = max(self.table.get(self.column, 0), self.cell)
            self.column += self.span
            self.cell = None

    def handle_data(self, data):
        if self.collect:
            self.texts[self.collect][-1] += data
        if self.cell is None:
            return
        # A browser breaks a line at a space and behind a hyphen, but not within code.
        if self.whole:
            need = len(data)
        else:
            need = PROSE * max(map(len, re.split(r'\s+|(?<=\w-)(?=\w)', data)))
        self.cell = max(self.cell, need)


def contents(path):
    with open(path, 'rb') as file:
        data = file.read()
    if path.endswith('objects.inv'):
        data = zlib.decompress(data.split(b'\n', 4)[4])
    return data.decode('utf-8', 'replace')


def look_at_file(name, text, version, paths):
    for number, line in enumerate(text.split('\n'), 1):
        match = re.search('|'.join([TEMPORARY, *map(re.escape, paths)]), line)
        if match:
            yield f'{name}:{number}: a path of this machine: {match.group()}'
        if f'{version}-{version}' in line:
            yield f'{name}:{number}: the version twice: {version}-{version}'


def look_at_page(name, text, version):
    page = Page(text)
    for what, texts in page.texts.items():
        # The title has the page's heading before a dash.
        said = re.findall(r'\d+(?:\.\d+)+\S*', ' '.join(texts).rpartition('\u2014')[2])
        if said != [version]:
            yield f'{name}: {what}: {" ".join(said) or "no version"}, not {version}'
    for line, columns in page.tables:
        need = sum(columns.values()) + CELL * len(columns)
        if need > MOST_COLUMNS:
            yield (f'{name}:{line}: a table that needs {need:.0f} columns, '
                   f'of at most {MOST_COLUMNS}: ' + ' + '.join(f'{columns[i]:.0f}' for i in sorted(columns)))


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    out, version, *paths = sys.argv[1:]
    bad = pages = 0
    for folder, _, names in os.walk(out):
        for name in sorted(names):
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, out)
            if not name.endswith(('.html', '.js', '.txt', '.css', '.svg', '.inv')):
                continue
            text = contents(path)
            faults = list(look_at_file(shown, text, version, paths))
            if name.endswith('.html'):
                pages += 1
                faults += look_at_page(shown, text, version)
            for fault in faults:
                print(f'htmldocs: {fault}', file=sys.stderr)
            bad += len(faults)
    if not pages:
        raise SystemExit(f'htmldocs: no pages in {out}')
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
