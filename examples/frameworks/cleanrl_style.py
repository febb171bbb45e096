# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env", "torch==2.13.0", "tyro>=1.0"]
#
# [tool.uv.sources]
# ble-env = { path = "../../packages/ble-env", editable = true }
# ///
# pyright: reportMissingImports=false
"""PPO in one file, in the style of CleanRL: torch with many balloons at once, to read from top to bottom.

uv run examples/frameworks/cleanrl_style.py --num-envs 128 --steps 4000000 --save policy.pt
"""

import time
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np
import torch
import tyro
from torch import nn
from torch.distributions import Categorical


@dataclass
class Args:
    """Options. The defaults are for a short trial, not for a good policy."""

    steps: int = 1024
    """steps of all environments together"""
    num_envs: int = 8
    rollout_steps: int = 32
    """steps of each environment between updates"""
    episode_steps: int = 60
    """time limit, 3 minutes each; the benchmark flies 960"""
    learning_rate: float = 3e-4
    gamma: float = 0.993
    gae_lambda: float = 0.95
    epochs: int = 4
    minibatches: int = 4
    clip: float = 0.2
    entropy_coefficient: float = 0.01
    value_coefficient: float = 0.5
    max_grad_norm: float = 0.5
    seed: int = 0
    torch_device: str = "cuda" if torch.cuda.is_available() else "cpu"
    save: Path | None = None
    """file for the parameters"""


def layer(inputs: int, outputs: int, scale: float = 2**0.5) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, scale)
    nn.init.zeros_(linear.bias)
    return linear


class ActorCritic(nn.Module):
    """A policy and a value of the observation."""

    def __init__(self, num_inputs: int, num_actions: int) -> None:
        super().__init__()
        self.actor = nn.Sequential(
            layer(num_inputs, 128), nn.Tanh(), layer(128, 128), nn.Tanh(), layer(128, num_actions, 0.01)
        )
        self.critic = nn.Sequential(layer(num_inputs, 128), nn.Tanh(), layer(128, 128), nn.Tanh(), layer(128, 1, 1.0))

    def forward(self, observations: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        return Categorical(logits=self.actor(observations)), self.value(observations)

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        return self.critic(observations).squeeze(-1)


args = tyro.cli(Args, description=__doc__)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
device = torch.device(args.torch_device)

# The processor computes the balloons, on all cores, which leaves an accelerator to torch. With SAME_STEP every step is
# one of an episode, and the last observation of an ended episode is in the infos.
envs = gymnasium.make_vec(
    "ble_env:BalloonLearningEnvironment-v0",
    num_envs=args.num_envs,
    max_episode_steps=args.episode_steps,
    autoreset_mode="SameStep",
    device="cpu",
)
num_inputs = envs.single_observation_space.shape[0]  # type: ignore[index]
agent = ActorCritic(num_inputs, int(envs.single_action_space.n)).to(device)  # type: ignore[attr-defined]
optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

shape = (args.rollout_steps, args.num_envs)
observations = torch.zeros((*shape, num_inputs), device=device)
actions = torch.zeros(shape, dtype=torch.long, device=device)
log_probabilities, values, rewards, dones = (torch.zeros(shape, device=device) for _ in range(4))

observation = torch.as_tensor(envs.reset(seed=args.seed)[0], device=device)
num_updates = max(1, args.steps // (args.rollout_steps * args.num_envs))
start = time.perf_counter()
for update in range(1, num_updates + 1):
    optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - (update - 1) / num_updates)

    # Fly. Rewards are float64; they are written into float32 tensors.
    reward_sum = 0.0
    for t in range(args.rollout_steps):
        observations[t] = observation
        with torch.no_grad():
            policy, values[t] = agent(observation)
        actions[t] = policy.sample()
        log_probabilities[t] = policy.log_prob(actions[t])
        flown, reward, terminated, truncated, infos = envs.step(actions[t].cpu().numpy())
        reward_sum += reward.sum()
        rewards[t] = torch.as_tensor(reward)
        dones[t] = torch.as_tensor(terminated | truncated)
        # At a time limit the return continues: the value of the last observation estimates the rest.
        cut = np.flatnonzero(truncated & ~terminated)
        if cut.size:
            last = torch.as_tensor(np.stack(infos["final_obs"][cut]), device=device)
            with torch.no_grad():
                rewards[t, cut] += args.gamma * agent.value(last)
        observation = torch.as_tensor(flown, device=device)

    # Advantages, from the last step back to the first. None reaches beyond the end of an episode.
    with torch.no_grad():
        next_value = agent.value(observation)
    advantages = torch.zeros_like(rewards)
    advantage = torch.zeros(args.num_envs, device=device)
    for t in reversed(range(args.rollout_steps)):
        continues = 1.0 - dones[t]
        delta = rewards[t] + args.gamma * continues * next_value - values[t]
        advantages[t] = advantage = delta + args.gamma * args.gae_lambda * continues * advantage
        next_value = values[t]
    returns = advantages + values

    # Learn.
    flat = [x.flatten(0, 1) for x in (observations, actions, log_probabilities, advantages, returns)]
    for _ in range(args.epochs):
        for rows in np.array_split(rng.permutation(shape[0] * shape[1]), args.minibatches):
            seen, taken, old_log_probability, gain, target = (x[rows] for x in flat)
            policy, value = agent(seen)
            ratio = (policy.log_prob(taken) - old_log_probability).exp()
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            policy_loss = -torch.min(ratio * gain, ratio.clamp(1 - args.clip, 1 + args.clip) * gain).mean()
            value_loss = 0.5 * (value - target).square().mean()
            entropy = policy.entropy().mean()
            loss = policy_loss + args.value_coefficient * value_loss - args.entropy_coefficient * entropy
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
            optimizer.step()

    flown_steps = update * rewards.numel()
    print(
        f"{flown_steps} steps: reward {reward_sum / rewards.numel():.3f} a step, value loss {value_loss.item():.3f},"
        f" entropy {entropy.item():.3f}, {flown_steps / (time.perf_counter() - start):.0f} steps a second"
    )

if args.save is not None:
    torch.save(agent.state_dict(), args.save)
envs.close()
