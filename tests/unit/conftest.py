"""Made-up evaluations, runs, costs and data for tests of the paper; the numbers are invented."""

import csv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from builds import Made
from poselift.data.sequence import Sequence
from poselift.evaluation.protocol import POSE_ERRORS
from poselift.evaluation.report import Report, Result, Row, write_reports
from poselift.files import write_json, write_text
from poselift.skeleton import JOINTS
from shown import run_settings

ARCHITECTURES = ("baseline", "mamba_gcn", "full")
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "TakingPhoto", "Waiting", "Walking", "WalkingDog", "WalkTogether",
)  # fmt: skip

SCALES = dict(zip(POSE_ERRORS, (1.0, 0.8, 0.95, 0.04, 0.02), strict=True))


PLACES = 27

RAW = "0123456789abcdef" * 4
R = "results/toy"


def result(mpjpe: float, actions: tuple[str, ...] = ACTIONS) -> Result:
    """An evaluation whose metrics are fixed shares of `mpjpe`, and whose actions differ in steps of 1 %.

    Each action has two recordings of one camera, 10 % above and below it. Errors by place in the clip fall
    from 20 % above `mpjpe` to it and rise again to 30 % above it.
    """

    def metrics(scale: float) -> dict[str, float]:
        return {metric: mpjpe * scale * share for metric, share in SCALES.items()}

    weights = np.linspace(0.93, 1.07, len(actions)) if len(actions) > 1 else [1.0]
    groups = {
        "all": {"": metrics(1.0) | {"frames": 100 * len(actions)}},
        "action": {action: metrics(weight) for action, weight in zip(actions, weights, strict=True)},
        "joint": {joint: metrics(j / (len(JOINTS) - 1) * 2) for j, joint in enumerate(JOINTS)},
        "body": {"upper body": metrics(1.2), "lower body": metrics(0.9)},
        "camera": {"54138969": metrics(1.0)},
        "place": {
            str(place): {"mpjpe": mpjpe * (1 + max(-0.2 * at, 0.3 * at))}
            for place, at in enumerate(np.linspace(-1, 1, PLACES))
        },
        "sequence": {
            f"{action}/s_09_act_{i:02d}_subact_{sub:02d}_ca_01.54138969": {
                "frames": 50,
                "velocities": 49,
                "accelerations": 48,
            }
            | metrics(weight * share)
            for i, (action, weight) in enumerate(zip(actions, weights, strict=True), start=2)
            for sub, share in ((1, 0.9), (2, 1.1))
        },
    }
    return result_of(groups)


def result_of(groups: dict[str, dict[str, dict[str, float]]]) -> Result:
    """A result of these numbers: {group: {name: {metric: value}}}."""
    return Result(
        tuple(
            Row(metric, group, name, value)
            for group, named in groups.items()
            for name, values in named.items()
            for metric, value in values.items()
        )
    )


def report(
    architecture: str, size: str, seed: int, last: float, best: float, variant: str | None = None
) -> Report:
    """The evaluation of a run with these MPJPEs."""
    return Report(
        run="-".join(filter(None, (architecture, size, variant, f"s{seed}"))),
        architecture=architecture,
        size=size,
        variant=variant,
        input_2d="ground_truth" if variant == "gt2d" else "detected",
        seed=seed,
        n_frames=27,
        checkpoints={"best": result(best), "last": result(last)},
    )


def references() -> list[Report]:
    """The rows "mean pose" and "copy 2D"."""
    return [
        Report(run="mean_pose", n_frames=27, checkpoints={"reference": result(221.4)}),
        Report(run="copy_2d", n_frames=27, checkpoints={"reference": result(133.1)}),
        Report(
            run="copy_gt2d",
            input_2d="ground_truth",
            n_frames=27,
            checkpoints={"reference": result(120.5)},
        ),
    ]


def write_run(folder: Path, architecture: str, size: str, seed: int, n_epochs: int, last: float) -> None:
    """A run folder: config.yaml and metrics.json with curves that fall to `last`."""
    settings = run_settings(architecture, size, seed, n_epochs)
    epochs = np.arange(n_epochs)
    errors = last * (1 + 1.5 * np.exp(-epochs / 3) - 1.5 * np.exp(-(n_epochs - 1) / 3))
    write_text(folder / "config.yaml", yaml.safe_dump(settings.model_dump()))
    write_json(
        folder / "metrics.json",
        {
            "epochs": {
                "loss_total": list(errors / 500),
                "lr": list(5e-4 * 0.99**epochs),
                "mpjpe": list(errors),
                "p_mpjpe": list(0.8 * errors),
            },
            "summary": {"train_clips": 1234, "test_clips": 56},
        },
    )


def write_examples(path: Path) -> None:
    """The file of examples: a walking-like figure that turns, and predictions beside it."""
    rng = np.random.default_rng(0)
    pose = np.array(
        [
            [0, 0, 0], [-130, 0, 0], [-140, 440, 20], [-140, 880, 60], [130, 0, 0], [140, 430, -40],
            [140, 870, -80], [0, -230, 0], [0, -470, 0], [0, -560, -40], [0, -670, 0],
            [160, -450, 0], [260, -220, 60], [280, 10, 120], [-160, -450, 0], [-260, -220, -60],
            [-280, 20, -150],
        ],
        dtype=float,
    )  # fmt: skip
    angles = np.linspace(0, 1, 5)
    turn = np.array([[[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]] for a in angles])
    target = np.stack([np.einsum("tij,kj->tki", turn, pose)] * 2)
    noise = rng.normal(size=target.shape) * np.array([30, 90])[:, None, None, None]
    noise[:, :, 0] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        rule="made up",
        clip_kind=["median", "worst"],
        clip=[3, 5],
        sequence=["s_09_act_02_subact_01_ca_01.54138969"] * 2,
        action=["Walking", "SittingDown"],
        mpjpe=[41.25, 98.5],
        width=np.array([1000, 1000], dtype=np.int32),
        height=np.array([1002, 1000], dtype=np.int32),
        frame=np.zeros((2, 5), dtype=np.int32),
        input_2d=(target[..., :2] * 0.25 + 500).astype(np.float32),
        prediction=(target + noise).astype(np.float32),
        target=target.astype(np.float32),
    )


def write_cost(path: Path, sizes: tuple[str, ...]) -> None:
    """The table of costs for all architectures in some sizes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("architecture", "size", "n_frames", "parameters", "macs_linear", "macs_all"))
        for i, size in enumerate(sizes, start=1):
            for j, architecture in enumerate(ARCHITECTURES, start=2):
                table.writerow(
                    (architecture, size, 27, 1_120_000 * i * j, 504_000_000 * i * j, 540_000_000 * i * j)
                )


def write_store(folder: Path) -> None:
    """The lists of sequences of a frame store."""
    for split, subjects in {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}.items():
        sequences = [
            Sequence(
                name=f"s_{subject}_{camera}", subject=subject, action=None, camera=camera,
                width=1000, height=1002, first_frame=0, length=1500,
            )
            for subject in subjects
            for camera in ("54138969", "55011271", "58860488", "60457274")[: 4 - (split == "test")]
        ]  # fmt: skip
        write_json(folder / "frames" / split / "sequences.json", [asdict(sequence) for sequence in sequences])


@dataclass(frozen=True)
class MadeUp:
    """Where all inputs of a made-up paper lie."""

    root: Path
    architectures: tuple[str, ...]
    sizes: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def runs(self) -> list[Path]:
        return [
            self.root / "runs" / f"{architecture}-{size}-s{seed}"
            for architecture in self.architectures
            for size in self.sizes
            for seed in self.seeds
        ]

    @property
    def evaluations(self) -> list[Path]:
        return [self.root / "evaluation" / f"{folder.name}.json" for folder in self.runs]

    @property
    def grid(self) -> list[str]:
        return [
            "--architectures", *self.architectures, "--sizes", *self.sizes, "--seeds", *map(str, self.seeds)
        ]  # fmt: skip


def make_up(
    root: Path, sizes: tuple[str, ...] = ("xsmall", "base"), seeds: tuple[int, ...] = (0, 1, 2)
) -> MadeUp:
    """Write all inputs of a paper below `root`."""
    made_up = MadeUp(root, ARCHITECTURES, sizes, seeds)
    for i, size in enumerate(sizes):
        for j, architecture in enumerate(ARCHITECTURES):
            for seed in seeds:
                last = 45 - 5 * i - 0.4 * j + 0.3 * seed
                name = f"{architecture}-{size}-s{seed}"
                evaluation = report(architecture, size, seed, last=last, best=last - 0.5)
                write_reports(root / "evaluation" / f"{name}.json", [evaluation])
                write_run(root / "runs" / name, architecture, size, seed, 12, last)
    write_examples(root / "evaluation" / f"full-{sizes[-1]}-s{seeds[0]}-examples.npz")
    write_reports(root / "evaluation" / "references.json", references())
    write_cost(root / "cost.csv", sizes)
    write_store(root / "store")
    return made_up


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    return result


@pytest.fixture(scope="session")
def make_result_of() -> Callable[..., Result]:
    return result_of


@pytest.fixture(scope="session")
def make_report() -> Callable[..., Report]:
    return report


@pytest.fixture(scope="session")
def make_references() -> Callable[[], list[Report]]:
    return references


@pytest.fixture(scope="session")
def make_inputs() -> Callable[..., MadeUp]:
    return make_up


def job(rule: str, inputs: list[str], outputs: list[str], code: str = "") -> dict:
    return {"rule": rule, "code": code or f"c-{rule}", "params": {}, "inputs": inputs, "outputs": outputs}


@pytest.fixture
def record() -> dict:
    """The record of a table and a figure that three runs stand behind."""
    runs = ("baseline-base-s0", "full-base-s0", "full-base-s1")
    jobs = {
        "raw": job("raw", ["raw_file.pkl"], [f"{R}/data/raw.json"]),
        **{
            f"train/{run}": job(
                "train", [f"{R}/data/raw.json"], [f"{R}/runs/{run}/provenance.json"], f"c-{run.split('-')[0]}"
            )
            for run in runs
        },
        "results": job("results", [f"{R}/runs/{run}/provenance.json" for run in runs], [f"{R}/results.csv"]),
        "table_main": job("table", [f"{R}/results.csv", "src/main.tex.j2"], [f"{R}/tables/main.tex"]),
        "curves": job("figure", [f"{R}/results.csv"], [f"{R}/figures/curves.pdf"]),
    }
    codes = {each["code"] for each in jobs.values()}
    made = {path: {"sha256": "1" * 64, "size": 1} for each in jobs.values() for path in each["outputs"]}
    return {
        "hash": "feed" * 16,
        "core": {
            "parts": [f"{R}/figures/curves.pdf", f"{R}/tables/main.tex"],
            "jobs": jobs,
            "sources": {"raw_file.pkl": RAW, "src/main.tex.j2": "9" * 64},
        },
        "outputs": made,
        "code": {code: {"entries": [f"poselift.{code}"], "modules": {}, "pins": {}} for code in codes},
        "frozen": {},
        "mixed": {},
        "unpinned": {},
    }


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A function that makes the build of a plan in a folder of its own; returns its paper folder."""

    def built(name: str, plan: dict) -> Path:
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        return Made(plan).folder.absolute()

    return built
