"""Cards, results, fine-tuned models and Spaces to the Hugging Face Hub, as commits or pull requests.

What is to stand in a repository is a :class:`~tlzoo.publish.commit.Publication`: plain files, made without the network
by ``cards``, ``results``, ``model`` and ``space``. :func:`~tlzoo.publish.commit.publish` compares it with what the
repository holds, and commits the difference, if there is one.
"""
