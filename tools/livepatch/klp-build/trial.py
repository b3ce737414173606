# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of a kernel with livepatches that klp-build has made? Used by ./releases and ./sweep."""

import importlib
import os
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'vm'))
guest = importlib.import_module('guest')


def run_guest(name, plan, staged, files):
    """(passed, what has failed, the log); with the kernel of KOUT"""
    machine = guest.Guest(name, profile='test', kernel=Path(os.environ['KOUT']) / 'vmlinux', smp=2,
                          memory=1536, staged=staged / 'root.cpio',
                          append='preempt=full kunit.enable=1',
                          files={f'/job/{path.name}': path for path in
                                 [HERE / 'trial-guest', HERE / 'guest.sh', *files]})
    machine.run(plan)
    bad = [f'{r.unit}: {r.name} {r.why}' for r in machine.results if r.verdict == 'FAIL']
    return machine.counts()[0], bad, machine.output.read_text(errors='replace')


def unit(what, words, limit):
    """What the guest's script does."""
    return guest.Unit(what, f'script {what} trial-guest {shlex.join(words)}', limit)


def tests_on_top(name, modules, staged):
    """MODULES are loaded and stay, under tests and a shell's work. (passed, what has failed)"""
    listed = (staged / 'root/ksft/upstream/kselftest-list.txt').read_text().split()
    # One turns ftrace off, which no kernel does while a livepatch is in force; one counts livepatches.
    alone = ':test-ftrace.sh', ':test-livepatch.sh'
    listed = [line for line in listed if not line.endswith(alone)]
    names = [module.name for module in modules]
    return run_guest(name, [
        *[unit(f'{module}-on', ['on', module], 600) for module in names],
        unit('kunit', ['kunit'], 1800),
        guest.Unit.kselftest('ours', 'livepatch:klpt-basic.sh', 900),
        *[guest.Unit.kselftest('upstream', line, 900) for line in sorted(listed)],
        unit('work', ['work'], 900),
        *[unit(f'{module}-off', ['off', module], 600) for module in reversed(names)],
    ], staged, modules)[:2]
