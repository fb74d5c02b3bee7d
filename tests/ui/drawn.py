"""What stands on a page that Streamlit's own test runner has drawn."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def words(page: AppTest) -> str:
    """All texts that are not labels of widgets, each on a line of its own."""
    drawn = [*page.markdown, *page.caption, *page.info, *page.success, *page.warning, *page.error]
    html = [str(each.proto.body) for each in page.get("html")]
    return "\n".join([*(each.value for each in drawn), *html])
