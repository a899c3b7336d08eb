"""The registry holds every source under its own name."""

from voidtrail.sources import alipay, stripe, wechatpay
from voidtrail.sources.registry import SOURCES


def test_written_sources_are_registered():
    for module in (stripe, alipay, wechatpay):
        assert SOURCES[module.NAME] is module
