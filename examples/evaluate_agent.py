"""An evaluation from Python: it flies a suite, prints every result and a summary, and writes the results.

uv run examples/evaluate_agent.py --agent perciatelli44 --suite tiny_eval --output perciatelli44.json
"""

import argparse
from pathlib import Path

import gymnasium

from ble_agents import create_agent
from ble_eval import EvaluationResult, eval_agent, get_eval_suite, summarize, write_results


def report(result: EvaluationResult) -> None:
    """Print the result of an episode."""
    path = result.flight_path
    ending = "failed" if result.failed else "flew to the end"
    print(
        f"seed {result.seed}: {ending}, {result.time_within_radius:.1%} within 50 km,"
        f" reward {result.cumulative_reward:.1f}, at ({path.x[-1]:.0f}, {path.y[-1]:.0f}) km in the end"
    )


def evaluate(agent_name: str, suite_name: str) -> list[EvaluationResult]:
    """Fly the agent through the suite."""
    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", precision="float32")
    agent = create_agent(agent_name, seed=0)
    results = eval_agent(agent, env, get_eval_suite(suite_name), on_episode=report)
    summary = summarize(results)
    if summary.overall.twr50 is not None:
        print(f"{agent.get_name()}: TWR50 {summary.overall.twr50.value:.3f}, failures {summary.failures}")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", default="station_seeker", help="name of an installed agent")
    parser.add_argument("--suite", default="micro_eval", help="name of an installed suite")
    parser.add_argument("--output", type=Path, help="file for the results")
    arguments = parser.parse_args()
    results = evaluate(arguments.agent, arguments.suite)
    if arguments.output is not None:
        write_results(arguments.output, results)
