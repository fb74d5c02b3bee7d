"""Adding documents: files from the browser or from a folder of the server, with what it will take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from app.library import Library
from app.records import Estimate
from ui.errors import shown_errors
from ui.parts.amounts import size_words, time_words
from ui.parts.kept_files import kept, kept_name
from ui.parts.server_files import MOST_FILES, files_in, folders_in
from ui.plain import label
from ui.upload_files import StoredUpload, received
from ui.words import t

__all__ = ["show_adding"]

ROUND: Final = "library_uploads"
"""How often files were taken from the uploader: each time it begins anew, empty."""


def show_adding(library: Library) -> None:
    """Draw what adds documents; what is added is a job from then on."""
    root = library.settings.server_folder
    if root is None:
        _show_uploads(library)
        return
    ways = {"upload": t("library.from_browser"), "server": t("library.from_server")}
    way = st.segmented_control(
        t("library.from"), list(ways), format_func=ways.__getitem__, default="upload", key="library_way"
    )
    if way == "server":
        _show_server(library, root)
    else:
        _show_uploads(library)


def _show_uploads(library: Library) -> None:
    uploaded = st.file_uploader(
        t("library.upload"),
        accept_multiple_files=True,
        key=f"{ROUND}_{st.session_state.get(ROUND, 0)}",
        help=t("library.upload_help"),
    )
    st.caption(t("library.limit", n=f"{library.settings.upload_megabytes:,}"))
    found = [received(each) for each in uploaded]
    uploads = [each for each in found if each is not None]
    if len(uploads) < len(found):
        st.warning(t("library.swept", n=len(found) - len(uploads)), icon=":material/warning:")
    if not uploads:
        return
    with shown_errors():
        _tell(library.estimate_adding([each.path for each in uploads]), sum(each.size for each in uploads))
    replaces = _same_names(library, uploads) and st.checkbox(
        t("library.replace"), key="library_replace", help=t("library.replace_help")
    )
    if st.button(t("library.add", n=len(uploads)), type="primary", key="library_add", icon=":material/add:"):
        with shown_errors():
            _add_uploads(library, uploads, bool(replaces))


def _same_names(library: Library, uploads: Sequence[StoredUpload]) -> bool:
    """Whether a document comes from a file that was uploaded under one of these names."""
    folder = library.home.uploads.folder(library.user)
    names = {Path(record.path) for record in library.documents()}
    return any(folder.absolute() / kept_name(each.name) in names for each in uploads)


def _add_uploads(library: Library, uploads: Sequence[StoredUpload], replaces: bool) -> None:
    taken = () if replaces else {record.path for record in library.documents()}
    with kept(uploads, library.home.uploads.folder(library.user), taken) as paths:
        library.start_adding(paths)
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    st.toast(t("library.begun", n=len(uploads)), icon=":material/hourglass_top:")
    st.rerun()


def _show_server(library: Library, root: Path) -> None:
    if not root.is_dir():
        st.error(t("library.no_server_folder", folder=label(str(root))), icon=":material/error:")
        return
    folder = st.selectbox(t("library.folder"), folders_in(root), key="library_folder")
    files = files_in(root, folder or ".")
    own = root.resolve()
    names = {path.relative_to(own).as_posix(): path for path in files}
    some = st.multiselect(t("library.files"), list(names), key="library_files", help=t("library.files_help"))
    paths = [names[name] for name in some if name in names] or files
    if len(files) >= MOST_FILES:
        st.caption(t("library.too_many", n=f"{MOST_FILES:,}"))
    if not paths:
        st.info(t("library.nothing_there"), icon=":material/info:")
        return
    with shown_errors():
        _tell(library.estimate_adding(paths), sum(path.stat().st_size for path in paths))
    if st.button(t("library.add", n=len(paths)), type="primary", key="library_add_server"):
        with shown_errors():
            library.start_adding(paths)
            st.toast(t("library.begun", n=len(paths)), icon=":material/hourglass_top:")
            st.rerun()


def _tell(estimate: Estimate, size: int) -> None:
    minutes = estimate.minutes
    left = time_words(None if minutes is None else minutes * 60)
    st.write(t("library.estimate", n=f"{estimate.units:,}", size=size_words(size), time=left))
