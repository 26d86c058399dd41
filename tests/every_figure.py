"""What every figure of a paper is asked. A module that imports these has FIGURES (conftest.py)."""

from figure_checks import check_alts, check_caption, check_labels, check_nothing_collides


def test_caption_says_in_a_few_sentences_what_to_see(name, shown):
    check_caption(shown(name))


def test_words_for_who_cannot_see_it_describe_each_panel(name, shown):
    check_alts(shown(name))


def test_labels_are_read_on_a_desktop_and_on_a_phone(name, shown):
    check_labels(shown(name))


def test_no_words_are_cut_off_or_lie_on_each_other(name, shown):
    check_nothing_collides(shown(name))
