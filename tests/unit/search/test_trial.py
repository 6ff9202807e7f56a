"""A trial's job: what it trains, what it answers without training, and what counts as its failure."""

import json
import shlex
from pathlib import Path

import pytest
import torch

from poselift.config.run import ExecutionSettings
from poselift.errors import PoseliftError
from poselift.search import trial as module
from poselift.search.results import Ranking, promoted, ranked, read_result, write
from poselift.search.stages import plan
from poselift.training.loop import Stopped

STAGE = {
    "name": "coarse", "architecture": "baseline", "size": "nano", "grid": {"lr": [0.001, 0.002]},
    "halving": {"epochs": [2], "keep": 0.25},
}  # fmt: skip
NAME = "lr=0.001"


@pytest.fixture
def store(tmp_path) -> Path:
    (tmp_path / "store/frames").mkdir(parents=True)
    (tmp_path / "store/frames/manifest.json").write_text('{"arrays": {"train/inputs.npy": "abc"}}')
    (tmp_path / "store/clips-9").mkdir()
    for split in ("train", "test"):
        (tmp_path / f"store/clips-9/{split}.npy").write_bytes(b"index")
    return tmp_path / "store"


class Trainer:
    """Stands in for the training: the error falls by one per epoch, from 100 px."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.executions: list[ExecutionSettings] = []
        self.fault: BaseException | None = None

    def __call__(self, settings, store, out, device, execution, stop_after):
        self.calls.append((settings, stop_after))
        self.executions.append(execution)
        out.mkdir(parents=True, exist_ok=True)
        (out / "best_model.safetensors").write_text("weights")
        (out / "state/key").mkdir(parents=True, exist_ok=True)
        (out / "provenance.json").write_text(
            '{"outputs": {"best_model.safetensors": "1", "config.yaml": "2"}}'
        )
        (out / "config.yaml").write_text("config")
        if self.fault:
            raise self.fault
        epochs = stop_after or settings.training.epochs
        return {
            "best_mpjpe": 100.0 - epochs, "last_mpjpe": 101.0 - epochs, "unit": "px",
            "epochs": epochs, "seconds": 3.0, "gpu_hours": 0.25 * epochs,
        }  # fmt: skip


@pytest.fixture
def trainer(monkeypatch) -> Trainer:
    trainer = Trainer()
    monkeypatch.setattr(module, "train", trainer)
    return trainer


@pytest.fixture
def coarse(searching):
    return plan(searching(STAGE))["coarse"].trials


@pytest.fixture
def attempt(store, tmp_path, coarse):
    def run(rung=0, stop_after=None, start=None, previous=None, trial=None, **others):
        def trained(settings, epochs):
            folder = tmp_path / f"trial-{settings.seed}"
            return module.train_or_recall(store, folder, "cpu", ExecutionSettings(), settings, epochs)

        return module.attempt(trial or coarse[NAME], rung, stop_after, start, previous, trained, **others)

    return run


def test_a_trial_trains_what_it_says(trainer, attempt):
    result = attempt()
    ((settings, stop_after),) = trainer.calls
    assert (settings.training.lr, settings.training.epochs, stop_after) == (0.001, 8, None)
    assert (settings.validation_subject, settings.n_frames) == ("S8", 9)
    assert (result.stage, result.trial, result.status) == ("coarse", NAME, "finished")
    assert (result.best, result.final, result.unit, result.epochs) == (92.0, 93.0, "px", 8)
    assert (result.gpu_hours, result.searched) == (2.0, {"lr": 0.001})


def test_a_rung_ends_early_and_the_next_one_goes_on(trainer, attempt):
    first = attempt(rung=0, stop_after=2)
    assert (first.status, first.best, first.epochs) == ("running", 98.0, 2)
    second = attempt(rung=1, previous=Ranking([first], [NAME]))
    assert (second.status, second.best, second.rung) == ("finished", 92.0, 1)
    assert [stop_after for _, stop_after in trainer.calls] == [2, None]


def test_each_rung_is_known_for_itself(trainer, attempt):
    first = attempt(rung=0, stop_after=2)
    attempt(rung=1, previous=Ranking([first], [NAME]))
    again = [attempt(rung=0, stop_after=2), attempt(rung=1, previous=Ranking([first], [NAME]))]
    assert [(one.best, one.final, one.epochs) for one in again] == [(98.0, 99.0, 2), (92.0, 93.0, 8)]
    assert len(trainer.calls) == 2


def test_a_finalist_is_trained_with_more_seeds(trainer, attempt, monkeypatch):
    whole = attempt(rung=0, goes_on=True)
    assert (whole.status, whole.seeds) == ("running", 1)
    worse = {0: 0.0, 4: 2.0, 5: 7.0}

    def by_seed(settings, *others):
        summary = trainer(settings, *others)
        return summary | {key: summary[key] + worse[settings.seed] for key in ("best_mpjpe", "last_mpjpe")}

    monkeypatch.setattr(module, "train", by_seed)
    found = attempt(rung=1, previous=Ranking([whole], [NAME]), seeds=(4, 5))
    assert [settings.seed for settings, _ in trainer.calls] == [0, 4, 5]  # the first is known
    assert (found.status, found.seeds, found.rung) == ("finished", 3, 1)
    assert (found.best, found.final, found.epochs, found.gpu_hours) == (95.0, 96.0, 8, 6.0)  # 92 and 93 + 3
    out = attempt(rung=1, previous=Ranking([whole], []), seeds=(4, 5))
    assert (out.status, out.final) == ("stopped", 93.0)


def test_a_trial_that_is_not_kept_stops_without_training(trainer, attempt, result):
    mine = result(NAME, 98.0, "running", epochs=2)
    other = result("lr=0.002", 97.0, "running", epochs=2)
    ranking = Ranking(ranked([mine, other]), promoted([mine, other], 0, 0.5))
    stopped = attempt(rung=1, previous=ranking)
    assert (stopped.status, stopped.rung, stopped.final, stopped.epochs) == ("stopped", 0, 98.0, 2)
    assert stopped.reason == "not among the best 1 of 2 after epoch 2"
    assert trainer.calls == []
    # a third rung hears of it, and of a failure, without doing anything
    failed = result(NAME, None, "failed", reason="diverged")
    for over in (stopped, failed):
        assert attempt(rung=2, previous=Ranking([over], [])) == over
    assert trainer.calls == []


def test_known_errors_are_not_trained_again(trainer, attempt, coarse, store):
    first, again = attempt(), attempt()
    assert again == first
    assert len(trainer.calls) == 1
    attempt(trial=coarse["lr=0.002"])  # other settings in the same folder
    assert len(trainer.calls) == 2
    attempt()
    assert len(trainer.calls) == 3
    (store / "frames/manifest.json").write_text('{"arrays": {"train/inputs.npy": "other"}}')
    attempt()
    assert len(trainer.calls) == 4


def test_a_winner_that_stays_the_same_costs_nothing(trainer, attempt, searching, result):
    fine = {"name": "fine", "start_from": "coarse", "factors": {"lr": [0.5]}}
    trial = plan(searching(STAGE, fine))["fine"].trials["lr=x0.5"]
    winner = result("lr=0.002", 90.0, searched={"lr": 0.002})
    assert attempt(trial=trial, start=Ranking([winner], [])).searched == {"lr": 0.001}
    stopped = result("lr=0.007", 70.0, "stopped", searched={"lr": 0.007})  # earlier, and is no winner
    more = Ranking([stopped, winner, result("lr=0.009", 95.0, searched={"lr": 0.009})], [])
    attempt(trial=trial, start=more)
    assert len(trainer.calls) == 1
    better = result("lr=0.009", 80.0, searched={"lr": 0.009})
    assert attempt(trial=trial, start=Ranking([better, winner], [])).searched == {"lr": 0.0045}
    assert [settings.training.lr for settings, _ in trainer.calls] == [0.001, 0.0045]
    early = attempt(trial=trial, start=Ranking([better, winner], []), stop_after=8)
    goes_on = {"rung": 1, "previous": Ranking([early], [trial.name])}
    assert attempt(trial=trial, start=Ranking([better, winner], []), **goes_on).searched == {"lr": 0.0045}
    assert len(trainer.calls) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (PoseliftError("the loss is nan in epoch 3"), "the loss is nan in epoch 3"),
        (torch.OutOfMemoryError("CUDA out of memory.\nTried"), "out of memory: CUDA out of memory. Tried"),
        (MemoryError(), "out of memory:"),
    ],
)
def test_a_failed_trial_is_an_outcome(trainer, attempt, fault, reason):
    trainer.fault = fault
    result = attempt()
    assert (result.status, result.reason, result.best) == ("failed", reason, None)
    trainer.fault = None
    assert attempt().status == "finished"  # asked again, a failure is not what is known


@pytest.mark.parametrize(
    "fault",
    [KeyboardInterrupt(), Stopped("stopped by SIGTERM", 15), OSError(28, "No space left"), TypeError()],
)
def test_a_kill_a_full_disk_and_a_bug_are_no_outcome(trainer, attempt, fault):
    trainer.fault = fault
    with pytest.raises(type(fault)):
        attempt()


def test_what_the_machine_lacks_is_no_outcome_in_our_words_either(trainer, attempt):
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            raise PoseliftError("the training state cannot be written; free some space") from None
    except PoseliftError as error:
        trainer.fault = error
    with pytest.raises(PoseliftError, match="free some space"):
        attempt()


def test_without_a_winner_to_start_from(trainer, attempt, searching, result):
    fine = {"name": "fine", "start_from": "coarse", "factors": {"lr": [0.5]}}
    trial = plan(searching(STAGE, fine))["fine"].trials["lr=x0.5"]
    result = attempt(trial=trial, start=Ranking([result("a", None, "failed")], []))
    assert result.status == "failed"
    assert result.reason == "no trial of stage 'coarse', which it starts from, finished"


def test_a_value_that_does_not_fit_the_winner_is_a_failure(trainer, attempt, searching, result):
    fine = {"name": "fine", "start_from": "coarse", "factors": {"lr": [2]}}
    (trial,) = plan(searching(STAGE, fine))["fine"].trials.values()
    failed = attempt(trial=trial, start=Ranking([result("a", 1.0, searched={"lr": 0.9})], []))
    assert failed.status == "failed"
    assert failed.reason == "lr = 1.8: training.lr: Input should be less than 1, but it is 1.8"
    assert trainer.calls == []


@pytest.fixture
def command(searching, store):
    """The job's command line for a rung, as the workflow writes it."""

    def words(out: Path, rung: int, *more: str) -> list[str]:
        options = shlex.split(plan(searching(STAGE))["coarse"].options(NAME, rung))
        return ["--store", str(store), "--out", str(out), "--device", "cpu", *options, *more]

    return words


def test_the_command_leaves_the_outcome_and_no_weights(trainer, command, coarse, tmp_path):
    folder = tmp_path / "coarse" / NAME
    module.main(command(folder / "rung-0.json", 0, "--start", "--previous"))
    first = read_result(folder / "rung-0.json")
    assert (first.status, first.epochs) == ("running", 2)
    assert (folder / "best_model.safetensors").exists()  # and the state, from which the next rung goes on
    assert (folder / "state/key").exists()
    ranking = tmp_path / "coarse/ranking-0.json"
    write(ranking, Ranking([first], [NAME]))
    module.main(command(folder / "rung-1.json", 1, "--start", "--previous", str(ranking)))
    assert read_result(folder / "rung-1.json").status == "finished"
    assert [settings for settings, _ in trainer.calls] == [coarse[NAME].settings({})] * 2
    assert not list(folder.rglob("*.safetensors"))
    assert not (folder / "state/key").exists()
    assert json.loads((folder / "provenance.json").read_text()) == {"outputs": {"config.yaml": "2"}}


def test_further_seeds_have_folders_of_their_own_and_leave_no_weights(trainer, command, coarse, tmp_path):
    folder = tmp_path / "coarse" / NAME
    seeds = [coarse[NAME].base.seed + 1, coarse[NAME].base.seed + 2]
    module.main(command(folder / "rung-1.json", 1, "--seeds", *map(str, seeds)))
    assert sorted(path.parent.name for path in folder.rglob("config.yaml")) == sorted(
        [NAME, *(f"seed-{seed}" for seed in seeds)]
    )
    assert not list(folder.rglob("*.safetensors"))
    assert not list(folder.rglob("state/key"))


def test_a_stopped_job_fails_and_leaves_everything(trainer, command, tmp_path):
    trainer.fault = Stopped("stopped by SIGTERM; the state is saved", 15)
    with pytest.raises(SystemExit) as ended:
        module.main(command(tmp_path / "trial/rung-1.json", 1))
    assert ended.value.code == 143
    assert not (tmp_path / "trial/rung-1.json").exists()
    assert (tmp_path / "trial/state/key").exists()


def test_a_failed_trial_keeps_its_state(trainer, command, tmp_path):
    trainer.fault = PoseliftError("the loss is nan; the state after epoch 3 is kept")
    module.main(command(tmp_path / "trial/rung-1.json", 1))
    assert read_result(tmp_path / "trial/rung-1.json").status == "failed"
    assert (tmp_path / "trial/state/key").exists()


def test_the_machines_settings_reach_the_training(trainer, command, tmp_path, monkeypatch):
    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    options = ("--num-workers", "0", "--tensorboard", "--threads", "3")
    module.main(command(tmp_path / "trial/rung-1.json", 1, *options))
    assert threads == [3]
    assert trainer.executions == [ExecutionSettings(num_workers=0, tensorboard=True)]


def test_weights_are_kept_on_request(trainer, command, tmp_path):
    module.main(command(tmp_path / "trial/rung-1.json", 1, "--keep-weights"))
    assert (tmp_path / "trial/best_model.safetensors").exists()
