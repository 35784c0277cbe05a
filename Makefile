# The commands of the README. `make` alone lists them.

.PHONY: help demo test films bench installed

help:
	@echo 'make demo    install what is missing, simulate five metronomes, render their film'
	@echo 'make test    install what is missing, run every test'
	@echo 'make films   install what is missing, render every film into renders/'
	@echo 'make bench   install what is missing, time films and simulations; ARGS=--help tells more'

demo: installed
	@.venv/bin/scenes render metronomes

test: installed
	@.venv/bin/python -m pytest -n auto

films: installed
	@.venv/bin/scenes render --all

bench: installed
	@PYTHONPATH=tests .venv/bin/python -m benchmarks $(ARGS)

installed:
	@sh .ci/install
