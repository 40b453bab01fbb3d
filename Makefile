# Three commands do everything: `make demo`, `make report` and `make test`. Each installs once into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo report test lab docs notebooks clean

.venv/installed: settings.ini setup.py pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev,docs]'
	touch $@

demo: .venv/installed  ## the search page with a catalogue of drawn garments, in your browser
	$(BIN)/fashion-retail demo --open

report: .venv/installed  ## regenerate the top-10 accuracy report: runs/default/report.html
	$(BIN)/fashion-retail report

test: .venv/installed  ## notebooks as tests, plain tests, and nothing generated is stale
	$(BIN)/python tests/check_generated.py
	cd nbs && ../$(BIN)/nbdev-test --n-workers 2 --do-print
	$(BIN)/python -m pytest

lab: .venv/installed  ## open the walkthrough in JupyterLab; on a server: make lab LABFLAGS="--allow-root --no-browser"
	JUPYTER_CONFIG_PATH=.jupyter:$$JUPYTER_CONFIG_PATH $(BIN)/jupyter lab --ServerApp.root_dir=. nbs/index.ipynb $(LABFLAGS)

docs: .venv/installed  ## the documentation site, from the executed notebooks: runs/docs/site/index.html
	$(BIN)/python -c 'import material' 2>/dev/null || $(BIN)/pip install --quiet --editable '.[docs]'
	$(BIN)/python docs/build.py

notebooks: .venv/installed  ## after editing notebooks: export the library, rewrite README.md, clean
	$(BIN)/python tests/check_generated.py --parse
	$(BIN)/nbdev-export
	$(BIN)/nbdev-clean
	$(BIN)/python tests/check_generated.py --write

clean:
	rm -rf runs
