"""Size and frame rate as the boxes of a video say them."""

import struct

import pytest

from poselift.errors import PoseliftError
from poselift.video import Video, read_video


def box(kind: bytes, *content: bytes, large: bool = False) -> bytes:
    body = b"".join(content)
    if large:  # the size has 64 bits
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body


def mp4(width: int, height: int, turned: bool = False, late: bool = False, long: bool = False) -> bytes:
    """The boxes of a video of 90 frames in 3 s, of which the last 30 are slower, by ISO 14496-12; sizes are
    fixed-point, 16.16. Those of a long video have fields of 64 bits (version 1)."""
    one = 1 << 16
    matrix = (0, one, 0, -one, 0, 0, 0, 0, 1 << 30) if turned else (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)

    def track(w: int, h: int) -> bytes:
        tkhd = struct.pack(">I36x9i2I", 7, *matrix, w << 16, h << 16)
        mdhd = struct.pack(">I8x2I4x", 0, 15360, 46080)
        if long:
            tkhd = struct.pack(">I48x9i2I", 1 << 24 | 7, *matrix, w << 16, h << 16)
            mdhd = struct.pack(">I16xIQ4x", 1 << 24, 15360, 46080)
        stts = struct.pack(">6I", 0, 2, 60, 256, 30, 1024)
        table = box(b"minf", box(b"stbl", box(b"stts", stts)))
        return box(b"trak", box(b"tkhd", tkhd), box(b"mdia", box(b"mdhd", mdhd), table))

    movie = box(b"moov", box(b"mvhd", bytes(100)), track(0, 0), track(width, height), large=long)
    parts = [box(b"mdat", bytes(5000), large=long), movie]
    return box(b"ftyp", b"isom") + b"".join(parts if late else parts[::-1])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_size_and_frame_rate_from_the_header_of_a_video(turned, late, long, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(mp4(1920, 1080, turned, late, long))
    assert read_video(path) == Video((1080, 1920) if turned else (1920, 1080), 30)


@pytest.mark.parametrize("content", [b"", b"RIFF" * 20, mp4(0, 0), mp4(64, 48, late=True)[:-40]])
def test_what_is_no_video_is_named(content, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(PoseliftError, match="no MP4 or MOV video") as error:
        read_video(path)
    assert "\n" not in str(error.value)
