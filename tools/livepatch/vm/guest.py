# SPDX-License-Identifier: GPL-2.0-only
"""Run one guest: make its initramfs, start QEMU, watch it, judge it."""

import fcntl
import functools
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import ktap
from ktap import FAIL, PASS, SKIP, Result

SRC = Path(os.environ.get('SRC') or Path(__file__).resolve().parents[3])
BUILD = Path(os.environ.get('BUILD') or SRC / 'build')
IMAGES = Path(os.environ.get('IMAGES') or BUILD / 'images')
VM = SRC / 'tools/livepatch/vm'
LOGS = BUILD / 'logs'

# A line of the kernel's log that must not be there.
SPLAT = re.compile(
    r'^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? *('
    r'(?:watchdog: )?(?:WARNING|BUG|KASAN|KFENCE|UBSAN|KCSAN|Oops)\b.*'
    r'|Oops:? .*|Kernel panic.*|kernel BUG at.*|invalid opcode: .*|general protection fault.*'
    r'|INFO: task .* blocked for more than.*|INFO: (?:rcu|possible|trying|lockdep).*'
    r'|rcu: INFO: .*|rcu_\w+: .*stall.*|INFO: .*stall.*'
    r'|watchdog: .*(?:lockup|stuck).*|(?:list_add|list_del) corruption.*'
    r'|refcount_t: .*|DEBUG_LOCKS_WARN.*|ODEBUG: .*|page_owner: .*corrupt.*'
    r'|kmemleak: \d+ new suspected.*|kobject: .*error.*|sysfs: cannot create duplicate.*'
    r'|slab error in.*|-+\[ cut here \]-+)')
MARK = re.compile(r'\bvm: (begin|end) (\S+)')

TAINT_DIE, TAINT_WARN = 1 << 7, 1 << 9


# The QEMUs at work, which end with us.
at_work = set()

# The build folder, open.
held = []


def interrupted(*_):
    """The user, or who runs this, has had enough: nothing that follows would say anything."""
    for qemu in at_work.copy():
        qemu.kill()
    print(f'\n{Path(sys.argv[0]).name}: interrupted', file=sys.stderr, flush=True)
    os._exit(130)


def end_when_interrupted():
    """For the programs that run guests."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, interrupted)


def hold_build():
    """As long as we are at work, nobody removes what is built here; see tools/livepatch/build-dir."""
    if not held:
        held.append(os.open(BUILD, os.O_RDONLY | os.O_DIRECTORY))
        os.set_inheritable(held[0], True)
        fcntl.flock(held[0], fcntl.LOCK_SH)


def take_lock(path, waiting):
    """Nobody else has PATH until what is returned is closed; WAITING is said if somebody has it."""
    lock = path.open('w')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(waiting, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def free_memory():
    """In megabytes."""
    lines = Path('/proc/meminfo').read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines
               if line.startswith(('MemAvailable:', 'SwapFree:'))) // 1024


class Broken(Exception):
    """The guest cannot be used: it hangs, died, or says so itself."""


@functools.cache
def architecture(name=os.environ.get('ARCH') or 'x86_64'):
    """What tools/livepatch/arch says of one, if no other of $ARCH."""
    path = SRC / 'tools/livepatch/arch' / name
    return dict(word.split('=', 1) for word in shlex.split(path.read_text(), comments=True))


@functools.cache
def emulator():
    """The program that runs guests, which QEMU= may name, and its version."""
    asked = os.environ.get('QEMU') or architecture()['qemu']
    program = shutil.which(asked)
    if not program:
        raise Broken(f'QEMU={asked}: there is no such program')
    try:
        said = [subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, errors='replace', timeout=60, check=False).stdout
                for words in (['--version'], ['-M', 'help'])]
    except (OSError, subprocess.TimeoutExpired):
        said = ['', '']
    version = re.match(r'QEMU emulator version (\S+)', said[0])
    machine = architecture()['machine'].partition(',')[0]
    if not version or not re.search(f'^{machine} ', said[1], re.MULTILINE):
        raise Broken(f'QEMU={asked}: that is no QEMU which emulates a machine "{machine}"')
    return program, version[1]


@dataclass
class Unit:
    """One entry of a guest's plan."""
    name: str
    line: str
    limit: int

    @classmethod
    def kselftest(cls, where, test, limit):
        """TEST of the installed kselftest /ksft/WHERE."""
        script = test.split(':')[1]
        name = f'{where}/{script}'
        return cls(name, f'ksft {name} /ksft/{where} {test} {limit}', limit)

    @classmethod
    def kunit(cls, suites, limit):
        """Suites by name."""
        return cls('kunit', f'kunit kunit {" ".join(suites)}', limit)

    @classmethod
    def sysfs(cls, wanted, limit):
        """Files and what they must say, as patterns of the shell."""
        words = [word for pair in wanted.items() for word in pair]
        return cls('sysfs', 'sysfs sysfs ' + ' '.join(w.replace(' ', '?') for w in words), limit)

    @classmethod
    def script(cls, name, arguments, limit):
        """/job/NAME."""
        return cls(name, f'script {name} {name} {shlex.join(arguments)}', limit)


def read_list(path):
    """Lines "test | pattern | reason" of a list of known skips or splats."""
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        fields = [f.strip() for f in line.split(' | ')]
        if len(fields) != 3 or not all(fields):
            raise Broken(f'{path}:{number}: not of the form "test | pattern | reason"')
        entries.append((fields[0], re.compile(fields[1]), fields[2]))
    return entries


def known(entries, unit, text):
    """The reason why TEXT is accepted from UNIT, or None."""
    for test, pattern, reason in entries:
        if test == unit and pattern.search(text):
            return reason
    return None


@dataclass
class Guest:
    """A guest and what became of it."""
    name: str
    profile: str = 'test'
    smp: int = 1
    append: str = ''
    icount: int = None      # guest time counts instructions, of 2**icount ns
    seed: int = None        # of all that would be random, the time of day among it
    memory: int = 1024
    cpu: str = ''           # behind QEMU's name of it: ",vendor=..."
    kernel: Path = None
    userland: str = ''      # that of the architecture
    staged: Path = None
    bare: bool = False      # nothing staged in it
    files: dict = field(default_factory=dict)   # path in the guest -> Path or text
    boot_limit: int = 300
    grace: int = 60
    quiet: bool = False
    raw: bool = False

    def __post_init__(self):
        hold_build()
        self.results = []
        self.arch = architecture()
        self.userland = self.userland or self.arch['debian']
        self.kernel = self.kernel or BUILD / f'kernel-{self.profile}' / self.arch['image']
        self.staged = self.staged or BUILD / f'tests-{self.profile}' / 'root.cpio'
        self.dir = LOGS / self.name
        self.console = self.dir / 'console.log'
        self.output = self.dir / 'output.log'
        self.booted = None      # seconds until init spoke

    def say(self, text):
        """A line of progress."""
        if not self.quiet:
            print(f'{self.name}: {text}', flush=True)

    def report(self, result):
        """Record a result."""
        if result.verdict == SKIP:
            reason = known(read_list(VM / 'known-skips'), result.unit,
                           f'{result.name} {result.why}')
            if reason:
                self.say(f'skip {result.unit}: {result.name}: {reason}')
                return
            result.why = f'skipped, not in known-skips: {result.why}'
            result.verdict = FAIL
        self.results.append(result)
        self.say(f'{result.verdict:4} {result}')

    # ---- starting

    def initramfs(self, plan):
        """Userland, modules and tests, and the job of this run, one after the other."""
        job = self.dir / 'job'
        shutil.rmtree(job, ignore_errors=True)
        (job / 'job').mkdir(parents=True)
        shutil.copy(VM / 'bashrc', job / 'job')
        (job / 'job/plan').write_text(''.join(unit.line + '\n' for unit in plan))
        for where, what in {'/init': VM / 'init', **self.files}.items():
            target = job / where.lstrip('/')
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, Path):
                shutil.copy(what, target)
            else:
                target.write_text(what)
                target.chmod(0o755)
        initrd = self.dir / 'initrd'
        with initrd.open('wb') as out:
            for part in (IMAGES / f'{self.userland}.cpio', None if self.bare else self.staged):
                if part:
                    with part.open('rb') as archive:
                        shutil.copyfileobj(archive, out)
            out.flush()
            paths = sorted(job.rglob('*'))
            # The same files are the same archive: a kernel takes longer to read some dates than others.
            for path in paths:
                os.utime(path, (0, 0))
            names = '\0'.join(str(path.relative_to(job)) for path in paths)
            subprocess.run(['cpio', '--quiet', '--null', '--reproducible', '-o', '-H', 'newc', '-R', '0:0'],
                           cwd=job, input=names.encode(), stdout=out, check=True)
        return initrd

    def command(self, initrd, interactive=False):
        """The QEMU command line."""
        # thread=single: with one host thread for each vCPU, QEMU 7.2 and QEMU 10.0 run stale
        # translations after a text patch made on another vCPU; see the selftests' README.
        command = [emulator()[0], '-accel', 'tcg,thread=single',
                   '-cpu', self.arch['cpu'] + self.cpu,
                   '-M', self.arch['machine'], '-smp', str(self.smp), '-m', str(self.memory), '-nodefaults',
                   '-display', 'none', '-no-reboot', '-kernel', str(self.kernel),
                   '-initrd', str(initrd)]
        if self.icount is not None:
            command += ['-icount', f'shift={self.icount},sleep=off']
        if self.seed is not None:
            command += ['-seed', str(self.seed), '-rtc', 'base=2025-01-01,clock=vm']
        if interactive:
            command += ['-chardev', 'stdio,id=console,mux=on,signal=off', '-mon', 'chardev=console']
        else:
            command += ['-chardev', f'file,id=console,path={self.console}',
                        '-chardev', 'stdio,id=report,signal=off']
        command += self.arch['console_device'].split()
        if not interactive:
            command += self.arch['report_device'].split()
        log = 'quiet' if interactive else 'ignore_loglevel'
        # What the kernel does not know, init finds in its environment.
        return command + ['-append', f'console={self.arch["console"]} {log} panic=-1 oops=panic '
                          f'VM_CONSOLE={self.arch["console"]} VM_REPORT={self.arch["report"]} {self.append}']

    def interact(self, plan):
        """Become QEMU, with the guest's console on the terminal."""
        self.dir.mkdir(parents=True, exist_ok=True)
        command = self.command(self.initramfs(plan), interactive=True)
        os.execvp(command[0], command)

    # ---- watching

    def run(self, plan):
        """Run PLAN; True when all is well. The results are in self.results."""
        LOGS.mkdir(parents=True, exist_ok=True)
        # The logs of a guest with this name that another make runs are not ours to remove.
        with take_lock(LOGS / f'.{self.name}.lock',
                       f'{self.name}: waiting for another make that runs this guest'):
            return self.run_locked(plan)

    def run_locked(self, plan):
        """Run PLAN as the only guest of this name."""
        if free_memory() < self.memory:
            self.report(Result('guest', 'memory', FAIL, f'a guest takes {self.memory} MB, and '
                               f'{free_memory()} MB are free'))
            return False
        if self.dir.exists():
            shutil.rmtree(self.dir)
        self.dir.mkdir(parents=True)
        self.console.touch()
        initrd = self.initramfs(plan)
        self.pending = {unit.name: unit for unit in plan}
        self.verdict = None
        self.taint = 0
        start = time.monotonic()
        with self.output.open('w') as log, \
                subprocess.Popen(self.command(initrd), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as qemu:
            at_work.add(qemu)
            try:
                self.watch(qemu, log)
            except Broken as reason:
                self.report(Result('guest', 'state', FAIL, str(reason)))
            finally:
                if qemu.poll() is None:
                    qemu.kill()
                at_work.remove(qemu)
        initrd.unlink()
        shutil.rmtree(self.dir / 'job')
        for name in self.pending:
            self.report(Result(name, 'run', FAIL, 'did not come to an end'))
        self.judge_log()
        passed, failed = self.counts()
        self.say(f'{passed} passed, {failed} failed in {time.monotonic() - start:.0f} s')
        if failed:
            self.say(f'logs: {self.output} {self.console}')
        return failed == 0

    def counts(self):
        """How many passed and failed."""
        failed = sum(r.verdict == FAIL for r in self.results)
        return len(self.results) - failed, failed

    def lines(self, qemu, log):
        """Lines from the guest, each before self.deadline; ends when QEMU does."""
        rest = b''
        while True:
            left = self.deadline - time.monotonic()
            ready = select.select([qemu.stdout], [], [], max(0, left))[0] if left > 0 else []
            if not ready:
                raise Broken(f'hangs: {self.waiting_for} for {self.allowed} s')
            data = os.read(qemu.stdout.fileno(), 65536)
            if not data:
                return
            *complete, rest = (rest + data).split(b'\n')
            for line in complete:
                text = line.decode(errors='replace').rstrip('\r')
                log.write(text + '\n')
                log.flush()
                yield text

    def expect(self, what, seconds):
        """From now on WHAT must happen within SECONDS."""
        self.waiting_for = what
        self.allowed = seconds
        self.deadline = time.monotonic() + seconds

    def watch(self, qemu, log):
        """Follow the guest to its verdict."""
        parser = None
        started = 0
        begin = time.monotonic()
        self.expect('no word from init', self.boot_limit)
        for line in self.lines(qemu, log):
            if not line.startswith('vm: '):
                if parser:
                    parser.feed(line)
                if self.raw:
                    print(line, flush=True)
                continue
            word, _, rest = line[4:].partition(' ')
            if word == 'up':
                self.booted = time.monotonic() - begin
                self.say(f'up: {rest}, QEMU {emulator()[1]}')
                self.expect('no test begins', 60)
            elif word == 'begin':
                unit = self.pending[rest]
                parser = ktap.Parser(rest, self.report)
                started = time.monotonic()
                self.expect(f'{rest} does not end', unit.limit + self.grace)
            elif word == 'end':
                name, status = rest.split()
                if parser and not self.raw:
                    parser.finish(int(status))
                    self.show_failure(parser)
                elif self.raw:
                    verdict = FAIL if int(status) else PASS
                    self.results.append(Result(name, 'exit status', verdict, status))
                self.say(f'---- {name}: {time.monotonic() - started:.0f} s')
                parser = None
                del self.pending[name]
                # After the last one, init looks for leaks if the kernel can.
                self.expect('nothing after a test', 60 if self.pending else 300)
            elif word == 'leak':
                self.report(Result('kmemleak', 'leak', FAIL, rest))
            elif word == 'tainted':
                self.taint = int(rest)
            elif word == 'error':
                raise Broken(rest)
            elif word == 'verdict':
                self.verdict = rest
                self.expect('verdict given, but QEMU does not end', 30)
        if self.verdict is None:
            raise Broken('ended without a verdict')

    def show_failure(self, parser):
        """What a failing unit printed last."""
        if any(r.verdict == FAIL for r in parser.results):
            for line in parser.tail:
                self.say(f'   | {line}')

    # ---- judging

    def judge_log(self):
        """Look for splats in the kernel's log."""
        entries = read_list(VM / 'known-splats')
        unit = 'boot'
        accepted = False
        seen = False
        for line in self.console.read_text(errors='replace').splitlines():
            mark = MARK.search(line)
            if mark:
                unit = mark[2] if mark[1] == 'begin' else f'after {mark[2]}'
                continue
            splat = SPLAT.match(line)
            if not splat or 'cut here' in splat[1]:
                continue
            seen = True
            reason = known(entries, unit, splat[1])
            if reason:
                accepted = True
                self.say(f'note {unit}: {splat[1]}: {reason}')
            else:
                self.report(Result(unit, 'kernel log', FAIL, splat[1]))
        if self.taint & (TAINT_DIE | TAINT_WARN) and not (seen or accepted):
            self.report(Result('guest', 'taint', FAIL, f'{self.taint}: the kernel warned or died'))


def main_error(text):
    """End with a message."""
    sys.exit(f'{Path(sys.argv[0]).name}: {text}')


def number(word, what):
    """WORD as a number; the end, if WHAT is none."""
    if not word.isdecimal():
        main_error(f'{what}={word} is no number')
    return int(word)
