"""What is data stays data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from voidtrail.web.console.rendering import data, environment


@given(st.text())
def test_json_beside_a_chart_never_ends_its_element(text):
    found = data({"label": text})
    assert json.loads(found) == {"label": text}
    assert not set(found) & set("<>&\u2028\u2029")


def test_templates_escape_and_know_what_they_were_given():
    page = environment().from_string("{{ name }}")
    assert page.render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        page.render()


def test_every_template_can_be_read():
    for name in environment().list_templates():
        environment().get_template(name)
