#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""exports.py SYMVERS OBJECTS...

Compare what our kernel exports with what the stock livepatch does. SYMVERS is Module.symvers of our
kernel, OBJECTS are the stock core's object files, compiled with the same configuration.
"""
import re
import subprocess
import sys

# What the module interface of later kernels has in addition, and calls that are ours alone.
ADDED = dict.fromkeys([
    'klp_find_section_by_name',
    'klp_shadow_type_alloc',
    'klp_shadow_type_free',
    'klp_shadow_type_free_all',
    'klp_shadow_type_free_module',
    'klp_shadow_type_get',
    'klp_shadow_type_get_or_alloc',
], 'EXPORT_SYMBOL_GPL')


def exported_by(path):
    """{symbol: kind of export} of an object file, which says it in section .export_symbol."""
    names = subprocess.run(['nm', '--portability', path], check=True, capture_output=True,
                           text=True).stdout
    data = subprocess.run(['objcopy', '-O', 'binary', '--only-section=.export_symbol',
                           '--set-section-flags', '.export_symbol=alloc', path, '/dev/stdout'],
                          check=True, capture_output=True).stdout
    exports = {}
    for line in names.splitlines():
        fields = line.split()
        match = re.match(r'__export_symbol_(\w+)$', fields[0])
        if match:
            offset = int(fields[2], 16)
            licence = data[offset:data.index(b'\0', offset)].decode()
            exports[match.group(1)] = 'EXPORT_SYMBOL' + ('_GPL' if licence == 'GPL' else '')
    return exports


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith('-'):
        raise SystemExit(__doc__)
    want = {}
    for path in sys.argv[2:]:
        want.update(exported_by(path))
    if not want:
        raise SystemExit('the stock objects export nothing')
    want.update(ADDED)
    with open(sys.argv[1], encoding='utf-8') as symvers:
        fields = [line.split('\t') for line in symvers]
    have = {field[1]: field[3] for field in fields if 'klp' in field[1]}

    bad = False
    for name in sorted(want.keys() | have.keys()):
        print(f'{name}: expected {want.get(name, "nothing")}, exported {have.get(name, "nowhere")}')
        bad = bad or want.get(name) != have.get(name)
    sys.exit(bad)


if __name__ == '__main__':
    main()
