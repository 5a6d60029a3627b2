"""Models behind an OpenAI-compatible API: the client, its pace, its cached answers, and a local server to stand in."""
