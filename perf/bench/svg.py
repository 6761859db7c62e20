# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Small charts as SVG text: groups of bars, or rows of marks; a dot for every single run."""

import html
import math

COLOURS = {"spillway": "#1f6f8b", "libtorrent": "#d98324",
           "spillway cubic": "#1f6f8b", "linux cubic": "#9fc6d3",
           "spillway bbr": "#b5561c", "linux bbr": "#edb98a"}
_WIDTH, _HEIGHT = 440, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 34, 44


def _ticks_linear(top):
    step = 10 ** math.floor(math.log10(top))
    step = next(step * f for f in (0.1, 0.2, 0.5, 1, 2) if top / (step * f) <= 6)
    return [step * i for i in range(math.ceil(top / step) + 1)]


def _ticks_log(low, high):
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [10.0 ** e for e in exponents]


def _number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


class _Scale:
    """From a value to a height; logarithmic when asked for."""

    def __init__(self, values, log):
        values = [v for v in values if v > 0] or [1.0]
        self.log = log
        low, high = min(values), max(values)
        self.ticks = _ticks_log(low, high) if log else _ticks_linear(1.1 * high)
        if log and len(self.ticks) == 1:
            self.ticks.append(self.ticks[0] * 10)

    def y(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        if self.log:
            part = math.log10(max(value, low) / low) / math.log10(high / low)
        else:
            part = value / high
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _text(x, y, text, anchor="middle", css=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">'
            f'{html.escape(text)}</text>')


def bars(title, groups, log=False):
    """A chart. groups: {label: {series: (median, [single values])}}, in order.

    The series' names choose the colours. Returns SVG text."""
    every = [v for g in groups.values() for median, ones in g.values() for v in (median, *ones)]
    scale = _Scale(every, log)
    base = _HEIGHT - _BOTTOM
    out = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">',
           _text(_LEFT, 18, title, "start", "title")]
    for tick in scale.ticks:
        y = scale.y(tick)
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                   'class="grid"/>')
        out.append(_text(_LEFT - 6, y + 4, _number(tick), "end", "tick"))
    slot = (_WIDTH - _LEFT - _RIGHT) / max(1, len(groups))
    for i, (label, series) in enumerate(groups.items()):
        centre = _LEFT + slot * (i + 0.5)
        width = min(48.0, slot * 0.7 / max(1, len(series)))
        for j, (name, (median, ones)) in enumerate(series.items()):
            x = centre + (j - len(series) / 2) * width
            y = scale.y(median)
            out.append(f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{width - 4:.1f}" '
                       f'height="{max(0.0, base - y):.1f}" fill="{COLOURS[name]}"/>')
            highest = min([y, *(scale.y(v) for v in ones)])
            out.append(_text(x + width / 2, highest - 6, _number(median), css="value"))
            out += [f'<circle cx="{x + width / 2:.1f}" cy="{scale.y(v):.1f}" r="2.2" class="run"/>'
                    for v in ones]
        out.append(_text(centre, base + 16, label, css="tick"))
    for j, name in enumerate(dict.fromkeys(n for g in groups.values() for n in g)):
        x = _LEFT + j * 110
        out.append(f'<rect x="{x}" y="{_HEIGHT - 16}" width="10" height="10" '
                   f'fill="{COLOURS[name]}"/>')
        out.append(_text(x + 15, _HEIGHT - 7, name, "start", "tick"))
    out.append("</svg>")
    return "\n".join(out)


_NAMES, _ROW = 210, 11
_WIDE = 880


def _row_marks(y, series, x_of):
    """The marks of one group's series, each on a line of its own below y."""
    out = []
    for name, (median, ones) in series.items():
        x = x_of(median)
        out.append(f'<line x1="{x_of(0):.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
                   f'stroke="{COLOURS[name]}" stroke-width="{_ROW - 4}"/>')
        out += [f'<circle cx="{x_of(v):.1f}" cy="{y:.1f}" r="2" class="run"/>' for v in ones]
        right = max([x, *(x_of(v) for v in ones)])
        out.append(_text(right + 6, y + 4, f"{median:.3f}", "start", "tick"))
        y += _ROW
    return out


def rows(title, groups, top=None, mark=None):
    """A chart of horizontal bars. groups: {label: {series: (median, [single values])}}, in order.

    top is the right end of the scale, by default what the values need; mark a value to draw a
    line at. Returns SVG text."""
    every = [v for g in groups.values() for median, ones in g.values() for v in (median, *ones)]
    ticks = _ticks_linear(top or 1.05 * max([*every, mark or 0]))
    span = _WIDE - _NAMES - 60
    names = list(dict.fromkeys(n for g in groups.values() for n in g))
    height = 60 + sum(len(g) * _ROW + 9 for g in groups.values())

    def x_of(value):
        return _NAMES + span * min(value, ticks[-1] * 1.02) / ticks[-1]

    out = [f'<svg viewBox="0 0 {_WIDE} {height}" role="img" aria-label="{html.escape(title)}">',
           _text(8, 18, title, "start", "title")]
    for tick in ticks:
        out.append(f'<line x1="{x_of(tick):.1f}" x2="{x_of(tick):.1f}" y1="28" '
                   f'y2="{height - 30}" class="grid"/>')
        out.append(_text(x_of(tick), height - 18, _number(tick), css="tick"))
    y = 38
    for label, series in groups.items():
        out.append(_text(_NAMES - 8, y + (len(series) - 1) * _ROW / 2 + 4, label, "end", "tick"))
        out += _row_marks(y, series, x_of)
        y += len(series) * _ROW + 9
    if mark is not None:
        out.append(f'<line x1="{x_of(mark):.1f}" x2="{x_of(mark):.1f}" y1="28" '
                   f'y2="{height - 30}" stroke="#1d2733" stroke-dasharray="3 3"/>')
    for j, name in enumerate(names):
        x = _NAMES + j * 130
        out.append(f'<rect x="{x}" y="{height - 12}" width="10" height="10" '
                   f'fill="{COLOURS[name]}"/>')
        out.append(_text(x + 15, height - 3, name, "start", "tick"))
    out.append("</svg>")
    return "\n".join(out)
