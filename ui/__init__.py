"""The Streamlit pages, a thin client of `app`: deleting this folder loses no behaviour."""
