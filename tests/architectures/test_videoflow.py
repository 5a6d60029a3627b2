"""VideoFlow: exactly invertible, a true likelihood, and better than pixels by themselves once trained."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support.published import or_skip
from tlzoo.architectures.videoflow import VideoFlow
from tlzoo.architectures.videoflow.glow import FlowSteps, squeeze, unsqueeze
from tlzoo.data.rendered.moving_mnist import moving_digits
from tlzoo.tasks.video_generation import VideoGeneration


def small(levels: int = 2) -> VideoFlow:
    torch.manual_seed(0)
    return VideoFlow(levels, depth=2, coupling_width=16, latent_width=16, latent_depth=1)


@pytest.fixture(scope="module")
@or_skip()
def rows() -> Any:
    return moving_digits(sizes=(24, 4, 1))


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_latents_give_the_frames_back(levels: int) -> None:
    flow = small(levels).train()
    frames = torch.rand(3, 3, 64, 64) - 0.5
    flow.to_latents(frames)  # sets the norms
    latents, log_determinant = flow.eval().to_latents(frames)
    assert sum(each[0].numel() for each in latents) == 3 * 64 * 64
    assert (flow.to_frames(latents) - frames).abs().max() < 1e-4
    assert log_determinant.shape == (3,)


def test_squeezing_is_undone() -> None:
    x = torch.randn(2, 3, 4, 6)
    assert torch.equal(unsqueeze(squeeze(x)), x)


def test_the_log_determinant_is_that_of_the_jacobian() -> None:
    torch.manual_seed(1)
    steps = FlowSteps(4, depth=2, width=8).double().train()
    for parameter in steps.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = torch.randn(1, 4, 2, 3, dtype=torch.float64)
    steps(x)
    steps.eval()

    def flat(values: Tensor) -> Tensor:
        return steps(values.reshape(x.shape))[0].flatten()

    jacobian = torch.autograd.functional.jacobian(flat, x.flatten())
    assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(steps(x)[1].item(), abs=1e-8)


def test_bits_fall_below_those_of_pixels_by_themselves(rows: Any) -> None:
    flow = VideoFlow(2, depth=3, coupling_width=24, latent_width=24, latent_depth=1)
    examples = [flow.encode(row) for row in rows["train"]]
    held_out = flow.collate([flow.encode(row) for row in rows["validation"]])
    flow.train()
    torch.manual_seed(0)
    flow.loss(flow.collate(examples[:8]))  # sets the norms
    flow.eval()
    before = np.mean([p.bits_per_dim for p in flow.predict(held_out)])
    optimizer = torch.optim.AdamW(flow.parameters(), 1e-3)
    flow.train()
    for step in range(60):
        loss = flow.loss(flow.collate([examples[i] for i in np.random.default_rng(step).choice(24, 4)]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimizer.step()
    flow.eval()
    found = flow.predict(held_out)
    after = np.mean([p.bits_per_dim for p in found])
    count = np.bincount(torch.stack([e["clip"] for e in examples]).flatten().numpy(), minlength=256) + 1
    alone = -np.log2(count / count.sum())[held_out["clip"][:, 3:].flatten().numpy()].mean()
    assert after < before and after < alone
    latents, _ = flow.to_latents(held_out["clip"][:, 0].float() / 256 - 0.5)
    back = (flow.to_frames(latents) + 0.5) * 256
    assert (back - held_out["clip"][:, 0]).abs().max() / 256 < 1e-4, "trained, it is as invertible"
    assert found[0].frames.shape == (13, 64, 64, 3) and found[0].given == [0, 1, 2]
    task = VideoGeneration(rows["train"].features)
    assert set(task.statistics(found[0], rows["validation"][0])) == {"psnr", "ssim", "psnr_gain", "bits_per_dim"}


def test_a_temperature_varies_what_follows(rows: Any) -> None:
    flow = small().train()
    batch = flow.collate([flow.encode(row) for row in rows["train"]][:2])
    flow.loss(batch)
    flow.eval()
    first = batch["clip"][:, :3].float()
    calm, wild = flow.generate(first, 2), flow.generate(first, 2, temperature=0.5)
    assert calm.shape == (2, 2, 3, 64, 64) and not torch.equal(calm, wild)
    assert torch.equal(wild, flow.generate(first, 2, temperature=0.5)), "the same seed, the same frames"


@pytest.mark.parametrize("additive", [False, True])
def test_the_published_network_is_invertible_and_learns(additive: bool) -> None:
    torch.manual_seed(0)
    flow = VideoFlow(3, 1, 8, 4, 1, gated=True, additive=additive)
    stacks = [len(prior.blocks[0]) for prior in flow.priors]  # type: ignore[union-attr, index, arg-type]
    assert stacks == [3, 3, 2], "on a map of 8 by 8, a dilation of 4 reaches too far"
    clip = torch.randint(0, 256, (2, 16, 3, 1, 1)).expand(2, 16, 3, 64, 64) + torch.randint(0, 9, (2, 16, 3, 64, 64))
    batch = {"clip": clip.clamp(max=255).byte()}
    flow.train()
    losses = []
    optimizer = torch.optim.AdamW(flow.parameters(), 1e-3)
    for _ in range(12):
        loss = flow.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) and np.isfinite(losses).all()
    frames = torch.rand(2, 3, 64, 64) - 0.5
    with torch.no_grad():
        latents, _ = flow.eval().to_latents(frames)
        assert (flow.to_frames(latents) - frames).abs().max() < 1e-3
