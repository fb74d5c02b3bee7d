"""Generated haystacks: prose of any length from our own words, and what is hidden in it."""
