"""Exact money: integers in the currency's minor unit; nothing here is ever a float.

Source: ISO 4217 list one (alphabetic code, numeric code, number of decimals), 2026-01.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

# Each word is the alphabetic code followed by the numeric code; the key is the exponent.
_ISO_4217: Final = {
    0: """BIF108 CLP152 DJF262 GNF324 ISK352 JPY392 KMF174 KRW410 PYG600 RWF646 UGX800 UYI940
    VND704 VUV548 XAF950 XOF952 XPF953 XXX999""",
    2: """AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050
    BMD060 BND096 BOB068 BOV984 BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947
    CHF756 CHW948 CNY156 COP170 COU970 CRC188 CUP192 CVE132 CZK203 DKK208 DOP214 DZD012 EGP818
    ERN232 ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GTQ320 GYD328 HKD344
    HNL340 HTG332 HUF348 IDR360 ILS376 INR356 IRR364 JMD388 KES404 KGS417 KHR116 KPW408 KYD136
    KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446
    MRU929 MUR480 MVR462 MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524
    NZD554 PAB590 PEN604 PGK598 PHP608 PKR586 PLN985 QAR634 RON946 RSD941 RUB643 SAR682 SBD090
    SCR690 SDG938 SEK752 SGD702 SHP654 SLE925 SOS706 SRD968 SSP728 STN930 SVC222 SYP760 SZL748
    THB764 TJS972 TMT934 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 USD840 USN997 UYU858 UZS860
    VED926 VES928 WST882 XAD396 XCD951 XCG532 YER886 ZAR710 ZMW967 ZWG924""",
    3: "BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788",
    4: "CLF990 UYW927",
}
_EXPONENT: Final[dict[str, int]] = {}
_NUMBER: Final[dict[str, int]] = {"": 0}
_ALPHA: Final[dict[int, str]] = {0: ""}
for _exponent, _words in _ISO_4217.items():
    for _word in _words.split():
        _EXPONENT[_word[:3]] = _exponent
        _NUMBER[_word[:3]] = int(_word[3:])
        _ALPHA[int(_word[3:])] = _word[:3]

MINOR_MAX: Final = 2**62
"""Largest magnitude of an amount; sums of two still fit into a signed 64-bit integer."""
_DIGITS_MAX: Final = 40


def exponent(currency: str) -> int:
    """Return how many decimals the currency's minor unit has.

    Raises:
        ValueError: the code is not in ISO 4217.

    >>> exponent("CNY"), exponent("JPY"), exponent("KWD")
    (2, 0, 3)
    """
    try:
        return _EXPONENT[currency]
    except KeyError:
        raise ValueError(f"currency {currency!r} is not in ISO 4217") from None


def currency_number(currency: str) -> int:
    """Return the ISO 4217 numeric code; 0 stands for "no currency stated".

    Raises:
        ValueError: the code is not in ISO 4217.

    >>> currency_number("CNY"), currency_number("")
    (156, 0)
    """
    try:
        return _NUMBER[currency]
    except KeyError:
        raise ValueError(f"currency {currency!r} is not in ISO 4217") from None


def currency_code(number: int) -> str:
    """Return the alphabetic code of an ISO 4217 numeric code ("" for 0).

    >>> currency_code(156)
    'CNY'
    """
    return _ALPHA[number]


def minor_from_major(amount: str | int | Decimal, currency: str, *, rounding: bool = False) -> int:
    """Convert an amount in major units to minor units, exactly.

    Args:
        amount: decimal text such as "12.30" (no thousands signs), an int or a Decimal.
        currency: ISO 4217 alphabetic code.
        rounding: round half to even what is finer than the minor unit, instead of refusing.

    Raises:
        ValueError: not a finite decimal, too large, or finer than the currency's minor unit.

    >>> minor_from_major("12.30", "CNY"), minor_from_major("500", "JPY")
    (1230, 500)
    """
    try:
        value = amount if isinstance(amount, Decimal) else Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"amount {amount!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"amount {amount!r} is not a finite number")
    decimals = exponent(currency)
    # An exponent alone can make it larger or smaller than any context of Decimal holds.
    if value and value.adjusted() > _DIGITS_MAX:
        raise ValueError(f"amount {amount!r} is too large")
    if value and value.adjusted() < -_DIGITS_MAX:
        if not rounding:
            raise ValueError(f"amount {amount!r} is finer than the minor unit of {currency}")
        return 0
    # The default context would round a long fraction to 28 digits, and so hide that it is finer.
    exact = Context(prec=len(value.as_tuple().digits) + 32)
    scaled = value.scaleb(decimals, exact)
    whole = scaled.to_integral_value(ROUND_HALF_EVEN, exact)
    if whole != scaled and not rounding:
        raise ValueError(f"amount {amount!r} is finer than the minor unit of {currency}")
    if abs(whole) > MINOR_MAX:
        raise ValueError(f"amount {amount!r} is too large")
    return int(whole)


def major_text(amount_minor: int, currency: str) -> str:
    """Write an amount in minor units as plain decimal text, without grouping.

    >>> major_text(-89681249, "GBP"), major_text(500, "JPY"), major_text(5, "KWD")
    ('-896812.49', '500', '0.005')
    """
    return f"{Decimal(amount_minor).scaleb(-exponent(currency)):f}"
