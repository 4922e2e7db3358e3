"""Arguments: what is taken from the request's text for which kind of parameter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.support import INTEGER, NUMBER, STRING, ask, calls_of, tool

BOOLEAN = {"type": "boolean"}
TEXTS = {"type": "array", "items": STRING}


def enum(*options: object) -> dict[str, Any]:
    return {"enum": list(options)}


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "from and to": (
        "Book a flight from New York to Los Angeles on 2026-05-03 for 2 people with a budget of $1,200.50",
        tool(
            "book_flight",
            "Book a flight.",
            origin=STRING,
            destination=STRING,
            date={"type": "string", "format": "date"},
            passengers=INTEGER,
            budget=NUMBER,
            seat={"type": "string", **enum("window", "aisle")},
            optional=["budget", "seat"],
        ),
        {"origin": "New York", "destination": "Los Angeles", "date": "2026-05-03", "passengers": 2, "budget": 1200.5},
    ),
    "spoken date": (
        "Book a table on March 5, 2026 at 19:30 for four people",
        tool("book_table", "Book a table.", date=STRING, time=STRING, people=INTEGER),
        {"date": "2026-03-05", "time": "19:30", "people": 4},
    ),
    "relative date": (
        "Remind me to call Alice tomorrow at 5pm",
        tool("create_reminder", "Create a reminder.", title=STRING, when=STRING, time=STRING, optional=["time"]),
        {"title": "Alice", "when": "tomorrow", "time": "5pm"},
    ),
    "letter": (
        "Send an email to bob@example.com with subject 'Hi' saying that the meeting moved",
        tool("send_email", "Send an email.", to=STRING, subject=STRING, body=STRING),
        {"to": "bob@example.com", "subject": "Hi", "body": "the meeting moved"},
    ),
    "expression": (
        "Calculate 12 * (3 + 4)",
        tool("calculator", "Evaluate a mathematical expression.", expression=STRING),
        {"expression": "12 * (3 + 4)"},
    ),
    "symbol": (
        "What is the stock price of AAPL?",
        tool("get_stock_price", "Get a stock price.", symbol=STRING),
        {"symbol": "AAPL"},
    ),
    "identifier": (
        "Where is my order ORD-1234?",
        tool("track_order", "Track an order.", order_id=STRING),
        {"order_id": "ORD-1234"},
    ),
    "numeric identifier": (
        "Cancel order 981",
        tool("cancel_order", "Cancel an order.", order_id=INTEGER),
        {"order_id": 981},
    ),
    "currencies": (
        "Convert 100 USD to EUR",
        tool("convert_currency", "Convert money.", amount=NUMBER, from_currency=STRING, to_currency=STRING),
        {"amount": 100, "from_currency": "USD", "to_currency": "EUR"},
    ),
    "enumeration": (
        "Set the fan speed to high",
        tool("set_fan", "Set the speed of a fan.", speed={"type": "string", **enum("low", "medium", "high")}),
        {"speed": "high"},
    ),
    "switch on": (
        "Turn on the lights in the kitchen",
        tool("set_light", "Switch a light.", room=STRING, on=BOOLEAN),
        {"room": "kitchen", "on": True},
    ),
    "not wanted": (
        "List the files without hidden ones",
        tool("list_files", "List files.", hidden=BOOLEAN),
        {"hidden": False},
    ),
    "list of words": (
        "Add milk, eggs and bread to my shopping list",
        tool("add_items", "Add items to the shopping list.", items=TEXTS),
        {"items": ["milk", "eggs", "bread"]},
    ),
    "list of numbers": (
        "What is the average of 3, 5 and 10.5?",
        tool("average", "The average of numbers.", values={"type": "array", "items": NUMBER}),
        {"values": [3, 5, 10.5]},
    ),
    "list of names": (
        "Compare the weather of Paris and Rome",
        tool("compare_weather", "Compare the weather of cities.", cities={"type": "array", "items": STRING}),
        {"cities": ["Paris", "Rome"]},
    ),
    "nested": (
        "Create a contact for Ada Lovelace, ada@example.com, in London",
        tool(
            "create_contact",
            "Create a contact.",
            person={
                "type": "object",
                "properties": {"name": STRING, "email": STRING, "city": STRING},
                "required": ["name", "email", "city"],
            },
        ),
        {"person": {"name": "Ada Lovelace", "email": "ada@example.com", "city": "London"}},
    ),
    "default": (
        "Search for cats",
        tool("web_search", "Search the web.", query=STRING, limit={**INTEGER, "default": 5}, optional=["limit"]),
        {"query": "cats"},
    ),
    "required default": (
        "Search for cats",
        tool("web_search", "Search the web.", query=STRING, limit={**INTEGER, "default": 5}),
        {"query": "cats", "limit": 5},
    ),
    "count": (
        "Search for the top 3 films",
        tool("web_search", "Search the web.", query=STRING, limit=INTEGER, optional=["limit"]),
        {"query": "the top 3 films", "limit": 3},
    ),
    "written out": (
        "Please run roll_dice(sides=20, times=2)",
        tool("roll_dice", "Roll dice.", sides=INTEGER, times=INTEGER),
        {"sides": 20, "times": 2},
    ),
    "file and url": (
        "Download https://example.com/a.csv and save it as data/out.csv",
        tool("download_file", "Download a file.", url=STRING, path=STRING),
        {"url": "https://example.com/a.csv", "path": "data/out.csv"},
    ),
    "language": (
        "Translate 'good morning' to French",
        tool("translate", "Translate a text.", text=STRING, target_language=STRING),
        {"text": "good morning", "target_language": "French"},
    ),
    "nullable": (
        "Get the weather in Oslo",
        tool("get_weather", "Get the weather.", city=STRING, unit={"anyOf": [STRING, {"type": "null"}]}),
        {"city": "Oslo", "unit": None},
    ),
    "beside its word": (
        "Order 3 pizzas for table 12",
        tool("order_pizza", "Order pizzas.", table=INTEGER, pizzas=INTEGER),
        {"table": 12, "pizzas": 3},
    ),
    "before its word": (
        "Reserve a hotel: 2 guests, 3 nights",
        tool("reserve_hotel", "Reserve a hotel.", nights=INTEGER, guests=INTEGER, optional=["nights", "guests"]),
        {"nights": 3, "guests": 2},
    ),
    "reference": (
        "Paint the wall blue",
        {
            "type": "function",
            "function": {
                "name": "paint_wall",
                "description": "Paint a wall.",
                "parameters": {
                    "$defs": {"Colour": {"type": "string", "enum": ["red", "blue"]}},
                    "type": "object",
                    "properties": {"colour": {"$ref": "#/$defs/Colour"}},
                    "required": ["colour"],
                },
            },
        },
        {"colour": "blue"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arguments(name: str) -> None:
    question, wanted, expected = CASES[name]
    ((called, arguments),) = calls_of(ask(question, tools=[wanted]))
    assert called == wanted["function"]["name"]
    assert arguments == expected


def test_a_tool_without_parameters() -> None:
    bare = {"type": "function", "function": {"name": "get_uptime", "description": "The uptime of the server."}}
    assert calls_of(ask("What is the uptime?", tools=[bare])) == [("get_uptime", {})]
