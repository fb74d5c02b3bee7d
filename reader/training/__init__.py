"""How the embedded reader is taught: `python -m reader.training --data FOLDER`; nothing of it runs in use."""
