# Motion: the files of each data set (or synthetic motion in their schema), the frame store, the index of clips.
# Large files are inputs by `ancient`: what counts is the manifest beside them, which holds their hashes.
from poselift.data.jobs import DataJobs

FRAMES = [
    f"{split}/{array}"
    for split in SPLITS
    for array in ("inputs.npy", "labels.npy", "sequence.npy", "sequences.json")
] + [f"test/{array}.npy" for array in ("factor", "target_mm", "valid")]
DATA = DataJobs(SETTINGS)
CONTENT = {}  # of files from outside; those made by a rule have a digest that says when they changed
with reported():
    DATA.require()
for folder, source in DATA.sources.items():
    CONTENT[folder] = [content(str(path), f"results/{folder}") for path in source.files().values()]


for folder, source in DATA.sources.items():
    if source.synthetic:

        rule:
            name:
                "_".join(["synthetic", *folder.split("/")[1:]])
            output:
                files=list(map(str, DATA.files(folder).values())),
                digest=f"results/{folder}/data/raw.sha256",
            log:
                f"results/{folder}/logs/synthetic.log",
            benchmark:
                f"results/{folder}/benchmarks/synthetic.tsv"
            conda:
                ENVIRONMENT
            params:
                code=code(
                    "poselift.synthetic.__main__",
                    *DATA.code_entries(folder, "synthesise"),
                    "poselift.provenance.hashing",
                ),
                options=DATA.synthetic_options(folder),
            shell:
                "python -m poselift.synthetic {params.options} --out {output.files}"
                " > {log} 2> >(tee -a {log} >&2)"
                " && python -m poselift.provenance.hashing {output.files} --out {output.digest}"


rule raw:
    # a step of its own: a faulty file stops here, before Snakemake deletes the previous outputs
    input:
        raw=ancient(DATA.raw),
        digest=DATA.digest,
    output:
        found="results/{dataset}/data/raw.json",
    log:
        "results/{dataset}/logs/raw.log",
    benchmark:
        "results/{dataset}/benchmarks/raw.tsv"
    conda:
        ENVIRONMENT
    params:
        code=data_code("poselift.data.check"),
        content=raw_content,
        files=DATA.file_options,
        options=DATA.check_options,
    shell:
        "python -m poselift.data.check {params.files} --out {output.found} {params.options}"
        " > {log} 2> >(tee -a {log} >&2)"


rule frames:
    input:
        raw=ancient(DATA.raw),
        digest=DATA.digest,
        found="results/{dataset}/data/raw.json",
    output:
        manifest="results/{dataset}/data/frames/manifest.json",
        arrays=[f"results/{{dataset}}/data/frames/{array}" for array in FRAMES],
    log:
        "results/{dataset}/logs/frames.log",
    benchmark:
        "results/{dataset}/benchmarks/frames.tsv"
    conda:
        ENVIRONMENT
    params:
        code=data_code("poselift.data.prepare"),
        files=DATA.file_options,
        store=subpath(output.manifest, ancestor=2),
    shell:
        "python -m poselift.data.prepare {params.files} --out {params.store}"
        " > {log} 2> >(tee -a {log} >&2)"


rule clips:
    input:
        frames="results/{dataset}/data/frames/manifest.json",
        valid=ancient("results/{dataset}/data/frames/test/valid.npy"),
    output:
        manifest="results/{dataset}/data/clips-{n_frames}/manifest.json",
        index=[f"results/{{dataset}}/data/clips-{{n_frames}}/{split}.npy" for split in SPLITS],
    log:
        "results/{dataset}/logs/clips-{n_frames}.log",
    benchmark:
        "results/{dataset}/benchmarks/clips-{n_frames}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.data.clips"),
        options=DATA.clip_options,
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.data.clips --store {params.store} --n-frames {wildcards.n_frames} {params.options}"
        " > {log} 2> >(tee -a {log} >&2)"
