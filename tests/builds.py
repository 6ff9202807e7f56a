"""Made-up builds of a paper, for tests of what compares them.

What each job writes is a hash of its own facts and of what it reads, as it would be.
"""

import hashlib
import json
import shutil
from pathlib import Path

from poselift.paper.crate import write_crate
from poselift.provenance.code_hash import keep_manifest
from poselift.provenance.receipts import write_receipt
from poselift.provenance.record import paper_record

R = "results/toy"

PLAN = {
    "code": {
        "frames": "poselift.data.prepare", "train": "poselift.training.losses", "numbers": "poselift.latex",
        "evaluate": "poselift.evaluation.metrics", "results": "poselift.analysis.results",
        "table": "poselift.tables.main", "figure": "poselift.figures.curves",
        "claims": "poselift.analysis.claims",
    },
    "edited": {},  # modules that are not as they were: by rule the hash
    "quiet": (),  # rules whose edit changes no output
    "pins": {"torch": "2.0", "pandas": "2.0"},
    "options": {
        "frames": "--width 1000", "train": "--epochs 1 --lr 0.1", "evaluate": "--flip true", "results": "",
        "numbers": "--decimals 1 --title 'A title'", "table": "--decimals 1", "figure": "--epochs-shown 3",
        "claims": "--confidence 0.95",
    },
    "options of full": "",
    "ran": {"torch": "2.0", "gpu": "H100", "python": "3.11"},
    "ran full": {},
    "raw": "motion", "held": "raw@sha256:" + "a" * 64, "claims.yaml": "- claim\n", "template": "a template\n",
    "runs": ("baseline-base-s0", "baseline-base-s1", "full-base-s0", "full-base-s1"),
    "text": {"main.tex": "\\input{intro}\n", "intro.tex": "It works.\nWell, \\num{full.base.mpjpe}.\n"},
}  # fmt: skip


class Made:
    """The project of a plan, in the working folder; `folder` is its paper."""

    def __init__(self, plan: dict) -> None:
        self.plan = plan
        for name, key in (("raw.pkl", "raw"), ("paper/claims.yaml", "claims.yaml"), ("src/t.j2", "template")):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(plan[key])
        frames = self.job("frames", "frames", ["raw.pkl"], f"{R}/data/frames.json", content=plan["held"])
        runs = []
        for run in plan["runs"]:
            trained = self.job(f"train/{run}", "train", [frames], f"{R}/runs/{run}/weights.bin")
            runs.append(self.job(f"evaluate/{run}", "evaluate", [trained], f"{R}/evaluation/{run}.json"))
        results = self.job("paper/results", "results", runs, f"{R}/results.csv")
        values = {of: self.number(run for run in runs if f"/{of}-" in run) for of in ("baseline", "full")}
        digits = self.option("numbers", "--decimals")
        defined = [f"\\defnum{{{of}.base.mpjpe}}{{{value}.{digits}}}" for of, value in values.items()]
        defined.append(f"\\defnum{{paper.title}}{{{self.option('numbers', '--title')}}}")
        numbers = self.job("paper/numbers", "numbers", runs, f"{R}/numbers.tex", "\n".join(defined) + "\n")
        digits = self.option("table", "--decimals")
        rows = "".join(f"base & {of} & {value}.{digits} \\\\\n" for of, value in values.items())
        table = "\\toprule\nSize & Model & MPJPE \\\\\n\\midrule\n" + rows + "\\bottomrule\n"
        table = self.job("paper/table", "table", [results, "src/t.j2"], f"{R}/tables/main.tex", table)
        judged = self.job("paper/claims", "claims", [results, "paper/claims.yaml"], f"{R}/tables/claims.tex")
        figure = self.job("paper/curves", "figure", [results], f"{R}/figures/curves.pdf")
        record = paper_record(Path(R), [numbers, table, judged, figure], [], {})
        self.folder = Path(R, "paper")
        for name, text in plan["text"].items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        for part in (numbers, table, judged, figure):
            target = self.folder / "generated" / Path(part).relative_to(R)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, target)
        (self.folder / "generated/provenance.json").write_text(json.dumps(record))
        write_crate(self.folder)

    def option(self, rule: str, name: str) -> str:
        return self.plan["options"][rule].partition(f"{name} ")[2].partition(" --")[0].strip("'")

    def number(self, runs) -> int:
        return int(hashlib.sha256(b"".join(Path(run).read_bytes() for run in runs)).hexdigest()[:4], 16)

    def job(self, name: str, rule: str, inputs: list[str], output: str, text: str = "", **params: str) -> str:
        """A job that ran; returns its output."""
        plan = self.plan
        module = plan["code"][rule]
        edit = plan["edited"].get(rule, "0")
        manifest = {"entries": [module], "modules": {module: edit}, "pins": plan["pins"]}
        options, ran = plan["options"][rule], dict(plan["ran"])
        if "/full-" in name and rule == "train":
            options, ran = f"{options} {plan['options of full']}".strip(), ran | plan["ran full"]
        effective = [options, "0" if rule in plan["quiet"] else edit]
        effective += [sorted(ran.items()) if rule in ("train", "evaluate") else ""]
        read = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in inputs]
        made = hashlib.sha256(json.dumps([name.split("/")[-1], effective, read]).encode()).hexdigest()
        if rule == "claims":
            text = f"\\toprule\nClaim & Verdict \\\\\n\\midrule\nIt holds. & {made[:6]} \\\\\n\\bottomrule\n"
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).write_text(text or made)
        code = keep_manifest(Path(R, "code"), manifest)
        given = {"code": code, "options": options, **params}
        write_receipt(f"{R}/logs/{name}.log", rule, given, inputs, [output], environment=ran)
        return output
