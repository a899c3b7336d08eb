"""A known day of payments, our books of it and the platform's bill, with differences planted.

For tests of reconciliation: `planted(seed, form)` makes a day, `write(day)` its bill as the
platform writes it, and `day.expected` is what a perfect reconciler finds.
"""

from voidtrail.testing.bills.day import Day
from voidtrail.testing.bills.planting import FORMS, KINDS, planted
from voidtrail.testing.bills.writing import write

__all__ = ["FORMS", "KINDS", "Day", "planted", "write"]
