"""Readers: what answers a question from evidence."""
