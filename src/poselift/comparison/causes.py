"""Why a part of the paper differs between two builds: what in the receipts behind it is not the same.

From the part back to the raw data, a job is only looked at if its output differs, and what came out the same
ends the search: an edit that changed nothing is no cause.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from poselift.provenance.code_hash import differences
from poselift.provenance.environment import COMPARED
from poselift.provenance.hashing import public
from poselift.provenance.why import CONTENT, WITHOUT_NAME, changed_options

UNKNOWN = "not known: code, options, data and versions are the same"

Record = Mapping[str, Any]


def everything(path: str) -> bool:
    """What is behind a part, if nothing is known of it in particular."""
    return True


Relevant = Callable[[str], bool]


def causes(before: Record, after: Record, part: str, relevant: Relevant = everything) -> list[str]:
    """What made `part` differ, the nearest cause first; of the files behind it the `relevant` ones count.

    Each begins with its kind: code, option, seed, data, text, versions.
    """
    jobs = [record["core"]["jobs"] for record in (before, after)]
    makers = [{path: name for name, job in each.items() for path in job["outputs"]} for each in jobs]

    @cache
    def digest(record: int, path: str) -> str | None:
        content = (before, after)[record]
        made = content["outputs"].get(path) or {}
        source: str | None = made.get("sha256") or content["core"]["sources"].get(path)
        return source

    found: dict[str, None] = {}
    waiting, seen = [part], {part}
    for path in waiting:
        pair = [jobs[i].get(makers[i].get(path, "")) for i in (0, 1)]
        if pair[0] is None or pair[1] is None:
            if pair[0] is pair[1]:
                found[_source(path)] = None
            else:
                found[f"option: {path.split('/', 2)[-1]} is in one build only"] = None
            continue
        found |= dict.fromkeys(_of_job(before, after, pair[0], pair[1]))
        inputs = [set(filter(relevant, job["inputs"])) for job in pair if job]
        found |= dict.fromkeys(_other_runs(inputs[0], inputs[1]))
        differing = (
            each
            for each in sorted(inputs[0] & inputs[1])
            if each not in seen and digest(0, each) != digest(1, each)
        )
        for each in differing:
            seen.add(each)
            waiting.append(each)
    return list(found) or [UNKNOWN]


def all_causes(before: Record, after: Record) -> list[str]:
    """What differs in jobs and sources that two records both have, whether or not it changed a part."""
    jobs, sources = ([record["core"][key] for record in (before, after)] for key in ("jobs", "sources"))
    found = [_of_job(before, after, jobs[0][name], jobs[1][name]) for name in jobs[0] if name in jobs[1]]
    edited = [path for path in sources[0] if sources[1].get(path, sources[0][path]) != sources[0][path]]
    return list(dict.fromkeys([*map(_source, edited), *chain(*found)]))


def _of_job(before: Record, after: Record, old: Record, new: Record) -> Iterator[str]:
    """What differs in a job itself."""
    if old["code"] != new["code"]:
        manifests = [record["code"].get(job["code"]) for record, job in ((before, old), (after, new))]
        names = differences(manifests[0], manifests[1]) if manifests[0] and manifests[1] else []
        yield from (f"versions: pinned {name}" if " -> " in name else f"code: {name}" for name in names)
        if not names:
            yield f"code: of rule {new['rule']}, in which module is not known"
    texts = [job["params"].values() for job in (old, new)]
    held = [{word for text in each for word in text.split() if CONTENT.fullmatch(word)} for each in texts]
    yield from dict.fromkeys(f"data: {word.partition('@')[0]}" for word in sorted(held[0] ^ held[1]))
    options = [[text for text in each if held[i].isdisjoint(text.split())] for i, each in enumerate(texts)]
    for name, change in changed_options(options[0], options[1]):
        if name == "--seed":
            yield f"seed: {change}"
        elif name != WITHOUT_NAME and not name.startswith("--seeds"):
            yield f"option: {name} {change}"
    ran = [job.get("environment") or {} for job in (old, new)]
    for key in COMPARED if all(ran) else ():  # older receipts have none
        if ran[0].get(key) != ran[1].get(key):
            yield f"versions: {key} {ran[0].get(key) or 'none'} -> {ran[1].get(key) or 'none'}"


def _other_runs(old: set[str], new: set[str]) -> Iterator[str]:
    """What is read in one build only."""
    for verb, paths in (("also", new - old), ("no longer", old - new)):
        names = dict.fromkeys(path.split("/", 2)[-1].rpartition(".")[0] for path in sorted(paths))
        for name in names:
            kind = "seed" if name.startswith(("evaluation/", "runs/")) else "option"
            yield f"{kind}: {verb} {name}"


def _source(path: str) -> str:
    """A source that differs, by what it is: people's text, a template of the code, or data."""
    if path.startswith("paper/"):
        return f"text: {path}"
    return f"code: {path}" if path.startswith("src/") else f"data: {public(path)}"
