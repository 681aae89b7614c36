"""Whether the answers were held to the standard at all."""

import pytest

from standard import NOT_CHECKED


def test_answers_are_held_to_the_standard(standard):
    if standard is None:
        pytest.skip(NOT_CHECKED)
    assert standard.check("ResponseResource", {}), "nothing is checked at all"
    assert standard.check_event({"type": "response.unheard_of"})
