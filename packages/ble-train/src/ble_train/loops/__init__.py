"""The training loops: `classic` for any agent in one environment, `lanes` for a learner in many."""
