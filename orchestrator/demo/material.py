"""What the demo is made of: a small shop with tests, and five tasks with the scripts of their models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRICES = '''\
"""Prices in cents."""


def total(prices: list[int]) -> int:
    """What all of it costs together."""
    return sum(prices)


def discounted(price: int, percent: int) -> int:
    """The price less some percent, in favour of the customer."""
    return price - (price * percent + 99) // 100


def shown(cents: int) -> str:
    """A price for people."""
    return f"{cents / 100:.2f} EUR"
'''

TESTS = """\
import unittest

from shop.prices import discounted, shown, total


class Prices(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([100, 250]), 350)

    def test_discounted(self):
        self.assertEqual(discounted(1000, 15), 850)

    def test_shown(self):
        self.assertEqual(shown(1999), "19.99 EUR")


if __name__ == "__main__":
    unittest.main()
"""

CHECK = "python3 -m unittest -q"

FILES = {
    "README.md": "# Shop\n\nA small shop. Run its tests: `python3 -m unittest -q`.\n",
    ".gitignore": "__pycache__/\n",
    ".orchestrator.toml": f'[merge]\nchecks = ["{CHECK}"]\n',
    "shop/__init__.py": "",
    "shop/prices.py": PRICES,
    "tests/__init__.py": "",
    "tests/test_prices.py": TESTS,
}

TOTAL = """\
def total(prices: list[int]) -> int:
    \"\"\"What all of it costs together.\"\"\"
    return sum(prices)
"""
_SHIPPING_TEST = """\
    def test_nothing_costs_nothing(self):
        self.assertEqual(total([]), 0)

    def test_total(self):"""


@dataclass(frozen=True)
class Task:
    """One agent of the demo. ``steps`` is its model's script."""

    name: str
    prompt: str
    steps: tuple[dict[str, Any], ...]
    permission_mode: str | None = None


def _call(tool: str, **given: Any) -> dict[str, Any]:
    return {"name": tool, "input": given}


def _commit(message: str) -> dict[str, Any]:
    return _call("run", command=f"git add -A && git commit -qm '{message}'", why="Keep the change")


@dataclass(frozen=True)
class Names:
    tests: str = "empty-cart-test"
    rounding: str = "rounding-rule"
    readme: str = "readme"
    vat: str = "vat"
    voucher: str = "voucher"
    all: tuple[str, ...] = field(default=("empty-cart-test", "rounding-rule", "readme", "vat", "voucher"))


NAMES = Names()

TASKS = (
    Task(
        NAMES.tests,
        "Add a test for an empty cart and run the tests",
        (
            {
                "text": "I read the tests first, then add the one that is missing.",
                "calls": [
                    _call("read", path="tests/test_prices.py"),
                    _call("edit", path="tests/test_prices.py", old="    def test_total(self):", new=_SHIPPING_TEST),
                ],
            },
            {
                "text": "Now I want to see all of them pass.",
                "calls": [_call("run", command=CHECK, why="Run the tests with the new one")],
            },
            {"text": "The new test passes with all others."},
        ),
    ),
    Task(
        NAMES.rounding,
        "Write down how discounts are rounded",
        (
            {"text": "I look at how it is done today.", "calls": [_call("search", pattern="percent", glob="*.py")]},
            {
                "text": "The code rounds in favour of the customer. That is for you to decide.",
                "calls": [
                    _call(
                        "ask",
                        question="How shall half cents of a discount be rounded?",
                        options=[
                            {"label": "For the customer", "detail": "as today"},
                            {"label": "Half up", "detail": "as in school"},
                            {"label": "Half to even", "detail": "as banks do"},
                        ],
                    )
                ],
            },
            {
                "text": "I write the decision down.",
                "calls": [_call("write", path="docs/rounding.md", content="# Rounding of discounts\n\n{answer}.\n")],
            },
            {"text": "The rule stands in docs/rounding.md: {answer}."},
        ),
    ),
    Task(
        NAMES.readme,
        "Describe the price functions in the README",
        (
            {"text": "Three functions to describe.", "calls": [_call("read", path="shop/prices.py")]},
            {
                "text": "A short list will do.",
                "calls": [
                    _call(
                        "edit",
                        path="README.md",
                        old="A small shop.",
                        new="A small shop: `total` adds prices, `discounted` takes percent off, `shown` prints one.",
                    ),
                    _commit("Describe the price functions"),
                ],
            },
            {"text": "The README names the three price functions. It is committed."},
        ),
        permission_mode="bypass",
    ),
    Task(
        NAMES.vat,
        "Let total add the value added tax",
        (
            {"text": "I look at total and its tests.", "calls": [_call("read", path="shop/prices.py")]},
            {
                "text": "A rate with the default of none keeps every caller as it is.",
                "calls": [
                    _call(
                        "edit",
                        path="shop/prices.py",
                        old=TOTAL,
                        new=TOTAL.replace("prices: list[int]", "prices: list[int], vat: int = 0").replace(
                            "sum(prices)", "sum(prices) * (100 + vat) // 100"
                        ),
                    ),
                    _call("run", command=CHECK, why="Run the tests"),
                    _commit("Let total add the value added tax"),
                ],
            },
            {"text": "total takes a rate in percent now; the tests pass and it is committed."},
        ),
        permission_mode="bypass",
    ),
    Task(
        NAMES.voucher,
        "Let total take a voucher off",
        (
            {"text": "total is the place for it.", "calls": [_call("read", path="shop/prices.py")]},
            {
                "text": "Never below nothing.",
                "calls": [
                    _call(
                        "edit",
                        path="shop/prices.py",
                        old=TOTAL,
                        new=TOTAL.replace("prices: list[int]", "prices: list[int], voucher: int = 0").replace(
                            "sum(prices)", "max(0, sum(prices) - voucher)"
                        ),
                    )
                ],
            },
            {"text": "total takes a voucher off. I did not commit it, so that you can look at it first."},
        ),
    ),
)
