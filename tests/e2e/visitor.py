"""A visitor without a browser, who sends the server whatever they like in Streamlit's protocol."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.e2e.live_app import LiveApp

PATIENCE = 120.0


class Visitor:
    """One window: a page's channel, and what the server last drew on it.

    Args:
        app: the server.
        page: the path of a page; "" is Explore.
        query: what the address says.
    """

    def __init__(self, app: LiveApp, page: str = "", **query: object):
        self.netloc = urlsplit(app.base).netloc
        self.page, self.query, self.session = page, urlencode(query), ""
        self.elements: list[Element] = []
        self._opened = ExitStack()

    def __enter__(self) -> Visitor:
        address = f"ws://{self.netloc}/_stcore/stream"
        channel = connect(address, subprotocols=["streamlit"], max_size=None)
        self._channel = self._opened.enter_context(channel)
        return self.look()

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def look(self, pressed: Sequence[str] = ()) -> Visitor:
        """Have the page drawn, with these buttons pressed by their ids, off as they may be."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name = self.query, self.page
        for name in pressed:
            asked.widget_states.widgets.add(id=name, trigger_value=True)
        self.send(message)
        self.elements, begun = [], False
        while True:
            answer = self._next()
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                begun, self.session = True, answer.new_session.initialize.session_id
            elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                self.elements.append(answer.delta.new_element)
            elif kind == "script_finished" and begun:
                ended_early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
                if answer.script_finished != ended_early:
                    return self

    def button(self, label: str):
        """The button of that label, as drawn; None where there is none."""
        found = [e.button for e in self.elements if e.WhichOneof("type") == "button"]
        found += [
            e.download_button for e in self.elements if e.WhichOneof("type") == "download_button"
        ]
        return next((button for button in found if button.label == label), None)

    def send(self, message: BackMsg) -> None:
        """Any message of the protocol."""
        self._channel.send(message.SerializeToString())

    def made(self, label: str) -> str:
        """The address of the file that a button makes when it is pressed."""
        message = BackMsg()
        asked = message.backend_operation_request
        asked.request_id, asked.session_id = "one", self.session
        asked.deferred_file.file_id = self.button(label).deferred_file_id
        self.send(message)
        while True:
            answer = self._next()
            if answer.WhichOneof("type") == "backend_operation_response":
                assert not answer.backend_operation_response.error_msg
                return answer.backend_operation_response.deferred_file.url

    def fetch(self, path: str) -> tuple[int, bytes]:
        """Status and content of what is answered there."""
        return self._answer("GET", path)

    def upload(self, name: str, content: bytes) -> int:
        """Bring a file for no field in particular; gives the answer's status."""
        parted = b"--parted\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"
        body = parted + content + b"\r\n--parted--\r\n"
        sent = {"Content-Type": "multipart/form-data; boundary=parted", **self._token()}
        return self._answer("PUT", f"/_stcore/upload_file/{self.session}/{name}", body, sent)[0]

    def _next(self) -> ForwardMsg:
        answer = ForwardMsg()
        answer.ParseFromString(self._channel.recv(PATIENCE))
        return answer

    def _token(self) -> dict[str, str]:
        channel = http.client.HTTPConnection(self.netloc)
        channel.request("GET", "/_stcore/health")
        cookie = channel.getresponse().getheader("Set-Cookie").partition(";")[0]
        channel.close()
        return {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}

    def _answer(self, method, path, body=None, headers=None) -> tuple[int, bytes]:
        channel = http.client.HTTPConnection(self.netloc, timeout=PATIENCE)
        try:
            channel.request(method, path, body, headers or {})
            answer = channel.getresponse()
            return answer.status, answer.read()
        finally:
            channel.close()
