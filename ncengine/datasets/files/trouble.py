"""What went wrong on the way to an address, said so that a reader knows what to do about it."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import urlsplit

from ncengine.datasets.files.sources import redacted

PROBE_SECONDS = 5

_NOT_ENCRYPTED = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
# OpenSSL's numbers for what is wrong with a certificate, see its `x509_vfy.h`.
_OF_ANOTHER_HOST, _OF_ANOTHER_TIME = (62, 64), (9, 10)
_NO_CERTIFICATE_FILE = "TLS CA certificate bundle"

E = TypeVar("E", bound=BaseException)


def is_of_network(error: BaseException) -> bool:
    """Whether it is a failure of the way there rather than of this machine's disk."""
    import requests
    import urllib3

    ours = (requests.RequestException, urllib3.exceptions.HTTPError)
    return isinstance(error, ours) or _NO_CERTIFICATE_FILE in str(error)


def reason(error: Exception, address: str, timeout: float) -> str:
    """Why the address gave nothing, in a clause; no password of the address or a proxy is in it.

    Where a server answered plain http with nothing that is http, it is asked whether it speaks TLS.

    Args:
        error: of requests or urllib3, see `is_of_network`.
        address: what was asked for.
        timeout: seconds that were waited.
    """
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return _refusal(error.response.status_code, error.response.reason, address)
    if isinstance(error, exceptions.TooManyRedirects):
        return "the server sends from one address to the next without end"
    if isinstance(error, exceptions.InvalidProxyURL) or "SOCKS" in str(error):
        return f"{_proxy(address)} is none that can be used: http://host:port is"
    if isinstance(error, exceptions.ProxyError):
        return _of_proxy(error, address)
    if isinstance(error, ValueError) and isinstance(error, exceptions.RequestException):
        return f"not a usable address ({type(error).__name__})"
    return _of_encryption(error) or _of_connection(error, address, timeout)


def _refusal(status: int, words: str, address: str) -> str:
    answer = f"{status} {words or ''}"[:60].rstrip()
    if status == 400 and _asks_for_tls(address):
        return _TLS_IS_SPOKEN
    if status in (401, 407):
        who = "the server" if status == 401 else _proxy(address)
        return f"{who} wants a name and a password, or other ones: {answer}"
    if status in (404, 410):
        return f"the server has no such file: {answer}"
    later = "; try again later" if status in (429, 503) else ""
    return f"the server refused: {answer}{later}"


def _of_proxy(error: Exception, address: str) -> str:
    messages = map(str, _within(error, OSError))
    status = next((text for text in messages if text.startswith("Tunnel")), "").rpartition(": ")[2]
    if status.startswith("407"):
        return f"{_proxy(address)} wants a name and a password, or other ones: {status[:60]}"
    if status:
        return f"{_proxy(address)} refused: {status[:60]}"
    if next(_within(error, socket.gaierror), None):
        return f"{_proxy(address)} is on no known host"
    return f"{_proxy(address)} does not answer"


def _proxy(address: str) -> str:
    """The proxy that stands before the address, and the variable that names it."""
    from requests.utils import get_environ_proxies, select_proxy

    named = select_proxy(address, get_environ_proxies(address)) or ""
    scheme = urlsplit(address).scheme.lower()
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    by = next((f" (of {name})" for name in names if os.environ.get(name)), "")
    return f"the proxy {redacted(named)}{by}".replace("  ", " ")


def _of_encryption(error: Exception) -> str:
    """What is wrong with https; "" where nothing is known to be."""
    unknown = next(_within(error, ssl.SSLCertVerificationError), None)
    if unknown is not None:
        return _of_certificate(unknown)
    if _NO_CERTIFICATE_FILE in str(error):
        return "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file of certificates that is not there"
    failed = next(_within(error, ssl.SSLError), None)
    if failed is None:
        return ""
    if failed.reason in _NOT_ENCRYPTED:
        return "https is not spoken at this port; if the server is to be trusted, try http://"
    cause = (failed.reason or "no reason given").replace("_", " ").lower()
    return f"https cannot be agreed on with the server ({cause})"


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    why = (error.verify_message or "it cannot be checked").rstrip(".")
    if error.verify_code in _OF_ANOTHER_HOST:
        return f"the server's certificate is of another host ({why}); write the name that it is for"
    if error.verify_code in _OF_ANOTHER_TIME:
        return f"the server's certificate is not valid now ({why}), by this machine's clock"
    return (
        f"this machine does not trust the server's certificate ({why}); if you do, name the file "
        "of who issued it in REQUESTS_CA_BUNDLE"
    )


def _of_connection(error: Exception, address: str, timeout: float) -> str:
    from requests import exceptions
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    if isinstance(error, exceptions.ConnectTimeout):
        return (
            f"no connection within {timeout:g} seconds; the address may be wrong, or a firewall "
            "in between"
        )
    if isinstance(error, exceptions.Timeout):
        return f"no answer within {timeout:g} seconds"
    if next(_within(error, ReadTimeoutError), None):
        return f"the server fell silent for {timeout:g} seconds"
    if next(_within(error, socket.gaierror), None):
        return "no network, or no such host"
    numbers = {cause.errno for cause in _within(error, OSError)}
    if errno.ECONNREFUSED in numbers:
        return "nothing listens there: the connection was refused"
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return "no network leads there"
    broken = next(_within(error, (http.client.HTTPException, ConnectionError)), None)
    if broken is not None or isinstance(error, ProtocolError | exceptions.ChunkedEncodingError):
        return _TLS_IS_SPOKEN if _asks_for_tls(address) else "the connection broke off"
    return f"the server does not answer ({type(error).__name__})"


_TLS_IS_SPOKEN = "https is spoken at this port, not http; the address should begin with https://"


def _asks_for_tls(address: str) -> bool:
    """Whether TLS is spoken where plain http was tried, without a proxy in between."""
    from requests.utils import get_environ_proxies, select_proxy

    parts = urlsplit(address)
    if parts.scheme.lower() != "http" or select_proxy(address, get_environ_proxies(address)):
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent or believed; whether it is the right server does not matter here.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        place = parts.hostname or "", parts.port or 80
        with socket.create_connection(place, PROBE_SECONDS) as plain:
            context.wrap_socket(plain, server_hostname=parts.hostname).close()
        return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, ValueError):
        return False


def _within(error: BaseException, kind: type[E] | tuple[type[E], ...]) -> Iterator[E]:
    """The errors of a kind that this one is or was made of."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        if isinstance(cause, kind):
            yield cause
        parts = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        waiting += [part for part in parts if isinstance(part, BaseException)]
