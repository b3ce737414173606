#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""form.py RULE FILES...

House rules that checkpatch does not know. FILES are the project's files, relative to its top
directory, which is the current one. RULE is one of

    licence   each file says under which licence it stands, in a form that REUSE tools read
    length    a file of the core answers one question, in no more than 450 lines
    source    no conditional code and no forward declarations in .c files of the core, and a letter
              at each memory barrier that the comment on top of a file explains
    lists     what stands in a directory also stands in its Makefile or index, and the other way
"""
import os
import re
import subprocess
import sys
import tempfile

CORE = 'kernel/livepatch/'
SELFTESTS = 'tools/testing/selftests/livepatch/'
LICENCE = re.compile(r'SPDX-License-Identifier: (GPL-2\.0|GPL-2\.0-only|GPL-2\.0-or-later)'
                     r'( WITH Linux-syscall-note)?\s*(\*[/)]|-->)?$')
BARRIER = re.compile(r'\bsmp_(?:mb|rmb|wmb|mb__\w+|store_mb|load_acquire|store_release)\(')
MOST_LINES = 450
# Files whose readers would not take a comment.
NO_COMMENT = ('COPYING', 'Documentation/ABI/')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def without_comments(text):
    """The same text with comments and strings blanked, every line where it was."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def licence(files):
    for path in files:
        if path.startswith(NO_COMMENT):
            continue
        head = read(path).splitlines()[:3]
        if not any(LICENCE.search(line) for line in head):
            yield f'{path}:1: no SPDX line of a GPL-2.0 licence'
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.search(r'\bCopyright \(c\)|©', line, re.I) and not path.endswith('form.py'):
                yield f'{path}:{number}: copyright line; the git history says who wrote what'


def length(files):
    for path in files:
        if path.startswith(CORE) and path.endswith(('.c', '.h')):
            lines = len(read(path).splitlines())
            if lines > MOST_LINES:
                yield f'{path}: {lines} lines, more than {MOST_LINES}: split it by question'


def source(files):
    core = [path for path in files if path.startswith(CORE) and path.endswith('.c')]
    told = set()
    for path in core:
        top = re.match(r'(?://[^\n]*\n)*\s*/\*.*?\*/', read(path), flags=re.S)
        if top:
            told |= set(re.findall(r'\s([A-Z])(?:/[A-Z])?(?:  |\t|:)', top.group()))
    for path in core:
        text = read(path)
        code = without_comments(text)
        for number, line in enumerate(code.splitlines(), 1):
            if re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', line):
                yield f'{path}:{number}: conditional code belongs into a header or a file of its own'
        forward = re.compile(r'^static\s+(?:\w+[\s*]+)+(\w+)\s*\([^;{}=]*\)\s*(?:__\w+\s*)*;', re.M)
        for match in forward.finditer(code):
            number = code.count('\n', 0, match.start()) + 1
            yield f'{path}:{number}: forward declaration of {match.group(1)}(): put it further up'
        yield from barriers(path, text.splitlines(), code.splitlines(), told)


def barriers(path, lines, code, told):
    for index, line in enumerate(code):
        if not BARRIER.search(line):
            continue
        comment, above = lines[index], index - 1
        while above >= 0 and not code[above].strip() and lines[above].strip():
            comment = lines[above] + '\n' + comment
            above -= 1
        letter = re.search(r'/\*+\s*\(?([A-Z])(?::|\)|\b\s*\*/)', comment)
        if not letter:
            yield f'{path}:{index + 1}: barrier without a lettered comment ("/* A: ... */")'
        elif letter.group(1) not in told:
            yield (f'{path}:{index + 1}: barrier {letter.group(1)} is not explained in the comment '
                   'on top of any file of the core')


def variables(makefile):
    """The variables that a Makefile of kbuild or kselftest sets, as make sees them."""
    show = ('$(foreach v,$(filter obj-% %-y %-objs TEST_%,$(.VARIABLES)),$(info =$v $($v)))')
    with tempfile.TemporaryDirectory() as empty:
        # In the place of kselftest's lib.mk, which only works inside a kernel tree.
        os.mkdir(empty + '/selftest')
        with open(empty + '/lib.mk', 'w', encoding='utf-8'):
            pass
        out = subprocess.run(['make', '-rRs', '-C', os.path.dirname(makefile), '-f', 'Makefile',
                              '-I', empty + '/selftest', '--no-print-directory',
                              'KERNELRELEASE=6.12', f'--eval=klp-show: ; @:$(strip {show})',
                              'klp-show'],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line[1:].split() for line in out.splitlines() if line.startswith('=')]
    return {line[0]: line[1:] for line in lines if line}


def objects(makefile, files):
    """Compare the .c and .S files of a directory and below with the objects of its Makefile."""
    folder = os.path.dirname(makefile) + '/'
    values = variables(makefile)
    asked = {word for words in values.values() for word in words if word.endswith('.o')}
    asked = {word[:-2] for word in asked}
    # What depends on the configuration is only seen in the text.
    text = re.sub(r'#.*|^\w+_\w+\.o\s*:=.*', '', read(makefile), flags=re.M)
    text = text.replace('$(obj)/', '')
    # An assembly file that is only made of a .c file, to read constants from it, counts as well.
    asked |= set(re.findall(r'([\w./-]+)\.[os]\b', text))
    asked |= set(re.findall(r'^([\w-]+): \1\.c$', text, flags=re.M))
    parts = {re.sub(r'-(y|objs)?$', '', name) for name in values}
    parts |= set(re.findall(r'^([\w-]+)-\$\(', text, flags=re.M))
    others = {os.path.dirname(path) + '/' for path in files
              if os.path.basename(path) == 'Makefile' and path.startswith(folder)} - {folder}
    have = {path[len(folder):-2] for path in files if path.startswith(folder) and
            path.endswith(('.c', '.S')) and not path.startswith(tuple(others))}
    for name in sorted(have - asked):
        yield f'{makefile}: {name} is not built'
    for name in sorted(asked - have - parts):
        yield f'{makefile}: {name}.o has no source'


def programs(makefile, files):
    """Compare the scripts and programs of a selftest directory with its Makefile."""
    folder = os.path.dirname(makefile) + '/'
    values = variables(makefile)
    listed = {word for name in ('TEST_PROGS', 'TEST_PROGS_EXTENDED', 'TEST_FILES')
              for word in values.get(name, [])}
    made = {os.path.basename(word) for name in ('TEST_GEN_PROGS', 'TEST_GEN_FILES',
                                                'TEST_GEN_PROGS_EXTENDED')
            for word in values.get(name, [])}
    have = {path[len(folder):] for path in files if path.startswith(folder)}
    for name in sorted(have):
        if name.endswith('.sh') and name not in listed:
            yield f'{makefile}: {name} is not listed'
        if name.endswith('.c') and '/' not in name and name[:-2] not in made:
            yield f'{makefile}: {name} is not listed'
    for name in sorted(listed - have):
        yield f'{makefile}: {name} is listed and does not exist'
    for name in sorted(values.get('TEST_PROGS', [])):
        if name in have and not os.access(folder + name, os.X_OK):
            yield f'{folder}{name}: not executable'
    for name in sorted(made):
        if name + '.c' not in have:
            yield f'{makefile}: {name} has no source'


def lists(files):
    for path in files:
        if os.path.basename(path) != 'Makefile':
            continue
        if path == SELFTESTS + 'Makefile':
            yield from programs(path, files)
        elif path.startswith((CORE, 'samples/', SELFTESTS)):
            yield from objects(path, files)
    index = 'Documentation/livepatch/index.rst'
    pages = [path for path in files if path.startswith('Documentation/livepatch/') and
             path.endswith('.rst') and path != index]
    if pages:
        words = read(index).split() if index in files else []
        for path in pages:
            if os.path.basename(path)[:-4] not in words:
                yield f'{index}: {os.path.basename(path)} is not in the toctree'
    for path in files:
        # Executable means: can be run as it is.
        if os.access(path, os.X_OK) != read(path).startswith('#!'):
            yield f'{path}: executable bit and first line do not agree'


def main():
    rules = {rule.__name__: rule for rule in (licence, length, source, lists)}
    if len(sys.argv) < 3 or sys.argv[1] not in rules:
        raise SystemExit(__doc__)
    errors = list(rules[sys.argv[1]](sys.argv[2:]))
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == '__main__':
    main()
