"""Whether the answers were held to the standard at all."""

import pytest

from standard import USUAL_PLACE


def test_answers_are_held_to_the_standard(standard):
    if standard is None:
        pytest.skip(f"not checked against the standard's schema: NARTHEX_OPENAPI names no file, and {USUAL_PLACE} is not there")
    assert standard.check("ResponseResource", {}), "nothing is checked at all"
    assert standard.check_event({"type": "response.unheard_of"})
