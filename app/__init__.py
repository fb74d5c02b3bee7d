"""The agent pipeline and use cases: settings, composition root, adding, asking, evaluation, command line."""
