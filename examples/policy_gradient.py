"""Policy gradients: a grid world and a cart-pole, both written here, solved by REINFORCE.

    python examples/policy_gradient.py [grid|cart] [--quick]

A network gives the probability of each action. It plays some episodes, and every action taken is
made likelier in proportion to how much better things went than a second network, the baseline,
expected at that moment (Williams, 1992). Both networks learn in one compiled training step, from
the actions taken: loss = -mean(advantage · log pi(action | state)) + ½ mean((return - baseline)²).

A run counts as solved when the policy, playing its likeliest action, meets the goal. Ten seeds
each are tried, and nine of them must get there.
"""

import sys
import time

import numpy as np

import glassgrad as gg
from glassgrad import nn

# --- two small worlds ------------------------------------------------------------------------


class GridWorld:
    """5×5 cells: from the lower left corner to the upper right one, around a wall; -1 a step.

    The shortest way takes 8 steps. An episode ends at the goal or after 50 steps.
    """

    actions, features, limit, discount = 4, 25, 50, 0.97
    rounds, episodes, rate = 150, 16, 0.02
    goal = "reaches the goal by a shortest way, in 8 steps"
    moves = ((1, 0), (-1, 0), (0, 1), (0, -1))
    walls = frozenset({(1, 1), (1, 2), (2, 2), (3, 2), (3, 3)})

    def start(self, rng, n):
        self.place = np.zeros((n, 2), int)

    def look(self):
        """Which cell, one-hot (n, 25)."""
        return np.eye(25, dtype=np.float32)[self.place[:, 0] * 5 + self.place[:, 1]]

    def step(self, actions):
        """Rewards and which episodes have ended, (n,) each."""
        wanted = np.clip(self.place + np.array(self.moves)[actions], 0, 4)
        is_wall = np.array([tuple(cell) in self.walls for cell in wanted])
        self.place = np.where(is_wall[:, None], self.place, wanted)
        return np.full(len(actions), -1.0), (self.place == 4).all(axis=1)

    def is_solved(self, lengths, has_ended):
        return bool(has_ended.all() and lengths.max() == 8)


class CartPole:
    """A pole on a cart, pushed left or right 50 times a second; +1 for each moment it stands.

    The equations and numbers of Barto, Sutton & Anderson (1983). An episode ends when the pole
    leans by 12 degrees, when the cart is 2.4 m from the middle, or after 500 moments.
    """

    actions, features, limit, discount = 2, 4, 500, 0.99
    rounds, episodes, rate = 120, 8, 0.01
    goal = "keeps the pole up for 475 of 500 moments, on average of 20 episodes"
    gravity, cart, pole, half, force, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def start(self, rng, n):
        self.state = rng.uniform(-0.05, 0.05, (n, 4))

    def look(self):
        """Position, speed, angle and its speed, scaled to about 1."""
        return (self.state * (0.5, 0.5, 5.0, 0.5)).astype(np.float32)

    def step(self, actions):
        _, speed, angle, turn = self.state.T
        push = np.where(actions == 1, self.force, -self.force)
        total = self.cart + self.pole
        inertia = (push + self.pole * self.half * turn**2 * np.sin(angle)) / total
        swing = (self.gravity * np.sin(angle) - np.cos(angle) * inertia) / (
            self.half * (4 / 3 - self.pole * np.cos(angle) ** 2 / total)
        )
        pull = inertia - self.pole * self.half * swing * np.cos(angle) / total
        change = np.stack([speed, pull, turn, swing], axis=1)
        self.state = self.state + self.tau * change
        fallen = (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > np.pi / 15)
        return np.ones(len(actions)), fallen

    def is_solved(self, lengths, has_ended):
        return bool(lengths.mean() >= 475)


# --- playing ---------------------------------------------------------------------------------


def play(world, policy, rng, n, *, greedy=False):
    """n episodes at once: states (t, n, d), actions, rewards and who still plays, (t, n) each."""
    world.start(rng, n)
    plays = np.ones(n, bool)
    rows = []
    for _ in range(world.limit):
        state = world.look()
        logits = policy.predict(state)
        noise = 0.0 if greedy else rng.gumbel(size=logits.shape)  # the largest is a fair draw
        actions = np.argmax(logits + noise, axis=1)
        rewards, ended = world.step(actions)
        rows.append((state, actions, rewards * plays, plays.copy()))
        plays &= ~ended
        if not plays.any():
            break
    return [np.stack(column) for column in zip(*rows, strict=True)], ~plays


def returns(rewards, discount):
    """What follows each moment, later rewards discounted: G_t = r_t + discount · G_{t+1}."""
    found = np.zeros_like(rewards)
    total = np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        total = rewards[t] + discount * total
        found[t] = total
    return found


# --- learning --------------------------------------------------------------------------------


def loss(policy, baseline, states, actions, goals, weights):
    """REINFORCE with a learnt baseline; rows of moments that nobody played have weight 0."""
    expected = baseline(states)[:, 0]
    advantages = gg.stop_gradient(goals - expected)
    log_p = nn.log_softmax(policy(states))
    chosen = (log_p * (actions[:, None] == np.arange(log_p.shape[1]))).sum(axis=1)
    entropy = -(np.exp(log_p) * log_p).sum(axis=1)
    gain = advantages * chosen + 0.01 * entropy
    return (weights * (0.5 * (goals - expected) ** 2 - gain)).sum() / weights.sum()


def train(world, seed, rounds):
    """One run; the round in which the goal was met, or None."""
    rng = np.random.default_rng(seed)
    policy = nn.MLP((world.features, 32, world.actions), "tanh", rng=seed)
    baseline = nn.MLP((world.features, 32, 1), "tanh", rng=seed + 1000)
    optimizers = [
        gg.optim.Adam(policy, world.rate, clip_norm=1.0),
        gg.optim.Adam(baseline, world.rate, clip_norm=1.0),
    ]
    step = gg.train_step(loss, [policy, baseline], optimizers)
    rows = world.limit * world.episodes  # one size for all rounds: the step is compiled once
    for number in range(1, rounds + 1):
        (states, actions, rewards, plays), _ = play(world, policy, rng, world.episodes)
        goals = returns(rewards, world.discount) * (1 - world.discount)  # of about one size
        batch = states[plays], actions[plays], goals[plays].astype(np.float32)
        spare = rows - len(batch[0])
        filled = [np.concatenate([x, np.zeros((spare, *x.shape[1:]), x.dtype)]) for x in batch]
        weights = (np.arange(rows) < rows - spare).astype(np.float32)
        step(*filled, weights)
        if number % 5 == 0 and meets_goal(world, policy):
            return number
    return None


def meets_goal(world, policy):
    """Whether 20 episodes of the likeliest actions do what the world asks for."""
    (_, _, _, plays), ended = play(world, policy, np.random.default_rng(1), 20, greedy=True)
    return world.is_solved(plays.sum(axis=0), ended)


def main(*arguments):
    quick = "--quick" in arguments
    wanted = [a for a in arguments if not a.startswith("-")] or ["grid", "cart"]
    worlds = {"grid": GridWorld, "cart": CartPole}
    solved = {}
    for name in wanted:
        world = worlds[name]()
        began = time.perf_counter()
        found = [
            train(world, seed, 5 if quick else world.rounds) for seed in range(1 if quick else 10)
        ]
        solved[name] = sum(number is not None for number in found)
        print(f"{name}: {world.goal}")
        shown = " ".join("-" if number is None else str(number) for number in found)
        print(f"  solved in {solved[name]} of {len(found)} seeds; in round {shown}")
        print(f"  {time.perf_counter() - began:.1f} s")
    return solved


if __name__ == "__main__":
    main(*sys.argv[1:])
