# make book    the HTML book, from nothing: environment, chapters, pages
# make test    the same environment, then every test
# make verify  every record that a CPU made, run once more in the book profile, beside what is recorded
# make portability  the live parts of all chapters under the kernels of other CPUs, with one thread and with two
# make publish the built book to the branch gh-pages of origin
# make check   ruff and pyright, which no test runs
# make lock    requirements.lock again, after a change of pyproject.toml

PYTHON ?= python3
PROFILE ?= book
BIN := .venv/bin
# Whatever the shell says: a build and the tests are hundreds of processes, and each would compile all it imports anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: book test verify portability publish check lock clean

book: .venv/made
	@$(BIN)/python -m reversible.book.build --profile $(PROFILE)

# One thread: matrices here are small, and BLAS threads that wait for a busy core cost more than they bring.
test: .venv/made
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

verify: .venv/made
	OMP_NUM_THREADS=1 $(BIN)/reversible verify --profile $(PROFILE) --workers 2

portability: .venv/made
	REVERSIBLE_PORTABILITY=$(PROFILE) $(BIN)/python -m pytest -n 2 tests/book/test_portability.py -rA

publish: book
	.ci/publish

check: .venv/made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

.venv/made: requirements.lock pyproject.toml
	@echo "making .venv from requirements.lock (about 5 GB with torch; minutes on the first run)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, not " + sys.version.split()[0])'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock: .venv/made
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --all-extras -o requirements.lock pyproject.toml

clean:
	rm -rf book/_build
