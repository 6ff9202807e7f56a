"""What two builds from the same sources may differ in: when they were made, and how fast."""

import json
import re
from collections.abc import Callable
from typing import Any


def _without(content: Any, *names: str) -> Any:
    """JSON without the keys `names`, wherever they are."""
    if isinstance(content, dict):
        return {key: _without(value, *names) for key, value in content.items() if key not in names}
    if isinstance(content, list):
        return [_without(value, *names) for value in content]
    return content


def _keys_dropped(*names: str) -> Callable[[str], Any]:
    return lambda text: _without(json.loads(text), *names)


SPEED = ("seconds", "train_seconds", "clips_per_second", "gpu_hours", "peak_memory_bytes")

MEASURED = (
    r"<p><strong>Time spent\.</strong>.*?</table>",
    r'<li id="finding-speed">[^\n]*',
    r'<figure class="table" id="table-speed">.*?</figure>',
)
"""What of the page is hours and frames per second."""


VOLATILE: dict[str, Callable[[str], Any] | None] = {
    r"(.*/)?(logs|benchmarks)/.*": None,
    r"(.*/)?runs/[^/]+/state/.*": None,
    # a log, with times: that it is whole is all that can be said
    r"(.*/)?(runs|finished)/[^/]+/training\.log": lambda text: " finished after epoch " in text,
    r"(.*/)?runs/[^/]+/metrics\.json": _keys_dropped(*SPEED),
    r"(.*/)?(runs|finished)/[^/]+/history\.json": _keys_dropped(*SPEED, "volatile", "outputs"),
    # hashes of the files above, and the times of all jobs
    r"(.*/)?runs/[^/]+/provenance\.json": _keys_dropped("volatile", "outputs"),
    r"(.*/)?evaluation/[^/]+\.json": _keys_dropped("volatile"),
    r"receipts/.*": _keys_dropped("volatile", "sha256", "size", "seal"),
    r"(paper/generated/|report_)?provenance\.json": _keys_dropped("volatile", "outputs"),
    r"paper/ro-crate-metadata\.json": _keys_dropped("sha256", "contentSize", "endTime", "datePublished"),
    r"paper/SHA256SUMS": lambda text: re.findall(r"  (.*)", text),
    # the hours that trainings took
    r"setup\.json": lambda text: json.loads(text)[:-1],
    r"setup\.md": lambda text: text.partition("**Time spent.**")[0],
    r"report\.html": lambda text: re.sub("|".join(MEASURED), "", text, flags=re.DOTALL),
}
"""By path below `results/<dataset>`: what has to be the same of a file that is not the same bytes; None for
nothing."""


def is_volatile(name: str) -> bool:
    """Whether the bytes of this file may differ from build to build."""
    return any(re.fullmatch(pattern, name) for pattern in VOLATILE)


def lasting(name: str, content: bytes) -> Any:
    """What of a file every build gives; None for nothing. Raises `ValueError` for broken JSON."""
    for pattern, part in VOLATILE.items():
        if re.fullmatch(pattern, name):
            return part(content.decode()) if part else None
    return content
