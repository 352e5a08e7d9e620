# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages through the table, hostile ones among them."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.xmpp.decode import MAX_CHILDREN, Decoders
from salut.xmpp.errors import StanzaError

TAGS = st.sampled_from(
    [
        "body",
        "subject",
        "error",
        "{jabber:client}body",
        "{jabber:client}error",
        "{u:x}x",
        "{u:broken}b",
        "{}",
        "{",
    ]
)


def message(inner: str, **attributes: str) -> Element:
    extra = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return fromstring(f"<message xmlns='jabber:client' from='a@b/c' id='7'{extra}>{inner}</message>")


@pytest.fixture
def decoders() -> Decoders:
    made = Decoders()
    made.add("{u:x}x", "x", lambda element: element.get("n"))
    made.add("{u:m}m", "m", lambda element: element.get("n"), many=True)
    made.add("{u:broken}b", "b", lambda element: 1 // 0)
    return made


def test_parts_by_namespace_and_name(decoders: Decoders) -> None:
    inbound = decoders.decode(
        message(
            "<body>hi</body><x xmlns='u:x' n='1'/><x xmlns='u:y' n='2'/><m xmlns='u:m' n='3'/><m xmlns='u:m' n='4'/>"
        )
    )
    assert (inbound.from_, inbound.id, inbound.type) == ("a@b/c", "7", "normal")
    assert inbound.parts == {"body": "hi", "x": "1", "m": ["3", "4"]}
    assert inbound.faults == []


def test_the_first_of_several_counts(decoders: Decoders) -> None:
    assert decoders.decode(message("<body>one</body><body>two</body>")).parts == {"body": "one"}


def test_an_empty_subject_is_there_and_an_absent_one_is_not(decoders: Decoders) -> None:
    assert decoders.decode(message("<subject/>")).parts == {"subject": ""}


def test_a_body_in_another_namespace_is_no_body(decoders: Decoders) -> None:
    assert decoders.decode(message("<body xmlns='http://www.w3.org/1999/xhtml'>x</body>")).parts == {}


def test_a_decoder_that_raises_costs_its_part_only(decoders: Decoders) -> None:
    inbound = decoders.decode(message("<body>hi</body><b xmlns='u:broken'/>"))
    assert inbound.parts == {"body": "hi"}
    (fault,) = inbound.faults
    assert "u:broken" in fault
    assert "ZeroDivisionError" in fault


def test_children_are_bounded(decoders: Decoders) -> None:
    many = decoders.decode(message("<y xmlns='u:y'/>" * (MAX_CHILDREN + 1) + "<body>late</body>"))
    assert many.parts == {}
    assert many.faults == [f"more than {MAX_CHILDREN} children"]


def test_an_error_is_read_as_the_exception_it_would_be(decoders: Decoders) -> None:
    inbound = decoders.decode(
        message(
            "<error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>gone</text></error>",
            type="error",
        )
    )
    problem = inbound.parts["error"]
    assert isinstance(problem, StanzaError)
    assert (problem.condition, problem.text, problem.type) == ("remote-server-timeout", "gone", "wait")


def test_two_decoders_for_one_element_are_a_mistake(decoders: Decoders) -> None:
    with pytest.raises(ValueError, match="two decoders"):
        decoders.add("{u:x}x", "other", lambda _: None)


def _element(tag: str, text: str, children: list[Element]) -> Element:
    made = Element(tag)
    made.text = text
    made.extend(children)
    return made


elements = st.recursive(
    st.builds(lambda tag, text: _element(tag, text, []), TAGS, st.text(max_size=5)),
    lambda inner: st.builds(_element, TAGS, st.text(max_size=5), st.lists(inner, max_size=4)),
    max_leaves=20,
)


@given(elements)
def test_no_element_makes_it_raise(element: Element) -> None:
    decoders = Decoders()
    decoders.add("{u:broken}b", "b", lambda element: 1 // 0)
    inbound = decoders.decode(element)
    assert set(inbound.parts) <= {"body", "subject", "thread", "error"}
