# Two commands for a newcomer: `make demo` and `make test`. With data: see README.md.
DEMO := snakemake --profile workflow/profiles/demo
# a few lines in the terminal, everything in the log
SHORT := --logger poselift --quiet host
ENVIRONMENT := .venv/.made
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# for users without a home that they may write to
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export XDG_CACHE_HOME ?= $(CURDIR)/.snakemake/cache
endif

.DEFAULT_GOAL := help
.PHONY: help environment triton demo test test-slurm test-cuda test-faults lint format schema constraints rulegraph
.PHONY: picture latex audit deposit clean-demo

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(ENVIRONMENT): pyproject.toml envs/constraints.txt envs/setup.sh
	@echo "Making the Python environment in .venv ..."
	@envs/setup.sh
	@touch $@

environment: $(ENVIRONMENT) ## make the Python environment in .venv

# Triton comes with torch's CUDA builds alone; the tests compile kernels for a GPU beside the CPU build, too
triton: $(ENVIRONMENT)
	@[ "$$(uname)" != Linux ] || python -c "import triton" 2>/dev/null || \
	    .tools/bin/uv pip install --quiet --python .venv/bin/python -c envs/constraints.txt triton || \
	    echo "Triton cannot be installed; the tests of its kernels will be skipped"

latex:
	@envs/latex.sh

demo: $(ENVIRONMENT) ## build the whole paper from synthetic motion, minutes on a laptop
	@envs/latex.sh || { $(DEMO) results/demo/report.html $(SHORT) && \
	    echo 'Not made, as LaTeX is missing: results/demo/paper/main.pdf. All else is in results/demo/report.html.'; exit 1; }
	@$(DEMO) $(SHORT)
	@cat results/demo/summary.txt
	@echo 'Next, after `. .venv/bin/activate`:'
	@echo '  poselift trace full.micro.mpjpe --in results/demo   what this number was made from'
	@echo '  poselift why --profile workflow/profiles/demo       after an edit: what it makes stale, and why'
	@echo '  poselift doctor                                     what this machine lacks for your own data'

test: $(ENVIRONMENT) triton latex ## run the tests
	@OMP_NUM_THREADS=1 pytest -n 2 --dist loadscope

test-slurm: $(ENVIRONMENT) latex ## run the workflow on a SLURM cluster made on this machine (Debian, root)
	@python tests/slurm/cluster.py; case $$? in \
	    0) OMP_NUM_THREADS=1 pytest -m "" -rs tests/slurm ;; \
	    77) ;; \
	    *) exit 1 ;; esac

# on a machine with a GPU, by whichever python has torch: nothing is installed; about 9 minutes
test-cuda: ## test what only a GPU can show, then print its table of clips per second
	@PYTHONPATH=src python3 -m pytest -m "" -rs tests/cuda
	@PYTHONPATH=src python3 tests/benchmarks/throughput.py

test-faults: $(ENVIRONMENT) latex ## build while things are killed, disks fill up, files go missing, clocks jump
	@OMP_NUM_THREADS=1 pytest -m "" -rs tests/faults

lint: $(ENVIRONMENT) ## ruff, mypy, imports, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo --no-cache
	snakefmt --check Snakefile workflow
	$(DEMO) --lint

format: $(ENVIRONMENT) ## put all code into its standard form
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

schema: $(ENVIRONMENT) ## write the schema of config.yaml from the typed configuration
	python -m poselift.config.schema --out workflow/schemas/config.schema.json

constraints: $(ENVIRONMENT) ## pin all dependencies again
	env -u UV_FIND_LINKS .tools/bin/uv pip compile --quiet --universal --no-header --no-annotate \
	    --no-emit-index-url --extra dev pyproject.toml -o envs/constraints.txt

rulegraph: $(ENVIRONMENT) ## draw the workflow's rules (needs graphviz) into results/rulegraph.svg
	@command -v dot >/dev/null || { echo "error: graphviz is missing; run: sudo apt-get install graphviz" >&2; exit 1; }
	@mkdir -p results
	@$(DEMO) --forceall --rulegraph dot 2>/dev/null | dot -Tsvg > results/rulegraph.svg
	@echo results/rulegraph.svg

picture: $(ENVIRONMENT) ## renew the README's picture from results/demo (needs poppler-utils)
	python docs/picture.py

# auditors that others wrote, in an environment of their own
audit: $(ENVIRONMENT) ## let others' auditors look at it (after make demo); writes docs/audit.md
	@[ -d .tools/audit ] || .tools/bin/uv venv --quiet --python .venv/bin/python .tools/audit
	@.tools/bin/uv pip install --quiet --python .tools/audit/bin/python -r envs/audit.txt
	@.tools/audit/bin/python tests/audit.py

TAG :=
deposit: $(ENVIRONMENT) ## put the demonstration's hand-over, its archive for arXiv and the sources into dist/deposit
	@envs/latex.sh
	@$(DEMO) handover $(SHORT)
	@mkdir -p dist && git archive --prefix=poselift/ -o dist/poselift.tar.gz HEAD
	@poselift deposit dist/poselift.tar.gz results/demo/handover/demo-paper.zip \
	    results/demo/handover/demo-paper-arxiv.tar.gz --out dist/deposit $(if $(TAG),--tag $(TAG))
	@echo dist/deposit

clean-demo: ## remove what the demo built
	rm -rf results/demo
