"""Grouped bars as SVG, for the results of benchmarks; no library needed."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#8a8f98", "#1f77b4", "#d98c21", "#b8452f", "#5a9367", "#7d5ba6")
_WIDTH, _PANEL, _LEFT, _TOP, _BOTTOM = 860, 210, 70, 34, 34


@dataclass
class Panel:
    """One diagram: for each group (a label below) one bar per series."""

    title: str
    unit: str
    groups: dict[str, dict[str, float]]  # group -> series -> value


def render(title: str, subtitle: str, series: list[str], panels: list[Panel]) -> str:
    height = 84 + len(panels) * (_PANEL + 20)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
           f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
           _text(14, 24, title, 'font-size="16" font-weight="bold"'),
           _text(14, 42, subtitle, 'fill="#555"')]
    left = 14
    for name in series:
        out.append(f'<rect x="{left}" y="54" width="12" height="12" '
                   f'fill="{_colour(series, name)}"/>')
        out.append(_text(left + 17, 65, name))
        left += 34 + 7 * len(name)
    for index, panel in enumerate(panels):
        out += _panel(panel, series, 84 + index * (_PANEL + 20))
    return "\n".join([*out, "</svg>", ""])


def _panel(panel: Panel, series: list[str], top: int) -> list[str]:
    most = max((v for g in panel.groups.values() for v in g.values()), default=0) or 1
    base, room = top + _PANEL - _BOTTOM, _PANEL - _TOP - _BOTTOM
    out = [_text(14, top + 16, f"{panel.title} ({panel.unit})", 'font-weight="bold"'),
           f'<line x1="{_LEFT}" x2="{_WIDTH - 14}" y1="{base}" y2="{base}" stroke="#333"/>']
    group_width = (_WIDTH - 14 - _LEFT) / max(1, len(panel.groups))
    bar = min(40.0, (group_width - 20) / max(1, len(series)))
    for number, (group, values) in enumerate(panel.groups.items()):
        start = _LEFT + number * group_width + (group_width - bar * len(series)) / 2
        for place, name in enumerate(series):
            if name not in values:
                continue
            tall = values[name] / most * room
            x = start + place * bar
            out.append(f'<rect x="{x:.1f}" y="{base - tall:.1f}" width="{bar - 3:.1f}" '
                       f'height="{tall:.1f}" fill="{_colour(series, name)}"/>')
            out.append(_text(x + (bar - 3) / 2, base - tall - 4, f"{values[name]:.3g}",
                             'text-anchor="middle" font-size="10"'))
        out.append(_text(_LEFT + (number + 0.5) * group_width, base + 17, group,
                         'text-anchor="middle"'))
    return out


def _colour(series: list[str], name: str) -> str:
    return COLOURS[series.index(name) % len(COLOURS)]


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
