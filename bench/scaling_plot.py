"""Fits of scaling curves, and their drawing as SVG. No library: a drawing is text."""
import html
import math


def straight_line(x, y):
    """Intercept and slope of the least-squares line."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread
    return mean_y - slope * mean_x, slope


def fit(sizes, values):
    """value = fixed + each * size; its largest residual over the largest value; and the exponent of what grows.

    The exponent is the slope of log(value - fixed) on log(size), with fixed from the line. It is None where there are
    fewer than three sizes or the line's fixed part is not below every value: then there is nothing to take the log of.
    """
    fixed, each = straight_line(sizes, values)
    residual = max(abs(v - fixed - each * s) for s, v in zip(sizes, values)) / max(values)
    growing = [v - max(fixed, 0.0) for v in values]
    exponent = None
    if len(sizes) >= 3 and min(growing) > 0.0:
        exponent = straight_line([math.log(s) for s in sizes], [math.log(g) for g in growing])[1]
    log_slope = straight_line([math.log(s) for s in sizes], [math.log(v) for v in values])[1]
    return {"fixed": fixed, "each": each, "residual": residual, "exponent": exponent, "log_log_slope": log_slope}


PANEL_WIDTH, PANEL_HEIGHT = 300, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 46, 30, 40  # of a panel, around its axes
TIME, MEMORY = "#1f6fb2", "#c05a11"
COLUMNS = 3


def short(number):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:g}{unit}"
    return f"{number:g}"


class Panel:
    """One axis: time on the left scale, memory on the right, both from zero, so that a straight line is linear cost."""

    def __init__(self, column, row, title, points, axis, time_fit):
        self.x0, self.y0 = column * PANEL_WIDTH + LEFT, row * PANEL_HEIGHT + TOP
        self.width, self.height = PANEL_WIDTH - LEFT - RIGHT, PANEL_HEIGHT - TOP - BOTTOM
        self.title, self.points, self.axis, self.time_fit = title, points, axis, time_fit
        self.most = max(p[axis] for p in points)
        self.most_seconds = 1.1 * max(p["seconds"] for p in points)
        self.most_mib = 1.25 * max(p["peak_rss_bytes"] for p in points) / 2**20

    def at(self, size, share):
        return self.x0 + self.width * size / self.most, self.y0 + self.height * (1 - share)

    def text(self, x, y, words, anchor="middle", colour="#222", size=10):
        return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
                f"{html.escape(words)}</text>")

    def curve(self, shares, colour):
        places = [self.at(p[self.axis], s) for p, s in zip(self.points, shares)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places)
        return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>{dots}'

    def fitted_line(self):
        ends = []
        for size in (0.0, self.most):
            seconds = self.time_fit["fixed"] + self.time_fit["each"] * size
            x, y = self.at(size, max(seconds, 0.0) / self.most_seconds)
            ends.append(f"{x:.1f},{y:.1f}")
        return f'<polyline points="{" ".join(ends)}" fill="none" stroke="{TIME}" stroke-dasharray="4 3" opacity="0.6"/>'

    def draw(self):
        x0, y0, right, bottom = self.x0, self.y0, self.x0 + self.width, self.y0 + self.height
        parts = [f'<path d="M{x0} {y0}V{bottom}H{right}V{y0}" fill="none" stroke="#999"/>',
                 self.text(x0 + self.width / 2, y0 - 12, self.title, size=11)]
        for share in (0.0, 0.5, 1.0):
            y = bottom - self.height * share
            parts.append(self.text(x0 - 4, y + 3, f"{self.most_seconds * share:.2g}", "end", TIME, 9))
            parts.append(self.text(right + 4, y + 3, f"{self.most_mib * share:.0f}", "start", MEMORY, 9))
        shown = self.points if len(self.points) < 4 else self.points[-3:]
        for p in shown:
            parts.append(self.text(self.at(p[self.axis], 0)[0], bottom + 13, short(p[self.axis]), size=9))
        if len(self.points) >= 3:
            parts.append(self.fitted_line())
        parts.append(self.curve([p["seconds"] / self.most_seconds for p in self.points], TIME))
        parts.append(self.curve([p["peak_rss_bytes"] / 2**20 / self.most_mib for p in self.points], MEMORY))
        return "\n".join(parts)


def draw(stored):
    """The SVG of a stored scaling run."""
    axes = stored["result"]["axes"]
    rows = (len(axes) + COLUMNS - 1) // COLUMNS
    width, height = COLUMNS * PANEL_WIDTH, rows * PANEL_HEIGHT + 24
    panels = []
    for n, (axis, data) in enumerate(axes.items()):
        exponent = data["time_fit"]["exponent"]
        title = axis if exponent is None else f"{axis} (exponent {exponent:.2f})"
        panels.append(Panel(n % COLUMNS, n // COLUMNS, title, data["points"], axis, data["time_fit"]).draw())
    caption = f"seconds (blue, dashed: straight-line fit) and peak MiB (orange); {stored['processor']}, {stored['date']}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(panels) +
            f'\n<text x="{width / 2}" y="{height - 8}" text-anchor="middle" font-size="10" fill="#222">'
            f"{html.escape(caption)}</text>\n</svg>\n")
