"""A third data set costs one file: it is read, prepared, cut into clips, evaluated and in the results."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from poselift.analysis import results
from poselift.analysis.results import metrics_in, names_in, of_dataset, per_seed, read_all
from poselift.config.datasets import dataset, known
from poselift.config.experiment import Config
from poselift.config.sections import parse
from poselift.data import check, clips, prepare
from poselift.data.jobs import DataJobs
from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation import references
from poselift.evaluation.protocol import evaluate
from poselift.evaluation.report import Report, write_reports
from poselift.synthetic import __main__ as synthetic

ROOT = Path(__file__).parents[3]


@pytest.fixture
def third(tmp_path: Path) -> str:
    """The file, where somebody keeps it."""
    return str(shutil.copy(Path(__file__).with_name("third.py"), tmp_path / "circles.py"))


@pytest.fixture
def store(third: str, tmp_path: Path) -> Path:
    """Its store with clips of 5 frames, made by the programs that make every other."""
    poses = str(tmp_path / "poses.npz")
    synthetic.main(["--dataset", third, "--out", poses, "--frames", "12"])
    check.main(["--dataset", third, "--poses", poses, "--out", str(tmp_path / "found.json")])
    prepare.main(["--dataset", third, "--poses", poses, "--out", str(tmp_path / "store")])
    clips.main(["--store", str(tmp_path / "store"), "--n-frames", "5"])
    return tmp_path / "store"


def configuration(third: str, **changes: object) -> Config:
    """The repository's configuration with the data set in it."""
    content = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"datasets": {"third": third}} | changes
    return parse(Config, content, "config.yaml")


def test_the_projects_own_have_titles():
    assert set(known()) >= {"human36m", "mpi_inf_3dhp"}
    titles = {name: dataset(name).title for name in known()}
    assert (titles["human36m"], titles["mpi_inf_3dhp"]) == ("Human3.6M", "MPI-INF-3DHP")
    assert all(titles.values())


def test_clips_are_cut_as_it_says(store):
    train, test = (open_split(store, split, 5) for split in ("train", "test"))
    assert train.clips[:, 0].tolist() == [s + i for s in (0, 12, 24, 36) for i in (0, 2, 4, 6)]
    assert test.clips[:, 0].tolist() == [0, 5, 12, 17]
    assert train.evaluates == "every frame"


def test_truth_has_no_error_and_results_have_its_metrics(third, store, tmp_path):
    test = open_split(store, "test", 5)
    truth = torch.from_numpy(np.asarray(test.labels[test.clips]))
    truth = truth - truth[:, :, :1]
    off = truth.clone()
    off[:2, :, 1] += torch.tensor([34 / 4 / 250, 0, 0])  # 34 mm on one joint of 17, in the first action
    of = dataset(third)
    runs = [
        Report(
            run=f"full-small-s{seed}", dataset=of.name, architecture="full", size="small", seed=seed,
            n_frames=5, checkpoints={"last": evaluate(poses, test, of.metrics)},
        )
        for seed, poses in enumerate((truth, off))
    ]  # fmt: skip
    write_reports(tmp_path / "runs.json", runs)
    references.main(
        ["--store", str(store), "--dataset", third, "--n-frames", "5", "--out", str(tmp_path / "refs.json")]
    )
    out = tmp_path / "results.csv"
    results.main(
        ["--evaluations", str(tmp_path / "runs.json"), "--references", str(tmp_path / "refs.json"),
         "--out", str(out)]
    )  # fmt: skip
    table = of_dataset(read_all(out), "third")
    assert len(table) == len(read_all(out)) > 0
    assert metrics_in(table) == ["mpjpe", "pck"]
    assert names_in(table, "action") == ["wave", "bow"]
    errors = per_seed(table, "full", "small", "mpjpe", "last")
    assert errors.to_list() == pytest.approx([0, 34 / 17 / 2], abs=1e-3)
    by_action = per_seed(table, "full", "small", "mpjpe", "last", "action", "wave")
    assert by_action.to_list() == pytest.approx([0, 2], abs=1e-3)
    assert per_seed(table, "full", "small", "pck", "last").to_list() == [100, 100]
    assert set(table["run"]) == {"full-small-s0", "full-small-s1", "mean_pose", "copy_2d", "copy_gt2d"}


def test_it_is_further_data_by_one_key(third, tmp_path):
    settings = configuration(third, further_data={"third": {"synthetic": {}, "sizes": ["small"]}})
    runs = settings.runs_by_folder()["h36m/third"]
    assert next(iter(runs)) == "baseline-small-s0"
    assert (runs["full-small-s2"].n_frames, runs["full-small-s2"].training.epochs) == (5, 2)
    jobs = DataJobs(settings)
    assert list(jobs.sources) == ["h36m", "h36m/third"]
    assert jobs.files("h36m/third") == {"poses": Path("results/h36m/third/data/poses.npz")}
    assert jobs.named("h36m/third") == f"--dataset {third}"
    assert jobs.code_entries("h36m/third", "read") == [third]
    assert jobs.synthetic_options("h36m/third") == "--frames 12"


def test_its_file_runs_once_however_many_runs_ask_for_it(third, tmp_path):
    counted = tmp_path / "counted.py"
    log = tmp_path / "log"
    counted.write_text(
        f"{Path(third).read_text()}\nwith open({str(log)!r}, 'a') as file:\n    file.write('x')\n"
    )
    settings = configuration(str(counted), further_data={"third": {"synthetic": {}}})
    assert len(settings.runs_by_folder()["h36m/third"]) > 1
    assert log.read_text() == "x"


def test_it_may_be_the_main_data_set(third):
    settings = configuration(third, data={"dataset": "third", "poses": "poses.npz"}, n_frames=5)
    assert settings.data.title == "Circles"
    assert DataJobs(settings).files("h36m") == {"poses": Path("poses.npz")}
    (doubt,) = DataJobs(settings).doubts("h36m", ["poses@missing:poses.npz"])
    assert doubt.startswith("poses.npz: no such file")


FAULTS = {
    "def read(:\n": r"circles\.py:1: cannot be imported: SyntaxError",
    "import numpy\n\nnumpy.nothing\n": r"circles\.py:3: cannot be imported: AttributeError",
    "READ = 1\n": r"circles\.py: DATASET: expected a Dataset .* found no such value",
    "DATASET = 1\n": r"circles\.py: DATASET: expected a Dataset .* found int",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faulty_file_is_named_with_its_line(text, tmp_path):
    (tmp_path / "circles.py").write_text(text)
    with pytest.raises(PoseliftError, match=FAULTS[text]) as error:
        configuration(str(tmp_path / "circles.py"))
    assert "\n" not in str(error.value)


def test_names_that_are_taken_or_differ_are_refused(third, tmp_path):
    with pytest.raises(PoseliftError, match=r"human36m: .*is the name of another data set"):
        configuration(third, datasets={"human36m": third})
    with pytest.raises(PoseliftError, match=r"fourth: .*calls itself 'third'"):
        configuration(third, datasets={"fourth": third})
    with pytest.raises(PoseliftError, match=r"absent\.py: no such file"):
        configuration(str(tmp_path / "absent.py"))


def test_faulty_content_is_named(third, tmp_path):
    np.savez(tmp_path / "poses.npz", train=np.full((2, 9, 17, 3), np.nan), test=np.zeros((2, 9, 17, 3)))
    with pytest.raises(PoseliftError, match="train: expected finite numbers"):
        prepare.main(
            ["--dataset", third, "--poses", str(tmp_path / "poses.npz"), "--out", str(tmp_path / "store")]
        )
    assert not (tmp_path / "store" / "frames").exists()


@pytest.mark.parametrize("name", ["runs", "tables", "human36m", "mpi_inf_3dhp"])
def test_a_name_that_means_something_else_is_refused(tmp_path, name):
    path = tmp_path / "named.py"
    text = Path(__file__).with_name("third.py").read_text()
    path.write_text(text.replace('name="third"', f'name="{name}"'))
    content = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"datasets": {name: str(path)}}
    with pytest.raises(PoseliftError, match=f"{name}: .* another data set or of a folder of results; give"):
        parse(Config, content, "config.yaml")
