# SPDX-License-Identifier: GPL-2.0-only
"""What do lcov's data say of the core, and why are lines missed?"""

import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SRC = HERE.parents[2]
CORE = SRC / 'kernel/livepatch'
REASONS = HERE / 'reasons'
PAGE = SRC / 'Documentation/livepatch/coverage.rst'
HEAD = '''.. SPDX-License-Identifier: GPL-2.0

.. "make coverage" writes this page.

========
Coverage
========

What ``make coverage`` found on Linux {release}: the lines and branches of ``kernel/livepatch`` that KUnit, our
selftests and the stock ones reach in two guests, one with two CPUs and preemption, one with neither. The kernel is
built with ``gcov``; a branch is one of the ways that the compiler's code can go on, so a line may have several, and
some belong to what macros of the kernel check (``WARN_ON_ONCE()``, ``READ_ONCE()``, lists). ``hook.c`` runs where
nothing may be counted; ``offsets.c`` and ``trace.c`` have no code of their own.

'''
WHY = '''
Why lines are missed
====================

These {count} lines are not reached, for the reasons in ``tools/livepatch/coverage/reasons``. A line without a
reason, or a reason without a line, lets ``make coverage`` fail.
'''
COLUMNS = ('file', 'lines', 'reached', 'branches', 'taken')
WIDTHS = (18, 6, 8, 9, 8)


@dataclass
class Coverage:
    """Of a file."""
    lines: dict[int, int] = field(default_factory=dict)         # line -> hits
    branches: dict[tuple, int] = field(default_factory=dict)    # (line, block, branch) -> taken
    functions: dict[int, str] = field(default_factory=dict)     # first line -> name

    def function(self, line):
        """In which LINE is."""
        return self.functions[max((first for first in self.functions if first <= line), default=0)]


def read(info):
    """{file of the core: Coverage} of a file of lcov's."""
    files, one = {}, Coverage()
    for record in info.read_text().splitlines():
        key, _, value = record.partition(':')
        words = value.split(',')
        if key == 'SF':
            path = Path(value).resolve()
            one = files.setdefault(path.name, Coverage({}, {}, {0: ''})) if path.parent == CORE \
                else Coverage()
        elif key == 'FN':
            one.functions[int(words[0])] = words[1]
        elif key == 'DA':
            one.lines[int(words[0])] = one.lines.get(int(words[0]), 0) + int(words[1])
        elif key == 'BRDA':
            where = tuple(words[:3])
            one.branches[where] = one.branches.get(where, 0) + int(words[3].replace('-', '0'))
    return files


def row(name, *counts):
    """A row of the table, from pairs of all and reached."""
    cells = [name]
    for total, hit in counts:
        cells += [f'{total}', f'{hit / total:.1%}' if total else '-']
    return '  '.join(cell.ljust(width) if not at else cell.rjust(width)
                     for at, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip()


def table(files):
    """All files of the core, and their sum."""
    rule = '  '.join('=' * width for width in WIDTHS)
    out = [rule, '  '.join(word.ljust(width) for word, width in zip(COLUMNS, WIDTHS)).rstrip(), rule]
    sums = [[0, 0], [0, 0]]
    for path in sorted(CORE.glob('*.c')):
        if path.name not in files:
            out.append(f'{path.name:{WIDTHS[0]}}       -')
            continue
        counts = [(len(found), sum(hits > 0 for hits in found.values()))
                  for found in (files[path.name].lines, files[path.name].branches)]
        out.append(row(path.name, *counts))
        for total, more in zip(sums, counts):
            total[0] += more[0]
            total[1] += more[1]
    if not sums[0][0]:
        sys.exit('coverage: no line of kernel/livepatch is in the data')
    return '\n'.join([*out, row('all', *sums), rule])


def missed(files):
    """{(file, function, text): lines that no test reaches}."""
    found = {}
    for name, one in sorted(files.items()):
        text = (CORE / name).read_text().splitlines()
        for line, hits in sorted(one.lines.items()):
            if not hits:
                key = (name, one.function(line), text[line - 1].strip())
                found.setdefault(key, []).append(line)
    return found


def reasons():
    """{(file, function, text): reason}."""
    known = {}
    for block in REASONS.read_text().split('\n\n')[1:]:
        lines = block.splitlines()
        reason = ' '.join(line for line in lines if not line.startswith('\t')).removesuffix(':')
        for line in lines:
            if line.startswith('\t'):
                name, function, text = line.strip().split(' ', 2)
                known[name, function.removesuffix(':'), text] = reason
    return known


def why(found, known):
    """The reasons, each with its lines, as a list for the page."""
    out = []
    for reason in dict.fromkeys(known.values()):
        keys = [key for key in found if known.get(key) == reason]
        if keys:
            out += ['', textwrap.fill(f'{reason}:', 112), '']
        for name, function, text in keys:
            lines = found[name, function, text]
            times = f', {len(lines)} lines' if len(lines) > 1 else ''
            out.append(f'- ``{name}``, {function}(): ``{text}``{times}')
    return '\n'.join(out)


def summary(files, release, whole):
    """Print what was reached and what not, write the page if all was run; is each line told of?"""
    found, known = missed(files), reasons()
    print(table(files))
    strange = {key: lines for key, lines in found.items() if key not in known}
    for (name, function, text), lines in strange.items():
        print(f'not reached: {name} {function}: {text}   (line {", ".join(map(str, lines))})')
    if not whole:
        return True
    idle = [key for key in known if key not in found and not known[key].startswith('Rare')]
    for name, function, text in idle:
        print(f'reached, in spite of its reason: {name} {function}: {text}')
    count = sum(map(len, found.values()))
    PAGE.write_text(HEAD.format(release=release) + table(files) + '\n' + WHY.format(count=count) + why(found, known) + '\n')
    print(f'coverage: {count} lines not reached, {len(strange)} of them without a reason; '
          f'{PAGE.name} is written')
    return not strange and not idle
