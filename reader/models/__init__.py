"""Backends of `reader.chat.ChatModel`."""
