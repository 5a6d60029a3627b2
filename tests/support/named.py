"""Checkpoints as libraries write them, with random parameters: what a person names instead of a card."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def tiny_bert(folder: Path) -> Path:
    """A BERT of two layers for masked words, with its tokenizer of letters, as transformers saves them."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    letters = [chr(ord("a") + i) for i in range(26)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    BertForMaskedLM(config).save_pretrained(folder)
    BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    return folder


def mobilenet(models: Path) -> Path:
    """The repository of ``mobilenetv3_small_100`` below a Hub's ``models``, as timm publishes it."""
    import timm

    folder = models / "timm" / "mobilenetv3_small_100.lamb_in1k"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    network = timm.create_model("mobilenetv3_small_100")
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / "model.safetensors"
    )
    cfg = network.pretrained_cfg
    names = ("tag", "custom_load", "input_size", "fixed_input_size", "interpolation", "crop_pct", "crop_mode")
    names += ("mean", "std", "num_classes", "pool_size", "first_conv", "classifier")
    config = {
        "architecture": "mobilenetv3_small_100",
        "num_classes": 1000,
        "num_features": network.num_features,
        "pretrained_cfg": {name: cfg[name] for name in names},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nlibrary_name: timm\n---\n# mobilenetv3\n")
    return folder
