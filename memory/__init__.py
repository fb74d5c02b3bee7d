"""What is kept: the database, its migrations, documents, units of work."""
