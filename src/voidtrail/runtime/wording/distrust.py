"""Why a delivery is not believed to be its platform's (see `retelling`)."""

from __future__ import annotations

from typing import Final

from voidtrail.runtime.text import later

DISTRUST: Final[tuple[str, ...]] = (
    # keys and secrets that the account lacks
    later("account {name} has no secret {purpose}"),
    later("account {name} has no secret {purpose} (of the webhook)"),
    later("account {name} has no secret {purpose} (whsec_…)"),
    later("account {name} has no secret {purpose} (Alipay's own key)"),
    later("account {name} has no secret {purpose} (Lakala's own)"),
    later("account {name} has no secret {purpose} (Shengpay's key)"),
    later("account {name}: a secret 'hmac' is not hexadecimal"),
    later("account {name} has no description of its platform"),
    later("account {name} has no platform key of that serial"),
    later("account {name} has no public_cert {serial}; has {ours}"),
    later("account {name} has no public_cert {serial}; has none"),
    later("account {name} does not hold certificate {certificate}: see {address}"),
    later("account {name} does not hold secret 'webhook_id': see {address}"),
    later("bt_signature bears no public key that account {name} holds"),
    later("the account's secret 'signing' is not {form}"),
    later("a configured key is no RSA public key: give PEM, or base64 of one"),
    later("a configured key is no RSA private key without a password"),
    later("a configured key is neither SERIAL=PEM nor a PEM certificate"),
    later("a configured certificate is no PEM certificate"),
    # certificates
    later("certificate {serial} of {owner}, valid until {day}"),
    later("certificate {name} (serial {serial}, not after {day})"),
    later("{certificate} had expired when the notice was signed: save the new one"),
    later("{certificate} was not valid yet when the notice was signed"),
    later("{certificate} is not the platform's: expected {names}"),
    later("{certificate} was issued by none of the configured authorities"),
    later("{certificate} is not valid now"),
    later("{certificate} is not valid now: fetch Lakala's new one"),
    later("{certificate} is not UnionPay's"),
    later(
        "{certificate} does not lead to a configured root_cert over middle_cert; test "
        "certificates have other issuers than those of production"
    ),
    later("signPubKeyCert is no certificate"),
    # what carries no signature
    later("{header} is absent or came twice"),
    later("{header} is absent, or came twice alike"),
    later("{header} is absent, came twice, or lacks t or v1"),
    later("{header} came twice, or lacks t or v1"),
    later("a PAYPAL-… header is absent or came twice"),
    later("a Wechatpay-… header is absent or came twice"),
    later("a part of the signature's header is absent or came twice"),
    later("a part of Authorization came twice"),
    later("the notice has no items, so nothing in it is signed"),
    later("neither items nor one HmacSignature by HmacSHA256"),
    later("an item has no additionalData.hmacSignature"),
    later("the form has no sign or no sign_type"),
    later("the body has no sign or no signType"),
    later("the form has no signature"),
    later("the answer has no sign"),
    later("no form with one bt_signature and one bt_payload"),
    later("no signature at {place}"),
    later("there is neither a header Voidtrail-Signature nor a page's token"),
    # what has another form
    later("the body is no notice of Adyen, so nothing in it is signed"),
    later("the answer is no JSON object with one …_response"),
    later("the body is no form in which every field stands once"),
    later("the body is no form in which every field stands once, and alone"),
    later("the body is no JSON object, or a field hides in another"),
    later("the body is no {form}, a field stands twice, or one hides in another"),
    later("a colon in a field of an item makes its signature ambiguous"),
    later("sign_type is neither RSA2 nor RSA"),
    later("signType is neither RSA2 nor RSA"),
    later("version is neither 5.1.0 nor 5.0.0, or signMethod neither 01 nor 11"),
    later("PAYPAL-AUTH-ALGO is not {algorithm}"),
    later("Wechatpay-Signature-Type is not {scheme}"),
    later("the scheme of Authorization is not {scheme}"),
    later("something else stands between the parts of Authorization"),
    later("PAYPAL-CERT-URL is no address of PayPal's certificates"),
    later("bt_payload holds characters that no base64 text has"),
    later("bt_payload is a riddle and no notice"),
    later("one of WeChat Pay's probes with a deliberately wrong signature"),
    later("a page may say {bytes} bytes at most"),
    later(
        "a page may only say that checkout was opened, a method chosen or cancel pressed,"
        " without amount, payment, customer, actor or dimensions"
    ),
    # what does not match
    later("{header} does not match the body"),
    later("{header} does not match the body under any secret"),
    later("sign does not match the form under any of the account's keys"),
    later("sign does not match the answer under any of the account's keys"),
    later("sign does not match the body under any of the account's keys"),
    later("signature does not match under any of the account's keys"),
    later("signature does not match the form under {key}"),
    later("signature does not match under {keys}"),
    later("a public key"),
    later("the signature by {name} does not match under {keys}"),
    later(
        "the signature at {place} does not match under any of the account's keys; "
        "`voidtrail sources try` shows the text that was checked"
    ),
    later("an hmacSignature matches under no secret 'hmac'"),
    later("no HMAC in bt_signature matches bt_payload under any private key"),
    later("no match under any key: is 'notification_url' byte for byte what Square has?"),
    later("no v1 in {header} matches the body under any secret"),
    later("no v1 in {header} matches the body under any key"),
    later("the page's token is not one of ours, or not for one order"),
    later("the page's token does not fit its order under any key"),
    later("the notice is genuine but its {name} is not this account's"),
    later("genuine, but {place} is not this account's"),
    # what was signed too long ago
    later("{header} is no instant"),
    later("{header} is not a number"),
    later("the instant in {header} is not a number"),
    later("the signed timestamp is not a number"),
    later("the timestamp at {place} is no instant"),
    later("{header} is more than {seconds} s away from now"),
    later("signed {seconds} s before now; the window is {window} s"),
    later("signed {seconds} s after now; the window is {window} s"),
    later("signed {seconds} s before now; {before} before and {after} after count"),
    later("signed {seconds} s after now; {before} before and {after} after count"),
    later("the page's token is over, or was made for longer than 24 hours"),
    # what comes another way
    later("account {name}: a bill comes only from a file; take it in with `voidtrail reconcile`"),
    later("account {name}: log lines are read from files; name them in a [[tail]]"),
    later("account {name}: terminals' messages come in by a [[listen]] or a file"),
    later(
        "account {name}: rows of a table come only from a file; import it with `voidtrail ingest`"
    ),
)
