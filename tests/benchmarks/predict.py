"""What `poselift predict` loses by layout and form, how it joins windows, and what it costs.

    python tests/benchmarks/predict.py --run RUN

Synthetic motion of test subjects is written in each layout and form, predicted with the run's best weights,
and compared with what the run predicts for Human3.6M's joints. Where a layout has other joints (eyes, ears, a
neck) they are put where people have them: the loss is of that body, not of real detectors. The costs are
those of a model of size xsmall and 243 frames with random weights.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from measured import cost

from detections import alphapose, mmpose, openpose, ultralytics
from poselift.config.yaml_files import read_yaml
from poselift.datasets.human36m import Synthetic
from poselift.inference.layouts import LAYOUTS
from poselift.inference.lifting import usual_overlap
from poselift.inference.predict import main as predict
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_model
from poselift.synthetic.dataset import generate

FRAMES = 243


def say(text: str) -> None:
    """Print apart from what the command prints."""
    print(text, file=sys.stderr, flush=True)


def as_layout(points: np.ndarray, layout: str) -> np.ndarray:
    """Keypoints (T, J, 3) of a layout for Human3.6M's (T, 17, 3).

    Eyes and ears are a third of the way from nose to the top of the head, 31 and 62 mm to the sides (a
    shoulder is 173 mm from the middle); the neck is between the shoulders, the hip between the hips. Feet
    and face, which are not used, are where the ankles and the nose are.
    """
    named = dict(zip(LAYOUTS["human36m"], points.swapaxes(0, 1), strict=True))
    nose, head, left, right = (named[name] for name in ("nose", "head", "left shoulder", "right shoulder"))
    across = (left - right) * [1, 1, 0] / 2 / 173
    for name, mm in {"eye": 31, "ear": 62}.items():
        middle = nose + (head - nose) / 3
        named |= {f"left {name}": middle + mm * across, f"right {name}": middle - mm * across}
    if layout != "human36m":
        named |= {"thorax": (left + right) / 2, "hip": (named["left hip"] + named["right hip"]) / 2}

    def of(name: str) -> np.ndarray:
        foot = next((f"{side} foot" for side in ("left", "right") if name.startswith(side)), "nose")
        return named.get(name, named[foot])

    return np.stack([of(name) for name in LAYOUTS[layout]], axis=1)


def poses(path: Path, *options: object) -> np.ndarray:
    """The poses (N, 17, 3), in px, that the command writes."""
    with tempfile.TemporaryDirectory() as folder:
        predict([str(path), *map(str, options), "--out", f"{folder}/out"])
        with np.load(f"{folder}/out/poses.npz") as arrays:
            found: np.ndarray = arrays["poses"]
    return found


def write(folder: Path, form: str, track: np.ndarray) -> Path:
    """A track (T, J, 3) in a form."""
    path = folder / f"{form}.json"
    if form == "OpenPose":
        return openpose(folder / "openpose", track[None])
    if form == "array":
        np.save(folder / "array.npy", track)
        return folder / "array.npy"
    content = {"AlphaPose": alphapose, "MMPose": mmpose, "Ultralytics": ultralytics}[form](track[None])
    path.write_text(json.dumps(content))
    return path


CASES = (
    ("human36m", "array"), ("human36m", "AlphaPose"), ("human36m", "MMPose"), ("human36m", "Ultralytics"),
    ("coco", "array"), ("coco", "Ultralytics"), ("coco-wholebody", "MMPose"), ("halpe26", "AlphaPose"),
    ("body25", "OpenPose"),
)  # fmt: skip


def losses(run: Path, actions: int) -> None:
    """Print for each case the distance to the prediction from Human3.6M's joints, and the error."""
    motion = generate(Synthetic(n_actions=actions, n_cameras=1, train_frames=3, test_frames=FRAMES))["test"]
    tracks = np.concatenate([motion["joint_2d"], motion["confidence"]], -1).reshape(-1, FRAMES, 17, 3)[::4]
    factors = motion["2.5d_factor"].reshape(-1, FRAMES)[::4, :, None, None]
    truth = motion["joints_2.5d_image"].reshape(-1, FRAMES, 17, 3)[::4]
    truth = truth - truth[:, :, :1]
    native: list[np.ndarray] = []
    say(f"{len(tracks)} clips of {FRAMES} frames")
    say(f"{'layout':16}{'form':14}{'to native, mm':>14}{'MPJPE, mm':>11}")
    for layout, form in CASES:
        apart, errors = [], []
        for i, (track, factor, target) in enumerate(zip(tracks, factors, truth, strict=True)):
            with tempfile.TemporaryDirectory() as folder:
                path = write(Path(folder), form, as_layout(track, layout))
                found = poses(path, "--run", run, "--size", "1000x1002", "--layout", layout) * factor
            if len(native) <= i:
                native.append(found)
            apart.append(np.linalg.norm(found - native[i], axis=-1).mean())
            errors.append(np.linalg.norm(found - target, axis=-1).mean())
        say(f"{layout:16}{form:14}{np.mean(apart):14.3f}{np.mean(errors):11.2f}")


def jump(run: Path, n_frames: int) -> None:
    """Print the largest motion where windows begin or end, over the 99th percentile of that elsewhere."""
    motion = generate(Synthetic(n_actions=15, n_cameras=1, train_frames=3, test_frames=1000))["test"]
    tracks = np.concatenate([motion["joint_2d"], motion["confidence"]], -1).reshape(-1, 1000, 17, 3)[::6]
    # where windows share all frames but one there is no place without a border
    for overlap in sorted({0, n_frames // 4, usual_overlap(n_frames)} - {n_frames - 1}):
        borders, elsewhere = [], []
        for track in tracks:
            with tempfile.TemporaryDirectory() as folder:
                path = write(Path(folder), "array", track)
                options = ("--run", run, "--size", "1000x1002", "--layout", "human36m", "--overlap", overlap)
                found = poses(path, *options)
            steps = np.linalg.norm(np.diff(found, axis=0), axis=-1).mean(axis=1)
            count = -(-(1000 - n_frames) // (n_frames - overlap)) + 1
            starts = np.rint(np.linspace(0, 1000 - n_frames, count)).astype(int)
            at = np.unique(np.concatenate([starts[1:] - 1, starts[:-1] + n_frames - 1]))
            borders.append(steps[at].max() / np.percentile(np.delete(steps, at), 99))
            elsewhere.append(np.delete(steps, at).max() / np.percentile(np.delete(steps, at), 99))
        say(
            f"overlap {overlap}: largest step at a border {np.max(borders):.2f} of the 99th percentile "
            f"elsewhere (median of {len(tracks)} tracks {np.median(borders):.2f}); elsewhere up to "
            f"{np.max(elsewhere):.2f}"
        )


def costs() -> None:
    """Print seconds and memory for tracks of two lengths."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "xsmall.safetensors")
        save_weights(build_model("baseline", "xsmall"), weights)
        for frames in (1_000, 10_000):
            track = np.random.default_rng(0).uniform(300, 700, (frames, 17, 3)) / [1, 1, 1000]
            Path(folder, "alpha.json").write_text(json.dumps(alphapose(track[None])))
            model = ("--checkpoint", str(weights), "--architecture", "baseline", "--size", "xsmall")
            command = [sys.executable, "-m", "poselift.inference.predict", "alpha.json", *model]
            spent = cost(
                [*command, "--size", "1000x1000", "--out", f"out{frames}"], Path(folder, "log"), Path(folder)
            )
            say(f"{frames} frames: {spent.wall:.1f} s, {spent.cpu:.1f} s of computing, {spent.peak:.0f} MB")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a run trained on synthetic motion")
    parser.add_argument("--actions", type=int, default=15)
    given = parser.parse_args()
    torch.manual_seed(0)
    losses(given.run, given.actions)
    jump(given.run, read_yaml(given.run / "config.yaml")["n_frames"])
    costs()


if __name__ == "__main__":
    main()
