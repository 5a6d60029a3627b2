"""Cards, results, fine-tuned models and Spaces to the Hugging Face Hub, as commits or pull requests.

The wanted contents of a repository are a :class:`~tlzoo.publish.commit.Publication`: plain files, made without the
network by ``card``, ``results``, ``model`` and ``space``. :func:`~tlzoo.publish.commit.publish` compares it with the
repository's present contents, and commits the difference.
"""
