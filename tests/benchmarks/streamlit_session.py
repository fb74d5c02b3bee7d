"""A session at the server of the pages without a browser: what a tab sends and gets, over its websocket."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.cookiejar import CookieJar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

__all__ = ["Session"]

Seen = tuple[float, str]
"""When an element came, and all of it as text."""


class Session:
    """One tab, with the state of its widgets; used by one thread.

    Args:
        url: Of the server.
        page: Its path, such as "library", "" for the first page.
        query: Of the address.
    """

    def __init__(self, url: str, page: str = "", query: str = "") -> None:
        self._page, self._query, self._hash = page, query, ""
        self._repeated: dict[str, tuple[float, float]] = {}  # when the next is due, and after how long again
        self.elements: dict[tuple[int, ...], str] = {}
        self.widgets: dict[str, str] = {}
        cookies = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
        opener.open(f"{url}/_stcore/health", timeout=30).close()
        self._socket = connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            origin=url,
            subprotocols=["streamlit"],
            additional_headers={"Cookie": "; ".join(f"{each.name}={each.value}" for each in cookies)},
            max_size=None,
            open_timeout=60,
        )
        self.rerun()

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def rerun(
        self,
        trigger: str = "",
        said: str | None = None,
        fragment: str = "",
        automatic: bool = False,
        values: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Ask for a run of the page.

        Args:
            trigger: Id of a button that is pressed, or of a chat input.
            said: What is sent with the chat input.
            fragment: Only that part of the page.
            automatic: Whether time asks for it, and nobody.
            values: Of text inputs, by their ids.
        """
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.page_name = self._query, self._hash, self._page
        state.fragment_id, state.is_auto_rerun = fragment, automatic
        state.context_info.locale, state.context_info.timezone = "en-GB", "UTC"
        if trigger:
            widget = state.widget_states.widgets.add()
            widget.id = trigger
            if said is None:
                widget.trigger_value = True
            else:
                widget.chat_input_value.data = said
        for id, value in values:
            widget = state.widget_states.widgets.add()
            widget.id, widget.string_value = id, value
        self._socket.send(message.SerializeToString())

    def seen(self, seconds: float) -> Iterator[Seen]:
        """What comes within so many seconds; parts that are to be repeated are asked for in time."""
        deadline = time.perf_counter() + seconds
        while (now := time.perf_counter()) < deadline:
            due = min((at for at, _ in self._repeated.values()), default=deadline)
            try:
                received = self._socket.recv(timeout=max(0.001, min(due, deadline) - now))
            except TimeoutError:
                self._repeat(time.perf_counter())
                continue
            message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            yield from self._heard(message)

    def _repeat(self, now: float) -> None:
        for fragment, (at, interval) in list(self._repeated.items()):
            if at <= now:
                self._repeated[fragment] = now + interval, interval
                self.rerun(fragment=fragment, automatic=True)

    def until(self, wanted: Callable[[str], bool], seconds: float = 60.0) -> float:
        """Wait for an element; when it came.

        Raises:
            TimeoutError: If none does.
        """
        for at, shown in self.seen(seconds):
            if wanted(shown):
                return at
        raise TimeoutError("what was waited for did not come")

    def rest(self) -> None:
        """Repeat nothing any more, as a browser does when the parts that were repeated have gone."""
        self._repeated.clear()

    def settle(self, seconds: float = 60.0) -> float:
        """Wait until the run that is under way has ended; when that was."""
        return self.until(lambda shown: shown == "finished", seconds)

    def _heard(self, message: ForwardMsg) -> Iterator[Seen]:
        now = time.perf_counter()
        match message.WhichOneof("type"):
            case "new_session":
                self._hash = message.new_session.page_script_hash
                if not message.metadata.run.fragment_ids:
                    self._repeated.clear()
            case "delta":
                shown = message.delta.SerializeToString().decode("utf-8", "ignore")
                self.elements[tuple(message.metadata.delta_path)] = shown
                element = message.delta.new_element
                kind = element.WhichOneof("type") if message.delta.HasField("new_element") else None
                id = getattr(getattr(element, kind), "id", "") if kind else ""
                if id:
                    self.widgets[id] = shown
                yield now, shown
            case "auto_rerun":
                wish = message.auto_rerun
                self._repeated[wish.fragment_id] = now + wish.interval, wish.interval
            case "stop_auto_rerun":
                self._repeated.pop(message.stop_auto_rerun.fragment_id, None)
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "script_finished":
                yield now, "finished"

    def widget(self, key: str) -> str:
        """The id of a widget by its key."""
        return next(id for id in self.widgets if id.endswith(f"-{key}"))
