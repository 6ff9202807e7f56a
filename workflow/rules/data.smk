# Motion: the files of each data set (or synthetic motion in their schema), the frame store, the index of clips.
# Large files are inputs by `ancient`: what counts is the manifest beside them, which holds their hashes.
import atexit
import sys

from poselift.data.jobs import DataJobs

FRAMES = [
    f"{split}/{array}"
    for split in SPLITS
    for array in ("inputs.npy", "labels.npy", "sequence.npy", "sequences.json")
] + [f"test/{array}.npy" for array in ("factor", "target_mm", "valid")]
DATA = DataJobs(SETTINGS)
# what files from outside hold is a parameter, and where they lie a resource, which makes nothing stale: they may be
# moved, and whoever does not have them can make what comes after the frames
with reported():
    for folder, source in DATA.sources.items():
        CONTENT[folder] = outside.contents(source.files(), Path("results", folder))
        DATA.require_expected(folder, CONTENT[folder])
DOUBTED = [
    *SETTINGS.doubts(),
    *(doubt for folder in CONTENT for doubt in DATA.doubts(folder, CONTENT[folder])),
]
DOUBTS = [f"warning: {doubt}" for doubt in DOUBTED]
if DOUBTS and workflow.is_main_process:
    # after the plan of a dry run; a build says it when it starts
    atexit.register(print, *DOUBTS, sep="\n", file=sys.stderr)


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
            resources:
                dataset=DATA.named(folder),
            params:
                code=code(
                    "poselift.synthetic.__main__",
                    *DATA.code_entries(folder, "synthesise"),
                    "poselift.provenance.hashing",
                ),
                options=DATA.synthetic_options(folder),
            shell:
                "python -m poselift.synthetic {resources.dataset} {params.options} --out {output.files}"
                " > {log} 2> >(tee -a {log} >&2)"
                " && python -m poselift.provenance.hashing {output.files} --out {output.digest}"


rule raw:
    # a step of its own: a faulty file stops here, before Snakemake deletes the previous frames
    input:
        raw=ancient(DATA.synthetic),
        digest=DATA.digest,
    output:
        found="results/{dataset}/data/raw.json",
    log:
        "results/{dataset}/logs/raw.log",
    benchmark:
        "results/{dataset}/benchmarks/raw.tsv"
    conda:
        ENVIRONMENT
    resources:
        files=DATA.file_options,
    params:
        code=data_code("poselift.data.check"),
        content=raw_content,
    shell:
        "python -m poselift.data.check {resources.files} --out {output.found}"
        " > {log} 2> >(tee -a {log} >&2)"


# checkpoints: once they are done, Snakemake looks again at what comes after them, which stays as it is if they wrote
# what was there before
checkpoint frames:
    input:
        raw=ancient(DATA.synthetic),
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
    resources:
        files=DATA.file_options,
    params:
        code=data_code("poselift.data.prepare"),
        content=raw_content,
        store=subpath(output.manifest, ancestor=2),
    shell:
        "python -m poselift.data.prepare {resources.files} --out {params.store}"
        " > {log} 2> >(tee -a {log} >&2)"


checkpoint clips:
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
    resources:
        # read with the workflow, too: another expectation makes no clips again
        expected=DATA.expected,
    params:
        code=code("poselift.data.clips"),
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.data.clips --store {params.store} --n-frames {wildcards.n_frames} {resources.expected}"
        " > {log} 2> >(tee -a {log} >&2)"
