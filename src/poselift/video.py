"""The size and frame rate that the header of a video tells."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from poselift.errors import untrusted


class Video(NamedTuple):
    """What a header tells."""

    size: tuple[int, int]
    """width and height in px, as the video is shown"""
    fps: float


def read_video(path: Path) -> Video:
    """Size and frame rate of an MP4 or MOV file. Raises `PoseliftError` for other files."""
    with untrusted(path, "no MP4 or MOV video ({}); give --size and --fps"), path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        for start, stop in _boxes(file, 0, end, b"moov", b"trak"):
            if video := _track(file, start, stop):
                return video
        raise ValueError("no picture in it")
    raise AssertionError  # `untrusted` lets no error pass


def _boxes(file: IO[bytes], start: int, end: int, *kinds: bytes) -> Iterator[tuple[int, int]]:
    """Where the boxes of the last kind, inside boxes of the kinds before, begin and end (ISO 14496-12)."""
    while start + 8 <= end:
        file.seek(start)
        size, kind, large = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        body, size = (start + 16, large) if size == 1 else (start + 8, size or end - start)
        if size < body - start:
            raise ValueError("damaged")
        if kind == kinds[0]:
            inside = (body, min(start + size, end))
            yield from _boxes(file, *inside, *kinds[1:]) if kinds[1:] else [inside]
        start += size


def _fields(file: IO[bytes], where: tuple[int, int], old: str, new: str) -> tuple[Any, ...]:
    """The fields of a box, whose form depends on its version."""
    file.seek(where[0])
    form = new if file.read(4)[0] else old
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _track(file: IO[bytes], start: int, end: int) -> Video | None:
    """A track's; None if it has no picture."""
    (header,) = _boxes(file, start, end, b"tkhd")
    across, *_, width, height = _fields(file, header, ">36x9i2I", ">48x9i2I")
    (media,) = _boxes(file, start, end, b"mdia", b"mdhd")
    (ticks,) = _fields(file, media, ">8xI", ">16xI")
    times = list(_boxes(file, start, end, b"mdia", b"minf", b"stbl", b"stts"))
    if not (width and height and times):
        return None
    file.seek(times[0][0] + 4)
    (count,) = struct.unpack(">I", file.read(4))
    runs = struct.unpack(f">{2 * count}I", file.read(8 * count))
    frames, duration = sum(runs[::2]), sum(n * each for n, each in zip(runs[::2], runs[1::2], strict=True))
    sides = (width >> 16, height >> 16)
    # a phone held upright films lying images and notes that they are to be turned: a matrix without a
    return Video(sides if across else (sides[1], sides[0]), frames * ticks / duration)
