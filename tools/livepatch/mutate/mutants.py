# SPDX-License-Identifier: GPL-2.0-only
"""Which mutants of the core and of klp are there, and who has to find each?

A mutant is a file NAME.patch beside this one:

    SPDX-License-Identifier: GPL-2.0-only

    What is wrong, in a sentence.
    Found-by: model SCENARIO | kunit SUITE | selftest SCRIPT FUNCTION | fuzz FUZZER

    the change, as a unified diff against kernel/livepatch, or tools/livepatch/klp for its fuzzer

SCENARIO is one of tools/livepatch/model, FUNCTION a sub-test of SCRIPT, which is klpt-topic, FUZZER one of
tools/livepatch/fuzz.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from guest import Broken

HERE = Path(__file__).resolve().parent
CORE = 'kernel/livepatch'
FORM = re.compile(r'SPDX-License-Identifier: GPL-2\.0-only\n\n(?P<what>(?:(?!Found-by:)[^\n]+\n)+)'
                  r'Found-by: (?P<how>[^\n]*)\n\n(?P<diff>--- .*)', re.DOTALL)
WORDS = {'model': 1, 'kunit': 1, 'selftest': 2, 'fuzz': 1}


class Mutant(NamedTuple):
    """A change to the core, and the test that has to find it."""
    name: str
    path: Path
    what: str
    kind: str       # of WORDS
    test: tuple     # as many words as these say
    diff: str

    def found_by(self):
        """As its patch says."""
        return ' '.join([self.kind, *self.test])

    def apply(self, tree):
        """Change the core below TREE; Broken if the patch does not fit."""
        done = subprocess.run(['patch', '--batch', '--forward', '--fuzz=0', '--no-backup-if-mismatch',
                               '--silent', '-p1', '-d', tree], input=self.diff, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise Broken(f'{self.path.name} does not fit the core: {" ".join(done.stdout.split())}')


def finder(how, what):
    """Kind and test that HOW names; Broken, and WHAT is wrong, if it is none."""
    kind, *test = how.split() or ['']
    if kind not in WORDS or len(test) != WORDS[kind]:
        raise Broken(f'{what}: not model SCENARIO, kunit SUITE, selftest SCRIPT FUNCTION or fuzz FUZZER')
    return kind, tuple(test)


def read(path):
    """The mutant in a file."""
    match = FORM.fullmatch(path.read_text())
    if not match:
        raise Broken(f'{path.name}: not of the form that is told on top of mutants.py')
    kind, test = finder(match['how'], f'{path.name}: "Found-by: {match["how"]}"')
    return Mutant(path.stem, path, ' '.join(match['what'].split()), kind, test, match['diff'])


def every():
    """All of them, by name."""
    return [read(path) for path in sorted(HERE.glob('*.patch'))]


def sample():
    """Names of a few, for runs that must not take long."""
    lines = (HERE / 'sample').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]
