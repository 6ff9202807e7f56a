"""Human3.6M, as MotionBERT preprocessed it: `raw` reads and checks its one file."""

from pydantic import Field

from poselift.config import datasets
from poselift.config.datasets import Dataset, InputPath
from poselift.config.sections import Section


class Synthetic(Section):
    """Procedural motion in place of a licensed file; everything made from it is marked as synthetic."""

    seed: int = Field(0, ge=0, description="seed of the motion")
    train_frames: int = Field(324, ge=2, description="frames per training sequence")
    test_frames: int = Field(260, ge=2, description="frames per test sequence")
    n_actions: int = Field(15, ge=1, le=15, description="how many of the 15 actions")
    n_cameras: int = Field(4, ge=1, le=4, description="how many of the four cameras")


class Source(datasets.Source):
    """Human3.6M: a raw pickle (`raw`) or a procedure (`synthetic`), one of the two."""

    raw: InputPath | None = Field(None, description="pickle like h36m_sh_conf_cam_source_final.pkl")
    synthetic: Synthetic | None = Field(None, description="generate motion instead of reading `raw`")


DATASET = Dataset(
    name="human36m",
    title="Human3.6M",
    source=Source,
    read="poselift.datasets.human36m.raw:read",
    ending=".pkl",
    origin="It is MotionBERT's preprocessed file, made from the licensed data of the Human3.6M site "
    "(vision.imar.ro/human3.6m); `make demo` needs none of it.",
    licence="academic use only",
    synthesise="poselift.synthetic.dataset:write",
)
