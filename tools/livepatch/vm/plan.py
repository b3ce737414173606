# SPDX-License-Identifier: GPL-2.0-only
"""Which tests are there, which of them does a pattern pick, and what does a guest have to do?"""

import fnmatch
import os
import re
from difflib import get_close_matches
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import NamedTuple

from guest import BUILD, SRC, VM, Broken, Unit, architecture

TESTS = 'tools/testing/selftests/livepatch'
SUITE = re.compile(r'struct kunit_suite \w+ = \{\s*\.name = "([\w-]+)"')
# What runs the suites at boot: Linux 7.3 wants to be asked twice, 6.12 passes over the second.
KUNIT = ' kunit.enable=1 kunit.autorun=1'
GROUPS = ('runner', 'kunit', 'selftests', 'upstream')
# Leaves the guest without ftrace.
LAST = 'klpt-dead.sh'
# What a profile cannot run: its kernel has no types for BPF programs.
LACKING = {profile: {'klpt-bpf.sh'} for profile in ('none', 'debug', 'gcov', 'kcsan', 'rt', 'up')}
# What is for x86-64 alone: livepatch knows instructions there, and words on stacks.
OF_X86 = {'livepatch_place_x86_64', 'livepatch_trampoline', 'livepatch_words'}
WHERE = {'selftests': 'ours', 'upstream': 'upstream'}


class Test(NamedTuple):
    """A case of the runner's proof, a KUnit suite, or a script."""
    group: str
    name: str

    def names(self):
        """What a user may call it."""
        stem = self.name.removesuffix('.sh')
        return {self.name, stem, re.sub('^(klpt-|test-|livepatch_)', '', stem)}

    def matches(self, pattern):
        """Does PATTERN, as of the shell, pick it?"""
        return any(fnmatch.fnmatchcase(name, pattern) for name in self.names())


def runner():
    """The script behind "make test", as a module."""
    loader = SourceFileLoader('vm_test', str(VM / 'test'))
    module = module_from_spec(spec_from_loader('vm_test', loader))
    loader.exec_module(module)
    return module


def all_tests(groups, cases):
    """The tests of these GROUPS, from the sources; CASES are those of the runner's proof."""
    tests = []
    if 'runner' in groups:
        tests += [Test('runner', case.name) for case in cases]
    if 'kunit' in groups:
        for path in sorted((SRC / 'kernel/livepatch/tests').glob('*_kunit.c')):
            suites = SUITE.findall(path.read_text())
            if not suites:
                raise Broken(f'{path}: no KUnit suite in it')
            tests += [Test('kunit', suite) for suite in suites]
    for group, folder in ('selftests', SRC / TESTS), ('upstream', Path(os.environ['SELFTESTS'])):
        if group in groups:
            tests += [Test(group, path.name) for path in sorted(folder.glob('*-*.sh'))]
    return tests


def pick(tests, patterns):
    """The tests that PATTERNS pick; each must pick one."""
    picked = []
    for pattern in patterns:
        found = [test for test in tests if test.matches(pattern)]
        if not found:
            known = sorted({min(test.names(), key=len) for test in tests})
            near = get_close_matches(pattern, known, 3, 0.5)
            hint = f'; there is {" or ".join(near)}' if near else ''
            raise Broken(f'no test matches {pattern}{hint}')
        picked += [test for test in found if test not in picked]
    return picked


def installed(profile, where):
    """The scripts of an installed kselftest, in their order."""
    listed = BUILD / f'tests-{profile}/root/ksft/{where}/kselftest-list.txt'
    scripts = [line.split(':')[1] for line in listed.read_text().split()]
    return sorted(scripts, key=lambda script: script == LAST)


def runnable(tests, profile):
    """Those of TESTS that a guest of PROFILE can run on this architecture."""
    lacking = LACKING.get(profile, set()) | set(architecture().get('lacks', '').split())
    if architecture()['kbuild'] != 'x86_64':
        lacking |= OF_X86
    return [test for test in tests if test.name not in lacking]


def plan_for(tests, profile, limit):
    """What a guest of PROFILE has to do to run these TESTS."""
    plan = []
    tests = runnable(tests, profile)
    suites = [test.name for test in tests if test.group == 'kunit']
    if suites:
        plan.append(Unit.kunit(suites, limit))
    for group, where in WHERE.items():
        scripts = {test.name for test in tests if test.group == group}
        order = installed(profile, where) if scripts else []
        missing = scripts.difference(order)
        if missing:
            raise Broken(f'{", ".join(missing)}: not among the installed tests of profile {profile}')
        plan += [Unit.kselftest(where, f'livepatch:{script}', limit)
                 for script in order if script in scripts]
    return sorted(plan, key=lambda unit: unit.name.endswith(f'/{LAST}'))


def seconds():
    """{test: how long it takes, about}, to share work out."""
    lines = (VM / 'seconds').read_text().splitlines()
    fields = [line.split() for line in lines if line and not line.startswith('#')]
    return {name: int(time) for name, time in fields}


def share(tests, count):
    """Divide TESTS between COUNT guests such that all take about as long."""
    cost = seconds()
    shares = [[] for _ in range(count)]
    total = [0] * count
    for test in sorted(tests, key=lambda test: -cost.get(test.name, cost['other'])):
        least = total.index(min(total))
        shares[least].append(test)
        total[least] += cost.get(test.name, cost['other'])
    return shares
