"""Models behind an OpenAI-compatible API: the client, its pace, its kept answers, and a local server to stand in."""
