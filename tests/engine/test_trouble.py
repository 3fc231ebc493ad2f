"""What went wrong with an address is told apart, by servers of this machine, without secrets."""

import base64
import gzip
import hashlib
import http.server
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import traceback
from contextlib import contextmanager

import pytest

from ncengine import datasets
from ncengine.datasets.files import fetching, trouble
from ncengine.datasets.files.sources import checksum

from .conftest import dead

SECRET = "s3cr3t"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that only its maker has signed, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {key} -out {made}".split(),
        check=True,
        capture_output=True,
    )
    return made, key


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status, or the headers, that its server was made with."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CONNECT = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a client that speaks something else is what is wanted here


@contextmanager
def serving(status=200, headers=None, body=b"", certificate=None):
    """A server; yields its port, and what it was asked for. With a certificate it speaks TLS."""
    httpd = Server(("127.0.0.1", 0), Handler)
    httpd.answer, httpd.asked = (status, headers or {}, body), []
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield httpd.server_port, httpd.asked
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def deaf():
    """A port at which everyone is let in and nobody answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def why(caplog):
    """Why the download failed, after what would have been told anywhere was looked through."""
    with caplog.at_level(logging.INFO), pytest.raises(datasets.DownloadError) as caught:
        datasets.download("small")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert SECRET not in told
    (reason,) = caught.value.reasons
    return reason


def address(scheme, host, port):
    return f"{scheme}://user:{SECRET}@{host}:{port}/data?token={SECRET}"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(trouble, "PROBE_SECONDS", 1)


@pytest.fixture(autouse=True)
def usual_certificates(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def test_a_certificate_that_nobody_signed(folder, mirrors, caplog, certificate):
    with serving(certificate=certificate) as (port, _):
        mirrors(address("https", "localhost", port))
        reason = why(caplog)
    assert reason.startswith(f"https://…@localhost:{port}/data/first.gz?…: this machine does not")
    assert "trust the server's certificate (self" in reason and "REQUESTS_CA_BUNDLE" in reason


def test_a_certificate_of_another_host(folder, mirrors, caplog, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with serving(certificate=certificate) as (port, _):
        mirrors(address("https", "127.0.0.1", port))
        assert "certificate is of another host (IP address mismatch" in why(caplog)


def test_a_certificate_that_has_expired(folder, mirrors, caplog, certificate):
    with serving(certificate=certificate) as (port, _):
        mirrors(address("https", "localhost", port))
        error = ssl.SSLCertVerificationError("expired")
        error.verify_code, error.verify_message = 10, "certificate has expired"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("requests.get", lambda *_, **__: (_ for _ in ()).throw(of(error)))
            assert "not valid now (certificate has expired), by this machine's clock" in why(caplog)


def of(error):
    """What requests makes of it."""
    import requests
    import urllib3

    return requests.exceptions.SSLError(urllib3.exceptions.SSLError(error))


def test_one_that_is_trusted_and_a_file_of_certificates_that_is_not_there(
    folder,
    mirrors,
    caplog,
    certificate,
    monkeypatch,
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with serving(404, certificate=certificate) as (port, _):
        mirrors(address("https", "localhost", port))
        assert "the server has no such file: 404" in why(caplog)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file.pem")
        assert "names a file of certificates that is not there" in why(caplog)


def test_http_to_a_port_of_tls(folder, mirrors, caplog, certificate, quick):
    with serving(certificate=certificate) as (port, _):
        mirrors(address("http", "localhost", port))
        assert "https is spoken at this port, not http" in why(caplog)


def test_http_to_a_server_of_tls_that_says_400(folder, mirrors, caplog, monkeypatch):
    """As nginx does, which answers both at one port."""
    with serving(400) as (port, _):
        mirrors(address("http", "localhost", port))
        assert "the server refused: 400" in why(caplog)
        monkeypatch.setattr(trouble, "_asks_for_tls", lambda address: True)
        assert "https is spoken at this port, not http" in why(caplog)


def test_tls_to_a_port_of_http(folder, mirrors, caplog):
    with serving() as (port, _):
        mirrors(address("https", "localhost", port))
        assert "https is not spoken at this port" in why(caplog)


@pytest.mark.parametrize(
    "status, said",
    [
        (401, "the server wants a name and a password, or other ones: 401 Unauthorized"),
        (403, "the server refused: 403 Forbidden"),
        (404, "the server has no such file: 404 Not Found"),
        (500, "the server refused: 500 Internal Server Error"),
        (503, "the server refused: 503 Service Unavailable; try again later"),
    ],
)
def test_what_a_server_says(folder, mirrors, caplog, status, said):
    with serving(status) as (port, _):
        mirrors(address("http", "localhost", port))
        assert why(caplog).endswith(said)


def test_one_that_sends_on_without_end(folder, mirrors, caplog):
    with serving(302, {"Location": "/data/first.gz"}) as (port, _):
        mirrors(address("http", "localhost", port))
        assert "from one address to the next without end" in why(caplog)


def test_no_such_host_refused_and_silent(folder, mirrors, caplog, quick):
    mirrors(address("http", "nowhere.invalid", 80))
    assert "no network, or no such host" in why(caplog)
    with dead() as closed:
        mirrors(address("http", "127.0.0.1", closed.rpartition(":")[2]))
        assert "nothing listens there: the connection was refused" in why(caplog)
    with deaf() as port:
        mirrors(address("http", "127.0.0.1", port))
        assert "no answer within 1 seconds" in why(caplog)
        mirrors(address("https", "127.0.0.1", port))
        assert "no answer within 1 seconds" in why(caplog)


@pytest.mark.parametrize("bad", [f"http://user:{SECRET}@", f"http://[{SECRET}@/x", "http://a:b/"])
def test_an_address_that_is_none(folder, mirrors, bad):
    mirrors(bad)
    with pytest.raises(datasets.DatasetError, match="not a usable address|is no address") as caught:
        datasets.download("small")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy(folder, mirrors, caplog, monkeypatch, scheme):
    with dead() as closed:
        port = closed.rpartition(":")[2]
        monkeypatch.setenv(f"{scheme}_proxy", f"http://user:{SECRET}@127.0.0.1:{port}")
        mirrors(address(scheme, "mirror.example", 8000))
        reason = why(caplog)
    assert reason.endswith(
        f"the proxy http://…@127.0.0.1:{port} (of {scheme}_proxy) does not answer"
    )
    monkeypatch.setenv(f"{scheme}_proxy", f"http://user:{SECRET}@nowhere.invalid:1")
    assert "is on no known host" in why(caplog)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("status", [407, 403])
def test_a_proxy_that_refuses(folder, mirrors, caplog, monkeypatch, scheme, status):
    with serving(status) as (port, _):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        mirrors(address(scheme, "mirror.example", 8000))
        reason = why(caplog)
    if status == 407:
        assert f"the proxy http://127.0.0.1:{port} (of {scheme}_proxy) wants a name and a" in reason
    else:
        assert reason.endswith("refused: 403 Forbidden")


def test_a_proxy_of_a_kind_that_is_not_known(folder, mirrors, caplog, monkeypatch):
    monkeypatch.setenv("all_proxy", f"socks5://user:{SECRET}@127.0.0.1:1")
    mirrors(address("http", "mirror.example", 8000))
    assert "the proxy socks5://…@127.0.0.1:1 (of all_proxy) is none that can be used" in why(caplog)


@pytest.mark.parametrize("claimed", ["gzip", "x-gzip", "deflate", "br", "identity"])
def test_a_file_is_taken_as_it_is_whatever_encoding_a_mirror_claims(monkeypatch, tmp_path, claimed):
    body = gzip.compress(bytes(10**6))
    with serving(200, {"Content-Encoding": claimed}, body) as (port, asked):
        given = f"http://localhost:{port} sha256:{hashlib.sha256(body).hexdigest()}"
        monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
        monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", given)
        seen = []
        got = datasets.download("cifar10", lambda *both: seen.append(both))
    assert (got / "cifar-10-python.tar.gz").read_bytes() == body
    assert seen[-1] == (len(body), len(body))


def test_a_password_and_a_token_reach_the_server(folder, mirrors, caplog):
    with serving(404) as (port, asked):
        mirrors(address("http", "localhost", port), f"http://localhost:{port}/?a=1&b=2")
        with pytest.raises(datasets.DownloadError) as caught:
            datasets.download("small")
    basic = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()
    assert asked == [(f"/data/first.gz?token={SECRET}", basic), ("/first.gz?a=1&b=2", None)]
    assert caught.value.reasons[1].startswith(f"http://localhost:{port}/first.gz?…: ")


def test_nothing_that_is_raised_within_holds_a_secret_that_a_page_or_a_log_would_show(mirrors):
    for bad in (f"ftp://user:{SECRET}@host/", f"user:{SECRET}@host", f"https:user:{SECRET}@a/b"):
        for value in (bad, f"http://user:{SECRET}@a/?sig={SECRET} {bad} sha256:12"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("NCENGINE_MIRROR_MNIST", value)
                with pytest.raises(datasets.SourceError) as caught:
                    datasets.download("mnist")
                told = "".join(traceback.format_exception(caught.value)) + checksum("mnist")
            assert SECRET not in told and "NCENGINE_MIRROR_MNIST = " in told
