"""The sentences that captions of tables share."""

from collections.abc import Sequence

from poselift.analysis.results import Estimate
from poselift.analysis.view import DataNotice
from poselift.config.experiment import Statistics


def spread_note(estimates: Sequence[Estimate | None]) -> str:
    """The sentence of a caption that says what stands behind each number."""
    counts = sorted({estimate.n for estimate in estimates if estimate is not None})
    if not counts:
        return ""
    if counts == [1]:
        return "One seed a model, hence no spread."
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"Mean over {n} seeds, in small print its standard deviation."


def significance_note(statistics: Statistics, seeds: Sequence[int], marked: str) -> str:
    """The sentences of a caption that say what is marked where an interval leaves out zero, and what an
    interval covers. Of a single seed nothing is marked."""
    of_recordings = (
        f"{100 * statistics.confidence:g}\N{NARROW NO-BREAK SPACE}%, {statistics.resamples:,} paired "
        "resamples of the test recordings within their actions"
    )
    if len(seeds) > 1:
        return f"{marked} Intervals: {of_recordings}, and Student's 𝑡 over seeds."
    return (
        f"One seed: intervals cover the test recordings alone ({of_recordings}), not the training, "
        "and nothing is marked as significant."
    )


def caption_notice(notice: DataNotice, missing: Sequence[str] = ()) -> str:
    """The end of a caption: that the data are synthetic, that runs are missing; nothing otherwise."""
    parts = ["Synthetic data."] if notice.synthetic else []
    if missing:
        listed = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        verb = "run is" if len(missing) == 1 else "runs are"
        parts.append(f"DRAFT: {len(missing)} {verb} missing ({listed}).")
    return " ".join(parts)


def sentences(*parts: str) -> str:
    """The parts of a caption that are there, as one text."""
    return " ".join(part for part in parts if part)
