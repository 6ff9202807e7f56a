"""The page of one's own poses: it plays each track as long as it is, beside its keypoints."""

import numpy as np

from browser import needs_chromium
from clips import pose
from poselift.inference.outputs import Lifted, write
from poselift.inference.tracks import Track


@needs_chromium
def test_tracks_are_played(chromium, tmp_path):
    lifted = []
    for person, length in ((4, 30), (7, 12)):
        poses = np.repeat(pose()[None], length, axis=0).astype(np.float32)
        points = np.concatenate([poses[..., :2] / 4 + 500, np.ones((length, 17, 1))], axis=-1)
        points[..., 0] += np.arange(length)[:, None]
        lifted.append(Lifted(Track(person, 100, points, np.arange(length) != 10), poses))
    write(tmp_path, lifted, "px", 25, "Poses of <a clip>")
    chromium.window(1000)
    chromium.open(tmp_path / "poses.html")
    chromium.wait_for("document.getElementById('player').dataset.ready")
    chromium.said.clear()
    text = "document.querySelector('#player [name=time]').textContent"
    assert chromium.ask("document.title") == "Poses of <a clip>"
    assert chromium.ask(text) == "frame 1 of 30, 0.00 s"
    chromium.choose("#player [name=action]", "person 7")
    assert chromium.ask(text) == "frame 1 of 12, 0.00 s"
    assert chromium.ask("document.querySelector('#player [name=kind]').value") == "100 to 111"
    chromium.ask("document.querySelector('#player .views canvas').focus()")
    chromium.click("#player .views figure:nth-child(2) canvas")
    chromium.press(",")  # one back from the first is the last
    assert chromium.ask(text) == "frame 12 of 12, 0.44 s"
    chromium.press(",")
    assert chromium.ask(text) == "frame 11 of 12, 0.40 s"
    opacity = "[...document.querySelectorAll('#player canvas')].map(c => getComputedStyle(c).opacity)"
    word = "document.querySelector('#player figure:nth-child(2) span').textContent"
    assert (chromium.ask(opacity), chromium.ask(word)) == (["0.4", "0.4"], "interpolated")
    chromium.picture(tmp_path / "interpolated.png", whole=True)
    chromium.press(",")
    assert chromium.ask(text) == "frame 10 of 12, 0.36 s"
    assert (chromium.ask(opacity), chromium.ask(word)) == (["1", "1"], "")
    drawn = (
        "[...document.querySelectorAll('#player canvas')].map(c => c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data.some(v => v))"
    )
    assert chromium.ask(drawn) == [True, True]
    chromium.picture(tmp_path / "page.png", whole=True)
    assert chromium.said == []
