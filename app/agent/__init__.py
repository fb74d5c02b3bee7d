"""The agent: a LangGraph graph of recall, route, retrieve, select, enough, reason, verify, remember."""
