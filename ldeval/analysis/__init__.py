"""One module per question of the evaluation: picks rows, weights and estimator; returns estimates."""
