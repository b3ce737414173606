#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""layering.py SOURCES OBJECTS...

Prove that the files of the livepatch core, of klp or of klp-build depend on each other in one
direction only.

SOURCES is the directory that holds internal.h, klp.h or build.h, and the .c and .S files. OBJECTS are build
directories of the same files, one for each configuration: a file that one of them leaves out may
stand in another.

The header lists what the files offer each other, a group a file, the top of the stack first. Each
group stands below a ruler of the form

    /* --- hook.c: what it is about ------ */

in internal.h, and in klp.h and build.h of the forms

    /* ---- patch.c */
    /* ---- image.c, see image.h */

the second of which stands for a group of that header; main.c is above all of them.

What the compiler made of the files is compared with that: a symbol that one object file takes from
another must come from a group further down.
"""
import os
import re
import subprocess
import sys

RULERS = {
    'internal.h': re.compile(r'^/\* --- (\S+\.[cS]): \S.* -+ \*/$'),
    'klp.h': re.compile(r'^/\* ---- (\S+\.c)(?:, see \S+\.h)? \*/$'),
}
RULERS['build.h'] = RULERS['klp.h']
# There is no object of offsets.c: it becomes a header. Nobody uses main.c.
NO_GROUP = {'internal.h': {'offsets.c'}, 'klp.h': {'main.c'}, 'build.h': {'main.c'}}
NO_OBJECT = {'offsets.c'}


def groups_of(path):
    """[(file, [names declared in its group])] in the order of the header."""
    groups = []
    is_ruler = RULERS[os.path.basename(path)].match
    with open(path, encoding='utf-8') as header:
        text = header.read()
    # Keep the rulers, drop every other comment and all preprocessor lines.
    text = re.sub(r'/\*.*?\*/', lambda m: m.group() if is_ruler(m.group()) else '', text,
                  flags=re.S)
    text = text.replace('\\\n', ' ')
    text = re.sub(r'^\s*#.*$', '', text, flags=re.M)
    body = []
    for line in text.splitlines():
        ruler = is_ruler(line)
        if ruler:
            body = []
            groups.append((ruler.group(1), body))
        elif groups:
            body.append(line)
        else:
            body.append(line)
            for name in names_in(line):
                raise SystemExit(f'{path}: {name} is declared above the first ruler')
    return [(name, names_in('\n'.join(lines))) for name, lines in groups]


def names_in(text):
    """Functions and variables that a piece of header text declares, types and inlines left out."""
    while True:
        shorter = re.sub(r'\{[^{}]*\}', '{}', re.sub(r'\{\}', '\0', text)).replace('\0', '{}')
        if shorter == text:
            break
        text = shorter
    # An inline function ends with its body; a type does so with a semicolon behind it.
    text = re.sub(r'\bstatic\s+(?:__always_)?inline\b[^;{}]*\{\}', '', text)
    names = []
    for statement in text.split(';'):
        statement = ' '.join(statement.split())
        if '{' in statement or not statement:
            continue
        macro = re.match(r'DECLARE_STATIC_KEY_\w+\((\w+)\)$', statement)
        variable = re.match(r'extern [^()]*?(\w+)(\[[^]]*\])?$', statement)
        function = re.match(r'(?:\w+[ *]+)+?\**(\w+) ?\(.*\)', statement)
        found = macro or variable or function
        if found and not re.match(r'(struct|enum|union) \w+$', statement):
            names.append(found.group(1))
    return names


def symbols_of(path):
    """(defined, undefined) global symbols of an object file."""
    out = subprocess.run(['nm', '--extern-only', '--portability', path], check=True,
                         capture_output=True, text=True).stdout
    defined, undefined = set(), set()
    for line in out.splitlines():
        name, kind = line.split()[:2]
        (undefined if kind in 'Uwv' else defined).add(name)
    return defined, undefined


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith('-'):
        raise SystemExit(__doc__)
    source, builds = sys.argv[1], sys.argv[2:]
    kind = next((name for name in RULERS if os.path.exists(os.path.join(source, name))), None)
    if not kind:
        raise SystemExit(f'{source}: there is none of {", ".join(RULERS)}')
    header = os.path.join(source, kind)
    groups = groups_of(header)
    height = {name: -i for i, (name, _) in enumerate(groups)}
    errors = []

    sources = {name for name in os.listdir(source) if name.endswith(('.c', '.S'))} - NO_OBJECT
    for name in sorted(sources - set(height) - NO_GROUP[kind]):
        errors.append(f'{header}: no ruler for {name}')
    for name in sorted(set(height) - sources):
        errors.append(f'{header}: ruler for {name}, which does not exist')
    if len(height) != len(groups):
        errors.append(f'{header}: a file has two rulers')

    compiled, used, edges = set(), set(), 0
    defines = {name: set() for name in sources}
    for build in builds:
        owner, needs = {}, {}
        for name in sorted(sources):
            path = os.path.join(build, name[:-1] + 'o')
            if not os.path.exists(path):
                continue
            compiled.add(name)
            defined, needs[name] = symbols_of(path)
            defines[name] |= defined
            owner.update((symbol, name) for symbol in defined)
        tests = os.path.join(build, 'tests')
        for name in sorted(os.listdir(tests)) if os.path.isdir(tests) else []:
            if name.endswith('_kunit.o'):
                defined, undefined = symbols_of(os.path.join(tests, name))
                used |= undefined
                owner.update((symbol, 'tests/' + name[:-1] + 'c') for symbol in defined)
        for name, symbols in sorted(needs.items()):
            for symbol in sorted(symbols & owner.keys()):
                edges += 1
                used.add(symbol)
                target = owner[symbol]
                # cond_resched() is open to everybody, and we are behind it.
                if symbol == '__klp_sched_try_switch':
                    continue
                if height.get(target, 1) >= height.get(name, 1):
                    errors.append(f'{name} uses {symbol} of {target}, which does not stand below '
                                  f'it in {header}')

    for name in sorted(sources - compiled):
        errors.append(f'{name} was compiled in none of: {" ".join(builds)}')
    for name, declared in groups:
        for symbol in declared:
            if name in compiled and symbol not in defines[name]:
                errors.append(f'{header}: {symbol} is declared in the group of {name}, which does '
                              f'not define it')
            elif name in compiled and symbol not in used:
                errors.append(f'{header}: {symbol} is used in {name} only and should be static')

    for error in sorted(set(errors)):
        print(error)
    if not edges:
        print(f'no file uses another one: are these the right objects? {" ".join(builds)}')
    else:
        print(f'{len(compiled)} files, {edges} uses looked at')
    sys.exit(1 if errors or not edges else 0)


if __name__ == '__main__':
    main()
