"""The text models of tlzoo, as a Space."""

from tlzoo.space.app import serve

serve("text")
