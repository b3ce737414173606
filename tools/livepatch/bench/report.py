#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py OUT WORKS PAGE CONDITIONS

Read what has been printed, OUT/stock-*.log and OUT/ours-*.log, and write OUT/results.json,
OUT/PAGE.rst and its plots, and OUT/scaling.rst; print the tables. What OUT/asked names must be
there. WORKS is the list of all works; CONDITIONS is what the page says of them.
"""
import glob
import json
import re
import statistics
import sys

import plots
import scaling
from tables import heading, number, ratio, table, with_unit

# What was to be reached: work, in words, the most that it may be in its unit, and as a part of
# stock's; None stands for no such aim.
AIMS = (
    ('call.overhead', 'at most 21 instructions', 21, None),
    ('call.overhead.handler', 'at most 56 instructions', 56, None),
    ('enable.1000', 'at most 1/100 of stock', None, 1 / 100),
    ('disable.1000', 'at most 0.3 s, and 1/400 of stock', 0.3e9, 1 / 400),
    ('disable.30.later', 'at most 1/5 of stock', None, 1 / 5),
    ('replace.1000', 'at most 1/100 of stock', None, 1 / 100),
    ('enable.1000.tasks.10000', 'at most 1/50 of stock', None, 1 / 50),
    ('enable.1000.modules.50', 'at most 45,000,000', 45e6, None),
    ('enable.10.tasks.10000', 'at most 1/5 of stock', None, 1 / 5),
    ('enable.10.tasks.50000', 'at most 1/5 of stock', None, 1 / 5),
    ('enable.cpus.64.idle', 'at most 1/20 of stock', None, 1 / 20),
    ('enable.cpus.8.busy', 'at most 1/20 of stock', None, 1 / 20),
    ('stackcheck.10', 'at most 1,000', 1000, None),
    ('stackcheck.1000', 'at most 1,000', 1000, None),
    ('stackcheck.1000.depth.40', 'at most 1/20 of 36,322', 36322 / 20, None),
    ('stackcheck.1000.depth.80', 'at most 1/20 of 68,199', 68199 / 20, None),
    ('shadow.get.1000', 'at most 1.1 of stock', None, 1.1),
    ('shadow.get.1000000', 'at most 80', 80, None),
    ('shadow.miss.1000', 'at most 1.1 of stock', None, 1.1),
    ('shadow.miss.1000000', 'at most 80', 80, None),
    *((f'shadow.{work}.1000', 'at most 1.1 of stock', None, 1.1)
      for work in ('alloc', 'free', 'free_all', 'fill')),
    *((f'shadow.{work}.100000', 'less than stock', None, 1)
      for work in ('alloc', 'free', 'free_all', 'fill')),
)
# What was to be reached of ours alone: work, in words, the most that it may be as a multiple of
# another work.
RELATIVE = (
    ('enable.side.100', 'at most 1.2 of enable.side.1', 1.2, 'enable.side.1'),
    ('wakeup.patched', 'at most twice wakeup.plain', 2, 'wakeup.plain'),
    ('wakeup.handler', 'at most twice wakeup.plain', 2, 'wakeup.plain'),
    ('module.load.1000', 'as module.load.0, within 5 %', 1.05, 'module.load.0'),
    ('module.load.meanwhile', 'at most twice module.load.0', 2, 'module.load.0'),
)


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
    """{work: ([figure], unit)}: what has been printed of this kernel, in order of size."""
    seen = {}
    for path in sorted(glob.glob(f'{out}/{kernel}-*.log')):
        with open(path, encoding='utf-8') as log:
            for line in log:
                match = re.match(r'result: (\S+) (-?[\d.]+) (\S+)$', line)
                if match:
                    seen.setdefault(match[1], ([], match[3]))[0].append(float(match[2]))
    for values, _ in seen.values():
        values.sort()
    return seen


def section(works, results):
    rows = [('work', 'what [unit]', 'stock', 'ours', 'ratio')]
    for work, words in works:
        if work in results:
            result = results[work]
            before, after = result['stock'], result['ours']
            rows.append((work, with_unit(words, result['unit']), number(before), number(after),
                         ratio(before, after)))
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


def slower(results):
    """The works that stock does in less; those of several rounds with the least and the most."""
    rows = [('work', 'stock, from to [unit]', 'ours, from to', 'ratio', 'apart')]
    for work, result in results.items():
        stock, ours = result['rounds']
        if ratio(result['stock'], result['ours']) in ('-', '1.00') or \
                result['ours'] <= result['stock']:
            continue
        cells = [' '.join(number(value) for value in sorted({values[0], values[-1]}))
                 for values in (stock, ours)]
        cells[0] += f' [{result["unit"]}]'
        apart = '?' if len(stock) == 1 else 'yes' if ours[0] > stock[-1] else 'no'
        rows.append((work, *cells, ratio(result['stock'], result['ours']), apart))
    return table(rows) if len(rows) > 1 else ''


SLOWER = '''What is measured three times is told by its median above, and here from the least to the most. Where these
overlap, the difference says nothing: they are not *apart*. ``?`` is measured once. What comes out as 1.00 is not
here. :doc:`worlds` tells the reasons.

'''

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

    results = {work: {'work': work, 'unit': stock[work][1],
                      'stock': statistics.median(stock[work][0]),
                      'ours': statistics.median(ours[work][0]),
                      'rounds': [stock[work][0], ours[work][0]]}
               for work in asked}
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
    text = slower(results)
    if text:
        page += heading('Where stock takes less', '=') + SLOWER + text
    drawn = plots.draw(results, out, name)
    if drawn:
        page += heading('How cost grows', '=') + 'Both axes are logarithmic.\n'
        page += ''.join(f'\n.. image:: {name}\n   :alt: {title}\n' for name, title in drawn)
    with open(f'{out}/{name}.rst', 'w', encoding='utf-8') as file:
        file.write(page)
    scaling.write(results, f'{out}/scaling.rst')
    print(page[page.index('below 1 it is less.') + len('below 1 it is less.'):].strip())


if __name__ == '__main__':
    main()
