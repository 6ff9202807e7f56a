"""The chain behind an artefact as a picture (SVG): jobs of one rule in one box, what they read left of it."""

from html import escape

from poselift.provenance.chain import Chain

WIDTH, HEIGHT = 190, 46
"""Of a box, in px."""
GAP_X, GAP_Y = 60, 18


def layers(links: dict[str, set[str]]) -> dict[str, int]:
    """Column of each box: one more than the furthest of those that it reads from."""
    found: dict[str, int] = {}

    def column(box: str) -> int:
        if box not in found:
            found[box] = 1 + max((column(each) for each in links[box]), default=-1)
        return found[box]

    for box in links:
        column(box)
    return found


def boxes(chain: Chain) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """The lines of text of each box and the boxes it reads from: one for each rule, one for each source."""
    lines: dict[str, list[str]] = {}
    links: dict[str, set[str]] = {}
    for source in chain.sources:
        lines[source], links[source] = [source.rpartition("/")[2], "source"], set()
    for job in chain.jobs.values():
        lines.setdefault(job.rule, []).append(job.name)
        read = links.setdefault(job.rule, set())
        for path in job.inputs:
            made = chain.makers.get(path)
            if made is None or made.rule != job.rule:
                read.add(made.rule if made else path)
    for rule in {job.rule for job in chain.jobs.values()}:
        names = lines[rule]
        codes = {job.code for job in chain.jobs.values() if job.rule == rule}
        count = f"{len(names)} jobs" if len(names) > 1 else names[0]
        code = f"code {min(codes)}" if len(codes) == 1 else f"{len(codes)} different codes"
        lines[rule] = [rule, count, code]
    return lines, links


def svg(chain: Chain, title: str) -> str:
    """The picture of a chain."""
    lines, links = boxes(chain)
    columns = layers(links)
    rows: dict[int, int] = {}
    corner: dict[str, tuple[int, int]] = {}
    for box in sorted(lines, key=lambda box: (columns[box], box)):
        row = rows.setdefault(columns[box], 0)
        rows[columns[box]] += 1
        corner[box] = (20 + columns[box] * (WIDTH + GAP_X), 40 + row * (HEIGHT + GAP_Y))
    width = 20 + (max(columns.values()) + 1) * (WIDTH + GAP_X)
    height = 40 + max(rows.values()) * (HEIGHT + GAP_Y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="20" y="24" font-size="14">What {escape(title)} was made from</text>',
    ]
    for box, read in links.items():
        x2, y2 = corner[box][0], corner[box][1] + HEIGHT // 2
        for each in sorted(read):
            x1, y1 = corner[each][0] + WIDTH, corner[each][1] + HEIGHT // 2
            bend = (x1 + x2) // 2
            parts.append(
                f'<path d="M{x1},{y1} C{bend},{y1} {bend},{y2} {x2},{y2}" fill="none" stroke="#999"/>'
            )
    for box, text in lines.items():
        x, y = corner[box]
        fill = "#eef4fb" if box not in chain.sources else "#fdf3e3"
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="{fill}" stroke="#555"/>'
        )
        parts += [
            f'<text x="{x + 8}" y="{y + 14 + 13 * i}">{escape(line[:32])}</text>'
            for i, line in enumerate(text)
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
