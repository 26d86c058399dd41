"""Digests of modules: what they depend on, and what counts as code."""

from concurrent.futures import ThreadPoolExecutor

from reversible.base import digests


def test_a_module_depends_on_what_it_imports_and_on_no_more():
    assert digests.imported_modules("reversible.theory.one_layer") == ["reversible.theory.one_layer"]
    found = digests.imported_modules("reversible.papers.arora2015.experiments.lemmas")
    assert {
        "reversible.theory.one_layer",
        "reversible.random_nets.model",
        "reversible.base.checks",
    } < set(found)
    assert not {"reversible.records.record", "reversible.papers.arora2015.figures", "reversible.cli"} & set(found)


def test_code_digest_sees_code_and_not_comments(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "LIBRARY", tmp_path)

    def digest_of(text):
        (tmp_path / "data.py").write_text(text)
        return digests.code_digest("reversible.data")

    first = digest_of('def f(x):\n    """Doc."""\n    return x + 1\n')
    assert digest_of('def f(x):\n    """Other words."""\n\n    return x + 1  # more\n') == first
    assert digest_of('def f(x):\n    """Doc."""\n    return x + 2\n') != first
    assert digest_of('def f(x):\n    """Doc."""\n    return "# x" + 1\n') != digest_of(
        'def f(x):\n    return "# y" + 1\n'
    )


def test_threads_may_ask_for_digests_at_once():
    """Python 3.11 stumbles over two threads that parse: the build has one a worker."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(digests.code_digest, ["reversible.papers.arora2015.experiments.net_reversal"] * 40))
    assert len(found) == 1
