"""The sentences that captions of tables share."""

from collections.abc import Sequence

from poselift.analysis.view import DataNotice
from poselift.config.experiment import Statistics


def intervals_note(statistics: Statistics, seeds: Sequence[int]) -> str:
    """The sentence of a caption that says what an interval covers."""
    of_recordings = (
        f"{100 * statistics.confidence:g}\N{NARROW NO-BREAK SPACE}%, {statistics.resamples:,} paired "
        "resamples of the test recordings within their actions"
    )
    if len(seeds) > 1:
        return (
            f"Intervals: {of_recordings}, and Student's 𝑡 over seeds, whose variance is pooled over models "
            "where it does not differ; each by itself, not corrected."
        )
    return (
        f"One seed: intervals cover the test recordings alone ({of_recordings}), not the training, "
        "and nothing is marked as significant."
    )


def caption_notice(notice: DataNotice, missing: Sequence[str] = ()) -> str:
    """The end of a caption: that the data are synthetic, that runs are missing; nothing otherwise."""
    listed = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    verb = "run is" if len(missing) == 1 else "runs are"
    return sentences(
        "Synthetic data." if notice.synthetic else "",
        f"DRAFT: {len(missing)} {verb} missing ({listed})." if missing else "",
    )


def sentences(*parts: str) -> str:
    """The parts of a caption that are there, as one text."""
    return " ".join(filter(None, parts))
