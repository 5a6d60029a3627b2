"""Pictures that small networks are pretrained on: of many kinds, and none of a target data set."""
