"""All kinds."""

from tests.data.kinds import pairs, pictures, sounds, text_folders, texts

KINDS = (*pictures.KINDS, *sounds.KINDS, *texts.KINDS, *text_folders.KINDS, *pairs.KINDS)
