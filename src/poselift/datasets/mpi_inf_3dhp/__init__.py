"""MPI-INF-3DHP, as P-STMO preprocessed it: `raw` reads and checks its two files."""

from pydantic import Field

from poselift.config import datasets
from poselift.config.datasets import Dataset, InputPath
from poselift.config.run import TrainingSettings
from poselift.config.sections import Section


class Synthetic(Section):
    """Procedural motion in the two files' schema; everything made from it is marked as synthetic."""

    seed: int = Field(0, ge=0, description="seed of the motion")
    train_frames: int = Field(200, ge=2, description="frames per training sequence (16, in 8 views)")
    test_frames: int = Field(200, ge=2, description="frames per test sequence (there are 6)")


class Source(datasets.Source):
    """MPI-INF-3DHP: two files (`train`, `test`) or a procedure (`synthetic`)."""

    train: InputPath | None = Field(None, description="data_train_3dhp.npz")
    test: InputPath | None = Field(None, description="data_test_3dhp.npz")
    synthetic: Synthetic | None = Field(None, description="generate motion instead of reading the files")


DATASET = Dataset(
    name="mpi_inf_3dhp",
    title="MPI-INF-3DHP",
    source=Source,
    read="poselift.datasets.mpi_inf_3dhp.raw:read",
    origin="P-STMO's preprocessing of the data from vcai.mpi-inf.mpg.de/3dhp-dataset makes it.",
    licence="research only, and nothing commercial",
    metrics=("mpjpe", "pck", "auc"),
    evaluates="centre frame",
    also_published_scale=True,  # 960 for TS5 and TS6, where labels and models have 1024
    stride=9,
    n_frames=81,
    inputs="annotated",
    mm_per_unit=1024,
    # MotionAGFormer's recipe for these data; what it does not say is as for Human3.6M
    recipe=TrainingSettings(epochs=90, optimizer="amsgrad", lr=5e-4, weight_decay=0, lr_decay=0.99),
    synthesise="poselift.synthetic.mpi_inf_3dhp:write",
)
