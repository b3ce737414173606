# SPDX-License-Identifier: GPL-2.0-only
"""A Debian machine in QEMU, with a disk of its own: boot it, and tell it what to do.

It lives as long as the QEMU does, over reboots; what it writes on its disk is forgotten then.
"""

import base64
import os
import select
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'vm'))

# pylint: disable=wrong-import-position
from guest import (BUILD, Broken, at_work, free_memory, hold_build, main_error,    # noqa: E402
                   emulator, take_lock)

MEMORY = 2048   # megabytes


def newest(directory, pattern):
    """The newest file that matches."""
    found = sorted(directory.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        main_error(f'there is no {directory}/{pattern}')
    return found[-1]


def alone(name):
    """Nothing else of this NAME goes on here until what is returned is closed."""
    hold_build()
    return take_lock(BUILD / f'.{name}.lock',
                     f'{name}: waiting for another make that does this in {BUILD}')


class Machine:
    """A running one."""

    def __init__(self, logs, disk, cargo):
        """Boot from DISK; CARGO, a tar archive, is the second one."""
        if free_memory() < MEMORY:
            main_error(f'a machine takes {MEMORY} MB, and {free_memory()} MB are free')
        logs.mkdir(parents=True, exist_ok=True)
        self.console = logs / 'console.log'
        self.console.write_bytes(b'')
        self.log = (logs / 'commands.log').open('w')
        self.number = 0
        self.rest = b''
        # How long a boot takes on this host; the first one shows.
        self.slowness = 1.0
        command = [
            emulator()[0], '-accel', 'tcg,thread=single', '-cpu', 'max,la57=off', '-M', 'pc',
            '-smp', '2', '-m', str(MEMORY), '-nodefaults', '-display', 'none', '-snapshot',
            '-drive', f'file={disk},format=raw,if=virtio',
            '-drive', f'file={cargo},format=raw,if=virtio',
            '-chardev', f'file,id=console,path={self.console}', '-serial', 'chardev:console',
            '-chardev', 'stdio,id=agent,signal=off', '-serial', 'chardev:agent']
        # What it writes is kept in a file without a name.
        self.qemu = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, bufsize=0,
                                     env=dict(os.environ, TMPDIR=str(logs)))
        at_work.add(self.qemu)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        at_work.discard(self.qemu)
        self.log.close()

    def lines(self, what, limit):
        """Lines from the agent, for LIMIT seconds of a host on which a boot takes a minute."""
        allowed = limit * self.slowness
        deadline = time.monotonic() + allowed
        while True:
            while b'\n' in self.rest:
                line, self.rest = self.rest.split(b'\n', 1)
                text = line.decode(errors='replace').rstrip('\r')
                self.log.write(text + '\n')
                self.log.flush()
                yield text
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.qemu.stdout], [], [], left)[0]:
                raise Broken(f'{what}: nothing for {allowed:.0f} s')
            data = os.read(self.qemu.stdout.fileno(), 65536)
            if not data:
                raise Broken(f'{what}: QEMU has ended')
            self.rest += data

    def up(self, what, limit=600):
        """Wait until it has booted; returns the release of its kernel."""
        start = time.monotonic()
        for line in self.lines(what, limit):
            if line.startswith('up '):
                seconds = time.monotonic() - start
                self.slowness = max(self.slowness, seconds / 60)
                return line[3:], seconds
        return None

    def tell(self, script):
        """Have the agent run SCRIPT."""
        self.number += 1
        code = base64.b64encode(script.encode()).decode()
        try:
            self.qemu.stdin.write(f'run {self.number} {code}\n'.encode())
        except BrokenPipeError:
            raise Broken(f'{script}: QEMU has ended') from None

    def run(self, script, limit=300):
        """Run SCRIPT of the shell; returns its status and what it printed."""
        self.log.write(''.join(f'$ {line}\n' for line in script.strip().splitlines()))
        self.tell(script)
        output = []
        for line in self.lines(script, limit):
            if line.startswith('| '):
                output.append(line[2:])
            elif line.startswith(f'done {self.number} '):
                return int(line.split()[2]), '\n'.join(output)
            elif line.startswith('up '):
                raise Broken(f'{script}: the machine has started anew')
        return None

    def reboot(self, what):
        """Reboot; returns as up() does."""
        self.tell('systemctl reboot')
        self.log.write(f'$ systemctl reboot # {what}\n')
        return self.up(what)
