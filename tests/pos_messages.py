"""Terminals' messages as pyiso8583, a codec that others wrote, encodes and decodes them."""

import copy
import importlib.util

import iso8583
from iso8583.specs import default, default_ascii

PAN = "6200000000000005"
HEADER = "6000060000603100311003"
TERMINAL = {"41": "10000019", "42": "850100082410002", "49": "156"}


def cup_spec():
    """The field table of the UnionPay dialect, as far as the tests need it."""
    spec = copy.deepcopy(default)

    def fixed(number, size, kind="b"):
        spec[number].update(data_enc=kind, len_enc="b", len_type=0, max_len=size)

    fixed("h", 11), fixed("t", 2), fixed("p", 8)
    for number, size in {"3": 3, "4": 6, "11": 3, "12": 3, "13": 2, "14": 2, "15": 2, "22": 2,
                         "23": 2, "25": 1, "26": 1, "52": 8, "53": 8, "64": 8}.items():  # fmt: skip
        fixed(number, size)
    for number, digits, size in (("2", 1, 19), ("35", 1, 37), ("32", 1, 11), ("36", 2, 104),
                                 ("60", 2, 19), ("61", 2, 31)):  # fmt: skip
        spec[number].update(data_enc="b", len_enc="bcd", len_type=digits, max_len=size,
                            len_count="nibbles", right_pad="0")  # fmt: skip
    for number, size in {"37": 12, "38": 6, "39": 2, "41": 8, "42": 15, "49": 3}.items():
        fixed(number, size, "ascii")
        spec[number]["len_enc"] = "ascii"
    spec["44"].update(data_enc="ascii", len_enc="bcd", len_type=1, max_len=25)
    for number, size in (("48", 322), ("55", 255), ("62", 512)):
        spec[number].update(data_enc="b", len_enc="bcd", len_type=2, max_len=size)
    for number, size in (("59", 600), ("63", 163)):
        spec[number].update(data_enc="ascii", len_enc="bcd", len_type=2, max_len=size)
    return spec


SPECS = {"cup": cup_spec(), "ascii": default, "ascii-hex": default_ascii}


def shared_spec(shared):
    """The same table as it was published with the samples."""
    path = shared / "psp" / "iso8583" / "cup_pos_spec.py"
    found = importlib.util.spec_from_file_location("cup_pos_spec", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.build()


def message(mti, fields, spec="cup"):
    """Encode a message by the other codec."""
    whole = {**({"h": HEADER} if spec == "cup" else {}), "t": mti,
             **{str(number): text for number, text in fields.items()}}  # fmt: skip
    return bytes(iso8583.encode(whole, SPECS[spec])[0])


def read(body, spec="cup"):
    """Decode a message by the other codec: texts by number."""
    found, _ = iso8583.decode(body, SPECS[spec])
    return {int(number): text for number, text in found.items() if number.isdigit()}


def terminal(mti, kind, trace="000403", processing="000000", **more):
    """A message of one terminal in batch 000024; `d39="00"` and the like as keywords."""
    fields = {"3": processing, "4": "000000001230", "11": trace, "25": "00",
              "60": f"{kind}00002400060", **TERMINAL}  # fmt: skip
    return message(mti, fields | {name[1:]: text for name, text in more.items()})


def sale(mti="0200", **more):
    """A sale, its answer, or its reversal."""
    return terminal(mti, "22", **({"d2": PAN} | more))


def void(mti="0200", **more):
    """The void of that sale, or its answer."""
    given = {"d37": "600108000403", "d61": "000024000403"} if mti == "0200" else {}
    return terminal(mti, "23", "000404", "200000", **(given | more))
