# SPDX-License-Identifier: GPL-2.0-only
"""Write the page that tells how cost grows: terms, their constants, and what these foretell."""
from typing import NamedTuple

from tables import number, ratio, table


class Term(NamedTuple):
    """What one more of something adds: the difference of two works, by how much more there was."""
    name: str
    words: str
    more: str
    less: str | None
    count: int


class Machine(NamedTuple):
    """A patch and where it is loaded."""
    words: str
    functions: int
    modules: int = 1
    patches: int = 0
    tasks: int = 0
    work: str | None = None     # that has measured it


START = Term('start', 'the first function', 'enable.1.settled', None, 1)
FUNCTION = Term('function', 'a function more', 'enable.1000', 'enable.100', 900)
MODULE = Term('module', 'the same functions in one module more', 'enable.1000.modules.50',
              'enable.1000.modules.10', 40)
PATCH = Term('patch', 'a patch that is there already', 'enable.side.100', 'enable.side.1', 99)
TASK = Term('task', 'a sleeping task more', 'stackcheck.10', None, 1)
LOOK = Term('look', 'looking, in one task, for one function more', 'stackcheck.1000',
            'stackcheck.10', 990)
DEPTH = Term('depth', 'one task sleeping one call deeper, 1000 functions',
             'stackcheck.1000.depth.80', 'stackcheck.1000.depth.40', 40)
DISABLE = Term('end', 'disabling the first function, ns', 'disable.1', None, 1)
LEAVE = Term('leave', 'disabling a function more, ns', 'disable.1000', 'disable.100', 900)
LOAD = Term('load', 'loading a module while another function is patched, ns', 'module.load.1000',
            'module.load.0', 1000)
OWN = Term('own', 'loading a module in which one function more is patched, ns',
           'module.load.own.1000', 'module.load.own.100', 900)
TERMS = (START, FUNCTION, MODULE, PATCH, TASK, LOOK, DEPTH, DISABLE, LEAVE, LOAD, OWN)

MEASURED = (
    Machine('4000 functions of 4 modules', 4000, 4, work='enable.4000.settled'),
    Machine('10 functions, 50,000 tasks', 10, tasks=50000, work='enable.10.tasks.50000'),
    Machine('1000 functions, 1,000 tasks', 1000, tasks=1000, work='enable.1000.tasks.1000'),
)
FORETOLD = (
    Machine('a guest: 10 functions of 3 modules, 300 tasks', 10, 3, 0, 300),
    Machine('a server: 100 functions of 10 modules, 10,000 tasks', 100, 10, 0, 10000),
    Machine('the largest: 1000 functions of 50 modules, 10 patches there, a million tasks',
            1000, 50, 10, 1000000),
)

PAGE = '''.. SPDX-License-Identifier: GPL-2.0

=============
How it scales
=============

.. Written by "make bench"; do not edit.

What livepatch costs is a sum of terms, each of which grows with one thing: functions, modules,
tasks. Stock has terms that are products: it looks through all functions for each frame of each
task, and goes over ftrace's records, and waits for all CPUs, for each function. Here they are sums:

==============================  ===============================  ====================================
work                            stock                            ours
==============================  ===============================  ====================================
enabling, the call              functions x records of ftrace    functions + modules + records
a transition                    tasks x frames x functions       tasks x words on their stacks
disabling                       functions x grace periods        a fixed number of grace periods
replacing                       both                             both
loading a module of others      its functions x patched ones     its functions
a call of a patched function    patches of it                    fixed
a call of another, traced       fixed                            fixed
a shadow variable               variables in 4096 buckets        fixed
memory                          functions                        functions
==============================  ===============================  ====================================

Constants
=========

Differences of rows of :doc:`performance`, in instructions of the guest unless a unit is named.
Something negative is noise about nothing.

'''

LAW = '''
The law
=======

From klp_enable_patch() until all tasks have moved, if none is in a function concerned::

	start + (functions - 1) * function + (modules - 1) * module + patches * patch
	      + tasks * (task + (functions - 10) * look)

What that says of works from which no constant was taken, and what was measured:

'''

FORETELLS = '''
What it foretells
=================

In instructions; a CPU does some thousand of them in a microsecond. The tasks sleep as deep as those of
the bench, some six calls; one that sleeps deeper adds *depth* for each call. CPUs are not in it: a
transition of ours waits three times for a work item on each of them, which they run side by side, and stock
has each of them take an interrupt, several times for each function.

'''


def of(results, term, kernel):
    """A constant, of stock or ours."""
    less = results[term.less][kernel] if term.less else 0
    return (results[term.more][kernel] - less) / term.count


def law(results, machine, kernel):
    """What a transition takes."""
    start, function, module, patch, task, look = (
        of(results, term, kernel) for term in (START, FUNCTION, MODULE, PATCH, TASK, LOOK))
    return (start + (machine.functions - 1) * function + (machine.modules - 1) * module +
            machine.patches * patch + machine.tasks * (task + (machine.functions - 10) * look))


def from_works(term):
    """Which rows a constant comes from."""
    if not term.less:
        return f'``{term.more}``'
    return f'(``{term.more}`` - ``{term.less}``) / {term.count}'


def write(results, path):
    """The page, if all was measured that it takes; of the machines, the kernels side by side."""
    needed = [work for term in TERMS for work in (term.more, term.less) if work]
    if any(work not in results for work in [*needed, *(machine.work for machine in MEASURED)]):
        return
    rows = [('term', 'what for', 'from', 'stock', 'ours')]
    rows += [(term.name, term.words, from_works(term), number(of(results, term, 'stock')),
              number(of(results, term, 'ours'))) for term in TERMS]
    text = PAGE + table(rows) + LAW
    rows = [('work', 'stock: law', 'measured', 'ours: law', 'measured')]
    for machine in MEASURED:
        cells = [number(value) for kernel in ('stock', 'ours')
                 for value in (law(results, machine, kernel), results[machine.work][kernel])]
        rows.append((machine.words, *cells))
    text += table(rows) + FORETELLS
    rows = [('machine and patch', 'stock', 'ours', 'ratio')]
    for machine in FORETOLD:
        stock, ours = (law(results, machine, kernel) for kernel in ('stock', 'ours'))
        rows.append((machine.words, number(stock), number(ours), ratio(stock, ours)))
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text + table(rows))
