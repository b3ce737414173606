# SPDX-License-Identifier: GPL-2.0-only
"""Figures and tables of the pages that the bench writes."""
import re


def number(value):
    """As many digits as say something."""
    return f'{value:,.2f}'.rstrip('0').rstrip('.') if abs(value) < 1000 else f'{value:,.0f}'


def ratio(before, after):
    """AFTER as a part of BEFORE."""
    if before <= 0:
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
    """A heading, underlined by LINE."""
    return f'\n{text}\n{line * len(text)}\n\n'


def with_unit(words, unit):
    """The unit has no column of its own: a page is not as wide as a screen."""
    return words if re.search(rf'\b{unit}\b', words) else f'{words} [{unit}]'
