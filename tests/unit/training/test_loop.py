"""What the loop computes with: random numbers of the seed, the recipe's numbers, the split's frames."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from poselift.config.run import ExecutionSettings, RunSettings
from poselift.data import prepare
from poselift.data.batches import Batches
from poselift.models.registry import build_run
from poselift.training import loop as module
from poselift.training import optimizer as optimizer_module
from poselift.training.context import RunContext
from poselift.training.distributed import SINGLE_PROCESS, Ranks
from poselift.training.loop import Loop
from poselift.training.losses import losses
from poselift.training.report import Reporter
from poselift.training.state import TrainingState
from poselift.training.validation import open_splits

CPU = torch.device("cpu")
DROPOUT = {"architecture": "mamba_gcn", "mamba_gcn_dim": 16, "mamba_gcn_layers": 1, "gcn_dropout": 0.5}


class Memory:
    """Keeps states in memory."""

    def __init__(self) -> None:
        self.saved: list[TrainingState] = []

    def save(self, state: TrainingState) -> None:
        self.saved.append(state)

    def finish(self) -> None:
        pass


def make_loop(
    settings: RunSettings, store: Path, ranks: Ranks = SINGLE_PROCESS, state: TrainingState | None = None
) -> Loop:
    train, held_out = open_splits(store, settings)
    execution = ExecutionSettings()
    reporter = Reporter(settings, execution, None, CPU, 1)
    ctx = RunContext(CPU, ranks, execution, Memory(), reporter, lambda: 0, prepare=lambda _: None)
    return Loop(settings, train, held_out, state or TrainingState(), ctx)


def seeded(monkeypatch) -> list[int]:
    """The seeds that steps draw from, noted as they are set."""
    noted: list[int] = []
    real = module.seed
    monkeypatch.setattr(module, "seed", lambda number, device: (noted.append(number), real(number, device)))
    return noted


def test_each_seed_has_initial_weights_of_its_own(store, settings):
    starts = []
    for number in (0, 1, 7):
        torch.manual_seed(number)
        expected = build_run(settings()).state_dict()
        torch.manual_seed(99)  # what was drawn before does not count
        found = make_loop(settings(seed=number), store).model.state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        starts.append(found["joints_embed.weight"])
    assert not torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[1], starts[2])


def test_dropout_differs_between_seeds_epochs_steps_and_processes(store, settings, monkeypatch):
    noted = seeded(monkeypatch)
    for number in (0, 1):
        for rank in (0, 1):
            ranks = Ranks()
            loop = make_loop(settings(seed=number, epochs=2), store, ranks)
            ranks.rank = rank  # of two, of which this one computes all batches
            loop.run(2)
    assert len(noted) == 2 * 2 * 2 * 3  # seeds, processes, epochs, steps
    assert len(set(noted)) == len(noted)


def test_dropout_draws_from_the_seed_of_its_step(store, settings, monkeypatch):
    """Whatever was drawn between two steps: the same weights; with other seeds for dropout others."""
    outcomes = []
    for disturbed in (False, True):
        with monkeypatch.context() as patch:
            if disturbed:
                real = module.losses
                patch.setattr(module, "losses", lambda *given, real=real: (torch.rand(3), real(*given))[1])
            outcomes.append(make_loop(settings(epochs=1, **DROPOUT), store).run(1).model)
    with monkeypatch.context() as patch:
        patch.setattr(module, "step_seed", lambda *position: 5)
        outcomes.append(make_loop(settings(epochs=1, **DROPOUT), store).run(1).model)
    a, b, c = (outcome["head.weight"] for outcome in outcomes)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_each_seed_and_epoch_has_an_order_of_its_own(store, settings, monkeypatch):
    seen: list[Tensor] = []
    real = module.losses
    monkeypatch.setattr(module, "losses", lambda p, labels, *w: (seen.append(labels), real(p, labels, *w))[1])
    orders = []
    for number in (0, 1):
        seen.clear()
        wanted = settings(seed=number, epochs=2)
        make_loop(wanted, store).run(2)
        train, _ = open_splits(store, wanted)
        batches = Batches(train, wanted.training, number, CPU)
        expected = [part.labels for epoch in (0, 1) for step in batches.epoch(epoch) for part in step]
        assert len(seen) == len(expected)
        assert all(map(torch.equal, seen, expected))
        orders += [torch.cat(seen[:3]), torch.cat(seen[3:])]
    assert len({order.numpy().tobytes() for order in orders}) == 4


@pytest.mark.parametrize("name", ["n_mpjpe_weight", "velocity_weight"])
def test_weights_of_the_loss_are_the_recipes(store, settings, monkeypatch, name):
    """The total that is minimised against the terms, which do not depend on the weights."""
    totals = []
    real = module.losses

    def noted(prediction: Tensor, labels: Tensor, *weights: float) -> dict[str, Tensor]:
        totals.append((real(prediction, labels, *weights)["total"], losses(prediction, labels)))
        return real(prediction, labels, *weights)

    monkeypatch.setattr(module, "losses", noted)
    make_loop(settings(epochs=1, **{name: 3.0}), store).run(1)
    for total, terms in totals:
        n, v = {"n_mpjpe_weight": (3.0, 20.0), "velocity_weight": (0.5, 3.0)}[name]
        expected = terms["mpjpe"] + n * terms["n_mpjpe"] + v * terms["velocity"]
        assert total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_every_parameter_steps_at_the_scheduled_rate_with_its_own_decay(store, settings, monkeypatch):
    """Both groups of a model with an SSM, of which one goes without weight decay."""
    rates: list[list[tuple[float, float]]] = []
    real = optimizer_module.torch.optim.AdamW.step

    def noted(optimizer: torch.optim.Optimizer, *given: object, **more: object) -> object:
        rates.append([(group["lr"], group["weight_decay"]) for group in optimizer.param_groups])
        return real(optimizer, *given, **more)

    monkeypatch.setattr(optimizer_module.torch.optim.AdamW, "step", noted)
    wanted = settings(epochs=2, lr=0.01, lr_decay=0.5, weight_decay=0.1, warmup_steps=2, **DROPOUT)
    make_loop(wanted, store).run(2)
    lr = [0.005, 0.01, 0.01, 0.005, 0.005, 0.005]
    assert [[rate for rate, _ in step] for step in rates] == [[pytest.approx(each)] * 2 for each in lr]
    assert {tuple(decay for _, decay in step) for step in rates} == {(0.1, 0.0)}


def test_gradients_of_a_step_do_not_reach_the_next(store, settings):
    loop = make_loop(settings(epochs=1), store)
    loop.run(1)
    assert all(parameter.grad is None for parameter in loop.model.parameters())


def test_model_trains_in_training_mode_and_is_validated_in_evaluation_mode(store, settings, monkeypatch):
    modes: dict[str, set[bool]] = {"losses": set(), "_predict": set()}
    loop = make_loop(settings(epochs=2), store)
    real_losses, real_predict = module.losses, Loop._predict
    monkeypatch.setattr(
        module, "losses", lambda *given: (modes["losses"].add(loop.model.training), real_losses(*given))[1]
    )
    monkeypatch.setattr(
        Loop, "_predict", lambda *given: (modes["_predict"].add(loop.model.training), real_predict(*given))[1]
    )
    loop.run(2)
    assert modes == {"losses": {True}, "_predict": {False}}


def test_models_are_validated_and_saved_with_the_buffers_of_the_first_process(store, settings, monkeypatch):
    def share(_: Ranks, model: nn.Module) -> None:
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.running_mean.fill_(0.5)

    monkeypatch.setattr(Ranks, "share_buffers", share)
    loop = make_loop(settings(epochs=1), store)
    state = loop.run(1)
    means = [value for name, value in state.model.items() if name.endswith("running_mean")]
    assert torch.cat(means).unique().tolist() == [0.5]
    assert state.history["mpjpe"] == [loop.validation(loop.model.eval()).mpjpe]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_precision_is_that_of_products_in_training_and_validation(store, settings, monkeypatch, precision):
    kinds = []
    loop = make_loop(settings(epochs=1, precision=precision), store)
    loop.model.head.register_forward_hook(lambda *given: kinds.append(given[2].dtype))
    loop.run(1)
    wanted = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    assert set(kinds) == {wanted}
    assert len(kinds) > 3  # steps, and both views of a validation


@pytest.mark.parametrize("deterministic", [True, False])
def test_determinism_is_the_recipes(store, settings, deterministic):
    make_loop(settings(deterministic=deterministic), store)
    assert torch.are_deterministic_algorithms_enabled() is deterministic
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def test_state_brings_back_weights_optimiser_and_scale(store, settings):
    wanted = settings(epochs=3, precision="fp16")
    state = make_loop(wanted, store).run(2)
    again = make_loop(wanted, store, state=state)
    assert all(torch.equal(value, state.model[name]) for name, value in again.model.state_dict().items())
    moments, expected = again.optimizer.state_dict()["state"], state.optimizer["state"]
    assert moments.keys() == expected.keys() != set()
    assert torch.equal(moments[0]["exp_avg"], expected[0]["exp_avg"])
    assert moments[0]["step"] == expected[0]["step"]
    assert again.scaler.state_dict() == state.scaler


def test_who_is_held_out_shares_the_frames_of_those_trained_on(raw_content, write_raw, tmp_path, settings):
    content = raw_content(
        train=(
            ("s_01_act_02_subact_01_ca_01", "54138969", 12),
            ("s_08_act_02_subact_01_ca_01", "54138969", 16),
        )
    )
    raw, store = write_raw(content), tmp_path / "store"
    prepare.main(["--raw", str(raw), "--out", str(store), "--n-frames", "4"])
    loop = make_loop(settings(validation_subject="S8"), store)
    for trained_on, held_out in zip(
        loop.batches.values, (loop.validation.inputs, loop.validation.target), strict=True
    ):
        assert trained_on.on_device[0] is held_out.on_device[0]
        assert (len(trained_on.clips), len(held_out.clips)) == (9, 13)
    other = make_loop(settings(), store)
    assert other.batches.values[0].on_device[0] is not other.validation.inputs.on_device[0]
