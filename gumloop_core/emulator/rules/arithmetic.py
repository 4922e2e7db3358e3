"""Arithmetic in a text: finding expressions and evaluating them without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_OPERATOR = r"(?:\*\*|//|[-+*/%^\u00d7÷·])"
_SIGNS = r"(?:[-(]\s?){0,8}"
_EXPRESSION = re.compile(
    rf"(?<![\w.]){_SIGNS}{_NUMBER}(?:\s*\)|\s*{_OPERATOR}\s*{_SIGNS}{_NUMBER})+(?:\s*\))*(?![\w]|\.\d)"
)
_SPOKEN = (
    (re.compile(rf"({_NUMBER})\s+(?:times|multiplied by|x)\s+({_NUMBER})", re.I), "*"),
    (re.compile(rf"({_NUMBER})\s+(?:plus|added to)\s+({_NUMBER})", re.I), "+"),
    (re.compile(rf"({_NUMBER})\s+minus\s+({_NUMBER})", re.I), "-"),
    (re.compile(rf"({_NUMBER})\s+(?:divided by|over)\s+({_NUMBER})", re.I), "/"),
    (re.compile(rf"({_NUMBER})\s+to the power of\s+({_NUMBER})", re.I), "**"),
)
_PERCENT = re.compile(rf"({_NUMBER})\s*%\s+of\s+({_NUMBER})", re.I)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")

Operation = Callable[[float, float], float]
_OPERATIONS: Mapping[type[ast.operator], tuple[str, Operation]] = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("subtract", operator.sub),
    ast.Mult: ("multiply", operator.mul),
    ast.Div: ("divide", operator.truediv),
    ast.FloorDiv: ("divide", operator.floordiv),
    ast.Mod: ("modulo", operator.mod),
    ast.Pow: ("power", operator.pow),
}
_IT = re.compile(r"it|that|this|the (?:output|result|sum|product|difference|quotient|answer|total)|", re.I)
_OPERAND = rf"({_NUMBER}|it|that|this|the (?:output|result|sum|product|difference|quotient|answer|total))"
_INSTRUCTIONS = (
    (re.compile(rf"\badd {_OPERAND} (?:and|to|plus|with) {_OPERAND}", re.I), "{0} + {1}"),
    (re.compile(rf"\bsum of {_OPERAND} and {_OPERAND}", re.I), "{0} + {1}"),
    (re.compile(rf"\bsubtract {_OPERAND} from {_OPERAND}", re.I), "{1} - {0}"),
    (re.compile(rf"\bmultiply {_OPERAND} (?:by|and|with|times) {_OPERAND}", re.I), "{0} * {1}"),
    (re.compile(rf"\bproduct of {_OPERAND} and {_OPERAND}", re.I), "{0} * {1}"),
    (re.compile(rf"\bdivide {_OPERAND} by {_OPERAND}", re.I), "{0} / {1}"),
    (re.compile(rf"\badd ()({_NUMBER})", re.I), "{0} + {1}"),
    (re.compile(rf"\bsubtract ()({_NUMBER})", re.I), "{0} - {1}"),
    (re.compile(rf"\bmultiply ()by ({_NUMBER})", re.I), "{0} * {1}"),
    (re.compile(rf"\bdivide ()by ({_NUMBER})", re.I), "{0} / {1}"),
)
_CLAUSE = re.compile(r"[.;,!?\n]\s*|\bthen\b|\band then\b")
_PHONE = re.compile(r"(?<!\w)\+?(?:\d{1,3}[ .-])?\(?\d{2,4}\)?[ .-]\d{3,4}(?:[ .-]\d{3,4})?(?!\w)(?<=\d{4})")
_OPERATES = re.compile(r"\d\s*\)?\s*[^\d\s.,()]")
_LONGEST = 400  # characters of an expression
_LARGEST = 1e15  # what a chat answer writes out


@dataclass(frozen=True)
class Step:
    """One operation of an expression, with the values that it is given."""

    operation: str
    left: float
    right: float


class _UnknownStepError(Exception):
    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


def expressions(text: str) -> list[str]:
    """Return the arithmetic expressions of a text as they are written there."""
    plain = _PHONE.sub(" ", _DATE.sub(" ", text))
    found = map(_balance, (match.group().strip() for match in _EXPRESSION.finditer(plain)))
    balanced = [part for part in found if _OPERATES.search(part) and evaluate(part) is not None]
    if balanced:
        return balanced
    for pattern, symbol in _SPOKEN:
        match = pattern.search(text)
        if match:
            return [f"{match[1]} {symbol} {match[2]}"]
    match = _PERCENT.search(text)
    return [f"{match[1]} / 100 * {match[2]}"] if match else []


def evaluate(expression: str) -> int | float | None:
    """Return the value of an expression, None when it has none."""
    tree = _parse(expression)
    try:
        return tidy(_value(tree)) if tree is not None else None
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def next_step(expression: str, results: Mapping[Step, float]) -> Step | None:
    """Return the first operation of an expression whose result is not known yet, None when all are.

    Args:
        expression: The expression.
        results: The results of the operations that have been done.
    """
    tree = _parse(expression)
    try:
        if tree is not None:
            _walk(tree, results)
    except _UnknownStepError as unknown:
        return unknown.step
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return None


def from_instructions(text: str) -> str | None:
    """Return one expression for a chain such as "Add 3 and 4. Multiply the output by 2."."""
    expression: str | None = None
    for sentence in _CLAUSE.split(text):
        for pattern, template in _INSTRUCTIONS:
            match = pattern.search(sentence)
            if match is None:
                continue
            operands = [expression if _IT.fullmatch(part or "it") else part for part in match.groups()]
            if all(operands):
                expression = "(" + template.format(*operands) + ")"
                break
    return expression


def tidy(value: float) -> int | float:
    """Return a whole number as an integer, another one without the dust of binary fractions."""
    if isinstance(value, int):
        return value
    return int(value) if value == int(value) and abs(value) < _LARGEST else round(value, 10)


def _parse(expression: str) -> ast.expr | None:
    if len(expression) > _LONGEST:
        return None  # a sum of thousands of numbers nests deeper than Python likes
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", expression)
    for written, meant in (("\u00d7", "*"), ("·", "*"), ("÷", "/"), ("^", "**")):
        plain = plain.replace(written, meant)
    try:
        return ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left), _value(node.right)
        return _apply(node.op, left, right)
    raise ValueError("not arithmetic")


def _apply(kind: ast.operator, left: float, right: float) -> float:
    if isinstance(kind, ast.Pow) and (abs(right) > 64 or abs(left) > 1e6):
        raise ValueError("too large")  # a power of ten digits would keep the server busy
    result = _OPERATIONS[type(kind)][1](left, right)
    if isinstance(result, complex):
        raise ValueError("not real")
    return result


def _walk(node: ast.expr, results: Mapping[Step, float]) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _walk(node.left, results), _walk(node.right, results)
        _apply(node.op, left, right)
        step = Step(_OPERATIONS[type(node.op)][0], tidy(left), tidy(right))
        if step not in results:
            raise _UnknownStepError(step)
        return results[step]
    return _value(node)


def _balance(text: str) -> str:
    """Cut parentheses that belong to the sentence and not to the expression."""
    while text.count(")") > text.count("(") and text.endswith(")"):
        text = text[:-1].rstrip()
    while text.count("(") > text.count(")") and text.startswith("("):
        text = text[1:].lstrip()
    return text
