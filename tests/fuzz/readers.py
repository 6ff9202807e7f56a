"""The readers of files from outside, each with a maker of hostile inputs."""

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import torch
import yaml
from safetensors.torch import save

from detections import alphapose, mmpose, standing, ultralytics
from poselift.config import yaml_files
from poselift.config.experiment import Config
from poselift.config.sizes import ModelSize
from poselift.data.store import open_array
from poselift.data.unpickle import load_pickle
from poselift.datasets.human36m.raw import read_raw
from poselift.datasets.mpi_inf_3dhp.raw import read_test
from poselift.inference.files import read_keypoints
from poselift.models.checkpoints import load_published, load_weights
from poselift.models.registry import build_model
from poselift.monitoring.run_status import read_run


@dataclass(frozen=True)
class Target:
    """A reader, how often it gets an input, and where the inputs come from."""

    share: int
    make: Callable[[random.Random], bytes]
    read: Callable[[Path], Any]


def read_all(path: Path) -> None:
    """Read a pickle and then every array in it, wherever it says that its memory is."""
    waiting, seen = [load_pickle(path)], []
    while waiting and len(seen) < 1000:
        value = waiting.pop()
        if any(value is other for other in seen):
            continue
        seen.append(value)
        if isinstance(value, np.ndarray):
            assert not isinstance(value.base, bytearray), "its memory could move without its knowing"
            value.copy()
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value


def raw_content() -> dict[str, Any]:
    """A small raw pickle's content."""
    rng = np.random.default_rng(0)
    content: dict[str, Any] = {}
    for split, names in (
        ("train", ["s_01_act_02_cam_01"] * 12 + ["s_01_act_02_cam_02"] * 16),
        ("test", ["s_09_act_02_subact_01_ca_01"] * 28),
    ):
        pose = rng.uniform(200, 800, (28, 17, 3)).astype(np.float32)
        cameras = ["54138969" if "_01" in name[-3:] else "55011271" for name in names]
        content[split] = {
            "joint_2d": pose[..., :2],
            "confidence": pose[..., :1] / 1000,
            "joint3d_image": pose,
            "camera_name": np.array(cameras),
            "source": names,
        }
        if split == "test":
            content[split] |= {"2.5d_factor": pose[:, 0, 0], "joints_2.5d_image": pose, "action": names}
    return content


def targets() -> dict[str, Target]:
    """All readers by name, with valid files to start from."""
    raw = raw_content()

    def make_pickle(rng: random.Random) -> bytes:
        way = rng.randrange(3)
        if way == 0:
            return hostile.instructions(rng)
        whole = hostile.pickled(raw if way == 1 else hostile.replaced(raw, rng), rng)
        return hostile.altered(whole, rng) if way == 1 else whole

    recording = {
        "data_2d": np.ones((4, 17, 2)), "data_3d": np.ones((4, 17, 3)), "valid": np.array([1, 1, 0, 1]),
    }  # fmt: skip
    second = {f"TS{i}": recording for i in range(1, 7)}

    def make_npz(rng: random.Random) -> bytes:
        out = io.BytesIO()
        np.savez(out, data=np.array(hostile.replaced(second, rng), dtype=object))
        if rng.random() < 0.5:
            return hostile.altered(out.getvalue(), rng)
        member = zipfile.ZipFile(out).read("data.npy")
        start = member.index(b"\n") + 1
        way = rng.randrange(3)
        if way == 0:
            member = member[:start] + hostile.instructions(rng)
        elif way == 1:
            member = hostile.altered(member, rng)
        return hostile.rezipped(out.getvalue(), rng, "data.npy", member)

    model = build_model("baseline", ModelSize(depth=1, dim=8), 9)
    weights = model.state_dict()
    checkpoint = {
        "epoch": 1,
        "min_mpjpe": np.float64(40),
        "model": {f"module.{n}": v for n, v in weights.items()},
    }

    def saved(content: Any, new_format: bool) -> bytes:
        out = io.BytesIO()
        torch.save(content, out, _use_new_zipfile_serialization=new_format)
        return out.getvalue()

    whole = {new: saved(checkpoint, new) for new in (True, False)}
    inner = zipfile.ZipFile(io.BytesIO(whole[True])).read("archive/data.pkl")
    tensors = [
        torch.zeros(3).to_sparse(), torch.zeros(8, dtype=torch.complex64), torch.zeros(()), torch.zeros(8, 8),
        torch.empty(8, 8, device="meta"),
    ]  # fmt: skip

    def make_checkpoint(rng: random.Random) -> bytes:
        way = rng.randrange(4)
        if way == 0:
            return hostile.altered(whole[rng.random() < 0.5], rng)
        if way == 1:
            return hostile.rezipped(whole[True], rng, "data.pkl", hostile.altered(inner, rng))
        if way == 2:
            return hostile.rezipped(whole[True], rng, "data.pkl", hostile.instructions(rng))
        other = rng.choice([hostile.values, hostile.plain_values])
        content = hostile.replaced(checkpoint, rng, other) if rng.random() < 0.5 else dict(checkpoint)
        if isinstance(content.get("model"), dict) and content["model"]:
            content["model"] = dict(content["model"])
            content["model"][rng.choice(list(content["model"]))] = rng.choice(tensors)
        return saved(content, rng.random() < 0.5)

    safe = save(weights)

    def make_weights(rng: random.Random) -> bytes:
        return (hostile.altered if rng.random() < 0.5 else hostile.misheaded)(safe, rng)

    config = {
        "dataset": "trial", "data": {"title": "Trial", "synthetic": {"seed": 1}}, "n_frames": 27,
        "sizes": {"tiny": {"depth": 2, "dim": 16}}, "training": {"epochs": 3, "lr": 1e-3}, "overrides": [],
        "models": {"full": {"mamba_gcn_dim": 32}}, "recipe": "guide",
        "experiment": {"architectures": ["baseline", "full"], "sizes": ["tiny"], "seeds": [0, 1]},
        "ablation": [{"name": "no_graph", "architecture": "full", "size": "tiny", "model": {}}],
        "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
    }  # fmt: skip
    fragments = [
        "!!python/object/apply:os.system [touch pwned]", "&a [*a]", "2024-13-45", "!!int x", "!!bool x",
        "0x" + "f" * 5000, "!!timestamp x", "!!binary =", "? [a]: b", "&a [1,&b [*a,*a],*b,*b]", "190:20:30",
        "[" * 3000, "<<: 1",
        "'\\0'", '"\\ud800"', "-.inf", "~", "1e999", "=", "*a", "%YAML 9.9", "---", "{a: 1, a: 2}", "1_000",
    ]  # fmt: skip

    def make_config(rng: random.Random) -> bytes:
        content = config if rng.random() < 0.5 else hostile.replaced(copy.deepcopy(config), rng)
        try:
            text = yaml.dump(
                content, Dumper=yaml.CSafeDumper if hasattr(yaml, "CSafeDumper") else yaml.SafeDumper
            )
        except Exception:  # a value that YAML has no word for
            text = yaml.safe_dump(config)
        if rng.random() < 0.5:
            lines = text.splitlines()
            at = rng.randrange(len(lines))
            lines[at] = lines[at].split(":")[0] + ": " + rng.choice(fragments)
            text = "\n".join(lines)
        data = text.encode("utf-8", "surrogatepass")
        return hostile.altered(data, rng) if rng.random() < 0.3 else data

    progress = {
        "phase": "training", "pid": 1, "host": "x", "updated": 1.0, "epoch": 1, "epochs": 2, "step": 1,
        "steps": 9, "mpjpe": 40.0, "unit": "mm", "seconds_left": 9.0, "device": "cpu", "name": "run",
    }  # fmt: skip

    def make_progress(rng: random.Random) -> bytes:
        data = json.dumps(hostile.replaced(progress, rng, hostile.plain_values)).encode()
        return hostile.altered(data, rng) if rng.random() < 0.5 else data

    tracks = np.stack([standing(3, seed=1), standing(3, seed=2)])
    people = [{"person_id": [-1], "pose_keypoints_2d": points[0].ravel().tolist()} for points in tracks]
    annotations = {"images": [{"width": 9, "height": 9}], "annotations": alphapose(tracks)}
    detections = [
        alphapose(tracks), mmpose(tracks, {"0": "nose"}), mmpose(tracks)["instance_info"], annotations,
        ultralytics(tracks), {"people": people},
    ]  # fmt: skip

    def make_detections(rng: random.Random) -> bytes:
        content = hostile.replaced(rng.choice(detections), rng, hostile.plain_values)
        data = json.dumps(content).encode()
        return hostile.altered(data, rng) if rng.random() < 0.3 else data

    out = io.BytesIO()
    np.save(out, np.ones((4, 17, 3), np.float32))
    array = out.getvalue()

    def make_array(rng: random.Random) -> bytes:
        return hostile.relabelled(array, rng) if rng.random() < 0.5 else hostile.altered(array, rng)

    def read_array(path: Path) -> None:
        open_array(path, np.float32, (None, 17, 3)).sum()

    return {
        "raw pickle": Target(35, make_pickle, read_raw),
        "arrays of a pickle": Target(10, make_pickle, read_all),
        "array of the store": Target(5, make_array, read_array),
        "3DHP npz": Target(10, make_npz, read_test),
        "published checkpoint": Target(15, make_checkpoint, lambda path: load_published(path, model)),
        "own weights": Target(10, make_weights, lambda path: load_weights(path, model)),
        "configuration": Target(10, make_config, lambda path: yaml_files.load(path, Config)),
        "detections": Target(10, make_detections, lambda path: read_keypoints(path, "coco")),
        "progress of a run": Target(5, make_progress, lambda path: read_run(path.parent.parent, "run", 2.0)),
    }
