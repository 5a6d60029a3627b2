"""The video models of tlzoo, as a Space; cards that were merged into its repository lie in zoo_cards, beside this file."""

from pathlib import Path

from tlzoo.space.app import serve

serve("video", cards=Path(__file__).with_name("zoo_cards"))
