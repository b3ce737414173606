#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py OUT WORKS PAGE CONDITIONS

Read what has been printed, OUT/stock-*.log and OUT/ours-*.log, and write OUT/results.json,
OUT/PAGE.rst and its plots; print the tables. What OUT/asked names must be there. WORKS is the list
of all works; CONDITIONS is what the page says of them.
"""
import glob
import json
import re
import sys

import plots

# What was to be reached: work, in words, the most that it may be in its unit, and as a part of
# stock's; None stands for no such aim.
AIMS = (
    ('call.overhead', 'at most 21 instructions', 21, None),
    ('call.overhead.handler', 'at most 56 instructions', 56, None),
    ('enable.1000', 'at most 1/100', None, 1 / 100),
    ('disable.1000', 'at most 0.3 s, and 1/400', 0.3e9, 1 / 400),
    ('disable.30.later', 'at most 1/5', None, 1 / 5),
    ('replace.1000', 'at most 1/100', None, 1 / 100),
    ('enable.1000.tasks.10000', 'at most 1/50', None, 1 / 50),
    ('enable.1000.modules.50', 'at most 45,000,000', 45e6, None),
    ('enable.10.tasks.10000', 'at most 1/5', None, 1 / 5),
    ('enable.10.tasks.50000', 'at most 1/5', None, 1 / 5),
    ('stackcheck.10', 'at most 1,000', 1000, None),
    ('stackcheck.1000', 'at most 1,000', 1000, None),
    ('stackcheck.1000.depth.40', 'at most 1/20 of 36,322', 36322 / 20, None),
    ('stackcheck.1000.depth.80', 'at most 1/20 of 68,199', 68199 / 20, None),
    ('shadow.get.1000', 'at most 1.1', None, 1.1),
    ('shadow.get.1000000', 'at most 80', 80, None),
    ('shadow.miss.1000', 'at most 1.1', None, 1.1),
    ('shadow.miss.1000000', 'at most 80', 80, None),
    *((f'shadow.{work}.1000', 'at most 1.1', None, 1.1)
      for work in ('alloc', 'free', 'free_all', 'fill')),
    *((f'shadow.{work}.100000', 'less', None, 1)
      for work in ('alloc', 'free', 'free_all', 'fill')),
)
# What was to be reached of ours alone: work, in words, the most that it may be as a multiple of
# another work.
RELATIVE = (
    ('wakeup.patched', 'at most twice wakeup.plain', 2, 'wakeup.plain'),
    ('wakeup.handler', 'at most twice wakeup.plain', 2, 'wakeup.plain'),
    ('module.load.1000', 'as module.load.0, within 5 %', 1.05, 'module.load.0'),
    ('module.load.meanwhile', 'at most twice module.load.0', 2, 'module.load.0'),
)

# Time by the clock of a machine that does something else as well: only the ratio says something.
WALL = 'wall-ns'


def read_works(path):
    """[(heading, [(work, words)])]"""
    sections = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.startswith('= '):
                sections.append((line[2:].strip(), []))
            elif line.strip() and not line.startswith('#'):
                _, _, work, words = line.strip().split(' ', 3)
                sections[-1][1].append((work, words))
    return sections


def figures(kernel, out):
    """{work: (figure, unit)} that has been printed of this kernel."""
    seen = {}
    for path in sorted(glob.glob(f'{out}/{kernel}-*.log')):
        with open(path, encoding='utf-8') as log:
            for line in log:
                match = re.match(r'result: (\S+) (-?[\d.]+) (\S+)$', line)
                if match:
                    seen[match[1]] = (float(match[2]), match[3])
    return seen


def number(value):
    return f'{value:,.2f}'.rstrip('0').rstrip('.') if value < 1000 else f'{value:,.0f}'


def ratio(before, after):
    if not before:
        return '-'
    digits = 2 if after >= before / 10 else 4 if after >= before / 1000 else 6
    return f'{after / before:.{digits}f}'


def table(rows):
    """A simple reST table."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = '  '.join('=' * w for w in width)
    lines = ['  '.join(cell.ljust(w) for cell, w in zip(row, width)).rstrip() for row in rows]
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule]) + '\n'


def heading(text, line):
    return f'\n{text}\n{line * len(text)}\n\n'


def with_unit(words, unit):
    """The unit has no column of its own: a page is not as wide as a screen."""
    return words if re.search(rf'\b{unit}\b', words) else f'{words} [{unit}]'


def section(works, results):
    rows = [('work', 'what [unit]', 'stock', 'ours', 'ratio')]
    for work, words in works:
        if work in results:
            result = results[work]
            before, after = result['stock'], result['ours']
            shown = ('', '') if result['unit'] == WALL else (number(before), number(after))
            rows.append((work, with_unit(words, result['unit']), *shown, ratio(before, after)))
    return table(rows) if len(rows) > 1 else ''


def aims(results):
    rows = [('work', 'to reach [unit]', 'stock', 'ours', 'ratio', 'met')]
    for work, words, most, part in AIMS:
        if work in results:
            result = results[work]
            before, after = result['stock'], result['ours']
            reached = ((most is None or after <= most) and
                       (part is None or after <= part * before))
            rows.append((work, with_unit(words, result['unit']), number(before), number(after),
                         ratio(before, after), 'yes' if reached else 'no'))
    for work, words, most, base in RELATIVE:
        if work in results and base in results:
            result = results[work]
            reached = result['ours'] <= most * results[base]['ours']
            rows.append((work, with_unit(words, result['unit']), number(result['stock']),
                         number(result['ours']), ratio(result['stock'], result['ours']),
                         'yes' if reached else 'no'))
    return table(rows) if len(rows) > 1 else ''


PAGE = '''.. SPDX-License-Identifier: GPL-2.0

{rule}
{title}
{rule}

.. Written by "make bench"; do not edit.

The stock kernel and ours, built from the same source package with the same configuration, run the
same modules. {conditions}

One nanosecond of guest time is one instruction. Rows in ns include the time that is spent waiting,
for a grace period or for the next look at the tasks. The ratio is what ours takes as a part of
stock's: below 1 it is less.
'''


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    out, path, name, conditions = sys.argv[1:]
    sections = read_works(path)
    with open(f'{out}/asked', encoding='utf-8') as file:
        asked = [line.split()[1] for line in file]
    stock, ours = figures('stock', out), figures('ours', out)
    for kernel, seen in (('stock', stock), ('ours', ours)):
        missing = [work for work in asked if work not in seen]
        if missing:
            raise SystemExit(f'report.py: no result of {kernel}: {" ".join(missing)}')

    results = {work: {'work': work, 'unit': unit, 'stock': before, 'ours': ours[work][0]}
               for work, (before, unit) in ((work, stock[work]) for work in asked)}
    with open(f'{out}/results.json', 'w', encoding='utf-8') as file:
        json.dump({'results': list(results.values())}, file, indent=1)
        file.write('\n')

    title = 'Performance' + name.removeprefix('performance').replace('-', ' on Linux ')
    page = PAGE.format(title=title, rule='=' * len(title), conditions=conditions)
    text = aims(results)
    if text:
        page += heading('What was to be reached', '=') + text
    for title, works in sections:
        text = section(works, results)
        if text:
            page += heading(title, '=') + text
    drawn = plots.draw(results, out, name)
    if drawn:
        page += heading('How cost grows', '=') + 'Both axes are logarithmic.\n'
        page += ''.join(f'\n.. image:: {name}\n   :alt: {title}\n' for name, title in drawn)
    with open(f'{out}/{name}.rst', 'w', encoding='utf-8') as file:
        file.write(page)
    print(page[page.index('below 1 it is less.') + len('below 1 it is less.'):].strip())


if __name__ == '__main__':
    main()
