# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Charts of many seeders as SVG text: bars with the spread of their runs, curves with points."""

import html
import math

COLOURS = {"spillway": "#1f6f8b", "libtorrent": "#d98324", "transmission": "#b5485d",
           "rtorrent": "#6b5b95", "aria2": "#5a8f4e", "nginx": "#6f7780", "nginx-16k": "#b9a44c",
           "spillway, memif": "#3fa7c4", "spillway, vhost-user": "#0f4658",
           "spillway, ring": "#79c9dd"}
OTHER = ["#8a6d3b", "#3b8a85", "#8a3b7e", "#4a6fa5", "#a55a4a", "#7a9a3b"]
FLOOR = "#c2cad1"
_LEFT, _RIGHT, _TOP, _HEIGHT = 62, 14, 34, 212


def colour(name):
    """Always the same for a name."""
    if name.startswith("floor"):
        return FLOOR
    return COLOURS.get(name) or OTHER[sum(name.encode()) % len(OTHER)]


def number(value):
    """Three digits, or all of a large whole number."""
    if value == 0:
        return "0"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def above_bar(value):
    """As short as the bar is narrow."""
    return "<0.01" if 0 < value < 0.01 else number(value)


def ticks_linear(top):
    """From 0 to at least top, at most seven."""
    if top <= 0:
        return [0, 1]
    step = 10 ** math.floor(math.log10(top))
    step = next(step * f for f in (0.1, 0.2, 0.5, 1, 2) if top / (step * f) <= 6)
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)]


def ticks_log(values):
    """The powers of ten around the values."""
    values = [v for v in values if v > 0] or [1]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0 ** e for e in range(low, max(high, low + 1) + 1)]


def _text(x, y, text, anchor="middle", css=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">'
            f"{html.escape(text)}</text>")


class _Frame:
    """A chart's outside: title, grid, vertical scale, legend."""

    base = _HEIGHT

    def __init__(self, title, values, log, width, names):
        self.width, self.log = width, log
        self._legend = self._placed(list(names))
        height = max([self.base + 40, *(y + 12 for _, _, y in self._legend)])
        self.ticks = ticks_log(values) if log else ticks_linear(1.08 * max([*values, 0]))
        self.out = [f'<svg viewBox="0 0 {width} {height}" role="img" '
                    f'aria-label="{html.escape(title)}">', _text(12, 18, title, "start", "title")]
        for tick in self.ticks:
            y = self.y(tick)
            self.out.append(f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" '
                            f'y2="{y:.1f}" class="grid"/>')
            self.out.append(_text(_LEFT - 7, y + 4, number(tick), "end", "tick"))

    def _placed(self, names):
        """(name, x, y) of each in the legend; a new line when there is no room."""
        out, x, y = [], _LEFT, self.base + 36
        for name in names:
            wide = 22 + 6.3 * len(name)
            if x + wide > self.width and x > _LEFT:
                x, y = _LEFT, y + 15
            out.append((name, x, y))
            x += wide
        return out

    @property
    def span(self):
        return self.width - _LEFT - _RIGHT

    def y(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        if self.log:
            part = math.log10(max(value, low) / low) / math.log10(high / low)
        else:
            part = value / high
        return self.base - part * (self.base - _TOP)

    def under(self, x, label):
        self.out.append(_text(x, self.base + 16, label, css="tick"))

    def finish(self):
        """The legend, and the chart as text."""
        for name, x, y in self._legend:
            self.out.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" rx="2" '
                            f'fill="{colour(name)}"/>')
            self.out.append(_text(x + 14, y, name, "start", "tick"))
        return "\n".join([*self.out, "</svg>"])


def _whisker(x, top, bottom):
    return (f'<path d="M{x - 3:.1f} {top:.1f}H{x + 3:.1f}M{x:.1f} {top:.1f}V{bottom:.1f}'
            f'M{x - 3:.1f} {bottom:.1f}H{x + 3:.1f}" class="whisker"/>')


def bars(title, groups, log=False, width=440):
    """groups: {label: {series: summary}}; a summary has median, min, max. Returns SVG text."""
    parts = [s for g in groups.values() for s in g.values()]
    frame = _Frame(title, [s[n] for s in parts for n in ("median", "min", "max")], log, width,
                   dict.fromkeys(n for g in groups.values() for n in g))
    slot = frame.span / max(1, len(groups))
    for i, (label, series) in enumerate(groups.items()):
        centre = _LEFT + slot * (i + 0.5)
        wide = min(44.0, slot * 0.84 / max(1, len(series)))
        for j, (name, part) in enumerate(series.items()):
            x = centre + (j - len(series) / 2) * wide
            y = frame.y(part["median"])
            frame.out.append(
                f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(1.5, wide - 2):.1f}" '
                f'height="{max(0.0, frame.base - y):.1f}" fill="{colour(name)}">'
                f"<title>{html.escape(name)}: {number(part['median'])}</title></rect>")
            top, bottom = frame.y(part["max"]), frame.y(part["min"])
            if bottom - top > 1:
                frame.out.append(_whisker(x + wide / 2, top, bottom))
            if wide >= 26:
                frame.out.append(_text(x + wide / 2, min(y, top) - 5, above_bar(part["median"]),
                                       css="value"))
        frame.under(centre, label)
    return frame.finish()


def curves(title, labels, series, log=True, width=440):
    """Points joined by lines. labels: what stands under each place, in order; series: {name:
    {label: summary}}. Returns SVG text."""
    parts = [s for points in series.values() for s in points.values()]
    frame = _Frame(title, [s[n] for s in parts for n in ("median", "min", "max")], log, width,
                   series)
    labels = list(labels)
    slot = frame.span / max(1, len(labels))
    at = {label: _LEFT + slot * (i + 0.5) for i, label in enumerate(labels)}
    for label in labels:
        frame.under(at[label], label)
    for name, points in series.items():
        places = [(at[lab], frame.y(points[lab]["median"]), points[lab])
                  for lab in labels if lab in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places)
        if len(places) > 1:
            frame.out.append(f'<path d="M{path}" fill="none" stroke="{colour(name)}" '
                             'stroke-width="2"/>')
        for x, y, part in places:
            top, bottom = frame.y(part["max"]), frame.y(part["min"])
            if bottom - top > 1:
                frame.out.append(_whisker(x, top, bottom))
            frame.out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour(name)}">'
                             f"<title>{html.escape(name)}: {number(part['median'])}</title>"
                             "</circle>")
    return frame.finish()
