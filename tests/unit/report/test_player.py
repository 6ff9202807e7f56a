"""The player: what it holds is what was predicted, and in a browser it does what a hand asks for."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from browser import Browser, needs_chromium
from clips import error_of, write_clips
from poselift.errors import PoseliftError
from poselift.report import html
from poselift.report.player import packed, player
from shown import GRID, REAL, SYNTHETIC, view

RUNS = [f"{architecture}-{size}-s0" for architecture in GRID.architectures for size in GRID.sizes]
ACTIONS = ("Sitting", "Walking")


def unpacked(text: str, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The inverse of `packed`, number by number, as its description says."""
    content = zlib.decompress(base64.b64decode(text))
    low, high = content[: len(content) // 2], content[len(content) // 2 :]
    codes = [one + 256 * other for one, other in zip(low, high, strict=True)]
    steps = [code // 2 if code % 2 == 0 else -(code + 1) // 2 for code in codes]
    e, t, j, c = shape
    return np.array(steps).reshape(e, j, c, t).cumsum(axis=-1).transpose(0, 3, 1, 2)


def test_what_is_packed_can_be_unpacked():
    values = np.random.default_rng(0).integers(-3000, 3000, (2, 5, 17, 3), dtype=np.int32)
    np.testing.assert_array_equal(unpacked(packed(values), values.shape), values)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    write_clips(tmp_path / "shown.npz", RUNS, ACTIONS)
    return tmp_path / "shown.npz"


def test_a_page_holds_what_was_predicted(clips):
    text = str(player(clips, view(notice=SYNTHETIC)))
    found = re.search(r'<script type="application/json">(.*?)</script>', text)
    data = json.loads(found[1])
    arrays = dict(np.load(clips))
    shape = arrays["target"].shape
    target = unpacked(data["target"], shape)
    np.testing.assert_array_equal(target, arrays["target"])
    np.testing.assert_array_equal(unpacked(data["input"], (*shape[:-1], 2)), arrays["input_2d"])
    for model, prediction in zip(data["models"], arrays["prediction"], strict=True):
        np.testing.assert_array_equal(target + unpacked(model["error"], shape), prediction)
    assert [model["run"] for model in data["models"]] == RUNS
    assert [model["mpjpe"] for model in data["models"]] == np.round(arrays["mpjpe"], 1).tolist()
    for side in ("left", "right"):
        named = [joint for joint, name in enumerate(data["joints"]) if name.startswith(side)]
        assert sorted(data[side]) == named
    assert [(each["action"], each["clip_kind"]) for each in data["clips"]] == [
        ("Sitting", "median"), ("Sitting", "worst"), ("Walking", "median"), ("Walking", "worst"),
    ]  # fmt: skip
    # of errors up to 210 mm 3 % are larger, and more than half than 100
    assert data["scale"] == 200
    assert "200 mm and more" in text
    assert "Synthetic data." in text
    assert "Synthetic data." not in str(player(clips, view(notice=REAL)))


def test_twelve_models_at_full_length_take_little_room(tmp_path):
    """15 actions, 243 frames: motion and errors as smooth as real ones, a jitter of half a millimetre."""
    rng = np.random.default_rng(0)

    def smooth(shape, frames, size):
        slow = gaussian_filter1d(rng.normal(size=shape), frames, axis=1)
        return slow * size / slow.std() + rng.normal(size=shape) * 0.5

    e, runs = 30, [f"a{i}-base-s0" for i in range(12)]
    shape = (e, 243, 17, 3)
    target = smooth(shape, 15, 250)
    names = {name: [name] * e for name in ("action", "clip_kind", "sequence")}
    np.savez(
        tmp_path / "shown.npz",
        rule="a rule",
        run=runs,
        **names,
        size=np.full((e, 2), 1000),
        mpjpe=np.full((12, e), 40.0),
        input_2d=np.rint(target[..., :2] / 4 + 500).astype(np.int16),
        target=np.rint(target).astype(np.int16),
        prediction=np.stack([np.rint(target + smooth(shape, 12, 35)).astype(np.int16) for _ in runs]),
    )
    size = len(player(tmp_path / "shown.npz", view()))
    assert 1e6 < size < 3.2e6  # the rest of the page, figures above all, takes less than 1.8 MB


@pytest.mark.parametrize("name", ["prediction", "target", "mpjpe", "action"])
def test_a_damaged_file_is_named(clips, name):
    arrays = dict(np.load(clips))
    np.savez(clips, **arrays | {name: arrays[name][:, :1] if arrays[name].ndim > 1 else arrays[name][:1]})
    with pytest.raises(PoseliftError, match=r"shown\.npz: not the clips that the page plays") as error:
        player(clips, view())
    assert "\n" not in str(error.value)
    clips.unlink()
    with pytest.raises(PoseliftError, match=r"shown\.npz: no such file"):
        player(clips, view())


def test_a_file_with_broken_compression_is_named(clips):
    np.savez_compressed(clips, **np.load(clips))
    broken = bytearray(clips.read_bytes())
    start = broken.index(b"target.npy") + 64
    broken[start : start + 64] = b"\xff" * 64
    clips.write_bytes(broken)
    with pytest.raises(PoseliftError, match=r"shown\.npz: not the clips that the page plays \(Error -3 "):
        player(clips, view())


@pytest.fixture
def page(clips, chromium, tmp_path) -> Iterator[Browser]:
    """The player on a page of its own, ready; nothing may have been complained of at the end."""
    (tmp_path / "page.html").write_text(html.page("Clips", player(clips, view())))
    chromium.window(1200)
    chromium.open(tmp_path / "page.html")
    chromium.wait_for("document.getElementById('player').dataset.ready")
    chromium.said.clear()
    yield chromium
    assert chromium.said == []


FIRST = "#player figure:nth-child(2) canvas"
"""The first model's view."""


def state(page: Browser) -> dict[str, str]:
    return page.ask("({...document.getElementById('player').dataset})")


def written(page: Browser) -> list[str]:
    """What is written over each view."""
    return page.ask("[...document.querySelectorAll('#player figcaption')].map((each) => each.textContent)")


def ink(page: Browser, selector: str) -> str:
    """What a canvas shows."""
    return page.ask(f"document.querySelector('{selector}').toDataURL()")


def over(model: int, clip: int, frame: int) -> str:
    here = sum(error_of(model, clip, joint, frame) for joint in range(17)) / 17
    mean = sum(error_of(model, clip, joint, t) for joint in range(17) for t in range(60)) / 17 / 60
    return f"{here:.0f} mm here, {mean:.1f} mm over the clip"


@needs_chromium
def test_every_architecture_is_beside_the_input(page):
    # the size shown in detail is `base`: the second of each architecture
    expected = ["2D input ", f"Baseline, base {over(1, 0, 0)}", f"Full, base {over(3, 0, 0)}"]
    assert written(page) == expected


@needs_chromium
def test_a_drag_turns_all_poses_and_a_double_click_puts_them_back(page):
    other = "#player figure:nth-child(3) canvas"
    before, of_input = ink(page, other), ink(page, "#player figure:nth-child(1) canvas")
    page.drag(FIRST, 60, -30)
    assert (state(page)["azimuth"], state(page)["elevation"]) == (
        "70",
        "-3",
    )  # from 40 and 12, half a degree a pixel
    assert ink(page, other) != before
    assert ink(page, "#player figure:nth-child(1) canvas") == of_input
    at = page.place(FIRST)
    for clicks in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            page.pointer(kind, *at, button="left", clickCount=clicks)
    assert (state(page)["azimuth"], state(page)["elevation"]) == ("40", "12")
    assert ink(page, other) == before


@needs_chromium
def test_the_slider_shows_the_frame_under_the_pointer(page):
    page.click("#player [name=frame]", x=0.5)
    assert 25 <= int(state(page)["frame"]) <= 34
    frame = int(state(page)["frame"])
    assert written(page)[1] == f"Baseline, base {over(1, 0, frame)}"
    shown = page.ask("document.querySelector('#player [name=time]').textContent")
    assert shown == f"frame {frame + 1} of 60, {frame / 50:.2f} s"


def frame_at(page: Browser, milliseconds: int) -> int:
    """The frame that is shown when the test's clock says so."""
    return int(page.ask(f"tick({milliseconds}); document.getElementById('player').dataset.frame"))


@needs_chromium
def test_it_plays_fifty_frames_a_second(page):
    page.ask("window.requestAnimationFrame = (next) => { window.tick = next; }; 0")
    page.click("#player [name=play]")
    assert [frame_at(page, now) for now in (1000, 1100, 2000, 2210)] == [0, 5, 50, 0]  # 60, from the start
    page.click("#player [name=play]")
    assert state(page)["playing"] == "false"
    page.choose("#player [name=speed]", "0.2")
    page.click("#player [name=play]")
    assert [frame_at(page, now) for now in (5000, 6000)] == [0, 10]


@needs_chromium
def test_action_clip_and_model_can_be_picked(page):
    page.choose("#player [name=action]", "Walking")
    page.choose("#player [name=kind]", "worst")
    assert written(page)[2] == f"Full, base {over(3, 3, 0)}"
    page.choose("#player [name=model]", "run:full-xsmall-s0")
    page.wait_for("document.querySelectorAll('#player figure').length === 2")
    assert written(page) == ["2D input ", f"Full, xsmall {over(2, 3, 0)}"]
    picked = page.ask(
        "[...document.querySelectorAll('#player [name=model] option')].map((each) => each.textContent)"
    )
    assert picked[:2] == ["side by side, xsmall", "side by side, base"]
    assert len(picked) == 2 + len(RUNS)


@needs_chromium
def test_keys_turn_step_and_play(page):
    page.ask(f"document.querySelector('{FIRST}').focus()")
    page.press("ArrowRight", 39)
    page.press("ArrowDown", 40)
    assert (state(page)["azimuth"], state(page)["elevation"]) == ("50", "22")
    for _ in range(3):
        page.press(".")
    page.press(",")
    assert state(page)["frame"] == "2"
    page.press(" ", 32)
    assert state(page)["playing"] == "true"
    page.press(" ", 32)
    assert state(page)["playing"] == "false"


@needs_chromium
def test_a_finger_turns_the_poses(page):
    page.window(390, 844, touch=True)
    before = int(state(page)["azimuth"])
    page.swipe(FIRST, 80)
    assert int(state(page)["azimuth"]) > before + 20
    assert page.ask("document.documentElement.scrollWidth") == 390


@needs_chromium
def test_a_joint_that_is_pointed_at_says_its_error(page):
    # seen from the front, where the made-up error, along z, moves nothing
    page.drag(FIRST, -80, -24)
    assert (state(page)["azimuth"], state(page)["elevation"]) == ("0", "0")
    said = page.ask("""(() => {
        const canvas = document.querySelector('#player figure:nth-child(2) canvas');
        const box = canvas.getBoundingClientRect();
        const found = new Set();
        for (let y = 2; y < box.height; y += 4) for (let x = 2; x < box.width; x += 4) {
            const at = {clientX: box.left + x, clientY: box.top + y};
            canvas.dispatchEvent(new PointerEvent("pointermove", at));
            found.add(canvas.nextElementSibling.textContent);
        }
        return [...found];
    })()""")  # fmt: skip
    assert "right foot: 39 mm" in said  # joint 3 of the second model
    assert "left wrist: 159 mm" in said
    assert "hip: 0 mm" in said


@needs_chromium
def test_the_dark_has_its_own_colours(page):
    light = ink(page, FIRST)
    page.window(1200, dark=True)
    page.wait_for(f"document.querySelector('{FIRST}').toDataURL() !== {json.dumps(light)}")
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)"
