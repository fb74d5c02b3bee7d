"""The pages, one file each: `show()` draws one run of it."""
