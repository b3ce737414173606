# SPDX-License-Identifier: GPL-2.0-only
"""Draw how cost grows, stock and ours, with gnuplot; one SVG for each of PLOTS."""
import re
import subprocess

# Name of the file, title, what grows, unit, and the lines: pattern of works, its name.
PLOTS = (
    ('enable.svg', 'Enabling, until the transition has ended', 'functions', 'ns',
     ((r'enable\.(\d+)\.settled', 'enable'),)),
    ('disable.svg', 'Disabling and replacing, until the patch has left sysfs',
     'functions', 'ns',
     ((r'disable\.(\d+)', 'disable'), (r'replace\.(\d+)', 'replace'))),
    ('tasks.svg', 'Enabling, until the transition has ended', 'sleeping threads', 'ns',
     ((r'enable\.10\.tasks\.(\d+)', '10 functions'),
      (r'enable\.1000\.tasks\.(\d+)', '1000 functions'))),
    ('shadow.svg', 'Shadow variables', 'variables', 'instructions',
     ((r'shadow\.get\.(\d+)', 'get'), (r'shadow\.alloc\.(\d+)', 'alloc'),
      (r'shadow\.free\.(\d+)', 'free'))),
)

SETTINGS = '''set terminal svg size 720,420 font "sans,12" background rgb "white"
set logscale xy
set format x "10^{{%L}}"
set format y "10^{{%L}}"
set grid
set key outside right
set title "{title}"
set xlabel "{grows}"
set ylabel "{unit}"
'''


def points(pattern, results, kernel):
    """[(x, y)] of the works whose whole name the pattern is; it says where x stands."""
    found = []
    for work, result in results.items():
        match = re.fullmatch(pattern, work)
        if match:
            found.append((int(match[1]), result[kernel]))
    return sorted(found)


def draw(results, out, page):
    """[(name, title)] of the plots of a page for which there are at least two points."""
    drawn = []
    for name, title, grows, unit, lines in PLOTS:
        script = SETTINGS.format(title=title, grows=grows, unit=unit)
        curves = []
        for color, (pattern, words) in enumerate(lines, 1):
            for kernel, dash in (('stock', 2), ('ours', 1)):
                data = points(pattern, results, kernel)
                if len(data) < 2:
                    continue
                block = f'$data{len(curves)}'
                script += f'{block} << EOD\n'
                script += ''.join(f'{x} {y}\n' for x, y in data) + 'EOD\n'
                curves.append(f'{block} using 1:2 with linespoints linetype {color} dashtype {dash}'
                              f' linewidth 2 title "{words}, {kernel}"')
        if not curves:
            continue
        script += 'plot ' + ', \\\n'.join(curves) + '\n'
        svg = subprocess.run(['gnuplot'], input=script, stdout=subprocess.PIPE, check=True,
                             text=True).stdout
        # Without the blanks at ends of lines, and with a licence.
        text = [line.rstrip() for line in svg.rstrip().splitlines()]
        text.insert(1, '<!-- SPDX-License-Identifier: GPL-2.0 -->')
        name = f'{page}-{name}'
        with open(f'{out}/{name}', 'w', encoding='utf-8') as file:
            file.write('\n'.join(text) + '\n')
        drawn.append((name, title))
    return drawn
