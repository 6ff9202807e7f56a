# The second data set through the same stages, in a folder of its own. Without it in the configuration only its
# table is made, by the rules of the paper, which then says that there is none.
from poselift.datasets.mpi_inf_3dhp.raw import MISSING as MISSING_3DHP

SECOND = SETTINGS.mpi_inf_3dhp
SECOND_RESULTS = f"{RESULTS}/mpi_inf_3dhp"
SECOND_STORE = f"{SECOND_RESULTS}/data"
SECOND_RUNS = SETTINGS.mpi_inf_3dhp_runs()
SECOND_FRAMES = [
    *(
        f"{SECOND_STORE}/frames/{split}/{array}"
        for split in SPLITS
        for array in ("inputs.npy", "labels.npy", "sequence.npy", "sequences.json")
    ),
    *(f"{SECOND_STORE}/frames/test/{array}.npy" for array in ("factor", "target_mm", "valid")),
]


if SECOND and SECOND.synthetic:
    SECOND_RAW = {split: f"{SECOND_STORE}/{split}.npz" for split in SPLITS}
    SECOND_DIGEST = f"{SECOND_STORE}/raw.sha256"
    SECOND_CONTENT = None  # made by a rule, whose digest says when it changed

    rule synthetic_3dhp:
        output:
            **SECOND_RAW,
            digest=SECOND_DIGEST,
        log:
            f"{SECOND_RESULTS}/logs/synthetic.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/synthetic.tsv"
        conda:
            ENVIRONMENT
        params:
            code=code("poselift.synthetic.mpi_inf_3dhp", "poselift.provenance.content"),
            options=sections.options(SECOND.synthetic),
        shell:
            "python -m poselift.synthetic.mpi_inf_3dhp {params.options}"
            " --train {output.train} --test {output.test}"
            " > {log} 2> >(tee -a {log} >&2)"
            " && python -m poselift.provenance.content {output.train} {output.test} --out {output.digest}"

elif SECOND:
    SECOND_RAW = {split: str(getattr(SECOND, split)) for split in SPLITS}
    for split, path in SECOND_RAW.items():
        if not Path(path).exists():
            sys.exit(f"error: {MISSING_3DHP.format(path=path, key=split)}")
    SECOND_DIGEST = []
    SECOND_CONTENT = [content(path, SECOND_RESULTS) for path in SECOND_RAW.values()]


if SECOND:

    rule frames_3dhp:
        input:
            **{split: ancient(path) for split, path in SECOND_RAW.items()},
            digest=SECOND_DIGEST,
        output:
            manifest=f"{SECOND_STORE}/frames/manifest.json",
            arrays=SECOND_FRAMES,
        log:
            f"{SECOND_RESULTS}/logs/frames.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/frames.tsv"
        conda:
            ENVIRONMENT
        params:
            code=code("poselift.datasets.mpi_inf_3dhp.prepare"),
            content=SECOND_CONTENT,
            store=subpath(output.manifest, ancestor=2),
        shell:
            "python -m poselift.datasets.mpi_inf_3dhp.prepare --train {input.train:q} --test {input.test:q}"
            " --out {params.store}"
            " > {log} 2> >(tee -a {log} >&2)"

    rule clips_3dhp:
        input:
            frames=f"{SECOND_STORE}/frames/manifest.json",
            valid=ancient(f"{SECOND_STORE}/frames/test/valid.npy"),
        output:
            manifest=f"{SECOND_STORE}/clips-{SECOND.n_frames}/manifest.json",
            index=[f"{SECOND_STORE}/clips-{SECOND.n_frames}/{split}.npy" for split in SPLITS],
        log:
            f"{SECOND_RESULTS}/logs/clips.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/clips.tsv"
        conda:
            ENVIRONMENT
        params:
            code=code("poselift.datasets.mpi_inf_3dhp.clips"),
            n_frames=SECOND.n_frames,
            store=subpath(input.frames, ancestor=2),
        shell:
            "python -m poselift.datasets.mpi_inf_3dhp.clips --store {params.store} --n-frames {params.n_frames}"
            " > {log} 2> >(tee -a {log} >&2)"

    SECOND_CLIPS = {
        "clips": f"{SECOND_STORE}/clips-{SECOND.n_frames}/manifest.json",
        "index": ancient([f"{SECOND_STORE}/clips-{SECOND.n_frames}/{split}.npy" for split in SPLITS]),
        "frames": f"{SECOND_STORE}/frames/manifest.json",
        "arrays": ancient(SECOND_FRAMES),
    }

    # the training of the first data set, on these clips and with the recipe for them
    use rule train as train_3dhp with:
        input:
            **SECOND_CLIPS,
        output:
            best=f"{SECOND_RESULTS}/runs/{{run}}/best_model.safetensors",
            last=f"{SECOND_RESULTS}/runs/{{run}}/last_model.safetensors",
            metrics=f"{SECOND_RESULTS}/runs/{{run}}/metrics.json",
            settings=f"{SECOND_RESULTS}/runs/{{run}}/config.yaml",
            training_log=f"{SECOND_RESULTS}/runs/{{run}}/training.log",
            record=f"{SECOND_RESULTS}/runs/{{run}}/provenance.json",
        log:
            f"{SECOND_RESULTS}/logs/train/{{run}}.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/train/{{run}}.tsv"
        wildcard_constraints:
            run="|".join(SECOND_RUNS),
        resources:
            **processes_of(SECOND_RUNS),
            execution=sections.options(SETTINGS.execution),
        params:
            options=lambda wildcards: sections.options(SECOND_RUNS[wildcards.run]),

    rule evaluate_3dhp:
        input:
            **SECOND_CLIPS,
            record=f"{SECOND_RESULTS}/runs/{{run}}/provenance.json",
            weights=[
                ancient(f"{SECOND_RESULTS}/runs/{{run}}/{checkpoint}_model.safetensors")
                for checkpoint in ("best", "last")
            ],
        output:
            report=f"{SECOND_RESULTS}/evaluation/{{run}}.json",
        log:
            f"{SECOND_RESULTS}/logs/evaluate/{{run}}.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/evaluate/{{run}}.tsv"
        wildcard_constraints:
            run="|".join(SECOND_RUNS),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            gpu=1,
        params:
            code=code_with_model("poselift.evaluation.evaluate_3dhp"),
            store=subpath(input.frames, ancestor=2),
            folder=subpath(input.record, parent=True),
        shell:
            "python -m poselift.evaluation.evaluate_3dhp --run {params.folder} --store {params.store}"
            " --out {output.report}"
            " > {log} 2> >(tee -a {log} >&2)"

    rule results_3dhp:
        input:
            evaluations=expand(f"{SECOND_RESULTS}/evaluation/{{run}}.json", run=SECOND_RUNS),
        output:
            table=f"{SECOND_RESULTS}/results.csv",
        log:
            f"{SECOND_RESULTS}/logs/results.log",
        benchmark:
            f"{SECOND_RESULTS}/benchmarks/results.tsv"
        localrule: True
        conda:
            ENVIRONMENT
        params:
            code=code("poselift.analysis.results_3dhp"),
        shell:
            "python -m poselift.analysis.results_3dhp --evaluations {input.evaluations} --out {output.table}"
            " > {log} 2> >(tee -a {log} >&2)"
