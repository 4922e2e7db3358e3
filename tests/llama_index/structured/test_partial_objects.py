"""Objects that grow while they stream."""

from __future__ import annotations

from llama_index.core.program.utils import FlexibleModel

from llama_index_gumloop.structured.partial_objects import PartialObjects
from tests.llama_index.structured.test_prediction import Car, Node, Wheel


def test_partial_objects_have_the_classes_attributes():
    text = '{"name": "T", "wheels": [{"size": 3, "note": "fl"}, {"size": 4'
    car = PartialObjects(Car).feed(text)
    assert isinstance(car, FlexibleModel)
    assert (car.name, car.colour, car.spare) == ("T", None, None)
    assert (car.wheels[0].size, car.wheels[0].note) == (3, "fl")
    assert (car.wheels[1].size, car.wheels[1].note) == (None, None)
    assert car.model_dump(exclude_unset=True) == {"name": "T", "wheels": [{"size": 3, "note": "fl"}, {}]}


def test_partial_objects_are_nested_in_every_kind_of_field():
    text = '{"name": "T", "spare": {"size": 1}, "parts": {"left": {"size": 2}, "right": {"si'
    car = PartialObjects(Car).feed(text)
    assert car.spare.size == 1
    assert car.parts["left"].size == 2
    assert car.parts["right"].size is None


def test_a_class_within_itself_grows():
    tree = PartialObjects(Node).feed('{"label": "a", "children": [{"label": "b", "children": [{"label": "c')
    assert tree.children[0].children[0].label == "c"


def test_fields_that_the_class_does_not_know_are_kept():
    assert PartialObjects(Wheel).feed('{"size": 3, "maker": "x"}').maker == "x"


def test_partial_objects_do_not_change_later():
    objects = PartialObjects(Car)
    before = objects.feed('{"name": "T", "wheels": [{"size": 3}')
    objects.feed(', {"size": 4}], "colour": "blue"}')
    assert len(before.wheels) == 1
    assert before.colour is None


def test_finished_parts_are_made_once():
    """What is finished is shared between snapshots, so that a long list costs no more per piece than a short one."""
    objects = PartialObjects(Car)
    first = objects.feed('{"name": "T", "wheels": [{"size": 3}, {"size": 4}')
    second = objects.feed(', {"size": 5}')
    assert second.wheels[0] is first.wheels[0]
    assert second.wheels[1] is first.wheels[1]
