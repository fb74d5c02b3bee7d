"""The embedded reader's own model: a question and a text, read together."""
