"""The image models of tlzoo, as a Space; zoo_cards beside this file holds the cards that were merged here."""

from pathlib import Path

from tlzoo.space.app import serve

serve("image", cards=Path(__file__).with_name("zoo_cards"))
