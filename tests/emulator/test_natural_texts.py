"""Texts and forms as authors of notebooks write them: invoices, tickets, people, orders, letters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.support import INTEGER, NUMBER, STRING, ask, calls_of, tool

BOOLEAN = {"type": "boolean"}
TEXTS = {"type": "array", "items": STRING}
ITEMS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"description": STRING, "quantity": INTEGER, "unit_price": NUMBER},
        "required": ["description", "quantity", "unit_price"],
    },
}
SENTIMENT = {"type": "string", "enum": ["positive", "negative"]}
PRIORITY = {"type": "string", "enum": ["low", "medium", "high"]}

# What is read, the properties to be filled, and what they are filled with.
FORMS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a label that ends in the property's name": (
        "Invoice number: R-2041\nDate: 3 March 2026\nCustomer: Northwind Ltd\nTotal: $1,250.50",
        {"number": STRING, "date": STRING, "customer": STRING, "total": NUMBER},
        {"number": "R-2041", "date": "3 March 2026", "customer": "Northwind Ltd", "total": 1250.5},
    ),
    "such a label within a sentence": (
        "Extract the invoice: Invoice number: R-2041, total due 129.50 EUR, due on 2026-04-01.",
        {"number": STRING, "total": NUMBER, "currency": STRING, "due_date": STRING},
        {"number": "R-2041", "total": 129.5, "currency": "EUR", "due_date": "2026-04-01"},
    ),
    "labels in sentences of their own": (
        "Order number: 8841. Company name: Initech. Contact email: bill@initech.com.",
        {"number": STRING, "name": STRING, "email": STRING},
        {"number": "8841", "name": "Initech", "email": "bill@initech.com"},
    ),
    "a number without a label": (
        "Invoice R-2041 from Acme Corp for $99.",
        {"number": STRING, "vendor": STRING, "amount": NUMBER},
        {"number": "R-2041", "vendor": "Acme Corp", "amount": 99},
    ),
    "a number to ring": (
        "Call Ada Lovelace at +44 20 7946 0958 about order 7.",
        {"phone_number": STRING, "name": STRING},
        {"phone_number": "+44 20 7946 0958", "name": "Ada Lovelace"},
    ),
    "an occupation": (
        "Extract the person: John Smith is a 42 year old engineer living in Berlin.",
        {"name": STRING, "age": INTEGER, "occupation": STRING, "city": STRING},
        {"name": "John Smith", "age": 42, "occupation": "engineer", "city": "Berlin"},
    ),
    "an occupation of two words": (
        "Mary works as a software developer at Globex.",
        {"job": STRING, "employer": STRING},
        {"job": "software developer", "employer": "Globex"},
    ),
    "a company and its city": (
        "Senior Python Developer at Globex, Berlin. Salary: 85,000 EUR. Skills: Python, SQL, Docker. Remote: yes.",
        {"title": STRING, "company": STRING, "city": STRING, "salary": NUMBER, "skills": TEXTS, "remote": BOOLEAN},
        {
            "title": "Senior Python Developer",
            "company": "Globex",
            "city": "Berlin",
            "salary": 85000,
            "skills": ["Python", "SQL", "Docker"],
            "remote": True,
        },
    ),
    "a name that begins the sentence": (
        "Inception is a 2010 science fiction film directed by Christopher Nolan.",
        {"title": STRING, "year": INTEGER, "director": STRING},
        {"title": "Inception", "year": 2010, "director": "Christopher Nolan"},
    ),
    "verbs are no names": (
        "Meet Sarah for lunch at Cafe Roma on Friday at 12:30.",
        {"person": STRING, "place": STRING, "day": STRING, "time": STRING},
        {"person": "Sarah", "place": "Cafe Roma", "day": "Friday", "time": "12:30"},
    ),
    "what cannot wait": (
        "Ticket: The app crashes when I upload a PDF. This is urgent, my deadline is tomorrow!",
        {"priority": PRIORITY, "summary": STRING},
        {"priority": "high", "summary": "Ticket: The app crashes when I upload a PDF."},
    ),
    "urgency is no mood": (
        "This is urgent, and I love it.",
        {"sentiment": SENTIMENT},
        {"sentiment": "positive"},
    ),
    "several things in one sentence": (
        "Order: 3 notebooks at $2.50 each, 2 pens at $1.20 each.",
        {"items": ITEMS},
        {
            "items": [
                {"description": "3 notebooks at $2.50 each", "quantity": 3, "unit_price": 2.5},
                {"description": "2 pens at $1.20 each.", "quantity": 2, "unit_price": 1.2},
            ]
        },
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    text, properties, expected = FORMS[name]
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    reply = ask(text, response_format={"type": "json_schema", "json_schema": {"name": "form", "schema": schema}})
    assert json.loads(reply.text or "") == expected


CALLS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a subject without quotes": (
        "Send an email to ana@example.com with the subject Hello and body 'See you soon'.",
        tool("send_email", "Send an email.", to=STRING, subject=STRING, body=STRING),
        {"to": "ana@example.com", "subject": "Hello", "body": "See you soon"},
    ),
    "a symbol beside its company": (
        "What is Apple's stock price? Ticker AAPL.",
        tool("get_stock_price", "Get a stock price.", ticker=STRING),
        {"ticker": "AAPL"},
    ),
    "a company alone": (
        "What is the stock price of Apple?",
        tool("get_stock_price", "Get a stock price.", ticker=STRING),
        {"ticker": "Apple"},
    ),
    "an id with a dash behind a hash": (
        "Refund order #A-1009.",
        tool("refund_order", "Refund an order.", order_id=STRING),
        {"order_id": "A-1009"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    text, definition, expected = CALLS[name]
    assert calls_of(ask(text, tools=[definition])) == [(definition["function"]["name"], expected)]


def test_keys_are_named_before_what_they_are_for() -> None:
    reply = ask("Return JSON with name and email for: Tim, tim@example.com", response_format={"type": "json_object"})
    assert json.loads(reply.text or "") == {"name": "Tim", "email": "tim@example.com"}
