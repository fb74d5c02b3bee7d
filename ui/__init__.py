"""The Streamlit pages, a thin client of `app`; they arrive with their own issue."""
