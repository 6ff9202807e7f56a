"""What counts as the same: the last decimal of numbers, half a point in a figure."""

import zlib
from pathlib import Path

import pytest

from poselift.certificate.tolerance import close, drawn_alike


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("40.3", "40.4"), ("40.3 ±0.3*", "40.2 ±0.4*"), ("−0.1 mm", "0.0 mm"),
        ("[-0.31, 1.00]", "[-0.30, 0.99]"),
        ("57 clips", "57 clips"), ("low", "low"),
    ],
)  # fmt: skip
def test_the_last_decimal_may_differ(old, new):
    assert close(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("40.3", "40.5"), ("40.30", "40.41"), ("57", "58"), ("40.3", "40.30"), ("40.3*", "40.3"),
        ("supported", "refuted"), ("40.3", "--"), ("", "40.3"), ("1.0 and 2.0", "1.0 and 2.2"),
    ],
)  # fmt: skip
def test_more_than_that_may_not(old, new):
    assert not close(old, new)


@pytest.fixture
def alike(tmp_path: Path):
    """Whether two drawings are taken to be the same; the one is compressed, the other is not."""

    def compare(old: bytes, new: bytes) -> bool:
        paths = [tmp_path / name for name in ("old.pdf", "new.pdf")]
        for path, content in zip(paths, (zlib.compress(old), new), strict=True):
            path.write_bytes(
                b"%PDF-1.4 /Subject (" + path.name.encode() + b")\nstream\n" + content + b"\nendstream\n"
            )
        return drawn_alike(*paths)

    return compare


LINE = b"0.5 0.1 0.1 RG 10 20 m 30 40.5 l S BT 12 0 0 12 5 5 Tm (best) Tj ET"


@pytest.mark.parametrize(
    "new", [LINE, LINE.replace(b"40.5 l", b"40.9 l"), LINE.replace(b"10 20 m", b"9.6 20.4 m")]
)
def test_a_drawing_may_move_by_half_a_point(alike, new):
    assert alike(LINE, new)


@pytest.mark.parametrize(
    "new",
    [
        LINE.replace(b"40.5 l", b"41.1 l"), LINE.replace(b"0.5 0.1", b"0.4 0.1"),
        LINE.replace(b"best", b"last"),
        LINE.replace(b"S BT", b"BT"), LINE + b" 1 2 m",
        LINE.replace(b"30 40.5 l", b"30 40.5 m"), LINE.replace(b"40.5 l", b"40.5 1 l"),
    ],
)  # fmt: skip
def test_what_is_drawn_and_its_colours_may_not_differ(alike, new):
    assert not alike(LINE, new)


def test_files_that_draw_nothing_are_not_alike(tmp_path: Path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"no PDF")
    assert not drawn_alike(path, path)
