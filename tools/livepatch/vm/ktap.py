# SPDX-License-Identifier: GPL-2.0-only
"""Read the output of one test unit: a kselftest, a set of KUnit results, or a script.

Counted are the innermost results. A result that has others below it counts only when it failed
and nothing below it did.
"""

import re
from dataclasses import dataclass

RESULT = re.compile(r'^(?P<indent> *)(?P<verdict>ok|not ok)\b *(?P<number>\d+)?(?: -)? *'
                    r'(?P<name>.*)$')
PLAN = re.compile(r'^(?P<indent> *)1\.\.(?P<count>\d+)\b *(?P<rest>.*)$')
VERSION = re.compile(r'^(?P<indent> *)K?TAP version \d+')
STOCK = re.compile(r'^TEST: (?P<name>.*?) \.\.\. (?P<verdict>ok|not ok)$')
DIRECTIVE = re.compile(r'(?:^|\s)#\s*(?P<word>SKIP|XFAIL|TODO|TIMEOUT)\b *(?P<why>.*)$',
                       re.IGNORECASE)
# What is said of a result stands before it, the reason last. What is indented behind the mark is a
# log, and some lines of KUnit's are about a suite.
SAID = re.compile(r'^ *(?:# )+(?P<text>[^\s#].*)$')
NOT_SAID = re.compile(r'Subtest: |module: |Totals: |[\w-]+: pass:\d')
SAID_MAX = 300

PASS, FAIL, SKIP = 'ok', 'FAIL', 'skip'


@dataclass
class Result:
    """What became of one test."""
    unit: str
    name: str
    verdict: str
    why: str = ''

    def __str__(self):
        return f'{self.unit}: {self.name}' + (f' ({self.why})' if self.why else '')


class Parser:
    """Feed it the lines of one unit; it calls report(Result) for each result that counts."""

    def __init__(self, unit, report):
        self.unit = unit
        self.report = report
        self.results = []       # all that count
        self.levels = {}        # depth -> [verdicts seen below the next result of a lower depth]
        self.plans = {}         # depth -> number of results announced
        self.seen = {}          # depth -> number of results seen
        self.tail = []          # last lines, to show when something fails
        self.said = []          # about the result that comes next

    def count(self, name, verdict, why=''):
        """Record a result."""
        if verdict == FAIL and not why:
            why = '; '.join(self.said)[-SAID_MAX:]
        result = Result(self.unit, name, verdict, why)
        self.results.append(result)
        self.report(result)

    def feed(self, line):
        """Take one line."""
        self.tail = (self.tail + [line])[-60:]
        # kselftest's runner puts "# " before what a test prints: one level deeper than its own
        # result.
        depth, text = (1, line[2:]) if line.startswith('# ') else (0, line)

        stock = STOCK.match(text)
        if stock:
            # What is said of it comes later, and it is a result of its script.
            self.said = []
            verdict = PASS if stock['verdict'] == 'ok' else FAIL
            self.levels.setdefault(100 * depth, []).append(verdict)
            self.count(stock['name'], verdict)
            return
        version = VERSION.match(text)
        if version:
            # A document of its own begins.
            self.close(100 * depth + len(version['indent']) - 1)
            return
        plan = PLAN.match(text)
        if plan:
            # It may stand before the results or after them.
            self.plans[100 * depth + len(plan['indent'])] = int(plan['count'])
            if plan['count'] == '0' and 'skip' in plan['rest'].lower():
                self.count('the whole of it', SKIP, plan['rest'].strip(' #'))
            return
        result = RESULT.match(text)
        if result:
            self.result(100 * depth + len(result['indent']), result)
            self.said = []
            return
        said = SAID.match(line)
        if said and not NOT_SAID.match(said['text']):
            self.said.append(said['text'])

    def result(self, at, match):
        """An "ok" or "not ok" line at this depth."""
        name, why = match['name'], ''
        verdict = PASS if match['verdict'] == 'ok' else FAIL
        directive = DIRECTIVE.search(name)
        if directive:
            why = directive['why']
            word = directive['word'].upper()
            if verdict == PASS:
                # What is skipped, or expected to fail, has not been shown to work.
                verdict = SKIP
                why = why if word == 'SKIP' else f'{word} {why}'.strip()
            else:
                why = f'{word} {why}'.strip()
            name = name[:directive.start()]
        elif ' # ' in name:
            name, why = name.split(' # ', 1)
        name = name.strip(' -') or f'test {match["number"]}'
        below = self.close(at)
        self.seen[at] = self.seen.get(at, 0) + 1
        self.levels.setdefault(at, []).append(verdict)
        if below and (verdict == PASS or FAIL in below or (verdict == SKIP and SKIP in below)):
            return
        self.count(name, verdict, why)

    def close(self, at):
        """Levels below AT are complete: check their plans, return the verdicts seen there."""
        below = []
        for depth in [d for d in self.levels if d > at]:
            below += self.levels.pop(depth)
        for depth in [d for d in self.plans if d > at]:
            planned, seen = self.plans.pop(depth), self.seen.get(depth, 0)
            if planned != seen:
                self.count('plan', FAIL, f'{planned} results announced, {seen} seen')
                below.append(FAIL)
        for depth in [d for d in self.seen if d > at]:
            del self.seen[depth]
        return below

    def finish(self, status):
        """The unit has ended with this exit status."""
        self.close(-1)
        if status:
            self.count('exit status', FAIL, f'{status}')
        if not self.results:
            self.count('output', FAIL, 'no test result')
