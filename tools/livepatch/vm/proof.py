# SPDX-License-Identifier: GPL-2.0-only
"""Prove that the runner notices what goes wrong: each case is a guest with one known fault.

The limits are those of a machine where a guest is up after USUAL seconds; the first case, which has
no fault, tells how much longer this one takes.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from guest import Guest, Unit

KSFT = '/ksft/proof'
USUAL = 5


@dataclass
class Case:
    """A fault, and what the runner must say about it."""
    name: str
    expected: tuple         # each must be in a failed result
    script: str             # a kselftest with this body
    files: dict = field(default_factory=dict)
    boot_limit: int = 60
    limit: int = 5
    passes: bool = False


CASES = [
    Case('sound', (), 'echo "ok 1 all is well"; echo "1..1"', passes=True, boot_limit=900,
         limit=300),
    Case('fails', ('200; for this reason',),
         'echo "1..2"; echo "# in good health"; echo "ok 1 this one passes"; '
         'echo "# $(seq -s, 200)"; echo "# for this reason"; echo "#  a log"; '
         'echo "not ok 2 this one fails"; exit 1'),
    Case('fails-silently', ('exit=7',), 'exit 7'),
    Case('lacks-results', ('2 results announced, 1 seen',), 'echo "1..2"; echo "ok 1 first"'),
    Case('skips', ('skipped, not in known-skips',), 'echo "SKIP: no reason"; exit 4'),
    Case('skips-one', ('skipped, not in known-skips',),
         'echo "1..1"; echo "ok 1 feature # SKIP not here"'),
    Case('overruns', ('TIMEOUT',), 'sleep 1000', limit=2),
    Case('hangs', ('hangs: ', 'did not come to an end'),
         # Nothing in the guest runs again: the one CPU spins with interrupts off.
         'insmod /usr/lib/modules/*/kernel/drivers/misc/lkdtm/lkdtm.ko; '
         'echo HARDLOCKUP >/sys/kernel/debug/provoke-crash/DIRECT'),
    Case('panics', ('Kernel panic', 'ended without a verdict'),
         'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'),
    Case('warns', ('kernel log: WARNING: ',),
         'insmod /usr/lib/modules/*/kernel/drivers/misc/lkdtm/lkdtm.ko; '
         'echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT; dmesg --clear'),
    Case('says-nothing', ('no word from init',), 'exit 0', boot_limit=8,
         files={'/init': '#!/bin/bash\nsleep 1000\n'}),
    Case('no-sysfs', ('sysfs is not mounted',), 'exit 0',
         files={'/usr/local/sbin/mount':
                '#!/bin/bash\n[[ $2 == sysfs ]] || exec /usr/bin/mount "$@"\n'}),
    Case('init-dies', ('ended without a verdict',), 'exit 0',
         files={'/init': '#!/bin/bash\nexit 0\n'}),
]


def prove(case, pace):
    """Run one case; how long until the guest was up, or None when the runner judged it wrong."""
    files = {
        f'{KSFT}/kselftest-list.txt': 'proof:test.sh\n',
        f'{KSFT}/proof/test.sh': f'#!/bin/bash\n{case.script}\n',
        **case.files,
    }
    guest = Guest(f'proof-{case.name}', files=files, boot_limit=case.boot_limit * pace,
                  grace=15 * pace, quiet=True)
    # kselftest's own runner, as installed with the tests.
    tests = guest.staged.parent / 'root/ksft/upstream'
    for path in (tests / 'run_kselftest.sh', *(tests / 'kselftest').iterdir()):
        files[f'{KSFT}/{path.relative_to(tests)}'] = path
    good = guest.run([Unit.kselftest('proof', 'proof:test.sh', case.limit * pace)])
    said = [f'{r.unit}: {r.name}: {r.why}' for r in guest.results if r.verdict == 'FAIL']
    missed = [text for text in case.expected if not any(text in line for line in said)]
    if good == case.passes and not missed:
        print(f'runner: ok   {case.name}: {"; ".join(said) or "passes"}', flush=True)
        return guest.booted or 0
    print(f'runner: FAIL {case.name}: expected {case.expected or "success"}, but it said {said}',
          flush=True)
    return None


def run(names):
    """The cases with these names, two at a time behind the first; how many passed and failed."""
    booted = prove(CASES[0], 1)
    verdicts = [booted] if booted is None or CASES[0].name in names else []
    pace = max(1, math.ceil((booted or 0) / USUAL))
    if pace > 1:
        print(f'runner: a guest is up after {booted:.0f} s: limits are {pace} times the usual',
              flush=True)
    with ThreadPoolExecutor(2) as pool:
        verdicts += pool.map(lambda case: prove(case, pace),
                             [case for case in CASES[1:] if case.name in names])
    passed = sum(verdict is not None for verdict in verdicts)
    return passed, len(verdicts) - passed
