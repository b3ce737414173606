#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py OUT CONDITIONS STOCK_LOG... -- OUR_LOG...

Read what the guests printed, write OUT/results.json and OUT/performance.rst, print the table. Of
several logs of one kernel the median of each figure counts. CONDITIONS is a sentence for the page.
"""
import json
import re
import statistics
import sys

WORDS = {
    'call.plain': 'call of a trivial function that is not patched',
    'call.patched': 'call of the same function, patched',
    'call.overhead': 'what patching adds to a call',
    'enable': 'klp_enable_patch() with {} function{}',
    'settled': 'the same, until the transition has ended',
    'disable': 'disabling {} function{}, until the patch has left sysfs',
    'transition.busy.median': 'transition, a user task being in the function at the first look: '
                              'median of 20',
    'transition.busy.worst': 'the same, the longest',
    'tasklist.hold.10000': 'longest hold of tasklist_lock by a transition, 10,000 threads',
}

# With so many variables there.
SHADOW_WORDS = {
    'get': 'klp_shadow_get() of one among {:,} variables',
    'miss': 'the same, of one that is not there',
    'alloc': 'klp_shadow_alloc(), with {:,} there',
    'free': 'klp_shadow_free(), with {:,} there',
    'free_all': 'klp_shadow_free_all() of 1,000, with {:,} of another id',
    'fill': 'klp_shadow_alloc(), mean over the first {:,}, with all work in the background',
}

# With so many variables there.
SHADOW_WORDS = {
    'get': 'klp_shadow_get() of one among {:,} variables',
    'miss': 'the same, of one that is not there',
    'alloc': 'klp_shadow_alloc(), with {:,} there',
    'free': 'klp_shadow_free(), with {:,} there',
    'free_all': 'klp_shadow_free_all() of 1,000, with {:,} of another id',
    'fill': 'klp_shadow_alloc(), mean over the first {:,}, with all work in the background',
}


def figures(paths):
    """{work: (median, unit)} over the logs."""
    seen = {}
    for path in paths:
        with open(path, encoding='utf-8') as log:
            for line in log:
                match = re.match(r'result: (\S+) ([\d.]+) (\S+)', line)
                if match:
                    seen.setdefault((match[1], match[3]), []).append(float(match[2]))
    result = {work: (statistics.median(values), unit) for (work, unit), values in seen.items()}
    if 'call.plain' in result and 'call.patched' in result:
        overhead = round(result['call.patched'][0] - result['call.plain'][0], 2)
        result['call.overhead'] = (overhead, 'instructions')
    return result


def describe(work):
    if work in WORDS:
        return WORDS[work]
    verb, size, *rest = work.split('.')
    if verb == 'shadow':
        return SHADOW_WORDS[size].format(int(rest[0]))
    words = WORDS[rest[0] if rest else verb]
    return words.format(size, '' if size == '1' else 's')


def number(value):
    return f'{value:,.2f}' if value < 1000 else f'{value:,.0f}'


def order(work):
    verb, *rest = work.split('.')
    verbs = ('call', 'enable', 'disable', 'transition', 'tasklist', 'shadow')
    if work in WORDS:
        return verbs.index(verb), list(WORDS).index(work), 0
    if verb == 'shadow':
        return verbs.index(verb), int(rest[1]), list(SHADOW_WORDS).index(rest[0])
    sizes = ('plain', 'patched', 'overhead')
    size = sizes.index(rest[0]) if rest[0] in sizes else int(rest[0])
    return verbs.index(verb), size, len(rest)


def table(rows):
    """A simple reST table."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = '  '.join('=' * w for w in width)
    lines = ['  '.join(cell.ljust(w) for cell, w in zip(row, width)).rstrip() for row in rows]
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule]) + '\n'


PAGE = '''.. SPDX-License-Identifier: GPL-2.0

===========
Performance
===========

.. Written by "make bench"; do not edit.

The stock kernel and ours, built from the same source package with the same configuration, run the
same modules. {conditions}

One nanosecond of guest time is one instruction. Rows in ns include the time that is spent waiting,
for a grace period or for the next look at the tasks.

{table}
'''


def main():
    if len(sys.argv) < 5 or '--' not in sys.argv:
        raise SystemExit(__doc__)
    out, conditions, *logs = sys.argv[1:]
    cut = logs.index('--')
    stock, ours = figures(logs[:cut]), figures(logs[cut + 1:])
    if not stock or stock.keys() != ours.keys():
        raise SystemExit(f'not the same work in both: {sorted(stock)} and {sorted(ours)}')

    rows = [('work', 'unit', 'stock', 'ours', 'ours/stock')]
    results = []
    for work in sorted(stock, key=order):
        (before, unit), (after, _) = stock[work], ours[work]
        results.append({'work': work, 'unit': unit, 'stock': before, 'ours': after})
        rows.append((describe(work), unit, number(before), number(after),
                     f'{after / before:.4f}' if before else '-'))
    with open(out + '/results.json', 'w', encoding='utf-8') as file:
        json.dump({'results': results}, file, indent=1)
        file.write('\n')
    text = table(rows)
    with open(out + '/performance.rst', 'w', encoding='utf-8') as file:
        file.write(PAGE.format(conditions=conditions, table=text).rstrip('\n') + '\n')
    print(text, end='')


if __name__ == '__main__':
    main()
