"""Marks of our own for programs that the package diagrams has no icon of; no vendor's logo.

KUBECOST is a coin above columns, ADOT is several ways that become one.
"""

from tools.pictures.picture import Mark


def _mark(color: str, drawing: str) -> Mark:
    return Mark(
        '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 48 48">'
        f'<circle cx="24" cy="24" r="23" fill="{color}"/>'
        f'<g fill="none" stroke="#ffffff" stroke-width="3" stroke-linecap="round"'
        f' stroke-linejoin="round">{drawing}</g></svg>'
    )


KUBECOST = _mark(
    "#0f766e",
    '<path d="M13 36v-8M24 36v-8M35 36V18" stroke-width="6"/>'
    '<circle cx="18.500" cy="16" r="6.500"/><path d="M18.500 13.500v5"/>',
)
ADOT = _mark(
    "#4338ca",
    '<path d="M10 14h5l8 10M10 34h5l8-10M10 24h27M31 17l7 7-7 7"/>',
)
