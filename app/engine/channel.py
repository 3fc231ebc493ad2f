"""What a page may send the server; whatever else Streamlit would do for who speaks its protocol.

One message empties the caches of all sessions, and with them ends the queue and what trains. Others
write into the folder of the app. No page of this app sends them.
"""

from __future__ import annotations

import logging
from typing import Any

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg

logger = logging.getLogger(__name__)

# By their names in Streamlit's protocol.
MESSAGES = frozenset({"rerun_script", "stop_script", "file_urls_request", "app_heartbeat"})
# The same of what a page asks to be done in one such message, `backend_operation_request`.
OPERATIONS = frozenset({"deferred_file", "dataframe_chunk"})


def may_be_sent(content: bytes) -> bool:
    """Whether pages send such messages. What is none at all is left to Streamlit to refuse."""
    message = BackMsg()
    try:
        message.ParseFromString(content)
    except DecodeError:
        return True
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return message.backend_operation_request.WhichOneof("payload") in OPERATIONS
    return kind is None or kind in MESSAGES


class OwnMessages:
    """Lets through what pages send on their channel; an ASGI application around another."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI."""

        async def received() -> Any:
            while True:
                message = await receive()
                content = message.get("bytes")
                if message["type"] != "websocket.receive" or not content or may_be_sent(content):
                    return message
                logger.warning("A message that no page sends was left unanswered.")

        await self.app(scope, received if scope["type"] == "websocket" else receive, send)
