"""Summaries of documents and of parts of them: what they are made from, measured, written to files."""
